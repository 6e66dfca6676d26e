"""Long loops: generated code in Python floats and in pieces, everything linear in the number of operations."""

import math
import re

import numpy as np
import pytest

import autodiff as ad
from autodiff import derive, pieces
from autodiff.answers import linear_parts
from autodiff.compile import Program


def logistic(steps):
    def f(x):
        y, r = x[0], x[1]
        for _ in range(steps):
            y = r * y * (1.0 - y)
        return y
    return f


def pendulum(steps, h=0.01):
    def f(x):
        q, p = x[0], x[1]
        for _ in range(steps):
            p = p - h * np.sin(q) * x[2]
            q = q + h * p * (1.0 + 0.1 * q * q)
        return q * q + p * p
    return f


def filling(steps):
    def f(x):
        out = np.zeros(steps)
        out[0] = x[0]
        for i in range(1, steps):
            out[i] = 0.9 * out[i - 1] * x[1] + x[0] * x[2]
        return np.sum(out ** 2) / steps
    return f


def trajectory(steps):
    def f(x):
        out = np.zeros((steps, 3))
        out[0] = x
        for i in range(1, steps):
            out[i] = out[i - 1] + 0.01 * np.sin(out[i - 1]) * x
        return np.mean(out ** 2)
    return f


def small_vectors(steps):
    def f(x):
        y = x
        for _ in range(steps):
            y = y + 0.01 * np.sin(y) * x[::-1]
        return y @ y
    return f


def summed(steps):
    """One number with many contributions, and a vector read entry by entry."""
    def f(x):
        total = 0.0
        for i in range(steps):
            total = total + (x[i % 3] - 0.1 * x[(i + 1) % 3]) ** 2
        return total / steps
    return f


def branching(steps):
    def f(x):
        y = x[0]
        for _ in range(steps):
            y = y * x[1] if y > 1.0 else y + 0.3 * x[2]
        return y * y
    return f


def matrix_then_numbers(steps):
    A = np.arange(9.0).reshape(3, 3) / 10 + np.eye(3)

    def f(x):
        z = np.tanh(A @ x)
        a, b, k = z[0], z[1], int(np.argmax(x))
        for _ in range(steps):
            a, b = a + 0.01 * b * z[2], b - 0.01 * a * x[k]
        return a * a + b * b
    return f


LOOPS = [logistic, pendulum, filling, trajectory, small_vectors, summed, branching, matrix_then_numbers]
X, V = np.array([0.31, 0.72, 0.57]), np.array([0.3, -1.1, 0.7])


@pytest.fixture(autouse=True)
def short_pieces(monkeypatch):
    """What happens to long code happens to code of a few hundred lines."""
    monkeypatch.setattr(pieces, "LIMIT", 150)
    monkeypatch.setattr(pieces, "LENGTH", 60)
    monkeypatch.setattr(derive, "LONG", 60)


def programs(f, x):
    """(graph, program) of the value, the gradient, and both halves of the linearised gradient."""
    recording = ad.trace(f, x)
    value, gradient = derive.primal(recording), derive.gradient(recording, range(1))
    g, residuals, given, tangents = linear_parts(recording, range(1), False)
    yield value, Program(value, value.inputs, value.outputs)
    yield gradient, Program(gradient, gradient.inputs, gradient.outputs)
    yield g, Program(g, g.inputs, (*g.outputs, *residuals))
    yield g, Program(g, (*given, *residuals), tangents, keep_guards=False)


def lines(source):
    return [line.strip() for line in source.splitlines()]


