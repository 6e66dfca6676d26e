"""Rows of linear algebra: inverse and solve, and what all its files share. Giles 2008.

Adjoints pair without conjugation, ⟨c, t⟩ = Re Σ c·t: those of holomorphic rows are transposes, of complex matrices too.
"""

import math

import numpy as np

from ..graph import Static
from ..primitive import Primitive, Tracer, implements, shape_of
from ..trace import concretise
from .complex import conjugate
from .contraction import MATMUL, batch_sum
from .elementwise import REAL, float_type
from .reductions import SUM
from .shape import one_axis, reshape, transpose

SQUARE = np.array([[2.0, 0.3, -0.5], [0.1, 1.5, 0.4], [-0.2, 0.6, 3.0]])
DEFINITE = SQUARE @ SQUARE.T
SINGULAR = np.outer(SQUARE[0], SQUARE[1]) + np.outer(SQUARE[2], SQUARE[0])
STACKED = np.stack([SQUARE, DEFINITE])
RIGHT = np.array([[1.0, 0.5], [-0.3, 2.0], [0.7, -1.1]])


def mT(a):
    ndim = len(shape_of(a))
    return transpose(a, (*range(ndim - 2), ndim - 1, ndim - 2))


def mH(a):
    """The conjugate transpose."""
    return conjugate(mT(a))


def kept(a, mask):
    """a where the mask is, 0 elsewhere."""
    return np.where(mask, a, 0.0)


def diag_of(a):
    """a[..., i, i] of square matrices."""
    return SUM(kept(a, np.eye(shape_of(a)[-1], dtype=bool)), axis=(len(shape_of(a)) - 1,), keepdims=False)


def trace_product(a, b):
    """tr(a b) = Σ a[..., j, i] b[..., i, j]."""
    return SUM(mT(a) * b, axis=(len(shape_of(b)) - 2, len(shape_of(b)) - 1), keepdims=False)


def rows_scaled(factor, a):
    """diag(factor) a."""
    return reshape(factor, (*shape_of(factor), 1)) * a


def columns_scaled(a, factor):
    """a diag(factor)."""
    return a * reshape(factor, (*shape_of(factor)[:-1], 1, shape_of(factor)[-1]))


def square_shape(a) -> None:
    if len(a.shape) < 2 or a.shape[-1] != a.shape[-2]:
        raise np.linalg.LinAlgError(f"need square matrices, got shape {a.shape}")


def like_square(a, *_, **__):
    square_shape(a)
    return a.shape, float_type(a)


def per_matrix(a, **_):
    square_shape(a)
    return a.shape[:-2], float_type(a)


def real_type(a) -> np.dtype:
    """dtype of norms, singular values and the eigenvalues of Hermitian matrices."""
    return np.empty(0, float_type(a)).real.dtype


def fixed(value):
    """A parameter of a call (a tolerance, an order) as recordings compare them; a traced one is guarded."""
    if isinstance(value, Tracer):
        value = concretise(value)
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    value = np.asarray(value)
    return value.item() if value.ndim == 0 else Static(value)


def plain(value):
    """The number or array behind a fixed parameter."""
    return value.value if isinstance(value, Static) else value


def arrays(*values):
    """Operands as tracers or arrays."""
    return [v if isinstance(v, Tracer) else np.asarray(v) for v in values]


def _reciprocal_or_zero(x):
    if np.all(x):
        return np.divide(1.0, x, dtype=float_type(x))
    return np.divide(1.0, x, out=np.zeros(shape_of(x), float_type(x)), where=np.not_equal(x, 0))[()]


# 1/x, and 0 at 0 with all its derivatives: the convention in norms, repeated eigenvalues, vanishing singular values.
RECIPROCAL_OR_ZERO = Primitive("reciprocal_or_zero", _reciprocal_or_zero, lambda x: (shape_of(x), float_type(x)),
                               partials=(lambda y, x: -np.square(y),), samples=REAL)
ITEM = Primitive("item", lambda parts, number: parts[number],
                 lambda parts, number: (parts.shape[number], parts.dtype[number]),
                 jvp=lambda out, inputs, tangents, number: tangents[0][number])


