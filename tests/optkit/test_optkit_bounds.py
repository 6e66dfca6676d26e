"""Minimising within bounds and sets: against solutions known otherwise, and never an evaluation outside."""

import pickle

import numpy as np
import pytest
from scipy import optimize
from scipy.optimize import rosen_der, rosen_hess_prod

import optkit
from optkit import Objective, Point, Reason
from optkit.linesearch import Ray, StrongWolfe
from optkit.linesearch.arc import ArcArmijo
from optkit.prox import Box, L2Ball, Simplex
from optkit.solvers import LBFGSB, METHODS, ProjectedGradient, ProjectedNewton
from optkit.subproblems.bounded_quasi_newton import (
    BoundedMemory,
    generalized_cauchy_point,
    subspace_minimizer,
    to_first_bound,
)

METHODS_FOR_BOUNDS = ("l-bfgs-b", "projected-newton", "projected-gradient")
INF = np.inf


def rosen(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def least_squares_in_a_box(seed):
    """½‖Ax − b‖² in a random box with fixed, free and one-sided entries, a start outside, and scipy's solution."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 50))
    A = rng.normal(size=(n + int(rng.integers(0, 20)), n)) * np.logspace(0, rng.uniform(0, 1), n)
    b = 5 * rng.normal(size=len(A))
    lower = np.where(rng.random(n) < 0.7, -rng.random(n), -INF)
    upper = np.where(rng.random(n) < 0.7, rng.random(n), INF)
    upper = np.where((rng.random(n) < 0.1) & np.isfinite(lower), lower, upper)
    free = lower < upper
    wanted = np.where(free, 0.0, lower)
    if free.any():
        rest = b - A @ wanted
        wanted[free] = optimize.lsq_linear(A[:, free], rest, (lower[free], upper[free]), tol=1e-14, method="bvls").x
    return A, b, lower, upper, wanted, 2 * rng.normal(size=n)


def misfit(A, b, lower=-INF, upper=INF):
    """½‖Ax − b‖² with its derivatives, which fail where they are evaluated outside."""
    return {"fun": watched(lambda x: 0.5 * np.sum((A @ x - b) ** 2), lower, upper),
            "jac": watched(lambda x: A.T @ (A @ x - b), lower, upper), "hessp": lambda x, p: A.T @ (A @ p)}


def watched(f, lower, upper):
    """f that fails where it is evaluated outside."""
    def inside(x):
        assert (lower <= x).all() and (x <= upper).all()
        return f(x)

    return inside


def assert_stationary(x, g, lower, upper, tolerance):
    """The optimality conditions of min f over the box, entry by entry."""
    assert (lower <= x).all() and (x <= upper).all()
    assert (g[(x < upper)] >= -tolerance).all() and (g[(x > lower)] <= tolerance).all()


@pytest.mark.parametrize("method", METHODS_FOR_BOUNDS)
def test_bounded_least_squares_has_the_solution_of_an_active_set_method(method):
    for seed in range(12):
        A, b, lower, upper, wanted, x0 = least_squares_in_a_box(seed)
        result = optkit.minimize(**misfit(A, b, lower, upper), x0=x0, bounds=np.c_[lower, upper], method=method,
                                 gtol=1e-6)
        assert result.success, (seed, result)
        np.testing.assert_allclose(result.x, wanted, atol=1e-6)
        assert_stationary(result.x, A.T @ (A @ result.x - b), lower, upper, 1e-6)
        fixed = lower == upper
        np.testing.assert_array_equal(result.x[fixed], lower[fixed])


@pytest.mark.parametrize("method", METHODS_FOR_BOUNDS)
def test_nonnegative_least_squares(method):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        A, b = rng.normal(size=(30, 20)), rng.normal(size=30)
        wanted, residual = optimize.nnls(A, b)
        result = optkit.minimize(**misfit(A, b), x0=np.ones(20), method=method, bounds=[(0, None)] * 20, gtol=1e-8)
        assert result.success and result.fun == pytest.approx(residual**2 / 2, rel=1e-10)
        np.testing.assert_allclose(result.x, wanted, atol=1e-7)
        np.testing.assert_array_equal(result.x == 0, wanted == 0)


# x1, x2 at a bound: the rest is a problem in one unknown.
ROSENBROCK = [
    ((-INF, 0.5), (-INF, INF), (0.5, 0.25)),
    ((1.5, INF), (-INF, INF), (1.5, 2.25)),
    ((-INF, INF), (-INF, 0.0), None),
    ((-2.0, 2.0), (2.0, 3.0), None),
    ((-0.5, 0.5), (-0.5, 0.5), (0.5, 0.25)),
    ((1.0, 1.0), (-INF, INF), (1.0, 1.0)),
    ((-0.3, -0.3), (0.7, 0.7), (-0.3, 0.7)),
    ((-INF, INF), (-INF, INF), (1.0, 1.0)),
    ((0.0, 1.0), (0.0, 1.0), (1.0, 1.0)),  # degenerate: the free minimum lies in a corner
]


@pytest.mark.parametrize("method", METHODS_FOR_BOUNDS)
@pytest.mark.parametrize("first, second, wanted", ROSENBROCK)
def test_rosenbrock_in_a_box(method, first, second, wanted):
    lower, upper = np.array([first, second]).T
    for x0 in ([-1.2, 1.0], np.clip([5.0, 5.0], lower, upper), np.clip([-5.0, -5.0], lower, upper)):
        result = optkit.minimize(watched(rosen, lower, upper), x0, jac=watched(rosen_der, lower, upper), method=method,
                                 hessp=rosen_hess_prod, bounds=[first, second], gtol=1e-7)
        assert result.success, result
        assert_stationary(result.x, rosen_der(result.x), lower, upper, 1e-7)
        if wanted is not None:
            np.testing.assert_allclose(result.x, wanted, atol=1e-5)


@pytest.mark.parametrize("method", METHODS_FOR_BOUNDS)
def test_every_bound_active_and_the_start_in_the_solution(method):
    result = optkit.minimize(lambda x: np.sum(np.arange(1, 6) * x) + np.sum(x**2), np.full(5, 7.0), method=method,
                             bounds=[(-1, 3)] * 4 + [(2, INF)])
    assert result.success
    np.testing.assert_array_equal(result.x[1:], [-1, -1, -1, 2])
    assert result.x[0] == pytest.approx(-0.5, abs=1e-5)
    again = optkit.minimize(lambda x: np.sum(x), [0.0, 0.0], bounds=[(0, 1)] * 2, method=method)
    assert again.success and again.nit == 0 and not again.x.any()


@pytest.mark.parametrize("method", METHODS_FOR_BOUNDS)
def test_degenerate_bounds_where_the_multiplier_is_zero(method):
    """x* = (0, 0, 1) with g = 0 at the active bounds."""
    result = optkit.minimize(lambda x: x[0] ** 2 + x[1] ** 4 + (x[2] - 1) ** 2, [2.0, 1.0, 3.0], method=method,
                             bounds=[(0, None), (0, None), (None, 1)], gtol=1e-9)
    assert result.success
    np.testing.assert_allclose(result.x, [0, 0, 1], atol=2e-3)


@pytest.mark.nan_ok
@pytest.mark.parametrize("method", METHODS_FOR_BOUNDS)
def test_bounds_keep_f_where_it_is_defined_and_trials_that_are_not_finite_are_no_end(method):
    result = optkit.minimize(lambda x: np.sum(x - 1e-3 * np.log(x)), [0.5, 0.3], bounds=[(1e-12, 1)] * 2, method=method)
    assert result.success
    np.testing.assert_allclose(result.x, 1e-3, rtol=1e-2)
    result = optkit.minimize(lambda x: np.sum(x - 1e-3 * np.log(x)), [0.5, 0.3], bounds=[(-1, 1)] * 2, method=method)
    assert result.success
    np.testing.assert_allclose(result.x, 1e-3, rtol=1e-2)


@pytest.mark.nan_ok
@pytest.mark.parametrize("method", METHODS_FOR_BOUNDS)
def test_what_falls_without_end_inside_the_bounds_is_no_success(method):
    for f in (lambda x: -np.sum(x), lambda x: -np.sum(x**2) + x[0]):
        result = optkit.minimize(f, [1.0, 1.0], bounds=[(0, None)] * 2, method=method, maxiter=500)
        assert not result.success, result


@pytest.mark.parametrize("method", METHODS_FOR_BOUNDS)
def test_nonconvex_within_bounds(method):
    """−½x·x + Σ x⁴/4 in [−0.5, 0.5]: concave inside, so minima are at corners."""
    result = optkit.minimize(lambda x: np.sum(x**4 / 4 - x**2 / 2), [0.1, -0.2, 0.3], bounds=[(-0.5, 0.5)] * 3,
                             method=method)
    assert result.success
    np.testing.assert_array_equal(result.x, [0.5, -0.5, 0.5])


@pytest.mark.parametrize("method", METHODS_FOR_BOUNDS)
def test_a_state_saved_in_the_middle_goes_on_to_the_same_bits(method):
    box = Box(np.full(10, -2.0), np.tile([0.8, INF], 5))
    start = np.tile([-1.2, 1.0], 5)

    def objective():
        return Objective(rosen, start, jac=rosen_der, hessp=rosen_hess_prod, term=box)

    solver, one, other = METHODS[method](), objective(), objective()
    state = solver.init(one, one.start())
    for _ in range(6):
        state = solver.step(one, state)
    saved = pickle.loads(pickle.dumps(state))
    for _ in range(4):
        state, saved = solver.step(one, state), solver.step(other, saved)
        np.testing.assert_array_equal(state.point.x, saved.point.x)
        assert state.point.f == saved.point.f


@pytest.mark.parametrize("method", ["l-bfgs-b", "projected-newton"])
def test_f_never_rises(method):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        lower = rng.uniform(-1.5, 0.5, 10)
        values = optkit.minimize(rosen, rng.normal(size=10), bounds=np.c_[lower, lower + 1], method=method).history.f
        assert (np.diff(values) <= 1e-14 * np.abs(values[:-1])).all()


def test_bounds_choose_a_method_that_copes():
    result = optkit.minimize(rosen, [0.0, 0.0], bounds=[(-1, 0.5)] * 2)
    assert result.success and result.method in METHODS_FOR_BOUNDS
    for method in ("bfgs", "l-bfgs", "sr1", "owl-qn"):
        with pytest.raises(ValueError, match="l-bfgs-b"):
            optkit.minimize(rosen, [0.0, 0.0], bounds=[(-1, 0.5)] * 2, method=method)


# --- the pieces of L-BFGS-B -----------------------------------------------------------------------------------------


def model(seed, m=4, n=9):
    """A memory with m pairs of a convex quadratic, its dense B, a point in a box and a gradient."""
    rng = np.random.default_rng(seed)
    C = rng.normal(size=(n, n))
    H, memory = C @ C.T + np.eye(n), BoundedMemory.empty(m, n)
    for _ in range(m + seed % 3):
        s = rng.normal(size=n)
        assert memory.add(s, H @ s)
    compact = memory.compact()
    W = compact.WT.T
    B = compact.theta * np.eye(n) - W @ np.linalg.solve(compact.M, W.T)
    lower = np.where(rng.random(n) < 0.7, -rng.random(n) * 0.3, -INF)
    upper = np.where(rng.random(n) < 0.7, rng.random(n) * 0.3, INF)
    x = np.clip(0.3 * rng.normal(size=n), lower, upper)
    return x, 3 * rng.normal(size=n), Box(lower, upper), compact, B


def first_minimiser_on_the_path(x, g, box, B):
    """The same by walking from breakpoint to breakpoint with dense algebra."""
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(g < 0, (x - box.upper) / g, np.where(g > 0, (x - box.lower) / g, INF))
    at, here = 0.0, x
    for end in [*np.unique(t[(t > 0) & np.isfinite(t)]), INF]:
        d = np.where(t > at, -g, 0.0)
        if not d.any():
            return here
        slope, bend = g @ d + d @ B @ (here - x), d @ B @ d
        if slope >= 0:
            return here
        if at - slope / bend < end:
            return here - slope / bend * d
        here, at = box.prox(x - end * g, 1.0), end
    raise AssertionError


@pytest.mark.parametrize("stretch", [1, 2, 1024])
@pytest.mark.parametrize("seed", range(12))
def test_the_cauchy_point_is_the_first_minimiser_on_the_projected_path(seed, stretch, monkeypatch):
    monkeypatch.setattr("optkit.subproblems.bounded_quasi_newton.STRETCH", stretch)
    x, g, box, compact, B = model(seed)
    cauchy = generalized_cauchy_point(x, g, box, compact)
    np.testing.assert_allclose(cauchy.x, first_minimiser_on_the_path(x, g, box, B), atol=1e-9)
    np.testing.assert_allclose(cauchy.c, compact.WT @ (cauchy.x - x), atol=1e-8)
    at_bound = (cauchy.x == box.lower) | (cauchy.x == box.upper)
    np.testing.assert_array_equal(~cauchy.free, at_bound)


@pytest.mark.parametrize("seed", range(12))
def test_the_subspace_step_minimises_the_model_over_the_free_entries(seed):
    x, g, box, compact, B = model(seed)
    cauchy = generalized_cauchy_point(x, g, box, compact)
    free = cauchy.free
    exact = cauchy.x.copy()
    exact[free] -= np.linalg.solve(B[np.ix_(free, free)], (g + B @ (cauchy.x - x))[free])
    target = subspace_minimizer(x, g, box, compact, cauchy)
    projected = np.clip(exact, box.lower, box.upper)
    if g @ (projected - x) < 0:
        np.testing.assert_allclose(target, projected, atol=1e-8)
    assert g @ (target - x) < 0
    np.testing.assert_array_equal(target, np.clip(target, box.lower, box.upper))


def test_where_the_projection_leads_uphill_the_step_stops_at_the_first_bound():
    """Morales & Nocedal 2011: then the segment to the first bound is taken; it is always downhill."""
    for seed in (6896,):  # it is rare
        rng = np.random.default_rng(seed)
        C, memory = rng.normal(size=(4, 4)), BoundedMemory.empty(4, 4)
        for _ in range(4):
            s = rng.normal(size=4)
            memory.add(s, (C @ C.T + 0.01 * np.eye(4)) @ s)
        lower, upper = -(10 ** rng.uniform(-3, 1, 4)), 10 ** rng.uniform(-3, 1, 4)
        x, g = np.zeros(4), rng.normal(size=4)
        box, compact = Box(lower, upper), memory.compact()
        cauchy = generalized_cauchy_point(x, g, box, compact)
        B = compact.theta * np.eye(4) - compact.WT.T @ np.linalg.solve(compact.M, compact.WT)
        d = -compact.inverse_on(cauchy.free, g + B @ cauchy.x)
        assert g @ np.clip(cauchy.x + d, lower, upper) >= 0
        target = subspace_minimizer(x, g, box, compact, cauchy)
        alpha = min(1.0, to_first_bound(cauchy.x, d, box))
        np.testing.assert_allclose(target, cauchy.x + alpha * d, atol=1e-10)
        assert g @ target < 0


def test_how_far_it_is_to_the_first_bound():
    box = Box([-1.0, -INF, 0.0], [2.0, 5.0, INF])
    assert to_first_bound(np.zeros(3), np.array([1.0, 1.0, 1.0]), box) == 2.0
    assert to_first_bound(np.zeros(3), np.array([-1.0, 10.0, 0.0]), box) == 0.5
    assert to_first_bound(np.zeros(3), np.array([0.0, -1.0, 1.0]), box) == INF
    assert to_first_bound(np.zeros(3), np.array([0.0, 0.0, -1.0]), box) == 0.0


def test_without_bounds_l_bfgs_b_is_l_bfgs():
    x0 = np.tile([-1.2, 1.0], 5)
    plain = optkit.minimize(rosen, x0, jac=rosen_der, method="l-bfgs", maxiter=20, gtol=0)
    for bounds in (None, [(None, None)] * 10, [(-1e3, 1e3)] * 10):
        result = optkit.minimize(rosen, x0, jac=rosen_der, method="l-bfgs-b", bounds=bounds, maxiter=20, gtol=0)
        np.testing.assert_allclose(result.history.f, plain.history.f, rtol=1e-7)


def test_the_search_of_l_bfgs_b_stays_before_the_first_bound():
    longest = []

    def search(ray, alpha):
        trial = StrongWolfe()(ray, alpha)
        longest.append((ray.longest, trial.alpha))
        return trial

    result = optkit.minimize(rosen, [-1.2, 1.0, 0.3], bounds=[(-2, 0.9)] * 3, method=LBFGSB(search=search))
    assert result.success and all(alpha <= limit and limit >= 1 for limit, alpha in longest)
    assert any(alpha == limit for limit, alpha in longest)


def test_a_strong_wolfe_search_ends_at_the_longest_step():
    asked = []

    def f(x):
        asked.append(float(x[0]))
        return -x[0]

    objective = Objective(f, [0.0], jac=lambda x: -np.ones(1))
    ray = Ray(objective, objective.start(), np.ones(1), 3.0)
    trial = StrongWolfe()(ray, 1.0)
    assert trial.alpha == 3.0 and max(asked) == 3.0


@pytest.mark.parametrize("seed", range(8))
def test_l_bfgs_b_is_never_worse_than_scipys_and_takes_no_more_evaluations(seed):
    """Bounded Rosenbrock functions and least squares; over all of them at most as many evaluations."""
    rng = np.random.default_rng(seed)
    ours = theirs = 0
    for n in (2, 5, 10, 30):
        lower = np.where(rng.random(n) < 0.6, rng.uniform(-2, 1, n), -INF)
        upper = np.where(rng.random(n) < 0.6, np.maximum(lower, -2) + 2 * rng.random(n), INF)
        bounds, x0 = np.c_[lower, upper], rng.normal(size=n)
        result = optkit.minimize(rosen, x0, jac=rosen_der, bounds=bounds, method="l-bfgs-b", gtol=1e-7)
        twin = optimize.minimize(rosen, np.clip(x0, lower, upper), jac=rosen_der, bounds=bounds, method="L-BFGS-B",
                                 options={"gtol": 1e-7, "ftol": 0, "maxiter": 10_000})
        assert result.success
        assert_stationary(result.x, rosen_der(result.x), lower, upper, 1e-7)
        if np.linalg.norm(result.x - twin.x) < 0.1:  # the same of several minima
            assert result.fun <= twin.fun + 1e-10
            ours, theirs = ours + result.nfev, theirs + twin.nfev
    assert ours <= 1.2 * theirs + 10


# --- projected Newton and gradient ----------------------------------------------------------------------------------


def test_projected_newton_is_quadratic_once_the_active_bounds_are_known():
    def f(x):
        return np.sum(np.exp(x) - 2 * x) + np.sum((x[1:] - x[:-1]) ** 2)

    result = optkit.minimize(f, np.full(8, 3.0), bounds=[(1.0, None)] * 3 + [(None, None)] * 5, gtol=1e-13,
                             method="projected-newton")
    errors = result.history.gnorm
    last = errors[(errors < 1e-1) & (errors > 0)]
    assert result.success and len(last) <= 5
    assert all(b <= 20 * a**1.7 + 1e-14 for a, b in zip(last, last[1:], strict=False))
    np.testing.assert_array_equal(result.x[:3], 1.0)


def test_projected_newton_takes_bounds_that_the_gradient_pushes_to_and_leaves_the_others():
    point = Point(np.array([0.0, 1e-6, 0.5, 0.0, 1.0, 0.3]), 0.0, np.array([1.0, 1.0, 1.0, -1.0, -1.0, 0.0]))
    box = Box(np.array([0, 0, 0, 0, 0, 0.3]), np.array([1, 1, 1, 1, 1, 0.3]))
    target = ProjectedNewton()._bounds_to_go_to(point, box, 1.0)
    np.testing.assert_array_equal(target, [0.0, 0.0, np.nan, np.nan, 1.0, 0.3])
    exact = ProjectedNewton()._bounds_to_go_to(point, box, 1e-9)
    np.testing.assert_array_equal(exact, [0.0, np.nan, np.nan, np.nan, 1.0, 0.3])


def test_projected_newton_solves_bounded_quadratics_in_a_few_steps():
    steps = []
    for seed in range(20):
        A, b, lower, upper, _, x0 = least_squares_in_a_box(seed)
        steps.append(optkit.minimize(**misfit(A, b), x0=x0, bounds=np.c_[lower, upper], method="projected-newton").nit)
    assert max(steps) <= 15


@pytest.mark.parametrize("rule", ["spectral", "armijo"])
def test_projected_gradients_on_a_ball_and_a_simplex(rule):
    rng = np.random.default_rng(0)
    c = 2 * rng.normal(size=6)
    solver = ProjectedGradient(rule=rule)
    result = optkit.minimize(lambda x: 0.5 * np.sum((x - c) ** 2), np.zeros(6), prox=L2Ball(1.0), method=solver,
                             gtol=1e-8)
    assert result.success
    np.testing.assert_allclose(result.x, c / np.linalg.norm(c), atol=1e-7)
    C = rng.normal(size=(6, 6))
    Q = C @ C.T
    result = optkit.minimize(lambda x: 0.5 * x @ Q @ x - c @ x, np.full(6, 1 / 6), prox=Simplex(), method=solver,
                             gtol=1e-7)
    g = Q @ result.x - c
    assert result.success and result.x.sum() == pytest.approx(1) and (result.x >= 0).all()
    level = g[result.x > 1e-6].min()
    assert (g >= level - 1e-5).all() and np.ptp(g[result.x > 1e-6]) < 1e-5


def test_the_armijo_rule_never_lets_f_rise_and_the_spectral_one_does():
    def run(rule):
        return optkit.minimize(rosen, [-1.2, 1.0], bounds=[(-2, 0.8), (-2, 2)], method="projected-gradient", rule=rule,
                               maxiter=2000)

    assert (np.diff(run("armijo").history.f) <= 0).all()
    spectral = run("spectral")
    assert spectral.success and (np.diff(spectral.history.f) > 0).any()


def test_projected_gradients_take_sets_and_nothing_else():
    with pytest.raises(ValueError, match="does not handle"):
        optkit.minimize(rosen, [0.0, 0.0], prox=optkit.prox.L1(1.0), method="projected-gradient")
    with pytest.raises(ValueError, match="ProjectedGradient: need rule one of"):
        ProjectedGradient(rule="newton")
    with pytest.raises(ValueError, match="ProjectedNewton: need epsilon > 0"):
        ProjectedNewton(epsilon=0.0)


# --- the search along a bent path -----------------------------------------------------------------------------------


def along(f, g, box, x0, alpha, search=ArcArmijo()):  # noqa: B008
    objective = Objective(f, x0, jac=g, term=box)
    point = objective.start()
    found = search(objective, point, lambda a: box.prox(point.x - a * point.g, 1.0),
                   lambda _, x: float(point.g.dot(point.x - x)), 0.0, alpha)
    return objective, point, found


def test_the_arc_search_finds_sufficient_decrease_and_shortens_until_it_does():
    box = Box(np.array([-1.0, -1.0]), np.array([2.0, 2.0]))
    objective, point, found = along(lambda x: np.sum(x**4), lambda x: 4 * x**3, box, [1.5, -0.9], 100.0)
    alpha, trial = found
    assert alpha < 100 and trial.f <= point.f - 1e-4 * point.g @ (point.x - trial.x)
    assert (trial.x >= -1).all() and objective.nfev >= 3


@pytest.mark.nan_ok
def test_the_arc_search_gives_up_uphill_and_comes_back_from_where_f_is_not_finite():
    box = Box(np.array([-10.0]), np.array([10.0]))
    objective = Objective(lambda x: x[0] ** 2, [1.0], jac=lambda x: 2 * x)
    point = objective.start()
    assert ArcArmijo()(objective, point, lambda a: point.x + a, lambda a, _: -2 * a, 0.0, 1.0) is None
    with np.errstate(invalid="ignore"):
        alpha, trial = along(lambda x: x[0] - np.log(x[0]), lambda x: 1 - 1 / x, box, [3.0], 50.0)[2]
    assert trial.x[0] > 0 and trial.f < 3 - np.log(3)


def test_within_rounding_of_f_gradients_tell_whether_the_step_goes_down():
    """1 + x² at 1e-9: all values are 1, yet the step to 0 is taken and the one to −3e-9 is not."""
    box = Box(np.array([-1.0]), np.array([1.0]))
    f, g = (lambda x: 1 + x[0] ** 2), (lambda x: 2 * x)
    alpha, trial = along(f, g, box, [1e-9], 0.5)[2]
    assert trial.x[0] == 0 and trial.f == 1.0
    alpha, trial = along(f, g, box, [1e-9], 2.0)[2]
    assert alpha < 1.0 and abs(trial.x[0]) < 1e-9


def test_the_trapezium_rule_is_exact_for_a_quadratic_and_a_linear_term(rng):
    from optkit.linesearch.arc import _trapezium

    H, w = np.diag([1.0, 4.0, 9.0]), np.array([0.5, -1.0, 2.0])
    a, b = (Point(x, 0.5 * x @ H @ x, H @ x) for x in rng.normal(size=(2, 3)))
    assert _trapezium(a, b, w) == pytest.approx(b.f - a.f + w @ (b.x - a.x), rel=1e-12)


def test_the_forcing_term_of_projected_newton_makes_it_quadratic():
    from optkit.solvers.projected_newton import State

    solver, free = ProjectedNewton(eta_max=0.5), np.ones(2, bool)
    objective = Objective(lambda x: x @ x, [3.0, 4.0], jac=lambda x: 2 * x, hessp=lambda x, p: 2 * p)
    point = objective.start()
    for before, eta in ((0.0, 0.5), (100.0, 0.9 * 0.1**2), (10.0, 0.5)):
        assert solver._newton(objective, point, free, 10.0, State(point, 0.0, 0, 0.5, before))[1] == pytest.approx(eta)


def test_stalling_within_bounds_is_said():
    result = optkit.minimize(lambda x: np.sum((x - 0.3) ** 4), [0.9, 0.1], bounds=[(0, 1)] * 2, method="l-bfgs-b",
                             gtol=0.0)
    assert result.success or result.reason in (Reason.STALLED_AT_PRECISION, Reason.MAXITER)
    assert not result.success or not result.jac.any()


@pytest.mark.parametrize("f, x0, bounds, x", [
    (lambda x: x[0], [0.0005], [(0, 1)], [0.0]),
    (lambda x: np.sum((x + 1) ** 2), [1e-3, 1e-4], [(0, None)] * 2, [0.0, 0.0]),
    (lambda x: np.sum(np.sqrt(x)), [0.5, 0.3], [(0, 1)] * 2, [0.0, 0.0]),
    (lambda x: (x[0] - 2) ** 2 + x[1], [2.0, 1e-4], [(0, 1.9999), (0, 1)], [1.9999, 0.0]),
])
def test_a_start_beside_bounds_that_hold_every_variable(f, x0, bounds, x):
    for method in (None, *METHODS_FOR_BOUNDS):
        result = optkit.minimize(f, x0, bounds=bounds, method=method)
        assert result.success, (method, result)
        np.testing.assert_allclose(result.x, x, atol=1e-5)


def test_projected_newton_on_small_problems_from_starts_near_at_and_beyond_the_bounds():
    rng = np.random.default_rng(5)
    for _ in range(150):
        n = int(rng.integers(1, 5))
        A, c = rng.normal(size=(n, n)), rng.normal(size=n)
        lower = rng.choice([0.0, -1.0, 1e-3], size=n)
        upper = lower + rng.choice([0.0, 1e-12, 1e-3, 1.0, 2.0], size=n)
        x0 = rng.choice([lower, lower + 1e-4 * rng.random(n), upper, lower + rng.normal(size=n)])
        H = rng.choice([A @ A.T, A + A.T, np.zeros((n, n))])
        result = optkit.minimize(lambda x, H=H, c=c: 0.5 * x @ H @ x + c @ x, x0, method="projected-newton",
                                 bounds=list(zip(lower, upper, strict=True)))
        x = result.x
        assert result.success and (lower <= x).all() and (x <= upper).all()
        assert np.abs(x - np.clip(x - (H @ x + c), lower, upper)).max() <= 1.0001e-5
