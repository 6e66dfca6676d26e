"""Reverse mode: cotangents carried from outputs to inputs.

Works on handles (the adjoint is appended to the graph) and on plain values (eager gradients): rules cannot tell.
A cotangent may be smaller than its node as long as it broadcasts to it: the gradient of a sum stays one number.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from ..errors import TraceError
from ..graph import INPUT, Graph, Node, dependents
from ..primitive import COMPLEX, Tracer, bind, shape_of
from ..primitives.complex import real
from ..primitives.indexing import GETITEM, SCATTER, SETITEM
from ..primitives.linalg import ITEM
from ..primitives.reductions import SUM
from ..primitives.shape import BROADCAST, broadcast_to, reshape
from .evaluate import apply
from .forward import bind_item

_LAZY = (SUM, BROADCAST)     # transposes that accept a cotangent smaller than the node


def reverse(nodes: Iterable[Node], wrt: Sequence[Node], seeds: list[tuple], value: Callable, graph: Graph,
            inner: Sequence[Node] = ()) -> list:
    """Cotangents of `wrt`, each broadcastable to its node; None where nothing depends on it.

    seeds : (node, cotangent) pairs. value(node) : the node's handle or value. graph : scales, and hosts local tangents.
    inner : nodes on the way whose cotangents are wanted too, behind those of `wrt`.
    """
    nodes = list(nodes)
    active = dependents(nodes, wrt)
    pending: dict = defaultdict(list)
    for node, ct in seeds:
        pending[node].append(ct)
    sources, found = set(wrt), dict.fromkeys(inner)
    mixed = any(node.dtype in COMPLEX for node in nodes if type(node.dtype) is not tuple)
    for node in reversed(nodes):
        if node not in active or node not in pending or node in sources:
            continue
        ct = total(pending.pop(node), node)
        if node in found:
            found[node] = ct
        for number, contribution in _contributions(node, ct, active, value, graph):
            part = _real_for(node.inputs[number], contribution) if mixed else contribution
            pending[node.inputs[number]].append(part)
    return [*[total(pending[x], x) if x in pending else None for x in wrt], *[found[node] for node in inner]]


def _real_for(node: Node, contribution):
    """The cotangent of a real node is the real part of what reaches it through complex numbers."""
    if node.dtype in COMPLEX or isinstance(node.dtype, tuple):
        return contribution
    if type(contribution) is _Part:
        contribution.ct = real(contribution.ct)
        return contribution
    return real(contribution)


def _contributions(node: Node, ct, active: set, value: Callable, graph: Graph):
    prim = node.prim
    wanted = [k for k, i in enumerate(node.inputs) if type(i) is Node and i in active]
    if prim is GETITEM:
        yield 0, _Part(node.params["index"], broadcast_to(ct, node.shape))
        return
    if prim is ITEM:
        yield 0, _Item(node.params["number"], ct)
        return
    inputs = [value(i) if type(i) is Node else i for i in node.inputs]
    if prim.backward is not None:
        parts = prim.backward(ct, inputs, wanted, graph, **node.params)
        yield from ((k, part) for k, part in parts if part is not None)
    elif prim.partials is not None:
        for k in wanted:
            if prim.partials[k] is not None:
                part = graph.scale(ct, prim.partials[k](value(node), *inputs))
                yield k, unbroadcast(part, node.shape, node.inputs[k].shape)
    elif prim.transpose is not None and (prim.jvp is None or all(prim.transpose[k] for k in wanted)):
        if prim not in _LAZY:
            ct = broadcast_to(ct, node.shape)
        for k in wanted[::-1] if prim is SETITEM else wanted:     # the part first: the rest can be zeroed in place
            rule = prim.transpose[k]
            part = None if rule is None else rule(ct, *inputs, **node.params)
            if part is not None:
                full = node.shape if prim is BROADCAST or prim.name == "where" else node.inputs[k].shape
                yield k, unbroadcast(part, full, node.inputs[k].shape)
    elif prim.expand is not None:
        yield from _composite(node, ct, wanted, inputs, graph)
    elif prim.vjp is not None:
        several = isinstance(node.dtype, tuple)
        out = tuple(bind_item(value(node), k) for k in range(len(node.dtype))) if several else value(node)
        cts = prim.vjp(ct if several else broadcast_to(ct, node.shape), out, inputs, wanted, **node.params)
        yield from ((k, cts[k]) for k in wanted if cts[k] is not None)
    else:
        yield from _local(node, ct, wanted, inputs, value, graph)


def _composite(node: Node, ct, wanted: list[int], inputs: list, graph: Graph):
    """A composite on plain values (derived graphs hold none): its definition, evaluated and run backwards."""
    part = Graph()
    fresh = {k: part.input(node.inputs[k].shape, node.inputs[k].dtype) for k in wanted}
    out = node.prim.expand(*[part.handle(fresh[k]) if k in fresh else i for k, i in enumerate(inputs)], **node.params)
    values = {fresh[k]: inputs[k] for k in wanted}
    for inner in part.nodes:
        if inner not in values:
            values[inner] = apply(inner, values)
    if type(out) is not Tracer:
        return
    cts = reverse(part.nodes, list(fresh.values()), [(out.node, ct)], values.__getitem__, graph)
    yield from ((k, c) for k, c in zip(wanted, cts, strict=True) if c is not None)


def _local(node: Node, ct, wanted: list[int], inputs: list, value: Callable, graph: Graph):
    """A general rule: write its tangent, which is linear, and run that backwards."""
    start = len(graph.nodes)
    fresh = {k: graph.append(INPUT, (), {"tangent": len(graph.nodes)}, node.inputs[k].shape, node.inputs[k].dtype)
             for k in wanted}
    tangents = [graph.handle(fresh[k]) if k in fresh else None for k in range(len(inputs))]
    out, rule = value(node), node.prim.jvp
    if isinstance(node.dtype, tuple):
        out = tuple(bind_item(out, k) for k in range(len(node.dtype)))
        made, cts = rule(out, inputs, tangents, **node.params), ct
    else:
        made, cts = (rule(out, inputs, tangents, **node.params),), (ct,)
    seeds = [(t, c) for t, c in zip(made, cts, strict=True) if t is not None and c is not None]
    parts = _backwards(graph, node, start, [fresh[k] for k in wanted], seeds)
    yield from ((k, part) for k, part in zip(wanted, parts, strict=True) if part is not None)


def turned(graph: Graph, node: Node, out, inputs: list, tangents: list):
    """The tangent of a row that states its pullback: the pullback, linear in the cotangent, run backwards."""
    start, several = len(graph.nodes), isinstance(node.dtype, tuple)
    kinds = list(zip(node.shape, node.dtype, strict=True)) if several else [(node.shape, node.dtype)]
    fresh = [graph.append(INPUT, (), {"cotangent": len(graph.nodes)}, *kind) for kind in kinds]
    ct = [graph.handle(f) if f.dtype.kind in "fc" else None for f in fresh]
    moving = [k for k, t in enumerate(tangents) if t is not None]
    made = node.prim.vjp(ct if several else ct[0], out, inputs, moving, **node.params)
    parts = _backwards(graph, node, start, fresh, [(made[k], tangents[k]) for k in moving if made[k] is not None])
    return tuple(parts) if several else parts[0]


def _backwards(graph: Graph, node: Node, start: int, fresh: list[Node], seeds: list[tuple]) -> list:
    """The nodes from `start` on, a linear map of the fresh inputs, run backwards."""
    traced = [(t.node, c) for t, c in seeds if type(t) is Tracer]
    parts = reverse(graph.nodes[start:], fresh, traced, graph.handle, graph)
    if "call" in node.params:                    # a rule of the user's
        late = dependents(graph.nodes[start:], fresh)
        fixed = any(t.node not in late if type(t) is Tracer else np.any(t) for t, _ in seeds)
        if fixed or any(type(part) is Tracer and part.node in late for part in parts):
            raise TraceError(f"the rule of {node.params['call']} is not linear in its tangents or cotangents",
                             "return the derivative times the (co)tangent, and nothing else; 0.0 where it is zero")
    return parts


class _Part:
    """A contribution to some entries, x[index]."""

    __slots__ = ("index", "ct")

    def __init__(self, index, ct):
        self.index, self.ct = index, ct


class _Item:
    """A contribution to one of a tuple of results."""

    __slots__ = ("number", "ct")

    def __init__(self, number, ct):
        self.number, self.ct = number, ct


def total(contributions: list, node: Node):
    """The sum of contributions: dense ones added, parts scattered onto them in one operation."""
    if isinstance(node.dtype, tuple):
        return [_sum([c.ct for c in contributions if c.number == k]) for k in range(len(node.dtype))]
    parts = [c for c in contributions if type(c) is _Part]
    dense = _sum([c for c in contributions if type(c) is not _Part])
    if not parts:
        return dense
    base = () if dense is None else (broadcast_to(dense, node.shape),)
    return bind(SCATTER, (*base, *[p.ct for p in parts]),
                {"indices": tuple([p.index for p in parts]), "shape": node.shape, "based": dense is not None})


def _sum(parts: list):
    out = None
    for part in parts:
        out = part if out is None else out + part
    return out


def unbroadcast(ct, full: tuple[int, ...], shape: tuple[int, ...]):
    """Adjoint of broadcasting `shape` to `full`, for a cotangent that itself broadcasts to `full`."""
    if full == shape:
        return ct
    lead, own = len(full) - len(shape), shape_of(ct)
    offset = len(full) - len(own)
    repeats, summed = 1, []
    for axis, size in enumerate(full):
        if axis < lead or (shape[axis - lead] == 1 and size != 1):
            if axis < offset or own[axis - offset] != size:
                repeats *= size
            else:
                summed.append(axis - offset)
    gone = tuple(a for a in summed if a + offset < lead)
    if gone:
        ct = SUM(ct, axis=gone, keepdims=False)
    kept = tuple(a - len(gone) for a in summed if a + offset >= lead)
    if kept:
        ct = SUM(ct, axis=kept, keepdims=True)
    if repeats != 1:
        ct = ct * float(repeats)
    own = shape_of(ct)
    return reshape(ct, own[len(own) - len(shape):]) if len(own) > len(shape) else ct
