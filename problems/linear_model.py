"""What regressions with one linear predictor share: derivatives through A @ w, and a check of sizes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from problems.datasets import transpose
from problems.problem import require

Vector = np.ndarray


def linear_model(
    A: Any,
    loss: Callable[[Vector], tuple[float, Vector]],
    curvature: Callable[[Vector], Any],
    penalty: Any,
) -> tuple[Callable, Callable]:
    """Derivatives of φ(Aw) + ½ wᵀ diag(penalty) w from φ, φ' and the diagonal of φ''; loss may overwrite z."""
    forward, backward = A.dot, transpose(A).dot

    def value_and_grad(w):
        value, s = loss(forward(w))
        shrink = penalty * w
        g = backward(s)
        g += shrink
        return value + 0.5 * w.dot(shrink), g

    def hv_at(w):
        d = curvature(forward(w))

        def hv(v):
            t = forward(v)
            t *= d
            h = backward(t)
            h += penalty * v
            return h

        return hv

    return value_and_grad, hv_at


def require_sizes(name: str, m: int, n: int) -> None:
    require(m >= 1 and n >= 1, f"{name}: need m >= 1 and n >= 1, got m={m}, n={n}")
