"""Rows of scipy.special: spherical Bessel, Kelvin, Airy, parabolic cylinder, Mathieu and spheroidal functions."""

import math

import numpy as np
import scipy.special as sp

from ..primitive import Primitive, Tracer, implements
from .elementwise import POSITIVE as ABOVE
from .elementwise import REAL, broadcast, same_type
from .special import no_rule, several, special
from .special_bessel import IVE_RATE, KVE_RATE, ORDER

# --- spherical Bessel functions: Python functions, answered while a function is recorded. DLMF 10.51 ------------------


def _spherical(function, sign: float, lead: float):
    """f_n' = lead (n f_{n−1} + sign (n+1) f_{n+1})/(2n + 1)."""
    row = Primitive(function.__name__, function, lambda n, z: (broadcast(n, z), same_type(z)), samples=ORDER,
                    partials=(no_rule(function.__name__, "n (the order)"), lambda y, n, z: rate(n, z)))

    def rate(n, z):
        return lead * (n * row(np.maximum(n - 1, 0), z) + sign * (n + 1.0) * row(n + 1, z)) / (2.0 * n + 1.0)

    @implements(function)
    def answer(n, z, derivative=False):
        n = n if type(n) is Tracer or isinstance(n, int) else np.asarray(n)
        return rate(n, z) if derivative else row(n, z)
    return row


SPHERICAL_JN = _spherical(sp.spherical_jn, -1.0, 1.0)
SPHERICAL_YN = _spherical(sp.spherical_yn, -1.0, 1.0)
SPHERICAL_IN = _spherical(sp.spherical_in, 1.0, 1.0)
SPHERICAL_KN = _spherical(sp.spherical_kn, 1.0, -1.0)

# --- Kelvin functions: f'' = if − f'/x for f = ber + i bei, ker + i kei. DLMF 10.61 -----------------------------------


