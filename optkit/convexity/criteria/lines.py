"""Along every line the slope may not fall. Finds kinks, whose Hessian is perfect everywhere it exists."""

from __future__ import annotations

import heapq
import itertools

import numpy as np

from ..hints import across_kinks
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
    crossed, found = _cross(search, search.oracle.spent + share // 2)
    for k in range(count):
        if k and search.late():
            count = k
            break
        queue.add_line(*_random_line(search, k))
    queue.zoom()
    fall = -queue.worst + 0.0
    outcome, pushed = search.outcome(queue.fell or found), queue.splits + crossed
    left = f"{queue.left} slopes left out, where f or its slope is not finite" if queue.left else ""
    return Row("lines", outcome, "largest fall of the slope", fall, count, pushed, note=left)


def _cross(search: Search, limit: int) -> tuple[int, bool]:
    """Look for a witness across the kinks and branches that the formula shows: (how many, whether one was found)."""
    crossed = 0
    for x, d in across_kinks(search) if not search.refuted else ():
        crossed += 1
        if search.probe(x, d):
            return crossed, True
        if search.oracle.spent > limit:
            break
    return crossed, False


def _random_line(search: Search, k: int) -> tuple[Vector, Vector]:
    """A point and a direction: by turns between two uniform points, along a coordinate, and through the centre."""
    x, y = search.region.sample(2, search.rng)
    if k % 4 == 1:
        return x, search.hull(search.scale * np.eye(x.size)[k // 4 % x.size])
    return (search.region.center, x - search.region.center) if k % 4 == 3 else (x, y - x)


class _Queue:
    """Intervals of lines, the one of lowest mean curvature relative to its line's first; a split asks for one slope."""

    def __init__(self, search: Search):
        self.search = search
        self.heap: list[tuple] = []
        self.serial = itertools.count()
        self.worst, self.splits, self.attempts, self.fell = 0.0, 0, 0, False
        self.left = 0                       # slopes that are not finite

    def add_line(self, x: Vector, d: Vector) -> None:
        t0, t1 = self.search.region.chord(x, d)
        if not t1 > t0:
            return
        t = np.linspace(t0, t1, SLOPES)
        slopes = [np.nan if self.search.overdue() else self._slope(x, d, s) for s in t]
        steep = max((abs(s) for s in slopes if np.isfinite(s)), default=0.0)
        known = [s for s in slopes if np.isfinite(s)]
        whole = known[-1] - known[0] if known else 0.0
        rise = whole if whole > SETTLED * steep else steep
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
        slope = self.search.oracle.slope(self.search.region.project(x + t * d), d)
        self.left += not np.isfinite(slope)
        return slope

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
