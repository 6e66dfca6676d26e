"""What the criteria share: the samples, the budget, the descent, and the way from a suspicion to a verified witness."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from scipy import optimize

from .domains import Region
from .evidence import Evidence, verify
from .hints import Inside, inside
from .measures import DAMPING, curvature_bounds, envelope, per_square
from .oracle import Matrix, Oracle, Vector
from .replay import off_hull
from .shrink import shrink
from .witness import EPS, FLOOR, Segment, Witness, exact_segment

__all__ = ["DAMPING", "Extreme", "OutOfBudget", "Row", "Samples", "Search", "curvature_bounds", "envelope",
           "per_square"]

STEPS = np.geomspace(10.0, 1e-9, 31)  # half-lengths tried around a suspicious point, in half-widths of the region
LINE_PARTS = 40                       # of a chord that is scanned by values of f
AFTERWARDS = 0.05                     # of a share, once f is refuted
SAMPLES = 128                         # well-spread points with gradients
VERIFICATIONS = 6                     # segments submitted for one suspicion
ITERATIONS = 30                       # of one descent
FAINTEST = 1e-12                      # a gradient below this part of the value is rounding
DIFFERENCED_STEPS = 200               # trials of one derivative-free descent
NOISE_POINTS = 6
NOISE_STEP = 1e-7                     # half-widths; sixth differences of a smooth f over it are far below rounding
NOISE_SAFETY = 4
GRACE = 0.2                           # of the time, on top of a criterion's share, for verifying what it suspects


class Row(NamedTuple):
    """One criterion's line in the report.

    outcome : "holds", "violated" (and a witness is verified), "suspected" or "unconfirmed" (violated, but no witness
    was verified; suspected if one came close), "skipped"; for strong convexity "holds" or "not shown".
    worst : the most damning number found, of the kind `quantity`. trials, pushed : points, segments or lines sampled,
    and descents (for lines: splits) from the worst of them. mu, L : sampled bounds on mu from above, on L from below.
    """

    name: str
    outcome: str
    quantity: str
    worst: float
    trials: int
    pushed: int
    mu: float = np.inf
    L: float = -np.inf
    note: str = ""
    witness: Any = None  # Witness or Counterexample that refutes, or is suspected to

    def __str__(self) -> str:
        """In words; the witness below."""
        worst = f"; {self.quantity} {self.worst:.4g}" if np.isfinite(self.worst) else ""
        tried = f" ({self.trials} trials, {self.pushed} pushed to the worst{worst})" if self.trials else ""
        note = f"\n  {self.note}" if self.note else ""
        return f"{self.name}: {self.outcome}{tried}{note}" + (f"\n{self.witness}" if self.witness is not None else "")


class Samples(NamedTuple):
    """X : (M, n) well-spread points where value and gradient are finite; f : (M,), g : (M, n)."""

    X: Matrix
    f: Vector
    g: Matrix


class Extreme(NamedTuple):
    """Largest or smallest curvature found: point, unit direction, eigenvalue of the Hessian."""

    x: Vector
    v: Vector
    value: float


class OutOfBudget(Exception):  # noqa: N818 - ends a descent, never seen by users
    """The criterion's share is spent."""


