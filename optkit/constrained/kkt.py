"""The Karush–Kuhn–Tucker conditions at a point, tested without trusting whoever found it."""

from typing import NamedTuple

import numpy as np
import scipy.linalg
import scipy.optimize
import scipy.sparse

from optkit.point import Vector, norm_inf
from optkit.prox import Box
from optkit.sources import Matrix

EPS = float(np.finfo(float).eps)
NEAR = 0.1  # a constraint further off than this (to first order, relative to max(1, ‖x‖∞)) gets no multiplier


class KKT(NamedTuple):
    """Multipliers λ of c and of the bounds on x (> 0 at upper, < 0 at lower bounds), and what they leave.

    stationarity : ‖∇f + Jᵀλ + λ_x‖∞. complementarity : max |λ_i|·|distance of c_i or x_i from that bound|, on either
        side: so much of f a slack gives away or a violation buys. rounding : what both cannot be expected to go below.
    """

    stationarity: float
    complementarity: float
    multipliers: Vector
    bound_multipliers: Vector
    rounding: float

    @property
    def worst(self) -> float:
        return max(self.stationarity, self.complementarity)


def unknown(m: int, n: int) -> KKT:
    """Where a derivative is not finite."""
    return KKT(np.inf, np.inf, np.full(m, np.nan), np.full(n, np.nan), 0.0)


class _Sides(NamedTuple):
    """One-sided constraints: row numbers, sign (+1 an upper side), slack >= 0 and gradient of each."""

    which: Vector
    sign: Vector
    slack: Vector
    rows: np.ndarray


def examine(x: Vector, g: Vector, c: Vector, J: Matrix, lower: Vector, upper: Vector, box: Box) -> KKT:
    """The multipliers that leave least: min ‖∇f + Jᵀλ‖² + Σ (λ_i slack_i)² with signs, over what is near its bound.

    Equalities are eliminated by an orthonormal basis of their gradients, which may be dependent; the rest is
    nonnegative least squares (Lawson & Hanson 1974). Dense: O((n + m) k²) for k near sides.
    """
    n, m, J = x.size, c.size, J.toarray() if scipy.sparse.issparse(J) else J
    free = box.lower < box.upper
    equal, reach = lower == upper, NEAR * max(1.0, norm_inf(x))
    sides = _near_sides(c, J * free, lower, upper, ~equal, reach)
    walls = _near_sides(x, np.eye(n) * free, box.lower, box.upper, free, reach)
    E = J[equal] * free
    rows = np.vstack([sides.rows, walls.rows])
    slack = np.concatenate([sides.slack, walls.slack])
    mu = _nonnegative_multipliers(g * free, E, rows, slack)
    v, w = np.zeros(m), np.zeros(n)
    np.add.at(v, sides.which, sides.sign * mu[: sides.which.size])
    np.add.at(w, walls.which, walls.sign * mu[sides.which.size :])
    r = g * free + rows.T @ mu
    v[equal] = _least_squares(E.T, -r)
    left = r + E.T @ v[equal]
    w[~free] = -(g + J.T @ v)[~free]
    bought = np.abs(v) * np.maximum(np.maximum(lower - c, c - upper), 0.0)
    rounding = 10 * EPS * (norm_inf(g) + max(1.0, norm_inf(x)) * float(np.max(np.abs(J.T) @ np.abs(v), initial=0.0)))
    return KKT(norm_inf(left), float(np.max(np.append(mu * slack, bought), initial=0.0)), v, w, rounding)


def _near_sides(c: Vector, J: np.ndarray, lower: Vector, upper: Vector, which: Vector, reach: float) -> _Sides:
    limit = reach * np.abs(J).max(axis=1, initial=0.0)
    below, above = np.maximum(c - lower, 0.0), np.maximum(upper - c, 0.0)
    down, up = np.flatnonzero(which & (below <= limit)), np.flatnonzero(which & (above <= limit))
    return _Sides(np.concatenate([down, up]), np.concatenate([-np.ones(down.size), np.ones(up.size)]),
                  np.concatenate([below[down], above[up]]), np.vstack([-J[down], J[up]]))


def _nonnegative_multipliers(g: Vector, E: np.ndarray, rows: np.ndarray, slack: Vector) -> Vector:
    """μ >= 0 that minimises ‖P(g + rowsᵀ μ)‖² + ‖slack·μ‖², P the projection off the rows of E."""
    if not slack.size:
        return np.zeros(0)
    Q = scipy.linalg.orth(E.T) if E.size else np.zeros((g.size, 0))
    A = np.vstack([rows.T - Q @ (Q.T @ rows.T), np.diag(slack)])
    b = np.concatenate([-g, np.zeros(slack.size)])  # what of g lies in the span of E is orthogonal to A
    size = np.linalg.norm(A, axis=0)
    size = np.where(size > 0, size, 1.0)
    try:
        mu = scipy.optimize.nnls(A / size, b)[0]
    except RuntimeError:  # its iteration limit
        mu = np.maximum(scipy.optimize.lsq_linear(A / size, b, (0, np.inf)).x, 0.0)
    return mu / size


def _least_squares(A: np.ndarray, b: Vector) -> Vector:
    return np.linalg.lstsq(A, b, rcond=None)[0] if A.size else np.zeros(A.shape[1])
