"""A function that differentiates itself: recorded, trusted, compiled; eager wherever trust is not earned.

The first call at a signature records and answers from the recording. The second, at another point, records again; if
both recordings agree (structure and constants) and a plain call agrees with the traced value, code is generated. From then on
each call checks the recording's guards: identities of what the function names, and its branches.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from . import pytree
from .compile import Program
from .derive import collapse, gradient, primal, split, tangent
from .errors import GuardMiss, TraceError
from .graph import GUARD, Graph, Node
from .interpreters import evaluate, reverse
from .primitive import Tracer, is_traced
from .primitives.elementwise import SCALE
from .trace import Recording, as_input, concrete, is_data, record
from .watch import watch

MAX_PATHS = 8      # recordings a signature may need (branches taken) before it stays eager


class Trust(NamedTuple):
    """How a function is being run: mode "recording", "compiled" or "eager", why, and from how many recordings."""

    mode: str
    reason: str
    recordings: int


class Compiled:
    """One trusted recording and the programs generated from it on demand."""

    def __init__(self, recording: Recording, fresh: Callable[[], bool], wrt: range):
        self.recording, self.fresh, self.wrt = recording, fresh, wrt
        self.nested = any(node.prim is SCALE for node in recording.nodes)     # f takes derivatives itself
        self._programs: dict = {}

    def program(self, kind: str, safe: bool = False):
        made = self._programs.get((kind, safe))
        if made is None:
            made = self._programs[kind, safe] = _BUILD[kind](self.recording, self.wrt, safe)
        return made


def _build_value(recording: Graph, wrt: range, safe: bool) -> Program:
    g = primal(recording, safe)
    return Program(g, g.inputs, g.outputs)


def _build_gradient(recording: Graph, wrt: range, safe: bool) -> Program:
    g = gradient(recording, wrt, safe)
    return Program(g, g.inputs, g.outputs)


class Linearised(NamedTuple):
    """(value, gradient, residuals) at a point, and the Hessian's action from the residuals."""

    prepare: Callable
    apply: Callable
    outputs: int


def linear_parts(recording: Graph, wrt: range, safe: bool):
    """(graph, outputs, residuals, tangent inputs, linear outputs) of the gradient, split at the point."""
    g = gradient(recording, wrt, safe)
    given, tangents = tangent(g, wrt, g.outputs[1:])
    tangents = [t if t is not None else g.emit(_broadcast(), (0.0,), {"shape": g.inputs[k].shape})
                for t, k in zip(tangents, wrt, strict=True)]
    tangents = collapse(g, given, tangents)
    return g, g.outputs, split(g, given, tangents), given, tangents


def _broadcast():
    from .primitives.shape import BROADCAST
    return BROADCAST


def _build_linear(recording: Graph, wrt: range, safe: bool) -> Linearised:
    g, outputs, residuals, given, tangents = linear_parts(recording, wrt, safe)
    return Linearised(Program(g, g.inputs, (*outputs, *residuals)),
                      Program(g, (*given, *residuals), tangents, keep_guards=False), len(outputs))


_BUILD = {"value": _build_value, "gradient": _build_gradient, "linear": _build_linear}


class Entry:
    """What is known of one signature (structure, shapes, dtypes and static values of the arguments)."""

    def __init__(self) -> None:
        self.compiled: list[Compiled] = []
        self.pending: list[tuple[Recording, list]] = []
        self.eager = ""                  # why, once it is final
        self.recordings = 0


