"""Building a graph whose operations are rewritten as they are appended, and reading the formulas that it holds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import scipy.sparse

from ..graph import Node, Static, exact_graph
from ..primitive import COMPLEX, NO_PARAMS, PRIMITIVES, Primitive, shape_of
from .clusters import KINDS

PATTERNS: dict[Primitive, list[Callable]] = {}     # primitive -> rules(build, *inputs, **params): an equal node or None
Value = Any                                        # a node, an array or a number
SUMS = ("add", "subtract", "negative")
MOST_SLICES = 8        # of slices one behind the other


def pattern(*names: str):
    """Enter a rule for the operations of these names. Rules are asked in their order; None says: not mine."""
    def register(rule: Callable) -> Callable:
        for name in names:
            PATTERNS.setdefault(PRIMITIVES[name], []).append(rule)
        return rule
    return register


class Build:
    """A graph being built over atoms. varying : the nodes that depend on the input; bases : the array that each of them
    is a function of by entry, itself where there are several.
    """

    def __init__(self) -> None:
        self.graph = exact_graph()
        self.varying: set[Node] = set()
        self.bases: dict[Node, Node] = {}
        self.count: dict[Node, int] = {}                 # terms of sums
        self.known: dict[Node, frozenset[str]] = {}      # facts of the inputs

    def input(self, like: Node, facts: frozenset[str]) -> Node:
        node = self.graph.input(like.shape, like.dtype)
        self.varying.add(node)
        self.bases[node] = node
        self.known[node] = facts
        return node

    def op(self, prim: Primitive | str, *inputs: Value, **params: Any) -> Value:
        """The operation, or what a rule says is equal to it in real arithmetic."""
        prim = PRIMITIVES[prim] if isinstance(prim, str) else prim
        for rule in () if any(map(_is_complex, inputs)) else PATTERNS.get(prim, ()):
            try:
                better = rule(self, *inputs, **params)
            except RecursionError:                           # deeper than any formula: it stays as it is written
                better = None
            if better is not None:
                return better
        return self.plain(prim, *inputs, **params)

    def plain(self, prim: Primitive | str, *inputs: Value, **params: Any) -> Node:
        """The operation as it stands."""
        prim = PRIMITIVES[prim] if isinstance(prim, str) else prim
        node = self.graph.share(prim, inputs, params or NO_PARAMS)
        if prim.name in SUMS:
            self.count[node] = sum(self.terms_of(i) for i in inputs)
        own = [i for i in inputs if type(i) is Node and i in self.varying]
        if own:
            self.varying.add(node)
            found = {self.bases[i] for i in own}
            alone = node.prim in KINDS and len(found) == 1 and all(i.shape == node.shape for i in own)
            self.bases[node] = found.pop() if alone else node
        return node

    def terms_of(self, x: Value) -> int:
        return self.count.get(x, 1) if type(x) is Node else 1

    def varies(self, *values: Value) -> bool:
        """Whether all of them depend on the input."""
        return all(type(v) is Node and v in self.varying for v in values)

    def fixed(self, value: Value) -> bool:
        return not (type(value) is Node and value in self.varying)

    # --- moving entries -----------------------------------------------------------------------------------------------

    def reshape(self, x: Value, shape: tuple[int, ...]) -> Value:
        return x if shape_of(x) == shape else self.op("reshape", x, shape=shape)

    def broadcast(self, x: Value, shape: tuple[int, ...]) -> Value:
        return x if shape_of(x) == shape else self.op("broadcast_to", x, shape=shape)

    def columns(self, x: Value, axis: tuple[int, ...]) -> Value:
        """The axes that are folded, as one and last."""
        shape = shape_of(x)
        rest = tuple(i for i in range(len(shape)) if i not in axis)
        if (*rest, *axis) != tuple(range(len(shape))):
            x = self.op("transpose", x, perm=(*rest, *axis))
        return self.reshape(x, (*(shape[i] for i in rest), math.prod(shape[i] for i in axis)))

    def stack(self, parts: list[Value], shape: tuple[int, ...]) -> Value:
        """Arrays that broadcast to `shape`, behind each other on a new last axis; or along it, where they have it."""
        if shape == () and all(shape_of(p) == () for p in parts):
            return self.plain("pack", *parts)
        long = [self._column(p, shape) for p in parts]
        return long[0] if len(long) == 1 else self.plain("concatenate", *long, axis=len(shape))

    def _column(self, x: Value, shape: tuple[int, ...]) -> Value:
        if type(x) is not Node:
            return np.reshape(np.broadcast_to(np.asarray(x, float), shape), (*shape, 1))
        if len(x.shape) == len(shape) + 1 and x.shape[:-1] == shape:
            return x
        return self.reshape(self.broadcast(x, shape), (*shape, 1))


def _is_complex(x: Value) -> bool:
    return isinstance(x, complex) or getattr(x, "dtype", None) in COMPLEX


def is_op(x: Value, *prims: str | Primitive) -> bool:
    return type(x) is Node and any(x.prim is (PRIMITIVES[p] if isinstance(p, str) else p) for p in prims)


def is_number(x: Value) -> bool:
    """One plain number: a literal or a 0-d array."""
    return isinstance(x, (int, float, np.integer, np.floating)) and not isinstance(x, bool) or (
        isinstance(x, np.ndarray) and x.shape == () and x.dtype.kind in "iuf")


def is_constant(x: Value) -> bool:
    return type(x) is not Node and not scipy.sparse.issparse(x)


def terms(x: Value, sign: int = 1) -> Iterator[tuple[int, Value]]:
    """x as a sum of signed terms, through additions, subtractions and negations, from the left."""
    stack = [(sign, x)]
    while stack:
        sign, x = stack.pop()
        if is_op(x, "add", "subtract"):
            stack += [(sign if is_op(x, "add") else -sign, x.inputs[1]), (sign, x.inputs[0])]
        elif is_op(x, "negative"):
            stack.append((-sign, x.inputs[0]))
        else:
            yield sign, x


def factors(x: Value) -> Iterator[Value]:
    """x as a product, from the left."""
    stack = [x]
    while stack:
        x = stack.pop()
        if is_op(x, "multiply"):
            stack += x.inputs[::-1]
        else:
            yield x


def exact(number: Value) -> Fraction:
    """A literal as the fraction that the float is: 0.25 is ¼, and 1/3 is not a third."""
    return Fraction(float(number))


def slices(x: Value) -> list[Node]:
    """The slices and changes of shape that x goes through, the last first; [] where they are many."""
    out: list[Node] = []
    while is_op(x, "getitem", "reshape"):
        out.append(x)
        x = x.inputs[0]
        if len(out) > MOST_SLICES:
            return []
    return out


def placed(chain: list[Node], spots: np.ndarray) -> np.ndarray:
    """What slices leave of an array."""
    for node in chain[::-1]:
        spots = np.asarray(node.prim.evaluate(spots, **node.params))
    return spots


def whole_sum(x: Value) -> tuple[Value, tuple[int, ...], bool] | None:
    """(summand, axes, keepdims) of a sum."""
    return (x.inputs[0], x.params["axis"], x.params["keepdims"]) if is_op(x, "sum") else None


def is_diagonal(x: Value, shape: tuple[int, ...]) -> bool:
    """Whether a slice takes the diagonal of a square matrix, once each."""
    if not is_op(x, "getitem") or len(shape) != 2:
        return False
    try:
        places = np.asarray(x.prim.evaluate(np.arange(shape[0] * shape[1]).reshape(shape), **x.params))
    except (IndexError, ValueError):
        return False
    return np.array_equal(np.sort(places.ravel()), np.arange(shape[0]) * (shape[1] + 1))


@pattern("transpose")
def _turned_back(b: Build, x: Value, perm: tuple[int, ...]) -> Value | None:
    if perm == tuple(range(len(perm))):
        return x
    if is_op(x, "transpose"):
        inner = x.params["perm"]
        return b.op("transpose", x.inputs[0], perm=tuple(inner[p] for p in perm))
    return None


@pattern("getitem")
def _same_entries(b: Build, x: Value, index: Static) -> Value | None:
    """m[:, None], m[:, 0] of one column: a change of shape."""
    parts, shape = index.value, shape_of(x)
    if any(not (p is None or p is Ellipsis or type(p) is int or isinstance(p, slice)) for p in parts):
        return None
    picked = np.arange(math.prod(shape)).reshape(shape)[parts]
    if np.size(picked) == math.prod(shape) and np.array_equal(np.ravel(picked), np.arange(np.size(picked))):
        return b.reshape(x, np.shape(picked))
    if is_op(x, "pack") and len(parts) == 1 and type(parts[0]) is int:
        return x.inputs[parts[0]]
    return None


@pattern("reshape")
def _reshaped(b: Build, x: Value, shape: tuple[int, ...]) -> Value | None:
    if is_op(x, "reshape"):
        return b.reshape(x.inputs[0], shape)
    return x if shape_of(x) == shape else None


MOST_TERMS = 32        # of sums in which something that cancels is looked for
TOTAL = {"input", "constant", "add", "subtract", "negative", "multiply", "exp", "square", "absolute", "max", "min",
         "sum", "maximum", "minimum", "matmul", "getitem", "reshape", "transpose", "broadcast_to", "concatenate",
         "pack", "where", "isfinite", "greater", "less", "greater_equal", "less_equal", "sum_of_largest",
         "log_sum_exp", "length"}


def is_total(x: Node) -> bool:
    """Whether x is defined for every value of the input: what is left out then hides no hole of the domain."""
    seen, stack = set(), [x]
    while stack:
        node = stack.pop()
        if type(node) is Node and node not in seen:
            seen.add(node)
            if node.prim.name not in TOTAL:
                return False
            stack += node.inputs
    return True


def _cancelling(sign: int):
    def rule(b: Build, x: Value, y: Value) -> Value | None:
        """a − c + c = a, where both are whole terms of one shape."""
        if not (type(x) is Node and type(y) is Node) or max(b.terms_of(x), b.terms_of(y)) > MOST_TERMS:
            return None
        left, right = list(terms(x)), list(terms(y, sign))
        for k, (s, t) in enumerate(right):
            for n, (r, u) in enumerate(left):
                if t is u and r == -s and type(t) is Node and is_total(t):
                    rest = [*left[:n], *left[n + 1:], *right[:k], *right[k + 1:]]
                    return _summed(b, rest, np.broadcast_shapes(shape_of(x), shape_of(y)))
        return None
    return rule


def _summed(b: Build, parts: list[tuple[int, Value]], shape: tuple[int, ...]) -> Value:
    parts = sorted(parts, key=lambda part: -part[0])
    if not parts:
        return np.zeros(shape) if shape else 0.0
    sign, out = parts[0]
    out = out if sign > 0 else b.op("negative", out)
    for sign, part in parts[1:]:
        out = b.op("add" if sign > 0 else "subtract", out, part)
    return b.broadcast(out, shape)


pattern("add")(_cancelling(1))
pattern("subtract")(_cancelling(-1))
