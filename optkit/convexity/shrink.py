"""A verified segment made readable: few coordinates that move, zeros where nothing depends on them, few digits.

Every change is checked twice: by plain calls while trying, and by the verifier of the original before it is accepted.
The middle stays exactly (x + y)/2 in float64.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .evidence import Evidence, verify
from .oracle import Oracle, Vector
from .witness import Segment, exact_middle

CALLS = 400          # of f, at most
SECONDS = 2.0        # and about so long, where f is slow
VERIFICATIONS = 4    # with the coordinates that do not matter set still, and as many without
KEPT = 0.1           # of the gap that all changes together may not lose
DIGITS = 10          # tried at most
MANY = 100           # coordinates beyond which binary fractions do
LONGEST = 14         # digits of a number on average; more, and a binary fraction is no longer to write
FAINT = 1e-3         # of the largest movement, in half-widths: a smaller one is dropped first


def shrink(oracle: Oracle, segment: Segment, evidence: Evidence, rng: np.random.Generator,
           until: float) -> tuple[Segment, Evidence]:
    """The most readable segment found, with its own evidence. until : on time.perf_counter's clock."""
    work = _Work(oracle, KEPT * segment.gap, min(until, time.perf_counter() + SECONDS))
    still = work.freeze(segment, CALLS // 2, time.perf_counter() + SECONDS / 2)
    for start in (still, segment) if still is not segment else (segment,):
        left = VERIFICATIONS
        for digits in range(1, DIGITS + 1):
            shorter = work.rounded(start, digits) if left and work.affordable() else None
            if shorter is None:
                continue
            left -= 1
            found = verify(oracle, shorter, rng)
            if found.real and found.how == evidence.how:
                return shorter, found
    return segment, evidence


class _Work:
    """Attempts, counted."""

    def __init__(self, oracle: Oracle, least: float, until: float):
        self.oracle, self.region, self.least, self.until = oracle, oracle.region, least, until
        self.calls = 0

    def affordable(self) -> bool:
        return self.calls < CALLS and time.perf_counter() < self.until

    def attempt(self, x: Vector, y: Vector) -> Segment | None:
        """The segment from x to y if its middle is exact, it stays inside, and keeps enough of the gap."""
        z = exact_middle(x, y)
        if z is None or np.array_equal(x, y) or not all(self.region.contains(p) for p in (x, z, y)):
            return None
        self.calls += 3
        found = Segment(x, z, y, *(self.oracle.value(p) for p in (x, z, y)))
        return found if found.excess > 1 and found.gap >= self.least else None

    def freeze(self, segment: Segment, calls: int, until: float) -> Segment:
        """Coordinates set to 0, or at least kept still, in blocks that are halved until single ones."""
        if self.region.subspace is not None:
            return segment
        moved = np.abs(segment.y - segment.x) / self.region.scale
        queue = [np.flatnonzero(moved <= FAINT * moved.max()), np.flatnonzero(moved > FAINT * moved.max())]
        while queue and self.calls < calls and time.perf_counter() < until:
            block = queue.pop(0)
            if block.size == 0:
                continue
            quieter = self._quiet(segment, block)
            if quieter is not None:
                segment = quieter
            elif block.size > 1:
                queue += np.array_split(block[np.argsort(moved[block])], 2)
        return segment

    def _quiet(self, segment: Segment, block: NDArray[np.intp]) -> Segment | None:
        for value in (0.0, None):
            x, y = segment.x.copy(), segment.y.copy()
            x[block] = y[block] = segment.z[block] if value is None else value
            if np.array_equal(x, segment.x) and np.array_equal(y, segment.y):
                return None
            found = self.attempt(x, y)
            if found is not None:
                return found
        return None

    def rounded(self, segment: Segment, digits: int) -> Segment | None:
        """The segment with about so many digits of its movement."""
        moved = np.abs(segment.y - segment.x)
        size = np.where(moved > 0, moved, self.region.scale)
        places = digits - 1 - np.floor(np.log10(size)).astype(int)
        if self.region.equations is not None:
            return self._on_equations(segment, places)
        if segment.x.size > MANY:
            return self.attempt(*self._on_grid(segment, places))
        columns = (segment.x, segment.y, places, self.region.lower, self.region.upper)
        ends = [_pair(*pair) for pair in zip(*(c.tolist() for c in columns), strict=True)]
        x, y = (np.array(column) for column in zip(*ends, strict=True))
        return self.attempt(x, y)

    def _on_grid(self, segment: Segment, places: Vector) -> tuple[Vector, Vector]:
        """Both ends as binary fractions of few digits."""
        grid = np.ldexp(1.0, -np.floor(places * np.log2(10.0)).astype(int))
        low, high = np.ceil(self.region.lower / grid) * grid, np.floor(self.region.upper / grid) * grid
        x, y = (np.clip(np.round(p / grid) * grid, low, high) for p in (segment.x, segment.y))
        return x, y

    def _on_equations(self, segment: Segment, places: Vector) -> Segment | None:
        """Rounded to a dyadic grid, with as many coordinates as there are equations solved for."""
        assert self.region.equations is not None
        A, b = self.region.equations
        grid = np.ldexp(1.0, -int(np.ceil(np.max(places) * np.log2(10.0))))
        x, y = (_solved(A, b, np.round(p / grid) * grid) for p in (segment.x, segment.y))
        return None if x is None or y is None else self.attempt(x, y)


def _solved(A: np.ndarray, b: Vector, x: Vector) -> Vector | None:
    """x with the coordinates of the largest entries changed so that A x = b."""
    from scipy.linalg import lstsq, qr
    size = np.maximum(np.abs(x), np.finfo(float).tiny)
    pivots = qr(A * size, mode="r", pivoting=True)[1][: np.linalg.matrix_rank(A)]
    x = x.copy()
    x[pivots] = 0.0
    x[pivots] = lstsq(A[:, pivots], b - A @ x)[0]
    return x if np.isfinite(x).all() else None


def _pair(a: float, b: float, places: int, lower: float, upper: float) -> tuple[float, float]:
    """(a, b) rounded to about so many decimals, with an exact middle; to a binary grid where no decimals have one."""
    for more in (0, 1, 2):
        found = [(_letters(p, q), abs(p - a) + abs(q - b), p, q) for p, q in _decimals(a, b, places + more)
                 if lower <= p <= upper and lower <= q <= upper and (p != q or a == b)
                 and exact_middle(p, q) is not None]
        if found and min(found)[0] <= 3 * LONGEST:
            return min(found)[2:]
    grid = float(np.ldexp(1.0, -int(np.floor(places * np.log2(10.0)))))
    low, high = np.ceil(lower / grid) * grid, np.floor(upper / grid) * grid
    p, q = (float(np.clip(np.round(v / grid) * grid, low, high)) for v in (a, b))
    return p, q


def _letters(p: float, q: float) -> int:
    """Digits it takes to write p, q and their middle."""
    return sum(len(f"{abs(v):.17g}" if len(repr(v)) > LONGEST else repr(v).replace(".", "").strip("-0").split("e")[0])
               for v in (p, q, p + (q - p) / 2))


def _decimals(a: float, b: float, places: int) -> Iterator[tuple[float, float]]:
    """Decimals next to a and b; the same one where they are equal."""
    step = 10.0**-places
    for p in (a, a - step, a + step):
        if a == b:
            yield round(p, places) + 0.0, round(p, places) + 0.0
            continue
        for q in (b, b - step, b + step):
            yield round(p, places) + 0.0, round(q, places) + 0.0
