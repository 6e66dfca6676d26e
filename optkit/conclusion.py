"""The last word on a run: its best point, and what holds there."""

import contextlib
from typing import NamedTuple

from optkit.escape import escape, still_to_fall
from optkit.objective import Objective
from optkit.point import Point
from optkit.precision import EPS, UNKNOWN, attainable
from optkit.stopping import Reason, Stop, StoppingRules
from optkit.track import Track

AGREEMENT = 1e-8  # relative difference of compiled and plain f that reordering sums may cause
RELATIVE = 1e-5  # times gtol·(the largest ‖g‖∞): ‖g‖∞ that is success where rounding hides anything smaller
ATTAINED = 100.0  # times the estimated rounding error of g: what steps bring ‖g‖∞ to; momentum stalled at 25 times
_LIMITS = {Reason.MAXITER, Reason.MAXFEV, Reason.MAXTIME, Reason.XTOL, Reason.FTOL, Reason.STALLED_AT_PRECISION}
_CUT_SHORT = {Reason.EXCEPTION, Reason.INTERRUPTED}


class Verdict(NamedTuple):
    """The point to give back, why the run ended, more words, what ‖g‖∞ had to reach.

    lower : a point below a saddle at which the run stalled, from where it may go on; else None.
    """

    point: Point
    reason: Reason
    detail: str
    threshold: float
    lower: Point | None


def conclude(objective: Objective, rules: StoppingRules, track: Track, second_order: bool, reason: Reason,
             detail: str) -> Verdict:
    """The best point, with the reason that holds for it."""
    best = best_point(objective, track, reason)
    verdict = Verdict(best, reason, detail, threshold(objective, rules, track, best), None)
    if reason in _LIMITS:
        verdict = _at_limit(objective, rules, track, second_order, verdict)
    if objective.compiled and reason is not Reason.EXCEPTION:
        verdict = _agreement(objective, track, verdict)
    return verdict


def threshold(objective: Objective, rules: StoppingRules, track: Track, point: Point) -> float:
    """What ‖g‖∞ must not exceed at a point."""
    return rules.threshold(max(track.scale, objective.measure(point), abs(point.f)))


def best_point(objective: Objective, track: Track, reason: Reason) -> Point:
    """The lowest point evaluated; among values that rounding does not tell apart, the last iterate if it is flatter.

    After an exception in f or an interruption its gradient may not be to be had; it is then NaN.
    """
    if reason in _CUT_SHORT:
        objective.salvage()
    try:
        best = objective.best
    except Exception:
        if reason not in _CUT_SHORT:
            raise
        return objective.best_without_gradient
    if objective.measure(track.point) < objective.measure(best) and objective.prefer(track.point):
        return track.point
    return best


def _at_limit(objective: Objective, rules: StoppingRules, track: Track, second_order: bool, found: Verdict) -> Verdict:
    """A limit or a stall is success where the gradient test, or the one for steep f, holds and the curvature agrees."""
    best, reason, detail, bar, _ = found
    stalled, gnorm = reason is Reason.STALLED_AT_PRECISION, objective.measure(best)
    relative, accuracy = RELATIVE * rules.gtol * track.steepest, UNKNOWN
    if not gnorm <= (max(bar, rules.gtol) if stalled else bar) and (stalled or gnorm <= relative):
        with contextlib.suppress(Stop):  # a limit
            accuracy = attainable(objective, best)
        objective.prefer(best)  # to what differs from it by rounding
        best = best_point(objective, track, reason)
        gnorm = objective.measure(best)
    if gnorm <= bar:
        why = f"when the run ended: {reason.text.split(',')[0]}"
    elif stalled and gnorm <= rules.gtol:
        bar, why = rules.gtol, "no step lowers f at working precision"
    elif gnorm <= min(relative, ATTAINED * accuracy.g) and _below_rounding(objective, track, best, relative):
        bar, why = relative, f"no further at working precision: {accuracy}"
    elif best.f <= track.floor or objective.saw_minus_infinity:
        return found._replace(point=best, reason=Reason.UNBOUNDED, detail="")
    else:
        return found._replace(point=best, detail="; ".join(filter(None, (detail, str(accuracy)))))
    return _curvature(objective, second_order, Verdict(best, reason, why, bar, None))


def _below_rounding(objective: Objective, track: Track, point: Point, tol: float) -> bool:
    """Whether f can fall by no more than the rounding error of what it has fallen by, also in the flattest direction.

    Not so where the Hessian is as ill-conditioned as that of Meyer's function: at its minimum ‖g‖∞ cannot be brought
    below 4e-3, which is 1e-13 of the largest, and still leaves f open in the sixth digit.
    """
    try:
        return still_to_fall(objective, point, tol) <= EPS * (track.history[0].f - point.f)
    except Stop:
        return False


def _curvature(objective: Objective, second_order: bool, found: Verdict) -> Verdict:
    """The verdict on a point that passes a gradient test, after a look at the curvature there."""
    try:
        lower = escape(objective, found.point, second_order=second_order, at_start=False, tol=found.threshold)
    except Stop as stop:
        if stop.reason is Reason.SADDLE_POINT:
            return found._replace(reason=Reason.SADDLE_POINT, detail=stop.detail)
        seen = stop.detail if stop.reason is Reason.CONVERGED else f"the curvature was not examined: {stop.reason.text}"
        return found._replace(reason=Reason.CONVERGED, detail=f"{found.detail}; {seen}")
    return found._replace(point=lower, detail="a saddle point was left for a lower one", lower=lower)


def _agreement(objective: Objective, track: Track, found: Verdict) -> Verdict:
    """The verdict, DISAGREEMENT where f itself says otherwise at the point."""
    point = found.point
    plain, first = objective.plain_value(point.x), track.history[0].f if len(track.history) else point.f
    if abs(plain - point.f) <= AGREEMENT * (max(abs(plain), abs(point.f)) + 1e-4 * abs(first)):
        return found
    detail = (f"f(x) = {plain!r}, before {point.f!r}: f is random, keeps state or reads what optkit cannot see; "
              "compile=False evaluates f itself")
    return Verdict(point._replace(f=plain), Reason.DISAGREEMENT, detail, found.threshold, None)
