"""Joining arrays and taking them apart: concatenate and stack in all their forms, split, insert, delete, repeat."""

import operator

import numpy as np

from ..primitive import Tracer, bind, implements, shape_of
from .elementwise import astype
from .shape import (
    PACK,
    RESHAPE,
    array,
    as_array,
    broadcast_to,
    concatenate,
    fixed,
    one_axis,
    reshape,
    stack,
    store,
    transpose,
    view,
)


def _typed(out, dtype):
    return out if dtype is None else astype(out, dtype)


@implements(np.concatenate)
def _np_concatenate(arrays, axis=0, out=None, *, dtype=None, casting="same_kind"):
    return store("concatenate", out, _typed(concatenate(_rows(arrays), axis), dtype))


def _rows(arrays):
    """A sequence of arrays, or the rows of one array."""
    return list(arrays) if type(arrays) is Tracer else arrays


@implements(np.stack)
def _np_stack(arrays, axis=0, out=None, *, dtype=None, casting="same_kind"):
    parts = [as_array(a) for a in _rows(arrays)]
    if len(parts) == 1 and not parts[0].shape:
        stacked = bind(PACK, tuple(parts))
    else:
        stacked = stack(parts, axis)
    return store("stack", out, _typed(stacked, dtype))


def lift(a, ndim: int):
    """atleast_1d, atleast_2d and atleast_3d of one array: axes of length one in front (the third behind)."""
    a = as_array(a)
    shape = a.shape
    if len(shape) >= ndim:
        return a
    if ndim == 3 and len(shape) == 2:
        new = (*shape, 1)
    elif ndim == 3 and shape:
        new = (1, *shape, 1)
    else:
        new = (1,) * (ndim - len(shape)) + shape
    return view(a, reshape(a, new), lambda changed: reshape(changed, shape), RESHAPE, shape=new)


def _atleast(ndim: int):
    def atleast(*arrays):
        out = [lift(a, ndim) for a in arrays]
        return out[0] if len(out) == 1 else tuple(out)
    return atleast


for _ndim, _function in enumerate((np.atleast_1d, np.atleast_2d, np.atleast_3d), 1):
    implements(_function)(_atleast(_ndim))


@implements(np.vstack)
def _np_vstack(tup, *, dtype=None, casting="same_kind"):
    return _typed(concatenate([lift(a, 2) for a in _rows(tup)], 0), dtype)


@implements(np.hstack)
def _np_hstack(tup, *, dtype=None, casting="same_kind"):
    parts = [lift(a, 1) for a in _rows(tup)]
    return _typed(concatenate(parts, 0 if parts[0].ndim == 1 else 1), dtype)


@implements(np.dstack)
def _np_dstack(tup):
    return concatenate([lift(a, 3) for a in _rows(tup)], 2)


@implements(np.column_stack)
def _np_column_stack(tup):
    parts = [as_array(a) for a in _rows(tup)]
    return concatenate([reshape(a, (-1, 1)) if a.ndim < 2 else a for a in parts], 1)


@implements(np.block)
def _np_block(arrays):
    """Innermost lists are joined along the last axis, the next along the last but one."""
    depth = _depth(arrays)
    ndim = max(depth, _highest(arrays))

    def build(part, level: int):
        if isinstance(part, list):
            return concatenate([build(p, level + 1) for p in part], ndim - depth + level)
        return lift_front(as_array(part), ndim)
    return build(arrays, 0)


def lift_front(a, ndim: int):
    return reshape(a, (1,) * (ndim - a.ndim) + a.shape)


def _depth(part) -> int:
    return 1 + max((_depth(p) for p in part), default=0) if isinstance(part, list) else 0


def _highest(part) -> int:
    return max(map(_highest, part), default=0) if isinstance(part, list) else len(shape_of(as_array(part)))


# --- taking apart -----------------------------------------------------------------------------------------------------


def section(axis: int, start, stop=None, step=None) -> tuple:
    return (slice(None),) * axis + (slice(start, stop, step),)


def _split(name: str, even: bool):
    def split(ary, indices_or_sections, axis=0):
        ary, cuts = as_array(ary), fixed(indices_or_sections, name)
        axis = one_axis(axis, ary.ndim)
        n = ary.shape[axis]
        if np.ndim(cuts) == 0:
            count = operator.index(cuts)
            if count <= 0:
                raise ValueError("number sections must be larger than 0.")
            if even and n % count:
                raise ValueError("array split does not result in an equal division")
            sizes = [n // count + (k < n % count) for k in range(count)]
            cuts = np.cumsum(sizes[:-1]).tolist()
        bounds = [None, *map(operator.index, cuts), None]
        return [ary[section(axis, start, stop)] for start, stop in zip(bounds, bounds[1:], strict=False)]
    return split


array_split = implements(np.array_split)(_split("np.array_split", False))
split = implements(np.split)(_split("np.split", True))


@implements(np.hsplit)
def _np_hsplit(ary, indices_or_sections):
    return split(ary, indices_or_sections, 0 if as_array(ary).ndim == 1 else 1)


implements(np.vsplit)(lambda ary, indices_or_sections: split(ary, indices_or_sections, 0))
implements(np.dsplit)(lambda ary, indices_or_sections: split(ary, indices_or_sections, 2))


@implements(np.unstack)
def _np_unstack(x, /, *, axis=0):
    return tuple(np.moveaxis(as_array(x), axis, 0))


@implements(np.meshgrid)
def _np_meshgrid(*xi, copy=True, sparse=False, indexing="xy"):
    if indexing not in ("xy", "ij"):
        raise ValueError("Valid values for `indexing` are 'xy' and 'ij'.")
    ndim, parts = len(xi), [reshape(as_array(x), (-1,)) for x in xi]
    order = list(range(ndim))
    if indexing == "xy" and ndim > 1:
        order[:2] = [1, 0]
    parts = [reshape(p, tuple(-1 if i == order[k] else 1 for i in range(ndim))) for k, p in enumerate(parts)]
    if not sparse:
        shape = np.broadcast_shapes(*[p.shape for p in parts])
        parts = [broadcast_to(p, shape) for p in parts]
    return tuple(p.copy() if copy else p for p in parts)


@implements(np.ix_)
def _np_ix(*args):
    parts = [as_array(a) for a in args]
    parts = [np.flatnonzero(p) if p.dtype.kind == "b" else p for p in parts]
    return tuple(reshape(p, tuple(-1 if i == k else 1 for i in range(len(parts)))) for k, p in enumerate(parts))


@implements(np.asarray_chkfinite)
def _np_asarray_chkfinite(a, dtype=None, order=None):
    out = _typed(as_array(a), dtype)
    if not np.all(np.isfinite(out)):
        raise ValueError("array must not contain infs or NaNs")
    return out


@implements(np.asfortranarray)
def _np_asfortranarray(a, dtype=None, *, like=None):
    a = _typed(as_array(a), dtype)
    turned = reshape(reshape(transpose(a), (-1,)), a.shape[::-1])       # a copy in C order, seen from the other side
    return transpose(turned) if a.ndim > 1 else a


@implements(np.require)
def _np_require(a, dtype=None, requirements=None, *, like=None):
    wanted = {r[0].upper() for r in ([requirements] if isinstance(requirements, str) else requirements or [])}
    return _np_asfortranarray(a, dtype) if "F" in wanted else _typed(as_array(a), dtype)


implements(np.fromiter)(lambda iter, dtype, count=-1, *, like=None: _typed(
    array([v for _, v in zip(range(count) if count >= 0 else iter, iter, strict=False)]), dtype))
