"""BFGS with a dense inverse Hessian."""

import math
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from scipy.linalg.blas import dsymv, dsyr2

from optkit.linesearch import LineSearch, Ray, StrongWolfe, downhill
from optkit.objective import Objective
from optkit.point import Point, Vector, first_length, norm
from optkit.stopping import Reason, Stop
from optkit.subproblems.limited_memory import curvature

# With γ and these, a twentieth fewer evaluations on the collection (n <= 60) than with γ = s·y/y·y, 1 and no growth,
# and 41 in place of 47 on Rosenbrock's function.
FIRST_STEP = 0.5  # times `first_length`
GROWTH = 0.75  # the power of the scaling
GROWING = 8  # updates in which H may be scaled up: growth in all of them would cost superlinear convergence


@dataclass(frozen=True, slots=True)
class BFGS:
    """Quasi-Newton with a dense inverse Hessian and a strong Wolfe line search: few evaluations where n is small.

    H starts as γI, γ = s·s/s·y of the first step, and is scaled up at first where it turns out to be too small; a pair
    without positive curvature is left out, so H stays positive definite. A line search that fails at working precision
    starts H anew with steepest descent. Cost an iteration: one or two values and gradients, 2n² multiplications.
    Broyden, Fletcher, Goldfarb & Shanno 1970; Nocedal & Wright alg. 6.1; Oren & Luenberger 1974 for the scaling.
    """

    search: LineSearch = field(default_factory=StrongWolfe)

    second_order: ClassVar[bool] = False

    def init(self, objective: Objective, point: Point) -> "State":
        return State(point, 0.0, 0, np.zeros((objective.n, objective.n), order="F"), 0)

    def step(self, objective: Objective, state: "State") -> "State":
        point, H, taken = state.point, state.H, state.taken
        trial = self.search(Ray(objective, point, dsymv(-1.0, H, point.g)), 1.0) if taken else None
        if trial is None:
            taken = 0
            trial = self.search(*downhill(objective, point, 2 * state.step or FIRST_STEP * first_length(point.x)))
        if trial is None:
            raise Stop(Reason.STALLED_AT_PRECISION)
        s, y = trial.point.x - point.x, trial.point.g - point.g
        return State(trial.point, norm(s), 0, *updated(H, taken, s, y))


@dataclass(slots=True)
class State:
    point: Point
    step: float
    inner: int
    H: Vector  # (n, n), the upper triangle of the inverse Hessian
    taken: int  # pairs that made H; 0: H is not used


def updated(H: Vector, taken: int, s: Vector, y: Vector) -> tuple[Vector, int]:
    """H₊ = (I − ρsyᵀ) H (I − ρysᵀ) + ρssᵀ, ρ = 1/s·y, as one symmetric update of rank two, in place; and taken + 1.

    With w = ½(1 + ρ y·Hy) s − Hy it is H + ρ(s wᵀ + w sᵀ). Without H it is γI before. Where H is too small along y,
    s·y > y·Hy, the first updates scale it by (s·y/y·Hy)^GROWTH (Oren & Luenberger 1974 with GROWTH = 1).
    """
    sy, size = curvature(s, y), norm(s)
    gamma = size / sy * size if sy else 0.0
    if not 0 < gamma < math.inf:
        return H, taken
    if not taken:
        H[:] = 0.0
        np.fill_diagonal(H, gamma)
    Hy = dsymv(1.0, H, y)
    yHy = float(y.dot(Hy))
    if taken < GROWING and 0 < yHy < sy:
        growth = (sy / yHy) ** GROWTH
        H *= growth
        Hy *= growth
    w = 0.5 * (1 + float(y.dot(Hy)) / sy) * s - Hy
    return dsyr2(1.0 / sy, s, w, a=H, overwrite_a=True), taken + 1
