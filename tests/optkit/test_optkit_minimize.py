"""The front door: SciPy's conventions hold, options find their place, and what users hand in is checked."""

import functools
import math
import subprocess
import sys
import warnings

import numpy as np
import pytest
import scipy.integrate
import scipy.optimize
from scipy.optimize import rosen, rosen_der, rosen_hess, rosen_hess_prod
from scipy.sparse import csr_array
from scipy.sparse.linalg import aslinearoperator

import autodiff as ad
import optkit
from optkit import Reason
from optkit.options import MEANINGLESS
from optkit.solvers import ALIASES, LBFGS, METHODS, NewtonCG

X0 = np.array([-1.2, 1.0])


def f(x):
    return np.sum((x - 1.0) ** 2)


def g(x):
    return 2 * (x - 1.0)


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


# --- a SciPy call works unchanged ---


@pytest.mark.parametrize(
    "call",
    [
        {"method": "BFGS", "jac": rosen_der},
        {"method": "BFGS", "jac": rosen_der, "options": {"gtol": 1e-8, "maxiter": 500, "disp": False, "norm": np.inf}},
        {"method": "L-BFGS-B", "jac": rosen_der, "options": {"maxcor": 5, "maxfun": 500, "maxls": 30, "ftol": 0.0}},
        {"method": "Newton-CG", "jac": rosen_der, "hessp": rosen_hess_prod, "tol": 1e-6},
        {"method": "Newton-CG", "jac": rosen_der, "hess": rosen_hess},
        {
            "method": "trust-ncg",
            "jac": rosen_der,
            "hess": rosen_hess,
            "options": {"initial_trust_radius": 0.5, "max_trust_radius": 10.0},
        },
        {"method": "trust-exact", "jac": rosen_der, "hess": rosen_hess},
        {"method": "trust-krylov", "jac": rosen_der, "hessp": rosen_hess_prod},
        {"method": "CG", "jac": rosen_der},
        {"method": "BFGS", "jac": "2-point", "tol": 1e-4},
        {"method": "BFGS", "jac": "3-point"},
        {"method": "newton-cg", "jac": rosen_der, "hess": "2-point"},
        {"jac": rosen_der},
    ],
)
def test_a_scipy_call_works_unchanged_and_finds_the_same_point(call):
    ours = optkit.minimize(rosen, X0, **call)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = scipy.optimize.minimize(
            rosen, X0, **{k: v for k, v in call.items() if k not in ("hess",) or call["method"] != "BFGS"}
        )
    assert ours.success
    np.testing.assert_allclose(ours.x, theirs.x, atol=2e-3)
    for name in ("x", "fun", "jac", "nit", "nfev", "njev", "status", "success", "message"):
        assert name in ours and ours[name] is getattr(ours, name)
    assert isinstance(ours, scipy.optimize.OptimizeResult) and ours.status == 0


@pytest.mark.parametrize("method", [None, "BFGS", "Newton-CG", "trust-ncg"])
def test_a_call_without_derivatives_gets_exact_ones(method):
    result = optkit.minimize(rosenbrock, X0, method=method, tol=1e-8)
    assert result.success
    np.testing.assert_allclose(result.x, 1.0, atol=1e-8)
    np.testing.assert_allclose(result.jac, rosen_der(result.x), atol=1e-12)


def test_an_f_that_cannot_be_followed_is_an_error_with_a_way_out():
    def through_math(x):
        return math.exp(x[0]) + x[1] ** 2

    with pytest.raises(TypeError) as error:
        optkit.minimize(through_math, X0)
    assert "jac='3-point'" in error.value.__notes__[0]
    assert optkit.minimize(through_math, X0, jac="3-point", maxiter=50).fun < 1e-3


def test_jac_true_means_that_f_returns_both():
    result = optkit.minimize(lambda x: (rosen(x), rosen_der(x)), X0, jac=True, method="l-bfgs")
    assert result.success
    np.testing.assert_allclose(result.x, 1.0, atol=1e-4)


def test_args_go_to_every_callable():
    def fun(x, a, b):
        return a * (x[0] - b) ** 2 + x[1] ** 2

    def jac(x, a, b):
        return np.array([2 * a * (x[0] - b), 2 * x[1]])

    def hessp(x, p, a, b):
        return np.array([2 * a, 2]) * p

    for more in (
        {},
        {"jac": jac},
        {"jac": jac, "hessp": hessp},
        {"jac": jac, "hess": lambda x, a, b: np.diag([2 * a, 2.0])},
    ):
        result = optkit.minimize(fun, X0, args=(3.0, 5.0), method="newton-cg", **more)
        np.testing.assert_allclose(result.x, [5.0, 0.0], atol=1e-5)
    assert optkit.minimize(lambda x, c: (x[0] - c) ** 2, [0.0], args=4.0).x[0] == pytest.approx(4.0)


