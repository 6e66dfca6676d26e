"""Ranges of rows of scipy.special with several arguments: entropies, robust losses, polygammas, moments."""

from collections.abc import Callable
from functools import partial

import numpy as np
import scipy.special as sp

from ..intervals import (
    INF,
    Interval,
    absolute,
    add,
    divide,
    down,
    hull,
    lift,
    multiply,
    negative,
    numbers,
    point,
    reciprocal,
    sqrt,
    square,
    subtract,
)
from ..primitive import PRIMITIVES, Primitive
from .interval_elementwise import RULES as ELEMENTWISE
from .interval_elementwise import Domain, Rule, where
from .interval_elementwise import power as to_power
from .interval_monotone import CURVES, GAMMAS, POSITIVE, ROUGH, Curve, row

_log, RADIANS = CURVES["log"], ELEMENTWISE[row("radians")]


def _xlogy(log: Curve, x: Interval, y: Interval) -> Interval:
    """x log y; 0 at x = 0 whatever y is."""
    out = multiply(x, log(y))
    zero = (x.lo == 0) & (x.hi == 0)
    return Interval(*(np.where(zero, 0.0, end) for end in out)) if zero.any() else out


def _log_ratio(x: Interval, y: Interval) -> Interval:
    """log(x/y), rising in x, falling in y."""
    x, y = POSITIVE.part(numbers(x)), POSITIVE.part(numbers(y))
    return Interval(_log_of_quotient(x.lo, y.hi).lo, _log_of_quotient(x.hi, y.lo).hi)


def _log_of_quotient(a, b) -> Interval:
    """Of two numbers; by two logarithms where the quotient leaves the range."""
    quotient, apart = divide(point(a), point(b)), subtract(_log(point(a)), _log(point(b)))
    near = (quotient.lo > 1e-300) & (quotient.hi < 1e300)
    return Interval(*(np.where(near, p, q) for p, q in zip(_log(quotient), apart, strict=True)))


def _relative_entropy(a, b) -> Interval:
    """a log(a/b) of two numbers, 0 at a = 0."""
    out = multiply(point(a), _log_of_quotient(a, b))
    return Interval(*(np.where(a == 0, 0.0, end) for end in out))


def _rel_entr(x: Interval, y: Interval) -> Interval:
    """x log(x/y): it falls in y, and in x up to y/e, where it is −y/e; convex, so greatest at an end of x."""
    x, y = _above(x), _above(y)
    low = np.minimum(_relative_entropy(x.lo, y.hi).lo, _relative_entropy(x.hi, y.hi).lo)
    high = np.maximum(_relative_entropy(x.lo, y.lo).hi, _relative_entropy(x.hi, y.lo).hi)
    turn = y.hi * 0.36787944117144233
    reached = (x.lo <= turn * (1 + 1e-15)) & (x.hi >= turn * (1 - 1e-15))
    return Interval(np.where(reached, down(down(-turn)), low), high)


def _kl_div(x: Interval, y: Interval) -> Interval:
    """x log(x/y) − x + y: convex, 0 on x = y, falling and rising on the two sides of it."""
    x, y = _above(x), _above(y)

    def at(a, b):
        return add(_relative_entropy(a, b), subtract(point(b), point(a)))
    meet = (x.lo <= y.hi) & (y.lo <= x.hi)
    near_x, near_y = np.where(x.hi < y.lo, x.hi, x.lo), np.where(x.hi < y.lo, y.lo, y.hi)
    low = np.where(meet, 0.0, np.maximum(at(near_x, near_y).lo, 0.0))
    high = np.maximum.reduce([at(a, b).hi for a in x for b in y])
    same = (x.lo == x.hi) & (y.lo == y.hi) & (x.lo == y.lo)
    return Interval(low, np.where(same, 0.0, high))


def _above(x: Interval) -> Interval:
    x = numbers(x)
    return Interval(*(np.where(x.hi < 0, np.nan, np.maximum(end, 0.0)) for end in x))