def _slope(function, first: int):
    """f'/x of ber (first = 2) or bei (1): the power series near 0."""
    def rate(x):
        near = np.less(np.absolute(x), 1.0)
        square, apart = np.square(np.where(near, 0.5 * x, 0.0)), np.where(near, 1.0, x)
        total = 0.0
        for k in range(6, -1, -1):
            m = 2 * k + first                        # (x/2)^{2m} (±1)/m!², differentiated and over x
            total = (-1.0)**(m // 2) * 0.5 * m / math.factorial(m)**2 + np.square(square) * total
        return np.where(near, square * total if first == 2 else total, function(apart) / apart)
    return rate


_BER, _BEI = _slope(sp.berp, 2), _slope(sp.beip, 1)
special(sp.ber, (lambda y, x: sp.berp(x),), REAL)
special(sp.bei, (lambda y, x: sp.beip(x),), REAL)
special(sp.ker, (lambda y, x: sp.kerp(x),), ABOVE)
special(sp.kei, (lambda y, x: sp.keip(x),), ABOVE)
special(sp.berp, (lambda y, x: -sp.bei(x) - _BER(x),), REAL)
special(sp.beip, (lambda y, x: sp.ber(x) - _BEI(x),), REAL)
special(sp.kerp, (lambda y, x: -sp.kei(x) - y / x,), ABOVE)
special(sp.keip, (lambda y, x: sp.ker(x) - y / x,), ABOVE)
several(sp.kelvin, (lambda out, x: (out[2], out[3], 1j * out[0] - (_BER(x) + 1j * _BEI(x)),
                                    1j * out[1] - out[3] / x),), ABOVE)

# --- Airy functions ---------------------------------------------------------------------------------------------------


def _airye_rates(out, x):
    """e^{ζ} Ai and its kin, ζ = ⅔x^{3/2}, for x > 1 through K_⅓(ζ), K_⅔, I_±⅓, I_±⅔ (DLMF 9.6), whose scaled
    derivatives do not cancel; Bi is not scaled left of 0, nor Ai defined."""
    ai, aip, bi, bip = out
    right, far = np.greater(x, 0.0), np.greater(x, 1.0)
    root = np.sqrt(np.where(right, x, 0.0))
    t = np.where(far, x, 1.0)
    s = np.sqrt(t)
    zeta = t * s * (2 / 3)

    def pair(v, order):
        return IVE_RATE(order, v, zeta) + IVE_RATE(order, -v, zeta)
    third, k = 1 / math.sqrt(3.0), 1 / (math.pi * math.sqrt(3.0))
    apart = (k * (KVE_RATE(0, 1 / 3, zeta) / (2.0 * s) + t * KVE_RATE(1, 1 / 3, zeta)),
             -k * (KVE_RATE(0, 2 / 3, zeta) + t * s * KVE_RATE(1, 2 / 3, zeta)),
             third * (pair(1 / 3, 0) / (2.0 * s) + t * pair(1 / 3, 1)),
             third * (pair(2 / 3, 0) + t * s * pair(2 / 3, 1)))
    near = (aip + root * ai, x * ai + root * aip, bip - root * bi, x * bi - root * bip)
    return tuple([np.where(far, a, b) for a, b in zip(apart, near, strict=True)])


several(sp.airy, (lambda out, x: (out[1], x * out[0], out[3], x * out[2]),), REAL)
several(sp.airye, (_airye_rates,), ABOVE)
several(sp.itairy, (lambda out, x: (sp.airy(x)[0], sp.airy(x)[2], sp.airy(-x)[0], sp.airy(-x)[2]),), ABOVE)

# --- functions that come with their derivative: the second one from the differential equation -------------------------


def _with_derivative(ufunc, constants: str, second, samples, unit: float = 1.0):
    """(f, f') of (parameters, x): df' = second(f, f', parameters, x) dx, x in units of `unit`."""
    refused = tuple([no_rule(ufunc.__name__, name) for name in constants.split()])
    several(ufunc, (*[(lambda out, *inputs, _r=r: _r()) for r in refused],
                    lambda out, *inputs: (unit * out[1], unit * second(*out, *inputs))), samples)


def _mathieu(characteristic, modified: bool):
    def second(f, fp, m, q, x):
        if modified:
            return (characteristic(m, q) - 2.0 * q * np.cosh(2.0 * x)) * f
        return (2.0 * q * np.cos(x * (math.pi / 90)) - characteristic(m, q)) * f
    return second


def _angular(characteristic, sign: float):
    """((1 − x²) f')' = −(λ ∓ c²x² − m²/(1 − x²)) f. DLMF 30.2.1."""
    def second(f, fp, m, n, c, *rest):
        x, cv = rest[-1], rest[0] if len(rest) == 2 else characteristic(m, n, c)
        w = 1.0 - np.square(x)
        return (2.0 * x * fp - (cv - sign * np.square(c * x) - m * m / w) * f) / w
    return second


def _oblate_radial(f, fp, m, n, c, *rest):
    """((x² + 1) f')' = (λ − c²x² − m²/(x² + 1)) f."""
    x, cv = rest[-1], rest[0] if len(rest) == 2 else sp.obl_cv(m, n, c)
    w = 1.0 + np.square(x)
    return ((cv - np.square(c * x) - m * m / w) * f - 2.0 * x * fp) / w


_CYLINDER, _ANGLE = ((1, np.array([0.4, 1.7])),), ((1, 2, np.array([30.0, 75.0])),)
_with_derivative(sp.pbdv, "v", lambda f, fp, v, x: (0.25 * np.square(x) - v - 0.5) * f, _CYLINDER)
_with_derivative(sp.pbvv, "v", lambda f, fp, v, x: (0.25 * np.square(x) - v - 0.5) * f, _CYLINDER)
_with_derivative(sp.pbwa, "a", lambda f, fp, a, x: (a - 0.25 * np.square(x)) * f, _CYLINDER)
_with_derivative(sp.mathieu_cem, "m q", _mathieu(sp.mathieu_a, False), _ANGLE, math.pi / 180)
_with_derivative(sp.mathieu_sem, "m q", _mathieu(sp.mathieu_b, False), _ANGLE, math.pi / 180)
for _ufunc, _values in {sp.mathieu_modcem1: sp.mathieu_a, sp.mathieu_modcem2: sp.mathieu_a,
                        sp.mathieu_modsem1: sp.mathieu_b, sp.mathieu_modsem2: sp.mathieu_b}.items():
    _with_derivative(_ufunc, "m q", _mathieu(_values, True), ((1, 2, np.array([0.3, 0.8])),))
_SPHEROIDAL = {"m n c": (sp.pro_ang1, sp.pro_rad1, sp.obl_ang1, sp.obl_rad1),
               "m n c cv": (sp.pro_ang1_cv, sp.pro_rad1_cv, sp.obl_ang1_cv, sp.obl_rad1_cv)}
_RATES = ((_angular(sp.pro_cv, 1.0), sp.pro_cv, 0.4), (_angular(sp.pro_cv, 1.0), sp.pro_cv, 1.6),
          (_angular(sp.obl_cv, -1.0), sp.obl_cv, 0.4), (_oblate_radial, sp.obl_cv, 1.6))
for _names, _ufuncs in _SPHEROIDAL.items():
    for _ufunc, (_second, _cv, _x) in zip(_ufuncs, _RATES, strict=True):
        _constants = (1, 2, 1, np.float32(_cv(1, 2, 1))) if "cv" in _names else (1, 2, 1)     # other cv solve nothing
        _with_derivative(_ufunc, _names, _second, ((*_constants, np.array([_x])),))
