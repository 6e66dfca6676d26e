"""Backtracking along a path that bends, as where steps are projected onto a set or an orthant."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from optkit.checks import require
from optkit.objective import ROUNDING, Objective
from optkit.point import Point, Vector


@dataclass(frozen=True, slots=True)
class ArcArmijo:
    """Backtracking on x(α) until f(x(α)) <= f(x) − c1·promise, by interpolation kept within [low, high] of the last α.

    The promise is the first-order decrease, see `__call__`. Where f changes by no more than rounding, the change is
    taken from the gradients at both ends. Cost: a gradient at the first trial and at the accepted one, else values
    only. Bertsekas 1982 eq. (12); Nocedal & Wright §3.5 for the interpolation.
    """

    c1: float = 1e-4  # Nocedal & Wright §3.1
    low: float = 0.1  # Dennis & Schnabel A6.3.1, also `high`
    high: float = 0.5
    maxls: int = 60

    def __post_init__(self):
        require("ArcArmijo", 0 < self.c1 < 0.5, "0 < c1 < 0.5", c1=self.c1)
        require("ArcArmijo", 0 < self.low <= self.high < 1, "0 < low <= high < 1", low=self.low, high=self.high)
        require("ArcArmijo", self.maxls >= 1, "maxls >= 1", maxls=self.maxls)

    def __call__(self, objective: Objective, point: Point, path: Callable[[float], Vector],
                 promise: Callable[[float, Vector], float], linear: Any, alpha: float) -> tuple[float, Point] | None:
        """α and the point x(α); None where working precision has none.

        path(α) -> x(α), which lies in the domain. promise(α, x(α)) : to first order, how much lower f is there;
        a trial that promises nothing is not taken.
        linear : the gradient on the path of what is added to the smooth f; 0.0 on a set.
        """
        noise = ROUNDING * abs(point.f)
        trial: Point | None = objective.point(path(alpha))
        x, f = trial.x, trial.f  # type: ignore[union-attr]
        for _ in range(self.maxls):
            least = promise(alpha, x)
            if (x == point.x).all():
                return None
            change, blurred = f - point.f, abs(f - point.f) <= noise
            if blurred or change <= -self.c1 * least:
                trial = trial or objective.point(x)
                change = _trapezium(point, trial, linear) if blurred and trial.f < math.inf else trial.f - point.f
                if change <= -self.c1 * least < 0:
                    return alpha, trial
            alpha = self._shorter(alpha, change, least)
            x, trial = path(alpha), None
            f = objective.value(x)
        return None

    def _shorter(self, alpha: float, change: float, least: float) -> float:
        """Minimiser of the parabola with slope −least/α at 0 and this change of f at α, safeguarded; NW (3.58)."""
        excess = change + least
        step = 0.5 * alpha * least / excess if excess > 0 and least > 0 else self.high * alpha
        return min(max(step, self.low * alpha), self.high * alpha)


def _trapezium(a: Point, b: Point, linear: Any) -> float:
    """f(b) − f(a) by the trapezium rule: exact for a quadratic, and of far less rounding than the difference."""
    s = b.x - a.x
    return 0.5 * float(s.dot(a.g + linear) + s.dot(b.g + linear))
