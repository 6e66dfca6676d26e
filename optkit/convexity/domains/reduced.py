"""A region with an affine hull of its own, in coordinates of that hull."""

from __future__ import annotations

from typing import Any

import numpy as np

from .region import Matrix, Region, Vector


class Reduced(Region):
    """The points u with x0 + Z u in a region with `subspace` (x0, Z): full-dimensional, distances as before.

    `unravel` gives f's argument for u. Membership and chords are those of the region; what is certain about the boxes
    of u is nothing, since Z is rounded: the outer box is the whole space and none is missed.
    """

    def __init__(self, region: Region):
        if region.subspace is None:
            raise ValueError(f"Reduced: {region.label} is full-dimensional; search it as it is")
        self.region, (self.origin, self.basis) = region, region.subspace
        self.origin = region.center
        k = self.basis.shape[1]
        lower, upper = region.extent(self.basis)
        start, everywhere = self.basis.T @ self.origin, np.full(k, np.inf)
        self._place(np.zeros(k), lower - start, upper - start, (-everywhere, everywhere), None)
        self.facts, self.label = region.facts, region.label
        self.spec = {"region": region}

    def unravel(self, u: Any) -> Any:
        return self.region.unravel(self.lift(u))

    def lift(self, u: Any) -> Any:
        """x0 + Z u."""
        return self.origin + self.basis @ u

    def flatten(self, argument: Any) -> Vector:
        return self._into(self.region.flatten(argument)[None])[0]

    def _into(self, X: Matrix) -> Matrix:
        return (X - self.origin) @ self.basis

    @property
    def bounded(self) -> bool:
        return self.region.bounded

    def sample(self, k: int, rng: np.random.Generator) -> Matrix:
        return self._inside(self._into(self.region.sample(k, rng)))

    def spread(self, k: int, rng: np.random.Generator) -> Matrix:
        return self._inside(self._into(self.region.spread(k, rng)))

    def _inside(self, U: Matrix) -> Matrix:
        """The points, drawn inwards by rounding where that had put them outside."""
        return np.array([u if self.contains(u) else self.project(u) for u in U]).reshape(len(U), self.n)

    def chord(self, x: Vector, d: Vector) -> tuple[float, float]:
        return self.region.chord(self.lift(x), self.basis @ d)

    def contains(self, x: Vector) -> bool:
        return self.region.contains(self.lift(x))

    def project(self, x: Vector) -> Vector:
        """Of the region's own nearest point, the coordinates, drawn inwards by rounding."""
        u = x if self.contains(x) else self._into(self.region.project(self.lift(x))[None])[0]
        for shrink in (1e-15, 1e-14, 1e-13, 1e-12, 1e-10):
            if self.contains(u):
                return u
            u = (1 - shrink) * u
        return super().project(u)

    def misses(self, lower: Matrix, upper: Matrix) -> Any:
        return np.zeros(lower.shape[1], bool)

    def on_boundary(self, x: Vector) -> bool:
        return self.region.on_boundary(self.lift(x))
