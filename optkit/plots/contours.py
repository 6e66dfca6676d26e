"""The way a solver took over the contours of a function of two variables."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from .style import INK, File, figure_of, finish, labelled, new_figure, pen, styled

_GRID = 160       # points a side: f is called _GRID² times
_LEVELS = 24
_MARGIN = 0.25    # of the extent of the iterates, left free around them


def path(f: Callable[[NDArray], float], results: Any, ax: Axes | None = None, path: File = None,
         limits: Sequence[tuple[float, float]] | None = None) -> Figure:
    """Contours of f (evenly spaced in rank, so that a narrow valley shows) under the iterates of one or several runs.

    f       : plain function of an array of two numbers; called 25 600 times.
    results : a Result of minimize(..., return_all=True) or a (k, 2) array of iterates; a list or a dict label -> one.
    limits  : ((left, right), (bottom, top)); by default what the iterates need.
    Raises ValueError if the iterates are not points of the plane, or the Result did not keep them.
    """
    runs = {label: _iterates(label, run) for label, run in labelled(results, _name).items()}
    if not runs:
        raise ValueError("path: need at least one result or array of iterates, got none")
    (left, right), (bottom, top) = limits or _limits(np.concatenate(list(runs.values())))
    with styled():
        figure = new_figure((6.4, 5.2), path) if ax is None else figure_of(ax)
        ax = figure.subplots() if ax is None else ax
        _contours(ax, f, np.linspace(left, right, _GRID), np.linspace(bottom, top, _GRID))
        for i, (label, points) in enumerate(runs.items()):
            _trail(ax, label, points, i)
        ax.set(xlim=(left, right), ylim=(bottom, top), xlabel="$x_1$", ylabel="$x_2$")
        ax.grid(False)
        ax.legend(loc="best", framealpha=0.9, edgecolor="none")
        return finish(figure, path)


def _name(run: Any) -> str:
    return str(getattr(run, "method", None) or "iterates")


def _iterates(label: str, run: Any) -> NDArray:
    points = getattr(run, "allvecs", None) if hasattr(run, "history") else run
    if points is None:
        raise ValueError(f"path: {label}: the result did not keep its iterates; call minimize(..., return_all=True)")
    points = np.asarray(points, dtype=float)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise ValueError(f"path: {label}: need iterates of shape (k, 2), got shape {points.shape}")
    return points[np.isfinite(points).all(axis=1)]


def _limits(points: NDArray) -> NDArray:
    low, high = points.min(axis=0), points.max(axis=0)
    room = _MARGIN * np.maximum(high - low, max((high - low).max() / 3, 1e-3))
    return np.stack([low - room, high + room], axis=1)


def _contours(ax: Axes, f: Callable[[NDArray], float], x: NDArray, y: NDArray) -> None:
    with np.errstate(all="ignore"):
        z = np.array([[float(f(np.array([a, b]))) for a in x] for b in y])
    finite = z[np.isfinite(z)]
    levels = np.unique(np.quantile(finite, np.linspace(0.0, 1.0, _LEVELS) ** 1.5)) if finite.size else np.empty(0)
    if levels.size < 2:
        return
    rank = np.interp(z, levels, np.arange(levels.size))
    masked = np.ma.masked_invalid(np.where(np.isfinite(z), rank, np.nan))
    ax.contourf(x, y, masked, levels=np.arange(levels.size), cmap="Greys_r", alpha=0.35)
    ax.contour(x, y, masked, levels=np.arange(levels.size), colors="#8a8a8a", linewidths=0.5)


def _trail(ax: Axes, label: str, points: NDArray, index: int) -> None:
    colour, marker, dashes = pen(index)
    ax.plot(points[:, 0], points[:, 1], color=colour, linestyle=dashes, marker=marker, markersize=3.2, linewidth=1.3,
            label=f"{label} ({len(points) - 1} steps)")
    ax.plot(*points[0], marker="o", color="white", markeredgecolor=INK, markersize=7, zorder=4)
    ax.plot(*points[-1], marker="*", color=colour, markeredgecolor=INK, markersize=13, zorder=5)
