"""Lengths √(c + Σ w u²) and the p-norms, power means of positive numbers among them, with their slopes."""

from __future__ import annotations

import numpy as np

from ..graph import Node
from ..intervals import Interval, add, divide, multiply, negative, reciprocal, relative, sqrt, square, total
from ..primitive import shape_of
from ..primitives.linalg import RECIPROCAL_OR_ZERO
from ..primitives.reductions import SUM
from .atoms import (
    AXIS,
    along_last,
    atom,
    curved,
    diagonal_bounds,
    group_entries,
    like_first,
    mapped,
    number,
    others,
    own,
    rounding,
    widened,
)
from .rows import Piece, flat


def _summed(x, keepdims=False):
    return SUM(x, axis=(len(shape_of(x)) - 1,), keepdims=keepdims)


def _fold(x: Interval) -> Interval:
    return total(x, (len(x.shape) + AXIS,), False)


def _kept(x: Interval) -> Interval:
    """A quantity of a group, to stand beside its entries."""
    return mapped(lambda end: end[..., None, :, :], x)


# --- √(c + Σ w u²) ----------------------------------------------------------------------------------------------------


def _length_value(u, w, c):
    return np.sqrt(c + np.sum(w * np.square(u), axis=-1))


def _length_rule(u: Interval, w: Interval, c: Interval) -> Interval:
    return sqrt(add(c, _fold(multiply(w, square(u)))))


def _direction_value(u, w, c):
    size = np.asarray(_length_value(u, w, c))[..., None]
    return np.divide(w * u, size, out=np.zeros(np.shape(u)), where=size != 0)


def direction_rule(u: Interval, w: Interval, c: Interval) -> Interval:
    """w_i u_i/√(c + w_i u_i² + Σ_{j≠i} w_j u_j²) grows in u_i; where all may be 0, anything in ±√w_i."""
    parts = multiply(w, square(u))
    rest = widened(others(Interval(*np.broadcast_arrays(*parts)), np.add, 0.0), rounding(u.shape[AXIS]))
    rest = add(rest, mapped(lambda end: np.asarray(end)[..., None, :, :], c))

    def at(end, rest_end):
        v = Interval(end, end)
        return divide(multiply(w, v), sqrt(add(Interval(rest_end, rest_end), multiply(w, square(v)))))
    lo = at(u.lo, np.where(u.lo >= 0, rest.hi, rest.lo)).lo
    hi = at(u.hi, np.where(u.hi <= 0, rest.hi, rest.lo)).hi
    most = sqrt(Interval(w.hi, w.hi)).hi
    origin = ((u.lo <= 0) & (u.hi >= 0)).all(axis=AXIS, keepdims=True) & ~(rest.lo > 0)
    lo, hi = np.maximum(lo, -most), np.minimum(hi, most)
    return Interval(np.where(origin | np.isnan(lo), -most, lo), np.where(origin | np.isnan(hi), most, hi))


def _direction_tangent(out, inputs, tangents):
    """(w du − g gᵀdu)/r with g = wu/r; 0 where r = 0."""
    u, w, c = inputs
    moved = w * tangents[0] - out * _summed(out * tangents[0], keepdims=True)
    return moved * RECIPROCAL_OR_ZERO(LENGTH(u, w, c))[..., None]


DIRECTION = atom("length_slopes", _direction_value, like_first, direction_rule, jvp=_direction_tangent)
LENGTH = atom("length", _length_value, along_last, _length_rule,
              jvp=lambda out, inputs, tangents: _summed(DIRECTION(*inputs) * tangents[0]))


def _length_piece(a, y, u, w, c, *, node, variable) -> Piece:
    """W = (diag(w) − ggᵀ)/r: between (c/r²) diag(w)/r and diag(w)/r (Cauchy–Schwarz), g = wu/r."""
    _, g = own(a, node, direction_rule(u, w, c))
    w = own(a, node, w)[1]
    a, r, c = (_group(part, node) for part in (a, y, c))
    over = reciprocal(r)
    share = multiply(divide(c, square(r)), over)
    low = np.where(c.lo > 0, multiply(w, share).lo, 0.0)
    low, high = diagonal_bounds(a, np.where(np.isnan(low), 0.0, np.maximum(low, 0.0)), _or_inf(multiply(w, over).hi))

    def weight(i, j):
        same = (i == j)[:, None]
        whole = mapped(lambda end: np.where(same, end[:, i], 0.0), w)
        products = multiply(mapped(lambda end: end[:, i], g), mapped(lambda end: end[:, j], g))
        out = multiply(add(whole, negative(products)), over)
        return Interval(np.where(same, np.maximum(out.lo, 0.0), out.lo), out.hi)
    return Piece(low, high, group_entries(a, g.shape[1], weight))


def _group(x: Interval, node: Node) -> Interval:
    return mapped(lambda end: end[:, None], flat(x, node.shape))


def _or_inf(x):
    return np.where(np.isnan(x), np.inf, x)


curved(LENGTH, lambda node: "√(c + Σu²), c ≥ 0, is convex" if np.any(node.inputs[2]) else "a Euclidean norm is convex",
       _length_piece)


# --- p-norms ----------------------------------------------------------------------------------------------------------


def _norm_value(u, p, positive):
    if positive:
        with np.errstate(divide="ignore", over="ignore"):
            return np.sum(u ** p, axis=-1) ** (1.0 / p)
    return np.linalg.norm(u, p, axis=-1)


