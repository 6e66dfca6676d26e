"""The epigraph {(x, μ): μ ≥ f(x)} is convex: segments between its members may not leave it."""

from __future__ import annotations

import numpy as np

from ..search import Row, Search

SEGMENTS = 600
PARTS = 8          # of a segment looked at
FOLLOWED = 6


def epigraph(search: Search) -> Row:
    """Members (x, f(x) + slack) with slack 0 half of the time: the depth below the graph at the worst of 7 places."""
    share = search.start(0.15)
    k = int(np.clip(share // 12, 20, SEGMENTS))
    X, Y = search.region.sample(k, search.rng), search.region.sample(k, search.rng)
    slack = search.rng.exponential(size=(k, 2)) * (search.rng.random((k, 2)) < 0.5)
    t = np.arange(PARTS + 1) / PARTS
    depth, doubt = np.full(k, -np.inf), np.zeros(k)
    spread = np.ptp([search.oracle.value(x) for x in X[:20]])
    for i in range(k):
        if not search.afford():
            break
        f = np.array([search.oracle.value(X[i] + s * (Y[i] - X[i])) for s in t])
        mu = f[[0, -1]] + slack[i] * (0.1 * spread if np.isfinite(spread) else 1.0)
        below = f - ((1 - t) * mu[0] + t * mu[1])
        if np.isfinite(below).all():
            depth[i], doubt[i] = np.max(below[1:-1]), search.doubt(2 * np.max(np.abs(f)))
    for i in np.argsort(-depth)[:FOLLOWED]:
        if depth[i] > doubt[i]:
            search.scan(X[i], Y[i] - X[i])
    return Row("epigraph", search.outcome(bool(np.any(depth > doubt))), "deepest exit from the epigraph",
               float(np.max(depth)), int(np.sum(np.isfinite(depth))), 0)
