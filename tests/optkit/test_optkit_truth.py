"""What a result says is true: success means optimal, counts are exact, x is the best point, limits are kept."""

import math
import os
import time
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import rosen, rosen_der, rosen_hess_prod

import optkit
from optkit import Objective, Reason
from optkit.solvers import METHODS, GradientDescent, Momentum
from optkit.stopping import Stop

X0 = np.array([-1.2, 1.0])
SOLVERS = {
    **{name: cls() for name, cls in METHODS.items() if not hasattr(cls, "finite_sum")},
    "heavy-ball": Momentum(scheme="heavy-ball"),
    "armijo": GradientDescent(rule="armijo"),
}
BASELINES = ("adam", "adagrad", "rmsprop")  # their steps are as long as a rate says, so they go nowhere far, nor fast
SEARCHING = [name for name in SOLVERS if name not in BASELINES]


class Recorded:
    """Rosenbrock that remembers every point and value, and counts every call."""

    def __init__(self):
        self.xs, self.fs, self.gs, self.hs = [], [], 0, 0

    def fun(self, x):
        self.xs.append(x.copy())
        self.fs.append(rosen(x))
        return self.fs[-1]

    def jac(self, x):
        self.gs += 1
        return rosen_der(x)

    def hessp(self, x, p):
        self.hs += 1
        return rosen_hess_prod(x, p)

    def minimize(self, solver, **options):
        return optkit.minimize(self.fun, X0, jac=self.jac, hessp=self.hessp, method=solver, **options)


@pytest.mark.parametrize("name", SOLVERS)
@given(maxfev=st.integers(1, 60))
def test_whatever_the_budget_the_result_is_the_best_point_with_exact_counts(name, maxfev):
    recorded = Recorded()
    result = recorded.minimize(SOLVERS[name], maxfev=maxfev)
    assert result.nfev == len(recorded.fs) <= maxfev
    assert result.njev == recorded.gs and result.nhev == recorded.hs
    assert result.fun == pytest.approx(min(recorded.fs), rel=1e-14)
    assert result.fun == rosen(result.x) and any((result.x == x).all() for x in recorded.xs)
    np.testing.assert_array_equal(result.jac, rosen_der(result.x))
    assert (
        result.success
        == (result.reason is Reason.CONVERGED)
        == (result.gnorm <= result.gtol)
        == (np.abs(result.jac).max() <= 1e-5)
    )
    assert result.success or result.reason is Reason.MAXFEV
    assert result.history.f[0] == recorded.fs[0] and len(result.history) == result.nit + 1


@pytest.mark.parametrize("name", SOLVERS)
def test_every_call_of_a_pair_is_counted_also_for_differenced_products(name):
    calls = []

    def pair(x):
        calls.append(1)
        return rosen(x), rosen_der(x)

    result = optkit.minimize(pair, X0, jac=True, method=SOLVERS[name], maxfev=150)
    assert result.nfev == len(calls)


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("maxiter", [0, 1, 5])
def test_the_iteration_limit_is_kept(name, maxiter):
    result = Recorded().minimize(SOLVERS[name], maxiter=maxiter)
    assert result.nit == maxiter and result.reason is Reason.MAXITER and not result.success and result.status == 1


def test_the_time_limit_is_kept_inside_a_line_search():
    calls = []

    def slow(x):
        calls.append(1)
        time.sleep(0.004)
        return -float(x[0])  # the search goes on and on: twenty trials an iteration

    result = optkit.minimize(slow, [0.0], jac=lambda x: np.array([-1.0]), method="l-bfgs", maxtime=0.02)
    assert result.reason is Reason.MAXTIME and len(calls) <= 6 and not result.success


def test_the_time_limit_is_kept_inside_cg():
    def hessp(x, p):
        time.sleep(0.004)
        return np.logspace(0, 6, 50) * p

    result = optkit.minimize(
        lambda x: 0.5 * np.sum(np.logspace(0, 6, 50) * x**2) - np.sum(x),
        np.zeros(50),
        method="newton-cg",
        jac=lambda x: np.logspace(0, 6, 50) * x - 1,
        hessp=hessp,
        maxtime=0.02,
    )
    assert result.reason is Reason.MAXTIME and result.nhev <= 6


