"""The natural domain by intervals, and functions of several arguments."""

import numpy as np
import pytest

from optkit.convexity.arguments import restricted, restrictions
from optkit.convexity.domains import Ball, Box, PositiveDefinite, PositiveOrthant, Product, Simplex, SymmetricMatrices
from optkit.convexity.natural import natural_domain

WIDE = Box(-1, 5, shape=2)

WHOLE = [(lambda x: np.sum(x**2), WIDE), (lambda x: 1 / (x[0] ** 2 + 1), WIDE),
         (lambda x: np.log(np.sum(x**2) + 1e-3), WIDE), (lambda x: np.sqrt(x @ x), WIDE),
         (lambda x: np.linalg.norm(x - 1), WIDE), (lambda x: np.log(x[0] ** 2 - x[0] + 1), WIDE),
         (lambda x: -np.sum(np.log(x)), PositiveOrthant(3)), (lambda x: 1 / (1 - x[0] * x[1]), Ball([0.0, 0], 0.9)),
         (lambda x: np.log(x[0] + x[1] + x[2]), Simplex(3))]


@pytest.mark.parametrize("f, domain", WHOLE)
def test_defined_everywhere(f, domain):
    box, why = natural_domain(f, domain)
    assert why == "" and np.array_equal(box.lower, domain.lower) and np.array_equal(box.upper, domain.upper)


SHRUNK = [(lambda x: -np.log(x[0]) + x[1] ** 2, WIDE, [0, -1], [5, 5], "log needs a positive argument"),
          (lambda x: -np.sum(np.log(x)), WIDE, [0, 0], [5, 5], "log needs"),
          (lambda x: np.sqrt(x[0]) + np.sqrt(3 - x[1]), WIDE, [0, -1], [5, 3], "sqrt needs a nonnegative"),
          (lambda x: np.arcsin(x[0]), Box(-2, 2, shape=2), [-1, -2], [1, 2], "arcsin"),
          (lambda x: np.exp(np.log(x[0])) + np.sqrt(x[1]) ** 2, WIDE, [0, 0], [5, 5], "log needs"),
          (lambda x: x[0] ** -0.5, Box(-2, 2, shape=2), [0, -2], [2, 2], "power needs"),
          (lambda x: np.log(2 - x[0]) + np.log(x[0] + 0.5), WIDE, [-0.5, -1], [2, 5], "log needs"),
          (lambda x: np.sum(np.log(x)), Box(-1, 5, shape=60), np.zeros(60), np.full(60, 5.0), "log needs"),
          (lambda x: np.log(x[0]), Box([-np.inf, 0.0], [np.inf, 1.0]), [0, 0], [10, 1], "log needs")]


@pytest.mark.parametrize("f, domain, low, high, words", SHRUNK)
def test_the_box_is_shrunk_to_where_f_is_defined_and_the_line_is_named(f, domain, low, high, words, rng):
    box, why = natural_domain(f, domain)
    assert np.allclose(box.lower, low, atol=1e-6) and np.allclose(box.upper, high, atol=1e-6)
    assert np.all(box.lower >= low) and np.all(box.upper <= high)
    assert words in why and "test_convexity_natural.py" in why
    points = np.vstack([box.spread(64, rng), box.lower, box.upper])
    assert all(np.isfinite(f(x)) for x in points)


def test_a_closed_end_belongs_and_an_open_one_does_not():
    closed = natural_domain(lambda x: np.sqrt(x[0]), WIDE)[0]
    opened = natural_domain(lambda x: np.log(x[0]), WIDE)[0]
    assert closed.lower[0] == 0.0 and 0 < opened.lower[0] < 1e-13


def test_a_box_inside_is_given_where_the_domain_is_none(rng):
    box, why = natural_domain(lambda x: np.log(x[0] + x[1]), WIDE)
    assert box.lower.sum() > 0 and np.all(box.upper == 5) and "certainly defined where" in why


POLES = [(lambda x: 1 / x, Box(-1, 1)), (lambda x: x[1] / x[0], WIDE), (lambda x: (x[0] - 2) ** -2.0, WIDE),
         (lambda x: x[0] ** -1.0, WIDE), (lambda x: np.log(x[0] ** 2 - 0.5), WIDE),
         (lambda X: np.sum(1 / X), SymmetricMatrices(2)), (lambda x: np.sum(np.reciprocal(x - 1.7)), WIDE)]


@pytest.mark.parametrize("f, domain", POLES)
def test_a_hole_inside_makes_the_natural_domain_nonconvex(f, domain):
    box, why = natural_domain(f, domain)
    assert box is None and "not convex" in why and "needs" in why


def test_what_cannot_be_said_is_not_said():
    assert natural_domain(lambda x: np.log(-1 - x[0] ** 2), WIDE) == (None, "f is defined at none of 48 points tried")
    box, why = natural_domain(lambda x: float(np.float64(x[0])) ** 2, WIDE)
    assert box is None and "cannot be recorded" in why
    box, why = natural_domain(lambda X: -np.linalg.slogdet(X)[1], PositiveDefinite(2))
    assert box is None and ("defined at all" in why or "not known" in why)
    box, why = natural_domain(lambda x: np.sqrt(x[0] ** 2 - 2 * x[0] + 1), WIDE)     # |x − 1|, which rounding hides
    assert box is None or np.all(box.lower < box.upper)
    assert "not convex" not in why


