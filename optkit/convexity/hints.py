"""Where the recorded formula says that f may bend down: extremes of the arguments of its curved operations, and the
surfaces on which its kinks and branches lie.

A bump exp(−‖x − c‖²/w²) of any width is found from the minimum of its exponent, a kink |u(x)| from u = 0, although
neither shows in samples of f.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import autodiff as ad
from autodiff.compile import Program
from autodiff.derive import adjoint, primal
from autodiff.errors import GuardMiss
from autodiff.graph import INPUT, Graph, Node, dependents

from .oracle import Vector

if TYPE_CHECKING:
    from .search import Search

TARGETS = 12       # arguments followed, of each kind
ENTRIES = 3        # of an array
SEEN = 24          # samples among which a descent starts
LARGEST = 2000     # operations of a formula that is looked into
RADII = np.geomspace(1e-6, 1.0, 31)  # half-widths: distances from an extreme at which the curvature is looked at
WAYS = 2           # random directions in which they are taken
HALVINGS = 60
KINKS = {"maximum", "minimum", "fmax", "fmin", "less", "less_equal", "greater", "greater_equal", "absolute", "fabs",
         "sign"}
PLAIN = {"add", "subtract", "multiply", "scale", "negative", "positive", "square", "where", "equal", "not_equal",
         "logical_not", "logical_and", "logical_or", "astype", "stop_gradient", "barrier"}


class Target(NamedTuple):
    """A number u(x) inside the formula: Σ sign · entry of a node, plus a constant."""

    parts: tuple[tuple[Node, int, float], ...]
    constant: float


class Inside:
    """The targets of a formula, with gradients by one compiled program. Raises TraceError, GuardMiss."""

    def __init__(self, search: Search):
        self.search = search
        self.graph = primal(ad.trace(search.oracle.flat, search.region.center), safe=True)
        live = self.graph.live(self.graph.outputs)
        moving = dependents(live, self.graph.inputs)
        live = [node for node in live if node in moving] if len(live) <= LARGEST else []
        self.curved = self._choose(t for node in live if _is_curved(node) for t in self._arguments(node, moving))
        self.kinks = self._choose(t for node in live if node.prim.name in KINKS
                                  for t in self._differences(node, moving))
        self.nodes = list({part[0]: None for t in (*self.curved, *self.kinks) for part in t.parts})
        self.program = self._compiled() if self.nodes else None

    def _choose(self, targets: Iterator[Target]) -> list[Target]:
        found = list(dict.fromkeys(targets))
        keep = self.search.rng.permutation(len(found))[:TARGETS]
        return [found[k] for k in sorted(keep)]

    def _arguments(self, node: Node, moving: set[Node]) -> Iterator[Target]:
        for i in node.inputs:
            if type(i) is Node and i in moving and i.prim is not INPUT and i.dtype.kind == "f":
                for k in self._some(i.size):
                    yield Target(((i, k, 1.0),), 0.0)

    def _differences(self, node: Node, moving: set[Node]) -> Iterator[Target]:
        for k in self._some(node.size):
            parts, constant = [], 0.0
            for i, sign in zip(node.inputs, (1.0, -1.0), strict=False):
                shape = np.shape(i) if type(i) is not Node else i.shape
                at = int(np.broadcast_to(np.arange(int(np.prod(shape))).reshape(shape), node.shape).flat[k])
                if type(i) is Node and i in moving and i.dtype.kind == "f":
                    parts.append((i, at, sign))
                elif type(i) is Node:
                    break
                else:
                    constant += sign * float(np.ravel(i)[at])
            else:
                if parts:
                    yield Target(tuple(parts), constant)

    def _some(self, size: int) -> list[int]:
        return sorted(self.search.rng.permutation(size)[:ENTRIES].tolist())

    def _compiled(self) -> Program:
        g: Graph = self.graph
        seeds = [g.append(INPUT, (), {"cotangent": k}, n.shape, n.dtype) for k, n in enumerate(self.nodes)]
        g.outputs = tuple(self.nodes)
        gradient = adjoint(g, g.inputs, [g.handle(s) for s in seeds])
        return Program(g, (*g.inputs, *seeds), (*self.nodes, *gradient), keep_guards=False)

    def __call__(self, target: Target, x: Vector) -> tuple[float, Vector]:
        """(u, gradient) at x."""
        self.search.oracle.njev += 1
        seeds = [np.zeros(n.shape) for n in self.nodes]
        for node, k, sign in target.parts:
            seeds[self.nodes.index(node)].flat[k] += sign
        assert self.program is not None
        *values, gradient = self.program(x, *seeds)
        return self._value(target, values), gradient

    def _value(self, target: Target, values: Any) -> float:
        return target.constant + sum(s * float(np.ravel(values[self.nodes.index(n)])[k]) for n, k, s in target.parts)

    def extreme(self, target: Target, sign: float) -> Vector:
        """Where sign·u is lowest, by a descent from the best sample."""
        search = self.search
        starts = search.samples.X[:SEEN]
        values = [sign * self(target, x)[0] for x in starts]
        start = starts[int(np.nanargmin(values))] if np.isfinite(values).any() else search.region.center

        def fun(z: Vector) -> tuple[float, Vector]:
            u, gradient = self(target, search.place(z))
            return sign * u, sign * search.scale * gradient

        return search.place(search.descend(fun, search.scaled(start), start.size))


def _is_curved(node: Node) -> bool:
    return node.prim.partials is not None and node.prim.name not in PLAIN | KINKS


def inside(search: Search) -> Inside | None:
    """The formula's targets; None where the engine cannot give them."""
    if not search.oracle.exact or not len(search.samples.X):
        return None
    try:
        return Inside(search)
    except (ad.TraceError, GuardMiss, ArithmeticError, ValueError):
        return None


def around_extremes(search: Search) -> Iterator[Vector]:
    """Points near extremes of the arguments of curved operations, where the curvature along some line is lowest."""
    formula = search.formula
    if formula is None:
        return
    for target in formula.curved:
        for sign in (1.0, -1.0):
            if not search.afford():
                return
            center = formula.extreme(target, sign)
            for _ in range(WAYS):
                yield _lowest_around(search, center)


def _lowest_around(search: Search, center: Vector) -> Vector:
    """The point of a line from `center` where the curvature along it, relative to the largest met, is lowest."""
    d = search.hull(search.scale * search.rng.standard_normal(center.size))
    d /= float(np.max(np.abs(d) / search.scale))
    if search.region.chord(center, d)[1] < search.region.chord(center, -d)[1]:
        d = -d
    points = [search.region.project(center + min(r, search.region.chord(center, d)[1]) * d) for r in RADII]
    bends = np.array([search.oracle.bend(x, d).value for x in points])
    return points[int(np.nanargmin(bends))] if np.isfinite(bends).any() else center


def across_kinks(search: Search) -> Iterator[tuple[Vector, Vector]]:
    """(x, d): a point on a kink's or branch's surface, and the direction across it."""
    formula = search.formula
    if formula is None:
        return
    for target in formula.kinks:
        if not search.afford():
            return
        low, high = formula.extreme(target, 1.0), formula.extreme(target, -1.0)
        if not formula(target, low)[0] < 0 < formula(target, high)[0]:
            continue
        for _ in range(HALVINGS):
            x = search.region.project((low + high) / 2)
            below = formula(target, x)[0] < 0
            low, high = (x, high) if below else (low, x)
        d = search.scale**2 * formula(target, high)[1]
        if np.isfinite(d).all() and d.any():
            yield high, d
