"""Ranges of linear algebra: systems, inverses, determinants, factors and eigenvalues, for every matrix of an interval
matrix. Floating-point results are taken as approximations only; a residual, in interval arithmetic, bounds their error.

Where the matrix may be singular nothing is known. Rump 2010, Acta Numerica 19, sections 10 to 13.
"""

from collections.abc import Callable

import numpy as np

from ..intervals import (
    INF,
    Interval,
    absolute,
    add,
    divide,
    down,
    middle,
    multiply,
    numbers,
    point,
    sqrt,
    square,
    subtract,
    total,
    up,
)
from ..primitive import Primitive
from .interval_elementwise import Domain
from .interval_monotone import row
from .interval_products import bilinear
from .interval_shape import both


def front(x: Interval) -> Interval:
    """Batch axes first, so that NumPy sees stacks of matrices: (D, B, ..., n, n)."""
    return both(lambda end: np.moveaxis(end, (-2, -1), (0, 1)), numbers(x))


def back(x: Interval) -> Interval:
    return both(lambda end: np.moveaxis(end, (0, 1), (-2, -1)), x)


def mT(x: Interval) -> Interval:
    return both(lambda end: np.swapaxes(end, -1, -2), x)


def product(x: Interval, y: Interval) -> Interval:
    """Of stacks of matrices, batch axes first."""
    return bilinear(np.matmul, x.shape[-1], x, y)


def norm(x: Interval) -> np.ndarray:
    """An upper bound of the largest row sum of |x|, one a matrix."""
    rows = total(absolute(x), (-1,), False).hi
    return rows.max(axis=-1, initial=0.0)


def anything(shape) -> Interval:
    return Interval(np.full(shape, -INF), np.full(shape, INF))


def sane(a: np.ndarray) -> np.ndarray:
    """Matrices with entries that are not finite, as the identity: their residual fails."""
    fine = np.isfinite(a).all(axis=(-2, -1), keepdims=True)
    return np.where(fine, a, np.eye(*a.shape[-2:]))


# --- systems ----------------------------------------------------------------------------------------------------------


def _approximate_inverse(a: Interval) -> np.ndarray:
    centre = sane(middle(a)[0])
    try:
        return np.linalg.inv(centre)
    except np.linalg.LinAlgError:
        return np.linalg.pinv(centre)


def _preconditioned(a: Interval) -> tuple[Interval, np.ndarray]:
    """(R, β) with R about A⁻¹ and β >= ‖I − RA‖: below 1 every matrix of A is regular."""
    inverse = point(_approximate_inverse(a))
    return inverse, norm(subtract(point(np.eye(a.shape[-1])), product(inverse, a)))


def solve(a: Interval, b: Interval) -> Interval:
    """A⁻¹b for stacks of columns, batch axes first: x̃ + z ± β/(1 − β)·max|z|, z = R(b − Ax̃)."""
    inverse, beta = _preconditioned(a)
    guess = np.matmul(inverse.lo, middle(b)[0])
    guess = point(np.where(np.isfinite(guess), guess, 0.0))
    z = product(inverse, subtract(b, product(a, guess)))
    size = absolute(z).hi.max(axis=-2, keepdims=True, initial=0.0)
    beta = beta[..., None, None]
    slack = up(up(size * up(beta / down(1.0 - beta))))
    out = add(guess, Interval(down(z.lo - slack), up(z.hi + slack)))
    known = (beta < 1) & np.isfinite(slack)
    return Interval(np.where(known, out.lo, -INF), np.where(known, out.hi, INF))


def _solve(a: Interval, b: Interval) -> Interval:
    if len(b.shape) == 3:
        column = both(lambda end: end[:, None], b)
        return both(lambda end: end[..., 0, :, :], back(solve(*_aligned(front(a), front(column)))))
    return back(solve(*_aligned(front(a), front(b))))


def _aligned(a: Interval, b: Interval) -> tuple[Interval, Interval]:
    """Stacks with equally many axes, batch axes first in both."""
    ndim = max(len(a.shape), len(b.shape))
    a, b = (both(lambda end: end.reshape(end.shape[:2] + (1,) * (ndim - end.ndim) + end.shape[2:]), x) for x in (a, b))
    return a, b


def inv(a: Interval) -> Interval:
    turned = front(a)
    return back(solve(turned, point(np.broadcast_to(np.eye(a.shape[-3]), turned.shape))))


def regular(a: Interval, *others) -> np.ndarray:
    """(1, ..., D, B): whether every matrix is seen to be regular."""
    _, beta = _preconditioned(front(a))
    return np.moveaxis(beta < 1, (0, 1), (-2, -1))


def _triangle(a: Interval, lower: bool, unit: bool) -> Interval:
    n = a.shape[0]
    inside = np.tri(n, k=-1 if unit else 0, dtype=bool)
    inside = (inside if lower else inside.T)[..., None, None]
    eye = np.eye(n)[..., None, None] if unit else 0.0
    return both(lambda end: np.where(inside, end, eye), numbers(a))


