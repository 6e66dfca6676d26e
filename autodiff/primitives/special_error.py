"""Rows of scipy.special: error functions, the normal distribution, Dawson, Faddeeva, Fresnel, Voigt. DLMF chapter 7."""

import math

import numpy as np
import scipy.special as sp

from .elementwise import REAL
from .special import INSIDE, own, several, special

TWO_PI, ROOT_PI = math.sqrt(2 * math.pi), math.sqrt(math.pi)

# --- repeated integrals: E_n = e^{z²} iⁿerfc z, E_n' = −2(n+1) E_{n+1}. DLMF 7.18.7 and 7.18.10 -----------------------


def _forward(n: int, z, first):
    """E_n from E_0 by 2k E_k = E_{k−2} − 2z E_{k−1}: stable where E_k grows, or does not fall much."""
    before, now = 2 / ROOT_PI, first
    for k in range(1, n + 1):
        before, now = now, (before - 2 * z * now) / (2 * k)
    return now


def _backward(n: int, z, first):
    """E_n from E_0 by the continued fraction of E_k/E_{k−1}: where E_k falls."""
    depth = n + 20 + int(170 / np.square(np.abs(z)).min(initial=100.0))
    ratio, product = 0.0, first
    ratios = []
    for k in range(depth, 0, -1):
        ratio = 0.5 / (z + (k + 1) * ratio)
        ratios.append(ratio)
    for ratio in ratios[-n:] if n else ():
        product = product * ratio
    return product


def _repeated(n: int, z, first, far):
    out = np.empty_like(first)
    out[far], out[~far] = _backward(n, z[far], first[far]), _forward(n, z[~far], first[~far])
    return out


def _scaled(n: int, x):
    return _repeated(n, x, sp.erfcx(x), x > 1.2)


def _faddeeva(n: int, x, y):
    """w⁽ⁿ⁾(x + iy) = (2i)ⁿ n! E_n(y − ix)."""
    z = y - 1j * x
    far = (y >= 0) & ((np.abs(z) > 6.4) | (y > 1.5))
    return (2j)**n * math.factorial(n) * _repeated(n, z, sp.wofz(x + 1j * y), far)


SCALED_ERFC = own("scaled_erfc", _scaled, (None, lambda y, n, x: -2.0 * (n + 1) * SCALED_ERFC(n + 1, x)),
                  ((1, np.array([-1.3, 0.4, 2.1, 30.0])),), 1)
_PLANE = ((1, np.array([-1.3, 0.4, 9.0]), np.array([0.7, 2.2, 0.1])),)
FADDEEVA_REAL = own("faddeeva_real", lambda n, x, y: _faddeeva(n, x, y).real,
                    (None, lambda w, n, x, y: FADDEEVA_REAL(n + 1, x, y),
                     lambda w, n, x, y: -FADDEEVA_IMAG(n + 1, x, y)), _PLANE, 1)
FADDEEVA_IMAG = own("faddeeva_imag", lambda n, x, y: _faddeeva(n, x, y).imag,
                    (None, lambda w, n, x, y: FADDEEVA_IMAG(n + 1, x, y),
                     lambda w, n, x, y: FADDEEVA_REAL(n + 1, x, y)), _PLANE, 1)


# --- error functions --------------------------------------------------------------------------------------------------

ERF = special(sp.erf, (lambda y, x: 2 / ROOT_PI * np.exp(-np.square(x)),), REAL)
ERFC = special(sp.erfc, (lambda y, x: -2 / ROOT_PI * np.exp(-np.square(x)),), REAL)
ERFCX = special(sp.erfcx, (lambda y, x: -2.0 * SCALED_ERFC(1, x),), REAL)
special(sp.erfi, (lambda y, x: 2 / ROOT_PI * np.exp(np.square(x)),), REAL)
special(sp.erfinv, (lambda y, x: ROOT_PI / 2 * np.exp(np.square(y)),), INSIDE)
special(sp.erfcinv, (lambda y, x: -ROOT_PI / 2 * np.exp(np.square(y)),), INSIDE)
special(sp.dawsn, (lambda y, x: ROOT_PI / 2 * FADDEEVA_IMAG(1, x, 0.0),), REAL)
special(sp.wofz, (lambda w, z: 2j / ROOT_PI - 2.0 * z * w,), ((np.array([0.3 + 0.4j, -1.0 + 2.0j]),),))
several(sp.fresnel, (lambda out, x: (np.sin(np.pi / 2 * np.square(x)), np.cos(np.pi / 2 * np.square(x))),), REAL)


