"""∇²f(x) ⪰ 0: the smallest eigenvalue at samples, then minimised over the region."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..lanczos import Ends, extremes
from ..oracle import Vector
from ..search import Extreme, Row, Search
from ..witness import EPS

DENSE = 64         # coordinates up to which the Hessian is formed and eigh used
LANCZOS_STEPS = 40
POINTS = 96
PUSHED = 8
PROBED = 3
ROUNDING = 1e-12  # of the Hessian's norm: a negative eigenvalue within it is zero
DIFFERENCED = 12   # coordinates beyond which a differenced Hessian costs too much
TELLING = 1e-6     # of the Hessian's norm: a negative eigenvalue beyond it that no segment confirms is reported
NEIGHBOUR = 1e-7   # half-widths; such an eigenvalue must persist that near


class _Place(NamedTuple):
    """Extreme eigenpairs of ∇²f(x), and of S ∇²f(x) S with S the half-widths, whose sign is what the search goes by."""

    x: Vector
    raw: Ends
    scaled: Ends


class _Goal(NamedTuple):
    """What a descent lowers, and the direction it starts with."""

    value: Callable[[_Place], float]
    vector: Callable[[_Place], Vector]


SCALED_LOW = _Goal(lambda p: p.scaled.low, lambda p: p.scaled.v_low)
RAW_LOW = _Goal(lambda p: p.raw.low, lambda p: p.raw.v_low)
RAW_HIGH = _Goal(lambda p: -p.raw.high, lambda p: p.raw.v_high)


def second_order(search: Search) -> Row:
    share = search.start(0.35)
    n, quantity = search.oracle.n, "smallest eigenvalue"
    if not search.oracle.exact and n > DIFFERENCED:
        return Row("second order", "skipped", quantity, np.nan, 0, 0,
                   note=f"{search.oracle.reason}, and differencing a Hessian of {n} variables costs too much")
    places = _survey(search, share)
    if not places:
        return Row("second order", "skipped", quantity, np.nan, 0, 0, note="no finite Hessian found")
    count = len(places)
    for place in places[:PROBED]:
        _probe(search, place)
    for start in places[:PUSHED]:
        if search.refuted or not (search.oracle.exact and search.afford()):
            break
        places.append(_push(search, start, SCALED_LOW))
    for goal in (RAW_LOW, RAW_HIGH):
        if search.oracle.exact and search.afford() and not (goal is RAW_LOW and (search.even or search.refuted)):
            places.append(_push(search, min(places, key=goal.value), goal))
    return _conclude(search, places, count)


def _conclude(search: Search, places: list[_Place], count: int) -> Row:
    low, high = min(places, key=RAW_LOW.value), min(places, key=RAW_HIGH.value)
    search.lowest = Extreme(low.x, low.raw.v_low, low.raw.low)
    search.highest = Extreme(high.x, high.raw.v_high, high.raw.high)
    search.eigenvalues = [(p.raw.low, p.raw.high) for p in places]
    worst = min(places, key=_relative)
    largest = max(_size(p.scaled) for p in places)
    if not search.refuted and _telling(search, worst, largest):
        search.curious = (f"the Hessian has the eigenvalue {worst.raw.low:.3g} at a point where no segment shows a gap "
                          "above rounding")
    violated = worst.scaled.low < -ROUNDING * _size(worst.scaled) if search.refuted else bool(search.curious)
    rounding = search.oracle.n * EPS * max(_size(p.raw) for p in places)
    mu, L = (low.raw.low + rounding, high.raw.high - rounding) if search.oracle.exact else (np.inf, -np.inf)
    pushed = len(places) - count
    return Row("second order", search.outcome(violated), "smallest eigenvalue", low.raw.low, count, pushed, mu, L)


def _survey(search: Search, share: int) -> list[_Place]:
    """Eigenvalues at well-spread points, the lowest (relative to the Hessian there) first."""
    n = search.oracle.n
    cost = (2 * min(n, LANCZOS_STEPS if n > DENSE else n) + 2) if search.oracle.exact else 2 * n * n + 5 * n
    count = int(np.clip(0.4 * share / cost, 4, POINTS))
    places = [p for i, x in enumerate(search.samples.X[:count])
              if (i == 0 or search.afford()) and (p := _look(search, x, None)) is not None]
    return sorted(places, key=_relative)


def _relative(place: _Place) -> float:
    return place.scaled.low / (_size(place.scaled) or 1.0)


def _size(ends: Ends) -> float:
    return max(abs(ends.low), abs(ends.high))


def _look(search: Search, x: Vector, start: Vector | None) -> _Place | None:
    """Extreme eigenpairs at x; None where the Hessian is not finite. Lanczos begins at `start` if given."""
    n, s = x.size, search.region.scale
    if n <= DENSE:
        H = search.oracle.hessian(x)
        if not np.isfinite(H).all():
            return None
        raw = _dense(H)
        return _Place(x, raw, raw if search.even else _dense(s[:, None] * H * s))
    hv = search.oracle.linearize(x)[2]
    noise = search.rng.standard_normal(n)
    begin = noise if start is None else start / np.linalg.norm(start) + 1e-3 * noise / np.sqrt(n)
    raw = extremes(hv, begin, LANCZOS_STEPS)
    scaled = raw if search.even else extremes(lambda v: s * hv(s * v), begin, LANCZOS_STEPS)
    return _Place(x, raw, scaled) if np.isfinite(raw.low + scaled.low) else None


def _dense(H: np.ndarray) -> Ends:
    values, vectors = np.linalg.eigh(H)
    return Ends(float(values[0]), vectors[:, 0], float(values[-1]), vectors[:, -1])


def _probe(search: Search, place: _Place) -> bool:
    return place.scaled.low < 0 and search.probe(place.x, search.region.scale * place.scaled.v_low)


def _push(search: Search, place: _Place, goal: _Goal) -> _Place:
    """Minimise (maximise) the Rayleigh quotient vᵀ∇²f(x)v / vᵀv over x and v together, twice.

    Smooth in both, unlike the eigenvalue itself where eigenvalues cross. Looks for a witness where it ends.
    """
    n, s = place.x.size, search.region.scale
    metric = s if goal is SCALED_LOW else np.full(n, float(np.median(s)))

    def fun(z: Vector) -> tuple[float, Vector]:
        q, slope = rayleigh(search, z, metric)
        return (-q, -slope) if goal is RAW_HIGH else (q, slope)

    for _ in range(2):
        z = search.descend(fun, np.concatenate([search.scaled(place.x), goal.vector(place)]), n)
        moved = _look(search, search.place(z[:n]), z[n:])
        if moved is None or not goal.value(moved) < goal.value(place):
            break
        place = moved
        if (goal is not RAW_HIGH and _probe(search, place)) or not search.afford():
            break
    return place


def rayleigh(search: Search, z: Vector, metric: Vector) -> tuple[float, Vector]:
    """wᵀ∇²f(x)w / vᵀv with w = metric·v, and its gradient, for z = (x in scaled coordinates, v)."""
    u, v = np.split(z, 2)
    x, w, vv = search.place(u), metric * v, float(v @ v)
    Hw = search.oracle.linearize(x)[2](w)
    q = float(w @ Hw) / vv
    return q, np.concatenate([search.region.scale * search.oracle.third(x, w) / vv, 2 * (metric * Hw - q * v) / vv])


def _telling(search: Search, place: _Place, largest: float) -> bool:
    """Whether a negative eigenvalue is beyond the Hessian's rounding: large against its norm, and there nearby too.

    A softmax that saturates computes to Hessians of −1e-26 over whole regions, so eps of the largest norm counts as 0.
    """
    limit = max(TELLING * _size(place.scaled), 16 * search.oracle.n * EPS * largest)
    if not search.oracle.exact or place.scaled.low > -limit:
        return False
    for _ in range(4):
        u = search.scaled(place.x) + NEIGHBOUR * search.rng.uniform(-1, 1, place.x.size)
        near = _look(search, search.place(u), None)
        if near is None or not near.scaled.low < place.scaled.low / 2:
            return False
    return True
