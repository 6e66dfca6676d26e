"""The one iteration loop: limits, stopping, history, observers, interruption and the last word on the result."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from optkit.history import History
from optkit.objective import ROUNDING, Objective
from optkit.point import Point, norm, norm_inf
from optkit.stopping import Reason, Stop, StoppingRules
from optkit.subproblems import lowest_curvature

UNBOUNDED = -1e20  # f below this times max(1, |f(x0)|) is taken for −∞
PROBE_STEPS = (30, 8)  # products spent on looking for negative curvature where g vanishes: at the start, later
PROBE_TOLERANCE = {True: 1e-6, False: 1e-3}  # exact or differenced products: relative size to trust a sign from
AGREEMENT = 1e-8  # relative difference of compiled and plain f that reordering sums may cause
_LIMITS = {Reason.MAXITER, Reason.MAXFEV, Reason.MAXTIME, Reason.XTOL, Reason.FTOL, Reason.STALLED_AT_PRECISION}


Observer = Callable[[Point, History], None]


class State(Protocol):
    """A picklable dataclass: the point, ‖x_k − x_{k−1}‖₂ (0 at the start) and the inner iterations of the last step."""

    point: Point
    step: float
    inner: int


class Solver(Protocol):
    """A frozen dataclass of parameters. `init` makes the state, `step` the next one; both may raise Stop.

    second_order : whether it uses Hessian-vector products, so that looking at the curvature costs little.
    terms : the kinds of optkit.prox it copes with besides a smooth f, () where there are none (the default).
    """

    second_order: ClassVar[bool]

    def init(self, objective: Objective, point: Point) -> Any: ...

    def step(self, objective: Objective, state: Any) -> Any: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: the point to give back, why, more words, the history, seconds, what ‖g‖∞ had to reach."""

    point: Point
    reason: Reason
    detail: str
    history: History
    seconds: float
    threshold: float


def run(objective: Objective, solver: Solver, rules: StoppingRules, observers: Sequence[Observer]) -> Outcome:
    """Iterate until a rule stops it. observer(point, history) is called after each iteration, may raise StopIteration.

    Where the gradient vanishes, solvers with `second_order = True` have the curvature looked at, and leave saddle
    points along its negative direction; others only at the start, and if exact products are at hand.
    """
    run = _Run(objective, solver, rules, observers)
    with np.errstate(all="ignore"):
        try:
            run.iterate()
        except Stop as stop:
            reason, detail = stop.reason, stop.detail
        except StopIteration:
            reason, detail = Reason.CALLBACK, ""
        except KeyboardInterrupt:
            reason, detail = Reason.INTERRUPTED, ""
        return run.conclude(reason, detail)


