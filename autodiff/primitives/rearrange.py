"""Entries in other places: flips, rotations, shifts, diagonals and triangles."""

import numpy as np

from ..graph import Static
from ..primitive import Tracer, bind, implements
from .indexing import SCATTER, gathered
from .shape import as_array, axes, fixed, one_axis, read_only, reshape, whole


@implements(np.flip)
def _np_flip(m, axis=None):
    m = as_array(m)
    gone = axes(axis, m.ndim)
    return m[tuple(slice(None, None, -1) if i in gone else slice(None) for i in range(m.ndim))]


implements(np.fliplr)(lambda m: _np_flip(m, 1))
implements(np.flipud)(lambda m: _np_flip(m, 0))


@implements(np.rot90)
def _np_rot90(m, k=1, axes=(0, 1)):
    m = as_array(m)
    first, second = (one_axis(a, m.ndim) for a in axes)
    if first == second:
        raise ValueError("Axes must be different.")
    k %= 4
    if k == 0:
        return m[:]
    if k == 2:
        return _np_flip(m, (first, second))
    return np.swapaxes(_np_flip(m, second), first, second) if k == 1 else _np_flip(np.swapaxes(m, first, second),
        second)


@implements(np.rollaxis)
def _np_rollaxis(a, axis, start=0):
    a = as_array(a)
    axis, start = one_axis(axis, a.ndim), start + a.ndim if start < 0 else start
    return np.moveaxis(a, axis, start - 1 if axis < start else start)


@implements(np.roll)
def _np_roll(a, shift, axis=None):
    a, shift = as_array(a), fixed(shift, "np.roll")
    if axis is None:
        return reshape(_np_roll(reshape(a, (-1,)), np.sum(shift), 0), a.shape)
    for s, k in np.broadcast(shift, axis):
        k = one_axis(k, a.ndim)
        a = a[(slice(None),) * k + (np.roll(np.arange(a.shape[k]), int(s)),)]
    return a


@implements(np.lib.stride_tricks.sliding_window_view)
def _np_sliding_window_view(x, window_shape, axis=None, *, subok=False, writeable=False):
    """Windows along the axes, each a new axis at the end: a gather that a write to x refreshes."""
    x = as_array(x)
    sizes = tuple(window_shape) if np.ndim(window_shape) else (window_shape,)
    given = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    along = [one_axis(k, x.ndim) for k in given]
    if len(sizes) != len(along):
        raise ValueError("Must provide matching length window_shape and axis")
    for size, k in zip(sizes, along, strict=True):
        if size > x.shape[k]:
            raise ValueError("window shape cannot be larger than input array shape")
        places = np.arange(x.shape[k] - size + 1)[:, None] + np.arange(size)
        x = np.moveaxis(gathered(x, (slice(None),) * k + (places,), read_only), k + 1, -1)
    return x


# --- diagonals and triangles ------------------------------------------------------------------------------------------


@implements(np.diagonal)
def diagonal(a, offset=0, axis1=0, axis2=1):
    a = as_array(a)
    first, second = one_axis(axis1, a.ndim), one_axis(axis2, a.ndim)
    if first == second:
        raise ValueError("axis1 and axis2 cannot be the same")
    rest = [i for i in range(a.ndim) if i not in (first, second)]
    i = np.arange(max(min(a.shape[first] + min(offset, 0), a.shape[second] - max(offset, 0)), 0))
    return gathered(np.transpose(a, (*rest, first, second)), (..., i + max(-offset, 0), i + max(offset, 0)), read_only)


@implements(np.diag)
def diag(v, k=0):
    v = as_array(v)
    if v.ndim == 2:
        return diagonal(v, k)
    if v.ndim != 1:
        raise ValueError("Input must be 1- or 2-d.")
    i, n = np.arange(v.shape[0]), v.shape[0] + abs(k)
    index = Static((i + max(-k, 0), i + max(k, 0)))
    return bind(SCATTER, (v,), {"indices": (index,), "shape": (n, n), "based": False})


implements(np.diagflat)(lambda v, k=0: diag(reshape(as_array(v), (-1,)), k))


@implements(np.trace)
def _np_trace(a, offset=0, axis1=0, axis2=1, dtype=None, out=None):
    return np.sum(diagonal(a, offset, axis1, axis2), axis=-1, dtype=dtype, out=out)


def _triangle(keep_lower: bool):
    def triangle(m, k=0):
        m = as_array(m)
        if m.ndim == 1:                      # NumPy broadcasts a vector to a square
            m = np.broadcast_to(m, m.shape * 2)
        lower = np.tri(*m.shape[-2:], k=k if keep_lower else k - 1, dtype=bool)
        zero = np.zeros((), m.dtype)
        return np.where(lower, m, zero) if keep_lower else np.where(lower, zero, m)
    return triangle


implements(np.tril)(_triangle(True))
implements(np.triu)(_triangle(False))


@implements(np.fill_diagonal)
def _np_fill_diagonal(a, val, wrap=False):
    if type(a) is not Tracer:
        raise whole("np.fill_diagonal")
    if a.ndim < 2 or a.ndim > 2 and len(set(a.shape)) > 1:
        raise ValueError("array must be at least 2-d, and all dimensions of input must be of equal length")
    step = a.shape[1] + 1 if a.ndim == 2 else 1 + int(np.cumprod(a.shape[:-1]).sum())
    end = None if wrap or a.ndim > 2 else a.shape[1] ** 2
    spots, val = np.arange(a.size)[:end:step], np.ravel(as_array(val))
    if spots.size and val.size:
        a.flat[spots] = val[np.arange(spots.size) % val.size]


@implements(np.vander)
def _np_vander(x, N=None, increasing=False):
    """Columns x⁰, x¹, …, each the one before times x."""
    x = as_array(x)
    if x.ndim != 1:
        raise ValueError("x must be a one-dimensional array or sequence.")
    columns = [np.ones_like(x)]
    for _ in range((x.shape[0] if N is None else N) - 1):
        columns.append(columns[-1] * x)
    if N == 0:
        return np.zeros((x.shape[0], 0))
    return np.stack(columns if increasing else columns[::-1], axis=1)