@pytest.mark.parametrize("name", SEARCHING)
@pytest.mark.parametrize("factor", [1e-8, 1e-20])
def test_a_small_f_is_not_taken_for_a_solved_one(name, factor):
    """At x0 the gradient of 1e-8·rosen is below gtol; a plain test would stop there."""
    result = optkit.minimize(
        lambda x: factor * rosen(x),
        X0,
        jac=lambda x: factor * rosen_der(x),
        method=SOLVERS[name],
        hessp=lambda x, p: factor * rosen_hess_prod(x, p),
        maxiter=20000,
    )
    assert result.success and result.fun < 1e-4 * factor
    assert result.gtol == pytest.approx(1e-5 * min(1, 232.8 * factor), rel=0.1)


def test_a_large_f_is_solved_or_called_unsolved():
    result = optkit.minimize(lambda x: 1e8 * rosen(x), X0, jac=lambda x: 1e8 * rosen_der(x), method="l-bfgs")
    assert result.success == (np.abs(1e8 * rosen_der(result.x)).max() <= 1e-5)


@pytest.mark.parametrize("name", SOLVERS)
def test_a_run_from_the_solution_of_another_succeeds(name):
    first = optkit.minimize(rosen, X0, jac=rosen_der, hessp=rosen_hess_prod, method="l-bfgs", gtol=1e-8)
    again = optkit.minimize(rosen, first.x, jac=rosen_der, hessp=rosen_hess_prod, method=SOLVERS[name], gtol=1e-8)
    assert again.success and again.fun <= first.fun and again.gnorm <= again.gtol <= 1e-8
    offset = optkit.minimize(
        lambda x: rosen(x) + 1.0, first.x, jac=rosen_der, hessp=rosen_hess_prod, method=SOLVERS[name], gtol=1e-7
    )
    assert offset.success and offset.nit == 0


@pytest.mark.parametrize("option, reason", [("xtol", Reason.XTOL), ("ftol", Reason.FTOL)])
@pytest.mark.parametrize("method", ["l-bfgs", "gradient-descent"])
def test_a_small_step_or_decrease_alone_is_not_success(method, option, reason):
    result = optkit.minimize(rosen, X0, jac=rosen_der, method=method, gtol=1e-12, **{option: 1e-3})
    assert result.reason is reason and not result.success and result.nit < 60
    assert np.abs(result.jac).max() > 1e-12 and "‖∇f(x)‖∞" in result.message
    result = optkit.minimize(rosen, X0, jac=rosen_der, method=method, gtol=1e3, **{option: 1e3})
    assert result.success


@pytest.mark.parametrize("name", SOLVERS)
def test_a_wrong_gradient_ends_stalled_and_not_in_success(name):
    result = optkit.minimize(
        rosen, X0, jac=lambda x: -rosen_der(x), hessp=rosen_hess_prod, method=SOLVERS[name], maxiter=200
    )
    assert result.reason in (Reason.STALLED_AT_PRECISION, Reason.MAXITER) and not result.success
    assert result.fun <= rosen(X0) and result.nfev < 1000


def test_where_rounding_hides_the_decrease_slopes_find_the_minimum():
    """f is 1e10 plus something below its rounding: values alone would stall with a gradient of 1e-2."""
    for name in ("l-bfgs", "newton-cg", "trust-ncg"):
        result = optkit.minimize(
            lambda x: 1e10 + rosen(x), [1.001, 1.003], jac=rosen_der, hessp=rosen_hess_prod, method=name
        )
        assert result.success or result.reason is Reason.STALLED_AT_PRECISION
        assert result.success == (np.abs(result.jac).max() <= 1e-5)


