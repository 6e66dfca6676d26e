"""The extreme eigenvalues met at points of a box, by a few well-placed points and a compass search from the best.

Kolda, Lewis & Torczon 2003, SIAM Rev. 45. What is found here only says how good a certified bound can become.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .cuts import middles
from .oracle import Matrix, Vector

CORNERS = 64        # of the box that are looked at, if it has no more; else a few, and no faces
FEW = 6
LOOKS = 16          # centres of new boxes in a round
LENGTHS = np.outer(0.25 ** np.arange(6), [-1, 1]).ravel()
SHORTEST = 1e-12    # step of the compass, in edges


class Witnesses:
    """low, high : the least and greatest eigenvalue sampled so far, at low_at, high_at; size : the largest magnitude.

    bounds, samples, misses, lower, upper, variables : as of `branch`. The other variables stay in the middle.
    """

    def __init__(self, bounds: Callable, samples: Callable | None, misses: Callable | None,
                 nearest: Callable | None, lower: Vector, upper: Vector, variables: list[int]):
        self.bounds, self.samples, self.misses, self.nearest = bounds, samples, misses, nearest
        self.lower, self.upper, self.variables = lower, upper, variables
        self.edges = lower[variables], upper[variables]
        self.centre = middles(lower[:, None], upper[:, None])[:, 0]
        self.low, self.high, self.size, self.local = np.inf, -np.inf, 0.0, 0.0
        self.low_at: Vector | None = None
        self.high_at: Vector | None = None
        self.rng = np.random.default_rng(0)
        self.steps = {"low": 0.25, "high": 0.25}        # of the compass, in edges
        self.lost = {"low": False, "high": False}       # a bound is infinite at a point, and so in all boxes around it

    def full(self, part: Matrix, rest: Vector) -> Matrix:
        """Columns of all variables, the others as in `rest`."""
        out = np.repeat(rest[:, None], part.shape[1], axis=1)
        out[self.variables] = part
        return out

    def negative(self, noise: float) -> bool:
        """Whether the least value is below 0 by more than the rounding of what it was computed from."""
        return self.low < -noise * self.local

    def places(self) -> Matrix:
        """(any, d) where the extremes were met, in the variables that are cut."""
        return np.array([at[self.variables] for at in (self.high_at, self.low_at) if at is not None]).reshape(
            -1, len(self.variables))

    def begin(self) -> None:
        """The middle, the corners, and the middles of the faces."""
        low, high = self.finite()
        d = len(low)
        middle = self.centre[self.variables][:, None]
        all_of_them = 2**d <= CORNERS
        bits = (np.arange(2**d)[:, None] >> np.arange(d)) & 1 if all_of_them else self.rng.integers(0, 2, (FEW, d))
        corners = np.where(bits.T > 0, high[:, None], low[:, None])
        faces = np.repeat(middle, 2 * d * all_of_them, axis=1)
        for k in range(d * all_of_them):
            faces[k, 2 * k:2 * k + 2] = low[k], high[k]
        self._sample(np.concatenate([middle, corners, faces], axis=1))

    def look(self, lower: Matrix, upper: Matrix, sides: tuple[str, ...]) -> None:
        """At the middles of the first boxes, and around the best points so far, at about as many points as boxes."""
        self._sample(middles(lower[:, :LOOKS], upper[:, :LOOKS]))
        for side in sides:
            self._compass(side, max(1, lower.shape[1] // len(LENGTHS)))

    def finite(self) -> tuple[Vector, Vector]:
        """The ends of the box in the variables that are cut, moved to something finite."""
        low, high = self.edges
        size = 1 + np.abs(self.centre[self.variables])
        return np.where(np.isfinite(low), low, np.minimum(high, 0.0) - size), np.where(
            np.isfinite(high), high, np.maximum(low, 0.0) + size)

    def _compass(self, side: str, most: int) -> None:
        """Steps of several lengths along the axes from the best point; the longest becomes twice the one that won."""
        at = self.low_at if side == "low" else self.high_at
        step = self.steps[side]
        if at is None or step < SHORTEST:
            return
        axes = self.rng.permutation(len(self.variables))[:most]
        low, high = self.finite()
        lengths = step * LENGTHS
        moves = np.zeros((len(axes), len(self.variables), len(lengths)))
        moves[np.arange(len(axes)), axes] = (high - low)[axes, None] * lengths
        here, before = at[self.variables], getattr(self, side)
        points = here[:, None] + moves.transpose(1, 0, 2).reshape(len(self.variables), -1)
        self._sample(np.clip(points, *(end[:, None] for end in self.edges)))
        now = self.low_at if side == "low" else self.high_at
        if now is not None and getattr(self, side) != before:
            moved = np.max(np.abs(now[self.variables] - here) / np.where(high > low, high - low, 1.0))
            self.steps[side] = min(0.25, 2 * float(moved))
        else:
            self.steps[side] = step / 256 ** (len(axes) / len(self.variables))     # by 256 once all axes have failed

    def _sample(self, points: Matrix) -> None:
        """Note the extremes at points (d, k) of the domain; a sample below what is certified there counts as that."""
        if self.samples is None or not points.shape[1]:
            return
        x = self.full(points, self.centre)
        x = self._members(x)
        if not x.shape[1]:
            return
        low, high = self.samples(x)
        known = np.isfinite(low) & np.isfinite(high)
        fine = np.flatnonzero(known)
        self._endless(x[:, ~known])
        if not len(fine):
            return
        self.size = max(self.size, float(np.max(np.maximum(np.abs(low[fine]), np.abs(high[fine])))))
        least, most = fine[np.argmin(low[fine])], fine[np.argmax(high[fine])]
        self._offer(x[:, least], float(low[least]), float(high[least]), True)
        self._offer(x[:, most], float(low[most]), float(high[most]), False)

    def _members(self, x: Matrix) -> Matrix:
        """The points that may be in the domain, and the nearest ones of a few of the others."""
        if self.misses is None:
            return x
        out = np.asarray(self.misses(x, x), bool)
        if self.nearest is None or not out.any():
            return x[:, ~out]
        few = x[:, np.flatnonzero(out)[:LOOKS]]
        least = np.where(np.isfinite(self.lower), self.lower, self.centre)
        moved = [self.nearest(point) for start in (few, self.full(few[self.variables], least)) for point in start.T]
        x = np.concatenate([x[:, ~out], np.stack(moved, axis=1)], axis=1)
        return x[:, ~np.asarray(self.misses(x, x), bool)]

    def _endless(self, x: Matrix) -> None:
        """Whether the first point where nothing was sampled is one where a bound is infinite."""
        if x.shape[1] and not all(self.lost.values()):
            low, high = self.bounds(x[:, :1], x[:, :1])
            self.lost["low"] |= not low[0] > -np.inf
            self.lost["high"] |= not high[0] < np.inf

    def _offer(self, x: Vector, low: float, high: float, least: bool) -> None:
        if least and low < 0:
            low = max(low, float(self.bounds(x[:, None], x[:, None])[0][0]))
        if least and low < self.low:
            self.low, self.low_at, self.local = low, x.copy(), max(abs(low), abs(high))
        elif not least and high > self.high:
            self.high, self.high_at = high, x.copy()
