"""General constraints: the Hock–Schittkowski collection, optimality recomputed here, what must not pass as solved."""

import math
import pickle

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse
from scipy.optimize import LinearConstraint, NonlinearConstraint

import optkit
from optkit.constrained import SLSQP, Constraints, Run, TrustConstr, restoration
from optkit.constrained.kkt import examine
from optkit.constrained.restoration import restored
from optkit.prox import L1, Box
from optkit.stopping import Reason

METHODS = ("trust-constr", "slsqp")
each_method = pytest.mark.parametrize("method", METHODS)


def eq(fun, **more):
    return {"type": "eq", "fun": fun, **more}


def ineq(fun, **more):
    return {"type": "ineq", "fun": fun, **more}


def bowl(x):
    return np.sum((x - 1) ** 2)


# Hock & Schittkowski 1981, Test Examples for Nonlinear Programming Codes: number -> f, x0, constraints, bounds, x*, f*.
HS = {
    6: (lambda x: (1 - x[0]) ** 2, [-1.2, 1], [eq(lambda x: 10 * (x[1] - x[0] ** 2))], None, [1, 1], 0),
    7: (lambda x: np.log(1 + x[0] ** 2) - x[1], [2, 2], [eq(lambda x: (1 + x[0] ** 2) ** 2 + x[1] ** 2 - 4)], None,
        [0, math.sqrt(3)], -math.sqrt(3)),
    10: (lambda x: x[0] - x[1], [-10, 10], [ineq(lambda x: -3 * x[0] ** 2 + 2 * x[0] * x[1] - x[1] ** 2 + 1)], None,
         [0, 1], -1),
    11: (lambda x: (x[0] - 5) ** 2 + x[1] ** 2 - 25, [4.9, 0.1], [ineq(lambda x: -(x[0] ** 2) + x[1])], None,
         [1.234773, 1.524671], -8.498464223),
    12: (lambda x: 0.5 * x[0] ** 2 + x[1] ** 2 - x[0] * x[1] - 7 * x[0] - 7 * x[1], [0, 0],
         [ineq(lambda x: 25 - 4 * x[0] ** 2 - x[1] ** 2)], None, [2, 3], -30),
    14: (lambda x: (x[0] - 2) ** 2 + (x[1] - 1) ** 2, [2, 2],
         [ineq(lambda x: -0.25 * x[0] ** 2 - x[1] ** 2 + 1), eq(lambda x: x[0] - 2 * x[1] + 1)], None,
         [0.5 * (math.sqrt(7) - 1), 0.25 * (math.sqrt(7) + 1)], 9 - 2.875 * math.sqrt(7)),
    15: (lambda x: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2, [-2, 1],
         [ineq(lambda x: [x[0] * x[1] - 1, x[0] + x[1] ** 2])], [(None, 0.5), (None, None)], [0.5, 2], 306.5),
    22: (lambda x: (x[0] - 2) ** 2 + (x[1] - 1) ** 2, [2, 2],
         [ineq(lambda x: [-x[0] - x[1] + 2, -(x[0] ** 2) + x[1]])], None, [1, 1], 1),
    24: (lambda x: ((x[0] - 3) ** 2 - 9) * x[1] ** 3 / (27 * np.sqrt(3)), [1, 0.5],
         [ineq(lambda x: [x[0] / np.sqrt(3) - x[1], x[0] + np.sqrt(3) * x[1], 6 - x[0] - np.sqrt(3) * x[1]])],
         [(0, None), (0, None)], [3, math.sqrt(3)], -1),
    26: (lambda x: (x[0] - x[1]) ** 2 + (x[1] - x[2]) ** 4, [-2.6, 2, 2],
         [eq(lambda x: (1 + x[1] ** 2) * x[0] + x[2] ** 4 - 3)], None, None, 0),
    28: (lambda x: (x[0] + x[1]) ** 2 + (x[1] + x[2]) ** 2, [-4, 1, 1], [LinearConstraint([[1, 2, 3]], 1, 1)], None,
         [0.5, -0.5, 0.5], 0),
    35: (lambda x: 9 - 8 * x[0] - 6 * x[1] - 4 * x[2] + 2 * x[0] ** 2 + 2 * x[1] ** 2 + x[2] ** 2 + 2 * x[0] * x[1]
         + 2 * x[0] * x[2], [0.5] * 3, [ineq(lambda x: 3 - x[0] - x[1] - 2 * x[2])], [(0, None)] * 3,
         [4 / 3, 7 / 9, 4 / 9], 1 / 9),
    39: (lambda x: -x[0], [2] * 4, [eq(lambda x: [x[1] - x[0] ** 3 - x[2] ** 2, x[0] ** 2 - x[1] - x[3] ** 2])], None,
         [1, 1, 0, 0], -1),
    40: (lambda x: -x[0] * x[1] * x[2] * x[3], [0.8] * 4,
         [eq(lambda x: [x[0] ** 3 + x[1] ** 2 - 1, x[0] ** 2 * x[3] - x[2], x[3] ** 2 - x[1]])], None,
         [2 ** (-1 / 3), 2 ** (-1 / 2), 2 ** (-11 / 12), 2 ** (-1 / 4)], -0.25),
    43: (lambda x: x[0] ** 2 + x[1] ** 2 + 2 * x[2] ** 2 + x[3] ** 2 - 5 * x[0] - 5 * x[1] - 21 * x[2] + 7 * x[3],
         [0] * 4,
         [ineq(lambda x: [8 - x[0] ** 2 - x[1] ** 2 - x[2] ** 2 - x[3] ** 2 - x[0] + x[1] - x[2] + x[3],
                          10 - x[0] ** 2 - 2 * x[1] ** 2 - x[2] ** 2 - 2 * x[3] ** 2 + x[0] + x[3],
                          5 - 2 * x[0] ** 2 - x[1] ** 2 - x[2] ** 2 - 2 * x[0] + x[1] + x[3]])], None,
         [0, 1, 2, -1], -44),
    47: (lambda x: (x[0] - x[1]) ** 2 + (x[1] - x[2]) ** 3 + (x[2] - x[3]) ** 4 + (x[3] - x[4]) ** 4,
         [2, math.sqrt(2), -1, 2 - math.sqrt(2), 0.5],
         [eq(lambda x: [x[0] + x[1] ** 2 + x[2] ** 3 - 3, x[1] - x[2] ** 2 + x[3] - 1, x[0] * x[4] - 1])], None, None,
         0),
    48: (lambda x: (x[0] - 1) ** 2 + (x[1] - x[2]) ** 2 + (x[3] - x[4]) ** 2, [3, 5, -3, 2, -2],
         [LinearConstraint([[1, 1, 1, 1, 1], [0, 0, 1, -2, -2]], [5, -3], [5, -3])], None, [1] * 5, 0),
    65: (lambda x: (x[0] - x[1]) ** 2 + (x[0] + x[1] - 10) ** 2 / 9 + (x[2] - 5) ** 2, [-5, 5, 0],
         [ineq(lambda x: 48 - x[0] ** 2 - x[1] ** 2 - x[2] ** 2)], [(-4.5, 4.5), (-4.5, 4.5), (-5, 5)],
         [3.650461821, 3.65046168, 4.6204170507], 0.9535288567),
    71: (lambda x: x[0] * x[3] * (x[0] + x[1] + x[2]) + x[2], [1, 5, 5, 1],
         [ineq(lambda x: x[0] * x[1] * x[2] * x[3] - 25), eq(lambda x: np.sum(x**2) - 40)], [(1, 5)] * 4,
         [1, 4.7429994, 3.8211503, 1.3794082], 17.0140173),
    76: (lambda x: x[0] ** 2 + 0.5 * x[1] ** 2 + x[2] ** 2 + 0.5 * x[3] ** 2 - x[0] * x[2] + x[2] * x[3] - x[0]
         - 3 * x[1] + x[2] - x[3], [0.5] * 4,
         [ineq(lambda x: [5 - x[0] - 2 * x[1] - x[2] - x[3], 4 - 3 * x[0] - x[1] - 2 * x[2] + x[3],
                          x[1] + 4 * x[2] - 1.5])], [(0, None)] * 4, [0.2727273, 2.090909, 0, 0.5454545], -4.681818181),
    78: (lambda x: x[0] * x[1] * x[2] * x[3] * x[4], [-2, 1.5, 2, -1, -1],
         [eq(lambda x: [np.sum(x**2) - 10, x[1] * x[2] - 5 * x[3] * x[4], x[0] ** 3 + x[1] ** 3 + 1])], None,
         [-1.717142, 1.595708, 1.827248, -0.7636429, -0.7636435], -2.91970041),
    100: (lambda x: (x[0] - 10) ** 2 + 5 * (x[1] - 12) ** 2 + x[2] ** 4 + 3 * (x[3] - 11) ** 2 + 10 * x[4] ** 6
          + 7 * x[5] ** 2 + x[6] ** 4 - 4 * x[5] * x[6] - 10 * x[5] - 8 * x[6], [1, 2, 0, 4, 0, 1, 1],
          [ineq(lambda x: [127 - 2 * x[0] ** 2 - 3 * x[1] ** 4 - x[2] - 4 * x[3] ** 2 - 5 * x[4],
                           282 - 7 * x[0] - 3 * x[1] - 10 * x[2] ** 2 - x[3] + x[4],
                           196 - 23 * x[0] - x[1] ** 2 - 6 * x[5] ** 2 + 8 * x[6],
                           -4 * x[0] ** 2 - x[1] ** 2 + 3 * x[0] * x[1] - 2 * x[2] ** 2 - 5 * x[5] + 11 * x[6]])], None,
          [2.330499, 1.951372, -0.4775414, 4.365726, -0.624487, 1.038131, 1.594227], 680.6300573),
}


