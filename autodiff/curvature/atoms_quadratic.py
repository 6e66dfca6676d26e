"""Quadratic forms uᵀPu with a known P, its sign by exact arithmetic or by verified eigenvalues, and their roots."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import numpy as np

from ..interpreters.interval import RULES
from ..intervals import UNIT, Interval, add, divide, down, multiply, reciprocal, sqrt, square, total, up
from ..primitive import PRIMITIVES, bind, shape_of
from ..primitives.contraction import MATMUL
from ..primitives.linalg import RECIPROCAL_OR_ZERO
from .atoms import atom, curved, mapped, number
from .rows import Entries, Piece, flat

EXACT_UP_TO = 40          # rows of a matrix whose sign is decided by rational elimination


def symmetric_twice(P: np.ndarray) -> Interval:
    """P + Pᵀ."""
    x = Interval(P, P)
    return add(x, Interval(P.T, P.T))


@np.errstate(all="ignore")
def verified_spectrum(S: Interval) -> tuple[np.ndarray, float]:
    """(w, r): the eigenvalues of each symmetric matrix in S, in order, are within r of w.

    By Ostrowski's theorem for V diag(w) Vᵀ and Weyl's inequality for the residual. Horn & Johnson 2013, §4.3 and 4.5.9.
    """
    n, centre = S.shape[0], 0.5 * (S.lo + S.hi)
    if n == 0 or not np.isfinite(centre).all():
        return np.zeros(n), np.inf
    w, V = np.linalg.eigh(centre)
    size, slack = np.abs(V), (2 * n + 8) * UNIT
    gram = np.abs(V.T @ V - np.eye(n)) + slack * (size.T @ size)
    error = np.abs(centre - (V * w) @ V.T) + slack * ((size * np.abs(w)) @ size.T)
    error = error + up(0.5 * (S.hi - S.lo)) + 2 * UNIT * np.abs(centre)
    turn, apart = (float(up(m.sum(axis=1).max() * (1 + 2 * n * UNIT))) for m in (gram, error))
    return w, float(up(up(np.abs(w).max() * turn) + apart)) if turn < 1 else np.inf


def eigenvalue_bounds(S: Interval) -> tuple[float, float]:
    """(below λ_min, above λ_max) of all symmetric matrices in S."""
    w, apart = verified_spectrum(S)
    return (float(down(w[0] - apart)), float(up(w[-1] + apart))) if len(w) else (0.0, 0.0)


def is_semidefinite(S: np.ndarray) -> bool:
    """Whether a symmetric matrix is PSD, by elimination in whole numbers (Bareiss 1968): no rounding."""
    n = len(S)
    if n > EXACT_UP_TO or not np.isfinite(S).all():
        return False
    fractions = [[Fraction(float(v)) for v in row] for row in S]
    scale = max((v.denominator for row in fractions for v in row), default=1)
    a, last = [[int(v * scale) for v in row] for row in fractions], 1
    left = list(range(n))
    while left:
        k = next((i for i in left if a[i][i] != 0), None)
        if any(a[i][i] < 0 for i in left):
            return False
        if k is None:
            return not any(a[i][j] for i in left for j in left)
        left = [i for i in left if i != k]
        pivot = a[k][k]
        for i in left:
            for j in left:
                a[i][j] = (a[i][j] * pivot - a[i][k] * a[k][j]) // last
        last = pivot
    return True


def bounds_of(P: np.ndarray) -> tuple[float, float]:
    """Eigenvalue bounds of P + Pᵀ; 0 where it is the exact sign that matters."""
    return _bounds(np.ascontiguousarray(P, dtype=float).tobytes(), P.shape[0])


@lru_cache(maxsize=64)
@np.errstate(all="ignore")
def _bounds(content: bytes, n: int) -> tuple[float, float]:
    S = symmetric_twice(np.frombuffer(content).reshape(n, n))
    low, high = eigenvalue_bounds(S)
    if (S.lo == S.hi).all():
        size = max(abs(low), abs(high))
        if -1e-9 * size < low < 0 and is_semidefinite(S.lo):
            low = 0.0
        if 0 < high < 1e-9 * size and is_semidefinite(-S.lo):
            high = 0.0
    return low, high


def _matrix(P: Interval) -> np.ndarray:
    return np.ascontiguousarray(P.lo[..., 0, 0])


def _rule(u: Interval, P: Interval) -> Interval:
    product = RULES[PRIMITIVES["matmul"]](P, u)
    out = total(multiply(u, product), (0,), False)
    low, high = bounds_of(_matrix(P))
    return Interval(np.maximum(out.lo, 0.0) if low >= 0 else out.lo, np.minimum(out.hi, 0.0) if high <= 0 else out.hi)


def _tangent(out, inputs, tangents):
    """(Pu + Pᵀu)ᵀdu."""
    u, P = inputs
    slope = bind(MATMUL, (P, u)) + bind(MATMUL, (u, P))
    return bind(MATMUL, (slope, tangents[0]))


QUADRATIC = atom("quadratic_form", lambda u, P: u @ (P @ u), lambda u, P: ((), np.dtype(float)), _rule, jvp=_tangent)


def _piece(a, y, u, P, *, node, variable) -> Piece:
    """W = P + Pᵀ."""
    a, matrix = flat(a, ()), _matrix(P)
    S, (low, high) = symmetric_twice(matrix), bounds_of(matrix)
    n, boxes = len(matrix), a.shape[-1]
    reach = multiply(a, Interval(np.full((n, 1), low), np.full((n, 1), high)))
    i, j = np.triu_indices(n)
    w = multiply(a, Interval(S.lo[i, j][:, None], S.hi[i, j][:, None]))
    return Piece(np.broadcast_to(reach.lo, (n, boxes)), np.broadcast_to(reach.hi, (n, boxes)), Entries(i, j, w))


def _reason(node) -> str:
    low, high = bounds_of(np.ascontiguousarray(node.inputs[1]))
    return ("a quadratic form with a positive semidefinite matrix" if low >= 0 else
            "a quadratic form with a negative semidefinite matrix" if high <= 0 else "an indefinite quadratic form")


curved(QUADRATIC, _reason, _piece)


# --- √(c + uᵀPu), P positive semidefinite -----------------------------------------------------------------------------


def _root_rule(u: Interval, P: Interval, c: Interval) -> Interval:
    form = _rule(u, P)
    return sqrt(add(c, Interval(np.maximum(form.lo, 0.0), form.hi)))


def _root_slopes_value(u, P, c):
    size = np.sqrt(c + u @ (P @ u))
    return 0.5 * (P @ u + u @ P) / size if size else np.zeros_like(u)


def _root_slopes_rule(u: Interval, P: Interval, c: Interval) -> Interval:
    """(P̄u)_i/√(c + uᵀP̄u), P̄ the symmetric part: within ±√P̄_ii, by Cauchy–Schwarz."""
    S = symmetric_twice(_matrix(P))
    twice = RULES[PRIMITIVES["matmul"]](Interval(S.lo[..., None, None], S.hi[..., None, None]), u)
    out = divide(twice, multiply(number(2.0), mapped(lambda end: end[None], _root_rule(u, P, c))))
    most = sqrt(Interval(*(np.maximum(np.diagonal(0.5 * end), 0.0)[:, None, None] for end in S))).hi
    lo, hi = np.maximum(np.nan_to_num(out.lo, nan=-np.inf), -most), np.minimum(np.nan_to_num(out.hi, nan=np.inf), most)
    origin = ~(_root_rule(u, P, c).lo > 0)
    return Interval(np.where(origin, -most, lo), np.where(origin, most, hi))


def _root_slopes_tangent(out, inputs, tangents):
    """(P̄du − g gᵀdu)/r."""
    u, P, c = inputs
    turned = 0.5 * (bind(MATMUL, (P, tangents[0])) + bind(MATMUL, (tangents[0], P)))
    return (turned - out * bind(MATMUL, (out, tangents[0]))) * RECIPROCAL_OR_ZERO(ROOT_QUADRATIC(u, P, c))


ROOT_SLOPES = atom("root_of_quadratic_slopes", _root_slopes_value, lambda u, P, c: (shape_of(u), np.dtype(float)),
                   _root_slopes_rule, jvp=_root_slopes_tangent)
ROOT_QUADRATIC = atom("root_of_quadratic", lambda u, P, c: np.sqrt(c + u @ (P @ u)),
                      lambda u, P, c: ((), np.dtype(float)), _root_rule,
                      jvp=lambda out, inputs, tangents: bind(MATMUL, (ROOT_SLOPES(*inputs), tangents[0])))


def _root_piece(a, y, u, P, c, *, node, variable) -> Piece:
    """W = (P̄ − ggᵀ)/r: between (c/r²)P̄/r and P̄/r."""
    a, r, c = flat(a, ()), flat(y, ()), flat(c, ())
    low, high = bounds_of(_matrix(P))
    n, over = node.inputs[0].size, reciprocal(r)
    share = multiply(divide(c, square(r)), over)
    least = np.where(c.lo > 0, np.maximum(down(0.5 * max(low, 0.0) * share.lo), 0.0), 0.0)
    most = np.where(r.lo > 0, up(0.5 * high * over.hi), np.inf)
    return Piece(*multiply(a, Interval(*(np.broadcast_to(end, (n, end.shape[-1])) for end in (least, most)))))


curved(ROOT_QUADRATIC, "√(c + uᵀPu) is convex for c ≥ 0 and a positive semidefinite P", _root_piece)
