"""Newton-CG: truncated, capped and preconditioned CG, what ends it, and trouble."""

import math
import pickle

import numpy as np
import pytest
from scipy.optimize import rosen, rosen_der, rosen_hess_prod

import optkit
from optkit import Objective
from optkit.solvers import NewtonCG
from optkit.subproblems import capped_cg as capped
from optkit.subproblems import truncated_cg
from optkit.subproblems.capped_cg import capped_cg


def chained_rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def symmetric(eigenvalues, seed=0):
    n = len(eigenvalues)
    Q = np.linalg.qr(np.random.default_rng(seed).normal(size=(n, n)))[0]
    return Q @ np.diag(np.asarray(eigenvalues, float)) @ Q.T


# --- what ends CG -----------------------------------------------------------------------------------------------------


def test_the_target_ends_cg_by_the_largest_entry(rng):
    H, g = symmetric(np.logspace(0, 3, 40)), rng.normal(size=40)
    for target in (1e-1, 1e-3, 1e-6):
        found = truncated_cg(H.dot, g, 0.0, 400, target=target)
        assert np.abs(H @ found.p + g).max() <= target * (1 + 1e-6)
        before = truncated_cg(H.dot, g, 0.0, found.iterations - 1)
        assert np.abs(H @ before.p + g).max() > target


def test_a_flat_model_ends_cg_as_nash_and_sofer_say(rng):
    """j (q_j − q_{j−1}) / q_j <= flat for the first time, q the quadratic model."""
    H, g = symmetric(np.logspace(0, 4, 50)), rng.normal(size=50)

    def q(p):
        return g @ p + 0.5 * p @ H @ p

    for flat in (0.1, 0.5):
        j = truncated_cg(H.dot, g, 0.0, 200, flat=flat).iterations
        values = np.array([0.0] + [q(truncated_cg(H.dot, g, 0.0, k).p) for k in range(1, j + 1)])
        shares = np.arange(1, j + 1) * np.diff(values) / values[1:]
        assert shares[-1] <= flat and (shares[:-1] > flat).all() and j > 1


def test_the_exact_preconditioner_takes_one_step_and_the_identity_changes_nothing(rng):
    H, g = symmetric(np.logspace(0, 4, 20)), rng.normal(size=20)
    inverse = np.linalg.inv(H)
    found = truncated_cg(H.dot, g, 1e-8, 50, precondition=inverse.dot)
    assert found.iterations == 1
    np.testing.assert_allclose(found.p, -inverse @ g, rtol=1e-8)
    plain = truncated_cg(H.dot, g, 1e-3, 50)
    same = truncated_cg(H.dot, g, 1e-3, 50, precondition=lambda v: v.copy())
    np.testing.assert_allclose(same.p, plain.p, rtol=1e-10)
    other = truncated_cg(H.dot, g, 1e-3, 50, precondition=np.linspace(0.1, 3, 20).__mul__)
    assert other.residual == pytest.approx(np.linalg.norm(H @ other.p + g), rel=1e-6) and other.residual <= 1e-3


def test_preconditioned_cg_finds_negative_curvature(rng):
    H, g = symmetric([-2.0, 1.0, 3.0, 4.0]), rng.normal(size=4)
    found = truncated_cg(H.dot, g, 0.0, 50, precondition=(np.array([0.5, 1.0, 2.0, 1.0])).__mul__)
    assert found.d is not None and found.d @ H @ found.d <= 0 and g @ (found.p + found.d) < 0


# --- capped CG --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("epsilon", [1e-8, 1e-4, 1e-2])
def test_capped_cg_solves_the_shifted_equations(epsilon, rng):
    H, g = symmetric(np.linspace(1, 10, 25)), rng.normal(size=25)
    found = capped_cg(H.dot, g, 1e-10, 100, epsilon)
    assert found.d is None
    shifted = H + 2 * epsilon * np.linalg.norm(H @ g) / np.linalg.norm(g) * np.eye(25)
    np.testing.assert_allclose(found.p, np.linalg.solve(shifted, -g), rtol=1e-8, atol=1e-10)
    assert found.residual == pytest.approx(np.linalg.norm(shifted @ found.p + g), abs=1e-10)


@pytest.mark.parametrize("lowest", [-1.0, -0.05, -0.02])
@pytest.mark.parametrize("seed", range(10))
def test_capped_cg_never_overlooks_curvature_below_minus_epsilon(lowest, seed):
    """With no bound on the residual it finds d·Hd <= −ε‖d‖², where ε = 0.01 ‖H‖, and a d that does not go up."""
    rng = np.random.default_rng(seed)
    H, g = symmetric(np.r_[lowest, np.linspace(0.1, 1, 19)], seed), rng.normal(size=20)
    found = capped_cg(H.dot, g, 1e-12, 200, 0.01)
    assert found.d is not None and not found.p.any()
    M = 0.5  # ‖Hv‖/‖v‖ that CG has certainly seen
    assert found.d @ H @ found.d <= -0.01 * M * (found.d @ found.d) and g @ found.d <= 0


