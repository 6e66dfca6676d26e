"""Textbook functions of few variables, each from a start in or near the valley that local methods should follow.

M. Jamil, X.-S. Yang, A literature survey of benchmark functions for global optimisation problems, Int. J. Math.
Modelling Num. Optimisation 4 (2013) 150-194; the starts are ours, as most sources give none. Functions that are bounded
below only in a box (McCormick's) are left out.
"""

from __future__ import annotations

import numpy as np

from problems.case import Case, squares

JAMIL_YANG = "Jamil & Yang 2013"


def _classical(name: str, f, x0, source=JAMIL_YANG, **columns) -> Case:
    return Case(name, f, x0, source, **columns)


def _bohachevsky(x):
    return x[0] ** 2 + 2 * x[1] ** 2 - 0.3 * np.cos(3 * np.pi * x[0]) - 0.4 * np.cos(4 * np.pi * x[1]) + 0.7


def _branin(x):
    return ((x[1] - 5.1 / (4 * np.pi**2) * x[0] ** 2 + 5 / np.pi * x[0] - 6) ** 2
            + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x[0]) + 10)


def _dixon_price(x):
    i = np.arange(2, x.size + 1)
    return np.concatenate([x[:1] - 1, np.sqrt(i) * (2 * x[1:] ** 2 - x[:-1])])


def _goldstein_price(x):
    a, b = x[0], x[1]
    first = 1 + (a + b + 1) ** 2 * (19 - 14 * a + 3 * a**2 - 14 * b + 6 * a * b + 3 * b**2)
    second = 30 + (2 * a - 3 * b) ** 2 * (18 - 32 * a + 12 * a**2 + 48 * b - 36 * a * b + 27 * b**2)
    return first * second


def _griewank(x):
    return np.sum(x**2) / 4000 - np.prod(np.cos(x / np.sqrt(np.arange(1, x.size + 1)))) + 1


def _himmelblau(x):
    return np.array([x[0] ** 2 + x[1] - 11, x[0] + x[1] ** 2 - 7])


def _matyas(x):
    return 0.26 * (x[0] ** 2 + x[1] ** 2) - 0.48 * x[0] * x[1]


def _six_hump_camel(x):
    a, b = x[0], x[1]
    return (4 - 2.1 * a**2 + a**4 / 3) * a**2 + a * b + (4 * b**2 - 4) * b**2


def _three_hump_camel(x):
    return 2 * x[0] ** 2 - 1.05 * x[0] ** 4 + x[0] ** 6 / 6 + x[0] * x[1] + x[1] ** 2


def _trid(x):
    return np.sum((x - 1) ** 2) - np.sum(x[1:] * x[:-1])


def _zakharov(x):
    s = 0.5 * (np.arange(1, x.size + 1) @ x)
    return np.concatenate([x, np.array([s, s**2])])


CLASSICAL: tuple[Case, ...] = (
    _classical("bohachevsky-1", _bohachevsky, [0.1, 0.1], f_star=0, x_star=[0, 0]),
    squares("booth", lambda x: np.array([x[0] + 2 * x[1] - 7, 2 * x[0] + x[1] - 5]), [0, 0], JAMIL_YANG, f_star=0,
            x_star=[1, 3]),
    _classical("branin", _branin, [2.5, 7.5], f_star=0.3978873),
    squares("colville", lambda x: np.array([
        10 * (x[0] ** 2 - x[1]), x[0] - 1, x[2] - 1, np.sqrt(90) * (x[2] ** 2 - x[3]), np.sqrt(10) * (x[1] + x[3] - 2),
        (x[1] - x[3]) / np.sqrt(10)]), np.zeros(4), JAMIL_YANG, f_star=0, x_star=np.ones(4)),
    squares("dixon-price", _dixon_price, np.ones(10), JAMIL_YANG, f_star=0,
            x_star=2.0 ** (2.0 ** (1 - np.arange(1, 11)) - 1)),
    _classical("goldstein-price", _goldstein_price, [0.5, -0.5], f_star=3, x_star=[0, -1], minima=(30, 84, 840)),
    _classical("griewank", _griewank, np.ones(10), f_star=0, x_star=np.zeros(10)),
    squares("himmelblau", _himmelblau, [0, 0], "Himmelblau 1972", f_star=0, x_star=[3, 2]),
    squares("leon", lambda x: np.array([10 * (x[1] - x[0] ** 3), 1 - x[0]]), [-1.2, -1], JAMIL_YANG, f_star=0,
            x_star=[1, 1]),
    _classical("matyas", _matyas, [5, -3], f_star=0, x_star=[0, 0]),
    _classical("six-hump-camel", _six_hump_camel, [-1, 1], f_star=-1.0316),
    _classical("styblinski-tang", lambda x: 0.5 * np.sum(x**4 - 16 * x**2 + 5 * x), np.zeros(10), f_star=-391.6616),
    _classical("schwefel-1-2", lambda x: np.sum(np.cumsum(x) ** 2), np.ones(20), f_star=0, x_star=np.zeros(20)),
    _classical("three-hump-camel", _three_hump_camel, [0.5, -0.5], f_star=0, x_star=[0, 0]),
    _classical("trid", _trid, np.zeros(10), f_star=-210, x_star=np.arange(1, 11) * (11 - np.arange(1, 11))),
    squares("zakharov", _zakharov, np.ones(10), JAMIL_YANG, f_star=0, x_star=np.zeros(10)),
)
