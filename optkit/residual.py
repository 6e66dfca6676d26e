"""A least-squares problem as the solvers see it: cost, gradient and the linear model of the residual at a point."""

from __future__ import annotations

import math

import numpy as np
import scipy.sparse

from optkit.losses import Loss
from optkit.objective import Objective
from optkit.point import Point, Vector
from optkit.residual_sources import Differenced, Exact, Given, Residuals
from optkit.sources import SCHEMES, Matrix, User
from optkit.subproblems.linear_fit import Dense
from optkit.subproblems.linear_fit_sparse import Sparse
from optkit.subproblems.newton_fit import Newton, newton_step

UNDERFLOWN = 1e-290  # a cost below may have lost digits, or all of them
NEWTON_UP_TO = 100  # unknowns up to which exact Hessians help where Gauss–Newton is slow


class LeastSquares(Objective):
    """½ Σ ρ(r_i²) of a residual, as an Objective whose points also have a linear model of r.

    nfev counts residuals, njev Jacobians. `measure` is scale-free: √(2·predicted decrease/2·cost), for a plain sum of
    squares the cosine of the angle between r and the space J spans (Bates & Watts 1981), over the unknowns that no
    bound holds back, and without what rounding alone may cause: 0 where nothing is left but rounding.
    """

    scale_free = True
    _source: Residuals

    def __init__(self, fun, x0, args=(), *, jac, term, loss: Loss, sparse, compile):
        def source(user: User) -> Residuals:
            if jac is None:
                return Exact(user, loss, sparse, compile)
            if callable(jac):
                return Given(user, loss, jac, sparse)
            if isinstance(jac, str) and jac in SCHEMES:
                return Differenced(user, loss, jac, term, self._count)
            raise ValueError(f"jac: need a callable, '2-point', '3-point' or None, got jac={jac!r}; jac=None gives "
                             "exact derivatives")

        self.loss = loss
        self._descents: list[tuple[Vector, float, float]] = []  # of the same points: with how much slack, and its value
        self._models: list[tuple[Vector, Dense | Sparse]] = []  # of the last two points: where a run is, and its trial
        super().__init__(fun, x0, args, compile=compile, term=term, source=source)

    def _count(self) -> None:
        self.nfev += 1

    @property
    def compiled(self) -> bool:
        return isinstance(self._source, Exact) and self._source.compile

    def plain_value(self, x: Vector) -> float:
        return float(self.loss.cost(self._source.plain(x)))

    def residual(self, x: Vector) -> Vector:
        """r at a point that has been evaluated, as one vector; loss and weights left out."""
        return self._source.residual(x)

    def jacobian(self, x: Vector) -> Matrix:
        """J there, likewise."""
        return self._source.derivative(x)

    def model(self, point: Point) -> Dense | Sparse:
        """The linear model of the weighted residual at a point: p -> wJp + s."""
        for x, made in self._models:
            if x is point.x:
                return made
        J, r = self.jacobian(point.x), self.residual(point.x)
        _, w, s = self.loss.weigh(r)
        kind = Sparse if scipy.sparse.issparse(J) else Dense
        made = kind(J if self.loss.is_linear else _scaled(J, w), s, point.x)
        self._models = [(point.x, made), *self._models[:1]]
        return made

    def noise(self, point: Point) -> float:
        """The rounding of the cost: √(2·cost) times that of r."""
        return self.model(point).noise * np.sqrt(2 * point.f)

    def prefer(self, point: Point) -> bool:
        if self._best is None or point.f <= self._best.f + self.noise(point):
            self._best = point
        return self._best is point

    def newton(self, point: Point) -> Newton | None:
        """Newton's step and decrement with the exact Hessian, in the unknowns that no bound holds back.

        None where products are not exact, n is above NEWTON_UP_TO, the cost has underflown, or the Hessian is not
        positive definite. Cost: n products and n³/3 multiplications; remembered for the last two points.
        """
        if not self.has_exact_hvp or self.n > NEWTON_UP_TO or not point.f > UNDERFLOWN:
            return None
        remembered = self._source.remembered
        found = [pair for pair in remembered.newtons if pair[0] is point.x]
        rest = tuple([pair for pair in remembered.newtons if pair[0] is not point.x])
        made = found[0][1] if found else self._newton_at(point)
        remembered.newtons = ((point.x, made), *rest[:1])
        return made

    def _newton_at(self, point: Point) -> Newton | None:
        free = ~self.binding(point)
        made = newton_step(self.hessian(point.x)[np.ix_(free, free)], point.g[free])
        if made is not None:
            p = np.zeros(self.n)
            p[free] = made.p
            made = made._replace(p=p)
        return made

    def put_up_with(self, slack: float) -> None:
        """From now on a gradient up to `slack` times the expected rounding counts as nothing but rounding."""
        self._source.remembered.slack = slack

    def binding(self, point: Point) -> np.ndarray:
        """Which unknowns a bound holds back: at it, with the gradient pointing out."""
        box = self.box
        return ((point.x <= box.lower) & (point.g >= 0)) | ((point.x >= box.upper) & (point.g <= 0))

    def measure(self, point: Point) -> float:
        size = math.sqrt(2 * point.f) if point.f > UNDERFLOWN else self.model(point).rnorm
        if not size > 0:
            return 0.0
        if self._has_lost_an_unknown(point):
            return 1.0
        remembered = self._source.remembered
        predicted = self._descent(point, remembered.slack)
        known = [made.decrement for x, made in remembered.newtons if x is point.x and made is not None]
        return min([predicted, *known]) / size

    def _descent(self, point: Point, slack: float) -> float:
        for x, given, known in self._descents:
            if x is point.x and given == slack:
                return known
        found = self.model(point).descent(~self.binding(point), slack)
        self._descents = [(point.x, slack, found), *self._descents[:1]]
        return found

    def _has_lost_an_unknown(self, point: Point) -> bool:
        """Whether one that had an effect at x0 grew until it has none, and no bound is active: r is flat out there.

        The gradient vanishes only by underflow then: the least value lies elsewhere, or at infinity.
        """
        gone = (self.model(point).norms == 0) & (np.abs(point.x) > np.abs(self.x0))
        if not gone.any() or self.binding(point).any():
            return False
        at_start = abs(self._source.derivative(self.x0)).sum(axis=0)
        return bool((gone & (np.asarray(at_start).ravel() > 0)).any())


