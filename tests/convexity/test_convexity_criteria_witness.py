"""Counterexamples: what verifies them, what does not, and that rounding and branches are never taken for one."""

from fractions import Fraction

import numpy as np
import pytest

import optkit.convexity as convexity
from optkit.convexity import Box
from optkit.convexity.alone import Alone
from optkit.convexity.criteria.boxes import bends, slope, smooth
from optkit.convexity.criteria.counterexample import INTERVALS, TABLES, on_grid, refutation
from optkit.convexity.criteria.flat import flatness
from optkit.convexity.criteria.jensen import _segment_law, mean_rise
from optkit.convexity.criteria.matrices import enclosed_gap, matrix_function
from optkit.convexity.criteria.peaks import highest
from optkit.convexity.criteria.quasiconvex import level_rise, lowest_on_level
from optkit.convexity.oracle import Oracle

pytestmark = pytest.mark.nan_ok

LINE = Box(-2, 2, shape=1)


def search_of(f, domain):
    with np.errstate(all="ignore"):
        return Alone(Oracle(f, domain), domain, np.random.default_rng(0), 20_000, np.inf)


def at(t):
    return np.array([float(t)])


def test_a_sum_that_is_positive_by_rounding_only_is_no_counterexample():
    """f = (x + 1) − 1 is affine, and its computed values are off by 1e-16: as sums they look like anything."""
    search = search_of(lambda x: (1e-3 * x[0] + 1.0) - 1.0, LINE)
    rows, seen = [[-0.5, 1.0, -0.5]], 0
    for t in np.random.default_rng(1).uniform(-1, 1, 200):
        points = {"x": at(t), "z": at(t) + 0.25, "y": at(t) + 0.5}
        gap = sum(c * search.oracle.value(p) for c, p in zip(rows[0], points.values(), strict=True))
        seen += gap > 1e-17
        assert refutation(search, "claim", points, rows, at_least_zero=False) is None
    assert seen > 20


def test_verified_by_intervals_means_positive_in_exact_arithmetic():
    search = search_of(lambda x: x[0] ** 2 - 0.1 * x[0] ** 4, LINE)
    rng, verified = np.random.default_rng(2), 0
    for x, y in rng.uniform(-2, 2, (200, 2)):
        points = {"x": at(x), "z": at((x + y) / 2), "y": at(y)}
        found = refutation(search, "claim", points, [[-0.5, 1.0, -0.5]], at_least_zero=False)
        exact = [Fraction(p[0]) ** 2 - Fraction(0.1) * Fraction(p[0]) ** 4 for p in points.values()]
        gap = exact[1] - (exact[0] + exact[2]) / 2
        assert (found is not None and found.verified) <= (gap > 0)
        if found is not None:
            verified += 1
            assert found.how == INTERVALS and abs(Fraction(found.gap) - gap) <= Fraction(found.bound)
    assert verified > 5


def test_code_that_is_not_traced_is_verified_by_its_own_noise():
    real = search_of(lambda x: -(float(x[0]) ** 2), LINE)
    points = {"x": at(-1), "z": at(0), "y": at(1)}
    found = refutation(real, "claim", points, [[-1, 1, 0], [0, 1, -1]], at_least_zero=False)
    assert found.verified and found.how == TABLES and found.recheck() == found.gap == 1.0
    far = Box(1e6 - 0.01, 1e6 + 0.01, shape=1)
    coarse = search_of(lambda x: float(x[0]) ** 2 - 2e6 * float(x[0]) + 1e12, far)      # (x − 1e6)², off by 1e-4
    raised = 0
    for t in np.random.default_rng(3).uniform(-0.005, 0.005, 100):
        points = {"x": at(1e6 + t - 0.001), "z": at(1e6 + t), "y": at(1e6 + t + 0.001)}
        found = refutation(coarse, "claim", points, [[-1, 1, 0], [0, 1, -1]], at_least_zero=False)
        raised += coarse.oracle.value(points["z"]) > max(coarse.oracle.value(points[k]) for k in "xy")
        assert found is None or not found.verified
    assert raised > 10


