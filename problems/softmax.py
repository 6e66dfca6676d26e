"""Multinomial logistic regression."""

from __future__ import annotations

import numpy as np
from scipy import special

from problems.datasets import largest_gram_eigenvalue
from problems.newton import newton
from problems.problem import Lazy, Problem, read_only, require


def softmax_regression(*, m: int = 500, n: int = 20, k: int = 5, lam: float = 1e-2, seed: int = 0) -> Problem:
    """Linear classification into k classes with cross-entropy loss; the unknown is an (n, k) matrix.

    mu is exact (adding one vector to every column of W leaves the loss alone); L is a bound, from
    diag(p) − ppᵀ ⪯ ½I (Böhning 1992).
    """
    require(min(m, n) >= 1 and k >= 2, f"softmax-regression: need m, n >= 1 and k >= 2, got m={m}, n={n}, k={k}")
    require(lam > 0, f"softmax-regression: need lam > 0, got lam={lam}")
    rng = np.random.default_rng(seed)
    A = read_only(rng.standard_normal((m, n)))
    scores = A @ rng.standard_normal((n, k)) * (2.0 / np.sqrt(n)) + rng.gumbel(size=(m, k))
    labels = read_only(scores.argmax(axis=1))
    rows = read_only(np.arange(m))

    def f(W):
        Z = A @ W
        return np.mean(special.logsumexp(Z, axis=1) - Z[rows, labels]) + 0.5 * lam * np.sum(W * W)

    value_and_grad, hv_at = _derivatives(A, labels, rows, lam)
    x0 = np.zeros((n, k))
    x_star = Lazy(lambda: newton(value_and_grad, hv_at, x0))
    return Problem(
        name="softmax-regression",
        f=f,
        x0=x0,
        formula="mean(log Σⱼ exp(aᵢᵀwⱼ) − aᵢᵀw_{yᵢ}) + ½λ‖W‖²",
        source="Böhning 1992, Ann. Inst. Statist. Math. 44, 197-200",
        x_star=x_star,
        f_star=Lazy(lambda: float(f(x_star.compute()))),
        domain=f"R^({n}×{k})",
        convexity="strongly convex",
        mu=float(lam),
        L=Lazy(lambda: largest_gram_eigenvalue(A) / (2 * m) + lam),
        value_and_grad=value_and_grad,
        hv_at=hv_at,
        data={"A": A, "labels": labels, "lam": lam},
    )


def _derivatives(A, labels, rows, lam):
    m, At = A.shape[0], A.T

    def exponentials(W):
        """exp(Z) scaled by row, its row sums, and the sum of log-likelihoods; short rows reduce fastest as columns."""
        Z = A @ W
        Z -= np.maximum.reduce(Z.T.copy(), 0)[:, None]
        picked = np.add.reduce(Z[rows, labels])
        np.exp(Z, out=Z)
        total = Z @ np.ones(Z.shape[1])
        return Z, total, np.add.reduce(np.log(total)) - picked

    def value_and_grad(W):
        P, total, loss = exponentials(W)
        total *= m
        P /= total[:, None]
        P[rows, labels] -= 1 / m
        G = At @ P
        G += lam * W
        w = W.ravel()
        return loss / m + 0.5 * lam * w.dot(w), G

    def hv_at(W):
        P, total, _ = exponentials(W)
        P /= total[:, None]
        Q = P / m

        def hv(V):
            T = A @ V
            T -= np.einsum("ij,ij->i", P, T)[:, None]
            T *= Q
            H = At @ T
            H += lam * V
            return H

        return hv

    return value_and_grad, hv_at
