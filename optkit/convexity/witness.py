"""A counterexample: points, weights, and the amount by which f at their average exceeds what convexity allows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .domains import Region
from .oracle import Vector
from .paste import jsonable

EPS = float(np.finfo(float).eps)
GRID_BITS = 45  # of 53: the other 8 leave room for exact averages with weights k/64
FLOOR = 8 * EPS  # rounding of three values of f, relative to their size, if f itself cancels nothing


@dataclass(frozen=True, eq=False)
class Witness:
    """gap = f(middle) − Σ weights·f(points) > bound, so f is not convex (for `concave`: the same of −f).

    points, middle : arguments of f. middle is *exactly* the average: the points lie on a dyadic grid.
    gap : at plain float64 calls of f. bound : on what rounding added to the gap. how : what established it.
    verified : whether the bound is established; otherwise the gap is only suspected.
    """

    f: Callable[[Any], Any] = field(repr=False)
    points: tuple[Any, ...]
    weights: tuple[float, ...]
    middle: Any
    gap: float
    bound: float
    how: str
    verified: bool
    shape: str = "convex"  # or "concave"

    def recheck(self) -> float:
        """The gap recomputed by plain calls of f; positive confirms the witness."""
        chord = sum(w * float(self.f(p)) for w, p in zip(self.weights, self.points, strict=True))
        gap = float(self.f(self.middle)) - chord
        return -gap if self.shape == "concave" else gap

    def __str__(self) -> str:
        from .wording import segment_lines
        return "\n".join(line.removeprefix("  ") for line in segment_lines(self, "witness"))

    def to_json(self) -> dict[str, Any]:
        return {"points": [jsonable(p) for p in self.points], "weights": list(self.weights),
                "middle": jsonable(self.middle), "gap": self.gap, "bound": self.bound, "how": self.how,
                "verified": self.verified, "shape": self.shape}


@dataclass(frozen=True, eq=False)
class Segment:
    """x, z = (x + y)/2 exactly, y, and f there."""

    x: Vector
    z: Vector
    y: Vector
    fx: float
    fz: float
    fy: float

    @property
    def gap(self) -> float:
        return self.fz - (self.fx + self.fy) / 2

    @property
    def floor(self) -> float:
        """What rounding alone may produce in the gap if f is evaluated to a few units in the last place."""
        return FLOOR * (abs(self.fz) + (abs(self.fx) + abs(self.fy)) / 2) + np.finfo(float).tiny

    @property
    def excess(self) -> float:
        """gap / floor; −inf where f is not finite."""
        ratio = self.gap / self.floor
        return ratio if np.isfinite(ratio) else -np.inf


def exact_middle(x: Any, y: Any) -> Any:
    """(x + y)/2 if that is a float64 exactly (in every coordinate), else None. Knuth's TwoSum."""
    s = x + y
    t = s - x
    error = (x - (s - t)) + (y - t)
    z = s / 2
    return z if np.all(error == 0) and np.all(2 * z == s) else None


def exact_segment(x: Vector, y: Vector, region: Region) -> tuple[Vector, Vector, Vector] | None:
    """(x, z, y) near the given ends and inside the region; z = (x + y)/2 and the 64 parts are exact in float64.

    Each coordinate is rounded towards the other end to GRID_BITS bits. None if nothing is left of the segment.
    """
    quantum = np.ldexp(1.0, np.frexp(np.maximum(np.abs(x), np.abs(y)))[1] - GRID_BITS)
    up, down = np.ceil(np.minimum(x, y) / quantum) * quantum, np.floor(np.maximum(x, y) / quantum) * quantum
    still = ~(up < down)
    a, b = np.where(still, x, np.where(x < y, up, down)), np.where(still, x, np.where(x < y, down, up))
    z = b + (a - b) / 2
    if still.all() or not (region.contains(a) and region.contains(b)):
        return None
    return a, z, b
