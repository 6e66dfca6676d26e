"""Calls as people write them for scipy.optimize, with only the import changed: the same answers by the same names."""

import numpy as np
import pytest
import scipy.optimize
from scipy.optimize import (
    BFGS,
    SR1,
    Bounds,
    LinearConstraint,
    NonlinearConstraint,
    rosen,
    rosen_der,
    rosen_hess,
    rosen_hess_prod,
)
from scipy.sparse.linalg import LinearOperator

import optkit

X0 = np.array([1.3, 0.7, 0.8, 1.9, 1.2])
SHORT = np.array([0.5, 0.0])
pytestmark = pytest.mark.nan_ok      # as a user runs it: under NumPy's defaults
WARNS = "ignore:delta_grad == 0:UserWarning"


def rosen_with_args(x, a, b):
    return sum(a * (x[1:] - x[:-1] ** 2.0) ** 2.0 + (1 - x[:-1]) ** 2.0) + b


def hess_as_operator(x):
    return LinearOperator((2, 2), matvec=lambda v: rosen_hess_prod(x, v))


def distance(x):
    return (x[0] - 1) ** 2 + (x[1] - 2.5) ** 2


CORNER = ({"type": "ineq", "fun": lambda x: x[0] - 2 * x[1] + 2},
          {"type": "ineq", "fun": lambda x: -x[0] - 2 * x[1] + 6},
          {"type": "ineq", "fun": lambda x: -x[0] + 2 * x[1] + 2})
BOX = Bounds([0, -0.5], [1.0, 2.0])
LINES = LinearConstraint([[1, 2], [2, 1]], [-np.inf, 1], [1, 1])


def curves(x):
    return [x[0] ** 2 + x[1], x[0] ** 2 - x[1]]


def curves_jac(x):
    return [[2 * x[0], 1], [2 * x[0], -1]]


def curves_hess(x, v):
    return v[0] * np.array([[2, 0], [0, 0]]) + v[1] * np.array([[2, 0], [0, 0]])


DICTS = ({"type": "ineq", "fun": lambda x: np.array([1 - x[0] - 2 * x[1], 1 - x[0] ** 2 - x[1], 1 - x[0] ** 2 + x[1]]),
          "jac": lambda x: np.array([[-1.0, -2.0], [-2 * x[0], -1.0], [-2 * x[0], 1.0]])},
         {"type": "eq", "fun": lambda x: np.array([2 * x[0] + x[1] - 1]), "jac": lambda x: np.array([2.0, 1.0])})

