"""scipy.linalg under its own names and conventions, on the rows of linear algebra; what has no derivative says so."""

import numpy as np
import scipy.linalg

from ..errors import TraceError
from ..primitive import Primitive, implements, shape_of
from ..trace import concretise
from .complex import is_complex, real
from .contraction import MATMUL
from .decompositions import CHOLESKY, EIG, EIGVALS, QR, SVD, hermitian_part, inverse_gaps, svdvals
from .determinants import DET
from .elementwise import SCALE, float_type
from .least_squares import LSTSQ, PINV, cutoff, squared_residuals
from .linalg import (
    DEFINITE,
    INV,
    RIGHT,
    SOLVE,
    SQUARE,
    arrays,
    columns_scaled,
    diag_of,
    fixed,
    items,
    kept,
    mH,
    mT,
    real_type,
)
from .norms import norm
from .shape import concatenate
from .structured import doubled
from .triangular import matrix_of

_STRUCTURE = {
    None: lambda a, uplo: a, "general": lambda a, uplo: a, "banded": lambda a, uplo: a,
    "symmetric": lambda a, uplo: _symmetric_part(a, uplo), "hermitian": lambda a, uplo: hermitian_part(a, uplo),
    "diagonal": lambda a, uplo: kept(a, np.eye(a.shape[-1], dtype=bool)),
    "tridiagonal": lambda a, uplo: kept(a, np.abs(np.subtract.outer(*[np.arange(a.shape[-1])] * 2)) <= 1),
    "lower triangular": lambda a, uplo: kept(a, np.tri(a.shape[-1], dtype=bool)),
    "upper triangular": lambda a, uplo: kept(a, np.tri(a.shape[-1], dtype=bool).T)}
_SYNONYMS = {"gen": "general", "sym": "symmetric", "her": "hermitian", "pos": "hermitian",
             "positive definite": "hermitian"}


def _symmetric_part(a, uplo: str):
    """One triangle, mirrored without conjugation."""
    below = np.tri(a.shape[-1], k=-1, dtype=bool)
    half = kept(a, below if uplo == "L" else below.T)
    return half + mT(half) + kept(a, np.eye(a.shape[-1], dtype=bool))


def _structured(name: str, a, assume_a, lower):
    """What SciPy reads of a matrix of an assumed structure."""
    a, = arrays(a)
    known = _SYNONYMS.get(assume_a, assume_a)
    if known not in _STRUCTURE:
        raise ValueError(f"{assume_a} is not a recognized matrix structure")
    return _STRUCTURE[known](a, "L" if lower else "U")


@implements(scipy.linalg.solve)
def _solve(a, b, lower=False, overwrite_a=False, overwrite_b=False, check_finite=True, assume_a=None, transposed=False):
    a = _structured("solve", a, assume_a, lower)
    return SOLVE(mT(a) if transposed else a, *arrays(b))


@implements(scipy.linalg.inv)
def _inv(a, overwrite_a=False, check_finite=True, *, assume_a=None, lower=False):
    return INV(_structured("inv", a, assume_a, lower))


@implements(scipy.linalg.det)
def _det(a, overwrite_a=False, check_finite=True):
    return DET(doubled(a))


@implements(scipy.linalg.cholesky)
def _cholesky(a, lower=False, overwrite_a=False, check_finite=True):
    a, = arrays(a)
    return CHOLESKY(a) if lower else mH(CHOLESKY(mH(a)))


@implements(scipy.linalg.norm)
def _norm(a, ord=None, axis=None, keepdims=False, check_finite=True):
    return norm(a, ord, axis, keepdims)


# --- singular values, least squares -----------------------------------------------------------------------------------


@implements(scipy.linalg.svd)
def _svd(a, full_matrices=True, compute_uv=True, overwrite_a=False, check_finite=True, lapack_driver="gesdd"):
    a, = arrays(a)
    return tuple(items(SVD(a, full=bool(full_matrices), hermitian=False), 3)) if compute_uv else svdvals(a)


@implements(scipy.linalg.svdvals)
def _svdvals(a, overwrite_a=False, check_finite=True):
    return svdvals(a)


def _pinv(name: str, a, atol, rtol, return_rank: bool, hermitian: bool):
    if atol not in (None, 0):
        raise TraceError(f"scipy.linalg.{name}: atol= is not supported on traced values", "give the tolerance as rtol=")
    rtol = fixed(rtol) if rtol is not None else max(a.shape[-2:]) * float(np.finfo(real_type(a)).eps)
    out = PINV(a, rcond=rtol, rtol=None, hermitian=hermitian)
    if not return_rank:
        return out
    s = svdvals(a)
    return out, int(np.sum(s > rtol * s[..., 0]))


