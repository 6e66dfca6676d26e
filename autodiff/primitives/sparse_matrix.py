"""A sparse matrix whose entries are traced: what scipy.sparse's classes, diags, vstack and the like make of them."""

import operator

import numpy as np
import scipy.sparse

from ..errors import TraceAttributeError, TraceError
from ..graph import Static
from ..primitive import CARRIERS, Tracer, bind
from .elementwise import astype
from .indexing import SCATTER
from .linalg import arrays, kept, mT
from .reductions import SUM
from .shape import concatenate, reshape
from .sparse import ENTRIES_PRODUCT, Pattern, entries

_DENSE = "make it dense first: A.toarray()[...]; or compute its data before the matrix is built"


class SparseTracer:
    """Traced entries `values` at a constant pattern; `format` and `is_matrix` as SciPy's class would have them."""

    __slots__ = ("values", "pattern", "format", "is_matrix")

    def __init__(self, values, pattern: Pattern, format: str, is_matrix: bool):
        self.values, self.pattern, self.format, self.is_matrix = values, pattern, format, is_matrix

    shape = property(lambda self: self.pattern.shape)
    dtype = property(lambda self: self.values.dtype)
    ndim = property(lambda self: 2)
    nnz = size = property(lambda self: self.pattern.rows.size)
    T = property(lambda self: self.transpose())
    row, col = property(lambda self: self.pattern.rows), property(lambda self: self.pattern.columns)
    coords = property(lambda self: (self.pattern.rows, self.pattern.columns))

    @property
    def data(self):
        if self.format == "dia":
            raise TraceError(".data of a traced sparse matrix of diagonals", "use A.tocsr().data or A.diagonal(k)")
        return self.values

    def _compressed(self):
        if self.format not in ("csr", "csc"):
            raise AttributeError(f"a traced sparse matrix in {self.format} format has no indices and indptr")
        major, minor = self.coords if self.format == "csr" else self.coords[::-1]
        return minor, np.concatenate([[0], np.cumsum(np.bincount(major, minlength=self.shape[self.format == "csc"]))])

    indices, indptr = property(lambda self: self._compressed()[0]), property(lambda self: self._compressed()[1])

    # --- layout ---------------------------------------------------------------------------------------------------

    def like(self, values, pattern=None, format=None) -> "SparseTracer":
        return SparseTracer(values, self.pattern if pattern is None else pattern, format or self.format, self.is_matrix)

    def transpose(self, axes=None, copy=False):
        return self.like(self.values, self.pattern.T, {"csr": "csc", "csc": "csr"}.get(self.format))

    def tocoo(self, copy=False):
        return self.like(self.values, None, "coo")

    def tocsr(self, copy=False):
        return self if self.format == "csr" else self.like(*_sorted(self, False), "csr")

    def tocsc(self, copy=False):
        return self if self.format == "csc" else self.like(*_sorted(self, True), "csc")

    def asformat(self, format, copy=False):
        if format in (None, self.format):
            return self
        return getattr(self, f"to{format}")()

    def copy(self):
        return self.like(self.values)

    def astype(self, dtype, casting="unsafe", copy=True):
        return self.like(astype(self.values, np.dtype(dtype)))

    def conj(self, copy=True):
        return self.like(np.conj(self.values))

    conjugate = conj

    def toarray(self, order=None, out=None):
        index = Static((self.pattern.rows, self.pattern.columns))
        return bind(SCATTER, (self.values,), {"indices": (index,), "shape": self.shape, "based": False})

    todense = toarray

    # --- products -------------------------------------------------------------------------------------------------

    def __matmul__(self, other):
        if scipy.sparse.issparse(other) or isinstance(other, SparseTracer):
            return _sparse_product(self, traced(other, self))
        other, = arrays(other)
        if other.ndim == 0:
            raise ValueError("Scalar operands are not allowed, use '*' instead")
        return ENTRIES_PRODUCT(self.values, other, pattern=self.pattern, transposed=False)

    def __rmatmul__(self, other):
        if scipy.sparse.issparse(other):
            return _sparse_product(traced(other, self), self)
        other, = arrays(other)
        if other.ndim == 1:
            return ENTRIES_PRODUCT(self.values, other, pattern=self.pattern, transposed=True)
        return mT(ENTRIES_PRODUCT(self.values, mT(other), pattern=self.pattern, transposed=True))

    def dot(self, other):
        return self * other if _is_scalar(other) else self @ other

    def __mul__(self, other):
        if _is_scalar(other):
            return self.like(self.values * other)
        return self @ other if self.is_matrix else self.multiply(other)

    def __rmul__(self, other):
        if _is_scalar(other):
            return self.like(other * self.values)
        return self.__rmatmul__(other) if self.is_matrix else self.multiply(other)

    def multiply(self, other):
        """Entry by entry; zeros of the result stay in the pattern."""
        if _is_scalar(other):
            return self.like(self.values * other)
        if scipy.sparse.issparse(other) or isinstance(other, SparseTracer):
            return self.like(*_at_pattern(self, traced(other, self)))
        other = np.broadcast_to(arrays(other)[0], self.shape)
        return self.like(self.values * other[self.pattern.rows, self.pattern.columns])

    def __truediv__(self, other):
        if scipy.sparse.issparse(other) or isinstance(other, SparseTracer):
            raise TraceError("a traced sparse matrix is divided by a sparse one", "divide dense ones: A.toarray()")
        return self.multiply(1.0 / arrays(other)[0])

    def power(self, n, dtype=None):
        whole = self.tocsr()
        return whole.like(whole.values ** n)

    def __pow__(self, n):
        if self.is_matrix:
            raise TraceError("a traced sparse matrix to a power", "write the products, A @ A @ A, or A.power(n)")
        return self.power(n)

    # --- sums -----------------------------------------------------------------------------------------------------

    def __add__(self, other):
        if scipy.sparse.issparse(other) or isinstance(other, SparseTracer):
            other = traced(other, self)
            if other.shape != self.shape:
                raise ValueError(f"inconsistent shapes: {self.shape} and {other.shape}")
            return _stacked([(self, 0, 0), (other, 0, 0)], self.shape, self).asformat(
                self.format if self.format == "csc" else "csr")
        if _is_scalar(other):
            if not isinstance(other, Tracer) and other == 0:
                return self.copy()
            raise TraceError("a number is added to a sparse matrix", "add it to the dense one, A.toarray() + x")
        return self.toarray() + other

    __radd__ = __add__

    def __neg__(self):
        return self.like(-self.values)

    def __sub__(self, other):
        return self + (-other)

    def __rsub__(self, other):
        return (-self) + other

    def sum(self, axis=None, dtype=None, out=None):
        if axis is None:
            return SUM(self.values, axis=(0,), keepdims=False)
        axis = operator.index(axis) % 2
        ones = np.ones(self.shape[axis], self.dtype)
        total = ENTRIES_PRODUCT(self.values, ones, pattern=self.pattern, transposed=axis == 0)
        return reshape(total, (1, -1) if axis == 0 else (-1, 1)) if self.is_matrix else total

    def mean(self, axis=None, dtype=None, out=None):
        return self.sum(axis) / (self.shape[0] * self.shape[1] if axis is None else self.shape[axis])

    def diagonal(self, k=0):
        rows, columns = self.coords
        length = max(0, min(self.shape[0] + min(k, 0), self.shape[1] - max(k, 0)))
        on = np.flatnonzero(columns - rows == k)
        index = Static((rows[on] + min(k, 0),))
        return bind(SCATTER, (self.values[on],), {"indices": (index,), "shape": (length,), "based": False})

    def trace(self, offset=0):
        return SUM(self.diagonal(offset), axis=(0,), keepdims=False)

    # --- protocols ------------------------------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        operation = _UFUNCS.get(ufunc)
        if method != "__call__" or operation is None or kwargs:
            raise TraceError(f"np.{ufunc.__name__} of a traced sparse matrix", _DENSE)
        left, right = inputs
        return getattr(left, operation)(right) if isinstance(left, SparseTracer) else getattr(
            right, operation.replace("__", "__r", 1))(left)

    def __array_function__(self, function, types, args, kwargs):
        raise TraceError(f"np.{function.__name__} of a traced sparse matrix", _DENSE)

    def __getitem__(self, index):
        raise TraceError("a traced sparse matrix is indexed", _DENSE)

    def __setitem__(self, index, value):
        raise TraceError("a traced sparse matrix is written into", "put the entry into the data it is built from")

    def __getattr__(self, name):
        if name.startswith("_") or not hasattr(scipy.sparse.csr_array, name):
            raise AttributeError(f"a traced sparse matrix has no attribute {name!r}")
        raise TraceAttributeError(f".{name} is not supported on traced sparse matrices", _DENSE)

    def __repr__(self):
        return f"<traced sparse {'matrix' if self.is_matrix else 'array'} {self.pattern} ({self.format})>"


