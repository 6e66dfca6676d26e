"""Newton within bounds."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from optkit.checks import require
from optkit.linesearch.arc import ArcArmijo
from optkit.objective import Objective
from optkit.point import Point, Vector, first_length, norm
from optkit.prox import Box
from optkit.stopping import Reason, Stop
from optkit.subproblems import CG, forcing, truncated_cg

DOUBLINGS = 10  # along negative curvature, in one iteration


@dataclass(frozen=True, slots=True)
class ProjectedNewton:
    """Newton's step on the free variables by CG, projected onto the bounds: quadratic once the active bounds are known.

    Variables within ε of a bound that the gradient pushes them to go to it, the others by Newton: with both metrics at
    once f falls along α ↦ P(x + αp). CG stops at ‖Hp + g‖ <= η‖g‖, η = gamma(‖g‖/‖g_last‖)^power (Eisenstat & Walker
    1996, choice 2), or goes on along negative curvature. Cost an iteration: a linearisation, a few Hessian-vector
    products, one or two values and gradients. Bertsekas 1982.
    """

    epsilon: float = 1e-3  # ε = min(epsilon, measure of stationarity), for bounds closer than 1 that share of their gap
    eta_max: float = 0.24  # as in Newton-CG
    gamma: float = 0.9  # Eisenstat & Walker 1996
    power: float = 2.0  # Eisenstat & Walker 1996: the order of convergence
    maxcg: int | None = None  # products a step; None is 2n, at least 20
    arc: ArcArmijo = field(default_factory=ArcArmijo)

    second_order: ClassVar[bool] = True
    terms: ClassVar[tuple] = (Box,)

    def __post_init__(self):
        require("ProjectedNewton", self.epsilon > 0, "epsilon > 0", epsilon=self.epsilon)
        require("ProjectedNewton", 0 < self.eta_max < 1, "0 < eta_max < 1", eta_max=self.eta_max)
        require("ProjectedNewton", 0 < self.gamma <= 1, "0 < gamma <= 1", gamma=self.gamma)
        require("ProjectedNewton", 1 < self.power <= 2, "1 < power <= 2", power=self.power)
        require("ProjectedNewton", self.maxcg is None or self.maxcg >= 1, "maxcg >= 1 or None", maxcg=self.maxcg)

    def init(self, objective: Objective, point: Point) -> "State":
        return State(point, 0.0, 0, self.eta_max, 0.0)

    def step(self, objective: Objective, state: "State") -> "State":
        point, box = state.point, objective.box
        target = self._bounds_to_go_to(point, box, objective.measure(point))
        free = np.isnan(target)
        gnorm = norm(point.g[free])
        cg, eta = self._newton(objective, point, free, gnorm, state)
        steepest = -point.g[free] / (gnorm or 1.0) * (2 * state.step or first_length(point.x))
        for downhill in (cg.p if cg.d is None else cg.p + cg.d, steepest):
            p = target - point.x
            p[free] = downhill
            length = norm(p)
            alpha = max(1.0, state.step / length) if cg.d is not None and length else 1.0  # the model has no length
            found = self._search(objective, point, p, free, alpha)
            if found is not None:
                trial = self._farther(objective, point, p, *found) if cg.d is not None else found[1]
                return State(trial, norm(trial.x - point.x), cg.iterations, eta, gnorm)
        raise Stop(Reason.STALLED_AT_PRECISION)

    def _bounds_to_go_to(self, point: Point, box: Box, measure: float) -> Vector:
        """For each entry within ε of a bound that −g points to, that bound; NaN for the free ones."""
        (x, _, g), lower, upper = point, box.lower, box.upper
        near = min(self.epsilon, measure) * np.minimum(1.0, upper - lower)
        low, high = (x - lower <= near) & (g > 0), (upper - x <= near) & (g < 0)
        return np.where(low | (lower == upper), lower, np.where(high, upper, np.nan))

    def _newton(self, objective: Objective, point: Point, free: Vector, gnorm: float,
                state: "State") -> tuple[CG, float]:
        """CG on the free variables, and the forcing term for it."""
        if gnorm == 0:
            return CG(point.g[free], None, 0.0, 0), self.eta_max
        eta = self.eta_max
        if state.gnorm:
            eta = min(eta, forcing(gnorm, state.gnorm, self.gamma, self.power))
        hv, v = objective.hvp(point.x), np.zeros_like(point.x)

        def product(u: Vector) -> Vector:
            v[free] = u
            return hv(v)[free]

        return truncated_cg(product, point.g[free], eta * gnorm, self.maxcg or max(20, 2 * objective.n)), eta

    def _search(self, objective: Objective, point: Point, p: Vector, free: Vector,
                alpha: float) -> tuple[float, Point] | None:
        """Along P(x + αp); the promise is α g·p of the free entries, and what the others really move (Bertsekas)."""
        g, steep = point.g, -float(point.g[free].dot(p[free]))
        return self.arc(objective, point, lambda alpha: objective.box.prox(point.x + alpha * p, 1.0),
                        lambda alpha, x: alpha * steep + float(g[~free].dot((point.x - x)[~free])), 0.0, alpha)

    def _farther(self, objective: Objective, point: Point, p: Vector, alpha: float, trial: Point) -> Point:
        """On along negative curvature, for which the model has no length: doubled as long as f falls."""
        if alpha < 1:
            return trial
        for _ in range(DOUBLINGS):
            alpha *= 2
            x = objective.box.prox(point.x + alpha * p, 1.0)
            if not objective.value(x) < trial.f:
                return trial
            longer = objective.point(x)
            if not longer.f < trial.f or (longer.x == trial.x).all():
                return trial
            trial = longer
        return trial


@dataclass(slots=True)
class State:
    point: Point
    step: float
    inner: int
    eta: float
    gnorm: float  # ‖g‖₂ of the free variables at the point before, 0 at the start
