"""Colouring: groups of columns (or rows) of a sparse matrix that one derivative pass recovers together.

Greedy, in linear time: the colours that a vertex may not take are kept as the bits of one integer. Gebremedhin, Manne
& Pothen 2005, What color is your Jacobian?, SIAM Review 47.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import scipy.sparse


def color_columns(pattern: scipy.sparse.csr_array) -> np.ndarray:
    """(columns,) colours such that no row has two entries of one colour; −1 for empty columns.

    At least as many as the fullest row has entries.
    """
    rows = pattern.tocsc()
    bound = int(np.diff(pattern.indptr).max(initial=0))
    if bound == pattern.shape[1]:
        return np.arange(bound)
    neighbours, other = _lists(rows), pattern.shape[0]
    colors = _best(_orders(np.diff(rows.indptr)), bound, lambda order: _greedy(order, neighbours, other))
    return np.where(np.diff(rows.indptr) > 0, colors, -1)


def color_symmetric(pattern: scipy.sparse.csr_array) -> np.ndarray:
    """(n,) colours of a symmetric pattern: neighbours differ and no path of four vertices has two colours (star).

    Each entry can then be read from a product with one colour, in its row or in its mirror's (`read_symmetric`); −1 for
    empty columns.
    """
    if pattern.nnz == pattern.shape[0] ** 2:
        return np.arange(pattern.shape[0])
    i, j = pattern.tocoo().coords
    edges = scipy.sparse.csr_array((np.ones(int(np.sum(i != j)), np.bool_), (i[i != j], j[i != j])), pattern.shape)
    neighbours = _lists(edges)
    colors = _best(_orders(np.diff(edges.indptr)), 1 + int(edges.nnz > 0), lambda order: _star(order, neighbours))
    return np.where(np.diff(pattern.indptr) > 0, colors, -1)


def _lists(matrix) -> list[list[int]]:
    indptr, indices = matrix.indptr.tolist(), matrix.indices.tolist()
    return [indices[start:end] for start, end in zip(indptr[:-1], indptr[1:], strict=True)]


def _orders(degrees: np.ndarray) -> Iterator[list[int]]:
    """As they come, and those with most neighbours first: the first is best for bands, the second for hubs."""
    yield list(range(degrees.size))
    yield np.argsort(-degrees, kind="stable").tolist()


def _best(orders: Iterator[list[int]], bound: int, color) -> np.ndarray:
    best = np.zeros(0, np.intp)
    for order in orders:
        colors = np.array(color(order), dtype=np.intp)
        if not best.size or colors.max() < best.max():
            best = colors
        if best.max(initial=-1) + 1 <= bound:
            break
    return best


def _lowest(forbidden: int) -> int:
    """The lowest bit that is not set."""
    return (~forbidden & (forbidden + 1)).bit_length() - 1


def _greedy(order: list[int], neighbours: list[list[int]], rows: int) -> list[int]:
    """used[r]: the colours in row r."""
    used = [0] * rows
    colors = [0] * len(order)
    for v in order:
        forbidden = 0
        for r in neighbours[v]:
            forbidden |= used[r]
        colors[v] = c = _lowest(forbidden)
        bit = 1 << c
        for r in neighbours[v]:
            used[r] |= bit
    return colors


def _star(order: list[int], neighbours: list[list[int]]) -> list[int]:
    """Star colouring, every path of four vertices looked at when its last vertex is coloured.

    once[x], twice[x]: the colours of at least one, of at least two neighbours of x. A path v–w–x–y forbids v the colour
    of x where y has that of w, which is in twice[x] then: spoiled[w] collects these. A path a–v–b–c with a, b of one
    colour forbids v the colour of c: once[b].
    """
    n = len(order)
    colors, once, twice, spoiled = [-1] * n, [0] * n, [0] * n, [0] * n
    first: dict[tuple[int, int], int] = {}             # (x, colour): its one neighbour of that colour
    for v in order:
        near = neighbours[v]
        forbidden, repeated = once[v], twice[v]
        for w in near:
            forbidden |= spoiled[w]
            if repeated and colors[w] >= 0 and repeated >> colors[w] & 1:
                forbidden |= once[w]
        colors[v] = c = _lowest(forbidden)
        bit = 1 << c
        for x in near:
            if not once[x] & bit:
                once[x] |= bit
                first[x, c] = v
                continue
            if colors[x] >= 0:
                spoiled[v] |= 1 << colors[x]
                if not twice[x] & bit:
                    spoiled[first[x, c]] |= 1 << colors[x]
            twice[x] |= bit
        if repeated:
            for w in near:
                if colors[w] >= 0 and repeated >> colors[w] & 1:
                    spoiled[w] |= bit
    return colors


def read_symmetric(pattern: scipy.sparse.csr_array, colors: np.ndarray) -> np.ndarray:
    """For each entry its place in the products (a row a colour), flat.

    Entry (i, j) is in row i of the product with the colour of j, unless another neighbour of i has that colour: then it
    is in row j of the product with the colour of i.
    """
    n = pattern.shape[0]
    rows, columns = np.repeat(np.arange(n), np.diff(pattern.indptr)), pattern.indices
    keys = rows * (colors.max(initial=0) + 1) + colors[columns]
    _, place, count = np.unique(keys, return_inverse=True, return_counts=True)
    alone = count[place] == 1
    return np.where(alone, colors[columns] * n + rows, colors[rows] * n + columns)


# --- which products ---------------------------------------------------------------------------------------------------


class Sweep(NamedTuple):
    """Products with one seed a colour: of columns (forward, symmetric) or of rows (reverse)."""

    mode: str
    coloring: np.ndarray                 # −1: not by this sweep

    @property
    def seeds(self) -> list[np.ndarray]:
        return [self.coloring == color for color in range(self.colors)]

    @property
    def colors(self) -> int:
        return int(self.coloring.max(initial=-1)) + 1


def sweeps_of(pattern: scipy.sparse.csr_array, mode: str) -> list[Sweep]:
    """Those of the mode, or of the mode with fewest passes. A row (column) of c entries takes c colours at least."""
    mirror = canonical(pattern.T)
    fullest = int(np.diff(mirror.indptr).max(initial=0))
    found = [] if mode in ("reverse", "mixed") else [[Sweep("forward", color_columns(pattern))]]
    if mode == "reverse" or mode == "auto" and _passes(found[0]) > fullest:
        found.append([Sweep("reverse", color_columns(mirror))])
    if mode == "mixed" or mode == "auto":
        found += _mixed(pattern, min(map(_passes, found), default=pattern.nnz + 1))
    return min(found, key=_passes)


def _passes(sweeps: list[Sweep]) -> int:
    return sum(sweep.colors for sweep in sweeps)


def _mixed(pattern: scipy.sparse.csr_array, below: int) -> list[list[Sweep]]:
    """The k fullest rows in reverse, the others forward, k such that k + (entries of the next row) is least."""
    counts = np.diff(pattern.indptr)
    order = np.argsort(-counts, kind="stable")
    bounds = np.arange(counts.size + 1) + np.append(counts[order], 0)
    k = int(np.argmin(bounds))
    if bounds[k] >= below:
        return []
    full = np.isin(np.arange(counts.size), order[:k])
    parts = [canonical(scipy.sparse.diags_array(part, dtype=bool) @ pattern) for part in (~full, full)]
    return [[Sweep("forward", color_columns(parts[0])), Sweep("reverse", color_columns(canonical(parts[1].T)))]]


def read(pattern: scipy.sparse.csr_array, sweeps: list[Sweep]) -> np.ndarray:
    """For each entry its place in the products of the sweeps: row (colour), then its row or column."""
    m, n = pattern.shape
    rows, columns = np.repeat(np.arange(m), np.diff(pattern.indptr)), pattern.indices
    by_row = sweeps[-1].coloring[rows] if sweeps[-1].mode == "reverse" else np.full(rows.size, -1)
    reverse = by_row * n + columns + (sweeps[0].colors * m if len(sweeps) > 1 else 0)
    forward = sweeps[0].coloring[columns] * m + rows if sweeps[0].mode == "forward" else reverse
    return np.where(by_row >= 0, reverse, forward)


def canonical(matrix) -> scipy.sparse.csr_array:
    matrix = scipy.sparse.csr_array(matrix, dtype=bool)
    matrix.sort_indices()
    return matrix
