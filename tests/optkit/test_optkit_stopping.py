"""When runs stop and what they then claim: scaling, saddle points, idling, exceptions, bounds, threads."""

import math
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.optimize import rosen, rosen_der, rosen_hess_prod

import autodiff as ad
import optkit
from optkit import FiniteSum, Objective, Reason
from optkit.differences import gradient as inner_gradient
from optkit.differences import product as inner_product
from optkit.escape import farthest
from optkit.options import copes
from optkit.point import Point
from optkit.precision import attainable
from optkit.prox import Box
from optkit.solvers import LBFGS, METHODS
from optkit.stopping import Stop, StoppingRules
from problems import collection

X0 = np.array([-1.2, 1.0])
FULL = {name: cls for name, cls in METHODS.items() if not getattr(cls, "finite_sum", False)}
BASELINES = {"adam", "adagrad", "rmsprop"}  # they do not promise to solve anything
BOXED = [name for name, cls in FULL.items() if copes(cls, Box(np.zeros(1), np.ones(1)))]


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


A = np.random.default_rng(0).standard_normal((60, 4))
Y = np.sign(A @ np.array([1.0, -2.0, 0.5, 0.0]) + 0.5 * np.random.default_rng(1).standard_normal(60))


def logistic(x):
    return np.mean(np.logaddexp(0.0, -Y * (A @ x))) + 0.005 * (x @ x)


TOO_SLOW = {("rosenbrock", "coordinate-descent")}  # thousands of sweeps
SCALED = {"rosenbrock": (rosenbrock, X0, np.ones(2), 0.1), "logistic": (logistic, np.zeros(4), None, 0.02)}


# --- scale ---


@pytest.mark.parametrize("factor", [1e-8, 1e-4, 1e4, 1e12])
@pytest.mark.parametrize("problem, name", [(problem, name) for problem in SCALED for name in FULL
                                           if name not in BASELINES and (problem, name) not in TOO_SLOW])
def test_scaling_f_changes_nothing_about_success(name, problem, factor):
    fun, x0, x_star, loose = SCALED[problem]
    x_star = optkit.minimize(fun, x0, method="newton-cg", gtol=1e-12).x if x_star is None else x_star
    result = optkit.minimize(lambda x: factor * fun(x), x0, method=name)
    assert result.success and (result.gnorm <= result.gtol), result
    assert np.abs(result.x - x_star).max() < (1e-5 if factor > 1 else loose)


@pytest.mark.parametrize("name", ["gradient-descent", "momentum", "l-bfgs"])
def test_what_a_relative_success_says(name):
    result = optkit.minimize(lambda x: 1e12 * rosenbrock(x) + 1e13 * x[0] ** 2, X0, method=name)
    assert result.success and result.gtol >= result.gnorm
    if result.gnorm > 1e-5:
        assert "at working precision" in result.message and "its gradient to about" in result.message
        assert result.gtol == pytest.approx(1e-10 * result.history.gnorm.max())


@pytest.mark.parametrize("name", ["bfgs", "newton-cg", "trust-ncg", "l-bfgs"])
def test_an_ill_conditioned_minimum_is_not_taken_for_one_that_rounding_hides(name):
    """Meyer's function: ‖g‖∞ is stuck at 4e-3, 1e-13 of the largest, and the sixth digit of f is still open."""
    case = collection("mgh")["meyer"]
    result = optkit.minimize(case.f, case.x0, method=name, maxfev=3000)
    assert not result.success and result.gnorm > 1e-5
    if result.reason is Reason.STALLED_AT_PRECISION:
        assert "f is known to about" in result.message and "its gradient to about" in result.message


def test_attainable_accuracy_is_that_of_rounding():
    objective = Objective(lambda x: 1e10 + rosen(x), X0, jac=rosen_der)
    accuracy = attainable(objective, objective.start())
    assert 1e-6 <= accuracy.f <= 1e-5 and 1e-14 < accuracy.g < 1e-12
    assert objective.nfev == 4 and str(accuracy).startswith("f is known to about 2e-06 here, its gradient to about")
    again = Objective(lambda x: 1e10 + rosen(x), X0, jac=rosen_der)
    assert attainable(again, again.start()) == accuracy


