"""scipy.sparse's constructors and scipy.sparse.linalg for traced entries."""

import sys

import numpy as np
import scipy.sparse
import scipy.sparse.linalg

from ..errors import TraceError
from ..primitive import Tracer, implements
from ..trace import carries_none, concretise
from .linalg import arrays
from .norms import norm
from .shape import array, concatenate, reshape
from .sparse import ENTRIES_SOLVE, Pattern, entries
from .sparse_matrix import SparseTracer, _stacked, traced

_FORMATS = {"csr": "csr", "csc": "csc", "coo": "coo", "dia": "dia"}


def _indices(values):
    """Integers of a pattern; traced ones are guarded."""
    return np.asarray(concretise(values) if isinstance(values, Tracer) else values)


def _from_coordinates(data, places, shape, format: str, is_matrix: bool) -> SparseTracer:
    rows, columns = (_indices(p) for p in places)
    if shape is None:
        shape = (rows.max(initial=-1) + 1, columns.max(initial=-1) + 1)
    made = SparseTracer(array(data), Pattern(rows, columns, shape), "coo", is_matrix)
    return made if format == "coo" else made.asformat(format)


def _from_compressed(data, indices, indptr, shape, format: str, is_matrix: bool) -> SparseTracer:
    indices, indptr = _indices(indices), _indices(indptr)
    major = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    if shape is None:
        shape = (len(indptr) - 1, indices.max(initial=-1) + 1)[::1 if format == "csr" else -1]
    places = (major, indices) if format == "csr" else (indices, major)
    return SparseTracer(array(data), Pattern(*places, shape), format, is_matrix)


def _from_diagonals(data, offsets, shape, is_matrix: bool) -> SparseTracer:
    """dia: A[j − d, j] = data[k, j] for each offset d = offsets[k]."""
    data, offsets = array(data), np.atleast_1d(_indices(offsets))
    data = reshape(data, (1, -1)) if len(data.shape) == 1 else data
    if shape is None:
        raise ValueError("expected a shape argument")
    parts, rows, columns = [], [], []
    for k, d in enumerate(offsets):
        j = np.arange(max(d, 0), min(shape[0] + d, shape[1], data.shape[1]))
        parts.append(data[k, j])
        rows.append(j - d)
        columns.append(j)
    pattern = Pattern(np.concatenate(rows), np.concatenate(columns), shape)
    return SparseTracer(concatenate(parts), pattern, "dia", is_matrix)


def _constructor(cls: type):
    format, is_matrix = cls.__name__[:3], issubclass(cls, scipy.sparse.spmatrix)
    name = f"scipy.sparse.{cls.__name__}"

    def make(arg1, shape=None, dtype=None, copy=False, *, maxprint=None):
        if isinstance(arg1, SparseTracer):
            made = SparseTracer(arg1.values, arg1.pattern, arg1.format, is_matrix).asformat(format)
        elif isinstance(arg1, (tuple, list)) and len(arg1) == 2 and format == "dia":
            made = _from_diagonals(*arg1, shape, is_matrix)
        elif isinstance(arg1, tuple) and len(arg1) == 2 and isinstance(arg1[1], (tuple, list, np.ndarray)):
            made = _from_coordinates(*arg1, shape, format, is_matrix)
        elif isinstance(arg1, tuple) and len(arg1) == 3 and format in ("csr", "csc"):
            made = _from_compressed(*arg1, shape, format, is_matrix)
        elif type(arg1) is Tracer and carries_none(arg1):
            return cls(np.array(concretise(arg1)), shape, dtype, copy)
        else:
            raise TraceError(f"{name} of a traced dense array: which entries are zero depends on values",
                             f"give the places, {name}((data, (i, j)), shape), or use the dense array")
        return made if dtype is None else made.astype(dtype)
    implements(cls)(make)


for _format in ("csr", "csc", "coo", "dia"):
    for _kind in ("array", "matrix"):
        _constructor(getattr(scipy.sparse, f"{_format}_{_kind}"))


