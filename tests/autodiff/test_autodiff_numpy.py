"""Plain NumPy, row by row: what NumPy gives, in its shape and dtype, and right derivatives to second order."""

import numpy as np
import pytest
import scipy.sparse
import scipy.special as sp
from scipy.special import logsumexp

import autodiff as ad
from autodiff.primitive import FUNCTIONS, UFUNCS

V = np.array([0.7, -1.2, 0.4])
M = np.array([[0.5, -1.0, 2.0], [1.5, 0.3, -0.7]])
T = np.random.default_rng(1).standard_normal((2, 3, 4))
S = np.array([[2.0, 0.3, -0.5], [0.1, 1.5, 0.4], [-0.2, 0.6, 3.0]])
D = S @ S.T + np.eye(3)
MASK = np.array([[True, False, True], [True, True, False]])
SPARSE = np.array([[1.0, 0.0, -2.0], [0.0, 0.5, 0.0], [0.0, 0.0, 0.0], [3.0, 0.0, 1.0]])
POINT = np.float64(0.8)


def rows(table: dict) -> dict:
    """ids and values of a table {name: (f, *args)}; a plain f is taken at M."""
    return {"argvalues": [v if isinstance(v, tuple) else (v, M) for v in table.values()], "ids": list(table)}


def same_as_numpy(f, *args) -> None:
    """The recorded value, and that of generated code, are f's own; derivatives agree with differences to order 2."""
    expected, recorded = f(*args), ad.trace(f, *args)
    leaves = ad.pytree.flatten(expected)[0]
    assert len(leaves) == len(recorded.result)
    for truth, made in zip(leaves, recorded.result, strict=True):
        assert np.shape(made) == np.shape(truth) and np.asarray(made).dtype == np.asarray(truth).dtype
        np.testing.assert_allclose(made, truth, rtol=1e-12, atol=1e-14)
    ad.check_grads(f, args, order=2, directions=1, rtol=2e-5)
    compiled_like_eager(f, *args)


def compiled_like_eager(f, *args) -> None:
    """Gradient and Hessian action of a weighted sum of f's outputs, by generated code and by the interpreter."""
    shapes = [np.shape(leaf) for leaf in ad.pytree.flatten(f(*args))[0]]
    weights = [np.cos(np.arange(np.prod(shape, dtype=int)) + 1.0).reshape(shape) for shape in shapes]

    def scalar(p):
        return sum(np.sum(w * y) + 0.1 * np.sum(y * y) for w,
                   y in zip(weights, ad.pytree.flatten(f(*p))[0], strict=True))

    fast, slow = ad.compile(scalar), ad.compile(scalar, eager=True)
    for scale in (1.0, 0.99, 1.01):
        p = tuple(a * scale for a in args)
        value, grad, hv = fast.linearize_grad(p)
        again, slow_grad, slow_hv = slow.linearize_grad(p)
        np.testing.assert_allclose(value, scalar(p), rtol=1e-12)
        np.testing.assert_allclose(fast(p), value, rtol=1e-12)
        for a, b in zip((*grad, *fast.grad(p), *hv(args)), (*slow_grad, *slow.grad(p), *slow_hv(args)), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-10)
    assert fast.report.mode == "compiled", fast.report


# --- elementwise ------------------------------------------------------------------------------------------------------

INSIDE = {np.arccosh: 1.0 + np.abs(M), np.arcsin: M / 3, np.arccos: M / 3, np.arctanh: M / 3, sp.logit: 0.5 + M / 5,
          sp.ndtri: 0.5 + M / 5, **dict.fromkeys((np.log, np.log2, np.log10, np.log1p, np.sqrt, sp.gammaln, sp.gamma,
                                                  sp.digamma,
                                                 sp.entr), np.abs(M))}
PIECEWISE = (np.floor, np.ceil, np.trunc, np.rint, np.sign, np.floor_divide, np.heaviside, np.spacing, np.bitwise_and,
             np.bitwise_or, np.bitwise_xor, np.invert, np.matmul, np.left_shift, np.right_shift, np.gcd, np.lcm,
             np.ldexp,
             np.nextafter)
SMOOTH = [u for u in UFUNCS if u in vars(np).values() and u not in PIECEWISE and "?" not in {t[-1] for t in u.types}]


@pytest.mark.parametrize("ufunc", [u for u in SMOOTH if u.nin == 1], ids=lambda u: u.__name__)
def test_unary_ufuncs(ufunc):
    at = INSIDE.get(ufunc, M)
    for x in (at, at[0, 0], at[:1, None]):
        same_as_numpy(ufunc, x)


@pytest.mark.parametrize("ufunc", [u for u in SMOOTH if u.nin == 2], ids=lambda u: u.__name__)
def test_binary_ufuncs_broadcast(ufunc):
    left, right = np.abs(M) + 0.21, np.array([[0.9], [2.3]])
    for a, b in ((left, right), (left[0], right), (left[0, 0], right[:, 0]), (right[0, 0], left[0, 0])):
        same_as_numpy(ufunc, a, b)
    same_as_numpy(lambda x: ufunc(x, 1.7) + ufunc(2.5, x), left)
    same_as_numpy(lambda x: ufunc(x, right) * ufunc(right, x[0]), left)


