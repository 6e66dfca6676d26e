"""Rows of scipy.special: gamma, polygamma, zeta and beta functions, binomials. DLMF chapters 5 and 25."""

import math

import numpy as np
import scipy.special as sp

from ..errors import TraceError
from ..primitive import Tracer, implements
from .elementwise import POSITIVE as ABOVE
from .elementwise import POSITIVE_PAIRS
from .special import own, special, ufunc_of

BERNOULLI = [float(b) for b in sp.bernoulli(30)[2::2]]                                    # B_2, B_4, …
LARGE = 12                                                                                # terms before Euler–Maclaurin


# --- differences of polygammas, derivatives of zeta -------------------------------------------------------------------


def _zeta_change(s: int, z, m):
    """Σ_{k≥0} (z+k+m)^{−s} − (z+k)^{−s}, each term by expm1: no cancellation where m is small or z is large."""
    out = sp.zeta(s, z + m) - sp.zeta(s, z) if s > 1 else sp.digamma(z) - sp.digamma(z + m)
    direct = ~((z > 0) & (z + m > 0))
    z, m = np.where(direct, 1.0, z), np.where(direct, 0.0, m)

    def change(a, power):
        return a**-power * np.expm1(-power * np.log1p(m / a))
    total = sum(change(z + k, s) for k in range(LARGE))
    z = z + LARGE
    total = total + change(z, s) / 2 + (-np.log1p(m / z) if s == 1 else change(z, s - 1) / (s - 1))
    weight = float(s)
    for j in range(1, 9):
        total = total + BERNOULLI[j - 1] / math.factorial(2 * j) * weight * change(z, s + 2 * j - 1)
        weight *= (s + 2 * j - 1) * (s + 2 * j)
    return np.where(direct, out, total)


def _zeta_rate(order: int, s, q):
    """∂^order ζ(s, q)/∂s^order by Euler–Maclaurin's formula, differentiated term by term. DLMF 25.11.28."""
    total = np.zeros_like(s)
    for k in range(2 * LARGE):
        total += (-np.log(q + k))**order * (q + k)**-s
    x = q + 2 * LARGE
    rates = [(-1)**i * math.factorial(i) * x / (s - 1)**(i + 1) + (0.5 if i == 0 else 0.0) for i in range(order + 1)]
    rising = [s if i == 0 else np.full_like(s, i == 1) for i in range(order + 1)]              # (s)_1 and derivatives
    for j in range(1, 13):
        weight = BERNOULLI[j - 1] / math.factorial(2 * j) * x**(1.0 - 2 * j)
        rates = [r + weight * p for r, p in zip(rates, rising, strict=True)]
        for k in (2 * j - 1, 2 * j):
            rising = [p * (s + k) + (i * rising[i - 1] if i else 0.0) for i, p in enumerate(rising)]
    return total + x**-s * sum(math.comb(order, i) * (-np.log(x))**(order - i) * r for i, r in enumerate(rates))


def _zeta_rate_shift(z, order, s, q):
    """∂_q of it: ∂^order (−s ζ(s+1, q))."""
    lower = ZETA_RATE(order - 1, s + 1.0, q) * float(order) if order > 1 else order * ZETA(s + 1.0, q)
    return -s * ZETA_RATE(order, s + 1.0, q) - lower


def _riemann_rate(z, s):
    """ζ'(s); left of 0 from the functional equation. DLMF 25.4.1."""
    left = np.less(s, 0.0)
    t, r = np.where(left, s, -1.0), np.where(left, 2.0, s)
    sine, cosine = np.sin(np.pi / 2 * t), np.cos(np.pi / 2 * t)
    factor = np.exp(sp.gammaln(1.0 - t) + (t - 1.0) * float(np.log(2 * np.pi))) * 2.0
    inner = (float(np.log(2 * np.pi)) * sine + np.pi / 2 * cosine - sine * sp.digamma(1.0 - t)) * RIEMANN(1.0 - t)
    return np.where(left, factor * (inner - sine * ZETA_RATE(1, 1.0 - t, 1.0)), ZETA_RATE(1, r, 1.0))