# --- robust losses: rising in |r| and in the width --------------------------------------------------------------------


def _by_corners(at: Callable, d: Interval, r: Interval) -> Interval:
    a = absolute(r)
    return Interval(np.maximum(at(point(d.lo), point(a.lo)).lo, 0.0), at(point(d.hi), point(a.hi)).hi)


def _huber_at(d: Interval, a: Interval) -> Interval:
    half = lift(0.5)
    outer = multiply(d, subtract(a, multiply(half, d)))
    return where(Interval(a.lo <= d.lo, a.lo <= d.lo), multiply(half, square(a)), outer)


def _pseudo_huber_at(d: Interval, a: Interval) -> Interval:
    """a²/(1 + √(1 + (a/d)²))."""
    root = sqrt(add(lift(1.0), square(divide(a, d))))
    return divide(square(a), add(lift(1.0), root))


def _ramp(d: Interval, r: Interval) -> Interval:
    """r/√(1 + (r/d)²), odd and rising in r; its size rises with d."""
    def size(a, b):
        return divide(a, sqrt(add(lift(1.0), square(divide(a, b)))))
    ends = []
    for end, other in ((r.lo, (d.hi, d.lo)), (r.hi, (d.lo, d.hi))):
        width = point(np.where(end < 0, *other))
        part = size(point(np.abs(end)), width)
        ends.append(hull(where(point(end < 0), negative(part), part)))
    return Interval(ends[0].lo, ends[1].hi)


# --- polygammas and moments -------------------------------------------------------------------------------------------

DIGAMMA = GAMMAS["psi"]


def _zeta(s: Interval, q: Interval) -> Interval:
    """ζ(s, q) falls in q > 0 and is positive, for s > 1; for other s nothing is said."""
    curve = Curve(lambda end: sp.zeta(s.lo, end), ROUGH, POSITIVE, (0.0, INF), rising=False)
    out = curve(q)
    known = (s.lo == s.hi) & (s.lo > 1) & (q.lo >= 0)
    return Interval(np.where(known, out.lo, -INF), np.where(known, out.hi, INF))


def _zeta_change(s: Interval, z: Interval, m: Interval) -> Interval:
    """Σ_k (z+k+m)^−s − (z+k)^−s, with s = 1: ψ(z) − ψ(z + m). It falls in m; for m >= 0 it rises with z."""
    end = add(z, m)
    if (s.lo == 1).all():
        return subtract(DIGAMMA(z), DIGAMMA(end))
    return subtract(_zeta(s, end), _zeta(s, z))


def _of_order(rising: bool, domain, prim: Primitive, kind: type = int) -> Rule:
    """A positive row of an order n and a number, monotone in that."""
    def rule(n: Interval, u: Interval) -> Interval:
        order = kind(n.lo.flat[0])
        if (n.lo != order).any() or (n.hi != order).any():
            return Interval(np.zeros(np.broadcast(n.lo, u.lo).shape), np.full(np.broadcast(n.lo, u.lo).shape, INF))
        return Curve(lambda end: prim.evaluate(order, end), ROUGH, domain, (0.0, INF), rising=rising)(u)
    return rule


def _box_cox(shift: float, x: Interval, power: Interval) -> Interval:
    """(x^λ − 1)/λ, log x for λ = 0: rising in x."""
    base = add(x, lift(shift)) if shift else x
    zero = point((power.lo == 0) & (power.hi == 0))
    return where(zero, _log(base) if not shift else CURVES["log1p"](x),
                 divide(subtract(to_power(base, power), lift(1.0)), power))


def _inverse_box_cox(shift: float, y: Interval, power: Interval) -> Interval:
    """(1 + λy)^{1/λ}, exp y for λ = 0: rising in y."""
    zero = point((power.lo == 0) & (power.hi == 0))
    root = to_power(add(lift(1.0), multiply(power, y)), reciprocal(where(zero, lift(1.0), power)))
    return where(zero, CURVES["expm1" if shift else "exp"](y), subtract(root, lift(shift)) if shift else root)


