"""Curvature of products, quotients, powers and contractions of what depends on x, and x²/y and Π x^a as atoms."""

from __future__ import annotations

import string

import numpy as np

from ..graph import Node
from ..interpreters.interval import RULES
from ..intervals import UNIT, Interval, add, divide, multiply, negative, square, up
from ..primitive import PRIMITIVES
from ..primitives.elementwise import broadcast
from .atoms import (
    MOST_ENTRIES,
    atom,
    by_entry,
    curved,
    mapped,
    number,
    unknown,
)
from .rows import Entries, Piece, flat


def _rule(name: str):
    return RULES[PRIMITIVES[name]]


# --- elementwise rows of two arguments --------------------------------------------------------------------------------


def _product_piece(a, z, x, y, *, node, variable) -> Piece:
    return by_entry(node, variable, {(0, 1): a})


def _quotient_piece(a, z, x, y, *, node, variable) -> Piece:
    """∂²/∂x∂y = −1/y², ∂²/∂y² = 2x/y³."""
    over = divide(a, square(y))
    return by_entry(node, variable, {(0, 1): negative(over), (1, 1): multiply(_twice(over), divide(x, y))})


def _power_piece(a, z, x, p, *, node, variable) -> Piece:
    """x^p for x > 0: p(p − 1)x^(p−2), x^(p−1)(1 + p log x), x^p log² x."""
    if variable == (0,):
        second = multiply(multiply(p, add(p, number(-1.0))), _rule("power")(x, add(p, number(-2.0))))
        return by_entry(node, variable, {(0, 0): multiply(a, second)})
    log, one = _rule("log")(x), number(1.0)
    over, inner = divide(z, x), add(one, multiply(p, log))
    piece = by_entry(node, variable, {
        (0, 0): multiply(a, multiply(multiply(p, add(p, number(-1.0))), divide(over, x))),
        (0, 1): multiply(a, multiply(over, inner)), (1, 1): multiply(a, multiply(z, square(log)))}, sign=None)
    inside = np.tile((flat(x, node.shape).lo > 0), (len(variable), 1))
    return Piece(np.where(inside, piece.low, -np.inf), np.where(inside, piece.high, np.inf),
                 piece.entries if inside.all() else None)


def _xlogy_piece(a, z, x, y, *, node, variable) -> Piece:
    return by_entry(node, variable, {(0, 1): divide(a, y), (1, 1): negative(divide(multiply(a, x), square(y)))})


def _twice(x: Interval) -> Interval:
    return mapped(lambda end: 2.0 * end, x)


for _name in ("multiply", "scale"):
    curved(PRIMITIVES[_name], "a product", _product_piece)
curved(PRIMITIVES["divide"], "a quotient", _quotient_piece)
for _name in ("power", "float_power"):
    curved(PRIMITIVES[_name], "a power", _power_piece)
curved(PRIMITIVES["xlogy"], "x log y", _xlogy_piece)


# --- x²/y -------------------------------------------------------------------------------------------------------------


SQUARE_OVER = atom("square_over", lambda x, y: np.square(x) / y, lambda x, y: (broadcast(x, y), np.dtype(float)),
                   lambda x, y: divide(square(x), y), lambda i, x: np.ones(x.shape, bool) if i == 0 else
                   (x.lo > 0) | (x.hi < 0), partials=(lambda z, x, y: 2.0 * (x / y), lambda z, x, y: -np.square(x / y)))


def _square_over_piece(a, z, x, y, *, node, variable) -> Piece:
    """W = (2/y)(1, −x/y)(1, −x/y)ᵀ."""
    r, first = divide(x, y), _twice(divide(a, y))
    return by_entry(node, variable, {(0, 0): first, (0, 1): negative(multiply(first, r)),
                                     (1, 1): multiply(first, square(r))}, sign=first)


curved(SQUARE_OVER, "x²/y is convex for y > 0", _square_over_piece)


