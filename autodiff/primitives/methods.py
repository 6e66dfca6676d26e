"""The operators and methods of a traced array, each the NumPy function of the same name."""

import numpy as np
import scipy.sparse

from ..errors import TraceError
from ..primitive import CARRIERS, FUNCTIONS, UFUNCS, Primitive, Tracer, bind
from . import indexing, shape
from .complex import conjugate, imag, real
from .contraction import matmul
from .elementwise import astype
from .mapping import Flat
from .sparse_matrix import with_constant


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
    if type(other) in CARRIERS:                  # a sparse matrix with traced entries has the operation
        return NotImplemented
    if scipy.sparse.issparse(other):
        return with_constant(prim.name, left, right)
    if isinstance(other, (list, tuple)):
        other = shape.array(other)
    elif hasattr(other, "__array__") and not hasattr(type(other), "__array_ufunc__"):      # as NumPy takes it
        other = np.asarray(other)
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


def _matmul(self, other):
    if type(other) in CARRIERS and type(other) is not Tracer:
        return NotImplemented
    return matmul(self, other if type(other) is Tracer or scipy.sparse.issparse(other) else np.asarray(other))


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
    "argpartition", "searchsorted", "choose", "nonzero", "put", "dot", "take", "repeat", "squeeze",
    "swapaxes", "diagonal", "trace", "clip", "round")}


def _in_place(function):
    """A method that writes its result into the array."""
    def method(self, *args, **kwargs):
        indexing.setitem(self, Ellipsis, FUNCTIONS[function](self, *args, **kwargs))
    return method


def _view_method(self, dtype=None, type=None):
    if dtype is None and type is None or dtype is not None and np.dtype(dtype) == self.dtype:
        return self[...]
    raise TraceError(".view(dtype) reads the bytes of a traced array as another type",
                     "x.astype(dtype), or x.real and x.imag")


def _set_shape(self, new):
    raise TraceError("the shape of a traced array is assigned to", "x = x.reshape(shape)")


_RESHAPE, _TRANSPOSE, _RAVEL = (FUNCTIONS[function] for function in (np.reshape, np.transpose, np.ravel))


def _reshape_method(self, *new, order="C", copy=None):
    return _RESHAPE(self, new[0] if len(new) == 1 else new, order=order, copy=copy)


def _transpose_method(self, *perm):
    return _TRANSPOSE(self, None if not perm else perm[0] if isinstance(perm[0], (tuple, list)) else perm)


for _name, _method in {
    **{name: _np_method(function) for name, function in _METHODS.items()},
    "reshape": _reshape_method, "transpose": _transpose_method, "item": _item,
    "ravel": _np_method(np.ravel), "flatten": lambda self, order="C": indexing.copy_of(_RAVEL(self, order)),
    "copy": indexing.copy_of, "__copy__": indexing.copy_of, "__deepcopy__": lambda self, memo: indexing.copy_of(self),
    "astype": lambda self, dtype, *args, copy=True, **kwargs: astype(self, np.dtype(dtype)) if not copy else
        indexing.copy_of(astype(self, np.dtype(dtype))),
    "fill": lambda self, value: indexing.setitem(self, Ellipsis, value), "conj": conjugate, "conjugate": conjugate,
    "tolist": lambda self: [part.tolist() for part in self] if self.shape else self,
    "__getitem__": indexing.getitem, "__setitem__": indexing.setitem,
    "__matmul__": _matmul, "__rmatmul__": lambda self, other: matmul(other, self),
    "__round__": lambda self, digits=None: np.round(self, digits or 0),
    "__divmod__": lambda self, other: np.divmod(self, other), "__rdivmod__": lambda self, other: np.divmod(other, self),
    "flat": property(Flat, lambda self, values: Flat(self).__setitem__(slice(None), values)),
    "compress": lambda self, condition, axis=None, out=None: np.compress(condition, self, axis, out),
    "sort": _in_place(np.sort), "partition": _in_place(np.partition), "view": _view_method,
    "T": property(_transpose_method), "mT": property(lambda self: np.swapaxes(self, -1, -2)),
    "real": property(real, lambda self, new: indexing.setitem(real(self), Ellipsis, new)),
    "imag": property(imag, lambda self, new: indexing.setitem(imag(self), Ellipsis, new)),
    "itemsize": property(lambda self: self.dtype.itemsize), "shape": property(lambda self: self.node.shape, _set_shape),
    "nbytes": property(lambda self: self.size * self.dtype.itemsize),
}.items():
    setattr(Tracer, _name, _method)
