"""Newton in a trust region."""

import math
from dataclasses import dataclass
from typing import ClassVar

from optkit.checks import require
from optkit.objective import ROUNDING, Objective
from optkit.point import Point, norm
from optkit.stopping import Reason, Stop
from optkit.subproblems import Region, steihaug


@dataclass(frozen=True, slots=True)
class TrustNCG:
    """Trust-region Newton with the Steihaug–Toint step. The most robust here where f is not convex.

    A step is taken when f falls by more than eta times what the model predicts; the radius shrinks below a quarter of
    it and doubles above three quarters at the boundary. Where the prediction is within rounding of f, the gradient must
    shrink instead. Cost an iteration: one linearisation, a few Hessian-vector products, one value and gradient. Nocedal
    & Wright alg. 4.1 and 7.2; Conn, Gould & Toint 2000 §17.4 for rounding.
    """

    delta0: float | None = None  # first radius; None is max(1, ‖x0‖/10)
    delta_max: float = 1e20
    eta: float = 0.01
    eta_max: float = 0.5  # CG stops at ‖Hp + g‖ <= min(eta_max, sqrt(‖g‖/‖g0‖))·‖g‖
    maxcg: int | None = None  # products a step; None is 2n, at least 20

    second_order: ClassVar[bool] = True

    def __post_init__(self):
        require("TrustNCG", self.delta0 is None or 0 < self.delta0 <= self.delta_max, "0 < delta0 <= delta_max",
                delta0=self.delta0, delta_max=self.delta_max)
        require("TrustNCG", 0 <= self.eta < 0.25, "0 <= eta < 0.25", eta=self.eta)
        require("TrustNCG", 0 < self.eta_max < 1, "0 < eta_max < 1", eta_max=self.eta_max)
        require("TrustNCG", self.maxcg is None or self.maxcg >= 1, "maxcg >= 1 or None", maxcg=self.maxcg)

    def init(self, objective: Objective, point: Point) -> "State":
        delta = self.delta0 or max(1.0, 0.1 * norm(point.x))
        return State(point, 0.0, 0, min(delta, self.delta_max), norm(point.g))

    def step(self, objective: Objective, state: "State") -> "State":
        point, delta, inner = state.point, state.delta, 0
        gnorm = norm(point.g)
        tol = gnorm * min(self.eta_max, math.sqrt(gnorm / state.gnorm0))
        hv = objective.hvp(point.x)
        while True:
            region = steihaug(hv, point.g, delta, tol, self.maxcg or max(20, 2 * objective.n))
            inner += region.iterations
            trial = objective.point(point.x + region.p)
            ratio = _ratio(point, trial, region)
            if not ratio >= 0.25:
                delta = 0.25 * region.length
            elif ratio > 0.75 and region.on_boundary:
                delta = min(2 * delta, self.delta_max)
            if ratio > self.eta:
                return State(trial, region.length, inner, delta, state.gnorm0)
            if (trial.x == point.x).all() or not region.predicted > 0:
                raise Stop(Reason.STALLED_AT_PRECISION)


@dataclass(slots=True)
class State:
    point: Point
    step: float
    inner: int
    delta: float
    gnorm0: float  # ‖g‖₂ at the start


def _ratio(point: Point, trial: Point, region: Region) -> float:
    """Actual over predicted decrease; within rounding of f, 1 where the gradient shrinks and −1 where it does not."""
    noise = ROUNDING * abs(point.f)
    if region.predicted <= noise and abs(trial.f - point.f) <= 2 * noise:
        return 1.0 if trial.g.dot(trial.g) < point.g.dot(point.g) else -1.0
    return (point.f - trial.f) / region.predicted if region.predicted > 0 else -1.0
