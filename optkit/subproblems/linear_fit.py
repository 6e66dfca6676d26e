"""The linear least-squares problem inside a step: ½‖Jp + r‖², dense, by QR with column pivoting."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.linalg.lapack import dgeqp3, dormqr, dtrtrs

from optkit.point import Vector, column_norms, norm

EPS = float(np.finfo(float).eps)
NOISE = 1.0  # units of rounding that r and its products are taken to carry; NIST's fits end between 0.1 and 2


class Solved(NamedTuple):
    """p that minimises a damped problem, and v -> vᵀ(JᵀJ + λD²)⁻¹v on the free unknowns, for Newton's method in λ."""

    p: Vector
    inverse: Callable[[Vector], float]


class Dense:
    """½‖Jp + r‖² at x. J : (m, n), r : (m,). QR once, 2mn² multiplications; all that follows costs n³, whatever m is.

    A, c : Q₁ᵀ of J and of r, in the order of the unknowns: ‖Jp + r‖² = ‖Ap + c‖² + ‖r‖² − ‖c‖². norms : ‖j_k‖₂ of the
    columns. noise : what rounding of x alone does to r, in the 2-norm, times NOISE.
    """

    def __init__(self, J: np.ndarray, r: Vector, x: Vector):
        self.norms = column_norms(J)
        self.rnorm = norm(r)
        self.noise = NOISE * EPS * (norm(np.abs(J) @ np.abs(x)) + self.rnorm)
        if J.shape[0] > J.shape[1]:
            R, order, c = factor(J / _nonzero(self.norms), r)
            self.A = np.empty_like(R)
            self.A[:, order] = R * _nonzero(self.norms)[order]
            self.c = c[: R.shape[0]]
        else:
            self.A, self.c = J, r

    def image(self, p: Vector) -> Vector:
        """Jp, up to a rotation."""
        return self.A @ p

    def gradient(self, p: Vector) -> Vector:
        """Jᵀ(Jp + r)."""
        return self.A.T @ (self.A @ p + self.c)

    def solve(self, lam: float, D: Vector, free: np.ndarray, p: Vector) -> Solved:
        """Minimise ‖Jp + r‖² + λ‖Dp‖² over the free entries of p, the others kept.

        λ = 0 with dependent columns gives a basic solution: those that add nothing beyond rounding stay at 0.
        """
        if lam == 0 and free.all():
            return self._solved(self.A, -self.c, free, p)
        held = np.where(free, 0.0, p)
        rows, rhs = self.A[:, free], -(self.c + self.A @ held)
        if lam > 0:
            damping = np.sqrt(lam) * D
            rows = np.vstack([rows, np.diag(damping[free])])
            rhs = np.concatenate([rhs, np.zeros(rows.shape[1])])
        return self._solved(rows, rhs, free, held)

    @staticmethod
    def _solved(M: np.ndarray, rhs: Vector, free: np.ndarray, held: Vector) -> Solved:
        size = _nonzero(column_norms(M))
        R, order, y = factor(M / size, rhs)
        k = rank(R)
        if k == 0:
            return Solved(held, lambda v: 0.0)
        out = np.zeros(M.shape[1])
        out[order[:k]] = dtrtrs(R[:k, :k], y[:k])[0]
        p = held.copy()
        p[free] = out / size

        def inverse(v: Vector) -> float:
            half = dtrtrs(R[:k, :k], (v[free] / size)[order[:k]], trans=1)[0]
            return float(half @ half)

        return Solved(p, inverse)

    def descent(self, free: np.ndarray, slack: float) -> float:
        """‖Q₁ᵀr‖ over the free columns, √(twice the decrease that the Gauss–Newton step predicts), less its rounding.

        Component k of Q₁ᵀr is known to noise + NOISE·eps·‖r‖·|R₁₁/R_kk|: r is, and the direction that column k adds.
        """
        R, _, c = factor(self.A[:, free] / _nonzero(self.norms[free]), self.c)
        diagonal = np.abs(np.diag(R))
        if not diagonal.size:
            return 0.0
        with np.errstate(divide="ignore", invalid="ignore"):
            noise = self.noise + NOISE * EPS * self.rnorm * np.where(diagonal > 0, diagonal[0] / diagonal, np.inf)
        return norm(np.maximum(np.abs(c[: diagonal.size]) - slack * noise, 0.0))


def factor(M: np.ndarray, rhs: Vector) -> tuple[np.ndarray, np.ndarray, Vector]:
    """(R, order, Qᵀrhs) with M[:, order] = Q R. R : (min(m, n), n) upper trapezoidal. Golub & Van Loan alg. 5.4.1."""
    if not M.size:
        return np.empty((0, M.shape[1])), np.arange(M.shape[1]), np.asarray(rhs, dtype=float)
    QR, order, tau, _, _ = dgeqp3(M)
    y = np.array(rhs, dtype=float, ndmin=2).T
    y, _, _ = dormqr("L", "T", QR[:, : tau.size], tau, y, max(1, 32 * M.shape[1]))
    return np.triu(QR[: tau.size]), order - 1, y[:, 0]


def rank(R: np.ndarray) -> int:
    """Leading rows of R above rounding, for columns of length one."""
    diagonal = np.abs(np.diag(R))
    return int(np.count_nonzero(diagonal > max(R.shape) * EPS * diagonal[0])) if diagonal.size else 0


def _nonzero(norms: Vector) -> Vector:
    return np.where(norms > 0, norms, 1.0)
