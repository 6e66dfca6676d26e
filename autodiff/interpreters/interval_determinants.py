"""Ranges of determinants, their logarithms and signs, and adjugates, for every matrix of an interval matrix.

Up to three rows by products; beyond, det A = det C/(det Q · Π x_ii) with C = QᵀAX about the identity. Rump 2010.
"""

import numpy as np

from ..intervals import (
    INF,
    Interval,
    absolute,
    add,
    middle,
    multiply,
    negative,
    numbers,
    point,
    sqrt,
    square,
    subtract,
    total,
)
from ..primitive import Primitive
from .interval_elementwise import Domain, Rule
from .interval_linalg import anything, back, front, inv, mT, norm, product, regular, sane
from .interval_monotone import CURVES, row
from .interval_shape import both

_log, _log1p = CURVES["log"], CURVES["log1p"]


def _orthogonal_and_scaled(a: Interval) -> tuple[np.ndarray, Interval, np.ndarray, np.ndarray]:
    """(sign of det Q, diagonal of X, β, ε): C = QᵀAX with β >= ‖C − I‖, X triangular and ε >= ‖QᵀQ − I‖."""
    q, r = np.linalg.qr(sane(middle(a)[0]))
    eye = point(np.eye(a.shape[-1]))
    r = np.where((np.diagonal(r, axis1=-2, axis2=-1) == 0).any(axis=-1)[..., None, None], np.eye(a.shape[-1]), r)
    x = point(np.triu(np.linalg.inv(r)))
    turned = mT(point(q))
    beta = norm(subtract(product(turned, product(a, x)), eye))
    return (np.sign(np.linalg.det(q)), point(np.diagonal(x.lo, axis1=-2, axis2=-1)), beta,
            norm(subtract(product(turned, point(q)), eye)))


def _log_abs_det(a: Interval) -> Interval:
    """log|det A| = log det C − log|det Q| − Σ log|x_ii|, eigenvalues of C and QᵀQ within β and ε of 1."""
    turned, n = front(a), a.shape[-3]
    _, diagonal, beta, epsilon = _orthogonal_and_scaled(turned)
    known = (beta < 1) & (epsilon < 0.5)
    beta = np.where(known, beta, 0.0)
    near = multiply(_log1p(Interval(-beta, beta)), point(float(n)))
    turn = multiply(_log1p(Interval(-epsilon, epsilon)), point(0.5 * n))
    out = subtract(subtract(near, turn), total(_log(absolute(diagonal)), (-1,), False))
    return back(Interval(np.where(known, out.lo, -INF), np.where(known, out.hi, INF)))


def _sign_det(a: Interval) -> Interval:
    sign, diagonal, beta, epsilon = _orthogonal_and_scaled(front(a))
    known, sign = (beta < 1) & (epsilon < 0.5), sign * np.sign(diagonal.lo).prod(axis=-1)
    return back(Interval(np.where(known, sign, -1.0), np.where(known, sign, 1.0)))


def entries(x: Interval, *place: int) -> Interval:
    """x[..., i, j] of stacks, batch axes first."""
    return both(lambda end: end[(..., *place)], x)


def _det(a: Interval) -> Interval:
    """By products up to three rows, else from its logarithm and sign, within Hadamard's bound."""
    n, turned = a.shape[-3], front(a)
    if n <= 3:
        return back(_small_det(turned, n))
    size, sign = CURVES["exp"](_log_abs_det(a)), _sign_det(a)
    rows = sqrt(total(square(turned), (-1,), False))
    bound = point(np.ones(rows.shape[:-1]))
    for i in range(n):
        bound = multiply(bound, both(lambda end: end[..., i], rows))                                # noqa: B023
    most = np.moveaxis(bound.hi, (0, 1), (-2, -1))
    out = multiply(size, sign)
    return Interval(np.maximum(out.lo, -most), np.minimum(out.hi, most))


def _small_det(a: Interval, n: int) -> Interval:
    if n == 0:
        return point(np.ones(a.shape[:-2]))
    if n == 1:
        return entries(a, 0, 0)
    minors = [_minor(a, 0, j) for j in range(n)] if n == 3 else [entries(a, 1, 1), entries(a, 1, 0)]
    terms = [multiply(entries(a, 0, j), minor) for j, minor in enumerate(minors)]
    out = subtract(terms[0], terms[1])
    return add(out, terms[2]) if n == 3 else out


def _minor(a: Interval, i: int, j: int) -> Interval:
    """The determinant without row i and column j, of three rows."""
    (p, q), (r, s) = [k for k in range(3) if k != i], [k for k in range(3) if k != j]
    return subtract(multiply(entries(a, p, r), entries(a, q, s)), multiply(entries(a, p, s), entries(a, q, r)))


def _adjugate(a: Interval, *directions: Interval) -> Interval:
    """det(A) A⁻¹, and its derivative tr(A⁻¹H) adj A − A⁻¹H adj A; of two rows and of three by minors."""
    n = a.shape[-3]
    if n == 2 and len(directions) < 2:
        return _turned_pair(directions[0] if directions else a)
    if n == 3 and not directions:
        turned = front(a)
        parts = [[_minor(turned, i, j) if (i + j) % 2 == 0 else negative(_minor(turned, i, j)) for i in range(3)]
                 for j in range(3)]
        stacked = Interval(*(np.stack([np.stack([p[k] for p in line], -1) for line in parts], -2) for k in (0, 1)))
        return back(stacked)
    if len(directions) > 1:
        return anything(np.broadcast_shapes(a.shape, *(h.shape for h in directions)))
    inverse, det = front(inv(a)), front(_det(a))
    adj = multiply(both(lambda end: end[..., None, None], det), inverse)
    if not directions:
        return back(adj)
    inner = product(inverse, front(directions[0]))
    trace = total(both(lambda end: np.diagonal(end, axis1=-2, axis2=-1), inner), (-1,), False)
    return back(subtract(multiply(both(lambda end: end[..., None, None], trace), adj), product(inner, adj)))


def _turned_pair(a: Interval) -> Interval:
    a = numbers(a)
    lo, hi = (np.array(end) for end in a)
    for out, same, other in ((lo, a.lo, a.hi), (hi, a.hi, a.lo)):
        out[..., 0, 0, :, :], out[..., 1, 1, :, :] = same[..., 1, 1, :, :], same[..., 0, 0, :, :]
        out[..., 0, 1, :, :], out[..., 1, 0, :, :] = -other[..., 0, 1, :, :], -other[..., 1, 0, :, :]
    return Interval(lo, hi)


RULES: dict[Primitive, Rule] = {row(name): rule for name, rule in {
    "det": _det, "logabsdet": _log_abs_det, "signdet": _sign_det, "adjugate": _adjugate}.items()}
DOMAINS: dict[Primitive, Domain] = {row("logabsdet"): regular}
