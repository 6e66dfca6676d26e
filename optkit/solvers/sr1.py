"""Symmetric rank-one updates in a trust region."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from optkit.checks import require
from optkit.objective import Objective
from optkit.point import Point, Vector, first_length, norm
from optkit.stopping import Reason, Stop
from optkit.subproblems.more_sorensen import MoreSorensen
from optkit.trust_region import DELTA_MAX, require_radii, trust_region_step

WILD = 1e3  # rejected trials where g changes by more than this times itself teach nothing about here (Osborne 1: 1e45)


@dataclass(frozen=True, slots=True)
class SR1:
    """Quasi-Newton whose matrix may be indefinite, in a trust region: learns curvature from every trial, taken or not.

    B starts as ‖g‖I until a first pair scales it, by y·y/s·y where that is positive. The subproblem is solved exactly.
    Where no trial can be taken B starts anew once. Cost an iteration: one value and gradient a trial, and for each two
    or three Cholesky factorisations, n³/3 multiplications each; memory n². Conn, Gould & Toint 1991; Nocedal & Wright
    alg. 6.2.
    """

    delta0: float | None = None  # first radius; None is max(1, ‖x0‖/10)
    delta_max: float = DELTA_MAX
    eta: float = 1e-3  # Nocedal & Wright alg. 6.2
    r: float = 1e-8  # Nocedal & Wright (6.26): pairs with |s·(y − Bs)| < r ‖s‖ ‖y − Bs‖ are left out
    tol: float = 1e-6  # of the subproblem, relative: a fifth more factorisations than 1e-2, but no trace in the path

    second_order: ClassVar[bool] = False

    def __post_init__(self):
        require_radii("SR1", self.delta0, self.delta_max)
        require("SR1", 0 <= self.eta < 0.25, "0 <= eta < 0.25", eta=self.eta)
        require("SR1", 0 < self.r < 1, "0 < r < 1", r=self.r)
        require("SR1", 0 < self.tol < 1, "0 < tol < 1", tol=self.tol)

    def init(self, objective: Objective, point: Point) -> "State":
        delta = min(self.delta0 or max(1.0, 0.1 * norm(point.x)), self.delta_max)
        return State(point, 0.0, 0, delta, norm(point.g) / first_length(point.x) * np.eye(objective.n), False)

    def step(self, objective: Objective, state: "State") -> "State":
        try:
            return self._step(objective, state)
        except Stop as stop:
            if stop.reason is not Reason.STALLED_AT_PRECISION or not state.known:
                raise
        return self._step(objective, self.init(objective, state.point))

    def _step(self, objective: Objective, state: "State") -> "State":
        point, B, known = state.point, state.B, state.known

        def learn(trial: Point) -> None:
            nonlocal known
            y = trial.g - point.g
            if trial.f <= point.f or norm(y) <= WILD * norm(point.g):
                known = self._update(B, known, trial.x - point.x, y)

        taken = trust_region_step(objective, point, state.delta,
                                  lambda delta: MoreSorensen(B, point.g, self.tol)(delta),
                                  eta=self.eta, delta_max=self.delta_max, rejected=learn)
        learn(taken.point)
        return State(taken.point, taken.length, taken.inner, taken.delta, B, known)

    def _update(self, B: Vector, known: bool, s: Vector, y: Vector) -> bool:
        """B + vvᵀ/s·v in place, v = y − Bs; says whether B holds a pair."""
        sy, size = float(s.dot(y)), norm(y)
        if not known and sy > 0 and 0 < size / sy * size < np.inf:
            B[:] = size / sy * size * np.eye(len(s))
        v = y - B.dot(s)
        sv = float(s.dot(v))
        if not abs(sv) > self.r * norm(s) * norm(v):
            return known or sy > 0
        B += np.outer(v / sv, v)
        return True


@dataclass(slots=True)
class State:
    point: Point
    step: float
    inner: int
    delta: float
    B: Vector  # (n, n)
    known: bool  # False until a pair was taken in
