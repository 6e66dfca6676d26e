"""Where a function is examined: closed convex sets that can be sampled, cut by a line and projected onto."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from .oracle import Matrix, Vector, ravel

SOBOL_DIMENSIONS = 21_201  # scipy.stats.qmc.Sobol stops there


class Region(ABC):
    """A convex set of flat vectors, and how such a vector becomes the argument of the user's function.

    center, scale : (n,) a point inside, and the half-width of each coordinate (1 where the width is 0).
    lower, upper : (n,) the bounding box. unravel : flat vector -> argument of f. label : how the report names the set.
    """

    center: Vector
    scale: Vector
    lower: Vector
    upper: Vector
    unravel: Callable[[Any], Any]
    label: str

    @property
    def n(self) -> int:
        return self.center.size

    @abstractmethod
    def sample(self, k: int, rng: np.random.Generator) -> Matrix:
        """k independent points (k, n), uniform unless the class says otherwise."""

    @abstractmethod
    def spread(self, k: int, rng: np.random.Generator) -> Matrix:
        """About k different points (·, n) that cover the set: centre, low-discrepancy interior, corners, faces.

        The centre, 0 and 1 come first, the rest in random order, so that every beginning covers the set.
        """

    @abstractmethod
    def chord(self, x: Vector, d: Vector) -> tuple[float, float]:
        """The range of t, with t0 <= 0 <= t1, for which x + t d stays in the set; x inside."""

    @abstractmethod
    def contains(self, x: Vector) -> bool: ...

    def project(self, x: Vector) -> Vector:
        """A point of the set near x; x itself when it is inside."""
        if self.contains(x):
            return x
        t = self.chord(self.center, x - self.center)[1]
        return self.center + min(t, 1.0) * (x - self.center)

    def on_boundary(self, x: Vector) -> bool:
        """Whether some coordinate direction leaves the set at once."""
        return bool(np.any(x <= self.lower) or np.any(x >= self.upper))

    def __repr__(self) -> str:
        return self.label


class Box(Region):
    """The points with lower <= x <= upper, coordinate by coordinate.

    lower, upper : finite numbers, arrays, or nested dicts/lists/tuples of arrays of one structure; they broadcast
    against each other, and to `shape` when it is given. f receives x in that shape (a scalar for shape ()).
    Raises ValueError if a bound is not finite, the shapes do not agree, lower > upper, or every width is zero.
    """

    def __init__(self, lower: Any, upper: Any, shape: int | tuple[int, ...] | None = None):
        low, high = _as_array(lower), _as_array(upper)
        if low is None or high is None:
            if shape is not None:
                raise ValueError(f"Box: shape={shape} is for array bounds, got nested bounds; leave shape out")
            template = lower if low is None else upper
            flat, self.unravel = ravel(template)
            self.lower = _spread_like(lower, flat.size, "lower")
            self.upper = _spread_like(upper, flat.size, "upper")
        else:
            low, high = _broadcast(low, high, shape)
            self.unravel = ravel(low)[1]
            self.lower, self.upper = low.ravel(), high.ravel()
        _check_bounds(self.lower, self.upper)
        self.center = self.lower + (self.upper - self.lower) / 2
        width = self.upper - self.lower
        self.scale = np.where(width > 0, width / 2, 1.0)
        self.label = _box_label(self.lower, self.upper)

    def sample(self, k: int, rng: np.random.Generator) -> Matrix:
        return self.lower + (self.upper - self.lower) * rng.random((k, self.n))

    def spread(self, k: int, rng: np.random.Generator) -> Matrix:
        width = self.upper - self.lower
        marks = [self.center, *[np.clip(np.full(self.n, c), self.lower, self.upper) for c in (0.0, 1.0)]]
        edges = max(0, k - len(marks)) // 4
        corners = self.lower + width * _corners(self.n, edges, rng)
        faces = self.sample(edges, rng)
        for face in faces:
            pinned = rng.choice(self.n, size=rng.integers(1, max(2, self.n // 2 + 1)), replace=False)
            face[pinned] = np.where(rng.random(pinned.size) < 0.5, self.lower[pinned], self.upper[pinned])
        inner = self.lower + width * low_discrepancy(max(0, k - len(marks) - len(corners) - edges), self.n, rng)
        return _shuffled(marks, np.vstack([inner, corners, faces]), rng)

    def chord(self, x: Vector, d: Vector) -> tuple[float, float]:
        moving = d != 0
        if not moving.any():
            return 0.0, 0.0
        a, b = (self.lower - x)[moving] / d[moving], (self.upper - x)[moving] / d[moving]
        return min(0.0, float(np.minimum(a, b).max())), max(0.0, float(np.maximum(a, b).min()))

    def contains(self, x: Vector) -> bool:
        return bool(np.all(x >= self.lower) and np.all(x <= self.upper))

    def project(self, x: Vector) -> Vector:
        return np.clip(x, self.lower, self.upper)


class PositiveOrthant(Box):
    """x > 0, searched on 1e-6 reach <= x <= reach: no finite search covers an unbounded set, and the report says so."""

    def __init__(self, shape: int | tuple[int, ...] = (), reach: float = 10.0):
        if not 0 < reach < np.inf:
            raise ValueError(f"PositiveOrthant: need 0 < reach < inf, got reach={reach}")
        super().__init__(1e-6 * reach, reach, shape)
        self.label = f"x > 0, searched on {self.label}"


class Ball(Region):
    """The points with ‖x − center‖₂ <= radius.

    center : a number, array or nested structure; f receives x in that shape. Raises ValueError if not finite.
    """

    def __init__(self, center: Any, radius: float):
        if not 0 < radius < np.inf:
            raise ValueError(f"Ball: need 0 < radius < inf, got radius={radius}")
        array = _as_array(center)
        self.center, self.unravel = ravel(center if array is None else array)
        if not np.isfinite(self.center).all():
            raise ValueError(f"Ball: center must be finite, got {self.center}")
        self.radius = float(radius)
        self.scale = np.full(self.n, self.radius)
        self.lower, self.upper = self.center - radius, self.center + radius
        self.label = f"the ball of radius {radius:g} in R^{self.n}"

    def sample(self, k: int, rng: np.random.Generator) -> Matrix:
        return self.center + self._sphere(k, rng) * rng.random((k, 1)) ** (1 / self.n)

    def spread(self, k: int, rng: np.random.Generator) -> Matrix:
        rim = self.center + self._sphere(k // 4, rng)
        marks = [self.center, self.project(np.zeros(self.n)), self.project(np.ones(self.n))]
        return _shuffled(marks, np.vstack([rim, self.sample(max(0, k - k // 4 - 3), rng)]), rng)

    def _sphere(self, k: int, rng: np.random.Generator) -> Matrix:
        g = rng.standard_normal((k, self.n))
        return (1 - 1e-12) * self.radius * g / np.linalg.norm(g, axis=1, keepdims=True)

    def chord(self, x: Vector, d: Vector) -> tuple[float, float]:
        a, b, c = d @ d, (x - self.center) @ d, (x - self.center) @ (x - self.center) - self.radius**2
        if a == 0:
            return 0.0, 0.0
        root = float(np.sqrt(np.maximum(b * b - a * c, 0.0)))
        return min(0.0, (-float(b) - root) / float(a)), max(0.0, (-float(b) + root) / float(a))

    def contains(self, x: Vector) -> bool:
        return bool(np.linalg.norm(x - self.center) <= self.radius)

    def on_boundary(self, x: Vector) -> bool:
        return bool(np.linalg.norm(x - self.center) >= (1 - 1e-9) * self.radius)


class Domain(Region):
    """A convex set known only by `membership(x) -> bool` and `sampler(rng) -> x`; x is an array or nested structure.

    The statistics of the report then hold under the sampler's law. Raises ValueError if a drawn point is not a member.
    """

    PROBES = 256  # draws from which centre and widths are taken

    def __init__(self, membership: Callable[[Any], bool], sampler: Callable[[np.random.Generator], Any]):
        rng = np.random.default_rng(0)
        self.membership, self.sampler = membership, sampler
        self.unravel = ravel(sampler(rng))[1]
        draws = self.sample(self.PROBES, rng)
        for x in draws:
            if not self.contains(x):
                raise ValueError(f"Domain: the sampler must draw members, got {self.unravel(x)}; check both functions")
        self.center = draws.mean(axis=0)
        if not self.contains(self.center):
            raise ValueError(f"Domain: the set must be convex, but the mean of {self.PROBES} members, "
                             f"{self.unravel(self.center)}, is not a member")
        width = np.ptp(draws, axis=0)
        self.scale = np.where(width > 0, width / 2, 1.0)
        self.lower, self.upper = np.full(self.n, -np.inf), np.full(self.n, np.inf)
        self.label = f"a set in R^{self.n} known by membership"

    def sample(self, k: int, rng: np.random.Generator) -> Matrix:
        return np.array([ravel(self.sampler(rng))[0] for _ in range(k)])

    def spread(self, k: int, rng: np.random.Generator) -> Matrix:
        inner = self.sample(k - k // 4, rng)
        outward = [self.center + (1 - 1e-9) * self.chord(self.center, x - self.center)[1] * (x - self.center)
                   for x in inner[: k // 4]]
        return _shuffled([self.center], np.vstack([inner, *outward]), rng)

    def chord(self, x: Vector, d: Vector) -> tuple[float, float]:
        return -self._exit(x, -d), self._exit(x, d)

    def _exit(self, x: Vector, d: Vector) -> float:
        """The last t found inside along x + t d, by doubling and bisection; at most 1e9."""
        if not d.any():
            return 0.0
        inside, outside = 0.0, 1.0
        while self.contains(x + outside * d):
            inside, outside = outside, 2 * outside
            if outside > 1e9:
                return inside
        for _ in range(40):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if self.contains(x + middle * d) else (inside, middle)
        return inside

    def contains(self, x: Vector) -> bool:
        return bool(self.membership(self.unravel(x)))


def low_discrepancy(k: int, n: int, rng: np.random.Generator) -> Matrix:
    """k scrambled Sobol points in [0, 1]^n; independent uniform ones beyond 21 201 dimensions."""
    if k == 0 or n > SOBOL_DIMENSIONS:
        return rng.random((k, n))
    from scipy.stats import qmc  # costs 0.3 s to import
    power = int(np.ceil(np.log2(k)))
    return qmc.Sobol(n, seed=rng).random_base2(power)[:k]


def _shuffled(first: list[Vector], rest: Matrix, rng: np.random.Generator) -> Matrix:
    rows = [*first, *rng.permutation(rest)]
    return np.array(list({row.tobytes(): row for row in rows}.values()))


def _corners(n: int, k: int, rng: np.random.Generator) -> Matrix:
    """All corners of [0, 1]^n if there are at most k, else k random ones."""
    if n < 16 and 2**n <= k:
        return ((np.arange(2**n)[:, None] >> np.arange(n)) & 1).astype(float)
    return rng.integers(0, 2, (k, n)).astype(float)


def _as_array(bound: Any) -> Any:
    """The bound as a float array, or None if it is a nested structure."""
    if isinstance(bound, dict):
        return None
    try:
        return np.asarray(bound, dtype=np.float64)
    except (TypeError, ValueError):
        return None


def _broadcast(low: Any, high: Any, shape: int | tuple[int, ...] | None) -> tuple[Any, Any]:
    try:
        target = np.broadcast_shapes(low.shape, high.shape) if shape is None else shape
        return np.broadcast_to(low, target).copy(), np.broadcast_to(high, target).copy()
    except ValueError:
        raise ValueError(f"Box: lower of shape {low.shape}, upper of shape {high.shape} and shape={shape} do not "
                         "broadcast; give numbers, or arrays of the shape of x") from None


def _spread_like(bound: Any, size: int, name: str) -> Vector:
    array = _as_array(bound)
    flat = ravel(bound)[0] if array is None else np.full(size, array) if array.ndim == 0 else array.ravel()
    if flat.size != size:
        raise ValueError(f"Box: lower and upper must have one structure, got {flat.size} numbers in {name}, not {size}")
    return flat


def _check_bounds(lower: Vector, upper: Vector) -> None:
    for name, bound in (("lower", lower), ("upper", upper)):
        if not np.isfinite(bound).all():
            raise ValueError(f"Box: {name} must be finite, got {bound[~np.isfinite(bound)][0]}; "
                             "choose the region in which convexity matters to you")
    if not np.all(lower <= upper):
        i = int(np.argmax(lower > upper))
        raise ValueError(f"Box: need lower <= upper, got {lower[i]} > {upper[i]} at coordinate {i}")
    if not np.any(lower < upper):
        raise ValueError("Box: every width is 0, so there is no segment to examine; need lower < upper somewhere")
    if not np.isfinite(upper - lower).all():
        raise ValueError("Box: upper - lower overflows; choose a smaller region")


def _box_label(lower: Vector, upper: Vector) -> str:
    n = lower.size
    if np.all(lower == lower[0]) and np.all(upper == upper[0]):
        return f"the box [{lower[0]:g}, {upper[0]:g}]" + (f"^{n}" if n > 1 else "")
    if n <= 3:
        return "the box " + " x ".join(f"[{a:g}, {b:g}]" for a, b in zip(lower, upper, strict=True))
    return f"a box in R^{n} with widths {np.min(upper - lower):g} to {np.max(upper - lower):g}"
