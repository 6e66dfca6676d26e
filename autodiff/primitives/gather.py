"""Reading and writing at places that are computed: x[i] with traced integers i, along an axis, and their adjoints.

The places are inputs of the operation, not parameters: a recording stays valid wherever they point. Integers have no
derivative. An index is a tuple as in NumPy in which `PLACE` stands for the next traced array of places.
"""

import numpy as np

from ..graph import Static
from ..primitive import Primitive, Tracer, bind, implements, is_traced, shape_of
from .elementwise import same_type
from .shape import as_array, one_axis, reshape, store, whole

VECTOR, ORDER = np.array([0.5, 1.5, -2.0, 3.0]), np.array([2, 0, 0])
MATRIX, COLUMNS = np.arange(6.0).reshape(2, 3) ** 2, np.array([[2, 0], [1, 1]])


class _Place:
    """Stands in an index for an array of places that is an input."""

    def __repr__(self):
        return "·"

    def __reduce__(self):
        return "PLACE"


PLACE = _Place()
HERE = Static((PLACE,))


def filled(index: Static, places) -> tuple:
    """The index with its places put in."""
    given = iter(places)
    return tuple([np.asarray(next(given))[()] if part is PLACE else part for part in index.value])


def part_shape(shape: tuple[int, ...], index: Static, places) -> tuple[int, ...]:
    """Shape of x[index]: it depends on the shapes of the places alone."""
    probe = np.broadcast_to(np.empty((), np.bool_), shape)
    return np.shape(probe[filled(index, [np.zeros(shape_of(p), np.intp) for p in places])])


class FirstOnly:
    """The transposes of an operation that is linear in its first input, whatever number of others follows."""

    def __init__(self, *rules):
        self.rules = rules

    def __getitem__(self, number: int):
        return self.rules[number] if number < len(self.rules) else None


def _scatter_at(part, *places, index, shape):
    out = np.zeros(shape, same_type(part))
    np.add.at(out, filled(index, places), part)
    return out


def _assign_at(x, value, *places, index):
    out = np.array(x, dtype=same_type(x, value) if np.asarray(x).dtype.kind in "fc" else None)
    out[filled(index, places)] = value
    return out


def _last(*places, index, shape):
    """Of the entries written, whether no later one goes to the same place."""
    spots = np.arange(int(np.prod(shape, dtype=int))).reshape(shape)[filled(index, places)]
    latest = np.zeros(int(np.prod(shape, dtype=int)), np.intp)
    latest[spots.ravel()] = np.arange(spots.size)
    return np.asarray(latest[spots] == np.arange(spots.size).reshape(spots.shape))[()]


def _value_adjoint(ct, x, value, *places, index):
    return np.where(LAST(*places, index=index, shape=shape_of(x)), GATHER(ct, *places, index=index), 0.0)


def _part(x, *places, index):
    out = x[filled(index, places)]
    return np.array(out) if isinstance(out, np.ndarray) and out.base is not None else out     # never a view


GATHER = Primitive("gather", _part,
                   lambda x, *places, index: (part_shape(shape_of(x), index, places), x.dtype),
                   transpose=FirstOnly(lambda ct, x, *places, index: SCATTER_AT(ct, *places, index=index,
                                                                                shape=shape_of(x))),
                   samples=(((VECTOR, ORDER), {"index": HERE}), ((VECTOR, np.int64(2)), {"index": HERE}),
                            ((MATRIX, COLUMNS), {"index": Static((slice(None), PLACE))}),
                            ((MATRIX, COLUMNS[1], COLUMNS), {"index": Static((PLACE, None, PLACE))})))
SCATTER_AT = Primitive("scatter_at", _scatter_at, lambda part, *places, index, shape: (shape, same_type(part)),
                       transpose=FirstOnly(lambda ct, part, *places, index, shape: GATHER(ct, *places, index=index)),
                       samples=(((VECTOR[:3], ORDER), {"index": HERE, "shape": (4,)}),
                                ((np.float64(2.0), np.int64(1)), {"index": HERE, "shape": (4,)})))
ASSIGN_AT = Primitive("assign_at", _assign_at, lambda x, value, *places, index: (shape_of(x), same_type(x, value)),
                      transpose=FirstOnly(
                          lambda ct, x, value, *places, index: ASSIGN_AT(ct, 0.0, *places, index=index),
                          _value_adjoint),
                      samples=(((VECTOR, VECTOR[:3] ** 2, ORDER), {"index": HERE}),
                               ((VECTOR, np.float64(2.0), np.int64(1)), {"index": HERE})))
LAST = Primitive("last_write", _last, lambda *places, index, shape: (part_shape(shape, index, places),
                                                                     np.dtype(np.bool_)),
                 transpose=FirstOnly(), samples=(((ORDER,), {"index": HERE, "shape": (4,)}),))


def along(axis: int, shape: tuple[int, ...]) -> Static:
    """The index that takes places along one axis of an array of this shape, in step along the others."""
    ndim = len(shape)
    return Static(tuple([PLACE if i == axis else np.arange(n).reshape((1,) * i + (-1,) + (1,) * (ndim - i - 1))
                         for i, n in enumerate(shape)]))


