"""Sets to stay in: the value is 0 inside and +inf clearly outside, prox is the projection."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from optkit.checks import require
from optkit.point import Vector, freeze, norm, norm_inf
from optkit.prox.term import EPS, TRUSTED, Shape, largest, length, numbers, positive, spread


class Set:
    """Base of the terms that are 0 on a closed convex set and +inf outside: prox is the projection onto it.

    Ours are made of `_contains`, which is up to rounding, and `_project`; projecting twice changes no bit.
    """

    is_set = True

    def value(self, x: Vector) -> float:
        return 0.0 if self._contains(x) else math.inf

    def prox(self, v: Vector, t: float) -> Vector:
        return v.copy() if self._contains(v) else self._project(v)

    def residual(self, x: Vector, g: Vector) -> Vector:
        return (x - self.prox(x - g, 1.0)) / min(1.0, getattr(self, "radius", 1.0))

    def on(self, shape: Shape):
        return self

    def _contains(self, x: Vector) -> bool:
        raise NotImplementedError

    def _project(self, v: Vector) -> Vector:
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Box(Set):
    """lower <= x <= upper, entry by entry; numbers or arrays of x's size, infinite where there is no bound."""

    lower: Any = -np.inf
    upper: Any = np.inf
    _narrow: Any = field(init=False, repr=False, default=None)  # widths below 1, else 1; None where all are

    def __post_init__(self):
        lower, upper = (np.array(side, dtype=float).ravel() for side in (self.lower, self.upper))
        try:
            lower, upper = np.broadcast_arrays(lower, upper)
        except ValueError:
            raise ValueError(f"bounds: need lower and upper of one size, got {lower.size} and {upper.size}") from None
        wrong = np.flatnonzero(~((lower <= upper) & (lower < np.inf) & (upper > -np.inf)))
        if wrong.size:
            k = int(wrong[0])
            raise ValueError(f"bounds: need lower <= upper, got {lower[k]} and {upper[k]} at position {k}")
        object.__setattr__(self, "lower", freeze(lower.copy()))
        object.__setattr__(self, "upper", freeze(upper.copy()))
        width = upper - lower
        if (width < 1).any():
            object.__setattr__(self, "_narrow", np.where(width > 0, np.minimum(width, 1.0), 1.0))

    def value(self, x: Vector) -> float:
        return 0.0 if ((self.lower <= x) & (x <= self.upper)).all() else math.inf

    def prox(self, v: Vector, t: float) -> Vector:
        return np.minimum(np.maximum(v, self.lower), self.upper)

    def residual(self, x: Vector, g: Vector) -> Vector:
        """The gradient cut off at the bounds; where they are closer than 1, as a part of their distance, but <= |g|."""
        r = np.minimum(np.maximum(g, x - self.upper), x - self.lower)
        return r if self._narrow is None else np.minimum(np.abs(g), np.abs(r) / self._narrow)

    def on(self, shape: Shape) -> "Box":
        n = int(np.prod(shape))
        if self.lower.size not in (1, n):
            raise ValueError(f"bounds: need one pair, or one for each of the {n} unknowns, got {self.lower.size}")
        return Box(np.broadcast_to(self.lower, (n,)), np.broadcast_to(self.upper, (n,)))


def NonNegative() -> Box:  # noqa: N802 - stands beside the classes
    """x >= 0, entry by entry."""
    return Box(0.0, np.inf)


@dataclass(frozen=True)
class Simplex(Set):
    """x >= 0 with Σ x = radius. One sort a projection. Held, Wolfe & Crowder 1974."""

    radius: float = 1.0

    def __post_init__(self):
        object.__setattr__(self, "radius", positive("Simplex", "radius", self.radius))

    def _contains(self, x: Vector) -> bool:
        return bool(x.min() >= 0) and abs(x.sum() - self.radius) <= TRUSTED * self.radius

    def _project(self, v: Vector) -> Vector:
        return _onto_simplex(v, self.radius)


@dataclass(frozen=True)
class L1Ball(Set):
    """‖x‖₁ <= radius. One sort a projection. Duchi, Shalev-Shwartz, Singer & Chandra 2008."""

    radius: float = 1.0

    def __post_init__(self):
        object.__setattr__(self, "radius", positive("L1Ball", "radius", self.radius))

    def _contains(self, x: Vector) -> bool:
        return bool(np.abs(x).sum() <= self.radius * (1 + TRUSTED))

    def _project(self, v: Vector) -> Vector:
        return np.copysign(_onto_simplex(np.abs(v), self.radius), v)


