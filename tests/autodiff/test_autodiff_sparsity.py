"""sparse_jacobian, sparse_hessian and the sparsity interpreter: exact patterns, never too few entries, never stale."""

import gc
import weakref

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse
import scipy.special

import autodiff as ad
from autodiff.derive import primal
from autodiff.interpreters import sparsity as module
from autodiff.interpreters.sparsity import sparsity
from autodiff.primitive import PRIMITIVES, bind
from autodiff.primitives.linalg import ITEM


def pattern_of(f, x):
    """The structural pattern of f at x, dense: (outputs, inputs)."""
    g = primal(ad.trace(f, x))
    return sparsity(g, g.inputs, g.outputs)[0].toarray()


def numerical(f, x):
    J = ad.jacobian(f)(x)
    return np.reshape(J, (-1, np.size(x)))


X5, X6 = np.array([0.3, -1.2, 0.7, 1.4, -0.4]), np.arange(1.0, 7.0) / 4.0
MASK = np.array([1.0, 0.0, 1.0, 0.0, 2.0])
BAND = np.eye(5) + np.eye(5, k=1)
CUBE = np.arange(8.0).reshape(2, 2, 2)


def _fill(x):
    out = np.zeros(5)
    out[1:4] = x[:3] ** 2
    out[0] = x[4]
    out[1:3] += np.sin(x[3:])
    return out


def _write_rows(x):
    out = np.zeros((2, 5))
    out[:, 1::2] = x[:2]
    out[1] = x * MASK
    return out


# Each with the pattern that it must have: as many entries as the numerical Jacobian, at a point without chance zeros.
EXACT = {
    "elementwise": (lambda x: np.sin(x) * np.exp(x), X5),
    "shifted": (lambda x: x[1:] * x[:-1], X5),
    "broadcast": (lambda x: x[:, None] + 2 * x[None, :], X5),
    "row and column": (lambda x: np.reshape(x[:4], (2, 2)) * x[4], X5),
    "reshape, transpose": (lambda x: np.reshape(x, (2, 3)).T[::-1] ** 2, X6),
    "fancy index": (lambda x: x[np.array([0, 0, 3])] ** 3, X5),
    "mask": (lambda x: x[MASK > 0], X5),
    "concatenate": (lambda x: np.concatenate([x[3:], [1.0, 2.0], x[:1] ** 2]), X5),
    "stack of numbers": (lambda x: np.array([x[0] * x[1], 3.0, x[4]]), X5),
    "writes": (_fill, X5),
    "broadcast writes": (_write_rows, X5),
    "sum over an axis": (lambda x: np.sum(np.reshape(x, (2, 3)), axis=0), X6),
    "mean kept": (lambda x: np.reshape(x, (2, 3)) - np.mean(np.reshape(x, (2, 3)), axis=1, keepdims=True), X6),
    "product of rows": (lambda x: np.prod(np.reshape(x, (2, 3)), axis=1), X6),
    "cumsum": (lambda x: np.cumsum(np.reshape(x, (2, 3)) ** 2, axis=1), X6),
    "constant mask": (lambda x: MASK * np.sin(x), X5),
    "where by a constant": (lambda x: np.where(MASK > 0, x[::-1], x ** 2), X5),
    "tril": (lambda x: np.tril(np.outer(x, x)), X5),
    "dense product": (lambda x: np.reshape(x, (2, 3)) @ np.ones((3, 2)), X6),
    "banded product": (lambda x: BAND @ x, X5),
    "banded product from the right": (lambda x: np.reshape(x, (1, 5)) @ BAND, X5),
    "banded product of a matrix": (lambda x: BAND[:3, :3] @ np.reshape(x, (3, 2)), X6),
    "matrix by its transpose": (lambda x: np.reshape(x, (2, 3)) @ np.reshape(x, (2, 3)).T, X6),
    "batched product": (lambda x: CUBE[:, :, :1] @ np.reshape(x[:4], (2, 1, 2)), X5),
    "einsum": (lambda x: np.einsum("ij,kj->jik", np.reshape(x, (2, 3)), np.reshape(x, (2, 3))), X6),
    "einsum by zeros": (lambda x: np.einsum("ij,jk->k", np.reshape(x[:4], (2, 2)), np.eye(2)), X5),
    "sparse product": (lambda x: scipy.sparse.csr_array(BAND) @ np.sin(x), X5),
    "sparse product of a matrix": (lambda x: scipy.sparse.csc_array(BAND[:3, :3]) @ np.reshape(x, (3, 2)), X6),
    "sparse product from the right": (lambda x: x @ scipy.sparse.csr_array(BAND), X5),
    "stack of inverses": (lambda x: np.linalg.inv(np.reshape(x[:4], (2, 2))[:, None, :] * np.eye(2) + 0.3), X5),
    "stack of determinants": (
        lambda x: np.linalg.det(np.reshape(np.concatenate([x, x[:2], [0.5]]), (2, 2, 2))), X6[:5]),
    "convolution": (lambda x: np.convolve(x, [1.0, 0.0, 2.0]), X5),
    "both in a convolution": (lambda x: np.convolve(x[:2], x[2:]), X5),
    "entries of a sparse matrix": (
        lambda x: scipy.sparse.csr_array((x[:3], ([0, 0, 2], [1, 3, 2])), shape=(3, 4)) @ np.exp(x[1:]), X5),
    "piecewise constant": (lambda x: np.floor(x) + np.sign(x) + (x > 0), X5),
    "stopped": (lambda x: ad.stop_gradient(x) * x[::-1], X5),
    "fixed part": (lambda x: np.zeros(3) + 0 * ad.stop_gradient(x[:3]), X5),
    "softplus": (lambda x: np.logaddexp(0.0, x), X5),
    "logsumexp of rows": (lambda x: scipy.special.logsumexp(np.reshape(x, (2, 3)), axis=1), X6),
    "number": (lambda x: x[2] * x[3], X5),
}


