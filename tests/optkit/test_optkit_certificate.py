"""Certificates: eigenvalues against dense truth, verdicts on points of every kind, bounds on f − f*; copied results."""

import copy
import gc
import math
import pickle
import weakref

import numpy as np
import pytest
from scipy.optimize import rosen, rosen_der

import optkit
from optkit import Objective
from optkit.certificate import Kind, Spectrum, _kind, certify, objective_again
from optkit.convexity import Ball, Bound, Box
from optkit.inputs import as_box
from optkit.prox import L1
from optkit.solvers import GradientDescent
from optkit.subproblems import lanczos, lowest_curvature


def symmetric(eigenvalues, seed=0):
    n = len(eigenvalues)
    Q = np.linalg.qr(np.random.default_rng(seed).standard_normal((n, n)))[0]
    return (Q * np.asarray(eigenvalues)) @ Q.T


def quadratic(eigenvalues):
    H = symmetric(eigenvalues)
    return lambda x: 0.5 * x @ (H @ x), H


class Stay:
    """A solver that goes nowhere."""

    second_order = False

    def init(self, objective, point):
        return optkit.solvers.lbfgs.State(point, None, 0.0, 0)

    def step(self, objective, state):
        raise optkit.stopping.Stop(optkit.Reason.STALLED_AT_PRECISION)


def at(fun, x, **options):
    """A result at x itself."""
    return optkit.minimize(fun, x, method=options.pop("method", Stay()), maxiter=0, **options)


@pytest.mark.parametrize("n", [1, 5, 120, 310, 500])
def test_the_ends_of_the_spectrum_are_found_to_their_error(n):
    eigenvalues = np.linspace(0.5, 40.0, n) if n > 1 else np.array([3.0])
    fun, H = quadratic(eigenvalues)
    certificate = at(fun, np.zeros(n)).certificate()
    assert certificate.kind is Kind.MINIMUM and certificate.free == n == certificate.n
    assert abs(certificate.lowest - eigenvalues[0]) <= certificate.lowest_error < 0.01
    assert abs(certificate.largest - eigenvalues[-1]) <= certificate.largest_error < 0.01
    assert certificate.condition == pytest.approx(eigenvalues[-1] / eigenvalues[0], rel=1e-2)
    v = certificate.direction
    assert np.linalg.norm(v) == pytest.approx(1.0)
    assert np.linalg.norm(H @ v - certificate.lowest * v) <= certificate.lowest_error + 1e-9
    assert ("Lanczos" in certificate.how) == (n > 300)


@pytest.mark.parametrize("fun, x, kind", [
    (lambda x: np.sum(np.exp(x) - x), np.zeros(3), Kind.MINIMUM),
    (lambda x: x[0] ** 2 - x[1] ** 2, np.zeros(2), Kind.SADDLE),
    (lambda x: -np.sum(x**2), np.zeros(2), Kind.MAXIMUM),
    (lambda x: np.sum(np.cos(x)), np.zeros(1), Kind.MAXIMUM),
    (lambda x: np.sum(x**4), np.zeros(2), Kind.FLAT),
    (lambda x: x[0] ** 2 + 0 * x[1], np.zeros(2), Kind.FLAT),
    (lambda x: (x[0] - x[1]) ** 2, np.ones(2), Kind.FLAT),
    (lambda x: x[0] ** 2 + 1e-9 * x[1] ** 2, np.zeros(2), Kind.MINIMUM),
    (lambda x: x[0] ** 2 - 1e-9 * x[1] ** 2, np.zeros(2), Kind.SADDLE),
    (lambda x: np.sum(x**2), np.ones(2), Kind.NOT_STATIONARY),
])
def test_verdicts(fun, x, kind):
    certificate = certify(Objective(fun, x), x, 1e-5)
    assert certificate.kind is kind, certificate
    assert kind.value in str(certificate) and "eigenvalues" in str(certificate)


@pytest.mark.parametrize("n", [3, 320])
def test_differenced_products_have_larger_errors_and_decide_less(n):
    weights = np.r_[-1.0, np.linspace(1.0, 2.0, n - 1)]
    for scale, kind in ((1.0, Kind.SADDLE), (1e-5, Kind.FLAT)):
        w = weights * np.where(weights < 0, scale, 1.0)
        objective = Objective(lambda x, w=w: 0.5 * np.sum(w * x**2), np.zeros(n), jac=lambda x, w=w: w * x)
        certificate = certify(objective, np.zeros(n), 1e-5)
        assert certificate.kind is kind and "differences" in certificate.how
        assert abs(certificate.lowest - w[0]) <= certificate.lowest_error


