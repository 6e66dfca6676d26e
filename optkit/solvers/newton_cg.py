"""Truncated Newton with a line search."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from optkit.checks import require
from optkit.linesearch import LineSearch, Ray, StrongWolfe, downhill
from optkit.objective import Objective
from optkit.point import Point, Vector, first_length, norm
from optkit.stopping import Reason, Stop
from optkit.subproblems import CG, forcing, truncated_cg
from optkit.subproblems.capped_cg import capped_cg

TARGET = 0.5  # of the gradient test, the residual ‖Hp + g‖∞ that will do: Kelley 1995, (6.20)


@dataclass(frozen=True, slots=True)
class NewtonCG:
    """Newton's equations solved by CG no more exactly than pays, then a strong Wolfe line search.

    Where CG meets a direction of negative curvature, the step goes on along it. The forcing term η, ‖Hp + g‖ <= η‖g‖,
    is choice 2 of Eisenstat & Walker 1996, safeguarded: η_k = gamma (‖g_k‖/‖g_{k−1}‖)^power, and CG goes no
    further than the gradient test asks for (Kelley 1995, (6.20)). Cost an iteration: one linearisation, a few
    Hessian-vector products, one or two values and gradients. Dembo & Steihaug 1983; Nocedal & Wright §7.1.

    flat : where CG also stops, see `truncated_cg`. capped : ε of `capped_cg` as a share of ‖H‖, 0 for plain CG.
    precond : M⁻¹ for the CG steps, which is v -> M⁻¹v, a (n,) diagonal of it or a (n, n) matrix; or "diagonal" for
    1/|H_ii| at each iterate, which takes the products of one Hessian: few where it is sparse, else n.
    """

    eta0: float = 0.24  # of 0.1 … 0.5, with c2 of 0.3 … 0.9: fewest f, g and Hv on Rosenbrock n = 100
    eta_max: float = 0.24
    gamma: float = 0.9  # Eisenstat & Walker 1996, also the power
    power: float = 0.5 * (1 + math.sqrt(5))
    maxcg: int | None = None  # products a step; None is 2n, at least 20: rounding makes CG need more than n
    flat: float = 0.0  # 0.5 in the paper
    capped: float = 0.0
    precond: Any = field(default=None, compare=False)
    search: LineSearch = field(default_factory=lambda: StrongWolfe(c2=0.5))

    second_order: ClassVar[bool] = True

    def __post_init__(self):
        require("NewtonCG", 0 < self.eta0 < 1, "0 < eta0 < 1", eta0=self.eta0)
        require("NewtonCG", 0 < self.eta_max < 1, "0 < eta_max < 1", eta_max=self.eta_max)
        require("NewtonCG", 0 < self.gamma <= 1, "0 < gamma <= 1", gamma=self.gamma)
        require("NewtonCG", 1 < self.power <= 2, "1 < power <= 2", power=self.power)
        require("NewtonCG", self.maxcg is None or self.maxcg >= 1, "maxcg >= 1 or None", maxcg=self.maxcg)
        require("NewtonCG", 0 <= self.flat < 1, "0 <= flat < 1", flat=self.flat)
        require("NewtonCG", 0 <= self.capped < 1, "0 <= capped < 1", capped=self.capped)
        require("NewtonCG", not (self.capped and self.precond is not None), "capped = 0 with precond",
                capped=self.capped)
        known = self.precond is None or callable(self.precond) or not isinstance(self.precond, str)
        require("NewtonCG", known or self.precond == "diagonal", "precond a callable, an array or 'diagonal'",
                precond=self.precond)

    def init(self, objective: Objective, point: Point) -> "State":
        return State(point, 0.0, 0, self.eta0, 0.0)

    def step(self, objective: Objective, state: "State") -> "State":
        point = state.point
        gnorm = norm(point.g)
        eta = self._forcing(state, gnorm)
        cg = self._solve(objective, point, eta * gnorm)
        p, alpha = (cg.p, 1.0) if cg.d is None else _along_negative_curvature(cg, state.step)
        trial = self.search(Ray(objective, point, p), alpha)
        if trial is None:
            trial = self.search(*downhill(objective, point, state.step or first_length(point.x)))
        if trial is None:
            raise Stop(Reason.STALLED_AT_PRECISION)
        s = trial.point.x - point.x
        return State(trial.point, norm(s), cg.iterations, eta, gnorm)

    def _solve(self, objective: Objective, point: Point, tol: float) -> CG:
        product, most = objective.hvp(point.x), self.maxcg or max(20, 2 * objective.n)
        if self.capped:
            return capped_cg(product, point.g, tol, most, self.capped)
        return truncated_cg(product, point.g, tol, most, flat=self.flat, target=TARGET * objective.target,
                            precondition=self._preconditioner(objective, point))

    def _preconditioner(self, objective: Objective, point: Point) -> Callable[[Vector], Vector] | None:
        given = self.precond
        if given is None or callable(given):
            return given
        inverse = _inverse_diagonal(objective, point) if isinstance(given, str) else np.asarray(given, dtype=float)
        n = objective.n
        require("NewtonCG", inverse.shape in ((n,), (n, n)), f"precond of shape {(n,)} or {(n, n)}",
                shape=inverse.shape)
        return inverse.__mul__ if inverse.ndim == 1 else inverse.dot

    def _forcing(self, state: "State", gnorm: float) -> float:
        if not state.gnorm:
            return self.eta0
        eta = forcing(gnorm, state.gnorm, self.gamma, self.power)
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


def _inverse_diagonal(objective: Objective, point: Point) -> Vector:
    """1/|H_ii|, entries that are tiny beside the largest, or not finite, as if they were the largest."""
    diagonal = np.abs(objective.hessian(point.x, sparse=True).diagonal())
    largest = diagonal.max(initial=0.0, where=np.isfinite(diagonal)) or 1.0
    return 1 / np.where((diagonal > 1e-12 * largest) & np.isfinite(diagonal), diagonal, largest)
