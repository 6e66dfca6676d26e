"""Interval arithmetic on arrays: every result encloses what exact real arithmetic gives.

Each operation is rounded to nearest and, unless it can be seen to have been exact, widened by one unit in the last
place, outwards: sums by their error, which is a number itself (Knuth's TwoSum), products by the digits of factors. So
small integers and dyadic fractions stay exact, and a bound of 0 stays 0. Moore 1966; Ogita, Rump & Oishi 2005, SIAM
J. Sci. Comput. 26. Nothing overflows: a lower end beyond the largest number is that number.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .rounding import INF, LEAST, MAX, TINY, UNIT, WHOLE, down, every, lowest_bit, two_sum, up

__all__ = ["INF", "Interval", "LEAST", "MAX", "UNIT", "absolute", "add", "divide", "down", "every", "granule", "hull",
    "lift", "middle", "multiply", "negative", "numbers", "outward", "point", "reciprocal", "relative", "sqrt",
    "square", "subtract", "total", "two_sum", "up", "within"]


class Interval(NamedTuple):
    """lo <= hi, entry by entry; both of one shape, float64 (or bool for truth values). NaN where nothing is defined.

    In the interpreter the last two axes are directions and boxes, (*shape, D, B); the arithmetic here takes any shape.
    Where lo and hi are one array the interval is a point, and operations take half the time.
    """

    lo: np.ndarray
    hi: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        return np.shape(self.lo)


def point(value) -> Interval:
    """The interval of one value."""
    a = np.asarray(value)
    a = a if a.dtype == bool else a.astype(np.float64)
    return Interval(a, a)


def lift(value) -> Interval:
    """A constant, for all directions and boxes: two axes of length 1 behind its own."""
    a = np.asarray(value)
    a = (a if a.dtype == bool else a.astype(np.float64))[..., None, None]
    return Interval(a, a)


def numbers(x: Interval) -> Interval:
    """Truth values count as 0 and 1."""
    return Interval(x.lo.astype(float), x.hi.astype(float)) if x.lo.dtype == bool else x


# --- rounding ---------------------------------------------------------------------------------------------------------


def outward(lo, hi, ulps: float = 1) -> Interval:
    """Widened by so many units in the last place; an end that overflowed is the largest number."""
    factor, least = (ulps + 1) * 2 * UNIT, (ulps + 1) * LEAST
    low, high = np.minimum(lo, MAX), np.maximum(hi, -MAX)
    return Interval(low - (np.abs(low) * factor + least), high + (np.abs(high) * factor + least))


def relative(lo, hi, size: float, floor: float = 0.0) -> Interval:
    """Widened by `size` of its magnitude and by `floor` at each end, for functions that are computed no better."""
    low, high = np.minimum(lo, MAX), np.maximum(hi, -MAX)
    floor = floor + LEAST
    return Interval(down(low - (np.abs(low) * size + floor)), up(high + (np.abs(high) * size + floor)))


def _rounded(ends: np.ndarray, exact: np.ndarray) -> Interval:
    """From the least to the greatest along the first axis, outwards unless those that attain it are exact."""
    known = every(exact)
    if known and len(ends) == 1:
        return Interval(ends[0], ends[0])
    lo, hi = np.minimum.reduce(ends), np.maximum.reduce(ends)
    if known:
        return Interval(lo, hi)
    rough = ~exact
    low, high = (rough & (ends == lo)).any(axis=0), (rough & (ends == hi)).any(axis=0)
    return Interval(np.where(low, down(lo), lo), np.where(high, up(hi), hi))


def _pairs(x: Interval, y: Interval) -> list[tuple]:
    """The pairs of ends, those of a point once; each end beside its number, to look up what belongs to it."""
    left = [(0, x.lo)] if x.lo is x.hi else [(0, x.lo), (1, x.hi)]
    right = [(0, y.lo)] if y.lo is y.hi else [(0, y.lo), (1, y.hi)]
    return [(i, a, j, b) for i, a in left for j, b in right]


# --- arithmetic -------------------------------------------------------------------------------------------------------


def add(x: Interval, y: Interval) -> Interval:
    x, y = numbers(x), numbers(y)
    lo, low_error = two_sum(x.lo, y.lo)
    if x.lo is x.hi and y.lo is y.hi:
        hi, high_error = lo, low_error
        if every(low_error == 0):
            return Interval(lo, lo)
    else:
        hi, high_error = two_sum(x.hi, y.hi)
    # Where the error is negative the rounded sum is too high for a lower bound; of an infinite end it is NaN.
    return Interval(np.where(low_error < 0, down(lo), np.minimum(lo, MAX)),
                    np.where(high_error > 0, up(hi), np.maximum(hi, -MAX)))


def negative(x: Interval) -> Interval:
    if x.lo is x.hi:
        end = -numbers(x).lo
        return Interval(end, end)
    x = numbers(x)
    return Interval(-x.hi, -x.lo)


def subtract(x: Interval, y: Interval) -> Interval:
    return add(x, negative(y))


def multiply(x: Interval, y: Interval) -> Interval:
    """The products of the ends, with 0·∞ = 0: the end of an interval is a limit, and 0 times it is 0."""
    x, y = numbers(x), numbers(y)
    for a, b in ((x, y), (y, x)):
        if a.lo is a.hi and a.lo.size == 1 and (known := _shifted(a.lo, b)) is not None:
            return known
    pairs = _pairs(x, y)
    digits = [[lowest_bit(end) for end in ends] for ends in ((x.lo, x.hi)[:1 + (x.lo is not x.hi)],
                                                          (y.lo, y.hi)[:1 + (y.lo is not y.hi)])]
    ends = np.empty((len(pairs), *np.broadcast(x.lo, y.lo).shape))
    exact = np.empty(ends.shape, bool)
    for k, (i, a, j, b) in enumerate(pairs):
        np.multiply(a, b, out=ends[k, ...])
        np.greater_equal(digits[0][i] * digits[1][j], WHOLE, out=exact[k, ...])
    size = np.abs(ends)
    if every((size > TINY) & (size < INF)):
        return _rounded(ends, exact)
    zero = np.stack([_nothing(a, b) | _nothing(b, a) for _, a, _, b in pairs])
    ends[zero] = 0.0
    return _signed(_rounded(ends, exact & (size > TINY) | zero), x, y)


def _shifted(a: np.ndarray, y: Interval) -> Interval | None:
    """a y for ±1 and other powers of two, where that is exact."""
    if abs(np.frexp(a.item())[0]) != 0.5:
        return None
    ends = [a * y.lo] if y.lo is y.hi else [a * y.lo, a * y.hi]
    if abs(a.item()) != 1 and not all(every(end / a == old) for end, old in zip(ends, y, strict=False)):
        return None
    return Interval(ends[0], ends[-1]) if a.item() > 0 else Interval(ends[-1], ends[0])


def _nothing(a, b):
    """Where a is 0 and b is defined, broadcast."""
    return (a == 0) & (b == b)


def _signed(out: Interval, x: Interval, y: Interval) -> Interval:
    """A factor known by its sign keeps the product's sign, where rounding from underflow would lose it."""
    same = ((x.lo >= 0) & (y.lo >= 0)) | ((x.hi <= 0) & (y.hi <= 0))
    opposite = ((x.lo >= 0) & (y.hi <= 0)) | ((x.hi <= 0) & (y.lo >= 0))
    lo, hi = np.minimum(out.lo, MAX), np.maximum(out.hi, -MAX)
    return Interval(np.where(same, np.maximum(lo, 0.0), lo), np.where(opposite, np.minimum(hi, 0.0), hi))


