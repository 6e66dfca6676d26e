"""Rows of decompositions: Cholesky, QR, eigenvalues, singular values, of stacks of real or complex matrices.

Where a factor is only determined up to a gauge (the sign or phase of a vector, a rotation inside a null space), its
derivative is the one without such a turn: functions that do not depend on the gauge have their derivative. The vectors
of a repeated value have none: NaN, unless the direction does not mix them. Giles 2008; Seeger et al. 2017 (QR);
Townsend 2016 (SVD).
"""

import numpy as np

from ..errors import TraceError
from ..primitive import Primitive, implements, shape_of
from .complex import conjugate, imag, is_complex, real
from .contraction import MATMUL
from .elementwise import SCALE, float_type
from .linalg import (
    DEFINITE,
    RECIPROCAL_OR_ZERO,
    SOLVE,
    STACKED,
    arrays,
    columns_scaled,
    diag_of,
    items,
    kept,
    like_square,
    mH,
    mT,
    real_type,
    square_shape,
)
from .reductions import MAX, SUM
from .shape import concatenate, reshape


def hermitian_part(a, uplo: str):
    """What eigh and cholesky read of a matrix: one triangle, mirrored."""
    n = shape_of(a)[-1]
    below = np.tri(n, k=-1, dtype=bool)
    half = kept(a, below if uplo == "L" else below.T)
    return half + mH(half) + kept(real(a), np.eye(n, dtype=bool))


def inverse_gaps(values, sums: bool = False):
    """F_ij = 1/(w_j − w_i), F_ii = 0, NaN for gaps within rounding; of sums 1/(w_j + w_i), 0 at 0.

    To be multiplied by SCALE, for which 0·NaN is 0: vectors that a direction does not mix have their derivative.
    """
    shape = shape_of(values)
    right, left = reshape(values, (*shape[:-1], 1, shape[-1])), reshape(values, (*shape, 1))
    if sums or not shape[-1]:
        return RECIPROCAL_OR_ZERO(right + left)
    gap, size = right - left, MAX(np.absolute(values), axis=(len(shape) - 1,), keepdims=True)[..., None]
    rounding = shape[-1] * float(np.finfo(values.dtype).eps) * size
    apart = np.absolute(gap) > rounding
    return RECIPROCAL_OR_ZERO(kept(gap, apart)) + np.where(apart | np.eye(shape[-1], dtype=bool), 0.0, np.nan)


# --- Cholesky ---------------------------------------------------------------------------------------------------------


def _cholesky_tangent(out, inputs, tangents):
    """dL = L Φ(L⁻¹ dA L⁻ᴴ), Φ the lower triangle with its diagonal halved."""
    n = shape_of(out)[-1]
    inner = SOLVE(out, mH(SOLVE(out, hermitian_part(tangents[0], "L"))))
    weights = np.tri(n, dtype=out.dtype) - 0.5 * np.eye(n, dtype=out.dtype)
    return MATMUL(out, mH(inner) * weights)


CHOLESKY = Primitive("cholesky", np.linalg.cholesky, like_square, jvp=_cholesky_tangent, samples=((DEFINITE,),))


@implements(np.linalg.cholesky)
def _cholesky(a, /, *, upper=False):
    return mH(CHOLESKY(mH(a))) if upper else CHOLESKY(a)


# --- QR ---------------------------------------------------------------------------------------------------------------


def _qr_shape(a, complete):
    *batch, m, n = a.shape
    k = m if complete else min(m, n)
    return ((*batch, m, k), (*batch, k, n)), (float_type(a), float_type(a))


