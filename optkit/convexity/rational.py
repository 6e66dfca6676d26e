"""Exact answers about matrices of floating-point numbers: they are rational, and small ones are eliminated exactly."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from .oracle import Matrix

LARGEST = 24      # order up to which exact elimination takes milliseconds


def exactly_psd(A: Matrix, shift: float = 0.0) -> bool:
    """Whether the symmetric A − shift·I is positive semidefinite, decided in exact arithmetic, never up to a tolerance.

    A : (n, n) float64, symmetric to the last bit, else ValueError. False where an entry is not finite.
    Fraction-free elimination (Bareiss 1968, Math. Comp. 22): each pivot is a principal minor. O(n³) integer products.
    """
    A = np.asarray(A, dtype=np.float64)
    if not np.isfinite(A).all() or not np.isfinite(shift):
        return False
    if not np.array_equal(A, A.T):
        raise ValueError("exactly_psd: A must equal its transpose to the last bit; take (A + A.T)/2")
    return _eliminated(_integers(A, shift))


def _integers(A: Matrix, shift: float) -> list[list[int]]:
    """A − shift·I times a common power of two."""
    rows = [[Fraction(a) for a in row] for row in A.tolist()]
    for i, row in enumerate(rows):
        row[i] -= Fraction(shift)
    common = max((a.denominator for row in rows for a in row), default=1)
    return [[a.numerator * (common // a.denominator) for a in row] for row in rows]


def _eliminated(rows: Sequence[list[int]]) -> bool:
    """Whether all pivots are nonnegative, with nothing beside a pivot that is zero."""
    left, before = [list(row) for row in rows], 1
    while left:
        head, pivot = left[0], left[0][0]
        if pivot < 0 or (pivot == 0 and any(head)):
            return False
        rest = [row[1:] for row in left[1:]]
        if pivot > 0:
            rest = [[(pivot * a - row[0] * h) // before for a, h in zip(row[1:], head[1:], strict=True)]
                    for row in left[1:]]
            before = pivot
        left = rest
    return True
