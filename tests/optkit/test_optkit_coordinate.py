"""Coordinate descent: Gauss–Seidel on quadratics, its rules of choice, bounds, and what it costs."""

import pickle

import numpy as np
import pytest
from scipy.optimize import rosen, rosen_der, rosen_hess_prod

import optkit
from optkit import Objective, Reason
from optkit.linesearch import StrongWolfe
from optkit.prox import Box
from optkit.solvers import CoordinateDescent
from optkit.solvers.coordinate_descent import CURVATURES, RULES

H = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, 1.0], [0.5, 1.0, 2.0]])
B = np.array([1.0, -2.0, 3.0])
QUADRATIC = {"fun": lambda x: 0.5 * x @ H @ x - B @ x, "jac": lambda x: H @ x - B, "hessp": lambda x, p: H @ p}
EXACT = CoordinateDescent(rule="cyclic", curvature="hessian")


def test_a_cyclic_sweep_with_exact_steps_is_gauss_seidel():
    result = optkit.minimize(**QUADRATIC, x0=np.zeros(3), method=EXACT, maxiter=4, gtol=0, return_all=True)
    x = np.zeros(3)
    for k in range(1, 5):
        for i in range(3):
            x[i] = (B[i] - H[i] @ x + H[i, i] * x[i]) / H[i, i]
        np.testing.assert_allclose(result.allvecs[k], x, rtol=1e-10)
    assert result.nfev == result.njev == 1 + 4 * 3 and result.nhev == 4 * 3


def test_the_secant_knows_the_curvature_of_a_quadratic_after_one_sweep():
    solver = CoordinateDescent(rule="cyclic")
    objective = Objective(QUADRATIC["fun"], np.zeros(3), jac=QUADRATIC["jac"])
    state = solver.step(objective, solver.init(objective, objective.start()))
    np.testing.assert_allclose(state.h, np.diag(H), rtol=1e-10)
    x = state.point.x.copy()
    for i in range(3):
        x[i] = (B[i] - H[i] @ x + H[i, i] * x[i]) / H[i, i]
    np.testing.assert_allclose(solver.step(objective, state).point.x, x, rtol=1e-10)
    assert objective.nhev == 0


def test_gauss_southwell_takes_the_unknown_that_promises_most():
    """g²/h is what counts, not |g|."""
    h = np.array([1.0, 100.0, 1e4])
    moved = []

    class Noting(StrongWolfe):
        def __call__(self, ray, alpha):
            moved.append(int(np.flatnonzero(ray.p)[0]))
            return StrongWolfe.__call__(self, ray, alpha)

    solver = CoordinateDescent(curvature="hessian", search=Noting())
    objective = Objective(lambda x: 0.5 * h @ x**2 - np.array([5.0, 40.0, 300.0]) @ x, np.zeros(3))
    state = solver.init(objective, objective.start())
    state.h[:] = h  # what one sweep learns; g²/h = 25, 16, 9 and |g| = 5, 40, 300
    end = solver.step(objective, state)
    assert moved == [0, 1, 2] and end.inner == 3
    np.testing.assert_allclose(end.point.g, 0, atol=1e-9)


def test_the_random_rule_takes_each_unknown_once_a_sweep_in_an_order_of_its_own():
    orders = [CoordinateDescent(rule="random", seed=s)._order(20, k) for s, k in ((0, 0), (0, 1), (1, 0), (0, 0))]
    assert all(sorted(order) == list(range(20)) for order in orders)
    assert (orders[0] != orders[1]).any() and (orders[0] != orders[2]).any() and (orders[0] == orders[3]).all()


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("curvature", CURVATURES)
def test_it_solves_convex_problems_and_f_never_rises(rule, curvature):
    A = np.random.default_rng(0).normal(size=(60, 6))
    for f, x0 in ((lambda x: np.mean(np.log1p(np.exp(-A @ x))) + 0.05 * x @ x, np.ones(6)),
                  (lambda x: np.sum((x - np.arange(6)) ** 4 + x**2), np.zeros(6)),
                  (lambda x: np.sum(np.exp(x) - 2 * x), np.full(6, 5.0))):
        result = optkit.minimize(f, x0, method=CoordinateDescent(rule=rule, curvature=curvature))
        assert result.success and result.nit < 60
        assert (np.diff(result.history.f) <= 1e-14).all()


def test_unknowns_that_do_not_interact_take_two_sweeps():
    result = optkit.minimize(lambda x: np.sum(np.logspace(0, 8, 9) * (x - 1) ** 2), np.zeros(9),
                             method=EXACT, gtol=1e-6)
    assert result.success and result.nit == 1 and result.nfev <= 12      # two of them look along the flattest direction


