"""Run a graph operation by operation, on arrays or on the tracers of an enclosing recording."""

from collections.abc import Iterable

from ..graph import Graph, Node
from ..primitive import bind
from ..schedule import scheduled


def evaluate(graph: Graph, known: dict, outputs: Iterable, keep_guards: bool = True) -> list:
    """Values of the outputs from known values, by node (of the inputs, or of inner nodes).

    A value is let go when it has been read for the last time.
    """
    outputs = list(outputs)
    values = dict(known)
    nodes = scheduled([node for node in graph.live(outputs, keep_guards, values) if node not in values], outputs)
    last = {i: node for node in nodes for i in (node, *node.inputs) if type(i) is Node}
    last.update((o, None) for o in outputs if type(o) is Node)
    for node in nodes:
        values[node] = apply(node, values)
        for i in {node, *[i for i in node.inputs if type(i) is Node]}:
            if last[i] is node:
                del values[i]
    return [values[o] if type(o) is Node else o for o in outputs]


def apply(node: Node, values: dict):
    """One operation on known values."""
    return bind(node.prim, tuple([values[i] if type(i) is Node else i for i in node.inputs]), node.params)
