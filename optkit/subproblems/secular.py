"""The trust-region subproblem exactly: ‖p(λ)‖₂ = Δ for p(λ) = −(H + λI)⁻¹g, by Newton within safeguards."""

import math
from typing import NamedTuple

import numpy as np

from optkit.point import Vector, norm
from optkit.subproblems.shifted import Shifted, Solve

MAXITER = 100  # values of λ a radius
THETA = 0.01  # a safeguarded λ keeps that share of its interval. Conn, Gould & Toint 2000 eq. (7.3.14)


class Solution(NamedTuple):
    """The step, its multiplier λ, whether it ends on the boundary, and the factorisations it took."""

    p: Vector
    lam: float
    on_boundary: bool
    iterations: int


class Secular:
    """Minimise g·p + ½ p·Hp within ‖p‖₂ <= delta: (H + λI)p = −g, H + λI ⪰ 0, λ >= 0, λ(delta − ‖p‖₂) = 0.

    Called with a radius, again and again. Bounds on λ₁, an approximate eigenvector and the last factorisation are kept,
    so that a shorter radius goes on from where the longer one ended. tol : relative error allowed in ‖p‖₂ = delta and,
    in the hard case, in the decrease of the model. start : a guess of λ. low : some number <= −λ₁, or 0.
    Cost: a few factorisations. Moré & Sorensen 1983; Conn, Gould & Toint 2000 alg. 7.3.4 with the bounds of §7.3.8.
    """

    def __init__(self, H: Shifted, g: Vector, tol: float, start: float, low: float):
        self.H, self.g, self.tol, self.lam = H, g, tol, start
        self.low = max(0.0, low, -H.diagonal)
        self.gnorm = norm(g)
        self.rounding = 4 * np.finfo(float).eps * H.n * (max(-H.lowest, H.highest) or 1.0)
        self.factored_at: float | None = None  # the λ of solve and p
        self.solve: Solve
        self.p = g
        self.z = np.empty(0)  # a unit vector, nearly an eigenvector of λ₁

    def __call__(self, delta: float) -> Solution:
        self.iterations = 0
        low = max(self.low, self.gnorm / delta - self.H.highest)
        up = max(low, self.gnorm / delta - self.H.lowest)
        lam = self.lam if low < self.lam < up else low and self._between(low, up)
        tries = 0
        while True:
            tries += 1
            if not self._factor(lam):
                low = max(low, self.low) + self.rounding
                up = max(up, low + self.rounding * 2.0**tries)
                lam = self._between(low, up)
                continue
            length = norm(self.p)
            if abs(length - delta) <= self.tol * delta:
                return self._solution(self.p * min(1.0, delta / length), True)
            if length < delta and lam == 0:
                return self._solution(self.p, False)
            low, up = (lam, up) if length > delta else (low, lam)
            ended = up - low <= self.rounding or tries >= MAXITER
            if length > delta and ended:
                return self._solution(self.p * (delta / length), True)
            if length < delta:
                z, tau, good = self._lowest(delta)
                if good or ended:
                    return self._solution(self.p + tau * z, True)
            low = max(low, self.low)
            lam = self._newton(length, delta, low, up)

    def _solution(self, p: Vector, on_boundary: bool) -> Solution:
        return Solution(p, self.lam, on_boundary, self.iterations)

    def _factor(self, lam: float) -> bool:
        """Factor H + λI and solve for p, unless that is at hand; False where it is not positive definite."""
        self.lam = lam
        if lam != self.factored_at:
            self.iterations += 1
            solve, bound = self.H.factor(lam)
            if solve is None:
                self.low = max(self.low, bound)
                return False
            self.factored_at, self.solve, self.p = lam, solve, -solve(self.g)
        return True

    def _newton(self, length: float, delta: float, low: float, up: float) -> float:
        """The next λ: Newton on 1/‖p(λ)‖ = 1/delta, or inside (low, up) where that leaves it."""
        unit = self.p / length if length else self.z
        inverse = float(unit.dot(self.solve(unit)))
        lam = self.lam + (length - delta) / delta / inverse if inverse > 0 else math.nan
        return lam if low < lam < up else self._between(low, up)

    def _lowest(self, delta: float) -> tuple[Vector, float, bool]:
        """z near the lowest eigenvector, the shorter τ with ‖p + τz‖ = delta, and whether that is good enough.

        Good enough: τ²z·(H + λI)z <= tol·(p·(H + λI)p + λ delta²), so that no more of the decrease is lost (Moré &
        Sorensen 1983 lemma 3.4). Two inverse iterations make z, from where the last ended, and a better bound on λ₁.
        Where they over- or underflow, τ = 0 is.
        """
        z = np.random.default_rng(0).standard_normal(self.H.n) if self.z.size == 0 else self.z
        for _ in range(2):
            y = self.solve(z)
            size = norm(y)
            if not 0 < size < math.inf:
                return z, 0.0, True
            curvature = float((y / size).dot(z)) / size
            z = y / size
        self.z, self.low = z, max(self.low, self.lam - curvature)
        s = self.p / delta
        sz, rest = float(s.dot(z)), 1 - float(s.dot(s))
        tau = rest / (abs(sz) + math.sqrt(sz * sz + rest)) if rest > 0 else 0.0
        good = tau * tau * curvature <= self.tol * (self.lam - float(s.dot(self.g / delta)))
        return z, math.copysign(tau * delta, sz), good

    def _between(self, low: float, up: float) -> float:
        """Inside (low, up): next to low where z made it a sharp bound, else in the geometric middle if that is higher.

        Conn, Gould & Toint 2000 eq. (7.3.14), which always takes the higher: nearly twice the factorisations in
        hard cases.
        """
        near = low + THETA * (up - low)
        return near if self.z.size else max(math.sqrt(low * up), near)