@pytest.mark.nan_ok
@pytest.mark.parametrize(
    "fun, jac, hessp",
    [
        (lambda x: -np.sum(x), lambda x: -np.ones(2), lambda x, p: 0 * p),
        (lambda x: -np.sum(x**2), lambda x: -2 * x, lambda x, p: -2 * p),
        (lambda x: np.sum(x**3), lambda x: 3 * x**2, lambda x, p: 6 * x * p),
        (lambda x: -np.sum(np.exp(x)), lambda x: -np.exp(x), lambda x, p: -np.exp(x) * p),
        (
            lambda x: x[0] ** 2 - x[1] ** 4,
            lambda x: np.array([2 * x[0], -4 * x[1] ** 3]),
            lambda x, p: np.array([2, -12 * x[1] ** 2]) * p,
        ),
    ],
    ids=["linear", "-x²", "x³", "-exp", "-x⁴"],
)
@pytest.mark.parametrize("name", SEARCHING)
def test_an_f_without_lower_bound_is_detected(name, fun, jac, hessp):
    result = optkit.minimize(fun, [-1.0, 2.0], jac=jac, hessp=hessp, method=SOLVERS[name])
    assert result.reason is Reason.UNBOUNDED and not result.success
    assert math.isfinite(result.fun) and result.fun < -1e15


@pytest.mark.nan_ok
def test_minus_infinity_is_a_rejected_trial_that_is_remembered():
    def fun(x):
        return float(x[0]) if x[0] >= 0 else -math.inf

    result = optkit.minimize(fun, [1.0], jac=lambda x: np.ones(1), method="l-bfgs")
    assert result.reason is Reason.UNBOUNDED and result.fun == 0.0


# --- the last word, on a solver that goes where it is told ---


@dataclass(frozen=True)
class Tour:
    """Visits these points, each by one step, then raises `end`; `extra` points are evaluated inside the first step."""

    xs: tuple
    end: Reason = Reason.STALLED_AT_PRECISION
    extra: tuple = ()
    second_order = False

    def init(self, objective, point):
        return SimpleNamespace(point=point, step=0.0, inner=0, k=0)

    def step(self, objective, state):
        for x in self.extra:
            objective.point(np.array([x]))
        if state.k == len(self.xs):
            raise Stop(self.end)
        return SimpleNamespace(point=objective.point(np.array([self.xs[state.k]])), step=1.0, inner=0, k=state.k + 1)


def test_a_stationary_point_above_the_best_one_is_not_the_result():
    """g vanishes at 0 where f = 0, but f(5) = −3 was seen on the way: the run goes on from there, and then gives up."""
    result = optkit.minimize(
        lambda x: -3.0 if x[0] == 5 else float(x[0] ** 2), [1.0], method=Tour((5.0, 0.0)), jac=lambda x: 2 * x
    )
    assert result.x[0] == 5.0 and result.fun == -3.0 and not result.success
    assert result.reason is Reason.STALLED_AT_PRECISION


def test_among_equal_values_the_smaller_gradient_is_the_better_point():
    result = optkit.minimize(lambda x: 1.0, [1.0], jac=lambda x: x, method=Tour((0.5,)), maxiter=1)
    assert result.x[0] == 0.5 and result.reason is Reason.MAXITER


def test_a_limit_met_at_an_optimal_point_is_success():
    result = optkit.minimize(
        lambda x: float(x[0] ** 2), [1.0], jac=lambda x: 2 * x, method=Tour((3.0,), extra=(0.0,)), maxfev=2
    )
    assert result.success and result.x[0] == 0.0 and "limit on evaluations" in result.message


@pytest.mark.parametrize("gradient", [0.9e-5, 1.1e-5, 1e-2])
def test_a_stall_is_no_success_where_f_is_small(gradient):
    result = optkit.minimize(lambda x: 1e-9 * float(x[0]), [1.0], jac=lambda x: np.array([gradient]), method=Tour(()))
    assert not result.success and result.status == 2 and "no step lowers f" in result.message