def _qr_tangent(out, inputs, tangents, complete):
    """With S = Qᴴ dA R⁻¹ and Ω = QᴴdQ its skew part, fixed by the lower triangle of S: dR = (S − Ω)R,
    dQ = QΩ + (I − QQᴴ)dA R⁻¹. A wide matrix: its leading square block gives Q, then dR = dQᴴA + QᴴdA."""
    (q, r), (a,), (da,) = out, inputs, tangents
    m, n = shape_of(a)[-2:]
    k = min(m, n)
    basis, leading, moved = q[..., :k], r[..., :k, :k], da[..., :k]
    scaled = mT(SOLVE(mT(leading), mT(moved)))                                 # dA R⁻¹
    inner = MATMUL(mH(basis), scaled)
    lower = kept(inner, np.tri(k, k=-1, dtype=bool))
    turn = lower - mH(lower)
    if is_complex(a):
        turn = turn + 1j * kept(imag(inner), np.eye(k, dtype=bool))
    dq = MATMUL(basis, turn)
    if m > k:
        dq = dq + scaled - MATMUL(basis, inner)
    dr = MATMUL(inner - turn, leading) if n == k else MATMUL(mH(dq), a) + MATMUL(mH(basis), da)
    if not complete or m == k:
        return dq, dr
    rest = q[..., k:]
    zeros = np.zeros((*shape_of(dr)[:-2], m - k, n), r.dtype)
    return concatenate([dq, -MATMUL(basis, MATMUL(mH(dq), rest))], -1), concatenate([dr, zeros], -2)


QR = Primitive("qr", lambda a, complete: tuple(np.linalg.qr(a, "complete" if complete else "reduced")), _qr_shape,
               jvp=_qr_tangent)


@implements(np.linalg.qr)
def _qr(a, mode="reduced"):
    """mode="complete": Q's further columns are any basis of the complement; their derivative does not turn it."""
    if mode not in ("reduced", "complete", "r"):
        raise TraceError(f"np.linalg.qr: mode={mode!r} is not supported on traced values",
                         "use mode='reduced', 'complete' or 'r'")
    q, r = items(QR(*arrays(a), complete=mode == "complete"), 2)
    return r if mode == "r" else type(np.linalg.qr(np.eye(1)))(q, r)


# --- eigenvalues ------------------------------------------------------------------------------------------------------


def _eigh_shape(a, uplo):
    square_shape(a)
    return (a.shape[:-1], a.shape), (real_type(a), float_type(a))


def _eigh_tangent(out, inputs, tangents, uplo):
    """dw = diag(Vᴴ dA V); dV = V (F ∘ Vᴴ dA V), F_ij = 1/(w_j − w_i)."""
    w, v = out
    rotated = MATMUL(mH(v), MATMUL(hermitian_part(tangents[0], uplo), v))
    return real(diag_of(rotated)), MATMUL(v, SCALE(rotated, inverse_gaps(w)))


EIGH = Primitive("eigh", lambda a, uplo: tuple(np.linalg.eigh(a, uplo)), _eigh_shape, jvp=_eigh_tangent,
                 samples=(((DEFINITE,), {"uplo": "L"}), ((STACKED,), {"uplo": "U"})))


@implements(np.linalg.eigh)
def _eigh(a, UPLO="L"):
    if UPLO.upper() not in ("L", "U"):
        raise ValueError("UPLO argument must be 'L' or 'U'")
    return type(np.linalg.eigh(np.eye(1)))(*items(EIGH(a, uplo=UPLO.upper()), 2))


@implements(np.linalg.eigvalsh)
def _eigvalsh(a, UPLO="L"):
    return _eigh(a, UPLO)[0]


def _complex_type(a):
    return np.result_type(float_type(a), np.complex64)


def _eig_shape(a):
    square_shape(a)
    return (a.shape[:-1], a.shape), (_complex_type(a), _complex_type(a))


def _eig_value(a):
    return tuple(part.astype(_complex_type(a)) for part in np.linalg.eig(a))


