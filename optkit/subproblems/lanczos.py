"""Is there a direction of negative curvature? A few Lanczos steps say."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from optkit.point import Vector


class Curvature(NamedTuple):
    """The lowest Ritz value, a unit vector v with vᵀHv equal to it, and the largest |Ritz value| seen."""

    lowest: float
    v: Vector
    size: float


def lowest_curvature(hv: Callable[[Vector], Vector], n: int, steps: int, seed: int) -> Curvature:
    """An upper bound on the lowest eigenvalue of H, exact after n steps: reorthogonalised Lanczos.

    hv : v -> H v, n × n symmetric. NaN where a product is not finite. Cost: `steps` products (fewer if an invariant
    subspace ends it) and 2 n steps² multiplications. Lanczos 1950; Kuczyński & Woźniakowski 1992 for the random start.
    """
    steps = min(steps, n)
    V = np.zeros((steps, n))
    T = np.zeros((steps, steps))
    w = np.random.default_rng(seed).standard_normal(n)
    for j in range(steps):
        V[j] = w / np.sqrt(w.dot(w))
        w = np.array(hv(V[j]))
        scale = np.sqrt(w.dot(w))
        if not scale < np.inf:
            return Curvature(np.nan, V[j], np.nan)
        T[j, : j + 1] = T[: j + 1, j] = V[: j + 1].dot(w)
        w -= V[: j + 1].T.dot(V[: j + 1].dot(w))
        w -= V[: j + 1].T.dot(V[: j + 1].dot(w))
        if not np.sqrt(w.dot(w)) > 1e-12 * scale:
            break
    values, vectors = np.linalg.eigh(T[: j + 1, : j + 1])
    return Curvature(float(values[0]), vectors[:, 0].dot(V[: j + 1]), float(np.abs(values).max()))
