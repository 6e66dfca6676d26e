"""What linear programs say of a polyhedron A x <= b, Aeq x = beq: a point inside, boxes around it, a nearest point."""

from __future__ import annotations

import numpy as np
from scipy.optimize import OptimizeResult, linprog, nnls

from autodiff.intervals import Interval, divide, multiply, point, subtract, total, up

from .region import Equations, Matrix, Vector

SWEEPS = 4      # of interval propagation
THIN = 1e-10    # of reach: a polyhedron with no larger ball inside (in its equations) is called flat


def interior_point(A: Matrix, b: Vector, equations: Equations | None, reach: float) -> Vector:
    """The centre of a ball inside half as large as can be (or as reach), nearest to 0 in the largest coordinate."""
    name = "Polyhedron"
    m, n = A.shape
    norms = np.linalg.norm(A, axis=1)[:, None]
    first = _solve(np.r_[np.zeros(n), -1.0], np.hstack([A, norms]), b, _padded(equations, 1),
                   [(None, None)] * n + [(None, reach)])
    if first.status == 2 or (first.status == 0 and first.x[-1] < -THIN * reach):
        raise ValueError(f"{name}: no x satisfies all {m} inequalities"
                         f"{' and the equations' if equations else ''}: the set is empty; loosen b")
    if first.status != 0:
        raise ValueError(f"{name}: no point inside could be found ({first.message}); rescale the rows of A")
    radius = float(first.x[-1])
    if radius <= THIN * reach:
        raise ValueError(f"{name}: some inequalities can hold only as equations, so the set is flat; give those as "
                         "Aeq, beq")
    sides = np.hstack([np.vstack([np.eye(n), -np.eye(n)]), -np.ones((2 * n, 1))])
    rows = np.vstack([np.hstack([A, np.zeros((m, 1))]), sides])
    ends = np.concatenate([b - norms[:, 0] * radius / 2, np.zeros(2 * n)])
    second = _solve(np.r_[np.zeros(n), 1.0], rows, ends, _padded(equations, 1), [(None, None)] * (n + 1))
    return second.x[:n] if second.status == 0 else first.x[:n]


def _padded(equations: Equations | None, k: int) -> Equations | None:
    if equations is None:
        return None
    return np.hstack([equations[0], np.zeros((len(equations[1]), k))]), equations[1]


def _solve(c: Vector, A: Matrix, b: Vector, equations: Equations | None, bounds: list) -> OptimizeResult:
    Aeq, beq = (None, None) if equations is None else equations
    rows, ends = (A, b) if len(b) else (None, None)
    return linprog(c, A_ub=rows, b_ub=ends, A_eq=Aeq, b_eq=beq, bounds=bounds, method="highs")


@np.errstate(all="ignore")
def outer_box(A: Matrix, b: Vector, equations: Equations | None) -> tuple[Vector, Vector]:
    """(lower, upper): a box that certainly holds the polyhedron; infinite where none could be shown.

    Interval propagation through the rows, then the dual solutions of 2n linear programs, whose rounding is bounded by
    intervals: cᵀx <= bᵀy + (c − Aᵀy)ᵀx for y >= 0. Neumaier & Shcherbina 2004, Mathematical Programming 99.
    """
    n = A.shape[1]
    rows, low, high = _two_sided(A, b, equations)
    box = Interval(np.full(n, -np.inf), np.full(n, np.inf))
    for _ in range(SWEEPS):
        box = _propagated(rows, low, high, box)
    duals = [_dual_bound(c, A, b, equations) for c in np.vstack([np.eye(n), -np.eye(n)])]
    top, residual = np.array([bound for bound, _ in duals]), np.array([rest for _, rest in duals])
    size = np.maximum(-box.lo, box.hi)
    part = float(up(residual.sum(axis=1).max() * (1 + 1e-12)))
    if part < 0.5 and np.isfinite(top).all():    # ‖x‖∞ <= max top + part ‖x‖∞
        size = np.minimum(size, up(max(float(top.max()), 0.0) / (1 - part) * (1 + 1e-12)))
    extra = np.where(residual == 0, 0.0, up(residual * size)).sum(axis=1)
    bound = up(top + up(extra * (1 + 1e-12)))
    lower, upper = np.maximum(box.lo, -bound[n:]), np.minimum(box.hi, bound[:n])
    return lower, upper