@pytest.mark.parametrize("loop", LOOPS, ids=lambda f: f.__name__)
def test_graphs_and_code_are_linear_in_length(loop):
    """Four times the steps: four times the operations, the lines, the characters; no longer line, no longer piece."""
    for (small, code), (large, longer) in zip(programs(loop(50), X), programs(loop(200), X), strict=True):
        assert len(large.nodes) <= 4.1 * len(small.nodes) + 50
        assert len(lines(longer.source)) <= 4.6 * len(lines(code.source)) + 50
        assert len(longer.source) <= 5.5 * len(code.source) + 4000
        assert longer.source.count("copyto") <= code.source.count("copyto") + 4       # written in place
        for source in (code.source, longer.source):
            handing = r"(def |return |piece|s\d+_|[tx,\d L]*= s\d+_)"
            inside = [line for line in lines(source) if not re.match(handing, line)]
            assert max(map(len, inside)) < 400
            for piece in re.split(r"\n *def piece", source)[1:]:
                piece = re.split("def make|def build", piece)[0]
                assert len(piece.splitlines()) <= pieces.LENGTH + 10 + 2 * piece.count("clear")


@pytest.mark.parametrize("loop", LOOPS, ids=lambda f: f.__name__)
def test_long_loops_have_the_derivatives_of_the_eager_run(loop):
    """In pieces: value, gradient and Hessian-vector product against recordings of their own and against differences."""
    f = loop(80)
    fast, slow = ad.compile(f), ad.compile(f, eager=True)
    for k in range(3):
        x = X * (1 + 1e-3 * k)
        value, grad, hv = fast.linearize_grad(x)
        expected, by_hand, product = slow.linearize_grad(x)
        assert pytest.approx(float(f(x)), rel=1e-11) == value == pytest.approx(expected, rel=1e-12)
        assert fast(x) == pytest.approx(value, rel=1e-12)
        scale = np.abs(by_hand).max()
        np.testing.assert_allclose(grad, by_hand, rtol=1e-8, atol=1e-10 * scale)
        np.testing.assert_allclose(fast.value_and_grad(x)[1], by_hand, rtol=1e-8, atol=1e-10 * scale)
        np.testing.assert_allclose(hv(V), product(V), rtol=1e-7, atol=1e-9 * np.abs(product(V)).max())
    assert fast.report.mode == "compiled"
    h = 1e-6
    slope = (f(x + h * V) - f(x - h * V)) / (2 * h)
    assert grad @ V == pytest.approx(slope, rel=1e-5, abs=1e-7 * abs(value))


def second_order(x, v, steps, h=0.01):
    """The pendulum with truncated Taylor arithmetic in Python floats: value, slope, curvature along v."""
    def mul(a, b):
        return a[0] * b[0], a[0] * b[1] + a[1] * b[0], a[0] * b[2] + 2 * a[1] * b[1] + a[2] * b[0]

    def sin(a):
        s, c = math.sin(a[0]), math.cos(a[0])
        return s, c * a[1], c * a[2] - s * a[1] ** 2

    def add(a, b, scale):
        return tuple(s + scale * t for s, t in zip(a, b))
    q, p, z = ((float(a), float(b), 0.0) for a, b in zip(x, v))
    for _ in range(steps):
        p = add(p, mul(sin(q), z), -h)
        q = add(q, add(p, mul(p, mul(q, q)), 0.1), h)
    return add(mul(q, q), mul(p, p), 1.0)


@pytest.mark.parametrize("steps", [5, 50, 200])
def test_against_taylor_arithmetic_by_hand(steps):
    fun = ad.compile(pendulum(steps))
    for k in range(3):
        x = X + 0.01 * k
        value, slope, curvature = second_order(x, V, steps)
        found, grad, hv = fun.linearize_grad(x)
        assert found == pytest.approx(value, rel=1e-11)
        assert grad @ V == pytest.approx(slope, rel=1e-10) == fun.value_and_grad(x)[1] @ V
        assert hv(V) @ V == pytest.approx(curvature, rel=1e-9)


def calls(source):
    return set(re.findall(r"\b([A-Za-z_]\w*)\(", source)) - {"build", "run"}


