"""Fits: Jacobians, the Levenberg–Marquardt step, bounds, robust losses, scaling, trouble, results."""

import pickle

import numpy as np
import pytest
import scipy.sparse
from scipy import optimize

import optkit
from optkit import Reason, least_squares
from optkit.inputs import flatten_start
from optkit.losses import LOSSES, Loss
from optkit.prox import Box
from optkit.residual import LeastSquares
from optkit.solvers.gauss_newton import GaussNewton
from optkit.solvers.levenberg_marquardt import LevenbergMarquardt, moved
from optkit.subproblems.levenberg import damped_step, within_box
from optkit.subproblems.linear_fit import Dense
from optkit.subproblems.linear_fit_sparse import Sparse

pytestmark = pytest.mark.nan_ok

T = np.linspace(0, 3, 40)
CURVE = 2 * np.exp(-1.3 * T)
WIDE = np.full(200, np.inf)


def decay(b):
    return b[0] * np.exp(-b[1] * T) - CURVE


def rosenbrock(x):
    return np.array([10 * (x[1] - x[0] ** 2), 1 - x[0]])


def chain(x):
    return np.concatenate([10 * (x[1:] - x[:-1] ** 2), 1 - x[:-1]])


def noisy_decay(seed=0, outliers=False):
    noise = 0.02 * np.random.default_rng(seed).standard_normal(T.size)
    if outliers:
        noise[::9] += 2.0
    return lambda b: b[0] * np.exp(-b[1] * T) - CURVE - noise


def linear(m, n, seed=0):
    rng = np.random.default_rng(seed)
    A, b = rng.standard_normal((m, n)), rng.standard_normal(m)
    return A, b, lambda x: A @ x - b


def problem(fun, x0, *, jac=None, term=None, loss="linear", f_scale=1.0, sparse=None):
    return LeastSquares(fun, x0, jac=jac, term=term, loss=Loss(loss, f_scale), sparse=sparse, compile=True)


# --- derivatives -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [2, 30, 150])
def test_jacobian_is_that_of_differences_in_every_mode(n, rng):
    """Unrolled, column by column, and sparse: the size decides."""
    x = rng.standard_normal(n)
    ours = problem(chain, x)
    point = ours.start()
    J = ours.jacobian(point.x)
    assert scipy.sparse.issparse(J) == (n == 150)
    J = J.toarray() if scipy.sparse.issparse(J) else J
    for k, e in enumerate(np.eye(n)):
        np.testing.assert_allclose(J[:, k], (chain(x + 1e-6 * e) - chain(x - 1e-6 * e)) / 2e-6, atol=1e-7)
    np.testing.assert_allclose(point.g, J.T @ chain(x), rtol=1e-12, atol=1e-12)


def test_jacobian_stays_right_when_generated_code_takes_over(rng):
    ours = problem(decay, [1.0, 1.0])
    ours.start()
    for _ in range(5):
        b = rng.uniform(0.5, 2, 2)
        point = ours.point(b)
        exact = np.stack([np.exp(-b[1] * T), -b[0] * T * np.exp(-b[1] * T)], axis=-1)
        np.testing.assert_allclose(ours.jacobian(point.x), exact, rtol=1e-14)


@pytest.mark.parametrize("jac", [
    "2-point", "3-point",
    lambda b: np.stack([np.exp(-b[1] * T), -b[0] * T * np.exp(-b[1] * T)], axis=-1),
    lambda b: scipy.sparse.csr_array(np.stack([np.exp(-b[1] * T), -b[0] * T * np.exp(-b[1] * T)], axis=-1)),
])
def test_jacobians_of_other_origin_lead_to_the_same_fit(jac):
    fit = least_squares(noisy_decay(), [1.0, 1.0], jac=jac)
    exact = least_squares(noisy_decay(), [1.0, 1.0])
    assert fit.success and scipy.sparse.issparse(fit.jac) == (callable(jac) and scipy.sparse.issparse(jac(fit.x)))
    np.testing.assert_allclose(fit.x, exact.x, rtol=1e-6)


def test_differences_never_leave_the_bounds_and_are_counted():
    seen = []

    def fun(b):
        seen.append(b.copy())
        return decay(b)

    for jac in ("2-point", "3-point"):
        seen.clear()
        fit = least_squares(fun, [1.5, 0.2], jac=jac, bounds=([0.2, 0.2], [1.5, 1.0]))
        assert all(((0.2 <= b) & (b <= [1.5, 1.0])).all() for b in seen)
        assert fit.nfev == len(seen) and fit.x[0] == 1.5 and fit.active_mask.tolist() == [1, 0]


@pytest.mark.parametrize("jac, tol", [("2-point", 1e-6), ("3-point", 1e-8)])
def test_differences_at_a_bound_are_those_inside(jac, tol):
    b = np.array([1.5, 0.7])
    exact = np.stack([np.exp(-b[1] * T), -b[0] * T * np.exp(-b[1] * T)], axis=-1)
    for lower, upper in (([0, 0], b), (b, [9, 9]), ([0, 0], [9, 9])):
        ours = problem(decay, b, jac=jac, term=Box(lower, upper))
        np.testing.assert_allclose(ours.jacobian(ours.start().x), exact, atol=tol)


