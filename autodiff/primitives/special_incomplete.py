"""Rows of scipy.special: incomplete gamma and beta functions and their inverses, with respect to every argument.

Densities by Loader's saddle-point form (2000), exact to rounding for large parameters. Derivatives with respect to
shape parameters are moments of log t over the smaller tail, by the double exponential rule (Takahasi & Mori 1974).
"""

import math

import numpy as np
import scipy.special as sp

from .elementwise import POSITIVE_PAIRS
from .special import own, special
from .special_gamma import BERNOULLI, ZETA_CHANGE

NODES, BLOCK, TAIL = 141, 256, 42.0
GAUSS = [0.5 * (1 + u) if k == 0 else 0.5 * u for k, u in enumerate(np.polynomial.legendre.leggauss(80))]


# --- densities --------------------------------------------------------------------------------------------------------


def _divergence(gap, ratio):
    """log(1 + gap) − gap, ratio = 1 + gap: near 0 by 2 atanh r, r = gap/(2 + gap), as −r gap + 2(r³/3 + r⁵/5 + …)."""
    r = gap / (2 + gap)
    square, total = r * r, 0.0
    for k in range(31, 1, -2):
        total = square * (total + 1 / k)
    return np.where(np.abs(gap) < 0.6, r * (2 * total - gap), np.log(ratio) - gap)


def stirling_rest(a):
    """log Γ(a) − (a − ½) log a + a − ½ log 2π."""
    far = a > 9.0
    b, total = np.where(far, a, 9.0), 0.0
    for k in range(8, 0, -1):
        total = total / b**2 + BERNOULLI[k - 1] / (2 * k * (2 * k - 1))
    return np.where(far, total / b, sp.gammaln(a) - (a - 0.5) * np.log(a) + a - 0.5 * math.log(2 * math.pi))


def _gamma_density(a, x):
    """x^{a−1} e^{−x}/Γ(a); a ≤ 1 (any sign, for derivatives) as it stands."""
    large = a > 1.0
    b = np.where(large, a, 2.0)
    saddle = np.sqrt(b / (2 * math.pi)) * np.exp(b * _divergence((x - b) / b, x / b) - stirling_rest(b)) / x
    plain = np.where(a == 0, 0.0, x**(a - 1) * np.exp(-x) * sp.rgamma(a))
    return np.where(large, np.where(x > 0, saddle, 0.0), plain)


def _beta_density(a, b, x):
    """x^{a−1} (1−x)^{b−1}/B(a, b)."""
    both = (a > 1) & (b > 1)
    p, q = np.where(both, a, 2.0), np.where(both, b, 2.0)
    n = p + q
    gap = x * q - (1 - x) * p
    exponent = (p * _divergence(gap / p, x * n / p) + q * _divergence(-gap / q, (1 - x) * n / q)
                - stirling_rest(p) - stirling_rest(q) + stirling_rest(n))
    saddle = np.sqrt(p * q / (2 * math.pi * n)) * np.exp(exponent) / (x * (1 - x))
    plain = x**(a - 1) * (1 - x)**(b - 1) * sp.rgamma(a) * sp.rgamma(b) * sp.gamma(a + b)
    wide = np.exp(sp.xlogy(a - 1, x) + sp.xlog1py(b - 1, -x) - sp.betaln(a, b))
    inside = np.where((x > 0) & (x < 1), saddle, 0.0)
    return np.where(both, inside, np.where((a > 0) & (b > 0) & (a + b > 100), wide, plain))


def _gamma_slope(f, a, x):
    """f (a−1−x)/x; at 0 the difference with the density of a − 1."""
    zero = np.equal(x, 0.0)
    return np.where(zero, GAMMA_DENSITY(a - 1.0, x) - f, f * (a - 1.0 - x) / np.where(zero, 1.0, x))


def _beta_slope(f, a, b, x):
    """f ((a−1)/x − (b−1)/(1−x)); at the ends (a+b−1)(f_{a−1,b} − f_{a,b−1})."""
    end = np.logical_or(np.equal(x, 0.0), np.equal(x, 1.0))
    t = np.where(end, 0.5, x)
    at = (a + b - 1.0) * (BETA_DENSITY(a - 1.0, b, x) - BETA_DENSITY(a, b - 1.0, x))
    return np.where(end, at, f * ((a - 1.0) / t - (b - 1.0) / (1.0 - t)))