def _diags(diagonals, offsets, shape, format, dtype, is_matrix: bool) -> SparseTracer:
    if isinstance(offsets, (int, np.integer)):
        rows = [diagonals[0]] if isinstance(diagonals, (list, tuple)) and np.ndim(diagonals[0]) == 1 else [diagonals]
        offsets = [offsets]
    else:
        rows, offsets = list(diagonals), [int(d) for d in offsets]
    rows = [reshape(d, (-1,)) for d in arrays(*map(array, rows))]
    if len(rows) != len(offsets):
        raise ValueError("Different number of diagonals and offsets.")
    if shape is None:
        shape = (rows[0].shape[0] + abs(offsets[0]),) * 2
    parts, i, j = [], [], []
    for diagonal, d in zip(rows, offsets, strict=True):
        length = min(shape[0] + min(d, 0), shape[1] - max(d, 0))
        if diagonal.shape[0] not in (1, length):
            raise ValueError(f"diags: offset {d} of a matrix {shape} needs {length} entries, got {diagonal.shape[0]}")
        parts.append(np.broadcast_to(diagonal, (length,)))
        i.append(np.arange(length) + max(-d, 0))
        j.append(np.arange(length) + max(d, 0))
    made = SparseTracer(concatenate(parts), Pattern(np.concatenate(i), np.concatenate(j), shape), "dia", is_matrix)
    made = made if dtype is None else made.astype(dtype)
    return made.asformat(format)


@implements(scipy.sparse.diags_array)
def _diags_array(diagonals, /, *, offsets=0, shape=None, format=None, dtype=None):
    return _diags(diagonals, offsets, shape, format, dtype, False)


@implements(scipy.sparse.diags)
def _diags_matrix(diagonals, offsets=0, shape=None, format=None, dtype=None):
    return _diags(diagonals, offsets, shape, format, dtype, True)


# --- joining ----------------------------------------------------------------------------------------------------------


def _joined(blocks, format, dtype, vertical: bool, horizontal: bool) -> SparseTracer:
    like = next(b for b in blocks if isinstance(b, SparseTracer))
    blocks = [traced(b if isinstance(b, SparseTracer) or scipy.sparse.issparse(b) else _COO(b), like) for b in blocks]
    placed, i, j, height, width = [], 0, 0, 0, 0
    for b in blocks:
        placed.append((b, i, j))
        height, width = max(height, i + b.shape[0]), max(width, j + b.shape[1])
        i, j = i + vertical * b.shape[0], j + horizontal * b.shape[1]
    if vertical != horizontal and len({b.shape[vertical] for b in blocks}) > 1:
        raise ValueError(f"incompatible dimensions of sparse blocks: {[b.shape for b in blocks]}")
    made = _stacked(placed, (height, width), like)
    made = made if dtype is None else made.astype(dtype)
    return made.asformat(format)


_COO = scipy.sparse.coo_array
implements(scipy.sparse.vstack)(lambda blocks, format=None, dtype=None: _joined(blocks, format, dtype, True, False))
implements(scipy.sparse.hstack)(lambda blocks, format=None, dtype=None: _joined(blocks, format, dtype, False, True))
implements(scipy.sparse.block_diag)(lambda mats, format=None, dtype=None: _joined(mats, format, dtype, True, True))


# --- linear systems ---------------------------------------------------------------------------------------------------


def _solve(values, pattern: Pattern, b, transposed: bool = False):
    """A column as a right-hand side gives a vector, as in SciPy."""
    if isinstance(b, SparseTracer) or scipy.sparse.issparse(b):
        raise TraceError("scipy.sparse.linalg.spsolve with a sparse right-hand side", "make it dense: b.toarray()")
    b, = arrays(b)
    flat = reshape(b, (-1,)) if b.ndim == 2 and b.shape[1] == 1 else b
    return ENTRIES_SOLVE(values, flat, pattern=pattern, transposed=transposed)


@implements(scipy.sparse.linalg.spsolve)
def _spsolve(A, b, permc_spec=None, use_umfpack=True):
    """A constant or with traced entries; the factorisation serves the adjoint too."""
    if isinstance(A, SparseTracer):
        return _solve(A.values, A.pattern, b)
    if not scipy.sparse.issparse(A):
        raise TraceError("scipy.sparse.linalg.spsolve with a dense matrix", "use numpy.linalg.solve")
    return _solve(*entries(A), b)


class _Factor:
    """What splu makes while a function is recorded: solve(b, trans) for traced entries, or for a traced b."""

    def __init__(self, a, options: dict):
        self._a, self.shape = a, a.shape
        self._known = None if isinstance(a, SparseTracer) else _splu_value(a, **options)

    def solve(self, rhs, trans="N"):
        if self._known is not None and not isinstance(rhs, Tracer):
            return self._known.solve(rhs, trans)
        values, pattern = (self._a.values, self._a.pattern) if self._known is None else entries(self._a)
        return _solve(np.conj(values) if trans == "H" else values, pattern, rhs, trans != "N")

    def __getattr__(self, name):
        return getattr(self._known, name)


_splu_value = scipy.sparse.linalg.splu


