"""Each criterion by itself, on a function that has the property and one that has not, by derivation."""

import inspect

import numpy as np
import pytest

import optkit.convexity as convexity
from optkit.convexity import CRITERIA, FURTHER, Ball, Box, PositiveOrthant
from optkit.convexity.criteria.strong import strong

pytestmark = pytest.mark.nan_ok

_data = np.random.default_rng(3)
A, B = _data.standard_normal((20, 4)), _data.standard_normal(20)
MU = np.linalg.eigvalsh(A.T @ A)[0] + 0.3
UNIT = Box(-1, 1)
SQUARE = Box(-1, 1, shape=2)


def himmelblau(x):
    return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2


def regularised_least_squares(x):
    return 0.5 * np.sum((A @ x - B) ** 2) + 0.15 * x @ x


def fraction(x):
    return (2 * x[0] + x[1] + 1) / (x[0] + 3 * x[1] + 5)


def half_quasi_norm(x):
    return np.sum(np.sqrt(np.abs(x))) ** 2


def two_bells(distance):
    """The mixture of N(±d, 1) with equal weights: log-concave iff d <= 1."""
    return lambda x: np.exp(-((x - distance) ** 2) / 2) + np.exp(-((x + distance) ** 2) / 2)


# criterion, holds on (why), fails on (why)
HOLDS = [
    ("definition", lambda x: np.sum(x**4), SQUARE, "x⁴ is convex"),
    ("definition", lambda x: np.sum(np.abs(x)), SQUARE, "a norm"),
    ("strict", lambda x: np.sum(x**4), SQUARE, "strictly, although its Hessian vanishes at 0"),
    ("strict", lambda x: 1 + x**20, UNIT, "flat within rounding near 0, not on any segment"),
    ("strict", lambda x: -np.sum(np.log(x)), PositiveOrthant(3), "−log x is strictly convex"),
    ("first_order", lambda x: np.sum(np.exp(x)), SQUARE, "exp is convex"),
    ("second_order", lambda x: x * np.exp(x), Box(-2, 1), "f'' = (x + 2)eˣ >= 0 from −2 on"),
    ("lines", lambda x: np.sum(np.abs(x)), SQUARE, "a norm"),
    ("epigraph", lambda x: np.sum(x**2), SQUARE, "convex"),
    ("sublevel", lambda x: np.sqrt(np.abs(x)), UNIT, "sublevel sets are intervals, f is not convex"),
    ("jensen", lambda x: np.sum(x * np.log(x)), Box(0.01, 1, shape=3), "−entropy is convex"),
    ("jensen_integral", lambda x: np.sum(x * np.log(x)), Box(0.01, 1, shape=3), "−entropy is convex"),
    ("local_is_global", lambda x: np.sum(np.abs(x)), Box(-1, 1.3, shape=3), "convex, though not smooth"),
    ("strong_definition", regularised_least_squares, Box(-1, 1, shape=4), "μ = λ_min(AᵀA) + 0.3"),
    ("strong_first_order", regularised_least_squares, Box(-1, 1, shape=4), "μ = λ_min(AᵀA) + 0.3"),
    ("strong_second_order", regularised_least_squares, Box(-1, 1, shape=4), "μ = λ_min(AᵀA) + 0.3"),
    ("concave", lambda x: -np.sum(x * np.log(x)), Box(0.01, 1, shape=3), "entropy"),
    ("affine", lambda x: 3 * x[0] - x[1] + 0.1, SQUARE, "affine"),
    ("quasiconvex", fraction, SQUARE, "linear-fractional with a positive denominator"),
    ("quasiconvex", lambda x: np.ceil(np.max(x)), Box(-2, 2, shape=2), "an increasing function of a convex one"),
    ("quasiconvex", lambda x: -x[0] * x[1], Box(0, 1, shape=2), "−xy on the positive quadrant"),
    ("pseudoconvex", lambda x: x**3 + x, Box(-1, 1.3), "f' >= 1: no stationary point"),
    ("pseudoconvex", fraction, SQUARE, "linear-fractional"),
    ("log_convex", lambda x: 1 + x**2, UNIT, "(log f)'' = 2(1 − x²)/(1 + x²)² >= 0 up to 1"),
    ("log_convex", lambda x: 1 / x, Box(0.1, 3), "−log x is convex"),
    ("log_concave", two_bells(0.95), Box(-4, 4), "the modes are less than two standard deviations apart"),
    ("log_concave", lambda x: np.maximum(1 - x**2, 0), Box(-3, 3), "concave on its support, 0 beyond"),
    ("exponentially_convex", np.cosh, Box(-2, 2), "(eˣ + e⁻ˣ)/2"),
    ("exponentially_convex", lambda x: np.exp(x[0] + 2 * x[1]) + np.exp(-x[0]), SQUARE, "a sum of exponentials"),
    ("operator_convex", lambda t: t**1.5, Box(0.01, 4), "t^p, 1 <= p <= 2"),
    ("operator_convex", lambda t: 1 / t, Box(0.01, 4), "1/t"),
    ("l_natural", lambda x: np.sum((x[1:] - x[:-1]) ** 2) + np.sum(x**2), Box(-2, 2, shape=3),
     "sums of convex φ(xᵢ − xⱼ), φ(xᵢ)"),
    ("l_natural", lambda x: np.max(x) - np.min(x), Box(0, 6, shape=4), "max x − min x"),
]

