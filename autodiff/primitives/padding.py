"""What np.pad puts before and after an axis, mode by mode: gathers of the array's own entries, statistics, ramps."""

import numpy as np

from ..primitive import implements
from ..trace import refuse
from .elementwise import astype
from .shape import as_array, broadcast_to, concatenate, fixed


def _take(a, axis: int, places):
    return a[(slice(None),) * axis + (places,)]


def _filled(a, axis: int, count: int, value):
    """`count` layers of a value that broadcasts to one layer."""
    return broadcast_to(astype(as_array(value), a.dtype), (*a.shape[:axis], count, *a.shape[axis + 1:]))


def _sides(a, axis: int, before: int, after: int, pair):
    """The two values of this axis from one, a pair, or a pair an axis."""
    return [_filled(a, axis, count, value) if count else None
            for count, value in zip((before, after), _two(pair, axis), strict=True)]


def _two(value, axis: int):
    value = as_array(value)
    if value.ndim == 0:
        return value, value
    if value.ndim == 1:
        return (value[0], value[-1])
    row = value[axis if value.shape[0] > 1 else 0]
    return row[0], row[-1]


def _edge(a, axis, before, after, _):
    return (_take(a, axis, np.zeros(before, np.intp)) if before else None,
            _take(a, axis, np.full(after, a.shape[axis] - 1)) if after else None)


def _folded(edge: int):
    """reflect (edge 0) and symmetric (edge 1): places that run back and forth; reflect_type "odd" mirrors values."""
    def fill(a, axis, before, after, kind):
        n = a.shape[axis]
        if n == 1 and not edge:
            return _edge(a, axis, before, after, None)
        period = 2 * n if edge else 2 * n - 2
        spots = np.concatenate([np.arange(-before, 0), np.arange(n, n + after)])
        inside = spots % period
        mirrored = np.where(inside < n, inside, period - edge - inside)
        values = _odd(a, axis, spots, n, edge) if kind == "odd" else _take(a, axis, mirrored)
        return (_take(values, axis, slice(0, before)) if before else None,
                _take(values, axis, slice(before, None)) if after else None)
    return fill


def _odd(a, axis, spots, n: int, edge: int):
    """Values mirrored at the ends as well: a[i] + m·(last − first) in even blocks m, (first + last) − a[n−1−i] +
    m·(last − first) in odd ones, which at each border is 2·end − value."""
    period = n if edge else n - 1
    block = np.floor_divide(spots, period)
    inside, odd = spots - block * period, block % 2
    column = tuple(-1 if i == axis else 1 for i in range(a.ndim))
    first, last = _take(a, axis, slice(0, 1)), _take(a, axis, slice(n - 1, n))
    values = _take(a, axis, np.where(odd, n - 1 - inside, inside))
    odd, block = odd.reshape(column), block.reshape(column)
    return (1 - 2 * odd) * values + odd * (first + last) + block * (last - first)


def _wrap(a, axis, before, after, _):
    n = a.shape[axis]
    return (_take(a, axis, np.arange(-before, 0) % n) if before else None,
            _take(a, axis, np.arange(after) % n) if after else None)


def _ramp(a, axis, before, after, ends):
    """From the end value (outermost) towards the edge, which is not reached."""
    def side(count, end, edge, turned):
        if not count:
            return None
        t = np.arange(count)[::-1 if turned else 1] / count
        t = t.reshape(tuple(-1 if i == axis else 1 for i in range(a.ndim)))
        made = end + (edge - end) * t
        return broadcast_to(astype(made, a.dtype), (*a.shape[:axis], count, *a.shape[axis + 1:]))
    left, right = _two(ends, axis)
    n = a.shape[axis]
    return (side(before, left, _take(a, axis, slice(0, 1)), False),
            side(after, right, _take(a, axis, slice(n - 1, n)), True))


def _statistic(function):
    def fill(a, axis, before, after, length):
        n = a.shape[axis]
        sizes = [None if length is None else v for v in ((None, None) if length is None else _two(length, axis))]
        left, right = (n if size is None else min(int(size), n) for size in sizes)
        kept = dict(axis=axis, keepdims=True)
        return (_filled(a, axis, before, function(_take(a, axis, slice(0, left)), **kept)) if before else None,
                _filled(a, axis, after, function(_take(a, axis, slice(n - right, n)), **kept)) if after else None)
    return fill


MODES = {"constant": ("constant_values", 0), "edge": ("", None), "wrap": ("", None), "linear_ramp": ("end_values", 0),
         "reflect": ("reflect_type", "even"), "symmetric": ("reflect_type", "even"),
         **dict.fromkeys(("maximum", "minimum", "mean", "median"), ("stat_length", None))}     # mode -> option, default
FILL = {"constant": _sides, "edge": _edge, "wrap": _wrap, "linear_ramp": _ramp, "reflect": _folded(0),
        "symmetric": _folded(1), "maximum": _statistic(np.max), "minimum": _statistic(np.min),
        "mean": _statistic(np.mean), "median": _statistic(np.median)}


def _pairs(value, ndim: int, name: str):
    """A pair for each axis from what np.pad takes: one number, one pair, or one pair an axis."""
    value = fixed(value, name)
    if isinstance(value, dict):
        return [_pair(value.get(i, value.get(i - ndim, 0))) for i in range(ndim)]
    return np.broadcast_to(np.asarray(value), (ndim, 2)).tolist()


def _pair(value):
    return list(value) if np.ndim(value) else [value, value]


@implements(np.pad)
def _np_pad(array, pad_width, mode="constant", **kwargs):
    a = as_array(array)
    widths = _pairs(pad_width, a.ndim, "np.pad")
    if np.any(np.asarray(widths) < 0):
        raise ValueError("index can't contain negative values")
    if callable(mode) or mode == "empty":
        raise refuse("np.pad with a function, or with mode='empty'",
                     "use mode='constant' and assign to the border: y = np.pad(x, 1); y[0] = ...")
    if mode not in MODES:
        raise ValueError(f"mode '{mode}' is not supported")
    option, default = MODES[mode]
    unknown = set(kwargs) - {option}
    if unknown:
        raise ValueError(f"unsupported keyword arguments for mode '{mode}': {unknown}")
    for axis, (before, after) in enumerate(widths):
        if before or after:
            left, right = FILL[mode](a, axis, before, after, kwargs.get(option, default))
            a = concatenate([part for part in (left, a, right) if part is not None], axis)
    return a.copy() if a is array else a
