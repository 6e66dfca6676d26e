"""Products under np.linalg: multi_dot in the cheapest order, vecdot, cross, outer, trace and others."""

import numpy as np

from ..errors import TraceError
from ..primitive import implements, shape_of
from .complex import conjugate
from .contraction import MATMUL, matmul
from .elementwise import broadcast
from .linalg import arrays
from .reductions import SUM
from .shape import reshape


def _cheapest(sizes: list[int]) -> dict:
    """Where to split each product of matrices i … j, of shapes sizes[i] × sizes[i+1], …. Cormen et al. §14.2."""
    cost: dict = {(i, i): 0 for i in range(len(sizes) - 1)}
    split = {}
    for length in range(1, len(sizes) - 1):
        for i in range(len(sizes) - 1 - length):
            j = i + length
            cost[i, j], split[i, j] = min((cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k)
                                          for k in range(i, j))
    return split


@implements(np.linalg.multi_dot)
def _multi_dot(arrays_given, *, out=None):
    refuse_out("np.linalg.multi_dot", out)
    parts = arrays(*arrays_given)
    if len(parts) < 2:
        raise ValueError("Expecting at least two arrays.")
    row, column = parts[0].ndim == 1, parts[-1].ndim == 1
    parts[0] = reshape(parts[0], (1, -1)) if row else parts[0]
    parts[-1] = reshape(parts[-1], (-1, 1)) if column else parts[-1]
    split = _cheapest([parts[0].shape[0], *(p.shape[1] for p in parts)])

    def product(i, j):
        return parts[i] if i == j else MATMUL(product(i, split[i, j]), product(split[i, j] + 1, j))
    result = product(0, len(parts) - 1)
    return reshape(result, shape_of(result)[row:2 - column])


def refuse_out(name: str, out) -> None:
    if out is not None:
        raise TraceError(f"{name}: out= is not supported on traced values", "assign the result: y[...] = f(x)")


@implements(np.linalg.vecdot)
def _linalg_vecdot(x1, x2, /, *, axis=-1):
    x1, x2 = (np.moveaxis(x, axis, -1) for x in arrays(x1, x2))
    return SUM(conjugate(x1) * x2, axis=(len(broadcast(x1, x2)) - 1,), keepdims=False)


@implements(np.linalg.cross)
def _linalg_cross(x1, x2, /, *, axis=-1):
    x1, x2 = arrays(x1, x2)
    if x1.shape[axis] != 3 or x2.shape[axis] != 3:
        raise ValueError("Both input arrays must be (arrays of) 3-dimensional vectors")
    return np.moveaxis(np.cross(np.moveaxis(x1, axis, -1), np.moveaxis(x2, axis, -1)), -1, axis)


@implements(np.linalg.outer)
def _linalg_outer(x1, x2, /):
    x1, x2 = arrays(x1, x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise ValueError(f"Input arrays must be one-dimensional, got {x1.ndim} and {x2.ndim} axes")
    return np.outer(x1, x2)


@implements(np.linalg.diagonal)
def _linalg_diagonal(x, /, *, offset=0):
    return np.diagonal(x, offset, -2, -1)


@implements(np.linalg.trace)
def _linalg_trace(x, /, *, offset=0, dtype=None):
    return np.sum(_linalg_diagonal(x, offset=offset), axis=-1, dtype=dtype)


implements(np.linalg.matmul)(lambda x1, x2, /: matmul(*arrays(x1, x2)))
implements(np.linalg.matrix_transpose)(lambda x, /: np.matrix_transpose(x))
implements(np.linalg.tensordot)(lambda x1, x2, /, *, axes=2: np.tensordot(x1, x2, axes))
