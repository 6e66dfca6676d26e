"""The one iteration loop: limits, stopping, history, observers, interruption and checkpoints."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from optkit.checkpoint import Checkpoint
from optkit.conclusion import conclude, threshold
from optkit.escape import escape
from optkit.history import History
from optkit.objective import Objective
from optkit.point import Point, norm
from optkit.stopping import Reason, Stop, StoppingRules
from optkit.track import Track

MAX_IDLE = 200  # iterations in which neither f nor ‖g‖∞ has to improve

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
    max_idle : the iterations in which neither f nor ‖g‖∞ has to improve, MAX_IDLE where it is left out.
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

    Where the gradient vanishes, the curvature is looked at, and saddle points are left along its negative direction.
    """
    return Run(objective, solver, rules, observers, None, None).finish()


class Run:
    """One run, which can still give an outcome after an exception ended it.

    checkpoint : where it is saved now and then; track : where a saved one goes on; or None.
    """

    def __init__(self, objective: Objective, solver: Solver, rules: StoppingRules, observers: Sequence[Observer],
                 checkpoint: Checkpoint | None, track: Track | None):
        self.objective, self.solver, self.rules, self.observers = objective, solver, rules, observers
        self.checkpoint, self.track = checkpoint, track
        self.second_order = getattr(solver, "second_order", False)
        self.max_idle = getattr(solver, "max_idle", MAX_IDLE)
        self.maxiter = rules.iterations(objective.n)
        self.began = time.perf_counter() - (track.seconds if track else 0.0)
        objective.maxfev, objective.deadline = rules.maxfev, self.began + rules.maxtime
        if track is not None and track.memory is not None:
            objective.recall(track.memory)

    def finish(self) -> Outcome:
        """Iterate to the end. What f or an observer raises passes through."""
        with np.errstate(all="ignore"):
            while True:
                try:
                    self._iterate()
                except Stop as stop:
                    reason, detail = stop.reason, stop.detail
                except KeyboardInterrupt:
                    reason, detail = Reason.INTERRUPTED, ""
                outcome = self._conclude(reason, detail)
                if outcome is not None:
                    return outcome

    def broken(self, error: Exception) -> Outcome | None:
        """The outcome with the best point before an exception; None where no point was evaluated."""
        if self.track is None:
            return None
        return self._conclude(Reason.EXCEPTION, f"{type(error).__name__}: {error}")

    def _iterate(self) -> None:
        """Iterates until Stop is raised."""
        if self.track is None:
            self.track = Track.start(self.objective.start())
            self.track.scale = 1.0 if self.objective.scale_free else 0.0
        track, checkpoint = self.track, self.checkpoint
        self.objective.history = track.history  # where nonmonotone line searches find the values of f accepted before
        while True:
            if track.state is None:
                track.state = self.solver.init(self.objective, track.point)
                track.point = track.state.point
            if not track.recorded:
                self._record(track)
                track.recorded = True
            if checkpoint is not None and checkpoint.due(track.nit, track.nit >= self.maxiter):
                track.memory, track.seconds = self.objective.memory(), time.perf_counter() - self.began
                checkpoint.write(track)
            self._advance(track)
            track.recorded = False

    def _record(self, track: Track) -> None:
        """The newest iterate goes into the history and to the observers."""
        objective, state, history, point = self.objective, track.state, track.history, track.point
        gnorm = objective.measure(point)
        history.add((len(history), point.f, gnorm, state.step, time.perf_counter() - self.began,
                     objective.nfev, objective.njev, objective.nhev, state.inner))
        track.note(point.f, gnorm, objective.lowest)
        if self.observers and track.nit:
            try:
                for observe in self.observers:
                    observe(point, history)
            except StopIteration:  # f's own, should it raise one, is an exception like any other
                raise Stop(Reason.CALLBACK) from None

    def _advance(self, track: Track) -> None:
        """The next state, or Stop."""
        rules, point, nit = self.rules, track.point, track.nit
        stationary = track.gnorm <= rules.threshold(track.scale)
        if stationary:
            track.state = None  # what it holds is not needed while the curvature is looked at
            track.point = self._somewhere_lower(track, point)
        elif point.f <= track.floor:
            raise Stop(Reason.UNBOUNDED)
        elif nit:
            self._check_progress(track, point, nit)
        if nit >= self.maxiter:
            raise Stop(Reason.MAXITER)
        if not stationary:
            self.objective.target = rules.threshold(track.scale)
            track.state = self.solver.step(self.objective, track.state)
            track.point = track.state.point

    def _check_progress(self, track: Track, point: Point, nit: int) -> None:
        rules = self.rules
        if rules.xtol > 0 and track.state.step <= rules.xtol * max(1.0, norm(point.x)):
            raise Stop(Reason.XTOL)
        if rules.ftol > 0:
            before, f = track.history[-2].f, point.f
            if 0 <= before - f <= rules.ftol * max(1.0, abs(f), abs(before)):
                raise Stop(Reason.FTOL)
        if nit - track.improved >= self.max_idle:
            raise Stop(Reason.STALLED_AT_PRECISION, f"neither f nor ‖∇f‖∞ improved in {self.max_idle} iterations")

    def _somewhere_lower(self, track: Track, point: Point) -> Point:
        """The gradient vanishes at `point`: Stop, unless a lower one is known or found along negative curvature."""
        objective = self.objective
        if not objective.prefer(point):
            lower = objective.best
            if not objective.measure(lower) <= threshold(objective, self.rules, track, lower):
                if lower is track.restarted_at:
                    raise Stop(Reason.STALLED_AT_PRECISION)
                track.restarted_at = lower
                return lower
            point = lower
        track.point = point
        return escape(objective, point, second_order=self.second_order, at_start=len(track.history) == 1,
                      tol=self.rules.threshold(track.scale))

    def _conclude(self, reason: Reason, detail: str) -> Outcome | None:
        """The outcome; None where the run stalled at a saddle point and can go on from a lower one."""
        if self.track is None and reason is Reason.INTERRUPTED:
            raise KeyboardInterrupt
        track = self.track = self.track or Track.start(self.objective.best_without_gradient)
        found = conclude(self.objective, self.rules, track, self.second_order, reason, detail)
        if found.lower is not None and reason is Reason.STALLED_AT_PRECISION:
            track.state, track.point, track.recorded = None, found.lower, False
            return None
        return Outcome(found.point, found.reason, found.detail, track.history, time.perf_counter() - self.began,
                       found.threshold)
