"""What is added to a smooth f: bounds, sets and penalties h, each known by its value and its proximal map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from optkit.point import Vector, freeze


class Term(Protocol):
    """A convex function h of the flat unknowns, +inf outside its domain.

    value(x) : h(x), a float. prox(v, t) : the minimiser of h(x) + ‖x − v‖²/(2t), shape of v, for t > 0.
    is_set : h is 0 on a set and +inf outside, so that prox is the projection onto it.
    """

    is_set: bool

    def value(self, x: Vector) -> float: ...

    def prox(self, v: Vector, t: float) -> Vector: ...


class Set:
    """Base of the terms that are 0 on a closed convex set and +inf outside: prox is the projection onto it."""

    is_set = True


@dataclass(frozen=True, eq=False)
class Box(Set):
    """lower <= x <= upper, entry by entry; numbers or arrays of x's size, infinite where there is no bound."""

    lower: Any = -np.inf
    upper: Any = np.inf

    def __post_init__(self):
        lower, upper = (np.array(side, dtype=float).ravel() for side in (self.lower, self.upper))
        lower, upper = np.broadcast_arrays(lower, upper)
        wrong = np.flatnonzero(~(lower <= upper))
        if wrong.size:
            k = int(wrong[0])
            raise ValueError(f"bounds: need lower <= upper, got {lower[k]} and {upper[k]} at position {k}")
        object.__setattr__(self, "lower", freeze(lower.copy()))
        object.__setattr__(self, "upper", freeze(upper.copy()))

    def value(self, x: Vector) -> float:
        return 0.0

    def prox(self, v: Vector, t: float) -> Vector:
        return np.minimum(np.maximum(v, self.lower), self.upper)