FAILS = [
    ("definition", lambda x: np.sum(np.abs(x) ** 0.999), SQUARE, "concave on each side of 0"),
    ("strict", np.abs, UNIT, "affine on [0, 1]"),
    ("strict", lambda x: np.maximum(0, 3 * x - 1.1) + 1 / 3, UNIT, "constant left of 1.1/3"),
    ("strict", lambda x: (x[0] + x[1]) ** 2, SQUARE, "constant along (1, −1)"),
    ("strict", lambda x: np.maximum(0, x @ x - 0.1), Box(-1, 1, shape=3), "0 on a ball"),
    ("strict", lambda x: np.sum(np.where(np.abs(x) <= 0.5, x**2 / 2, 0.5 * (np.abs(x) - 0.25))), SQUARE,
     "Huber's tails"),
    ("strict", lambda x: x**3, UNIT, "not even convex"),
    ("first_order", himmelblau, Box(-5, 5, shape=2), "four minima"),
    ("second_order", lambda x: x * np.exp(x), Box(-2.05, 1), "f'' < 0 left of −2"),
    ("lines", half_quasi_norm, SQUARE, "convex on rays from 0 only"),
    ("epigraph", lambda x: x**2 - np.abs(x), UNIT, "a concave kink at 0"),
    ("sublevel", lambda x: (x[0] ** 2 - 1) ** 2 + x[1] ** 2, Box(-2, 2, shape=2), "two wells"),
    ("jensen", lambda x: -np.sum(x * np.log(x)), Box(0.01, 1, shape=3), "entropy is concave"),
    ("jensen", lambda x: np.sum(x**2) - 0.3 * np.sum(x**4), Box(-1, 1, shape=3), "2 − 3.6x² < 0 near the faces"),
    ("jensen_integral", lambda x: -np.sum(x * np.log(x)), Box(0.01, 1, shape=3), "entropy is concave"),
    ("local_is_global", himmelblau, Box(-5, 5, shape=2), "four minima"),
    ("local_is_global", lambda x: (x**2 - 1) ** 2 + 0.1 * x, Box(-2, 2), "two minima of different value"),
    ("local_is_global", lambda x: (float(x) ** 2 - 1) ** 2 + 0.1 * x, Box(-2, 2), "the same, not traced"),
    ("strong_definition", lambda x: np.sum(x**2) - 0.1 * np.abs(x[0]), SQUARE, "a concave kink at 0"),
    ("strong_first_order", lambda x: x[0] ** 2 - x[1] ** 2, SQUARE, "a saddle"),
    ("strong_second_order", lambda x: np.sum(x**4), SQUARE, "f'' = 0 at 0"),
    ("concave", lambda x: np.sum(x**2), SQUARE, "convex, not affine"),
    ("affine", lambda x: 3 * x[0] + 1e-3 * x[1] ** 2, SQUARE, "curved upwards in x₁"),
    ("affine", lambda x: 3 * x[0] - 1e-3 * x[1] ** 2, SQUARE, "curved downwards in x₁"),
    ("quasiconvex", lambda x: np.sqrt(np.abs(x[0])) + np.sqrt(np.abs(x[0] - 0.5)), Box(-1, 1, shape=1),
     "a sum of two quasiconvex functions, with minima at 0 and ½"),
    ("quasiconvex", lambda x: x[0] * x[1], Box(0, 1, shape=2), "its superlevel sets are convex"),
    ("quasiconvex", lambda x: float(x[0]) * float(x[1]), Box(0, 1, shape=2), "the same, not traced"),
    ("quasiconvex", lambda x: x[0] + 0.01 * np.sum(x**2) - 0.01 * np.exp(-np.sum((x - 0.4) ** 2) / 1e-3), SQUARE,
     "a dent"),
    ("pseudoconvex", lambda x: x**3, Box(-1, 1.3), "stationary at 0, lower on the left"),
    ("pseudoconvex", lambda x: (x - 1 / 3) ** 3, Box(-1, 1.3), "stationary at the float nearest ⅓"),
    ("pseudoconvex", lambda x: x[0] ** 2 - x[1] ** 2, SQUARE, "not even quasiconvex"),
    ("log_convex", lambda x: 1 + x**2, Box(-3, 3), "(log f)'' < 0 beyond 1"),
    ("log_convex", lambda x: x - 0.5, Box(0.0, 1.0), "negative left of ½"),
    ("log_convex", lambda x: x**2, UNIT, "0 at 0"),
    ("log_concave", two_bells(1.3), Box(-4, 4), "two modes"),
    ("exponentially_convex", lambda x: x**2, Box(-2, 2), "for points 1 and 2: det [[4, 9], [9, 16]] < 0"),
    ("exponentially_convex", np.cos, Box(-2, 2), "cos is positive definite in x − y, not in x + y"),
    ("operator_convex", lambda t: t**3, Box(0.01, 4), "t^p, p > 2"),
    ("operator_convex", np.exp, UNIT, "the exponential is not operator convex"),
    ("operator_convex", np.abs, UNIT, "|A + B| <= |A| + |B| fails for matrices"),
    ("l_natural", lambda x: (x[0] + x[1]) ** 2, Box(-3, 3, shape=2), "x₀x₁ times 2 > 0 is not submodular"),
    ("l_natural", lambda x: np.sum(x**2) + 0.5 * x[3] * x[7], Box(0, 9, shape=10), "the same, among 10 variables"),
    ("l_natural", lambda x: -np.sum(np.abs(x - 3)), Box(0, 9, shape=1), "concave on the integers"),
]


