"""Exact closed forms of functions of one variable: sums of N(w)·Π B(w)^p·e^{L(u)}·log|G(w)|, where w is u or e^{su}.

N, B, L, G are polynomials with rational coefficients (a float is a rational). These sums are closed under derivatives,
which are therefore exact, with exact signs: the logistic loss, powers and quotients of polynomials, u eᵘ, √(1 + u²),
log(1 + u²), log cosh u. What is not of this form raises NotClosed.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from . import polynomials as P
from .polynomials import ONE, Poly, X

HIGHEST = 40        # degree of polynomials that are still handled exactly
LARGEST = 1000      # power


class NotClosed(Exception):
    """A function that is not of this form."""


class Kernel(NamedTuple):
    """Π B(w)^p · e^{L(u)} · log|G(w)|; w = u where scale is 0, else e^{scale·u}, scale > 0."""

    scale: Fraction
    powers: tuple[tuple[Poly, Fraction], ...]
    expo: Poly
    log: Poly | None


PLAIN = Kernel(Fraction(0), (), (), None)
Form = dict[Kernel, Poly]               # kernel -> N


def constant(c) -> Form:
    c = float(c) if isinstance(c, np.generic) else c
    if isinstance(c, float) and not math.isfinite(c):
        raise NotClosed
    return {PLAIN: P.poly(Fraction(c))} if c else {}


def number(form: Form) -> Fraction | None:
    """The constant that a form is, or None."""
    if not form:
        return Fraction(0)
    return form[PLAIN][0] if set(form) == {PLAIN} and len(form[PLAIN]) == 1 else None


def polynomial(form: Form) -> Poly | None:
    """The polynomial in u that a form is, or None."""
    if not form:
        return ()
    return form[PLAIN] if set(form) == {PLAIN} else None


def family(kernel: Kernel) -> tuple:
    """What kernels have in common that can be brought to one denominator."""
    odd = frozenset((b, p % 1) for b, p in kernel.powers if p.denominator != 1)
    return kernel.scale, odd, kernel.expo, kernel.log


def collected(terms: list[tuple[Kernel, Poly]]) -> Form:
    """One term a family."""
    groups: dict[tuple, list[tuple[Kernel, Poly]]] = {}
    for kernel, top in terms:
        if top:
            groups.setdefault(family(kernel), []).append((kernel, top))
    out: Form = {}
    for group in groups.values():
        least: dict[Poly, Fraction] = {}
        for kernel, _ in group:
            for b, p in kernel.powers:
                least[b] = min(least.get(b, p), p, p if p.denominator != 1 else Fraction(0))
        total: Poly = ()
        for kernel, top in group:
            own = dict(kernel.powers)
            for b, p in least.items():
                top = P.times(top, _powered(b, own.get(b, Fraction(0)) - p))
            total = P.plus(total, top)
        if total:
            kernel, top = _reduced(group[0][0]._replace(powers=tuple(least.items())), total)
            out[kernel] = P.plus(out.get(kernel, ()), top)
    return {kernel: top for kernel, top in out.items() if top}


def _powered(p: Poly, n: Fraction) -> Poly:
    if P.degree(p) * n > HIGHEST:
        raise NotClosed
    return P.power(p, int(n))


def _reduced(kernel: Kernel, top: Poly) -> tuple[Kernel, Poly]:
    """Factors B of N go to the power of B; whole powers of B to N."""
    powers = []
    for b, p in kernel.powers:
        while top and P.degree(b) > 0 and (p < 0 or p.denominator != 1):
            quotient, rest = P.divided(top, b)
            if rest:
                break
            top, p = quotient, p + 1
        if p > 0 and p.denominator == 1:
            top, p = P.times(top, _powered(b, p)), Fraction(0)
        if p:
            powers.append((b, p))
    if P.degree(top) > HIGHEST or sum(P.degree(b) for b, _ in powers) > HIGHEST:
        raise NotClosed
    return kernel._replace(powers=tuple(sorted(powers))), top


def add(a: Form, b: Form) -> Form:
    return collected([*a.items(), *b.items()])


def scaled(c: Fraction, a: Form) -> Form:
    return {kernel: P.scaled(c, top) for kernel, top in a.items()} if c else {}


def subtract(a: Form, b: Form) -> Form:
    return add(a, scaled(Fraction(-1), b))


def multiply(a: Form, b: Form) -> Form:
    for c, other in ((number(a), b), (number(b), a)):
        if c is not None:
            return scaled(c, other)
    if any(k.scale for k in (*a, *b)):
        a, b = in_exponentials(a, b)
    return collected([(_joined(k, m), P.times(s, t)) for k, s in a.items() for m, t in b.items()])


def _joined(k: Kernel, m: Kernel) -> Kernel:
    if k.log is not None and m.log is not None:
        raise NotClosed
    powers = dict(k.powers)
    for b, p in m.powers:
        powers[b] = powers.get(b, Fraction(0)) + p
    kept = tuple((b, p) for b, p in powers.items() if p)
    return Kernel(k.scale, kept, P.plus(k.expo, m.expo), m.log if k.log is None else k.log)


def in_exponentials(*forms: Form) -> list[Form]:
    """The same as functions of one w = e^{su}."""
    scales = {abs(s) for form in forms for k, t in form.items() if (s := _rate(k, t))}
    if not scales:
        raise NotClosed
    scale = Fraction(math.gcd(*(s.numerator for s in scales)), math.lcm(*(s.denominator for s in scales)))
    return [collected([_in_exponential(k, t, scale) for k, t in form.items()]) for form in forms]


def _rate(k: Kernel, top: Poly) -> Fraction:
    """s where the term is a function of e^{su} alone; 0 for a constant."""
    if k.scale:
        return k.scale
    if k.powers or k.log is not None or len(top) > 1 or len(k.expo) > 2 or k.expo and k.expo[0]:
        raise NotClosed
    return k.expo[1] if k.expo else Fraction(0)


def _in_exponential(k: Kernel, top: Poly, scale: Fraction) -> tuple[Kernel, Poly]:
    times = int(_rate(k, top) / scale)
    if not k.scale:
        return _reduced(Kernel(scale, ((X, Fraction(times)),) if times else (), (), None), top)
    whole = _powered(X, Fraction(times))
    powers = tuple((P.composed(b, whole), p) for b, p in k.powers)
    powers = tuple((X, p * times) if b == whole else (b, p) for b, p in powers)
    return Kernel(scale, powers, (), None if k.log is None else P.composed(k.log, whole)), P.composed(top, whole)


def single(form: Form) -> tuple[Kernel, Poly]:
    """The one term of a form, in exponentials if need be."""
    if len(form) > 1:
        form, = in_exponentials(form)
    if len(form) != 1:
        raise NotClosed
    (kernel, top), = form.items()
    if kernel.log is not None:
        raise NotClosed
    return kernel, top


def positive(p: Poly, exponential: bool) -> bool:
    """Whether p > 0 on the whole line (of w > 0)."""
    if not p:
        return False
    at = P.value(p, Fraction(1))
    return at > 0 and not any(not exponential or r.hi > 0 for r in P.roots(p))


def raised(form: Form, p: Fraction) -> Form:
    """form^p."""
    if p.denominator == 1 and 0 <= p <= 8:
        out = constant(1)
        for _ in range(int(p)):
            out = multiply(out, form)
        return out
    kernel, top = single(form)
    whole = p.denominator == 1
    if abs(p) > LARGEST:
        raise NotClosed
    if not whole:
        if any(not positive(b, bool(kernel.scale)) and not (b == X and kernel.scale) for b, _ in kernel.powers):
            raise NotClosed
        if P.degree(top) > 0 and P.roots(P.common(top, P.derivative(top))):
            raise NotClosed                         # √(u²) is |u|: a kink
        if P.degree(top) <= 0 and top[0] < 0:
            raise NotClosed
    powers = {b: q * p for b, q in kernel.powers}
    size = Fraction(1)
    if whole:
        base = P.primitive(top)
        size = (top[-1] / base[-1]) ** int(p)
    else:
        base = top
    if base != ONE:
        powers[base] = powers.get(base, Fraction(0)) + p
    return collected([(Kernel(kernel.scale, tuple(powers.items()), P.scaled(p, kernel.expo), None), P.poly(size))])


def divide(a: Form, b: Form) -> Form:
    return multiply(a, raised(b, Fraction(-1)))


def exponential(form: Form) -> Form:
    p = polynomial(form)
    if p is None:
        raise NotClosed
    return {Kernel(Fraction(0), (), p, None): ONE}


def logarithm(form: Form) -> Form:
    """Σ of the logarithms of the factors; the product is positive, so each stands for log|·|."""
    kernel, top = single(form)
    out: list[tuple[Kernel, Poly]] = [(PLAIN, kernel.expo)]
    for b, p in ((top, Fraction(1)), *kernel.powers):
        if b == X and kernel.scale:
            out.append((PLAIN, P.poly(0, kernel.scale * p)))
        elif b != ONE:
            out.append((Kernel(kernel.scale, (), (), b), P.poly(p)))
    return collected(out)


def derivative(form: Form) -> Form:
    """d/du."""
    return collected([part for kernel, top in form.items() for part in _term_derivative(kernel, top)])


def _term_derivative(kernel: Kernel, top: Poly) -> list[tuple[Kernel, Poly]]:
    def d(p: Poly) -> Poly:
        moved = P.derivative(p)
        return P.scaled(kernel.scale, P.times(X, moved)) if kernel.scale else moved

    bases = [b for b, _ in kernel.powers]
    whole = ONE
    for b in bases:
        whole = P.times(whole, b)
    moved = P.times(P.plus(d(top), P.times(top, P.derivative(kernel.expo))), whole)
    for i, (b, p) in enumerate(kernel.powers):
        rest = P.scaled(p, P.times(top, d(b)))
        for j, other in enumerate(bases):
            rest = P.times(rest, other) if j != i else rest
        moved = P.plus(moved, rest)
    out = [(kernel._replace(powers=tuple((b, p - 1) for b, p in kernel.powers)), moved)]
    if kernel.log is not None and d(kernel.log):
        powers = dict(kernel.powers)
        powers[kernel.log] = powers.get(kernel.log, Fraction(0)) - 1
        out.append((kernel._replace(powers=tuple(powers.items()), log=None), P.times(top, d(kernel.log))))
    return [_reduced(k, t) for k, t in out if t]