def test_every_differentiable_ufunc_of_numpy_has_a_row_or_an_answer():
    real = {u for u in vars(np).values() if isinstance(u, np.ufunc) and any(
        t.partition("->")[0] in ("d", "dd") for t in u.types)}
    assert not [u.__name__ for u in real if u not in UFUNCS and (u, "__call__") not in FUNCTIONS]


@pytest.mark.parametrize("f", (np.floor, np.ceil, np.trunc, np.rint, np.sign, np.isfinite, np.signbit, np.round,
                               lambda x: x > 0.1, lambda x: x // 0.3, lambda x: np.argsort(x),
                               lambda x: np.heaviside(x, 0.5), np.argmax, np.isnan,
                               lambda x: (x > 0) & ~(x > 0.5) | (x < -1), lambda x: np.logical_and(x > 0, x < 1),
                               np.any, np.all, lambda x: np.count_nonzero(x > 0), lambda x: x.argmin(),
                               lambda x: (x > 0) + (x > 0.5)))
def test_piecewise_constant_functions_are_factors(f):
    truth = np.cos(V) * np.mean(f(V))

    def g(x):
        return np.sum(np.sin(x)) * np.mean(f(x))
    fun = ad.compile(g)
    for _ in range(3):
        value, grad = fun.value_and_grad(V + 1e-9 * _)
        np.testing.assert_allclose(value, g(V), rtol=1e-6)
        np.testing.assert_allclose(grad, truth, rtol=1e-6)


# --- reductions -------------------------------------------------------------------------------------------------------

REDUCTIONS = (np.sum, np.mean, np.prod, np.max, np.min, np.var, np.std, np.amax, np.amin)
AXES = (None, 0, -1, 1, (0, 2), (1, 0, 2), (-1, 0))


@pytest.mark.parametrize("f", REDUCTIONS, ids=lambda f: f.__name__)
def test_reductions(f):
    for axis in AXES:
        for keepdims in (False, True):
            same_as_numpy(lambda x, a=axis, k=keepdims: f(x, axis=a, keepdims=k), T)
    for x in (V, T[:, :1], T[:1, :1]):
        same_as_numpy(lambda x: f(x, axis=0) if f is not np.std or x.shape[0] > 1 else f(x), x)
    if f is not np.std:
        same_as_numpy(lambda x: f(x) * f(x[1]), V)


MASKED = {
    "sum": lambda x: np.sum(x, axis=0, where=MASK), "mean": lambda x: np.mean(x, axis=1, where=MASK, keepdims=True),
    "mean all": lambda x: np.mean(x, where=MASK), "var": lambda x: np.var(x, where=MASK, ddof=1),
    "prod": lambda x: np.prod(x, where=MASK, axis=1), "std": lambda x: np.std(x, axis=1, where=MASK),
    "max": lambda x: np.max(x, axis=0, where=MASK, initial=-5.0), "min": lambda x: np.min(x, where=MASK, initial=0.4),
    "traced mask": lambda x: np.sum(x * x, where=x > 0), "broadcast mask": lambda x: np.sum(x, axis=0,
        where=MASK[:, :1]), "initial": lambda x: np.sum(x, initial=3.0) * np.prod(x, initial=2),
    "traced initial": lambda x: np.max(x, axis=1, initial=0.4) * np.max(x[0] - 4.0, initial=0.0)}
SPREADS = {
    "var ddof": lambda x: np.var(x, axis=1, ddof=1), "var correction": lambda x: np.var(x, axis=0, correction=1),
    "std ddof keepdims": lambda x: np.std(x, axis=-1, ddof=1, keepdims=True),
    "var mean": lambda x: np.var(x, mean=np.mean(x)), "average": lambda x: np.average(x, axis=1,
        weights=[1.0, 2.0, 0.5]), "average plain": lambda x: np.average(x),
    "traced weights": lambda x: np.average(M * 2, axis=1, weights=np.exp(x[0])), "ptp": lambda x: np.ptp(x, axis=1),
    "returned": lambda x: np.average(x, axis=0, weights=x ** 2, returned=True), "mean of slice": lambda x: x[1:].mean()}
SCANS = {
    "cumsum": np.cumsum, "cumsum 0": lambda x: np.cumsum(x, 0), "cumsum -1": lambda x: np.cumsum(x, axis=-1),
    "cumprod": np.cumprod, "cumprod 1": lambda x: np.cumprod(x, axis=1), "add.accumulate": np.add.accumulate,
    "cumprod of zero": (np.cumprod, np.array([2.0, 0, 3, 0, 1])),
    "multiply.accumulate": lambda x: np.multiply.accumulate(x, 1), "diff": np.diff,
    "diff 2": (lambda x: np.diff(x, 2, axis=1), T), "diff ends": lambda x: np.diff(x, prepend=0.0, append=x[:, :1]),
    "prod of one zero": (np.prod, np.array([2.0, 0.0, 3.0])),
    "prod of two zeros": (np.prod, np.array([2.0, 0.0, 0.0, 1.5])), "method": lambda x: x.cumsum(1) * x.cumprod(axis=0)}
