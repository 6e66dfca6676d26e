"""The corpus states the truth: each claim is measured at 60 digits, or in float64 where the code needs it."""

import numpy as np
import pytest

from problems import convexity
from problems.convexity import Case, cases, composed, hard, naive
from problems.convexity.case import ball, box
from problems.convexity.spellings import BIVARIATE, UNIVARIATE

from .referee import gap, hessian, look, points, refutes, supports, width

pytestmark = pytest.mark.nan_ok
ALL = cases()
SMALL = 9                       # unknowns up to which a whole Hessian is formed
NOT_FINITE = {"overflow", "natural domain", "hole", "edge"}


def at(x):
    return pytest.param(x, id=x.name)


def agree(measured, stated, error):
    return abs(measured - stated) <= 1e-9 * max(abs(measured), abs(stated)) + 20 * error


def test_names_are_different_and_each_case_is_complete():
    assert len({c.name for c in ALL}) == len(ALL) >= 90
    assert len(naive()) >= 40 and len(hard()) >= 50
    assert all(c.convex and c.n <= 8 and c.domain[0] == "box" for c in naive())
    assert all(c.truth == "not convex" and c.n <= 8 and c.domain[0] == "box" for c in hard())
    assert sum(c.truth == "strongly convex" and c.mu is not None for c in naive()) >= 25
    assert all(c.derivation for c in ALL)
    for c in ALL:
        assert (c.mu is None or c.mu > 0) if c.truth == "strongly convex" else c.mu is None or c.mu <= 0, c
        assert c.truth != "not convex" or c.witness is not None or c.mu_at is not None or "hole" in c.tags, c
        assert c.mu is None or c.L is None or c.mu <= c.L, c


@pytest.mark.parametrize("case", [at(c) for c in ALL if c.mu_at is not None and c.n <= SMALL])
def test_the_smallest_eigenvalue_is_mu_where_it_is_said_to_be(case):
    found = hessian(case.f, case.mu_at, width(case.domain))
    if case.mu is None:
        assert found.eigenvalues[0] < -found.error
    elif np.isfinite(case.mu):
        assert agree(found.eigenvalues[0], case.mu, found.error), (found.eigenvalues[0], case.mu)


@pytest.mark.parametrize("case", [at(c) for c in ALL if c.L_at is not None and c.n <= SMALL])
def test_the_largest_eigenvalue_is_L_where_it_is_said_to_be(case):
    found = hessian(case.f, case.L_at, width(case.domain))
    assert agree(found.eigenvalues[-1], case.L, found.error), (found.eigenvalues[-1], case.L)


@pytest.mark.parametrize("case", [at(c) for c in ALL if c.witness is not None])
def test_the_witness_refutes(case):
    assert refutes(case.f, *case.witness)


@pytest.mark.parametrize("case", [at(c) for c in ALL if not NOT_FINITE & set(c.tags)])
def test_nothing_sampled_contradicts(case):
    found = look(case.f, case.domain, 2, np.random.default_rng(0), curvature=case.n <= SMALL)
    slack = 20 * found.error + 1e-12 * max(abs(found.lowest), abs(found.highest), 0.0)
    low, high = (None, None) if np.isnan(found.lowest) else (found.lowest, found.highest)
    if low is not None:
        assert case.mu is None or low >= case.mu - slack
        assert case.L is None or high <= case.L + slack
        assert not case.convex or low >= -slack
        assert case.truth != "concave" or high <= slack
    assert not case.convex or found.gap <= 0


@pytest.mark.parametrize("case", [at(c) for c in ALL if c.n == 64])
def test_one_direction_of_64(case):
    d = np.where(np.arange(64) % 3 == 0, -1.0, 1.0) / 8
    across = np.zeros(64)
    across[[1, 2]] = 0.5, -0.5
    assert -8 * gap(case.f, -d, d)[0] / np.sum((2 * d) ** 2) == pytest.approx(case.mu, abs=1e-15)
    assert -8 * gap(case.f, -across, across)[0] / np.sum((2 * across) ** 2) == pytest.approx(case.L)


