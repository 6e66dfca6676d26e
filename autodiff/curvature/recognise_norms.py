"""Lengths, p-norms, power means and largest entries as plain NumPy code writes them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from ..graph import Node, Static
from ..primitive import PRIMITIVES, shape_of
from .atoms_norms import LENGTH, P_NORM
from .atoms_order import LARGEST
from .atoms_powers import EXACT_POWER
from .recognise_tools import Build, Value, exact, is_constant, is_number, is_op, pattern, placed, slices, terms


@pattern("multiply")
def _square(b: Build, x: Value, y: Value) -> Value | None:
    return b.op("square", x) if x is y and b.varies(x) else None


@pattern("power")
def _easy_power(b: Build, x: Value, p: Value) -> Value | None:
    if not (is_number(p) and b.varies(x)):
        return None
    if p == 1:
        return x
    if p == -1:
        return b.op("divide", 1.0, x)
    return b.op("square", x) if p == 2 else b.op("sqrt", x) if p == 0.5 else None


# --- √(c + Σ w u²) ----------------------------------------------------------------------------------------------------


@pattern("sqrt", "norm_root")
def _length(b: Build, x: Value) -> Value | None:
    """√ of a sum of squares and constants; a number that divides or multiplies all comes out as its root."""
    if not b.varies(x):
        return None
    if is_op(x, "divide", "multiply") and any(is_number(i) and i > 0 for i in x.inputs):
        number = next(i for i in x.inputs if is_number(i))
        rest = next(i for i in x.inputs if i is not number)
        if is_op(x, "multiply") or x.inputs[1] is number:
            inner = _length(b, rest)
            return None if inner is None else b.op(x.prim, inner, b.plain("sqrt", number))
    parts, constant = _squares(b, x)
    if parts is None:
        return None
    if len(parts) == 1 and constant is None and shape_of(parts[0][0]) == x.shape and np.all(parts[0][1] == 1):
        return b.op("absolute", parts[0][0])
    if x.shape and any(np.ndim(w) for _, w in parts):
        return None
    u = b.stack([p for p, _ in parts], x.shape)
    w = 1.0 if all(np.all(w == 1) for _, w in parts) else np.concatenate(
        [np.broadcast_to(w, (*x.shape, *shape_of(p)[x.ndim:]) if len(shape_of(p)) > x.ndim else (*x.shape, 1))
         for p, w in parts], -1)
    return b.plain(LENGTH, u, w, 0.0 if constant is None else constant)


def _squares(b: Build, x: Value) -> tuple[list | None, Value | None]:
    """([(u, w)], c): u along a last axis or of the shape of x, weights w; (None, None) where x is something else."""
    parts, constant = [], None
    for sign, t in terms(x):
        if is_constant(t):
            if sign < 0 or not np.all(np.asarray(t) >= 0):
                return None, None
            constant = t if constant is None else constant + t
            continue
        found = _weighted_square(b, t, shape_of(x)) if sign > 0 else None
        if found is None:
            return None, None
        parts.append(found)
    if constant is not None and _inexact_sum(x):
        return None, None
    return (parts or None), constant


def _inexact_sum(x: Value) -> bool:
    """Whether several constants stand in one sum: their sum would be rounded."""
    return sum(is_constant(t) for _, t in terms(x)) > 1


def _weighted_square(b: Build, t: Value, shape: tuple[int, ...]):
    if is_op(t, "sum") and not (t.params["keepdims"] and shape != ()):
        inner, axis = t.inputs[0], t.params["axis"]
        w, inner = _weight(inner)
        if not is_op(inner, "square") or not b.varies(inner) or t.shape != shape:
            return None
        u = inner.inputs[0]
        if np.ndim(w):
            if len(u.shape) != 1 or np.shape(w) != u.shape:
                return None
        return b.columns(u, axis), w
    if is_op(t, "sum"):
        return None
    w, inner = _weight(t)
    if is_op(inner, "sum") and not np.ndim(w):
        found = _weighted_square(b, inner, shape)
        return None if found is None or not np.all(found[1] == 1) else (found[0], w)
    return (inner.inputs[0], w) if is_op(inner, "square") and not np.ndim(w) else None


def _weight(x: Value) -> tuple[Value, Value]:
    """(w, rest) with x = w·rest, w ≥ 0 constant."""
    if is_op(x, "multiply"):
        for w, rest in (x.inputs, x.inputs[::-1]):
            if is_constant(w) and np.all(np.asarray(w) >= 0):
                return np.asarray(w, float), rest
    return np.float64(1.0), x


@pattern("sqrt", "norm_root")
def _kept_length(b: Build, x: Value) -> Value | None:
    """‖·‖ with the axes kept."""
    if is_op(x, "sum") and x.params["keepdims"]:
        inner = b.op("sqrt", b.op("sum", x.inputs[0], axis=x.params["axis"], keepdims=False))
        return b.reshape(inner, x.shape) if is_op(inner, LENGTH) else None
    return None


@pattern("hypot")
def _hypot(b: Build, x: Value, y: Value) -> Value | None:
    shape = np.broadcast_shapes(shape_of(x), shape_of(y))
    parts = [p for p in (x, y) if not b.fixed(p)]
    if len(parts) == 2:
        return b.plain(LENGTH, b.stack(parts, shape), 1.0, 0.0)
    return None


# --- (Σ|u|^p)^(1/p) ---------------------------------------------------------------------------------------------------


@pattern("power")
def _root(b: Build, x: Value, p: Value) -> Value | None:
    if not (is_number(p) and b.varies(x)):
        return None
    made = _p_norm(b, x, p, None)
    if made is not None or not 0.5 < p < 1:
        return made
    size = _length(b, x)                                    # (Σu²)^p = ‖u‖^2p
    return None if size is None or is_op(size, "absolute") else b.op("power", size, 2.0 * float(p))


@pattern("sqrt")
def _square_root(b: Build, x: Value) -> Value | None:
    return _p_norm(b, x, 0.5, None)


@pattern("norm_power")
def _norm_power(b: Build, x: Value, power: float) -> Value | None:
    """The root that np.linalg.norm takes is the exact one."""
    return _p_norm(b, x, power, Fraction(1))


NEARLY = 1e-9          # degrees that are meant to be 1


def _p_norm(b: Build, x: Value, power: Value, degree: Fraction | None) -> Value | None:
    """(Σ|u|^p)^q = N^(pq), N the p-norm or power mean: pq (`degree`, if known) is 1, or almost, or makes it convex."""
    if not is_op(x, "sum") or not b.varies(x):
        return None
    inner, axis = x.inputs[0], x.params["axis"]
    if not is_op(inner, "square", "power"):
        return None
    u, p = (inner.inputs[0], 2.0) if is_op(inner, "square") else inner.inputs
    if not is_number(p):
        return None
    p, even = float(p), float(p).is_integer() and float(p) % 2 == 0
    degree = exact(p) * exact(power) if degree is None else degree
    if abs(degree - 1) > NEARLY and not (p > 1 and p != 2 and degree > 1 > power):
        return None
    if p > 1 and (even or is_op(u, "absolute", "fabs")):
        u = u.inputs[0] if is_op(u, "absolute", "fabs") else u
        out = b.plain(P_NORM, b.columns(u, axis), p=p, positive=False)
    elif p != 0 and not p.is_integer() and not is_op(u, "absolute", "fabs"):
        out = b.plain(P_NORM, b.columns(u, axis), p=p, positive=True)          # u ≥ 0 wherever the power is defined
    else:
        return None
    return b.reshape(out if degree == 1 else b.plain(EXACT_POWER, out, exponent=degree, order=0), x.shape)


@pattern("square")
def _square_of_roots(b: Build, x: Value) -> Value | None:
    """(Σ√u)², the power mean of order ½; ‖u‖², and |u|², are smooth."""
    if is_op(x, "sum") and is_op(x.inputs[0], "sqrt") and not is_op(x.inputs[0].inputs[0], "absolute", "fabs"):
        u = b.columns(x.inputs[0].inputs[0], x.params["axis"])
        return b.reshape(b.plain(P_NORM, u, p=0.5, positive=True), x.shape)
    if is_op(x, "absolute", "negative"):
        return b.op("square", x.inputs[0])
    if is_op(x, LENGTH) and is_constant(x.inputs[1]) and np.all(np.asarray(x.inputs[1]) == 1):
        u, _, c = x.inputs
        total = b.op("sum", b.op("square", u), axis=(len(u.shape) - 1,), keepdims=False)
        return b.op("add", total, c) if np.any(c) else total
    return None


@pattern("divide")
def _harmonic(b: Build, k: Value, x: Value) -> Value | None:
    """k/Σ(1/u), k/(1/a + 1/b + …)."""
    if not b.fixed(k) or not b.varies(x):
        return None
    if is_op(x, "sum") and _is_reciprocal(x.inputs[0]):
        out = b.plain(P_NORM, b.columns(x.inputs[0].inputs[1], x.params["axis"]), p=-1.0, positive=True)
    elif is_op(x, "add") and all(s > 0 and _is_reciprocal(t) and b.varies(t) for s, t in terms(x)):
        out = b.plain(P_NORM, b.stack([t.inputs[1] for _, t in terms(x)], x.shape), p=-1.0, positive=True)
    else:
        return None
    out = b.reshape(out, x.shape)
    return out if is_number(k) and k == 1 else b.op("multiply", k, out)


def _is_reciprocal(x: Value) -> bool:
    return is_op(x, "divide") and is_number(x.inputs[0]) and x.inputs[0] == 1


# --- the largest entries ----------------------------------------------------------------------------------------------


@pattern("max")
def _max(b: Build, u: Value, axis: tuple[int, ...], keepdims: bool) -> Value | None:
    return _extreme(b, u, axis, keepdims, 1) if b.varies(u) and u.dtype.kind == "f" else None


@pattern("min")
def _min(b: Build, u: Value, axis: tuple[int, ...], keepdims: bool) -> Value | None:
    return _extreme(b, u, axis, keepdims, -1) if b.varies(u) and u.dtype.kind == "f" else None


def _extreme(b: Build, u: Value, axis: tuple[int, ...], keepdims: bool, sign: int) -> Value:
    shape = tuple(1 if i in axis else s for i, s in enumerate(u.shape) if keepdims or i not in axis)
    return b.reshape(largest(b, b.columns(u, axis), 1, sign), shape)


@pattern("where")
def _larger_of_two(b: Build, c: Value, x: Value, y: Value) -> Value | None:
    """where(x > y, x, y) and its three siblings."""
    if not (is_op(c, "greater", "greater_equal", "less", "less_equal") and b.varies(x, y)):
        return None
    p, q = c.inputs
    if (p is x and q is y) or (p is y and q is x):
        return b.op("maximum" if (p is x) == is_op(c, "greater", "greater_equal") else "minimum", x, y)
    return None


def largest(b: Build, u: Value, k: int, sign: int) -> Value:
    """The sum of the k largest along the last axis (sign −1: smallest)."""
    if sign > 0:
        return b.plain(LARGEST, u, k=k)
    return b.op("negative", b.plain(LARGEST, b.op("negative", u), k=k))


def places(x: Value) -> tuple[Value, np.ndarray] | None:
    """(what has been put in order, which places of it x holds) of slices of a sorted or partitioned vector."""
    chain = slices(x)
    x = chain[-1].inputs[0] if chain else x
    if is_op(x, "gather") and len(x.shape) == 1 and len(x.inputs) == 2:
        order = x.inputs[1]
        if is_op(order, "argsort", "argpartition") and order.inputs[0] is x.inputs[0]:
            return x, placed(chain, np.arange(x.size))
    return None


@pattern("sum")
def _sum_of_places(b: Build, x: Value, axis: tuple[int, ...], keepdims: bool) -> Value | None:
    return _placed(b, x) if b.varies(x) and len(axis) == len(x.shape) and not keepdims else None


@pattern("getitem")
def _one_place(b: Build, x: Value, index: Static) -> Value | None:
    found = places(x) if b.varies(x) else None
    if found is None or np.shape(PRIMITIVES["getitem"].evaluate(found[1], index=index)) != ():
        return None
    return _placed(b, b.plain("getitem", x, index=index))


def _placed(b: Build, x: Value) -> Value | None:
    found = places(x)
    if found is None or x.dtype.kind != "f":
        return None
    ordered, spots = found
    m, held, order = ordered.size, np.sort(np.ravel(spots)).tolist(), ordered.inputs[1]
    k = len(held)
    for sign, wanted in ((1, list(range(m - k, m))), (-1, list(range(k)))):
        if k and held == wanted and _settles(order, m - k if sign > 0 else k, m):
            return largest(b, ordered.inputs[0], k, sign)
    return None


def _settles(order: Node, cut: int, m: int) -> bool:
    """Whether the order puts what belongs below place `cut` there."""
    if is_op(order, "argsort") or cut in (0, m):
        return True
    kth = order.params["kth"]
    return any(int(p) % m in (cut, cut - 1) for p in (kth if isinstance(kth, tuple) else (kth,)))
