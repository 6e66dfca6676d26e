"""Products of powers Π xᵢ^aᵢ of positive numbers, geometric means among them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from ..graph import Node
from ..interpreters.interval import RULES
from ..intervals import UNIT, Interval, down, multiply, outward, reciprocal, up
from ..primitive import PRIMITIVES, Primitive
from ..primitives.reductions import SUM
from .atoms import (
    AXIS,
    along_last,
    atom,
    by_entry,
    curved,
    diagonal_bounds,
    group_entries,
    like_first,
    mapped,
    number,
    own,
)
from .limits import rational_power
from .polynomials import enclosed
from .rows import Piece, flat

Powers = tuple[Fraction, ...]
NEARLY = 1e-9           # sums of exponents that are meant to be 1


def _floats(powers: Powers) -> np.ndarray:
    return np.array([float(a) for a in powers])


def _value(x, powers, domain):
    if domain == "product":
        return np.prod(x, axis=-1) ** float(powers[0])
    return np.prod(x ** _floats(powers), axis=-1)


def _raised(x: Interval, powers: np.ndarray) -> Interval:
    """Π_j x_j^(a_ij) as (..., rows i, D, B), for x ≥ 0, by logarithms: of each factor the end its sign asks for."""
    with np.errstate(all="ignore"):
        logs = [np.log(np.maximum(end, 0.0))[..., None, :, :, :] for end in x]
        a = powers[..., None, None]
        ends = [np.where(a == 0, 0.0, a * log) for log in logs]
        low, high = np.minimum(*ends), np.maximum(*ends)
        size = np.where(np.isfinite(low), np.abs(low), 0.0) + np.where(np.isfinite(high), np.abs(high), 0.0)
        slack = (powers.shape[-1] + 8) * 2 * UNIT * size.sum(axis=AXIS)
        lo, hi = down(low.sum(axis=AXIS) - slack), up(high.sum(axis=AXIS) + slack)
        lo, hi = np.where(np.isnan(lo), -np.inf, lo), np.where(np.isnan(hi), np.inf, hi)
        out = outward(np.exp(lo), np.exp(hi), 4)
    return Interval(np.maximum(out.lo, 0.0), out.hi)


def _at_zero(powers: Powers, domain: str) -> np.ndarray:
    """Which factors are defined at 0: unless logarithms are taken of them, or it is divided by them."""
    return (domain != "open") & (_floats(powers) > 0)


def _inside(x: Interval, powers: Powers, domain: str) -> np.ndarray:
    """Where each factor is defined by itself."""
    return ((x.lo > 0) | (x.lo >= 0) & _at_zero(powers, domain)[:, None, None]).all(axis=AXIS)


def _rule(x: Interval, powers: Powers, domain: str) -> Interval:
    """By logarithms where no factor is negative; else, of equal powers, that of the product."""
    out = mapped(lambda end: end[..., 0, :, :], _raised(x, _floats(powers)[None]))
    inside, rest = _inside(x, powers, domain), number(np.nan)
    if domain == "product" and not inside.all():
        p, folded = powers[0], RULES[PRIMITIVES["prod"]](x, axis=(len(x.shape) + AXIS,), keepdims=False)
        defined = (folded.lo > 0) | ((folded.hi < 0) if p.denominator == 1 else False) | ((folded.lo >= 0) & (p > 0))
        rest = RULES[PRIMITIVES["power"]](folded, number(float(p)))
        rest = mapped(lambda end: np.where(defined, end, np.nan), rest)
    return Interval(*(np.where(inside, a, b) for a, b in zip(out, rest, strict=True)))


def _slopes_value(x, powers, domain):
    return _floats(powers) * np.asarray(_value(x, powers, domain))[..., None] / x


def _slopes_rule(x: Interval, powers: Powers, domain: str) -> Interval:
    """a_i Π_j x_j^(a_j − [i = j]): each is monotone in every entry."""
    a = _floats(powers)
    lowered = np.array([[float(p - (i == j)) for j, p in enumerate(powers)] for i in range(len(powers))])
    out = multiply(Interval(down(a)[:, None, None], up(a)[:, None, None]), _raised(x, lowered))
    inside = _inside(x, powers, domain)[..., None, :, :]
    return Interval(np.where(inside, out.lo, -np.inf), np.where(inside, out.hi, np.inf))


def _slopes_tangent(out, inputs, tangents, powers, domain):
    """dg_i = g_i(Σ_j a_j dx_j/x_j − dx_i/x_i)."""
    change = tangents[0] / inputs[0]
    return out * (SUM(_floats(powers) * change, axis=(len(change.shape) - 1,), keepdims=True) - change)


SLOPES = atom("power_product_slopes", _slopes_value, lambda x, **_: like_first(x), _slopes_rule, jvp=_slopes_tangent)
POWER_PRODUCT = atom(
    "power_product", _value, lambda x, **_: along_last(x), _rule,
    jvp=lambda out, inputs, tangents, powers, domain: SUM(
        SLOPES(inputs[0], powers=powers, domain=domain) * tangents[0], axis=(len(inputs[0].shape) - 1,),
        keepdims=False))


def shape_of_curve(powers: Powers) -> int:
    """−1: concave (a ≥ 0, Σa ≤ 1); 1: convex (no a > 0, or one a > 0 and Σa ≥ 1); 0: neither."""
    above = [a for a in powers if a > 0]
    if len(above) == len([a for a in powers if a != 0]) and sum(powers) <= 1:
        return -1
    return 1 if not above or len(above) == 1 and sum(powers) >= 1 else 0


def _piece(a, y, x, *, node, variable) -> Piece:
    """W_ij = y(a_i a_j − [i = j]a_i)/(x_i x_j), whose absolute row sums bound it; its sign by that of the powers."""
    powers = node.params["powers"]
    a, x = own(a, node, x)
    y = mapped(lambda end: end[:, None], flat(y, node.shape))
    held = (x.lo > 0).all(axis=1, keepdims=True)
    closed = (x.lo > 0) | (x.lo >= 0) & _at_zero(powers, node.params["domain"])[:, None]
    closed = closed.all(axis=1, keepdims=True)               # what holds inside holds up to the boundary
    over = reciprocal(mapped(lambda end: np.where(held, end, np.nan), x))
    exact = _products(powers)

    def weight(i, j):
        factor = mapped(lambda end: end[i, j][:, None], exact)
        both = multiply(mapped(lambda end: end[:, i], over), mapped(lambda end: end[:, j], over))
        both = Interval(np.where((i == j)[:, None], np.maximum(both.lo, 0.0), both.lo), both.hi)
        return multiply(y, multiply(factor, both))
    m = len(powers)
    reach = np.zeros((*x.lo.shape[:2], max(x.lo.shape[-1], y.lo.shape[-1])))
    for i in range(m):
        row = weight(np.full(m, i), np.arange(m))
        reach[:, i] = up(np.maximum(np.abs(row.lo), np.abs(row.hi)).sum(axis=1) * (1 + 2 * m * UNIT))
    sign = shape_of_curve(powers)
    low = np.where(closed, 0.0, -np.inf) if sign > 0 else np.where(held, -reach, -np.inf)
    high = np.where(closed, 0.0, np.inf) if sign < 0 else np.where(held, reach, np.inf)
    low, high = np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high)
    return Piece(*diagonal_bounds(a, low, high), group_entries(a, m, weight))


def _products(powers: Powers) -> Interval:
    """a_i a_j − [i = j]a_i."""
    table = [[p * q - (p if i == j else 0) for j, q in enumerate(powers)] for i, p in enumerate(powers)]
    values = np.array([[float(v) for v in row] for row in table])
    exact = np.array([[Fraction(float(v)) == v for v in row] for row in table])
    return Interval(np.where(exact, values, down(values)), np.where(exact, values, up(values)))


def _reason(node: Node) -> str:
    sign, over = shape_of_curve(node.params["powers"]), sum(node.params["powers"]) - 1
    if sign == 0 and 0 < over < NEARLY:
        return (f"a product of powers that add up to 1 + {float(over):.2g}, more than 1: the exponents are floats "
                "(np.exp(np.mean(np.log(x))) is recognised)")
    if len(set(node.params["powers"])) == 1 and sum(node.params["powers"]) == 1:
        return "a geometric mean is concave"
    return {-1: "a product of powers a ≥ 0, Σa ≤ 1, is concave", 0: "a product of powers",
            1: "a product of powers with at most one a > 0, then Σa ≥ 1, is convex"}[sign]


curved(POWER_PRODUCT, _reason, _piece)


# --- x^e of an exact e ------------------------------------------------------------------------------------------------


def _factor(exponent: Fraction, order: int) -> Fraction:
    """e(e − 1)…, the factor of a derivative of x^e."""
    out = Fraction(1)
    for k in range(order):
        out *= exponent - k
    return out


def _exact_power_rule(x: Interval, exponent: Fraction, order: int) -> Interval:
    inside = Interval(np.maximum(x.lo, 0.0), x.hi)
    return multiply(enclosed(_factor(exponent, order)), rational_power(inside, exponent - order))


EXACT_POWER: Primitive = atom(
    "exact_power", lambda x, exponent, order: float(_factor(exponent, order)) * x ** float(exponent - order),
    lambda x, exponent, order: like_first(x), _exact_power_rule,
    jvp=lambda out, inputs, tangents, exponent, order: tangents[0] * EXACT_POWER(
        inputs[0], exponent=exponent, order=order + 1))


def _exact_power_piece(a, y, x, *, node, variable) -> Piece:
    """W = a e(e − 1) x^(e − 2), x ≥ 0."""
    return by_entry(node, variable, {(0, 0): multiply(a, _exact_power_rule(x, node.params["exponent"], 2))})


def _exact_power_reason(node: Node) -> str:
    """Which float is not the fraction that was meant, where the exponent is almost 1."""
    e, norm = node.params["exponent"], node.inputs[0].params
    if abs(e - 1) > NEARLY:
        return f"a p-norm to the power {float(e):g}, of the p-norm"
    p = norm["p"]
    power = f"to the power 1 {'+' if e > 1 else '−'} {abs(float(e - 1)):.2g}"
    if p < 1:
        return f"a power mean {power}: the product of its exponents {p!r} and {float(e / Fraction(p))!r} is not 1"
    return (f"a norm {power}: the exponent {float(e / Fraction(p))!r} is not exactly 1/{p:g} "
            f"(np.linalg.norm(x, {p:g}) is recognised)")


curved(EXACT_POWER, _exact_power_reason, _exact_power_piece)
