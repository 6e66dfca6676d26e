"""Rigorous bounds on all eigenvalues of interval symmetric matrices, many at a time.

Each number holds in exact arithmetic: what LAPACK returns is only a guess, from which a bound is computed with all
rounding errors counted (Rump 2010, Acta Numerica 19, sections 5 and 13). Lower bounds of λ_min see the lower ends of
the diagonal and the sizes of the rest only; λ_max(H) = −λ_min(−H).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from autodiff.intervals import Interval, down, two_sum, up

from .oracle import Vector
from .rational import LARGEST, exactly_psd

METHODS = ("none", "Gershgorin", "scaled Gershgorin", "eigenbasis", "centre plus radius", "congruence", "vertices",
           "exact")
VERTEX_ORDERS = (3, 8)      # Hertz's theorem: of order 2 the comparison matrix is itself a vertex, beyond 8 too many
NEAR = 1e-11                # relative to the largest entry: a bound this little below 0 may be an exact 0
EXACT = 64                  # matrices eliminated exactly in one call
TINY = 1e-290               # more than all underflows of matrices scaled to 1 add up to


class Spectrum(NamedTuple):
    """low <= every eigenvalue of every member <= high, (B,); low_by, high_by : (B,) numbers in METHODS."""

    low: Vector
    high: Vector
    low_by: np.ndarray
    high_by: np.ndarray


def eigenvalue_bounds(H: Interval, vertices: str = "sign") -> Spectrum:
    """Bounds on the eigenvalues of the symmetric members of H, (n, n, B); NaN and infinite ends are allowed.

    vertices : Hertz's theorem for 3 <= n <= 8, with 2^(n−1) matrices each: "sign" where it may decide the sign of the
    bound, "always", "never". Cost: about 4 eigendecompositions a matrix and side.
    """
    lo, hi = _symmetric(H)
    low, low_by = _smallest(lo, hi, vertices)
    high, high_by = _smallest(-hi, -lo, vertices)
    return Spectrum(low, -high, low_by, high_by)


def smallest(H: Interval, vertices: str = "sign") -> Vector:
    """The lower bounds (B,) alone, at half the cost."""
    return _smallest(*_symmetric(H), vertices)[0]


def largest(H: Interval, vertices: str = "sign") -> Vector:
    """The upper bounds (B,) alone."""
    lo, hi = _symmetric(H)
    return -_smallest(-hi, -lo, vertices)[0]


# --- one side ---------------------------------------------------------------------------------------------------------


def _symmetric(H: Interval) -> tuple[np.ndarray, np.ndarray]:
    """Ends as (B, n, n) of the symmetric members: an entry lies in its own interval and its mirror image's."""
    lo, hi = (np.moveaxis(np.asarray(end, dtype=np.float64), -1, 0) for end in H)
    lo, hi = np.where(np.isnan(lo), -np.inf, lo), np.where(np.isnan(hi), np.inf, hi)
    return np.maximum(lo, lo.swapaxes(1, 2)), np.minimum(hi, hi.swapaxes(1, 2))


def _smallest(lo: np.ndarray, hi: np.ndarray, vertices: str) -> tuple[Vector, np.ndarray]:
    """(lower bounds of λ_min, who found them)."""
    with np.errstate(all="ignore"):
        return _bounded(lo, hi, vertices)


def _bounded(lo: np.ndarray, hi: np.ndarray, vertices: str) -> tuple[Vector, np.ndarray]:
    size, n = lo.shape[:2]
    best, by = np.full(size, -np.inf), np.zeros(size, dtype=np.int8)
    diagonal = np.minimum(np.einsum("bii->bi", lo), np.finfo(float).max)
    if n == 0:
        return np.full(size, np.inf), by
    if n == 1:
        return diagonal[:, 0].copy(), np.full(size, METHODS.index("exact"), dtype=np.int8)
    reach = np.maximum(np.abs(lo), np.abs(hi))
    reach[:, range(n), range(n)] = np.abs(diagonal)
    usable = np.flatnonzero(np.isfinite(reach).all(axis=(1, 2)))
    if len(usable):
        lo, hi = lo[usable], hi[usable]
        lo[:, range(n), range(n)] = hi[:, range(n), range(n)] = diagonal[usable]
        best[usable], by[usable] = _finite(lo, hi, reach[usable], vertices)
    return best, by


def _finite(lo: np.ndarray, hi: np.ndarray, reach: np.ndarray, vertices: str) -> tuple[Vector, np.ndarray]:
    """Of matrices with finite entries and known diagonals, in units in which the largest entry is between 1/2 and 1."""
    power = np.frexp(reach.max(axis=(1, 2)))[1][:, None, None]
    lo, hi = _scaled(lo, -power, down), _scaled(hi, -power, up)
    found = _Bounds(len(lo))
    _comparison(found, lo, hi)
    v = _eigenbasis(found, lo, hi)
    _congruence(found, lo, hi)
    _exact(found, lo, hi)
    if VERTEX_ORDERS[0] <= lo.shape[1] <= VERTEX_ORDERS[1] and vertices != "never":
        _vertices(found, lo, hi, v, vertices == "always")
    return _scaled(found.best, power[:, 0, 0], down), found.by


