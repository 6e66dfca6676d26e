"""Curvature rows: what an operation adds to the Hessian of f, W = a·∇²φ, given its adjoint a = ∂f/∂φ over a box.

CURVED[prim](a, y, *xs, node=node, variable=numbers of the inputs that depend on x) -> Piece; a, y, xs are intervals of
shape (*shape, 1, boxes), constants as they are. Operations that are linear in what depends on x need no row: LINEAR, or
a `transpose`. JUMPS are steps, for which f is continuous only where the box settles their value, as are whole numbers,
truth values and rounded ones however computed (`is_jump`); BREAKS say of a curved row where it may jump.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..graph import CONSTANT, GUARD, INPUT, Node
from ..intervals import Interval, lift, multiply
from ..primitive import PRIMITIVES, Primitive

Array = np.ndarray


class Entries(NamedTuple):
    """W entry by entry: Σ_k w_k (e_p e_qᵀ + e_q e_pᵀ)/(1 + [p = q]); a pair p ≠ q stands once. w : (k, boxes)."""

    p: Array
    q: Array
    w: Interval


class Piece(NamedTuple):
    """diag(low) ⪯ W ⪯ diag(high), each (m, boxes), with ±inf for kinks; and W itself, where it is known by entries.

    m counts the entries of the inputs that depend on x, in their order (of elementwise operations: each broadcast to
    the shape of the output).
    """

    low: Array
    high: Array
    entries: Entries | None = None


Rule = Callable[..., Piece]
LARGEST = 2**53                # whole numbers up to which enclosures are exact

CURVED: dict[Primitive, Rule] = {}
REASONS: dict[Primitive, str | Callable[[Node], str]] = {}   # for people: "log-sum-exp is convex"

BREAKS: dict[Primitive, Callable[[Node, Any], Array]] = {}   # (node, enclosures) -> (boxes,) where it may jump

LINEAR = {PRIMITIVES[name] for name in ("add", "subtract", "negative", "positive", "deg2rad", "radians", "rad2deg",
                                        "degrees", "barrier", "real")}
JUMPS = {prim for prim in PRIMITIVES.values()
         if prim.partials is not None and not any(prim.partials) and prim not in (INPUT, CONSTANT, GUARD)
         } | {PRIMITIVES[name] for name in ("argpartition", "lexsort", "searchsorted", "heaviside")}


def flat(x: Any, shape: tuple[int, ...]) -> Interval:
    """An interval of shape (*s, 1, boxes) broadcast to `shape`, as (entries, boxes)."""
    return Interval(*(np.broadcast_to(end, (*shape, 1, end.shape[-1])).reshape(-1, end.shape[-1]) for end in x))


def is_multilinear(prim: Primitive) -> bool:
    return prim.multilinear or prim.name in ("multiply", "scale")


def is_linear(node: Node, variable: tuple[int, ...]) -> bool:
    """Whether the operation is linear in all inputs that depend on x together."""
    prim = node.prim
    if prim in LINEAR:
        return True
    if prim.name == "divide":
        return variable == (0,)
    if is_multilinear(prim):
        return len(variable) == 1
    if prim.transpose is None or prim.jvp is not None:
        return False
    return all(prim.transpose[k] is not None for k in variable if not _is_switch(node.inputs[k]))


def is_jump(node: Node) -> bool:
    """Whether its value must be one number: a step, or of a type that does not hold all reals."""
    return node.prim in JUMPS or not isinstance(node.dtype, tuple) and (
        node.dtype.kind in "biu" or node.dtype.kind == "f" and node.dtype.itemsize < 8)


def one_number(node: Node, value: Interval) -> Array:
    """(boxes,) where all entries of a step are one number each, which its type holds."""
    known = value.lo == value.hi
    if node.dtype.kind in "iu":
        most = np.iinfo(node.dtype)
        known = known & (value.lo >= max(most.min, -LARGEST)) & (value.hi <= min(most.max, LARGEST))
    elif node.dtype.kind == "f" and node.dtype.itemsize < 8:
        known = known & (value.lo.astype(node.dtype) == value.lo)
    elif node.dtype.kind == "b" and value.lo.dtype != bool:
        known = known & ((value.lo == 0) | (value.lo == 1))
    return known.all(axis=tuple(range(known.ndim - 1)))


def _is_switch(item: Any) -> bool:
    """A truth value or an index: which entries are taken, settled by JUMPS."""
    return type(item) is Node and not isinstance(item.dtype, tuple) and item.dtype.kind in "biu"


def _squared(a: Interval, y: Interval, x: Interval, *, node: Node, variable: tuple[int, ...]) -> Piece:
    w = flat(multiply(a, lift(2.0)), node.shape)
    number = np.arange(len(w.lo))
    return Piece(w.lo, w.hi, Entries(number, number, w))


CURVED[PRIMITIVES["square"]] = _squared
REASONS[PRIMITIVES["square"]] = "u ↦ u²"


def describe(node: Node) -> str:
    """What an operation is, in a few words."""
    reason = REASONS.get(node.prim, node.prim.name)
    return reason if isinstance(reason, str) else reason(node)


def named(node: Node) -> str:
    """Its name; a fused function of one number is written out, without what is known of it."""
    if node.prim is GUARD:
        return "an `if` (or while, max()) on x"
    return node.prim.name if isinstance(REASONS.get(node.prim, ""), str) else describe(node).partition(", ")[0]
