"""The forms of reductions that leave NaN out: NaN entries have derivative zero."""

import warnings

import numpy as np

from ..primitive import implements
from .norms import NORM_ROOT
from .shape import as_array, store

_NO_VALUE = np._NoValue


def _hole(a):
    """(a as an array, where it is NaN)."""
    a = as_array(a)
    return a, np.isnan(a) if a.dtype.kind in "fc" else np.zeros(a.shape, bool)


def _replaced(a, value):
    a, hole = _hole(a)
    return np.where(hole, value, a)


def _kept(keepdims) -> bool:
    return bool(keepdims) and keepdims is not _NO_VALUE


def _masked(where, hole):
    return np.logical_not(hole) if where is True or where is _NO_VALUE else np.logical_and(where, np.logical_not(hole))


@implements(np.nansum)
def _np_nansum(a, axis=None, dtype=None, out=None, keepdims=_NO_VALUE, initial=_NO_VALUE, where=_NO_VALUE):
    return np.sum(_replaced(a, 0), axis=axis, dtype=dtype, out=out, keepdims=_kept(keepdims), initial=initial,
                  where=where)


@implements(np.nanprod)
def _np_nanprod(a, axis=None, dtype=None, out=None, keepdims=_NO_VALUE, initial=_NO_VALUE, where=_NO_VALUE):
    return np.prod(_replaced(a, 1), axis=axis, dtype=dtype, out=out, keepdims=_kept(keepdims), initial=initial,
                   where=where)


implements(np.nancumsum)(lambda a, axis=None, dtype=None, out=None: np.cumsum(_replaced(a, 0), axis, dtype, out))
implements(np.nancumprod)(lambda a, axis=None, dtype=None, out=None: np.cumprod(_replaced(a, 1), axis, dtype, out))


def _extreme(name: str, function, empty: float):
    @implements(getattr(np, name))
    def answer(a, axis=None, out=None, keepdims=_NO_VALUE, initial=_NO_VALUE, where=_NO_VALUE):
        a, hole = _hole(a)
        done = function(np.where(hole, empty, a), axis=axis, keepdims=_kept(keepdims), initial=initial, where=where)
        lost = np.all(hole, axis=axis, keepdims=_kept(keepdims))
        if np.any(lost):
            warnings.warn("All-NaN slice encountered", RuntimeWarning, stacklevel=2)
            done = np.where(lost, np.nan, done)
        return store(name, out, done)


_extreme("nanmax", np.max, -np.inf)
_extreme("nanmin", np.min, np.inf)


def _place(name: str, function, empty: float):
    @implements(getattr(np, name))
    def answer(a, axis=None, out=None, *, keepdims=_NO_VALUE):
        a, hole = _hole(a)
        if np.any(np.all(hole, axis=axis)):
            raise ValueError("All-NaN slice encountered")
        return store(name, out, function(np.where(hole, empty, a), axis=axis, keepdims=_kept(keepdims)))


_place("nanargmax", np.argmax, -np.inf)
_place("nanargmin", np.argmin, np.inf)


@implements(np.nanmean)
def _np_nanmean(a, axis=None, dtype=None, out=None, keepdims=_NO_VALUE, *, where=_NO_VALUE):
    a, hole = _hole(a)
    return np.mean(np.where(hole, 0, a), axis=axis, dtype=dtype, out=out, keepdims=_kept(keepdims),
                   where=_masked(where, hole))


@implements(np.nanvar)
def _np_nanvar(a, axis=None, dtype=None, out=None, ddof=0, keepdims=_NO_VALUE, *, where=_NO_VALUE, mean=_NO_VALUE,
               correction=_NO_VALUE):
    a, hole = _hole(a)
    return np.var(np.where(hole, 0, a), axis=axis, dtype=dtype, out=out, ddof=ddof, keepdims=_kept(keepdims),
                  where=_masked(where, hole), mean=mean, correction=correction)


@implements(np.nanstd)
def _np_nanstd(a, axis=None, dtype=None, out=None, ddof=0, keepdims=_NO_VALUE, *, where=_NO_VALUE, mean=_NO_VALUE,
               correction=_NO_VALUE):
    return store("nanstd", out, NORM_ROOT(_np_nanvar(a, axis, dtype, None, ddof, keepdims, where=where, mean=mean,
                                                   correction=correction)))
