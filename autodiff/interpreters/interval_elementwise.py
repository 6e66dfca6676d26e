"""Ranges of elementwise rows: arithmetic, powers, waves, comparisons and choices, and rows of several arguments.

Rows that rise or fall are in interval_monotone.py. A domain says, of the inputs of a row, where they are inside what it
is defined on.
"""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import scipy.special as sp

from ..graph import CONSTANT, GUARD
from ..intervals import (
    INF,
    Interval,
    absolute,
    add,
    divide,
    down,
    lift,
    multiply,
    negative,
    numbers,
    outward,
    point,
    reciprocal,
    sqrt,
    square,
    subtract,
    up,
)
from ..primitive import Primitive
from .interval_choices import RULES as CHOICES
from .interval_choices import truth, where
from .interval_monotone import CEPHES, CURVES, LIBM, row

__all__ = ["DOMAINS", "RULES", "Domain", "Rule", "apart", "log_add_exp", "power", "truth", "where", "whole_power"]
Rule = Callable[..., Interval]
Domain = Callable[..., np.ndarray]

# --- waves ------------------------------------------------------------------------------------------------------------


def _wave(function: Callable, period: float, peak: float, ulps: float, x: Interval) -> Interval:
    """A cosine of this period that is 1 at `peak`: ±1 where the interval reaches such a point, else by its ends."""
    x = numbers(x)
    ends = [function(end) for end in x]
    least, most = np.minimum(*ends), np.maximum(*ends)
    lo, hi = outward(least, most, ulps)
    moves = x.lo != x.hi
    lo = np.where(moves & _holds(x, period, peak + period / 2), -1.0, np.maximum(lo, -1.0))
    hi = np.where(moves & _holds(x, period, peak), 1.0, np.minimum(hi, 1.0))
    # Of all floats only 0 has a value of exactly 0 (the sine) or 1 (the cosine).
    exact = peak == 0
    lo = np.where((x.lo == 0) & (x.hi == 0), float(exact), np.where((least == 0) & (lo > -1), 0.0, lo))
    return Interval(lo, np.where((most == 0) & (hi < 1), 0.0, hi))


def _holds(x: Interval, period: float, phase: float) -> np.ndarray:
    """Whether some phase + k·period may lie in x; True for ends too large to tell, or infinite."""
    size = np.maximum(np.abs(x.lo), np.abs(x.hi))
    slack = 1e-12 * (period + size)
    return ~(size < 1e9) | (np.floor((x.hi + slack - phase) / period) >= np.ceil((x.lo - slack - phase) / period))


def _tangent(x: Interval) -> Interval:
    x = numbers(x)
    lo, hi = outward(np.tan(x.lo), np.tan(x.hi), LIBM)
    pole = (x.lo != x.hi) & _holds(x, math.pi, math.pi / 2)
    lo, hi = np.where(x.lo == 0, 0.0, lo), np.where(x.hi == 0, 0.0, hi)
    return Interval(np.where(pole, -INF, lo), np.where(pole, INF, hi))


_sine = partial(_wave, np.sin, 2 * math.pi, math.pi / 2, LIBM)
_cosine = partial(_wave, np.cos, 2 * math.pi, 0.0, LIBM)


_sine_of_degrees = partial(_wave, sp.sindg, 360.0, 90.0, CEPHES)
_cosine_of_degrees = partial(_wave, sp.cosdg, 360.0, 0.0, CEPHES)


def _cosine_less_one(x: Interval) -> Interval:
    """−2 sin²(x/2)."""
    return multiply(lift(-2.0), square(_sine(multiply(lift(0.5), x))))


# --- powers -----------------------------------------------------------------------------------------------------------

MOST = 1 << 20      # whole exponents up to this are multiplied out


def power(x: Interval, p: Interval) -> Interval:
    """x^p: by multiplications for whole p, by the ends for other p on x >= 0."""
    x, p = numbers(x), numbers(p)
    if p.lo is p.hi and (p.lo == np.rint(p.lo)).all() and (np.abs(p.lo) <= MOST).all():
        return _choice_of_power(x, p.lo)
    if p.lo is p.hi and (p.lo == 0.5).all():
        return sqrt(x)
    x = Interval(np.where(x.hi < 0, np.nan, np.maximum(x.lo, 0.0)), np.where(x.hi < 0, np.nan, x.hi))
    # x^p is monotone in x for each p, and in p for each x.
    corners = [np.power(a, b) for a in x for b in p]
    lo, hi = outward(np.minimum.reduce(corners), np.maximum.reduce(corners), 2 * LIBM)
    one = (x.lo == 1) & (x.hi == 1) | (p.lo == 0) & (p.hi == 0)
    return Interval(np.where(one, 1.0, np.maximum(lo, 0.0)), np.where(one, 1.0, hi))