@pytest.mark.parametrize("name", EXACT)
def test_the_pattern_has_what_is_nonzero_and_nothing_else(name):
    f, x = EXACT[name]
    claimed, found = pattern_of(f, x), numerical(f, x) != 0
    if name == "stack of inverses":                       # (diagonal parts: no entry too few is what counts)
        assert np.all(claimed | ~found) and claimed.sum() <= found.size // 2
        return
    np.testing.assert_array_equal(claimed, found)


def test_what_has_no_rule_is_dense():
    A = np.eye(3) + 0.1
    assert pattern_of(lambda x: np.linalg.solve(A, x[:3]), X5).sum() == 9


def test_computed_places_reach_their_axis():
    """Where a sort reads from changes from point to point: all that it may read is in the pattern, row by row."""
    assert pattern_of(lambda x: np.sort(x[:3]), X5).sum() == 9
    assert pattern_of(lambda x: np.sort(np.reshape(x, (3, 2)), axis=1), X6).sum() == 12
    assert pattern_of(lambda x: x[np.argmax(x)] * x[0], X5).sum() == 5

    def write(x):
        out = np.zeros((2, 3))
        out[:, np.argmin(x)] = x[:2] ** 2
        return out
    assert pattern_of(write, X6[:3]).sum() == 6
    least = ad.grad(lambda z: np.sum(np.sort(z, axis=1)[:, 0] ** 2))
    assert pattern_of(least, X6.reshape(3, 2)).sum() == 12


def _is_float(a):
    return isinstance(a, np.ndarray) and a.dtype.kind == "f" or isinstance(a, float)


def _sampled_rows():
    """(name, f, float arguments) of the rows that are not elementwise, at their samples."""
    for name, prim in PRIMITIVES.items():
        for sample in prim.samples if prim.partials is None else ():
            args, params = sample if len(sample) == 2 and isinstance(sample[1], dict) else (sample, {})
            places = [k for k, a in enumerate(args) if _is_float(a)]

            def f(*values, prim=prim, args=args, params=params, places=places):
                full = list(args)
                for k, v in zip(places, values, strict=True):
                    full[k] = v
                out, kinds = bind(prim, tuple(full), params), prim.shape(*full, **params)[1]
                if not isinstance(kinds, tuple):
                    return out
                parts = [ITEM(out, number=k) for k, kind in enumerate(kinds) if kind.kind == "f"]
                return np.concatenate([np.reshape(part, (-1,)) for part in parts])
            kinds = prim.shape(*args, **params)[1]
            if places and any(k.kind == "f" for k in (kinds if isinstance(kinds, tuple) else (kinds,))):
                yield pytest.param(f, [np.asarray(args[k], dtype=float) for k in places], id=name)


