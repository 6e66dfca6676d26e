"""Stochastic gradients without their noise, on finite sums."""

import math
from dataclasses import dataclass, fields
from typing import ClassVar

from optkit.batches import first_step, shuffled
from optkit.checks import require, typed
from optkit.objective import ROUNDING, Objective
from optkit.point import Point, Vector, norm
from optkit.stopping import Reason, Stop


@dataclass(frozen=True, slots=True)
class SVRG:
    """Stochastic variance-reduced gradients on an optkit.FiniteSum: as cheap as SGD, and converges to any precision.

    An iteration is an epoch from a snapshot x̃ with its full gradient μ: x ← x − α (g_B(x) − g_B(x̃) + μ) over `passes`
    shuffled passes of batches B. Linear on strongly convex sums. The step backtracks by epochs: one that does not lower
    f is undone and α halved, another lets α grow by `grow`; so f never rises, but for rounding.
    Cost an iteration: njev 2·passes + 1, nfev 1, as much again for each epoch undone. Johnson & Zhang 2013, NIPS 26.
    """

    batch: int = 8  # rows a step; the last of a pass may have fewer, and its step is as much shorter
    passes: int = 2  # Johnson & Zhang 2013 §5 for convex sums
    alpha: float | None = None  # first step; None is 1/L, L the largest curvature at x0, by 8 products
    grow: float = 1.2
    seed: int = 0
    maxls: int = 60

    second_order: ClassVar[bool] = False
    finite_sum: ClassVar[bool] = True

    def __post_init__(self):
        for name, value in typed(type(self), {field.name: getattr(self, field.name) for field in fields(self)}).items():
            object.__setattr__(self, name, value)
        require("SVRG", self.batch >= 1, "batch >= 1", batch=self.batch)
        require("SVRG", self.passes >= 1, "passes >= 1", passes=self.passes)
        require("SVRG", self.alpha is None or 0 < self.alpha < math.inf, "0 < alpha < inf", alpha=self.alpha)
        require("SVRG", self.grow >= 1, "grow >= 1", grow=self.grow)
        require("SVRG", self.seed >= 0, "seed >= 0", seed=self.seed)
        require("SVRG", self.maxls >= 1, "maxls >= 1", maxls=self.maxls)

    def init(self, objective: Objective, point: Point) -> "State":
        rows = objective.rows()
        return State(point, 0.0, 0, rows, self.alpha or first_step(objective, point), 0)

    def step(self, objective: Objective, state: "State") -> "State":
        point, alpha, turn = state.point, state.alpha, state.turn
        for _ in range(self.maxls):
            x, steps = self._epoch(objective, point, state.rows, alpha, turn)
            end, turn = objective.point(x), turn + self.passes
            if self._lower(point, end) and not (end.x == point.x).all():
                return State(end, norm(end.x - point.x), steps, state.rows, self.grow * alpha, turn)
            alpha *= 0.5
        raise Stop(Reason.STALLED_AT_PRECISION)

    def _epoch(self, objective: Objective, point: Point, rows: int, alpha: float, turn: int) -> tuple[Vector, int]:
        """Where the steps from the snapshot lead, and their number."""
        x, steps = point.x, 0
        for k in range(self.passes):
            for part, share in shuffled(rows, self.batch, self.seed, turn + k):
                noise = objective.batch_gradient(x, part) - objective.batch_gradient(point.x, part)
                x = x - alpha * share * (noise + point.g)
                steps += 1
        return x, steps

    def _lower(self, point: Point, end: Point) -> bool:
        """Whether f fell; where that is rounding, whether the gradient did."""
        noise = ROUNDING * abs(point.f)
        return end.f < point.f - noise or (abs(end.f - point.f) <= noise and norm(end.g) < norm(point.g))


@dataclass(slots=True)
class State:
    point: Point
    step: float
    inner: int  # steps of the epoch
    rows: int
    alpha: float  # the step to try next
    turn: int  # passes begun, which numbers their order of rows
