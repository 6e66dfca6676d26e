"""The arithmetic of generated code, operation by operation: what forms.py and scalars.py write, as functions.

The order of additions, the routine that a product goes to and the layout of what it leaves are those of the generated
line, so that both give the same bits. tests/autodiff/test_autodiff_bits.py compares them, row by row.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from . import scalars
from .forms import FORMS, IN_PLACE, adds, by_product, is_apart, is_entry, short_rows
from .graph import GUARD, Node
from .primitives import contraction, indexing, reductions, shape
from .scalars import F64


def kernel(node: Node, floats: bool, checked: bool) -> Callable:
    """The operation of a node, a function of its operands.

    floats : whether 0-d float64 values are Python floats. checked : whether guards check.
    """
    prim = node.prim
    if prim is GUARD and not checked or prim.alias:
        return _first
    if floats and scalars.template(node) is not None:
        return scalars.function(node)
    if prim in FORMS and not (node.shape == () and prim in IN_PLACE):
        if floats and prim is indexing.GETITEM and is_entry(node) and node.dtype == F64 and node.inputs[0].ndim == 1:
            return _entry(node.params["index"].value[0])
        run = KERNELS[prim](node)
    elif prim.ufunc is not None and node.shape != ():
        return _into_new(node, prim.ufunc)
    else:
        run = _general(node)
    if node.shape != () or isinstance(node.dtype, tuple):
        return run
    if floats and node.dtype == F64:
        return lambda *operands: float(run(*operands))
    return (lambda *operands: run(*operands)[()]) if prim.view else run


def plain(node: Node, operands: list):
    """NumPy's own answer for a number where Python's floats raise."""
    value = _general(node)(*operands)
    return float(value) if node.dtype == F64 else value


def _first(value, *_):
    return value


def _general(node: Node) -> Callable:
    evaluate, params = node.prim.evaluate, node.params
    return (lambda *operands: evaluate(*operands, **params)) if params else evaluate


def _into_new(node: Node, ufunc: Callable) -> Callable:
    """Rows after rows, whatever the layout of the operands: the layout decides in which order sums are taken later."""
    size, dtype = node.shape, node.dtype
    return lambda *operands: ufunc(*operands, out=np.empty(size, dtype))


@functools.cache
def _entry(k: int) -> Callable:
    return lambda x: x.item(k)


def _getitem(node: Node) -> Callable:
    index = node.params["index"].value
    if node.shape == () == shape.shape_of(node.inputs[0]):
        return _first
    if is_apart(node):
        return lambda x: np.array(x[index])
    return lambda x: np.asarray(x)[index]


def _reshape(node: Node) -> Callable:
    size = node.shape
    return lambda x: np.reshape(x, size)


def _transpose(node: Node) -> Callable:
    perm = node.params["perm"]
    return lambda x: x.transpose(perm)


def _pack(node: Node) -> Callable:
    dtype = node.dtype
    return lambda *numbers: np.array(numbers, dtype)


def _sum(node: Node) -> Callable:
    x, axis, kept = node.inputs[0], node.params["axis"], node.params["keepdims"]
    size, dtype, add = node.shape, node.dtype, np.add.reduce
    if size == ():
        over = None if len(x.shape) > 1 else 0
        return lambda x: add(x, over)
    if not by_product(x, axis):
        return lambda x: add(x, axis=axis, out=np.empty(size, dtype), keepdims=kept)
    ones = np.ones(x.shape[axis[0]])
    if axis[0]:
        return lambda x: x.dot(ones).reshape(size)
    return lambda x: ones.dot(x).reshape(size)


def _extreme(node: Node) -> Callable:
    if not short_rows(node.inputs[0], node.params["axis"]):
        return _general(node)
    reduce, size = (np.maximum if node.prim is reductions.MAX else np.minimum).reduce, node.shape
    return lambda x: reduce(np.array(x.T, order="C"), 0).reshape(size)


def _matmul(node: Node) -> Callable:
    a, b = node.inputs
    if len(shape.shape_of(a)) > 2 or len(shape.shape_of(b)) > 2 or not a.dtype == b.dtype == F64:
        return _into_new(node, np.matmul) if node.shape else np.matmul
    return lambda a, b: a.dot(b)


def _sparse(node: Node) -> Callable:
    product = contraction.product_by_rows(node.inputs[0], node.params["transposed"])
    return lambda a, x: product(x)


def _scatter(node: Node) -> Callable:
    based, size, dtype = node.params["based"], node.shape, node.dtype
    places = [(index.value, adds(index.value, node)) for index in node.params["indices"]]

    def run(*parts):
        out = np.zeros(size, dtype) if not based else np.empty(size, dtype)
        if based:
            np.copyto(out, parts[0])
            parts = parts[1:]
        for number, ((index, once), part) in enumerate(zip(places, parts, strict=True)):
            if once and number == 0 and not based:
                out[index] = part
            elif once:
                out[index] += part
            else:
                np.add.at(out, index, part)
        return out
    return run


def _setitem(node: Node) -> Callable:
    size, dtype, index = node.shape, node.dtype, node.params["index"].value

    def run(x, value):
        out = np.empty(size, dtype)
        np.copyto(out, x)
        out[index] = value
        return out
    return run


KERNELS: dict = {
    indexing.GETITEM: _getitem, shape.RESHAPE: _reshape, shape.TRANSPOSE: _transpose, shape.PACK: _pack,
    reductions.SUM: _sum, reductions.MAX: _extreme, reductions.MIN: _extreme, contraction.MATMUL: _matmul,
    contraction.SPARSE: _sparse, indexing.SCATTER: _scatter, indexing.SETITEM: _setitem}
