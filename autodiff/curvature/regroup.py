"""Sums in the order in which they show functions of one variable.

Dot products of two functions of the same u are sums again, and the terms of a sum stand together by the variable that
they are functions of.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..graph import Graph, Node, exact_graph
from ..primitives.contraction import MATMUL
from ..primitives.elementwise import ADD, DIVIDE, MULTIPLY, NEGATIVE, SQUARE, SUBTRACT
from ..primitives.reductions import SUM
from ..primitives.shape import RESHAPE
from ..simplify import is_literal
from .clusters import AFFINE, CURVED, QUADRATIC, Bases, finished

MOST = 40          # terms that become one function: its roots are found exactly, at a cost that grows with them


def regrouped(graph: Graph) -> Graph:
    """The same sums, ordered by the variable that their terms are functions of."""
    bases, g = Bases(graph), exact_graph()
    image: dict[Node, Any] = {i: g.input(i.shape, i.dtype) for i in graph.inputs}
    inner = _inner_sums(bases)
    for node in bases.live:
        if node in image:
            continue
        g.site = graph.sites.get(node)
        if node in inner:
            continue                                 # written where it is used
        image[node] = _regrouped(g, node, bases, inner, image)
    return finished(g, graph, image)


def _is_sum(node: Node, bases: Bases) -> bool:
    """An operation whose terms may be regrouped: of functions of different variables, with literal factors."""
    base = bases.base[node]
    if node.dtype != np.float64 or base is not node and (
            base.prim not in (SUM, MATMUL) or bases.kind[node] != AFFINE):
        return False
    if node.prim in (ADD, SUBTRACT):
        return all(type(i) is not Node or i.shape == node.shape for i in node.inputs)
    if node.prim is MULTIPLY:
        return is_literal(node.inputs[0]) and type(node.inputs[1]) is Node
    if node.prim is DIVIDE:
        return is_literal(node.inputs[1]) and _is_power_of_two(node.inputs[1])
    return node.prim is NEGATIVE


def _inner_sums(bases: Bases) -> set[Node]:
    """Sums that are read once, by another sum of the same shape."""
    found: set[Node] = set()
    for node in bases.live:
        if _is_sum(node, bases):
            found.update(i for i in node.inputs if type(i) is Node and bases.uses[i] == 1 and i.shape == node.shape
                         and _is_sum(i, bases))
    return found


def _terms(node: Node, bases: Bases, inner: set[Node]) -> list[tuple[float, Any]]:
    """(factor, term) with node = Σ factor·term."""
    out, stack = [], [(1.0, node)]
    while stack:
        c, item = stack.pop()
        if type(item) is not Node or item is not node and item not in inner:
            out.append((c, item))
        elif item.prim is NEGATIVE:
            stack.append((-c, item.inputs[0]))
        elif item.prim is MULTIPLY:
            stack.append((c * item.inputs[0], item.inputs[1]))
        elif item.prim is DIVIDE:
            stack.append((c / item.inputs[1], item.inputs[0]))
        else:
            stack += [(-c if item.prim is SUBTRACT else c, item.inputs[1]), (c, item.inputs[0])]
    return out


def _exact_factors(node: Node, inner: set[Node]) -> bool:
    """Whether the factors of a sum multiply without rounding: at most one beside signs on each way down."""
    stack = [(node, False)]
    while stack:
        item, scaled = stack.pop()
        if type(item) is not Node or item is not node and item not in inner:
            continue
        if item.prim in (MULTIPLY, DIVIDE):
            if scaled:
                return False
            scaled = True
        stack += [(i, scaled) for i in item.inputs]
    return True


def _is_power_of_two(c) -> bool:
    return c != 0 and np.frexp(abs(float(c)))[0] == 0.5


class _Member:
    """A term as a function of u: its factor-free entries' node, summed over `axis` (None: not summed)."""

    __slots__ = ("base", "kind", "axis", "keepdims", "write")

    def __init__(self, base: Node, kind: int, axis, keepdims: bool, write: Callable):
        self.base, self.kind, self.axis, self.keepdims, self.write = base, kind, axis, keepdims, write

    @property
    def key(self) -> tuple:
        return self.base, self.axis, self.keepdims