@pytest.mark.nan_ok
def test_attainable_accuracy_next_to_a_wall_is_unknown():
    objective = Objective(lambda x: x[0] if x[0] == 1.0 else math.nan, [1.0], jac=lambda x: np.ones(1))
    accuracy = attainable(objective, objective.start())
    assert math.isnan(accuracy.g) and str(accuracy) == ""


def test_what_f_may_still_fall_by():
    H = np.diag([2.0, 8.0])
    objective = Objective(lambda x: 0.5 * x @ H @ x, [1.0, 1.0])
    point = objective.start()
    assert farthest(objective, point, 0.0) == (pytest.approx(68**0.5 / 2), pytest.approx(68 / 4)) and point.f <= 68 / 4
    concave = Objective(lambda x: -np.sum(x**2), [1.0])
    assert farthest(concave, Point(np.ones(1), -1.0, -2 * np.ones(1)), 0.0) == (math.inf, math.inf)
    flat = Objective(lambda x: x[0] ** 2 + 1e-7 * x[1] ** 2, [1.0, 1.0], jac=lambda x: np.array([2.0, 2e-7]) * x)
    assert farthest(flat, flat.start(), 0.0) == (math.inf, math.inf)  # differences do not tell 2e-7 from 0
    tiny = Objective(lambda x: 1e-200 * np.sum(x**2), [1.0])
    assert farthest(tiny, tiny.start(), 0.0)[1] == pytest.approx(1e-200)


def test_whole_floats_are_whole_numbers():
    rules = StoppingRules(maxiter=1e5, maxfev=1e4)
    assert rules.maxiter == 100_000 and type(rules.maxiter) is int and type(rules.maxfev) is int
    assert StoppingRules(maxiter=math.inf).iterations(3) == math.inf
    result = optkit.minimize(logistic, np.zeros(4), method="l-bfgs", memory=7.0, maxls=20.0)
    assert result.success


@pytest.mark.parametrize("wrong", [{"gtol": math.inf}, {"maxfev": 2.5}, {"maxiter": True}, {"maxiter": 1.5}])
def test_rules_of_the_wrong_kind_are_refused(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))}: need .*got {next(iter(wrong))}="):
        StoppingRules(**wrong)


@pytest.mark.parametrize("wrong", [
    {"compile": "no"}, {"disp": "no"}, {"memory": "a"}, {"memory": 2.5}, {"memory": True}, {"maxls": "a"}, {"c1": "a"},
    {"method": "coordinate-descent", "seed": "a"}, {"method": "newton-cg", "maxcg": 2.5},
    {"method": LBFGS(memory=2.5)}, {"method": None, "bounds": 3}, {"method": None, "bounds": [("a", 1)]}])
def test_parameters_of_the_wrong_type_are_refused_by_name(wrong):
    name = "memory" if isinstance(wrong.get("method"), LBFGS) else list(wrong)[-1]
    with pytest.raises(ValueError, match=rf"{name}(: need|=)"):
        optkit.minimize(lambda x: np.sum(x**2), [1.0], **{"method": "l-bfgs", **wrong})


@pytest.mark.parametrize("rule", ["gtol", "xtol", "ftol", "maxiter", "maxfev", "maxtime"])
@pytest.mark.parametrize("value", [-1, -1e-9, math.nan, "1", 1j])
def test_rules_that_make_no_sense_are_refused(rule, value):
    with pytest.raises(ValueError, match=f"{rule}: need"):
        StoppingRules(**{rule: value})


# --- idling ---


@dataclass(frozen=True)
class Circle:
    """Goes round in a circle on which f and ‖g‖∞ stay above what they were at the start."""

    second_order = False
    inwards: float = 0.0

    def init(self, objective, point):
        return SimpleNamespace(point=point, step=0.0, inner=0, k=0)

    def step(self, objective, state):
        k = state.k + 1
        radius = 2.0 - self.inwards * k
        x = radius * np.array([math.cos(k), math.sin(k)])
        return SimpleNamespace(point=objective.point(x), step=1.0, inner=0, k=k)


