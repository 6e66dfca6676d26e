"""Test problems: what a user would write in NumPy, with what is known about it.

problem = problems.get("rosenbrock", n=100)
problem.f(problem.x0), problem.x_star, problem.f_star, problem.mu, problem.L

for case in problems.collection("mgh").values():      # many small published functions, to compare solvers on
    case.f(case.x0), case.f_star
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from problems import nist
from problems.case import Case
from problems.classic import beale, himmelblau, powell_singular, rosenbrock, wood
from problems.collection import collection
from problems.factorisation import matrix_factorisation
from problems.linear import huber_regression, least_squares, poisson_regression, ridge
from problems.log_det import log_det
from problems.log_sum_exp import log_sum_exp
from problems.logistic import logistic_regression
from problems.network import tanh_network
from problems.problem import UNKNOWN, Problem
from problems.quadratic import quadratic
from problems.softmax import softmax_regression

REGISTRY: dict[str, Callable[..., Problem]] = {
    "least-squares": least_squares,
    "ridge": ridge,
    "logistic-regression": logistic_regression,
    "softmax-regression": softmax_regression,
    "huber-regression": huber_regression,
    "poisson-regression": poisson_regression,
    "quadratic": quadratic,
    "log-sum-exp": log_sum_exp,
    "log-det": log_det,
    "rosenbrock": rosenbrock,
    "beale": beale,
    "himmelblau": himmelblau,
    "powell-singular": powell_singular,
    "wood": wood,
    "matrix-factorisation": matrix_factorisation,
    "tanh-network": tanh_network,
}


def names() -> tuple[str, ...]:
    """Names that `get` answers to."""
    return tuple(REGISTRY)


def sizes(name: str) -> dict[str, Any]:
    """The options of one problem with their defaults; ValueError for a name that is not registered."""
    return {p.name: p.default for p in inspect.signature(_builder(name)).parameters.values()}


def get(name: str, **options: Any) -> Problem:
    """Build the problem called `name`; `sizes(name)` lists its options, all of which have defaults.

    Raises ValueError for an unknown name or an impossible size, TypeError for an unknown option.
    """
    unknown = options.keys() - sizes(name).keys()
    if unknown:
        raise TypeError(f"problem {name!r} has no option {min(unknown)!r}; it takes {_listed(sizes(name))}")
    return _builder(name)(**options)


def _builder(name: str) -> Callable[..., Problem]:
    if name in REGISTRY:
        return REGISTRY[name]
    near = get_close_matches(str(name), REGISTRY, n=3)
    raise ValueError(f"no problem is called {name!r}; {'near ones' if near else 'known'}: {_listed(near or REGISTRY)}")


def _listed(words: Any) -> str:
    return ", ".join(words) or "none"


__all__ = ["REGISTRY", "UNKNOWN", "Case", "Problem", "collection", "get", "names", "nist", "sizes"]
