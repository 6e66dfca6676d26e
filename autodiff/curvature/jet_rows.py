"""Enclosures of Taylor coefficients f⁽ᵏ⁾(v)/k!, k = 0 … 3, of elementwise operations of one variable over ranges v."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import log, pi
from math import sqrt as root_of

import numpy as np
import scipy.special as sp

from ..interpreters import interval
from ..intervals import (
    INF,
    Interval,
    absolute,
    add,
    divide,
    multiply,
    negative,
    outward,
    point,
    reciprocal,
    relative,
    square,
    subtract,
)
from ..intervals import sqrt as root
from ..primitive import PRIMITIVES
from .limits import rational_power, rule
from .polynomials import enclosed, span

ORDER = 3                               # coefficients 0 … 3
Jet = list                              # of Interval, or None for 0


def number(c) -> Interval:
    """An enclosure of a rational, or of a float that stands for an irrational number."""
    return enclosed(c) if isinstance(c, Fraction) else outward(np.float64(c), np.float64(c), 2)


def scaled(c, x: Interval) -> Interval:
    return multiply(enclosed(Fraction(c)) if isinstance(c, int) else number(c), x)


def _one(v: Interval) -> Interval:
    return point(np.ones(np.shape(v.lo)))


def _plus(c: float, v: Interval) -> Interval:
    return add(point(np.float64(c)), v)


def _over(c: int, x: Interval) -> Interval:
    return divide(x, point(np.full((1,) * np.ndim(x.lo), float(c))))


def _exponential(name: str, rate):
    def row(v):
        e = rule("exp" if name == "expm1" else name, v)
        out, c = [rule(name, v), *[e] * ORDER], number(rate) if rate != 1 else None
        factor = None
        for k in range(1, ORDER + 1):
            factor = c if factor is None else multiply(factor, c)
            out[k] = _over((1, 1, 2, 6)[k], e if c is None else multiply(factor, e))
        return out
    return row


def _logarithm(name: str, scale: float, shift: float):
    def row(v):
        w = _plus(shift, v) if shift else v
        w = Interval(np.maximum(w.lo, 0.0), w.hi)
        r = reciprocal(w)
        if scale != 1:
            c = reciprocal(number(scale))
            return [rule(name, v), multiply(c, r), multiply(c, _over(-2, square(r))), multiply(c, _over(
                3, multiply(r, square(r))))]
        return [rule(name, v), r, _over(-2, square(r)), _over(3, multiply(r, square(r)))]
    return row


def _waves(first: str, second: str, signs: tuple[int, int, int, int]):
    def row(v):
        a, b = rule(first, v), rule(second, v)
        return [_over(s * n, x) for s, n, x in zip(signs, (1, 1, 2, 6), (a, b, a, b), strict=True)]
    return row


def _tan(v):
    t = rule("tan", v)
    s = _plus(1.0, square(t))
    return [t, s, multiply(t, s), _over(3, multiply(s, _plus(1.0, scaled(3, square(t)))))]


def _tanh(v):
    t = rule("tanh", v)
    s = reciprocal(square(rule("cosh", v)))
    return [t, s, negative(multiply(t, s)), _over(3, multiply(s, _plus(-1.0, scaled(3, square(t)))))]


def power_jet(v: Interval, p: Fraction) -> Jet:
    """binom(p, k) v^(p−k); for p that is not whole, of the part v >= 0."""
    if p.denominator != 1:
        v = Interval(np.maximum(v.lo, 0.0), np.where(v.hi < 0, np.nan, v.hi))
    out: Jet = []
    factor = Fraction(1)
    for k in range(ORDER + 1):
        if factor == 0:
            out.append(None)
            continue
        x = whole_power(v, int(p) - k) if p.denominator == 1 else rational_power(v, p - k)
        out.append(x if factor == 1 else multiply(enclosed(factor), x))
        factor = factor * (p - k) / (k + 1)
    return out


def whole_power(v: Interval, n: int) -> Interval:
    if n < 0:
        return reciprocal(whole_power(v, -n))
    if n == 0:
        return _one(v)
    if n % 2 == 0:
        return rational_power(absolute(v), Fraction(n))
    ends = [rational_power(point(np.abs(end)), Fraction(n)) for end in v]
    return Interval(np.where(v.lo < 0, -ends[0].hi, ends[0].lo), np.where(v.hi < 0, -ends[1].lo, ends[1].hi))


def _cbrt(v):
    c = rule("cbrt", v)
    r = reciprocal(c)
    r2 = square(r)
    r5 = multiply(r, square(r2))
    return [c, _over(3, r2), _over(-9, r5), scaled(Fraction(5, 81), square(square(r2)))]


def _inverse_wave(name: str, sign: int, radicand: Callable, middle: int, odd: int):
    """f' = ±q^(−1/2), f'' = ∓m v q^(−3/2), with q = radicand(v): f'''/6 = ±(1 + 2·odd v²)/6 q^(−5/2) by q's form."""
    def row(v):
        q = radicand(v)
        q = Interval(np.maximum(q.lo, 0.0), q.hi)
        third = _plus(float(middle), scaled(2, square(v)))
        out = [rational_power(q, Fraction(-1, 2)),
               _over(2, multiply(scaled(odd, v), rational_power(q, Fraction(-3, 2)))),
               _over(6, multiply(third, rational_power(q, Fraction(-5, 2))))]
        return [rule(name, v), *(x if sign > 0 else negative(x) for x in out)]
    return row


