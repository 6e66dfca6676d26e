"""Functions of matrices, on boxes around a symmetric one and on the cone of positive definite ones."""

from __future__ import annotations

import numpy as np

from problems.convexity.case import Case, box

CENTRE = np.array([[2.0, 0.5, 0.0], [0.5, 3.0, 0.25], [0.0, 0.25, 2.0]])
NEAR = box(CENTRE - 0.25, CENTRE + 0.25)
WIDE = box(-1, 1, (3, 3))
P = np.array([[1.0, 0.5, 0.0], [0.0, 1.0, -0.5]])
D = np.array([1.0, 2.0])


def _sym(X):
    return (X + X.T) / 2


MATRICES = (
    Case("‖PX‖²", lambda X: np.sum((P @ X) ** 2), WIDE, "convex", 0.0, 3.5, "2 PᵀP, of rank two, for each column",
         ("matrix", "tangency"), mu_at=0, L_at=0),
    Case("tr X²", lambda X: np.trace(_sym(X) @ _sym(X)), WIDE, "convex", 0.0, 2.0,
         "‖symmetric part‖²: 2 on symmetric, 0 on skew matrices", ("matrix", "tangency"), mu_at=0, L_at=0),
    Case("tr XX, any X", lambda X: np.trace(X @ X), WIDE, "not convex", -2.0, 2.0, "−2 on skew matrices", ("matrix",),
         mu_at=0, L_at=0),
    Case("λ_max", lambda X: np.linalg.eigvalsh(_sym(X))[-1], WIDE, "convex", 0.0, np.inf, "maximum of vᵀXv", ("matrix",
         "kink")),
    Case("λ₂", lambda X: np.linalg.eigvalsh(_sym(X))[1], WIDE, "not convex", -np.inf, np.inf,
         "on diagonals the median of three", ("matrix", "kink"), witness=(np.diag([1, 0, 0]), np.diag([0, 1, 0.5]))),
    Case("λ_max − λ_min", lambda X: np.linalg.eigvalsh(_sym(X))[-1] - np.linalg.eigvalsh(_sym(X))[0], WIDE, "convex",
         0.0,
         np.inf, "maxima of vᵀXv and of −vᵀXv", ("matrix", "kink")),
    Case("‖X‖_F", lambda X: np.linalg.norm(X), WIDE, "convex", 0.0, np.inf, "a norm", ("matrix", "kink")),
    Case("−log det", lambda X: -np.linalg.slogdet(_sym(X))[1], NEAR, "convex", 0.0, None,
         "V ↦ tr(X⁻¹VX⁻¹V); 0 on skew matrices", ("matrix",), mu_at=CENTRE),
    Case("−log det by det", lambda X: -np.log(np.linalg.det(_sym(X))), NEAR, "convex", 0.0, None, "the same function",
         ("matrix", "not DCP"), mu_at=CENTRE),
    Case("det", lambda X: np.linalg.det(X), WIDE, "not convex", None, None, "odd and not linear", ("matrix",),
         witness=(np.diag([1, 1, -1]), np.diag([1, -1, 1]) * 0.5)),
    Case("tr X⁻¹", lambda X: np.trace(np.linalg.inv(_sym(X))), NEAR, "convex", 0.0, None, "2 tr(X⁻¹VX⁻¹VX⁻¹)",
         ("matrix",)),
    Case("matrix-fractional", lambda X: np.array([1.0, -1, 2]) @ np.linalg.solve(_sym(X), np.array([1.0, -1, 2])), NEAR,
         "convex", 0.0, None, "sup over y of 2bᵀy − yᵀXy", ("matrix",)),
    Case("−log det on the cone", lambda X: -np.linalg.slogdet(X)[1], ("positive definite", 3), "strictly convex", 0.0,
         np.inf, "V ↦ tr(X⁻¹VX⁻¹V) > 0 → 0 far out", ("matrix", "cone")),
    Case("factorisation", lambda W: np.sum((W @ W.T - np.eye(3)) ** 2), box(-1, 1, (3, 2)), "not convex", -4.0, None,
         "f(W) = f(−W) < f(0); at 0 the Hessian is −4I", ("matrix",), mu_at=0),
    Case("quadratic in a matrix", lambda X: np.sum((X * np.array([1.0, 2, 4]) - 1) ** 2), WIDE, "strongly convex", 2.0,
         32.0, "diag 2, 8, 32", ("matrix",), mu_at=0, L_at=0),
)