def test_a_run_in_which_nothing_improves_ends_after_200_iterations():
    call = {"fun": lambda x: x @ x, "x0": [1.0, 0.0], "jac": lambda x: 2 * x}
    result = optkit.minimize(**call, method=Circle())
    assert result.reason is Reason.STALLED_AT_PRECISION and result.nit == 200 and not result.success
    assert "neither f nor ‖∇f‖∞ improved in 200 iterations" in result.message and result.x[0] == 1.0
    assert optkit.minimize(**call, method=Circle(inwards=4e-3), maxiter=480).reason is Reason.MAXITER


def test_improvement_below_rounding_is_none():
    result = optkit.minimize(lambda x: 1.0 + 1e-18 * x[0], [1.0], jac=lambda x: np.ones(1), method=Steady())
    assert result.reason is Reason.STALLED_AT_PRECISION and result.nit == 200


class Steady:
    second_order = False

    def init(self, objective, point):
        return SimpleNamespace(point=point, step=0.0, inner=0)

    def step(self, objective, state):
        return SimpleNamespace(point=objective.point(state.point.x - 1.0), step=1.0, inner=0)


class Patient(Steady):
    max_idle = 250


def test_a_solver_may_ask_for_more_patience():
    result = optkit.minimize(lambda x: 1.0, [1.0], jac=lambda x: np.ones(1), method=Patient())
    assert result.nit == 250


def test_a_nonsmooth_problem_does_not_use_up_all_iterations():
    """Huber's loss with a scale from the median of the residuals: the gradient jumps at the minimum."""
    y = np.random.default_rng(3).standard_normal(31)

    def huber(x):
        r = y - x[0]
        z = np.abs(r) / np.sort(np.abs(r))[15]
        return np.sum(np.where(z < 1.345, 0.5 * z**2, 1.345 * (z - 0.67)))

    result = optkit.minimize(huber, [0.7], method="newton-cg", maxiter=5000)
    assert result.nit < 1000


# --- saddle points ---


def saddle(x):
    return x[0] ** 2 - x[1] ** 2 + x[1] ** 4


@pytest.mark.parametrize("name", [name for name in FULL if name not in BASELINES])
def test_every_method_leaves_a_saddle_point_it_runs_into(name):
    result = optkit.minimize(saddle, [1.0, 0.0], method=name)
    assert result.success and result.fun == pytest.approx(-0.25), result
    assert "no negative curvature" in result.message


@pytest.mark.parametrize("name", ["l-bfgs", "gradient-descent", "bfgs"])
def test_the_saddle_point_of_biggs_exp6_is_not_success(name):
    case = collection("mgh")["biggs-exp6"]
    result = optkit.minimize(case.f, case.x0, method=name, maxfev=15000)
    assert result.success and result.fun < 1e-4  # the saddle is at 5.66e-3


@pytest.mark.parametrize("name", BOXED)
def test_a_saddle_point_inside_a_box_is_left_and_nothing_is_evaluated_outside(name):
    def fun(x):
        xs.append(np.array(x))
        return saddle(x) + x[2] + x[2] ** 2

    def hessp(x, p):
        return np.array([2.0, -2 + 12 * x[1] ** 2, 2.0]) * p

    def jac(x):
        return np.array([2 * x[0], -2 * x[1] + 4 * x[1] ** 3, 1 + 2 * x[2]])

    xs: list = []
    box = [(-1, 1), (-0.3, 0.4), (0, 1)]
    result = optkit.minimize(fun, [1.0, 0.0, 1.0], jac=jac, hessp=hessp, bounds=box, method=name)
    assert result.success and result.fun in (pytest.approx(-0.16 + 0.0256), pytest.approx(-0.09 + 0.0081)), result
    outside = [x for x in xs if not all(low <= v <= high for v, (low, high) in zip(x, box, strict=True))]
    assert len(xs) > 4 and not outside


