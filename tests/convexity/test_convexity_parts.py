"""The tools by themselves: exact segments, verification, envelope, Lanczos, domains, the oracle."""

from fractions import Fraction

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from optkit.convexity import CRITERIA, Ball, Box, Domain
from optkit.convexity.criteria.definition import middle_rise
from optkit.convexity.criteria.first_order import tangent_rise
from optkit.convexity.criteria.second_order import rayleigh
from optkit.convexity.domains import low_discrepancy
from optkit.convexity.evidence import difference_table, extended_precision, verify
from optkit.convexity.lanczos import extremes
from optkit.convexity.oracle import Oracle
from optkit.convexity.search import Search, envelope, per_square
from optkit.convexity.witness import Segment, exact_segment

pytestmark = pytest.mark.nan_ok


def segment(oracle, x, y):
    ends = exact_segment(np.atleast_1d(np.float64(x)), np.atleast_1d(np.float64(y)), oracle.region)
    return Segment(*ends, *(oracle.value(p) for p in ends))


def oracle_of(f, domain):
    with np.errstate(all="ignore"):
        return Oracle(f, domain)


numbers = st.floats(-1e6, 1e6).map(lambda v: v if abs(v) > 1e-9 else 0.0)


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=4))
def test_the_64_parts_of_an_exact_segment_are_exact(pairs):
    x, y = (np.array(c) for c in zip(*pairs, strict=True))
    region = Box(-1e6, 1e6, shape=len(pairs))
    found = exact_segment(x, y, region)
    if found is None:
        assert np.all(np.abs(x - y) <= 2.0**-42 * np.maximum(np.abs(x), np.abs(y)) + 1e-300)
        return
    a, z, b = (p.astype(np.longdouble) for p in found)
    assert np.array_equal(z, (a + b) / 2)
    for k in range(65):
        part = found[0] + k / 64 * (found[2] - found[0])
        assert np.array_equal(part.astype(np.longdouble), a + np.longdouble(k) / 64 * (b - a))
    assert np.all(np.minimum(x, y) <= np.minimum(found[0], found[2]))
    assert np.all(np.maximum(x, y) >= np.maximum(found[0], found[2]))


def test_verification_confirms_a_real_gap_and_denies_rounding(rng):
    real = oracle_of(lambda x: -(x[0] ** 2), Box(-1, 1, shape=1))
    for verifier in (extended_precision, difference_table):
        assert verifier(real, segment(real, -0.3, 0.5), rng).real is True
    expanded = oracle_of(lambda x: x[0] ** 2 - 2e6 * x[0] + 1e12, Box(1e6 - 0.01, 1e6 + 0.01, shape=1))
    gaps = [s for k in range(2000) if (s := segment(expanded, *rng.uniform(1e6 - 0.01, 1e6 + 0.01, 2))).gap > 5e-5]
    assert len(gaps) > 50                                        # rounding alone makes them, far above eps·|f|
    assert min(s.excess for s in gaps) > 1e6
    for s in gaps:
        assert verify(expanded, s, rng).real is False
        assert extended_precision(expanded, s, rng).real is False
        assert difference_table(expanded, s, rng).real is not True


@given(st.floats(-1, 1), st.floats(0.01, 1), st.sampled_from([0.0, 10.0, 1e3, 1e5]))
def test_the_bound_holds_against_exact_arithmetic(start, length, shift):
    """−(x − c)² expanded around c, whose gap is the exact ‖x − y‖²/4."""
    oracle = oracle_of(lambda x: -x[0] ** 2 + 2 * shift * x[0] - shift**2, Box(shift - 1, shift + 2, shape=1))
    s = segment(oracle, shift + start, shift + start + length)
    evidence = extended_precision(oracle, s, np.random.default_rng(0))
    exact = (Fraction(s.y[0]) - Fraction(s.x[0])) ** 2 / 4
    assert evidence.real is not None
    assert abs(Fraction(s.gap) - exact) <= Fraction(evidence.bound)
    assert evidence.real is (s.gap > 2 * evidence.bound)
    assert evidence.real or shift > 100


def test_extended_precision_is_not_trusted_where_part_of_f_stays_in_float64(rng):
    def f(x):                                                    # convex: 1e-16 x, and the second term
        out = np.zeros(1)
        out[0] = x[0] * 1e-16
        return (out[0] + 1.0) - 1.0 + 1e-19 * x[1] ** 2

    oracle = oracle_of(f, Box(-4, 4, shape=2))
    found = [segment(oracle, [a, 1.0], [b, 1.0]) for a, b in rng.uniform(-4, 4, (300, 2))]
    assert sum(s.gap > 5e-17 for s in found) > 20
    assert not any(verify(oracle, s, rng).real for s in found)


def test_a_function_that_leaves_extended_precision_gets_a_difference_table(rng):
    oracle = oracle_of(lambda x: -float(x[0]) ** 2, Box(-1, 1, shape=1))
    s = segment(oracle, -0.5, 0.5)
    assert extended_precision(oracle, s, rng).real is None
    assert verify(oracle, s, rng) == difference_table(oracle, s, rng)
    step = oracle_of(lambda x: float(x[0] > 0), Box(-1, 1, shape=1))
    assert difference_table(step, segment(step, -0.5, 0.75), rng).real is None
    spike = oracle_of(lambda x: float(x[0] == 0), Box(-1, 1, shape=1))
    assert difference_table(spike, segment(spike, -0.5, 0.5), rng).real is False


