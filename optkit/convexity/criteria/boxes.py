"""f on segments and small boxes, in interval arithmetic: what values at points cannot show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import autodiff as ad
from autodiff import derive
from autodiff.curvature.prepare import prepare
from autodiff.curvature.rows import is_jump, one_number
from autodiff.curvature.second import SecondOrder
from autodiff.graph import Node
from autodiff.interpreters.interval import NoRule, enclose
from autodiff.intervals import Interval, lift, multiply, point, subtract, total

from ..oracle import Oracle, Vector


def replay(f: Callable[[Any], Any], x: Any, box: Interval, slopes: bool) -> list[Interval] | None:
    """f, recorded at x, over a box around x in interval arithmetic: [f], with `slopes` [f, ∇f], ends of their shapes.

    None where f cannot be traced, an operation has no interval rule, is undefined on part of the box, or another branch
    of f may be taken there.
    """
    try:
        recording = ad.trace(f, np.asarray(x, dtype=np.float64))
        graph = derive.gradient(recording, [0]) if slopes else derive.primal(recording)
        known = {graph.inputs[0]: Interval(box.lo[..., None, None], box.hi[..., None, None])}
        found = enclose(graph, known, graph.outputs)
    except (ad.TraceError, NoRule, ArithmeticError, ValueError):
        return None
    if found.undefined or found.undecided:
        return None
    values = [found.of(o) if type(o) is Node else lift(o) for o in graph.outputs]
    values = [Interval(*(end[..., 0, 0].astype(np.float64) for end in v)) for v in values]
    return values if all(np.isfinite(end).all() for v in values for end in v) else None


def slope(oracle: Oracle, y: Vector, x: Vector) -> Interval | None:
    """⟨sign·∇f(y), x − y⟩ in interval arithmetic."""
    found = replay(oracle.flat, y, point(y), True)
    if found is None:
        return None
    product = total(multiply(found[1], subtract(point(x), point(y))), (0,), False)
    return product if oracle.sign > 0 else Interval(-product.hi, -product.lo)


def bends(oracle: Oracle, x: Vector, d: Vector, t0: float, t1: float) -> tuple[float, float]:
    """(low, high): bounds on the second derivative of sign·f(x + t d) for t0 <= t <= t1, infinite where there are none.

    Kinks count as infinite curvature, jumps and undecided branches as both. high <= 0 proves that sign·f is concave on
    that segment; finite bounds, that it is differentiable along it.
    """
    def along(t: Any) -> Any:
        return oracle.sign * oracle.flat(x + t[0] * d)

    try:
        second = SecondOrder(prepare(along, np.array([(t0 + t1) / 2])))
        local = None if second.blocked is not None else second.at(np.array([[t0]]), np.array([[t1]]))
        if local is None or local.blocks[0].any():
            return -np.inf, np.inf
        low = max(float(M.lo[0, 0, 0]) for M in local.matrices(False))
        high = min(float(M.hi[0, 0, 0]) for M in local.matrices(True))
    except (ad.TraceError, NoRule, ArithmeticError, ValueError):
        return -np.inf, np.inf
    return (max(low, 0.0) if local.convex[0] else low), (min(high, 0.0) if local.concave[0] else high)


def smooth(oracle: Oracle, x: Vector, d: Vector, t0: float, t1: float) -> bool:
    """Whether f is shown to have the derivative that the engine computes along x + t d for t0 <= t <= t1.

    Its curvature must be bounded there, and every comparison settled: where(x == 0, 0, x) is smooth, but its branch at
    0 has another derivative.
    """
    return bool(np.isfinite(bends(oracle, x, d, t0, t1)).all()) and _settled(oracle, x, d, t0, t1)


def _settled(oracle: Oracle, x: Vector, d: Vector, t0: float, t1: float) -> bool:
    """Whether every comparison and step in f has one value on the segment."""
    try:
        graph = derive.primal(ad.trace(lambda t: oracle.flat(x + t[0] * d), np.array([(t0 + t1) / 2])))
        box = Interval(np.full((1, 1, 1), t0), np.full((1, 1, 1), t1))
        found = enclose(graph, {graph.inputs[0]: box}, graph.outputs)
    except (ad.TraceError, NoRule, ArithmeticError, ValueError):
        return False
    return not found.undefined and not found.undecided and all(
        one_number(node, value).all() for node, value in found.values.items() if is_jump(node))