@pytest.mark.parametrize("wrap", [np.asarray, csr_array, aslinearoperator, np.ndarray.tolist])
def test_hess_may_be_dense_sparse_an_operator_or_lists(wrap):
    result = optkit.minimize(
        rosen, X0, jac=rosen_der, hess=lambda x: wrap(rosen_hess(x)), method="newton-cg", gtol=1e-8
    )
    reference = optkit.minimize(rosen, X0, jac=rosen_der, hessp=rosen_hess_prod, method="newton-cg", gtol=1e-8)
    assert result.success and result.nhev == reference.nhev


def test_callback_gets_a_copy_of_x_after_each_iteration():
    seen = []

    def callback(xk):
        seen.append(xk.copy())
        xk[:] = np.nan

    result = optkit.minimize(rosen, X0, jac=rosen_der, method="l-bfgs", callback=callback)
    assert result.success and len(seen) == result.nit
    np.testing.assert_array_equal(seen[-1], result.x)


def test_callback_with_the_intermediate_result():
    seen = []

    def callback(*, intermediate_result):
        seen.append(intermediate_result)

    result = optkit.minimize(rosen, X0, jac=rosen_der, method="l-bfgs", callback=callback)
    assert [r.fun for r in seen] == result.history.f[1:].tolist() and seen[-1].nit == result.nit
    np.testing.assert_array_equal(seen[-1].x, result.x)


def test_stop_iteration_from_the_callback_ends_the_run():
    def callback(xk):
        if len(seen) == 3:
            raise StopIteration
        seen.append(xk)

    seen = []
    result = optkit.minimize(rosen, X0, jac=rosen_der, method="l-bfgs", callback=callback)
    assert result.reason is Reason.CALLBACK and not result.success and result.status == 99 and result.nit == 4
    assert "StopIteration" in result.message


def test_an_exception_of_the_user_comes_through():
    def broken(x):
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        optkit.minimize(broken, X0)
    with pytest.raises(LookupError, match="mine"):
        optkit.minimize(rosen, X0, jac=rosen_der, method="l-bfgs", callback=broken)


def test_return_all_keeps_the_path():
    result = optkit.minimize(rosen, X0, jac=rosen_der, method="l-bfgs", return_all=True)
    assert len(result.allvecs) == result.nit + 1
    np.testing.assert_array_equal(result.allvecs[0], X0)
    np.testing.assert_allclose([rosen(x) for x in result.allvecs], result.history.f)


def test_disp_and_progress_show_the_run(capsys):
    optkit.minimize(f, X0, jac=g, method="l-bfgs", disp=True, progress=True)
    shown = capsys.readouterr()
    assert "CONVERGED" in shown.out and "l-bfgs" in shown.err
    optkit.minimize(f, X0, jac=g, method="l-bfgs")
    assert capsys.readouterr() == ("", "")


# --- methods and options ---


GENERAL = [name for name, cls in METHODS.items() if not hasattr(cls, "finite_sum")]


@pytest.mark.parametrize("name", [*GENERAL, *ALIASES, "L-BFGS", "Trust_NCG", "Gradient Descent"])
def test_methods_are_found_by_name_alias_and_in_any_case(name):
    assert optkit.minimize(f, X0, jac=g, method=name).method in METHODS


def test_an_alias_is_reported():
    result = optkit.minimize(f, X0, jac=g, method="nesterov")
    assert result.method == "momentum" and "'nesterov'" in result.choice and "'nesterov'" in str(result)
    assert optkit.minimize(f, X0, jac=g, method="l-bfgs").choice == ""


def test_the_default_method_goes_by_the_problem_and_says_why():
    small = optkit.minimize(rosen, X0, jac=rosen_der, hessp=rosen_hess_prod)
    assert small.method == "newton-cg" and "n = 2" in small.choice
    bare = optkit.minimize(f, X0, jac=g)
    assert bare.method == "l-bfgs" and "no exact" in bare.choice
    large = optkit.minimize(f, np.zeros(5000), jac=g, hessp=lambda x, p: 2 * p)
    assert large.method == "l-bfgs" and "n = 5000" in large.choice and "l-bfgs" in str(large)


