"""Floating-point numbers, one by one: neighbours, the error of a sum, the digits of a factor."""

from __future__ import annotations

import numpy as np

INF = np.inf
MAX = float(np.finfo(float).max)
LEAST = 5e-324                              # the smallest positive number
UNIT = float(np.finfo(float).eps) / 2       # half a unit in the last place of 1
_FIELD, _LEAD = np.int64((1 << 52) - 1), np.int64(1 << 52)
WHOLE = 2.0**53                            # two factors whose digits together are at most 53 have an exact product
TINY = 2.0**-960                           # products below it may lose digits to underflow


def down(x):
    return np.nextafter(x, -INF)


def up(x):
    return np.nextafter(x, INF)


def two_sum(a, b):
    """(s, e) with s = fl(a + b) and s + e = a + b exactly; e is NaN where that overflows."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def lowest_bit(a):
    """2^(53 − the number of binary digits of a): two factors are multiplied exactly if these multiply to 2^53."""
    significand = (a.view(np.int64) & _FIELD) | _LEAD
    return (significand & -significand).astype(float)


def every(condition: np.ndarray) -> bool:
    """all(condition), faster for small arrays."""
    return bool(np.logical_and.reduce(condition, axis=None))
