"""Functions of vectors: norms, maxima, log-sum-exp, entropies, means, perspectives, polynomials."""

from __future__ import annotations

import numpy as np
from scipy import special

from problems.convexity.case import Case, ball, box

GRAM = np.array([[35.0, 44.0, 9.0], [44.0, 56.0, 12.0], [9.0, 12.0, 3.0]])  # MᵀM of [[1,2,1],[3,4,1],[5,6,1]]: rank 2
DESIGN = np.array([[1.0, 2.0], [0.0, 1.0], [-1.0, 1.0]])
SIGNS = np.where(np.arange(64) % 3 == 0, -1.0, 1.0)
UNIT2, UNIT3 = box(-1, 1, 2), box(-1, 1, 3)


def _logsumexp(x):
    return np.log(np.sum(np.exp(x)))


def _logsumexp_shifted(x):
    top = np.max(x)
    return top + np.log(np.sum(np.exp(x - top)))


def _quartic(c):
    return lambda x: x[0] ** 4 + c * x[0] ** 2 * x[1] ** 2 + x[1] ** 4


def _one_direction(excess):
    """‖x‖² less (1 + excess) times the square of the component along one of 64 oblique directions."""
    return lambda x: np.sum(x * x) - (1 + excess) * np.sum(SIGNS * x) ** 2 / 64


def _not_sos_convex(x):
    a, b, c = x[0] ** 2, x[1] ** 2, x[2] ** 2
    return (32 * a**4 + 118 * a**3 * b + 40 * a**3 * c + 25 * a**2 * b**2 - 43 * a**2 * b * c - 35 * a**2 * c**2
            + 3 * a * b**2 * c - 16 * a * b * c**2 + 24 * a * c**3 + 16 * b**4 + 44 * b**3 * c + 70 * b**2 * c**2
            + 60 * b * c**3 + 30 * c**4)


def _dipped(height):
    return lambda x: np.sum(x * x) + height * np.exp(-np.sum((x - 0.25) ** 2) / (2 * 0.03125**2))


def _buffered(x):
    out = np.zeros(x.size)
    for i in range(x.size):
        out[i] = x[i] * x[i]
        if i:
            out[i] += (x[i] - x[i - 1]) ** 2
    return np.sum(out)