def _member(item: Any, bases: Bases) -> _Member | None:
    if type(item) is not Node:
        return None
    if item.prim is SUM and type(item.inputs[0]) is Node:
        x, = item.inputs
        return _Member(bases.base[x], bases.kind[x], item.params["axis"], item.params["keepdims"],
                       lambda g, image: image[x])
    if item.prim is MATMUL and item.shape == () and all(type(i) is Node for i in item.inputs):
        a, b = (i.inputs[0] if i.prim is RESHAPE else i for i in item.inputs)
        if type(a) is Node and type(b) is Node and a.shape == b.shape and bases.base[a] is bases.base[b]:
            square = a is b
            kind = QUADRATIC if square and bases.kind[a] == AFFINE else CURVED
            return _Member(bases.base[a], kind, tuple(range(a.ndim)), False, lambda g, image: g.share(
                SQUARE if square else MULTIPLY, (image[a],) if square else (image[a], image[b])))
    if item.prim is DIVIDE and is_literal(item.inputs[1]):
        inner, divisor = _member(item.inputs[0], bases), item.inputs[1]
        if inner is not None and inner.axis is not None:        # Σ φ(u)/c = Σ (φ(u)/c)
            return _Member(inner.base, inner.kind, inner.axis, inner.keepdims,
                           lambda g, image: g.share(DIVIDE, (inner.write(g, image), divisor)))
    if bases.base[item] is not item:
        return _Member(bases.base[item], bases.kind[item], None, False, lambda g, image: image[item])
    return None


def _regrouped(g: Graph, node: Node, bases: Bases, inner: set[Node], image: dict):
    if _is_sum(node, bases):
        terms = _terms(node, bases, inner)
        members = [_member(item, bases) for _, item in terms]
        groups: dict[tuple, list[int]] = {}
        for k, member in enumerate(members):
            if member is not None:
                groups.setdefault(member.key, []).append(k)
        joint = [ks for ks in groups.values() if len(ks) > 1 and any(
            m is not None and m.kind == CURVED for m in (members[k] for k in ks)) and len(ks) <= MOST]
        if joint and _exact_factors(node, inner):
            return _joined(g, terms, members, joint, image, bases)
        for item in [i for i in _inside(node, inner)][::-1]:
            image[item] = _plain(g, item, bases, image)
        return image[node]
    return _plain(g, node, bases, image)


def _inside(node: Node, inner: set[Node]) -> list[Node]:
    """The node and the inner sums below it, each before what it reads."""
    out, stack = [], [node]
    while stack:
        item = stack.pop()
        out.append(item)
        stack += [i for i in item.inputs if type(i) is Node and i in inner]
    return sorted(out, key=lambda n: -n.index)


def _plain(g: Graph, node: Node, bases: Bases, image: dict):
    """The operation as it stands; a dot product of two functions of u as a sum."""
    if node.prim is MATMUL:
        member = _member(node, bases)
        if member is not None and member.kind == CURVED:
            return g.share(SUM, (member.write(g, image),), {"axis": member.axis, "keepdims": False})
    return g.share(node.prim, tuple([image[i] if type(i) is Node else i for i in node.inputs]), node.params)


def _joined(g: Graph, terms: list, members: list, joint: list[list[int]], image: dict, bases: Bases):
    taken = {k for ks in joint for k in ks}
    total = None
    for ks in joint:
        part = None
        for k in ks:
            part = _added(g, part, terms[k][0], members[k].write(g, image))
        first = members[ks[0]]
        if first.axis is not None:
            part = g.share(SUM, (part,), {"axis": first.axis, "keepdims": first.keepdims})
        total = _added(g, total, 1.0, part)
    for k, (c, item) in enumerate(terms):
        if k not in taken:
            if type(item) is not Node:
                total = _added(g, total, 1.0, c * item)
            else:
                total = _added(g, total, c, image[item])
    return total


def _added(g: Graph, total, c: float, item):
    if total is None:
        return item if c == 1.0 else g.share(NEGATIVE, (item,)) if c == -1.0 else g.share(MULTIPLY, (c, item))
    if c in (1.0, -1.0):
        return g.share(ADD if c == 1.0 else SUBTRACT, (total, item))
    return g.share(ADD, (total, g.share(MULTIPLY, (c, item))))
