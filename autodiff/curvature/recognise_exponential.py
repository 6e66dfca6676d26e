"""Log-sum-exp, relative entropies and geometric means as plain NumPy code writes them."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from ..graph import Node
from ..primitive import shape_of
from .atoms_exponential import EXP_PERSPECTIVE, LOG_SUM_EXP, RELATIVE_ENTROPY
from .atoms_powers import POWER_PRODUCT
from .recognise_tools import Build, Value, exact, is_constant, is_number, is_op, pattern, terms


def _log_sum_exp(b: Build, u: Value, shape: tuple[int, ...]) -> Value:
    """log Σ exp u along the last axis, in the shape asked for; what is subtracted from all entries comes out."""
    return _shifted(b, u, shape) or b.reshape(b.plain(LOG_SUM_EXP, u), shape)


def _shifted(b: Build, u: Value, shape: tuple[int, ...]) -> Value | None:
    """log Σ exp(v − c) = log Σ exp v − c, c one number a group."""
    if is_op(u, "pack"):
        moved = [i for i in u.inputs if is_op(i, "subtract") and type(i.inputs[1]) is Node]
        shifts = {i.inputs[1] for i in moved}
        if len(shifts) == 1 and all(i in moved or is_number(i) and i == 0 for i in u.inputs):       # c − c is 0
            c, = shifts
            inner = b.plain("pack", *[i.inputs[0] if type(i) is Node else c for i in u.inputs])
            return b.op("subtract", b.reshape(b.plain(LOG_SUM_EXP, inner), shape), shifts.pop())
    if is_op(u, "subtract") and type(u.inputs[1]) is Node:
        v, c = u.inputs
        own, full = shape_of(c), shape_of(u)
        if shape_of(v) == full and (own == () or len(own) == len(full) and own[-1] == 1 != full[-1]
                                    and own[:-1] == full[:-1]):
            c = c if own == () else b.reshape(c, shape)
            return b.op("subtract", _log_sum_exp(b, v, shape), c)
    return None


def _folded(b: Build, u: Value, axis: tuple[int, ...], keepdims: bool, weights: Value = 1.0) -> Value:
    """log Σ w exp(u) over axes, w > 0 known: log w joins u."""
    shape = tuple(1 if i in axis else s for i, s in enumerate(shape_of(u)) if keepdims or i not in axis)
    if is_op(u, "subtract") and b.varies(u) and shape_of(u.inputs[0]) == shape_of(u):
        v, c = u.inputs                                     # a shift with the axes kept, before they are moved
        own = shape_of(c)
        if type(c) is Node and (own == () or len(own) == len(shape_of(u)) and all(own[i] == 1 for i in axis)):
            rest = tuple(1 if i in axis else s for i, s in enumerate(shape_of(u)))
            c = c if own == () else b.reshape(b.broadcast(c, rest), shape)
            return b.op("subtract", _folded(b, v, axis, keepdims, weights), c)
    if np.any(np.asarray(weights) != 1):
        u = b.op("add", u, b.plain("log", weights))
    return _log_sum_exp(b, b.columns(u, axis), shape)


def _weighted_exp(x: Value) -> tuple[Value, Value] | None:
    """(w, u) with x = w exp(u), w > 0 known."""
    if is_op(x, "exp"):
        return 1.0, x.inputs[0]
    if is_op(x, "multiply"):
        for w, e in (x.inputs, x.inputs[::-1]):
            if is_op(e, "exp") and _above_zero(w) and shape_of(e) == x.shape:
                return w, e.inputs[0]
    return None


def _above_zero(w: Value) -> bool:
    return is_constant(w) and np.asarray(w).dtype.kind in "fiu" and bool(np.all(np.asarray(w) > 0))


@pattern("logsumexp")
def _named(b: Build, u: Value, axis: tuple[int, ...], keepdims: bool) -> Value | None:
    return _folded(b, u, axis, keepdims) if b.varies(u) and axis else None


@pattern("logaddexp")
def _pair(b: Build, u: Value, v: Value) -> Value | None:
    if not b.varies(u, v):
        return None                                         # log(eᵘ + k): one variable an entry
    shape = np.broadcast_shapes(shape_of(u), shape_of(v))
    return _log_sum_exp(b, b.stack([u, v], shape), shape)


@pattern("log")
def _log(b: Build, x: Value) -> Value | None:
    if not b.varies(x):
        return None
    if is_op(x, "exp"):
        return x.inputs[0]
    if is_op(x, "divide") and any(_positive(i) for i in x.inputs):
        return b.op("subtract", b.op("log", x.inputs[0]), b.op("log", x.inputs[1]))
    if is_op(x, "getitem", "reshape", "transpose", "broadcast_to") and _simplifies(x.inputs[0]):
        return b.op(x.prim, b.op("log", x.inputs[0]), **x.params)
    found = _weighted_exp(x.inputs[0]) if is_op(x, "sum") else None
    if found is not None:
        return _folded(b, found[1], x.params["axis"], x.params["keepdims"], found[0])
    if is_op(x, "matmul") and x.shape == ():
        w, e = x.inputs if is_constant(x.inputs[0]) else x.inputs[::-1]
        return _folded(b, e.inputs[0], (0,), False, w) if is_op(e, "exp") and _above_zero(w) else None
    return _log_of_chain(b, x) if is_op(x, "add") else None


@pattern("log1p")
def _log1p(b: Build, x: Value) -> Value | None:
    """log(1 + Σ eᵘ) of several u."""
    return _log_of_chain(b, b.plain("add", 1.0, x)) if b.varies(x) and _positive(x) else None


def _positive(x: Value) -> bool:
    """A sum of exponentials: its logarithm exists, and is better known."""
    if is_op(x, "sum", "reshape", "broadcast_to"):
        return _positive(x.inputs[0])
    if is_op(x, "add"):
        return all(sign > 0 and (_above_zero(t) or not is_op(t, "add") and _positive(t)) for sign, t in terms(x))
    return _weighted_exp(x) is not None


def _simplifies(x: Value) -> bool:
    return is_op(x, "exp") or is_op(x, "divide") and any(_positive(i) for i in x.inputs)


def _log_of_chain(b: Build, x: Node) -> Value | None:
    """log(w eᵘ + v eᵗ + … + k): w eᵘ is e^(u + log w). Of one entry a number it is elementwise in one array."""
    parts: list[Value] = []
    for sign, t in terms(x):
        whole = is_op(t, "sum") and x.shape == () and _weighted_exp(t.inputs[0]) is not None
        found = _weighted_exp(t.inputs[0] if whole else t)
        if sign < 0 or found is None and not (_above_zero(t) and np.ndim(t) == 0 or is_number(t) and t == 0):
            return None
        if found is None:
            parts += [] if t == 0 else [0.0 if t == 1 else b.plain("log", t)]
            continue
        w, u = found
        u = u if np.all(np.asarray(w) == 1) else b.op("add", u, b.plain("log", w))
        parts.append(b.reshape(u, (math.prod(shape_of(u)),)) if whole else u)
    if sum(b.varies(p) for p in parts) < 2 and not any(shape_of(p) != () for p in parts if x.shape == ()):
        return None
    return _log_sum_exp(b, b.stack(parts, x.shape), x.shape)


# --- x log(x/y), t exp(u/t) -------------------------------------------------------------------------------------------


@pattern("multiply")
def _entropy(b: Build, x: Value, y: Value) -> Value | None:
    if not b.varies(x, y):
        return None
    for p, q in ((x, y), (y, x)):
        made = _entropy_of(b, p, q) or _perspective(b, p, q)
        if made is not None:
            return made
    return None


def _entropy_of(b: Build, x: Value, q: Value) -> Value | None:
    """x·log(x/y), x·log(y/x), x·(log x − log y), x·(log y − log x)."""
    if is_op(q, "negative") and not is_op(q.inputs[0], "negative"):
        made = _entropy_of(b, x, q.inputs[0])
        return None if made is None else b.op("negative", made)
    if is_op(q, "log") and is_op(q.inputs[0], "divide"):
        (u, v), domain = q.inputs[0].inputs, "ratio"
    elif is_op(q, "subtract") and all(is_op(i, "log") for i in q.inputs):
        (u, v), domain = [i.inputs[0] for i in q.inputs], "open"
    else:
        return None
    if not b.varies(u, v) or u is v:
        return None
    if u is x:
        return b.plain(RELATIVE_ENTROPY, x, v, domain=domain)
    return b.op("negative", b.plain(RELATIVE_ENTROPY, x, u, domain=domain)) if v is x else None


def _perspective(b: Build, t: Value, q: Value) -> Value | None:
    """t·exp(u/t) and t·exp(−u/t)."""
    if not is_op(q, "exp"):
        return None
    r = q.inputs[0]
    minus = is_op(r, "negative")
    r = r.inputs[0] if minus else r
    if not is_op(r, "divide") or r.inputs[1] is not t or shape_of(r) != shape_of(t):
        return None
    u = b.op("negative", r.inputs[0]) if minus else r.inputs[0]
    return b.plain(EXP_PERSPECTIVE, u, t)


@pattern("rel_entr")
def _rel_entr(b: Build, x: Value, y: Value) -> Value | None:
    return b.plain(RELATIVE_ENTROPY, x, y, domain="closed") if b.varies(x, y) else None


@pattern("kl_div")
def _kl_div(b: Build, x: Value, y: Value) -> Value | None:
    if not b.varies(x, y):
        return None
    return b.op("add", b.op("subtract", b.plain(RELATIVE_ENTROPY, x, y, domain="closed"), x), y)


@pattern("subtract")
def _entropy_apart(b: Build, p: Value, q: Value) -> Value | None:
    """x log x − x log y."""
    for x, log in _pairs(p):
        if is_op(log, "log") and log.inputs[0] is x:
            for z, other in _pairs(q):
                if z is x and is_op(other, "log") and b.varies(x, other.inputs[0]) and other.inputs[0] is not x:
                    return b.plain(RELATIVE_ENTROPY, x, other.inputs[0], domain="open")
    return None


def _pairs(x: Value) -> list[tuple[Value, Value]]:
    return [x.inputs, x.inputs[::-1]] if is_op(x, "multiply") else []


# --- exp(Σ a log x) ---------------------------------------------------------------------------------------------------


@pattern("exp")
def _exp_of_logs(b: Build, x: Value) -> Value | None:
    """exp of a mean, or a sum with known weights, of logarithms."""
    if is_op(x, "log"):
        return None
    scale = Fraction(1)
    while is_op(x, "divide", "multiply") and any(is_number(i) for i in x.inputs):
        number = next(i for i in x.inputs if is_number(i))
        if is_op(x, "divide") and x.inputs[1] is not number or number == 0:
            return None
        scale = scale / Fraction(float(number)) if is_op(x, "divide") else scale * exact(number)
        x = next(i for i in x.inputs if i is not number)
    found = _weights(x)
    if found is None or len(found[1]) < 2:
        return None
    u, powers, shape = b.columns(found[0], found[3]), tuple(scale * p for p in found[1]), found[2]
    return b.reshape(b.plain(POWER_PRODUCT, u, powers=powers, domain="open"), shape)


def _weights(x: Value):
    """(u, weights, shape of the sum, axes) of Σ a log u."""
    if is_op(x, "sum"):
        inner, axis = x.inputs[0], x.params["axis"]
        if is_op(inner, "log"):
            u = inner.inputs[0]
            return u, (Fraction(1),) * math.prod(u.shape[i] for i in axis), x.shape, axis
        if is_op(inner, "multiply") and len(inner.shape) == 1:
            for w, log in (inner.inputs, inner.inputs[::-1]):
                if is_op(log, "log") and isinstance(w, np.ndarray) and w.shape == log.shape:
                    return log.inputs[0], tuple(map(exact, w)), x.shape, axis
    if is_op(x, "matmul") and x.shape == ():
        for w, log in (x.inputs, x.inputs[::-1]):
            if is_op(log, "log") and isinstance(w, np.ndarray):
                return log.inputs[0], tuple(map(exact, w)), (), (0,)
    return None
