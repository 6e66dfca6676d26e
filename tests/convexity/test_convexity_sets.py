"""check_set: nonconvex sets are refuted with witnesses that recheck, convex ones never are; operations prove."""

import json

import numpy as np
import pytest

from optkit.convexity import Verdict
from optkit.convexity.domains import AffineSubspace, Ball, Box, Domain, Polyhedron, PositiveDefinite, Product, Simplex
from optkit.convexity.set_search import hull_weights
from optkit.convexity.set_witness import Judge
from optkit.convexity.sets import check_set, image, intersection, lmi, members, minkowski, preimage, scaled

PLANE = Box(-1.5, 1.5, shape=2)
UNIT = Box(0, 1, shape=2)
ROWS = np.random.default_rng(0).standard_normal((12, 3))
Q = np.linalg.qr(np.random.default_rng(1).standard_normal((8, 8)))[0]


def in_cube(x):
    return bool(np.all(x >= 0) and np.all(x <= 1))


def on_circle(rng):
    t = rng.uniform(0, 7)
    return np.array([np.cos(t), np.sin(t)])


NONCONVEX = {
    "disc with a hole of radius 0.02": (lambda x: x @ x <= 1 and np.linalg.norm(x - [0.3, 0.2]) > 0.02, PLANE),
    "disc with a slit": (lambda x: x @ x <= 1 and not (abs(x[0]) < 1e-3 and abs(x[1]) < 0.3), PLANE),
    "L-shape": (lambda x: in_cube(x) and x.min() <= 0.5, UNIT),
    "L-shape, hardly": (lambda x: in_cube(x) and x.min() <= 0.98, Box(-0.2, 1.2, shape=2)),
    "8-D box with a corner bitten off": (lambda x: in_cube(x) and x.min() <= 0.9, Box(-0.5, 1.5, shape=8)),
    "8-D box, another corner": (lambda x: in_cube(x) and not (x[:4].min() > 0.9 and x[4:].max() < 0.1),
                                Box(0, 1, shape=8)),
    "annulus": (lambda x: 0.8 <= np.linalg.norm(x) <= 1, PLANE),
    "two balls": (lambda x: min(np.linalg.norm(x - 0.9), np.linalg.norm(x + 0.9)) <= 0.4, PLANE),
    "half-norm ball": (lambda x: np.sum(np.sqrt(np.abs(x))) <= 1, PLANE),
    "sublevel set of a saddle": (lambda x: x[0] ** 2 - x[1] ** 2 <= 0.3, PLANE),
    "dented ball in 5-D": (lambda x: np.linalg.norm(x) <= 1 and np.linalg.norm(x - [1, 0, 0, 0, 0]) > 0.4,
                           Box(-1, 1, shape=5)),
    "rank-one matrices and their neighbours": (
        lambda X: abs(np.linalg.det(X)) <= 0.05, Box(-1, 1, shape=(2, 2)))}

CONVEX = {
    "disc": (lambda x: x @ x <= 1, PLANE),
    "far disc": (lambda x: (x - 1e6) @ (x - 1e6) <= 1, Box(1e6 - 2, 1e6 + 2, shape=2)),
    "tiny disc": (lambda x: x @ x <= 1e-16, Box(-2e-8, 2e-8, shape=2)),
    "polyhedron": (lambda x: bool(np.all(ROWS @ x <= 1)), Box(-10, 10, shape=3)),
    "rotated cube": (lambda x: bool(np.all(np.abs(Q @ x) <= 1 / 3)), Box(-1, 1, shape=8)),
    "second-order cone": (lambda x: np.linalg.norm(x[:2]) <= x[2], Box(-3, 3, shape=3)),
    "correlation matrices": (lambda x: np.linalg.eigvalsh(
        np.array([[1, x[0], x[1]], [x[0], 1, x[2]], [x[1], x[2], 1]]))[0] >= 0, Box(-1, 1, shape=3)),
    "thin slab": (lambda x: abs(0.3 * x[0] + 0.7 * x[1] - 0.1) <= 1e-7, Box(-1, 1, shape=2)),
    "sublevel set of log-sum-exp": (lambda x: np.log(np.sum(np.exp(x))) <= 1, Box(-3, 3, shape=4))}


@pytest.mark.parametrize("name", NONCONVEX)
@pytest.mark.parametrize("seed", [0, 1])
def test_nonconvex_sets_are_refuted_with_a_witness_of_few_digits(name, seed):
    contains, box = NONCONVEX[name]
    report = check_set(contains, box=box, seed=seed)
    assert report.verdict is Verdict.NOT_CONVEX
    (x, y), z = report.witness.points, report.witness.middle
    assert report.witness.recheck() and contains(x) and contains(y) and not contains(z)
    assert np.allclose(z, (x + y) / 2, rtol=1e-15, atol=0)
    assert max(len(f"{abs(c):.12g}".lstrip("0.")) for c in np.ravel([x, y])) <= 6
    text = json.loads(report.to_json())
    assert text["verdict"] == "NOT_CONVEX" and np.array_equal(text["witness"]["points"], [x, y])
    assert "x = " in str(report) and "is not;" in str(report)


