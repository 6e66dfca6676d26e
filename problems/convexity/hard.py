"""Functions that are convex but for little: of few variables, on boxes, with the place where it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from problems.convexity.case import Case, box

Vector = np.ndarray
Function = Callable[[Vector], Any]


def _centre(n: int) -> Vector:
    return np.array([0.375, -0.5, 0.25, 0.625, -0.125, -0.75, 0.5, -0.3125])[:n]


def _slope(n: int) -> Vector:
    """A dyadic direction that no coordinate shares."""
    return np.array([1.0, -0.5, 0.75, 0.25, -1.0, 0.5, -0.25, 1.25])[:n]


def _bowl(n: int) -> Function:
    """Σxᵢ² + Σ(xᵢ − xᵢ₊₁)²/2: 2I + DᵀD, between 2 and 6."""
    return lambda x: np.sum(x * x) + np.sum((x[1:] - x[:-1]) ** 2) / 2


def _gaussian(bowl: Function, c: Vector, s: float, excess: float) -> Function:
    return lambda x: bowl(x) + (6 + excess) * s * s * np.exp(-np.sum((x - c) ** 2) / (2 * s * s))


def _compact(bowl: Function, c: Vector, w: float) -> Function:
    return lambda x: bowl(x) + 1.25 * w * w * np.maximum(1 - np.sum((x - c) ** 2) / (w * w), 0) ** 3


def _trough(a: Vector, excess: float) -> Function:
    return lambda x: np.sum(x * x) * (a @ a) - (1 + excess) * (a @ x) ** 2


def _short_trough(a: Vector, c: Vector, r: float) -> Function:
    return lambda x: np.sum(x * x) - 1.25 / (a @ a) * (a @ (x - c)) ** 2 * np.exp(-np.sum((x - c) ** 2) / (2 * r * r))


def _waved(bowl: Function, a: Vector, k: float) -> Function:
    return lambda x: bowl(x) + 7 / (k * k * (a @ a)) * np.cos(k * (a @ x))


def _kinked(bowl: Function, a: Vector, drop: float, b: float) -> Function:
    return lambda x: bowl(x) - drop * np.abs(a @ x - b)


def _bumps() -> Iterable[Case]:
    """A bump of width σ whose curvature at the centre is −(6 + excess): the bowl's is below 6."""
    for n, sigma, excess in ((1, 0.01, 2.0), (2, 0.05, 0.5), (2, 0.01, 2.0), (3, 0.1, 1.0), (4, 0.1, 2.0), (6, 0.25,
    1.0),
                             (8, 0.25, 2.0)):
        c, bowl = _centre(n), _bowl(n)
        yield Case(f"Gaussian bump of width {sigma} in {n}-D",
                   _gaussian(bowl, c, sigma, excess), box(-1, 1, n), "not convex", None, None,
                   "H ⪯ 6I − (6 + excess)I at its centre", ("tiny region",), mu_at=c)
    for n, w in ((2, 0.125), (3, 0.25), (5, 0.5)):
        c, bowl = _centre(n), _bowl(n)
        yield Case(f"compact bump of radius {w} in {n}-D",
                   _compact(bowl, c, w), box(-1, 1, n), "not convex", None, None,
                   "(1 − r²/w²)³ has curvature −6/w² at its centre: H ⪯ 6I − 7.5I", ("tiny region",), mu_at=c)


def _directions() -> Iterable[Case]:
    """‖x‖² less a little more than the square along a: one eigenvalue −2·excess among 2s."""
    for n, excess in ((2, 2.0**-6), (3, 2.0**-10), (5, 2.0**-8), (8, 2.0**-7), (8, 2.0**-14)):
        a = _slope(n)
        yield Case(f"one of {n} directions by {excess:.1e}",
                   _trough(a, excess), box(-1, 1, n),
                   "not convex", float(-2 * excess * (a @ a)), float(2 * (a @ a)), "2‖a‖²I − 2(1 + e)aaᵀ",
                   ("one direction", "near miss"), mu_at=0, L_at=None)
    for n, radius in ((2, 0.125), (4, 0.25), (6, 0.5)):
        a, c = _slope(n), _centre(n)
        yield Case(f"one of {n} directions within {radius}",
                   _short_trough(a, c, radius), box(-1, 1, n), "not convex", None, None,
                   "at c the Hessian is 2I − 2.5aaᵀ/‖a‖²", ("one direction", "tiny region"), mu_at=c)


