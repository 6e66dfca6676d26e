"""Functions whose convexity is known: a corpus with derivations, and functions composed at random with known truth.

for case in problems.convexity.cases():      # case.f, case.domain, case.truth, case.mu, case.L, case.derivation
    ...
problems.convexity.composed(7)               # convex by rules and then rewritten, or spoilt by a hidden bump
"""

from __future__ import annotations

from problems.convexity.case import CONVEX, TRUTHS, Case
from problems.convexity.composed import composed
from problems.convexity.hard import HARD
from problems.convexity.matrices import MATRICES
from problems.convexity.naive import NAIVE
from problems.convexity.scalars import SCALARS
from problems.convexity.vectors import VECTORS


def cases() -> tuple[Case, ...]:
    """All of the corpus."""
    return SCALARS + VECTORS + MATRICES + NAIVE + HARD


def naive() -> tuple[Case, ...]:
    """Convex functions of at most 8 variables on boxes, written number by number."""
    return NAIVE


def hard() -> tuple[Case, ...]:
    """Functions of at most 8 variables on boxes that are convex but for little."""
    return HARD


__all__ = ["CONVEX", "TRUTHS", "Case", "cases", "composed", "hard", "naive"]
