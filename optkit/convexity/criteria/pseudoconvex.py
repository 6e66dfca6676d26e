"""⟨∇f(y), x − y⟩ ≥ 0 implies f(x) ≥ f(y): so a stationary point is a global minimum. For differentiable f."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..oracle import Vector
from ..search import Row, Search
from .boxes import slope, smooth
from .counterexample import Counterexample, refutation
from .quasiconvex import quasiconvex
from .second_order import DENSE

CLAIM = "f(y) - f(x), though f does not fall at y towards x (slope {:.3g}),"
PUSHED = 6           # descents of ‖∇f‖
CANDIDATES = 8
DIGITS = (0, 1, 2, 3, 6)   # decimals to which a nearly stationary point is rounded, in the hope that it is one exactly
STEP = 1e-6          # of the way from y to x, for a plain difference
NEAR = 1e-9          # of the way from y to x, on which f is shown to be differentiable
POLISH = 12          # Newton steps towards a stationary point
FLAT = 1e-4          # of the largest gradient met: smaller ones are looked at


def pseudoconvex(search: Search) -> Row:
    quasi = quasiconvex(search)     # differentiable pseudoconvex functions are quasiconvex
    quantity = "largest f(y) - f(x) with f not falling from y to x"
    if quasi.witness is not None and quasi.witness.verified:
        return quasi._replace(name="pseudoconvex", note="not even quasiconvex")
    search.start(0.35)
    if not search.oracle.exact:
        return Row("pseudoconvex", "skipped", quantity, np.nan, quasi.trials, 0,
                   note=f"only quasiconvexity was looked at: {search.oracle.reason}")
    X, f, g = search.samples
    if not f.size:
        return Row("pseudoconvex", "skipped", quantity, np.nan, quasi.trials, 0, note="no finite gradient found")
    worst, found = _pairs(X, f, g), None
    lowest = X[np.argmin(f)]
    for y in _stationary(search):
        found = _contradiction(search, lowest, y) or found
        if found is not None and found.verified:
            break
    outcome = quasi.outcome if found is None else "violated" if found.verified else "suspected"
    worst = worst if found is None else max(worst, found.gap)
    return Row("pseudoconvex", outcome, quantity, worst, quasi.trials + f.size * (f.size - 1), quasi.pushed + PUSHED,
               witness=found)


def _pairs(X: np.ndarray, f: Vector, g: np.ndarray) -> float:
    """The largest f(y) − f(x) over pairs of samples with slope ≥ 0 at y towards x; −∞ if there is no such pair."""
    rising = (g @ X.T - np.sum(g * X, axis=1)[:, None]) >= 0
    np.fill_diagonal(rising, False)
    return float(np.max(np.where(rising, f[:, None] - f[None], -np.inf), initial=-np.inf))


def _stationary(search: Search) -> Iterator[Vector]:
    """Points where ∇f is 0 or nearly so: samples, and where descents of ‖∇f‖² end; also with few decimals."""
    X, f, g = search.samples
    s = search.scale
    size = np.linalg.norm(g * s, axis=1)
    limit = FLAT * float(np.max(size))
    order = np.argsort(size)
    yield from X[order[size[order] == 0][:CANDIDATES]]
    for i in order[:PUSHED]:
        if not search.afford():
            return
        y = search.place(search.descend(lambda z: _steepness(search, z), search.scaled(X[i]), X[i].size))
        y = _polished(search, y)
        if np.linalg.norm(search.oracle.value_and_grad(y)[1] * s) <= limit:
            for decimals in DIGITS:
                rounded = np.round(y, decimals)
                if search.region.contains(rounded):
                    yield rounded
            yield y


def _falls(search: Search, y: Vector, x: Vector, rise: float) -> bool:
    """Whether f falls from y towards x by plain calls: then a slope of 0 there is that of a branch or a kink."""
    near = search.region.project(y + STEP * (x - y))
    return search.oracle.value(y) - search.oracle.value(near) > FLAT * STEP * rise


def _polished(search: Search, y: Vector) -> Vector:
    """Newton steps on ∇f = 0, doubled where that is better: at an inflection the root is double."""
    if search.oracle.n > DENSE:
        return y
    g = search.oracle.value_and_grad(y)[1]
    for _ in range(POLISH):
        H = search.oracle.hessian(y)
        if not g.any() or not np.isfinite(H).all() or not search.afford():
            break
        step = np.linalg.lstsq(H, g, rcond=None)[0]
        trials = [search.region.project(y - k * step) for k in (1.0, 2.0)]
        slopes = [search.oracle.value_and_grad(t)[1] for t in trials]
        k = int(np.argmin([np.linalg.norm(s) for s in slopes]))
        if not np.linalg.norm(slopes[k]) < np.linalg.norm(g):
            break
        y, g = trials[k], slopes[k]
    return y


def _steepness(search: Search, z: Vector) -> tuple[float, Vector]:
    """½‖S∇f‖² with S the half-widths, and its gradient, in scaled coordinates."""
    s = search.scale
    _, g, hv = search.oracle.linearize(search.place(z))
    return float((s * g) @ (s * g)) / 2, s * hv(s**2 * g)


def _contradiction(search: Search, x: Vector, y: Vector) -> Counterexample | None:
    """The counterexample at x and y; suspected only where the slope could not be shown to be ≥ 0."""
    g = search.oracle.value_and_grad(y)[1]
    plain = float(g @ (x - y))
    rise = search.oracle.value(y) - search.oracle.value(x)
    if not rise > search.doubt(2 * abs(search.oracle.value(y))):
        return None
    ends = slope(search.oracle, y, x)
    level = ends is not None and bool(ends.lo >= 0) and smooth(search.oracle, y, x - y, 0.0, NEAR)
    if not level and (not plain >= -FLAT**2 * rise or _falls(search, y, x, rise)):
        return None
    found = refutation(search, CLAIM.format(plain), {"x": x, "y": y}, [[-1, 1]], at_least_zero=False)
    return found if found is None or level else found.suspected("the slope at y, which may be below 0")
