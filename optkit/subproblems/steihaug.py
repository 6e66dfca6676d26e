"""The trust-region subproblem by conjugate gradients."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from optkit.point import Vector, magnitude, norm
from optkit.subproblems.region import Region, to_boundary


class Leg(NamedTuple):
    """One step of CG, from p along d: by `step`, inf where the curvature d·Hd is not positive; 0 if not finite.

    d is in units of magnitude(g), so that squares stay finite; fall is −g·d.
    """

    d: Vector
    curvature: float
    step: float
    fall: float
    pp: float
    pd: float
    dd: float


class Steihaug:
    """delta -> the minimiser of g·p + ½ p·Hp within ‖p‖₂ <= delta by CG from p = 0, to the boundary where it crosses it
    or meets curvature that is not positive.

    Ends early where ‖Hp + g‖₂ <= tol or after `maxiter` products. ‖p‖ grows with every step, so the first crossing of
    the boundary is final. At least half the best decrease when H ⪰ 0. The path is kept: a shorter radius takes no
    product. Cost: one product and 7n multiplications a step; memory: a vector a step.
    Steihaug 1983; Toint 1981; Nocedal & Wright alg. 7.2.
    """

    def __init__(self, hv: Callable[[Vector], Vector], g: Vector, tol: float, maxiter: int):
        self.unit = magnitude(g)
        self.hv, self.goal, self.maxiter = hv, tol / self.unit * (tol / self.unit), maxiter
        self.legs: list[Leg] = []
        self.reported = 0  # products
        self.p, self.r = np.zeros_like(g), g / self.unit
        self.d, self.rr = -self.r, float(self.r.dot(self.r))

    def curvature(self) -> float:
        if not self.legs and self.rr > 0:
            self._extend()
        return self.legs[0].curvature / self.legs[0].dd if self.legs else math.nan

    def __call__(self, delta: float) -> Region:
        region = self._follow(delta)
        self.reported = len(self.legs)
        return region

    def _follow(self, delta: float) -> Region:
        p, decrease = np.zeros_like(self.r), 0.0
        for j in range(self.maxiter):
            if j == len(self.legs):
                if self.rr <= (self.goal if j else 0.0):
                    break
                self._extend()
            leg = self.legs[j]
            if not leg.pp + leg.step * (2 * leg.pd + leg.step * leg.dd) < delta * delta:
                step = to_boundary(leg.pp, leg.pd, leg.dd, delta)
                decrease += step * (leg.fall - 0.5 * step * leg.curvature)
                return Region(p + step * leg.d, decrease, delta, True, len(self.legs) - self.reported)
            p += leg.step * leg.d
            decrease += 0.5 * leg.step * leg.fall
        return Region(p, decrease, norm(p), False, len(self.legs) - self.reported)

    def _extend(self) -> None:
        d, rr = self.d, self.rr
        Hd = self.hv(d)
        curvature = float(d.dot(Hd))
        curvature = curvature if math.isfinite(curvature) else 0.0
        fall = self.unit * rr
        step = fall / curvature if curvature > 0 else math.inf
        pp, pd, dd = float(self.p.dot(self.p)), float(self.p.dot(d)), float(d.dot(d))
        self.legs.append(Leg(d, curvature, step, fall, pp, pd, dd))
        if step < math.inf:
            self.p += step * d
            self.r += step / self.unit * Hd
            self.rr = float(self.r.dot(self.r))
            self.d = d * (self.rr / rr) - self.r
