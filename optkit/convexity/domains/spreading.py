"""Points that cover a box evenly."""

import numpy as np

from .region import Matrix, Vector

SOBOL_DIMENSIONS = 21_201  # scipy.stats.qmc.Sobol stops there


def low_discrepancy(k: int, n: int, rng: np.random.Generator) -> Matrix:
    """k scrambled Sobol points in [0, 1]^n; independent uniform ones beyond 21 201 dimensions."""
    if k == 0 or n > SOBOL_DIMENSIONS:
        return rng.random((k, n))
    from scipy.stats import qmc  # costs 0.3 s to import
    power = int(np.ceil(np.log2(k)))
    return qmc.Sobol(n, seed=rng).random_base2(power)[:k]


def shuffled(first: list[Vector], rest: Matrix, rng: np.random.Generator) -> Matrix:
    """`first`, then the rest in random order; each point once."""
    rows = [*first, *rng.permutation(rest)]
    return np.array(list({row.tobytes(): row for row in rows}.values()))


def corners(n: int, k: int, rng: np.random.Generator) -> Matrix:
    """All corners of [0, 1]^n if there are at most k, else k random ones."""
    if n < 16 and 2**n <= k:
        return ((np.arange(2**n)[:, None] >> np.arange(n)) & 1).astype(float)
    return rng.integers(0, 2, (k, n)).astype(float)