class Function:
    """f with derivatives; see `autodiff.compile`. Calls are thread-safe; results never alias anything kept."""

    def __init__(self, f: Callable, argnum: int = 0, eager: bool = False, kwargs: dict[str, Any] | None = None):
        if not callable(f):
            raise TypeError(f"autodiff: need a function, got {type(f).__name__} {f!r:.60}")
        self.f, self.argnum, self.kwargs = f, argnum, kwargs or {}
        self._always_eager = eager
        self._entries: dict = {}
        self._hot: tuple | None = None     # (shape, compiled) of the last single-array call
        self._last: Entry | None = None
        self.__wrapped__ = f
        self.__name__ = getattr(f, "__name__", type(f).__name__)
        self.__doc__ = getattr(f, "__doc__", None)

    # --- what callers use ----------------------------------------------------------------------------------------

    def __call__(self, *args):
        """The value of f, by generated code where trusted."""
        return self._run("value", args)

    def value_and_grad(self, *args):
        """(value, gradient): float, and arrays in the structure of argument `argnum`. f must return one number."""
        hot = self._hot
        if hot is not None and len(args) == 1 and type(x := args[0]) is np.ndarray and x.shape == hot[0] \
                and x.dtype is _F64 and hot[1].fresh():
            try:
                value, grad = hot[2](x)
            except GuardMiss:
                return self._run("gradient", args)
            if grad.dot(grad) >= 0.0:        # false on NaN, which the slow path looks into
                return value, grad
        return self._run("gradient", args)

    def grad(self, *args):
        """The gradient alone."""
        return self.value_and_grad(*args)[1]

    def linearize_grad(self, *args):
        """(value, gradient, hv): hv(v) is the Hessian at this point times v, paying only the linear part."""
        return self._run("linear", args)

    @property
    def report(self) -> Trust:
        entry = self._last
        if self._always_eager:
            return Trust("eager", "eager=True", entry.recordings if entry else 0)
        if entry is None:
            return Trust("recording", "not called yet", 0)
        if entry.eager:
            return Trust("eager", entry.eager, entry.recordings)
        if entry.compiled:
            return Trust("compiled", f"{len(entry.compiled)} path(s) recorded twice and agreeing", entry.recordings)
        return Trust("recording", "waiting for a second recording at another point", entry.recordings)

    # --- dispatch ------------------------------------------------------------------------------------------------

    def _run(self, kind: str, args: tuple):
        call = _Call(self, args)
        if any(type(leaf) is Tracer for leaf in call.leaves):
            return self._nested(kind, call)
        entry = self._entries.get(call.key)
        if entry is None:
            entry = self._entries[call.key] = Entry()
        self._last = entry
        for compiled in entry.compiled:
            if not compiled.fresh():
                self._entries[call.key] = entry = self._last = Entry()     # what f refers to has changed: start again
                self._hot = None
                break
            try:
                answer = _ANSWER[kind](call, compiled)
            except GuardMiss:
                continue
            self._remember(call, compiled)
            return answer
        recording = self._record(call)
        entry.recordings += 1
        if not (self._always_eager or entry.eager) and call.compilable:
            compiled = self._consider(entry, recording, call)
            if compiled is not None:
                return _ANSWER[kind](call, compiled)
        answer = _EAGER[kind](call, recording)
        recording.values = []
        return answer

    def _remember(self, call: _Call, compiled: Compiled) -> None:
        x = call.leaves[0]
        if len(call.leaves) == 1 == len(call.args) and call.structures[0] == pytree.LEAF and x.dtype == _F64 and x.ndim == 1:
            program = compiled._programs.get(("gradient", False))
            if program is not None:
                self._hot = (x.shape, compiled, program)

    def _record(self, call: _Call) -> Recording:
        return record(self.f, call.args, lambda number: number == self.argnum, self.kwargs)

    def _consider(self, entry: Entry, recording: Recording, call: _Call) -> Compiled | None:
        """Trust the recording if it agrees with an earlier one of the same path at another point."""
        if any(is_traced(n.inputs) for n in recording.nodes) or any(map(is_traced, [recording.outputs])):
            return None
        inputs = [np.array(leaf) for leaf in call.leaves]
        for earlier, seen in entry.pending:
            difference, branch = compare(earlier, recording)
            if difference and not branch:
                entry.eager, entry.pending = difference, []
                return None
            if not difference and not all(map(_equal, inputs, seen)):
                entry.pending.clear()
                return self._trust(entry, recording, call)
        if len(entry.pending) + len(entry.compiled) >= MAX_PATHS:
            entry.eager, entry.pending, entry.compiled = f"more than {MAX_PATHS} paths through its branches", [], []
            return None
        entry.pending.append((recording, inputs))
        return None

    def _trust(self, entry: Entry, recording: Recording, call: _Call) -> Compiled | None:
        plain = self._plain(call)
        if not _close(plain, recording.result):
            if _close(plain, self._plain(call)):
                raise TraceError(f"{self.__name__} returns {_show(recording.result)} on traced values and {_show(plain)} "
                                 "on plain arrays", "drop type checks (isinstance, type) on the argument")
            entry.eager = "two plain calls at one point differ: the function is random or keeps state"
            return None
        recording.values = []
        compiled = Compiled(recording, watch(self.f), call.wrt)
        entry.compiled.append(compiled)
        return compiled

    def _plain(self, call: _Call) -> list:
        leaves = [np.array(leaf) if np.ndim(leaf) else leaf[()] for leaf in call.leaves]
        return pytree.flatten(self.f(*call.rebuild(leaves), **self.kwargs))[0]

    def _nested(self, kind: str, call: _Call):
        """Inside another trace: record at the concrete point, derive, and evaluate on the outer tracers."""
        if kind == "value":
            return self.f(*call.args, **self.kwargs)
        recording = self._record(call)
        one_number(recording, self.__name__)
        if kind == "gradient":
            g = gradient(recording, call.wrt, safe=True)
            value, *grads = evaluate(g, dict(zip(g.inputs, call.leaves, strict=True)), g.outputs)
            return value, call.restore(grads)
        g, outputs, residuals, given, tangents = linear_parts(recording, call.wrt, True)
        return _interpreted(call, g, outputs, residuals, given, tangents)


