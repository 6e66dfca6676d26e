"""The tree of boxes that a search leaves, pruned to what its claims need."""

from __future__ import annotations

import numpy as np

from .proof import Leaf, Split

INF = np.inf


class Node:
    """A box: the best bounds known for it, where it was cut, and its halves."""

    __slots__ = ("low", "high", "outside", "axis", "at", "halves")

    def __init__(self, low: float, high: float, outside: bool):
        self.low, self.high, self.outside = low, high, outside
        self.axis, self.at, self.halves = -1, np.nan, ()


def claimed(nodes: list[Node], low: float, high: float) -> tuple[Leaf | Split, float]:
    """The smallest tree whose leaves are known to have eigenvalues in [low, high], all of which they claim.

    With high = inf the leaves are chosen for `low` alone, and claim the highest bound among them, which is returned.
    """
    order, stack, reached = [], [0], -INF
    while stack:
        node = nodes[stack.pop()]
        order.append(node)
        enough = node.outside or not node.halves or (node.low >= low and node.high <= high)
        if enough and not node.outside:
            reached = max(reached, node.high)
        stack += [] if enough else node.halves
        node.halves = () if enough else node.halves
    done: dict[int, Leaf | Split] = {}
    for node in reversed(order):
        done[id(node)] = Leaf(-INF, INF, True) if node.outside else Leaf(low, reached) if not node.halves else Split(
            node.axis, node.at, *(done.pop(id(nodes[k])) for k in node.halves))
    return done[id(nodes[0])], reached
