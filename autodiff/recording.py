"""Recording a run of plain NumPy code: a graph with the values of the run, and its constants as they were when used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse

from . import creators, pytree
from .contents import BYTES, fingerprint, owner, parts
from .errors import TraceError, surfacing, user_frame
from .graph import CONSTANT, GUARD, Graph, Node, is_guarding
from .primitive import CARRIERS, NO_PARAMS, Primitive, Tracer

NUMERIC = "fciub"      # kinds of dtype that a graph computes with


class Held(NamedTuple):
    """A constant array of a recording: the user's object, what the graph holds for it, its content then."""

    original: Any
    kept: Any
    mark: list[bytes]
    live: bool                                   # kept by reference


class Recording(Graph):
    """A graph being recorded: `values` has what every node was in this run, by index (for writes: if it is needed).

    What f does to an array after using it must not reach the recording: small constant arrays are copied, large ones
    held by reference and checked at the end (`settled`). by_value : copy those too. keep : large values are kept, not
    only their extremes (an eager gradient needs them).
    """

    def __init__(self, by_value: bool, keep: bool) -> None:
        super().__init__()
        self.keep = keep
        self.values: list = []
        self.structure: Any = pytree.LEAF        # of the outputs
        self.result: list = []                   # values of the outputs
        self.largest = 0.0                       # number of the run, where its values are forgotten
        self.held: dict[int, Held] = {}          # constant arrays by the id of the user's object
        self.by_value = by_value
        self.moved = False                       # an array held by reference has changed during the run
        self.path: tuple | None = None           # its branches, once asked for (trust.py)
        self.failed = False                      # an operation raised, and f went on
        self.closed = False                      # the run is over
        self.origin: tuple | None = None         # (f, args), until somebody asks for the names of the inputs
        self.holds_outer = False                 # an operand belongs to an enclosing trace

    @property
    def names(self) -> dict[Any, str]:
        """Of nodes, and of constant arrays by id: for people to read. Inputs have those of f's parameters."""
        if self.origin is not None:
            from .interpreters.draw import input_names
            self._names.update(zip(self.inputs, input_names(*self.origin), strict=True))
            self.origin = None
        return self._names

    @names.setter
    def names(self, names: dict[Any, str]) -> None:
        self._names = names

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
        shape: Any
        dtype: Any
        inputs, values, varies = [], [], False
        for a in args:
            if type(a) is Tracer:
                values.append(a.value)
                if a.node.prim is CONSTANT:
                    inputs.append(a.value)
                else:
                    if a.graph is self:
                        inputs.append(a.node)
                    else:                        # a variable of an enclosing trace: a constant here
                        inputs.append(a)
                        self.holds_outer = True
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
            if dtype.kind not in NUMERIC:
                raise TraceError(f"{prim.name} gives {dtype} values", "keep the computation in real or complex numbers")
        node = Node(prim, tuple(inputs), params, shape, dtype, len(self.nodes))
        self.nodes.append(node)
        self.values.append(None if prim.name == "setitem" else value if self.keep else self._kept(value))
        if prim is GUARD or params and is_guarding(prim, params):
            self.guards.append(node)
        return Tracer(self, node, value)

    def _kept(self, value):
        """A value, or the extremes of a large one where nothing else of it is needed."""
        if type(value) is tuple or value.size <= LARGE or value.dtype.kind not in "fc":
            return value
        return np.array([np.fmin.reduce(value, None), np.fmax.reduce(value, None)])

    def _folded(self, prim: Primitive, value):
        """A result that depends on no input: a buffer, that traced values may be written into."""
        numeric = type(value) is not tuple and np.asarray(value).dtype.kind in NUMERIC
        kept = not self.closed or prim.view or prim.name == "setitem"
        return self.constant(value) if numeric and kept else value

    def _check(self, prim: Primitive, args: tuple, inputs: list) -> None:
        """Constants in a form that graphs hold; no value of a run that is over."""
        if self.closed:
            raise _stale(prim)
        for number, a in enumerate(args):
            kind = type(a)
            if kind is Tracer:
                if a.node.prim is CONSTANT:
                    if a.value.dtype.kind not in NUMERIC:
                        self._operand(a.value, prim)
                elif a.graph is not self:
                    if getattr(a.graph, "closed", False):
                        raise _stale(prim)
                elif self.values[a.node.index] is None and prim.name not in _PARTIAL:
                    self.values[a.node.index] = a.value if self.keep else self._kept(a.value)     # read whole
            elif kind is np.ndarray and a.dtype.kind in NUMERIC:
                inputs[number] = self.hold(a)
            elif kind not in _SCALARS:
                inputs[number] = self._operand(a, prim)

    def _operand(self, a, prim: Primitive):
        if isinstance(a, (list, tuple)) or hasattr(a, "__array__") and not isinstance(a, np.generic):
            a = np.asarray(a)
        if isinstance(a, np.ndarray) and a.dtype.kind in NUMERIC or scipy.sparse.issparse(a):
            return self.hold(a)
        if isinstance(a, (float, int, complex, np.generic)) and np.asarray(a).dtype.kind in NUMERIC:
            return a
        kind = f"an array of {a.dtype}" if isinstance(a, np.ndarray) else f"{type(a).__name__} {a!r:.50}"
        raise TraceError(f"{prim.name}: a traced value meets {kind}", "use real or complex numbers, or arrays of them")

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

    def adopt(self, part: Recording) -> None:
        """Watch the constants of a recording that has become an operation of this one."""
        for key, held in part.held.items():
            seen = self.held.setdefault(key, held)
            self.moved |= seen.live and seen.mark != held.mark
        self.moved |= part.moved
        self.failed |= part.failed

    def size(self) -> float:
        """The largest finite number of the run."""
        values = [np.asarray(v) for v in self.values if not isinstance(v, tuple)]
        return max((float(np.max(np.abs(v[np.isfinite(v)]), initial=0.0)) for v in values if v.dtype.kind in NUMERIC),
                   default=0.0)

    def forget(self) -> None:
        """Keep of the values what comparisons need."""
        self.largest, self.values = self.size(), []

    def value_of(self, node: Node):
        """What a node was in this run."""
        return self.values[node.index]

    def work(self) -> int:
        """Array entries that one run reads and makes: a measure of its cost."""
        made = sum(node.size for node in self.nodes if not isinstance(node.dtype, tuple))
        return made + sum(part.size for held in self.held.values() for part in parts(held.original))


