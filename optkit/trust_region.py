"""What every trust-region method shares: is the trial taken, and how long may the next step be."""

import math
from collections.abc import Callable
from typing import NamedTuple

from optkit.objective import ROUNDING, Objective
from optkit.point import Point
from optkit.stopping import Reason, Stop
from optkit.subproblems import Region


class Taken(NamedTuple):
    """The trial that was taken, ‖step‖₂, the inner iterations of all trials, and the radius for the next step."""

    point: Point
    length: float
    inner: int
    delta: float


def trust_region_step(objective: Objective, point: Point, delta: float, subproblem: Callable[[float], Region], *,
                      eta: float, delta_max: float, rejected: Callable[[Point], None] | None = None) -> Taken:
    """Shrink the radius until a trial is taken: f falls by more than eta times what the model predicts.

    subproblem(delta) -> the step within delta and its prediction; rejected(trial) is told of trials not taken. The
    radius shrinks below a quarter of the predicted decrease and doubles above three quarters at the boundary. Where the
    prediction is within rounding of f, the gradient must shrink instead. Raises Stop where no trial can be taken.
    Nocedal & Wright alg. 4.1; Conn, Gould & Toint 2000 §17.4 for rounding.
    """
    inner = 0
    while True:
        region = subproblem(delta)
        inner += region.iterations
        trial = objective.point(point.x + region.p)
        ratio = _ratio(point, trial, region)
        if not ratio >= 0.25:
            delta = 0.25 * region.length
        elif ratio > 0.75 and region.on_boundary:
            delta = min(2 * delta, delta_max)
        if ratio > eta:
            return Taken(trial, region.length, inner, delta)
        if (trial.x == point.x).all() or not region.predicted > 0:
            raise Stop(Reason.STALLED_AT_PRECISION)
        if rejected is not None and trial.f < math.inf:
            rejected(trial)


def _ratio(point: Point, trial: Point, region: Region) -> float:
    """Actual over predicted decrease; within rounding of f, 1 where the gradient shrinks and −1 where it does not."""
    noise = ROUNDING * abs(point.f)
    if region.predicted <= noise and abs(trial.f - point.f) <= 2 * noise:
        return 1.0 if trial.g.dot(trial.g) < point.g.dot(point.g) else -1.0
    return (point.f - trial.f) / region.predicted if region.predicted > 0 else -1.0
