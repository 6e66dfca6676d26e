"""Run a graph operation by operation, on arrays or on the tracers of an enclosing recording."""

from collections.abc import Iterable

from ..graph import Graph, Node
from ..primitive import bind


def evaluate(graph: Graph, known: dict, outputs: Iterable, keep_guards: bool = True) -> list:
    """Values of the outputs from known values, by node (of the inputs, or of inner nodes)."""
    outputs = list(outputs)
    values = dict(known)
    for node in graph.live(outputs, keep_guards, values):
        if node not in values:
            values[node] = apply(node, values)
    return [values[o] if type(o) is Node else o for o in outputs]


def apply(node: Node, values: dict):
    """One operation on known values."""
    return bind(node.prim, tuple([values[i] if type(i) is Node else i for i in node.inputs]), node.params)
