"""The course texts, continued: costs, computational graphs and their tables, progressive functions, colours, series."""

import functools
import inspect
import math
import re
import runpy
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

import autodiff as ad
from autodiff.derive import gradient, primal
from autodiff.interpreters.draw import picture, trace_with_names

ROOT = Path(__file__).resolve().parents[2]
RNG = np.random.default_rng(0)
A, LABELS = RNG.standard_normal((200, 30)), np.sign(RNG.standard_normal(200))


@pytest.fixture
def example(tmp_path, monkeypatch):
    """The names of an example script, which runs in an empty directory without its last part."""
    monkeypatch.chdir(tmp_path)
    return lambda name: runpy.run_path(str(ROOT / "examples" / f"{name}.py"))


# --- D1: what a gradient costs ----------------------------------------------------------------------------------------

FREE = {"input", "reshape", "transpose", "broadcast_to", "getitem", "constant"}


def work(graph):
    """Floating-point operations: 2mnk for a product, the entries read by a sum, those made by anything elementwise."""
    total = 0
    for node in graph.live(graph.outputs):
        shapes = [np.shape(i) if isinstance(i, (float, int)) else i.shape for i in node.inputs]
        if node.prim.name == "matmul":
            total += 2 * shapes[0][-1] * node.size
        elif node.prim.name not in FREE:
            total += math.prod(shapes[0]) if node.prim.name == "sum" else node.size
    return total


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


WORKLOADS = {
    "rosenbrock": (rosenbrock, np.linspace(-1.0, 1.0, 1000)),
    "logistic": (lambda w: np.mean(np.logaddexp(0, -LABELS * (A @ w))) + 0.1 * w @ w, RNG.standard_normal(30)),
    "least squares": (lambda x: 0.5 * np.sum((A @ x - LABELS) ** 2), RNG.standard_normal(30)),
    "network": (lambda p: np.sum((np.tanh(np.tanh(A @ p[0]) @ p[1]) - 1) ** 2),
                [RNG.standard_normal((30, 20)), RNG.standard_normal((20, 5))])}


@pytest.mark.parametrize("name", WORKLOADS)
def test_d1_a_gradient_costs_at_most_two_evaluations_more(name):
    """Counted in the graphs that code is generated from: (value and gradient)/value ≤ 3."""
    f, x = WORKLOADS[name]
    recording = ad.trace(f, x)
    alone, both = work(primal(recording)), work(gradient(recording, range(len(recording.inputs))))
    assert alone > 0 and both <= 3 * alone


# --- D2, D3: a graph, and every adjoint by name -----------------------------------------------------------------------

POINT = {"w": 0.5, "b": 0.1, "x": 2.0, "t": 1.0, "lam": 0.3}


def logistic(w, b, x, t, lam):
    z = w * x + b
    y = expit(z)
    L = 0.5 * (y - t) ** 2
    R = 0.5 * w ** 2
    E = L + lam * R
    return E


def test_d2_adjoints_by_name():
    """Ē = 1, R̄ = λ, L̄ = 1, ȳ = L̄(y − t), z̄ = ȳσ'(z), w̄ = z̄x + R̄w, b̄ = z̄ (∂z/∂b is 1, not 0 as printed), x̄ = z̄w."""
    bar = {box.name: box.adjoint for box in picture(trace_with_names(logistic, *POINT.values()), adjoints=True).boxes}
    w, b, x, t, lam = POINT.values()
    y = expit(w * x + b)
    hand = {"E": 1.0, "R": lam, "L": 1.0, "y": y - t, "z": (y - t) * y * (1 - y)}
    hand |= {"w": hand["z"] * x + hand["R"] * w, "b": hand["z"], "x": hand["z"] * w, "t": t - y, "lam": w ** 2 / 2}
    for name, value in hand.items():
        assert bar[name] == pytest.approx(value, rel=1e-13), name
    found = ad.vjp(logistic, *POINT.values())[1](1.0)
    np.testing.assert_allclose(found, [hand[name] for name in POINT], rtol=1e-13)
    assert ad.grad(lambda b: w * x + b)(b) == 1.0


def test_d2_and_d3_example(tmp_path, example, capsys):
    names = example("computational_graph")
    assert "z̄ x + R̄ w" in capsys.readouterr().out and (tmp_path / "logistic_graph.png").stat().st_size > 10_000
    assert names["adjoint"]["b"] == names["adjoint"]["z"]