@dataclass(frozen=True, eq=False)
class L2Ball(Set):
    """‖x − center‖₂ <= radius; center is a number or an array of x's size."""

    radius: float = 1.0
    center: Any = 0.0

    def __post_init__(self):
        object.__setattr__(self, "radius", positive("L2Ball", "radius", self.radius))
        object.__setattr__(self, "center", numbers("L2Ball", "center", self.center))

    def on(self, shape: Shape) -> "L2Ball":
        return L2Ball(self.radius, spread("L2Ball", "center", self.center, shape))

    def _contains(self, x: Vector) -> bool:
        slack = TRUSTED * self.radius + 2 * EPS * norm(np.broadcast_to(self.center, x.shape).ravel())
        return bool(length(x - self.center) <= self.radius + slack)

    def _project(self, v: Vector) -> Vector:
        d = v - self.center
        return self.center + d / length(d) * self.radius


@dataclass(frozen=True, eq=False)
class Affine(Set):
    """A x = b, for A of shape (m, n), rows possibly dependent. One singular value decomposition when made, then 4 m n.

    Raises ValueError where no x solves it.
    """

    A: Any
    b: Any
    _rows: Any = field(init=False, repr=False)  # orthonormal rows that span those of A, and their right-hand side
    _rhs: Any = field(init=False, repr=False)

    def __post_init__(self):
        A, b = np.atleast_2d(numbers("Affine", "A", self.A)), np.atleast_1d(numbers("Affine", "b", self.b))
        require("Affine", A.ndim == 2 and b.shape == A.shape[:1], "A of shape (m, n) and b of shape (m,)",
                A=A.shape, b=b.shape)
        sizes = np.abs(A).max(axis=1)
        sizes = np.where(sizes > 0, sizes, 1.0)
        unit, sides = A / sizes[:, None], b / sizes
        U, s, V = np.linalg.svd(unit, full_matrices=False)
        rank = int((s > s[0] * max(A.shape) * EPS).sum()) if s.size else 0
        rhs = U[:, :rank].T @ sides / s[:rank]
        off = np.abs(unit @ (V[:rank].T @ rhs) - sides)
        if not (off <= 1e-10 * np.abs(sides) + 1e3 * EPS * norm(rhs)).all():
            raise ValueError(f"Affine: A x = b has no solution: the nearest x leaves |a·x − b|/‖a‖∞ = {off.max():.3g} "
                             f"in row {off.argmax()}; the rows contradict each other")
        for name, value in (("A", A), ("b", b), ("_rows", V[:rank].copy()), ("_rhs", rhs)):
            object.__setattr__(self, name, freeze(value))

    def on(self, shape: Shape) -> "Affine":
        n = int(np.prod(shape))
        require("Affine", self.A.shape[1] == n, f"one column of A for each of the {n} unknowns", A=self.A.shape)
        return self

    def _contains(self, x: Vector) -> bool:
        return bool(largest(self._rows @ x - self._rhs) <= TRUSTED * (length(x) + norm_inf(self._rhs)))

    def _project(self, v: Vector) -> Vector:
        for _ in range(2):  # the second time takes away what the first left to rounding, where v is far off
            v = v - self._rows.T @ (self._rows @ v - self._rhs)
        return v


def Hyperplane(a: Any, b: float) -> Affine:  # noqa: N802 - stands beside the classes
    """a·x = b."""
    return Affine(np.ravel(a)[None], [b])


def _onto_simplex(v: Vector, radius: float) -> Vector:
    """max(v − θ, 0) with the θ at which it sums to radius, from the sorted entries.

    Entries are taken relative to the largest, so that large ones lose no digits, and the sum is put right at the end.
    """
    w = v - v.max()
    w = w / radius
    u = np.sort(w)[::-1]
    theta = (np.cumsum(u) - 1) / np.arange(1, u.size + 1)
    if not (u > theta).any():  # not finite
        return np.full_like(v, np.nan)
    x = np.maximum(w - theta[np.flatnonzero(u > theta)[-1]], 0.0)
    return x * (radius / x.sum())
