"""A two-layer network fitted to another one."""

from __future__ import annotations

import numpy as np

from problems.problem import Problem, read_only, require


def tanh_network(*, m: int = 1000, inputs: int = 64, hidden: int = 128, outputs: int = 10, seed: int = 0) -> Problem:
    """Least squares for a tanh network; targets come from a teacher of the same shape, so the minimum is 0 at its
    weights (and at every relabelling of its hidden units). The unknown is a dict of W1, b1, W2, b2.
    """
    smallest = min(m, inputs, hidden, outputs)
    require(smallest >= 1, f"tanh-network: need m, inputs, hidden, outputs >= 1, got the smallest {smallest}")
    rng = np.random.default_rng(seed)
    X = read_only(rng.standard_normal((m, inputs)))

    def draw():
        return {
            "W1": rng.standard_normal((inputs, hidden)) / np.sqrt(inputs),
            "b1": 0.1 * rng.standard_normal(hidden),
            "W2": rng.standard_normal((hidden, outputs)) / np.sqrt(hidden),
            "b2": 0.1 * rng.standard_normal(outputs),
        }

    teacher = draw()
    Y = read_only(np.tanh(X @ teacher["W1"] + teacher["b1"]) @ teacher["W2"] + teacher["b2"])

    def f(p):
        H = np.tanh(X @ p["W1"] + p["b1"])
        R = H @ p["W2"] + p["b2"] - Y
        return 0.5 * np.sum(R * R) / m

    value_and_grad, hv_at = _derivatives(X, Y)
    return Problem(
        name="tanh-network",
        f=f,
        x0=draw(),
        formula="(1/2m)‖tanh(XW₁ + b₁)W₂ + b₂ − Y‖²_F",
        source="Rumelhart, Hinton & Williams 1986, Nature 323, 533-536; teacher by design",
        x_star=teacher,
        f_star=0.0,
        domain=f"R^({inputs}×{hidden}) × R^{hidden} × R^({hidden}×{outputs}) × R^{outputs}",
        convexity="nonconvex",
        mu=-np.inf,
        L=np.inf,
        value_and_grad=value_and_grad,
        hv_at=hv_at,
        data={"X": X, "Y": Y},
    )


def _derivatives(X, Y):
    m, Xt, ones = X.shape[0], X.T, np.ones(X.shape[0])

    def forward(p):
        H = X @ p["W1"]
        H += p["b1"]
        np.tanh(H, out=H)
        R = H @ p["W2"]
        R += p["b2"]
        R -= Y
        return H, R

    def value_and_grad(p):
        H, R = forward(p)
        value = 0.5 * np.vdot(R, R) / m
        R /= m
        D = R @ p["W2"].T
        gradient = {"W2": H.T @ R, "b2": ones @ R}
        H *= H
        np.subtract(1.0, H, out=H)
        D *= H
        return value, {"W1": Xt @ D, "b1": ones @ D, **gradient}

    def hv_at(p):
        H, R = forward(p)
        W2 = p["W2"]
        slope = 1.0 - H * H
        bend = -2.0 / m * H * slope * (R @ W2.T)
        R /= m
        Ht, W2t = H.T, W2.T

        def hv(d):
            dZ = X @ d["W1"]
            dZ += d["b1"]
            dH = slope * dZ
            dR = H @ d["W2"]
            dR += dH @ W2
            dR += d["b2"]
            dR /= m
            hW2 = Ht @ dR
            hW2 += dH.T @ R
            D = dR @ W2t
            D += R @ d["W2"].T
            D *= slope
            dZ *= bend
            D += dZ
            return {"W1": Xt @ D, "b1": ones @ D, "W2": hW2, "b2": ones @ dR}

        return hv

    return value_and_grad, hv_at
