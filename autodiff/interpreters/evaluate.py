"""Run a graph operation by operation, on arrays or on the tracers of an enclosing recording."""

from collections.abc import Iterable, Sequence

from ..graph import Graph, Node
from ..primitive import bind


def evaluate(graph: Graph, arguments: Sequence, known: dict | None = None, outputs: Iterable | None = None) -> list:
    """Values of the outputs. `known` holds values that need no evaluation (from a recording), by node."""
    outputs = graph.outputs if outputs is None else outputs
    values = dict(known) if known else {}
    values.update(zip(graph.inputs, arguments, strict=True))
    for node in graph.live(outputs):
        if node not in values:
            values[node] = bind(node.prim, tuple([values[i] if type(i) is Node else i for i in node.inputs]), node.params)
    return [values[o] if type(o) is Node else o for o in outputs]
