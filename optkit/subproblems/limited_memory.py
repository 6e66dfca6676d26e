"""Limited-memory BFGS matrices: the last m steps and gradient changes stand for the Hessian and its inverse."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.linalg.blas import dgemv, dtrsv

from optkit.point import Vector

CURVATURE = 2.2e-16  # a pair needs s·y > this times y·y; Byrd, Lu, Nocedal & Zhu 1995 §3


@cache
def _ring_orders(m: int) -> tuple[list, list]:
    """For each row `head` that may hold the oldest of m pairs: the rows by age, and the age of each row."""
    rows = np.arange(m)
    return [(rows + head) % m for head in range(m)], [(rows - head) % m for head in range(m)]


@dataclass(slots=True)
class Memory:
    """The last m pairs (s, y), and R with R_ij = s_i·y_j for i <= j in order of age, all allocated once.

    S, Y : (m, n) rings, row `head` is the oldest once they are full. R : (m, m). D : (m,), s_i·y_i by age. gamma : the
    newest s·y/y·y, so that H starts from γI.
    """

    S: Vector
    Y: Vector
    R: Vector
    D: Vector
    count: int
    head: int
    gamma: float

    @classmethod
    def empty(cls, m: int, n: int) -> "Memory":
        """Room for m pairs of n numbers."""
        return cls(np.empty((m, n)), np.empty((m, n)), np.zeros((m, m), order="F"), np.zeros(m), 0, 0, 1.0)

    @property
    def newest(self) -> int:
        """The row of the newest pair."""
        return (self.head + self.count - 1) % len(self.D)

    def clear(self) -> None:
        self.count = self.head = 0

    def direction(self, g: Vector) -> Vector:
        """−H g by the two-loop recursion (Nocedal & Wright alg. 7.4), each loop as the triangular solve it is.

        First loop: R a = S g, q = g − Yᵀa. Second loop: Rᵀ d = D a − γ Y q, H g = γ q + Sᵀd, with D = diag(sᵢ·yᵢ).
        Cost: 4 m n multiplications.
        """
        k, m = self.count, len(self.D)
        if k == 0:
            return -g
        if k == m:
            S, Y, R, D = self.S, self.Y, self.R, self.D
            age, row = (orders[self.head] for orders in _ring_orders(m))
        else:
            S, Y, R, D, age, row = self.S[:k], self.Y[:k], self.R[:k, :k], self.D[:k], slice(k), slice(k)
        a = dtrsv(R, S.dot(g)[age])
        q = dgemv(-1.0, Y.T, a[row], 1.0, g)
        d = dtrsv(R, D * a - self.gamma * Y.dot(q)[age], trans=1)
        return dgemv(-1.0, S.T, d[row], -self.gamma, q, overwrite_y=True)

    def add(self, s: Vector, y: Vector) -> bool:
        """Take in a pair, in place of the oldest if full; says whether. One without positive curvature is left out."""
        sy, yy = float(s.dot(y)), float(y.dot(y))
        if not sy > CURVATURE * yy:
            return False
        k, m, R, D = self.count, len(self.D), self.R, self.D
        if k == m:
            R[:-1, :-1] = R[1:, 1:]
            D[:-1] = D[1:]
            row, self.head, k = self.head, (self.head + 1) % m, k - 1
        else:
            row, self.count = k, k + 1
        self.S[row], self.Y[row] = s, y
        column = self.S[: k + 1].dot(y)
        R[: k + 1, k] = column[_ring_orders(m)[0][self.head]] if self.count == m else column
        D[k] = R[k, k] = sy
        self.gamma = sy / yy
        return True