def test_d3_the_graph_with_values_and_adjoints():
    boxes = {box.name: box for box in picture(trace_with_names(logistic, *POINT.values()), True, True).boxes}
    assert [boxes[name].title for name in "zyRE"] == [
        "z = add(v1, b)", "y = expit(z)", "R = multiply(0.5, v4)", "E = add(L, v5)"]
    assert boxes["z"].value == 1.1 and boxes["E"].kind == "output" and boxes["lam"].kind == "input"
    assert "docs/images/logistic-graph.png".rpartition("/")[2] in {p.name for p in (ROOT / "docs/images").iterdir()}


# --- D5: rules that a user adds ---------------------------------------------------------------------------------------


def unbroadcast(ct, like):
    """Summed over the axes along which `like` was repeated."""
    ct = np.sum(ct, axis=tuple(range(np.ndim(ct) - np.ndim(like))))
    kept = tuple(k for k, size in enumerate(np.shape(like)) if size == 1)
    return np.sum(ct, axis=kept, keepdims=True) if kept else ct


def _call(ufunc, x, y):
    return ufunc(x, y)


def test_d5_rules_by_the_user_with_broadcasting():
    """The four rows of autodidact's numpy_vjps, in its form: a rule (ct, out, x, y) -> cotangent for each argument."""
    rows = {np.add: (lambda g, out, x, y: unbroadcast(g, x), lambda g, out, x, y: unbroadcast(g, y)),
            np.multiply: (lambda g, out, x, y: unbroadcast(y * g, x), lambda g, out, x, y: unbroadcast(x * g, y)),
            np.subtract: (lambda g, out, x, y: unbroadcast(g, x), lambda g, out, x, y: unbroadcast(-g, y)),
            np.divide: (lambda g, out, x, y: unbroadcast(g / y, x),
                        lambda g, out, x, y: unbroadcast(-g * x / y ** 2, y))}
    for ufunc, rules in rows.items():
        mine = ad.custom_vjp(functools.partial(_call, ufunc))
        mine.defvjps(*rules)
        for x, y in ((1.5, 2.5), (RNG.uniform(1, 2, (3, 1)), RNG.uniform(1, 2, 4)), (RNG.uniform(1, 2, (2, 3)), 1.7)):
            for argnum in (0, 1):
                found, truth = (ad.grad(lambda x, y, f=f: np.sum(np.sin(f(x, y))), argnum)(x, y) for f in (mine, ufunc))
                np.testing.assert_allclose(found, truth, rtol=1e-12)
            ad.check_grads(lambda x, y, mine=mine: np.sum(mine(x, y) ** 2), (x, y), order=2)


# --- D9, D10 ----------------------------------------------------------------------------------------------------------


def test_d9_gradients_are_orthogonal_to_contour_lines():
    """Along x(t) = r(cos t, sin t / 2) the function x₁² + 4x₂² is constant: ⟨∇f, x'⟩ = 0. (The picture: plots.)"""
    def f(x):
        return x[0] ** 2 + 4 * x[1] ** 2

    def contour(t):
        return 1.3 * np.array([np.cos(t), 0.5 * np.sin(t)])
    for t in np.linspace(0.0, 6.0, 13):
        along = ad.jvp(contour, (t,), (1.0,))[1]
        g = ad.grad(f)(contour(t))
        assert abs(g @ along) <= 1e-14 * np.linalg.norm(g) * np.linalg.norm(along) * 10
        assert ad.grad(lambda t: f(contour(t)))(t) == pytest.approx(0.0, abs=1e-14)


def test_d10_progressive_functions(example):
    """Recursion, hand backpropagation and grad() agree; the recursion multiplies matrices, backpropagation does not."""
    names = example("progressive_functions")
    gradients, loss, w = names["gradients"], names["loss"], names["w"]
    for scale in (1.0, 0.3, 2.0):
        by_recursion, by_hand, matrices, vectors = gradients(scale * w)
        for other in (by_hand, ad.grad(loss)(scale * w)):
            np.testing.assert_allclose(other, by_recursion, rtol=1e-12, atol=1e-14)
    sizes, count = names["SIZES"], names["counts"]
    layers = list(zip(sizes, sizes[1:], count, strict=False))
    hand = 8 * sum(2 * m * c + (2 * m * n if k else 0) for k, (n, m, c) in enumerate(layers))     # no q¹: k = 0
    steps = 8 * sum(2 * m * n * sum(count[:k]) for k, (n, m, _) in enumerate(layers))             # B_i J_(i−1)
    assert vectors == hand and matrices == steps + 8 * 2 * sizes[-1] * sum(count) and matrices > 4 * vectors
    assert names["forward_pass"](w, names["samples"][0])[0][0][1] is None                         # B_1


