"""Where neither gradient nor curvature tells a minimum from a maximum: values of f along rays."""

import numpy as np

from optkit.objective import ROUNDING, Objective
from optkit.point import Point, Vector, norm, norm_inf
from optkit.stopping import Reason, Stop

STEPS = (1e-3, 1e-2, 1e-1, 1.0)  # lengths, of max(1, ‖x‖∞): from where x³ falls by a slope of 1e-6 to the size of x


def probe(objective: Objective, point: Point, rays: np.ndarray, tol: float, seen: str) -> Point:
    """A point at which f is lower by more than a gradient of size tol can explain, at x ± t·ray, rays as rows.

    For a convex f there is none. Raises Stop with CONVERGED where there is none, `seen` in its words, and with NO_SLOPE
    where there are several and the gradient is exactly 0 at all of them. Cost: at most 8 values a ray.
    """
    without_slope: list[Point] = []
    changes = False
    for v in (sign * ray for ray in rays for sign in (1.0, -1.0)):
        lower, changed = _along(objective, point, v, tol)
        changes = changes or changed
        for trial in lower:
            if objective.measure(trial) > 0:
                return trial
        without_slope += lower
    if len(without_slope) > 1:
        raise Stop(Reason.NO_SLOPE)
    if without_slope:
        return without_slope[0]
    how = "flat: higher orders decide, and no lower point was seen" if changes else "f does not change near x"
    raise Stop(Reason.CONVERGED, f"{seen}; {how}")


def _along(objective: Objective, point: Point, v: Vector, tol: float) -> tuple[list[Point], bool]:
    """The lower points on a ray up to where f rises, the last the first that has a slope; and whether f changes."""
    slope, size, lower, changes = max(tol, objective.slope(point)), max(1.0, norm_inf(point.x)), [], False
    reach = 0.0 if objective.term is None else norm(point.g)  # a convex f + h may be lower by (length + ‖g‖)·‖residual‖
    for length in (t * size for t in STEPS):
        x = point.x + length * v
        f = objective.value(x)
        changes = changes or f != point.f
        if abs(f - point.f) <= max((length + reach) * slope, ROUNDING * abs(point.f)):
            continue
        trial = objective.point(x) if f < point.f else None
        if trial is None or not trial.f < point.f:
            break
        lower.append(trial)
        if objective.measure(trial) > 0:
            break
    return lower, changes
