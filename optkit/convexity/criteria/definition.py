"""f((1−θ)x + θy) ≤ (1−θ)f(x) + θf(y): uniform segments, then segments pushed to the worst."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..oracle import Vector
from ..search import Row, Search, curvature_bounds, per_square

SEGMENTS = 1000  # independent uniform ones: after none violates, at most 0.3 % do, at 95 % confidence
PUSHED = 3       # by curvature, and as many by gap


class _Trials(NamedTuple):
    """Segments (1−θ)x + θy: gap = f(z) − chord, so that curvature/2 · ‖x − y‖² = −gap/weight with weight θ(1−θ)."""

    X: np.ndarray
    Y: np.ndarray
    weight: Vector
    gap: Vector
    doubt: Vector

    def join(self, other: _Trials) -> _Trials:
        return _Trials(*(np.concatenate(pair) for pair in zip(self, other, strict=True)))


def definition(search: Search) -> Row:
    share = search.start(0.3)
    drawn = int(np.clip(share // 6, 30, SEGMENTS))
    trials, missed = _sample(search, drawn)
    count = len(trials.gap)
    search.segments, search.segment_violations = count, int(np.sum(trials.gap > trials.doubt))
    for i in np.argsort(-trials.gap / (trials.doubt + np.finfo(float).tiny))[:PUSHED]:
        if trials.gap[i] > trials.doubt[i]:
            search.scan(trials.X[i], trials.Y[i] - trials.X[i])
    for i, by_curvature in _starts(search, trials):
        if search.refuted or not search.afford():
            break
        x, y = _push(search, trials.X[i], trials.Y[i], by_curvature)
        found, _ = _measure(search, x[None], y[None], np.array([0.5]))
        if found.gap.size and found.gap[0] > 0:
            search.probe((x + y) / 2, y - x) or search.scan(x, y - x)
        trials = trials.join(found)
    square = np.sum((trials.X - trials.Y) ** 2, axis=1)
    mu, L = curvature_bounds(-trials.gap / trials.weight, trials.doubt / trials.weight, square)
    return Row("definition", search.outcome(bool(np.any(trials.gap > trials.doubt))), "largest f(z) - chord",
               float(np.max(trials.gap, initial=-np.inf)), count, len(trials.gap) - count, mu, L,
               note=f"{missed} of {drawn} segments left out, where f is not finite" if missed else "")


def _sample(search: Search, k: int) -> tuple[_Trials, int]:
    """k independent segments, ends and θ uniform."""
    X, Y = search.region.sample(k, search.rng), search.region.sample(k, search.rng)
    return _measure(search, X, Y, search.rng.uniform(0.0, 1.0, k))


def _measure(search: Search, X: np.ndarray, Y: np.ndarray, theta: Vector) -> tuple[_Trials, int]:
    """The gaps of these segments, and how many were left out because f is not finite on them."""
    value, looked = search.oracle.value, 0
    f = np.full((len(X), 3), np.nan)
    for i, (x, y, t) in enumerate(zip(X, Y, theta, strict=True)):
        if search.late():
            break
        f[i] = value(x), value(x + t * (y - x)), value(y)
        looked += 1
    finite = np.isfinite(f).all(axis=1)
    fine = finite & (theta > 0) & np.any(X != Y, axis=1)
    X, Y, f, theta = X[fine], Y[fine], f[fine], theta[fine]
    gap = f[:, 1] - (1 - theta) * f[:, 0] - theta * f[:, 2]
    doubt = search.doubt(2 * np.max(np.abs(f), axis=1, initial=0.0))
    return _Trials(X, Y, theta * (1 - theta), gap, doubt), looked - int(finite.sum())


def _starts(search: Search, trials: _Trials) -> list[tuple[int, bool]]:
    """Where to push from: the segments of lowest curvature in scaled coordinates, and those of largest gap."""
    curvature = -trials.gap / trials.weight / np.sum(((trials.X - trials.Y) / search.region.scale) ** 2, axis=1)
    return [(i, True) for i in np.argsort(curvature)[:PUSHED]] + [(i, False) for i in np.argsort(-trials.gap)[:PUSHED]]


def _push(search: Search, x: Vector, y: Vector, by_curvature: bool) -> tuple[Vector, Vector]:
    """The ends of the segment near (x, y) with the lowest curvature, or the largest gap, at its middle."""
    def with_gradient(z: Vector) -> tuple[float, Vector]:
        rise, slope = middle_rise(search, z)
        return per_square(rise, slope, z) if by_curvature else (rise, slope)

    def by_value(z: Vector) -> float:
        fx, fz, fy = (search.oracle.value(p) for p in _points(search, z))
        rise = (fx + fy) / 2 - fz
        rise = per_square(rise, np.zeros(z.size), z)[0] if by_curvature else rise
        return rise if np.isfinite(rise) else np.inf

    start = np.concatenate([search.scaled(x), search.scaled(y)])
    best = search.descend(with_gradient, start, start.size) if search.oracle.exact else search.wander(by_value, start)
    x, _, y = _points(search, best)
    return x, y


def _points(search: Search, z: Vector) -> tuple[Vector, Vector, Vector]:
    """The ends and the middle of the segment z = (u, v) of scaled coordinates."""
    u, v = np.split(z, 2)
    x, y = search.place(u), search.place(v)
    return x, (x + y) / 2, y


def middle_rise(search: Search, z: Vector) -> tuple[float, Vector]:
    """(f(x) + f(y))/2 − f((x + y)/2) and its gradient in scaled coordinates."""
    (fx, gx), (fz, gz), (fy, gy) = (search.oracle.value_and_grad(p) for p in _points(search, z))
    s = search.scale
    return (fx + fy) / 2 - fz, np.concatenate([s * (gx - gz) / 2, s * (gy - gz) / 2])
