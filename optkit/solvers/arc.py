"""Adaptive cubic regularisation."""

import math
from dataclasses import dataclass
from typing import ClassVar

from optkit.checks import require
from optkit.objective import ROUNDING, Objective
from optkit.point import Point, norm
from optkit.stopping import Reason, Stop
from optkit.subproblems.cubic import Cubic, Krylov

SIGMA_MIN = 1e-300  # so that σ stays a number where f is quadratic


@dataclass(frozen=True, slots=True)
class ARC:
    """Steps that minimise a model with a cubic term, f + g·s + ½ s·Hs + σ/3 ‖s‖³, whose weight σ adapts to f.

    For f that is not convex: no other method here has as good a bound on its evaluations, O(ε^-3/2) to ‖g‖ <= ε. The
    model is minimised in a growing Krylov space until its gradient is at most min(eta_max, sqrt(‖g‖/‖g0‖))·‖g‖. A
    trial that is not taken costs one value and gradient, no products. Cost an iteration: one linearisation, a few
    Hessian-vector products, one value and gradient. Cartis, Gould & Toint 2011, Math. Program. 127, 245-295.
    """

    sigma0: float | None = None  # first weight; None is ‖g0‖/Δ², with which a step has about the length Δ =
    # max(1, ‖x0‖/10) where H does not count, whatever the scale of f
    eta1: float = 0.1  # Cartis, Gould & Toint 2011 §7, also eta2: share of the predicted decrease
    eta2: float = 0.9
    shrink: float = 0.1  # the least and the most that σ changes by: Gould, Porcelli & Toint 2012
    grow: float = 2.0
    eta_max: float = 0.5
    maxkrylov: int = 500  # dimensions, so vectors kept

    second_order: ClassVar[bool] = True

    def __post_init__(self):
        require("ARC", self.sigma0 is None or self.sigma0 > 0, "sigma0 > 0 or None", sigma0=self.sigma0)
        require("ARC", 0 < self.eta1 <= self.eta2 < 1, "0 < eta1 <= eta2 < 1", eta1=self.eta1, eta2=self.eta2)
        require("ARC", 0 < self.shrink < 1, "0 < shrink < 1", shrink=self.shrink)
        require("ARC", self.grow > 1, "grow > 1", grow=self.grow)
        require("ARC", 0 < self.eta_max < 1, "0 < eta_max < 1", eta_max=self.eta_max)
        require("ARC", self.maxkrylov >= 1, "maxkrylov >= 1", maxkrylov=self.maxkrylov)

    def init(self, objective: Objective, point: Point) -> "State":
        gnorm = norm(point.g)
        delta = max(1.0, 0.1 * norm(point.x))
        return State(point, 0.0, 0, self.sigma0 or max(gnorm / delta / delta, SIGMA_MIN), gnorm)

    def step(self, objective: Objective, state: "State") -> "State":
        point, sigma = state.point, state.sigma
        gnorm = norm(point.g)
        tol = gnorm * min(self.eta_max, math.sqrt(gnorm / state.gnorm0))
        krylov = Krylov(objective.hvp(point.x), point.g, self.maxkrylov)
        while True:
            model = krylov.minimise(sigma, tol)
            trial = objective.point(point.x + model.s)
            ratio = _ratio(point, trial, model)
            if ratio >= self.eta1:
                sigma = self._lower(sigma, point, trial, model) if ratio >= self.eta2 else sigma
                return State(trial, model.length, krylov.dimension, sigma, state.gnorm0)
            if (trial.x == point.x).all() or not model.decrease > 0:
                raise Stop(Reason.STALLED_AT_PRECISION)
            sigma = self._higher(sigma, point, trial, model)
            if not sigma < math.inf:
                raise Stop(Reason.STALLED_AT_PRECISION)

    def _lower(self, sigma: float, point: Point, trial: Point, model: Cubic) -> float:
        fit = _fit(point, trial, model)
        return max(min(max(fit, self.shrink * sigma), 0.5 * sigma), SIGMA_MIN) if fit == fit else sigma

    def _higher(self, sigma: float, point: Point, trial: Point, model: Cubic) -> float:
        fit = _fit(point, trial, model)
        return min(max(fit, self.grow * sigma), 100 * sigma) if fit < math.inf else 10 * sigma


@dataclass(slots=True)
class State:
    point: Point
    step: float
    inner: int
    sigma: float
    gnorm0: float  # ‖g‖₂ at the start


def _predicted(model: Cubic) -> float:
    """The decrease of the model; λ = σ‖s‖."""
    return model.decrease - model.lam * model.length / 3 * model.length


def _ratio(point: Point, trial: Point, model: Cubic) -> float:
    """Actual over predicted decrease; within rounding of f, 1 where the gradient shrinks and −1 where it does not."""
    predicted, noise = _predicted(model), ROUNDING * abs(point.f)
    if predicted <= noise and abs(trial.f - point.f) <= 2 * noise:
        return 1.0 if norm(trial.g) < norm(point.g) else -1.0
    return (point.f - trial.f) / predicted if predicted > 0 else -1.0


def _fit(point: Point, trial: Point, model: Cubic) -> float:
    """The σ with which the model would have been right at the trial; NaN where it is not to be had."""
    cube = model.length * model.length * model.length
    return 3 * (trial.f - point.f + model.decrease) / cube if cube > 0 else math.nan