@pytest.mark.nan_ok
@pytest.mark.parametrize("f, values", list(_sampled_rows()))
def test_no_entry_is_missed_in_any_row(f, values):
    g = primal(ad.trace(f, *values))
    claimed = sparsity(g, g.inputs, g.outputs)[0].toarray()
    start = 0
    for k, value in enumerate(values):
        J = np.reshape(ad.jacobian(f, argnum=k)(*values), (-1, value.size))
        assert np.all(claimed[:, start:start + value.size] | (J == 0))
        start += value.size


def test_a_rule_with_too_few_entries_is_caught(monkeypatch):
    def narrow(node, given):
        return given[0].take(np.zeros(1, np.intp))
    monkeypatch.setitem(module.RULES, ad.primitives.reductions.SUM, narrow)
    with pytest.raises(AssertionError, match=r"sparse_jacobian: entry \(0, 3\)"):
        ad.sparse_jacobian(lambda x: np.reshape(np.sum(np.exp(x)), (1,)), verify=True)(X5)


# --- random programs --------------------------------------------------------------------------------------------------

UNARY = [np.sin, np.square, lambda v: v[::-1], lambda v: np.cumsum(v), lambda v: np.roll(v, 1),
         lambda v: v - np.mean(v), lambda v: v * MASK, lambda v: BAND @ v, lambda v: np.concatenate([v[2:], v[:2]]),
         lambda v: v * np.max(v),
         lambda v: np.where(v > 0, v, 0.5 * v), lambda v: scipy.sparse.csr_array(BAND) @ v, lambda v: np.abs(v) * v,
         lambda v: np.sum(np.outer(v, v) * BAND, axis=0), lambda v: np.tanh(v[np.array([4, 0, 0, 2, 1])]),
         lambda v: np.einsum("i,ij->j", v, BAND), lambda v: np.linalg.solve(BAND, v), lambda v: np.sort(v),
         lambda v: np.repeat(v[:1], 5) * v, lambda v: np.diag(np.outer(v, v))]
BINARY = [lambda u, v: u + v, lambda u, v: u * v, lambda u, v: u / (2.0 + v * v), np.maximum,
          lambda u, v: np.arctan2(u, 1.0 + v * v),
          lambda u, v: u * v[2], lambda u, v: np.where(u > v, u, v), lambda u, v: np.concatenate([u[:2], v[2:]])]


def _program(rng):
    steps = []
    for _ in range(rng.integers(2, 7)):
        unary = rng.random() < 0.6
        steps.append((rng.integers(len(UNARY if unary else BINARY)), unary, rng.integers(99), rng.integers(99)))

    def f(x):
        made = [x]
        for which, unary, i, j in steps:
            u, v = made[i % len(made)], made[j % len(made)]
            out = UNARY[which](u) if unary else BINARY[which](u, v)
            made.append(np.arctan(out))
        return made[-1]
    return f