def test_counts_are_those_of_plain_calls():
    calls = {"r": 0, "J": 0}

    def fun(x):
        calls["r"] += 1
        return rosenbrock(x)

    def jac(x):
        calls["J"] += 1
        return np.array([[-20 * x[0], 10.0], [-1.0, 0.0]])

    fit = least_squares(fun, [-1.2, 1.0], jac=jac)
    assert (fit.nfev, fit.njev) == (calls["r"], calls["J"])


# --- the linear problem inside ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Dense, lambda J, r, x: Sparse(scipy.sparse.csr_array(J), r, x)])
@pytest.mark.parametrize("m, n", [(12, 5), (5, 5), (4, 7)])
@pytest.mark.parametrize("delta", [1e-3, 0.3, 1e6])
def test_step_solves_the_secular_equation(kind, m, n, delta, rng):
    """(JᵀJ + λD²)p = −Jᵀr with ‖Dp‖ = Δ to a tenth, or λ = 0 within; columns over six orders of magnitude."""
    J = rng.standard_normal((m, n)) * 10.0 ** rng.uniform(-3, 3, n)
    r, D = rng.standard_normal(m), np.linalg.norm(J, axis=0)
    step = damped_step(kind(J, r, np.zeros(n)), D, delta, 0.0, -WIDE[:n], WIDE[:n])
    S = J / D
    q = D * step.p
    gradient = S.T @ (S @ q + r) + step.lam * q
    assert np.max(np.abs(gradient)) <= 1e-12 * np.linalg.norm(r)
    assert step.lam > 0 or step.length <= 1.1 * delta
    if step.lam > 0:
        assert abs(step.length - delta) <= 0.1 * delta
    q_norm = np.linalg.norm(q)
    reference = optimize.brentq(lambda lam: np.linalg.norm(
        np.linalg.solve(S.T @ S + lam * np.eye(n), S.T @ r)) - q_norm, 1e-14, 1e9, xtol=1e-300, rtol=1e-12) \
        if step.lam > 0 else 0.0
    assert step.lam == pytest.approx(reference, rel=1e-6)
    assert step.predicted == pytest.approx(0.5 * (r @ r - np.sum((J @ step.p + r) ** 2)), rel=1e-9)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("lam", [0.0, 0.3])
def test_step_within_a_box_is_optimal(seed, lam):
    """The Karush–Kuhn–Tucker conditions of the damped problem, and bounds met exactly."""
    rng = np.random.default_rng(seed)
    m, n = 14, 8
    J, r, D = rng.standard_normal((m, n)), 3 * rng.standard_normal(m), rng.uniform(0.5, 2, n)
    lower, upper = -rng.uniform(0, 0.3, n), rng.uniform(0, 0.3, n)
    lower[0] = upper[1] = 0.0
    p = within_box(Dense(J, r, np.zeros(n)), lam, D, lower, upper).p
    g = J.T @ (J @ p + r) + lam * D**2 * p
    assert ((lower <= p) & (p <= upper)).all() and np.isin(p, [*lower, *upper]).any()
    inside = (p > lower) & (p < upper)
    assert np.max(np.abs(g[inside]), initial=0) < 1e-12
    assert (g[p == lower] > -1e-12).all() and (g[p == upper] < 1e-12).all()


def test_dependent_columns_give_a_basic_step(rng):
    J = rng.standard_normal((10, 3))
    J = np.column_stack([J, J[:, 0] + J[:, 1], np.zeros(10)])
    r = rng.standard_normal(10)
    step = damped_step(Dense(J, r, np.zeros(5)), np.ones(5), np.inf, 0.0, -WIDE[:5], WIDE[:5])
    assert step.p[4] == 0 and np.count_nonzero(step.p) == 3
    assert 0.5 * r @ r - step.predicted == pytest.approx(
                                                         0.5 * np.sum((r - J @ np.linalg.pinv(J) @ r) ** 2), rel=1e-12)


# --- methods ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["lm", "gauss-newton"])
@pytest.mark.parametrize("m, n", [(20, 4), (4, 4), (3, 6)])
def test_linear_problems_take_one_step(method, m, n):
    A, b, fun = linear(m, n)
    fit = least_squares(fun, np.ones(n), method=method, **({"factor": 1e6} if method == "lm" else {}))
    assert fit.success and fit.nit <= (2 if m == n else 1) and fit.nfev == fit.nit + 1  # one more against rounding
    best = np.linalg.lstsq(A, b)[0]
    assert fit.cost == pytest.approx(0.5 * np.sum((A @ best - b) ** 2), abs=1e-14)


@pytest.mark.parametrize("method", ["lm", "gauss-newton"])
def test_cost_never_rises_but_by_rounding(method):
    fit = least_squares(noisy_decay(), [0.1, 3.0], method=method)
    assert fit.success and (np.diff(fit.history.f) <= 1e-14 * fit.history.f[:-1]).all()