ZETA_CHANGE = own("zeta_change", _zeta_change,                                              # s = 1: ψ(z) − ψ(z + m)
                  (None, lambda y, s, z, m: -float(s) * ZETA_CHANGE(s + 1, z, m),
                   lambda y, s, z, m: -float(s) * sp.zeta(s + 1.0, z + m)),
                  ((1, *POSITIVE_PAIRS[0]), (2, 3.5, 1e-3)), 1)
ZETA_RATE = own("zeta_rate", _zeta_rate, (None, lambda z, order, s, q: ZETA_RATE(order + 1, s, q), _zeta_rate_shift),
                ((1, np.array([1.5, 4.0]), np.array([0.4, 2.0])),), 1)
ZETA = special(ufunc_of(sp.zeta, 2.0), (lambda z, s, q: ZETA_RATE(1, s, q), lambda z, s, q: -s * sp.zeta(s + 1.0, q)),
               ((np.array([1.5, 4.0]), np.array([0.4, 2.0])),), "zeta")
RIEMANN = special(ufunc_of(sp.zeta), (_riemann_rate,), ((np.array([-2.0, -0.7, 0.3, 2.5]),),), "riemann_zeta")
special(sp.zetac, (_riemann_rate,), ((np.array([-2.0, -0.7, 0.3, 2.5]),),))

# --- gamma ------------------------------------------------------------------------------------------------------------


def rgamma_rate(y, x):
    """(1/Γ)': −ψ/Γ, and left of ½ by reflection, where 1/Γ has zeros at the poles of ψ. DLMF 5.5.3."""
    left = np.less(x, 0.5)
    t, r = np.where(left, x, 0.0), np.where(left, 1.0, x)
    reflected = sp.gamma(1.0 - t) * (np.cos(np.pi * t) - np.sin(np.pi * t) / np.pi * sp.digamma(1.0 - t))
    return np.where(left, reflected, -sp.rgamma(r) * sp.digamma(r))


NEGATIVE_TOO = ((np.array([-2.3, 0.2, 1.7, 3.1]),),)
GAMMALN = special(sp.gammaln, (lambda y, x: sp.digamma(x),), NEGATIVE_TOO)
GAMMA = special(sp.gamma, (lambda y, x: y * sp.digamma(x),), NEGATIVE_TOO)
DIGAMMA = special(sp.digamma, (lambda y, x: sp.zeta(2.0, x),), NEGATIVE_TOO)
special(sp.loggamma, (lambda y, x: sp.digamma(x),), ABOVE)
special(sp.rgamma, (rgamma_rate,), ((np.array([-2.0, -1.3, 0.0, 0.2, 1.7]),),))
special(sp.gammasgn, (None,), NEGATIVE_TOO)


def _cotangents(z, m):
    """π(cot πz − cot π(z+m)): 0 for integer m."""
    whole = np.equal(m, np.rint(m))
    z, m = np.where(whole, 0.25, z), np.where(whole, 0.0, m)
    return np.pi * (1.0 / np.tan(np.pi * z) - 1.0 / np.tan(np.pi * (z + m)))


def _ratio_rate(y, z, m, scale):
    """∂_z of y = scale Γ(z+m)/Γ(z): y(ψ(z+m) − ψ(z)), past the zeros of 1/Γ(z) and, reflected, the poles of Γ(z+m)."""
    right, left = np.greater(z, 0.0), np.less_equal(z + m, 0.0)
    simple = -y * ZETA_CHANGE(1, np.where(right, z, 1.0), np.where(right, m, 0.0))
    between = np.logical_not(np.logical_or(right, left))
    a, b = np.where(between, z, 0.5), np.where(between, z + m, 0.5)
    past = scale * sp.gamma(b) * (sp.digamma(b) * sp.rgamma(a) + rgamma_rate(0.0, a))
    n = np.where(left, m, 0.0)
    reflected = y * (ZETA_CHANGE(1, np.where(left, 1.0 - z - m, 1.0), n) + _cotangents(np.where(left, z, 0.25), n))
    return np.where(right, simple, np.where(left, reflected, past))


