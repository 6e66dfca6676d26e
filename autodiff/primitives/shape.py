"""Rows that move data without computing: reshape, transpose, broadcast, concatenate and friends. All linear."""

import math
import operator

import numpy as np

from ..primitive import Primitive, Tracer, bind, implements, shape_of
from .elementwise import astype, same_type

FULL = np.arange(1.0, 7.0).reshape(2, 3)


def axes(axis, ndim: int) -> tuple[int, ...]:
    """Normalised, sorted tuple of axes; None means all."""
    if axis is None:
        return tuple(range(ndim))
    given = axis if isinstance(axis, tuple) else (axis,)
    normal = tuple(sorted(operator.index(a) + ndim if a < 0 else operator.index(a) for a in given))
    if any(not 0 <= a < ndim for a in normal) or len(set(normal)) < len(normal):
        raise np.exceptions.AxisError(f"axis {axis} is out of bounds or repeated for array of dimension {ndim}")
    return normal


def one_axis(axis: int, ndim: int) -> int:
    return axes(int(axis), ndim)[0]


RESHAPE = Primitive("reshape", lambda x, shape: np.reshape(x, shape), lambda x, shape: (shape, x.dtype),
                    transpose=(lambda ct, x, shape: reshape(ct, shape_of(x)),), view=True,
                    samples=(((FULL,), {"shape": (3, 2)}), ((np.array([1.0]),), {"shape": ()})))
TRANSPOSE = Primitive("transpose", lambda x, perm: np.transpose(x, perm),
                      lambda x, perm: (tuple(x.shape[p] for p in perm), x.dtype), view=True,
                      transpose=(lambda ct, x, perm: transpose(ct, tuple(np.argsort(perm).tolist())),),
                      samples=(((FULL,), {"perm": (1, 0)}), ((FULL.reshape(1, 2, 3),), {"perm": (2, 0, 1)})))
BROADCAST = Primitive("broadcast_to", lambda x, shape: np.broadcast_to(x, shape),
                      lambda x, shape: (shape, same_type(x)),
                      transpose=(lambda ct, x, shape: ct,), view=True,   # the caller sums broadcast axes back
                      samples=(((np.array([1.0, 2.0]),), {"shape": (3, 2)}), ((0.5,), {"shape": (2,)})))


