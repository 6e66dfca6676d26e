"""The Gaussian likelihood of a covariance matrix."""

from __future__ import annotations

import numpy as np

from problems.problem import Problem, read_only, require


def log_det(*, n: int = 5, condition: float = 10.0, seed: int = 0) -> Problem:
    """Minus the Gaussian log-likelihood in the inverse covariance X, for a sample covariance S of given condition.

    The unknown is an (n, n) matrix of which f sees the symmetric part (log det X itself is not concave along skew
    directions); f is infinite where that is not positive definite. The minimiser is the inverse of S.
    mu and L are the exact infimum and supremum.
    """
    require(n >= 1, f"log-det: need n >= 1, got n={n}")
    require(condition >= 1, f"log-det: need condition >= 1, got condition={condition}")
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.standard_normal((n, n)))[0]
    eigenvalues = np.geomspace(1.0, condition, n)
    S = (basis * eigenvalues) @ basis.T
    S = read_only(0.5 * (S + S.T))
    inverse = (basis / eigenvalues) @ basis.T

    def f(X):
        X = 0.5 * (X + X.T)
        definite = np.linalg.eigvalsh(X)[0] > 0
        return np.sum(S * X) - np.where(definite, np.linalg.slogdet(X)[1], -np.inf)

    def value_and_grad(X):
        X = 0.5 * (X + X.T)
        if not np.linalg.eigvalsh(X)[0] > 0:
            return np.inf, np.full_like(X, np.nan)
        return np.vdot(S, X) - np.linalg.slogdet(X)[1], S - np.linalg.inv(X)

    def hv_at(X):
        inverse = np.linalg.inv(0.5 * (X + X.T))
        return lambda V: inverse @ (0.5 * (V + V.T)) @ inverse

    return Problem(
        name="log-det",
        f=f,
        x0=np.eye(n),
        formula="tr(SX) − log det X",
        source="Boyd & Vandenberghe, Convex Optimization, §7.1.1",
        x_star=0.5 * (inverse + inverse.T),
        f_star=float(n + np.sum(np.log(eigenvalues))),
        domain=f"{n}×{n} matrices with positive definite symmetric part",
        convexity="convex",
        mu=0.0,
        L=np.inf,
        value_and_grad=value_and_grad,
        hv_at=hv_at,
        data={"S": S},
    )