@pytest.mark.parametrize("factor", [0.1, 1.0, 10.0])
def test_diagonal_scaling_of_the_unknowns_changes_nothing(factor):
    """Moré 1978 §6: the iterates of LM with its own scaling are those of the scaled problem."""
    scale = np.array([1e-8, 1e6])
    fit = least_squares(noisy_decay(), np.array([1.0, 1.0]), factor=factor)
    scaled = least_squares(lambda u: noisy_decay()(u / scale), scale, factor=factor)
    np.testing.assert_allclose(scaled.x / scale, fit.x, rtol=1e-9)
    assert scaled.nit == fit.nit and scaled.nfev <= fit.nfev + 8     # the end looks along a direction that seems flat
    np.testing.assert_allclose(scaled.history.f, fit.history.f, rtol=1e-8)


@pytest.mark.parametrize("scale", [1e-30, 1e-8, 1e12])
def test_scaling_the_residual_changes_nothing(scale):
    """So no tiny residual passes for a solution, and no large one keeps from it."""
    fit = least_squares(noisy_decay(), [1.0, 1.0])
    scaled = least_squares(lambda b: scale * noisy_decay()(b), [1.0, 1.0])
    assert scaled.success and scaled.nfev == fit.nfev
    np.testing.assert_allclose(scaled.x, fit.x, rtol=1e-9)


def test_the_tolerance_does_not_depend_on_the_size_of_the_residual():
    near = least_squares(noisy_decay(), [1.0, 1.0]).x * (1 + 1e-4)
    fit = least_squares(lambda b: 1e-6 * noisy_decay()(b), near)
    assert fit.success and fit.history.gnorm[0] < 0.1 and fit.gtol == 1e-8


def test_x_scale_is_scipys():
    fit = least_squares(noisy_decay(), [1.0, 1.0], x_scale=[1e-3, 1e3], factor=1e-3)
    own = least_squares(noisy_decay(), [1.0, 1.0], x_scale="jac", factor=1e-3)
    assert fit.success and own.success and fit.history.step[1] != own.history.step[1]
    with pytest.raises(ValueError, match="x_scale"):
        least_squares(decay, [1.0, 1.0], x_scale=-1.0)


@pytest.mark.parametrize("fun, x0, budget", [(rosenbrock, [-1.2, 1.0], 21), (chain, np.full(10, -1.0), 40),
                                             (decay, [0.1, 0.1], 13)])
def test_evaluation_budgets(fun, x0, budget):
    fit = least_squares(fun, x0)
    assert fit.success and fit.nfev <= budget and fit.cost < 1e-25


def test_large_residuals_converge_faster_with_the_exact_hessian():
    """Brown and Dennis (MGH 16): without it, as with a Jacobian by hand, hundreds of residuals; MINPACK takes 266."""
    t = np.arange(1, 21) / 5

    def fun(x):
        return (x[0] + t * x[1] - np.exp(t)) ** 2 + (x[2] + x[3] * np.sin(t) - np.cos(t)) ** 2

    fit = least_squares(fun, [25.0, 5.0, -5.0, -1.0])
    assert fit.success and 2 * fit.cost == pytest.approx(85822.2, rel=1e-6) and fit.nfev < 140
    assert np.max(np.abs(fit.grad) / np.linalg.norm(fit.jac, axis=0)) < 1e-6 * np.sqrt(2 * fit.cost)


def test_minimum_with_a_singular_jacobian_is_recognised():
    """Freudenstein and Roth (MGH 2): J has rank one at the local minimum 48.98, where the Hessian is definite."""
    def fun(x):
        return np.array([-13 + x[0] + ((5 - x[1]) * x[1] - 2) * x[1], -29 + x[0] + ((x[1] + 1) * x[1] - 14) * x[1]])

    fit = least_squares(fun, [0.5, -2.0])
    assert fit.success and 2 * fit.cost == pytest.approx(48.9842, rel=1e-5) and fit.gnorm <= 1e-8
    ours = problem(fun, fit.x + 1e-6)
    point = ours.start()
    before, newton = ours.measure(point), ours.newton(point)
    assert before > 0.9 and ours.measure(point) < 1e-4
    assert ours.measure(point) == pytest.approx(newton.decrement / np.sqrt(2 * point.f))
    np.testing.assert_allclose(point.x + newton.p, fit.x, rtol=1e-9)
    np.testing.assert_allclose(fit.x, [11.412779, -0.896805], rtol=1e-6)


def test_solver_objects_state_and_registry():
    fit = least_squares(decay, [1.0, 1.0], method=LevenbergMarquardt(factor=1.0))
    assert fit.method == "lm" and least_squares(decay, [1.0, 1.0], method="trf").method == "lm"
    assert least_squares(decay, [1.0, 1.0], method=GaussNewton()).method == "gauss-newton"
    with pytest.raises(ValueError, match="gauss-newton"):
        least_squares(decay, [1.0, 1.0], method="bfgs")
    with pytest.raises(ValueError, match="factor"):
        LevenbergMarquardt(factor=0.0)