def _scaled(x: np.ndarray, power: np.ndarray, rounded) -> np.ndarray:
    """x·2^power, rounded in a known direction where that is not exact."""
    y = np.ldexp(x, power)
    return np.where((np.ldexp(y, -power) == x) & np.isfinite(y), y, rounded(y))


class _Bounds:
    """The best lower bounds so far and who found them."""

    def __init__(self, size: int):
        self.best, self.by = np.full(size, -np.inf), np.zeros(size, dtype=np.int8)

    def offer(self, low: Vector, method: str, where=slice(None)) -> None:
        better = low > self.best[where]
        self.by[where] = np.where(better, METHODS.index(method), self.by[where])
        self.best[where] = np.where(better, low, self.best[where])


# --- methods, on (B, n, n) with lo = hi on the diagonal ---------------------------------------------------------------


def _compared(lo: np.ndarray, hi: np.ndarray) -> np.ndarray:
    """N with n_ii = h_ii, n_ij = −max|h_ij|: λ_min(H) >= λ_min(N) >= min_i (N d)_i/d_i for each d > 0."""
    N, n = -np.maximum(-lo, hi), lo.shape[1]
    N[:, range(n), range(n)] = lo[:, range(n), range(n)]
    return N


def _comparison(found: _Bounds, lo: np.ndarray, hi: np.ndarray) -> None:
    """Gershgorin's circles, plain (summed without error where that is possible), and scaled by the best d."""
    N = _compared(lo, hi)
    found.offer(_row_sums(N), "Gershgorin")
    found.offer(_weighted(N, _perron(N)), "scaled Gershgorin")


def _row_sums(N: np.ndarray) -> Vector:
    """The least row sum where the additions are all exact, as with small integers, else nothing."""
    if N.shape[2] > LARGEST:
        return np.full(len(N), -np.inf)
    s, exact = N[:, :, 0], True
    for j in range(1, N.shape[2]):
        s, error = two_sum(s, N[:, :, j])
        exact = exact & (error == 0)
    return np.where(exact, s, -np.inf).min(axis=1)


def _perron(N: np.ndarray) -> np.ndarray:
    """About the best d > 0 for `_weighted`."""
    return np.maximum(np.abs(np.linalg.eigh(N)[1][:, :, 0]), 1e-6)


def _weighted(N: np.ndarray, d: np.ndarray) -> Vector:
    """min_i (N d)_i/d_i from below, d : (B, n) positive."""
    rows = (N @ d[:, :, None])[:, :, 0] - _growth(N) * (np.abs(N) @ d[:, :, None])[:, :, 0]
    return np.where((N == 0).all(axis=2), 0.0, down(down(rows / d) - TINY)).min(axis=1)


def _growth(A: np.ndarray) -> float:
    """More than twice γ of two products of this order: |fl(AB) − AB| <= n u |A||B| (Jeannerod & Rump 2013)."""
    return (2 * A.shape[-1] + 16) * float(np.finfo(float).eps)


