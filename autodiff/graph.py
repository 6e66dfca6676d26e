"""The recording: a straight-line list of primitive operations, and the one place where they are appended to it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Container, Iterable, Sequence
from typing import Any

import numpy as np

from .primitive import NO_PARAMS, PRIMITIVES, Primitive, Tracer, bind

_serial = itertools.count()
_UNITS = (1.0, -1.0)
REWRITES: dict[Primitive, Any] = {}   # primitive -> rewrite(graph, inputs, params): an equal, cheaper node or None


class Node:
    """One operation in a graph. `inputs` are nodes and constants (arrays by reference, Python scalars)."""

    __slots__ = ("prim", "inputs", "params", "shape", "dtype", "index")

    def __init__(self, prim: Primitive, inputs: tuple, params: dict, shape: tuple[int, ...], dtype: np.dtype,
                 index: int):
        self.prim, self.inputs, self.params = prim, inputs, params
        self.shape, self.dtype, self.index = shape, dtype, index

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    def __repr__(self) -> str:
        return f"%{self.index}"


class Static:
    """A parameter compared by content and hashed (an index, a mask, the expected value of a guard)."""

    __slots__ = ("value", "key")

    def __init__(self, value: Any):
        self.value, self.key = value, static_key(value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Static) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return short(self.value)


def static_key(value: Any):
    if isinstance(value, tuple):
        return tuple(map(static_key, value))
    if isinstance(value, slice):
        return ("slice", value.start, value.stop, value.step)
    if isinstance(value, np.ndarray):
        return (value.shape, value.dtype.str, value.tobytes())
    return (type(value), value)


def constant_key(value: Any):
    """Key under which two constants are the same: by identity for arrays, by type and bits for scalars."""
    if isinstance(value, float):
        return (type(value), value.hex())
    if isinstance(value, complex):
        return (type(value), repr(value))
    if isinstance(value, (int, np.generic)):
        return (type(value), value)
    return id(value)


def common_key(prim: Primitive, inputs: tuple, params: dict) -> tuple:
    """What two equal operations have in common."""
    return (prim, *[i if type(i) is Node else constant_key(i) for i in inputs], *(params.items() if params else ()))


class Graph:
    """A function as data: `inputs`, `nodes` in evaluation order, `outputs` (nodes or constants), `guards`.

    Appending happens through `record` (handles, used by rules written in NumPy) or `emit` (bare nodes); both simplify
    and share common subexpressions. A graph derived from another shares its nodes, so indices stay valid.
    """

    def __init__(self, source: Graph | None = None):
        self.serial = next(_serial)
        self.nodes: list[Node] = list(source.nodes) if source is not None else []
        self.inputs: list[Node] = list(source.inputs) if source is not None else []
        self.outputs: tuple = source.outputs if source is not None else ()
        self.guards: list[Node] = list(source.guards) if source is not None else []
        self.table: dict = dict(source.table) if source is not None else {}
        self.names: dict[Any, str] = {}      # of nodes, and of constant arrays by id: for people to read
        self.site: Any = None                # the line of code that the nodes appended now stand for, where it is kept
        self.sites: dict[Node, Any] = {}
        self.exact = source is not None and source.exact    # literals are combined only where that does not round
        self.safe = source is not None and source.safe      # zero times an infinite derivative is zero (DESIGN 3.6)

    def input(self, shape: tuple[int, ...], dtype: np.dtype) -> Node:
        node = self.append(INPUT, (), {"number": len(self.inputs)}, shape, dtype)
        self.inputs.append(node)
        return node

    def append(self, prim: Primitive, inputs: tuple, params: dict, shape: tuple[int, ...], dtype: np.dtype) -> Node:
        node = Node(prim, inputs, params, shape, dtype, len(self.nodes))
        self.nodes.append(node)
        if self.site is not None:
            self.sites[node] = self.site
        return node

    def emit(self, prim: Primitive, inputs: tuple, params: dict = NO_PARAMS):
        """Append an operation on nodes and constants, or return an equal node or constant that is already there."""
        rewrite = REWRITES.get(prim)
        if rewrite is not None:
            better = rewrite(self, inputs, params)
            if better is not None:
                return better
        return self.share(prim, inputs, params)

    def share(self, prim: Primitive, inputs: tuple, params: dict = NO_PARAMS) -> Node:
        """Append an operation as it stands, unless the same one is already there."""
        key = common_key(prim, inputs, params)
        node = self.table.get(key)
        if node is None:
            shape, dtype = prim.shape(*inputs, **params)
            node = self.table[key] = self.append(prim, inputs, params, shape, dtype)
            if is_guarding(prim, params):
                self.guards.append(node)
        return node

    def find(self, prim: Primitive, inputs: tuple, params: dict = NO_PARAMS) -> Node | None:
        """The node of this operation if the graph has it."""
        return self.table.get(common_key(prim, inputs, params))

    def record(self, prim: Primitive, args: tuple, params: dict = NO_PARAMS):
        """The same with handles in and out, as `bind` calls it."""
        return self.handle(self.emit(prim, tuple(map(self.bare, args)), params))

    def bare(self, handle):
        """The node behind a tracer of this graph; constants, and tracers of an enclosing recording, pass through."""
        return handle.node if type(handle) is Tracer and handle.graph is self else handle

    def handle(self, value):
        """A tracer for a node of this graph; constants pass through."""
        return Tracer(self, value, None) if type(value) is Node else value

    def scale(self, a, factor):
        """A tangent or cotangent times a derivative."""
        if type(factor) is float and factor in _UNITS:
            return a if factor == 1.0 else -a
        if type(a) is float and a == 1.0 and not self.safe:
            return factor
        return bind(PRIMITIVES["scale" if self.safe else "multiply"], (a, factor))

    def inline(self, graph: Graph, arguments: Sequence) -> dict[Node, Any]:
        """Append another graph's live nodes (composites by their definition); returns its nodes' images here."""
        image: dict[Node, Any] = dict(zip(graph.inputs, arguments, strict=True))
        for node in graph.live(graph.outputs):
            if node in image:
                continue
            self.site = graph.sites.get(node)
            inputs = tuple([image[i] if type(i) is Node else i for i in node.inputs])
            if node.prim.expand is not None:
                out = node.prim.expand(*map(self.handle, inputs), **node.params)
                image[node] = self.bare(out)
            else:
                image[node] = self.emit(node.prim, inputs, node.params)
        return image

    def live(self, outputs: Iterable, keep_guards: bool = True, given: Container[Node] = ()) -> list[Node]:
        """The nodes that outputs (and guards) need beyond the given ones, in evaluation order."""
        stack = [o for o in outputs if type(o) is Node]
        if keep_guards:
            stack += self.guards
        seen: set[Node] = set()
        while stack:
            node = stack.pop()
            if node not in seen:
                seen.add(node)
                if node in given:
                    continue
                stack += [i for i in node.inputs if type(i) is Node]
        return sorted(seen, key=lambda node: node.index)

    def __len__(self) -> int:
        return len(self.live(self.outputs))

    def to_dot(self, values: bool = False, adjoints: bool = False) -> str:
        """The computational graph in Graphviz's language; with forward values, with ∂output/∂(each node)."""
        from .interpreters.draw import dot
        return dot(self, values, adjoints)

    def to_sympy(self, symbols: Sequence | None = None):
        """The outputs as SymPy expressions: a number as one, an array as a sympy.Array of them.

        symbols : one an input, a SymPy symbol, an array of them, or a name; by default named as f's parameters.
        Needs SymPy (pip install optkit[sympy]). Raises TraceError on operations that SymPy has no formula for.
        """
        from .interpreters.symbolic import to_sympy
        return to_sympy(self, symbols)

    def __str__(self) -> str:
        head = ", ".join(f"{n}: {_type(n)}" for n in self.inputs)
        lines = [f"graph({head}):"]
        for n in self.live(self.outputs):
            if n.prim is not INPUT:
                args = [repr(i) if type(i) is Node else short(i) for i in n.inputs]
                args += [f"{k}={short(v)}" for k, v in n.params.items()]
                lines.append(f"  {n}: {_type(n)} = {n.prim}({', '.join(args)})")
        outs = [repr(o) if type(o) is Node else short(o) for o in self.outputs]
        return "\n".join([*lines, f"  return {', '.join(outs)}"])

    __repr__ = __str__


