"""Published test functions of few variables, and Rosenbrock's of any number."""

from __future__ import annotations

import numpy as np

from problems.problem import Problem, read_only, require

MGH = "Moré, Garbow & Hillstrom 1981, ACM Trans. Math. Software 7, 17-41"


def rosenbrock(*, n: int = 2) -> Problem:
    """Rosenbrock's valley, chained to n dimensions; from n = 4 on there is a second minimum near (−1, 1, …, 1)."""
    require(n >= 2, f"rosenbrock: need n >= 2, got n={n}")

    def f(x):
        return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    value_and_grad, hv_at = _rosenbrock_derivatives()
    return Problem(
        name="rosenbrock",
        f=f,
        x0=np.where(np.arange(n) % 2 == 0, -1.2, 1.0),
        formula="Σ 100(xᵢ₊₁ − xᵢ²)² + (1 − xᵢ)²",
        source="Rosenbrock 1960, Comput. J. 3, 175-184; chained as scipy.optimize.rosen",
        x_star=np.ones(n),
        f_star=0.0,
        domain=f"R^{n}",
        convexity="nonconvex",
        mu=-np.inf,
        L=np.inf,
        value_and_grad=value_and_grad,
        hv_at=hv_at,
        data={},
    )


def _rosenbrock_derivatives():
    def value_and_grad(x):
        head = x[:-1]
        d = head * head
        np.subtract(x[1:], d, d)
        e = head - 1.0
        value = 100.0 * d.dot(d) + e.dot(e)
        d *= 200.0
        g = np.empty(x.shape)
        g[-1] = 0.0
        g_head, g_tail = g[:-1], g[1:]
        np.multiply(d, head, g_head)
        np.subtract(e, g_head, g_head)
        g_head += g_head
        g_tail += d
        return value, g

    def hv_at(x):
        head = x[:-1]
        coupling = -400.0 * head
        diagonal = np.zeros_like(x)
        diagonal[1:] = 200.0
        diagonal[:-1] += 1200.0 * head * head - 400.0 * x[1:] + 2.0

        def hv(v):
            h = diagonal * v
            h[:-1] += coupling * v[1:]
            h[1:] += coupling * v[:-1]
            return h

        return hv

    return value_and_grad, hv_at


def himmelblau() -> Problem:
    """Himmelblau's function: four minima of value 0, listed in data["minima"]."""

    def f(x):
        return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2

    def value_and_grad(x):
        a, b = x.tolist()
        u, w = a * a + b - 11, a + b * b - 7
        return u * u + w * w, np.array([4 * a * u + 2 * w, 2 * u + 4 * b * w])

    def hessian(x):
        a, b = x.tolist()
        return np.array(
            [[12 * a * a + 4 * b - 42, 4 * (a + b)], [4 * (a + b), 12 * b * b + 4 * a - 26]],
        )

    minima = [[3, 2], [-2.805118086952745, 3.131312518250573]]
    minima += [[-3.779310253377747, -3.283185991286170], [3.584428340330492, -1.848126526964404]]
    return _classic(
        name="himmelblau",
        f=f,
        x0=[0, 0],
        formula="(x² + y − 11)² + (x + y² − 7)²",
        source="Himmelblau 1972, Applied Nonlinear Programming, McGraw-Hill",
        x_star=[3, 2],
        value_and_grad=value_and_grad,
        hessian=hessian,
        data={"minima": read_only(np.array(minima, dtype=float))},
    )


def beale() -> Problem:
    """Beale's function: narrow curved valleys."""
    constants = read_only(np.array([1.5, 2.25, 2.625]))
    powers = np.array([1, 2, 3])

    def f(x):
        return np.sum((constants - x[0] * (1 - x[1] ** powers)) ** 2)

    def jacobian(x):
        a, b = x
        r = constants - a * (1 - b**powers)
        return r, np.stack([b**powers - 1, a * powers * b ** (powers - 1)], axis=1)

    def value_and_grad(x):
        r, J = jacobian(x)
        return r @ r, 2 * (r @ J)

    def hessian(x):
        a, b = x
        r, J = jacobian(x)
        mixed = r @ (powers * b ** (powers - 1))
        second = r @ (a * np.array([0.0, 2.0, 6.0 * b]))
        return 2 * (J.T @ J + np.array([[0.0, mixed], [mixed, second]]))

    return _classic(
        name="beale",
        f=f,
        x0=[1, 1],
        formula="Σ (cᵢ − x(1 − yⁱ))², c = 1.5, 2.25, 2.625",
        source=f"Beale 1958; number 5 of {MGH}",
        x_star=[3, 0.5],
        value_and_grad=value_and_grad,
        hessian=hessian,
        data={"c": constants},
    )


