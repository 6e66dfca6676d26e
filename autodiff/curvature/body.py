"""A function of one real variable as a scalar program: what a fused cluster of elementwise operations computes.

A body is a Graph whose inputs are u and the constants that differ from entry to entry; it is compared by content, run
on arrays, differentiated by the engine, and printed as a formula.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..graph import Graph, Node, constant_key, exact_graph
from ..interpreters.evaluate import apply
from ..interpreters.forward import forward
from ..primitive import PRIMITIVES, Primitive, shape_of
from ..primitives.elementwise import (
    ABSOLUTE,
    ADD,
    CAST,
    DIVIDE,
    EXP,
    LOG,
    LOGADDEXP,
    MULTIPLY,
    NEGATIVE,
    POWER,
    SQRT,
    SQUARE,
)
from ..primitives.special import EXPIT
from ..simplify import SIGMOID, SOFTPLUS, is_literal, is_op

LOG1P, LOG_EXPIT = PRIMITIVES["log1p"], PRIMITIVES["log_expit"]


class Body:
    """A scalar program. Hashable by what it computes, operation by operation."""

    __slots__ = ("graph", "key", "_derivatives", "_ranges")
    guarded = False

    def __init__(self, graph: Graph):
        self.graph, self.key = graph, _content(graph)
        self._derivatives: list[Graph] = [graph]
        self._ranges: dict[tuple | None, Any] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Body) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return self.text()

    def derivative(self, order: int) -> Graph:
        """The program of the derivative in u, by the engine; conventions at kinks are those of its rows."""
        while len(self._derivatives) <= order:
            g = Graph(self._derivatives[-1])
            g.safe = True
            found = forward(g, g.live(g.outputs, keep_guards=False), {g.inputs[0]: 1.0})
            output, = g.outputs
            g.outputs = (g.bare(found.get(output, 0.0)) if type(output) is Node else 0.0,)
            self._derivatives.append(g)
        return self._derivatives[order]

    def run(self, values: Sequence, order: int):
        """The order-th derivative at arrays (u, *constants)."""
        graph = self.derivative(order)
        output, = graph.outputs
        if type(output) is not Node:
            return np.broadcast_to(np.float64(output), np.shape(values[0]))
        known: dict[Node, Any] = dict(zip(graph.inputs, values, strict=True))
        with np.errstate(all="ignore"):
            for node in graph.live(graph.outputs, keep_guards=False, given=known):
                if node not in known:
                    known[node] = apply(node, known)
        return np.broadcast_to(known[output], np.shape(values[0])) if np.shape(known[output]) != np.shape(
            values[0]) else known[output]

    def text(self, name: str = "u") -> str:
        """The formula, in the operations that the user wrote."""
        return formula(self.graph, name)


def _content(graph: Graph) -> tuple:
    number: dict[Node, int] = {}
    out: list = []
    for node in [*graph.inputs, *graph.live(graph.outputs, keep_guards=False)]:
        if node not in number:
            number[node] = len(number)
            inputs = tuple([number[i] if type(i) is Node else constant_key(i) for i in node.inputs])
            out.append((node.prim.name, inputs, tuple(node.params.items()), node.dtype.str))
    output, = graph.outputs
    return (*out, number[output] if type(output) is Node else constant_key(output))


def rewritten(graph: Graph, rule: Callable[[Graph, Node, tuple], Any]) -> Graph:
    """A copy of a program with operations replaced: rule(new graph, node, its inputs there) -> node or number."""
    g = exact_graph()
    image: dict[Node, Any] = {i: g.input(i.shape, i.dtype) for i in graph.inputs}
    for node in graph.live(graph.outputs, keep_guards=False):
        if node not in image:
            image[node] = rule(g, node, tuple([image[i] if type(i) is Node else i for i in node.inputs]))
    output, = graph.outputs
    g.outputs = (image[output] if type(output) is Node else output,)
    return g


def extracted(nodes: Sequence[Node], base: Node, output: Node) -> tuple[Body, tuple]:
    """(body, constant arrays) of what `nodes`, in order, make of the base."""
    g = exact_graph()
    u = g.input((), base.dtype)
    image: dict[Node, Any] = {base: u}
    held: dict[int, tuple[Node, Any]] = {}

    def known(value):
        if type(value) is Node:
            return image[value]
        number = one_number(value)
        if number is not None:
            return number
        if id(value) not in held:
            held[id(value)] = g.input((), value.dtype), value
        return held[id(value)][0]

    for node in nodes:
        image[node] = canonical(g, node, tuple([known(i) if type(i) is not Node or i in image else None
                                                for i in node.inputs]))
    g.outputs = (image[output],)
    used = set(g.live(g.outputs, keep_guards=False))
    kept = [pair for pair in held.values() if pair[0] in used]
    g.inputs = [u, *(node for node, _ in kept)]
    return Body(g), tuple(value for _, value in kept)


def one_number(value: Any):
    """The number that a constant is in all its entries, or None."""
    if is_literal(value):
        return value
    if shape_of(value) == () or value.size and not any(value.strides):
        return value.flat[0].item()
    first = value.flat[0] if value.size else None
    return first.item() if first is not None and bool(np.all(value == first)) else None


def own_inputs(node: Node) -> tuple:
    """The inputs that a row's value depends on, beside those that only hold the value."""
    return {SOFTPLUS: node.inputs[1:2], SIGMOID: node.inputs[1:2]}.get(node.prim, node.inputs)


