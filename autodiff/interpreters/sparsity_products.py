"""Sparsity of products: matmul and einsum, sparse products, convolution. A constant factor counts by its zeros."""

import math

import numpy as np
import scipy.sparse

from ..graph import Node
from ..primitive import shape_of
from ..primitives import contraction, signal, sparse
from .pattern import Pattern, dense, numbers_of, unite

WORK = 2 * 10**7       # entries of a structural matrix made from a constant's zeros


def _matmul(node: Node, given: list):
    """As a contraction, axes named by numbers: batch axes from the right, then row, column and the summed axis."""
    a, b = map(shape_of, node.inputs)
    rows, columns, summed = ("r",) * (len(a) > 1), ("c",) * (len(b) > 1), ("s",)
    batch = [tuple(range(len(s) - 3, -1, -1)) for s in (a, b)]
    out = tuple(range(max(len(a), len(b)) - 3, -1, -1))
    return _contracted(node, given, [(*batch[0], *rows, *summed), (*batch[1], *summed, *columns)],
                       (*out, *rows, *columns))


def _einsum(node: Node, given: list):
    return _contracted(node, given, *contraction._einsum_axes(node.params["spec"]))


def _contracted(node: Node, given: list, terms: list[tuple], out: tuple):
    parts = []
    for k, p in enumerate(given):
        if p is not None:
            other = node.inputs[1 - k] if len(given) == 2 else None
            made = _through_zeros(node, p, shape_of(node.inputs[k]), terms[k], other, terms[1 - k], out) if isinstance(
                other, np.ndarray) else None
            parts.append(made or _summed(node, p, shape_of(node.inputs[k]), terms[k], out))
    return unite(parts)


def _summed(node: Node, p: Pattern, sizes: tuple[int, ...], term: tuple, out: tuple) -> Pattern:
    """Summed over what the output has not, then spread over what it has more."""
    kept = tuple(s if a in out else 1 for a, s in zip(term, sizes, strict=True))
    p = p.group(numbers_of(kept, sizes).reshape(-1), math.prod(kept))
    order = [term.index(a) for a in out if a in term]
    own = [sizes[i] for i in order]
    numbers = np.arange(p.size).reshape([s for a, s in zip(term, sizes, strict=True) if a in out])
    ranks = np.argsort(np.argsort(order)) if order else []
    aligned = iter(own)
    wide = tuple(next(aligned) if a in term else 1 for a in out)
    return p.take(np.broadcast_to(numbers.transpose(ranks).reshape(wide), node.shape).reshape(-1))


def _through_zeros(node: Node, p: Pattern, sizes: tuple[int, ...], term: tuple, other: np.ndarray, other_term: tuple,
                   out: tuple):
    """Through a constant with zeros: one pair (output entry, input entry) for each entry that is not zero."""
    nonzero = np.nonzero(other)
    size = dict(zip(other_term, other.shape, strict=True))
    free = [(a, s) for a, s in zip(term, sizes, strict=True) if a not in size]
    pairs = nonzero[0].size * math.prod(s for _, s in free)
    agree = all(size.get(a, s) == s for a, s in [*zip(term, sizes, strict=True), *zip(out, node.shape, strict=True)])
    if nonzero[0].size == other.size or pairs > WORK or not agree:
        return None
    shaped = (-1,) + (1,) * len(free)
    at = {a: i.reshape(shaped) for a, i in zip(other_term, nonzero, strict=True)}
    at |= {a: np.arange(s).reshape((-1,) + (1,) * (len(free) - 1 - k)) for k, (a, s) in enumerate(free)}
    full = (nonzero[0].size, *[s for _, s in free])

    def flat(letters, lengths):
        number = np.zeros((1,) * len(full), np.intp)
        for a, length in zip(letters, lengths, strict=True):
            number = number * length + at[a]
        return np.broadcast_to(number, full).reshape(-1)
    return p.through(flat(out, node.shape), flat(term, sizes), node.size)


def _pairs(p, targets: np.ndarray, sources: np.ndarray, width: int, size: int):
    """Rows of `width` entries: each entry of row t depends on that entry of row s."""
    wide = [np.add.outer(i.astype(np.intp) * width, np.arange(width)).reshape(-1) for i in (targets, sources)]
    return p and p.through(*wide, size)


def _sparse_product(node: Node, given: list):
    a, x = node.inputs
    if not scipy.sparse.issparse(a):
        return dense(node, given)
    rows, columns = (a.T if node.params["transposed"] else a).tocoo().coords
    return _pairs(given[1], rows, columns, math.prod(shape_of(x)[1:]), node.size)


def _entries_product(node: Node, given: list):
    """A x by the entries of A."""
    known, width = node.params["pattern"], math.prod(node.shape[1:])
    rows, columns = (known.columns, known.rows) if node.params["transposed"] else (known.rows, known.columns)
    entries = given[0] and given[0].take(np.repeat(np.arange(rows.size), width))
    return unite([entries and _pairs(entries, rows, np.arange(rows.size), width, node.size),
                  _pairs(given[1], rows, columns, width, node.size)])


def _sampled(node: Node, given: list):
    """The entries Σ_c u[i, c] v[j, c] at a sparse pattern."""
    known = node.params["pattern"]
    rows = [p and p.group(np.repeat(np.arange(shape_of(x)[0]), math.prod(shape_of(x)[1:])), shape_of(x)[0])
            for p, x in zip(given, node.inputs, strict=True)]
    return unite([p and p.take(i) for p, i in zip(rows, (known.rows, known.columns), strict=True)])


def _convolved(node: Node, given: list):
    """Entry i + j of a ∗ v depends on a[i] where v[j] is not a constant zero."""
    parts = []
    for p, x, other in zip(given, node.inputs, node.inputs[::-1], strict=True):
        shifts = np.arange(other.shape[0]) if type(other) is Node else np.flatnonzero(other)
        if p is not None and p.size * shifts.size > WORK:
            return dense(node, given)
        at = np.arange(shape_of(x)[0])
        parts.append(p and p.through(np.add.outer(at, shifts).reshape(-1), np.repeat(at, shifts.size), node.size))
    return unite(parts)


PRODUCTS = {contraction.MATMUL: _matmul, contraction.EINSUM: _einsum, sparse.SPARSE: _sparse_product,
            sparse.ENTRIES_PRODUCT: _entries_product, sparse.SAMPLED: _sampled, signal.CONVOLVE: _convolved}
