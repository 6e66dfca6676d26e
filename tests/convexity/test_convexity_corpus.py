"""Functions whose convexity is known by a one-line derivation: no wrong NOT_CONVEX, and the nonconvex ones refuted."""

from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest
from scipy import special

from optkit.convexity import Ball, Box, PositiveOrthant, Verdict, check


class Case(NamedTuple):
    name: str
    f: Callable
    domain: object
    because: str


_data = np.random.default_rng(7)
A = _data.standard_normal((20, 6))
B = _data.standard_normal(20)
LABELS = np.sign(B)
WIDE = 1e4 * A
Q = A.T @ A
Q_INDEFINITE = Q - 1.0001 * np.linalg.eigvalsh(Q)[0] * np.eye(6)
U = np.linalg.qr(_data.standard_normal((6, 6)))[0]
P, V = _data.standard_normal((4, 4)), _data.standard_normal(4)


def _expanded_residual(x):
    return x @ (A.T @ (A @ x)) - 2 * (A.T @ B) @ x + B @ B


def _softmax_of_big(x):
    m = np.max(x)
    return m + np.log(np.sum(np.exp(x - m)))


def _buffer(x):
    out = np.zeros(3)
    out[0] = x[0] ** 2
    out[1] = 1e8 + 1e-3 * x[1]
    out[2] = -1e8 - 1e-3 * x[1]
    return np.sum(out) + 1e-12 * x[1] ** 2


def _small_buffer(x):
    out = np.array([1e8, -1e8])
    out[0] += 1e-3 * x[0]
    return 1e3 * x[0] + x[1] + np.sum(out)


def _half_float32(x):
    return np.sum(x.astype(np.float32) ** 2) + 1e-3 * np.sum(x**2)


def _flat_float(x):
    return (1.0 + 1e-16 * float(x[0])) - 1.0 + 0.0 * float(x[1])


