"""What a line search sees: φ(α) = f(x + αp)."""

import math
from typing import NamedTuple, Protocol

import numpy as np

from optkit.objective import ROUNDING, Objective
from optkit.point import Point, Vector, magnitude, norm


class Trial(NamedTuple):
    """A step α along a ray, the point it leads to, and φ'(α)."""

    alpha: float
    point: Point
    slope: float


class End(NamedTuple):
    """An end of the interval: α, φ(α), φ'(α)."""

    alpha: float
    f: float
    d: float

    def minus(self, slope: float) -> "End":
        """The same for φ(α) − slope·α."""
        return End(self.alpha, self.f - slope * self.alpha, self.d - slope)


class Ray:
    """φ(α) = f(x + αp) from a point along p; f and slope are φ(0) and φ'(0). `longest` is the α not to go beyond."""

    __slots__ = ("objective", "x", "p", "f", "slope", "longest")

    def __init__(self, objective: Objective, point: Point, p: Vector, longest: float = math.inf):
        self.objective, self.p, self.longest = objective, p, longest
        self.x, self.f, g = point
        self.slope = float(g.dot(p))

    def at(self, alpha: float) -> Trial:
        """The point at α, with its slope."""
        return self.complete(alpha, self.x + alpha * self.p)

    def value(self, alpha: float) -> tuple[Vector, float]:
        """x + αp, and f there."""
        x = self.x + alpha * self.p
        return x, self.objective.value(x)

    def complete(self, alpha: float, x: Vector) -> Trial:
        """The trial at a point whose value may be known already."""
        point = self.objective.point(x)
        return Trial(alpha, point, float(point.g.dot(self.p)))

    def recent(self, window: int) -> Vector:
        """φ(0) and the accepted values of f before it, newest first, at most `window`; none from before a restart."""
        rows = self.objective.history[-window:]
        started = np.flatnonzero(rows.step == 0)
        values = rows.f[started[-1] if started.size else 0 :][::-1]
        return values if values.size and values[0] == self.f else np.append(self.f, values)[:window]


def downhill(objective: Objective, point: Point, length: float) -> tuple[Ray, float]:
    """Along −g, and the α of a step of that length. −g is scaled by a power of two, so that φ'(0) keeps its digits."""
    unit = magnitude(point.g)
    g = point.g / unit
    return Ray(objective, point, -g), length / norm(g)


class LineSearch(Protocol):
    """A frozen dataclass of parameters; a call gives an acceptable trial, None where working precision has none."""

    def __call__(self, ray: Ray, alpha: float) -> Trial | None: ...


def rounding_decrease(ray: Ray, trial: Trial, c1: float, sigma: float) -> bool:
    """Sufficient decrease judged by slopes, where φ(α) and φ(0) agree to rounding.

    (2 c1 − 1) φ'(0) >= φ'(α) >= sigma φ'(0). The difference φ(α) − φ(0) is then noise while slopes still carry
    information (Hager & Zhang 2005, T2). sigma < 1 keeps ever smaller steps from passing.
    """
    if not abs(trial.point.f - ray.f) <= ROUNDING * abs(ray.f):
        return False
    return sigma * ray.slope <= trial.slope <= (2 * c1 - 1) * ray.slope
