"""Convex functions written number by number, as in a first draft: what no rule of composition sees whole."""

from __future__ import annotations

import numpy as np

from problems.convexity.case import Case, box

E = float(np.e)
UNIT2, UNIT3, UNIT4 = box(-1, 1, 2), box(-1, 1, 3), box(-1, 1, 4)
STRONG, CONVEX = "strongly convex", "convex"


def _laplacian(x):
    """Σ(xᵢ₊₁ − xᵢ)² + Σxᵢ², by a loop."""
    total = x[0] * x[0]
    for i in range(1, x.size):
        total = total + x[i] * x[i] + (x[i] - x[i - 1]) * (x[i] - x[i - 1])
    return total


def _expanded_fit(x):
    """Σ(a + bt − y)² over t = 0, 1, 2, 3 and y = t², multiplied out: 4a² + 12ab + 14b² − 28a − 72b + 98."""
    a, b = x[0], x[1]
    return 4 * a * a + 12 * a * b + 14 * b * b - 28 * a - 72 * b + 98


def _fit(x):
    total = 0.0
    for t in range(4):
        r = x[0] + x[1] * t - t * t
        total = total + r * r
    return total


def _logistic_loop(x):
    total = 0.0
    for a, b in ((1.0, 2.0), (-1.0, 1.0), (2.0, -1.0)):
        total = total + np.log(1 + np.exp(a * x[0] + b * x[1]))
    return total + 0.5 * (x[0] * x[0] + x[1] * x[1])


def _poisson_loop(x):
    total = 0.0
    for a, b, y in ((1.0, 1.0, 2.0), (1.0, -1.0, 1.0)):
        z = a * x[0] + b * x[1]
        total = total + np.exp(z) - y * z
    return total


def _softmax_loop(x):
    total = 0.0
    for i in range(x.size):
        total = total + np.exp(x[i])
    return np.log(total) - x[0] + (x[0] * x[0] + x[1] * x[1] + x[2] * x[2]) / 8


def _entropy_loop(x):
    total = 0.0
    for i in range(x.size):
        total = total + x[i] * np.log(x[i])
    return total


def _huber_loop(x):
    total = 0.0
    for i in range(x.size):
        r = x[i] - x[i - 1]
        total = total + np.where(np.abs(r) <= 0.5, r * r / 2, 0.5 * np.abs(r) - 0.125)
    return total


def _horner(x):
    return ((x[0] * x[0] + 2.0) * x[0] * x[0]) + (x[1] * x[1] + 1.0) * (x[1] * x[1] + 1.0)


def _powers(x):
    p, total = 1.0, 0.0
    for k in range(1, 9):
        p = p * x[0] / k
        total = total + p
    return total + x[1] * x[1]


def _barrier(x):
    return -np.log(1 - x[0]) - np.log(1 + x[0]) - np.log(1 - x[1]) - np.log(1 + x[1])


def _fermat(x):
    """Distances to three points."""
    total = 0.0
    for a, b in ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0)):
        total = total + np.sqrt((x[0] - a) ** 2 + (x[1] - b) ** 2)
    return total


