"""Recording a run of plain NumPy code: tracers that carry real values, NumPy's protocols, guards for control flow."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import creators, pytree
from .errors import TraceError
from .graph import CONSTANT, GUARD, Graph, Node, Static
from .primitive import FUNCTIONS, NO_PARAMS, UFUNCS, Primitive, Tracer, bind

_PLAIN = (float, int, np.ndarray, np.generic)


class Recording(Graph):
    """A graph being recorded: every node also has the value it had in this run (`values`, by node index)."""

    def __init__(self) -> None:
        super().__init__()
        self.values: list = []
        self.structure: Any = pytree.LEAF        # of the outputs
        self.result: list = []                   # values of the outputs

    def argument(self, value: np.ndarray) -> Tracer:
        node = self.input(value.shape, value.dtype)
        self.values.append(value)
        return Tracer(self, node, value)

    def constant(self, value) -> Tracer:
        """A traced buffer that depends on no input (yet)."""
        value = np.asarray(value)
        node = self.append(CONSTANT, (value,), NO_PARAMS, value.shape, value.dtype)
        self.values.append(value)
        return Tracer(self, node, value)

    def record(self, prim: Primitive, args: tuple, params: dict = NO_PARAMS) -> Tracer:
        inputs, values, varies = [], [], False
        for a in args:
            if type(a) is Tracer:
                values.append(a.value)
                if a.graph is not self:          # of an enclosing trace: a constant here, a variable there
                    inputs.append(a)
                    varies = True
                elif a.node.prim is CONSTANT:
                    inputs.append(a.node.inputs[0])
                else:
                    inputs.append(a.node)
                    varies = True
            else:
                if type(a) not in _EXACT:
                    a = operand(a, prim)
                inputs.append(a)
                values.append(a)
        value = prim.evaluate(*values, **params)
        if not varies:
            return self.constant(value)
        if type(value) is tuple:
            shape, dtype = tuple(v.shape for v in value), tuple(v.dtype for v in value)
        else:
            shape, dtype = value.shape, value.dtype
            if dtype.kind not in "fiub":
                raise TraceError(f"{prim.name} gives {dtype} values; the engine differentiates real functions",
                                 "keep the computation real (np.real, np.abs before complex arithmetic)")
        node = Node(prim, tuple(inputs), params, shape, dtype, len(self.nodes))
        self.nodes.append(node)
        self.values.append(value)
        if prim is GUARD:
            self.guards.append(node)
        return Tracer(self, node, value)


_EXACT = frozenset({float, int, bool, np.ndarray, np.float64, np.float32, np.int64, np.bool_})


def operand(a, prim: Primitive):
    """A constant operand in a form that graphs hold: array, NumPy scalar or Python scalar; else a clear error."""
    if isinstance(a, (list, tuple)):
        a = np.asarray(a)
    if isinstance(a, np.ndarray):
        a = np.asarray(a) if type(a) is not np.ndarray else a
        if a.dtype.kind in "fiub":
            return a
    elif isinstance(a, _PLAIN):
        return a
    elif hasattr(a, "tocsr"):
        return a
    kind = f"an array of {a.dtype}" if isinstance(a, np.ndarray) else f"{type(a).__name__} {a!r:.50}"
    raise TraceError(f"{prim.name}: a traced value meets {kind}", "use real numbers or arrays of them")


def record(f: Callable, args: Sequence, is_input: Callable[[int], bool], kwargs: dict[str, Any]) -> Recording:
    """Run f once on tracers. `is_input(k)`: whether the float leaves of argument k become inputs of the graph."""
    graph = Recording()
    traced = []
    for number, arg in enumerate(args):
        leaves, structure = pytree.flatten(arg)
        if is_input(number):
            leaves = [graph.argument(as_input(leaf)) for leaf in leaves]
        else:
            leaves = [graph.argument(concrete(leaf)) if is_data(leaf) else leaf for leaf in leaves]
        traced.append(pytree.unflatten(structure, leaves))
    with creators.patched(f, graph):
        out = f(*traced, **kwargs)
    leaves, graph.structure = pytree.flatten(out)
    for leaf in leaves:
        if type(leaf) is Tracer and leaf.graph is graph:
            constant = leaf.node.prim is CONSTANT
            graph.outputs += (leaf.node.inputs[0] if constant else leaf.node,)
        else:
            graph.outputs += (leaf,)
        graph.result.append(leaf.value if type(leaf) is Tracer else leaf)
    return graph


def trace(f: Callable, *args) -> Recording:
    """Record f(*args) as a Graph.

    args : arrays of any shape, numbers, or nested dicts, lists and tuples of them; their numeric leaves are the inputs.
    Raises TraceError where the code leaves what can be recorded. Costs one run of f and a few µs an operation.
    """
    return record(f, args, lambda number: True, {})


def concrete(value):
    """The plain value behind a tracer (as an array or NumPy scalar)."""
    if type(value) is Tracer:
        return value.value
    return np.asarray(value)


def as_input(leaf) -> np.ndarray:
    """A leaf of a differentiated argument: float64 or float32 as given, integers promoted."""
    value = concrete(leaf)
    if value.dtype.kind in "iub":
        return value.astype(np.float64)
    if value.dtype.kind != "f":
        raise TypeError(f"a differentiated argument must be real numbers, got {type(leaf).__name__} {leaf!r:.60}; "
                        "convert it to a float array, or choose another argnum")
    return value


def is_data(leaf) -> bool:
    """Whether a leaf of another argument is an input of the graph (floats, arrays) or static (ints, strings, objects)."""
    if type(leaf) is Tracer or isinstance(leaf, (float, np.floating)):
        return True
    return type(leaf) is np.ndarray and leaf.dtype.kind in "fiub"


# --- NumPy's protocols on a tracer ------------------------------------------------------------------------------------


def _array_ufunc(self, ufunc, method, *inputs, **kwargs):
    if method == "__call__" and not kwargs:
        prim = UFUNCS.get(ufunc)
        if prim is not None:
            return bind(prim, inputs)
    answer = FUNCTIONS.get((ufunc, method)) or _UFUNC_METHODS.get(method)
    if answer is None:
        raise TraceError(f"np.{ufunc.__name__}.{method} is not supported on traced values", _OTHER_FUNCTION)
    return answer(ufunc, *inputs, **kwargs)


_UFUNC_METHODS: dict[str, Callable] = {}
_OTHER_FUNCTION = ("write it with operations that have a derivative, give its derivative through jac=, "
                   "or wrap a part that needs none in autodiff.stop_gradient")


def ufunc_method(method: str):
    def register(answer):
        _UFUNC_METHODS[method] = answer
        return answer
    return register


def _array_function(self, function, types, args, kwargs):
    answer = FUNCTIONS.get(function)
    if answer is None:
        name = f"{function.__module__}.{function.__name__}"
        raise TraceError(f"{name} has no derivative rule", _OTHER_FUNCTION)
    return answer(*args, **kwargs)


def _array(self, dtype=None, copy=None):
    if self.node is not None and self.node.prim is CONSTANT:
        return np.array(self.value, dtype=dtype)
    frame = sys._getframe(1)
    if frame.f_globals.get("__name__") == creators.__name__ and frame.f_back is not None:
        frame = frame.f_back
    if frame.f_globals.get("__name__", "").startswith("scipy.sparse"):
        box = np.empty(1, dtype=object)      # scipy.sparse hands a 0-d object array back to our __rmatmul__
        box[0] = self
        return box.reshape(())
    raise TraceError("a traced value is being turned into a plain array, which would lose its derivative",
                     "create the target inside the function with np.zeros/np.empty (called as np.…), build it with "
                     "np.stack/np.concatenate, or use a function with a derivative rule")


def _float(self):
    if self.node.prim is CONSTANT:
        return float(self.value)
    raise TraceError("a traced value is being turned into a Python float, which would lose its derivative",
                     "use NumPy's function (np.exp, not math.exp), and drop float(...) and .item() around traced values")


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
        raise TraceError(f"a traced value of {self.dtype} is used as an integer",
                         "compute indices from shapes or constants; np.floor/np.trunc keep a (zero) derivative")
    return int(concretise(self))


def _len(self):
    if not self.shape:
        raise TypeError("len() of unsized object")
    return self.shape[0]


def _repr(self):
    return f"Tracer({self.value!r})" if self.value is not None else f"Tracer({self.node})"


def _iter(self):
    if not self.shape:
        raise TypeError("iteration over a 0-d array")
    return (self[i] for i in range(self.shape[0]))


def _static_property(name):
    return property(lambda self: getattr(self.node, name))


for _name, _method in {
    "__array_ufunc__": _array_ufunc, "__array_function__": _array_function, "__array__": _array, "__float__": _float,
    "__bool__": _bool, "__index__": _index, "__int__": _index, "__len__": _len, "__iter__": _iter, "__repr__": _repr,
    "__hash__": None, "shape": _static_property("shape"), "ndim": _static_property("ndim"),
    "size": _static_property("size"), "dtype": _static_property("dtype"),
}.items():
    setattr(Tracer, _name, _method)
