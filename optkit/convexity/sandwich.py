"""Rigorous bounds on the eigenvalues of JᵀWJ, for J known (nearly) exactly and diagonal W known within bounds."""

from __future__ import annotations

import numpy as np

from autodiff.intervals import Interval, down, up

from .oracle import Matrix, Vector
from .spectrum import TINY, centred, smallest

CHUNK = 512     # rows of one partial product


def sandwich(J: Interval, low: Matrix, high: Matrix) -> tuple[Vector, Vector]:
    """Bounds (B,), (B,) on the eigenvalues of Jᵀ diag(w) J for all low <= w <= high, (m, B), and J, (m, n, 1 or B).

    For J of tiny radius: its perturbation is bounded in the Frobenius norm. Cost: one product and eigh a box and side.
    """
    with np.errstate(all="ignore"):
        return _gram(J, low), -_gram(J, -np.asarray(high))


def _gram(J: Interval, w: Matrix) -> Vector:
    """Lower bounds of λ_min(JᵀWJ) from W >= diag(w) and ‖JᵀWJ − CᵀWC‖ <= 2pq + q², p = ‖√|W| C‖, q = ‖√|W| R‖."""
    w = np.asarray(w, dtype=np.float64)
    lo, hi = (np.moveaxis(end, -1, 0) for end in J)
    C, R = centred(lo, hi)
    rows, n = C.shape[1:]
    count = max(len(C), w.shape[1])
    growth = (min(rows, CHUNK) + rows / CHUNK + 8) * 2 * float(np.finfo(float).eps)
    A = np.array([_product(C[b % len(C)], w[:, b % w.shape[1]]) for b in range(count)])
    size, more = np.abs(w).T[:, None, :], 1 + (rows + n + 8) * float(np.finfo(float).eps)
    p, q = ((size @ (K * K).sum(axis=2)[:, :, None])[:, 0, 0] * more for K in (C, R))
    p, q = p + TINY, q + (TINY if R.any() else 0.0)
    error = up(growth * p + up(2 * np.sqrt(p * q) * (1 + 1e-15) + q) + rows * n * TINY)
    A = 0.5 * A + 0.5 * A.swapaxes(1, 2)
    low = down(smallest(_points(A)) - error)
    low = np.where(np.isnan(low), -np.inf, low)
    return np.where((w >= 0).all(axis=0), np.maximum(low, 0.0), low)


def _points(A: np.ndarray) -> Interval:
    """(B, n, n) as point intervals (n, n, B)."""
    A = np.moveaxis(A, 0, -1)
    return Interval(A, A)


def _product(C: Matrix, w: Vector) -> Matrix:
    """Cᵀ diag(w) C in chunks, so that the bound on its rounding errors grows with the chunk and not with m."""
    out = np.zeros((C.shape[1],) * 2)
    for k in range(0, len(C), CHUNK):
        out += (C[k:k + CHUNK] * w[k:k + CHUNK, None]).T @ C[k:k + CHUNK]
    return out
