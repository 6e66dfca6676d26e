"""Means and spreads: mean, var, std, average, with masks and weights."""

import math

import numpy as np

from ..primitive import implements
from .elementwise import astype
from .norms import NORM_ROOT
from .reductions import kept, total
from .shape import as_array, axes, one_axis, reshape, store, transpose

_NO_VALUE = np._NoValue


def _count(a, axis, where, keepdims=False):
    if where is True or where is _NO_VALUE:
        return math.prod(a.shape[i] for i in axis)
    return np.sum(np.broadcast_to(where, a.shape), axis=axis, keepdims=keepdims)


@implements(np.mean)
def _np_mean(a, axis=None, dtype=None, out=None, keepdims=False, *, where=True):
    a = as_array(a)
    a = a if dtype is None else astype(a, dtype)
    count = _count(a, axes(axis, a.ndim), where, kept(keepdims))
    made = total(a, axis, keepdims=kept(keepdims), where=where) / count
    return store("mean", out, astype(made, a.dtype) if a.dtype.kind == "f" else made)


@implements(np.var)
def _np_var(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=True, mean=_NO_VALUE,
            correction=_NO_VALUE):
    ddof, a = ddof if correction is _NO_VALUE else correction, as_array(a)
    a = a if dtype is None else astype(a, dtype)
    centre = _np_mean(a, axis, keepdims=True, where=where) if mean is _NO_VALUE else mean
    count, centred = _count(a, axes(axis, a.ndim), where, kept(keepdims)), a - centre
    square = np.square(centred) if a.dtype.kind != "c" else np.square(centred.real) + np.square(centred.imag)
    left = count - ddof
    if type(left) is int and left <= 0:
        left = 0.0
    elif type(left) is not int:
        left = np.maximum(left, 0)
    made = total(square, axis, keepdims=kept(keepdims), where=where) / left
    return store("var", out, astype(made, a.dtype) if a.dtype.kind == "f" else made)


@implements(np.std)
def _np_std(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=True, mean=_NO_VALUE,
            correction=_NO_VALUE):
    return store("std", out, NORM_ROOT(_np_var(a, axis, dtype, None, ddof, keepdims, where=where, mean=mean,
                                             correction=correction)))


@implements(np.average)
def _np_average(a, axis=None, weights=None, returned=False, *, keepdims=False):
    a, keep = as_array(a), kept(keepdims)
    if weights is None:
        mean = _np_mean(a, axis, keepdims=keep)
        weight = np.broadcast_to(np.asarray(float(_count(a, axes(axis, a.ndim), True)), mean.dtype), mean.shape)
    else:
        weights = as_array(weights)
        if weights.shape != a.shape:
            if axis is None:
                raise TypeError("Axis must be specified when shapes of a and weights differ.")
            along = [one_axis(i, a.ndim) for i in (axis if isinstance(axis, tuple) else (axis,))]
            if weights.shape != tuple(a.shape[i] for i in along):
                raise ValueError("Shape of weights must be consistent with shape of a along specified axis.")
            weights = transpose(weights, np.argsort(along).tolist())
            weights = reshape(weights, tuple(n if i in along else 1 for i, n in enumerate(a.shape)))
        weight = np.sum(np.broadcast_to(weights, a.shape), axis=axis, keepdims=keep)
        mean = np.sum(a * weights, axis=axis, keepdims=keep) / weight
    return (mean, weight) if returned else mean
