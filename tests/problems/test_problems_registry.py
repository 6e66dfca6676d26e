"""Every row of the registry has every column; wrong names and sizes are clear errors."""

import subprocess
import sys
from dataclasses import FrozenInstanceError, fields

import numpy as np
import pytest

import problems
from problems.problem import UNKNOWN, Lazy, Problem

CONVEXITIES = {"strongly convex", "strictly convex", "convex", "nonconvex"}


def _incomplete(problem):
    """Names of columns that say nothing: missing, None, or an empty text. UNKNOWN is an answer."""
    columns = {field.name: getattr(problem, field.name) for field in fields(problem)}
    return [name for name, value in columns.items() if value is None or (isinstance(value, str) and not value)]


@pytest.fixture(params=problems.names())
def problem(request):
    return problems.get(request.param)


def test_every_column_is_stated(problem):
    assert _incomplete(problem) == []


def test_columns_have_their_types(problem):
    assert problem.convexity in CONVEXITIES
    assert problem.mu is UNKNOWN or isinstance(problem.mu, float)
    assert problem.L is UNKNOWN or isinstance(problem.L, float)
    assert problem.f_star is UNKNOWN or isinstance(problem.f_star, float)
    assert isinstance(problem.f(problem.x0), float)
    assert problem.n > 0


def test_x_star_has_the_structure_of_x0(problem):
    assert _shapes(problem.x_star) == _shapes(problem.x0)


def test_starts_are_not_solutions(problem):
    assert problem.f(problem.x0) > problem.f_star


def test_name_is_the_registered_one(problem):
    assert problems.get(problem.name).name == problem.name


def test_same_seed_same_problem(problem):
    assert problems.get(problem.name).f(problem.x0) == problem.f(problem.x0)


def test_repr_is_one_short_line(problem):
    assert problem.name in repr(problem) and "\n" not in repr(problem) and len(repr(problem)) < 200


def test_completeness_check_notices_a_hole(problem):
    columns = {field.name: getattr(problem, field.name) for field in fields(problem)}
    assert _incomplete(Problem(**{**columns, "source": ""})) == ["source"]
    assert _incomplete(Problem(**{**columns, "mu": None})) == ["mu"]
    assert _incomplete(Problem(**{**columns, "mu": UNKNOWN})) == []


def test_lazy_columns_are_computed_once_and_only_when_read():
    calls = []
    blank = dict.fromkeys((field.name for field in fields(Problem)), "")
    problem = Problem(**{**blank, "L": Lazy(lambda: calls.append(1) or 7.0)})
    assert calls == []
    assert (problem.L, problem.L, calls) == (7.0, 7.0, [1])
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = problem.nothing
    with pytest.raises(FrozenInstanceError):
        problem.L = 1.0


def test_unknown_prints_as_itself():
    assert repr(UNKNOWN) == str(UNKNOWN) == "UNKNOWN"


@pytest.mark.parametrize(
    ("error", "name", "options", "message"),
    [
        (ValueError, "rosenbruck", {}, "near ones: rosenbrock"),
        (ValueError, "zzz", {}, "known: least-squares"),
        (ValueError, 3, {}, "no problem is called 3"),
        (TypeError, "rosenbrock", {"m": 3}, "no option 'm'; it takes n"),
        (TypeError, "beale", {"n": 3}, "no option 'n'; it takes none"),
        (ValueError, "rosenbrock", {"n": 1}, "need n >= 2, got n=1"),
        (ValueError, "least-squares", {"n": 0}, "need m >= 1 and n >= 1, got m=500, n=0"),
        (ValueError, "ridge", {"lam": 0.0}, "need lam > 0, got lam=0.0"),
        (ValueError, "logistic-regression", {"lam": -1.0}, "need lam >= 0, got lam=-1.0"),
        (ValueError, "logistic-regression", {"m": 10}, "need both m and n, got m=10, n=None"),
        (ValueError, "logistic-regression", {"m": 9, "n": 3, "density": 2.0}, "got density=2.0"),
        (ValueError, "huber-regression", {"delta": 0.0}, "need delta > 0, got delta=0.0"),
        (ValueError, "huber-regression", {"outliers": 0.7}, "got outliers=0.7"),
        (ValueError, "huber-regression", {"m": 3, "n": 5}, "need m >= n, got m=3, n=5"),
        (ValueError, "poisson-regression", {"lam": 0.0}, "need lam > 0"),
        (ValueError, "softmax-regression", {"k": 1}, "k >= 2, got m=500, n=20, k=1"),
        (ValueError, "softmax-regression", {"lam": 0.0}, "need lam > 0"),
        (ValueError, "quadratic", {"n": 0}, "need n >= 1"),
        (ValueError, "quadratic", {"condition": 0.5}, "got condition=0.5"),
        (ValueError, "log-sum-exp", {"m": 2, "n": 5}, "got m=2, n=5"),
        (ValueError, "log-det", {"n": 0}, "need n >= 1"),
        (ValueError, "log-det", {"condition": 0.0}, "got condition=0.0"),
        (ValueError, "matrix-factorisation", {"rank": 16}, "got rank=16"),
        (ValueError, "tanh-network", {"hidden": 0}, "got the smallest 0"),
    ],
)
def test_bad_requests(error, name, options, message):
    with pytest.raises(error) as caught:
        problems.get(name, **options)
    assert message in str(caught.value)


def test_sizes_lists_options_with_defaults():
    assert problems.sizes("quadratic") == {"n": 50, "condition": 100.0, "seed": 0}
    assert problems.sizes("wood") == {}


def test_data_are_closed_for_writing(problem):
    arrays = [value for value in problem.data.values() if isinstance(value, np.ndarray) and value.ndim]
    assert not any(array.flags.writeable for array in arrays)


def test_import_reads_no_data_and_no_optkit():
    script = (
        "import sys, numpy as np; np.loadtxt = None; import problems;"
        "assert not {'optkit', 'autodiff', 'scipy.sparse'} & set(sys.modules) - before"
    )
    script = f"import sys, scipy.special; before = set(sys.modules); {script}"
    subprocess.run([sys.executable, "-c", script], check=True)


def _shapes(x):
    return {key: np.shape(leaf) for key, leaf in x.items()} if isinstance(x, dict) else np.shape(x)
