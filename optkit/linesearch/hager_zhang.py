"""The line search of CG_DESCENT: Wolfe conditions, judged by slopes once values are too close to tell."""

import math
from dataclasses import dataclass

from optkit.checks import require
from optkit.linesearch.ray import End, Ray, Trial


@dataclass(frozen=True, slots=True)
class HagerZhang:
    """Wolfe or approximate Wolfe conditions, by bisection and double secant steps.

    Wolfe (T1): φ(α) <= φ(0) + delta α φ'(0) and φ'(α) >= sigma φ'(0). Approximate (T2): (2 delta − 1) φ'(0) >= φ'(α) >=
    sigma φ'(0) and φ(α) <= φ(0) + epsilon |φ(0)|, which still works where φ(α) − φ(0) is rounding, so it goes on to
    smaller gradients; f may rise by epsilon |f|. The first to hold ends the search; else the lowest trial of sufficient
    decrease is given after `maxls` trials or at `ray.longest`, None where there is none. Cost: a value and a gradient a
    trial. Hager & Zhang 2005, SIAM J. Optim. 16, §4.
    """

    delta: float = 0.1  # Hager & Zhang 2005 §5, all of these
    sigma: float = 0.9
    epsilon: float = 1e-6
    gamma: float = 0.66  # an interval that shrinks less is halved
    rho: float = 5.0  # expansion while bracketing
    maxls: int = 20

    def __post_init__(self):
        require("HagerZhang", 0 < self.delta < 0.5, "0 < delta < 0.5", delta=self.delta)
        require("HagerZhang", self.delta <= self.sigma < 1, "delta <= sigma < 1", delta=self.delta, sigma=self.sigma)
        require("HagerZhang", self.epsilon >= 0, "epsilon >= 0", epsilon=self.epsilon)
        require("HagerZhang", 0 < self.gamma < 1, "0 < gamma < 1", gamma=self.gamma)
        require("HagerZhang", self.rho > 1, "rho > 1", rho=self.rho)
        require("HagerZhang", self.maxls >= 1, "maxls >= 1", maxls=self.maxls)

    def __call__(self, ray: Ray, alpha: float) -> Trial | None:
        if not ray.slope < 0:
            return None
        search = _Search(ray, self)
        try:
            a, b = search.bracket(alpha)
            while True:
                c, d = search.double_secant(a, b)
                if d.alpha - c.alpha > self.gamma * (b.alpha - a.alpha):
                    c, d = search.update(c, d, 0.5 * (c.alpha + d.alpha))
                a, b = c, d
        except _Done:
            return search.answer


class _Done(Exception):  # noqa: N818 - the paper's "terminate whenever a point satisfying (T1) or (T2) is generated"
    pass


class _Search:
    """One search; the steps have the paper's names. An interval [a, b] keeps φ(a) <= limit, φ'(a) < 0 <= φ'(b)."""

    def __init__(self, ray: Ray, rules: HagerZhang):
        self.ray, self.rules, self.left = ray, rules, rules.maxls
        self.limit = ray.f + rules.epsilon * abs(ray.f)
        self.answer: Trial | None = None

    def at(self, alpha: float) -> End:
        """φ and φ' at α; ends the search if α will do or trials are used up. Not finite counts as high and falling."""
        trial = self.ray.at(alpha)
        f, d, f0, d0, rules = trial.point.f, trial.slope, self.ray.f, self.ray.slope, self.rules
        sufficient = f <= f0 + rules.delta * alpha * d0 and f < f0
        if d >= rules.sigma * d0 and (sufficient or (f <= self.limit and d <= (2 * rules.delta - 1) * d0)):
            self.answer = trial
            raise _Done
        if sufficient and (self.answer is None or f < self.answer.point.f):
            self.answer = trial
        self.left -= 1
        if self.left == 0:
            raise _Done
        return End(alpha, f, d) if f < math.inf else End(alpha, math.inf, -math.inf)

    def bracket(self, alpha: float) -> tuple[End, End]:
        """B0–B3: expand from α until an interval is found."""
        low = start = End(0.0, self.ray.f, self.ray.slope)
        while True:
            c = self.at(alpha)
            if c.d >= 0:
                return low, c
            if not c.f <= self.limit:
                return self.halve(start if c.f < math.inf else low, c)
            if c.alpha >= self.ray.longest:
                raise _Done
            low, alpha = c, min(self.rules.rho * alpha, self.ray.longest)

    def update(self, a: End, b: End, alpha: float) -> tuple[End, End]:
        """U0–U3: a smaller interval from [a, b] and a point of it."""
        if not a.alpha < alpha < b.alpha:
            return a, b
        c = self.at(alpha)
        if c.d >= 0:
            return a, c
        return (c, b) if c.f <= self.limit else self.halve(a, c)

    def halve(self, a: End, b: End) -> tuple[End, End]:
        """U3: b is too high although φ falls there; a minimiser lies between."""
        while True:
            d = self.at(a.alpha + (0.5 if b.f < math.inf else 0.1) * (b.alpha - a.alpha))
            if d.d >= 0:
                return a, d
            a, b = (d, b) if d.f <= self.limit else (a, d)

    def double_secant(self, a: End, b: End) -> tuple[End, End]:
        """S1–S4."""
        c = _secant(a, b)
        A, B = self.update(a, b, c)
        if c == B.alpha:
            return self.update(A, B, _secant(b, B))
        if c == A.alpha:
            return self.update(A, B, _secant(a, A))
        return A, B


def _secant(a: End, b: End) -> float:
    """Where the straight line through the two slopes is zero; NaN, which no interval contains, where they are equal."""
    return (a.alpha * b.d - b.alpha * a.d) / (b.d - a.d) if b.d != a.d else math.nan
