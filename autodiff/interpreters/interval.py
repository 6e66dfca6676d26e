"""Bounds: each node of a graph as an interval array that encloses its value at every point of each of B boxes.

An interval array has two axes behind those of its node, (*shape, D, B): D directions (1, or n where a node is the
tangent of all n directions at once) and B boxes; either may be 1 and broadcasts. Rules are a table by primitive. What
has no rule stands in UNKNOWN, and `NoRule` names it. Where an operation is not defined on part of its operand (log of
[−1, 2]) the enclosure is that of the rest, and the node is reported as undefined in that box.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse

from ..checkpoint import CALL
from ..graph import Graph, Node
from ..intervals import Interval, lift, square
from ..primitive import COMPLEX, PRIMITIVES, Primitive
from . import (
    interval_determinants,
    interval_elementwise,
    interval_linalg,
    interval_monotone,
    interval_places,
    interval_products,
    interval_shape,
    interval_special,
)
from .interval_unknown import UNKNOWN

__all__ = ["DOMAINS", "FUSED", "RULES", "UNKNOWN", "Enclosures", "NoRule", "enclose", "register"]


class NoRule(NotImplementedError):
    """An operation whose range over an interval is not known here."""

    def __init__(self, node: Node):
        super().__init__(f"no interval rule for {node.prim.name}")
        self.node = node


class Enclosures(NamedTuple):
    """Interval by node; `undefined` {node: (B,) bool} are the boxes on part of which a node is not defined,
    `undecided` {guard: (B,) bool} those in which the function may take another path than the recorded one.
    """

    values: dict[Node, Interval]
    undefined: dict[Node, np.ndarray]
    undecided: dict[Node, np.ndarray]

    def of(self, item: Any) -> Any:
        """Of a node or a constant; sparse matrices as they are."""
        if type(item) is Node:
            return self.values[item]
        return item if scipy.sparse.issparse(item) else lift(item)


Rule = Callable[..., Interval]
Domain = Callable[..., np.ndarray]
_TABLES = (interval_elementwise, interval_monotone, interval_special, interval_products, interval_shape,
           interval_places, interval_linalg, interval_determinants)
RULES: dict[Primitive, Rule] = {prim: rule for table in _TABLES for prim, rule in table.RULES.items()}
DOMAINS: dict[Primitive, Domain] = {
    prim: domain for table in _TABLES for prim, domain in getattr(table, "DOMAINS", {}).items()}


def _product_with_itself(node: Node, found: "Enclosures") -> Interval | None:
    return square(found.of(node.inputs[0])) if node.inputs[0] is node.inputs[1] else None


FUSED: dict[Primitive, Callable[[Node, Any], Any]] = {       # by what the inputs of a node are; None: by its rule
    PRIMITIVES["gather"]: interval_places.sorted_entries, PRIMITIVES["multiply"]: _product_with_itself}


def register(prim: Primitive, rule: Rule, domain: Domain | None = None) -> None:
    """Add a row: rule(*intervals, **params) -> Interval; domain(*intervals) -> where they are inside what it is for."""
    RULES[prim] = rule
    if domain is not None:
        DOMAINS[prim] = domain


def enclose(graph: Graph, known: Mapping[Node, Interval], outputs: Iterable) -> Enclosures:
    """Enclosures of all nodes that the outputs and guards need, from those of the inputs.

    known : (*node.shape, D, B) each; D and B may be 1. NaN ends mean that nothing is defined there. A few µs per
    box and 20 to 60 µs a node of a few entries. Raises NoRule.
    """
    found = Enclosures(dict(known), {}, {})
    with np.errstate(all="ignore"):
        for node in graph.live(outputs, given=known):
            if node not in found.values:
                _add(node, found)
    for guard in graph.guards:
        if guard.prim is CALL:
            continue
        open_boxes = _undecided(found.values[guard], guard)
        if open_boxes.any():
            found.undecided[guard] = open_boxes
    return found


def _add(node: Node, found: Enclosures) -> None:
    given = [found.of(i) for i in node.inputs]
    if node.prim is CALL:
        found.values[node] = _called(node, given, found)
        return
    rule = RULES.get(node.prim)
    if rule is None or node.dtype in COMPLEX:
        raise NoRule(node)
    fused = FUSED.get(node.prim)
    value = fused(node, found) if fused is not None else None
    value = rule(*given, **node.params) if value is None else value
    if type(value) is not Interval:             # the parts of a decomposition
        found.values[node] = value
        return
    value = found.values[node] = _shaped(value, node.shape)
    inside = np.ones(1, bool)
    if np.isnan(np.maximum.reduce(value.lo, axis=None, initial=0)) or np.isnan(
            np.maximum.reduce(value.hi, axis=None, initial=0)):
        inside = _each_box(np.logical_and, (value.lo == value.lo) & (value.hi == value.hi))
    domain = DOMAINS.get(node.prim)
    if domain is not None:
        inside = inside & _each_box(np.logical_and, domain(*given))
    if not inside.all():
        found.undefined[node] = ~inside | found.undefined.get(node, False)


def _called(node: Node, given: list[Interval], found: Enclosures) -> tuple:
    """A checkpointed part: what is undefined or undecided inside is so for the call."""
    body = node.params["body"].graph
    inner = enclose(body, dict(zip(body.inputs, given, strict=True)), body.outputs)
    for report, masks in ((found.undefined, inner.undefined), (found.undecided, inner.undecided)):
        if masks:
            report[node] = np.logical_or.reduce(np.broadcast_arrays(*masks.values()))
    return tuple([inner.of(o) for o in body.outputs])


def _each_box(ufunc: np.ufunc, truth: np.ndarray) -> np.ndarray:
    """(B,): over entries and directions."""
    return ufunc.reduce(truth, axis=tuple(range(truth.ndim - 1)))


def _shaped(value: Interval, shape: tuple[int, ...]) -> Interval:
    if value.shape[:-2] == shape:
        return value
    return Interval(*(np.broadcast_to(end, shape + value.shape[-2:]) for end in value))


def _undecided(value: Interval, guard: Node) -> np.ndarray:
    expected = lift(guard.params["expected"].value).lo
    return ~_each_box(np.logical_and, (value.lo == expected) & (value.hi == expected))
