"""How long a gradient step should be: the rules of gradient descent, interchangeable."""

import math
from dataclasses import dataclass
from typing import Protocol

from optkit.checks import require
from optkit.linesearch import Armijo, AsProposed, LineSearch, MaxOfWindow, StrongWolfe
from optkit.objective import ROUNDING, Objective
from optkit.point import Point, norm

MAX_GROWTH = 1e100  # from one step to the next, to stay finite where f is linear; 1e10 fails on Brown's badly scaled f
Memory = tuple[float, ...]  # what a rule remembers from step to step, () at the start


class StepRule(Protocol):
    """A frozen dataclass of parameters. It proposes a step along −g, which its line search accepts or shortens.

    propose : the step α to try from `point`, and what to remember. `before` and `alpha` are the point before and the
        step taken from it; at the start None and the first step.
    search : the line search, unless the user chose another.
    """

    def propose(self, objective: Objective, point: Point, before: Point | None, alpha: float,
                memory: Memory) -> tuple[float, Memory]: ...

    def search(self, first: bool) -> LineSearch: ...


@dataclass(frozen=True, slots=True)
class Fixed:
    """Always `alpha`; converges for alpha < 2/L, L the largest curvature. Cauchy 1847."""

    alpha: float | None = None

    def __post_init__(self):
        require("Fixed", self.alpha is not None and 0 < self.alpha < math.inf,
                "alpha with rule='fixed' (1/L is safe, L the largest curvature; rule='armijo' finds its own)",
                alpha=self.alpha)

    def propose(self, objective, point, before, alpha, memory):
        return self.alpha, memory

    def search(self, first: bool) -> LineSearch:
        return AsProposed(maxls=1)


@dataclass(frozen=True, slots=True)
class Backtracking:
    """Twice the last step, shortened until f falls enough, so f never rises. Armijo 1966."""

    def propose(self, objective, point, before, alpha, memory):
        return (2 * alpha if before else alpha), memory

    def search(self, first: bool) -> LineSearch:
        return Armijo()


@dataclass(frozen=True, slots=True)
class ExactQuadratic:
    """α = g·g / g·Hg, the minimiser along −g of a quadratic f, by one Hessian-vector product.

    Verified: the slope must vanish at the new point (c2 = 0.1), else the strong Wolfe search goes on from there. Twice
    the last step where the curvature along g is not positive. Cauchy 1847; Nocedal & Wright (3.26).
    """

    c2: float = 0.1  # Nocedal & Wright §3.1, for searches close to exact

    def __post_init__(self):
        require("ExactQuadratic", 1e-4 < self.c2 < 1, "1e-4 < c2 < 1", c2=self.c2)

    def propose(self, objective, point, before, alpha, memory):
        size = norm(point.g)
        v = point.g / size
        curvature = float(v.dot(objective.hvp(point.x)(v)))
        return (1 / curvature if curvature > 0 else 2 * alpha), memory

    def search(self, first: bool) -> LineSearch:
        return StrongWolfe(c2=self.c2)


@dataclass(frozen=True, slots=True)
class BarzilaiBorwein:
    """The two Barzilai–Borwein steps s·s/s·y and s·y/y·y in turn, against the largest of the last `window` values of f.

    Far faster than steps that lower f each time. Barzilai & Borwein 1988; Raydan 1997; Dai & Fletcher 2005 for the
    alternation.
    """

    window: int = 10  # Raydan 1997

    def __post_init__(self):
        require("BarzilaiBorwein", self.window >= 1, "window >= 1", window=self.window)

    def propose(self, objective, point, before, alpha, memory):
        if before is None:
            return alpha, (0.0,)
        short = memory[0] > 0
        s, y = point.x - before.x, point.g - before.g
        length, bend = norm(s), norm(y)
        sy = float(s.dot(y))
        if sy > 0:
            step = min(sy / bend / bend if short else length / sy * length, MAX_GROWTH * alpha)
        else:
            step = length / bend if bend > 0 else 2 * alpha  # 1/|curvature|; 2α took a third more steps
        return step, (1.0 - short,)

    def search(self, first: bool) -> LineSearch:
        return MaxOfWindow(window=self.window)


@dataclass(frozen=True, slots=True)
class Polyak:
    """α = (f − target)/g·g with the least value `f_star` as target; for convex f no other step nears x* as surely.

    Where f* is not known, `delta` starts an estimate: the target is `delta` below the lowest value so far, and delta
    doubles after a step that went half of it, else it halves. Not safeguarded: f may rise. Polyak 1969; Nedić &
    Bertsekas 2001 for the moving target.
    """

    f_star: float | None = None
    delta: float | None = None

    def __post_init__(self):
        known = self.f_star is not None and math.isfinite(self.f_star)
        guessed = self.delta is not None and 0 < self.delta < math.inf
        require("Polyak", known != guessed,
                "either f_star, the least value of f (0 where residuals vanish), or delta > 0, a first guess of how "
                "much f can fall", f_star=self.f_star, delta=self.delta)

    def propose(self, objective, point, before, alpha, memory):
        if self.f_star is None:
            low, delta = self._aim(point.f, memory)
            excess, memory = point.f - low + delta, (low, delta)
        else:
            excess = point.f - self.f_star
            noise = ROUNDING * max(abs(point.f), abs(self.f_star))
            require("Polyak", excess >= -10 * noise, f"f_star <= f(x), but f reached {point.f!r}", f_star=self.f_star)
            if not excess > noise:
                return alpha, memory
        size = norm(point.g)
        return excess / size / size, memory

    def _aim(self, f: float, memory: Memory) -> Memory:
        """The lowest value so far, and how far below it to aim."""
        if not memory:
            return f, self.delta or 0.0
        low, delta = memory
        return min(low, f), (2.0 if f <= low - 0.5 * delta else 0.5) * delta

    def search(self, first: bool) -> LineSearch:
        return AsProposed()


@dataclass(frozen=True, slots=True)
class MalitskyMishchenko:
    """α from how the gradient changed, λ_k = min(sqrt(2/3 + θ) λ, λ / sqrt(2 λ²L² − 1)₊), without a line search.

    L = ‖g_k − g_{k−1}‖/‖x_k − x_{k−1}‖, θ = λ_{k−1}/λ_{k−2}. Converges for every convex f with a locally Lipschitz
    gradient; f may rise on the way. Only the first step is searched for. Malitsky & Mishchenko 2023, alg. 1 (longer
    steps than theirs of 2020).
    """

    def propose(self, objective, point, before, alpha, memory):
        if before is None:
            return alpha, (1 / 3,)
        s, y = norm(point.x - before.x), norm(point.g - before.g)
        bend = 2 * (alpha * y / s) ** 2 - 1
        step = math.sqrt(2 / 3 + memory[0]) * alpha
        if bend > 0:
            step = min(step, alpha / math.sqrt(bend))
        return step, (step / alpha,)

    def search(self, first: bool) -> LineSearch:
        return Armijo() if first else AsProposed()


RULES: dict[str, type] = {
    "fixed": Fixed,
    "armijo": Backtracking,
    "exact": ExactQuadratic,
    "barzilai-borwein": BarzilaiBorwein,
    "polyak": Polyak,
    "adaptive": MalitskyMishchenko,
}