def test_lanczos_meets_both_ends_with_honest_residuals():
    H = symmetric(np.r_[-3.0, np.linspace(0, 50, 98), 77.0])
    ends = lanczos(lambda v: H @ v, 100, 25, 1, lambda ends: False)
    for pair in (ends.lowest, ends.largest):
        assert np.linalg.norm(H @ pair.v - pair.value * pair.v) == pytest.approx(pair.residual, rel=1e-6, abs=1e-10)
    assert ends.products == 25 and ends.size == ends.largest.value
    early = lanczos(lambda v: H @ v, 100, 100, 1, lambda ends: True)
    assert early.products == 8
    full = lanczos(lambda v: H @ v, 100, 100, 1, lambda ends: False)
    assert full.lowest.value == pytest.approx(-3.0) and full.largest.value == pytest.approx(77.0)


def test_lanczos_goes_on_until_the_sign_can_be_told():
    H = symmetric(np.r_[-0.5, np.linspace(1.0, 1000.0, 79)])
    few = lowest_curvature(lambda v: H @ v, 80, 8, 0, 1e-6)
    assert few.lowest > 0 and few.lowest - few.error < 0
    found = lowest_curvature(lambda v: H @ v, 80, 80, 0, 1e-6)
    assert -0.5 <= found.lowest < 0 and 8 < found.products < 80
    definite = lowest_curvature(lambda v: H @ v + v, 80, 80, 0, 1e-6)
    assert definite.lowest == pytest.approx(0.5, rel=1e-2) and definite.products < 80


@pytest.mark.nan_ok
def test_a_hessian_that_is_not_finite_is_undecided():
    for n in (1, 301):
        certificate = at(lambda x: np.sum(x**2), np.zeros(n), jac=lambda x: 2 * x,
                         hessp=lambda x, p: np.full(x.size, np.nan)).certificate()
        assert certificate.kind is Kind.UNDECIDED and "not finite" in str(certificate)


# --- bounds, added terms ---


def box_case(bounds, fun, x):
    return certify(Objective(fun, x, term=as_box(bounds, len(x))), np.array(x), 1e-5)


def test_active_bounds_reduce_the_hessian_and_show_their_multipliers():
    certificate = box_case([(0, 1), (-1, 1), (-5, 2)], lambda x: x[0] - 3 * x[0] ** 2 + x[1] ** 2 - 2 * x[2],
                           [0.0, 0.0, 2.0])
    assert certificate.kind is Kind.MINIMUM and certificate.free == 1 and certificate.lowest == pytest.approx(2.0)
    np.testing.assert_array_equal(certificate.at_bounds, [0, 2])
    np.testing.assert_allclose(certificate.multipliers, [1.0, 2.0])
    assert "2 of 3 variables at one, multipliers positive 2, zero 0, negative 0" in str(certificate)
    assert "in the variables no bound holds" in str(certificate)


def test_a_vertex_a_saddle_in_the_free_variables_and_a_wrong_multiplier():
    vertex = box_case([(0, 1), (0, 1)], lambda x: x[0] + x[1] - 9 * x[0] * x[1], [0.0, 0.0])
    assert vertex.kind is Kind.MINIMUM and vertex.free == 0 and math.isnan(vertex.lowest)
    assert "every variable is at a bound that holds it" in str(vertex) and "eigenvalues" not in str(vertex)
    inner = box_case([(0, 1), (-1, 1), (-1, 1)], lambda x: x[0] + x[1] ** 2 - x[2] ** 2, [0.0, 0.0, 0.0])
    assert inner.kind is Kind.SADDLE and inner.free == 2 and inner.direction[0] == 0
    wrong = box_case([(0, 1), (-1, 1)], lambda x: -x[0] + x[1] ** 2, [0.0, 0.0])
    assert wrong.kind is Kind.NOT_STATIONARY and wrong.multipliers[0] == -1.0 and "negative 1" in str(wrong)


