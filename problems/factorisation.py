"""Low-rank approximation of a matrix by a product of two factors."""

from __future__ import annotations

import numpy as np

from problems.problem import Problem, read_only, require


def matrix_factorisation(*, m: int = 20, n: int = 15, rank: int = 3, noise: float = 0.1, seed: int = 0) -> Problem:
    """Best rank-`rank` approximation of a noisy low-rank matrix; the unknown is {"U": (m, rank), "V": (n, rank)}.

    Nonconvex without spurious local minima; the minimum is half the sum of the squared trailing singular values.
    """
    require(1 <= rank <= min(m, n), f"matrix-factorisation: need 1 <= rank <= min(m, n), got rank={rank}, {m}×{n}")
    rng = np.random.default_rng(seed)
    planted = rng.standard_normal((m, rank)) @ rng.standard_normal((rank, n))
    M = read_only(planted + noise * rng.standard_normal((m, n)))
    left, sigma, right = np.linalg.svd(M, full_matrices=False)
    root = np.sqrt(sigma[:rank])

    def f(x):
        R = x["U"] @ x["V"].T - M
        return 0.5 * np.sum(R * R)

    def value_and_grad(x):
        U, V = x["U"], x["V"]
        R = U @ V.T
        R -= M
        return 0.5 * np.vdot(R, R), {"U": R @ V, "V": R.T @ U}

    def hv_at(x):
        U, V = x["U"], x["V"]
        R = U @ V.T - M

        def hv(d):
            dU, dV = d["U"], d["V"]
            dR = dU @ V.T
            dR += U @ dV.T
            return {"U": dR @ V + R @ dV, "V": dR.T @ U + R.T @ dU}

        return hv

    return Problem(
        name="matrix-factorisation",
        f=f,
        x0={"U": rng.standard_normal((m, rank)), "V": rng.standard_normal((n, rank))},
        formula="½‖UVᵀ − M‖²_F",
        source="Eckart & Young 1936, Psychometrika 1, 211-218",
        x_star={"U": left[:, :rank] * root, "V": right[:rank].T * root},
        f_star=float(0.5 * np.sum(sigma[rank:] ** 2)),
        domain=f"R^({m}×{rank}) × R^({n}×{rank})",
        convexity="nonconvex",
        mu=-np.inf,
        L=np.inf,
        value_and_grad=value_and_grad,
        hv_at=hv_at,
        data={"M": M},
    )
