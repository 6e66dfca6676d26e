"""SciPy's matrices of a given structure, from traced entries: Toeplitz, Hankel, circulant, block diagonal, others."""

import numpy as np
import scipy.linalg

from ..primitive import implements
from .complex import conjugate
from .elementwise import astype
from .linalg import arrays
from .shape import concatenate, reshape


def doubled(a):
    """In double precision, as some of SciPy's functions compute whatever they are given."""
    a, = arrays(a)
    return astype(a, np.result_type(a.dtype, np.float64))


def _vector(a):
    a, = arrays(a)
    return reshape(a, (-1,))


@implements(scipy.linalg.toeplitz)
def toeplitz(c, r=None):
    """T[i, j] = c[i − j] below and on the diagonal, r[j − i] above."""
    c = _vector(c)
    r = conjugate(c) if r is None else _vector(r)
    values = concatenate([r[:0:-1], c])
    i, j = np.arange(c.shape[0])[:, None], np.arange(r.shape[0])
    return values[r.shape[0] - 1 + i - j]


@implements(scipy.linalg.circulant)
def circulant(c):
    c = _vector(c)
    i = np.arange(c.shape[0])
    return c[(i[:, None] - i) % c.shape[0]]


@implements(scipy.linalg.hankel)
def _hankel(c, r=None):
    """H[i, j] = c[i + j], continued by r."""
    c = _vector(c)
    r = np.zeros(c.shape[0], c.dtype) if r is None else _vector(r)
    values = concatenate([c, r[1:]])
    return values[np.arange(c.shape[0])[:, None] + np.arange(r.shape[0])]


@implements(scipy.linalg.companion)
def _companion(a):
    a = _vector(a)
    n = a.shape[0] - 1
    return concatenate([reshape(-a[1:] / a[0], (1, n)), np.eye(n, dtype=a.dtype)[:-1]])


@implements(scipy.linalg.leslie)
def _leslie(f, s):
    f, s = _vector(f), _vector(s)
    return concatenate([reshape(f, (1, -1)), concatenate([np.diag(s), np.zeros((s.shape[0], 1), s.dtype)], 1)])


@implements(scipy.linalg.block_diag)
def _block_diag(*arrs):
    blocks = [reshape(a, (1,) * (2 - len(a.shape)) + a.shape) for a in arrays(*arrs)]
    dtype = np.result_type(*[b.dtype for b in blocks])
    width, start, rows = sum(b.shape[1] for b in blocks), 0, []
    for b in blocks:
        height, stop = b.shape[0], start + b.shape[1]
        rows.append(concatenate([np.zeros((height, start), dtype), b, np.zeros((height, width - stop), dtype)], 1))
        start = stop
    return concatenate(rows)


@implements(scipy.linalg.khatri_rao)
def _khatri_rao(a, b):
    """The Kronecker products of columns."""
    a, b = arrays(a, b)
    return reshape(a[:, None, :] * b[None, :, :], (-1, b.shape[1]))


@implements(scipy.linalg.matmul_toeplitz)
def _matmul_toeplitz(c_or_cr, x, check_finite=False, workers=None):
    c, r = c_or_cr if isinstance(c_or_cr, tuple) else (c_or_cr, None)
    return np.matmul(toeplitz(doubled(c), r), x)
