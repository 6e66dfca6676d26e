"""Gauss–Newton for nonlinear least squares."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from optkit.linesearch import Armijo, LineSearch, Ray
from optkit.point import Point, norm
from optkit.prox import Box
from optkit.residual import LeastSquares, closer, newton_point, within_rounding
from optkit.stopping import Reason, Stop
from optkit.subproblems.levenberg import damped_step

CREEP = 0.1  # times the predicted fall: where a step brings less, a linear fit is too poor, and Newton's is tried
STALLED = 10.0  # times the expected rounding: what may hide the rest where no step makes the measure smaller


@dataclass(frozen=True, slots=True)
class GaussNewton:
    """The linear fit at each point, with a line search. For small residuals and good starts; "lm" is the sturdier.

    One step solves a linear problem. Dependent columns of J give a basic step. Bounds: the linear fit within the box.
    Cost an iteration: a Jacobian, a residual a trial, QR of J. Nocedal & Wright §10.3; Björck 1996 §9.2.
    """

    search: LineSearch = field(default_factory=Armijo)

    second_order: ClassVar[bool] = False
    terms: ClassVar[tuple] = (Box,)

    def init(self, objective: LeastSquares, point: Point) -> "State":
        return State(point, 0.0, 0)

    def step(self, objective: LeastSquares, state: "State") -> "State":
        point, fit, box = state.point, objective.model(state.point), objective.box
        D = np.where(fit.norms > 0, fit.norms, 1.0)
        step = damped_step(fit, D, np.inf, 0.0, box.lower - point.x, box.upper - point.x)
        x = np.minimum(np.maximum(point.x + step.p, box.lower), box.upper)
        if not step.predicted > objective.noise(point) and within_rounding(objective, point, step.predicted,
                                                                         objective.value(x)):
            trial = closer(objective, point, x)
        else:
            trial = self._along(objective, point, step.p) or self._along(objective, point, -point.g / D**2)
            if trial is not None and point.f - trial.f < CREEP * step.predicted:
                ahead = newton_point(objective, point)
                trial = ahead if ahead is not None and ahead.f < trial.f else trial
        trial = trial or newton_point(objective, point)
        if trial is None:
            objective.put_up_with(STALLED)
            raise Stop(Reason.STALLED_AT_PRECISION)
        return State(trial, norm(trial.x - point.x), step.iterations)

    def _along(self, objective: LeastSquares, point: Point, p) -> Point | None:
        found = self.search(Ray(objective, point, p), 1.0)
        return None if found is None else found.point


@dataclass(slots=True)
class State:
    point: Point
    step: float
    inner: int
