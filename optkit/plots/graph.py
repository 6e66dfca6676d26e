"""The computational graph of a function at a point, as a picture: operations, shapes, forward values, adjoints."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path
from matplotlib.textpath import TextToPath

from autodiff.interpreters import draw

from .layers import Layout, layered
from .style import COLOURS, INK, File, figure_of, finish, new_figure, styled

# Lengths in points.
_SIZE, _LINE, _PAD = 9.0, 12.5, 6.0
_GAP, _LANE, _RISE, _MARGIN = 14.0, 8.0, 26.0, 10.0
_PORTS, _KEY_GAP = 16.0, 8.0             # between arrows into one box, at most; between entries of the key
_ADJOINT, _QUIET = COLOURS[1], "#8a8a8a"
_LOOK = {"input": ("#dcebf5", COLOURS[0]), "constant": ("#f0f0f0", "#a8a8a8"), "operation": ("#ffffff", INK),
         "output": ("#d9f0e7", COLOURS[2]), "hidden": ("#ffffff", _QUIET)}
_KEY = {"input": "argument", "constant": "constant", "operation": "operation", "output": "result"}


class _Row(NamedTuple):
    """One line of text in a box."""

    text: str
    colour: str
    font: FontProperties


class _Card(NamedTuple):
    """A box to be drawn: its kind, its lines, its width."""

    kind: str
    rows: list[_Row]
    width: float

    @property
    def height(self) -> float:
        return _LINE * len(self.rows) + 2 * _PAD - 3


def graph(f: Callable, x: Any, *more: Any, adjoints: bool = False, ax: Axes | None = None, path: File = None,
          limit: int = 60) -> Figure:
    """The computational graph of f at x: NumPy calls, shapes and values; arrays by their least and greatest entries.

    x, more  : the arguments of f, as autodiff.trace takes them.
    adjoints : write ∂f/∂v into every box v, for f with one number as its result.
    limit    : boxes to draw; of a larger graph the first and last ones are shown, the middle is one box that says so.
    Names are those of f's parameters and variables, and v1, v2, … Layered layout, top to bottom.
    """
    if limit < 3:
        raise ValueError(f"graph: need limit of at least 3 boxes, got limit={limit}")
    drawn = draw.picture(draw.trace_with_names(f, x, *more), values=True, adjoints=adjoints)
    with styled():
        cards, edges = _collapsed([_card(box) for box in drawn.boxes], drawn.edges, limit)
        layout = layered([card.width for card in cards], edges, _GAP, _LANE)
        tops, heights = _levels(cards, layout)
        key = _key(cards, adjoints)
        left = min(a - c.width / 2 for a, c in zip([*layout.x], cards, strict=True))
        right = max(a + c.width / 2 for a, c in zip([*layout.x], cards, strict=True))
        lanes = [v for lane in layout.lanes for v in lane]
        left, right = min([left, *lanes]) - _MARGIN, max([right, *lanes]) + _MARGIN
        wide = _key_width(key) + 2 * _MARGIN
        left, right = left - max(0.0, wide - right + left) / 2, right + max(0.0, wide - right + left) / 2
        low, high = tops[-1] - heights[-1] - _RISE - _LINE, _MARGIN
        canvas = _Canvas(ax, (left, right), (low, high), path)
        for edge, (source, target) in enumerate(edges):
            canvas.arrow(_route(edge, source, target, edges, cards, layout, tops, heights))
        for card, centre, level in zip(cards, layout.x, layout.layer, strict=True):
            canvas.box(card, centre, _top(card, level, tops, heights))
        canvas.key(key, (left + right) / 2, low + _LINE)
        return finish(canvas.figure, path)


def _font(weight: str) -> FontProperties:
    return FontProperties(size=_SIZE, weight=weight)


def _width(text: str, font: FontProperties) -> float:
    return float(TextToPath().get_text_width_height_descent(text, font, False)[0])


def _card_of(kind: str, rows: list[_Row]) -> _Card:
    rows = [row for row in rows if row.text]
    return _Card(kind, rows, max(_width(row.text, row.font) for row in rows) + 2 * _PAD + 4)


def _card(box: draw.Box) -> _Card:
    plain = _font("normal")
    shape = draw.size(box)
    value = f"{shape}   {draw.summary(box.value)}" if shape else draw.summary(box.value)
    rows = [_Row(box.title, INK, _font("bold")), _Row(value, "#555555", plain)]
    if box.adjoint is not None:
        rows.append(_Row(f"∂/∂{box.name} = {draw.summary(box.adjoint)}", _ADJOINT, plain))
    return _card_of(box.kind, rows)


def _collapsed(cards: list[_Card], edges: list[tuple[int, int]], limit: int) -> tuple[list, list[tuple[int, int]]]:
    """At most `limit` cards: the middle ones of a longer list become one."""
    hidden = len(cards) - limit + 1
    if hidden < 2:
        return cards, edges
    first = (limit - 1) // 2
    note = _card_of("hidden", [_Row(f"… {hidden} more boxes …", _QUIET, _font("normal")),
                               _Row("(limit= shows them)", _QUIET, _font("normal"))])

    def place(k: int) -> int:
        return k if k < first else first if k < first + hidden else k - hidden + 1
    moved = {(place(a), place(b)): None for a, b in edges}
    return [*cards[:first], note, *cards[first + hidden:]], [(a, b) for a, b in moved if a != b]


def _levels(cards: Sequence[_Card], layout: Layout) -> tuple[list[float], list[float]]:
    """Upper side and height of every layer, downwards from 0."""
    heights = [max(c.height for c, level in zip(cards, layout.layer, strict=True) if level == k)
               for k in range(max(layout.layer) + 1)]
    tops = [0.0]
    for height in heights[:-1]:
        tops.append(tops[-1] - height - _RISE)
    return tops, heights


def _top(card: _Card, level: int, tops: Sequence[float], heights: Sequence[float]) -> float:
    return tops[level] - (heights[level] - card.height) / 2


def _route(edge: int, source: int, target: int, edges: Sequence[tuple[int, int]], cards: Sequence[_Card],
           layout: Layout, tops: Sequence[float], heights: Sequence[float]) -> Path:
    """From the lower side of one box to the upper side of another: upright through each layer, curved between them."""
    def comes_from(k: int) -> float:
        return layout.lanes[k][-1] if layout.lanes[k] else layout.x[edges[k][0]]
    arriving = sorted((k for k, (_, end) in enumerate(edges) if end == target), key=comes_from)
    step = min(_PORTS, cards[target].width / (len(arriving) + 1))
    port = layout.x[target] + (arriving.index(edge) - (len(arriving) - 1) / 2) * step
    start = layout.layer[source]
    x, y = layout.x[source], _top(cards[source], start, tops, heights) - cards[source].height
    points, codes = [(x, y)], [Path.MOVETO]
    stops = [(lane, tops[start + 1 + k], heights[start + 1 + k]) for k, lane in enumerate(layout.lanes[edge])]
    stops.append((port, _top(cards[target], layout.layer[target], tops, heights), 0.0))
    for to, top, height in stops:
        middle = (y + top) / 2
        points += [(x, middle), (to, middle), (to, top)]
        codes += [Path.CURVE4] * 3
        x, y = to, top - height
        if height:
            points.append((x, y))
            codes.append(Path.LINETO)
    return Path(points, codes)


def _key(cards: Sequence[_Card], adjoints: bool) -> list[_Card]:
    """What the colours mean: entries for those that occur."""
    plain = _font("normal")
    entries = [_card_of(kind, [_Row(name, INK, plain)]) for kind, name in _KEY.items()
               if any(card.kind == kind for card in cards)]
    entries.append(_card_of("", [_Row("shape, value", "#555555", plain)]))
    return entries + ([_card_of("", [_Row("adjoint", _ADJOINT, plain)])] if adjoints else [])


def _key_width(entries: Sequence[_Card]) -> float:
    return sum(entry.width for entry in entries) + _KEY_GAP * (len(entries) - 1)


class _Canvas:
    """Axes on which one unit is one point; on axes that were given, everything shrinks together to fit."""

    def __init__(self, ax: Axes | None, across: tuple[float, float], up: tuple[float, float], path: File):
        width, height = across[1] - across[0], up[1] - up[0]
        if ax is None:
            self.figure = new_figure((width / 72, height / 72), path)
            self.figure.set_layout_engine("none")
            ax = self.figure.add_axes((0.0, 0.0, 1.0, 1.0))
        else:
            self.figure = figure_of(ax)
        self.ax = ax
        ax.set(xlim=across, ylim=up, aspect="equal")
        ax.axis("off")
        inches = ax.get_position(original=True).size * self.figure.get_size_inches()
        self.scale = float(np.min(72 * inches / np.array([width, height])))

    def arrow(self, route: Path) -> None:
        self.ax.add_patch(FancyArrowPatch(path=route, arrowstyle="-|>", mutation_scale=8 * self.scale, color="#707070",
                                          linewidth=0.9 * self.scale, shrinkA=0, shrinkB=0, zorder=1, joinstyle="miter",
                                          capstyle="butt"))

    def box(self, card: _Card, centre: float, top: float) -> None:
        fill, edge = _LOOK[card.kind]
        self.ax.add_patch(FancyBboxPatch(
            (centre - card.width / 2, top - card.height), card.width, card.height, facecolor=fill, edgecolor=edge,
            boxstyle="round,pad=0,rounding_size=4", linewidth=1.0 * self.scale, zorder=2,
            linestyle="--" if card.kind == "hidden" else "-"))
        for k, row in enumerate(card.rows):
            self._write(row, centre, top - _PAD - (k + 0.5) * _LINE + 1.5)

    def key(self, entries: Sequence[_Card], centre: float, y: float) -> None:
        x = centre - _key_width(entries) / 2
        for entry in entries:
            if entry.kind:
                fill, edge = _LOOK[entry.kind]
                self.ax.add_patch(FancyBboxPatch((x, y - 4), 8, 8, facecolor=fill, edgecolor=edge, zorder=2,
                                                 boxstyle="round,pad=0,rounding_size=2", linewidth=self.scale))
            row = entry.rows[0]
            self._write(row, x + (12 if entry.kind else 0) + _width(row.text, row.font) / 2, y)
            x += entry.width + _KEY_GAP

    def _write(self, row: _Row, x: float, y: float) -> None:
        font = row.font.copy()
        font.set_size(_SIZE * self.scale)
        self.ax.text(x, y, row.text, fontproperties=font, color=row.colour, ha="center", va="center_baseline", zorder=3,
                     parse_math=False)
