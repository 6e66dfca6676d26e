"""The strong Wolfe line search of Moré and Thuente."""

import math
from dataclasses import dataclass

from optkit.checks import require
from optkit.linesearch.ray import End, Ray, Trial
from optkit.objective import ROUNDING


@dataclass(frozen=True, slots=True)
class StrongWolfe:
    """φ(α) <= φ(0) + c1 α φ'(0) and |φ'(α)| <= c2 |φ'(0)|, by safeguarded cubic interpolation.

    Where f changes by no more than `blur` |f|, its change is taken from the slopes at both ends, which is exact on a
    quadratic where subtraction leaves only rounding (Hager & Zhang 2005, T2). A trial that is not finite
    pulls α back and bounds later ones; at `ray.longest` sufficient decrease is enough. When `maxls` trials or the
    interval's relative precision `xtol` end the search first, gives the lowest trial of sufficient decrease; None when
    there is none. Cost: a value and a gradient a trial.
    Moré & Thuente 1994, ACM TOMS 20; MINPACK-2 dcsrch and dcstep.
    """

    c1: float = 1e-4  # Nocedal & Wright §3.1
    c2: float = 0.9  # Nocedal & Wright §3.1, for Newton and quasi-Newton directions
    blur: float = ROUNDING
    xtol: float = 1e-14
    maxls: int = 20  # L-BFGS-B in SciPy

    def __post_init__(self):
        require("StrongWolfe", 0 < self.c1 < self.c2 < 1, "0 < c1 < c2 < 1", c1=self.c1, c2=self.c2)
        require("StrongWolfe", 0 <= self.blur < 1, "0 <= blur < 1", blur=self.blur)
        require("StrongWolfe", self.xtol >= 0, "xtol >= 0", xtol=self.xtol)
        require("StrongWolfe", self.maxls >= 1, "maxls >= 1", maxls=self.maxls)

    def __call__(self, ray: Ray, alpha: float) -> Trial | None:
        f0, d0 = ray.f, ray.slope
        if not d0 < 0:
            return None
        interval: _Interval | None = None  # made where the first trial is not accepted
        stage1, fallback = True, None
        for _ in range(self.maxls):
            trial = ray.at(alpha)
            f, d = trial.point.f, trial.slope
            if f < math.inf:
                told = abs(f - f0) > self.blur * abs(f0)
                change = f - f0 if told else 0.5 * alpha * (d0 + d)
                lower = f <= f0 + self.c1 * alpha * d0 and f < f0
                sufficient = lower if told else d <= (2 * self.c1 - 1) * d0
                if abs(d) <= -self.c2 * d0 and (sufficient or lower):
                    return trial
                if lower and (fallback is None or f < fallback.point.f):
                    fallback = trial
                if lower and d < 0 and alpha == ray.longest:
                    return trial
                interval = interval or _Interval(End(0.0, 0.0, d0), alpha, ray.longest)
                stage1 = stage1 and not (sufficient and d >= 0)
                tilt = self.c1 * d0 if stage1 and not sufficient and change <= interval.best.f else 0.0
                alpha = interval.after(End(alpha, change, d), tilt)
            else:
                interval = interval or _Interval(End(0.0, 0.0, d0), alpha, ray.longest)
                alpha = interval.retreat(alpha)
            if interval.exhausted(alpha, self.xtol):
                break
            del trial  # at large n: its two vectors, before the next are made
        return fallback