def test_a_pickled_state_goes_on_to_the_same_bits():
    solver, ours = LevenbergMarquardt(), problem(noisy_decay(), [0.1, 3.0])
    state = solver.init(ours, ours.start())
    for _ in range(3):
        state = solver.step(ours, state)
    other = problem(noisy_decay(), [0.1, 3.0])
    other.start()
    copy = pickle.loads(pickle.dumps(state))
    for _ in range(3):
        state, copy = solver.step(ours, state), solver.step(other, copy)
        assert (state.point.x == copy.point.x).all() and state.delta == copy.delta and state.lam == copy.lam


def test_checkpoint_and_resume_end_at_the_same_bits(tmp_path):
    path = tmp_path / "run.npz"
    whole = least_squares(chain, np.full(6, -1.0))
    least_squares(chain, np.full(6, -1.0), maxiter=7, checkpoint=path, every=3)
    resumed = least_squares(chain, np.full(6, -1.0), resume=path)
    assert (resumed.x == whole.x).all() and resumed.nfev == whole.nfev and resumed.nit == whole.nit


# --- bounds ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("m, n", [(30, 10), (10, 10), (10, 30)])
@pytest.mark.parametrize("method", ["lm", "gauss-newton"])
def test_bounded_linear_fits_are_those_of_scipy(m, n, method):
    A, b, fun = linear(m, n, seed=m + n)
    fit = least_squares(fun, np.full(n, 0.5), method=method, bounds=(0, np.inf))
    _, rnorm = optimize.nnls(A, b)
    assert fit.success and (fit.x >= 0).all() and np.sqrt(2 * fit.cost) == pytest.approx(rnorm, abs=1e-9)
    box = optimize.lsq_linear(A, b, (-0.1, 0.2), tol=1e-13)
    fit = least_squares(fun, np.zeros(n), method=method, bounds=optimize.Bounds(-0.1, 0.2))
    assert fit.success and fit.cost <= box.cost + 1e-12
    g = A.T @ (A @ fit.x - b)
    assert (g[fit.active_mask == -1] >= 0).all() and (g[fit.active_mask == 1] <= 0).all()
    assert np.max(np.abs(g[fit.active_mask == 0]), initial=0) < 1e-8


def test_every_form_of_bounds():
    want = least_squares(decay, [1.0, 1.0], bounds=([0.0, 0.0], [1.5, 9.0])).x
    for bounds in ([(0, 1.5), (0, 9)], optimize.Bounds([0, 0], [1.5, 9]), (0, [1.5, 9.0]), [[0, 0], [1.5, 9]]):
        np.testing.assert_array_equal(least_squares(decay, [1.0, 1.0], bounds=bounds).x, want)
    assert want[0] == 1.5
    tree = least_squares(lambda p: p["a"] * np.exp(-p["k"] * T) - CURVE, {"a": 1.0, "k": 1.0},
                         bounds=({"a": 0.0, "k": 0.0}, {"a": 1.5, "k": np.inf}))
    assert tree.success and tree.x["a"] == 1.5
    np.testing.assert_array_equal(least_squares(decay, [1.0, 1.0], bounds=(-np.inf, np.inf)).active_mask, [0, 0])
    with pytest.raises(ValueError, match="of 2 numbers each"):
        least_squares(decay, [1.0, 1.0], bounds=([0, 0, 0], 1))
    with pytest.raises(ValueError, match="lower <= upper"):
        least_squares(decay, [1.0, 1.0], bounds=(1, 0))


def test_nothing_is_evaluated_outside_the_bounds():
    def fun(b):
        assert 0.5 <= b[0] <= 1.8 and 1.5 <= b[1] <= 4
        return np.log(b[0]) - T * b[1] - np.log(CURVE)

    fit = least_squares(fun, [1.0, 3.9], bounds=([0.5, 1.5], [1.8, 4.0]), compile=False)
    assert fit.success and fit.active_mask.tolist() == [1, -1]


def test_steps_to_a_bound_end_on_it_exactly(rng):
    """Not a rounding error inside, where the bound would not count as active."""
    x, upper = rng.uniform(-1, 1, 1000), rng.uniform(1, 3, 1000)
    box = Box(-upper, upper)
    assert (moved(x, upper - x, box) == upper).all() and (moved(x, -upper - x, box) == -upper).all()
    assert (x + (upper - x) != upper).any()


def test_only_bounds_that_the_gradient_presses_against_hold():
    ours = problem(decay, [1.0, 1.0], term=Box([0.5, 0.5], [4, 4]))
    low, high = ours.point(np.array([0.5, 4.0])), ours.point(np.array([4.0, 0.5]))
    assert low.g[0] < 0 < high.g[0] and not ours.binding(low)[0] and not ours.binding(high)[0]
    assert ours.measure(low) > 0.1 and ours.measure(high) > 0.1