NORMS = (
    Case("‖x‖²", lambda x: np.sum(x**2), box(-3, 3, 5), "strongly convex", 2.0, 2.0, "H = 2I", mu_at=0, L_at=0),
    Case("‖x‖", lambda x: np.sqrt(np.sum(x**2)), UNIT3, "convex", 0.0, np.inf, "a norm", ("kink",), mu_at=0.5),
    Case("‖x‖ by linalg", lambda x: np.linalg.norm(x), UNIT3, "convex", 0.0, np.inf, "a norm", ("kink",)),
    Case("‖x‖^1.5", lambda x: np.sum(x * x) ** 0.75, UNIT2, "strongly convex", 0.75 * 2**-0.25, np.inf,
         "radially 3/4 r^(−1/2), across it 3/2 r^(−1/2); r ≤ √2", ("kink", "corner"), mu_at=1),
    Case("‖x‖³", lambda x: np.sum(x * x) ** 1.5, UNIT2, "strictly convex", 0.0, 6 * 2**0.5, "eigenvalues 6r and 3r",
         ("tangency",), L_at=1),
    Case("‖x‖^0.5", lambda x: np.sum(x * x) ** 0.25, UNIT2, "not convex", -np.inf, np.inf, "concave along rays",
         witness=([0, 0], [1, 0]), holds=("quasiconvex",)),
    Case("‖x‖₁", lambda x: np.sum(np.abs(x)), UNIT3, "convex", 0.0, np.inf, "a norm", ("kink",)),
    Case("‖x‖_∞", lambda x: np.max(np.abs(x)), UNIT3, "convex", 0.0, np.inf, "a norm", ("kink",)),
    Case("‖x‖₄", lambda x: np.sum(x**4) ** 0.25, box(0.5, 1, 3), "convex", 0.0, None, "a norm; linear along rays",
         ("tangency", "not DCP"), mu_at=0.5),
    Case("‖x‖₃ by the float 1/3", lambda x: np.sum(np.abs(x) ** 3) ** (1 / 3), box(0.5, 1, 3), "not convex", None, None,
         "along rays t^(3q) with 3q = 1 − 2⁻⁵⁴, since the float nearest 1/3 is smaller", ("under rounding",),
         witness=([0.5] * 3, [1] * 3)),
    Case("half quasi-norm", lambda x: np.sum(np.sqrt(x)) ** 2, box(0.125, 1, 3), "concave", None, 0.0,
         "Σ√(xᵢxⱼ), geometric means; linear along rays", ("rays",), L_at=0.5, witness=([1, 0.125, 0.125], [0.125, 1,
         0.125])),
    Case("√(1 + ‖x‖²)", lambda x: np.sqrt(1 + np.sum(x * x)), UNIT3, "strongly convex", 0.125, 1.0,
         "norm of (1, x): eigenvalues s⁻³ radially, s⁻¹ across, s = √(1 + r²)", ("corner", "not DCP"), mu_at=1, L_at=0),
    Case("log(1 + ‖x‖²)", lambda x: np.log(1 + np.sum(x**2)), box(-3, 3, 3), "not convex", None, 2.0,
         "radially 2(1 − r²)/(1 + r²)² < 0 beyond r = 1", mu_at=1, L_at=0, holds=("quasiconvex",)),
    Case("log(1 + ‖x‖²) in the unit ball", lambda x: np.log(1 + np.sum(x**2)), ball([0, 0, 0], 1.0), "strictly convex",
         0.0, 2.0, "radially 2(1 − r²)/(1 + r²)² ≥ 0, across 2/(1 + r²)", ("boundary", "tangency", "ball"),
         mu_at=[1, 0, 0], L_at=0),
    Case("sum of squares less a quartic in a ball", lambda x: np.sum(x**2) - 0.3 * np.sum(x**4), ball([0, 0, 0], 1.0),
         "not convex", 2 - 3.6, 2.0, "2 − 3.6x² < 0 at x² > 5/9", ("ball", "boundary"), mu_at=[1, 0, 0], L_at=0),
)

MAXIMA = (
    Case("max", lambda x: np.max(x), box(-1, 1, 4), "convex", 0.0, np.inf, "maximum of linear functions", ("kink",)),
    Case("min", lambda x: np.min(x), box(-1, 1, 4), "concave", -np.inf, 0.0, "minimum of linear functions", ("kink",),
         witness=([1, 0, 0, 0], [0, 1, 1, 1])),
    Case("three largest of six", lambda x: np.sum(np.sort(x)[-3:]), box(-1, 1, 6), "convex", 0.0, np.inf,
         "maximum of Σ over triples", ("kink",)),
    Case("second largest", lambda x: np.sort(x)[-2], UNIT3, "not convex", -np.inf, np.inf,
         "the median of three is neither", ("kink",), witness=([1, 0, 0], [0, 1, 0.5])),
    Case("max of squares", lambda x: np.maximum(np.sum((x - 0.5) ** 2), np.sum((x + 0.5) ** 2)), UNIT3,
         "strongly convex", 2.0, np.inf, "‖x‖² + |Σx| + 3/4", ("kink",), mu_at=0.25),
    Case("min of squares", lambda x: np.minimum(np.sum((x - 0.5) ** 2), np.sum((x + 0.5) ** 2)), UNIT3, "not convex",
         -np.inf, 2.0, "‖x‖² − |Σx| + 3/4: the Hessian is 2I wherever it exists", ("kink",), witness=([-0.25] * 3,
         [0.25] * 3)),
    Case("kink across a plane, up", lambda x: x @ x + 0.05 * np.abs(x[0] + 2 * x[1] - 0.25), UNIT2, "strongly convex",
         2.0, np.inf, "H = 2I and a slope that rises", ("kink",), mu_at=0),
    Case("kink across a plane, down", lambda x: x @ x - 0.05 * np.abs(x[0] + 2 * x[1] - 0.25), UNIT2, "not convex",
         -np.inf, 2.0, "H = 2I and a slope that falls", ("kink", "near miss"),
         witness=([0.0, 0.125 - 2.0**-8], [0.0, 0.125 + 2.0**-8])),
    Case("hinge sum", lambda x: np.sum(np.maximum(0, 1 - np.array([1.0, -1, 2]) * (x[0] - 2 * x[1] + x[2]))), UNIT3,
         "convex", 0.0, np.inf, "sum of maxima of affine functions", ("kink",)),
    Case("maximum of a loop", lambda x: max((i + 1) * x[i] - i for i in range(4)), box(-1, 1, 4), "convex", 0.0, np.inf,
         "maximum of affine functions", ("kink", "loop")),
)

