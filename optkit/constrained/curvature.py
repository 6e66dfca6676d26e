"""What the Hessian of the Lagrangian tells: whether it curves down along the active constraints, and Newton steps."""

from typing import Any, NamedTuple

import numpy as np
import scipy.linalg
import scipy.sparse

from optkit.point import Vector, norm_inf
from optkit.stopping import Reason, Stop

UP_TO = 300  # unknowns: there the Hessian of the Lagrangian is made, densely
NEGATIVE = 1e-6  # relative size from which a negative eigenvalue is believed
ACTIVE = 1e-6  # relative distance, to first order, from which a constraint is at its bound
ESCAPES = 3


def lower_nearby(run: Any, trial: Any, escapes: int) -> Vector:
    """A point below `trial`, where the first-order conditions hold, along negative curvature; Stop where there is none.

    run, trial : of optkit.constrained.run.
    """
    if run.objective.n > UP_TO or not run.has_exact_hvp:
        raise Stop(Reason.CONVERGED, "first-order test: the curvature was not examined")
    kkt, active = run.kkt(trial), _active(run, trial)
    lowest, size, d = _lowest(_lagrangian(run, trial.x, kkt.multipliers), active.rows)
    if d is None:
        raise Stop(Reason.CONVERGED, "as many active constraints as unknowns")
    if not lowest < -NEGATIVE * size:
        raise Stop(Reason.CONVERGED, f"no negative curvature along the active constraints, lowest {lowest:.2g}")
    if escapes < ESCAPES:
        for length in max(1.0, norm_inf(trial.x)) * 0.25 ** np.arange(12):
            for v in (length * d, -length * d):
                ahead = _back(run, active, trial.x + v)
                penalty = 2 * (np.abs(kkt.multipliers) @ run.constraints.violation(ahead.c))
                if ahead.f + penalty < trial.f + 0.25 * length**2 * lowest:
                    return ahead.x
    raise Stop(Reason.SADDLE_POINT, f"curvature {lowest:.2g} along the active constraints")


def newton_step(run: Any, trial: Any) -> Vector | None:
    """Where Newton's method for the active constraints as equalities goes from `trial`; None where it cannot be asked.

    [H Aᵀ; A 0] [d; λ] = −[g; c_A], in the least-squares sense where A has dependent rows, each made as large as H:
    where it is much smaller, it would pass for dependent. Nocedal & Wright (18.9).
    """
    if run.objective.n > UP_TO or not run.has_exact_hvp:
        return None
    H, active = _lagrangian(run, trial.x, run.kkt(trial).multipliers), _active(run, trial)
    sizes = np.abs(active.rows).max(axis=1, initial=0.0)
    unit = (np.abs(H).max() or 1.0) / np.where(sizes > 0, sizes, 1.0)
    A = unit[:, None] * active.rows
    K = np.block([[H, A.T], [A, np.zeros((len(A), len(A)))]])
    if not np.isfinite(K).all():
        return None
    off = unit * active.off(trial)
    d = np.linalg.lstsq(K, -np.append(run.point(trial).g, off), rcond=None)[0][: trial.x.size]
    return trial.x + d


def _lagrangian(run: Any, x: Vector, multipliers: Vector) -> np.ndarray:
    product = run.constraints.hessian(x, multipliers)
    H = run.objective.hessian(x) + np.stack([product(e) for e in np.eye(x.size)])
    return 0.5 * (H + H.T)


class Active(NamedTuple):
    """Rows of (c, x) that are at a bound: their gradients, which they are, and the bound."""

    rows: np.ndarray
    which: Vector
    bound: Vector

    def off(self, trial: Any) -> Vector:
        return np.append(trial.c, trial.x)[self.which] - self.bound


def _active(run: Any, trial: Any) -> Active:
    """What is at a bound: its relative slack is tiny, or less than its relative multiplier.

    The second holds near a solution for what is strictly active there, also where a barrier keeps off the bound.
    Facchinei, Fischer & Kanzow 1998.
    """
    kkt, J, n = run.kkt(trial), run.jacobian(trial.x), trial.x.size
    J = np.vstack([J.toarray() if scipy.sparse.issparse(J) else J, np.eye(n)])
    y = np.append(trial.c, trial.x)
    lower, upper = np.append(run.lower, run.box.lower), np.append(run.upper, run.box.upper)
    slopes, size = np.abs(J).max(axis=1, initial=0.0), max(1.0, norm_inf(trial.x))
    multipliers = np.abs(np.append(kkt.multipliers, kkt.bound_multipliers))
    relative = np.maximum(ACTIVE, multipliers * slopes / max(norm_inf(run.point(trial).g), 1e-300))
    which = np.flatnonzero(np.minimum(y - lower, upper - y) <= relative * slopes * size)
    return Active(J[which], which, np.where(y - lower < upper - y, lower, upper)[which])


def _back(run: Any, active: Active, x: Vector) -> Any:
    """The trial at x, moved back to the active constraints by two Newton steps with the gradients at hand."""
    ahead = run.at(x)
    for _ in range(2 * bool(active.which.size)):
        if not np.isfinite(ahead.c).all():
            break
        ahead = run.at(ahead.x - np.linalg.lstsq(active.rows, active.off(ahead), rcond=None)[0])
    return ahead


def _lowest(H: np.ndarray, active: np.ndarray) -> tuple[float, float, Vector | None]:
    """Lowest eigenvalue of H where the rows of `active` vanish, size of H, direction; None where all is 0."""
    Z = scipy.linalg.null_space(active) if active.size else np.eye(len(H))
    if not Z.shape[1]:
        return 0.0, 0.0, None
    values, vectors = np.linalg.eigh(Z.T @ H @ Z)
    return float(values[0]), float(np.abs(H).max()), Z @ vectors[:, 0]
