"""Rows of scipy.special: distribution functions and their inverses; floored counts have derivative zero."""

import math

import numpy as np
import scipy.special as sp

from .special import EXP_MOMENT, no_rule, own, special
from .special_gamma import ZETA_CHANGE
from .special_incomplete import (
    BETA_DENSITY,
    GAMMA_DENSITY,
    beta_rates,
    direct,
    gamma_rates,
    inverse,
    stirling_rest,
)

_PA, _PX = gamma_rates()
_IA, _IB, _IX = beta_rates()


def _table(rates: tuple, functions: dict, complement: tuple = ()) -> None:
    """F and 1 − F, and what solves F = p: ufunc -> (position of the unknown in F, position of p), or samples alone."""
    minus = tuple([rate and (lambda *at, _r=rate: -_r(*at)) for rate in rates])
    for ufunc, (unknown, given, samples) in functions.items():
        chosen = minus if ufunc in complement else rates
        special(ufunc, direct(chosen) if unknown is None else inverse(chosen, unknown, given), samples)


# --- gamma, Poisson, χ² -----------------------------------------------------------------------------------------------

_LEVEL, _A, _B, _CHANCE = np.array([0.3, 0.7]), np.array([1.4, 3.2]), np.array([0.8, 2.1]), np.array([0.4, 0.6])
_table((lambda a, b, x: x * _PX(b, a * x), lambda a, b, x: _PA(b, a * x), lambda a, b, x: a * _PX(b, a * x)),
       {sp.gdtr: (None, None, ((_A, _B, 0.7),)), sp.gdtrc: (None, None, ((_A, _B, 0.7),)),
        sp.gdtria: (0, 0, ((_LEVEL, _B, 0.7),)), sp.gdtrib: (1, 1, ((_A, _LEVEL, 0.7),)),
        sp.gdtrix: (2, 2, ((_A, _B, _LEVEL),))}, (sp.gdtrc,))
_table((lambda v, x: 0.5 * _PA(0.5 * v, 0.5 * x), lambda v, x: 0.5 * _PX(0.5 * v, 0.5 * x)),
       {sp.chdtr: (None, None, ((_A, _B),)), sp.chdtrc: (None, None, ((_A, _B),)), sp.chdtri: (1, 1, ((_A, _LEVEL),)),
        sp.chdtriv: (0, 0, ((_LEVEL, _B),))}, (sp.chdtrc, sp.chdtri))
_table((None, lambda k, m: -GAMMA_DENSITY(np.floor(k) + 1.0, m)),
       {sp.pdtr: (None, None, ((3, _A),)), sp.pdtrc: (None, None, ((3, _A),)),
        sp.pdtri: (1, 1, ((3, _LEVEL),))}, (sp.pdtrc,))
_table((lambda k, m: -_PA(k + 1.0, m), lambda k, m: -_PX(k + 1.0, m)), {sp.pdtrik: (0, 0, ((_LEVEL, _A + 3),))})

# --- F, binomial, negative binomial -----------------------------------------------------------------------------------


def _f_rates() -> tuple:
    """I_w(d/2, e/2), w = dx/(e + dx)."""
    def at(rate, change):
        def partial(d, e, x):
            w, total = d * x / (e + d * x), e + d * x
            moved = _IX(0.5 * d, 0.5 * e, w) * change(d, e, x) / np.square(total)
            return moved if rate is None else 0.5 * rate(0.5 * d, 0.5 * e, w) + moved
        return partial
    return at(_IA, lambda d, e, x: e * x), at(_IB, lambda d, e, x: -d * x), at(None, lambda d, e, x: d * e)


_table(_f_rates(), {sp.fdtr: (None, None, ((_A, _B, 0.7),)), sp.fdtrc: (None, None, ((_A, _B, 0.7),)),
                    sp.fdtri: (2, 2, ((_A, _B, _LEVEL),)),
                    sp.fdtridfd: (1, 1, ((_A, 0.5 * _LEVEL, 0.7),))}, (sp.fdtrc,))


def _binomial(k, n, p):
    """∂_p I_{1−p}(n−k, k+1), 0 where all of the mass is below."""
    k = np.floor(k)
    whole = np.greater_equal(k, n)
    return np.where(whole, 0.0, -BETA_DENSITY(k + 1.0, np.where(whole, 1.0, n - k), p))


_table((None, no_rule("bdtr", "n"), _binomial), {
    sp.bdtr: (None, None, ((2, 5, _LEVEL),)), sp.bdtrc: (None, None, ((2, 5, _LEVEL),)),
    sp.bdtri: (2, 2, ((2, 5, _LEVEL),))}, (sp.bdtrc,))
