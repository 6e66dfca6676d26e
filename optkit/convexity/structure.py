"""Blocks of variables that f does not mix: f(x) = Σ_c f_c(x_c) + linear, so that the Hessian is block diagonal.

Read from the flow of values, not of derivatives: a kink of max(x, y) mixes x and y although its Hessian is 0 elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import scipy.sparse

from autodiff.curvature.prepare import valued
from autodiff.curvature.rows import is_linear
from autodiff.curvature.second import SecondOrder
from autodiff.graph import Graph, Node, dependents
from autodiff.interpreters.pattern import Pattern, dense, spread, stack, unit, unite
from autodiff.interpreters.sparsity import RULES
from autodiff.primitive import shape_of
from autodiff.primitives.elementwise import CAST, WHERE


def blocks(second: SecondOrder) -> list[tuple[int, ...]]:
    """The finest blocks, ordered by their first variable; variables in which f is linear form one block together.

    Read from f as it was recorded and from the operations recognised in it: what either keeps apart is apart. Costs a
    pass over both and memory for which entries depend on which variables; where that is too much, there is one block.
    """
    prepared = second.prepared
    labels = [_labels(graph) for graph in (prepared.graph, valued(prepared.recording))]
    rows = np.where((np.array(labels) < 0).any(axis=0), -1, np.array(labels))
    found: dict[bytes, list[int]] = {}
    for i, row in enumerate(rows.T):
        found.setdefault(row.tobytes(), []).append(i)
    return sorted(map(tuple, found.values()))


def _labels(graph: Graph) -> np.ndarray:
    """The number of each variable's block, −1 where f is linear in it."""
    x, n = graph.inputs[0], graph.inputs[0].size
    try:
        terms = _terms(graph, x)
    except (ValueError, MemoryError):
        return np.zeros(n, int)
    curved = np.zeros(n, bool)
    for t in terms:
        curved[t.indices] = True
    return np.where(curved, _components(terms, n), -1)


def _components(terms: list[Pattern], n: int) -> np.ndarray:
    """Numbers of the connected components of variables, two being joined by a term that depends on both."""
    edges, first = [], n
    for t in terms:
        rows = np.repeat(np.arange(t.size), np.diff(t.indptr))
        edges.append(np.stack([first + rows, t.indices]))
        first += t.size
    pairs = np.concatenate(edges, axis=1) if edges else np.zeros((2, 0), int)
    graph = scipy.sparse.coo_array((np.ones(pairs.shape[1], np.bool_), (pairs[0], pairs[1])), (first, first))
    return scipy.sparse.csgraph.connected_components(graph, directed=False)[1][:n]


def _terms(graph: Graph, x: Node) -> list[Pattern]:
    """Patterns of the summands of f, and of the conditions on which its recording rests: what each depends on."""
    varying = dependents(graph.nodes, (x,))
    tops = [*_summands(graph.outputs[0], x, varying), *(g for g in graph.guards if g in varying)]
    reached = _reached(graph, x, tops)
    return [reached[node] for node in tops]


def _summands(f: Any, x: Node, varying: set[Node]) -> Iterable[Node]:
    """The operations that are not linear, and of which f is a linear combination."""
    left, seen = [f] if f in varying else [], {x}
    while left:
        node = left.pop()
        if node in seen:
            continue
        seen.add(node)
        variable = tuple(k for k, i in enumerate(node.inputs) if type(i) is Node and i in varying)
        if is_linear(node, variable) and not any(_decides(node.inputs[k]) for k in variable):
            left += [node.inputs[k] for k in variable]
        else:
            yield node


def _decides(item: Any) -> bool:
    """Whether an input is a truth value or an index."""
    return not isinstance(item.dtype, tuple) and item.dtype.kind in "biu"


def _reached(graph: Graph, x: Node, wanted: list[Node]) -> dict[Node, Any]:
    """For each entry of the nodes before `wanted`, the variables that its value may depend on."""
    patterns: dict[Node, Any] = {x: unit(0, x.size, x.size)}
    for node in graph.live(wanted, keep_guards=False, given=patterns):
        given = [patterns.get(i) if type(i) is Node else None for i in node.inputs]
        if node not in patterns and any(p is not None for p in given):
            patterns[node] = _reach(node, given)
    return {node: _one(patterns[node]) for node in wanted}


def _one(pattern: Any) -> Pattern:
    """One pattern for all outputs of a node that has several."""
    return pattern if isinstance(pattern, Pattern) else stack(list(pattern))


def _reach(node: Node, given: list) -> Any:
    """Entry by entry for elementwise rows, by the rows of the sparsity interpreter, else everything."""
    prim = node.prim
    if prim.partials is not None or prim in (WHERE, CAST) or "elementwise" in node.params:
        return unite([p and spread(p, shape_of(i), node.shape) for i, p in zip(node.inputs, given, strict=True)])
    transpose = prim.transpose
    if transpose is not None and any(p is not None and transpose[k] is None for k, p in enumerate(given)):
        return dense(node, given)                 # it goes by the value of an input that its derivative does not see
    return RULES.get(prim, dense)(node, given)