SMALL_F = {
    "linear, at the edge of its domain": (lambda x: 1e-6 * np.sum(x) + 0 * np.sum(np.sqrt(x)), [0.5, 0.3], {}),
    "linear, at a bound": (lambda x: 1e-6 * np.sum(x) + 0 * np.sum(np.log(x)), [0.5, 0.3],
                           {"bounds": [(0, 1)] * 2, "method": "fista"}),
    "a jump": (lambda x: 1e-6 * (np.sum(x**2) + np.where(x[0] > 0.2, 0, 5)), [1.0, 1.0], {"maxiter": 300}),
    "a wall": (lambda x: 1e-6 * (np.sum(x**2) + np.where(x[0] < 0.1, np.nan, 0)), [1.0, 1.0], {}),
    "a kink": (lambda x: 1e-6 * (abs(x[0] - 0.3) + abs(x[1] + 0.2) + 0.1 * np.sum(x**2)), [0.7, -0.4],
               {"method": "arc"}),
}


@pytest.mark.nan_ok
@pytest.mark.parametrize("case", SMALL_F)
def test_a_stall_of_a_small_f_above_its_minimum_is_not_success(case):
    fun, x0, options = SMALL_F[case]
    result = optkit.minimize(fun, x0, **options)
    assert not result.success and result.gnorm > result.gtol


@pytest.mark.nan_ok
def test_minus_infinity_comes_before_a_stall():
    result = optkit.minimize(lambda x: 1e-6 * np.sum(x**2) if x[0] > 0.1 else -np.inf, [3.0, 3.0])
    assert result.reason is Reason.UNBOUNDED and not result.success


@pytest.mark.parametrize("products", ["exact", "differenced"])
@pytest.mark.parametrize("name", ["l-bfgs", "cg", "gradient-descent"])
def test_a_start_at_a_solution_with_f_near_zero_is_success(name, products):
    """At 1e-9 from it the test wants ‖g‖∞ <= 1e-15, which rounding does not allow."""
    more = {"hessp": rosen_hess_prod} if products == "exact" else {}
    result = optkit.minimize(rosen, [1.0 + 1e-12, 1.0], jac=rosen_der, method=name, **more)
    assert result.success and result.gnorm <= result.gtol


# --- saddle points ---


def saddle(x):
    return x[0] ** 2 - x[1] ** 2 + x[1] ** 4


def saddle_g(x):
    return np.array([2 * x[0], -2 * x[1] + 4 * x[1] ** 3])


def saddle_hp(x, p):
    return np.array([2, -2 + 12 * x[1] ** 2]) * p


@pytest.mark.parametrize("name", SOLVERS)
def test_a_start_at_a_saddle_point_or_maximum_is_left(name):
    for x0 in ([0.0, 0.0],):
        result = optkit.minimize(saddle, x0, jac=saddle_g, hessp=saddle_hp, method=SOLVERS[name])
        assert result.success and result.fun == pytest.approx(-0.25)
    result = optkit.minimize(
        lambda x: float(np.cos(x[0])),
        [0.0],
        jac=lambda x: -np.sin(x),
        hessp=lambda x, p: -np.cos(x) * p,
        method=SOLVERS[name],
    )
    assert result.success and result.fun == pytest.approx(-1.0)


@pytest.mark.nan_ok
@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_a_maximum_with_a_wall_on_one_side_is_left_on_the_other(side):
    def fun(x):
        return float(-(x[0] ** 2) + 0.5 * x[0] ** 4) if side * x[0] >= 0 else math.nan

    result = optkit.minimize(
        fun, [0.0], jac=lambda x: -2 * x + 2 * x**3, hessp=lambda x, p: (-2 + 6 * x**2) * p, method="newton-cg"
    )
    assert result.success and result.x[0] == pytest.approx(side)


@pytest.mark.parametrize("name", ["newton-cg", "trust-ncg"])
@pytest.mark.parametrize("products", ["exact", "differenced"])
def test_second_order_methods_leave_a_saddle_point_they_run_into(name, products):
    hessp = saddle_hp if products == "exact" else None
    result = optkit.minimize(saddle, [1.0, 0.0], jac=saddle_g, hessp=hessp, method=name)
    assert result.success and result.fun == pytest.approx(-0.25) and "no negative curvature" in result.message


def test_first_order_methods_do_not_claim_a_minimum_at_a_saddle_point():
    result = optkit.minimize(saddle, [1.0, 0.0], jac=saddle_g, method="l-bfgs")
    assert result.fun == 0.0 and "minim" not in result.message and "not examined" in result.message


