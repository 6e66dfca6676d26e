"""Convexity of what is made from f: of −f (f concave), of f and −f (affine), of ±log f (log-convex, log-concave)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..oracle import Oracle, Vector
from ..search import Row, Search
from ..witness import exact_segment
from .counterexample import COARSE, Counterexample, refutation
from .definition import definition
from .first_order import first_order
from .lines import lines
from .second_order import second_order

PARTS = (definition, first_order, second_order, lines)
POSITIVE = "-f(x), where f has to be above 0,"
NEGATIVE = "-f(x), where f may not be below 0,"
HOLE = "min(f(x), f(y)) - f(z), z between x and y and f(z) = 0,"
LOWER = ((1.0, -1.0, 0.0), (0.0, -1.0, 1.0))
CHORDS, CHORD_PARTS = 48, 16    # looked at for zeros between positive values
LOWEST = 4          # samples from which f is minimised


def concave(search: Search) -> Row:
    """f((1−θ)x + θy) ≥ (1−θ)f(x) + θf(y): every criterion for convexity on −f."""
    return _examined(search, search.oracle, -search.oracle.sign, "concave", "largest chord - f(z)")


def affine(search: Search) -> Row:
    """Equality on every segment: convex and concave."""
    up = _examined(search, search.oracle, search.oracle.sign, "affine", "largest |f(z) - chord|")
    if up.outcome == "violated":
        return up
    down = concave(search)._replace(name="affine", quantity=up.quantity)
    rank = ("violated", "suspected", "holds", "skipped").index
    worse = min(up, down, key=lambda row: rank(row.outcome))
    return worse._replace(worst=max(up.worst, down.worst), trials=up.trials + down.trials,
                          pushed=up.pushed + down.pushed)


def log_convex(search: Search) -> Row:
    """f > 0 and log f convex."""
    return _logarithmic(search, 1.0, "log-convex")


def log_concave(search: Search) -> Row:
    """f ≥ 0 and log f concave where f > 0; where f is 0 the report says so, and looks at the rest."""
    return _logarithmic(search, -1.0, "log-concave")


class Logarithm:
    """log∘f, by name, so that a witness can be rechecked by plain calls."""

    def __init__(self, f: Callable[[Any], Any]):
        self.f = f

    def __call__(self, x: Any) -> Any:
        return np.log(self.f(x))

    def __repr__(self) -> str:
        return f"log of {getattr(self.f, '__name__', self.f)}"


def _logarithmic(search: Search, sign: float, name: str) -> Row:
    search.start(0.1)
    wrong, zero = _not_positive(search, name)
    if wrong is not None:
        outcome = "violated" if wrong.verified else "suspected"
        return Row(name, outcome, "smallest f", -wrong.gap, len(search.samples.f), 0, note="the sign of f decides",
                   witness=wrong)
    hole = _hole(search) if zero is not None and name == "log-concave" else None
    if hole is not None:
        outcome = "violated" if hole.verified else "suspected"
        return Row(name, outcome, "largest min(f(x), f(y)) - f(z)", hole.gap, len(search.samples.f), 0,
                   note="the set where f > 0 is not convex", witness=hole)
    if zero is not None:
        note = f"f is 0 at {str(search.oracle.unravel(zero)):.60}, where log f is not finite"
        if not search.oracle.f(search.oracle.unravel(search.region.center)) > 0:
            return Row(name, "skipped", "smallest f", 0.0, len(search.samples.f), 0, note=note)
        return _inner(search, sign, name)._replace(note=note)
    return _inner(search, sign, name)


def _inner(search: Search, sign: float, name: str) -> Row:
    oracle = Oracle(Logarithm(search.oracle.f), search.region)
    return _examined(search, oracle, sign, name, f"largest gap of {'' if sign > 0 else '-'}log f")


def _not_positive(search: Search, name: str) -> tuple[Counterexample | None, Vector | None]:
    """(the contradiction at a point with the wrong sign, a point where f is 0 and that is allowed)."""
    X, f, _ = search.samples
    zero = None
    for x in [*X[np.argsort(f)[:LOWEST]], *_lowest(search, X[np.argsort(f)[:LOWEST]])]:
        value = search.oracle.value(x)
        if name == "log-convex" and value <= 0:
            found = refutation(search, POSITIVE, {"x": x}, [[-1.0]], at_least_zero=True)
        elif value < 0:
            found = refutation(search, NEGATIVE, {"x": x}, [[-1.0]], at_least_zero=False)
        else:
            zero, found = (x if value == 0 else zero), None
        if found is not None:
            return found, zero
    return None, zero


def _hole(search: Search) -> Counterexample | None:
    """f(x), f(y) > 0 with f = 0 at z between them: on chords between samples where f > 0."""
    X, f, _ = search.samples
    on, oracle = X[f > 0], search.oracle
    for _ in range(CHORDS if len(on) > 1 else 0):
        i, j = search.rng.choice(len(on), 2, replace=False)
        ends = exact_segment(on[i], on[j], search.region)
        if ends is None or not search.afford():
            continue
        points = [ends[0] + k / CHORD_PARTS * (ends[2] - ends[0]) for k in range(CHORD_PARTS + 1)]
        values = np.array([oracle.value(p) for p in points])
        between = np.flatnonzero(values[1:-1] == 0) + 1
        if not between.size or not min(values[0], values[-1]) > COARSE * oracle.range:
            continue
        xzy = {"x": points[0], "z": points[between[0]], "y": points[-1]}
        found = refutation(search, HOLE, xzy, LOWER, at_least_zero=False)
        if found is not None or oracle.exact:
            return found
        if all(oracle.repeats(p, v) for p, v in zip(xzy.values(), values[[0, between[0], -1]], strict=True)):
            arguments = {key: oracle.unravel(p) for key, p in xzy.items()}
            return Counterexample(oracle.f, HOLE, arguments, LOWER, float(min(values[0], values[-1])), 0.0,
                                  "f(z) = 0 exactly", True)
    return None


def _lowest(search: Search, X: np.ndarray) -> list[Vector]:
    """Where descents of f from these points end."""
    if not search.oracle.exact:
        return []

    def fun(u: Vector) -> tuple[float, Vector]:
        f, g = search.oracle.value_and_grad(search.place(u))
        return f, search.scale * g

    return [search.place(search.descend(fun, search.scaled(x), x.size)) for x in X if search.afford()]


def _examined(search: Search, oracle: Oracle, sign: float, name: str, quantity: str) -> Row:
    """The criteria for convexity on sign·oracle in one row, at half of the budget."""
    before, oracle.sign = oracle.sign, sign
    inner = Search(oracle, search.region, search.rng, search.budget // 2, search.seconds / 2)
    try:
        rows = [part(inner) for part in PARTS]
    finally:
        oracle.sign = before
    search.segments, search.segment_violations = inner.segments, inner.segment_violations
    search.hurried |= inner.hurried
    outcome = "violated" if inner.refuted else "suspected" if inner.suspicion or inner.curious else \
        "holds" if inner.segments else "skipped"
    trouble = "" if oracle is search.oracle else oracle.trouble.describe(oracle.unravel)
    return Row(name, outcome, quantity, rows[0].worst, sum(r.trials for r in rows), sum(r.pushed for r in rows),
               note=inner.curious or trouble, witness=inner.witness or inner.suspicion)
