"""Levenberg–Marquardt for nonlinear least squares."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from optkit.checks import require
from optkit.point import Point, Vector, norm
from optkit.prox import Box
from optkit.residual import LeastSquares, closer, newton_point, within_rounding
from optkit.stopping import Reason, Stop
from optkit.subproblems.levenberg import Damped, damped_step

SLOW = 0.3  # times the measure: where a full step leaves more, Newton's step is tried next
CREEP = 1e-3  # times the cost: the same where a step within Δ lowers it by less
STALLED = 10.0  # times the expected rounding: what may hide the rest where no step makes the measure smaller


@dataclass(frozen=True, slots=True)
class LevenbergMarquardt:
    """Gauss–Newton within an ellipsoid ‖Dp‖ <= Δ that follows the scale of the unknowns. The default for fits.

    Bounds are part of the step: the linear model is minimised within the box. Cost an iteration: a Jacobian, a residual
    a trial, QR of J. Moré 1978, as in MINPACK's lmder; Levenberg 1944, Marquardt 1963.
    """

    factor: float = 10.0  # first Δ is factor·‖Dx0‖, or factor; Moré's range is 0.1 to 100. All 54 NIST fits, 100: 53
    x_scale: Any = None  # D = 1/x_scale; None (or SciPy's "jac"): the largest ‖j_k‖₂ so far. Moré 1978 §6
    eta: float = 1e-4  # a trial is taken where the cost falls by more than eta times the prediction. MINPACK

    second_order: ClassVar[bool] = False
    terms: ClassVar[tuple] = (Box,)

    def __post_init__(self):
        require("LevenbergMarquardt", 0 < self.factor < np.inf, "0 < factor < inf", factor=self.factor)
        require("LevenbergMarquardt", 0 <= self.eta < 0.25, "0 <= eta < 0.25", eta=self.eta)
        scale = self.x_scale
        given = scale is not None and not isinstance(scale, str)
        require("LevenbergMarquardt", bool(np.all(np.asarray(scale, float) > 0)) if given else scale in (None, "jac"),
                "x_scale positive, 'jac' or None", x_scale=scale)

    def init(self, objective: LeastSquares, point: Point) -> "State":
        D = objective.model(point).norms
        if np.ndim(self.x_scale) and np.size(self.x_scale) not in (1, D.size):
            raise ValueError(f"x_scale: need one number, or one for each of the {D.size} unknowns, got "
                             f"{np.size(self.x_scale)}")
        size = norm(self._scaling(D) * point.x)
        return State(point, 0.0, 0, self.factor * size if size > 0 else self.factor, 0.0, D, True, 0, 1)

    def _scaling(self, D: Vector) -> Vector:
        """The diagonal of D; 1 for an unknown that never had an effect."""
        if self.x_scale is None or isinstance(self.x_scale, str):
            return np.where(D > 0, D, 1.0)
        return np.broadcast_to(1 / np.asarray(self.x_scale, dtype=float).ravel(), D.shape)

    def step(self, objective: LeastSquares, state: "State") -> "State":
        point, fit, box = state.point, objective.model(state.point), objective.box
        largest = np.maximum(state.D, fit.norms)
        slow, patience = state.slow, state.patience
        if slow >= patience:
            if (trial := newton_point(objective, point)) is not None:
                return state.at(trial, largest)
            slow, patience = 0, 2 * patience
        D, lower, upper = self._scaling(largest), box.lower - point.x, box.upper - point.x
        delta, lam, inner, trial = state.delta, state.lam, 0, None
        while trial is None:
            step = damped_step(fit, D, delta, lam, lower, upper)
            inner += step.iterations
            if state.first and inner == step.iterations:
                delta = min(delta, step.length)
            x = moved(point.x, step.p, box)
            f = objective.value(x)
            ratio = (point.f - f) / step.predicted if step.predicted > 0 else -1.0
            if within_rounding(objective, point, step.predicted, f):
                trial, ratio = closer(objective, point, x), 1.0
                if trial is None:
                    return self._last_resort(objective, state, largest, state.slow >= state.patience)
            elif ratio > self.eta:
                trial = objective.point(x)
            elif (x == point.x).all():
                return self._last_resort(objective, state, largest, state.slow >= state.patience)
            delta, lam = _updated(ratio, point.f, f, step, delta)
        crept = lam == 0 or point.f - trial.f <= CREEP * point.f
        slow = slow + 1 if crept and objective.measure(trial) > SLOW * objective.measure(point) else 0
        return State(trial, norm(trial.x - point.x), inner, delta, lam, largest, False, slow, patience)

    def _last_resort(self, objective: LeastSquares, state: "State", largest: Vector, tried: bool) -> "State":
        """Newton's step; where that is no better, the run ends, and a larger rounding is put up with."""
        trial = None if tried else newton_point(objective, state.point)
        if trial is None:
            objective.put_up_with(STALLED)
            raise Stop(Reason.STALLED_AT_PRECISION)
        return state.at(trial, largest)


@dataclass(slots=True)
class State:
    point: Point
    step: float
    inner: int
    delta: float
    lam: float
    D: Vector  # the largest norms of the columns of J so far
    first: bool  # whether no step has been taken: Δ is then cut to the length of the first one
    slow: int  # steps in a row that left much of the measure
    patience: int  # so many of them lead to a Newton step; doubled where that is no good

    def at(self, trial: Point, largest: Vector) -> "State":
        """After a Newton step."""
        length = norm(trial.x - self.point.x)
        return State(trial, length, 1, self.delta, self.lam, largest, False, self.slow, self.patience)


def moved(x: Vector, p: Vector, box: Box) -> Vector:
    """x + p, on a bound exactly where p leads there."""
    reached = np.where(p <= box.lower - x, box.lower, np.where(p >= box.upper - x, box.upper, x + p))
    return np.minimum(np.maximum(reached, box.lower), box.upper)


def _updated(ratio: float, f: float, trial: float, step: Damped, delta: float) -> tuple[float, float]:
    """Δ and λ for the next trial, as MINPACK's lmder: where the parabola along p has its minimum, within [0.1, 0.5]."""
    lam, slope = step.lam, step.slope
    if not ratio > 0.25:
        shrink = 0.5 * slope / (slope + f - trial) if trial > f else 0.5
        shrink = shrink if shrink >= 0.1 else 0.1
        return shrink * min(delta, step.length / 0.1), lam / shrink
    if lam == 0 or ratio >= 0.75:
        return 2 * step.length, 0.5 * lam
    return delta, lam