def test_a_bound_that_should_let_go_does():
    fit = least_squares(decay, [2.5, 0.0], bounds=(0, 2.5))
    assert fit.success and not fit.active_mask.any()
    np.testing.assert_allclose(fit.x, [2, 1.3], rtol=1e-8)


# --- robust losses ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LOSSES)
def test_loss_rows_are_consistent(name):
    row = LOSSES[name]
    z = np.array([0.0, 0.3, 0.99, 1.01, 4.0, 1e3])
    h = 1e-6 * (1 + z)
    first = (row.value(z + h) - row.value(np.maximum(z - h, 0))) / (z + h - np.maximum(z - h, 0))
    second = (row.first(z + h) - row.first(np.maximum(z - h, 0))) / (z + h - np.maximum(z - h, 0))
    away = np.abs(z - 1) > 0.1
    np.testing.assert_allclose(row.first(z)[away], first[away], rtol=1e-5)
    np.testing.assert_allclose(row.second(z)[away], second[away], rtol=1e-4, atol=1e-5)
    assert row.value(np.zeros(1)) == 0 and row.first(np.zeros(1)) == 1


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("f_scale", [0.05, 0.5])
def test_robust_fits_are_scipys_at_tight_tolerances(loss, f_scale):
    fun = noisy_decay(outliers=True)
    fit = least_squares(fun, [1.0, 1.0], loss=loss, f_scale=f_scale)
    theirs = optimize.least_squares(fun, [1.0, 1.0], loss=loss, f_scale=f_scale, xtol=1e-15, ftol=1e-15, gtol=1e-15,
                                    max_nfev=10_000)
    assert fit.success and fit.cost <= theirs.cost * (1 + 1e-12)
    np.testing.assert_allclose(fit.x, theirs.x, rtol=1e-6)
    if loss == "linear" or (loss, f_scale) == ("soft_l1", 0.5):  # no row is at the floor of its curvature
        np.testing.assert_allclose(fit.jac, theirs.jac, rtol=1e-4, atol=1e-9)
    z = (fit.fun / f_scale) ** 2
    assert fit.cost == pytest.approx(0.5 * f_scale**2 * np.sum(LOSSES[loss].value(z)), rel=1e-12)


@pytest.mark.parametrize("loss", ["soft_l1", "cauchy", "arctan", "huber"])
def test_weighted_rows_give_the_gradient_and_the_curvature_of_the_cost(loss):
    """(wJ)ᵀs is the gradient; (wJ)ᵀwJ the Hessian of a linear fit while no row's curvature is below its floor."""
    A, b, fun = linear(12, 3)
    size = {"soft_l1": 0.5, "huber": 10.0}.get(loss, 4.0)  # so that no row of those but soft_l1 is an outlier
    ours = problem(fun, np.full(3, 0.1), loss=loss, f_scale=size)
    point = ours.start()
    model, H = ours.model(point), ours.hessian(point.x)
    np.testing.assert_allclose(model.gradient(np.zeros(3)), point.g, rtol=1e-12)
    np.testing.assert_allclose(model.A.T @ model.A, H, rtol=1e-10, atol=1e-12)


def test_robust_losses_resist_outliers():
    fun = noisy_decay(outliers=True)
    plain, robust = (np.abs(least_squares(fun, [1.0, 1.0], loss=loss, f_scale=0.05).x - [2, 1.3]).max()
                     for loss in ("linear", "cauchy"))
    assert robust < 0.05 < 0.2 < plain


def test_a_callable_loss_is_scipys():
    def own(z):
        return np.stack([np.log1p(z), 1 / (1 + z), -1 / (1 + z) ** 2])

    fun = noisy_decay(outliers=True)
    fit, named = (least_squares(fun, [1.0, 1.0], loss=loss, f_scale=0.1) for loss in (own, "cauchy"))
    assert fit.success
    np.testing.assert_allclose(fit.x, named.x, rtol=1e-7)
    with pytest.raises(ValueError, match="shape"):
        least_squares(fun, [1.0, 1.0], loss=lambda z: z)
    with pytest.raises(ValueError, match="huber"):
        least_squares(fun, [1.0, 1.0], loss="hubert")
    with pytest.raises(ValueError, match="f_scale"):
        least_squares(fun, [1.0, 1.0], f_scale=0.0)


def test_gradient_is_that_of_the_robust_cost():
    ours = problem(noisy_decay(outliers=True), [1.0, 1.0], loss="soft_l1", f_scale=0.1)
    point = ours.start()
    differences = [(ours.plain_value(point.x + 1e-6 * e) - ours.plain_value(point.x - 1e-6 * e)) / 2e-6
                   for e in np.eye(2)]
    np.testing.assert_allclose(point.g, differences, rtol=1e-6)
    H = ours.hessian(point.x)
    columns = [(ours.point(point.x + 1e-6 * e).g - ours.point(point.x - 1e-6 * e).g) / 2e-6 for e in np.eye(2)]
    np.testing.assert_allclose(H, np.array(columns), rtol=1e-5)


# --- trouble ---------------------------------------------------------------------------------------------------------