UFUNC_METHODS = {
    "add.reduce": lambda x: np.add.reduce(x), "add.reduce axis": lambda x: np.add.reduce(x, axis=(0, 1), keepdims=True),
    "multiply.reduce": lambda x: np.multiply.reduce(x, axis=1),
    "maximum.reduce": lambda x: np.maximum.reduce(x, axis=None), "minimum.reduce": lambda x: np.minimum.reduce(x),
    "logaddexp.reduce": lambda x: np.logaddexp.reduce(x, axis=1), "outer": lambda x: np.multiply.outer(x[0], x),
    "add.outer": lambda x: np.add.outer(V, x), "subtract.outer": lambda x: np.subtract.outer(x, V)}
LOGSUMEXP = {
    "early": lambda x: logsumexp(x), "early axis": lambda x: logsumexp(x, axis=1),
    "module": lambda x: sp.logsumexp(x, axis=0, keepdims=True), "weights": lambda x: logsumexp(x, b=np.abs(M)),
    "traced weights": lambda x: sp.logsumexp(V, b=x ** 2, axis=-1),
    "list": lambda x: logsumexp([x[0, 0], x[1, 2], 0.5]), "large": (lambda x: logsumexp(x + 800.0), V),
    "axes": (lambda x: logsumexp(x, (0, 2)), T), "scalar": (lambda x: logsumexp(x) * x, POINT),
    "softmax": lambda x: sp.softmax(x, axis=1), "softmax all": lambda x: sp.softmax(3 * x),
    "log_softmax": lambda x: sp.log_softmax(x, axis=0)}


@pytest.mark.parametrize("case", **rows(MASKED | SPREADS | SCANS | UFUNC_METHODS))
def test_masks_spreads_and_scans(case):
    same_as_numpy(*case)


@pytest.mark.parametrize("case", **rows(LOGSUMEXP))
def test_logsumexp_bound_early_and_late(case):
    same_as_numpy(*case)


# --- products ---------------------------------------------------------------------------------------------------------


def _array(*shape):
    return np.sin(np.arange(1.0, 1.0 + np.prod(shape, dtype=int)) ** 2).reshape(shape)


MATMULS = [((3,), (3,)), ((3,), (3, 2)), ((2, 3), (3,)), ((2, 3), (3, 4)), ((3,), (2, 3, 4)), ((2, 3), (5, 3, 4)),
           ((5, 2, 3), (3,)), ((5, 2, 3), (3, 4)), ((5, 2, 3), (5, 3, 4)), ((1, 2, 3), (5, 3, 4)),
           ((5, 2, 3), (1, 3, 4)), ((2, 1, 2, 3), (5, 3, 2)), ((1, 1), (1, 4)), ((2, 1), (1,)), ((1,), (1, 1, 3)),
           ((2, 2, 1, 3), (3,)), ((3,), (1, 2, 3, 1))]


@pytest.mark.parametrize("left, right", MATMULS)
def test_matmul_of_every_pair_of_ranks(left, right):
    a, b = _array(*left), _array(*right)
    same_as_numpy(lambda a, b: a @ b, a, b)
    same_as_numpy(lambda a: np.matmul(a, b), a)
    same_as_numpy(lambda b: a @ b, b)


DOTS = [((), ()), ((), (2, 3)), ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 2)), ((2, 2, 3), (3,)),
        ((2, 3), (2, 3, 2)), ((3,), (2, 3, 2))]


@pytest.mark.parametrize("left, right", DOTS)
def test_dot(left, right):
    a, b = _array(*left), _array(*right)
    same_as_numpy(np.dot, a, b)
    if left:
        same_as_numpy(lambda a: a.dot(b), a)


PRODUCTS = {
    "outer": (np.outer, V, M), "inner": (np.inner, M, M + 1), "inner 1d": (np.inner, V, V * 2),
    "inner 3d": (np.inner, _array(2, 2, 3), M), "vdot": (np.vdot, M, M + 1),
    "tensordot": (lambda a, b: np.tensordot(a, b, 1), M, T.transpose(1, 0, 2)), "kron": (np.kron, M, V),
    "tensordot axes": (lambda a, b: np.tensordot(a, b, axes=((1, 0), (0, 1))), T[:, :, 0], T.transpose(1, 0, 2)),
    "trace": (np.trace, S), "tensordot negative": (lambda a, b: np.tensordot(a, b, axes=(-1, 0)), M, S),
    "tensordot 0": (lambda a, b: np.tensordot(a, b, 0), V, M), "cross": (np.cross, M, V),
    "matrix_power": (lambda a: np.linalg.matrix_power(a, 3), S),
    "multi_dot": (lambda a, b: np.linalg.multi_dot([a, b, V]), M, S),
    "power -2": (lambda a: np.linalg.matrix_power(a, -2), S), "same twice": (lambda x: x @ x.T @ x, M),
    "quadratic": (lambda x: x @ S @ x, V)}