class _Interval:
    """Ends hold φ(α) − φ(0). `best` has the lowest; once `bracketed`, a minimiser lies between it and `other`."""

    __slots__ = ("best", "other", "bracketed", "low", "high", "wall", "widths", "longest")

    def __init__(self, start: End, alpha: float, longest: float):
        self.best = self.other = start
        self.bracketed = False
        self.low, self.high = 0.0, 5 * alpha
        self.wall = math.inf  # the smallest α where φ is not finite
        self.widths = (math.inf, math.inf)
        self.longest = longest

    def after(self, trial: End, tilt: float) -> float:
        """dcstep: the next α after a trial; tilt ≠ 0 judges by ψ(α) = φ(α) − tilt·α (stage 1)."""
        best, other = self.best, self.other
        b, o, t = (best.minus(tilt), other.minus(tilt), trial.minus(tilt)) if tilt else (best, other, trial)
        alpha, crosses = _propose(b, o, t, self.bracketed, self.low, self.high)
        if t.f > b.f:
            self.other = trial
        else:
            self.best, self.other = trial, best if t.d * b.d < 0 else other
        self.bracketed = self.bracketed or crosses
        return self._between(alpha) if self.bracketed else self._beyond(alpha)

    def _between(self, alpha: float) -> float:
        """The next α inside the bracket, its middle if the bracket has not shrunk by a third in two steps."""
        a, b = self.best.alpha, self.other.alpha
        self.low, self.high = min(a, b), max(a, b)
        width = self.high - self.low
        slow = width >= 0.66 * self.widths[0]
        self.widths = self.widths[1], width
        return alpha if self.low < alpha < self.high and not slow else 0.5 * (a + b)

    def _beyond(self, alpha: float) -> float:
        """The next α ahead of everything so far, but before the wall."""
        best = self.best.alpha
        alpha = min(alpha if alpha > best else self.high, 0.5 * (best + self.wall), self.longest)
        self.low, self.high = alpha + 1.1 * (alpha - best), alpha + 4 * (alpha - best)
        return alpha

    def retreat(self, alpha: float) -> float:
        """The next α after one that was not finite: halfway from the best, the second time a tenth."""
        shrink = 0.5 if self.wall == math.inf else 0.1
        self.wall = alpha
        return self.best.alpha + shrink * (alpha - self.best.alpha)

    def exhausted(self, alpha: float, xtol: float) -> bool:
        """Whether rounding leaves nothing between the ends, or between α and the best."""
        return alpha == self.best.alpha or (self.bracketed and self.high - self.low <= xtol * self.high)


def _propose(b: End, o: End, t: End, bracketed: bool, low: float, high: float) -> tuple[float, bool]:
    """The next α by the four cases of Moré & Thuente §4, and whether b and t now bracket a minimiser."""
    if t.f > b.f:
        cubic, h = _cubic_minimiser(b, t), t.alpha - b.alpha
        bend = (t.f - b.f) / h - b.d
        quadratic = b.alpha - 0.5 * b.d * h / bend if bend else math.nan
        return cubic if abs(cubic - b.alpha) < abs(quadratic - b.alpha) else cubic + 0.5 * (quadratic - cubic), True
    if t.d * b.d < 0:
        cubic, secant = _cubic_minimiser(b, t), _secant(b, t)
        return cubic if abs(cubic - t.alpha) > abs(secant - t.alpha) else secant, True
    ahead = high if t.alpha > b.alpha else low
    if abs(t.d) >= abs(b.d):
        return _cubic_minimiser(t, o) if bracketed else ahead, False
    cubic, secant = _cubic_minimiser(b, t), _secant(b, t)
    if not (cubic - t.alpha) * (t.alpha - b.alpha) > 0:
        cubic = ahead  # the cubic has no minimiser beyond t
    if not bracketed:
        farther = cubic if abs(cubic - t.alpha) > abs(secant - t.alpha) else secant
        return min(max(farther, low), high), False
    nearer = cubic if abs(cubic - t.alpha) < abs(secant - t.alpha) else secant
    limit = t.alpha + 0.66 * (o.alpha - t.alpha)
    return min(nearer, limit) if t.alpha > b.alpha else max(nearer, limit), False


def _secant(a: End, b: End) -> float:
    """Where the straight line through the two slopes is zero."""
    return b.alpha + b.d / (b.d - a.d) * (a.alpha - b.alpha)


def _cubic_minimiser(a: End, b: End) -> float:
    """The minimiser of the cubic through two ends; Nocedal & Wright (3.59). NaN where there is none."""
    h = b.alpha - a.alpha
    theta = a.d + b.d - 3 * (b.f - a.f) / h
    scale = max(abs(theta), abs(a.d), abs(b.d))
    if not 0 < scale < math.inf:
        return math.nan
    discriminant = (theta / scale) ** 2 - (a.d / scale) * (b.d / scale)
    if not discriminant > 0:
        return math.nan
    gamma = math.copysign(scale * math.sqrt(discriminant), h)
    bottom = b.d - a.d + 2 * gamma
    return b.alpha - h * (b.d + gamma - theta) / bottom if bottom else math.nan
