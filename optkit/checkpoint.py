"""A run on disk: saved now and then, gone on with to the same bits."""

import hashlib
import math
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np

from optkit.conclusion import AGREEMENT
from optkit.encoding import read, write
from optkit.objective import Objective
from optkit.point import norm_inf
from optkit.stopping import StoppingRules
from optkit.track import Track

LIMITS = ("maxiter", "maxfev", "maxtime")  # the rules that may be others when a run is resumed
KIND = "optkit run"
SHOWN = 6  # entries of an array that are written out in a description; longer ones are told apart by a digest


@dataclass(frozen=True, slots=True)
class Saved:
    """What a checkpoint file holds.

    solver : its parameters in words. term : the bounds or prox, loss : of least squares, in words too. structure : of
    x0. n : unknowns.
    """

    solver: str
    term: str
    loss: str
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
        self.saved = Saved(describe(solver), describe(objective.term), describe(objective.loss), rules,
                           objective.structure, objective.n, None)  # type: ignore[arg-type]
        self.written_at, self.written = -1, -math.inf

    def due(self, nit: int, last: bool) -> bool:
        """Whether to write now; `last` says that the run ends here."""
        if nit == self.written_at:
            return False
        by_time = time.perf_counter() - self.written >= self.seconds
        return last or (by_time if self.iterations is None else nit % self.iterations == 0)

    def write(self, track: Track) -> None:
        """Replace the file."""
        try:
            write(self.path, KIND, replace(self.saved, track=track), self.home)
        except OSError as error:
            raise OSError(error.errno, f"checkpoint: cannot write {os.fspath(self.path)!r}: "
                                       f"{error.strerror or error}") from error
        self.written_at, self.written = track.nit, time.perf_counter()


def _interval(every: Any) -> tuple[int | None, float]:
    """Iterations or None, and seconds."""
    if isinstance(every, Integral) and not isinstance(every, bool) and int(every) >= 1:
        return int(every), 0.0
    if isinstance(every, str) and (match := re.fullmatch(r"\s*(\d+(?:\.\d*)?)\s*s\s*", every)):
        return None, float(match[1])
    raise ValueError(f"every: need a whole number of iterations >= 1, or seconds as in '30s', got every={every!r}")


def describe(value: Any) -> str:
    """A solver, an added term or a loss in words that are the same in another process, and others for other values.

    Dataclasses by the fields they are made from, other objects by their public attributes, functions by their names.
    """
    if isinstance(value, np.ndarray):
        return _describe_array(value)
    if isinstance(value, list | tuple):
        return "(" + ", ".join(map(describe, value)) + ")"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {describe(item)}" for key, item in value.items()) + "}"
    if isinstance(value, type) or callable(value) and hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    if is_dataclass(value):
        parts = {field.name: getattr(value, field.name) for field in fields(value) if field.init}
    elif type(value).__repr__ is object.__repr__:
        parts = {name: item for name, item in getattr(value, "__dict__", {}).items() if not name.startswith("_")}
    else:
        return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))
    return f"{type(value).__qualname__}({', '.join(f'{name}={describe(item)}' for name, item in parts.items())})"


def _describe_array(a: np.ndarray) -> str:
    if a.size <= SHOWN:
        return str(a.tolist())
    digest = hashlib.sha256(f"{a.dtype}".encode() + np.ascontiguousarray(a).tobytes()).hexdigest()
    return f"[array of shape {a.shape}, {digest[:16]}]"


def refuse_files(owner: str, options: Mapping[str, Any]) -> None:
    """Raises ValueError where a function that makes several runs is given the one file of a run."""
    given = [name for name in ("checkpoint", "resume") if {**(options.get("options") or {}), **options}.get(name)]
    if given:
        raise ValueError(f"{owner}: {', '.join(given)} is for one run, and this makes several, which would share the "
                         f"file; call minimize(..., {given[0]}=path) for each, with a path of its own")


def resume(path: str | os.PathLike, objective: Objective, solver: Any, rules: StoppingRules) -> Track:
    """Where the run saved at `path` goes on. Raises ValueError where it was a run of something else.

    Compared are the method and its parameters, bounds or prox, the loss of least squares, the rules but for maxiter,
    maxfev and maxtime (which count from the first start on, all interruptions left out), the structure of x0, and then
    f and its gradient at the saved point. Nothing is evaluated before the rest is the same.
    """
    saved = read(path, KIND, type(solver).__module__, "minimize(..., checkpoint=...)")
    where = f"the run in {os.fspath(path)!r}"
    if not isinstance(saved, Saved):
        raise ValueError(f"resume: {os.fspath(path)!r} holds no run")
    wanted = {"method": describe(solver), "bounds or prox": describe(objective.term), "loss": describe(objective.loss),
              "structure of x0": objective.structure, "n": objective.n}
    held = {"method": saved.solver, "bounds or prox": saved.term, "loss": saved.loss,
            "structure of x0": saved.structure, "n": saved.n}
    for rule in (field.name for field in fields(rules) if field.name not in LIMITS):
        wanted[rule], held[rule] = getattr(rules, rule), getattr(saved.rules, rule)
    for name, value in wanted.items():
        if value != held[name]:
            raise ValueError(f"resume: {where} has another {name}: {held[name]}, now {value}; "
                             f"call minimize as before (only {', '.join(LIMITS)} may change)")
    track = saved.track
    points = [point for point in (track.point, getattr(track.state, "point", track.point)) if point]
    if not len(track.history) or any(np.shape(v) != (objective.n,) for point in points for v in (point.x, point.g)):
        raise ValueError(f"resume: {os.fspath(path)!r} is damaged: its points or its history do not fit {saved.n} "
                         "unknowns")
    _compare(objective, track, where)
    return track


def _compare(objective: Objective, track: Track, where: str) -> None:
    """Raises ValueError where f, or its gradient unless by differences, is another at the point of a run."""
    point = track.point
    f = objective.plain_value(point.x)
    if not abs(f - point.f) <= AGREEMENT * max(abs(f), abs(point.f), 1e-4 * abs(track.history[0].f)):
        raise ValueError(f"resume: f is {f!r} at a point of {where}, where it was {point.f!r}; "
                         "give the same f and args")
    g = objective.fresh_gradient(point.x)
    if g is None or (off := norm_inf(g - point.g)) == 0:
        return
    size = max(norm_inf(g), norm_inf(point.g))
    if objective.scale_free:  # the measure is no gradient, but relative to rounding as one
        size *= max(1.0, 1e-4 * track.steepest / max(track.gnorm, 1e-300))
    if not off <= AGREEMENT * max(size, 1e-4 * track.steepest):
        raise ValueError(f"resume: the gradient at a point of {where} differs by {off:.3g} from what it was, "
                         f"{norm_inf(point.g):.3g} in the ∞-norm; give the same jac, or leave it out as before")
