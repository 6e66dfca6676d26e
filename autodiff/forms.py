"""How operations that are more than a call of a ufunc are written by code generation, one function each."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from .graph import INPUT, Node
from .primitive import Primitive
from .primitives import contraction, indexing, reductions, shape

if TYPE_CHECKING:
    from .compile import Writer

_F64 = np.dtype(np.float64)
IN_PLACE = (indexing.SCATTER, indexing.SETITEM)
SMALL = 8            # times smaller than an array: a part that is copied for its sake


def by_rows(value) -> bool:
    """Whether the axes of an array are certainly stored in their order."""
    if type(value) is not Node:
        return np.ndim(value) < 2 or value.flags.c_contiguous
    prim = value.prim
    if value.ndim < 2 or prim.ufunc is not None or prim in _BY_ROWS:
        return True
    return prim in (shape.RESHAPE, indexing.GETITEM) and by_rows(value.inputs[0])


_BY_ROWS = (*IN_PLACE, reductions.SUM, contraction.MATMUL)


def is_view(node: Node) -> bool:
    """Whether a node shows its first input's storage."""
    if not node.prim.view or type(node.inputs[0]) is not Node or node.shape == ():
        return False
    return node.prim is not indexing.GETITEM or indexing.is_basic(node.params["index"].value)


def is_small_part(node: Node) -> bool:
    """Whether a node shows a few entries of an array that may be written in place later."""
    if node.prim is not indexing.GETITEM or type(node.inputs[0]) is not Node:
        return False
    base = node.inputs[0]
    return SMALL * node.size <= base.size and base.prim is not INPUT and not is_view(base) and by_rows(base)


def is_apart(node: Node) -> bool:
    """Whether a small part's entries may not lie side by side: a copy of it is added up in another order."""
    if not (is_small_part(node) and is_view(node)):
        return False
    index = node.params["index"].value
    cut = [i for i in index if i != slice(None)]
    first = next((k for k, i in enumerate(cut) if not isinstance(i, int)), len(cut))
    return (len(cut) > first + 1 or index[:len(cut)] != tuple(cut)
            or any(isinstance(i, slice) and i.step not in (None, 1) for i in cut))


def adds_up(reader: Node) -> bool:
    """Whether the last digits of an operation may depend on how its operands lie in memory."""
    return reader.prim.ufunc is None and reader.prim not in IN_PLACE


def is_entry(node: Node) -> bool:
    """Whether a getitem is x[k] of a vector."""
    index = node.params["index"].value
    return len(index) == 1 and type(index[0]) is int


def _getitem(w: Writer, node: Node, position: int, name: str, args: list[str]) -> None:
    x, index = node.inputs[0], node.params["index"].value
    if node.shape == () == x.shape:
        w.lines.append(f"{name} = {args[0]}")
    elif type(x) is Node and x in w.listed and is_entry(node):
        w.lines.append(f"{name} = L{args[0]}[{index[0]}]")
    elif node.shape == () and w.floats and all(isinstance(i, int) for i in index) and node.dtype == _F64:
        w.lines.append(f"{name} = {args[0]}.item({', '.join(map(str, index))})")
    else:
        source = args[0] if x.shape else f"array({args[0]})"
        part = f"{source}[{_index(w, index, node)}]"
        w.lines.append(f"{name} = {w.plain(node, f'array({part})' if node in w.copied else part)}")
    w.settle(node, position)


def _index(w: Writer, index: tuple, node: Node, number: int = 0) -> str:
    key = f"i{node.index}_{number}"
    w.namespace[key] = index if len(index) != 1 else index[0]
    return key


def _reshape(w: Writer, node: Node, position: int, name: str, args: list[str]) -> None:
    x = node.inputs[0]
    if shape.shape_of(x) == ():
        w.lines.append(f"{name} = array({args[0]}, ndmin={len(node.shape)})")
    else:
        call = f"{args[0]}.reshape({node.shape})"
        w.lines.append(f"{name} = {call if node.shape else w.plain(node, call)}")
    w.settle(node, position)


def _transpose(w: Writer, node: Node, position: int, name: str, args: list[str]) -> None:
    w.lines.append(f"{name} = {args[0]}.transpose({node.params['perm']})")
    w.settle(node, position)