def _vanishing(f, log):
    """f · log, and 0 where f is."""
    return np.where(np.equal(f, 0.0), 0.0, f * log)


GAMMA_DENSITY = own("gamma_density", _gamma_density,
                    (lambda f, a, x: _vanishing(f, np.log(x) - sp.digamma(a)), _gamma_slope),
                    (*POSITIVE_PAIRS, (np.array([20.0, 300.0]), np.array([17.0, 310.0]))))
BETA_DENSITY = own("beta_density", _beta_density,
                   (lambda f, a, b, x: _vanishing(f, np.log(x) - ZETA_CHANGE(1, a, b)),
                    lambda f, a, b, x: _vanishing(f, np.log1p(-x) - ZETA_CHANGE(1, b, a)), _beta_slope),
                   ((np.array([0.4, 2.2, 30.0]), np.array([1.3, 0.7, 70.0]), np.array([0.3, 0.8, 0.35])),))


# --- derivatives with respect to the shape: moments -------------------------------------------------------------------


def polygamma_at(k: int, a):
    """ψ⁽ᵏ⁾(a)."""
    return sp.digamma(a) if k == 0 else (-1.0)**(k + 1) * math.factorial(k) * sp.zeta(k + 1.0, a)


def polygamma_gap(k: int, a, b):
    """ψ⁽ᵏ⁾(a) − ψ⁽ᵏ⁾(a + b)."""
    return (-1.0)**k * math.factorial(k) * ZETA_CHANGE(k + 1, a, b)


def _moments(m: int, n: int, rates: dict) -> dict:
    """e^{−g} ∂_a^i ∂_b^j e^g, i ≤ m, j ≤ n, from the derivatives of g (a multivariate Bell recurrence)."""
    out: dict = {(0, 0): 1.0}
    for i in range(m + 1):
        for j in range(n + 1):
            if i + j == 0:
                continue
            di, dj = (1, 0) if i else (0, 1)          # one derivative of g, the others by Leibniz
            out[i, j] = sum(math.comb(i - di, k) * math.comb(j - dj, r) * rates[k + di, r + dj]
                            * out[i - di - k, j - dj - r] for k in range(i - di + 1) for r in range(j - dj + 1))
    return out


def _gamma_rates(m: int, log, a) -> dict:
    return {(k, 0): (log if k == 1 else 0.0) - polygamma_at(k - 1, a) for k in range(1, m + 1)}


def _beta_rates(m: int, n: int, log, log_rest, a, b) -> dict:
    rates = {(i, j): polygamma_at(i + j - 1, a + b) for i in range(1, m + 1) for j in range(1, n + 1)}
    rates |= {(i, 0): (log if i == 1 else 0.0) - polygamma_gap(i - 1, a, b) for i in range(1, m + 1)}
    return rates | {(0, j): (log_rest if j == 1 else 0.0) - polygamma_gap(j - 1, b, a) for j in range(1, n + 1)}


def _reach(decay, slope, start):
    """Where the convex `decay` meets TAIL: Newton's method from the right."""
    for _ in range(24):
        start = start - (decay(start) - TAIL) / slope(start)
    return start


def _over(f, reach):
    """∫₀^reach f(l) dl by Gauss's rule."""
    return reach * (GAUSS[1] @ f(reach * GAUSS[0][:, None]))


def _over_tail(f, reach):
    """The same by l = ρ e^{τ − e^{−τ}}, for integrands that fall exponentially and have features at any scale."""
    scale = np.minimum(1.0, reach / TAIL)
    low, high = -3.6, np.log(reach / scale) + 0.05
    tau = np.linspace(np.full_like(high, low), high, NODES)
    length = scale * np.exp(tau - np.exp(-tau))
    return (f(length) * length * (1 + np.exp(-tau))).sum(0) * (tau[1] - tau[0])


