"""How accurately f and its gradient are known at a point, in floating-point numbers."""

import math
from typing import NamedTuple

import numpy as np

from optkit.objective import Objective
from optkit.point import Point, norm_inf

EPS = float(np.finfo(float).eps)
SAMPLES = 3


class Accuracy(NamedTuple):
    """What f and ‖g‖∞ are known to; NaN where that could not be found out."""

    f: float
    g: float

    def __str__(self) -> str:
        if not self.g < math.inf:
            return ""
        return f"f is known to about {self.f:.1g} here, its gradient to about {self.g:.1g}"


UNKNOWN = Accuracy(math.nan, math.nan)


def attainable(objective: Objective, point: Point) -> Accuracy:
    """The largest changes of f and g over points that differ from x by about a unit in the last place of each entry.

    They hold the rounding errors of evaluating f and g, and what x itself cannot resolve. Cost: three values and
    gradients. Raises Stop where a limit is met. Seeded, so that a run stays reproducible.
    """
    random, f, g = np.random.default_rng(0), EPS * abs(point.f), 0.0
    for _ in range(SAMPLES):
        trial = objective.point(point.x * (1 + EPS * random.choice((-1.0, 1.0), point.x.size)))
        if not trial.f < math.inf:
            return UNKNOWN
        f, g = max(f, abs(trial.f - point.f)), max(g, norm_inf(trial.g - point.g))
    return Accuracy(f, g)
