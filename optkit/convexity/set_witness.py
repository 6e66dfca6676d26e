"""From two members with a point between them outside, to a witness that rounding cannot explain."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .domains import Matrix, Vector

ROOMS = np.geomspace(1e-1, 1e-11, 11)   # half-widths of the window: how far around a member there are only members
APART = 8                               # by this factor the point outside keeps a smaller distance
INWARD = (0.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)   # of the way to a deep member
EXTRA = 12                              # random directions probed, besides the coordinates
BISECTIONS = 40
DIGITS = range(1, 17)
SAMPLED = 48                            # points on a gap, where the set has no interior
SPAN, MIDDLES = 1e-3, 3                 # half-widths, and combinations of members, to tell that it should have one
DEEPEST = 16                            # members whose depth is measured


class Found(NamedTuple):
    """x, y : members. z = (x + y)/2 : outside. how : why this is not rounding."""

    x: Vector
    y: Vector
    z: Vector
    how: str


class Judge:
    """Decides on suspicions.

    If a convex set holds all points ±r around x and around y along n axes, it holds all within r/√n of their mean. So
    the mean is outside for sure where all probes of it, at an eighth of that distance, are outside too: membership
    would have to err by more than that distance, not by rounding. Where no member has room, that refutes only a
    set whose members span the space, so that it should have an interior, with none of them in the midst of the others.
    """

    def __init__(self, ask: Callable[[Vector], bool], members: Matrix, scale: Vector, rng: np.random.Generator):
        self.ask, self.scale, self.rng, n = ask, scale, rng, scale.size
        axes = np.eye(n)
        some = rng.standard_normal((EXTRA, n))
        some /= np.linalg.norm(some, axis=1, keepdims=True)
        self.probes = np.vstack([axes, -axes, some, -some]) * scale
        some = members[rng.permutation(len(members))[:DEEPEST]]
        depths = [self._room(x) for x in (members.mean(axis=0), *some)]
        self.deep = (members.mean(axis=0), *some)[int(np.argmax(depths))]
        self.flat = max(depths) == 0.0
        self.hollow = self.flat and self._hollow(members)

    def _hollow(self, members: Matrix) -> bool:
        """Whether the members span the space, and around some of their combinations there are none."""
        spread = np.linalg.svd((members - members.mean(axis=0)) / self.scale, compute_uv=False)
        if len(spread) < self.scale.size or not spread[-1] > SPAN * spread[0]:
            return False
        middles = [self.rng.dirichlet(np.ones(len(members))) @ members for _ in range(MIDDLES)]
        return not any(self.ask(x) for x in middles) and all(self._all(x, SPAN, False) for x in middles)

    def _room(self, x: Vector) -> float:
        """The largest of ROOMS within which all probes of x are members, 0 if none."""
        if not self.ask(x):
            return 0.0
        return next((float(r) for r in ROOMS if self._all(x, r, True)), 0.0)

    def _all(self, x: Vector, room: float, members: bool) -> bool:
        return all(self.ask(x + room * p) == members for p in self.probes)

    def witness(self, x: Vector, z: Vector, y: Vector) -> Found | None:
        """The suspicion with few digits and ends near the gap, or None if rounding may explain it."""
        a, b = self._toward(z, x), self._toward(z, y)     # members at both ends of the gap
        if a is None or b is None:
            return None
        if self.flat:
            return self._across(a, b) if self.hollow else None
        best, ends = 0.0, (a, b)
        for reach in (1.0, 0.5, 0.1, 1e-2, 1e-3, 0.0):    # as far from the gap as both sides allow
            room = min(float(np.linalg.norm(x - a)), float(np.linalg.norm(y - b)))
            step = reach * room / max(float(np.linalg.norm(y - x)), 1e-300)
            p, q = a + step * (x - y), b + step * (y - x)
            for inward in INWARD:
                u, v = p + inward * (self.deep - p), q + inward * (self.deep - q)
                room = self._holds(u, v, best)
                if room > best:
                    best, ends = room, (u, v)
        return self._few_digits(*ends, best) if best else None

    def _toward(self, z: Vector, x: Vector) -> Vector | None:
        """The member nearest to z found on the way to the member x."""
        t, outside = 1.0, 0.0
        if not self.ask(x) or self.ask(z):
            return None
        for _ in range(BISECTIONS):
            middle = (t + outside) / 2
            t, outside = (middle, outside) if self.ask(z + middle * (x - z)) else (t, middle)
        return z + t * (x - z)

    def _holds(self, x: Vector, y: Vector, least_room: float) -> float:
        """The room above `least_room` at which x and y are surely members and their mean is none; 0 without."""
        z = (x + y) / 2
        if not (self.ask(x) and self.ask(y)) or self.ask(z):
            return 0.0
        least = np.sqrt(z.size) * APART
        for room in ROOMS[ROOMS > least_room]:
            if self._all(z, room / least, False) and self._all(x, room, True) and self._all(y, room, True):
                return float(room)
        return 0.0

    def _few_digits(self, x: Vector, y: Vector, room: float) -> Found:
        size = np.max(np.abs([x, y]), axis=0)
        size = np.where(size > 0, size, 1.0)
        for digits in DIGITS:
            step = 10.0 ** (np.ceil(np.log10(size)) - digits)
            u, v = np.round(x / step) * step, np.round(y / step) * step
            u, v = (np.array([float(f"{c:.{digits + 2}g}") for c in w]) for w in (u, v))
            found = self._holds(u, v, 0.0)
            if found:
                x, y, room = u, v, found
                break
        return Found(x, y, (x + y) / 2, f"all {len(self.probes)} points tried around x and y, {room:.1g} half-widths "
                     "away, are members, and those tried around the mean are not")

    def _across(self, a: Vector, b: Vector) -> Found | None:
        t = self.rng.uniform(0.25, 0.75, SAMPLED)
        if not (self.ask(a) and self.ask(b)) or np.max(np.abs(b - a) / self.scale) < 1e-6:
            return None
        if any(self.ask(a + s * (b - a)) for s in [0.5, *t]):
            return None
        return Found(a, b, (a + b) / 2, f"nor are {SAMPLED} more points between them (the set has no interior)")
