"""Rows that fold axes away or along: sum, prod, max, min, cumsum, logsumexp, and what NumPy builds from them."""

import math

import numpy as np
import scipy.special

from ..errors import TraceError
from ..primitive import NO_PARAMS, Primitive, Tracer, bind, implements, shape_of
from ..trace import ufunc_method
from .elementwise import BOOL, SCALE, astype, float_type, stop_gradient
from .shape import FULL, _no_out, array, axes, concatenate, expand, one_axis, reshape, transpose

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
    return reduced_shape(x.shape, axis, keepdims), x.dtype if x.dtype.kind == "f" else np.dtype(np.int64)


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


def _masked(a, where, neutral):
    return a if where is True or where is _NO_VALUE else np.where(where, a, neutral)


def _begin(initial, out, combine):
    return out if initial is _NO_VALUE or initial is None else combine(out, initial)


def _reduction(prim, neutral, combine):
    def answer(a, axis=None, dtype=None, out=None, keepdims=False, initial=_NO_VALUE, where=True):
        _no_out(prim.name, out)
        if where is not True and where is not _NO_VALUE and not math.isfinite(neutral) and initial is _NO_VALUE:
            raise ValueError(f"reduction operation {prim.name!r} needs initial= where a mask is given")
        a = a if type(a) is Tracer else np.asarray(a)
        a = _masked(a if dtype is None else astype(a, dtype), where, neutral)
        done = prim(a, axis=axes(axis, a.ndim), keepdims=bool(keepdims) and keepdims is not _NO_VALUE)
        return _begin(initial, done, combine)
    return answer


_sum = _reduction(SUM, 0.0, np.add)
_prod = _reduction(PROD, 1.0, np.multiply)
_max = _reduction(MAX, -np.inf, np.maximum)
_min = _reduction(MIN, np.inf, np.minimum)
implements(np.sum)(_sum)
implements(np.prod)(_prod)


@implements(np.max, np.amax)
def _np_max(a, axis=None, out=None, keepdims=False, initial=_NO_VALUE, where=True):
    return _max(a, axis, None, out, keepdims, initial, where)


@implements(np.min, np.amin)
def _np_min(a, axis=None, out=None, keepdims=False, initial=_NO_VALUE, where=True):
    return _min(a, axis, None, out, keepdims, initial, where)


def _count(a, axis, where, keepdims=False):
    if where is True or where is _NO_VALUE:
        return math.prod(a.shape[i] for i in axis)
    mask = np.broadcast_to(where, a.shape)
    return mask.sum(axis=axis, keepdims=keepdims)


@implements(np.mean)
def _np_mean(a, axis=None, dtype=None, out=None, keepdims=False, *, where=True):
    keepdims = bool(keepdims) and keepdims is not _NO_VALUE
    count = _count(a, axes(axis, a.ndim), where, keepdims)
    return _sum(a, axis, dtype, out, keepdims, where=where) / count


@implements(np.var)
def _np_var(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=True, mean=_NO_VALUE,
            correction=_NO_VALUE):
    _no_out("var", out)
    ddof = ddof if correction is _NO_VALUE else correction
    keepdims = bool(keepdims) and keepdims is not _NO_VALUE
    a = a if dtype is None else astype(a, dtype)
    centre = _np_mean(a, axis, keepdims=True, where=where) if mean is _NO_VALUE else mean
    count = _count(a, axes(axis, a.ndim), where, keepdims)
    return _sum(np.square(a - centre), axis, keepdims=keepdims, where=where) / (count - ddof)


@implements(np.std)
def _np_std(a, *args, **kwargs):
    return np.sqrt(_np_var(a, *args, **kwargs))


@implements(np.average)
def _np_average(a, axis=None, weights=None, returned=False, *, keepdims=False):
    if weights is None:
        mean, total = _np_mean(a, axis, keepdims=keepdims), float(_count(a, axes(axis, len(shape_of(a))), True))
    else:
        a, weights = (v if type(v) is Tracer else np.asarray(v) for v in (a, weights))
        if weights.shape != a.shape:
            where = one_axis(axis, a.ndim)
            weights = reshape(weights, tuple(s if i == where else 1 for i, s in enumerate(a.shape)))
        total = np.sum(np.broadcast_to(weights, a.shape), axis=axis, keepdims=bool(keepdims))
        mean = np.sum(a * weights, axis=axis, keepdims=bool(keepdims)) / total
    return (mean, total) if returned else mean


def _scan(prim):
    def answer(a, axis=None, dtype=None, out=None):
        _no_out(prim.name, out)
        a = a if dtype is None else astype(a, dtype)
        if axis is None:
            a, axis = reshape(a, (-1,)), 0
        return prim(a, axis=one_axis(axis, a.ndim))
    return answer


implements(np.cumsum)(_scan(CUMSUM))
implements(np.cumprod)(_scan(CUMPROD))