def reciprocal(y: Interval) -> Interval:
    """1/y; the whole line where y holds 0 inside, a half line where it only ends there, undefined where y = 0."""
    y = numbers(y)
    if every(((y.lo > 0) | (y.hi < 0)) & (np.abs(y.lo) < INF) & (np.abs(y.hi) < INF)):
        return divide(point(np.ones((1,) * y.lo.ndim)), y)
    inside, zero = (y.lo < 0) & (y.hi > 0), (y.lo == 0) & (y.hi == 0)
    low, high = 1.0 / y.hi, 1.0 / y.lo
    low, high = np.where(_is_shift(y.hi), low, down(low)), np.where(_is_shift(y.lo), high, up(high))
    low = np.where(y.lo >= 0, np.maximum(low, 0.0), np.where(y.hi == 0, -INF, low))
    high = np.where(y.hi <= 0, np.minimum(high, 0.0), np.where(y.lo == 0, INF, high))
    low, high = np.where(inside, -INF, low), np.where(inside, INF, high)
    return Interval(np.where(zero, np.nan, low), np.where(zero, np.nan, high))


def _is_shift(a):
    """Whether 1/a is exact: a power of two, or infinite."""
    return (lowest_bit(a) == WHOLE / 2) & (np.abs(a) > TINY) & (np.abs(a) < 1 / TINY) | np.isinf(a)


