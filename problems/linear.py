"""Regressions with one linear predictor, A @ x: least squares, ridge, Huber, Poisson."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from problems.datasets import largest_gram_eigenvalue
from problems.linear_model import Vector, linear_model, require_sizes
from problems.newton import newton
from problems.problem import Lazy, Problem, read_only, require


def least_squares(*, m: int = 500, n: int = 100, noise: float = 1.0, seed: int = 0) -> Problem:
    """Linear least squares on a Gaussian design."""
    A, y = _linear_data("least-squares", m, n, noise, seed)

    def f(x):
        r = A @ x - y
        return 0.5 * (r @ r)

    value_and_grad, hv_at = linear_model(A, _squares(y), _unit_curvature, 0.0)
    spectrum = Lazy(lambda: float(np.linalg.svd(A, compute_uv=False)[-1] ** 2)) if m >= n else 0.0
    x_star = Lazy(lambda: np.linalg.lstsq(A, y)[0])
    return Problem(
        name="least-squares",
        f=f,
        x0=np.zeros(n),
        formula="½‖Ax − y‖²",
        source="Legendre 1805; the 500×100 instance is the usual lecture example of gradient descent",
        x_star=x_star,
        f_star=Lazy(lambda: float(f(x_star.compute()))),
        domain=f"R^{n}",
        convexity="strongly convex" if m >= n else "convex",
        mu=spectrum,
        L=Lazy(lambda: largest_gram_eigenvalue(A)),
        value_and_grad=value_and_grad,
        hv_at=hv_at,
        data={"A": A, "y": y},
    )


def ridge(*, m: int = 500, n: int = 100, lam: float = 1.0, noise: float = 1.0, seed: int = 0) -> Problem:
    """Least squares with a quadratic penalty."""
    A, y = _linear_data("ridge", m, n, noise, seed)
    require(lam > 0, f"ridge: need lam > 0, got lam={lam}; least-squares is the problem without a penalty")

    def f(x):
        r = A @ x - y
        return 0.5 * (r @ r) + 0.5 * lam * (x @ x)

    value_and_grad, hv_at = linear_model(A, _squares(y), _unit_curvature, lam)
    stacked = np.vstack([A, np.sqrt(lam) * np.eye(n)])
    x_star = Lazy(lambda: np.linalg.lstsq(stacked, np.append(y, np.zeros(n)))[0])
    return Problem(
        name="ridge",
        f=f,
        x0=np.zeros(n),
        formula="½‖Ax − y‖² + ½λ‖x‖²",
        source="Hoerl & Kennard 1970, Technometrics 12, 55-67",
        x_star=x_star,
        f_star=Lazy(lambda: float(f(x_star.compute()))),
        domain=f"R^{n}",
        convexity="strongly convex",
        mu=Lazy(lambda: float(np.linalg.svd(stacked, compute_uv=False)[-1] ** 2)),
        L=Lazy(lambda: largest_gram_eigenvalue(A) + lam),
        value_and_grad=value_and_grad,
        hv_at=hv_at,
        data={"A": A, "y": y, "lam": lam},
    )


def huber_regression(
    *, m: int = 500, n: int = 20, delta: float = 1.345, outliers: float = 0.1, seed: int = 0
) -> Problem:
    """Regression by Huber's loss, quadratic near 0 and linear in the tails; a share of y is thrown far off.

    delta : 1.345 keeps 95% efficiency for unit Gaussian noise (Huber 1981). Once continuously differentiable.
    L is a bound, attained where every residual is within delta.
    """
    A, y = _linear_data("huber-regression", m, n, 1.0, seed)
    require(m >= n, f"huber-regression: need m >= n, got m={m}, n={n}")
    require(delta > 0, f"huber-regression: need delta > 0, got delta={delta}")
    require(0 <= outliers < 0.5, f"huber-regression: need 0 <= outliers < 0.5, got outliers={outliers}")
    y = y.copy()
    y[: int(outliers * m)] += 20.0
    read_only(y)

    def f(w):
        r = A @ w - y
        return np.mean(np.where(np.abs(r) <= delta, 0.5 * r**2, delta * (np.abs(r) - 0.5 * delta)))

    def loss(z):
        z -= y
        s = np.clip(z, -delta, delta)
        z -= 0.5 * s
        value = (s @ z) / m
        s /= m
        return value, s

    def curvature(z):
        return (np.abs(z - y) <= delta) / m

    value_and_grad, hv_at = linear_model(A, loss, curvature, 0.0)
    x_star = Lazy(lambda: newton(value_and_grad, hv_at, np.linalg.lstsq(A, y)[0]))
    return Problem(
        name="huber-regression",
        f=f,
        x0=np.zeros(n),
        formula="mean h(aᵢᵀw − yᵢ), h(r) = ½r² for |r| ≤ δ, else δ(|r| − ½δ)",
        source="Huber 1964, Ann. Math. Statist. 35, 73-101",
        x_star=x_star,
        f_star=Lazy(lambda: float(f(x_star.compute()))),
        domain=f"R^{n}",
        convexity="convex",
        mu=0.0,
        L=Lazy(lambda: largest_gram_eigenvalue(A) / m),
        value_and_grad=value_and_grad,
        hv_at=hv_at,
        data={"A": A, "y": y, "delta": delta},
    )


def poisson_regression(*, m: int = 500, n: int = 20, lam: float = 1e-2, seed: int = 0) -> Problem:
    """Counts with logarithmic link and a quadratic penalty; scikit-learn's PoissonRegressor with alpha = lam.

    The constant mean log(yᵢ!) is left out. mu is a bound (tight where every prediction can go to minus infinity).
    """
    require_sizes("poisson-regression", m, n)
    require(lam > 0, f"poisson-regression: need lam > 0, got lam={lam}")
    rng = np.random.default_rng(seed)
    A = read_only(rng.standard_normal((m, n)) / np.sqrt(n))
    y = read_only(rng.poisson(np.exp(1.0 + A @ rng.standard_normal(n))).astype(float))

    def f(w):
        z = A @ w
        return np.mean(np.exp(z) - y * z) + 0.5 * lam * (w @ w)

    def loss(z):
        s = np.exp(z)
        value = (np.add.reduce(s) - y @ z) / m
        s -= y
        s /= m
        return value, s

    value_and_grad, hv_at = linear_model(A, loss, lambda z: np.exp(z) / m, lam)
    x0 = np.zeros(n)
    x_star = Lazy(lambda: newton(value_and_grad, hv_at, x0))
    return Problem(
        name="poisson-regression",
        f=f,
        x0=x0,
        formula="mean(exp(aᵢᵀw) − yᵢ aᵢᵀw) + ½λ‖w‖²",
        source="Nelder & Wedderburn 1972, J. R. Stat. Soc. A 135, 370-384",
        x_star=x_star,
        f_star=Lazy(lambda: float(f(x_star.compute()))),
        domain=f"R^{n}",
        convexity="strongly convex",
        mu=float(lam),
        L=np.inf,
        value_and_grad=value_and_grad,
        hv_at=hv_at,
        data={"A": A, "y": y, "lam": lam},
    )


def _squares(y: Vector) -> Callable[[Vector], tuple[float, Vector]]:
    def loss(z):
        z -= y
        return 0.5 * (z @ z), z

    return loss


def _unit_curvature(z: Vector) -> float:
    return 1.0


def _linear_data(name: str, m: int, n: int, noise: float, seed: int) -> tuple[Vector, Vector]:
    require_sizes(name, m, n)
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((m, n))
    return read_only(A), read_only(A @ rng.standard_normal(n) + noise * rng.standard_normal(m))