def test_methods_lists_every_method_with_its_options_and_defaults():
    listing = optkit.methods()
    assert list(listing) == list(METHODS)
    text = str(listing)
    for words in ("gradient-descent", "l-bfgs-b", "memory=None", "c2=0.9", "maxtime", "delta0=None"):
        assert words in text
    rows = [line.split("  ")[0] for line in text.splitlines() if line and not line.startswith(" ")]
    minimize, constrained, fits = (rows.index(title) for title in ("minimize", "minimize with constraints",
                                                                   "least_squares"))
    assert rows[minimize + 2:constrained] == list(METHODS)
    assert rows[constrained + 2:fits] == ["trust-constr", "slsqp"] and rows[fits + 2:fits + 4] == ["lm", "gauss-newton"]
    assert "arc=ArcArmijo(c1=0.0001" in text and "also called: levenberg-marquardt, trf, dogbox" in text


def test_options_reach_the_solver_its_line_search_and_the_rules():
    loose = optkit.minimize(rosen, X0, jac=rosen_der, method="l-bfgs", c2=0.99, maxls=15, memory=3, maxiter=7)
    same = optkit.minimize(
        rosen, X0, jac=rosen_der, options={"c2": 0.99, "maxls": 15, "memory": 3, "maxiter": 7}, method=LBFGS()
    )
    assert loose.nit == 7 and loose.fun == same.fun
    tight = optkit.minimize(rosen, X0, jac=rosen_der, method="l-bfgs", c1=1e-8, c2=1e-6, maxiter=7)
    assert tight.nfev > loose.nfev
    by_name = optkit.minimize(rosen, X0, jac=rosen_der, method="l-bfgs", search="hager-zhang", sigma=0.5)
    assert by_name.success


def test_tol_is_gtol_unless_gtol_is_given():
    assert optkit.minimize(f, X0, jac=g, tol=1e-3).gtol == 1e-3
    assert optkit.minimize(f, X0, jac=g, tol=1e-3, gtol=1e-4).gtol == 1e-4


@pytest.mark.parametrize(
    "options, words",
    [
        ({"method": "l-bgfs"}, ["unknown 'l-bgfs'", "'l-bfgs'"]),
        ({"method": "Nelder-Mead"}, ["unknown 'Nelder-Mead'", "newton-cg"]),
        ({"method": "l-bfgs", "max_iter": 3}, ["'max_iter'", "'maxiter'"]),
        ({"method": "l-bfgs", "options": {"gtoll": 3}}, ["'gtoll'", "'gtol'"]),
        ({"method": "l-bfgs", "delta0": 3}, ["'delta0'", "LBFGS"]),
        ({"method": "l-bfgs", "search": "exact"}, ["'exact'", "strong-wolfe"]),
        ({"method": 3}, ["optkit.solvers.LBFGS()", "got 3"]),
        ({"method": "l-bfgs", "options": {"gtol": 1e-3}, "gtol": 1e-3}, ["twice", "gtol"]),
        ({"method": "l-bfgs", "options": {"maxcor": 3, "memory": 3}}, ["'memory'"]),
        ({"method": "l-bfgs", "options": [1]}, ["options", "dict"]),
        ({"method": "l-bfgs", "gtol": -1.0}, ["gtol", ">= 0", "-1.0"]),
        ({"method": "l-bfgs", "gtol": math.nan}, ["gtol", "nan"]),
        ({"method": "l-bfgs", "maxiter": 2.5}, ["maxiter", "whole", "2.5"]),
        ({"method": "l-bfgs", "maxtime": "1 s"}, ["maxtime", "'1 s'"]),
        ({"method": "l-bfgs", "memory": 0}, ["memory >= 1"]),
        ({"method": "BFGS", "options": {"norm": 2}}, ["norm", "∞"]),
        ({"bounds": [(0, 1)] * 3}, ["bounds", "pair", "2 unknowns"]),
        ({"bounds": [(1, 0), (0, 1)]}, ["bounds", "lower <= upper", "position 0"]),
        ({"method": "trust-ncg", "bounds": scipy.optimize.Bounds(0, 1)}, ["'trust-ncg'", "box", "method=None"]),
        ({"callback": 3}, ["callback", "got 3"]),
        ({"hessp": 3}, ["hessp", "got 3"]),
        ({"jac": "cs"}, ["jac", "'cs'", "3-point"]),
        ({"jac": 7}, ["jac", "got jac=7"]),
    ],
)
def test_wrong_arguments_are_errors_that_name_value_and_remedy(options, words):
    with pytest.raises((ValueError, TypeError)) as error:
        optkit.minimize(f, X0, **{"jac": g, **options})
    for word in words:
        assert word in str(error.value)


