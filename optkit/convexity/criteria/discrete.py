"""L♮-convexity on integer points: f(p) + f(q) ≥ f(⌈(p+q)/2⌉) + f(⌊(p+q)/2⌋). Murota 2003, Discrete Convex Analysis, §7.

On a box, pairs with ‖p − q‖∞ ≤ 2 decide: those at distance 1 say that f is submodular on unit cubes, those at distance
2 then that it is integrally convex (Favati & Tardella 1990), and the two together are L♮-convexity.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from ..oracle import Vector
from ..paste import brief
from ..search import Row, Search
from .counterexample import Counterexample, refutation

CLAIM = "f(up) + f(down) - f(p) - f(q), up and down the middle of p and q rounded,"
QUANTITY = "largest f(up) + f(down) - f(p) - f(q)"
CLIMBS = 40          # random walks uphill
MOVES = 30
ATTEMPTS = 6


def l_natural(search: Search) -> Row:
    """All near pairs if the box is small enough, else random pairs and near pairs met on walks to larger violations."""
    share = search.start(0.35)
    low, high = np.ceil(search.region.lower), np.floor(search.region.upper)
    if not (np.all(low <= high) and np.any(low < high) and np.isfinite(low).all() and np.isfinite(high).all()):
        raise ValueError(f"l_natural: the domain must hold integer points in some direction, got {search.region}")
    midpoint = _Midpoint(search, low, high)
    width = high - low
    points, steps = float(np.prod(width + 1)), 5.0**width.size
    whole = points * steps <= share
    pairs = _near(low, high) if whole else _random(search, low, high, share)
    for p, q in pairs:
        midpoint.look(p, q)
        if midpoint.settled or (not search.afford() and not whole):
            break
    count = midpoint.trials
    pushed = 0 if whole else _climb(midpoint)
    outcome = "violated" if midpoint.witness else "suspected" if midpoint.suspicion else \
        "skipped" if midpoint.escape or not midpoint.trials else "holds"
    note = midpoint.escape or ("" if midpoint.trials else "no pair of integer points of the domain was met")
    if whole and outcome == "holds" and not midpoint.left_out:
        note = "all pairs of distance at most 2 were looked at, which decide on a box"
    search.segments, search.segment_violations = 0 if outcome == "skipped" else count, midpoint.violations
    return Row("L-natural", outcome, QUANTITY, midpoint.worst, count, pushed, note=note,
               witness=midpoint.witness or midpoint.suspicion)


class _Midpoint:
    """The gaps met; values of f are kept, since near pairs share them.

    left_out : pairs not both in the domain. escape : a pair that is, of whose middles one is not, in words.
    """

    def __init__(self, search: Search, low: Vector, high: Vector):
        self.search, self.low, self.high = search, low, high
        self.values: dict[bytes, float] = {}
        self.inside: dict[bytes, bool] = {}
        self.left_out, self.escape = 0, ""
        self.worst, self.trials, self.violations, self.attempts = -np.inf, 0, 0, 0
        self.witness: Counterexample | None = None
        self.suspicion: Counterexample | None = None

    @property
    def settled(self) -> bool:
        return self.witness is not None or self.attempts >= ATTEMPTS

    def value(self, p: Vector) -> float:
        key = (p + 0.0).tobytes()
        if key not in self.values:
            self.values[key] = self.search.oracle.value(p)
        return self.values[key]

    def contains(self, p: Vector) -> bool:
        key = (p + 0.0).tobytes()
        if key not in self.inside:
            self.inside[key] = self.search.region.contains(p)
        return self.inside[key]

    def look(self, p: Vector, q: Vector) -> float:
        """f(up) + f(down) − f(p) − f(q); where it is above rounding, verify it. −∞ where one of them is outside."""
        up, down = np.ceil((p + q) / 2), np.floor((p + q) / 2)
        if not (self.contains(p) and self.contains(q)):
            self.left_out += 1
            return -np.inf
        for middle in (up, down):
            if not self.contains(middle):
                self.escape = self.escape or (f"the domain is not L-natural: it holds {brief(p)} and {brief(q)}, but "
                                              f"not {brief(middle)}, their middle rounded")
                return -np.inf
        f = [self.value(x) for x in (up, down, p, q)]
        gap = f[0] + f[1] - f[2] - f[3]
        if not np.isfinite(gap):
            return -np.inf
        self.trials, self.worst = self.trials + 1, max(self.worst, gap)
        if gap > self.search.doubt(sum(map(abs, f))):
            self.violations, self.attempts = self.violations + 1, self.attempts + 1
            found = refutation(self.search, CLAIM, {"p": p, "q": q, "up": up, "down": down}, [[-1, -1, 1, 1]],
                               at_least_zero=False)
            self.witness = found if found and found.verified else self.witness
            self.suspicion = self.suspicion or found
        return gap


def _near(low: Vector, high: Vector) -> Iterator[tuple[Vector, Vector]]:
    """Pairs of integer points of the box with ‖p − q‖∞ ≤ 2, each once."""
    steps = [np.array(d, dtype=float) for d in itertools.product((-2, -1, 0, 1, 2), repeat=low.size)]
    steps = [d for d in steps if d.any() and d[np.flatnonzero(d)[0]] > 0]
    for p in itertools.product(*(np.arange(a, b + 1) for a, b in zip(low, high, strict=True))):
        x = np.array(p)
        for d in steps:
            y = x + d
            if np.all(y >= low) and np.all(y <= high):
                yield x, y


def _random(search: Search, low: Vector, high: Vector, share: int) -> Iterator[tuple[Vector, Vector]]:
    """By turns uniform pairs and near ones."""
    for k in range(max(20, share // 8)):
        p = np.floor(search.rng.uniform(low, high + 1))
        q = np.floor(search.rng.uniform(low, high + 1)) if k % 2 else \
            np.clip(p + search.rng.integers(-2, 3, p.size), low, high)
        yield np.minimum(p, high), np.minimum(q, high)


def _climb(midpoint: _Midpoint) -> int:
    """Walks that change one coordinate of p or q by ±1 and keep what raises the gap; returns how many were made."""
    search, walks = midpoint.search, 0
    for _ in range(CLIMBS):
        if midpoint.settled or not search.afford():
            break
        pair = np.floor(search.rng.uniform(midpoint.low, midpoint.high + 1, (2, midpoint.low.size)))
        pair = np.minimum(pair, midpoint.high)
        best, walks = midpoint.look(*pair), walks + 1
        for _ in range(MOVES):
            trial = pair.copy()
            i, j = search.rng.integers(2), search.rng.integers(pair.shape[1])
            trial[i, j] = np.clip(trial[i, j] + search.rng.choice([-1.0, 1.0]), midpoint.low[j], midpoint.high[j])
            gap = midpoint.look(*trial)
            if gap >= best:
                pair, best = trial, gap
    return walks
