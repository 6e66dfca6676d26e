"""The Levenberg–Marquardt step: a linear least-squares problem within ‖Dp‖₂ <= Δ and, where there are any, bounds."""

from typing import NamedTuple

import numpy as np

from optkit.point import Vector, norm
from optkit.subproblems.linear_fit import Dense, Solved
from optkit.subproblems.linear_fit_sparse import Sparse

CLOSE = 0.1  # relative error allowed in ‖Dp‖ = Δ. Moré 1978 §5
TRIES = 10  # values of λ at most, as MINPACK; the last is taken
FACES = 3  # rounds of the search for the active bounds, for each unknown


class Damped(NamedTuple):
    """A step, its λ, ‖Dp‖₂, g·p, the decrease ½‖r‖² − ½‖Jp + r‖² it brings to the model, and the λs it took."""

    p: Vector
    lam: float
    length: float
    slope: float
    predicted: float
    iterations: int


def damped_step(fit: Dense | Sparse, D: Vector, delta: float, lam: float, lower: Vector, upper: Vector) -> Damped:
    """Minimise ‖Jp + r‖ within ‖Dp‖ <= delta (to a tenth) and lower <= p <= upper, which contain 0.

    λ = 0 where the Gauss–Newton step is short enough, else by Newton's method on 1/‖Dp(λ)‖ = 1/delta, safeguarded.
    lam : where to start it. Cost: a QR of 2n × n a value of λ. Moré 1978 §5; Hebden 1973; Reinsch 1971.
    """
    solved = within_box(fit, 0.0, D, lower, upper)
    length = norm(D * solved.p)
    if length <= (1 + CLOSE) * delta:
        return _damped(fit, D, solved, 0.0, 1)
    slope = norm(fit.gradient(np.zeros_like(D)) / D)
    held = bool(((solved.p <= lower) | (solved.p >= upper)).any())  # then 1/‖Dp(λ)‖ need not be concave
    low, high = 0.0 if held else _correction(solved, D, length, delta), slope / delta
    lam = min(max(lam, low), high) or slope / length
    tries = 1
    while tries < TRIES:
        tries += 1
        solved = within_box(fit, lam, D, lower, upper)
        length = norm(D * solved.p)
        if abs(length - delta) <= CLOSE * delta or not low < high:
            break
        low, high = (lam, high) if length > delta else (low, lam)
        lam = lam + _correction(solved, D, length, delta)
        if not low < lam < high:
            lam = max(0.001 * high, np.sqrt(low * high))
    return _damped(fit, D, solved, lam, tries)


def _correction(solved: Solved, D: Vector, length: float, delta: float) -> float:
    """Newton's correction of λ: (‖q‖ − Δ)/Δ · ‖q‖² / (D²p)ᵀ(JᵀJ + λD²)⁻¹(D²p), q = Dp. Moré 1978 (5.5)."""
    curvature = solved.inverse(D * D * solved.p / length)
    return (length - delta) / delta / curvature if curvature > 0 else 0.0


def _damped(fit: Dense | Sparse, D: Vector, solved: Solved, lam: float, iterations: int) -> Damped:
    p = solved.p
    image = fit.image(p)
    slope = float(fit.gradient(np.zeros_like(p)) @ p)
    return Damped(p, lam, norm(D * p), slope, -slope - 0.5 * float(image @ image), iterations)


def within_box(fit: Dense | Sparse, lam: float, D: Vector, lower: Vector, upper: Vector) -> Solved:
    """Minimise m(p) = ½‖Jp + r‖² + ½λ‖Dp‖² within lower <= p <= upper, from p = 0.

    Each round minimises over the unknowns that no bound holds back and goes as far along as, projected, m still falls;
    it ends where nothing more is held back or let go. Bertsekas 1982, with the Gauss–Newton step of each face.
    """
    p = np.zeros_like(D)
    solved = fit.solve(lam, D, np.ones(p.size, dtype=bool), p)
    if ((solved.p >= lower) & (solved.p <= upper)).all():
        return solved
    for _ in range(FACES * p.size + 10):
        g = fit.gradient(p) + lam * D * D * p
        solved = _on_face(fit, lam, D, p, lower, upper, ~(((p <= lower) & (g >= 0)) | ((p >= upper) & (g <= 0))))
        if (solved.p == p).all():
            break
        following = _projected(fit, lam, D, p, solved.p - p, g, lower, upper)
        if (following == p).all():
            break
        done, p = (following == solved.p).all(), following
        if done and _is_optimal(fit, lam, D, p, lower, upper):
            break
    return Solved(p, solved.inverse)


def _on_face(fit, lam: float, D: Vector, p: Vector, lower: Vector, upper: Vector, free: np.ndarray) -> Solved:
    """The minimiser over the free unknowns, less those at a bound that it would take out of the box."""
    while True:
        solved = fit.solve(lam, D, free, p)
        out = free & (((p <= lower) & (solved.p < p)) | ((p >= upper) & (solved.p > p)))
        if not out.any():
            return solved
        free = free & ~out


def _projected(fit, lam: float, D: Vector, p: Vector, d: Vector, g: Vector, lower: Vector, upper: Vector) -> Vector:
    """p + αd projected, the first of α = 1, ½, ¼, … that lowers m by a ten-thousandth of what g promises.

    At the latest where d, which ends at the lowest point of a face, meets the first wall: m falls by half of it there.
    """
    room = np.divide(np.where(d > 0, upper - p, lower - p), d, out=np.full_like(p, np.inf), where=d != 0)
    alpha, first = 1.0, min(1.0, room.min())
    while alpha > first:
        trial = np.clip(p + alpha * d, lower, upper)
        move = trial - p
        image, damped = fit.image(move), D * move
        change = float(g @ move) + 0.5 * float(image @ image) + 0.5 * lam * float(damped @ damped)
        if change <= 1e-4 * float(g @ move) < 0:
            return trial
        alpha *= 0.5
    return np.where(room <= first, np.where(d > 0, upper, lower), np.clip(p + first * d, lower, upper))


def _is_optimal(fit, lam: float, D: Vector, p: Vector, lower: Vector, upper: Vector) -> bool:
    """Whether no bound that holds an unknown should let it go."""
    g = fit.gradient(p) + lam * D * D * p
    return not (((p <= lower) & (g < 0)) | ((p >= upper) & (g > 0))).any()
