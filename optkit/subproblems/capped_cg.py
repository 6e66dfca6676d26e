"""Conjugate gradients that do not overlook curvature below −ε."""

import math

import numpy as np

from optkit.point import Vector, norm
from optkit.subproblems.cg import CG, Operator


def capped_cg(hv: Operator, g: Vector, tol: float, maxiter: int, epsilon: float) -> CG:
    """(H + 2εI) p = −g to ‖·‖₂ <= tol, or p = 0 and a d with g·d <= 0 and d·Hd <= −ε‖d‖².

    ε is `epsilon`·‖Hg‖/‖g‖, so that scaling f changes nothing. Negative curvature is looked for along the directions
    and along p, and where residuals fall more slowly than they would for H + 2εI ⪰ εI, along differences of the
    iterates, which are kept; g·y falls, so none of them goes up. Cost: one product and 9n multiplications a step, 2n
    numbers of memory.
    Royer, O'Neill & Wright 2020, Math. Program. 180, 451-488, algorithm 1.
    """
    y, r, p = np.zeros_like(g), g.copy(), -g
    first, Hp = norm(g), hv(p)
    M = norm(Hp) / first
    eps = epsilon * M
    kept: list[tuple[Vector, Vector]] = []  # y_i and (H + 2εI) y_i
    for j in range(1, maxiter + 1):
        Hp = Hp + 2 * eps * p
        curvature, rr = float(p.dot(Hp)), float(r.dot(r))
        if not curvature > eps * p.dot(p):
            return CG(np.zeros_like(g), p, math.sqrt(rr), j)
        kept.append((y.copy(), r - g))
        y += rr / curvature * p
        r += rr / curvature * Hp
        residual, Hy = norm(r), r - g
        if not y.dot(Hy) > eps * y.dot(y):
            return CG(np.zeros_like(g), y, residual, j)
        if residual <= tol or j == maxiter:
            return CG(y, None, residual, j)
        if residual > slowest(j, M / eps) * first:
            return CG(np.zeros_like(g), _difference(y, Hy, kept), residual, j)
        p *= residual * residual / rr
        p -= r
        Hp = hv(p)
        M = max(M, norm(Hp) / norm(p), norm(Hy - 2 * eps * y) / norm(y))
    raise AssertionError("maxiter >= 1")


def slowest(j: int, ratio: float) -> float:
    """√T τ^(j/2), above the j-th relative residual of CG where εI ⪯ H + 2εI ⪯ (M + 2ε)I; ratio = M/ε."""
    kappa = ratio + 2
    tau = math.sqrt(kappa) / (math.sqrt(kappa) + 1)
    return 2 * kappa**2 / (1 - math.sqrt(tau)) * tau ** (j / 2)


def _difference(y: Vector, Hy: Vector, kept: list[tuple[Vector, Vector]]) -> Vector:
    """Of y − y_i, the direction of lowest curvature."""
    def quotient(i: int) -> float:
        d = y - kept[i][0]
        return float(d.dot(Hy - kept[i][1])) / float(d.dot(d))

    return y - kept[min(range(len(kept)), key=quotient)][0]