CONVEX = [
    Case("square", lambda x: np.sum(x**2), Box(-3, 3, shape=4), "H = 2I"),
    Case("scalar square", lambda x: x**2, Box(-1, 2), "f'' = 2"),
    Case("square on 1e8", lambda x: np.sum(x**2) + 1e8, Box(-1e-3, 1e-3, shape=3),
         "H = 2I; values are flat to rounding"),
    Case("far square, expanded", lambda x: x**2 - 2e6 * x + 1e12, Box(1e6 - 1e-2, 1e6 + 1e-2), "(x − 1e6)²"),
    Case("far squares, expanded", lambda x: np.sum(x**2 - 2e6 * x + 1e12), Box(1e6 - 1, 1e6 + 1, shape=3),
         "Σ(x − 1e6)²"),
    Case("residual, expanded", _expanded_residual, Box(-2, 2, shape=6), "‖Ax − b‖²"),
    Case("cube root form", lambda x: x**3 - 3e4 * x**2 + 3e8 * x - 1e12, Box(1e4, 1e4 + 1e-2),
         "(x − 1e4)³ with x ≥ 1e4"),
    Case("quartic, expanded", lambda x: ((((x - 4) * x + 6) * x - 4) * x) + 1, Box(0.999, 1.001), "(x − 1)⁴"),
    Case("absolute value", lambda x: np.sum(np.abs(x)), Box(-1, 1, shape=3), "a norm"),
    Case("maximum", lambda x: np.max(x), Box(-1, 1, shape=4), "max of linear functions"),
    Case("hinge", lambda x: np.sum(np.maximum(0, 1 - LABELS * (A @ x))), Box(-2, 2, shape=6), "sum of max(0, affine)"),
    Case("euclidean norm", lambda x: np.sqrt(np.sum(x**2)), Box(-1, 1, shape=3), "a norm; NaN slope at 0 at worst"),
    Case("distance", lambda x: np.linalg.norm(A @ x - B), Box(-1, 1, shape=6), "norm of affine"),
    Case("log-sum-exp of 1e4", lambda x: _softmax_of_big(1e4 * x), Box(-1, 1, shape=4), "log-sum-exp of linear"),
    Case("log-sum-exp, plain", lambda x: np.log(np.sum(np.exp(x))), Box(-30, 30, shape=4), "log-sum-exp"),
    Case("log-sum-exp, shifted", lambda x: np.log(np.sum(np.exp(x - 300.0))) + 300.0, Box(299, 301, shape=3),
         "log-sum-exp"),
    Case("softplus, naive", lambda x: np.sum(np.log(1 + np.exp(x))), Box(-40, 30, shape=2), "f'' = p(1 − p) ≥ 0"),
    Case("logistic", lambda w: np.mean(np.logaddexp(0, -LABELS * (A @ w))), Box(-3, 3, shape=6), "softplus of affine"),
    Case("logistic, wide data", lambda w: np.mean(np.logaddexp(0, -LABELS * (WIDE @ w))), Box(-1, 1, shape=6),
         "the same"),
    Case("ridge", lambda x: np.sum((A @ x - B) ** 2) + 0.1 * np.sum(x**2), Box(-5, 5, shape=6), "H = 2AᵀA + 0.2I"),
    Case("rank one", lambda x: (A[0] @ x) ** 2, Box(-1, 1, shape=6),
         "H = 2aaᵀ, whose zero eigenvalues compute to ±1e-16"),
    Case("far square, opaque", lambda x: float(x) ** 2 - 2e6 * float(x) + 1e12, Box(1e6 - 1e-2, 1e6 + 1e-2),
         "(x − 1e6)²"),
    Case("tiny", lambda x: 1e-12 * np.sum(x**2), Box(-1, 1, shape=3), "H = 2e-12 I"),
    Case("minute", lambda x: 1e-200 * np.sum(x**2), Box(-1, 1, shape=3), "H = 2e-200 I"),
    Case("huge", lambda x: 1e200 * np.sum(x**2), Box(-1, 1, shape=3), "H = 2e200 I"),
    Case("uneven", lambda x: 1e12 * x[0] ** 2 + 1e-12 * x[1] ** 2, Box([-1e-6, -1e6], [1e-6, 1e6]),
         "H diagonal, positive"),
    Case("affine", lambda x: V @ x + 3.0, Box(-1, 1, shape=4), "H = 0"),
    Case("affine on 1e12", lambda x: V @ x + 1e12, Box(-1, 1, shape=4), "H = 0; values are a staircase"),
    Case("constant", lambda x: 0.0 * np.sum(x) + 2.5, Box(-1, 1, shape=2), "H = 0"),
    Case("negative log", lambda x: -np.sum(np.log(x)), Box(1e-6, 1, shape=3), "f'' = 1/x²"),
    Case("negative log to the edge", lambda x: -np.sum(np.log(x)), Box(0, 1, shape=2), "+inf on the edge only"),
    Case("entropy", lambda x: np.sum(special.xlogy(x, x)), Box(0, 1, shape=3), "f'' = 1/x"),
    Case("relative entropy", lambda x: np.sum(x[:2] * np.log(x[:2] / x[2:])), Box(0.01, 1, shape=4), "jointly convex"),
    Case("x eˣ where convex", lambda x: x * np.exp(x), Box(-2, 2), "f'' = (x + 2)eˣ ≥ 0"),
    Case("quartic", lambda x: np.sum(x**4), Box(-1, 1, shape=3), "f'' = 12x² ≥ 0, zero at 0"),
    Case("power 1.5", lambda x: np.sum(np.abs(x) ** 1.5), Box(-1, 1, shape=2),
         "power ≥ 1 of a norm; f'' infinite at 0"),
    Case("Huber", lambda x: np.sum(np.where(np.abs(x) < 1, x**2 / 2, np.abs(x) - 0.5)), Box(-3, 3, shape=3),
         "C¹, f'' ≥ 0"),
    Case("exponentials", lambda x: np.sum(np.exp(A @ x)), Box(-2, 2, shape=6), "exp of affine"),
    Case("exp to overflow", lambda x: np.sum(np.exp(x)), Box(-700, 700, shape=2), "values from 1e-304 to 1e304"),
    Case("quadratic over linear", lambda x: x[0] ** 2 / x[1], Box([-1, 0.1], [1, 1]), "perspective of the square"),
    Case("matrix argument", lambda X: np.sum((X @ P[:3, :2].T) ** 2), Box(-1, 1, shape=(2, 2)), "square of linear"),
    Case("log det", lambda x: -np.linalg.slogdet(np.diag(x + 2) + np.outer(V[:3], V[:3]))[1], Box(-1, 1, shape=3),
         "−log det"),
    Case("cosh", lambda x: np.sum(np.cosh(3 * x)), Box(-4, 4, shape=2), "f'' = 9 cosh ≥ 9"),
    Case("near miss", lambda x: x @ Q @ x - (0.9999 * np.linalg.eigvalsh(Q)[0]) * x @ x, Box(-1, 1, shape=6),
         "shift < λ_min"),
    Case("on a ball", lambda x: np.sum(x**4 + x**2), Ball(np.zeros(3), 2.0), "f'' > 0"),
    Case("reciprocal", lambda x: np.sum(1 / x), PositiveOrthant(3), "f'' = 2/x³ > 0"),
    Case("nested", lambda p: np.sum((p["w"] * 2 - 1) ** 2) + p["b"] ** 2,
         Box({"w": np.full(2, -1.0), "b": -1.0}, {"w": np.full(2, 1.0), "b": 1.0}), "square of affine"),
]

