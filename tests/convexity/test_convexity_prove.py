"""`prove`: constants, blocks, what is given up early, limits, and what is said of an open question."""

import time

import numpy as np
import pytest

from autodiff.curvature.second import SecondOrder
from optkit.convexity import Ball, Box, PositiveDefinite, Product, Simplex
from optkit.convexity.prove import prove
from optkit.convexity.verdict import Verdict
from optkit.convexity.verifier import verify
from problems.convexity import cases, composed, naive

from .corpus import region, wrong

pytestmark = pytest.mark.nan_ok     # kinks have infinite curvature
LONG = 60.0                         # seconds that no case here comes near: what is counted are boxes


# --- what is claimed is true, and shown again -------------------------------------------------------------------------


SOME = [*cases()[::9], *naive()[::8], *(composed(seed) for seed in range(2))]


@pytest.mark.parametrize("case", SOME, ids=lambda c: c.name)
def test_claims_are_true_and_verified_after_a_round_trip(case):
    domain = region(case.domain)
    proof = prove(case.f, domain, maxtime=0.05)
    assert not wrong(case, proof), f"{case.derivation}\n{proof}"
    if proof.proved:
        assert verify(type(proof).from_json(proof.to_json()), case.f, domain), f"{proof}"


# --- kinks and open ends ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("f, domain, mu", [
    (lambda x: np.sqrt(np.sum(x * x)), Box(-2, 2, 3), 0.0),
    (lambda x: np.sum(np.abs(x)) + np.sum(x**2), Box(-2, 2, 3), 2.0),
    (lambda x: np.sum(np.abs(x - 0.3)) + np.sum(x**2), Box(-2, 2, 2), 2.0),
    (lambda x: np.sum(x * np.log(x)), Simplex(3, interior=True), 1.0),
    (lambda X: np.trace(np.linalg.inv(X)), PositiveDefinite(3), 0.0),
    (lambda X: -np.log(np.linalg.det(X)), PositiveDefinite(3), 0.0)])
def test_an_infinite_constant_is_given_up_soon(f, domain, mu):
    proof = prove(f, domain, maxtime=LONG)
    assert proof.proved and proof.boxes < 400
    assert 0.95 * mu <= proof.mu.lower <= mu and proof.L.upper == np.inf and not proof.L.certified_upper
    assert np.isfinite(proof.L.lower)


@pytest.mark.parametrize("f, domain", [
    (lambda x: np.sum(x**2) + np.floor(x[0]) * 0.1, Box(-2, 2, 2)),
    (lambda x: np.sqrt(x[0]) + x[1] ** 2, Box(-1, 1, 2)),
    (lambda x: x[0] ** 2 if x[0] < 0.5 else 2 * x[0] ** 2, Box(-1, 1, 1))])
def test_jumps_and_holes_end_the_search_soon(f, domain):
    proof = prove(f, domain, maxtime=LONG)
    assert proof.verdict is Verdict.UNDECIDED and proof.boxes < 400 and proof.undecided and proof.decides


@pytest.mark.parametrize("f, n", [
    (lambda x: x[0]**4 - 4 * x[0]**3 * x[1] + 6 * x[0]**2 * x[1]**2 - 4 * x[0] * x[1]**3 + x[1]**4, 2),
    (lambda x: x[0]**4 - 4 * x[0]**3 + 6 * x[0]**2 - 4 * x[0] + x[0] * x[1] - x[0] * x[1], 2)])
def test_tangency_that_boxes_do_not_see_is_said_to_be_that(f, n):
    proof = prove(f, Box(-1, 2, n), maxtime=LONG)
    assert proof.proved or ("about 0" in proof.undecided and proof.boxes < 1500 and "squares" in proof.decides)


def test_a_kink_at_a_rounded_number_is_not_taken_for_a_tangency():
    """∫∫ |u − 0.3| is convex, with curvature 0 at 0.3 only."""
    proof = prove(lambda x: np.sum(np.abs(x - 0.3) ** 3), Box(-2, 2, 2), maxtime=LONG)
    assert proof.proved and proof.mu.lower == 0


# --- blocks -----------------------------------------------------------------------------------------------------------


def test_hundreds_of_blocks_are_one_look(monkeypatch):
    looks = []
    at = SecondOrder.at
    monkeypatch.setattr(SecondOrder, "at", lambda self, *a, **k: looks.append(a[0].shape[1]) or at(self, *a, **k))
    proof = prove(lambda x: np.sum(np.exp(x) + x**2), Box(-1, 1, 300), maxtime=LONG)
    assert sum(looks) < 20 and proof.verdict is Verdict.PROVED_STRONGLY_CONVEX
    low, high = 2 + np.exp(-1), 2 + np.e
    assert 0.95 * low <= proof.mu.lower <= low and high <= proof.L.upper <= 1.05 * high


