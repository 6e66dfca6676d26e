"""Recording a run of plain NumPy code: tracers that carry real values, NumPy's protocols, guards for control flow."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse

from . import creators, pytree
from .contents import BYTES, fingerprint, owner, parts
from .errors import TraceAttributeError, TraceError, call_text, is_storing, surfacing, user_frame
from .graph import CONSTANT, GUARD, Graph, Node, Static
from .primitive import FUNCTIONS, NO_PARAMS, UFUNCS, Primitive, Tracer, bind


class Held(NamedTuple):
    """A constant array of a recording: the user's object, what the graph holds for it, its content then."""

    original: Any
    kept: Any
    mark: list[bytes]
    live: bool                                   # kept by reference


class Recording(Graph):
    """A graph being recorded: every node also has the value it had in this run (`values`, by node index).

    What f does to an array after using it must not reach the recording: small constant arrays are copied, large ones
    held by reference and checked at the end (`settled`). by_value : copy those too.
    """

    def __init__(self, by_value: bool) -> None:
        super().__init__()
        self.values: list = []
        self.structure: Any = pytree.LEAF        # of the outputs
        self.result: list = []                   # values of the outputs
        self.held: dict[int, Held] = {}          # constant arrays by the id of the user's object
        self.by_value = by_value
        self.moved = False                       # an array held by reference has changed during the run
        self.failed = False                      # an operation raised, and f went on
        self.closed = False                      # the run is over

    def argument(self, value: np.ndarray) -> Tracer:
        node = self.input(value.shape, value.dtype)
        self.values.append(value)
        return Tracer(self, node, value)

    def constant(self, value) -> Tracer:
        """A traced buffer that depends on no input (yet)."""
        value = np.asarray(value)
        if self.closed:                          # kept by f from an earlier run: nothing to record
            return Tracer(self, Node(CONSTANT, (value,), NO_PARAMS, value.shape, value.dtype, -1), value)
        node = self.append(CONSTANT, (value,), NO_PARAMS, value.shape, value.dtype)
        self.values.append(value)
        return Tracer(self, node, value)

    def record(self, prim: Primitive, args: tuple, params: dict = NO_PARAMS) -> Tracer:
        inputs, values, varies = [], [], False
        for a in args:
            if type(a) is Tracer:
                values.append(a.value)
                if a.node.prim is CONSTANT:
                    inputs.append(a.value)
                else:
                    inputs.append(a.node if a.graph is self else a)      # (a: a variable of an enclosing trace)
                    varies = True
            else:
                inputs.append(a)
                values.append(a)
        if not varies:
            return self._folded(prim, prim.evaluate(*values, **params))
        self._check(prim, args, inputs)
        try:
            value = values[0] if prim is GUARD else prim.evaluate(*values, **params)
        except Exception:
            self.failed = True
            raise
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

    def _folded(self, prim: Primitive, value):
        """A result that depends on no input: a buffer, that traced values may be written into, if it is real."""
        real = type(value) is not tuple and np.asarray(value).dtype.kind in "fiub"
        kept = not self.closed or prim.view or prim.name == "setitem"
        return self.constant(value) if real and kept else value

    def _check(self, prim: Primitive, args: tuple, inputs: list) -> None:
        """Constants in a form that graphs hold; no value of a run that is over."""
        if self.closed:
            raise _stale(prim)
        for number, a in enumerate(args):
            kind = type(a)
            if kind is Tracer:
                if a.node.prim is CONSTANT:
                    if a.value.dtype.kind not in "fiub":
                        self._operand(a.value, prim)
                elif a.graph is not self and getattr(a.graph, "closed", False):
                    raise _stale(prim)
            elif kind is np.ndarray and a.dtype.kind in "fiub":
                inputs[number] = self.hold(a)
            elif kind not in _SCALARS:
                inputs[number] = self._operand(a, prim)

    def _operand(self, a, prim: Primitive):
        if isinstance(a, (list, tuple)):
            a = np.asarray(a)
        if isinstance(a, np.ndarray) and a.dtype.kind in "fiub" or scipy.sparse.issparse(a):
            return self.hold(a)
        if isinstance(a, (float, int, np.generic)) and np.asarray(a).dtype.kind in "fiub":
            return a
        kind = f"an array of {a.dtype}" if isinstance(a, np.ndarray) else f"{type(a).__name__} {a!r:.50}"
        raise TraceError(f"{prim.name}: a traced value meets {kind}", "use real numbers or arrays of them")

    def hold(self, a):
        """A constant array, dense or sparse, as it is now."""
        mark = [fingerprint(part) for part in parts(a)]
        seen = self.held.get(id(a))
        if seen is not None and seen.mark == mark:
            return seen.kept
        live = not self.by_value and (scipy.sparse.issparse(a) or a.nbytes > BYTES)
        kept = a if live and scipy.sparse.issparse(a) else np.asarray(a) if live else a.copy()
        self.moved |= seen is not None and seen.live
        self.held[id(a)] = Held(a, kept, mark, live)
        return kept

    def settled(self) -> bool:
        """Whether every array held by reference still has the content it was used with."""
        return not self.moved and all(held.mark == [fingerprint(part) for part in parts(held.original)]
                                      for held in self.held.values() if held.live)

    def shared_arrays(self, other: Recording) -> list[np.ndarray]:
        """The arrays that outlive a run: both recordings met them."""
        mine, theirs = ({id(a): a for held in recording.held.values() for a in map(owner, parts(held.original))}
                        for recording in (self, other))
        return [a for key, a in mine.items() if key in theirs]

    def value_of(self, node: Node):
        """What a node was in this run."""
        return self.values[node.index]

    def work(self) -> int:
        """Array entries that one run reads and makes: a measure of its cost."""
        made = sum(np.size(v) for v in self.values if not isinstance(v, tuple))
        return made + sum(part.size for held in self.held.values() for part in parts(held.original))


