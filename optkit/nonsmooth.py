"""Where a term is added to f: may f + h still fall, and does a lower point lie near a stationary one?"""

import numpy as np

from optkit.objective import Objective
from optkit.point import Point, Vector, norm
from optkit.probe import probe
from optkit.prox import Term
from optkit.prox.term import TRUSTED
from optkit.stopping import Reason, Stop
from optkit.subproblems import Curvature

AXES = 3  # unknowns along each of which f + h is probed


def support(objective: Objective, point: Point) -> Vector:
    """Mask of the unknowns that are not 0, where penalties and the simplex hold others; all, where all are 0."""
    nonzero = point.x != 0
    return nonzero if nonzero.any() else np.ones(objective.n, dtype=bool)


def farthest_with_term(term: Term, point: Point, flattest: float, L: float) -> tuple[float, float]:
    """How far the minimum of f + h is, at most, and by how much f + h may fall there: ‖G‖/λ and ‖G‖²/(2λ).

    G = (x − p)/t, p = prox_h(x − t∇f), t = 1/L; λ = flattest and L bound the Hessian on the support. To the fall comes
    what the step to p promises to first order, beyond rounding of h and of g·x. Nesterov 2013 (Math. Program. 140).
    """
    x, g = point.x, point.g
    p = term.prox(x - g / L, 1 / L)
    size = norm(L * (x - p))
    h, ahead = (0.0, 0.0) if term.is_set else (term.value(x), term.value(p))
    promised = h - ahead + float(g @ (x - p)) - 2 * TRUSTED * (abs(h) + float(np.abs(g) @ np.abs(x)))
    return size / flattest, size / flattest * size / 2 + max(promised, 0.0)


def lower_with_term(objective: Objective, point: Point, curvature: Curvature, tol: float) -> Point:
    """A point at which f + h is lower, along negative curvature, axes or at random, projected where h is a set.

    Curvature of f alone: h may well hold x there. Stop(CONVERGED) where no lower point is found, which says so.
    """
    v, random = curvature.v, np.random.default_rng(0).standard_normal(objective.n)
    rays = [v, np.where(point.x != 0, v, 0.0), random / norm(random), *np.eye(min(AXES, objective.n), objective.n)]
    try:
        return probe(objective, point, np.array([ray for ray in rays if ray.any()]), tol, "")
    except Stop as stop:
        if stop.reason is not Reason.CONVERGED:
            raise
    raise Stop(Reason.CONVERGED, f"f alone has curvature {curvature.lowest:.2g} along a direction, but no lower point "
                                 f"was found with {type(objective.term).__name__}")