def divide(x: Interval, y: Interval) -> Interval:
    """x/y by ends where y keeps away from 0, else x·(1/y)."""
    x, y = numbers(x), numbers(y)
    away = ((y.lo > 0) | (y.hi < 0)) & (np.abs(x.lo) < INF) & (np.abs(x.hi) < INF) & (
        np.abs(y.lo) < INF) & (np.abs(y.hi) < INF)
    if every(away):
        return _quotient(x, y)
    slow, fast = multiply(x, reciprocal(y)), _quotient(x, y)
    return Interval(np.where(away, fast.lo, slow.lo), np.where(away, fast.hi, slow.hi))


def _quotient(x: Interval, y: Interval) -> Interval:
    """The quotients of the ends: exact where the product with the divisor is, and gives the dividend."""
    pairs = _pairs(x, y)
    digits = [lowest_bit(end) for end in ((y.lo, y.hi)[:1 + (y.lo is not y.hi)])]
    ends = np.empty((len(pairs), *np.broadcast(x.lo, y.lo).shape))
    exact = np.empty(ends.shape, bool)
    for k, (_, a, j, b) in enumerate(pairs):
        q = np.divide(a, b, out=ends[k, ...])
        np.logical_and(lowest_bit(q) * digits[j] >= WHOLE, q * b == a, out=exact[k, ...])
        exact[k, ...] &= (np.abs(q) > TINY) & (np.abs(a) > TINY) | (a == 0)
    return _signed(_rounded(ends, exact), x, y)


def absolute(x: Interval) -> Interval:
    x = numbers(x)
    if x.lo is x.hi:
        end = np.abs(x.lo)
        return Interval(end, end)
    return Interval(np.maximum(np.maximum(x.lo, -x.hi), 0.0), np.maximum(-x.lo, x.hi))


def square(x: Interval) -> Interval:
    """x², which is not x·x: it is nonnegative."""
    a = absolute(x)
    low, low_exact = _squared(a.lo)
    if a.lo is a.hi:
        if every(low_exact):
            return Interval(low, low)
        high, high_exact = low, low_exact
    else:
        high, high_exact = _squared(a.hi)
    return Interval(np.where(low_exact, low, np.maximum(down(low), 0.0)), np.where(high_exact, high, up(high)))


def _squared(a):
    """(a² rounded, whether it is exact)."""
    p, digits = a * a, lowest_bit(a)
    return p, (digits * digits >= WHOLE) & (p > TINY) & (p < INF) | (a == 0)


def sqrt(x: Interval) -> Interval:
    """√x over the part of x that is not negative."""
    x = numbers(x)
    low, high = np.sqrt(np.maximum(x.lo, 0.0)), np.sqrt(np.where(x.hi < 0, np.nan, x.hi))
    low = np.where(_is_square(low, x.lo), low, np.maximum(down(low), 0.0))
    return Interval(np.where(x.hi < 0, np.nan, low), np.where(_is_square(high, x.hi), high, up(high)))