_SCALARS = frozenset({float, int, bool, np.float64, np.float32, np.int64, np.bool_})


def _stale(prim: Primitive) -> TraceError:
    return TraceError(f"{prim.name}: a traced value of a run that is over is used (kept in a list, an attribute, a cache)",
                      "keep nothing that depends on x from one call to the next: compute it again, or return it")


def record(f: Callable, args: Sequence, is_input: Callable[[int], bool], kwargs: dict[str, Any]) -> Recording:
    """Run f on tracers. `is_input(k)`: whether the float leaves of argument k become inputs of the graph.

    A second time, with copies of all constants, where f changes a large array that it has used.
    """
    graph = _record_once(f, args, is_input, kwargs, False)
    return graph if graph.settled() else _record_once(f, args, is_input, kwargs, True)


def _record_once(f: Callable, args: Sequence, is_input: Callable, kwargs: dict[str, Any], by_value: bool) -> Recording:
    graph = Recording(by_value)
    traced = []
    for number, arg in enumerate(args):
        leaves, structure = pytree.flatten(arg)
        if is_input(number):
            leaves = [graph.argument(as_input(leaf)) for leaf in leaves]
        else:
            leaves = [graph.argument(concrete(leaf)) if is_data(leaf) else leaf for leaf in leaves]
        traced.append(pytree.unflatten(structure, leaves))
    try:
        with surfacing(), creators.patched(f, graph):
            out = f(*traced, **kwargs)
    finally:
        graph.closed = True
    leaves, graph.structure = pytree.flatten(out)
    for leaf in leaves:
        if type(leaf) is Tracer and leaf.node.prim is CONSTANT:
            graph.outputs += (leaf.value,)
        else:
            graph.outputs += (leaf.node if type(leaf) is Tracer and leaf.graph is graph else leaf,)
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
    """Whether a leaf of another argument is an input of the graph (floats, arrays); ints, strings, objects are static."""
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
    if answer is not None and (method != "__call__" or ufunc in UFUNCS or ufunc is np.matmul):
        return answer(ufunc, *inputs, **kwargs)
    module = "np" if getattr(np, ufunc.__name__, None) is ufunc else "scipy.special"
    name = f"{module}.{ufunc.__name__}" + (f".{method}" if method != "__call__" else "")
    return _on_values(getattr(ufunc, method), inputs, kwargs, f"{name} has no derivative rule")


_UFUNC_METHODS: dict[str, Callable] = {}
_OTHER_FUNCTION = ("write it with operations that have a derivative rule, give the gradient by hand (jac=), or wrap an "
                   "operand whose derivative is not wanted in autodiff.stop_gradient(...)")


def ufunc_method(method: str):
    def register(answer):
        _UFUNC_METHODS[method] = answer
        return answer
    return register


