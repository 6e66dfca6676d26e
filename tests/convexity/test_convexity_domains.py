"""Regions: samples are members, chords end on the boundary, projections are nearest, boxes and misses are certain."""

import json

import numpy as np
import pytest

from optkit.convexity.domains import (
    AffineSubspace,
    Ball,
    Box,
    Domain,
    Intersection,
    Polyhedron,
    PositiveDefinite,
    PositiveOrthant,
    Product,
    Reduced,
    Simplex,
    SymmetricMatrices,
    from_json,
)

INF = np.inf
ROWS = np.random.default_rng(3).standard_normal((9, 4))
ELLIPSE = Domain(lambda x: x[0] ** 2 + 4 * x[1] ** 2 <= 1, lambda rng: rng.uniform(-0.4, 0.4, 2))
TRIANGLE = Polyhedron([[1.0, 1.0], [-1, 0], [0, -1]], [1.0, 0, 0])

BOUNDED = [
    Box(-1, 2, shape=3), Box([0.0, -1.0], [1e-6, 1e6]), Box([0.0, 1.0], [2.0, 1.0]), Ball([1.0, -1.0, 0.5], 2.0),
    Box(-1, 1, shape=40), Ball(0.0, 1.0), Simplex(5), Simplex(4, interior=True), TRIANGLE,
    Polyhedron(np.vstack([ROWS, -ROWS]), np.ones(18)),
    Polyhedron([[1.0, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]], [1.0, 1, 1, 1], [[1.0, 1, 1]], [0.5]),
    Product(Box(0, 1, shape=2), Simplex(3)), Box(0, 1, shape=3) & Ball([0.0, 0, 0], 1.0),
    Simplex(3) & Ball([1.0, 0, 0], 0.5), Box(0, 1, shape=4) & AffineSubspace([[1.0, 2, 3, 4]], [3.0])]
UNBOUNDED = [
    Box(-INF, INF, shape=2), Box([0.0, -INF], [INF, 3.0]), PositiveOrthant(4), AffineSubspace([[1.0, 1, 1]], [2.0]),
    Polyhedron([[1.0, 1.0]], [1.0]), SymmetricMatrices(3), PositiveDefinite(3),
    Product({"X": PositiveDefinite(2), "y": [Box(0, 1), Ball([0.0, 0], 1)]}),
    PositiveDefinite(2) & SymmetricMatrices(2, 1.0)]
ALL = [*BOUNDED, *UNBOUNDED, ELLIPSE, Reduced(Simplex(5)), Reduced(BOUNDED[11])]
CERTAIN = [r for r in BOUNDED + UNBOUNDED]
named = pytest.mark.parametrize


def ids(region):
    return region.label[:40]


def points_of(region, rng, k=40):
    return np.vstack([region.sample(k, rng), region.spread(k, rng)])


@named("region", ALL, ids=ids)
def test_points_are_members_in_the_window_and_the_centre_comes_first(region, rng):
    points = points_of(region, rng)
    assert all(region.contains(p) for p in points)
    if region is not ELLIPSE:
        slack = 1e-9 * (1 + np.abs(region.upper))
        assert np.all(points >= region.lower - slack) and np.all(points <= region.upper + slack)
    assert np.array_equal(region.spread(8, rng)[0], region.center)
    spread = region.spread(64, rng)
    assert 30 <= len(spread) <= 70 and len(np.unique(spread, axis=0)) == len(spread)
    assert np.all(region.scale > 0) and np.isfinite(region.lower).all() and np.isfinite(region.upper).all()


