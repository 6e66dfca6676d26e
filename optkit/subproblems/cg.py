"""Conjugate gradients on the Newton equations H p = −g, stopped early or by negative curvature."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from optkit.point import Vector, magnitude, norm_inf

Operator = Callable[[Vector], Vector]


class CG(NamedTuple):
    """What CG found: p with ‖Hp + g‖₂ = residual, and the direction d whose curvature was not positive, or None.

    d has the length of its exact minimiser if the curvature had the other sign.
    """

    p: Vector
    d: Vector | None
    residual: float
    iterations: int


def forcing(gnorm: float, before: float, gamma: float, power: float) -> float:
    """η = gamma (‖g‖/‖g_last‖)^power, what CG may leave of ‖g‖. Eisenstat & Walker 1996, choice 2."""
    return gamma * min(gnorm / before, 1e100) ** power


def truncated_cg(hv: Operator, g: Vector, tol: float, maxiter: int, *, precondition: Operator | None = None,
                 flat: float = 0.0, target: float = 0.0) -> CG:
    """Minimise g·p + ½ p·Hp by CG from p = 0 until ‖Hp + g‖₂ <= tol, `maxiter` products, or dᵀHd <= 0.

    Also until ‖Hp + g‖∞ <= target: if that is half of what the gradient test asks for, more would be wasted.

    hv : v -> H v. g : (n,), not zero. precondition : v -> M⁻¹v, symmetric and positive definite. flat : CG also ends
    where its j-th step brought j·(its decrease) <= flat·(all decrease): Nash & Sofer 1990, Oper. Res. Lett. 9, 219-221.
    Exact arithmetic ends in as many steps as M⁻¹H has distinct eigenvalues. Cost: one product (and one with M⁻¹) and
    5n multiplications a step. Dembo & Steihaug 1983; Nocedal & Wright alg. 5.3 and 7.1.
    """
    unit = magnitude(g)  # in which r, d and z are, so that their squares stay finite
    p, r, tol, target = np.zeros_like(g), g / unit, tol / unit, target / unit
    z = r if precondition is None else precondition(r)
    d = -z
    rz, goal, decrease = float(r.dot(z)), tol * tol, 0.0
    for j in range(1, maxiter + 1):
        Hd = hv(d)
        curvature = float(d.dot(Hd))
        if not curvature > 0:
            return CG(p, d * (unit * (rz / -curvature if curvature < 0 else 1.0)), unit * math.sqrt(r.dot(r)), j)
        step = rz / curvature
        p += unit * step * d
        r += step * Hd
        z = r if precondition is None else precondition(r)
        gain, before, rz = 0.5 * step * rz, rz, float(r.dot(z))
        decrease += gain
        rr = rz if precondition is None else float(r.dot(r))
        if rr <= goal or j * gain <= flat * decrease or norm_inf(r) <= target:
            return CG(p, None, unit * math.sqrt(rr), j)
        d *= rz / before
        d -= z
    return CG(p, None, unit * math.sqrt(r.dot(r)), maxiter)
