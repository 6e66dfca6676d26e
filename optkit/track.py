"""What a run keeps from one iteration to the next."""

import math
from dataclasses import dataclass
from typing import Any

from optkit.history import History
from optkit.objective import ROUNDING, Memory
from optkit.point import Point

UNBOUNDED = -1e20  # f below this times max(1, |f(x0)|) is taken for −∞


@dataclass(slots=True)
class Track:
    """All that a run keeps besides its objective and parameters, as plain data: what a checkpoint holds.

    state : of the solver, None where it is to be made at `point`. recorded : whether it is in the history.
    scale : the largest of ‖g‖∞ and |f|, up to where it passes 1. steepest : the largest ‖g‖∞. floor : f below it is
    taken for −∞. lowest, flattest : f and ‖g‖∞ when last improved, in iteration `improved`. gnorm : the newest ‖g‖∞.
    restarted_at : the best point, where a stationary one above it was given up. seconds : spent so far. memory : the
    objective's.
    """

    history: History
    state: Any
    point: Point
    recorded: bool
    scale: float
    steepest: float
    floor: float
    lowest: float
    flattest: float
    improved: int
    gnorm: float
    restarted_at: Point | None
    seconds: float
    memory: Memory | None

    @classmethod
    def start(cls, point: Point) -> "Track":
        """Nothing done yet but to evaluate this point."""
        floor = UNBOUNDED * max(1.0, abs(point.f))
        return cls(History(), None, point, False, 0.0, 0.0, floor, math.inf, math.inf, 0, math.inf, None, 0.0, None)

    @property
    def nit(self) -> int:
        """Iterations recorded."""
        return max(0, len(self.history) - 1)

    def note(self, f: float, gnorm: float, lowest: float) -> None:
        """Take in the newest iterate, and the lowest value of the run: has anything improved?"""
        if self.scale < 1:
            self.scale = max(self.scale, gnorm, abs(f))
        self.gnorm, self.steepest = gnorm, max(self.steepest, gnorm)
        if lowest < self.lowest - ROUNDING * abs(self.lowest) or not self.lowest < math.inf:
            self.lowest, self.improved = lowest, self.nit
        if gnorm < self.flattest:
            self.flattest, self.improved = gnorm, self.nit