def _arctan(v):
    r = reciprocal(_plus(1.0, square(v)))
    return [rule("arctan", v), r, negative(multiply(v, square(r))),
            _over(3, multiply(_plus(-1.0, scaled(3, square(v))), multiply(r, square(r))))]


def _arctanh(v):
    r = reciprocal(multiply(subtract(_one(v), v), _plus(1.0, v)))
    return [rule("arctanh", v), r, multiply(v, square(r)),
            _over(3, multiply(_plus(1.0, scaled(3, square(v))), multiply(r, square(r))))]


def _bell(v: Interval) -> Interval:
    """σ(v)σ(−v), which falls with |v|."""
    a = absolute(v)
    ends = [multiply(rule("expit", point(end)), rule("expit", point(-end))) for end in (a.hi, a.lo)]
    return Interval(np.maximum(ends[0].lo, 0.0), np.minimum(ends[1].hi, 0.25))


def _logistic(v):
    """(σ, σ'/1, σ''/2, σ'''/6): q = σ(1 − σ), q' = −q tanh(v/2), q'' = q(1 − 6q)."""
    q, t = _bell(v), rule("tanh", scaled(Fraction(1, 2), v))
    return [rule("expit", v), q, _over(-2, multiply(q, t)), _over(6, multiply(q, subtract(_one(v), scaled(6, q))))]


def softplus(v):
    s, q, half, _ = _logistic(v)
    value = Interval(*(interval.RULES[PRIMITIVES["logaddexp"]](v, span(0.0, 0.0))))
    return [value, s, _over(2, q), _over(3, half)]


def _log_expit(v):
    value, *rest = softplus(negative(v))
    return [negative(x) if k % 2 == 0 else x for k, x in enumerate((value, *rest))]


def _gauss(name: str, c: float, halves: int, sign: int):
    """f' = c e^(−v²/halves): erf (1), the normal distribution (2)."""
    def row(v):
        e = multiply(number(c), rule("exp", _over(-halves, square(v))))
        out = [e, _over(-halves, multiply(v, e)),
               multiply(_over(6, e), subtract(scaled(Fraction(4, halves**2), square(v)),
                                              scaled(Fraction(2, halves), _one(v))))]
        return [rule(name, v), *(x if sign > 0 else negative(x) for x in out)]
    return row


def _erfi(v):
    e = multiply(number(2 / root_of(pi)), rule("exp", square(v)))
    value = relative(sp.erfi(v.lo), sp.erfi(v.hi), 1e-13)
    return [value, e, multiply(v, e), multiply(_over(3, e), _plus(1.0, scaled(2, square(v))))]


def _entropy(v):
    v = Interval(np.maximum(v.lo, 0.0), v.hi)
    r = reciprocal(v)
    return [rule("entr", v), subtract(point(np.float64(-1.0)), rule("log", v)), _over(-2, r), _over(6, square(r))]


def _log_ndtr(v):
    """(log Φ)' = h = φ/Φ falls, h' = −h(v + h) rises from −1 to 0, h'' is in [0, 0.3]. Sampford 1953."""
    ends = [np.sqrt(2 / pi) / sp.erfcx(-end / root_of(2.0)) for end in (v.hi, v.lo)]
    h = relative(*(np.where(np.isnan(end), 0.0, end) for end in ends), 1e-13)
    rise = multiply(h, add(v, h))
    at = [multiply(point(e), add(point(end), point(e))) for e, end in zip(ends[::-1], v, strict=True)]
    slack = [1e-13 * (1.0 + np.where(np.isfinite(end), np.square(end), INF)) for end in v]
    lo, hi = np.maximum(at[1].lo - slack[1], rise.lo), np.minimum(at[0].hi + slack[0], rise.hi)
    second = Interval(np.clip(np.nan_to_num(lo, nan=0.0), 0.0, 1.0), np.clip(np.nan_to_num(hi, nan=1.0), 0.0, 1.0))
    return [rule("log_ndtr", v), Interval(np.maximum(h.lo, 0.0), h.hi), _over(-2, second),
            _over(6, Interval(np.zeros_like(v.lo), np.full_like(v.hi, 0.3)))]


