"""Functions of matrices as plain NumPy code writes them; conditions on the matrix come from `facts`."""

from __future__ import annotations

import numpy as np

from ..graph import Static
from ..primitive import PRIMITIVES, shape_of
from .atoms_matrices import FRACTION, LARGEST_EIGENVALUES, LARGEST_SINGULAR, LOG_DET, TRACE_INVERSE
from .facts import is_definite, is_symmetric
from .recognise_tools import Build, Value, exact, is_constant, is_diagonal, is_number, is_op, pattern, placed, slices


def _is_matrix(x: Value) -> bool:
    return len(shape_of(x)) == 2


# --- log det, tr X⁻¹, uᵀX⁻¹u ------------------------------------------------------------------------------------------


@pattern("logabsdet")
def _log_abs_det(b: Build, x: Value) -> Value | None:
    return b.plain(LOG_DET, x) if b.varies(x) and _is_matrix(x) and is_definite(b, x) else None


@pattern("log")
def _log_of_det(b: Build, x: Value) -> Value | None:
    return b.op("logabsdet", x.inputs[0]) if is_op(x, "det") and is_definite(b, x.inputs[0]) else None


@pattern("signdet")
def _sign(b: Build, x: Value) -> Value | None:
    return 1.0 if _is_matrix(x) and is_definite(b, x) else None


@pattern("sum")
def _sums(b: Build, x: Value, axis: tuple[int, ...], keepdims: bool) -> Value | None:
    """Σ log diag(cholesky X) = ½ log det X; Σ diag(X⁻¹); Σ log λ(X); Σ 1/λ(X)."""
    if not b.varies(x) or keepdims or len(axis) != len(shape_of(x)):
        return None
    if is_op(x, "getitem") and is_op(x.inputs[0], "inv") and is_diagonal(x, x.inputs[0].shape):
        X = x.inputs[0].inputs[0]
        return b.plain(TRACE_INVERSE, X) if is_definite(b, X) else None
    if is_op(x, "log"):
        inner = x.inputs[0]
        if is_op(inner, "getitem") and is_op(inner.inputs[0], "cholesky") and is_diagonal(inner, inner.inputs[0].shape):
            X = inner.inputs[0].inputs[0]
            return b.op("multiply", 0.5, b.plain(LOG_DET, X)) if is_definite(b, X) else None
        X = eigenvalues_of(inner)
        return b.plain(LOG_DET, X) if X is not None and is_definite(b, X) else None
    if is_op(x, "divide") and is_number(x.inputs[0]) and eigenvalues_of(x.inputs[1]) is not None:
        X = eigenvalues_of(x.inputs[1])
        return b.op("multiply", x.inputs[0], b.plain(TRACE_INVERSE, X)) if is_definite(b, X) else None
    return None


@pattern("multiply")
def _one_number(b: Build, x: Value, y: Value) -> Value | None:
    """2·(½ z) = z."""
    for k, rest in ((x, y), (y, x)):
        if is_number(k) and is_op(rest, "multiply") and is_number(rest.inputs[0]) and (
                exact(k) * exact(rest.inputs[0]) == 1):
            return rest.inputs[1]
    return None


@pattern("matmul")
def _fraction(b: Build, x: Value, y: Value) -> Value | None:
    """u @ solve(X, u), u @ (inv(X) @ u), (u @ inv(X)) @ u."""
    if len(shape_of(x)) != 1 or len(shape_of(y)) != 1:
        return None
    for u, v in ((x, y), (y, x)):
        X = None
        if is_op(v, "solve") and v.inputs[1] is u:
            X = v.inputs[0]
        elif is_op(v, "matmul"):
            held = any(i is u for i in v.inputs)
            X = next((i.inputs[0] for i in v.inputs if held and is_op(i, "inv")), None)
        if X is not None and (b.varies(X) or b.varies(u)) and is_definite(b, X):
            return b.plain(FRACTION, u, X)
    return None


# --- eigenvalues and singular values ----------------------------------------------------------------------------------


def eigenvalues_of(x: Value):
    """The matrix of which x holds all eigenvalues, or None."""
    if is_op(x, "item") and x.params["number"] == 0 and is_op(x.inputs[0], "eigh") and len(x.shape) == 1:
        return x.inputs[0].inputs[0]
    return None


def _chain(x: Value):
    """(what is sliced, places of it) of slices of eigenvalues or singular values."""
    chain = slices(x)
    values = chain[-1].inputs[0] if chain else x
    if eigenvalues_of(values) is not None or is_op(values, "svdvals") and len(values.shape) == 1:
        return values, placed(chain, np.arange(values.size))
    return None


