"""A local minimum of a convex function is global: two distinct ones of different value refute convexity."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import optimize

from ..oracle import Vector
from ..search import DIFFERENCED_STEPS, Row, Search
from .flat import flatness

STARTS = 12
ITERATIONS = 200
DISTINCT = 1e-3     # half-widths between minima that count as two
NEARBY = np.array([1e-3, 1e-2, 0.1, 0.5])   # of the way between two minima, where f is looked at
SETTLED = 1e-6      # of the spread of f over the samples: smaller differences of value are left to the descents
QUANTITY = "largest difference of local minima"


class Minimum(NamedTuple):
    x: Vector
    f: float


def local_is_global(search: Search) -> Row:
    """Multistart descents in the region; differing minima are joined by a line, on which f must rise and fall."""
    search.start(0.15)
    minima = sorted(_descents(search), key=lambda m: m.f)
    if len(minima) < 2:
        return Row("local is global", "skipped", QUANTITY, np.nan, len(minima), 0, note="too few descents ended")
    best, spread = minima[0], float(np.ptp(search.samples.f)) if search.samples.f.size else 0.0
    apart = [m for m in minima[1:] if np.max(np.abs(m.x - best.x) / search.scale) > DISTINCT
             and _ends_there(search, m, best)]
    for m in [*apart[::-1][:3], *apart[:3]]:
        search.scan(best.x, m.x - best.x)
        if search.refuted:
            break
    worst = max((m.f - best.f for m in apart), default=0.0)
    differs = worst > SETTLED * spread + search.doubt(2 * abs(best.f))
    note, witness = "", None
    if apart and not search.refuted and not differs:
        flat = flatness(search, best.x, apart[0].x)
        if flat is not None and flat.verified:
            note, witness = "distinct minima of one value: f is not strictly convex", flat
    outcome = "violated" if search.refuted else "suspected" if differs and len(apart) and _climbs(search, best, apart) \
        else "holds"
    return Row("local is global", outcome, QUANTITY, worst, len(minima), 0, note=note, witness=witness)


def _ends_there(search: Search, m: Minimum, best: Minimum) -> bool:
    """Whether f is nowhere lower a little on the way to the best minimum: else the descent only stopped early."""
    f = np.array([search.oracle.value(search.region.project(m.x + s * (best.x - m.x))) for s in NEARBY])
    return bool(np.min(f) >= m.f - search.doubt(2 * abs(m.f)))


def _climbs(search: Search, best: Minimum, apart: list[Minimum]) -> bool:
    """Whether f is higher somewhere between the best minimum and the worst one than at both: not a stalled descent."""
    far = apart[-1]
    t = np.linspace(0, 1, 33)[1:-1]
    f = np.array([search.oracle.value(search.region.project(best.x + s * (far.x - best.x))) for s in t])
    return bool(np.max(f) > far.f + search.doubt(2 * abs(far.f)))


def _descents(search: Search) -> list[Minimum]:
    """Where descents from well-spread points end, within the region."""
    found = []
    for x in search.region.spread(STARTS, search.rng)[:STARTS]:
        if not search.afford():
            break
        u = _descend(search, search.scaled(x)) if search.oracle.exact else \
            search.wander(lambda u: _value(search, u), search.scaled(x))
        x = search.place(u)
        f = search.oracle.value(x)
        if np.isfinite(f):
            found.append(Minimum(x, f))
    return found


def _value(search: Search, u: Vector) -> float:
    f = search.oracle.value(search.place(u))
    return f if np.isfinite(f) else np.inf


def _descend(search: Search, u: Vector) -> Vector:
    """L-BFGS-B in scaled coordinates; a place where f is not finite counts as very high."""
    s = search.scale

    def fun(u: Vector) -> tuple[float, Vector]:
        f, g = search.oracle.value_and_grad(search.place(u))
        return (f, s * g) if np.isfinite(f) and np.isfinite(g).all() else (1e300, np.zeros_like(u))

    return optimize.minimize(fun, u, jac=True, method="L-BFGS-B", bounds=[(-1.0, 1.0)] * u.size,
                             options={"maxiter": ITERATIONS, "maxfun": DIFFERENCED_STEPS}).x
