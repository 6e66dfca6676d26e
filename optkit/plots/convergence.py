"""How solvers converged: f − f* and the gradient norm against iterations, evaluations and seconds."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, MaxNLocator, NullLocator
from numpy.typing import NDArray

from optkit.rates import Rate

from .style import INK, File, Pen, figure_of, finish, labelled, new_figure, pen, styled

_COSTS = ("iterations", "evaluations of f, ∇f and Hv", "time")
_COLUMNS = 6, 5   # of the legend: of few names, and of many, where long ones are among them
_DASHED = (0, (6, 3))   # of a theoretical rate
_WIDE = 12.0      # a column whose longest run is this many times its shortest gets a logarithmic x axis

_TINY, _ROUNDING = 1e-240, 4 * np.finfo(float).eps      # what counts as zero: absolutely, and relative to f*


class Curve(NamedTuple):
    """One run, ready to draw: three costs (columns) and two measures of success (rows), all of one length."""

    label: str
    pen: Pen
    costs: tuple[NDArray, NDArray, NDArray]
    f: NDArray
    gnorm: NDArray
    solved: bool


def convergence(results: Any, ax: Any = None, f_star: float | None = None, path: File = None,
                title: str | None = None, rates: Any = None) -> Figure:
    """Draw one or several runs on log scales; a filled last marker met its stopping criterion, a cross did not.

    results : a Result, a list of them, or a dict label -> Result.
    ax      : None for the 2×3 grid; one Axes (f − f* by iterations), two (and the gradient norm), or six, row by row.
    f_star  : the known minimum; without it, or where a run went below it, the best f seen (the axis says which).
    path    : file to save to; its ending chooses the format.
    rates   : thin dashed lines in the first panel, from each run's f(x0) − f*, as theory says of its method: None draws
        those that results of certify= carry, False none; else an optkit.rates.Rate, one a result (None for none), or a
        dict label -> Rate. They are slopes to compare with, without the constants of the theorems.
    Raises ValueError if there is nothing to draw or `ax` has another number of axes, or for rates of no result.
    """
    given = _rates(labelled(results, _name), rates)
    curves = [_curve(label, result, pen(i)) for i, (label, result) in enumerate(labelled(results, _name).items())]
    if not curves or not all(curve.f.size for curve in curves):
        raise ValueError("convergence: need at least one result, each with a history of one record or more, "
                         f"got {len(curves)} results")
    with styled():
        figure, axes = _axes(ax, path)
        gap_label, reference = _reference(curves, f_star)
        columns = 1 if axes.size < 6 else 3
        for panel, (row, column) in zip(axes.flat, np.ndindex(axes.size // columns, columns), strict=True):
            values = [curve.gnorm if row else curve.f - reference for curve in curves]
            noise, bottom = (_TINY, "0") if row else (max(_TINY, _ROUNDING * abs(reference)), "0 to rounding")
            _panel(panel, curves, values, column, noise, bottom)
            if (row, column) == (0, 0):
                _draw_rates(panel, curves, values, given)
            panel.set_ylabel(("max |∇f|" if row else gap_label) if column == 0 else "")
            panel.set_xlabel(_COSTS[column] if row == axes.size // columns - 1 else "")
        _legend(figure, axes, curves, given, title)
        return finish(figure, path)


def _name(result: Any) -> str:
    return str(getattr(result, "method", None) or "run")


def _rates(results: dict[str, Any], rates: Any) -> dict[str, Rate]:
    """Label -> the line to draw beside its run."""
    if rates is False:
        return {}
    if rates is None or rates is True:
        rates = {label: getattr(result, "rate", None) for label, result in results.items()}
    elif not isinstance(rates, Mapping):
        every = [rates] if isinstance(rates, Rate) else list(rates)
        if len(every) != len(results):
            raise ValueError(f"convergence: rates: need one for each of {len(results)} results, or a dict label -> "
                             f"Rate, got {len(every)}")
        rates = dict(zip(results, every, strict=True))
    unknown = [label for label in rates if label not in results]
    if unknown:
        raise ValueError(f"convergence: rates: {unknown[0]!r} is no result; they are {', '.join(results)}")
    return {label: line for label, line in rates.items() if line is not None}


def _draw_rates(ax: Axes, curves: Sequence[Curve], values: Sequence[NDArray], rates: dict[str, Rate]) -> None:
    """Each from its run's first value down to where the panel ends."""
    bottom = ax.get_ylim()[0]
    for curve, v in zip(curves, values, strict=True):
        rate, k = rates.get(curve.label), curve.costs[0]
        if rate is not None and v[0] > 0:
            steps = np.linspace(k[0], k[-1], 400)
            y = rate(steps, v[0])
            ax.plot(steps, np.where(y > bottom, y, np.nan), color=curve.pen.colour, linestyle=_DASHED, linewidth=0.9,
                    zorder=1.5, label=f"{curve.label}: {rate}")


def _curve(label: str, result: Any, pen: Pen) -> Curve:
    history = result.history
    evaluations = np.asarray(history.nfev) + np.asarray(history.njev) + np.asarray(history.nhev)
    nit, evaluations, time, f, gnorm = (np.asarray(column, dtype=float) for column in
                                        (history.nit, evaluations, history.time, history.f, history.gnorm))
    return Curve(label, pen, (nit, evaluations, time), f, gnorm, bool(result.success))


