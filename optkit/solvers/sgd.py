"""Stochastic gradient descent on finite sums."""

import math
from dataclasses import dataclass, fields
from typing import ClassVar

from optkit.batches import first_step, shuffled
from optkit.checks import require, typed
from optkit.objective import Objective
from optkit.point import Point, norm
from optkit.stopping import Reason, Stop


@dataclass(frozen=True, slots=True)
class SGD:
    """Steps along gradients over `batch` rows of an optkit.FiniteSum, reshuffled each epoch. Cheap and rough.

    An iteration is an epoch: a step for each batch, then f and its gradient at the end of it, so that the gradient test
    means what it means everywhere. The step is alpha/(1 + k)^power, k the number of epochs that did not lower f: it
    stays while it helps, and falls as Robbins and Monro want once only noise is left. So a few digits come fast, many
    never: `svrg` goes on. An epoch that ends above f(x0), or not finite, is undone and the step halved.
    Cost an iteration: njev 2 (the batches of an epoch together, and the gradient at its end), nfev 1.
    Robbins & Monro 1951; Bottou, Curtis & Nocedal 2018, SIAM Review 60, §4.
    """

    batch: int = 32  # rows a step; the last of an epoch may have fewer, and its step is as much shorter
    alpha: float | None = None  # first step; None is 1/L, L the largest curvature at x0, by 8 products
    power: float = 1.0  # of the decay: 1/2 < power <= 1
    seed: int = 0
    maxls: int = 60  # epochs undone in a row

    second_order: ClassVar[bool] = False
    finite_sum: ClassVar[bool] = True

    def __post_init__(self):
        for name, value in typed(type(self), {field.name: getattr(self, field.name) for field in fields(self)}).items():
            object.__setattr__(self, name, value)
        require("SGD", self.batch >= 1, "batch >= 1", batch=self.batch)
        require("SGD", self.alpha is None or 0 < self.alpha < math.inf, "0 < alpha < inf", alpha=self.alpha)
        require("SGD", 0.5 < self.power <= 1, "0.5 < power <= 1", power=self.power)
        require("SGD", self.seed >= 0, "seed >= 0", seed=self.seed)
        require("SGD", self.maxls >= 1, "maxls >= 1", maxls=self.maxls)

    def init(self, objective: Objective, point: Point) -> "State":
        rows = objective.rows()
        return State(point, 0.0, 0, rows, self.alpha or first_step(objective, point), point.f, 0, 0)

    def step(self, objective: Objective, state: "State") -> "State":
        point, alpha, turn = state.point, state.alpha, state.turn
        for _ in range(self.maxls):
            x, steps = point.x, 0
            length = alpha / (1 + state.idle) ** self.power
            for rows, share in shuffled(state.rows, self.batch, self.seed, turn):
                x = x - length * share * objective.batch_gradient(x, rows)
                steps += 1
            end, turn = objective.point(x), turn + 1
            if end.f <= max(state.ceiling, point.f):
                idle = state.idle + (not end.f < point.f)
                return State(end, norm(end.x - point.x), steps, state.rows, alpha, state.ceiling, idle, turn)
            alpha *= 0.5
        raise Stop(Reason.STALLED_AT_PRECISION)


@dataclass(slots=True)
class State:
    point: Point
    step: float
    inner: int  # steps of the epoch
    rows: int
    alpha: float
    ceiling: float  # f at the start, above which no epoch may end
    idle: int  # epochs that did not lower f
    turn: int  # epochs begun, which numbers their order of rows
