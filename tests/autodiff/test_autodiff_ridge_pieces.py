"""Kinks and pieces of functions of one variable, decided exactly; and the exact polynomials behind."""

import math
from fractions import Fraction

import numpy as np
import pytest
import scipy.special as sp

import autodiff as ad
from autodiff.curvature import polynomials as P
from autodiff.curvature.limits import in_u
from autodiff.curvature.ridge import RIDGE, clustered, enclosed, ranges
from autodiff.derive import primal
from autodiff.interpreters.interval import RULES
from autodiff.intervals import Interval
from autodiff.primitive import PRIMITIVES

INF = np.inf


def body_of(f):
    g = clustered(primal(ad.trace(f, 0.37)))
    node, = [n for n in g.live(g.outputs) if n.prim is RIDGE]
    return node.params["body"]


def bounds(f, lo=-INF, hi=INF, order=2):
    found = enclosed(Interval(np.array([[float(lo)]]), np.array([[float(hi)]])), body=body_of(f), order=order)
    return float(found.lo[0, 0]), float(found.hi[0, 0])


DELTA = 0.3
CONVEX = {                                          # name -> (function, range of the second derivative everywhere)
    "absolute": (np.abs, (0, INF)),
    "root of a square": (lambda u: np.sqrt(u * u), (0, INF)),
    "hinge": (lambda u: np.maximum(0, 1 - u), (0, INF)),
    "squared hinge": (lambda u: np.maximum(0, 1 - u) ** 2, (0, 2)),
    "Huber by where": (lambda u: np.where(np.abs(u) <= 1, 0.5 * u * u, np.abs(u) - 0.5), (0, 1)),
    "Huber with δ": (lambda u: np.where(np.abs(u) <= DELTA, 0.5 * u**2, DELTA * (np.abs(u) - 0.5 * DELTA)), (0, 1)),
    "Huber, strict": (lambda u: np.where(np.abs(u) < 1, 0.5 * u * u, np.abs(u) - 0.5), (0, 1)),
    "Huber by truth values": (lambda u: (np.abs(u) <= 1) * 0.5 * u * u + (np.abs(u) > 1) * (np.abs(u) - 0.5), (0, 1)),
    "Huber by clip": (lambda u: 0.5 * np.clip(u, -1, 1) ** 2 + np.maximum(np.abs(u) - 1, 0), (0, 1)),
    "Huber by minimum": (lambda u: 0.5 * np.minimum(np.abs(u), 1) ** 2 + np.abs(u) - np.minimum(np.abs(u), 1), (0, 1)),
    "Huber of SciPy": (lambda u: sp.huber(1.0, u), (0, 1)),
    "elastic": (lambda u: u * u + np.abs(u), (2, INF)),
    "pinball by where": (lambda u: np.where(u > 0, 0.3 * u, -0.7 * u), (0, INF)),
    "pinball by maximum": (lambda u: np.maximum(0.3 * u, -0.7 * u), (0, INF)),
    "ε-insensitive": (lambda u: np.maximum(np.abs(u) - 0.1, 0), (0, INF)),
    "ELU": (lambda u: np.where(u >= 0, u, np.exp(u) - 1), (0, 1)),
    "sign times u": (lambda u: np.sign(u) * u, (0, INF)),
    "|u| to 1.5": (lambda u: (u * u) ** 0.75, (0, INF)),
    "largest of three": (lambda u: np.maximum(np.maximum(u, -u), 2 * u - 1), (0, INF)),
    "cut parabola": (lambda u: np.maximum(u * u, 1.0), (0, INF)),
}


@pytest.mark.parametrize("name", CONVEX)
def test_convex_pieces(name):
    f, expected = CONVEX[name]
    assert bounds(f) == expected
    lo, hi = bounds(f, -2.0, 0.25)
    assert lo >= expected[0] and hi <= expected[1]