def test_nan_regions_are_stepped_around():
    fit = least_squares(lambda x: np.array([np.log(x[0]) + 5, np.sqrt(x[1]) - 2]), [1.0, 100.0], factor=100.0)
    assert fit.success
    np.testing.assert_allclose(fit.x, [np.exp(-5), 4], rtol=1e-8)


@pytest.mark.parametrize("method", ["lm", "gauss-newton"])
def test_running_off_to_a_flat_region_is_no_success(method):
    """BoxBOD's model from (1, 1): with long steps b₁ grows until its column underflows, and the gradient with it."""
    t, y = np.array([1.0, 2, 3, 5, 7, 10]), np.array([109.0, 149, 149, 191, 213, 224])
    options = {"factor": 1e4} if method == "lm" else {"search": optkit.linesearch.Armijo(c1=1e-12)}
    fit = least_squares(lambda b: y - b[0] * (1 - np.exp(-b[1] * t)), [1.0, 1.0], method=method, **options)
    assert not fit.success or fit.cost == pytest.approx(0.5 * 1168.0088766, rel=1e-8)
    ours = problem(lambda b: y - b[0] * (1 - np.exp(-b[1] * t)), [1.0, 1.0])
    ours.start()
    assert ours.measure(ours.point(np.array([172.5, 800.0]))) == 1.0


def test_an_unknown_may_lose_its_effect_at_the_solution():
    """The column of x² vanishes at its minimiser 0, or where a bound makes a factor 0: no reason to doubt it."""
    fit = least_squares(lambda x: np.array([x[0] ** 2 + 1, x[1] - 2]), [1.0, 1.0], gtol=1e-6)
    assert fit.success and abs(fit.x[0]) < 1e-3
    held = least_squares(lambda b: b[0] * np.exp(-b[1] * T) + 1, [1.0, 1.0], bounds=(0, np.inf))
    assert held.success and held.x[0] == 0


def test_a_start_at_a_maximum_is_left():
    fit = least_squares(lambda x: x**2 - 1, np.zeros(2))
    assert fit.success and fit.cost < 1e-20
    np.testing.assert_allclose(np.abs(fit.x), 1, rtol=1e-8)


def test_a_saddle_is_left():
    fit = least_squares(lambda x: np.array([x[0] ** 2 - 1, x[1]]), [0.0, 1.0])
    assert fit.success and abs(fit.x[0]) == pytest.approx(1)


def test_an_unknown_without_effect_stays_and_does_no_harm():
    fit = least_squares(lambda b: b[0] * np.exp(-b[1] * T) - CURVE, [1.0, 1.0, 7.0])
    assert fit.success and fit.x[2] == 7 and np.isinf(fit.covariance()).all()


@pytest.mark.parametrize("n", [1, 3])
def test_perfect_start_and_single_unknown(n):
    fit = least_squares(lambda x: x - 1.0, np.ones(n))
    assert fit.success and fit.nit == 0 and fit.cost == 0
    assert least_squares(lambda x: np.exp(x) - 2, 0.0).x == pytest.approx(np.log(2))


def test_limits_and_callbacks():
    assert least_squares(rosenbrock, [-1.2, 1.0], max_nfev=5).reason is Reason.MAXFEV
    assert least_squares(rosenbrock, [-1.2, 1.0], max_nfev=5).nfev == 5
    assert least_squares(rosenbrock, [-1.2, 1.0], maxiter=2).nit == 2
    assert least_squares(rosenbrock, [-1.2, 1.0], maxtime=0.0).reason is Reason.MAXTIME
    seen = []
    fit = least_squares(rosenbrock, [-1.2, 1.0], callback=lambda x: seen.append(x), return_all=True)
    assert len(seen) == fit.nit and len(fit.allvecs) == fit.nit + 1

    def stop(intermediate_result):
        raise StopIteration

    assert least_squares(rosenbrock, [-1.2, 1.0], callback=stop).reason is Reason.CALLBACK


def test_what_the_residual_raises_passes_through_with_the_fit_so_far():
    def fun(x):
        if x[0] > -0.9:
            raise RuntimeError("there")
        return rosenbrock(x)

    with pytest.raises(RuntimeError, match="there") as caught:
        least_squares(fun, [-1.2, 1.0], compile=False, factor=0.1)
    assert caught.value.result.nit > 0 and caught.value.result.cost < 12.1


def test_wrong_arguments_say_what_to_do():
    with pytest.raises(TypeError, match="real numbers"):
        least_squares(lambda x: None, [1.0])
    with pytest.raises(TypeError, match="real and imaginary"):
        least_squares(lambda x: x + 1j, [1.0], jac="2-point")
    with pytest.raises(ValueError, match="finite"):
        least_squares(lambda x: x / 0.0, [1.0], jac="2-point")
    with pytest.raises(ValueError, match=r"shape \(40, 2\)"):
        least_squares(decay, [1.0, 1.0], jac=lambda b: np.ones((2, 40, 2)))
    with pytest.raises(ValueError, match="2-point"):
        least_squares(decay, [1.0, 1.0], jac="cs")
    with pytest.raises(optkit.UnknownOption, match="factor"):
        least_squares(decay, [1.0, 1.0], faktor=1.0)
    with pytest.warns(optkit.IgnoredOption, match="diff_step"):
        least_squares(decay, [1.0, 1.0], diff_step=1e-3)


