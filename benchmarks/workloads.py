"""What is timed: problems at fixed sizes, their hand-written derivatives checked before a clock starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import problems
from benchmarks.loops import pendulum_loop
from problems import Problem


@dataclass(frozen=True)
class Workload:
    """A problem at a size; `spread` scales the random point where it is evaluated."""

    label: str
    problem: str
    sizes: dict[str, Any]
    spread: float = 0.1

    def build(self) -> Problem:
        return LOCAL.get(self.problem, partial(problems.get, self.problem))(**self.sizes)


LOCAL: dict[str, Callable[..., Problem]] = {"pendulum-loop": pendulum_loop}


WORKLOADS = (
    Workload("rosenbrock n=2", "rosenbrock", {"n": 2}),
    Workload("rosenbrock n=100", "rosenbrock", {"n": 100}),
    Workload("rosenbrock n=1e4", "rosenbrock", {"n": 10**4}),
    Workload("rosenbrock n=1e6", "rosenbrock", {"n": 10**6}),
    Workload("logistic 569x30", "logistic-regression", {"lam": 1e-3}),
    Workload("logistic 20000x500", "logistic-regression", {"m": 20000, "n": 500, "lam": 1e-3}, 0.02),
    Workload("logistic CSR 20000x5000", "logistic-regression", {"m": 20000, "n": 5000, "density": 0.002, "lam": 1e-3}),
    Workload("tanh network 64-128-10", "tanh-network", {}, 0.01),
    Workload("loop of 1e4 numbers", "pendulum-loop", {"steps": 1000}),
    Workload("softmax 1797x64x10", "softmax-regression", {"m": 1797, "n": 64, "k": 10}),
)


def tree_map(function: Callable, *trees: Any) -> Any:
    """function over the arrays of equally built arguments: arrays, or dicts of arrays."""
    if isinstance(trees[0], dict):
        return {key: function(*(tree[key] for tree in trees)) for key in trees[0]}
    return function(*trees)


def leaves(tree: Any) -> list[np.ndarray]:
    return list(tree.values()) if isinstance(tree, dict) else [tree]


def near(x0: Any, spread: float, seed: int) -> Any:
    """A point at a Gaussian distance from x0, and with spread 1 around 0 a direction."""
    rng = np.random.default_rng(seed)
    return tree_map(lambda leaf: leaf + spread * rng.standard_normal(leaf.shape), x0)


def direction(x0: Any, seed: int) -> Any:
    return near(tree_map(np.zeros_like, x0), 1.0, seed)


def check_by_differences(problem: Problem, x: Any) -> None:
    """Hand-written derivatives against central differences along a direction; AssertionError names the figures."""
    d = direction(x, seed=11)
    length = np.sqrt(sum(np.vdot(leaf, leaf) for leaf in leaves(d)))
    h = 1e-4 / length
    ahead, behind = (tree_map(lambda leaf, step, s=s: leaf + s * h * step, x, d) for s in (1, -1))
    slope = sum(np.vdot(g, step) for g, step in zip(leaves(problem.grad(x)), leaves(d), strict=True))
    _agree((problem.f(ahead) - problem.f(behind)) / (2 * h), slope, 1e-5, f"{problem.name}: gradient along d")
    products = tree_map(lambda a, b: (a - b) / (2 * h), problem.grad(ahead), problem.grad(behind))
    for ours, theirs in zip(leaves(problem.hvp(x, d)), leaves(products), strict=True):
        _agree(theirs, ours, 1e-5, f"{problem.name}: Hessian times d")


def check_equal(name: str, ours: Any, hand: Any) -> None:
    """AssertionError unless two answers agree to 1e-9 of their largest entry."""
    tree_map(lambda theirs, mine: _agree(mine, theirs, 1e-9, name), hand, ours)


def _agree(got: Any, expected: Any, tolerance: float, what: str) -> None:
    error = np.max(np.abs(np.asarray(got) - expected)) / (np.max(np.abs(expected)) + 1e-300)
    if not error <= tolerance:
        raise AssertionError(f"{what}: relative difference {error:.1e}, allowed {tolerance:.0e}")
