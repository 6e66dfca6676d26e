"""The computational graph as data for a picture: what stands in each box, with values and adjoints; and as DOT text."""

from __future__ import annotations

import inspect
import itertools
import sys
from collections.abc import Callable, Iterator, Sequence
from types import CodeType
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse

from .. import pytree
from ..graph import INPUT, NO_PARAMS, Graph, Node
from ..primitive import PRIMITIVES, Tracer
from .evaluate import apply
from .labels import call_text, number, size, summary
from .reverse import reverse

KINDS = ("input", "constant", "operation", "output")


class Box(NamedTuple):
    """One box: `name` is the user's or v1, v2, …; `text` the NumPy call that makes it (empty for what is given)."""

    kind: str
    name: str
    text: str
    shape: Any
    dtype: Any
    value: Any                           # None where it was not asked for
    adjoint: Any                         # ∂output/∂(this); None where there is none or it was not asked for

    @property
    def title(self) -> str:
        return f"{self.name} = {self.text}" if self.text else self.name


class Picture(NamedTuple):
    """Boxes in evaluation order, and edges (from, to) between their positions, which go forwards."""

    boxes: list[Box]
    edges: list[tuple[int, int]]


def picture(graph: Graph, values: bool = False, adjoints: bool = False) -> Picture:
    """The graph of its outputs, operation by operation, as it was recorded (guards are left out).

    values, adjoints : for recordings (`autodiff.trace`); adjoints for those of one number. Raises ValueError.
    """
    nodes = graph.live(graph.outputs, keep_guards=False)
    known = _values(graph, nodes) if values or adjoints else {}
    back = _adjoints(graph, nodes, known) if adjoints else {}
    names, outputs = Names(graph), {o for o in graph.outputs if type(o) is Node}
    boxes: list[Box] = []
    edges: list[tuple[int, int]] = []
    place: dict[Any, int] = {}           # node, or id of a constant array -> position
    for node in nodes:
        for a in node.inputs:
            if _is_array(a) and id(a) not in place:
                place[id(a)] = len(boxes)
                boxes.append(Box("constant", names.of(a), "", a.shape, a.dtype, a if values else None, None))
        sources = {place[a if type(a) is Node else id(a)]: None for a in node.inputs if type(a) is Node or _is_array(a)}
        edges += [(source, len(boxes)) for source in sources]
        place[node] = len(boxes)
        kind = "input" if node.prim is INPUT else "output" if node in outputs else "operation"
        text = "" if node.prim is INPUT else call_text(node, names.of)
        boxes.append(Box(kind, names.of(node), text, node.shape, node.dtype, known.get(node) if values else None,
                         back.get(node)))
    return Picture(boxes, edges)


def _is_array(a) -> bool:
    return isinstance(a, np.ndarray) and a.ndim > 0 or scipy.sparse.issparse(a)


def _values(graph: Graph, nodes: list[Node]) -> dict[Node, Any]:
    """What every node was in the run that was recorded."""
    kept = getattr(graph, "values", None)
    if not kept and nodes:
        raise ValueError("to_dot: this graph has no values; those that autodiff.trace(f, *args) returns have them")
    known: dict[Node, Any] = {}
    for node in nodes:
        value = kept[node.index]
        known[node] = apply(node, known) if value is None else value
    return known


def _adjoints(graph: Graph, nodes: list[Node], known: dict[Node, Any]) -> dict[Node, Any]:
    """∂output/∂node of every float node: reverse mode with respect to a zero that is added to each."""
    output = graph.outputs[0] if len(graph.outputs) == 1 else None
    if type(output) is not Node or output.shape or output.dtype.kind != "f":
        raise ValueError("to_dot: adjoints are those of one real number; let the function return one that depends on "
                         "its arguments")
    scratch, image, zeros, values = Graph(), {}, {}, {}
    scratch.safe = True
    for node in nodes:
        inputs = tuple([image[i] if type(i) is Node else i for i in node.inputs])
        made = image[node] = scratch.append(node.prim, inputs, node.params, node.shape, node.dtype)
        values[made] = known[node]
        if not isinstance(node.dtype, tuple) and node.dtype.kind in "fc":
            zeros[node] = scratch.append(INPUT, (), NO_PARAMS, node.shape, node.dtype)
            image[node] = scratch.append(PRIMITIVES["add"], (made, zeros[node]), NO_PARAMS, node.shape, node.dtype)
            values[image[node]], values[zeros[node]] = known[node], 0.0
    with np.errstate(all="ignore"):
        found = reverse(list(scratch.nodes), list(zeros.values()), [(image[output], 1.0)], values.__getitem__, scratch)
    return {node: np.broadcast_to(0.0 if ct is None else ct, node.shape) for node, ct in zip(zeros, found, strict=True)}


# --- names ------------------------------------------------------------------------------------------------------------


