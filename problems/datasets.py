"""Tables: one real, shipped with the package; the rest drawn from a seed."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from itertools import product
from typing import Any

import numpy as np

from problems.problem import read_only

_MEASUREMENTS = (
    "radius texture perimeter area smoothness compactness concavity concave_points symmetry fractal_dimension".split()
)
FEATURE_NAMES = tuple(f"{statistic} {m}" for statistic, m in product(("mean", "error", "worst"), _MEASUREMENTS))


@cache
def breast_cancer() -> tuple[np.ndarray, np.ndarray]:
    """The Wisconsin diagnostic breast cancer table as published: X (569, 30), y (569,) with +1 malignant, -1 benign.

    Street, Wolberg & Mangasarian 1993; UCI Machine Learning Repository, CC BY 4.0 (see data/README.md).
    """
    with (files("problems") / "data" / "breast_cancer.csv").open(encoding="utf-8") as file:
        table = np.loadtxt(file, delimiter=",", skiprows=1)
    return read_only(table[:, :-1].copy()), read_only(1.0 - 2.0 * table[:, -1])


def standardise(X: np.ndarray) -> np.ndarray:
    """Each column with mean 0 and population standard deviation 1."""
    return read_only((X - X.mean(axis=0)) / X.std(axis=0))


def gaussian_design(m: int, n: int, density: float | None, rng: np.random.Generator) -> Any:
    """(m, n) independent standard normal entries: dense, or CSR with the given share of entries nonzero."""
    if density is None:
        return read_only(rng.standard_normal((m, n)))
    if not 0 < density <= 1:
        raise ValueError(f"need 0 < density <= 1, got density={density}; leave it out for a dense design")
    from scipy import sparse

    return sparse.random_array((m, n), density=density, format="csr", rng=rng, data_sampler=rng.standard_normal)


def transpose(A: Any) -> Any:
    """A.T in the layout whose product with a vector is fastest: a view, or CSR again for a CSR matrix."""
    return A.T if isinstance(A, np.ndarray) else A.T.tocsr()


def largest_gram_eigenvalue(A: Any) -> float:
    """lambda_max(A^T A). Cost: a singular value decomposition, or Lanczos for a sparse A."""
    if isinstance(A, np.ndarray):
        return float(np.linalg.norm(A, 2) ** 2)
    from scipy.sparse.linalg import svds

    return float(svds(A, k=1, return_singular_vectors=False, random_state=0)[0] ** 2)
