"""Exponentially convex: every matrix [f(xᵢ + xⱼ)] is positive semidefinite. Bernstein 1929; cosh is, x² is not."""

from __future__ import annotations

import numpy as np

from ..oracle import Matrix, Vector
from ..search import Row, Search
from .counterexample import Counterexample, on_grid, refutation

CLAIM = "- sum of v_i v_j f(x_i + x_j)"
LARGEST = 5           # points of one matrix
PUSHED = 4
BITS = 20             # of the points and of v, so that sums and products are exact
QUANTITY = "smallest eigenvalue of [f(x_i + x_j)], relative"


def exponentially_convex(search: Search) -> Row:
    """Points from half of the domain, so that sums of two lie in it; then pushed to the smallest eigenvalue."""
    share = search.start(0.35)
    found: Counterexample | None = None
    worst, trials, pushed, starts = np.inf, 0, 0, []
    for _ in range(int(np.clip(share // 20, 10, 400))):
        if not search.afford():
            break
        X = search.region.sample(int(search.rng.integers(2, LARGEST + 1)), search.rng) / 2
        low = _lowest(search, X)
        trials, worst = trials + 1, min(worst, low)
        starts.append((low, trials, X))
    for _, _, X in sorted(starts, key=lambda s: s[:2])[:PUSHED]:
        found = _better(found, _negative(search, X))
        if (found is not None and found.verified) or not search.afford():
            break
        shape = X.shape
        z = search.wander(lambda z, shape=shape: _lowest(search, _place(search, z, shape)),  # type: ignore[misc]
                          np.concatenate([search.scaled(2 * x) for x in X]))
        X, pushed = _place(search, z, shape), pushed + 1
        worst = min(worst, _lowest(search, X))
        found = _better(found, _negative(search, X))
    search.segments, search.segment_violations = trials, sum(low < -_rounding(LARGEST) for low, *_ in starts)
    outcome = "holds" if found is None else "violated" if found.verified else "suspected"
    return Row("exponentially convex", outcome, QUANTITY, worst, trials, pushed, witness=found)


def _better(one: Counterexample | None, other: Counterexample | None) -> Counterexample | None:
    return other if one is None or (other is not None and other.verified) else one


def _place(search: Search, z: Vector, shape: tuple[int, ...]) -> Matrix:
    return np.array([search.place(u) / 2 for u in np.split(z, shape[0])])


def _rounding(k: int) -> float:
    return 16 * k * float(np.finfo(float).eps)


def _gram(search: Search, X: Matrix) -> Matrix:
    k = len(X)
    F = np.zeros((k, k))
    for i in range(k):
        for j in range(i + 1):
            F[i, j] = F[j, i] = search.oracle.value(X[i] + X[j])
    return F


def _lowest(search: Search, X: Matrix) -> float:
    """λ_min of DFD with D = |diag F|^−½, which has the sign of λ_min(F) and does not feel scales; ∞ if not finite."""
    F = _gram(search, X)
    if not np.isfinite(F).all():
        return np.inf
    size = np.sqrt(np.maximum(np.abs(np.diag(F)), np.finfo(float).eps * max(float(np.max(np.abs(F))), 1e-300)))
    return float(np.linalg.eigvalsh(F / np.outer(size, size))[0])


def _negative(search: Search, X: Matrix) -> Counterexample | None:
    """The counterexample at points near X with few bits, for the eigenvector of the smallest eigenvalue."""
    quantum = 2.0 ** np.round(np.log2(search.scale) - BITS)
    X = np.round(X / quantum) * quantum
    F = _gram(search, X)
    k = len(X)
    if not np.isfinite(F).all() or not all(search.region.contains(x + y) for x in X for y in X):
        return None
    size = np.sqrt(np.maximum(np.abs(np.diag(F)), np.finfo(float).eps * max(float(np.max(np.abs(F))), 1e-300)))
    values, vectors = np.linalg.eigh(F / np.outer(size, size))
    if values[0] >= -_rounding(k):
        return None
    v = vectors[:, 0] / size
    v = on_grid(v / np.max(np.abs(v)), BITS)
    pairs = [(i, j) for i in range(k) for j in range(i + 1)]
    points = {f"x_{j + 1} + x_{i + 1}": X[i] + X[j] for i, j in pairs}
    return refutation(search, CLAIM, points, [[-(1.0 if i == j else 2.0) * v[i] * v[j] for i, j in pairs]],
                      at_least_zero=False)
