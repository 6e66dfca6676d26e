"""Same input, same bits: whether a recording answers or generated code, and whatever was called before."""

import numpy as np
import pytest
import scipy.sparse

import autodiff as ad
import optkit
import problems
from autodiff.answers import Compiled, Derived
from autodiff.call import Call
from autodiff.primitive import PRIMITIVES, bind
from autodiff.recording import record

N = 40
RNG = np.random.default_rng(0)
K = RNG.standard_normal((N, N)) / 6
SPARSE = scipy.sparse.random(60, N, 0.2, random_state=0, format="csr")
POINTS = [0.01 + 0.5 * RNG.standard_normal(N) for _ in range(3)]
DIRECTION = RNG.standard_normal(N)


def leaves(answer) -> list:
    return [np.asarray(leaf) for leaf in ad.pytree.flatten(answer)[0]]


def assert_same_bits(a, b, what=""):
    for x, y in zip(leaves(a), leaves(b), strict=True):
        assert (x.shape, x.dtype) == (y.shape, y.dtype), what
        assert x.tobytes() == y.tobytes(), f"{what}: {x} and {y} differ by {np.max(np.abs(x - y))}"


def answers(fun, x, v) -> dict:
    """Everything a compiled function answers at x; the three ways to a value and the two to a gradient agree."""
    value, (with_grad, grad), (with_hv, grad_too, hv) = fun(x), fun.value_and_grad(x), fun.linearize_grad(x)
    assert_same_bits((value, grad), (with_grad, grad_too), "value beside gradient, gradient beside product")
    assert_same_bits(value, with_hv, "value beside product")
    return {"value": value, "gradient": grad, "product": hv(v)}


def anew(f):
    """A function that carries no memory yet."""
    return lambda *args: f(*args)


def assert_whatever_came_before(f, points, v):
    """Recorded always, recorded for the first time, compiled, compiled on another object after other calls."""
    eager, known, other = ad.Function(anew(f), eager=True), ad.compile(anew(f)), ad.compile(anew(f))
    for x in points[::-1]:
        known.linearize_grad(x)
        other(x)
    known.value_and_grad(points[0])
    assert known.report.mode == other.report.mode == "compiled", known.report
    for x in points:
        expected = answers(eager, x, v)
        for fun, what in ((known, "compiled"), (other, "compiled elsewhere"), (ad.compile(anew(f)), "first call")):
            found = answers(fun, x, v) if what != "first call" else {"gradient": fun.value_and_grad(x)[1]}
            for kind in found:
                assert_same_bits(found[kind], expected[kind], f"{kind}, {what}")
        assert_same_bits(ad.compile(anew(f))(x), expected["value"], "value, first call")
        assert_same_bits(ad.compile(anew(f)).linearize_grad(x)[2](v), expected["product"], "product, first call")
    return eager


# --- problems ---------------------------------------------------------------------------------------------------------


def _problems():
    for name, case in problems.collection().items():
        yield pytest.param(case.f, case.x0, id=name)
    for name in problems.names():
        problem = problems.get(name)
        x0, unravel = ad.pytree.ravel(problem.x0)
        yield pytest.param(lambda x, f=problem.f, unravel=unravel: f(unravel(x)), x0, id=name)


@pytest.mark.nan_ok
@pytest.mark.parametrize("f, x0", list(_problems()))
def test_recording_and_its_code(f, x0):
    rng = np.random.default_rng(1)
    for x in (np.array(x0), x0 + 0.01 * rng.standard_normal(x0.shape)):
        _assert_code_of_recording(f, (x,), rng.standard_normal(x0.shape))


def _assert_code_of_recording(f, args, v):
    call = Call(args, 0)
    derived = Derived(record(f, args, lambda number: number == 0, {}), call.wrt)
    compiled = Compiled(derived, lambda: True)
    for kind in ("value", "gradient", "linear"):
        expected, found = derived.answer(kind, call, f), compiled.answer(kind, call, f)
        if kind == "linear":
            expected, found = (*expected[:2], expected[2](v)), (*found[:2], found[2](v))
        assert_same_bits(found, expected, kind)


