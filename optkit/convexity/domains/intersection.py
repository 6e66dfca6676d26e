"""The points of several regions at once."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
from scipy.linalg import null_space

from .box import Box
from .polyhedron import STRIDE, AffineSubspace, Polyhedron
from .region import Flags, Matrix, Region, Vector, walk
from .simplex import Simplex
from .spreading import shuffled

ROUNDS = 2000       # of alternating projections
TRIES = 20          # draws per wanted sample, before a hit-and-run walk takes over
SETTLE = 64         # steps of the walk whose mean is the centre


class Intersection(Region):
    """The points of all parts, which have the same flat coordinates and argument. Made by `a & b`.

    Samples are those of the first part that lie in the others, or of a hit-and-run walk where few do.
    Raises ValueError if no common point was found.
    """

    parts: tuple[Region, ...]

    def __init__(self, *parts: Region):
        self.parts = tuple(p for part in parts for p in (part.parts if isinstance(part, Intersection) else (part,)))
        first = max(self.parts, key=lambda p: len(p.facts))      # its arguments say the most of themselves
        self.unravel, self.flatten = first.unravel, first.flatten  # type: ignore[method-assign]
        lower = reduce(np.maximum, [p.lower for p in self.parts])
        upper = reduce(np.minimum, [p.upper for p in self.parts])
        ends = [np.stack([p.outer[side] for p in self.parts]) for side in (0, 1)]
        outer = ends[0].max(axis=0), ends[1].min(axis=0)
        shut = [np.stack([p.open_ends[side] for p in self.parts]) for side in (0, 1)]
        opened = tuple((flags & (end == edge)).any(axis=0) for flags, end, edge in zip(shut, ends, outer, strict=True))
        self.lower, self.upper = lower, upper
        self._hull()
        self._place(self._common(), lower, upper, outer, (opened[0], opened[1]))
        self._place(self._inner(), lower, upper, outer, (opened[0], opened[1]))
        if self.subspace is not None:
            self.subspace = self.center, self.subspace[1]
        self.facts = frozenset().union(*[p.facts for p in self.parts])
        self.spec = {"parts": self.parts}
        self.label = " and ".join(p.label for p in self.parts)

    @property
    def set_label(self) -> str:
        return " and ".join(p.set_label for p in self.parts)

    def _hull(self) -> None:
        given = [p.equations for p in self.parts if p.equations is not None]
        if given:
            self.equations = np.vstack([A for A, _ in given]), np.concatenate([b for _, b in given])
            Z = null_space(self.equations[0])
            if Z.shape[1] == 0:
                raise ValueError("a & b: the equations of the parts leave one point, so there is no segment to examine")
            self.subspace = np.zeros(len(Z)), Z

    def _common(self) -> Vector:
        """A point of all parts by alternating projections. Bauschke & Borwein 1996, SIAM Review 38."""
        for start in [np.mean([p.center for p in self.parts], axis=0), *[p.center for p in self.parts]]:
            x = start
            for _ in range(ROUNDS):
                x = np.clip(x, self.lower, self.upper)
                for p in self.parts:                 # a little beyond the nearest point, into the interior
                    y = p.project(x)
                    further = y + 0.1 * (y - x)
                    x = further if p.contains(further) else y
                if self._searched(x):
                    return x
        raise ValueError(f"a & b: no common point of {' and '.join(p.label for p in self.parts)} was found: the set is "
                         "empty or flat")

    def _inner(self) -> Vector:
        rng = np.random.default_rng(0)
        points = walk(self, self.center, SETTLE, STRIDE + self.n // 2, rng)
        middle = points.mean(axis=0)
        return middle if self.contains(middle) else points[-1]

    @property
    def bounded(self) -> bool:
        return any(p.bounded for p in self.parts)

    def sample(self, k: int, rng: np.random.Generator) -> Matrix:
        drawn = self.parts[0].sample(TRIES * min(k, 32), rng)
        kept = np.array([x for x in drawn if self._searched(x)]).reshape(-1, self.n)
        rate = len(kept) / len(drawn)
        if rate < 1 / TRIES:
            start = walk(self, self.center, 1, 10 * STRIDE + 2 * self.n, rng)[0]
            return walk(self, start, k, STRIDE + self.n // 2, rng)
        while len(kept) < k:
            more = self.parts[0].sample(int((k - len(kept)) / rate) + 8, rng)
            kept = np.vstack([kept, *[x for x in more if self._searched(x)]])
        return kept[:k]

    def spread(self, k: int, rng: np.random.Generator) -> Matrix:
        known = [x for p in self.parts for x in p.spread(k // 2, rng) if self._searched(x)][: k // 2]
        inner = self.sample(max(1, k - 1 - len(known)), rng)
        for i in range(0, len(inner), 2):
            d = self.direction(rng)
            end = inner[i] + self.chord(inner[i], d)[1] * d
            inner[i] = end if self.contains(end) else inner[i]
        return shuffled([self.center], np.vstack([inner, *known]), rng)

    def chord(self, x: Vector, d: Vector) -> tuple[float, float]:
        ends = [p.chord(x, d) for p in self.parts]
        return max(t for t, _ in ends), min(t for _, t in ends)

    def _searched(self, x: Vector) -> bool:
        return bool(np.all(x >= self.lower) and np.all(x <= self.upper)) and self.contains(x)

    def contains(self, x: Vector) -> bool:
        return all(p.contains(x) for p in self.parts)

    def misses(self, lower: Matrix, upper: Matrix) -> Flags:
        """Where one part misses the box."""
        return np.any([p.misses(lower, upper) for p in self.parts], axis=0)

    def on_boundary(self, x: Vector) -> bool:
        return any(p.on_boundary(x) for p in self.parts)


def intersection(a: Region, b: Any) -> Region:
    """a & b; a polyhedron where both parts are polyhedra or boxes."""
    if not isinstance(b, Region):
        return NotImplemented
    _check_arguments(a, b)
    if _vector(a) and _vector(b) and _closed(a) and _closed(b):
        return _polyhedron(a, b)
    return Intersection(a, b)


def _check_arguments(a: Region, b: Region) -> None:
    if a.n == b.n:
        x, y = a.unravel(a.center), b.unravel(a.center)
        try:
            if np.array_equal(b.flatten(x), b.flatten(y)) and np.array_equal(a.flatten(y), a.flatten(x)):
                return
        except (TypeError, ValueError, IndexError, KeyError):
            pass
    raise ValueError(f"a & b: both regions must be of one kind of argument, got {a.label} ({a.n} coordinates) and "
                     f"{b.label} ({b.n} coordinates)")


def _closed(region: Region) -> bool:
    """Whether a polyhedron with all its faces."""
    return isinstance(region, (Box, Polyhedron)) or isinstance(region, Simplex) and not region.interior


def _vector(region: Region) -> bool:
    return isinstance(argument := region.unravel(region.center), np.ndarray) and argument.ndim == 1


def _polyhedron(a: Region, b: Region) -> Polyhedron:
    parts = [_inequalities(p) for p in (a, b)]
    A, ends = np.vstack([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
    given = [p.equations for p in (a, b) if p.equations is not None]
    Aeq = np.vstack([e[0] for e in given]) if given else None
    beq = np.concatenate([e[1] for e in given]) if given else None
    reach = max(p.spec.get("reach", 1.0) for p in (a, b))
    if not len(ends):
        return AffineSubspace(Aeq, beq, reach)
    return Polyhedron(A, ends, Aeq, beq, reach)


def _inequalities(region: Region) -> tuple[Matrix, Vector]:
    if isinstance(region, Polyhedron):
        return region.A, region.b
    eye = np.eye(region.n)
    low, high = region.outer if isinstance(region, Box) else (np.zeros(region.n), np.full(region.n, np.inf))
    fixed = low == high
    below, above = np.isfinite(low) & ~fixed, np.isfinite(high) & ~fixed
    return np.vstack([-eye[below], eye[above]]), np.concatenate([-low[below], high[above]])

