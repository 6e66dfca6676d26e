"""Interval arithmetic against exact rational arithmetic: containment, exactness, ends at 0, at infinity and beyond."""

from fractions import Fraction

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from autodiff import intervals as iv
from autodiff.intervals import Interval, lift, point

INF, TINY, HUGE = np.inf, 5e-324, 1.7976931348623157e308
EDGES = [0.0, -0.0, TINY, -TINY, 2.2250738585072014e-308, 1.0, -1.0, 3.0, 0.1, -0.1, 2.0**53 + 2, 1e-200, -1e160, HUGE,
         -HUGE, 1 + 2.0**-52, -7.0, 1 / 3]
BINARY = {"add": lambda a, b: a + b, "subtract": lambda a, b: a - b, "multiply": lambda a, b: a * b,
          "divide": lambda a, b: a / b}


@pytest.fixture(autouse=True)
def _silent():
    with np.errstate(all="ignore"):
        yield


def interval(lo, hi) -> Interval:
    return Interval(np.array(lo, float), np.array(hi, float))


def holds(x: Interval, value: Fraction) -> bool:
    """lo <= value <= hi in exact arithmetic."""
    lo, hi = float(x.lo), float(x.hi)
    return (lo == -INF or lo < INF and Fraction(lo) <= value) and (hi == INF or hi > -INF and value <= Fraction(hi))


numbers = st.one_of(st.sampled_from(EDGES), st.floats(allow_nan=False, allow_infinity=False),
                    st.integers(-100, 100).map(float), st.integers(-512, 512).map(lambda k: k / 64))
pairs = st.tuples(numbers, numbers).map(sorted)
shares = st.fractions(0, 1, max_denominator=16)


def inside(ends, t: Fraction) -> Fraction:
    return Fraction(ends[0]) + t * (Fraction(ends[1]) - Fraction(ends[0]))


@pytest.mark.parametrize("name", BINARY)
@hypothesis.settings(max_examples=120)
@hypothesis.given(x=pairs, y=pairs, s=shares, t=shares)
def test_arithmetic_contains_every_exact_result(name, x, y, s, t):
    a, b = inside(x, s), inside(y, t)
    hypothesis.assume(name != "divide" or b != 0)
    assert holds(getattr(iv, name)(interval(*x), interval(*y)), BINARY[name](a, b))


@hypothesis.settings(max_examples=120)
@hypothesis.given(x=pairs, t=shares)
def test_functions_of_one_argument_contain_every_exact_result(x, t):
    a, box = inside(x, t), interval(*x)
    assert holds(iv.square(box), a * a)
    assert holds(iv.absolute(box), abs(a))
    assert holds(iv.negative(box), -a)
    assert a == 0 or holds(iv.reciprocal(box), 1 / a)
    if a >= 0:
        root = iv.sqrt(box)
        assert Fraction(float(root.lo))**2 <= a and (root.hi == INF or a <= Fraction(float(root.hi))**2)


@hypothesis.settings(max_examples=80)
@hypothesis.given(st.lists(pairs, min_size=1, max_size=9), shares)
def test_sums_contain_the_exact_sum(boxes, t):
    x = interval([b[0] for b in boxes], [b[1] for b in boxes])
    assert holds(iv.total(x, (0,), False), sum(inside(b, t) for b in boxes))


@hypothesis.settings(max_examples=100)
@hypothesis.given(x=pairs, y=pairs, s=shares, t=shares, u=shares, v=shares)
def test_smaller_operands_give_smaller_results_up_to_one_unit(x, y, s, t, u, v):
    def part(ends, one, other):
        cut = sorted(float(inside(ends, share)) for share in (one, other))
        return interval(max(cut[0], ends[0]), min(cut[1], ends[1]))
    inner, outer = (part(x, s, t), part(y, u, v)), (interval(*x), interval(*y))
    for name in BINARY:
        small, large = getattr(iv, name)(*inner), getattr(iv, name)(*outer)
        if not np.isnan(small.lo) and not np.isnan(large.lo):
            assert iv.down(large.lo) <= small.lo and small.hi <= iv.up(large.hi), name


