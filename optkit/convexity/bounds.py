"""Bounds on the eigenvalues of a Hessian over boxes, and their values at points, in some of the variables."""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np

from autodiff.curvature.second import DIRECTIONS, Local, SecondOrder
from autodiff.intervals import Interval, add

from .oracle import Matrix, Vector
from .spectrum import smallest

AT_ONCE = 1e6                 # entries of Jacobians that are computed at a time: some ten MB
Blocks = list[tuple[int, ...]]


class Roots(NamedTuple):
    """Of each block (k,): bounds on its eigenvalues over the whole box, and the least and the greatest at some points.

    low_at, high_at : numbers of the points.
    """

    low: Vector
    high: Vector
    least: Vector
    most: Vector
    low_at: np.ndarray
    high_at: np.ndarray


class Eigenvalues:
    """Of ∇²f + lift. lift : t AᵀA, where A x = b on the domain, or None. until : when to say nothing any more."""

    def __init__(self, second: SecondOrder, lift: Interval | None, until: float):
        self.second, self.lift, self.until = second, lift, until

    def work(self, size: int) -> float:
        """Entries of the Jacobians along so many variables, over one box."""
        return self.second.work * size / max(1, self.second.n)

    def on_boxes(self, lower: Matrix, upper: Matrix, chosen: np.ndarray) -> tuple[Vector, Vector]:
        """(all eigenvalues at least, at most) on each box (n, B), in the chosen variables."""
        return self._in_parts(lower, upper, chosen, self._bounds)

    def at_points(self, x: Matrix, chosen: np.ndarray) -> tuple[Vector, Vector]:
        """(least, greatest) eigenvalue at points (n, B), rounded; NaN where it is not known."""
        return self._in_parts(x, x, chosen, self._sampled)

    def of_blocks(self, lower: Vector, upper: Vector, points: Matrix, parts: Blocks) -> Roots:
        """All blocks at a time, on the box lower, upper (n,) and at points (n, k)."""
        whole = self.second.at(lower[:, None], upper[:, None], chosen=np.zeros(0, int))
        there = self.second.at(points, points, chosen=np.zeros(0, int))
        found = np.full((4, len(parts)), np.nan)
        places = np.zeros((2, len(parts)), int)
        for group in _groups(parts):
            columns = np.concatenate([parts[k] for k in group]).astype(int)
            boxes, dots = whole.towards(columns), there.towards(columns)
            ends = np.cumsum([len(parts[k]) for k in group])
            for k, end in zip(group, ends.tolist(), strict=True):
                positions = np.arange(end - len(parts[k]), end)
                found[:2, k] = self._bounds(boxes.along(positions))[:, 0]
                least, most = self._sampled(dots.along(positions))
                if np.isfinite(least).any() and np.isfinite(most).any():
                    places[:, k] = np.nanargmin(least), np.nanargmax(most)
                    found[2:, k] = least[places[0, k]], most[places[1, k]]
        return Roots(*found, *places)

    def _in_parts(self, lower: Matrix, upper: Matrix, chosen: np.ndarray, look) -> tuple[Vector, Vector]:
        """A few boxes at a time; nothing is said once time is over."""
        step = max(1, int(AT_ONCE / max(1.0, self.work(len(chosen)))))
        out = np.tile([[-np.inf], [np.inf]], lower.shape[1])
        for k in range(0, lower.shape[1], step):
            if k and time.perf_counter() > self.until:
                break
            some = slice(k, k + step)
            out[:, some] = look(self.second.at(lower[:, some], upper[:, some], chosen=chosen).along(
                np.arange(len(chosen))))
        return out[0], out[1]

    def _bounds(self, local: Local) -> Matrix:
        lows = [smallest(self._lifted(M, local)) for M in local.matrices(False)]
        highs = [smallest(_turned(self._lifted(M, local))) for M in local.matrices(True)]
        low, high = np.max(lows, axis=0), -np.max(highs, axis=0)
        if self.lift is None:
            low = np.where(local.convex, np.maximum(low, 0.0), low)
            high = np.where(local.concave, np.minimum(high, 0.0), high)
        blocked = local.blocks[0]
        return np.array([np.where(blocked, -np.inf, low), np.where(blocked, np.inf, high)])

    def _sampled(self, local: Local) -> Matrix:
        M = self._lifted(local.matrices(False)[0], local)
        middle = np.moveaxis(0.5 * (M.lo + M.hi), -1, 0)
        fine = np.isfinite(middle).all(axis=(1, 2)) & ~local.blocks[0]
        for _, piece in local.pieces:            # a kink counts as 0 in the matrix
            ends = piece[:2] if piece.entries is None else piece.entries.w
            fine = fine & np.isfinite(ends).all(axis=(0, 1))
        out = np.full((2, local.boxes), np.nan)
        if fine.any():
            values = np.linalg.eigvalsh(middle[fine])
            out[:, fine] = values[:, 0], values[:, -1]
        return out

    def _lifted(self, M: Interval, local: Local) -> Interval:
        if self.lift is None:
            return M
        chosen = np.ix_(local.columns, local.columns)
        return add(M, Interval(*(end[chosen][..., None] for end in self.lift)))


def _groups(parts: Blocks) -> list[list[int]]:
    """Numbers of blocks, together of at most DIRECTIONS variables unless there is one alone."""
    groups: list[list[int]] = []
    size = DIRECTIONS
    for k, part in enumerate(parts):
        if size + len(part) > DIRECTIONS:
            groups.append([])
            size = 0
        groups[-1].append(k)
        size += len(part)
    return groups


def _turned(M: Interval) -> Interval:
    """−M"""
    return Interval(-M.hi, -M.lo)