EINSUMS = {
    "implicit": ("ij,jk", M, S), "explicit": ("ij,jk->ki", M, S), "implicit order": ("ba", M), "sum": ("ij->", M),
    "rows": ("ij->i", M), "transpose": ("ij->ji", M), "identity": ("ij->ij", M), "trace": ("ii", S),
    "diagonal": ("ii->i", S), "diagonal of three": ("iji->j", T[:, :, :2]), "all same": ("iii", _array(2, 2, 2)),
    "inner": ("i,i", V, V + 1), "outer": ("i,j", V, V + 1), "hadamard": ("ij,ij->ij", M, M + 1),
    "batch": ("...ij,...jk->...ik", T, _array(2, 4, 2)),
    "stretched batch": ("...ij,...jk->...ik", _array(1, 2, 3), _array(4, 3, 2)),
    "ellipsis implicit": ("...ij,jk", T, _array(4, 2)), "ellipsis only": ("...,...", M, V),
    "trace ellipsis": ("...ii", _array(2, 3, 3)),
    "three": ("ij,jk,k->i", M, S, V), "bilinear": ("i,ij,j", V, S, V + 1), "ellipsis order": ("i...->...i", T),
    "length one": ("ij,jk->ik", _array(2, 1), S), "lost letter": ("ij,k->k", M, V), "spaces": (" ij , jk -> ik ", M, S),
    "scalar": (",i->i", POINT, V), "repeated in one of two": ("ii,i->i", S, V),
    "ellipsis of unlike rank": ("...i,...i->...", T, _array(3, 4))}


@pytest.mark.parametrize("case", **rows(PRODUCTS))
def test_products(case):
    same_as_numpy(*case)


@pytest.mark.parametrize("case", **rows(EINSUMS))
def test_einsum(case):
    spec, *operands = case
    same_as_numpy(lambda *a: np.einsum(spec, *a), *operands)
    first, *rest = operands
    same_as_numpy(lambda a: np.einsum(spec, a, *rest), first)
    if len(operands) == 2 and operands[0].shape == operands[1].shape:
        same_as_numpy(lambda a: np.einsum(spec, a, a), first)


SPARSE_TYPES = [kind for kind in (scipy.sparse.csr_matrix, scipy.sparse.csr_array, scipy.sparse.csc_matrix,
                                  scipy.sparse.csc_array, scipy.sparse.coo_array, scipy.sparse.dia_array,
                                  scipy.sparse.bsr_array)]


@pytest.mark.parametrize("kind", SPARSE_TYPES, ids=lambda kind: kind.__name__)
def test_sparse_products(kind):
    a = kind(SPARSE)
    long, wide = np.array([0.3, -1.0, 2.0, 0.7]), np.cos(np.arange(8.0)).reshape(4, 2)
    for f, x in ((lambda x: a @ x, V), (lambda x: a.T @ x, long), (lambda x: x @ a, long), (lambda x: x @ a.T, V),
                 (lambda x: a @ x, M.T), (lambda x: a.T @ x, wide), (lambda x: x @ a, wide.T),
                 (lambda x: M @ a.T @ x, wide), (lambda x: np.tanh(a @ x) @ (a @ (2 * x)), V),
                 (lambda x: a.T @ np.exp(a @ x), V)):
        same_as_numpy(f, x)
    with pytest.raises((ad.TraceError, NotImplementedError), match="sparse"):          # SciPy's own refusal
        ad.grad(lambda x: np.sum((a + x[0]) @ V))(V)


@pytest.mark.parametrize("kind", (scipy.sparse.csr_array, scipy.sparse.csc_array))
def test_sparse_matrices_are_held_by_reference(kind):
    a, x = kind(SPARSE), np.array([1.0, -2.0, 0.5])
    fun = ad.compile(lambda x: 0.5 * np.sum((a @ x) ** 2))
    for k in range(3):
        fun.value_and_grad(x + k)
    for change in (2.0, np.array([1.0, -1, 1, -1, 1]), 0.0):
        a.data *= change
        dense = a.toarray()
        value, grad = fun.value_and_grad(x)
        np.testing.assert_allclose(value, 0.5 * np.sum((dense @ x) ** 2))
        np.testing.assert_allclose(grad, dense.T @ dense @ x)


# --- layout -----------------------------------------------------------------------------------------------------------

