"""What the methods for finite sums share: the order of the rows, and the first step."""

from collections.abc import Iterator

import numpy as np

from optkit.objective import Objective
from optkit.point import Point, norm
from optkit.subproblems import lanczos

PRODUCTS = 8  # spent on the largest curvature: Lanczos then has it to a few percent


def shuffled(rows: int, batch: int, seed: int, turn: int) -> Iterator[tuple[np.ndarray, float]]:
    """All rows once, in batches, each with the share of a whole batch that it is: 1, less for the last where b ∤ m.

    The order depends on seed and turn alone.
    """
    order = np.random.default_rng((seed, turn)).permutation(rows)
    for start in range(0, rows, batch):
        part = order[start : start + batch]
        yield part, len(part) / min(batch, rows)


def first_step(objective: Objective, point: Point) -> float:
    """1/L, L the largest |curvature| of f at the point by Lanczos; a step of length one where that is 0."""
    size = lanczos(objective.hvp(point.x), objective.n, PRODUCTS, 0, lambda ends: False).size
    return 1 / size if size > 0 else 1 / max(norm(point.g), 1e-300)