CARRIERS.add(SparseTracer)
_UFUNCS = {np.matmul: "__matmul__", np.multiply: "__mul__", np.add: "__add__", np.subtract: "__sub__",
           np.true_divide: "__truediv__"}


def _is_scalar(value) -> bool:
    return np.isscalar(value) or isinstance(value, (Tracer, np.ndarray)) and value.ndim == 0


def traced(a, like: SparseTracer) -> SparseTracer:
    """A constant sparse matrix in the traced form."""
    if isinstance(a, SparseTracer):
        return a
    values, pattern = entries(a)
    return SparseTracer(values, pattern, a.format, like.is_matrix)


def with_constant(operation: str, left, right):
    """An operator between a constant sparse matrix and a traced array or number."""
    reflected = scipy.sparse.issparse(right)
    constant, x = (right, left) if reflected else (left, right)
    a = SparseTracer(*entries(constant), constant.format, isinstance(constant, scipy.sparse.spmatrix))
    name = {"multiply": "mul", "add": "add", "subtract": "sub", "divide": "truediv"}.get(operation)
    if name is None or name == "truediv" and reflected:
        raise TraceError(f"{operation} of a traced array and a sparse matrix", "use A.toarray(), or A @ x for products")
    return getattr(a, f"__{'r' if reflected else ''}{name}__")(x)


