"""The fast iterative shrinkage-thresholding algorithm."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from optkit.checks import require
from optkit.objective import ROUNDING, Objective
from optkit.point import Point, Vector, first_length, norm
from optkit.stopping import Reason, Stop
from optkit.subproblems.proximal import BLURRED, NO_GRADIENT, majorised, proximal_step, within_range

VARIANTS = ("fista", "monotone")


@dataclass(frozen=True, slots=True)
class FISTA:
    """Accelerated proximal gradient for f + h, h any term of optkit.prox: 1/k² for convex f without knowing L.

    x_{k+1} = prox_{h/L}(y − g(y)/L) with L by backtracking, y = x_{k+1} + β_k (x_{k+1} − x_k).
    variant : "fista", or "monotone" (MFISTA: x_{k+1} stays where F would rise, y goes on).
    restart : drop the momentum where it leads uphill (O'Donoghue & Candès 2015); then strongly convex f need no mu.
    mu : > 0 takes β of a mu-strongly convex f, (1 − sqrt q)/(1 + sqrt q) with q = mu/L (Nesterov 2004 §2.2).
    Cost an iteration: a gradient, two values, a prox. Beck & Teboulle 2009 (SIAM J. Imaging Sci. 2; monotone: IEEE
    Trans. Image Process. 18).
    """

    variant: str = "fista"
    restart: bool = True
    mu: float = 0.0
    alpha: float | None = None  # the first 1/L; None to measure it by a gradient step of length 1
    grow: float = 2.0  # of L, where a step is refused; Beck & Teboulle's η
    ease: float = 0.9  # of L, each iteration; TFOCS, Becker, Candès & Grant 2011
    maxls: int = 100

    second_order: ClassVar[bool] = False
    patience: ClassVar[int] = 2000  # without restart F ripples for some sqrt(κ) iterations
    terms: ClassVar[tuple] = (object,)

    def __post_init__(self):
        require("FISTA", self.variant in VARIANTS, f"variant one of {VARIANTS}", variant=self.variant)
        require("FISTA", 0 <= self.mu < math.inf, "0 <= mu < inf", mu=self.mu)
        require("FISTA", self.alpha is None or 0 < self.alpha < math.inf, "0 < alpha < inf", alpha=self.alpha)
        require("FISTA", self.grow > 1, "grow > 1", grow=self.grow)
        require("FISTA", 0 < self.ease <= 1, "0 < ease <= 1", ease=self.ease)
        require("FISTA", self.maxls >= 1, "maxls >= 1", maxls=self.maxls)

    def init(self, objective: Objective, point: Point) -> "State":
        L = 1 / self.alpha if self.alpha else (norm(point.g) or 1.0) / first_length(point.x)
        return State(point, 0.0, 0, within_range(L), 1.0, point.x, point.f, self.alpha is not None)

    def step(self, objective: Objective, state: "State") -> "State":
        y = state.point
        z, F, L = self._descend(objective, y, state.L)
        risen = not F <= state.f + BLURRED * abs(state.f)
        uphill = (y.x - z).dot(z - state.x) > 0
        if self.restart and risen and not np.array_equal(y.x, state.x):
            x, f, t, ahead = state.x, state.f, 1.0, state.x  # back, without momentum
        else:
            x, f = (state.x, state.f) if risen and self.variant == "monotone" else (z, F)
            t, beta, beta_z = self._momentum(state.t, L) if not (self.restart and uphill) else (1.0, 0.0, 0.0)
            ahead = x + beta * (x - state.x) + beta_z * (z - x) if beta or beta_z else x
        point = objective.point(ahead)
        if not point.f < math.inf and ahead is not x:
            point, t = objective.point(x), 1.0
        if not point.f < math.inf:
            raise Stop(Reason.STALLED_AT_PRECISION, NO_GRADIENT)
        x = point.x if ahead is x else x
        return State(point, norm(point.x - y.x), 0, self._next(state, point, L), t, x, f, True)

    def _descend(self, objective: Objective, y: Point, L: float) -> tuple[Vector, float, float]:
        """The proximal step from y, its F, and the L that majorises f on the way."""
        for _ in range(self.maxls):
            z = proximal_step(objective, y, L)
            F, d = objective.value(z), z - y.x
            if F < math.inf and not d.any():
                break
            if F < math.inf and majorised(objective, y, z, F, d, L, None):
                return z, F, L
            L *= self.grow
        raise Stop(Reason.STALLED_AT_PRECISION)

    def _momentum(self, t: float, L: float) -> tuple[float, float, float]:
        """t_{k+1}, and how much of x_{k+1} − x_k and of z − x_{k+1} to add."""
        if self.mu > 0:
            root = math.sqrt(min(1.0, self.mu / L))
            return 1.0, (1 - root) / (1 + root), 1.0
        after = 0.5 * (1 + math.sqrt(1 + 4 * t * t))
        return after, (t - 1) / after, t / after

    def _next(self, state: "State", point: Point, L: float) -> float:
        """The next L to try; no smaller where rounding would hide that it is too small."""
        y = state.point
        if not state.measured:
            s = point.x - y.x
            L = min(L, max(2 * norm(point.g - y.g) / norm(s), 1e-3 * L)) if s.any() else L
        visible = 0.5 * state.step * L * state.step > ROUNDING * abs(y.f)
        return within_range(self.ease * L) if visible or not state.measured else L


@dataclass(slots=True)
class State:
    point: Point  # y_k
    step: float
    inner: int
    L: float  # to try next
    t: float  # of Nesterov's sequence, 1 after a restart
    x: Vector  # x_k, and F there
    f: float
    measured: bool  # whether L comes from more than the length of the gradient
