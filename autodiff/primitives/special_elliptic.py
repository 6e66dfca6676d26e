"""Rows of scipy.special: elliptic integrals and functions, the arithmetic-geometric mean. DLMF chapters 19 and 22.

Derivatives with respect to the parameter go through Carlson's R_D, whose terms are positive: (E − (1−m)K)/m cancels.
"""

import math

import numpy as np
import scipy.special as sp

from .elementwise import POSITIVE_PAIRS
from .special import INSIDE, own, several, special

STEP, REACH = 0.4, 84.0


def _carlson(a, b, c, d, x, y, z, p):
    """∫₀^∞ (t+x)^{−a/2} (t+y)^{−b/2} (t+z)^{−c/2} (t+p)^{−d/2} dt by the trapezoidal rule in log t."""
    arguments, powers = np.stack([x, y, z, p]), np.array([a, b, c, d]) / 2
    used = arguments[powers > 0]
    low = np.log(np.where(used > 0, used, np.inf).min(0)) - REACH
    high = np.log(used.max(0)) + REACH
    count = int(np.max((high - low) / STEP, initial=1.0)) + 1
    t = np.exp(np.linspace(low, high, count + 1))
    total = (t * math.prod((t + u)**-q for u, q in zip(arguments, powers, strict=True) if q)).sum(0)
    return np.where((used < 0).any(0) | ((used == 0).sum(0) > 1), np.nan, total * ((high - low) / count))


def _raised(number: int):
    """∂ of the integral with respect to its argument `number`: the same with a power raised."""
    def partial(value, *inputs):
        powers = list(inputs[:4])
        powers[number] += 2
        return -0.5 * inputs[number] * CARLSON(*powers, *inputs[4:])
    return partial


CARLSON = own("carlson", _carlson, (None,) * 4 + tuple(map(_raised, range(4))),
              ((1, 3, 1, 2, np.array([0.4, 2.0]), 0.7, 1.3, 2.2), (1, 1, 3, 0, 0, 1, np.array([0.3]), 1)), 4, 256)


def _rd_rate(number: int):
    powers = [1, 1, 3, 0]
    powers[number] += 2
    return lambda value, x, y, z: (-2.25 if number == 2 else -0.75) * CARLSON(*powers, x, y, z, 1.0)


_THREE = ((np.array([0.4, 2.0]), 0.7, np.array([1.3, 0.2])),)
ELLIPRD = special(sp.elliprd, tuple(map(_rd_rate, range(3))), _THREE)
ELLIPRF = special(sp.elliprf, (lambda v, x, y, z: sp.elliprd(y, z, x) * (-1 / 6),
                               lambda v, x, y, z: sp.elliprd(z, x, y) * (-1 / 6),
                               lambda v, x, y, z: sp.elliprd(x, y, z) * (-1 / 6)), _THREE)
special(sp.elliprg, (lambda v, x, y, z: (z * sp.elliprd(x, y, z) + y * sp.elliprd(x, z, y)) * (1 / 12),
                     lambda v, x, y, z: (z * sp.elliprd(x, y, z) + x * sp.elliprd(y, z, x)) * (1 / 12),
                     lambda v, x, y, z: (x * sp.elliprd(y, z, x) + y * sp.elliprd(x, z, y)) * (1 / 12)), _THREE)
special(sp.elliprj, (lambda v, *at: -0.75 * CARLSON(3, 1, 1, 2, *at), lambda v, *at: -0.75 * CARLSON(1, 3, 1, 2, *at),
                     lambda v, *at: -0.75 * CARLSON(1, 1, 3, 2, *at), lambda v, *at: -1.5 * CARLSON(1, 1, 1, 4, *at)),
        ((np.array([0.4, 2.0]), 0.7, 1.3, np.array([0.9, 0.2])),))


