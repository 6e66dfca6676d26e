"""Heavy ball and Nesterov's method, for a curvature that is not known."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from optkit.checks import require
from optkit.objective import ROUNDING, Objective
from optkit.point import Point, Vector, norm
from optkit.stopping import Reason, Stop

SCHEMES = ("nesterov", "heavy-ball")
BLURRED = 1e-9  # relative: smaller differences of f may be cancellation, so they are taken from gradients


@dataclass(frozen=True, slots=True)
class Momentum:
    """Gradient steps that keep some of the last one. `scheme` is "nesterov" or "heavy-ball".

    Both find the step 1/L by backtracking on f(y + d) <= f(y) + g·d + ‖d‖²L/2, let the momentum β_k grow from 0, and
    drop it again where it leads uphill (adaptive restart), so neither L nor the strong convexity is needed: on strongly
    convex f they take some sqrt(κ) iterations a digit.
    nesterov : y = x_k + β_k (x_k − x_{k−1}), x_{k+1} = y − g(y)/L; a gradient and two values an iteration.
    heavy-ball : x_{k+1} = x_k − g/L + min(beta, β_k)(x_k − x_{k−1}), with f below the largest of its last `window`
        values; a value and a gradient an iteration.
    Polyak 1964; Nesterov 1983; Beck & Teboulle 2009 (backtracking); O'Donoghue & Candès 2015 (restart).
    """

    scheme: str = "nesterov"
    beta: float = 0.99  # heavy ball; Polyak's optimum is ((sqrt κ − 1)/(sqrt κ + 1))²
    window: int = 30  # heavy ball; 1, 10, 30, 100 solved 28, 28, 32, 33 of 34 problems at ever more evaluations
    alpha: float | None = None  # the first 1/L to try; None for a first step of length 1
    grow: float = 1.1  # 1/L may grow again by this, an iteration
    shrink: float = 0.5
    maxls: int = 60

    second_order: ClassVar[bool] = False

    def __post_init__(self):
        require("Momentum", self.scheme in SCHEMES, f"scheme one of {SCHEMES}", scheme=self.scheme)
        require("Momentum", 0 <= self.beta < 1, "0 <= beta < 1", beta=self.beta)
        require("Momentum", self.alpha is None or 0 < self.alpha < math.inf, "0 < alpha < inf", alpha=self.alpha)
        require("Momentum", self.grow >= 1, "grow >= 1", grow=self.grow)
        require("Momentum", 0 < self.shrink < 1, "0 < shrink < 1", shrink=self.shrink)
        require("Momentum", self.window >= 1, "window >= 1", window=self.window)
        require("Momentum", self.maxls >= 1, "maxls >= 1", maxls=self.maxls)

    def init(self, objective: Objective, point: Point) -> "State":
        gnorm, at_rest = norm(point.g), np.zeros_like(point.x)
        alpha = self.alpha or (1 / gnorm if gnorm else 1.0)
        return State(point, 0.0, 0, alpha, at_rest, 1.0, point.x, point.f, (point.f,))

    def step(self, objective: Objective, state: "State") -> "State":
        return self._heavy_ball(objective, state) if self.scheme == "heavy-ball" else self._nesterov(objective, state)

    def _nesterov(self, objective: Objective, state: "State") -> "State":
        """A gradient step from y to x_new, then y_new = x_new + β (x_new − x). `state.point` is y."""
        y = state.point
        x, f, alpha = self._gradient_step(objective, y, state.alpha)
        if not f <= state.f_low + BLURRED * abs(f):
            x, f, t, beta = state.x_low, state.f_low, 1.0, 0.0  # function restart: back, without momentum
        elif y.g.dot(x - state.x_low) > 0:
            t, beta = 1.0, 0.0  # gradient restart: the momentum led uphill
        else:
            t, beta = _next_momentum(state.t)
        v = x - state.x_low
        point = objective.point(x + beta * v if beta else x)
        if not point.f < math.inf:
            point, t = objective.point(x), 1.0
        return State(point, norm(point.x - y.x), 0, self._longer(alpha, y), v, t, x, f, state.recent)

    def _gradient_step(self, objective: Objective, y: Point, alpha: float) -> tuple[Vector, float, float]:
        """x = y − α g with α halved until f(x) <= f(y) − α/2 ‖g‖²."""
        gg, noise = float(y.g.dot(y.g)), ROUNDING * abs(y.f)
        for _ in range(self.maxls):
            x = y.x - alpha * y.g
            f = objective.value(x)
            enough = f <= y.f - 0.5 * alpha * gg + noise
            if not enough and abs(f - y.f) <= BLURRED * abs(f):
                enough = objective.point(x).g.dot(y.g) >= 0  # the trapezium rule for f(x) − f(y), exact for a quadratic
            if enough and not (x == y.x).all():
                return x, f, alpha
            alpha *= self.shrink
        raise Stop(Reason.STALLED_AT_PRECISION)

    def _heavy_ball(self, objective: Objective, state: "State") -> "State":
        point, alpha = state.point, state.alpha
        t, beta = _next_momentum(state.t)
        v = min(self.beta, beta) * state.v
        noise, ceiling = ROUNDING * abs(point.f), max(state.recent)
        for _ in range(self.maxls):
            d = v - alpha * point.g
            trial = objective.point(point.x + d)
            change, bound = trial.f - point.f, float(point.g.dot(d)) + 0.5 * float(d.dot(d)) / alpha
            if abs(change) <= BLURRED * abs(point.f):
                change = 0.5 * float(d.dot(point.g + trial.g))  # the trapezium rule, exact for a quadratic
            if change <= min(bound, ceiling - point.f) + noise and not (trial.x == point.x).all():
                recent = (*state.recent, trial.f)[-self.window :]
                return State(trial, norm(d), 0, self._longer(alpha, point), d, t, trial.x, trial.f, recent)
            if not change <= bound + noise:
                alpha *= self.shrink
            if not change <= ceiling - point.f + noise:
                v, t = np.zeros_like(d), 1.0  # restart: the momentum led uphill
        raise Stop(Reason.STALLED_AT_PRECISION)

    def _longer(self, alpha: float, point: Point) -> float:
        """The next α to try; no longer where rounding would hide that it is too long."""
        return self.grow * alpha if 0.5 * alpha * point.g.dot(point.g) > ROUNDING * abs(point.f) else alpha


@dataclass(slots=True)
class State:
    point: Point
    step: float
    inner: int
    alpha: float  # the 1/L to try next
    v: Vector  # the last step
    t: float  # t_k of β_k = (t_k − 1)/t_{k+1}, 1 after a restart
    x_low: Vector  # Nesterov: x_k and f there
    f_low: float
    recent: tuple[float, ...]  # heavy ball: the last values of f


def _next_momentum(t: float) -> tuple[float, float]:
    """t_{k+1} and β_k of Nesterov's sequence; β_k grows from 0 towards 1 as 1 − 3/k."""
    after = 0.5 * (1 + math.sqrt(1 + 4 * t * t))
    return after, (t - 1) / after
