"""Projected gradients, for any set that can be projected onto."""

import math
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from optkit.checks import require
from optkit.linesearch import LineSearch, MaxOfWindow, Ray
from optkit.linesearch.arc import ArcArmijo
from optkit.objective import Objective
from optkit.point import Point, Vector, norm
from optkit.stopping import Reason, Stop

RULES = ("spectral", "armijo")
RANGE = 1e30  # the spectral step stays within its reciprocal and it; Birgin, Martínez & Raydan 2000 §3


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
        gnorm = norm(point.g)
        return State(point, 0.0, 0, 1 / gnorm if gnorm else 1.0)

    def step(self, objective: Objective, state: "State") -> "State":
        return self._spectral(objective, state) if self.rule == "spectral" else self._along_the_arc(objective, state)

    def _spectral(self, objective: Objective, state: "State") -> "State":
        point = state.point
        trial = None
        for lam in (state.alpha, (2 * state.step or 1.0) / norm(point.g)):
            p = _towards(objective, point, lam)
            trial = self.search(Ray(objective, point, p, 1.0), 1.0)
            if trial is not None:
                break
        else:
            raise Stop(Reason.STALLED_AT_PRECISION)
        s, y = trial.point.x - point.x, trial.point.g - point.g
        ss, sy = float(s.dot(s)), float(s.dot(y))
        lam = ss / sy if sy > 0 else math.sqrt(ss / y.dot(y)) if y.any() else 2 * lam
        return State(trial.point, math.sqrt(ss), 0, min(max(lam, 1 / RANGE), RANGE))

    def _along_the_arc(self, objective: Objective, state: "State") -> "State":
        point = state.point
        found = self.arc(objective, point, lambda alpha: _projected(objective, point, alpha),
                         lambda _, x: float(point.g.dot(point.x - x)), 0.0, state.alpha)
        if found is None:
            raise Stop(Reason.STALLED_AT_PRECISION)
        alpha, trial = found
        return State(trial, norm(trial.x - point.x), 0, 2 * alpha)


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