def _two_sided(A: Matrix, b: Vector, equations: Equations | None) -> tuple[Matrix, Vector, Vector]:
    """low <= rows x <= high."""
    if equations is None:
        return A, np.full(len(b), -np.inf), b
    Aeq, beq = equations
    return np.vstack([A, Aeq]), np.concatenate([np.full(len(b), -np.inf), beq]), np.concatenate([b, beq])


def _propagated(rows: Matrix, low: Vector, high: Vector, box: Interval) -> Interval:
    """The box cut by what each row says of each of its unknowns, given the box for the others."""
    m, n = rows.shape
    terms = multiply(point(rows), Interval(box.lo[None], box.hi[None]))
    lower, upper = box
    for j in range(n):
        others = np.delete(np.arange(n), j)
        rest = total(Interval(terms.lo[:, others], terms.hi[:, others]), (1,), False)
        used = rows[:, j] != 0
        if not used.any():
            continue
        room = subtract(Interval(low[used], high[used]), Interval(rest.lo[used], rest.hi[used]))
        ends = divide(room, point(rows[used, j]))
        lower[j], upper[j] = np.fmax.reduce([lower[j], *ends.lo]), np.fmin.reduce([upper[j], *ends.hi])
    return Interval(lower, upper)


def _dual_bound(c: Vector, A: Matrix, b: Vector, equations: Equations | None) -> tuple[float, Vector]:
    """(above bᵀy + beqᵀν, above |c − Aᵀy − Aeqᵀν|) for the dual solution (y >= 0, ν) of max cᵀx; infinite if none."""
    n = c.size
    found = _solve(-c, A, b, equations, [(None, None)] * n)
    if found.status != 0:
        return np.inf, np.zeros(n)
    y = np.maximum(-found.ineqlin.marginals, 0.0) if len(b) else np.zeros(0)
    rows, sides, weights = A, b, y
    if equations is not None:
        rows, sides = np.vstack([A, equations[0]]), np.concatenate([b, equations[1]])
        weights = np.concatenate([y, -found.eqlin.marginals])
    top = total(multiply(point(weights), point(sides)), (0,), False).hi
    covered = total(multiply(point(weights[:, None]), point(rows)), (0,), False)
    residual = subtract(point(c), covered)
    return float(top), np.maximum(np.abs(residual.lo), np.abs(residual.hi))


@np.errstate(all="ignore")
def window(A: Matrix, b: Vector, equations: Equations | None, center: Vector, reach: float,
           outer: tuple[Vector, Vector]) -> tuple[Vector, Vector]:
    """The box that is searched: `outer`, with infinite ends at reach from the centre, and what is then left of it."""
    lower = np.where(np.isfinite(outer[0]), outer[0], center - reach)
    upper = np.where(np.isfinite(outer[1]), outer[1], center + reach)
    if np.isfinite(outer[0]).all() and np.isfinite(outer[1]).all():
        return lower, upper
    rows, low, high = _two_sided(A, b, equations)
    for _ in range(SWEEPS):
        cut = _propagated(rows, low, high, Interval(lower.copy(), upper.copy()))
        lower, upper = np.minimum(cut.lo, center), np.maximum(cut.hi, center)
    return lower, upper


def nearest_point(A: Matrix, b: Vector, subspace: Equations | None, center: Vector, x: Vector) -> Vector:
    """The point of the polyhedron nearest to x: least-distance programming by NNLS. Lawson & Hanson 1974, ch. 23."""
    Z = np.eye(x.size) if subspace is None else subspace[1]
    near = center + Z @ (Z.T @ (x - center))
    if not len(b) or (A @ near <= b).all():
        return near
    G, h = -(A @ Z), A @ near - b                # of u with y = near + Z u: least ‖u‖ with G u >= h
    scale = np.linalg.norm(h)
    E = np.vstack([G.T, h[None] / scale])
    u, _ = nnls(E, np.r_[np.zeros(Z.shape[1]), 1.0])
    r = E @ u - np.r_[np.zeros(Z.shape[1]), 1.0]
    return near - Z @ (r[:-1] / r[-1]) * scale
