"""Functions applied along arrays: apply_along_axis, apply_over_axes, vectorize, ndenumerate, flat."""

import operator

import numpy as np

from ..errors import TraceError
from ..primitive import Tracer, implements, is_traced
from ..trace import BEYOND
from .shape import as_array, one_axis, reshape, stack


@implements(np.apply_along_axis)
def _np_apply_along_axis(func1d, axis, arr, *args, **kwargs):
    arr = as_array(arr)
    axis = one_axis(axis, arr.ndim)
    rows = np.moveaxis(arr, axis, -1)
    outer = rows.shape[:-1]
    if 0 in outer:
        raise ValueError("Cannot apply_along_axis when any iteration dimensions are 0")
    made = [as_array(func1d(rows[i], *args, **kwargs)) for i in np.ndindex(outer)]
    inner = made[0].ndim
    joined = reshape(stack(made), (*outer, *made[0].shape))
    order = [*range(axis), *range(len(outer), len(outer) + inner), *range(axis, len(outer))]
    return np.transpose(joined, order)


@implements(np.apply_over_axes)
def _np_apply_over_axes(func, a, axes):
    value = as_array(a)
    ndim = value.ndim
    for axis in [axes] if np.ndim(axes) == 0 else axes:
        done = as_array(func(value, one_axis(axis, ndim)))
        value = done if done.ndim == ndim else np.expand_dims(done, one_axis(axis, ndim))
        if value.ndim != ndim:
            raise ValueError("function is not returning an array of the correct shape")
    return value


@implements(np.vectorize.__call__)
def _np_vectorize(function: np.vectorize, *args, **kwargs):
    """np.vectorize(f)(…) on traced arguments: f entry by entry."""
    if function.signature is not None or any(map(is_operand, kwargs.values())):
        raise TraceError(*BEYOND["vectorize"])
    fixed = {k: v for k, v in enumerate(args) if k in function.excluded}
    arrays = [as_array(a) for k, a in enumerate(args) if k not in fixed]
    shape = np.broadcast_shapes(*[a.shape for a in arrays])
    flat = [reshape(np.broadcast_to(a, shape), (-1,)) for a in arrays]
    results = []
    for k in range(int(np.prod(shape, dtype=int))):
        given = iter([a[k] for a in flat])
        results.append(function.pyfunc(*[fixed[i] if i in fixed else next(given) for i in range(len(args))], **kwargs))
    if results and isinstance(results[0], tuple):
        return tuple(reshape(stack(list(part)), shape) for part in zip(*results, strict=True))
    return reshape(stack(results), shape)


def is_operand(value) -> bool:
    return type(value) is Tracer or isinstance(value, (list, tuple)) and is_traced(value)


@implements(np.ndenumerate)
def _np_ndenumerate(arr):
    return ((index, arr[index]) for index in np.ndindex(arr.shape))


class Flat:
    """x.flat: the entries of a traced array in C order, read, iterated and written as NumPy's flat iterator does."""

    __slots__ = ("base",)

    def __init__(self, base: Tracer):
        self.base = base

    def __len__(self) -> int:
        return self.base.size

    def __iter__(self):
        return iter(self._all())

    def __getitem__(self, index):
        part = self._all()[index]
        return part.copy() if part.shape else part

    def __setitem__(self, index, value) -> None:
        """Written in order, the values repeated as often as needed."""
        if isinstance(index, (int, np.integer)):
            self.base[np.unravel_index(operator.index(index) % max(len(self), 1), self.base.shape)] = value
            return
        spots = np.atleast_1d(np.arange(len(self))[index])
        value = np.ravel(as_array(value))
        if spots.size:
            whole = self._all().copy()
            whole[spots] = value[np.arange(spots.size) % value.size]
            self.base[...] = reshape(whole, self.base.shape)

    def copy(self):
        return self._all().copy()

    def _all(self) -> Tracer:
        return reshape(self.base, (-1,))

    def __array_function__(self, function, types, args, kwargs):
        return function(*[a._all() if type(a) is Flat else a for a in args], **kwargs)

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return getattr(ufunc, method)(*[a._all() if type(a) is Flat else a for a in inputs], **kwargs)