def exact_graph() -> Graph:
    """An empty graph whose formula stays what it is in real arithmetic while it is rewritten."""
    graph = Graph()
    graph.exact = True
    return graph


def is_guarding(prim: Primitive, params: dict) -> bool:
    """Whether an operation checks something: a guard, or a call (checkpoint.py) with guards inside."""
    return prim is GUARD or "body" in params and params["body"].guarded


def dependents(nodes: Iterable[Node], roots: Iterable[Node]) -> set[Node]:
    """The nodes whose value depends on the roots (roots included)."""
    found = set(roots)
    for node in nodes:
        if any(type(i) is Node and i in found for i in node.inputs):
            found.add(node)
    return found


def _type(node: Node) -> str:
    brief = {"float64": "f64", "float32": "f32", "int64": "i64", "complex128": "c128"}
    dtype = brief.get(str(node.dtype), str(node.dtype))
    return f"{dtype}[{','.join(map(str, node.shape))}]"


def short(value: Any) -> str:
    if isinstance(value, Static):
        value = value.value
    if isinstance(value, tuple):
        return "(" + ", ".join(map(short, value)) + ("," if len(value) == 1 else "") + ")"
    if isinstance(value, slice):
        return ":".join("" if v is None else str(v) for v in (value.start, value.stop)) + (
            f":{value.step}" if value.step is not None else "") or ":"
    if isinstance(value, np.ndarray) and value.size > 4:
        return f"array<{value.dtype},{'x'.join(map(str, value.shape))}>"
    if isinstance(value, Tracer):
        return f"<traced {value.node}>"
    text = repr(value)
    return text if len(text) <= 40 else f"<{type(value).__name__}>"


def _no_evaluation(*_, **__):
    raise RuntimeError("an input has no evaluation: its value is an argument of the interpreter")


def _check_guard(value, expected: Static):
    from .errors import GuardMiss
    if not np.array_equal(value, expected.value):
        raise GuardMiss
    return value


INPUT = Primitive("input", _no_evaluation, _no_evaluation, partials=())
CONSTANT = Primitive("constant", lambda value: value, lambda value: (value.shape, value.dtype), partials=(None,))
GUARD = Primitive("guard", _check_guard, lambda value, expected: (value.shape, value.dtype), partials=(None,))
