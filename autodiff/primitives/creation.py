"""Arrays made after the pattern of others, and what NumPy says of arrays without looking at their entries."""

import math

import numpy as np

from ..primitive import Tracer, implements, shape_of
from .elementwise import astype
from .shape import as_array, broadcast_to


@implements(np.zeros_like, np.empty_like)
def _np_zeros_like(a, dtype=None, order="K", subok=True, shape=None, *, device=None):
    return _np_full_like(a, 0.0, dtype, shape=shape)


@implements(np.ones_like)
def _np_ones_like(a, dtype=None, order="K", subok=True, shape=None, *, device=None):
    return _np_full_like(a, 1.0, dtype, shape=shape)


@implements(np.full_like)
def _np_full_like(a, fill_value, dtype=None, order="K", subok=True, shape=None, *, device=None):
    shape = shape_of(a) if shape is None else shape
    dtype = a.dtype if dtype is None else np.dtype(dtype)
    if type(fill_value) is Tracer:
        return astype(broadcast_to(fill_value, shape), dtype)
    made = np.broadcast_to(np.asarray(fill_value, dtype=dtype), shape).copy()
    return a.graph.constant(made) if type(a) is Tracer and hasattr(a.graph, "constant") else made


@implements(np.full)
def _np_full(shape, fill_value, dtype=None, order="C", *, device=None, like=None):
    return broadcast_to(astype(fill_value, fill_value.dtype if dtype is None else dtype), shape)


def _plain_type(a):
    return a.dtype if type(a) is Tracer else a


def _shares(a, b, max_work=None) -> bool:
    """Whether a write to one shows in the other, as far as whole arrays and their views go."""
    def root(v):
        while getattr(v, "base", None) is not None and type(v) is Tracer:
            v = v.base
        return v
    return root(a) is root(b)


for _function, _answer in {
    np.shape: shape_of, np.ndim: lambda a: len(shape_of(a)), np.isscalar: lambda a: not shape_of(a),
    np.result_type: lambda *a: np.result_type(*map(_plain_type, a)),
    np.common_type: lambda *a: np.common_type(*[np.empty(0, as_array(v).dtype) for v in a]),
    np.min_scalar_type: lambda a: a.dtype, np.can_cast: lambda a, to, casting="safe": np.can_cast(a.dtype, to, casting),
    np.may_share_memory: _shares, np.shares_memory: _shares, np.astype: lambda x, dtype, /, *, copy=True, device=None: (
        x.astype(dtype, copy=copy)), np.diag_indices_from: lambda arr: np.diag_indices(arr.shape[0], arr.ndim),
    np.tril_indices_from: lambda arr, k=0: np.tril_indices(arr.shape[-2], k, arr.shape[-1]),
    np.triu_indices_from: lambda arr, k=0: np.triu_indices(arr.shape[-2], k, arr.shape[-1]),
}.items():
    implements(_function)(_answer)


@implements(np.size)
def _np_size(a, axis=None):
    return math.prod(shape_of(a)) if axis is None else shape_of(a)[axis]
