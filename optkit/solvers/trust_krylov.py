"""Newton in a trust region, over Krylov spaces."""

import math
from dataclasses import dataclass

from optkit.checks import require
from optkit.objective import Objective
from optkit.point import norm
from optkit.subproblems import GLTR
from optkit.trust_region import State, TrustRegion


@dataclass(frozen=True, slots=True)
class TrustKrylov(TrustRegion):
    """Trust-region Newton with the GLTR step: where CG would end at the boundary, it goes on along it.

    Cost an iteration: one linearisation, k Hessian-vector products, 2nk² multiplications, one value and gradient;
    memory: k vectors. Fewer iterations than trust-ncg for more products. Gould, Lucidi, Roma & Toint 1999.
    """

    eta_max: float = 0.5  # Lanczos stops at ‖(H + λI)p + g‖ <= min(eta_max, sqrt(‖g‖/‖g0‖))·‖g‖
    maxcg: int = 500  # products a step, never more than n

    def __post_init__(self):
        TrustRegion.__post_init__(self)
        require("TrustKrylov", 0 < self.eta_max < 1, "0 < eta_max < 1", eta_max=self.eta_max)
        require("TrustKrylov", self.maxcg >= 1, "maxcg >= 1", maxcg=self.maxcg)

    def subproblem(self, objective: Objective, state: State) -> GLTR:
        point = state.point
        gnorm = norm(point.g)
        tol = gnorm * min(self.eta_max, math.sqrt(gnorm / state.gnorm0))
        return GLTR(objective.hvp(point.x), point.g, tol, self.maxcg)