def _voigt(n: int, imaginary: bool, x, sigma, gamma):
    """Part of w⁽ⁿ⁾(z), z = (x + iγ)/(σ√2)."""
    scale = math.sqrt(2.0) * sigma
    return (FADDEEVA_IMAG if imaginary else FADDEEVA_REAL)(n, x / scale, gamma / scale)


def _voigt_width(v, x, sigma, gamma):
    """∂_σ of Re w(z)/(σ√2π) = σ ∂²v/∂x²: the heat equation in σ²."""
    return _voigt(2, False, x, sigma, gamma) / (2.0 * TWO_PI * np.square(sigma))


special(sp.voigt_profile, (lambda v, x, s, g: _voigt(1, False, x, s, g) / (2.0 * ROOT_PI * np.square(s)), _voigt_width,
                           lambda v, x, s, g: -_voigt(1, True, x, s, g) / (2.0 * ROOT_PI * np.square(s))),
        ((np.array([0.3, -1.2, 4.0]), 0.7, np.array([0.4, 1.1, 0.2])),))

# --- the normal distribution ------------------------------------------------------------------------------------------


def normal_density(x):
    return np.exp(-0.5 * np.square(x)) * (1 / TWO_PI)


def hazard(x):
    """φ(x)/Φ(x): √(2/π)/erfcx(−x/√2) on the left, where φ and Φ vanish together."""
    left = np.less(x, 0.0)
    tail = (2 / TWO_PI) / sp.erfcx(np.where(left, x, 0.0) * (-1 / math.sqrt(2.0)))
    right = np.where(left, 0.0, x)
    return np.where(left, tail, normal_density(right) / sp.ndtr(right))


NDTR = special(sp.ndtr, (lambda y, x: normal_density(x),), REAL)
LOG_NDTR = special(sp.log_ndtr, (lambda y, x: hazard(x),), REAL)
NDTRI = special(sp.ndtri, (lambda y, x: TWO_PI * np.exp(0.5 * np.square(y)),), INSIDE)
special(sp.ndtri_exp, (lambda y, x: 1.0 / hazard(y),), ((np.array([-3.0, -0.2]),),))


def _owens_slope(t, h, a):
    return np.exp(-0.5 * np.square(h) * (1.0 + np.square(a))) / (2 * np.pi * (1.0 + np.square(a)))


def _quantile_rate(p):
    """1/φ at the normal quantile of p."""
    return TWO_PI * np.exp(0.5 * np.square(sp.ndtri(p)))


special(sp.owens_t, (lambda t, h, a: -normal_density(h) * sp.erf(a * h * (1 / math.sqrt(2.0))) * 0.5, _owens_slope),
        ((np.array([0.4, -1.3]), np.array([0.7, 2.1])),))
special(sp.nrdtrimn, (lambda m, p, s, x: -s * _quantile_rate(p), lambda m, p, s, x: -sp.ndtri(p),
                      lambda m, p, s, x: 1.0), ((np.array([0.2, 0.7]), 1.3, 0.4),))
special(sp.nrdtrisd, (lambda s, m, p, x: -1.0 / sp.ndtri(p), lambda s, m, p, x: -s / sp.ndtri(p) * _quantile_rate(p),
                      lambda s, m, p, x: 1.0 / sp.ndtri(p)), ((0.4, np.array([0.2, 0.7]), np.array([-1.3, 1.3])),))
