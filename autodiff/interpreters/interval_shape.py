"""Rows that move, copy, pick or cast entries: the same for lower and upper ends, the two batch axes kept behind."""

from collections.abc import Callable

import numpy as np

from ..intervals import INF, Interval, add
from ..primitive import Primitive
from ..primitives.indexing import is_basic
from .interval_monotone import row

Rule = Callable[..., Interval]


def both(move: Callable, *parts: Interval) -> Interval:
    """A movement of entries, of the lower ends and of the upper ends."""
    if all(part.lo is part.hi for part in parts):
        end = move(*[part.lo for part in parts])
        return Interval(end, end)
    return Interval(*(move(*ends) for ends in zip(*parts, strict=True)))


def together(parts: tuple[Interval, ...]) -> list[Interval]:
    """Parts with the same number of directions and of boxes."""
    batch = np.broadcast_shapes(*(part.shape[-2:] for part in parts))
    return [both(lambda end: np.broadcast_to(end, end.shape[:-2] + batch), part) for part in parts]  # noqa: B023


def whole_index(index) -> tuple:
    """An index into the axes of a node as one into its intervals: an ellipsis stops before the batch axes."""
    parts = index.value if isinstance(index.value, tuple) else (index.value,)
    return (*parts, slice(None), slice(None)) if any(part is Ellipsis for part in parts) else parts


def _reshape(x: Interval, shape) -> Interval:
    return both(lambda end: np.reshape(end, (*shape, *end.shape[-2:])), x)


def _transpose(x: Interval, perm) -> Interval:
    n = len(perm)
    return both(lambda end: np.transpose(end, (*perm, n, n + 1)), x)


def _broadcast(x: Interval, shape) -> Interval:
    return both(lambda end: np.broadcast_to(end, (*shape, *end.shape[-2:])), x)


def _concatenate(*parts: Interval, axis) -> Interval:
    return both(lambda *ends: np.concatenate(ends, axis), *together(parts))


def _pack(*parts: Interval) -> Interval:
    return both(lambda *ends: np.stack(ends), *together(parts))


def _getitem(x: Interval, index) -> Interval:
    return both(lambda end: end[whole_index(index)], x)


def _setitem(x: Interval, value: Interval, index) -> Interval:
    place = whole_index(index)

    def put(end, new):
        out = np.array(end, dtype=np.result_type(end, new))
        out[place] = new
        return out
    return both(put, *together((x, value)))


def _scatter(*parts: Interval, indices, shape, based) -> Interval:
    """Zeros, or the base, and parts added at their places; sums know their rounding."""
    parts = together(tuple(parts))
    batch = parts[0].shape[-2:]
    zeros = np.zeros((*shape, *batch))
    out = both(lambda end: np.array(np.broadcast_to(end, zeros.shape), float), parts[0]) if based else None
    for index, part in zip(indices, parts[based:], strict=True):
        place = whole_index(index)
        for spot, piece in _without_repeats(place, part, shape, batch):
            if out is None:
                out = both(lambda end: _placed(zeros, spot, end), piece)                            # noqa: B023
            else:
                added = add(both(lambda end: end[spot], out), piece)                                # noqa: B023
                out = both(lambda end, new: _placed(end, spot, new), out, added)                    # noqa: B023
    return Interval(zeros, zeros) if out is None else out


def _placed(out: np.ndarray, place, value) -> np.ndarray:
    out = out.copy()                # (the ends of a point are one array)
    out[place] = value
    return out


def _without_repeats(place: tuple, part: Interval, shape, batch):
    """(index, entries) pairs that name no entry twice: one, or for an index that repeats entries, some."""
    spots = np.arange(int(np.prod(shape, dtype=int))).reshape(shape)[place[:-2] if _has_ellipsis(place) else place]
    flat = np.ravel(spots)
    if is_basic(place) or len(np.unique(flat)) == len(flat):
        yield place, part
        return
    order = np.argsort(flat, kind="stable")
    first = np.flatnonzero(np.concatenate([[True], np.diff(flat[order]) != 0]))
    rank = np.empty(len(flat), int)
    rank[order] = np.arange(len(flat)) - np.repeat(first, np.diff(np.append(first, len(flat))))
    spread = both(lambda end: np.broadcast_to(end, (*spots.shape, *batch)).reshape(-1, *batch), part)
    for k in range(rank.max() + 1):
        turn = np.flatnonzero(rank == k)
        yield np.unravel_index(flat[turn], shape), both(lambda end: end[turn], spread)             # noqa: B023


def _has_ellipsis(place: tuple) -> bool:
    return any(part is Ellipsis for part in place)


def _cast(x: Interval, dtype: str) -> Interval:
    kind = np.dtype(dtype).kind
    if kind == "b":
        return Interval((x.lo > 0) | (x.hi < 0), (x.lo != 0) | (x.hi != 0)) if x.lo.dtype != bool else x
    if kind in "iu":                            # anything, where the type does not reach
        lo, hi, reach = np.trunc(x.lo.astype(float)), np.trunc(x.hi.astype(float)), np.iinfo(dtype)
        inside = (lo >= reach.min) & (hi < float(reach.max) + 1)
        return Interval(np.where(inside, lo, -INF), np.where(inside, hi, INF))
    if kind == "f" and np.dtype(dtype).itemsize < 8:
        lo, hi = (end.astype(dtype).astype(float) for end in x)      # rounded or not: both are meant by such code
        return Interval(np.minimum(x.lo, lo), np.maximum(x.hi, hi))
    return Interval(x.lo.astype(float), x.hi.astype(float))


def _item(parts: tuple[Interval, ...], number: int) -> Interval:
    return parts[number]


def _same(x: Interval) -> Interval:
    return x


RULES: dict[Primitive, Rule] = {row(name): rule for name, rule in {
    "reshape": _reshape, "transpose": _transpose, "broadcast_to": _broadcast, "concatenate": _concatenate,
    "pack": _pack, "getitem": _getitem, "scatter": _scatter, "setitem": _setitem, "copy": _same, "item": _item,
    "real": _same, "conjugate": _same, "astype": _cast,
}.items()}
