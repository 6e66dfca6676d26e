"""Strong convexity three times: the largest μ that values, gradients and Hessians allow. Factor ½ throughout.

f(z) ≤ chord − (μ/2)θ(1−θ)‖x − y‖²,  f(y) ≥ f(x) + ⟨∇f(x), y − x⟩ + (μ/2)‖x − y‖²,  ∇²f ⪰ μI: the same μ.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..oracle import Vector
from ..search import Row, Search
from .boxes import bends, smooth
from .counterexample import INTERVALS, Counterexample
from .definition import middle_rise
from .first_order import tangent_rise
from .second_order import second_order

PAIRS = 400
PUSHED = 3
LENGTHS = (0.1, 0.01, 1e-3, 1e-4)  # half-lengths of pushed segments, in half-widths: ever nearer to a point
DIGITS = (0, 1, 2, 3)              # decimals of the flattest point that are kept, in the hope that it is flat
STEP = 1e-3                        # half-widths between the points that show it
CURVATURE = "f(z) - (f(x) + f(y))/2, z the middle, at which f does not curve along y - x,"
SURE = 1e-8          # of L, below which a mu found by sampling counts as 0

Rise = Callable[[Search, Vector], tuple[float, Vector]]


def strong_definition(search: Search) -> Row:
    """μ ≤ 2(chord − f(z))/(θ(1−θ)‖x − y‖²), at the middles of segments."""
    return _from_pairs(search, "strong definition", middle_rise, 8.0, lambda f, g, d: (f[0] + f[2]) / 2 - f[1], False)


def strong_first_order(search: Search) -> Row:
    """μ ≤ 2(f(y) − f(x) − ⟨∇f(x), y − x⟩)/‖x − y‖²."""
    return _from_pairs(search, "strong first order", tangent_rise, 2.0, lambda f, g, d: f[2] - f[0] - g @ d, True)


def strong_second_order(search: Search) -> Row:
    """μ ≤ λ_min(∇²f(x))."""
    row = second_order(search) if search.lowest is None else None
    search.start(0.05)
    if search.lowest is None or search.highest is None:
        return Row("strong second order", "skipped", "mu", np.nan, 0, 0, note=row.note if row else "")
    mu, L = search.lowest.value, search.highest.value
    rounding = search.oracle.n * np.finfo(float).eps * max(abs(mu), abs(L))
    trials, pushed = (row.trials, row.pushed) if row else (len(search.eigenvalues), 0)
    found = _row(search, "strong second order", mu, L, trials, pushed, rounding)
    flat = _flat_point(search) if found.outcome == "not shown" else None
    return found if flat is None else found._replace(outcome="violated", note="curvature 0 at a point", witness=flat)


def _flat_point(search: Search) -> Counterexample | None:
    """A point and a direction along which the curvature is 0, rigorously: no mu > 0 is possible."""
    assert search.lowest is not None
    x, v = search.lowest.x, search.lowest.v / np.max(np.abs(search.lowest.v))
    for decimals in DIGITS:
        z, d = np.round(x, decimals) + 0.0, np.round(v, 1) * 2.0 ** np.floor(np.log2(STEP * np.min(search.scale)))
        if not (search.region.contains(z - d) and search.region.contains(z + d)):
            continue
        if bends(search.oracle, z, d, 0.0, 0.0)[1] <= 0 and smooth(search.oracle, z, d, -1.0, 1.0):
            points = {"x": z - d, "z": z, "y": z + d}
            f = [search.oracle.value(p) for p in points.values()]
            gap, doubt = f[1] - (f[0] + f[2]) / 2, float(search.doubt(2 * max(map(abs, f))))
            return Counterexample(search.oracle.f, CURVATURE, {k: search.oracle.unravel(p) for k, p in points.items()},
                                  ((-0.5 * search.oracle.sign, search.oracle.sign, -0.5 * search.oracle.sign),), gap,
                                  doubt, f"curvature <= 0 at z along y - x, by {INTERVALS}", True)
    return None


def _row(search: Search, name: str, mu: float, L: float, trials: int, pushed: int, rounding: float) -> Row:
    shown = mu > max(rounding, SURE * abs(L)) and not search.refuted
    outcome = "holds" if shown else "violated" if search.refuted else "not shown"
    note = "" if shown or search.refuted else "the smallest mu found is 0 within rounding, or below"
    return Row(name, outcome, "mu", mu, trials, pushed, mu + rounding, L - rounding, note)


def _from_pairs(search: Search, name: str, rise: Rise, factor: float, plain: Callable, tangent: bool) -> Row:
    """The smallest factor·rise/‖x − y‖² over random pairs, then over pairs pushed to it; L is the largest."""
    share = search.start(0.15)
    if tangent and not search.oracle.exact:
        return Row(name, "skipped", "mu", np.nan, 0, 0, note=search.oracle.reason)
    k = int(np.clip(share // 12, 10, PAIRS))
    X, Y = search.region.sample(k, search.rng), search.region.sample(k, search.rng)
    found = [(_bounds(search, x, y, factor, plain, tangent), x, y) for x, y in zip(X, Y, strict=True)
             if not search.late()]
    found, k = [entry for entry in found if np.isfinite(entry[0][0])], len(found)
    found.sort(key=lambda entry: entry[0][0])
    if not found:
        return Row(name, "skipped", "mu", np.nan, 0, 0, note="f is not finite on the pairs drawn")
    measured, pushed = [entry[0] for entry in found], 0
    for _, x, y in found[:PUSHED]:
        for h in LENGTHS:
            if search.refuted or not (search.oracle.exact and search.afford()):
                break
            x, y = _push(search, rise, x, y, h)
            pushed += 1
            measured.append(_bounds(search, x, y, factor, plain, tangent))
        if measured[-1][0] < -measured[-1][1]:
            search.probe((x + y) / 2, y - x)
    mu, doubt = min(measured, key=sum)
    return _row(search, name, mu, max(entry[0][0] for entry in found), k, pushed, doubt)


def _bounds(search: Search, x: Vector, y: Vector, factor: float, plain: Callable, tangent: bool
            ) -> tuple[float, float]:
    """(the mean curvature between x and y, what rounding may do to it)."""
    d, oracle = y - x, search.oracle
    square = float(d @ d)
    f = [oracle.value(x), 0.0 if tangent else oracle.value((x + y) / 2), oracle.value(y)]
    g = oracle.value_and_grad(x)[1] if tangent else np.zeros(x.size)
    size = 2 * max(map(abs, f)) + float(np.abs(g) @ np.abs(d))
    mu = factor * float(plain(f, g, d)) / square if square > 0 else np.nan
    return (mu, factor * float(search.doubt(size)) / square) if np.isfinite(mu) else (np.inf, 0.0)


def _push(search: Search, rise: Rise, x: Vector, y: Vector, h: float) -> tuple[Vector, Vector]:
    """The segment of scaled half-length h with the smallest rise/‖x − y‖², from (x, y): over its middle and direction.

    The length is kept, since a shorter one would always rise less.
    """
    s, n = search.scale, x.size

    def ends(z: Vector) -> Vector:
        c, d = (1 - h) * z[:n], h * z[n:] / np.linalg.norm(z[n:])
        return np.concatenate([c + d, c - d])

    def fun(z: Vector) -> tuple[float, Vector]:
        length, v = np.linalg.norm(z[n:]), z[n:] / np.linalg.norm(z[n:])
        value, gradient = rise(search, ends(z))
        square = 4 * h * h * float((s * v) @ (s * v))
        gx, gy = np.split(gradient, 2)
        turn = h * (gx - gy) / square - value / square**2 * 8 * h * h * s * s * v
        return value / square, np.concatenate([(1 - h) * (gx + gy) / square, (turn - (turn @ v) * v) / length])

    start = np.concatenate([search.scaled((x + y) / 2), search.scaled(x) - search.scaled(y)])
    u, v = np.split(ends(search.descend(fun, start, n)), 2)
    return search.place(u), search.place(v)
