"""Unconstrained problems of any number of variables from CUTEst, by their SIF names, at a size of the SIF file.

The dozen DIXMAANA … DIXMAANL have a table of their own. For the reference, see cutest_small.
"""

from __future__ import annotations

import numpy as np

from problems.case import Case, squares

# Of CHNROSNB and ERRINROS: Toint's random scales.
SCALES = np.array([1.25, 1.40, 2.40, 1.40, 1.75, 1.20, 2.25, 1.20, 1.00, 1.10, 1.50, 1.60, 1.25, 1.25, 1.20, 1.20, 1.40,
                   0.50, 0.50, 1.25, 1.80, 0.75, 1.25, 1.40, 1.60, 2.00, 1.00, 1.60, 1.25, 2.75, 1.25, 1.25, 1.25, 3.00,
                   1.50, 2.00, 1.25, 1.40, 1.80, 1.50, 2.20, 1.40, 1.50, 1.25, 2.00, 1.50, 1.25, 1.40, 0.60, 1.50])


def _cutest(name: str, f, x0, **columns) -> Case:
    return Case(name, f, x0, f"CUTEst {name.upper()}", **columns)


def _squares(name: str, residual, x0, f_star=0.0, **columns) -> Case:
    return squares(name, residual, x0, f"CUTEst {name.upper()}", f_star=f_star, **columns)


def _index(x):
    return np.arange(1, x.size + 1)


def _bdqrtic(x):
    inner = x[:-4] ** 2 + 2 * x[1:-3] ** 2 + 3 * x[2:-2] ** 2 + 4 * x[3:-1] ** 2 + 5 * x[-1] ** 2
    return np.concatenate([3 - 4 * x[:-4], inner])


