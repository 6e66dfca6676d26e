"""Proximal gradient steps of f + h and how far to trust them, shared by the methods that take them."""

from optkit.objective import ROUNDING, Objective
from optkit.point import Point, Vector
from optkit.prox import proximal

BLURRED = 1e-9  # relative: smaller differences of F may be cancellation, so they are taken from gradients
NO_GRADIENT = "f has no finite gradient where it is lowest"
L_RANGE = (1e-300, 1e300)  # 1e±30 in Wright, Nowak & Figueiredo 2009 §2.2, which depends on the scale of f


def within_range(L: float) -> float:
    return min(max(L, L_RANGE[0]), L_RANGE[1])


def proximal_step(objective: Objective, point: Point, L: float) -> Vector:
    """prox_{h/L}(x − g/L): the minimiser of f + g·d + L/2 ‖d‖² + h(x + d)."""
    return proximal(objective.term)(point.x - point.g / L, 1 / L)


def halfway(point: Point, trial: Point, d: Vector) -> float:
    """d·(g⁺ − g)/2, which is f(x⁺) − f − g·d by the trapezium rule, exact for a quadratic and free of cancellation."""
    return 0.5 * float(d.dot(trial.g - point.g))


def is_blurred(point: Point, f: float) -> bool:
    return abs(f - point.f) <= BLURRED * abs(point.f)


def majorised(objective: Objective, point: Point, x: Vector, F: float, d: Vector, L: float,
              trial: Point | None) -> bool:
    """f(x⁺) <= f + g·d + L/2 ‖d‖², with F = F(x⁺). Beck & Teboulle 2009 (2.5).

    trial : the point x⁺ where its gradient is known; else that is evaluated where F is blurred.
    """
    dd = float(d.dot(d))
    if is_blurred(point, F):
        return halfway(point, objective.point(x) if trial is None else trial, d) <= 0.5 * L * dd
    h = objective.term.value if objective.term is not None else lambda x: 0.0
    smooth = (F - h(x)) - (point.f - h(point.x))
    return smooth <= float(point.g.dot(d)) + 0.5 * L * dd + ROUNDING * abs(point.f)
