"""Functions of a symmetric matrix that is known to be so: log det, trace of the inverse, sums of largest eigenvalues;
of any matrix: sums of largest singular values; and uᵀX⁻¹u.

Weights are those on symmetric changes D of X, extended to all D by D ↦ Dᵀ where that makes them semidefinite.
"""

from __future__ import annotations

import numpy as np

from ..intervals import UNIT, Interval, down, multiply, reciprocal, up
from ..primitive import bind, shape_of
from ..primitives.contraction import MATMUL
from ..primitives.decompositions import EIGH, SVD, inverse_gaps
from ..primitives.linalg import ITEM, mT
from ..primitives.reductions import SUM
from .atoms import atom, curved, mapped
from .atoms_quadratic import eigenvalue_bounds, verified_spectrum
from .enclosed_inverse import inverse, slices
from .rows import Entries, Piece, flat


def _number(x, *_, **__):
    return shape_of(x)[:-2], np.dtype(np.float64)


def _matrix(x, *_, **__):
    return shape_of(x), np.dtype(np.float64)


def _inner(a, b):
    """Σ_ij a_ij b_ij."""
    return SUM(a * b, axis=(len(shape_of(b)) - 2, len(shape_of(b)) - 1), keepdims=False)


def spectrum(x: Interval) -> Interval:
    """(below λ_min, above λ_max) of the symmetric matrices in (n, n, D, B), as an interval (D, B)."""
    bounds = [eigenvalue_bounds(part) for part in slices(x)]
    return Interval(*(np.array(end).reshape(x.shape[2:]) for end in zip(*bounds, strict=True)))


def _positive(x: Interval) -> Interval:
    """The spectrum of a matrix that is known to be positive definite."""
    ends = spectrum(x)
    return Interval(np.maximum(ends.lo, 0.0), np.maximum(ends.hi, 0.0))


# --- log det, tr X⁻¹, uᵀX⁻¹u ------------------------------------------------------------------------------------------


def _inverse_rule(x: Interval) -> Interval:
    """The enclosure of an inverse, met with what is known of definite matrices: 1/x_ii ≤ (X⁻¹)_ii ≤ 1/λ_min."""
    out, most = inverse(x), reciprocal(_positive(x)).hi
    eye = np.eye(x.shape[0], dtype=bool)[..., None, None]
    least = np.where(eye, np.maximum(reciprocal(Interval(x.hi, x.hi)).lo, 0.0), -most)
    return Interval(np.maximum(out.lo, np.where(np.isnan(least), 0.0, least)), np.minimum(out.hi, most))


INVERSE = atom("inverse_definite", np.linalg.inv, _matrix, _inverse_rule,
               jvp=lambda out, inputs, tangents: -bind(MATMUL, (out, bind(MATMUL, (tangents[0], out)))))