@named("region", ALL, ids=ids)
def test_chords_end_inside_and_beyond_them_is_outside_or_the_window_ends(region, rng):
    points = points_of(region, rng, 20)
    for p, q in zip(points, points[::-1], strict=True):
        if np.array_equal(p, q):
            continue
        t0, t1 = region.chord(p, q - p)
        assert t0 <= 0 and t1 >= 1 - 1e-6
        for t, beyond in ((t0, t0 - 1e-3), (t1, t1 + 1e-3)):
            end, after = p + t * (q - p), p + beyond * (q - p)
            near = region.project(end)
            assert np.allclose(near, end, rtol=1e-6, atol=1e-8 * region.scale.max())
            if region in BOUNDED and not region.open_ends[0].any() or region is ELLIPSE:
                assert not region.contains(after)
            elif region in UNBOUNDED and not isinstance(region, (PositiveDefinite, Product, Intersection)):
                wide = 1e-9 * region.scale
                out = np.any(after < region.lower - wide) or np.any(after > region.upper + wide)
                assert out or not region.contains(after)


@named("region", ALL, ids=ids)
def test_the_ends_of_chords_are_on_the_boundary_and_the_centre_is_not(region, rng):
    assert not region.on_boundary(region.center)
    for p in region.sample(5, rng):
        d = region.direction(rng)
        assert region.on_boundary(p + region.chord(p, d)[1] * d)


@named("region", ALL, ids=ids)
def test_projections_are_members_and_leave_members_alone(region, rng):
    for p in points_of(region, rng, 10):
        assert np.array_equal(region.project(p), p)
        far = p + 3 * region.scale * rng.standard_normal(region.n)
        assert region.contains(region.project(far))


NEAREST = [BOUNDED[0], BOUNDED[3], BOUNDED[6], TRIANGLE, BOUNDED[9], BOUNDED[10], BOUNDED[11], BOUNDED[14],
           *UNBOUNDED[:2], UNBOUNDED[3], UNBOUNDED[4]]


@named("region", NEAREST, ids=ids)
def test_projections_are_nearest(region, rng):
    """⟨x − Px, y − Px⟩ <= 0 for all members y."""
    members = points_of(region, rng)
    for _ in range(20):
        x = region.center + 4 * region.scale * rng.standard_normal(region.n)
        near = region.project(x)
        assert np.max((members - near) @ (x - near)) <= 1e-8 * (1 + np.linalg.norm(x - near)) * region.scale.max()


def test_projection_onto_positive_definite_matrices_clips_eigenvalues():
    cone = PositiveDefinite(2)
    near = cone.unravel(cone.project(cone.flatten(np.diag([3.0, -2.0]))))
    assert np.allclose(near, np.diag([3.0, 1e-5]), atol=1e-12)


@named("region", CERTAIN, ids=ids)
def test_outer_boxes_hold_all_members_and_misses_is_never_wrong(region, rng):
    points = points_of(region, rng, 60)
    low, high = region.outer
    slack = 1e-9 if region.subspace is not None else 0.0
    assert np.all(points >= low - slack) and np.all(points <= high + slack)
    some = points[rng.integers(0, len(points), 300)]
    below, above = (10.0 ** rng.uniform(-9, 0, (300, region.n)) * region.scale for _ in range(2))
    assert not region.misses((some - below).T, (some + above).T).any()
    everywhere = np.full((region.n, 1), INF)
    assert not region.misses(-everywhere, everywhere).any()


@named("region", CERTAIN, ids=ids)
def test_small_boxes_clearly_outside_are_missed(region, rng):
    x = region.center[:, None] + 30 * region.scale[:, None] * rng.standard_normal((region.n, 200))
    near = np.array([region.project(c) for c in x.T]).T
    far = np.max(np.abs(near - x), axis=0) > 0.3 * np.min(region.scale)
    size = 1e-9 * region.scale[:, None]
    missed = region.misses(x - size, x + size)
    assert not missed[[region.contains(c) for c in x.T]].any()
    assert missed[far].all()


