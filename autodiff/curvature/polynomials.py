"""Polynomials in one variable with rational coefficients, exactly: signs on intervals and isolated real roots.

A polynomial is a tuple of Fractions, constant term first, without trailing zeros; () is 0. Sturm 1829; Basu, Pollack &
Roy 2006, ch. 2.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from ..intervals import INF, Interval, add, down, multiply, point, up

Poly = tuple[Fraction, ...]
ZERO: Poly = ()
ONE: Poly = (Fraction(1),)
X: Poly = (Fraction(0), Fraction(1))


def poly(*coefficients) -> Poly:
    """From the constant term up."""
    out = [Fraction(c) for c in coefficients]
    while out and out[-1] == 0:
        out.pop()
    return tuple(out)


def degree(p: Poly) -> int:
    return len(p) - 1


def plus(p: Poly, q: Poly) -> Poly:
    n = max(len(p), len(q))
    return poly(*((p[k] if k < len(p) else 0) + (q[k] if k < len(q) else 0) for k in range(n)))


def scaled(c: Fraction, p: Poly) -> Poly:
    return poly(*(c * a for a in p))


def times(p: Poly, q: Poly) -> Poly:
    if not p or not q:
        return ZERO
    out = [Fraction(0)] * (len(p) + len(q) - 1)
    for i, a in enumerate(p):
        if a:
            for j, b in enumerate(q):
                out[i + j] += a * b
    return poly(*out)


def power(p: Poly, n: int) -> Poly:
    out = ONE
    for _ in range(n):
        out = times(out, p)
    return out


def derivative(p: Poly) -> Poly:
    return poly(*(k * c for k, c in enumerate(p) if k))


def divided(p: Poly, q: Poly) -> tuple[Poly, Poly]:
    """(quotient, remainder)."""
    rest, out = list(p), [Fraction(0)] * max(len(p) - len(q) + 1, 0)
    for k in reversed(range(len(out))):
        out[k] = c = rest[k + len(q) - 1] / q[-1]
        if c:
            for j, b in enumerate(q):
                rest[k + j] -= c * b
    return poly(*out), poly(*rest)


def composed(p: Poly, q: Poly) -> Poly:
    out = ZERO
    for c in reversed(p):
        out = plus(times(out, q), poly(c))
    return out


def value(p: Poly, x: Fraction) -> Fraction:
    out = Fraction(0)
    for c in reversed(p):
        out = out * x + c
    return out


def primitive(p: Poly) -> Poly:
    """p over a positive rational, with whole coefficients that have no common factor."""
    if not p:
        return p
    size = Fraction(math.gcd(*(c.numerator for c in p)), math.lcm(*(c.denominator for c in p)))
    return scaled(1 / size, p)


def common(p: Poly, q: Poly) -> Poly:
    """The greatest common divisor."""
    while q:
        p, q = q, primitive(divided(p, q)[1])
    return primitive(p if not p or p[-1] > 0 else scaled(Fraction(-1), p))


def square_free(p: Poly) -> Poly:
    shared = common(p, derivative(p))
    return primitive(divided(p, shared)[0] if degree(shared) > 0 else p)


class Root(NamedTuple):
    """A real root in [lo, hi], both floats, equal where the root is one; `exact` is the root where it is rational and
    known to be. Else it is the one root w of the square-free `of` in `ends`, or log(w)/scale where scale is not 0.
    """

    lo: float
    hi: float
    exact: Fraction | None
    of: Poly = ZERO
    ends: tuple[Fraction, Fraction] = (Fraction(0), Fraction(0))
    scale: Fraction = Fraction(0)


def same(a: Root, b: Root) -> bool:
    """Whether two roots are certainly one number: known to be rational and equal, or a root that the two polynomials
    share, which changes the sign of their greatest common divisor."""
    if a == b:
        return True
    if a.hi < b.lo or b.hi < a.lo or a.scale != b.scale:
        return False
    if a.exact is not None and b.exact is not None:
        return a.exact == b.exact
    for x, y in ((a, b), (b, a)):
        if x.exact is not None:
            return bool(y.of) and y.ends[0] <= x.exact <= y.ends[1] and value(y.of, x.exact) == 0
    lo, hi = max(a.ends[0], b.ends[0]), min(a.ends[1], b.ends[1])
    if not a.of or not b.of or lo > hi:
        return False
    shared = common(a.of, b.of)
    return degree(shared) > 0 and value(shared, lo) * value(shared, hi) < 0


def distinct(found: Iterable[Root]) -> list[Root]:
    """In order, each number once as far as that is known."""
    out: list[Root] = []
    for root in sorted(found, key=lambda r: (r.lo, r.hi)):
        if not any(same(root, other) for other in out):
            out.append(root)
    return out


@functools.lru_cache(4096)
def roots(p: Poly) -> tuple[Root, ...]:
    """All real roots, each once, in order. Cost: a Sturm chain and 60 halvings a root."""
    if degree(p) < 1:
        return ()
    p = square_free(p)
    chain = [p, derivative(p)]
    while chain[-1]:
        chain.append(primitive(scaled(Fraction(-1), divided(chain[-2], chain[-1])[1])))
    chain.pop()
    bound = 1 + max(abs(c / p[-1]) for c in p)
    bound = Fraction(2) ** max(math.ceil(math.log2(bound.numerator / bound.denominator)) + 1, 1)
    found: list[Root] = []
    stack = [(-bound, bound, _changes(chain, -bound), _changes(chain, bound))]
    while stack:
        a, b, at_a, at_b = stack.pop()              # roots in (a, b]
        if at_a == at_b:
            continue
        if at_a - at_b == 1:
            found.append(_narrowed(p, a, b))
            continue
        m = (a + b) / 2
        at_m = _changes(chain, m)
        stack += [(a, m, at_a, at_m), (m, b, at_m, at_b)]
    return tuple(sorted(found, key=lambda r: (r.lo, r.hi)))


def _changes(chain: list[Poly], x: Fraction) -> int:
    signs = [v > 0 for q in chain if (v := value(q, x))]
    return sum(s != t for s, t in zip(signs, signs[1:], strict=False))


def _narrowed(p: Poly, a: Fraction, b: Fraction) -> Root:
    """The one root of p in (a, b], between neighbouring floats."""
    if degree(p) == 1:
        return _rational(-p[0] / p[1])
    if value(p, b) == 0:
        return _rational(b)
    if value(p, a) == 0:                            # another root
        a = a + _off(p, a, b)
    rising = value(p, b) > 0
    for _ in range(1200):
        m = (a + b) / 2
        guess = Fraction(float(m))
        m = guess if a < guess < b else m
        v = value(p, m)
        if v == 0:
            return _rational(m)
        a, b = (a, m) if (v > 0) == rising else (m, b)
        if float(b) - float(a) <= 2 * math.ulp(max(abs(float(a)), abs(float(b)))):
            break
    simple = ((a + b) / 2).limit_denominator(1000)
    if value(p, simple) == 0 and a <= simple <= b:
        return _rational(simple)
    return Root(below(a), above(b), None, p, (a, b))


def _off(p: Poly, a: Fraction, b: Fraction) -> Fraction:
    """A step from the root a that passes no other."""
    step = (b - a) / 2
    slope = value(derivative(p), a) > 0
    while value(p, a + step) == 0 or (value(p, a + step) > 0) != slope:
        step /= 2
    return step


def _rational(x: Fraction) -> Root:
    return Root(below(x), above(x), x)


def below(x: Fraction) -> float:
    """The largest float that is not above x."""
    near = _near(x)
    return near if near == -INF or near < INF and Fraction(near) <= x else float(down(near))


def above(x: Fraction) -> float:
    near = _near(x)
    return near if near == INF or near > -INF and Fraction(near) >= x else float(up(near))


def _near(x: Fraction) -> float:
    """A float next to x; ±∞ beyond the largest."""
    try:
        return float(x)
    except OverflowError:
        return INF if x > 0 else -INF


def span(lo: float, hi: float) -> Interval:
    """The interval of two numbers."""
    return Interval(np.asarray(lo, float), np.asarray(hi, float))


def enclosed(c: Fraction) -> Interval:
    return span(below(c), above(c))


def evaluated(p: Poly, x: Interval) -> Interval:
    """p at (narrow) intervals, by Horner's rule."""
    out = point(np.zeros(np.shape(x.lo)))
    for number, c in enumerate(reversed(p)):
        out = add(multiply(out, x), enclosed(c)) if number else Interval(
            *(np.broadcast_to(end, np.shape(x.lo)) for end in enclosed(c)))
    return out
