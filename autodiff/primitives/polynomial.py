"""np.poly*: polynomials by their coefficients, highest power first. Roots by implicit differentiation."""

import warnings

import numpy as np

from ..primitive import Primitive, bind, implements, shape_of
from .shape import as_array, concatenate, reshape
from .signal import convolve


def _coefficients(p):
    p = p.coeffs if isinstance(p, np.poly1d) else as_array(p)
    return reshape(p, (1,)) if not p.shape else p


@implements(np.polyval)
def polyval(p, x):
    """Horner's rule."""
    x = as_array(x)
    value = np.zeros_like(x, dtype=np.result_type(_coefficients(p).dtype, x.dtype))
    for c in _coefficients(p):
        value = value * x + c
    return value


def _combined(a, b, sign: float):
    a, b = _coefficients(a), _coefficients(b)
    n = max(a.shape[0], b.shape[0])
    a, b = (v if v.shape[0] == n else np.concatenate([np.zeros(n - v.shape[0], v.dtype), v]) for v in (a, b))
    return a + b if sign > 0 else a - b


implements(np.polyadd)(lambda a1, a2: _combined(a1, a2, 1.0))
implements(np.polysub)(lambda a1, a2: _combined(a1, a2, -1.0))


@implements(np.polymul)
def _np_polymul(a1, a2):
    return convolve(_coefficients(a1), _coefficients(a2))


@implements(np.polyder)
def _np_polyder(p, m=1):
    p = _coefficients(p)
    for _ in range(m):
        n = p.shape[0] - 1
        p = p[:-1] * np.arange(n, 0, -1)
    return p


@implements(np.polyint)
def _np_polyint(p, m=1, k=None):
    k = np.zeros(m) if k is None else reshape(as_array(k), (-1,))
    k = k if k.shape[0] != 1 else np.broadcast_to(k, (m,))
    p = _coefficients(p)
    for i in range(m):
        p = concatenate([p / np.arange(p.shape[0], 0, -1), k[i:i + 1]], 0)
    return p


@implements(np.polydiv)
def _np_polydiv(u, v):
    """Long division; leading zeros of the remainder are cut off where they vanish (guarded)."""
    u, v = _coefficients(u) * 1.0, _coefficients(v) * 1.0
    m, n = u.shape[0] - 1, v.shape[0] - 1
    quotient, rest = [], u
    for k in range(m - n + 1):
        d = rest[k] / v[0]
        quotient.append(d)
        rest = np.concatenate([rest[:k], rest[k:k + n + 1] - d * v, rest[k + n + 1:]])
    while rest.shape[0] > 1 and np.absolute(rest[0]) <= 1e-8:          # as np.allclose(r[0], 0, rtol=1e-14)
        rest = rest[1:]
    return (np.stack(quotient) if quotient else np.zeros(1)), rest


@implements(np.poly)
def _np_poly(seq_of_zeros):
    zeros = as_array(seq_of_zeros)
    if zeros.ndim == 2 and zeros.shape[0] == zeros.shape[1] and zeros.shape[0]:
        zeros = np.linalg.eigvals(zeros)
    elif zeros.ndim != 1:
        raise ValueError("input must be 1d or non-empty square 2d array.")
    p = np.ones(1, zeros.dtype)
    for z in zeros:
        p = convolve(p, np.stack([np.ones((), zeros.dtype), -z]))
    return p


def _roots_tangent(out, inputs, tangents, kind):
    """dr = −Σ dp_k rⁿ⁻ᵏ / p′(r); nothing is said at a multiple root."""
    p, = inputs
    n = shape_of(p)[0] - 1
    slope = 0.0
    for k in range(n):
        slope = slope * out + (n - k) * p[k]
    change = 0.0
    for k in range(n + 1):
        change = change * out + tangents[0][k]
    return -change / slope


ROOTS = Primitive("roots", lambda p, kind: np.roots(p).astype(kind), lambda p,
    kind: ((shape_of(p)[0] - 1,), np.dtype(kind)),
                  jvp=_roots_tangent, samples=(((np.array([1.0, -0.5, -2.0, 0.3]),), {"kind": "float64"}),))


@implements(np.roots)
def _np_roots(p):
    p = _coefficients(p)
    if p.ndim != 1:
        raise ValueError("Input must be a rank-1 array.")
    nonzero = np.flatnonzero(p)
    if not nonzero.size:
        return np.array([])
    trailing = p.shape[0] - nonzero[-1] - 1
    p = p[int(nonzero[0]):int(nonzero[-1]) + 1]
    if p.shape[0] < 2:
        return np.zeros(trailing)
    if np.any(_has_complex_roots(p)):
        kind = "complex128"
    else:
        kind = "float64" if p.dtype.kind != "c" else "complex128"
    roots = bind(ROOTS, (p * 1.0,), {"kind": kind})
    return concatenate([roots, np.zeros(trailing, roots.dtype)], 0) if trailing else roots


COMPLEX_ROOTS = Primitive("complex_roots", lambda p: np.bool_(np.iscomplexobj(np.roots(p))),
                          lambda p: ((), np.dtype(np.bool_)), partials=(None,), samples=((np.array([1.0, 0.0, 1.0]),),))


def _has_complex_roots(p):
    return bind(COMPLEX_ROOTS, (p,))


@implements(np.polyfit)
def _np_polyfit(x, y, deg, rcond=None, full=False, w=None, cov=False):
    """Least squares on scaled powers of x."""
    x, y = as_array(x) * 1.0, as_array(y) * 1.0
    if deg < 0 or x.ndim != 1 or y.ndim not in (1, 2) or x.shape[0] != y.shape[0] or not x.shape[0]:
        raise TypeError("polyfit: need deg >= 0, a vector x, and y as long as x with one or two axes")
    rcond = x.shape[0] * np.finfo(x.dtype).eps if rcond is None else rcond
    lhs, rhs = np.vander(x, deg + 1), y
    if w is not None:
        w = as_array(w) * 1.0
        if w.ndim != 1 or w.shape != (y.shape[0],):
            raise TypeError("expected a vector of weights as long as y")
        lhs, rhs = lhs * w[:, None], rhs * (w if y.ndim == 1 else w[:, None])
    scale = np.sqrt(np.sum(np.square(lhs), axis=0))
    lhs = lhs / scale
    solution, residuals, rank, singular = np.linalg.lstsq(lhs, rhs, rcond)
    c = (solution.T / scale).T
    if rank != deg + 1 and not full:
        warnings.warn("Polyfit may be poorly conditioned", np.exceptions.RankWarning, stacklevel=3)
    if full:
        return c, residuals, rank, singular, rcond
    if not cov:
        return c
    base = np.linalg.inv(np.dot(lhs.T, lhs)) / np.outer(scale, scale)
    if isinstance(cov, str) and cov == "unscaled":
        factor = 1.0
    elif x.shape[0] <= deg + 1:
        raise ValueError("the number of data points must exceed order to scale the covariance matrix")
    else:
        factor = residuals / (x.shape[0] - deg - 1)
    return (c, base * factor) if y.ndim == 1 else (c, base[:, :, None] * factor)
