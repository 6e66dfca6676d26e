"""The order in which a graph of large arrays is evaluated, so that few of them are alive at a time.

Any order that respects the inputs gives the same values. A derived graph comes as value, gradient, second derivative;
run in that order it keeps what a sweep that goes down each branch once would let go. Finding the best order is as hard
as pebbling, so a few greedy ones are compared and the one with the smallest peak is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from .graph import GUARD, Node

WORTH = 1 << 22      # bytes of all values together below which the order stays as it is
MOST = 1000          # operations beyond which it does too: the search is quadratic where many are ready at a time


def scheduled(nodes: list[Node], outputs: Sequence) -> list[Node]:
    """The nodes (in evaluation order) in the order of the smallest peak among those compared."""
    if len(nodes) > MOST or sum(map(_bytes, nodes)) < WORTH:
        return nodes
    known = _Needs(nodes, outputs)
    guards = [n for n in nodes if n.prim is GUARD]               # (they are numbered)
    orders = [nodes, *[known.greedy(rank) for rank in (range(len(nodes)), known.depth_first(), None)]]
    return min([o for o in orders if [n for n in o if n.prim is GUARD] == guards], key=known.peak)


def _bytes(node: Node) -> int:
    return 0 if isinstance(node.dtype, tuple) else node.size * node.dtype.itemsize


class _Needs:
    """Who reads what: `storage` of a node is the node whose memory it shows, `read` the storages an operation reads."""

    def __init__(self, nodes: list[Node], outputs: Sequence):
        self.nodes, own = nodes, set(nodes)
        self.inputs = {n: list(dict.fromkeys(i for i in n.inputs if type(i) is Node and i in own)) for n in nodes}
        self.storage: dict[Node, Node] = {}
        for n in nodes:
            first = n.inputs[0] if n.inputs else None
            self.storage[n] = self.storage[first] if n.prim.view and type(first) is Node and first in own else n
        self.read = {n: {self.storage[i] for i in self.inputs[n]} for n in nodes}
        self.cost = {n: _bytes(n) if self.storage[n] is n else 0 for n in nodes}
        self.kept = [o for o in outputs if type(o) is Node and o in own]
        self.reads = dict.fromkeys(nodes, 0)
        for storages in (*self.read.values(), {self.storage[o] for o in self.kept}):
            for s in storages:
                self.reads[s] += 1

    def depth_first(self) -> list[int]:
        """The rank of each node in a depth-first walk from the last output on."""
        rank: dict[Node, int] = {}
        number, stack = count(), list(self.kept)
        while stack:
            node = stack[-1]
            wanted = [i for i in self.inputs[node] if i not in rank] if node not in rank else []
            if wanted:
                stack += reversed(wanted)
            else:
                rank.setdefault(stack.pop(), next(number))
        return [rank.get(n, -1) for n in self.nodes]         # (guards come first)

    def greedy(self, rank: Sequence[int] | None) -> list[Node]:
        """Of what can be computed, what takes least new memory; among equals by rank, or the latest."""
        readers: dict[Node, list[Node]] = {n: [] for n in self.nodes}
        for n in self.nodes:
            for i in self.inputs[n]:
                readers[i].append(n)
        missing, left = {n: len(self.inputs[n]) for n in self.nodes}, dict(self.reads)
        ranks = dict(zip(self.nodes, rank)) if rank is not None else {}
        ready, out = [n for n in self.nodes if not missing[n]], []

        def merit(place: int):
            node = ready[place]
            freed = sum(self.cost[s] for s in self.read[node] if left[s] == 1) - self.cost[node]
            return (min(freed, 0), -ranks[node]) if ranks else (freed, place)
        while ready:
            node = ready.pop(max(range(len(ready)), key=merit))
            out.append(node)
            for s in self.read[node]:
                left[s] -= 1
            for reader in readers[node]:
                missing[reader] -= 1
                if not missing[reader]:
                    ready.append(reader)
        return out

    def peak(self, order: list[Node]) -> int:
        """Bytes alive at the worst moment."""
        left, alive, worst = dict(self.reads), 0, 0
        for node in order:
            alive += self.cost[node]
            worst = max(worst, alive)
            for s in self.read[node]:
                left[s] -= 1
                alive -= self.cost[s] if not left[s] else 0
        return worst
