"""Euclidean balls."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.intervals import Interval, down, point, square, subtract, total, up
from autodiff.pytree import ravel

from .box import _as_array
from .region import NEAR, Flags, Matrix, Region, Vector, positive
from .spreading import shuffled


class Ball(Region):
    """The points with ‖x − center‖₂ <= radius.

    center : a number, array or nested structure; f receives x in that shape. Raises ValueError if not finite.
    """

    def __init__(self, center: Any, radius: float):
        self.radius = positive("Ball", "radius", radius)
        array = _as_array(center)
        flat, self.unravel = ravel(center if array is None else array)
        if not np.isfinite(flat).all():
            raise ValueError(f"Ball: center must be finite, got {flat}")
        self._place(flat, down(flat - self.radius), up(flat + self.radius), None, None)
        self.scale = np.full(self.n, self.radius)
        self.spec = {"center": self.unravel(flat), "radius": self.radius}
        self.label = f"the ball of radius {radius:g} in R^{self.n}"

    def sample(self, k: int, rng: np.random.Generator) -> Matrix:
        return self.center + self._sphere(k, rng) * rng.random((k, 1)) ** (1 / self.n)

    def spread(self, k: int, rng: np.random.Generator) -> Matrix:
        rim = self.center + self._sphere(k // 4, rng)
        axes = np.vstack([np.eye(self.n), -np.eye(self.n)])[: k // 8]
        tips = self.center + (1 - 1e-12) * self.radius * axes
        marks = [self.center, self.project(np.zeros(self.n)), self.project(np.ones(self.n))]
        inner = self.sample(max(0, k - k // 4 - 3 - len(axes)), rng)
        return shuffled(marks, np.vstack([rim, tips, inner]), rng)

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

    @np.errstate(all="ignore")
    def misses(self, lower: Matrix, upper: Matrix) -> Flags:
        """By the distance of the box from the centre."""
        offset = subtract(Interval(lower, upper), point(self.center[:, None]))
        return total(square(offset), (0,), False).lo > square(point(self.radius)).hi

    def project(self, x: Vector) -> Vector:
        """The nearest point."""
        if self.contains(x):
            return x
        return self.center + (1 - 1e-15) * self.radius * (x - self.center) / np.linalg.norm(x - self.center)

    def on_boundary(self, x: Vector) -> bool:
        return bool(np.linalg.norm(x - self.center) >= (1 - NEAR) * self.radius)
