"""Problems of any number of variables from Andrei's collection, with its starts.

N. Andrei, An unconstrained optimization test functions collection, Adv. Model. Optim. 10 (2008) 147-161. Where the
function is a sum over variables, the minimum follows by hand.
"""

from __future__ import annotations

import numpy as np

from problems.case import Case, squares

SOURCE = "Andrei 2008"


def _andrei(name: str, f, x0, **columns) -> Case:
    return Case(name, f, x0, SOURCE, **columns)


def _squares(name: str, residual, x0, f_star=0.0, **columns) -> Case:
    return squares(name, residual, x0, SOURCE, f_star=f_star, **columns)


def _index(x):
    return np.arange(1, x.size + 1)


def _pairs(x):
    return x[0::2], x[1::2]


def _extended_white_holst(x):
    a, b = _pairs(x)
    return np.concatenate([10 * (b - a**3), 1 - a])


def _extended_himmelblau(x):
    a, b = _pairs(x)
    return np.concatenate([a**2 + b - 11, a + b**2 - 7])


def _extended_tridiagonal(x):
    a, b = _pairs(x)
    return np.concatenate([a + b - 3, (a - b + 1) ** 2])


def _extended_psc1(x):
    a, b = _pairs(x)
    return np.sum((a**2 + b**2 + a * b) ** 2 + np.sin(a) ** 2 + np.cos(b) ** 2)


def _extended_tet(x):
    a, b = _pairs(x)
    return np.sum(np.exp(a + 3 * b - 0.1) + np.exp(a - 3 * b - 0.1) + np.exp(-a - 0.1))


def _extended_bd1(x):
    a, b = _pairs(x)
    return np.concatenate([a**2 + b**2 - 2, np.exp(a - 1) - b])


def _extended_maratos(x):
    a, b = _pairs(x)
    return np.sum(a + 100 * (a**2 + b**2 - 1) ** 2)


def _extended_ep1(x):
    a, b = _pairs(x)
    gap = a - b
    return np.concatenate([np.exp(gap) - 5, gap * (gap - 11)])


def _extended_hiebert(x):
    a, b = _pairs(x)
    return np.concatenate([a - 10, a * b - 50000])


def _extended_qp1(x):
    return np.concatenate([x[:-1] ** 2 - 2, np.array([np.sum(x**2) - 0.5])])


def _extended_qp2(x):
    return np.concatenate([x[:-1] ** 2 - np.sin(x[:-1]), np.array([np.sum(x**2) - 100])])


N = 50
I = np.arange(1, N + 1)  # noqa: E741 - the index of the sums
ANDREI: tuple[Case, ...] = (
    _squares("biggsb1", lambda x: np.concatenate([x[:1] - 1, x[1:] - x[:-1], 1 - x[-1:]]), np.zeros(N),
             x_star=np.ones(N)),
    _andrei("diagonal-1", lambda x: np.sum(np.exp(x) - _index(x) * x), np.full(N, 1 / N),
            f_star=np.sum(I * (1 - np.log(I))), x_star=np.log(I)),
    _andrei("diagonal-2", lambda x: np.sum(np.exp(x) - x / _index(x)), 1 / I, f_star=np.sum((1 + np.log(I)) / I),
            x_star=-np.log(I)),
    _andrei("diagonal-3", lambda x: np.sum(np.exp(x) - _index(x) * np.sin(x)), np.ones(N)),
    _squares("extended-bd1", _extended_bd1, np.full(N, 0.1), x_star=np.ones(N)),
    squares("extended-ep1", _extended_ep1, np.full(N, 1.5), SOURCE),
    _squares("extended-hiebert", _extended_hiebert, np.zeros(N), x_star=np.tile([10, 5000], N // 2)),
    _squares("extended-himmelblau", _extended_himmelblau, np.ones(N), x_star=np.tile([3, 2], N // 2)),
    _andrei("extended-maratos", _extended_maratos, np.tile([1.1, 0.1], N // 2)),
    _andrei("extended-psc1", _extended_psc1, np.tile([3, 0.1], N // 2), f_star=N / 2 * 0.773199),
    squares("extended-qp1", _extended_qp1, np.ones(N), SOURCE),
    _squares("extended-qp2", _extended_qp2, np.ones(N)),
    _andrei("extended-tet", _extended_tet, np.full(N, 0.1), f_star=N / 2 * 2 * np.sqrt(2) * np.exp(-0.1),
            x_star=np.tile([-0.5 * np.log(2), 0], N // 2)),
    _squares("extended-tridiagonal-1", _extended_tridiagonal, np.full(N, 2.0), x_star=np.tile([1, 2], N // 2)),
    _squares("extended-white-holst", _extended_white_holst, np.tile([-1.2, 1], N // 2), x_star=np.ones(N)),
    squares("generalised-tridiagonal-1",
            lambda x: np.concatenate([x[:-1] + x[1:] - 3, (x[:-1] - x[1:] + 1) ** 2]), np.full(N, 2.0), SOURCE),
    _andrei("hager", lambda x: np.sum(np.exp(x) - np.sqrt(_index(x)) * x), np.ones(N),
            f_star=np.sum(np.sqrt(I) * (1 - 0.5 * np.log(I))), x_star=0.5 * np.log(I)),
    _andrei("partial-perturbed-quadratic",
            lambda x: x[0] ** 2 + np.sum(_index(x) * x**2 + np.cumsum(x) ** 2 / 100), np.full(N, 0.5), f_star=0,
            x_star=np.zeros(N)),
    _andrei("perturbed-quadratic", lambda x: _index(x) @ x**2 + np.sum(x) ** 2 / 100, np.full(N, 0.5), f_star=0,
            x_star=np.zeros(N)),
    _andrei("quadratic-qf1", lambda x: 0.5 * (_index(x) @ x**2) - x[-1], np.ones(N), f_star=-1 / (2 * N),
            x_star=np.append(np.zeros(N - 1), 1 / N)),
    _andrei("quadratic-qf2", lambda x: 0.5 * (_index(x) @ (x**2 - 1) ** 2) - x[-1], np.full(N, 0.5)),
    _andrei("raydan-1", lambda x: np.sum(_index(x) / 10 * (np.exp(x) - x)), np.ones(N), f_star=np.sum(I) / 10,
            x_star=np.zeros(N)),
    _andrei("raydan-2", lambda x: np.sum(np.exp(x) - x), np.ones(N), f_star=N, x_star=np.zeros(N)),
)
