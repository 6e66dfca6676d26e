"""Eigenvalue bounds of interval matrices: true in exact arithmetic for every member, tight, and 0 where it is 0."""

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest

from autodiff.intervals import Interval
from optkit.convexity.rational import exactly_psd
from optkit.convexity.spectrum import METHODS, eigenvalue_bounds, largest, smallest

pytestmark = pytest.mark.nan_ok     # the ends of the floating-point range are among the subjects


def symmetric(rng, n, size):
    A = rng.standard_normal((size, n, n))
    return A + A.swapaxes(1, 2)


def stacked(lo, hi=None):
    """(B, n, n) ends as an interval (n, n, B)."""
    return Interval(np.moveaxis(lo, 0, -1), np.moveaxis(lo if hi is None else hi, 0, -1))


def random_points(rng, n, size):
    return symmetric(rng, n, size)


def clustered(rng, n, size):
    Q = np.linalg.qr(rng.standard_normal((size, n, n)))[0]
    A = (Q * (1 + 1e-13 * rng.standard_normal((size, 1, n)))) @ Q.swapaxes(1, 2)
    return 0.5 * (A + A.swapaxes(1, 2))


def huge(rng, n, size):
    return symmetric(rng, n, size) * 1e150


def tiny(rng, n, size):
    return symmetric(rng, n, size) * 1e-150


def smallest_numbers(rng, n, size):
    return symmetric(rng, n, size) * 1e-310


def largest_numbers(rng, n, size):
    return symmetric(rng, n, size) * 1e307


def graded(rng, n, size):
    d = 10.0 ** rng.integers(-40, 40, (size, n))
    A = symmetric(rng, n, size) * d[:, :, None] * d[:, None, :]
    return 0.5 * (A + A.swapaxes(1, 2))


def singular(rng, n, size):
    B = rng.integers(-9, 10, (size, n, max(1, n - 1))).astype(float)
    return B @ B.swapaxes(1, 2)


def nearly_singular(rng, n, size):
    return singular(rng, n, size) - np.eye(n) * 1e-15 * rng.integers(-3, 4, (size, 1, 1))


def diagonal(rng, n, size):
    return np.einsum("bi,ij->bij", rng.standard_normal((size, n)), np.eye(n))


KINDS = [random_points, clustered, huge, tiny, smallest_numbers, largest_numbers, graded, singular, nearly_singular,
         diagonal]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [1, 2, 3, 5, 8])
def test_point_bounds_hold_exactly(kind, n):
    rng = np.random.default_rng(n)
    A = kind(rng, n, 30)
    found = eigenvalue_bounds(stacked(A))
    for b in range(len(A)):
        assert exactly_psd(A[b], found.low[b]), (kind, A[b], found.low[b])
        assert exactly_psd(-A[b], -found.high[b]), (kind, A[b], found.high[b])


@pytest.mark.parametrize("kind", [random_points, clustered, huge, tiny, singular, nearly_singular])
def test_point_bounds_are_as_good_as_lapack(kind):
    A = kind(np.random.default_rng(1), 6, 100)
    w = np.linalg.eigvalsh(A)
    size = np.abs(w).max(axis=1)
    found = eigenvalue_bounds(stacked(A))
    assert np.all(w[:, 0] - found.low <= 1e-12 * size)
    assert np.all(found.high - w[:, -1] <= 1e-12 * size)


@pytest.mark.parametrize("vertices", ["never", "sign", "always"])
@pytest.mark.parametrize("n", [2, 3, 5])
@pytest.mark.parametrize("radius", [1e-14, 1e-3, 0.3])
def test_interval_bounds_hold_for_members(n, radius, vertices):
    rng = np.random.default_rng(n)
    C = symmetric(rng, n, 20) + 1.5 * n * np.eye(n) * rng.random((20, 1, 1))
    R = radius * np.abs(symmetric(rng, n, 20))
    lo, hi = C - R, C + R
    found = eigenvalue_bounds(stacked(lo, hi), vertices)
    for z in rng.choice([-1.0, 1.0], (2 ** (n - 1) + 4, n)):
        vertex = np.where(np.outer(z, z) > 0, lo, hi)
        vertex[:, range(n), range(n)] = lo[:, range(n), range(n)]
        t = rng.random((20, n, n))
        t = np.triu(t) + np.triu(t, 1).swapaxes(1, 2)
        for member in (vertex, np.clip(lo + t * (hi - lo), lo, hi)):
            assert all(map(exactly_psd, member, found.low))
            assert all(map(exactly_psd, -member, -found.high))


@pytest.mark.parametrize("n", [3, 4, 6])
def test_vertices_reach_the_truth(n):
    """Hertz: the least eigenvalue of all members is that of a vertex."""
    rng = np.random.default_rng(n)
    C, R = symmetric(rng, n, 12) + 3 * np.eye(n), np.abs(symmetric(rng, n, 12))
    lo, hi = C - R, C + R
    signs = [np.array(z) for z in np.ndindex(*(2,) * n)]
    truth = np.full(12, np.inf)
    for z in signs:
        vertex = np.where(np.equal.outer(z, z), lo, hi)
        truth = np.minimum(truth, np.linalg.eigvalsh(vertex)[:, 0])
    low = smallest(stacked(lo, hi), "always")
    assert np.all(low <= truth + 1e-12)
    assert np.all(low >= truth - 0.02 * np.abs(truth) - 1e-12)