def test_f_is_not_called_where_an_option_is_wrong():
    def never(x):
        raise AssertionError

    with pytest.raises(TypeError, match="'maxiterr'"):
        optkit.minimize(never, X0, maxiterr=3)


def test_bounds_that_bind_nothing_are_let_through():
    for bounds in ([(None, None), (-np.inf, None)], scipy.optimize.Bounds()):
        assert optkit.minimize(f, X0, jac=g, bounds=bounds, constraints=()).success


def test_a_scipy_option_without_meaning_here_is_named_in_a_warning():
    with pytest.warns(optkit.IgnoredOption, match="'eps'.*no steps"):
        optkit.minimize(f, X0, jac=g, method="BFGS", options={"eps": 1e-8})


@pytest.mark.parametrize("option", sorted(MEANINGLESS))
def test_what_is_said_of_an_ignored_option_holds_however_derivatives_are_had(option):
    with pytest.warns(optkit.IgnoredOption, match=f"'{option}'") as caught:
        optkit.minimize(f, X0, jac="2-point", options={option: 1})
    text = str(caught[0].message)
    assert "derivatives are exact" not in text and caught[0].filename == __file__
    assert ("disp=True" in text) == (option in ("iprint", "verbose", "mesg_num"))


def test_a_start_outside_the_bounds_is_moved_and_the_message_says_so():
    bounds = [(0.0, 0.5), (None, None)]
    for options in ({"bounds": bounds}, {"bounds": bounds, "method": "slsqp"}, {"prox": optkit.prox.L2Ball(0.1)}):
        moved = optkit.minimize(f, [3.0, 0.0], **options)
        assert "x0 lies outside" in moved.message and moved.message in str(moved)
        assert "x0 lies" not in optkit.minimize(f, [0.05, 0.0], **options).message
    assert "x0 lies" not in optkit.minimize(f, [3.0, 0.0], prox=optkit.prox.L1(0.1)).message


def test_a_number_that_f_indexes_is_an_array_of_one():
    def indexed(x, a):
        calls.append(np.shape(x))
        return (x[0] - a) ** 2

    for x0 in (5, 5.0, np.float64(5), np.array(5)):
        calls = []
        assert optkit.minimize(indexed, x0, 2.0, compile=False).x.shape == (1,)
        assert calls[:2] == [(), (1,)]
    assert np.shape(optkit.minimize(lambda x: (x - 2) ** 2, 5).x) == ()
    with pytest.raises(IndexError):
        optkit.minimize(lambda x: x[0] + x[1], 5)
    slope = ad.grad(lambda a: optkit.minimize(lambda x, a: (x[0] - a**2) ** 2, 5.0, a).x[0])
    np.testing.assert_allclose(slope(1.5), 3.0, rtol=1e-8)


def test_an_array_of_one_number_is_a_number():
    def f_of_one(x):
        return np.sum((x - 2.0) ** 2, keepdims=True)

    for method in ("bfgs", "newton-cg", "newton", "trust-exact"):
        result = optkit.minimize(f_of_one, np.zeros(2), method=method)
        assert result.success and type(result.fun) is float
        np.testing.assert_allclose(result.x, [2.0, 2.0], atol=1e-6)
    with pytest.raises(ValueError, match="must return one number"):
        optkit.minimize(lambda x: (x - 2.0) ** 2, np.zeros(2))


def test_the_choice_says_what_keeps_exact_products_away():
    by_hand = optkit.minimize(f, X0, jac=g)
    assert by_hand.method == "l-bfgs" and by_hand.choice.endswith("leave jac= out for exact ones")
    differenced = optkit.minimize(f, X0, hess="2-point")
    assert differenced.choice.endswith("leave hess= out for exact ones")
    assert "leave" not in optkit.minimize(f, X0).choice


def test_an_error_in_scipys_code_is_located_at_the_users_line():
    def through_scipy(x):
        return rosen_hess(x)[0, 0]

    with pytest.raises(ad.TraceError, match=r"test_optkit_minimize.py.*\n    return rosen_hess\(x\)\[0, 0\]"):
        optkit.minimize(through_scipy, X0)
    through_a_partial = functools.partial(scipy.integrate.simpson, np.arange(4.0))
    with pytest.raises(ad.TraceError, match=r"test_optkit_minimize.*\n    optkit.minimize\(through_a_part") as error:
        optkit.minimize(through_a_partial, np.array([0.0, 1.0, 2.5, 3.0]))
    assert "implicit_root" not in str(error.value)