def residual(result, f, constraints, bounds):
    """max of ‖∇f + Jᵀλ + λ_x‖∞, violation and wrong signs, with derivatives by differences and the result's λ."""
    x, left, wrong = result.x, differences(f, result.x)[0], 0.0
    for c, v in zip(constraints, result.multipliers, strict=True):
        if isinstance(c, LinearConstraint):
            J, values, low, high = np.asarray(c.A), c.A @ x, c.lb, c.ub
        else:
            J, values = differences(c["fun"], x), np.ravel(c["fun"](x))
            low, high = 0.0, 0.0 if c["type"] == "eq" else math.inf
        left = left + J.T @ v
        wrong = max(wrong, np.max(low - values), np.max(values - high))
        if np.any(np.asarray(low) < high):
            wrong = max(wrong, np.max(v), np.max(np.abs(v * (values - low))))
    left = left + result.bound_multipliers
    for xi, v, (low, high) in zip(x, result.bound_multipliers, bounds or [(None, None)] * x.size, strict=True):
        assert (low is None or xi >= low) and (high is None or xi <= high)
        gap = (xi - low if v < 0 else high - xi) if v else 0.0
        wrong = max(wrong, abs(v * gap))
    return max(np.abs(left).max(), wrong)


def differences(f, x):
    def column(i):
        e = np.zeros(x.size)
        e[i] = 1e-6 * max(1, abs(x[i]))
        return (np.ravel(f(x + e)) - np.ravel(f(x - e))) / (2 * e[i])

    return np.stack([column(i) for i in range(x.size)], axis=1)