LAYOUT = {
    "reshape": lambda x: x.reshape(3, 2), "reshape -1": lambda x: np.reshape(x, (-1,)),
    "reshape F": lambda x: x.reshape(3, 2, order="F"), "ravel": np.ravel, "flatten": lambda x: x.flatten(),
    "T": lambda x: x.T, "transpose": (lambda x: np.transpose(x, (2, 0, 1)), T),
    "method transpose": (lambda x: x.transpose(1, 0, 2), T), "mT": (lambda x: x.mT @ x, T),
    "transposes": (lambda x: x.transpose(1, 2, 0).transpose(1, 0, 2) * x.transpose(2, 0, 1).transpose(0, 2, 1), T),
    "swapaxes": (lambda x: x.swapaxes(0, -1), T), "moveaxis": (lambda x: np.moveaxis(x, (0, 1), (-1, 0)), T),
    "expand_dims": lambda x: np.expand_dims(x, (0, 2)), "squeeze": lambda x: x[None].squeeze(),
    "squeeze axis": lambda x: np.squeeze(x[:, None], axis=1), "broadcast_to": lambda x: np.broadcast_to(x, (4, 2, 3)),
    "atleast_1d": (np.atleast_1d, POINT), "atleast_2d": (np.atleast_2d, V),
    "concatenate": lambda x: np.concatenate([x, 2 * x, np.ones((2, 3))]),
    "concatenate 1": lambda x: np.concatenate((x, x), axis=1),
    "concatenate flat": lambda x: np.concatenate([x, V], axis=None), "stack": lambda x: np.stack([x, x * x], axis=1),
    "stack -1": lambda x: np.stack([x[0], V, x[1]], -1), "hstack": lambda x: np.hstack([x, x[:, :1]]),
    "hstack 1d": (lambda x: np.hstack([x, 1.0, x[0]]), V), "vstack": lambda x: np.vstack([x, V, x[0] * 2]),
    "column_stack": (lambda x: np.column_stack([x, V, x * x]), V), "flip": np.flip,
    "flip axis": lambda x: np.flip(x, 1), "roll": lambda x: np.roll(x, 2),
    "roll axis": lambda x: np.roll(x, -1, axis=1), "tile": lambda x: np.tile(x, (2, 1)),
    "repeat": lambda x: np.repeat(x, 2, axis=0), "repeat counts": (lambda x: np.repeat(x, [1, 0, 2]), V),
    "tril": (np.tril, S), "triu": (lambda x: np.triu(x, 1), S), "diag": (np.diag, S),
    "diag of vector": (lambda x: np.diag(x, 1), V), "diagonal": lambda x: np.diagonal(x, 1),
    "sort": (np.sort, np.array([3.0, -1.0, 2.0])), "where": lambda x: np.where(MASK, x, 2.0),
    "where traced": lambda x: np.where(x > 0, x ** 2, -x), "clip": lambda x: np.clip(x, -0.8, 1.2),
    "clip method": lambda x: x.clip(max=1.0), "copy": lambda x: np.copy(x) * x.copy(),
    "full_like": lambda x: np.full_like(x, 2.0) * x, "ones_like": lambda x: np.ones_like(x) + x,
    "full": lambda x: np.full((2, 2), x[0, 1]), "sinc": np.sinc,
    "broadcast_arrays": lambda x: np.broadcast_arrays(x, V)[1] * np.broadcast_arrays(x[:, :1], V)[0] * x,
    "nan_to_num": lambda x: np.nan_to_num(x), "conj": lambda x: x.conj()}
BUILD = {
    "vector": lambda x: np.array([x[0, 0], x[1, 1] * x[0, 2], 3.0]),
    "matrix": lambda x: np.array([[x[0, 0], 1], [0, x[1, 2]]]), "rows": lambda x: np.array([x[0], x[1] * 2, V]),
    "tuple": lambda x: np.array((x[0, 0], x[0, 1])), "one": lambda x: np.array([x[0, 0]]),
    "of array": lambda x: np.array(x) * 2, "nested deep": lambda x: np.array([[[x[0, 0]], [x[0, 1]]]]),
    "asarray": lambda x: np.asarray(x) + np.asarray([x[0, 0], 1.0, 2.0]), "ndmin": lambda x: np.array(x[0], ndmin=3),
    "dtype": lambda x: np.array([x[0, 0], 2], dtype=float),
    "comprehension": lambda x: np.array([np.sum(row) for row in x]),
    "stack of scalars": lambda x: np.stack([x[0, 0], x.sum()]), "zeros": lambda x: _filled(np.zeros(3), x),
    "empty": lambda x: _filled(np.empty(3), x), "zeros_like": lambda x: _filled(np.zeros_like(x[0]), x),
    "loop": lambda x: _accumulate(x), "python sum": lambda x: sum(x[0]) * max(x[1])}


def _filled(out, x):
    for i in range(3):
        out[i] = x[0, i] * x[1, 2 - i]
    out[1:] += x[1, :2]
    out[:2] *= 2
    return out


def _accumulate(x):
    state = np.ones(3)
    for row in x:
        state = state * row + row ** 2
    return state


INDEX = {
    "int": lambda x: x[1], "negative": lambda x: x[-1, -2], "pair": lambda x: x[0, 1], "slice": lambda x: x[:, 1:],
    "step": lambda x: x[:, ::-2], "none": lambda x: x[None, :, None], "ellipsis": (lambda x: x[..., 1], T),
    "mixed": (lambda x: x[1, ..., ::2], T), "list": lambda x: x[[0, 1, 0]],
    "array": lambda x: x[:, np.array([2, 0, 0, 1])], "two arrays": lambda x: x[[0, 1, 1], [2, 0, 2]],
    "broadcast arrays": lambda x: x[[[0], [1]], [0, 2]], "apart": (lambda x: x[[0, 1], :, [1, 3]], T),
    "mask": lambda x: x[MASK], "mask row": lambda x: x[:, [True, False, True]],
    "mask and int": (lambda x: x[0, MASK[0]], T), "traced mask": lambda x: x[x > 0],
    "take": lambda x: np.take(x, [0, 2], axis=1), "take flat": lambda x: x.take([5, 0, 0]),
    "negative array": lambda x: x[:, [-1, -2]], "argmax": lambda x: x[0, np.argmax(x[0])],
    "argsort": (lambda x: x[np.argsort(x)], V), "iteration": lambda x: [row * 2 for row in x],
    "unpacking": lambda x: (lambda a, b: a * b)(*x), "0d none": (lambda x: x[None] * x[..., None], POINT),
    "0d empty": (lambda x: x[()] ** 2, POINT), "empty slice": lambda x: np.sum(x[:0]) + x[0],
    "item": lambda x: x.item(0, 1) * x.item(5), "slice of slice": lambda x: x[:, 1:][:, 1:] * x[:, :1]}


