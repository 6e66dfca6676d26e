"""Generated code: the registered problems against their hand-written derivatives, buffers, and the forms it chooses."""

import tracemalloc

import numpy as np
import pytest
import scipy.sparse

import autodiff as ad
import problems
from autodiff import schedule, storage
from autodiff.answers import linear_parts
from autodiff.compile import Program
from autodiff.derive import gradient, primal


def near(x0, seed, spread=0.05):
    rng = np.random.default_rng(seed)
    if isinstance(x0, dict):
        return {k: v + spread * rng.standard_normal(v.shape) for k, v in x0.items()}
    return x0 + spread * rng.standard_normal(x0.shape)


def leaves(tree):
    return ad.pytree.flatten(tree)[0]


def program(f, *args):
    g = gradient(ad.trace(f, *args), range(len(leaves(args))))
    return Program(g, g.inputs, g.outputs)


@pytest.mark.parametrize("name", problems.names())
def test_problems_against_hand_written(name):
    """Eager, compiling and compiled answers at three points: value, gradient, Hessian-vector product."""
    p = problems.get(name)
    fun = ad.compile(p.f)
    for seed in range(3):
        x, v = near(p.x0, seed), near(p.x0, seed + 10, 1.0)
        value, grad, hv = fun.linearize_grad(x)
        value2, grad2 = fun.value_and_grad(x)
        expected, hand = p.value_and_grad(x)
        scale = max(np.max(np.abs(leaf)) for leaf in leaves(hand))
        assert value == pytest.approx(p.f(x), rel=1e-12) == value2 == pytest.approx(expected, rel=1e-9)
        for mine, again, theirs in zip(leaves(grad), leaves(grad2), leaves(hand), strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-11 * scale)
            np.testing.assert_allclose(again, theirs, rtol=1e-9, atol=1e-11 * scale)
        products = p.hv_at(x)(v)
        scale = max(np.max(np.abs(leaf)) for leaf in leaves(products))
        for mine, theirs in zip(leaves(hv(v)), leaves(products), strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-8, atol=1e-10 * scale)
    assert fun.report.mode == "compiled"


@pytest.mark.parametrize("m, k", [(40, 3), (33, 32), (5, 3), (40, 33), (1, 1)])
def test_row_reductions(m, k):
    """Short rows are reduced by other calls than long ones: same numbers."""
    rng = np.random.default_rng(m)
    Z, w = rng.standard_normal((m, k)), rng.standard_normal(m)

    def f(Z):
        return w @ Z.sum(axis=1) ** 2 + np.sum(Z.max(axis=1) * Z.min(axis=1, keepdims=True)[:, 0]) + np.sum(
            np.exp(Z) / np.sum(np.exp(Z), axis=1, keepdims=True) * np.arange(k))

    run = program(f, Z)
    value, grad = run(Z)
    assert value == pytest.approx(f(Z), rel=1e-12)
    np.testing.assert_allclose(grad, ad.compile(f, eager=True).value_and_grad(Z)[1], rtol=1e-10, atol=1e-12)


def test_results_do_not_alias_buffers_or_arguments():
    def f(x):
        return np.sum(x * 3.0)
    x = np.arange(4.0)
    run = program(f, x)
    first = run(x)[1]
    kept = first.copy()
    first2 = run(x + 1)[1]
    np.testing.assert_array_equal(first, kept)
    first2[:] = 7.0
    np.testing.assert_array_equal(run(x)[1], kept)

    identity = program(lambda x: x @ x / 2, x)                       # the gradient is x itself
    grad = identity(x)[1]
    assert not np.shares_memory(grad, x)


def test_outputs_that_share_storage_are_separate():
    g = ad.trace(lambda x: (x + 1.0, (x + 1.0).reshape(2, 2)), np.arange(4.0))
    p = primal(g)
    a, b = Program(p, p.inputs, p.outputs)(np.arange(4.0))
    assert not np.shares_memory(a, b)
    np.testing.assert_array_equal(a, b.ravel())


def test_logistic_hvp_is_two_products():
    """The chain of scalings between the products is one known diagonal."""
    p = problems.get("logistic-regression")
    fun = ad.compile(p.f)
    for seed in range(3):
        fun.linearize_grad(near(p.x0, seed))
    compiled, = next(iter(fun._entries.values())).compiled
    source = compiled.program("linear").apply.source
    assert source.count("dot") == 2
    assert source.count("f_multiply") == 2                           # the diagonal, and the ridge term
    assert "exp" not in source and "divide" not in source


