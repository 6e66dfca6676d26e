"""Points at which f contradicts a property that is not convexity itself, and how sure that is.

Most properties say that some sums Σ cᵢ f(pᵢ) cannot all be positive. So one class serves them: the rows of
`coefficients` are such sums, and their minimum is the gap by which the property fails.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from autodiff.intervals import Interval, multiply, total

from ..evidence import ORDER, PARTS, TABLE_NOISE, TABLE_SAFETY
from ..oracle import Vector
from ..paste import jsonable, pasteable
from ..replay import NoReplay, enclosed_values, off_hull
from ..search import Search
from ..witness import EPS, GRID_BITS

PLAIN_SAFETY = 40     # units in the last place of the values, where errors can only be measured
COARSE = 1e-6         # of the range of f: below it a measured error establishes nothing
SPANS = (1e-1, 1e-3)  # half-widths around a point over which the noise of f is measured
NOISE_POINTS = 4      # of a counterexample, at which the noise of f is measured
FAINT = 0.1           # of the bound from difference tables: a smaller gap is not even suspected
INTERVALS, TABLES = "interval arithmetic", "difference tables of f around these points"
HURRIED = "difference tables of f, for which there was no time"


class Enclosed(NamedTuple):
    """low <= sign·f(pᵢ) <= high, all (k,); sure : whether that is rigorous, or measured well enough; how : by what."""

    low: Vector
    high: Vector
    sure: bool
    how: str


@dataclass(frozen=True, eq=False)
class Counterexample:
    """gap = minᵢ Σⱼ coefficientsᵢⱼ f(pⱼ) contradicts the property by being above 0; `claim` writes it in points' names.

    (Against strictness it need not be above 0: the claim says so.) points : {name: argument of f}. coefficients :
    (m, k), rows over the points. gap : at plain float64 calls. bound : on its rounding error. how : what established
    it. verified : whether it is established; otherwise it is only suspected.
    """

    f: Callable[[Any], Any] = field(repr=False)
    claim: str
    points: dict[str, Any]
    coefficients: tuple[tuple[float, ...], ...]
    gap: float
    bound: float
    how: str
    verified: bool

    def recheck(self) -> float:
        """The gap recomputed by plain calls of f."""
        values = np.array([float(self.f(p)) for p in self.points.values()])
        return float(np.min(np.array(self.coefficients) @ values))

    def suspected(self, why: str) -> Counterexample:
        """The same, not verified for a reason of its own."""
        return replace(self, verified=False, how=why)

    def __str__(self) -> str:
        return "\n".join(line.removeprefix("  ") for line in self.lines()).replace("report.witness.", "witness.")

    def lines(self) -> list[str]:
        """For the printed report."""
        return described(self.claim, self.gap, self.bound, self.how, self.verified, self.points)

    def to_json(self) -> dict[str, Any]:
        return {"claim": self.claim, "points": {k: jsonable(p) for k, p in self.points.items()},
                "coefficients": [list(row) for row in self.coefficients], "gap": self.gap, "bound": self.bound,
                "how": self.how, "verified": self.verified}


def described(claim: str, gap: float, bound: float, how: str, verified: bool, things: dict[str, Any]) -> list[str]:
    """The lines on a witness in the printed report."""
    standing = f"rounding at most {bound:.2g} by {how}" if verified else f"NOT verified by {how}"
    return [f"  witness     {claim} = {gap:.6g}", f"              {standing}",
            *[f"              {name} = {pasteable(thing)}" for name, thing in things.items()],
            "              report.witness.recheck() recomputes it"]


def refutation(search: Search, claim: str, points: dict[str, Vector], coefficients: Sequence[Sequence[float]],
               at_least_zero: bool) -> Counterexample | None:
    """The counterexample at these flat points, verified or suspected; None where rounding may explain it.

    coefficients are of sign·f. at_least_zero : whether a gap of 0 contradicts already (then it must be rigorous).
    """
    oracle, X = search.oracle, list(points.values())
    C = np.array(coefficients, dtype=np.float64)
    f = np.array([oracle.value(x) for x in X])
    gap = float(np.min(C @ f))
    if not np.isfinite(gap) or not (gap > 0 or at_least_zero):
        return None
    if not all(oracle.repeats(x, oracle.sign * float(v)) for x, v in zip(X, f, strict=True)):
        return None
    enclosed = _enclosed(search, X, f)
    low = float(np.min(_lower(C, enclosed)))
    bound = max(gap - low, 0.0) if np.isfinite(low) else np.inf
    exact = at_least_zero and enclosed.how is INTERVALS
    verified = bool(enclosed.sure and (low > 0 or (exact and low >= 0)))
    faint = enclosed.how is not HURRIED and not gap > FAINT * bound
    if not verified and (enclosed.how is INTERVALS or faint):
        return None
    arguments = {name: oracle.unravel(x.copy()) for name, x in points.items()}
    rows = tuple(tuple(float(c) for c in row) for row in oracle.sign * C)
    return Counterexample(oracle.f, claim, arguments, rows, gap, bound, enclosed.how, verified)


def _lower(C: np.ndarray, enclosed: Enclosed) -> Vector:
    """Lower ends of the sums, rounded downwards."""
    values = Interval(enclosed.low[:, None], enclosed.high[:, None])
    terms = multiply(Interval(C.T, C.T), values)
    return total(terms, (0,), False).lo


def _enclosed(search: Search, X: list[Vector], f: Vector) -> Enclosed:
    oracle = search.oracle
    try:
        ends = enclosed_values(oracle.flat, X, off_hull(search.region, X))
        low, high = np.sort(oracle.sign * np.array(ends), axis=0)
        if np.allclose((low + high) / 2, f, rtol=1e-6, atol=1e-6 * float(np.max(np.abs(f)))):
            return Enclosed(low, high, True, INTERVALS)
    except (NoReplay, ArithmeticError, ValueError):
        pass
    noise = _noise(search, X)
    if noise is None:
        return Enclosed(f - np.inf, f + np.inf, False, HURRIED)
    error = PLAIN_SAFETY * EPS * np.abs(f) + TABLE_SAFETY * noise
    apart = float(np.ptp(f)) if len(X) > 1 else abs(float(f[0]))
    return Enclosed(f - error, f + error, apart > COARSE * oracle.range > 0, TABLES)


def _noise(search: Search, X: list[Vector]) -> float | None:
    """The noise of f by fourth differences on segments between the points, and through each of them. As in `verify`.

    Over tiny steps values repeat, and look exact where they are only coarse: so the segments are not short.
    None where the time is over.
    """
    region, worst = search.region, 0.0
    X = X[:NOISE_POINTS]
    segments = list(zip(X, X[1:], strict=False))
    for x in X:
        d = search.hull(search.scale * search.rng.choice([-1.0, 1.0], x.size))
        segments += [(region.project(x - h * d), region.project(x + h * d)) for h in SPANS]
    for x, y in segments:
        if search.overdue():
            return None
        f = np.array([search.oracle.value(region.project(x + k / PARTS * (y - x))) for k in range(PARTS + 1)])
        noise = float(np.max(np.abs(np.diff(f, ORDER)))) / TABLE_NOISE
        worst = max(worst, noise if np.isfinite(noise) else np.inf)
    return worst


def on_grid(x: Vector, bits: int = GRID_BITS) -> Vector:
    """x rounded to so many bits, each coordinate for itself."""
    mantissa, exponent = np.frexp(x)
    return np.ldexp(np.round(np.ldexp(mantissa, bits)), exponent - bits)