@pytest.mark.parametrize("case", **rows(LAYOUT | BUILD | INDEX))
def test_layout_building_and_indexing(case):
    same_as_numpy(*case)


# --- in-place writes follow NumPy's sharing of memory -----------------------------------------------------------------


def _view_write(x):
    y = x * 2
    y[0][1:] = x[1, :2] ** 2
    y.reshape(-1)[0] += 1.5 * x[0, 0]
    y.T[2] *= x[0, :2]
    return y


def _copies(x):
    y = x * 2
    a, b, c = np.array(y), np.concatenate([y]), y.copy()
    a[0], b[1], c[0, 0] = 0.0, 7.0, x[1, 1] ** 2
    return [y, a, b, c]


def _aliases(x):
    y = x * 2
    a, b, c = np.asarray(y), y.reshape(3, 2), y[:, ::2]
    a[0, 0] = x[1, 1] ** 2
    b[2] *= 3.0
    c[...] += x[:, 1:]
    return [y, a, b, c]


def _argument(x):
    z = np.array(x)
    z[0] = x[1] ** 2
    return z * x


def _fancy_write(x):
    out = np.zeros(4)
    out[[0, 2]] = x[0, :2]
    out[np.array([True, True, False, False])] += x[1, 1:]
    return out


def _shift(x):
    y = np.sin(x[0])
    y[1:] = y[:-1]
    y[:-1] += y[1:] * x[1, :2]
    return y


@pytest.mark.parametrize("f", (_view_write, _copies, _aliases, _argument, _fancy_write, _shift))
def test_in_place_writes(f):
    same_as_numpy(f, M)


# --- linear algebra ---------------------------------------------------------------------------------------------------

BATCH = np.stack([S, D / 3])
LINALG = {
    "solve": (np.linalg.solve, S, V), "solve matrix": (np.linalg.solve, S, M.T),
    "solve batch": (np.linalg.solve, BATCH, _array(2, 3, 2)), "solve one right": (np.linalg.solve, BATCH, M.T),
    "solve one left": (np.linalg.solve, S, _array(2, 3, 2)), "solve batch vector": (np.linalg.solve, BATCH, V),
    "solve only A": (lambda a: np.linalg.solve(a, V), S), "solve only b": (lambda b: np.linalg.solve(S, b), V),
    "inv": (np.linalg.inv, S),
    "inv batch": (np.linalg.inv, BATCH), "det": (np.linalg.det, S), "det batch": (np.linalg.det, BATCH),
    "det 1": (np.linalg.det, np.array([[2.5]])), "det 2": (np.linalg.det, S[:2, :2]),
    "det singular": (np.linalg.det, np.outer(V, [1.0, 2, 3]) + np.outer([1.0, 0, 2], V)),
    "det rank one": (np.linalg.det, np.outer(V, [1.0, 2, 3])), "det negative": (np.linalg.det, S[::-1].copy()),
    "slogdet": (lambda a: np.linalg.slogdet(a)[1], S), "slogdet batch": (lambda a: np.linalg.slogdet(a)[1], BATCH),
    "slogdet names": (lambda a: np.linalg.slogdet(a).logabsdet * np.linalg.slogdet(a).sign, S[::-1].copy()),
    "cholesky": (np.linalg.cholesky, D), "cholesky upper": (lambda a: np.linalg.cholesky(a, upper=True), D),
    "cholesky batch": (np.linalg.cholesky, np.stack([D, np.eye(3) + D / 9])), "eigvalsh": (np.linalg.eigvalsh, D),
    "eigvalsh upper": (lambda a: np.linalg.eigvalsh(a, UPLO="U"), D),
    "eigvalsh batch": (np.linalg.eigvalsh, np.stack([D, S + S.T])),
    "eigh projector": (lambda a: np.linalg.eigh(a)[1][:, :1] ** 2, D),
    "eigh names": (lambda a: np.linalg.eigh(a).eigenvalues ** 2, D),
    "trace inv": (lambda a: np.trace(np.linalg.inv(a) @ D), S)}
