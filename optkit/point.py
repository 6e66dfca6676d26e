"""A point of the search: where, how high, how steep. The three travel together."""

import math
from typing import NamedTuple

import numpy as np
from scipy.linalg.blas import dasum, dnrm2, idamax

Vector = np.ndarray


class Point(NamedTuple):
    """x and g : (n,) read-only float64. f : float, +inf where f or its gradient is not finite. Never half-updated."""

    x: Vector
    f: float
    g: Vector


def freeze(a: Vector) -> Vector:
    """The same array, made read-only."""
    a.setflags(write=False)
    return a


def norm(v: Vector) -> float:
    """‖v‖₂ of a 1-D float64 vector, without overflow or underflow on the way."""
    return dnrm2(v) if v.size else 0.0


def column_norms(A: np.ndarray) -> Vector:
    """‖a_k‖₂ of the columns, without overflow or underflow on the way."""
    top = np.abs(A).max(axis=0, initial=0.0)
    return top * np.sqrt(((A / np.where(top > 0, top, 1.0)) ** 2).sum(axis=0))


def magnitude(v: Vector) -> float:
    """The power of two next above ‖v‖₂/2; 1 where that is 0 or not finite. v by it is exact, and its squares finite."""
    size = norm(v)
    return math.ldexp(1.0, math.frexp(size)[1] - 1) if 0 < size < math.inf else 1.0


def first_length(x: Vector) -> float:
    """Of a first step from x: 1, as Liu & Nocedal 1989, or where that is lost beside x, half the digits of x away."""
    return max(1.0, 1e-8 * norm(x))


def norm_inf(v: Vector) -> float:
    """max |v_i| of a finite 1-D float64 vector; BLAS idamax costs a tenth of NumPy's abs().max() at small n."""
    return abs(v.item(idamax(v))) if v.size else 0.0


def is_finite(v: Vector) -> bool:
    """Whether every entry is finite. Σ|v_i| says so unless it overflows; only then are the entries looked at."""
    return dasum(v) < np.inf or bool(np.isfinite(v).all())