def test_another_branch_of_the_code_is_not_vouched_for():
    """The branch at the centre is defined everywhere, the other one nowhere."""
    box, why = natural_domain(lambda x: x[0] ** 2 if x[0] > 1 else np.log(-1 - x[0] ** 2), WIDE)
    assert box.lower[0] > 1 - 1e-6 and "an `if` (or while, max()) on x needs one outcome" in why


def test_the_box_has_the_structure_of_the_argument():
    f = lambda p: np.log(p["a"]) + np.sum(p["b"])                # noqa: E731
    box, why = natural_domain(f, Box({"a": -1.0, "b": np.zeros(2)}, {"a": 1.0, "b": np.ones(2)}))
    assert np.isfinite(f(box.unravel(box.lower))) and set(box.unravel(box.center)) == {"a", "b"}
    assert "<= x['a'], " in why and "<= x['b'][1]" in why


# --- several arguments ------------------------------------------------------------------------------------------------

X, Y = Box(-1, 1, shape=2), Ball([0.0, 0, 0], 1.0)


def bilinear(x, y):
    return float(x @ x * (1 + y @ y) + y[0])


def at(g, region):
    return g(region.unravel(region.center + 0.1 * region.scale))


def test_positions_and_names_reach_the_arguments():
    x, y = X.center + 0.1 * X.scale, Y.center + 0.1 * Y.scale
    for domain in ((X, Y), Product(X, Y), {"x": X, "y": Y}, {"y": Y, "x": X}, Product({"x": X, "y": Y})):
        g, region = restricted(bilinear, domain, None, None)
        assert region.n == 5 and at(g, region) == bilinear(x, y)
    tupled, named = (lambda p: bilinear(p[0], p[1])), (lambda p: bilinear(p["x"], p["y"]))
    assert at(*restricted(tupled, (X, Y), None, None)) == bilinear(x, y)
    assert at(*restricted(named, {"x": X, "y": Y}, None, None)) == bilinear(x, y)
    g, region = restricted(lambda x: x @ x, X, None, None)
    assert region is X and at(g, region) == x @ x


def test_fixed_arguments_are_held():
    y, third = np.array([0.5, 0, 0]), Box(0, 1)
    for domain, name in (((X, Y), 1), ({"x": X, "y": Y}, "y")):
        for vary in (None, [0 if name == 1 else "x"]):
            g, region = restricted(bilinear, domain, vary, {name: y})
            assert region is X and g(np.ones(2)) == bilinear(np.ones(2), y)
    three = lambda a, b, c: a @ a + 10 * np.sum(b) + 100 * c     # noqa: E731
    g, region = restricted(three, {"a": X, "b": Y, "c": third}, ("c", "a"), {"b": y})
    assert set(region.parts) == {"a", "c"} and g({"a": np.ones(2), "c": 0.5}) == 2 + 5 + 50


def test_left_out_arguments_are_drawn(rng):
    found = restrictions(bilinear, {"x": X, "y": Y}, "x", None, 5, rng)
    assert len(found) == 5 and all(Y.contains(r.fixed["y"]) for r in found)
    assert len({r.fixed["y"].tobytes() for r in found}) == 5
    assert all(r.region is X and r.g(np.ones(2)) == bilinear(np.ones(2), r.fixed["y"]) for r in found)
    assert len(restrictions(bilinear, (X, Y), None, None, 5, rng)) == 1
    assert restrictions(bilinear, (X, Y), [0], {1: np.zeros(3)}, 5, rng)[0].g(np.ones(2)) == 2.0


def test_nested_arguments():
    domain = {"w": [Box(0, 1, shape=2), Box(0, 1)], "S": PositiveDefinite(2)}
    g, region = restricted(lambda w, S: np.sum(w[0]) * w[1] + np.trace(S), domain, None, None)
    assert g(region.unravel(region.center)) == pytest.approx(0.5 + 2)
    g, region = restricted(lambda w, S: np.sum(w[0]) * w[1] + np.trace(S), domain, "w", {"S": np.eye(2)})
    assert region.n == 3 and g([np.ones(2), 2.0]) == 6.0


WRONG = [(dict(vary="z", fix=None), "must name arguments of the domain, 'x', 'y', got 'z'"),
         (dict(vary="x", fix=None), "y is neither varied nor fixed"), (dict(vary="x", fix={"y": "one"}), "kind"),
         (dict(vary="x", fix={"x": np.zeros(2), "y": np.zeros(3)}), "in vary and in fix"),
         (dict(vary="x", fix={"y": 2 * np.ones(3)}), "must lie in the ball"), (dict(vary=[], fix=None), "at least one")]


@pytest.mark.parametrize("how, words", WRONG)
def test_wrong_names_say_what_and_why(how, words):
    with pytest.raises(ValueError, match=words):
        restricted(bilinear, {"x": X, "y": Y}, **how)


def test_one_region_has_nothing_to_fix():
    with pytest.raises(ValueError, match="several arguments"):
        restricted(bilinear, X, "x", None)
    with pytest.raises(TypeError, match="must be a region"):
        restricted(bilinear, (X, 3), None, None)
