"""Rows of linear algebra: inverse, solve, determinants, Cholesky, symmetric eigenvalues, norms. Giles 2008."""

import numpy as np

from ..errors import TraceError
from ..primitive import Primitive, bind, implements, shape_of
from .contraction import MATMUL, batch_sum
from .elementwise import float_type
from .reductions import SUM
from .shape import axes, one_axis, reshape, transpose

SQUARE = np.array([[2.0, 0.3, -0.5], [0.1, 1.5, 0.4], [-0.2, 0.6, 3.0]])
DEFINITE = SQUARE @ SQUARE.T
SINGULAR = np.outer(SQUARE[0], SQUARE[1]) + np.outer(SQUARE[2], SQUARE[0])
STACKED = np.stack([SQUARE, DEFINITE])
RIGHT = np.array([[1.0, 0.5], [-0.3, 2.0], [0.7, -1.1]])


def mT(a):
    ndim = len(shape_of(a))
    return transpose(a, (*range(ndim - 2), ndim - 1, ndim - 2))


def square_shape(a) -> None:
    if len(a.shape) < 2 or a.shape[-1] != a.shape[-2]:
        raise np.linalg.LinAlgError(f"need square matrices, got shape {a.shape}")


def _like(a, *_, **__):
    square_shape(a)
    return a.shape, float_type(a)


def _per_matrix(a):
    square_shape(a)
    return a.shape[:-2], float_type(a)


def _trace(a):
    """Σ_i a[..., i, i]."""
    return SUM(a * np.eye(shape_of(a)[-1]), axis=(len(shape_of(a)) - 2, len(shape_of(a)) - 1), keepdims=False)


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


def _solve_tangent(out, inputs, tangents):
    """dx = A⁻¹(db − dA x)."""
    (a, b), (da, db) = inputs, tangents
    change = None if db is None else db
    if da is not None:
        moved = MATMUL(da, out) if not _is_vector(a, b) or len(shape_of(a)) == 2 else MATMUL(da, out[..., None])[..., 0]
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


def _phi(a):
    """Lower triangle with the diagonal halved."""
    n = shape_of(a)[-1]
    return a * (np.tri(n) - 0.5 * np.eye(n))


def _cholesky_tangent(out, inputs, tangents):
    """dL = L Φ(L⁻¹ dA L⁻ᵀ), dA the lower triangle mirrored: NumPy reads no other."""
    da = _symmetric_part(tangents[0], "L")
    inner = SOLVE(out, mT(SOLVE(out, da)))
    return MATMUL(out, _phi(mT(inner)))


def _det_tangent(out, inputs, tangents):
    """d det X = tr(adj(X) dX); adj from the SVD, so that singular matrices have their derivative too."""
    return _trace(MATMUL(adjugate(inputs[0]), tangents[0]))


def _svd(a):
    """U, σ, Vᵀ and the sign det U · det V."""
    u, s, vt = np.linalg.svd(a)
    return u, s, vt, (np.linalg.det(u) * np.linalg.det(vt))[..., None, None]


def _product_without(s, *gone):
    return np.prod(np.delete(s, gone, axis=-1), axis=-1)


def _adjugate_value(a):
    u, s, vt, sign = _svd(a)
    others = np.stack([_product_without(s, i) for i in range(s.shape[-1])], axis=-1)
    return sign * np.matmul(np.swapaxes(vt, -1, -2) * others[..., None, :], np.swapaxes(u, -1, -2))


def _adjugate_change_value(a, da):
    """The derivative of adj at A = UΣVᵀ along dA: V D Uᵀ with D_ii = Σ_{j≠i} P_ij M_jj, D_ij = −P_ij M_ij, where
    M = Uᵀ dA V and P_ij = Π_{k≠i,j} σ_k: polynomials in σ, so right at singular A."""
    u, s, vt, sign = _svd(a)
    n = s.shape[-1]
    products = np.stack([np.stack([_product_without(s, i, j) * (i != j) for j in range(n)], -1) for i in range(n)], -2)
    moved = np.swapaxes(u, -1, -2) @ da @ np.swapaxes(vt, -1, -2)
    diagonal = np.sum(products * np.diagonal(moved, axis1=-2, axis2=-1)[..., None, :], axis=-1)
    change = diagonal[..., None] * np.eye(n) - products * moved
    return sign * (np.swapaxes(vt, -1, -2) @ change @ np.swapaxes(u, -1, -2))