def _binom_lower(y, n, k):
    """∂_k of Γ(n+1)/(Γ(k+1)Γ(n−k+1))."""
    inside = np.logical_and(np.greater(k, -0.5), np.greater(n - k, -0.5))
    simple = -y * ZETA_CHANGE(1, np.where(inside, k + 1.0, 1.0), np.where(inside, n - 2.0 * k, 0.0))
    a, b = np.where(inside, 1.0, k + 1.0), np.where(inside, 1.0, n - k + 1.0)
    past = rgamma_rate(0.0, a) * sp.rgamma(b) - sp.rgamma(a) * rgamma_rate(0.0, b)
    return np.where(inside, simple, sp.gamma(np.where(inside, 1.0, n + 1.0)) * past)


POCH = special(sp.poch, (lambda y, z, m: _ratio_rate(y, z, m, 1.0), lambda y, z, m: y * sp.digamma(z + m)),
               (*POSITIVE_PAIRS, (np.array([-2.5, -1.0, -4.0]), 3)))
BETA = special(sp.beta, (lambda y, a, b: y * ZETA_CHANGE(1, a, b), lambda y, a, b: y * ZETA_CHANGE(1, b, a)),
               POSITIVE_PAIRS)
BETALN = special(sp.betaln, (lambda y, a, b: ZETA_CHANGE(1, a, b), lambda y, a, b: ZETA_CHANGE(1, b, a)),
                 POSITIVE_PAIRS)
BINOM = special(sp.binom, (lambda y, n, k: _ratio_rate(y, n - k + 1.0, k, sp.rgamma(k + 1.0)), _binom_lower),
                ((np.array([5.3, 1.2]), np.array([2.1, 3.4])), (np.array([1.0, -2.5, 7.0]), 3)))

# --- functions of Python: creators.py answers them while a function is recorded ---------------------------------------


def _static(function: str, argument: str, value):
    if type(value) is Tracer and value.dtype.kind == "f":
        raise TraceError(f"scipy.special.{function} has no derivative rule for its argument {argument}",
                         f"keep {argument} constant")
    return np.asarray(value)


def _no_integers(function: str, exact) -> None:
    if exact:
        raise TraceError(f"scipy.special.{function} with exact=True counts with Python integers", "use exact=False")


@implements(sp.polygamma)
def polygamma(n, x):
    """ψ⁽ⁿ⁾(x) = (−1)ⁿ⁺¹ n! ζ(n+1, x)."""
    n = _static("polygamma", "n", n)
    if n.size and not n.any():
        return sp.digamma(x) + np.zeros(n.shape)
    rest = (-1.0)**(n + 1) * sp.gamma(n + 1.0) * sp.zeta(np.where(n == 0, 2.0, n + 1.0), x)
    return np.where(n == 0, sp.digamma(x), rest) if (n == 0).any() else rest


@implements(sp.multigammaln)
def multigammaln(a, d):
    d = int(_static("multigammaln", "d", d))
    if np.any(a <= 0.5 * (d - 1)):
        raise ValueError(f"multigammaln: need a > (d − 1)/2 = {0.5 * (d - 1)}")
    return sum([sp.loggamma(a - j / 2) for j in range(d)], d * (d - 1) / 4 * math.log(math.pi))


@implements(sp.factorial)
def factorial(n, exact=False, extend="zero"):
    """Γ(n + 1), and 0 for negative n."""
    _no_integers("factorial", exact)
    value = sp.gamma(n + 1.0)
    return value if extend == "complex" else np.where(n < 0, 0.0, value)


@implements(sp.comb)
def comb(N, k, *, exact=False, repetition=False):
    _no_integers("comb", exact)
    if repetition:
        return np.where(np.logical_and(np.equal(k, 0), np.greater_equal(N, 0)), 1.0, sp.binom(N + k - 1.0, k))
    return np.where(_counted(N, k), sp.binom(N, k), 0.0)


@implements(sp.perm)
def perm(N, k, exact=False):
    _no_integers("perm", exact)
    return np.where(_counted(N, k), sp.poch(N - k + 1.0, k), 0.0)


def _counted(N, k):
    return np.logical_and(np.less_equal(k, N), np.logical_and(np.greater_equal(N, 0), np.greater_equal(k, 0)))

