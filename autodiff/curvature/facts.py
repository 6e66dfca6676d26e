"""Which matrices in a graph are symmetric, positive semidefinite or definite, from facts of the input."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..graph import Node
from ..interpreters import interval
from ..intervals import Interval, add, multiply
from ..primitive import Primitive, bind, shape_of
from .atoms_matrices import INVERSE
from .atoms_quadratic import eigenvalue_bounds, is_semidefinite
from .recognise_tools import Build, Value, is_constant, is_number, is_op

SYMMETRIC, SEMIDEFINITE, DEFINITE = "symmetric", "positive semidefinite", "positive definite"
NOTHING: frozenset[str] = frozenset()
LEVELS = (NOTHING, frozenset({SYMMETRIC}), frozenset({SYMMETRIC, SEMIDEFINITE}),
          frozenset({SYMMETRIC, SEMIDEFINITE, DEFINITE}))


# What is stated of a matrix in a recording; the matrix itself otherwise.
KNOWN = Primitive("known", lambda x, facts: x, lambda x, facts: (shape_of(x), x.dtype), registered=False, alias=True,
                  transpose=(lambda ct, x, facts: ct,))
interval.register(KNOWN, lambda x, facts: x)


def stated(x: Any, facts: Iterable[str]) -> Any:
    """x, of which these facts hold wherever the function is looked at: what a domain says of its matrices."""
    return bind(KNOWN, (x,), {"facts": tuple(sorted(facts))})


def closed(facts: frozenset[str]) -> int:
    """The strongest of the facts, as a level 0 … 3."""
    return 3 if DEFINITE in facts else 2 if SEMIDEFINITE in facts else 1 if SYMMETRIC in facts else 0


def facts_of(node: Value, facts: dict[Node, frozenset[str]]) -> frozenset[str]:
    """What follows for a square matrix (a node or a constant) from the facts of the inputs."""
    held, seen, stack = dict(facts), set(), [node]
    while stack:
        x = stack.pop()
        if type(x) is Node and x not in seen and x not in held:
            seen.add(x)
            stack += x.inputs if x.prim.name in _LEVELS else ()
    for x in sorted(seen, key=lambda n: n.index):                # what is read first: no recursion
        held[x] = LEVELS[_level(x, held)]
    return LEVELS[_level(node, held)]


def is_symmetric(b: Build, x: Value) -> bool:
    return SYMMETRIC in facts_of(x, b.known)


def is_definite(b: Build, x: Value) -> bool:
    return DEFINITE in facts_of(x, b.known)


def _level(x: Value, facts: dict[Node, frozenset[str]]) -> int:
    if len(shape_of(x)) != 2 or shape_of(x)[0] != shape_of(x)[1]:
        return 0
    if type(x) is not Node:
        return _constant_level(np.asarray(x)) if is_constant(x) else 0
    if x in facts:
        return closed(facts[x])
    rule = _LEVELS.get(x.prim.name)
    return rule(x, facts) if rule is not None else 0


def _constant_level(a: np.ndarray) -> int:
    if a.dtype.kind not in "fiu" or not np.array_equal(a, a.T):
        return 0
    a = a.astype(float)
    if eigenvalue_bounds(Interval(a, a))[0] > 0:
        return 3
    return 2 if is_semidefinite(a) else 1


def _transposed(x: Node, facts) -> int:
    return _level(x.inputs[0], facts) if x.params["perm"] == (1, 0) else 0


def _mirrored(x: Value, y: Value) -> bool:
    return any(is_op(p, "transpose") and p.inputs[0] is q and p.params["perm"] == (1, 0) for p, q in ((x, y), (y, x)))


def _sum_level(x: Node, facts) -> int:
    """A sum of definite and semidefinite matrices is definite; A + Aᵀ is symmetric."""
    if any(shape_of(i) != x.shape for i in x.inputs):
        return 0
    levels = [_level(i, facts) for i in x.inputs]
    if min(levels) < 2:
        return max(min(levels), 1 if _mirrored(*x.inputs) else 0)
    return max(levels)


def _difference_level(x: Node, facts) -> int:
    return min(1, *(_level(i, facts) for i in x.inputs)) if all(shape_of(i) == x.shape for i in x.inputs) else 0


def _scaled_level(x: Node, facts) -> int:
    for k, rest in (x.inputs, x.inputs[::-1]):
        if is_number(k) and type(rest) is Node and (x.prim.name == "multiply" or k is x.inputs[1]):
            level = _level(rest, facts)
            return level if k > 0 else min(level, 1)
    return 0


def _negative_level(x: Node, facts) -> int:
    return min(_level(x.inputs[0], facts), 1)


def _product_level(x: Node, facts) -> int:
    """A Aᵀ, and A X Aᵀ of a semidefinite X; definite where A is known to have full rank."""
    left, right = x.inputs
    if _mirrored(left, right):
        return 2
    for inner, outer, first in ((left, right, True), (right, left, False)):
        if is_op(inner, "matmul") and isinstance(outer, np.ndarray):
            A, X = inner.inputs if first else inner.inputs[::-1]
            if isinstance(A, np.ndarray) and A.ndim == 2 and type(X) is Node and np.array_equal(A, outer.T):
                level = _level(X, facts)
                return level if level < 3 or _full_rank(A if first else outer) else 2
    return 0


@np.errstate(all="ignore")
def _full_rank(A: np.ndarray) -> bool:
    """Whether the rows of A are independent: A Aᵀ has no eigenvalue 0."""
    parts = multiply(Interval(A[:, None, :], A[:, None, :]), Interval(A[None], A[None]))
    lo = hi = np.zeros((len(A), len(A)))
    gram = Interval(lo, hi)
    for k in range(A.shape[1]):
        gram = add(gram, Interval(parts.lo[..., k], parts.hi[..., k]))
    return eigenvalue_bounds(gram)[0] > 0


def _inverse_level(x: Node, facts) -> int:
    level = _level(x.inputs[0], facts)
    return 3 if level == 3 else min(level, 1)


_LEVELS = {"transpose": _transposed, "add": _sum_level, "subtract": _difference_level, "multiply": _scaled_level,
           "divide": _scaled_level, "negative": _negative_level, "matmul": _product_level, "inv": _inverse_level,
           INVERSE.name: _inverse_level}
