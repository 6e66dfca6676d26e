"""The limited-memory BFGS model within bounds: its matrix in compact form, the Cauchy point, the subspace minimiser."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from optkit.point import Vector
from optkit.prox import Box
from optkit.subproblems.limited_memory import Memory

FLAT = float(np.finfo(float).eps)  # curvature along the path below this times its first value is rounding
STRETCH = 1024  # breakpoints looked at together


class Compact(NamedTuple):
    """B = θI − W M⁻¹ Wᵀ, Wᵀ = [Y; θS] as (2k, n) and M = [−D Lᵀ; L θSSᵀ]; Byrd, Nocedal & Schnabel 1994 (3.5)."""

    theta: float
    WT: Vector
    M: Vector

    def solve(self, v: Vector) -> Vector:
        """M⁻¹ v."""
        return np.linalg.solve(self.M, v)

    def inverse_on(self, free: Vector, r: Vector) -> Vector:
        """B_FF⁻¹ r_F on the free entries, 0 elsewhere.

        B_FF⁻¹ = I/θ + W_F (M − W_FᵀW_F/θ)⁻¹ W_Fᵀ/θ². Cost: 4 k² multiplications a free entry.
        """
        W, out = self.WT[:, free], np.zeros_like(r)
        inner = np.linalg.solve(self.M - W.dot(W.T) / self.theta, W.dot(r[free]))
        out[free] = (r[free] + inner.dot(W) / self.theta) / self.theta
        return out


@dataclass(slots=True)
class BoundedMemory:
    """Pairs (s, y) with the products the compact form needs: SS_ij = s_i·s_j and SY_ij = s_i·y_j, both (m, m)."""

    pairs: Memory
    SS: Vector
    SY: Vector

    @classmethod
    def empty(cls, m: int, n: int) -> "BoundedMemory":
        """Room for m pairs of n numbers."""
        return cls(Memory.empty(m, n), np.zeros((m, m)), np.zeros((m, m)))

    def add(self, s: Vector, y: Vector) -> bool:
        """As Memory.add."""
        pairs = self.pairs
        if not pairs.add(s, y):
            return False
        k, row = pairs.count, pairs.newest
        self.SS[row, :k] = self.SS[:k, row] = pairs.S[:k].dot(s)
        self.SY[row, :k], self.SY[:k, row] = pairs.Y[:k].dot(s), pairs.S[:k].dot(y)
        return True

    def direction_on(self, free: Vector, g: Vector) -> Vector:
        """−B_FF⁻¹ g_F on the free entries, 0 elsewhere; without memory −g_F."""
        if free.all() or not self.pairs.count:
            return np.where(free, self.pairs.direction(g), 0.0)
        return -self.compact().inverse_on(free, g)

    def compact(self) -> Compact:
        """B in compact form; rows of W and M are in the order of the ring."""
        pairs = self.pairs
        k, theta = pairs.count, 1 / pairs.gamma
        age = (np.arange(k) - pairs.head) % k
        SY = self.SY[:k, :k]
        L = np.where(age[:, None] > age, SY, 0.0)
        M = np.block([[-np.diag(SY.diagonal()), L.T], [L, theta * self.SS[:k, :k]]])
        return Compact(theta, np.concatenate([pairs.Y[:k], theta * pairs.S[:k]]), M)


class CauchyPoint(NamedTuple):
    """x, c = Wᵀ(x − x_k), and the mask of the entries that are not at a bound."""

    x: Vector
    c: Vector
    free: Vector


def generalized_cauchy_point(x: Vector, g: Vector, box: Box, B: Compact) -> CauchyPoint:
    """The first minimiser of the model along t ↦ P(x − t g), t >= 0.

    The path bends at breakpoints; between them the model is a parabola, whose slope and curvature at the beginning of
    each piece follow from running sums of what has reached its bound: p = Wᵀd, c = Wᵀ(x(t) − x) and d·d.
    Cost: 4 k multiplications a breakpoint that is passed, but for the stretch. Byrd, Lu, Nocedal & Zhu 1995 §4.
    """
    t, d = _breakpoints(x, g, box)
    p, c, dd, begin = B.WT.dot(d), np.zeros(len(B.M)), float(d.dot(d)), 0.0
    if not dd > 0:
        return _on_path(x, g, d, t, 0.0, c, box)
    flat = FLAT * B.theta * dd
    order = np.flatnonzero((t > 0) & (t < np.inf))
    order = order[np.argsort(t[order], kind="stable")]
    bends = np.append(t[order], np.inf)
    for start in range(0, len(bends), STRETCH):
        block, ends = order[start : start + STRETCH], bends[start : start + STRETCH + 1]
        begins = np.append(begin, ends[:len(block)])
        ends = ends[:len(begins)]
        P = _running(p, B.WT[:, block].T * g[block, None])
        C = _running(c, np.diff(begins)[:, None] * P[:-1])
        D = np.maximum(_running(np.asarray(dd), -(d[block] ** 2)), 0.0)
        Mp = B.solve(P.T).T
        slope = (B.theta * begins - 1) * D - np.einsum("ij,ij->i", C, Mp)
        curvature = np.maximum(B.theta * D - np.einsum("ij,ij->i", P, Mp), flat)
        reach = begins + np.maximum(-slope / curvature, 0.0)
        inside = np.flatnonzero(~(reach >= ends))
        if inside.size:
            j = int(inside[0])
            return _on_path(x, g, d, t, reach[j], C[j] + (reach[j] - begins[j]) * P[j], box)
        p, c, dd, begin = P[-1], C[-1], D[-1], begins[-1]
    raise np.linalg.LinAlgError("the model has no minimiser on the path: its matrix is not finite")


def subspace_minimizer(x: Vector, g: Vector, box: Box, B: Compact, cauchy: CauchyPoint) -> Vector:
    """From the Cauchy point to the minimiser of the model over its free entries, projected onto the bounds.

    Where the projection does not lead downhill, the straight line to the first bound (Morales & Nocedal 2011).
    Cost: as `Compact.inverse_on`.
    """
    r = g + B.theta * (cauchy.x - x) - B.solve(cauchy.c).dot(B.WT)
    d = -B.inverse_on(cauchy.free, r)
    target = box.prox(cauchy.x + d, 1.0)
    if g.dot(target - x) < 0:
        return target
    return box.prox(cauchy.x + min(1.0, to_first_bound(cauchy.x, d, box)) * d, 1.0)


def to_first_bound(x: Vector, p: Vector, box: Box) -> float:
    """The largest α with x + αp within the bounds."""
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.where(p > 0, (box.upper - x) / p, np.where(p < 0, (box.lower - x) / p, np.inf))
    return float(steps.min())


def _breakpoints(x: Vector, g: Vector, box: Box) -> tuple[Vector, Vector]:
    """Where each entry of x − t g meets its bound, inf for never, and its direction until then."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        t = np.where(g < 0, (x - box.upper) / g, np.where(g > 0, (x - box.lower) / g, np.inf))
    return t, np.where(t > 0, -g, 0.0)


def _on_path(x: Vector, g: Vector, d: Vector, t: Vector, at: float, c: Vector, box: Box) -> CauchyPoint:
    """P(x − at·g): on their bounds the entries that have met them."""
    free = (t > at) & (box.lower < box.upper)
    return CauchyPoint(np.where(t > at, x + at * d, np.where(g < 0, box.upper, box.lower)), c, free)


def _running(first: Vector, increments: Vector) -> Vector:
    """first, and its sums with the increments so far; along axis 0."""
    return np.concatenate([first[None], first + np.cumsum(increments, axis=0)])
