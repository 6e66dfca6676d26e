"""Many starts, to find the lowest of several minima, and an estimate of how many were missed."""

import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from optkit.checkpoint import refuse_files
from optkit.checks import is_real, is_whole, require
from optkit.inputs import as_box, flatten_start, structure
from optkit.minimize import minimize
from optkit.objective import UndefinedStart
from optkit.observers import counter
from optkit.point import Vector
from optkit.result import Result
from optkit.text import shortened, table

SHOWN = 12  # minima in the printed table
LEVEL = 1e-8  # relative difference of f up to which minima count as equally low


@dataclass(frozen=True, eq=False)
class Minimum:
    """A local minimum: the lowest Result that came to it, and the numbers of the starts that did."""

    result: Result
    starts: tuple[int, ...]

    @property
    def x(self) -> Any:
        return self.result.x

    @property
    def fun(self) -> float:
        return self.result.fun


@dataclass(frozen=True, eq=False)
class Multistart:
    """What many starts found; print it.

    best : the lowest Result that is solved, else the lowest. minima : distinct solved ones, lowest first.
    results : one a start, None where f was not defined there. tried : starts that were run before `maxtime`.
    """

    best: Result
    minima: tuple[Minimum, ...]
    results: tuple[Result | None, ...]

    @property
    def tried(self) -> int:
        return len(self.results)

    @property
    def solved(self) -> int:
        return sum(len(minimum.starts) for minimum in self.minima)

    @property
    def expected_minima(self) -> float:
        """Bayesian estimate of how many minima there are, w (N−1)/(N−w−2) from w of N searches; inf from too few.

        For starts drawn uniformly and all sizes of basins equally likely. Boender & Rinnooy Kan 1987.
        """
        N, w = self.solved, len(self.minima)
        return w * (N - 1) / (N - w - 2) if N > w + 2 else math.inf

    @property
    def coverage(self) -> float:
        """Expected share of starts that lead to a minimum already found, (N−w−1)(N+w)/(N(N−1)); 0 from too few."""
        N, w = self.solved, len(self.minima)
        return max(0.0, (N - w - 1) * (N + w) / (N * (N - 1))) if N > 1 else 0.0

    def __str__(self) -> str:
        undefined = sum(result is None for result in self.results)
        head = f"optkit multistart: {self.tried} starts, {self.solved} solved, {len(self.minima)} distinct minima" + (
            f", f not defined at {undefined}" if undefined else "")
        rows = [("f(x)", "times", "stationarity", "x")]
        rows += [(f"{m.fun:.10g}", str(len(m.starts)), f"{m.result.gnorm:.1e}", shortened(m.x, 100))
                 for m in self.minima[:SHOWN]]
        hidden = [f"… and {len(self.minima) - SHOWN} higher ones"] if len(self.minima) > SHOWN else []
        body = [table(rows), *hidden] if self.minima else [f"lowest found, not solved: f(x) = {self.best.fun:.10g}"]
        return "\n".join([head, *body, self._estimate(), *self._hint()])

    __repr__ = __str__

    def _estimate(self) -> str:
        if not math.isfinite(self.expected_minima):
            return "too few searches met the same minimum again to say how many there are"
        return (f"expect {self.expected_minima:.3g} minima in all; a further start leads to one of these with "
                f"probability {self.coverage:.3g}")

    def _hint(self) -> list[str]:
        """Where so many minima are equally low that they hardly are single points: more than 2√N from N starts."""
        level = [m for m in self.minima if m.fun - self.best.fun <= LEVEL * max(1.0, abs(self.best.fun))]
        if len(level) <= 2 * math.sqrt(self.tried):
            return []
        return [f"{len(level)} minima are equally low: they may be parts of a continuum, which no count describes; "
                "best.certificate() says whether the Hessian is singular"]

    def plot(self, path: str | os.PathLike | None = None):
        """The waterfall: f where each start ended, in order; flat stretches are minima found again and again."""
        from optkit.plots import waterfall

        return waterfall(self, path=path)


