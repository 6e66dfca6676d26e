"""Newton in a trust region, by conjugate gradients."""

import math
from dataclasses import dataclass

from optkit.checks import require
from optkit.objective import Objective
from optkit.point import norm
from optkit.subproblems import Steihaug
from optkit.trust_region import State, TrustRegion


@dataclass(frozen=True, slots=True)
class TrustNCG(TrustRegion):
    """Trust-region Newton with the Steihaug–Toint step. The most robust here where f is not convex.

    Cost an iteration: one linearisation, a few Hessian-vector products, one value and gradient; memory: a vector a
    product. Nocedal & Wright alg. 4.1 and 7.2; `trust_region` says when a step is taken.
    """

    eta_max: float = 0.5  # CG stops at ‖Hp + g‖ <= min(eta_max, sqrt(‖g‖/‖g0‖))·‖g‖
    maxcg: int | None = None  # products a step; None is 2n, at least 20 and at most 500

    def __post_init__(self):
        TrustRegion.__post_init__(self)
        require("TrustNCG", 0 < self.eta_max < 1, "0 < eta_max < 1", eta_max=self.eta_max)
        require("TrustNCG", self.maxcg is None or self.maxcg >= 1, "maxcg >= 1 or None", maxcg=self.maxcg)

    def subproblem(self, objective: Objective, state: State) -> Steihaug:
        point = state.point
        gnorm = norm(point.g)
        tol = gnorm * min(self.eta_max, math.sqrt(gnorm / state.gnorm0))
        return Steihaug(objective.hvp(point.x), point.g, tol, self.maxcg or min(max(20, 2 * objective.n), 500))