@each_method
@pytest.mark.parametrize("number", HS)
def test_hock_schittkowski(number, method):
    f, x0, constraints, bounds, x_star, f_star = HS[number]
    result = optkit.minimize(f, np.array(x0, float), constraints=constraints, bounds=bounds, method=method)
    assert result.success and result.method == method, result
    assert result.fun == pytest.approx(f_star, rel=2e-5, abs=2e-5)
    assert x_star is None or result.x == pytest.approx(x_star, abs=2e-4)
    assert result.constraint_violation <= 1e-6 and result.optimality <= 1e-5
    assert residual(result, f, constraints, bounds) <= 2e-5
    assert result.nfev <= (200 if number == 15 else 40)


def test_the_default_chooses_by_size():
    small = optkit.minimize(bowl, np.zeros(3), constraints=eq(lambda x: np.sum(x)))
    assert small.method == "slsqp" and "constraints" in small.choice and "<= 100" in small.choice
    large = optkit.minimize(bowl, np.zeros(120), constraints=eq(lambda x: x[:-1] * x[1:] - 0.25))
    assert large.method == "trust-constr" and large.success and "> 100" in large.choice
    assert large.x == pytest.approx(np.full(120, 0.5), abs=1e-5)
    assert optkit.minimize(bowl, np.zeros(2), constraints=eq(np.sum), method=SLSQP(ctol=1e-9)).success


# --- never falsely successful ------------------------------------------------------------------------------------


def test_a_stop_of_scipy_is_not_a_solution():
    """SLSQP stops with success where f changes by less than ftol: here at the start, far from the minimum at 0."""
    f = lambda x: 1e-8 * np.sum(x**4)  # noqa: E731
    claimed = scipy.optimize.minimize(f, [1.0, 1.0], method="SLSQP", jac=lambda x: 4e-8 * x**3,
                                      constraints=ineq(lambda x: x[0] + 5))
    assert claimed.success and claimed.x == pytest.approx([1, 1])
    result = optkit.minimize(f, [1.0, 1.0], method="slsqp", constraints=ineq(lambda x: x[0] + 5))
    assert result.success and np.abs(result.x).max() < 0.05 and np.abs(result.jac).max() <= 1e-5 * 4e-8


@each_method
@pytest.mark.nan_ok
def test_nan_at_trial_points(method):
    result = optkit.minimize(lambda x: np.sum(x - 1e-3 * np.log(x)), [0.5, 0.3], method=method,
                             constraints=ineq(lambda x: x[0] - 1e-5))
    assert result.success and result.x == pytest.approx([1e-3, 1e-3], rel=0.02)
    walled = optkit.minimize(np.sum, [0.5, 0.3], method=method, constraints=ineq(lambda x: 2 + np.log(x)))
    assert walled.success and walled.x == pytest.approx(np.exp([-2, -2]), rel=1e-4)


INFEASIBLE = {
    "contradiction": (bowl, [0.0, 0.0], [ineq(lambda x: x[0] - 2), ineq(lambda x: 1 - x[0])], None, 0.5),
    "no real root": (bowl, [0.3, 0.2], [eq(lambda x: np.sum(x**2) + 1)], None, 1.0),
    "against bounds": (bowl, [0.3, 0.2], [eq(lambda x: x[0] + x[1] - 5)], [(0, 1), (0, 1)], 3.0),
    "parallel planes": (bowl, [0.0, 0.0], [LinearConstraint([[1, 1], [1, 1]], [0, 1], [0, 1])], None, 0.5),
    "all fixed": (bowl, [0.0], [eq(lambda x: x[0] - 1)], [(0, 0)], 1.0),
}


@each_method
@pytest.mark.parametrize("name", INFEASIBLE)
def test_infeasible_problems_say_so_at_the_least_violated_point(name, method):
    f, x0, constraints, bounds, least = INFEASIBLE[name]
    result = optkit.minimize(f, x0, constraints=constraints, bounds=bounds, method=method)
    assert result.reason is Reason.INFEASIBLE and not result.success and "constraints" in result.message
    assert result.constraint_violation == pytest.approx(least, rel=1e-2)


