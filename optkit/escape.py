"""Where the gradient vanishes: is the curvature negative, and does a lower point lie along it, or along a flat ray?"""

import math
from collections.abc import Callable
from typing import NoReturn

import numpy as np

from optkit.differences import EPS
from optkit.nonsmooth import farthest_with_term, lower_with_term, support
from optkit.objective import ROUNDING, Objective
from optkit.point import Point, Vector, norm, norm_inf
from optkit.probe import probe
from optkit.prox import Box
from optkit.stopping import Reason, Stop
from optkit.subproblems import CLEAR, Curvature, lowest_curvature

SMALL = 2000  # unknowns: up to here the curvature is examined for methods that do not use it, too
ALL = 100  # unknowns: up to here all of the spectrum is seen where the sign cannot be told earlier
STEPS = 30  # products at most above that
LARGE_STEPS = 8  # above SMALL unknowns: each step holds a vector
ZERO = {True: 1e-6, False: 1e-3}  # exact or differenced products: relative size to trust a sign from
ROUGH = 100.0  # times the root of the relative error of gradients, relative to the largest: error of their differences
SHORTEST = 1e-12  # of the steps that are tried
AXES = 20  # unknowns, at most, along each of which f is probed where the Hessian says nothing


def escape(objective: Objective, point: Point, *, second_order: bool, at_start: bool, tol: float) -> Point:
    """A point below a saddle point or maximum, along negative curvature in the free variables, or higher derivatives.

    Raises Stop with CONVERGED where none shows, with SADDLE_POINT where it shows but no lower point does, and with
    NO_SLOPE where lower points have gradients of zero, too; the details say what was examined. at_start : whether
    nothing has been spent yet. tol : |g_i| up to which a variable at its bound counts as free to leave it.
    """
    vanishes = at_start and not point.g.any()
    why = _unexamined(objective, second_order, at_start)
    if why:
        seen = f"first-order test: the curvature was not examined, {why}"
        return probe(objective, point, _rays(objective.n), tol, seen) if vanishes else _settled(seen)
    if has_term(objective):
        return _lower_with_term(objective, point, tol)
    for free in free_variables(objective, point, tol):
        if not free.any():
            return _settled("every variable is at a bound that holds it")
        curvature = _examine(objective, point, free)
        zero = ZERO[objective.has_exact_hvp] * curvature.size
        if not curvature.lowest < -zero - _noise(objective, point):
            seen = _what_was_seen(curvature, free)
            rays = curvature.v[None] if 0 < curvature.size < math.inf else np.vstack([curvature.v, _units(free)])
            return _settled(seen) if curvature.lowest > zero and not vanishes else \
                probe(objective, point, rays, tol, seen)
        lower = _follow(objective, point, curvature)
        if lower is not None:
            return lower
    told = f"curvature {curvature.lowest:.2g} along a direction, but no lower point on it"
    if objective.gradient_error > EPS:
        return _settled(f"first-order test: differences of differences show {told}, so it is not known")
    raise Stop(Reason.SADDLE_POINT, told)


def _settled(detail: str) -> NoReturn:
    raise Stop(Reason.CONVERGED, detail)


def _unexamined(objective: Objective, second_order: bool, at_start: bool) -> str:
    """Why looking at the curvature is impossible or costs too much; "" where it is not."""
    if has_term(objective) and not objective.has_exact_hvp:
        return f"{type(objective.term).__name__} is added to f, and products with the Hessian would be differences"
    if not second_order and not objective.has_exact_hvp:
        return "products with the Hessian would be differences"
    return f"n = {objective.n} > {SMALL}" if not second_order and objective.n > SMALL and not at_start else ""


def has_term(objective: Objective) -> bool:
    """Whether more than bounds is added to f."""
    return objective.term is not None and not isinstance(objective.term, Box)


def _lower_with_term(objective: Objective, point: Point, tol: float) -> Point:
    free = np.ones(objective.n, dtype=bool)
    curvature = _examine(objective, point, free)
    if not curvature.lowest < -ZERO[True] * curvature.size:
        return _settled(_what_was_seen(curvature, free))
    return lower_with_term(objective, point, curvature, tol)


def _noise(objective: Objective, point: Point) -> float:
    """What the rounding of f may do to a curvature made of differences of differences, at |f(x)|; else 0."""
    error = objective.gradient_error
    return error**0.5 * abs(point.f) if error > EPS and not objective.has_exact_hvp else 0.0


def _follow(objective: Objective, point: Point, curvature: Curvature) -> Point | None:
    try:
        return _lower(objective, point, curvature)
    except Stop as limit:
        why = f"not followed: {limit.reason.text}"
        raise Stop(Reason.SADDLE_POINT, f"curvature {curvature.lowest:.2g} along a direction, {why}") from None


def free_variables(objective: Objective, point: Point, tol: float) -> list[Vector]:
    """Masks of the variables that no bound holds, then of those among them at no bound at all, where that differs.

    A bound holds a variable if a gradient step leads out of the box there, and the multiplier is more than tol: then f
    rises inwards. Two equal bounds always do. At a bound with a multiplier of zero only one sign of a direction is
    feasible.
    """
    if objective.term is None:
        return [np.ones(objective.n, dtype=bool)]
    x, box = point.x, objective.box
    free = ~held_below(point, box, tol) & ~held_above(point, box, tol) & (box.lower < box.upper)
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


def farthest(objective: Objective, point: Point, tol: float) -> tuple[float, float]:
    """How far the minimum is, at most, in the quadratic model, and by how much f may fall there: ‖g‖/λ, ‖g‖²/(2λ).

    λ is the lowest eigenvalue less its error, all in the variables no bound holds; inf where it is not positive.
    """
    free = support(objective, point) if has_term(objective) else free_variables(objective, point, tol)[0]
    if not free.any():
        return math.inf, math.inf
    curvature, size = _examine(objective, point, free), norm(point.g[free])
    error = 0.0 if objective.has_exact_hvp else ROUGH * objective.gradient_error**0.5 * curvature.size
    flattest = curvature.lowest - curvature.error - error - _noise(objective, point)
    if not flattest > 0:
        return math.inf, math.inf
    if has_term(objective) and objective.term is not None:
        return farthest_with_term(objective.term, point, flattest, max(curvature.size, flattest))
    return size / flattest, size / flattest * size / 2


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


def _rays(n: int) -> np.ndarray:
    """A random direction and the first axes, as rows."""
    v = np.random.default_rng(0).standard_normal(n)
    return np.vstack([v / norm(v), _units(np.ones(n, dtype=bool))])


def _units(free: Vector) -> np.ndarray:
    """Unit vectors of the first free variables, as rows."""
    return np.array([np.arange(free.size) == k for k in np.flatnonzero(free)[:AXES]], dtype=float)
