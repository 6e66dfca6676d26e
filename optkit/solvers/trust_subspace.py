"""Newton in a trust region, in two dimensions."""

from dataclasses import dataclass

from optkit.objective import Objective
from optkit.subproblems import SubspacePlane
from optkit.trust_region import State, TrustRegion, dense_hessian


@dataclass(frozen=True, slots=True)
class TrustSubspace(TrustRegion):
    """Trust-region Newton in the plane of the gradient and the Newton step, or of negative curvature.

    Cost an iteration: one Hessian, that is n products, one Cholesky factorisation (where H is indefinite two, and an
    eigenvector), one value and gradient; memory n². Byrd, Schnabel & Shultz 1988.
    """

    def subproblem(self, objective: Objective, state: State) -> SubspacePlane:
        return SubspacePlane(dense_hessian(objective, state.point.x), state.point.g)
