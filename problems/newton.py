"""Minimisers of smooth convex problems to rounding error, for the x_star column."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Vector = np.ndarray


def newton(
    value_and_grad: Callable[[Vector], tuple[float, Vector]],
    hv_at: Callable[[Vector], Callable[[Vector], Vector]],
    x0: Vector,
) -> Vector:
    """Damped Newton with conjugate-gradient inner solves, until rounding stops it.

    x0 : array of any shape; the result has the same. A step is halved until f falls (Armijo), or, once the fall to
    expect is lost in the rounding of f, until the gradient norm falls. Boyd & Vandenberghe, algorithm 9.5.
    Raises RuntimeError when 200 steps do not end at a relative gradient of 1e-9: the problem is not strictly convex.
    """
    x, (f, g) = x0, value_and_grad(x0)
    first = norm = np.linalg.norm(g)
    for _ in range(200):
        p = _solve(hv_at(x), -g)
        slope, t = np.vdot(g, p), 1.0
        by_norm = -slope < 1e-8 * abs(f)
        while t > 1e-12:
            trial = x + t * p
            trial_f, trial_g = value_and_grad(trial)
            trial_norm = np.linalg.norm(trial_g)
            if trial_norm < norm if by_norm else trial_f < f + 1e-4 * t * slope:
                x, f, g, norm = trial, trial_f, trial_g, trial_norm
                break
            t /= 2
        else:
            break
    if norm <= 1e-9 * max(float(first), 1.0):
        return x
    raise RuntimeError(f"newton: gradient norm stayed at {norm:.2e}, from {first:.2e} at x0")


def _solve(hv: Callable[[Vector], Vector], b: Vector) -> Vector:
    from scipy.sparse.linalg import LinearOperator, cg

    operator = LinearOperator((b.size, b.size), matvec=lambda v: hv(v.reshape(b.shape)).ravel(), dtype=float)
    solution, _ = cg(operator, b.ravel(), rtol=1e-12, maxiter=4 * b.size + 50)
    return solution.reshape(b.shape)
