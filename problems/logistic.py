"""Binary logistic regression, on the breast cancer table or on drawn data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from problems.datasets import FEATURE_NAMES, breast_cancer, gaussian_design, largest_gram_eigenvalue, standardise
from problems.linear_model import Vector, linear_model, require_sizes
from problems.newton import newton
from problems.problem import UNKNOWN, Lazy, Problem, read_only, require


def logistic_regression(
    *,
    m: int | None = None,
    n: int | None = None,
    density: float | None = None,
    lam: float | None = None,
    intercept: bool = False,
    seed: int = 0,
) -> Problem:
    """Binary logistic regression: the breast cancer table with standardised columns, or m and n for drawn data.

    lam : default 1/m, which is scikit-learn's C=1. density : a CSR design with that share of entries.
    intercept : a last unknown, added to each prediction and not penalised. Labels are +1 (malignant) and -1.
    mu is the exact infimum (lam, or 0 with an intercept, approached as ‖w‖ grows) and L is attained at w = 0.
    """
    A, y, feature_names = _logistic_data(m, n, density, seed)
    m, n = A.shape
    lam = 1 / m if lam is None else lam
    require(lam >= 0, f"logistic-regression: need lam >= 0, got lam={lam}")
    design = _with_ones(A) if intercept else A
    penalty = np.append(np.full(n, lam), 0.0) if intercept else lam

    def f(w):
        return np.mean(np.logaddexp(0, -y * (A @ w))) + 0.5 * lam * (w @ w)

    def f_with_intercept(w):
        return np.mean(np.logaddexp(0, -y * (A @ w[:-1] + w[-1]))) + 0.5 * lam * (w[:-1] @ w[:-1])

    objective = f_with_intercept if intercept else f
    value_and_grad, hv_at = linear_model(design, _logistic(y), _logistic_curvature, penalty)
    x0 = np.zeros(n + intercept)
    x_star = Lazy(lambda: newton(value_and_grad, hv_at, x0))
    return Problem(
        name="logistic-regression",
        f=objective,
        x0=x0,
        formula="mean log(1 + exp(−yᵢ aᵢᵀw)) + ½λ‖w‖²" + (" with aᵢᵀw + b for aᵢᵀw" if intercept else ""),
        source="Cox 1958, J. R. Stat. Soc. B 20, 215-242"
        + ("; data: Street, Wolberg & Mangasarian 1993, UCI, CC BY 4.0" if feature_names else ""),
        x_star=x_star if lam > 0 else UNKNOWN,
        f_star=Lazy(lambda: float(objective(x_star.compute()))) if lam > 0 else UNKNOWN,
        domain=f"R^{x0.size}",
        convexity="convex" if lam == 0 else "strictly convex" if intercept else "strongly convex",
        mu=0.0 if intercept else float(lam),
        L=Lazy(lambda: _largest_logistic_curvature(design, penalty)),
        value_and_grad=value_and_grad,
        hv_at=hv_at,
        data={"A": A, "y": y, "lam": lam, "feature_names": feature_names},
    )


def _logistic(y: Vector) -> Callable[[Vector], tuple[float, Vector]]:
    """Value and derivative of mean log(1 + exp(t)), t = -y z, from one exp(-|t|): a third of logaddexp plus expit."""
    m = y.size
    negative_y, scale = -y, -y / m

    def loss(t):
        t *= negative_y
        positive = np.maximum(t, 0.0)
        t -= positive
        e = t - positive
        np.exp(e, out=e)
        terms = np.log1p(e)
        terms += positive
        np.exp(t, out=t)
        e += 1.0
        t /= e
        t *= scale
        return np.add.reduce(terms) / m, t

    return loss


def _logistic_curvature(z: Vector) -> Vector:
    e = np.exp(-np.abs(z))
    return e / ((1.0 + e) ** 2 * z.size)


def _largest_logistic_curvature(A: Any, penalty: Any) -> float:
    """lambda_max(A^T A / (4m) + diag(penalty)), the Hessian at w = 0 where every sigma' has its maximum 1/4."""
    m, n = A.shape
    if np.ndim(penalty) == 0:
        return largest_gram_eigenvalue(A) / (4 * m) + float(penalty)
    gram = A.T @ A
    gram = gram if isinstance(gram, np.ndarray) else gram.toarray()
    return float(np.linalg.eigvalsh(gram / (4 * m) + np.diag(penalty))[-1])


def _logistic_data(m: int | None, n: int | None, density: float | None, seed: int) -> tuple[Any, Vector, tuple]:
    if m is None and n is None and density is None:
        X, y = breast_cancer()
        return standardise(X), y, FEATURE_NAMES
    if m is None or n is None:
        raise ValueError(f"logistic-regression: drawn data need both m and n, got m={m}, n={n}; neither: real data")
    require_sizes("logistic-regression", m, n)
    rng = np.random.default_rng(seed)
    A = gaussian_design(m, n, density, rng)
    predictor = A @ rng.standard_normal(n)
    predictor *= 2.0 / np.linalg.norm(predictor) * np.sqrt(m)
    return A, read_only(np.where(rng.random(m) < special.expit(predictor), 1.0, -1.0)), ()


def _with_ones(A: Any) -> Any:
    ones = np.ones((A.shape[0], 1))
    if isinstance(A, np.ndarray):
        return np.hstack([A, ones])
    from scipy import sparse

    return sparse.hstack([A, ones], format="csr")