def _picked(b: Build, x: Value) -> Value | None:
    """The sum of the entries of x, where they are largest (or least) eigenvalues, or largest singular values."""
    found = _chain(x)
    if found is None or not b.varies(found[0]):
        return None
    values, held = found[0], np.sort(np.ravel(found[1])).tolist()
    k, m = len(held), values.size
    if is_op(values, "svdvals"):
        return b.plain(LARGEST_SINGULAR, values.inputs[0], k=k) if k and held == list(range(k)) else None
    X = _symmetric(b, values.inputs[0].inputs[0], values.inputs[0].params["uplo"])
    if k and held == list(range(m - k, m)):
        return b.plain(LARGEST_EIGENVALUES, X, k=k)
    if k and held == list(range(k)):
        return b.op("negative", b.plain(LARGEST_EIGENVALUES, b.op("negative", X), k=k))
    return None


def _symmetric(b: Build, X: Value, uplo: str) -> Value:
    """What eigh reads: one triangle, mirrored."""
    if is_symmetric(b, X):
        return X
    n = shape_of(X)[0]
    below = np.tri(n, k=-1, dtype=bool)
    half = b.op("where", below if uplo == "L" else below.T, X, 0.0)
    diagonal = b.op("where", np.eye(n, dtype=bool), X, 0.0)
    return b.op("add", b.op("add", half, b.op("transpose", half, perm=(1, 0))), diagonal)


@pattern("sum")
def _sum_of_values(b: Build, x: Value, axis: tuple[int, ...], keepdims: bool) -> Value | None:
    return _picked(b, x) if b.varies(x) and len(axis) == len(shape_of(x)) and not keepdims else None


@pattern("getitem")
def _one_value(b: Build, x: Value, index: Static) -> Value | None:
    found = _chain(x) if b.varies(x) else None
    if found is None or np.shape(PRIMITIVES["getitem"].evaluate(found[1], index=index)) != ():
        return None
    return _picked(b, b.plain("getitem", x, index=index))


def _end(place: int):
    def rule(b: Build, x: Value, axis: tuple[int, ...], keepdims: bool) -> Value | None:
        if not b.varies(x) or keepdims or _chain(x) is None or len(shape_of(x)) != 1:
            return None
        descending = is_op(_chain(x)[0], "svdvals")
        spots = np.ravel(_chain(x)[1])
        spot = int(spots.min() if (place == -1) == descending else spots.max())
        return b.op("getitem", _chain(x)[0], index=Static((spot,)))
    return rule


pattern("max")(_end(-1))            # asked before those of vectors: `recognise` imports this file first
pattern("min")(_end(0))


@pattern("nuclear_norm")
def _nuclear(b: Build, x: Value) -> Value | None:
    return b.plain(LARGEST_SINGULAR, x, k=min(shape_of(x))) if b.varies(x) and _is_matrix(x) else None


# --- branches that the facts settle -----------------------------------------------------------------------------------


def _is_positive(b: Build, x: Value) -> bool:
    """Eigenvalues of a definite matrix, and its determinant."""
    if is_op(x, "negative") and is_op(x.inputs[0], LARGEST_EIGENVALUES):
        minus = x.inputs[0].inputs[0]
        return is_op(minus, "negative") and is_definite(b, minus.inputs[0])
    if is_op(x, LARGEST_EIGENVALUES) or is_op(x, "det"):
        return is_definite(b, x.inputs[0])
    found = _chain(x)
    return found is not None and eigenvalues_of(found[0]) is not None and is_definite(b, eigenvalues_of(found[0]))


def _compared(larger: int):
    """λ compared with 0; `larger` is the number of the argument that is asked to be the larger one."""
    def rule(b: Build, *pair: Value) -> Value | None:
        for number in (0, 1):
            value, zero = pair[number], pair[1 - number]
            if is_number(zero) and zero == 0 and _is_positive(b, value):
                return np.full(shape_of(value), number == larger)[()]
        return None
    return rule


pattern("greater", "greater_equal")(_compared(0))
pattern("less", "less_equal")(_compared(1))


@pattern("all", "any")
def _all_known(b: Build, x: Value, **params) -> Value | None:
    return PRIMITIVES["all"].evaluate(x, **params) if _is_truth(x) and (np.all(x) or not np.any(x)) else None


@pattern("guard")
def _passed(b: Build, x: Value, expected: Static) -> Value | None:
    return x if _is_truth(x) and np.array_equal(x, expected.value) else None


def _is_truth(x: Value) -> bool:
    return isinstance(x, (np.ndarray, np.bool_)) and is_constant(x)


@pattern("where")
def _chosen(b: Build, c: Value, x: Value, y: Value) -> Value | None:
    if _is_truth(c) and (np.all(c) or not np.any(c)):
        return b.broadcast(x if np.all(c) else y, np.broadcast_shapes(*map(shape_of, (c, x, y))))
    return None