class _Run:
    def __init__(self, objective: Objective, solver: Solver, rules: StoppingRules, observers: Sequence[Observer]):
        self.objective, self.solver, self.rules, self.observers = objective, solver, rules, observers
        self.history = History()
        self.began = time.perf_counter()
        objective.maxfev, objective.deadline = rules.maxfev, self.began + rules.maxtime
        self.scale = 0.0
        self.floor = UNBOUNDED
        self.last: Point | None = None
        self.restarted_at: Point | None = None

    def iterate(self) -> None:
        """Iterates until Stop is raised."""
        objective, solver, history = self.objective, self.solver, self.history
        gtol, maxiter = self.rules.gtol, self.rules.iterations(objective.n)
        small_steps = self.rules.xtol > 0 or self.rules.ftol > 0
        point = objective.start()
        self.floor *= max(1.0, abs(point.f))
        state = solver.init(objective, point)
        nit = 0
        while True:
            self.last = point = state.point
            gnorm = objective.measure(point)
            history.add((nit, point.f, gnorm, state.step, time.perf_counter() - self.began,
                         objective.nfev, objective.njev, objective.nhev, state.inner))
            if self.scale < 1:
                self.scale = max(self.scale, gnorm, abs(point.f))
            if self.observers and nit:
                for observe in self.observers:
                    observe(point, history)
            stationary = gnorm <= gtol * min(1.0, self.scale)
            if stationary:
                state = self._somewhere_lower(point)
            elif point.f <= self.floor:
                raise Stop(Reason.UNBOUNDED)
            elif small_steps and nit:
                self._check_progress(point, state.step)
            if nit >= maxiter:
                raise Stop(Reason.MAXITER)
            if not stationary:
                state = solver.step(objective, state)
            nit += 1

    def _check_progress(self, point: Point, step: float) -> None:
        before, f = self.history[-2].f, point.f
        if step <= self.rules.xtol * max(1.0, norm(point.x)):
            raise Stop(Reason.XTOL)
        if 0 <= before - f <= self.rules.ftol * max(1.0, abs(f), abs(before)):
            raise Stop(Reason.FTOL)

    def _somewhere_lower(self, point: Point) -> State:
        """The gradient vanishes at `point`: Stop, unless a lower one is known or found along negative curvature."""
        objective = self.objective
        if not objective.prefer(point):
            lower = objective.best
            if not self._holds(lower):
                if lower is self.restarted_at:
                    raise Stop(Reason.STALLED_AT_PRECISION)
                self.restarted_at = lower
                return self.solver.init(objective, lower)
            point = lower
        return self.solver.init(objective, self._escape(point))

    def _holds(self, point: Point) -> bool:
        return self.objective.measure(point) <= self._threshold(point)

    def _threshold(self, point: Point) -> float:
        return self.rules.threshold(max(self.scale, self.objective.measure(point), abs(point.f)))

    def _escape(self, point: Point) -> Point:
        """A point below a saddle point or maximum, along its lowest curvature; Stop where none shows to be negative."""
        objective = self.objective
        exact, later = objective.has_exact_hvp, len(self.history) > 1
        first_order = not getattr(self.solver, "second_order", False) and (later or not exact)
        if first_order or objective.term is not None:
            raise Stop(Reason.CONVERGED, "first-order test: the curvature was not examined")
        curvature = lowest_curvature(objective.hvp(point.x), objective.n, PROBE_STEPS[later], 0)
        if not curvature.lowest < -PROBE_TOLERANCE[exact] * curvature.size:
            raise Stop(Reason.CONVERGED, f"no negative curvature found, lowest Ritz value {curvature.lowest:.2g}")
        length = max(1.0, norm_inf(point.x))
        while 0.25 * length**2 * -curvature.lowest > ROUNDING * abs(point.f) and length > 1e-12:
            for v in (length * curvature.v, -length * curvature.v):
                trial = objective.point(point.x + v)
                if trial.f < point.f + 0.25 * length**2 * curvature.lowest:
                    return trial
            length *= 0.25
        raise Stop(Reason.SADDLE_POINT, f"curvature {curvature.lowest:.2g} along a direction, but no lower point on it")

    def conclude(self, reason: Reason, detail: str) -> Outcome:
        """The best point, with the reason that holds for it."""
        objective, last = self.objective, self.last
        if last is None:
            raise KeyboardInterrupt
        best = objective.best
        if objective.measure(last) < objective.measure(best) and objective.prefer(last):
            best = last
        threshold = self._threshold(best)
        if reason in _LIMITS and self._holds(best):
            reason, detail = Reason.CONVERGED, f"when the run ended: {reason.text.split(',')[0]}"
        elif reason is Reason.STALLED_AT_PRECISION and objective.measure(best) <= self.rules.gtol:
            reason, detail, threshold = Reason.CONVERGED, "no step lowers f at working precision", self.rules.gtol
        elif reason in _LIMITS and (best.f <= self.floor or objective.saw_minus_infinity):
            reason, detail = Reason.UNBOUNDED, ""
        if objective.compiled:
            plain, compiled = objective.plain_value(best.x), best.f
            slack = AGREEMENT * (max(abs(plain), abs(best.f)) + 1e-4 * abs(self.history[0].f))
            if not abs(plain - best.f) <= slack:
                reason, best = Reason.DISAGREEMENT, best._replace(f=plain)
                detail = (f"f(x) = {plain!r}, before {compiled!r}: f is random, keeps state or reads what optkit can"
                          "not see; compile=False evaluates f itself")
        return Outcome(best, reason, detail, self.history, time.perf_counter() - self.began, threshold)
