"""Sequences: differences, integrals, convolution, interpolation, phases."""

import operator

import numpy as np
import scipy.special

from ..primitive import Primitive, bind, implements, shape_of
from .elementwise import astype, same_type
from .gather import part_of
from .ordering import searchsorted
from .shape import as_array, concatenate, fixed, one_axis, reshape

_NO_VALUE = np._NoValue
SHORT, LONG = np.array([0.5, -1.0, 2.0]), np.array([1.5, 0.3, -0.7, 0.4, 1.1])


def _full_shape(a, v):
    return (a.shape[0] + v.shape[0] - 1,), same_type(a, v)


def _unslid(ct, kept, other):
    """Adjoint of a ↦ a ∗ v: the correlation of the cotangent with v, where they overlap whole."""
    n, m = shape_of(kept)[0], shape_of(other)[0]
    return CONVOLVE(ct, other[::-1])[m - 1:m - 1 + n]


CONVOLVE = Primitive("convolve", lambda a, v: np.convolve(a, v), _full_shape, multilinear=True,
                     transpose=(lambda ct, a, v: _unslid(ct, a, v), lambda ct, a, v: _unslid(ct, v, a)),
                     samples=((LONG, SHORT), (SHORT, LONG), (SHORT[:1], LONG)))


def _trimmed(full, n: int, m: int, mode, turned: bool):
    """The part of a full convolution that the mode keeps; `turned` where NumPy runs a correlation backwards."""
    short, long = sorted((n, m))
    if isinstance(mode, int):
        mode = ("valid", "same", "full")[mode]
    if mode == "full":
        return full
    if mode == "valid":
        return full[short - 1:long]
    if mode != "same":
        raise ValueError(f"mode must be one of 'valid', 'same', or 'full' (got {mode!r})")
    start = short - 1 - short // 2
    start = n + m - 1 - start - long if turned else start
    return full[start:start + long]


def _sequences(a, v):
    a, v = reshape_1d(a), reshape_1d(v)
    if not a.shape[0] or not v.shape[0]:
        raise ValueError("an array cannot be empty")
    return a, v


def reshape_1d(a):
    a = as_array(a)
    return reshape(a, (1,)) if not a.shape else a


@implements(np.convolve)
def convolve(a, v, mode="full"):
    a, v = _sequences(a, v)
    return _trimmed(bind(CONVOLVE, (a, v)), a.shape[0], v.shape[0], mode, False)


@implements(np.correlate)
def _np_correlate(a, v, mode="valid"):
    a, v = _sequences(a, v)
    turned = np.conjugate(v[::-1]) if v.dtype.kind == "c" else v[::-1]
    return _trimmed(bind(CONVOLVE, (a, turned)), a.shape[0], v.shape[0], mode, a.shape[0] < v.shape[0])


# --- differences and integrals ----------------------------------------------------------------------------------------


def _along(axis: int, *bounds) -> tuple:
    return (slice(None),) * axis + (slice(*bounds),)


@implements(np.diff)
def diff(a, n=1, axis=-1, prepend=_NO_VALUE, append=_NO_VALUE):
    a = as_array(a)
    if n < 0:
        raise ValueError(f"order must be non-negative but got {n!r}")
    axis = one_axis(axis, a.ndim)
    ends = [e if e is _NO_VALUE else as_array(e) for e in (prepend, append)]
    ends = [e if e is _NO_VALUE or e.shape else np.broadcast_to(e,
        (*a.shape[:axis], 1, *a.shape[axis + 1:])) for e in ends]
    parts = [p for p in (ends[0], a, ends[1]) if p is not _NO_VALUE]
    a = concatenate(parts, axis) if len(parts) > 1 and n else a
    for _ in range(n):
        step = np.not_equal if a.dtype.kind == "b" else np.subtract
        a = step(a[_along(axis, 1, None)], a[_along(axis, None, -1)])
    return a


@implements(np.ediff1d)
def _np_ediff1d(ary, to_end=None, to_begin=None):
    ary = reshape(as_array(ary), (-1,))
    parts = [None if to_begin is None else np.ravel(as_array(to_begin)), ary[1:] - ary[:-1],
             None if to_end is None else np.ravel(as_array(to_end))]
    return concatenate([p for p in parts if p is not None], 0)