NORMS = {f"{name} {ord}": (lambda x, o=ord: np.linalg.norm(x, o), at) for name, at, orders in (
    ("vector", V, (None, 1, 2, 3, 1.5, 0.5, np.inf, -np.inf, -1, -2)),
    ("matrix", M, (None, "fro", 1, -1, 2, np.inf, -np.inf))) for ord in orders} | {
    "axis": lambda x: np.linalg.norm(x, axis=1), "axis keepdims": lambda x: np.linalg.norm(x, axis=0, keepdims=True),
    "axis inf": lambda x: np.linalg.norm(x, np.inf, axis=-1), "axis 3": lambda x: np.linalg.norm(x, 3, axis=1),
    "axes reversed 1": lambda x: np.linalg.norm(x, 1, axis=(1, 0)),
    "axes reversed inf": lambda x: np.linalg.norm(x, np.inf, axis=(1, 0), keepdims=True),
    "axes of three": (lambda x: np.linalg.norm(x, 1, axis=(0, 2)), T),
    "axes of three fro": (lambda x: np.linalg.norm(x, "fro", axis=(2, 0), keepdims=True), T),
    "all of three": (lambda x: np.linalg.norm(x), T),
    "axes of three inf": (lambda x: np.linalg.norm(x, -np.inf, axis=(2, 1)), T),
    "2 keepdims": lambda x: np.linalg.norm(x, 2, keepdims=True)}


@pytest.mark.parametrize("case", **rows(LINALG | NORMS))
def test_linear_algebra(case):
    same_as_numpy(*case)


def test_eigvalsh_at_repeated_eigenvalues():
    """First derivatives of their sum; second ones mix the vectors of one value: none, unless the direction does not."""
    assert np.isnan(ad.hvp(lambda a: np.sum(np.linalg.eigvalsh(a) ** 2), np.eye(3), D)[0, 0])
    diagonal = ad.hvp(lambda a: np.sum(np.linalg.eigvalsh(a) ** 2), np.eye(3), np.diag(V))
    np.testing.assert_allclose(diagonal, 2 * np.diag(V), atol=1e-14)
    np.testing.assert_allclose(ad.grad(lambda a: np.sum(np.linalg.eigvalsh(a)))(np.eye(3)), np.eye(3))


# --- methods ----------------------------------------------------------------------------------------------------------

METHODS = {
    "sum": lambda x: x.sum(), "sum axis": lambda x: x.sum(axis=1, keepdims=True), "sum axes": lambda x: x.sum((0, 1)),
    "mean": lambda x: x.mean(0), "prod": lambda x: x.prod(-1), "max": lambda x: x.max(axis=1), "min": lambda x: x.min(),
    "var": lambda x: x.var(axis=0, ddof=1), "std": lambda x: x.std(1), "dot": lambda x: x.dot(V),
    "repeat": lambda x: x.repeat(2), "squeeze": lambda x: x[:1].squeeze(0), "trace": lambda x: x.trace(),
    "clip": lambda x: x.clip(-0.5, 0.6), "diagonal": lambda x: x.diagonal(),
    "astype": lambda x: x.astype(np.float64) * 2, "reshape tuple": lambda x: x.reshape((3, -1)),
    "abs": lambda x: abs(x), "pow": lambda x: x ** 2 + 2.0 ** x, "neg pos": lambda x: -x + +x * 3,
    "r ops": lambda x: (1 - x) * (2 + x) / (3 + x * x) + 1 / (4 + x * x),
    "array left": lambda x: M * x - M / (3 + x * x) + np.dot(V, x.T)[:, None],
    "list right": lambda x: x + [1.0, 2.0, 3.0], "divmod": lambda x: divmod(x + 9.1, 2.0)[1],
    "mod": lambda x: (x + 9.13) % 0.7, "iadd": lambda x: _augmented(x), "fill": lambda x: _fill(x),
    "round": lambda x: x.round(1) * x, "real": lambda x: x.real * x,
    "len": lambda x: x * len(x) * x.ndim * x.size * x.shape[1]}


def _augmented(x):
    y = x * 1.0
    y += 2 * x
    y *= x
    y -= V
    y /= 2.0
    y **= 2
    return y


def _fill(x):
    y = x * 2
    y[0].fill(x[1, 1])
    return y


@pytest.mark.parametrize("case", **rows(METHODS))
def test_methods_and_operators(case):
    same_as_numpy(*case)


# --- dtypes and memory ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("f", (lambda x: np.sum(x ** 2), lambda x: np.sum(np.sin(x) * x[::-1]) / 3,
                               lambda x: np.mean(np.exp(x)), lambda x: x[0] * x[1] + 1.0,
                               lambda x: np.linalg.norm(x) * np.max(x),
                               lambda x: (x * 2)[:1].reshape(()) * np.sum(np.exp(x + 1) * np.cos(x)),
                               lambda x: np.log(np.sum(np.exp(x))) + np.sum(np.where(x > 0, x, 0.0)),
                               lambda x: sp.logsumexp(x), lambda x: np.std(x)))
def test_float32_in_gives_float32_gradients(f):
    fun, linear = ad.compile(f), ad.compile(f)
    for k in range(3):
        x = np.array([0.3, -0.7, 1.1], dtype=np.float32) + np.float32(k) / 8
        wide = x.astype(np.float64)
        value, grad = fun.value_and_grad(x)
        hv = linear.linearize_grad(x)[2](np.ones(3, np.float32))
        assert grad.dtype == hv.dtype == np.float32
        np.testing.assert_allclose(value, f(wide), rtol=2e-6)
        np.testing.assert_allclose(grad, ad.grad(f)(wide), rtol=2e-5, atol=2e-6)
        np.testing.assert_allclose(hv, ad.hvp(f, wide, np.ones(3)), rtol=2e-4, atol=2e-5)
    assert fun.report.mode == "compiled"
    assert ad.vjp(f, x)[1](1.0).dtype == np.float32


