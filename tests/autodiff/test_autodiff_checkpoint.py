"""checkpoint(f): the same values and derivatives, in less memory, wherever f may be called."""

import gc
import tracemalloc
import weakref

import numpy as np
import pytest

import autodiff as ad
from autodiff.checkpoint import without_calls
from autodiff.derive import primal
from autodiff.interpreters import evaluate

RNG = np.random.default_rng(5)
X, V = 0.5 * RNG.standard_normal(6), RNG.standard_normal(6)
W = RNG.standard_normal((6, 6)) / 3


def step(y):
    return np.tanh(W @ y + np.exp(-y * y)) + 0.1 * y


def pair(y, z):
    """Several arguments, nested outputs, one of them an argument, one constant."""
    return {"sum": np.sin(y) * z, "both": (y @ z, y), "constant": np.arange(3.0)}


def through_pair(y, apply):
    out = apply(y, z=np.cos(y))
    return out["sum"] * out["both"][0] + out["both"][1] + out["constant"].sum()


def filled(y):
    out = np.zeros(y.size)
    for i in range(y.size):
        out[i] = y[i] * y[i - 1] if i else y[0] ** 2
    return out


def branching(y):
    return np.sum(y) * y if y[0] > 0 else np.exp(y) - 1.0


def indexed(y):
    return y[np.argsort(y)] * np.arange(1.0, 7.0) + y[int(np.argmax(y))]


def inner_gradient(y):
    return ad.grad(lambda z: np.sum(np.sin(z) ** 2 * W[0]))(y) + y


def solved(y):
    return np.linalg.solve(np.eye(6) * 3 + np.outer(y, y), y) + np.linalg.eigh(np.eye(6) + np.outer(y, y))[0]


def mixed(y):
    rows = np.where(y > 0, y, 2.0 * y).reshape(2, 3).sum(axis=0)
    return np.tanh(rows[[0, 1, 2, 0, 1, 2]]) + 0.1 * np.sin(y.astype(np.float32))


STEPS = [step, filled, branching, indexed, inner_gradient, solved, mixed]


def function(apply):
    def f(x):
        y = x * 1.1
        for _ in range(3):
            y = apply(y)
        return np.sum(y * y) + y[0] * x[1]
    return f


def nested(apply):
    return ad.checkpoint(lambda y: ad.checkpoint(apply)(ad.checkpoint(apply)(y) * 0.5))


def assert_same_derivatives(f, g, x, v, rtol=1e-10):
    """Values, gradients, products of f and of g, which does the same with checkpoints, by every way there is."""
    expected = f(x), ad.grad(f)(x), ad.hvp(f, x, v)
    fast, slow = ad.compile(g), ad.compile(g, eager=True)
    for fun in (fast, fast, fast, slow):
        for k, point in enumerate((x, x * 1.01)):
            value, grad = fun.value_and_grad(point)
            again, grad2, hv = fun.linearize_grad(point)
            if not k:
                assert value == pytest.approx(expected[0], rel=rtol) == again == pytest.approx(g(x), rel=rtol)
                for mine, theirs in ((grad, expected[1]), (grad2, expected[1]), (hv(v), expected[2])):
                    np.testing.assert_allclose(mine, theirs, rtol=rtol, atol=1e-12)
    assert fast.report.mode == "compiled", fast.report
    np.testing.assert_allclose(ad.vjp(g, x)[1](1.0), expected[1], rtol=rtol, atol=1e-12)
    np.testing.assert_allclose(ad.jvp(g, (x,), (v,))[1], expected[1] @ v, rtol=rtol, atol=1e-12)
    over = ad.grad(lambda q: ad.grad(g)(q) @ v)
    np.testing.assert_allclose(over(x), expected[2], rtol=rtol, atol=1e-12)
    np.testing.assert_allclose(ad.jvp(lambda q: ad.jvp(g, (q,), (v,))[1], (x,), (v,))[1], expected[2] @ v, rtol=rtol,
                               atol=1e-12)


