"""Extreme eigenpairs of a symmetric operator known by its products."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .oracle import Vector

EPS = float(np.finfo(float).eps)
SETTLED = 1e-8  # residual, relative to the largest Ritz value, at which both ends count as converged


class Ends(NamedTuple):
    """Smallest and largest Ritz pairs. low >= the smallest eigenvalue and high <= the largest, always."""

    low: float
    v_low: Vector
    high: float
    v_high: Vector


def extremes(product: Callable[[Vector], Vector], start: Vector, steps: int) -> Ends:
    """Lanczos with full reorthogonalisation for at most `steps` products. Golub & Van Loan §10.1."""
    n = start.size
    steps = min(steps, n)
    Q = np.zeros((steps, n))
    alpha, beta = np.zeros(steps), np.zeros(steps)
    q, size = start / np.linalg.norm(start), 0.0
    for k in range(steps):
        Q[k] = q
        r = product(q)
        alpha[k] = q @ r
        for _ in range(2):  # once is not enough (Kahan, Parlett)
            r = r - Q[: k + 1].T @ (Q[: k + 1] @ r)
        beta[k] = np.linalg.norm(r)
        size = max(size, abs(alpha[k]) + beta[k])
        last = k + 1 == steps or not beta[k] > n * EPS * size  # an invariant subspace: what is left of r is rounding
        if last or k % 5 == 4:
            if not np.isfinite(size):
                return Ends(np.nan, q, np.nan, q)
            theta, S = np.linalg.eigh(np.diag(alpha[: k + 1]) + np.diag(beta[:k], 1) + np.diag(beta[:k], -1))
            reach = SETTLED * max(abs(theta[0]), abs(theta[-1]))
            if last or beta[k] * max(abs(S[-1, 0]), abs(S[-1, -1])) <= reach:
                break
        q = r / beta[k]
    return Ends(float(theta[0]), Q[: k + 1].T @ S[:, 0], float(theta[-1]), Q[: k + 1].T @ S[:, -1])