def test_misses_of_an_open_end_and_of_a_touching_box():
    one = lambda a: np.array([[a]])                              # noqa: E731
    assert PositiveOrthant(1).misses(one(-1.0), one(0.0))[0] and not Box(0, INF, shape=1).misses(one(-1.0), one(0.0))[0]
    unit = Box(0, 1, shape=1)
    assert not unit.misses(one(1.0), one(2.0))[0] and not unit.misses(one(-2.0), one(0.0))[0]
    assert not Ball([0.0], 1.0).misses(one(1.0), one(2.0))[0] and Ball([0.0], 1.0).misses(one(1.0 + 1e-15), one(2.0))[0]
    half, more = np.full((2, 1), 0.5), np.full((2, 1), 0.5 + 1e-15)
    assert not Simplex(2).misses(half, half)[0] and Simplex(2).misses(more, more)[0]
    assert not TRIANGLE.misses(half, half)[0] and TRIANGLE.misses(more, more)[0]


def test_indefinite_matrices_are_missed_though_their_diagonals_are_positive():
    cone, X = PositiveDefinite(3), np.array([[1.0, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]])
    x = cone.flatten(X)[:, None]
    assert np.linalg.eigvalsh(X)[0] < 0 and np.all(np.abs(X - np.eye(3)) < 1)
    assert cone.misses(x - 1e-3, x + 1e-3)[0] and not cone.misses(x - 1, x + 1)[0]


@named("region", [r for r in ALL if r.subspace is not None], ids=ids)
def test_equations_hold_on_members_and_the_basis_spans_the_rest(region, rng):
    A, b = region.equations
    x0, Z = region.subspace
    assert np.allclose(Z.T @ Z, np.eye(Z.shape[1]), atol=1e-12) and np.allclose(A @ Z, 0, atol=1e-12)
    assert Z.shape[1] == region.n - np.linalg.matrix_rank(A) and np.allclose(A @ x0, b, atol=1e-9)
    for p in points_of(region, rng, 10):
        assert np.allclose(A @ p, b, atol=1e-9) and np.allclose(Z @ (Z.T @ (p - x0)), p - x0, atol=1e-9)
    away = A[0] / np.linalg.norm(A[0])
    assert region.chord(region.center, away) == (0.0, 0.0) and not region.contains(region.center + 1e-6 * away)


def test_the_outer_box_of_a_polyhedron_is_tight_and_certain():
    low, high = TRIANGLE.outer
    assert np.allclose(low, 0, atol=1e-14) and np.allclose(high, 1, atol=1e-14)
    assert np.all(low <= 0) and np.all(high >= 1)
    third = Polyhedron([[3.0, 0.0], [-1, 0], [0.3, 0.7], [-0.3, -0.7]], [1.0, 0, 1, 1])
    assert third.outer[1][0] >= 1 / 3 and third.outer[1][0] < 1 / 3 + 1e-14
    open_side = Polyhedron([[1.0, 1.0], [-1.0, 0.0]], [1.0, 0.0])
    assert np.array_equal(open_side.outer[0], [0.0, -INF]) and open_side.outer[1][0] == INF and not open_side.bounded
    skew = Polyhedron(np.vstack([ROWS, -ROWS]), np.ones(18))
    assert skew.bounded
    for i in range(4):
        e = np.eye(4)[i]
        t = skew.chord(skew.center, e)[1]
        assert skew.center[i] + t <= skew.outer[1][i]


def test_matrix_coordinates_keep_the_frobenius_norm_and_are_symmetric(rng):
    frame = SymmetricMatrices(4)
    x = rng.standard_normal(10)
    X = frame.unravel(x)
    assert X.shape == (4, 4) and np.array_equal(X, X.T) and np.isclose(np.linalg.norm(X), np.linalg.norm(x))
    assert np.allclose(frame.flatten(X), x) and frame.facts == {"symmetric"}
    assert PositiveDefinite(2).facts == {"symmetric", "positive definite"}


