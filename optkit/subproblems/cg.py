"""Conjugate gradients on the Newton equations H p = −g, stopped early or by negative curvature."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from optkit.point import Vector


class CG(NamedTuple):
    """What CG found: p with ‖Hp + g‖₂ = residual, and the direction d whose curvature was not positive, or None.

    d has the length of its exact minimiser if the curvature had the other sign.
    """

    p: Vector
    d: Vector | None
    residual: float
    iterations: int


def truncated_cg(hv: Callable[[Vector], Vector], g: Vector, tol: float, maxiter: int) -> CG:
    """Minimise g·p + ½ p·Hp by CG from p = 0 until ‖Hp + g‖₂ <= tol, `maxiter` products, or dᵀHd <= 0.

    hv : v -> H v. g : (n,), not zero. Exact arithmetic ends in as many steps as H has distinct eigenvalues.
    Cost: one product and 5n multiplications a step. Dembo & Steihaug 1983; Nocedal & Wright alg. 7.1.
    """
    p, r, d = np.zeros_like(g), g.copy(), -g
    rr = float(r.dot(r))
    goal = tol * tol
    for j in range(maxiter):
        Hd = hv(d)
        curvature = float(d.dot(Hd))
        if not curvature > 0:
            return CG(p, d * (rr / -curvature if curvature < 0 else 1.0), math.sqrt(rr), j + 1)
        step = rr / curvature
        p += step * d
        r += step * Hd
        rr, before = float(r.dot(r)), rr
        if rr <= goal:
            return CG(p, None, math.sqrt(rr), j + 1)
        d *= rr / before
        d -= r
    return CG(p, None, math.sqrt(rr), maxiter)