def _rotated(C: np.ndarray, R: np.ndarray, Q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(G, W): QᵀHQ lies in G ± W for all H in C ± R."""
    growth, size = _growth(C), np.abs(Q)
    G = Q.swapaxes(1, 2) @ (C @ Q)
    W = size.swapaxes(1, 2) @ ((R + growth * np.abs(C)) @ size)
    return G, W * (1 + growth) + TINY


def _unrotated(low: Vector, Q: np.ndarray) -> Vector:
    """From λ_min(QᵀHQ) >= low: λ_min(H) >= low/θ with θ in [1 − ε, 1 + ε], ε = ‖QᵀQ − I‖. Ostrowski 1959."""
    growth, size = _growth(Q), np.abs(Q)
    E = np.abs(Q.swapaxes(1, 2) @ Q - np.eye(Q.shape[1])) + growth * (size.swapaxes(1, 2) @ size + 1)
    defect = E.sum(axis=2).max(axis=1) * (1 + growth)
    out = np.where(low < 0, down(low / down(1 - defect)), np.maximum(down(low / up(1 + defect)), 0.0))
    return np.where(defect < 0.5, out, -np.inf)


def _eigenbasis(found: _Bounds, lo: np.ndarray, hi: np.ndarray) -> np.ndarray:
    """Gershgorin's circles in the eigenvectors of the centre; centre plus radius. Returns the lowest eigenvectors."""
    C, R = centred(lo, hi)
    values, Q = np.linalg.eigh(C)
    centre = _circled(C, np.zeros_like(R), Q)
    wide = np.flatnonzero(R.any(axis=(1, 2)))
    if len(wide) < len(C):
        found.offer(np.where(R.any(axis=(1, 2)), -np.inf, centre), "eigenbasis")
    if len(wide):
        found.offer(_circled(C[wide], R[wide], Q[wide]), "eigenbasis", wide)
        found.offer(down(centre[wide] - _norm(R[wide])), "centre plus radius", wide)
    return Q[:, :, 0]


def centred(lo: np.ndarray, hi: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(C, R) with lo, hi in C ± R; R = 0 where lo = hi."""
    C = np.where(lo == hi, lo, 0.5 * lo + 0.5 * hi)
    return C, np.where(lo == hi, 0.0, up(np.maximum(hi - C, C - lo)))


def _circled(C: np.ndarray, R: np.ndarray, Q: np.ndarray) -> Vector:
    """Lower bounds from the circles of QᵀHQ, scaled where they are wide."""
    G, W = _rotated(C, R, Q)
    N, n = -up(np.abs(G) + W), C.shape[1]
    N = np.minimum(N, N.swapaxes(1, 2))
    N[:, range(n), range(n)] = down(np.einsum("bii->bi", G) - np.einsum("bii->bi", W))
    low = _weighted(N, np.ones(N.shape[:2]))
    return _unrotated(np.maximum(low, _weighted(N, _perron(N))) if R.any() else low, Q)


def _norm(R: np.ndarray) -> Vector:
    """Above ‖R‖ of symmetric R >= 0: max_i (R v)_i/v_i for v > 0 (Collatz 1942), v by the power method."""
    growth = _growth(R)
    v = np.ones((*R.shape[:2], 1))
    bound = np.full(len(R), np.inf)
    for _ in range(6):
        w = R @ v
        bound = np.minimum(bound, up((w / v).max(axis=(1, 2)) * (1 + growth) + TINY))
        v = np.maximum(w + 0.1 * v * bound[:, None, None], 1e-200)
        v = np.maximum(v / v.max(axis=1, keepdims=True), 1e-3)
    return bound


def _congruence(found: _Bounds, lo: np.ndarray, hi: np.ndarray) -> None:
    """The sign again for D H D with a diagonal of about 1, D of powers of two: badly scaled variables do no harm."""
    diagonal = np.einsum("bii->bi", lo)
    where = np.flatnonzero((found.best < 0) & (diagonal > 0).all(axis=1))
    if len(where):
        half = -(np.frexp(diagonal[where])[1] // 2)
        power = half[:, :, None] + half[:, None, :]
        C, R = centred(_scaled(lo[where], power, down), _scaled(hi[where], power, up))
        usable = np.isfinite(C).all(axis=(1, 2)) & np.isfinite(R).all(axis=(1, 2))
        C, R = np.where(usable[:, None, None], C, 0.0), np.where(usable[:, None, None], R, 0.0)
        low = _circled(C, R, np.linalg.eigh(C)[1])
        least = np.ldexp(1.0, -2 * half.max(axis=1))
        found.offer(np.where(usable & (low >= 0), np.maximum(down(low * least), 0.0), -np.inf), "congruence", where)


def _exact(found: _Bounds, lo: np.ndarray, hi: np.ndarray) -> None:
    """Bounds a little below 0, or below a short number for single matrices, by exact elimination."""
    n = lo.shape[1]
    if n > LARGEST:
        return
    single = (lo == hi).all(axis=(1, 2))
    near = (found.best < 0) & (found.best > -NEAR * n)
    for b in np.flatnonzero(near)[:EXACT]:
        if exactly_psd(lo[b] if single[b] else _compared(lo[b:b + 1], hi[b:b + 1])[0]):
            found.offer(np.zeros(1), "exact", slice(b, b + 1))


def _vertices(found: _Bounds, lo: np.ndarray, hi: np.ndarray, v: np.ndarray, always: bool) -> None:
    """λ_min over all members is that of a vertex: h_ij = lo where z_i z_j = 1, else hi, for some z in {−1, 1}^n.

    Hertz 1992, IEEE Trans. Automat. Control 37. Tried where the vertex that the centre's lowest eigenvector v points
    at leaves room for a better bound.
    """
    probe = np.linalg.eigvalsh(_vertex(lo, hi, np.where(v < 0, -1, 1)))[:, 0]
    wanted = probe > found.best + 0.01 * np.abs(found.best) if always else (found.best < 0) & (probe > -NEAR)
    where = np.flatnonzero(wanted & (lo != hi).any(axis=(1, 2)))
    n = lo.shape[1]
    signs = 1 - 2 * ((np.arange(2 ** (n - 1))[:, None] >> np.arange(n)) & 1)
    if len(where):
        corners = np.concatenate([_vertex(lo[where], hi[where], np.broadcast_to(z, (len(where), n))) for z in signs])
        each = _Bounds(len(corners))
        each.offer(_circled(corners, np.zeros_like(corners), np.linalg.eigh(corners)[1]), "vertices")
        _exact(each, corners, corners)
        found.offer(each.best.reshape(len(signs), -1).min(axis=0), "vertices", where)


def _vertex(lo: np.ndarray, hi: np.ndarray, z: np.ndarray) -> np.ndarray:
    return np.where(z[:, :, None] == z[:, None, :], lo, hi)