def test_a_gap_where_f_is_not_finite_is_no_gap(rng):
    oracle = oracle_of(lambda x: np.log(x[0]) if x[0] < 0.5 else np.inf, Box(0.1, 1, shape=1))
    s = segment(oracle, 0.2, 0.9)
    assert s.excess == -np.inf and verify(oracle, s, rng).real is False


@given(st.lists(st.floats(-10, 10), min_size=3, max_size=30))
def test_the_envelope_is_convex_below_and_touches(values):
    f = np.array(values)
    t = np.cumsum(1.0 + np.arange(f.size) % 3)
    low = envelope(t, f)
    assert np.all(low <= f + 1e-12) and low[0] == f[0] and low[-1] == f[-1]
    assert np.all(np.diff(np.diff(low) / np.diff(t)) >= -1e-9)
    kept = np.flatnonzero(low == f)
    assert np.allclose(low, np.interp(t, t[kept], f[kept]))


@pytest.mark.parametrize("n, steps", [(1, 40), (5, 40), (200, 60)])
def test_lanczos_brackets_from_inside_and_finds_separated_ends(n, steps, rng):
    lam = np.sort(rng.standard_normal(n))
    lam[0], lam[-1] = lam[0] - 1, lam[-1] + 1
    Q = np.linalg.qr(rng.standard_normal((n, n)))[0]
    H = Q @ np.diag(lam) @ Q.T
    ends = extremes(H.dot, rng.standard_normal(n), steps)
    assert lam[0] - 1e-12 <= ends.low <= lam[0] + 1e-7 and lam[-1] - 1e-7 <= ends.high <= lam[-1] + 1e-12
    assert np.linalg.norm(H @ ends.v_low - ends.low * ends.v_low) < 1e-3
    few = extremes(H.dot, rng.standard_normal(n), 3)
    assert few.low >= lam[0] - 1e-12 and few.high <= lam[-1] + 1e-12


def test_lanczos_on_zero_identity_and_nan():
    start = np.ones(6)
    assert extremes(lambda v: 0 * v, start, 40)[::2] == (0.0, 0.0)
    assert extremes(lambda v: v, start, 40)[::2] == pytest.approx((1.0, 1.0))
    assert np.isnan(extremes(lambda v: v * np.nan, start, 40).low)


REGIONS = [Box(-1, 2, shape=3), Box([0.0, -1.0], [1e-6, 1e6]), Box([0.0, 1.0], [2.0, 1.0]), Ball([1.0, -1.0, 0.5], 2.0),
           Box(-1, 1, shape=40), Ball(0.0, 1.0),
           Domain(lambda x: x[0] ** 2 + 4 * x[1] ** 2 <= 1, lambda rng: rng.uniform(-0.4, 0.4, 2))]


@pytest.mark.parametrize("region", REGIONS, ids=str)
def test_points_chords_and_projections_stay_inside(region, rng):
    points = np.vstack([region.sample(50, rng), region.spread(64, rng)])
    assert all(region.contains(p) for p in points)
    assert len(region.spread(64, rng)) >= 30 and np.array_equal(region.spread(8, rng)[0], region.center)
    for p, q in zip(points, points[::-1], strict=True):
        t0, t1 = region.chord(p, q - p)
        assert t0 <= 0 <= t1 and (t1 >= 1 - 1e-9 or np.array_equal(p, q))
        for t, beyond in ((t0, t0 - 1e-3), (t1, t1 + 1e-3)):
            assert np.allclose(region.project(p + t * (q - p)), p + t * (q - p), rtol=1e-6, atol=1e-9)
            assert np.array_equal(p, q) or not region.contains(p + beyond * (q - p))
        assert region.contains(region.project(p))
        assert np.array_equal(region.project(p), p)


def test_a_box_is_covered_corners_faces_and_interior(rng):
    points = Box(-1, 1, shape=3).spread(128, rng)
    pinned = np.sum(np.abs(points) == 1, axis=1)
    assert len({tuple(p) for p in points[pinned == 3]}) == 8
    assert np.sum(pinned == 1) >= 8 and np.sum(pinned == 0) >= 40
    assert [0, 0, 0] in points.tolist()


def test_low_discrepancy_points_are_even_and_there_in_any_dimension(rng):
    points = low_discrepancy(64, 2, rng)
    cells = {tuple(c) for c in np.floor(points * 8).astype(int)}
    assert len(cells) == 64                                      # one in each of 64 cells: a (0, 6, 2)-net
    assert low_discrepancy(3, 30_000, rng).shape == (3, 30_000) and low_discrepancy(0, 2, rng).shape == (0, 2)