NOT_CONVEX = {
    "x² − 0.01|x|": (lambda u: u * u - 0.01 * np.abs(u), 0.0),
    "concave kink": (lambda u: u**2 - np.maximum(u - 1, 0) / 8, 1.0),
    "minimum": (lambda u: np.minimum(u * u, 1.0), 1.0),
    "jump up": (lambda u: np.where(u > 1, u * u + 1e-9, u * u), 1.0),
    "jump of one point": (lambda u: np.where(u == 0.5, 3.0, u * u), 0.5),
    "slope falls": (lambda u: np.where(u > 0, u, 2 * (np.exp(u) - 1)), 0.0),
    "Huber, constants off": (lambda u: np.where(np.abs(u) <= 1, 0.5 * u * u, np.abs(u) - 0.5000001), 1.0),
    "Huber, slope too small": (lambda u: np.where(np.abs(u) <= 1, 0.5 * u * u, 0.999 * np.abs(u) - 0.499), -1.0),
    "step": (lambda u: np.sign(u) + u * u, 0.0),
    "root of |u|": (lambda u: np.sqrt(np.abs(u)), 0.0),
}


@pytest.mark.parametrize("name", NOT_CONVEX)
def test_kinks_count_on_closed_intervals(name):
    f, at = NOT_CONVEX[name]
    for lo, hi in ((at - 1, at + 1), (at, at + 0.25), (at - 0.25, at), (at, at)):
        assert bounds(f, lo, hi)[0] == -INF


def test_away_from_the_kink_it_does_not_count():
    f = NOT_CONVEX["x² − 0.01|x|"][0]
    assert bounds(f, 1e-300, 5) == (2.0, 2.0) and bounds(f, -5, -1e-300) == (2.0, 2.0)


def test_slopes_are_one_sided_at_kinks():
    assert bounds(np.abs, -1, 1, order=1) == (-1.0, 1.0)
    assert bounds(np.abs, 0, 1, order=1) == (-1.0, 1.0)
    assert bounds(lambda u: np.maximum(u, 0.0), 0.5, 1, order=1) == (1.0, 1.0)
    assert bounds(lambda u: np.where(u > 0, 2 * u, u), -1, 0, order=1) == (1.0, 2.0)
    assert bounds(lambda u: np.where(u > 0, u + 1, u), -1, 1, order=1) == (-INF, INF)


def test_values_across_a_jump():
    lo, hi = bounds(lambda u: np.where(u > 1, u + 1, u), 0, 1, order=0)
    assert lo == 0.0 and hi >= 2.0                  # the closed interval, from the right too


def test_cuts_are_exact():
    """A cut at 1/3, which is no float, and one at √2, which is no fraction."""
    kinks = ranges(body_of(lambda u: np.abs(3 * u - 1) + 0 * u**3), ()).kinks
    assert [k.sign for k in kinks] == [1]
    thirds = ranges(body_of(lambda u: np.abs(3 * u - 1) + u**3), ()).kinks
    assert thirds[0].at.exact in (Fraction(1, 3), None) and thirds[0].at.lo <= 1 / 3 <= thirds[0].at.hi
    assert bounds(lambda u: np.abs(u * u - 2) + 2 * u * u)[0] == 2.0
    assert bounds(lambda u: np.abs(u * u - 2), 1.0, 1.5) == (-2.0, INF)


def test_kinks_whose_places_are_not_known_exactly():
    """max(eᵘ, 1 + u + u²/4) and |eᵘ − 2 − sin u|: not cut, so a kink may be wherever the arguments may be equal."""
    assert bounds(lambda u: np.maximum(np.exp(u), 1 + u + u * u / 4), -0.5, 0.5)[1] == INF
    assert bounds(lambda u: np.minimum(np.exp(u), 1 + u + u * u / 4), -0.5, 0.5)[0] == -INF
    assert bounds(lambda u: np.abs(np.exp(u) - 2 - np.sin(u)), 0.5, 2.0)[1] == INF
    assert bounds(lambda u: np.where(np.exp(u) > 2 + np.sin(u), u * u, u * u), 0.5, 2.0)[0] == -INF
    lo, hi = bounds(lambda u: np.abs(np.exp(u) - 2 - np.sin(u)), 1.5, 2.0)
    assert np.exp(1.5) + np.sin(1.5) - 0.1 < lo < hi < np.exp(2) + np.sin(2) + 0.1


# --- polynomials ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(40))
def test_roots_are_isolated(seed):
    rng = np.random.default_rng(seed)
    true = [Fraction(int(rng.integers(-20, 20)), int(rng.choice([1, 2, 3, 4, 10]))) for _ in range(rng.integers(1, 6))]
    p = P.ONE
    for r in true:
        p = P.times(p, P.poly(-r, 1))
    p = P.times(p, P.poly(2, 0, 1))                 # two that are not real
    found = P.roots(p)
    assert len(found) == len(set(true))
    for r, box in zip(sorted(set(true)), found, strict=True):
        assert Fraction(box.lo) <= r <= Fraction(box.hi) and box.exact in (r, None)
        assert box.hi - box.lo <= 3 * math.ulp(max(abs(box.lo), abs(box.hi)))