def _rc_rate(first: bool):
    """∂R_C = −R_D/6 or −R_D/3; for y < 0 (a principal value) from 2(y−x)∂_x R_C = R_C − x^{−½}."""
    def partial(v, x, y):
        below = np.less(y, 0.0)
        above, under = np.where(below, 1.0, y), np.where(below, y, -1.0)
        regular = sp.elliprd(above, above, x) * (-1 / 6) if first else sp.elliprd(x, above, above) * (-1 / 3)
        rest = (v - 1.0 / np.sqrt(x)) / (2.0 * (under - x)) if first else (v - np.sqrt(x) / under) / (2.0 * (x - under))
        return np.where(below, rest, regular)
    return partial


special(sp.elliprc, (_rc_rate(True), _rc_rate(False)), (*POSITIVE_PAIRS, (np.array([0.4]), np.array([-0.7]))))

# --- Legendre's integrals ---------------------------------------------------------------------------------------------


def _k_rate(v, m):
    return sp.elliprd(0.0, 1.0, 1.0 - m) * (1 / 6)


def _e_rate(v, m):
    return sp.elliprd(0.0, 1.0 - m, 1.0) * (-1 / 6)


def _incomplete(rate, complete):
    """∂_m of F or E at φ = kπ + θ: ± sin³θ R_D/6, and 2k of the complete integral's."""
    def partial(v, phi, m):
        turns = np.rint(phi / math.pi)
        s, c = np.sin(phi), np.cos(phi)
        sign = 1.0 - 2.0 * np.mod(turns, 2.0)
        once = sign * s * np.square(s) * rate(np.square(c), 1.0 - m * np.square(s))
        within = np.equal(turns, 0.0)
        return once + np.where(within, 0.0, 2.0 * turns * complete(0.0, np.where(within, 0.0, m)))
    return partial


_f_rate = _incomplete(lambda c2, d2: sp.elliprd(c2, 1.0, d2) * (1 / 6), _k_rate)
_ei_rate = _incomplete(lambda c2, d2: sp.elliprd(c2, d2, 1.0) * (-1 / 6), _e_rate)
PARAMETER = ((np.array([-1.3, 0.0, 0.2, 0.7]),),)
special(sp.ellipk, (_k_rate,), PARAMETER)
special(sp.ellipe, (_e_rate,), PARAMETER)
special(sp.ellipkm1, (lambda v, p: sp.elliprd(0.0, 1.0, p) * (-1 / 6),), INSIDE)
_PHI = ((np.array([0.4, 1.2, 4.0, -2.5]), np.array([0.3, 0.8, 0.6, -1.2])),)
special(sp.ellipkinc, (lambda v, phi, m: 1.0 / np.sqrt(1.0 - m * np.square(np.sin(phi))), _f_rate), _PHI)
special(sp.ellipeinc, (lambda v, phi, m: np.sqrt(1.0 - m * np.square(np.sin(phi))), _ei_rate), _PHI)


def _jacobi_rates(out, u, m):
    """∂_m: am_m = −dn F_m(am, m), and sn, cn, dn follow from am."""
    sn, cn, dn, phi = out
    turn = -dn * _f_rate(0.0, phi, m)
    return cn * turn, -sn * turn, -(np.square(sn) + 2.0 * m * sn * cn * turn) / (2.0 * dn), turn


several(sp.ellipj, (lambda out, u, m: (out[1] * out[2], -out[0] * out[2], -m * out[0] * out[1], out[2]), _jacobi_rates),
        ((np.array([0.4, 1.2, 4.0, -2.5]), np.array([0.3, 0.8, 0.6, 0.1])),))

# M(a, b) = π/(2 R_F(0, a², b²)).
special(sp.agm, (lambda v, a, b: np.square(v) * a * sp.elliprd(0.0, np.square(b), np.square(a)) * (2 / (3 * math.pi)),
                 lambda v, a, b: np.square(v) * b * sp.elliprd(0.0, np.square(a), np.square(b)) * (2 / (3 * math.pi))),
        POSITIVE_PAIRS)
