"""Truncated Newton with a line search."""

import math
from dataclasses import dataclass, field
from typing import ClassVar

from optkit.checks import require
from optkit.linesearch import LineSearch, Ray, StrongWolfe
from optkit.objective import Objective
from optkit.point import Point, Vector, norm
from optkit.stopping import Reason, Stop
from optkit.subproblems import CG, truncated_cg


@dataclass(frozen=True, slots=True)
class NewtonCG:
    """Newton's equations solved by CG no more exactly than pays, then a strong Wolfe line search.

    Where CG meets a direction of negative curvature, the step goes on along it. The forcing term η, ‖Hp + g‖ <= η‖g‖,
    is choice 2 of Eisenstat & Walker 1996, safeguarded: η_k = gamma (‖g_k‖/‖g_{k−1}‖)^power. Cost an iteration: one
    linearisation, a few Hessian-vector products, one or two values and gradients.
    Dembo & Steihaug 1983; Nocedal & Wright §7.1.
    """

    eta0: float = 0.24  # of 0.1 … 0.5, with c2 of 0.3 … 0.9: fewest f, g and Hv on Rosenbrock n = 100
    eta_max: float = 0.24
    gamma: float = 0.9  # Eisenstat & Walker 1996, also the power
    power: float = 0.5 * (1 + math.sqrt(5))
    maxcg: int | None = None  # products a step; None is 2n, at least 20: rounding makes CG need more than n
    search: LineSearch = field(default_factory=lambda: StrongWolfe(c2=0.5))

    second_order: ClassVar[bool] = True

    def __post_init__(self):
        require("NewtonCG", 0 < self.eta0 < 1, "0 < eta0 < 1", eta0=self.eta0)
        require("NewtonCG", 0 < self.eta_max < 1, "0 < eta_max < 1", eta_max=self.eta_max)
        require("NewtonCG", 0 < self.gamma <= 1, "0 < gamma <= 1", gamma=self.gamma)
        require("NewtonCG", 1 < self.power <= 2, "1 < power <= 2", power=self.power)
        require("NewtonCG", self.maxcg is None or self.maxcg >= 1, "maxcg >= 1 or None", maxcg=self.maxcg)

    def init(self, objective: Objective, point: Point) -> "State":
        return State(point, 0.0, 0, self.eta0, 0.0)

    def step(self, objective: Objective, state: "State") -> "State":
        point = state.point
        gnorm = norm(point.g)
        eta = self._forcing(state, gnorm)
        cg = truncated_cg(objective.hvp(point.x), point.g, eta * gnorm, self.maxcg or max(20, 2 * objective.n))
        p, alpha = (cg.p, 1.0) if cg.d is None else _along_negative_curvature(cg, state.step)
        trial = self.search(Ray(objective, point, p), alpha)
        if trial is None:
            trial = self.search(Ray(objective, point, -point.g), (state.step or 1.0) / gnorm)
        if trial is None:
            raise Stop(Reason.STALLED_AT_PRECISION)
        s = trial.point.x - point.x
        return State(trial.point, norm(s), cg.iterations, eta, gnorm)

    def _forcing(self, state: "State", gnorm: float) -> float:
        if not state.gnorm:
            return self.eta0
        eta = self.gamma * (gnorm / state.gnorm) ** self.power
        floor = self.gamma * state.eta**self.power  # their safeguard: not to fall too fast
        return min(self.eta_max, max(eta, floor) if floor > 0.1 else eta)


@dataclass(slots=True)
class State:
    point: Point
    step: float
    inner: int
    eta: float
    gnorm: float  # ‖g‖₂ at the point before, 0 at the start


def _along_negative_curvature(cg: CG, step: float) -> tuple[Vector, float]:
    """CG's step and on along negative curvature, at least as far as the last step: the model has no length for it."""
    p = cg.p + cg.d
    length = norm(p)
    return p, max(1.0, step / length) if length else 1.0