def test_a_saddle_point_that_cannot_be_left_is_reported():
    """hessp lies about the curvature, so no lower point is found along it."""
    result = optkit.minimize(
        lambda x: np.sum(x**2), [0.0, 0.0], jac=lambda x: 2 * x, hessp=lambda x, p: -2 * p, method="newton-cg"
    )
    assert result.reason is Reason.SADDLE_POINT and not result.success


def test_a_hessian_that_is_singular_at_the_minimum_is_not_called_a_saddle_point():
    result = optkit.minimize(lambda x: np.sum((x - 1) ** 4), np.zeros(3), method="newton-cg", gtol=1e-9)
    assert result.success


# --- interruption, disagreement ---


@pytest.mark.parametrize("name", SOLVERS)
def test_ctrl_c_gives_the_best_point(name):
    recorded = Recorded()

    def fun(x):
        if len(recorded.fs) == 12:
            recorded.fs.append(math.inf)
            raise KeyboardInterrupt
        return recorded.fun(x)

    result = optkit.minimize(fun, X0, jac=rosen_der, hessp=rosen_hess_prod, method=SOLVERS[name])
    assert result.reason is Reason.INTERRUPTED and not result.success and result.fun == min(recorded.fs)
    np.testing.assert_array_equal(result.jac, rosen_der(result.x))