def test_numbers_are_python_floats():
    """No NumPy call in a loop over numbers, in short code and in long; vectors beside it are read by one tolist()."""
    for steps in (5, 100):
        for (_, code), name in zip(programs(pendulum(steps), X), ("value", "gradient"), strict=False):
            inside = {c for c in calls(code.source) if not c.startswith(("piece", "make", "clear"))}
            assert inside <= {"f_math_sin", "f_math_cos", "tolist", "float", "zeros", "array"}, name
            assert code.source.count("tolist()") == 1 and ".item(" not in code.source
            assert type(code(X)[0]) is float
    code = next(programs(matrix_then_numbers(50), X))[1]
    assert code.source.count("tolist()") == 1 and type(code(X)[0]) is float           # beside a vector and an integer


def test_single_uses_become_one_expression():
    code = next(programs(pendulum(100), X))[1]
    assert len(lines(code.source)) < 3.2 * 100                                        # 9 operations a step


def test_no_expression_is_computed_twice():
    def f(x):
        y = x[0]
        for k in range(40):
            y = (0.9 * y - 0.01 * k) ** 2 + np.maximum(y + x[1], 0.5 * y)
            y = y / (1.0 + y)
        return y
    code = next(programs(f, X))[1]
    assert code.source.count(" * ") <= 40 * 3 + 20
    for x in (X, -X, 5 * X):
        assert code(x)[0] == pytest.approx(float(f(x)), rel=1e-12)


def test_a_hessian_product_of_a_loop_is_proportional():
    """Operations of value, gradient and product in one: a small multiple of those of f, however many inputs move."""
    operations = len(derive.primal(ad.trace(pendulum(200), X)).nodes)
    g, residuals, given, tangents = linear_parts(ad.trace(pendulum(200), X), range(1), False)
    both = len(g.live((*g.outputs, *residuals))) + len(g.live(tangents, False, set(residuals)))
    assert both < 11 * operations


def test_what_python_raises_and_numpy_does_not_inside_a_long_loop():
    def f(x):
        y = x[0]
        for _ in range(200):
            y = y * 0.5 + 1.0 / (x[1] - y * x[2])
        return y
    fun = ad.compile(f)
    for x in (np.array([1.0, 9.0, 0.3]), np.array([1.1, 9.5, 0.2])):
        fun.value_and_grad(x)
    assert fun.report.mode == "compiled"
    with np.errstate(all="ignore"):
        x = np.array([1.0, 1.0, 1.0])                   # 1/0 at the first step
        np.testing.assert_equal(fun(x), float(f(x)))


def test_guards_in_pieces_select_the_branch():
    fun = ad.compile(branching(60))
    for k in range(40):
        x = X + np.array([0.02 * k, 0.0, 0.0])
        assert fun.value_and_grad(x)[0] == pytest.approx(float(branching(60)(x)))
        np.testing.assert_allclose(fun.grad(x), ad.compile(branching(60), eager=True).grad(x), rtol=1e-9)


def test_values_are_handed_on_only_to_who_reads_them():
    """Forward values that the backward pass needs are parcels of one piece for another: no more names than reads."""
    g = derive.gradient(ad.trace(pendulum(300), X), range(1))
    source = Program(g, g.inputs, g.outputs).source
    handed = sum(len(line.split(",")) for line in lines(source) if re.match(r"[tx,\d L]*= s\d+_", line))
    assert handed < len(lines(source))
    assert source.count("def piece") > 5


@pytest.mark.parametrize("beyond", [0, 1, 100])
def test_the_border_of_pieces(beyond):
    count = pieces.LIMIT + beyond
    names = [f"t{k}" for k in range(count)]
    code = pieces.source(["b0 = []"], [f"{n} = x0 + {k} + len(b0)" for k, n in enumerate(names)], ["x0", "x1"],
                         "(" + ", ".join(names[::100]) + ", x1)")
    space: dict = {}
    exec(code, space)
    made = [space[f"make{k}"] for k in range(code.count("def make"))]
    assert (len(made) > 0) is (count > pieces.LIMIT)
    assert space["build"](made)(1, 7) == (*range(1, count + 1, 100), 7)
