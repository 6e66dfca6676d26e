"""What a run with constraints keeps of one point, and how it ends."""

from dataclasses import dataclass
from typing import Any

from optkit.constrained.kkt import KKT
from optkit.history import History
from optkit.point import Point, Vector
from optkit.stopping import Reason


class Enough(Exception):  # noqa: N818 - control flow
    """End this attempt, the run goes on: no progress, or a derivative is not finite."""


class Trial:
    """One point: f and c there, and what was asked for besides. worst : violation relative to what is tolerated."""

    def __init__(self, x: Vector, f: float, c: Vector, worst: float):
        self.x, self.f, self.c, self.worst = x, f, c, worst
        self.point: Point | None = None
        self.J: Any = None
        self.kkt: KKT | None = None

    @property
    def rank(self) -> tuple[float, float]:
        """By feasibility, then by f."""
        return max(self.worst, 1.0), self.f


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: the best point by feasibility, then f. threshold : for stationarity and complementarity."""

    trial: Trial
    kkt: KKT
    reason: Reason
    detail: str
    history: History
    seconds: float
    threshold: float
