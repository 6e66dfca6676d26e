"""Rows of sparse matrices: products with constant ones, and with ones whose entries are traced; their linear systems.

A traced sparse matrix is a vector of entries beside a constant `Pattern`. Its product is linear in the entries and in
the other factor; the adjoint in the entries is an outer product, computed at the pattern only.
"""

import numpy as np
import scipy.sparse
import scipy.sparse.linalg

from ..primitive import Primitive, bind
from .elementwise import float_type, same_type
from .shape import FULL

_CSR, _splu = scipy.sparse.csr_array, scipy.sparse.linalg.splu
MATRIX, VECTOR = np.array([[0.5, -1.0, 2.0], [1.5, 0.3, -0.7]]), np.array([0.2, -0.4, 1.1])


# --- constant matrices ------------------------------------------------------------------------------------------------


def _sparse_shape(a, x, transposed):
    m, n = a.shape[::-1] if transposed else a.shape
    if not x.shape or n != x.shape[0]:
        raise ValueError(f"matmul: sparse {(m, n)} and {x.shape} do not match")
    return (m, *x.shape[1:]), np.result_type(a.dtype, x.dtype)


SPARSE = Primitive("sparse_matmul", lambda a, x, transposed: np.asarray((a.T if transposed else a) @ x), _sparse_shape,
                   transpose=(None, lambda ct, a, x, transposed: bind(SPARSE, (a, ct), {"transposed": not transposed})),
                   samples=(((scipy.sparse.csr_array(MATRIX), VECTOR), {"transposed": False}),
                            ((scipy.sparse.csc_matrix(MATRIX), VECTOR[:2]), {"transposed": True}),
                            ((scipy.sparse.csr_array(MATRIX), FULL.T.copy()), {"transposed": False})))


class RowMajor:
    """Products with a sparse matrix (or its transpose) stored by rows, twice as fast as by columns.

    A copy, checked at each product: replaced arrays by identity, changed entries by ⟨data, copy⟩ = ‖copy‖².
    """

    def __init__(self, a, transposed: bool):
        self.a, self.transposed = a, transposed
        self._store()

    def _store(self) -> None:
        self.source = (self.a.data, self.a.indices, self.a.indptr)
        self.copy = self.a.data.copy()
        self.check = self.copy.dot(self.copy)
        self.rows = (self.a.T if self.transposed else self.a).tocsr()

    def __call__(self, x):
        a, (data, indices, indptr) = self.a, self.source
        if a.data is not data or a.indices is not indices or a.indptr is not indptr \
                or data.dot(self.copy) != self.check:
            self._store()
        return self.rows @ x


def product_by_rows(a, transposed: bool):
    """x ↦ a @ x (or aᵀ @ x), by rows where that takes a copy of a compressed matrix."""
    if a.format == ("csc" if not transposed else "csr") and a.data.dtype == np.float64:
        return RowMajor(a, transposed)
    return lambda x: (a.T if transposed else a) @ x


# --- traced entries ---------------------------------------------------------------------------------------------------


class Pattern:
    """Where the entries of a sparse matrix are: (rows[k], columns[k]), any order, repeated places add up.

    A constant of a recording, compared by content. Keeps the layout by rows of the matrix and of its transpose, and the
    last factorisation.
    """

    __slots__ = ("rows", "columns", "shape", "_hash", "_layouts", "_factor")

    def __init__(self, rows, columns, shape: tuple[int, int]):
        self.rows, self.columns, self.shape = (np.asarray(rows, np.intp), np.asarray(columns, np.intp),
                                               tuple(int(n) for n in shape))
        self._hash, self._factor = None, None
        self._layouts: list = [None, None]
        for name, places, size in (("row", self.rows, self.shape[0]), ("column", self.columns, self.shape[1])):
            if places.size and not 0 <= places.min() <= places.max() < size:
                raise ValueError(f"sparse matrix: {name} index {places.max()} exceeds matrix dimension {size}")

    def __eq__(self, other: object) -> bool:
        return self is other or isinstance(other, Pattern) and self.shape == other.shape and np.array_equal(
            self.rows, other.rows) and np.array_equal(self.columns, other.columns)

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash((self.shape, self.rows.tobytes(), self.columns.tobytes()))
        return self._hash

    def __repr__(self) -> str:
        return f"<{self.rows.size} entries of {self.shape[0]}x{self.shape[1]}>"

    def __reduce__(self):
        return Pattern, (self.rows, self.columns, self.shape)

    @property
    def T(self) -> "Pattern":
        return Pattern(self.columns, self.rows, self.shape[::-1])

    def matrix(self, data, transposed: bool):
        """The matrix (or its transpose) of these entries, stored by rows."""
        if self._layouts[transposed] is None:
            major, minor = (self.columns, self.rows) if transposed else (self.rows, self.columns)
            counts = np.bincount(major, minlength=self.shape[1 if transposed else 0])
            order = None if np.all(major[1:] >= major[:-1]) else np.argsort(major, kind="stable")
            self._layouts[transposed] = (order, minor if order is None else minor[order],
                                         np.concatenate([[0], np.cumsum(counts)]))
        order, indices, indptr = self._layouts[transposed]
        return _CSR((data if order is None else data[order], indices, indptr),
                    shape=self.shape[::-1] if transposed else self.shape)

    def solve(self, data, b, transposed: bool):
        """A⁻¹b or A⁻ᵀb by a factorisation that is kept: the adjoint's solve, and further right-hand sides, reuse it."""
        known = self._factor
        dtype = np.result_type(data.dtype, b.dtype)
        if known is None or known[0].dtype != dtype or not np.array_equal(known[0], data):
            matrix = self.matrix(data.astype(dtype), True).T.tocsc(copy=True)    # (splu sorts it in place)
            try:
                known = self._factor = (data.astype(dtype), _splu(matrix))
            except RuntimeError as error:
                raise np.linalg.LinAlgError("spsolve: the sparse matrix is singular") from error
        return known[1].solve(np.ascontiguousarray(b, dtype=dtype), "T" if transposed else "N")


