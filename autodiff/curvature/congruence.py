"""What a piece adds to the Hessian, JᵀWJ, in interval arithmetic, and which rows of W take part in it."""

from __future__ import annotations

import numpy as np

from ..intervals import UNIT, Interval, down, middle, multiply, total, up
from .rows import Array, Entries, Piece

EXACT_UP_TO = 60_000      # products w·J_p·J_q summed one by one; beyond, by middles and radii


def congruence(J: Interval, entries: Entries) -> Interval:
    """Σ_k w_k (J_pᵀJ_q + J_qᵀJ_p)/(1 + [p = q]), shape (n, n, boxes). J : (m, n, 1 or boxes)."""
    p, q, w = _used(entries, reached(J))
    n, boxes = J.lo.shape[1], max(J.lo.shape[2], w.lo.shape[-1])
    if len(p) * n * n * boxes <= EXACT_UP_TO:
        return _summed_exactly(J, p, q, w)
    return _summed_by_middles(J, p, q, w, boxes)


def _used(entries: Entries, rows: Array) -> Entries:
    """The entries of W between rows that are marked; a row of zeros takes no part whatever its weight."""
    p, q, w = entries
    keep = rows[p] & rows[q]
    return entries if keep.all() else Entries(p[keep], q[keep], Interval(*(end[keep] for end in w)))


def at_rows(piece: Piece, rows: Array) -> Piece:
    """Of the principal submatrix of W."""
    entries = piece.entries
    if entries is not None:
        marked = np.zeros(len(piece.low), bool)
        marked[rows] = True
        number = np.cumsum(marked) - 1
        p, q, w = _used(entries, marked)
        entries = Entries(number[p], number[q], w)
    return Piece(piece.low[rows], piece.high[rows], entries)


def reached(J: Interval) -> Array:
    """(m,) rows that are not 0."""
    return np.logical_or(J.lo != 0, J.hi != 0).any(axis=(1, 2))


def labelled(J: Interval, labels: Array) -> Array:
    """(m,) the one label among the columns in which each row is not 0; −1 where there is none, −2 where several."""
    some = np.logical_or(J.lo != 0, J.hi != 0).any(axis=2)
    high = np.where(some, labels, -1).max(axis=1)
    low = np.where(some, labels, np.iinfo(np.intp).max).min(axis=1)
    return np.where(some.any(axis=1) & (low != high), -2, high)


def merged(a: Array, b: Array) -> Array:
    return np.where(b == -1, a, np.where((a == -1) | (a == b), b, -2))


def _summed_exactly(J: Interval, p: Array, q: Array, w: Interval) -> Interval:
    left, right = (Interval(*(end[i] for end in J)) for i in (p, q))
    outer = multiply(Interval(*(end[:, :, None] for end in left)), Interval(*(end[:, None] for end in right)))
    same = (p == q)[:, None, None, None] & np.eye(J.lo.shape[1], dtype=bool)[None, :, :, None]
    outer = Interval(np.where(same, np.maximum(outer.lo, 0.0), outer.lo), outer.hi)      # squares
    terms = multiply(Interval(*(end[:, None, None] for end in w)), outer)
    mixed = p != q
    if mixed.any():
        turned = Interval(*(end[mixed].swapaxes(1, 2) for end in terms))
        terms = Interval(*(np.concatenate([a, b]) for a, b in zip(terms, turned, strict=True)))
    return total(terms, (0,), False)


def _summed_by_middles(J: Interval, p: Array, q: Array, w: Interval, boxes: int) -> Interval:
    """By matrix products of middles and radii, one box after the other. Rump 1999, BIT 39."""
    (Jm, Jr), (wm, wr) = middle(J), middle(w)
    lo, hi = np.empty((J.lo.shape[1],) * 2 + (boxes,)), np.empty((J.lo.shape[1],) * 2 + (boxes,))
    length = 2 * len(p) + 8
    for b in range(boxes):
        Jc, Jd = Jm[..., b % Jm.shape[-1]], Jr[..., b % Jm.shape[-1]]
        wc, wd = wm[:, b % wm.shape[-1], None], wr[:, b % wm.shape[-1], None]
        size = np.abs(Jc) + Jd
        with np.errstate(all="ignore"):
            centre = Jc[p].T @ (wc * Jc[q])
            around = size[p].T @ (np.abs(wc) * Jd[q] + wd * size[q]) + Jd[p].T @ (np.abs(wc) * size[q])
            error = size[p].T @ ((np.abs(wc) + wd) * size[q]) * (4 * length * UNIT)
            radius = up(around * (1 + 4 * length * UNIT) + error) + 1e-300
            if (p != q).any():
                diagonal = (p == q)
                same = Jc[p[diagonal]].T @ (wc[diagonal] * Jc[q[diagonal]])
                centre, radius = centre + centre.T - same, radius + radius.T
            centre, radius = 0.5 * (centre + centre.T), up(np.maximum(radius, radius.T) * (1 + 8 * UNIT)
                                                          + 4 * UNIT * np.abs(centre))
        bad = ~(np.isfinite(centre) & np.isfinite(radius))
        lo[..., b] = np.where(bad, -np.inf, down(centre - radius))
        hi[..., b] = np.where(bad, np.inf, up(centre + radius))
    return Interval(lo, hi)
