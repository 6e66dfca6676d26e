"""Trust-region steps from two or three directions: Powell's dogleg, and a two-dimensional subspace."""

import math

import numpy as np
from scipy.linalg import eigh

from optkit.point import Vector, norm
from optkit.subproblems.region import DenseSubproblem, to_boundary
from optkit.subproblems.secular import Secular
from optkit.subproblems.shifted import Dense

SHIFT = 1.5  # of −λ₁; Byrd, Schnabel & Shultz 1988 allow (1, 2]
EXACT = 1e-8  # relative error of the two-dimensional problems


class Convexified:
    """The Newton step −(H + shift·I)⁻¹g, where shift is 0 if H is positive definite and a little above −λ₁ if not.

    `lowest` : the unit eigenvector of a negative λ₁ on whose side the Newton step lies, None where λ₁ >= 0.
    Cost: one Cholesky factorisation; where that fails the lowest eigenpair and another, 5/3 n³ multiplications in all.
    """

    def __init__(self, H: np.ndarray, g: Vector):
        matrix = Dense(H)
        self.shift = 0.0
        self.lowest: Vector | None = None
        solve, _ = matrix.factor(0.0)
        if solve is None:
            (value,), vectors = eigh(H, subset_by_index=[0, 0])
            rounding = 16 * np.finfo(float).eps * matrix.n * max(-matrix.lowest, matrix.highest)
            self.shift = max(-SHIFT * float(value), rounding)
            while (solve := matrix.factor(self.shift).solve) is None:
                self.shift *= 2
        self.newton = -solve(g)
        if self.shift and value < -rounding:
            self.lowest = math.copysign(1.0, vectors[:, 0].dot(self.newton)) * vectors[:, 0]


class DoglegPath(DenseSubproblem):
    """delta -> along −g to where the model is lowest, then to the Newton point, as far as the region reaches.

    Where H is not positive definite, the path is that of H + shift·I, and from its Newton point it goes on along the
    lowest eigenvector: the model of H still falls all the way. Cost: that of Convexified, once.
    Powell 1970; Nocedal & Wright §4.1.
    """

    def _prepare(self, H: np.ndarray, g: Vector) -> None:
        self.model = Convexified(H, g)
        gnorm = norm(g)
        self.down = -g / (gnorm or 1.0)
        curvature = float(self.down.dot(H.dot(self.down))) + self.model.shift
        self.cauchy = gnorm / curvature if curvature > 0 else math.inf

    def _step(self, delta: float) -> tuple[Vector, bool, int]:
        newton, lowest = self.model.newton, self.model.lowest
        if norm(newton) <= delta:
            return (newton, False, 1) if lowest is None else (_extended(newton, lowest, delta), True, 1)
        if self.cauchy >= delta:
            return delta * self.down, True, 1
        p = self.cauchy * self.down
        return _extended(p, newton - p, delta), True, 1


class SubspacePlane(DenseSubproblem):
    """delta -> the lowest point of g·p + ½ p·Hp within ‖p‖₂ <= delta and the span of g and the Newton step.

    Where H is not positive definite, the Newton step is that of H + shift·I, and the lowest eigenvector stands in for
    g. Cost: that of Convexified, once. Byrd, Schnabel & Shultz 1988.
    """

    def _prepare(self, H: np.ndarray, g: Vector) -> None:
        model = Convexified(H, g)
        columns = [model.newton, g if model.lowest is None else model.lowest]
        self.basis = np.linalg.qr(np.column_stack([c / (norm(c) or 1.0) for c in columns]))[0]
        self.secular = Secular(Dense(self.basis.T.dot(H).dot(self.basis)), self.basis.T.dot(g), EXACT, 0.0, 0.0)

    def _step(self, delta: float) -> tuple[Vector, bool, int]:
        p, _, on_boundary, iterations = self.secular(delta)
        return self.basis.dot(p), on_boundary, iterations


def _extended(p: Vector, d: Vector, delta: float) -> Vector:
    """p + τd on the boundary, τ >= 0."""
    p, d = p / delta, d / delta
    return delta * (p + to_boundary(float(p.dot(p)), float(p.dot(d)), float(d.dot(d)), 1.0) * d)