_table((lambda k, n, p: _IB(n - k, k + 1.0, 1.0 - p) - _IA(n - k, k + 1.0, 1.0 - p),
        lambda k, n, p: _IA(n - k, k + 1.0, 1.0 - p),
        lambda k, n, p: -_IX(k + 1.0, n - k, p)),
       {sp.bdtrik: (0, 0, ((_LEVEL, 9.0, _CHANCE),)), sp.bdtrin: (1, 1, ((2.0, _LEVEL, _CHANCE),))})
_table((None, no_rule("nbdtr", "n"), lambda k, n, p: BETA_DENSITY(n, np.floor(k) + 1.0, p)), {
    sp.nbdtr: (None, None, ((2, 5, _LEVEL),)), sp.nbdtrc: (None, None, ((2, 5, _LEVEL),)),
    sp.nbdtri: (2, 2, ((2, 5, _LEVEL),))}, (sp.nbdtrc,))
_table((lambda k, n, p: _IB(n, k + 1.0, p), lambda k, n, p: _IA(n, k + 1.0, p), lambda k, n, p: _IX(n, k + 1.0, p)),
       {sp.nbdtrik: (0, 0, ((_LEVEL, 3.0, _CHANCE),)), sp.nbdtrin: (1, 1, ((3.0, _LEVEL, _CHANCE),))})

# --- Student ----------------------------------------------------------------------------------------------------------


def _student(v, t):
    """Γ((v+1)/2)/(√(πv) Γ(v/2)) (1 + t²/v)^{−(v+1)/2}."""
    b = v / 2
    constant = b * np.log1p(0.5 / b) - 0.5 + stirling_rest(b + 0.5) - stirling_rest(b)
    return np.exp(constant - (b + 0.5) * np.log1p(t * t / v)) / math.sqrt(2 * math.pi)


def _student_shape(f, v, t):
    s = np.square(t) / v
    return 0.5 * f * (-ZETA_CHANGE(1, 0.5 * v, 0.5) - np.log1p(s) + (s * (v + 1.0) / (1.0 + s) - 1.0) / v)


def _student_freedom(v, t):
    """∂_v of ½ I_w(v/2, ½) on the left, of 1 less it on the right, w = v/(v + t²)."""
    middle = np.equal(t, 0.0)
    square = np.where(middle, 1.0, np.square(t))
    total = v + square
    rate = 0.25 * _IA(0.5 * v, 0.5, v / total) + 0.5 * _IX(0.5 * v, 0.5, v / total) * square / np.square(total)
    return -np.sign(t) * rate


STUDENT = own("student_density", _student, (_student_shape, lambda f, v, t: -f * (v + 1.0) * t / (v + np.square(t))),
              ((_A, np.array([-0.7, 2.0])),))
_table((_student_freedom, lambda v, t: STUDENT(v, t)), {
    sp.stdtr: (None, None, ((_A, np.array([-0.7, 2.0])),)), sp.stdtrit: (1, 1, ((_A, _LEVEL),)),
    sp.stdtridf: (0, 0, ((np.array([0.1, 0.9]), np.array([-2.0, 1.6])),))})

# --- noncentral χ² and F ----------------------------------------------------------------------------------------------


def _noncentral(k, v, x, nc):
    """Density of noncentral χ² with v + 2k degrees of freedom: Bessel's form, or 0F1 where λx is small."""
    a, z = v / 2 + k, x * nc
    near = (z < 40.0) | (a <= 1.0)
    far = np.where(near, 1.0, z)
    u, w = np.where(near, 1.0, x), np.where(near, 1.0, nc)
    bessel = 0.5 * np.exp(-0.5 * (np.sqrt(u) - np.sqrt(w))**2) * (u / w)**(a / 2 - 0.5) * sp.ive(a - 1, np.sqrt(far))
    series = 0.5 * (x / 2)**(a - 1) * np.exp(-(x + nc) / 2) * sp.rgamma(a) * sp.hyp0f1(a, z / 4)
    return np.where(near, series, bessel)


NONCENTRAL = own("noncentral_density", _noncentral,
                 (None, no_rule("chndtr", "df"), lambda f, k, v, x, nc: 0.5 * (NONCENTRAL(k - 1, v, x, nc) - f),
                  lambda f, k, v, x, nc: 0.5 * (NONCENTRAL(k + 1, v, x, nc) - f)), ((0, 5, _A, _B),), 1)
_table((lambda x, v, nc: NONCENTRAL(0, v, x, nc), no_rule("chndtr", "df"), lambda x, v, nc: -NONCENTRAL(1, v, x, nc)), {
    sp.chndtr: (None, None, ((_A, 5, _B),)), sp.chndtrix: (0, 0, ((_LEVEL, 5, _B),)),
    sp.chndtrinc: (2, 2, ((_A + 2, 5, 0.5 * _LEVEL),)), sp.chndtridf: (1, 1, ())})