def alone(name):
    return getattr(convexity, name)


@pytest.mark.parametrize("name, f, domain, why", HOLDS, ids=[f"{c[0]}-{i}" for i, c in enumerate(HOLDS)])
def test_what_has_the_property_passes(name, f, domain, why):
    row = alone(name)(f, domain)
    assert row.outcome == "holds", (why, row)
    assert row.witness is None and row.trials > 0


@pytest.mark.parametrize("name, f, domain, why", FAILS, ids=[f"{c[0]}-{i}" for i, c in enumerate(FAILS)])
def test_what_has_not_is_refuted_with_a_verified_witness(name, f, domain, why):
    row = alone(name)(f, domain)
    assert row.outcome == "violated", (why, row)
    witness = row.witness
    assert witness.verified and witness.recheck() == pytest.approx(witness.gap, rel=1e-9, abs=witness.bound)
    if "which" in str(getattr(witness, "claim", "")):            # affine and flat pieces: the gap is 0 there
        assert abs(witness.gap) <= max(witness.bound, 1e-9)
    else:
        assert witness.gap > witness.bound >= 0 or (witness.gap == 0 and f(0.0) == 0.0), witness


def test_every_criterion_can_be_called_alone_and_is_tested_both_ways():
    names = {name.lower().replace(" ", "_").replace("-", "_") for name in {**CRITERIA, **FURTHER}}
    names.discard("strong_convexity")                            # compares the three others
    assert {case[0] for case in HOLDS} == {case[0] for case in FAILS} == names
    for name in names:
        assert name in convexity.__all__ and alone(name).__doc__.strip()
        assert list(inspect.signature(alone(name)).parameters) == ["f", "domain", "budget", "seed", "maxtime"]


