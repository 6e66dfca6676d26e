"""The search for two members of a set with a point between them that is none."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
from scipy.optimize import linprog

from .domains import Matrix, Vector
from .domains.spreading import corners, low_discrepancy
from .set_oracles import PointSet
from .set_witness import Found, Judge

MEMBERS = 300           # collected before anything else
COLLECTING = 0.5        # of the time, at most, for the members
LINE_POINTS = 48        # on each scanned line
STRANGERS = 40          # points outside that are looked for in the hull of the members
CORNERS = 1024
BISECTIONS = 24
SHARES = {"random pairs": 0.15, "hull of members": 0.2, "lines": 0.25, "corners": 0.15, "boundary points": 0.15,
          "combinations of many": 0.1}


class Spent(Exception):  # noqa: N818 - ends a test, never seen by users
    """The budget of the test, or the time."""


class SetSearch:
    """One examination of a set. `found` is a witness; `doubtful` a point that may be outside by rounding only."""

    def __init__(self, examined: PointSet, rng: np.random.Generator, budget: int, seconds: float):
        self.set, self.rng, self.budget = examined, rng, budget
        self.until = time.perf_counter() + seconds
        self.calls, self.limit = 0, budget
        self.pairs = 0
        self.tests: dict[str, int] = {}
        self.found: Found | None = None
        self.doubtful: Vector | None = None
        examined.clock.until, before = time.perf_counter() + COLLECTING * seconds, examined.clock.calls
        self.members = examined.sample(MEMBERS, rng)
        self.calls += examined.clock.calls - before
        width = examined.upper - examined.lower
        self.scale = np.where(width > 0, width / 2, 1.0)

    def inside(self, x: Vector) -> bool:
        if self.calls >= self.limit or time.perf_counter() > self.until:
            raise Spent
        return self._ask(x)

    def _ask(self, x: Vector) -> bool:
        assert self.set.contains is not None
        self.calls += 1
        return bool(self.set.contains(x))

    def run(self) -> None:
        if len(self.members) < 2:
            return
        self.judge = Judge(self._ask, self.members, self.scale, self.rng)
        tests: dict[str, Callable[[], Iterator[None]]] = {
            "random pairs": self._pairs, "hull of members": self._hull, "lines": self._lines, "corners": self._corners,
            "boundary points": self._boundary, "combinations of many": self._combinations}
        for name, test in tests.items():
            self.limit = self.calls + int(SHARES[name] * self.budget)
            count = 0
            try:
                for _ in test():
                    count += 1
                    if self.found is not None:
                        break
            except Spent:
                pass
            self.tests[name] = count
            if self.found is not None:
                return

    def suspect(self, x: Vector, z: Vector, y: Vector) -> bool:
        """Whether members x, y with z between them outside make a witness."""
        self.found = self.judge.witness(x, z, y)
        if self.found is None:
            self.doubtful = z
        return self.found is not None

    def _pair(self) -> tuple[Vector, Vector]:
        i, j = self.rng.choice(len(self.members), 2, replace=False)
        return self.members[i], self.members[j]

    def _pairs(self) -> Iterator[None]:
        """A random point between two random members."""
        while True:
            x, y = self._pair()
            z = x + self.rng.random() * (y - x)
            if not self.inside(z):
                self.suspect(x, z, y)
            else:
                self.pairs += 1
            yield

    def _hull(self) -> Iterator[None]:
        """Points of the window outside the set, but in the convex hull of members: linear programs."""
        lower, upper = self.members.min(axis=0), self.members.max(axis=0)
        count = int(SHARES["hull of members"] * self.budget)
        cover = lower + (upper - lower) * low_discrepancy(count, self.set.n, self.rng)
        strangers = []
        for x in cover:
            if not self.inside(x):
                strangers.append(x)
            yield
        middle = self.members.mean(axis=0)
        strangers.sort(key=lambda x: float(np.max(np.abs(x - middle) / self.scale)))
        self.limit = self.calls + count
        for x in strangers[:STRANGERS]:
            weights = hull_weights(self.members, x)
            if weights is not None:
                self._reduce(self.members, weights)
                yield
                if self.found is not None:
                    return

    def _combinations(self) -> Iterator[None]:
        """Convex combinations of more than two members."""
        most = min(len(self.members), self.set.n + 1)
        while True:
            k = int(self.rng.integers(min(3, most), most + 1))
            points = self.members[self.rng.choice(len(self.members), k, replace=False)]
            weights = self.rng.dirichlet(np.ones(k))
            if not self.inside(weights @ points):
                self._reduce(points, weights)
            yield

    def _reduce(self, points: Matrix, weights: Vector) -> bool:
        """From a combination outside to two members: the first partial combination that is outside."""
        used = np.flatnonzero(weights > 1e-12)
        mean, total = points[used[0]], weights[used[0]]
        for i in used[1:]:
            total += weights[i]
            step = mean + weights[i] / total * (points[i] - mean)
            if not self.inside(step):
                return self.suspect(mean, step, points[i])
            mean = step
        return False

    def _lines(self) -> Iterator[None]:
        """Along lines through members: once outside, the set may not be met again."""
        n = self.set.n
        k = 0
        while True:
            x, y = self._pair()
            k += 1
            d = (y - x, self.scale * np.eye(n)[k // 3 % n], self.scale * self.rng.standard_normal(n))[k % 3]
            t0, t1 = self._window(x, d)
            t = np.sort(np.append(self.rng.uniform(t0, t1, LINE_POINTS), 0.0))
            self._gap(x, d, t, [s == 0 or self.inside(x + s * d) for s in t])
            yield

    def _gap(self, x: Vector, d: Vector, t: Vector, flags: list[bool]) -> bool:
        """A stretch outside between two members on the line is taken for a witness."""
        on = np.flatnonzero(flags)
        for i, j in zip(on[:-1], on[1:], strict=True):
            if j > i + 1:
                middle = (i + j) // 2
                return self.suspect(x + t[i] * d, x + t[middle] * d, x + t[j] * d)
        return False

    def _window(self, x: Vector, d: Vector) -> tuple[float, float]:
        moving = d != 0
        if not moving.any():
            return 0.0, 0.0
        ends = np.stack([(self.set.lower - x)[moving] / d[moving], (self.set.upper - x)[moving] / d[moving]])
        return min(0.0, float(ends.min(axis=0).max())), max(0.0, float(ends.max(axis=0).min()))

    def _exit(self, x: Vector, d: Vector, t: float) -> float:
        """The last t found inside along x + t d, for x inside, from a t outside."""
        inside = 0.0
        for _ in range(BISECTIONS):
            middle = (inside + t) / 2
            inside, t = (middle, t) if self.inside(x + middle * d) else (inside, middle)
        return inside

    def _rim(self, x: Vector, d: Vector) -> Vector:
        """The boundary point, or the end of the window, from the member x along d."""
        t = self._window(x, d)[1]
        return x + (t if self.inside(x + t * d) else self._exit(x, d, t)) * d

    def _corners(self) -> Iterator[None]:
        """Corners of the box around the members that are outside: where the edges that lead there leave the set, points
        between those are members of a convex set.
        """
        lower, upper = self.members.min(axis=0), self.members.max(axis=0)
        for i, e in enumerate(np.eye(self.set.n) * self.scale):     # to the faces of the set
            for x in self.members[self.rng.choice(len(self.members), 4)]:
                upper[i], lower[i] = max(upper[i], self._rim(x, e)[i]), min(lower[i], self._rim(x, -e)[i])
                yield
        for tip in corners(self.set.n, CORNERS, self.rng):
            corner = np.where(tip > 0, upper, lower)
            if not self.inside(corner):
                ends = [q for q in (self._back(corner, i, lower, upper) for i in range(self.set.n)) if q is not None]
                if len(ends) > 1:
                    self._reduce(np.array(ends), np.full(len(ends), 1 / len(ends)))
            yield

    def _back(self, corner: Vector, i: int, lower: Vector, upper: Vector) -> Vector | None:
        """The member nearest to the corner on its edge along coordinate i."""
        d = np.zeros(self.set.n)
        d[i] = lower[i] + upper[i] - 2 * corner[i]
        for t in (0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8):
            if self.inside(corner + t * d):
                start = corner + t * d
                return start + self._exit(start, -d, t) * -d
        return None

    def _boundary(self) -> Iterator[None]:
        """Points between boundary points: far ones, near ones, and those found from one another along a coordinate."""
        rim: list[Vector] = []
        n = self.set.n
        while True:
            x = self.members[self.rng.integers(len(self.members))]
            e = self.scale * np.eye(n)[self.rng.integers(n)] * self.rng.choice([-1.0, 1.0])
            p = self._rim(x, e if len(rim) % 2 else self.scale * self.rng.standard_normal(n))
            q = self._rim(p, e)
            for other in (q, *[rim[j] for j in self._partners(rim, p)]):
                if np.any(other != p) and not self.inside((p + other) / 2):
                    self.suspect(p, (p + other) / 2, other)
                    yield
            rim += [p, q]
            yield

    def _partners(self, rim: list[Vector], p: Vector) -> list[int]:
        """The nearest, and a random one."""
        if not rim:
            return []
        distance = np.max(np.abs(np.array(rim) - p) / self.scale, axis=1)
        distance[distance < 1e-6] = np.inf
        return [int(np.argmin(distance)), int(self.rng.integers(len(rim)))]


def hull_weights(points: Matrix, x: Vector) -> Vector | None:
    """Weights of a convex combination of the points that is x; None if there is none. One linear program (HiGHS)."""
    m = len(points)
    found = linprog(np.zeros(m), A_eq=np.vstack([points.T, np.ones(m)]), b_eq=np.r_[x, 1.0], bounds=(0, None),
                    method="highs")
    return found.x / found.x.sum() if found.status == 0 else None