def test_banded_hvp_uses_its_diagonals():
    p = problems.get("rosenbrock", n=50)
    fun = ad.compile(p.f)
    for seed in range(3):
        fun.linearize_grad(near(p.x0, seed))
    compiled, = next(iter(fun._entries.values())).compiled
    assert compiled.program("linear").apply.source.count("f_multiply") == 3


def test_python_floats_where_numpy_would_not_raise():
    """1/0 and exp(1000) are answered as NumPy does."""
    cases = [(lambda x: 1.0 / x[0] + x[1], [0.0, 1.0]), (lambda x: np.exp(x[0]) * x[1], [1000.0, 1.0]),
             (lambda x: np.log(x[0]) + x[1], [0.0, 2.0]), (lambda x: np.sqrt(x[0]) * x[1], [-1.0, 2.0]),
             (lambda x: x[0] ** 0.3 + x[1], [-8.0, 2.0])]
    for f, at in cases:
        run = program(f, np.array([0.7, 1.3]))
        with np.errstate(all="ignore"):
            value, grad = run(np.array(at))
            np.testing.assert_equal(value, float(f(np.array(at))))
            eager = ad.compile(f, eager=True).value_and_grad(np.array(at))
        np.testing.assert_equal(value, eager[0])


def test_sparse_constant_is_current():
    """A product by rows holds a copy of the matrix: entries changed in place or replaced are noticed."""
    rng = np.random.default_rng(0)
    A = scipy.sparse.random_array((30, 8), density=0.4, format="csr", random_state=1)
    x = rng.standard_normal(8)

    def f(x):
        r = A @ x
        return r @ r

    run = program(f, x)
    for change in (lambda: A.data.__setitem__(2, 5.0), lambda: A.data.__imul__(-2.0),
                   lambda: setattr(A, "data", rng.standard_normal(A.data.size))):
        change()
        dense = A.toarray()
        value, grad = run(x)
        assert value == pytest.approx(float(np.sum((dense @ x) ** 2)))
        np.testing.assert_allclose(grad, 2 * dense.T @ (dense @ x), rtol=1e-10)


def test_peak_memory_is_that_of_plain_numpy():
    """Buffers are shared by liveness: a chain of twenty operations holds two vectors, not twenty."""
    def f(x):
        for _ in range(20):
            x = np.sin(x) + 0.5
        return np.sum(x)
    g = primal(ad.trace(f, np.zeros(100)))
    assert Program(g, g.inputs, g.outputs).source.count("buffer((100,)") <= 2


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


@pytest.mark.parametrize("f", [rosenbrock, lambda x: np.sum(np.exp(0.3 * x) * np.tanh(x)),
                               lambda x: np.sum(np.exp(-x * x)) + np.sum(np.tanh(x) ** 2) / 2],
                         ids=["rosenbrock", "exp·tanh", "exp+tanh²"])
def test_a_million_variables_in_twelve_vectors(f):
    """Peak memory of a Hessian-vector product above its arguments: at first (`hvp`), while compiling, compiled."""
    n = 10**6
    x, v = np.linspace(-1.0, 1.0, n), np.cos(np.arange(n))
    fun = ad.compile(f)
    tracemalloc.start()
    try:
        products = []
        for product in (lambda: ad.hvp(f, x, v), *[lambda: fun.linearize_grad(x)[2](v)] * 3):
            products.append(product()[:1000].copy())
            assert tracemalloc.get_traced_memory()[1] <= 12 * x.nbytes, tracemalloc.get_traced_memory()[1] / x.nbytes
            tracemalloc.reset_peak()
            x[-1] += 1e-3
    finally:
        tracemalloc.stop()
    assert fun.report.mode == "compiled"
    for found in products[1:]:
        np.testing.assert_allclose(found, products[0], rtol=1e-10, atol=1e-12)


def test_orders_of_least_memory():
    """Value, gradient, second derivative, one after the other, keep far more values than need be kept."""
    def f(x):
        return np.sum(np.exp(-x * x) * np.tanh(x) + np.log1p(x * x) * np.sqrt(1 + x * x) + np.sin(x) / (2 + np.cos(x)))
    g, residuals, _, _ = linear_parts(ad.trace(f, np.linspace(-1, 1, 10**5)), range(1), False)
    outputs = (*g.outputs, *residuals)
    nodes = [n for n in g.live(outputs) if n not in g.inputs]
    found = schedule.scheduled(nodes, outputs)
    known = {*g.inputs}
    for node in found:
        assert all(i in known for i in node.inputs if isinstance(i, type(node)))
        known.add(node)
    assert set(found) == set(nodes) and len(found) == len(nodes)
    needs = schedule._Needs(nodes, outputs)
    assert needs.peak(found) <= 0.7 * needs.peak(nodes)
    assert len(residuals) == 1                                   # quotients and products alike: one diagonal


