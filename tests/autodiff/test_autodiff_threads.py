"""Threads do not see each other's traces, compiled functions are reentrant, nothing outlives its last reference."""

import gc
import threading
import tracemalloc
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import scipy.sparse

import autodiff as ad
from autodiff.derive import primal
from autodiff.interpreters import evaluate

RNG = np.random.default_rng(3)
POINTS = [RNG.standard_normal(50) for _ in range(40)]
A = RNG.standard_normal((80, 50))


def in_threads(work, count=4):
    """work(k) in as many threads, started together; raises what they raise."""
    barrier = threading.Barrier(count)

    def run(k):
        barrier.wait()
        return work(k)
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_a_thread_that_does_not_trace_gets_plain_arrays():
    inside, done = threading.Event(), threading.Event()
    seen = []

    def f(x):
        out = np.zeros(50)
        assert type(out) is ad.Tracer
        inside.set()
        assert done.wait(10)
        out[:] = x
        return out @ out

    def watcher():
        inside.wait(10)
        try:
            seen.extend([np.zeros(3), np.array([1.0]), np.empty(2), np.full(2, 1.0), np.asarray([1.0]), np.ones_like(A),
                         np.r_[1.0, 2.0]])
        finally:
            done.set()
    thread = threading.Thread(target=watcher)
    thread.start()
    grad = ad.grad(f)(POINTS[0])
    thread.join()
    np.testing.assert_allclose(grad, 2 * POINTS[0])
    assert seen and all(type(value) is np.ndarray for value in seen)
    assert type(np.zeros(2)) is np.ndarray


def test_many_traces_at_once_and_numpy_as_before_afterwards():
    before = {name: getattr(np, name) for name in ("zeros", "array", "empty", "ones", "full", "r_")}

    def work(k):
        def f(x):
            out = np.zeros(50)
            for i in range(5):
                out[i] = x[i] ** (k + 1)
            if k == 3:
                raise KeyError(k)
            return np.sum(out)
        for x in POINTS[:10]:
            if k == 3:
                with pytest.raises(KeyError):
                    ad.grad(f)(x)
                continue
            expected = np.zeros(50)
            expected[:5] = (k + 1) * x[:5] ** k
            np.testing.assert_allclose(ad.grad(f)(x), expected, rtol=1e-12)
    in_threads(work)
    assert all(getattr(np, name) is value for name, value in before.items())


@pytest.mark.parametrize("warm", [True, False])
def test_compiled_functions_are_reentrant(warm):
    """Threads share one Function from its first call, or once compiled: each gets what a serial run gets."""
    def f(x):
        y = A @ x
        smooth = np.sum(np.log1p(np.exp(-np.abs(y)))) + np.sum(np.sqrt(1 + y * y))
        return smooth + (x @ x if x[0] > 0 else np.sum(x ** 3))

    serial = ad.compile(f, eager=True)
    expected = [serial.value_and_grad(x) for x in POINTS]
    products = [serial.linearize_grad(x)[2](POINTS[0]) for x in POINTS]
    fun = ad.compile(f)
    if warm:
        for x in POINTS:
            fun.value_and_grad(x)

    def work(k):
        for _ in range(5):
            hvs = [fun.linearize_grad(x)[2] for x in POINTS]
            for (value, grad), product, hv, x in zip(expected, products, hvs, POINTS):
                v, g = fun.value_and_grad(x)
                assert v == pytest.approx(value, rel=1e-12) and fun(x) == pytest.approx(value, rel=1e-12)
                np.testing.assert_allclose(g, grad, rtol=1e-10, atol=1e-12)
                np.testing.assert_allclose(hv(POINTS[0]), product, rtol=1e-10, atol=1e-12)
    in_threads(work)
    assert fun.report.mode == "compiled" and fun.report.recordings <= 40


def test_a_function_that_calls_itself_through_its_derivative():
    """Reentrancy in one thread: generated code running while it is called again."""
    fun = ad.compile(lambda x: x @ x)
    for x in POINTS[:3]:
        fun(x)
    outer = ad.compile(lambda x: np.sum(np.asarray(ad.grad(fun)(x)) ** 2) + fun(x))
    for x in POINTS[:5]:
        np.testing.assert_allclose(outer.value_and_grad(x)[1], 10 * x, rtol=1e-12)


