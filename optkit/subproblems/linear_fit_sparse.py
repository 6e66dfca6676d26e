"""The same linear least-squares problem with a sparse Jacobian, by LU of the augmented system."""

import numpy as np
import scipy.sparse
from scipy.sparse.linalg import splu

from optkit.point import Vector, norm
from optkit.subproblems.linear_fit import EPS, NOISE, Solved

REGULAR = 1e-14  # λ in place of 0 where the columns are dependent; they have length one


class Sparse:
    """½‖Jp + r‖² at x. J : (m, n) csr. Fields and methods are those of Dense; cost is that of a sparse LU a solve."""

    def __init__(self, J: scipy.sparse.csr_array, r: Vector, x: Vector):
        self.J, self.r = J, r
        self.norms = np.sqrt(np.asarray(J.multiply(J).sum(axis=0)).ravel())
        self.rnorm = norm(r)
        self.noise = NOISE * EPS * (norm(abs(J) @ np.abs(x)) + self.rnorm)

    def image(self, p: Vector) -> Vector:
        return self.J @ p

    def gradient(self, p: Vector) -> Vector:
        return self.J.T @ (self.J @ p + self.r)

    def solve(self, lam: float, D: Vector, free: np.ndarray, p: Vector) -> Solved:
        held = np.where(free, 0.0, p)
        size = np.where(self.norms[free] > 0, self.norms[free], 1.0)
        A = (self.J[:, np.flatnonzero(free)] / size).tocsc()
        damping = lam * (D[free] / size) ** 2
        rhs = -(self.r + self.J @ held)
        lu, damping = _factor(A, damping)
        out = held.copy()
        out[free] = _refined(lu, A, damping, rhs) / size

        def inverse(v: Vector) -> float:
            w = v[free] / size
            return float(w @ lu.solve(np.concatenate([np.zeros(A.shape[0]), -w]))[A.shape[0]:])

        return Solved(out, inverse)

    def descent(self, free: np.ndarray, slack: float) -> float:
        """‖Jp‖ of the Gauss–Newton step over the free columns, less the rounding of r."""
        if not free.any():
            return 0.0
        p = self.solve(0.0, self.norms, free, np.zeros_like(self.norms)).p
        return max(norm(self.J @ p) - slack * self.noise, 0.0)


def _factor(A, damping: Vector):
    """LU of [[I, A], [Aᵀ, −Λ]], and the Λ it took: with right-hand side (b, −w), y = (AᵀA + Λ)⁻¹(Aᵀb + w).

    Less sensitive than the normal equations, the columns being of length one. Björck 1996 §2.5.
    """
    for extra in (0.0, REGULAR):
        corner = scipy.sparse.diags_array(-(damping + extra))
        K = scipy.sparse.block_array([[scipy.sparse.eye_array(A.shape[0]), A], [A.T, corner]], format="csc")
        try:
            lu = splu(K)
        except RuntimeError:  # exactly singular
            continue
        return lu, damping + extra
    raise np.linalg.LinAlgError("the augmented system is singular")


def _refined(lu, A, damping: Vector, rhs: Vector) -> Vector:
    """y with (AᵀA + Λ)y = Aᵀrhs, once corrected: s + Ay = rhs, Aᵀs − Λy = 0."""
    m = A.shape[0]
    s, y = np.zeros(m), np.zeros(A.shape[1])
    for _ in range(2):
        z = lu.solve(np.concatenate([rhs - s - A @ y, damping * y - A.T @ s]))
        s, y = s + z[:m], y + z[m:]
    return y
