"""Newton in a trust region."""

import math
from dataclasses import dataclass
from typing import ClassVar

from optkit.checks import require
from optkit.objective import Objective
from optkit.point import Point, norm
from optkit.subproblems import steihaug
from optkit.trust_region import trust_region_step


@dataclass(frozen=True, slots=True)
class TrustNCG:
    """Trust-region Newton with the Steihaug–Toint step. The most robust here where f is not convex.

    Cost an iteration: one linearisation, a few Hessian-vector products, one value and gradient. Nocedal & Wright alg.
    4.1 and 7.2; `trust_region` says when a step is taken.
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
        point = state.point
        gnorm = norm(point.g)
        tol = gnorm * min(self.eta_max, math.sqrt(gnorm / state.gnorm0))
        hv = objective.hvp(point.x)
        maxcg = self.maxcg or max(20, 2 * objective.n)
        taken = trust_region_step(objective, point, state.delta, lambda delta: steihaug(hv, point.g, delta, tol, maxcg),
                                  eta=self.eta, delta_max=self.delta_max)
        return State(taken.point, taken.length, taken.inner, taken.delta, state.gnorm0)


@dataclass(slots=True)
class State:
    point: Point
    step: float
    inner: int
    delta: float
    gnorm0: float  # ‖g‖₂ at the start
