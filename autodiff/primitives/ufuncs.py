"""What ufuncs do besides f(x): reduce, accumulate, reduceat, outer, at, calls with out=, where=, dtype=, and the ufuncs
with two results or with products inside."""

import numpy as np

from ..errors import TraceError
from ..graph import Static
from ..primitive import FUNCTIONS, NO_PARAMS, UFUNCS, Primitive, Tracer, bind, shape_of
from ..trace import concretise, refuse, ufunc_method
from .elementwise import REAL, astype, elementwise
from .gather import SCATTER_AT, filled, part_shape
from .indexing import normal_index, setitem
from .reductions import CUMPROD, CUMSUM, MAX, MIN, PROD, SUM, logsumexp, reduction, scan
from .shape import as_array, axes, broadcast_to, concatenate, one_axis, reshape, stack, store, whole

_NO_VALUE = np._NoValue
_FOLDS = {np.add: reduction(SUM, 0.0, np.add), np.multiply: reduction(PROD, 1.0, np.multiply),
          np.maximum: reduction(MAX, -np.inf, np.maximum), np.minimum: reduction(MIN, np.inf, np.minimum)}
_SCANS = {np.add: scan(CUMSUM), np.multiply: scan(CUMPROD)}
ASSOCIATIVE = (np.add, np.multiply, np.maximum, np.minimum, np.fmax, np.fmin, np.logaddexp, np.logaddexp2, np.hypot,
               np.logical_and, np.logical_or, np.logical_xor, np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.gcd,
               np.lcm)

UNRELIABLE = (np.power, np.arctan2)        # np.power.reduce(a) != np.power.accumulate(a)[-1] in NumPy 2.4 with AVX-512


def _part(a, axis: int, start, stop):
    return a[(slice(None),) * axis + (slice(start, stop),)]


def _fold(ufunc, a, axis: int):
    """a[0] ∘ a[1] ∘ …: pairwise where ∘ is associative (log n operations), else in order."""
    n = a.shape[axis]
    if ufunc in ASSOCIATIVE:
        while n > 1:
            half = n // 2
            paired = ufunc(_part(a, axis, 0, 2 * half)[(slice(None),) * axis + (slice(0, None, 2),)],
                           _part(a, axis, 0, 2 * half)[(slice(None),) * axis + (slice(1, None, 2),)])
            a = concatenate([paired, _part(a, axis, 2 * half, n)], axis) if n % 2 else paired
            n = a.shape[axis]
        return a[(slice(None),) * axis + (0,)]
    parts = np.moveaxis(a, axis, 0)
    out = parts[0]
    for k in range(1, n):
        out = ufunc(out, parts[k])
    return out


@ufunc_method("reduce")
def _ufunc_reduce(ufunc, a, axis=0, dtype=None, out=None, keepdims=False, initial=_NO_VALUE, where=True):
    a = as_array(a)
    if ufunc in _FOLDS:
        return _FOLDS[ufunc](a, axis, dtype, out, keepdims, initial, where)
    if ufunc in UNRELIABLE:
        raise refuse(f"np.{ufunc.__name__}.reduce (in NumPy itself it may differ from folding in order)",
                     f"functools.reduce(np.{ufunc.__name__}, x)")
    gone = axes(axis, a.ndim)
    a = a if dtype is None else astype(a, dtype)
    if ufunc is np.logaddexp and where is True and initial is _NO_VALUE:
        return store("logaddexp.reduce", out, logsumexp(a, gone, keepdims=keepdims))
    if ufunc.identity is None and len(gone) > 1 and ufunc not in ASSOCIATIVE:
        raise ValueError(f"reduction operation '{ufunc.__name__}' is not reorderable, so at most one axis may be "
                         "specified")
    if where is not True:
        neutral = ufunc.identity if initial is _NO_VALUE else initial
        if neutral is None:
            raise ValueError(f"reduction operation '{ufunc.__name__}' does not have an identity, so to use a where "
                             "mask one has to specify 'initial'")
        a, initial = np.where(where, a, neutral), neutral
    shape = tuple(1 if i in gone else n for i, n in enumerate(a.shape))
    if not all(a.shape[i] for i in gone):
        if initial is _NO_VALUE and ufunc.identity is None:
            raise ValueError(f"zero-size array to reduction operation {ufunc.__name__} which has no identity")
        a = np.broadcast_to(ufunc.identity if initial is _NO_VALUE else initial, shape)
    else:
        for i in gone:
            a = reshape(_fold(ufunc, a, i), tuple(1 if j == i else n for j, n in enumerate(a.shape)))
        a = a if initial is _NO_VALUE or initial is None else ufunc(initial, a)
    return store(f"{ufunc.__name__}.reduce", out, a if keepdims else np.squeeze(a, gone))