_F64 = np.dtype(np.float64)


class _Call:
    """The arguments of one call, taken apart: which leaves are inputs, under which key the call is cached."""

    __slots__ = ("args", "leaves", "structures", "key", "wrt", "compilable", "argnum")

    def __init__(self, function: Function, args: tuple):
        self.args, self.argnum = args, function.argnum
        if not -len(args) <= self.argnum < len(args):
            raise TypeError(f"autodiff: argnum={self.argnum} but the call has {len(args)} arguments")
        self.leaves, self.structures, parts, self.compilable = [], [], [], True
        for number, arg in enumerate(args):
            leaves, structure = pytree.flatten(arg)
            start = len(self.leaves)
            for leaf in leaves:
                if number == self.argnum % len(args):
                    leaf = leaf if type(leaf) is Tracer else as_input(leaf)
                elif is_data(leaf):
                    leaf = leaf if type(leaf) is Tracer else concrete(leaf)
                else:
                    parts.append(self._static(leaf))
                    continue
                parts.append((leaf.shape, leaf.dtype))
                self.leaves.append(leaf)
            if number == self.argnum % len(args):
                self.wrt = range(start, len(self.leaves))
            self.structures.append(structure)
        self.key = (tuple(self.structures), tuple(parts))

    def _static(self, leaf):
        try:
            hash(leaf)
            return (type(leaf), leaf)
        except TypeError:
            return _Identity(leaf)

    def rebuild(self, leaves: list) -> list:
        """The arguments again, with these values for their input leaves."""
        values, out = iter(leaves), []
        for number, (arg, structure) in enumerate(zip(self.args, self.structures, strict=True)):
            old = pytree.flatten(arg)[0]
            mine = number == self.argnum % len(self.args)
            out.append(pytree.unflatten(structure, [next(values) if mine or is_data(leaf) else leaf for leaf in old]))
        return out

    def restore(self, grads: list):
        """Gradients in the structure of the differentiated argument."""
        return pytree.unflatten(self.structures[self.argnum], grads)


