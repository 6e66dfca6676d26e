"""Convex sets known only by two functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.pytree import ravel

from .region import Flags, Matrix, Region, Vector
from .spreading import shuffled


class Domain(Region):
    """A convex set known only by `membership(x) -> bool` and `sampler(rng) -> x`; x is an array or nested structure.

    The statistics of the report then hold under the sampler's law. Nothing is certain about such a set: `outer` is the
    whole space and no box misses it. Raises ValueError if a drawn point is not a member.
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
        center = draws.mean(axis=0)
        if not self.contains(center):
            raise ValueError(f"Domain: the set must be convex, but the mean of {self.PROBES} members, "
                             f"{self.unravel(center)}, is not a member")
        everywhere = np.full(center.size, np.inf)
        self._place(center, draws.min(axis=0), draws.max(axis=0), (-everywhere, everywhere), None)
        self.label = f"a set in R^{self.n} known by membership"

    @property
    def bounded(self) -> bool:
        return False

    def sample(self, k: int, rng: np.random.Generator) -> Matrix:
        return np.array([ravel(self.sampler(rng))[0] for _ in range(k)])

    def spread(self, k: int, rng: np.random.Generator) -> Matrix:
        inner = self.sample(k - k // 4, rng)
        outward = [self.center + (1 - 1e-9) * self.chord(self.center, x - self.center)[1] * (x - self.center)
                   for x in inner[: k // 4]]
        return shuffled([self.center], np.vstack([inner, *outward]), rng)

    def chord(self, x: Vector, d: Vector) -> tuple[float, float]:
        return -exit_time(self.contains, x, -d), exit_time(self.contains, x, d)

    def contains(self, x: Vector) -> bool:
        return bool(self.membership(self.unravel(x)))

    def misses(self, lower: Matrix, upper: Matrix) -> Flags:
        return np.zeros(lower.shape[1], bool)

    def on_boundary(self, x: Vector) -> bool:
        steps = 1e-9 * np.diag(np.maximum(self.scale, np.abs(x)))
        return not all(self.contains(x + e) and self.contains(x - e) for e in steps)


def exit_time(contains: Callable[[Vector], bool], x: Vector, d: Vector) -> float:
    """The last t found inside along x + t d, by doubling and bisection; at most 1e9."""
    if not d.any():
        return 0.0
    inside, outside = 0.0, 1.0
    while contains(x + outside * d):
        inside, outside = outside, 2 * outside
        if outside > 1e9:
            return inside
    for _ in range(40):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if contains(x + middle * d) else (inside, middle)
    return inside
