"""What every solver of the trust-region subproblem returns, and the steps they share."""

import math
from abc import ABC, abstractmethod
from typing import NamedTuple, Protocol

import numpy as np

from optkit.point import Vector, norm


class Region(NamedTuple):
    """A step p, the decrease −(g·p + ½ p·Hp) the model predicts for it, ‖p‖₂, and whether it ends on the boundary."""

    p: Vector
    predicted: float
    length: float
    on_boundary: bool
    iterations: int


class Subproblem(Protocol):
    """The model g·p + ½ p·Hp at a point: called with a radius, again with shorter ones, it gives the step within."""

    def curvature(self) -> float:
        """g·Hg/g·g; NaN where g = 0 or a product is not finite."""
        ...

    def __call__(self, delta: float) -> Region: ...


class DenseSubproblem(ABC):
    """delta -> a step within ‖p‖₂ <= delta for g·p + ½ p·Hp, H dense: what all ways to choose it share.

    H : (n, n) symmetric. Subclasses work on H and g divided by max|Hᵢⱼ|. Where H is zero, not finite or too small
    beside g, the step is that of the linear model.
    """

    def __init__(self, H: np.ndarray, g: Vector):
        self.H, self.g = H, g
        self.size = float(np.abs(H).max())
        self.usable = 0 < self.size < math.inf
        if self.usable:
            self._prepare(H / self.size, g / self.size)

    @abstractmethod
    def _prepare(self, H: np.ndarray, g: Vector) -> None:
        """What no radius changes; H and g are finite, and H has an entry of size one."""

    @abstractmethod
    def _step(self, delta: float) -> tuple[Vector, bool, int]:
        """The step, whether it ends on the boundary, and the iterations it took."""

    def curvature(self) -> float:
        u = self.g / (norm(self.g) or math.nan)
        return float(u.dot(self.H.dot(u)))

    def __call__(self, delta: float) -> Region:
        g = self.g
        if not self.usable or not norm(g) / self.size / delta < math.inf:
            return steepest(g, delta, 0)
        p, on_boundary, iterations = self._step(delta)
        return Region(p, -float(g.dot(p) + 0.5 * p.dot(self.H.dot(p))), norm(p), on_boundary, iterations)


def steepest(g: Vector, delta: float, iterations: int) -> Region:
    """p = −delta·g/‖g‖₂ with the linear model; p = 0 where g = 0."""
    length = norm(g)
    if length == 0:
        return Region(np.zeros_like(g), 0.0, 0.0, False, iterations)
    return Region(g / length * -delta, delta * length, delta, True, iterations)


def to_boundary(pp: float, pd: float, dd: float, delta: float) -> float:
    """The τ > 0 with ‖p + τd‖ = delta from p·p, p·d and d·d, by the formula without cancellation."""
    rest = delta * delta - pp
    root = math.sqrt(max(pd * pd + dd * rest, 0.0))
    return rest / (pd + root) if pd > 0 else (root - pd) / dd