@pytest.mark.parametrize("name", CONVEX)
def test_convex_sets_hold_also_where_membership_is_rounded(name):
    contains, box = CONVEX[name]
    report = check_set(contains, box=box, budget=20_000)
    assert report.verdict in (Verdict.NO_COUNTEREXAMPLE, Verdict.SUSPECTED_NOT_CONVEX, Verdict.UNDECIDED)
    assert report.witness is None
    if name not in ("thin slab", "rotated cube"):
        assert report.verdict is Verdict.NO_COUNTEREXAMPLE and report.pairs > 1000
        assert f"{report.pairs} random pairs" in str(report) and 0 < report.calls <= 25_000


def test_a_membership_that_rounding_decides_is_no_refutation():
    """vvᵀ ⪰ 0 always, but its computed eigenvalue 0 has either sign."""
    def contains(x):
        v = np.append(1.0, x)
        return np.linalg.eigvalsh(np.outer(v, v))[0] >= 0

    for seed in range(3):
        report = check_set(contains, box=Box(-1, 1, shape=2), budget=10_000, seed=seed)
        assert report.verdict is Verdict.SUSPECTED_NOT_CONVEX and report.witness is None


def judge(contains, members):
    return Judge(contains, np.array(members, dtype=float), np.ones(2), np.random.default_rng(0))


def test_a_point_outside_a_thin_slab_by_rounding_is_no_witness(rng):
    contains = lambda x: abs(0.3 * x[0] + 0.7 * x[1] - 0.1) <= 1e-7   # noqa: E731
    edge = lambda t: np.array([t, (0.1 + 1e-7 - 0.3 * t) / 0.7])      # noqa: E731
    decides = judge(contains, [[t, (0.1 - 0.3 * t) / 0.7] for t in rng.uniform(-1, 1, 50)])
    pairs = [(edge(s), edge(t)) for s, t in rng.uniform(-1, 1, (4000, 2))]
    found = [(x, y) for x, y in pairs if contains(x) and contains(y) and not contains((x + y) / 2)]
    assert len(found) > 10 and not decides.flat
    assert all(decides.witness(x, (x + y) / 2, y) is None for x, y in found[:30])


def test_a_single_float_left_out_is_no_witness():
    decides = judge(lambda x: x @ x <= 1 and x.any(), [[0.1, 0.2], [-0.3, 0.1], [0.5, -0.5]])
    assert decides.witness(np.array([0.5, 0.0]), np.zeros(2), np.array([-0.5, 0.0])) is None
    holed = judge(lambda x: 1e-6 <= np.linalg.norm(x) <= 1, [[0.1, 0.2], [-0.3, 0.1], [0.5, -0.5]])
    found = holed.witness(np.array([0.5, 0.0]), np.zeros(2), np.array([-0.5, 0.0]))
    assert found is not None and np.linalg.norm(found.z) < 1e-6


def test_gaps_within_a_line_are_not_told_from_rounding():
    report = check_set(lambda x: x[1] == 0 and x[0] == np.round(x[0]), budget=2000,
                       sampler=lambda rng: np.array([float(rng.integers(-9, 9)), 0.0]))
    assert report.verdict is Verdict.SUSPECTED_NOT_CONVEX and report.witness is None


def test_sets_without_interior():
    assert check_set(lambda x: abs(x @ x - 1) < 1e-12, sampler=on_circle).verdict is Verdict.NOT_CONVEX
    lattice = check_set(lambda x: bool(np.all(x == np.round(x))),
                        sampler=lambda rng: rng.integers(-3, 4, 2).astype(float))
    assert lattice.verdict is Verdict.NOT_CONVEX and lattice.witness.recheck()
    line = check_set(lambda x: abs(0.3 * x[0] + 0.7 * x[1] - 0.1) < 1e-12, budget=5000,
                     sampler=lambda rng: (lambda t: np.array([t, (0.1 - 0.3 * t) / 0.7]))(rng.uniform(-1, 1)))
    assert line.verdict is not Verdict.NOT_CONVEX and line.witness is None


def test_a_set_whose_members_are_not_found_is_undecided():
    report = check_set(lambda x: np.linalg.norm(x - 0.123) < 1e-9, box=Box(-1, 1, shape=4), budget=2000)
    assert report.verdict is Verdict.UNDECIDED and "sampler" in report.reason


