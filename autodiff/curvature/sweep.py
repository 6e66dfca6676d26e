"""The range of a function over intervals from enclosures of it and of its derivative over parts.

`Critical` isolates once where the derivative may vanish, after which ranges are decided by ends; `swept` halves the
parts that decide the least and the greatest value, for infinite intervals and functions that differ by entry.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..intervals import INF, Interval, add, multiply, point, subtract
from .jet_rows import ORDER

PARTS, WORST, SPLIT, ROUNDS = 16, 6, 4, 12
CHUNK = 20_000          # parts looked at together
NEAR = 1e-3             # of the spread: as near to attained values as bounds are brought
Array = np.ndarray
Oracle = Callable[[Interval, tuple[int, ...], Array], list[Interval]]
"""oracle(parts (entries, p), orders, numbers of the entries) -> an enclosure for each order."""


class Critical:
    """Where φ⁽ᵏ⁺¹⁾ may vanish on [lo, hi], in narrow brackets, with the range of φ⁽ᵏ⁾ over each: monotone between."""

    START, FINER, NARROW, MOST = 128, 16, 1e-8, 192

    def __init__(self, oracle: Oracle, order: int, lo: float, hi: float):
        self.oracle, self.order, self.lo, self.hi = oracle, order, lo, hi
        grid = np.sinh(np.linspace(np.arcsinh(lo), np.arcsinh(hi), self.START + 1))
        grid[0], grid[-1] = lo, hi
        grid = np.unique(np.append(np.clip(grid, lo, hi), 0.0 if lo < 0 < hi else lo))
        found = self._isolated(Interval(grid[:-1], grid[1:]))
        self.known = found is not None
        if found is not None and found.lo.size:
            self.brackets = found
            self.values = _part(oracle, Interval(found.lo[None], found.hi[None]), order, np.zeros(1, int))[0]
        else:
            self.brackets, self.values = Interval(grid[:0], grid[:0]), Interval(grid[None, :0], grid[None, :0])

    def _isolated(self, parts: Interval) -> Interval | None:
        """Parts on which the sign of the derivative is not known, as narrow as they have to be; None: too many."""
        done: list[Interval] = []
        while parts.lo.size:
            slope, = self.oracle(Interval(parts.lo[None], parts.hi[None]), (self.order + 1,), np.zeros(1, int))
            flat = ((slope.lo == 0) & (slope.hi == 0))[0]
            open_ = ~((slope.lo > 0) | (slope.hi < 0))[0] & ~flat
            narrow = flat | open_ & (parts.hi - parts.lo <= self.NARROW * (np.abs(parts.lo) + self.NARROW))
            done.append(Interval(parts.lo[narrow], parts.hi[narrow]))
            low, high = parts.lo[open_ & ~narrow], parts.hi[open_ & ~narrow]
            if low.size + sum(p.lo.size for p in done) > self.MOST:
                return None
            cuts = [low, *[low + (high - low) * (j / self.FINER) for j in range(1, self.FINER)], high]
            parts = Interval(np.concatenate(cuts[:-1]), np.concatenate(cuts[1:]))
        return Interval(*(np.concatenate(ends) for ends in zip(*done, strict=True))) if done else parts

    def holds(self, x: Interval) -> bool:
        return bool(np.all(x.lo >= self.lo) and np.all(x.hi <= self.hi))

    def range(self, x: Interval) -> Interval:
        ends, = self.oracle(point(np.stack(x, axis=0)), (self.order,), np.zeros(2, int))
        lo, hi = ends.lo.min(axis=0), ends.hi.max(axis=0)
        for a, b, low, high in zip(*self.brackets, *(end[0] for end in self.values), strict=True):
            met = (x.lo <= b) & (x.hi >= a)
            lo, hi = np.where(met, np.minimum(lo, low), lo), np.where(met, np.maximum(hi, high), hi)
        return Interval(lo, hi)


def limited(x: Interval) -> Interval:
    return Interval(np.where(np.isnan(x.lo), -INF, x.lo), np.where(np.isnan(x.hi), INF, x.hi))


def swept(oracle: Oracle, x: Interval, order: int) -> Interval:
    """The range of oracle(·, order) over x (N,), from enclosures of it and of the next derivative over parts."""
    out = [np.empty(x.shape), np.empty(x.shape)]
    size = max(CHUNK // PARTS, 1)
    for k in range(0, x.lo.size, size):
        rows = np.arange(k, min(k + size, x.lo.size))
        found = _swept(oracle, Interval(x.lo[rows], x.hi[rows]), order, rows)
        out[0][k:k + size], out[1][k:k + size] = found
    return Interval(*out)


def _swept(oracle: Oracle, x: Interval, order: int, rows: Array) -> Interval:
    column, settled, _ = _part(oracle, Interval(x.lo[:, None], x.hi[:, None]), order, rows)
    whole = Interval(column.lo[:, 0], column.hi[:, 0])
    rest = ~(settled[:, 0] | (whole.lo == whole.hi) | np.isnan(x.lo) | np.isnan(x.hi))
    if not rest.any():
        return whole
    grid = _grid(x.lo[rest], x.hi[rest])
    low, high, rows = grid[:, :-1], grid[:, 1:], rows[rest]
    bounds, _, ends = _part(oracle, Interval(low, high), order, rows)
    least, most = ends.hi.min(axis=1), ends.lo.max(axis=1)
    lo = _refined(oracle, order, rows, low, high, bounds.lo, least, most, 1.0)
    hi = -_refined(oracle, order, rows, low, high, -bounds.hi, -most, -least, -1.0)
    out_lo, out_hi = whole.lo.copy(), whole.hi.copy()
    out_lo[rest], out_hi[rest] = np.maximum(lo, out_lo[rest]), np.minimum(hi, out_hi[rest])
    return Interval(out_lo, out_hi)


def _grid(a: Array, b: Array) -> Array:
    """Ends of parts: equal ones, or growing ones towards infinite ends, and 0 as an end where it is inside."""
    t = np.linspace(0.0, 1.0, PARTS + 1)
    reach = 2.0 ** np.arange(-6, PARTS - 6)
    left = np.where(np.isinf(a), np.where(np.isinf(b), -1.0, b - 1.0), a)
    with np.errstate(invalid="ignore"):
        out = a[:, None] + (b - a)[:, None] * t
        up = np.concatenate([a[:, None], a[:, None] + reach], axis=1)
        down = np.concatenate([b[:, None] - reach[::-1], b[:, None]], axis=1)
        both = np.concatenate([-reach[::-1][: PARTS // 2], [0.0], reach[-(PARTS // 2):]])
    out = np.where(np.isinf(b)[:, None], up, out)
    out = np.where(np.isinf(a)[:, None], down, out)
    out = np.where((np.isinf(a) & np.isinf(b))[:, None], both[None, :], out)
    out[:, 0], out[:, -1] = a, b
    inside = (a < 0) & (b > 0) & np.isfinite(left)
    nearest = np.argmin(np.where(np.isfinite(out[:, 1:-1]), np.abs(out[:, 1:-1]), INF), axis=1) + 1
    rows = np.flatnonzero(inside)
    out[rows, nearest[rows]] = 0.0
    return np.sort(np.clip(out, a[:, None], b[:, None]), axis=1)


def _refined(oracle: Oracle, order: int, rows: Array, low, high, bound, best, other, sign: float) -> Array:
    """A lower bound of sign·φ⁽ᵏ⁾, the parts with the least bounds being split again; best, other: attained values."""
    n, more = len(low), WORST * (SPLIT - 1)
    slack = NEAR * np.where(np.isfinite(other - best), other - best, np.abs(best))
    for _ in range(ROUNDS):
        least = bound.min(axis=1)
        todo = np.flatnonzero(~(least >= best - slack) | (least < 0) & (best > 0))
        if not todo.size:
            break
        pick = np.argpartition(bound[todo], WORST - 1, axis=1)[:, :WORST]
        a, b = low[todo[:, None], pick], high[todo[:, None], pick]
        ends = np.stack([a, *[_cut(a, b, j / SPLIT) for j in range(1, SPLIT)], b], axis=-1)
        fresh = [part.reshape(len(todo), -1) for part in (ends[..., :-1], ends[..., 1:])]
        found, _, at = _part(oracle, Interval(*fresh), order, rows[todo])
        best[todo] = np.minimum(best[todo], (at.hi if sign > 0 else -at.lo).min(axis=1))
        fresh.append(found.lo if sign > 0 else -found.hi)
        low, high, bound = (np.concatenate([held, np.full((n, more), fill)], axis=1) for held, fill in (
            (low, 0.0), (high, 0.0), (bound, INF)))
        for held, new in zip((low, high, bound), fresh, strict=True):
            by_part = new.reshape(len(todo), WORST, SPLIT)
            held[todo[:, None], pick] = by_part[..., 0]
            held[todo, -more:] = by_part[..., 1:].reshape(len(todo), -1)
    return bound.min(axis=1)


def _cut(a, b, t: float):
    """A number between: by the middle, or by doubling where an end is infinite."""
    with np.errstate(invalid="ignore"):
        inner = np.clip(a + (b - a) * t, a, b)
    step = 4.0 ** (4 * t)
    upward, downward = np.where(np.isfinite(a), a, 0.0) + step, np.where(np.isfinite(b), b, 0.0) - 4.0 ** (4 * (1 - t))
    out = np.where(np.isinf(b), np.where(np.isinf(a), (t - 0.5) * 8, upward), np.where(np.isinf(a), downward, inner))
    return np.clip(out, a, b)


def _part(oracle: Oracle, x: Interval, order: int, rows: Array) -> tuple[Interval, Array, Interval]:
    """(enclosure over x, whether decided by ends, hull of the values at finite ends): the least of three enclosures."""
    if order >= ORDER:
        found, = oracle(x, (order,), rows)
        return found, np.zeros(x.shape, bool), found
    found, slope = oracle(x, (order, order + 1), rows)
    fixed = Interval(*(np.where(np.isfinite(end), end, 0.0) for end in x))
    middle = 0.5 * fixed.lo + 0.5 * fixed.hi
    points, = oracle(point(np.concatenate([*fixed, middle], axis=1)), (order,), rows)
    missing = [~np.isfinite(end) for end in x]
    missing.append(missing[0] | missing[1])
    at = [Interval(np.where(m, found.lo, lo), np.where(m, found.hi, hi)) for m, lo, hi in zip(
        missing, np.split(points.lo, 3, axis=1), np.split(points.hi, 3, axis=1), strict=True)]
    rising, falling = slope.lo >= 0, slope.hi <= 0
    lo = np.where(rising, at[0].lo, np.where(falling, at[1].lo, found.lo))
    hi = np.where(rising, at[1].hi, np.where(falling, at[0].hi, found.hi))
    mean = limited(add(at[2], multiply(slope, subtract(x, point(middle)))))
    lo = np.maximum(np.where(missing[2], lo, np.maximum(lo, mean.lo)), found.lo)
    hi = np.minimum(np.where(missing[2], hi, np.minimum(hi, mean.hi)), found.hi)
    ends = Interval(np.maximum.reduce([p.lo for p in at]), np.minimum.reduce([p.hi for p in at]))
    return Interval(lo, hi), (rising | falling) & ~missing[2], ends
