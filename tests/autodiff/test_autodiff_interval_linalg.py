"""Linear algebra of interval matrices: exact rational truth at points, containment over boxes, singular matrices."""

from fractions import Fraction

import numpy as np
import pytest

from autodiff.interpreters.interval import DOMAINS, RULES
from autodiff.intervals import Interval
from autodiff.primitive import PRIMITIVES

INF = np.inf


def rule(name, *arrays, radius=0.0, **params):
    """Over boxes of this radius around arrays; of three boxes, all alike."""
    boxes = [a[..., None, None] + np.zeros(3) for a in arrays]
    with np.errstate(all="ignore"):
        return RULES[PRIMITIVES[name]](*(Interval(b - radius, b + radius) for b in boxes), **params)


def solved(a, b) -> list:
    """A⁻¹b and det A in rational numbers, by elimination."""
    rows = [[Fraction(float(v)) for v in row] + [Fraction(float(w))] for row, w in zip(a, b, strict=True)]
    n, det = len(rows), Fraction(1)
    for k in range(n):
        pivot = next(i for i in range(k, n) if rows[i][k] != 0)
        if pivot != k:
            rows[k], rows[pivot], det = rows[pivot], rows[k], -det
        det *= rows[k][k]
        for i in range(n):
            if i != k:
                factor = rows[i][k] / rows[k][k]
                rows[i] = [p - factor * q for p, q in zip(rows[i], rows[k], strict=True)]
    return [rows[k][n] / rows[k][k] for k in range(n)] + [det]


def contains(out: Interval, truth, b: int = 0) -> bool:
    lo, hi = (np.ravel(end[..., 0, b]) for end in out)
    return all(Fraction(float(p)) <= t <= Fraction(float(q)) for p, t, q in zip(lo, np.ravel(truth), hi, strict=True))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 6])
def test_systems_and_determinants_contain_the_rational_solution(n):
    rng = np.random.default_rng(n)
    for _ in range(5):
        a, b = rng.standard_normal((n, n)), rng.standard_normal(n)
        *x, det = solved(a, b)
        for out, truth in ((rule("solve", a, b), x), (rule("det", a), [det])):
            assert contains(out, truth) and np.all(out.hi - out.lo <= 1e-9 * (1 + np.abs(out.lo)))
        inverse = rule("inv", a)
        for k in range(n):
            column = Interval(*(end[:, k] for end in inverse))
            assert contains(column, solved(a, np.eye(n)[k])[:-1])
        log = rule("logabsdet", a)
        assert abs(log.lo[0, 0] - np.log(abs(float(det)))) < 1e-9 and log.hi[0, 0] - log.lo[0, 0] < 1e-9
        assert rule("signdet", a).lo[0, 0] == rule("signdet", a).hi[0, 0] == np.sign(float(det))


@pytest.mark.parametrize("name", ["solve", "inv", "det", "logabsdet", "signdet", "adjugate", "svdvals", "nuclear_norm",
                                  "cholesky", "eigh", "solve_triangular"])
@pytest.mark.parametrize("radius", [1e-6, 1e-3, 3e-2])
@pytest.mark.parametrize("n", [2, 3, 5])
def test_boxes_of_matrices_contain_the_results_of_their_members(name, radius, n):
    rng = np.random.default_rng(10 * n)
    a = rng.standard_normal((n, n)) + 3 * np.eye(n)
    params = {"eigh": {"uplo": "L"}, "solve_triangular": {"lower": True, "unit": False}}.get(name, {})
    a = a @ a.T if name in ("cholesky", "eigh") else a
    arrays = [a, rng.standard_normal((n, 2))] if name.startswith("solve") else [a]
    out = rule(name, *arrays, radius=radius, **params)
    out = out if type(out) is Interval else out[0]
    for trial in range(40):
        inner = [c + radius * (rng.choice([-1, 1], c.shape) if trial % 2 else rng.uniform(-1, 1, c.shape))
                 for c in arrays]
        if name in ("cholesky", "eigh"):
            inner = [np.tril(inner[0]) + np.tril(inner[0], -1).T]
        truth = PRIMITIVES[name].evaluate(*inner, **params)
        truth = np.asarray(truth[0] if name == "eigh" else truth)
        lo, hi = (end[..., 0, 1] for end in out)
        assert np.all(lo <= truth + 1e-12) and np.all(truth - 1e-12 <= hi)
    assert radius > 1e-3 or np.all(out.hi - out.lo <= 2e3 * radius * max(1.0, np.abs(truth).max()))


def test_eigenvalues_are_bounded_to_rounding_and_tell_definite_from_indefinite():
    rng = np.random.default_rng(3)
    q = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    w = np.array([-3.0, -1e-3, 1e-3, 1.0, 1.0, 7.0])
    out, vectors = rule("eigh", (q * w) @ q.T, uplo="L")
    assert np.all(np.abs(out.lo[:, 0, 0] - w) < 1e-12) and np.all(np.abs(out.hi[:, 0, 0] - w) < 1e-12)
    assert np.all(vectors.lo == -1) and np.all(vectors.hi == 1)
    diagonal = np.diag([1.0, 2.0, 3.0])
    out, _ = rule("eigh", diagonal, radius=0.25, uplo="L")
    assert np.all(out.lo[:, 0, 0] <= np.arange(1, 4) - 0.75) and np.all(out.lo[:, 0, 0] >= np.arange(1, 4) - 0.76)


def test_nothing_is_said_of_matrices_that_may_be_singular():
    singular = np.array([[1.0, 2.0], [2.0, 4.0]])
    out = rule("solve", singular, np.ones(2), radius=1e-9)
    assert np.all(out.lo == -INF) and np.all(out.hi == INF)
    boxes = Interval(*(singular[..., None, None] + np.array([0.0, 1.0]) * np.eye(2)[..., None, None] + s
                       for s in (-1e-9, 1e-9)))
    with np.errstate(all="ignore"):
        for name in ("solve", "inv", "logabsdet"):
            assert DOMAINS[PRIMITIVES[name]](boxes).ravel().tolist() == [False, True]
        sign = RULES[PRIMITIVES["signdet"]](boxes)
    assert sign.lo.ravel().tolist() == [-1, 1] and sign.hi.ravel().tolist() == [1, 1]
    det = rule("det", singular)
    assert np.all(det.lo == 0) and np.all(det.hi == 0)


def test_cholesky_says_where_a_matrix_may_not_be_definite():
    a = np.array([[4.0, 2.0], [2.0, 2.0]])
    exact = rule("cholesky", a)
    assert np.array_equal(exact.lo[..., 0, 0], [[2, 0], [1, 1]]) and np.array_equal(exact.lo, exact.hi)
    shifts = np.array([0.0, 1.5]) * np.eye(2)[..., None, None]
    boxes = Interval(*(a[..., None, None] - shifts + s for s in (-1e-9, 1e-9)))
    with np.errstate(all="ignore"):
        assert DOMAINS[PRIMITIVES["cholesky"]](boxes).ravel().tolist() == [True, False]


def test_stacks_of_matrices_and_boxes():
    rng = np.random.default_rng(4)
    a, b = rng.standard_normal((4, 3, 3)) + 3 * np.eye(3), rng.standard_normal((3, 2))
    out = rule("solve", a, b, radius=1e-8)
    assert out.shape == (4, 3, 2, 1, 3) and np.allclose(out.lo[..., 0, 2], np.linalg.solve(a, b), atol=1e-5)
