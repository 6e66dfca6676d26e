"""Curvature at a point: eigenvalues with residuals, against spectra that are known."""

import numpy as np
import pytest

from optkit.convexity.local import DENSE, local


def quadratic(values, seed=0):
    """½xᵀHx, H with these eigenvalues: a product of three Householder reflections times diag, in O(n)."""
    lam = np.asarray(values, dtype=float)
    W = np.random.default_rng(seed).standard_normal((3, lam.size))
    W /= np.linalg.norm(W, axis=1, keepdims=True)

    def f(x):
        y = x
        for w in W:
            y = y - 2 * w * (w @ y)
        return np.sum(lam * y**2) / 2
    return f


@pytest.mark.parametrize("n", [1, 2, 30, DENSE])
def test_the_whole_spectrum_is_computed_where_it_is_small(n):
    lam = np.linspace(-0.5, 20.0, n)
    at = local(quadratic(lam), np.ones(n))
    assert at.dense and at.lowest == pytest.approx(lam[0], abs=1e-12)
    assert at.highest == pytest.approx(lam[-1], rel=1e-12)
    assert max(at.lowest_residual, at.highest_residual) < 1e-10 and at.bends_down
    assert "all of the spectrum" in str(at)


@pytest.mark.parametrize("n", [DENSE + 1, 5_000])
def test_lanczos_finds_one_bad_direction_and_its_residual_bounds_an_eigenvalue(n):
    lam = np.concatenate([[-0.01], np.linspace(0.5, 1.0, n - 2), [3.0]])
    f = quadratic(lam)
    at = local(f, np.zeros(n))
    assert not at.dense and at.bends_down
    for value, residual, vector in ((at.lowest, at.lowest_residual, at.v), (at.highest, at.highest_residual, at.w)):
        assert np.min(np.abs(lam - value)) <= residual < 1e-6
        assert np.linalg.norm(vector) == pytest.approx(1.0) and 2 * f(vector) == pytest.approx(value, abs=1e-8)
    assert at.lowest >= lam[0] - 1e-13 and at.highest <= lam[-1] + 1e-13
    assert at.products < 1000 and "Lanczos" in str(at)


def test_lanczos_is_restarted_where_one_run_does_not_do():
    n = 3_000
    lam = np.concatenate([[-1e-4], np.linspace(0.0, 1.0, n - 2), [1.0001]])
    at = local(quadratic(lam), np.zeros(n))
    assert at.products > 210
    assert at.lowest == pytest.approx(-1e-4, rel=1e-3) and at.lowest_residual < 1e-6
    assert at.highest == pytest.approx(1.0001, rel=1e-6) and at.highest_residual < 1e-6


def test_a_hundred_thousand_variables():
    n = 100_000
    at = local(lambda x: np.sum(np.cosh(x)) - 2 * np.sum(x[:1]) ** 2, np.linspace(0.0, 1.0, n))
    assert at.lowest == pytest.approx(-3.0, abs=1e-6) and at.lowest_residual < 1e-6
    assert np.cosh(1.0) - 1e-2 <= at.highest <= np.cosh(1.0) and at.highest_residual < 1e-2
    assert np.argmax(np.abs(at.v)) == 0


def test_value_gradient_and_structure_are_those_of_the_argument():
    f = lambda p: p["a"] ** 2 * 3 + np.sum(p["B"] ** 2) / 2 + p["a"] * p["B"][0, 1]                         # noqa: E731
    p = {"a": 2.0, "B": np.arange(4.0).reshape(2, 2)}
    at = local(f, p)
    H = np.diag([6.0, 1, 1, 1, 1])
    H[0, 2] = H[2, 0] = 1.0
    low, *_, high = np.linalg.eigvalsh(H)
    assert at.lowest == pytest.approx(low) and at.highest == pytest.approx(high)
    assert at.value == f(p) and at.gradient["a"] == 13.0 and at.gradient["B"][0, 1] == 3.0
    assert at.v["B"].shape == (2, 2) and not at.bends_down
    assert local(lambda x: x**4, 0.5).lowest == pytest.approx(3.0)


@pytest.mark.nan_ok
def test_what_is_not_finite_is_an_error():
    with pytest.raises(ValueError, match="gradient is not finite"):
        local(lambda x: np.sum(np.log(x)), np.array([1.0, 0.0]))
    with pytest.raises(ValueError, match="Hessian is not finite"):
        local(lambda x: np.sum(x**1.5), np.array([1.0, 0.0]))