def _rows():
    """(row, arguments, parameters, the arguments that vary): those that depend on real numbers alone.

    Without logm: SciPy's own last digits vary from call to call with where in memory a matrix lies.
    """
    for name, prim in PRIMITIVES.items():
        for k, sample in enumerate(prim.samples):
            args, params = sample if len(sample) == 2 and isinstance(sample[1], dict) else (sample, {})
            moving = [n for n, a in enumerate(args)
                      if isinstance(a, (np.ndarray, float)) and np.asarray(a).dtype == float and np.size(a)]
            if moving and params.get("f") != "logm" and not isinstance(prim.shape(*args, **params)[1], tuple):
                yield pytest.param(prim, args, params, moving, id=f"{name}-{k}")


@pytest.mark.nan_ok
@pytest.mark.parametrize("prim, args, params, moving", list(_rows()))
def test_rows(prim, args, params, moving):
    """Every row of the tables, with its derivatives: what generated code writes, and kernels.py."""
    sizes = [np.size(args[n]) for n in moving]

    def f(x):
        full = list(args)
        for n, part in zip(moving, np.split(x, np.cumsum(sizes)[:-1]), strict=True):
            full[n] = np.reshape(part, np.shape(args[n]))
        y = bind(prim, tuple(full), params)
        return np.real(np.sum(np.sin(y) * np.cos(y) + y * y))
    x = np.concatenate([np.ravel(args[n]) for n in moving])
    _assert_code_of_recording(f, (x,), np.cos(np.arange(x.size)))


# --- what rounds by order and layout ----------------------------------------------------------------------------------


def lu(x):
    """Strided parts of arrays that are being written."""
    A, L, U = K + np.outer(x, x) + 8 * np.eye(N), np.zeros((N, N)), np.zeros((N, N))
    for i in range(4):
        for j in range(i, 4):
            U[i, j] = A[i, j] - L[i, :i] @ U[:i, j]
        for j in range(i + 1, 4):
            L[j, i] = (A[j, i] - L[j, :i] @ U[:i, i]) / U[i, i]
    return np.sum(U * U) + np.sum(L)


def columns(x):
    A, s = (K + np.outer(x, np.sin(x))) * 1.5 + 8 * np.eye(N), 0.0
    for k in range(3):
        s = s + A[:, k] @ K[:, k] + np.sum(A[:, k] ** 2) + A[3:30, k] @ A[k, 3:30] + np.sum(A[2:5, 3:7])
        A[:, k] = np.sin(A[:, k]) / (1 + A[k, :] ** 2)
    return s


def transposed(x):
    X = np.outer(np.sin(x), np.cos(x))
    Y = X.T * 2 + 1
    return np.sum((Y @ K).T @ x) + np.sum(Y.T, axis=0) @ x + np.sum(np.exp(Y) * X) + np.mean(Y.T + 1)


def three_axes(x):
    Z = np.tanh(x[:, None, None] * K[None, :20, :20]).transpose(2, 0, 1)
    return np.sum(np.sum(Z, axis=1) ** 2) + np.sum(np.sum(Z * 2, axis=(0, 2)) * x) + np.sum(np.max(Z, axis=2))


def scalars(x):
    s, z = 0.0, x[0]
    for k in range(6):
        z = np.exp(-z**2) * np.sin(x[1] * k) + np.log1p(x[2]**2)**0.7 + np.where(z > 0, np.sqrt(abs(z) + 1), np.tanh(z))
        s = s + z * np.arcsinh(z) / (1 + x[k]**2) + np.power(2.0 + z, 1.7)
    return s


def where_floats_raise(x):
    """exp overflows, 1/0: NumPy's answer for that operation alone, the others as before."""
    wall = np.minimum(np.exp(900.0 + x[0]), 3.0) + np.maximum(-1.0 / np.abs(x[1] - x[1]), -2.0)
    return wall + np.exp(x[2]) * np.sin(x[3]) + np.log(np.abs(x[4]) + 1) ** x[5] + x @ x


def zero_times_infinity(x):
    return np.sum(np.where(x > 0, np.sqrt(np.maximum(x, 0.0)), 0.0)) + np.exp(x[0]) * (x @ x)