@pytest.mark.parametrize("name", BOXED)
def test_a_vertex_is_a_minimum_although_the_hessian_is_not_definite(name):
    result = optkit.minimize(lambda x: x[0] + x[1] - 3 * x[0] * x[1], [0.1, 0.1], bounds=[(0, 0.3)] * 2, method=name)
    assert result.success and "every variable is at a bound that holds it" in result.message
    np.testing.assert_array_equal(result.x, 0.0)


@pytest.mark.parametrize("name", BOXED)
def test_the_curvature_in_held_variables_does_not_matter(name):
    """−x² is held at its bound by a multiplier of 2; only y is looked at."""
    result = optkit.minimize(lambda x: x[0] - x[0] ** 2 / 4 + (x[1] - 0.5) ** 2, [0.0, 0.1],
                             bounds=[(0, 1), (0, 1)], method=name)
    assert result.success and "in the 1 free of 2 variables, lowest eigenvalue 2" in result.message


@pytest.mark.parametrize("name", BOXED)
@pytest.mark.parametrize("box", [(0, 1), (-1, 0)])
def test_a_maximum_at_a_bound_with_a_zero_multiplier_is_left_inwards(name, box):
    result = optkit.minimize(lambda x: -np.sum(x**2), [0.0], bounds=[box], method=name)
    assert result.success and abs(result.x[0]) == 1.0


@pytest.mark.parametrize("name", BOXED)
def test_where_a_bound_with_a_zero_multiplier_blocks_the_way_it_is_a_minimum(name):
    """−x y on x >= 0, y <= 0 is 0 at its lowest; its Hessian is indefinite at 0."""
    result = optkit.minimize(lambda x: -x[0] * x[1], [0.0, 0.0], bounds=[(0, 1), (-1, 0)], method=name)
    assert result.success and result.fun == 0.0, result


def test_large_problems_say_that_the_curvature_was_not_examined():
    result = optkit.minimize(lambda x: np.sum((x - 1) ** 2), np.zeros(2500), method="l-bfgs")
    assert result.success and "not examined, n = 2500 > 2000" in result.message and result.nhev == 0
    result = optkit.minimize(lambda x: np.sum(x**4 - x**2), np.zeros(2500), method="l-bfgs")
    assert result.success and result.fun == pytest.approx(-625.0) and result.nhev <= 8


def test_a_stall_at_a_saddle_point_goes_on_from_below_it():
    class StallsAtZero(Steady):
        def init(self, objective, point):
            return SimpleNamespace(point=point, step=0.0, inner=0)

        def step(self, objective, state):
            if state.point.f > 0:
                objective.point(np.zeros(2))
                raise Stop(Reason.STALLED_AT_PRECISION)
            return LBFGS().step(objective, LBFGS().init(objective, state.point))

    result = optkit.minimize(saddle, [1e-3, 0.0], method=StallsAtZero())
    assert result.success and result.fun == pytest.approx(-0.25)


def test_a_limit_at_a_saddle_point_is_not_success():
    result = optkit.minimize(saddle, [1.0, 0.0], method="gradient-descent", maxfev=3)
    assert not result.success or result.fun == pytest.approx(-0.25)
    result = optkit.minimize(lambda x: saddle(x) + 1.0, [1e-7, 0.0], method=Steady(), maxfev=1)
    assert result.reason is Reason.SADDLE_POINT and not result.success and "not followed" in result.message


@pytest.mark.parametrize("jac", ["2-point", "3-point"])
@pytest.mark.parametrize("name", ["newton-cg", "trust-exact"])
def test_differences_of_differences_show_no_saddle_point_of_a_convex_quadratic(name, jac):
    for seed in range(8):
        for offset in (0.0, 100.0):
            B = np.random.default_rng(seed).standard_normal((8, 9))
            H, b = B[:, :8] @ B[:, :8].T + 0.01 * np.eye(8), B[:, 8]
            result = optkit.minimize(lambda x, H=H, b=b, c=offset: 0.5 * x @ H @ x - b @ x + c, np.zeros(8), jac=jac,
                                     method=name)
            assert result.reason is not Reason.SADDLE_POINT, result
    one = optkit.minimize(lambda x: 1e5 + x[0] ** 2, [0.0], jac=jac, method=name)
    assert one.reason is not Reason.SADDLE_POINT
    assert optkit.minimize(saddle, [1.0, 0.0], jac=jac, method=name).fun == pytest.approx(-0.25)


