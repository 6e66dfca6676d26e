"""The last word on a run: its best point, and what holds there."""

import contextlib
from typing import NamedTuple

from optkit.escape import escape, farthest
from optkit.objective import Objective
from optkit.point import Point, norm, norm_inf
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
    if reason is Reason.CONVERGED and not objective.measure(best) <= threshold(objective, rules, track, best):
        best = track.point  # the test holds there; a lower point turned up in the look at the curvature
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

    After an exception in f, an interruption, or a limit on values its gradient may not be to be had; it is then NaN.
    """
    objective.salvage()
    try:
        best = objective.best
    except Stop:  # a limit, met while differences were taken
        return objective.best_without_gradient
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
    steepest = track.steepest if objective.term is None else max(track.steepest, norm_inf(best.g))  # sets cut gnorm off
    relative, accuracy = RELATIVE * rules.gtol * steepest, UNKNOWN
    if stalled:
        relative = max(relative, rules.gtol)
    if not gnorm <= bar and (stalled or gnorm <= relative):
        with contextlib.suppress(Stop):  # a limit
            accuracy = attainable(objective, best)
        objective.prefer(best)  # to what differs from it by rounding
        best = best_point(objective, track, reason)
        gnorm = objective.measure(best)
    if gnorm <= bar:
        why = f"when the run ended: {reason.text.split(',')[0]}"
    elif best.f <= track.floor or objective.saw_minus_infinity:
        return found._replace(point=best, reason=Reason.UNBOUNDED, detail="")
    elif gnorm <= min(relative, ATTAINED * accuracy.g) and _below_rounding(objective, track, best, relative):
        bar, why = relative, f"no further at working precision: {accuracy}"
    else:
        return found._replace(point=best, detail="; ".join(filter(None, (detail, str(accuracy)))))
    return _curvature(objective, second_order, Verdict(best, reason, why, bar, None))


def _below_rounding(objective: Objective, track: Track, point: Point, tol: float) -> bool:
    """Whether f can fall by no more than rounding, also in the flattest direction: EPS times what it has fallen by, or
    what it changes by along that direction over a length of ‖x‖, λ‖x‖²/2. The second is for starts at solutions.

    Not so where the Hessian is as ill-conditioned as that of Meyer's function: at its minimum ‖g‖∞ cannot be brought
    below 4e-3, which is 1e-13 of the largest, and still leaves f open in the sixth digit.
    """
    try:
        distance, fall = farthest(objective, point, tol)
    except Stop:
        return False
    return fall <= EPS * (track.history[0].f - point.f) or distance <= EPS**0.5 * norm(point.x)


def _curvature(objective: Objective, second_order: bool, found: Verdict) -> Verdict:
    """The verdict on a point that passes a gradient test, after a look at the curvature there."""
    try:
        lower = escape(objective, found.point, second_order=second_order, at_start=False, tol=found.threshold)
    except Stop as stop:
        if stop.reason in (Reason.SADDLE_POINT, Reason.NO_SLOPE):
            return found._replace(reason=stop.reason, detail=stop.detail)
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
