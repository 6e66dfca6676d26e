"""Graphs as SymPy expressions: the same values, row by row; the same derivatives, differentiated by SymPy."""

import builtins

import numpy as np
import pytest
import scipy.sparse
import scipy.special

import autodiff as ad
from autodiff.interpreters import symbolic
from autodiff.primitive import PRIMITIVES

sp = pytest.importorskip("sympy")
pytestmark = pytest.mark.nan_ok          # SymPy's own arithmetic is not what is tested

COVERED = {name: row for name, row in PRIMITIVES.items()
           if name in symbolic.ELEMENTWISE or name in symbolic.ARRAYS or name in symbolic.MOVES}


def numeric(expression, point):
    """The number, or array of numbers, that an export is at a point (a dict symbol -> number)."""
    if isinstance(expression, sp.NDimArray):
        return np.array([numeric(e, point) for e in expression.reshape(len(expression))]).reshape(expression.shape)
    value = expression.subs(point) if expression.free_symbols else expression
    if value in (sp.true, sp.false):
        return bool(value)
    return complex(value.evalf(17)) if not value.is_extended_real else float(value.evalf(17))


def at(graph):
    """Symbol -> the number it had in the recording."""
    point = {}
    for node, symbols in zip(graph.inputs, symbolic._inputs(sp, graph, None), strict=True):
        point |= dict(zip(symbols.ravel(), graph.value_of(node).ravel().tolist(), strict=True))
    return point


def agrees(f, *args, rtol=1e-12):
    graph = ad.trace(f, *args)
    exported = graph.to_sympy()
    np.testing.assert_allclose(numeric(exported, at(graph)), f(*args), rtol=rtol, atol=1e-13)
    return exported


@pytest.mark.parametrize("name", sorted(COVERED))
def test_rows_have_the_values_of_their_formulas(name):
    row = COVERED[name]
    for sample in row.samples:
        args, params = sample if len(sample) == 2 and isinstance(sample[1], dict) else (sample, {})
        if any(scipy.sparse.issparse(a) for a in args) or np.iscomplexobj(args[0]):
            continue
        moving = [k for k, a in enumerate(args) if np.asarray(a).dtype.kind == "f"]

        def f(*given, args=args, params=params, moving=moving):
            return row(*[given[moving.index(k)] if k in moving else a for k, a in enumerate(args)], **params)
        agrees(f, *[np.asarray(args[k]) for k in moving], rtol=1e-9)


def test_the_slides_example():
    """sin x² ↦ 2x cos x², which is 4 cos 4 at 2."""
    def f(x):
        return np.sin(x ** 2)
    x = sp.Symbol("x", real=True)
    assert ad.trace(f, 2.0).to_sympy() == sp.sin(x ** 2)
    ours = ad.trace(ad.grad(f), 2.0).to_sympy()
    assert ours == sp.diff(ad.trace(f, 2.0).to_sympy(), x) == 2 * x * sp.cos(x ** 2)
    assert ours.subs(x, 2) == 4 * sp.cos(4)
    assert ad.grad(f)(2.0) == pytest.approx(4 * np.cos(4), rel=1e-15)
    assert sp.simplify(ad.trace(ad.grad(ad.grad(f)), 2.0).to_sympy() - sp.diff(sp.sin(x ** 2), x, 2)) == 0


FUNCTIONS = {
    "rosenbrock": lambda x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2),
    "quotient": lambda x: x[0] * np.exp(-x[1]) / (1 + x[2] ** 2),
    "quadratic": lambda x: x @ np.arange(9.0).reshape(3, 3) @ x / np.pi,
    "logistic": lambda x: np.logaddexp(0, -x).sum() + np.sum(np.tanh(x) ** 2) / 3,
    "products": lambda x: np.prod(x) + np.cumsum(x)[-1] * np.einsum("i,i->", x, x),
    "filled": lambda x: _filled(x),
    "determinant": lambda x: np.linalg.det(np.outer(x, x) + np.diag(x)),
    "solved": lambda x: np.sum(np.linalg.solve(np.diag(x) + 1, x)),
    "special": lambda x: np.sum(scipy.special.erf(x) + scipy.special.gammaln(x)),
}


def _filled(x):
    out = np.zeros(3)
    out[:2] = x[1:] * x[0]
    out[2] += x[2] ** 3
    return out @ out


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives_of_the_export_are_the_export_of_our_derivatives(name):
    f, x = FUNCTIONS[name], np.array([0.7, 1.3, 0.4])
    graph, derived = ad.trace(f, x), ad.trace(ad.grad(f), x)
    value, ours = graph.to_sympy(), derived.to_sympy()
    symbols, point = symbolic._inputs(sp, graph, None)[0], at(graph)
    assert numeric(value, point) == pytest.approx(f(x), rel=1e-12)
    theirs = [numeric(sp.diff(value, s), point) for s in symbols]
    np.testing.assert_allclose(numeric(ours, point), theirs, rtol=1e-10)
    np.testing.assert_allclose(ad.grad(f)(x), theirs, rtol=1e-10)


def test_symbols_of_the_callers_choice():
    def f(w, x):
        return w * x[0] + x[1]
    u, v, w = sp.symbols("u v w")
    graph = ad.trace(f, 2.0, np.ones(2))
    assert graph.to_sympy([w, [u, v]]) == u * w + v
    assert str(graph.to_sympy(["a", "b"])) == "a*b_0 + b_1"
    assert str(graph.to_sympy()) == "w*x_0 + x_1"
    for wrong, message in ((["a"], "for each of the 2 inputs"), ([w, [u]], r"shape of the input, \(2,\), got \(1,\)"),
                           ("ab", "for each of the 2"), ([[w], [u, v]], r"\(\), got \(1,\)")):
        with pytest.raises(ValueError, match=message):
            graph.to_sympy(wrong)


def test_outputs_keep_their_structure():
    graph = ad.trace(lambda p: {"a": p["x"] ** 2, "b": (p["x"].sum(), 3.0)}, {"x": np.array([1.0, 2.0])})
    found = graph.to_sympy([["s", "t"]])
    assert [str(e) for e in found["a"]] == ["s**2", "t**2"]
    assert found["b"][1] == 3


def test_a_branch_is_said():
    def f(x):
        return x ** 2 if x > 0 else -x
    x = sp.Symbol("x", real=True)
    for start, branch in ((2.0, x ** 2), (-2.0, -x)):
        found = ad.trace(f, start).to_sympy()
        assert found.subs(x, start) == branch.subs(x, start)
        assert found.subs(x, -start) is sp.nan


def test_numbers_are_what_was_meant():
    for value, meant in ((0.5, sp.Rational(1, 2)), (3.0, sp.Integer(3)), (np.pi, sp.pi), (-np.e, -sp.E),
                         (0.1, sp.Float(0.1)), (np.inf, sp.oo), (True, sp.true), (2, sp.Integer(2))):
        assert symbolic.exact(sp, value) == meant


def test_a_row_without_a_formula_is_named():
    with pytest.raises(ad.TraceError, match="to_sympy: the operation eigh has no formula"):
        ad.trace(lambda x: np.linalg.eigvalsh(np.outer(x, x))[0], np.ones(3)).to_sympy()


def test_without_sympy(monkeypatch):
    real = builtins.__import__

    def blocked(name, *args, **kwargs):
        if name == "sympy":
            raise ImportError(name)
        return real(name, *args, **kwargs)
    graph = ad.trace(np.sin, 1.0)
    monkeypatch.setattr(builtins, "__import__", blocked)
    with pytest.raises(ImportError, match="pip install sympy"):
        graph.to_sympy()
