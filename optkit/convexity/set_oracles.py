"""Sets to be examined: by a membership oracle, or composed by operations that preserve convexity."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autodiff.pytree import ravel

from .domains import Domain, Matrix, Region, Vector
from .domains.region import WIDE, finite

DRAWS = 4000        # points of the window tried in search of members


@dataclass(eq=False)
class Clock:
    """Membership calls made in search of members, and when (on time.perf_counter's clock) that ends."""

    until: float = np.inf
    calls: int = 0


@dataclass(frozen=True, eq=False)
class PointSet:
    """A set of flat vectors of which little is assumed.

    contains : x -> bool, None where membership cannot be decided from the parts. sample : (k, rng) -> (k', n) members,
    k' <= k. lower, upper : (n,) the window that is searched. unravel, flatten : from flat vectors to points as the
    user has them, and back. proof : lines that show why the set is convex, indented by depth; () where not known.
    """

    contains: Callable[[Vector], bool] | None
    sample: Callable[[int, np.random.Generator], Matrix]
    lower: Vector
    upper: Vector
    label: str
    unravel: Callable[[Any], Any] = lambda x: x
    proof: tuple[str, ...] = ()
    flatten: Callable[[Any], Vector] = lambda point: ravel(point)[0]
    clock: Clock = field(default_factory=Clock)

    @property
    def n(self) -> int:
        return self.lower.size


def members(contains: Callable[[Any], bool], box: Region | None = None,
            sampler: Callable[[np.random.Generator], Any] | None = None) -> PointSet:
    """The points x with contains(x), looked for in `box`, or drawn by sampler(rng) -> x.

    Raises ValueError without either, and if the sampler draws a point that is not a member.
    """
    if box is None and sampler is None:
        raise ValueError("check_set: a membership function needs box=Box(...) to search, or sampler=rng -> member")
    if sampler is None:
        assert box is not None
        inside = lambda x: bool(contains(box.unravel(x)))  # noqa: E731
        clock = Clock()
        return PointSet(inside, _rejection(inside, box, clock), box.lower, box.upper,
                        f"a set known by membership in {box.label}", box.unravel, (), box.flatten, clock)
    unravel = ravel(sampler(np.random.default_rng(0)))[1]
    inside = lambda x: bool(contains(unravel(x)))  # noqa: E731
    drawn = lambda k, rng: np.array([ravel(sampler(rng))[0] for _ in range(k)])  # noqa: E731
    first = drawn(64, np.random.default_rng(0))
    for x in first:
        if not inside(x):
            raise ValueError(f"check_set: the sampler must draw members, got {unravel(x)}")
    lower, upper = (first.min(axis=0), first.max(axis=0)) if box is None else (box.lower, box.upper)
    return PointSet(inside, drawn, lower, upper, f"a set known by membership in R^{lower.size}", unravel)


def _rejection(inside: Callable[[Vector], bool], box: Region, clock: Clock
               ) -> Callable[[int, np.random.Generator], Matrix]:
    """Members among points of the box: spread ones first, then random ones."""
    def sample(k: int, rng: np.random.Generator) -> Matrix:
        found: list[Vector] = []
        for points in (box.spread(min(DRAWS // 4, 4 * k), rng), box.sample(DRAWS, rng)):
            for x in points:
                if len(found) >= k or time.perf_counter() > clock.until:
                    break
                clock.calls += 1
                if inside(x):
                    found.append(x)
        return np.array(found).reshape(-1, box.n)

    return sample


def as_set(given: Any) -> PointSet:
    """A region as a set: convex by definition, unless it is known only by membership."""
    if isinstance(given, PointSet):
        return given
    if not isinstance(given, Region):
        raise TypeError(f"check_set: need a region, a set made by members, lmi, intersection, preimage, image, "
                        f"minkowski or scaled, or a membership function with box= or sampler=, got {given!r:.60}")
    known = () if isinstance(given, Domain) else (f"{given.label}: convex by definition",)
    return PointSet(given.contains, lambda k, rng: given.spread(k, rng), given.lower, given.upper, given.label,
                    given.unravel, known, given.flatten)


def lmi(F0: Any, *F: Any, reach: float = WIDE) -> PointSet:
    """{x : F0 + x_1 F_1 + … + x_n F_n ⪰ 0} with symmetric matrices, searched on |x_i| <= reach."""
    mats = np.stack([finite("lmi", f"F{i}", M) for i, M in enumerate((F0, *F))])
    if mats.ndim != 3 or len(mats) < 2 or not np.array_equal(mats, np.swapaxes(mats, 1, 2)):
        raise ValueError(f"lmi: need F0 and at least one more symmetric matrix of one size, got shape {mats.shape}")
    n = len(mats) - 1
    lower, upper = np.full(n, -reach), np.full(n, reach)
    label = f"the LMI F(x) >= 0 with {mats.shape[1]} x {mats.shape[1]} matrices in R^{n}"

    def contains(x: Vector) -> bool:
        return bool(np.linalg.eigvalsh(mats[0] + np.tensordot(x, mats[1:], 1))[0] >= 0)

    return PointSet(contains, _window_members(contains, lower, upper), lower, upper, label,
                    proof=(f"{label}: preimage of the cone of positive semidefinite matrices under an affine map",
                           "  the cone is convex: it is closed under sums and positive multiples"))


def _window_members(contains: Callable[[Vector], bool], lower: Vector, upper: Vector) -> Callable:
    from .domains import Box
    return _rejection(contains, Box(lower, upper), Clock())


def intersection(*sets: Any) -> PointSet:
    """The points of all sets."""
    parts = _of_one_size("intersection", [as_set(s) for s in sets])
    lower = np.max([p.lower for p in parts], axis=0)
    upper = np.min([p.upper for p in parts], axis=0)
    contains = None
    if all(p.contains for p in parts):
        contains = lambda x: all(p.contains(x) for p in parts)  # type: ignore[misc]  # noqa: E731

    def sample(k: int, rng: np.random.Generator) -> Matrix:
        drawn = np.vstack([p.sample(4 * k, rng) for p in parts])
        return np.array([x for x in drawn if contains is not None and contains(x)][:k]).reshape(-1, lower.size)

    return PointSet(contains, sample, lower, upper, " and ".join(p.label for p in parts), parts[0].unravel,
                    _proof("intersection of convex sets", parts))


def preimage(A: Any, b: Any, of: Any) -> PointSet:
    """{x : A x + b ∈ set}, for A of shape (m, n)."""
    A, part = np.atleast_2d(finite("preimage", "A", A)), as_set(of)
    b = np.broadcast_to(finite("preimage", "b", b), A.shape[:1])
    if A.shape[0] != part.n:
        raise ValueError(f"preimage: A must have one row for each of the {part.n} coordinates, got shape {A.shape}")
    back = np.linalg.pinv(A)
    free = np.eye(A.shape[1]) - back @ A
    pull = lambda Y, rng: (Y - b) @ back.T + WIDE * rng.uniform(-1, 1, (len(Y), A.shape[1])) @ free.T  # noqa: E731
    inner = part.contains
    contains = None if inner is None else (lambda x: inner(A @ x + b))

    def sample(k: int, rng: np.random.Generator) -> Matrix:
        X = pull(part.sample(k, rng), rng)
        return np.array([x for x in X if contains is not None and contains(x)]).reshape(-1, A.shape[1])

    half = np.abs(back) @ ((part.upper - part.lower) / 2) + WIDE * np.abs(free).sum(axis=1)
    middle = back @ ((part.lower + part.upper) / 2 - b)
    return PointSet(contains, sample, middle - half, middle + half, f"the preimage under A x + b of {part.label}",
                    proof=_proof("preimage of a convex set under an affine map", [part]))


def image(A: Any, of: Any, b: Any = 0.0) -> PointSet:
    """{A x + b : x ∈ set}. Membership is decided where A is square and invertible."""
    A, part = np.atleast_2d(finite("image", "A", A)), as_set(of)
    if A.shape[1] != part.n:
        raise ValueError(f"image: A must have one column for each of the {part.n} coordinates, got shape {A.shape}")
    b = np.broadcast_to(finite("image", "b", b), A.shape[:1])
    invertible = A.shape[0] == A.shape[1] and np.linalg.cond(A) < 1e8
    inner = part.contains
    contains = None if not invertible or inner is None else (lambda y: inner(np.linalg.solve(A, y - b)))
    middle = A @ ((part.lower + part.upper) / 2) + b
    half = np.abs(A) @ ((part.upper - part.lower) / 2)
    return PointSet(contains, lambda k, rng: part.sample(k, rng) @ A.T + b, middle - half, middle + half,
                    f"the image under A x + b of {part.label}",
                    proof=_proof("image of a convex set under an affine map", [part]))


def scaled(c: float, of: Any) -> PointSet:
    """{c x : x ∈ set}, c != 0."""
    part = as_set(of)
    c = float(finite("scaled", "c", c))
    if c == 0:
        raise ValueError("scaled: need c != 0, got c=0")
    ends = np.sort([c * part.lower, c * part.upper], axis=0)
    inner = part.contains
    return PointSet(None if inner is None else (lambda y: inner(y / c)), lambda k, rng: c * part.sample(k, rng),
                    ends[0], ends[1], f"{c:g} times {part.label}", part.unravel,
                    _proof("multiple of a convex set", [part]))


def minkowski(a: Any, b: Any) -> PointSet:
    """{x + y : x ∈ a, y ∈ b}. Membership cannot be decided from that of the parts: only a proof is possible."""
    parts = _of_one_size("minkowski", [as_set(a), as_set(b)])
    return PointSet(None, lambda k, rng: _sums(parts[0].sample(k, rng), parts[1].sample(k, rng), rng),
                    parts[0].lower + parts[1].lower, parts[0].upper + parts[1].upper,
                    f"the sum of {parts[0].label} and {parts[1].label}", parts[0].unravel,
                    _proof("Minkowski sum of convex sets", parts))


def _sums(X: Matrix, Y: Matrix, rng: np.random.Generator) -> Matrix:
    k = min(len(X), len(Y))
    return X[:k] + rng.permutation(Y)[:k]


def _of_one_size(name: str, parts: list[PointSet]) -> list[PointSet]:
    if not parts or len({p.n for p in parts}) > 1:
        raise ValueError(f"{name}: need sets in one space, got {[p.n for p in parts]} coordinates")
    return parts


def _proof(step: str, parts: list[PointSet]) -> tuple[str, ...]:
    if not all(p.proof for p in parts):
        return ()
    return (f"{step}: convex", *[f"  {line}" for p in parts for line in p.proof])
