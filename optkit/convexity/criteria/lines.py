"""Along every line the slope may not fall. Finds kinks, whose Hessian is perfect everywhere it exists."""

from __future__ import annotations

import heapq
import itertools

import numpy as np

from ..oracle import Vector
from ..search import Row, Search

SLOPES = 9         # per line at first
DEPTH = 1e-10      # intervals shorter than this part of the line are not split further
SETTLED = 1e-9     # of the steepest slope on the line: a smaller fall is left to rounding
ATTEMPTS = 12      # falls followed up
LINES = 64


def lines(search: Search) -> Row:
    share = search.start(0.15)
    cost = 2 * SLOPES if search.oracle.exact else 3 * SLOPES
    count = int(np.clip(share / 2 / cost, 4, LINES))
    queue = _Queue(search)
    for k in range(count):
        queue.add_line(*_random_line(search, k))
    queue.zoom()
    fall = -queue.worst + 0.0
    return Row("lines", search.outcome(queue.fell), "largest fall of the slope", fall, count, queue.splits)


def _random_line(search: Search, k: int) -> tuple[Vector, Vector]:
    """A point and a direction: by turns between two uniform points, along a coordinate, and through the centre."""
    x, y = search.region.sample(2, search.rng)
    if k % 4 == 1:
        return x, search.region.scale * np.eye(x.size)[k // 4 % x.size]
    return (search.region.center, x - search.region.center) if k % 4 == 3 else (x, y - x)


class _Queue:
    """Intervals of lines, the one of lowest mean curvature relative to its line's first; a split asks for one slope."""

    def __init__(self, search: Search):
        self.search = search
        self.heap: list[tuple] = []
        self.serial = itertools.count()
        self.worst, self.splits, self.attempts, self.fell = 0.0, 0, 0, False

    def add_line(self, x: Vector, d: Vector) -> None:
        t0, t1 = self.search.region.chord(x, d)
        if not t1 > t0:
            return
        t = np.linspace(t0, t1, SLOPES)
        slopes = [self._slope(x, d, s) for s in t]
        steep = max((abs(s) for s in slopes if np.isfinite(s)), default=0.0)
        rise = slopes[-1] - slopes[0] if slopes[-1] - slopes[0] > SETTLED * steep else steep
        for i in range(SLOPES - 1):
            self._push(x, d, (t[i], t[i + 1]), (slopes[i], slopes[i + 1]), (t1 - t0, rise, steep))

    def zoom(self) -> None:
        while self.heap and not self.search.refuted and self.search.afford():
            x, d, (a, b), (sa, sb), line = heapq.heappop(self.heap)[2:]
            if b - a < DEPTH * line[0]:
                continue
            middle = (a + b) / 2
            slope = self._slope(x, d, middle)
            self.splits += 1
            self._push(x, d, (a, middle), (sa, slope), line)
            self._push(x, d, (middle, b), (slope, sb), line)

    def _slope(self, x: Vector, d: Vector, t: float) -> float:
        return self.search.oracle.slope(self.search.region.project(x + t * d), d)

    def _push(self, x: Vector, d: Vector, span: tuple, slopes: tuple, line: tuple) -> None:
        rise, (length, whole, steep) = slopes[1] - slopes[0], line
        if not np.isfinite(rise):
            return
        curvature = rise / whole * length / (span[1] - span[0]) if whole else 0.0
        heapq.heappush(self.heap, (curvature, next(self.serial), x, d, span, slopes, line))
        settled = SETTLED if self.search.oracle.exact else 1e-4
        if rise < -settled * steep:
            self.worst = min(self.worst, rise)
            self.fell |= self.search.refuted
            if self.attempts < ATTEMPTS and not self.search.refuted:
                self.attempts += 1
                self.fell |= self.search.probe(x + (span[0] + span[1]) / 2 * d, d)
