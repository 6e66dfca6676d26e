"""What a convexity report found: the slice of f through the witness with its chord, and a map of the curvature."""

import textwrap
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from optkit.convexity.wording import examined, named_domain

from .curvature import curvature, mapped
from .style import COLOURS, INK, figure_of, finish, new_figure, styled

_PARTS = 400      # of the slice
_MARGIN = 0.35    # of the segment, shown on either side where f is finite
_FLAT = 0.08      # of the range of f on the segment: a smaller gap is drawn as f less its chord
_TITLE = 46       # characters a panel


def convexity(report: Any, ax: Any = None, path: Any = None) -> Figure:
    """Draw a ConvexityReport: left the slice (if there is a witness), right the curvature.

    That is f'' along the axis for one unknown, the least eigenvalue of the Hessian over the domain for two, on a plane
    through the witness (or the worst point met) for up to 32, with the boxes of a proof; else the extreme eigenvalues
    met, sorted. (The largest eigenvalue, where concavity was asked.)

    ax   : None for both panels, else one Axes, which gets the slice if there is a witness and the curvature if not.
    path : file to save to; its ending chooses the format. Or a binary stream, which gets a PNG.
    Raises ValueError if the report has neither a witness nor eigenvalues.
    """
    drawings = [draw for draw, there in ((_slice, hasattr(report.witness, "weights")),
                                         (curvature, mapped(report)),
                                         (_spectrum, not mapped(report) and _eigenvalues(report).size)) if there]
    if not drawings:
        raise ValueError("convexity: nothing to draw, the report has neither a witness nor eigenvalues")
    with styled():
        if ax is None:
            figure = new_figure((5.4 * len(drawings), 4.4), path)
            axes = figure.subplots(1, len(drawings), squeeze=False)[0]
            title = f"{report.verdict.value.replace('_', ' ')} on {named_domain(report)}"
            figure.suptitle(textwrap.fill(title, _TITLE * len(drawings)), fontsize=12)
        else:
            figure, axes = figure_of(ax), np.array([ax], dtype=object)
        for panel, draw in zip(axes, drawings, strict=False):
            draw(panel, report)
        return finish(figure, path)


def _eigenvalues(report: Any) -> NDArray:
    return np.array(report.examinations[0].eigenvalues, dtype=float).reshape(-1, 2)


def _slice(ax: Axes, report: Any) -> None:
    """f along the line through the witness, its three points, and the chord that should lie above (concave: below).

    Less the straight line through the ends, where the gap would be too small to see.
    """
    w = report.witness
    x, y = (_flat(_leaves(p)) for p in w.points)
    t = np.linspace(-_MARGIN, 1 + _MARGIN, _PARTS + 1)
    f = np.array([_value(w.f, report.domain, x + s * (y - x)) for s in t])
    ends, middle, place = np.array([float(w.f(p)) for p in w.points]), float(w.f(w.middle)), w.weights[1]
    small = abs(w.gap) < _FLAT * np.ptp(np.append(ends, middle))
    if small:
        f, middle = f - _chord(ends, t), middle - _chord(ends, place)
        f, ends = np.where((t >= 0) & (t <= 1), f, np.nan), np.zeros(2)
    name = examined(w)
    ax.plot(t, f, color=COLOURS[0], label=f"{name} − chord" if small else f"{name} along the line")
    ax.plot([0, 1], ends, color=INK, linestyle=(0, (5, 2)), marker="o", markersize=4, label="chord")
    ax.plot([place, place], [_chord(ends, place), middle], color=COLOURS[1], linewidth=2.4)
    ax.plot(place, middle, color=COLOURS[1], marker="o", markersize=6, linestyle="none", label=f"gap {w.gap:.3g}")
    ax.set_title("through the witness")
    ax.set_xlabel("t in x + t (y − x)")
    ax.set_ylabel(f"{name} less its chord" if small else name)
    ax.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=3, handlelength=2.5)


def _chord(ends: NDArray, t: Any) -> Any:
    return ends[0] + t * (ends[1] - ends[0])


def _value(f: Any, domain: Any, x: NDArray) -> float:
    """f where the line is inside the domain, NaN elsewhere and where f is not finite."""
    if not domain.contains(x):
        return np.nan
    with np.errstate(all="ignore"):
        try:
            value = float(f(domain.unravel(x)))
        except (ArithmeticError, ValueError):
            return np.nan
    return value if np.isfinite(value) else np.nan


def _spectrum(ax: Axes, report: Any) -> None:
    """Smallest and largest eigenvalue at each point where they were computed, each sorted; the scale keeps the sign."""
    values = _eigenvalues(report)
    order = np.arange(1, len(values) + 1)
    ax.plot(order, np.sort(values[:, 1]), color=COLOURS[0], marker="^", markersize=3, label="largest")
    ax.plot(order, np.sort(values[:, 0]), color=COLOURS[1], marker="v", markersize=3, label="smallest")
    ax.axhline(0.0, color=INK, linewidth=0.8)
    sizes = np.abs(values[values != 0])
    if sizes.size and sizes.max() > 100 * sizes.min():
        ax.set_yscale("symlog", linthresh=max(sizes.min(), 1e-12 * sizes.max()))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(title="extreme eigenvalues met", xlabel="points, sorted", ylabel="eigenvalue of the Hessian")
    ax.legend(frameon=False)


def _leaves(point: Any) -> list[NDArray]:
    """The arrays of a nested point, in order."""
    if isinstance(point, dict):
        return [leaf for value in point.values() for leaf in _leaves(value)]
    if isinstance(point, list | tuple):
        return [leaf for value in point for leaf in _leaves(value)]
    return [np.asarray(point, dtype=float)]


def _flat(leaves: list[NDArray]) -> NDArray:
    return np.concatenate([leaf.ravel() for leaf in leaves])
