"""Rows of triangular systems and of the factorisations that lead to them: Cholesky and LU, as scipy.linalg has them."""

import numpy as np
import scipy.linalg

from ..errors import TraceError
from ..primitive import Primitive, implements, shape_of
from ..trace import concretise
from .contraction import MATMUL
from .decompositions import CHOLESKY
from .elementwise import float_type
from .linalg import RIGHT, SQUARE, arrays, items, kept, mH, mT, square_shape
from .shape import concatenate


def matrix_of(name: str, a):
    """A single square or rectangular matrix."""
    a, = arrays(a)
    if a.ndim != 2:
        raise TraceError(f"scipy.linalg.{name}: stacks of matrices are not supported on traced values",
                         "loop over the matrices, or use numpy.linalg where it has the function")
    return a


# --- triangular systems -----------------------------------------------------------------------------------------------


def triangle(a, lower: bool, unit: bool):
    """What solve_triangular reads of a."""
    n = shape_of(a)[-1]
    inside = np.tri(n, k=-1 if unit else 0, dtype=bool)
    return kept(a, inside if lower else inside.T)


def _triangular_shape(a, b, lower, unit):
    square_shape(a)
    if a.shape[0] != b.shape[0]:
        raise ValueError(f"solve_triangular: shapes {a.shape} and {b.shape} do not match")
    return b.shape, float_type(a, b)


def _triangular_tangent(out, inputs, tangents, lower, unit):
    """dx = T⁻¹(db − dT x)."""
    change = tangents[1]
    if tangents[0] is not None:
        moved = MATMUL(triangle(tangents[0], lower, unit), out)
        change = -moved if change is None else change - moved
    return TRIANGULAR(inputs[0], change, lower=lower, unit=unit)


_solve_triangular = scipy.linalg.solve_triangular
TRIANGULAR = Primitive(
    "solve_triangular", lambda a, b, lower, unit: _solve_triangular(a, b, lower=lower, unit_diagonal=unit,
                                                                    check_finite=False),
    _triangular_shape, jvp=_triangular_tangent,
    transpose=(None, lambda ct, a, b, lower, unit: TRIANGULAR(mT(a), ct, lower=not lower, unit=unit)),
    samples=(((SQUARE, RIGHT), {"lower": True, "unit": False}),
             ((SQUARE, RIGHT[:, 0]), {"lower": False, "unit": True})))


@implements(scipy.linalg.solve_triangular)
def solve_triangular(a, b, trans=0, lower=False, unit_diagonal=False, overwrite_b=False, check_finite=True):
    a, (b,) = matrix_of("solve_triangular", a), arrays(b)
    if trans not in (0, "N"):
        a, lower = mH(a) if trans in (2, "C") else mT(a), not lower
    return TRIANGULAR(a, b, lower=bool(lower), unit=bool(unit_diagonal))


@implements(scipy.linalg.cho_factor)
def _cho_factor(a, lower=False, overwrite_a=False, check_finite=True):
    """The factor in one triangle; as SciPy has it, the other keeps the entries of a."""
    a = matrix_of("cho_factor", a)
    factor = CHOLESKY(a) if lower else mH(CHOLESKY(mH(a)))
    rest = np.tri(a.shape[0], k=-1, dtype=bool)
    return factor + kept(a, rest.T if lower else rest), lower


@implements(scipy.linalg.cho_solve)
def _cho_solve(c_and_lower, b, overwrite_b=False, check_finite=True):
    factor, lower = c_and_lower
    inner = solve_triangular(factor, b, trans=0 if lower else 2, lower=lower)
    return solve_triangular(factor, inner, trans=2 if lower else 0, lower=lower)


# --- LU ---------------------------------------------------------------------------------------------------------------


def _lu_value(a):
    """(L below the diagonal and U on and above it, P) with A = P L U."""
    packed, pivots = _lu_factor_value(a, check_finite=False)
    order = np.arange(a.shape[0])
    for i, j in enumerate(pivots):
        order[[i, j]] = order[[j, i]]
    return packed, np.eye(a.shape[0], dtype=packed.dtype)[:, np.argsort(order)].T


def _padded(packed, m: int, n: int):
    """L as an m × m and U as an n × n triangular matrix, completed by the identity."""
    k, dtype = min(m, n), packed.dtype
    left = kept(packed[:, :k], np.tri(m, k, k=-1, dtype=bool))
    left = left if k == m else concatenate([left, np.zeros((m, m - k), dtype)], 1)
    right = kept(packed[:k], np.tri(n, k, dtype=bool).T)
    return left + np.eye(m, dtype=dtype), right if k == n else concatenate([right, np.eye(n, dtype=dtype)[k:]], 0)


def _lu_tangent(out, inputs, tangents):
    """With N = L⁻¹ Pᵀ dA U⁻¹: dL = L·tril(N, −1), dU = triu(N)·U."""
    packed, p = out
    m, n = shape_of(inputs[0])
    left, right = _padded(packed, m, n)
    inner = TRIANGULAR(left, MATMUL(mT(p), tangents[0]), lower=True, unit=True)
    inner = mT(TRIANGULAR(mT(right), mT(inner), lower=True, unit=False))
    below = np.tri(m, n, k=-1, dtype=bool)
    return MATMUL(left, kept(inner, below)) + MATMUL(kept(inner, ~below), right), None


_lu_factor_value = scipy.linalg.lu_factor
LU = Primitive("lu", _lu_value, lambda a: ((a.shape, (a.shape[0],) * 2), (float_type(a),) * 2), jvp=_lu_tangent)
PIVOTS = Primitive("pivots", lambda a: _lu_factor_value(a, check_finite=False)[1],
                   lambda a: ((min(a.shape),), np.dtype(np.int32)), partials=(None,), samples=((SQUARE,),))


@implements(scipy.linalg.lu)
def _lu(a, permute_l=False, overwrite_a=False, check_finite=True, p_indices=False):
    a = matrix_of("lu", a)
    packed, p = items(LU(a), 2)
    m, n = a.shape
    k = min(m, n)
    left = kept(packed[:, :k], np.tri(m, k, k=-1, dtype=bool)) + np.eye(m, k, dtype=packed.dtype)
    right = kept(packed[:k], np.tri(n, k, dtype=bool).T)
    if permute_l:
        return MATMUL(p, left), right
    return (concretise(np.argmax(p, axis=1)) if p_indices else p), left, right


@implements(scipy.linalg.lu_factor)
def _lu_factor(a, overwrite_a=False, check_finite=True):
    """The pivots are guarded: where they change, another recording is made."""
    a = matrix_of("lu_factor", a)
    return items(LU(a), 2)[0], concretise(PIVOTS(a))


@implements(scipy.linalg.lu_solve)
def _lu_solve(lu_and_piv, b, trans=0, overwrite_b=False, check_finite=True):
    (packed, pivots), (b,) = lu_and_piv, arrays(b)
    order = np.arange(shape_of(packed)[0])
    for i, j in enumerate(np.asarray(pivots)):
        order[[i, j]] = order[[j, i]]
    if trans == 0:
        inner = solve_triangular(packed, b[order], lower=True, unit_diagonal=True)
        return solve_triangular(packed, inner)
    inner = solve_triangular(packed, b, trans=trans)
    return solve_triangular(packed, inner, trans=trans, lower=True, unit_diagonal=True)[np.argsort(order)]
