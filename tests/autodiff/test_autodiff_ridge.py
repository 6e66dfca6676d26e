"""Fused functions of one variable: what clusters become, and that their values and derivatives stay."""

import numpy as np
import pytest
import scipy.special as sp

import autodiff as ad
import problems
from autodiff.curvature.regroup import regrouped
from autodiff.curvature.ridge import RIDGE, clustered, reason
from autodiff.derive import adjoint, primal, tangent
from autodiff.graph import Graph
from autodiff.interpreters.evaluate import evaluate

A = np.random.default_rng(5).normal(size=(4, 3))
SIGNS, X = np.array([1.0, -1.0, 1.0, 0.0]), np.array([0.3, -0.7, 1.2])


def ridges(f, x=X):
    g = clustered(primal(ad.trace(f, x)))
    return g, [node for node in g.live(g.outputs) if node.prim is RIDGE]


def derivatives(graph, x):
    """(f, ∇f, ∇²f v) of a graph."""
    g = Graph(graph)
    f, = g.outputs
    gradient, = adjoint(g, [g.inputs[0]], [1.0])
    (v,), (hv,) = tangent(g, [0], [gradient])
    known = {g.inputs[0]: x, v: np.cos(np.arange(x.size) + 1.0).reshape(x.shape)}
    return [np.broadcast_to(0.0 if part is None else part, shape) for part, shape in zip(
        evaluate(g, known, [f, gradient, hv]), ((), x.shape, x.shape), strict=True)]


PROGRAMS = {
    "logistic": lambda x: np.sum(np.log(1 + np.exp(-SIGNS * (A @ x)))) + 0.1 * x @ x,
    "logistic with labels": lambda x: np.mean(np.logaddexp(0, A @ x) - SIGNS * (A @ x)),
    "dot of two functions of x": lambda x: x @ np.exp(x),
    "dot of two matrices": lambda x: np.sum(np.outer(x, x) * np.sin(np.outer(x, x))),
    "sums apart": lambda x: np.sum(x**4) - 6 * np.sum(x**2) + np.sum(np.exp(x)) / 3 - x @ np.tanh(x),
    "loop": lambda x: sum(x[i] ** 4 - 6 * x[i] ** 2 + x[i] * x[i - 1] for i in range(3)),
    "pieces": lambda x: np.sum(np.where(np.abs(A @ x) <= 1, 0.5 * (A @ x) ** 2, np.abs(A @ x) - 0.5)),
    "products with truth values": lambda x: np.sum((np.abs(x) <= 1) * 0.5 * x * x + (np.abs(x) > 1) * (np.abs(x) - 1)),
    "function of a function": lambda x: np.exp(np.sum(np.sqrt(1 + x**2))) + np.log(np.sum(x**4) + 1),
    "weights": lambda x: np.sum(np.arange(4) * np.cosh(A @ x) + SIGNS * np.sin(A @ x)),
    "scalar": lambda x: x[0] * x[0] * np.sin(x[0]) + x[1] ** 3 * np.exp(x[1]),
    "softplus twice": lambda x: np.sum(np.logaddexp(0, x) * sp.expit(x)) + np.sum(np.logaddexp(0, -2 * x)),
    "constants": lambda x: np.sum((x - np.array([0.5, 1.0, -2.0])) ** 4 + np.array([3.0, 1.0, 2.0]) * x),
    "used twice": lambda x: np.sum(np.exp(x)) * np.sum(np.exp(x) + x**3),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_clusters_keep_value_gradient_and_curvature(name):
    f = PROGRAMS[name]
    plain = primal(ad.trace(f, X))
    g, found = ridges(f)
    assert found
    for a, b in zip(derivatives(plain, X), derivatives(g, X), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", ["logistic-regression", "huber-regression", "poisson-regression", "softmax-regression",
                                  "powell-singular", "log-sum-exp", "rosenbrock", "quadratic"])
def test_clusters_keep_problems(name):
    problem = problems.get(name)
    x = np.asarray(problem.x0, float) + 0.1
    plain = primal(ad.trace(problem.f, x))
    for a, b in zip(derivatives(plain, x), derivatives(clustered(plain), x), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-9 * (1 + np.max(np.abs(a))))


