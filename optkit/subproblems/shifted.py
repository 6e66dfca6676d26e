"""H + λI factored, dense or tridiagonal: all that the secular equation asks of a matrix."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotrs, dpttrf, dpttrs, dtrtrs

from optkit.point import Vector, norm

Solve = Callable[[Vector], Vector]


class Factored(NamedTuple):
    """b -> (H + λI)⁻¹b, or None where H + λI is not positive definite: then −λ₁(H) >= bound."""

    solve: Solve | None
    bound: float


class Shifted(Protocol):
    """A finite symmetric matrix with bounds lowest <= λ₁ <= diagonal and λₙ <= highest on its eigenvalues."""

    lowest: float
    highest: float
    diagonal: float
    n: int

    def factor(self, shift: float) -> Factored: ...


class Dense:
    """A dense H, (n, n). Cost of a factorisation: n³/6 multiplications."""

    def __init__(self, H: np.ndarray):
        self.H, self.n = H, len(H)
        d = H.diagonal()
        radii = np.abs(H).sum(axis=1) - np.abs(d)
        size = norm(H.ravel())
        self.lowest, self.highest = max(-size, float((d - radii).min())), min(size, float((d + radii).max()))
        self.diagonal = float(d.min())

    def factor(self, shift: float) -> Factored:
        """Cholesky. A minor that fails at column k gives v of length 1 + ‖R⁻¹u‖² with v·(H + λI)v = −δ < 0.

        Conn, Gould & Toint 2000 §7.3.5.
        """
        A = self.H.copy(order="F")
        A.ravel(order="K")[:: self.n + 1] += shift
        R, info = dpotrf(A, clean=0, overwrite_a=1)
        if info == 0:
            return Factored(lambda b: dpotrs(R, b)[0], shift)
        k = info - 1
        pivot = float(self.H[k, k]) + shift
        if k == 0:
            return Factored(None, shift - pivot)
        u = dtrtrs(R[:k, :k], self.H[:k, k], trans=1)[0]
        v = dtrtrs(R[:k, :k], u)[0]
        return Factored(None, shift + max(float(u.dot(u)) - pivot, 0.0) / (1 + float(v.dot(v))))


class Tridiagonal:
    """A tridiagonal T, d on its diagonal and e beside it. Cost of a factorisation: 2n multiplications."""

    def __init__(self, d: Vector, e: Vector):
        self.d, self.e, self.n = d, e, len(d)
        radii = np.zeros(self.n)
        radii[1:] = np.abs(e)
        radii[:-1] += np.abs(e)
        self.lowest, self.highest, self.diagonal = float((d - radii).min()), float((d + radii).max()), float(d.min())

    def factor(self, shift: float) -> Factored:
        """LDLᵀ; where a pivot is not positive, the bound as for a dense matrix."""
        if self.n == 1:
            pivot = float(self.d[0]) + shift
            return Factored(lambda b: b / pivot, shift) if pivot > 0 else Factored(None, -float(self.d[0]))
        D, L, info = dpttrf(self.d + shift, self.e)
        if info == 0:
            return Factored(lambda b: dpttrs(D, L, b)[0], shift)
        v = np.cumprod(L[: info - 1][::-1])
        return Factored(None, shift + max(-float(D[info - 1]), 0.0) / (1 + float(v.dot(v))))
