"""Closed forms at their special points: roots in u, signs between them, limits at roots, poles and infinity."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import numpy as np

from ..interpreters import interval
from ..intervals import INF, Interval, absolute, add, multiply, outward, point, reciprocal, sqrt, square
from ..primitive import PRIMITIVES
from . import polynomials as P
from .closed import Form, Kernel
from .polynomials import Poly, Root, span

EVERYTHING, NOTHING, ENDLESS = span(-INF, INF), span(0.0, 0.0), span(INF, INF)


def rule(name: str, x: Interval) -> Interval:
    """The enclosure of one elementwise operation."""
    return interval.RULES[PRIMITIVES[name]](x)


def rational_power(x: Interval, p: Fraction) -> Interval:
    """x^p, of the part of x that is not negative where p is not whole."""
    if p < 0:
        return reciprocal(rational_power(x, -p))
    if p.denominator in (1, 2):
        base, n, out = x if p.denominator == 1 else sqrt(x), p.numerator, None
        while n:
            if n & 1:
                out = base if out is None else multiply(out, base)
            base, n = square(base), n >> 1
        return out if out is not None else point(np.ones(np.shape(x.lo)))
    lo, hi = (np.power(np.maximum(end, 0.0), float(p)) for end in x)
    below, above = (4e-16 * (4 + max(1.0, float(p)) * np.abs(np.log(np.maximum(end, 5e-324)))) for end in x)
    lo = np.where(lo == 0, lo, lo * (1 - np.where(np.isfinite(below), below, 0.0)))        # of the exponent's rounding
    lo, hi = outward(lo, hi * (1 + np.where(np.isfinite(above), above, 0.0)), 4)
    return Interval(np.maximum(lo, 0.0), np.where(x.hi < 0, np.nan, hi))


def _term(kernel: Kernel, top: Poly, x: Interval) -> Interval:
    """One term at narrow intervals x."""
    w = x
    if kernel.scale:
        w = rule("exp", multiply(P.enclosed(kernel.scale), x))
    out = P.evaluated(top, w)
    for b, p in kernel.powers:
        out = multiply(out, rational_power(P.evaluated(b, w), p))
    if kernel.expo:
        out = multiply(out, rule("exp", P.evaluated(kernel.expo, x)))
    if kernel.log is not None:
        out = multiply(out, rule("log", absolute(P.evaluated(kernel.log, w))))
    return out


def value(form: Form, x: Interval) -> Interval:
    """A form at narrow intervals x."""
    out = point(np.zeros(np.shape(x.lo)))
    for kernel, top in form.items():
        out = add(out, _term(kernel, top, x))
    return out


def in_u(scale: Fraction, roots: Iterable[Root]) -> list[Root]:
    """Roots in w = e^{su} as numbers u = log(w)/s."""
    if not scale:
        return list(roots)
    out = []
    for r in roots:
        if r.hi > 0 and r.exact != 0:
            w = span(max(r.lo, 0.0), r.hi)
            u = multiply(rule("log", w), reciprocal(P.enclosed(scale)))
            of, ends = (r.of, r.ends) if r.exact is None else (P.poly(-r.exact, 1), (r.exact - 1, r.exact + 1))
            out.append(Root(0.0, 0.0, Fraction(0)) if r.exact == 1 else Root(
                float(u.lo), float(u.hi), None, of, ends, scale))
    return out


def between(lo: Root, hi: Root) -> Fraction | None:
    """A number strictly between, None where the roots touch."""
    if np.isinf(lo.lo) and np.isinf(hi.hi):
        return Fraction(0)
    if np.isinf(lo.lo):
        return Fraction(hi.lo) - 1
    if np.isinf(hi.hi):
        return Fraction(lo.hi) + 1
    return (Fraction(lo.hi) + Fraction(hi.lo)) / 2 if lo.hi < hi.lo else None


def _w(kernel: Kernel, u: Fraction) -> tuple[Fraction, Fraction]:
    """Ends of w at u."""
    if not kernel.scale:
        return u, u
    w = rule("exp", multiply(P.enclosed(kernel.scale), P.enclosed(u)))
    return Fraction(float(w.lo)), Fraction(float(w.hi)) if np.isfinite(w.hi) else Fraction(float(w.lo)) * 2


def _poly_sign(p: Poly, ends: tuple[Fraction, Fraction]) -> int | None:
    signs = {(v > 0) - (v < 0) for v in (P.value(p, end) for end in ends)}
    return signs.pop() if len(signs) == 1 else None


def sign_of(kernel: Kernel, top: Poly, u: Fraction) -> int | None:
    """The sign of a term at a number that is not special."""
    if kernel.log is not None:
        return None
    ends = _w(kernel, u)
    out = _poly_sign(top, ends)
    for b, p in kernel.powers:
        s = _poly_sign(b, ends)
        if s is None or out is None:
            return None
        out *= s if p.denominator == 1 and p.numerator % 2 else abs(s)
    return out


def imaginary(kernel: Kernel, u: Fraction) -> bool:
    ends = _w(kernel, u)
    return any(p.denominator != 1 and _poly_sign(b, ends) == -1 for b, p in kernel.powers)


def _signed(size: Interval, sign: int | None) -> Interval:
    if sign is None:
        return Interval(np.minimum(size.lo, -size.hi), size.hi)
    return size if sign > 0 else Interval(-size.hi, -size.lo) if sign < 0 else NOTHING


def meets(p: Poly, kernel: Kernel, at: Root) -> bool:
    """Whether p has a root that may be this one."""
    return any(r.lo <= at.hi and r.hi >= at.lo for r in in_u(kernel.scale, P.roots(p)))


def certain(p: Poly, kernel: Kernel, at: Root) -> bool:
    """Whether p has this root."""
    return any(P.same(r, at) for r in in_u(kernel.scale, P.roots(p)))


def at_root(kernel: Kernel, top: Poly, at: Root, sign: int | None) -> Interval:
    x = span(at.lo, at.hi)
    zero = meets(top, kernel, at)
    poles = [b for b, p in kernel.powers if p < 0 and meets(b, kernel, at)]
    zeros = [b for b, p in kernel.powers if p > 0 and meets(b, kernel, at)]
    if kernel.log is not None and meets(kernel.log, kernel, at):
        known = any(certain(b, kernel, at) for b in (top, *zeros))
        return NOTHING if known and not poles else EVERYTHING
    if poles:
        return EVERYTHING if sign is None else _signed(
            ENDLESS if not zero and not zeros else span(0.0, INF), sign)
    if any(certain(b, kernel, at) for b in (top, *zeros)):
        return NOTHING
    return _narrow(_term(kernel, top, x))


def _narrow(x: Interval) -> Interval:
    return EVERYTHING if np.isnan(x.lo) or np.isnan(x.hi) else x


def at_infinity(kernel: Kernel, top: Poly, at: float, sign: int | None) -> Interval:
    """The limit of a term at ±∞, by its leading terms."""
    if kernel.log is not None:
        return _log_at_infinity(kernel, top, at)
    sign = sign if sign is not None else 0 if not top else None
    if not kernel.scale:
        if P.degree(kernel.expo) > 0:
            growing = (kernel.expo[-1] > 0) == (at > 0 or P.degree(kernel.expo) % 2 == 0)
            return (EVERYTHING if sign is None else _signed(ENDLESS, sign)) if growing else NOTHING
        order = P.degree(top) + sum(p * P.degree(b) for b, p in kernel.powers)
        leading = [(top[-1], Fraction(1))] + [(b[-1], p) for b, p in kernel.powers]
    elif at > 0:
        order = P.degree(top) + sum(p * P.degree(b) for b, p in kernel.powers)
        leading = [(top[-1], Fraction(1))] + [(b[-1], p) for b, p in kernel.powers]
    else:
        lowest = [(next((k, c) for k, c in enumerate(b) if c), p) for b, p in ((top, Fraction(1)), *kernel.powers)]
        order = -sum(k * p for (k, _), p in lowest)
        leading = [(c, p) for (_, c), p in lowest]
    if order > 0:
        return EVERYTHING if sign is None else _signed(ENDLESS, sign)
    if order < 0:
        return NOTHING
    size = point(np.float64(1.0))
    for c, p in leading:
        size = multiply(size, rational_power(P.enclosed(abs(c)), p))
    if not kernel.scale and kernel.expo:
        size = multiply(size, rule("exp", P.enclosed(kernel.expo[0])))
    return EVERYTHING if sign is None else _signed(size, sign)


def _log_at_infinity(kernel: Kernel, top: Poly, at: float) -> Interval:
    """Of a term with a logarithm: what goes to 0 with log 1, or like a power, does; anything else may be anything."""
    factor = at_infinity(kernel._replace(log=None), top, at, None)
    if kernel.log is None or not np.isfinite(factor.lo):
        return EVERYTHING
    if kernel.scale and at < 0 and kernel.log[:1] == (Fraction(1),):
        return NOTHING
    return NOTHING if factor.lo == factor.hi == 0 else EVERYTHING