def _log_gap(a, x):
    """log x − ψ(a)."""
    far = a > 12.0
    b, total = np.where(far, a, 12.0), 0.0
    for k in range(8, 0, -1):
        total = total / b**2 + BERNOULLI[k - 1] / (2 * k)
    above = 0.5 / b + total / b**2                                                   # log a − ψ(a)
    ratio = np.where(np.abs(x - b) < 0.5 * b, np.log1p((x - b) / b), np.log(x / b))
    return np.where(far, ratio + above, np.log(x) - sp.digamma(a))


def _gamma_tail(m: int, sign: float, a, x):
    """∂^m P(a, x)/∂a^m = ∓ ∫ x f(a, x) e^{−decay} B_m dl over the upper or lower tail; l is the distance in log t."""
    gap, rates = _log_gap(a, x), _gamma_rates(m, 0.0, a)

    def decay(length):
        return x * np.expm1(sign * length) - sign * a * length

    def slope(length):
        return sign * (x * np.exp(sign * length) - a)

    def integrand(length):
        return np.exp(-decay(length)) * _moments(m, 0, rates | {(1, 0): gap + sign * length})[m, 0]
    start = (TAIL + x) / a if sign < 0 else np.log1p(TAIL / x) + np.minimum(np.sqrt(2 * TAIL / x), 3.0)
    over = _over_tail if sign < 0 else _over
    return -sign * x * _gamma_density(a, x) * over(integrand, _reach(decay, slope, start))


def _beta_tail(m: int, n: int, a, b, x):
    """∂_a^m ∂_b^n I_x(a, b) over the lower tail, x ≤ a/(a + b); l is the distance in logit t."""
    log, scaled, rates = sp.logit(x), x * (1 - x) * _beta_density(a, b, x), _beta_rates(m, n, 0.0, 0.0, a, b)

    def decay(length):
        return a * length + (a + b) * np.log1p(x * np.expm1(-length))

    def slope(length):
        return a - (a + b) / (1 + (1 - x) / x * np.exp(length))

    def integrand(length):
        at = log - length
        logs = {(1, 0): sp.log_expit(at) + rates[1, 0]} if m else {}
        logs |= {(0, 1): sp.log_expit(-at) + rates[0, 1]} if n else {}
        return np.exp(-decay(length)) * _moments(m, n, rates | logs)[m, n]
    reach = _reach(decay, slope, (TAIL - (a + b) * np.log1p(-x)) / a)
    knee = np.clip(log, 0.0, reach)                     # 1 − t falls until there, the weight may start to fall
    beyond = _over_tail(lambda length: integrand(knee + length), np.maximum(reach - knee, 1e-30))
    return scaled * (_over(integrand, knee) + beyond)


def _gammainc_shape(m: int, a, x):
    inside = (a > 0) & (x > 0) & np.isfinite(a + x)
    a, t = np.where(inside, a, 1.0), np.where(inside, x, 1.0)
    value = np.empty_like(t)
    for part, sign in ((t < a, -1.0), (t >= a, 1.0)):
        value[part] = _gamma_tail(m, sign, a[part], t[part])
    return np.where(inside, value, np.where((x == 0) | (x == np.inf), 0.0, np.nan))


def _betainc_shape(m: int, n: int, a, b, x):
    inside = (a > 0) & (b > 0) & (x > 0) & (x < 1)
    a, b, t = np.where(inside, a, 1.0), np.where(inside, b, 1.0), np.where(inside, x, 0.5)
    lower, value = t * (a + b) <= a, np.empty_like(t)
    value[lower] = _beta_tail(m, n, a[lower], b[lower], t[lower])
    upper = ~lower
    value[upper] = -_beta_tail(n, m, b[upper], a[upper], 1 - t[upper])
    return np.where(inside, value, np.where((x == 0) | (x == 1), 0.0, np.nan))


def _density_shape(m: int, a, x):
    """∂_a^m of the gamma density."""
    f = GAMMA_DENSITY(a, x)
    return _vanishing(f, _moments(m, 0, _gamma_rates(m, np.log(x), a))[m, 0]) if m else f


