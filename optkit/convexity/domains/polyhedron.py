"""Polyhedra: finitely many linear inequalities and equations; affine subspaces are those with equations only."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import null_space

from autodiff.intervals import Interval, multiply, point, total

from .linear_programs import interior_point, nearest_point, outer_box, window
from .region import NEAR, WIDE, Equations, Flags, Matrix, Region, Vector, describe_box, finite, positive, walk
from .spreading import shuffled

SLACK = 1e-11    # of |A||x| + |b|: what an equation may miss by rounding of x
STRIDE = 4       # hit-and-run steps between samples, and the dimension more
INWARD = 1e-12   # of a chord: what is kept clear of its ends, so that rounding does not leave the set


class Polyhedron(Region):
    """A x <= b and, if given, Aeq x = beq; f receives the vector x.

    A : (m, n). b : (m,). Where the set is unbounded, it is searched within `reach` of its centre, and the report says
    so. Samples are of a hit-and-run walk, nearly uniform. Cost when made: 2n + 2 linear programs (HiGHS).
    Raises ValueError if the set is empty, or the inequalities hold as equations: those belong into Aeq, beq.
    """

    def __init__(self, A: Any, b: Any, Aeq: Any = None, beq: Any = None, reach: float = WIDE):
        reach = positive("Polyhedron", "reach", reach)
        self.A, self.b = _system("Polyhedron", "A", A, "b", b)
        if (Aeq is None) != (beq is None):
            raise ValueError("Polyhedron: Aeq and beq belong together, got only one of them")
        if Aeq is not None:
            Aeq, beq = self.equations = _system("Polyhedron", "Aeq", Aeq, "beq", beq)
            if Aeq.shape[1] != self.A.shape[1]:
                raise ValueError("Polyhedron: A and Aeq need as many columns, got "
                                 f"{self.A.shape[1]} and {Aeq.shape[1]}")
        center = interior_point(self.A, self.b, self.equations, reach)
        self._settle(center, reach)
        self.spec = {"A": self.A, "b": self.b, "Aeq": Aeq, "beq": beq, "reach": reach}
        rows = "inequalities" if len(self.b) != 1 else "inequality"
        also = f" and {len(self.equations[1])} equations" if self.equations else ""
        self.label = f"a polyhedron of {len(self.b)} {rows}{also} in R^{self.n}" + self._searched()

    def _settle(self, center: Vector, reach: float) -> None:
        """Boxes, affine hull and the inequalities of the search, from a point inside."""
        self.unravel = _same
        outer = outer_box(self.A, self.b, self.equations)
        lower, upper = window(self.A, self.b, self.equations, center, reach, outer)
        self._place(center, lower, upper, outer, None)
        if self.equations is not None:
            Z = null_space(self.equations[0])
            if Z.shape[1] == 0:
                raise ValueError(f"{type(self).__name__}: the equations have one solution, {center}, so there is no "
                                 "segment to examine; leave some out")
            self.subspace = center, Z
        shut = ~np.isfinite(np.stack(outer))     # sides of the window that the set itself does not have
        eye = np.eye(self.n)
        self._rows = np.vstack([self.A, -eye[shut[0]], eye[shut[1]]])
        self._ends = np.concatenate([self.b, -lower[shut[0]], upper[shut[1]]])

    def _searched(self) -> str:
        return "" if self.bounded else f", searched on {describe_box(self.lower, self.upper)}"

    def sample(self, k: int, rng: np.random.Generator) -> Matrix:
        start = walk(self, self.center, 1, 10 * STRIDE + 2 * self.n, rng)[0]
        return walk(self, start, k, STRIDE + self.n // 2, rng)

    def spread(self, k: int, rng: np.random.Generator) -> Matrix:
        inner = self.sample(max(1, k - 1 - k // 2), rng)
        rim = []
        for i in range(k // 2):                  # faces, by a ray from inside; then edges, by another within the face
            x = self._push(inner[i % len(inner)], self.direction(rng))
            rim.append(self._push(x, self.direction(rng)) if i % 2 else x)
        return shuffled([self.center], np.vstack([inner, *rim]), rng)

    def _push(self, x: Vector, d: Vector) -> Vector:
        """The end of the chord along d; from a facet, along the facet."""
        tight = self._rows[self._ends - self._rows @ x <= NEAR * (1 + np.abs(self._ends))]
        if 0 < len(tight) < self.n:
            basis = null_space(tight if self.equations is None else np.vstack([tight, self.equations[0]]))
            d = basis @ (basis.T @ d)
        t = self.chord(x, d)[1]
        return x + t * d if self.contains(x + t * d) else x

    def chord(self, x: Vector, d: Vector) -> tuple[float, float]:
        if not d.any() or not self.along(d):
            return 0.0, 0.0
        slope, room = self._rows @ d, np.maximum(self._ends - self._rows @ x, 0.0)
        still = np.abs(slope) <= 1e-15 * (np.abs(self._rows) @ np.abs(d))
        up, down = slope > 0, slope < 0
        up, down = up & ~(still & (room == 0)), down & ~(still & (room == 0))
        t1 = float(np.min(room[up] / slope[up], initial=np.inf))
        t0 = float(np.max(room[down] / slope[down], initial=-np.inf))
        if not (np.isfinite(t0) and np.isfinite(t1)):   # d leaves every window side untouched: rounding of a zero
            return 0.0, 0.0
        return (1 - INWARD) * min(0.0, t0), (1 - INWARD) * max(0.0, t1)

    def contains(self, x: Vector) -> bool:
        return bool(np.all(self.A @ x <= self.b)) and _solves(self.equations, x)

    def misses(self, lower: Matrix, upper: Matrix) -> Flags:
        """By the range of each row over the box."""
        off = super().misses(lower, upper)
        if len(self.b):
            off |= (_rows_over(self.A, lower, upper).lo > self.b[:, None]).any(axis=0)
        if self.equations is not None:
            ranges, sides = _rows_over(self.equations[0], lower, upper), self.equations[1][:, None]
            off |= ((ranges.lo > sides) | (ranges.hi < sides)).any(axis=0)
        return off

    def project(self, x: Vector) -> Vector:
        """The nearest point, up to rounding, drawn inwards by that."""
        if self.contains(x):
            return x
        y = nearest_point(self.A, self.b, self.subspace, self.center, x)
        for shrink in (0.0, 1e-14, 1e-12, 1e-10):
            z = y + shrink * (self.center - y)
            if self.contains(z):
                return z
        return super().project(y)

    def on_boundary(self, x: Vector) -> bool:
        room = self._ends - self._rows @ x
        return bool(np.any(room <= NEAR * (np.abs(self._rows) @ self.scale)))


class AffineSubspace(Polyhedron):
    """{x : A x = b}, searched within `reach` of its point of least norm; f receives the vector x.

    A : (m, n), rows possibly dependent. b : (m,). Chords, criteria and constants are those within the subspace.
    Raises ValueError if nothing, or only one point, solves the equations.
    """

    def __init__(self, A: Any, b: Any, reach: float = WIDE):
        reach = positive("AffineSubspace", "reach", reach)
        self.equations = _system("AffineSubspace", "A", A, "b", b)
        center: Vector = np.asarray(np.linalg.lstsq(*self.equations, rcond=None)[0], dtype=np.float64)
        if not _solves(self.equations, center):
            raise ValueError("AffineSubspace: A x = b has no solution: the nearest x leaves "
                             f"{np.max(np.abs(self.equations[0] @ center - self.equations[1])):.3g}; the rows of A "
                             "contradict each other")
        n = center.size
        self.A, self.b = np.zeros((0, n)), np.zeros(0)
        self._settle(center, reach)
        self.spec = {"A": self.equations[0], "b": self.equations[1], "reach": reach}
        assert self.subspace is not None
        self.label = f"an affine subspace of dimension {self.subspace[1].shape[1]} in R^{n}" + self._searched()


@np.errstate(all="ignore")
def _rows_over(A: Matrix, lower: Matrix, upper: Matrix) -> Interval:
    """(m, B): the range of A x over boxes (n, B)."""
    return total(multiply(point(A[:, :, None]), Interval(lower[None], upper[None])), (1,), False)


def _solves(equations: Equations | None, x: Vector) -> bool:
    if equations is None:
        return True
    A, b = equations
    return bool(np.all(np.abs(A @ x - b) <= SLACK * (np.abs(A) @ np.abs(x) + np.abs(b))))


def _system(name: str, left: str, A: Any, right: str, b: Any) -> Equations:
    rows, sides = np.atleast_2d(finite(name, left, A)), np.atleast_1d(finite(name, right, b))
    if rows.ndim != 2 or sides.shape != rows.shape[:1]:
        raise ValueError(f"{name}: need {left} of shape (m, n) and {right} of shape (m,), got {rows.shape} and "
                         f"{sides.shape}")
    zero = ~rows.any(axis=1)
    if zero.any():
        raise ValueError(f"{name}: row {int(np.argmax(zero))} of {left} is zero; leave it out")
    return rows, sides


def _same(vector: Any) -> Any:
    return vector