def test_a_zero_multiplier_leaves_open_what_only_one_side_decides():
    blocked = box_case([(0, 1), (-1, 0)], lambda x: -x[0] * x[1], [0.0, 0.0])
    assert blocked.kind is Kind.UNDECIDED and "one way" in str(blocked)
    strict = box_case([(0, 1), (-1, 1)], lambda x: x[0] ** 2 + x[1] ** 2, [0.0, 0.0])
    assert strict.kind is Kind.MINIMUM and strict.free == 2 and "zero 1" in str(strict)


def test_an_added_term_needs_f_to_be_strictly_convex_there():
    def fun(x):
        return np.sum((x - 2.0) ** 2)

    strict = optkit.minimize(fun, np.zeros(3), prox=L1(0.5), gtol=1e-8).certificate(mu=2.0)
    assert strict.kind is Kind.MINIMUM and 0 <= strict.gap < 1e-12
    flat = optkit.minimize(lambda x: (x[0] - x[1]) ** 2, np.zeros(2), prox=L1(0.5)).certificate()
    assert flat.kind is Kind.UNDECIDED and "L1" in str(flat)


# --- strong convexity ---


@pytest.mark.parametrize("steps", [2, 5, 30])
def test_strong_convexity_bounds_what_f_is_above_its_minimum(steps):
    eigenvalues = [0.5, 2.0, 7.0]
    fun, _ = quadratic(eigenvalues)
    result = optkit.minimize(fun, np.ones(3), method=GradientDescent(rule="fixed", alpha=0.1), maxiter=steps, gtol=0)
    for mu in (0.5, 0.1, Bound(lower=0.5, certified_lower=True)):
        certificate = result.certificate(mu=mu)
        number = mu.lower if isinstance(mu, Bound) else mu
        assert result.fun <= certificate.gap == pytest.approx(np.sum(result.jac**2) / (2 * number))
    assert "0.5-strongly convex: mu is given" in str(certificate) and "f(x) − f*" in str(certificate)
    assert result.certificate().mu == 0.5  # the last word is kept


def test_bounds_make_the_gap_tighter():
    result = optkit.minimize(lambda x: np.sum((x + 1) ** 2), [0.5, 0.2], bounds=[(0, 1)] * 2, method="l-bfgs-b")
    certificate = result.certificate(mu=2.0)
    assert np.array_equal(result.x, [0, 0]) and certificate.gap == 0.0
    unsolved = optkit.minimize(lambda x: np.sum((x + 1) ** 2), [0.5, 0.0], bounds=[(0, 1)] * 2, method="l-bfgs-b",
                               maxiter=0)
    assert unsolved.certificate(mu=2.0).gap == pytest.approx(1.25)  # 1.5² − 1: exact for a quadratic of curvature 2


def test_a_mu_that_is_not_proved_or_refuted_is_refused():
    result = optkit.minimize(rosen, [0.5, 0.5], jac=rosen_der)
    with pytest.raises(ValueError, match="a certified lower bound"):
        result.certificate(mu=Bound(upper=1.0))
    with pytest.raises(ValueError, match="mu=5.0 is refuted: the Hessian at x has an eigenvalue <= 0.[34]"):
        optkit.minimize(lambda x: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2, [0.5, 0.5]).certificate(mu=5.0)
    for mu in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match="0 < mu < inf"):
            result.certificate(mu=mu)


def test_a_domain_has_convexity_looked_for_and_says_what_came_of_it():
    result = optkit.minimize(lambda x: np.sum(np.exp(x) + x**2), np.zeros(2))
    certificate = result.certificate(domain=Box(-2, 2, shape=2))
    assert certificate.gap is not None or "not proved strongly convex" in certificate.convexity
    assert certificate.gap is None or 0 < certificate.mu <= 2 + math.exp(-0.35)
    with pytest.raises(ValueError, match="outside the domain"):
        result.certificate(domain=Ball(np.array([5.0, 5.0]), 1.0))


# --- results: pickled, saved, copied, freed ---


def fun_at_top(x, shift):
    return np.sum((x - shift) ** 2 + (x - shift) ** 4)


def solved():
    return optkit.minimize(fun_at_top, {"a": np.zeros(2), "b": 0.5}["a"], args=(1.0,), method="newton-cg")


def trip(result, how, tmp_path):
    if how == "pickle":
        return pickle.loads(pickle.dumps(result))
    return optkit.load(result.save(tmp_path / "r.npz"))


