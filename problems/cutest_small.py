"""Unconstrained problems of few variables from CUTEst, by their SIF names, with the minima their SIF files print.

N. I. M. Gould, D. Orban, Ph. L. Toint, CUTEst: a constrained and unconstrained testing environment with safe threads
for mathematical optimization, Comput. Optim. Appl. 60 (2015) 545-557. What is one of the Moré–Garbow–Hillstrom problems
too is left out. A minimum of 0 of a sum of squares is evident; others carry the digits of the SIF file.
"""

from __future__ import annotations

import numpy as np

from problems.case import Case, squares


def _cutest(name: str, f, x0, **columns) -> Case:
    return Case(name, f, x0, f"CUTEst {name.upper()}", **columns)


def _squares(name: str, residual, x0, f_star=0.0, **columns) -> Case:
    return squares(name, residual, x0, f"CUTEst {name.upper()}", f_star=f_star, **columns)


def _allinitu(x):
    a, b, c, d = x[0], x[1], x[2], x[3]
    return (c - 1 + a**2 + b**2 + (c + d) ** 2 + np.sin(c) ** 2 + a**2 * b**2 + d - 3 + np.sin(c) ** 2 + (d - 1) ** 2
            + b**4 + (c**2 + (d + a) ** 2) ** 2 + (a - 4 + np.sin(d) ** 2 + b**2 * c**2) ** 2 + np.sin(d) ** 4)


def _brkmcc(x):
    a, b = x[0], x[1]
    return (a - 2) ** 2 + (b - 1) ** 2 + 0.04 / (1 - 0.25 * a**2 - b**2) + 5 * (a - 2 * b + 1) ** 2


def _cliff(x):
    return (0.01 * x[0] - 0.03) ** 2 - (x[0] - x[1]) + np.exp(20 * (x[0] - x[1]))


def _denschnd(x):
    a, b, c = x[0], x[1], x[2]
    return np.array([a**2 + b**3 - c**4, 2 * a * b * c, 2 * a * b - 3 * b * c + a * c])


def _denschnf(x):
    return np.array([2 * (x[0] + x[1]) ** 2 + (x[0] - x[1]) ** 2 - 8, 5 * x[0] ** 2 + (x[1] - 3) ** 2 - 9])


def _djtl(x):
    """A cubic with a Lagrangian barrier: −log(1 + g) where a constraint g is far from −1, else a huge penalty."""
    a, b = x[0], x[1]
    inner, outer = (a - 5) ** 2 + (b - 5) ** 2, (b - 5) ** 2 + (a - 6) ** 2
    g = np.array([200 - inner, inner - 100, outer, 82.81 - outer, 100 - a, a - 13, 100 - b, b])
    beyond = g + 1 <= 0
    barrier = np.where(beyond, 1e10 * g**2, -np.log(np.where(beyond, 1.0, g + 1)))
    return (a - 10) ** 3 + (b - 20) ** 3 + np.sum(barrier)


def _engval2(x):
    a, b, c = x[0], x[1], x[2]
    return np.array([a**2 + b**2 + c**2 - 1, a**2 + b**2 + (c - 2) ** 2 - 1, a + b + c - 1, a + b - c + 1,
                     3 * b**2 + a**3 + (5 * c - a + 1) ** 2 - 36])


def _fur(x):
    """Hills on a valley that turns twice."""
    hills = np.sin(7 * x[0]) ** 2 * np.cos(7 * x[1]) ** 2
    return 30 * hills + 100 * np.sqrt(0.01 + (x[0] - x[1]) ** 2) + 100 * np.sqrt(0.01 + x[0] ** 2)


def _dipoles(a, b, c, d, t, u, v, w, sums):
    """Moments of two dipoles in the plane: of orders one to three."""
    second, second_w = t**2 - v**2, u**2 - w**2
    return np.array([
        t * a + u * b - v * c - w * d,
        v * a + w * b + t * c + u * d,
        a * second - 2 * c * t * v + b * second_w - 2 * d * u * w,
        c * second + 2 * a * t * v + d * second_w + 2 * b * u * w,
        a * t * (t**2 - 3 * v**2) + c * v * (v**2 - 3 * t**2) + b * u * (u**2 - 3 * w**2) + d * w * (w**2 - 3 * u**2),
        c * t * (t**2 - 3 * v**2) - a * v * (v**2 - 3 * t**2) + d * u * (u**2 - 3 * w**2) - b * w * (w**2 - 3 * u**2),
    ]) - sums


def _heart6(x):
    a, c = x[0], x[1]
    sums = np.array([-1.826, -0.754, -4.839, -3.259, -14.023, 15.467])
    return _dipoles(a, -0.816 - a, c, -0.017 - c, x[2], x[3], x[4], x[5], sums)


def _heart8(x):
    a, b, c, d = x[0], x[1], x[2], x[3]
    sums = np.array([-1.57, -1.31, -2.65, 2.0, -12.6, 9.48])
    return np.concatenate([np.array([a + b + 0.69, c + d + 0.044]),
                           _dipoles(a, b, c, d, x[4], x[5], x[6], x[7], sums)])


def _himmelbb(x):
    return np.array([x[0] * x[1] * (1 - x[0]) * (1 - x[1] - x[0] * (1 - x[0]) ** 5)])


def _humps(x):
    return (np.sin(20 * x[0]) * np.sin(20 * x[1])) ** 2 + 0.05 * (x[0] ** 2 + x[1] ** 2)


