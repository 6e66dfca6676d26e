"""Where f is defined at all: its natural domain, by interval evaluation of the recorded operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.errors import TraceError
from autodiff.interpreters.interval import NoRule

from .chart import POINTS, Chart, Nowhere, is_finite
from .domains import Box, Product, Region
from .domains.box import Rectangle
from .domains.region import Flags, Matrix, Vector
from .paste import brief

FRACTIONS = np.arange(1, 16) / 16    # of what is still open of one side, tried at once
ROUNDS = 7          # so a side is placed within 2^-28
CLOSE = 1e-7        # relative: as near to other open ends as boxes are sure to come
OPEN = 1e-15        # of a side: as near to an open end at 0 as boxes come
GREEDY = 24         # coordinates up to which sides are pushed out one by one


def natural_domain(f: Callable[[Any], Any], domain: Region) -> tuple[Box | None, str]:
    """(box, explanation): a box within the domain's on which f is certainly defined, and what restricts it.

    The box is that of the domain itself, and the explanation empty, where f is defined on all of it; else it is grown
    from a point until no side can be pushed out further. None where there is no such box to give: f cannot be recorded
    or bounded, is defined at no point tried, or is defined in several pieces (a pole between them), so that its natural
    domain is not convex. The search is that of the domain's window where the domain is unbounded.
    """
    try:
        with np.errstate(all="ignore"):
            return _explored(Chart(f, domain), domain)
    except TraceError as error:
        return None, f"f cannot be recorded: {str(error).splitlines()[0]}"
    except Nowhere:
        return None, f"f is defined at none of {POINTS} points tried"
    except NoRule as error:
        return None, f"not known where f is defined: {error}"


def _explored(chart: Chart, domain: Region) -> tuple[Box | None, str]:
    lower, upper = domain.lower, domain.upper
    if chart.certain(lower[:, None], upper[:, None])[0]:
        return _box(domain, lower, upper), ""
    points = np.array([x for x in domain.spread(POINTS, np.random.default_rng(0))])
    fine = points[~chart.undefined(points.T, points.T)]
    if not len(fine):
        return None, f"f is defined at none of {len(points)} points tried: {chart.reason(lower, upper)}"
    gap = _gap(chart, fine)
    if gap is not None:
        return None, (f"the natural domain of f is not convex: between two points where f is defined it is not at "
                      f"{_point(domain, gap[0])}: {gap[1]}; choose one piece")
    if len(fine) == len(points) and not isinstance(domain, Rectangle):
        return None, (f"f is defined at all of {len(points)} points tried, but it was not shown for all of the domain: "
                      f"{chart.reason(lower, upper)}")
    low, high = _grown(chart, fine[0], lower, upper)
    if not np.any(low < high):
        return None, (f"no box around {_point(domain, fine[0])} on which f is certainly defined: "
                      f"{chart.reason(lower, upper)}")
    return _box(domain, low, high), f"{_sides(domain, low, high)}: {chart.reason(lower, upper)}"


def _gap(chart: Chart, points: Matrix) -> tuple[Vector, str] | None:
    """(a point where f is not defined, why) between two of the points, where it is."""
    ends = points[np.random.default_rng(1).permutation(len(points))]
    middles = (points + ends) / 2
    for z in middles[chart.undefined(middles.T, middles.T)]:
        if not is_finite(chart.f, z):
            return z, chart.reason(z, z)
    return chart.pole(points)


def _grown(chart: Chart, x: Vector, lower: Vector, upper: Vector) -> tuple[Vector, Vector]:
    """The box around x, as large as is certain: all sides in proportion, then (up to GREEDY unknowns) one by one."""
    def certain(t: Vector) -> Flags:
        return chart.certain(x[:, None] + t * (lower - x)[:, None], x[:, None] + t * (upper - x)[:, None])

    sides = _axes(chart, x, lower, upper)
    for end in (0.0, OPEN):         # a side that close to 0 is meant to be there: at it, or where it is open beside it
        low, high = (np.where(np.abs(side) <= 1e-7 * np.abs(side - x), np.sign(x) * end * np.abs(side - x), side)
                     for side in sides)
        if chart.certain(low[:, None], high[:, None])[0]:
            return low, high
    t = _largest(certain)
    low, high = x + t * (lower - x), x + t * (upper - x)
    if x.size <= GREEDY:
        for i in range(x.size):
            low[i] = _side(chart, low, high, i, lower[i], False)
            high[i] = _side(chart, low, high, i, upper[i], True)
    return low, high


def _axes(chart: Chart, x: Vector, lower: Vector, upper: Vector) -> tuple[Vector, Vector]:
    """How far each side can go while the others stay at x."""
    each = np.arange(x.size)
    sides = []
    for end in (lower, upper):
        sure, off = x.copy(), end.copy()
        for k in range(ROUNDS * 4 + 1):
            trial = end if k == 0 else sure + (off - sure) / 2
            low = np.repeat(x[:, None], x.size, axis=1)
            high = low.copy()
            low[each, each], high[each, each] = np.minimum(x, trial), np.maximum(x, trial)
            fine = chart.certain(low, high)
            sure, off = np.where(fine, trial, sure), np.where(fine, off, trial)
        sides.append(sure)
    return sides[0], sides[1]


def _side(chart: Chart, low: Vector, high: Vector, i: int, end: float, above: bool) -> float:
    """How far this side of the box can go towards `end`: a number of few digits where there is one that close."""
    start = (high if above else low)[i]

    def certain(values: Vector) -> Flags:
        a, b = (np.repeat(side[:, None], values.size, axis=1) for side in (low, high))
        (b if above else a)[i] = values
        return chart.certain(a, b)

    t = _largest(lambda t: certain(start + t * (end - start)))
    if t == 1.0:
        return end
    value, size = start + t * (end - start), abs(end - start)
    short = [0.0, OPEN * size, -OPEN * size, *[float(f"{value:.{digits}g}") for digits in range(1, 8)]]
    near = np.array([v for v in short if abs(v - value) <= 1e-7 * size and min(start, end) <= v <= max(start, end)])
    sure = near[certain(near)] if near.size else near
    return float(sure[0]) if sure.size else value


def _largest(certain: Callable[[Vector], Flags]) -> float:
    """The largest t in [0, 1] found, up to which shares are certain."""
    if certain(np.ones(1))[0]:
        return 1.0
    sure, width = 0.0, 1.0
    for _ in range(ROUNDS):
        t = sure + width * FRACTIONS
        fine = certain(t)
        sure, width = sure + width * int(np.argmin(np.append(fine, False))) / 16, width / 16
    return sure


def _box(domain: Region, low: Vector, high: Vector) -> Box:
    """In the structure of f's argument where that is one of arrays, else in flat coordinates."""
    try:
        box = Box(domain.unravel(low), domain.unravel(high))
        if np.array_equal(box.lower, low) and np.array_equal(box.upper, high):
            return box
    except ValueError:
        pass
    return Box(low, high)


