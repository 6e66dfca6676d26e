"""The subproblem of adaptive cubic regularisation, in growing Krylov spaces."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.linalg import eigh_tridiagonal

from optkit.point import Vector, norm

NEWTON_STEPS = 100  # 4 or 5 are usual
EVERY = 16  # the subproblem of a space of j dimensions is solved at each j, from twice this at each (j/16)-th


class Cubic(NamedTuple):
    """A step s, what the quadratic part of the model predicts, −(g·s + ½ s·Hs), ‖s‖₂, and λ = σ‖s‖."""

    s: Vector
    decrease: float
    length: float
    lam: float


class Krylov:
    """An orthonormal basis of span{g, Hg, H²g, …}, one product a vector, in which H is tridiagonal.

    It grows only as far as a step needs, and serves again for another σ. Where the space is invariant it goes on, if
    asked to, with a random direction, in which the model may have negative curvature that g does not show.
    Reorthogonalised: 4 n j multiplications for the j-th vector. Lanczos 1950; Gould, Lucidi, Roma & Toint 1999.
    """

    def __init__(self, hv: Callable[[Vector], Vector], g: Vector, limit: int):
        self.hv, self.gnorm, self.limit = hv, norm(g), min(limit, g.size)
        self.V = np.empty((min(16, self.limit), g.size))
        self.V[0] = g / self.gnorm
        self.diagonal: list[float] = []
        self.beside: list[float] = []  # β_j, what the j-th product leaves outside the space
        self.following: Vector | None = None

    @property
    def dimension(self) -> int:
        return len(self.diagonal)

    @property
    def invariant(self) -> bool:
        """Whether H maps the space into itself, up to rounding."""
        size = max(map(abs, self.diagonal + self.beside[:-1]))
        return not self.beside[-1] > 1e-12 * size

    def grow(self) -> None:
        """One more vector and its product."""
        j = self.dimension
        if j == len(self.V):
            self.V = np.concatenate([self.V, np.empty((min(j, self.limit - j), self.V.shape[1]))])
        if j:
            self.V[j] = self._random() if self.invariant else self.following / self.beside[-1]  # type: ignore[operator]
            self.beside[-1] = 0.0 if self.invariant else self.beside[-1]
        w = np.array(self.hv(self.V[j]))
        self.diagonal.append(float(w.dot(self.V[j])))
        self.following = self._outside(w, j + 1)
        self.beside.append(norm(self.following))

    def _outside(self, w: Vector, j: int) -> Vector:
        for _ in range(2):
            w -= self.V[:j].T.dot(self.V[:j].dot(w))
        return w

    def _random(self) -> Vector:
        j = self.dimension
        w = self._outside(np.random.default_rng(j).standard_normal(self.V.shape[1]), j)
        return w / norm(w)

    def minimise(self, sigma: float, tol: float, *, everywhere: bool = False) -> Cubic:
        """The minimiser of g·s + ½ s·Hs + σ/3 ‖s‖³ in the smallest space where its gradient is at most tol.

        In an invariant space it is stationary; with `everywhere` the space then grows to all of Rⁿ, where it is global.
        """
        while True:
            j = self.dimension
            if j and (j == self.limit or j % max(1, j // EVERY) == 0 or self.invariant):
                u, decrease, lam = cubic_tridiagonal(self.diagonal, self.beside[:-1], self.gnorm, sigma)
                gradient = self.beside[-1] * abs(u[-1])
                stop = gradient <= tol and not everywhere or self.invariant and not everywhere
                if j == self.limit or stop or not gradient < math.inf:
                    return Cubic(self.V[:j].T.dot(u), decrease, norm(u), lam)
            self.grow()


def cubic_tridiagonal(diagonal: list[float], beside: list[float], gnorm: float, sigma: float):
    """(u, −(γ e₁·u + ½ u·Tu), λ) with u the global minimiser of γ e₁·u + ½ u·Tu + σ/3 ‖u‖³; γ = gnorm > 0.

    u solves (T + λI) u = −γ e₁ with λ = σ‖u‖ and T + λI ⪰ 0 (Cartis, Gould & Toint 2011, theorem 3.1), in the
    eigenvectors of T. In units of sqrt(γ/σ) for u and sqrt(γσ) for T all depends on T alone. Where T is not finite it
    is taken for 0. Cost: O(j²) to O(j³).
    """
    unit, size = math.sqrt(gnorm) / math.sqrt(sigma), math.sqrt(gnorm) * math.sqrt(sigma)
    d, e = np.array(diagonal) / size, np.array(beside) / size
    if not (np.isfinite(d).all() and np.isfinite(e).all()):
        return -unit * np.eye(1, len(d))[0], gnorm * unit, size
    values, Q = eigh_tridiagonal(d, e)
    u, lam = cubic_diagonal(values, Q[0], 1.0)
    return unit * Q.dot(u), -gnorm * unit * float(Q[0].dot(u) + 0.5 * u.dot(values * u)), size * lam


def cubic_diagonal(values: Vector, c: Vector, sigma: float) -> tuple[Vector, float]:
    """(u, λ), the global minimiser of c·u + ½ Σ values u² + σ/3 ‖u‖³ and σ‖u‖; values ascending.

    The unknown is μ = λ − max(0, −lowest value), which keeps its digits near the hard case, where c has nothing along
    the lowest eigenvectors and u takes as much of one as λ = σ‖u‖ wants.
    """
    shift = max(0.0, -float(values[0]))
    gaps = values + shift
    singular = gaps == 0
    if shift > 0 and not c[singular].any():
        u = np.zeros_like(c)
        u[~singular] = -c[~singular] / gaps[~singular]
        wanted, length = shift / sigma, norm(u)
        if wanted >= length:
            u[np.argmax(singular)] = math.sqrt(wanted - length) * math.sqrt(wanted + length)
            return u, shift
    mu = _secular(gaps, c, shift, sigma)
    return -c / (gaps + mu), shift + mu


def _secular(gaps: Vector, c: Vector, shift: float, sigma: float) -> float:
    """The root μ of 1/‖c/(gaps + μ)‖ = σ/(shift + μ), whose difference is concave and increases: Newton's method from
    below rises to it. It starts at the largest root for one entry of c alone."""
    gaps, c = gaps[c != 0], c[c != 0]
    single = sigma * np.abs(c)
    roots = 2 * (single - gaps * shift) / (gaps + shift + np.hypot(gaps - shift, 2 * np.sqrt(single)))
    mu = max(0.0, float(roots.max()))
    for _ in range(NEWTON_STEPS):
        u = c / (gaps + mu)
        length, lam = norm(u), shift + mu
        if not (0 < length < math.inf and lam > 0):
            break
        bend = float((u / length).dot(u / length / (gaps + mu)))
        step = (sigma * length - lam) / (bend * lam + sigma * length / lam)
        mu += step
        if not step > 4e-16 * mu:
            break
    return mu
