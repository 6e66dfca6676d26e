"""Order: sort, partition, ranks and searches. The order itself is an integer input of a gather, so that one recording
stands for every order; at ties the derivative belongs to the entry that the order puts there."""

import numpy as np

from ..primitive import Primitive, bind, implements, shape_of
from .gather import FirstOnly, take_along
from .reductions import UNSORTED
from .shape import as_array, one_axis, reshape

INDEX = np.dtype(np.intp)


def _ranks(x, axis):
    return np.argsort(x, axis, kind="stable")


ARGSORT = Primitive("argsort", _ranks, lambda x, axis: (shape_of(x), INDEX), partials=(None,),
                    samples=(((UNSORTED,), {"axis": 1}),))
ARGPARTITION = Primitive("argpartition", lambda x, kth, axis: np.argpartition(x, kth, axis),
                         lambda x, kth, axis: (shape_of(x), INDEX), transpose=FirstOnly(),
                         samples=(((UNSORTED,), {"axis": 1, "kth": 1}),))
LEXSORT = Primitive("lexsort", lambda *keys, axis: np.lexsort(keys, axis),
                    lambda *keys, axis: (shape_of(keys[0]), INDEX), transpose=FirstOnly(),
                    samples=(((UNSORTED[0], UNSORTED[1]), {"axis": 0}),))
SEARCHSORTED = Primitive("searchsorted", lambda a, v, side: np.searchsorted(a, v, side),
                         lambda a, v, side: (shape_of(v), INDEX), transpose=FirstOnly(),
                         samples=(((np.array([0.1, 0.5, 2.0]), UNSORTED), {"side": "left"}),
                                  ((np.array([0.1, 0.5, 2.0]), np.float64(0.5)), {"side": "right"})))


def _flattened(a, axis):
    a = as_array(a)
    return (reshape(a, (-1,)), 0) if axis is None else (a, one_axis(axis, a.ndim))


@implements(np.argsort)
def _np_argsort(a, axis=-1, kind=None, order=None, *, stable=None):
    a, axis = _flattened(a, axis)
    return bind(ARGSORT, (a,), {"axis": axis})


@implements(np.sort)
def _np_sort(a, axis=-1, kind=None, order=None, *, stable=None):
    a, axis = _flattened(a, axis)
    return take_along(a, bind(ARGSORT, (a,), {"axis": axis}), axis)


def _argpartition(a, kth, axis: int):
    kth = tuple(kth) if np.ndim(kth) else kth
    return bind(ARGPARTITION, (a,), {"axis": axis, "kth": kth})


@implements(np.argpartition)
def _np_argpartition(a, kth, axis=-1, kind="introselect", order=None):
    a, axis = _flattened(a, axis)
    return _argpartition(a, kth, axis)


@implements(np.partition)
def _np_partition(a, kth, axis=-1, kind="introselect", order=None):
    a, axis = _flattened(a, axis)
    return take_along(a, _argpartition(a, kth, axis), axis)


@implements(np.lexsort)
def _np_lexsort(keys, axis=-1):
    keys = [as_array(k) for k in keys]
    return bind(LEXSORT, tuple(keys), {"axis": one_axis(axis, keys[0].ndim)})


def searchsorted(a, v, side="left"):
    return bind(SEARCHSORTED, (a, v), {"side": side})


@implements(np.searchsorted)
def _np_searchsorted(a, v, side="left", sorter=None):
    a, v = as_array(a), as_array(v)
    side = {"l": "left", "r": "right"}.get(side, side)
    return searchsorted(a if sorter is None else np.take(a, sorter), v, side)


@implements(np.digitize)
def _np_digitize(x, bins, right=False):
    """Places among bins that rise, or fall (decided by their ends: a guard where they are traced)."""
    x, bins = as_array(x), as_array(bins)
    steps = np.diff(bins)
    if not (np.all(steps >= 0) or np.all(steps <= 0)):
        raise ValueError("bins must be monotonically increasing or decreasing")
    if bins.shape[0] > 1 and bins[0] > bins[-1]:
        return bins.shape[0] - searchsorted(bins[::-1], x, "left" if right else "right")
    return searchsorted(bins, x, "left" if right else "right")
