"""Rows of scipy.special: Bessel, Hankel and Struve functions with respect to x.

Formulas between neighbouring orders (DLMF 10.6, 10.29, 11.4) hold at 0 too; orders are constants.
"""

import math

import numpy as np
import scipy.special as sp

from .elementwise import POSITIVE as ABOVE
from .elementwise import REAL
from .special import anywhere, no_rule, own, several, special

ORDER = ((2, np.array([0.4, 1.7, 12.0])),)
BOTH = ((1, np.array([-1.3, 0.4, 12.0])),)


def _of_order(ufunc, partial, samples):
    return special(ufunc, (no_rule(ufunc.__name__, "v (the order)"), partial), samples)


# --- exponentially scaled: every derivative by itself, since e^{−x}(I' − I) cancels for large x -----------------------


def _hankel_series(n: int, v, x, sign: float):
    """n-th derivative of x^{−½} Σ sign^k a_k(v)/x^k, DLMF 10.17.1, 10.40.1."""
    total, coefficient = np.zeros_like(x), np.ones_like(x)
    for k in range(40):
        rising = math.prod(k + 0.5 + i for i in range(n))
        term = coefficient * rising
        total = total + term
        following = coefficient * sign * (4 * v * v - (2 * k + 1)**2) / (8 * (k + 1) * x)
        coefficient = np.where(np.abs(following) < np.abs(coefficient), following, 0.0)
    return (-1)**n * total * x**(-0.5 - n)


def _leibniz(n: int, v, x, function, sign: float, growth: float):
    """Σ C(n, j) growth^{n−j} (sign/2)^j Σ C(j, k) function(v − j + 2k): derivatives of e^{±x} I_v or K_v."""
    return sum(math.comb(n, j) * growth**(n - j) * (sign / 2)**j * sum(
        math.comb(j, k) * function(v - j + 2 * k, x) for k in range(j + 1)) for j in range(n + 1))


def _ive_rate(n: int, v, x):
    """dⁿ/dxⁿ e^{−|x|} I_v(x); at the kink at 0 the mean of both sides."""
    size, sign = np.abs(x), np.where(x < 0, -1.0, 1.0)
    far = size > np.maximum(30.0, v * v)
    out = _leibniz(n, v, x, sp.ive, 1.0, -np.sign(x))
    series = _hankel_series(n, v, np.where(far, size, 30.0), -1.0) / math.sqrt(2 * math.pi)
    return np.where(far, series * np.where(sign < 0, np.cos(np.pi * v) * (-1)**n, 1.0), out)


def _kve_rate(n: int, v, x):
    """dⁿ/dxⁿ eˣ K_v(x)."""
    far = x > np.maximum(30.0, v * v)
    series = _hankel_series(n, v, np.where(far, x, 30.0), 1.0) * math.sqrt(math.pi / 2)
    return np.where(far, series, _leibniz(n, v, x, sp.kve, -1.0, 1.0))


_FIXED = no_rule("ive", "v (the order)"), no_rule("kve", "v (the order)")
IVE_RATE = own("ive_rate", _ive_rate, (None, _FIXED[0], lambda y, n, v, x: IVE_RATE(n + 1, v, x)),
               ((1, 1, np.array([-1.3, 0.4, 12.0, 40.0])),), 1)
KVE_RATE = own("kve_rate", _kve_rate, (None, _FIXED[1], lambda y, n, v, x: KVE_RATE(n + 1, v, x)),
               ((1, 1, np.array([0.4, 12.0, 40.0])),), 1)

# --- Bessel functions -------------------------------------------------------------------------------------------------