def _choice_of_power(x: Interval, p: np.ndarray) -> Interval:
    kinds = np.unique(p)
    if len(kinds) == 1:
        out = whole_power(x, int(kinds[0]))
        shape = np.broadcast(x.lo, p).shape
        return out if out.shape == shape else Interval(*(np.broadcast_to(end, shape) for end in out))
    out = Interval(*(np.zeros(np.broadcast(x.lo, p).shape),) * 2)
    for kind in kinds:
        here = whole_power(x, int(kind))
        out = Interval(*(np.where(p == kind, end, rest) for end, rest in zip(here, out, strict=True)))
    return out


def whole_power(x: Interval, p: int) -> Interval:
    if p < 0:
        return reciprocal(whole_power(x, -p))
    if p == 0:
        return point(np.ones(x.shape))
    if p == 1:
        return x
    if p % 2 == 0:
        x = absolute(x)
        if p == 2:
            return square(x)
    if x.lo is x.hi:
        return _end_power(x.lo, p)
    return Interval(_end_power(x.lo, p).lo, _end_power(x.hi, p).hi)


def _end_power(a: np.ndarray, p: int) -> Interval:
    base, out = Interval(a, a), None
    while p:
        if p & 1:
            out = base if out is None else multiply(out, base)
        p >>= 1
        base = square(base) if p else base
    return out


def _power_domain(x: Interval, p: Interval) -> np.ndarray:
    whole = (p.lo == p.hi) & (p.lo == np.rint(p.lo))
    return np.where(whole, (p.lo >= 0) | apart(x), (x.lo > 0) | (x.lo >= 0) & (p.lo > 0))


def apart(y: Interval) -> np.ndarray:
    """Where y keeps away from 0."""
    return (y.lo > 0) | (y.hi < 0)


def reciprocal_or_zero(y: Interval) -> Interval:
    """1/y, and 0 at 0."""
    out = reciprocal(y)
    zero = ~apart(y)
    lo, hi = (np.where((y.lo == 0) & (y.hi == 0), 0.0, end) for end in out)
    return Interval(np.where(zero, np.minimum(lo, 0.0), lo), np.where(zero, np.maximum(hi, 0.0), hi))


def _scale(x: Interval, y: Interval) -> Interval:
    """The product of a tangent and a derivative, where 0 times anything is 0."""
    out = multiply(x, y)
    if np.isnan(out.lo).any():
        zero = (x.lo == 0) & (x.hi == 0) | (y.lo == 0) & (y.hi == 0)
        return Interval(*(np.where(zero, 0.0, end) for end in out))
    return out


# --- of two arguments -------------------------------------------------------------------------------------------------


def _growing_pair(function: Callable, x: Interval, y: Interval) -> Interval:
    """Exact, and rising in both."""
    if x.lo is x.hi and y.lo is y.hi:
        return point(function(x.lo, y.lo))
    return Interval(function(x.lo, y.lo), function(x.hi, y.hi))


def log_add_exp(x: Interval, y: Interval, exp: str = "exp", log1p: Callable = CURVES["log1p"]) -> Interval:
    """max + log(1 + e^−|x − y|), at the lower ends and at the upper ones."""
    x, y = numbers(x), numbers(y)

    def at(a, b):
        most, gap = np.maximum(a, b), subtract(point(np.minimum(a, b)), point(np.maximum(a, b)))
        gap = Interval(*(np.where(np.isnan(end) & (a == b), 0.0, np.minimum(end, 0.0)) for end in gap))
        return add(point(most), log1p(CURVES[exp](gap)))
    low, high = at(x.lo, y.lo), at(x.hi, y.hi)
    return Interval(np.maximum(low.lo, np.maximum(x.lo, y.lo)), high.hi)


def _log2_1p(x: Interval) -> Interval:
    return CURVES["log2"](add(lift(1.0), x))


def _softplus(value, t: Interval, decay) -> Interval:
    return log_add_exp(t, Interval(np.zeros_like(t.lo), np.zeros_like(t.lo)))


def _hypot(x: Interval, y: Interval) -> Interval:
    a, b = absolute(x), absolute(y)
    lo, hi = outward(np.hypot(a.lo, b.lo), np.hypot(a.hi, b.hi), LIBM)
    low, high = (a.lo == 0) | (b.lo == 0), (a.hi == 0) | (b.hi == 0)
    return Interval(np.where(low, np.maximum(a.lo, b.lo), np.maximum(lo, 0.0)),
                    np.where(high, np.maximum(a.hi, b.hi), hi))


def _arctan2(y: Interval, x: Interval) -> Interval:
    y, x = numbers(y), numbers(x)
    ends = [np.arctan2(a, b) for a in y for b in x]
    lo, hi = outward(np.minimum.reduce(ends), np.maximum.reduce(ends), LIBM)
    cut = (x.lo <= 0) & (y.lo <= 0) & (y.hi >= 0) & ~((x.hi < 0) & (y.lo == 0) & ~np.signbit(y.lo))
    least = (x.lo >= 0) & (y.lo == 0) & (y.hi >= 0)
    return Interval(np.where(cut, -up(np.pi), np.where(least & ~cut, 0.0, lo)), np.where(cut, up(np.pi), hi))