def _solve_triangular(a: Interval, b: Interval, lower, unit) -> Interval:
    return _solve(_triangle(a, lower, unit), b)


# --- factors and eigenvalues ------------------------------------------------------------------------------------------


def _cholesky(a: Interval) -> Interval:
    """Column by column, in interval arithmetic."""
    a, n = front(a), a.shape[-3]
    lo, hi = np.zeros(a.shape), np.zeros(a.shape)
    for j in range(n):
        rest = Interval(a.lo[..., j:, j], a.hi[..., j:, j])
        if j:
            known = Interval(lo[..., j:, :j], hi[..., j:, :j])
            taken = multiply(known, both(lambda end: end[..., :1, :], known))
            first = square(both(lambda end: end[..., :1, :], known))
            taken = Interval(*(np.concatenate([p, q[..., 1:, :]], -2) for p, q in zip(first, taken, strict=True)))
            rest = subtract(rest, total(taken, (-1,), False))
        root = sqrt(both(lambda end: end[..., :1], rest))
        below = divide(both(lambda end: end[..., 1:], rest), root)
        for out, top, column in ((lo, root.lo, below.lo), (hi, root.hi, below.hi)):
            out[..., j:, j] = np.concatenate([top, column], -1)
    return back(Interval(lo, hi))


def _pivots(a: Interval) -> np.ndarray:
    """Where every matrix has a Cholesky factor."""
    diagonal = np.diagonal(front(_cholesky(a)).lo, axis1=-2, axis2=-1)
    return np.moveaxis((diagonal > 0).all(axis=-1), (0, 1), (-2, -1))


def eigenvalues(a: Interval) -> Interval:
    """Of symmetric matrices, rising, batch axes first. With W = VᵀA_cV about diag w: λ_i(A_c) = λ_i(W)/θ, θ within
    ‖VᵀV − I‖ of 1 (Ostrowski), λ_i(W) within ‖W − diag w‖ of w_i, and A within its radius of A_c (Weyl).
    """
    centre, radius = middle(a)
    w, v = np.linalg.eigh(sane(centre))
    turned, n = mT(point(v)), a.shape[-1]
    inner = product(turned, product(point(centre), point(v)))
    delta = norm(subtract(inner, point(w[..., None] * np.eye(n))))[..., None]
    epsilon = norm(subtract(product(turned, point(v)), point(np.eye(n))))[..., None]
    spread = norm(point(radius))[..., None]
    near = divide(Interval(down(w - delta), up(w + delta)), Interval(down(1 - epsilon), up(1 + epsilon)))
    known = np.isfinite(delta) & (epsilon < 0.5) & np.isfinite(spread)
    return Interval(np.where(known, down(near.lo - spread), -INF), np.where(known, up(near.hi + spread), INF))


def _symmetric(a: Interval, uplo: str) -> Interval:
    """What eigh reads of a matrix: one triangle, mirrored; batch axes first."""
    a = front(a)
    below = np.tri(a.shape[-1], dtype=bool)
    return both(lambda end: np.where(below if uplo == "L" else below.T, end, np.swapaxes(end, -1, -2)), a)


def _unit_entries(shape) -> Interval:
    return Interval(np.full(shape, -1.0), np.ones(shape))


def _eigh(a: Interval, uplo) -> tuple[Interval, Interval]:
    """Eigenvectors have length 1; more is not said of them."""
    return back(eigenvalues(_symmetric(a, uplo))), _unit_entries(a.shape)


def _svdvals(a: Interval) -> Interval:
    """The greatest eigenvalues of [[0, A], [Aᵀ, 0]] (Jordan and Wielandt)."""
    a = front(a)
    m, n = a.shape[-2:]
    out = []
    for end in a:
        big = np.zeros((*end.shape[:-2], m + n, m + n))
        big[..., :m, m:], big[..., m:, :m] = end, np.swapaxes(end, -1, -2)
        out.append(big)
    w = eigenvalues(Interval(*out))
    return back(both(lambda end: np.maximum(end[..., ::-1][..., :min(m, n)], 0.0), w))


def _nuclear(a: Interval) -> Interval:
    s = _svdvals(a)
    return total(s, (len(s.shape) - 3,), False)


RULES: dict[Primitive, Callable] = {row(name): rule for name, rule in {
    "solve": _solve, "inv": inv, "solve_triangular": _solve_triangular, "cholesky": _cholesky, "eigh": _eigh,
    "svdvals": _svdvals, "nuclear_norm": _nuclear,
}.items()}
DOMAINS: dict[Primitive, Domain] = {
    row("solve"): regular, row("inv"): regular, row("cholesky"): _pivots}
