"""Families of random functions: hard nonconvex ones are refuted, convex ones full of cancellation never are."""

import numpy as np
import pytest

from optkit.convexity import CRITERIA, Box, Verdict, check
from optkit.convexity.search import Row

pytestmark = pytest.mark.nan_ok


def hard(seed):
    """A nonconvex function of 2 to 12 variables on [-1, 1]^n: the curvature is negative in few places or directions."""
    r = np.random.default_rng(seed)
    n = int(r.integers(2, 13))
    A, c, a, b = r.standard_normal((n + 3, n)), r.uniform(-0.8, 0.8, n), r.standard_normal(n), r.uniform(-0.5, 0.5)
    Q = A.T @ A / n
    lam, V = np.linalg.eigh(Q)
    dented = V @ np.diag([-1e-4 * lam[-1], *lam[1:]]) @ V.T
    width = r.uniform(0.15, 0.5)
    height = 2 * width**2 * lam[0] * r.uniform(1.5, 6) + 1e-3
    k = r.uniform(5, 30)
    wave = max(5.2 * (a @ Q @ a) / (k * (a @ a)) ** 2, 4e-3)
    return Box(-1, 1, shape=n), (
        lambda x: x @ dented @ x,                                                       # one direction of −1e-4
        lambda x: x @ Q @ x + height * np.exp(-np.sum((x - c) ** 2) / (2 * width**2)),  # a bump somewhere
        lambda x: x @ Q @ x + wave * np.cos(k * (a @ x)),                               # fast waves
        lambda x: x @ Q @ x - 0.02 * np.abs(a @ x - b),                                 # a kink across a plane
        lambda x: np.minimum(np.sum((x - c) ** 2), np.sum((x + c) ** 2) + 0.1),         # two bowls
        lambda x: np.mean(np.log(1 + (A @ x - a.sum()) ** 2)),                          # a robust loss
        lambda x: np.mean((np.tanh(A @ x) - np.sign(A[:, 0])) ** 2),                    # one neuron
        lambda x: np.sum(x**2) - 0.34 * x[0] ** 3,                                      # only near a face
        lambda x: np.log(np.sum(np.exp(A @ x))) - 0.97 * np.log(np.sum(np.exp(A[:-1] @ x))),
        lambda x: 0.1 * np.sum(x**2) + np.sum(np.maximum(0, A @ x)) - 0.6 * np.maximum(0, a @ x - b),
    )[seed % 10]


def noisy(seed):
    """A convex function whose float64 values are far from it: expansions around distant points, buffers, float32."""
    r = np.random.default_rng(seed)
    n = int(r.integers(1, 9))
    A, c, s = r.standard_normal((n + 3, n)), 10.0 ** r.uniform(-6, 8), 10.0 ** r.uniform(-8, 8)
    far, width = 10.0 ** r.uniform(0, 8), 10.0 ** r.uniform(-6, 1)
    near, unit = Box(far - width, far + width, shape=n), Box(-1, 1, shape=n)
    h = A.T @ (A @ np.full(n, far))

    def buffered(x):
        out = np.zeros(n)
        for i in range(n):
            out[i] = (A[i] @ x + c) - c
        return np.sum(out**2) + np.sum(x**2)

    return (
        (near, lambda x: x @ (A.T @ (A @ x)) - 2 * h @ x + far * np.sum(h)),                     # ‖A(x − far)‖²
        (near, lambda x: s * (np.sum(x**2) - 2 * far * np.sum(x) + n * far**2)),                 # s‖x − far‖²
        (near, lambda x: np.log(np.sum(np.exp(x - far))) + c),                                   # log-sum-exp
        (near, lambda x: sum(float(v) ** 2 - 2 * far * float(v) for v in x) + n * far**2),       # ‖x − far‖², opaque
        (near, lambda x: np.sum(x**4 - 4 * far * x**3 + 6 * far**2 * x**2 - 4 * far**3 * x + far**4)),
        (unit, lambda x: c * np.sum(np.log(1 + np.exp(30 * A @ x)))),                            # softplus, saturated
        (unit, lambda x: (c + 1e-3 * (A[0] @ x)) - c + np.max(A @ x)),                           # max of linear
        (unit, lambda x: np.sum((A.astype(np.float32) @ x.astype(np.float32)) ** 2)),            # ‖Ax‖² in float32
        (unit, lambda x: c * np.sum(np.cosh(8 * x) ** 2 - np.sinh(8 * x) ** 2) + np.sum(x)),     # cn + Σx
        (unit, buffered),                                                                        # ‖Ax‖² + ‖x‖²
    )[seed % 10]


def test_hard_nonconvex_functions_are_refuted():
    missed = []
    for seed in range(60):
        domain, f = hard(seed)
        report = check(f, domain, maxtime=np.inf)
        assert report.verdict in (Verdict.NOT_CONVEX, Verdict.NO_COUNTEREXAMPLE), str(report)
        if report.verdict is not Verdict.NOT_CONVEX:
            missed.append(seed)
        else:
            assert report.witness.recheck() == report.witness.gap > report.witness.bound
    assert len(missed) <= 3, missed


@pytest.mark.parametrize("kind", range(10))
def test_convex_functions_full_of_rounding_are_never_refuted(kind):
    for seed in range(kind, 40, 10):
        domain, f = noisy(seed)
        report = check(f, domain, seed=seed, budget=6_000, maxtime=np.inf)
        assert not report.verdict.refuted, str(report)


def test_a_new_criterion_is_one_line_of_the_registry(monkeypatch):
    monkeypatch.setitem(CRITERIA, "mine", lambda search: Row("?", "holds", "nothing", 0.0, 1, 0))
    report = check(lambda x: np.sum(x**2), Box(-1, 1, shape=2), budget=500)
    assert report.rows[-1].name == "mine" and "mine" in str(report) and '"mine"' in report.to_json()
