"""Truth values over boxes: comparisons that are certain, or possible, logic, and the choice between two arrays."""

from collections.abc import Callable
from functools import partial

import numpy as np

from ..intervals import INF, Interval, hull, numbers, point
from ..primitive import Primitive
from .interval_monotone import row


def _less(strict: bool, x: Interval, y: Interval) -> Interval:
    """x < y or x <= y as truth values: certainly, and possibly."""
    return Interval(x.hi < y.lo, x.lo < y.hi) if strict else Interval(x.hi <= y.lo, x.lo <= y.hi)


def _equal(x: Interval, y: Interval) -> Interval:
    one = (x.lo == x.hi) & (y.lo == y.hi) & (x.lo == y.lo)
    return Interval(one, (x.lo <= y.hi) & (y.lo <= x.hi))


def _not(x: Interval) -> Interval:
    x = truth(x)
    return Interval(~x.hi, ~x.lo)


def truth(x: Interval) -> Interval:
    """Whether x is not 0."""
    return x if x.lo.dtype == bool else Interval((x.lo > 0) | (x.hi < 0), (x.lo != 0) | (x.hi != 0))


def _and(x: Interval, y: Interval) -> Interval:
    x, y = truth(x), truth(y)
    return Interval(x.lo & y.lo, x.hi & y.hi)


def _or(x: Interval, y: Interval) -> Interval:
    x, y = truth(x), truth(y)
    return Interval(x.lo | y.lo, x.hi | y.hi)


def _xor(x: Interval, y: Interval) -> Interval:
    x, y = truth(x), truth(y)
    known = (x.lo == x.hi) & (y.lo == y.hi)
    return Interval(known & (x.lo ^ y.lo), ~known | (x.lo ^ y.lo))


def where(c: Interval, x: Interval, y: Interval) -> Interval:
    """x where c is certain, y where its contrary is, the hull of both elsewhere."""
    c = truth(c)
    if x.lo.dtype != y.lo.dtype:
        x, y = numbers(x), numbers(y)
    if c.lo is c.hi or (c.lo == c.hi).all():
        if x.lo is x.hi and y.lo is y.hi:
            return point(np.where(c.lo, x.lo, y.lo))
        return Interval(np.where(c.lo, x.lo, y.lo), np.where(c.lo, x.hi, y.hi))
    both = hull(*(Interval(*np.broadcast_arrays(*part)) for part in (x, y)))
    return Interval(*(np.where(c.lo, p, np.where(~c.hi, q, b)) for p, q, b in zip(x, y, both, strict=True)))


def _undefined(x: Interval) -> Interval:
    return point(np.isnan(numbers(x).lo))


def _infinite(x: Interval) -> Interval:
    """Real numbers are finite; ±∞ is a constant, or a limit like log 0, and nothing else."""
    x = numbers(x)
    return point((x.lo == INF) | (x.hi == -INF))


def _finite(x: Interval) -> Interval:
    return _not(_or(_infinite(x), _undefined(x)))


def _signbit(x: Interval) -> Interval:
    x = numbers(x)
    return Interval(x.hi < 0, np.signbit(x.lo))


RULES: dict[Primitive, Callable[..., Interval]] = {row(name): rule for name, rule in {
    "where": where, "less": partial(_less, True), "less_equal": partial(_less, False),
    "greater": lambda x, y: _less(True, y, x), "greater_equal": lambda x, y: _less(False, y, x),
    "equal": _equal, "not_equal": lambda x, y: _not(_equal(x, y)), "logical_not": _not, "logical_and": _and,
    "logical_or": _or, "logical_xor": _xor, "isnan": _undefined, "isinf": _infinite, "isfinite": _finite,
    "signbit": _signbit,
}.items()}