def _noncentral_f(d, e, nc, x):
    """∂_x: a Poisson mixture of beta densities, e^{−λ/2} f_{d/2, e/2}(w) 1F1((d+e)/2; d/2; λw/2), w = dx/(e + dx)."""
    w = d * x / (e + d * x)
    mixture = np.exp(-0.5 * nc * (1.0 - w)) * sp.hyp1f1(-0.5 * e, 0.5 * d, -0.5 * nc * w)
    return _IX(0.5 * d, 0.5 * e, w) * mixture * d * e / np.square(e + d * x)


_table((no_rule("ncfdtr", "dfn"), no_rule("ncfdtr", "dfd"), no_rule("ncfdtr", "nc"), _noncentral_f), {
    sp.ncfdtr: (None, None, ((3, 5, 2, _A),)), sp.ncfdtri: (3, 3, ((3, 5, 2, _LEVEL),))})

# --- Tukey's lambda, Kolmogorov ---------------------------------------------------------------------------------------


def _tukey_density(out, x, power):
    """1/(p^{λ−1} + (1−p)^{λ−1}); 0 beyond ±1/λ."""
    beyond = np.greater_equal(power * np.absolute(x), 1.0)
    p, q = (np.where(beyond, 0.5, v) for v in (out, sp.tklmbda(-x, power)))
    return np.where(beyond, 0.0, 1.0 / (np.power(p, power - 1.0) + np.power(q, power - 1.0)))


def _tukey_power(out, x, power):
    """−f ∂_λ of the quantile (p^λ − (1−p)^λ)/λ."""
    beyond = np.greater_equal(power * np.absolute(x), 1.0)
    logs = [np.log(np.where(beyond, 0.5, v)) for v in (out, sp.tklmbda(-x, power))]
    p, q = (np.square(log) * EXP_MOMENT(1, power * log) for log in logs)
    return _tukey_density(out, x, power) * (q - p)


def _kolmogorov_rate(y):
    """−8y Σ (−1)^{k−1} k² e^{−2k²y²}, and for small y the transformed series of √(2π)/y Σ e^{−(2k−1)²π²/8y²}."""
    small = np.less(y, 0.8)
    s, t = np.where(small, y, 1.0), np.where(small, 1.0, y)
    large = sum((-1.0)**k * 8.0 * k * k * np.exp(-2.0 * k * k * np.square(t)) for k in range(1, 6)) * t
    c = [(2 * k - 1)**2 * math.pi**2 / 8 for k in range(1, 5)]
    theta = sum(np.exp(-ck / np.square(s)) * (2.0 * ck / np.square(s) - 1.0) for ck in c)
    return np.where(small, -math.sqrt(2 * math.pi) / np.square(s) * theta, large)


special(sp.tklmbda, (_tukey_density, _tukey_power), ((np.array([-0.4, 0.7, 0.3]), np.array([0.3, 0.8, -0.4])),))
special(sp.kolmogorov, (lambda q, y: _kolmogorov_rate(y),), ((np.array([0.5, 0.9, 1.4]),),))
special(sp.kolmogi, (lambda y, q: 1.0 / _kolmogorov_rate(y),), ((np.array([0.2, 0.9]),),))


def _smirnov_value(order: int, n, d):
    """dᵏ/ddᵏ of d Σ_{j ≤ n(1−d)} C(n, j) u^{j−1} v^{n−j}, u = d + j/n, v = 1 − u: term by term."""
    total = np.zeros_like(d)
    for j in range(int(n.max(initial=0)) + 1):
        u = d + j / n
        v, live = 1 - u, (j <= n) & (u < 1)
        u, v = np.where(live, u, 0.5), np.where(live, v, 0.5)
        log = sp.gammaln(n + 1) - sp.gammaln(j + 1) - sp.gammaln(n - j + 1)
        rates = [sum(math.comb(k, i) * (-1.0)**(k - i) * sp.poch(j - i, i) * sp.poch(n - j - (k - i) + 1, k - i)
                     * np.exp(log + (j - 1 - i) * np.log(u) + (n - j - k + i) * np.log(v)) for i in range(k + 1))
                 for k in range(order + 1)]
        total += np.where(live, d * rates[order] + (order * rates[order - 1] if order else 0.0), 0.0)
    return total


SMIRNOV = own("smirnov_rate", lambda k, n, d: _smirnov_value(k, np.floor(n), d),
              (None, None, lambda y, k, n, d: SMIRNOV(k + 1, n, d)), ((1, 5, np.array([0.13, 0.37, 0.71])),), 1)
special(sp.smirnov, (None, lambda y, n, d: SMIRNOV(1, n, d)), ((5, np.array([0.13, 0.37, 0.71])),))
special(sp.smirnovi, (None, lambda d, n, p: 1.0 / SMIRNOV(1, n, d)), ((5, np.array([0.13, 0.37, 0.71])),))
