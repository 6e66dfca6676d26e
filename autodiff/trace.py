"""NumPy's and Python's protocols on a tracer: ufuncs, functions, conversions, and control flow by guards."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import numpy as np

from . import pytree, stand_ins
from .errors import TraceAttributeError, TraceError, call_text, is_storing, user_frame
from .graph import CONSTANT, GUARD, INPUT, Node, Static
from .primitive import FUNCTIONS, UFUNCS, Tracer, bind
from .remedies import remedy_for


def _array_ufunc(self, ufunc, method, *inputs, **kwargs):
    if method == "__call__" and not kwargs:
        prim = UFUNCS.get(ufunc)
        if prim is not None:
            return bind(prim, inputs)
    answer = FUNCTIONS.get((ufunc, method))
    if answer is None and (method != "__call__" or ufunc in UFUNCS):
        answer = _UFUNC_METHODS.get(method)
    if answer is not None:
        return answer(ufunc, *inputs, **kwargs)
    module = "np" if getattr(np, ufunc.__name__, None) is ufunc else "scipy.special"
    name = f"{module}.{ufunc.__name__}" + (f".{method}" if method != "__call__" else "")
    made_by_hand = BEYOND["frompyfunc"] if all(set(kind) <= set("O->") for kind in ufunc.types) else None
    trouble = made_by_hand or REFUSED.get(ufunc, (f"{name} has no derivative rule", _OTHER_FUNCTION))
    return _on_values(getattr(ufunc, method), inputs, kwargs, trouble)


_UFUNC_METHODS: dict[str, Callable] = {}
REFUSED: dict[Any, tuple[str, str]] = {}         # function -> (what is wrong, what to write instead)
BEYOND: dict[str, tuple[str, str]] = {}          # the same by name, for what no protocol reaches
_OTHER_FUNCTION = ("write it with operations that have a derivative rule, give the gradient by hand (jac=), or wrap "
                   "an operand whose derivative is not wanted in autodiff.stop_gradient(...)")


def ufunc_method(method: str):
    def register(answer):
        _UFUNC_METHODS[method] = answer
        return answer
    return register


def _array_function(self, function, types, args, kwargs):
    answer = FUNCTIONS.get(function)
    if answer is None:
        name = f"{function.__module__}.{function.__name__}".replace("numpy.", "np.")
        trouble = REFUSED.get(function, (f"{name} has no derivative rule", _OTHER_FUNCTION))
        return _on_values(function, args, kwargs, trouble)
    return answer(*args, **kwargs)


def refuse(what: str, remedy: str) -> TraceError:
    """What an answer raises for a form of its function that has no derivative rule."""
    return TraceError(f"{what} has no derivative rule", remedy)


def _on_values(function: Callable, args: tuple, kwargs: dict, trouble: tuple[str, str]):
    """A function without a rule, on traced values that carry no derivative: constants, integers, stopped gradients."""
    leaves, structure = pytree.flatten((args, kwargs))
    if not all(carries_none(leaf) for leaf in leaves if type(leaf) is Tracer):
        raise TraceError(*trouble)
    plain = [np.array(concretise(leaf)) if type(leaf) is Tracer else leaf for leaf in leaves]
    args, kwargs = pytree.unflatten(structure, plain)
    out = function(*args, **kwargs)
    for leaf, value in zip(leaves, plain, strict=True):
        if type(leaf) is Tracer and leaf.value.tobytes() != value.tobytes():      # it writes into its argument
            leaf[...] = value
    return out


def carries_none(tracer: Tracer) -> bool:
    """Whether a traced value has no derivative to lose, so that its value may be used (guarded)."""
    stack, seen = [tracer.node], set()
    while stack:
        node = stack.pop()
        if type(node) is Tracer or node is None or node.prim is INPUT:
            return node is not None and type(node) is not Tracer and node.dtype.kind in "iub"
        if node in seen or node.prim is CONSTANT or node.prim.name == "stop_gradient" or (
                type(node.dtype) is not tuple and node.dtype.kind in "iub"):
            continue
        seen.add(node)
        stack += [i for i in node.inputs if type(i) is Node or type(i) is Tracer]
    return True


def _array(self, dtype=None, copy=None):
    frame = sys._getframe(1)
    if frame.f_globals.get("__name__") == stand_ins.__name__ and frame.f_back is not None:
        frame = frame.f_back
    if self.value is not None and carries_none(self) and frame.f_code.co_name not in _MEMORY:
        return np.array(concretise(self), dtype=dtype)
    module = frame.f_globals.get("__name__", "")
    if module.startswith("scipy.sparse") and _sparse_operator(frame):
        box = np.empty(1, dtype=object)      # scipy.sparse hands a 0-d object array back to our __rmatmul__
        box[0] = self
        return box.reshape(())
    raise _leak("a plain array", "use a function with a derivative rule, or np.stack and np.concatenate for lists")


_MEMORY = ("as_strided", "getdata")        # functions of NumPy that return a view, which would see no later write


def _sparse_operator(frame) -> bool:
    """Whether scipy.sparse is at an operator, after which Python asks the tracer's reflected one."""
    name = ""
    while frame is not None and frame.f_globals.get("__name__", "").startswith(("scipy.sparse", __package__)):
        module, name, frame = frame.f_globals["__name__"], frame.f_code.co_name, frame.f_back
    is_operator = name == "dot" or name.startswith("__") and name != "__init__"
    return is_operator and not module.startswith("scipy.sparse.linalg")