@implements(np.ptp)
def _np_ptp(a, axis=None, out=None, keepdims=False):
    return _np_max(a, axis, out, keepdims) - _np_min(a, axis, out, keepdims)


@implements(np.diff)
def _np_diff(a, n=1, axis=-1, prepend=_NO_VALUE, append=_NO_VALUE):
    axis = one_axis(axis, a.ndim)
    ends = [e if e is _NO_VALUE or shape_of(e) else np.broadcast_to(e, (*a.shape[:axis], 1, *a.shape[axis + 1:]))
            for e in (prepend, append)]
    parts = [p for p in (ends[0], a, ends[1]) if p is not _NO_VALUE]
    a = concatenate(parts, axis)
    for _ in range(n):
        a = a[(slice(None),) * axis + (slice(1, None),)] - a[(slice(None),) * axis + (slice(None, -1),)]
    return a


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
    def answer(a, axis=None, out=None, keepdims=False, **kwargs):
        _no_out(name, out)
        if kwargs.get("where", True) is not True and kwargs["where"] is not _NO_VALUE:
            raise TraceError(f"np.{name}: where= is not supported on traced values", "mask with np.where first")
        return prim(a, axis=axis, keepdims=bool(keepdims) and keepdims is not _NO_VALUE)
    return prim


for _name, _function, _dtype in (
        ("any", np.any, BOOL), ("all", np.all, BOOL), ("argmax", np.argmax, np.dtype(np.intp)),
        ("argmin", np.argmin, np.dtype(np.intp)), ("count_nonzero", np.count_nonzero, np.dtype(np.intp))):
    _summary(_name, _function, _dtype)
ARGSORT = Primitive("argsort", lambda x, axis: np.argsort(x, axis, kind="stable"),
                    lambda x, axis: (x.shape, np.dtype(np.intp)), partials=(None,),
                    samples=(((UNSORTED,), {"axis": 1}),))


@implements(np.argsort)
def _np_argsort(a, axis=-1, kind=None, order=None, *, stable=None):
    a, axis = (reshape(a, (-1,)), 0) if axis is None else (a, axis)
    return bind(ARGSORT, (a,), {"axis": one_axis(axis, a.ndim)})


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


_BY_UFUNC = {np.add: _sum, np.multiply: _prod, np.maximum: _max, np.minimum: _min}
_SCAN_BY_UFUNC = {np.add: _scan(CUMSUM), np.multiply: _scan(CUMPROD)}


def _pick(table, ufunc, method):
    if ufunc not in table:
        raise TraceError(f"np.{ufunc.__name__}.{method} is not supported on traced values",
                         f"use one of np.{', np.'.join(u.__name__ for u in table)}")
    return table[ufunc]


@ufunc_method("reduce")
def _ufunc_reduce(ufunc, a, axis=0, dtype=None, out=None, keepdims=False, initial=_NO_VALUE, where=True):
    if ufunc is np.logaddexp:
        return logsumexp(a, axis, keepdims=keepdims)
    return _pick(_BY_UFUNC, ufunc, "reduce")(a, axis, dtype, out, keepdims, initial, where)


@ufunc_method("accumulate")
def _ufunc_accumulate(ufunc, a, axis=0, dtype=None, out=None):
    return _pick(_SCAN_BY_UFUNC, ufunc, "accumulate")(a, axis, dtype, out)


@ufunc_method("outer")
def _ufunc_outer(ufunc, a, b, **kwargs):
    a, b = (v if type(v) is Tracer else np.asarray(v) for v in (a, b))
    return ufunc(reshape(a, a.shape + (1,) * b.ndim), b, **kwargs)


@ufunc_method("__call__")
def _ufunc_call(ufunc, *inputs, out=None, where=True, dtype=None, casting="same_kind", **kwargs):
    """A ufunc with out=, where= or dtype=; out must be a traced array."""
    from ..primitive import UFUNCS
    from .indexing import setitem
    prim = UFUNCS.get(ufunc)
    if prim is None:
        if ufunc is np.matmul:
            from .contraction import matmul
            result = matmul(*inputs)
        else:
            raise TraceError(f"np.{ufunc.__name__} has no derivative rule",
                             "write it with operations that have one, or give its derivative through jac=")
    else:
        result = bind(prim, inputs, NO_PARAMS)
    result = result if dtype is None else astype(result, dtype)
    if out is None:
        if where is not True:
            raise TraceError(f"np.{ufunc.__name__}: where= without out= leaves entries undefined", "use np.where")
        return result
    target, = out
    if type(target) is not Tracer:
        raise TraceError(f"np.{ufunc.__name__}: a traced value is written into a plain array",
                         "create the array inside the function with np.zeros/np.empty, or give the result a new name")
    if where is not True:
        result = np.where(where, result, target)
    setitem(target, Ellipsis, result)
    return target


