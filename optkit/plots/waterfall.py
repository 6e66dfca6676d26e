"""Where each of many starts ended."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .style import COLOURS, INK, File, figure_of, finish, new_figure, styled


def waterfall(found: Any, ax: Any = None, path: File = None) -> Figure:
    """f above its lowest value where each start ended, in rising order: each flat stretch is one minimum.

    found : a Multistart. Filled markers met their stopping criterion, crosses did not. ax : one Axes, or None.
    """
    runs = sorted((result.fun, result.success) for result in found.results if result is not None)
    f = np.array([fun for fun, _ in runs])
    solved = np.array([success for _, success in runs])
    rank = np.arange(1, len(f) + 1)
    gap = f - f[0]
    starts = [result.history[0].f for result in found.results if result is not None and len(result.history)]
    spread = max(starts, default=f[-1]) - min(starts, default=f[0])
    floor = max(1e-12 * max(1.0, abs(f[0])), 1e-8 * spread, np.finfo(float).tiny)  # below it minima are equal
    with styled():
        figure = figure_of(ax) if ax is not None else new_figure((6.4, 3.8), path)
        ax = ax if ax is not None else figure.subplots()
        ax.step(rank, gap, where="mid", color=COLOURS[0], linewidth=1.0, alpha=0.6)
        ax.plot(rank[solved], gap[solved], "o", color=COLOURS[0], markersize=4.5, label="solved")
        if not solved.all():
            ax.plot(rank[~solved], gap[~solved], "x", color=COLOURS[1], markersize=6, label="not solved")
            ax.legend(frameon=False)
        top = float(gap.max())
        ax.set_yscale("symlog", linthresh=max(1e-3 * top, floor) if top > floor else 1.0)
        ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        ax.set_xlabel("starts, by where they ended")
        ax.set_ylabel("f − lowest found")
        ax.set_title(f"{len(found.minima)} minima from {found.tried} starts, the lowest f = {f[0]:.6g}", color=INK)
        return finish(figure, path)
