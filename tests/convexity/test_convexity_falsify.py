"""The falsifier: convex functions are never refuted, however they round, and where the hints lead."""

import numpy as np
import pytest

from optkit.convexity import Box, Simplex
from optkit.convexity.falsify import falsify
from optkit.convexity.hints import across_kinks, around_extremes
from optkit.convexity.oracle import Oracle
from optkit.convexity.search import Search

from .random_convex import random_convex

pytestmark = pytest.mark.nan_ok


def search_of(f, domain, budget=20_000):
    with np.errstate(all="ignore"):
        return Search(Oracle(f, domain), domain, np.random.default_rng(0), budget, np.inf)


@pytest.mark.parametrize("seed", range(60))
def test_a_random_convex_function_is_never_refuted(seed):
    domain, f = random_convex(seed)
    assert falsify(f, domain, seed=seed, budget=500, maxtime=np.inf) is None


CANCELLING = {
    "square far away": (lambda x: x**2 - 2e6 * x + 1e12, Box(1e6 - 0.01, 1e6 + 0.01)),
    "cube far away": (lambda x: x**3 - 3e4 * x**2 + 3e8 * x - 1e12, Box(1e4, 1e4 + 1e-2)),
    "large and small": (lambda x: (1e9 + np.sum(x**2)) - 1e9, Box(-1e-3, 1e-3, shape=3)),
    "difference of exponentials": (lambda x: np.sum(np.exp(20 * x) * 1e9) - 1e9 * np.sum(np.exp(20 * x)) + np.sum(x**2),
                                   Box(-1, 1, shape=2)),
    "sines and cosines": (lambda x: 1e6 * np.sum(np.sin(x) ** 2 + np.cos(x) ** 2) + np.sum(x**2), Box(-1, 1, shape=3)),
    "logarithms": (lambda x: 1e6 * np.sum(np.log(x * 7) - np.log(x) - np.log(7)) + np.sum(x**2), Box(1, 2, shape=3)),
    "halves": (lambda x: 1e8 * np.sum(x / 3 + x / 3 + x / 3 - x) + np.sum(x**2), Box(-1, 1, shape=3)),
    "float32": (lambda x: np.sum(x.astype(np.float32) ** 2), Box(-1, 1, shape=3)),
    "roots": (lambda x: 1e7 * np.sum(np.sqrt(x) ** 2 - x) + np.sum(x**2), Box(1, 2, shape=3)),
    "staircase": (lambda x: (1.0 + 1e-16 * x[0]) - 1.0, Box(-9, 9, shape=2)),
    "matrix product": (lambda x: x @ (FAR.T @ (FAR @ x)) - 2 * (FAR.T @ FAR @ np.full(4, 1e5)) @ x, Box(
        1e5 - 0.1, 1e5 + 0.1, shape=4)),
    "quartic at its zero": (lambda x: ((((x - 4) * x + 6) * x - 4) * x) + 1, Box(0.999, 1.001)),
}
FAR = np.random.default_rng(1).standard_normal((6, 4))


@pytest.mark.parametrize("name", CANCELLING)
@pytest.mark.parametrize("seed", range(2))
def test_cancellation_is_never_taken_for_a_counterexample(name, seed):
    f, domain = CANCELLING[name]
    assert falsify(f, domain, seed=seed, budget=2000, maxtime=np.inf) is None


def test_on_a_simplex_only_what_bends_within_it_counts():
    simplex = Simplex(4)
    witness = falsify(lambda x: x[0] * x[1], simplex)
    assert witness is not None and all(np.sum(p) == 1 for p in (*witness.points, witness.middle))
    for flat in (lambda x: -1e6 * np.sum(x) ** 2, lambda x: 1e9 * (np.sum(x) - 1) * (x[0] - x[1]),
                 lambda x: x[0] * np.sum(x) + 1e-9 * np.sum(x**2), lambda x: x[0] * (x[1] + x[2] + x[3]) + x[0] ** 2):
        assert falsify(flat, simplex, budget=3000, maxtime=np.inf) is None


def test_a_probe_goes_along_the_part_of_a_direction_that_stays_inside():
    simplex = Simplex(4)
    search = search_of(lambda x: -(x[0] ** 2) + 1e-3 * np.sum(x**2), simplex)
    assert search.probe(simplex.center, np.array([1.0, 0.0, 0.0, 0.0])) and search.witness.recheck() > 0


def test_concavity_is_falsified_too_and_says_so():
    witness = falsify(lambda x: np.sum(x**2), Box(-1, 1, shape=2), "concave")
    assert witness is not None and witness.shape == "concave" and witness.recheck() == witness.gap > 0
    assert falsify(lambda x: -np.sum(x**2), Box(-1, 1, shape=2), "concave", budget=2000) is None


