"""How every picture looks: colours, markers, axes; and where a figure comes from and goes to."""

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

File = str | os.PathLike | None

# Okabe & Ito 2008, told apart by people with any colour vision; its yellow is left out: too faint for a line on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "<")  # crosses are for what is not solved
DASHES = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (4, 1.2, 1, 1.2)))
INK, GRID = "#333333", "#e6e6e6"

_RC: Any = {
    "font.size": 9.5, "axes.titlesize": 10.5, "axes.labelsize": 9.5, "legend.fontsize": 9.5, "axes.axisbelow": True,
    "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": INK, "axes.labelcolor": INK,
    "xtick.color": INK, "ytick.color": INK, "text.color": INK, "xtick.labelsize": 8.5, "ytick.labelsize": 8.5,
    "legend.handlelength": 4.0,  # shows the dashes
    "axes.grid": True, "grid.color": GRID, "grid.linewidth": 0.8, "lines.linewidth": 1.7, "savefig.dpi": 160,
}


class Pen(NamedTuple):
    """What tells one line from the others: colour, marker, and dashes once the colours are used up."""

    colour: str
    marker: str
    dashes: Any


def pen(index: int) -> Pen:
    return Pen(COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)],
               DASHES[index // len(COLOURS) % len(DASHES)])


def styled() -> AbstractContextManager[None]:
    return matplotlib.rc_context(_RC)


def new_figure(size: tuple[float, float], path: File) -> Figure:
    """pyplot's figure, which plt.show() shows; one that goes straight to a file is nobody's, and freed after use."""
    if path is not None:
        return Figure(figsize=size, layout="constrained")
    from matplotlib import pyplot
    return pyplot.figure(figsize=size, layout="constrained")


def finish(figure: Figure, path: File) -> Figure:
    if path is not None:
        figure.savefig(path)
    return figure


def figure_of(ax: Axes) -> Figure:
    figure = ax.get_figure(root=True) if matplotlib.__version_info__ >= (3, 10) else ax.get_figure()
    assert isinstance(figure, Figure)
    return figure


def labelled(results: Any, name_of) -> dict[str, Any]:
    """A result, a list or a mapping as label -> result; repeated names get a number."""
    if isinstance(results, Mapping) and not hasattr(results, "history"):
        return {str(label): result for label, result in results.items()}
    items = list(results) if isinstance(results, list | tuple) else [results]
    named: dict[str, Any] = {}
    for item in items:
        label, copies = name_of(item), 2
        while label in named:
            label, copies = f"{name_of(item)} ({copies})", copies + 1
        named[label] = item
    return named