def test_a_random_residual_is_no_success():
    state = np.random.default_rng(0)
    fit = least_squares(lambda x: np.append(x - 1, state.standard_normal()), np.zeros(3), maxiter=50)
    assert not fit.success


# --- structure, sparse, results --------------------------------------------------------------------------------------


def test_structured_unknowns_and_residuals():
    def fun(p, t):
        return {"curve": (p["a"] * np.exp(-p["rate"][0] * t) - CURVE).reshape(4, 10), "prior": [p["rate"][1] - 3.0]}

    fit = least_squares(fun, {"a": 1.0, "rate": np.ones(2)}, args=(T,))
    assert fit.success and fit.x["a"] == pytest.approx(2)
    np.testing.assert_allclose(fit.x["rate"], [1.3, 3], rtol=1e-8)
    assert fit.fun.shape == (41,) and fit.jac.shape == (41, 3) and set(fit.grad) == {"a", "rate"}
    assert fit.standard_errors()["rate"].shape == (2,)


def test_keyword_arguments_are_scipys():
    fit = least_squares(lambda b, t, y: b[0] * np.exp(-b[1] * t) - y, [1.0, 1.0], args=(T,), kwargs={"y": CURVE},
                        verbose=0, ftol=1e-12, xtol=None, gtol=None)
    np.testing.assert_allclose(fit.x, [2, 1.3], rtol=1e-7)


def test_sparse_problem_of_ten_thousand_unknowns():
    fit = least_squares(chain, np.full(10_000, 1.3))
    assert fit.success and scipy.sparse.issparse(fit.jac) and fit.jac.nnz < 30_000 and fit.nit < 15
    np.testing.assert_allclose(fit.x, 1, rtol=1e-8)


@pytest.mark.parametrize("bounds", [None, (0.5, 0.95)])
def test_sparse_and_dense_agree(bounds):
    dense, sparse = (least_squares(chain, np.full(20, 0.7), sparse=flag, bounds=bounds) for flag in (False, True))
    assert dense.success and sparse.success and scipy.sparse.issparse(sparse.jac)
    np.testing.assert_allclose(sparse.x, dense.x, rtol=1e-8)
    assert sparse.cost == pytest.approx(dense.cost, rel=1e-10, abs=1e-25)


def test_sparse_with_dependent_columns(rng):
    A = scipy.sparse.csr_array(np.kron(np.eye(20), [[1.0, 1.0], [1.0, 1.0]]))
    b = rng.standard_normal(40)
    fit = least_squares(lambda x: A @ x - b, np.zeros(40), sparse=True)
    best = np.linalg.lstsq(A.toarray(), b)[0]
    assert fit.success and fit.cost == pytest.approx(0.5 * np.sum((A @ best - b) ** 2), rel=1e-9)


def test_standard_errors_are_nists():
    """Misra1a: certified standard deviations of the estimates, and of the residuals."""
    from problems import nist

    model = nist.models()["Misra1a"]
    fit = least_squares(model.residual, model.starts[1])
    np.testing.assert_allclose(fit.standard_errors(), [2.7070075241, 7.2668688436e-06], rtol=1e-8)
    assert np.sqrt(2 * fit.cost / 12) == pytest.approx(1.0187876330e-01, rel=1e-9)


def test_covariance_of_a_linear_fit_is_the_formula():
    A, b, fun = linear(30, 4)
    fit = least_squares(fun, np.zeros(4))
    s2 = np.sum((A @ fit.x - b) ** 2) / 26
    np.testing.assert_allclose(fit.covariance(), s2 * np.linalg.inv(A.T @ A), rtol=1e-10)
    held = least_squares(fun, np.zeros(4), bounds=(0, np.inf))
    active = held.active_mask != 0
    assert active.any() and (held.covariance()[active] == 0).all() and (np.diag(held.covariance())[~active] > 0).all()
    assert np.isnan(least_squares(linear(3, 3)[2], np.zeros(3)).covariance()).all()


@pytest.mark.parametrize("sparse", [False, True])
def test_a_fit_prints_pickles_saves_and_certifies(sparse, tmp_path):
    fit = least_squares(chain, np.full(5, 0.5), sparse=sparse)
    assert "success" in str(fit) and "residuals" in str(fit) and "lm" in str(fit)
    for copy in (pickle.loads(pickle.dumps(fit)), optkit.load(fit.save(tmp_path / "fit.npz")), fit.copy()):
        assert type(copy) is optkit.Fit and str(copy) == str(fit) and scipy.sparse.issparse(copy.jac) == sparse
        assert abs(copy.jac - fit.jac).max() == 0 and (copy.x == fit.x).all()
    assert fit.certificate().kind.name == "MINIMUM"


