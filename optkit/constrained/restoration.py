"""Back to feasible points, or the finding that there are none nearby."""

from typing import Any

import numpy as np
import scipy.optimize
import scipy.sparse

from optkit.point import Vector
from optkit.stopping import Reason, Stop

MAX_NFEV = 200
STATIONARY = 1e-6  # relative decrease of the squared violation that a gradient step promises


def restored(run: Any, x: Vector) -> Vector:
    """A feasible point by least squares on the violation from x; Stop(INFEASIBLE) where that has a minimum above 0.

    run : optkit.constrained.run.Run. Violations are measured by what is tolerated of each.
    """
    free = np.flatnonzero(run.box.lower < run.box.upper)
    if not free.size:
        raise Stop(Reason.INFEASIBLE)

    def whole(z: Vector) -> Vector:
        full = x.copy()
        full[free] = z
        return full

    def signed(z: Vector) -> Vector:
        c = run.c(whole(z))
        return (np.maximum(c - run.upper, 0.0) - np.maximum(run.lower - c, 0.0)) / run.tolerated()

    def rows(z: Vector) -> Any:
        outside, J = (signed(z) != 0) / run.tolerated(), run.jacobian(whole(z))
        if scipy.sparse.issparse(J):
            return (scipy.sparse.diags_array(outside) @ J).tocsc()[:, free]
        return outside[:, None] * J[:, free]

    lower, upper = run.box.lower[free], run.box.upper[free]
    found = scipy.optimize.least_squares(signed, x[free], rows, bounds=(lower, upper), max_nfev=MAX_NFEV,
                                         xtol=1e-15, ftol=1e-15, gtol=1e-15)
    z, left = found.x, signed(found.x)
    if run.at(whole(z)).worst > 1:
        length = float((((left != 0) * run.slopes / run.tolerated()) ** 2).sum())  # with the gradients seen on the way
        slope = rows(z).T @ left
        if not length:  # flat wherever it was looked at: constant, or x is where it is at its largest
            move = np.random.default_rng(0).uniform(-1, 1, z.size) * np.maximum(1.0, np.abs(z))
            away = np.clip(z + move, lower, upper)
            if (signed(away) == left).all():
                raise Stop(Reason.INFEASIBLE)
            return whole(away)
        d = np.clip(z - slope / length, lower, upper) - z
        if found.status > 0 and -(slope @ d) <= STATIONARY * (left @ left):
            raise Stop(Reason.INFEASIBLE)
    return whole(z)
