"""The trust-region subproblem of a dense Hessian, solved exactly."""

import numpy as np

from optkit.point import Vector
from optkit.subproblems.region import DenseSubproblem
from optkit.subproblems.secular import Secular
from optkit.subproblems.shifted import Dense


class MoreSorensen(DenseSubproblem):
    """delta -> the lowest point of g·p + ½ p·Hp within ‖p‖₂ <= delta, the hard case included.

    tol : relative error allowed in ‖p‖₂ = delta and in the decrease. Cost: two or three Cholesky factorisations the
    first time, none or one for a shorter radius. Moré & Sorensen 1983.
    """

    def __init__(self, H: np.ndarray, g: Vector, tol: float):
        self.tol = tol
        super().__init__(H, g)

    def _prepare(self, H: np.ndarray, g: Vector) -> None:
        self.secular = Secular(Dense(H), g, self.tol, 0.0, 0.0)

    def _step(self, delta: float) -> tuple[Vector, bool, int]:
        p, _, on_boundary, iterations = self.secular(delta)
        return p, on_boundary, iterations