@pytest.mark.parametrize("how", ["pickle", "save"])
def test_a_certificate_travels_with_its_result(how, tmp_path):
    result = solved()
    want = str(result.certificate())
    again = trip(result, how, tmp_path)
    assert str(again.certificate()) == want and again.certificate().kind is Kind.MINIMUM
    np.testing.assert_array_equal(again.certificate().direction, result.certificate().direction)
    with pytest.raises(ValueError, match="need the function again"):
        again.certificate(mu=1.0)


@pytest.mark.parametrize("how", ["pickle", "save"])
def test_a_result_without_one_needs_the_function_again(how, tmp_path):
    again = trip(solved(), how, tmp_path)
    with pytest.raises(ValueError, match=r"certificate\(fun=f, args=args\)"):
        again.certificate()
    assert again.certificate(fun=fun_at_top, args=(1.0,), mu=1.0).gap < 1e-8
    other = trip(solved(), how, tmp_path)
    with pytest.raises(ValueError, match="give the same fun and args"):
        other.certificate(fun=fun_at_top, args=(2.0,))
    with pytest.raises(ValueError, match="the gradient test gives 3"):
        other.certificate(fun=lambda x: 3 * np.sum(x - other.x) + other.fun)


def test_bounds_have_to_be_given_again_too(tmp_path):
    result = optkit.minimize(lambda x: np.sum((x + 1) ** 2), [0.5], bounds=[(0, 1)], method="l-bfgs-b")
    again = trip(result, "save", tmp_path)
    with pytest.raises(ValueError, match="bounds"):
        again.certificate(fun=lambda x: np.sum((x + 1) ** 2))
    assert again.certificate(fun=lambda x: np.sum((x + 1) ** 2), bounds=[(0, 1)]).kind is Kind.MINIMUM


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda result: result.copy()])
def test_copies_are_results_that_can_still_be_certified(copied):
    result = solved()
    again = copied(result)
    assert type(again) is type(result) and list(again) == list(result) and str(again) == str(result)
    assert again.certificate().kind is Kind.MINIMUM and "certified" not in result
    again.fun = 7.0
    assert result.fun != 7.0
    deep = copy.deepcopy(result)
    deep.x[0] = 9.0
    assert result.x[0] != 9.0


def test_limits_of_the_run_do_not_bind_the_certificate():
    result = optkit.minimize(fun_at_top, np.zeros(3), args=(1.0,), maxfev=2, maxtime=1e3)
    counts = result.nfev, result.njev, result.nhev
    assert result.certificate().kind is Kind.NOT_STATIONARY
    assert (result.nfev, result.njev, result.nhev) == counts


@pytest.mark.parametrize("options", [{}, {"compile": False}, {"jac": "2-point"}, {"method": "l-bfgs", "jac": True}],
                         ids=str)
def test_nothing_big_outlives_the_result(options):
    class Data(np.ndarray):
        pass

    def fun(x, data):
        value = np.sum((x - 1.0) ** 2)
        return (value, 2 * (x - 1.0)) if options.get("jac") is True else value

    data = np.zeros(1000).view(Data)
    alive = weakref.ref(data)
    gc.collect()
    gc.disable()
    try:
        result = optkit.minimize(fun, np.zeros(3), args=(data,), **options)
        result.certificate()
        del data, fun
        assert alive() is not None
        del result
        assert alive() is None
    finally:
        gc.enable()


# --- what is not known, what cannot move, what is another function ---


def test_a_lowest_eigenvalue_that_lanczos_does_not_resolve_is_said_to_be_open():
    d = np.geomspace(1.0, 1e6, 3000)  # above the size at which Lanczos goes on for long
    d[500] = -1.0
    open_ = at(lambda x: 0.5 * np.sum(d * x * x), np.zeros(3000)).certificate()
    assert open_.lowest + open_.lowest_error > 0 > open_.lowest - open_.lowest_error
    assert open_.kind is Kind.UNDECIDED and "Lanczos did not resolve" in str(open_)
    assert math.isnan(open_.condition) and "condition    unknown" in str(open_)


def test_some_more_steps_of_lanczos_find_a_negative_eigenvalue_among_large_ones():
    d = np.geomspace(1.0, 1e6, 1000)
    d[500] = -1.0
    found = at(lambda x: 0.5 * np.sum(d * x * x), np.zeros(1000)).certificate()
    assert found.kind is Kind.SADDLE and found.lowest == pytest.approx(-1.0, rel=1e-3) and found.condition == math.inf