# name -> the call, of the module that is scipy.optimize or optkit
CALLS = {
    "bfgs": lambda m: m.minimize(rosen, X0, method="BFGS"),
    "bfgs_jac": lambda m: m.minimize(rosen, X0, method="BFGS", jac=rosen_der, options={"disp": False, "gtol": 1e-6}),
    "default": lambda m: m.minimize(rosen, [1.3, 0.7, 0.8, 1.9, 1.2], tol=1e-6),
    "args": lambda m: m.minimize(rosen_with_args, X0, args=(0.5, 1.0), method="BFGS"),
    "newton_cg_hess": lambda m: m.minimize(rosen, X0, method="Newton-CG", jac=rosen_der, hess=rosen_hess,
                                           options={"xtol": 1e-8, "disp": False}),
    "newton_cg_hessp": lambda m: m.minimize(rosen, X0, method="Newton-CG", jac=rosen_der, hessp=rosen_hess_prod,
                                            options={"xtol": 1e-8}),
    "trust_ncg": lambda m: m.minimize(rosen, X0, method="trust-ncg", jac=rosen_der, hess=rosen_hess,
                                      options={"gtol": 1e-8}),
    "trust_ncg_hessp": lambda m: m.minimize(rosen, X0, method="trust-ncg", jac=rosen_der, hessp=rosen_hess_prod,
                                            options={"initial_trust_radius": 0.5, "max_trust_radius": 100.0}),
    "trust_krylov": lambda m: m.minimize(rosen, X0, method="trust-krylov", jac=rosen_der, hess=rosen_hess),
    "trust_exact": lambda m: m.minimize(rosen, X0, method="trust-exact", jac=rosen_der, hess=rosen_hess),
    "dogleg": lambda m: m.minimize(lambda x: x @ x + x[0] ** 4 - x[0], [2.0, 1.0], method="dogleg",
                                   jac=lambda x: 2 * x + np.array([4 * x[0] ** 3 - 1, 0]),
                                   hess=lambda x: np.diag([2 + 12 * x[0] ** 2, 2])),
    "cg": lambda m: m.minimize(rosen, X0, method="CG", jac=rosen_der, options={"maxiter": 500, "norm": np.inf}),
    "lbfgsb": lambda m: m.minimize(rosen, X0, method="L-BFGS-B", options={"maxcor": 20, "maxfun": 1000, "gtol": 1e-8}),
    "lbfgsb_bounds": lambda m: m.minimize(rosen, [0.2, 0.3], method="L-BFGS-B", jac=rosen_der,
                                          bounds=[(0, 0.8), (None, 0.5)]),
    "tnc_bounds": lambda m: m.minimize(distance, (2, 0), method="TNC", bounds=((0, None), (0, 1.5))),
    "pair": lambda m: m.minimize(lambda x: (rosen(x), rosen_der(x)), X0, jac=True, method="L-BFGS-B", tol=1e-9),
    "number": lambda m: m.minimize(lambda x: x ** 2 + 10 * np.sin(x), x0=0),
    "number_indexed": lambda m: m.minimize(lambda x: (x[0] - 2) ** 2, 5, method="BFGS"),
    "array_of_one": lambda m: m.minimize(lambda x: (x - 2) ** 2 + x ** 4, [5.0], method="L-BFGS-B", tol=1e-10),
    "one_by_one": lambda m: m.minimize(lambda x: (x - 1).reshape(1, 2) @ (x - 1).reshape(2, 1), [3.0, 4.0]),
    "differences": lambda m: m.minimize(rosen, X0[:2], method="BFGS", jac="2-point", tol=1e-4),
    "slsqp_corner": lambda m: m.minimize(distance, (2, 0), method="SLSQP", bounds=((0, None), (0, None)),
                                         constraints=CORNER),
    "constraints_alone": lambda m: m.minimize(distance, (2, 0), bounds=((0, None), (0, None)), constraints=CORNER),
    "slsqp_jac": lambda m: m.minimize(rosen, SHORT, method="SLSQP", jac=rosen_der, constraints=DICTS, bounds=BOX,
                                      options={"ftol": 1e-9, "disp": False}),
    "trust_constr": lambda m: m.minimize(
        rosen, SHORT, method="trust-constr", jac=rosen_der, hess=rosen_hess, bounds=BOX,
        constraints=[LINES, NonlinearConstraint(curves, -np.inf, 1, jac=curves_jac, hess=curves_hess)]),
    "trust_constr_operator": lambda m: m.minimize(
        rosen, SHORT, method="trust-constr", jac=rosen_der, hess=hess_as_operator, bounds=BOX, constraints=[LINES]),
    "trust_constr_hessp": lambda m: m.minimize(
        rosen, SHORT, method="trust-constr", jac=rosen_der, hessp=rosen_hess_prod, bounds=BOX,
        constraints=[LINES, NonlinearConstraint(curves, -np.inf, 1, jac=curves_jac, hess=BFGS())]),
}

FITS = {
    "rosenbrock": lambda m: m.least_squares(lambda x: np.array([10 * (x[1] - x[0] ** 2), 1 - x[0]]), [2, 2]),
    "jac_and_bounds": lambda m: m.least_squares(
        lambda x: np.array([10 * (x[1] - x[0] ** 2), 1 - x[0]]), [2, 2], bounds=([-np.inf, 1.5], np.inf),
        jac=lambda x: np.array([[-20 * x[0], 10], [-1, 0]])),
    "robust": lambda m: m.least_squares(decay, np.array([1.0, 1.0, 0.0]), loss="soft_l1", f_scale=0.1, args=(T, Y)),
    "cauchy": lambda m: m.least_squares(decay, np.array([1.0, 1.0, 0.0]), loss="cauchy", f_scale=0.1, args=(T, Y),
                                        max_nfev=500, gtol=1e-10),
    "lm": lambda m: m.least_squares(decay, [0.5, 2.0, -1.0], method="lm", kwargs={"t": T, "y": Y}, x_scale=[1, 1, 1]),
    "number": lambda m: m.least_squares(lambda x: [x[0] - 2, 3 * x[0]], 5.0),
}
T = np.linspace(0, 10, 15)
Y = 0.5 + 2.0 * np.exp(-T) + 0.1 * np.random.default_rng(0).standard_normal(15)
Y[3::5] += 1.0


def decay(x, t, y):
    return x[0] + x[1] * np.exp(x[2] * t) - y


@pytest.mark.filterwarnings(WARNS)
@pytest.mark.parametrize("name", CALLS)
def test_minimize_gives_scipys_answer(name):
    theirs, ours = CALLS[name](scipy.optimize), CALLS[name](optkit)
    assert ours.success, ours
    np.testing.assert_allclose(np.ravel(ours.x), theirs.x, atol=2e-3 if name == "differences" else 2e-4)
    assert ours.fun <= theirs.fun + 1e-6
    assert ours.status == 0 and ours.nit > 0 and ours.nfev > 0 and ours.njev > 0 and ours.message