EXPONENTIALS = (
    Case("log Σ exp", _logsumexp, box(-4, 4, 4), "convex", 0.0, None,
         "H = diag p − ppᵀ, which has the vector of ones as its kernel",
         ("tangency", "not DCP"), mu_at=0),
    Case("log Σ exp, shifted", _logsumexp_shifted, box(-4, 4, 4), "convex", 0.0, None, "the same function",
         ("tangency", "not DCP"), mu_at=[1, 0.5, 0, -1]),
    Case("log Σ exp on ±1000", _logsumexp, box(-1000, 1000, 3), "convex", 0.0, None, "the same function; overflows",
         ("overflow",)),
    Case("logsumexp", special.logsumexp, box(-300, 300, 4), "convex", 0.0, None, "the same function", ("tangency",)),
    Case("log(eˣ + eʸ)", lambda x: np.log(np.exp(x[0]) + np.exp(x[1])), box(-4, 4, 2), "convex", 0.0, 0.5,
         "p(1 − p)(x − y)² along, 0 across", ("tangency", "not DCP", "naive"), mu_at=0, L_at=0),
    Case("log Σ exp + 2⁻¹⁰‖x‖²", lambda x: _logsumexp(x) + 2.0**-10 * np.sum(x * x), box(-4, 4, 3), "strongly convex",
         2.0**-9, None, "the kernel of the first is lifted", ("near miss",), mu_at=0),
    Case("log Σ exp − 2⁻¹⁰‖x‖²", lambda x: _logsumexp(x) - 2.0**-10 * np.sum(x * x), box(-4, 4, 3), "not convex",
         -(2.0**-9), None, "the kernel of the first sinks", ("near miss", "one direction"), mu_at=0),
    Case("exp(x + y)", lambda x: np.exp(x[0] + x[1]), UNIT2, "convex", 0.0, 2 * float(np.exp(2.0)), "rank one",
         ("tangency",), mu_at=0, L_at=1),
    Case("eˣ eʸ", lambda x: np.exp(x[0]) * np.exp(x[1]), UNIT2, "convex", 0.0, 2 * float(np.exp(2.0)), "exp(x + y)",
         ("tangency", "not DCP", "naive"), mu_at=0, L_at=1),
    Case("x eʸ", lambda x: x[0] * np.exp(x[1]), box(0, 1, 2), "not convex", None, None, "det H = −e^(2y) < 0",
         mu_at=0.5),
    Case("eˣ² with a negative product", lambda x: np.exp(x[0] ** 2) - x[0] * x[1] + np.exp(x[1] ** 2), UNIT2,
         "strongly convex", 1.0, None, "H ⪰ [[2, −1], [−1, 2]], attained at 0", ("interior",), mu_at=0),
    Case("Poisson loss", lambda x: np.sum(np.exp(DESIGN @ x) - DESIGN @ x), UNIT2, "strongly convex", None, None,
         "exponentials of affine functions that span the plane"),
)

