"""Coverage of a namespace, checked by behaviour: each public function is in one table, and does what the table says.

A test file states its tables and asks for the checks:

    from .coverage import Tables, behaviour, complete

    DIFFERENTIABLE = {"cumsum": (np.cumsum, X), "inv": [(np.linalg.inv, A), (lambda a: np.linalg.inv(a), B)]}
    CONSTANT = {"floor": (np.floor, X)}
    REFUSED = {"sort_complex": (np.sort_complex, X, "np.sort")}
    NOT_NUMERIC = {"printing": "array2string format_float_positional", "files": "load save"}
    TABLES = Tables(DIFFERENTIABLE, CONSTANT, REFUSED, NOT_NUMERIC)

    test_complete = complete(np.linalg, TABLES)
    test_differentiable, test_constant, test_refused = behaviour(TABLES)

differentiable  name -> (f, *points) or a list of such: f(*points) gives NumPy's value, shape and dtype, and derivatives
                in both modes to second order that agree with finite differences. Points are float arrays.
constant        name -> (f, point) or a list: f's value is NumPy's own, and as a factor it has derivative zero.
refused         name -> (f, point, remedy) or a list: TraceError whose remedy matches the regular expression.
not_numeric     why -> names: no array of reals goes in, or nothing numerical comes out.

A key is a function's name, or "name: case" for a further sample of it. Names of one object (abs, absolute) count once.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import autodiff as ad


class Tables(NamedTuple):
    """The four classes of functions; see the module's docstring."""

    differentiable: dict[str, Any]
    constant: dict[str, Any]
    refused: dict[str, Any]
    not_numeric: dict[str, str]

    def names(self) -> list[str]:
        """The functions classified. "name: case" classifies the function where no table has its plain name."""
        keys = [key for table in self[:3] for key in table]
        found = [key for key in keys if ":" not in key]
        found += dict.fromkeys(name for key in keys if (name := key.partition(":")[0]) not in found)
        return found + [name for names in self.not_numeric.values() for name in names.split()]


def public(namespace: types.ModuleType, ufuncs_only: bool = False) -> dict[str, Any]:
    """name -> object of everything public that can be called or indexed; modules, constants and errors left out."""
    found = {name: getattr(namespace, name) for name in dir(namespace) if not name.startswith("_")}
    if ufuncs_only:
        return {name: value for name, value in found.items() if isinstance(value, np.ufunc)}
    return {name: value for name, value in found.items()
            if (callable(value) or hasattr(type(value), "__getitem__"))
            and not isinstance(value, (types.ModuleType, np.generic, str, bytes, int, float, tuple, dict, list))
            and not (isinstance(value, type) and issubclass(value, BaseException))}


def unclassified(namespace: types.ModuleType, tables: Tables, ufuncs_only: bool = False) -> list[str]:
    """Public names in none of the tables (nor the same object under another name)."""
    known = {id(getattr(namespace, name)) for name in tables.names() if hasattr(namespace, name)}
    return [name for name, value in public(namespace, ufuncs_only).items() if id(value) not in known]


def complete(namespace: types.ModuleType, tables: Tables, ufuncs_only: bool = False) -> Callable[[], None]:
    """A test: every public function of the namespace is in exactly one table, and the tables name nothing else."""
    def test_complete() -> None:
        missing = unclassified(namespace, tables, ufuncs_only)
        assert not missing, f"{namespace.__name__}: in none of the tables: {', '.join(missing)}"
        names = tables.names()
        twice = sorted({name for name in names if names.count(name) > 1})
        assert not twice, f"{namespace.__name__}: in two tables: {', '.join(twice)}"
        gone = [name for name in names if not hasattr(namespace, name)]
        assert not gone, f"{namespace.__name__} has no {', '.join(gone)}"
    return test_complete


def samples(table: dict[str, Any]) -> list:
    """One pytest parameter a sample."""
    lists = {key: value if isinstance(value, list) else [value] for key, value in table.items()}
    return [pytest.param(case, id=key if len(cases) == 1 else f"{key}-{number}")
            for key, cases in lists.items() for number, case in enumerate(cases)]


def behaviour(tables: Tables) -> tuple[Callable, Callable, Callable]:
    """Three tests: what is differentiable, what is piecewise constant, what is refused."""
    @pytest.mark.parametrize("case", samples(tables.differentiable))
    def test_differentiable(case: tuple) -> None:
        check_differentiable(*case)

    @pytest.mark.parametrize("case", samples(tables.constant))
    def test_constant(case: tuple) -> None:
        check_constant(*case)

    @pytest.mark.parametrize("case", samples(tables.refused))
    def test_refused(case: tuple) -> None:
        check_refused(*case)
    return test_differentiable, test_constant, test_refused


def leaves(tree: Any) -> list:
    """The arrays of a result, which may be a tuple or list of them."""
    return ad.pytree.flatten(tree)[0]


def check_value(f: Callable, *points: Any) -> None:
    """The recorded value is NumPy's own, in shape and dtype."""
    expected, made = leaves(f(*points)), ad.trace(f, *points).result
    assert len(made) == len(expected)
    for value, truth in zip(made, expected, strict=True):
        assert np.shape(value) == np.shape(truth)
        assert np.asarray(value).dtype == np.asarray(truth).dtype
        np.testing.assert_allclose(value, truth, rtol=1e-10, atol=1e-13)


def check_differentiable(f: Callable, *points: Any, rtol: float = 5e-5) -> None:
    """NumPy's value, and derivatives to second order in both modes against finite differences; not all zero."""
    check_value(f, *points)
    ad.check_grads(f, points, order=2, directions=1, rtol=rtol)
    assert any(np.any(part) for part in leaves(_derivative(f, points))), "the derivative is zero: a piecewise constant?"


def _derivative(f: Callable, points: tuple) -> Any:
    def scalar(*at: Any) -> Any:
        return sum((np.sum(np.cos(np.arange(1.0, np.size(y) + 1)).reshape(np.shape(y)) * y) for y in leaves(f(*at))),
                   0.0)
    return ad.vjp(scalar, *points)[1](1.0)


def check_constant(f: Callable, point: Any) -> None:
    """NumPy's value; a product with it has the derivative of the other factor alone."""
    check_value(f, point)
    point = np.asarray(point, dtype=float)
    weight = sum(float(np.sum(np.asarray(y, dtype=float))) for y in leaves(f(point)))

    def product(x: Any) -> Any:
        return np.sum(np.sin(x)) * sum((np.sum(y) for y in leaves(f(x))), 0.0)
    for differentiate in (ad.grad(product), ad.compile(product, eager=True).grad, lambda x: ad.jacobian(product)(x)):
        np.testing.assert_allclose(differentiate(point), np.cos(point) * weight, rtol=1e-10, atol=1e-13)


def check_refused(f: Callable, point: Any, remedy: str) -> None:
    """TraceError that says what is wrong and what to write instead."""
    def total(x: Any) -> Any:
        return sum((np.sum(y) for y in leaves(f(x))), 0.0)
    with pytest.raises(ad.TraceError, match=f"(?s)Instead: .*{remedy}"):
        ad.grad(total)(point)
