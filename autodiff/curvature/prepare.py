"""From a function to the graph whose curvature is examined: as recorded, over atoms, one-variable parts fused."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse

from ..errors import TraceError
from ..graph import Graph, Node, Static, exact_graph
from ..primitives.elementwise import STOP_GRADIENT
from ..recording import Located, record
from .recognise import recognised
from .ridge import clustered


class Prepared(NamedTuple):
    """graph : f over atoms and fused functions of one variable, with the input x and the scalar output f (a node, or a
    number where f is constant). recording : as f's own run gave it. Both know the lines of the user's code (`sites`).
    """

    graph: Graph
    x: Node
    f: Any
    recording: Graph

    @property
    def n(self) -> int:
        return self.x.size


def prepare(f: Callable, x: np.ndarray, facts: frozenset[str] = frozenset()) -> Prepared:
    """Record f at x (a flat or shaped float array) and recognise what it is made of.

    Raises TraceError where the code leaves what can be recorded, or f is not a real number.
    """
    return prepared(recorded(f, x), facts)


def recorded(f: Callable, x: np.ndarray) -> Graph:
    """f as its run at x gives it, with the lines of its code."""
    return record(f, (x,), lambda number: True, {}, True, Located)


def prepared(recording: Graph, facts: frozenset[str] = frozenset()) -> Prepared:
    if len(recording.outputs) != 1 or np.shape(_sample(recording.outputs[0])) != ():
        raise TraceError("the function must return one real number", "return a scalar: np.sum(...), x @ y, out[0]")
    graph = clustered(recognised(valued(recording), facts))
    return Prepared(graph, graph.inputs[0], graph.outputs[0], recording)


def _sample(output: Any) -> Any:
    return np.broadcast_to(0.0, output.shape) if type(output) is Node else output


def valued(recording: Graph) -> Graph:
    """The recording as a function of its values: where a derivative was stopped the value still moves."""
    g = exact_graph()
    image: dict[Node, Any] = {i: g.input(i.shape, i.dtype) for i in recording.inputs}
    for node in recording.live(recording.outputs):
        if node in image:
            continue
        g.site = recording.sites.get(node)
        if not isinstance(node.dtype, tuple) and node.dtype.kind == "u":
            raise TraceError("unsigned integers wrap around, which no proof here takes into account",
                             "use signed integers or floats")
        inputs = tuple([image[i] if type(i) is Node else i for i in node.inputs])
        if node.prim is STOP_GRADIENT:
            image[node] = inputs[0]
        elif "body" in node.params and node.prim.name == "checkpoint":
            raise TraceError("checkpoint: its body is not looked into by the convexity module",
                             "call the function without autodiff.checkpoint")
        else:
            image[node] = g.share(node.prim, inputs, node.params)
    g.outputs = tuple([image[o] if type(o) is Node else o for o in recording.outputs])
    return g


def graph_hash(recording: Graph) -> str:
    """SHA-256 of the operations, their parameters and all constants: equal for equal formulas on equal data."""
    digest, number = hashlib.sha256(), dict[Node, int]()
    for node in recording.live(recording.outputs):
        number[node] = len(number)
        digest.update(f"{node.prim.name}{node.shape}{node.dtype}".encode())
        for item in [*node.inputs, *(v for _, v in sorted(node.params.items()))]:
            _absorb(digest, item, number)
    for output in recording.outputs:
        _absorb(digest, output, number)
    return digest.hexdigest()


def _absorb(digest: Any, item: Any, number: dict[Node, int]) -> None:
    if type(item) is Node:
        digest.update(f"%{number[item]}".encode())
    elif scipy.sparse.issparse(item):
        for part in (item.tocoo().row, item.tocoo().col, item.tocoo().data):
            _absorb(digest, part, number)
    elif isinstance(item, np.ndarray):
        digest.update(f"{item.shape}{item.dtype}".encode() + np.ascontiguousarray(item).tobytes())
    elif isinstance(item, Static):
        _absorb(digest, item.value, number)
    elif isinstance(item, (tuple, list)):
        digest.update(f"({len(item)}".encode())
        for part in item:
            _absorb(digest, part, number)
    else:
        digest.update(f"{type(item).__name__}{item!r}".encode())
