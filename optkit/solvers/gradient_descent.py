"""Gradient descent, with any step rule and any line search."""

import dataclasses
import math
from dataclasses import dataclass
from typing import ClassVar

from optkit.checks import require
from optkit.linesearch import Armijo, LineSearch, Ray, Trial
from optkit.objective import Objective
from optkit.point import Point, first_length, magnitude, norm
from optkit.step_rules import RULES, Fixed, Memory, StepRule
from optkit.stopping import Reason, Stop

FALLBACK = Armijo()
TINY = 1e-300  # so that 1/‖g‖ is finite


@dataclass(frozen=True, slots=True)
class GradientDescent:
    """Steps along −g. `rule` says how long: "barzilai-borwein" (far the fastest), "armijo" (f never rises), …

    rule : a name or object of optkit.step_rules.
        "fixed" takes `alpha`, which must be given; "armijo" backtracks from twice the last step; "exact" minimises a
        quadratic along −g by one Hessian-vector product; "barzilai-borwein" lets f rise now and then; "polyak" takes
        (f − f_star)/‖g‖²; "adaptive" (Malitsky & Mishchenko) needs no line search where f is convex.
    search : a line search in place of the rule's own. Cost an iteration: a value and a gradient, now and then a few
    values. Cauchy 1847; each rule names its paper.
    """

    rule: str | StepRule = "barzilai-borwein"
    alpha: float | None = None  # fixed: the step; otherwise the first one, None for a first step of length 1
    f_star: float | None = None  # polyak: the least value of f
    window: int = 10  # barzilai-borwein: of values of f, Raydan 1997
    search: LineSearch | None = None

    second_order: ClassVar[bool] = False

    def __post_init__(self):
        named = isinstance(self.rule, str)
        require("GradientDescent", not named or self.rule in RULES, f"rule one of {tuple(RULES)}", rule=self.rule)
        require("GradientDescent", self.alpha is None or 0 < self.alpha < math.inf, "0 < alpha < inf", alpha=self.alpha)
        require("GradientDescent", self.f_star is None or self.rule == "polyak", "f_star only with rule='polyak'",
                rule=self.rule, f_star=self.f_star)
        self._rule()

    def init(self, objective: Objective, point: Point) -> "State":
        return State(point, 0.0, 0, None, self.alpha or first_length(point.x) / max(norm(point.g), TINY), ())

    def step(self, objective: Objective, state: "State") -> "State":
        point, rule = state.point, self._rule()
        alpha, memory = rule.propose(objective, point, state.before, state.alpha, state.memory)
        search = self.search or rule.search(state.before is None)
        unit = magnitude(point.g)
        ray = Ray(objective, point, -point.g / unit)
        trial = search(ray, unit * alpha) or self._rescue(rule, ray, unit * alpha)
        return State(trial.point, norm(trial.point.x - point.x), 0, point, trial.alpha / unit, memory)

    def _rescue(self, rule: StepRule, ray: Ray, alpha: float) -> Trial:
        """Backtracking, where the search found nothing; a fixed step has no other."""
        if isinstance(rule, Fixed) and self.search is None:
            raise Stop(Reason.DIVERGED, f"alpha={rule.alpha} is too long; try a smaller one or rule='armijo'")
        trial = FALLBACK(ray, alpha)
        if trial is None or (trial.point.x == ray.x).all():
            raise Stop(Reason.STALLED_AT_PRECISION)
        return trial

    def _rule(self) -> StepRule:
        """The rule itself, those named made with what is given here for them."""
        if not isinstance(self.rule, str):
            return self.rule
        cls = RULES[self.rule]
        mine = {field.name for field in dataclasses.fields(cls)} & {"alpha", "f_star", "window"}
        return cls(**{name: getattr(self, name) for name in mine})


@dataclass(slots=True)
class State:
    point: Point
    step: float
    inner: int
    before: Point | None  # the point before, None at the start
    alpha: float  # the step taken from it; at the start, the first one to try
    memory: Memory  # the rule's
