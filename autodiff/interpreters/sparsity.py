"""Sparsity: which entries of each node depend on which entries of the inputs, read from the graph, never from values.

One kind of rule per class of operation: elementwise rows unite patterns, rows that move data are evaluated on entry
numbers, reductions and contractions group; what has no rule is a dense block, so that no entry is ever missed. Constant
arrays count by their zeros: a pattern belongs to one recording.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from ..graph import Graph, Node
from ..primitive import Primitive, shape_of
from ..primitives import (
    complex,
    decompositions,
    determinants,
    elementwise,
    gather,
    indexing,
    least_squares,
    linalg,
    matrix_functions,
    reductions,
    shape,
)
from .pattern import Pattern, dense, empty, numbers_of, spread, stack, unit, unite
from .sparsity_products import PRODUCTS


def sparsity(graph: Graph, wrt: Sequence[Node], outputs: Sequence) -> list:
    """The pattern of each output with respect to all entries of the nodes `wrt`, one after the other."""
    columns = sum(x.size for x in wrt)
    patterns: dict[Node, object] = {}
    start = 0
    for x in wrt:
        patterns[x] = unit(start, x.size, columns)
        start += x.size
    for node in graph.live(outputs, keep_guards=False, given=patterns):
        given = [patterns.get(x) if type(x) is Node else None for x in node.inputs]
        if node not in patterns and any(p is not None for p in given):
            patterns[node] = _pattern(node, given)
    found = [patterns.get(o) if type(o) is Node else None for o in outputs]
    sizes = [math.prod(shape_of(o)) for o in outputs]
    return [(empty(size, columns) if p is None else p).matrix() for p, size in zip(found, sizes, strict=True)]


def _pattern(node: Node, given: list):
    """By the primitive's own rule, else by the class of its derivative, else dense."""
    prim = node.prim
    rules = prim.partials if prim.partials is not None else prim.transpose if prim.jvp is None else None
    if rules is not None:
        given = [p if p is not None and rules[i] is not None else None for i, p in enumerate(given)]
        if all(p is None for p in given):
            return None
    rule = RULES.get(prim)
    if rule is None:
        rule = _elementwise if prim.partials is not None or _is_elementwise(prim) else dense
    return rule(node, given)


def _is_elementwise(prim: Primitive) -> bool:
    """Whether a row of another derivative class is a ufunc all the same."""
    return isinstance(prim.evaluate, np.ufunc) and prim.evaluate.signature is None and prim.evaluate.nout == 1


# --- rules ------------------------------------------------------------------------------------------------------------


def _elementwise(node: Node, given: list):
    return unite([p and spread(p, shape_of(x), node.shape) for x, p in zip(node.inputs, given, strict=True)])


def _product(node: Node, given: list):
    """A factor that is constantly zero leaves nothing."""
    out = []
    for k, p in enumerate(given):
        other = node.inputs[1 - k]
        if p is not None and isinstance(other, (np.ndarray, float, int)) and not np.all(other):
            source = numbers_of(shape_of(node.inputs[k]), node.shape)
            p = p.take(np.where(np.broadcast_to(np.not_equal(other, 0), node.shape), source, -1).reshape(-1))
        elif p is not None:
            p = spread(p, shape_of(node.inputs[k]), node.shape)
        out.append(p)
    return unite(out)


def _moved(node: Node, given: list):
    """A row that moves entries, evaluated on their numbers: −1 for constants."""
    numbers, start = [], 0
    for x, p in zip(node.inputs, given, strict=True):
        if p is None:
            numbers.append(np.full(shape_of(x), -1))
        else:
            numbers.append(np.arange(start, start + p.size).reshape(shape_of(x)))
            start += p.size
    source = node.prim.evaluate(*numbers, **node.params)
    return stack([p for p in given if p is not None]).take(np.asarray(source).reshape(-1))


def _selected(node: Node, given: list):
    """where: by the condition if it is constant, else either operand."""
    condition, *operands = node.inputs
    if type(condition) is Node or not isinstance(condition, (np.ndarray, bool, np.bool_)):
        return _elementwise(node, given)
    masks = (condition, np.logical_not(condition))
    return unite([p and p.take(np.where(mask, numbers_of(shape_of(x), node.shape), -1).reshape(-1))
                  for x, p, mask in zip(operands, given[1:], masks, strict=True)])


def _scattered(node: Node, given: list):
    based, indices = node.params["based"], node.params["indices"]
    places = np.arange(node.size).reshape(node.shape)
    out = [spread(given[0], shape_of(node.inputs[0]), node.shape)] if based and given[0] is not None else []
    targets, sources, parts, start = [], [], [], 0
    for index, x, p in zip(indices, node.inputs[based:], given[based:], strict=True):
        if p is not None:
            to = np.asarray(places[index.value])
            targets.append(to.reshape(-1))
            sources.append(start + numbers_of(shape_of(x), to.shape).reshape(-1))
            parts.append(p)
            start += p.size
    if parts:
        out.append(stack(parts).through(np.concatenate(targets), np.concatenate(sources), node.size))
    return unite(out)


