"""What stands in a box of the computational graph: the NumPy call, the shape, values in short."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse

from ..graph import Node, short


def number(value: Any) -> str:
    """A number, short."""
    if isinstance(value, (bool, np.bool_, str)) or value is None:
        return str(value)
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if scipy.sparse.issparse(value) or np.ndim(value):
        return short(value)
    value = np.asarray(value)[()]
    return f"{value:.5g}" if value.dtype.kind in "fc" else str(value)


def summary(value: Any) -> str:
    """Forward values and adjoints: numbers as they are, arrays by their least and greatest entries."""
    if isinstance(value, tuple):
        return ", ".join(map(summary, value))
    if scipy.sparse.issparse(value):
        return f"{value.nnz} entries"
    if np.ndim(value) == 0:
        return number(value)
    if value.size == 0:
        return "empty"
    if value.dtype.kind == "c":
        return f"|·| ≤ {np.max(np.abs(value)):.3g}"
    low, high = np.min(value), np.max(value)
    if low == high:
        return number(low)
    return f"{low:.3g} … {high:.3g}" if value.dtype.kind == "f" else f"{number(low)} … {number(high)}"


def size(box) -> str:
    """Its shape, and its type where that is not float64; empty for a number."""
    if isinstance(box.dtype, tuple):
        return ", ".join(map(str, box.shape))
    parts = [str(tuple(box.shape))] if box.shape else []
    return " ".join(parts + ([str(box.dtype)] if box.dtype != np.float64 else []))


MAX_ARGUMENTS = 4


def call_text(node: Node, name_of: Callable[[Any], str]) -> str:
    """The NumPy call that an operation is."""
    special = _CALLS.get(node.prim.name)
    arguments = [name_of(a) for a in node.inputs]
    if special is not None:
        return special(node, _shortened(arguments))
    return f"{node.prim.name}({', '.join(_shortened(arguments) + _keywords(node))})"


def _shortened(arguments: list[str]) -> list[str]:
    return arguments if len(arguments) <= MAX_ARGUMENTS else [
        *arguments[:MAX_ARGUMENTS - 2], f"… {len(arguments) - MAX_ARGUMENTS + 1} more …", arguments[-1]]


def _keywords(node: Node) -> list[str]:
    params = dict(node.params)
    axis, first = params.get("axis"), node.inputs[0] if node.inputs else None
    if isinstance(axis, tuple) and type(first) is Node:
        if len(axis) == first.ndim:
            del params["axis"]
        elif len(axis) == 1:
            params["axis"] = axis[0]
    if params.get("keepdims") is False:
        del params["keepdims"]
    return [f"{k}={short(v)}" for k, v in params.items()]


def _index(index) -> str:
    text = short(index)
    inner = text[1:-1] if text.startswith("(") else text
    return inner.removesuffix(",")


def _transposed(node: Node, a: list[str]) -> str:
    perm = node.params["perm"]
    return f"{a[0]}.T" if perm == tuple(range(len(perm)))[::-1] else f"transpose({a[0]}, {perm})"


_CALLS: dict[str, Callable[[Node, list[str]], str]] = {
    "getitem": lambda node, a: f"{a[0]}[{_index(node.params['index'])}]",
    "setitem": lambda node, a: f"{a[0]}, [{_index(node.params['index'])}] = {a[1]}",
    "item": lambda node, a: f"{a[0]}[{node.params['number']}]",
    "pack": lambda node, a: f"array([{', '.join(a)}])",
    "concatenate": lambda node, a: f"concatenate([{', '.join(a)}], {node.params['axis']})",
    "scatter": lambda node, a: f"scatter({', '.join(a)})",
    "astype": lambda node, a: f"{a[0]}.astype({np.dtype(node.params['dtype'])})",
    "reshape": lambda node, a: f"reshape({a[0]}, {node.params['shape']})",
    "broadcast_to": lambda node, a: f"broadcast_to({a[0]}, {node.params['shape']})",
    "transpose": _transposed,
    "scale": lambda node, a: f"multiply({', '.join(a)})",
    "sparse_matmul": lambda node, a: f"{a[0]}{'.T' if node.params.get('transposed') else ''} @ {a[1]}",
    "einsum": lambda node, a: f"einsum({', '.join([repr(node.params['spec']), *a])})",
    "custom_jvp": lambda node, a: f"{node.params['call']}({', '.join(a)})",
    "custom_vjp": lambda node, a: f"{node.params['call']}({', '.join(a)})",
    "logabsdet": lambda node, a: f"slogdet({a[0]})[1]",
    "signdet": lambda node, a: f"slogdet({a[0]})[0]",
}
