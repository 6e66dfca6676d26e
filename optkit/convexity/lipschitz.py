"""How fast f and its gradient can change on a domain: certified Lipschitz constants, of convex functions and others."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from autodiff import TraceError
from autodiff.curvature.prepare import prepare
from autodiff.curvature.second import SecondOrder
from autodiff.interpreters.interval import NoRule
from autodiff.intervals import Interval, sqrt, square, total

from .arguments import check_limits
from .bounds import Eigenvalues
from .branch import branch
from .domains import Region
from .faithful import doubt
from .oracle import Matrix, Vector
from .prove import GAP, covering_box
from .verdict import Bound

MAXBOXES = 2_000


class Lipschitz(NamedTuple):
    """f : of |f(x) − f(y)| ≤ f·‖x − y‖₂. gradient : of ‖∇f(x) − ∇f(y)‖ ≤ gradient·‖x − y‖, the largest |eigenvalue| of
    the Hessian. Upper ends are certified, lower ones met at a point. reason : why nothing is known, or "".
    """

    f: Bound
    gradient: Bound
    reason: str = ""


def lipschitz(f: Callable[[Any], Any], domain: Region, *, maxtime: float = 5.0) -> Lipschitz:
    """Lipschitz constants of f and of its gradient on the domain, in its coordinates and the Euclidean norm.

    From enclosures of the gradient and of the Hessian's eigenvalues over boxes; f need not be convex. maxtime :
    seconds, half of them for each. Raises ValueError or TypeError on wrong arguments.
    """
    if not isinstance(domain, Region):
        raise TypeError(f"lipschitz: domain must be a region such as Box(-2, 2, shape=10), got {domain!r:.60}")
    check_limits("lipschitz", maxtime, 0)

    def flat(x: Vector) -> Any:
        return f(domain.unravel(x))
    with np.errstate(all="ignore"):
        try:
            prepared = prepare(flat, np.array(domain.center), domain.facts)
            second = SecondOrder(prepared, domain.facts)
            if second.blocked is not None:
                return Lipschitz(Bound(), Bound(), second.blocked.reason)
            every = np.arange(second.n)
            slopes = _searched(domain, lambda a, b: _slopes(second, a, b), maxtime / 2)
            roots = Eigenvalues(second, None, time.perf_counter() + maxtime / 2)
            bends = _searched(domain, lambda a, b: _sizes(*roots.on_boxes(a, b, every)), maxtime / 2)
            why = doubt(flat, prepared, domain)
        except (TraceError, NoRule) as error:
            return Lipschitz(Bound(), Bound(), str(error).splitlines()[0])
    return Lipschitz(Bound(), Bound(), why) if why else Lipschitz(slopes, bends)


def _searched(domain: Region, sizes: Callable[[Matrix, Matrix], tuple[Vector, Vector]], maxtime: float) -> Bound:
    """sup over the domain of what lies in sizes(lower, upper), by branch and bound."""
    lower, upper = covering_box(domain)

    def bounds(a: Matrix, b: Matrix) -> tuple[Vector, Vector]:
        most = sizes(a, b)[1]
        return -most, most

    def samples(x: Matrix) -> tuple[Vector, Vector]:
        least = sizes(x, x)[0]
        return -least, least
    found = branch(bounds, samples, domain.misses, lower, upper, tuple(range(domain.n)), goal="constants", gap=GAP,
                   maxtime=maxtime, maxboxes=MAXBOXES).L
    return Bound(max(0.0, found.lower), found.upper, False, found.certified_upper)


def _slopes(second: SecondOrder, lower: Matrix, upper: Matrix) -> tuple[Vector, Vector]:
    """Bounds on ‖∇f‖ on each box; nothing is known where f may jump or is undefined."""
    local = second.at(lower, upper, curvature=False)
    if not second.varying:
        return np.zeros(local.boxes), np.zeros(local.boxes)
    g = local.gradient
    norm = sqrt(total(square(Interval(g.lo, g.hi)), (0,), False))
    open_ = local.blocks[0]
    return np.where(open_, 0.0, norm.lo), np.where(open_, np.inf, norm.hi)


def _sizes(low: Vector, high: Vector) -> tuple[Vector, Vector]:
    """Bounds on the largest |eigenvalue| from those on all eigenvalues."""
    return np.maximum(0.0, np.maximum(low, -high)), np.maximum(-low, high)
