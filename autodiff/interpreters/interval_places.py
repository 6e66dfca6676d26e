"""Ranges of rows that compute places, and of rows that read and write at them: order, searches, gather, scatter.

Where a box decides all places a row moves entries; in a box that does not, any entry may be the one.
"""

from collections.abc import Callable

import numpy as np

from ..graph import Node, Static
from ..intervals import INF, Interval, hull, numbers, total
from ..primitive import Primitive
from ..primitives.gather import along, filled, part_shape
from ..primitives.shape import axes
from .interval_elementwise import RULES as ELEMENTWISE
from .interval_elementwise import Rule
from .interval_monotone import row
from .interval_shape import RULES as MOVES
from .interval_shape import both, together

# --- at places --------------------------------------------------------------------------------------------------------


def _decided(places: tuple[Interval, ...], boxes: int) -> np.ndarray:
    """(boxes,): where all places are one number."""
    known = np.ones(boxes, bool)
    for p in places:
        known = known & (p.lo == p.hi).reshape(-1, p.shape[-1]).all(axis=0)
    return known


def _at_places(move: Callable, otherwise: Callable, values: tuple[Interval, ...],
               places: tuple[Interval, ...]) -> Interval:
    """move(places as integers, *values) box by box, or once where all boxes have the same places."""
    if all(p.shape[-1] == 1 or (p.lo == p.lo[..., :1]).all() and (p.hi == p.hi[..., :1]).all() for p in places):
        if _decided(places, 1).all():
            return move([p.lo[..., 0, 0].astype(int) for p in places], *values)
        return otherwise(*values)
    values, boxes = together(values), max(p.shape[-1] for p in places)
    values = [both(lambda end: np.broadcast_to(end, (*end.shape[:-1], boxes)), v) for v in values]
    known, parts = _decided(places, boxes), []
    for b in range(boxes):
        here = [both(lambda end: end[..., b:b + 1], v) for v in values]                             # noqa: B023
        spots = [p.lo[..., 0, b if p.shape[-1] > 1 else 0].astype(int) for p in places]
        parts.append(move(spots, *here) if known[b] else otherwise(*here))
    shape = np.broadcast_shapes(*(part.shape for part in parts))
    return Interval(*(np.concatenate([np.broadcast_to(part[k], shape) for part in parts], -1) for k in (0, 1)))


def _gather(x: Interval, *places: Interval, index) -> Interval:
    shape = part_shape(x.shape[:-2], index, [np.empty(p.shape[:-2]) for p in places])

    def move(spots, values):
        return MOVES[row("getitem")](values, Static(filled(index, spots)))

    def otherwise(values):
        every = tuple(range(len(values.shape) - 2))
        lo, hi = (f.reduce(end, axis=every) for f, end in zip((np.minimum, np.maximum), values, strict=True))
        return Interval(*(np.broadcast_to(end, (*shape, *end.shape)) for end in (lo, hi)))
    return _at_places(move, otherwise, (x,), places)


def _scatter_at(part: Interval, *places: Interval, index, shape) -> Interval:
    def move(spots, values):
        return MOVES[row("scatter")](values, indices=(Static(filled(index, spots)),), shape=shape, based=False)

    def otherwise(values):
        taken = part_shape(shape, index, [np.empty(p.shape[:-2]) for p in places])
        spread = both(lambda end: np.broadcast_to(end, (*taken, *end.shape[-2:])), numbers(values))
        every = tuple(range(len(spread.shape) - 2))
        out = total(Interval(np.minimum(spread.lo, 0.0), np.maximum(spread.hi, 0.0)), every, False)
        return both(lambda end: np.broadcast_to(end, (*shape, *end.shape)), out)
    return _at_places(move, otherwise, (part,), places)


def _assign_at(x: Interval, value: Interval, *places: Interval, index) -> Interval:
    def move(spots, old, new):
        return MOVES[row("setitem")](old, new, Static(filled(index, spots)))

    def otherwise(old, new):
        every = tuple(range(len(new.shape) - 2))
        return hull(old, Interval(np.minimum.reduce(new.lo, axis=every), np.maximum.reduce(new.hi, axis=every)))
    return _at_places(move, otherwise, (x, value), places)


def _last_write(*places: Interval, index, shape) -> Interval:
    kept = part_shape(shape, index, [np.empty(p.shape[:-2]) for p in places])
    prim = row("last_write")

    def move(spots, like):
        out = np.asarray(prim.evaluate(*spots, index=index, shape=shape))[..., None, None]
        return Interval(out, out)

    def otherwise(like):
        return Interval(np.zeros((*kept, 1, 1), bool), np.ones((*kept, 1, 1), bool))
    anything = Interval(*(np.zeros((1, 1)),) * 2)
    return _at_places(move, otherwise, (anything,), places)


# --- places -----------------------------------------------------------------------------------------------------------


