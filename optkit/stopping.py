"""Why a run stops, and whether that means solved."""

import math
from dataclasses import dataclass, fields
from enum import Enum

from optkit.checks import is_real, is_whole, require

FINITE = ("a finite number", math.isfinite)
WHOLE = ("a whole number", lambda value: value == math.inf or is_whole(value))
KINDS = {"gtol": FINITE, "xtol": FINITE, "ftol": FINITE, "maxiter": WHOLE, "maxfev": WHOLE,
         "maxtime": ("a number", is_real)}


class Reason(Enum):
    """What ended a run: (status number, what it means). Only CONVERGED is success; 99 is SciPy's for CALLBACK."""

    CONVERGED = (0, "the gradient test holds")
    MAXITER = (1, "iteration limit reached")
    STALLED_AT_PRECISION = (2, "no step lowers f at working precision, and the gradient test does not hold")
    MAXFEV = (3, "limit on evaluations of f reached")
    MAXTIME = (4, "time limit reached")
    XTOL = (5, "the step became smaller than xtol, and the gradient test does not hold")
    FTOL = (6, "f decreased by less than ftol, and the gradient test does not hold")
    UNBOUNDED = (7, "f appears to be unbounded below")
    SADDLE_POINT = (8, "the gradient vanishes but the Hessian has a negative eigenvalue: a saddle point or a maximum")
    DIVERGED = (9, "the fixed step left the region where f is finite")
    DISAGREEMENT = (10, "a plain evaluation of f at x disagrees with the value the run used")
    INFEASIBLE = (11, "no point that satisfies the constraints was found: their violation has a minimum at x")
    NO_SLOPE = (12, "the gradient is zero at points that differ in f: f is constant almost everywhere")
    EXCEPTION = (97, "an exception was raised while f, a derivative or `callback` ran")
    INTERRUPTED = (98, "interrupted from the keyboard")
    CALLBACK = (99, "`callback` raised `StopIteration` or returned True")

    @property
    def status(self) -> int:
        return self.value[0]

    @property
    def text(self) -> str:
        return self.value[1]


class Stop(Exception):  # noqa: N818 - control flow from anywhere inside a step to the loop, never seen by users
    """End the run now, for this reason."""

    def __init__(self, reason: Reason, detail: str = ""):
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


@dataclass(frozen=True, slots=True)
class StoppingRules:
    """When to stop. The same names and defaults for every method.

    gtol : stop with success when ‖g‖∞ <= gtol·min(1, scale), scale = the largest of ‖g‖∞ and |f| at the iterates so
        far. For a well-scaled f that is SciPy's test; it tightens when all of f is tiny, so that multiplying f by 1e-8
        does not turn the start into a solution. When a run ends without having met this, ‖g‖∞ <= 1e-5·gtol·(the
        largest ‖g‖∞ of the run), or gtol after a stall, is enough where rounding errors of the gradient at x are as
        large and f can fall by no more than its own: multiplying f by 1e12 does not put the solution out of reach.
    xtol : stop when ‖x_k − x_{k−1}‖₂ <= xtol·max(1, ‖x_k‖₂); ftol : when 0 <= f_{k−1} − f_k <= ftol·max(1, |f_k|,
        |f_{k−1}|). Neither is success by itself; 0 turns them off.
    maxiter : iterations, None for max(10000, 200 n). maxfev : evaluations of f. maxtime : seconds. The last two are
    checked at each evaluation, so also inside line searches. A run in which neither f nor ‖g‖∞ improves for 200
    iterations stops as stalled.
    """

    gtol: float = 1e-5  # scipy.optimize.minimize
    xtol: float = 0.0
    ftol: float = 0.0
    maxiter: int | None = None
    maxfev: float = math.inf
    maxtime: float = math.inf

    def __post_init__(self):
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None:
                object.__setattr__(self, field.name, field.default)
                continue
            kind, holds = KINDS[field.name]
            require(field.name, is_real(value) and value >= 0 and holds(value), f"{kind} >= 0", **{field.name: value})
            if holds is WHOLE[1] and value < math.inf:
                object.__setattr__(self, field.name, int(value))

    def iterations(self, n: int) -> float:
        """The iteration limit for n unknowns."""
        return max(10_000, 200 * n) if self.maxiter is None else self.maxiter

    def threshold(self, scale: float) -> float:
        """What ‖g‖∞ must not exceed."""
        return self.gtol * min(1.0, scale)