def _is_square(root, x):
    digits = lowest_bit(root)
    return (root * root == x) & (digits * digits >= WHOLE) & (x > TINY) | (root == 0)


# --- sums -------------------------------------------------------------------------------------------------------------


def total(x: Interval, axis: tuple[int, ...], keepdims: bool) -> Interval:
    """Sums over axes, by pairs; the errors of all additions, which TwoSum gives, are summed too."""
    x = numbers(x)
    ndim = x.lo.ndim
    axis = tuple(a % ndim for a in axis)
    rest = tuple(i for i in range(ndim) if i not in axis)
    kept = tuple(x.shape[i] for i in rest)
    shape = tuple(1 if i in axis else s for i, s in enumerate(x.shape)) if keepdims else kept
    ends = np.stack([np.transpose(end, (*axis, *rest)).reshape((-1, *kept))
                     for end in x[:1 if x.lo is x.hi else 2]], axis=1)
    s, error = _pairwise(ends)
    if not every(np.abs(s) < INF):         # partial sums have overflowed, or ends are infinite
        s = np.stack([np.where(_settled(s[0], ends[:, 0]), s[0], -INF),
                      np.where(_settled(s[-1], ends[:, -1]), s[-1], INF)])
        error = np.stack([error[0], error[-1]])
    elif len(s) == 1 and not error.any():
        out = s[0].reshape(shape)
        return Interval(out, out)
    rough = error > 0
    lo, hi = np.where(rough[0], down(s[0] - error[0]), s[0]), np.where(rough[-1], up(s[-1] + error[-1]), s[-1])
    if len(ends) > 0 and rough.any():       # what is nonnegative stays so
        lo = np.where((ends[:, 0] >= 0).all(axis=0), np.maximum(lo, 0.0), lo)
        hi = np.where((ends[:, -1] <= 0).all(axis=0), np.minimum(hi, 0.0), hi)
    return Interval(lo.reshape(shape), hi.reshape(shape))


def _settled(s, ends):
    """Where a sum is finite, or NaN because a term is."""
    return np.isfinite(s) | np.isnan(ends).any(axis=0)


def _pairwise(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(the sum along the first axis rounded, a bound on its error)."""
    error = np.zeros(a.shape[1:])
    if len(a) == 0:
        return error, error
    while len(a) > 1:
        half = len(a) // 2
        s, e = two_sum(a[:half], a[half:2 * half])
        error = error + np.add.reduce(np.abs(np.where(np.isfinite(e), e, 0.0)))
        a = np.concatenate([s, a[2 * half:]]) if len(a) % 2 else s
    return a[0], error * (1 + 1e-9)         # (itself a sum of fewer than 2^22 rounded numbers)


# --- sets -------------------------------------------------------------------------------------------------------------


def hull(*parts: Interval) -> Interval:
    """The smallest interval that holds all of them; undefined (NaN) ones add nothing."""
    lo, hi = parts[0]
    for part in parts[1:]:
        lo, hi = np.fmin(lo, part.lo), np.fmax(hi, part.hi)
    return Interval(lo, hi)


def within(x: Interval, least, most) -> Interval:
    """x where it is known to lie between two numbers."""
    return Interval(np.clip(x.lo, least, most), np.clip(x.hi, least, most))


def middle(x: Interval) -> tuple[np.ndarray, np.ndarray]:
    """(m, r) with x inside [m − r, m + r]."""
    if x.lo is x.hi:
        return x.lo, np.zeros(x.shape)
    m = np.where(x.lo == x.hi, x.lo, 0.5 * x.lo + 0.5 * x.hi)
    above, below = two_sum(x.hi, -m), two_sum(m, -x.lo)
    return m, np.maximum(*(np.where(error > 0, up(r), r) for r, error in (above, below)))


def granule(*arrays: np.ndarray) -> float:
    """The largest power of two of which all entries are whole multiples."""
    least = INF
    for a in arrays:
        unit = np.ldexp(lowest_bit(a), np.frexp(a)[1] - 53)
        least = min(least, np.where(a == 0, INF, unit).min(initial=INF))
    return least