def test_small_integers_and_dyadic_fractions_stay_exact():
    rng = np.random.default_rng(0)
    a, b = (rng.integers(-40, 40, (3, 500)) / 8.0 for _ in range(2))
    b = np.where(b == 0, 1.0, b)
    for name, function in (("add", np.add), ("subtract", np.subtract), ("multiply", np.multiply)):
        out = getattr(iv, name)(Interval(a, a + 1), Interval(b, b))
        corners = function(a, b), function(a + 1, b)
        assert np.array_equal(out.lo, np.minimum(*corners)) and np.array_equal(out.hi, np.maximum(*corners)), name
    whole = np.rint(a * 8)
    for out, exact in ((iv.divide(point(whole * b), point(b)), whole), (iv.square(point(a)), a * a),
                       (iv.sqrt(iv.square(point(a))), np.abs(a)), (iv.total(point(a), (0,), False), a.sum(axis=0)),
                       (iv.reciprocal(point(2.0**np.rint(a[0]))), 2.0**-np.rint(a[0]))):
        assert np.array_equal(out.lo, exact) and np.array_equal(out.hi, exact)


def test_rounded_results_are_one_unit_wide_and_no_more():
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((2, 1000))
    for name in BINARY:
        out = getattr(iv, name)(point(a), point(b))
        assert np.all(out.hi <= iv.up(iv.up(out.lo))), name
    assert np.mean(iv.multiply(point(a), point(b)).lo < iv.multiply(point(a), point(b)).hi) > 0.99
    out = iv.sqrt(point(np.abs(a)))
    assert np.all(out.hi <= iv.up(iv.up(out.lo)))


def test_what_a_mistake_in_rounding_would_lose():
    third = iv.divide(point(1.0), point(3.0))
    assert holds(third, Fraction(1, 3)) and third.lo < third.hi
    tenth = point(0.1)
    assert holds(iv.multiply(tenth, tenth), Fraction(0.1)**2) and holds(iv.square(tenth), Fraction(0.1)**2)
    assert holds(iv.add(tenth, point(0.2)), Fraction(0.1) + Fraction(0.2))


def test_signs_survive_underflow_and_zero_times_infinity_is_zero():
    small = iv.multiply(interval(TINY, 1.0), interval(TINY, 1.0))
    assert small.lo == 0 and small.hi == 1
    assert iv.square(point(TINY)).lo == 0 and iv.square(point(TINY)).hi > 0
    below = iv.multiply(interval(-1.0, -TINY), interval(TINY, 1.0))
    assert below.lo == -1 and below.hi == 0
    product = iv.multiply(interval(0.0, 0.0), interval(-INF, INF))
    assert product.lo == 0 and product.hi == 0
    half = iv.multiply(interval(0.0, 2.0), interval(0.0, INF))
    assert half.lo == 0 and half.hi == INF
    assert np.isnan(iv.multiply(interval(0.0, 0.0), interval(np.nan, np.nan)).lo)


def test_lower_ends_do_not_overflow():
    for out in (iv.add(point(HUGE), point(HUGE)), iv.multiply(point(HUGE), point(2.0)), iv.square(point(1e200)),
                iv.divide(point(HUGE), point(0.1)), iv.outward(np.array(INF), np.array(INF), 4)):
        assert out.lo <= HUGE and out.hi == INF
    assert holds(iv.total(interval([HUGE, HUGE, -HUGE], [HUGE, HUGE, -HUGE]), (0,), False), Fraction(HUGE))


def test_division_by_intervals_with_zero():
    assert tuple(map(float, iv.divide(point(1.0), interval(0.0, 2.0)))) == (0.5, INF)
    assert tuple(map(float, iv.divide(point(1.0), interval(-2.0, 0.0)))) == (-INF, -0.5)
    assert tuple(map(float, iv.divide(point(1.0), interval(-1.0, 2.0)))) == (-INF, INF)
    assert np.isnan(iv.divide(point(1.0), point(0.0)).lo)
    assert tuple(map(float, iv.divide(interval(0.0, 1.0), interval(1.0, INF)))) == (0.0, 1.0)


def test_lift_adds_two_batch_axes_and_middle_encloses():
    assert lift(np.ones((2, 3))).shape == (2, 3, 1, 1) and lift(2).shape == (1, 1) and lift(True).lo.dtype == bool
    rng = np.random.default_rng(2)
    lo = rng.standard_normal(1000)
    hi = lo + rng.exponential(size=1000) * 10.0 ** rng.integers(-17, 3, 1000)
    m, r = iv.middle(Interval(lo, hi))
    for a, b, c, d in zip(lo, hi, m, r, strict=True):
        assert Fraction(c) - Fraction(d) <= Fraction(a) and Fraction(b) <= Fraction(c) + Fraction(d)


def test_granule_divides_all_numbers():
    rng = np.random.default_rng(3)
    a = rng.integers(-1000, 1000, 50) * 2.0**-7
    g = iv.granule(a)
    assert g >= 2.0**-7 and np.all(a / g == np.rint(a / g)) and iv.granule(np.array([0.1])) < 1e-16
