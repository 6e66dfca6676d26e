"""taylor and derivatives: all orders at once, from the Taylor interpreter."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from itertools import combinations_with_replacement

import numpy as np

from . import pytree
from .derive import primal
from .interpreters.taylor import taylor as _series
from .primitive import Tracer, is_traced, shape_of
from .transforms import _Traced


def taylor(f: Callable, x, v, order: int) -> list:
    """[c_0, …, c_order] with f(x + t v) = Σ c_k tᵏ: one run of recurrences, O(order²) products.

    x, v : arrays or nested structures of the same shapes; each c_k has the structure of f(x). Σ c_k is the Taylor
    polynomial of degree `order` about x at x + v, in any number of variables. The expansion holds along the branch
    (if, where, max) taken at x. Works inside other transforms.
    """
    order = _checked("taylor", order)
    traced = _Traced(f, (x,))
    return [traced.output(leaves) for leaves in _coefficients(traced, traced.tangents((v,)), order, traced.nested)]


def derivatives(f: Callable, x, order: int) -> list:
    """[f(x), Df(x), …, D^order f(x)] for a number or array x and array f(x): D^k f has shape f(x).shape + k·x.shape.

    By Taylor series along C(n + order − 1, order) directions, n the size of x (one for a number), from which the mixed
    derivatives are solved for (Griewank, Utke & Walther 2000): for small n and high order, as memory is n^order.
    """
    order = _checked("derivatives", order)
    traced = _Traced(f, (x,))
    if len(traced.leaves) != 1 or traced.recording.structure != pytree.LEAF:
        raise TypeError("derivatives: need one array as argument and one as value; taylor takes nested structures")
    shape: tuple[int, ...] = shape_of(traced.leaves[0])
    n = math.prod(shape)
    ways = list(combinations_with_replacement(range(n), order)) or [()]
    directions = np.array([_counts(way, n) for way in ways]) / max(order, 1)
    runs = [_coefficients(traced, traced.tangents((d.reshape(shape),)), order, traced.nested) for d in directions]
    return [traced.output([_tensor([run[k][0] for run in runs], directions, k, shape)])[()] for k in range(order + 1)]


def _checked(name: str, order: int) -> int:
    order = operator.index(order)
    if order < 0:
        raise ValueError(f"{name}: need order >= 0, got {order}")
    return order


def _coefficients(traced: _Traced, directions: list, order: int, safe: bool) -> list[list]:
    """By order, the flat outputs; a second time with 0·∞ = 0 where NaN occurs."""
    g = primal(traced.recording, safe)
    found = _series(g, traced.point(g), dict(zip(g.inputs, directions, strict=True)), g.outputs, order, traced.nested)
    if not safe and not is_traced(c for series in found for c in series) and any(
            _has_nan(c) for series in found for c in series[1:]):
        return _coefficients(traced, directions, order, True)
    values = traced.recording.result if not traced.nested else [series[0] for series in found]
    higher = [[_filled(series[k], value) for series, value in zip(found, values, strict=True)]
              for k in range(1, order + 1)]
    return [list(values), *higher]


def _has_nan(c) -> bool:
    return c is not None and bool(np.isnan(c).any())


def _filled(c, value):
    """A coefficient, where it is zero in the shape and precision of the value."""
    if c is not None:
        return c
    given = getattr(value, "dtype", np.dtype(float))
    shape = shape_of(value) if type(value) is Tracer else np.shape(value)
    return np.zeros(shape, given if given.kind in "fc" else float)


def _counts(way: tuple[int, ...], n: int) -> np.ndarray:
    """A multi-index: how often each variable occurs."""
    return np.bincount(np.array(way, dtype=np.intp), minlength=n)


def _tensor(along: list, directions: np.ndarray, k: int, shape: tuple[int, ...]):
    """D^k f from c_k along each direction s: c_k = Σ_{|i|=k} D^i f sⁱ/i!."""
    if k == 0:
        return along[0]
    n = math.prod(shape)
    if n == 0:
        return np.zeros((*np.shape(along[0]), *shape * k))
    ways = list(combinations_with_replacement(range(n), k))
    counts = np.array([_counts(way, n) for way in ways])
    factorials = np.array([math.prod(map(math.factorial, count)) for count in counts.tolist()])
    monomials = np.prod(directions[:, None, :] ** counts, axis=2) / factorials
    solved = np.tensordot(np.linalg.pinv(monomials), np.stack(along), axes=(1, 0))
    place = {way: number for number, way in enumerate(ways)}
    entries = np.array([place[tuple(sorted(index))] for index in np.ndindex((n,) * k)], dtype=np.intp)
    full = np.moveaxis(solved[entries], 0, -1)
    return np.reshape(full, (*full.shape[:-1], *shape * k))