def test_differenced_products_of_differenced_gradients_take_longer_steps():
    H = np.diag([1.0, 2.0, 3.0])
    for scheme, tol in (("2-point", 1e-2), ("3-point", 1e-4)):
        objective = Objective(lambda x: 1.0 + 0.5 * x @ H @ x, np.ones(3), jac=scheme)
        np.testing.assert_allclose(objective.hvp(objective.start().x)(np.ones(3)), [1.0, 2.0, 3.0], rtol=tol)


DEGENERATE = {
    "-|x|": (lambda x: -np.abs(x[0]) + x[0] ** 4, [0.0]),
    "-‖x‖": (lambda x: -np.linalg.norm(x) + np.sum(x**4), [0.0, 0.0]),
    "-x⁴": (lambda x: -(x[0] ** 4) + x[0] ** 6 + x[1] ** 2, [0.0, 0.0]),
    "x³": (lambda x: x[0] ** 3 + x[0] ** 4 + x[1] ** 2, [0.0, 0.0]),
    "monkey saddle": (lambda x: x[0] ** 3 - 3 * x[0] * x[1] ** 2 + np.sum(x**4), [0.0, 0.0]),
    "-x²": (lambda x: -np.sum(x**2) + np.sum(x**4), [0.0, 0.0]),
}


@pytest.mark.parametrize("name", ["newton-cg", "l-bfgs", "gradient-descent", "trust-exact"])
@pytest.mark.parametrize("case", DEGENERATE)
def test_stationary_starts_that_higher_orders_lead_down_from_are_left(case, name):
    fun, x0 = DEGENERATE[case]
    result = optkit.minimize(fun, x0, method=name)
    assert result.success and result.fun < -0.05


def test_a_degenerate_start_at_a_bound_is_left_inwards():
    result = optkit.minimize(lambda x: -(x[0] ** 3), [0.0], bounds=[(0, 2)])
    assert result.success and result.x[0] == 2.0


def test_a_stationary_start_is_probed_where_products_would_be_differences():
    result = optkit.minimize(lambda x: np.cos(x[0]), [0.0], jac=lambda x: -np.sin(x), method="l-bfgs")
    assert result.success and result.fun == pytest.approx(-1.0)


@pytest.mark.parametrize("power", [4, 6])
def test_a_degenerate_minimum_is_success_and_says_that_it_is_flat(power):
    result = optkit.minimize(lambda x: np.sum(x**power), [0.0, 0.0])
    assert result.success and "flat: higher orders decide" in result.message and result.nit == 0


def test_a_valley_that_is_flat_along_the_way_ends_where_the_test_holds():
    """Values along rays may be a little lower far off, with a gradient that is not small."""
    case = collection("mgh")["powell-badly-scaled"]
    result = optkit.minimize(case.f, case.x0, method="newton-cg")
    assert result.success and result.gnorm <= result.gtol


@pytest.mark.parametrize("fun", [lambda x: np.sum(np.round(x)), lambda x: np.sum(np.floor(x) ** 2)])
@pytest.mark.parametrize("name", ["newton-cg", "l-bfgs"])
def test_an_f_that_is_constant_in_pieces_is_not_solved(name, fun):
    result = optkit.minimize(fun, [1.2, 2.7], method=name)
    assert result.reason is Reason.NO_SLOPE and not result.success and "constant almost everywhere" in result.message
    assert result.fun == fun(result.x) < fun(np.array([1.2, 2.7]))


def test_a_constant_f_is_success_and_said_to_be_one():
    result = optkit.minimize(lambda x: 3.0 + 0 * x[0], [1.2, 2.7])
    assert result.success and "f does not change near x" in result.message


# --- exceptions ---


class Broken(Exception):
    pass


