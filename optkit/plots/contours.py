"""Contours of a function of two variables: with its gradients, or under the way that a solver took."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from optkit.objective import Objective

from .style import COLOURS, INK, File, figure_of, finish, labelled, new_figure, pen, styled

_GRID = 160       # points a side: f is called _GRID² times
_LEVELS = 24
_MARGIN = 0.25    # of the extent of the iterates, left free around them
_APART = 0.1      # of the picture's width, between one gradient and the next
_LENGTH = 0.075   # of it, the longest gradient


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


def contours(f: Callable[[NDArray], float], limits: Sequence[tuple[float, float]], ax: Axes | None = None,
             path: File = None) -> Figure:
    """Contours of f with its gradients on them: orthogonal to the lines, towards larger f.

    f      : plain function of an array of two numbers; called 25 600 times, and differentiated at about 100 points.
    limits : ((left, right), (bottom, top)). Both axes have one scale; lengths are |∇f| to the power 0.3.
    """
    (left, right), (bottom, top) = limits
    with styled():
        figure = new_figure((6.4, 6.4 * (top - bottom) / (right - left)), path) if ax is None else figure_of(ax)
        ax = figure.subplots() if ax is None else ax
        lines = _contours(ax, f, np.linspace(left, right, _GRID), np.linspace(bottom, top, _GRID))
        points = _spread(lines, (right - left) * _APART)
        objective = Objective(f, np.array([left, bottom]))
        slopes = np.array([objective.point(x).g for x in points]).reshape(-1, 2)
        size = np.linalg.norm(slopes, axis=1, keepdims=True)
        arrows = slopes / np.where(size > 0, size, 1.0) * (size / size.max(initial=1e-300)) ** 0.3
        arrows *= _LENGTH * (right - left)
        low, high = np.array([[left, bottom], [right, top]])
        whole = np.all([(low < p) & (p < high) for p in (points, points + arrows)], axis=(0, 2))
        points, arrows = points[whole], arrows[whole]
        ax.quiver(*points.T, *arrows.T, angles="xy", scale_units="xy", scale=1, color=COLOURS[1], width=0.0035,
                  zorder=3)
        ax.plot(*points.T, ".", color=COLOURS[1], markersize=3)
        ax.set(xlim=(left, right), ylim=(bottom, top), xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
        ax.grid(False)
        return finish(figure, path)


def _spread(lines: Sequence[NDArray], apart: float) -> NDArray:
    """Points of the lines, none nearer than `apart` to one chosen before."""
    chosen: list[NDArray] = []
    for point in (p for line in lines for p in line):
        if all(np.hypot(*(point - other)) >= apart for other in chosen):
            chosen.append(point)
    return np.array(chosen).reshape(-1, 2)


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


def _contours(ax: Axes, f: Callable[[NDArray], float], x: NDArray, y: NDArray) -> list[NDArray]:
    """Draws them; the points of their lines."""
    with np.errstate(all="ignore"):
        z = np.array([[float(f(np.array([a, b]))) for a in x] for b in y])
    finite = z[np.isfinite(z)]
    levels = np.unique(np.quantile(finite, np.linspace(0.0, 1.0, _LEVELS) ** 1.5)) if finite.size else np.empty(0)
    if levels.size < 2:
        return []
    rank = np.interp(z, levels, np.arange(levels.size))
    masked = np.ma.masked_invalid(np.where(np.isfinite(z), rank, np.nan))
    ax.contourf(x, y, masked, levels=np.arange(levels.size), cmap="Greys_r", alpha=0.35)
    drawn = ax.contour(x, y, masked, levels=np.arange(levels.size), colors="#8a8a8a", linewidths=0.5)
    return [line for level in drawn.allsegs for line in level if len(line)]


def _trail(ax: Axes, label: str, points: NDArray, index: int) -> None:
    colour, marker, dashes = pen(index)
    ax.plot(points[:, 0], points[:, 1], color=colour, linestyle=dashes, marker=marker, markersize=3.2, linewidth=1.3,
            label=f"{label} ({len(points) - 1} steps)")
    ax.plot(*points[0], marker="o", color="white", markeredgecolor=INK, markersize=7, zorder=4)
    ax.plot(*points[-1], marker="*", color=colour, markeredgecolor=INK, markersize=13, zorder=5)
