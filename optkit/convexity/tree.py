"""The tree of a proof: the curved operations of f on one box, each above those that feed it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from autodiff.curvature.rows import describe
from autodiff.curvature.second import Local
from autodiff.graph import Node

from .steps import Step, located

COMBINATION = "a linear combination of"
WHOLE = (-np.inf, np.inf)


def tree_of(local: Local) -> Step:
    """The curved operations of f on the first box, each above those that feed it through linear operations.

    A linear operation that several others read becomes a step of its own, if several feed it: so the steps and what
    joins them are no more than the operations of f and their inputs.
    """
    second = local.second
    weights, adjoints = dict(local.pieces), dict(zip(second.curved, second.adjoints, strict=False))
    readers = Counter(i for node in second.live for i in set(_varying(second, node)))
    known: dict[Node, tuple[Step, ...]] = {}            # what stands for an operation in the tree
    for node in second.live:                            # in evaluation order: parts come first
        if node in adjoints:
            known[node] = (_step(local, node, adjoints[node], weights[node], _feeding(second, node, known)),)
        elif node in second.varying and readers[node] > 1:
            parts = _feeding(second, node, known)
            known[node] = parts if len(parts) < 2 else (_combination(COMBINATION, second, node, parts),)
    if second.f in adjoints:
        return known[second.f][0]
    parts = _feeding(second, second.f, known) if type(second.f) is Node else ()
    return _combination(f"f, {COMBINATION}" if parts else "f, affine in x", second, None, parts)


def _varying(second: Any, node: Node) -> list[Node]:
    return [i for i in node.inputs if type(i) is Node and i in second.varying]


def _feeding(second: Any, node: Node, known: dict[Node, tuple[Step, ...]]) -> tuple[Step, ...]:
    """The steps that reach a node through linear operations which nothing else reads."""
    out: dict[int, Step] = {}
    stack = _varying(second, node)[::-1]
    while stack:
        i = stack.pop()
        if i in known:
            out |= {id(step): step for step in known[i]}
        else:
            stack += _varying(second, i)[::-1]
    return tuple(out.values())


def _step(local: Local, node: Node, adjoint: Any, piece: Any, parts: tuple[Step, ...]) -> Step:
    a = local.enclosures.of(adjoint)
    return Step(describe(node), located(local.second.prepared.graph.sites.get(node)),
                (float(np.min(a.lo, initial=np.inf)), float(np.max(a.hi, initial=-np.inf))),
                (float(np.min(piece.low, initial=np.inf)), float(np.max(piece.high, initial=-np.inf))), parts)


def _combination(reason: str, second: Any, node: Node | None, parts: tuple[Step, ...]) -> Step:
    """f itself, or a linear operation: it adds nothing of its own, so the weights of its parts are its."""
    line = located(second.prepared.graph.sites.get(node)) if node is not None else ""
    low, high = min((p.weight[0] for p in parts), default=0.0), max((p.weight[1] for p in parts), default=0.0)
    return Step(reason, line, (1.0, 1.0) if node is None else WHOLE, (min(low, 0.0), max(high, 0.0)), parts)


def worst_step(tree: Step) -> Step | None:
    """The step of lowest weight, not a combination of others; None where none is negative."""
    steps = [s for s in tree.walk() if s.weight[0] < 0 and not s.reason.endswith(COMBINATION)]
    return min(steps, key=lambda step: step.weight[0], default=None)