def _sides(domain: Region, low: Vector, high: Vector) -> str:
    """The sides that had to be drawn in."""
    words = []
    for i in range(domain.n):
        inner = [low[i] > domain.lower[i], high[i] < domain.upper[i]]
        if any(inner):
            left, right = _end(-low[i]), _end(high[i])
            words.append((f"{-left[1] + 0.0:.6g} {left[0]} " if inner[0] else "") + coordinate(domain, i)
                         + (f" {right[0]} {right[1]:.6g}" if inner[1] else ""))
    return "f is certainly defined where " + ", ".join(words[:4]) + (", …" if len(words) > 4 else "")


def _end(high: float) -> tuple[str, float]:
    """("<" or "<=", a number of six digits) for what is at most `high`: "<" the end that the search came CLOSE to."""
    shown = float(f"{high:.6g}")
    if shown <= high:
        return "<=", shown
    if shown - high <= CLOSE * max(1.0, abs(high)):
        return "<", shown
    digit = 10.0 ** (np.floor(np.log10(abs(high))) - 5)
    return "<=", float(f"{np.floor(high / digit) * digit:.6g}")


def coordinate(domain: Region, i: int) -> str:
    """How f's code names coordinate i of flat vectors: x[2, 0], or b, w['a'][1] of several arguments."""
    if isinstance(domain, Product):
        name = next(name for name, part in domain.slices.items() if part.start <= i < part.stop)
        inner = _entry(domain.parts[name], i - domain.slices[name].start)
        return domain.names[name] + inner if inner is not None else f"coordinate {i}"
    inner = _entry(domain, i)
    return f"coordinate {i}" if inner is None else f"x{inner}"


def _entry(domain: Region, i: int) -> str | None:
    """What follows the argument's name; None where a coordinate is not an entry of it."""
    if isinstance(domain, Product):
        name = next(name for name, part in domain.slices.items() if part.start <= i < part.stop)
        inner = _entry(domain.parts[name], i - domain.slices[name].start)
        return None if inner is None else f"[{name!r}]{inner}"
    argument = domain.unravel(domain.center)
    if isinstance(argument, (dict, list, tuple)):
        return _path(domain.unravel(np.arange(domain.n, dtype=float)), i)
    if np.ndim(argument) == 0:
        return ""
    if not isinstance(argument, np.ndarray) or argument.size != domain.n:
        return None
    return f"[{', '.join(str(int(k)) for k in np.unravel_index(i, argument.shape))}]"


def _path(argument: Any, value: float) -> str | None:
    """Where in a nested argument an entry has this value."""
    if isinstance(argument, (dict, list, tuple)):
        parts = argument.items() if isinstance(argument, dict) else enumerate(argument)
        return next((f"[{name!r}]{inner}" for name, part in parts if (inner := _path(part, value)) is not None), None)
    found = np.argwhere(np.asarray(argument) == value)
    if not len(found):
        return None
    return f"[{', '.join(map(str, found[0].tolist()))}]" if np.ndim(argument) else ""


def _point(domain: Region, x: Vector) -> str:
    return brief(domain.unravel(x))