def test_a_direction_of_curvature_between_minus_two_and_minus_one_epsilon_is_given():
    angle = 0.5 * math.acos(-0.15)
    g = np.array([math.cos(angle), math.sin(angle)])  # g·Hg = −0.15 with ε = 0.1
    found = capped_cg(np.diag([1.0, -1.0]).dot, g, 0.0, 9, 0.1)
    assert found.iterations == 1
    np.testing.assert_array_equal(found.d, -g)


def test_an_iterate_of_low_curvature_is_given():
    """Curvature −0.9 ε lies along no direction of CG, but along what they add up to."""
    given = 0
    for seed in range(30):
        H, g = symmetric(np.r_[-0.01, np.linspace(0.5, 1, 19)], seed), np.random.default_rng(seed).normal(size=20)
        eps = 0.01 * np.linalg.norm(H @ g) / np.linalg.norm(g)
        found = capped_cg(H.dot, g, 1e-9, 100, 0.01)
        y = truncated_cg((H + 2 * eps * np.eye(20)).dot, g, 0.0, found.iterations).p
        if found.d is not None and np.allclose(found.d, y, rtol=1e-5, atol=1e-8):
            given += 1
            assert y @ H @ y <= -eps * (y @ y) * (1 - 1e-9)
    assert given > 0


def test_where_residuals_fall_too_slowly_a_difference_of_iterates_is_given(monkeypatch):
    monkeypatch.setattr(capped, "slowest", lambda j, ratio: 0.0 if j == 4 else math.inf)
    H, g = symmetric(np.linspace(1, 2, 20), 1), np.random.default_rng(1).normal(size=20)
    found = capped_cg(H.dot, g, 0.0, 50, 1e-3)
    eps = 1e-3 * np.linalg.norm(H @ g) / np.linalg.norm(g)
    shifted = H + 2 * eps * np.eye(20)
    iterates = [np.zeros(20)] + [truncated_cg(shifted.dot, g, 0.0, k).p for k in (1, 2, 3, 4)]
    steps = [iterates[4] - iterates[i] for i in range(4)]
    quotients = [d @ shifted @ d / (d @ d) for d in steps]
    lowest = steps[int(np.argmin(quotients))]
    np.testing.assert_allclose(found.d, lowest, rtol=1e-6, atol=1e-9)
    assert found.iterations == 4 and not found.p.any()


def test_the_slowest_fall_is_that_of_the_paper():
    kappa = 102.0
    tau = math.sqrt(kappa) / (math.sqrt(kappa) + 1)
    T = 4 * kappa**4 / (1 - math.sqrt(tau)) ** 2
    assert capped.slowest(7, 100.0) == pytest.approx(math.sqrt(T) * tau**3.5, rel=1e-12)


# --- the method -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", [NewtonCG(), NewtonCG(capped=1e-8), NewtonCG(flat=0.1),
                                    NewtonCG(precond="diagonal")], ids=["default", "capped", "flat", "diagonal"])
def test_rosenbrock_of_a_hundred_unknowns(solver):
    options = {} if solver.precond else {"jac": rosen_der, "hessp": rosen_hess_prod}
    f = rosen if options else chained_rosenbrock
    result = optkit.minimize(f, np.tile([-1.2, 1.0], 50), method=solver, gtol=1e-8, **options)
    assert result.success and result.jac.size == 100
    assert result.nfev <= 270 and result.nhev <= 1868 + (3 * result.nit if solver.precond else 0)


def test_the_diagonal_makes_up_for_badly_scaled_variables():
    scales = np.logspace(0, 4, 30)

    def f(x):
        z = scales * x
        return np.sum((z - 1) ** 2) + 0.1 * np.sum(z[1:] * z[:-1]) + 0.01 * np.sum((z - 1) ** 4)

    plain = optkit.minimize(f, np.zeros(30), method="newton-cg", gtol=1e-6)
    scaled = optkit.minimize(f, np.zeros(30), method="newton-cg", precond="diagonal", gtol=1e-6)
    assert scaled.success and sum(scaled.history.inner) <= 0.2 * sum(plain.history.inner)
    np.testing.assert_allclose(scaled.x * scales, plain.x * scales, atol=1e-4)


@pytest.mark.parametrize("shape", ["callable", "diagonal", "matrix"])
def test_a_preconditioner_of_ones_own(shape):
    h = np.logspace(0, 6, 10)
    precond = {"callable": lambda v: v / h, "diagonal": 1 / h, "matrix": np.diag(1 / h)}[shape]
    result = optkit.minimize(lambda x: 0.5 * x @ (h * x) - np.sum(x), np.ones(10), gtol=1e-6,
                             method=NewtonCG(precond=precond, eta0=1e-9))
    assert result.success and result.nit <= 2 and result.history[1].inner == 1