LARGE = 1024
_PARTIAL = ("setitem", "getitem")     # their derivatives need no value: a loop that fills a buffer keeps none
_SCALARS = frozenset({float, int, bool, complex, np.float64, np.complex128, np.float32, np.int64, np.bool_})


def _stale(prim: Primitive) -> TraceError:
    return TraceError(f"{prim.name}: a traced value of a run that is over is used (kept in a list, an attribute, …)",
                      "keep nothing that depends on x from one call to the next: compute it again, or return it")


class Located(Recording):
    """A recording that knows which line of the user's code each operation comes from."""

    def record(self, prim: Primitive, args: tuple, params: dict = NO_PARAMS) -> Tracer:
        out, frame = super().record(prim, args, params), user_frame()
        if type(out) is Tracer and frame is not None:
            self.sites[out.node] = (frame.f_code.co_filename, frame.f_lineno)
        return out


def record(f: Callable, args: Sequence, is_input: Callable[[int], bool], kwargs: dict[str, Any],
           keep: bool = False, kind: type[Recording] = Recording) -> Recording:
    """Run f on tracers. `is_input(k)`: whether the float leaves of argument k become inputs of the graph.

    keep : whether the values of the run are wanted. A second time, with copies of all constants, where f changes a
    large array that it has used, or with all of NumPy's and SciPy's names swapped, where a traced value has met a
    function that code not found from f reads.
    """
    try:
        graph = _record_once(f, args, is_input, kwargs, kind(False, keep))
    except TraceError:
        if not creators.widen(f):
            raise
        graph = _record_once(f, args, is_input, kwargs, kind(False, keep))
    return graph if graph.settled() else _record_once(f, args, is_input, kwargs, kind(True, keep))


def _record_once(f: Callable, args: Sequence, is_input: Callable, kwargs: dict, graph: Recording) -> Recording:
    traced = []
    for number, arg in enumerate(args):
        leaves, structure = pytree.flatten(arg)
        if is_input(number):
            leaves = [graph.argument(as_input(leaf)) for leaf in leaves]
        else:
            leaves = [graph.argument(concrete(leaf)) if is_data(leaf) else leaf for leaf in leaves]
        traced.append(pytree.unflatten(structure, leaves))
    record_into(graph, f, traced, kwargs)
    return graph


def record_into(graph: Recording, f: Callable, args: Sequence, kwargs: dict[str, Any]) -> None:
    """Run f on arguments that are traced already."""
    try:
        with surfacing(), creators.patched(f, graph):
            of_scipy = (getattr(f, "__module__", None) or "").startswith("scipy")
            out = (creators.everywhere(f) if of_scipy else f)(*args, **kwargs)
    finally:
        graph.closed = True
    leaves, graph.structure = pytree.flatten(out)
    for leaf in leaves:
        if type(leaf) in CARRIERS and type(leaf) is not Tracer:
            raise TraceError(f"the function returns {leaf!r}", "return its .data, or .toarray()")
        if type(leaf) is Tracer and leaf.node.prim is CONSTANT:
            graph.outputs += (leaf.value,)
        else:
            graph.outputs += (leaf.node if type(leaf) is Tracer and leaf.graph is graph else leaf,)
        graph.result.append(leaf.value if type(leaf) is Tracer else leaf)


def trace(f: Callable, *args) -> Recording:
    """Record f(*args) as a Graph.

    args : arrays of any shape, numbers, or nested dicts, lists and tuples of them; their leaves are the inputs.
    Raises TraceError where the code leaves what can be recorded. Costs one run of f and a few µs an operation.
    """
    graph = record(f, args, lambda number: True, {}, True)
    graph.origin = (f, args)
    return graph


def concrete(value):
    """The plain value behind a tracer (as an array or NumPy scalar)."""
    if type(value) is Tracer:
        return value.value
    return np.asarray(value)


def as_input(leaf) -> np.ndarray:
    """A leaf of a differentiated argument: floats and complex numbers as given, integers promoted."""
    value = concrete(leaf)
    if value.dtype.kind in "iub":
        return value.astype(np.float64)
    if value.dtype.kind not in "fc":
        raise TypeError(f"a differentiated argument must be real or complex numbers, got {type(leaf).__name__} "
                        f"{leaf!r:.60}; "
                        "convert it to a float array, or choose another argnum")
    return value


def is_data(leaf) -> bool:
    """Whether a leaf of another argument is an input of the graph (floats, arrays), not static (ints, strings, …)."""
    if type(leaf) is Tracer or isinstance(leaf, (float, complex, np.inexact)):
        return True
    return type(leaf) in (np.ndarray, np.memmap) and leaf.dtype.kind in NUMERIC
