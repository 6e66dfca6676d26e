"""Functions on which a verdict, a constant, a sentence or the time was wrong once."""

import math
import time
from dataclasses import replace

import numpy as np
import pytest
from scipy import integrate

from optkit import convexity as C
from optkit.convexity import AffineSubspace, Ball, Box, Simplex, Verdict, check, check_set, falsify, natural_domain
from optkit.convexity.bending import bending
from optkit.convexity.checking import constants
from optkit.convexity.criteria.second_order import second_order
from optkit.convexity.oracle import Differenced, Oracle
from optkit.convexity.search import Search

pytestmark = pytest.mark.nan_ok
LINE, SQUARE = Box(-1, 1), Box(-2, 2, shape=2)


def opaque(x):
    return float(x[0]) ** 2 + float(x[1]) ** 2


# L-natural functions off a box

def test_integer_points_outside_the_domain_are_no_witness():
    outside = []

    def f(x):
        outside.extend([x] if np.linalg.norm(np.asarray(x, dtype=float)) > 3 + 1e-9 else [])
        return np.where(x @ x > 9.5, 50 * x[0] * x[1], (x[0] - x[1]) ** 2 + x[0] ** 2)
    report = check(f, Ball(np.zeros(2), 3.0), ("L-natural",), prove=False, budget=2000)
    assert report.verdict is Verdict.UNDECIDED and "the domain is not L-natural" in report.reason
    assert not outside


def test_a_box_decides_and_a_violation_inside_a_ball_still_refutes():
    note = C.l_natural(lambda x: (x[0] - x[1]) ** 2, Box(0, 3, shape=2)).note
    assert "decide on a box" in note
    row = C.l_natural(lambda x: (x[0] + x[1]) ** 2, Ball(np.zeros(2), 3.0))
    assert row.outcome == "violated"
    assert all(np.linalg.norm(p) <= 3 for p in row.witness.points.values())


# errors inside f

def quadrature(x):
    return integrate.quad(lambda t: abs(t - float(x)) * math.exp(-t), -1, 1, epsabs=1e-6, epsrel=1e-6)[0]


def test_the_tolerance_of_a_quadrature_is_no_witness():
    assert falsify(quadrature, LINE, maxtime=5, budget=800) is None


def test_a_large_gap_of_the_same_kind_still_is():
    assert falsify(lambda x: -quadrature(x), LINE, maxtime=5, budget=800).verified


# quasiconvex and pseudoconvex

def steps(x):
    return float(len(set(np.round(np.abs(x) > 1e-9))))


def fence(x):
    return float(abs(float(x[0])) < 0.5)


@pytest.mark.parametrize("criterion", [C.quasiconvex, C.sublevel])
def test_a_clear_violation_that_cannot_be_verified_does_not_hold(criterion):
    assert criterion(fence, SQUARE, budget=2000).outcome in ("unconfirmed", "suspected")


def test_its_verdict_is_a_suspicion():
    report = check(steps, SQUARE, ("quasiconvex",), budget=2000)
    assert report.verdict is Verdict.SUSPECTED_NOT_QUASICONVEX


def test_a_slope_that_underflows_is_suspected():
    row = C.pseudoconvex(lambda x: np.tanh(50 * x), Box(-2, 2), budget=4000)
    assert row.outcome == "suspected" and row.worst == 2.0


# opaque code on affine hulls

def test_opaque_code_is_not_called_off_the_hull():
    astray = []

    def f(x):
        v = np.array([float(a) for a in x])
        if abs(v.sum() - 1) > 1e-6 or v.min() < 0:
            astray.append(v)
            raise ValueError("off the simplex")
        return float(v @ v)
    report = check(f, Simplex(4), prove=False, budget=3000)
    assert not astray and not report.trouble and report.verdict is Verdict.NO_COUNTEREXAMPLE


def test_differences_on_a_hull_are_the_projected_derivatives():
    region, A = Simplex(3), np.array([[2.0, 1, 0], [1, 3, 1], [0, 1, 5]])
    Z, x = region.subspace[1], np.array([0.2, 0.5, 0.3])
    differenced = Differenced(lambda v: v @ A @ v / 2, region)
    assert differenced.value_and_grad(x)[1] == pytest.approx(Z @ Z.T @ A @ x, abs=1e-8)
    assert differenced.hessian(x) == pytest.approx(Z @ Z.T @ A @ Z @ Z.T, abs=1e-5)


def test_points_outside_the_domain_are_no_trouble():
    oracle = Oracle(lambda x: math.sqrt(float(x)) / float(x), Box(0, 1))
    oracle.value(np.array([-0.5]))
    assert not oracle.trouble.first
    oracle.value(np.array([0.0]))
    assert oracle.trouble.edge == 1


# Hessians that cancel on a hull

def test_a_function_that_is_affine_on_the_hull_is_not_suspected():
    assert check(lambda x: x[0] / x.sum(), Simplex(3), prove=False, budget=4000).verdict is Verdict.NO_COUNTEREXAMPLE