class Search:
    """One examination of `oracle` on `region`. `witness` is verified; `suspicion` is the best gap that could not be.

    scale : (n,) what scaled coordinates are measured in: half-widths, or their median where the region lies in a
    subspace. Z : (n, k) an orthonormal basis of that subspace's directions, or None. starts : points inside at which
    somebody suspects a negative curvature, looked at first.
    """

    def __init__(self, oracle: Oracle, region: Region, rng: np.random.Generator, budget: int, seconds: float):
        self.oracle, self.region, self.rng = oracle, region, rng
        subspace = getattr(region, "subspace", None)
        self.Z: Matrix | None = None if subspace is None else subspace[1]
        self.scale = region.scale if self.Z is None else np.full(region.n, float(np.median(region.scale)))
        self.budget, self.seconds, self.hurried = budget, seconds, False
        self.witness: Witness | None = None
        self.suspicion: Witness | None = None
        self.curious = ""
        self.lowest: Extreme | None = None
        self.highest: Extreme | None = None
        self.eigenvalues: list[tuple[float, float]] = []
        self.looked: list[Vector] = []          # the points at which they are
        self.limit, self.until = 0, np.inf
        self.segments = self.segment_violations = 0
        self.starts: Sequence[Vector] = ()

    @property
    def refuted(self) -> bool:
        return self.witness is not None

    def start(self, share: float) -> int:
        """Give the next criterion a share of budget and time, less of it once f is refuted; returns it in calls."""
        calls = int(share * self.budget * (AFTERWARDS if self.refuted else 1.0))
        self.limit, self.until = self.oracle.spent + calls, time.perf_counter() + share * self.seconds
        return calls

    def afford(self) -> bool:
        return self.oracle.spent < self.limit and not self.late()

    def late(self) -> bool:
        """Whether the criterion's time is over."""
        late = time.perf_counter() > self.until
        self.hurried |= late
        return late

    def overdue(self) -> bool:
        """Whether the time is over by so much that what is suspected is not looked at any more."""
        return time.perf_counter() > self.until + GRACE * self.seconds

    def outcome(self, violated: bool) -> str:
        """The word for a criterion that saw, or did not see, a violation above `doubt`."""
        if not violated:
            return "holds"
        return "violated" if self.refuted else "suspected" if self.suspicion or self.curious else "unconfirmed"

    def doubt(self, size: Any) -> Any:
        """What rounding may do to a combination of values of f of this size, given the noise measured in f."""
        return FLOOR * size + NOISE_SAFETY * self.noise

    @cached_property
    def noise(self) -> float:
        """The largest error of f met at a few random points, 0 where a few units in the last place explain it.

        By sixth differences of f over a tiny step, and against extended precision where f can be had in it.
        """
        worst = 0.0
        points = self.region.center + 0.99 * (self.region.sample(NOISE_POINTS, self.rng) - self.region.center)
        for i, x in enumerate(points):
            if i and self.late():
                break
            d = self.region.scale * self.rng.choice([-1.0, 1.0], x.size) * NOISE_STEP
            f = np.array([self.oracle.value(self.region.project(x + k * d)) for k in range(-3, 4)])
            fine = self.oracle.extended(x.astype(np.longdouble))
            table = float(np.max(np.abs(np.diff(f, 6)))) / np.sqrt(924.0)
            error = max(table, 0.0 if fine is None else abs(float(fine - f[3])))
            if 4 * EPS * np.max(np.abs(f)) < error < np.inf:
                worst = max(worst, error)
        return worst

    @cached_property
    def samples(self) -> Samples:
        cost = 2 if self.oracle.exact else 3 * self.oracle.n + 1
        k = int(np.clip(0.1 * self.budget / cost, 8, SAMPLES))
        X = self.region.spread(k, self.rng)
        pairs = [self.oracle.value_and_grad(x) for i, x in enumerate(X) if i == 0 or not self.late()]
        X = X[: len(pairs)]
        f, g = np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])
        fine = np.isfinite(f) & np.isfinite(g).all(axis=1)
        return Samples(X[fine], f[fine], g[fine])

    @cached_property
    def formula(self) -> Inside | None:
        """What the recorded formula computes on its way, to be searched; None where the engine cannot give it."""
        return inside(self)

    @property
    def even(self) -> bool:
        """Whether all coordinates have one width, so that scaled and raw curvature agree up to a factor."""
        return bool(np.ptp(self.scale) == 0)

    def hull(self, d: Vector) -> Vector:
        """The part of a direction along which the region extends."""
        return d if self.Z is None else self.Z @ (self.Z.T @ d)

    def place(self, u: Vector) -> Vector:
        """The point at scaled coordinates u (the centre is 0, half-widths are 1)."""
        return self.region.project(self.region.center + self.scale * u)

    def scaled(self, x: Vector) -> Vector:
        return (x - self.region.center) / self.scale

    def probe(self, p: Vector, d: Vector) -> bool:
        """Look for a verified witness among segments of many lengths around p along d. Cost: up to 186 calls of f."""
        d = self.hull(d)
        length = float(np.max(np.abs(d) / self.region.scale))
        if self.refuted or self.overdue() or not 0 < length < np.inf or not np.isfinite(p).all():
            return self.refuted
        candidates = [s for s in self._segments(p, d / length) if s.excess > 1]
        candidates.sort(key=lambda s: -s.excess)
        return self._submit(candidates[:VERIFICATIONS])

    def _segments(self, p: Vector, d: Vector) -> Iterable[Segment]:
        """Segments around p; near the boundary also around p drawn inwards, where a corner leaves no room."""
        values: dict[bytes, float] = {}
        seen = set()
        for h in STEPS:
            drawn = self.region.center + (1 - min(h, 0.5)) * (p - self.region.center)
            for center in (p, drawn):
                t0, t1 = self.region.chord(center, d)
                t0, t1 = max(-h, t0), min(h, t1)
                ends = exact_segment(center + t0 * d, center + t1 * d, self.region)
                if ends is not None and (key := ends[0].tobytes() + ends[2].tobytes()) not in seen:
                    seen.add(key)
                    for x in ends:
                        if x.tobytes() not in values:
                            values[x.tobytes()] = self.oracle.value(x)
                    yield Segment(*ends, *(values[x.tobytes()] for x in ends))
                if min(-t0, t1) >= h:
                    break

    def _submit(self, candidates: list[Segment]) -> bool:
        denials = 0
        for segment in candidates:
            evidence = verify(self.oracle, segment, self.rng)
            if evidence.real:
                self.witness = self._witness(*shrink(self.oracle, segment, evidence, self.rng, self.until))
                return True
            if evidence.real is None and segment.gap > self.doubt(segment.floor / FLOOR) + self._off_hull(segment):
                if self.suspicion is None or segment.gap > self.suspicion.gap:
                    self.suspicion = self._witness(segment, evidence)
            denials += evidence.real is False
            if denials > 1:
                break
        return False

    def _off_hull(self, s: Segment) -> float:
        """What the distance of rounded points from the affine hull of the region may add to the gap, to first order."""
        if self.Z is None or not self.oracle.exact:
            return 0.0
        slopes = [self.oracle.value_and_grad(p)[1] for p in (s.x, s.z, s.y)]
        return 2 * off_hull(self.region, (s.x, s.y)) * max(float(np.linalg.norm(g - self.hull(g))) for g in slopes)

    def _witness(self, s: Segment, evidence: Evidence) -> Witness:
        points = tuple(self.region.unravel(p) for p in (s.x, s.y))
        return Witness(self.oracle.f, points, (0.5, 0.5), self.region.unravel(s.z), s.gap, evidence.bound, evidence.how,
                       bool(evidence.real), "convex" if self.oracle.sign > 0 else "concave")

    def scan(self, x: Vector, d: Vector) -> bool:
        """Look for a witness on the chord through x along d: where f rises highest over its convex envelope there."""
        t0, t1 = self.region.chord(x, d)
        if self.refuted or self.overdue() or not t1 > t0:
            return self.refuted
        t = np.linspace(t0, t1, LINE_PARTS + 1)
        f = np.array([self.oracle.value(self.region.project(x + s * d)) for s in t])
        if not np.isfinite(f).all():
            return False
        excess = f - envelope(t, f)
        top = int(np.argmax(excess))
        return excess[top] > FLOOR * np.max(np.abs(f)) and self.probe(x + t[top] * d, d)

    def descend(self, fun: Callable[[Vector], tuple[float, Vector]], z: Vector, places: int) -> Vector:
        """The best z met in minimising fun; the first `places` entries of z are scaled coordinates in [-1, 1].

        L-BFGS-B on (fun − fun(z))/‖∇fun(z)‖: neither units nor a large constant part stop it early, so that the faint
        pull of a distant dent is followed.
        """
        best, first, unit = (np.inf, z), 0.0, 0.0

        def watched(z: Vector) -> tuple[float, Vector]:
            nonlocal best, first, unit
            if not self.afford():
                raise OutOfBudget
            value, gradient = fun(z)
            gradient = self._along(gradient, places)
            if not (np.isfinite(value) and np.isfinite(gradient).all()):
                return 1e3, np.zeros_like(z)
            if not unit:
                first, unit = value, max(float(np.linalg.norm(gradient)), FAINTEST * abs(value)) or 1.0
            if value < best[0]:
                best = value, z.copy()
            return (value - first) / unit, gradient / unit

        bounds = [(-1.0, 1.0)] * places + [(None, None)] * (z.size - places)
        try:
            optimize.minimize(watched, z, jac=True, method="L-BFGS-B", bounds=bounds,
                              options={"maxiter": ITERATIONS, "gtol": 1e-9, "ftol": 1e-12})
        except OutOfBudget:
            pass
        return best[1]

    def _along(self, gradient: Vector, places: int) -> Vector:
        """The gradient, of points projected to the subspace of the region."""
        if self.Z is None:
            return gradient
        parts = gradient[:places].reshape(-1, self.region.n)
        return np.concatenate([np.ravel(parts @ self.Z @ self.Z.T), gradient[places:]])

    def wander(self, fun: Callable[[Vector], float], z: Vector) -> Vector:
        """Minimise fun in [-1, 1]^m from z by values alone: a (1+1) evolution strategy with the 1/5 success rule."""
        best, sigma = fun(z), 0.3
        for _ in range(DIFFERENCED_STEPS):
            if not self.afford():
                break
            trial = np.clip(z + sigma * self.rng.standard_normal(z.size) / np.sqrt(z.size), -1, 1)
            value = fun(trial)
            better = value < best
            z, best = (trial, value) if better else (z, best)
            sigma = min(1.0, sigma * np.exp(0.4 if better else -0.1))
        return z
