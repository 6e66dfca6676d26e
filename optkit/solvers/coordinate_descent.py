"""One unknown at a time."""

import math
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from optkit.checks import require
from optkit.linesearch import Armijo, LineSearch, Ray, Trial
from optkit.objective import Objective
from optkit.point import Point, Vector, first_length, norm
from optkit.prox import Box
from optkit.stopping import Reason, Stop

RULES = ("gauss-southwell", "cyclic", "random")
CURVATURES = ("secant", "hessian")
EASE = 0.25  # of the curvature along an unknown where it shows to be none, or negative: the next step is as much longer


@dataclass(frozen=True, slots=True)
class CoordinateDescent:
    """Minimises along one unknown after the other: for f whose unknowns hardly interact. Copes with bounds.

    An iteration is a sweep of up to n steps. rule : "cyclic", "random" (each unknown once, in an order drawn by seed
        and sweep) or "gauss-southwell" (always the unknown that promises the largest fall, g_i²/h_i).
    curvature : a step along x_i is the Newton step −g_i/h_i, exact on a quadratic, guarded by `search`; h_i is from
        the derivatives at the ends of the last step along x_i ("secant"), or of one product each ("hessian").
    Cost an iteration: about n values and gradients, as f is not taken apart and one derivative costs them all; with
    "hessian", n linearisations and products too. Nesterov 2012, SIAM J. Optim. 22 (random); Nutini et al. 2015
    (Gauss–Southwell–Lipschitz); Wright 2015, Math. Program. 151.
    """

    rule: str = "gauss-southwell"
    curvature: str = "secant"
    seed: int = 0
    search: LineSearch = field(default_factory=Armijo)

    second_order: ClassVar[bool] = False
    terms: ClassVar[tuple] = (Box,)

    def __post_init__(self):
        require("CoordinateDescent", self.rule in RULES, f"rule one of {RULES}", rule=self.rule)
        require("CoordinateDescent", self.curvature in CURVATURES, f"curvature one of {CURVATURES}",
                curvature=self.curvature)
        require("CoordinateDescent", self.seed >= 0, "seed >= 0", seed=self.seed)

    def init(self, objective: Objective, point: Point) -> "State":
        return State(point, 0.0, 0, np.full(objective.n, (norm(point.g) or 1.0) / first_length(point.x)), 0)

    def step(self, objective: Objective, state: "State") -> "State":
        point, h, box = state.point, state.h.copy(), objective.box
        order = self._order(objective.n, state.sweep)
        stuck, steps = np.zeros(objective.n, dtype=bool), 0
        for k in range(objective.n):
            downhill = np.where(stuck, 0.0, _downhill(point, box))
            i = int(np.argmax(np.abs(downhill) / np.sqrt(h))) if order is None else int(order[k])
            trial = self._along(objective, point, i, downhill[i], h, box) if downhill[i] else None
            stuck[i] = trial is None
            if trial is not None:
                point, steps = trial.point, steps + 1
        if not steps:
            raise Stop(Reason.STALLED_AT_PRECISION)
        return State(point, norm(point.x - state.point.x), steps, h, state.sweep + 1)

    def _order(self, n: int, sweep: int) -> Vector | None:
        """The unknowns of a sweep; None where the gradient chooses."""
        if self.rule == "gauss-southwell":
            return None
        return np.arange(n) if self.rule == "cyclic" else np.random.default_rng((self.seed, sweep)).permutation(n)

    def _along(self, objective: Objective, point: Point, i: int, downhill: float, h: Vector, box: Box) -> Trial | None:
        """The step along x_i, None where none helps; h_i becomes the curvature seen."""
        p = np.zeros(objective.n)
        p[i] = math.copysign(1.0, downhill)
        if self.curvature == "hessian":
            h[i] = _curvature(float(objective.hvp(point.x)(p)[i] * p[i]), h[i])
        room = box.upper[i] - point.x[i] if downhill > 0 else point.x[i] - box.lower[i]
        ray = Ray(objective, point, p, float(room))
        trial = self.search(ray, min(abs(downhill) / h[i], ray.longest))
        if trial is None or trial.point.x[i] == point.x[i]:
            return None
        if self.curvature == "secant":
            h[i] = _curvature((trial.slope - ray.slope) / trial.alpha, h[i])
        return trial


@dataclass(slots=True)
class State:
    point: Point
    step: float
    inner: int  # unknowns moved in the sweep
    h: Vector  # the curvature along each unknown
    sweep: int


def _downhill(point: Point, box: Box) -> Vector:
    """−g, 0 where a bound is in the way."""
    blocked = ((point.x <= box.lower) & (point.g > 0)) | ((point.x >= box.upper) & (point.g < 0))
    return np.where(blocked, 0.0, -point.g)


def _curvature(seen: float, before: float) -> float:
    """The curvature to use: what was seen if positive."""
    return seen if 0 < seen < math.inf else max(EASE * before, 1e-300)