def test_the_rounding_of_a_projected_hessian_is_that_of_the_whole():
    plane = AffineSubspace(np.array([[1.0, 1, 1]]), np.array([0.7]))
    report = check(lambda x: -((x[0] + x[1] + x[2]) ** 2) * 1e3 + 1e-6 * (x[0] - x[1]) ** 2, plane, prove=False,
                   budget=4000)
    assert not bending(report).wrong.any()
    assert report.mu.upper >= 0


# time

def late(domain):
    """A search of an opaque function whose time is over."""
    return Search(Oracle(opaque, domain), domain, np.random.default_rng(0), 20_000, -1.0)


@pytest.mark.parametrize("name", ["quasiconvex", "strong definition", "exponentially convex", "definition", "lines",
                                  "strong convexity", "second order", "first order", "pseudoconvex"])
def test_no_criterion_goes_on_when_its_time_is_over(name):
    search = late(SQUARE)
    before = search.oracle.nfev
    {**C.CRITERIA, **C.FURTHER}[name](search)
    assert search.oracle.nfev - before <= 60


def test_strong_convexity_keeps_the_time_too():
    search = late(SQUARE)
    search.seconds = 60.0
    second_order(search)
    search.seconds, before = -1.0, search.oracle.nfev
    C.CRITERIA["strong convexity"](search)
    assert search.oracle.nfev == before


@pytest.mark.parametrize("run", [lambda f: falsify(f, SQUARE, maxtime=0.1), lambda f: C.affine(f, SQUARE, maxtime=0.1),
                                 lambda f: check(f, SQUARE, maxtime=0.1, prove=False)])
def test_few_calls_of_a_slow_function(run):
    calls = []

    def f(x):
        calls.append(x)
        time.sleep(0.002)
        return opaque(x)
    run(f)
    assert len(calls) < 250


# constants

def test_a_row_that_nothing_confirms_gives_no_constants():
    report = check(lambda x: np.where(x == 2, 10.0, x**2), Box(-2, 2), prove=False)
    assert report.mu.upper >= -1e-9 and report.L.lower <= 2 + 1e-9


def test_an_opaque_affine_function_far_from_zero():
    report = check(lambda x: float(x[0]) * 0.1 - float(x[1]) * 0.7 + 1e8, SQUARE, budget=4000)
    assert report.mu.upper >= 0 >= report.L.lower


def test_the_witness_bounds_mu():
    report = check(lambda x: np.minimum((x - 1) ** 2, (x + 1) ** 2), Box(-2, 2), prove=False)
    x, y = report.witness.points
    bend = 8 * (report.witness.gap - report.witness.bound) / (x - y) ** 2
    assert report.verdict is Verdict.NOT_CONVEX and report.mu.upper <= -bend < 0
    alone = {e.shape: replace(e, rows=()) for e in report.examinations}
    assert constants(alone, ())[0].upper == pytest.approx(-bend) and constants(alone, ())[1].lower == -np.inf


# log-concave functions have convex supports

@pytest.mark.parametrize("f", [lambda x: np.where(np.abs(x - 0.3) >= 0.2, 1.0, 0.0),
                               lambda x: 1.0 if abs(float(x) - 0.3) >= 0.2 else 0.0])
def test_a_support_with_a_hole_refutes(f):
    report = check(f, LINE, ("log-concave",), budget=2000)
    assert report.verdict is Verdict.NOT_LOG_CONCAVE and report.witness.recheck() == 1.0


@pytest.mark.parametrize("f", [lambda x: np.maximum(0.0, 1 - x**2), lambda x: max(0.0, 1 - float(x) ** 2)])
def test_a_convex_support_does_not(f):
    assert check(f, Box(-2, 2), ("log-concave",), budget=2000).verdict is Verdict.NO_COUNTEREXAMPLE


# sentences

@pytest.mark.parametrize("f, domain, said", [
    (lambda x: 1 / (x - 1), Box(-2, 1), "x < 1"), (lambda x: 1 / (x + 1), Box(-1, 2), "-1 < x"),
    (lambda x: np.sqrt(x), Box(-2, 1), "0 <= x")])
def test_an_open_end_is_not_said_to_belong(f, domain, said):
    assert natural_domain(f, domain)[1].startswith(f"f is certainly defined where {said}: ")


@pytest.mark.parametrize("wrong", [{"maxtime": "3"}, {"maxtime": None}, {"maxtime": 0}, {"seed": -1}, {"seed": 0.5}])
@pytest.mark.parametrize("run", [lambda k: check(np.sum, LINE, **k), lambda k: falsify(np.sum, LINE, **k),
                                 lambda k: C.definition(np.sum, LINE, **k),
                                 lambda k: check_set(lambda x: x < 1, box=LINE, **k)])
def test_wrong_limits_are_named(run, wrong):
    (name, value), = wrong.items()
    with pytest.raises(ValueError, match=f"need .*{name} >.* got {name}={value!r}; .* such as"):
        run(wrong)


def test_members_are_looked_for_within_the_time_and_counted():
    calls = []

    def inside(x):
        calls.append(x)
        time.sleep(0.002)
        return x @ x <= 1e-3
    report = check_set(inside, box=SQUARE, maxtime=0.1)
    assert len(calls) < 100 and report.calls == len(calls)
