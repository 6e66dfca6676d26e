"""Projected gradients, for any set that can be projected onto."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from optkit.checks import require
from optkit.linesearch import LineSearch, MaxOfWindow, Ray
from optkit.linesearch.arc import ArcArmijo
from optkit.linesearch.ray import Trial
from optkit.objective import Objective
from optkit.point import Point, Vector, first_length, norm
from optkit.prox.term import TRUSTED
from optkit.stopping import Reason, Stop

RULES = ("spectral", "armijo")
RANGE = 1e300  # the spectral step stays within its reciprocal and it; 1e30 in Birgin, Martínez & Raydan 2000 §3


@dataclass(frozen=True, slots=True)
class ProjectedGradient:
    """Steps towards P(x − λg), for a convex set known by its projection P. `rule` is "spectral" or "armijo".

    spectral : λ = s·s/s·y, then `search` on the straight line to P(x − λg); f may rise now and then, and it is far
        faster. Birgin, Martínez & Raydan 2000, SPG2.
    armijo : backtracking along the path α ↦ P(x − αg), from twice the last α; f never rises. Bertsekas 1976.
    Cost an iteration: a projection, a value and a gradient, now and then a few values.
    """

    rule: str = "spectral"
    search: LineSearch = field(default_factory=MaxOfWindow)  # spectral; 10 values, as the paper
    arc: ArcArmijo = field(default_factory=ArcArmijo)  # armijo

    second_order: ClassVar[bool] = False
    takes_sets: ClassVar[bool] = True

    def __post_init__(self):
        require("ProjectedGradient", self.rule in RULES, f"rule one of {RULES}", rule=self.rule)

    def init(self, objective: Objective, point: Point) -> "State":
        return State(point, 0.0, 0, min(first_length(point.x) / (norm(point.g) or 1.0), RANGE))

    def step(self, objective: Objective, state: "State") -> "State":
        return self._spectral(objective, state) if self.rule == "spectral" else self._along_the_arc(objective, state)

    def _spectral(self, objective: Objective, state: "State") -> "State":
        point = state.point
        trial = None
        for lam in (state.alpha, (2 * state.step or first_length(point.x)) / norm(point.g)):
            p = _towards(objective, point, lam)
            trial = self.search(Chord(objective, point, p, lam), 1.0)
            if trial is not None:
                break
        else:
            raise Stop(Reason.STALLED_AT_PRECISION)
        s, y = trial.point.x - point.x, trial.point.g - point.g
        length, bend, sy = norm(s), norm(y), float(s.dot(y))
        lam = length / sy * length if sy > 0 else length / bend if bend > 0 else 2 * lam
        return State(trial.point, length, 0, min(max(lam, 1 / RANGE), RANGE))

    def _along_the_arc(self, objective: Objective, state: "State") -> "State":
        point = state.point
        found = self.arc(objective, point, lambda alpha: _projected(objective, point, alpha),
                         lambda _, x: float(point.g.dot(point.x - x)), 0.0, state.alpha)
        if found is None:
            raise Stop(Reason.STALLED_AT_PRECISION)
        alpha, trial = found
        return State(trial, norm(trial.x - point.x), 0, 2 * alpha)


class Chord(Ray):
    """To x + p = P(x − λg): φ' free of what rounding makes of p times the part of g across the set.

    Where g·p is nothing but that, −‖p‖²/λ stands for it, which it is at most; φ'(α) − φ'(0) = (g(α) − g)·p.
    """

    __slots__ = ("g",)

    def __init__(self, objective: Objective, point: Point, p: Vector, lam: float):
        super().__init__(objective, point, p, 1.0)
        self.g = point.g
        if abs(self.slope) <= TRUSTED * float(np.abs(point.g) @ np.abs(point.x)):
            self.slope = -norm(p) / lam * norm(p)

    def complete(self, alpha: float, x: Vector) -> Trial:
        point = self.objective.point(x)
        return Trial(alpha, point, self.slope + float((point.g - self.g).dot(self.p)))


@dataclass(slots=True)
class State:
    point: Point
    step: float
    inner: int
    alpha: float  # λ or α to try next


def _towards(objective: Objective, point: Point, t: float) -> Vector:
    """P(x − t g) − x; without bounds or within them also where t g is lost in the rounding of x."""
    box = objective.box
    if objective.term is None or objective.term is box:
        return np.minimum(np.maximum(-t * point.g, box.lower - point.x), box.upper - point.x)
    return _projected(objective, point, t) - point.x


def _projected(objective: Objective, point: Point, t: float) -> Vector:
    """P(x − t g)."""
    v = point.x - t * point.g
    return v if objective.term is None else objective.term.prox(v, t)
