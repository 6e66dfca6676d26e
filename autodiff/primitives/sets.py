"""Sets: unique, membership, unions and differences. Which entries are there decides shapes, so it is guarded; their
order is not, and the entries keep their derivatives."""

import numpy as np

from ..primitive import implements
from .gather import part_of
from .ordering import searchsorted
from .shape import as_array, one_axis, reshape


class _Unique:
    """The rows of a matrix (n, k) in lexicographic order, and the first of each group of equal ones."""

    def __init__(self, rows, equal_nan: bool = True):
        self.size = n = rows.shape[0]
        self.order = np.argsort(rows[:, 0], kind="stable") if rows.shape[1] == 1 else np.lexsort(
            [rows[:, k] for k in range(rows.shape[1])][::-1])
        self.ordered = part_of(rows, (self.order,))
        before, after = self.ordered[:-1], self.ordered[1:]
        differ = before != after
        if equal_nan and rows.dtype.kind == "f" and rows.shape[1] == 1:
            differ = np.logical_and(differ, np.logical_not(np.isnan(before)))
        self.first = np.flatnonzero(np.concatenate([np.ones(min(n, 1), bool), np.any(differ, axis=1)]))

    def values(self):
        return self.ordered[self.first]

    def index(self):
        return part_of(self.order, (self.first,))

    def inverse(self):
        starts = np.zeros(self.size, np.intp)
        starts[self.first] = 1
        return part_of(np.cumsum(starts) - 1, (np.argsort(self.order),))

    def counts(self):
        return np.diff(np.append(self.first, self.size))


def _unique(ar, axis, equal_nan: bool):
    """(found, values in their shape, shape of the inverse)."""
    ar = as_array(ar)
    if axis is None:
        found = _Unique(reshape(ar, (-1, 1)), equal_nan)
        return found, found.values()[:, 0], ar.shape
    moved = np.moveaxis(ar, one_axis(axis, ar.ndim), 0)
    found = _Unique(reshape(moved, (moved.shape[0], -1)), equal_nan)
    values = reshape(found.values(), (found.first.size, *moved.shape[1:]))
    inverse = tuple(n if i == one_axis(axis, ar.ndim) else 1 for i, n in enumerate(ar.shape)) if ar.ndim > 1 else (-1,)
    return found, np.moveaxis(values, 0, one_axis(axis, ar.ndim)), inverse


@implements(np.unique)
def _np_unique(ar, return_index=False, return_inverse=False, return_counts=False, axis=None, *, equal_nan=True,
               sorted=True):
    found, values, shape = _unique(ar, axis, equal_nan)
    parts = [values]
    if return_index:
        parts.append(found.index())
    if return_inverse:
        parts.append(reshape(found.inverse(), shape))
    if return_counts:
        parts.append(found.counts())
    return values if len(parts) == 1 else tuple(parts)


_RESULTS = {name: type(getattr(np, f"unique_{name}")(np.zeros(1))) for name in ("all", "counts", "inverse")}
implements(np.unique_values)(lambda x: _unique(x, None, False)[1])


@implements(np.unique_all)
def _np_unique_all(x):
    found, values, shape = _unique(x, None, False)
    return _RESULTS["all"](values, found.index(), reshape(found.inverse(), shape), found.counts())


@implements(np.unique_counts)
def _np_unique_counts(x):
    found, values, _ = _unique(x, None, False)
    return _RESULTS["counts"](values, found.counts())


@implements(np.unique_inverse)
def _np_unique_inverse(x):
    found, values, shape = _unique(x, None, False)
    return _RESULTS["inverse"](values, reshape(found.inverse(), shape))


@implements(np.isin)
def isin(element, test_elements, assume_unique=False, invert=False, *, kind=None):
    """Membership by bisection: piecewise constant."""
    element, tests = as_array(element), np.sort(reshape(as_array(test_elements), (-1,)))
    if not tests.shape[0]:
        return np.full(element.shape, invert)
    place = np.minimum(searchsorted(tests, element), tests.shape[0] - 1)
    hit = part_of(tests, (place,)) == element
    return np.logical_not(hit) if invert else hit


def _flat(ar):
    return reshape(as_array(ar), (-1,))


def _values(ar):
    return _unique(ar, None, True)[1]


@implements(np.union1d)
def _np_union1d(ar1, ar2):
    return _values(np.concatenate([_flat(ar1), _flat(ar2)]))


@implements(np.setdiff1d)
def _np_setdiff1d(ar1, ar2, assume_unique=False):
    left = _flat(ar1) if assume_unique else _values(ar1)
    return left[np.flatnonzero(isin(left, ar2, invert=True))]


@implements(np.setxor1d)
def _np_setxor1d(ar1, ar2, assume_unique=False):
    left, right = ((_flat(ar) if assume_unique else _values(ar)) for ar in (ar1, ar2))
    both = np.sort(np.concatenate([left, right]))
    if not both.shape[0]:
        return both
    differ = np.concatenate([[True], both[1:] != both[:-1], [True]])
    return both[np.flatnonzero(np.logical_and(differ[1:], differ[:-1]))]


@implements(np.intersect1d)
def _np_intersect1d(ar1, ar2, assume_unique=False, return_indices=False):
    found = [_Unique(reshape(as_array(ar), (-1, 1))) for ar in (ar1, ar2)]
    left, right = (f.values()[:, 0] for f in found)
    kept = np.flatnonzero(isin(left, right))
    if not return_indices:
        return left[kept]
    places = searchsorted(right, left[kept])
    return left[kept], found[0].index()[kept], part_of(found[1].index(), (places,))
