"""Backtracking that lets f rise now and then: against the largest, or a running mean, of the values before."""

import math
import sys
from dataclasses import dataclass

import numpy as np

from optkit.checks import require
from optkit.linesearch.armijo import Armijo
from optkit.linesearch.ray import Ray, Trial


@dataclass(frozen=True, slots=True)
class MaxOfWindow:
    """Armijo's test with the largest of the last `window` accepted values of f in place of φ(0).

    f may rise, never above that. Cost: as Armijo. Grippo, Lampariello & Lucidi 1986, SIAM J. Numer. Anal. 23.
    """

    window: int = 10  # Grippo, Lampariello & Lucidi 1986 §4; Raydan 1997
    c1: float = 1e-4  # Nocedal & Wright §3.1
    maxls: int = 60

    def __post_init__(self):
        require("MaxOfWindow", self.window >= 1, "window >= 1", window=self.window)
        Armijo(c1=self.c1, maxls=self.maxls)

    def __call__(self, ray: Ray, alpha: float) -> Trial | None:
        return Armijo(c1=self.c1, maxls=self.maxls).below(float(ray.recent(self.window).max()), ray, alpha)


@dataclass(frozen=True, slots=True)
class RunningMean:
    """Armijo's test with a weighted mean of all accepted values of f, the k-th last with weight eta^k, for φ(0).

    eta = 0 is Armijo's own test, eta = 1 the plain mean. Cost: as Armijo. Zhang & Hager 2004, SIAM J. Optim. 14, whose
    C_k this is.
    """

    eta: float = 0.85  # Zhang & Hager 2004 §4
    c1: float = 1e-4
    maxls: int = 60

    def __post_init__(self):
        require("RunningMean", 0 <= self.eta <= 1, "0 <= eta <= 1", eta=self.eta)
        Armijo(c1=self.c1, maxls=self.maxls)

    def __call__(self, ray: Ray, alpha: float) -> Trial | None:
        return Armijo(c1=self.c1, maxls=self.maxls).below(self._mean(ray), ray, alpha)

    def _mean(self, ray: Ray) -> float:
        """C_k, from the values whose weight is above rounding. Not below φ(0), but for rounding."""
        values = ray.recent(_reach(self.eta))
        weights = self.eta ** np.arange(len(values))
        return max(float(weights.dot(values) / weights.sum()), ray.f)


def _reach(eta: float) -> int:
    """The k from which on eta^k is below rounding."""
    if eta in (0, 1):
        return sys.maxsize if eta else 1
    return math.ceil(math.log(np.finfo(float).eps) / math.log(eta))
