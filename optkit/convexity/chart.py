"""Where the operations of a recorded function are defined: a test of boxes, and the reasons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.curvature.prepare import valued
from autodiff.curvature.recognise import written_out
from autodiff.curvature.rows import named
from autodiff.graph import Graph, Node
from autodiff.interpreters.interval import enclose
from autodiff.intervals import Interval
from autodiff.primitives.contraction import MATMUL
from autodiff.primitives.elementwise import SQUARE
from autodiff.primitives.reductions import SUM
from autodiff.recording import Located, record

from .domains import Region
from .domains.region import Flags, Matrix, Vector
from .steps import located, shortened

PARTS = 256         # sub-boxes of one box that are evaluated before it counts as not shown
POINTS = 48         # tried for a point where f is defined

NEEDS = {"log": "a positive argument", "log2": "a positive argument", "log10": "a positive argument",
         "log1p": "an argument above -1", "sqrt": "a nonnegative argument", "norm_root": "a nonnegative argument",
         "divide": "a divisor other than 0", "reciprocal": "a divisor other than 0",
         "remainder": "a divisor other than 0", "floor_divide": "a divisor other than 0",
         "power": "a positive base, or a whole exponent (positive at base 0)",
         "float_power": "a positive base, or a whole exponent", "arcsin": "an argument in [-1, 1]",
         "arccos": "an argument in [-1, 1]", "arctanh": "an argument in (-1, 1)", "arccosh": "an argument >= 1",
         "tan": "no odd multiple of pi/2", "guard": "one outcome on all of the box",
         "xlogy": "a positive second argument", "rel_entr": "positive arguments"}


DIVISORS = {"divide": 1, "remainder": 1, "floor_divide": 1, "reciprocal": 0, "power": 0}    # which input may not be 0


def _sinks(exponent: Any) -> bool:
    """Whether a power has a pole at 0."""
    return type(exponent) is not Node and bool(np.all(np.asarray(exponent) < 0))


class Nowhere(Exception):  # noqa: N818 - ends an examination, never seen by users
    """f is finite at no point tried."""


class Chart:
    """The recorded function as a test of boxes: on which of them is every operation defined?"""

    def __init__(self, f: Callable[[Any], Any], domain: Region):
        def flat(x: Any) -> Any:
            return f(domain.unravel(x))

        self.f, self.misses = flat, domain.misses
        start = next((x for x in domain.spread(POINTS, np.random.default_rng(0)) if is_finite(flat, x)), None)
        if start is None:
            raise Nowhere
        recording = record(flat, (start.copy(),), lambda number: True, {}, True, Located)
        self.graph = _squares(written_out(valued(recording)))
        self.sites = self.graph.sites

    def pole(self, points: Matrix) -> tuple[Vector, str] | None:
        """(a point, why): a divisor has both signs on the points (B, n), so it is 0 somewhere between two of them."""
        X = points.T
        known = {self.graph.inputs[0]: Interval(X[:, None, :], X[:, None, :])}
        found = enclose(self.graph, known, self.graph.outputs)
        for node in self.graph.live(self.graph.outputs):
            operand = node.inputs[DIVISORS[node.prim.name]] if node.prim.name in DIVISORS else None
            if type(operand) is not Node or node.prim.name == "power" and not _sinks(node.inputs[1]):
                continue
            low, high = (np.broadcast_to(end, (*operand.shape, 1, len(points))).reshape(-1, len(points))
                         for end in found.values[operand])
            for above, below in zip(low > 0, high < 0, strict=True):
                if above.any() and below.any():
                    return self._root(operand, points[np.argmax(above)], points[np.argmax(below)]), self._needs(node)
        return None

    def _root(self, operand: Node, x: Vector, y: Vector) -> Vector:
        """A point between x and y near which the operand passes through 0."""
        for _ in range(40):
            z = (x + y) / 2
            known = {self.graph.inputs[0]: Interval(z[:, None, None], z[:, None, None])}
            value = enclose(self.graph, known, [operand]).values[operand]
            x, y = (z, y) if np.max(value.lo) > 0 else (x, z)
        return z

    def _enclosed(self, lower: Matrix, upper: Matrix) -> dict[Node, Flags]:
        known = {self.graph.inputs[0]: Interval(lower[:, None, :], upper[:, None, :])}
        found = enclose(self.graph, known, self.graph.outputs)
        both = {**found.undecided, **found.undefined}     # in another branch of the code anything may be
        return {node: np.broadcast_to(flags, lower.shape[1:]) for node, flags in both.items()}

    def undefined(self, lower: Matrix, upper: Matrix) -> Flags:
        """(B,): whether some operation may be undefined on a part of the box (n, B)."""
        flags = list(self._enclosed(lower, upper).values())
        return np.any(flags, axis=0) if flags else np.zeros(lower.shape[1], bool)

    def certain(self, lower: Matrix, upper: Matrix) -> Flags:
        """(B,): whether f is certainly defined on all of each box, which is cut in up to PARTS / B + 1 parts."""
        sure = np.ones(lower.shape[1], bool)
        low, high, owner = lower, upper, np.arange(lower.shape[1])
        budget = PARTS + lower.shape[1]
        while low.shape[1]:
            budget -= low.shape[1]
            open_boxes = self.undefined(low, high)
            open_boxes &= ~self.misses(low, high)
            low, high, owner = low[:, open_boxes], high[:, open_boxes], owner[open_boxes]
            if low.shape[1]:
                points = np.hstack([low, low + (high - low) / 2, high])
                sure[np.tile(owner, 3)[self.undefined(points, points) & ~self.misses(points, points)]] = False
            if 2 * low.shape[1] > budget:
                sure[owner] = False
            rest = sure[owner]
            low, high, owner = low[:, rest], high[:, rest], owner[rest]
            low, high = _halved(low, high)
            owner = np.concatenate([owner, owner])
        return sure

    def reason(self, lower: Vector, upper: Vector) -> str:
        """The first operation that may be undefined on the box, what it needs, and the line it stands on."""
        flags = self._enclosed(lower[:, None], upper[:, None])
        node = min((node for node, bad in flags.items() if bad[0]), key=lambda node: node.index, default=None)
        if node is None:
            return "an operation is not defined"
        return self._needs(node)

    def _needs(self, node: Node) -> str:
        name = node.prim.name
        line = shortened(located(self.sites.get(node)))
        needs = NEEDS.get(name, "an argument it is defined for")
        return f"{named(node)} needs {needs}" + (f" ({line})" if line else "")


def _squares(g: Graph) -> Graph:
    """u·u as Σ u²: as a product of two its range would not be known to be nonnegative."""
    out = Graph()
    image: dict[Node, Any] = {i: out.input(i.shape, i.dtype) for i in g.inputs}
    for node in g.live(g.outputs):
        if node in image:
            continue
        out.site = g.sites.get(node)
        inputs = tuple([image[i] if type(i) is Node else i for i in node.inputs])
        if node.prim is MATMUL and inputs[0] is inputs[1] and len(inputs[0].shape) == 1:
            image[node] = out.share(SUM, (out.share(SQUARE, inputs[:1]),), {"axis": (0,), "keepdims": False})
        else:
            image[node] = out.share(node.prim, inputs, node.params)
    out.outputs = tuple([image[o] if type(o) is Node else o for o in g.outputs])
    return out


def is_finite(f: Callable[[Any], Any], x: Vector) -> bool:
    try:
        return bool(np.isfinite(f(x.copy())))
    except (ArithmeticError, ValueError):
        return False


def _halved(low: Matrix, high: Matrix) -> tuple[Matrix, Matrix]:
    """Each box cut in two across its longest side."""
    if not low.shape[1]:
        return low, high
    side, each = np.argmax(high - low, axis=0), np.arange(low.shape[1])
    left, right = high.copy(), low.copy()
    left[side, each] = right[side, each] = low[side, each] + (high[side, each] - low[side, each]) / 2
    return np.hstack([low, right]), np.hstack([left, high])
