"""Newton in a trust region, the subproblem solved exactly."""

from dataclasses import dataclass

from optkit.checks import require
from optkit.objective import Objective
from optkit.subproblems import MoreSorensen
from optkit.trust_region import State, TrustRegion, dense_hessian


@dataclass(frozen=True, slots=True)
class TrustExact(TrustRegion):
    """Trust-region Newton with the whole Hessian: fewest evaluations of all, for up to some hundred unknowns.

    Leaves saddle points by itself. Cost an iteration: one Hessian, that is n products, two or three Cholesky
    factorisations, one value and gradient; memory n². Moré & Sorensen 1983.
    """

    tol: float = 1e-3  # relative, of the subproblem: ‖p‖ = delta, or the decrease in the hard case

    def __post_init__(self):
        TrustRegion.__post_init__(self)
        require("TrustExact", 0 < self.tol < 1, "0 < tol < 1", tol=self.tol)

    def subproblem(self, objective: Objective, state: State) -> MoreSorensen:
        return MoreSorensen(dense_hessian(objective, state.point.x), state.point.g, self.tol)
