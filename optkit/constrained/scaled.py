"""A problem in units in which its slopes are neither tiny nor huge."""

from typing import Any

import numpy as np
import scipy.sparse
from scipy.sparse.linalg import LinearOperator

from optkit.point import Vector

LEAST, MOST = 1.0, 1e4  # the largest ‖∇f‖∞ and ‖∇c_i‖∞ are brought in here; SciPy's methods count on it


def unit(slope: Any) -> Any:
    """What to divide by; 1 where the slope is fine as it is, or 0."""
    return np.where(slope > 0, slope / np.clip(slope, LEAST, MOST), 1.0)


class Scaled:
    """f/σ and c_i/σ_i with their derivatives, for SciPy's methods (scipy_methods.Problem); bounds on x stay.

    run : optkit.constrained.run.Run. steepest, slopes : the largest ‖∇f‖∞ and ‖∇c_i‖∞ so far.
    """

    def __init__(self, run: Any, steepest: float, slopes: Vector):
        self.run, self.box, self.has_exact_hvp, self.iterated = run, run.box, run.has_exact_hvp, run.iterated
        self.f_unit, self.c_unit = float(unit(steepest)), unit(slopes)
        self.lower, self.upper, self.keep = run.lower / self.c_unit, run.upper / self.c_unit, run.constraints.keep

    def f(self, x: Vector) -> float:
        return self.run.f(x) / self.f_unit

    def grad(self, x: Vector) -> Vector:
        return self.run.grad(x) / self.f_unit

    def hessian(self, x: Vector) -> LinearOperator:
        return self.run.hessian(x) * (1 / self.f_unit)

    def c(self, x: Vector) -> Vector:
        return self.run.c(x) / self.c_unit

    def jacobian(self, x: Vector) -> Any:
        J = self.run.jacobian(x)
        return scipy.sparse.diags_array(1 / self.c_unit).tocsr() @ J if scipy.sparse.issparse(J) else (
            J / self.c_unit[:, None])

    def c_hessian(self, x: Vector, v: Vector) -> LinearOperator:
        return self.run.c_hessian(x, v / self.c_unit)