def test_irrational_roots():
    low, high = P.roots(P.poly(-2, 0, 1))
    assert low.lo**2 >= 2 - 1e-15 and high.lo < high.hi and Fraction(high.lo) ** 2 < 2 < Fraction(high.hi) ** 2


def test_roots_are_one_number_or_not():
    """√2 as a root of three polynomials; numbers 1e-17 apart, and log 2, that brackets do not tell from them."""
    root = P.roots(P.poly(-2, 0, 1))[1]
    again = P.roots(P.times(P.poly(-2, 0, 1), P.poly(-7, 0, 0, 1)))[1]
    near = P.roots(P.poly(-Fraction(2.8284271247461903), 0, 0, 1))[0]
    assert root.hi >= near.lo and near.hi >= root.lo and not P.same(root, near) and not P.same(near, root)
    assert P.same(root, again) and P.same(again, root) and root != again
    assert P.same(P.roots(P.poly(-1, 3))[0], P.roots(P.poly(-1, 1, 6))[1])
    assert not P.same(P.roots(P.poly(-2, 1))[0], P.roots(P.poly(-2 - Fraction(1, 10**30), 1))[0])
    logs = [in_u(Fraction(s), P.roots(p))[-1] for s, p in ((1, P.poly(-2, 1)), (1, P.poly(-2, 1)), (1, P.poly(
        -2 - Fraction(1, 10**30), 1)), (1, P.poly(-4, 0, 1)))]
    assert P.same(logs[0], logs[1]) and not P.same(logs[0], logs[2]) and P.same(logs[0], logs[3])
    assert len(P.distinct([root, near, again])) == 2


def test_enclosures_of_numbers_beyond_floats():
    huge = Fraction(10) ** 400
    assert P.above(huge) == INF and P.below(huge) == np.finfo(float).max
    assert P.below(-huge) == -INF and P.above(-huge) == -np.finfo(float).max


JUMPING = {                                         # name -> (function, where it jumps)
    "step": (lambda u: np.floor(u + 0.5) + u * u, 0.5), "choice": (lambda u: np.where(u > 1, u + 1, u), 1.0),
    "truth": (lambda u: u.astype(bool) * np.exp(u), 0.0), "sign": (lambda u: np.sign(u) + u * u, 0.0),
    "not cut": (lambda u: np.where(np.exp(u) + np.sin(u) > 1, u * u, 7.0), 0.0)}


def jumps(f, lo, hi):
    with np.errstate(all="ignore"):
        return ranges(body_of(f), ()).jumps(Interval(np.array([lo]), np.array([hi]))).item()


@pytest.mark.parametrize("name", JUMPING)
def test_jumps_are_told(name):
    f, at = JUMPING[name]
    for lo, hi, expected in ((at - 0.25, at + 0.25, True), (at - 0.25, at + 1e-9, True), (at + 0.1, at + 0.25, False)):
        assert jumps(f, lo, hi) == expected


def test_kinks_are_no_jumps():
    for f, _ in CONVEX.values():
        assert not jumps(f, -2.0, 2.0)


def test_common_factors_and_division():
    p, q = P.poly(-1, 0, 1), P.poly(1, 2, 1)
    assert P.common(p, q) == P.poly(1, 1)
    quotient, rest = P.divided(P.times(p, q), q)
    assert quotient == p and rest == ()
    assert P.composed(P.poly(0, 0, 1), P.poly(1, 1)) == q


def test_poles_of_the_tangent_and_casts_out_of_reach():
    f = ranges(body_of(lambda u: np.exp(np.tan(u))), ())
    with np.errstate(all="ignore"):
        assert f.defined(Interval(np.array([1.0, -1.0]), np.array([2.0, 1.0]))).tolist() == [False, True]
    x = Interval(np.array([[200.0, 3.0]]), np.array([[200.5, 3.5]]))
    lo, hi = RULES[PRIMITIVES["astype"]](x, dtype="int8")
    assert lo[0, 0] <= -56 <= hi[0, 0] and lo[0, 1] == hi[0, 1] == 3
