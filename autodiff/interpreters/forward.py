"""Forward mode: the tangent of every node, appended to the same graph in traced operations."""

from collections.abc import Iterable

import numpy as np

from ..graph import Graph, Node
from ..primitive import bind, shape_of
from ..primitives.shape import broadcast_to


def forward(graph: Graph, nodes: Iterable[Node], tangents: dict) -> dict:
    """Extend `tangents` (node -> handle; absent is zero) over the nodes, in order."""
    for node in nodes:
        given = [tangents.get(i) if type(i) is Node else None for i in node.inputs]
        if node in tangents or all(t is None for t in given):
            continue
        tangent = _tangent(graph, node, given)
        if type(tangent) is not tuple and tangent is not None and shape_of(tangent) != node.shape:
            tangent = broadcast_to(tangent, node.shape)
        if tangent is not None:
            tangents[node] = tangent
    return tangents


def _tangent(graph: Graph, node: Node, given: list):
    prim = node.prim
    inputs = [graph.handle(i) for i in node.inputs]
    out = graph.handle(node)
    if prim.partials is not None:
        parts = [graph.scale(t, partial(out, *inputs))
                 for t, partial in zip(given, prim.partials, strict=True) if t is not None and partial is not None]
        return _sum(parts)
    if prim.transpose is not None and prim.jvp is None:
        active = [i for i, t in enumerate(given) if t is not None and prim.transpose[i] is not None]
        if prim.multilinear:
            return _sum([bind(prim, (*inputs[:i], given[i], *inputs[i + 1:]), node.params) for i in active])
        moved = [given[i] if i in active else x if prim.transpose[i] is None else zeros(shape_of(x))
                 for i, x in enumerate(inputs)]
        return bind(prim, tuple(moved), node.params) if active else None
    if isinstance(node.dtype, tuple):
        out = tuple(bind_item(out, k) for k in range(len(node.dtype)))
    if prim.vjp is not None:
        from .reverse import turned
        return turned(graph, node, out, inputs, given)
    return prim.jvp(out, inputs, given, **node.params)


def bind_item(parts, number: int):
    from ..primitives.linalg import ITEM
    return bind(ITEM, (parts,), {"number": number})


def zeros(shape: tuple[int, ...]):
    return np.broadcast_to(np.zeros(()), shape) if shape else 0.0


def _sum(parts: list):
    total = None
    for part in parts:
        total = part if total is None else total + part
    return total