def test_the_three_estimates_of_mu_agree():
    for f, domain, mu in ((regularised_least_squares, Box(-1, 1, shape=4), MU),
                          (lambda x: np.sum(np.cosh(x)) + 0.3 * np.sum(x**2), Box(-1, 2, shape=3), 1.6)):
        for name in ("strong_definition", "strong_first_order", "strong_second_order"):
            row = alone(name)(f, domain)
            assert row.worst == pytest.approx(mu, rel=1e-3) and row.mu >= mu * (1 - 1e-12), (name, row)


def test_a_criterion_spends_its_budget_and_repeats_with_its_seed():
    calls = 0

    def f(x):
        nonlocal calls
        calls += 1
        return float(x[0]) ** 2 + float(x[1]) ** 2

    for name in ("definition", "quasiconvex", "epigraph", "exponentially_convex", "local_is_global"):
        calls = 0
        assert alone(name)(f, SQUARE, budget=2000).outcome in ("holds", "violated")
        assert calls <= 1.3 * 2000, name
    first, again, other = (alone("quasiconvex")(himmelblau, SQUARE, seed=s) for s in (1, 1, 2))
    assert first.worst == again.worst != other.worst


def test_equal_distinct_minima_refute_strictness_only():
    row = alone("local_is_global")(lambda x: np.maximum(0, np.abs(x) - 0.5), UNIT)
    assert row.outcome == "holds" and "not strictly convex" in row.note
    assert row.witness.verified and row.witness.recheck() == 0


def test_one_way_criteria_say_so():
    row = alone("sublevel")(lambda x: np.sqrt(np.abs(x)), UNIT)
    assert row.outcome == "holds" and "passing proves nothing" in row.note


def test_an_exhaustive_discrete_check_says_so_and_is_right():
    """A quadratic xᵀQx is L♮ iff Q is a symmetric M-matrix with nonnegative row sums (up to symmetric part)."""
    rng = np.random.default_rng(5)
    for _ in range(30):
        Q = np.triu(rng.integers(-2, 2, (3, 3)), 1).astype(float)
        Q = Q + Q.T + np.diag(rng.integers(0, 5, 3).astype(float))
        off = Q - np.diag(np.diag(Q))
        truth = bool(np.all(off <= 0) and np.all(Q.sum(axis=1) >= 0))
        row = alone("l_natural")(lambda x, Q=Q: x @ Q @ x, Box(-2, 2, shape=3))
        assert (row.outcome == "holds") == truth, (Q, row)
        assert row.outcome == "violated" or "all pairs" in row.note


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="function of one number, got 2"):
        alone("operator_convex")(lambda x: x @ x, SQUARE)
    with pytest.raises(ValueError, match="must hold integer points"):
        alone("l_natural")(lambda x: x @ x, Box(0.2, 0.8, shape=2))
    with pytest.raises(TypeError, match="domain must be"):
        alone("definition")(lambda x: x @ x, (0, 1))
    with pytest.raises(ValueError, match="budget >= 200"):
        alone("strict")(lambda x: x @ x, SQUARE, budget=3)


def test_the_comparison_row_is_the_only_one_without_a_function_of_its_own():
    assert CRITERIA["strong convexity"] is strong


def test_criteria_work_on_a_ball():
    ball = Ball(np.zeros(3), 1.0)
    saddle, bowl = (lambda x: x[0] ** 2 - x[1] ** 2 + x[2]), (lambda x: x @ x)  # noqa: E731
    for name in ("epigraph", "jensen", "local_is_global", "strong_definition", "quasiconvex", "pseudoconvex"):
        assert alone(name)(bowl, ball).outcome == "holds", name
    for name in ("epigraph", "jensen", "jensen_integral", "strong_definition", "quasiconvex", "pseudoconvex"):
        assert alone(name)(saddle, ball).outcome == "violated", name
