"""Heavy ball and Nesterov's method, for a curvature that is not known."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from optkit.checks import require
from optkit.linesearch import LineSearch, Ray
from optkit.objective import ROUNDING, Objective
from optkit.point import Point, Vector, first_length, magnitude, norm
from optkit.stopping import Reason, Stop

SCHEMES = ("nesterov", "heavy-ball")
TINY = 1e-300  # so that 1/‖g‖ is finite
NO_GRADIENT = "f has no finite gradient where it is lowest"
BLURRED = 1e-9  # relative: smaller differences of f may be cancellation, so they are taken from gradients


@dataclass(frozen=True, slots=True)
class Momentum:
    """Gradient steps that keep some of the last one. `scheme` is "nesterov" or "heavy-ball".

    Both find the step 1/L by backtracking on f(y + d) <= f(y) + g·d + ‖d‖²L/2, let the momentum β_k grow from 0, and
    drop it again where it leads uphill (adaptive restart), so neither L nor the strong convexity is needed: on strongly
    convex f they take some sqrt(κ) iterations a digit. What is known can be given: with L the step is 1/L untested,
    with mu (∇²f ⪰ mu I) β is the constant of strongly convex f, with both they are the methods of the books.
    nesterov : y = x_k + β_k (x_k − x_{k−1}), x_{k+1} = y − g(y)/L; a gradient and two values an iteration, one with L.
    heavy-ball : x_{k+1} = x_k − g/L + min(beta, β_k)(x_k − x_{k−1}), with f below the largest of its last `window`
        values; a value and a gradient an iteration. With mu and L Polyak's step and β, untested: f may rise, and where
        f is not quadratic it may even circle (Lessard, Recht & Packard 2016).
    search : any line search along the heavy ball's whole step, in place of its own test.
    Polyak 1964; Nesterov 1983, 2004 §2.2; Beck & Teboulle 2009 (backtracking); O'Donoghue & Candès 2015 (restart).
    """

    scheme: str = "nesterov"
    beta: float = 0.99  # heavy ball; Polyak's optimum is ((sqrt κ − 1)/(sqrt κ + 1))²
    window: int = 30  # heavy ball; 1, 10, 30, 100 solved 28, 28, 32, 33 of 34 problems at ever more evaluations
    mu: float | None = None
    L: float | None = None
    restart: bool = True  # nesterov without mu: False is the method of 1983
    search: LineSearch | None = None  # heavy ball
    alpha: float | None = None  # the first 1/L to try; None for a first step of length 1
    grow: float = 1.1  # 1/L may grow again by this, an iteration
    shrink: float = 0.5
    maxls: int = 60

    second_order: ClassVar[bool] = False

    def __post_init__(self):
        require("Momentum", self.scheme in SCHEMES, f"scheme one of {SCHEMES}", scheme=self.scheme)
        require("Momentum", 0 <= self.beta < 1, "0 <= beta < 1", beta=self.beta)
        require("Momentum", self.alpha is None or 0 < self.alpha < math.inf, "0 < alpha < inf", alpha=self.alpha)
        require("Momentum", self.mu is None or 0 < self.mu < math.inf, "0 < mu < inf, or None", mu=self.mu)
        require("Momentum", self.L is None or (self.mu or 0.0) <= self.L < math.inf and self.L > 0,
                "mu <= L < inf, or None", mu=self.mu, L=self.L)
        require("Momentum", self.mu is None or self.scheme == "nesterov" or self.L is not None,
                "L with mu for the heavy ball", mu=self.mu, L=self.L)
        require("Momentum", self.search is None or (self.scheme == "heavy-ball" and self.L is None),
                "scheme='heavy-ball' without L for a search (Nesterov's step must be 1/L)", scheme=self.scheme,
                L=self.L)
        require("Momentum", self.grow >= 1, "grow >= 1", grow=self.grow)
        require("Momentum", 0 < self.shrink < 1, "0 < shrink < 1", shrink=self.shrink)
        require("Momentum", self.window >= 1, "window >= 1", window=self.window)
        require("Momentum", self.maxls >= 1, "maxls >= 1", maxls=self.maxls)

    def init(self, objective: Objective, point: Point) -> "State":
        gnorm, at_rest = norm(point.g), np.zeros_like(point.x)
        alpha = 1 / self.L if self.L else self.alpha or first_length(point.x) / max(gnorm, TINY)
        return State(point, 0.0, 0, alpha, at_rest, 1.0, point.x, point.f, (point.f,))

    def step(self, objective: Objective, state: "State") -> "State":
        if self.scheme == "nesterov":
            return self._nesterov(objective, state)
        if self.mu is not None:
            return self._polyak(objective, state)
        return self._heavy_ball(objective, state) if self.search is None else self._searched(objective, state)

    def _nesterov(self, objective: Objective, state: "State") -> "State":
        """A gradient step from y to x_new, then y_new = x_new + β (x_new − x). `state.point` is y."""
        y = state.point
        x, f, alpha = self._gradient_step(objective, y, state.alpha)
        restarts = self.restart and self.mu is None
        if restarts and not f <= state.f_low + BLURRED * abs(state.f_low):
            x, f, t, beta = state.x_low, state.f_low, 1.0, 0.0  # function restart: back, without momentum
        elif restarts and y.g.dot(x - state.x_low) > 0:
            t, beta = 1.0, 0.0  # gradient restart: the momentum led uphill
        elif self.mu is not None:
            t, beta = 1.0, _constant_momentum(self.mu * alpha)
        else:
            t, beta = _next_momentum(state.t)
        v = x - state.x_low
        point = objective.point(x + beta * v if beta else x)
        if not point.f < math.inf:
            point, t = objective.point(x), 1.0
            self._require_finite(point)
        return State(point, norm(point.x - y.x), 0, self._longer(alpha, y), v, t, x, f, state.recent)

    def _gradient_step(self, objective: Objective, y: Point, alpha: float) -> tuple[Vector, float, float]:
        """x = y − α g with α halved until f(x) <= f(y) − α/2 ‖g‖², and once more after it left where f is finite.

        That keeps x at most halfway to the wall. Beside the pole of a logarithm no step from x would ever be as long.
        """
        if self.L is not None:
            if (alpha * y.g == 0).all():
                raise Stop(Reason.STALLED_AT_PRECISION)
            return y.x - alpha * y.g, y.f, alpha  # f(y) in place of f(x), which nothing else asks for
        gnorm, unit, noise = norm(y.g), magnitude(y.g), ROUNDING * abs(y.f)
        beyond = False  # whether the last trial was not finite
        for _ in range(self.maxls):
            x = y.x - alpha * y.g
            f = objective.value(x)
            enough = f <= y.f - 0.5 * alpha * gnorm * gnorm + noise
            if not enough and abs(f - y.f) <= BLURRED * abs(y.f):
                enough = objective.point(x).g.dot(y.g / unit) >= 0  # f(x) − f(y) by the trapezium rule
            if (x == y.x).all():
                break
            if enough and not beyond:
                return x, f, alpha
            beyond = not f < math.inf
            alpha *= self.shrink
        raise Stop(Reason.STALLED_AT_PRECISION)

    def _polyak(self, objective: Objective, state: "State") -> "State":
        """α = 4/(√L + √μ)², β = ((√L − √μ)/(√L + √μ))², untested. Polyak 1964."""
        point, L, mu = state.point, self.L or 0.0, self.mu or 0.0
        low, high = math.sqrt(mu), math.sqrt(L)
        d = ((high - low) / (high + low)) ** 2 * state.v - 4 / (high + low) ** 2 * point.g
        new = objective.point(point.x + d)
        self._require_finite(new)
        return State(new, norm(d), 0, state.alpha, d, 1.0, new.x, new.f, state.recent)

    def _require_finite(self, point: Point) -> None:
        if not point.f < math.inf:
            if self.L is None:
                raise Stop(Reason.STALLED_AT_PRECISION, NO_GRADIENT)
            raise Stop(Reason.DIVERGED, f"mu={self.mu} and L={self.L} do not hold for this f; without them the step "
                       "is found by backtracking")

    def _searched(self, objective: Objective, state: "State") -> "State":
        """The heavy ball's step as a direction for the line search; −g where it finds nothing there."""
        assert self.search is not None
        point, alpha = state.point, state.alpha
        t, beta = _next_momentum(state.t)
        trial = self.search(Ray(objective, point, min(self.beta, beta) * state.v - alpha * point.g), 1.0)
        if trial is None:
            t = 1.0
            trial = self.search(Ray(objective, point, -alpha * point.g), 1.0)
        if trial is None or (trial.point.x == point.x).all():
            raise Stop(Reason.STALLED_AT_PRECISION)
        d = trial.point.x - point.x
        return State(trial.point, norm(d), 0, self.grow * alpha * trial.alpha, d, t, trial.point.x, trial.point.f,
                     state.recent)

    def _heavy_ball(self, objective: Objective, state: "State") -> "State":
        point, alpha = state.point, state.alpha
        t, beta = _next_momentum(state.t)
        v = min(self.beta, beta) * state.v
        noise, ceiling = ROUNDING * abs(point.f), max(state.recent)
        beyond = False  # as in `_gradient_step`
        for _ in range(self.maxls):
            d = v - alpha * point.g
            trial = objective.point(point.x + d)
            if (trial.x == point.x).all() and not v.any():
                break
            length = norm(d)
            change, bound = trial.f - point.f, float(point.g.dot(d)) + 0.5 * length / max(alpha, TINY) * length
            if abs(change) <= BLURRED * abs(point.f):
                change = 0.5 * float(d.dot(point.g + trial.g))  # the trapezium rule, exact for a quadratic
            enough = change <= min(bound, ceiling - point.f) + noise
            if enough and not beyond and not (trial.x == point.x).all():
                recent = (*state.recent, trial.f)[-self.window :]
                return State(trial, norm(d), 0, self._longer(alpha, point), d, t, trial.x, trial.f, recent)
            if beyond or not change <= bound + noise:
                alpha *= self.shrink
            beyond = not trial.f < math.inf
            if not change <= ceiling - point.f + noise:
                v, t = np.zeros_like(d), 1.0  # restart: the momentum led uphill
        raise Stop(Reason.STALLED_AT_PRECISION)

    def _longer(self, alpha: float, point: Point) -> float:
        """The next α to try; no longer where L is known, or rounding would hide that it is too long."""
        if self.L is not None:
            return alpha
        gnorm = norm(point.g)
        return self.grow * alpha if 0.5 * alpha * gnorm * gnorm > ROUNDING * abs(point.f) else alpha


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


def _constant_momentum(q: float) -> float:
    """β = (1 − √q)/(1 + √q) for q = μ/L. Nesterov 2004 (2.2.22)."""
    root = min(1.0, math.sqrt(q))
    return (1 - root) / (1 + root)