def reshape(x, shape):
    shape = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    shape = tuple(operator.index(s) for s in shape)
    if -1 in shape:
        known = -math.prod(shape)
        if known == 0 or x.size % known:
            raise ValueError(f"cannot reshape array of size {x.size} into shape {shape}")
        shape = tuple(x.size // known if s == -1 else s for s in shape)
    old = shape_of(x)
    if math.prod(shape) != math.prod(old):
        raise ValueError(f"cannot reshape array of size {math.prod(old)} into shape {shape}")
    return x if old == shape else bind(RESHAPE, (x,), {"shape": shape})


def transpose(x, perm=None):
    ndim = len(shape_of(x))
    perm = tuple(range(ndim))[::-1] if perm is None else tuple(axes(p, ndim)[0] for p in perm)
    return x if perm == tuple(range(ndim)) else bind(TRANSPOSE, (x,), {"perm": perm})


def broadcast_to(x, shape):
    shape = tuple(shape) if isinstance(shape, (tuple, list)) else (operator.index(shape),)
    return x if shape_of(x) == shape else bind(BROADCAST, (x,), {"shape": shape})


def expand(x, kept: tuple[int, ...]):
    """Put back axes of length one where a reduction took them out."""
    return x if shape_of(x) in ((), kept) else reshape(x, kept)


def _concatenate_part(number: int):
    def part(ct, *parts, axis):
        start = sum(shape_of(p)[axis] for p in parts[:number])
        return ct[(slice(None),) * axis + (slice(start, start + shape_of(parts[number])[axis]),)]
    return part


class _Parts:
    """The transposes of an operation with any number of inputs."""

    def __init__(self, part):
        self.part, self.made = part, []

    def __getitem__(self, number: int):
        while len(self.made) <= number:
            self.made.append(self.part(len(self.made)))
        return self.made[number]


def _concatenate_shape(*parts, axis):
    shape = list(shape_of(parts[0]))
    shape[axis] = sum(shape_of(p)[axis] for p in parts)
    return tuple(shape), same_type(*parts)


CONCATENATE = Primitive("concatenate", lambda *parts, axis: np.concatenate(parts, axis), _concatenate_shape,
                        transpose=_Parts(_concatenate_part),
                        samples=(((FULL, FULL[:, :2]), {"axis": 1}), ((FULL, FULL[:1]), {"axis": 0})))


def _pack(*scalars):
    return np.array(scalars, dtype=same_type(*scalars))


PACK = Primitive("pack", _pack, lambda *scalars: ((len(scalars),), same_type(*scalars)),
                 transpose=_Parts(lambda number: lambda ct, *scalars: ct[number]),
                 samples=((np.float64(0.5), np.float64(1.5), 2.0),))


def concatenate(parts, axis=0):
    parts = [p if type(p) is Tracer else np.asarray(p) for p in parts]
    if axis is None:
        parts, axis = [p.ravel() for p in parts], 0
    if any(not p.shape for p in parts):
        raise ValueError("zero-dimensional arrays cannot be concatenated")
    axis = one_axis(axis, parts[0].ndim)
    rests = {(*p.shape[:axis], *p.shape[axis + 1:]) for p in parts}
    if len(rests) > 1:
        raise ValueError(f"concatenate: shapes differ outside axis {axis}: {[p.shape for p in parts]}")
    return parts[0].copy() if len(parts) == 1 else bind(CONCATENATE, tuple(parts), {"axis": axis})


def stack(parts, axis=0):
    parts = [p if type(p) is Tracer else np.asarray(p) for p in parts]
    shape = parts[0].shape
    if any(p.shape != shape for p in parts):
        raise ValueError(f"all input arrays must have the same shape, got {sorted({p.shape for p in parts})}")
    if not shape:
        return bind(PACK, tuple([p if type(p) is Tracer else p[()] for p in parts]))
    axis = one_axis(axis, len(shape) + 1)
    kept = (*shape[:axis], 1, *shape[axis:])
    return concatenate([reshape(p, kept) if type(p) is Tracer else p.reshape(kept) for p in parts], axis)


def array(value):
    """np.array for nested lists that hold traced values."""
    if type(value) is Tracer or not isinstance(value, (list, tuple)):
        return value
    if not _any_traced(value):
        return np.asarray(value)
    return stack([array(v) for v in value])


def _any_traced(value) -> bool:
    return type(value) is Tracer or isinstance(value, (list, tuple)) and any(map(_any_traced, value))


# --- NumPy's names ----------------------------------------------------------------------------------------------------


def _no_out(name: str, out) -> None:
    if out is not None:
        from ..errors import TraceError
        raise TraceError(f"np.{name}: out= is not supported on traced values", "assign the result: y[...] = np.f(x)")


@implements(np.asarray, np.asanyarray, np.ascontiguousarray)
def _np_asarray(value, dtype=None, order=None, *, copy=None, ndmin=0, like=None, subok=False):
    out = array(value)
    if ndmin > len(out.shape):
        out = reshape(out, (1,) * (ndmin - len(out.shape)) + out.shape)
    return out if dtype is None else astype(out, dtype)


@implements(np.array)
def _np_array(value, dtype=None, *, copy=True, **kwargs):
    out = _np_asarray(value, dtype, **kwargs)
    return out.copy() if out is value and copy else out


@implements(np.copy)
def _np_copy(a, order="K", subok=False):
    return a.copy()


@implements(np.reshape)
def _np_reshape(a, shape=None, order="C", *, newshape=None, copy=None):
    shape = newshape if shape is None else shape
    if order == "F":
        flipped = tuple(shape)[::-1] if isinstance(shape, (tuple, list)) else shape
        return transpose(reshape(transpose(a), flipped))
    return view(a, reshape(a, shape), lambda new: reshape(new, a.shape))


def view(base, out, writeback):
    """Mark `out` as a NumPy view of `base`: a write to either shows in the other (indexing.py)."""
    if type(base) is Tracer:
        from .indexing import share
        share(base, out, writeback)
    return out


@implements(np.ravel)
def _np_ravel(a, order="C"):
    return _np_reshape(a, (-1,), order=order)


@implements(np.transpose, np.permute_dims)
def _np_transpose(a, axes=None):
    out = transpose(a, axes)
    perm = None if axes is None else tuple(np.argsort([one_axis(p, a.ndim) for p in axes]).tolist())
    return view(a, out, lambda new: transpose(new, perm))


@implements(np.matrix_transpose)
def _np_matrix_transpose(a):
    return _np_swapaxes(a, -1, -2)


@implements(np.swapaxes)
def _np_swapaxes(a, axis1, axis2):
    perm = list(range(a.ndim))
    i, j = one_axis(axis1, a.ndim), one_axis(axis2, a.ndim)
    perm[i], perm[j] = perm[j], perm[i]
    return _np_transpose(a, tuple(perm))


@implements(np.moveaxis)
def _np_moveaxis(a, source, destination):
    sources = [one_axis(s, a.ndim) for s in np.atleast_1d(source)]
    targets = [one_axis(d, a.ndim) for d in np.atleast_1d(destination)]
    rest = [i for i in range(a.ndim) if i not in sources]
    for target, origin in sorted(zip(targets, sources, strict=True)):
        rest.insert(target, origin)
    return _np_transpose(a, tuple(rest))


@implements(np.broadcast_to)
def _np_broadcast_to(array, shape, subok=False):
    return broadcast_to(array, shape)


@implements(np.broadcast_arrays)
def _np_broadcast_arrays(*args, subok=False):
    shape = np.broadcast_shapes(*[shape_of(a) for a in args])
    return tuple(broadcast_to(a, shape) for a in args)


@implements(np.expand_dims)
def _np_expand_dims(a, axis):
    given = axis if isinstance(axis, tuple) else (axis,)
    places = axes(tuple(given), a.ndim + len(given))
    shape = list(a.shape)
    for p in places:
        shape.insert(p, 1)
    return _np_reshape(a, tuple(shape))


@implements(np.squeeze)
def _np_squeeze(a, axis=None):
    gone = tuple(i for i, s in enumerate(a.shape) if s == 1) if axis is None else axes(axis, a.ndim)
    if any(a.shape[i] != 1 for i in gone):
        raise ValueError("cannot select an axis to squeeze out which has size not equal to one")
    return _np_reshape(a, tuple(s for i, s in enumerate(a.shape) if i not in gone))


def _atleast(ndim, place):
    def atleast(*arrays):
        out = [place(a) if len(shape_of(a)) < ndim else a for a in arrays]
        return out[0] if len(out) == 1 else tuple(out)
    return atleast


implements(np.atleast_1d)(_atleast(1, lambda a: reshape(a, (1,))))
implements(np.atleast_2d)(_atleast(2, lambda a: reshape(a, (1, -1))))


@implements(np.concatenate)
def _np_concatenate(arrays, axis=0, out=None, *, dtype=None, casting="same_kind"):
    _no_out("concatenate", out)
    joined = concatenate(arrays, axis)
    return joined if dtype is None else astype(joined, dtype)


@implements(np.stack)
def _np_stack(arrays, axis=0, out=None, *, dtype=None, casting="same_kind"):
    _no_out("stack", out)
    stacked = stack(arrays, axis)
    return stacked if dtype is None else astype(stacked, dtype)


def _lift(a, ndim: int):
    """vstack's atleast_2d, hstack's atleast_1d."""
    shape = shape_of(a)
    a = a if type(a) is Tracer else np.asarray(a)
    return a if len(shape) >= ndim else reshape(a, (1,) * (ndim - len(shape)) + shape)


@implements(np.vstack)
def _np_vstack(tup, *, dtype=None, casting="same_kind"):
    return _np_concatenate([_lift(a, 2) for a in tup], 0, dtype=dtype)


@implements(np.hstack)
def _np_hstack(tup, *, dtype=None, casting="same_kind"):
    parts = [_lift(a, 1) for a in tup]
    return _np_concatenate(parts, 0 if parts[0].ndim == 1 else 1, dtype=dtype)


@implements(np.column_stack)
def _np_column_stack(tup):
    return concatenate([reshape(a, (-1, 1)) if len(shape_of(a)) == 1 else a for a in tup], 1)


@implements(np.zeros_like, np.empty_like)
def _np_zeros_like(a, dtype=None, order="K", subok=True, shape=None, *, device=None):
    return _np_full_like(a, 0.0, dtype, shape=shape)


@implements(np.ones_like)
def _np_ones_like(a, dtype=None, order="K", subok=True, shape=None, *, device=None):
    return _np_full_like(a, 1.0, dtype, shape=shape)


@implements(np.full_like)
def _np_full_like(a, fill_value, dtype=None, order="K", subok=True, shape=None, *, device=None):
    shape = shape_of(a) if shape is None else shape
    dtype = a.dtype if dtype is None else np.dtype(dtype)
    if type(fill_value) is Tracer:
        return astype(broadcast_to(fill_value, shape), dtype)
    made = np.broadcast_to(np.asarray(fill_value, dtype=dtype), shape).copy()
    return a.graph.constant(made) if type(a) is Tracer and hasattr(a.graph, "constant") else made


@implements(np.full)
def _np_full(shape, fill_value, dtype=None, order="C", *, device=None, like=None):
    return broadcast_to(astype(fill_value, fill_value.dtype if dtype is None else dtype), shape)


for _function, _answer in {
    np.shape: shape_of, np.ndim: lambda a: len(shape_of(a)), np.isscalar: lambda a: not shape_of(a),
    np.result_type: lambda *a: same_type(*a), np.iscomplexobj: lambda a: False, np.isrealobj: lambda a: True,
    np.real: lambda a: a, np.may_share_memory: lambda a, b, max_work=None: a is b,
}.items():
    implements(_function)(_answer)


@implements(np.size)
def _np_size(a, axis=None):
    return math.prod(shape_of(a)) if axis is None else shape_of(a)[axis]