@pytest.mark.parametrize("name", FITS)
def test_least_squares_gives_scipys_answer(name):
    theirs, ours = FITS[name](scipy.optimize), FITS[name](optkit)
    assert ours.success, ours
    np.testing.assert_allclose(ours.x, theirs.x, atol=1e-4)
    np.testing.assert_allclose(ours.cost, theirs.cost, atol=1e-8)
    np.testing.assert_allclose(ours.fun, theirs.fun, atol=1e-4)
    if name != "cauchy":              # SciPy leaves rows out whose weight would be negative
        np.testing.assert_allclose(ours.jac, theirs.jac, atol=1e-3)
    np.testing.assert_array_equal(ours.active_mask, theirs.active_mask)
    assert ours.x.shape == theirs.x.shape


@pytest.mark.filterwarnings(WARNS)
def test_quasi_newton_updates_as_hess_are_named_in_a_warning():
    def solve(m):
        return m.minimize(rosen, SHORT, method="trust-constr", jac="2-point", hess=SR1(), bounds=BOX,
                          constraints=[LINES, NonlinearConstraint(curves, -np.inf, 1, jac="2-point", hess=BFGS())])

    theirs = solve(scipy.optimize)
    with pytest.warns(optkit.IgnoredOption, match=r"hess=SR1\(\)"):
        ours = solve(optkit)
    assert ours.success, ours
    np.testing.assert_allclose(ours.x, theirs.x, atol=1e-3)
    with pytest.warns(optkit.IgnoredOption, match=r"hess=BFGS\(\)"):
        assert optkit.minimize(rosen, X0, hess=BFGS()).nhev > 0                  # products are exact all the same



def test_a_callback_of_one_parameter_gets_xk():
    for m in (scipy.optimize, optkit):
        path = []
        result = m.minimize(rosen, X0, method="BFGS", jac=rosen_der, callback=path.append)
        assert len(path) == result.nit
        np.testing.assert_allclose(path[-1], np.ones(5), atol=1e-4)
        again = m.minimize(rosen, X0, method="BFGS", jac=rosen_der, callback=lambda xk: True)
        assert again.nit == result.nit                                           # what it returns is not looked at


def test_a_callback_with_intermediate_result_may_end_the_run():
    def stop_low(intermediate_result):
        if intermediate_result.fun < 1.0:
            raise StopIteration

    for m in (scipy.optimize, optkit):
        result = m.minimize(rosen, X0, method="BFGS", jac=rosen_der, callback=stop_low)
        assert not result.success and result.status == 99 and 0.01 < result.fun < 1.0


@pytest.mark.parametrize("method", ["trust-constr", "BFGS"])
def test_a_callback_of_two_parameters_gets_the_state_and_returning_true_ends_the_run(method):
    seen = []

    def callback(xk, state):
        assert np.array_equal(xk, state.x) and state.fun == rosen(xk) and len(state.jac) == 2
        seen.append(state)
        return len(seen) == 3

    modules = (scipy.optimize, optkit) if method == "trust-constr" else (optkit,)      # SciPy has it there alone
    for m in modules:
        seen.clear()
        options = {"constraints": [LINES]} if method == "trust-constr" else {}
        if m is scipy.optimize:
            m.minimize(rosen, SHORT, method=method, jac=rosen_der, hess=rosen_hess, **options,
                       callback=lambda xk, state: seen.append(state) or len(seen) == 3)
        else:
            result = m.minimize(rosen, SHORT, method=method, callback=callback, **options)
            assert result.reason is optkit.Reason.CALLBACK and not result.success
        assert len(seen) == 3 and seen[-1].nit == 3
        if options:
            assert seen[-1].constr_violation >= 0 and seen[-1].optimality >= 0


def test_results_are_read_by_scipys_names():
    theirs, ours = (m.minimize(rosen, SHORT, method="trust-constr", jac=rosen_der, hess=rosen_hess, constraints=[LINES])
                    for m in (scipy.optimize, optkit))
    np.testing.assert_allclose(ours.grad, theirs.grad, atol=1e-3)
    assert ours.niter == ours.nit and ours.constr_violation == ours.constraint_violation <= 1e-6
    np.testing.assert_allclose(ours.v[0], theirs.v[0], atol=1e-3)
    assert ours["x"] is ours.x and ours.execution_time == ours.seconds


def test_unknown_methods_are_named_with_those_for_constraints_in_the_list():
    for method in ("COBYLA", "Nelder-Mead"):
        for options in ({}, {"constraints": CORNER}):
            with pytest.raises(ValueError, match=f"unknown '{method}'.*trust-constr, slsqp"):
                optkit.minimize(distance, (2, 0), method=method, **options)