def test_an_unfinished_restoration_is_no_proof(monkeypatch):
    """Far from feasible after one evaluation, but the violation still falls."""
    def run():
        objective = optkit.Objective(bowl, [30.0, -20.0])
        constraints = Constraints(eq(lambda x: x[0] ** 3 + x[1]), objective)
        made = Run(objective, constraints, SLSQP(), optkit.StoppingRules(), [])
        made.kkt(made.at(objective.x0))
        return made

    assert abs(run().constraints.value(restored(run(), np.array([30.0, -20.0])))[0]) <= 1e-6
    monkeypatch.setattr(restoration, "MAX_NFEV", 2)
    assert abs(run().constraints.value(restored(run(), np.array([30.0, -20.0])))[0]) > 1e-6


@each_method
def test_degenerate_constraints(method):
    twice = optkit.minimize(bowl, np.zeros(3), method=method, constraints=[
        eq(lambda x: x[0] + x[1] - 1), eq(lambda x: 2 * x[0] + 2 * x[1] - 2), eq(lambda x: x[2] - 3)])
    assert twice.success and twice.x == pytest.approx([0.5, 0.5, 3])
    as_many = optkit.minimize(bowl, np.zeros(2), method=method,
                              constraints=eq(lambda x: [x[0] - 1, x[1] - 2, x[0] + x[1] - 3]))
    assert as_many.success and as_many.x == pytest.approx([1, 2])
    redundant = optkit.minimize(bowl, np.array([5.0, 0, 0]), method=method, constraints=ineq(
        lambda x: [1 - np.sum(x**2), 2 - 2 * np.sum(x**2), 1 - np.sum(x**2)]))
    assert redundant.success and redundant.x == pytest.approx(np.full(3, 3**-0.5), abs=1e-4)


@each_method
def test_where_no_multipliers_exist_it_is_not_success(method):
    """x₁² + x₂² <= 0 leaves only 0, where its gradient vanishes: no λ makes ∇f + λ∇c = 0."""
    result = optkit.minimize(np.sum, np.ones(2), method=method, constraints=ineq(lambda x: -np.sum(x**2)))
    assert not result.success and result.constraint_violation <= 1e-6 and result.optimality > 1e-5


@each_method
def test_saddle_points_and_maxima_are_left(method):
    """(1, 0) satisfies the first-order conditions and is the highest point of the circle."""
    circle = optkit.minimize(lambda x: x[0], [1.0, 0.0], method=method, constraints=eq(lambda x: x @ x - 1))
    assert circle.success and circle.x == pytest.approx([-1, 0], abs=1e-5)
    saddle = optkit.minimize(lambda x: -(x[0] ** 2) + x[1] ** 2, [0.0, 0.0], method=method,
                             constraints=ineq(lambda x: [1 - x[0], x[0] + 1]))
    assert saddle.success and saddle.fun == pytest.approx(-1)


@each_method
def test_unbounded_below(method):
    result = optkit.minimize(lambda x: x[0], [1.0, 1.0], method=method, constraints=eq(lambda x: x[1] - 1))
    assert result.reason is Reason.UNBOUNDED and not result.success


@each_method
@pytest.mark.parametrize("scale", [1e-8, 1e-3, 1e3, 1e12])
def test_scaling_f_or_the_constraints_changes_nothing(method, scale):
    f, x0, constraints, _, x_star, _ = HS[14]
    g = constraints[0]["fun"], constraints[1]["fun"]
    scaled_f = optkit.minimize(lambda x: scale * f(x), x0, constraints=constraints, method=method)
    scaled_c = optkit.minimize(f, x0, method=method, constraints=[ineq(lambda x: scale * g[0](x)),
                                                                  eq(lambda x: scale * g[1](x))])
    for result in (scaled_f, scaled_c):
        assert not result.success or result.x == pytest.approx(x_star, abs=1e-4)
    assert (scaled_f.success or scale > 1e3) and (scaled_c.success or scale > 1e3)


def test_the_multipliers_found_are_the_right_ones():
    """min (x−3)² + (y−2)² over x <= 1, y >= 0, x + y = 2: λ by hand."""
    result = optkit.minimize(lambda x: (x[0] - 3) ** 2 + (x[1] - 2) ** 2, [0.0, 1.0], bounds=[(None, 1), (0, None)],
                             constraints=NonlinearConstraint(lambda x: x[0] + x[1], 2, 2))
    assert result.x == pytest.approx([1, 1]) and result.multipliers[0] == pytest.approx([2])
    assert result.bound_multipliers == pytest.approx([2, 0], abs=1e-9)


