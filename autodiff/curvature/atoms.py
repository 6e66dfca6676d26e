"""What the atoms of convex analysis share: how a row is entered, and how weights a·∇²φ become a `Piece`.

An atom is a primitive that is in no user's recording: `recognise` puts it where the code has written its formula out.
Vector atoms act along the last axis, so their intervals do along axis −3 (directions and boxes come behind).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..graph import Node
from ..interpreters import interval
from ..intervals import UNIT, Interval, add, down, multiply, up
from ..primitive import Primitive, shape_of
from .rows import CURVED, REASONS, Array, Entries, Piece, flat

AXIS = -3
MOST_ENTRIES = 2_000_000       # numbers in the entries of a weight: beyond, its diagonal bounds stand alone


def atom(name: str, evaluate: Callable, shape: Callable, enclosure: Callable, domain: Callable | None = None,
         **derivative: Any) -> Primitive:
    """A primitive outside the table of NumPy's, with its interval rule."""
    prim = Primitive(name, evaluate, shape, registered=False, **derivative)
    interval.register(prim, enclosure, domain)
    return prim


def curved(prim: Primitive, reason: str | Callable[[Node], str], piece: Callable) -> None:
    """Its curvature row, and in words why the sign of the weight is what it is."""
    CURVED[prim], REASONS[prim] = piece, reason


def along_last(x, *_, **__):
    """Shape of a row that folds the last axis away."""
    return shape_of(x)[:-1], np.dtype(np.float64)


def like_first(x, *_, **__):
    return shape_of(x), np.dtype(np.float64)


def number(value: float) -> Interval:
    """One number, for all directions and boxes."""
    end = np.full((1, 1), value)
    return Interval(end, end)


def mapped(function: Callable, x: Interval) -> Interval:
    """The same done to both ends: moving entries."""
    return Interval(function(x.lo), function(x.hi))


def own(a: Interval, node: Node, x: Interval) -> tuple[Interval, Interval]:
    """(a as (groups, 1, B), x as (groups, m, B)) of an atom along the last axis."""
    m = node.inputs[0].shape[-1]
    a = flat(a, node.shape)
    x = mapped(lambda end: end.reshape(-1, m, end.shape[-1]), flat(x, node.inputs[0].shape))
    return mapped(lambda end: end[:, None], a), x


def pairs(groups: int, m: int) -> tuple[Array, Array, Array, Array]:
    """(i, j, p, q): the pairs i ≤ j of one group, and of all groups in the count of entries."""
    i, j = np.triu_indices(m)
    start = m * np.arange(groups)[:, None]
    return i, j, (start + i).ravel(), (start + j).ravel()


def diagonal_bounds(a: Interval, low: Array, high: Array) -> tuple[Array, Array]:
    """(low, high) of a·W from diag(low) ⪯ W ⪯ diag(high); (groups, m, B) made (entries, B)."""
    lo, hi = multiply(a, Interval(*np.broadcast_arrays(low, high)))
    return lo.reshape(-1, lo.shape[-1]), hi.reshape(-1, hi.shape[-1])


def group_entries(a: Interval, m: int, weight: Callable[[Array, Array], Interval]) -> Entries | None:
    """a·W by entries; weight(i, j) gives W_ij for pairs i ≤ j as (groups, pairs, B)."""
    groups, boxes = a.shape[0], a.shape[-1]
    if groups * m * (m + 1) // 2 * boxes > MOST_ENTRIES:
        return None
    i, j, p, q = pairs(groups, m)
    w = multiply(a, weight(i, j))
    return Entries(p, q, mapped(lambda end: np.broadcast_to(end, (groups, len(i), end.shape[-1])).reshape(
        groups * len(i), -1), w))


def by_entry(node: Node, variable: tuple[int, ...], second: dict[tuple[int, int], Interval | float],
             sign: Interval | None = None) -> Piece:
    """The piece of an elementwise row from its second derivatives times a; absent ones are 0.

    sign : a factor of a semidefinite matrix, whose sign is then that of the weight; Gershgorin's discs bound the rest.
    """
    size, place = node.size, {k: n for n, k in enumerate(variable)}
    known = {key: flat(w, node.shape) for key, w in second.items() if key[0] in place and key[1] in place}
    boxes = max([w.shape[-1] for w in known.values()], default=1)
    low, high = np.zeros((len(variable), size, boxes)), np.zeros((len(variable), size, boxes))
    for (k, other), w in known.items():
        if k == other:
            low[place[k]], high[place[k]] = add(Interval(low[place[k]], high[place[k]]), w)   # exact sums stay exact
        else:
            reach = np.maximum(np.abs(w.lo), np.abs(w.hi))
            for n in (place[k], place[other]):
                low[n], high[n] = add(Interval(low[n], high[n]), Interval(-reach, reach))
    if sign is not None:
        s = flat(sign, node.shape)
        low = np.where((s.lo >= 0) & ~(low >= 0).all(axis=0), 0.0, low)          # of each entry of the output together
        high = np.where((s.hi <= 0) & ~(high <= 0).all(axis=0), 0.0, high)
    return Piece(low.reshape(-1, boxes), high.reshape(-1, boxes), _listed(known, place, size, boxes))


def _listed(known: dict, place: dict[int, int], size: int, boxes: int) -> Entries | None:
    if not known:
        return Entries(np.zeros(0, int), np.zeros(0, int), Interval(np.zeros((0, boxes)), np.zeros((0, boxes))))
    spots = np.arange(size)
    p = np.concatenate([size * place[k] + spots for k, _ in known])
    q = np.concatenate([size * place[k] + spots for _, k in known])
    ends = [np.concatenate([np.broadcast_to(w[end], (size, boxes)) for w in known.values()]) for end in (0, 1)]
    return Entries(p, q, Interval(*ends))


def unknown(node: Node, variable: tuple[int, ...], boxes: int) -> Piece:
    """Nothing is known of the weight."""
    m = sum(node.inputs[k].size for k in variable)
    return Piece(np.full((m, boxes), -np.inf), np.full((m, boxes), np.inf))


def others(x: Interval, fold: np.ufunc, neutral: float) -> Interval:
    """For each entry along the axis, the fold of all others: by running folds from both sides, without cancelling."""
    def rest(v: Array) -> Array:
        forward = fold.accumulate(v, axis=AXIS)
        backward = np.flip(fold.accumulate(np.flip(v, AXIS), axis=AXIS), AXIS)
        edge = np.full_like(v[..., :1, :, :], neutral)
        before = np.concatenate([edge, forward[..., :-1, :, :]], AXIS)
        return fold(before, np.concatenate([backward[..., 1:, :, :], edge], AXIS))
    return mapped(rest, x)


def widened(x: Interval, size: float) -> Interval:
    """By a relative error."""
    return Interval(down(x.lo - np.abs(x.lo) * size), up(x.hi + np.abs(x.hi) * size))


def rounding(m: int) -> float:
    """Relative error of a sum of m terms of one sign and a few operations on it."""
    return (2 * m + 32) * UNIT
