"""One run with constraints: SciPy's methods propose iterates, we keep the best, test optimality and end the run."""

import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse
from scipy.sparse.linalg import LinearOperator

from optkit.constrained.constraints import Constraints
from optkit.constrained.curvature import lower_nearby, newton_step
from optkit.constrained.kkt import KKT, examine, unknown
from optkit.constrained.restoration import restored
from optkit.constrained.scaled import Scaled
from optkit.constrained.scipy_methods import METHODS
from optkit.constrained.trial import Enough, Outcome, Trial
from optkit.history import History
from optkit.objective import Objective
from optkit.point import Point, Vector, freeze, norm, norm_inf
from optkit.stopping import Reason, Stop, StoppingRules

UNBOUNDED = -1e20  # f below this times max(1, |f(x0)|) at feasible points is taken for −∞
FAR = 1e10  # what SciPy is told c is where it is not a number, and at most
MAXITER = 1000  # SciPy's for trust-constr
PATIENCE = 50  # iterations without progress after which another start or method is tried
PROGRESS = 1e-3  # relative: less does not count
POLISHING = 10  # Newton steps at most, after each attempt
AGREEMENT = 1e-8  # relative difference of compiled and plain f that reordering sums may cause
_LIMITS = (Reason.MAXITER, Reason.MAXFEV, Reason.MAXTIME, Reason.XTOL, Reason.STALLED_AT_PRECISION)


