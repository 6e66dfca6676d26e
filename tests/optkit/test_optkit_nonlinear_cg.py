"""Nonlinear conjugate gradients: exact on quadratics, descent, restarts, and fewer evaluations than SciPy's."""

import math
import pickle

import numpy as np
import pytest
from scipy import optimize
from scipy.optimize import rosen, rosen_der

import optkit
from optkit import Objective
from optkit.linesearch import HagerZhang, MaxOfWindow, StrongWolfe
from optkit.point import magnitude
from optkit.solvers import NonlinearCG
from optkit.solvers.nonlinear_cg import BETAS, ETA, fletcher_reeves, hager_zhang, polak_ribiere

EXACT = StrongWolfe(c1=1e-10, c2=1e-8)


def quadratic(eigenvalues, seed=0):
    n = len(eigenvalues)
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.normal(size=(n, n)))[0]
    H, b = Q @ np.diag(np.asarray(eigenvalues, float)) @ Q.T, rng.normal(size=n)
    return H, b, {"fun": lambda x: 0.5 * x.dot(H).dot(x) - b.dot(x), "jac": lambda x: H.dot(x) - b}


def linear_cg(H, b, steps):
    """Hestenes & Stiefel, from 0; the points."""
    x, r = np.zeros_like(b), b.copy()
    p, points = r.copy(), [x]
    for _ in range(steps):
        Hp = H @ p
        alpha = r @ r / (p @ Hp)
        x, new = x + alpha * p, r - alpha * Hp
        p, r = new + new @ new / (r @ r) * p, new
        points.append(x)
    return points