@pytest.mark.parametrize("inner", STEPS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("wrap", [ad.checkpoint, nested], ids=["once", "nested"])
def test_same_derivatives_to_second_order(inner, wrap):
    if wrap is nested:
        f, g = function(lambda y: inner(inner(y) * 0.5)), function(nested(inner))
    else:
        f, g = function(inner), function(wrap(inner))
    assert_same_derivatives(f, g, X, V, rtol=1e-4 if inner is mixed else 1e-9)         # (float32 inside)
    h = 1e-3 if inner is mixed else 1e-6
    slope = (f(X + h * V) - f(X - h * V)) / (2 * h)
    assert ad.grad(g)(X) @ V == pytest.approx(slope, rel=h)


def test_several_arguments_and_nested_outputs():
    f, g = (function(lambda y, apply=apply: through_pair(y, apply)) for apply in (pair, ad.checkpoint(pair)))
    assert_same_derivatives(f, g, X, V)


def test_third_order():
    f, g = function(step), function(ad.checkpoint(step))
    thirds = [ad.jvp(lambda q, h=h: ad.hvp(h, q, V), (X,), (V,))[1] for h in (f, g)]
    np.testing.assert_allclose(thirds[1], thirds[0], rtol=1e-9)
    near = (ad.hvp(f, X + 1e-5 * V, V) - ad.hvp(f, X - 1e-5 * V, V)) / 2e-5
    np.testing.assert_allclose(thirds[1], near, rtol=1e-5, atol=1e-6)


def test_vector_outputs():
    f, g = (lambda x, apply=apply: apply(apply(x))[:4] * x[0] for apply in (step, ad.checkpoint(step)))
    for mode in ("forward", "reverse"):
        np.testing.assert_allclose(ad.jacobian(g, mode=mode)(X), ad.jacobian(f, mode=mode)(X), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(ad.hessian(function(ad.checkpoint(step)))(X), ad.hessian(function(step))(X), rtol=1e-9,
                               atol=1e-11)
    for value, plain in zip(ad.vjp(g, X), ad.vjp(f, X), strict=True):
        ct = np.arange(4.0)
        np.testing.assert_allclose(value(ct) if callable(value) else value, plain(ct) if callable(plain) else plain)


def test_traced_values_and_arrays_around_it():
    """f reads the outer x, an outer intermediate and a captured array, whose new content counts."""
    data = RNG.standard_normal(6)

    def make(wrap):
        def f(x):
            scale = np.exp(x[0])
            y = wrap(lambda z: np.sin(z * scale) * data + x)(x * 2.0)
            return np.sum(wrap(lambda z: z * y)(y))
        return f
    assert_same_derivatives(make(lambda h: h), make(ad.checkpoint), X, V)
    fun = ad.compile(make(ad.checkpoint))
    for _ in range(3):
        fun.value_and_grad(X)
        fun.value_and_grad(X * 1.1)
    data[:] = -data
    np.testing.assert_allclose(fun.value_and_grad(X)[1], ad.grad(make(lambda h: h))(X), rtol=1e-10)


def test_a_large_array_that_is_used_again_for_something_else():
    """What the run does to an array after using it does not reach the recording."""
    work = np.zeros(100_000)

    def f(x):
        work[:] = 1.0
        y = ad.checkpoint(lambda z: np.sin(z) * work)(x)
        work[:] = 2.0
        return np.sum(y * work)
    x = np.linspace(-1, 1, work.size)
    for grad in (ad.compile(f, eager=True).grad(x), ad.grad(f)(x), ad.vjp(f, x)[1](1.0)):
        np.testing.assert_allclose(grad, 2 * np.cos(x), rtol=1e-12)


@pytest.mark.parametrize("inner", STEPS, ids=lambda f: f.__name__)
def test_written_out_it_is_the_graph_of_the_plain_function(inner):
    """The same function in operations alone, for interpreters that do not know calls."""
    plain, nest = (primal(ad.trace(function(h), X), True) for h in (inner, ad.checkpoint(inner)))
    flat = without_calls(nest)
    kinds = {n.prim.name for n in flat.live(flat.outputs)}
    assert kinds <= {n.prim.name for n in plain.live(plain.outputs)} | {"negative"}
    assert abs(len(flat) - len(plain)) <= 10 and "checkpoint" in {n.prim.name for n in nest.nodes}
    assert evaluate(flat, dict(zip(flat.inputs, [X])), flat.outputs)[0] == pytest.approx(function(inner)(X), rel=1e-6)
    assert without_calls(plain) is plain


def test_a_scalar_argument_and_numbers():
    def f(x, wrap=ad.checkpoint):
        y = wrap(lambda t, power: t ** power * np.sin(t))(x, 3)
        return wrap(lambda t: (t * 2.0, 1.5, None))(y)[0] * y
    assert ad.grad(f)(0.7) == pytest.approx(ad.grad(lambda x: f(x, lambda h: h))(0.7))
    assert ad.hvp(f, 0.7, 1.0) == pytest.approx(ad.hvp(lambda x: f(x, lambda h: h), 0.7, 1.0))


def test_outside_a_trace_it_is_f():
    calls = []

    def f(a, *, b):
        """Doc."""
        calls.append((a, b))
        return a
    wrapped = ad.checkpoint(f)
    token = object()
    assert wrapped(token, b=1) is token and calls == [(token, 1)]
    assert (wrapped.__name__, wrapped.__doc__) == ("f", "Doc.")


def test_its_branches_are_guards():
    fun = ad.compile(function(ad.checkpoint(branching)))
    for x in (X, -X, X + 0.1, 0.2 - X, np.abs(X), -np.abs(X)) * 3:
        product = ad.hvp(function(branching), x, V)
        np.testing.assert_allclose(fun.grad(x), ad.grad(function(branching))(x), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(fun.linearize_grad(x)[2](V), product, rtol=1e-9, atol=1e-12)
    assert fun.report.mode == "compiled"
    unused = ad.compile(lambda x: x @ x if ad.checkpoint(lambda y: bool(y[0] > 0))(x) else np.sum(x))
    for x in (X, X, -X, -X, X, -X):
        assert unused(x) == pytest.approx(x @ x if x[0] > 0 else np.sum(x))


def test_a_random_part_is_noticed():
    rng = np.random.default_rng(0)
    fun = ad.compile(lambda x: np.sum(ad.checkpoint(lambda y: y * rng.standard_normal(6))(x)))
    for _ in range(4):
        fun.value_and_grad(X)
    assert fun.report.mode == "eager"


def test_zero_times_infinity_is_zero_inside():
    f = function(ad.checkpoint(lambda y: np.where(y > 0, np.sqrt(np.where(y > 0, y, 1.0)), 0.0) + np.sqrt(y * y)))
    x = X.copy()
    x[2] = 0.0
    fun = ad.compile(f)
    with np.errstate(divide="ignore", invalid="ignore"):
        grads = [fun.grad(x) for _ in range(3)] + [ad.compile(f, eager=True).grad(x)]
    assert all(np.isfinite(g).all() for g in grads)


def test_a_write_into_its_argument_is_an_error():
    def write(y):
        y[0] = 1.0
        return y
    with pytest.raises(ad.TraceError, match="writes into its own argument"):
        ad.grad(lambda x: np.sum(ad.checkpoint(write)(x * 1.0)))(X)


# --- memory -----------------------------------------------------------------------------------------------------------

N = 60_000
LONG = np.linspace(-1, 1, N)


def link(y):
    return np.tanh(np.exp(-y * y) * y + 0.1)


def chain(wrap, segments, length):
    def segment(y):
        for _ in range(length):
            y = link(y)
        return y
    run = wrap(segment)

    def f(x):
        for _ in range(segments):
            x = run(x)
        return np.sum(x * x)
    return f


def peak(work) -> float:
    """Peak of allocated memory, in vectors of N numbers."""
    gc.collect()
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / (8 * N)
    finally:
        tracemalloc.stop()


DERIVATIVES = {"gradient": lambda fun, x: fun.value_and_grad(x),
               "product": lambda fun, x: fun.linearize_grad(x)[2](LONG)}


@pytest.mark.parametrize("kind, plain, kept", [("gradient", 140, 60), ("product", 200, 120)])
def test_peak_memory(kind, plain, kept):
    """49 links, at every call: without checkpoints all values are kept, with them those of 7 segments and of one."""
    for wrap, fits in ((lambda h: h, lambda p: p > plain), (ad.checkpoint, lambda p: p < kept)):
        fun = ad.compile(chain(wrap, 7, 7))
        peaks = [peak(lambda k=k, fun=fun: DERIVATIVES[kind](fun, LONG + 0.01 * k)) for k in range(2)]
        entry, = fun._entries.values()
        program = entry.compiled[0].program("gradient" if kind == "gradient" else "linear")
        assert all(map(fits, peaks)), peaks              # (the source and its compiler take a few megabytes beside)
        sources = [program.source] if kind == "gradient" else [program.prepare.source, program.apply.source]
        buffers = sum(source.count("= buffer((") for source in sources)
        assert fits(buffers), buffers                            # what later calls hold


def test_peak_memory_of_transforms():
    f, g = chain(lambda h: h, 7, 7), chain(ad.checkpoint, 7, 7)
    assert peak(lambda: ad.vjp(f, LONG)[1](1.0)) > 100
    assert peak(lambda: ad.vjp(g, LONG)[1](1.0)) < 60
    assert peak(lambda: ad.jvp(g, (LONG,), (LONG,))) < 40


def test_memory_grows_as_the_root_of_the_length():
    """Twice the links in segments √2 times as long: nested checkpoints need about 1.4 times as much."""
    small, large = (peak(lambda k=k: ad.grad(chain(ad.checkpoint, k, k))(LONG)) for k in (5, 10))
    assert large < 2.6 * small                     # (4 times the links)


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_everything_dies_with_its_last_reference(no_collector):
    def make():
        matrix = RNG.standard_normal((6, 6))
        f = function(ad.checkpoint(lambda y: np.tanh(matrix @ y)))
        return f, weakref.ref(matrix)
    for use in (lambda f: [ad.compile(f).value_and_grad(X + k) for k in range(4)], lambda f: ad.hvp(f, X, V),
                lambda f: [ad.compile(f).linearize_grad(X + k)[2](V) for k in range(4)], lambda f: ad.vjp(f, X)[1](1.0),
                lambda f: ad.jvp(f, (X,), (V,)), lambda f: ad.trace(f, X),
                lambda f: ad.grad(lambda x: ad.grad(f)(x) @ x)(X)):
        f, reference = make()
        use(f)
        del f
        assert reference() is None


def test_inner_values_die_with_the_call(no_collector):
    died = []

    def inner(y):
        made = np.exp(y) * 2.0
        weakref.finalize(made, died.append, 1)
        return np.sin(made)

    def f(x):
        y = ad.checkpoint(inner)(x)
        assert died.pop() == 1
        return np.sum(y)
    ad.grad(f)(X)