def _polygamma(n: int, v: Interval) -> Interval:
    """ψ⁽ⁿ⁾ over v > 0, where it is monotone; anything elsewhere."""
    def at(x):
        x = np.where(v.lo > 0, x, 1.0)
        return sp.psi(x) if n == 0 else sp.polygamma(n, x)
    ends = [at(end) for end in v]
    found = relative(np.minimum(*ends), np.maximum(*ends), 1e-12, 1e-14)
    lo, hi = np.where(np.isnan(found.lo), -INF, found.lo), np.where(np.isnan(found.hi), INF, found.hi)
    if n:
        lo, hi = (np.maximum(lo, 0.0), hi) if n % 2 else (lo, np.minimum(hi, 0.0))
    return Interval(np.where(v.lo > 0, lo, -INF), np.where(v.lo > 0, hi, INF))


def _gammaln(v):
    at = [sp.gammaln(np.where(end > 0, end, 1.0)) for end in v]
    lo, hi = relative(np.minimum(*at), np.maximum(*at), 1e-13, 1e-14)
    lo = np.where((v.lo < 1.4616322) & (v.hi > 1.4616321), -0.1214862905358497, lo)
    value = Interval(np.where(v.lo > 0, lo, -INF), np.where(v.lo > 0, hi, INF))
    return [value, _polygamma(0, v), _over(2, _polygamma(1, v)), _over(6, _polygamma(2, v))]


def _digamma(v):
    return [_polygamma(0, v), _polygamma(1, v), _over(2, _polygamma(2, v)), _over(6, _polygamma(3, v))]


def _step(name: str):
    """Constant where its value is one number on the range; a jump elsewhere."""
    def row(v):
        value = rule(name, v)
        settled = value.lo == value.hi
        any_slope = Interval(np.where(settled, 0.0, -INF), np.where(settled, 0.0, INF))
        return [value, *[any_slope] * ORDER]
    return row


UNARY: dict[str, Callable[[Interval], Jet]] = {
    "exp": _exponential("exp", 1), "expm1": _exponential("expm1", 1), "exp2": _exponential("exp2", log(2.0)),
    "exp10": _exponential("exp10", log(10.0)), "log": _logarithm("log", 1, 0.0), "log1p": _logarithm("log1p", 1, 1.0),
    "log2": _logarithm("log2", log(2.0), 0.0), "log10": _logarithm("log10", log(10.0), 0.0),
    "sin": _waves("sin", "cos", (1, 1, -1, -1)), "cos": _waves("cos", "sin", (1, -1, -1, 1)), "tan": _tan,
    "sinh": _waves("sinh", "cosh", (1, 1, 1, 1)), "cosh": _waves("cosh", "sinh", (1, 1, 1, 1)), "tanh": _tanh,
    "sqrt": lambda v: [root(v), *power_jet(v, Fraction(1, 2))[1:]], "cbrt": _cbrt,
    "reciprocal": lambda v: power_jet(v, Fraction(-1)),
    "arcsin": _inverse_wave("arcsin", 1, lambda v: multiply(subtract(_one(v), v), _plus(1.0, v)), 1, 1),
    "arccos": _inverse_wave("arccos", -1, lambda v: multiply(subtract(_one(v), v), _plus(1.0, v)), 1, 1),
    "arcsinh": _inverse_wave("arcsinh", 1, lambda v: _plus(1.0, square(v)), -1, -1),
    "arccosh": _inverse_wave("arccosh", 1, lambda v: multiply(_plus(-1.0, v), _plus(1.0, v)), 1, -1),
    "arctan": _arctan, "arctanh": _arctanh, "expit": _logistic, "log_expit": _log_expit,
    "erf": _gauss("erf", 2 / root_of(pi), 1, 1), "erfc": _gauss("erfc", 2 / root_of(pi), 1, -1), "erfi": _erfi,
    "ndtr": _gauss("ndtr", 1 / root_of(2 * pi), 2, 1), "log_ndtr": _log_ndtr, "entr": _entropy,
    "gammaln": _gammaln, "loggamma": _gammaln, "psi": _digamma, "digamma": _digamma,
    **{name: _step(name) for name in ("sign", "floor", "ceil", "trunc", "rint")},
}
UNARY |= {f"special_{name}": UNARY[name] for name in ("cbrt", "exp2", "expm1", "log1p")}
LINEAR = {"deg2rad": pi / 180, "radians": pi / 180, "rad2deg": 180 / pi, "degrees": 180 / pi}