NAIVE = (
    Case("x² + xy + y² + yz + z²", lambda x: x[0] ** 2 + x[0] * x[1] + x[1] ** 2 + x[1] * x[2] + x[2] ** 2, UNIT3,
         STRONG,
         2 - 2**0.5, 2 + 2**0.5, "tridiagonal (1, 2, 1)", mu_at=0, L_at=0),
    Case("x² + y² + z² + xy + yz + zx", lambda x: x[0] * (x[0] + x[1]) + x[1] * (x[1] + x[2]) + x[2] * (x[2] + x[0]),
         UNIT3, STRONG, 1.0, 4.0, "I + 11ᵀ", mu_at=0, L_at=0),
    Case("(x + 2y)² + (3x − y)² expanded", lambda x: 10 * x[0] * x[0] - 2 * x[0] * x[1] + 5 * x[1] * x[1], UNIT2,
         STRONG,
         15 - 29**0.5, 15 + 29**0.5, "[[20, −2], [−2, 10]]", mu_at=0, L_at=0),
    Case("chain of squares", _laplacian, box(-2, 2, 6), STRONG, 2.0, 2 + 2 * (2 + 3**0.5),
         "2I + 2DᵀD; DᵀD has eigenvalues 2 − 2cos(kπ/6), k < 6", ("loop",), mu_at=0, L_at=0),
    Case("line through parabola, expanded", _expanded_fit, box(-5, 5, 2), STRONG, 18 - 2 * 61**0.5, 18 + 2 * 61**0.5,
         "[[8, 12], [12, 28]]", mu_at=0, L_at=0),
    Case("line through parabola", _fit, box(-5, 5, 2), STRONG, 18 - 2 * 61**0.5, 18 + 2 * 61**0.5,
         "[[8, 12], [12, 28]]",
         ("loop",), mu_at=0, L_at=0),
    Case("polarised product", lambda x: 2 * (x[0] ** 2 + x[1] ** 2) + ((x[0] + x[1]) ** 2 - (x[0] - x[1]) ** 2) / 4,
         UNIT2, STRONG, 3.0, 5.0, "2(x² + y²) + xy", mu_at=0, L_at=0),
    Case("determinant plus squares",
         lambda x: x[0] * x[3] - x[1] * x[2] + x[0] ** 2 + x[1] ** 2 + x[2] ** 2 + x[3] ** 2,
         UNIT4, STRONG, 1.0, 3.0, "eigenvalues 2 ± 1", mu_at=0, L_at=0),
    Case("x⁴ + y⁴ + x² + 2y² by Horner", _horner, UNIT2, STRONG, 4.0, 16.0, "diag 12x² + 4 and 12y² + 4",
         ("interior",), mu_at=0, L_at=1),
    Case("x⁴ − x³ + x²", lambda x: x[0] ** 4 - x[0] ** 3 + x[0] ** 2, box(-1, 1, 1), STRONG, 1.25, 20.0,
         "12x² − 6x + 2, least at 1/4", ("interior",), mu_at=0.25, L_at=-1),
    Case("x⁴ − 2x³ + 2x² + y²", lambda x: x[0] ** 4 - 2 * x[0] ** 3 + 2 * x[0] ** 2 + x[1] ** 2, box(-1, 2, 2), STRONG,
         1.0, 28.0, "12x² − 12x + 4, 1 at 1/2, 28 at −1 and 2", ("interior",), mu_at=[0.5, 0], L_at=[2, 0]),
    Case("x³ + y³ on [1, 2]²", lambda x: x[0] * x[0] * x[0] + x[1] * x[1] * x[1], box(1, 2, 2), STRONG, 6.0, 12.0,
         "diag 6x, 6y", ("face",), mu_at=1, L_at=2),
    Case("x³ + xy² right of 0", lambda x: x[0] ** 3 + x[0] * x[1] ** 2, box([1, -0.5], [2, 0.5]), STRONG, None, None,
         "[[6x, 2y], [2y, 2x]], det 12x² − 4y² > 0"),
    Case("x²y² + 4x² + 4y²", lambda x: x[0] * x[0] * x[1] * x[1] + 4 * x[0] * x[0] + 4 * x[1] * x[1], UNIT2, STRONG,
         6.0,
         14.0, "[[2y² + 8, 4xy], [4xy, 2x² + 8]]; at (1, 1) 10 ∓ 4", ("corner", "not DCP"), mu_at=1, L_at=1),
    Case("(xy − 1)² + 8(x² + y²)", lambda x: (x[0] * x[1] - 1) ** 2 + 8 * (x[0] * x[0] + x[1] * x[1]), UNIT2, STRONG,
         None, None, "Gershgorin: 16 + 2y² − |4xy − 2| > 0", ("not DCP",)),
    Case("eˣ + e⁻ˣ + e^y + e⁻ʸ", lambda x: np.exp(x[0]) + np.exp(-x[0]) + np.exp(x[1]) + np.exp(-x[1]), box(-2, 2, 2),
         STRONG, 2.0, 2 * float(np.cosh(2)), "diag 2cosh", ("interior",), mu_at=0, L_at=2),
    Case("e^x e^y + x² + y²", lambda x: np.exp(x[0]) * np.exp(x[1]) + x[0] ** 2 + x[1] ** 2, UNIT2, STRONG, 2.0,
         2 + 2 * E**2, "2I + e^(x + y) 11ᵀ", ("not DCP",), mu_at=0, L_at=1),
    Case("e^(x² + y²)", lambda x: np.exp(x[0] * x[0]) * np.exp(x[1] * x[1]), UNIT2, STRONG, 2.0, None,
         "e^(r²)(2I + 4xxᵀ)", ("interior", "not DCP"), mu_at=0),
    Case("e^(xy) + x² + y²", lambda x: np.exp(x[0] * x[1]) + x[0] ** 2 + x[1] ** 2, box(-0.5, 0.5, 2), STRONG, None,
         None,
         "e^(xy)[[y², 1 + xy], [1 + xy, x²]] has eigenvalues above −1.4", ("not DCP",)),
    Case("x eˣ + y e^y", lambda x: x[0] * np.exp(x[0]) + x[1] * np.exp(x[1]), UNIT2, STRONG, float(np.exp(-1.0)), 3 * E,
         "diag (x + 2)eˣ", ("face", "not DCP"), mu_at=-1, L_at=1),
    Case("log(1 + eˣ) + log(1 + e⁻ˣ) + y²", lambda x: np.log(1 + np.exp(x[0])) + np.log(1 + np.exp(-x[0])) + x[1] ** 2,
         box(-3, 3, 2), STRONG, 2 * float(np.exp(-3.0) / (1 + np.exp(-3.0)) ** 2), 2.0, "diag 2p(1 − p), 2", ("face",
         "not DCP"),
         mu_at=3, L_at=0),
    Case("logistic loss by a loop", _logistic_loop, box(-2, 2, 2), STRONG, None, 2.75,
         "AᵀWA + I, W ⪯ I/4 and equal at 0; AᵀA = [[6, −1], [−1, 6]]", ("loop", "not DCP"), L_at=0),
    Case("Poisson loss by a loop", _poisson_loop, UNIT2, STRONG, 2 * float(np.exp(-2.0)), None,
         "2e^(x + y) and 2e^(x − y) along two orthogonal directions", ("loop", "corner"), mu_at=[-1, -1]),
    Case("softmax loss by a loop", _softmax_loop, UNIT3, STRONG, 0.25, None, "I/4 + diag p − ppᵀ", ("loop", "not DCP"),
         mu_at=0),
    Case("log(eˣ + e^y + e^z) by hand", lambda x: np.log(np.exp(x[0]) + np.exp(x[1]) + np.exp(x[2])), box(-2, 2, 3),
         CONVEX, 0.0, None, "diag p − ppᵀ, singular on constants", ("tangency", "not DCP"),
         mu_at=0),
    Case("x log x + y log y by a loop", _entropy_loop, box(0.125, 2, 4), STRONG, 0.5, 8.0, "diag 1/x", ("loop",
         "not DCP"),
         mu_at=2, L_at=0.125),
    Case("x log x − x log y + y", lambda x: x[0] * np.log(x[0]) - x[0] * np.log(x[1]) + x[1], box(0.25, 2, 2), CONVEX,
         0.0,
         32.5, "[[1/x, −1/y], [−1/y, x/y²]] is singular", ("tangency", "not DCP"), mu_at=1, L_at=[2, 0.25]),
    Case("(x + y) log(x + y)", lambda x: (x[0] + x[1]) * np.log(x[0] + x[1]), box(0.25, 2, 2), CONVEX, 0.0, 4.0,
         "11ᵀ/(x + y)", ("tangency", "not DCP"), mu_at=1, L_at=0.25),
    Case("−log x − log y + xy/8", lambda x: -np.log(x[0]) - np.log(x[1]) + x[0] * x[1] / 8, box(0.5, 2, 2), STRONG,
         0.125,
         None, "[[1/x², 1/8], [1/8, 1/y²]]; least at (2, 2)", ("corner", "not DCP"), mu_at=2),
    Case("−log(xy)", lambda x: -np.log(x[0] * x[1]), box(0.5, 2, 2), STRONG, 0.25, 4.0, "diag 1/x²", ("face",
         "not DCP"), mu_at=2,
         L_at=0.5),
    Case("barrier of a square", _barrier, box(-0.5, 0.5, 2), STRONG, 2.0, 4 + 4 / 9, "diag 1/(1 − x)² + 1/(1 + x)²",
         ("interior",), mu_at=0, L_at=0.5),
    Case("−log(1 − x² − y²)", lambda x: -np.log(1 - x[0] * x[0] - x[1] * x[1]), box(-0.5, 0.5, 2), STRONG, 2.0, None,
         "2I/(1 − r²) + 4xxᵀ/(1 − r²)²", ("interior", "not DCP"), mu_at=0),
    Case("1/x + 1/y + 1/z", lambda x: 1 / x[0] + 1 / x[1] + 1 / x[2], box(0.5, 2, 3), STRONG, 0.25, 16.0, "diag 2/x³",
         ("face",), mu_at=2, L_at=0.5),
    Case("1/(xy) + x", lambda x: 1 / (x[0] * x[1]) + x[0], box(0.5, 2, 2), STRONG, 0.0625, 48.0,
         "[[2/x², 1/(xy)], [1/(xy), 2/y²]]/(xy)", ("corner", "not DCP"), mu_at=2, L_at=0.5),
    Case("x/y + y/x + x² + y²", lambda x: x[0] / x[1] + x[1] / x[0] + x[0] ** 2 + x[1] ** 2, box(1, 2, 2), STRONG, None,
         None, "[[2y/x³ + 2, −1/x² − 1/y²], [·, 2x/y³ + 2]]: Gershgorin off the diagonal ≤ 2 on it ≥ 2.25",
         ("not DCP",)),
    Case("x² / y", lambda x: x[0] * x[0] / x[1] + x[1], box([-1, 0.5], [1, 2]), CONVEX, 0.0, 20.0,
         "perspective of the square",
         ("tangency", "not DCP"), mu_at=[0.5, 1], L_at=[1, 0.5]),
    Case("(x² + 1)/y", lambda x: (x[0] * x[0] + 1) / x[1], box([-1, 0.5], [1, 2]), STRONG, None, None,
         "[[2/y, −2x/y²], [·, 2(x² + 1)/y³]], det 4/y⁴", ("not DCP",)),
    Case("−√(xy) + (x² + y²)/2", lambda x: (x[0] * x[0] + x[1] * x[1]) / 2 - np.sqrt(x[0] * x[1]), box(0.5, 2, 2),
         STRONG,
         1.0, 2.0625, "I + PSD of rank one", ("not DCP",), mu_at=1, L_at=[0.5, 2]),
    Case("√(1 + x² + y²)", lambda x: np.sqrt(1 + x[0] * x[0] + x[1] * x[1]), UNIT2, STRONG, 3**-1.5, 1.0,
         "s⁻³ radially, s = √(1 + r²)", ("corner", "not DCP"), mu_at=1, L_at=0),
    Case("√(x² + 1) + √(y² + 4)", lambda x: np.sqrt(x[0] * x[0] + 1) + np.sqrt(x[1] * x[1] + 4), UNIT2, STRONG,
         min(2**-1.5, 4 * 5**-1.5), 1.0, "diag (1 + x²)^(−3/2), 4(4 + y²)^(−3/2)", ("face", "not DCP"), mu_at=1,
         L_at=0),
    Case("distances to three points", _fermat, box(-2, 2, 2), STRONG, None, np.inf,
         "a sum of norms of affine functions, and no line meets all three points", ("kink", "loop")),
    Case("Huber of differences", _huber_loop, box(-1, 1, 5), CONVEX, 0.0, None,
         "Huber of linear functions; zero on constants",
         ("branch", "loop", "tangency"), mu_at=0),
    Case("|x| + |y| + |x − y|", lambda x: abs(x[0]) + abs(x[1]) + abs(x[0] - x[1]), UNIT2, CONVEX, 0.0, np.inf,
         "absolute values of linear functions", ("kink",)),
    Case("max(x, y, 0)² + y²", lambda x: np.maximum(np.maximum(x[0], x[1]), 0.0) ** 2 + x[1] ** 2, UNIT2, CONVEX, 0.0,
         np.inf, "square of a nonnegative convex function", ("kink",)),
    Case("max(x², y) + y²", lambda x: np.maximum(x[0] * x[0], x[1]) + x[1] * x[1], UNIT2, CONVEX, 0.0, np.inf,
         "maximum of convex functions", ("kink",)),
    Case("truncated exponential series", _powers, UNIT2, STRONG, 265 / 720, 1957 / 720,
         "f″ = Σ xᵏ/k! over k ≤ 6, increasing on [−1, 1]", ("loop", "face", "not DCP"), mu_at=[-1, 0], L_at=[1, 0]),
    Case("(x + y + z)⁴ + x² + y² + z²", lambda x: (x[0] + x[1] + x[2]) ** 4 + x[0] ** 2 + x[1] ** 2 + x[2] ** 2, UNIT3,
         STRONG, 2.0, 2 + 12 * 9 * 3.0, "2I + 12s² 11ᵀ", ("interior",), mu_at=0, L_at=1),
    Case("x⁴ + 4x³y + 6x²y² + 4xy³ + y⁴", lambda x: (x[0] ** 4 + 4 * x[0] ** 3 * x[1] + 6 * x[0] ** 2 * x[1] ** 2
                                                  + 4 * x[0] * x[1] ** 3 + x[1] ** 4), UNIT2, CONVEX, 0.0, 96.0,
                                                  "(x + y)⁴",
         ("tangency", "not DCP", "cancellation"), mu_at=[1, -1], L_at=1),
    Case("x⁴ + x²y² + y⁴", lambda x: x[0] ** 4 + x[0] ** 2 * x[1] ** 2 + x[1] ** 4, UNIT2, "strictly convex", 0.0, 18.0,
         "0 ≤ c ≤ 6 in x⁴ + cx²y² + y⁴", ("tangency", "not DCP"), mu_at=0, L_at=1),
    Case("cosh(x)cosh(y)", lambda x: np.cosh(x[0]) * np.cosh(x[1]), UNIT2, STRONG, 1.0, float(np.cosh(2)),
         "(cosh(x + y) + cosh(x − y))/2: eigenvalues cosh(x ± y)", ("not DCP",), mu_at=[0, 0], L_at=1),
    Case("2x² + sin(x) + y²", lambda x: 2 * x[0] ** 2 + np.sin(x[0]) + x[1] ** 2, box(-3, 3, 2), STRONG, 2.0, 5.0,
         "diag 4 − sin x, 2", ("not DCP",), mu_at=0, L_at=[-0.5 * float(np.pi), 0]),
    Case("x² + cos(x)/2", lambda x: sum(x[i] * x[i] + np.cos(x[i]) / 2 for i in range(x.size)), box(-2, 3, 2), STRONG,
         1.5,
         2 + float(np.abs(np.cos(3.0))) / 2, "diag 2 − cos(x)/2", ("loop", "interior", "not DCP"), mu_at=0, L_at=3),
    Case("x² − cos(x)/2 in eight", lambda x: sum(x[i] * x[i] - np.cos(x[i]) / 2 for i in range(8)), box(-2, 3, 8),
         STRONG,
         2 - float(np.abs(np.cos(3.0))) / 2, 2.5, "diag 2 + cos(x)/2", ("loop", "face", "not DCP"), mu_at=3, L_at=0),
    Case("atan form", lambda x: x[0] * np.arctan(x[0]) - np.log(1 + x[0] * x[0]) / 2 + x[1] ** 2, UNIT2, STRONG, 0.5,
         2.0,
         "diag 1/(1 + x²), 2", ("face", "not DCP"), mu_at=1, L_at=0),
    Case("tilted ellipse root", lambda x: np.sqrt(x[0] ** 2 + x[0] * x[1] + x[1] ** 2 + 1), UNIT2, STRONG, None, None,
         "norm of an invertible affine map with an offset", ("not DCP",)),
)
