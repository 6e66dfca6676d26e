"""The graph as SymPy expressions: every operation on object arrays whose entries are expressions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse

from .. import pytree
from ..errors import TraceError
from ..graph import Graph, Node
from ..primitive import Tracer
from .symbolic_rows import ARRAYS, ELEMENTWISE, MOVES, as_array, exact, filled


def to_sympy(graph: Graph, symbols: Sequence | None = None):
    """The outputs as SymPy expressions, in the structure that f returns; arrays as sympy.Array.

    Where f branched on its argument, the expression holds on that branch: it is a Piecewise, NaN elsewhere.
    """
    try:
        import sympy as sp
    except ImportError as missing:
        raise ImportError("Graph.to_sympy needs SymPy: pip install sympy (or optkit[sympy])") from missing
    from ..checkpoint import without_calls
    plain = without_calls(graph)
    values = dict(zip(plain.inputs, _inputs(sp, graph, symbols), strict=True))
    for node in plain.live(plain.outputs):
        if node not in values:
            values[node] = _apply(sp, plain, node, values)
    branch = [_agrees(sp, node, values[node]) for node in plain.guards]
    outputs = [_output(sp, values[o] if type(o) is Node else _array(sp, o), branch) for o in plain.outputs]
    return pytree.unflatten(getattr(graph, "structure", pytree.LEAF if len(outputs) == 1 else (
        tuple, (pytree.LEAF,) * len(outputs))), outputs)


# --- numbers, symbols, arrays -----------------------------------------------------------------------------------------

def _array(sp, value) -> np.ndarray:
    """Numbers as an object array of expressions."""
    if scipy.sparse.issparse(value):
        value = value.toarray()
    value = np.asarray(value.value if type(value) is Tracer else value)
    return filled(value.shape, [exact(sp, v) for v in value.ravel().tolist()])


def _inputs(sp, graph: Graph, symbols: Sequence | None) -> list[np.ndarray]:
    from .draw import Names
    names = Names(graph)
    given: Sequence = [names.of(node) for node in graph.inputs] if symbols is None else symbols
    if isinstance(given, str) or len(given) != len(graph.inputs):
        raise ValueError(f"to_sympy: need one symbol, array of symbols or name for each of the {len(graph.inputs)} "
                         f"inputs, got {given!r}")
    return [_symbols(sp, node, entry) for node, entry in zip(graph.inputs, given, strict=True)]


def _symbols(sp, node: Node, given) -> np.ndarray:
    if isinstance(given, str):
        kind = {"real": True} if node.dtype.kind == "f" else {"complex": True}
        return filled(node.shape, [sp.Symbol("_".join([given, *map(str, index)]), **kind)
                                    for index in np.ndindex(node.shape)])
    if isinstance(given, sp.Expr):
        found = filled((), [given])
    else:
        found = np.array(given.tolist() if hasattr(given, "tolist") else given, dtype=object)
        found = filled(found.shape, [sp.Symbol(e, real=True) if isinstance(e, str) else e for e in found.ravel()])
    if found.shape != node.shape:
        raise ValueError(f"to_sympy: need symbols in the shape of the input, {node.shape}, got {found.shape}")
    return found


def _output(sp, value: np.ndarray, branch: list):
    entries = value.ravel().tolist()
    if branch:
        entries = [sp.Piecewise((entry, sp.And(*branch)), (sp.nan, True)) for entry in entries]
    return entries[0] if not value.shape else sp.Array(entries, value.shape)


def _agrees(sp, node: Node, value: np.ndarray):
    """That a guard's value is what it was."""
    expected = np.broadcast_to(node.params["expected"].value, value.shape)
    tests = [v if e else sp.Not(v) for v, e in zip(value.ravel(), expected.ravel().tolist(), strict=True)
             ] if expected.dtype.kind == "b" else [
        sp.Eq(v, exact(sp, e)) for v, e in zip(value.ravel(), expected.ravel().tolist(), strict=True)]
    return sp.And(*tests)


# --- operations -------------------------------------------------------------------------------------------------------


def _apply(sp, graph: Graph, node: Node, values: dict):
    inputs = [values[i] if type(i) is Node else _array(sp, i) for i in node.inputs]
    name = node.prim.name
    if name in ELEMENTWISE:
        rule = ELEMENTWISE[name]
        parts = np.broadcast_arrays(*inputs)
        return filled(parts[0].shape, [rule(sp, *entries) for entries in zip(*[p.ravel() for p in parts],
                                                                             strict=True)])
    if name in ARRAYS:
        return as_array(ARRAYS[name](sp, *inputs, **node.params))
    if name in MOVES:
        return as_array(node.prim.evaluate(*inputs, **node.params))
    if node.prim.expand is not None:
        return _composite(sp, node, inputs)
    raise TraceError(f"to_sympy: the operation {name} has no formula in SymPy",
                     "export a function without it, or its parts before and after")


def _composite(sp, node: Node, inputs: list):
    """By its definition, recorded on symbols of its own."""
    part = Graph()
    fresh = [part.input(i.shape, i.dtype) if type(i) is Node else None for i in node.inputs]
    out = node.prim.expand(*[i if f is None else part.handle(f) for i, f in zip(node.inputs, fresh, strict=True)],
                           **node.params)
    if type(out) is not Tracer:
        return _array(sp, out)
    values = {f: value for f, value in zip(fresh, inputs, strict=True) if f is not None}
    for inner in part.live([out.node]):
        if inner not in values:
            values[inner] = _apply(sp, part, inner, values)
    return values[out.node]
