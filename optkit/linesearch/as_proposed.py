"""No search: the step a rule proposes."""

import math
from dataclasses import dataclass

from optkit.checks import require
from optkit.linesearch.ray import Ray, Trial


@dataclass(frozen=True, slots=True)
class AsProposed:
    """Takes the first step as it stands, halved until f is finite: for rules whose steps need no test.

    f may rise, so it is not one of SEARCHES. None where `maxls` trials are not finite. Cost: a value and a gradient.
    """

    maxls: int = 60

    def __post_init__(self):
        require("AsProposed", self.maxls >= 1, "maxls >= 1", maxls=self.maxls)

    def __call__(self, ray: Ray, alpha: float) -> Trial | None:
        for _ in range(self.maxls):
            trial = ray.at(alpha)
            if trial.point.f < math.inf:
                return trial
            alpha *= 0.5
        return None
