"""Orthant-wise limited-memory quasi-Newton, for ℓ1 penalties."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from optkit.checks import require
from optkit.linesearch.arc import ArcArmijo
from optkit.objective import Objective
from optkit.point import Point, Vector, first_length, norm
from optkit.prox import L1
from optkit.stopping import Reason, Stop
from optkit.subproblems.bounded_quasi_newton import BoundedMemory
from optkit.subproblems.limited_memory import pairs_kept


@dataclass(frozen=True, slots=True)
class OWLQN:
    """L-BFGS for f + Σ w|x|: within one orthant at a time, where the penalty is linear; zeros come out exact.

    The direction is that of L-BFGS for the pseudo-gradient over the entries that may move, less those that would leave
    0 uphill; along it what leaves the orthant is set to 0 (where w > 0). A search that fails empties the memory. Cost
    an iteration: one or two values and a gradient, 4·memory²·n multiplications. Andrew & Gao 2007. With the subspace
    step, and entries that are not 0 left unaligned, as in Keskar, Nocedal, Oztoprak & Waechter 2016, lasso problems
    take a tenth of the evaluations.
    """

    memory: int | None = None  # as in L-BFGS: 10, up to 300 unknowns 30
    arc: ArcArmijo = field(default_factory=ArcArmijo)  # c1 = 1e-4 as the paper

    second_order: ClassVar[bool] = False
    terms: ClassVar[tuple] = (L1,)

    def __post_init__(self):
        require("OWLQN", self.memory is None or self.memory >= 1, "memory >= 1 or None", memory=self.memory)

    def init(self, objective: Objective, point: Point) -> "State":
        return State(point, 0.0, 0, BoundedMemory.empty(pairs_kept(self.memory, objective.n), objective.n))

    def step(self, objective: Objective, state: "State") -> "State":
        point, memory = state.point, state.memory
        trial = self._search(objective, state)
        if trial is None and memory.pairs.count:
            memory.pairs.clear()
            trial = self._search(objective, state)
        if trial is None:
            raise Stop(Reason.STALLED_AT_PRECISION)
        s = trial.x - point.x
        memory.add(s, trial.g - point.g)
        return State(trial, norm(s), 0, memory)

    def _search(self, objective: Objective, state: "State") -> Point | None:
        point, memory = state.point, state.memory
        weight = objective.term.weight if isinstance(objective.term, L1) else 0.0
        downhill = -pseudo_gradient(point, weight)
        try:
            p = memory.direction_on((point.x != 0) | (downhill != 0), -downhill)
        except np.linalg.LinAlgError:
            return None
        smooth = np.asarray(weight == 0)
        p = np.where(smooth | (point.x != 0) | (p * downhill > 0), p, 0.0)
        orthant = np.sign(np.where(point.x == 0, downhill, point.x))

        def path(alpha: float) -> Vector:
            x = point.x + alpha * p
            return np.where(smooth | (x * orthant > 0), x, 0.0)

        alpha = 1.0 if memory.pairs.count else (2 * state.step or first_length(point.x)) / norm(downhill)
        found = self.arc(objective, point, path, lambda _, x: float(downhill.dot(x - point.x)), weight * orthant, alpha)
        return found and found[1]


@dataclass(slots=True)
class State:
    point: Point
    step: float
    inner: int
    memory: BoundedMemory


def pseudo_gradient(point: Point, weight: Any) -> Vector:
    """The subgradient of f + Σ w|x| of least norm: −(it) is the direction of steepest descent."""
    x, _, g = point
    return np.where(x == 0, g - np.clip(g, -weight, weight), g + weight * np.sign(x))
