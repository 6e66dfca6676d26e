"""Is the gap real, or rounding? A witness is accepted only when one of these says so.

A fixed multiple of eps·|f| does not do: convex functions with cancellation inside f have far larger errors than their
values show (17 false alarms in an early version). So the recorded formula is replayed in interval arithmetic, which
proves; and where it cannot be, the error is measured, never assumed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .oracle import Oracle, Vector
from .replay import NoReplay, enclosed_gap, enclosed_values, off_hull
from .witness import EPS, Segment

Long = np.longdouble
EPS_LONG = float(np.finfo(Long).eps)
SAFETY = 32        # on the measured error of extended precision
PROBES = 4         # random places on the segment where that error is measured too
LISTENING = 0.25   # relative agreement asked between changes below float64 resolution and the slopes
COARSE = 1e-6      # of the range of f: a jump this large is taken for f's own, not for rounding
PARTS = 64         # of the segment in the difference table
ORDER = 4          # of the differences; their norm on unit noise is √(8 choose 4), Moré & Wild 2011 (2.2)
TABLE_NOISE = np.sqrt(70.0)
TABLE_SAFETY = 20  # a staircase of rounding scores at most 3, a kink 67
PLAIN_SAFETY = 40  # over Segment.floor, where nothing better is known
ALIKE = 1e-6       # of |f|: plain values this far from the enclosures are not those of the recorded formula


class Evidence(NamedTuple):
    """real : True (established), False (it is rounding) or None (cannot tell). bound : on what rounding added.

    final : no other verifier need be asked.
    """

    real: bool | None
    bound: float
    how: str
    final: bool = False


def verify(oracle: Oracle, segment: Segment, rng: np.random.Generator) -> Evidence:
    """The first verifier that can tell; else the last one's word."""
    evidence = Evidence(False, np.inf, "f is not finite on the segment")
    if not np.isfinite(segment.gap):
        return evidence
    values = (segment.x, segment.fx), (segment.z, segment.fz), (segment.y, segment.fy)
    if not all(oracle.repeats(x, oracle.sign * f) for x, f in values):
        return Evidence(None, np.inf, oracle.unsteady, final=True)
    for verifier in VERIFIERS.values():
        evidence = verifier(oracle, segment, rng)
        if evidence.final or evidence.real is not None:
            break
    return evidence


def interval_replay(oracle: Oracle, segment: Segment, rng: np.random.Generator) -> Evidence:
    """Enclose the gap of the recorded formula: a lower end > 0 that plain calls agree with is a proof.

    Where the region has equations the three points stand for all within their distance from its hull.
    An enclosure of both signs proves nothing: extended precision may then deny the gap, but not confirm it. Cannot tell
    where f cannot be recorded or an operation has no interval rule.
    """
    how = "interval replay of the recorded formula"
    if not oracle.exact:
        return Evidence(None, np.inf, how)
    points, plain = (segment.z, segment.x, segment.y), np.array([segment.fz, segment.fx, segment.fy])
    try:
        values = enclosed_values(oracle.flat, points, off_hull(oracle.region, points[1:]))
    except NoReplay:
        return Evidence(None, np.inf, how)
    astray = np.maximum(values.lo - oracle.sign * plain, oracle.sign * plain - values.hi)
    if not np.all(astray <= ALIKE * np.max(np.abs(plain))):
        return Evidence(None, np.inf, f"{how}, which plain calls do not follow", final=True)
    gap = enclosed_gap(values, (0.5, 0.5))
    lo, hi = sorted((oracle.sign * float(gap.lo), oracle.sign * float(gap.hi)))
    bound = max(segment.gap - lo, 0.0)
    if lo > 0 and segment.gap > 0:
        return Evidence(True, bound, how)
    if hi <= 0 or extended_precision(oracle, segment, rng).real is False:
        return Evidence(False, bound, how)
    return Evidence(None, bound, how, final=True)


