"""Sublevel sets {f ≤ β} of a convex function are convex: one way only, for √|x| has convex ones too."""

from __future__ import annotations

import numpy as np

from ..search import Row, Search
from .peaks import Peaks

LEVELS = 12
PAIRS = 24        # members of each sublevel set that are joined
ONE_WAY = "convex sublevel sets do not make a function convex: passing proves nothing"


def sublevel(search: Search) -> Row:
    """f on segments between members of sublevel sets, at levels β taken from the quantiles of f."""
    search.start(0.15)
    peaks, pairs = Peaks(search), 0
    X = search.region.sample(int(np.clip(search.budget // 40, 32, 256)), search.rng)
    f = np.array([search.oracle.value(x) for x in X])
    X, f = X[np.isfinite(f)], f[np.isfinite(f)]
    for beta in np.quantile(f, np.linspace(0.05, 0.95, LEVELS)) if f.size else ():
        members = np.flatnonzero(f <= beta)
        for _ in range(PAIRS if members.size > 1 else 0):
            if not peaks.going:
                break
            i, j = search.rng.choice(members, 2, replace=False)
            theta = search.rng.uniform()
            pairs += 1
            value = search.oracle.value(X[i] + theta * (X[j] - X[i]))
            if value > beta + search.doubt(2 * np.abs(beta)):     # outside: the exit lies on this segment
                peaks.along(X[i], X[j])
    if peaks.witness is None and peaks.going and f.size > 1:      # two of the lowest: where sublevel sets fall apart
        i, j = np.argsort(f)[:2]
        peaks.along(X[i], X[j])
    outcome = peaks.outcome
    return Row("sublevel", outcome, "largest rise over a level", peaks.worst, pairs, 0,
               note=ONE_WAY if outcome == "holds" else "a set {f <= b} that is not convex refutes quasiconvexity too",
               witness=peaks.witness or peaks.suspicion)
