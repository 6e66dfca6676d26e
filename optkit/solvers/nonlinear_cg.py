"""Nonlinear conjugate gradients."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from optkit.checks import require
from optkit.linesearch import LineSearch, Ray, StrongWolfe, downhill
from optkit.objective import Objective
from optkit.point import Point, Vector, first_length, magnitude, norm
from optkit.stopping import Reason, Stop

ETA = 0.4  # lower bound on Hager & Zhang's beta, in units of d·g/d·d: Hager & Zhang 2013, SIAM J. Optim. 23

BLURRED = 1e-10  # relative: a smaller fall of f has too few digits to divide by


def fletcher_reeves(g: Vector, new: Vector, d: Vector) -> float:
    """g₊·g₊ / g·g. Fletcher & Reeves 1964."""
    return (norm(new) / norm(g)) ** 2


def polak_ribiere(g: Vector, new: Vector, d: Vector) -> float:
    """max(0, g₊·(g₊ − g) / g·g). Polak & Ribière 1969; Gilbert & Nocedal 1992 for the bound."""
    size = norm(g)
    return max(0.0, float((new / size).dot((new - g) / size)))


def hager_zhang(g: Vector, new: Vector, d: Vector) -> float:
    """(y − 2 d y·y/d·y)·g₊ / d·y with y = g₊ − g, at least ETA d·g/d·d: d₊·g₊ <= −7/8 g₊·g₊. Hager & Zhang 2005."""
    y = new - g
    dy = float(d.dot(y))
    if not dy > 0:
        return 0.0
    beta = (y.dot(new) - 2 * y.dot(y) * (d.dot(new) / dy)) / dy
    return max(float(beta), ETA * float(d.dot(g) / d.dot(d)))


BETAS: dict[str, Callable[[Vector, Vector, Vector], float]] = {
    "hager-zhang": hager_zhang,
    "polak-ribiere": polak_ribiere,
    "fletcher-reeves": fletcher_reeves,
}


@dataclass(frozen=True, slots=True)
class NonlinearCG:
    """Conjugate gradients for any smooth f: d₊ = −g₊ + beta d. For n so large that L-BFGS's memory is too much.

    beta : "hager-zhang", "polak-ribiere" or "fletcher-reeves". It is 0 (a restart along −g) where successive gradients
        are far from orthogonal, |g₊·g| >= powell g₊·g₊, and where d₊ would not lead downhill.
    The first step tried is that of a parabola that falls as far as f did last time. A line search that fails along d is
    repeated along −g. Cost an iteration: one or two values and gradients, and six n-vectors of memory.
    Hager & Zhang 2005, SIAM J. Optim. 16; Powell 1977 for restarts; Nocedal & Wright §5.2 and (3.60).
    """

    beta: str = "hager-zhang"
    powell: float = 0.5  # 0.2, 0.5, 0.9, inf solved 150, 153, 153, 151 of 163 problems at the same median cost
    # Nocedal & Wright §3.1; c2 = 0.1, 0.03, 0.01 solved 155, 153, 152 of 163.
    search: LineSearch = field(default_factory=lambda: StrongWolfe(c2=0.1, blur=BLURRED))

    second_order: ClassVar[bool] = False

    def __post_init__(self):
        require("NonlinearCG", self.beta in BETAS, f"beta one of {tuple(BETAS)}", beta=self.beta)
        require("NonlinearCG", self.powell > 0, "powell > 0, inf for no restarts", powell=self.powell)

    def init(self, objective: Objective, point: Point) -> "State":
        return State(point, 0.0, 0, -point.g / magnitude(point.g), 0.0, 0.0, 0.0)

    def step(self, objective: Objective, state: "State") -> "State":
        point, steepest = state.point, state.alpha == 0
        ray = Ray(objective, point, state.d)
        trial = self.search(ray, _first_alpha(ray, state))
        if trial is None and not steepest:
            ray, alpha = downhill(objective, point, state.step or first_length(point.x))
            trial = self.search(ray, alpha)
        if trial is None or (trial.point.x == point.x).all():
            raise Stop(Reason.STALLED_AT_PRECISION)
        unit = magnitude(trial.point.g)
        change = magnitude(point.g) / unit
        d = self._direction(point.g / unit, trial.point.g / unit, change * ray.p)
        length, fall = norm(trial.point.x - point.x), point.f - trial.point.f
        return State(trial.point, length, 0, d, trial.alpha / change, change * ray.slope, fall)

    def _direction(self, g: Vector, new: Vector, d: Vector) -> Vector:
        if abs(float(new.dot(g))) >= self.powell * float(new.dot(new)):
            return -new
        next_d = BETAS[self.beta](g, new, d) * d - new
        return next_d if next_d.dot(new) < 0 else -new


@dataclass(slots=True)
class State:
    point: Point
    step: float
    inner: int
    d: Vector  # the direction to search next, in units of magnitude(g), so that squares stay finite
    alpha: float  # the last step, 0 at the start, and φ'(0) of it, in the same units
    slope: float
    fall: float  # by which f fell in it


def _first_alpha(ray: Ray, state: State) -> float:
    """2 (f_{k−1} − f_k)/|slope|, at most ten times the last α; at the start a step of length 1.

    The cap takes the place of SciPy's α <= 1, which means nothing to a direction whose length scales with f. Where the
    fall is rounding, the α that would lower f to first order as much as the last one did. Nocedal & Wright (3.60).
    """
    if state.alpha == 0:
        return first_length(ray.x) / norm(state.d)
    told = state.fall > BLURRED * abs(ray.f)
    alpha = 2.02 * state.fall / -ray.slope if told else state.alpha * (state.slope / ray.slope)
    return min(alpha, 10 * state.alpha)