def test_a_zero_gap_counts_only_where_it_is_exact_and_asked_for():
    search = search_of(lambda x: np.abs(x[0]), LINE)
    points = {"x": at(0.5), "z": at(1.0), "y": at(1.5)}
    assert refutation(search, "claim", points, [[-0.5, 1, -0.5]], at_least_zero=True).verified
    assert refutation(search, "claim", points, [[-0.5, 1, -0.5]], at_least_zero=False) is None
    rounded = search_of(lambda x: 0.1 * np.abs(x[0]) + 1 / 3, LINE)
    assert refutation(rounded, "claim", points, [[-0.5, 1, -0.5]], at_least_zero=True) is None
    assert flatness(rounded, at(0.5), at(1.5)).verified          # by its curvature on the segment
    assert flatness(rounded, at(-0.5), at(1.5)) is None
    assert flatness(search_of(lambda x: 1 + 1e-9 * x[0] ** 2, LINE), at(-1e-4), at(1e-4)) is None


@pytest.mark.parametrize("f, t0, t1, low, high", [
    (lambda x: x[0] ** 4, 0.0, 0.0, 0.0, 0.0), (lambda x: x[0] ** 4, 0.0, 1.0, 0.0, 12.0),
    (lambda x: np.abs(x[0]), 0.5, 1.0, 0.0, 0.0), (lambda x: np.abs(x[0]), 0.0, 1.0, 0.0, np.inf),
    (lambda x: np.abs(x[0]), -1.0, 1.0, 0.0, np.inf), (lambda x: -np.abs(x[0]), -1.0, 1.0, -np.inf, 0.0),
    (lambda x: np.floor(x[0]), 0.5, 1.5, -np.inf, np.inf), (lambda x: np.floor(x[0]), 0.25, 0.75, 0.0, 0.0),
    (lambda x: float(x[0]) ** 2, 0.0, 1.0, -np.inf, np.inf)])
def test_curvature_on_a_segment_counts_kinks_and_jumps(f, t0, t1, low, high):
    with np.errstate(all="ignore"):
        found = bends(Oracle(f, LINE), at(0), at(1), t0, t1)
    assert found[0] <= low and found[1] >= high
    assert found == pytest.approx((low, high), rel=1e-9)


def test_a_derivative_is_trusted_only_where_no_branch_ends():
    """where(x = 0, 0, x) is x; the engine's derivative at 0 is that of the branch 0, so 0 looks stationary."""
    with np.errstate(all="ignore"):
        branch, cube = (Oracle(f, LINE) for f in (lambda x: np.where(x[0] == 0, 0.0, x[0]), lambda x: x[0] ** 3))
        assert slope(branch, at(0), at(-1)) == (0.0, 0.0) and not smooth(branch, at(0), at(-1), 0.0, 1e-9)
        assert slope(cube, at(0), at(-1)) == (0.0, 0.0) and smooth(cube, at(0), at(-1), 0.0, 1e-9)
    for f in (lambda x: np.where(x == 0, 0.0, x), lambda x: np.where(x > 0, x, x / 2), lambda x: x**3 + 1e-9 * x):
        row = convexity.pseudoconvex(f, Box(-1, 1))
        assert row.outcome != "violated", row


def test_the_matrix_gap_encloses_what_eigenvalues_give():
    rng, f = np.random.default_rng(4), lambda t: t**3
    oracle = Oracle(lambda x: x[0] ** 3, Box(-4, 4, shape=1))
    for _ in range(20):
        A, B = (on_grid(X + X.T, 20) for X in rng.uniform(-0.7, 0.7, (2, 2, 2)))
        v = on_grid(rng.standard_normal(2), 20)
        plain = v @ (matrix_function(f, (A + B) / 2) - (matrix_function(f, A) + matrix_function(f, B)) / 2) @ v
        ends = enclosed_gap(oracle, A, B, v)
        M = [np.linalg.matrix_power(X, 3) for X in ((A + B) / 2, A, B)]
        assert ends.lo - 1e-14 <= plain <= ends.hi + 1e-14 and ends.hi - ends.lo < 1e-10
        assert plain == pytest.approx(v @ (M[0] - (M[1] + M[2]) / 2) @ v, abs=1e-12)


def test_highest_finds_the_best_triple():
    rng = np.random.default_rng(5)
    for _ in range(50):
        f = rng.standard_normal(8)
        i, k, j = highest(f)
        best = max(f[b] - max(f[a], f[c]) for b in range(1, 7) for a in range(b) for c in range(b + 1, 8))
        assert i < k < j and f[k] - max(f[i], f[j]) == best
    assert highest(np.array([0.0, np.nan, 1.0, 0.5])) == (0, 2, 3)