def test_vertices_decide_what_circles_cannot():
    rng = np.random.default_rng(0)
    C, R = symmetric(rng, 4, 300) + 4 * np.eye(4), 0.3 * np.abs(symmetric(rng, 4, 300))
    H = stacked(C - R, C + R)
    without, found = smallest(H, "never"), eigenvalue_bounds(H)
    assert np.array_equal(found.low, smallest(H)) and np.array_equal(found.high, largest(H))
    decided = (without < 0) & (found.low > 0)
    assert decided.sum() >= 3 and np.all(found.low >= without)
    assert {METHODS[k] for k in found.low_by[decided]} == {"vertices"}


@pytest.mark.parametrize("A", [[[2, 2], [2, 2]], [[1, -1], [-1, 1]], [[4, -2], [-2, 1]], [[0, 0], [0, 0]],
                               [[2, 2, 2], [2, 2, 2], [2, 2, 2]], [[1, 2, 3], [2, 4, 6], [3, 6, 9]],
                               [[2, -1, -1], [-1, 2, -1], [-1, -1, 2]], [[0.1, 0.1], [0.1, 0.1]]])
def test_tangency_gives_zero(A):
    A = np.array([A], dtype=float)
    assert eigenvalue_bounds(stacked(A)).low[0] == 0
    assert eigenvalue_bounds(stacked(-A)).high[0] == 0
    A[0, 0, 0] = np.nextafter(A[0, 0, 0], -1)
    assert eigenvalue_bounds(stacked(A)).low[0] < 0


def test_a_kink_on_the_diagonal_is_no_harm_to_the_lower_bound():
    lo, hi = np.array([[[1.0, 0.5], [0.5, 1.0]]]), np.array([[[np.inf, 0.5], [0.5, np.inf]]])
    found = eigenvalue_bounds(stacked(lo, hi))
    assert found.low[0] == pytest.approx(0.5) and found.high[0] == np.inf
    assert eigenvalue_bounds(stacked(np.array([[[np.inf, 1.0], [1.0, np.inf]]]))).low[0] > 1e300


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_unknown_entries_give_no_bound(bad):
    lo = np.array([np.eye(3), np.eye(3)])
    lo[1, 0, 1] = lo[1, 1, 0] = bad
    found = eigenvalue_bounds(stacked(lo, np.where(np.isneginf(lo), 1.0, lo)))
    assert found.low[0] == found.high[0] == 1
    assert found.low[1] == -np.inf and METHODS[found.low_by[1]] == "none"


def test_entries_meet_their_mirror_images():
    lo, hi = np.array([[[1.0, -5.0], [0.0, 1.0]]]), np.array([[[1.0, 0.5], [9.0, 1.0]]])
    assert smallest(stacked(lo, hi))[0] == pytest.approx(0.5)


def test_badly_scaled_variables_keep_their_sign():
    d = np.array([1e-30, 1.0, 1e30])
    A = np.array([[2.0, -1.0, 0.9], [-1.0, 2.0, 0.9], [0.9, 0.9, 2.0]]) * np.outer(d, d)
    assert smallest(stacked(A[None], A[None]))[0] >= 0


def minors_say(A):
    """All principal minors nonnegative, by Fractions."""
    rows = [[Fraction(a) for a in row] for row in A.tolist()]

    def det(index):
        if not index:
            return Fraction(1)
        return sum((-1) ** k * rows[index[0]][j] * minor([*index[1:]], [i for i in index if i != j])
                   for k, j in enumerate(index))

    def minor(these, those):
        if not these:
            return Fraction(1)
        return sum((-1) ** k * rows[these[0]][j] * minor(these[1:], [i for i in those if i != j])
                   for k, j in enumerate(those))

    return all(det(list(s)) >= 0 for r in range(1, len(rows) + 1) for s in combinations(range(len(rows)), r))


def test_exact_elimination_against_principal_minors():
    rng = np.random.default_rng(0)
    seen = set()
    for k in range(400):
        n, rank = int(rng.integers(1, 5)), int(rng.integers(1, 5))
        B = rng.integers(-2, 3, (n, rank)).astype(float)
        A = B @ B.T
        if k % 2:
            i = int(rng.integers(n))
            A[i, i] -= rng.choice([1e-300, 1e-16, 1.0])
        seen.add(minors_say(A))
        assert exactly_psd(A) == minors_say(A), A
    assert seen == {True, False}


def test_exact_elimination_refuses_a_tolerance():
    A = np.array([[2.0, 2.0], [2.0, 2.0]])
    assert exactly_psd(A)
    assert not exactly_psd(A, 1e-300)
    assert not exactly_psd(np.array([[2.0, 2.0], [2.0, np.nextafter(2.0, 0)]]))
    assert not exactly_psd(np.array([[0.0, 1e-200], [1e-200, 1.0]]))
    assert not exactly_psd(np.array([[np.nan]])) and not exactly_psd(np.array([[np.inf]]))
    with pytest.raises(ValueError, match="transpose"):
        exactly_psd(np.array([[1.0, 2.0], [3.0, 4.0]]))