def _float(self):
    if self.value is not None and carries_none(self):
        return float(concretise(self))
    raise _leak("a Python float", "use NumPy's function (np.exp, not math.exp); drop float(...) around traced values; "
                                  'to print it, f"{x:.3g}"')


def _leak(kind: str, remedy: str) -> TraceError:
    """A traced value is about to lose its derivative."""
    frame = user_frame()
    if is_storing(frame):
        return TraceError("a traced value is written into an array that is not traced, and would lose its derivative",
                          "make the array inside the function, of floats: out = np.zeros(n), or out = np.array(a)")
    call, inside_library = call_text(frame), frame is not sys._getframe(2)
    known = _known_trouble(call, sys._getframe(2), frame)
    if known is not None:
        return TraceError(*known)
    what = f"{call} turns a traced value into {kind}" if call else f"a traced value is turned into {kind}"
    return TraceError(f"{what}, which would lose its derivative",
                      remedy_for(call, frame) or (_OTHER_FUNCTION if inside_library else remedy))


def _known_trouble(call: str, inner: FrameType | None, user: FrameType | None) -> tuple[str, str] | None:
    """What is known of the function that is being called: by its text, or by what runs between it and here."""
    names = [call.rpartition(".")[2]]
    while inner is not None and inner is not user:
        names += [type(inner.f_locals.get("self")).__name__, inner.f_code.co_name]
        inner = inner.f_back
    return next((BEYOND[name] for name in names if name in BEYOND), None)


def _int(self):
    if self.value is not None and carries_none(self):
        return int(concretise(self))
    return _index(self)


def concretise(tracer: Tracer):
    """The tracer's value, guarded: a replay in which it differs selects or records another trace."""
    if tracer.node.prim is not CONSTANT:
        tracer.graph.record(GUARD, (tracer,), {"expected": Static(tracer.value)})
    return tracer.value


def _bool(self):
    value = bool(self.value) if self.value is not None else None
    if value is None:
        raise TraceError("a derivative rule branches on a value", "write the branch with np.where")
    if self.node.prim is not CONSTANT:
        test = self if self.dtype.kind == "b" else self != 0
        test.graph.record(GUARD, (test,), {"expected": Static(np.bool_(value))})
    return value


def _index(self):
    if self.dtype.kind not in "iub":
        if is_storing(user_frame()):
            raise _leak("", "")
        raise TraceError(f"a traced value of {self.dtype} is used as an integer",
                         "compute indices and counts from shapes, constants or comparisons; np.floor and np.trunc keep "
                         "a (zero) derivative, int(autodiff.stop_gradient(x)) has none")
    return int(concretise(self))


def _hash(self):
    raise TraceError("a traced value is hashed (put into a set, used as a key, passed to a cached function)",
                     "call the function without its cache, and key by something that does not depend on x")


def _getattr(self, name):
    if name.startswith("_") or not hasattr(np.ndarray, name):
        raise AttributeError(f"a traced array has no attribute {name!r}")
    raise TraceAttributeError(f".{name} is not supported on traced arrays", _INSTEAD_OF.get(name, _OTHER_FUNCTION))


_INSTEAD_OF = {"resize": "x.reshape(shape), or np.resize(x, shape)", "byteswap": "a copy in native byte order",
               "tobytes": "autodiff.stop_gradient(x) where the derivative is not wanted",
               "flags": "np.ascontiguousarray(x); traced arrays have no memory layout",
               "strides": "np.ascontiguousarray(x); traced arrays have no memory layout"}


def _contains(self, item):
    return bool((self == item).any())


def _len(self):
    if not self.shape:
        raise TypeError("len() of unsized object")
    return self.shape[0]


def _repr(self):
    return f"Tracer({self.value!r})" if self.value is not None else f"Tracer({self.node})"


class FormattedNumber(str):
    """A traced value as it is printed: read as a number again, it has lost its derivative."""

    __slots__ = ()

    def __float__(self):
        raise TraceError("a number is read from the text of a traced value, which has lost its derivative",
                         "work on the traced value itself")

    __int__ = __float__


def _format(self, spec):
    return FormattedNumber(format(self.value if self.shape else self.value[()], spec)) if spec else repr(self)


def _reduce(self, protocol):
    raise TraceError("a traced value is pickled (sent to another process, stored)",
                     "keep x in this process: use threads, or return what is to be stored from f")


def _iter(self):
    if not self.shape:
        raise TypeError("iteration over a 0-d array")
    return (self[i] for i in range(self.shape[0]))


def _static_property(name):
    return property(lambda self: getattr(self.node, name))


for _name, _method in {
    "__array_ufunc__": _array_ufunc, "__array_function__": _array_function, "__array__": _array, "__float__": _float,
    "__bool__": _bool, "__index__": _index, "__int__": _int, "__len__": _len, "__iter__": _iter, "__repr__": _repr,
    "__hash__": _hash, "__getattr__": _getattr, "__contains__": _contains,
    "__format__": _format, "__reduce_ex__": _reduce,
    **{_field: _static_property(_field) for _field in ("shape", "ndim", "size", "dtype")},
}.items():
    setattr(Tracer, _name, _method)