class Run:
    """One run; also the problem as SciPy's methods see it (scipy_methods.Problem), which they get in units of `Scaled`.

    Ends with success only where the Karush–Kuhn–Tucker conditions hold at x by our own test: stationarity and
    complementarity <= gtol·min(1, scale), scale the largest of ‖∇f‖∞ and |f| at the iterates so far, and each
    constraint violated by <= ctol·min(1, its scale), the largest violation and ‖∇c_i‖∞ so far.
    """

    def __init__(self, objective: Objective, constraints: Constraints, solver: Any, rules: StoppingRules,
                 observers: Sequence[Callable]):
        self.objective, self.constraints, self.rules, self.observers = objective, constraints, rules, observers
        self.solver = solver
        self.lower, self.upper = constraints.lower, constraints.upper
        self.box, self.has_exact_hvp = objective.box.on((objective.n,)), objective.has_exact_hvp
        self.history, self.began = History(), time.perf_counter()
        self.maxiter = MAXITER if rules.maxiter is None else rules.maxiter
        self.scale = self.steepest = 0.0
        self.slopes = self.c_scale = np.zeros(self.lower.size)
        self.trial: Trial | None = None
        self.last: Any = None  # Trials, from the first on
        self.best: Any = None
        self.milestone, self.improved = (math.inf, math.inf, math.inf), 0

    def finish(self) -> Outcome:
        """Iterate to the end. What f, a constraint or an observer raises passes through."""
        with np.errstate(all="ignore"):
            try:
                self._attempts()
            except Stop as stop:
                reason, detail = stop.reason, stop.detail
            except KeyboardInterrupt:
                reason, detail = Reason.INTERRUPTED, ""
            return self._conclude(reason, detail)

    def broken(self, error: Exception) -> Outcome | None:
        """The outcome with the best point before an exception; None where no point was evaluated."""
        if self.best is None or self.last is None:
            return None
        return self._outcome(self.best, self._unknown(), Reason.EXCEPTION, f"{type(error).__name__}: {error}")

    # --- what SciPy asks for -------------------------------------------------------------------------------------

    def f(self, x: Vector) -> float:
        return self.at(x).f

    def c(self, x: Vector) -> Vector:
        return np.clip(np.nan_to_num(self.at(x).c, nan=FAR), -FAR, FAR)

    def grad(self, x: Vector) -> Vector:
        return self.point(self.at(x)).g

    def jacobian(self, x: Vector) -> Any:
        trial = self.at(x)
        if trial.J is None:
            trial.J = self.constraints.jacobian(trial.x)
        if not np.isfinite(trial.J.data if scipy.sparse.issparse(trial.J) else trial.J).all():
            raise Enough
        return trial.J

    def hessian(self, x: Vector) -> LinearOperator:
        n = self.objective.n
        return LinearOperator((n, n), matvec=self.objective.hvp(self.at(x).x), dtype=float)

    def c_hessian(self, x: Vector, v: Vector) -> LinearOperator:
        n = self.objective.n
        return LinearOperator((n, n), matvec=self.constraints.hessian(self.at(x).x, v), dtype=float)

    def iterated(self, x: Vector, inner: int) -> None:
        """One more iterate: history, observers, and whether it ends the attempt or the run."""
        trial, before = self.at(x), self.last
        kkt, self.last = self.kkt(trial), trial
        step = norm(trial.x - before.x) if before else 0.0
        self.history.add((len(self.history), trial.f, kkt.worst, step, time.perf_counter() - self.began,
                          self.objective.nfev, self.objective.njev, self.objective.nhev, inner))
        try:
            for observe in self.observers if before else ():
                observe(self.point(trial), self.history)
        except StopIteration:  # SciPy would take it for its own
            raise Stop(Reason.CALLBACK) from None
        if self.holds(trial):
            raise Stop(Reason.CONVERGED)
        if trial.worst <= 1 and trial.f <= UNBOUNDED * max(1.0, abs(self.history[0].f)):
            raise Stop(Reason.UNBOUNDED)
        if len(self.history) > self.maxiter:
            raise Stop(Reason.MAXITER)
        if before and self.rules.xtol > 0 and step <= self.rules.xtol * max(1.0, norm(trial.x)):
            raise Stop(Reason.XTOL)
        self._check_progress(trial, kkt)

    def told(self) -> dict[str, Any]:
        """What a callback is told of the last iterate beside its record, by SciPy's names."""
        trial = self.last
        return {"optimality": self.kkt(trial).worst, "constr": [trial.c],
                "constr_violation": float(self.constraints.violation(trial.c).max(initial=0.0))}

    def _check_progress(self, trial: Trial, kkt: KKT) -> None:
        """Ends the attempt where feasibility, f and the optimality of the iterates all stay as they were."""
        worst, f, left = self.milestone
        better = max(trial.worst, 1.0) < worst * (1 - PROGRESS) or self.best.worst <= 1 and (
            kkt.worst < left * (1 - PROGRESS) or self.best.f < f - 1e-9 * max(1.0, abs(f)))
        if better:
            self.milestone = min(worst, max(trial.worst, 1.0)), min(f, self.best.f), min(left, kkt.worst)
            self.improved = len(self.history)
        elif len(self.history) - self.improved >= PATIENCE:
            raise Enough

    # --- points --------------------------------------------------------------------------------------------------

    def at(self, x: Vector) -> Trial:
        """f and c at x moved inside the bounds; remembered for the newest point, the last iterate and the best."""
        x = self.box.prox(np.asarray(x, dtype=float), 1.0)
        for known in (self.trial, self.last, self.best):
            if known is not None and np.array_equal(known.x, x):
                return known
        return self.remember(freeze(x), self.objective.value(x))

    def remember(self, x: Vector, f: float) -> Trial:
        c = freeze(self.constraints.value(x))
        self.trial = trial = Trial(x, f, c, self.worst(c))
        if f < math.inf and (self.best is None or trial.rank < self.best.rank):
            self.best = trial
        return trial

    def point(self, trial: Trial) -> Point:
        if trial.point is None:
            trial.point = self.objective.point(trial.x)
        if not trial.point.f < math.inf:
            raise Enough
        return trial.point

    def tolerated(self) -> Vector:
        """What each constraint may be violated by."""
        return self.solver.ctol * np.minimum(1.0, np.where(self.c_scale > 0, self.c_scale, 1.0))

    def worst(self, c: Vector) -> float:
        """The largest violation, relative to what is tolerated; inf where a constraint is that is to be kept."""
        off = self.constraints.violation(c)
        if (off[self.constraints.keep] > 0).any():
            return math.inf
        return float(np.max(off / self.tolerated(), initial=0.0))

    def kkt(self, trial: Trial) -> KKT:
        if trial.kkt is None:
            point, J = self.point(trial), self.jacobian(trial.x)
            self.steepest = max(self.steepest, norm_inf(point.g))
            self.scale = max(self.scale, abs(point.f), self.steepest)
            slopes = abs(J).max(axis=1)
            slopes = slopes.toarray().ravel() if scipy.sparse.issparse(slopes) else slopes
            self.slopes = np.maximum(self.slopes, slopes)
            self.c_scale = np.maximum(self.c_scale, np.maximum(slopes, self.constraints.violation(trial.c)))
            trial.worst = self.worst(trial.c)
            trial.kkt = examine(trial.x, point.g, trial.c, J, self.lower, self.upper, self.box)
        return trial.kkt

    def holds(self, trial: Trial) -> bool:
        """Whether the Karush–Kuhn–Tucker conditions hold there."""
        return trial.worst <= 1 and self.kkt(trial).worst <= self.threshold(trial)

    def threshold(self, trial: Trial) -> float:
        """For stationarity and complementarity; no less than what rounding of their terms leaves at a solution."""
        return max(self.rules.threshold(self.scale), self.kkt(trial).rounding)

    # --- the course of a run -------------------------------------------------------------------------------------

    def _attempts(self) -> None:
        """The method, again from the best point, then the other one; once in between feasibility is restored.

        Not the other one where constraints are to be kept, which only trust-constr does.
        """
        start = self.objective.start()  # whole, also where differences pass a limit: every verdict needs a gradient
        self.objective.maxfev, self.objective.deadline = self.rules.maxfev, self.began + self.rules.maxtime
        trial = self.remember(start.x, start.f)
        if not np.isfinite(trial.c).all():
            raise ValueError(f"constraints: must be finite at x0, got {trial.c}; start where they are defined")
        trial.point = start
        other = next(cls for cls in METHODS.values() if cls is not type(self.solver))(ctol=self.solver.ctol)
        attempts = [self.solver, self.solver, other, self.solver]
        if self.constraints.keep.any():
            attempts.remove(other)
        x, was_restored = start.x, False
        self._advance(lambda x: self.iterated(x, 0), x)
        for solver in attempts:
            self.milestone, self.improved = (math.inf, math.inf, math.inf), len(self.history)
            self._advance(partial(self._solve, solver), x)
            self._advance(lambda x: self._polish(), x)
            x = self.best.x
            if self.best.worst > 1 and not was_restored:
                x, was_restored = restored(self, x), True
        raise Stop(Reason.STALLED_AT_PRECISION)

    def _advance(self, go: Callable[[Vector], None], x: Vector) -> None:
        """go(x); where that ends at a saddle point of the Lagrangian, on from a lower point."""
        escapes = 0
        while True:
            try:
                return go(x)
            except Enough:
                return None
            except Stop as stop:
                if stop.reason is not Reason.CONVERGED:
                    raise
                x, escapes = lower_nearby(self, self.last, escapes), escapes + 1
                go = partial(self._solve, self.solver)

    def _solve(self, solver: Any, x: Vector) -> None:
        solver.solve(Scaled(self, self.steepest, self.slopes), x, self.maxiter)

    def _polish(self) -> None:
        """Newton steps while they halve what is left: where f cannot tell steps apart any more, its derivatives can."""
        trial = min((t for t in (self.best, self.last) if t.f < math.inf), key=self._left)
        for _ in range(POLISHING):
            x = newton_step(self, trial)
            if x is None or not np.isfinite(x).all():
                return
            ahead = self.at(x)
            if not (ahead.f < math.inf and self._left(ahead) <= 0.5 * self._left(trial)):
                return
            trial = ahead
            self.iterated(trial.x, 0)

    def _left(self, trial: Trial) -> float:
        """What is missing to satisfy the test, relative to it."""
        return max(self.kkt(trial).worst / self.threshold(trial), trial.worst)

    def _conclude(self, reason: Reason, detail: str) -> Outcome:
        """The best point, or the last where only that passes the test, with the reason that holds for it."""
        best, last, objective = self.best, self.last, self.objective
        if best is None or last is None:
            raise KeyboardInterrupt
        objective.maxfev = objective.deadline = math.inf  # what the verdict needs is still evaluated
        kkt, holds = self._verdict(best)
        if not holds:
            kkt_last, holds = self._verdict(last)
            best, kkt = (last, kkt_last) if holds else (best, kkt)
        if reason in _LIMITS and holds:
            reason, detail = Reason.CONVERGED, f"when the run ended: {reason.text.split(',')[0]}"
        elif reason in _LIMITS and best.worst <= 1 and objective.saw_minus_infinity:
            reason, detail = Reason.UNBOUNDED, ""
        if objective.compiled:
            plain = objective.plain_value(best.x)
            if not abs(plain - best.f) <= AGREEMENT * (max(abs(plain), abs(best.f)) + 1e-4 * abs(self.history[0].f)):
                reason = Reason.DISAGREEMENT
                detail = f"f(x) = {plain!r}, before {best.f!r}: f is random or keeps state; try compile=False"
        return self._outcome(best, kkt, reason, detail)

    def _outcome(self, trial: Trial, kkt: KKT, reason: Reason, detail: str) -> Outcome:
        return Outcome(trial, kkt, reason, detail, self.history, time.perf_counter() - self.began,
                       max(self.rules.threshold(self.scale), kkt.rounding))

    def _verdict(self, trial: Trial) -> tuple[KKT, bool]:
        try:
            return self.kkt(trial), self.holds(trial)
        except Enough:
            return self._unknown(), False

    def _unknown(self) -> KKT:
        return unknown(self.lower.size, self.objective.n)
