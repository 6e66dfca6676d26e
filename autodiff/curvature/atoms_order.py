"""The sum of the k largest along the last axis (k = 1: the maximum), and the rows of maximum and minimum."""

from __future__ import annotations

import numpy as np

from ..intervals import Interval, multiply, total
from ..primitive import PRIMITIVES
from ..primitives.reductions import SUM
from .atoms import AXIS, along_last, atom, curved, diagonal_bounds, like_first, mapped, own
from .rows import Piece, flat


def _largest_value(u, k):
    return np.sum(np.sort(u, axis=-1)[..., np.shape(u)[-1] - k:], axis=-1)


def _largest_rule(u: Interval, k: int) -> Interval:
    """It grows in each entry."""
    top = mapped(lambda end: np.sort(end, axis=AXIS)[..., end.shape[AXIS] - k:, :, :], u)
    return total(top, (len(u.shape) + AXIS,), False)


def _picked_value(u, k):
    """1 for the k largest, 0 for the others; ties share evenly."""
    least = np.sort(u, axis=-1)[..., np.shape(u)[-1] - k, None]
    above, ties = u > least, u == least
    left = k - above.sum(axis=-1, keepdims=True)
    return above + ties * (left / ties.sum(axis=-1, keepdims=True))


def picked_rule(u: Interval, k: int) -> Interval:
    """1 where no more than k − 1 others can reach an entry, 0 where k others exceed it; else all in between."""
    m = u.shape[AXIS]
    if k >= m:
        return mapped(np.ones_like, u)
    lows, highs = np.sort(u.lo, axis=AXIS), np.sort(u.hi, axis=AXIS)
    surely = u.lo > highs[..., m - k - 1, None, :, :]
    never = u.hi < lows[..., m - k, None, :, :]
    return Interval(np.where(surely, 1.0, 0.0), np.where(never, 0.0, 1.0))


PICKED = atom("among_the_largest", _picked_value, lambda u, k: like_first(u), picked_rule, partials=(None,))
LARGEST = atom("sum_of_largest", _largest_value, lambda u, k: along_last(u), _largest_rule,
               jvp=lambda out, inputs, tangents, k: SUM(PICKED(inputs[0], k=k) * tangents[0],
                                                        axis=(len(inputs[0].shape) - 1,), keepdims=False))


def _largest_piece(a, y, u, *, node, variable) -> Piece:
    """A kink in each entry that may or may not be among the largest."""
    a, picked = own(a, node, picked_rule(u, node.params["k"]))
    return Piece(*diagonal_bounds(a, np.zeros_like(picked.lo), np.where(picked.lo == picked.hi, 0.0, np.inf)))


curved(LARGEST, lambda node: "a maximum is convex" if node.params["k"] == 1
       else f"the sum of the {node.params['k']} largest is convex", _largest_piece)


def _of_two(rises: bool):
    def piece(a, y, u, v, *, node, variable) -> Piece:
        """A kink where neither argument is the greater on all of the box."""
        a, u, v = (flat(part, node.shape) for part in (a, u, v))
        kink = np.where((u.lo > v.hi) | (v.lo > u.hi), 0.0, np.inf)
        low, high = (np.zeros_like(kink), kink) if rises else (-kink, np.zeros_like(kink))
        low, high = multiply(a, Interval(low, high))
        return Piece(np.tile(low, (len(variable), 1)), np.tile(high, (len(variable), 1)))
    return piece


for _name, _rises in (("maximum", True), ("fmax", True), ("minimum", False), ("fmin", False)):
    curved(PRIMITIVES[_name], "a maximum is convex" if _rises else "a minimum is concave", _of_two(_rises))
