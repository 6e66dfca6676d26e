"""Added terms: each prox against its optimality, against brute force, and at the edges of floating point."""

import math

import numpy as np
import pytest
import scipy.optimize

import optkit
from optkit.prox import (
    L1,
    L2,
    Affine,
    Box,
    ElasticNet,
    GroupL2,
    Hyperplane,
    L1Ball,
    L2Ball,
    NonNegative,
    NuclearNorm,
    Separable,
    Simplex,
    Zero,
    as_term,
    projection,
    residual,
)

N = 6
W = np.array([0.0, 0.3, 1.0, 2.0, 0.1, 0.7])
ROWS = np.array([[1.0, 2.0, 0.0, -1.0, 0.0, 1.0], [0.0, 1.0, 1.0, 0.0, -2.0, 0.0], [1.0, 3.0, 1.0, -1.0, -2.0, 1.0]])

PENALTIES = {
    "zero": Zero(),
    "l1": L1(0.7),
    "l1 weighted": L1(W),
    "elastic net": ElasticNet(0.5, W),
    "l2": L2(1.3),
    "groups": GroupL2(np.array([0.4, 1.1]), [[0, 3], [5, 1, 2]]),
    "labels": GroupL2(0.8, np.array([2, -1, 2, 7, 7, 7])),
    "rows": GroupL2(0.8, axis=1).on((2, 3)),
    "columns": GroupL2(0.8, axis=0).on((2, 3)),
    "nuclear": NuclearNorm(0.6, (2, 3)),
    "nuclear tall": NuclearNorm(0.6, (3, 2)),
    "separable": Separable(((0, 2, L1(0.5)), (3, 6, L2(0.9)))),
}
SETS = {
    "box": Box(np.array([-1.0, -np.inf, 0.0, 0.2, -3.0, -1.0]), np.array([1.0, 0.5, np.inf, 0.2, 3.0, 0.0])),
    "nonnegative": NonNegative(),
    "simplex": Simplex(2.0),
    "l1 ball": L1Ball(1.5),
    "l2 ball": L2Ball(1.2),
    "l2 ball moved": L2Ball(0.8, W),
    "affine": Affine(ROWS, [1.0, 2.0, 3.0]),
    "hyperplane": Hyperplane(ROWS[0], -1.0),
    "separable set": Separable(((0, 3, Simplex()), (3, 6, L2Ball(0.5)))),
}
MIXED = {"mixed": Separable(((0, 3, Simplex()), (3, 6, L1(0.4))))}
TERMS = PENALTIES | SETS | MIXED
TAUS = (1e-3, 0.5, 1.0, 40.0)


def points(count, scale=2.0, seed=0):
    return scale * np.random.default_rng(seed).standard_normal((count, N))


def inside(term, x):
    onto = projection(term)
    return x if onto is None else onto(x)


@pytest.mark.parametrize("name", TERMS)
def test_v_minus_prox_is_a_subgradient(name):
    """p = prox(v, t) iff h(z) >= h(p) + (v − p)·(z − p)/t for all z."""
    term = TERMS[name]
    for t in TAUS:
        for v in points(6):
            p = term.prox(v, t)
            assert math.isfinite(term.value(p))
            far, near = points(20, seed=3), p + points(20, 1e-3, seed=4)
            for z in (inside(term, z) for z in (*far, *near, np.zeros(N), 3 * p)):
                linear = term.value(p) + (v - p) @ (z - p) / t
                assert term.value(z) >= linear - 1e-12 * (1 + abs(linear) + np.abs(v).max() / t)


@pytest.mark.parametrize("name", TERMS)
def test_firmly_nonexpansive(name):
    term = TERMS[name]
    for t in TAUS:
        for v, w in zip(points(10), points(10, seed=1), strict=True):
            p, q = term.prox(v, t), term.prox(w, t)
            assert (p - q) @ (p - q) <= (p - q) @ (v - w) + 1e-12


@pytest.mark.parametrize("name", TERMS)
def test_against_minimising_by_brute_force(name):
    """No Nelder–Mead search from prox(v), inside the domain, finds a lower h(x) + ‖x − v‖²/(2t)."""
    term = TERMS[name]
    for t, v in zip((0.5, 2.0), points(2, seed=7), strict=True):
        def model(x, t=t, v=v):
            return term.value(x) + (x - v) @ (x - v) / (2 * t)

        found = scipy.optimize.minimize(lambda x: model(inside(term, x)), term.prox(v, t) + 0.1, method="Nelder-Mead",
                                        options={"maxfev": 400})
        assert model(term.prox(v, t)) <= found.fun + 1e-9