@ufunc_method("accumulate")
def _ufunc_accumulate(ufunc, a, axis=0, dtype=None, out=None):
    a = as_array(a)
    if ufunc in _SCANS:
        return _SCANS[ufunc](a, axis, dtype, out)
    axis = one_axis(axis, a.ndim)
    a = a if dtype is None else astype(a, dtype)
    n = a.shape[axis]
    if ufunc in ASSOCIATIVE:                             # doubling (Hillis & Steele 1986)
        step = 1
        while step < n:
            moved = ufunc(_part(a, axis, 0, n - step), _part(a, axis, step, n))
            a, step = concatenate([_part(a, axis, 0, step), moved], axis), 2 * step
        return store(f"{ufunc.__name__}.accumulate", out, a)
    parts, done = np.moveaxis(a, axis, 0), []
    for k in range(n):
        done.append(parts[k] if not done else ufunc(done[-1], parts[k]))
    return store(f"{ufunc.__name__}.accumulate", out, stack(done, axis) if done else a)


@ufunc_method("reduceat")
def _ufunc_reduceat(ufunc, a, indices, axis=0, dtype=None, out=None):
    """Folds of a[i:j] for neighbours i, j among the indices; a[i] where j ≤ i."""
    a, indices = as_array(a), np.asarray(indices).tolist()
    axis = one_axis(axis, a.ndim)
    bounds = [*indices[1:], a.shape[axis]]
    if any(not 0 <= i < a.shape[axis] for i in indices):
        raise IndexError(f"index out of bounds in {ufunc.__name__}.reduceat")
    parts = [_ufunc_reduce(ufunc, _part(a, axis, i, j if j > i else i + 1), axis, dtype)
             for i, j in zip(indices, bounds, strict=True)]
    return store(f"{ufunc.__name__}.reduceat", out, stack(parts, axis))


@ufunc_method("outer")
def _ufunc_outer(ufunc, a, b, **kwargs):
    a, b = as_array(a), as_array(b)
    return ufunc(reshape(a, a.shape + (1,) * b.ndim), b, **kwargs)


@ufunc_method("at")
def _ufunc_at(ufunc, a, indices, b=None):
    """a[i] = ufunc(a[i], b), repeated indices one after the other; sums go to wherever the indices point."""
    if type(a) is not Tracer:
        raise whole(f"np.{ufunc.__name__}.at")
    parts, places = normal_index(indices)
    shape = part_shape(a.shape, Static(parts), places)
    b = None if b is None else broadcast_to(as_array(b), shape)
    if ufunc in (np.add, np.subtract):
        a[...] = ufunc(a, bind(SCATTER_AT, (b, *places), {"index": Static(parts), "shape": a.shape}))
        return
    plain = [np.asarray(concretise(p)) for p in places]
    spots = np.arange(a.size).reshape(a.shape)[filled(Static(parts), plain)].ravel()
    flat, b = reshape(a, (-1,)).copy(), None if b is None else reshape(b, (-1,))
    while spots.size:
        _, first = np.unique(spots, return_index=True)          # the first write to every place, then the next
        here = spots[first]
        flat[here] = ufunc(flat[here]) if b is None else ufunc(flat[here], b[first])
        later = np.ones(spots.size, bool)
        later[first] = False
        spots, b = spots[later], None if b is None else b[np.flatnonzero(later)]
    a[...] = reshape(flat, a.shape)