def _radian(d: Interval, m: Interval, s: Interval) -> Interval:
    """Degrees, minutes and seconds of arc."""
    minutes = add(m, divide(s, lift(60.0)))
    return RADIANS(add(d, divide(minutes, lift(60.0))))


def _beta_ln(exp: bool, a: Interval, b: Interval) -> Interval:
    """log B falls in both, positive, arguments."""
    known = (a.lo >= 0) & (b.lo >= 0)
    curve = Curve(lambda end: end, ROUGH, floor=0.0 if exp else 1e-13)
    function = sp.beta if exp else sp.betaln
    lo, hi = curve(Interval(function(a.hi, b.hi), function(a.lo, b.lo)))
    return Interval(np.where(known, np.maximum(lo, 0.0) if exp else lo, -INF), np.where(known, hi, INF))


RULES: dict[Primitive, Rule] = {row(name): rule for name, rule in {
    "zeta": _zeta, "zeta_change": _zeta_change, "xlogy": partial(_xlogy, CURVES["log"]),
    "xlog1py": partial(_xlogy, CURVES["log1p"]), "log_ratio": _log_ratio, "rel_entr": _rel_entr, "kl_div": _kl_div,
    "huber": partial(_by_corners, _huber_at), "pseudo_huber": partial(_by_corners, _pseudo_huber_at),
    "soft_ramp": _ramp,
    "exp_moment": _of_order(True, CURVES["exp"].domain, PRIMITIVES["exp_moment"]),
    "log_moment": _of_order(False, CURVES["log1p"].domain, PRIMITIVES["log_moment"]),
    "scaled_erfc": _of_order(False, CURVES["exp"].domain, PRIMITIVES["scaled_erfc"]),
    **{name: _of_order(False, POSITIVE, PRIMITIVES[name], float) for name in ("kv", "kve", "kn", "expn")},
    "boxcox": partial(_box_cox, 0.0), "boxcox1p": partial(_box_cox, 1.0),
    "inv_boxcox": partial(_inverse_box_cox, 0.0), "inv_boxcox1p": partial(_inverse_box_cox, 1.0), "radian": _radian,
    "beta": partial(_beta_ln, True), "betaln": partial(_beta_ln, False),
}.items()}


def _inside(*places: int) -> Domain:
    """These inputs are positive."""
    return lambda *inputs: np.logical_and.reduce(np.broadcast_arrays(*[inputs[k].lo > 0 for k in places]))


DOMAINS: dict[Primitive, Domain] = {
    row("zeta"): lambda s, q: (s.lo > 1) & (q.lo > 0), row("log_ratio"): _inside(0, 1),
    row("zeta_change"): lambda s, z, m: (z.lo > 0) & (z.lo + m.lo > 0), row("beta"): _inside(0, 1),
    row("betaln"): _inside(0, 1), row("boxcox"): _inside(0), row("boxcox1p"): lambda x, p: x.lo > -1,
    row("xlogy"): lambda x, y: (y.lo > 0) | (x.lo == 0) & (x.hi == 0) & (y.lo >= 0),
    row("xlog1py"): lambda x, y: (y.lo > -1) | (x.lo == 0) & (x.hi == 0) & (y.lo >= -1),
    row("rel_entr"): lambda x, y: (x.lo >= 0) & (y.lo > 0), row("kl_div"): lambda x, y: (x.lo >= 0) & (y.lo > 0),
    row("huber"): lambda d, r: d.lo >= 0, row("pseudo_huber"): _inside(0), row("soft_ramp"): _inside(0),
    row("log_moment"): lambda n, v: v.lo > -1,
    **{row(name): _inside(1) for name in ("kv", "kve", "kn", "expn")},
    **{row(name): (lambda y, p: 1.0 + np.minimum.reduce([a * b for a in y for b in p]) > 1e-15)
       for name in ("inv_boxcox", "inv_boxcox1p")},
}
