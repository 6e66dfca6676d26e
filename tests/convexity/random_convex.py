"""Random convex functions, convex by construction, written so that rounding hides it: for tests and benchmarks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special

from optkit.convexity import Box

Function = Callable[[np.ndarray], object]


def random_convex(seed: int) -> tuple[Box, Function]:
    """A sum of one to three convex atoms, times a scale, somewhere, perhaps cancelled against a constant."""
    r = np.random.default_rng(seed)
    n = int(r.integers(1, 7))
    atoms = [_atom(r, n) for _ in range(int(r.integers(1, 4)))]
    scale, noise = 10.0 ** r.uniform(-9, 9), 10.0 ** r.uniform(0, 8)
    far = float(r.choice([0.0, 1.0, 1e3, 1e6]))
    width = float(r.choice([1.0, 1e-3, 10.0]))
    disguise = DISGUISES[int(r.integers(len(DISGUISES)))]

    def f(x):
        u = (x - far) / width
        return scale * disguise(sum(atom(u) for atom in atoms), noise)

    return Box(far - width, far + width, shape=n), f


def _atom(r: np.random.Generator, n: int) -> Function:
    A, b, c = r.standard_normal((n + 2, n)), r.standard_normal(n + 2), r.standard_normal(n)
    k, p = float(10 ** r.uniform(-1, 1.5)), float(r.uniform(1, 4))
    H, h, bb = A.T @ A, A.T @ b, float(b @ b)
    rank_one = np.outer(c, c)
    return (
        lambda x: np.sum((A @ x - b) ** 2),
        lambda x: x @ H @ x - 2 * h @ x + bb,                                # the same, expanded
        lambda x: x @ rank_one @ x,
        lambda x: np.max(A @ x - b),
        lambda x: np.sum(np.abs(A @ x - b)),
        lambda x: np.log(np.sum(np.exp(k * (A @ x)))),
        lambda x: np.sum(np.log(1 + np.exp(k * (A @ x - b)))),
        lambda x: np.linalg.norm(A @ x - b),
        lambda x: np.sqrt(1 + np.sum((A @ x) ** 2)),
        lambda x: np.sum(np.maximum(0, A @ x - b) ** p),
        lambda x: np.sum(np.where(np.abs(A @ x) < 1, (A @ x) ** 2 / 2, np.abs(A @ x) - 0.5)),
        lambda x: np.exp(c @ x) + c @ x,
        lambda x: np.sum(np.cosh(A @ x) - 1),
        lambda x: np.sum(special.xlogy(x + 2, x + 2)),
        lambda x: -np.sum(np.log(x + 1.5)),
        lambda x: np.sum((x - c) ** 4 - 4 * (x - c) ** 3 + 6 * (x - c) ** 2 - 4 * (x - c) + 1),   # (x − c − 1)⁴
        lambda x: c @ x,
        lambda x: (c @ x) ** 2 / (n + 1 + np.sum(x)),                        # quadratic over linear
        lambda x: np.max(x) + np.sort(x)[0] * 0.0 + np.sum(x**2) * 1e-12,
        lambda x: np.sum(x**2) if x[0] > 0.2 else np.sum(x**2) + 0.3 * (0.2 - x[0]),   # a kink that opens upwards
    )[int(r.integers(20))]


DISGUISES = (
    lambda y, noise: y,
    lambda y, noise: (y + noise) - noise,
    lambda y, noise: y + noise,
    lambda y, noise: (y * 3 - 2 * y) / 1.0,
    lambda y, noise: (np.sqrt(noise) * y / 7) * 7 / np.sqrt(noise),
)