NONCONVEX = [
    Case("Rosenbrock", lambda x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2), Box(-2, 2, shape=5),
         "H₁₁ = 1200x₁² − 400x₂ + 2 < 0 at (0, 1)"),
    Case("Himmelblau", lambda x: (x[0]**2 + x[1] - 11)**2 + (x[0] + x[1]**2 - 7)**2, Box(-5, 5, shape=2),
         "four minima"),
    Case("matrix factorisation", lambda W: np.sum((W @ W.T - P @ P.T) ** 2), Box(-1, 1, shape=(4, 2)),
         "f(W) = f(−W) < f(0)"),
    Case("saddle", lambda x: x[0] * x[1], Box(-1, 1, shape=2), "eigenvalues ±1"),
    Case("sine", lambda x: np.sin(x), Box(0, 3), "f'' = −sin x"),
    Case("log of square", lambda x: np.log(1 + np.sum(x**2)), Box(-3, 3, shape=3), "f'' < 0 radially beyond 1"),
    Case("square root", lambda x: np.sum(np.sqrt(np.abs(x))), Box(-1, 1, shape=2), "concave on each orthant"),
    Case("Gaussian", lambda x: -np.exp(-np.sum(x**2) / 2), Box(-3, 3, shape=3), "f'' < 0 radially beyond 1"),
    Case("near miss", lambda x: x @ Q_INDEFINITE @ x, Box(-1, 1, shape=6), "λ_min = −1e-4 λ_min(Q)"),
    Case("one direction of six", lambda x: np.sum((U @ x) ** 2) - 1.001 * (U[0] @ x) ** 2, Box(-1, 1, shape=6),
         "curvature −0.002 along one direction"),
    Case("x eˣ slightly beyond", lambda x: x * np.exp(x), Box(-2.001, 2), "f'' = (x + 2)eˣ < 0 on [−2.001, −2)"),
    Case("quartic with a dent", lambda x: x**4 - 1e-11 * x**2, Box(-1, 1), "f'' < 0 for |x| < 1.3e-6"),
    Case("quartics with a dent", lambda x: np.sum(x**4) - 1e-4 * x[1] ** 2, Box(-1, 1.3, shape=4),
         "f'' < 0 for |x₁| < 0.005"),
    Case("narrow dip", lambda x: np.sum(x**2) - 0.01 * np.exp(-np.sum((x - 0.3) ** 2) / 0.002), Box(-1, 1, shape=2),
         "H = 2I + 0.01/0.001 I at the dip, below 2 − 4.5 around it"),
    Case("downward kink", lambda x: np.sum(x**2) - 0.01 * np.abs(x[0]), Box(-1, 1, shape=4),
         "slope falls by 0.02 at x₀ = 0"),
    Case("slanted kink", lambda x: x @ x - 0.05 * np.abs(A[0] @ x - 0.3), Box(-1, 1, shape=6),
         "slope falls across a plane"),
    Case("minimum of two", lambda x: np.minimum(np.sum((x - 0.5) ** 2), np.sum((x + 0.5) ** 2)), Box(-1, 1, shape=3),
         "slope falls where the pieces meet"),
    Case("clipped loss", lambda w: np.mean(np.minimum(np.logaddexp(0, -LABELS * (A @ w)), 1.0)), Box(-3, 3, shape=6),
         "min with a constant"),
    Case("network", lambda w: np.mean((np.tanh(A @ w) - LABELS) ** 2), Box(-2, 2, shape=6),
         "saturates, so is concave far out"),
    Case("half quasi-norm", lambda x: np.sum(np.sqrt(x)) ** 2, Box(0.1, 1, shape=3), "concave along the simplex"),
    Case("tiny saddle", lambda x: 1e-12 * (x[0] ** 2 - x[1] ** 2), Box(-1, 1, shape=2), "eigenvalues ±2e-12"),
    Case("huge saddle", lambda x: 1e150 * (x[0] ** 2 - 1e-3 * x[1] ** 2), Box(-1, 1, shape=2), "−2e147"),
    Case("uneven saddle", lambda x: 1e12 * x[0] ** 2 - 1e-12 * x[1] ** 2, Box([-1e-6, -1e6], [1e-6, 1e6]),
         "−2e-12 beside 2e12"),
    Case("cube", lambda x: x**3, Box(-1e-3, 1), "f'' = 6x < 0 left of 0"),
    Case("step", lambda x: np.sum(np.sign(x)), Box(-1, 1, shape=2), "a jump inside"),
    Case("far dent", lambda x: np.sum(x**2) + 50 * np.exp(-20 * np.sum((x - 4) ** 2)), Box(-5, 5, shape=3),
         "a bump at (4, 4, 4)"),
    Case("oscillation", lambda x: np.sum(x**2) + 0.001 * np.cos(60 * x[0]), Box(-1, 1, shape=3),
         "2 − 3.6 cos < 0 in places"),
    Case("on a ball", lambda x: np.sum(x**2) - 0.3 * np.sum(x**4), Ball(np.zeros(3), 1.0),
         "2 − 3.6x² < 0 for x² > 0.56"),
    Case("corner only", lambda x: np.sum(x**2) - 0.34 * x[0] ** 3 * x[1], Box(0, 1, shape=2),
         "det H at (1, 1) is (2 − 2.04)·2 − 1.02² < 0"),
    Case("deep in a corner", lambda x: np.sum(x**2 - 0.1673 * x**6 / 2.5), Box(-1, 1, shape=3),
         "2 − 30·0.06692 x⁴ < 0 at |x| = 1"),
    Case("step by a branch", lambda x: float(x[0] > 0.3), Box(-1, 1, shape=2), "a jump inside"),
    Case("opaque saddle", lambda x: float(x[0]) * float(x[1]), Box(-1, 1, shape=2), "eigenvalues ±1"),
    Case("opaque Himmelblau", lambda x: (float(x[0])**2 + float(x[1]) - 11)**2 + (float(x[0]) + float(x[1])**2 - 7)**2,
         Box(-5, 5, shape=2), "four minima"),
    Case("opaque kink", lambda x: float(x[0]) ** 2 - 0.05 * abs(float(x[0])) + float(x[1]) ** 2, Box(-1, 1, shape=2),
         "slope falls at 0"),
]