def spectrum(lowest, error, found):
    return Spectrum(lowest, error, 1e6, 1e-3, np.zeros(1), "by hand", found)


@pytest.mark.parametrize("lowest, error, found, kind, condition", [
    (6.54, 70.0, False, Kind.UNDECIDED, math.nan),
    (6.54, 0.5, False, Kind.UNDECIDED, math.nan),  # may have met the second lowest first
    (6.54, 0.5, True, Kind.MINIMUM, 1e6 / 6.54),
    (0.5, 0.6, True, Kind.FLAT, math.inf),
    (-0.5, 0.6, True, Kind.FLAT, math.inf),
    (-6.54, 0.5, False, Kind.SADDLE, math.inf),
    (-6.54, 70.0, False, Kind.UNDECIDED, math.nan),
    (-0.9, 0.01, True, Kind.FLAT, math.inf),  # within what the gradient test leaves open
])
def test_what_an_eigenvalue_with_an_error_says(lowest, error, found, kind, condition):
    objective = Objective(lambda x: np.sum(x**2), np.zeros(1))
    seen = spectrum(lowest, error, found)
    assert _kind(objective, 1.0, True, [seen])[0] is kind
    np.testing.assert_equal(seen.condition(True), condition)


@pytest.mark.parametrize("slope", [-5.0, 0.0, 5.0])
def test_a_fixed_variable_is_held_whatever_its_multiplier(slope):
    case = box_case([(0, 0), (-1, 1), (0, 3)], lambda x: slope * x[0] - 4 * x[0] ** 2 + x[1] ** 2 + x[2], np.zeros(3))
    assert case.kind is Kind.MINIMUM and case.free == 1 and list(case.fixed) == [0] and list(case.at_bounds) == [2]
    assert "1 of 3 variables at one, multipliers positive 1, zero 0, negative 0" in str(case)
    assert "fixed        1 of 3 variables" in str(case)


@pytest.mark.parametrize("gtol", [1e-3, 1e-5])
def test_another_function_of_the_same_value_is_refused_by_its_gradient(gtol, tmp_path):
    def fun(x):
        return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    result = optkit.minimize(fun, np.zeros(4), method="l-bfgs", gtol=gtol)
    again = trip(result, "save", tmp_path)
    for other in (lambda x: 2 * result.fun - fun(x), lambda x: result.fun + 0 * fun(x)):
        with pytest.raises(ValueError, match="the gradient of fun at x differs"):
            again.certificate(fun=other)
    assert again.certificate(fun=fun).kind is Kind.MINIMUM
    stated = optkit.minimize(rosen, np.zeros(4), jac=rosen_der, method="l-bfgs", gtol=gtol)
    assert trip(stated, "save", tmp_path).certificate(fun=fun).kind is Kind.MINIMUM
    rough = optkit.minimize(fun, np.zeros(4), jac="2-point", method="l-bfgs", gtol=gtol)
    assert trip(rough, "save", tmp_path).certificate(fun=fun).kind is not Kind.SADDLE


@pytest.mark.parametrize("away, refused", [(1e-16, False), (1e-6, True)])
def test_gradients_that_are_rounding_agree(away, refused):
    def fun(x):
        return 0.5 * (x - 1 / 3) @ H @ (x - 1 / 3)

    H = symmetric([1.0, 10.0, 1e4])
    x = np.full(3, 1 / 3) + away
    again = (x, fun(x), -H @ (x - 1 / 3), 1.0, fun, (), None, None)  # a gradient of the wrong sign
    if refused:
        with pytest.raises(ValueError, match="the gradient of fun at x differs"):
            objective_again(*again)
    else:
        assert objective_again(*again).start().g.any()


@pytest.mark.parametrize("wrong, kind, words", [
    ({"mu": "a"}, ValueError, "number 0 < mu < inf, got mu='a'"), ({"mu": True}, ValueError, "mu=True"),
    ({"domain": Box(-2, 2, shape=3)}, ValueError, "domain of 2 unknowns.*domain=3"),
    ({"domain": [(-2, 2)] * 2}, TypeError, "domain: need a region of optkit.convexity"),
])
def test_wrong_constants_and_domains_are_named(wrong, kind, words):
    with pytest.raises(kind, match=words):
        optkit.minimize(lambda x: np.sum(x**2), np.ones(2)).certificate(**wrong)
