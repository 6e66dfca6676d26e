"""The operators and methods of a traced array, each the NumPy function of the same name."""

import numpy as np
import scipy.sparse

from ..errors import TraceError
from ..primitive import FUNCTIONS, UFUNCS, Primitive, Tracer, bind, implements
from . import indexing, shape
from .contraction import matmul
from .elementwise import WHERE, astype


def _operator(prim: Primitive):
    def forward(self, other):
        return bind(prim, (self, other)) if _is_operand(other) else _foreign(prim, self, other, False)

    def backward(self, other):
        return bind(prim, (other, self)) if _is_operand(other) else _foreign(prim, other, self, True)
    return forward, backward


_OPERANDS = frozenset({Tracer, float, int, np.ndarray, np.float64, bool, np.int64, np.float32, np.bool_})


def _is_operand(other) -> bool:
    return type(other) in _OPERANDS


def _foreign(prim, left, right, reflected):
    """An operand that is neither a tracer nor a plain array: a list, a sparse matrix, another class."""
    other = left if reflected else right
    if scipy.sparse.issparse(other):
        if prim is MULTIPLY and isinstance(other, scipy.sparse.spmatrix):      # the old matrix interface: * is @
            return matmul(left, right)
        raise TraceError(f"{prim.name} of a traced array and a sparse matrix", "use A.toarray(), or A @ x for products")
    if isinstance(other, (list, tuple)):
        other = shape.array(other)
    elif not isinstance(other, (np.generic, np.ndarray, int, float, complex)):
        return NotImplemented
    return bind(prim, (other, right) if reflected else (left, other))


MULTIPLY = UFUNCS[np.multiply]
for _name, _ufunc in {"add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.divide, "pow": np.power,
                      "mod": np.mod, "floordiv": np.floor_divide, "and": np.bitwise_and, "or": np.bitwise_or,
                      "xor": np.bitwise_xor}.items():
    _forward, _backward = _operator(UFUNCS[_ufunc])
    setattr(Tracer, f"__{_name}__", _forward)
    setattr(Tracer, f"__r{_name}__", _backward)
    setattr(Tracer, f"__i{_name}__", indexing.in_place(_forward))
for _name, _ufunc in {"eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater,
                      "ge": np.greater_equal}.items():
    setattr(Tracer, f"__{_name}__", _operator(UFUNCS[_ufunc])[0])
for _name, _ufunc in {"neg": np.negative, "pos": np.positive, "abs": np.absolute, "invert": np.invert,
                      "floor": np.floor, "ceil": np.ceil, "trunc": np.trunc}.items():
    setattr(Tracer, f"__{_name}__", lambda self, _prim=UFUNCS[_ufunc]: bind(_prim, (self,)))


@implements(np.where)
def _np_where(condition, x=None, y=None):
    if x is None or y is None:
        raise TraceError("np.where(condition) with one argument has a shape that depends on values",
                         "use np.where(condition, x, y)")
    return bind(WHERE, (condition, x, y))


@implements(np.clip)
def _np_clip(a, a_min=None, a_max=None, out=None, *, min=None, max=None, **kwargs):
    shape._no_out("clip", out)
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    if low is not None:
        a = np.maximum(a, low)
    return a if high is None else np.minimum(a, high)


implements(np.nan_to_num)(lambda x, copy=True, nan=0.0, posinf=None, neginf=None: np.where(
    np.isnan(x), nan, np.clip(x, np.finfo(float).min if neginf is None else neginf,
                              np.finfo(float).max if posinf is None else posinf)))


@implements(np.sinc)
def _np_sinc(x):
    """sin(πx)/(πx); 1 − (πx)²/6 + (πx)⁴/120 near 0, where the quotient's derivatives cancel."""
    y = np.pi * x
    near = np.absolute(y) < 1e-2
    apart = np.where(near, 1.0, y)
    square = np.square(np.where(near, y, 0.0))
    series = 1.0 + square * (-1 / 6 + square * (1 / 120 - square / 5040))
    return np.where(near, series, np.sin(apart) / apart)


