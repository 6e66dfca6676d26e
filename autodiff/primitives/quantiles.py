"""Median, percentile and quantile by Hyndman & Fan 1996, and their forms that leave out NaN: gathers from the sorted
sample. With NaN left out, the sample's size (so where to gather) depends on the values; a recording stays valid."""


import numpy as np

from ..primitive import implements
from ..trace import refuse
from .elementwise import astype
from .gather import take_along
from .shape import as_array, axes, broadcast_to, reshape, store, transpose

_NO_VALUE = np._NoValue
_POSITION = {"interpolated_inverted_cdf": (0.0, 1.0), "hazen": (0.5, 0.5), "weibull": (0.0, 0.0),
             "linear": (1.0, 1.0), "median_unbiased": (1 / 3, 1 / 3), "normal_unbiased": (3 / 8, 3 / 8)}  # α, β
_DISCRETE = ("inverted_cdf", "averaged_inverted_cdf", "closest_observation", "lower", "higher", "midpoint", "nearest")


def place(n, q, method: str):
    """(left index, weight of the right neighbour) of quantile q in a sorted sample of n, before they are clipped."""
    if method in _POSITION:
        alpha, beta = _POSITION[method]
        virtual = (n - 1) * q if method == "linear" else n * q + (alpha + q * (1 - alpha - beta)) - 1
        left = np.floor(virtual)
        return left, virtual - left
    if method not in _DISCRETE:
        raise ValueError(f"{method!r} is not a valid method. Use one of: {sorted((*_POSITION, *_DISCRETE))}")
    if method in ("lower", "higher", "nearest", "midpoint"):
        virtual = (n - 1) * q
        low, high = np.floor(virtual), np.ceil(virtual)
        if method == "midpoint":
            return low, np.where(low == high, 0.0, 0.5)
        return {"lower": low, "higher": high, "nearest": np.rint(virtual)}[method], 0.0
    virtual = n * q - 1 - (0.5 if method == "closest_observation" else 0.0)
    low = np.floor(virtual)
    exact = virtual - low == 0
    if method == "averaged_inverted_cdf":
        return low, np.where(exact, 0.5, 1.0)
    if method == "closest_observation":
        exact = np.logical_and(exact, np.mod(low, 2) == 1)
    return np.where(exact, low, low + 1), 0.0


def _clipped(index, n):
    return astype(as_array(np.minimum(np.maximum(index, 0), n - 1)), np.dtype(np.intp))


def at_quantile(ordered, n, q, method: str):
    """Quantiles q (any shape, in front) of samples sorted along the last axis, of which the first n count."""
    q = as_array(q)
    column = reshape(q, (*q.shape, *(1,) * (ordered.ndim - 1)))
    left, weight = place(n, column, method)
    last = n - 1
    low, high = _clipped(left, n), _clipped(left + 1, n)
    weight = np.where(np.logical_or(left < 0, left >= last), 0.0, weight)

    def pick(index):
        rows = broadcast_to(as_array(index), (*q.shape, *ordered.shape[:-1]))
        flat = reshape(rows, (-1, *ordered.shape[:-1]))
        moved = transpose(flat, (*range(1, flat.ndim), 0))
        taken = take_along(ordered, moved, ordered.ndim - 1)
        return reshape(transpose(taken, (taken.ndim - 1, *range(taken.ndim - 1))), (*q.shape, *ordered.shape[:-1]))
    a, b = pick(low), pick(high)
    return a if type(weight) is float and weight == 0.0 else np.where(weight >= 0.5, b - (b - a) * (1 - weight),
                                                                       a + (b - a) * weight)


def sample_rows(a, axis):
    """(a with the reduced axes joined at the end, where they were)."""
    a = as_array(a)
    gone = axes(axis, a.ndim)
    rest = [i for i in range(a.ndim) if i not in gone]
    moved = transpose(a, (*rest, *gone))
    size = int(np.prod([a.shape[i] for i in gone], dtype=int))
    return reshape(moved, (*[a.shape[i] for i in rest], size)), gone


def _restored(out, a, gone, lead: int, keepdims):
    if not keepdims or keepdims is _NO_VALUE:
        return out
    return reshape(out, (*out.shape[:lead], *[1 if i in gone else n for i, n in enumerate(as_array(a).shape)]))


def _quantile(name, a, q, axis, out, method, keepdims, weights, skip_nan: bool):
    if weights is not None:
        raise refuse(f"np.{name} with weights=", "sort by hand: order = np.argsort(x); interpolate np.cumsum(w[order])")
    rows, gone = sample_rows(a, axis)
    rows = rows if rows.dtype.kind == "f" else astype(rows, np.dtype(float))
    q = as_array(q)
    if np.any(np.logical_or(q < 0, q > 1)):
        raise ValueError("Percentiles must be in the range [0, 100]" if "percentile" in name else
                         "Quantiles must be in the range [0, 1]")
    ordered = np.sort(rows, axis=-1)
    if skip_nan:
        n = np.sum(np.logical_not(np.isnan(ordered)), axis=-1)
        made = at_quantile(ordered, n * 1.0, q, method)
    else:
        made = at_quantile(ordered, rows.shape[-1], q, method)
        made = np.where(np.isnan(ordered[..., -1]), ordered[..., -1], made)
    made = astype(made, rows.dtype)
    return store(name, out, _restored(made, a, gone, q.ndim, keepdims))


def _answers(name: str, scale: float, skip_nan: bool):
    def answer(a, q, axis=None, out=None, overwrite_input=False, method="linear", keepdims=_NO_VALUE, *, weights=None):
        q = as_array(q)
        return _quantile(name, a, q / scale if scale != 1 else q, axis, out, method, keepdims, weights, skip_nan)
    return answer


for _name, _scale in (("quantile", 1.0), ("percentile", 100.0)):
    implements(getattr(np, _name))(_answers(_name, _scale, False))
    implements(getattr(np, f"nan{_name}"))(_answers(f"nan{_name}", _scale, True))


@implements(np.median)
def _np_median(a, axis=None, out=None, overwrite_input=False, keepdims=False):
    """The mean of the two middle entries; NaN if there is one."""
    rows, gone = sample_rows(a, axis)
    ordered, n = np.sort(rows, axis=-1), rows.shape[-1]
    middle = ordered[..., n // 2] if n % 2 else np.mean(ordered[..., n // 2 - 1:n // 2 + 1], axis=-1)
    if rows.dtype.kind == "f":
        middle = np.where(np.isnan(ordered[..., -1]), ordered[..., -1], middle)
    return store("median", out, _restored(middle, a, gone, 0, keepdims))


@implements(np.nanmedian)
def _np_nanmedian(a, axis=None, out=None, overwrite_input=False, keepdims=_NO_VALUE):
    rows, gone = sample_rows(a, axis)
    ordered = np.sort(rows, axis=-1)
    n = np.sum(np.logical_not(np.isnan(ordered)), axis=-1)
    low, high = (take_along(ordered, reshape(astype(as_array(np.maximum(k, 0)), np.dtype(np.intp)), (*n.shape, 1)),
                            ordered.ndim - 1)[..., 0] for k in (np.floor_divide(n - 1, 2), np.floor_divide(n, 2)))
    middle = np.where(np.mod(n, 2) == 1, low, low * 0.5 + high * 0.5)
    return store("nanmedian", out, _restored(middle, a, gone, 0, keepdims))