def _reduced(node: Node, given: list):
    x, axis = node.inputs[0], node.params["axis"]
    kept = reductions.kept_shape(x.shape, axis)
    return given[0].group(numbers_of(kept, x.shape).reshape(-1), math.prod(kept))


def _running(node: Node, given: list):
    """cumsum: unions of the rows before along the axis, by doubling."""
    axis, p = node.params["axis"], given[0]
    numbers, step = np.arange(p.size).reshape(node.shape), 1
    while step < node.shape[axis]:
        earlier = np.full(node.shape, -1)
        front = (slice(None),) * axis
        earlier[(*front, slice(step, None))] = numbers[(*front, slice(None, -step))]
        p = unite([p, p.take(earlier.reshape(-1))])
        step *= 2
    return p


def _reached(node: Node, full: tuple[int, ...], places: tuple):
    """Numbers of the groups that x[index] reads, one group along each axis that computed places index."""
    axes, axis = [], 0
    for part in node.params["index"].value:
        if part is Ellipsis or isinstance(part, (bool, np.bool_)) or getattr(part, "dtype", None) == np.bool_:
            return None
        axes += [axis] * (part is gather.PLACE)
        axis += part is not None
    kept = reductions.kept_shape(full, axes)
    index = gather.filled(node.params["index"], [np.zeros(shape_of(i), np.intp) for i in places])
    return kept, np.asarray(np.arange(math.prod(kept)).reshape(kept)[index])


def _gathered(node: Node, given: list):
    x, *places = node.inputs
    found = _reached(node, x.shape, places)
    if found is None:
        return dense(node, given)
    kept, read = found
    return given[0].group(numbers_of(kept, x.shape).reshape(-1), math.prod(kept)).take(read.reshape(-1))


def _written(node: Node, p: Pattern, part, places: tuple):
    """Entries written to computed places: anywhere in their groups."""
    found = _reached(node, node.shape, places)
    if found is None:
        return dense(node, [p])
    kept, read = found
    p = spread(p, shape_of(part), read.shape)
    return p.group(read.reshape(-1), math.prod(kept)).take(numbers_of(kept, node.shape).reshape(-1))


def _assigned(node: Node, given: list):
    x, value, *places = node.inputs
    return unite([given[0], given[1] and _written(node, given[1], value, places)])


def _per_matrix(node: Node, given: list):
    """A function of each matrix of a stack."""
    batch = {shape_of(x)[:-2] for x, p in zip(node.inputs, given, strict=True) if p is not None}
    outs = node.shape if isinstance(node.dtype, tuple) else (node.shape,)
    if len(batch) != 1 or not (own := batch.pop()) or any(out[:len(own)] != own for out in outs):
        return dense(node, given)
    number = math.prod(own)
    rows = unite([p and p.group(np.repeat(np.arange(number), p.size // max(number, 1)), number) for p in given])
    parts = [rows.take(np.repeat(np.arange(number), math.prod(out[len(own):]))) for out in outs]
    return tuple(parts) if isinstance(node.dtype, tuple) else parts[0]


def _item(node: Node, given: list):
    return given[0][node.params["number"]]


RULES: dict[Primitive, Callable] = {
    elementwise.MULTIPLY: _product, elementwise.SCALE: _product, elementwise.WHERE: _selected,
    elementwise.CAST: _elementwise, indexing.SCATTER: _scattered, reductions.CUMSUM: _running,
    linalg.ITEM: _item, gather.GATHER: _gathered, gather.ASSIGN_AT: _assigned,
    gather.SCATTER_AT: lambda node, given: _written(node, given[0], node.inputs[0], node.inputs[1:])}
RULES |= PRODUCTS
RULES |= dict.fromkeys((shape.RESHAPE, shape.TRANSPOSE, shape.BROADCAST, shape.CONCATENATE, shape.PACK,
                        indexing.GETITEM, indexing.SETITEM, indexing.COPY), _moved)
RULES |= dict.fromkeys((reductions.SUM, reductions.MAX, reductions.MIN), _reduced)
RULES |= dict.fromkeys((complex.REAL, complex.IMAG, complex.CONJ), _elementwise)
RULES |= dict.fromkeys((linalg.INV, linalg.SOLVE, determinants.DET, determinants.LOGABSDET, determinants.ADJUGATE,
                        decompositions.CHOLESKY, decompositions.EIGH, decompositions.QR, decompositions.SVD,
                        decompositions.SVDVALS, least_squares.PINV,
                        matrix_functions.MATRIX_FUNCTION), _per_matrix)
