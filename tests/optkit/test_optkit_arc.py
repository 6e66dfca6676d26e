"""Adaptive cubic regularisation: its subproblem against a dense reference, the logic of σ, and the method."""

import math
import pickle

import numpy as np
import pytest
from scipy.optimize import rosen, rosen_der, rosen_hess_prod

import optkit
from optkit import Objective, Point
from optkit.point import norm
from optkit.solvers import ARC
from optkit.solvers.arc import _ratio
from optkit.subproblems.cubic import Cubic, Krylov, cubic_diagonal, cubic_tridiagonal


def symmetric(eigenvalues, seed=0):
    n = len(eigenvalues)
    Q = np.linalg.qr(np.random.default_rng(seed).normal(size=(n, n)))[0]
    H = Q @ np.diag(np.asarray(eigenvalues, float)) @ Q.T
    return 0.5 * (H + H.T), Q


def model(H, g, sigma, s):
    return g @ s + 0.5 * s @ H @ s + sigma / 3 * np.linalg.norm(s) ** 3


def assert_global(H, g, sigma, found, tol=1e-9):
    """(H + λI) s = −g, λ = σ‖s‖ and H + λI ⪰ 0: necessary and sufficient (Cartis, Gould & Toint 2011, thm 3.1)."""
    s, lam, size = found.s, found.lam, np.abs(np.linalg.eigvalsh(H)).max()
    scale = np.linalg.norm(g) + size * np.linalg.norm(s)
    assert np.linalg.norm(H @ s + lam * s + g) <= tol * scale
    assert lam == pytest.approx(sigma * np.linalg.norm(s), rel=tol)
    assert np.linalg.eigvalsh(H)[0] + lam >= -tol * size
    assert found.length == pytest.approx(np.linalg.norm(s), rel=1e-12)
    assert found.decrease == pytest.approx(-(g @ s + 0.5 * s @ H @ s), rel=1e-8, abs=1e-12 * scale)


SPECTRA = {
    "convex": np.logspace(-3, 3, 12),
    "indefinite": np.linspace(-5, 20, 12),
    "negative": -np.logspace(0, 2, 12),
    "singular": np.r_[0, 0, np.linspace(1, 3, 10)],
    "tiny": 1e-12 * np.linspace(-1, 1, 12),
    "huge": 1e12 * np.linspace(-1, 1, 12),
}