def canonical(g: Graph, node: Node, inputs: tuple):
    """Rows that only hold a value, as what it is; √(v²) and (v²)^p as |v| and |v|^2p; casts to truth as v ≠ 0."""
    if node.prim is SOFTPLUS:
        return g.share(LOGADDEXP, (0.0, inputs[1]))
    if node.prim is SIGMOID:
        return g.share(EXPIT, (inputs[1],))
    if node.prim is CAST and node.dtype.kind == "b":
        return g.emit(PRIMITIVES["not_equal"], (inputs[0], 0.0))
    if node.prim is SQRT and is_op(inputs[0], SQUARE):
        return g.emit(ABSOLUTE, inputs[0].inputs)
    if node.prim is POWER and is_op(inputs[0], SQUARE) and is_literal(inputs[1]) and inputs[1] % 1:
        return g.emit(POWER, (g.emit(ABSOLUTE, inputs[0].inputs), 2.0 * inputs[1]))
    return emitted(g, node.prim, inputs, node.params)


def emitted(g: Graph, prim: Primitive, inputs: tuple, params: dict):
    """The operation, simplified, but not in the pieces in which softplus is computed."""
    return g.share(prim, inputs) if prim is LOGADDEXP else g.emit(prim, inputs, params)


def stable(graph: Graph) -> Graph:
    """The same function over rows whose derivatives are known without cancellation."""
    return rewritten(graph, _stable)


def _stable(g: Graph, node: Node, inputs: tuple):
    prim = node.prim
    if prim is LOG or prim is LOG1P:
        inner = _one_plus_exp(inputs[0]) if prim is LOG else _exponent(inputs[0])
        if inner is not None:
            return g.share(LOGADDEXP, (0.0, inner))
        if is_op(inputs[0], EXPIT):
            return g.share(LOG_EXPIT, inputs[0].inputs)
    if prim is DIVIDE:
        top, bottom = inputs
        inner = _one_plus_exp(bottom)
        if inner is not None and _exponent(top) is inner:
            return g.share(EXPIT, (inner,))
        if inner is not None and is_literal(top):
            return g.emit(MULTIPLY, (top, g.share(EXPIT, (g.emit(NEGATIVE, (inner,)),))))
    if prim is MULTIPLY:
        for a, b in (inputs, inputs[::-1]):
            if is_op(b, LOG) and b.inputs[0] is a:
                return g.emit(NEGATIVE, (g.share(PRIMITIVES["entr"], (a,)),))
    if prim.name == "pseudo_huber":
        return _pseudo_huber(g, *inputs)
    return emitted(g, prim, inputs, node.params)


def _pseudo_huber(g: Graph, d, r):
    """δ² (√(1 + (r/δ)²) − 1)."""
    one = g.emit(ADD, (1.0, g.emit(SQUARE, (g.emit(DIVIDE, (r, d)),))))
    return g.emit(MULTIPLY, (g.emit(SQUARE, (d,)), g.emit(ADD, (-1.0, g.emit(SQRT, (one,))))))


def _exponent(a):
    return a.inputs[0] if is_op(a, EXP) else None


def _one_plus_exp(a):
    """v where a = 1 + eᵛ."""
    if is_op(a, ADD):
        for one, other in (a.inputs, a.inputs[::-1]):
            if is_literal(one) and one == 1:
                return _exponent(other)
    return None


# --- formulas for people ----------------------------------------------------------------------------------------------

_INFIX: dict[str, tuple[str, int]] = {
    "add": (" + ", 1), "subtract": (" − ", 1), "multiply": ("·", 2), "scale": ("·", 2), "divide": ("/", 2),
    "less": (" < ", 0), "less_equal": (" ≤ ", 0), "greater": (" > ", 0), "greater_equal": (" ≥ ", 0),
    "logical_and": (" and ", 0), "logical_or": (" or ", 0)}
_RAISED = str.maketrans("0123456789-.", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻·")


def formula(graph: Graph, name: str) -> str:
    names = dict(zip(graph.inputs, [name, *("cdeghkmn"[k % 8] for k in range(len(graph.inputs) - 1))], strict=True))
    shown: dict[Node, tuple[str, int]] = {node: (text, 9) for node, text in names.items()}

    def of(item) -> tuple[str, int]:
        return shown[item] if type(item) is Node else (f"{item:.6g}".replace("-", "−"), 9 if item >= 0 else 1)

    for node in graph.live(graph.outputs, keep_guards=False, given=shown):
        if node not in shown:
            shown[node] = _shown(node, [of(i) for i in node.inputs])
            if len(shown[node][0]) > 200:
                return f"a function of {len(graph.live(graph.outputs))} operations"
    return of(graph.outputs[0])[0]


def _shown(node: Node, parts: list[tuple[str, int]]) -> tuple[str, int]:
    name = node.prim.name

    def inside(k: int, strength: int) -> str:
        text, own = parts[k]
        return text if own >= strength else f"({text})"

    if name in _INFIX:
        sign, strength = _INFIX[name]
        return inside(0, strength) + sign + inside(1, strength + (name in ("subtract", "divide"))), strength
    if name == "negative":
        return "−" + inside(0, 2), 1
    if name == "square":
        return inside(0, 4) + "²", 3
    if name == "power" and is_literal(node.inputs[1]):
        return inside(0, 4) + f"{node.inputs[1]:g}".translate(_RAISED), 3
    if name in ("absolute", "fabs"):
        return f"|{parts[0][0]}|", 9
    if name == "exp" and parts[0][0] in ("u", "−u"):
        return "eᵘ" if parts[0][0] == "u" else "e⁻ᵘ", 4
    if name == "astype":
        return parts[0]
    if name == "logaddexp" and node.inputs[0] == 0:
        return f"log(1 + {'eᵘ' if parts[1][0] == 'u' else f'exp({parts[1][0]})'})", 9
    return f"{name}({', '.join(text for text, _ in parts)})", 9