@implements(scipy.sparse.linalg.splu)
def _splu(A, *args, **options):
    names = ("permc_spec", "diag_pivot_thresh", "relax", "panel_size", "options")
    return _Factor(A, dict(zip(names, args, strict=False)) | options)


@implements(scipy.sparse.linalg.factorized)
def _factorized(A):
    return _Factor(A, {}).solve


_splu.always = _factorized.always = True


@implements(scipy.sparse.linalg.norm)
def _sparse_norm(x, ord=None, axis=None):
    if ord in (None, "fro", "f") and axis is None:
        return norm(x.tocsr().values)
    if ord == 2 or isinstance(axis, tuple) and ord in (2, "fro"):
        raise TraceError(f"scipy.sparse.linalg.norm: ord={ord!r} is not supported on traced sparse matrices",
                         "use numpy.linalg.norm(A.toarray(), ord)")
    return norm(x.toarray(), ord, axis)


# --- masks, products, questions ---------------------------------------------------------------------------------------


def _part(inside):
    def answer(A, k=0, format=None):
        on = np.flatnonzero(inside(A.pattern.columns - A.pattern.rows, k))
        pattern = Pattern(A.pattern.rows[on], A.pattern.columns[on], A.shape)
        return A.like(A.values[on], pattern, "coo").asformat(format)
    return answer


@implements(*(kind.multiply for kind in scipy.sparse.dia_array.__mro__ if "multiply" in vars(kind)))
def _multiply(self, other):
    """A constant sparse matrix times a traced array, entry by entry: a traced sparse matrix."""
    return SparseTracer(*entries(self), self.format, isinstance(self, scipy.sparse.spmatrix)).multiply(other)


implements(scipy.sparse.tril)(_part(np.less_equal))
implements(scipy.sparse.triu)(_part(np.greater_equal))
@implements(np.isscalar)
def _isscalar(element):
    """Numbers, but not to scipy.sparse: it would scale its own data, where our reflected operator can."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("autodiff."):
        frame = frame.f_back
    return not element.shape and not frame.f_globals.get("__name__", "").startswith("scipy.sparse")


implements(scipy.sparse.issparse)(lambda x: isinstance(x, SparseTracer))
implements(scipy.sparse.isspmatrix)(lambda x: isinstance(x, SparseTracer) and x.is_matrix)


@implements(scipy.sparse.kron)
def _kron(A, B, format=None):
    like = A if isinstance(A, SparseTracer) else B
    A, B = (traced(m if isinstance(m, SparseTracer) or scipy.sparse.issparse(m) else _COO(m), like) for m in (A, B))
    (m, n), (p, q) = A.shape, B.shape
    left, right = np.repeat(np.arange(A.nnz), B.nnz), np.tile(np.arange(B.nnz), A.nnz)
    pattern = Pattern(A.pattern.rows[left] * p + B.pattern.rows[right],
                      A.pattern.columns[left] * q + B.pattern.columns[right], (m * p, n * q))
    return like.like(A.values[left] * B.values[right], pattern, "coo").asformat(format)


# --- refused ----------------------------------------------------------------------------------------------------------

_DIRECTLY = "use scipy.sparse.linalg.spsolve(A, b), which is differentiated by the adjoint system"
_DENSELY = "use the dense matrix, A.toarray(), with numpy.linalg or scipy.linalg"
_OTHER_FORMAT = "use scipy.sparse.csr_array((data, (i, j)), shape), or coo, csc, dia"
_REFUSED = {
    scipy.sparse.linalg: {
        _DIRECTLY: "cg cgs bicg bicgstab gmres lgmres minres qmr gcrotmk tfqmr spilu spsolve_triangular inv",
        "solve the normal equations, scipy.sparse.linalg.spsolve(A.T @ A, A.T @ b)": "lsqr lsmr",
        _DENSELY: "expm expm_multiply eigs eigsh lobpcg svds onenormest matrix_power",
        "write a function of x that uses A @ x": "aslinearoperator"},
    scipy.sparse: {_OTHER_FORMAT: "bsr_array bsr_matrix lil_array lil_matrix dok_array dok_matrix",
                   "join blocks with scipy.sparse.hstack, vstack and block_diag": "block_array bmat kronsum",
                   "its .coords and .data have them": "find"}}


def _refuse(module, name: str, remedy: str) -> None:
    @implements(getattr(module, name))
    def answer(*args, **kwargs):
        raise TraceError(f"{module.__name__}.{name} is not supported on traced values", remedy)


for _module, _reasons in _REFUSED.items():
    for _remedy, _names in _reasons.items():
        for _name in _names.split():
            _refuse(_module, _name, _remedy)
