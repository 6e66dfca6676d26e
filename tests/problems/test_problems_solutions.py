"""Starts, minimisers and minima against the literature and against independent solvers."""

import numpy as np
import pytest
from scipy import optimize

import problems
from problems.newton import newton
from problems.problem import UNKNOWN


def leaves(x):
    return list(x.values()) if isinstance(x, dict) else [x]


@pytest.mark.parametrize(
    ("name", "sizes", "x0", "f0", "x_star"),
    [
        # Rosenbrock 1960
        ("rosenbrock", {}, [-1.2, 1], 24.2, [1, 1]),
        # Moré, Garbow & Hillstrom 1981: numbers 5, 13, 14; f(x0) = 14.203125, 215, 19192
        ("beale", {}, [1, 1], 14.203125, [3, 0.5]),
        ("powell-singular", {}, [3, -1, 0, 1], 215.0, [0, 0, 0, 0]),
        ("wood", {}, [-3, -1, -3, -1], 19192.0, [1, 1, 1, 1]),
        # Himmelblau 1972
        ("himmelblau", {}, [0, 0], 170.0, [3, 2]),
    ],
)
def test_published_starts_and_minima(name, sizes, x0, f0, x_star):
    problem = problems.get(name, **sizes)
    assert np.array_equal(problem.x0, x0)
    assert problem.f(problem.x0) == pytest.approx(f0, rel=1e-14)
    assert np.array_equal(problem.x_star, x_star)
    assert problem.f(problem.x_star) == problem.f_star == 0.0


def test_chained_rosenbrock_is_the_one_in_scipy():
    x = np.random.default_rng(0).standard_normal(9)
    problem = problems.get("rosenbrock", n=9)
    assert problem.f(x) == pytest.approx(optimize.rosen(x), rel=1e-14)
    np.testing.assert_allclose(problem.grad(x), optimize.rosen_der(x), rtol=1e-13)
    np.testing.assert_allclose(problem.hvp(x, x), optimize.rosen_hess_prod(x, x), rtol=1e-13)


def test_second_minimum_of_rosenbrock_in_four_dimensions():
    """Kok & Sandrock 2009, Evolutionary Computation 17, 437-453: near (-0.7756, 0.6131, 0.3821, 0.1460)."""
    problem = problems.get("rosenbrock", n=4)
    x = np.array([-0.7756592265653526, 0.6130933654850038, 0.38206284633839305, 0.14597201855219452])
    assert problem.f(x) == pytest.approx(3.70143, rel=1e-5)
    assert np.abs(problem.grad(x)).max() < 1e-6


def test_all_minima_of_himmelblau():
    problem = problems.get("himmelblau")
    published = [[3, 2], [-2.805118, 3.131312], [-3.779310, -3.283186], [3.584428, -1.848126]]
    np.testing.assert_allclose(problem.data["minima"], published, atol=1e-6)
    for x in problem.data["minima"]:
        assert problem.f(x) < 1e-24 and np.abs(problem.grad(x)).max() < 1e-12


def test_powell_singular_hessian_has_rank_two():
    problem = problems.get("powell-singular")
    H = np.stack([problem.hvp(problem.x_star, e) for e in np.eye(4)])
    assert np.linalg.matrix_rank(H) == 2


@pytest.mark.parametrize("name", ["logistic-regression", "softmax-regression"])
def test_at_zero_every_class_is_equally_likely(name):
    problem = problems.get(name)
    assert problem.f(problem.x0) == pytest.approx(np.log(5 if "softmax" in name else 2), rel=1e-15)


@pytest.mark.parametrize("name", problems.names())
def test_gradient_vanishes_at_x_star(name):
    problem = problems.get(name)
    start = max(np.abs(leaf).max() for leaf in leaves(problem.grad(problem.x0)))
    for leaf in leaves(problem.grad(problem.x_star)):
        assert np.abs(leaf).max() <= 1e-12 * start


@pytest.mark.parametrize("name", problems.names())
def test_f_star_is_f_at_x_star_and_nothing_near_is_below(name):
    problem = problems.get(name)
    assert problem.f(problem.x_star) == pytest.approx(problem.f_star, rel=1e-12, abs=1e-24)
    rng = np.random.default_rng(0)
    for scale in (1e-3, 1e-1):
        for _ in range(5):
            x = _moved(problem.x_star, scale, rng)
            assert problem.f(x) > problem.f_star


def _moved(x, scale, rng):
    if isinstance(x, dict):
        return {key: leaf + scale * rng.standard_normal(leaf.shape) for key, leaf in x.items()}
    return x + scale * rng.standard_normal(x.shape)