def steps(x):
    """A loop whose code is worth more than one further recording."""
    z = x[0]
    for _ in range(500):
        z = np.sin(z) * x[1] + x[2] * 0.1
    return z * z + x @ x


FUNCTIONS = {
    "lu": lu, "columns": columns, "transposed": transposed, "three axes": three_axes, "scalars": scalars,
    "zero times infinity": zero_times_infinity,
    "log-sum-exp": lambda x: np.log(np.sum(np.exp(K @ x))) + x @ (K @ K.T @ x) + 3.0 * np.mean(np.logaddexp(0, -x)),
    "log det": lambda x: np.sum(np.log(np.diag(np.linalg.cholesky(np.outer(x, x) + K @ K.T + 5 * np.eye(N))))),
    "solve": lambda x: x @ np.linalg.solve(K + 9 * np.eye(N) + np.diag(x), np.sin(x)),
    "sparse": lambda x: np.sum((SPARSE @ x)**2) + np.sum(np.exp(SPARSE.tocsc() @ np.sin(x)) / 9),
    "float32": lambda x: np.float32(2.5) * np.sum(x.astype(np.float32)**2) + np.sum(x**3),
    "fft": lambda x: np.sum(np.abs(np.fft.fft(x))**2 * np.arange(N)),
    "powers": lambda x: np.sum(np.abs(x)**2.3) + x[0]**7 + np.prod(1 + x[:5]) + np.linalg.norm(x) + np.var(x),
    "checkpoint": lambda x: np.sum(ad.checkpoint(lambda y: np.tanh(K @ y) * np.exp(-y * y))(np.sin(x))**3)}


@pytest.mark.parametrize("strided", (False, True))
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name, strided):
    points = [np.repeat(x, 2)[::2] if strided else x for x in POINTS]
    with np.errstate(all="ignore"):
        assert_whatever_came_before(FUNCTIONS[name], points, DIRECTION)


@pytest.mark.nan_ok
def test_where_floats_raise():
    with pytest.warns(RuntimeWarning):
        assert_whatever_came_before(where_floats_raise, POINTS, DIRECTION)


def test_matrices_in_any_layout():
    def f(W, b):
        return np.sum(np.tanh(W.T @ W + b) * W.T[:, :1]) + np.sum(W * 2.0, axis=1) @ b
    C = RNG.standard_normal((N, N))
    for W in (C, np.asfortranarray(C), np.repeat(C, 2, axis=1)[:, ::2]):
        fun, eager = ad.compile(anew(f)), ad.Function(anew(f), eager=True)
        for b in POINTS:
            fun.value_and_grad(W, b)
        assert fun.report.mode == "compiled"
        assert_same_bits(fun.value_and_grad(W, b), eager.value_and_grad(W, b))
        assert_same_bits(fun.linearize_grad(W, b)[2](C), eager.linearize_grad(W, b)[2](C))


# --- what was called before -------------------------------------------------------------------------------------------


def test_calls_of_a_long_loop(monkeypatch):
    monkeypatch.setattr("autodiff.trust.WORTH", 500)
    fun, x = ad.compile(steps), np.array([0.1, 0.2, 0.3])
    found, modes = [], []
    for k in range(6):
        found.append(fun.value_and_grad(x))
        modes.append(fun.report.mode)
        fun.value_and_grad(x + 0.01 * (k + 1))
    assert modes[0] == "recording" and modes[-1] == "compiled" and "recording" in modes[1:]
    for answer in found:
        assert_same_bits(answer, found[0])


def test_branches_in_any_order():
    def f(x):
        s = x @ x
        for k in range(4):
            s = s + (np.exp(-x[k]**2) * s if x[k] > 0 else np.sum(np.log1p(x * x)) / (2.0 + x[k + 1]**2))
        return s
    points = [np.array(signs) * 0.7 + 0.01 * RNG.standard_normal(5) for signs in np.ndindex(2, 2, 2, 2, 2)]
    points = [x - 0.3 for x in points]
    forth, back = ad.compile(anew(f)), ad.compile(anew(f))
    there = [forth.value_and_grad(x) for x in points]
    assert_same_bits([back.value_and_grad(x) for x in points[::-1]][::-1], there)
    for fun in (forth, back, forth):
        assert_same_bits([fun.value_and_grad(x) for x in points], there)
    assert forth.report.mode == "compiled"