def test_a_peak_is_measured_from_the_higher_end():
    """−(x − 1)² on [−2, 2]: most peaks have ends of different height."""
    f = lambda x: -((x[0] - 1) ** 2)  # noqa: E731
    for seed in range(5):
        w = convexity.quasiconvex(f, LINE, budget=1000, seed=seed).witness
        x, z, y = (f(w.points[k]) for k in "xzy")
        assert w.gap == w.recheck() == z - max(x, y) > 0 and x != y


def test_only_segments_that_leave_a_sublevel_set_are_followed():
    calls = 0

    def f(x):
        nonlocal calls
        calls += 1
        return float(x[0]) ** 2

    assert convexity.sublevel(f, LINE).outcome == "holds" and calls < 1000


def test_the_laws_of_the_quadrature_have_their_means():
    search = search_of(lambda x: x[0], LINE)
    for (a, b), mean in (((0, 0), 1 / 2), ((1, 0), 2 / 3), ((2, 2), 1 / 2), ((6, 1), 7 / 9)):   # Beta(a + 1, b + 1)
        X, w = _segment_law(search, (a, b))
        ends = np.array([X[0, 0], X[-1, 0]])
        t, _ = np.polynomial.legendre.leggauss(len(w))
        share = (w @ X[:, 0] - ends[0]) / (ends[1] - ends[0]) * (t[-1] - t[0]) / 2 + (1 + t[0]) / 2
        assert share == pytest.approx(mean, rel=1e-12) and w.sum() == pytest.approx(1) and np.all(w > 0)


def test_a_faint_strong_convexity_is_not_refuted():
    row = convexity.strong_second_order(lambda x: x**4 + 1e-13 * x**2, Box(-1, 1))
    assert row.outcome == "not shown" and row.witness is None


@pytest.mark.parametrize("fun, width", [(level_rise, 2), (lambda s, z: mean_rise(s, z, np.array([0.2, 0.5, 0.3])), 3)])
def test_gradients_of_what_is_pushed(fun, width):
    search = search_of(lambda x: np.sum(x**3) + x[0] * x[1] ** 2, Box([-1, -2], [2, 1]))
    z = np.random.default_rng(6).uniform(-0.8, 0.8, 2 * width)
    value, gradient = fun(search, z)
    for i, e in enumerate(np.eye(z.size)):
        rise = fun(search, z + 1e-6 * e)[0] - fun(search, z - 1e-6 * e)[0]
        assert gradient[i] == pytest.approx(rise / 2e-6, rel=1e-5, abs=1e-7)


def test_the_bordered_hessian_looks_along_the_level():
    """x² − y² at (1, 0): ∇f = (2, 0), along y the curvature is −2; relative to the Hessian −1."""
    search = search_of(lambda x: x[0] ** 2 - x[1] ** 2, Box(-2, 2, shape=2))
    value, d = lowest_on_level(search, np.array([1.0, 0.0]))
    assert value == pytest.approx(-1.0) and abs(d[0]) < 1e-12 < abs(d[1])
    value, d = lowest_on_level(search, np.array([0.0, 1.0]))
    assert value == pytest.approx(1.0) and abs(d[1]) < 1e-12 < abs(d[0])


CONVEX_BUT_ROUNDED = [
    (Box(1e6 - 0.01, 1e6 + 0.01, shape=2), lambda x: np.sum(x**2) - 2e6 * np.sum(x) + 2e12),
    (Box(1e6 - 0.01, 1e6 + 0.01, shape=2), lambda x: sum(float(v) ** 2 - 2e6 * float(v) for v in x) + 2e12),
    (Box(-1, 1, shape=2), lambda x: np.sum((x.astype(np.float32)) ** 2)),
    (Box(-1, 1, shape=2), lambda x: 1e8 * np.sum(np.log(1 + np.exp(30 * x)))),
    (Box(-1, 1, shape=2), lambda x: (1e8 + 1e-3 * x[0]) - 1e8 + np.max(x)),
]


@pytest.mark.parametrize("name", ["epigraph", "sublevel", "jensen", "jensen_integral", "local_is_global", "quasiconvex",
                                  "pseudoconvex", "strong_definition", "strong_first_order"])
def test_rounding_is_never_taken_for_a_counterexample(name):
    for domain, f in CONVEX_BUT_ROUNDED:
        row = getattr(convexity, name)(f, domain, budget=2000)
        assert row.outcome not in ("violated", "suspected"), row
