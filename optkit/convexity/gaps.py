"""How far a convex f can lie above its minimum over a region, from an enclosure of its gradient at one point.

With ∇²f ⪰ μ I on the region D, and g a (sub)gradient at x ∈ D,
    f(x) − min over D of f  <=  max over y ∈ D of g·(x − y) − μ/2 ‖x − y‖².
For μ > 0 that is at most ‖g‖²/(2μ) (Polyak 1963, USSR Comput. Math. Math. Phys. 3), for μ = 0 it is the support
function of D (Frank & Wolfe 1956, Nav. Res. Logist. Q. 3). Every sum here is rounded upwards, so that the bounds hold
for f in real arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff import TraceError
from autodiff.curvature.prepare import prepare
from autodiff.curvature.second import SecondOrder
from autodiff.interpreters.interval import NoRule
from autodiff.intervals import Interval, absolute, add, divide, multiply, point, sqrt, square, subtract, total, up

from .domains import Ball, Box, Intersection, Polyhedron, Product, Region, Simplex
from .domains.linear_programs import _dual_bound
from .domains.region import Vector

CONSTANT = 1e-9  # relative width of a Hessian over the whole space that counts as constant
Enclosure = tuple[Interval, Vector, float]  # the gradient (n,), the point x, and μ: what all bounds are made from


def gradient_at(f: Callable[[Any], Any], x: Vector) -> Interval | None:
    """(n,), an interval around each entry of the gradient of f at the flat x, around all subgradients at a kink.

    None where f cannot be recorded, or its gradient is not enclosed. Cost: one recording, one pass of intervals.
    """
    try:
        second = SecondOrder(prepare(f, np.array(x)))
        with np.errstate(all="ignore"):
            if not second.varying:
                return point(np.zeros(x.size))
            if second.blocked is not None:
                return None
            local = second.at(x[:, None], x[:, None], curvature=False)
            found = Interval(*(end[:, 0] for end in local.gradient))
            return None if local.blocks[0][0] or not np.isfinite(found).all() else found
    except (TraceError, NoRule):
        return None


def has_constant_hessian(f: Callable[[Any], Any], x: Vector) -> bool:
    """Whether f is quadratic: its Hessian, enclosed over the whole space, is one matrix but for rounding."""
    everywhere = np.full((x.size, 1), np.inf)
    second = SecondOrder(prepare(f, np.array(x)))
    if second.blocked is not None or not second.varying:
        return False
    with np.errstate(all="ignore"):
        local = second.at(-everywhere, everywhere)
        ends = np.array([*local.matrices(False)[0], *local.matrices(True)[0]])  # below and above the Hessian
        width = np.max(ends, axis=0) - np.min(ends, axis=0)
        return not local.blocks[0][0] and bool(np.max(width) <= CONSTANT * np.max(np.abs(ends[0])))


def is_whole(region: Region) -> bool:
    """Whether the region is the whole space."""
    if isinstance(region, Product):
        return all(map(is_whole, region.parts.values()))
    return isinstance(region, Box) and bool(np.isinf(region.outer).all())


def holds_box(region: Region, lower: Vector, upper: Vector) -> bool:
    """Whether the region is a box, or a product of such, around all of lower <= x <= upper."""
    if isinstance(region, Product):
        return all(holds_box(part, lower[s], upper[s]) for part, s in region._split())
    low, high = region.outer
    return isinstance(region, Box) and bool(np.all((low <= lower) & (upper <= high)))


def name_of(region: Region) -> str:
    """The set itself in words, without the window that is searched."""
    return f"all of R^{region.n}" if is_whole(region) else region.label.partition(", searched on")[0]


@np.errstate(all="ignore")
def most_below(region: Region, gradient: Interval, x: Vector, mu: float, lower: Vector, upper: Vector) -> float:
    """An upper bound on max over y of g·(x − y) − μ/2 ‖x − y‖², y in the region with lower <= y <= upper.

    gradient : (n,) around g. x : (n,) in the region. mu : >= 0. inf where nothing bounds it. Exact up to rounding for
    boxes, and for balls, simplices and polyhedra (a linear program) where mu is 0; elsewhere the least of what each of
    these sets, the box around the region, and its equations with multipliers give.
    """
    at: Enclosure = (gradient, x, mu)
    low, high = np.maximum(region.outer[0], lower), np.minimum(region.outer[1], upper)
    bounds = [_in_box(at, low, high), _of(region, at)]
    if region.equations is not None:
        bounds.append(_with_multipliers(at, *region.equations, low, high))
    return min(bounds)


def _of(region: Region, at: Enclosure) -> float:
    """By what kind of set it is."""
    g, x, mu = at
    if isinstance(region, Product):
        return _sum([most_below(part, Interval(g.lo[s], g.hi[s]), x[s], mu, *part.outer)
                     for part, s in region._split()])
    if isinstance(region, Intersection):
        return min(most_below(part, g, x, mu, *part.outer) for part in region.parts)
    bound = next((bound for kind, bound in SUPPORT.items() if isinstance(region, kind)), None)
    return np.inf if bound is None else bound(region, g, x)


def _in_box(at: Enclosure, lower: Vector, upper: Vector) -> float:
    """Σ_i of the largest g_i s − μ s²/2 over s = x_i − y_i, a parabola on an interval around 0."""
    g, x, mu = at
    rooms = [np.where(room > 0, up(room), 0.0) for room in (x - lower, upper - x)]
    sides = [_parabola(np.maximum(slope, 0.0), room, mu) for slope, room in zip((g.hi, -g.lo), rooms, strict=True)]
    return _sum(np.maximum(*sides))


def _parabola(slope: Vector, room: Vector, mu: float) -> Vector:
    """Above max over 0 <= s <= room of slope·s − μ s²/2, slope >= 0: s = slope/μ, or the end of the room."""
    r, s, m = point(slope), point(room), point(np.full(slope.size, mu))
    most = np.where(slope == 0, 0.0, multiply(r, s).hi)
    if mu == 0:
        return most
    half = divide(m, point(np.full(slope.size, 2.0)))
    inside = divide(square(r), multiply(m, point(np.full(slope.size, 2.0)))).hi
    ended = multiply(s, subtract(r, multiply(half, s))).hi
    return np.where(slope == 0, 0.0, np.where(up(mu * room) <= slope, ended, inside))


def _with_multipliers(at: Enclosure, A: Any, b: Vector, lower: Vector, upper: Vector) -> float:
    """As `_in_box` for g − Aᵀλ, and |λ·(Ax − b)| more: the same for every λ where A y = b. λ by least squares."""
    g, x, mu = at
    lam = np.linalg.lstsq(A.T, 0.5 * (g.lo + g.hi), rcond=None)[0]
    reduced = subtract(g, total(multiply(point(A), point(lam[:, None])), (0,), False))
    off = subtract(total(multiply(point(A), point(x[None])), (1,), False), point(b))
    return _sum([_in_box((reduced, x, mu), lower, upper),
                 total(absolute(multiply(point(lam), off)), (0,), False).hi])


def _in_ball(region: Any, g: Interval, x: Vector) -> float:
    """g·(x − c) + r‖g‖"""
    along = total(multiply(g, subtract(point(x), point(region.center))), (0,), False)
    length = sqrt(total(square(g), (0,), False))
    return float(add(along, multiply(point(region.radius), length)).hi)


def _in_simplex(region: Any, g: Interval, x: Vector) -> float:
    """g·x − min g, from the vertices."""
    return float(subtract(total(multiply(g, point(x)), (0,), False), point(np.min(g.lo))).hi)


def _in_polyhedron(region: Any, g: Interval, x: Vector) -> float:
    """By the dual solution of the linear program min g·y, whose rounding is bounded. Neumaier & Shcherbina 2004."""
    c = 0.5 * (g.lo + g.hi)
    top, residual = _dual_bound(-c, region.A, region.b, region.equations)
    low, high = region.outer
    size, reach = np.maximum(np.abs(low), np.abs(high)), np.maximum(up(x - low), up(high - x))
    width = np.maximum(up(g.hi - c), up(c - g.lo))
    width = np.where(g.lo == g.hi, 0.0, width)
    rest = [np.where(a == 0, 0.0, multiply(point(a), point(b)).hi) for a, b in ((residual, size), (width, reach))]
    return _sum([total(multiply(point(c), point(x)), (0,), False).hi, top, *rest[0], *rest[1]])


SUPPORT: dict[type, Callable[[Any, Interval, Vector], float]] = {
    Ball: _in_ball, Simplex: _in_simplex, Polyhedron: _in_polyhedron}


def _sum(terms: Any) -> float:
    """The sum, rounded upwards; at least 0, inf where it is not known."""
    found = float(total(point(np.asarray(terms, dtype=float)), (0,), False).hi)
    return max(found, 0.0) if found == found else np.inf