def test_the_kkt_examination_on_its_own():
    free = Box(np.full(2, -np.inf), np.full(2, np.inf))
    x, g, J = np.zeros(2), np.array([-1.0, 0.0]), np.array([[1.0, 0.0]])
    def at(c, low, high, box=free, g=g):
        return examine(x, g, np.array([c]), J, np.array([low]), np.array([high]), box)

    assert at(0.0, -np.inf, 0.0).worst == 0 and at(0.0, -np.inf, 0.0).multipliers == pytest.approx([1])
    assert at(0.0, 0.0, np.inf).stationarity == 1  # the wrong side
    assert at(0.0, 0.0, 0.0).multipliers == pytest.approx([1])
    assert at(-1.0, -np.inf, 0.0).worst > 0.5  # far from active
    assert at(1e-3, -np.inf, 0.0).complementarity == pytest.approx(1e-3)  # a violation buys f
    assert at(-1e-3, -np.inf, 0.0).worst == pytest.approx(1e-3, rel=0.01)  # a slack gives it away
    walled = at(-1.0, -np.inf, 0.0, Box(np.full(2, -1.0), np.array([0.0, 1.0])))
    assert walled.worst == 0 and walled.bound_multipliers == pytest.approx([1, 0])
    dependent = examine(x, g, np.zeros(3), np.array([[1.0, 0], [2, 0], [1, 0]]), np.zeros(3), np.zeros(3), free)
    assert dependent.stationarity <= 1e-15


# --- forms, bounds, evaluations, the run -------------------------------------------------------------------------


@each_method
def test_every_form_of_constraint(method):
    forms = [eq(lambda x: x[0] ** 2 + x[1] - 0.5),
             [eq(lambda x: x[0] ** 2 + x[1] - 0.5)],
             eq(lambda x, a: x[0] ** 2 + x[1] - a, args=(0.5,)),
             eq(lambda x: [x[0] ** 2 + x[1] - 0.5], jac=lambda x: [2 * x[0], 1.0]),
             eq(lambda x: np.array([x[0] ** 2 + x[1] - 0.5]), jac=lambda x: scipy.sparse.csr_array([[2 * x[0], 1.0]]),
                hess=lambda x, v: v[0] * np.diag([2.0, 0.0])),
             NonlinearConstraint(lambda x: x[0] ** 2 + x[1], 0.5, 0.5),
             (NonlinearConstraint(lambda x: x[0] ** 2 + x[1], [0.5], 0.5), LinearConstraint([1, 1], -9, np.inf))]
    found = [optkit.minimize(bowl, np.zeros(2), constraints=form, method=method) for form in forms]
    for result in found:
        assert result.success and result.x == pytest.approx([0.423854, 0.320348], abs=1e-5)
    assert [len(result.multipliers) for result in found] == [1] * 6 + [2]


@each_method
def test_derivatives_given_by_the_user(method):
    result = optkit.minimize(bowl, np.zeros(2), jac=lambda x: 2 * (x - 1), method=method,
                             constraints=eq(lambda x: x[0] ** 2 + x[1] - 0.5, jac=lambda x: [[2 * x[0], 1.0]]))
    assert result.success and "not examined" in result.message
    assert result.x == pytest.approx([0.423854, 0.320348], abs=1e-5)


def test_exact_derivatives_of_the_constraints():
    given = [eq(lambda p: [p["a"][0] * p["b"], np.exp(p["a"])]), LinearConstraint(np.eye(3)[:2], 0, 1)]
    objective = optkit.Objective(lambda p: p["b"], {"a": np.array([0.3, -0.2]), "b": 2.0})
    constraints, x0 = Constraints(given, objective), objective.x0
    assert constraints.sizes == [3, 2] and constraints.lower.tolist() == [0] * 5

    def c(x):
        return np.concatenate([[x[0] * x[2]], np.exp(x[:2]), x[:2]])

    assert constraints.value(x0) == pytest.approx(c(x0))
    assert constraints.jacobian(x0) == pytest.approx(differences(c, x0), abs=1e-8)
    v, p = np.array([2.0, 3.0, -1.0, 5.0, 7.0]), np.array([1.0, 0.5, -2.0])
    H = np.array([[3 * np.exp(0.3), 0, 2], [0, -np.exp(-0.2), 0], [2, 0, 0]])
    assert constraints.hessian(x0, v)(p) == pytest.approx(H @ p)
    assert [list(part) for part in constraints.split(v)] == [[2, 3, -1], [5, 7]]
    assert constraints.violation(np.array([-1.0, 2, 0, np.nan, 0.5])).tolist() == [1, 2, 0, np.inf, 0]


def test_a_large_sparse_jacobian_stays_sparse():
    n = 300
    constraints = Constraints(eq(lambda x: x[1:] - x[:-1] ** 2), optkit.Objective(bowl, np.ones(n)))
    assert scipy.sparse.issparse(constraints.jacobian(np.ones(n)))
    result = optkit.minimize(bowl, np.full(n, 0.9), constraints=eq(lambda x: x[1:] - x[:-1] ** 2), maxtime=60)
    assert result.success and result.method == "trust-constr" and result.x == pytest.approx(np.ones(n), abs=1e-4)