@pytest.mark.parametrize("beta", BETAS)
def test_with_exact_searches_a_quadratic_takes_the_steps_of_linear_cg_and_ends_in_n(beta):
    H, b, problem = quadratic([1.0, 2.0, 4.0, 8.0, 16.0])
    result = optkit.minimize(**problem, x0=np.zeros(5), method=NonlinearCG(beta=beta, search=EXACT), gtol=1e-7,
                             return_all=True)
    assert result.success and result.nit == 5
    for ours, theirs in zip(result.allvecs, linear_cg(H, b, 5), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize("beta", BETAS)
def test_by_default_too_a_quadratic_takes_few_steps_to_high_accuracy(beta):
    _, _, problem = quadratic(np.logspace(0, 2, 8))
    result = optkit.minimize(**problem, x0=np.zeros(8), method=NonlinearCG(beta=beta), gtol=1e-10)
    assert result.success and result.nit <= 12 and result.nfev <= 30


def test_the_betas_are_their_formulas(rng):
    g, new, d = rng.normal(size=(3, 6))
    d = -g + 0.1 * d
    y = new - g
    assert fletcher_reeves(g, new, d) == pytest.approx(new @ new / (g @ g))
    assert polak_ribiere(g, new, d) == pytest.approx(max(0.0, new @ y / (g @ g)))
    assert polak_ribiere(g, 0.5 * g, d) == 0.0  # g₊·(g₊ − g) < 0
    beta = (y - 2 * d * (y @ y) / (d @ y)) @ new / (d @ y)
    assert hager_zhang(g, new, d) == pytest.approx(max(beta, ETA * (d @ g) / (d @ d))) and d @ y > 0
    assert hager_zhang(new, g, d) == 0.0 or d @ (g - new) > 0


def test_hager_zhang_is_bounded_below_where_the_formula_is_very_negative():
    g, new, d = np.array([1.0, 0.0]), np.array([-2.0, 5.0]), np.array([-1.0, 0.0])  # the formula gives −4.8
    assert hager_zhang(g, new, d) == pytest.approx(ETA * -1.0)


def test_hager_zhang_promises_descent_of_seven_eighths_for_any_step(rng):
    for _ in range(300):
        g, new = rng.normal(size=(2, 4)) * 10 ** rng.uniform(-3, 3, size=(2, 1))
        d = -g + 0.3 * rng.normal(size=4)
        if d @ g < 0 < d @ (new - g):
            p = hager_zhang(g, new, d) * d - new
            assert p @ new <= -7 / 8 * (new @ new) * (1 - 1e-9)


@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize("search", [None, StrongWolfe(c2=0.9), HagerZhang(), MaxOfWindow()],
                         ids=["default", "loose", "hager-zhang", "max-of-window"])
def test_every_direction_leads_downhill(beta, search):
    solver = NonlinearCG(beta=beta) if search is None else NonlinearCG(beta=beta, search=search)
    objective = Objective(rosen, np.tile([-1.2, 1.0], 5), jac=rosen_der)
    state = solver.init(objective, objective.start())
    for _ in range(60):
        state = solver.step(objective, state)
        assert state.d @ state.point.g < 0


def test_powell_restarts_where_gradients_are_far_from_orthogonal():
    solver, g = NonlinearCG(powell=0.5), np.array([1.0, 0.0])
    d = np.array([-1.0, -0.1])
    near, far = np.array([0.1, 1.0]), np.array([0.8, 1.0])
    assert (solver._direction(g, near, d) != -near).any()
    np.testing.assert_array_equal(solver._direction(g, far / 1.28, d), -far / 1.28)
    assert (NonlinearCG(powell=math.inf)._direction(g, far / 1.28, d) != -far / 1.28).any()


@pytest.mark.parametrize("n", [10, 20, 50])
def test_rosenbrock_takes_no_more_evaluations_than_scipy(n):
    x0 = np.tile([-1.2, 1.0], n // 2)
    ours = optkit.minimize(rosen, x0, jac=rosen_der, method="cg")
    theirs = optimize.minimize(rosen, x0, jac=rosen_der, method="CG", options={"gtol": 1e-5})
    assert ours.success and ours.nfev <= 1.2 * theirs.nfev and np.abs(ours.jac).max() <= 1e-5


def test_the_name_of_scipy_leads_to_it():
    result = optkit.minimize(rosen, [-1.2, 1.0], jac=rosen_der, method="CG")
    assert result.method == "cg" and result.nfev <= 110


def test_a_run_is_the_same_for_f_scaled_by_a_power_of_two():
    x0, c = np.tile([-1.2, 1.0], 5), 2.0**-30
    a = optkit.minimize(rosen, x0, jac=rosen_der, method="cg", maxiter=40, gtol=0)
    b = optkit.minimize(lambda x: c * rosen(x), x0, jac=lambda x: c * rosen_der(x), method="cg", maxiter=40, gtol=0)
    np.testing.assert_allclose(b.history.f, c * a.history.f, rtol=1e-12)


def test_a_search_that_fails_along_d_is_repeated_along_the_gradient():
    class OnlySteepest:
        def __call__(self, ray, alpha):
            g = ray.objective.point(ray.x).g
            return StrongWolfe()(ray, alpha) if (ray.p == -g / magnitude(g)).all() else None

    result = optkit.minimize(lambda x: np.sum(np.array([1.0, 3.0]) * x**2), [1.0, 1.0],
                             method=NonlinearCG(search=OnlySteepest()))
    assert result.success and result.nit > 2


@pytest.mark.parametrize("beta", BETAS)
def test_one_unknown_a_linear_f_and_huge_scales(beta):
    solver = NonlinearCG(beta=beta)
    assert optkit.minimize(lambda x: (x[0] - 3) ** 4 + x[0], [0.0], method=solver).success
    linear = optkit.minimize(lambda x: -np.sum(x), np.ones(3), method=solver)
    assert linear.reason is optkit.Reason.UNBOUNDED
    for scale in (1e-8, 1e8):
        result = optkit.minimize(lambda x, scale=scale: np.sum(np.arange(1, 5) * (x / scale - 1) ** 2), np.zeros(4),
                                 method=solver, gtol=1e-9 / scale)
        np.testing.assert_allclose(result.x, scale, rtol=1e-5)


@pytest.mark.nan_ok
def test_a_wall_is_not_an_end():
    for beta in BETAS:
        result = optkit.minimize(lambda x: np.sum(x - 1e-3 * np.log(x)), [0.5, 0.3], method=NonlinearCG(beta=beta))
        assert result.success
        np.testing.assert_allclose(result.x, 1e-3, rtol=1e-3)


def test_a_pickled_state_goes_on_to_the_same_bits():
    solver, x0 = NonlinearCG(), np.tile([-1.2, 1.0], 3)
    objective, other = Objective(rosen, x0, jac=rosen_der), Objective(rosen, x0, jac=rosen_der)
    state = solver.init(objective, objective.start())
    for _ in range(9):
        state = solver.step(objective, state)
    saved = pickle.loads(pickle.dumps(state))
    for _ in range(5):
        state, saved = solver.step(objective, state), solver.step(other, saved)
        np.testing.assert_array_equal(state.point.x, saved.point.x)
        np.testing.assert_array_equal(state.d, saved.d)


@pytest.mark.parametrize("make, words", [
    (lambda: NonlinearCG(beta="dai-yuan"), "NonlinearCG: need beta one of"),
    (lambda: NonlinearCG(powell=0.0), "powell > 0"),
    (lambda: StrongWolfe(blur=-1.0), "0 <= blur < 1"),
])
def test_parameters_out_of_range_are_refused(make, words):
    with pytest.raises(ValueError) as error:
        make()
    assert words in str(error.value)