@pytest.mark.parametrize("where", ["fun", "jac"])
def test_stop_iteration_in_f_is_not_taken_for_that_of_the_callback(where):
    calls = {"fun": 0, "jac": 0}

    def counted(name, function):
        def call(x):
            calls[name] += 1
            if calls[where] == 4 and name == where:
                raise StopIteration
            return function(x)
        return call

    with pytest.raises(StopIteration) as caught:
        optkit.minimize(counted("fun", rosen), X0, jac=counted("jac", rosen_der), method="l-bfgs")
    assert caught.value.result.reason is Reason.EXCEPTION


def failing(at, error):
    def fun(x):
        seen.append(rosen(x))
        if len(seen) == at:
            raise error
        return seen[-1]

    seen: list = []
    return fun, seen


@pytest.mark.parametrize("name", FULL)
@pytest.mark.parametrize("at", [2, 5, 17])
def test_an_exception_in_f_passes_with_the_best_point(name, at):
    fun, seen = failing(at, Broken("no"))
    with pytest.raises(Broken, match="no") as caught:
        optkit.minimize(fun, X0, jac=rosen_der, hessp=rosen_hess_prod, method=name, gtol=1e-12)
    result = caught.value.result
    assert result.reason is Reason.EXCEPTION and not result.success and "Broken: no" in result.message
    assert result.fun == min(seen[: at - 1]) == rosen(result.x) and result.nfev in (at, at - 1)
    np.testing.assert_array_equal(result.jac, rosen_der(result.x))
    assert any("best point so far" in note and "error.result has it" in note for note in caught.value.__notes__)


@pytest.mark.parametrize("notes", [True, False])
def test_an_exception_in_callback_and_one_that_takes_no_attributes(notes):
    class Stiff(Exception):
        def __setattr__(self, name, value):
            if name == "result" or not notes:
                raise AttributeError(name)
            super().__setattr__(name, value)

    def callback(xk):
        raise Stiff

    with pytest.raises(Stiff) as caught:
        optkit.minimize(rosen, X0, jac=rosen_der, method="l-bfgs", callback=callback)
    assert not hasattr(caught.value, "result")
    found = getattr(caught.value, "__notes__", [])
    assert any("after 1 iterations" in note and "error.result" not in note for note in found) == notes


def test_an_exception_at_the_start_has_no_result():
    fun, _ = failing(1, Broken())
    with pytest.raises(Broken) as caught:
        optkit.minimize(fun, X0, jac=rosen_der)
    assert not hasattr(caught.value, "result")


@pytest.mark.nan_ok
def test_where_the_gradient_at_the_best_point_cannot_be_had_it_is_nan():
    def jac(x):
        if len(values) > 1:
            raise Broken
        return 2 * (x - 5.0)

    def fun(x):
        values.append(float(np.sum((x - 5.0) ** 2)))
        return values[-1]

    values: list = []
    with pytest.raises(Broken) as caught:
        optkit.minimize(fun, [0.0], jac=jac, method="gradient-descent")
    assert min(values) < values[0]
    assert caught.value.result.fun == min(values) and np.isnan(caught.value.result.jac).all()


@pytest.mark.parametrize("at", [2, 3, 9])
def test_ctrl_c_inside_a_line_search(at):
    fun, seen = failing(at, KeyboardInterrupt())
    result = optkit.minimize(fun, X0, jac=rosen_der, method="l-bfgs")
    assert result.reason is Reason.INTERRUPTED and not result.success and result.fun == min(seen[: at - 1])