SWAP = np.array([[0.0, 1], [1, 0]])
PROVED = [
    Box(0, 1, shape=3), Ball([0.0, 0], 1.0), Simplex(3), AffineSubspace([[1.0, 1]], [0.0]), PositiveDefinite(2),
    Polyhedron([[1.0, 1]], [1.0]), Product(UNIT, Simplex(2)), UNIT & Ball([0.0, 0], 1.0),
    lmi(np.eye(2), SWAP, np.diag([1.0, -1])), intersection(UNIT, Ball([0.0, 0], 1.0)),
    minkowski(UNIT, Ball([0.0, 0], 1.0)), preimage([[1.0, 2, 3]], 0.5, Box(0, 1, shape=1)),
    image(np.ones((3, 2)), UNIT), scaled(-2.0, Ball([1.0, 0], 1.0)),
    minkowski(scaled(2, preimage(np.eye(2), [1, 0], UNIT)), lmi(np.eye(2), SWAP, np.diag([1.0, -1])))]


@pytest.mark.parametrize("made", PROVED, ids=lambda s: s.label[:50])
def test_regions_and_operations_on_convex_sets_are_proved(made, rng):
    report = check_set(made)
    assert report.verdict is Verdict.PROVED_CONVEX and report.proof and report.proof[0] in str(report)
    if getattr(made, "contains", None):
        points = made.sample(20, rng)
        assert len(points) > 1 and all(made.contains(x) for x in points)
        for x, y in zip(points, points[::-1], strict=True):
            assert made.contains(x + 0.37 * (y - x))


HOLED = members(lambda x: x @ x <= 1 and x @ x > 0.1, PLANE)


@pytest.mark.parametrize("made", [
    intersection(HOLED, UNIT), image([[1.0, 1], [0, 1]], HOLED), scaled(-3.0, HOLED),
    preimage([[2.0, 0], [1, 1]], 0.1, HOLED)], ids=lambda s: s.label[:40])
def test_operations_on_nonconvex_sets_are_refuted(made):
    report = check_set(made)
    assert report.verdict is Verdict.NOT_CONVEX and report.witness.recheck()


def test_nothing_is_proved_from_parts_that_are_not_known():
    ellipse = Domain(lambda x: x[0] ** 2 + 4 * x[1] ** 2 <= 1, lambda rng: rng.uniform(-0.4, 0.4, 2))
    assert check_set(intersection(ellipse, UNIT), budget=2000).verdict is Verdict.NO_COUNTEREXAMPLE
    unknown = check_set(minkowski(HOLED, UNIT))
    assert unknown.verdict is Verdict.UNDECIDED and "check the parts" in unknown.reason
    assert check_set(image([[1.0, 0]], HOLED)).verdict is Verdict.UNDECIDED


def test_membership_of_the_operations(rng):
    disc = members(lambda x: x @ x <= 1, PLANE)
    A, b = np.array([[2.0, 1], [0, 1]]), np.array([0.3, -0.1])
    pulled, pushed, doubled = preimage(A, b, disc), image(A, disc, b), scaled(-2.0, disc)
    for x in rng.uniform(-1.2, 1.2, (100, 2)):
        assert pulled.contains(x) == disc.contains(A @ x + b)
        assert pushed.contains(A @ x + b) == disc.contains(x) and doubled.contains(-2 * x) == disc.contains(x)
    window = np.array([pulled.lower, pulled.upper])
    assert all(np.all(x >= window[0]) and np.all(x <= window[1]) for x in pulled.sample(50, rng))
    cone = lmi([[0.0, 0], [0, 0]], [[1.0, 0], [0, 0]], [[0.0, 0], [0, 1]])
    assert cone.contains(np.array([1.0, 2])) and not cone.contains(np.array([1.0, -1e-9]))


def test_hull_weights_are_a_convex_combination_or_none(rng):
    points = rng.standard_normal((30, 3))
    x = rng.dirichlet(np.ones(30)) @ points
    w = hull_weights(points, x)
    assert np.all(w >= 0) and np.isclose(w.sum(), 1) and np.allclose(w @ points, x, atol=1e-7)
    assert hull_weights(points, 10 * np.ones(3)) is None


WRONG = [
    (lambda: check_set(lambda x: True), ValueError, "needs box="),
    (lambda: check_set(3), TypeError, "need a region"),
    (lambda: check_set(UNIT, budget=3), ValueError, "budget"),
    (lambda: check_set(UNIT, maxtime=0), ValueError, "maxtime"),
    (lambda: check_set(UNIT, claim="closed"), ValueError, "claim must be one of convex"),
    (lambda: check_set(lambda x: False, sampler=on_circle), ValueError, "must draw members"),
    (lambda: minkowski(UNIT, Ball(0.0, 1.0)), ValueError, "one space"),
    (lambda: scaled(0, UNIT), ValueError, "c != 0"),
    (lambda: preimage(np.ones((3, 2)), 0, UNIT), ValueError, "one row"),
    (lambda: image(np.ones((2, 3)), UNIT), ValueError, "one column"),
    (lambda: lmi(np.eye(2), [[0.0, 1], [0, 0]]), ValueError, "symmetric")]


@pytest.mark.parametrize("make, kind, words", WRONG, ids=[w[2] for w in WRONG])
def test_wrong_arguments_say_what_and_why(make, kind, words):
    with pytest.raises(kind, match=words):
        make()
