"""Rows that fold axes away or along: sum, prod, max, min, cumsum, logsumexp, and what NumPy builds from them."""

import math

import numpy as np
import scipy.special

from ..errors import TraceError
from ..primitive import Primitive, implements, shape_of
from .elementwise import BOOL, SCALE, astype, float_type, stop_gradient
from .shape import FULL, array, as_array, axes, concatenate, expand, one_axis, reshape, store, transpose

BOTH = (((FULL,), {"axis": (0, 1), "keepdims": False}), ((FULL,), {"axis": (1,), "keepdims": True}))
UNSORTED = np.array([[3.0, -1.0, 2.0], [0.5, 4.0, -2.5]])


def kept_shape(shape, axis) -> tuple[int, ...]:
    return tuple(1 if i in axis else s for i, s in enumerate(shape))


def reduced_shape(shape, axis, keepdims) -> tuple[int, ...]:
    return kept_shape(shape, axis) if keepdims else tuple(s for i, s in enumerate(shape) if i not in axis)


def _reducer(ufunc):
    reduce = ufunc.reduce

    def evaluate(x, axis, keepdims):
        if len(axis) == np.ndim(x):
            return reduce(x, axis=None, keepdims=keepdims)
        return reduce(x, axis=axis, keepdims=keepdims)
    return evaluate


def _sum_shape(x, axis, keepdims):
    return reduced_shape(x.shape, axis, keepdims), x.dtype if x.dtype.kind in "fc" else np.dtype(np.int64)


def _same_shape(x, axis, keepdims):
    return reduced_shape(x.shape, axis, keepdims), x.dtype


def _extreme_tangent(out, inputs, tangents, axis, keepdims):
    """The tangent at the extreme entries, shared evenly among ties."""
    x, = inputs
    hit = np.multiply(1.0, x == expand(out, kept_shape(x.shape, axis)))
    share = hit / SUM(hit, axis=axis, keepdims=True)
    return SUM(SCALE(tangents[0], share), axis=axis, keepdims=keepdims)


def _spread(ct, x, axis, keepdims):
    """The cotangent with the summed axes put back, to broadcast along them (it may itself be smaller than the sum)."""
    own, ndim = shape_of(ct), len(shape_of(x))
    if not own or keepdims:
        return ct
    sizes = iter((1,) * (ndim - len(axis) - len(own)) + own)
    return reshape(ct, tuple(1 if i in axis else next(sizes) for i in range(ndim)))


SUM = Primitive("sum", _reducer(np.add), _sum_shape, samples=BOTH, transpose=(_spread,))
MAX = Primitive("max", _reducer(np.maximum), _same_shape, jvp=_extreme_tangent,
                samples=(((UNSORTED,), {"axis": (0, 1), "keepdims": False}),
                         ((UNSORTED,), {"axis": (0,), "keepdims": True})))
MIN = Primitive("min", _reducer(np.minimum), _same_shape, jvp=_extreme_tangent, samples=MAX.samples)


def _prod_expand(x, axis, keepdims):
    """Pairwise products: exact derivatives also where factors are zero."""
    rest = [i for i in range(x.ndim) if i not in axis]
    y = reshape(transpose(x, (*rest, *axis)), (*[x.shape[i] for i in rest], math.prod(x.shape[i] for i in axis)))
    if y.shape[-1] == 0:
        return np.ones(reduced_shape(x.shape, axis, keepdims))
    while (n := y.shape[-1]) > 1:
        half = n // 2
        paired = y[..., :half] * y[..., half:2 * half]
        y = concatenate([paired, y[..., 2 * half:]], -1) if n % 2 else paired
    return reshape(y, reduced_shape(x.shape, axis, keepdims))


PROD = Primitive("prod", _reducer(np.multiply), _sum_shape, expand=_prod_expand,
                 samples=(*BOTH, ((np.array([2.0, 0.0, 3.0, -1.0, 0.5]),), {"axis": (0,), "keepdims": False})))


def _cumprod_expand(x, axis):
    """Doubling scan (Hillis & Steele 1986): log2(n) products, exact derivatives also at zeros."""
    def part(a, start, stop):
        return a[(slice(None),) * axis + (slice(start, stop),)]
    step, n = 1, x.shape[axis]
    while step < n:
        x = concatenate([part(x, 0, step), part(x, step, n) * part(x, 0, n - step)], axis)
        step *= 2
    return x