class Names:
    """A name for everything: that of the graph where it has one, else x, v1, v2, … and c1, c2, … for constants."""

    def __init__(self, graph: Graph):
        self.given, self.inputs, self.made = graph.names, graph.inputs, {}
        self.used = set(graph.names.values())
        self.fresh = {letter: map(f"{letter}{{}}".format, itertools.count(1)) for letter in "vc"}

    def of(self, a) -> str:
        """A node's or array's name; a number as it is written."""
        if type(a) is not Node and not _is_array(a):
            return number(a)
        key = a if type(a) is Node else id(a)
        name = self.given.get(key) or self.made.get(key)
        if name is None:
            if type(a) is Node and a.prim is INPUT:
                name = "x" if len(self.inputs) == 1 else f"x{a.params.get('number', a.index)}"
            else:
                name = next(n for n in self.fresh["v" if type(a) is Node else "c"] if n not in self.used)
            self.made[key] = name
            self.used.add(name)
        return name


def input_names(f: Callable, args: Sequence) -> list[str]:
    """A name for each leaf of the arguments: the parameter's, with its place in a tuple, list or dict: p['w'], x[0]."""
    try:
        known = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        known = []
    heads = [p.name for p in known if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    rest = next((p.name for p in known if p.kind is p.VAR_POSITIONAL), "x")
    heads += [f"{rest}[{k}]" for k in range(len(args) - len(heads))]
    if not known:
        heads = ["x"] if len(args) == 1 else [f"x{k}" for k in range(len(args))]
    return [name for head, arg in zip(heads, args, strict=False) for name in _leaf_names(head, pytree.flatten(arg)[1])]


def _leaf_names(name: str, structure) -> Iterator[str]:
    if structure == pytree.LEAF:
        yield name
        return
    kind, parts = structure
    fields = getattr(kind, "_fields", None)
    for k, part in enumerate(parts):
        if kind is dict:
            yield from _leaf_names(f"{name}[{part[0]!r}]", part[1])
        else:
            yield from _leaf_names(f"{name}.{fields[k]}" if fields else f"{name}[{k}]", part)


def trace_with_names(f: Callable, *args) -> Graph:
    """`autodiff.trace`, with the names that f gives to what it computes and to the arrays it refers to.

    f's own variables are read as it returns (a variable that was bound several times names its last value).
    """
    from ..recording import trace
    code, scope, before = _code(f), {}, sys.getprofile()
    if code is None or not (before is None or callable(before)):         # (cProfile's cannot be called, nor put back)
        return trace(f, *args)

    def watch(frame, event, result):
        if event == "return" and frame.f_code is code:
            used = {name: frame.f_globals[name] for name in code.co_names if name in frame.f_globals}
            scope.clear()
            scope.update(used | frame.f_locals)
        if before is not None:
            before(frame, event, result)
    sys.setprofile(watch)
    try:
        graph = trace(f, *args)
    finally:
        sys.setprofile(before)
    _name_values(graph, scope)
    return graph


def _code(f: Callable) -> CodeType | None:
    f = getattr(f, "func", f)
    f = f if hasattr(f, "__code__") or isinstance(f, type) else getattr(f, "__call__", f)     # noqa: B004
    return getattr(getattr(f, "__func__", f), "__code__", None)


def _name_values(graph, scope: dict[str, Any]) -> None:
    originals = {id(held.original): id(held.kept) for held in graph.held.values()}
    taken = set(graph.names.values())
    for name, value in scope.items():
        if type(value) is Tracer and value.graph is graph:
            key = value.node
        elif id(value) in originals:
            key = originals[id(value)]
        else:
            continue
        if key not in graph.names:
            while name in taken:
                name += "′"              # a parameter bound anew
            graph.names[key] = name
            taken.add(name)


# --- DOT --------------------------------------------------------------------------------------------------------------

_LOOK = {"input": 'fillcolor="#dcebf5" color="#0072B2"', "constant": 'fillcolor="#eeeeee" color="#999999"',
         "operation": 'fillcolor="white" color="#333333"', "output": 'fillcolor="#d9f0e7" color="#009E73"'}


def dot(graph: Graph, values: bool = False, adjoints: bool = False) -> str:
    """The graph in the DOT language of Graphviz (dot -Tsvg). Gansner & North 2000."""
    drawn = picture(graph, values, adjoints)
    lines = ["digraph {", '  node [shape=box style="rounded,filled" fontname="Helvetica" fontsize=11]']
    for k, box in enumerate(drawn.boxes):
        text = [box.title, size(box)]
        text += [summary(box.value)] if values else []
        text += [f"∂/∂{box.name} = {summary(box.adjoint)}"] if box.adjoint is not None else []
        lines.append(f"  n{k} [label={_quoted(text)} {_LOOK[box.kind]}]")
    lines += [f"  n{source} -> n{target}" for source, target in drawn.edges]
    return "\n".join([*lines, "}"])


def _quoted(lines: list[str]) -> str:
    return '"' + r"\n".join(line.replace("\\", r"\\").replace('"', r"\"") for line in lines if line) + '"'