def _product_shape(data, x, pattern, transposed):
    m, n = pattern.shape[::-1] if transposed else pattern.shape
    if len(x.shape) not in (1, 2) or x.shape[0] != n:
        raise ValueError(f"matmul: sparse {(m, n)} and {x.shape} do not match")
    return (m, *x.shape[1:]), same_type(data, x)


def _gathered(u, v, pattern):
    left, right = u[pattern.rows], v[pattern.columns]
    return left * right if left.ndim == 1 else np.einsum("kc,kc->k", left, right)


def _solve_shape(data, b, pattern, transposed):
    if pattern.shape[0] != pattern.shape[1] or len(b.shape) not in (1, 2) or b.shape[0] != pattern.shape[0]:
        raise ValueError(f"spsolve: matrix {pattern.shape} and right-hand side {b.shape} do not match")
    return b.shape, float_type(data, b)


def _solve_tangent(out, inputs, tangents, pattern, transposed):
    """dx = A⁻¹(db − dA x), dA on the pattern."""
    change = tangents[1]
    if tangents[0] is not None:
        moved = ENTRIES_PRODUCT(tangents[0], out, pattern=pattern, transposed=transposed)
        change = -moved if change is None else change - moved
    return ENTRIES_SOLVE(inputs[0], change, pattern=pattern, transposed=transposed)


_PATTERN = Pattern([0, 0, 1, 1, 0], [0, 2, 1, 0, 2], (2, 3))
_REGULAR = Pattern([0, 1, 2, 0, 2], [0, 1, 2, 2, 0], (3, 3))
_ENTRIES = np.array([2.0, 1.5, 3.0, -0.4, 0.7])
ENTRIES_PRODUCT = Primitive(
    "entries_product", lambda data, x, pattern, transposed: pattern.matrix(data, transposed) @ x, _product_shape,
    multilinear=True,
    transpose=(lambda ct, data, x, pattern, transposed: SAMPLED(x, ct, pattern=pattern) if transposed
               else SAMPLED(ct, x, pattern=pattern),
               lambda ct, data, x, pattern, transposed: ENTRIES_PRODUCT(data, ct, pattern=pattern,
                                                                        transposed=not transposed)),
    samples=(((_ENTRIES, VECTOR), {"pattern": _PATTERN, "transposed": False}),
             ((_ENTRIES, FULL), {"pattern": _PATTERN, "transposed": True})))
# The entries u vᵀ has at a pattern: out[k] = Σ_c u[rows[k], c] v[columns[k], c].
SAMPLED = Primitive(
    "sampled_product", _gathered, lambda u, v, pattern: ((pattern.rows.size,), same_type(u, v)), multilinear=True,
    transpose=(lambda ct, u, v, pattern: ENTRIES_PRODUCT(ct, v, pattern=pattern, transposed=False),
               lambda ct, u, v, pattern: ENTRIES_PRODUCT(ct, u, pattern=pattern, transposed=True)),
    samples=(((VECTOR[:2], VECTOR), {"pattern": _PATTERN}), ((MATRIX[:, :2], FULL.T.copy()), {"pattern": _PATTERN})))
ENTRIES_SOLVE = Primitive(
    "entries_solve", lambda data, b, pattern, transposed: pattern.solve(data, b, transposed), _solve_shape,
    jvp=_solve_tangent, transpose=(None, lambda ct, data, b, pattern, transposed: ENTRIES_SOLVE(
        data, ct, pattern=pattern, transposed=not transposed)),
    samples=(((_ENTRIES, VECTOR), {"pattern": _REGULAR, "transposed": False}),
             ((_ENTRIES, FULL.T.copy()), {"pattern": _REGULAR, "transposed": True})))


def entries(a) -> tuple:
    """(entries, pattern) of a constant sparse matrix; the entries are its own array where they can be."""
    if a.format in ("csr", "csc"):
        major = np.repeat(np.arange(len(a.indptr) - 1), np.diff(a.indptr))
        places = (major, a.indices) if a.format == "csr" else (a.indices, major)
        return a.data, Pattern(*places, a.shape)
    a = a.tocoo()
    return a.data, Pattern(*a.coords, a.shape)
