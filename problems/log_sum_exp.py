"""The smooth maximum of affine functions."""

from __future__ import annotations

import numpy as np
from scipy import special

from problems.problem import Problem, read_only, require


def log_sum_exp(*, m: int = 100, n: int = 20, seed: int = 0) -> Problem:
    """Smooth maximum of 2m affine functions that come in pairs ±aᵢᵀ(x − x*): by symmetry the minimum is log 2m at x*.

    L is a bound, max ‖aᵢ‖², from diag(p) − ppᵀ ⪯ diag(p). mu is the exact infimum.
    """
    require(m >= n >= 1, f"log-sum-exp: need m >= n >= 1, got m={m}, n={n}")
    rng = np.random.default_rng(seed)
    half = rng.standard_normal((m, n)) / np.sqrt(n)
    A = read_only(np.vstack([half, -half]))
    x_star = rng.standard_normal(n)
    b = read_only(-(A @ x_star))

    def f(x):
        return special.logsumexp(A @ x + b)

    def weights(x):
        z = A @ x
        z += b
        top = z.max()
        z -= top
        np.exp(z, out=z)
        total = np.add.reduce(z)
        z /= total
        return top + np.log(total), z

    def value_and_grad(x):
        value, p = weights(x)
        return value, p @ A

    def hv_at(x):
        p = weights(x)[1]

        def hv(v):
            t = A @ v
            t -= p @ t
            t *= p
            return t @ A

        return hv

    return Problem(
        name="log-sum-exp",
        f=f,
        x0=np.zeros(n),
        formula="log Σ exp(aᵢᵀx + bᵢ)",
        source="Boyd & Vandenberghe, Convex Optimization, §3.1.5; paired rows by design",
        x_star=x_star,
        f_star=float(np.log(2 * m)),
        domain=f"R^{n}",
        convexity="strictly convex",
        mu=0.0,
        L=float(np.max(np.sum(A**2, axis=1))),
        value_and_grad=value_and_grad,
        hv_at=hv_at,
        data={"A": A, "b": b},
    )