def multistart(fun: Callable, starts: int | Sequence[Any] = 64, *, box: Any = None, bounds: Any = None, seed: int = 0,
               same: float = 1e-4, maxtime: float = math.inf, progress: bool = False, **options: Any) -> Multistart:
    """Minimise fun from many starts; the distinct minima, how often each was met, and how many may be missing.

    starts : how many, drawn from `box` (SciPy's form of bounds, all finite; default: `bounds`) by a scrambled Sobol'
        sequence with this seed; or the starts themselves, each as x0 of `minimize`.
    same : minima are one if ‖x − y‖∞ <= same·(1 + ‖x‖∞). maxtime : seconds for all; at least one start is run.
    options : those of `minimize` (method, args, bounds, gtol, ...).

    A start where f is not finite is counted and passed over. Cost: the sum of the runs; the recording of fun is shared.
    Raises ValueError where box is missing or infinite, and where f is defined at no start.
    """
    refuse_files("multistart", options)
    require("multistart", is_real(same) and same >= 0, "a number same >= 0", same=same)
    require("multistart", is_real(maxtime) and maxtime >= 0, "seconds maxtime >= 0", maxtime=maxtime)
    points = _points(starts, box, bounds, seed)
    began = time.perf_counter()
    results: list[Result | None] = []
    with counter("multistart", len(points)) if progress else nullcontext(lambda: None) as count:
        for x0 in points:
            left = maxtime - (time.perf_counter() - began)
            if results and left <= 0:
                break
            results.append(_search(fun, x0, bounds, max(left, 0.0), options))
            count()
    found = [result for result in results if result is not None]
    if not found:
        raise ValueError(f"starts: f is not finite at any of the {len(results)} starts; give a box where it is defined")
    best = min(found, key=lambda result: (not result.success, result.fun))
    return Multistart(best, tuple(_distinct(results, same)), tuple(results))


def _points(starts: Any, box: Any, bounds: Any, seed: Any) -> list[Any]:
    """The starts: drawn, or those given, which have to be of one structure."""
    require("multistart", is_whole(starts) or hasattr(starts, "__iter__") and not isinstance(starts, str | dict),
            "a whole number or a list of starts", starts=starts)
    points = _sample(int(starts), box, bounds, seed) if is_whole(starts) else list(starts)
    if not points:
        raise ValueError(f"starts: need at least one, got starts={starts!r:.60}")
    kinds = {structure(flatten_start(x0)[1](flatten_start(x0)[0])) for x0 in points}
    if len(kinds) > 1:
        raise ValueError(f"starts: need the same structure and size in all, got {', '.join(sorted(kinds)):.200}")
    return points


def _sample(count: int, box: Any, bounds: Any, seed: Any) -> list[Vector]:
    """Starts in the box, as far as it is within the bounds."""
    from scipy.stats import qmc

    box = bounds if box is None else box
    if box is None:
        raise ValueError("box: need bounds to draw starts from, such as box=[(-5, 5)] * n, or the starts as a list")
    require("multistart", is_whole(seed) and seed >= 0, "a whole number seed >= 0", seed=seed)
    n = len(np.atleast_1d(box.lb)) if hasattr(box, "lb") else len(box)
    sides, limits = as_box(box, n), None if bounds is None else as_box(bounds, n)
    if sides is None or not np.isfinite([sides.lower, sides.upper]).all():
        raise ValueError(f"box: starts can be drawn only from finite bounds, got {box!r:.80}")
    lower, upper = sides.lower, sides.upper
    if limits is not None:
        lower, upper = np.maximum(lower, limits.lower), np.minimum(upper, limits.upper)
    if not (lower <= upper).all():
        raise ValueError(f"box: has no point within the bounds, got box={box!r:.80} and bounds={bounds!r:.80}")
    draws = qmc.Sobol(n, seed=seed).random_base2(max(count - 1, 0).bit_length())[:count]
    return list(lower + draws * (upper - lower))


def _search(fun: Callable, x0: Any, bounds: Any, maxtime: float, options: dict[str, Any]) -> Result | None:
    try:
        return minimize(fun, x0, bounds=bounds, maxtime=maxtime, **options)
    except UndefinedStart:
        return None


def _distinct(results: Sequence[Result | None], same: float) -> Iterator[Minimum]:
    """The solved results in groups of one minimum each, lowest first."""
    solved = sorted(((r.fun, i) for i, r in enumerate(results) if r is not None and r.success))
    groups: list[list[int]] = []
    flats: list[Vector] = []  # of each group's lowest
    for _, i in solved:
        flat = flatten_start(results[i].x)[0]  # type: ignore[union-attr]
        near = (k for k, y in enumerate(flats) if _size(flat - y) <= same * (1 + _size(y)))
        k = next(near, None)
        if k is None:
            flats.append(flat)
            groups.append([i])
        else:
            groups[k].append(i)
    return (Minimum(results[g[0]], tuple(sorted(g))) for g in groups)  # type: ignore[arg-type]


def _size(x: Vector) -> float:
    return float(np.abs(x).max())