def test_ctrl_c_before_there_is_a_point_is_passed_on():
    def fun(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        optkit.minimize(fun, X0, jac=rosen_der)


def test_a_plain_value_that_disagrees_with_the_compiled_one_is_a_reason_of_its_own(monkeypatch):
    monkeypatch.setenv("OPTKIT_TEST_OFFSET", "1.0")

    def fun(x):
        return np.sum((x - 1.0) ** 2) + float(os.environ["OPTKIT_TEST_OFFSET"])

    def shift(xk):
        if len(seen) == 5:
            monkeypatch.setenv("OPTKIT_TEST_OFFSET", "2.0")
        seen.append(xk)

    seen: list = []
    solver = GradientDescent(rule="fixed", alpha=0.1)
    result = optkit.minimize(fun, np.zeros(3), method=solver, callback=shift)
    assert result.reason is Reason.DISAGREEMENT and not result.success
    assert result.fun == fun(result.x) and "compile=False" in result.message
    monkeypatch.setenv("OPTKIT_TEST_OFFSET", "1.0")
    seen.clear()
    assert (
        optkit.minimize(fun, np.zeros(3), method=solver, callback=shift, compile=False).reason
        is not Reason.DISAGREEMENT
    )
    assert optkit.minimize(lambda x: np.sum((x - 1.0) ** 2) + 1.0, np.zeros(3), method=solver).success


def test_disagreement_is_found_whatever_the_engine_trusts(monkeypatch):
    monkeypatch.setattr(Objective, "compiled", True)
    monkeypatch.setattr(Objective, "plain_value", lambda self, x: rosen(x) + 1.0)
    result = optkit.minimize(rosen, X0, jac=rosen_der, method="l-bfgs")
    assert result.reason is Reason.DISAGREEMENT and not result.success and result.fun == pytest.approx(1.0)
    monkeypatch.setattr(Objective, "plain_value", lambda self, x: rosen(x) * (1 + 1e-12) + 1e-14)
    assert optkit.minimize(rosen, X0, jac=rosen_der, method="l-bfgs").success
    monkeypatch.setattr(Objective, "plain_value", lambda self, x: math.nan)
    assert optkit.minimize(rosen, X0, jac=rosen_der, method="l-bfgs").reason is Reason.DISAGREEMENT


# --- the objective itself ---


def test_an_objective_counts_remembers_and_freezes():
    recorded = Recorded()
    objective = Objective(recorded.fun, X0, jac=recorded.jac)
    point = objective.start()
    assert (objective.nfev, objective.njev) == (1, 1)
    assert not point.x.flags.writeable and not point.g.flags.writeable
    x = np.array([0.5, 0.5])
    objective.value(x)
    objective.point(x)  # the value is known
    assert (objective.nfev, objective.njev) == (2, 2) == (len(recorded.fs), recorded.gs)
    assert objective.best.x is x and objective.best.f == rosen(x)
    objective.value(np.array([3.0, 3.0]))
    assert objective.best.x is x


@pytest.mark.parametrize("pair", [False, True])
def test_a_value_that_is_not_remembered_any_more_is_counted_again(pair):
    recorded = Recorded()
    both = (lambda x: (recorded.fun(x), recorded.jac(x))) if pair else recorded.fun
    objective = Objective(both, X0, jac=pair or recorded.jac)
    a, b = np.array([0.5, 0.5]), np.array([0.6, 0.6])
    objective.point(objective.start().x)
    assert objective.nfev == len(recorded.fs) == 1
    objective.value(a)
    objective.point(b)
    objective.point(a)
    assert objective.nfev == len(recorded.fs) == 4
    objective.point(a)
    objective.value(b)
    objective.hvp(a)(np.ones(2))
    objective.point(b)
    assert objective.nfev == len(recorded.fs)


def test_a_factorisation_that_fails_leaves_nothing_remembered():
    calls = []

    def fun(x):
        calls.append(1)
        return float(np.linalg.cholesky(x.reshape(1, 1))[0, 0])

    objective = Objective(fun, [1.0], jac=lambda x: np.ones(1))
    objective.start()
    x = np.array([-1.0])
    assert objective.value(x) == math.inf and objective.point(x).f == math.inf
    assert objective.nfev == len(calls) == 3


def test_a_lower_point_met_by_differenced_products_is_not_dropped():
    objective = Objective(lambda x: (rosen(x), rosen_der(x)), X0, jac=True)
    start = objective.start()
    objective.hvp(start.x)(-start.g)
    assert objective.best.f < start.f and objective.best.f == rosen(objective.best.x)
    assert objective.nfev == objective.njev == 2


@pytest.mark.parametrize("jac", ["2-point", "3-point"])
@pytest.mark.parametrize("method", ["newton-cg", "l-bfgs", "trust-exact"])
@pytest.mark.parametrize("maxfev", [1, 5, 30, 47])
def test_limits_hold_inside_differences(jac, method, maxfev):
    recorded = Recorded()
    x0 = np.full(10, 1.5)
    result = optkit.minimize(recorded.fun, x0, jac=jac, method=method, maxfev=maxfev)
    assert result.reason is Reason.MAXFEV and not result.success
    assert result.nfev == len(recorded.fs) == maxfev
    assert result.fun == rosen(result.x) <= recorded.fs[0]
    assert maxfev > 10 or (result.nit == 0 and np.isnan(result.jac).all() and (result.x == x0).all())


def test_the_time_limit_holds_inside_differences():
    calls = []

    def slow(x):
        calls.append(1)
        time.sleep(0.004)
        return rosen(x)

    result = optkit.minimize(slow, np.full(300, 1.5), jac="2-point", maxtime=0.02)
    assert result.reason is Reason.MAXTIME and len(calls) <= 6 and result.fun == rosen(result.x)


def test_a_limit_within_the_differences_at_the_start_of_a_constrained_run_ends_in_a_result():
    constraint = {"type": "eq", "fun": lambda x: np.sum(x) - 1}
    result = optkit.minimize(rosen, np.zeros(3), jac="2-point", constraints=constraint, maxfev=2)
    assert result.reason is Reason.MAXFEV and not result.success


@pytest.mark.nan_ok
def test_a_start_where_f_is_not_finite_is_refused_before_a_limit_is():
    with pytest.raises(optkit.objective.UndefinedStart):
        optkit.minimize(lambda x: math.nan, [1.0, 2.0], jac="2-point", maxfev=2)


def test_the_value_at_which_differences_were_cut_short_is_the_best_point():
    objective = Objective(rosen, np.full(4, 1.5), jac="2-point")
    objective.start()
    objective.maxfev = objective.nfev + 3
    with pytest.raises(Stop):
        objective.point(np.ones(4))
    objective.salvage()
    assert objective.best_without_gradient.f == 0.0


def test_a_run_that_a_limit_ends_within_differences_gives_the_value_before_them():
    whole = optkit.minimize(lambda x: float(x[0] ** 2), [1.0], jac="2-point", method=Tour(()), maxiter=0).nfev
    result = optkit.minimize(lambda x: float(x[0] ** 2), [1.0], jac="2-point", method=Tour((0.5,)), maxfev=whole + 1)
    assert result.reason is Reason.MAXFEV and result.fun == 0.25 and np.isnan(result.jac[0])


@pytest.mark.nan_ok
def test_a_point_without_a_finite_gradient_is_not_the_best_one():
    result = optkit.minimize(lambda x: float(x[0] ** 2), [1.0], jac=lambda x: 2 * x if x[0] == 1 else x * math.nan,
                             method=Tour((0.5,), end=Reason.MAXFEV))
    assert result.x[0] == 1.0 and result.jac[0] == 2.0


def test_best_computes_the_gradient_a_value_left_out():
    recorded = Recorded()
    objective = Objective(recorded.fun, X0, jac=recorded.jac)
    objective.start()
    x = np.array([1.0, 1.1])
    objective.value(x)
    np.testing.assert_array_equal(objective.best.g, rosen_der(x))
    assert objective.njev == recorded.gs == 2 and objective.best is objective.best


def test_differenced_products_are_close_and_cost_a_gradient_each():
    recorded = Recorded()
    objective = Objective(recorded.fun, X0, jac=recorded.jac)
    hv = objective.hvp(objective.start().x)
    v = np.array([0.3, -2.0])
    np.testing.assert_allclose(hv(v), rosen_hess_prod(X0, v), rtol=1e-5)
    np.testing.assert_array_equal(hv(np.zeros(2)), 0)
    assert not objective.has_exact_hvp and objective.nhev == 2 and objective.njev == recorded.gs == 2
    assert objective.nfev == len(recorded.fs) == 1


def test_engine_products_are_exact_and_stay_valid_after_later_calls():
    objective = Objective(lambda x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2), X0)
    objective.start()
    hv = objective.hvp(X0)
    other = objective.hvp(np.array([2.0, 2.0]))
    v = np.array([0.3, -2.0])
    np.testing.assert_allclose(hv(v), rosen_hess_prod(X0, v), rtol=1e-12)
    np.testing.assert_allclose(other(v), rosen_hess_prod(np.array([2.0, 2.0]), v), rtol=1e-12)
    assert objective.has_exact_hvp and objective.nhev == 2