def _remainder(floor: Callable, x: Interval, y: Interval) -> Interval:
    """x − y·floor(x/y): exact subtraction where the floor is one number, else anything up to |y|."""
    x, y = numbers(x), numbers(y)
    q = Interval(*(floor(end) for end in divide(x, y)))
    inside = subtract(x, multiply(q, y))
    size = np.maximum(np.abs(y.lo), np.abs(y.hi))
    if floor is np.floor:
        least, most = np.where(y.lo < 0, -size, 0.0), np.where(y.hi > 0, size, 0.0)
    else:
        least, most = np.where(x.lo < 0, -size, 0.0), np.where(x.hi > 0, size, 0.0)
    one = q.lo == q.hi
    return Interval(np.where(one, np.maximum(inside.lo, least), least),
                    np.where(one, np.minimum(inside.hi, most), most))


def _floor_divide(x: Interval, y: Interval) -> Interval:
    return Interval(*(np.floor(end) for end in divide(x, y)))


def _copysign(x: Interval, y: Interval) -> Interval:
    a, y = absolute(x), numbers(y)
    plus, minus = (y.lo >= 0) & ~np.signbit(y.lo), (y.hi < 0)
    return Interval(np.where(plus, a.lo, -a.hi), np.where(minus, -a.lo, a.hi))


def _heaviside(x: Interval, h: Interval) -> Interval:
    x = numbers(x)
    cases = [(x.lo < 0, 0.0, 0.0), (x.hi > 0, 1.0, 1.0), ((x.lo <= 0) & (x.hi >= 0), *numbers(h))]
    lows, highs = ([np.where(case[0], case[k], np.nan) for case in cases] for k in (1, 2))
    return Interval(np.fmin(np.fmin(*lows[:2]), lows[2]), np.fmax(np.fmax(*highs[:2]), highs[2]))


def _same(x: Interval, *others, **params) -> Interval:
    return x


def _scaled(factor: float, x: Interval) -> Interval:
    return multiply(x, Interval(*(np.full((1, 1), step(factor)) for step in (down, up))))


def _norm_power(x: Interval, **params) -> Interval:
    return power(x, lift(params["power"]))


RULES: dict[Primitive, Rule] = CHOICES | {row(name): rule for name, rule in {
    "add": add, "subtract": subtract, "multiply": multiply, "scale": _scale, "divide": divide, "negative": negative,
    "positive": _same, "reciprocal": reciprocal, "absolute": absolute, "fabs": absolute, "square": square, "sqrt": sqrt,
    "norm_root": sqrt, "norm_power": _norm_power, "power": power, "float_power": power, "sin": _sine, "cos": _cosine,
    "tan": _tangent, "sindg": _sine_of_degrees, "cosdg": _cosine_of_degrees, "cosm1": _cosine_less_one,
    "reciprocal_or_zero": reciprocal_or_zero,
    "powm1": lambda x, p: subtract(power(x, p), lift(1.0)),
    "maximum": partial(_growing_pair, np.maximum), "minimum": partial(_growing_pair, np.minimum),
    "fmax": partial(_growing_pair, np.fmax), "fmin": partial(_growing_pair, np.fmin),
    "logaddexp": log_add_exp, "logaddexp2": lambda x, y: log_add_exp(x, y, "exp2", _log2_1p),
    "softplus": _softplus, "sigmoid": lambda value, t: CURVES["expit"](t),
    "hypot": _hypot, "arctan2": _arctan2, "copysign": _copysign, "heaviside": _heaviside,
    "remainder": partial(_remainder, np.floor), "fmod": partial(_remainder, np.trunc), "floor_divide": _floor_divide,
    "deg2rad": partial(_scaled, np.pi / 180), "radians": partial(_scaled, np.pi / 180),
    "rad2deg": partial(_scaled, 180 / np.pi), "degrees": partial(_scaled, 180 / np.pi),
    "stop_gradient": _same, "barrier": _same,
}.items()}
RULES[GUARD] = lambda x, expected: x
RULES[CONSTANT] = lambda value: lift(value)


def _second_apart(x: Interval, y: Interval) -> np.ndarray:
    return apart(y)


DOMAINS: dict[Primitive, Domain] = {
    **{row(name): _second_apart for name in ("divide", "remainder", "floor_divide", "fmod")},
    **{row(name): (lambda x: x.lo >= 0) for name in ("sqrt", "norm_root")},
    **{row(name): _power_domain for name in ("power", "float_power", "powm1")},
    row("reciprocal"): apart,
    row("tan"): lambda x: ~((x.lo != x.hi) & _holds(x, math.pi, math.pi / 2)),
}