@implements(np.trapezoid)
def _np_trapezoid(y, x=None, dx=1.0, axis=-1):
    y = as_array(y)
    axis = one_axis(axis, y.ndim)
    d = dx
    if x is not None:
        x = as_array(x)
        d = diff(x, axis=-1 if x.ndim == 1 else axis)
        d = reshape(d, tuple(-1 if i == axis else 1 for i in range(y.ndim))) if x.ndim == 1 else d
    return np.sum(d * (y[_along(axis, 1, None)] + y[_along(axis, None, -1)]) / 2.0, axis=axis)


def _spacings(f, given: tuple, along: tuple):
    """One spacing an axis: a number, or the differences of coordinates."""
    if not given:
        return [1.0] * len(along)
    if len(given) == 1 and np.ndim(as_array(given[0])) == 0:
        return [as_array(given[0])[()]] * len(along)
    if len(given) != len(along):
        raise TypeError("invalid number of arguments")
    out = []
    for h, axis in zip(map(as_array, given), along, strict=True):
        if h.ndim > 1 or h.ndim == 1 and h.shape[0] != f.shape[axis]:
            raise ValueError("distances must be scalars, or vectors as long as the corresponding dimension")
        out.append(diff(h * 1.0) if h.ndim else h[()])
    return out


def _slope(f, h, axis: int, edge_order: int):
    """Second-order differences inside, of order `edge_order` at the ends (Fornberg 1988 for unequal spacing)."""
    def at(start, stop):
        return f[_along(axis, start, stop)]

    def column(v):
        return v if not np.ndim(v) else reshape(v, tuple(-1 if i == axis else 1 for i in range(f.ndim)))
    equal = np.ndim(h) == 0
    h1, h2 = (h, h) if equal else (column(h[:-1]), column(h[1:]))
    if equal:
        inside = (at(2, None) - at(None, -2)) / (2.0 * h)
    else:
        inside = (-h2 / (h1 * (h1 + h2)) * at(None, -2) + (h2 - h1) / (h1 * h2) * at(1, -1)
                  + h1 / (h2 * (h1 + h2)) * at(2, None))
    first, last = (h, h) if equal else (h[0], h[-1])
    if edge_order == 1:
        return concatenate([(at(1, 2) - at(0, 1)) / first, inside, (at(-1, None) - at(-2, -1)) / last], axis)
    second, before = (h, h) if equal else (h[1], h[-2])
    start = (-(2.0 * first + second) / (first * (first + second)) * at(0,
        1) + (first + second) / (first * second) * at(1, 2)
             - first / (second * (first + second)) * at(2, 3))
    end = (last / (before * (before + last)) * at(-3, -2) - (last + before) / (before * last) * at(-2, -1)
           + (2.0 * last + before) / (last * (before + last)) * at(-1, None))
    return concatenate([start, inside, end], axis)


@implements(np.gradient)
def _np_gradient(f, *varargs, axis=None, edge_order=1):
    f = as_array(f)
    f = f if f.dtype.kind in "fc" else astype(f, np.dtype(float))
    if edge_order > 2:
        raise ValueError("'edge_order' greater than 2 not supported")
    order = axis if isinstance(axis, tuple) else tuple(range(f.ndim)) if axis is None else (axis,)
    along = tuple(one_axis(a, f.ndim) for a in order)
    if any(f.shape[a] < edge_order + 1 for a in along):
        raise ValueError("Shape of array too small to calculate a numerical gradient, "
                         "at least (edge_order + 1) elements are required.")
    out = [astype(_slope(f, h, a, edge_order), f.dtype) for a,
        h in zip(along, _spacings(f, varargs, along), strict=True)]
    return out[0] if len(out) == 1 else tuple(out)


# --- interpolation and phases -----------------------------------------------------------------------------------------


@implements(np.interp)
def _np_interp(x, xp, fp, left=None, right=None, period=None):
    """Linear between the points (xp, fp), at a knot the piece to its right; constant outside."""
    x, xp, fp = (as_array(v) for v in (x, xp, fp))
    x, xp = (v if v.dtype == np.float64 else astype(v, np.dtype(float)) for v in (x, xp))
    fp = fp if fp.dtype.kind == "c" else astype(fp, np.dtype(float))
    if xp.ndim != 1 or fp.ndim != 1:
        raise ValueError("Data points must be 1-D sequences")
    if xp.shape != fp.shape or not xp.shape[0]:
        raise ValueError("fp and xp are not of the same length, or empty")
    if period is not None:
        if period == 0:
            raise ValueError("period must be a non-zero value")
        period, left, right = np.absolute(period), None, None
        x, xp = np.mod(x, period), np.mod(xp, period)
        order = np.argsort(xp)
        xp, fp = part_of(xp, (order,)), part_of(fp, (order,))
        xp = np.concatenate([xp[-1:] - period, xp, xp[:1] + period])
        fp = np.concatenate([fp[-1:], fp, fp[:1]])
    n = xp.shape[0]
    left, right = fp[0] if left is None else left, fp[-1] if right is None else right
    if n == 1:
        inside = fp[0] + 0.0 * x
    else:
        k = np.minimum(np.maximum(searchsorted(xp, x, "right") - 1, 0), n - 2)
        x0, x1, f0, f1 = (part_of(v, (i,)) for v in (xp, fp) for i in (k, k + 1))
        inside = f0 + (f1 - f0) / (x1 - x0) * (x - x0)
    return np.where(x < xp[0], left, np.where(x > xp[-1], right, inside))


