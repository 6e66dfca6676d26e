"""What the tests of the corpus share: a region of optkit for plain data, and what a report or proof gets wrong."""

from __future__ import annotations

import os

import numpy as np

from optkit import convexity

from .referee import refutes

REGIONS = {
    "box": lambda lower, upper: convexity.Box(lower, upper),
    "ball": lambda centre, radius: convexity.Ball(centre, radius),
    "simplex": lambda n: convexity.Simplex(n),
    "positive definite": lambda n: convexity.PositiveDefinite(n),
}
FULL = bool(os.environ.get("OPTKIT_CORPUS"))  # the whole corpus at full budgets, and 10 000 composed functions


def region(domain):
    kind, *numbers = domain
    return REGIONS[kind](*numbers)


def certified(bound):
    """The sides of a Bound that are facts."""
    return (bound.lower if bound.certified_lower else -np.inf, bound.upper if bound.certified_upper else np.inf)


def wrong(case, found):
    """What a ConvexityReport or Proof of the case gets wrong, as lines."""
    return case.contradictions(found.verdict.name, certified(found.mu), certified(found.L))


def confirmed(case, report):
    """Whether the witness of a refutation holds by plain calls of f, and at 60 digits."""
    w = report.witness
    return w.recheck() == w.gap > w.bound and refutes(case.f, *w.points)
