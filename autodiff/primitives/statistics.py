"""Covariance, correlation and histograms. What falls into which bin is piecewise constant; weights and bin edges are
differentiable."""

import math
import operator

import numpy as np

from ..graph import Static
from ..primitive import Tracer, bind, implements, shape_of
from ..trace import refuse
from .elementwise import astype
from .gather import PLACE, SCATTER_AT
from .ordering import searchsorted
from .shape import as_array, fixed, reshape


def _observations(m, rowvar):
    """Variables in rows."""
    m = as_array(m)
    if m.ndim > 2:
        raise ValueError("m has more than 2 dimensions")
    rows = reshape(m, (1, -1)) if m.ndim < 2 else m
    return rows if rowvar or m.ndim == 1 else rows.T


@implements(np.cov)
def cov(m, y=None, rowvar=True, bias=False, ddof=None, fweights=None, aweights=None, *, dtype=None):
    if ddof is not None and ddof != int(ddof):
        raise ValueError("ddof must be integer")
    x = _observations(m, rowvar)
    if y is not None:
        more = _observations(y, True)
        x = np.concatenate([x, more if rowvar or more.shape[0] == 1 else more.T])
    x = astype(x, np.dtype(dtype) if dtype is not None else np.result_type(x.dtype, np.float64))
    ddof = (0 if bias else 1) if ddof is None else ddof
    w = None
    if fweights is not None:
        w = np.asarray(fixed(fweights, "np.cov"), dtype=float)
        if not np.all(w == np.around(w)):
            raise TypeError("fweights must be integer")
    if aweights is not None:
        w = as_array(aweights) if w is None else w * as_array(aweights)
    if w is None:
        centred, scale = x - np.mean(x, axis=1, keepdims=True), x.shape[1] - ddof
        product = np.dot(centred, np.conjugate(centred.T))
    else:
        total = np.sum(w)
        centred = x - (np.dot(x, w) / total)[:, None]
        scale = total - (0 if ddof == 0 else ddof if aweights is None else ddof * np.sum(w * aweights) / total)
        product = np.dot(centred, np.conjugate((centred * w).T))
    return np.squeeze(product * np.true_divide(1, scale))


@implements(np.corrcoef)
def _np_corrcoef(x, y=None, rowvar=True, *, dtype=None):
    c = cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return c / c
    d = np.sqrt(np.real(np.diag(c)))
    c = c / d[:, None] / d[None, :]
    if c.dtype.kind == "c":
        return np.clip(c.real, -1, 1) + 1j * np.clip(c.imag, -1, 1)
    return np.clip(c, -1, 1)


# --- counting ---------------------------------------------------------------------------------------------------------


def tally(places, weights, length: int):
    """out[k] = Σ weights over the entries whose place is k."""
    weights = np.ones(places.shape, np.intp) if weights is None else weights
    return bind(SCATTER_AT, (weights, places), {"index": Static((PLACE,)), "shape": (length,)})


@implements(np.bincount)
def _np_bincount(x, /, weights=None, minlength=0):
    """The length depends on the largest place: it is guarded, the other places are not."""
    x = as_array(x)
    if x.dtype.kind not in "iub":
        raise refuse("np.bincount of a traced float", "count integers: np.bincount(np.floor(x).astype(int), weights)")
    if x.ndim != 1 or x.shape[0] and np.min(x) < 0:
        raise ValueError("object of too small depth, or negative numbers: np.bincount takes a vector of counts")
    length = max(int(np.max(x)) + 1 if x.shape[0] else 0, operator.index(minlength))
    if weights is not None:
        weights = as_array(weights)
        weights = weights if weights.dtype.kind == "f" else astype(weights, np.dtype(float))
    return tally(x, weights, length)