def items(parts, count: int) -> list:
    """The results of a row that has several."""
    return [ITEM(parts, number=k) for k in range(count)]


# --- inverse and solve ------------------------------------------------------------------------------------------------


def _inv_tangent(out, inputs, tangents):
    return -MATMUL(out, MATMUL(tangents[0], out))               # d(X⁻¹) = −X⁻¹ dX X⁻¹


def _is_vector(a, b) -> bool:
    """NumPy 2: b is one right-hand side only where it is 1-D."""
    return len(shape_of(b)) == 1


def _solve_shape(a, b):
    square_shape(a)
    if _is_vector(a, b):
        if a.shape[-1] != b.shape[0]:
            raise ValueError(f"solve: shapes {a.shape} and {b.shape} do not match")
        return a.shape[:-1], float_type(a, b)
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return (*batch, a.shape[-1], b.shape[-1]), float_type(a, b)


def times(a, x, like):
    """A x, where x solves equations with right-hand side `like`: one vector a matrix, or columns."""
    if len(shape_of(like)) > 1 or len(shape_of(x)) == 1:
        return MATMUL(a, x)
    return MATMUL(a, x[..., None])[..., 0]


def _solve_tangent(out, inputs, tangents):
    """dx = A⁻¹(db − dA x)."""
    (a, b), (da, db) = inputs, tangents
    change = None if db is None else db
    if da is not None:
        moved = times(da, out, b)
        change = -moved if change is None else change - moved
    return _solve_vectors(a, change) if _is_vector(a, b) else SOLVE(a, change)


def _solve_vectors(a, b):
    """A⁻¹b for vectors b of any number of axes."""
    return SOLVE(a, b) if len(shape_of(b)) == 1 else SOLVE(a, b[..., None])[..., 0]


def _solve_transpose(ct, a, b):
    """Adjoint of b ↦ A⁻¹b: solve with Aᵀ."""
    if _is_vector(a, b):
        return batch_sum(_solve_vectors(mT(a), ct), 1)
    return batch_sum(SOLVE(mT(a), ct), len(shape_of(b)), shape_of(b))


INV = Primitive("inv", np.linalg.inv, like_square, jvp=_inv_tangent, samples=((SQUARE,), (STACKED,)))
SOLVE = Primitive("solve", np.linalg.solve, _solve_shape, jvp=_solve_tangent, transpose=(None, _solve_transpose),
                  samples=((SQUARE, RIGHT), (SQUARE, RIGHT[:, 0]), (STACKED, RIGHT), (STACKED, RIGHT[:, 0])))
implements(np.linalg.inv)(lambda a: INV(*arrays(a)))
implements(np.linalg.solve)(lambda a, b: SOLVE(*arrays(a, b)))


@implements(np.linalg.tensorinv)
def _tensorinv(a, ind=2):
    if ind <= 0:
        raise ValueError("Invalid ind argument.")
    inverse = INV(reshape(a, (math.prod(a.shape[ind:]), -1)))
    return reshape(inverse, a.shape[ind:] + a.shape[:ind])


@implements(np.linalg.tensorsolve)
def _tensorsolve(a, b, axes=None):
    a, b = arrays(a, b)
    moved = [] if axes is None else [one_axis(k, a.ndim) for k in axes]
    a = transpose(a, [*(k for k in range(a.ndim) if k not in moved), *moved])
    shape = a.shape[b.ndim:]
    if a.size != math.prod(shape) ** 2:
        raise np.linalg.LinAlgError("tensorsolve: the product of a's leading axes must equal that of its other axes")
    return reshape(SOLVE(reshape(a, (-1, math.prod(shape))), reshape(b, (-1,))), shape)


@implements(np.linalg.matrix_power)
def _matrix_power(a, n):
    square_shape(a)
    if n < 0:
        a, n = INV(a), -n
    out = None
    while n:
        if n & 1:
            out = a if out is None else MATMUL(out, a)
        a, n = (MATMUL(a, a), n >> 1) if n > 1 else (a, 0)
    return np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape).copy() if out is None else np.copy(out)
