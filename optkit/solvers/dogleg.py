"""Newton in a trust region, along Powell's dogleg."""

from dataclasses import dataclass

from optkit.objective import Objective
from optkit.subproblems import DoglegPath
from optkit.trust_region import State, TrustRegion, dense_hessian


@dataclass(frozen=True, slots=True)
class Dogleg(TrustRegion):
    """Trust-region Newton along Powell's dogleg; where H is indefinite, that of H + shift·I and the lowest eigenvector.

    Cost an iteration: one Hessian, that is n products, one Cholesky factorisation (where H is indefinite two, and an
    eigenvector), one value and gradient; memory n². Powell 1970; Nocedal & Wright §4.1.
    """

    def subproblem(self, objective: Objective, state: State) -> DoglegPath:
        return DoglegPath(dense_hessian(objective, state.point.x), state.point.g)
