"""Backtracking until f has decreased sufficiently."""

from dataclasses import dataclass

from optkit.checks import require
from optkit.linesearch.ray import Ray, Trial, rounding_decrease
from optkit.objective import ROUNDING


@dataclass(frozen=True, slots=True)
class Armijo:
    """Backtracking until φ(α) <= φ(0) + c1 α φ'(0), by quadratic interpolation kept within [low, high] of the last α.

    Where f changes by no more than rounding, the slope decides instead: φ'(α) <= (2 c1 − 1) φ'(0), which for a
    quadratic is the same test (`rounding_decrease`). Cost: one gradient at the first trial and at the accepted one,
    else values only. Armijo 1966; Nocedal & Wright §3.1 and §3.5.
    """

    c1: float = 1e-4  # Nocedal & Wright §3.1
    low: float = 0.1  # Dennis & Schnabel A6.3.1, also `high`
    high: float = 0.5
    maxls: int = 60

    def __post_init__(self):
        require("Armijo", 0 < self.c1 < 0.5, "0 < c1 < 0.5", c1=self.c1)
        require("Armijo", 0 < self.low <= self.high < 1, "0 < low <= high < 1", low=self.low, high=self.high)
        require("Armijo", self.maxls >= 1, "maxls >= 1", maxls=self.maxls)

    def __call__(self, ray: Ray, alpha: float) -> Trial | None:
        return self.below(ray.f, ray, alpha)

    def below(self, ceiling: float, ray: Ray, alpha: float) -> Trial | None:
        """The same with `ceiling` in place of φ(0), such as the largest of the last values of f.

        Grippo, Lampariello & Lucidi 1986.
        """
        if not ray.slope < 0:
            return None
        trial = ray.at(alpha)
        if self._accepts(trial, ceiling, ray):
            return trial
        f = trial.point.f
        for _ in range(self.maxls - 1):
            alpha = self._shrink(ray, alpha, f)
            x, f = ray.value(alpha)
            if f <= max(ceiling + self.c1 * alpha * ray.slope, ray.f + ROUNDING * abs(ray.f)):
                trial = ray.complete(alpha, x)
                if self._accepts(trial, ceiling, ray):
                    return trial
            if (x == ray.x).all():
                break
        return None

    def _accepts(self, trial: Trial, ceiling: float, ray: Ray) -> bool:
        f = trial.point.f
        if f <= ceiling + self.c1 * trial.alpha * ray.slope and f < ceiling:
            return True
        return rounding_decrease(ray, trial, self.c1, 1 - 1e-6)

    def _shrink(self, ray: Ray, alpha: float, f: float) -> float:
        """Minimiser of the parabola through φ(0), φ'(0), φ(α), safeguarded; NW (3.58)."""
        excess = f - ray.f - alpha * ray.slope
        step = -ray.slope * alpha * alpha / (2 * excess) if excess > 0 else self.high * alpha
        return min(max(step, self.low * alpha), self.high * alpha)