def _adjugate_change_tangent(out, inputs, tangents):
    """Of tr(adj X H) X⁻¹ − X⁻¹ H adj X, which the row is at regular X; linear in H at all X."""
    (x, h), (dx, dh) = inputs, tangents
    change = None if dh is None else ADJUGATE_CHANGE(x, dh)
    if dx is None:
        return change
    inverse, adj, moved = INV(x), ADJUGATE(x), ADJUGATE_CHANGE(x, dx)
    turned = -MATMUL(inverse, MATMUL(dx, inverse))
    more = _scaled(_trace(MATMUL(moved, h)), inverse) + _scaled(_trace(MATMUL(adj, h)), turned) - MATMUL(
        turned, MATMUL(h, adj)) - MATMUL(inverse, MATMUL(h, moved))
    return more if change is None else change + more


def _scaled(factor, matrix):
    return reshape(factor, (*shape_of(factor), 1, 1)) * matrix


INV = Primitive("inv", np.linalg.inv, _like, jvp=_inv_tangent, samples=((SQUARE,), (STACKED,)))
ADJUGATE = Primitive("adjugate", _adjugate_value, _like, samples=((SQUARE,),),
                     jvp=lambda out, inputs, tangents: ADJUGATE_CHANGE(inputs[0], tangents[0]))
ADJUGATE_CHANGE = Primitive("adjugate_change", _adjugate_change_value, _like, jvp=_adjugate_change_tangent,
                            transpose=(None, lambda ct, x, h: mT(ADJUGATE_CHANGE(x, mT(ct)))),   # d² det is symmetric
                            samples=((SQUARE, DEFINITE),))
SOLVE = Primitive("solve", np.linalg.solve, _solve_shape, jvp=_solve_tangent, transpose=(None, _solve_transpose),
                  samples=((SQUARE, RIGHT), (SQUARE, RIGHT[:, 0]), (STACKED, RIGHT), (STACKED, RIGHT[:, 0])))
DET = Primitive("det", np.linalg.det, _per_matrix, jvp=_det_tangent, samples=((SQUARE,), (SINGULAR,), (STACKED,)))
LOGABSDET = Primitive("logabsdet", lambda a: np.linalg.slogdet(a)[1], _per_matrix, samples=((SQUARE,),),
                      jvp=lambda out, inputs, tangents: _trace(SOLVE(inputs[0], tangents[0])))
SIGNDET = Primitive("signdet", lambda a: np.linalg.slogdet(a)[0], _per_matrix, samples=((SQUARE,),), partials=(None,))
CHOLESKY = Primitive("cholesky", np.linalg.cholesky, _like, jvp=_cholesky_tangent, samples=((DEFINITE,),))


def adjugate(a):
    return bind(ADJUGATE, (a,))


def _eigh_shape(a, uplo):
    square_shape(a)
    return (a.shape[:-1], a.shape), (float_type(a), float_type(a))


def _symmetric_part(da, uplo):
    """What eigh reads of dA: one triangle, mirrored."""
    n = shape_of(da)[-1]
    half = da * (np.tri(n, k=-1) if uplo == "L" else np.tri(n, k=-1).T)
    return half + mT(half) + da * np.eye(n)


def _eigh_tangent(out, inputs, tangents, uplo):
    """dw = diag(Vᵀ dA V); dV = V (F ∘ Vᵀ dA V), F_ij = 1/(w_j − w_i); 0 inside a repeated eigenvalue."""
    w, v = out
    n = shape_of(w)[-1]
    rotated = MATMUL(mT(v), MATMUL(_symmetric_part(tangents[0], uplo), v))
    gap = reshape(w, (*shape_of(w)[:-1], 1, n)) - reshape(w, (*shape_of(w), 1))
    f = np.where(gap == 0, 0.0, 1.0 / np.where(gap == 0, 1.0, gap))
    dw = SUM(rotated * np.eye(n), axis=(len(shape_of(rotated)) - 2,), keepdims=False)
    return dw, MATMUL(v, f * rotated)


