"""Performance profiles: which method solves how many problems within a given factor of the fastest."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from .style import File, figure_of, finish, new_figure, pen, styled

FIT_INSIDE = 8  # names of so many methods do not hide the curves


def profile(table: Mapping[str, ArrayLike]) -> dict[str, tuple[NDArray, NDArray]]:
    """Per method, the sorted factors τ = cost / least cost on a problem, and the share of problems solved within each.

    table : method -> one cost a problem (seconds, evaluations, ...; > 0), the problems in the same order; nan or inf
    where the method failed. A problem that no method solved counts for all of them. Dolan & Moré 2002, eq. (2.1).
    """
    if not table:
        raise ValueError("performance_profile: need at least one method in the table, got none")
    costs = np.array([np.asarray(column, dtype=float) for column in table.values()])
    if costs.ndim != 2 or costs.shape[1] == 0:
        raise ValueError(f"performance_profile: need one cost for each problem, got an array of shape {costs.shape}")
    if np.any(costs <= 0):
        raise ValueError(f"performance_profile: need costs > 0 (nan or inf for a failure), got {np.nanmin(costs)}")
    costs = np.where(np.isfinite(costs), costs, np.inf)
    solvable = np.isfinite(costs.min(axis=0))
    ratios = np.full_like(costs, np.inf)
    ratios[:, solvable] = costs[:, solvable] / costs[:, solvable].min(axis=0)
    shares = np.arange(1, costs.shape[1] + 1) / costs.shape[1]
    return {method: (np.sort(row[np.isfinite(row)]), shares[:np.isfinite(row).sum()])
            for method, row in zip(table, ratios, strict=True)}


def performance_profile(table: Mapping[str, ArrayLike], ax: Axes | None = None, path: File = None,
                        cost: str = "cost") -> Figure:
    """Draw, for each method, the share of problems solved within a factor τ of the best method (Dolan & Moré 2002).

    table : as in `profile`. cost : what is counted, for the axis label ("seconds", "evaluations").
    At τ = 1 a curve shows how often the method was the cheapest; at the right, how many problems it solved at all.
    """
    curves = profile(table)
    right = 1.15 * max([2.0, *(float(factors[-1]) for factors, _ in curves.values() if factors.size)])
    with styled():
        beside = len(curves) > FIT_INSIDE
        size = (9.2, max(4.2, 0.24 * len(curves))) if beside else (6.4, 4.2)
        figure = new_figure(size, path) if ax is None else figure_of(ax)
        ax = figure.subplots() if ax is None else ax
        for i, (method, (factors, shares)) in enumerate(curves.items()):
            colour, marker, dashes = pen(i)
            x, y = np.r_[1.0, factors, right], np.r_[0.0, shares, shares[-1:] if shares.size else 0.0]
            ax.step(x, y, where="post", color=colour, linestyle=dashes, marker=marker, markersize=4, markevery=0.12,
                    label=f"{method} ({shares[-1] if shares.size else 0.0:.0%} solved)")
        ax.set_xscale("log", base=2)
        ax.set(xlim=(1.0, right), ylim=(0.0, 1.03), ylabel="share of problems solved within τ",
               xlabel=f"τ: {cost} relative to the best method")
        place: dict = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)} if beside else {"loc": "lower right"}
        ax.legend(frameon=False, **place)
        return finish(figure, path)