@pytest.mark.parametrize("f", [lambda x: np.sum(x / (2.0 + x[::-1] ** 2)) ** 2,
                               lambda x: np.sum(np.where(x > 0, np.sin(x), 0.3 * x * x)) * np.sum(np.cos(x) / 3.0),
                               lambda x: np.sum(np.exp(np.diff(x)) * x[:-1]) + np.sum(np.cumsum(x) ** 3)])
def test_orders_of_evaluation_give_the_same(f, monkeypatch):
    """The order for least memory, taken for small arrays too, changes nothing but the last digit."""
    x, v = np.linspace(-1.0, 1.0, 40), np.cos(np.arange(40.0))
    expected = [(fun := ad.compile(f, eager=True)).grad(x), fun.linearize_grad(x)[2](v)]
    monkeypatch.setattr(schedule, "WORTH", 0)
    monkeypatch.setattr(storage, "LARGE", 0)
    for eager in (True, False):
        fun = ad.compile(f, eager=eager)
        for k in range(3):
            grad, hv = fun.linearize_grad(x + (k < 2) * k * 1e-3)[1:]
        np.testing.assert_allclose(grad, expected[0], rtol=1e-11, atol=1e-12)
        np.testing.assert_allclose(hv(v), expected[1], rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(fun.value_and_grad(x)[1], expected[0], rtol=1e-11, atol=1e-12)


def test_linear_part_of_a_loop_stays_small():
    """Every step depends on every parameter: the linear program may not grow with steps times parameters squared."""
    def f(x):
        y = 0.3
        for k in range(40):
            y = y + 0.05 * (x[k % 10] * np.sin(y) - y * x[(k + 1) % 10] ** 2)
        return y * y
    fun = ad.compile(f)
    rng = np.random.default_rng(0)
    for _ in range(3):
        x, v = rng.standard_normal(10), rng.standard_normal(10)
        hv = fun.linearize_grad(x)[2](v)
    np.testing.assert_allclose(hv, ad.hessian(f)(x) @ v, rtol=1e-10, atol=1e-12)
    compiled, = next(iter(fun._entries.values())).compiled
    assert len(compiled.program("linear").apply.source.splitlines()) < 2500


def test_softplus_at_its_limits():
    """The compiled log(1 + eᵗ) is NumPy's, at infinities and NaN too, and so is its slope."""
    t = np.array([-np.inf, -800.0, -1.0, 0.0, 1e-3, 5.0, 800.0, np.inf, np.nan])
    g = primal(ad.trace(lambda t: np.logaddexp(0, t), np.linspace(-1, 1, t.size)))
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(Program(g, g.inputs, g.outputs)(t)[0], np.logaddexp(0, t), rtol=1e-14)
        slope = program(lambda t: np.sum(np.logaddexp(0, t)), np.linspace(-1, 1, t.size))(t)[1]
    middle = 1 / (1 + np.exp([1.0, 0.0, -1e-3, -5.0]))
    expected = np.array([0.0, 0.0, *middle, 1.0, 1.0, np.nan])
    np.testing.assert_allclose(slope, expected, rtol=1e-14)


@pytest.mark.parametrize("shape", [(), (1,), (2,), (1, 2), (3, 1), (1, 1), (1, 3, 2), (4, 1, 1), (4, 3, 1), (4, 3, 2)])
def test_the_cotangent_of_a_sum_counts_what_broadcasting_repeats(shape):
    """One number stands for the whole cotangent of a sum: broadcast operands get it as often as they were used."""
    A, b = np.ones((4, 3, 2)), np.full(shape, 0.5)
    for f in (lambda b: np.sum(A + b), lambda b: 2.0 * np.mean(A - b) * 24, lambda b: np.sum((A + b).sum(axis=1)),
              lambda b: np.sum(np.broadcast_to(b, A.shape)), lambda b: np.sum(np.where(A > 0, b, 2.0))):
        factor = f(b + 1.0) - f(b)                      # all are linear
        for eager in (True, False):
            fun = ad.compile(f, eager=eager)
            grads = [fun.value_and_grad(b + k)[1] for k in range(3)]
            for grad in grads:
                np.testing.assert_allclose(grad, np.full(shape, factor / b.size), rtol=1e-12)


def test_an_exponent_stays_an_integer():
    function = ad.compile(lambda x: np.sum(np.ldexp(x, 2)) ** 2)
    for k in range(4):
        x = np.arange(3.0) + 0.1 * k
        np.testing.assert_allclose(function.grad(x), np.full(3, 32.0 * np.sum(x)), rtol=1e-12)