EIGH = Primitive("eigh", lambda a, uplo: tuple(np.linalg.eigh(a, uplo)), _eigh_shape, jvp=_eigh_tangent,
                 samples=(((DEFINITE,), {"uplo": "L"}),))
ITEM = Primitive("item", lambda parts, number: parts[number],
                 lambda parts, number: (parts.shape[number], parts.dtype[number]),
                 jvp=lambda out, inputs, tangents, number: tangents[0][number])


@implements(np.linalg.inv)
def _inv(a):
    return INV(a)


@implements(np.linalg.solve)
def _solve(a, b):
    return SOLVE(a, b)


@implements(np.linalg.det)
def _det(a):
    return DET(a)


@implements(np.linalg.slogdet)
def _slogdet(a):
    return type(np.linalg.slogdet(np.eye(1)))(SIGNDET(a), LOGABSDET(a))


@implements(np.linalg.cholesky)
def _cholesky(a, /, *, upper=False):
    return mT(CHOLESKY(mT(a))) if upper else CHOLESKY(a)


@implements(np.linalg.eigh)
def _eigh(a, UPLO="L"):
    both = EIGH(a, uplo=UPLO.upper())
    return type(np.linalg.eigh(np.eye(1)))(ITEM(both, number=0), ITEM(both, number=1))


@implements(np.linalg.eigvalsh)
def _eigvalsh(a, UPLO="L"):
    return _eigh(a, UPLO)[0]


@implements(np.linalg.norm)
def _norm(x, ord=None, axis=None, keepdims=False):
    """Vector norms of every order, Frobenius; d‖x‖/dx(0) = 0."""
    keepdims = bool(keepdims)
    if ord is None:
        return np.sqrt(SUM(np.square(x), axis=axes(axis, x.ndim), keepdims=keepdims))
    where = tuple(range(x.ndim)) if axis is None else tuple(
        one_axis(a, x.ndim) for a in (axis if isinstance(axis, tuple) else (axis,)))
    if len(where) == 1:
        return _vector_norm(x, ord, where, keepdims)
    if ord == "fro":
        return np.sqrt(SUM(np.square(x), axis=tuple(sorted(where)), keepdims=keepdims))
    if ord in (1, -1, np.inf, -np.inf):
        other, columns = where if ord in (np.inf, -np.inf) else where[::-1]
        sums = SUM(np.abs(x), axis=(columns,), keepdims=True)
        extreme = np.max if ord > 0 else np.min
        out = extreme(sums, axis=other, keepdims=True)
        return out if keepdims else np.squeeze(out, axis=where)
    if ord == 2 and sorted(where) == [0, 1] and x.ndim == 2:
        gram = MATMUL(x, mT(x)) if x.shape[0] <= x.shape[1] else MATMUL(mT(x), x)
        largest = np.sqrt(np.max(_eigvalsh(gram)))
        return reshape(largest, (1, 1)) if keepdims else largest
    raise TraceError(f"np.linalg.norm: ord={ord!r} over axes {where} has no derivative rule",
                     "use ord None, 'fro', 1, inf or 2, or write the norm with its singular values")


def _vector_norm(x, ord, where, keepdims):
    if ord == 2:
        return np.sqrt(SUM(np.square(x), axis=where, keepdims=keepdims))
    if ord in (np.inf, -np.inf):
        return (np.max if ord > 0 else np.min)(np.abs(x), axis=where, keepdims=keepdims)
    if ord == 0:
        return SUM(np.multiply(1.0, x != 0), axis=where, keepdims=keepdims)
    powers = np.abs(x) if ord == 1 else np.abs(x) ** ord
    total = SUM(powers, axis=where, keepdims=keepdims)
    return total if ord == 1 else total ** (1.0 / ord)


@implements(np.linalg.matrix_power)
def _matrix_power(a, n):
    if n < 0:
        a, n = INV(a), -n
    out = None
    while n:
        if n & 1:
            out = a if out is None else MATMUL(out, a)
        a, n = (MATMUL(a, a), n >> 1) if n > 1 else (a, 0)
    return np.broadcast_to(np.eye(a.shape[-1]), a.shape) if out is None else out


@implements(np.linalg.multi_dot)
def _multi_dot(arrays, *, out=None):
    product = arrays[0]
    for a in arrays[1:]:
        product = np.dot(product, a)
    return product


