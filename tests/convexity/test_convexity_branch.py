"""Branch and bound: certified bounds hold and get close, the tree of boxes covers the box, limits are kept."""

import numpy as np
import pytest

from autodiff.intervals import Interval, add, multiply, point, square
from optkit.convexity.branch import branch
from optkit.convexity.cuts import cut_points, extents, middles
from optkit.convexity.proof import Cover
from optkit.convexity.spectrum import eigenvalue_bounds

pytestmark = pytest.mark.nan_ok     # infinite boxes and unknown bounds are among the subjects
INF = np.inf


class Known:
    """A Hessian as entry(i, j, box) -> Interval, its eigenvalues' extremes over the box lower, upper, and where."""

    def __init__(self, name, entry, lower, upper, mu, L):
        self.name, self.entry, self.mu, self.L = name, entry, mu, L
        self.lower, self.upper = np.array(lower, float), np.array(upper, float)
        self.n, self.seen = len(lower), 0

    def enclosed(self, lower, upper):
        x = [Interval(a, b) for a, b in zip(lower, upper, strict=True)]
        with np.errstate(all="ignore"):
            rows = [[self.entry(i, j, x) for j in range(self.n)] for i in range(self.n)]
        shape = (self.n, self.n, lower.shape[1])
        return Interval(*(np.array([[np.broadcast_to(e[end], lower.shape[1:]) for e in row] for row in rows]).reshape(
            shape) for end in (0, 1)))

    def bounds(self, lower, upper):
        self.seen += lower.shape[1]
        found = eigenvalue_bounds(self.enclosed(lower, upper))
        return found.low, found.high

    def samples(self, x):
        values = np.linalg.eigvalsh(np.moveaxis(self.enclosed(x, x).lo, -1, 0))
        return values[:, 0], values[:, -1]

    def branch(self, goal="constants", misses=None, samples=True, **limits):
        settings = {"gap": 0.05, "maxtime": 20.0, "maxboxes": 20_000} | limits
        return branch(self.bounds, self.samples if samples else None, misses, self.lower, self.upper,
                      tuple(range(self.n)), goal=goal, **settings)


def exp(x):
    lo, hi = np.exp(x.lo), np.exp(x.hi)
    return Interval(lo * (1 - 1e-15), hi * (1 + 1e-15))


def quartic(i, j, x):
    """Of Σ x⁴ + x·x + x₀x₁: eigenvalues 12x² + 2 ± 1 on the diagonal."""
    return add(multiply(point(12.0), square(x[i])), point(2.0)) if i == j else point(1.0)


def wave(i, j, x):
    """λ = y³ − 3y + 3, the two ends of y³ − 3y apart: dependency that only cuts remove."""
    cube = multiply(x[0], square(x[0]))
    return add(add(cube, multiply(point(-3.0), x[0])), point(3.0))


def face(i, j, x):
    """[[2 + x₀, x₁], [x₁, 3]]: the least eigenvalue is lowest at x₀ = −1, x₁ = ±1."""
    return add(point(2.0), x[0]) if i == j == 0 else point(3.0) if i == j else x[1]


def expanded(i, j, x):
    """12(x − 1)², multiplied out: 0 at x = 1, which no box around it can tell from below."""
    return add(add(multiply(point(12.0), square(x[0])), multiply(point(-24.0), x[0])), point(12.0))


def rising(i, j, x):
    """(x + 2)eˣ."""
    return multiply(add(x[0], point(2.0)), exp(x[0]))


def far(i, j, x):
    """2 + e^{−x²}-like: 2 + 1/(1 + x²), in both variables apart."""
    s = add(point(1.0), square(x[i]))
    return add(point(2.0), Interval(1 / s.hi, 1 / s.lo)) if i == j else point(0.0)


