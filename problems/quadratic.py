"""A quadratic whose spectrum is chosen."""

from __future__ import annotations

import numpy as np

from problems.problem import Problem, read_only, require


def quadratic(*, n: int = 50, condition: float = 100.0, seed: int = 0) -> Problem:
    """Random positive definite quadratic: eigenvalues spread geometrically from 1 to `condition`, in a random basis.

    x_star is drawn first and b = Q x_star, so the minimum is known without a solve. Memory n².
    """
    require(n >= 1, f"quadratic: need n >= 1, got n={n}")
    require(condition >= 1, f"quadratic: need condition >= 1, got condition={condition}")
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.standard_normal((n, n)))[0]
    eigenvalues = np.geomspace(1.0, condition, n)
    Q = (basis * eigenvalues) @ basis.T
    Q = read_only(0.5 * (Q + Q.T))
    x_star = rng.standard_normal(n)
    b = read_only(Q @ x_star)

    def f(x):
        return 0.5 * (x @ (Q @ x)) - b @ x

    def value_and_grad(x):
        g = Q @ x
        g -= b
        return 0.5 * (x @ g - b @ x), g

    return Problem(
        name="quadratic",
        f=f,
        x0=np.zeros(n),
        formula="½xᵀQx − bᵀx",
        source="spectrum of Nocedal & Wright, Numerical Optimization, §5.1, by design",
        x_star=x_star,
        f_star=float(-0.5 * (b @ x_star)),
        domain=f"R^{n}",
        convexity="strongly convex",
        mu=1.0,
        L=float(eigenvalues[-1]),
        value_and_grad=value_and_grad,
        hv_at=lambda x: lambda v: Q @ v,
        data={"Q": Q, "b": b},
    )