def test_threads_find_their_branches_in_one_tree():
    """Recordings are added, preferred and selected by several threads at once."""
    def f(x):
        return sum(x[i] if x[i] > 0 else x[i] ** 2 for i in range(4))
    fun = ad.compile(f)

    def work(k):
        rng = np.random.default_rng(k)
        for _ in range(150):
            x = rng.standard_normal(4)
            value, grad = fun.value_and_grad(x)
            assert value == pytest.approx(float(f(x)))
            np.testing.assert_allclose(grad, np.where(x > 0, 1.0, 2 * x))
    in_threads(work)
    entry, = fun._entries.values()
    assert fun.report.mode == "compiled" and len(entry.compiled) == len(set(entry.compiled)) == 16


def test_checkpoints_and_long_code_in_threads():
    """Calls recorded at once do not see each other; code in pieces is reentrant."""
    segment = ad.checkpoint(lambda y: np.tanh(y * 1.1) + np.zeros(50))

    def f(x):
        total, y = 0.0, x
        for _ in range(4):
            y = segment(y)
        for i in range(400):
            total = total * 0.5 + y[i % 50] * x[(7 * i) % 50] - total ** 2 * 1e-3
        return total + y @ y

    serial = ad.compile(f, eager=True)
    expected = [serial.value_and_grad(x) for x in POINTS[:4]]
    shared = ad.compile(f)

    def work(k):
        own = ad.compile(f, eager=True)
        for fun in (own, shared, shared):
            for (value, grad), x in zip(expected, POINTS):
                v, g = fun.value_and_grad(x)
                assert v == pytest.approx(value, rel=1e-11)
                np.testing.assert_allclose(g, grad, rtol=1e-9, atol=1e-11)
    in_threads(work)
    entry, = shared._entries.values()
    assert "def piece" in entry.compiled[0].program("gradient").source


# --- memory: everything dies with its last reference, without the garbage collector --------------------------------


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("calls", [1, 2, 5])
@pytest.mark.parametrize("eager", [True, False])
def test_captured_arrays_die_with_the_function(no_collector, calls, eager):
    def make():
        matrix, y = RNG.standard_normal((80, 50)), RNG.standard_normal((80,))

        def helper(z):
            return np.logaddexp(0, -y * z)

        def f(x):
            if x[0] > 100:
                return x @ x
            return np.sum(helper(matrix @ x)) + np.sum(x[:3])
        return ad.compile(f, eager=eager), weakref.ref(matrix), weakref.ref(y), weakref.ref(f)
    fun, *references = make()
    for x in POINTS[:calls]:
        fun(x)
        fun.value_and_grad(x)
        hv = fun.linearize_grad(x)[2]
    assert hv(POINTS[0]).shape == (50,) and all(reference() is not None for reference in references)
    del fun, hv
    assert all(reference() is None for reference in references)


def test_transforms_let_go(no_collector):
    def make():
        matrix = RNG.standard_normal((80, 50))

        def f(x):
            return np.sum((matrix @ x) ** 2)
        return f, weakref.ref(matrix)
    for use in (lambda f: ad.grad(f)(POINTS[0]), lambda f: ad.hessian(f)(POINTS[0]),
                lambda f: ad.hvp(f, POINTS[0], POINTS[1]),
                lambda f: ad.jvp(f, (POINTS[0],), (POINTS[1],)), lambda f: ad.vjp(f, POINTS[0])[1](1.0),
                lambda f: ad.grad(lambda x: ad.grad(f)(x) @ x)(POINTS[0]), lambda f: ad.trace(f, POINTS[0])):
        f, reference = make()
        use(f)
        del f
        assert reference() is None


def test_linear_maps_let_go(no_collector):
    """What vjp and linearize return holds what it needs, and goes with its last reference."""
    def make():
        matrix = RNG.standard_normal((80, 50))
        return lambda x: np.tanh(matrix @ x), weakref.ref(matrix)
    for use in (lambda f, x: ad.vjp(f, x)[1], lambda f, x: ad.linearize(f, x)[1]):
        (f, reference), x = make(), RNG.standard_normal((50,))
        point, linear = weakref.ref(x), use(f, x)
        for _ in range(2):
            linear(np.ones(80) if linear.__name__ == "pullback" else x)
        del f, x
        assert reference() is not None
        del linear
        assert reference() is None and point() is None


