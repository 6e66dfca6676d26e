"""Enclosures of X⁻¹ and X⁻¹b for matrices in an interval, and the interval rules of `inv` and `solve`."""

from __future__ import annotations

import numpy as np

from ..interpreters import interval
from ..intervals import UNIT, Interval, up
from ..primitive import PRIMITIVES


def slices(x: Interval) -> list[Interval]:
    """The matrices of (n, n, D, B), in the order of D and B."""
    shape = x.shape
    ends = [np.ascontiguousarray(end.reshape(*shape[:2], -1).transpose(2, 0, 1)) for end in x]
    return [Interval(lo, hi) for lo, hi in zip(*ends, strict=True)]


def stacked(parts: list[Interval], like: Interval) -> Interval:
    return Interval(*(np.stack(ends, axis=-1).reshape(*ends[0].shape, *like.shape[2:])
                      for ends in zip(*parts, strict=True)))


def inverse(x: Interval) -> Interval:
    """Of (n, n, D, B); the whole line where some matrix may be singular."""
    return stacked([_inverse(part) for part in slices(x)], x)


def _inverse(X: Interval) -> Interval:
    """X⁻¹ = Σ E^k Y with E = I − YX, ‖E‖ < 1: within |E||Y| + ‖E‖/(1 − ‖E‖)·max|E||Y| of Y. Neumaier 1990, §4.1."""
    n, centre = X.shape[0], 0.5 * (X.lo + X.hi)
    whole = Interval(np.full((n, n), -np.inf), np.full((n, n), np.inf))
    try:
        Y = np.linalg.inv(centre)
    except np.linalg.LinAlgError:
        return whole
    if not (np.isfinite(Y).all() and np.isfinite(centre).all()):
        return whole
    size, slack = np.abs(Y), (2 * n + 8) * UNIT
    radius = up(0.5 * (X.hi - X.lo) + 2 * UNIT * np.abs(centre))
    error = np.abs(np.eye(n) - Y @ centre) + size @ radius * (1 + slack) + slack * (size @ np.abs(centre) + np.eye(n))
    norm = float(up(error.sum(axis=1).max() * (1 + slack)))
    if not norm < 0.999:
        return whole
    moved = error @ size * (1 + slack)
    reach = up(moved + norm / (1 - norm) * (1 + 8 * UNIT) * moved.max(axis=0, keepdims=True) * (1 + slack))
    return Interval(np.nextafter(Y - reach, -np.inf), np.nextafter(Y + reach, np.inf))


def _solve(a: Interval, b: Interval) -> Interval:
    if a.lo.ndim != 4:
        return Interval(np.full((1, 1), -np.inf), np.full((1, 1), np.inf))
    return interval.RULES[PRIMITIVES["matmul"]](inverse(a), b)


def _inv(a: Interval) -> Interval:
    return inverse(a) if a.lo.ndim == 4 else Interval(np.full((1, 1), -np.inf), np.full((1, 1), np.inf))


for _name, _rule in (("inv", _inv), ("solve", _solve)):
    interval.RULES.setdefault(PRIMITIVES[_name], _rule)
