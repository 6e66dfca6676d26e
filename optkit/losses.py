"""Robust losses: what replaces r² in a least-squares cost, so that outliers count for less."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from optkit.point import Vector

FLOOR = 1e-2  # least share of ρ' that a row keeps of its curvature; 36 fits with outliers: 2470 residuals; with 1, 3040


class Row(NamedTuple):
    """ρ of z = (r/f_scale)² and its first two derivatives, as functions of z, in plain NumPy."""

    value: Callable[[Any], Any]
    first: Callable[[Any], Any]
    second: Callable[[Any], Any]


# Huber 1981; the names are SciPy's. All have ρ(0) = 0 and ρ'(0) = 1: small residuals count as in least squares.
LOSSES: dict[str, Row] = {
    "linear": Row(lambda z: z, np.ones_like, np.zeros_like),
    "huber": Row(lambda z: np.where(z <= 1, z, 2 * np.sqrt(z) - 1),
                 lambda z: np.maximum(z, 1) ** -0.5,
                 lambda z: np.where(z <= 1, 0.0, -0.5 * np.maximum(z, 1) ** -1.5)),
    "soft_l1": Row(lambda z: 2 * z / (np.sqrt(1 + z) + 1), lambda z: (1 + z) ** -0.5, lambda z: -0.5 * (1 + z) ** -1.5),
    "cauchy": Row(np.log1p, lambda z: 1 / (1 + z), lambda z: -1 / (1 + z) ** 2),
    "arctan": Row(np.arctan, lambda z: 1 / (1 + z**2), lambda z: -2 * z / (1 + z**2) ** 2),
}


@dataclass(frozen=True)
class Loss:
    """The cost ½ f_scale² Σ ρ((r_i/f_scale)²) of a residual vector. `row` is a name in LOSSES, or a callable as in
    SciPy: loss(z) -> array (3, m) of ρ, ρ', ρ''. Raises ValueError for an unknown name or f_scale that is not positive.
    """

    row: Any = "linear"
    f_scale: float = 1.0

    def __post_init__(self):
        if not callable(self.row) and self.row not in LOSSES:
            raise ValueError(f"loss: need one of {', '.join(LOSSES)}, or a callable, got loss={self.row!r}")
        try:
            size = float(self.f_scale)
        except (TypeError, ValueError):
            size = np.nan
        if not 0 < size < np.inf:
            raise ValueError(f"f_scale: need a positive number, got f_scale={self.f_scale!r}")
        object.__setattr__(self, "f_scale", size)

    @property
    def name(self) -> str:
        return self.row if isinstance(self.row, str) else "own"

    @property
    def is_linear(self) -> bool:
        return self.name == "linear"

    def cost(self, r: Any) -> Any:
        """½ f_scale² Σ ρ, in plain NumPy that autodiff can follow where ρ is one of LOSSES."""
        if self.is_linear:
            return 0.5 * np.sum(r * r)
        z = (r / self.f_scale) ** 2
        rho = self._own(z)[0] if callable(self.row) else LOSSES[self.row].value(z)
        return 0.5 * self.f_scale**2 * np.sum(rho)

    def weigh(self, r: Vector) -> tuple[Vector, Vector, Vector]:
        """(gradient weights ρ', row weights w, residual s): the cost's gradient is Jᵀ(ρ'r) = (wJ)ᵀs exactly.

        Its Gauss–Newton Hessian Jᵀ diag(ρ' + 2ρ''z) J is (wJ)ᵀ(wJ), except that w² is at least FLOOR·ρ', because
        outliers have curvature zero (huber) or negative (cauchy). Triggs, McLauchlan, Hartley & Fitzgibbon 1999, §4.3.
        """
        if self.is_linear:
            return np.ones_like(r), np.ones_like(r), r
        z = (r / self.f_scale) ** 2
        if callable(self.row):
            _, first, second = self._own(z)
        else:
            first, second = LOSSES[self.row].first(z), LOSSES[self.row].second(z)
        w = np.sqrt(np.maximum(first + 2 * second * z, FLOOR * first))
        return first, w, np.divide(first * r, w, out=np.zeros_like(r), where=w > 0)

    def _own(self, z: Vector) -> np.ndarray:
        rho = np.asarray(self.row(z))
        if rho.shape != (3, *z.shape):
            raise ValueError(f"loss: a callable must return ρ, ρ', ρ'' as an array of shape {(3, *z.shape)}, "
                             f"got shape {rho.shape}")
        return rho
