"""What every trust-region method shares: is the trial taken, and how long may the next step be."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from optkit.checks import require
from optkit.objective import ROUNDING, Objective
from optkit.point import Point, Vector, norm
from optkit.stopping import Reason, Stop
from optkit.subproblems import Region, Subproblem

FAR = 100  # times max(1, ‖x0‖₂), no first radius is longer. MINPACK's first radius, Moré 1978
DELTA_MAX = 1e150  # its square is finite
SPARSE_FROM = 100  # unknowns: finding the pattern takes 20 ms once, a dense Hessian of so many 2 ms a point


class Taken(NamedTuple):
    """The trial that was taken, ‖step‖₂, the inner iterations of all trials, and the radius for the next step."""

    point: Point
    length: float
    inner: int
    delta: float


@dataclass(slots=True)
class State:
    """Of a trust-region method: the point, ‖x_k − x_{k−1}‖₂, the inner iterations of the last step, the radius."""

    point: Point
    step: float
    inner: int
    delta: float
    gnorm0: float  # ‖g‖₂ at the start; the radius is 0 there if the model is still to say it


@dataclass(frozen=True, slots=True)
class TrustRegion(ABC):
    """A trust-region method with second derivatives: all but how it solves the subproblem."""

    delta0: float | None = None  # first radius; None is that of `first_radius`
    delta_max: float = DELTA_MAX
    eta: float = 0.01  # a trial is taken if f falls by more than this times what was predicted

    second_order: ClassVar[bool] = True

    def __post_init__(self):
        owner = type(self).__name__
        require_radii(owner, self.delta0, self.delta_max)
        require(owner, 0 <= self.eta < 0.25, "0 <= eta < 0.25", eta=self.eta)

    @abstractmethod
    def subproblem(self, objective: Objective, state: State) -> Subproblem:
        """The model at state.point. It is called once a point, and what it returns with ever shorter radii."""

    def init(self, objective: Objective, point: Point) -> State:
        return State(point, 0.0, 0, self.delta0 or 0.0, norm(point.g))

    def step(self, objective: Objective, state: State) -> State:
        subproblem = self.subproblem(objective, state)
        delta = state.delta or min(first_radius(state.point, subproblem), self.delta_max)
        taken = trust_region_step(objective, state.point, delta, subproblem, eta=self.eta, delta_max=self.delta_max)
        return State(taken.point, taken.length, taken.inner, taken.delta, state.gnorm0)


def require_radii(owner: str, delta0: float | None, delta_max: float) -> None:
    """Raise ValueError where the first radius or the longest is none."""
    require(owner, 0 < delta_max <= DELTA_MAX, f"0 < delta_max <= {DELTA_MAX:g}", delta_max=delta_max)
    require(owner, delta0 is None or 0 < delta0 <= delta_max, "0 < delta0 <= delta_max", delta0=delta0,
            delta_max=delta_max)


def dense_hessian(objective: Objective, x: Vector) -> np.ndarray:
    """H(x), (n, n), by one product a colour where it pays to look for the pattern."""
    H = objective.hessian(x, sparse=objective.n >= SPARSE_FROM)
    return H if isinstance(H, np.ndarray) else H.toarray()


def first_radius(point: Point, subproblem: Subproblem) -> float:
    """How far along −g the model lies below f(x): 2‖g‖/c, c its curvature there, but at most FAR·max(1, ‖x‖₂).

    max(1, ‖x‖₂/10) where c is not positive or not finite. Unlike that one it does not depend on the scales of f and x,
    and as many problems of the collection are solved with 10 % fewer evaluations by trust-exact, 5 % by trust-ncg and
    2 % by trust-krylov (geometric means; 1, 5 and 10 in place of 2 are within 4 % of it). Near to it: Sartenaer 1997.
    """
    curvature, size = subproblem.curvature(), norm(point.x)
    radius = 2 * norm(point.g) / curvature if curvature > 0 else 0.0
    return min(radius, FAR * max(1.0, size)) if radius > 0 else max(1.0, 0.1 * size)


def trust_region_step(objective: Objective, point: Point, delta: float, subproblem: Callable[[float], Region], *,
                      eta: float, delta_max: float, rejected: Callable[[Point], None] | None = None) -> Taken:
    """Shrink the radius until a trial is taken: f falls by more than eta times what the model predicts.

    subproblem(delta) -> the step within delta and its prediction; rejected(trial) is told of trials not taken. The
    radius shrinks below a quarter of the predicted decrease and doubles above three quarters at the boundary. Where the
    prediction is within rounding of f, the gradient must shrink instead. Raises Stop where no trial can be taken.
    Nocedal & Wright alg. 4.1; Conn, Gould & Toint 2000 §17.4 for rounding, §17.1 for the radius after a failure.
    """
    inner = 0
    while True:
        region = subproblem(delta)
        inner += region.iterations
        trial = objective.point(point.x + region.p)
        ratio = _ratio(point, trial, region)
        if not ratio >= 0.25:
            delta = _shorter(point, trial, region) * region.length
        elif ratio > 0.75 and region.on_boundary:
            delta = min(2 * delta, delta_max)
        if ratio > eta:
            return Taken(trial, region.length, inner, delta)
        if (trial.x == point.x).all() or not (region.predicted > 0 and delta > 0):
            raise Stop(Reason.STALLED_AT_PRECISION)
        if rejected is not None and trial.f < math.inf:
            rejected(trial)


def _shorter(point: Point, trial: Point, region: Region) -> float:
    """Where the parabola through f, its slope and f(trial) is lowest along the step, within 1/4 … 1/2.

    Always 1/4 (Nocedal & Wright alg. 4.1) takes 1 to 2 % more evaluations over the collection in every method. Growth
    by 2.5 or 3 in place of 2, and thresholds of 0.1 and 0.5 or 0.9, change them by as little, either way.
    """
    slope = float(point.g.dot(region.p))
    bend = 2 * (trial.f - point.f - slope)
    return min(max(-slope / bend, 0.25), 0.5) if bend > 0 else 0.25


def _ratio(point: Point, trial: Point, region: Region) -> float:
    """Actual over predicted decrease; within rounding of f, 1 where the gradient shrinks and −1 where it does not."""
    noise = ROUNDING * abs(point.f)
    if region.predicted <= noise and abs(trial.f - point.f) <= 2 * noise:
        return 1.0 if norm(trial.g) < norm(point.g) else -1.0
    return (point.f - trial.f) / region.predicted if region.predicted > 0 else -1.0