def within_rounding(objective: LeastSquares, point: Point, predicted: float, f: float) -> bool:
    """Whether neither the predicted nor the actual decrease stands out from the rounding of the cost at `point`."""
    noise = objective.noise(point)
    return not predicted > noise and abs(f - point.f) <= 2 * noise


def closer(objective: LeastSquares, point: Point, x: Vector) -> Point | None:
    """The point at x, where values tell nothing any more, if its measure is lower."""
    trial = objective.point(x)
    return trial if objective.measure(trial) < objective.measure(point) else None


def newton_point(objective: LeastSquares, point: Point) -> Point | None:
    """The point after a Newton step with the exact Hessian, if that is inside the box and lower.

    Within the rounding of the cost Newton's decrement has to be halved instead.
    """
    step, box = objective.newton(point), objective.box
    if step is None or not step.decrement > 0:
        return None
    x = point.x + step.p
    if (x < box.lower).any() or (x > box.upper).any() or (x == point.x).all():
        return None
    predicted, f = 0.5 * step.decrement**2, objective.value(x)
    if not within_rounding(objective, point, predicted, f):
        trial = objective.point(x) if point.f - f > 0.25 * predicted else None
        if trial is not None:
            objective.newton(trial)  # so that its measure is Newton's, too
        return trial
    trial = objective.point(x)
    after = objective.newton(trial)
    return trial if after is not None and after.decrement <= 0.5 * step.decrement else None


def _scaled(J: Matrix, w: Vector) -> Matrix:
    return scipy.sparse.diags_array(w).tocsr() @ J if scipy.sparse.issparse(J) else w[:, None] * J