def _reverse(x, axis):
    return x[(slice(None),) * axis + (slice(None, None, -1),)]


CUMSUM = Primitive("cumsum", lambda x, axis: np.cumsum(x, axis), lambda x, axis: (x.shape, x.dtype),
                   transpose=(lambda ct, x, axis: _reverse(CUMSUM(_reverse(ct, axis), axis=axis), axis),),
                   samples=(((FULL,), {"axis": 1}),))
CUMPROD = Primitive("cumprod", lambda x, axis: np.cumprod(x, axis), lambda x, axis: (x.shape, x.dtype),
                    expand=_cumprod_expand,
                    samples=(((FULL,), {"axis": 1}), ((np.array([2.0, 0.0, 3.0]),), {"axis": 0})))


def _logsumexp(x, axis, keepdims):
    """log Σ exp x, shifted by the largest entry; the shift carries no derivative."""
    shift = stop_gradient(MAX(x, axis=axis, keepdims=True))
    shift = np.where(np.isfinite(shift), shift, 0.0)
    total = SUM(np.exp(x - shift), axis=axis, keepdims=True)
    out = np.log(total) + shift
    return out if keepdims else reshape(out, reduced_shape(x.shape, axis, False))


def _logsumexp_value(x, axis, keepdims):
    with np.errstate(divide="ignore"):
        return _logsumexp(x, axis, keepdims)[()]


LOGSUMEXP = Primitive("logsumexp", _logsumexp_value, lambda x, axis, keepdims: (
    reduced_shape(x.shape, axis, keepdims), float_type(x)), expand=_logsumexp, samples=BOTH)


# --- NumPy's names ----------------------------------------------------------------------------------------------------

_NO_VALUE = np._NoValue


def kept(keepdims) -> bool:
    return bool(keepdims) and keepdims is not _NO_VALUE


def reduction(prim, neutral, combine):
    """NumPy's signature of a reduction: a mask fills with the neutral element, `initial` joins at the end."""
    def answer(a, axis=None, dtype=None, out=None, keepdims=False, initial=_NO_VALUE, where=True):
        a, started = as_array(a), initial is not _NO_VALUE and initial is not None
        a = a if dtype is None else astype(a, dtype)
        if where is not True and where is not _NO_VALUE and not math.isfinite(neutral) and not started:
            raise ValueError(f"reduction operation {prim.name!r} does not have an identity, so to use a where mask one "
                             "has to specify 'initial'")
        gone = axes(axis, a.ndim)
        if where is not True and where is not _NO_VALUE:
            a = np.where(where, a, initial if not math.isfinite(neutral) else np.asarray(neutral, a.dtype))
        if started and not math.isfinite(neutral) and not math.prod(a.shape[i] for i in gone):
            done = np.broadcast_to(initial, reduced_shape(a.shape, gone, kept(keepdims)))
        else:
            done = prim(a, axis=gone, keepdims=kept(keepdims))
            done = combine(done, initial) if started else done
        return store(prim.name, out, done)
    return answer


total = reduction(SUM, 0, np.add)
_prod = reduction(PROD, 1, np.multiply)
_max = reduction(MAX, -np.inf, np.maximum)
_min = reduction(MIN, np.inf, np.minimum)
implements(np.sum)(total)
implements(np.prod)(_prod)


@implements(np.max, np.amax)
def _np_max(a, axis=None, out=None, keepdims=False, initial=_NO_VALUE, where=True):
    return _max(a, axis, None, out, keepdims, initial, where)


@implements(np.min, np.amin)
def _np_min(a, axis=None, out=None, keepdims=False, initial=_NO_VALUE, where=True):
    return _min(a, axis, None, out, keepdims, initial, where)


def scan(prim):
    """NumPy's signature of a running sum or product."""
    def answer(a, axis=None, dtype=None, out=None):
        a = as_array(a)
        a = a if dtype is None else astype(a, dtype)
        if axis is None:
            a, axis = reshape(a, (-1,)), 0
        return store(prim.name, out, prim(a, axis=one_axis(axis, a.ndim)))
    return answer