def _mexhat(x):
    brim = -0.02 + 1e-5 * (x[1] - x[0] ** 2) ** 2 + (x[0] - 1) ** 2
    return -2 * (x[0] - 1) ** 2 + 1e5 * brim**2


def _pfit(x):
    """A model with a pole: not defined for h <= −1. Without the bound h >= −0.5 that was added in 2002."""
    a, r, h = x[0], x[1], x[2]
    curvature = a * (a + 1) * r * h**2
    return np.array([
        -0.5 * curvature + a * r * h - r * (1 - (1 + h) ** -a) + 8,
        -curvature + a * r * h * (1 - (1 + h) ** (-a - 1)) + 18.66666666,
        -curvature * (1 - (1 + h) ** (-a - 2)) + 23.11111111,
    ])


def _s308(x):
    return (x[0] ** 2 + x[0] * x[1] + x[1] ** 2) ** 2 + np.sin(x[0]) ** 2 + np.cos(x[1]) ** 2


def _snail(x):
    """A valley that spirals to the origin."""
    square = x[0] ** 2 + x[1] ** 2
    radius, angle = np.sqrt(square), np.arctan2(x[1], x[0])
    return square / (1 + square) * (1 + radius * (1.5 - 0.5 * np.cos(radius - angle)))


def _zangwil2(x):
    return (16 * x[0] ** 2 + 16 * x[1] ** 2 - 8 * x[0] * x[1] - 56 * x[0] - 256 * x[1] + 991) / 15


CUTEST_SMALL: tuple[Case, ...] = (
    _cutest("allinitu", _allinitu, np.zeros(4), f_star=5.74438),
    _cutest("brkmcc", _brkmcc, [2, 2], f_star=0.16904),
    _cutest("cliff", _cliff, [0, -1], f_star=0.199786613),
    _squares("cube", lambda x: np.array([x[0] - 1, 10 * (x[1] - x[0] ** 3)]), [-1.2, 1], x_star=[1, 1]),
    _squares("denschna", lambda x: np.array([x[0] ** 2, x[0] + x[1], np.exp(x[1]) - 1]), [1, 1], x_star=[0, 0]),
    _squares("denschnb", lambda x: np.array([x[0] - 2, (x[0] - 2) * x[1], x[1] + 1]), [1, 1], x_star=[2, -1]),
    _squares("denschnc", lambda x: np.array([x[0] ** 2 + x[1] ** 2 - 2, np.exp(x[0] - 1) + x[1] ** 3 - 2]), [2, 3],
             x_star=[1, 1]),
    _squares("denschnd", _denschnd, [10, 10, 10], x_star=[0, 0, 0]),
    _squares("denschne", lambda x: np.array([x[0], x[1] + x[1] ** 2, np.exp(x[2]) - 1]), [2, 3, -8],
             x_star=[0, 0, 0], minima=(1,)),
    _squares("denschnf", _denschnf, [2, 0], x_star=[1, 1]),
    _cutest("djtl", _djtl, [15, 6.84], f_star=-8951.54472),
    _squares("engval2", _engval2, [1, 2, 0], x_star=[0, 0, 1]),
    _cutest("hairy", _fur, [-5, -7], f_star=20, x_star=[0, 0]),
    _squares("heart6ls", _heart6, [0, 0, 1, 1, 1, 1]),
    _squares("heart8ls", _heart8, [0, 1, 0, 1, 1, 1, 1, 1]),
    _squares("himmelbb", _himmelbb, [-1.2, 1]),
    _cutest("himmelbg", lambda x: np.exp(-x[0] - x[1]) * (2 * x[0] ** 2 + 3 * x[1] ** 2), [0.5, 0.5], f_star=0,
            x_star=[0, 0]),
    _cutest("himmelbh", lambda x: -3 * x[0] - 2 * x[1] + 2 + x[0] ** 3 + x[1] ** 2, [0, 2], f_star=-1,
            x_star=[1, 1]),
    _cutest("humps", _humps, [-506, -506.2], f_star=0, x_star=[0, 0]),
    _cutest("loghairy", lambda x: np.log((100 + _fur(x)) / 100), [-500, -700], f_star=0.1823216, x_star=[0, 0]),
    _cutest("maratosb", lambda x: x[0] + 1e6 * (x[0] ** 2 + x[1] ** 2 - 1) ** 2, [1.1, 0.1], f_star=-1.00000006,
            x_star=[-1 - 1.25e-7, 0]),
    _cutest("mexhat", _mexhat, [0.86, 0.72], f_star=-0.04001),
    _squares("pfit1ls", _pfit, [1, 0, 1], x_star=[1, 3, 2]),
    _cutest("s308", _s308, [3, 0.1], f_star=0.773199),
    _squares("sineval", lambda x: np.array([100 * (x[1] - np.sin(x[0])), 0.5 * x[0]]), [4.712389, -1], x_star=[0, 0]),
    _cutest("sisser", lambda x: 3 * x[0] ** 4 - 2 * (x[0] * x[1]) ** 2 + 3 * x[1] ** 4, [1, 0.1], f_star=0,
            x_star=[0, 0]),
    _cutest("snail", _snail, [10, 10], f_star=0),
    _cutest("zangwil2", _zangwil2, [3, 8], f_star=-18.2, x_star=[4, 9]),
)