def _beta_density_shape(m: int, n: int, a, b, x):
    f = BETA_DENSITY(a, b, x)
    return _vanishing(f, _moments(m, n, _beta_rates(m, n, np.log(x), np.log1p(-x), a, b))[m, n]) if m + n else f


GAMMAINC_SHAPE = own("gammainc_shape", _gammainc_shape,
                     (None, lambda z, m, a, x: GAMMAINC_SHAPE(m + 1, a, x), lambda z, m, a, x: _density_shape(m, a, x)),
                     ((1, *POSITIVE_PAIRS[0]),), 1, BLOCK)
BETAINC_SHAPE = own("betainc_shape", _betainc_shape,
                    (None, None, lambda z, m, n, a, b, x: BETAINC_SHAPE(m + 1, n, a, b, x),
                     lambda z, m, n, a, b, x: BETAINC_SHAPE(m, n + 1, a, b, x),
                     lambda z, m, n, a, b, x: _beta_density_shape(m, n, a, b, x)),
                    ((1, 0, np.array([0.4, 2.2]), np.array([1.3, 0.7]), np.array([0.3, 0.8])),), 2, BLOCK)


# --- the functions and their inverses ---------------------------------------------------------------------------------


def gamma_rates(sign: float = 1.0) -> tuple:
    """∂ of ±P(a, x) with respect to a and x."""
    return lambda a, x: sign * GAMMAINC_SHAPE(1, a, x), lambda a, x: sign * GAMMA_DENSITY(a, x)


def beta_rates(sign: float = 1.0) -> tuple:
    """∂ of ±I_x(a, b) with respect to a, b and x."""
    return (lambda a, b, x: sign * BETAINC_SHAPE(1, 0, a, b, x), lambda a, b, x: sign * BETAINC_SHAPE(0, 1, a, b, x),
            lambda a, b, x: sign * BETA_DENSITY(a, b, x))


def direct(rates: tuple) -> tuple:
    """The partials of F itself."""
    return tuple([rate and (lambda out, *inputs, _r=rate: _r(*inputs)) for rate in rates])


def inverse(rates: tuple, solved: int, given: int) -> tuple:
    """The partials of out with F(…, out, …) = p: the argument `solved` of F is the result, the input `given` is p.

    rates : of F, by its arguments in order; the inputs are the other arguments in that order, p among them.
    """
    def partial(position: int):
        number = position - (position > given)
        rate = None if position == given else rates[number + (number >= solved)]

        def rule(out, *inputs):
            rest = [x for k, x in enumerate(inputs) if k != given]
            at = (*rest[:solved], out, *rest[solved:])
            slope = rates[solved](*at)
            return 1.0 / slope if rate is None else -rate(*at) / slope
        return None if rate is None and position != given else rule
    return tuple([partial(k) for k in range(len(rates))])


_GAMMA = ((np.array([0.4, 2.2, 7.0]), np.array([1.3, 0.7, 6.0])),)
_BETA = ((np.array([0.4, 2.2]), np.array([1.3, 0.7]), np.array([0.3, 0.8])),)
_LEVELS = ((np.array([0.4, 2.2]), np.array([0.3, 0.7])),)
special(sp.gammainc, direct(gamma_rates()), _GAMMA)
special(sp.gammaincc, direct(gamma_rates(-1.0)), _GAMMA)
special(sp.gammaincinv, inverse(gamma_rates(), 1, 1), _LEVELS)
special(sp.gammainccinv, inverse(gamma_rates(-1.0), 1, 1), _LEVELS)
special(sp.betainc, direct(beta_rates()), _BETA)
special(sp.betaincc, direct(beta_rates(-1.0)), _BETA)
special(sp.betaincinv, inverse(beta_rates(), 2, 2), _BETA)
special(sp.betainccinv, inverse(beta_rates(-1.0), 2, 2), _BETA)
special(sp.btdtria, inverse(beta_rates(), 0, 0), ((np.array([0.3, 0.6]), np.array([1.3, 0.7]), np.array([0.4, 0.8])),))
special(sp.btdtrib, inverse(beta_rates(), 1, 1), ((np.array([1.3, 0.7]), np.array([0.3, 0.6]), np.array([0.4, 0.8])),))
