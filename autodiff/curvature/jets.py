"""Taylor coefficients over intervals: enclosures of φ, φ', φ''/2, φ'''/6 of a program in one variable over ranges of u.

A row f states enclosures of its own coefficients f⁽ᵏ⁾(v)/k! over a range of v (jet_rows.py), and the chain rule
composes. Coefficients that are 0 are None. Where a kink or a step may lie in the range, the coefficients hold its
one-sided slopes, and its jump as an infinite φ''. Griewank & Walther 2008, ch. 13; Moore 1966.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from ..graph import Graph, Node
from ..interpreters import interval
from ..interpreters.interval import NoRule
from ..interpreters.interval_elementwise import truth
from ..intervals import INF, Interval, absolute, add, divide, hull, multiply, negative, point, square
from ..primitive import PRIMITIVES
from ..primitives.elementwise import CAST, F64
from .jet_rows import LINEAR, ORDER, UNARY, Jet, number, power_jet, scaled, softplus
from .polynomials import span

ANY = span(-INF, INF)


def _sum(a, b):
    return b if a is None else a if b is None else add(a, b)


def _times(a, b):
    return None if a is None or b is None else multiply(a, b)


def jet_add(x: Jet, y: Jet) -> Jet:
    return [_sum(a, b) for a, b in zip(x, y, strict=True)]


def jet_negative(x: Jet) -> Jet:
    return [None if a is None else negative(a) for a in x]


def jet_subtract(x: Jet, y: Jet) -> Jet:
    return jet_add(x, jet_negative(y))


def jet_multiply(x: Jet, y: Jet) -> Jet:
    out: Jet = []
    for k in range(len(x)):
        total = None
        for j in range(k + 1):
            total = _sum(total, _times(x[j], y[k - j]))
        out.append(total)
    return out


def jet_square(x: Jet) -> Jet:
    """Cauchy's product with each pair once, and squares as squares."""
    out: Jet = []
    for k in range(len(x)):
        total = None
        for j in range((k + 1) // 2):
            total = _sum(total, _times(x[j], x[k - j]))
        total = None if total is None else scaled(2, total)
        middle = x[k // 2] if k % 2 == 0 else None
        out.append(_sum(total, None if middle is None else square(middle)))
    return out


def composed(f: Jet, v: Jet) -> Jet:
    """Σ f_k (v − v₀)ᵏ."""
    h: Jet = [None, *v[1:]]
    out: Jet = [f[0], *[None] * (len(v) - 1)]
    powers = h
    for k in range(1, len(f)):
        if k == 2:
            powers = jet_square(h)
        elif k > 2:
            powers = jet_multiply(powers, h)
        out = jet_add(out, [_times(f[k], p) for p in powers])
    return out


def absolute_jet(v: Jet) -> Jet:
    """|v|: where v may be 0, slopes of both signs, and the jump 2|v'| >= 0 of the slope."""
    if all(x is None for x in v[1:]):
        return [absolute(v[0]), *v[1:]]
    return [absolute(v[0]), *_switched(v[0].lo > 0, v[0].hi < 0, v, jet_negative(v))]


def _switched(first, second, x: Jet, y: Jet) -> Jet:
    """Coefficients 1 … of max(x, y): of the one that is larger, else the hull of both slopes and a jump upwards."""
    out: Jet = []
    for k, (a, b) in enumerate(zip(x[1:], y[1:], strict=True), 1):
        a, b = (span(0.0, 0.0) if c is None else c for c in (a, b))
        both = hull(a, b)
        low, high = (both.lo if k < 3 else -INF), (both.hi if k < 2 else INF)
        out.append(Interval(np.where(first, a.lo, np.where(second, b.lo, low)),
                            np.where(first, a.hi, np.where(second, b.hi, high))))
    return out


# --- rows of several arguments ----------------------------------------------------------------------------------------


def _unary(name: str):
    return lambda x: composed(UNARY[name](x[0]), x)


def jet_divide(x: Jet, y: Jet) -> Jet:
    if all(a is None for a in y[1:]):
        return [None if a is None else divide(a, y[0]) for a in x]
    quotient = jet_multiply(x, composed(power_jet(y[0], Fraction(-1)), y))
    return [divide(x[0], y[0]) if x[0] is not None else None, *quotient[1:]]


def jet_power(x: Jet, p: Jet) -> Jet:
    if all(a is None for a in p[1:]) and np.all(p[0].lo == p[0].hi) and np.size(p[0].lo) and np.all(
            p[0].lo == np.ravel(p[0].lo)[0]):
        return composed(power_jet(x[0], Fraction(float(np.ravel(p[0].lo)[0]))), x)
    return _unary("exp")(jet_multiply(p, _unary("log")(x)))


def jet_maximum(x: Jet, y: Jet) -> Jet:
    value = Interval(np.maximum(x[0].lo, y[0].lo), np.maximum(x[0].hi, y[0].hi))
    return [value, *_switched(x[0].lo > y[0].hi, y[0].lo > x[0].hi, x, y)]


def jet_where(c: Jet, x: Jet, y: Jet) -> Jet:
    """A branch where the condition is certain; elsewhere the value may jump."""
    zero = span(0.0, 0.0)
    out: Jet = []
    certain, possible = truth(c[0])
    for k, (a, b) in enumerate(zip(x, y, strict=True)):
        a, b = a if a is not None else zero, b if b is not None else zero
        both = hull(a, b) if k == 0 else ANY
        out.append(Interval(np.where(certain, a.lo, np.where(~possible, b.lo, both.lo)),
                            np.where(certain, a.hi, np.where(~possible, b.hi, both.hi))))
    return out


def _relation(name: str):
    """A truth value: constant where it is settled, a step elsewhere."""
    def row(*parts: Jet) -> Jet:
        value = interval.RULES[PRIMITIVES[name]](*[p[0] for p in parts])
        if np.all(value.lo == value.hi):
            return [value, *[None] * ORDER]
        open_ = value.lo != value.hi
        return [value, *[Interval(np.where(open_, -INF, 0.0), np.where(open_, INF, 0.0))] * ORDER]
    return row


def _logaddexp(x: Jet, y: Jet) -> Jet:
    """x + log(1 + e^(y − x))."""
    moved = jet_add(x, composed(softplus(jet_subtract(y, x)[0]), jet_subtract(y, x)))
    return [interval.RULES[PRIMITIVES["logaddexp"]](x[0], y[0]), *moved[1:]]


def _xlogy(x: Jet, y: Jet) -> Jet:
    return jet_negative(_unary("entr")(x)) if x is y else jet_multiply(x, _unary("log")(y))


def _minimum(x: Jet, y: Jet) -> Jet:
    return jet_negative(jet_maximum(jet_negative(x), jet_negative(y)))


def _relative_entropy(x: Jet, y: Jet) -> Jet:
    return jet_subtract(jet_negative(_unary("entr")(x)), jet_multiply(x, _unary("log")(y)))


def _cast(x: Jet) -> Jet:
    return [Interval(*(np.asarray(end, float) for end in x[0])) if x[0] is not None else None, *x[1:]]


JETS: dict[str, Callable[..., Jet]] = {
    **{name: _unary(name) for name in UNARY},
    **{name: (lambda x, c=c: [None if a is None else multiply(number(c), a) for a in x]) for name, c in LINEAR.items()},
    "add": jet_add, "subtract": jet_subtract, "multiply": jet_multiply, "scale": jet_multiply, "divide": jet_divide,
    "negative": jet_negative, "positive": lambda x: x, "square": jet_square, "power": jet_power,
    "float_power": jet_power, "absolute": absolute_jet, "fabs": absolute_jet, "maximum": jet_maximum,
    "fmax": jet_maximum, "minimum": _minimum, "fmin": _minimum, "where": jet_where, "logaddexp": _logaddexp,
    "hypot": lambda x, y: _unary("sqrt")(jet_add(jet_square(x), jet_square(y))), "xlogy": _xlogy,
    "xlog1py": lambda x, y: jet_multiply(x, _unary("log1p")(y)), "rel_entr": _relative_entropy,
    "kl_div": lambda x, y: jet_subtract(jet_add(_relative_entropy(x, y), y), x),
    "logit": lambda x: jet_subtract(_unary("log")(x), _unary("log1p")(jet_negative(x))),
    "astype": _cast, "copy": lambda x: x,
    **{name: _relation(name) for name in ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal",
                                          "logical_and", "logical_or", "logical_not", "isnan", "isinf", "isfinite")},
}


def jets(graph: Graph, constants: tuple, x: Interval) -> Jet:
    """Enclosures of φ⁽ᵏ⁾/k!, k = 0 … 3, of a program over ranges x; constants are intervals. Raises NoRule."""
    u, *rest = graph.inputs
    known: dict[Node, Jet] = {u: [x, point(np.ones((1,) * np.ndim(x.lo))), *[None] * (ORDER - 1)]}
    known.update({node: [c, *[None] * ORDER] for node, c in zip(rest, constants, strict=True)})
    for node in graph.live(graph.outputs, keep_guards=False, given=known):
        if node not in known:
            row = JETS.get(node.prim.name)
            if row is None or node.prim is CAST and node.dtype != F64:
                raise NoRule(node)
            known[node] = row(*[known[i] if type(i) is Node else _literal(i) for i in node.inputs])
    output, = graph.outputs
    return known[output] if type(output) is Node else _literal(output)


def _literal(value) -> Jet:
    return [point(np.asarray(value)), *[None] * ORDER]


def derivative_range(jet: Jet, order: int, shape: tuple[int, ...]) -> Interval:
    """φ⁽ᵏ⁾ from a jet, in full shape; anything where it is not a number."""
    if order > ORDER:
        return Interval(np.full(shape, -INF), np.full(shape, INF))
    x = jet[order]
    if x is None:
        return point(np.zeros(shape))
    x = scaled((1, 1, 2, 6)[order], x) if order > 1 else x
    lo, hi = (np.broadcast_to(np.asarray(end, float), shape) for end in x)
    return Interval(np.where(np.isnan(lo), -INF, lo), np.where(np.isnan(hi), INF, hi))
