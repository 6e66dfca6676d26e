"""Clusters: elementwise operations that depend on the input through one array u only, entry by entry.

`fused` writes what is read of each cluster as one operation on u.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from ..graph import CONSTANT, GUARD, INPUT, Graph, Node, exact_graph
from ..primitive import PRIMITIVES
from ..primitives.elementwise import (
    ADD,
    BOOL,
    CAST,
    DIVIDE,
    F64,
    MULTIPLY,
    NEGATIVE,
    POSITIVE_OP,
    SCALE,
    SQUARE,
    STOP_GRADIENT,
    SUBTRACT,
    WHERE,
)
from ..simplify import SIGMOID, SOFTPLUS
from .body import extracted, own_inputs
from .closed_rows import CLOSED
from .jets import JETS
from .pieces import ORDERS, TRUTHS

KNOWN = {*JETS, *CLOSED, *ORDERS, *TRUTHS, "huber", "heaviside"}
KINDS = {PRIMITIVES[name] for name in KNOWN if name in PRIMITIVES} | {SOFTPLUS, SIGMOID, WHERE, CAST}
KINDS -= {INPUT, CONSTANT, GUARD, STOP_GRADIENT}
LOGIC = {PRIMITIVES[name] for name in (*ORDERS, *TRUTHS, "isnan", "isinf", "isfinite", "copy")} | {WHERE, CAST}
AFFINE, QUADRATIC, CURVED = 1, 2, 3
FEW = 64                # values of the constants up to which a cluster stays one


class Bases:
    """For each node its base u and what it is as a function of u: affine, a sum of squares of such, or anything."""

    def __init__(self, graph: Graph):
        self.live = graph.live(graph.outputs)
        self.base: dict[Node, Node] = {}
        self.kind: dict[Node, int] = {}
        self.uses: Counter = Counter(o for o in graph.outputs if type(o) is Node)
        for node in self.live:
            own = [i for i in own_inputs(node) if type(i) is Node]
            self.uses.update(i for i in node.inputs if type(i) is Node)
            base = self._base(node, own)
            self.base[node] = base
            self.kind[node] = AFFINE if base is node else self._kind(node, own)

    def _base(self, node: Node, own: list[Node]) -> Node:
        if node.prim not in KINDS or not own or node.dtype != F64 and (node.dtype != BOOL or node.prim not in LOGIC):
            return node
        bases = {self.base[i] for i in own}
        if len(bases) != 1 or any(i.shape != node.shape for i in own):
            return node
        base = bases.pop()
        return base if base.dtype == F64 else node

    def _kind(self, node: Node, own: list[Node]) -> int:
        kinds = [self.kind[i] for i in own]
        if node.prim in (ADD, SUBTRACT, NEGATIVE, POSITIVE_OP) or node.prim in (MULTIPLY, SCALE) and len(own) == 1 or (
                node.prim is DIVIDE and type(node.inputs[1]) is not Node):
            return max(kinds)
        return QUADRATIC if node.prim is SQUARE and kinds == [AFFINE] else CURVED

    def fused(self, node: Node) -> bool:
        return self.kind[node] == CURVED and node.dtype.kind == "f"


def finished(g: Graph, graph: Graph, image: dict) -> Graph:
    g.site = None
    g.outputs = tuple([image[o] if type(o) is Node else o for o in graph.outputs])
    g.names = {image[key] if type(key) is Node and key in image else key: name for key, name in graph.names.items()}
    return g


def fused(graph: Graph, ridge: Callable) -> Graph:
    """Each curved member of a cluster that is read outside of it as ridge(g, u's image, body, constants)."""
    bases, g = Bases(graph), exact_graph()
    plans: dict[Node, tuple] = {}
    needed: set[Node] = set(graph.inputs)
    stack = [n for n in (*graph.outputs, *graph.guards) if type(n) is Node]
    while stack:
        node = stack.pop()
        if node in needed:
            continue
        needed.add(node)
        if bases.fused(node):
            plans[node] = _plan(node, bases)
            stack += plans[node][1]
        else:
            stack += [i for i in node.inputs if type(i) is Node]
    image: dict[Node, Any] = {i: g.input(i.shape, i.dtype) for i in graph.inputs}
    for node in sorted(needed, key=lambda n: n.index):
        if node not in image:
            g.site = graph.sites.get(_unscaled(node, bases) if node in plans else node)
            if node in plans:
                image[node] = plans[node][0](g, image, ridge)
            else:
                image[node] = g.share(node.prim, tuple([image[i] if type(i) is Node else i for i in node.inputs]),
                                      node.params)
    return finished(g, graph, image)


def _unscaled(node: Node, bases: Bases) -> Node:
    """The operation of which a cluster's last one is a multiple: its line of code says more than that of a factor."""
    variable = [i for i in node.inputs if type(i) is Node]
    while node.prim in (MULTIPLY, SCALE, NEGATIVE) and len(variable) == 1 and bases.fused(variable[0]):
        node = variable[0]
        variable = [i for i in node.inputs if type(i) is Node]
    return node


def _plan(node: Node, bases: Bases) -> tuple[Callable, list[Node]]:
    """(how to write a curved member, the nodes that it reads): terms with constants that differ from entry to entry
    and are affine, or only scale, stand outside; the rest is one function of the last affine node that decides it."""
    steps = _steps(node, bases)
    body, constants = extracted(steps, bases.base[node], node)
    if constants and node.prim in (ADD, SUBTRACT, NEGATIVE, MULTIPLY, DIVIDE):
        variable = [i for i in node.inputs if type(i) is Node]
        many = values_of(constants, node.shape)[0].shape[0] > FEW
        apart = node.prim in (ADD, SUBTRACT) and any(bases.kind[i] == AFFINE for i in variable) or len(variable) == 1
        if apart or many and node.prim in (ADD, SUBTRACT, NEGATIVE):
            return (lambda g, image, ridge: g.share(node.prim, tuple(
                [image[i] if type(i) is Node else i for i in node.inputs]), node.params)), variable
    base = _last_affine(steps, bases, node)
    if base is not bases.base[node]:
        body, constants = extracted(steps[steps.index(base) + 1:], base, node)
    if type(body.graph.outputs[0]) is not Node:
        value = body.graph.outputs[0]
        return (lambda g, image, ridge: np.broadcast_to(np.float64(value), node.shape)), []
    return (lambda g, image, ridge: ridge(g, image[base], body, constants)), [base]


def _steps(node: Node, bases: Bases) -> list[Node]:
    """The cluster's operations that a member needs, in order."""
    base, seen, stack = bases.base[node], {node}, [node]
    while stack:
        for i in own_inputs(stack.pop()):
            if type(i) is Node and i is not base and i not in seen:
                seen.add(i)
                stack.append(i)
    return sorted(seen, key=lambda n: n.index)


def _last_affine(steps: list[Node], bases: Bases, node: Node) -> Node:
    """The last affine operation through which everything before it goes."""
    place = {n: k for k, n in enumerate(steps)}
    place[bases.base[node]] = -1
    last_read = dict.fromkeys(place, -1)
    for n in steps:
        for i in own_inputs(n):
            if type(i) is Node:
                last_read[i] = max(last_read[i], place[n])
    found, reach = bases.base[node], last_read[bases.base[node]]
    for n in steps[:-1]:
        if reach <= place[n] and bases.kind[n] == AFFINE and n.dtype.kind == "f":
            found = n
        reach = max(reach, last_read[n])
    return found


def values_of(constants: tuple, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """(the different values that the constants take together, for each entry the number of its own)."""
    rows = np.stack([np.broadcast_to(np.asarray(c, float), shape).ravel() for c in constants], axis=1)
    found, number = np.unique(rows, axis=0, return_inverse=True)
    return found, number.ravel()
