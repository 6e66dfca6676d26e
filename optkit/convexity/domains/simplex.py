"""The probability simplex."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import helmert

from autodiff.intervals import Interval, total
from optkit.prox import Simplex as Projection

from .region import NEAR, Flags, Matrix, Region, Vector, size
from .spreading import shuffled

SLACK = 1e-11   # by which Σ x may miss 1: rounding of the coordinates


class Simplex(Region):
    """x >= 0 with Σ x = 1, in R^n; f receives the vector. Samples are uniform (Dirichlet with all parameters 1).

    Its affine hull has dimension n − 1: chords, criteria and constants are those within it.
    interior : leave out the faces, x > 0, where f is not defined there; searched on x >= 1e-9/n.
    """

    def __init__(self, n: int, interior: bool = False):
        n = size("Simplex", n, 2)
        self.interior = bool(interior)
        self.unravel = _same
        least, ends = (NEAR / n if interior else 0.0), (np.zeros(n), np.ones(n))
        self._place(np.full(n, 1 / n), np.full(n, least), np.ones(n), ends, (np.full(n, self.interior),) * 2)
        self.equations = np.ones((1, n)), np.ones(1)
        self.subspace = self.center, helmert(n).T
        self.spec = {"n": n, "interior": self.interior}
        self.label = f"the simplex x {'>' if interior else '>='} 0, sum x = 1 in R^{n}"

    def sample(self, k: int, rng: np.random.Generator) -> Matrix:
        return self._drawn_in(rng.dirichlet(np.ones(self.n), k))

    def _drawn_in(self, X: Matrix) -> Matrix:
        """Away from the faces where those do not belong to the set."""
        return (1 - 2 * NEAR) * X + 2 * NEAR / self.n if self.interior else X

    def spread(self, k: int, rng: np.random.Generator) -> Matrix:
        part = k // 6
        near = np.array([self._face(rng) for _ in range(part)]).reshape(-1, self.n)
        tips = np.eye(self.n)[rng.permutation(self.n)[:part]]
        sparse = rng.dirichlet(np.full(self.n, 0.1), part)           # most weight on few coordinates
        inner = self.sample(max(0, k - len(near) - len(tips) - part - 1), rng)
        return shuffled([self.center], np.vstack([self._drawn_in(np.vstack([near, tips, sparse])), inner]), rng)

    def _face(self, rng: np.random.Generator) -> Vector:
        x = np.zeros(self.n)
        on = rng.choice(self.n, size=rng.integers(min(2, self.n), self.n + 1), replace=False)
        x[on] = rng.dirichlet(np.ones(on.size))
        return x

    def chord(self, x: Vector, d: Vector) -> tuple[float, float]:
        if not d.any() or not self.along(d):
            return 0.0, 0.0
        moving = d != 0
        t = -np.maximum(x - self.lower, 0.0)[moving] / d[moving]
        rising = d[moving] > 0
        return (min(0.0, float(np.max(t[rising], initial=-np.inf))),
                max(0.0, float(np.min(t[~rising], initial=np.inf))))

    def contains(self, x: Vector) -> bool:
        return bool(np.all(x > 0 if self.interior else x >= 0) and abs(np.sum(x) - 1) <= SLACK)

    @np.errstate(all="ignore")
    def misses(self, lower: Matrix, upper: Matrix) -> Flags:
        sums = total(Interval(lower, upper), (0,), False)
        return super().misses(lower, upper) | (sums.lo > 1) | (sums.hi < 1)

    def project(self, x: Vector) -> Vector:
        """The nearest point, by sorting (Held, Wolfe & Crowder 1974)."""
        return x if self.contains(x) else self._drawn_in(Projection(1.0).prox(x, 1.0))

    def extent(self, D: Matrix) -> tuple[Vector, Vector]:
        """Attained at vertices."""
        return D.min(axis=0), D.max(axis=0)

    def on_boundary(self, x: Vector) -> bool:
        return bool(np.any(x <= 2 * NEAR / self.n))


def _same(vector: Any) -> Any:
    return vector
