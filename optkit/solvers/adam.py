"""Adam, AdaGrad and RMSProp with all of the gradient: what machine learning uses, to compare with."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from optkit.checks import require
from optkit.objective import Objective
from optkit.point import Point, Vector, norm, norm_inf
from optkit.stopping import Reason, Stop

SCHEDULES = ("plateau", "sqrt", "constant")
HALVINGS = 60  # of a step that leaves the region where f is finite


@dataclass(slots=True)
class State:
    point: Point
    step: float
    inner: int
    m: Vector  # the averaged gradient
    v: Vector  # the averaged, or summed, squares of the gradient
    k: int  # steps taken
    alpha: float  # the learning rate now
    size: float  # the largest |g_i| so far
    low: Point  # the lowest so far
    idle: int  # steps since it fell


@dataclass(frozen=True, slots=True)
class _Scaled:
    """What the three share: a step −alpha·m/(sqrt(v) + eps·size) entry by entry, and the schedule of alpha."""

    alpha: float = 0.1  # about what an entry of x moves a step; of 0.01, 0.1, 1 for unknowns of size 1
    schedule: str = "plateau"
    patience: int = 10  # plateau: steps in which the lowest f may stay
    factor: float = 0.5  # plateau: of alpha, then
    eps: float = 1e-8  # Kingma & Ba 2015, here in units of the largest |g_i| so far: scaling f changes nothing

    second_order: ClassVar[bool] = False

    def __post_init__(self):
        name = type(self).__name__
        require(name, 0 < self.alpha < math.inf, "0 < alpha < inf", alpha=self.alpha)
        require(name, self.schedule in SCHEDULES, f"schedule one of {SCHEDULES}", schedule=self.schedule)
        require(name, self.patience >= 1, "patience >= 1", patience=self.patience)
        require(name, 0 < self.factor < 1, "0 < factor < 1", factor=self.factor)
        require(name, self.eps > 0, "eps > 0", eps=self.eps)

    def init(self, objective: Objective, point: Point) -> State:
        zero = np.zeros_like(point.x)
        return State(point, 0.0, 0, zero, zero, 0, self.alpha, 0.0, point, 0)

    def step(self, objective: Objective, state: State) -> State:
        point, k = state.point, state.k + 1
        size = max(state.size, norm_inf(point.g))
        m, v = self._averages(state, point.g)
        p = self._unbiased(m, v, k, self.eps * size)
        alpha = state.alpha
        for _ in range(HALVINGS):
            new = objective.point(point.x - (alpha / math.sqrt(k) if self.schedule == "sqrt" else alpha) * p)
            if new.f < math.inf:
                break
            alpha *= 0.5
        else:
            raise Stop(Reason.STALLED_AT_PRECISION)
        low, idle = (new, 0) if new.f < state.low.f else (state.low, state.idle + 1)
        if self.schedule == "plateau" and idle >= self.patience:
            zero = np.zeros_like(m)
            return State(low, norm(low.x - point.x), 0, zero, zero, 0, self.factor * alpha, size, low, 0)
        return State(new, norm(new.x - point.x), 0, m, v, k, alpha, size, low, idle)

    def _averages(self, state: State, g: Vector) -> tuple[Vector, Vector]:
        raise NotImplementedError

    def _unbiased(self, m: Vector, v: Vector, k: int, eps: float) -> Vector:
        return m / (np.sqrt(v) + eps)


@dataclass(frozen=True, slots=True)
class Adam(_Scaled):
    """Adam on the whole gradient, a baseline: the field's default for noisy gradients, slow on exact ones.

    Steps of about alpha in each entry, whatever the scale of f. schedule : "plateau" multiplies alpha by `factor` when
    the lowest f has not fallen for `patience` steps, without which it never settles; "sqrt" divides by sqrt(k);
    "constant" is the textbook's. f may rise. Cost an iteration: a value and a gradient. Kingma & Ba 2015.
    """

    beta1: float = 0.9  # Kingma & Ba 2015, also beta2
    beta2: float = 0.999

    def __post_init__(self):
        _Scaled.__post_init__(self)
        require("Adam", 0 <= self.beta1 < 1, "0 <= beta1 < 1", beta1=self.beta1)
        require("Adam", 0 <= self.beta2 < 1, "0 <= beta2 < 1", beta2=self.beta2)

    def _averages(self, state: State, g: Vector) -> tuple[Vector, Vector]:
        return self.beta1 * state.m + (1 - self.beta1) * g, self.beta2 * state.v + (1 - self.beta2) * g * g

    def _unbiased(self, m: Vector, v: Vector, k: int, eps: float) -> Vector:
        return m / (1 - self.beta1**k) / (np.sqrt(v / (1 - self.beta2**k)) + eps)


@dataclass(frozen=True, slots=True)
class AdaGrad(_Scaled):
    """AdaGrad on the whole gradient, a baseline: steps that shrink by themselves, made for sparse gradients.

    Each entry is divided by the root of the sum of its squares so far, so the schedule is "constant" unless asked
    otherwise. f may rise. Cost an iteration: a value and a gradient. Duchi, Hazan & Singer 2011.
    """

    alpha: float = 1.0  # the first step moves each entry by this
    schedule: str = "constant"

    def _averages(self, state: State, g: Vector) -> tuple[Vector, Vector]:
        return g, state.v + g * g


@dataclass(frozen=True, slots=True)
class RMSProp(_Scaled):
    """RMSProp on the whole gradient, a baseline: AdaGrad that forgets, so that its steps do not die out.

    schedule : as in Adam. f may rise. Cost an iteration: a value and a gradient. Tieleman & Hinton 2012.
    """

    beta2: float = 0.9  # Tieleman & Hinton 2012

    def __post_init__(self):
        _Scaled.__post_init__(self)
        require("RMSProp", 0 <= self.beta2 < 1, "0 <= beta2 < 1", beta2=self.beta2)

    def _averages(self, state: State, g: Vector) -> tuple[Vector, Vector]:
        return g, self.beta2 * state.v + (1 - self.beta2) * g * g

    def _unbiased(self, m: Vector, v: Vector, k: int, eps: float) -> Vector:
        return m / (np.sqrt(v / (1 - self.beta2**k)) + eps)
