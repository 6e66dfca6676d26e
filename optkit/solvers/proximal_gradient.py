"""Proximal gradient steps."""

import math
from dataclasses import dataclass
from typing import ClassVar

from optkit.checks import require
from optkit.objective import ROUNDING, Objective
from optkit.point import Point, Vector, first_length, norm
from optkit.stopping import Reason, Stop
from optkit.subproblems.proximal import halfway, is_blurred, majorised, proximal_step, within_range

RULES = ("spectral", "backtracking", "fixed")


@dataclass(frozen=True, slots=True)
class ProximalGradient:
    """Steps x⁺ = prox_{h/L}(x − g/L) for f + h, h any term of optkit.prox. `rule` says how L is found.

    spectral : L = s·y/s·s from the last step (Barzilai & Borwein), doubled until F(x⁺) <= max of the last `window`
        values − σL/2 ‖x⁺ − x‖² (SpaRSA).
    backtracking : doubled until f(x⁺) <= f + g·d + L/2 ‖d‖², a little less each iteration; F never rises (ISTA).
    fixed : 1/L = alpha, DIVERGED where F is not finite.
    Cost an iteration: mostly one value, gradient and prox. Wright, Nowak & Figueiredo 2009; Beck & Teboulle 2009.
    """

    rule: str = "spectral"
    alpha: float | None = None  # the first 1/L; None for a first gradient step of length 1
    window: int = 5  # M = 5 of SpaRSA, §2.2; 1 is monotone
    sigma: float = 0.01  # SpaRSA, §2.2
    grow: float = 2.0  # of L, where a step is refused
    ease: float = 0.9  # of L, each iteration (backtracking); TFOCS, Becker, Candès & Grant 2011
    maxls: int = 100

    second_order: ClassVar[bool] = False
    terms: ClassVar[tuple] = (object,)

    def __post_init__(self):
        require("ProximalGradient", self.rule in RULES, f"rule one of {RULES}", rule=self.rule)
        require("ProximalGradient", self.alpha is None or 0 < self.alpha < math.inf, "0 < alpha < inf",
                alpha=self.alpha)
        require("ProximalGradient", self.rule != "fixed" or self.alpha is not None, "alpha = 1/L for the fixed rule",
                alpha=self.alpha)
        require("ProximalGradient", self.window >= 1, "window >= 1", window=self.window)
        require("ProximalGradient", 0 < self.sigma < 1, "0 < sigma < 1", sigma=self.sigma)
        require("ProximalGradient", self.grow > 1, "grow > 1", grow=self.grow)
        require("ProximalGradient", 0 < self.ease <= 1, "0 < ease <= 1", ease=self.ease)
        require("ProximalGradient", self.maxls >= 1, "maxls >= 1", maxls=self.maxls)

    def init(self, objective: Objective, point: Point) -> "State":
        L = 1 / self.alpha if self.alpha else (norm(point.g) or 1.0) / first_length(point.x)
        return State(point, 0.0, 0, within_range(L), (point.f,))

    def step(self, objective: Objective, state: "State") -> "State":
        L = state.L
        for _ in range(self.maxls):
            trial = objective.point(proximal_step(objective, state.point, L))
            d = trial.x - state.point.x
            if trial.f < math.inf and not d.any():
                break
            if self.rule == "fixed" and not trial.f < math.inf:
                raise Stop(Reason.DIVERGED)
            if self._accepts(objective, state, trial, d, L):
                recent = (*state.recent, trial.f)[-self.window :]
                return State(trial, norm(d), 0, self._next(state.point, trial, d, L), recent)
            L *= self.grow
        raise Stop(Reason.STALLED_AT_PRECISION)

    def _accepts(self, objective: Objective, state: "State", trial: Point, d: Vector, L: float) -> bool:
        """Whether the step goes down enough, by the rule.

        Where the change of F drowns in rounding it is bounded by gradients: with −(g + L d) ∈ ∂h(x⁺), h falls by
        (g + L d)·d or more, so F falls by L‖d‖² − d·(g⁺ − g)/2 or more.
        """
        if self.rule == "fixed":
            return True
        point, dd = state.point, float(d.dot(d))
        if self.rule == "backtracking":
            return majorised(objective, point, trial.x, trial.f, d, L, trial)
        change = halfway(point, trial, d) - L * dd if is_blurred(point, trial.f) else trial.f - point.f
        return change <= max(state.recent) - point.f - 0.5 * self.sigma * L * dd + ROUNDING * abs(point.f)

    def _next(self, point: Point, trial: Point, d: Vector, L: float) -> float:
        if self.rule == "fixed":
            return L
        if self.rule == "backtracking":
            return within_range(self.ease * L)
        length = norm(d)
        curvature = 2 * halfway(point, trial, d / length) / length
        return within_range(curvature if curvature > 0 else 0.1 * L)


@dataclass(slots=True)
class State:
    point: Point
    step: float
    inner: int
    L: float  # to try next
    recent: tuple[float, ...]  # the last values of F
