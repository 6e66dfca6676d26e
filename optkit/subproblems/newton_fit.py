"""Newton's step with a dense Hessian, where that is positive definite."""

import math
from typing import NamedTuple

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotrs

from optkit.point import Vector


class Newton(NamedTuple):
    """p = −H⁻¹g, and √(g·H⁻¹g): the decrease that it predicts is half of its square."""

    p: Vector
    decrement: float


def newton_step(H: np.ndarray, g: Vector) -> Newton | None:
    """Newton's step by Cholesky of H scaled to a unit diagonal; None where H is not positive definite or not finite."""
    diagonal = np.diag(H)
    if not ((diagonal > 0) & (diagonal < np.inf)).all():
        return None
    size = np.sqrt(diagonal)
    L, failed = dpotrf(H / size[:, None] / size, lower=1)
    if failed:
        return None
    p = -dpotrs(L, g / size, lower=1)[0] / size
    decrease = -float(g @ p)
    return Newton(p, math.sqrt(decrease)) if 0 <= decrease < math.inf else None
