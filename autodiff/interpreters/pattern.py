"""Patterns: for each entry of an array (in C order) the sorted numbers of the input entries that it may depend on."""

import math
from collections.abc import Sequence

import numpy as np
import scipy.sparse

LIMIT = 10**8          # entries of a pattern
INDEX = np.int32       # of SciPy's matrices, where it is enough


class Pattern:
    """Rows of sorted column numbers."""

    __slots__ = ("indices", "indptr", "columns")

    def __init__(self, indices: np.ndarray, indptr: np.ndarray, columns: int):
        self.indices, self.indptr, self.columns = indices, indptr, columns

    @property
    def size(self) -> int:
        return self.indptr.size - 1

    def matrix(self) -> scipy.sparse.csr_array:
        data = np.ones(self.indices.size, np.bool_)
        return scipy.sparse.csr_array((data, self.indices, self.indptr), (self.size, self.columns))

    def take(self, rows: np.ndarray) -> "Pattern":
        """The pattern of these rows; −1 is an empty one."""
        if rows.size == self.size and np.array_equal(rows, np.arange(self.size)):
            return self
        counts = np.where(rows < 0, 0, np.diff(self.indptr)[rows]) if self.size else np.zeros(rows.size, np.intp)
        indptr = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
        _checked(int(indptr[-1]))
        indptr = indptr.astype(INDEX)
        places = np.arange(indptr[-1], dtype=INDEX) + np.repeat(self.indptr[rows] - indptr[:-1], counts)
        return Pattern(self.indices[places], indptr, self.columns)

    def group(self, numbers: np.ndarray, size: int) -> "Pattern":
        """Row r of the result unites the rows whose number is r; a number −1 drops a row."""
        kept = np.flatnonzero(numbers >= 0)
        return self.through(numbers[kept], kept, size)

    def through(self, targets: np.ndarray, sources: np.ndarray, size: int) -> "Pattern":
        """Row t unites the rows s of the pairs (t, s)."""
        if size == 1:
            return one_row(self.take(np.unique(sources)))
        incidence = scipy.sparse.csr_array((np.ones(targets.size, np.bool_), (targets, sources)), (size, self.size))
        return _of(incidence @ self.matrix())


def _of(matrix) -> Pattern:
    matrix.sort_indices()
    _checked(matrix.nnz)
    return Pattern(matrix.indices, matrix.indptr, matrix.shape[1])


def _checked(entries: int) -> None:
    if entries > LIMIT:
        raise ValueError(f"sparsity: the derivative has a dense part (more than {LIMIT:.0e} entries in its pattern); "
                         "use autodiff.hvp, autodiff.jvp or autodiff.vjp, which need no matrix")


def one_row(pattern: Pattern) -> Pattern:
    """All rows united into one."""
    indices = np.unique(pattern.indices)
    return Pattern(indices, np.array([0, indices.size], INDEX), pattern.columns)


def empty(size: int, columns: int) -> Pattern:
    return Pattern(np.zeros(0, INDEX), np.zeros(size + 1, INDEX), columns)


def unit(start: int, size: int, columns: int) -> Pattern:
    """Entry k depends on column start + k."""
    return Pattern(np.arange(start, start + size, dtype=INDEX), np.arange(size + 1, dtype=INDEX), columns)


def unite(patterns: Sequence):
    """The union, entry by entry; None where nothing depends."""
    total = None
    for p in patterns:
        if total is None or p is None or total is p:
            total = p if total is None else total
        elif p.size == 1:
            total = one_row(Pattern(np.concatenate([total.indices, p.indices]), p.indptr, p.columns))
        elif not (np.array_equal(total.indptr, p.indptr) and np.array_equal(total.indices, p.indices)):
            both = _of(total.matrix() + p.matrix())
            total = both if both.indices.size > max(total.indices.size, p.indices.size) else max(
                total, p, key=lambda one: one.indices.size)
    return total


def stack(patterns: Sequence[Pattern]) -> Pattern:
    """Rows of one pattern after the other."""
    if len(patterns) == 1:
        return patterns[0]
    starts = np.cumsum([0] + [p.indices.size for p in patterns])
    _checked(int(starts[-1]))
    indptr = [p.indptr[1:] + INDEX(start) for p, start in zip(patterns, starts[:-1], strict=True)]
    first = np.zeros(1, INDEX)
    return Pattern(np.concatenate([p.indices for p in patterns]), np.concatenate([first, *indptr]), patterns[0].columns)


def numbers_of(sizes: tuple[int, ...], full: tuple[int, ...]) -> np.ndarray:
    """Flat entry numbers of an array of shape `sizes`, broadcast."""
    return np.broadcast_to(np.arange(math.prod(sizes)).reshape(sizes), full)


def spread(pattern: Pattern, sizes: tuple[int, ...], full: tuple[int, ...]) -> Pattern:
    """The pattern of a broadcast array."""
    return pattern if sizes == full else pattern.take(numbers_of(sizes, full).reshape(-1))


def dense(node, given: list):
    """Every entry depends on all that any input entry depends on."""
    row = one_row(stack([p for p in given if p is not None]))
    if isinstance(node.dtype, tuple):
        return tuple(row.take(np.zeros(math.prod(part), np.intp)) for part in node.shape)
    return row.take(np.zeros(node.size, np.intp))