def test_arguments_can_be_traced():
    import autodiff as ad
    cone = PositiveDefinite(2)
    H = ad.hessian(lambda x: -np.linalg.slogdet(cone.unravel(x))[1])(cone.center)
    assert np.allclose(H, np.eye(3), atol=1e-12)                 # at the identity: D ↦ ‖D‖_F², by the isometry
    pair = Product({"x": Box(0, 1, shape=2), "y": [Box(0, 1), PositiveDefinite(2)]})
    f = lambda p: np.sum(p["x"] ** 2) * p["y"][0] + np.trace(p["y"][1])  # noqa: E731
    g = ad.grad(lambda x: f(pair.unravel(x)))(pair.center)
    assert np.allclose(g, [0.5, 0.5, 0.5, 1, 0, 1])
    assert np.array_equal(pair.flatten(pair.unravel(pair.center)), pair.center)


def test_what_is_known_of_matrices_reaches_the_proof():
    from autodiff.curvature.prepare import prepare

    def names(region, f):
        graph = prepare(lambda x: f(region.unravel(x)), region.center, region.facts).graph
        return [node.prim.name for node in graph.live(graph.outputs)]

    log_det = lambda X: -np.linalg.slogdet(X)[1]                 # noqa: E731
    cone, plane = PositiveDefinite(3), SymmetricMatrices(3)
    atoms = set(names(cone, log_det)) - set(names(plane, log_det))
    assert atoms and "logabsdet" in names(plane, log_det) and "logabsdet" not in names(cone, log_det)


def test_reduced_coordinates_keep_distances(rng):
    whole = Simplex(6)
    small = Reduced(whole)
    u, v = small.sample(2, rng)
    assert small.n == 5 and np.isclose(np.linalg.norm(u - v), np.linalg.norm(small.unravel(u) - small.unravel(v)))
    assert np.isclose(np.sum(small.unravel(u)), 1) and np.allclose(small.flatten(small.unravel(u)), u)


def test_samples_have_the_law_that_is_promised(rng):
    corner = Polyhedron([[1.0, 1], [-1, 0], [0, -1]], [1.0, 0, 0]).sample(4000, rng)
    assert np.allclose(corner.mean(axis=0), 1 / 3, atol=0.03)    # uniform on the triangle
    assert np.isclose(np.mean(corner[:, 0] < 0.5), 0.75, atol=0.05)
    assert np.allclose(np.var(Simplex(3).sample(4000, rng), axis=0), 1 / 18, atol=0.005)
    quarter = (Box(0, 1, shape=2) & Ball([0.0, 0], 1.0)).sample(2000, rng)
    assert np.allclose(quarter.mean(axis=0), 4 / (3 * np.pi), atol=0.03)


def test_a_box_is_covered_corners_faces_and_interior(rng):
    points = Box(-1, 1, shape=3).spread(128, rng)
    pinned = np.sum(np.abs(points) == 1, axis=1)
    assert len({tuple(p) for p in points[pinned == 3]}) == 8
    assert np.sum(pinned == 1) >= 8 and np.sum(pinned == 0) >= 40


def test_polyhedra_and_simplices_are_covered_up_to_their_faces(rng):
    points = TRIANGLE.spread(96, rng)
    tight = np.sum(np.column_stack([points, 1 - points.sum(axis=1)]) < 1e-9, axis=1)
    assert np.sum(tight == 0) >= 30 and np.sum(tight == 1) >= 10 and np.sum(tight == 2) >= 5
    weights = Simplex(4).spread(96, rng)
    assert {1, 2, 3, 4} <= set(np.sum(weights > 1e-9, axis=1).tolist())


def test_unbounded_sets_are_searched_in_a_window_that_the_label_states():
    both, one = Box(-INF, INF, shape=2), Box([100.0], [INF])
    assert "searched on [-10, 10]^2" in str(both) and np.array_equal(both.upper, [10, 10]) and not both.bounded
    assert one.lower == 100 and one.upper == 1100 and one.contains(np.array([1e9])) and one.open_ends[1][0]
    assert "searched" in str(UNBOUNDED[4]) and "searched" in str(AffineSubspace([[1.0, 1]], [0.0], reach=3.0))
    assert "searched" not in str(TRIANGLE)


