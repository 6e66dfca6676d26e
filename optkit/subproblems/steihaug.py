"""The trust-region subproblem by conjugate gradients."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from optkit.point import Vector, norm


class Region(NamedTuple):
    """A step p, the decrease −(g·p + ½ p·Hp) the model predicts for it, ‖p‖₂, and whether it ends on the boundary."""

    p: Vector
    predicted: float
    length: float
    on_boundary: bool
    iterations: int


def steihaug(hv: Callable[[Vector], Vector], g: Vector, delta: float, tol: float, maxiter: int) -> Region:
    """Minimise g·p + ½ p·Hp within ‖p‖₂ <= delta by CG from p = 0, to the boundary where the curvature is not positive.

    Ends early where ‖Hp + g‖₂ <= tol or after `maxiter` products. ‖p‖ grows with every step, so the first crossing of
    the boundary is final. At least half the best decrease when H ⪰ 0. Cost: one product and 6n multiplications a step.
    Steihaug 1983; Toint 1981; Nocedal & Wright alg. 7.2.
    """
    p, r, d = np.zeros_like(g), g.copy(), -g
    rr, pp, pd, dd = float(r.dot(r)), 0.0, 0.0, float(g.dot(g))
    decrease, goal = 0.0, tol * tol
    j = 0
    while j < maxiter and rr > 0:
        j += 1
        Hd = hv(d)
        curvature = float(d.dot(Hd))
        step = rr / curvature if curvature > 0 else math.inf
        if not pp + step * (2 * pd + step * dd) < delta * delta:
            step = _to_boundary(pp, pd, dd, delta)
            decrease += step * (rr - 0.5 * step * (curvature if curvature == curvature else 0.0))
            return Region(p + step * d, decrease, delta, True, j)
        p += step * d
        r += step * Hd
        decrease += 0.5 * step * rr
        rr, before = float(r.dot(r)), rr
        if rr <= goal:
            break
        d *= rr / before
        d -= r
        pp, pd, dd = float(p.dot(p)), float(p.dot(d)), float(d.dot(d))
    return Region(p, decrease, norm(p), False, j)


def _to_boundary(pp: float, pd: float, dd: float, delta: float) -> float:
    """The τ > 0 with ‖p + τd‖ = delta, by the formula without cancellation."""
    rest = delta * delta - pp
    root = math.sqrt(max(pd * pd + dd * rest, 0.0))
    return rest / (pd + root) if pd > 0 else (root - pd) / dd
