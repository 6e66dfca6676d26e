"""Where f bends the wrong way: the points at which the Hessian was looked at, and the box around those that refute."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .natural import coordinate
from .oracle import Matrix, Oracle, Vector
from .properties import PROPERTIES, SHAPES
from .witness import EPS

ROUNDING = 1e-10     # of the Hessian's norm: a wrong sign within it refutes nothing
LAST = 8.0           # units in the last place of the norm, an unknown: a smaller eigenvalue is 0
NARROWER = 0.01      # of the domain's width, by which a side of the box must be drawn in to be named
LOOKS = 256          # points at which the Hessian is looked at besides
FEW = 12             # unknowns up to which
SECONDS = 0.5        # for that, if Hessians are slow
NAMED = 4            # coordinates that are named


class Bending(NamedTuple):
    """Eigenvalues of the Hessian of f at points of the domain, and which of them contradict the property.

    X : (k, n). low, high : (k,) extreme eigenvalues. wrong : (k,) bool. sign : −1 where f should be concave. met : how
    many of them, the first, the search met; mu and L rest on those.
    """

    X: Matrix
    low: Vector
    high: Vector
    wrong: np.ndarray
    sign: float
    met: int

    @property
    def range(self) -> tuple[float, float]:
        """The extreme eigenvalues that the search met, at `lowest` and `highest`; 0 where they are rounding."""
        i, j, slack = self._least(), self._greatest(), self._slack()
        ends = (self.low[i], slack[i]), (self.high[j], slack[j])
        low, high = (0.0 if abs(value) <= rounding else float(value) for value, rounding in ends)
        return low, high

    @property
    def lowest(self) -> Vector:
        return self.X[self._least()]

    @property
    def highest(self) -> Vector:
        return self.X[self._greatest()]

    def _slack(self) -> Vector:
        """What rounding of a Hessian's entries may do to its eigenvalues."""
        low, high = self.low[:self.met], self.high[:self.met]
        return LAST * self.X.shape[1] * EPS * np.maximum(np.abs(low), np.abs(high))

    def _least(self) -> int:
        return int(np.argmin(self.low[:self.met] + self._slack()))

    def _greatest(self) -> int:
        return int(np.argmax(self.high[:self.met] - self._slack()))

    @property
    def worst(self) -> Vector:
        return self.lowest if self.sign > 0 else self.highest


def bending(report: Any) -> Bending | None:
    """Of the first examination; None where no Hessian was looked at.

    The search ends at the first witness: so where some point is of the wrong sign, more are looked at, spread over the
    domain, if the engine gives Hessians and there are few unknowns.
    """
    e = report.examinations[0]
    if not len(e.points) or len(e.points) != len(e.eigenvalues):
        return None
    sign = SHAPES[PROPERTIES[next(iter(report.verdicts))].shapes[0]].sign
    X, pairs = np.array(e.points), np.array(e.eigenvalues, dtype=float)
    few = X.shape[1] <= FEW and report.derivatives.endswith("engine")
    if few and report.f is not None and _wrong(pairs, sign).any():
        more = _looks(report)
        X, pairs = np.concatenate([X, more[0]]), np.concatenate([pairs, more[1]])
    return Bending(X, pairs[:, 0], pairs[:, 1], _wrong(pairs, sign), sign, len(e.points))


def _wrong(pairs: Matrix, sign: float) -> np.ndarray:
    end = pairs[:, 0] if sign > 0 else -pairs[:, 1]
    return end < -ROUNDING * np.max(np.abs(pairs), axis=1)


def _looks(report: Any) -> tuple[Matrix, Matrix]:
    """(points, eigenvalues) where the Hessian is finite, at well-spread points, as many as SECONDS allow."""
    until, found = time.perf_counter() + SECONDS, []
    spectrum = spectra(report.f, report.domain)
    for x in report.domain.spread(LOOKS, np.random.default_rng(report.seed)):
        values = spectrum(x)[0]
        if np.isfinite(values).all():
            found.append((x, values[[0, -1]]))
        if time.perf_counter() > until:
            break
    return (np.array([x for x, _ in found]).reshape(-1, report.domain.n),
            np.array([ends for _, ends in found]).reshape(-1, 2))


def spectra(f: Any, domain: Any) -> Callable[[Vector], tuple[Vector, Matrix]]:
    """x -> eigenvalues and eigenvectors of the Hessian on the domain's affine hull; NaN where it is not finite."""
    with np.errstate(all="ignore"):
        oracle = Oracle(f, domain)
    Z = np.eye(domain.n) if domain.subspace is None else domain.subspace[1]

    def spectrum(x: Vector) -> tuple[Vector, Matrix]:
        with np.errstate(all="ignore"):
            whole = oracle.hessian(x)
            H = Z.T @ whole @ Z
        if not np.isfinite(H).all():
            return np.full(len(H), np.nan), Z
        values, vectors = np.linalg.eigh(H)
        rounding = 0.0 if domain.subspace is None else LAST * domain.n * EPS * float(np.linalg.norm(whole))
        return np.where(np.abs(values) <= rounding, 0.0, values), Z @ vectors
    return spectrum


def region_of(found: Bending, domain: Any) -> str:
    """The box around the points of the wrong sign, by the coordinates in which it is narrower than the domain."""
    X, words = found.X[found.wrong], []
    low, high = X.min(axis=0), X.max(axis=0)
    for i in range(domain.n):
        room = NARROWER * (domain.upper[i] - domain.lower[i])
        left = f"{low[i]:.3g} <= " if low[i] > domain.lower[i] + room else ""
        right = f" <= {high[i]:.3g}" if high[i] < domain.upper[i] - room else ""
        words += [left + coordinate(domain, i) + right] if left or right else []
    return ", ".join(words[:NAMED]) + ", …" * (len(words) > NAMED)