def test_least_squares_solves_the_normal_equations():
    problem = problems.get("least-squares", m=30, n=6)
    A, y = problem.data["A"], problem.data["y"]
    np.testing.assert_allclose(problem.x_star, np.linalg.solve(A.T @ A, A.T @ y), rtol=1e-11)
    residual = y - A @ np.linalg.lstsq(A, y)[0]
    assert problem.f_star == pytest.approx(0.5 * np.sum(residual**2), rel=1e-13)


def test_ridge_solves_its_normal_equations():
    problem = problems.get("ridge", m=8, n=12, lam=0.7)
    A, y = problem.data["A"], problem.data["y"]
    np.testing.assert_allclose(problem.x_star, A.T @ np.linalg.solve(A @ A.T + 0.7 * np.eye(8), y), rtol=1e-11)


def test_log_sum_exp_is_symmetric_about_x_star():
    problem = problems.get("log-sum-exp", m=7, n=3)
    v = np.random.default_rng(0).standard_normal(3)
    assert problem.f(problem.x_star + v) == pytest.approx(problem.f(problem.x_star - v), rel=1e-14)
    assert problem.f_star == np.log(14)


def test_log_det_is_infinite_off_the_cone():
    problem = problems.get("log-det", n=4)
    assert problem.f(np.diag([-1.0, -1.0, 1.0, 1.0])) == np.inf
    assert problem.f(-np.eye(4)) == np.inf
    np.testing.assert_allclose(problem.x_star @ problem.data["S"], np.eye(4), atol=1e-13)
    assert problem.f_star == pytest.approx(4 + np.log(np.linalg.det(problem.data["S"])), rel=1e-13)


def test_best_low_rank_approximation():
    problem = problems.get("matrix-factorisation", m=6, n=5, rank=2)
    trailing = np.linalg.eigvalsh(problem.data["M"].T @ problem.data["M"])[:3]
    assert problem.f_star == pytest.approx(0.5 * trailing.sum(), rel=1e-10)


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("logistic-regression", {}),
        ("logistic-regression", {"lam": 1e-6}),
        ("logistic-regression", {"intercept": True}),
        ("logistic-regression", {"m": 300, "n": 40, "density": 0.1}),
        ("huber-regression", {}),
        ("poisson-regression", {}),
    ],
)
def test_minimisers_agree_with_scipy(name, sizes):
    """SciPy's trust-exact from a random start, on plain f and its checked derivatives."""
    problem = problems.get(name, **sizes)
    identity = np.eye(problem.n)
    result = optimize.minimize(
        problem.f,
        0.1 * np.random.default_rng(5).standard_normal(problem.n),
        jac=problem.grad,
        hess=lambda x: np.stack([problem.hvp(x, e) for e in identity]),
        method="trust-exact",
        options={"gtol": 1e-10, "maxiter": 2000},
    )
    assert problem.f_star == pytest.approx(result.fun, rel=1e-10)
    np.testing.assert_allclose(problem.x_star, result.x, rtol=1e-4, atol=1e-5 * np.abs(result.x).max())


@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("C", [1.0, 100.0])
def test_logistic_regression_agrees_with_scikit_learn(intercept, C):
    linear_model = pytest.importorskip("sklearn.linear_model")
    problem = problems.get("logistic-regression", lam=1 / (569 * C), intercept=intercept)
    model = linear_model.LogisticRegression(
        C=C, fit_intercept=intercept, solver="newton-cholesky", tol=1e-12, max_iter=1000
    ).fit(problem.data["A"], problem.data["y"])
    theirs = np.append(model.coef_[0], model.intercept_) if intercept else model.coef_[0]
    np.testing.assert_allclose(problem.x_star, theirs, rtol=1e-7, atol=1e-9)


def test_poisson_and_softmax_agree_with_scikit_learn():
    linear_model = pytest.importorskip("sklearn.linear_model")
    poisson = problems.get("poisson-regression")
    model = linear_model.PoissonRegressor(alpha=1e-2, fit_intercept=False, solver="newton-cholesky", tol=1e-12)
    model.fit(poisson.data["A"], poisson.data["y"])
    np.testing.assert_allclose(poisson.x_star, model.coef_, rtol=1e-8)
    softmax = problems.get("softmax-regression")
    model = linear_model.LogisticRegression(C=1 / (500 * 1e-2), fit_intercept=False, tol=1e-12, max_iter=10000)
    model.fit(softmax.data["A"], softmax.data["labels"])
    np.testing.assert_allclose(softmax.x_star, model.coef_.T, atol=1e-5)


def test_separable_data_without_penalty_claim_no_minimiser():
    problem = problems.get("logistic-regression", lam=0.0)
    assert problem.x_star is UNKNOWN and problem.f_star is UNKNOWN


def test_newton_refuses_a_problem_without_minimum():
    with pytest.raises(RuntimeError, match="gradient norm stayed"):
        newton(lambda x: (x.sum(), np.ones_like(x)), lambda x: lambda v: v, np.zeros(2))
