"""Functions of one variable, entry by entry: RIDGE(u, *constants; body, order) is φ⁽ᵒʳᵈᵉʳ⁾(u), φ being a cluster of
elementwise operations. Its derivatives are itself, and their ranges over intervals are known tightly (ranges.py).
"""

from __future__ import annotations

import math

import numpy as np

from ..graph import Graph, Node
from ..interpreters import interval
from ..intervals import INF, Interval, multiply, point
from ..primitive import Primitive, bind, shape_of
from ..primitives.elementwise import F64
from . import rows
from .body import Body
from .clusters import FEW, fused, values_of
from .pieces import JUMP
from .ranges import Ranges
from .regroup import regrouped


def _evaluate(u, *constants, body: Body, order: int):
    return body.run((u, *constants), order)


def _shape(u, *constants, body: Body, order: int):
    return shape_of(u), F64


def _tangent(out, inputs, tangents, body: Body, order: int):
    return bind(RIDGE, tuple(inputs), {"body": body, "order": order + 1}) * tangents[0]


RIDGE = Primitive("ridge", _evaluate, _shape, jvp=_tangent, registered=False)


def clustered(graph: Graph) -> Graph:
    """The same function with each cluster of elementwise operations on one array u as one operation RIDGE(u)."""
    return fused(regrouped(graph), _ridge)


def _ridge(g: Graph, u: Node, body: Body, constants: tuple) -> Node:
    return g.share(RIDGE, (u, *constants), {"body": body, "order": 0})


# --- over boxes -------------------------------------------------------------------------------------------------------


def ranges(body: Body, constants: tuple | None) -> Ranges:
    """The ranges of a body with one value of its constants (None: with constants that differ), made once."""
    key = None if constants is None else tuple(float(c) for c in constants)
    if key not in body._ranges:
        with np.errstate(all="ignore"):
            body._ranges[key] = Ranges(body.graph, key)
    return body._ranges[key]


def _grouped(u: Interval, constants: tuple):
    """(constants, entries, u of those, ()) for each value of the constants; of too many (None, …, constants)."""
    shape = u.shape[:-2]
    if not constants:
        yield (), slice(None), u, ()
        return
    ends = [end.reshape(-1, *u.shape[-2:]) for end in u]
    values, number = values_of(tuple(c.lo[..., 0, 0] for c in constants), shape)
    if len(values) > FEW:
        each = np.repeat(values[number], math.prod(u.shape[-2:]), axis=0).T
        yield None, slice(None), Interval(*ends), tuple(each)
        return
    for k, row in enumerate(values):
        entries = np.flatnonzero(number == k)
        yield tuple(row), entries, Interval(ends[0][entries], ends[1][entries]), ()


def _whole(u: Interval, constants: tuple, body: Body, answer, kind) -> list[np.ndarray]:
    """answer(ranges, u, constants) entry by entry, put together again."""
    u = Interval(*(np.asarray(end, float) for end in np.broadcast_arrays(*u)))
    out: list[np.ndarray] = []
    for values, entries, x, given in _grouped(u, constants):
        flat = Interval(*(np.ascontiguousarray(end).ravel() for end in x))
        found = [np.asarray(end).reshape(x.shape) for end in answer(ranges(body, values), flat, given)]
        if not constants:
            return found
        out = out or [np.empty((int(np.prod(u.shape[:-2])), *u.shape[-2:]), kind) for _ in found]
        for held, fresh in zip(out, found, strict=True):
            held[entries] = fresh
    return [held.reshape(u.shape) for held in out] if out else [np.empty(u.shape, kind)] * 2


def enclosed(u: Interval, *constants: Interval, body: Body, order: int) -> Interval:
    """The range of φ⁽ᵒʳᵈᵉʳ⁾ over u (*shape, D, B), entry by entry; of kinks ±∞, of one-sided slopes the hull."""
    with np.errstate(all="ignore"):
        lo, hi = _whole(u, constants, body, lambda of, x, given: of.range(x, order, given), float)
    return Interval(lo, hi)


def defined(u: Interval, *constants: Interval, body: Body, order: int) -> np.ndarray:
    """Where φ is defined on all of u."""
    with np.errstate(all="ignore"):
        return _whole(u, constants, body, lambda of, x, given: (of.defined(x, given),), bool)[0]


def _defined_on(node: Node, found: interval.Enclosures) -> None:
    """Report the boxes on part of which φ is not defined."""
    inside = defined(*[found.of(i) for i in node.inputs], **node.params)
    boxes = np.asarray(inside.all(axis=tuple(range(inside.ndim - 1))))
    if not boxes.all():
        found.undefined[node] = ~boxes


def jumps(node: Node, found: interval.Enclosures) -> np.ndarray:
    """The boxes in which φ may jump, whatever weight it has."""
    u, *constants = [found.of(i) for i in node.inputs]
    with np.errstate(all="ignore"):
        inside = _whole(u, tuple(constants), node.params["body"], lambda of, x, given: (of.jumps(x, given),), bool)[0]
    return np.asarray(inside.any(axis=tuple(range(inside.ndim - 1))))


def curvature(a: Interval, y: Interval, u: Interval, *constants, node: Node, variable: tuple[int, ...]) -> rows.Piece:
    """W = diag(a φ''(u)); a kink is φ'' up to ∞, or down to −∞."""
    held = [c if isinstance(c, Interval) else point(np.asarray(c)[..., None, None]) for c in constants]
    second = enclosed(u, *held, body=node.params["body"], order=node.params["order"] + 2)
    with np.errstate(all="ignore"):
        w = rows.flat(multiply(a, second), node.shape)
    w = Interval(np.where(np.isnan(w.lo), -INF, w.lo), np.where(np.isnan(w.hi), INF, w.hi))
    number = np.arange(len(w.lo))
    return rows.Piece(w.lo, w.hi, rows.Entries(number, number, w))


# --- in words ---------------------------------------------------------------------------------------------------------


def reason(node: Node, u: Interval | None = None) -> str:
    """What the function of one variable is, with the range of its second derivative over u (by default everywhere)."""
    body, order = node.params["body"], node.params["order"]
    constants = tuple(np.ravel(c)[0] for c in node.inputs[1:])
    over = Interval(np.array([-INF]), np.array([INF])) if u is None else Interval(*(np.array(
        [pick(end)]) for pick, end in zip((np.min, np.max), u, strict=True)))
    found = ranges(body, constants)
    with np.errstate(all="ignore"):
        second = found.range(over, order + 2)
    text = f"u ↦ {body.text()}, second derivative in [{_shown(second.lo[0])}, {_shown(second.hi[0])}]"
    told = {JUMP: "jumps at", 1: "kink upwards at", -1: "kink downwards at", 0: "kink at"}
    marks = [f"{told[kink.sign]} {_shown(kink.at.lo)}" + (
        f" by {_shown(kink.size)}" if np.isfinite(kink.size) else "") for kink in found.kinks]
    return ", ".join([text, *marks])


def _shown(x: float) -> str:
    return f"{x:.4g}".replace("-", "−").replace("inf", "∞")


interval.register(RIDGE, enclosed)
interval.FUSED[RIDGE] = _defined_on
rows.CURVED[RIDGE] = curvature
rows.REASONS[RIDGE] = reason
rows.BREAKS[RIDGE] = jumps