@pytest.mark.parametrize("name", SETS)
def test_projections_are_idempotent_to_the_bit_and_free_of_t(name):
    term = SETS[name]
    assert term.is_set
    for scale in (1e-9, 1.0, 1e6, 1e12):
        for v in points(5, scale):
            p = term.prox(v, 1.0)
            assert term.value(p) == 0.0
            assert np.array_equal(term.prox(p, 1.0), p) and np.array_equal(term.prox(v, 7.0), p)


@pytest.mark.parametrize("name", sorted(set(SETS)))
def test_a_set_is_infinite_clearly_outside(name):
    term, v = SETS[name], -10 - np.arange(float(N))
    assert term.value(v) == math.inf and term.value(term.prox(v, 1.0)) == 0.0


@pytest.mark.parametrize("name", TERMS)
def test_prox_is_fresh_and_leaves_its_input_alone(name):
    term = TERMS[name]
    for v in (points(1)[0], inside(term, points(1)[0])):
        before = v.copy()
        p = term.prox(v, 0.5)
        assert not np.shares_memory(p, v) and np.array_equal(v, before) and p.shape == v.shape


# Moreau: v = prox_h(v) + projection onto the dual ball of radius t·weight, for a norm h.

@pytest.mark.parametrize("t", TAUS)
def test_moreau_decomposition_of_the_norms(t):
    for v in points(8):
        assert L1(0.7).prox(v, t) + Box(-0.7 * t, 0.7 * t).prox(v, 1.0) == pytest.approx(v, abs=1e-14)
        assert L2(0.7).prox(v, t) + L2Ball(0.7 * t).prox(v, 1.0) == pytest.approx(v, abs=1e-14)
        s = np.linalg.svd(v.reshape(2, 3), compute_uv=False)
        kept = np.linalg.svd(NuclearNorm(0.7, (2, 3)).prox(v, t).reshape(2, 3), compute_uv=False)
        assert kept == pytest.approx(np.maximum(s - 0.7 * t, 0), abs=1e-13)
        largest = v - t * L1Ball(1.0).prox(v / t, 1.0)  # prox of max |v_i|
        assert np.abs(largest).max() == pytest.approx(np.abs(v - largest).sum() and np.abs(largest).max())
        assert np.abs(v - largest).sum() <= t * (1 + 1e-12)


def test_soft_thresholding_by_hand():
    v = np.array([3.0, -3.0, 0.5, -0.5, 1.0, 0.0])
    assert L1(1.0).prox(v, 1.0).tolist() == [2, -2, 0, 0, 0, 0]  # the tie |v| = t·weight becomes exactly 0
    assert L1(W).prox(v, 2.0) == pytest.approx([3, -2.4, 0, 0, 0.8, 0])
    assert ElasticNet(1.0, 3.0).prox(v, 1.0) == pytest.approx([0.5, -0.5, 0, 0, 0, 0])
    assert L2(1.0).prox(np.array([3.0, 4.0]), 2.5) == pytest.approx([1.5, 2.0])
    assert L2(5.0).prox(np.array([3.0, 4.0]), 1.0).tolist() == [0, 0]
    assert GroupL2(5.0, [[1, 2]]).prox(np.array([9.0, 3.0, 4.0]), 0.5) == pytest.approx([9, 1.5, 2])


def test_values_by_hand():
    v = np.array([3.0, -4.0, 0.0, 1.0, 2.0, 2.0])
    assert L1(2.0).value(v) == 24 and L1(W).value(v) == pytest.approx(1.2 + 2 + 0.2 + 1.4)
    assert L2(2.0).value(v[:2]) == 10 and ElasticNet(1.0, 2.0).value(v[:2]) == 7 + 25
    assert GroupL2(np.array([1.0, 10.0]), [[0, 1], [3, 4, 5]]).value(v) == pytest.approx(5 + 30)
    assert GroupL2(1.0, axis=1).on((2, 3)).value(v) == pytest.approx(5 + 3)
    assert GroupL2(1.0, axis=0).on((2, 3)).value(v) == pytest.approx(math.sqrt(10) + math.sqrt(20) + 2)
    assert NuclearNorm(0.5, (2, 2)).value(np.array([3.0, 0.0, 0.0, -4.0])) == pytest.approx(3.5)
    assert Zero().value(v) == 0


