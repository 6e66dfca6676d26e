"""Replay in intervals, and witnesses made readable: what they claim holds in exact arithmetic."""

from fractions import Fraction

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from optkit.convexity import Ball, Box, Simplex, check
from optkit.convexity.evidence import interval_replay, verify
from optkit.convexity.oracle import Oracle
from optkit.convexity.replay import NoReplay, enclosed_gap, enclosed_values, off_hull
from optkit.convexity.shrink import shrink
from optkit.convexity.witness import Segment, exact_middle, exact_segment

pytestmark = pytest.mark.nan_ok


def oracle_of(f, domain):
    with np.errstate(all="ignore"):
        return Oracle(f, domain)


def segment_of(oracle, x, y):
    ends = exact_segment(np.atleast_1d(np.float64(x)), np.atleast_1d(np.float64(y)), oracle.region)
    return Segment(*ends, *(oracle.value(p) for p in ends))


def fraction(values):
    return [Fraction(v) for v in np.ravel(values).tolist()]


def inside(value, interval, k):
    return Fraction(float(interval.lo[k])) <= value <= Fraction(float(interval.hi[k]))


POLYNOMIALS = {
    "cancelling": lambda x: x[0] ** 2 - 2e6 * x[0] + 1e12,
    "quartic": lambda x: (x[0] - x[1]) ** 4 - 1e-11 * x[0] ** 2 + x[1] * 3,
    "product": lambda x: x[0] * x[1] * (x[0] - 0.1) * 7,
}


@pytest.mark.parametrize("name", POLYNOMIALS)
@given(points=st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=1, max_size=4))
def test_values_are_enclosed_in_exact_arithmetic(name, points):
    f = POLYNOMIALS[name]
    points = [np.where(np.abs(p) < 1e-6, 0.0, p) for p in points]
    found = enclosed_values(f, points)
    for k, p in enumerate(points):
        assert inside(f(_Exact(p)), found, k)


class _Exact:
    """A vector of fractions, whose entries meet float constants exactly."""

    def __init__(self, x):
        self.entries = [_Number(v) for v in fraction(x)]

    def __getitem__(self, k):
        return self.entries[k]


class _Number(Fraction):
    def _wrap(op):
        def method(self, other):
            out = getattr(Fraction, op)(self, other if op == "__pow__" else Fraction(other))
            return _Number(out)
        return method

    __add__, __sub__, __mul__, __pow__ = map(_wrap, ("__add__", "__sub__", "__mul__", "__pow__"))
    __radd__, __rsub__, __rmul__ = map(_wrap, ("__radd__", "__rsub__", "__rmul__"))


@given(st.floats(-1, 1), st.floats(0.01, 1), st.sampled_from([0.0, 10.0, 1e3, 1e5, 1e7]))
def test_the_replayed_gap_encloses_the_exact_one(start, length, shift):
    """−(x − c)² expanded around c, whose gap is the exact ‖x − y‖²/4."""
    f = lambda x: -x[0] ** 2 + 2 * shift * x[0] - shift**2                                                  # noqa: E731
    oracle = oracle_of(f, Box(shift - 1, shift + 2, shape=1))
    s = segment_of(oracle, shift + start, shift + start + length)
    gap = enclosed_gap(enclosed_values(f, [s.z, s.x, s.y]), (0.5, 0.5))
    exact = (Fraction(s.y[0]) - Fraction(s.x[0])) ** 2 / 4
    assert Fraction(float(gap.lo)) <= exact <= Fraction(float(gap.hi))
    evidence = interval_replay(oracle, s, np.random.default_rng(0))
    assert evidence.real is (True if gap.lo > 0 and s.gap > 0 else None) or evidence.real is False and gap.lo <= 0
    if evidence.real:
        assert Fraction(s.gap) - exact <= Fraction(evidence.bound) < Fraction(s.gap)


def test_each_point_is_replayed_along_its_own_path():
    def f(x):
        return x[0] ** 2 if x[0] < 0.3 else x[0] - 5.0 if x[0] < 0.6 else 7.0

    points = [np.array([v]) for v in (0.1, 0.45, 0.9, 0.2)]
    found = enclosed_values(f, points)
    for k, p in enumerate(points):
        assert inside(Fraction(f(p)) if k in (1, 2) else Fraction(p[0]) ** 2, found, k)
    with pytest.raises(NoReplay, match="branch"):                # 0.1·3 is 0.3 in real arithmetic, or not
        enclosed_values(lambda x: x[0] if 3 * x[0] - 0.3 > 0 else x[1], [np.array([0.1, 0.0])])