@implements(np.unwrap)
def _np_unwrap(p, discont=None, axis=-1, *, period=2 * np.pi):
    p = as_array(p)
    axis = one_axis(axis, p.ndim)
    d = diff(p, axis=axis)
    half = period / 2
    folded = np.mod(d + half, period) - half
    folded = np.where(np.logical_and(folded == -half, d > 0), half, folded)
    jump = np.where(np.absolute(d) < (half if discont is None else discont), 0.0, folded - d)
    return np.concatenate([p[_along(axis, None, 1)], p[_along(axis, 1, None)] + np.cumsum(jump, axis=axis)], axis)


@implements(np.sinc)
def _np_sinc(x):
    """sin(πx)/(πx); 1 − (πx)²/6 + (πx)⁴/120 near 0, where the quotient's derivatives cancel."""
    y = np.pi * as_array(x)
    near = np.absolute(y) < 1e-2
    apart = np.where(near, 1.0, y)
    square = np.square(np.where(near, y, 0.0))
    series = 1.0 + square * (-1 / 6 + square * (1 / 120 - square / 5040))
    return np.where(near, series, np.sin(apart) / apart)


implements(np.i0)(lambda x: scipy.special.i0(as_array(x)))


@implements(np.kaiser)
def _np_kaiser(M, beta):
    """I₀(β √(1 − (2n/(M−1) − 1)²)) / I₀(β)."""
    if M <= 1:
        return np.ones(M) + 0.0 * beta
    n = np.linspace(-1.0, 1.0, M)
    return np.i0(beta * np.sqrt(1.0 - np.square(n))) / np.i0(beta)


# --- ranges with traced ends ------------------------------------------------------------------------------------------


@implements(np.linspace)
def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0, *, device=None):
    num = operator.index(fixed(num, "np.linspace"))
    if num < 0:
        raise ValueError(f"Number of samples, {num}, must be non-negative.")
    start, stop = as_array(start), as_array(stop)
    delta, parts = stop - start, num - 1 if endpoint else num
    t = np.arange(num, dtype=float).reshape((-1,) + (1,) * len(shape_of(delta)))
    step = delta / parts if parts > 0 else delta * np.nan
    made = t * step + start if parts > 0 else t * delta + start
    if endpoint and num > 1:
        made = np.where(t == num - 1, stop, made)
    made = astype(as_array(made), np.result_type(start.dtype, stop.dtype, 1.0) if dtype is None else dtype)
    made = made if axis == 0 else np.moveaxis(made, 0, axis)
    return (made, step) if retstep else made


@implements(np.logspace)
def logspace(start, stop, num=50, endpoint=True, base=10.0, dtype=None, axis=0):
    base = as_array(base)
    if base.ndim:
        shape = np.broadcast_shapes(shape_of(as_array(start)), shape_of(as_array(stop)), base.shape)
        start, stop, base = (np.broadcast_to(as_array(v), shape) for v in (start, stop, base))
        base = np.expand_dims(base, axis)
    made = np.power(base, linspace(start, stop, num, endpoint, axis=axis))
    return made if dtype is None else astype(made, dtype)


@implements(np.geomspace)
def _np_geomspace(start, stop, num=50, endpoint=True, dtype=None, axis=0):
    start, stop = as_array(start) * 1.0, as_array(stop) * 1.0
    if np.any(start == 0) or np.any(stop == 0):
        raise ValueError("Geometric sequence cannot include zero")
    sign = np.sign(start)
    stop = stop / sign
    made = logspace(np.log10(start / sign), np.log10(stop), num, endpoint) * sign
    made = made if axis == 0 else np.moveaxis(made, 0, axis)
    return made if dtype is None else astype(made, dtype)