# --- D11: finite differences ------------------------------------------------------------------------------------------


def smooth(x):
    return np.exp(np.sin(x[0])) * x[1] ** 2


def test_d11_orders_of_the_differences():
    x, truth = np.array([0.7, 1.3]), ad.grad(smooth)(np.array([0.7, 1.3]))
    for scheme, order in (("forward", 1), ("backward", 1), ("central", 2)):
        error = [np.max(np.abs(ad.finite_difference.gradient(smooth, x, scheme, step=h) - truth)) for h in (1e-2, 1e-3)]
        assert np.log10(error[0] / error[1]) == pytest.approx(order, abs=0.05)
        tiny = np.max(np.abs(ad.finite_difference.gradient(smooth, x, scheme, step=1e-14) - truth))
        assert tiny > 1e-4                                            # the round-off branch
    fd, v = ad.finite_difference, np.array([0.3, -1.1])
    h = fd.hessian(smooth, x)
    np.testing.assert_array_equal(h, h.T)
    np.testing.assert_allclose(h, ad.hessian(smooth)(x), rtol=1e-4)
    np.testing.assert_allclose(fd.hvp(smooth, x, v), ad.hvp(smooth, x, v), rtol=1e-4)
    np.testing.assert_allclose(fd.directional(smooth, x, v, scheme="central"), truth @ v, rtol=1e-7)
    np.testing.assert_allclose(fd.jacobian(lambda x: np.array([smooth(x), x[0]]), x, scheme="central"),
                               [truth, [1.0, 0.0]], rtol=1e-7)


# --- D13, D27: tables -------------------------------------------------------------------------------------------------


def test_d13_forward_and_reverse_tables(example):
    """The slide's rows v₋₁ … v₆ at (1.5, 0.5): v̇ along x₁, and the adjoints (the slide's 3.0110 is a misprint)."""
    names = example("forward_and_reverse")
    forward = names["forward_table"](1.5, 0.5, (1.0, 0.0))
    assert list(forward) == ["v-1", "v0", "v1", "v2", "v3", "v4", "v5", "v6"]
    np.testing.assert_allclose([value for value, _ in forward.values()],
                               [1.5, 0.5, 3.0, 0.1411, 1.6487, 1.3513, 1.4924, 2.0167], atol=6e-5)
    np.testing.assert_allclose([tangent for _, tangent in forward.values()],
                               [1.0, 0.0, 2.0, -1.9800, 0.0, 2.0, 0.0200, 3.0118], atol=5e-5)
    assert names["forward_table"](1.5, 0.5, (0.0, 1.0))["v6"][1] == pytest.approx(-13.7239, abs=1e-4)
    reverse = {name: adjoint for name, (_, _, adjoint) in names["reverse_table"](names["y"], 1.5, 0.5).items()}
    found = [reverse[name] for name in ("v6", "v5", "v4", "v3", "v2", "v1", "x2", "x1")]
    np.testing.assert_allclose(found, [1.0, 1.3513, 2.8437, -2.8437, 1.3513, 1.5059, -13.7239, 3.0118], atol=1e-4)


def test_d27_table_of_intermediate_derivatives(example):
    """∂f/∂d = ∂f/∂e = 1, ∂f/∂c = 1/(2√c) − sin c = ∂f/∂b, ∂f/∂a = ∂f/∂b eᵃ + ∂f/∂c, ∂f/∂x = 2x ∂f/∂a."""
    names = example("forward_and_reverse")
    x = 0.8
    a, b = x ** 2, np.exp(x ** 2)
    dc = 1 / (2 * np.sqrt(a + b)) - np.sin(a + b)
    truth = {"f": (np.sqrt(a + b) + np.cos(a + b), 1.0), "e": (np.cos(a + b), 1.0), "d": (np.sqrt(a + b), 1.0),
             "c": (a + b, dc), "b": (b, dc), "a": (a, dc * (b + 1)), "x": (x, 2 * x * dc * (b + 1))}
    table = names["reverse_table"](names["chain"], x)
    assert list(table) == ["x", "a", "b", "c", "d", "e", "f"]
    for name, (value, adjoint) in truth.items():
        assert table[name][1:] == pytest.approx((value, adjoint), rel=1e-13)