@pytest.mark.nan_ok
def test_what_is_not_finite_counts_as_infinitely_high():
    objective = Objective(lambda x: float(x[0]), [1.0], jac=lambda x: np.array([np.nan if x[0] > 2 else 1.0]))
    objective.start()
    assert objective.point(np.array([3.0])).f == math.inf
    assert objective.value(np.array([np.nan])) == math.inf
    assert objective.value(np.array([-np.inf])) == math.inf and objective.saw_minus_infinity
    assert objective.best.f == 1.0


def test_a_factorisation_that_fails_at_a_trial_point_is_a_rejected_trial():
    failed = []

    def f(t):
        if t[0] < 0:
            failed.append(1)
        return 0.5 * t[0] - np.sum(np.log(np.diag(np.linalg.cholesky(np.eye(2) * t[0]))))

    for method in ("newton-cg", "l-bfgs", "trust-ncg"):
        res = optkit.minimize(f, np.array([10.0]), method=method)          # Newton's first step goes to −30
        assert res.success and abs(res.x[0] - 2.0) < 1e-4, method
    assert failed
    with pytest.raises(np.linalg.LinAlgError):
        optkit.minimize(f, np.array([-1.0]))


@pytest.mark.parametrize("method", ["fista", "projected-gradient", "projected-newton", "l-bfgs-b"])
def test_a_lower_value_without_a_gradient_is_not_the_best_point(method):
    with np.errstate(all="ignore"):
        result = optkit.minimize(lambda x: np.sum(np.sqrt(x)), [20.0, 1.0], bounds=[(0, 1)] * 2, method=method)
    assert np.isfinite(result.fun) and np.isfinite(result.jac).all()