def test_what_cannot_be_replayed_says_why():
    with pytest.raises(NoReplay, match="traced"):
        enclosed_values(lambda x: float(x[0]), [np.ones(1)])
    with pytest.raises(NoReplay, match="not defined"):
        enclosed_values(lambda x: np.log(x[0]), [np.array([-1.0])])
    with pytest.raises(NoReplay, match="not defined"):           # 3·0.1 − 0.3000…04 is −3e-17, which rounds to 0
        enclosed_values(lambda x: np.sqrt(x[0] * 3 - x[1]), [np.array([0.1, 0.1 * 3])])
    assert enclosed_values(lambda x: np.where(x[0] > 0, np.log(x[0]), 2.0), [np.array([-1.0])]).lo[0] == 2.0


def test_a_recording_that_is_not_the_function_establishes_nothing(rng):
    calls = iter(range(10, 10**6))

    def drifting(x):
        return -np.sum(x**2) + 1e-3 * next(calls)

    oracle = oracle_of(lambda x: -np.sum(x**2), Box(-1, 1, shape=2))
    s = segment_of(oracle, [-1.0, 0.0], [1.0, 0.5])
    assert interval_replay(oracle, s, rng).real is True
    oracle.f = drifting
    evidence = verify(oracle, s, rng)
    assert evidence.real is None and evidence.final


def test_a_gap_that_plain_calls_do_not_show_is_no_witness(rng):
    oracle = oracle_of(lambda x: 1e9 - np.sum(x**2), Box(-1, 1, shape=1))
    s = segment_of(oracle, -0.5, 0.5)
    assert verify(oracle, s, rng).real is True
    sunk = Segment(s.x, s.z, s.y, s.fx, s.fz - 2 * s.gap, s.fy)
    assert sunk.gap < 0 and not interval_replay(oracle, sunk, rng).real


def test_a_straddling_enclosure_never_confirms(rng):
    f = lambda x: (x[0] ** 2 * 1e-3 + 1e9) - 1e9                                                            # noqa: E731
    oracle = oracle_of(f, Box(-1, 1, shape=1))
    gaps = [s for k in range(300) if (s := segment_of(oracle, *rng.uniform(-1e-2, 1e-2, 2))).gap > 1e-9]
    assert len(gaps) > 5 and not any(verify(oracle, s, rng).real for s in gaps)


def test_points_near_a_subspace_stand_for_those_on_it(rng):
    simplex = Simplex(3)
    on, off = np.array([0.25, 0.25, 0.5]), np.array([0.1, 0.2, 0.7]) + [0, 0, 1e-13]
    assert off_hull(simplex, [on]) == 0.0 and off_hull(Box(-1, 1, shape=3), [off]) == 0.0
    assert 1e-13 / np.sqrt(3) <= off_hull(simplex, [on, off]) < 1e-11
    oracle = oracle_of(lambda x: -1e6 * (np.sum(x) - 1.0) ** 2, simplex)                # 0 where it counts
    x, z, y = (np.array([0.25, 0.25, 0.5 + k * 2.0**-40]) for k in (1, 0, -1))
    s = Segment(x, z, y, *(oracle.value(p) for p in (x, z, y)))
    assert all(simplex.contains(p) for p in (x, z, y)) and s.gap > 0
    assert not interval_replay(oracle, s, rng).real


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_an_exact_middle_is_exact(x, y):
    x, y = (v if abs(v) > 1e-200 else 0.0 for v in (x, y))
    z = exact_middle(np.array([x]), np.array([y]))
    average = (Fraction(x) + Fraction(y)) / 2
    assert (z is not None) == (Fraction(float(average)) == average)
    assert z is None or Fraction(z[0]) == average