ENTROPIES = (
    Case("Σ x log x", lambda x: np.sum(x * np.log(x)), box(0.125, 2, 3), "strongly convex", 0.5, 8.0, "diag 1/x",
         ("face", "not DCP"),
         mu_at=2, L_at=0.125),
    Case("entropy on the simplex", lambda x: -np.sum(special.xlogy(x, x)), ("simplex", 4), "concave", -np.inf, -1.0,
         "−diag 1/x", ("simplex",)),
    Case("x log(x/y)", lambda x: x[0] * np.log(x[0] / x[1]), box(0.125, 2, 2), "convex", 0.0, 0.5 + 128,
         "H = [[1/x, −1/y], [−1/y, x/y²]] is singular, with trace 1/x + x/y²", ("tangency", "not DCP", "naive"),
         mu_at=1,
         L_at=[2, 0.125]),
    Case("relative entropy", lambda x: np.sum(x[:2] * np.log(x[:2] / x[2:])), box(0.125, 2, 4), "convex", 0.0, 128.5,
         "a sum of perspectives of −log", ("tangency", "not DCP"), mu_at=1, L_at=[2, 2, 0.125, 0.125]),
    Case("x log(x/y) − ((x − y)² + y²)/64",
         lambda x: x[0] * np.log(x[0] / x[1]) - (x[0] - x[1]) ** 2 / 64 - x[1] ** 2 / 64,
         box(0.125, 2, 2), "not convex", None, None,
         "(x, y) spans the kernel of the first; the rest is negative along it",
         ("one direction",), mu_at=1),
    Case("−Σ log x", lambda x: -np.sum(np.log(x)), box(0.5, 2, 3), "strongly convex", 0.25, 4.0, "diag 1/x²", ("face",),
         mu_at=2, L_at=0.5),
    Case("log barrier", lambda x: -np.log(2 - x[0] - x[1]) - np.log(2 + x[0] - x[1]) - np.log(2 + x[1]),
         box(-0.5, 0.5, 2), "strongly convex", None, None, "logarithms of three affine functions that span the plane"),
)

MEANS = (
    Case("−√(xy)", lambda x: -np.sqrt(x[0] * x[1]), box(0.5, 2, 2), "convex", 0.0, 1.0625,
         "H = (xy)^(−3/2)/4 · (y, −x)(y, −x)ᵀ", ("tangency", "not DCP", "naive"), mu_at=1, L_at=[0.5, 2]),
    Case("−√(xy) − 2⁻¹²‖x‖²", lambda x: -np.sqrt(x[0] * x[1]) - 2.0**-12 * (x[0] ** 2 + x[1] ** 2), box(0.5, 2, 2),
         "not convex", -(2.0**-11), 1.0625 - 2.0**-11, "the kernel (x, y) sinks", ("near miss", "one direction"),
         mu_at=1,
         L_at=[0.5, 2]),
    Case("1/(xy)", lambda x: 1 / (x[0] * x[1]), box(0.5, 2, 2), "strongly convex", 0.0625, 48.0,
         "H = [[2/x², 1/(xy)], [1/(xy), 2/y²]]/(xy): decreasing in x and y", ("corner", "not DCP", "naive"), mu_at=2,
         L_at=0.5),
    Case("xy where both are positive", lambda x: x[0] * x[1], box(0.5, 2, 2), "not convex", -1.0, 1.0,
         "eigenvalues ±1; log-concave and so quasiconcave", mu_at=1, L_at=1, fails=("quasiconvex",)),
    Case("x²/y", lambda x: x[0] ** 2 / x[1], box([-1, 0.5], [1, 2]), "convex", 0.0, 20.0,
         "2/y³ · (y, −x)(y, −x)ᵀ", ("tangency", "not DCP", "naive"), mu_at=[0.5, 1], L_at=[1, 0.5]),
    Case("x²/y below y = 0", lambda x: x[0] ** 2 / x[1], box([-1, -2], [1, -0.5]), "concave", -20.0, 0.0,
         "2/y³ · (y, −x)(y, −x)ᵀ", mu_at=[1, -0.5], L_at=[0.5, -1]),
    Case("x²/y − 2⁻¹⁰ y²", lambda x: x[0] ** 2 / x[1] - 2.0**-10 * x[1] ** 2, box([-1, 0.5], [1, 2]), "not convex",
         None,
         None, "along the kernel (x, y) it falls", ("near miss", "one direction"), mu_at=[0.5, 1]),
    Case("‖x‖²/y", lambda x: (x[0] ** 2 + x[1] ** 2 + x[2] ** 2) / x[3], box([-1, -1, -1, 0.5], [1, 1, 1, 2]), "convex",
         0.0, None, "quadratic over linear", ("tangency", "not DCP"), mu_at=[0.5, 0.5, 0.5, 1]),
    Case("y exp(x/y)", lambda x: x[1] * np.exp(x[0] / x[1]), box([-1, 0.5], [1, 2]), "convex", 0.0, None,
         "perspective of exp", ("tangency", "not DCP"), mu_at=[0.5, 1]),
    Case("t (x/t)⁴", lambda x: x[1] * (x[0] / x[1]) ** 4, box([-1, 0.5], [1, 2]), "convex", 0.0, None,
         "perspective of the fourth power", ("tangency", "not DCP"), mu_at=[0.5, 1]),
    Case("linear-fractional", lambda x: (2 * x[0] + x[1]) / (x[0] + 2), box(0, 2, 2), "not convex", None, None,
         "H₁₁H₂₂ − H₁₂² = −1/(x + 2)⁴", mu_at=1, holds=("quasiconvex",)),
)