def _eig_tangent(out, inputs, tangents):
    """dw = diag(V⁻¹ dA V); dV = V (F ∘ V⁻¹ dA V + diag α), α such that vectors keep length 1 and a real largest entry
    (LAPACK's geev)."""
    w, v = out
    inner = SOLVE(v, MATMUL(tangents[0], v))
    moved = MATMUL(v, SCALE(inner, inverse_gaps(w)))
    if not shape_of(v)[-1]:
        return diag_of(inner), moved
    rows, axis = np.arange(shape_of(v)[-2]), len(shape_of(v)) - 2
    largest = np.argmax(np.square(real(v)) + np.square(imag(v)), axis=axis)
    largest = rows[:, None] == np.expand_dims(largest, axis)
    stretch = SUM(real(conjugate(v) * moved), axis=(axis,), keepdims=False)
    turn, length = (SUM(kept(part, largest), axis=(axis,), keepdims=False) for part in (imag(moved), real(v)))
    return diag_of(inner), moved - columns_scaled(v, stretch + 1j * turn / length)


EIG = Primitive("eig", _eig_value, _eig_shape, jvp=_eig_tangent)
EIGVALS = Primitive("eigvals", lambda a: np.linalg.eigvals(a).astype(_complex_type(a)),
                    lambda a: (_eig_shape(a)[0][0], _complex_type(a)),
                    jvp=lambda out, inputs, tangents: _eig_of_values(inputs[0], tangents[0]))


def _eig_of_values(a, da):
    v = items(EIG(a), 2)[1]
    return diag_of(SOLVE(v, MATMUL(da, v)))


def _real_where_real(a, w, *rest) -> tuple:
    """NumPy gives real arrays where all eigenvalues of a real matrix are: a branch on values, guarded."""
    return tuple(map(real, (w, *rest))) if not is_complex(a) and np.all(imag(w) == 0) else (w, *rest)


@implements(np.linalg.eig)
def _eig(a):
    """Eigenvectors of length 1 with a real largest entry, as LAPACK returns them."""
    a, = arrays(a)
    return type(np.linalg.eig(np.eye(1)))(*_real_where_real(a, *items(EIG(a), 2)))


@implements(np.linalg.eigvals)
def _eigvals(a):
    a, = arrays(a)
    return _real_where_real(a, EIGVALS(a))[0]


# --- singular values --------------------------------------------------------------------------------------------------


def _svd_shape(a, full, hermitian):
    *batch, m, n = a.shape
    k = min(m, n)
    left, right = ((*batch, m, m), (*batch, n, n)) if full else ((*batch, m, k), (*batch, k, n))
    return (left, (*batch, k), right), (float_type(a), real_type(a), float_type(a))


def _svd_tangent(out, inputs, tangents, full, hermitian):
    """With P = Uᴴ dA V: dσ = Re diag P; dU = UΩ + (I − UUᴴ)dA V Σ⁻¹, Ω = ½(M + K), M_ij = (P + Pᴴ)_ij/(σ_j − σ_i),
    K_ij = (P − Pᴴ)_ij/(σ_j + σ_i); dV alike with ½(M − K). dσ, and what would
    be divided by it, is 0 where σ = 0; a complement follows its subspace without turning."""
    (left, s, right), (da,) = out, tangents
    k = shape_of(s)[-1]
    right = mH(right)
    u, v = left[..., :k], right[..., :k]
    av = MATMUL(da, v)
    inner = MATMUL(mH(u), av)
    both, apart = SCALE(inner + mH(inner), inverse_gaps(s)), inverse_gaps(s, sums=True) * (inner - mH(inner))
    du, dv = MATMUL(u, 0.5 * (both + apart)), MATMUL(v, 0.5 * (both - apart))
    inverse = RECIPROCAL_OR_ZERO(s)
    if shape_of(u)[-2] > k:
        du = du + columns_scaled(av - MATMUL(u, inner), inverse)
    if shape_of(v)[-2] > k:
        dv = dv + columns_scaled(MATMUL(mH(da), u) - MATMUL(v, mH(inner)), inverse)
    return (_completed(du, u, left), np.where(s == 0, 0.0, real(diag_of(inner))), mH(_completed(dv, v, right)))


