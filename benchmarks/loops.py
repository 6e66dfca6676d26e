"""A Python loop over numbers, by hand in Python floats: a pendulum's last energy, its gradient and Hessian product."""

from __future__ import annotations

from math import cos, sin
from typing import Any

import numpy as np

from problems import Problem

STEP = 0.01
PER_STEP = 10  # additions, products and sines of one step


def pendulum_loop(steps: int) -> Problem:
    """Symplectic Euler steps of q'' = −z sin q with a clock that slows with q; x = (q, p, z)."""

    def f(x):
        q, p, z = x[0], x[1], x[2]
        for _ in range(steps):
            p = p - STEP * z * np.sin(q)
            q = q + STEP * p * (1.0 + 0.1 * q * q)
        return q * q + p * p

    return Problem(
        name="pendulum-loop",
        f=f,
        x0=np.array([0.3, 0.2, 1.0]),
        formula="q² + p² after the last step",
        source="Hairer, Lubich & Wanner 2006, Geometric Numerical Integration, I.1.2",
        x_star=np.array([0.0, 0.0, 1.0]),
        f_star=0.0,
        domain="R^3",
        convexity="nonconvex",
        mu=-np.inf,
        L=np.inf,
        value_and_grad=lambda x: value_and_grad(x, steps),
        hv_at=lambda x: hv_at(x, steps),
        data={"value": lambda x: value(x, steps), "operations": PER_STEP * steps},
    )


def value(x: Any, steps: int) -> float:
    q, p, z = x.tolist()
    for _ in range(steps):
        p = p - STEP * z * sin(q)
        q = q + STEP * p * (1.0 + 0.1 * q * q)
    return q * q + p * p


def _forward(x: Any, steps: int):
    """The last (q, p), z and of each step (q, sin q, the new p)."""
    q, p, z = x.tolist()
    kept = []
    for _ in range(steps):
        s = sin(q)
        p = p - STEP * z * s
        kept.append((q, s, p))
        q = q + STEP * p * (1.0 + 0.1 * q * q)
    return q, p, z, kept


def value_and_grad(x: Any, steps: int) -> tuple[float, np.ndarray]:
    q, p, z, kept = _forward(x, steps)
    result, Q, P, Z, hz = q * q + p * p, 2.0 * q, 2.0 * p, 0.0, STEP * z
    for q, s, p in reversed(kept):
        P = P + Q * STEP * (1.0 + 0.1 * q * q)
        Z = Z - P * s
        Q = Q + Q * (0.2 * STEP) * p * q - P * hz * cos(q)
    return result, np.array([Q, P, STEP * Z])


def hv_at(x: Any, steps: int):
    """Forward over reverse: what depends on x alone is kept for each step."""
    q, p, z, kept = _forward(x, steps)
    Q, P, hz = 2.0 * q, 2.0 * p, STEP * z
    known = []
    for q, s, p in reversed(kept):
        g, hc = STEP * (1.0 + 0.1 * q * q), hz * cos(q)
        P = P + Q * g
        known.append((q, s, p, g, hc, STEP * cos(q), P, Q))
        Q = Q + Q * (0.2 * STEP) * p * q - P * hc
    forward = [(hc, STEP * s, g, (0.2 * STEP) * p * q) for q, s, p, g, hc, _, _, _ in reversed(known)]
    backward = [
        (g, s, c / STEP * P, 1.0 + 0.2 * STEP * p * q, hc, c * P, 0.2 * STEP * Q, p, q, P * hz * s, 0.2 * STEP * Q * q)
        for q, s, p, g, hc, c, P, Q in known
    ]

    def product(v):
        dq, dp, dz = v.tolist()
        moved = []
        for hc, hs, g, slope in forward:
            dp = dp - hs * dz - hc * dq
            moved.append((dq, dp))
            dq = dq + g * dp + slope * dq
        dQ, dP, dZ = 2.0 * dq, 2.0 * dp, 0.0
        for (g, s, cP, grow, hc, hcP, hQ, p, q, curve, hQq), (dq, dp) in zip(backward, reversed(moved)):
            dP = dP + dQ * g + hQq * dq
            dZ = dZ - dP * s - cP * dq
            dQ = dQ * grow + hQ * (dp * q + p * dq) - dP * hc - hcP * dz + curve * dq
        return np.array([dQ, dP, STEP * dZ])

    return product