MURKY = [
    Case("staircase", lambda x: (1.0 + 1e-16 * x[0]) - 1.0, Box(-9, 9, shape=2), "1e-16 x, rounded to a few steps"),
    Case("staircase, opaque", _flat_float, Box(-9, 9, shape=2), "the same, and float() leaves extended precision"),
    Case("buffer", _buffer, Box(-1, 1, shape=2), "x₀² + 1e-12 x₁², with 1e8 cancelled in a float64 buffer"),
    Case("small buffer", _small_buffer, Box(-1, 1, shape=2), "linear; a slope of 1e-3 of 1e3 goes through float64"),
    Case("float32 inside", _half_float32, Box(-1, 1, shape=2), "squares, partly rounded to float32"),
]

UNDECIDABLE = [
    Case("dent under rounding", lambda x: 1 + x**4 - 1e-11 * x**2, Box(-1, 1), "the gap is 2.5e-23 of values near 1"),
]


def _names(cases):
    names = [c.name for c in cases]
    assert len(set(names)) == len(names)
    return names


@pytest.mark.nan_ok
@pytest.mark.parametrize("case", CONVEX, ids=_names(CONVEX))
def test_convex_functions_are_never_refuted_nor_suspected(case):
    for seed, budget in ((0, 8_000), (1, 3_000)):
        report = check(case.f, case.domain, budget=budget, seed=seed, maxtime=np.inf, prove=False)
        assert report.verdict is Verdict.NO_COUNTEREXAMPLE, f"{case.because}\n{report}"
        assert report.witness is None


@pytest.mark.nan_ok
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("case", MURKY, ids=_names(MURKY))
def test_rounding_that_no_measurement_shows_is_never_taken_for_a_counterexample(case, seed):
    report = check(case.f, case.domain, budget=5_000, seed=seed, maxtime=np.inf, prove=False)
    assert not report.verdict.refuted, f"{case.because}\n{report}"


@pytest.mark.nan_ok
@pytest.mark.parametrize("case", NONCONVEX, ids=_names(NONCONVEX))
def test_nonconvex_functions_are_refuted_by_plain_calls(case):
    report = check(case.f, case.domain, maxtime=np.inf, prove=False)
    assert report.verdict is Verdict.NOT_CONVEX, f"{case.because}\n{report}"
    w = report.witness
    flat = [np.concatenate([np.ravel(p)]) for p in (*w.points, w.middle)]
    assert all(Fraction(a) + Fraction(b) == 2 * Fraction(c) for a, b, c in np.transpose(flat).tolist())
    assert all(case.domain.contains(p) for p in flat)
    assert w.recheck() == w.gap > w.bound


@pytest.mark.nan_ok
@pytest.mark.parametrize("case", UNDECIDABLE, ids=_names(UNDECIDABLE))
def test_what_rounding_hides_is_suspected_at_most(case):
    report = check(case.f, case.domain, maxtime=np.inf, prove=False)
    assert report.verdict is Verdict.SUSPECTED_NOT_CONVEX, f"{case.because}\n{report}"
    assert report.witness is None or not report.witness.verified


@pytest.mark.nan_ok
@pytest.mark.parametrize("case", CONVEX[:12], ids=_names(CONVEX[:12]))
def test_the_negative_of_a_convex_function_is_never_refuted_as_concave(case):
    report = check(lambda x: -case.f(x), case.domain, properties=("concave",), budget=5000, maxtime=np.inf, prove=False)
    assert report.verdict is Verdict.NO_COUNTEREXAMPLE, str(report)
