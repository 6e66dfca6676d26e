"""Ranges of elementwise rows that rise or fall, at most turning once: a table of curves, enclosed by their ends.

The library functions behind the rows are not correctly rounded: each curve says by how many units in the last place its
ends are widened, and at which points they are exact.
"""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import scipy.special as sp

from ..intervals import INF, MAX, Interval, absolute, numbers, outward
from ..primitive import PRIMITIVES, Primitive

LIBM = 4        # NumPy states 4 at most for its vector code; 1 in practice
CEPHES = 64     # scipy.special states 2 to 10 of these; twice the worst that 10^5 points showed is below it
ROUGH = 4096    # where those points showed more than 20
LINE = (-INF, INF)


def row(name: str) -> Primitive:
    return PRIMITIVES[name]


class Domain(NamedTuple):
    """Where a row is defined: from `low` to `high`, these included or not."""

    low: float = -INF
    high: float = INF
    with_low: bool = True
    with_high: bool = True

    def holds(self, x: Interval) -> np.ndarray:
        """Where x lies inside."""
        return (x.lo >= self.low if self.with_low else x.lo > self.low) & (
            x.hi <= self.high if self.with_high else x.hi < self.high)

    def part(self, x: Interval) -> Interval:
        """What of x is inside; NaN where nothing is."""
        low, high = x.lo, x.hi
        nothing = (high < self.low if self.with_low else high <= self.low) | (
            low > self.high if self.with_high else low >= self.high)
        return Interval(*(np.where(nothing, np.nan, np.clip(end, self.low, self.high)) for end in x))


ALL, POSITIVE, NONNEGATIVE = Domain(), Domain(0.0, with_low=False), Domain(0.0)
OPEN_UNIT, CLOSED_UNIT = Domain(0.0, 1.0, False, False), Domain(0.0, 1.0)
INNER, BALL = Domain(-1.0, 1.0, False, False), Domain(-1.0, 1.0)
MINUS_ONE = Domain(-1.0, with_low=False)


class Curve(NamedTuple):
    """y = function(x), rising, or falling, on its domain; y lies in `reach`, and exact[x] is y without rounding."""

    function: Callable
    ulps: float
    domain: Domain = ALL
    reach: tuple[float, float] = LINE
    exact: Mapping[float, float] = {}
    rising: bool = True
    floor: float = 0.0                  # an error that does not shrink with y, near a zero of the function

    def __call__(self, x: Interval) -> Interval:
        x = numbers(x)
        if self.domain is not ALL and not self.domain.holds(x).all():
            x = self.domain.part(x)
        if x.lo is x.hi:
            y = self.function(x.lo)
            ends = y, y
        else:
            ends = tuple(self.function(end) for end in (x if self.rising else x[::-1]))
        if self.ulps == 0:
            return Interval(*ends)
        lo, hi = outward(*_told(ends, x, self.reach), self.ulps)
        if self.floor:
            lo, hi = lo - self.floor, hi + self.floor
        least, most = self.reach
        lo = np.maximum(lo, least) if least > -INF else lo
        hi = np.minimum(hi, most) if most < INF else hi
        for at, value in self.exact.items():
            low, high = (x if self.rising else x[::-1])
            lo, hi = np.where(low == at, value, lo), np.where(high == at, value, hi)
        return Interval(lo, hi)


def _told(ends: tuple, x: Interval, reach: tuple) -> tuple:
    """Ends at which the library answers NaN though the row is defined (subnormal arguments): the end of its reach."""
    if not np.isnan(np.maximum.reduce(ends[0] + ends[1], axis=None, initial=0)):
        return ends
    known = x.lo == x.lo
    return tuple(np.where(np.isnan(end) & known, most, end) for end, most in zip(ends, reach, strict=True))


