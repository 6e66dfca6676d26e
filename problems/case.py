"""One row of the collection of unconstrained test problems."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from problems.problem import UNKNOWN, read_only

Vector = np.ndarray


@dataclass(frozen=True, eq=False, repr=False)
class Case:
    """A function of R^n to minimise from x0, as published: what a comparison of local solvers needs.

    f : x -> float, plain NumPy that autodiff follows. x0 : (n,) float64, read-only.
    source : the paper with its number, or the name in CUTEst.
    f_star : the least value in the literature, with the digits printed there, or UNKNOWN. It is that of the minimum
        that belongs to the problem; `minima` are values of others that are published, local or approached at infinity.
    x_star : where f_star is attained, or UNKNOWN.
    residual : x -> r(x) with f = ‖r‖², where f is a sum of squares, else None.
    """

    name: str
    f: Callable[[Any], Any]
    x0: Vector
    source: str
    f_star: Any = UNKNOWN
    x_star: Any = UNKNOWN
    minima: tuple[float, ...] = ()
    residual: Callable[[Any], Any] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "x0", _vector(self.x0))
        if self.x_star is not UNKNOWN:
            object.__setattr__(self, "x_star", _vector(self.x_star))

    @property
    def n(self) -> int:
        """Number of unknowns."""
        return self.x0.size

    def __repr__(self) -> str:
        return f"<Case {self.name}, n={self.n}: {self.source}>"


def squares(name: str, residual: Callable[[Any], Any], x0: Any, source: str, **columns: Any) -> Case:
    """The case of f = ‖residual‖²."""

    def f(x):
        r = residual(x)
        return np.sum(r * r)

    return Case(name, f, x0, source, residual=residual, **columns)


def _vector(x: Any) -> Vector:
    return read_only(np.array(x, dtype=float))