@each_method
def test_a_tree_and_a_matrix_of_unknowns(method):
    result = optkit.minimize(lambda p: np.sum(p["a"] ** 2) + (p["b"] - 1) ** 2, {"a": np.ones(2), "b": 2.0},
                             method=method, constraints=eq(lambda p: p["a"][0] + p["b"] - 3))
    assert result.success and result.x["a"] == pytest.approx([1, 0]) and result.x["b"] == pytest.approx(2)
    assert set(result.bound_multipliers) == {"a", "b"}
    square = optkit.minimize(bowl, np.zeros((2, 2)), method=method, constraints=eq(lambda X: X @ np.ones(2) - 1))
    assert square.success and square.x == pytest.approx(np.full((2, 2), 0.5))


@each_method
@pytest.mark.parametrize("number", [24, 65, 71, 76])
def test_bounds_are_never_left(number, method):
    f, x0, constraints, bounds, _, _ = HS[number]
    seen = []

    def spy(x):
        seen.append(x.copy())
        return f(x)

    def watched(fun):
        def call(x):
            if type(x) is np.ndarray:  # not a recording
                inside.append(x.copy())
            return fun(x)

        return call

    inside = []
    result = optkit.minimize(spy, np.array(x0, float), jac=lambda x: differences(f, x)[0], bounds=bounds, method=method,
                             constraints=[{**c, "fun": watched(c["fun"])} for c in constraints])
    low = [-np.inf if a is None else a for a, _ in bounds]
    high = [np.inf if b is None else b for _, b in bounds]
    assert result.success and len(seen) == result.nfev
    for points in (np.array(seen), np.array(inside)):
        assert len(points) >= 3 and (points >= low).all() and (points <= high).all()


def test_points_are_moved_inside_the_bounds_for_the_constraints_too():
    objective = optkit.Objective(bowl, [0.5, 0.5], term=Box(0.0, 1.0).on((2,)))
    run = Run(objective, Constraints(eq(lambda x: x), objective), SLSQP(),
              optkit.StoppingRules(), [])
    trial = run.at(np.array([-3.0, 2.0]))
    assert trial.x.tolist() == [0, 1] == trial.c.tolist()


@each_method
def test_upper_and_lower_sides_at_once(method):
    for low, high, far in ((0.1, 0.5, 0.5), (3.0, 9.0, 3.0)):
        result = optkit.minimize(bowl, np.array([0.4, 0.3]), method=method,
                                 constraints=NonlinearConstraint(lambda x: x @ x, low, high))
        assert result.success and result.x == pytest.approx(np.full(2, math.sqrt(far / 2)), abs=1e-4)
        assert result.nfev <= 25 and (result.multipliers[0] > 0) == (far == high)


@each_method
def test_fixed_unknowns(method):
    result = optkit.minimize(bowl, np.zeros(3), method=method, constraints=eq(lambda x: x[0] + x[1] - 1),
                             bounds=[(2, 2), (None, None), (0, 0.5)])
    assert result.success and result.x[0] == 2 and result.x == pytest.approx([2, -1, 0.5], abs=1e-4)


@each_method
def test_without_constraints_they_still_work(method):
    assert optkit.minimize(bowl, np.zeros(2), method=method).x == pytest.approx([1, 1])
    bounded = optkit.minimize(bowl, np.zeros(2), method=method, bounds=[(0, 0.5), (2, 3)])
    assert bounded.success and bounded.x == pytest.approx([0.5, 2], abs=1e-4) and bounded.multipliers == []


@each_method
def test_counts_are_what_was_called(method):
    calls = {"f": 0, "g": 0, "c": 0, "J": 0}

    def counted(name, fun):
        def call(x):
            calls[name] += 1
            return fun(x)

        return call

    f, x0, constraints, bounds, _, _ = HS[71]
    both = lambda x: np.array([x[0] * x[1] * x[2] * x[3] - 25, x @ x - 40])  # noqa: E731
    result = optkit.minimize(
        counted("f", f), np.array(x0, float), jac=counted("g", lambda x: differences(f, x)[0]), bounds=bounds,
        method=method, constraints=NonlinearConstraint(counted("c", both), [0, 0], [np.inf, 0],
                                                       jac=counted("J", lambda x: differences(both, x)),
                                                       hess=lambda x, v: np.zeros((4, 4))))
    assert (result.nfev, result.njev, result.constr_njev) == (calls["f"], calls["g"], calls["J"])
    assert result.constr_nfev == calls["c"]


@each_method
def test_history_callbacks_and_limits(method):
    f, x0, constraints, bounds, _, f_star = HS[71]
    seen = []
    result = optkit.minimize(f, x0, constraints=constraints, bounds=bounds, method=method,
                             callback=lambda intermediate_result: seen.append(intermediate_result.fun))
    assert len(result.history) == result.nit + 1 == len(seen) + 1 and result.history[-1].f == seen[-1]
    assert result.history.nfev[-1] <= result.nfev and result.history[0].f == f(np.array(x0, float))

    def stop(x):
        raise StopIteration

    stopped = optkit.minimize(f, x0, constraints=constraints, bounds=bounds, method=method, callback=stop)
    assert stopped.reason is Reason.CALLBACK and not stopped.success and stopped.nit == 1
    short = optkit.minimize(f, x0, constraints=constraints, bounds=bounds, method=method, maxiter=2)
    assert short.reason is Reason.MAXITER and short.nit == 2 and not short.success
    few = optkit.minimize(f, x0, constraints=constraints, bounds=bounds, method=method, maxfev=3)
    assert few.reason is Reason.MAXFEV and few.nfev <= 3
    brief = optkit.minimize(f, x0, constraints=constraints, bounds=bounds, method=method, maxtime=0)
    assert brief.reason is Reason.MAXTIME and "violation" in brief.message


