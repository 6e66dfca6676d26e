"""Blocks of variables: separate where f does not mix them, together where its values, kinks or guards do."""

import numpy as np
import pytest

import autodiff as ad
from autodiff.curvature.prepare import prepare
from autodiff.curvature.second import SecondOrder
from optkit.convexity.structure import blocks

A = np.random.default_rng(0).standard_normal((20, 3))


def found(f, n):
    return blocks(SecondOrder(prepare(f, np.linspace(0.1, 0.7, n))))


def branching(x):
    return np.sum(x**2) if x[0] + x[1] > 0 else np.sum(x**4)


CASES = {
    "separable": (lambda x: np.sum(np.exp(x)), 4, [(0,), (1,), (2,), (3,)]),
    "linear part": (lambda x: x[0] ** 2 + x[1] * x[2] + 3 * x[3] - x[4], 5, [(0,), (1, 2), (3, 4)]),
    "chain": (lambda x: np.sum((x[1:] - x[:-1]) ** 2), 5, [(0, 1, 2, 3, 4)]),
    "pairs": (lambda x: np.sum(x.reshape(3, 2)[:, 0] * x.reshape(3, 2)[:, 1]), 6, [(0, 1), (2, 3), (4, 5)]),
    "interleaved": (lambda x: np.sum(np.exp(x[:2] * x[2:])), 4, [(0, 2), (1, 3)]),
    "kink that mixes": (lambda x: np.maximum(x[0], x[1]) + x[2] ** 2, 3, [(0, 1), (2,)]),
    "kinks apart": (lambda x: np.abs(x[0]) + np.maximum(x[1], 0.0), 2, [(0,), (1,)]),
    "switched by another variable": (lambda x: np.where(x[0] > 0.0, x[1] ** 2, x[1]) + x[2] ** 2, 3, [(0, 1), (2,)]),
    "switched, linear in both": (lambda x: np.where(x[0] > 0.0, x[1], 2 * x[1]) + x[2] ** 2, 3, [(0, 1), (2,)]),
    "order": (lambda x: np.sort(x[:2]) @ np.array([1.0, 2.0]) + x[2] ** 2, 3, [(0, 1), (2,)]),
    "product of sums": (lambda x: (x[0] + x[1]) * (x[2] + x[3]), 4, [(0, 1, 2, 3)]),
    "function of a sum": (lambda x: np.exp(x[0] ** 2 + x[1] ** 2) + x[2] ** 4, 3, [(0, 1), (2,)]),
    "dense": (lambda x: np.sum(np.logaddexp(0, A @ x)), 3, [(0, 1, 2)]),
    "affine": (lambda x: x[0] + 2 * x[1], 2, [(0, 1)]),
    "constant": (lambda x: 3.0, 2, [(0, 1)]),
    "guard": (branching, 3, [(0, 1), (2,)]),
}


@pytest.mark.parametrize("name", CASES)
def test_blocks(name):
    f, n, expected = CASES[name]
    assert found(f, n) == expected


@pytest.mark.parametrize("name", [k for k in CASES if k not in ("constant", "guard")])
def test_the_hessian_is_zero_between_blocks(name):
    f, n, _ = CASES[name]
    rng = np.random.default_rng(1)
    parts = found(f, n)
    assert sorted(i for part in parts for i in part) == list(range(n))
    for _ in range(5):
        H = ad.hessian(f)(rng.standard_normal(n))
        for k, part in enumerate(parts):
            for other in parts[k + 1:]:
                assert not np.any(H[np.ix_(part, other)])


def test_values_between_blocks_add():
    """f(a, b) − f(a, b') does not depend on a: what blocks mean, kinks included."""
    rng = np.random.default_rng(2)
    for f, n, _ in CASES.values():
        for part in found(f, n):
            inside = np.isin(np.arange(n), part)
            a, c, b, d = (np.abs(rng.standard_normal(n)) for _ in range(4))
            mixed = [f(np.where(inside, u, v)) for u in (a, c) for v in (b, d)]
            assert mixed[0] - mixed[1] == pytest.approx(mixed[2] - mixed[3], abs=1e-9)


def test_random_sums_of_random_terms():
    rng = np.random.default_rng(3)
    for _ in range(25):
        n = int(rng.integers(2, 8))
        sets = [rng.choice(n, size=rng.integers(1, 3), replace=False) for _ in range(rng.integers(1, 6))]

        def f(x, sets=sets):
            return sum(np.exp(np.sum(x[s])) for s in sets)

        label = list(range(n))
        for s in sets:
            for i in s:
                old, new = label[i], label[s[0]]
                label = [new if c == old else c for c in label]
        used = sorted({int(i) for s in sets for i in s})
        expected = [tuple(i for i in used if label[i] == c) for c in dict.fromkeys(label[i] for i in used)]
        rest = tuple(i for i in range(n) if i not in used)
        assert found(f, n) == sorted([*expected, rest] if rest else expected)