@implements(scipy.linalg.pinv)
def _pinv_answer(a, *, atol=None, rtol=None, return_rank=False, check_finite=True):
    return _pinv("pinv", *arrays(a), atol, rtol, return_rank, False)


@implements(scipy.linalg.pinvh)
def _pinvh(a, atol=None, rtol=None, lower=True, return_rank=False, check_finite=True):
    a = hermitian_part(*arrays(a), "L" if lower else "U")
    return _pinv("pinvh", a, atol, rtol, return_rank, True)


@implements(scipy.linalg.lstsq)
def _lstsq(a, b, cond=None, overwrite_a=False, overwrite_b=False, check_finite=True, lapack_driver=None):
    a, (b,) = matrix_of("lstsq", a), arrays(b)
    cond = float(np.finfo(real_type(a)).eps) if cond is None else fixed(cond)
    x, s = LSTSQ(a, b, rcond=cond), svdvals(a)
    rank = int(np.sum(s > cutoff(a, cond) * s[0]))
    residuals = squared_residuals(a, b, x) if rank == a.shape[1] < a.shape[0] else np.zeros(0, real_type(x))
    return x, residuals, rank, s


@implements(scipy.linalg.qr)
def _qr(a, overwrite_a=False, lwork=None, mode="full", pivoting=False, check_finite=True):
    """Q's further columns are any basis of the complement; their derivative does not turn it. Pivots are guarded."""
    if mode not in ("full", "r", "economic"):
        raise TraceError(f"scipy.linalg.qr: mode={mode!r} is not supported on traced values",
                         "use mode='full', 'r' or 'economic'")
    a = matrix_of("qr", a)
    pivots = ()
    if pivoting:
        order = concretise(QR_PIVOTS(a))
        a, pivots = a[:, order], (order,)
    q, r = items(QR(a, complete=mode == "full"), 2)
    if mode == "r":
        missing = a.shape[0] - shape_of(r)[0]
        return (concatenate([r, np.zeros((missing, a.shape[1]), r.dtype)]) if missing else r, *pivots)
    return (q, r, *pivots)


_scipy_qr = scipy.linalg.qr
QR_PIVOTS = Primitive("qr_pivots", lambda a: _scipy_qr(a, mode="r", pivoting=True)[1],
                      lambda a: ((a.shape[1],), np.dtype(np.int32)), partials=(None,), samples=((SQUARE,), (RIGHT,)))


# --- eigenvalues ------------------------------------------------------------------------------------------------------


def _eigh_tangent(out, inputs, tangents, lower):
    """A V = B V diag w, VᴴBV = I, with P = Vᴴ dA V and R = Vᴴ dB V: dw = diag(P) − w diag(R), dV = V C,
    C_ij = (P_ij − w_j R_ij)/(w_j − w_i) and C_ii = −R_ii/2."""
    w, v = out
    uplo = "L" if lower else "U"
    parts = [None if t is None else MATMUL(mH(v), MATMUL(hermitian_part(t, uplo), v)) for t in (*tangents, None)[:2]]
    moved = parts[0]
    if parts[1] is not None:
        scaled = columns_scaled(parts[1], w)
        moved = -scaled if moved is None else moved - scaled
    c = SCALE(moved, inverse_gaps(w))
    if parts[1] is not None:
        c = c - 0.5 * kept(parts[1], np.eye(shape_of(w)[-1], dtype=bool))
    return real(diag_of(moved)), MATMUL(v, c)


_scipy_eigh = scipy.linalg.eigh
SCIPY_EIGH = Primitive(
    "scipy_eigh", lambda *ab, lower: tuple(_scipy_eigh(*ab, lower=lower)),
    lambda *ab, lower: ((ab[0].shape[:1], ab[0].shape), (np.empty(0, float_type(*ab)).real.dtype, float_type(*ab))),
    jvp=_eigh_tangent, samples=(((SQUARE + SQUARE.T, DEFINITE), {"lower": True}), ((DEFINITE,), {"lower": False})))


@implements(scipy.linalg.eigh)
def _eigh(a, b=None, *, lower=True, eigvals_only=False, overwrite_a=False, overwrite_b=False, type=1, check_finite=True,
          subset_by_index=None, subset_by_value=None, driver=None):
    if type != 1 or subset_by_value is not None:
        raise TraceError("scipy.linalg.eigh: type= and subset_by_value= are not supported on traced values",
                         "use the form a v = w b v, and subset_by_index or an index into all eigenvalues")
    given = [matrix_of("eigh", a)] if b is None else [matrix_of("eigh", a), matrix_of("eigh", b)]
    w, v = items(SCIPY_EIGH(*given, lower=bool(lower)), 2)
    if subset_by_index is not None:
        first, last = (int(k) for k in subset_by_index)
        w, v = w[first:last + 1], v[:, first:last + 1]
    return w if eigvals_only else (w, v)


