"""Limited-memory BFGS."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from scipy.linalg.blas import dtrsv

from optkit.checks import require
from optkit.linesearch import LineSearch, Ray, StrongWolfe
from optkit.objective import Objective
from optkit.point import Point, Vector, norm
from optkit.stopping import Reason, Stop


@dataclass(frozen=True, slots=True)
class LBFGS:
    """Quasi-Newton from the last `memory` steps and gradient changes, with a strong Wolfe line search.

    The default for large n. A line search that fails at working precision empties the memory and tries steepest descent
    once. Cost an iteration: one or two values and gradients, 4·memory·n multiplications. Liu & Nocedal 1989.
    """

    memory: int | None = None  # None: 10, up to 300 unknowns 30 (2 µs an iteration more, a tenth fewer evaluations)
    search: LineSearch = field(default_factory=StrongWolfe)

    second_order: ClassVar[bool] = False

    def __post_init__(self):
        require("LBFGS", self.memory is None or self.memory >= 1, "memory >= 1 or None", memory=self.memory)

    def init(self, objective: Objective, point: Point) -> "State":
        m = self.memory or (30 if objective.n <= 300 else 10)
        return State(point, Memory(m, objective.n), 0.0, 0)

    def step(self, objective: Objective, state: "State") -> "State":
        point, memory = state.point, state.memory
        p = memory.direction(point.g)
        trial = self.search(Ray(objective, point, p), 1.0 if memory.count else _first_alpha(state))
        if trial is None and memory.count:
            memory.clear()
            trial = self.search(Ray(objective, point, -point.g), _first_alpha(state))
        if trial is None:
            raise Stop(Reason.STALLED_AT_PRECISION)
        s = trial.point.x - point.x
        memory.add(s, trial.point.g - point.g)
        return State(trial.point, memory, norm(s), 0)


@dataclass(slots=True)
class State:
    point: Point
    memory: "Memory"
    step: float
    inner: int


def _first_alpha(state: State) -> float:
    """For the direction −g: twice the last step, at the start a step of length 1 (Liu & Nocedal's 1/‖g‖)."""
    return (2 * state.step or 1.0) / norm(state.point.g)


class Memory:
    """The last m pairs (s, y), and R with R_ij = s_i·y_j for i <= j in order of age, all allocated once.

    S and Y are rings: row `head` is the oldest once they are full.
    """

    def __init__(self, m: int, n: int):
        self.m, self.count, self.head, self.gamma = m, 0, 0, 1.0
        self.S, self.Y = np.empty((m, n)), np.empty((m, n))
        self.R, self.D = np.zeros((m, m), order="F"), np.empty(m)
        self.by_age = [(np.arange(m) + h) % m for h in range(m)]
        self.by_row = [(np.arange(m) - h) % m for h in range(m)]

    def clear(self) -> None:
        self.count = self.head = 0

    def direction(self, g: Vector) -> Vector:
        """−H g by the two-loop recursion (Nocedal & Wright alg. 7.4), each loop as the triangular solve it is.

        First loop: R a = S g, q = g − Yᵀa. Second loop: Rᵀ d = D a − γ Y q, H g = γ q + Sᵀd, with D = diag(sᵢ·yᵢ).
        """
        k = self.count
        if k == 0:
            return -g
        S, Y, R, D = self.S[:k], self.Y[:k], self.R[:k, :k], self.D[:k]
        age, row = (self.by_age[self.head], self.by_row[self.head]) if k == self.m else (slice(k), slice(k))
        a = dtrsv(R, S.dot(g)[age])
        q = g - a[row].dot(Y)
        d = dtrsv(R, D * a - self.gamma * Y.dot(q)[age], trans=1)
        q *= -self.gamma
        q -= d[row].dot(S)
        return q

    def add(self, s: Vector, y: Vector) -> None:
        """Take in a pair, in place of the oldest if full; a pair without positive curvature is left out."""
        sy, yy = float(s.dot(y)), float(y.dot(y))
        if not sy > 2.2e-16 * yy:  # Byrd, Lu, Nocedal & Zhu 1995 §3
            return
        k, m, R, D = self.count, self.m, self.R, self.D
        if k == m:
            R[:-1, :-1] = R[1:, 1:]
            D[:-1] = D[1:]
            row, self.head, k = self.head, (self.head + 1) % m, k - 1
        else:
            row, self.count = k, k + 1
        self.S[row], self.Y[row] = s, y
        column = self.S[: k + 1].dot(y)
        R[: k + 1, k] = column[self.by_age[self.head]] if self.count == m else column
        D[k] = R[k, k] = sy
        self.gamma = sy / yy