def _array_function(self, function, types, args, kwargs):
    answer = FUNCTIONS.get(function)
    if answer is None:
        name = f"{function.__module__}.{function.__name__}".replace("numpy.", "np.")
        return _on_values(function, args, kwargs, f"{name} has no derivative rule")
    return answer(*args, **kwargs)


def _on_values(function: Callable, args: tuple, kwargs: dict, trouble: str):
    """A function without a rule, on traced values that carry no derivative: constants, integers, stopped gradients."""
    leaves, structure = pytree.flatten((args, kwargs))
    if not all(carries_none(leaf) for leaf in leaves if type(leaf) is Tracer):
        raise TraceError(trouble, _OTHER_FUNCTION)
    plain = [np.array(concretise(leaf)) if type(leaf) is Tracer else leaf for leaf in leaves]
    args, kwargs = pytree.unflatten(structure, plain)
    out = function(*args, **kwargs)
    for leaf, value in zip(leaves, plain, strict=True):
        if type(leaf) is Tracer and leaf.value.tobytes() != value.tobytes():      # it writes into its argument
            leaf[...] = value
    return out


def carries_none(tracer: Tracer) -> bool:
    """Whether a traced value has no derivative to lose, so that its value may be used (guarded)."""
    return tracer.node is not None and (
        tracer.node.prim is CONSTANT or tracer.dtype.kind in "iub" or tracer.node.prim.name == "stop_gradient")


def _array(self, dtype=None, copy=None):
    if self.value is not None and carries_none(self):
        return np.array(concretise(self), dtype=dtype)
    frame = sys._getframe(1)
    if frame.f_globals.get("__name__") == creators.__name__ and frame.f_back is not None:
        frame = frame.f_back
    if frame.f_globals.get("__name__", "").startswith("scipy.sparse"):
        box = np.empty(1, dtype=object)      # scipy.sparse hands a 0-d object array back to our __rmatmul__
        box[0] = self
        return box.reshape(())
    raise _leak("a plain array", "use a function with a derivative rule, or np.stack and np.concatenate for lists")


def _float(self):
    if self.value is not None and carries_none(self):
        return float(concretise(self))
    raise _leak("a Python float", "use NumPy's function (np.exp, not math.exp), and drop float(...) around traced values")


def _leak(kind: str, remedy: str) -> TraceError:
    """A traced value is about to lose its derivative."""
    frame = user_frame()
    if is_storing(frame):
        return TraceError("a traced value is written into an array that is not traced, and would lose its derivative",
                          "make the array inside the function, of floats: out = np.zeros(n), or out = np.array(a)")
    call, inside_library = call_text(frame), frame is not sys._getframe(2)
    what = f"{call} turns a traced value into {kind}" if call else f"a traced value is turned into {kind}"
    return TraceError(f"{what}, which would lose its derivative", _OTHER_FUNCTION if inside_library else remedy)


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
                         "compute indices and counts from shapes, constants or comparisons; np.floor and np.trunc keep a "
                         "(zero) derivative, int(autodiff.stop_gradient(x)) has none")
    return int(concretise(self))


def _hash(self):
    raise TraceError("a traced value is hashed (put into a set, used as a key, passed to a cached function)",
                     "call the function without its cache, and key by something that does not depend on x")


def _getattr(self, name):
    if name.startswith("_") or not hasattr(np.ndarray, name):
        raise AttributeError(f"a traced array has no attribute {name!r}")
    raise TraceAttributeError(f".{name} is not supported on traced arrays", _INSTEAD_OF.get(name, _OTHER_FUNCTION))


_INSTEAD_OF = {"sort": "x = np.sort(x)", "partition": "x = np.sort(x)", "put": "x[indices] = values",
               "flat": "x.ravel() to read, x.reshape(-1)[i] = value to write", "nonzero": "np.nonzero(x != 0)",
               "view": "x.reshape(shape) or x.astype(dtype)", "resize": "x.reshape(shape)"}


def _contains(self, item):
    return bool((self == item).any())


def _len(self):
    if not self.shape:
        raise TypeError("len() of unsized object")
    return self.shape[0]


def _repr(self):
    return f"Tracer({self.value!r})" if self.value is not None else f"Tracer({self.node})"


def _format(self, spec):
    return format(self.value if self.shape else self.value[()], spec) if spec else repr(self)


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
    "__format__": _format, **{_field: _static_property(_field) for _field in ("shape", "ndim", "size", "dtype")},
}.items():
    setattr(Tracer, _name, _method)