@implements(scipy.linalg.eigvalsh)
def _eigvalsh(a, b=None, **options):
    return _eigh(a, b, eigvals_only=True, **options)


def _plain_eigenproblem(name: str, a, *options):
    if any(options):
        raise TraceError(f"scipy.linalg.{name}: b, left and homogeneous_eigvals are not supported on traced values",
                         "solve for the eigenvalues of numpy.linalg.solve(b, a); left vectors are those of a.conj().T")
    return matrix_of(name, a)


@implements(scipy.linalg.eig)
def _eig(a, b=None, left=False, right=True, overwrite_a=False, overwrite_b=False, check_finite=True,
         homogeneous_eigvals=False):
    a = _plain_eigenproblem("eig", a, b is not None, left, homogeneous_eigvals)
    if not right:
        return EIGVALS(a)
    w, v = items(EIG(a), 2)
    return w, real(v) if not is_complex(a) and np.all(np.imag(w) == 0) else v


@implements(scipy.linalg.eigvals)
def _eigvals(a, b=None, overwrite_a=False, check_finite=True, homogeneous_eigvals=False):
    return EIGVALS(_plain_eigenproblem("eigvals", a, b is not None, homogeneous_eigvals))


# --- refused ----------------------------------------------------------------------------------------------------------

_ANY_BASIS = ("returns one of many bases, and its size depends on values",
              "use the projector: A @ numpy.linalg.pinv(A) onto the range, numpy.eye(n) - numpy.linalg.pinv(A) @ A "
              "onto the null space")
_NO_RULE = "has no derivative rule"
_REFUSED = {
    "null_space": _ANY_BASIS, "orth": _ANY_BASIS,
    "matrix_balance": (_NO_RULE, "leave balancing out: eigenvalues do not depend on it"),
    "schur": (_NO_RULE, "use numpy.linalg.eigh for symmetric matrices, numpy.linalg.eig for others"),
    "hessenberg": (_NO_RULE, "use the matrix itself, or numpy.linalg.qr"),
    "ldl": (_NO_RULE, "use scipy.linalg.cholesky for definite matrices, scipy.linalg.lu for others"),
    "funm": (_NO_RULE, "use scipy.linalg.expm, logm, sqrtm, ..., or V @ diag(f(w)) @ V.T with numpy.linalg.eigh"),
    "signm": (_NO_RULE, "use A @ scipy.linalg.inv(scipy.linalg.sqrtm(A @ A))"),
    "qz": (_NO_RULE, "use scipy.linalg.eigh(a, b), or numpy.linalg.eig(numpy.linalg.solve(b, a))"),
    "rq": (_NO_RULE, "use numpy.linalg.qr of the reversed transpose"),
    "cossin": (_NO_RULE, "use numpy.linalg.svd of the blocks"),
    "subspace_angles": (_NO_RULE, "use numpy.arccos(numpy.linalg.svdvals(Qa.T @ Qb)), bases from numpy.linalg.qr"),
    "orthogonal_procrustes": (_NO_RULE, "use scipy.linalg.polar(A.T @ B)[0]"),
    "solve_continuous_are": (_NO_RULE, "differentiate by autodiff.implicit_root of the Riccati equation"),
    "solve_discrete_are": (_NO_RULE, "differentiate by autodiff.implicit_root of the Riccati equation"),
    "eig_banded": (_NO_RULE, "use scipy.linalg.eigh of the full matrix"),
    "eigvals_banded": (_NO_RULE, "use scipy.linalg.eigvalsh of the full matrix"),
    "eigh_tridiagonal": (_NO_RULE, "use scipy.linalg.eigh of the full matrix"),
    "eigvalsh_tridiagonal": (_NO_RULE, "use scipy.linalg.eigvalsh of the full matrix"),
    "cholesky_banded": (_NO_RULE, "use scipy.linalg.cholesky of the full matrix, or scipy.linalg.solveh_banded"),
    "cho_solve_banded": (_NO_RULE, "use scipy.linalg.solveh_banded"),
}


def _refuse(name: str, why: str, remedy: str):
    @implements(getattr(scipy.linalg, name))
    def answer(*args, **kwargs):
        raise TraceError(f"scipy.linalg.{name} {why}", remedy)


for _name, _reason in _REFUSED.items():
    _refuse(_name, *_reason)