def test_a_preconditioner_of_the_wrong_shape_is_refused():
    for wrong in (np.ones(3), np.ones((2, 3))):
        with pytest.raises(ValueError, match=r"precond of shape \(2,\) or \(2, 2\)"):
            optkit.minimize(rosen, [0.0, 0.0], jac=rosen_der, hessp=rosen_hess_prod, method=NewtonCG(precond=wrong))


def test_the_last_system_is_solved_no_further_than_the_test_asks_for():
    """With eta tiny each system but the last would take n products."""
    h = np.logspace(0, 3, 60)
    runs = [optkit.minimize(lambda x: 0.5 * x @ (h * x) - np.sum(x), np.zeros(60), method=NewtonCG(eta0=1e-12),
                            gtol=gtol) for gtol in (1e-2, 1e-9)]
    assert all(run.success for run in runs) and runs[0].history[1].inner < 0.7 * runs[1].history[1].inner


def test_each_accepted_trial_is_linearised_once_and_products_are_those_of_the_point():
    objective = Objective(chained_rosenbrock, np.array([-1.2, 1.0, 0.5]))
    point = objective.start()
    for x in (point.x, objective.point(np.array([0.3, 0.2, 0.1])).x, objective.point(np.array([1.0, 2.0, 3.0])).x):
        v = np.array([1.0, -2.0, 0.5])
        expected = Objective(chained_rosenbrock, x.copy()).hvp(x.copy())(v)
        first, second = objective.hvp(x), objective.hvp(point.x)
        np.testing.assert_array_equal(first(v), expected)
        np.testing.assert_array_equal(second(v), Objective(chained_rosenbrock, point.x).hvp(point.x)(v))
        np.testing.assert_array_equal(first(v), expected)
    source, calls = objective._source, []
    linearize = source.fun.linearize_grad
    source.fun = type("Counted", (), {"linearize_grad": staticmethod(lambda *a: calls.append(1) or linearize(*a))})
    new = objective.point(np.array([0.1, 0.2, 0.3]))
    objective.hvp(new.x)(v)
    assert len(calls) == 1


# --- trouble ----------------------------------------------------------------------------------------------------------

VARIANTS = {"default": NewtonCG(), "capped": NewtonCG(capped=1e-6), "flat": NewtonCG(flat=0.5),
            "diagonal": NewtonCG(precond="diagonal")}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("x0", [[1.0, 0.0], [0.0, 0.0], [1.0, 1e-9], [0.0, 3.0]])
def test_saddles_are_left(x0, variant):
    result = optkit.minimize(lambda x: x[0] ** 2 - x[1] ** 2 + 0.25 * x[1] ** 4, x0, method=VARIANTS[variant])
    assert result.success and result.fun == pytest.approx(-1.0, abs=1e-9)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_edge_of_the_domain_is_respected(variant):
    result = optkit.minimize(lambda x: np.sum(x - 1e-3 * np.log(x)), [0.5, 0.3], method=VARIANTS[variant], gtol=1e-8)
    assert result.success
    np.testing.assert_allclose(result.x, 1e-3, rtol=1e-6)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("f, x0", [(lambda x: -np.sum(x**2), [1.0, 2.0]), (lambda x: np.sum(x), [1.0])])
def test_unbounded_is_never_success(f, x0, variant):
    result = optkit.minimize(f, x0, method=VARIANTS[variant], maxiter=300)
    assert not result.success and result.fun < -1e3


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("f", [lambda x: (x[0] + x[1] - 1) ** 2 + 0 * x[2], lambda x: np.sum(x**4),
                               lambda x: np.sum(np.cosh(x))])
def test_singular_hessians_and_flat_directions(f, variant):
    assert optkit.minimize(f, [3.0, -4.0, 5.0], method=VARIANTS[variant]).success


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_saved_state_goes_on_to_the_same_bits(variant):
    solver = VARIANTS[variant]
    objective = Objective(chained_rosenbrock, np.tile([-1.2, 1.0], 10))
    state = solver.init(objective, objective.start())
    for _ in range(5):
        state = solver.step(objective, state)
    saved = pickle.loads(pickle.dumps(state))
    fresh = Objective(chained_rosenbrock, np.tile([-1.2, 1.0], 10))
    for _ in range(4):
        state, saved = solver.step(objective, state), solver.step(fresh, saved)
    np.testing.assert_array_equal(state.point.x, saved.point.x)
    assert (state.point.f, state.eta, state.step) == (saved.point.f, saved.eta, saved.step)


@pytest.mark.parametrize("wrong", [{"flat": 1.0}, {"capped": -1.0}, {"capped": 0.1, "precond": "diagonal"},
                                   {"precond": "jacobi"}, {"eta0": 0.0}])
def test_wrong_parameters_are_named(wrong):
    with pytest.raises(ValueError, match=f"NewtonCG: need .*{next(iter(wrong))}"):
        NewtonCG(**wrong)
