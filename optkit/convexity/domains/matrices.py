"""Symmetric and positive definite matrices: f receives an (n, n) array, the search goes over independent entries."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import eigh

from autodiff.curvature.facts import stated
from autodiff.intervals import Interval, multiply, point, square, total

from .box import Rectangle
from .region import WIDE, Flags, Matrix, Region, Vector, finite, positive, size
from .spreading import shuffled

FLOOR = 1e-6        # of reach: the smallest eigenvalue that is searched
INWARD = 1e-9       # of a chord: what is kept clear of its ends
ROOT = float(np.sqrt(2.0))


class Symmetric:
    """Flat coordinates of symmetric (n, n) matrices: the upper triangle row by row, times √2 off the diagonal.

    So ‖x‖₂ = ‖X‖_F: gradients, eigenvalues of Hessians, μ and L are those in the Frobenius inner product.
    """

    def __init__(self, n: int):
        self.n = n
        self.rows, self.columns = np.triu_indices(n)
        self.diagonal = self.rows == self.columns
        self.weights = np.where(self.diagonal, 1.0, ROOT)
        each = np.arange(self.rows.size)
        self.basis = np.zeros((n * n, each.size))
        self.basis[self.rows * n + self.columns, each] = 1 / self.weights
        self.basis[self.columns * n + self.rows, each] = 1 / self.weights

    def matrix(self, x: Any) -> Any:
        """X of coordinates x, by one constant product, so that it can be traced."""
        return (self.basis @ x).reshape(self.n, self.n)

    def coordinates(self, X: Any) -> Vector:
        X = np.asarray(X, dtype=np.float64)
        return (X[self.rows, self.columns] + X[self.columns, self.rows]) / 2 * self.weights


class _OfMatrices(Region):
    """Base of the sets of symmetric matrices."""

    frame: Symmetric

    def unravel(self, x: Any) -> Any:
        return stated(self.frame.matrix(x), self.facts)

    def flatten(self, argument: Any) -> Vector:
        return self.frame.coordinates(argument)


class SymmetricMatrices(_OfMatrices, Rectangle):
    """All symmetric (n, n) matrices, searched on |X_ij| <= reach. Inner product: Frobenius."""

    def __init__(self, n: int, reach: float = WIDE):
        n, reach = size("SymmetricMatrices", n, 1), positive("SymmetricMatrices", "reach", reach)
        self.frame = Symmetric(n)
        upper = reach * self.frame.weights
        everywhere = np.full(upper.size, np.inf)
        self._place(np.zeros(upper.size), -upper, upper, (-everywhere, everywhere), None)
        self.facts = frozenset({"symmetric"})
        self.spec = {"n": n, "reach": reach}
        self.label = f"the symmetric {n} x {n} matrices, searched on |X_ij| <= {reach:g}"


class PositiveDefinite(_OfMatrices):
    """The positive definite (n, n) matrices, searched on 1e-6 reach I ⪯ X ⪯ reach I. Inner product: Frobenius.

    center : a positive definite matrix that the search begins with; the identity (or reach/2 I where that is less).
    Samples have eigenvalues uniform, or by turns log-uniform, in that range, and uniformly random eigenvectors.
    """

    def __init__(self, n: int, reach: float = WIDE, center: Any = None):
        n, reach = size("PositiveDefinite", n, 1), positive("PositiveDefinite", "reach", reach)
        self.frame, self.floor, self.reach = Symmetric(n), FLOOR * reach, reach
        middle = min(1.0, reach / 2) * np.eye(n) if center is None else finite("PositiveDefinite", "center", center)
        _check_center(middle, n, self.floor, reach)
        m, diagonal = self.frame.rows.size, self.frame.diagonal
        lower = np.where(diagonal, self.floor / 2, -reach / ROOT)
        outer = np.where(diagonal, 0.0, -np.inf), np.full(m, np.inf)
        self._place(self.flatten(middle), lower, np.where(diagonal, reach, reach / ROOT), outer,
                    (np.ones(m, bool), np.ones(m, bool)))
        self.facts = frozenset({"symmetric", "positive definite"})
        self.spec = {"n": n, "reach": reach, "center": middle}
        self.label = (f"the positive definite {n} x {n} matrices, searched on eigenvalues from {self.floor:g} "
                      f"to {reach:g}")

    def sample(self, k: int, rng: np.random.Generator) -> Matrix:
        lam = rng.uniform(self.floor, self.reach, (k, self.frame.n))
        lam[::2] = np.exp(rng.uniform(np.log(self.floor), np.log(self.reach), lam[::2].shape))
        return self._turned(lam, rng)

    def spread(self, k: int, rng: np.random.Generator) -> Matrix:
        n, part = self.frame.n, k // 4
        ends = np.where(rng.random((part, n)) < 0.5, 2 * self.floor, (1 - INWARD) * self.reach)
        marks = [self.center, *[self.flatten(c * np.eye(n)) for c in (self.reach / 2, 2 * self.floor)]]
        rest = [self._turned(ends, rng), self.sample(max(0, k - part - 3), rng)]
        return shuffled(marks, np.vstack(rest), rng)

    def _turned(self, lam: Matrix, rng: np.random.Generator) -> Matrix:
        """The matrices of these eigenvalues (k, n) with uniformly random eigenvectors, as coordinates."""
        rows = []
        for values in lam:
            Q, R = np.linalg.qr(rng.standard_normal((values.size, values.size)))
            Q = Q * np.sign(np.diag(R))
            rows.append(self.flatten((Q * values) @ Q.T))
        return np.array(rows).reshape(len(lam), self.n)

    def chord(self, x: Vector, d: Vector) -> tuple[float, float]:
        """By the eigenvalues of D relative to X − floor I, and to reach I − X."""
        if not d.any():
            return 0.0, 0.0
        X, D, eye = self.unravel(x), self.unravel(d), np.eye(self.frame.n)
        below, above = _exits(X - 0.5 * self.floor * eye, D, self.reach), _exits(self.reach * eye - X, -D, self.reach)
        t0, t1 = (1 - INWARD) * max(below[0], above[0]), (1 - INWARD) * min(below[1], above[1])
        return (t0 if self.contains(x + t0 * d) else 0.0), (t1 if self.contains(x + t1 * d) else 0.0)

    def contains(self, x: Vector) -> bool:
        """By Cholesky's decomposition."""
        try:
            np.linalg.cholesky(self.unravel(x))
        except np.linalg.LinAlgError:
            return False
        return bool(np.isfinite(x).all())

    @np.errstate(all="ignore")
    def misses(self, lower: Matrix, upper: Matrix) -> Flags:
        """Where vᵀXv <= 0 on all of the box, v an eigenvector of its middle or e_i; or where |X_ij|² >= X_ii X_jj."""
        low, high = self._entries(lower, upper)
        off = super().misses(lower, upper)
        for i in range(self.frame.n):
            for j in range(i):
                least = square(point(np.maximum(np.maximum(low[i, j], -high[i, j]), 0.0))).lo
                most = multiply(point(np.maximum(high[i, i], 0.0)), point(np.maximum(high[j, j], 0.0))).hi
                off |= least >= most
        middle = 0.5 * low + 0.5 * high
        known = np.isfinite(middle).all(axis=(0, 1))
        if known.any():
            v = np.linalg.eigh(np.moveaxis(middle[..., known], -1, 0))[1][:, :, 0].T
            outer = multiply(point(v[:, None]), point(v[None]))
            form = total(multiply(outer, Interval(low[..., known], high[..., known])), (0, 1), False)
            off[known] |= form.hi <= 0
        return off

    def _entries(self, lower: Matrix, upper: Matrix) -> tuple[np.ndarray, np.ndarray]:
        """(n, n, B), (n, n, B): ranges of the entries of X over boxes of coordinates."""
        n, factor = self.frame.n, 1 / self.frame.weights
        entries = multiply(point(factor[:, None]), Interval(lower, upper))
        low, high = (np.empty((n, n, lower.shape[1])) for _ in range(2))
        for end, part in ((low, entries.lo), (high, entries.hi)):
            end[self.frame.rows, self.frame.columns] = part
            end[self.frame.columns, self.frame.rows] = part
        return low, high

    def project(self, x: Vector) -> Vector:
        """The nearest point with no eigenvalue below the floor; x itself when it is positive definite."""
        if self.contains(x):
            return x
        lam, Q = eigh(self.unravel(x))
        return self.flatten((Q * np.maximum(lam, self.floor)) @ Q.T)

    def on_boundary(self, x: Vector) -> bool:
        lam = np.linalg.eigvalsh(self.unravel(x))
        return bool(lam[0] <= (1 + INWARD) * self.floor or lam[-1] >= (1 - 2 * INWARD) * self.reach)


