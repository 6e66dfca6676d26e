"""x²/y, products of powers and quadratic forms as plain NumPy code writes them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from ..primitive import shape_of
from .atoms_powers import POWER_PRODUCT
from .atoms_products import SQUARE_OVER
from .atoms_quadratic import QUADRATIC, ROOT_QUADRATIC, bounds_of
from .recognise_tools import Build, Value, exact, factors, is_constant, is_diagonal, is_number, is_op, pattern

# --- x²/y -------------------------------------------------------------------------------------------------------------


@pattern("divide")
def _square_over(b: Build, x: Value, y: Value) -> Value | None:
    """u²/y, k·u²/y, Σu²/y and u·(u/y), for y that varies."""
    if not b.varies(x, y):
        return None
    if is_op(x, "square"):
        return b.plain(SQUARE_OVER, x.inputs[0], y)
    if is_op(x, "multiply") and any(is_constant(i) for i in x.inputs):
        k, rest = x.inputs if is_constant(x.inputs[0]) else x.inputs[::-1]
        made = _square_over(b, rest, y)
        return None if made is None else b.op("multiply", k, made)
    if is_op(x, "sum") and is_op(x.inputs[0], "square"):
        u, axis = x.inputs[0].inputs[0], x.params["axis"]
        own = shape_of(y)
        if own != x.shape and own != ():
            return None
        kept = tuple(1 if i in axis else s for i, s in enumerate(u.shape))
        y = y if own == () else b.reshape(y, kept)
        return b.op("sum", b.plain(SQUARE_OVER, u, y), **x.params)
    return None


@pattern("multiply")
def _square_over_product(b: Build, x: Value, y: Value) -> Value | None:
    if not b.varies(x, y):
        return None
    for u, q in ((x, y), (y, x)):
        if is_op(q, "divide") and q.inputs[0] is u and b.varies(q.inputs[1]):                     # u·(u/y)
            return b.plain(SQUARE_OVER, u, q.inputs[1])
        if is_op(q, "divide") and is_op(u, "square") and is_number(q.inputs[0]) and b.varies(q.inputs[1]):
            made = b.plain(SQUARE_OVER, u.inputs[0], q.inputs[1])                                  # u²·(k/y)
            return made if q.inputs[0] == 1 else b.op("multiply", q.inputs[0], made)
        if is_op(q, "square") and is_op(q.inputs[0], "divide") and q.inputs[0].inputs[1] is u:      # t·(u/t)²
            return b.plain(SQUARE_OVER, q.inputs[0].inputs[0], u)
    return None


# --- products of powers -----------------------------------------------------------------------------------------------


@pattern("multiply")
def _product_of_powers(b: Build, x: Value, y: Value) -> Value | None:
    """x^a y^b …: together with a product that has been recognised already."""
    shape = np.broadcast_shapes(shape_of(x), shape_of(y))
    if is_op(x, POWER_PRODUCT) and x.params["domain"] == "closed" and shape == ():
        left = list(zip(x.inputs[0].inputs, x.params["powers"], strict=True)) if is_op(x.inputs[0], "pack") else None
    else:
        left = _single(b, x)
    right = _single(b, y)
    if left is None or right is None or {u for u, _ in left} & {u for u, _ in right}:
        return None
    bases = [base for base, _ in left + right]
    return b.plain(POWER_PRODUCT, b.stack(bases, shape), powers=tuple(p for _, p in left + right), domain="closed")


def _single(b: Build, t: Value) -> list[tuple[Value, Fraction]] | None:
    if is_op(t, "sqrt"):
        base, power = t.inputs[0], Fraction(1, 2)
    elif is_op(t, "power", "float_power") and is_number(t.inputs[1]):
        base, power = t.inputs[0], exact(t.inputs[1])
    else:
        return None
    return None if power.denominator == 1 or not b.varies(base) else [(base, power)]


@pattern("sqrt")
def _root_of_product(b: Build, x: Value) -> Value | None:
    return _powered_product(b, x, Fraction(1, 2))


@pattern("power")
def _power_of_product(b: Build, x: Value, p: Value) -> Value | None:
    if not is_number(p) or p > 0 and exact(p).denominator == 1:
        return None
    return _powered_product(b, x, exact(p))


@pattern("divide")
def _reciprocal_of_product(b: Build, k: Value, x: Value) -> Value | None:
    """k/(x·y), k/√(x·y), k/(x^a y^b)."""
    if not b.fixed(k) or not b.varies(x):
        return None
    if is_op(x, POWER_PRODUCT):
        params = {**x.params, "powers": tuple(-p for p in x.params["powers"])}
        out: Value = b.plain(POWER_PRODUCT, *x.inputs, **params)
    else:
        out = _powered_product(b, x, Fraction(-1))
    return out if out is None or is_number(k) and k == 1 else b.op("multiply", k, out)


def _powered_product(b: Build, x: Value, power: Fraction) -> Value | None:
    """(x·y·…)^p and prod(u)^p, defined where the product is not negative (or, of whole p, not 0)."""
    if not b.varies(x):
        return None
    if is_op(x, "prod"):
        u, shape = b.columns(x.inputs[0], x.params["axis"]), x.shape
    elif is_op(x, "multiply"):
        parts = list(factors(x))
        if not b.varies(*parts) or len(set(parts)) < len(parts):
            return None
        u, shape = b.stack(parts, x.shape), x.shape
    else:
        return None
    return b.reshape(b.plain(POWER_PRODUCT, u, powers=(power,) * shape_of(u)[-1], domain="product"), shape)


# --- uᵀPu -------------------------------------------------------------------------------------------------------------


@pattern("matmul")
def _quadratic(b: Build, x: Value, y: Value) -> Value | None:
    """u @ (P @ u), (u @ P) @ u, and u @ (Aᵀ @ (A @ u)) = ‖Au‖²."""
    if len(shape_of(x)) != 1 or len(shape_of(y)) != 1 or not b.varies(x, y):
        return None
    for u, v in ((x, y), (y, x)):
        if is_op(v, "matmul") and len(v.shape) == 1:
            P, w = v.inputs if len(shape_of(v.inputs[1])) == 1 else v.inputs[::-1]
            if not isinstance(P, np.ndarray) or P.ndim != 2:
                continue
            A = P if len(shape_of(v.inputs[1])) == 1 else P.T                        # v = A w
            if w is u and A.shape[0] == A.shape[1]:
                return b.plain(QUADRATIC, u, A)
            if is_op(w, "matmul") and isinstance(w.inputs[0], np.ndarray) and w.inputs[1] is u and np.array_equal(
                    w.inputs[0], A.T):
                return b.op("sum", b.op("square", w), axis=(0,), keepdims=False)
    return None


@pattern("einsum")
def _quadratic_sum(b: Build, *xs: Value, spec: str) -> Value | None:
    """Σ u_i P_ij u_j."""
    names, out = spec.split("->")[0].split(","), spec.split("->")[1]
    if len(xs) != 3 or out:
        return None
    for k, P in enumerate(xs):
        (i, u), (j, v) = [(names[n], xs[n]) for n in range(3) if n != k]
        if isinstance(P, np.ndarray) and P.ndim == 2 and u is v and b.varies(u) and i != j and set(names[k]) == {i, j}:
            return b.plain(QUADRATIC, u, P if names[k] == i + j else P.T)
    return None


@pattern("matmul")
def _dot(b: Build, u: Value, v: Value) -> Value | None:
    """u·v as a sum over entries."""
    if len(shape_of(u)) != 1 or len(shape_of(v)) != 1 or not b.varies(u, v):
        return None
    return b.op("sum", b.op("multiply", u, v), axis=(0,), keepdims=False)


@pattern("sqrt", "norm_root")
def _root_of_form(b: Build, x: Value) -> Value | None:
    """√(uᵀPu), √(c + uᵀPu)."""
    form, c = x, 0.0
    if is_op(x, "add"):
        form, c = x.inputs if is_number(x.inputs[1]) else x.inputs[::-1]
    if not is_op(form, QUADRATIC) or not (is_number(c) and c >= 0) or bounds_of(form.inputs[1])[0] < 0:
        return None
    return b.plain(ROOT_QUADRATIC, *form.inputs, c)


@pattern("einsum")
def _entrywise_sum(b: Build, *xs: Value, spec: str) -> Value | None:
    """Σ x∘y over some axes."""
    names, out = spec.split("->")[0].split(","), spec.split("->")[1]
    if len(xs) != 2 or names[0] != names[1] or not b.varies(*xs) or [c for c in names[0] if c in out] != list(out):
        return None
    product = b.op("multiply", *xs)
    gone = tuple(i for i, c in enumerate(names[0]) if c not in out)
    return b.op("sum", product, axis=gone, keepdims=False) if gone else product


@pattern("sum")
def _trace_of_product(b: Build, x: Value, axis: tuple[int, ...], keepdims: bool) -> Value | None:
    """tr(AB) = Σ A∘Bᵀ."""
    if keepdims or len(axis) != len(shape_of(x)) or not (is_op(x, "getitem") and is_op(x.inputs[0], "matmul")):
        return None
    left, right = x.inputs[0].inputs
    if len(shape_of(left)) != 2 or len(shape_of(right)) != 2 or not is_diagonal(x, x.inputs[0].shape):
        return None
    return b.op("sum", b.op("multiply", left, b.op("transpose", right, perm=(1, 0))), axis=(0, 1), keepdims=False)