def test_box_term_and_flattening_are_those_of_minimize():
    ours = problem(decay, [1.0, 1.0], term=Box([0, 0], [1.5, 9]))
    assert ours.binding(ours.point(np.array([1.5, 1.0])))[0] and flatten_start([1.0, 1.0])[0].size == 2


# --- bounds: the step, and methods that do not stall at them --------------------------------------------------------


def bent(t, y):
    return lambda p: p[0] * np.exp(p[1] * t) + p[2] * t - y


@pytest.mark.parametrize("method", ["lm", "gauss-newton"])
@pytest.mark.parametrize("loss", ["linear", "soft_l1", "cauchy"])
def test_bounded_fits_neither_stall_nor_crawl(method, loss):
    """Starts on bounds, boxes from 1e-6 to 10 wide; before, 1 in 17 ended at a point from which a restart went on."""
    rng, t = np.random.default_rng(5), np.linspace(0, 3, 9)
    for _ in range(25):
        lower = -rng.random(3)
        upper = lower + rng.random(3) * 10.0 ** rng.uniform(-6, 1)
        x0, fun = lower + (upper - lower) * rng.integers(0, 3, 3) / 2, bent(t, rng.standard_normal(9) * 2)
        fit = least_squares(fun, x0, method=method, bounds=(lower, upper), loss=loss)
        assert fit.success and fit.nit <= 200


def test_a_bounded_fit_that_stalled_far_from_its_minimum():
    y = np.array([2.3972, 2.2737, 2.6333, 1.4762, -2.7609, -0.5348, -0.7607, -3.0977, -0.9278])
    bounds = ([-0.2539, -0.8999, -0.5879], [0.2142, 0.4416, 1.3248])
    fit = least_squares(bent(np.linspace(0, 3, 9), y), bounds[1], bounds=bounds)
    assert fit.success and fit.cost == pytest.approx(14.98422, abs=1e-5)


def test_the_step_within_a_box_keeps_to_its_radius_where_bounds_are_active(rng):
    """‖Dp‖ is Δ to a tenth, although 1/‖Dp(λ)‖ is not concave while entries are held."""
    held = 0
    for _ in range(200):
        J, r, D = rng.standard_normal((8, 4)), 5 * rng.standard_normal(8), 10.0 ** rng.uniform(-1, 1, 4)
        lower, upper = -rng.random(4) * 0.3, rng.random(4) * 0.3
        delta = 0.5 * np.linalg.norm(D * upper)
        step = damped_step(Dense(J, r, np.zeros(4)), D, delta, 0.0, lower, upper)
        assert step.length <= 1.1 * delta * (1 + 1e-12)
        if step.lam > 0:
            held += ((step.p <= lower) | (step.p >= upper)).any()
            assert step.length >= 0.9 * delta
    assert held > 20


def test_the_step_within_a_box_goes_on_past_a_bound_a_hair_away(rng):
    for _ in range(60):
        J, r = rng.standard_normal((6, 3)) * 10.0 ** rng.uniform(-2, 2, 3), rng.standard_normal(6)
        J[:, 1] += J[:, 0] * rng.uniform(-3, 3)
        lower, upper = -rng.random(3), rng.random(3)
        lower[1] = -1e-18
        p = within_box(Dense(J, r, np.zeros(3)), 0.0, np.ones(3), lower, upper).p
        best = optimize.lsq_linear(J, -r, (lower, upper), method="bvls", tol=1e-15).x
        assert np.sum((J @ p + r) ** 2) <= np.sum((J @ best + r) ** 2) * (1 + 1e-9)


def test_a_cost_that_underflows_is_not_success_far_from_the_minimum():
    fit = least_squares(lambda x: 1e-160 * rosenbrock(x), [-1.2, 1.0])
    assert fit.x == pytest.approx([1, 1], abs=1e-6) or not fit.success
    off = least_squares(lambda x: 1e-170 * (x - np.arange(3.0)), [5.0, 5.0, 5.0])
    assert off.success and off.x == pytest.approx([0, 1, 2], abs=1e-6)


def test_no_bound_is_written_as_none():
    for bounds in (([None, 0], [0.5, 0.5]), (None, 0.5), ([-np.inf, 0], 0.5)):
        fit = least_squares(lambda x: x - np.array([-3.0, 2.0]), [0.2, 0.2], bounds=bounds)
        assert fit.success and fit.x == pytest.approx([-3, 0.5], abs=1e-7)


@pytest.mark.parametrize("options, words", [
    ({"x_scale": [1.0, 2.0, 3.0]}, ["x_scale", "2 unknowns", "3"]),
    ({"f_scale": "a"}, ["f_scale", "'a'"]),
    ({"f_scale": [1.0, 2.0]}, ["f_scale"]),
])
def test_scales_that_do_not_fit(options, words):
    with pytest.raises(ValueError) as error:
        least_squares(rosenbrock, [0.0, 0.0], **options)
    assert all(word in str(error.value) for word in words), str(error.value)
