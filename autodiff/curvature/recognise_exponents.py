"""Products of exponentials as exponentials of sums, and logarithms of products as sums of logarithms."""

from __future__ import annotations

import numpy as np

from ..graph import Node
from ..primitive import shape_of
from .recognise_tools import Build, Value, factors, is_number, is_op, pattern

# --- eᵘ eᵛ ------------------------------------------------------------------------------------------------------------


def _exponential(b: Build, x: Value) -> tuple[list[Value], Value] | None:
    """(numbers c, u) with x = Πc · eᵘ."""
    if is_op(x, "exp"):
        return [], x.inputs[0]
    if is_op(x, "square", "power") and is_op(x.inputs[0], "exp"):
        p = 2.0 if is_op(x, "square") else x.inputs[1]
        return ([], b.op("multiply", p, x.inputs[0].inputs[0])) if is_number(p) else None
    if is_op(x, "negative"):
        held = _exponential(b, x.inputs[0]) if is_op(x.inputs[0], "exp", "square", "power", "divide") else None
        return None if held is None else ([-1.0, *held[0]], held[1])
    if is_op(x, "divide") and is_number(x.inputs[0]) and is_op(x.inputs[1], "exp"):
        return [x.inputs[0]], b.op("negative", x.inputs[1].inputs[0])
    if is_op(x, "multiply"):
        for c, rest in (x.inputs, x.inputs[::-1]):
            if is_number(c) and is_op(rest, "exp", "square", "power", "divide"):
                held = _exponential(b, rest)
                return None if held is None else ([c, *held[0]], held[1])
    return None


def _apart(b: Build, x: Value, y: Value) -> bool:
    """Whether both vary, and as functions of different arrays: of one, it is one function anyway."""
    return b.varies(x, y) and b.bases[x] is not b.bases[y]


def _joined(sign: str):
    def rule(b: Build, x: Value, y: Value) -> Value | None:
        if not _apart(b, x, y):
            return None
        left, right = _exponential(b, x), None if sign == "subtract" and not is_op(y, "exp") else _exponential(b, y)
        if left is None or right is None:
            return None
        out = b.op("exp", b.op(sign, left[1], right[1]))
        for c in (*left[0], *right[0]):
            out = b.op("multiply", c, out)
        return out
    return rule


pattern("multiply")(_joined("add"))
pattern("divide")(_joined("subtract"))


@pattern("prod")
def _product_of_exponentials(b: Build, x: Value, axis: tuple[int, ...], keepdims: bool) -> Value | None:
    if not b.varies(x) or not is_op(x, "exp"):
        return None
    return b.op("exp", b.op("sum", x.inputs[0], axis=axis, keepdims=keepdims))


@pattern("multiply")
def _sign_outside(b: Build, x: Value, y: Value) -> Value | None:
    """(−u)v and (cu)v, where uv is more than a product."""
    if not b.varies(x, y):
        return None
    for u, v in ((x, y), (y, x)):
        if is_op(u, "negative") or is_op(u, "multiply") and any(map(is_number, u.inputs)):
            c = -1.0 if is_op(u, "negative") else next(i for i in u.inputs if is_number(i))
            inner = u.inputs[0] if is_op(u, "negative") else next(i for i in u.inputs if i is not c)
            if not _apart(b, inner, v):
                continue
            made = b.op("multiply", *((inner, v) if u is x else (v, inner)))
            if not is_op(made, "multiply"):
                return b.op("negative", made) if is_op(u, "negative") else b.op("multiply", c, made)
    return None


MOST = 4               # factors of one array of which the logarithm is taken together


# --- log(xy) ----------------------------------------------------------------------------------------------------------


@pattern("log")
def _log_of_product(b: Build, x: Value) -> Value | None:
    """Σ log of the factors, those of one array together; where two of them are negative it is given up."""
    if is_op(x, "prod") and b.varies(x):
        return b.op("sum", b.op("log", x.inputs[0]), **x.params)
    if not is_op(x, "multiply") or not b.varies(x):
        return None
    groups: dict[Node | None, list[Value]] = {}
    for part in factors(x):
        groups.setdefault(b.bases[part] if b.varies(part) else None, []).append(part)
    fixed = groups.pop(None, [])
    if len(groups) < 2 or any(type(c) is Node or not np.all(np.asarray(c) > 0) for c in fixed):
        return None
    out: Value = None
    split = [[p] for ps in groups.values() if len(ps) > MOST for p in ps]
    for parts in (*(ps for ps in groups.values() if len(ps) <= MOST), *split, *([c] for c in fixed)):
        inner = parts[0]
        for part in parts[1:]:
            inner = b.op("multiply", inner, part)
        log = b.op("log", inner) if b.varies(inner) else b.plain("log", inner)
        out = log if out is None else b.op("add", out, log)
    return b.broadcast(out, shape_of(x))


@pattern("xlogy")
def _entropy_from_zero(b: Build, x: Value, y: Value) -> Value | None:
    """xlogy(x, x), which is 0 at 0."""
    return b.op("negative", b.op("entr", x)) if x is y and b.varies(x) else None


# --- constants that differ by entry -----------------------------------------------------------------------------------


def _array(b: Build, x: Value) -> bool:
    return isinstance(x, np.ndarray) and x.dtype.kind in "fiu" and x.size > 1


@pattern("divide")
def _known_over(b: Build, k: Value, x: Value) -> Value | None:
    """k/x = k·(1/x): one function of x for all entries."""
    return b.op("multiply", k, b.op("divide", 1.0, x)) if _array(b, k) and b.varies(x) else None


@pattern("logaddexp")
def _softplus(b: Build, x: Value, y: Value) -> Value | None:
    """log(eᵏ + eᵘ) = k + log(1 + e^(u − k)), likewise."""
    for k, u in ((x, y), (y, x)):
        if _array(b, k) and np.isfinite(k).all() and np.ptp(k) and b.varies(u):
            return b.op("add", k, b.op("logaddexp", 0.0, b.op("subtract", u, k)))
    return None


@pattern("log")
def _log_of_shifted(b: Build, x: Value) -> Value | None:
    """log(k + eᵘ) = log k + log(1 + e^(u − log k)) for k > 0, likewise."""
    if not is_op(x, "add"):
        return None
    for k, e in (x.inputs, x.inputs[::-1]):
        if _array(b, k) and np.ptp(k) and np.all(k > 0) and np.all(np.isfinite(k)) and b.varies(e) and is_op(e, "exp"):
            log = b.plain("log", k)
            return b.op("add", log, b.op("logaddexp", 0.0, b.op("subtract", e.inputs[0], log)))
    return None