def test_float32_with_float64_data():
    fun = ad.compile(lambda x: np.sum((M @ x) ** 2))
    for k in range(3):
        x = np.array([1.0, 2.0, k], dtype=np.float32)
        value, grad = fun.value_and_grad(x)
        assert grad.dtype == np.float32
        np.testing.assert_allclose(grad, 2 * M.T @ M @ x, rtol=1e-6)


def test_integers_are_promoted():
    for x in (np.arange(3), [1, 2, 3], np.array([True, False, True])):
        grad = ad.grad(lambda x: np.sum(np.asarray(x) ** 3))(np.asarray(x))
        assert grad.dtype == np.float64
        np.testing.assert_array_equal(grad, 3.0 * np.asarray(x, dtype=float) ** 2)
    fun = ad.compile(lambda x: x ** 2 * 3)
    assert [fun.value_and_grad(k)[1] for k in (1, 2, 3)] == [6.0, 12.0, 18.0]
    data = np.arange(6).reshape(2, 3)
    same_as_numpy(lambda x: data @ x + data[0, :2] * x.sum() + np.sum(data > x, axis=1).sum() + x[:2], V)


def test_results_never_alias_inputs_constants_or_one_another():
    c = np.arange(3.0)
    for f, truth in ((lambda x: 0.5 * x @ x, lambda x: x), (lambda x: c @ x, lambda x: c), (np.sum, np.ones_like),
                     (lambda x: np.sum(x.reshape(3, 1)), np.ones_like),
                     (lambda x: np.sum(np.einsum("i->i", x)), np.ones_like)):
        fun = ad.compile(f)
        x = np.array([1.0, 2.0, 4.0])
        for k in range(3):
            p = x + k
            value, grad, hv = fun.linearize_grad(p)
            v = np.ones(3)
            made = [grad, fun.grad(p), hv(v), hv(v)]
            for i, a in enumerate(made):
                assert a.flags.writeable and not any(np.shares_memory(a, b) for b in (p, c, v, *made[:i]))
                a[:] = np.nan
            p[:] = np.nan
            np.testing.assert_array_equal(fun.grad(x + k), truth(x + k))


def test_several_results_share_no_memory():
    c = np.arange(3.0)

    def f(x):
        y = np.exp(x)
        return {"input": x, "again": x, "part": x[1:], "constant": c, "own": y, "same": y, "view": y.reshape(3, 1),
                "row": y[:1], "spread": np.broadcast_to(np.sum(y), (2, 2)), "number": np.sum(y)}
    fun = ad.compile(f)
    for k in range(3):
        x = np.array([1.0, 2.0, 4.0]) + k
        out = fun(x)
        arrays = [x, c, *[v for v in out.values() if np.ndim(v)]]
        for i, a in enumerate(arrays):
            assert a.flags.writeable and not any(np.shares_memory(a, b) for b in arrays[:i])
        for key, truth in f(x).items():
            np.testing.assert_allclose(out[key], truth, rtol=1e-15)
    assert fun.report.mode == "compiled"


def test_hv_stays_valid_after_later_calls_and_changes_of_the_point():
    fun = ad.compile(lambda x: np.sum(np.sin(x) ** 3 * x[::-1]))
    x = np.array([0.3, 0.9, -0.4])
    for _ in range(3):
        p = x + _
        _, _, hv = fun.linearize_grad(p)
        expected = hv(np.ones(3)).copy()
        p[:] = 7.0
        fun.linearize_grad(x * 2)[2](np.ones(3))
        fun.grad(x)
        np.testing.assert_array_equal(hv(np.ones(3)), expected)


def test_fortran_and_strided_inputs():
    fun = ad.compile(lambda x: np.sum(np.exp(x) @ x.T) + np.sum(x.reshape(-1)[:3] * x[:, 0].sum()) + np.sum(x * x))
    wide = np.zeros((4, 6))
    wide[::2, ::2] = M
    for _ in range(3):
        expected = fun.grad(M)
        for p in (np.asfortranarray(M), wide[::2, ::2], M[::-1, ::-1].copy()[::-1, ::-1], M.copy()):
            np.testing.assert_allclose(fun.grad(p), expected, rtol=1e-14)
        fun.grad(M + _)


def test_peak_memory_is_that_of_plain_numpy():
    import tracemalloc

    def f(x):
        for _ in range(12):
            x = np.sin(x) * 0.9 + 0.1
        return np.sum(x)

    def peak(call, *args) -> float:
        tracemalloc.start()
        call(*args)
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size / x.nbytes

    x = np.linspace(0.0, 1.0, 200_000)
    fun = ad.compile(f)
    for k in range(3):
        fun(x + k)
        fun.value_and_grad(x + k)
    fun._entries[next(iter(fun._entries))].compiled[0]._programs[("value", False)]._pool.clear()
    assert peak(fun, x) <= peak(f, x) + 0.2                     # buffers of the value program: no more than temporaries
    assert peak(fun.value_and_grad, x) <= 1.2                   # a warm call makes the gradient it returns and no more
