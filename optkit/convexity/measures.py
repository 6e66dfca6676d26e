"""Curvature from values: convex envelopes of samples, rises by squared distances, and what they say of mu and L."""

from __future__ import annotations

import numpy as np

from .oracle import Vector

DAMPING = 1e-3  # half-widths below which a segment no longer gains by shrinking


def envelope(t: Vector, f: Vector) -> Vector:
    """The greatest convex function below the points (t, f), at t increasing."""
    hull: list[int] = []
    for i in range(t.size):
        while len(hull) > 1 and _above(t, f, hull[-2], hull[-1], i):
            hull.pop()
        hull.append(i)
    return np.interp(t, t[hull], f[hull])


def _above(t: Vector, f: Vector, a: int, b: int, c: int) -> bool:
    return (f[b] - f[a]) * (t[c] - t[a]) >= (f[c] - f[a]) * (t[b] - t[a])


def per_square(rise: float, slope: Vector, z: Vector) -> tuple[float, Vector]:
    """rise/(‖u − v‖² + DAMPING²) and its gradient, for z = (u, v) and a rise with gradient `slope` in z."""
    u, v = np.split(z, 2)
    square = float((u - v) @ (u - v)) + DAMPING**2
    return rise / square, (slope - rise / square * 2 * np.concatenate([u - v, v - u])) / square


def curvature_bounds(rise: Vector, doubt: Vector, square: Vector) -> tuple[float, float]:
    """(upper bound on mu, lower bound on L) from rises = curvature/2 · square, each known within its doubt."""
    usable = (square > 0) & np.isfinite(rise)
    if not usable.any():
        return np.inf, -np.inf
    rise, doubt, square = rise[usable], doubt[usable], square[usable]
    return float(np.min(2 * (rise + doubt) / square)), float(np.max(2 * (rise - doubt) / square))