def test_long_code_lets_go(no_collector):
    """Code in pieces: functions that make functions, and none that keeps itself."""
    def make():
        matrix = RNG.standard_normal((80, 50))

        def f(x):
            y, total = matrix @ x, 0.0
            for i in range(500):
                total = total * 0.5 + y[i % 80] * x[i % 50] - total ** 2 * 1e-3
            return total
        return f, weakref.ref(matrix)
    f, reference = make()
    fun = ad.compile(f)
    for x in POINTS[:3]:
        fun.value_and_grad(x)
        hv = fun.linearize_grad(x)[2]
    hv(x)
    entry, = fun._entries.values()
    assert "def piece" in entry.compiled[0].program("gradient").source
    program = weakref.ref(entry.compiled[0].program("gradient")._build.func)
    del f, fun, hv, entry
    assert reference() is None and program() is None


def test_values_of_a_run_die_inside_the_call(no_collector):
    """Large values are let go at their last use: evaluation holds a few, however long the chain."""
    def f(x):
        for _ in range(40):
            x = np.sin(x) + 0.1
        return np.sum(x)
    x = np.linspace(0, 1, 20000)
    recording = ad.trace(f, x)
    g = primal(recording)
    tracemalloc.start()
    evaluate(g, dict(zip(g.inputs, [x])), g.outputs)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * x.nbytes


def test_points_and_arguments_let_go(no_collector):
    fun = ad.compile(lambda x, data: np.sum((data @ x) ** 2))
    for _ in range(4):
        x, data = RNG.standard_normal((50,)), RNG.standard_normal((80, 50))
        references = weakref.ref(x), weakref.ref(data)
        fun.value_and_grad(x, data)
        del x, data
        assert all(reference() is None for reference in references)
    assert fun.report.mode == "compiled"


def test_tracers_die_with_their_run(no_collector):
    died = []

    def f(x):
        for traced in (x, x[1:], x * 2, np.zeros(3)):
            weakref.finalize(traced, died.append, 1)
        return x @ x
    for differentiate in (ad.grad(f), ad.compile(f, eager=True).linearize_grad, ad.hessian(f)):
        del died[:]
        differentiate(POINTS[0])
        assert len(died) >= 4


def test_recordings_die_when_what_they_stood_for_changes(no_collector):
    matrix = RNG.standard_normal((80, 50))
    scale = 1.0

    def f(x):
        return scale * np.sum((matrix @ x) ** 2)
    fun = ad.compile(f)
    for x in POINTS[:3]:
        fun.value_and_grad(x)
    entry, = fun._entries.values()
    recording = weakref.ref(entry.compiled[0].recording)
    del entry
    scale = 2.0
    np.testing.assert_allclose(fun.value_and_grad(POINTS[0])[1], 4 * matrix.T @ (matrix @ POINTS[0]), rtol=1e-10)
    assert recording() is None


def test_an_error_lets_go(no_collector):
    def make():
        matrix = RNG.standard_normal((80, 50))

        def f(x):
            return float(np.sum(matrix @ x))
        return f, weakref.ref(matrix)
    f, reference = make()
    with pytest.raises(ad.TraceError):
        ad.grad(f)(POINTS[0])
    del f
    gc.collect()                         # the traceback that pytest holds is a cycle of its own
    assert reference() is None


def test_sparse_matrices_die_with_the_function(no_collector):
    S = scipy.sparse.csr_array(np.diag(np.arange(1.0, 51)))
    reference = weakref.ref(S)
    fun = ad.compile(lambda x, S=S: np.sum((S @ x) ** 2))
    for x in POINTS[:3]:
        fun.value_and_grad(x)
    del fun, S
    assert reference() is None


def test_eager_calls_do_not_grow():
    """A function that stays eager keeps nothing of its runs."""
    rng = np.random.default_rng(0)
    fun = ad.compile(lambda x: np.sum(rng.standard_normal(50) * x))
    for x in POINTS[:5]:
        fun.value_and_grad(x)
    entry, = fun._entries.values()
    assert entry.eager and not entry.pending and not entry.compiled
