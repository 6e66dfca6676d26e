"""A point of the search: where, how high, how steep. The three travel together."""

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
    return dnrm2(v)


def norm_inf(v: Vector) -> float:
    """max |v_i| of a finite 1-D float64 vector; BLAS idamax costs a tenth of NumPy's abs().max() at small n."""
    return abs(v.item(idamax(v))) if v.size else 0.0


def is_finite(v: Vector) -> bool:
    """Whether every entry is finite. Σ|v_i| says so unless it overflows; only then are the entries looked at."""
    return dasum(v) < np.inf or bool(np.isfinite(v).all())
