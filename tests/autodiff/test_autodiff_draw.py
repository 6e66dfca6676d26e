"""What a picture of the graph says: names, calls, shapes, values and the adjoint of every node."""

import functools
import re
import sys

import numpy as np
import pytest
import scipy.sparse

import autodiff as ad
from autodiff.interpreters.draw import call_text, input_names, picture, summary, trace_with_names

X = np.array([-1.2, 1.1, 0.3])
A = np.arange(12.0).reshape(4, 3) / 7
S = scipy.sparse.csr_array(np.eye(3))


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def model(p, y):
    m = y * (A @ p["w"] + p["b"])
    loss = np.mean(np.logaddexp(0, -m))
    return loss + 0.1 * np.sum(p["w"] ** 2)


def various(x):
    w, v = np.linalg.eigh(np.diag(x) + 0.1)
    out = np.zeros(3)
    out[1:] = x[:2] * w[0]
    out[0] = np.max(x) + np.floor(x[1])
    return out @ v[0] + np.sum(np.where(x > 0, np.sqrt(np.abs(x)), x)) + np.sum(S @ x)


def at(graph, drawn):
    """name -> box."""
    return {box.name: box for box in drawn.boxes}


@pytest.mark.parametrize("f, args", [(rosenbrock, (X,)), (various, (X,)),
                                     (model, ({"w": X, "b": 0.4}, np.array([1.0, -1.0, 1.0, 1.0])))])
def test_values_and_adjoints_of_every_node(f, args):
    """∂f/∂v by pushing v: the rest of the graph is run again from v ± h."""
    graph = trace_with_names(f, *args)
    drawn = picture(graph, values=True, adjoints=True)
    nodes = graph.live(graph.outputs, keep_guards=False)
    boxes = [box for box in drawn.boxes if box.kind != "constant"]
    output = graph.outputs[0]
    for node, box in zip(nodes, boxes, strict=True):
        if isinstance(node.dtype, tuple) or node.dtype.kind != "f":
            assert box.adjoint is None
            continue
        assert box.adjoint.shape == node.shape
        value = graph.value_of(node) if graph.value_of(node) is not None else box.value
        np.testing.assert_array_equal(box.value, value)
        if node.prim.name in ("floor", "eigh") or box.name.startswith("v") and "where" in box.text:
            continue
        for index in np.ndindex(node.shape):
            def moved(h, node=node, index=index, value=value):
                pushed = np.array(value, dtype=float)
                pushed[index] += h
                known = {i: graph.value_of(i) for i in graph.inputs} | {node: pushed}
                return ad.interpreters.evaluate(graph, known, (output,), keep_guards=False)[0]
            slope = (moved(1e-6) - moved(-1e-6)) / 2e-6
            assert box.adjoint[index] == pytest.approx(slope, rel=2e-6, abs=2e-7), (box.title, index)


def test_adjoints_of_the_inputs_are_the_gradient():
    y = np.array([1.0, -1.0, 1.0, 1.0])
    p = {"w": X, "b": 0.4}
    boxes = at(None, picture(trace_with_names(model, p, y), adjoints=True))
    g = ad.grad(model)(p, y)
    np.testing.assert_allclose(boxes["p['w']"].adjoint, g["w"], rtol=1e-13)
    np.testing.assert_allclose(boxes["p['b']"].adjoint, g["b"], rtol=1e-13)
    assert boxes["p['w']"].value is None                          # not asked for


def test_names_are_the_functions_own():
    boxes = at(None, picture(trace_with_names(model, {"w": X, "b": 0.4}, np.ones(4))))
    assert {"p['w']", "p['b']", "y", "A", "m", "loss"} <= boxes.keys()
    assert boxes["A"].kind == "constant" and boxes["A"].shape == (4, 3) and boxes["y"].kind == "input"
    assert boxes["loss"].title == "loss = divide(v5, 4)"
    assert boxes["m"].text == "multiply(y, v2)" and boxes["v1"].text == "matmul(A, p['w'])"


def test_a_parameter_bound_anew_and_names_like_ours():
    def f(x, v1):
        x = x * v1
        y = x
        v2 = np.sin(y)
        return v2 * v2 + 1.0
    drawn = picture(trace_with_names(f, 0.3, 2.0))
    assert [box.title for box in drawn.boxes] == [
        "x", "v1", "x′ = multiply(x, v1)", "v2 = sin(x′)", "v3 = multiply(v2, v2)", "v4 = add(v3, 1)"]
    assert drawn.edges == [(0, 2), (1, 2), (2, 3), (3, 4), (4, 5)]
    assert [box.kind for box in drawn.boxes] == ["input", "input"] + 3 * ["operation"] + ["output"]


class Model:
    scale = 2.0

    def __call__(self, x):
        inner = x * self.scale
        return inner.sum()

    def method(self, x):
        return self(x)


def test_names_of_functions_of_every_kind():
    def names(f, *args):
        return {box.name for box in picture(trace_with_names(f, *args)).boxes}
    assert "inner" in names(Model(), X)
    assert names(Model().method, X) == {"x", "v1", "v2"}             # inner is another function's
    assert names(functools.partial(lambda a, z: a * z, 2.0), 3.0) == {"z", "v1"}
    assert names(np.sin, 3.0) == {"x", "v1"} and names(lambda *xs: xs[0] * xs[1], 1.0, 2.0) == {"xs[0]", "xs[1]", "v1"}
    assert sys.getprofile() is None


def test_a_profiler_is_put_back_and_called():
    seen = []

    def profiler(frame, event, argument):
        seen.append(event)
    sys.setprofile(profiler)
    try:
        with pytest.raises(ZeroDivisionError):
            trace_with_names(lambda x: 1 / 0, 1.0)
        assert sys.getprofile() is profiler
    finally:
        sys.setprofile(None)
    assert "return" in seen