def take_along(x, indices, axis: int):
    """np.take_along_axis for a normalised axis."""
    return bind(GATHER, (x, indices), {"index": along(axis, shape_of(x))})


def part_of(a, index: tuple):
    """a[index] where either may be traced."""
    if type(a) is Tracer or not is_traced(index):
        return a[index]
    places = tuple([part for part in index if type(part) is Tracer])
    return bind(GATHER, (a, *places), {"index": Static(tuple([PLACE if type(p) is Tracer else p for p in index]))})


@implements(np.take_along_axis)
def _np_take_along_axis(arr, indices, axis=-1):
    arr, indices = as_array(arr), as_array(indices)
    if axis is None:
        arr, axis = reshape(arr, (-1,)), 0
    if arr.ndim != indices.ndim:
        raise ValueError("`indices` and `arr` must have the same number of dimensions")
    if indices.dtype.kind not in "iu":
        raise IndexError("`indices` must be an integer array")
    return take_along(arr, indices, one_axis(axis, arr.ndim))


@implements(np.put_along_axis)
def _np_put_along_axis(arr, indices, values, axis):
    if type(arr) is not Tracer:
        raise whole("np.put_along_axis")
    if axis is None:
        _np_put_along_axis(arr.reshape(-1), np.ravel(as_array(indices)), values, 0)
        return
    indices = as_array(indices)
    index = along(one_axis(axis, arr.ndim), arr.shape).value
    arr[tuple([indices if part is PLACE else part for part in index])] = values


@implements(np.take)
def _np_take(a, indices, axis=None, out=None, mode="raise"):
    a, indices = as_array(a), as_array(indices)
    if axis is None:
        a, axis = reshape(a, (-1,)), 0
    axis = one_axis(axis, a.ndim)
    if mode in ("wrap", "clip"):
        indices = np.mod(indices, a.shape[axis]) if mode == "wrap" else np.clip(indices, 0, a.shape[axis] - 1)
    elif mode != "raise":
        raise ValueError(f"clipmode must be one of 'clip', 'raise', or 'wrap' (got {mode!r})")
    if type(indices) is not Tracer and not indices.size:
        indices = indices.astype(np.intp)
    return store("take", out, part_of(a, (slice(None),) * axis + (indices,)))


@implements(np.choose)
def _np_choose(a, choices, out=None, mode="raise"):
    """choices[a[I]][I]: a gather from the stacked choices along a new first axis."""
    a, choices = as_array(a), [as_array(c) for c in choices]
    shape = np.broadcast_shapes(shape_of(a), *[c.shape for c in choices])
    stacked = np.stack([np.broadcast_to(c, shape) for c in choices])
    a = np.broadcast_to(a, shape)
    if mode == "wrap":
        a = np.mod(a, len(choices))
    elif mode == "clip":
        a = np.clip(a, 0, len(choices) - 1)
    elif type(a) is not Tracer and np.any((a < 0) | (a >= len(choices))):
        raise ValueError("invalid entry in choice array")
    return store("choose", out, take_along(stacked, reshape(a, (1, *shape)), 0)[0])


@implements(np.put)
def _np_put(a, ind, v, mode="raise"):
    """a.flat[ind] = v, with v repeated as needed."""
    if type(a) is not Tracer:
        raise whole("np.put")
    ind = np.ravel(as_array(ind))
    if mode != "raise":
        ind = np.mod(ind, a.size) if mode == "wrap" else np.clip(ind, 0, a.size - 1)
    v = np.ravel(as_array(v))
    if ind.size and v.size:
        a.flat[ind] = v[np.arange(ind.size) % v.size]


@implements(np.putmask)
def _np_putmask(a, mask, values):
    """Where the mask holds, values at the same place (repeated, counted over all of a)."""
    if type(a) is not Tracer:
        raise whole("np.putmask")
    values = np.ravel(as_array(values))
    if values.size:
        a[...] = np.where(as_array(mask).reshape(a.shape), values[np.arange(a.size) % values.size].reshape(a.shape), a)


@implements(np.place)
def _np_place(arr, mask, vals):
    """The places where the mask holds, in order, get the values in order (repeated)."""
    if type(arr) is not Tracer:
        raise whole("np.place")
    mask, vals = as_array(mask).reshape(arr.shape), np.ravel(as_array(vals))
    if not vals.size:
        raise ValueError("Cannot insert from an empty array!")
    count = np.cumsum(np.ravel(mask != 0)) - 1
    arr[...] = np.where(mask, vals[np.mod(np.maximum(count, 0), vals.size)].reshape(arr.shape), arr)


@implements(np.copyto)
def _np_copyto(dst, src, casting="same_kind", where=True):
    if type(dst) is not Tracer:
        raise whole("np.copyto")
    src = np.broadcast_to(as_array(src), dst.shape)
    dst[...] = src if where is True else np.where(where, src, dst)


@implements(np.compress)
def _np_compress(condition, a, axis=None, out=None):
    a = as_array(a)
    if axis is None:
        a, axis = reshape(a, (-1,)), 0
    kept = np.flatnonzero(as_array(condition))
    return store("compress", out, a[(slice(None),) * one_axis(axis, a.ndim) + (kept,)])


@implements(np.extract)
def _np_extract(condition, arr):
    return np.ravel(as_array(arr))[np.flatnonzero(as_array(condition))]
