"""A run on disk: saved now and then, gone on with to the same bits."""

import math
import os
import re
import time
from dataclasses import dataclass, fields
from numbers import Integral
from pathlib import Path
from typing import Any

from optkit.conclusion import AGREEMENT
from optkit.encoding import read, write
from optkit.objective import Objective
from optkit.stopping import StoppingRules
from optkit.track import Track

LIMITS = ("maxiter", "maxfev", "maxtime")  # the rules that may be others when a run is resumed
KIND = "optkit run"


@dataclass(frozen=True, slots=True)
class Saved:
    """What a checkpoint file holds. solver : its parameters in words. structure : of x0. n : unknowns."""

    solver: str
    rules: StoppingRules
    structure: str
    n: int
    track: Track


class Checkpoint:
    """Writes a run to `path` at the start, then every so many iterations (`every=10`) or seconds (`every="30s"`).

    Each time the whole file is replaced at once, so that a killed process loses at most one interval. It is written,
    too, where maxiter is reached. A state has to be made of plain data: see optkit.encoding.
    """

    def __init__(self, path: str | os.PathLike, every: Any, objective: Objective, solver: Any, rules: StoppingRules):
        self.path = Path(path)
        self.iterations, self.seconds = _interval(every)
        self.home = type(solver).__module__
        self.identity = describe(solver), rules, objective.structure, objective.n
        self.written_at, self.written = -1, -math.inf

    def due(self, nit: int, last: bool) -> bool:
        """Whether to write now; `last` says that the run ends here."""
        if nit == self.written_at:
            return False
        by_time = time.perf_counter() - self.written >= self.seconds
        return last or (by_time if self.iterations is None else nit % self.iterations == 0)

    def write(self, track: Track) -> None:
        """Replace the file."""
        write(self.path, KIND, Saved(*self.identity, track), self.home)
        self.written_at, self.written = track.nit, time.perf_counter()


def _interval(every: Any) -> tuple[int | None, float]:
    """Iterations or None, and seconds."""
    if isinstance(every, Integral) and not isinstance(every, bool) and int(every) >= 1:
        return int(every), 0.0
    if isinstance(every, str) and (match := re.fullmatch(r"\s*(\d+(?:\.\d*)?)\s*s\s*", every)):
        return None, float(match[1])
    raise ValueError(f"every: need a whole number of iterations >= 1, or seconds as in '30s', got every={every!r}")


def describe(solver: Any) -> str:
    """The solver and its parameters in words that are the same in another process."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(solver))


def resume(path: str | os.PathLike, objective: Objective, solver: Any, rules: StoppingRules) -> Track:
    """Where the run saved at `path` goes on. Raises ValueError where it was a run of something else.

    Compared are the method and its parameters, the rules but for maxiter, maxfev and maxtime (which count from the
    first start on, all interruptions left out), the structure of x0, and f at the saved point.
    """
    saved = read(path, KIND, type(solver).__module__, "minimize(..., checkpoint=...)")
    if not isinstance(saved, Saved):
        raise ValueError(f"resume: {os.fspath(path)!r} holds no run")
    wanted = {"method": describe(solver), "structure of x0": objective.structure, "n": objective.n}
    held = {"method": saved.solver, "structure of x0": saved.structure, "n": saved.n}
    for rule in (field.name for field in fields(rules) if field.name not in LIMITS):
        wanted[rule], held[rule] = getattr(rules, rule), getattr(saved.rules, rule)
    for name, value in wanted.items():
        if value != held[name]:
            raise ValueError(f"resume: the run in {os.fspath(path)!r} has another {name}: {held[name]}, now {value}; "
                             f"call minimize as before (only {', '.join(LIMITS)} may change)")
    point = saved.track.point
    f = objective.plain_value(point.x)
    if not abs(f - point.f) <= AGREEMENT * max(abs(f), abs(point.f), 1e-4 * abs(saved.track.history[0].f)):
        raise ValueError(f"resume: f is {f!r} at a point of the run in {os.fspath(path)!r}, where it was {point.f!r}; "
                         "give the same f and args")
    return saved.track
