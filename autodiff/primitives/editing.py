"""More or fewer entries: append, insert, delete, repeat, tile, resize, trim_zeros."""

import math
import operator

import numpy as np

from ..primitive import implements
from .elementwise import astype
from .joining import lift_front, section
from .shape import as_array, axes, broadcast_to, concatenate, fixed, one_axis, reshape


@implements(np.append)
def _np_append(arr, values, axis=None):
    if axis is None:
        return concatenate([reshape(as_array(arr), (-1,)), reshape(as_array(values), (-1,))], 0)
    return concatenate([arr, values], axis)


def _flat_axis(a, axis):
    a = as_array(a)
    return (reshape(a, (-1,)), 0) if axis is None else (a, one_axis(axis, a.ndim))


def _chosen(obj, n: int, name: str):
    """What np.insert and np.delete take for places: an int, a slice, integers or a mask."""
    if isinstance(obj, slice):
        return np.arange(*obj.indices(n))
    obj = np.asarray(fixed(obj, name))
    if obj.dtype == bool:
        obj = np.flatnonzero(obj)
    return obj.astype(np.intp) if not obj.size else obj


@implements(np.insert)
def _np_insert(arr, obj, values, axis=None):
    arr, axis = _flat_axis(arr, axis)
    n, values = arr.shape[axis], astype(as_array(values), arr.dtype)
    at = _chosen(obj, n, "np.insert")
    if np.any((at < -n) | (at > n)):
        raise IndexError(f"index {obj} is out of bounds for axis {axis} with size {n}")
    at = np.where(at < 0, at + n, at)
    if at.size == 1:
        values = reshape(values, (1,) * (arr.ndim - values.ndim) + values.shape)
        if not at.ndim:
            values = np.moveaxis(values, 0, axis)
        count = values.shape[axis]
        places = int(at.item()) + np.arange(count)
    else:
        count, places = at.size, np.empty(at.size, np.intp)
        order = np.argsort(at, kind="stable")
        places[order] = at[order] + np.arange(count)
    new = broadcast_to(values, (*arr.shape[:axis], count, *arr.shape[axis + 1:]))
    both = concatenate([arr, new], axis)
    source = np.full(n + count, -1)
    source[places] = n + np.arange(count)
    source[source < 0] = np.arange(n)
    return both[(slice(None),) * axis + (source,)]


@implements(np.delete)
def _np_delete(arr, obj, axis=None):
    arr, axis = _flat_axis(arr, axis)
    n, at = arr.shape[axis], _chosen(obj, arr.shape[axis], "np.delete")
    if np.any((at < -n) | (at >= n)):
        raise IndexError(f"index {obj} is out of bounds for axis {axis} with size {n}")
    kept = np.ones(n, dtype=bool)
    kept[at] = False
    return arr[(slice(None),) * axis + (np.flatnonzero(kept),)]


@implements(np.repeat)
def _np_repeat(a, repeats, axis=None):
    a, axis = _flat_axis(a, axis)
    source = np.repeat(np.arange(a.shape[axis]), fixed(repeats, "np.repeat"))
    return a[(slice(None),) * axis + (source,)]


@implements(np.tile)
def _np_tile(A, reps):
    A, reps = as_array(A), fixed(reps, "np.tile")
    reps = (operator.index(reps),) if np.ndim(reps) == 0 else tuple(map(operator.index, reps))
    ndim = max(len(reps), A.ndim)
    reps = (1,) * (ndim - len(reps)) + reps
    out = lift_front(A, ndim)
    for axis, count in enumerate(reps):
        if count == 0:
            out = out[section(axis, 0, 0)]
        elif count != 1:
            out = concatenate([out] * count, axis)
    return out.copy() if out is A else out


@implements(np.resize)
def _np_resize(a, new_shape):
    """Entries in order, repeated as often as needed."""
    a, new_shape = as_array(a), fixed(new_shape, "np.resize")
    new_shape = tuple(new_shape) if isinstance(new_shape, (tuple, list)) else (operator.index(new_shape),)
    size, flat = math.prod(new_shape), reshape(a, (-1,))
    if any(n < 0 for n in new_shape):
        raise ValueError("all elements of `new_shape` must be non-negative")
    if not a.size:
        return np.zeros(new_shape, a.dtype)
    return reshape(flat[np.arange(size) % a.size], new_shape)


@implements(np.trim_zeros)
def _np_trim_zeros(filt, trim="fb", axis=None):
    """Cut off zeros at the ends; where they are is guarded."""
    a, trim = as_array(filt), trim.lower()
    if set(trim) - set("fb") or not trim or len(trim) > 2:
        raise ValueError(f"unexpected character(s) in `trim`: {trim!r}")
    nonzero = np.argwhere(a)
    index: list = [slice(None)] * a.ndim
    for k in range(a.ndim) if axis is None else axes(axis, a.ndim):
        if not nonzero.size:
            index[k] = slice(0, 0)
        else:
            start, stop = int(nonzero[:, k].min()), int(nonzero[:, k].max()) + 1
            index[k] = slice(start if "f" in trim else None, stop if "b" in trim else None)
    return a[tuple(index)]
