"""CG, Steihaug–Toint and Lanczos: exactness on quadratics, bounds kept, negative curvature found."""

import math

import numpy as np
import pytest

from optkit.subproblems import Steihaug, lowest_curvature, truncated_cg


def symmetric(eigenvalues, seed=0):
    n = len(eigenvalues)
    Q = np.linalg.qr(np.random.default_rng(seed).normal(size=(n, n)))[0]
    return Q @ np.diag(eigenvalues) @ Q.T


class Counted:
    def __init__(self, H):
        self.H, self.calls = H, 0

    def __call__(self, v):
        self.calls += 1
        return self.H.dot(v)


def model(H, g, p):
    return g.dot(p) + 0.5 * p.dot(H.dot(p))


@pytest.mark.parametrize("distinct", [1, 3, 8])
def test_cg_takes_as_many_steps_as_there_are_distinct_eigenvalues(distinct):
    H = symmetric(np.resize(np.arange(1.0, distinct + 1), 8))
    g = np.random.default_rng(1).normal(size=8)
    hv = Counted(H)
    cg = truncated_cg(hv, g, 1e-10 * np.linalg.norm(g), 100)
    assert cg.iterations == hv.calls == distinct and cg.d is None
    np.testing.assert_allclose(cg.p, -np.linalg.solve(H, g), rtol=1e-8)


@pytest.mark.parametrize("eta", [0.9, 0.1, 1e-6])
def test_cg_stops_at_the_first_residual_below_the_tolerance(eta):
    H = symmetric(np.logspace(0, 3, 20))
    g = np.random.default_rng(2).normal(size=20)
    tol = eta * np.linalg.norm(g)
    cg = truncated_cg(Counted(H), g, tol, 100)
    assert np.linalg.norm(H @ cg.p + g) == pytest.approx(cg.residual, rel=1e-6) and cg.residual <= tol
    before = truncated_cg(Counted(H), g, tol, cg.iterations - 1) if cg.iterations > 1 else None
    assert before is None or before.residual > tol
    assert g.dot(cg.p) < 0


def test_cg_keeps_to_its_limit_of_products():
    hv = Counted(symmetric(np.logspace(0, 6, 30)))
    assert truncated_cg(hv, np.ones(30), 0.0, 7).iterations == hv.calls == 7


@pytest.mark.parametrize("lowest", [-1e-3, -1.0, -100.0])
def test_cg_meets_negative_curvature_and_hands_over_the_direction(lowest):
    H = symmetric([lowest, 1.0, 2.0, 3.0])
    g = np.random.default_rng(3).normal(size=4)
    cg = truncated_cg(Counted(H), g, 1e-12, 100)
    assert cg.d.dot(H @ cg.d) < 0
    assert g.dot(cg.p + cg.d) < 0 and g.dot(cg.d) < 0
    assert model(H, g, cg.p + cg.d) < model(H, g, cg.p) <= 0


@pytest.mark.parametrize("curvature", [0.0, np.nan])
def test_cg_falls_back_to_steepest_descent_where_the_product_says_nothing(curvature):
    g = np.array([1.0, -2.0])
    cg = truncated_cg(lambda v: curvature * v, g, 1e-12, 10)
    np.testing.assert_array_equal(cg.p + cg.d, -g)


@pytest.mark.parametrize(
    "eigenvalues", [[1.0, 2.0, 5.0, 9.0], [-1.0, 0.5, 2.0, 3.0], [0.0, 0.0, 0.0, 0.0], [-3.0, -2.0, -1.0, -0.5]]
)
@pytest.mark.parametrize("delta", [1e-3, 0.3, 1.0, 100.0])
def test_steihaug_keeps_the_region_predicts_exactly_and_beats_cauchy(eigenvalues, delta):
    H = symmetric(eigenvalues)
    g = np.random.default_rng(4).normal(size=4)
    region = Steihaug(Counted(H), g, 1e-12, 100)(delta)
    assert np.linalg.norm(region.p) <= delta * (1 + 1e-12)
    assert np.linalg.norm(region.p) == pytest.approx(region.length, rel=1e-9)
    assert region.predicted == pytest.approx(-model(H, g, region.p), rel=1e-8)
    gHg, gg = g.dot(H.dot(g)), g.dot(g)
    t = delta / math.sqrt(gg) if gHg <= 0 else min(delta / math.sqrt(gg), gg / gHg)
    assert region.predicted >= -model(H, g, -t * g) * (1 - 1e-12)
    assert region.on_boundary == (region.length == pytest.approx(delta))


def test_steihaug_inside_the_region_is_the_newton_step():
    H = symmetric([1.0, 2.0, 5.0])
    g = np.random.default_rng(5).normal(size=3)
    region = Steihaug(Counted(H), g, 1e-12, 100)(1e3)
    np.testing.assert_allclose(region.p, -np.linalg.solve(H, g), rtol=1e-9)
    assert region.iterations == 3 and not region.on_boundary


def test_steihaug_goes_to_the_boundary_where_the_product_is_not_a_number():
    region = Steihaug(lambda v: np.full(2, np.nan), np.array([3.0, 4.0]), 1e-12, 10)(2.0)
    np.testing.assert_allclose(region.p, [-1.2, -1.6])


@pytest.mark.parametrize("lowest", [-5.0, -1e-2, 0.3])
def test_lanczos_is_exact_after_n_steps(lowest):
    H = symmetric([lowest, 1.0, 2.0, 7.0, 7.0, 20.0])
    curvature = lowest_curvature(Counted(H), 6, 6, 0, 0.0)
    assert curvature.lowest == pytest.approx(lowest, abs=1e-10)
    assert curvature.v.dot(H @ curvature.v) == pytest.approx(lowest, abs=1e-10)
    assert np.linalg.norm(curvature.v) == pytest.approx(1.0) and curvature.size == pytest.approx(20.0)


def test_lanczos_bounds_the_lowest_eigenvalue_from_above_and_counts_its_products():
    H = symmetric(np.linspace(-1.0, 50.0, 60))
    hv = Counted(H)
    curvature = lowest_curvature(hv, 60, 12, 0, 0.0)
    assert hv.calls == curvature.products <= 12 and -1.0 - 1e-9 <= curvature.lowest < 0.0
    assert curvature.v.dot(H @ curvature.v) == pytest.approx(curvature.lowest, rel=1e-8)


@pytest.mark.nan_ok
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_lanczos_says_nan_where_the_hessian_is_not_finite(bad):
    assert math.isnan(lowest_curvature(lambda v: np.full(3, bad), 3, 3, 0, 0.0).lowest)


def test_lanczos_of_zero_is_zero():
    assert lowest_curvature(lambda v: np.zeros(3), 3, 3, 0, 0.0).lowest == 0.0