CASES = [
    Known("inside", quartic, [-1, -1.5], [2, 1], 1.0, 0.5 * (2 * 2 + 48 + 27 + np.sqrt(21.0**2 + 4))),
    Known("wave", wave, [-1.75], [2], 1.0, 5.0),
    Known("corner", face, [-1, -1], [1, 1], 2 - np.sqrt(2), 4.0),
    Known("boundary", rising, [-2], [1], 0.0, 3 * np.e),
    Known("infinite", far, [-INF, -INF], [INF, INF], 2.0, 3.0),
    Known("half infinite", far, [1.0, -INF], [INF, 0.5], 2.0, 3.0),
]


def by_name(name):
    return next(case for case in CASES if case.name == name)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_constants_are_certified_within_the_gap(case):
    found = case.branch()
    slack = 1e-9 * (abs(case.mu) + abs(case.L))
    assert found.reason == "done", found
    assert found.mu.lower <= case.mu + slack and case.mu - slack <= found.mu.upper
    assert found.L.lower <= case.L + slack and case.L - slack <= found.L.upper
    assert found.mu.lower >= case.mu - 0.051 * abs(case.mu) - slack
    assert found.L.upper <= case.L + 0.051 * abs(case.L) + slack
    assert found.mu.certified_lower and found.L.certified_upper
    assert not found.mu.certified_upper and not found.L.certified_lower


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_extremes_are_attained_where_it_is_said(case):
    found = case.branch()
    for at, value, k in ((found.mu_at, found.mu.upper, 0), (found.L_at, found.L.lower, 1)):
        assert np.all((case.lower <= at) & (at <= case.upper))
        assert case.samples(at[:, None])[k][0] == pytest.approx(value, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("maxboxes", [1, 2, 7, 40, 300])
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_what_is_certified_holds_however_early_it_ends(case, maxboxes):
    for goal in ("convex", "constants"):
        found = case.branch(goal, maxboxes=maxboxes)
        assert found.boxes <= maxboxes + 1
        assert found.mu.lower <= case.mu + 1e-9 and found.L.upper >= case.L - 1e-9


def claims(case, found):
    return list(Cover(tuple(range(case.n)), found.tree).leaves(case.lower, case.upper))


@pytest.mark.parametrize("goal", ["convex", "constants"])
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_the_leaves_cover_the_box_and_their_claims_hold(case, goal):
    found = case.branch(goal)
    rng = np.random.default_rng(0)
    low, high = np.maximum(case.lower, -50), np.minimum(case.upper, 50)
    X = low[:, None] + (high - low)[:, None] * rng.random((case.n, 300))
    X[:, ::7] = np.round(X[:, ::7])
    X = np.clip(X, case.lower[:, None], case.upper[:, None])
    values, covered = case.samples(X), np.zeros(X.shape[1], bool)
    for lower, upper, leaf in claims(case, found):
        inside = ((lower[:, None] <= X) & (X <= upper[:, None])).all(axis=0)
        covered |= inside
        assert np.all(values[0][inside] >= leaf.low - 1e-12) and np.all(values[1][inside] <= leaf.high * (1 + 1e-12))
        assert leaf.low >= found.mu.lower and leaf.high <= found.L.upper
        again = case.bounds(lower[:, None], upper[:, None])
        assert again[0][0] >= leaf.low - 1e-9 * (1 + abs(leaf.low)) and again[1][0] <= leaf.high + 1e-9 * abs(leaf.high)
    assert covered.all()


def test_the_tree_is_no_finer_than_its_claims_need():
    case = by_name("inside")
    found = case.branch("constants", gap=1e-3)
    assert len(claims(case, found)) < found.boxes / 2
    assert len(claims(case, case.branch("convex"))) == 1


def test_a_sign_ends_the_search():
    case = Known("saddle", lambda i, j, x: add(square(x[0]), point(-1.0)), [-2], [2], -1.0, 3.0)
    found = case.branch("convex")
    assert found.reason == "a sample is negative" and found.boxes <= 3
    assert found.mu.lower <= -1 and found.mu_at is not None


def test_tangency_is_not_certified_by_boxes_that_do_not_see_it():
    case = Known("expanded", expanded, [0], [3], 0.0, 48.0)
    found = case.branch(maxboxes=3000)
    assert -1e-3 < found.mu.lower <= 0
    assert found.reason in ("no more boxes", "boxes cannot be cut any finer")
    assert found.mu_at[0] == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("at", [0.3, 1.0, -0.125])
def test_a_kink_of_the_curvature_at_a_short_number_is_cut_there(at):
    """λ = (x − at)·sign(x − at) as a product whose sign is known only when no box has `at` inside."""
    def entry(i, j, x):
        u = add(x[0], point(-at))
        sign = Interval(np.where(u.lo >= 0, 1.0, -1.0), np.where(u.hi <= 0, -1.0, 1.0))
        return multiply(u, sign)
    case = Known("kink", entry, [-3], [2], 0.0, 3 + at)
    for goal in ("convex", "constants"):
        found = case.branch(goal)
        assert found.mu.lower == 0 and found.reason == "done"
        assert found.boxes < 300


def test_parts_outside_the_domain_make_no_claim():
    """On the disc of radius 1 in the box [−2, 2]²."""
    def misses(lower, upper):
        nearest = np.clip(0.0, lower, upper)
        return (nearest**2).sum(axis=0) > 1
    case = Known("disc", quartic, [-2, -2], [2, 2], 1.0, np.nan)
    found = case.branch(misses=misses, gap=0.02)
    assert found.reason == "done" and found.mu.lower == pytest.approx(1.0, abs=0.03)
    t = np.linspace(0, 2 * np.pi, 4001)
    truth = case.samples(np.array([np.cos(t), np.sin(t)]))[1].max()
    assert truth - 1e-6 <= found.L.upper <= 1.04 * truth
    outside = [leaf for *_, leaf in claims(case, found) if leaf.outside]
    assert outside and (found.L_at**2).sum() <= 1


@pytest.mark.parametrize("low, high", [(np.nan, np.nan), (-INF, INF)])
def test_unknown_bounds_give_no_claim(low, high):
    def bounds(lower, upper):
        wide = (upper - lower).max(axis=0) > 0
        return np.where(wide, low, 1.0), np.where(wide, high, 2.0)
    found = branch(bounds, lambda x: (np.ones(x.shape[1]), np.full(x.shape[1], 2.0)), None, np.zeros(2), np.ones(2),
                   (0, 1), goal="constants", gap=0.05, maxtime=10, maxboxes=200)
    assert found.mu.lower == -INF and found.L.upper == INF
    assert not found.mu.certified_lower and not found.L.certified_upper
    assert len(found.low) and np.all(found.low == -INF)
    assert found.lower.shape == found.upper.shape == (2, len(found.low))


def test_a_sample_below_what_is_certain_at_its_point_is_not_believed():
    case = by_name("wave")
    found = branch(case.bounds, lambda x: (case.samples(x)[0] - 5, case.samples(x)[1]), None, case.lower, case.upper,
                   (0,), goal="convex", gap=0.05, maxtime=10, maxboxes=2000)
    assert found.reason == "done" and found.mu.lower >= 0
    found = branch(case.bounds, lambda x: (case.samples(x)[0] - 5, case.samples(x)[1]), None, case.lower, case.upper,
                   (0,), goal="constants", gap=0.05, maxtime=10, maxboxes=2000)
    assert found.mu.upper == pytest.approx(1.0, abs=0.1)


def test_the_sign_is_settled_however_faint():
    """Bounds of −1e-12 that become 0 on small boxes, beside an upper constant of 1."""
    def bounds(lower, upper):
        return np.where((upper - lower)[0] > 0.2, -1e-12, 0.0), np.ones(lower.shape[1])
    found = branch(bounds, lambda x: (np.zeros(x.shape[1]), np.ones(x.shape[1])), None, np.zeros(1), np.ones(1), (0,),
                   goal="constants", gap=0.05, maxtime=10, maxboxes=200)
    assert found.mu.lower == 0 and found.reason == "done"


def test_only_the_named_variables_are_cut():
    case = Known("three", lambda i, j, x: quartic(i, j, x) if i < 2 and j < 2 else point(float(i == j)),
                 [-1, -1, -1], [1, 1, 5], 1.0, 15.0)
    found = branch(case.bounds, case.samples, None, case.lower, case.upper, (0, 1), goal="constants", gap=0.01,
                   maxtime=10, maxboxes=5000)
    assert found.reason == "done"
    for lower, upper, _ in Cover((0, 1), found.tree).leaves(case.lower, case.upper):
        assert lower[2] == -1 and upper[2] == 5


def test_limits_are_kept():
    case = Known("expanded", expanded, [0], [3], 0.0, 48.0)
    assert case.branch(maxtime=0.0).boxes == 1
    assert case.branch(maxboxes=100).boxes <= 101
    assert case.branch(maxtime=0.0).reason == "no more time" and case.branch(maxboxes=9).reason == "no more boxes"
    with pytest.raises(ValueError, match="goal"):
        case.branch("sign")


def test_without_samples_the_sign_is_still_decided():
    found = by_name("wave").branch("convex", samples=False)
    assert found.reason == "done" and found.mu.lower >= 0 and found.mu.upper == INF and found.mu_at is None


# --- where boxes are cut ----------------------------------------------------------------------------------------------


def cut(lower, upper, *hints):
    return cut_points(np.array([lower]), np.array([upper]), np.array(hints))[0]


@pytest.mark.parametrize("lower, upper, expected", [
    (-1.0, 1.0, 0.0), (-3.0, 2.0, 0.0), (-INF, INF, 0.0), (0.0, INF, 1.0), (1.0, INF, 2.0), (2.0, INF, 4.0),
    (4.0, INF, 16.0),
    (-0.2, 2.0, 0.0), (-INF, 0.0, -1.0), (-INF, -4.0, -16.0), (-5.0, INF, 0.0), (1.0, 6.0, 4.0), (0.3, 1.9, 1.0)])
def test_cuts_fall_on_short_numbers(lower, upper, expected):
    assert cut(lower, upper) == expected


def test_cuts_follow_sampled_extremes():
    assert cut(0.0, 2.0, 0.3000001) == 0.3
    assert cut(-1.0, 1.0, 0.4999) == 0.5
    assert cut(0.0, 2.0, 1.99999) == 1.0           # too near the end
    assert cut(0.0, 2.0, np.nan) == 1.0


def test_cuts_are_inside_whatever_the_box():
    rng = np.random.default_rng(0)
    lower = rng.standard_normal(3000) * 10.0 ** rng.integers(-30, 30, 3000)
    upper = lower + np.abs(rng.standard_normal(3000)) * 10.0 ** rng.integers(-30, 30, 3000)
    upper[::5], lower[::7] = INF, -INF
    found = cut_points(lower, upper, np.zeros(0))
    room = np.nextafter(lower, INF) < upper
    assert np.all(np.isnan(found[~room]) | (upper == lower)[~room])
    assert np.all((lower < found)[room] & (found < upper)[room])
    thin = np.nextafter(np.ones(1), 2)
    for end in (np.ones(1), thin):
        assert np.isnan(cut_points(end, thin, np.zeros(0))).all()


def test_middles_and_edges_of_infinite_boxes_are_finite():
    lower, upper = np.array([[-INF, 3.0, -INF, 1.0]]), np.array([[INF, INF, -8.0, 2.0]])
    m = middles(lower, upper)
    assert np.isfinite(m).all() and np.all((lower <= m) & (m <= upper))
    edges = extents(lower, upper, (np.array([-INF]), np.array([INF])))
    assert edges[0, 0] == 1 and np.all((edges > 0) & (edges <= 1))
    assert extents(lower[:, 3:], upper[:, 3:], (np.array([1.0]), np.array([5.0])))[0, 0] == 0.25