def test_starts_are_looked_at_first():
    steep = lambda x: np.sum(x**2) - 1e-7 * np.prod(1 / (1 + ((x - 0.123) / 1e-4) ** 2) ** 2)               # noqa: E731
    near = [np.full(3, 0.123 + 6e-5)]
    search = search_of(steep, Box(-1, 1, shape=3), budget=200)
    search.starts = near
    from optkit.convexity.criteria import second_order
    with np.errstate(all="ignore"):
        second_order(search)
    assert search.refuted and np.allclose(search.witness.middle, 0.123, atol=1e-2)


def test_the_formula_leads_to_the_centre_of_a_bump_and_onto_a_kink(rng):
    c, a = rng.uniform(-0.8, 0.8, 5), rng.standard_normal(5)
    search = search_of(lambda x: np.sum(x**2) + np.exp(-np.sum((x - c) ** 2) / 1e-6) + np.abs(a @ x - 0.3),
                       Box(-1, 1, shape=5))
    search.start(1.0)
    with np.errstate(all="ignore"):
        assert min(np.max(np.abs(x - c)) for x in around_extremes(search)) < 2e-3
        surface = list(across_kinks(search))
    assert any(abs(a @ x - 0.3) < 1e-14 and abs(d @ a) > 0.99 * np.linalg.norm(d) * np.linalg.norm(a)
               for x, d in surface)


def test_derivatives_of_the_quadratic_form_are_exact():
    box = Box(-1, 1, shape=3)
    f = lambda x: x[0] ** 3 + x[0] * x[1] ** 2 + np.exp(x[2]) + (x[1] ** 3 if x[2] > 0.5 else 0.0)           # noqa: E731
    oracle = search_of(f, box).oracle
    v = np.array([1.0, 2.0, -0.5])
    for x in (box.center + 0.2, box.upper - [0, 0.5, 0]):
        cube = 6.0 if x[2] > 0.5 else 0.0
        H = np.array([[6 * x[0], 2 * x[1], 0], [2 * x[1], 2 * x[0] + cube * x[1], 0], [0, 0, np.exp(x[2])]])
        third = [6 * v[0] ** 2 + 2 * v[1] ** 2, 4 * v[0] * v[1] + cube * v[1] ** 2, np.exp(x[2]) * v[2] ** 2]
        bend = oracle.bend(x, v)
        assert bend.value == pytest.approx(v @ H @ v, rel=1e-14)
        assert bend.product == pytest.approx(H @ v, rel=1e-14) and bend.third == pytest.approx(third, rel=1e-14)
    oracle.sign = -1.0
    assert oracle.bend(x, v).value == -bend.value and np.array_equal(oracle.bend(x, v).third, -bend.third)
    linear = search_of(lambda x: x[0] - 2 * x[1], Box(-1, 1, shape=2)).oracle.bend(np.zeros(2), np.ones(2))
    assert linear.value == 0.0 and not linear.product.any() and not linear.third.any()
    opaque = search_of(lambda x: float(x[0]) ** 2, Box(-1, 1, shape=2)).oracle.bend(np.zeros(2), np.ones(2))
    assert np.isnan(opaque.value) and np.isnan(opaque.third).all()


@pytest.mark.parametrize("f", [
    lambda x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2),
    lambda x: np.sum(x**4) + np.sum(x**2) - 1.2 * (HIDDEN @ x) ** 2,
    lambda x: np.sum(x**2) + 0.3 * np.cos(4 * (HIDDEN @ x) - 1.0),
    lambda x: np.sum(x**2) - 1e-3 * np.abs(HIDDEN @ x - 0.5)])
def test_a_thousand_variables_with_one_bad_direction(f):
    box = Box(-2, 2, shape=1000)
    witness = falsify(f, box, budget=6000, maxtime=np.inf)
    assert witness is not None and witness.recheck() == witness.gap > witness.bound
    assert witness.how == "interval replay of the recorded formula"


HIDDEN = np.random.default_rng(3).standard_normal(1000)
HIDDEN /= np.linalg.norm(HIDDEN)


@pytest.mark.parametrize("options, error, message", [
    ({"property": "convexe"}, ValueError, "one of convex, concave, got 'convexe'"),
    ({"domain": (-1, 1)}, TypeError, "domain must be a region.*got \\(-1, 1\\)")])
def test_wrong_arguments_are_named(options, error, message):
    with pytest.raises(error, match=message):
        falsify(**{"f": lambda x: x[0], "domain": Box(-1, 1, shape=2)} | options)
