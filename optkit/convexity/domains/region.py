"""What every region answers: a convex set of flat vectors, how it is sampled and cut, and what is certain about it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.pytree import ravel

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Flags = NDArray[np.bool_]
Equations = tuple[Matrix, Vector]

NEAR = 1e-9     # of a length: what counts as the same direction, or as lying on the boundary
WIDE = 10.0     # half-width of the window in which an unbounded set is searched, unless the caller says otherwise


class Region(ABC):
    """A convex set of flat vectors, and how such a vector becomes the argument of the user's function.

    Of the set itself speak `contains`, `project`, `outer`, `open_ends`, `misses`, `equations`, `subspace` and `facts`;
    of the part that is searched, the set within a finite window, speak `sample`, `spread`, `chord`, `lower`, `upper`.
    For a bounded set they are the same.

    center, scale : (n,) a point inside, and the half-width of each coordinate (1 where the width is 0).
    lower, upper : (n,) the box around what is searched. label : how the report names the set and the window.
    outer : (n,), (n,) a box that certainly holds all of the set; ends may be infinite.
    open_ends : (n,), (n,) bool, whether the set stays strictly inside the end of `outer`.
    equations : (A, b) with A x = b, exactly as given, on all of the set; None if the set is full-dimensional.
    subspace : (x0, Z), a point and an orthonormal basis (n, k), in rounded numbers, of the set's affine hull; or None.
    facts : what is known of the argument besides: "symmetric", "positive definite".
    """

    center: Vector
    scale: Vector
    lower: Vector
    upper: Vector
    outer: tuple[Vector, Vector]
    open_ends: tuple[Flags, Flags]
    unravel: Callable[[Any], Any]
    label: str
    spec: dict[str, Any]
    equations: Equations | None = None
    subspace: Equations | None = None
    facts: frozenset[str] = frozenset()

    def _place(self, center: Vector, lower: Vector, upper: Vector, outer: tuple[Vector, Vector] | None,
               open_ends: tuple[Flags, Flags] | None) -> None:
        """Set what is derived from the window and the outer box; infinite ends are always open."""
        self.center, self.lower, self.upper = center, lower, upper
        self.outer = (lower, upper) if outer is None else outer
        shut = (np.zeros(center.size, bool),) * 2 if open_ends is None else open_ends
        self.open_ends = shut[0] | np.isinf(self.outer[0]), shut[1] | np.isinf(self.outer[1])
        width = upper - lower
        self.scale = np.where(width > 0, width / 2, 1.0)

    @property
    def n(self) -> int:
        return self.center.size

    @property
    def set_label(self) -> str:
        """The label without the window: what a proof is about."""
        return self.label.partition(", searched on")[0]

    @property
    def bounded(self) -> bool:
        """Whether the whole set is searched."""
        return bool(np.isfinite(self.outer[0]).all() and np.isfinite(self.outer[1]).all())

    @abstractmethod
    def sample(self, k: int, rng: np.random.Generator) -> Matrix:
        """k independent points (k, n), uniform unless the class says otherwise."""

    @abstractmethod
    def spread(self, k: int, rng: np.random.Generator) -> Matrix:
        """About k different points (·, n) that cover the set: centre, low-discrepancy interior, corners, faces.

        The centre comes first (for boxes and balls 0 and 1 next), the rest in random order, so that every beginning
        covers the set.
        """

    @abstractmethod
    def chord(self, x: Vector, d: Vector) -> tuple[float, float]:
        """The range of t, with t0 <= 0 <= t1, for which x + t d stays in the set and in the window; x inside."""

    @abstractmethod
    def contains(self, x: Vector) -> bool:
        """Whether x is in the set; equations hold up to rounding."""

    def misses(self, lower: Matrix, upper: Matrix) -> Flags:
        """(B,): True only where the closed box lower[:, b] <= x <= upper[:, b] certainly has no point of the set."""
        (low, high), (above, below) = self.outer, self.open_ends
        low, high, above, below = low[:, None], high[:, None], above[:, None], below[:, None]
        off: Flags = (upper < low) | (lower > high) | (above & (upper <= low)) | (below & (lower >= high))
        return np.any(off, axis=0, keepdims=True)[0]

    def project(self, x: Vector) -> Vector:
        """A point of the set near x; x itself when it is inside. The class says where it is the nearest."""
        if self.contains(x):
            return x
        t = self.chord(self.center, x - self.center)[1]
        return self.center + min(t, 1.0) * (x - self.center)

    def on_boundary(self, x: Vector) -> bool:
        """Whether some coordinate direction in which the set extends leaves what is searched at once."""
        near, wide = NEAR * self.scale, self.lower < self.upper
        return bool(np.any(wide & ((x <= self.lower + near) | (x >= self.upper - near))))

    def direction(self, rng: np.random.Generator) -> Vector:
        """A random direction along which the set extends, every coordinate in proportion to its width."""
        d = self.scale * rng.standard_normal(self.n)
        return d if self.subspace is None else self.subspace[1] @ (self.subspace[1].T @ d)

    def along(self, d: Vector) -> bool:
        """Whether a line along d stays in the affine hull."""
        if self.subspace is None:
            return True
        Z = self.subspace[1]
        return bool(np.linalg.norm(d - Z @ (Z.T @ d)) <= NEAR * np.linalg.norm(d))

    def extent(self, D: Matrix) -> tuple[Vector, Vector]:
        """(k,), (k,): bounds on dᵀx over what is searched, for the columns d of D; attained where the class says so."""
        ends = D * self.lower[:, None], D * self.upper[:, None]
        return np.minimum(*ends).sum(axis=0), np.maximum(*ends).sum(axis=0)

    def flatten(self, argument: Any) -> Vector:
        """The flat vector of an argument of f: the inverse of `unravel`."""
        return ravel(argument)[0]

    def __and__(self, other: Any) -> Region:
        """The points of both."""
        from .intersection import intersection
        return intersection(self, other)

    def to_json(self) -> dict[str, Any]:
        """What `domains.from_json` makes the region from; raises TypeError where it is known only by functions."""
        from .encoding import encode
        return encode(self)

    def __repr__(self) -> str:
        return self.label


def walk(region: Region, x: Vector, k: int, stride: int, rng: np.random.Generator) -> Matrix:
    """k points of a hit-and-run walk from x, one in `stride` steps: nearly uniform. Smith 1984, Oper. Res. 32."""
    points = np.empty((k, x.size))
    for i in range(k * stride):
        d = region.direction(rng)
        t0, t1 = region.chord(x, d)
        step = x + rng.uniform(t0, t1) * d
        x = step if region.contains(step) else x
        points[i // stride] = x
    return points


def numbers(name: str, what: str, value: Any) -> NDArray[np.float64]:
    """The value as a float array, with an error that names the argument where it is none, or has NaN in it."""
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"{name}: {what} must be an array of numbers, got {value!r:.60}") from None
    if np.isnan(array).any():
        where = tuple(np.argwhere(np.isnan(array))[0].tolist())
        raise ValueError(f"{name}: {what} must not contain NaN, got NaN at {where}")
    return array


def finite(name: str, what: str, value: Any) -> NDArray[np.float64]:
    array = numbers(name, what, value)
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: {what} must be finite, got {array[~np.isfinite(array)][0]}")
    return array


def positive(name: str, what: str, value: Any) -> float:
    if not (isinstance(value, (int, float, np.number)) and 0 < value < np.inf):
        raise ValueError(f"{name}: need 0 < {what} < inf, got {what}={value!r}")
    return float(value)


def size(name: str, n: Any, least: int) -> int:
    if not (isinstance(n, (int, np.integer)) and n >= least):
        raise ValueError(f"{name}: need a whole n >= {least}, got n={n!r}")
    return int(n)


def describe_box(lower: Sequence[float] | Vector, upper: Sequence[float] | Vector) -> str:
    low, high = np.asarray(lower), np.asarray(upper)
    n = low.size
    if np.all(low == low[0]) and np.all(high == high[0]):
        return f"[{low[0]:g}, {high[0]:g}]" + (f"^{n}" if n > 1 else "")
    if n <= 3:
        return " x ".join(f"[{a:g}, {b:g}]" for a, b in zip(low, high, strict=True))
    return f"a box in R^{n} with widths {np.min(high - low):g} to {np.max(high - low):g}"