def _axes(ax: Any, path: File) -> tuple[Figure, NDArray]:
    if ax is None:
        figure = new_figure((11.0, 6.2), path)
        return figure, figure.subplots(2, 3, sharex="col", sharey="row")
    axes = np.array([ax] if isinstance(ax, Axes) else ax, dtype=object)
    if axes.size not in (1, 2, 6):
        raise ValueError(f"convergence: ax: need one, two or six axes, got {axes.size}; leave it out for the 2×3 grid")
    return figure_of(axes.flat[0]), axes


def _reference(curves: Sequence[Curve], f_star: float | None) -> tuple[str, float]:
    """The value the curves fall to, and what the axis calls f minus it."""
    seen = np.concatenate([curve.f[np.isfinite(curve.f)] for curve in curves])
    best = float(seen.min()) if seen.size else 0.0
    if f_star is None:
        return "f − best f seen", best
    if best < f_star - 1e-9 * max(1.0, abs(f_star)):
        return "f − best f seen (below the f* given)", best
    return "f − f*", f_star


def _panel(ax: Axes, curves: Sequence[Curve], values: Sequence[NDArray], column: int, noise: float,
           bottom: str) -> None:
    """One panel. What a logarithm can't show (zero, negative, rounding noise) stands on a dotted floor, `bottom`."""
    shown = np.concatenate([v[np.isfinite(v) & (v > noise)] for v in values])
    low, high = (float(shown.min()), float(shown.max())) if shown.size else (1e-1, 1e0)
    decades = np.log10(high) - np.log10(low)
    floor = low / 10 ** (0.06 * decades + 0.3)
    on_floor = any(np.any(v <= noise) for v in values)
    _x_scale(ax, [curve.costs[column] for curve in curves], column)
    ax.set_yscale("log")
    ax.yaxis.set_minor_locator(NullLocator())
    for curve, v in zip(curves, values, strict=True):
        y = np.where(v > noise, v, np.where(np.isfinite(v) | (v < 0), floor, np.nan))
        _line(ax, curve, curve.costs[column], y)
    if on_floor:
        ax.axhline(floor, color=INK, linewidth=0.8, linestyle=(0, (1, 3)), zorder=1)
        if column == 0:
            ax.annotate(bottom, (0.0, floor), xycoords=("axes fraction", "data"), xytext=(4, 3),
                        textcoords="offset points", fontsize=7.5, color=INK)
    ax.set_ylim((floor if on_floor else low) / 10 ** (0.04 * decades + 0.08), None)


def _line(ax: Axes, curve: Curve, x: NDArray, y: NDArray) -> None:
    """The run, its markers evenly spaced on the page, and its last point: filled if solved, crossed if not."""
    colour, marker, dashes = curve.pen
    ax.plot(x, y, color=colour, linestyle=dashes, marker=marker, markersize=3.6, markevery=0.13, label=curve.label)
    last = np.flatnonzero(np.isfinite(y))
    if last.size:
        shape, edge, width = (marker, INK, 1.0) if curve.solved else ("x", colour, 2.2)
        ax.plot(x[last[-1]], y[last[-1]], color=colour, marker=shape, markeredgecolor=edge, markeredgewidth=width,
                markersize=7.5, linestyle="none", zorder=4, clip_on=False)


def _x_scale(ax: Axes, costs: Sequence[NDArray], column: int) -> None:
    """Linear where the runs are of like length, else logarithmic; iterations keep their 0."""
    ends = [cost[-1] for cost in costs if cost[-1] > 0]
    if not ends:
        return
    wide = max(ends) > _WIDE * min(ends)
    if not wide:
        ax.xaxis.set_major_locator(MaxNLocator(6, integer=column < 2, steps=[1, 2, 5, 10]))
        ax.set_xlim(0, max(ends) * 1.05)
    elif column == 0:
        ax.set_xscale("symlog", linthresh=1, linscale=0.5)
        ax.set_xlim(0, max(ends) * 1.6)
    else:
        first = min(cost[cost > 0][0] for cost in costs if cost[-1] > 0)
        ax.set_xscale("log", nonpositive="clip")
        ax.set_xlim(first / 1.6, max(ends) * 1.6)
    if wide or column == 2:
        ax.xaxis.set_major_formatter(EngFormatter(unit="s" if column == 2 else "", sep=" " if column == 2 else ""))


def _legend(figure: Figure, axes: NDArray, curves: Sequence[Curve], rates: dict[str, Rate],
            title: str | None) -> None:
    handles = [Line2D([], [], color=c.pen.colour, marker=c.pen.marker, linestyle=c.pen.dashes, markersize=5,
                      label=c.label) for c in curves]
    if not all(curve.solved for curve in curves):
        handles.append(Line2D([], [], color=INK, marker="x", linestyle="none", markeredgewidth=1.8, label="not solved"))
    handles += [Line2D([], [], color=c.pen.colour, linestyle=_DASHED, linewidth=0.9, label=f"{rates[c.label]}")
                for c in curves if c.label in rates]
    if axes.size == 6 and len(figure.axes) == 6:
        columns = 2 if rates else min(len(handles), _COLUMNS[len(handles) > 12])
        figure.legend(handles=handles, loc="outside lower center", ncols=columns, frameon=False)
        if title:
            figure.suptitle(title, fontsize=12)
    else:
        axes.flat[0].legend(handles=handles, frameon=False)
        if title:
            axes.flat[0].set_title(title)
