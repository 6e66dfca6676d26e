"""Operator convex: f((A + B)/2) ⪯ (f(A) + f(B))/2 for symmetric matrices with spectra in the domain, f of one number.

Much stronger than convexity: t^1.5 is operator convex on t > 0, t³ and eᵗ are not. Bhatia 1997, Matrix Analysis, ch. V.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autodiff.intervals import Interval, add, divide, multiply, point, sqrt, square, subtract

from ..oracle import Matrix, Oracle, Vector
from ..search import Row, Search
from ..witness import EPS
from .boxes import replay
from .counterexample import INTERVALS, described, on_grid

ORDERS = (2, 2, 3, 4)    # of the random matrices, by turns
PUSHED = 4
BITS = 20                # of the matrices of a witness and of its vector
ROUNDING = 256           # units in the last place of the largest value: a gap within them is none
TELLING = 1e-8           # relative gap of larger matrices, which are not replayed, from which on it is reported
INSIDE = 1e-4            # of the domain is left free at its ends, so that rounded matrices have their spectra in it
QUANTITY = "largest eigenvalue of the matrix gap, relative"
CLAIM = "v'[f((A+B)/2) - (f(A)+f(B))/2]v"


@dataclass(frozen=True, eq=False)
class MatrixCounterexample:
    """vᵀ[f((A + B)/2) − (f(A) + f(B))/2]v = gap > bound: f is not operator convex. A, B symmetric, (k, k); v : (k,)."""

    f: Callable[[float], Any] = field(repr=False)
    A: Matrix
    B: Matrix
    v: Vector
    gap: float
    bound: float
    how: str
    verified: bool

    def recheck(self) -> float:
        """The gap recomputed from plain calls of f at eigenvalues; positive confirms it."""
        A, B, M = (matrix_function(lambda t: float(self.f(t)), X) for X in (self.A, self.B, (self.A + self.B) / 2))
        return float(self.v @ (M - (A + B) / 2) @ self.v)

    def __str__(self) -> str:
        return "\n".join(line.removeprefix("  ") for line in self.lines()).replace("report.witness.", "witness.")

    def lines(self) -> list[str]:
        """For the printed report."""
        return described(CLAIM, self.gap, self.bound, self.how, self.verified, {"A": self.A, "B": self.B, "v": self.v})

    def to_json(self) -> dict[str, Any]:
        return {"claim": CLAIM, "A": self.A.tolist(), "B": self.B.tolist(), "v": self.v.tolist(), "gap": self.gap,
                "bound": self.bound, "how": self.how, "verified": self.verified}


def matrix_function(f: Callable[[float], float], M: Matrix) -> Matrix:
    """f(M) = Q f(Λ) Qᵀ for symmetric M = Q Λ Qᵀ."""
    values, Q = np.linalg.eigh(M)
    return (Q * np.array([f(t) for t in values])) @ Q.T


def operator_convex(search: Search) -> Row:
    """Random symmetric A, B of orders 2 to 4, then of order 2 pushed to the largest eigenvalue of the gap."""
    if search.oracle.n != 1:
        raise ValueError(f"operator_convex: f must be a function of one number, got {search.oracle.n}; "
                         "matrices are made from it by the criterion")
    share = search.start(0.35)
    trials, pushed, violations, worst, larger = 0, 0, 0, -np.inf, -np.inf
    found: MatrixCounterexample | None = None
    starts: list[tuple[float, Vector]] = []
    for k in range(int(np.clip(share // 24, 10, 400))):
        if not search.afford():
            break
        order = ORDERS[k % len(ORDERS)]
        z = search.rng.uniform(-1, 1, 5)
        gap = _gap(search, *_pair(search, z)) if order == 2 else _gap(search, *_larger(search, order))
        trials, worst = trials + 1, max(worst, gap)
        larger = max(larger, gap if order > 2 else -np.inf)
        violations += gap > ROUNDING * EPS
        if order == 2:
            starts.append((gap, z))
    for _, z in sorted(starts, key=lambda s: -s[0])[:PUSHED]:
        found = _witness(search, z) or found
        if found is not None and found.verified or not search.afford():
            break
        z = search.wander(lambda z: -_gap(search, *_pair(search, z)), z)
        pushed, worst = pushed + 1, max(worst, _gap(search, *_pair(search, z)))
        found = _witness(search, z) or found
    search.segments, search.segment_violations = trials, violations
    outcome = "violated" if found is not None and found.verified else \
        "suspected" if found is not None or larger > TELLING else "holds"
    return Row("operator convex", outcome, QUANTITY, worst, trials, pushed, witness=found)


def _spectrum(search: Search, u: Vector) -> Vector:
    """Numbers in [−1, 1] as eigenvalues inside the domain."""
    low, high = search.region.lower[0], search.region.upper[0]
    margin = INSIDE * (high - low)
    return low + margin + (high - low - 2 * margin) * (u + 1) / 2


def _pair(search: Search, z: Vector) -> tuple[Matrix, Matrix]:
    """A diagonal, B turned against it by the angle πz₅; z in [−1, 1]⁵."""
    c, s = np.cos(np.pi * z[4]), np.sin(np.pi * z[4])
    Q = np.array([[c, -s], [s, c]])
    return np.diag(_spectrum(search, z[:2])), (Q * _spectrum(search, z[2:4])) @ Q.T


def _larger(search: Search, k: int) -> tuple[Matrix, Matrix]:
    Q = np.linalg.qr(search.rng.standard_normal((k, k)))[0]
    a, b = (_spectrum(search, search.rng.uniform(-1, 1, k)) for _ in range(2))
    return np.diag(a), (Q * b) @ Q.T


def _parts(search: Search, A: Matrix, B: Matrix) -> tuple[Matrix, float]:
    """(the gap matrix, the largest |f| in it)."""
    seen = [0.0]

    def f(t: float) -> float:
        value = search.oracle.value(np.clip(np.array([t]), search.region.lower, search.region.upper))
        seen.append(abs(value))
        return value

    M = matrix_function(f, (A + B) / 2) - (matrix_function(f, A) + matrix_function(f, B)) / 2
    return (M + M.T) / 2, max(seen)


def _gap(search: Search, A: Matrix, B: Matrix) -> float:
    """λ_max of the gap matrix relative to the largest |f| in it; −∞ where f is not finite."""
    M, size = _parts(search, A, B)
    return float(np.linalg.eigvalsh(M)[-1]) / (size or 1.0) if np.isfinite(M).all() else -np.inf


def _witness(search: Search, z: Vector) -> MatrixCounterexample | None:
    """The witness at matrices near these with few bits; None if rounding, or the interval replay, denies it."""
    A, B = (on_grid(X, BITS) for X in _pair(search, z))
    B = np.tril(B) + np.tril(B, -1).T
    M, size = _parts(search, A, B)
    if not np.isfinite(M).all() or float(np.linalg.eigvalsh(M)[-1]) <= ROUNDING * EPS * size:
        return None
    v = on_grid(np.linalg.eigh(M)[1][:, -1], BITS)
    gap, ends = float(v @ M @ v), enclosed_gap(search.oracle, A, B, v)
    if ends is None:
        return _made(search, A, B, v, gap, ROUNDING * EPS * size, "a guess of its rounding", False)
    if not ends.lo > 0:
        return None
    return _made(search, A, B, v, gap, max(gap - float(ends.lo), 0.0), INTERVALS, True)


def _made(search: Search, A: Matrix, B: Matrix, v: Vector, gap: float, bound: float, how: str, verified: bool
          ) -> MatrixCounterexample:
    oracle = search.oracle

    def f(t: float) -> Any:
        return oracle.f(oracle.unravel(np.array([float(t)])))

    return MatrixCounterexample(f, A, B, v, gap, bound, how, verified)


def enclosed_gap(oracle: Oracle, A: Matrix, B: Matrix, v: Vector) -> Interval | None:
    """vᵀ[f((A + B)/2) − (f(A) + f(B))/2]v for 2×2 matrices, rigorous; None where f cannot be enclosed."""
    parts = [enclosed_form(oracle, X, v) for X in ((A + B) / 2, A, B)]
    if any(p is None for p in parts):
        return None
    middle, a, b = parts
    return subtract(middle, multiply(point(0.5), add(a, b)))  # type: ignore[arg-type]


def enclosed_form(oracle: Oracle, M: Matrix, v: Vector) -> Interval | None:
    """vᵀf(M)v by f(M) = f(λ₁)I + f[λ₁, λ₂](M − λ₁I), with λ from the quadratic formula. M : (2, 2)."""
    (p, q), (_, r) = (tuple(point(entry) for entry in row) for row in M)
    half = point(0.5)
    mean, spread = multiply(half, add(p, r)), multiply(half, subtract(p, r))
    root = sqrt(add(square(spread), square(q)))
    low, high = subtract(mean, root), add(mean, root)
    inside = low.lo >= oracle.region.lower[0] and high.hi <= oracle.region.upper[0]
    if not (inside and float(subtract(high, low).lo) > 0):
        return None
    ends = [replay(oracle.flat, np.array([float((e.lo + e.hi) / 2)]),
                   Interval(np.array([e.lo]), np.array([e.hi])), False) for e in (low, high)]
    if any(e is None for e in ends):
        return None
    f_low, f_high = (Interval(*(np.reshape(end, ()) for end in e[0])) for e in ends)  # type: ignore[index]
    steep = divide(subtract(f_high, f_low), subtract(high, low))
    x, y = point(v[0]), point(v[1])
    vv = add(square(x), square(y))
    form = add(add(multiply(p, square(x)), multiply(r, square(y))), multiply(multiply(point(2.0), q), multiply(x, y)))
    found = add(multiply(f_low, vv), multiply(steep, subtract(form, multiply(low, vv))))
    return found if oracle.sign > 0 else Interval(-found.hi, -found.lo)
