"""f((1−θ)x + θy) < (1−θ)f(x) + θf(y) for x ≠ y: segments without a gap, that is affine pieces, refute it."""

from __future__ import annotations

import numpy as np

from ..oracle import Vector
from ..search import Row, Search
from .counterexample import Counterexample
from .flat import flat_piece
from .second_order import DENSE, second_order

PLACES = 24
NEARLY_FLAT = 1e-9    # of the Hessian's norm: an eigenvalue this small makes its direction worth a look
QUANTITY = "smallest relative depth below a chord"


def strict(search: Search) -> Row:
    """Along directions of smallest curvature at samples and at the lowest place known, and along random lines."""
    if search.lowest is None:
        second_order(search)
    search.start(0.15)
    if search.refuted:
        return Row("strict", "violated", QUANTITY, 0.0, 0, 0, note="not even convex", witness=search.witness)
    found: Counterexample | None = None
    tried, worst = 0, np.inf
    for x, d in _lines(search):
        if not search.afford():
            break
        tried, worst = tried + 1, min(worst, _depth(search, x, d))
        piece = flat_piece(search, x, d)
        if piece is not None and (found is None or piece.verified):
            found = piece
        if found is not None and found.verified:
            break
    outcome = "holds" if found is None else "violated" if found.verified else "suspected"
    return Row("strict", outcome, QUANTITY, worst if found is None else 0.0, tried, 0,
               note="" if found is None else "an affine piece: f equals its chord there", witness=found)


def _lines(search: Search) -> list[tuple[Vector, Vector]]:
    """Points and directions, those of least curvature first."""
    lines: list[tuple[Vector, Vector]] = []
    if search.lowest is not None:
        lines.append((search.lowest.x, search.lowest.v))
    flat = []
    if search.oracle.exact and search.oracle.n <= DENSE:
        for x in search.samples.X[:PLACES]:
            H = search.scale[:, None] * search.oracle.hessian(x) * search.scale
            if np.isfinite(H).all():
                values, vectors = np.linalg.eigh(H)
                size = np.max(np.abs(values))
                flat += [(abs(v), x, search.scale * vectors[:, k]) for k, v in enumerate(values[:4])
                         if abs(v) <= NEARLY_FLAT * size]
    lines += [(x, d) for _, x, d in sorted(flat, key=lambda entry: entry[0])[:PLACES]]
    ends = search.region.sample(2 * PLACES, search.rng)
    lines += [(x, y - x) for x, y in zip(ends[::2], ends[1::2], strict=True)]
    lines += [(x, search.scale * e) for x, e in zip(ends, np.eye(search.oracle.n)[:PLACES], strict=False)]
    return lines


def _depth(search: Search, x: Vector, d: Vector) -> float:
    """How far f lies below its chord in the middle of a segment of half a width, relative to f there; ≥ 0 if convex."""
    d = search.hull(d)
    length = float(np.max(np.abs(d) / search.scale))
    t0, t1 = search.region.chord(x, d / length if length > 0 else d)
    a, b = (search.region.project(x + t * d / (length or 1.0)) for t in (max(-0.25, t0), min(0.25, t1)))
    f = [search.oracle.value(p) for p in (a, (a + b) / 2, b)]
    depth = ((f[0] + f[2]) / 2 - f[1]) / (max(map(abs, f)) + np.finfo(float).tiny)
    return float(depth) if np.isfinite(depth) else np.inf
