"""Log-sum-exp with its softmax, relative entropy, and t·exp(u/t)."""

from __future__ import annotations

import numpy as np
import scipy.special as sp

from ..interpreters.interval import RULES
from ..intervals import UNIT, Interval, divide, multiply, negative, outward, square, subtract, up
from ..primitive import PRIMITIVES
from ..primitives.elementwise import broadcast
from ..primitives.reductions import LOGSUMEXP, SUM
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
    others,
    own,
)
from .rows import Piece

CEPHES = 64       # units in the last place of scipy.special's expit


def _lse_rule(x: Interval) -> Interval:
    return RULES[LOGSUMEXP](x, axis=(len(x.shape) - 3,), keepdims=False)


def softmax_rule(x: Interval) -> Interval:
    """1/(1 + Σ_{j≠i} exp(u_j − u_i)) grows in u_i and falls in the others."""
    top = np.max(x.hi, axis=AXIS, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    lo, hi = x.lo - top, x.hi - top
    rest = others(Interval(lo, hi), np.logaddexp, -np.inf)
    reach = np.maximum(np.abs(np.where(np.isfinite(lo), lo, 0.0)), np.abs(hi)).max(axis=AXIS, keepdims=True)
    slack = (x.shape[AXIS] + 8) * 16 * UNIT * (1.0 + reach)
    low, high = sp.expit(_gap(lo, rest.hi) - slack), sp.expit(_gap(hi, rest.lo) + slack)
    low, high = outward(low, high, CEPHES)
    return Interval(np.maximum(low, 0.0), np.minimum(high, 1.0))


def _gap(u, v):
    """u − v, where nothing else is there (v = −∞) +∞."""
    return np.where(v == -np.inf, np.inf, u - np.where(v == -np.inf, 0.0, v))


def _softmax_tangent(out, inputs, tangents):
    """ds = s∘(du − sᵀdu)."""
    moved = out * tangents[0]
    return moved - out * SUM(moved, axis=(len(moved.shape) - 1,), keepdims=True)


SOFTMAX = atom("softmax", lambda u: sp.softmax(u, axis=-1), like_first, softmax_rule, jvp=_softmax_tangent)
LOG_SUM_EXP = atom(
    "log_sum_exp", lambda u: LOGSUMEXP.evaluate(u, axis=(np.ndim(u) - 1,), keepdims=False), along_last, _lse_rule,
    jvp=lambda out, inputs, tangents: SUM(SOFTMAX(inputs[0]) * tangents[0], axis=(len(inputs[0].shape) - 1,),
                                          keepdims=False))


def _lse_piece(a, y, u, *, node, variable) -> Piece:
    """W = diag(s) − ssᵀ lies between 0 and diag(s), and diag(2s(1 − s)) by Gershgorin: the smaller trace is taken."""
    a, s = own(a, node, softmax_rule(u))
    twice = up(2.0 * _spread(s).hi)
    plain = s.hi.sum(axis=1, keepdims=True) <= twice.sum(axis=1, keepdims=True)
    low, high = diagonal_bounds(a, np.zeros_like(s.hi), np.where(plain, s.hi, twice))

    def weight(i, j):
        cross = negative(multiply(mapped(lambda end: end[:, i], s), mapped(lambda end: end[:, j], s)))
        own_part, same = mapped(lambda end: end[:, i], _spread(s)), (i == j)[:, None]
        return Interval(np.where(same, own_part.lo, cross.lo), np.where(same, own_part.hi, cross.hi))
    return Piece(low, high, group_entries(a, s.shape[1], weight))


def _spread(s: Interval) -> Interval:
    """s(1 − s)."""
    ends = [outward(*(2 * (end * (1.0 - end),)), 2) for end in s]
    lo, hi = np.minimum(ends[0].lo, ends[1].lo), np.maximum(ends[0].hi, ends[1].hi)
    return Interval(np.maximum(lo, 0.0), np.where((s.lo <= 0.5) & (s.hi >= 0.5), 0.25, np.minimum(hi, 0.25)))


curved(LOG_SUM_EXP, "log-sum-exp is convex", _lse_piece)


# --- relative entropy -------------------------------------------------------------------------------------------------


def _log(x: Interval) -> Interval:
    return RULES[PRIMITIVES["log"]](x)


def _entropy_value(x, y, domain):
    with np.errstate(divide="ignore", invalid="ignore"):
        return sp.rel_entr(x, y) if domain == "closed" else x * np.log(np.divide(x, y))


def _entropy_rule(x: Interval, y: Interval, domain: str) -> Interval:
    """It falls in y, and in x up to y/e, where it is −y/e; for x, y < 0 it is −φ(−x, −y)."""
    above = (x.lo >= 0) & (y.lo > 0) if domain == "closed" else (x.lo > 0) & (y.lo > 0)
    below = (x.hi < 0) & (y.hi < 0) & (domain == "ratio")
    plus, minus = _entropy_of(x, y), negative(_entropy_of(negative(x), negative(y)))
    return Interval(*(np.where(above, p, np.where(below, m, np.nan)) for p, m in zip(plus, minus, strict=True)))


def _entropy_of(x: Interval, y: Interval) -> Interval:
    def at(u, v):
        value = multiply(Interval(u, u), _log(divide(Interval(u, u), Interval(v, v))))
        return mapped(lambda end: np.where(u == 0, 0.0, end), value)
    lowest, highest = [at(u, y.hi) for u in x], [at(u, y.lo) for u in x]
    turn = divide(Interval(y.hi, y.hi), outward(*number(np.e)))
    lo = np.where((x.lo <= turn.hi) & (x.hi >= turn.lo), -turn.hi, np.minimum(lowest[0].lo, lowest[1].lo))
    return Interval(lo, np.maximum(highest[0].hi, highest[1].hi))


RELATIVE_ENTROPY = atom("relative_entropy", _entropy_value, lambda x, y, domain: (broadcast(x, y), np.dtype(float)),
                        _entropy_rule, partials=(lambda z, x, y: np.log(x / y) + 1.0, lambda z, x, y: -(x / y)))


def _entropy_piece(a, z, x, y, *, node, variable) -> Piece:
    """W = (1/x)·(1, −x/y)(1, −x/y)ᵀ."""
    ratio = divide(x, y)
    first = divide(a, x)
    return by_entry(node, variable, {(0, 0): first, (0, 1): negative(divide(a, y)),
                                     (1, 1): multiply(divide(a, y), ratio)}, sign=first)


curved(RELATIVE_ENTROPY, "x log(x/y) is convex for x, y > 0", _entropy_piece)


# --- the perspective of exp -------------------------------------------------------------------------------------------


def _exp(x: Interval) -> Interval:
    return RULES[PRIMITIVES["exp"]](x)


def _turned_rule(r: Interval) -> Interval:
    """(1 − r)eʳ rises to 1 at r = 0 and falls from there."""
    ends = [multiply(subtract(number(1.0), Interval(end, end)), _exp(Interval(end, end))) for end in r]
    ends = [mapped(lambda e, at=at: np.where(at == -np.inf, 0.0, e), end) for end, at in zip(ends, r, strict=True)]
    hi = np.maximum(ends[0].hi, ends[1].hi)
    return Interval(np.minimum(ends[0].lo, ends[1].lo), np.where((r.lo <= 0) & (r.hi >= 0), 1.0, np.minimum(hi, 1.0)))


TURNED_EXP = atom("one_minus_r_times_exp", lambda r: (1.0 - r) * np.exp(r), like_first, _turned_rule,
                  partials=(lambda y, r: -(r * np.exp(r)),))
EXP_PERSPECTIVE = atom(
    "exp_perspective", lambda u, t: t * np.exp(u / t), lambda u, t: (broadcast(u, t), np.dtype(float)),
    lambda u, t: multiply(t, _exp(divide(u, t))),
    lambda i, x: np.ones(x.shape, bool) if i == 0 else (x.lo > 0) | (x.hi < 0),
    partials=(lambda y, u, t: np.exp(u / t), lambda y, u, t: TURNED_EXP(u / t)))


def _perspective_piece(a, y, u, t, *, node, variable) -> Piece:
    """W = (eʳ/t)·(1, −r)(1, −r)ᵀ, r = u/t."""
    r = divide(u, t)
    first = multiply(divide(a, t), _exp(r))
    return by_entry(node, variable, {(0, 0): first, (0, 1): negative(multiply(first, r)),
                                     (1, 1): multiply(first, square(r))}, sign=divide(a, t))


curved(EXP_PERSPECTIVE, "t exp(u/t) is convex for t > 0", _perspective_piece)