@pytest.mark.parametrize("seed", range(150))
def test_no_entry_is_missed_in_random_programs(seed):
    rng = np.random.default_rng(seed)
    f, x = _program(rng), rng.standard_normal(5)
    J = numerical(f, x)
    assert np.all(pattern_of(f, x) | (J == 0))
    for mode in ("auto", "forward", "reverse", "mixed"):
        np.testing.assert_allclose(ad.sparse_jacobian(f, mode=mode)(x).toarray(), J, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("seed", range(60))
def test_hessians_of_random_programs(seed):
    rng = np.random.default_rng(1000 + seed)
    program, x = _program(rng), rng.standard_normal(5)

    def f(z):
        return np.sum(np.sin(program(z)))
    np.testing.assert_allclose(ad.sparse_hessian(f)(x).toarray(), ad.hessian(f)(x), rtol=1e-9, atol=1e-11)


# --- Hessians and Jacobians of known structure ------------------------------------------------------------------------


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def laplacian(u):
    """−Δu + eᵘ on a square grid, five points."""
    k = int(np.sqrt(u.size))
    U = np.zeros((k + 2, k + 2))
    U[1:-1, 1:-1] = u.reshape(k, k)
    centre = U[1:-1, 1:-1]
    return (4 * centre - U[:-2, 1:-1] - U[2:, 1:-1] - U[1:-1, :-2] - U[1:-1, 2:] + np.exp(centre)).ravel()


def test_tridiagonal_hessian_takes_three_colours():
    x = np.random.default_rng(0).standard_normal(3000)
    hessian = ad.sparse_hessian(rosenbrock)
    H = hessian(x)
    assert isinstance(H, scipy.sparse.csr_array)
    assert hessian.colors <= 3
    assert hessian.passes == ("symmetric", hessian.colors)
    assert hessian.pattern.nnz == 3 * 3000 - 2
    band = np.stack([np.append(0.0, -400 * x[:-1]), np.append(1200 * x[:-1] ** 2 - 400 * x[1:] + 2, 0.0)
                     + np.append(0.0, np.full(2999, 200.0)), np.append(-400 * x[:-1], 0.0)])
    expected = scipy.sparse.diags_array([band[2, :-1], band[1], band[0, 1:]], offsets=[-1, 0, 1], shape=(3000, 3000))
    assert abs(H - expected).max() <= 1e-12 * abs(H).max()


def test_arrow_hessian_takes_two_colours():
    hessian = ad.sparse_hessian(lambda x: x[0] * np.sum(x[1:] ** 2) + np.exp(x[0]), verify=True)
    H = hessian(np.arange(1.0, 41.0))
    assert hessian.colors == 2 and H.nnz == 40 + 2 * 39


def test_separable_hessian_takes_one_colour():
    hessian = ad.sparse_hessian(lambda x: np.sum(np.cos(x) * x))
    hessian(X5)
    assert hessian.colors == 1


def test_linear_function_takes_none():
    hessian = ad.sparse_hessian(lambda x: 3.0 * np.sum(x))
    H = hessian(X5)
    assert (H.shape, H.nnz, hessian.colors) == ((5, 5), 0, 0)
    assert np.all(hessian.coloring == -1)


def test_banded_and_grid_jacobians():
    jacobian = ad.sparse_jacobian(lambda x: np.sin(x[2:]) * x[1:-1] - x[:-2] ** 2, verify=True)
    J = jacobian(np.linspace(0.1, 2.0, 50))
    assert (J.shape, jacobian.colors, J.nnz) == ((48, 50), 3, 3 * 48)
    jacobian = ad.sparse_jacobian(laplacian, verify=True)
    J = jacobian(np.linspace(-1.0, 1.0, 400))
    assert jacobian.colors <= 8 and J.nnz == 5 * 400 - 4 * 20


def test_mode_follows_the_colours():
    wide = ad.sparse_jacobian(lambda x: np.array([np.sum(x[::2] ** 2), np.sum(np.exp(x))]), verify=True)
    wide(X6)
    assert wide.passes == ("reverse", 2)
    tall = ad.sparse_jacobian(lambda x: np.outer(np.arange(1.0, 9.0), x[:2]), verify=True)
    tall(X6)
    assert tall.passes == ("forward", 1)
    arrow = ad.sparse_jacobian(lambda x: x * x[0] + np.where(np.arange(60) == 0, np.sum(x ** 2), 0.0), verify=True)
    J = arrow(np.linspace(1.0, 2.0, 60))
    assert arrow.passes == ("mixed", 3) and J.nnz == 60 + 2 * 59
    columns, rows = arrow.coloring
    assert rows[0] == 0 and np.all(rows[1:] == -1) and columns.max() == 1
    with pytest.raises(ValueError, match="mode must be one of"):
        ad.sparse_jacobian(rosenbrock, mode="sideways")


def test_d14_passes_of_dense_and_coloured_modes():
    """n passes forward, m in reverse; a coloured Jacobian takes one a colour, a mixed one fewer than either."""
    n = 40

    def f(x):
        return np.where(np.arange(n) == 0, np.sum(x ** 2), x * x[0])
    dense, x = ad.jacobian(f), np.linspace(1.0, 2.0, n)
    J = dense(x)
    assert dense.passes == ("forward", n)
    for mode, number in (("forward", n), ("reverse", n), ("mixed", 3), ("auto", 3)):
        coloured = ad.sparse_jacobian(f, mode=mode)
        np.testing.assert_allclose(coloured(x).toarray(), J, rtol=1e-13)
        assert coloured.passes == (coloured.mode, number)


# --- arguments --------------------------------------------------------------------------------------------------------


def test_shapes_structures_and_other_arguments():
    def f(a, p, s):
        return {"u": a * p["w"][0], "v": np.sum(p["b"] ** 2) * s}
    p = {"w": np.ones((2, 3)), "b": np.array(2.0)}
    J = ad.sparse_jacobian(f, argnum=1, verify=True)(np.arange(3.0), p, 2.0)
    assert J.shape == (4, 7)
    np.testing.assert_array_equal(J.toarray()[:3, :3], np.diag(np.arange(3.0)))
    assert J.toarray()[3, 6] == 8.0 and J.nnz == 4
    H = ad.sparse_hessian(lambda p: np.sum(p["w"] * p["w"][::-1]) + p["b"] ** 3, verify=True)(p)
    assert (H.shape, H.nnz, H.toarray()[6, 6]) == ((7, 7), 7, 12.0)


def test_empty_and_number_arguments():
    assert ad.sparse_jacobian(lambda x: np.sin(x))(np.zeros(0)).shape == (0, 0)
    assert ad.sparse_hessian(lambda x: x ** 3)(2.0).toarray() == [[12.0]]
    assert ad.sparse_jacobian(lambda x: np.zeros(3) + x * 0.0)(X5[:3]).shape == (3, 3)
    assert ad.sparse_jacobian(lambda x: np.ones(2))(X5).nnz == 0


def test_single_precision_stays():
    x = X5.astype(np.float32)
    assert ad.sparse_hessian(lambda z: np.sum(z[1:] * z[:-1] ** 2))(x).dtype == np.float32
    assert ad.sparse_jacobian(lambda z: z[1:] * z[:-1])(x).dtype == np.float32


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_zero_times_infinity_is_zero(mode):
    def f(x):
        return np.where(x > 0, np.sqrt(x), 0.0) * np.array([1.0, 2.0, 3.0])
    with np.errstate(divide="ignore", invalid="ignore"):
        J = ad.sparse_jacobian(f, mode=mode)(np.array([4.0, 0.0, 1.0]))
    np.testing.assert_allclose(J.toarray(), np.diag([0.25, 0.0, 1.5]))


# --- never stale ------------------------------------------------------------------------------------------------------


def test_another_branch_has_another_pattern():
    def f(x):
        return x[1:] * x[:-1] if x[0] > 0 else x[1:] ** 2
    jacobian = ad.sparse_jacobian(f)
    at = np.array([1.0, 2.0, 3.0])
    for x in (at, -at, 2 * at, -2 * at):
        np.testing.assert_allclose(jacobian(x).toarray(), ad.jacobian(f)(x))
    assert jacobian.pattern.nnz == 2
    assert len(next(iter(jacobian._plans.values()))) == 2


@pytest.mark.parametrize("size", [6, 400])
@pytest.mark.parametrize("sparse", [False, True])
def test_a_constant_that_gains_an_entry_is_seen(size, sparse):
    """Small arrays are copied by a recording, larger ones held by reference: both are compared at each call."""
    A = np.eye(size)
    A = scipy.sparse.csr_array(A) if sparse else A
    x = np.ones(size)
    jacobian = ad.sparse_jacobian(lambda z: A @ z)
    assert jacobian(x).nnz == size
    if sparse:
        A.data[:] = 2.0
        np.testing.assert_array_equal(jacobian(x).diagonal(), np.full(size, 2.0))
        A.resize((size, size))
        A.indices[0] = 1                                     # in place: entry (0, 0) becomes (0, 1)
        assert jacobian(x).toarray()[0, 1] == 2.0
    else:
        A[0, 1] = 5.0
        assert jacobian(x).toarray()[0, 1] == 5.0


def test_an_impure_function_is_not_frozen():
    state = {"shift": 0}

    def f(x):
        state["shift"] += 1
        return np.roll(x, state["shift"]) * x
    jacobian = ad.sparse_jacobian(f)
    for shift in range(1, 12):
        assert jacobian(X5).toarray()[0, -shift % 5] != 0


def test_new_shapes_and_points():
    hessian = ad.sparse_hessian(rosenbrock)
    for n in (4, 7, 4):
        for shift in (0.0, 1.0):
            x = np.linspace(-1.0, 1.0, n) + shift
            np.testing.assert_allclose(hessian(x).toarray(), ad.hessian(rosenbrock)(x), rtol=1e-12, atol=1e-12)


def test_the_caller_may_write_into_what_is_returned():
    hessian = ad.sparse_hessian(rosenbrock)
    first = hessian(X5)
    expected = first.toarray()
    first.data[:] = first.indices[:] = 0
    hessian.pattern.indices[:] = 0
    hessian.coloring[:] = 0
    np.testing.assert_array_equal(hessian(X5).toarray(), expected)


# --- errors -----------------------------------------------------------------------------------------------------------


def test_inside_another_transform_is_an_error():
    hessian = ad.sparse_hessian(rosenbrock)
    with pytest.raises(ad.TraceError, match="autodiff.sparse_hessian inside another transform"):
        ad.grad(lambda x: np.sum(x) * hessian(x).sum())(X5)


def test_complex_numbers_on_the_way_only():
    def f(x):
        return np.abs(np.exp(1j * x) * x + 1j) ** 2
    jacobian = ad.sparse_jacobian(f, verify=True)
    np.testing.assert_allclose(jacobian(X5).toarray(), ad.jacobian(f)(X5), rtol=1e-12)
    assert jacobian.colors == 1
    with pytest.raises(TypeError, match="the arguments must be real numbers, got complex128"):
        ad.sparse_jacobian(f)(1j * X5)
    with pytest.raises(TypeError, match="the outputs must be real numbers, got complex128"):
        ad.sparse_jacobian(lambda x: 1j * x)(X5)


def test_a_hessian_needs_one_number():
    with pytest.raises(TypeError, match="must return one real number"):
        ad.sparse_hessian(lambda x: x ** 2)(X5)


@pytest.mark.parametrize("value", [None, "text"])
def test_outputs_that_are_no_numbers(value):
    with pytest.raises(TypeError, match="the outputs must be real numbers, got"):
        ad.sparse_jacobian(lambda x: value)(X5)


def test_memory_is_freed_without_the_collector():
    hessian = ad.sparse_hessian(rosenbrock)
    hessian(X5)
    plan = weakref.ref(hessian._last.recording)
    gc.disable()
    try:
        del hessian
        assert plan() is None
    finally:
        gc.enable()


def test_attributes_before_the_first_call():
    with pytest.raises(AttributeError, match="not called yet"):
        _ = ad.sparse_hessian(rosenbrock).pattern


def test_a_dense_pattern_is_refused_before_it_fills_the_memory():
    with pytest.raises(ValueError, match="autodiff.hvp"):
        ad.sparse_hessian(lambda x: np.sum(x) ** 2 * np.sum(np.sin(x)))(np.ones(20_000))


def test_a_wrong_derivative_in_a_large_matrix_is_seen(monkeypatch):
    hessian = ad.sparse_hessian(rosenbrock, verify=True)
    hessian(np.linspace(0.0, 1.0, 1500))
    hessian._last.read[7] = hessian._last.read[0]
    with pytest.raises(AssertionError, match="product with a random vector"):
        hessian(np.linspace(0.0, 1.0, 1500))
