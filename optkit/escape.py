"""Where the gradient vanishes: is the curvature negative, and does a lower point lie along it?"""

import math
from collections.abc import Callable

import numpy as np

from optkit.objective import ROUNDING, Objective
from optkit.point import Point, Vector, norm_inf
from optkit.prox import Box
from optkit.stopping import Reason, Stop
from optkit.subproblems import CLEAR, Curvature, lowest_curvature

SMALL = 2000  # unknowns: up to here the curvature is examined for methods that do not use it, too
ALL = 100  # unknowns: up to here all of the spectrum is seen where the sign cannot be told earlier
STEPS = 30  # products at most above that
LARGE_STEPS = 8  # above SMALL unknowns: each step holds a vector
ZERO = {True: 1e-6, False: 1e-3}  # exact or differenced products: relative size to trust a sign from
SHORTEST = 1e-12  # of the steps that are tried


def escape(objective: Objective, point: Point, *, second_order: bool, at_start: bool, tol: float) -> Point:
    """A point below a saddle point or maximum, along negative curvature in the free variables.

    Raises Stop with CONVERGED where none shows, and with SADDLE_POINT where it shows but no lower point does; the
    details say what was examined. at_start : whether nothing has been spent yet. tol : |g_i| up to which a variable at
    its bound counts as free to leave it.
    """
    _check_examined(objective, second_order, at_start)
    for free in free_variables(objective, point, tol):
        if not free.any():
            raise Stop(Reason.CONVERGED, "every variable is at a bound that holds it")
        curvature = _examine(objective, point, free)
        if not curvature.lowest < -ZERO[objective.has_exact_hvp] * curvature.size:
            raise Stop(Reason.CONVERGED, _what_was_seen(curvature, free))
        try:
            lower = _lower(objective, point, curvature)
        except Stop as limit:
            why = f"not followed: {limit.reason.text}"
            raise Stop(Reason.SADDLE_POINT, f"curvature {curvature.lowest:.2g} along a direction, {why}") from None
        if lower is not None:
            return lower
    raise Stop(Reason.SADDLE_POINT, f"curvature {curvature.lowest:.2g} along a direction, but no lower point on it")


def _check_examined(objective: Objective, second_order: bool, at_start: bool) -> None:
    """Stop with what the first-order test is worth, where looking at the curvature is impossible or costs too much."""
    why = ""
    if objective.term is not None and not isinstance(objective.term, Box):
        why = f"{type(objective.term).__name__} is added to f"
    elif not second_order and not objective.has_exact_hvp:
        why = "products with the Hessian would be differences"
    elif not second_order and objective.n > SMALL and not at_start:
        why = f"n = {objective.n} > {SMALL}"
    if why:
        raise Stop(Reason.CONVERGED, f"first-order test: the curvature was not examined, {why}")


def free_variables(objective: Objective, point: Point, tol: float) -> list[Vector]:
    """Masks of the variables that no bound holds, then of those among them at no bound at all, where that differs.

    A bound holds a variable if a gradient step leads out of the box there, and the multiplier is more than tol: then f
    rises inwards. At a bound with a multiplier of zero only one sign of a direction is feasible.
    """
    if objective.term is None:
        return [np.ones(objective.n, dtype=bool)]
    x, box = point.x, objective.box
    free = ~held_below(point, box, tol) & ~held_above(point, box, tol)
    inside = free & (x > box.lower) & (x < box.upper)
    return [free] if (inside == free).all() else [free, inside]


def held_below(point: Point, box: Box, tol: float) -> Vector:
    """Which variables a lower bound holds, as a mask."""
    return (point.g > tol) & (point.x - point.g <= box.lower)


def held_above(point: Point, box: Box, tol: float) -> Vector:
    """Which variables an upper bound holds, as a mask."""
    return (point.g < -tol) & (point.x - point.g >= box.upper)


def reduced(product: Callable[[Vector], Vector], free: Vector) -> Callable[[Vector], Vector]:
    """v -> the rows and columns `free` of H, times v."""
    if free.all():
        return product

    def on_free(v: Vector) -> Vector:
        full = np.zeros(free.size)
        full[free] = v
        return product(full)[free]

    return on_free


def _examine(objective: Objective, point: Point, free: Vector) -> Curvature:
    steps = ALL if objective.n <= ALL else STEPS if objective.n <= SMALL else LARGE_STEPS
    product = reduced(objective.hvp(point.x), free)
    found = lowest_curvature(product, int(free.sum()), steps, 0, ZERO[objective.has_exact_hvp])
    v = np.zeros(objective.n)
    v[free] = found.v
    return found._replace(v=v)


def _what_was_seen(curvature: Curvature, free: Vector) -> str:
    size = int(free.sum())
    where = "" if size == free.size else f" in the {size} free of {free.size} variables"
    if not curvature.lowest < np.inf:
        return f"first-order test: the Hessian is not finite{where}, so the curvature was not examined"
    name = f"lowest Ritz value of {curvature.products} products" if curvature.error else "lowest eigenvalue"
    settled = not curvature.error or curvature.lowest - curvature.error > CLEAR * curvature.size
    return (f"no negative curvature found{where}, {name} {curvature.lowest:.2g}"
            + ("" if settled else ", which leaves its sign open"))


def still_to_fall(objective: Objective, point: Point, tol: float) -> float:
    """By how much f may fall within the quadratic model, at most: ‖g‖²/(2λ), λ the lowest eigenvalue less its error.

    Both in the variables no bound holds; inf where λ is not positive, or products are not exact.
    """
    free = free_variables(objective, point, tol)[0]
    if not objective.has_exact_hvp or not free.any() or not (objective.term is None or isinstance(objective.term, Box)):
        return math.inf
    curvature = _examine(objective, point, free)
    flattest = curvature.lowest - curvature.error
    return float(point.g[free].dot(point.g[free])) / (2 * flattest) if flattest > 0 else math.inf


def _lower(objective: Objective, point: Point, curvature: Curvature) -> Point | None:
    """A point at which f is lower by half of what the curvature promises; points outside a box are projected."""
    length = max(1.0, norm_inf(point.x))
    while 0.25 * length**2 * -curvature.lowest > ROUNDING * abs(point.f) and length > SHORTEST:
        for v in (length * curvature.v, -length * curvature.v):
            trial = objective.point(point.x + v)
            if trial.f < point.f + 0.25 * length**2 * curvature.lowest:
                return trial
        length *= 0.25
    return None