def _broydn7d(x):
    zero = np.zeros(1)
    system = (3 - 2 * x) * x - np.concatenate([zero, x[:-1]]) - 2 * np.concatenate([x[1:], zero]) + 1
    far = x[: x.size // 2] + x[x.size // 2 :]
    return np.sum(np.abs(system) ** (7 / 3)) + np.sum(np.abs(far) ** (7 / 3))


def _chained_wood(x):
    a, b, c, d = x[:-2:2], x[1:-2:2], x[2::2], x[3::2]
    return 1 + np.sum(100 * (b - a**2) ** 2 + (1 - a) ** 2 + 90 * (d - c**2) ** 2 + (1 - c) ** 2
                      + 10 * (b + d - 2) ** 2 + (b - d) ** 2 / 10)


def _chnrosnb(x):
    return np.concatenate([4 * SCALES[1 : x.size] * (x[:-1] - x[1:] ** 2), x[1:] - 1])


def _cragglvy(x):
    a, b, c, d = x[:-2:2], x[1:-2:2], x[2::2], x[3::2]
    return np.sum((np.exp(a) - b) ** 4 + 100 * (b - c) ** 6 + (np.tan(c - d) + c - d) ** 4 + a**8 + (d - 1) ** 2)


def _edensch(x):
    head, tail = x[:-1], x[1:]
    return 16 + np.sum((head - 2) ** 4 + (head * tail - 2 * tail) ** 2 + (tail + 1) ** 2)


def _errinros(x):
    return np.concatenate([x[:-1] - 16 * SCALES[1 : x.size] ** 2 * x[1:] ** 2, x[1:] - 1])


def _engval1(x):
    return np.sum((x[:-1] ** 2 + x[1:] ** 2) ** 2 - 4 * x[:-1] + 3)


def _fletcbv2(x):
    h = 1 / (x.size + 1)
    ends = x[0] ** 2 + x[-1] ** 2 + np.sum((x[1:] - x[:-1]) ** 2)
    return 0.5 * ends - h**2 * np.sum(2 * x + np.cos(x)) - x[-1]


def _freuroth(x):
    a, b = x[:-1], x[1:]
    return np.concatenate([a - 13 + ((5 - b) * b - 2) * b, a - 29 + ((b + 1) * b - 14) * b])


def _genhumps(x):
    a, b = x[:-1], x[1:]
    return np.sum((np.sin(2 * a) * np.sin(2 * b)) ** 2 + 0.05 * (a**2 + b**2))


def _hilbert(x, shift):
    """Written out as the SIF file has it: the entries of the Hilbert matrix, and `shift` on its diagonal."""
    i = _index(x)
    return x @ ((1 / (i[:, None] + i - 1) + shift * np.eye(x.size)) @ x)


def _nondquar(x):
    inner = np.sum((x[:-2] + x[1:-1] + x[-1]) ** 4)
    return (x[0] - x[1]) ** 2 + (x[-2] + x[-1]) ** 2 + inner


def _schmvett(x):
    a, b, c = x[:-2], x[1:-1], x[2:]
    waves = 1 / (1 + (a - b) ** 2) + np.sin((np.pi * b + c) / 2) + np.exp(-(((a + c) / b - 2) ** 2))
    return -np.sum(waves)


def _sinquad2(x):
    inner = np.sin(x[1:-1] - x[-1]) - x[0] ** 2 + x[1:-1] ** 2
    return np.concatenate([np.array([(x[0] - 1) ** 2, x[-1] ** 2 - x[0] ** 2]), inner])


def _sparse(x, g):
    i = _index(x)
    inner = g + sum(g[(k * i - 1) % x.size] for k in (2, 3, 5, 7, 11))
    return 0.5 * (i @ inner**2)


def _tointgss(x):
    c = x[2:] ** 2
    return np.sum((10 / (x.size - 2) + c) * (2 - np.exp(-((x[:-2] - x[1:-1]) ** 2) / (0.1 + c))))


def _woods(x):
    a, b, c, d = x[0::4], x[1::4], x[2::4], x[3::4]
    return np.sum(100 * (b - a**2) ** 2 + (1 - a) ** 2 + 90 * (d - c**2) ** 2 + (1 - c) ** 2 + 10 * (b + d - 2) ** 2
                  + 0.1 * (b - d) ** 2)


def _dixmaan(letter: str, alpha, beta, gamma, delta, first, last) -> Case:
    """Σ α(i/n)^first xᵢ² + Σ βxᵢ²(xᵢ₊₁ + xᵢ₊₁²)² + Σ γxᵢ²xᵢ₊ₘ⁴ + Σ δ(i/n)^last xᵢxᵢ₊₂ₘ + 1, n = 3m."""
    m, n = 30, 90

    def f(x):
        share = np.arange(1, n + 1) / n
        tail = x[1:] + x[1:] ** 2
        return (1 + alpha * np.sum(share**first * x**2) + beta * np.sum((x[:-1] * tail) ** 2)
                + gamma * np.sum(x[: 2 * m] ** 2 * x[m:] ** 4)
                + delta * np.sum(share[:m] ** last * x[:m] * x[2 * m :]))

    return _cutest(f"dixmaan{letter}", f, np.full(n, 2.0), f_star=1, x_star=np.zeros(n))


DIXMAAN: tuple[Case, ...] = tuple(
    _dixmaan(letter, 1.0, *coefficients, power, power)
    for power, letters in ((0, "abcd"), (1, "efgh"), (2, "ijkl"))
    for letter, coefficients in zip(letters, ((0, 0.125, 0.125), (0.0625,) * 3, (0.125,) * 3, (0.26,) * 3))
)

CUTEST_SUMS: tuple[Case, ...] = (
    _cutest("arwhead", lambda x: np.sum((x[:-1] ** 2 + x[-1] ** 2) ** 2 - 4 * x[:-1] + 3), np.ones(100), f_star=0),
    _squares("bdqrtic", _bdqrtic, np.ones(100), f_star=3.78769e2),
    _cutest("broydn7d", _broydn7d, np.ones(50)),
    _cutest("chainwoo", _chained_wood, [-3, -1, -3, -1, *[-2] * 46], f_star=1, x_star=np.ones(50)),
    _squares("chnrosnb", _chnrosnb, np.full(50, -1.0), x_star=np.ones(50)),
    _cutest("cosine", lambda x: np.sum(np.cos(x[:-1] ** 2 - 0.5 * x[1:])), np.ones(100), f_star=-99),
    _cutest("cragglvy", _cragglvy, [1, *[2] * 49], f_star=15.372),
    _squares("dixon3dq", lambda x: np.concatenate([x[:1] - 1, x[1:] - x[:-1], x[-1:] - 1]), np.full(100, -1.0),
             x_star=np.ones(100)),
    _cutest("dqdrtic", lambda x: np.sum(x[:-2] ** 2 + 100 * x[1:-1] ** 2 + 100 * x[2:] ** 2), np.full(50, 3.0),
            f_star=0, x_star=np.zeros(50)),
    _cutest("edensch", _edensch, np.full(36, 8.0), f_star=219.28),
    _cutest("engval1", _engval1, np.full(100, 2.0), f_star=109.09),
    _squares("errinros", _errinros, np.full(25, -1.0), f_star=18.4609060),
    _squares("extrosnb", lambda x: np.concatenate([x[:1] - 1, 10 * (x[1:] - x[:-1] ** 2)]), np.full(10, -1.0),
             x_star=np.ones(10)),
    _cutest("fletcbv2", _fletcbv2, np.arange(1, 101) / 101, f_star=-0.5140067),
    _squares("fletchcr", lambda x: 10 * (x[1:] - x[:-1] + 1 - x[:-1] ** 2), np.zeros(100)),
    _squares("freuroth", _freuroth, [0.5, -2, *[0] * 8], f_star=1.01406407257e3),
    _cutest("genhumps", _genhumps, [-506, *[506.2] * 4], f_star=0, x_star=np.zeros(5)),
    _cutest("genrose", lambda x: 1 + np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (x[1:] - 1) ** 2),
            np.arange(1, 101) / 101, f_star=1, x_star=np.ones(100)),
    _cutest("hilberta", lambda x: _hilbert(x, 0.0), np.full(10, -3.0), f_star=0, x_star=np.zeros(10)),
    _cutest("hilbertb", lambda x: _hilbert(x, 5.0), np.full(10, -3.0), f_star=0, x_star=np.zeros(10)),
    _squares("liarwhd", lambda x: np.concatenate([2 * (x**2 - x[0]), x - 1]), np.full(36, 4.0), x_star=np.ones(36)),
    _squares("nondia", lambda x: np.concatenate([x[:1] - 1, 10 * (x[0] - x[:-1] ** 2)]), np.full(50, -1.0),
             x_star=np.ones(50)),
    _cutest("nondquar", _nondquar, np.tile([1, -1], 50), f_star=0, x_star=np.zeros(100)),
    _squares("power", lambda x: np.array([_index(x) @ x**2]), np.ones(75), x_star=np.zeros(75)),
    _cutest("quartc", lambda x: np.sum((x - _index(x)) ** 4), np.full(100, 2.0), f_star=0, x_star=np.arange(1, 101)),
    _cutest("schmvett", _schmvett, np.full(100, 0.5), f_star=-294),
    _squares("sinquad2", _sinquad2, np.full(50, 0.1)),
    _cutest("sparsine", lambda x: _sparse(x, np.sin(x)), np.full(50, 0.5), f_star=0, x_star=np.zeros(50)),
    _cutest("sparsqur", lambda x: _sparse(x, x**2), np.full(50, 0.5), f_star=0, x_star=np.zeros(50)),
    _cutest("tointgss", _tointgss, np.full(50, 3.0), f_star=10, x_star=np.zeros(50), minima=(10.2,)),
    _squares("tquartic", lambda x: np.concatenate([x[:1] - 1, x[0] ** 2 - x[1:] ** 2]), np.full(50, 0.1),
             x_star=np.ones(50)),
    _squares("tridia", lambda x: np.concatenate([x[:1] - 1, np.sqrt(_index(x)[1:]) * (2 * x[1:] - x[:-1])]),
             np.ones(50), x_star=0.5 ** np.arange(50)),
    _cutest("woods", _woods, np.tile([-3, -1], 50), f_star=0, x_star=np.ones(100)),
    *DIXMAAN,
)