class Turning(NamedTuple):
    """y = function(x), which falls up to `at` and rises from there (or rises and falls, where `top`), with the value
    there between two numbers.
    """

    function: Callable
    ulps: float
    at: tuple[float, float]
    value: tuple[float, float]
    domain: Domain = ALL
    top: bool = False
    exact: Mapping[float, float] = {}
    floor: float = 0.0

    def __call__(self, x: Interval) -> Interval:
        x = numbers(x)
        x = x if self.domain.holds(x).all() else self.domain.part(x)
        first, last = (self.function(end) for end in x)
        for at, value in self.exact.items():
            first, last = np.where(x.lo == at, value, first), np.where(x.hi == at, value, last)
        lo, hi = outward(np.minimum(first, last), np.maximum(first, last), self.ulps)
        lo, hi = lo - self.floor, hi + self.floor
        for at, value in self.exact.items():            # an exact end is the extreme one
            low, high = (x.lo == at) & (first <= last) | (x.hi == at) & (last <= first), (x.lo == at) & (
                first >= last) | (x.hi == at) & (last >= first)
            lo, hi = np.where(low, value, lo), np.where(high, value, hi)
        turn = (x.lo <= self.at[1]) & (x.hi >= self.at[0])
        if self.top:
            return Interval(lo, np.where(turn, self.value[1], np.minimum(hi, self.value[1])))
        return Interval(np.where(turn, self.value[0], np.maximum(lo, self.value[0])), hi)


def even(curve: Curve) -> Callable[[Interval], Interval]:
    """A function of |x|."""
    return lambda x: curve(absolute(x))


def _fall(function, ulps, domain=ALL, reach=LINE, exact=None, floor=0.0) -> Curve:
    return Curve(function, ulps, domain, reach, exact or {}, False, floor)