def random_function(rng, depth):
    """A function of one variable, of random operations."""
    if depth == 0:
        a, b = rng.normal(size=2).round(1)
        return lambda u: a * u + b
    inner, other = random_function(rng, depth - 1), random_function(rng, int(rng.integers(depth)))
    one = (np.exp, np.tanh, np.sin, np.cosh, lambda v: np.log(1 + v * v), lambda v: np.logaddexp(0, v), np.abs,
           lambda v: np.maximum(v, 0.25), lambda v: np.where(v > 0.3, v * v, 0.3 * v), lambda v: (1 + v * v) ** 0.3)
    f = one[rng.integers(len(one))]
    return [lambda u: f(inner(u)), lambda u: inner(u) + other(u), lambda u: inner(u) * other(u)][rng.integers(3)]


@pytest.mark.parametrize("seed", range(25))
def test_random_programs_keep_their_derivatives(seed):
    rng = np.random.default_rng(seed)
    f, g, h = (random_function(rng, 2) for _ in range(3))
    shapes = (lambda x: np.sum(f(x)) + 2 * np.sum(g(x)) - np.sum(h(A @ x)), lambda x: f(x) @ g(x) + np.mean(h(A @ x)),
              lambda x: sum(f(x[i]) * x[i] - g(x[i]) for i in range(3)) + h(x[0] * x[1]))
    program = shapes[seed % 3]
    x = rng.normal(size=3)
    plain = primal(ad.trace(program, x))
    for a, b in zip(derivatives(plain, x), derivatives(clustered(plain), x), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-9 * (1 + np.max(np.abs(a))))


def test_the_base_is_the_last_affine_node():
    g, (node,) = ridges(PROGRAMS["logistic"])
    assert node.inputs[0].prim.name == "multiply" and len(node.inputs) == 1      # −y∘(A x), no constants inside
    assert node.params["body"].text() == "log(1 + eᵘ)"


def test_sums_of_functions_of_one_variable_are_one_function():
    _, found = ridges(PROGRAMS["sums apart"])
    assert len(found) == 1 and found[0].inputs[0].prim.name == "input"
    _, found = ridges(PROGRAMS["loop"])
    assert sorted(node.params["body"].text() for node in found) == ["(u²)² − 6·u²"] * 3


def test_affine_and_quadratic_programs_stay():
    for f in (lambda x: np.sum(3 * x - 1), lambda x: np.sum((A @ x - 1) ** 2) + x @ x, lambda x: np.sum(x**2 + x)):
        g, found = ridges(f)
        assert not found


def test_broadcasting_ends_a_cluster():
    _, found = ridges(lambda x: np.sum(np.exp(x[0] * np.arange(3.0))) + np.exp(x[1]))
    assert [node.inputs[0].shape for node in found] == [(), (3,)] or [
        node.inputs[0].shape for node in found] == [(3,), ()]


def test_regrouping_leaves_other_sums():
    g = primal(ad.trace(lambda x: np.sum(x[:2] * x[1:]) + x[0], X))
    assert [n.prim for n in regrouped(g).live(regrouped(g).outputs)] == [n.prim for n in g.live(g.outputs)]


def test_reasons_in_words():
    _, (node,) = ridges(lambda x: np.sum(np.log(1 + np.exp(x))))
    assert reason(node) == "u ↦ log(1 + eᵘ), second derivative in [0, 0.25]"
    _, (node,) = ridges(lambda x: np.sum(x**2 - 0.25 * np.abs(x)))
    assert "kink downwards at 0" in reason(node) and "−∞" in reason(node)
    _, (node,) = ridges(lambda x: np.sum(np.where(x > 1, x, 0.0)))
    assert "jumps at 1 by 1" in reason(node)
    _, (node,) = ridges(lambda x: np.sum(np.where(np.abs(x) <= 1.35, 0.5 * x**2, 1.35 * np.abs(x) - 0.5 * 1.35**2)))
    assert "jumps at 1.35 by" in reason(node) and "e−1" in reason(node)  # 1.35²/2 is no float: a jump all the same
