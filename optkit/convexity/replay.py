"""The recorded formula of f at given points, in outward-rounded interval arithmetic: what its exact values are.

The claim is about the formula with its float constants, evaluated in real arithmetic: rounding inside f, by
cancellation, buffers or float32, widens the enclosures and so can never be taken for a counterexample.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

import autodiff as ad
from autodiff.derive import primal
from autodiff.interpreters.interval import Enclosures, NoRule, enclose
from autodiff.intervals import Interval, down, multiply, subtract, up

from .oracle import Vector

__all__ = ["NoReplay", "enclosed_gap", "enclosed_values", "off_hull"]


class NoReplay(Exception):  # noqa: N818 - says why; the caller has other ways
    """The formula cannot be replayed: an operation without an interval rule, or an undecided branch."""


def enclosed_gap(values: Interval, weights: Sequence[float]) -> Interval:
    """f(z) − Σ wᵢ f(xᵢ) from the enclosures of f at (z, x₁, …, x_k): a lower end > 0 proves that f is not convex."""
    gap = _entry(values, 0)
    for k, w in enumerate(weights):
        gap = subtract(gap, multiply(_entry(values, k + 1), Interval(np.asarray(w), np.asarray(w))))
    return gap


def _entry(values: Interval, k: int) -> Interval:
    return Interval(values.lo[k], values.hi[k])


def off_hull(region: Any, points: Sequence[Vector]) -> float:
    """A bound on the distance of the points, and of their averages, from the set A x = b of the region; 0 without one.

    |x − x*| <= ‖A⁺‖ |A x − b|, with the residual's own rounding, and twofold for the rounding of the rest.
    """
    equations = getattr(region, "equations", None)
    if equations is None:
        return 0.0
    A, b = equations
    worst = 0.0
    for x in points:
        rounding = (x.size + 2) * np.finfo(float).eps * (np.abs(A) @ np.abs(x) + np.abs(b))
        worst = max(worst, float(np.linalg.norm(np.abs(A @ x - b) + rounding)))
    exact = all(_satisfies(A, b, x) for x in points)
    return 0.0 if exact else 2.0 * worst * float(np.linalg.norm(np.linalg.pinv(A), 2))


def _satisfies(A: np.ndarray, b: Vector, x: Vector) -> bool:
    """Whether A x = b exactly."""
    rows = ([Fraction(a) * Fraction(v) for a, v in zip(row.tolist(), x.tolist(), strict=True) if a] for row in A)
    return all(sum(row) == Fraction(right) for row, right in zip(rows, b.tolist(), strict=True))


def enclosed_values(f: Callable, points: Sequence[Vector], slack: float = 0.0) -> Interval:
    """f at P points, or on the boxes of half-width `slack` around them, enclosed: ends of shape (P,).

    Branches are those that the recording at the point itself took, and which intervals confirm. Cost: one recording for
    each different path through the branches. Raises NoReplay.
    """
    lo, hi = np.full(len(points), np.nan), np.full(len(points), np.nan)
    left = list(range(len(points)))
    while left:
        value, same_path = _along_the_path_of(f, [points[k] for k in left], slack)
        if not same_path[0]:
            raise NoReplay("a branch that rounding could turn is taken at one of the points")
        for k, low, high, same in zip(left, value.lo, value.hi, same_path, strict=True):
            if same:
                lo[k], hi[k] = low, high
        left = [k for k, same in zip(left, same_path, strict=True) if not same]
    if np.isnan(lo).any() or np.isnan(hi).any():
        raise NoReplay("f is not defined at one of the points")
    return Interval(lo, hi)


def _along_the_path_of(f: Callable, points: Sequence[Vector], slack: float) -> tuple[Interval, np.ndarray]:
    """(enclosures at all points, where they follow the path recorded at the first)."""
    try:
        with np.errstate(all="ignore"):
            graph = primal(ad.trace(f, points[0]))
        X = np.stack(points, axis=-1)[..., None, :].astype(np.float64)
        box = Interval(X, X) if slack == 0 else Interval(down(X - slack), up(X + slack))
        found = enclose(graph, {graph.inputs[0]: box}, graph.outputs)
    except NoRule as error:
        raise NoReplay(str(error)) from None
    except ad.TraceError as error:
        raise NoReplay(f"f cannot be traced: {str(error).splitlines()[0]}") from None
    B = len(points)
    value = found.of(graph.outputs[0])
    ends = Interval(*(np.broadcast_to(np.asarray(end, float).reshape(-1), (B,)) for end in value))
    wrong = np.zeros(B, bool)
    for where in found.undecided.values():
        wrong = wrong | where
    lacking = _undefined(found, B)
    return Interval(np.where(lacking, np.nan, ends.lo), np.where(lacking, np.nan, ends.hi)), ~wrong


def _undefined(found: Enclosures, B: int) -> np.ndarray:
    """Where an operation may be undefined although its value is finite: √ of [−1e-17, 1e-17], say.

    NaN and infinite values are left to what follows: they reach the output, or a decided `where` drops them.
    """
    lacking = np.zeros(B, bool)
    for node, where in found.undefined.items():
        value = found.values[node]
        if type(value) is Interval:
            finite = np.isfinite(value.lo) & np.isfinite(value.hi)
            where = where & finite.any(axis=tuple(range(finite.ndim - 1)))
        lacking = lacking | where
    return lacking
