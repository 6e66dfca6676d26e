"""The 35 problems of Moré, Garbow & Hillstrom: sums of squares, each with the number, start and minima of the paper.

J. J. Moré, B. S. Garbow, K. E. Hillstrom, Testing unconstrained optimization software, ACM Trans. Math. Software 7
(1981) 17-41. Where n is free, the sizes are those whose minimum the paper prints, or one of 10 to 100.
"""

from __future__ import annotations

import numpy as np

from problems.case import Case, squares
from problems.fits_more_garbow_hillstrom import FITS


def _mgh(number: int, name: str, residual, x0, **columns) -> Case:
    return squares(name, residual, x0, f"MGH {number}", **columns)


def _rosenbrock(x):
    return np.array([10 * (x[1] - x[0] ** 2), 1 - x[0]])


def _freudenstein_roth(x):
    a, b = x[0], x[1]
    return np.array([-13 + a + ((5 - b) * b - 2) * b, -29 + a + ((b + 1) * b - 14) * b])


def _powell_badly_scaled(x):
    return np.array([1e4 * x[0] * x[1] - 1, np.exp(-x[0]) + np.exp(-x[1]) - 1.0001])


def _brown_badly_scaled(x):
    return np.array([x[0] - 1e6, x[1] - 2e-6, x[0] * x[1] - 2])


def _beale(x):
    return np.array([1.5, 2.25, 2.625]) - x[0] * (1 - x[1] ** np.arange(1, 4))


def _helical_valley(x):
    """The angle runs from −1/4 to 3/4 of a turn, with the cut along the negative second axis, as in the paper."""
    turn = np.arctan2(-x[0], x[1]) / (2 * np.pi) + 0.25
    return np.array([10 * (x[2] - 10 * turn), 10 * (np.sqrt(x[0] ** 2 + x[1] ** 2) - 1), x[2]])


def _powell_singular(x):
    a, b, c, d = x[0::4], x[1::4], x[2::4], x[3::4]
    return np.concatenate([a + 10 * b, np.sqrt(5) * (c - d), (b - 2 * c) ** 2, np.sqrt(10) * (a - d) ** 2])


def _wood(x):
    a, b, c, d = x[0], x[1], x[2], x[3]
    return np.array([10 * (b - a**2), 1 - a, np.sqrt(90) * (d - c**2), 1 - c, np.sqrt(10) * (b + d - 2),
                     (b - d) / np.sqrt(10)])


def _watson(x):
    t = np.arange(1, 30) / 29
    j = np.arange(x.size)
    slopes = j[1:] * t[:, None] ** (j[1:] - 1)
    r = slopes @ x[1:] - (t[:, None] ** j @ x) ** 2 - 1
    return np.concatenate([r, np.array([x[0], x[1] - x[0] ** 2 - 1])])


def _extended_rosenbrock(x):
    return np.concatenate([10 * (x[1::2] - x[::2] ** 2), 1 - x[::2]])


def _penalty_1(x):
    return np.concatenate([np.sqrt(1e-5) * (x - 1), np.array([np.sum(x**2) - 0.25])])


def _penalty_2(x):
    n, e = x.size, np.exp(x / 10)
    i = np.arange(2, n + 1)
    y = np.exp(i / 10) + np.exp((i - 1) / 10)
    small = np.sqrt(1e-5) * np.concatenate([e[1:] + e[:-1] - y, e[1:] - np.exp(-0.1)])
    return np.concatenate([x[:1] - 0.2, small, np.array([np.arange(n, 0, -1) @ x**2 - 1])])


def _variably_dimensioned(x):
    s = np.arange(1, x.size + 1) @ (x - 1)
    return np.concatenate([x - 1, np.array([s, s**2])])


def _trigonometric(x):
    i = np.arange(1, x.size + 1)
    return x.size - np.sum(np.cos(x)) + i * (1 - np.cos(x)) - np.sin(x)


def _brown_almost_linear(x):
    return np.concatenate([x[:-1] + np.sum(x) - (x.size + 1), np.array([np.prod(x) - 1])])


def _grid(n):
    return np.arange(1, n + 1) / (n + 1)


def _boundary_value(x):
    t, h = _grid(x.size), 1 / (x.size + 1)
    zero = np.zeros(1)
    around = np.concatenate([zero, x[:-1]]) + np.concatenate([x[1:], zero])
    return 2 * x - around + 0.5 * h**2 * (x + t + 1) ** 3


def _integral_equation(x):
    t, h = _grid(x.size), 1 / (x.size + 1)
    kernel = np.minimum(t[:, None], t) * (1 - np.maximum(t[:, None], t))
    return x + 0.5 * h * (kernel @ (x + t + 1) ** 3)


def _broyden_tridiagonal(x):
    zero = np.zeros(1)
    return (3 - 2 * x) * x - np.concatenate([zero, x[:-1]]) - 2 * np.concatenate([x[1:], zero]) + 1


def _broyden_banded(x):
    i = np.arange(x.size)
    gap = i[:, None] - i
    band = ((gap <= 5) & (gap >= -1) & (gap != 0)).astype(float)
    return x * (2 + 5 * x**2) + 1 - band @ (x * (1 + x))