class _Identity:
    """Key of an unhashable static argument: the object itself, kept alive."""

    __slots__ = ("value",)

    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return isinstance(other, _Identity) and self.value is other.value

    def __hash__(self):
        return id(self.value)


# --- answers: compiled and eager, by kind -----------------------------------------------------------------------------


def one_number(recording: Recording, name: str) -> None:
    """A gradient needs one real number."""
    if recording.structure != pytree.LEAF:
        raise TypeError(f"{name} must return one number to have a gradient, got {len(recording.outputs)} values; "
                        "return a scalar, or use autodiff.jacobian")
    value = recording.result[0]
    if not isinstance(value, (int, float, np.ndarray, np.generic)) or np.asarray(value).dtype.kind not in "fiub":
        raise TypeError(f"{name} must return one real number to have a gradient, got {type(value).__name__} {value!r:.60}; "
                        "check its return statement")
    if np.ndim(value):
        raise TypeError(f"{name} must return one number to have a gradient, got an array of shape {np.shape(value)}; "
                        "reduce it (np.sum, np.mean), or use autodiff.jacobian")


def _has_nan(values) -> bool:
    return any(np.isnan(v).any() for v in values)


def _compiled_value(call: _Call, compiled: Compiled):
    out = compiled.program("value")(*call.leaves)
    if compiled.nested and _has_nan(out):
        out = compiled.program("value", True)(*call.leaves)
    return pytree.unflatten(compiled.recording.structure, out)


def _compiled_gradient(call: _Call, compiled: Compiled):
    one_number(compiled.recording, "the function")
    value, *grads = compiled.program("gradient")(*call.leaves)
    if (value == value or compiled.nested) and _has_nan((value, *grads)):       # 0 times an infinite derivative: again, with 0·∞ = 0
        value, *grads = compiled.program("gradient", True)(*call.leaves)
    return value, call.restore(grads)


def _compiled_linear(call: _Call, compiled: Compiled):
    one_number(compiled.recording, "the function")
    for safe in (False, True):
        prepare, apply, count = compiled.program("linear", safe)
        value, *rest = prepare(*call.leaves)
        grads, residuals = rest[:count - 1], rest[count - 1:]
        if safe or value != value and not compiled.nested or not _has_nan((value, *grads, *residuals)):
            break
    if call.structures[call.argnum] == pytree.LEAF:
        like = call.leaves[call.wrt[0]]

        def hv(v):
            return apply(direction(v, like), *residuals)[0]
    else:
        likes = [call.leaves[k] for k in call.wrt]

        def hv(v):
            parts = pytree.flatten(v)[0]
            return call.restore(apply(*map(direction, parts, likes), *residuals))
    return value, call.restore(grads), hv


def direction(v, like: np.ndarray):
    """A tangent in the shape of its input."""
    if type(v) is np.ndarray and v.dtype == like.dtype and v.shape == like.shape:
        return v
    v = v if type(v) is Tracer else np.asarray(v, dtype=like.dtype)
    if v.shape != like.shape:
        raise ValueError(f"direction: need the shape of the argument, {like.shape}, got {v.shape}")
    return v


def _eager_value(call: _Call, recording: Recording):
    return pytree.unflatten(recording.structure, [_owned(v) for v in recording.result])


def _owned(v):
    return float(v) if np.ndim(v) == 0 and np.asarray(v).dtype == _F64 else np.array(v)


def _eager_gradient(call: _Call, recording: Recording):
    one_number(recording, "the function")
    output, value = recording.outputs[0], recording.result[0]
    for safe in (False, True):
        scratch = Graph()
        scratch.safe = safe
        wrt = [recording.inputs[k] for k in call.wrt]
        cts: list = [None] * len(wrt)
        if type(output) is Node:
            values = recording.values
            cts = reverse(recording.nodes, wrt, [(output, 1.0)], lambda node: values[node.index], scratch)
        grads = [_filled(ct, x) for ct, x in zip(cts, wrt, strict=True)]
        if value != value or not _has_nan(grads):
            break
    return float(value), call.restore(grads)


