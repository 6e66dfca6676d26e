"""Peaks of f along lines: f(z) > max(f(x), f(y)) with z between x and y, which no quasiconvex function has."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..oracle import Vector
from ..search import Search
from ..witness import exact_segment
from .counterexample import Counterexample, refutation

CLAIM = "f(z) - max(f(x), f(y)), z between x and y,"
PARTS = 16     # of a chord; each is exact, as long as there are at most 64
ZOOMS = 8
LENGTHS = np.geomspace(0.5, 1e-7, 14)  # half-lengths, in half-widths, of segments along a level of f
COARSE = 1e-6  # of the range of f: a peak above it that nothing verifies is not passed over
ATTEMPTS = 8   # peaks submitted to verification


class Peak(NamedTuple):
    """x, z, y on one line, exactly; gap = f(z) − max(f(x), f(y)), doubt : what rounding may make of it."""

    x: Vector
    z: Vector
    y: Vector
    gap: float
    doubt: float

    @property
    def seen(self) -> bool:
        return self.gap > self.doubt


class Peaks:
    """The highest peaks met, and the first one verified."""

    def __init__(self, search: Search):
        self.search = search
        self.worst, self.attempts = -np.inf, 0
        self.witness: Counterexample | None = None
        self.suspicion: Counterexample | None = None

    @property
    def going(self) -> bool:
        return self.witness is None and self.search.afford()

    @property
    def outcome(self) -> str:
        if self.witness is not None or self.suspicion is not None:
            return "violated" if self.witness is not None else "suspected"
        return "unconfirmed" if self.attempts and self.worst > COARSE * self.search.oracle.range else "holds"

    def add(self, peak: Peak) -> bool:
        """Note a peak, and try to verify it if it is above rounding; whether it is."""
        if not np.isfinite(peak.gap):
            return False
        self.worst = max(self.worst, peak.gap)
        if peak.seen and self.witness is None and self.attempts < ATTEMPTS:
            self.attempts += 1
            found = refutation(self.search, CLAIM, {"x": peak.x, "z": peak.z, "y": peak.y}, [[-1, 1, 0], [0, 1, -1]],
                               at_least_zero=False)
            self.witness = found if found and found.verified else None
            self.suspicion = self.suspicion or found
        return peak.seen

    def along(self, x: Vector, y: Vector) -> bool:
        """Look for a peak between x and y, in ever smaller parts around the place that comes nearest to one."""
        for _ in range(ZOOMS):
            ends = exact_segment(x, y, self.search.region)
            if ends is None:
                return False
            X = ends[0] + np.arange(PARTS + 1)[:, None] / PARTS * (ends[2] - ends[0])
            f = np.array([self.search.oracle.value(p) for p in X])
            i, k, j = highest(f)
            doubt = float(self.search.doubt(2 * np.max(np.abs(f[[i, k, j]]))))
            if self.add(Peak(X[i], X[k], X[j], float(f[k] - max(f[i], f[j])), doubt)) or not self.going:
                return self.witness is not None
            x, y = X[max(k - 1, 0)], X[min(k + 1, PARTS)]
        return False

    def across(self, z: Vector, d: Vector) -> bool:
        """Look for a peak near z among segments of many lengths along d."""
        unit = d / float(np.max(np.abs(d) / self.search.scale))
        t0, t1 = self.search.region.chord(z, unit)
        for h in LENGTHS:
            h = min(h, -t0, t1)
            ends = exact_segment(z - h * unit, z + h * unit, self.search.region) if h > 0 else None
            if ends is not None and self.add(measured(self.search, *ends)) or not self.going:
                break
        return self.witness is not None


def measured(search: Search, x: Vector, z: Vector, y: Vector) -> Peak:
    f = [search.oracle.value(p) for p in (x, z, y)]
    return Peak(x, z, y, f[1] - max(f[0], f[2]), float(search.doubt(2 * max(map(abs, f)))))


def highest(f: Vector) -> tuple[int, int, int]:
    """i < k < j with the largest f_k − max(f_i, f_j). NaN counts as +∞ at the ends and −∞ in between."""
    low = np.where(np.isfinite(f), f, np.inf)
    left, right = np.minimum.accumulate(low), np.minimum.accumulate(low[::-1])[::-1]
    middle = np.where(np.isfinite(f), f, -np.inf)
    with np.errstate(invalid="ignore"):
        rise = middle[1:-1] - np.maximum(left[:-2], right[2:])
    k = 1 + int(np.argmax(np.where(np.isnan(rise), -np.inf, rise)))
    return int(np.argmin(low[:k])), k, k + 1 + int(np.argmin(low[k + 1:]))
