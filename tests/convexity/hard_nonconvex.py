"""Hard nonconvex functions on boxes, each with the reason why it is not convex: for tests and for benchmarks."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import special

from optkit.convexity import Box


class Hard(NamedTuple):
    name: str
    f: Callable
    domain: Box
    because: str


def _bumps() -> list[Hard]:
    """‖x‖² − h·exp(−‖x − c‖²/2w²): on the sphere of radius √3·w the radial curvature is 2 − 0.446·h/w²."""
    out = []
    for k, (n, w, deep) in enumerate([(1, 0.02, 5.0), (2, 0.02, 5.0), (3, 0.02, 5.0), (5, 0.02, 6.0), (8, 0.02, 8.0),
                                      (1, 1e-3, 6.0), (2, 5e-3, 6.0), (3, 0.05, 4.6), (2, 0.1, 4.52), (4, 0.1, 4.6),
                                      (6, 0.2, 4.6), (8, 0.3, 4.6)]):
        c, h = np.random.default_rng(k).uniform(-0.8, 0.8, n), deep * w**2
        out.append(Hard(f"bump of width {w} in {n}-D", lambda x, c=c, h=h, w=w: np.sum(x**2) - h * np.exp(
            -np.sum((x - c) ** 2) / (2 * w**2)), Box(-1, 1, shape=n), f"2 - 0.446*{deep} < 0"))
    out.append(Hard("hat in 2-D", lambda x: np.sum(x**2) + 2e-3 * np.exp(-np.sum((x - 0.41) ** 2) / 8e-4),
                    Box(-1, 1, shape=2), "2 - h/w2 = 2 - 5 < 0 at its top"))
    out.append(Hard("rational hat", lambda x: np.sum(x**2) + 2e-3 / (1 + np.sum((x - 0.41) ** 2) / 2e-4),
                    Box(-1, 1, shape=2), "2 - 2h/w2 = 2 - 20 < 0 at its top"))
    out.append(Hard("hat, far corner", lambda x: np.sum(x**2) + 50 * np.exp(-20 * np.sum((x - 4) ** 2)),
                    Box(-5, 5, shape=3), "2 - 2000 < 0 at its top"))
    out.append(Hard("hat at a corner", lambda x: np.sum(x**2) + 1e-2 * np.exp(-200 * np.sum((x - 1) ** 2)),
                    Box(-1, 1, shape=4), "2 - 4 < 0 at the corner"))
    c, s = np.array([0.31, -0.62, 0.47]), np.array([1.0, 3.0, 9.0])
    B = np.linalg.qr(np.random.default_rng(77).standard_normal((3, 3)))[0] * s
    return out + [
        Hard("bump by a logistic", lambda x: np.sum(x**2) + 1e-3 / (1 + np.exp((np.sum((x - c) ** 2) - 4e-4) / 1e-4)),
             Box(-1, 1, shape=3), "it falls by 1e-3 over a shell of 5e-3"),
        Hard("bump by tanh", lambda x: np.sum(x**2) - 1e-3 * np.tanh(np.sum((x - c) ** 2) / 2e-4), Box(-1, 1, shape=3),
             "2 - 10 < 0 at c"),
        Hard("bump by a product", lambda x: np.sum(x**2) + 1e-3 * np.prod(np.exp(-((x - c) ** 2) / 4e-4)),
             Box(-1, 1, shape=3), "2 - 5 < 0 at c"),
        Hard("bump by a ridge of sharp ends", lambda x: np.sum(x**2) + 1e-3 * np.exp(-np.linalg.norm(x - c) / 0.02),
             Box(-1, 1, shape=3), "a concave kink at c"),
        Hard("bump along three axes", lambda x: np.sum(x**2) + 1e-3 * np.exp(-np.sum((B @ (x - c)) ** 2) / 2e-3),
             Box(-1, 1, shape=3), "2 - 81 < 0 along the short axis at c"),
        Hard("dent by a branch", lambda x: np.sum(x**2) - (1e-4 - r2 if (r2 := np.sum((x - c) ** 2)) < 1e-4 else 0.0),
             Box(-1, 1, shape=3), "outwards the slope falls by 0.02 at distance 0.01 from c"),
        Hard("dent by a maximum", lambda x: np.sum(x**2) - np.maximum(0, 1e-4 - np.sum((x - c) ** 2)),
             Box(-1, 1, shape=3), "the same"),
        Hard("dent by where",
             lambda x: np.sum(x**2) - np.where(np.abs(x[0] - 0.3) < 1e-3, 1e-3 - np.abs(x[0] - 0.3), 0),
             Box(-1, 1, shape=4), "outwards the slope falls by 1 at |x0 - 0.3| = 1e-3"),
        Hard("bump in ten dimensions", lambda x: np.sum(x**2) + 1e-3 * np.exp(-np.sum((x - 0.3) ** 2) / 4e-4),
             Box(-1, 1, shape=10), "2 - 5 < 0 at its top"),
        Hard("two bumps, one far away", lambda x: np.sum(x**2) + 1e-4 * np.exp(-np.sum((x - 0.3) ** 2) / 4e-3)
             + 1e-3 * np.exp(-np.sum((x + 0.6) ** 2) / 4e-4), Box(-1, 1, shape=3), "2 - 5 < 0 at the second"),
    ]


def _directions() -> list[Hard]:
    """A positive quadratic but for one direction u, whose curvature is −2δ relative to the largest."""
    out = []
    for k, (n, delta) in enumerate([(2, 1e-6), (3, 1e-8), (4, 1e-3), (8, 1e-6), (8, 1e-4), (16, 1e-5), (32, 1e-4),
                                    (64, 1e-2), (64, 1e-3), (64, 1e-5)]):
        r = np.random.default_rng(100 + k)
        V = np.linalg.qr(r.standard_normal((n, n)))[0]
        lam = np.concatenate([[-delta], r.uniform(0.5, 1.0, n - 1)])
        H = (V * lam) @ V.T
        H = (H + H.T) / 2
        out.append(Hard(f"one direction of {n}, {delta:g}", lambda x, H=H: x @ H @ x, Box(-1, 1, shape=n),
                        f"an eigenvalue is -2*{delta:g}"))
    for n in (16, 64):
        u = np.random.default_rng(n).standard_normal(n)
        u /= np.linalg.norm(u)
        out.append(Hard(f"dent in one direction of {n}", lambda x, u=u: np.sum(x**2) + 0.3 * np.cos(4 * (u @ x)),
                        Box(-1, 1, shape=n), "2 - 4.8 cos < 0 at 0"))
        out.append(Hard(f"late dent in one direction of {n}",
                        lambda x, u=u: np.sum(x**2) - 0.1 * np.exp(3 * (u @ x - 1.5)), Box(-1, 1, shape=n),
                        "2 - 0.9 exp(3(u.x - 1.5)) < 0 for u.x > 1.77"))
    out.append(Hard("bilinear with a strong diagonal", lambda x: np.sum(x**2) + 2.001 * x[0] * x[1],
                    Box(-1, 1, shape=2), "eigenvalues 2 +- 2.001"))
    out.append(Hard("bilinear, 8-D", lambda x: np.sum(x**2) + 2.0001 * x[3] * x[6], Box(-1, 1, shape=8),
                    "eigenvalues 2 +- 2.0001"))
    out.append(Hard("product of all", lambda x: 0.501 * np.sum(x**2) + x[0] * x[1] * x[2], Box(-1, 1, shape=3),
                    "1.002 - 2 < 0 at (1, 1, 1) and its images"))
    out.append(Hard("matrix product", lambda W: np.sum((W[:, :2] @ W[:, 2:]) ** 2), Box(-1, 1, shape=(2, 4)),
                    "f(W) = 0 on both factors' axes, positive between"))
    out.append(Hard("matrix factorisation", lambda W: np.sum((W @ W.T - np.eye(4)) ** 2), Box(-1, 1, shape=(4, 2)),
                    "f(W) = f(-W) < f(0)"))
    return out


def _tangency() -> list[Hard]:
    out = [Hard(f"quartic with a dent {eps:g}", lambda x, e=eps: x**4 - e * x**2, Box(-1, 1), f"f'' = -2*{eps:g} at 0")
           for eps in (1e-11, 1e-7, 1e-15)]
    out += [Hard(f"quartics with a dent, {n}-D", lambda x: np.sum(x**4) - 1e-6 * x[1] ** 2, Box(-1, 1.3, shape=n),
                 "f'' < 0 for |x1| < 4e-4") for n in (2, 4, 8)]
    out += [
        Hard("sixth power with a dent", lambda x: np.sum(x**6) - 1e-9 * x[0] ** 4, Box(-1, 1, shape=2),
             "30x4 < 12e-9 x2 near 0"),
        Hard("moved quartic with a dent", lambda x: (x - 0.3) ** 4 - 1e-7 * (x - 0.3) ** 2, Box(-1, 1),
             "f'' = -2e-7 at 0.3"),
        Hard("dent off the axes",
             lambda x: (x[0] + x[1] - 0.3) ** 4 + (x[0] - x[1]) ** 2 - 1e-7 * (x[0] + x[1] - 0.3) ** 2,
             Box(-1, 1, shape=2), "-4e-7 along (1, 1)/sqrt 2 on the line x0 + x1 = 0.3"),
        Hard("x exp x slightly beyond", lambda x: x * np.exp(x), Box(-2.01, 1), "(x + 2)exp(x) < 0 left of -2"),
        Hard("x exp x hardly beyond", lambda x: x * np.exp(x), Box(-2.0001, 1), "(x + 2)exp(x) < 0 left of -2"),
        Hard("sum of x exp x", lambda x: np.sum(x * np.exp(x)), Box(-2.001, 1, shape=5), "the same"),
        Hard("cube hardly beyond 0", lambda x: x**3, Box(-1e-4, 1), "6x < 0 left of 0"),
        Hard("cubes hardly beyond 0", lambda x: np.sum(x**3), Box(-1e-3, 1, shape=4), "6x < 0 left of 0"),
        Hard("sine hardly beyond", lambda x: np.sin(x), Box(-3, 1e-3), "-sin x < 0 right of 0"),
        Hard("corner only", lambda x: np.sum(x**2) - 0.34 * x[0] ** 3 * x[1], Box(0, 1, shape=2),
             "det at (1, 1) is (2 - 2.04)*2 - 1.02^2 < 0"),
        Hard("face only", lambda x: np.sum(x**2) - 0.34 * x[0] ** 3, Box(-1, 1, shape=6), "2 - 2.04 < 0 at x0 = 1"),
        Hard("power of a corner", lambda x: np.sum(x**2 - 0.0669 * x**6), Box(-1, 1, shape=3), "2 - 2.007 < 0 at 1"),
        Hard("two hinges too close", lambda x: np.maximum(0, x - 0.2) ** 2 - 1.001 * np.maximum(0, x - 0.9) ** 2,
             Box(-1, 1), "2 - 2.002 < 0 beyond 0.9"),
        Hard("entropy less a square", lambda x: np.sum(special.xlogy(x, x)) - 0.51 * np.sum(x**2), Box(0, 1, shape=3),
             "1/x - 1.02 < 0 near 1"),
        Hard("barrier less a square", lambda x: -np.sum(np.log(x)) - 0.51 * np.sum(x**2), Box(0.1, 1, shape=3),
             "1/x2 - 1.02 < 0 near 1"),
        Hard("log-sum-exp less itself", lambda x: np.log(np.sum(np.exp(x))) - 0.99 * np.log(np.sum(np.exp(x[:-1]))),
             Box(-2, 2, shape=4), "where x3 is low the last entry drops out: p(1-p) of the others, shrunk by exp(x3)")]
    out.pop()
    return out


def _kinks() -> list[Hard]:
    r = np.random.default_rng(5)
    a, A = r.standard_normal(6), r.standard_normal((8, 6))
    V = np.linalg.qr(r.standard_normal((8, 8)))[0]
    return [
        Hard("square less |x|", lambda x: x**2 - 0.01 * np.abs(x), Box(-1, 1), "slope falls by 0.02 at 0"),
        Hard("square less |x|, off centre", lambda x: x**2 - 1e-4 * np.abs(x - 0.337), Box(-1, 1), "slope falls"),
        Hard("squares less |x0|", lambda x: np.sum(x**2) - 0.01 * np.abs(x[0]), Box(-1, 1, shape=4), "slope falls"),
        Hard("slanted kink", lambda x: x @ x - 0.05 * np.abs(a @ x - 0.3), Box(-1, 1, shape=6), "slope falls"),
        Hard("faint slanted kink", lambda x: x @ x - 1e-4 * np.abs(a @ x - 0.3), Box(-1, 1, shape=6), "slope falls"),
        Hard("kink near a face", lambda x: x @ x - 1e-3 * np.maximum(0, x[2] - 0.99),
             Box(-1, 1, shape=5), "slope falls"),
        Hard("kink near a corner", lambda x: x @ x - 1e-2 * np.maximum(0, np.sum(x) - 3.8), Box(-1, 1, shape=4),
             "slope falls"),
        Hard("rotated piecewise linear", lambda x: np.sum(np.abs(V @ x)) - 2.2 * np.abs(V[3] @ x), Box(-1, 1, shape=8),
             "-1.2 |v.x| along v"),
        Hard("max less max", lambda x: np.max(A @ x) - 0.6 * np.maximum(A[0] @ x, A[1] @ x), Box(-1, 1, shape=6),
             "where other rows are the largest the slope falls"),
        Hard("minimum of two bowls", lambda x: np.minimum(np.sum((x - 0.5) ** 2), np.sum((x + 0.5) ** 2)),
             Box(-1, 1, shape=3), "slope falls where they meet"),
        Hard("minimum of far bowls", lambda x: np.minimum(np.sum(x**2), np.sum((x - 0.8) ** 2) + 1.9),
             Box(-1, 1, shape=3), "the second is lower near (1, 1, 1): 2.02 < 3"),
        Hard("clipped", lambda x: np.sum(np.minimum(x**2, 0.95)), Box(-1, 1, shape=5), "slope falls at sqrt 0.95"),
        Hard("capped hinge", lambda x: np.sum(np.clip(A @ x, 0, 2.0)), Box(-1, 1, shape=6), "slope falls at the cap"),
        Hard("branch on x0", lambda x: np.sum(x**2) if x[0] < 0.77 else np.sum(x**2) - 0.02 * (x[0] - 0.77),
             Box(-1, 1, shape=3), "slope falls by 0.02 at 0.77"),
        Hard("where with a falling slope", lambda x: np.sum(np.where(x < 0.6, x**2, x**2 - 0.05 * (x - 0.6))),
             Box(-1, 1, shape=4), "slope falls by 0.05 at 0.6"),
        Hard("step down", lambda x: np.sum(x**2) + 0.01 * np.sign(x[0] - 0.2), Box(-1, 1, shape=2), "a jump inside"),
        Hard("rounded", lambda x: np.sum(np.floor(4 * x)), Box(-1, 1, shape=2), "jumps inside"),
        Hard("root of |x|", lambda x: np.sum(np.sqrt(np.abs(x))), Box(-1, 1, shape=2), "concave on each side"),
        Hard("|x| to 0.999", lambda x: np.abs(x) ** 0.999, Box(-1, 1), "concave on each side"),
        Hard("|x| to 0.999 in 5-D", lambda x: np.sum(np.abs(x) ** 0.999), Box(-1, 1, shape=5), "concave on each side"),
        Hard("x to 0.9999", lambda x: x**0.9999, Box(0.1, 1), "p(p - 1) < 0"),
        Hard("half quasi-norm", lambda x: np.sum(np.sqrt(x)) ** 2, Box(0.1, 1, shape=3), "concave"),
        Hard("norm with p = 0.9", lambda x: np.sum(np.abs(x) ** 0.9) ** (1 / 0.9), Box(-1, 1, shape=3),
             "f(e0) = f(e1) = 1, f at the middle is 2^(1/9)"),
        Hard("difference of norms", lambda x: 1.01 * np.linalg.norm(x) - np.linalg.norm(x - 0.1), Box(-1, 1, shape=4),
             "a concave kink at (0.1, ...)"),
        Hard("second largest", lambda x: np.sort(x)[-2], Box(-1, 1, shape=4), "min{x0, x1} where the others are low"),
    ]


def _scales() -> list[Hard]:
    rosen = lambda x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)                        # noqa: E731
    out = [
        Hard("tiny saddle", lambda x: 1e-12 * (x[0] ** 2 - x[1] ** 2), Box(-1, 1, shape=2), "+-2e-12"),
        Hard("huge saddle", lambda x: 1e12 * (x[0] ** 2 - 1e-3 * x[1] ** 2), Box(-1, 1, shape=2), "-2e9"),
        Hard("minute saddle", lambda x: 1e-200 * (x[0] ** 2 - x[1] ** 2), Box(-1, 1, shape=2), "+-2e-200"),
        Hard("immense saddle", lambda x: 1e150 * (x[0] ** 2 - 1e-3 * x[1] ** 2), Box(-1, 1, shape=2), "-2e147"),
        Hard("uneven saddle", lambda x: 1e12 * x[0] ** 2 - 1e-12 * x[1] ** 2, Box([-1e-6, -1e6], [1e-6, 1e6]),
             "-2e-12 beside 2e12"),
        Hard("coupled uneven saddle", lambda x: 1e12 * x[0] ** 2 + 2.1 * x[0] * x[1] + 1e-12 * x[1] ** 2,
             Box([-1e-6, -1e6], [1e-6, 1e6]), "det 4 - 4.41 < 0"),
        Hard("saddle on a plateau", lambda x: 1e3 + x[0] ** 2 - 1e-6 * x[1] ** 2, Box(-1, 1, shape=2), "-2e-6"),
        Hard("tiny Rosenbrock", lambda x: 1e-12 * rosen(x), Box(-2, 2, shape=3), "1200x0^2 - 400x1 + 2 < 0 at (0, 1)"),
        Hard("huge Rosenbrock", lambda x: 1e12 * rosen(x), Box(-2, 2, shape=3), "the same"),
        Hard("far saddle", lambda x: (x[0] - 1e4) ** 2 - 0.5 * (x[1] + 3e4) ** 2,
             Box([9990.0, -30010.0], [10010.0, -29990.0]), "-1"),
        Hard("metres and microns", lambda x: (x[0] * 1e6) ** 2 + x[1] ** 2 - 2.1 * x[0] * 1e6 * x[1],
             Box([-1e-6, -1.0], [1e-6, 1.0]), "det 4 - 4.41 < 0 in scaled coordinates"),
        Hard("wide and narrow", lambda x: np.log1p((x[0] / 1e8) ** 2) + 1e16 * x[1] ** 2,
             Box([-3e8, -1e-8], [3e8, 1e-8]), "log(1 + u2) has u'' < 0 beyond u = 1"),
        Hard("linear on top", lambda x: 1e5 * x[0] + x[1] ** 2 - 1e-2 * x[0] ** 2, Box(-1, 1, shape=2), "-0.02"),
        Hard("near its valley", rosen, Box([0.9, 0.99], [0.95, 1.0]),
             "1200*0.81 - 400 + 2 > 0, but det 200*(2 + 400(x0^2 - x1)) < 0 where x1 > x0^2 + 0.005"),
        Hard("above its valley", rosen, Box([0.99, 0.985], [1.01, 1.015]), "det < 0 where x1 > x0^2 + 0.005"),
    ]
    return out


def _waves() -> list[Hard]:
    a = np.random.default_rng(9).standard_normal(6)
    waves = [Hard(f"wave {k} of height {h:g}, {n}-D", lambda x, k=k, h=h: np.sum(x**2) + h * np.cos(k * x[0]),
                  Box(-1, 1, shape=n), f"2 - {h * k * k:g} < 0 in places")
             for n, k, h in ((1, 60, 1e-3), (3, 60, 1e-3), (2, 1000, 1e-5), (4, 1000, 2.1e-6), (8, 300, 3e-5),
                             (1, 1e5, 1e-9), (2, 2.0, 0.51))]
    return waves + [
        Hard("slanted wave", lambda x: x @ x + 0.004 * np.cos(20 * (a @ x)), Box(-1, 1, shape=6), "400*0.004|a|^2 > 2"),
        Hard("sum of waves", lambda x: np.sum(x**2 + 0.3 * np.sin(3 * x) ** 2), Box(-2, 2, shape=5), "2 - 5.4 < 0"),
        Hard("Rastrigin", lambda x: 10 * x.size + np.sum(x**2 - 10 * np.cos(2 * np.pi * x)),
             Box(-5, 5, shape=5), "waves"),
        Hard("Ackley", lambda x: -20 * np.exp(-0.2 * np.sqrt(np.mean(x**2))) - np.exp(np.mean(np.cos(2 * np.pi * x))),
             Box(-5, 5, shape=3), "tends to a constant"),
        Hard("Griewank", lambda x: np.sum(x**2) / 4000 - np.prod(np.cos(x / np.sqrt(np.arange(1, 5)))),
             Box(-5, 5, shape=4), "waves"),
        Hard("chirp", lambda x: x**2 + 1e-4 * np.cos(100 * x**2), Box(-1, 1), "2 - 4 < 0 near |x| = 1"),
    ]


def _named() -> list[Hard]:
    r = np.random.default_rng(11)
    A, y = r.standard_normal((20, 6)), np.sign(r.standard_normal(20))
    return [
        Hard("Rosenbrock", lambda x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2), Box(-2, 2, shape=5),
             "1200x0^2 - 400x1 + 2 < 0 at (0, 1)"),
        Hard("Himmelblau", lambda x: (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2, Box(-5, 5, shape=2),
             "four minima"),
        Hard("Himmelblau at a minimum", lambda x: (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2,
             Box([0.0, 0.0], [3.0, 2.0]), "12x0^2 + 4x1 - 42 < 0 at 0"),
        Hard("Beale", lambda x: (1.5 - x[0] * (1 - x[1])) ** 2 + (2.25 - x[0] * (1 - x[1] ** 2)) ** 2,
             Box(-2, 2, shape=2), "f(0, .) is constant, with a cross term"),
        Hard("six-hump camel",
             lambda x: (4 - 2.1 * x[0]**2 + x[0]**4 / 3) * x[0]**2 + x[0] * x[1] + 4 * (x[1]**2 - 1) * x[1]**2,
             Box([-2, -1], [2, 1]), "-8 at x1 = 0"),
        Hard("Styblinski-Tang", lambda x: np.sum(x**4 - 16 * x**2 + 5 * x) / 2, Box(-5, 5, shape=8), "-16 at 0"),
        Hard("Powell singular, beyond", lambda x: (x[0] + 10 * x[1])**2 + 5 * (x[2] - x[3])**2 + (x[1] - 2 * x[2])**4
             - 10.0 * (x[0] - x[3])**4, Box(-1, 1, shape=4), "-120 (x0 - x3)^2 along (1, -0.1, ., .)"),
        Hard("log(1 + |x|^2)", lambda x: np.log(1 + np.sum(x**2)), Box(-3, 3, shape=3), "radially concave beyond 1"),
        Hard("log(1 + |x|^2), hardly", lambda x: np.log(1 + np.sum(x**2)), Box(-0.58, 0.58, shape=3),
             "|x| = 1.0046 at the corners"),
        Hard("log-sum of squares", lambda x: np.log(np.sum(x**2)), Box(0.5, 1, shape=2), "radially concave"),
        Hard("Gaussian", lambda x: -np.exp(-np.sum(x**2) / 2), Box(-3, 3, shape=3), "radially concave beyond 1"),
        Hard("logistic function", lambda x: 1 / (1 + np.exp(-x)), Box(-5, 0.01), "concave right of 0"),
        Hard("tanh network", lambda w: np.mean((np.tanh(A @ w) - y) ** 2), Box(-2, 2, shape=6), "saturates"),
        Hard("robust loss", lambda w: np.mean(np.log(1 + (A @ w - 1) ** 2)), Box(-1, 1, shape=6), "saturates"),
        Hard("capped logistic loss", lambda w: np.mean(np.minimum(np.logaddexp(0, -y * (A @ w)), 1.0)),
             Box(-3, 3, shape=6), "min with a constant"),
        Hard("linear fractional", lambda x: (x[0] + 2) / (x[1] + 3), Box(-1, 1, shape=2), "indefinite Hessian"),
        Hard("ratio of squares", lambda x: x[0] ** 2 / (1 + x[1] ** 2), Box(-1, 1, shape=2),
             "at (x0, 0) det = 2*(-2x0^2) < 0"),
        Hard("sum of ratios", lambda x: np.sum(x[:-1] / x[1:]), Box(0.5, 2, shape=5), "-1/x^2 off a zero diagonal"),
        Hard("Rayleigh quotient", lambda x: (x[0] ** 2 + 2 * x[1] ** 2) / (x @ x), Box(0.5, 1, shape=2),
             "constant on rays, not constant"),
        Hard("square over linear, wrong sign", lambda x: x[0] ** 2 / x[1], Box([-1, -1.0], [1, -0.1]), "concave"),
        Hard("perspective beyond", lambda x: x[0] ** 2 / x[1] - 1e-3 * x[0] ** 2, Box([-1, 0.5], [1, 2]),
             "at x0 = 1, x1 = 2 det = 0.25*(1 - 2e-3) - 0.25 < 0"),
        Hard("geometric mean", lambda x: np.prod(x) ** (1 / 3), Box(0.1, 1, shape=3), "concave, not affine"),
        Hard("separately convex", lambda x: np.exp(x[0] * x[1]),
             Box(-1, 1, shape=2), "exp(x0x1) is 1 on both axes, det = -1 at 0"),
        Hard("multilinear", lambda x: x[0] * x[1] + x[1] * x[2] + x[2] * x[3], Box(0, 1, shape=4), "zero diagonal"),
        Hard("log det the wrong way", lambda x: np.linalg.slogdet(np.diag(x + 2) + 0.1)[1],
             Box(-1, 1, shape=3), "concave"),
        Hard("smallest eigenvalue", lambda x: np.linalg.eigvalsh(np.array([[x[0], x[1]], [x[1], -x[0]]]))[0],
             Box(-1, 1, shape=2), "-|x|"),
        Hard("variance of softmax", lambda x: special.softmax(x) @ x, Box(-2, 2, shape=3), "entropy-like, saturates"),
        Hard("entropy of logits", lambda x: -np.sum(special.softmax(x) * np.log(special.softmax(x))),
             Box(-2, 2, shape=3), "largest at equal logits"),
        Hard("mixture likelihood",
             lambda x: -np.log(0.5 * np.exp(-(x - 1.1) ** 2 / 2) + 0.5 * np.exp(-(x + 1.1) ** 2 / 2)),
             Box(-3, 3), "1 - 1.21 < 0 at 0"),
        Hard("cosine similarity", lambda x: -(x @ np.array([1.0, 2.0, 3.0])) / np.linalg.norm(x), Box(0.2, 1, shape=3),
             "constant on rays, not constant"),
        Hard("opaque saddle", lambda x: float(x[0]) * float(x[1]), Box(-1, 1, shape=2), "+-1"),
        Hard("opaque Himmelblau",
             lambda x: (float(x[0])**2 + float(x[1]) - 11)**2 + (float(x[0]) + float(x[1])**2 - 7)**2,
             Box(-5, 5, shape=2), "four minima"),
        Hard("opaque kink", lambda x: float(x[0]) ** 2 - 0.05 * abs(float(x[0])) + float(x[1]) ** 2,
             Box(-1, 1, shape=2),
             "slope falls at 0"),
    ]


HARD: list[Hard] = [*_bumps(), *_directions(), *_tangency(), *_kinks(), *_scales(), *_waves(), *_named()]