def powell_singular() -> Problem:
    """Powell's singular function: convex, with a Hessian of rank 2 at the minimum, where Newton is only linear.

    mu is the exact infimum, attained at the minimum.
    """
    J = np.array([[1.0, 10, 0, 0], [0, 0, 1, -1], [0, 1, -2, 0], [1, 0, 0, -1]])

    def f(x):
        return (x[0] + 10 * x[1]) ** 2 + 5 * (x[2] - x[3]) ** 2 + (x[1] - 2 * x[2]) ** 4 + 10 * (x[0] - x[3]) ** 4

    def value_and_grad(x):
        a, b, c, d = J @ x
        return a * a + 5 * b * b + c**4 + 10 * d**4, np.array([2 * a, 10 * b, 4 * c**3, 40 * d**3]) @ J

    def hessian(x):
        c, d = J[2:] @ x
        return (J.T * [2, 10, 12 * c * c, 120 * d * d]) @ J

    return _classic(
        name="powell-singular",
        f=f,
        x0=[3, -1, 0, 1],
        formula="(x₁ + 10x₂)² + 5(x₃ − x₄)² + (x₂ − 2x₃)⁴ + 10(x₁ − x₄)⁴",
        source=f"Powell 1962; number 13 of {MGH}",
        x_star=[0, 0, 0, 0],
        convexity="strictly convex",
        mu=0.0,
        value_and_grad=value_and_grad,
        hessian=hessian,
    )


def wood() -> Problem:
    """Wood's function: two coupled Rosenbrock valleys and a saddle near (−1, 1, −1, 1)."""

    def f(x):
        return (
            100 * (x[1] - x[0] ** 2) ** 2
            + (1 - x[0]) ** 2
            + 90 * (x[3] - x[2] ** 2) ** 2
            + (1 - x[2]) ** 2
            + 10 * (x[1] + x[3] - 2) ** 2
            + 0.1 * (x[1] - x[3]) ** 2
        )

    def value_and_grad(x):
        a, b, c, d = x.tolist()
        p, q, s, t = b - a * a, d - c * c, b + d - 2, b - d
        value = 100 * p * p + (1 - a) ** 2 + 90 * q * q + (1 - c) ** 2 + 10 * s * s + 0.1 * t * t
        along = [-400 * a * p - 2 * (1 - a), 200 * p + 20 * s + 0.2 * t]
        along += [-360 * c * q - 2 * (1 - c), 180 * q + 20 * s - 0.2 * t]
        return value, np.array(along)

    def hessian(x):
        a, b, c, d = x.tolist()
        return np.array(
            [
                [1200 * a * a - 400 * b + 2, -400 * a, 0, 0],
                [-400 * a, 220.2, 0, 19.8],
                [0, 0, 1080 * c * c - 360 * d + 2, -360 * c],
                [0, 19.8, -360 * c, 200.2],
            ]
        )

    return _classic(
        name="wood",
        f=f,
        x0=[-3, -1, -3, -1],
        formula="100(x₂ − x₁²)² + (1 − x₁)² + 90(x₄ − x₃²)² + (1 − x₃)² + 10(x₂ + x₄ − 2)² + 0.1(x₂ − x₄)²",
        source=f"Colville 1968; number 14 of {MGH}",
        x_star=[1, 1, 1, 1],
        value_and_grad=value_and_grad,
        hessian=hessian,
    )


def _classic(*, x0, x_star, hessian, convexity="nonconvex", mu=-np.inf, data=(), **columns):
    """The columns that these functions share: minimum 0, curvature without upper bound, Hessian as a small matrix."""

    def hv_at(x):
        H = hessian(x)
        return lambda v: H @ v

    return Problem(
        x0=np.array(x0, dtype=float),
        x_star=np.array(x_star, dtype=float),
        f_star=0.0,
        domain=f"R^{len(x0)}",
        convexity=convexity,
        mu=mu,
        L=np.inf,
        hv_at=hv_at,
        data=dict(data),
        **columns,
    )