def test_projections_by_hand():
    assert Simplex().prox(np.array([0.5, 0.5, 0.5]), 1.0) == pytest.approx(np.full(3, 1 / 3))
    assert Simplex().prox(np.array([2.0, 0.0]), 1.0).tolist() == [1, 0]
    assert Simplex().prox(np.array([1.2, 1.0]), 1.0) == pytest.approx([0.6, 0.4])
    assert L1Ball().prox(np.array([-1.2, 1.0]), 1.0) == pytest.approx([-0.6, 0.4])
    assert L1Ball().prox(np.array([-0.2, 0.3]), 1.0).tolist() == [-0.2, 0.3]
    assert L2Ball(5.0, [1.0, 1.0]).prox(np.array([7.0, 9.0]), 1.0) == pytest.approx([4, 5])
    assert Hyperplane([1.0, 1.0], 2.0).prox(np.array([2.0, 2.0]), 1.0) == pytest.approx([1, 1])


@pytest.mark.parametrize("term, v, expected", [
    (Simplex(3.0), -7.0, 3.0), (L1Ball(2.0), -7.0, -2.0), (L2Ball(2.0, [1.0]), 9.0, 3.0), (L1(2.0), 3.0, 1.0),
    (GroupL2(2.0, [[0]]), -3.0, -1.0), (NuclearNorm(2.0, (1, 1)), -3.0, -1.0), (Affine([[2.0]], [3.0]), 9.0, 1.5),
    (L2(2.0), 3.0, 1.0), (Box(1.0, 1.0), 9.0, 1.0)])
def test_one_unknown(term, v, expected):
    assert term.prox(np.array([v]), 1.0) == pytest.approx([expected])


@pytest.mark.parametrize("name", TERMS)
def test_zero_and_ties(name):
    term = TERMS[name]
    for v in (np.zeros(N), np.ones(N), -np.ones(N), np.full(N, 0.7)):
        p = term.prox(v, 1.0)
        assert np.isfinite(p).all() and math.isfinite(term.value(p))
    if name in PENALTIES:
        assert not term.prox(np.zeros(N), 1.0).any()


@pytest.mark.nan_ok
@pytest.mark.parametrize("name", TERMS)
@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e160, 1e300])
def test_extreme_sizes(name, scale):
    """Neither overflows nor divides by an underflow; far out, projections still land inside."""
    term = TERMS[name]
    for v in points(3, scale):
        p = term.prox(v, 0.5)
        assert np.isfinite(p).all()
        assert name not in SETS or scale > 1 and name in ("affine", "hyperplane") or term.value(p) == 0
        assert np.abs(p).max() <= 4 * (np.abs(v).max() + 3)


@pytest.mark.nan_ok
def test_scaling_h_and_v_together():
    for s in (1e-200, 1e-30, 1e30, 1e150):
        for v in points(3):
            for small, large in ((L1(0.5), L1(0.5 * s)), (L2(0.5), L2(0.5 * s)), (Simplex(), Simplex(s)),
                                 (L1Ball(), L1Ball(s)), (L2Ball(), L2Ball(s)),
                                 (GroupL2(0.5, [[0, 1, 2]]), GroupL2(0.5 * s, [[0, 1, 2]])),
                                 (NuclearNorm(0.5, (2, 3)), NuclearNorm(0.5 * s, (2, 3)))):
                assert large.prox(s * v, 1.0) == pytest.approx(s * small.prox(v, 1.0), rel=1e-9, abs=1e-13 * s)


def test_a_tiny_group_beside_a_huge_one_keeps_its_digits():
    v = np.array([1e200, 1e200, 3e-200, 4e-200])
    term = GroupL2(np.array([1e200, 1e-200]), [[0, 1], [2, 3]])
    assert term.prox(v, 1.0)[2:] == pytest.approx([2.4e-200, 3.2e-200], rel=1e-12)


def test_the_simplex_keeps_digits_of_entries_far_from_zero():
    x = Simplex().prox(np.array([1e10, 1e10 - 0.5, 3.0]), 1.0)
    assert x.tolist() == [0.75, 0.25, 0.0]


@pytest.mark.nan_ok
@pytest.mark.parametrize("name", TERMS)
def test_nan_does_not_raise_and_is_not_hidden(name):
    term, v = TERMS[name], points(1)[0]
    v[[1, 4]] = np.nan
    assert not np.isfinite(term.prox(v, 1.0)).all()
    assert name in ("zero",) or not math.isfinite(term.value(v)) or name == "labels"