def _waves() -> Iterable[Case]:
    for n, k in ((1, 64.0), (2, 16.0), (3, 32.0), (6, 16.0), (8, 8.0)):
        a, bowl = _slope(n), _bowl(n)
        yield Case(f"waves of number {k:g} in {n}-D",
                   _waved(bowl, a, k), box(-1, 1, n),
                   "not convex", None, None, "at 0 the Hessian along a is at most 6 − 7", ("oscillation",), mu_at=0)


def _kinks() -> Iterable[Case]:
    for n, drop in ((1, 2.0**-6), (2, 2.0**-8), (4, 2.0**-6), (8, 2.0**-5)):
        a, bowl = _slope(n), _bowl(n)
        c = _centre(n)
        t = drop / 16 * a / (a @ a)
        yield Case(f"kink down by {drop:.1e} across a plane in {n}-D",
                   _kinked(bowl, a, drop, float(a @ c)),
                   box(-1, 1, n), "not convex", -np.inf, None, "the slope falls by 2·drop across aᵀx = aᵀc",
                   ("kink", "near miss"), witness=(c - t, c + t))
    for n in (2, 5):
        yield Case(f"least of two bowls in {n}-D", lambda x: np.minimum(np.sum((x - 0.5) ** 2), np.sum((x + 0.5) ** 2)),
                   box(-1, 1, n), "not convex", -np.inf, 2.0, "‖x‖² − |Σx| + n/4", ("kink",),
                   witness=(np.full(n, -0.25), np.full(n, 0.25)))
    yield Case("clipped square", lambda x: np.sum(np.minimum(x * x, 0.5625)), box(-1, 1, 3), "not convex", -np.inf, 2.0,
               "the slope falls at |x| = 3/4", ("kink",), witness=([0.5, 0, 0], [1, 0, 0]))
    yield Case("hinge less half of one", lambda x: np.maximum(0, x[0] + x[1]) - 0.5 * np.maximum(0, x[0] - x[1] - 0.25)
               + np.sum(x * x) / 4, box(-1, 1, 2), "not convex", -np.inf, np.inf, "the slope falls across x − y = 1/4",
               ("kink",), witness=([0.0, -0.1875], [0.0, -0.3125]))


def _faces() -> Iterable[Case]:
    yield Case("x eˣ sum slightly beyond", lambda x: np.sum(x * np.exp(x)), box(-2 - 2.0**-6, 1, 4), "not convex",
               None, None, "(x + 2)eˣ < 0 on the last 2⁻⁶", ("boundary", "near miss"), mu_at=-2 - 2.0**-6)
    yield Case("cubic near a face", lambda x: np.sum(x * x) - 0.34375 * x[0] ** 3, box(-1, 1, 5), "not convex", -0.0625,
               4.0625, "2 − 2.0625x₁", ("boundary", "face"), mu_at=[1, 0, 0, 0, 0], L_at=[-1, 0, 0, 0, 0])
    yield Case("only at a corner", lambda x: np.sum(x * x) - 0.34375 * x[0] ** 3 * x[1], box(0, 1, 2), "not convex",
               None,
               None, "at (1, 1): [[2 − 2.0625, −1.03125], [·, 2]]", ("corner",), mu_at=1)
    yield Case("sixth powers at the corners", lambda x: np.sum(x**2 - 137 / 2048 * x**6), box(-1, 1, 3), "not convex",
               2 - 4110 / 2048, 2.0,
               "2 − (4110/2048)x⁴", ("corner", "near miss"), mu_at=1, L_at=0)
    yield Case("log(1 + ‖x‖²/4) beyond r = 2", lambda x: np.log(1 + np.sum(x * x) / 4), box(-1.25, 1.25, 3),
               "not convex",
               None, None, "radially negative beyond r = 2, near corners only: √3 · 1.25 = 2.17", ("corner",),
               mu_at=1.25)
    yield Case("product of all", lambda x: np.sum(x * x) + 2.0625 * x[0] * x[1] * x[2], box(-1, 1, 3), "not convex",
               None,
               None, "at (1, 0, 0): 2 ∓ 2.0625 in the (y, z) plane", ("near miss",), mu_at=[1, 0, 0])
    yield Case("x³ + y² slightly left", lambda x: x[0] ** 3 + x[1] ** 2, box([-(2.0**-10), -1], 1), "not convex",
               -6 * 2.0**-10, 6.0, "6x", ("boundary", "near miss"), mu_at=[-(2.0**-10), 0], L_at=[1, 0])