def test_optkit_imports_neither_scipy_stats_nor_matplotlib():
    code = "import sys, optkit; print([m for m in ('scipy.stats', 'matplotlib', 'tqdm') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


# --- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "x0, kind, words",
    [
        ([np.nan, 1.0], ValueError, ["x0", "finite", "nan", "position 0"]),
        ([1.0, np.inf], ValueError, ["x0", "finite", "inf", "position 1"]),
        ([], ValueError, ["x0", "empty"]),
        (np.zeros((0, 3)), ValueError, ["x0", "empty"]),
        ({}, ValueError, ["x0", "empty"]),
        ("abc", TypeError, ["x0", "real numbers", "'abc'"]),
        (None, TypeError, ["x0", "real numbers", "None"]),
        ([1 + 2j], TypeError, ["x0", "real numbers"]),
        ([object()], TypeError, ["x0", "real numbers"]),
        ([[1.0, 2.0], [3.0]], ValueError, ["x0", "rectangular"]),
        ({"a": np.ones(2), "b": "no"}, TypeError, ["x0", "real numbers"]),
        ({"a": np.array([1.0, np.nan])}, ValueError, ["x0", "finite"]),
    ],
)
def test_a_start_that_cannot_be_used_is_refused(x0, kind, words):
    with pytest.raises(kind) as error:
        optkit.minimize(f, x0, jac=g)
    for word in words:
        assert word in str(error.value)


@pytest.mark.nan_ok
@pytest.mark.parametrize("jac", [g, None], ids=["jac", "autodiff"])
@pytest.mark.parametrize(
    "fun, kind, words",
    [
        (lambda x: x**2, ValueError, ["f must return one number", "(2,)", "np.sum"]),
        (lambda x: None, TypeError, ["None", "return"]),
        (lambda x: np.exp(1j) * 2.0, TypeError, ["real number", "complex"]),
        (lambda x: "1", TypeError, ["real number", "'1'"]),
        (lambda x: (f(x), g(x)), TypeError, ["tuple", "jac=True"]),
        (lambda x: np.sum(np.log(x - 5)), ValueError, ["f(x0)", "finite", "nan"]),
        (lambda x: np.sum(1 / (x - x)), ValueError, ["finite"]),
    ],
)
def test_a_function_that_does_not_return_a_finite_number_is_refused(fun, jac, kind, words):
    with pytest.raises(kind) as error:
        optkit.minimize(fun, X0, jac=jac)
    for word in words:
        assert word in str(error.value)


@pytest.mark.nan_ok
@pytest.mark.parametrize(
    "jac, kind, words",
    [
        (lambda x: np.ones(3), ValueError, ["jac", "(2,)", "(3,)"]),
        (lambda x: np.ones((2, 1)), ValueError, ["jac", "(2, 1)"]),
        (lambda x: 1.0, ValueError, ["jac", "()"]),
        (lambda x: "no", TypeError, ["jac", "'no'"]),
        (lambda x: np.array([1j, 1]), TypeError, ["jac", "complex"]),
        (lambda x: np.array([1.0, np.nan]), ValueError, ["gradient at x0", "g[1]"]),
    ],
)
def test_a_gradient_of_a_wrong_shape_or_type_is_refused(jac, kind, words):
    with pytest.raises(kind) as error:
        optkit.minimize(f, X0, jac=jac)
    for word in words:
        assert word in str(error.value)


def test_wrong_products_and_hessians_are_refused():
    with pytest.raises(ValueError, match="hessp must return an array of shape"):
        optkit.minimize(f, X0, jac=g, hessp=lambda x, p: np.ones(3), method="newton-cg")
    with pytest.raises(ValueError, match=r"hess must return a matrix of shape \(2, 2\)"):
        optkit.minimize(f, X0, jac=g, hess=lambda x: np.ones(3), method="newton-cg")
    with pytest.raises(TypeError, match="with jac=True"):
        optkit.minimize(f, X0, jac=True)
    with pytest.raises(TypeError, match="fun: need a callable"):
        optkit.minimize(3, X0)


# --- structure of x0 ---