@pytest.mark.parametrize("make, words", [
    (lambda: L1(-1.0), ["L1", "weight >= 0", "-1"]),
    (lambda: L1(np.nan), ["finite weight"]),
    (lambda: L1([1.0, np.inf]), ["finite weight"]),
    (lambda: ElasticNet(1.0, -2.0), ["l2 >= 0"]),
    (lambda: L2([1.0, 2.0]), ["one number"]),
    (lambda: Simplex(0.0), ["Simplex", "radius > 0"]),
    (lambda: L1Ball(-1.0), ["L1Ball", "radius > 0"]),
    (lambda: L2Ball(np.inf), ["finite radius"]),
    (lambda: L2Ball(1.0, [np.nan]), ["finite center"]),
    (lambda: Box(2.0, 1.0), ["lower <= upper", "2.0", "1.0"]),
    (lambda: Box([0.0, np.nan], 1.0), ["position 1"]),
    (lambda: Box(np.inf, np.inf), ["lower <= upper"]),
    (lambda: Box([0.0, 0.0], [1.0, 1.0, 1.0]), ["2", "3"]),
    (lambda: GroupL2(1.0), ["either groups or axis"]),
    (lambda: GroupL2(1.0, [[0, 1], [1, 2]]), ["without a common index"]),
    (lambda: GroupL2(1.0, [[0.5, 1.0]]), ["whole numbers"]),
    (lambda: GroupL2(1.0, [[0], []]), ["none of them empty"]),
    (lambda: GroupL2(1.0, [[0, -1]]), ["indices >= 0"]),
    (lambda: GroupL2([1.0, 2.0], [[0, 1]]), ["one for each of the 1 groups"]),
    (lambda: GroupL2(1.0, [[0, 9]]).on((5,)), ["below the 5 unknowns"]),
    (lambda: GroupL2(1.0, [0, 0, 1]).on((5,)), ["a label for each of the 5"]),
    (lambda: GroupL2(1.0, axis=2).on((5, 2)), ["axis"]),
    (lambda: GroupL2(1.0, axis=0).value(np.ones(3)), ["on(shape)"]),
    (lambda: NuclearNorm(1.0).on((6,)), ["matrix of unknowns"]),
    (lambda: NuclearNorm(1.0, (2, 2)).on((6,)), ["6 unknowns"]),
    (lambda: NuclearNorm(1.0).value(np.ones(4)), ["shape=(rows, columns)"]),
    (lambda: NuclearNorm(-1.0), ["weight >= 0"]),
    (lambda: Affine([[1.0, 1.0], [2.0, 2.0]], [1.0, 3.0]), ["no solution"]),
    (lambda: Affine([[1.0, 1.0]], [1.0, 3.0]), ["A of shape (m, n)"]),
    (lambda: Affine([[1.0, 1.0]], [1.0]).on((3,)), ["one column"]),
    (lambda: Affine([[0.0, 0.0]], [1.0]), ["no solution"]),
    (lambda: L1([1.0, 2.0]).on((3,)), ["does not fit", "(3,)"]),
    (lambda: Box([0.0, 0.0], 1.0).on((3,)), ["3 unknowns", "got 2"]),
    (lambda: Separable(((0, 3, L1()), (2, 4, L1()))), ["disjoint"]),
    (lambda: Separable(((0, 3, L1()),)).on((2,)), ["2 unknowns"]),
])
def test_wrong_parameters_name_the_value_and_the_remedy(make, words):
    with pytest.raises(ValueError) as error:
        make()
    assert all(word in str(error.value) for word in words), str(error.value)


def test_an_affine_set_with_dependent_rows_and_of_everything():
    x = Affine(ROWS, [1.0, 2.0, 3.0]).prox(points(1)[0], 1.0)
    assert ROWS @ x == pytest.approx([1, 2, 3])
    v = points(1)[0]
    assert np.array_equal(Affine(np.zeros((1, N)), [0.0]).prox(v, 1.0), v)


def test_an_affine_set_far_off():
    for a in points(5):
        assert Hyperplane(a, 2.0).prox(1e12 * a, 1.0) @ a == pytest.approx(2, rel=1e-11)


@pytest.mark.parametrize("name", TERMS)
def test_the_residual_is_what_the_prox_says(name):
    """x − prox(x − g, 1), for sets smaller than 1 as a part of their size, for the box no more than |g|."""
    term = TERMS[name]
    for x, g in zip(points(6, seed=2), points(6, seed=3), strict=True):
        x = inside(term, x)
        plain, r = x - term.prox(x - g, 1.0), residual(term, x, g)
        if name in ("box", "l2 ball moved", "separable set"):
            assert (np.abs(r) >= np.abs(plain) - 1e-14).all() and (np.abs(plain) <= 1e-14).tolist() == (
                np.abs(r) <= 1e-14).tolist()
        else:
            assert r == pytest.approx(plain, abs=1e-14)
    assert term.prox(x, 1.0) is not x


