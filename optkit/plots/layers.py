"""Layered drawing of an acyclic graph: layers, few crossings, straight edges. Sugiyama, Tagawa & Toda 1981."""

from bisect import bisect_right, insort
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_SWEEPS, _SETTLING = 24, 60     # of ordering, and of placing with each kind of neighbours
_STRAIGHT = 8.0      # weight of the edges inside a long edge, against those at boxes: it should not bend


class Layout(NamedTuple):
    """`layer` and centre `x` of every node; for every edge the x at which it passes each layer between its ends."""

    layer: list[int]
    x: list[float]
    lanes: list[list[float]]


def layered(widths: Sequence[float], edges: Sequence[tuple[int, int]], gap: float, lane: float) -> Layout:
    """Nodes of these widths, numbered in topological order, `gap` apart; a passing edge takes a `lane`."""
    layer = longest_paths(len(widths), edges)
    size, chains, links = [float(w) for w in widths], [], []
    level = list(layer)
    for source, target in edges:
        chain = list(range(len(size), len(size) + layer[target] - layer[source] - 1))
        size += [lane] * len(chain)
        level += range(layer[source] + 1, layer[target])
        path = [source, *chain, target]
        links += list(zip(path, path[1:], strict=False))
        chains.append(chain)
    rows = order(level, links)
    x = place(rows, links, np.array(size), gap, len(widths))
    return Layout(layer, [float(v) for v in x[:len(widths)]], [[float(x[k]) for k in chain] for chain in chains])


def longest_paths(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """Layers from the top, each node as low as what needs it allows: one above the first of them."""
    height = [0] * count
    for source, target in sorted(edges, reverse=True):           # all edges out of a node come after it
        height[source] = max(height[source], height[target] + 1)
    top = max(height, default=0)
    return [top - h for h in height]


def order(level: Sequence[int], links: Sequence[tuple[int, int]]) -> list[list[int]]:
    """The nodes of each layer from left to right: barycentre sweeps, the best order met is kept."""
    above, below = _neighbours(len(level), links)
    rows: list[list[int]] = [[] for _ in range(max(level, default=-1) + 1)]
    for node, k in enumerate(level):
        rows[k].append(node)
    best, fewest = [list(row) for row in rows], crossings(rows, below)
    for sweep in range(_SWEEPS):
        near, walk = (above, rows[1:]) if sweep % 2 == 0 else (below, rows[-2::-1])
        place = _positions(rows)
        for row in walk:
            centre = {n: np.mean([place[m] for m in near[n]]) if near[n] else place[n] for n in row}
            row.sort(key=centre.__getitem__)
            place |= _positions([row])
        found = crossings(rows, below)
        if found < fewest:
            best, fewest = [list(row) for row in rows], found
    return _swapped(best, below)


def _swapped(rows: list[list[int]], below: list[list[int]]) -> list[list[int]]:
    """Neighbours exchanged as long as that removes crossings."""
    improved = True
    while improved:
        improved = False
        for k, row in enumerate(rows):
            around = rows[max(k - 1, 0):k + 2]
            fewest = crossings(around, below)
            for i in range(len(row) - 1 if fewest else 0):
                row[i], row[i + 1] = row[i + 1], row[i]
                found = crossings(around, below)
                if found < fewest:
                    fewest, improved = found, True
                else:
                    row[i], row[i + 1] = row[i + 1], row[i]
    return rows


def _neighbours(count: int, links: Sequence[tuple[int, int]]) -> tuple[list[list[int]], list[list[int]]]:
    above: list[list[int]] = [[] for _ in range(count)]
    below: list[list[int]] = [[] for _ in range(count)]
    for source, target in links:
        above[target].append(source)
        below[source].append(target)
    return above, below


def _positions(rows: Sequence[Sequence[int]]) -> dict[int, float]:
    return {node: (i + 0.5) / len(row) for row in rows for i, node in enumerate(row)}


def crossings(rows: Sequence[Sequence[int]], below: Sequence[Sequence[int]]) -> int:
    """Pairs of edges between neighbouring layers that cross: inversions of their lower ends, by upper ends."""
    total = 0
    for upper, lower in zip(rows, rows[1:], strict=False):
        place = {node: i for i, node in enumerate(lower)}
        seen: list[int] = []
        for node in upper:
            ends = [place[m] for m in below[node]]
            total += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


def place(rows: Sequence[Sequence[int]], links: Sequence[tuple[int, int]], width: NDArray, gap: float,
          real: int) -> NDArray:
    """Centres: each layer in turn as near to the means of its neighbours as order and widths allow."""
    above, below = _neighbours(len(width), links)
    x = np.zeros(len(width))
    for row in rows:
        x[row] = _separated(np.zeros(len(row)), np.ones(len(row)), width[row], gap)
    for sweep in range(2 * _SETTLING):
        both = sweep >= _SETTLING
        down = sweep % 2 == 0
        for row in rows if down else rows[::-1]:
            targets, weights = [], []
            for node in row:
                near = above[node] + below[node] if both else above[node] if down else below[node]
                pull = np.array([_STRAIGHT if node >= real and other >= real else 1.0 for other in near])
                targets.append(pull @ x[near] / pull.sum() if near else x[node])
                weights.append(pull.sum() if near else 1e-3)
            x[row] = _separated(np.array(targets), np.array(weights), width[row], gap)
    return x


def _separated(targets: NDArray, weights: NDArray, width: NDArray, gap: float) -> NDArray:
    """argmin Σ w(x − target)² with neighbours at least (their half widths + gap) apart: isotonic regression of the
    targets minus what must lie between, by pooling adjacent violators (Barlow et al. 1972)."""
    offset = np.concatenate([[0.0], np.cumsum((width[:-1] + width[1:]) / 2 + gap)])
    blocks: list[list[float]] = []           # [mean, weight, count]
    for target, weight in zip(targets - offset, weights, strict=True):
        blocks.append([target, weight, 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            mean, w, count = blocks.pop()
            blocks[-1] = [(blocks[-1][0] * blocks[-1][1] + mean * w) / (blocks[-1][1] + w), blocks[-1][1] + w,
                          blocks[-1][2] + count]
    return np.repeat([b[0] for b in blocks], [int(b[2]) for b in blocks]) + offset