def test_x_and_jac_have_the_structure_of_x0():
    cases = [
        (3.0, lambda x: (x - 1.0) ** 2),
        (np.zeros((2, 3)), lambda x: np.sum((x - 1.0) ** 2)),
        ({"w": np.zeros((2, 2)), "b": 0.5}, lambda p: np.sum((p["w"] - 1.0) ** 2) + (p["b"] - 1.0) ** 2),
        (
            [np.zeros(2), (np.zeros(1), 2.0)],
            lambda p: np.sum((p[0] - 1.0) ** 2) + np.sum((p[1][0] - 1) ** 2) + (p[1][1] - 1.0) ** 2,
        ),
    ]
    for x0, fun in cases:
        for method in ("newton-cg", "l-bfgs"):
            result = optkit.minimize(fun, x0, method=method)
            assert result.success
            for found in (result.x, result.jac):
                _same_structure(found, x0)
            _close(result.x, 1.0)


def _same_structure(a, b):
    if isinstance(b, dict):
        assert list(a) == list(b)
        for k in b:
            _same_structure(a[k], b[k])
    elif isinstance(b, list | tuple):
        assert type(a) is type(b) and len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            _same_structure(x, y)
    else:
        assert np.shape(a) == np.shape(b)


def _close(a, value):
    if isinstance(a, dict | list | tuple):
        for part in a.values() if isinstance(a, dict) else a:
            _close(part, value)
    else:
        np.testing.assert_allclose(a, value, atol=1e-5)


def test_a_user_gradient_may_have_the_structure_of_x0():
    def fun(p):
        return np.sum((p["w"] - 1) ** 2) + p["b"] ** 2

    def jac(p):
        return {"w": 2 * (p["w"] - 1), "b": 2 * p["b"]}

    x0 = {"w": np.zeros((2, 2)), "b": 3.0}
    result = optkit.minimize(
        fun, x0, jac=jac, method="newton-cg", hessp=lambda p, v: {"w": 2 * v["w"], "b": 2 * v["b"]}
    )
    assert result.success
    _close(result.x["w"], 1.0)
    with pytest.raises(ValueError, match="structure of x0"):
        optkit.minimize(fun, x0, jac=lambda p: {"w": 2 * (p["w"] - 1)})
    with pytest.raises(ValueError, match="structure of x0"):
        optkit.minimize(fun, x0, jac=lambda p: {"w": np.zeros(4), "b": 0.0})


def test_a_list_of_numbers_is_an_array_as_in_scipy():
    for x0 in (
        [-1.2, 1.0],
        (-1.2, 1.0),
        [np.float64(-1.2), 1],
        np.array([-1, 1]),
        np.array([-1.2, 1.0], dtype=np.float32),
    ):
        result = optkit.minimize(rosen, x0, jac=rosen_der)
        assert isinstance(result.x, np.ndarray) and result.x.dtype == np.float64 and result.success
    assert optkit.minimize(f, [[1.0, 2.0], [3.0, 4.0]], jac=g).x.shape == (2, 2)


def test_what_the_user_does_to_x_does_not_reach_the_run():
    kept = []

    def fun(x):
        value = rosen(x)
        kept.append(x)
        x[:] = 17.0
        return value

    def jac(x):
        gradient = rosen_der(x)
        x[:] = np.nan
        buffer[:] = gradient
        return buffer

    buffer = np.empty(2)
    x0 = X0.copy()
    spoiled = optkit.minimize(fun, x0, jac=jac, method="l-bfgs")
    clean = optkit.minimize(rosen, X0, jac=rosen_der, method="l-bfgs")
    np.testing.assert_array_equal(x0, X0)
    assert spoiled.success and spoiled.nfev == clean.nfev
    np.testing.assert_array_equal(spoiled.x, clean.x)


def test_a_solver_object_takes_options_by_name_too():
    result = optkit.minimize(
        rosen, X0, jac=rosen_der, hessp=rosen_hess_prod, method=NewtonCG(maxcg=1), eta0=0.4, gtol=1e-3
    )
    assert result.success and result.method == "newton-cg" and max(result.history.inner) == 1


def test_a_compiled_function_can_be_given_and_is_used_again():
    import autodiff as ad

    fun = ad.compile(lambda x: np.sum((x - 1.0) ** 4))
    first = optkit.minimize(fun, np.zeros(3), method="l-bfgs")
    made = fun.report.recordings
    second = optkit.minimize(fun, np.zeros(3), method="l-bfgs")
    assert first.success and second.nfev == first.nfev > 5
    assert fun.report.mode == "compiled" and fun.report.recordings == made > 0
    assert optkit.minimize(fun, np.zeros((3, 1)), method="l-bfgs").success