@pytest.mark.parametrize("name", [*UNIVARIATE, *BIVARIATE])
def test_spellings_are_one_convex_function(name, rng):
    row = UNIVARIATE.get(name) or BIVARIATE[name]
    ends = np.array([row.reach] if name in UNIVARIATE else row.reach, dtype=float)
    inner = ends[:, 0] + (ends[:, 1] - ends[:, 0]) * rng.random((6, len(ends)))
    corners = [np.array(p) for p in np.array(np.meshgrid(*ends)).reshape(len(ends), -1).T]
    values = np.array([[s(*p) for s in row.spellings] for p in [*inner, *corners]])
    np.testing.assert_allclose(values, np.broadcast_to(values[:, :1], values.shape), rtol=1e-12, atol=1e-12)
    assert values.min() >= row.floor and values.max() <= getattr(row, "top", values[6:].max())
    for spelling in row.spellings:
        rises = [gap(lambda x, s=spelling: s(*x), p, q) for p, q in zip(inner, inner[1:])]
        assert all(rise <= error for rise, error in rises)


@pytest.mark.parametrize("seed", range(60))
def test_composed_functions_are_what_they_are_said_to_be(seed):
    case = composed(seed)
    assert case.domain[0] == "box" and 1 <= case.n <= 6 and composed(seed).derivation == case.derivation
    drawn = points(case.domain, 4, np.random.default_rng(seed))
    assert all(np.isfinite(float(case.f(x))) and float(composed(seed).f(x)) == float(case.f(x)) for x in drawn)
    if case.truth == "not convex":
        assert all(np.all(x >= case.domain[1]) and np.all(x <= case.domain[2]) for x in case.witness)
        assert refutes(case.f, *case.witness)
    for x, y in zip(drawn, drawn[1:]) if case.convex else ():
        rise, error = gap(case.f, x, y)
        assert rise <= error - case.mu / 8 * np.sum((x - y) ** 2) + 1e-12


def test_both_truths_are_composed_and_many_at_high_precision():
    drawn = [composed(seed) for seed in range(100)]
    assert 30 <= sum(c.convex for c in drawn) <= 70
    assert sum(supports(c.f, points(c.domain, 1, np.random.default_rng(0))[0]) for c in drawn) >= 70


def test_a_contradiction_is_found_whichever_side_it_is_on():
    square = Case("x²", lambda x: x * x, box(-1, 1), "strongly convex", 2.0, 2.0, "f″ = 2")
    assert square.contradictions("NOT_CONVEX") and square.contradictions("PROVED_CONCAVE")
    assert not square.contradictions("PROVED_STRONGLY_CONVEX", (2.0, 2.0), (1.9, 2.0))
    for interval in ((2.0001, np.inf), (-np.inf, 1.9999)):
        assert square.contradictions("PROVED_CONVEX", interval)
        assert square.contradictions("PROVED_CONVEX", L=interval)
    quartic = Case("x⁴", lambda x: x**4, box(-1, 1), "strictly convex", 0.0, 12.0, "f″ = 12x²")
    assert quartic.contradictions("PROVED_STRONGLY_CONVEX") and not quartic.contradictions("PROVED_CONVEX")
    cube = Case("x³", lambda x: x**3, box(-1, 1), "not convex", -6.0, 6.0, "f″ = 6x", holds=("quasiconvex",))
    assert cube.contradictions("PROVED_CONVEX") and not cube.contradictions("NOT_CONVEX")
    assert cube.contradictions("NOT_QUASICONVEX") and not cube.contradictions("PROVED_QUASICONVEX")
    sine = Case("sin", lambda x: np.sin(x), box(0, 3), "concave", -1.0, 0.0, "f″ = −sin x")
    assert sine.contradictions("NOT_CONCAVE") and not sine.contradictions("NOT_CONVEX")
    assert not sine.contradictions("UNDECIDED") and not sine.contradictions("NO_COUNTEREXAMPLE")


def test_a_case_says_what_it_is_and_refuses_unknown_truths():
    case = Case("x²", lambda x: np.sum(x * x), ball([0, 0], 1.0), "strongly convex", 2.0, 2.0, "H = 2I", mu_at=0)
    assert case.n == 2 and case.mu_at.shape == (2,) and "x², n=2" in repr(case)
    with pytest.raises(ValueError, match="truth must be one of affine.*'convexish'"):
        Case("f", abs, box(0, 1), "convexish", None, None, "")
    assert set(convexity.TRUTHS) >= {c.truth for c in ALL}