def _linear_full_rank(x, m=20):
    return np.concatenate([x, np.zeros(m - x.size)]) - 2 / m * np.sum(x) - 1


def _linear_rank_1(x, m=20):
    return np.arange(1, m + 1) * (np.arange(1, x.size + 1) @ x) - 1


def _linear_rank_1_zeros(x, m=20):
    """With zero columns and rows."""
    inner = np.arange(2, x.size) @ x[1:-1]
    return np.concatenate([[0.0], np.arange(1, m - 1), [0.0]]) * inner - 1


def _chebyquad(x):
    """Chebyshev polynomials shifted to [0, 1]: their mean at the points against their integral."""
    u, rows = 2 * x - 1, []
    before, now = np.ones(x.size), u
    for i in range(1, x.size + 1):
        integral = 0.0 if i % 2 else -1 / (i**2 - 1)
        rows.append(np.mean(now) - integral)
        before, now = now, 2 * u * now - before
    return np.array(rows)


def _rank_1_minimum(m):
    return m * (m - 1) / (2 * (2 * m + 1))


def _rank_1_zeros_minimum(m):
    return (m**2 + 3 * m - 6) / (2 * (2 * m - 3))


MGH: tuple[Case, ...] = (
    _mgh(1, "rosenbrock", _rosenbrock, [-1.2, 1], f_star=0, x_star=[1, 1]),
    _mgh(2, "freudenstein-roth", _freudenstein_roth, [0.5, -2], f_star=0, x_star=[5, 4], minima=(48.9842,)),
    _mgh(3, "powell-badly-scaled", _powell_badly_scaled, [0, 1], f_star=0),
    _mgh(4, "brown-badly-scaled", _brown_badly_scaled, [1, 1], f_star=0, x_star=[1e6, 2e-6]),
    _mgh(5, "beale", _beale, [1, 1], f_star=0, x_star=[3, 0.5]),
    _mgh(7, "helical-valley", _helical_valley, [-1, 0, 0], f_star=0, x_star=[1, 0, 0]),
    _mgh(13, "powell-singular", _powell_singular, [3, -1, 0, 1], f_star=0, x_star=[0] * 4),
    _mgh(14, "wood", _wood, [-3, -1, -3, -1], f_star=0, x_star=[1] * 4),
    _mgh(20, "watson-6", _watson, np.zeros(6), f_star=2.28767e-3),
    _mgh(20, "watson-9", _watson, np.zeros(9), f_star=1.39976e-6),
    _mgh(20, "watson-12", _watson, np.zeros(12), f_star=4.72238e-10),
    _mgh(21, "extended-rosenbrock", _extended_rosenbrock, np.tile([-1.2, 1], 50), f_star=0, x_star=np.ones(100)),
    _mgh(22, "extended-powell", _powell_singular, np.tile([3, -1, 0, 1], 15), f_star=0, x_star=np.zeros(60)),
    _mgh(23, "penalty-1-4", _penalty_1, np.arange(1, 5), f_star=2.24997e-5),
    _mgh(23, "penalty-1-10", _penalty_1, np.arange(1, 11), f_star=7.08765e-5),
    _mgh(24, "penalty-2-4", _penalty_2, np.full(4, 0.5), f_star=9.37629e-6),
    _mgh(24, "penalty-2-10", _penalty_2, np.full(10, 0.5), f_star=2.93660e-4),
    _mgh(25, "variably-dimensioned", _variably_dimensioned, 1 - np.arange(1, 21) / 20, f_star=0, x_star=np.ones(20)),
    _mgh(26, "trigonometric", _trigonometric, np.full(10, 0.1), f_star=0, minima=(2.79506e-5,)),
    _mgh(27, "brown-almost-linear", _brown_almost_linear, np.full(10, 0.5), f_star=0, x_star=np.ones(10), minima=(1,)),
    _mgh(28, "boundary-value", _boundary_value, _grid(30) * (_grid(30) - 1), f_star=0),
    _mgh(29, "integral-equation", _integral_equation, _grid(30) * (_grid(30) - 1), f_star=0),
    _mgh(30, "broyden-tridiagonal", _broyden_tridiagonal, np.full(50, -1.0), f_star=0),
    _mgh(31, "broyden-banded", _broyden_banded, np.full(50, -1.0), f_star=0),
    _mgh(32, "linear-full-rank", _linear_full_rank, np.ones(10), f_star=10, x_star=-np.ones(10)),
    _mgh(33, "linear-rank-1", _linear_rank_1, np.ones(10), f_star=_rank_1_minimum(20)),
    _mgh(34, "linear-rank-1-zeros", _linear_rank_1_zeros, np.ones(10), f_star=_rank_1_zeros_minimum(20)),
    _mgh(35, "chebyquad-7", _chebyquad, _grid(7), f_star=0),
    _mgh(35, "chebyquad-8", _chebyquad, _grid(8), f_star=3.51687e-3),
    _mgh(35, "chebyquad-10", _chebyquad, _grid(10), minima=(6.50395e-3, 4.77271e-3)),
    *FITS,
)
