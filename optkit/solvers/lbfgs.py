"""Limited-memory BFGS."""

from dataclasses import dataclass, field
from typing import ClassVar

from optkit.checks import require
from optkit.linesearch import LineSearch, Ray, StrongWolfe, downhill
from optkit.objective import Objective
from optkit.point import Point, first_length, norm
from optkit.stopping import Reason, Stop
from optkit.subproblems.limited_memory import Memory, pairs_kept


@dataclass(frozen=True, slots=True)
class LBFGS:
    """Quasi-Newton from the last `memory` steps and gradient changes, with a strong Wolfe line search.

    The default for large n. A line search that fails at working precision empties the memory and tries steepest descent
    once. Cost an iteration: one or two values and gradients, 4·memory·n multiplications. Liu & Nocedal 1989.
    """

    memory: int | None = None  # None: 10, up to 300 unknowns 30
    search: LineSearch = field(default_factory=StrongWolfe)

    second_order: ClassVar[bool] = False

    def __post_init__(self):
        require("LBFGS", self.memory is None or self.memory >= 1, "memory >= 1 or None", memory=self.memory)

    def init(self, objective: Objective, point: Point) -> "State":
        return State(point, Memory.empty(pairs_kept(self.memory, objective.n), objective.n), 0.0, 0)

    def step(self, objective: Objective, state: "State") -> "State":
        point, memory = state.point, state.memory
        trial = self.search(Ray(objective, point, memory.direction(point.g)), 1.0) if memory.count else None
        if trial is None:
            memory.clear()
            trial = self.search(*downhill(objective, point, 2 * state.step or first_length(point.x)))
        if trial is None:
            raise Stop(Reason.STALLED_AT_PRECISION)
        s = trial.point.x - point.x
        memory.add(s, trial.point.g - point.g)
        return State(trial.point, memory, norm(s), 0)


@dataclass(slots=True)
class State:
    point: Point
    memory: Memory
    step: float
    inner: int
