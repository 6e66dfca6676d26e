"""Atoms in plain NumPy code: found where they are, not found where they nearly are, and always the same function."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
import scipy.special as sp

import autodiff as ad
import problems
from autodiff.curvature.facts import facts_of, stated
from autodiff.curvature.jet_rows import UNARY
from autodiff.curvature.prepare import prepare, valued
from autodiff.curvature.recognise import recognised
from autodiff.curvature.rows import describe
from autodiff.curvature.second import SecondOrder
from autodiff.graph import Node
from autodiff.intervals import Interval
from autodiff.primitive import bind

DEFINITE, SYMMETRIC = frozenset({"positive definite"}), frozenset({"symmetric"})
A = np.array([[1.0, -0.5, 0.25], [0.0, 2.0, 0.5], [0.5, 0.0, 1.5], [1.0, 1.0, -1.0]])
P = A.T @ A
W = np.array([0.2, 0.3, 0.5])


class Case(NamedTuple):
    name: str
    f: Callable
    atoms: tuple[str, ...]
    x: str = "any"              # any: (3,), positive: (3,) > 0, rows: (2, 3), definite: (3, 3)
    facts: frozenset = frozenset()


def _chain(x):
    total = 0.0
    for i in range(3):
        total = total + np.exp(x[i] - x[0])
    return x[0] + np.log(total)


def _cross_entropy(x):
    e = np.exp(x - np.max(x))
    p = e / e.sum()
    return -np.log(p)[1] - np.log(p[0])


def _guarded(X):
    if np.linalg.eigvalsh(X)[0] <= 0:
        return np.inf
    return -np.linalg.slogdet(X)[1]


def _signed(X):
    sign, value = np.linalg.slogdet(X)
    return -sign * value


CASES = [
    Case("log sum exp", lambda x: np.log(np.sum(np.exp(x))), ("log_sum_exp",)),
    Case("of affine", lambda x: np.log(np.sum(np.exp(A @ x + 1))), ("log_sum_exp",)),
    Case("shifted by max", lambda x: np.max(x) + np.log(np.sum(np.exp(x - np.max(x)))), ("log_sum_exp",)),
    Case("shifted by an entry", lambda x: np.log(np.sum(np.exp(x - x[0]))) + x[0], ("log_sum_exp",)),
    Case("rows, shifted", lambda X: np.sum(np.log(np.sum(np.exp(X - np.max(X, 1)[:, None]), 1)) + np.max(X, 1)),
         ("log_sum_exp",), "rows"),
    Case("rows, axes kept", lambda X: np.sum(np.log(np.sum(np.exp(X - np.max(X, 1, keepdims=True)), 1, keepdims=True))
                                             + np.max(X, 1, keepdims=True)), ("log_sum_exp",), "rows"),
    Case("rows, first axis", lambda X: np.sum(np.log(np.sum(np.exp(X), axis=0))), ("log_sum_exp",), "rows"),
    Case("logsumexp", lambda x: sp.logsumexp(A @ x), ("log_sum_exp",)),
    Case("logaddexp", lambda x: np.logaddexp(x[0], 2 * x[1]), ("log_sum_exp",)),
    Case("a chain of numbers", lambda x: np.log(np.exp(x[0]) + np.exp(x[1]) + np.exp(-x[2])), ("log_sum_exp",)),
    Case("a loop, shifted", _chain, ("log_sum_exp",)),
    Case("one more", lambda x: np.log(1 + np.sum(np.exp(x))), ("log_sum_exp",)),
    Case("by entry", lambda x: np.sum(np.log(np.exp(x) + np.exp(x[::-1]))), ("log_sum_exp",)),
    Case("minus log softmax", lambda x: -np.log(np.exp(x[1]) / np.sum(np.exp(x))), ("log_sum_exp",)),
    Case("cross entropy", _cross_entropy, ("log_sum_exp",)),
    Case("log_softmax", lambda x: -sp.log_softmax(x)[1], ("log_sum_exp",)),
    Case("log of softmax", lambda x: -np.log(sp.softmax(x))[1], ("log_sum_exp",)),
    Case("weights", lambda x: np.log(np.sum(np.array([0.5, 2.0, 1.0]) * np.exp(x))), ("log_sum_exp",)),
    Case("weights by a dot product", lambda x: np.log(np.array([0.5, 2.0, 1.0]) @ np.exp(A[:3] @ x)), ("log_sum_exp",)),
    Case("weights of numbers", lambda x: np.log(2.5 * np.exp(x[0]) + np.exp(-x[1]) + 3), ("log_sum_exp",)),
    Case("weights of logsumexp", lambda x: sp.logsumexp(x, b=np.array([0.5, 2.0, 1.0])), ("log_sum_exp",)),
    Case("mean", lambda x: np.log(np.mean(np.exp(x))), ("log_sum_exp",)),
    Case("norm", lambda x: np.linalg.norm(A @ x), ("length",)),
    Case("root of squares", lambda x: np.sqrt(np.sum(x**2)), ("length",)),
    Case("root of a dot product", lambda x: np.sqrt(x @ x), ("length",)),
    Case("root of u*u", lambda x: np.sqrt((A @ x * (A @ x)).sum()), ("length",)),
    Case("root of numbers", lambda x: np.sqrt(x[0] * x[0] + x[1] ** 2), ("length",)),
    Case("smooth root", lambda x: np.sqrt(1 + x[0] ** 2 + 4 * x[1] ** 2), ("length",)),
    Case("smooth norm", lambda x: np.sqrt(np.sum(x**2) + 1e-3), ("length",)),
    Case("weighted norm", lambda x: np.sqrt(np.sum(W * x**2)), ("length",)),
    Case("root mean square", lambda x: np.sqrt(np.mean(x**2)), ("length",)),
    Case("rows' norms", lambda X: np.sum(np.linalg.norm(X, axis=1)), ("length",), "rows"),
    Case("rows' roots", lambda X: np.sum(np.sqrt(np.sum(X**2, axis=0, keepdims=True))), ("length",), "rows"),
    Case("Frobenius", lambda X: np.linalg.norm(X), ("length",), "rows"),
    Case("hypot", lambda x: np.hypot(x[0], x[1] - x[2]), ("length",)),
    Case("by entry, two", lambda x: np.sum(np.sqrt(x[:2] ** 2 + x[1:] ** 2)), ("length",)),
    Case("power ½", lambda x: (x[0] ** 2 + x[1] ** 2) ** 0.5, ("length",)),
    Case("3-norm", lambda x: np.linalg.norm(x, 3), ("p_norm",)),
    Case("3-norm written out", lambda x: np.sum(np.abs(x) ** 3) ** (1 / 3), ("p_norm",)),
    Case("4-norm without abs", lambda x: np.sum(x**4) ** 0.25, ("p_norm",)),
    Case("root of the sum of cubes", lambda x: np.sqrt(np.sum(np.abs(x) ** 3)), ("exact_power", "p_norm")),
    Case("‖x‖^1.5 by its squares", lambda x: np.sum(x**2) ** 0.75, ("length",)),
    Case("1.5-norm", lambda x: np.linalg.norm(A @ x, 1.5), ("p_norm",)),
    Case("harmonic mean", lambda x: 3 / np.sum(1 / x), ("p_norm",), "positive"),
    Case("harmonic, numbers", lambda x: 1 / (1 / x[0] + 1 / x[1]), ("p_norm",), "positive"),
    Case("power mean ½", lambda x: np.sum(np.sqrt(x)) ** 2, ("p_norm",), "positive"),
    Case("maximum norm", lambda x: np.max(np.abs(x)), ("sum_of_largest",)),
    Case("max, min", lambda x: np.max(A @ x) - np.min(x), ("sum_of_largest",)),
    Case("where", lambda x: np.sum(np.where(x > x[::-1], x, x[::-1]) - np.where(x < 2 * x[::-1], x, 2 * x[::-1])),
         ("maximum", "minimum")),
    Case("two largest", lambda x: np.sort(x)[-2:].sum(), ("sum_of_largest",)),
    Case("two largest, turned", lambda x: np.sum(np.sort(x)[::-1][:2]), ("sum_of_largest",)),
    Case("two largest, partition", lambda x: np.partition(x, -2)[-2:].sum(), ("sum_of_largest",)),
    Case("two least, partition", lambda x: np.partition(x, 1)[:2].sum(), ("sum_of_largest",)),
    Case("last of the sorted", lambda x: np.sort(x)[-1] - np.sort(x)[0], ("sum_of_largest",)),
    Case("quadratic over linear", lambda x: 3 * x[0] ** 2 / x[2], ("square_over",), "positive"),
    Case("sum of squares over linear", lambda x: x @ x / x[0], ("square_over",), "positive"),
    Case("rows over linear", lambda X: np.sum(np.sum(X**2, 1) / X[:, 0]), ("square_over",), "rows+"),
    Case("x*x/y by entry", lambda x: np.sum(x * x / x[::-1]), ("square_over",), "positive"),
    Case("t(u/t)²", lambda x: x[0] * (x[1] / x[0]) ** 2, ("square_over",), "positive"),
    Case("u(u/t)", lambda x: x[1] * (x[1] / x[0]), ("square_over",), "positive"),
    Case("relative entropy", lambda x: np.sum(x * np.log(x / x[::-1])), ("relative_entropy",), "positive"),
    Case("turned quotient", lambda x: np.sum(x[:2] * np.log(x[1:] / x[:2])), ("relative_entropy",), "positive"),
    Case("logs apart", lambda x: x[0] * (np.log(x[0]) - np.log(x[1])), ("relative_entropy",), "positive"),
    Case("products apart", lambda x: x[0] * np.log(x[0]) - x[0] * np.log(x[1]), ("relative_entropy",), "positive"),
    Case("rel_entr", lambda x: np.sum(sp.rel_entr(x, x[::-1])), ("relative_entropy",), "positive"),
    Case("kl_div", lambda x: np.sum(sp.kl_div(x, x[::-1])), ("relative_entropy",), "positive"),
    Case("dot product with a log", lambda x: x @ np.log(x / np.sum(x)), ("relative_entropy",), "positive"),
    Case("perspective of exp", lambda x: x[0] * np.exp(x[1] / x[0]), ("exp_perspective",), "positive"),
    Case("perspective of exp, minus", lambda x: x[0] * np.exp(-x[1] / x[0]), ("exp_perspective",), "positive"),
    Case("geometric mean", lambda x: np.prod(x) ** (1 / 3), ("power_product",), "positive"),
    Case("geometric mean by logs", lambda x: np.exp(np.mean(np.log(x))), ("power_product",), "positive"),
    Case("weights by logs", lambda x: np.exp(W @ np.log(x)), ("power_product",), "positive"),
    Case("root of a product", lambda x: np.sqrt(x[0] * x[1]), ("power_product",), "positive"),
    Case("powers", lambda x: x[0] ** 0.3 * x[1] ** 0.5 * np.sqrt(x[2]), ("power_product",), "positive"),
    Case("over a product", lambda x: 2 / (x[0] * x[1]), ("power_product",), "positive"),
    Case("over a root", lambda x: 1 / np.sqrt(x[0] * x[1]), ("power_product",), "positive"),
    Case("quadratic form", lambda x: x @ P @ x, ("quadratic_form",)),
    Case("quadratic form, right first", lambda x: x @ (P @ x), ("quadratic_form",)),
    Case("quadratic form, einsum", lambda x: np.einsum("i,ij,j->", x, P, x), ("quadratic_form",)),
    Case("trace of XᵀX", lambda X: np.trace(X.T @ X) + np.trace(X @ X.T), ("square",), "rows"),
    Case("einsum of squares", lambda X: np.einsum("ij,ij->", X, X) + np.einsum("ij,ij->i", X, X)[1], ("square",),
         "rows"),
    Case("normal equations", lambda x: x @ (A.T @ (A @ x)), ("square",)),
    Case("Mahalanobis", lambda x: np.sqrt((x - 1) @ P @ (x - 1)), ("root_of_quadratic",)),
    Case("smooth Mahalanobis", lambda x: np.sqrt(2 + x @ (P @ x)), ("root_of_quadratic",)),
    Case("solve, known matrix", lambda x: x @ np.linalg.solve(P, x), ("matrix_fraction",)),
    Case("matrix fraction", lambda X: W @ np.linalg.solve(X, W), ("matrix_fraction",), "definite", DEFINITE),
    Case("matrix fraction by inv", lambda X: W @ np.linalg.inv(X) @ W, ("matrix_fraction",), "definite",
         DEFINITE),
    Case("slogdet", lambda X: -np.linalg.slogdet(X)[1], ("log_det",), "definite", DEFINITE),
    Case("slogdet with its sign", _signed, ("log_det",), "definite", DEFINITE),
    Case("slogdet behind a branch", _guarded, ("log_det",), "definite", DEFINITE),
    Case("log of det", lambda X: np.log(np.linalg.det(X)), ("log_det",), "definite", DEFINITE),
    Case("by Cholesky", lambda X: 2 * np.sum(np.log(np.diag(np.linalg.cholesky(X)))), ("log_det",), "definite",
         DEFINITE),
    Case("by eigenvalues", lambda X: np.sum(np.log(np.linalg.eigvalsh(X))), ("log_det",), "definite", DEFINITE),
    Case("of a congruence", lambda X: np.linalg.slogdet(A @ X @ A.T + np.eye(4))[1], ("log_det",), "definite",
         DEFINITE),
    Case("of the symmetric part", lambda X: np.linalg.slogdet((X + X.T) / 2)[1], ("log_det",), "definite", DEFINITE),
    Case("trace of inverse", lambda X: np.trace(np.linalg.inv(X)), ("trace_of_inverse",), "definite", DEFINITE),
    Case("by eigenvalues, 1/λ", lambda X: np.sum(1 / np.linalg.eigvalsh(X)), ("trace_of_inverse",), "definite",
         DEFINITE),
    Case("largest eigenvalue", lambda X: np.linalg.eigvalsh(X)[-1], ("sum_of_largest_eigenvalues",), "definite",
         SYMMETRIC),
    Case("max of eigenvalues", lambda X: np.max(np.linalg.eigvalsh(X)), ("sum_of_largest_eigenvalues",), "definite",
         SYMMETRIC),
    Case("least eigenvalue", lambda X: np.min(np.linalg.eigvalsh(X)) + np.linalg.eigvalsh(X)[0],
         ("sum_of_largest_eigenvalues",), "definite"),
    Case("two largest eigenvalues", lambda X: np.linalg.eigvalsh(X)[-2:].sum(), ("sum_of_largest_eigenvalues",),
         "definite"),
    Case("spectral norm", lambda X: np.linalg.norm(X, 2), ("sum_of_largest_singular_values",), "rows"),
    Case("nuclear norm", lambda X: np.linalg.norm(X, "nuc"), ("sum_of_largest_singular_values",), "rows"),
    Case("sum of singular values", lambda X: np.sum(np.linalg.svd(X, compute_uv=False)),
         ("sum_of_largest_singular_values",), "rows"),
]


def points(kind, number, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(number):
        if kind == "definite":
            B = rng.standard_normal((3, 3))
            yield B @ B.T + 0.3 * np.eye(3)
        else:
            x = rng.standard_normal((2, 3) if kind.startswith("rows") else 3)
            yield np.exp(x) if kind in ("positive", "rows+") else x


def graph_of(case, f=None):
    sample = next(points(case.x, 1, seed=9))
    return recognised(valued(ad.trace(f or case.f, sample)), case.facts)


def replay(g):
    """The graph as a function, which can itself be differentiated."""
    def f(x):
        values = {g.inputs[0]: x}
        for node in g.live(g.outputs):
            if node not in values:
                values[node] = bind(node.prim, tuple(values[i] if type(i) is Node else i for i in node.inputs),
                                    node.params)
        out = g.outputs[0]
        return values[out] if type(out) is Node else out
    return f


def names(g):
    return {node.prim.name for node in g.live(g.outputs)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_atom_is_found(case):
    found = names(graph_of(case))
    assert set(case.atoms) <= found
    left = {"exp", "log", "sqrt", "norm_root", "norm_power", "sort", "gather", "eigh", "svdvals", "inv", "solve", "det",
            "logabsdet", "max", "min", "prod", "guard", "einsum"}
    assert not left & (found - {"sqrt"} if case.name == "root mean square" else found - {"log"} if case.name.startswith(
        ("weights", "mean")) else found)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_same_function(case):
    g = replay(graph_of(case))
    for x in points(case.x, 3):
        size = 1 + abs(case.f(x))
        assert abs(g(x) - case.f(x)) <= 1e-11 * size
        first, second = ad.grad(case.f)(x), ad.grad(g)(x)
        if case.x == "definite":                    # a function of symmetric matrices: its slopes along these
            first, second = first + first.T, second + second.T
        np.testing.assert_allclose(second, first, rtol=1e-8, atol=1e-9 * size)
        second, first = (np.reshape(ad.hessian(h)(x), (x.size, x.size)) for h in (g, case.f))
        if case.x == "definite":
            turn = np.eye(9) + np.eye(9)[np.arange(9).reshape(3, 3).T.ravel()]
            first, second = turn @ first @ turn, turn @ second @ turn
        np.testing.assert_allclose(second, first, rtol=1e-6, atol=1e-7 * (1 + np.abs(first).max()))


# name -> (function, kind of point, facts, the atom that must not be there)
NEAR = {
    "log(Σeˣ − 1)": (lambda x: np.log(np.sum(np.exp(x)) - 0.01), "any", frozenset(), "log_sum_exp"),
    "log(Σeˣ − eˣ/9)": (lambda x: np.log(-0.1 * np.exp(x[0]) + 9 * np.exp(x[1]) + 9), "any", frozenset(),
                        "log_sum_exp"),
    "log Σeˣ − eʸ": (lambda x: np.log(np.exp(x[0]) + np.exp(x[1]) - 0.01 * np.exp(x[2])), "any", frozenset(),
                     "log_sum_exp"),
    "log(eˣ − eʸ + eᶻ)": (lambda x: np.log(np.exp(x[0]) - 0.01 * np.exp(x[2]) + np.exp(x[1])), "any", frozenset(),
                          "log_sum_exp"),
    "one entry is not shifted": (lambda x: np.log(np.exp(x[0] - x[2]) + np.exp(x[1]) + 1) + x[2], "any", frozenset(),
                                 "input_"),
    "twice the same": (lambda x: x[0] + np.exp(x[1]) + np.exp(x[1]), "any", frozenset(), "input_"),
    "shift that differs by entry": (lambda x: np.max(x) + np.log(np.sum(np.exp(x - 2 * x[::-1]))), "any", frozenset(),
                                    "sum_of_largest_eigenvalues"),
    "√(Σx² − 1)": (lambda x: np.sqrt(np.sum(x**2) - 1e-3), "any", frozenset(), "length"),
    "√(x² − y²)": (lambda x: np.sqrt(x[0] ** 2 - 1e-9 * x[1] ** 2), "any", frozenset(), "length"),
    "√Σx³": (lambda x: np.sqrt(np.sum(np.abs(x) ** 3)), "any", frozenset(), "length"),
    "√Σx³ of signed x": (lambda x: np.sqrt(9 + np.sum(x**3)), "any", frozenset(), "p_norm"),
    "(Σx²)^0.3": (lambda x: np.sum(x**2) ** 0.3, "any", frozenset(), "length"),
    "log of a product with a negative number": (lambda x: np.log(-2.0 * x[0] * (x[1] - 9)), "positive", frozenset(),
                                                "add"),
    "eˣ y": (lambda x: np.exp(x[0]) * x[1], "any", frozenset(), "power_product"),
    "√Σ(−w)x²": (lambda x: np.sqrt(3 + np.sum(np.array([1, -0.1, 1]) * x**2)), "any", frozenset(), "length"),
    "(Σ|x|³)^0.3": (lambda x: np.sum(np.abs(x) ** 3) ** 0.3, "any", frozenset(), "p_norm"),
    "(Σ|x|^½)²": (lambda x: np.sum(np.abs(x) ** 0.5) ** 2.0, "any", frozenset(), "p_norm"),
    "(Σx³)^(1/3)": (lambda x: np.abs(np.sum(x**3)) ** (1 / 3), "any", frozenset(), "p_norm"),
    "x log y": (lambda x: x[0] * np.log(x[1]), "positive", frozenset(), "relative_entropy"),
    "x log(y/z)": (lambda x: x[0] * np.log(x[1] / x[2]), "positive", frozenset(), "relative_entropy"),
    "z exp(x/y)": (lambda x: x[0] * np.exp(x[1] / x[2]), "positive", frozenset(), "exp_perspective"),
    "x²·y": (lambda x: x[0] ** 2 * x[1], "positive", frozenset(), "square_over"),
    "x³/y": (lambda x: x[0] ** 3 / x[1], "positive", frozenset(), "square_over"),
    "middle of the sorted": (lambda x: np.sort(x)[1], "any", frozenset(), "sum_of_largest"),
    "partition elsewhere": (lambda x: np.partition(x, 0)[-1:].sum(), "any", frozenset(), "sum_of_largest"),
    "√(uᵀPu), P indefinite": (lambda x: np.sqrt(9 + x @ ((P - 3.0 * np.eye(3)) @ x)), "any", frozenset(),
                               "root_of_quadratic"),
    "√(uᵀPu − c)": (lambda x: np.sqrt(x @ (P @ x) - 1e-3), "any", frozenset(), "root_of_quadratic"),
    "x Py": (lambda x: x[:2] @ (P[:2, :2] @ x[1:]), "any", frozenset(), "quadratic_form"),
    "log det, nothing known": (lambda X: np.linalg.slogdet(X)[1], "definite", frozenset(), "log_det"),
    "log det, symmetric": (lambda X: np.linalg.slogdet(X)[1], "definite", SYMMETRIC, "log_det"),
    "log det of a difference": (lambda X: np.linalg.slogdet(X - 0.01 * np.eye(3))[1], "definite", DEFINITE, "log_det"),
    "log det of a low rank": (lambda X: np.linalg.slogdet(A[:2] @ X @ A[1:3].T)[1], "definite", DEFINITE, "log_det"),
    "inverse of a product": (lambda X: np.trace(np.linalg.inv(X @ X @ P)), "definite", DEFINITE, "trace_of_inverse"),
    "u X⁻¹ v": (lambda X: W @ np.linalg.solve(X, A[0]), "definite", DEFINITE, "matrix_fraction"),
    "eig, not symmetric": (lambda X: np.max(np.real(np.linalg.eigvals(X))), "definite", frozenset(),
                           "sum_of_largest_eigenvalues"),
    "middle eigenvalue": (lambda X: np.linalg.eigvalsh(X)[1], "definite", SYMMETRIC, "sum_of_largest_eigenvalues"),
    "least singular value": (lambda X: np.linalg.norm(X, -2), "rows", frozenset(), "sum_of_largest_singular_values"),
}


@pytest.mark.parametrize("name", NEAR)
def test_near_misses_stay(name):
    f, kind, facts, atom = NEAR[name]
    sample = next(points(kind, 1, seed=3))
    g = recognised(valued(ad.trace(f, sample)), facts)
    assert atom not in names(g)
    assert replay(g)(sample) == pytest.approx(f(sample), rel=1e-12)


def test_max_of_python_stays_a_branch():
    g = recognised(valued(ad.trace(lambda x: max(x[0], x[1]), np.array([1.0, 2.0]))))
    assert g.guards and "sum_of_largest" not in names(g)


@pytest.mark.parametrize("name", sorted(set(problems.names()) - {"matrix-factorisation", "tanh-network"}))
def test_problems(name):
    """Those of one array."""
    problem = problems.get(name)
    x = np.asarray(problem.x0, float)
    recording = valued(ad.trace(problem.f, x))
    g = replay(recognised(recording, DEFINITE if name == "log-det" else frozenset()))
    rng = np.random.default_rng(4)
    x = x + 0.05 * rng.standard_normal(x.shape)
    x = (x + x.T) / 2 if name == "log-det" else x
    assert g(x) == pytest.approx(problem.f(x), rel=1e-11)
    np.testing.assert_allclose(ad.grad(g)(x), ad.grad(problem.f)(x), rtol=1e-8, atol=1e-9)


def test_holes_of_the_domain_stay():
    """What cancels is left out only where it is defined everywhere."""
    for f in (lambda x: x[0] ** 2 + np.log(x[1]) - np.log(x[1]), lambda x: x[0] / x[1] + 1 - x[0] / x[1]):
        assert {"log", "divide"} & names(recognised(valued(ad.trace(f, np.ones(3)))))
    assert "exp" not in names(recognised(valued(ad.trace(lambda x: x[0] + np.exp(x[1]) - np.exp(x[1]), np.ones(3)))))


def test_long_sums():
    """Neither deep nor slow."""
    def f(x):
        total = 0.0
        for k in range(3000):
            total = total + np.exp(x[k % 3] * (k % 7))
        return np.log(total)
    g = recognised(valued(ad.trace(f, np.ones(3))))
    assert "log_sum_exp" in names(g)
    assert replay(g)(np.ones(3)) == pytest.approx(f(np.ones(3)))


def test_facts_are_stated_of_what_the_input_is_made_into():
    basis = np.array([[1.0, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1]])

    def f(x):
        return -np.linalg.slogdet(stated((basis @ x).reshape(2, 2), DEFINITE) + np.eye(2))[1]
    x = np.array([2.0, 0.5, 1.0])
    g = recognised(valued(ad.trace(f, x)))
    assert "log_det" in names(g) and "known" not in names(g)
    assert replay(g)(x) == pytest.approx(f(x))
    np.testing.assert_allclose(ad.grad(f)(x), ad.grad(replay(g))(x))


def test_facts_follow_affine_congruences():
    def level(f, facts):
        g = ad.trace(f, np.eye(3))
        return facts_of(g.outputs[0], {g.inputs[0]: facts})
    assert "positive definite" in level(lambda X: 2.0 * X + np.eye(3), frozenset({"positive semidefinite"}))
    assert "positive definite" in level(lambda X: A[:3] @ X @ A[:3].T, DEFINITE)
    assert "positive definite" not in level(lambda X: A @ X @ A.T, DEFINITE)
    assert "positive semidefinite" in level(lambda X: A @ X @ A.T, DEFINITE)
    assert "positive semidefinite" in level(lambda X: X @ X.T, frozenset())
    assert level(lambda X: (X + X.T) / 2, frozenset()) == SYMMETRIC
    assert level(lambda X: -X, DEFINITE) == level(lambda X: -2.0 * X, DEFINITE) == SYMMETRIC
    assert level(lambda X: X - np.eye(3), DEFINITE) == SYMMETRIC
    assert level(lambda X: X @ A[:3], DEFINITE) == frozenset()
    assert level(lambda X: X + A[:3], DEFINITE) == frozenset()
    assert "positive definite" not in level(lambda X: X + np.diag([1.0, 1.0, -1e-9]), DEFINITE)


# name -> (f, lower, upper, what is known by construction on the box)
CLAIMS = {
    "exp of a norm": (lambda x: np.exp(np.linalg.norm(x)), -1, 2, "convex"),
    "log-sum-exp of squares": (lambda x: np.log(np.sum(np.exp(x**2))), -1, 2, "convex"),
    "maximum of norms": (lambda x: np.max(np.array([np.linalg.norm(x), np.sum(x) ** 2])), -1, 2, "convex"),
    "minus a geometric mean, squared": (lambda x: -np.sqrt(np.prod(x) ** (1 / 3)), 0.5, 2, "convex"),
    "log of a geometric mean": (lambda x: np.log(np.prod(x) ** (1 / 3)), 0.5, 2, "concave"),
    "quadratic over a concave function": (lambda x: x @ x / np.sqrt(x[0] * x[1]), 0.5, 2, "convex"),
    "quadratic over a convex function": (lambda x: x @ x / np.exp(x[0]), 0.5, 3, ""),
    "log(1 + ‖x‖²)": (lambda x: np.log(1 + np.linalg.norm(x) ** 2), -1, 2, ""),
    "a product of norms": (lambda x: np.linalg.norm(x) * np.linalg.norm(x - 1), -1, 2, ""),
    "a root of a norm": (lambda x: np.sqrt(np.linalg.norm(x)), 0.5, 2, ""),
    "minus log-sum-exp in exp": (lambda x: np.exp(-np.log(np.sum(np.exp(x)))), -1, 1, ""),
    "norm of what is not affine": (lambda x: np.linalg.norm(x**2 - 1), -2, 2, ""),
    "norm of what is convex and not negative": (lambda x: np.linalg.norm(np.exp(x)), -2, 2, "convex"),
    "x/y on both signs": (lambda x: x[0] / x[1], -1, 1, ""),
    "x²/y with y ≤ 0": (lambda x: x[0] ** 2 / x[1], 0, 1, ""),
    "x²/y with y < 0": (lambda x: x[0] ** 2 / x[1], -2, -1, "concave"),
    "x log(x/y) across 0": (lambda x: x[0] * np.log(x[0] / x[1]), -1, 1, ""),
    "x log y": (lambda x: x[0] * np.log(x[1]), 0.5, 1, ""),
    "powers that sum to more than 1": (lambda x: x[0] ** 0.6 * x[1] ** 0.5, 0.5, 1, ""),
    "an indefinite form": (lambda x: x @ ((P - 3 * np.eye(3)) @ x), -1, 1, ""),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_claims(name):
    """What holds by construction is seen, and what does not hold is not."""
    f, lower, upper, truth = CLAIMS[name]
    x = np.full(3, upper - 0.1) + 0.1 * np.arange(3) / 3
    local = SecondOrder(prepare(f, x)).at(np.full((3, 1), float(lower)), np.full((3, 1), float(upper)))
    assert (bool(local.convex[0]), bool(local.concave[0])) == (truth == "convex", truth == "concave")


# name -> (f, kind of point, what may not be left, what must be there)
EXPONENTS = {
    "eˣ eʸ": (lambda x: np.exp(x[0]) * np.exp(-x[1]), "any", "multiply", "exp"),
    "eˣ / eʸ": (lambda x: np.exp(x[0]) / np.exp(x[1]), "any", "divide", "exp"),
    "2eˣ (eʸ)² (eᶻ)^1.5": (lambda x: 2 * np.exp(x[0]) * np.exp(x[1]) ** 2 * np.exp(x[2]) ** 1.5, "any", "square",
                           "exp"),
    "−eˣ · 1/eʸ": (lambda x: -np.exp(x[0]) * (1 / np.exp(x[1])), "any", "divide", "exp"),
    "Π eˣ": (lambda x: np.prod(np.exp(x)), "any", "prod", "exp"),
    "log Π x": (lambda x: np.log(np.prod(x)), "positive", "prod", "log"),
    "log(x²y)": (lambda x: np.log(x[0] ** 2 * x[1] * 3 * x[0]), "positive", "exp", "log"),
    "log of matrices of products": (lambda X: np.sum(np.log(X * X[:1] * X[:, :1])), "rows+", "exp", "log"),
    "log1p(eˣ + eʸ)": (lambda x: np.log1p(np.exp(x[0]) + np.exp(x[1])), "any", "log1p", "log_sum_exp"),
    "−√x √y": (lambda x: -np.sqrt(x[0]) * np.sqrt(x[1]), "positive", "sqrt", "power_product"),
    "k/eˣ by entry": (lambda x: np.sum(W / np.exp(x)), "any", "power_product", "multiply"),
    "log(k + eˣ) by entry": (lambda x: np.sum(np.log(W + np.exp(x))), "any", "exp", "logaddexp"),
    "logaddexp(k, x)": (lambda x: np.sum(np.logaddexp(W, x)), "any", "exp", "logaddexp"),
    "xlogy(x, x)": (lambda x: np.sum(sp.xlogy(x, x)), "positive", "xlogy", "entr"),
}


@pytest.mark.parametrize("name", EXPONENTS)
def test_products_of_exponentials_and_logarithms_of_products(name):
    f, kind, gone, there = EXPONENTS[name]
    sample = next(points(kind, 1, seed=5))
    g = recognised(valued(ad.trace(f, sample)))
    assert gone not in names(g) and there in names(g)
    for x in points(kind, 3):
        assert replay(g)(x) == pytest.approx(f(x), rel=1e-12)
        np.testing.assert_allclose(ad.grad(replay(g))(x), ad.grad(f)(x), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(ad.hessian(replay(g))(x), ad.hessian(f)(x), rtol=1e-7, atol=1e-9)


# name -> (f, lower, upper, proved by construction): in real arithmetic, with the floats as they are
STRICT = {
    "(Σ|x|³)^(1/3)": (lambda x: np.sum(np.abs(x) ** 3) ** (1 / 3), -1, 1, False),
    "the 3-norm": (lambda x: np.linalg.norm(x, 3), -1, 1, True),
    "(Σ|x|⁵)^0.2, 0.2 > 1/5": (lambda x: np.sum(np.abs(x) ** 5) ** 0.2, -1, 1, True),
    "(Σx⁴)^¼": (lambda x: np.sum(x**4) ** 0.25, -1, 1, True),
    "√Σ|x|³": (lambda x: np.sum(np.abs(x) ** 3) ** 0.5, -1, 1, True),
    "(Σ|x|³)^0.3": (lambda x: np.sum(np.abs(x) ** 3) ** 0.3, -1, 1, False),
    "−Π x^(1/3), 1/3 below a third": (lambda x: -np.prod(x) ** (1 / 3), 0.5, 2, True),
    "−Π x^0.2, 0.2 > 1/5": (lambda x: -np.prod(np.concatenate([x, x[:2] + 1])) ** 0.2, 0.5, 2, False),
    "−Π x^0.2 by logarithms": (lambda x: -np.exp(np.mean(np.log(np.concatenate([x, x[:2] + 1])))), 0.5, 2, True),
    "−(Σx^0.2)⁵": (lambda x: -np.sum(x**0.2) ** 5, 0.5, 2, False),
    "−(Σx^¼)⁴": (lambda x: -np.sum(x**0.25) ** 4, 0.5, 2, True),
    "‖x‖^1.5 by its squares": (lambda x: np.sum(x**2) ** 0.75, -1, 1, True),
    "‖x‖^0.9 by its squares": (lambda x: np.sum(x**2) ** 0.45, -1, 1, False),
    "log Φ": (lambda x: -np.sum(sp.log_ndtr(A @ x)), -4, 4, True),
    "log Φ of squares": (lambda x: -np.sum(sp.log_ndtr(x**2)), -1, 1, False),
    "entropy from 0": (lambda x: np.sum(sp.xlogy(x, x)), 0, 1, True),
    "entropy below 0": (lambda x: np.sum(sp.xlogy(x, x)), -0.125, 1, False),
    "−log(xy)": (lambda x: -np.log(x[0] * x[1]), 0.5, 2, True),
    "log(xy)": (lambda x: np.log(x[0] * x[1]), 0.5, 2, False),
    "−log(xy) around 0": (lambda x: -np.log(x[0] * x[1]), -0.5, 2, False),
    "eˣ eʸ": (lambda x: np.exp(x[0]) * np.exp(x[1]), -1, 1, True),
    "−eˣ eʸ": (lambda x: -np.exp(x[0]) * np.exp(x[1]), -1, 1, False),
    "log(k + eˣ) by entry": (lambda x: np.sum(np.log(W + np.exp(x))), -3, 3, True),
    "log(k − eˣ) by entry": (lambda x: np.sum(np.log(W - np.exp(x))), -9, -4, False),
    "k/eˣ by entry": (lambda x: np.sum(W / np.exp(x)), -3, 3, True),
    "3·(⅓·z)": (lambda x: 3.0 * ((1 / 3) * np.sum(x**2)) - np.sum(x**2), -1, 1, False),
}


@pytest.mark.parametrize("name", STRICT)
def test_claims_hold_for_the_floats(name):
    f, lower, upper, proved = STRICT[name]
    second = SecondOrder(prepare(f, np.full(3, upper - 0.1) + 0.1 * np.arange(3) / 3))
    local = second.at(np.full((3, 1), float(lower)), np.full((3, 1), float(upper)))
    assert bool(local.convex[0]) == proved


def test_what_is_off_is_said():
    g = prepare(lambda x: np.sum(np.abs(x) ** 3) ** (1 / 3), np.ones(3)).graph
    told = " ".join(describe(node) for node in g.live(g.outputs))
    assert "0.3333333333333333 is not exactly 1/3" in told and "np.linalg.norm(x, 3)" in told
    g = prepare(lambda x: np.prod(x) ** 0.2, np.ones(5)).graph
    assert "more than 1" in " ".join(describe(node) for node in g.live(g.outputs))


def _looped(step, number):
    def f(x):
        total = x[0]
        for k in range(number):
            total = step(total, x, k)
        return total
    return f


@pytest.mark.parametrize("step", [
    lambda t, x, k: t + np.exp(x[k % 3] * k), lambda t, x, k: (x[k % 3] - k) ** 2 - t, lambda t, x, k: -t,
    lambda t, x, k: t * (2 + x[k % 3]), lambda t, x, k: t / (2 + x[k % 3]), lambda t, x, k: t * np.exp(x[k % 3]),
    lambda t, x, k: np.logaddexp(t, x[k % 3]), lambda t, x, k: np.maximum(t, x[k % 3] * k),
    lambda t, x, k: 0.5 * t + x[k % 3]], ids=("+", "−", "−t", "·", "/", "exp", "logaddexp", "maximum", "½"))
def test_loops_are_prepared(step):
    """Of more operations than Python calls may be nested."""
    with np.errstate(all="ignore"):
        assert prepare(lambda x: np.log(_looped(step, 1500)(x) ** 2 + 1), np.ones(3)).n == 3


def test_long_chains_of_matrices_and_slices():
    def f(x):
        X, y = stated(np.outer(x, x) + np.eye(3), DEFINITE), x
        for _ in range(1500):
            X, y = X + np.eye(3), y[::-1]
        return -np.linalg.slogdet(X)[1] + y[0]
    g = prepare(f, np.ones(3)).graph
    assert "log_det" in {node.prim.name for node in g.live(g.outputs)}


def test_log_ndtr_over_ranges():
    """Enclosures of log Φ and three derivatives against 40 digits, on narrow and wide ranges, in both tails."""
    mpmath = pytest.importorskip("mpmath")
    rng = np.random.default_rng(3)
    ends = np.sort(np.concatenate([rng.uniform(-30, 9, (2, 40)), rng.uniform(-1, 1, (2, 10)), np.tile([[-4.0], [-4.0]],
                                                                                                      1)], 1), axis=0)
    with np.errstate(all="ignore"):
        jet = UNARY["log_ndtr"](Interval(*ends))
    with mpmath.workdps(40):
        for column, (lo, hi) in enumerate(ends.T):
            for v in (lo, 0.3 * lo + 0.7 * hi, hi):
                z = mpmath.mpf(float(v))
                h = mpmath.exp(-z * z / 2) / mpmath.sqrt(2 * mpmath.pi) / mpmath.ncdf(z)
                exact = (mpmath.log(mpmath.ncdf(z)), h, -h * (z + h) / 2, h * ((z + h) * (z + 2 * h) - 1) / 6)
                for part, value in zip(jet, exact, strict=True):
                    low, high = (np.broadcast_to(end, ends.shape[1:])[column] for end in part)
                    assert mpmath.mpf(float(low)) <= value <= mpmath.mpf(float(high))
    with np.errstate(all="ignore"):
        wide = UNARY["log_ndtr"](Interval(np.array([-np.inf, -1.0]), np.array([np.inf, 1.0])))
    assert (wide[2].hi <= 0).all() and (wide[2].lo >= -0.5).all()
