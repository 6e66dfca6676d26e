"""What theory says of how fast f − f* falls by a method whose constants are known: lines for the convergence plot."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from optkit.solvers import FISTA, GradientDescent, Momentum, ProximalGradient

CLOSE = 1e-9  # relative, of two steps that count as the same


class Rate(NamedTuple):
    """f(x_k) − f* falls like factor^k, or, with power p > 0, like constant/(k + p − 1)^p. formula, source : in words.

    A slope to compare with: constants that a theorem has in front of factor^k are left out.
    """

    formula: str
    source: str
    factor: float
    power: int = 0
    constant: float = 0.0

    def __call__(self, k: Any, start: float) -> np.ndarray:
        """The line at the iterations k, from `start` at k = 0."""
        k = np.asarray(k, dtype=float)
        if not self.power:
            return start * self.factor**k
        base = np.maximum(k + self.power - 1, 1.0)
        return np.where(k > 0, np.minimum(start, self.constant / base**self.power), start)

    def __str__(self) -> str:
        return f"{self.formula}, {self.source}"


def rate(solver: Any, mu: float, L: float, distance: float) -> Rate | None:
    """The rate of a solver on f with μ I ⪯ ∇²f ⪯ L I along its run; None where theory has none for its steps.

    mu : 0 where f is only convex. distance : ‖x0 − x*‖, for rates that are not linear.
    """
    if not math.isfinite(L) or not L > 0:
        return None
    found = next((found for kind, found in RATES.items() if isinstance(solver, kind)), None)
    return None if found is None else found(solver, mu, L, distance)


def _gradient_descent(solver: Any, mu: float, L: float, distance: float) -> Rate | None:
    """Fixed steps α < 2/L; the others have no such rate."""
    alpha = getattr(solver._rule(), "alpha", None) if solver.search is None else None
    if alpha is None or not alpha * L < 2:
        return None
    if mu > 0 and _same(alpha * L, 1):
        return Rate("(1 − μ/L)ᵏ", "Karimi, Nutini & Schmidt 2016 Theorem 1", 1 - mu / L)
    if mu > 0 and _same(alpha * (mu + L), 2):
        return Rate("((κ − 1)/(κ + 1))²ᵏ", "Nesterov 2018 Theorem 2.1.15", ((L - mu) / (L + mu)) ** 2)
    if mu > 0:
        return Rate("max(|1 − αμ|, |1 − αL|)²ᵏ", "Taylor, Hendrickx & Glineur 2018",
                    max(abs(1 - alpha * mu), abs(1 - alpha * L)) ** 2)
    return _sublinear(1, "‖x₀ − x*‖²/(2αk)", distance**2 / (2 * alpha)) if alpha * L <= 1 + CLOSE else None


def _momentum(solver: Any, mu: float, L: float, distance: float) -> Rate | None:
    """With L, and μ where the solver has it."""
    if solver.L is None:
        return None
    mu, L = solver.mu or 0.0, solver.L
    if solver.scheme == "nesterov":
        if mu > 0:
            return Rate("(1 − 1/√κ)ᵏ", "Nesterov 2018 Theorem 2.2.3", 1 - math.sqrt(mu / L))
        return _sublinear(2, "2L‖x₀ − x*‖²/(k + 1)²", 2 * L * distance**2)
    if not mu > 0:
        return None
    low, high = math.sqrt(mu), math.sqrt(L)
    return Rate("((√κ − 1)/(√κ + 1))²ᵏ", "quadratic f, Polyak 1964", ((high - low) / (high + low)) ** 2)


def _proximal_gradient(solver: Any, mu: float, L: float, distance: float) -> Rate | None:
    """With 1/L, or up to `grow` times L by backtracking."""
    if solver.rule == "spectral" or solver.rule == "fixed" and not solver.alpha * L <= 1 + CLOSE:
        return None
    most, word = (1 / solver.alpha, "L") if solver.rule == "fixed" else \
        (max(solver.grow * L, 1 / solver.alpha if solver.alpha else 0.0), f"({solver.grow:g}L)")
    if mu > 0:
        return Rate(f"(1 − μ/{word})ᵏ", "Karimi, Nutini & Schmidt 2016 Theorem 5", 1 - mu / most)
    return _sublinear(1, f"{word}‖x₀ − x*‖²/(2k)", most * distance**2 / 2)


def _fista(solver: Any, mu: float, L: float, distance: float) -> Rate | None:
    return _sublinear(2, f"2({solver.grow:g}L)‖x₀ − x*‖²/(k + 1)²", 2 * solver.grow * L * distance**2)


RATES: dict[type, Callable[[Any, float, float, float], Rate | None]] = {
    GradientDescent: _gradient_descent, Momentum: _momentum, ProximalGradient: _proximal_gradient, FISTA: _fista}


def _sublinear(power: int, formula: str, constant: float) -> Rate:
    return Rate(formula, f"Beck & Teboulle 2009 Theorem {'3.1' if power == 1 else '4.4'}", 1.0, power, constant)


def _same(a: float, b: float) -> bool:
    return abs(a - b) <= CLOSE * b