_HALF_PI = (-math.nextafter(math.pi / 2, 2), math.nextafter(math.pi / 2, 2))
CURVES: dict[str, Curve] = {
    "exp": Curve(np.exp, LIBM, reach=(0.0, INF), exact={0.0: 1.0, -INF: 0.0}),
    "exp2": Curve(np.exp2, LIBM, reach=(0.0, INF), exact={float(k): 2.0**k for k in range(-8, 9)}),
    "exp10": Curve(sp.exp10, CEPHES, reach=(0.0, INF), exact={0.0: 1.0, 1.0: 10.0, 2.0: 100.0}),
    "expm1": Curve(np.expm1, LIBM, reach=(-1.0, INF), exact={0.0: 0.0}),
    "log": Curve(np.log, LIBM, POSITIVE, exact={1.0: 0.0, 0.0: -INF}),
    "log2": Curve(np.log2, LIBM, POSITIVE, exact={2.0**k: float(k) for k in range(-4, 5)}),
    "log10": Curve(np.log10, LIBM, POSITIVE, exact={1.0: 0.0, 10.0: 1.0, 100.0: 2.0}),
    "log1p": Curve(np.log1p, LIBM, MINUS_ONE, exact={0.0: 0.0}),
    "cbrt": Curve(np.cbrt, LIBM, exact={0.0: 0.0, 1.0: 1.0, -1.0: -1.0, 8.0: 2.0, -8.0: -2.0, 27.0: 3.0, -27.0: -3.0}),
    "sinh": Curve(np.sinh, LIBM, exact={0.0: 0.0}),
    "tanh": Curve(np.tanh, LIBM, reach=(-1.0, 1.0), exact={0.0: 0.0}),
    "arcsin": Curve(np.arcsin, LIBM, BALL, _HALF_PI, {0.0: 0.0}),
    "arccos": _fall(np.arccos, LIBM, BALL, (0.0, math.nextafter(math.pi, 4)), {1.0: 0.0}),
    "arctan": Curve(np.arctan, LIBM, reach=_HALF_PI, exact={0.0: 0.0}),
    "arcsinh": Curve(np.arcsinh, LIBM, exact={0.0: 0.0}),
    "arccosh": Curve(np.arccosh, LIBM, Domain(1.0), (0.0, INF), {1.0: 0.0}),
    "arctanh": Curve(np.arctanh, LIBM, INNER, exact={0.0: 0.0}),
    "expit": Curve(sp.expit, CEPHES, reach=(0.0, 1.0), exact={0.0: 0.5}),
    "log_expit": Curve(sp.log_expit, CEPHES, reach=(-INF, 0.0)),
    "logit": Curve(sp.logit, CEPHES, OPEN_UNIT, exact={0.5: 0.0}, floor=1e-15),
    "erf": Curve(sp.erf, CEPHES, reach=(-1.0, 1.0), exact={0.0: 0.0}),
    "erfc": _fall(sp.erfc, ROUGH, reach=(0.0, 2.0), exact={0.0: 1.0}),
    "erfcx": _fall(sp.erfcx, ROUGH, reach=(0.0, INF), exact={0.0: 1.0}),
    "erfi": Curve(sp.erfi, ROUGH, exact={0.0: 0.0}),
    "erfinv": Curve(sp.erfinv, CEPHES, INNER, exact={0.0: 0.0}),
    "erfcinv": _fall(sp.erfcinv, CEPHES, Domain(0.0, 2.0, False, False), exact={1.0: 0.0}, floor=1e-15),
    "ndtr": Curve(sp.ndtr, ROUGH, reach=(0.0, 1.0), exact={0.0: 0.5}),
    "log_ndtr": Curve(sp.log_ndtr, ROUGH, reach=(-INF, 0.0)),
    "ndtri": Curve(sp.ndtri, ROUGH, OPEN_UNIT, exact={0.5: 0.0}, floor=1e-14),
    "exprel": Curve(sp.exprel, CEPHES, reach=(0.0, INF), exact={0.0: 1.0}),
    "wrightomega": Curve(sp.wrightomega, ROUGH, reach=(0.0, INF)),
    "exp1": _fall(sp.exp1, ROUGH, POSITIVE, (0.0, INF)),
    "spence": _fall(sp.spence, ROUGH, NONNEGATIVE, floor=1e-15),
    "ellipk": Curve(sp.ellipk, CEPHES, Domain(high=1.0, with_high=False), (0.0, INF)),
    "ellipkm1": _fall(sp.ellipkm1, CEPHES, POSITIVE, (0.0, INF)),
    "ellipe": _fall(sp.ellipe, CEPHES, Domain(high=1.0), (1.0, INF), {1.0: 1.0}),
    "k0": _fall(sp.k0, CEPHES, POSITIVE, (0.0, INF)), "k1": _fall(sp.k1, CEPHES, POSITIVE, (0.0, INF)),
    "k0e": _fall(sp.k0e, CEPHES, POSITIVE, (0.0, INF)), "k1e": _fall(sp.k1e, CEPHES, POSITIVE, (0.0, INF)),
    "i1": Curve(sp.i1, CEPHES, exact={0.0: 0.0}),
    "floor": Curve(np.floor, 0), "ceil": Curve(np.ceil, 0), "trunc": Curve(np.trunc, 0), "rint": Curve(np.rint, 0),
    "special_round": Curve(sp.round, 0), "sign": Curve(np.sign, 0, reach=(-1.0, 1.0)),
}
CURVES |= {twin: CURVES[name] for twin, name in (
    ("special_cbrt", "cbrt"), ("special_exp2", "exp2"), ("special_expm1", "expm1"), ("special_log1p", "log1p"))}



class RightOfZero(NamedTuple):
    """A row with poles at 0 and negative integers: known right of 0 only, anything in `elsewhere` to the left."""

    curve: Callable[[Interval], Interval]
    poles: bool = True
    elsewhere: tuple[float, float] = LINE

    def __call__(self, x: Interval) -> Interval:
        x = numbers(x)
        left = x.lo < 0
        out = self.curve(Interval(*(np.where(left, 1.0, end) for end in x)) if left.any() else x)
        if not left.any():
            return out
        return Interval(np.where(left, self.elsewhere[0], out.lo), np.where(left, self.elsewhere[1], out.hi))

    def holds(self, x: Interval) -> np.ndarray:
        """Where there is no pole."""
        x = numbers(x)
        return ~((np.floor(x.hi) >= np.ceil(x.lo)) & (x.lo <= 0)) if self.poles else np.ones(x.shape, bool)


