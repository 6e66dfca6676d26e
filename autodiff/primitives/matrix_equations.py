"""Rows of banded and Toeplitz systems, and of the Sylvester and Lyapunov equations of control theory."""

import numpy as np
import scipy.linalg

from ..errors import TraceError
from ..primitive import Primitive, implements, shape_of
from .complex import conjugate
from .contraction import MATMUL
from .elementwise import float_type
from .linalg import DEFINITE, RIGHT, SOLVE, SQUARE, arrays, kept, mH, mT
from .shape import concatenate, reshape
from .structured import circulant, doubled, toeplitz

# --- banded and Toeplitz systems --------------------------------------------------------------------------------------


def _diagonals(bands: tuple[int, int], n: int):
    """(row of ab, offset d, first column, last column + 1) of each diagonal A[i, i+d] = ab[u−d, i+d]."""
    low, up = bands
    return [(up - d, d, max(d, 0), n + min(d, 0)) for d in range(-low, up + 1)]


def _inside(row, start: int, stop: int):
    """The entries of a diagonal that belong to the matrix."""
    places = np.arange(shape_of(row)[0])
    return kept(row, (places >= start) & (places < stop))


def _shifted(row, d: int, n: int):
    """row[j + d] at j, zeros beyond the ends."""
    zeros = np.zeros((abs(d), *shape_of(row)[1:]), row.dtype)
    if d == 0:
        return row
    return concatenate([row[d:], zeros], 0) if d > 0 else concatenate([zeros, row[:d]], 0)


def _banded_product(ab, x, bands):
    """A x by diagonals."""
    n, total = shape_of(ab)[1], None
    for k, d, start, stop in _diagonals(bands, n):
        weight = reshape(_inside(ab[k], start, stop), (n,) + (1,) * (len(shape_of(x)) - 1))
        part = _shifted(weight * x, d, n)
        total = part if total is None else total + part
    return total


def _banded_transpose(ab, bands):
    """Aᵀ in diagonal ordered form."""
    n = shape_of(ab)[1]
    rows = {}
    for k, d, start, stop in _diagonals(bands, n):
        rows[bands[0] + d] = _shifted(_inside(ab[k], start, stop), d, n)
    return np.stack([rows[k] for k in sorted(rows)])


def _banded_tangent(out, inputs, tangents, bands):
    change = tangents[1]
    if tangents[0] is not None:
        moved = _banded_product(tangents[0], out, bands)
        change = -moved if change is None else change - moved
    return BANDED(inputs[0], change, bands=bands)


_solve_banded = scipy.linalg.solve_banded
BANDED = Primitive("solve_banded", lambda ab, b, bands: _solve_banded(bands, ab, b), lambda ab, b, bands: (
    b.shape, float_type(ab, b)), jvp=_banded_tangent, transpose=(None, lambda ct, ab, b, bands: BANDED(
        _banded_transpose(ab, bands), ct, bands=bands[::-1])),
    samples=(((np.array([[0.0, 0.5, -0.3, 0.2], [3.0, 2.5, -2.0, 4.0], [1.0, 0.4, -0.6, 0.0], [0.2, -0.1, 0.0, 0.0]]),
               np.array([1.0, -0.5, 2.0, 0.3])), {"bands": (2, 1)}),))


@implements(scipy.linalg.solve_banded)
def _solve_banded_answer(l_and_u, ab, b, overwrite_ab=False, overwrite_b=False, check_finite=True):
    return BANDED(*arrays(ab, b), bands=tuple(int(k) for k in l_and_u))


@implements(scipy.linalg.solveh_banded)
def _solveh_banded(ab, b, overwrite_ab=False, overwrite_b=False, lower=False, check_finite=True):
    """The Hermitian matrix of one half of its diagonals, as a general banded one."""
    ab, b = arrays(ab, b)
    u, n = ab.shape[0] - 1, ab.shape[1]
    if lower:
        other = [conjugate(_shifted(ab[d], -d, n)) for d in range(u, 0, -1)]
        full = [*other, *(ab[k] for k in range(u + 1))]
    else:
        other = [conjugate(_shifted(ab[u - d], d, n)) for d in range(1, u + 1)]
        full = [*(ab[k] for k in range(u + 1)), *other]
    return BANDED(np.stack(full), b, bands=(u, u))


@implements(scipy.linalg.solve_toeplitz)
def _solve_toeplitz(c_or_cr, b, check_finite=True):
    c, r = c_or_cr if isinstance(c_or_cr, tuple) else (c_or_cr, None)
    return SOLVE(toeplitz(doubled(c), r), *arrays(b))


@implements(scipy.linalg.solve_circulant)
def _solve_circulant(c, b, singular="raise", tol=None, caxis=-1, baxis=0, outaxis=0):
    c, b = arrays(c, b)
    if c.ndim != 1 or (singular, caxis, baxis, outaxis) != ("raise", -1, 0, 0):
        raise TraceError("scipy.linalg.solve_circulant: options are not supported on traced values",
                         "call solve_circulant(c, b) for one vector c")
    return SOLVE(circulant(c), b)


# --- Sylvester and Lyapunov equations ---------------------------------------------------------------------------------


def _plus(*terms):
    total = None
    for term in terms:
        if term is not None:
            total = term if total is None else total + term
    return total


def _sylvester_tangent(x, inputs, tangents):
    """A X + X B = Q: dX solves it for dQ − dA X − X dB."""
    (a, b, _), (da, db, dq) = inputs, tangents
    return SYLVESTER(a, b, _plus(dq, None if da is None else -MATMUL(da, x), None if db is None else -MATMUL(x, db)))


_solve_sylvester, _discrete_lyapunov = scipy.linalg.solve_sylvester, scipy.linalg.solve_discrete_lyapunov
SYLVESTER = Primitive("solve_sylvester", _solve_sylvester, lambda a, b, q: (q.shape, float_type(a, b, q)),
                      jvp=_sylvester_tangent, transpose=(None, None, lambda ct, a, b, q: SYLVESTER(mT(a), mT(b), ct)),
                      samples=((SQUARE, DEFINITE[:2, :2], RIGHT),))


def _discrete_tangent(x, inputs, tangents):
    """A X Aᴴ − X + Q = 0: dX solves it for dQ + dA X Aᴴ + A X dAᴴ."""
    (a, _), (da, dq) = inputs, tangents
    moved = None if da is None else MATMUL(da, MATMUL(x, mH(a))) + MATMUL(a, MATMUL(x, mH(da)))
    return DISCRETE_LYAPUNOV(a, _plus(dq, moved))


DISCRETE_LYAPUNOV = Primitive("solve_discrete_lyapunov", _discrete_lyapunov, lambda a, q: (q.shape, float_type(a, q)),
                              jvp=_discrete_tangent, samples=((SQUARE / 5, DEFINITE),),
                              transpose=(None, lambda ct, a, q: DISCRETE_LYAPUNOV(mT(a), ct)))
implements(scipy.linalg.solve_sylvester)(lambda a, b, q: SYLVESTER(*arrays(a, b, q)))


@implements(scipy.linalg.solve_continuous_lyapunov)
def _solve_continuous_lyapunov(a, q):
    a, q = arrays(a, q)
    return SYLVESTER(a, mH(a), q)


@implements(scipy.linalg.solve_discrete_lyapunov)
def _solve_discrete_lyapunov(a, q, method=None):
    return DISCRETE_LYAPUNOV(*arrays(a, q))
