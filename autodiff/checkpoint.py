"""Memory for time: a part of a computation that is computed again in the backward pass instead of kept.

While a function is recorded, a checkpointed call becomes one operation, CALL, whose parameter is the graph of what the
call did. Tangent and cotangents of a CALL are calls too, which run that graph again. Evaluation lets the inner values
of a call go; code generation writes its graph out in its place, on inputs behind a BARRIER: operations are shared where
they are applied to the same nodes, and those of two calls never are.
Griewank & Walther 2008, Evaluating Derivatives, ch. 12.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import pytree, stand_ins
from .derive import primal, tangent
from .graph import INPUT, Graph, Node
from .interpreters import evaluate, reverse
from .interpreters.evaluate import apply
from .interpreters.forward import bind_item
from .primitive import Primitive, Tracer, bind, shape_of
from .primitives.elementwise import SCALE
from .primitives.shape import broadcast_to
from .recording import Recording, record_into
from .schedule import scheduled

_number = itertools.count()


class Body:
    """The graph of a checkpointed call. `size` : the largest number of its run. `result` : of that run, once."""

    __slots__ = ("graph", "guarded", "size", "result", "_made")

    def __init__(self, graph: Graph, size: float, result: tuple | None):
        self.graph, self.size, self.result = graph, size, result
        self.guarded = bool(graph.guards)
        self._made: dict[tuple, tuple[Body, list[int]]] = {}

    def __repr__(self) -> str:
        return f"<{len(self.graph)} operations>"

    def unguarded(self) -> Graph:
        """The same graph, run again: its guards have been passed."""
        graph = Graph(self.graph)
        graph.guards = []
        return graph

    def tangent(self, moving: tuple[int, ...], safe: bool) -> tuple[Body, list[int]]:
        """(inputs, tangents of the moving ones) -> tangents of those outputs that move, and which these are."""
        made = self._made.get((moving, safe))
        if made is None:
            graph = self.unguarded()
            graph.safe = safe
            given, parts = tangent(graph, moving, graph.outputs)
            graph.inputs += given
            which = [k for k, part in enumerate(parts) if part is not None]
            graph.outputs = tuple([parts[k] for k in which])
            made = self._made[moving, safe] = Body(graph, self.size, None), which
        return made

    def cotangent(self, wanted: tuple[int, ...], kinds: tuple, safe: bool) -> tuple[Body, list[int]]:
        """(inputs, cotangents of the outputs in kinds) -> cotangents of those wanted that have one, and which."""
        made = self._made.get((wanted, kinds, safe))
        if made is None:
            graph = self.unguarded()
            graph.safe = safe
            nodes, seeds = graph.live(graph.outputs), []
            for k, dtype in kinds:
                output = graph.outputs[k]
                graph.inputs.append(graph.append(INPUT, (), {"cotangent": k}, shape_of(output), dtype))
                seeds += [(output, graph.handle(graph.inputs[-1]))] if type(output) is Node else []
            parts = reverse(nodes, [graph.inputs[k] for k in wanted], seeds, graph.handle, graph)
            which = [k for k, part in zip(wanted, parts, strict=True) if part is not None]
            graph.outputs = tuple([graph.bare(part) for part in parts if part is not None])
            made = self._made[wanted, kinds, safe] = Body(graph, self.size, None), which
        return made


def _evaluate(*inputs, body: Body) -> tuple:
    if body.result is not None:
        result, body.result = body.result, None
        return result
    done = evaluate(body.graph, dict(zip(body.graph.inputs, inputs, strict=True)), body.graph.outputs)
    return tuple([np.asarray(v)[()] for v in done])


def _shape(*inputs, body: Body) -> tuple[tuple, tuple]:
    outputs = body.graph.outputs
    return tuple(map(shape_of, outputs)), tuple([o.dtype if type(o) is Node else np.asarray(o).dtype for o in outputs])


def _tangent(out, inputs: Sequence, tangents: Sequence, body: Body) -> tuple:
    """The tangent is a checkpointed call again: what it needs of the run is computed again in it."""
    moving = tuple([k for k, t in enumerate(tangents) if t is not None])
    safe = next(t.graph.safe for t in (*tangents, *out) if type(t) is Tracer)
    made, which = body.tangent(moving, safe)
    parts: list = [None] * len(out)
    if which:
        moved = bind(CALL, (*inputs, *[tangents[k] for k in moving]), {"body": made})
        for number, k in enumerate(which):
            parts[k] = bind_item(moved, number)
    return tuple(parts)


def _backward(ct: list, inputs: list, wanted: list[int], graph: Graph, body: Body) -> list[tuple]:
    """(number, cotangent) of the wanted inputs: a call that runs the body again, and then backwards."""
    if not any(type(i) is Tracer for i in (*inputs, *ct)):
        return _backward_now(ct, inputs, wanted, graph, body)
    known = [k for k, c in enumerate(ct) if c is not None]
    cts = [broadcast_to(ct[k], shape_of(body.graph.outputs[k])) for k in known]
    dtypes = [c.dtype if type(c) is Tracer else np.asarray(c).dtype for c in cts]          # type: ignore[attr-defined]
    kinds = tuple(zip(known, dtypes, strict=True))
    made, which = body.cotangent(tuple(wanted), kinds, graph.safe)
    out = bind(CALL, (*inputs, *cts), {"body": made}) if which else None
    return [(k, bind_item(out, number)) for number, k in enumerate(which)]


def _backward_now(ct: list, inputs: list, wanted: list[int], graph: Graph, body: Body) -> list[tuple]:
    """On values."""
    values: dict = dict(zip(body.graph.inputs, inputs, strict=True))
    nodes = body.graph.live(body.graph.outputs, keep_guards=False)
    for node in nodes:
        if node not in values:
            values[node] = apply(node, values)
    seeds = [(o, c) for o, c in zip(body.graph.outputs, ct, strict=True) if type(o) is Node and c is not None]
    sources = [body.graph.inputs[k] for k in wanted]
    return list(zip(wanted, reverse(nodes, sources, seeds, values.__getitem__, graph), strict=True))


def _barrier(value):
    return bind(BARRIER, (value,), {"number": next(_number)}) if type(value) is Tracer else value


CALL = Primitive("checkpoint", _evaluate, _shape, jvp=_tangent)
CALL.backward = _backward
BARRIER = Primitive("barrier", lambda x, number: x, lambda x, number: (x.shape, x.dtype), alias=True,
                    partials=(lambda y, x: 1.0,))


def checkpoint(f: Callable) -> Callable:
    """f with the same values and derivatives of all orders, whose inner values are not kept for the backward pass.

    They are computed again there: a chain of n steps in segments of √n keeps 2√n values at the price of one more
    evaluation. f takes and returns arrays, or nested dicts, lists and tuples of them; it may read arrays and traced
    values around it. Outside a trace it is f itself.
    """
    def checkpointed(*args, **kwargs):
        stack = stand_ins.recordings()
        leaves, structure = pytree.flatten((args, kwargs))
        traced = [leaf for leaf in leaves if type(leaf) is Tracer]
        if not stack or not isinstance(stack[-1], Recording) or any(leaf.value is None for leaf in traced):
            return f(*args, **kwargs)
        return _call(f, leaves, structure, traced, stack[-1])
    checkpointed.__wrapped__ = f                                     # type: ignore[attr-defined]
    checkpointed.__name__ = getattr(f, "__name__", type(f).__name__)
    checkpointed.__doc__ = getattr(f, "__doc__", None)
    return checkpointed


def _call(f: Callable, leaves: list, structure: Any, traced: list[Tracer], current: Recording):
    inner = Recording(current.by_value, False)
    given = iter([inner.argument(leaf.value) for leaf in traced])
    args, kwargs = pytree.unflatten(structure, [next(given) if type(leaf) is Tracer else leaf for leaf in leaves])
    record_into(inner, f, args, kwargs)
    operands = [*traced, *_lifted(inner)]
    returned, shape = inner.outputs, inner.structure
    own = [k for k, o in enumerate(returned) if type(o) is Node]
    inner.outputs = tuple([returned[k] for k in own])
    graph = primal(inner, True)
    result = tuple([np.asarray(inner.result[k])[()] for k in own])
    out = list(inner.result)
    for k, o in enumerate(returned):                                 # traced outside, or a buffer of constants
        if k not in own:
            out[k] = o if type(o) is Tracer else current.constant(o) if isinstance(o, np.ndarray) else o
    if own:
        made = bind(CALL, tuple(operands), {"body": Body(graph, inner.size(), result)})
        for number, k in enumerate(own):
            item = bind_item(made, number)
            out[k] = item if type(item) is Tracer else current.constant(item)
        (made.graph if type(made) is Tracer else current).adopt(inner)
    return pytree.unflatten(shape, out)


def _lifted(inner: Recording) -> list[Tracer]:
    """Traced values around f that it reads become inputs."""
    found: dict[Node, tuple[Tracer, Node]] = {}
    for node in inner.nodes if inner.holds_outer else ():
        for i in node.inputs:
            if type(i) is Tracer and i.node not in found:
                fresh = Node(INPUT, (), {"number": len(inner.inputs)}, i.node.shape, i.node.dtype, -1 - len(found))
                inner.inputs.append(fresh)
                found[i.node] = i, fresh
        node.inputs = tuple([found[i.node][1] if type(i) is Tracer else i for i in node.inputs])
    return [tracer for tracer, _ in found.values()]


# --- graphs without calls ---------------------------------------------------------------------------------------------


def without_calls(graph: Graph) -> Graph:
    """The same function, each call written out: for interpreters that have nothing to gain from calls."""
    flat, _, outputs = expanded(graph, graph.inputs, graph.outputs, True, _as_it_is)
    flat.outputs = tuple(outputs)
    return flat


def _as_it_is(value):
    return value


def expanded(graph: Graph, inputs: Sequence[Node], outputs: Sequence, keep_guards: bool, shield: Callable = _barrier
             ) -> tuple[Graph, list, list]:
    """(graph, inputs, outputs) without calls: each body written out in its place, on shielded inputs."""
    nodes = graph.live(outputs, keep_guards, set(inputs))
    if not any(node.prim is CALL for node in nodes):
        return graph, list(inputs), list(outputs)
    flat = Graph()
    flat.safe = graph.safe
    image: dict = {node: flat.input(node.shape, node.dtype) for node in inputs}
    _write_out(flat, nodes, image, shield)
    return flat, [image[i] for i in inputs], [image[o] if type(o) is Node else o for o in outputs]


def _write_out(flat: Graph, nodes: Sequence[Node], image: dict, shield: Callable) -> None:
    for node in nodes:
        if node in image:
            continue
        args = tuple([image[i] if type(i) is Node else i for i in node.inputs])
        if node.prim is CALL:
            graph = node.params["body"].graph
            inner = dict(zip(graph.inputs, [flat.bare(shield(flat.handle(a))) for a in args], strict=True))
            own = [n for n in graph.live(graph.outputs) if n not in inner]
            _write_out(flat, scheduled(own, graph.outputs), inner, shield)
            image[node] = [inner[o] if type(o) is Node else o for o in graph.outputs]
        elif args and type(args[0]) is list:                         # an item of a call
            image[node] = args[0][node.params["number"]]
        else:
            image[node] = (flat.emit if node.prim is SCALE else flat.share)(node.prim, args, node.params)


def every_node(nodes: Sequence[Node]):
    """Nodes, and those inside their calls."""
    for node in nodes:
        yield node
        if node.prim is CALL:
            yield from every_node(node.params["body"].graph.nodes)