implements(np.cumsum)(scan(CUMSUM))
implements(np.cumprod)(scan(CUMPROD))


def _cumulative(prim):
    """The array API's form: the axis is needed beyond one dimension, and the neutral element may come first."""
    def answer(x, /, *, axis=None, dtype=None, out=None, include_initial=False):
        x = as_array(x)
        if axis is None and x.ndim != 1:
            raise ValueError("For arrays which have more than one dimension ``axis`` argument is required.")
        axis = one_axis(0 if axis is None else axis, x.ndim)
        done = prim(x if dtype is None else astype(x, dtype), axis=axis)
        if include_initial:
            first = np.full((*x.shape[:axis], 1, *x.shape[axis + 1:]), 0 if prim is CUMSUM else 1, done.dtype)
            done = concatenate([first, done], axis)
        return store(prim.name, out, done)
    return answer


implements(np.cumulative_sum)(_cumulative(CUMSUM))
implements(np.cumulative_prod)(_cumulative(CUMPROD))


@implements(np.ptp)
def _np_ptp(a, axis=None, out=None, keepdims=False):
    return store("ptp", out, _np_max(a, axis, None, keepdims) - _np_min(a, axis, None, keepdims))


def _summary(name, function, dtype):
    """A reduction whose value is piecewise constant: any, all, argmax and the like."""
    def result(x, axis, keepdims):
        shape = x.shape
        where = tuple(range(len(shape))) if axis is None else axis if isinstance(axis, tuple) else (axis % len(shape),)
        return reduced_shape(shape, where, keepdims), dtype
    prim = Primitive(name, lambda x, axis, keepdims: function(x, axis=axis, keepdims=keepdims), result,
                     partials=(None,), samples=(((UNSORTED,), {"axis": 0, "keepdims": False}),
                                                ((UNSORTED,), {"axis": None, "keepdims": True})))

    @implements(function)
    def answer(a, axis=None, out=None, keepdims=False, *, where=True):
        a = as_array(a)
        if where is not True and where is not _NO_VALUE:
            a = np.logical_or(a, np.logical_not(where)) if name == "all" else np.logical_and(a, where)
        return store(name, out, prim(a, axis=axis, keepdims=kept(keepdims)))
    return prim


@implements(np.count_nonzero)
def _np_count_nonzero(a, axis=None, *, keepdims=False):
    a = as_array(a)
    return np.sum(a if a.dtype.kind == "b" else a != 0, axis=axis, keepdims=keepdims)


for _name, _function, _dtype in (
        ("any", np.any, BOOL), ("all", np.all, BOOL), ("argmax", np.argmax, np.dtype(np.intp)),
        ("argmin", np.argmin, np.dtype(np.intp))):
    _summary(_name, _function, _dtype)
@implements(scipy.special.logsumexp)
def logsumexp(a, axis=None, b=None, keepdims=False, return_sign=False):
    if return_sign:
        raise TraceError("logsumexp: return_sign=True is not supported on traced values", "use log(sum(b*exp(a)))")
    a = array(a)
    a = a if shape_of(a) else reshape(a, (1,))             # as SciPy has it, also with keepdims
    if b is None:
        return LOGSUMEXP(a, axis=axes(axis, len(shape_of(a))), keepdims=bool(keepdims))
    a, b = np.broadcast_arrays(a, b)
    where = axes(axis, len(shape_of(a)))
    shift = stop_gradient(MAX(a, axis=where, keepdims=True))
    shift = np.where(np.isfinite(shift), shift, 0.0)
    out = np.log(SUM(b * np.exp(a - shift), axis=where, keepdims=True)) + shift
    return out if keepdims else reshape(out, reduced_shape(a.shape, where, False))


@implements(scipy.special.softmax)
def softmax(x, axis=None):
    x = array(x)
    where = axes(axis, len(shape_of(x)))
    e = np.exp(x - stop_gradient(MAX(x, axis=where, keepdims=True)))
    return e / SUM(e, axis=where, keepdims=True)


@implements(scipy.special.log_softmax)
def log_softmax(x, axis=None):
    x = array(x)
    return x - logsumexp(x, axis, keepdims=True)