def _norm_rule(u: Interval, p: float, positive: bool) -> Interval:
    """It grows in each |u_i|. The harmonic sum 1/Σ(1/u) is defined for negative numbers too."""
    if positive and p == -1:
        over = _fold(reciprocal(u))
        inside = ((u.lo > 0) | (u.hi < 0)).all(axis=AXIS) & ((over.lo > 0) | (over.hi < 0))
        return mapped(lambda end: np.where(inside, end, np.nan), reciprocal(over))
    size = mapped(lambda end: np.where(_defined(u.lo, p), end, np.nan), u) if positive else _size(u)
    m = u.shape[AXIS]
    lo, hi = (np.asarray(_norm_value(np.moveaxis(end, AXIS, -1), p, positive)) for end in size)
    return relative(lo, hi, (4.0 + 4.0 / abs(p)) * rounding(m))


def _size(u: Interval) -> Interval:
    return Interval(np.maximum(np.maximum(u.lo, -u.hi), 0.0), np.maximum(-u.lo, u.hi))


def _slopes_value(u, p, positive):
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.abs(u) / np.asarray(_norm_value(u, p, positive))[..., None]
        return np.where((u == 0) & (p > 1), 0.0, np.sign(u) * ratio ** (p - 1.0))


def _defined(lo, p: float):
    """Where power means are: at 0 for p > 0."""
    return lo >= 0 if p > 0 else lo > 0


def slopes_rule(u: Interval, p: float, positive: bool) -> Interval:
    """±(1 + Σ_{j≠i}|u_j|^p/|u_i|^p)^((1−p)/p): monotone in |u_i|, and the other way in the other |u_j|."""
    size = mapped(lambda end: np.maximum(end, 0.0), u) if positive else _size(u)
    slack = (8.0 + 8.0 / abs(p)) * rounding(u.shape[AXIS])
    with np.errstate(all="ignore"):
        rest = others(Interval(size.lo ** p, size.hi ** p), np.add, 0.0)
        rest = Interval(np.minimum(*rest) * (1 - slack), np.maximum(*rest) * (1 + slack))
        near, far = rest if p > 0 else rest[::-1]                     # of the smallest and of the largest |u_j|

        def steep(v, of_others):
            value = (1.0 + of_others / v ** p) ** ((1.0 - p) / p)
            return np.where(v == 0, 0.0 if p > 1 else np.inf, value)
        if positive:
            ends = steep(size.lo, far), steep(size.hi, near)
            inside = _defined(u.lo, p).all(axis=AXIS, keepdims=True)
            lo, hi = relative(np.minimum(*ends), np.maximum(*ends), slack)
            return Interval(np.where(inside, np.maximum(lo, 0.0), -np.inf), np.where(inside, hi, np.inf))
        lo = np.where(u.lo < 0, -steep(np.abs(u.lo), near), steep(np.abs(u.lo), far))
        hi = np.where(u.hi > 0, steep(np.abs(u.hi), near), -steep(np.abs(u.hi), far))
    lo, hi = relative(lo, hi, slack)
    origin = (size.lo == 0).all(axis=AXIS, keepdims=True)
    nothing = origin | np.isnan(lo) | np.isnan(hi)
    return Interval(np.where(nothing, -1.0, np.maximum(lo, -1.0)), np.where(nothing, 1.0, np.minimum(hi, 1.0)))


def _slopes_tangent(out, inputs, tangents, p, positive):
    """(p − 1)/N·((|u|/N)^(p−2) du − s sᵀdu)."""
    u, t = inputs[0], tangents[0]
    norm = P_NORM(u, p=p, positive=positive)[..., None]
    return (p - 1.0) / norm * ((np.abs(u) / norm) ** (p - 2.0) * t - out * _summed(out * t, keepdims=True))


def _params(x, p, positive):
    return along_last(x)


P_SLOPES = atom("p_norm_slopes", _slopes_value, lambda x, p, positive: like_first(x), slopes_rule, jvp=_slopes_tangent)
P_NORM = atom("p_norm", _norm_value, _params, _norm_rule,
              jvp=lambda out, inputs, tangents, p, positive: _summed(
                  P_SLOPES(inputs[0], p=p, positive=positive) * tangents[0]))


def _norm_piece(a, y, u, *, node, variable) -> Piece:
    """W = (p − 1)(D − ssᵀ)/N with D = diag(|s|^((p−2)/(p−1))): semidefinite, within (p − 1)D/N."""
    p, positive = node.params["p"], node.params["positive"]
    _, s = own(a, node, slopes_rule(u, p, positive))
    inside = _defined(own(a, node, u)[1].lo, p).all(axis=1, keepdims=True) | (not positive)
    a, over = _group(a, node), multiply(number(p - 1.0), reciprocal(_group(y, node)))
    with np.errstate(all="ignore"):
        size = _size(s)
        ends = [end ** ((p - 2.0) / (p - 1.0)) for end in size]
        D = relative(np.minimum(*ends), np.maximum(*ends), 1e-14)
    reach = multiply(over, D)
    low = np.where(reach.lo < 0, reach.lo, 0.0) if p < 1 else np.zeros_like(reach.lo)
    high = np.zeros_like(reach.hi) if p < 1 else _or_inf(reach.hi)
    low, high = np.where(inside, low, -np.inf), np.where(inside, high, np.inf)
    low, high = diagonal_bounds(a, np.where(np.isnan(low), -np.inf, low), high)

    def weight(i, j):
        same = (i == j)[:, None]
        whole = mapped(lambda end: np.where(same, end[:, i], 0.0), D)
        products = multiply(mapped(lambda end: end[:, i], s), mapped(lambda end: end[:, j], s))
        return multiply(add(whole, negative(products)), over)
    return Piece(low, high, group_entries(a, s.shape[1], weight))


curved(P_NORM, lambda node: f"the {node.params['p']:g}-norm is convex" if node.params["p"] > 1
       else f"the power mean of order {node.params['p']:g} is concave for positive numbers", _norm_piece)