special(sp.j0, (lambda y, x: -sp.j1(x),), REAL)
special(sp.j1, (lambda y, x: 0.5 * (sp.j0(x) - sp.jv(2, x)),), REAL)
special(sp.y0, (lambda y, x: -sp.y1(x),), ABOVE)
special(sp.y1, (lambda y, x: sp.y0(x) - y / x,), ABOVE)
special(sp.i0, (lambda y, x: sp.i1(x),), REAL)
special(sp.i1, (lambda y, x: 0.5 * (sp.i0(x) + sp.iv(2, x)),), REAL)
special(sp.k0, (lambda y, x: -sp.k1(x),), ABOVE)
special(sp.k1, (lambda y, x: -sp.k0(x) - y / x,), ABOVE)
special(sp.i0e, (lambda y, x: IVE_RATE(1, 0, x),), REAL)
special(sp.i1e, (lambda y, x: IVE_RATE(1, 1, x),), REAL)
special(sp.k0e, (lambda y, x: KVE_RATE(1, 0, x),), ABOVE)
special(sp.k1e, (lambda y, x: KVE_RATE(1, 1, x),), ABOVE)
_of_order(sp.jv, lambda y, v, x: 0.5 * (sp.jv(v - 1, x) - sp.jv(v + 1, x)), BOTH)
_of_order(sp.jve, lambda y, v, x: 0.5 * (sp.jve(v - 1, x) - sp.jve(v + 1, x)), BOTH)
_of_order(sp.yv, lambda y, v, x: 0.5 * (sp.yv(v - 1, x) - sp.yv(v + 1, x)), ORDER)
_of_order(sp.yve, lambda y, v, x: 0.5 * (sp.yve(v - 1, x) - sp.yve(v + 1, x)), ORDER)
_of_order(sp.yn, lambda y, v, x: 0.5 * (sp.yv(v - 1, x) - sp.yv(v + 1, x)), ORDER)
_of_order(sp.iv, lambda y, v, x: 0.5 * (sp.iv(v - 1, x) + sp.iv(v + 1, x)), BOTH)
_of_order(sp.ive, lambda y, v, x: IVE_RATE(1, v, x), BOTH)
_of_order(sp.kv, lambda y, v, x: -0.5 * (sp.kv(v - 1, x) + sp.kv(v + 1, x)), ORDER)
_of_order(sp.kve, lambda y, v, x: KVE_RATE(1, v, x), ORDER)
_of_order(sp.kn, lambda y, v, x: -0.5 * (sp.kv(v - 1, x) + sp.kv(v + 1, x)), ORDER)
_COMPLEX = ((1, np.array([0.4 + 0.3j, 2.0 - 0.5j])),)
for _hankel, _scaled, _turn in ((sp.hankel1, sp.hankel1e, -1j), (sp.hankel2, sp.hankel2e, 1j)):
    _of_order(_hankel, lambda y, v, z, h=_hankel: 0.5 * (h(v - 1, z) - h(v + 1, z)), _COMPLEX)
    _of_order(_scaled, lambda y, v, z, h=_scaled, i=_turn: 0.5 * (h(v - 1, z) - h(v + 1, z)) + i * y, _COMPLEX)
several(sp.itj0y0, (lambda out, x: (sp.j0(x), sp.y0(x)),), ABOVE)
several(sp.iti0k0, (lambda out, x: (sp.i0(x), sp.k0(x)),), ABOVE)


def _even_rest(sign: float):
    """Σ_{k≥1} (sign x²/4)^k/(k!)²/x near 0: (J_0 − 1)/x and (I_0 − 1)/x without cancellation."""
    def near(x):
        u, total = 0.25 * sign * np.square(x), 0.0
        for k in range(9, 0, -1):
            total = (1.0 + u * total) / k**2 if k > 1 else 1.0 + u * total
        return 0.25 * sign * x * total
    return near


def _rest(x, function, sign: float):
    near = np.less(np.absolute(x), 1.0)
    apart = np.where(near, 1.0, x)
    return np.where(near, _even_rest(sign)(np.where(near, x, 0.0)), (function(apart) - 1.0) / apart)


several(sp.it2j0y0, (lambda out, x: (-_rest(x, sp.j0, -1.0), -sp.y0(x) / x),), ABOVE)
several(sp.it2i0k0, (lambda out, x: (_rest(x, sp.i0, 1.0), -sp.k0(x) / x),), ABOVE)
special(sp.besselpoly, (lambda y, a, k, v: sp.besselpoly(a, k + 1.0, v - 1.0) - sp.besselpoly(a, k + 1.0, v + 1.0),
                        no_rule("besselpoly", "lmb"), no_rule("besselpoly", "nu")), ((np.array([0.4, 1.7]), 1, 2),))

# --- Struve -----------------------------------------------------------------------------------------------------------


def _half_power(v, x):
    """(x/2)^v/(√π Γ(v + 3/2))."""
    return np.power(0.5 * x, v) * sp.rgamma(v + 1.5) * (1 / math.sqrt(math.pi))


def _struve_rate(y, v, x):
    """Between neighbours near 0; for large x, where these grow alike, from the lower neighbour alone."""
    near = np.less(np.absolute(x), 2.0)
    a, b = np.where(near, x, 1.0), np.where(near, 1.0, x)
    return np.where(near, 0.5 * (sp.struve(v - 1.0, a) - sp.struve(v + 1.0, a) + _half_power(v, a)),
                    sp.struve(v - 1.0, b) - v / b * sp.struve(v, b))


def _modified_rate(y, v, x):
    return 0.5 * (sp.modstruve(v - 1.0, x) + sp.modstruve(v + 1.0, x) + _half_power(v, x))


def _from_zero(rate, zero):
    """2/π ∓ the function of order 1 for order 0, whose lower neighbour is singular at 0 in its derivatives."""
    def partial(y, v, x):
        first = np.equal(v, 0)
        if not anywhere(first):
            return rate(y, v, x)
        if not anywhere(np.logical_not(first)):
            return zero(x)
        return np.where(first, zero(x), rate(y, np.where(first, 1.0, v), x))
    return partial


_of_order(sp.struve, _from_zero(_struve_rate, lambda x: 2 / math.pi - sp.struve(1.0, x)), ORDER)
_of_order(sp.modstruve, _from_zero(_modified_rate, lambda x: 2 / math.pi + sp.modstruve(1.0, x)), ORDER)
special(sp.itstruve0, (lambda y, x: sp.struve(0.0, x),), ABOVE)
special(sp.it2struve0, (lambda y, x: -sp.struve(0.0, x) / x,), ABOVE)
special(sp.itmodstruve0, (lambda y, x: sp.modstruve(0.0, x),), ABOVE)
