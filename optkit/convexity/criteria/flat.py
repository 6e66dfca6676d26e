"""Affine pieces: segments on which a convex f lies on its chord, so that it is not strictly convex."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..oracle import Vector
from ..search import Search
from ..witness import EPS, exact_segment
from .boxes import bends
from .counterexample import INTERVALS, Counterexample, on_grid, refutation

CLAIM = "f(z) - (f(x) + f(y))/2, z the middle, which is not below 0,"
HALF = [[-0.5, 1.0, -0.5]]
LENGTHS = (0.5, 0.1, 0.02)   # half-lengths tried, in half-widths; shorter segments look flat on any smooth function
PLACES = (8, 3)              # bits kept of a direction, when its entries may be simple ratios
POINT_BITS = 12


def flatness(search: Search, x: Vector, y: Vector) -> Counterexample | None:
    """f is on or above its chord on [x, y]: verified by exact values at the middle, or by curvature ≤ 0 on all of it.

    Suspected where neither shows it but values and curvature are 0 within rounding; None where f lies below.
    """
    ends = exact_segment(x, y, search.region)
    if ends is None:
        return None
    a, z, b = ends
    value = search.oracle.value
    f = np.array([value(p) for p in (a, z, b)])
    gap, doubt = float(f[1] - (f[0] + f[2]) / 2), float(search.doubt(2 * np.max(np.abs(f))))
    if not -doubt <= gap <= doubt:
        return None
    points = {"x": a, "z": z, "y": b}
    found = refutation(search, CLAIM, points, HALF, at_least_zero=True)
    if found is not None and found.verified:
        return found
    proved = bends(search.oracle, a, b - a, 0.0, 1.0)[1] <= 0
    if not proved and not _straight(search, a, b):
        return None
    arguments = {name: search.oracle.unravel(p.copy()) for name, p in points.items()}
    rows = (tuple(float(c) for c in search.oracle.sign * np.array(HALF[0])),)
    how = f"curvature <= 0 on the segment, in {INTERVALS}" if proved else "values and curvature, 0 within rounding"
    return Counterexample(search.oracle.f, CLAIM, arguments, rows, gap, doubt, how, proved)


def _straight(search: Search, a: Vector, b: Vector) -> bool:
    """Whether curvature along [a, b] is rounding at five places, or, for code that is not traced, f at 17 is a line."""
    oracle, d = search.oracle, b - a
    if oracle.exact:
        for t in search.rng.uniform(0.05, 0.95, 5):
            hd = oracle.linearize(a + t * d)[2](d)
            if not abs(float(d @ hd)) <= 4 * oracle.n * EPS * float(np.abs(d) @ np.abs(hd)) and hd.any():
                return False
        return True
    f = np.array([oracle.value(a + k / 16 * d) for k in range(17)])
    line = f[0] + np.arange(17) / 16 * (f[-1] - f[0])
    long = np.max(np.abs(d) / search.scale) >= 2 * LENGTHS[1]
    return bool(long and np.all(np.abs(f - line) <= search.doubt(2 * np.max(np.abs(f)))))


def simple_lines(search: Search, x: Vector, d: Vector) -> Iterator[tuple[Vector, Vector]]:
    """(x, d) with few bits, so that intervals may be exact on it, then as given; d is scaled to one half-width."""
    d = search.hull(d)
    length = float(np.max(np.abs(d) / search.scale))
    if not 0 < length < np.inf:
        return
    d = d / length
    near = on_grid(x, POINT_BITS)
    for bits in PLACES:
        top = np.max(np.abs(d))
        simple = on_grid(np.where(np.abs(d) < 1e-6 * top, 0.0, d / top), bits) * on_grid(np.atleast_1d(top), 1)
        if search.Z is None:
            yield (near if search.region.contains(near) else x), simple
    yield x, d


def flat_piece(search: Search, x: Vector, d: Vector) -> Counterexample | None:
    """The affine piece around x along d, if f has one: verified rather than suspected, long rather than short."""
    suspicion = None
    for p, e in simple_lines(search, x, d):
        t0, t1 = search.region.chord(p, e)
        for h in LENGTHS:
            if not search.afford():
                return suspicion
            found = flatness(search, p + max(-h, t0) * e, p + min(h, t1) * e)
            if found is not None and found.verified:
                return found
            suspicion = suspicion or found
    return suspicion
