"""Gradient descent and its three step rules."""

import math
from dataclasses import dataclass, field
from typing import ClassVar

from optkit.checks import require
from optkit.linesearch import Armijo, Ray, Trial
from optkit.objective import Objective
from optkit.point import Point, Vector, norm
from optkit.stopping import Reason, Stop

MAX_GROWTH = 1e100  # from one step to the next, to stay finite where f is linear; 1e10 fails on Brown's badly scaled f
RULES = ("fixed", "armijo", "barzilai-borwein")


@dataclass(frozen=True, slots=True)
class GradientDescent:
    """Steps along −g. `rule` says how long: "fixed", "armijo" (f never rises) or "barzilai-borwein" (far faster).

    fixed : the step `alpha`, which must be given; it converges for alpha < 2/L, L the largest curvature.
    armijo : backtracking from twice the last step.
    barzilai-borwein : the two BB steps in turn, accepted against the largest of the last `window` values of f.
    Cost an iteration: a value and a gradient, now and then a few values. Cauchy 1847; Barzilai & Borwein 1988;
    Raydan 1997; Dai & Fletcher 2005 for the alternation.
    """

    rule: str = "barzilai-borwein"
    alpha: float | None = None  # fixed: the step; otherwise the first one, None for a first step of length 1
    window: int = 10  # Raydan 1997
    search: Armijo = field(default_factory=Armijo)

    second_order: ClassVar[bool] = False

    def __post_init__(self):
        require("GradientDescent", self.rule in RULES, f"rule one of {RULES}", rule=self.rule)
        require("GradientDescent", self.alpha is None or 0 < self.alpha < math.inf, "0 < alpha < inf", alpha=self.alpha)
        require("GradientDescent", self.rule != "fixed" or self.alpha is not None,
                "alpha with rule='fixed' (1/L is safe, L the largest curvature; rule='armijo' finds its own)",
                alpha=self.alpha)
        require("GradientDescent", self.window >= 1, "window >= 1", window=self.window)

    def init(self, objective: Objective, point: Point) -> "State":
        gnorm = norm(point.g)
        return State(point, 0.0, 0, self.alpha or (1 / gnorm if gnorm else 1.0), (point.f,), False)

    def step(self, objective: Objective, state: "State") -> "State":
        point = state.point
        if self.rule == "fixed":
            trial = Trial(state.alpha, objective.point(point.x - state.alpha * point.g), 0.0)
            if not trial.point.f < math.inf:
                raise Stop(Reason.DIVERGED, f"alpha={state.alpha} is too long; try a smaller one or rule='armijo'")
        else:
            trial = self._search(objective, state)
        s = trial.point.x - point.x
        alpha = self._next_alpha(point, trial, s, state)
        return State(trial.point, norm(s), 0, alpha, self._recent(state, trial), not state.short)

    def _search(self, objective: Objective, state: "State") -> Trial:
        ray = Ray(objective, state.point, -state.point.g)
        trial = self.search.below(max(state.recent), ray, state.alpha)
        if trial is None:
            raise Stop(Reason.STALLED_AT_PRECISION)
        return trial

    def _recent(self, state: "State", trial: Trial) -> tuple[float, ...]:
        return (*state.recent, trial.point.f)[-self.window :] if self.rule == "barzilai-borwein" else (trial.point.f,)

    def _next_alpha(self, point: Point, trial: Trial, s: Vector, state: "State") -> float:
        if self.rule == "fixed":
            return trial.alpha
        if self.rule == "armijo":
            return 2 * trial.alpha
        y = trial.point.g - point.g
        sy, yy = float(s.dot(y)), float(y.dot(y))
        if not sy > 0:
            return math.sqrt(s.dot(s) / yy) if yy > 0 else 2 * trial.alpha  # 1/|curvature|; 2α took a third more steps
        return min(sy / yy if state.short else float(s.dot(s)) / sy, MAX_GROWTH * trial.alpha)


@dataclass(slots=True)
class State:
    point: Point
    step: float
    inner: int
    alpha: float  # the step to try next
    recent: tuple[float, ...]  # the last values of f
    short: bool  # whose turn it is: the short BB step s·y/y·y or the long one s·s/s·y