def _completed(change, part, whole):
    """The change of a unitary matrix given that of its first columns: the others do not turn among themselves."""
    k = shape_of(part)[-1]
    if shape_of(whole)[-1] == k:
        return change
    return concatenate([change, -MATMUL(part, MATMUL(mH(change), whole[..., k:]))], -1)


def _singular_tangent(out, inputs, tangents):
    """dσ = Re uᴴ dA v; 0 where σ = 0."""
    u, s, vh = items(SVD(inputs[0], full=False, hermitian=False), 3)
    change = SUM(MATMUL(mH(u), tangents[0]) * conjugate(vh), axis=(len(shape_of(u)) - 1,), keepdims=False)
    return np.where(s == 0, 0.0, real(change))


SVD = Primitive("svd", lambda a, full, hermitian: tuple(np.linalg.svd(a, full, hermitian=hermitian)), _svd_shape,
                jvp=_svd_tangent)
SVDVALS = Primitive("svdvals", lambda a: np.linalg.svd(a, compute_uv=False),
                    lambda a: ((*a.shape[:-2], min(a.shape[-2:])), real_type(a)), jvp=_singular_tangent,
                    samples=((DEFINITE[:2],), (STACKED,)))


def _polar_value(a, whole):
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    return np.matmul(u if whole else u * (s != 0)[..., None, :], vh)


def _polar_tangent(out, inputs, tangents, whole):
    """With P = Uᴴ dA V: U (P − Pᴴ)_ij/(σ_i + σ_j) Vᴴ, and (I − UUᴴ) dA V Σ⁻¹Vᴴ of a tall matrix, alike of a wide one:
    no difference of singular values is divided by."""
    (da,), (u, s, vh) = tangents, items(SVD(inputs[0], full=False, hermitian=False), 3)
    v, inverse = mH(vh), RECIPROCAL_OR_ZERO(s)
    av = MATMUL(da, v)
    inner = MATMUL(mH(u), av)
    change = MATMUL(u, inverse_gaps(s, sums=True) * (inner - mH(inner)))
    if shape_of(u)[-2] > shape_of(s)[-1]:
        change = change + columns_scaled(av - MATMUL(u, inner), inverse)
    change = MATMUL(change, vh)
    if shape_of(v)[-2] > shape_of(s)[-1]:
        change = change + MATMUL(columns_scaled(u, inverse), MATMUL(mH(u), da) - MATMUL(inner, vh))
    return change


def _nuclear_tangent(out, inputs, tangents):
    """Re tr(UᴴdA V) over the singular values that are not 0."""
    x, = inputs
    product = conjugate(POLAR(x, whole=False)) * tangents[0]
    return real(SUM(product, axis=(len(shape_of(x)) - 2, len(shape_of(x)) - 1), keepdims=False))


POLAR = Primitive("polar", _polar_value, lambda a, whole: (a.shape, float_type(a)), jvp=_polar_tangent,
                  samples=(((DEFINITE[:2],), {"whole": True}), ((STACKED,), {"whole": False})))
NUCLEAR = Primitive("nuclear_norm", lambda a: np.sum(np.linalg.svd(a, compute_uv=False), -1),
                    lambda a: (a.shape[:-2], real_type(a)), jvp=_nuclear_tangent, samples=((DEFINITE[:2],), (STACKED,)))


@implements(np.linalg.svd)
def _svd(a, full_matrices=True, compute_uv=True, hermitian=False):
    """full_matrices: the further columns are any basis of the complement; their derivative does not turn it."""
    a, = arrays(a)
    a = hermitian_part(a, "L") if hermitian else a
    if not compute_uv:
        return svdvals(a)
    parts = items(SVD(a, full=bool(full_matrices), hermitian=bool(hermitian)), 3)
    return type(np.linalg.svd(np.eye(1)))(*parts)


@implements(np.linalg.svdvals)
def svdvals(x, /):
    return SVDVALS(*arrays(x))
