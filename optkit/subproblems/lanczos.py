"""Extreme eigenpairs of a symmetric matrix known by its products: is there a direction of negative curvature?"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from optkit.point import Vector, norm

BREAKDOWN = 1e-12  # relative: what is left of a product when the subspace is invariant
LOOKS = 4  # products between two looks at the Ritz values, more from 100 on, so that the looks cost no more than they
FIRST_LOOK = 8
CLEAR = 1e-4  # relative to the largest: above this, with its error, the lowest Ritz value is taken for the lowest


class Pair(NamedTuple):
    """A Ritz value, its unit vector v, and ‖Hv − value·v‖₂: an eigenvalue of H lies within this of the value."""

    value: float
    v: Vector
    residual: float


class Ends(NamedTuple):
    """The extreme Ritz pairs: H has an eigenvalue <= lowest.value and one >= largest.value. products : spent."""

    lowest: Pair
    largest: Pair
    products: int

    @property
    def size(self) -> float:
        """The largest |Ritz value|."""
        return max(abs(self.lowest.value), abs(self.largest.value))


def lanczos(hv: Callable[[Vector], Vector], n: int, steps: int, seed: int, enough: Callable[[Ends], bool]) -> Ends:
    """The ends of H's spectrum, exact after n products, or fewer where enough(ends so far) holds.

    hv : v -> H v, n × n symmetric; the values are NaN where a product is not finite. Reorthogonalised twice. Cost:
    at most `steps` products and 4 n steps² multiplications, and memory for `steps` vectors.
    Lanczos 1950; Kuczyński & Woźniakowski 1992 for the random start.
    """
    steps = min(steps, n)
    V, T = np.zeros((steps, n)), np.zeros((steps, steps))
    w = np.random.default_rng(seed).standard_normal(n)
    for j in range(steps):
        V[j] = w / norm(w)
        w = np.array(hv(V[j]))
        scale = norm(w)
        if not scale < np.inf:
            unknown = Pair(np.nan, V[j], np.nan)
            return Ends(unknown, unknown, j + 1)
        T[j, : j + 1] = T[: j + 1, j] = V[: j + 1].dot(w)
        w -= V[: j + 1].T.dot(V[: j + 1].dot(w))
        w -= V[: j + 1].T.dot(V[: j + 1].dot(w))
        left = norm(w)
        invariant = not left > BREAKDOWN * scale
        done = invariant or j + 1 == steps
        if done or (j + 1 >= FIRST_LOOK and (j + 1) % max(LOOKS, j // 25) == 0):
            ends = _ends(T[: j + 1, : j + 1], V[: j + 1], 0.0 if invariant or j + 1 == n else left)
            if done or enough(ends):
                break
    return ends


def _ends(T: np.ndarray, V: np.ndarray, left: float) -> Ends:
    """The extreme Ritz pairs; the residual of one is `left` times the last entry of T's eigenvector."""
    values, vectors = np.linalg.eigh(T)
    lowest, largest = (Pair(float(values[k]), vectors[:, k].dot(V), float(left * abs(vectors[-1, k]))) for k in (0, -1))
    return Ends(lowest, largest, len(T))


class Curvature(NamedTuple):
    """The lowest Ritz value, a unit vector v with vᵀHv equal to it, the largest |Ritz value| seen, products spent.

    error : ‖Hv − lowest·v‖₂, 0 where all of the spectrum was seen.
    """

    lowest: float
    v: Vector
    size: float
    error: float
    products: int


def lowest_curvature(hv: Callable[[Vector], Vector], n: int, steps: int, seed: int, zero: float) -> Curvature:
    """An upper bound on the lowest eigenvalue of H, exact after n steps; `lanczos` until its sign can be told.

    zero : eigenvalues above −zero·(the largest) do not count as negative. Ends early where the lowest Ritz value is
    below that, or where it is settled well above zero: one close to zero may hide a lower one, however small its error.
    """
    def enough(ends: Ends) -> bool:
        value, _, residual = ends.lowest
        return value + residual < -zero * ends.size or value - residual > CLEAR * ends.size

    ends = lanczos(hv, n, steps, seed, enough)
    return Curvature(ends.lowest.value, ends.lowest.v, ends.size, ends.lowest.residual, ends.products)
