"""Boxes, with finite or infinite ends, and the positive orthant."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.pytree import ravel

from .region import WIDE, Matrix, Region, Vector, describe_box, positive
from .spreading import corners, low_discrepancy, shuffled


class Rectangle(Region):
    """Base of the sets that are a product of intervals: `outer` is the set, `lower` and `upper` what is searched."""

    def sample(self, k: int, rng: np.random.Generator) -> Matrix:
        return self.lower + (self.upper - self.lower) * rng.random((k, self.n))

    def spread(self, k: int, rng: np.random.Generator) -> Matrix:
        width = self.upper - self.lower
        marks = [self.center, *[np.clip(np.full(self.n, c), self.lower, self.upper) for c in (0.0, 1.0)]]
        edges = max(0, k - len(marks)) // 4
        tips = np.where(corners(self.n, edges, rng) > 0, self.upper, self.lower)
        faces = self.sample(edges, rng)
        for face in faces:
            pinned = rng.choice(self.n, size=rng.integers(1, max(2, self.n // 2 + 1)), replace=False)
            face[pinned] = np.where(rng.random(pinned.size) < 0.5, self.lower[pinned], self.upper[pinned])
        inner = self.lower + width * low_discrepancy(max(0, k - len(marks) - len(tips) - edges), self.n, rng)
        return shuffled(marks, np.vstack([inner, tips, faces]), rng)

    def chord(self, x: Vector, d: Vector) -> tuple[float, float]:
        moving = d != 0
        if not moving.any():
            return 0.0, 0.0
        a, b = (self.lower - x)[moving] / d[moving], (self.upper - x)[moving] / d[moving]
        return min(0.0, float(np.minimum(a, b).max())), max(0.0, float(np.maximum(a, b).min()))

    def contains(self, x: Vector) -> bool:
        (low, high), (above, below) = self.outer, self.open_ends
        return bool(np.all(np.where(above, x > low, x >= low) & np.where(below, x < high, x <= high)))

    def project(self, x: Vector) -> Vector:
        """The nearest point; at an open end, that of the window."""
        low = np.where(self.open_ends[0] & np.isfinite(self.outer[0]), self.lower, self.outer[0])
        high = np.where(self.open_ends[1] & np.isfinite(self.outer[1]), self.upper, self.outer[1])
        return x if self.contains(x) else np.clip(x, low, high)


class Box(Rectangle):
    """The points with lower <= x <= upper, coordinate by coordinate.

    lower, upper : numbers, arrays, or nested dicts/lists/tuples of arrays of one structure, infinite where there is no
    bound; they broadcast against each other, and to `shape` when it is given. f receives x in that shape (a scalar for
    shape ()). reach : an unbounded coordinate is searched on [−reach, reach], or so far from its one finite end (times
    the size of that end where it is above 1): the report says so.
    Raises ValueError if a bound is NaN, the shapes do not agree, lower > upper, or every width is zero.
    """

    def __init__(self, lower: Any, upper: Any, shape: int | tuple[int, ...] | None = None, reach: float = WIDE):
        low, high = _as_array(lower), _as_array(upper)
        if low is None or high is None:
            if shape is not None:
                raise ValueError(f"Box: shape={shape} is for array bounds, got nested bounds; leave shape out")
            template = lower if low is None else upper
            flat, self.unravel = ravel(template)
            low, high = _spread_like(lower, flat.size, "lower"), _spread_like(upper, flat.size, "upper")
        else:
            low, high = _broadcast(low, high, shape)
            self.unravel = ravel(low)[1]
            low, high = low.ravel(), high.ravel()
        _check_bounds(low, high)
        a, b = _window(low, high, positive("Box", "reach", reach))
        self._place(a + (b - a) / 2, a, b, (low, high), None)
        fixed, eye = low == high, np.eye(self.n)
        if fixed.any():
            self.equations, self.subspace = (eye[fixed], low[fixed]), (self.center, eye[:, ~fixed])
        self.spec = {"lower": self.unravel(low), "upper": self.unravel(high), "reach": float(reach)}
        self.label = f"the box {describe_box(low, high)}"
        if not self.bounded:
            self.label += f", searched on {describe_box(a, b)}"


class PositiveOrthant(Rectangle):
    """x > 0, searched on 1e-6 reach <= x <= reach: no finite search covers an unbounded set, and the report says so."""

    def __init__(self, shape: int | tuple[int, ...] = (), reach: float = WIDE):
        reach = positive("PositiveOrthant", "reach", reach)
        flat, self.unravel = ravel(np.zeros(shape))
        lower, upper = np.full(flat.size, 1e-6 * reach), np.full(flat.size, reach)
        outer = np.zeros(flat.size), np.full(flat.size, np.inf)
        self._place((lower + upper) / 2, lower, upper, outer, (np.ones(flat.size, bool), np.zeros(flat.size, bool)))
        self.spec = {"shape": shape if isinstance(shape, int) else tuple(shape), "reach": reach}
        self.label = f"x > 0 in R^{self.n}, searched on {describe_box(lower, upper)}"


def _window(low: Vector, high: Vector, reach: float) -> tuple[Vector, Vector]:
    """The finite part of low <= x <= high that is searched."""
    size = np.maximum(1.0, np.where(np.isfinite(low), np.abs(low), np.where(np.isfinite(high), np.abs(high), 1.0)))
    a = np.where(np.isfinite(low), low, np.where(np.isfinite(high), high - reach * size, -reach))
    b = np.where(np.isfinite(high), high, np.where(np.isfinite(low), low + reach * size, reach))
    return a, b


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
    for name, bound, wrong in (("lower", lower, np.inf), ("upper", upper, -np.inf)):
        bad = np.isnan(bound) | (bound == wrong)
        if bad.any():
            raise ValueError(f"Box: {name} must be a number or {-wrong}, got {bound[bad][0]} at coordinate "
                             f"{int(np.argmax(bad))}; {-wrong} means no bound")
    if not np.all(lower <= upper):
        i = int(np.argmax(lower > upper))
        raise ValueError(f"Box: need lower <= upper, got {lower[i]} > {upper[i]} at coordinate {i}")
    if not np.any(lower < upper):
        raise ValueError("Box: every width is 0, so there is no segment to examine; need lower < upper somewhere")
    inside = np.isfinite(lower) & np.isfinite(upper)
    if not np.isfinite(upper[inside] - lower[inside]).all():
        raise ValueError("Box: upper - lower overflows; choose a smaller region")