def _edges(a, bins, limits, name: str):
    """Bin edges: given, or equally spaced between limits that default to the extremes of the sample."""
    if isinstance(bins, str):
        raise refuse(f"np.{name} with bins={bins!r}", "give the number of bins, or their edges")
    bins = as_array(bins) if np.ndim(bins) or type(bins) is Tracer else bins
    if shape_of(bins):
        if bins.ndim != 1:
            raise ValueError("`bins` must be 1d, when an array")
        if np.any(bins[:-1] > bins[1:]):
            raise ValueError("`bins` must increase monotonically, when an array")
        return bins
    count = operator.index(fixed(bins, name))
    if count < 1:
        raise ValueError("`bins` must be positive, when an integer")
    if limits is not None:
        first, last = limits
        if first > last:
            raise ValueError("max must be larger than min in range parameter.")
    elif not math.prod(shape_of(a)):
        first, last = 0.0, 1.0
    else:
        first, last = np.min(a), np.max(a)
    if first == last:
        first, last = first - 0.5, last + 0.5
    return np.linspace(first, last, count + 1)


@implements(np.histogram_bin_edges)
def _np_histogram_bin_edges(a, bins=10, range=None, weights=None):
    return _edges(reshape(as_array(a), (-1,)), bins, range, "histogram_bin_edges")


def _bin(a, edges):
    """(bin of every entry, clipped; whether it lies in any): half-open bins, the last one closed."""
    n = edges.shape[0] - 1
    place = searchsorted(edges, a, "right") - 1
    place = np.where(a == edges[-1], n - 1, place)
    return np.minimum(np.maximum(place, 0), n - 1), np.logical_and(a >= edges[0], a <= edges[-1])


@implements(np.histogram)
def _np_histogram(a, bins=10, range=None, density=None, weights=None):
    a = reshape(as_array(a), (-1,))
    edges = _edges(a, bins, range, "histogram")
    place, inside = _bin(a, edges)
    if weights is None:
        counts = tally(place, np.multiply(1, inside), edges.shape[0] - 1)
    else:
        weights = reshape(as_array(weights), (-1,))
        counts = tally(place, np.where(inside, weights, np.zeros((), weights.dtype)), edges.shape[0] - 1)
    if density:
        return counts / np.diff(edges) / np.sum(counts), edges
    return counts, edges


@implements(np.histogramdd)
def histogramdd(sample, bins=10, range=None, density=None, weights=None):
    if type(sample) is Tracer or isinstance(sample, np.ndarray):
        columns = [sample[:, k] for k in np.arange(sample.shape[1])] if sample.ndim == 2 else [sample]
    else:
        columns = [as_array(c) for c in sample]
    per_axis = list(bins) if np.ndim(bins) or isinstance(bins, (list, tuple)) else [bins] * len(columns)
    if len(per_axis) != len(columns):
        raise ValueError("The dimension of bins must be equal to the dimension of the sample x.")
    limits = [None] * len(columns) if range is None else range
    edges = [_edges(c, b, r, "histogramdd") for c, b, r in zip(columns, per_axis, limits, strict=True)]
    shape = tuple(e.shape[0] - 1 for e in edges)
    place, inside = 0, True
    for column, e, n in zip(columns, edges, shape, strict=True):
        here, ok = _bin(column, e)
        place, inside = place * n + here, np.logical_and(inside, ok)
    weights = np.where(inside, 1.0 if weights is None else as_array(weights) * 1.0, 0.0)
    counts = reshape(tally(place, weights, math.prod(shape)), shape)
    if density:
        total = np.sum(counts)
        for k, e in enumerate(edges):
            counts = counts / reshape(np.diff(e), tuple(-1 if i == k else 1 for i, _ in enumerate(shape)))
        counts = counts / total
    return counts, edges


@implements(np.histogram2d)
def _np_histogram2d(x, y, bins=10, range=None, density=None, weights=None):
    if np.ndim(bins) == 1 and len(bins) not in (1, 2):
        bins = [as_array(bins)] * 2
    counts, (first, second) = histogramdd([x, y], list(bins) * (3 - len(bins)) if np.ndim(bins) else bins, range,
                                          density, weights)
    return counts, first, second