def _log_det_rule(x: Interval) -> Interval:
    """n log λ_min ≤ log det X ≤ n log(tr X/n), and Hadamard's Σ log x_ii."""
    n = x.shape[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        least = np.log(_positive(x).lo)
        most = np.log(np.maximum(np.einsum("iidb->idb", x.hi), 0.0))
    slack = 1e-13 * n
    low = n * least - slack * (1 + np.abs(np.where(np.isfinite(least), least, 0.0)))
    high = most.sum(axis=0) + slack * (1 + np.abs(np.where(np.isfinite(most), most, 0.0)).sum(axis=0))
    return Interval(down(low), up(high))


LOG_DET = atom("log_det", lambda a: np.linalg.slogdet(a)[1], _number, _log_det_rule,
               jvp=lambda out, inputs, tangents: _inner(INVERSE(inputs[0]), tangents[0]))


def _between(a: Interval, size: int, low, high) -> Piece:
    boxes = max(a.shape[-1], np.size(low), np.size(high))
    return Piece(*multiply(a, Interval(*(np.broadcast_to(end, (size, boxes)) for end in (low, high)))))


def _log_det_piece(a, y, x, *, node, variable) -> Piece:
    """W(D) = −tr(X⁻¹DX⁻¹D), between −‖D‖²/λ_min² and −‖D‖²/λ_max²."""
    ends = _positive(x)
    over = reciprocal(multiply(ends, ends))
    return _between(flat(a, ()), node.inputs[0].size, -over.hi[0], -over.lo[0])


curved(LOG_DET, "log det is concave on positive definite matrices", _log_det_piece)


def _trace_rule(x: Interval) -> Interval:
    ends = reciprocal(_positive(x))
    n = x.shape[0]
    low = np.maximum(reciprocal(Interval(x.hi, x.hi)).lo, 0.0)
    low = np.einsum("iidb->idb", low).sum(axis=0)
    return Interval(np.maximum(down(low * (1 - 1e-13)), 0.0), up(n * ends.hi))


TRACE_INVERSE = atom("trace_of_inverse", lambda a: np.trace(np.linalg.inv(a)), _number, _trace_rule,
                     jvp=lambda out, inputs, tangents: -_inner(
                         bind(MATMUL, (INVERSE(inputs[0]), INVERSE(inputs[0]))), tangents[0]))


def _trace_piece(a, y, x, *, node, variable) -> Piece:
    """W(D) = 2 tr(X⁻¹DX⁻¹DX⁻¹) = 2‖X^(−1/2) D X⁻¹‖², between 2‖D‖²/λ_max³ and 2‖D‖²/λ_min³."""
    ends = _positive(x)
    over = reciprocal(multiply(ends, multiply(ends, ends)))
    return _between(flat(a, ()), node.inputs[0].size, 2 * over.lo[0], 2 * over.hi[0])


curved(TRACE_INVERSE, "tr X⁻¹ is convex on positive definite matrices", _trace_piece)


def _fraction_rule(u: Interval, x: Interval) -> Interval:
    """‖u‖²/λ_max ≤ uᵀX⁻¹u ≤ ‖u‖²/λ_min."""
    size = multiply(u, u)
    low, high = np.where((u.lo < 0) & (u.hi > 0), 0.0, np.maximum(size.lo, 0.0)).sum(axis=0), size.hi.sum(axis=0)
    over = reciprocal(_positive(x))
    out = multiply(Interval(down(low * (1 - 1e-13)), up(high * (1 + 1e-13))), over)
    return Interval(np.maximum(out.lo, 0.0), out.hi)


def _fraction_tangent(out, inputs, tangents):
    """2sᵀdu − sᵀdX s with s = X⁻¹u."""
    u, x = inputs
    s = bind(MATMUL, (INVERSE(x), u))
    parts = []
    if tangents[0] is not None:
        parts.append(2.0 * bind(MATMUL, (s, tangents[0])))
    if tangents[1] is not None:
        parts.append(-bind(MATMUL, (s, bind(MATMUL, (tangents[1], s)))))
    return parts[0] if len(parts) == 1 else parts[0] + parts[1]


FRACTION = atom("matrix_fraction", lambda u, x: u @ np.linalg.solve(x, u), lambda u, x: ((), np.dtype(np.float64)),
                _fraction_rule, jvp=_fraction_tangent)


def _fraction_piece(a, y, u, x, *, node, variable) -> Piece:
    """W = 2X⁻¹ of a known X."""
    a, size = flat(a, ()), sum(node.inputs[k].size for k in variable)
    if variable != (0,):
        return _between(a, size, 0.0, np.inf)
    over, entries = reciprocal(_positive(x)), inverse(x)
    i, j = np.triu_indices(size)
    w = multiply(a, mapped(lambda end: 2.0 * end[i, j, 0], entries))
    return _between(a, size, 2 * over.lo[0], 2 * over.hi[0])._replace(entries=Entries(i, j, w))


curved(FRACTION, "uᵀX⁻¹u is convex for positive definite X", _fraction_piece)


# --- eigenvalues and singular values ----------------------------------------------------------------------------------


def _eigen_value(a, k):
    return np.sum(np.linalg.eigvalsh(a)[..., shape_of(a)[-1] - k:], axis=-1)


def _eigen_rule(x: Interval, k: int) -> Interval:
    """By Weyl's inequality from the middle's eigenvalues, each moved by as much as the largest error can be."""
    ends = [_eigen_ends(part, k) for part in slices(x)]
    return Interval(*(np.array(end).reshape(x.shape[2:]) for end in zip(*ends, strict=True)))


def _eigen_ends(S: Interval, k: int) -> tuple[float, float]:
    w, apart = verified_spectrum(S)
    total, slack = float(w[len(w) - k:].sum()), k * apart * (1 + 1e-12) + 4 * k * UNIT * float(np.abs(w).sum())
    return total - slack, total + slack


def _projector_rule(x: Interval, k: int) -> Interval:
    """An orthogonal projector: between 0 and 1 on the diagonal, ±½ elsewhere."""
    n = x.shape[0]
    if k == n:
        eye = np.eye(n)[..., None, None]
        return Interval(eye, eye)
    eye = np.eye(n, dtype=bool)[..., None, None]
    return Interval(np.where(eye, 0.0, -0.5), np.where(eye, 1.0, 0.5))


def _projector_value(a, k):
    v = np.linalg.eigh(a)[1][..., shape_of(a)[-1] - k:]
    return v @ np.swapaxes(v, -1, -2)


def _projector_tangent(out, inputs, tangents, k):
    """V(G∘VᵀdSV)Vᵀ with G_ij = 1/(w_i − w_j) where one of i, j is among the largest."""
    parts = EIGH(inputs[0], uplo="L")
    w, v = ITEM(parts, number=0), ITEM(parts, number=1)
    n = shape_of(inputs[0])[-1]
    top = np.arange(n) >= n - k
    mixed = top[:, None] != top[None, :]
    sign = np.where(top[:, None], -1.0, 1.0) * mixed
    inner = bind(MATMUL, (mT(v), bind(MATMUL, (tangents[0], v))))
    return bind(MATMUL, (bind(MATMUL, (v, sign * inverse_gaps(w) * inner)), mT(v)))


PROJECTOR = atom("projector_on_largest", _projector_value, lambda a, k: _matrix(a), _projector_rule,
                 jvp=_projector_tangent)
LARGEST_EIGENVALUES = atom("sum_of_largest_eigenvalues", _eigen_value, lambda a, k: _number(a), _eigen_rule,
                           jvp=lambda out, inputs, tangents, k: _inner(PROJECTOR(inputs[0], k=k), tangents[0]))


def _kinked_piece(a, y, x, *, node, variable) -> Piece:
    """Nothing bounds the curvature from above: eigenvalues may cross."""
    whole = node.prim is LARGEST_EIGENVALUES and node.params["k"] == node.inputs[0].shape[0]
    return _between(flat(a, ()), node.inputs[0].size, 0.0, 0.0 if whole else np.inf)


curved(LARGEST_EIGENVALUES, lambda node: "the largest eigenvalue is convex" if node.params["k"] == 1 else
       f"the sum of the {node.params['k']} largest eigenvalues is convex", _kinked_piece)


def _singular_value(a, k):
    return np.sum(np.linalg.svd(a, compute_uv=False)[..., :k], axis=-1)


def _singular_rule(x: Interval, k: int) -> Interval:
    """Those of [0 X; Xᵀ 0] are ± the singular values of X."""
    m, n = x.shape[:2]
    both = [np.zeros((m + n, m + n, *x.shape[2:])) for _ in range(2)]
    for block, end in zip(both, x, strict=True):
        block[:m, m:], block[m:, :m] = end, np.swapaxes(end, 0, 1)
    out = _eigen_rule(Interval(*both), k)
    return Interval(np.maximum(out.lo, 0.0), out.hi)


def _polar_value(a, k):
    u, _, v = np.linalg.svd(a, full_matrices=False)
    return u[..., :k] @ v[..., :k, :]


def _polar_tangent(out, inputs, tangents, k):
    """Through the decomposition, whose vectors turn."""
    a, = inputs
    graph = SVD(a, full=False, hermitian=False)
    u, s, v = (ITEM(graph, number=i) for i in range(3))
    du, _, dv = SVD.jvp((u, s, v), (a,), tangents, full=False, hermitian=False)
    left, right = u[..., :k], v[..., :k, :]
    return bind(MATMUL, (du[..., :k], right)) + bind(MATMUL, (left, dv[..., :k, :]))


POLAR = atom("partial_isometry", _polar_value, lambda a, k: _matrix(a),
             lambda x, k: Interval(np.full_like(x.lo, -1.0), np.full_like(x.hi, 1.0)), jvp=_polar_tangent)
LARGEST_SINGULAR = atom("sum_of_largest_singular_values", _singular_value, lambda a, k: _number(a), _singular_rule,
                        jvp=lambda out, inputs, tangents, k: _inner(POLAR(inputs[0], k=k), tangents[0]))
curved(LARGEST_SINGULAR, lambda node: "the spectral norm is convex" if node.params["k"] == 1 else
       "the nuclear norm is convex" if node.params["k"] == min(node.inputs[0].shape) else
       f"the sum of the {node.params['k']} largest singular values is convex", _kinked_piece)
