"""∇²f(x) ⪰ 0: the smallest eigenvalue at samples, then minimised over the region."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..hints import around_extremes
from ..lanczos import Ends, extremes
from ..oracle import Vector
from ..search import Extreme, Row, Search
from ..witness import EPS

DENSE = 64         # coordinates up to which the Hessian is formed and eigh used
LANCZOS_STEPS = 40
POINTS = 96
PUSHED = 8
PROBED = 3
LAST = 8.0         # units in the last place of the Hessian's norm, an unknown: a smaller eigenvalue is 0
ROUNDING = 1e-12  # of the Hessian's norm: a negative eigenvalue within it is zero
DIFFERENCED = 12   # coordinates beyond which a differenced Hessian costs too much
TELLING = 1e-6     # of the Hessian's norm: a negative eigenvalue beyond it that no segment confirms is reported
NEIGHBOUR = 1e-7   # half-widths; such an eigenvalue must persist that near


class _Place(NamedTuple):
    """Extreme eigenpairs of ∇²f(x), and of S ∇²f(x) S with S the half-widths, whose sign is what the search goes by.

    whole : where those are of ∇²f on an affine hull, the norm of all of ∇²f(x), which rounding goes by; else 0.
    """

    x: Vector
    raw: Ends
    scaled: Ends
    whole: float = 0.0


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
    places, count = seek(search, share)
    if not places:
        return Row("second order", "skipped", quantity, np.nan, 0, 0, note="no finite Hessian found")
    for goal in (RAW_LOW, RAW_HIGH):
        if search.oracle.exact and search.afford() and not (goal is RAW_LOW and (search.even or search.refuted)):
            places.append(_push(search, min(places, key=goal.value), goal))
    return _conclude(search, places, count)


def seek(search: Search, share: int) -> tuple[list[_Place], int]:
    """(places looked at, how many of them samples): samples, hints from the formula, descents from the worst.

    Stops at the first verified witness. share : calls that may be spent.
    """
    suspects = [place for x in search.starts if (place := _look(search, x, None)) is not None]
    places = _survey(search, share)
    count = len(places)
    for place in (*suspects, *places[:PROBED]):
        _probe(search, place)
    places += suspects
    if search.oracle.exact and not search.refuted:
        limit = search.oracle.spent + share // 2
        for x in around_extremes(search):
            if search.refuted or search.oracle.spent > limit or not search.afford():
                break
            if (place := _look(search, x, None)) is not None:
                places.append(place)
                _probe(search, place)
    places.sort(key=_relative)
    for start in places[:PUSHED]:
        if search.refuted or not (search.oracle.exact and search.afford()):
            break
        places.append(_push(search, start, SCALED_LOW))
    return places, count


def _conclude(search: Search, places: list[_Place], count: int) -> Row:
    low = min(places, key=lambda p: p.raw.low + _rounding(p))
    high = max(places, key=lambda p: p.raw.high - _rounding(p))
    least = _plain(low.raw.low, low)
    search.lowest = Extreme(low.x, low.raw.v_low, least)
    search.highest = Extreme(high.x, high.raw.v_high, high.raw.high)
    search.eigenvalues = [(_plain(p.raw.low, p), _plain(p.raw.high, p)) for p in places]
    search.looked = [p.x for p in places]
    worst = min(places, key=_relative)
    largest = max(max(_size(p.scaled), p.whole) for p in places)
    if not search.refuted and _telling(search, worst, largest):
        search.curious = (f"the Hessian has the eigenvalue {worst.raw.low:.3g} at a point where no segment shows a gap "
                          "above rounding")
    violated = worst.scaled.low < -ROUNDING * _size(worst.scaled) if search.refuted else bool(search.curious)
    mu, L = (np.inf, -np.inf) if not search.oracle.exact else (
        min(p.raw.low + _rounding(p) for p in places), max(p.raw.high - _rounding(p) for p in places))
    pushed = len(places) - count
    return Row("second order", search.outcome(violated), "smallest eigenvalue", least, count, pushed, mu, L)


def _survey(search: Search, share: int) -> list[_Place]:
    """Eigenvalues at well-spread points, the lowest (relative to the Hessian there) first."""
    n = search.oracle.n
    cost = (2 * min(n, LANCZOS_STEPS if n > DENSE else n) + 2) if search.oracle.exact else 2 * n * n + 5 * n
    count = int(np.clip(0.4 * share / cost, 4, POINTS))
    places = [p for i, x in enumerate(search.samples.X[:count])
              if (i == 0 or search.afford()) and (p := _look(search, x, None)) is not None]
    return sorted(places, key=_relative)


def _rounding(place: _Place) -> float:
    """What rounding of the Hessian's entries may do to its eigenvalues."""
    return LAST * place.x.size * EPS * max(_size(place.raw), place.whole)


def _plain(value: float, place: _Place) -> float:
    """The eigenvalue, 0 where it is rounding."""
    return 0.0 if abs(value) <= _rounding(place) else value


def _relative(place: _Place) -> float:
    return place.scaled.low / (max(_size(place.scaled), place.whole) or 1.0)


def _size(ends: Ends) -> float:
    return max(abs(ends.low), abs(ends.high))


def _look(search: Search, x: Vector, start: Vector | None) -> _Place | None:
    """Extreme eigenpairs at x; None where the Hessian is not finite. Lanczos begins at `start` if given."""
    n, s, Z = x.size, search.scale, search.Z
    if n <= DENSE:
        H = search.oracle.hessian(x)
        if not np.isfinite(H).all():
            return None
        raw = _dense(H, Z)
        whole = 0.0 if Z is None else float(np.linalg.norm(H))
        return _Place(x, raw, raw if search.even else _dense(s[:, None] * H * s, None), whole)
    hv = search.oracle.linearize(x)[2]
    noise = search.rng.standard_normal(n)
    begin = search.hull(noise if start is None else start / np.linalg.norm(start) + 1e-3 * noise / np.sqrt(n))
    raw = extremes(lambda v: search.hull(hv(v)), begin, LANCZOS_STEPS)
    scaled = raw if search.even else extremes(lambda v: s * hv(s * v), begin, LANCZOS_STEPS)
    return _Place(x, raw, scaled) if np.isfinite(raw.low + scaled.low) else None


def _dense(H: np.ndarray, Z: np.ndarray | None) -> Ends:
    """Ends of the spectrum of H, or of ZᵀHZ with vectors Z·v."""
    values, vectors = np.linalg.eigh(H if Z is None else Z.T @ H @ Z)
    low, high = (v if Z is None else Z @ v for v in (vectors[:, 0], vectors[:, -1]))
    return Ends(float(values[0]), low, float(values[-1]), high)


def _probe(search: Search, place: _Place) -> bool:
    """Segments along the lowest eigenvector, if its eigenvalue is negative or 0 up to rounding."""
    return _relative(place) < ROUNDING and search.probe(place.x, search.scale * place.scaled.v_low)


def _push(search: Search, place: _Place, goal: _Goal) -> _Place:
    """Minimise (maximise) the Rayleigh quotient vᵀ∇²f(x)v / vᵀv over x and v together, twice.

    Smooth in both, unlike the eigenvalue itself where eigenvalues cross. Looks for a witness where it ends.
    """
    n, s = place.x.size, search.scale
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
    w, vv = metric * search.hull(v), float(v @ v)
    bend = search.oracle.bend(search.place(u), w)
    q = float(np.float64(bend.value) / vv)
    slope = search.hull(metric * bend.product) - q * v
    return q, np.concatenate([search.scale * bend.third / vv, 2 * slope / vv])


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
