"""Limited-memory BFGS within bounds."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from optkit.checks import require
from optkit.linesearch import LineSearch, Ray, StrongWolfe, Trial
from optkit.objective import Objective
from optkit.point import Point, Vector, first_length, norm
from optkit.prox import Box
from optkit.stopping import Reason, Stop
from optkit.subproblems.bounded_quasi_newton import (
    BoundedMemory,
    generalized_cauchy_point,
    subspace_minimizer,
    to_first_bound,
)
from optkit.subproblems.limited_memory import pairs_kept


@dataclass(frozen=True, slots=True)
class LBFGSB:
    """L-BFGS within bounds: which bounds are active is found along the projected gradient, the rest by quasi-Newton.

    Without bounds it is L-BFGS. The search does not go beyond the first bound on its way. Where it fails at working
    precision the memory is emptied and the projected gradient tried. Cost an iteration: one or two values and
    gradients, 4·memory·n multiplications and, where bounds are active, 4·memory²·n. Byrd, Lu, Nocedal & Zhu 1995;
    Morales & Nocedal 2011 for the subspace step.
    """

    memory: int | None = None  # as in L-BFGS: 10, up to 300 unknowns 30
    search: LineSearch = field(default_factory=StrongWolfe)

    second_order: ClassVar[bool] = False
    terms: ClassVar[tuple] = (Box,)

    def __post_init__(self):
        require("LBFGSB", self.memory is None or self.memory >= 1, "memory >= 1 or None", memory=self.memory)

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
        s = trial.point.x - point.x
        memory.add(s, trial.point.g - point.g)
        return State(trial.point, norm(s), 0, memory)

    def _search(self, objective: Objective, state: "State") -> Trial | None:
        point, box = state.point, objective.box
        try:
            p = _model_minimizer(state, box) - point.x
        except np.linalg.LinAlgError:
            return None
        if not p.any():
            return None
        return self.search(Ray(objective, point, p, max(1.0, to_first_bound(point.x, p, box))), 1.0)


@dataclass(slots=True)
class State:
    point: Point
    step: float
    inner: int
    memory: BoundedMemory


def _model_minimizer(state: State, box: Box) -> Vector:
    """A low point of the quasi-Newton model within the bounds: its minimiser if that lies inside.

    Without memory the projected gradient step, as long as twice the last step, at the start as 1.
    """
    (x, _, g), pairs = state.point, state.memory.pairs
    if pairs.count == 0:
        theta = norm(g) / (2 * state.step or first_length(x))
        return box.prox(x - g / theta, 1.0)
    newton = x + pairs.direction(g)
    if (newton == box.prox(newton, 1.0)).all():
        return newton
    compact = state.memory.compact()
    return subspace_minimizer(x, g, box, compact, generalized_cauchy_point(x, g, box, compact))
