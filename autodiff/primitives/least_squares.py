"""Pseudoinverse and least squares, differentiated at constant rank. Golub & Pereyra 1973."""

import numpy as np

from ..primitive import Primitive, implements
from .complex import imag, is_complex, real
from .contraction import MATMUL
from .decompositions import hermitian_part, svdvals
from .elementwise import astype, float_type
from .linalg import RIGHT, SQUARE, STACKED, arrays, fixed, mH, mT, plain, real_type
from .reductions import SUM


def _pinv_value(a, rcond, rtol, hermitian):
    tolerance = {"rtol": plain(rtol)} if rtol is not None else {"rcond": plain(rcond)}
    return np.linalg.pinv(a, hermitian=hermitian, **tolerance)


def _pinv_tangent(p, inputs, tangents, **_):
    """dP = −P dA P + P Pᴴ dAᴴ (I − A P) + (I − P A) dAᴴ Pᴴ P."""
    (a,), (da,) = inputs, tangents
    dah, ph = mH(da), mH(p)
    left, right = MATMUL(p, MATMUL(ph, dah)), MATMUL(dah, MATMUL(ph, p))
    return left - MATMUL(MATMUL(left, a), p) + right - MATMUL(p, MATMUL(a, right)) - MATMUL(p, MATMUL(da, p))


NO_TOLERANCE = {"rcond": None, "rtol": None, "hermitian": False}
PINV = Primitive("pinv", _pinv_value, lambda a, **_: ((*a.shape[:-2], a.shape[-1], a.shape[-2]), float_type(a)),
                 jvp=_pinv_tangent, samples=(((RIGHT,), NO_TOLERANCE), ((STACKED[:, :2],), NO_TOLERANCE)))


@implements(np.linalg.pinv)
def pinv(a, rcond=None, hermitian=False, *, rtol=None):
    a, = arrays(a)
    rtol = None if rtol is np._NoValue else rtol
    return PINV(hermitian_part(a, "L") if hermitian else a, rcond=fixed(rcond), rtol=fixed(rtol),
                hermitian=bool(hermitian))


def cutoff(a, rcond) -> float:
    """lstsq's rcond as pinv takes it."""
    eps = float(np.finfo(real_type(a)).eps)
    return max(a.shape[-2:]) * eps if rcond is None else eps if rcond == -1 else rcond


def _lstsq_shape(a, b, rcond):
    return (a.shape[1], *b.shape[1:]), float_type(a, b)


def _lstsq_tangent(x, inputs, tangents, rcond):
    """x = P b: dx = P(db − dA x) + P Pᴴ dAᴴ (b − A x) + (I − P A) dAᴴ Pᴴ x."""
    (a, b), (da, db) = inputs, tangents
    p = PINV(a, rcond=cutoff(a, rcond), rtol=None, hermitian=False)
    total = None if db is None else MATMUL(p, db)
    if da is not None:
        ph, dah = mH(p), mH(da)
        turned = MATMUL(dah, MATMUL(ph, x))
        moved = MATMUL(ph, MATMUL(dah, b - MATMUL(a, x))) - MATMUL(da, x) - MATMUL(a, turned)
        change = MATMUL(p, moved) + turned
        total = change if total is None else total + change
    return total


def _lstsq_transpose(ct, a, b, rcond):
    return MATMUL(mT(PINV(a, rcond=cutoff(a, rcond), rtol=None, hermitian=False)), ct)


LSTSQ = Primitive("lstsq", lambda a, b, rcond: np.linalg.lstsq(a, b, rcond)[0], _lstsq_shape, jvp=_lstsq_tangent,
                  transpose=(None, _lstsq_transpose),
                  samples=(((RIGHT, SQUARE[0]), {"rcond": None}), ((RIGHT.T.copy(), RIGHT[:2]), {"rcond": None})))


def squared_residuals(a, b, x):
    """Σ |b − A x|² of each right-hand side."""
    r = b - MATMUL(a, x)
    return SUM(np.square(real(r)) + np.square(imag(r)) if is_complex(r) else np.square(r), axis=(0,), keepdims=False)


@implements(np.linalg.lstsq)
def _lstsq(a, b, rcond=None):
    """Solution, residuals, rank (guarded: with it the residuals' shape changes), singular values."""
    a, b = arrays(a, b)
    a, b = (astype(v, float_type(a, b)) for v in (a, b))
    rcond = fixed(rcond)
    x, s = LSTSQ(a, b, rcond=rcond), svdvals(a)
    rank = int(np.sum(s > cutoff(a, rcond) * s[..., 0])) if min(a.shape) else 0
    residuals = np.reshape(squared_residuals(a, b, x), (-1,)) if rank == a.shape[1] < a.shape[0] else np.zeros(
        0, real_type(x))
    return x, residuals, np.int32(rank), s