@pytest.mark.parametrize("rule", RULES)
def test_bounds_are_never_left_and_the_minimum_on_them_is_found(rule):
    seen = []

    def f(x):
        seen.append(x.copy())
        return 0.5 * x @ H @ x - B @ x

    lower, upper = np.array([-0.1, -0.5, 0.0]), np.array([5.0, 5.0, 1.2])
    result = optkit.minimize(f, [1.0, 1.0, 1.0], jac=QUADRATIC["jac"], bounds=list(zip(lower, upper, strict=True)),
                             method=CoordinateDescent(rule=rule), gtol=1e-10)
    assert result.success
    assert all((lower <= x).all() and (x <= upper).all() for x in seen)
    x, g = result.x, QUADRATIC["jac"](result.x)
    np.testing.assert_allclose(x - np.clip(x - g, lower, upper), 0, atol=1e-9)
    assert x[2] == 1.2 and g[2] < 0


def test_a_step_cut_at_a_bound_still_learns_the_curvature_and_a_blocked_unknown_costs_nothing():
    solver = CoordinateDescent(rule="cyclic")
    box = Box([-5.0, 0.9, 1.0], np.full(3, 5.0))
    objective = Objective(QUADRATIC["fun"], np.ones(3), jac=QUADRATIC["jac"], term=box)
    state = solver.step(objective, solver.init(objective, objective.start()))
    assert state.point.x[1] == 0.9 and state.point.x[2] == 1.0 and state.point.g[2] > 0
    np.testing.assert_allclose(state.h[:2], np.diag(H)[:2], rtol=1e-10)
    assert objective.nfev == objective.njev == 3 and state.inner == 2


def test_a_start_in_a_corner_that_is_the_minimum_needs_no_step():
    result = optkit.minimize(lambda x: np.sum(x), [0.0, 0.0], bounds=[(0, 1)] * 2, method="coordinate-descent")
    assert result.success and result.nit == 0
    result = optkit.minimize(lambda x: np.sum(x), [1.0, 1.0], bounds=[(0, 1)] * 2, method="coordinate-descent")
    assert result.success and (result.x == 0).all()


def test_other_searches_keep_to_the_bounds_too():
    for search in optkit.linesearch.SEARCHES:
        result = optkit.minimize(**{k: QUADRATIC[k] for k in ("fun", "jac")}, x0=[1.0, 1.0, 1.0], search=search,
                                 bounds=[(0, 5), (0, 5), (0, 1.2)], method="coordinate-descent", gtol=1e-8)
        assert result.success and result.x[1] == 0 and result.x[2] == 1.2, search


def test_it_is_not_what_bounds_get_by_default():
    result = optkit.minimize(**{k: QUADRATIC[k] for k in ("fun", "jac")}, x0=[1.0, 1.0, 1.0], bounds=[(0, 5)] * 3)
    assert result.method != "coordinate-descent" and isinstance(optkit.prox.Box(), Box)


def test_an_f_without_lower_bound_and_a_wrong_gradient():
    assert optkit.minimize(lambda x: -np.sum(x), np.ones(3), method="coordinate-descent").reason is Reason.UNBOUNDED
    wrong = optkit.minimize(rosen, [-1.2, 1.0], jac=lambda x: -rosen_der(x), method="coordinate-descent", maxiter=50)
    assert wrong.reason is Reason.STALLED_AT_PRECISION and not wrong.success


@pytest.mark.nan_ok
def test_trials_that_are_not_finite_shorten_the_step():
    result = optkit.minimize(lambda x: np.sum(x - 1e-3 * np.log(x)), [0.5, 0.3], method="coordinate-descent")
    assert result.success
    np.testing.assert_allclose(result.x, 1e-3, rtol=1e-3)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("curvature", CURVATURES)
def test_a_pickled_state_goes_on_to_the_same_bits(rule, curvature):
    solver = CoordinateDescent(rule=rule, curvature=curvature)

    def make():
        return Objective(rosen, np.tile([-1.2, 1.0], 3), jac=rosen_der, hessp=rosen_hess_prod)

    objective, other = make(), make()
    state = solver.init(objective, objective.start())
    for _ in range(4):
        state = solver.step(objective, state)
    saved = pickle.loads(pickle.dumps(state))
    for _ in range(3):
        state, saved = solver.step(objective, state), solver.step(other, saved)
        np.testing.assert_array_equal(state.point.x, saved.point.x)
        np.testing.assert_array_equal(state.h, saved.h)


@pytest.mark.parametrize("make, words", [
    (lambda: CoordinateDescent(rule="greedy"), "CoordinateDescent: need rule one of"),
    (lambda: CoordinateDescent(curvature="exact"), "curvature one of"),
    (lambda: CoordinateDescent(seed=-1), "seed >= 0"),
])
def test_parameters_out_of_range_are_refused(make, words):
    with pytest.raises(ValueError) as error:
        make()
    assert words in str(error.value)