# --- contractions -----------------------------------------------------------------------------------------------------




def _matmul_piece(a, z, x, y, *, node, variable) -> Piece:
    """With leading axes of both aligned by letters; a vector has no row or column."""
    left, right = (len(i.shape) for i in node.inputs)
    stack = string.ascii_uppercase[:max(left, right, 2) - 2]
    first = stack[len(stack) - left + 2:] + "ij" if left > 1 else "j"
    second = stack[len(stack) - right + 2:] + "jk" if right > 1 else "j"
    out = stack + ("i" if left > 1 else "") + ("k" if right > 1 else "")
    return _contracted(f"{first},{second}->{out}", a, (x, y), node, variable)


def _contracted(spec: str, a: Interval, xs: tuple, node: Node, variable: tuple[int, ...]) -> Piece:
    """∂²/∂X∂Y of ⟨a, einsum⟩ for each pair of operands: a times the others, summed over the letters of neither."""
    names, out = spec.split("->")[0].split(","), spec.split("->")[1]
    letters = sorted(set("".join(names)))
    sizes = {c: 1 for c in letters}
    for name, i in zip(names, node.inputs, strict=True):
        for c, s in zip(name, i.shape, strict=True):
            sizes[c] = max(sizes[c], s)
    grid = tuple(sizes[c] for c in letters)
    boxes = max(part.lo.shape[-1] for part in (a, *xs))
    if np.prod(grid, dtype=float) * boxes * len(variable) > MOST_ENTRIES:
        return unknown(node, variable, boxes)
    starts = np.cumsum([0, *(node.inputs[k].size for k in variable)])
    place = {k: starts[n] + _spots(node.inputs[k].shape, names[k], letters, grid).ravel()
             for n, k in enumerate(variable)}
    lefts, rights, weights = [], [], []
    for n, k in enumerate(variable):
        for other in variable[n + 1:]:
            weight = _over(a, out, letters)
            for i, part in enumerate(xs):
                weight = weight if i in (k, other) else multiply(weight, _over(part, names[i], letters))
            lefts.append(place[k])
            rights.append(place[other])
            weights.append(mapped(lambda end: np.broadcast_to(end, (*grid, 1, boxes)).reshape(-1, boxes), weight))
    p, q = np.concatenate(lefts), np.concatenate(rights)
    w = Interval(*(np.concatenate(ends) for ends in zip(*weights, strict=True)))
    reach = np.zeros((starts[-1], boxes))
    np.add.at(reach, p, np.maximum(-w.lo, w.hi))
    np.add.at(reach, q, np.maximum(-w.lo, w.hi))
    reach = up(reach * (1 + 2 * len(p) * UNIT))
    return Piece(-reach, reach, Entries(p, q, w))


def _spots(shape: tuple[int, ...], name: str, letters: list[str], grid: tuple[int, ...]) -> np.ndarray:
    """The number of the entry of an operand at each point of the grid of letters."""
    spots = np.arange(int(np.prod(shape, dtype=int))).reshape(shape)
    return np.broadcast_to(_aligned(spots, name, letters), grid)


def _aligned(x: np.ndarray, name: str, letters: list[str]) -> np.ndarray:
    order = [name.index(c) for c in letters if c in name]
    rest = list(range(len(name), x.ndim))
    shape = iter([x.shape[i] for i in order])
    return np.transpose(x, (*order, *rest)).reshape(
        tuple(next(shape) if c in name else 1 for c in letters) + x.shape[len(name):])


def _over(x: Interval, name: str, letters: list[str]) -> Interval:
    return mapped(lambda end: _aligned(end, name, letters), x)


curved(PRIMITIVES["matmul"], "a product of two matrices", _matmul_piece)
curved(PRIMITIVES["einsum"], "a contraction", lambda a, z, *xs, node, variable: _contracted(
    node.params["spec"], a, xs, node, variable))
