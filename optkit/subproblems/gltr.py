"""The trust-region subproblem over growing Krylov spaces, solved exactly in each."""

import math
from collections.abc import Callable

import numpy as np

from optkit.point import Vector, magnitude, norm
from optkit.subproblems.region import Region, steepest
from optkit.subproblems.secular import Secular, Solution
from optkit.subproblems.shifted import Tridiagonal

EXACT = 1e-8  # relative error of the tridiagonal problems: far below what the Krylov space leaves
BREAKDOWN = 1e-12  # a Lanczos residual below this times ‖Hq‖ is rounding


class GLTR:
    """delta -> the minimiser of g·p + ½ p·Hp within ‖p‖₂ <= delta, as far as products with H tell: p = Q h.

    Lanczos builds an orthonormal Q with QᵀHQ = T tridiagonal, from g; h solves the problem of T, inside the region like
    CG and then along its boundary, until ‖(H + λI)p + g‖₂ = βₖ|hₖ| < tol, or `maxiter` (at most n) products. With
    tol = 0, and where g = 0, it goes on from a random vector where an invariant space ends it, so that the hard case is
    solved too. Q is kept: a shorter radius needs no product unless the residual there is too large.
    hv : v -> H v. Cost of step k: a product, 2nk multiplications, O(k) for T; memory: k vectors.
    Gould, Lucidi, Roma & Toint 1999.
    """

    def __init__(self, hv: Callable[[Vector], Vector], g: Vector, tol: float, maxiter: int):
        self.hv, self.g, self.tol, self.maxiter = hv, g, tol, min(maxiter, g.size)
        self.gnorm = norm(g)
        self.lam, self.low = 0.0, 0.0  # the last multiplier, and a bound on −λ₁
        self.reported = 0  # products
        self.alphas: list[float] = []  # the diagonal of T
        self.betas: list[float] = []  # beside it, the last one outside T
        self.Q = np.empty((min(8, self.maxiter), g.size))  # its rows, with room to grow
        self._append(g if self.gnorm else self._random(0), 0)

    def curvature(self) -> float:
        known = self.gnorm > 0 and (len(self.alphas) > 0 or self._extend())
        return self.alphas[0] if known else math.nan

    def __call__(self, delta: float) -> Region:
        if not self.gnorm / self._size() / delta < np.inf:
            return steepest(self.g, delta, 0)
        solution = self._within(delta) if self.alphas else None
        while solution is None or self._residual(solution) >= self.tol and len(self.alphas) < self.maxiter:
            if not self._extend():
                break
            solution = self._within(delta)
        products, self.reported = len(self.alphas) - self.reported, len(self.alphas)
        if solution is None:
            return steepest(self.g, delta, 1)
        h = solution.p
        decrease = -(self.gnorm * h[0] + 0.5 * self._curvature(h))
        return Region(h.dot(self.Q[: len(h)]), float(decrease), norm(h), solution.on_boundary, products)

    def _within(self, delta: float) -> Solution:
        """The solution in the space so far. The problem is divided by the size of T, so that its squares are finite."""
        size = self._size()
        T = Tridiagonal(np.array(self.alphas) / size, np.array(self.betas[:-1]) / size)
        secular = Secular(T, self.gnorm / size * np.eye(1, T.n)[0], EXACT, self.lam / size, self.low / size)
        solution = secular(delta)
        self.lam, self.low = solution.lam * size, secular.low * size
        return solution

    def _size(self) -> float:
        return magnitude(np.array([*self.alphas, *self.betas[:-1]]))

    def _residual(self, solution: Solution) -> float:
        return self.betas[-1] * abs(solution.p[-1])

    def _curvature(self, h: Vector) -> float:
        return float((h * h).dot(self.alphas) + 2 * (h[1:] * h[:-1]).dot(self.betas[: len(h) - 1]))

    def _extend(self) -> bool:
        """One Lanczos step, orthogonalised against all of Q once more; False where the product is not finite."""
        k = len(self.alphas)
        w = np.array(self.hv(self.Q[k]))
        size = norm(w)
        if not size < np.inf:
            return False
        self.alphas.append(float(self.Q[k].dot(w)))
        w -= self.alphas[k] * self.Q[k]
        if k:
            w -= self.betas[k - 1] * self.Q[k - 1]
        self._project_out(w, k + 1)
        beta = norm(w)
        self.betas.append(beta if beta > BREAKDOWN * size else 0.0)
        if k + 1 < self.maxiter:
            self._append(w if self.betas[k] else self._random(k + 1), k + 1)
        return True

    def _append(self, w: Vector, k: int) -> None:
        if k == len(self.Q):
            self.Q = np.concatenate([self.Q, np.empty((min(k, self.maxiter - k), self.g.size))])
        self.Q[k] = w / norm(w)

    def _random(self, k: int) -> Vector:
        """Orthogonal to the first k rows of Q."""
        w = np.random.default_rng(k).standard_normal(self.g.size)
        for _ in range(2):
            self._project_out(w, k)
        return w

    def _project_out(self, w: Vector, k: int) -> None:
        w -= self.Q[:k].dot(w).dot(self.Q[:k])