def extended_precision(oracle: Oracle, segment: Segment, rng: np.random.Generator) -> Evidence:
    """Evaluate f itself in np.longdouble: that measures the error of float64, and its own is the ratio of eps times it.

    The bound is on the error of the float64 gap: plain calls confirm it. Cannot tell where longdouble is float64,
    where f leaves it, or where part of f may (np.zeros buffers, float()): f must follow changes of x that float64 can't
    hold, and a gap that is small in the range of f must pass the difference table too.
    """
    how = "f in extended precision"
    unable = Evidence(None, np.inf, how)
    if EPS_LONG > EPS / 64:
        return unable
    inner = [segment.x + t * (segment.y - segment.x) for t in rng.uniform(0.05, 0.95, PROBES)]
    precise = [oracle.extended(p.astype(Long)) for p in (segment.x, segment.z, segment.y, *inner)]
    if any(v is None or not np.isfinite(v) for v in precise):
        return unable
    fine = np.array(precise, dtype=Long)
    coarse = np.array([segment.fx, segment.fz, segment.fy, *(oracle.value(p) for p in inner)])
    error, size = float(np.max(np.abs(fine - coarse))), float(np.max(np.abs(fine)))
    own = SAFETY * EPS_LONG * (error / EPS + 2 * size)
    bound = 2 * error + 2 * EPS * size + own
    if not segment.gap > 2 * bound:
        return Evidence(False, bound, how)
    if not _listens(oracle, segment, inner, fine[3:], own):
        return unable
    if segment.gap <= COARSE * oracle.range and not measured_noise(oracle, segment).real:
        return unable
    return Evidence(True, bound, how)


def _listens(oracle: Oracle, segment: Segment, inner: list[Vector], values: np.ndarray, own: float) -> bool:
    """Whether f in extended precision, of error `own`, follows its slope under changes that float64 cannot hold."""
    mismatch = expected = 0.0
    for p, f in zip(inner, values, strict=True):
        d = np.sign(segment.y - segment.x) * np.maximum(np.abs(p), np.abs(segment.y - segment.x))
        d = d if oracle.region.subspace is None else oracle.region.subspace[1] @ (oracle.region.subspace[1].T @ d)
        moved = oracle.extended(p.astype(Long) + np.ldexp(d.astype(Long), -55))
        if moved is None:
            return False
        rise = oracle.slope(p, d) * 2.0**-55
        mismatch, expected = mismatch + abs(float(moved - f) - rise), expected + abs(rise)
    return mismatch <= LISTENING * expected + own


def difference_table(oracle: Oracle, segment: Segment, rng: np.random.Generator) -> Evidence:
    """`measured_noise`, which establishes no gap that is small in the range of f.

    Solvers and quadrature inside f have errors as large as their tolerances, and smooth: no table shows those.
    """
    evidence = measured_noise(oracle, segment)
    return evidence._replace(real=None) if evidence.real and segment.gap <= COARSE * oracle.range else evidence


def measured_noise(oracle: Oracle, segment: Segment) -> Evidence:
    """Measure the noise of f on 65 exact points of the segment by fourth differences; the gap must tower above it.

    It must also persist: each of 27 neighbouring triples shows at least half of it. Jumps look like noise here, so a
    step function stays suspected.
    """
    how = "a difference table of f on the segment"
    t = np.arange(PARTS + 1) / PARTS
    f = np.array([oracle.value(segment.x + s * (segment.y - segment.x)) for s in t])
    if not np.isfinite(f).all():
        return Evidence(None, np.inf, how)
    noise = float(np.max(np.abs(np.diff(f, ORDER)))) / TABLE_NOISE
    bound = TABLE_SAFETY * noise + PLAIN_SAFETY * segment.floor
    if not _smallest_nearby_gap(f) >= segment.gap / 2:
        return Evidence(False, bound, how)
    return Evidence(True if segment.gap > bound else None, float(bound), how)


def _smallest_nearby_gap(f: np.ndarray) -> float:
    i, j, k = np.meshgrid([0, 1, 2], [PARTS // 2 - 1, PARTS // 2, PARTS // 2 + 1], [PARTS - 2, PARTS - 1, PARTS])
    w = (k - j) / (k - i)
    return float(np.min(f[j] - w * f[i] - (1 - w) * f[k]))


VERIFIERS: dict[str, Callable[[Oracle, Segment, np.random.Generator], Evidence]] = {
    "interval replay": interval_replay,
    "extended precision": extended_precision,
    "difference table": difference_table,
}