def _check_center(X: np.ndarray, n: int, floor: float, reach: float) -> None:
    name = "PositiveDefinite"
    if X.shape != (n, n) or not np.array_equal(X, X.T):
        raise ValueError(f"{name}: center must be a symmetric ({n}, {n}) matrix, got shape {X.shape}"
                         f"{'' if X.shape != (n, n) else ' that is not symmetric; give (X + X.T)/2'}")
    lam = np.linalg.eigvalsh(X)
    if not (lam[0] >= floor and lam[-1] <= reach):
        raise ValueError(f"{name}: center must have eigenvalues from {floor:g} (1e-6 reach) to reach={reach:g}, got "
                         f"{lam[0]:.4g} to {lam[-1]:.4g}; give a positive definite center, or a larger reach")


def _exits(S: np.ndarray, D: np.ndarray, reach: float) -> tuple[float, float]:
    """The range of t for which S + t D ⪰ 0, S ⪰ 0."""
    lam, Q = np.linalg.eigh(S)
    half = Q / np.sqrt(np.maximum(lam, 1e-14 * reach))
    ends = np.linalg.eigvalsh(half.T @ D @ half)
    t1 = -1 / ends[0] if ends[0] < 0 else np.inf
    t0 = -1 / ends[-1] if ends[-1] > 0 else -np.inf
    return min(0.0, float(t0)), max(0.0, float(t1))