# ψ vanishes at 1.46163214496836234126, where Γ is 0.88560319441088870028 and log Γ is −0.12148629053584960810.
_GAMMA_AT = (1.461632144968362, 1.461632144968363)
TURNING: dict[str, Turning] = {
    "entr": Turning(sp.entr, CEPHES, (0.36787944117144228, 0.36787944117144239),
                    (0.0, math.nextafter(math.exp(-1.0), 1)), NONNEGATIVE, True, {0.0: 0.0, 1.0: 0.0}, 1e-17),
}
_LOG_LEAST = (-0.1214862905358497, -0.1214862905358495)
GAMMAS: dict[str, RightOfZero] = {
    **{name: RightOfZero(Turning(function, ROUGH, _GAMMA_AT, _LOG_LEAST, exact={1.0: 0.0, 2.0: 0.0}, floor=1e-15))
       for name, function in (("gammaln", sp.gammaln), ("loggamma", sp.loggamma))},
    "gamma": RightOfZero(Turning(sp.gamma, ROUGH, _GAMMA_AT, (0.8856031944108886, 0.8856031944108888),
                                 exact={1.0: 1.0, 2.0: 1.0, 3.0: 2.0, 4.0: 6.0, 0.0: INF})),
    "rgamma": RightOfZero(Turning(sp.rgamma, ROUGH, _GAMMA_AT, (0.0, 1.1291738854545014), top=True,
                                  exact={0.0: 0.0, 1.0: 1.0, 2.0: 1.0, 3.0: 0.5}), False),
    "psi": RightOfZero(Curve(sp.psi, CEPHES, exact={0.0: -INF}, floor=4e-15)),
}
EVEN: dict[str, Curve] = {
    "cosh": Curve(np.cosh, LIBM, reach=(1.0, INF), exact={0.0: 1.0}),
    "i0": Curve(sp.i0, CEPHES, reach=(1.0, INF), exact={0.0: 1.0}),
    "i0e": _fall(sp.i0e, CEPHES, reach=(0.0, 1.0), exact={0.0: 1.0}),
}


class Steady(NamedTuple):
    """y = function(x) with |dy/dx| <= slope and y in `reach`: by the middle of x, to first order."""

    function: Callable
    slope: float
    reach: tuple[float, float]
    error: float

    def __call__(self, x: Interval) -> Interval:
        x = numbers(x)
        m = np.clip(0.5 * x.lo + 0.5 * x.hi, -MAX, MAX)
        y, radius = self.function(m), np.maximum(x.hi - m, m - x.lo)
        change = np.where(np.isfinite(radius), radius * self.slope * (1 + 1e-15), INF) + self.error
        lo, hi = np.maximum(y - change, self.reach[0]), np.minimum(y + change, self.reach[1])
        return Interval(np.where(np.isnan(y), self.reach[0], lo), np.where(np.isnan(y), self.reach[1], hi))


STEADY: dict[str, Steady] = {       # slopes and extremes: DLMF 10.14, 7.5
    "j0": Steady(sp.j0, 0.5819, (-0.40276, 1.0), 1e-14),
    "j1": Steady(sp.j1, 0.5, (-0.58187, 0.58187), 1e-14),
    "dawsn": Steady(sp.dawsn, 1.0, (-0.5410442247, 0.5410442247), 1e-14),
    "i1e": Steady(sp.i1e, 0.5, (-0.21910, 0.21910), 1e-14),
}

RULES: dict[Primitive, Callable[..., Interval]] = {
    **{row(name): curve for name, curve in {**CURVES, **TURNING, **GAMMAS, **STEADY}.items()},
    **{row(name): even(curve) for name, curve in EVEN.items()},
}
DOMAINS: dict[Primitive, Callable[..., np.ndarray]] = {
    **{row(name): curve.domain.holds for name, curve in {**CURVES, **TURNING}.items() if curve.domain is not ALL},
    **{row(name): curve.holds for name, curve in GAMMAS.items() if curve.poles}}