def test_ctrl_c_in_callback_and_in_the_first_evaluation():
    def callback(xk):
        raise KeyboardInterrupt

    result = optkit.minimize(rosen, X0, jac=rosen_der, method="l-bfgs", callback=callback)
    assert result.reason is Reason.INTERRUPTED and result.nit == 1 and result.fun < rosen(X0)
    fun, _ = failing(1, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        optkit.minimize(fun, X0, jac=rosen_der)


# --- what f and callbacks may do to x ---


@pytest.mark.parametrize("derivatives", [{"jac": "own"}, {"jac": True}, {"jac": "3-point"}], ids=str)
@pytest.mark.parametrize("name", ["l-bfgs", "newton-cg", "gradient-descent"])
def test_f_that_writes_into_x_cannot_harm_the_run(name, derivatives):
    def ruin(x, value):
        x[:] = 1e9
        return value

    def hessp(x, p):
        product = rosen_hess_prod(x, p)
        return ruin(p, ruin(x, product))

    clean = {"own": rosen_der, True: True, "3-point": "3-point"}[derivatives["jac"]]
    dirty = (lambda x: ruin(x, rosen_der(x))) if derivatives["jac"] == "own" else clean
    pair = derivatives["jac"] is True
    want = optkit.minimize((lambda x: (rosen(x), rosen_der(x))) if pair else rosen, X0, jac=clean,
                           hessp=rosen_hess_prod, method=name)
    got = optkit.minimize((lambda x: ruin(x, (rosen(x), rosen_der(x)))) if pair else lambda x: ruin(x, rosen(x)), X0,
                          jac=dirty, hessp=hessp, method=name)
    np.testing.assert_array_equal(got.x, want.x)
    assert got.nfev == want.nfev and X0[0] == -1.2


@pytest.mark.parametrize("compile", [True, False])
def test_f_that_writes_into_x_is_an_error_with_a_remedy_where_the_engine_follows_it(compile):
    def fun(x):
        value = np.sum((x - 1) ** 2)
        x[0] = 7.0
        return value

    with pytest.raises(ad.TraceError, match="writes into its own argument") as caught:
        optkit.minimize(fun, np.zeros(3), compile=compile)
    assert "work on a copy" in str(caught.value)


@pytest.mark.parametrize("compile", [True, False])
@pytest.mark.parametrize("shape", ["array", "tree"])
def test_callbacks_get_copies(compile, shape):
    def spoil(intermediate_result):
        parts = intermediate_result.x, intermediate_result.jac
        for part in parts if shape == "array" else [p["a"] for p in parts]:
            part[:] = 1e9

    def spoil_x(xk):
        (xk if shape == "array" else xk["a"])[:] = 1e9

    target = np.array([1.0, 2.0])
    x0 = np.zeros(2) if shape == "array" else {"a": np.zeros(2)}

    def fun(x, t):
        return np.sum(((x if shape == "array" else x["a"]) - t) ** 4)

    results = [optkit.minimize(fun, x0, args=(target,), callback=c, compile=compile) for c in (None, spoil, spoil_x)]
    for result in results[1:]:
        np.testing.assert_equal(result.x, results[0].x)
    np.testing.assert_array_equal(target, [1.0, 2.0])


# --- differences inside bounds ---


class Fence:
    """A function that refuses to be called outside the box."""

    def __init__(self, fun, box):
        self.fun, self.box, self.calls = fun, box, 0

    def __call__(self, x):
        self.calls += 1
        assert (self.box.lower <= x).all() and (x <= self.box.upper).all(), x
        return self.fun(x)


@pytest.mark.parametrize("scheme, tol", [("2-point", 1e-6), ("3-point", 1e-8)])
@pytest.mark.parametrize("where", ["lower", "upper", "inside", "narrow"])
def test_differenced_gradients_step_inwards(scheme, tol, where):
    x = np.array([0.3, -0.7, 1.1])
    box = {"lower": Box(x, x + 1), "upper": Box(x - 1, x), "inside": Box(x - 1, x + 1),
           "narrow": Box(x - 1e-9, x + np.array([1e-6, 3e-9, 0.0]))}[where]
    fun = Fence(lambda z: np.sum(np.exp(z)) + z[0] * z[1], box)
    g = inner_gradient(fun, x, box, scheme)
    exact = np.exp(x) + np.array([x[1], x[0], 0.0])
    np.testing.assert_allclose(g, exact, atol=tol if where != "narrow" else 2e-6)
    assert fun.calls <= (4 if scheme == "2-point" else 7)


def test_a_variable_that_bounds_fix_has_slope_zero():
    box = Box(np.array([1.0, 0.0]), np.array([1.0, 2.0]))
    g = inner_gradient(Fence(rosen, box), np.array([1.0, 0.5]), box, "3-point")
    assert g[0] == 0 and g[1] == pytest.approx(-100.0)


@pytest.mark.parametrize("corner", [(0, 0, 0), (1, 0, 1), (1, 1, 1), (0, 1, 0)])
@pytest.mark.parametrize("v", [(1.0, -2.0, 0.5), (-1.0, 1.0, 1.0), (0.0, 0.0, 3.0)])
def test_differenced_products_step_inwards(corner, v):
    box = Box(np.zeros(3), np.ones(3))
    x, v = np.array(corner, dtype=float), np.array(v)
    gradient = Fence(rosen_der, box)
    got = inner_product(gradient, x, rosen_der(x), v, box)
    np.testing.assert_allclose(got, rosen_hess_prod(x, v), rtol=1e-4, atol=1e-3)
    assert 1 <= gradient.calls <= 2
    np.testing.assert_array_equal(inner_product(gradient, x, rosen_der(x), 0 * v, box), 0.0)


@pytest.mark.parametrize("name", BOXED)
@pytest.mark.parametrize("jac", ["2-point", "3-point", None])
def test_no_run_evaluates_outside_its_bounds(name, jac):
    box = Box(np.array([0.1, -1.0]), np.array([0.8, 0.5]))
    fun = Fence(lambda x: np.sum(x - 0.3 * np.log(x + [0.0, 1.5])) + (x[0] - x[1]) ** 2, box)
    own = Fence(lambda x: 1 - 0.3 / (x + [0.0, 1.5]) + 2 * (x[0] - x[1]) * np.array([1, -1]), box)
    bounds = list(zip(box.lower, box.upper, strict=True))
    result = optkit.minimize(fun, [0.8, 0.5], bounds=bounds, method=name, jac=jac or own)
    assert result.success or result.gnorm < 1e-4, result


def test_differences_that_would_leave_a_set_are_refused():
    simplex = optkit.prox.Simplex()
    with pytest.raises(ValueError, match="differences would leave the set Simplex"):
        optkit.minimize(rosen, [0.5, 0.5], jac="2-point", prox=simplex)
    objective = Objective(rosen, [0.5, 0.5], jac=rosen_der, term=simplex.on((2,)))
    with pytest.raises(ValueError, match="leave the set"):
        objective.hvp(objective.start().x)


# --- memory, threads ---


def test_large_runs_keep_to_the_vectors_of_their_memory():
    n, m = 200_000, 5
    weights = np.linspace(1.0, 30.0, n)

    def fun(x):
        return 0.5 * float(np.einsum("i,i,i", weights, x, x))

    x0 = np.ones(n)
    tracemalloc.start()
    result = optkit.minimize(fun, x0, jac=lambda x: weights * x, method=LBFGS(memory=m), maxiter=15, gtol=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result.nit == 15 and peak <= (2 * m + 10) * 8 * n, peak / (8 * n)


@pytest.mark.parametrize("name", METHODS)
def test_one_solver_object_works_on_different_problems_in_threads(name):
    solver = METHODS[name]()

    def solve(k):
        barrier.wait()
        return alone(k)

    def alone(k):
        if getattr(solver, "finite_sum", False):
            loss = FiniteSum(lambda x, a, y: np.mean((a @ x - y) ** 2), A + k, Y)
            return optkit.minimize(loss, np.zeros(4), method=solver, maxiter=12)
        return optkit.minimize(lambda x: rosen(x - 0.1 * k), np.zeros(3 + k), method=solver, maxiter=25,
                               jac=lambda x: rosen_der(x - 0.1 * k), hessp=lambda x, p: rosen_hess_prod(x - 0.1 * k, p))

    barrier = threading.Barrier(4)
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(solve, range(4)))
    for k, result in enumerate(together):
        want = alone(k)
        np.testing.assert_array_equal(result.x, want.x)
        assert [r._replace(time=0) for r in result.history] == [r._replace(time=0) for r in want.history]