SHRUNK = {
    "saddle": (lambda x: x[0] * x[1] + x[2] ** 2, Box(-1, 1, shape=5), 4),
    "Himmelblau": (lambda x: (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2, Box(-5, 5, shape=2), 4),
    "hat": (lambda x: np.sum(x**2) + 2e-3 * np.exp(-np.sum((x - 0.41) ** 2) / 8e-4), Box(0.35, 0.47, shape=3), 4),
    "ball": (lambda x: np.sum(x**2) - 0.3 * np.sum(x**4), Ball(np.zeros(3), 1.0), 4),
    "thirds": (lambda x: np.log(1 + x**2), Box(1 / 3, 10 / 3), 4),
    "matrix": (lambda X: X[0, 1] * X[1, 0], Box(-1, 1, shape=(2, 2)), 4),
}


@pytest.mark.parametrize("name", SHRUNK)
@pytest.mark.parametrize("seed", range(4))
def test_a_shrunk_witness_is_short_exact_inside_and_proved(name, seed, rng):
    f, domain, digits = SHRUNK[name]
    oracle = oracle_of(f, domain)
    r = np.random.default_rng(seed)
    real = (s for _ in range(10**5) if (s := segment_of(oracle, *domain.sample(2, r))).gap > 1e-5)
    long = next(s for s in real if verify(oracle, s, rng).real)
    short, evidence = shrink(oracle, long, verify(oracle, long, rng), rng, np.inf)
    for a, z, b in zip(*(fraction(p) for p in (short.x, short.z, short.y)), strict=True):
        assert (a + b) / 2 == z
    assert all(domain.contains(p) for p in (short.x, short.z, short.y))
    assert short.gap >= 0.1 * long.gap and (short.fx, short.fz, short.fy) == tuple(
        oracle.value(p) for p in (short.x, short.z, short.y))
    gap = enclosed_gap(enclosed_values(oracle.flat, [short.z, short.x, short.y]), (0.5, 0.5))
    assert 0 < gap.lo and short.gap - gap.lo <= evidence.bound * (1 + 1e-9) + 1e-300
    assert max(len(repr(abs(v)).replace(".", "").strip("0")) for p in (short.x, short.y) for v in p.tolist()) <= digits


def test_rounding_never_leaves_the_domain(rng):
    center = np.array([0.503, 0.497, 0.511])                      # 0 is outside
    ball = Ball(center, 0.0173)
    oracle = oracle_of(lambda x: -np.sum(x**2), ball)
    for _ in range(6):
        x, y = (center + 0.0173 * v / np.linalg.norm(v) * (1 - 1e-9) for v in rng.standard_normal((2, 3)))
        long = segment_of(oracle, x, y)
        short, evidence = shrink(oracle, long, verify(oracle, long, rng), rng, np.inf)
        assert evidence.real and all(np.linalg.norm(p - center) <= 0.0173 for p in (short.x, short.z, short.y))


def test_coordinates_that_do_not_matter_are_still_and_zero():
    witness = check(lambda x: x[3] * x[7] + np.sum(x[:3] ** 2), Box(-1, 1, shape=12)).witness
    moved = np.flatnonzero(witness.points[0] != witness.points[1])
    assert set(moved) <= {3, 7} and all(np.count_nonzero(np.delete(p, [3, 7])) == 0 for p in witness.points)


def test_shrinking_accepts_only_what_the_verifier_confirms_again(monkeypatch, rng):
    oracle = oracle_of(lambda x: -np.sum(x**2), Box(-1, 1, shape=2))
    long = segment_of(oracle, [-0.1234567, 0.7654321], [0.2345678, -0.4567891])
    evidence = verify(oracle, long, rng)
    monkeypatch.setattr("optkit.convexity.shrink.verify", lambda *_: evidence._replace(real=None))
    assert shrink(oracle, long, evidence, rng, np.inf) == (long, evidence)
    monkeypatch.setattr("optkit.convexity.shrink.verify", lambda *_: evidence._replace(how="something weaker"))
    assert shrink(oracle, long, evidence, rng, np.inf) == (long, evidence)


def test_shrinking_keeps_to_its_calls():
    calls = 0

    def f(x):
        nonlocal calls
        calls += 1
        return -np.sum(np.sin(x) ** 2)

    oracle = oracle_of(f, Box(-1, 1, shape=40))
    r = np.random.default_rng(0)
    long = segment_of(oracle, r.uniform(-0.5, 0.5, 40), r.uniform(-0.5, 0.5, 40))
    evidence, calls = verify(oracle, long, r), 0
    shrink(oracle, long, evidence, r, np.inf)
    assert calls <= 430


def test_the_report_shows_all_digits():
    text = str(check(lambda x: np.log(1 + (x[0] - 1 / 3) ** 2) + x[1] ** 2, Box(-3, 3, shape=2)))
    report = check(lambda x: np.log(1 + (x[0] - 1 / 3) ** 2) + x[1] ** 2, Box(-3, 3, shape=2))
    for point in report.witness.points:
        assert all(repr(v).rstrip("0") in text for v in point.tolist())