def _sum(w: Writer, node: Node, position: int, name: str, args: list[str]) -> None:
    x, axis, kept = node.inputs[0], node.params["axis"], node.params["keepdims"]
    add = w.function("add_reduce", np.add.reduce)
    if node.shape == ():
        w.lines.append(f"{name} = {w.plain(node, f'{add}({args[0]}, {None if x.ndim > 1 else 0})')}")
        w.settle(node, position)
        return
    out = w.out(node, position, in_place=False)
    if by_product(x, axis):
        along = axis[0]
        ones = f"ones{x.shape[along]}"
        w.namespace.setdefault(ones, np.ones(x.shape[along]))
        call = f"{args[0]}.dot({ones}, " if along else f"{ones}.dot({args[0]}, "
        _flat(w, node, name, out, call, ")")
    else:
        w.lines.append(f"{name} = {add}({args[0]}, {axis}, None, {w.rows(node, out)}, {kept})")


def by_product(x, axis: tuple[int, ...]) -> bool:
    """Whether a matrix is summed along an axis by a product with ones: two to five times as fast."""
    return len(x.shape) == 2 and x.dtype == _F64 and (axis == (1,) or axis == (0,) and x.shape[0] <= 10**5)


def _flat(w: Writer, node: Node, name: str, out: str | None, before: str, after: str) -> None:
    """A call that fills a vector, for a node of shape (m,), (m, 1) or (1, m)."""
    if out is None:
        w.lines.append(f"{name} = empty({node.shape}, {node.dtype.str!r})")
        w.lines.append(f"{before}{name}.reshape({node.size}){after}")
        return
    flat = f"{out}f{node.index}"
    w.buffers.append(f"{flat} = {out}.reshape({node.size})")
    w.lines += [f"{before}{flat}{after}", f"{name} = {out}"]


def _extreme(w: Writer, node: Node, position: int, name: str, args: list[str]) -> None:
    x = node.inputs[0]
    if not short_rows(x, node.params["axis"]):
        w.general(node, position, name, args)
        return
    ufunc = np.maximum if node.prim is reductions.MAX else np.minimum
    reduce = w.function(f"{node.prim.name}_reduce", ufunc.reduce)
    out = w.out(node, position, in_place=False)
    turned = f"turned{node.index}"
    w.buffers.append(f"{turned} = empty({x.shape[::-1]})")
    w.lines.append(f"copyto({turned}, {args[0]}.T)")
    _flat(w, node, name, out, f"{reduce}({turned}, 0, None, ", ")")


def _matmul(w: Writer, node: Node, position: int, name: str, args: list[str]) -> None:
    a, b = node.inputs
    if len(shape.shape_of(a)) > 2 or len(shape.shape_of(b)) > 2 or not a.dtype == b.dtype == _F64:
        out = None if node.shape == () else w.rows(node, w.out(node, position, in_place=False))
        call = f"{w.function('matmul', np.matmul)}({', '.join(args + ([out] if out else []))})"
        w.lines.append(f"{name} = {w.plain(node, call)}")
    elif node.shape == ():
        w.lines.append(f"{name} = {w.plain(node, f'{args[0]}.dot({args[1]})')}")
        w.settle(node, position)
    else:
        dot = f"{args[0]}.dot"
        if type(a) is not Node:
            dot = w.function(f"dot_{args[0]}", a.dot)
        out = w.out(node, position, in_place=False)
        w.lines.append(f"{name} = {dot}({args[1]}{', ' + out if out else ''})")


def _scatter(w: Writer, node: Node, position: int, name: str, args: list[str]) -> None:
    based, indices = node.params["based"], node.params["indices"]
    if based:
        _own_copy(w, node, position, name, args.pop(0))
    else:
        if _scatter_first(w, node, position, name, indices[0].value, args):
            indices, args = indices[1:], args[1:]
            based = True
    for k, (index, arg) in enumerate(zip(indices, args, strict=True)):
        key = _index(w, index.value, node, k)
        place = f"{name}[{key}]"
        if not based and k == 0:
            plain = adds(index.value, node)
            w.lines.append(f"{place} = {arg}" if plain else f"add_at({name}, {key}, {arg})")
        elif indexing.is_basic(index.value) and _shows_array(index.value, node):
            w.lines.append(f"v = {place}; add(v, {arg}, v)")
        elif adds(index.value, node):
            w.lines.append(f"{place} += {arg}")
        else:
            w.lines.append(f"add_at({name}, {key}, {arg})")
    w.settle(node, position)