def test_differencing_matches_the_engine_up_to_the_boundary(rng):
    box = Box(0.5, 2, shape=3)
    f = lambda x: np.sum(x**3) + x[0] * x[1] - np.log(x[2])      # noqa: E731
    exact = oracle_of(f, box)
    opaque = oracle_of(lambda x: float(f(np.array([float(v) for v in x]))), box)
    assert exact.exact and not opaque.exact and "cannot be traced" in opaque.reason
    for x in (box.center, box.lower, box.upper, box.sample(1, rng)[0]):
        assert opaque.value_and_grad(x)[1] == pytest.approx(exact.value_and_grad(x)[1], rel=1e-6, abs=1e-6)
        assert opaque.hessian(x) == pytest.approx(exact.hessian(x), rel=1e-2, abs=1e-3)
    assert not opaque.trouble.first                              # no call left the box, where log would be NaN


def test_the_noise_of_f_is_measured_only_where_it_cancels(rng):
    far = Box(1e6 - 1, 1e6 + 1)
    assert 1e-6 < Search(oracle_of(lambda x: x**2 - 2e6 * x + 1e12, far), far, rng, 1000, np.inf).noise < 1e-2
    for f in (lambda x: x**2, lambda x: np.exp(x), lambda x: 1e8 + x**2):
        assert Search(oracle_of(f, Box(-1, 1)), Box(-1, 1), rng, 1000, np.inf).noise == 0


@pytest.mark.parametrize("objective", [
    middle_rise, tangent_rise, lambda search, z: rayleigh(search, z, search.region.scale),
    lambda search, z: rayleigh(search, z, np.ones(3)), lambda search, z: per_square(*middle_rise(search, z), z)])
def test_the_objectives_of_the_descents_have_their_gradients(objective, rng):
    box = Box([-1.0, 0.0, -2.0], [1.0, 3.0, 0.5])
    search = Search(oracle_of(lambda x: np.sum(np.exp(x)) + x[0] * x[1] ** 2 * x[2], box), box, rng, 2000, np.inf)
    z = rng.uniform(-0.9, 0.9, 6)
    gradient = objective(search, z)[1]
    for i, e in enumerate(np.eye(6) * 1e-5):
        rise = objective(search, z + e)[0] - objective(search, z - e)[0]
        assert gradient[i] == pytest.approx(rise / 2e-5, rel=1e-5, abs=1e-6)


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def graded(x):
    """Its Hessian is [[2, 1], [1, ¼]] in half-widths 1e-6 and 1e6; unscaled, 2e12 hides −2.5e-13 from eigh."""
    return 1e12 * x[0] ** 2 + x[0] * x[1] + 1.25e-13 * x[1] ** 2


ALONE = [("definition", rosenbrock, Box(-2, 2, shape=3)),
         ("definition", lambda x: np.sum(x**2) - 0.05 * np.abs(x[0]), Box(-1, 1, shape=2)),
         ("definition", lambda x: float(x[0]) ** 2 - 0.3 * float(x[1]) ** 4 + float(x[1]) ** 2, Box(-1, 1, shape=2)),
         ("first order", rosenbrock, Box(-2, 2, shape=3)),
         ("first order", lambda x: np.sum(x**2) - 0.3 * np.sum(x**4), Box(-1, 1, shape=3)),
         ("second order", rosenbrock, Box(-2, 2, shape=3)),
         ("second order", lambda x: np.sum(x**2) - 0.01 * np.exp(-np.sum((x - 0.3) ** 2) / 0.003), Box(-1, 1, shape=2)),
         ("second order", lambda x: np.sum(x**2) - 0.03 * np.exp(-100 * x[71] ** 2), Box(-1, 1.1, shape=100)),
         ("second order", lambda x: np.exp(200 * np.sum(x)) + 1e-3 * (x[1] ** 2 - x[0] ** 2), Box(-1, 1, shape=3)),
         ("second order", graded, Box([-1e-6, -1e6], [1e-6, 1e6])),
         ("second order", graded, Box([-1e-6] + [-1e6] * 69, [1e-6] + [1e6] * 69)),
         ("second order", lambda x: float(x[0]) * float(x[1]), Box(-1, 1, shape=2)),
         ("lines", rosenbrock, Box(-2, 2, shape=3)),
         ("lines", lambda x: np.sum(x**2) - 1e-4 * np.abs(x[0] + x[1] - 0.1), Box(-1, 1, shape=4)),
         ("lines", lambda x: x[0] ** 2 - 1e-2 * abs(float(x[0])), Box(-1, 1.1, shape=1))]


@pytest.mark.parametrize("name, f, box", ALONE, ids=[f"{c[0]}-{i}" for i, c in enumerate(ALONE)])
def test_each_criterion_refutes_by_itself(name, f, box, rng):
    search = Search(oracle_of(f, box), box, rng, 20_000, np.inf)
    with np.errstate(all="ignore"):
        row = CRITERIA[name](search)
    assert search.refuted and row.outcome == "violated" and search.witness.recheck() > search.witness.bound, row


def test_a_corner_leaves_room_for_the_segment(rng):
    box = Box(0, 1, shape=2)
    search = Search(oracle_of(lambda x: x[0] * x[1], box), box, rng, 2000, np.inf)
    assert search.probe(np.zeros(2), np.array([1.0, -1.0])) and search.witness.recheck() > 0