def _argsort(x: Interval, axis) -> Interval:
    """The order of the lower ends where no two intervals overlap, or equal numbers stand in order; else any place."""
    x = numbers(x)
    order = np.argsort(x.lo, axis, kind="stable")
    lo, hi = (np.moveaxis(np.take_along_axis(end, order, axis), axis, 0) for end in x)
    apart = (hi[:-1] <= lo[1:]) & ((hi[:-1] < lo[1:]) | (lo[:-1] == hi[:-1]) & (lo[1:] == hi[1:]))
    known = np.expand_dims(apart.all(axis=0), axis)
    last = x.shape[axis] - 1.0
    return Interval(np.where(known, order, 0.0), np.where(known, order, last))


def _any_place(x: Interval, axis, **params) -> Interval:
    last = max(x.shape[axis] - 1.0, 0.0)
    return Interval(np.zeros(x.shape), np.full(x.shape, last))


def _lexsort(*keys: Interval, axis) -> Interval:
    return _any_place(together(keys)[0], axis)


def _arg_extreme(largest: bool) -> Rule:
    def rule(x: Interval, axis, keepdims) -> Interval:
        x = numbers(x)
        x = x if largest else Interval(-x.hi, -x.lo)
        ndim = len(x.shape) - 2
        gone = axes(axis, ndim)
        rest = tuple(i for i in range(ndim) if i not in gone)
        lo, hi = (np.transpose(end, (*gone, *rest, ndim, ndim + 1)) for end in x)
        lo, hi = (end.reshape(-1, *end.shape[len(gone):]) for end in (lo, hi))
        best = lo.max(axis=0)
        first = np.argmax(lo, axis=0)                   # the first that may be the only one to win
        able = hi >= best
        places = np.arange(len(lo)).reshape(-1, *(1,) * (lo.ndim - 1))
        certain = (lo == hi).all(axis=0)
        later = np.where(able & ~((hi == best) & (places > first)), places, -1).max(axis=0)
        ends = np.where(certain, first, np.argmax(able, axis=0)), np.where(certain, first, np.maximum(later, first))
        out = Interval(*(end.astype(float) for end in ends))
        shape = tuple(1 if i in gone else x.shape[i] for i in range(ndim))
        return both(lambda end: end.reshape(*shape, *end.shape[-2:]), out) if keepdims else out
    return rule


def _searchsorted(a: Interval, v: Interval, side) -> Interval:
    """How many entries of a lie certainly, and possibly, before v."""
    a, v = numbers(a), numbers(v)
    lo, hi = (np.reshape(end, (end.shape[0], *(1,) * (len(v.shape) - 2), *end.shape[-2:])) for end in a)
    if side == "left":
        return Interval((hi < v.lo).sum(axis=0).astype(float), (lo < v.hi).sum(axis=0).astype(float))
    return Interval((hi <= v.lo).sum(axis=0).astype(float), (lo <= v.hi).sum(axis=0).astype(float))


def sorted_entries(node: Node, found) -> Interval | None:
    """Entries taken in their own order: the k-th smallest rises in each, so its ends are those of the ends."""
    if len(node.inputs) != 2 or type(node.inputs[1]) is not Node or node.inputs[1].prim is not row("argsort"):
        return None
    x, order = node.inputs
    axis = order.params["axis"]
    if order.inputs[0] is not x or node.params["index"] != along(axis, order.shape):
        return None
    return both(lambda end: np.sort(end, axis), found.of(x))


# --- whole numbers ----------------------------------------------------------------------------------------------------


def _of_points(prim: Primitive, on_truth: Callable | None) -> Rule:
    """Its own evaluation where all operands are known whole numbers, else anything; of truth values, logic."""
    def rule(*parts: Interval) -> Interval:
        if on_truth is not None and all(part.lo.dtype == bool for part in parts):
            return on_truth(*parts)
        parts = tuple(map(numbers, parts))
        known = np.logical_and.reduce(np.broadcast_arrays(*[
            (part.lo == part.hi) & (np.abs(part.lo) < 2.0**53) for part in parts]))
        out = prim.evaluate(*[np.where(known, part.lo, 1.0).astype(int) for part in parts]).astype(float)
        return Interval(np.where(known, out, -INF), np.where(known, out, INF))
    return rule


RULES: dict[Primitive, Rule] = {row(name): rule for name, rule in {
    "gather": _gather, "scatter_at": _scatter_at, "assign_at": _assign_at, "last_write": _last_write,
    "argsort": _argsort, "argpartition": _any_place, "lexsort": _lexsort, "argmax": _arg_extreme(True),
    "argmin": _arg_extreme(False), "searchsorted": _searchsorted,
    **{name: _of_points(row(name), ELEMENTWISE[row(twin)]) for name, twin in (
        ("bitwise_and", "logical_and"), ("bitwise_or", "logical_or"), ("bitwise_xor", "logical_xor"),
        ("invert", "logical_not"))},
    **{name: _of_points(row(name), None) for name in ("left_shift", "right_shift", "gcd", "lcm")},
}.items()}