@pytest.mark.parametrize("sigma", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("spectrum", SPECTRA)
def test_the_subproblem_is_solved_globally(spectrum, sigma, rng):
    H, _ = symmetric(SPECTRA[spectrum])
    g = rng.normal(size=12)
    found = Krylov(H.dot, g, 12).minimise(sigma, 0.0)
    assert_global(H, g, sigma, found)
    for s in found.s + 0.1 * found.length * rng.normal(size=(50, 12)):
        assert model(H, g, sigma, s) >= model(H, g, sigma, found.s) - 1e-12 * abs(model(H, g, sigma, found.s))


@pytest.mark.parametrize("share", [0.0, 1e-100, 1e-14, 1e-9, 1e-5])
@pytest.mark.parametrize("sigma", [0.01, 0.5])
def test_the_hard_case_and_its_neighbourhood(share, sigma):
    """g has nothing, or next to nothing, along the lowest eigenvector, and λ wants to be minus its eigenvalue."""
    values = np.array([-3.0, -1.0, 2.0, 5.0])
    c = np.array([share, 0.1, 0.2, -0.3])
    u, lam = cubic_diagonal(values, c, sigma)
    assert lam == pytest.approx(3.0, rel=1e-3) and lam >= 3.0
    assert np.linalg.norm(u) == pytest.approx(lam / sigma, rel=1e-12)
    np.testing.assert_allclose((values + lam)[1:] * u[1:], -c[1:], rtol=1e-12)
    assert abs(u[0]) == pytest.approx(math.sqrt((lam / sigma) ** 2 - u[1:] @ u[1:]), rel=1e-9)


def test_the_hard_case_in_the_whole_space_is_found_only_where_it_is_asked_for():
    H, Q = symmetric([-4.0, -1.0, 1.0, 2.0, 3.0])
    g = Q[:, 2:] @ np.array([1.0, -1.0, 0.5])  # the Krylov space has three dimensions
    krylov = Krylov(H.dot, g, 5)
    inside = krylov.minimise(0.1, 0.0)
    assert krylov.dimension == 3 and np.abs(Q[:, :2].T @ inside.s).max() < 1e-10
    everywhere = krylov.minimise(0.1, 0.0, everywhere=True)
    assert krylov.dimension == 5
    assert_global(H, g, 0.1, everywhere)
    assert model(H, g, 0.1, everywhere.s) < model(H, g, 0.1, inside.s)


def test_a_space_grows_until_the_models_gradient_is_small_and_serves_again():
    H, _ = symmetric(np.logspace(0, 4, 60))
    g = np.random.default_rng(3).normal(size=60)
    products = []
    krylov = Krylov(lambda v: products.append(1) or H @ v, g, 60)
    loose = krylov.minimise(1.0, 0.5 * np.linalg.norm(g))
    few = len(products)
    gradient = H @ loose.s + loose.lam * loose.s + g
    assert np.linalg.norm(gradient) <= 0.5 * np.linalg.norm(g) * (1 + 1e-9) and few < 40
    krylov.minimise(100.0, 0.5 * np.linalg.norm(g))
    assert len(products) == few  # a larger σ needs no larger space
    tight = krylov.minimise(1.0, 1e-6)
    assert np.linalg.norm(H @ tight.s + tight.lam * tight.s + g) <= 1e-6 * (1 + 1e-6)
    assert few < len(products) == krylov.dimension <= 60
    V = krylov.V[: krylov.dimension]
    np.testing.assert_allclose(V @ V.T, np.eye(len(V)), atol=1e-12)


def test_a_hessian_that_is_not_finite_is_taken_for_zero():
    found = Krylov(lambda v: np.full(3, np.nan), np.ones(3), 3).minimise(2.0, 0.0)
    np.testing.assert_allclose(np.ones(3) + 2 * found.length * found.s, 0, atol=1e-15)
    assert found.decrease == pytest.approx(-found.s.sum()) and found.lam == pytest.approx(2 * found.length)


# --- the method -------------------------------------------------------------------------------------------------------


def chained_rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


@pytest.mark.parametrize("n, nfev, nhev", [(2, 45, 70), (10, 80, 450), (100, 420, 3300)])
def test_rosenbrock_within_a_budget(n, nfev, nhev):
    result = optkit.minimize(rosen, np.tile([-1.2, 1.0], n // 2), jac=rosen_der, hessp=rosen_hess_prod, method="arc",
                             gtol=1e-8)
    assert result.success and result.nfev <= nfev and result.nhev <= nhev
    assert (np.diff(result.history.f) <= 1e-14 * np.abs(result.history.f[:-1])).all()


def test_sigma_falls_where_the_model_is_right_and_rises_where_it_is_not():
    objective = Objective(lambda x: np.sum(x**2) + x[0] * x[1], [3.0, 4.0])
    solver = ARC(sigma0=5.0)
    state = solver.step(objective, solver.init(objective, objective.start()))
    assert state.sigma == pytest.approx(0.5)  # on a quadratic no cubic term is right, so as low as shrink lets
    steep = Objective(lambda x: np.sum(x**4), [1.0])
    timid = ARC(sigma0=1e-8).init(steep, steep.start())
    assert ARC(sigma0=1e-8).step(steep, timid).sigma <= 1e-8  # x⁴ lies above its quadratic part, Newton's step is short
    humps = Objective(lambda x: np.sum(np.cos(3 * x)), [0.05])
    state = ARC(sigma0=1e-3).step(humps, ARC(sigma0=1e-3).init(humps, humps.start()))
    assert state.sigma >= 2e-3 and state.point.f < math.cos(0.15)


def test_the_first_step_has_about_the_length_asked_for_at_any_scale():
    def steps(scale):
        x0 = [-1.2, 1.0, 0.5]
        run = optkit.minimize(lambda x: scale * chained_rosenbrock(x), x0, method="arc", maxiter=6, gtol=0)
        return run.history.step

    plain = steps(1.0)
    assert 0.1 < plain[1] <= 1.0
    for scale in (2.0**-60, 2.0**60):
        np.testing.assert_allclose(steps(scale), plain, rtol=1e-9)


def test_a_trial_that_is_not_taken_costs_no_products():
    objective = Objective(lambda x: np.sum(np.cos(3 * x)), [0.05, 0.04])
    state = ARC(sigma0=1e-3).step(objective, ARC(sigma0=1e-3).init(objective, objective.start()))
    assert objective.nfev > 3 and objective.nhev == state.inner <= 2


def test_within_rounding_of_f_a_step_counts_only_if_the_gradient_shrinks():
    here, tiny = Point(np.zeros(1), 1.0, np.ones(1)), Cubic(np.ones(1), 1e-17, 1.0, 0.0)
    assert _ratio(here, Point(np.ones(1), 1.0, np.full(1, 0.5)), tiny) == 1.0
    assert _ratio(here, Point(np.ones(1), 1.0, np.full(1, 2.0)), tiny) == -1.0
    assert _ratio(here, Point(np.ones(1), math.inf, np.ones(1)), tiny) < 0
    assert _ratio(here, Point(np.ones(1), 0.5, np.ones(1)), tiny._replace(decrease=1.0, lam=1.5)) == 1.0


@pytest.mark.parametrize("x0", [[1.0, 0.0], [0.0, 0.0], [1.0, 1e-9], [0.0, 3.0]])
def test_saddles_are_left(x0):
    result = optkit.minimize(lambda x: x[0] ** 2 - x[1] ** 2 + 0.25 * x[1] ** 4, x0, method="arc")
    assert result.success and result.fun == pytest.approx(-1.0, abs=1e-9)


def test_the_edge_of_the_domain_is_respected():
    result = optkit.minimize(lambda x: np.sum(x - 1e-3 * np.log(x)), [0.5, 0.3], method="arc", gtol=1e-8)
    assert result.success
    np.testing.assert_allclose(result.x, 1e-3, rtol=1e-6)


@pytest.mark.parametrize("f, x0", [(lambda x: -np.sum(x**2), [1.0, 2.0]), (lambda x: np.sum(x), [1.0]),
                                   (lambda x: -np.sum(np.exp(x)), [1.0, 0.5])])
def test_unbounded_is_never_success(f, x0):
    result = optkit.minimize(f, x0, method="arc", maxiter=300)
    assert not result.success and result.fun < -1e3


@pytest.mark.parametrize("f", [lambda x: (x[0] + x[1] - 1) ** 2 + 0 * x[2], lambda x: np.sum(x**4),
                               lambda x: np.sum(np.cosh(x))])
def test_singular_and_simple_functions(f):
    assert optkit.minimize(f, [3.0, -4.0, 5.0], method="arc").success


def test_one_unknown():
    assert optkit.minimize(lambda x: np.cosh(x[0] - 2), [9.0], method="arc", gtol=1e-10).x[0] == pytest.approx(2)


def test_a_saved_state_goes_on_to_the_same_bits():
    solver = ARC()
    objective = Objective(chained_rosenbrock, np.tile([-1.2, 1.0], 10))
    state = solver.init(objective, objective.start())
    for _ in range(4):
        state = solver.step(objective, state)
    saved = pickle.loads(pickle.dumps(state))
    fresh = Objective(chained_rosenbrock, np.tile([-1.2, 1.0], 10))
    for _ in range(4):
        state, saved = solver.step(objective, state), solver.step(fresh, saved)
    np.testing.assert_array_equal(state.point.x, saved.point.x)
    assert (state.point.f, state.sigma, state.step) == (saved.point.f, saved.sigma, saved.step)


@pytest.mark.parametrize("wrong", [{"sigma0": 0.0}, {"eta1": 0.0}, {"eta2": 1.0}, {"shrink": 1.0}, {"grow": 1.0},
                                   {"eta_max": 0.0}, {"maxkrylov": 0}])
def test_wrong_parameters_are_named(wrong):
    with pytest.raises(ValueError, match=f"ARC: need .*{next(iter(wrong))}"):
        ARC(**wrong)


@pytest.mark.parametrize("gnorm, sigma, size", [(1e-200, 1e-200, 1e-200), (1e200, 1.0, 1e150), (1e150, 1e-150, 1.0),
                                                (1.0, 1e200, 1e-100), (1e-100, 1e-100, 1e100)])
def test_the_cubic_model_is_minimised_whatever_its_scales(gnorm, sigma, size):
    d, e = size * np.array([2.0, -1.0, 3.0]), size * np.array([0.5, 0.25])
    with np.errstate(all="ignore"):
        u, decrease, lam = cubic_tridiagonal(list(d), list(e), gnorm, sigma)
    residual = (d + lam) * u + gnorm * np.eye(1, 3)[0]
    residual[1:] += e * u[:-1]
    residual[:-1] += e * u[1:]
    scale = max(gnorm, (size + lam) * norm(u))
    assert norm(residual / scale) <= 1e-12 and lam == pytest.approx(sigma * norm(u), rel=1e-9) and decrease > 0
