"""f((1−θ)x + θy) ≤ max(f(x), f(y)), and dᵀ∇²f(x)d ≥ 0 for d ⟂ ∇f(x): along no line f rises and falls again."""

from __future__ import annotations

import numpy as np

from ..oracle import Vector
from ..search import Row, Search
from .peaks import Peaks
from .second_order import DENSE

SEGMENTS = 1000
FOLLOWED = 6         # segments on which f comes nearest to a peak
LEVELLED = 12        # points where f curves down most along its level
LINES = 48


def quasiconvex(search: Search) -> Row:
    share = search.start(0.35)
    peaks = Peaks(search)
    count = _segments(search, peaks, int(np.clip(share // 10, 20, SEGMENTS)))
    levels = _levels(search, peaks)
    lines = _lines(search, peaks)
    pushed = _descents(search, peaks)
    quantity = "largest f(z) - max(f(x), f(y))"
    return Row("quasiconvex", peaks.outcome, quantity, peaks.worst, count + levels + lines, pushed,
               witness=peaks.witness or peaks.suspicion)


def _segments(search: Search, peaks: Peaks, k: int) -> int:
    """Independent segments, ends and θ uniform; those that come nearest to a peak are followed."""
    X, Y = search.region.sample(k, search.rng), search.region.sample(k, search.rng)
    theta, value = search.rng.uniform(0.0, 1.0, (k, 1)), search.oracle.value
    f = np.full((k, 3), np.nan)
    for i, (x, y, t) in enumerate(zip(X, Y, theta, strict=True)):
        if search.late():
            break
        f[i] = [value(p) for p in (x, x + t * (y - x), y)]
    fine = np.isfinite(f).all(axis=1)
    X, Y, f = X[fine], Y[fine], f[fine]
    gap = f[:, 1] - np.maximum(f[:, 0], f[:, 2])
    doubt = search.doubt(2 * np.max(np.abs(f), axis=1, initial=0.0))
    search.segments, search.segment_violations = len(gap), int(np.sum(gap > doubt))
    size = np.ptp(f, axis=1) + doubt
    peaks.worst = float(np.max(gap, initial=-np.inf))
    for i in np.argsort(-gap / size)[:FOLLOWED]:
        if peaks.going and peaks.along(X[i], Y[i]):
            break
    return len(gap)


def _levels(search: Search, peaks: Peaks) -> int:
    """The bordered Hessian: its smallest eigenvalue on the complement of the gradient, worst places first."""
    if not search.oracle.exact or not 1 < search.oracle.n <= DENSE:
        return 0
    found = []
    for x in search.samples.X:
        if not peaks.going or search.oracle.spent > search.limit - 0.4 * search.budget * 0.35:
            break
        found.append((*lowest_on_level(search, x), x))
    found.sort(key=lambda entry: entry[0])
    for value, d, x in found[:LEVELLED]:
        if not (value < 0 and peaks.going) or peaks.across(x, d):
            break
    return len(found)


def lowest_on_level(search: Search, x: Vector) -> tuple[float, Vector]:
    """(λ, d): the smallest eigenvalue of S∇²f(x)S on the complement of S∇f(x), relative to the Hessian; d = S·vector.

    S holds the half-widths. Where the gradient is 0, all directions count.
    """
    s = search.scale
    g, H = s * search.oracle.value_and_grad(x)[1], s[:, None] * search.oracle.hessian(x) * s
    size = float(np.linalg.norm(H, 2)) if np.isfinite(H).all() else np.nan
    if not size > 0:
        return np.inf, s
    basis = np.linalg.svd(g[None])[2][1:] if g.any() else np.eye(x.size)
    values, vectors = np.linalg.eigh(basis @ H @ basis.T)
    return float(values[0]) / size, s * (basis.T @ vectors[:, 0])


def _lines(search: Search, peaks: Peaks) -> int:
    """Whole chords: by turns through two samples, along a coordinate, and from the centre."""
    region, k = search.region, 0
    while k < LINES and peaks.going:
        x, y = region.sample(2, search.rng)
        d = search.scale * np.eye(region.n)[k // 2 % region.n] if k % 2 else y - x
        t0, t1 = region.chord(x, d)
        peaks.along(region.project(x + t0 * d), region.project(x + t1 * d))
        k += 1
    return k


def _descents(search: Search, peaks: Peaks) -> int:
    """Segments pushed to the highest f(z) − max(f(x), f(y)) at their middle, then looked at whole."""
    pushed = 0
    while pushed < FOLLOWED and peaks.going:
        start = np.concatenate([search.scaled(x) for x in search.region.sample(2, search.rng)])
        z = search.descend(lambda z: level_rise(search, z), start, start.size) if search.oracle.exact \
            else search.wander(lambda z: level_rise(search, z)[0], start)
        peaks.along(*(search.place(u) for u in np.split(z, 2)))
        pushed += 1
    return pushed


def level_rise(search: Search, z: Vector) -> tuple[float, Vector]:
    """max(f(x), f(y)) − f((x + y)/2) and a gradient in scaled coordinates z = (x, y)."""
    x, y = (search.place(u) for u in np.split(z, 2))
    if not search.oracle.exact:
        fx, fz, fy = (search.oracle.value(p) for p in (x, (x + y) / 2, y))
        rise = max(fx, fy) - fz
        return (rise if np.isfinite(rise) else np.inf), np.zeros(z.size)
    (fx, gx), (fz, gz), (fy, gy) = (search.oracle.value_and_grad(p) for p in (x, (x + y) / 2, y))
    s, higher = search.scale, fx > fy
    return max(fx, fy) - fz, np.concatenate([s * (higher * gx - gz / 2), s * ((not higher) * gy - gz / 2)])