def test_the_residual_of_small_sets():
    x, g = np.array([1e-6, 3e-7]), np.array([1.0, -1.0])
    assert residual(Box(0.0, 1e-6), x, g) == pytest.approx([1.0, 0.7])
    assert residual(Box(0.0, 1e-6), x, 1e-9 * g) == pytest.approx([1e-9, 1e-9])
    assert residual(Simplex(1e-6), np.array([1e-6, 0.0]), g) == pytest.approx([1.0, -1.0])
    assert residual(L2Ball(1e-6), np.array([1e-6, 0.0]), -g) == pytest.approx([1 - 0.5**0.5, 0.5**0.5], rel=1e-5)


X0 = {"W": np.ones((2, 3)), "deep": [np.zeros(2), {"c": 1.0}], "b": np.zeros(3)}


def test_terms_for_entries_of_a_tree():
    term = as_term({"b": L1Ball(0.5), "deep": [None, {"c": L1(2.0)}], "W": GroupL2(0.3, axis=1)}, X0)
    v = np.arange(1.0, 13.0)
    p = term.prox(v, 0.5)
    assert p[:6] == pytest.approx(GroupL2(0.3, axis=1).on((2, 3)).prox(v[:6], 0.5))
    assert p[6:8].tolist() == [7, 8] and p[8] == 8 and p[9:] == pytest.approx(L1Ball(0.5).prox(v[9:], 1.0))
    assert not term.is_set
    inside = term.project(v)
    assert np.array_equal(inside[:9], v[:9]) and np.array_equal(inside[9:], p[9:])


def test_a_term_for_a_branch_a_list_and_everything():
    assert as_term({"deep": L1(2.0)}, X0).parts == ((6, 9, L1(2.0)),) or \
        as_term({"deep": L1(2.0)}, X0).parts[0][:2] == (6, 9)
    assert as_term([None, L1()], [np.ones(2), np.ones(3)]).parts[0][:2] == (2, 5)
    assert as_term(NuclearNorm(1.0), [[1.0, 2.0], [3.0, 4.0]]).shape == (2, 2)
    assert as_term(L1(np.ones((2, 3))), np.zeros((2, 3))).weight.shape == (6,)
    assert as_term(Box(0.0, 1.0), np.zeros((2, 3))).lower.shape == (6,)
    assert as_term({"W": None}, X0) is None and as_term(None, X0) is None


@pytest.mark.parametrize("prox, error, words", [
    ({"w": L1()}, ValueError, ["x0", "'w'"]),
    ({"deep": [None, {"d": L1()}]}, ValueError, ["x0['deep'][1]", "'d'"]),
    ({"W": {"x": L1()}}, ValueError, ["x0['W']", "'x'"]),
    ({"b": NuclearNorm(1.0)}, ValueError, ["matrix"]),
    (0.1, TypeError, ["term of optkit.prox", "0.1"]),
    (L1, TypeError, ["term of optkit.prox"]),
    ({"b": "l1"}, TypeError, ["'l1'"]),
])
def test_a_term_that_does_not_fit_the_tree(prox, error, words):
    with pytest.raises(error) as caught:
        optkit.minimize(lambda x: np.sum(x["b"] ** 2), X0, prox=prox)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_affine_rows_of_any_size():
    x = Affine(np.diag([1e-8, 1e8]), [1.0, 2.0]).prox(np.zeros(2), 1.0)
    assert x == pytest.approx([1e8, 2e-8], rel=1e-12)
    assert Affine([[0.0, 0.0], [1.0, 1.0]], [0.0, 2.0]).prox(np.zeros(2), 1.0) == pytest.approx([1, 1])
    for A, b in (([[1e-8, 1e-8], [1e8, 1e8]], [1e-8, 2e8]), ([[0.0, 0.0]], [1e-9]), ([[1.0, 1.0], [2.0, 2.0]], [1, 3])):
        with pytest.raises(ValueError, match="contradict"):
            Affine(A, b)


def test_what_is_no_number_and_what_is_no_tree():
    with pytest.raises(ValueError, match="L1: need finite weight, got weight='a'"):
        L1("a")
    with pytest.raises(ValueError, match="x0 is no dict, list or tuple; give one term"):
        optkit.minimize(np.sum, np.zeros(2), prox={})