def test_intersections_of_polyhedra_are_polyhedra():
    both = Box(0, 1, shape=3) & Simplex(3) & Polyhedron([[1.0, 0, 0]], [0.5])
    assert isinstance(both, Polyhedron) and both.contains(np.array([0.25, 0.25, 0.5]))
    assert not both.contains(np.array([0.6, 0.2, 0.2])) and both.subspace[1].shape == (3, 2)
    assert not (Simplex(3, interior=True) & Box(0, 1, shape=3)).contains(np.array([0.0, 0.5, 0.5]))
    with pytest.raises(ValueError, match="empty"):
        Box(0, 1, shape=2) & Polyhedron([[1.0, 1.0]], [-1.0])
    with pytest.raises(ValueError, match="no common point"):
        Ball([0.0, 0], 1.0) & Ball([5.0, 0], 1.0)
    with pytest.raises(ValueError, match="one kind of argument"):
        Ball([0.0, 0, 0], 1.0) & SymmetricMatrices(2)
    with pytest.raises(TypeError):
        Box(0, 1, shape=2) & 3


@named("region", [r for r in ALL if r is not ELLIPSE], ids=ids)
def test_json_gives_the_region_back(region, rng):
    again = from_json(json.dumps(region.to_json(), allow_nan=False))
    assert type(again) is type(region) and again.label == region.label and np.array_equal(again.center, region.center)
    assert all(np.array_equal(a, b) for a, b in zip(again.outer, region.outer, strict=True))
    x = region.sample(1, rng)[0]
    assert str(again.unravel(x)) == str(region.unravel(x))


def test_what_json_cannot_hold():
    with pytest.raises(TypeError, match="given by functions"):
        (ELLIPSE & Box(-1, 1, shape=2)).to_json()
    with pytest.raises(ValueError, match="kind must be one of"):
        from_json({"kind": "Torus"})


WRONG = [
    (lambda: Box(np.nan, 1), "lower must be a number or -inf, got nan"),
    (lambda: Box(2, 1), "need lower <= upper, got 2.0 > 1.0"),
    (lambda: Box(INF, INF), "lower must be"),
    (lambda: Box(1, 1, shape=2), "every width is 0"),
    (lambda: Box(0, 1, reach=0), "reach"),
    (lambda: Ball(np.nan, 1), "center must be finite"),
    (lambda: Ball(0.0, -1.0), "radius"),
    (lambda: Simplex(1), "n >= 2"),
    (lambda: Polyhedron([[1.0], [-1.0]], [-1.0, 0.0]), "the set is empty"),
    (lambda: Polyhedron([[1.0, 0], [-1.0, 0]], [1.0, -1.0]), "the set is flat"),
    (lambda: Polyhedron([[np.nan]], [1.0]), "NaN"),
    (lambda: Polyhedron([[1.0]], [1.0, 2.0]), "shape"),
    (lambda: Polyhedron([[0.0, 0]], [1.0]), "row 0 of A is zero"),
    (lambda: Polyhedron([[1.0]], [1.0], [[1.0]]), "belong together"),
    (lambda: AffineSubspace([[1.0, 1], [1, 1]], [0.0, 1.0]), "no solution"),
    (lambda: AffineSubspace(np.eye(2), [0.0, 1]), "one solution"),
    (lambda: PositiveDefinite(2, center=np.diag([1.0, -1])), "positive definite center"),
    (lambda: PositiveDefinite(2, center=np.array([[1.0, 1], [0, 1]])), "not symmetric"),
    (lambda: PositiveOrthant(2, reach=INF), "reach"),
    (lambda: SymmetricMatrices(0), "n >= 1"),
    (lambda: Reduced(Ball(0.0, 1.0)), "full-dimensional"),
    (lambda: Product(), "at least one")]


@named("make, words", WRONG, ids=[w for _, w in WRONG])
def test_wrong_arguments_say_what_and_why(make, words):
    with pytest.raises(ValueError, match=words):
        make()
    with pytest.raises(TypeError, match="must be a region"):
        Product(Ball(0.0, 1.0), 3)