POLYNOMIALS = (
    Case("x² + xy + y²", lambda x: x[0] ** 2 + x[0] * x[1] + x[1] ** 2, UNIT2, "strongly convex", 1.0, 3.0,
         "[[2, 1], [1, 2]]", ("not DCP", "naive"), mu_at=0, L_at=0),
    Case("x² + 2xy + y²", lambda x: x[0] ** 2 + 2 * x[0] * x[1] + x[1] ** 2, UNIT2, "convex", 0.0, 4.0, "(x + y)²",
         ("tangency", "not DCP", "naive"), mu_at=0, L_at=0),
    Case("x² + (2 + 2⁻¹³)xy + y²", lambda x: x[0] ** 2 + (2 + 2.0**-13) * x[0] * x[1] + x[1] ** 2, UNIT2, "not convex",
         -(2.0**-13), 4 + 2.0**-13, "eigenvalues 2 ± (2 + 2⁻¹³)", ("near miss", "one direction"), mu_at=0, L_at=0),
    Case("x² + 3xy + y²", lambda x: x[0] ** 2 + 3 * x[0] * x[1] + x[1] ** 2, UNIT2, "not convex", -1.0, 5.0,
         "eigenvalues 2 ± 3; convex in x and in y alone", ("separately convex",), mu_at=0, L_at=0),
    Case("x²y²", lambda x: x[0] ** 2 * x[1] ** 2, UNIT2, "not convex", -2.0, 6.0,
         "det H = −12x²y²; at (1, 1) eigenvalues −2 and 6", ("separately convex",), mu_at=1, L_at=1),
    Case("(x − y)⁴", lambda x: (x[0] - x[1]) ** 4, UNIT2, "convex", 0.0, 96.0, "12(x − y)² [[1, −1], [−1, 1]]",
         ("tangency",), mu_at=0.5, L_at=[1, -1]),
    Case("(x² + y²)²", _quartic(2), UNIT2, "strictly convex", 0.0, 24.0, "eigenvalues 12r² and 4r²", ("tangency",
         "not DCP"),
         mu_at=0, L_at=1),
    Case("x⁴ + y⁴", _quartic(0), UNIT2, "strictly convex", 0.0, 12.0, "diag 12x², 12y²", ("tangency",), mu_at=0,
         L_at=1),
    Case("x⁴ − 2⁻⁹x²y² + y⁴", _quartic(-(2.0**-9)), UNIT2, "not convex", None, None, "f₂₂ = −2⁻⁸x² on the axis",
         ("near miss", "one direction"), mu_at=[1, 0]),
    Case("x⁴ + 6x²y² + y⁴", _quartic(6), UNIT2, "strictly convex", 0.0, 48.0, "((x + y)⁴ + (x − y)⁴)/2", ("tangency",
         "not DCP"),
         mu_at=1, L_at=1),
    Case("x⁴ + (6 + 2⁻¹⁰)x²y² + y⁴", _quartic(6 + 2.0**-10), UNIT2, "not convex", -(2.0**-9), None,
         "12 − 2c < 0 across the diagonal", ("near miss", "one direction"), mu_at=1),
    Case("convex, not SOS-convex", _not_sos_convex, UNIT3, "strictly convex", 0.0, None,
         "Ahmadi & Parrilo 2012, Math. Program. 135, 275-292, theorem 3.3: H ⪰ 0, but no sum of squares", ("tangency",
         "not DCP"),
         mu_at=0),
    Case("rank two of three", lambda x: x @ GRAM @ x, UNIT3, "convex", 0.0, None,
         "2MᵀM with integer M of rank 2; its zero eigenvalue computes to ±1e-15", ("tangency", "cancellation")),
    Case("rank two of three, lowered", lambda x: x @ GRAM @ x - 2.0**-20 * np.sum(x * x), UNIT3, "not convex",
         -(2.0**-19),
         None, "the kernel sinks", ("near miss", "one direction"), mu_at=0),
    Case("one of 64 directions", _one_direction(2.0**-7), box(-1, 1, 64), "not convex", -(2.0**-6), 2.0,
         "2I − 2(1 + 2⁻⁷)ddᵀ", ("one direction",), mu_at=0, witness=(SIGNS, -SIGNS)),
    Case("one of 64 directions, flat", _one_direction(0.0), box(-1, 1, 64), "convex", 0.0, 2.0, "2I − 2ddᵀ",
         ("tangency",),
         mu_at=0),
    Case("one of 64 directions, up", _one_direction(-(2.0**-7)), box(-1, 1, 64), "strongly convex", 2.0**-6, 2.0,
         "2I − 2(1 − 2⁻⁷)ddᵀ", ("near miss",), mu_at=0),
    Case("squares in a buffer", _buffered, box(-1, 1, 5), "strongly convex", 2.0, None,
         "2I + 2DᵀD, and Dx = 0 on constants", ("loop", "buffer"), mu_at=0),
    Case("uneven squares", lambda x: 1e12 * x[0] ** 2 + 1e-12 * x[1] ** 2, box([-1e-6, -1e6], [1e-6, 1e6]),
         "strongly convex", 2e-12, 2e12, "diag", ("scale",), mu_at=0, L_at=0),
    Case("uneven saddle", lambda x: 1e12 * x[0] ** 2 - 1e-12 * x[1] ** 2, box([-1e-6, -1e6], [1e-6, 1e6]),
         "not convex", -2e-12, 2e12, "diag", ("scale",), mu_at=0, L_at=0),
    Case("Rosenbrock", lambda x: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2, box(-2, 2, 2), "not convex", None,
         None,
         "f₁₁ = 1200x² − 400y + 2 < 0 at (0, 1)", mu_at=[0, 1]),
    Case("Himmelblau", lambda x: (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2, box(-5, 5, 2),
         "not convex",
         None, None, "f₁₁ = 12x² + 4y − 42 = −42 at 0", mu_at=0, fails=("local is global",)),
)

DIPS = tuple(
    Case(f"{name} of curvature {c}", _dipped(sign * c * 0.03125**2), UNIT2, truth, mu, None, why, tags, mu_at=at)
    for name, sign, c, truth, mu, why, tags, at in (
        ("bump", 1.0, 1.875, "strongly convex", 0.125, "2 − 1.875 at its centre", ("tiny region",), 0.25),
        ("bump", 1.0, 2.125, "not convex", -0.125, "2 − 2.125 at its centre", ("tiny region", "near miss"), 0.25),
        ("dip", -1.0, 4.0, "strongly convex", 2 - 8 * float(np.exp(-1.5)), "radially 2 − 2·4e^(−3/2) at r = √3 σ",
         ("tiny region",), [0.25 + 3**0.5 * 0.03125, 0.25]),
        ("dip", -1.0, 5.0, "not convex", 2 - 10 * float(np.exp(-1.5)), "radially 2 − 2·5e^(−3/2) at r = √3 σ",
         ("tiny region", "near miss"), [0.25 + 3**0.5 * 0.03125, 0.25])))

VECTORS = NORMS + MAXIMA + EXPONENTIALS + ENTROPIES + MEANS + POLYNOMIALS + DIPS
