"""Where to cut boxes and where to look in them: short numbers, at which kinks, ties and changes of sign tend to sit."""

from __future__ import annotations

import numpy as np

from .oracle import Matrix, Vector

MARGIN = 0.3        # of the width that a cut keeps from either end, where it may be chosen freely
ZERO_MARGIN = 0.05  # a cut at 0, or at a sampled extreme
CLOSE = 1e-2        # of the width: how near a short number has to be to a sampled extreme to stand for it
FINEST = 2.0**-45   # of an edge of the whole box, below which boxes are not cut


def cut_points(lower: Vector, upper: Vector, hints: Vector) -> Vector:
    """A point strictly inside each [lower, upper], NaN where there is none; ends may be infinite.

    hints : coordinates of sampled extremes, the most important last: a short number close to one comes first, then 0,
    then the number with the fewest binary digits around the middle; ±1, ±2, ±4, ±16, … towards ∞.
    """
    with np.errstate(all="ignore"):
        finite = np.isfinite(lower) & np.isfinite(upper)
        cut = np.where(finite, _shortest(lower, upper), _towards_infinity(lower, upper))
        cut = np.where(_inside(np.zeros_like(lower), lower, upper, ZERO_MARGIN), 0.0, cut)
        for hint in hints:
            short = shortened(np.full_like(lower, hint), CLOSE * np.minimum(upper - lower, 1 + np.abs(hint)))
            cut = np.where(_inside(short, lower, upper, ZERO_MARGIN), short, cut)
        return np.where((lower < cut) & (cut < upper), cut, np.nan)


def shortened(x: Vector, reach: Vector) -> Vector:
    """The decimal number of fewest digits within reach of x, NaN where ten do not do."""
    out = np.full_like(x, np.nan)
    for digits in range(10):
        short = np.round(x, digits)
        out = np.where(np.isnan(out) & (np.abs(short - x) <= reach), short, out)
    return out


def middles(lower: Matrix, upper: Matrix) -> Matrix:
    """The centres of boxes, or something finite inside where an end is infinite."""
    with np.errstate(all="ignore"):
        centre = lower + 0.5 * (upper - lower)
        return np.where(np.isfinite(centre), centre, np.clip(_towards_infinity(lower, upper), lower, upper))


def extents(lower: Matrix, upper: Matrix, whole: tuple[Vector, Vector]) -> Matrix:
    """Edges relative to those of the whole box, in x/(1 + |x|) where these are infinite."""
    low, high = (np.asarray(end, dtype=float)[:, None] for end in whole)
    with np.errstate(all="ignore"):
        finite = (upper - lower) / np.where(high > low, high - low, 1.0)
        squeezed = 0.5 * (_squeezed(upper) - _squeezed(lower))
    return np.where(np.isfinite(high - low), finite, squeezed)


def _squeezed(x: Matrix) -> Matrix:
    return np.where(np.isinf(x), np.sign(x), x / (1 + np.abs(x)))


def _inside(x: Vector, lower: Vector, upper: Vector, margin: float) -> np.ndarray:
    width = np.minimum(upper - lower, 2 * np.maximum(1.0, np.abs(x)))
    return (x - lower >= margin * width) & (upper - x >= margin * width) & (lower < x) & (x < upper)


def _shortest(lower: Vector, upper: Vector) -> Vector:
    """The multiple of the largest power of two in the middle part of each interval."""
    a, b = lower + MARGIN * (upper - lower), upper - MARGIN * (upper - lower)
    top = np.where(b > a, np.frexp(np.maximum(np.abs(a), np.abs(b)))[1], 0)
    cut = np.where((a <= 0) & (b >= 0), 0.0, np.nan)
    for step in range(64):
        unit = np.ldexp(1.0, top - step)
        candidate = np.ceil(a / unit) * unit
        cut = np.where(np.isnan(cut) & (candidate <= b), candidate, cut)
        if not np.isnan(cut).any():
            break
    return np.where(np.isnan(cut), lower + 0.5 * (upper - lower), cut)


def _towards_infinity(lower: Vector, upper: Vector) -> Vector:
    """0, then ±1, ±2, and squares from there."""
    both = np.isinf(lower) & np.isinf(upper)
    inner = np.where(np.isinf(upper), lower, -upper)                # the finite end, mirrored to [inner, ∞)
    beyond = np.where(inner < 0, 0.0, np.where(inner < 1, 1.0, np.where(inner < 2, 2.0, 2.0 ** np.ceil(
        2 * np.log2(np.maximum(inner, 2.0))))))
    beyond = np.where(np.isinf(beyond), np.finfo(float).max, beyond)
    return np.where(both, 0.0, np.where(np.isinf(upper), beyond, -beyond))