@ufunc_method("__call__")
def _ufunc_call(ufunc, *inputs, out=None, where=True, dtype=None, casting="same_kind", order="K", subok=True,
                signature=None, **kwargs):
    """A ufunc with out=, where= or dtype=; out must be a traced array."""
    if kwargs or signature is not None:
        raise refuse(f"np.{ufunc.__name__} with {', '.join(kwargs) or 'signature'}",
            "leave it out; move axes beforehand")
    if len(inputs) > ufunc.nin:
        inputs, out = inputs[:ufunc.nin], inputs[ufunc.nin:]
    answer = FUNCTIONS.get((ufunc, "values"))
    result = answer(*inputs) if answer is not None else bind(UFUNCS[ufunc], inputs, NO_PARAMS)
    if isinstance(result, tuple):
        outs = (None,) * len(result) if out is None else out
        return tuple(_delivered(ufunc, r, o, where, dtype) for r, o in zip(result, outs, strict=True))
    return _delivered(ufunc, result, out[0] if isinstance(out, tuple) else out, where, dtype)


def _delivered(ufunc, result, out, where, dtype):
    result = result if dtype is None else astype(result, dtype)
    if out is None or out is Ellipsis:
        if where is not True:
            raise TraceError(f"np.{ufunc.__name__}: where= without out= leaves entries undefined", "use np.where")
        return result
    if type(out) is not Tracer:
        raise whole(f"np.{ufunc.__name__}")
    if where is not True:
        result = np.where(where, result, out)
    if shape_of(result) != out.shape and np.broadcast_shapes(shape_of(result), out.shape) != out.shape:
        raise ValueError(f"non-broadcastable output operand with shape {out.shape} doesn't match {shape_of(result)}")
    setitem(out, Ellipsis, result)
    return out


# --- two results, and products of vectors -----------------------------------------------------------------------------

EXPONENT = Primitive("frexp_exponent", lambda x: np.frexp(x)[1], lambda x: (shape_of(x), np.dtype(np.int32)),
                     partials=(None,), samples=REAL)
LDEXP = elementwise(np.ldexp, (lambda y, x, i: np.ldexp(1.0, i), None), ((np.array([0.4, -2.2]), np.array([2, -1])),))
NEXTAFTER = elementwise(np.nextafter, (lambda z, x, y: 1.0, None), ((np.array([0.4, -2.2]), 3.0),))
for _ufunc in (np.left_shift, np.right_shift, np.gcd, np.lcm):
    elementwise(_ufunc, (None, None), ((np.array([4, 6]), np.array([1, 2])),), "same")


def values_of(ufunc):
    """Register what the ufunc's call means, in other traced operations."""
    def register(meaning):
        FUNCTIONS[ufunc, "values"] = meaning
        FUNCTIONS[ufunc, "__call__"] = _ufunc_call
        return meaning
    return register


values_of(np.divmod)(lambda x, y: (np.floor_divide(x, y), np.mod(x, y)))
values_of(np.modf)(lambda x: (np.where(np.isinf(x), 0.0, x - np.trunc(x)), np.trunc(x)))
values_of(np.frexp)(lambda x: (np.ldexp(x, -EXPONENT(x)), EXPONENT(x)))


@values_of(np.vecdot)
def _vecdot(a, b):
    return np.sum(np.conjugate(a) * b, axis=-1) if shape_of(a) and shape_of(b) else a * b


values_of(np.matvec)(lambda a, x: np.matmul(a, x[..., None])[..., 0])
values_of(np.vecmat)(lambda x, a: np.matmul(np.conjugate(x)[..., None, :], a)[..., 0, :])


def _matmul_call(ufunc, a, b, out=None, **kwargs):
    from .contraction import matmul
    if kwargs:
        raise refuse(f"np.matmul with {', '.join(kwargs)}", "leave it out; move axes beforehand")
    return _delivered(ufunc, matmul(as_array(a), as_array(b)), out[0] if isinstance(out, tuple) else out, True, None)


FUNCTIONS[np.matmul, "__call__"] = _matmul_call