@each_method
def test_interruption_and_exceptions_keep_the_best_point(method):
    f, x0, constraints, _, _, _ = HS[43]
    for error in (KeyboardInterrupt, RuntimeError):
        left = [8]

        def breaking(x, left=left, error=error):
            left[0] -= 1
            if left[0] < 0:
                raise error("now")
            return f(x)

        def run(breaking=breaking):
            return optkit.minimize(breaking, np.zeros(4), jac=lambda x: differences(f, x)[0], constraints=constraints,
                                   method=method)

        if error is KeyboardInterrupt:
            result = run()
            assert result.reason is Reason.INTERRUPTED
        else:
            with pytest.raises(RuntimeError) as caught:
                run()
            result = caught.value.result
            assert result.reason is Reason.EXCEPTION
        assert not result.success and result.fun <= 0 and result.constraint_violation <= 1e-6


@each_method
@pytest.mark.parametrize("maxfev", range(1, 9))
def test_the_best_point_is_by_feasibility_then_f(method, maxfev):
    f, x0, constraints, _, _, _ = HS[10]
    seen = []

    def spy(x):
        seen.append((max(1e-6, -constraints[0]["fun"](x)), f(x)))
        return f(x)

    result = optkit.minimize(spy, np.array(x0, float), jac=lambda x: np.array([1.0, -1.0]), constraints=constraints,
                             method=method, maxfev=maxfev)
    assert result.reason is Reason.MAXFEV and (max(1e-6, result.constraint_violation), result.fun) == min(seen)


@each_method
def test_the_same_input_gives_the_same_bits_and_results_pickle(method, tmp_path):
    f, x0, constraints, bounds, _, _ = HS[71]
    one, two = (optkit.minimize(f, x0, constraints=constraints, bounds=bounds, method=method) for _ in range(2))
    assert np.array_equal(one.x, two.x) and one.nfev == two.nfev
    again = pickle.loads(pickle.dumps(one))
    assert again.multipliers[1] == one.multipliers[1] and again.reason is one.reason
    one.save(tmp_path / "r.npz")
    assert optkit.load(tmp_path / "r.npz").optimality == one.optimality
    assert "KKT" in str(one) and method in str(one)
    with pytest.raises(ValueError, match="not for runs with constraints"):
        one.certificate()


@pytest.mark.parametrize("given, words", [
    ({"type": "eq"}, ["constraints[0]", "callable 'fun'"]),
    ({"type": "le", "fun": bowl}, ["'eq' or 'ineq'", "le"]),
    ({"type": "eq", "fun": bowl, "jacobian": bowl}, ["jacobian"]),
    ([eq(bowl), 3.0], ["constraints[1]", "float", "LinearConstraint"]),
    (LinearConstraint(np.eye(3), 0, 1), ["2 columns", "(3, 3)"]),
    (NonlinearConstraint(lambda x: x, [0, 0, 0], 1), ["lb", "2 constraints", "3"]),
    (NonlinearConstraint(lambda x: x, 2, 1), ["lb <= ub", "2.0", "1.0"]),
    (eq(lambda x: np.array(["a"])), ["real numbers"]),
])
def test_wrong_constraints_say_what_and_the_remedy(given, words):
    with pytest.raises((ValueError, TypeError)) as error:
        optkit.minimize(bowl, np.zeros(2), constraints=given)
    assert all(word in str(error.value) for word in words), str(error.value)


def test_wrong_combinations():
    one = eq(lambda x: x[0])
    with pytest.raises(ValueError, match="does not handle constraints; use one of trust-constr, slsqp"):
        optkit.minimize(bowl, np.zeros(2), constraints=one, method="newton-cg")
    with pytest.raises(ValueError, match="cannot be combined with prox"):
        optkit.minimize(bowl, np.zeros(2), constraints=one, prox=L1(1.0))
    with pytest.raises(ValueError, match="checkpoint"):
        optkit.minimize(bowl, np.zeros(2), constraints=one, checkpoint="x.npz")
    with pytest.raises(TypeError, match="unknown option 'memory' for SLSQP"):
        optkit.minimize(bowl, np.zeros(2), constraints=one, method="slsqp", memory=3)
    with pytest.raises(ValueError, match="finite at x0"):
        optkit.minimize(bowl, np.zeros(2), constraints=eq(lambda x: np.nan * x))
    for make in (lambda: SLSQP(ctol=0.0), lambda: TrustConstr(ctol=-1.0), lambda: TrustConstr(delta0=0.0),
                 lambda: TrustConstr(barrier=math.inf)):
        with pytest.raises(ValueError, match="need 0 <"):
            make()