def test_only_blocks_that_decide_are_cut():
    """φ'' of the third block has the extremes; its middle needs cuts, since the two terms pull in turn."""
    def f(x):
        return 3 * x[0] ** 2 + 4 * x[1] ** 2 + x[2] ** 4 - x[2] ** 3 * x[3] + 3 * x[2] ** 2 + 3 * x[3] ** 2
    domain = Box(-1, 1, 4)
    proof = prove(f, domain, maxtime=LONG)
    cut = {cover.variables for cover in proof.covers if len(list(cover.leaves(proof.lower, proof.upper))) > 1}
    assert cut == {(2, 3)} and verify(proof, f, domain)
    assert {i for cover in proof.covers for i in cover.variables} == {0, 1, 2, 3}


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_constants_are_attained_where_it_is_said(sign):
    def f(x):
        return sign * (x[0] ** 4 + x[0] ** 2 + 3 * np.exp(x[1]) + 5 * x[2] ** 2)
    proof = prove(f, Box(-1, 2, 3), "convex" if sign > 0 else "concave", maxtime=LONG)
    least, most = (proof.mu, proof.L) if sign > 0 else (proof.L, proof.mu)
    at, there = (proof.mu_at, proof.L_at) if sign > 0 else (proof.L_at, proof.mu_at)

    def eigenvalues(x):
        return [12 * x[0] ** 2 + 2, 3 * np.exp(x[1]), 10.0]
    assert min(eigenvalues(at)) <= 1.06 * 3 * np.exp(-1) and max(eigenvalues(there)) >= 0.94 * 50
    assert abs(min(map(abs, (least.lower, least.upper)))) <= 3 * np.exp(-1) * 1.0001
    assert max(abs(most.lower), abs(most.upper)) >= 50 * 0.9999
    if sign > 0:
        assert proof.mu.certified_lower and not proof.mu.certified_upper
        assert proof.L.certified_upper and not proof.L.certified_lower
    else:
        assert proof.mu.lower <= -50 and proof.mu.certified_lower and not proof.mu.certified_upper


def test_a_sampled_side_is_never_called_certified():
    proof = prove(lambda x: np.sum(x**4 + x**2), Box(-1, 1, 5), maxtime=LONG)
    assert not proof.mu.certified_upper and not proof.L.certified_lower


# --- limits -----------------------------------------------------------------------------------------------------------


def test_too_much_for_the_memory_is_undecided_at_once():
    def f(p):
        return np.sum(np.tanh(np.tanh(np.ones((400, 60)) @ p["W"]) @ p["V"]) ** 2)
    domain = Product({"W": Box(-1, 1, (60, 100)), "V": Box(-1, 1, (100, 5))})
    proof = prove(f, domain, maxtime=LONG)
    assert proof.verdict is Verdict.UNDECIDED and proof.boxes == 0 and "too large" in proof.undecided


def test_no_time_left_ends_each_search(monkeypatch):
    f, domain = (lambda x: np.sum((x[:-1] - x[1:] ** 2) ** 2) + 9 * np.sum(x**2)), Box(-1, 1, 6)
    clock = iter(range(10**9))
    monkeypatch.setattr(time, "perf_counter", lambda: 10.0 * next(clock))
    proof = prove(f, domain, maxtime=1.0)
    assert proof.boxes <= 2


def test_a_negative_sample_ends_the_search():
    proof = prove(lambda x: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2, Box(-2, 2, 2), maxtime=LONG)
    assert proof.verdict is Verdict.UNDECIDED and proof.boxes < 10 and "negative" in proof.undecided


def test_slices_of_nothing_are_no_operation():
    proof = prove(lambda x: np.sum(np.sin(x[1:])) + x[0] ** 2, Box(-1, 1, 1), maxtime=LONG)
    assert proof.verdict is Verdict.PROVED_STRONGLY_CONVEX and str(proof)


def test_no_warning_leaks():
    with np.errstate(all="raise"):
        for f in (lambda x: np.sum(np.exp(x)) + x[0] / (1 + x[1] ** 2), lambda x: -np.sum(np.log(x)),
                  lambda x: np.sqrt(np.sum(x**2))):
            for domain in (Box(-np.inf, np.inf, 2), Box(0, 1, 2), Ball(np.ones(2), 3.0)):
                proof = prove(f, domain, maxtime=0.05)
                assert not proof.proved or verify(proof, f, domain)


def test_logistic_regression_is_proved_from_plain_code():
    rng = np.random.default_rng(0)
    m, n, weight = 569, 30, 1e-3
    A = rng.standard_normal((m, n))
    b = np.sign(rng.standard_normal(m))
    def f(w): return np.mean(np.logaddexp(0, -b * (A @ w))) + weight / 2 * (w @ w)
    domain = Box(-1, 1, n)
    proof = prove(f, domain)
    assert proof.verdict is Verdict.PROVED_STRONGLY_CONVEX and verify(proof, f, domain)
    assert weight * (1 - 1e-9) <= proof.mu.lower
    bound = np.linalg.norm(A, 2) ** 2 / (4 * m) + weight
    assert proof.L.upper <= 1.5 * bound


def test_arguments_are_checked():
    with pytest.raises(ValueError, match="property"):
        prove(np.sum, Box(0, 1, 2), "round")
    with pytest.raises(TypeError, match="domain"):
        prove(np.sum, (0, 1))