def _filled(ct, x: Node):
    out = np.empty(x.shape, x.dtype)
    out[...] = 0.0 if ct is None else ct
    return out if x.shape else out[()]


def _eager_linear(call: _Call, recording: Recording):
    one_number(recording, "the function")
    parts = linear_parts(recording, call.wrt, False)
    answer = _interpreted(call, *parts)
    if answer[0] == answer[0] and _has_nan(pytree.flatten(answer[1])[0]):
        answer = _interpreted(call, *linear_parts(recording, call.wrt, True))
    return answer


def _interpreted(call: _Call, g: Graph, outputs, residuals: list, given: list, tangents: list):
    """The linearised gradient by the interpreter: for untrusted recordings and inside other traces."""
    done = evaluate(g, dict(zip(g.inputs, call.leaves, strict=True)), (*outputs, *residuals))
    value, *grads = done[:len(outputs)]
    known = dict(zip(residuals, done[len(outputs):], strict=True))

    def hv(v):
        parts = [v] if call.structures[call.argnum] == pytree.LEAF else pytree.flatten(v)[0]
        likes = [call.leaves[k] for k in call.wrt]
        moved = dict(zip(given, map(direction, parts, likes), strict=True))
        return call.restore([_own_array(t) for t in evaluate(g, {**known, **moved}, tangents, False)])

    traced = is_traced(call.leaves)
    return (value if traced else float(value)), call.restore([g if traced else _own_array(g) for g in grads]), hv


def _own_array(v):
    return v if type(v) is Tracer else np.array(v)[()] if np.ndim(v) == 0 else np.array(v)


_ANSWER = {"value": _compiled_value, "gradient": _compiled_gradient, "linear": _compiled_linear}
_EAGER = {"value": _eager_value, "gradient": _eager_gradient, "linear": _eager_linear}


# --- trust ------------------------------------------------------------------------------------------------------------


def compare(a: Recording, b: Recording) -> tuple[str, bool]:
    """(difference, whether it follows a branch taken differently) of two recordings; ("", False) where they agree."""
    for x, y in zip(a.nodes, b.nodes, strict=False):
        if x.prim is GUARD and y.prim is GUARD and x.params != y.params:
            return "different branches", True
        if x.prim is not y.prim or x.params != y.params or x.shape != y.shape or x.dtype != y.dtype \
                or len(x.inputs) != len(y.inputs):
            return f"two recordings differ: {x.prim} and {y.prim} at operation {x.index}", False
        for i, j in zip(x.inputs, y.inputs, strict=True):
            if not _same_operand(i, j):
                return f"two recordings differ in a constant of {x.prim} (randomness, or state that changes)", False
    if len(a.nodes) != len(b.nodes) or len(a.outputs) != len(b.outputs) or a.structure != b.structure:
        return "two recordings differ in length", False
    for i, j in zip(a.outputs, b.outputs, strict=True):
        if not _same_operand(i, j):
            return "two recordings differ in what they return", False
    return "", False


def _same_operand(i, j) -> bool:
    if type(i) is Node or type(j) is Node:
        return type(i) is type(j) and i.index == j.index
    return i is j or type(i) is type(j) and _equal(i, j)


def _equal(i, j) -> bool:
    if isinstance(i, (np.ndarray, np.generic, float, int)):
        return np.shape(i) == np.shape(j) and bool(np.array_equal(i, j, equal_nan=True))
    return bool(i is j)


def _close(a: list, b: list) -> bool:
    """Equal up to rounding."""
    try:
        return len(a) == len(b) and all(np.allclose(x, y, rtol=1e-10, atol=0.0, equal_nan=True) for x, y in zip(a, b, strict=True))
    except TypeError:
        return False


def _show(values: list) -> str:
    return ", ".join(f"{v!r:.40}" for v in values)