@implements(np.sort)
def _np_sort(a, axis=-1, kind=None, order=None, *, stable=None):
    a, axis = (shape.reshape(a, (-1,)), 0) if axis is None else (a, shape.one_axis(axis, a.ndim))
    order = np.argsort(a, axis)
    index = [np.arange(n).reshape((-1,) + (1,) * (a.ndim - 1 - i)) for i, n in enumerate(a.shape)]
    return a[tuple(order if i == axis else part for i, part in enumerate(index))]


@implements(np.repeat)
def _np_repeat(a, repeats, axis=None):
    a, axis = (shape.reshape(a, (-1,)), 0) if axis is None else (a, axis)
    return np.take(a, np.repeat(np.arange(a.shape[axis]), repeats), axis=axis)


@implements(np.tile)
def _np_tile(A, reps):
    reps = (reps,) if isinstance(reps, int) else tuple(reps)
    ndim = max(len(reps), A.ndim)
    reps = (1,) * (ndim - len(reps)) + reps
    out = shape.reshape(A, (1,) * (ndim - A.ndim) + A.shape)
    for axis, count in enumerate(reps):
        out = shape.concatenate([out] * count, axis) if count != 1 else out
    return out


@implements(np.roll)
def _np_roll(a, shift, axis=None):
    if axis is None:
        return shape.reshape(_np_roll(shape.reshape(a, (-1,)), shift, 0), a.shape)
    for s, k in zip(np.atleast_1d(shift), np.atleast_1d(axis), strict=True):
        a = np.take(a, np.roll(np.arange(a.shape[k]), s), axis=int(k))
    return a


@implements(np.round, np.around)
def _np_round(a, decimals=0, out=None):
    return np.rint(a) if decimals == 0 else np.rint(a * 10.0 ** decimals) / 10.0 ** decimals


def _matmul(self, other):
    return matmul(self, other if scipy.sparse.issparse(other) or type(other) is Tracer else np.asarray(other))


def _item(self, *index):
    if index:
        return self[index if len(index) > 1 else np.unravel_index(index[0], self.shape)]
    if self.size != 1:
        raise ValueError("can only convert an array of size 1 to a Python scalar")
    return shape.reshape(self, ())


def _np_method(function):
    def method(self, *args, **kwargs):
        return FUNCTIONS[function](self, *args, **kwargs)
    return method


_METHODS = {name: getattr(np, name) for name in (
    "sum", "prod", "mean", "var", "std", "max", "min", "cumsum", "cumprod", "any", "all", "argmax", "argmin", "argsort",
    "dot", "take", "repeat", "squeeze", "swapaxes", "diagonal", "trace", "clip", "round")}


def _reshape_method(self, *new, order="C", copy=None):
    return FUNCTIONS[np.reshape](self, new[0] if len(new) == 1 else new, order=order)


def _transpose_method(self, *perm):
    return FUNCTIONS[np.transpose](self, None if not perm else perm[0] if isinstance(perm[0], (tuple, list)) else perm)


for _name, _method in {
    **{name: _np_method(function) for name, function in _METHODS.items()},
    "reshape": _reshape_method, "transpose": _transpose_method, "item": _item,
    "ravel": lambda self, order="C": FUNCTIONS[np.ravel](self, order),
    "flatten": lambda self, order="C": indexing.copy_of(FUNCTIONS[np.ravel](self, order)),
    "copy": indexing.copy_of, "__copy__": indexing.copy_of, "__deepcopy__": lambda self, memo: indexing.copy_of(self),
    "astype": lambda self, dtype, *args, **kwargs: indexing.copy_of(astype(self, np.dtype(dtype))),
    "fill": lambda self, value: indexing.setitem(self, Ellipsis, value), "conj": lambda self: self,
    "tolist": lambda self: [part.tolist() for part in self] if self.shape else self,
    "__getitem__": indexing.getitem, "__setitem__": indexing.setitem,
    "__matmul__": _matmul, "__rmatmul__": lambda self, other: matmul(other, self),
    "__round__": lambda self, digits=None: _np_round(self, digits or 0),
    "__divmod__": lambda self, other: (self // other, self % other),
    "T": property(_transpose_method), "mT": property(lambda self: np.swapaxes(self, -1, -2)),
    "real": property(lambda self: self), "itemsize": property(lambda self: self.dtype.itemsize),
    "nbytes": property(lambda self: self.size * self.dtype.itemsize),
}.items():
    setattr(Tracer, _name, _method)
