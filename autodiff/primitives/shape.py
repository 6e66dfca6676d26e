"""Rows that move data without computing: reshape, transpose, broadcast, concatenate and friends. All linear."""

import itertools
import math
import operator

import numpy as np

from ..errors import TraceError
from ..primitive import Primitive, Tracer, bind, implements, shape_of
from ..trace import carries_none, concretise
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
    parts = [as_array(p) for p in parts]
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
    parts = [as_array(p) for p in parts]
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


def as_array(a):
    """An operand as an array: a tracer, nested lists that may hold traced values, or what NumPy makes of it."""
    if type(a) is Tracer:
        return a
    return array(a) if isinstance(a, (list, tuple)) and _any_traced(a) else np.asarray(a)


def fixed(v, name: str):
    """Integers or booleans that decide a shape, as plain values (guarded where they are traced)."""
    if isinstance(v, (list, tuple)):
        return type(v)(fixed(part, name) for part in v)
    if type(v) is not Tracer:
        return v
    if not carries_none(v):
        raise TraceError(f"{name}: a shape or a count depends on a traced float", "compute it from shapes or integers")
    return np.asarray(concretise(v))[()]


def whole(name: str) -> TraceError:
    """A traced value would be written into an array that is not traced."""
    return TraceError(f"{name}: a traced value is written into a plain array",
                      "create the array inside the function with np.zeros/np.empty, or give the result a new name")


def store(name: str, out, result):
    """What a function with out= returns: the result, written into `out` where that is given."""
    if isinstance(out, tuple):
        out, = out
    if out is None:
        return result
    if type(out) is not Tracer:
        raise whole(f"np.{name}")
    if out.shape != shape_of(result):
        raise ValueError(f"np.{name}: out has shape {out.shape}, the result {shape_of(result)}")
    out[...] = result
    return out


# --- NumPy's names ----------------------------------------------------------------------------------------------------


@implements(np.asarray, np.asanyarray, np.ascontiguousarray)
def _np_asarray(value, dtype=None, order=None, *, copy=None, ndmin=0, like=None, subok=False):
    out = array(value)
    if ndmin > len(out.shape):
        out = reshape(out, (1,) * (ndmin - len(out.shape)) + out.shape)
    return _as_memory(out if dtype is None else astype(out, dtype))


def _as_memory(out):
    """A traced number made an array, which can be written into."""
    from .indexing import boxed
    return boxed(out) if type(out) is Tracer and out.value is not None else out


@implements(np.array)
def _np_array(value, dtype=None, *, copy=True, **kwargs):
    out = _np_asarray(value, dtype, **kwargs)
    return out.copy() if out is value and copy in (True, np._CopyMode.ALWAYS) else out


@implements(np.copy)
def _np_copy(a, order="K", subok=False):
    return _as_memory(as_array(a).copy())


@implements(np.reshape)
def _np_reshape(a, shape=None, order="C", *, newshape=None, copy=None):
    a, shape = as_array(a), fixed(newshape if shape is None else shape, "np.reshape")
    if order in ("A", "K"):
        order = "F" if any(stride < other for stride, other in itertools.pairwise(layout(a))) else "C"
    if order == "F":
        flipped = tuple(shape)[::-1] if isinstance(shape, (tuple, list)) else shape
        return _np_transpose(_np_reshape(_np_transpose(a), flipped))
    out = reshape(a, shape)
    return out.copy() if copy else view(a, out, lambda new: reshape(new, a.shape), RESHAPE, shape=shape_of(out))


def layout(a) -> tuple[int, ...]:
    """Strides along the axes, where they matter to what is computed: another layout is then another recording."""
    strides = tuple(stride for stride, size in zip(a.value.strides, a.shape, strict=True) if size != 1)
    if len(strides) > 1 and hasattr(a.graph, "failed"):
        a.graph.failed = True                    # recorded at every call: layouts are in no signature
    return strides


def view(base, out, writeback, prim, **params):
    """Mark `out` as a NumPy view of `base`: a write to either shows in the other (indexing.py)."""
    if type(base) is Tracer:
        from .indexing import share
        share(base, out, writeback, made=(prim, params))
    return out


@implements(np.ravel)
def _np_ravel(a, order="C"):
    a = as_array(a)
    if order == "K" and len(a.shape) > 1:
        axes = sorted(range(a.ndim), key=lambda i: -abs(a.value.strides[i]))
        layout(a)
        return _np_reshape(_np_transpose(a, axes), (-1,))
    return _np_reshape(a, (-1,), order=order)


@implements(np.transpose, np.permute_dims)
def _np_transpose(a, axes=None):
    a = as_array(a)
    out = transpose(a, axes)
    forth = tuple(range(a.ndim))[::-1] if axes is None else tuple(one_axis(p, a.ndim) for p in axes)
    back = tuple(np.argsort(forth).tolist())
    return view(a, out, lambda new: transpose(new, back), TRANSPOSE, perm=forth)


@implements(np.matrix_transpose)
def _np_matrix_transpose(a):
    a = as_array(a)
    return _np_swapaxes(a, -1, -2)


@implements(np.swapaxes)
def _np_swapaxes(a, axis1, axis2):
    a = as_array(a)
    perm = list(range(a.ndim))
    i, j = one_axis(axis1, a.ndim), one_axis(axis2, a.ndim)
    perm[i], perm[j] = perm[j], perm[i]
    return _np_transpose(a, tuple(perm))


@implements(np.moveaxis)
def _np_moveaxis(a, source, destination):
    a = as_array(a)
    sources = [one_axis(s, a.ndim) for s in np.atleast_1d(source)]
    targets = [one_axis(d, a.ndim) for d in np.atleast_1d(destination)]
    rest = [i for i in range(a.ndim) if i not in sources]
    for target, origin in sorted(zip(targets, sources, strict=True)):
        rest.insert(target, origin)
    return _np_transpose(a, tuple(rest))


@implements(np.broadcast_to)
def _np_broadcast_to(array, shape, subok=False):
    return _stretched(as_array(array), fixed(shape, "np.broadcast_to"))


@implements(np.broadcast_arrays)
def _np_broadcast_arrays(*args, subok=False):
    args = [as_array(a) for a in args]
    shape = np.broadcast_shapes(*[shape_of(a) for a in args])
    return tuple(_stretched(a, shape) for a in args)


def _stretched(a, shape):
    out = broadcast_to(a, shape)
    return view(a, out, read_only, BROADCAST, shape=shape_of(out))


def read_only(new):
    """What a write to a view does, where NumPy's view cannot be written into (or shows an entry twice)."""
    raise ValueError("assignment destination is read-only")


@implements(np.expand_dims)
def _np_expand_dims(a, axis):
    a = as_array(a)
    given = axis if isinstance(axis, tuple) else (axis,)
    places = axes(tuple(given), a.ndim + len(given))
    shape = list(a.shape)
    for p in places:
        shape.insert(p, 1)
    return _np_reshape(a, tuple(shape))


@implements(np.squeeze)
def _np_squeeze(a, axis=None):
    a = as_array(a)
    gone = tuple(i for i, s in enumerate(a.shape) if s == 1) if axis is None else axes(axis, a.ndim)
    if any(a.shape[i] != 1 for i in gone):
        raise ValueError("cannot select an axis to squeeze out which has size not equal to one")
    return _np_reshape(a, tuple(s for i, s in enumerate(a.shape) if i not in gone))