def _keys(pattern: Pattern, by_columns: bool):
    return pattern.columns * pattern.shape[0] + pattern.rows if by_columns else \
        pattern.rows * pattern.shape[1] + pattern.columns


def _sorted(a: SparseTracer, by_columns: bool):
    """(values, pattern) in the order of csr or csc, repeated places added up."""
    keys = _keys(a.pattern, by_columns)
    if np.all(keys[1:] > keys[:-1]):
        return a.values, a.pattern
    places, first, number = np.unique(keys, return_index=True, return_inverse=True)
    pattern = Pattern(a.pattern.rows[first], a.pattern.columns[first], a.shape)
    return _added_up(a.values, number, places.size), pattern


def _added_up(values, number, size: int):
    """out[number[k]] += values[k]."""
    return bind(SCATTER, (values,), {"indices": (Static((number,)),), "shape": (size,), "based": False})


def _at_pattern(a: SparseTracer, b: SparseTracer):
    """(values, pattern) of the product of two sparse matrices, entry by entry, at the places of a."""
    if a.shape != b.shape:
        raise ValueError(f"inconsistent shapes: {a.shape} and {b.shape}")
    a, b = a.tocsr(), b.tocsr()
    if not a.nnz or not b.nnz:
        return a.values * 0.0, a.pattern
    keys, wanted = _keys(b.pattern, False), _keys(a.pattern, False)
    order = np.argsort(keys)
    found = order[np.minimum(np.searchsorted(keys, wanted, sorter=order), keys.size - 1)]
    return kept(a.values * b.values[found], keys[found] == wanted), a.pattern


def _sparse_product(a: SparseTracer, b: SparseTracer) -> SparseTracer:
    """A B, stored by rows: each entry of A meets the entries of B in the row of its column."""
    if a.shape[1] != b.shape[0]:
        raise ValueError(f"matmul: sparse {a.shape} and {b.shape} do not match")
    b = b.tocsr()
    counts = np.bincount(b.pattern.rows, minlength=b.shape[0])
    start, meets = np.concatenate([[0], np.cumsum(counts)]), counts[a.pattern.columns]
    left = np.repeat(np.arange(a.nnz), meets)
    offset = np.arange(left.size) - np.repeat(np.cumsum(meets) - meets, meets)
    right = start[a.pattern.columns[left]] + offset
    pattern = Pattern(a.pattern.rows[left], b.pattern.columns[right], (a.shape[0], b.shape[1]))
    whole = a if isinstance(a.values, Tracer) else b
    return whole.like(a.values[left] * b.values[right], pattern, "coo").tocsr()


def _stacked(blocks, shape: tuple[int, int], like: SparseTracer) -> SparseTracer:
    """The sum of matrices (a, first row, first column), as entries side by side."""
    rows = np.concatenate([a.pattern.rows + i for a, i, _ in blocks])
    columns = np.concatenate([a.pattern.columns + j for a, _, j in blocks])
    return like.like(concatenate([a.values for a, _, _ in blocks]), Pattern(rows, columns, shape), "coo")