@each_method
@pytest.mark.parametrize("scale", [1e-10, 1e8, 1e12])
def test_convex_quadratics_in_any_units(method, scale):
    rng = np.random.default_rng(7)
    for _ in range(15):
        M, g = rng.standard_normal((5, 5)), rng.standard_normal(5) * 5
        H, A, b = M @ M.T + 0.1 * np.eye(5), rng.standard_normal((3, 5)), np.abs(rng.standard_normal(3))
        result = optkit.minimize(lambda x: scale * (0.5 * x @ H @ x + g @ x), np.zeros(5), bounds=[(-1, 1)] * 5,  # noqa: B023
                                 constraints=LinearConstraint(A, -np.inf, b), method=method)
        assert result.success and result.optimality <= 1e-3 * scale


@pytest.mark.parametrize("number", [26, 43, 71, 100])
@pytest.mark.parametrize("scale", [1e-4, 1e6])
def test_constraints_in_any_units(number, scale):
    f, x0, constraints, bounds, _, f_star = HS[number]
    scaled = [{**c, "fun": lambda x, c=c: scale * np.stack([v for v in np.ravel(c["fun"](x))])} for c in constraints]
    result = optkit.minimize(f, np.array(x0, float), constraints=scaled, bounds=bounds, method="trust-constr")
    assert result.success and result.fun == pytest.approx(f_star, rel=2e-5, abs=2e-5)


@each_method
def test_a_given_jacobian_is_called_within_the_bounds_and_counted(method):
    calls = {"c": 0, "J": 0}

    def inside(x):
        assert (x >= 0).all() and (x <= 1).all()

    def c(x):
        inside(x)
        calls["c"] += 1
        return 1.5 - x[0] ** 2 - x[1]

    def jac(x):
        inside(x)
        calls["J"] += 1
        return np.array([[-2 * x[0], -1.0]])

    result = optkit.minimize(lambda x: np.sum((x - 2) ** 2), [1.0, 0.0], jac=lambda x: 2 * (x - 2), method=method,
                             bounds=[(0, 1)] * 2, constraints=ineq(c, jac=jac))
    assert result.success and (result.constr_nfev, result.constr_njev) == (calls["c"], calls["J"])
    calls["c"] = 0
    few = optkit.minimize(lambda x: np.sum((x - 2) ** 2), [1.0, 0.0], jac=lambda x: 2 * (x - 2), method=method,
                          bounds=[(0, 1)] * 2, constraints=ineq(c, jac=jac), maxfev=3)
    assert few.constr_nfev == calls["c"] <= 3


@pytest.mark.parametrize("more, error, words", [
    ({"jac": lambda x: np.ones(3)}, ValueError, ["constraints[1]: jac", "(1, 2)", "(3,)"]),
    ({"jac": lambda x: np.ones((2, 2))}, ValueError, ["constraints[1]: jac", "(1, 2)", "(2, 2)"]),
    ({"jac": 5}, TypeError, ["constraints[1]: jac", "callable", "5"]),
    ({"hess": 5}, TypeError, ["constraints[1]: hess", "callable"]),
    ({"hess": lambda x, v: np.ones(2)}, ValueError, ["constraints[1]: hess", "(2, 2)", "(2,)"]),
])
def test_wrong_derivatives_of_a_constraint_name_it(more, error, words):
    given = [ineq(lambda x: 5 - x[1]), ineq(lambda x: 1 - x[0] ** 2, **more)]
    with pytest.raises(error) as caught:
        optkit.minimize(bowl, np.array([0.0, 3.0]), constraints=given, method="trust-constr")
    assert all(word in str(caught.value) for word in words), str(caught.value)


@each_method
def test_a_constant_that_violates_is_infeasible_and_a_stationary_violation_is_left(method):
    result = optkit.minimize(bowl, np.zeros(2), constraints=ineq(lambda x: np.array([-1.0])), method=method)
    assert result.reason is Reason.INFEASIBLE
    beyond = optkit.minimize(bowl, np.zeros(2), constraints=ineq(lambda x: x[0] ** 2 + x[1] ** 2 - 9), method=method)
    assert beyond.reason is not Reason.INFEASIBLE and (beyond.success or beyond.constraint_violation <= 9)


def test_constraints_that_are_to_be_kept():
    at = []
    disc = NonlinearConstraint(lambda x: x[0] ** 2 + x[1] ** 2, -np.inf, 1.0, keep_feasible=True)
    result = optkit.minimize(lambda x: np.sum((x - 2) ** 2), np.array([0.1, 0.2]), constraints=disc,
                             callback=lambda x: at.append(x.copy()))
    assert result.method == "trust-constr" and "keep_feasible" in result.choice
    assert result.success and result.x == pytest.approx([0.5**0.5] * 2, abs=1e-4)
    assert at and max(x @ x for x in [*at, result.x]) <= 1.0
    with pytest.raises(ValueError, match="keep_feasible=True needs method 'trust-constr'"):
        optkit.minimize(bowl, np.array([0.1, 0.2]), constraints=disc, method="slsqp")
    with pytest.raises(ValueError, match="needs an x0 that satisfies them"):
        optkit.minimize(bowl, np.array([2.0, 0.2]), constraints=disc)