# --- D14, D15: passes and colours -------------------------------------------------------------------------------------


def test_d14_the_cheaper_mode_is_chosen_and_its_passes_reported():
    for shape, chosen in (((3, 5), ("reverse", 3)), ((5, 3), ("forward", 3))):
        m = RNG.standard_normal(shape)
        derivative = ad.jacobian(lambda x, m=m: np.sin(m @ x))
        x = RNG.standard_normal(shape[1])
        np.testing.assert_allclose(derivative(x), np.cos(m @ x)[:, None] * m, rtol=1e-12)
        assert tuple(derivative.passes) == chosen


def test_d15_coloured_jacobians():
    """A banded Jacobian takes as many passes as its bandwidth, an arrow head a row in reverse and colours forward."""
    def tridiagonal(x):
        return x ** 3 + np.concatenate([x[1:], [0.0]]) * np.concatenate([[1.0], x[:-1]])
    x = RNG.uniform(1, 2, 50)
    derivative = ad.sparse_jacobian(tridiagonal)
    np.testing.assert_allclose(derivative(x).toarray(), ad.jacobian(tridiagonal)(x), rtol=1e-12)
    assert derivative.passes.number <= 3 and derivative.pattern.nnz <= 3 * 50
    hessian = ad.sparse_hessian(rosenbrock)
    np.testing.assert_allclose(hessian(x).toarray(), ad.hessian(rosenbrock)(x), rtol=1e-12)
    assert hessian.passes.number <= 3


# --- D20, D21 ---------------------------------------------------------------------------------------------------------


def test_d20_symbolic_and_automatic_differentiation():
    """sin x² ↦ 2x cos x², value 4 cos 4 at 2. (The export to SymPy: test_autodiff_sympy.py.)"""
    assert ad.grad(lambda x: np.sin(x ** 2))(2.0) == pytest.approx(4 * math.cos(4), rel=1e-15)
    sympy = pytest.importorskip("sympy")
    x = sympy.Symbol("x", real=True)
    exported = ad.trace(ad.grad(lambda x: np.sin(x ** 2)), 2.0).to_sympy()
    assert exported == 2 * x * sympy.cos(x ** 2) == sympy.diff(ad.trace(lambda x: np.sin(x ** 2), 2.0).to_sympy(), x)


def test_d21_taylor_polynomials():
    """sin and exp; x₁² + 2x₁x₂ + x₂³ at (1, 2) to order 5 along δ: 13, 6δ₁ + 14δ₂, δ₁² + 2δ₁δ₂ + 6δ₂², δ₂³, 0, 0."""
    sine = ad.taylor(np.sin, 0.0, 1.0, 5)
    np.testing.assert_allclose(sine, [0, 1, 0, -1 / 6, 0, 1 / 120], atol=1e-16)
    np.testing.assert_allclose(ad.taylor(np.exp, 0.0, 1.0, 5), [1 / math.factorial(k) for k in range(6)], rtol=1e-15)
    np.testing.assert_allclose(ad.taylor(lambda x: np.sin(x) + np.cos(x), 0.0, 1.0, 5),
                               [1, 1, -1 / 2, -1 / 6, 1 / 24, 1 / 120], rtol=1e-14)

    def f(x):
        return x[0] ** 2 + 2 * x[0] * x[1] + x[1] ** 3
    for d in RNG.standard_normal((4, 2)):
        np.testing.assert_allclose(
            ad.taylor(f, np.array([1.0, 2.0]), d, 5),
            [13, 6 * d[0] + 14 * d[1], d[0] ** 2 + 2 * d[0] * d[1] + 6 * d[1] ** 2, d[1] ** 3, 0, 0], atol=1e-13)


# --- the rows ---------------------------------------------------------------------------------------------------------


def test_every_row_of_the_course_has_a_test():
    here = Path(__file__)
    source = here.read_text() + (here.parent / "test_autodiff_course.py").read_text()
    named = {int(row) for names in re.findall(r"def test((?:_d\d+(?:_and)?)+)_", source)
             for row in re.findall(r"\d+", names)}
    assert named >= set(range(1, 17)) | set(range(20, 29))
    assert inspect.isfunction(test_d10_progressive_functions)