def test_input_names():
    def f(a, b, *rest, k=1):
        return a
    assert input_names(f, (1.0, {"w": [1.0, 2.0]}, (3.0, 4.0), 5.0)) == [
        "a", "b['w'][0]", "b['w'][1]", "rest[0][0]", "rest[0][1]", "rest[1]"]
    assert input_names(dict.get, (1.0, 2.0))[1] != ""


@ad.custom_jvp
def slowly(x):
    return x ** 2


slowly.defjvps(lambda tangent, out, x: 2 * x * tangent)
CALLS = {
    "x[1:]": lambda x: x[1:], "v1[:, 0]": lambda x: x.reshape(1, 3)[:, 0], "x[-1]": lambda x: x[-1],
    "sum(x)": lambda x: np.sum(x), "max(v1, axis=1)": lambda x: np.max(x.reshape(1, 3), axis=1),
    "v1.T": lambda x: x.reshape(1, 3).T, "array([v1, v2])": lambda x: np.array([x[0], x[1]]),
    "reshape(x, (1, 3))": lambda x: x.reshape(1, 3), "power(x, 2)": lambda x: x ** 2,
    "subtract(0.5, x)": lambda x: 0.5 - x, "S @ x": lambda x: S @ x, "einsum('i,i->', x, x)":
        lambda x: np.einsum("i,i->", x, x), "broadcast_to(x, (2, 3))": lambda x: np.broadcast_to(x, (2, 3)),
    "x.astype(float32)": lambda x: x.astype(np.float32), "concatenate([x, x], 0)": lambda x: np.concatenate([x, x]),
    "concatenate([x, x, … 3 more …, x], 0)": lambda x: np.concatenate([x] * 6),
    "slowly(x)": lambda x: slowly(x), "where(v1, x, 0)": lambda x: np.where(x > 0, x, 0.0),
}


@pytest.mark.parametrize("text", CALLS)
def test_calls_as_one_writes_them(text):
    drawn = picture(trace_with_names(CALLS[text], X))
    assert drawn.boxes[-1].text == text


def test_every_row_has_a_text_and_dot_is_quoted():
    for row in ad.primitive.PRIMITIVES.values():
        for sample in row.samples[:1]:
            args, params = sample if len(sample) == 2 and isinstance(sample[1], dict) else (sample, {})
            if any(scipy.sparse.issparse(a) for a in args):
                continue
            traced = [k for k, a in enumerate(args) if np.asarray(a).dtype.kind == "f"]

            def f(*given, row=row, params=params, args=args, traced=traced):
                return row(*[given[traced.index(k)] if k in traced else a for k, a in enumerate(args)], **params)
            graph = ad.trace(f, *[args[k] for k in traced])
            assert len(traced) == 0 or len(graph) > 0
            text = graph.to_dot(values=True)
            assert text.startswith("digraph {") and text.endswith("}")
            assert not re.search(r'[^\\]"[^ \]]*[^\\ =]"[^ \]]', text)


def test_dot():
    text = trace_with_names(model, {"w": X, "b": 0.4}, np.ones(4)).to_dot(values=True, adjoints=True)
    assert r"""label="p['w']\n(3,)\n-1.2 … 1.1\n∂/∂p['w'] = """ in text and "n0 -> " in text
    assert text.count("label=") == text.count("fillcolor") and "loss = divide(v5, 4)" in text
    assert "adjoint" not in text and "∂" not in ad.trace(rosenbrock, X).to_dot()
    assert ad.trace(lambda p: p['a"b'] * 2, {'a"b': 1.0}).to_dot().count(r"\"") == 2      # in two labels


def test_summaries():
    assert [summary(v) for v in (1 / 3, np.float64(2.0), True, np.array([1.0, 2.0]), np.ones(3), np.zeros((0, 2)),
                                 (X, 1.0), S, 1 + 2j)] == [
        "0.33333", "2", "True", "1 … 2", "1", "empty", "-1.2 … 1.1, 1", "3 entries", "1+2j"]
    assert summary(np.array([1j, 3.0])) == "|·| ≤ 3" and summary(np.array([True, False])) == "False … True"


def test_what_cannot_be_drawn_is_said():
    with pytest.raises(ValueError, match="adjoints are those of one real number"):
        ad.trace(lambda x: x ** 2, X).to_dot(adjoints=True)
    with pytest.raises(ValueError, match="adjoints are those of one real number"):
        ad.trace(lambda x: 1.0, X).to_dot(adjoints=True)
    derived = ad.derive.gradient(ad.trace(rosenbrock, X), [0])
    assert "digraph" in derived.to_dot()
    with pytest.raises(ValueError, match="this graph has no values"):
        derived.to_dot(values=True)


def test_outputs_that_are_constants_or_inputs():
    drawn = picture(ad.trace(lambda x: (x, 1.0), 2.0), values=True)
    assert [(box.kind, box.name) for box in drawn.boxes] == [("input", "x")]
    assert picture(ad.trace(lambda x: 1.0, 2.0)).boxes == []


def test_the_text_of_a_call_needs_names_only():
    graph = ad.trace(lambda x, y: x * y, 1.0, 2.0)
    assert call_text(graph.outputs[0], lambda node: f"n{node.index}") == "multiply(n0, n1)"


@pytest.mark.nan_ok
def test_an_infinite_derivative_times_zero_is_zero():
    drawn = picture(ad.trace(lambda x: np.where(x > 0, np.sqrt(x), 0.0), 0.0), adjoints=True)
    assert at(None, drawn)["x"].adjoint == 0.0