def test_functions_that_keep_count_are_eager_and_round_alike():
    """State beside the value: never trusted, and the same arithmetic."""
    count = [0]

    def f(x):
        count[0] += 1
        return FUNCTIONS["log-sum-exp"](x)
    fun, pure = ad.compile(f), ad.compile(anew(FUNCTIONS["log-sum-exp"]))
    for x in (*POINTS, *POINTS):
        assert_same_bits(answers(fun, x, DIRECTION), answers(pure, x, DIRECTION))
    assert (fun.report.mode, pure.report.mode) == ("eager", "compiled")


def test_recordings_are_told_apart():
    """What is derived from one recording does not answer for another: constants, large and small, that change."""
    large, small, factor = np.ones(10**5), np.ones(N), [1.0]
    fun = ad.compile(lambda x: factor[0] * np.sum(large[:N] * x) + np.sum((2.0 * small) * x * x)
                     + np.sum((3.0 * large)[:N] * x) + np.sum(np.outer(large, x)[0]), eager=True)
    for k in range(1, 5):
        large[:], small[:], factor[0] = k, 2 * k, 3 * k
        np.testing.assert_allclose(fun.grad(np.ones(N)), 3 * k * k + 8 * k + 4 * k)


@pytest.mark.parametrize("seed", (0, 1))
def test_random_functions_are_followed(seed):
    rng, used = np.random.default_rng(seed), []

    def f(x):
        used.append(rng.standard_normal(N))
        return np.sum(np.sin(x) * used[-1])
    for fun in (ad.compile(f), ad.Function(f, eager=True)):
        for x in POINTS * 3:
            value, grad = fun.value_and_grad(x)
            at = next(c for c in used[::-1] if np.isclose(value, np.sum(np.sin(x) * c), rtol=1e-10))
            np.testing.assert_allclose(grad, np.cos(x) * at)


def test_trouble_that_the_function_handles():
    def f(x):
        with np.errstate(all="ignore"):
            return np.sum(np.where(x > 0, np.log(x), 0.0)) + np.exp(x[0]) * (x @ x)
    fun, eager = ad.compile(f), ad.Function(f, eager=True)
    for _ in range(3):
        for x in POINTS:
            assert_same_bits(fun.value_and_grad(x), eager.value_and_grad(x))
    assert_same_bits(fun.value_and_grad(np.abs(x) + 0.1), eager.value_and_grad(np.abs(x) + 0.1))


def test_sparse_hessians():
    def f(x):
        return np.sum(np.exp(x[1:] * x[:-1]) / (1 + x[1:]**2)) + np.sum(np.sin(x)**4)
    known = ad.sparse_hessian(f)
    expected = [known(x).toarray() for x in POINTS]
    for x, matrix in zip(POINTS, expected, strict=True):
        assert_same_bits(known(x).toarray(), matrix)
        assert_same_bits(ad.sparse_hessian(anew(f))(x).toarray(), matrix)


# --- a run of a solver ------------------------------------------------------------------------------------------------

RUNS = ("himmelbb", "sineval", "chnrosnb", "genrose", "dixmaana", "growthls", "leon", "trid", "beale")


def _run(f, x0, method) -> list:
    result = optkit.minimize(f, x0, method=method, maxiter=60)
    records = [record._replace(time=0.0) for record in result.history]
    return [result.x, result.fun, result.jac, [result.nfev, result.njev, result.nhev], [list(r) for r in records]]


@pytest.mark.nan_ok
@pytest.mark.parametrize("method", ("newton-cg", "l-bfgs"))
@pytest.mark.parametrize("name", RUNS)
def test_a_run_can_be_repeated(name, method):
    case = problems.collection()[name]
    same, fresh = anew(case.f), anew(case.f)
    first = _run(same, case.x0, method)
    assert_same_bits(_run(same, case.x0, method), first, "the same function object again")
    assert_same_bits(_run(fresh, case.x0, method), first, "a fresh function object")
