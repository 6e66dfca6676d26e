"""f(y) ≥ f(x) + ⟨∇f(x), y − x⟩: all ordered pairs of samples, then pairs pushed to the worst."""

from __future__ import annotations

import numpy as np

from ..oracle import Vector
from ..search import DAMPING, Row, Search, curvature_bounds, per_square

PUSHED = 3
DIFFERENCED = 1e-4  # relative error granted to a differenced gradient, over a half-width


def first_order(search: Search) -> Row:
    search.start(0.15)
    X, f, g = search.samples
    quantity, count = "lowest f(y) - tangent", len(X) * (len(X) - 1)
    if count == 0:
        return Row("first order", "skipped", quantity, np.nan, 0, 0, note="too few finite gradients")
    rise, doubt, square = _pairs(search)
    mu, L = curvature_bounds(rise.ravel(), doubt.ravel(), square.ravel())
    worst, violated, pushed = float(np.min(rise)), bool(np.any(rise < -doubt)), 0
    curvature = rise / (_squares(X / search.region.scale) + DAMPING**2)
    np.fill_diagonal(curvature, np.inf)
    for i, j in zip(*np.unravel_index(np.argsort(curvature, axis=None)[:PUSHED], curvature.shape), strict=True):
        if search.refuted or not search.afford() or (rise[i, j] < -doubt[i, j] and search.scan(X[i], X[j] - X[i])):
            break
        if search.oracle.exact:
            x, y = _push(search, X[i], X[j])
            pushed += 1
            low = tangent_rise(search, np.concatenate([search.scaled(x), search.scaled(y)]))[0]
            if low < 0 and (search.probe((x + y) / 2, y - x) or search.scan(x, y - x)):
                violated, worst = True, min(worst, low)
    return Row("first order", search.outcome(violated), quantity, worst, count, pushed, mu, L)


def _pairs(search: Search) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """rise[i, j] = f(x_j) − f(x_i) − ⟨g_i, x_j − x_i⟩, what rounding may do to it, and ‖x_j − x_i‖²."""
    X, f, g = search.samples
    rise = f[None] - f[:, None] - (g @ X.T - np.sum(g * X, axis=1)[:, None])
    terms = np.abs(g) @ np.abs(X).T + np.sum(np.abs(g * X), axis=1)[:, None]
    doubt = search.doubt(np.abs(f)[None] + np.abs(f)[:, None] + terms)
    if not search.oracle.exact:
        doubt = doubt + DIFFERENCED * np.abs(g) @ search.region.scale[:, None]
    np.fill_diagonal(rise, 0.0)
    return rise, doubt, _squares(X)


def _squares(X: np.ndarray) -> np.ndarray:
    """Squared distances of all pairs of rows, 0 for coincident rows."""
    return np.array([np.sum((X - x) ** 2, axis=1) for x in X])


def _push(search: Search, x: Vector, y: Vector) -> tuple[Vector, Vector]:
    """The pair near (x, y) with the lowest curvature from x to y."""
    start = np.concatenate([search.scaled(x), search.scaled(y)])
    u, v = np.split(search.descend(lambda z: per_square(*tangent_rise(search, z), z), start, start.size), 2)
    return search.place(u), search.place(v)


def tangent_rise(search: Search, z: Vector) -> tuple[float, Vector]:
    """f(y) − f(x) − ⟨∇f(x), y − x⟩ for z = (x, y) in scaled coordinates, and its gradient.

    The gradient is −∇²f(x)(y − x) in x and ∇f(y) − ∇f(x) in y.
    """
    u, v = np.split(z, 2)
    x, y, s = search.place(u), search.place(v), search.scale
    fx, gx, hv = search.oracle.linearize(x)
    fy, gy = search.oracle.value_and_grad(y)
    return fy - fx - float(gx @ (y - x)), np.concatenate([-s * hv(y - x), s * (gy - gx)])