def _classics() -> Iterable[Case]:
    for n in (2, 4, 8):
        yield Case(f"Rosenbrock in {n}-D", lambda x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2),
                   box(-2, 2, n), "not convex", None, None, "f₁₁ = 1200x₁² − 400x₂ + 2 at (0, 1)",
                   mu_at=[0] + [1] * (n - 1))
    yield Case("Himmelblau's", lambda x: (x[0]**2 + x[1] - 11)**2 + (x[0] + x[1]**2 - 7)**2, box(-5, 5, 2),
               "not convex",
               None, None, "f₁₁ = −42 at 0", mu_at=0)
    yield Case("rank-one factorisation", lambda x: (x[0] * x[2] - 1) ** 2 + (x[1] * x[3] - 2) ** 2
               + (x[0] * x[3] - 2) ** 2 + (x[1] * x[2] - 1) ** 2, box(-2, 2, 4), "not convex", None, None,
               "at 0 only products of two unknowns: indefinite", mu_at=0)
    yield Case("one neuron", lambda x: (np.tanh(x[0] + 2 * x[1]) - 0.5) ** 2 + (np.tanh(x[0] - x[1]) + 0.5) ** 2,
               box(-2, 2, 2), "not convex", None, None, "bounded on lines and not constant", mu_at=[1.5, 0.0])
    yield Case("Beale", lambda x: (1.5 - x[0] + x[0] * x[1])**2 + (2.25 - x[0] + x[0] * x[1]**2)**2
               + (2.625 - x[0] + x[0] * x[1]**3)**2, box(-2, 2, 2), "not convex", None, None,
               "at (0, 1) f₁₁ = f₂₂ = 0 and f₁₂ = 2·1.5 + 4·2.25 + 6·2.625", mu_at=[0, 1])
    yield Case("six-hump camel",
               lambda x: (4 - 2.1 * x[0]**2 + x[0]**4 / 3) * x[0]**2 + x[0] * x[1] + (4 * x[1]**2 - 4) * x[1]**2,
               box([-2, -1], [2, 1]), "not convex", None, None, "f₂₂ = −8 at 0", mu_at=0)
    yield Case("Cauchy loss", lambda x: np.log(1 + (x[0] + x[1] - 1)**2) + np.log(1 + (x[0] - 2 * x[1])**2), box(-3, 3,
               2),
               "not convex", None, None, "far from both lines each term is concave", mu_at=[-3, 3])
    yield Case("Welsch loss", lambda x: 1 - np.exp(-np.sum(x * x) / 2), box(-2, 2, 4), "not convex", None, None,
               "radially (1 − r²)e^(−r²/2)", mu_at=[1.5, 0, 0, 0])
    yield Case("cosines over a shallow bowl", lambda x: sum(x[i] * x[i] / 8 + np.cos(x[i]) / 2 for i in range(x.size)),
               box(-2, 3, 2), "not convex", -0.25, 0.25 + float(np.abs(np.cos(3.0))) / 2, "1/4 − cos(x)/2",
               ("interior",),
               mu_at=0, L_at=3)
    yield Case("double well", lambda x: np.sum((x * x - 0.25)**2), box(-1, 1, 6), "not convex", -1.0, 11.0, "12x² − 1",
               mu_at=0, L_at=1)
    yield Case("difference of log-sum-exps", lambda x: np.log(np.exp(x[0]) + np.exp(x[1]) + np.exp(-x[0] - x[1]))
               - 0.96875 * np.log(np.exp(x[0]) + np.exp(x[1])), box(-2, 2, 2), "not convex", None, None,
               "at (−2, −2) the first is nearly linear and the second is not", mu_at=-2)
    yield Case("ratio of quadratics", lambda x: (x[0]**2 + 2 * x[1]**2) / (1 + x[0]**2 + x[1]**2), box(-2, 2, 2),
               "not convex", None, None, "bounded on lines and not constant", mu_at=2)
    yield Case("sum of two wells", lambda x: -np.exp(-4 * np.sum((x - 0.5)**2)) - np.exp(-4 * np.sum((x + 0.5)**2)),
               box(-1, 1, 3), "not convex", None, None, "along the line between the wells", mu_at=[1, -1, 1])


HARD = tuple(case for family in (_bumps, _directions, _waves, _kinks, _faces, _classics) for case in family())