def _shows_array(index: tuple, node: Node) -> bool:
    return np.ndim(np.broadcast_to(0.0, node.shape)[index]) > 0


def adds(index: tuple, node: Node) -> bool:
    """Whether += on the index reaches every part."""
    return indexing.is_basic(index) or indexing.distinct(index, node.shape)


def _scatter_first(w: Writer, node: Node, position: int, name: str, index: tuple, args: list[str]) -> bool:
    """Zeros to scatter onto. A first part computed just before, for this alone, is computed right there."""
    first = node.inputs[0]
    direct = (type(first) is Node and first in w.call and w.call[first][0] == len(w.lines) - 1
              and w.last.get(first) == position and w.root[first] is first and first.dtype == node.dtype
              and indexing.is_basic(index) and first not in w.given_out and len(set(args)) == len(args)
              and node in w.given_out)       # (a buffer could be one of the call's own inputs)
    call = w.lines.pop() if direct else ""
    out = w.out(node, position, in_place=False)
    _zeros(w, node, name, out, index if direct else None)
    if direct:
        key = _index(w, index, node, len(node.inputs))
        w.lines.append(f"{w.call[first][1]}{name}[{key}])")
    return bool(call)


def _zeros(w: Writer, node: Node, name: str, out: str | None, written: tuple | None) -> None:
    """Zeros, except where a leading slice is about to be written whole."""
    n = node.size
    if written is not None and len(node.shape) == 1 and isinstance(written[0], slice) and (n > 1000 or out):
        start, stop, step = written[0].indices(n)
        if step == 1 and start < stop:
            w.lines.append(f"{name} = {out or f'empty({node.shape}, {node.dtype.str!r})'}")
            w.lines += [f"{name}[:{start}] = 0.0"] * (start > 0) + [f"{name}[{stop}:] = 0.0"] * (stop < n)
            return
    w.lines.append(f"{name} = {out or f'zeros({node.shape}, {node.dtype.str!r})'}")
    if out:
        w.lines.append(f"{name}.fill(0.0)")


def _own_copy(w: Writer, node: Node, position: int, name: str, base: str) -> None:
    """Storage for a write: the base's own where it is not read again, else a copy."""
    if w.root[node] is not node:
        w.lines.append(f"{name} = {base}")
        return
    out = w.out(node, position, in_place=False)
    w.lines.append(f"{name} = {out or f'empty({node.shape}, {node.dtype.str!r})'}")
    w.lines.append(f"copyto({name}, {base})")


def _assign(w: Writer, node: Node, position: int, name: str, args: list[str]) -> None:
    _own_copy(w, node, position, name, args[0])
    w.lines.append(f"{name}[{_index(w, node.params['index'].value, node)}] = {args[1]}")
    w.settle(node, position)


def _sparse(w: Writer, node: Node, position: int, name: str, args: list[str]) -> None:
    a, transposed = node.inputs[0], node.params["transposed"]
    key = f"product_{args[0]}_{int(transposed)}"
    if key not in w.namespace:
        w.namespace[key] = contraction.product_by_rows(a, transposed)
    w.lines.append(f"{name} = {key}({args[1]})")
    w.settle(node, position)


def _pack(w: Writer, node: Node, position: int, name: str, args: list[str]) -> None:
    w.lines.append(f"{name} = array(({', '.join(args)},), '{node.dtype.str}')")
    w.settle(node, position)


def short_rows(x, axis: tuple[int, ...]) -> bool:
    """A tall matrix reduced along its short rows."""
    return len(x.shape) == 2 and axis == (1,) and x.shape[1] <= 32 <= x.shape[0] and x.dtype == _F64


FORMS: dict[Primitive, Callable] = {
    indexing.GETITEM: _getitem, shape.RESHAPE: _reshape, shape.TRANSPOSE: _transpose, shape.PACK: _pack,
    reductions.SUM: _sum, reductions.MAX: _extreme, reductions.MIN: _extreme, contraction.MATMUL: _matmul,
    contraction.SPARSE: _sparse, indexing.SCATTER: _scatter, indexing.SETITEM: _assign}
