"""Value, gradient and linearised gradient of a call: by code generated from a recording, by the recording itself, or
inside another trace."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any, ClassVar, NamedTuple

import numpy as np

from . import pytree
from .call import Call
from .checkpoint import every_node
from .compile import Program
from .derive import collapse, gradient, primal, split, tangent
from .errors import GuardMiss, defined_at
from .graph import Graph, Node, Static
from .interpreters import evaluate, reverse
from .primitive import Tracer
from .primitives.elementwise import SCALE
from .primitives.shape import BROADCAST
from .recording import Recording
from .replay import Replay

_F64 = np.dtype(np.float64)
_ARRAYS = (np.ndarray, np.floating)
_NUMBERS = (int, float, np.ndarray, np.generic)


def one_number(recording: Recording, f: Callable) -> None:
    """A gradient needs one real number."""
    value: Any = recording.result[0] if recording.structure == pytree.LEAF else None
    if isinstance(value, _NUMBERS) and np.ndim(value) == 0 and np.asarray(value).dtype.kind in "fiub":
        return
    got, remedy = f"{type(value).__name__} {value!r:.60}", "return a real number"
    if recording.structure != pytree.LEAF:
        got = f"a {recording.structure[0].__name__} of {len(recording.result)} values"
        remedy = "return the objective alone, or differentiate lambda x: f(x)[0]"
    elif value is None:
        got, remedy = "None", "end it with a return statement"
    elif isinstance(value, np.ndarray) and value.ndim:
        got = f"an array of shape {value.shape}"
        remedy = "reduce it (np.sum, np.mean; x[0] of one entry), or use autodiff.jacobian"
    elif np.asarray(value).dtype.kind == "c":
        remedy = "return a real number (np.real, np.abs), or use autodiff.grad(f, holomorphic=True)"
    name = getattr(f, "__name__", type(f).__name__)
    raise TypeError(f"{name} must return one real number to have a gradient, got {got}{defined_at(f)}\n"
                    f"  Instead: {remedy}")


def _has_nan(values) -> bool:
    return any(v != v if isinstance(v, float) else isinstance(v, _ARRAYS) and np.isnan(v).any() for v in values)


def _finite(values) -> bool:
    return all(isfinite(v) if isinstance(v, float) else np.isfinite(v).all()
               for v in values if isinstance(v, (float, *_ARRAYS)))


# --- what is derived from a recording ---------------------------------------------------------------------------------


class Linearised(NamedTuple):
    """(value, gradient, residuals) at a point; the Hessian's action from the residuals; how many outputs come first."""

    prepare: Any
    apply: Any
    outputs: int


class Derived:
    """One recording and the graphs derived from it on demand, run operation by operation.

    Code that is generated from them does the same arithmetic: what answers a call does not show in the bits.
    """

    make: ClassVar[Callable] = Replay

    def __init__(self, recording: Recording, wrt: range):
        self.recording, self.wrt = recording, wrt
        self.nested = any(node.prim is SCALE for node in every_node(recording.nodes))     # f takes derivatives itself
        self.marks = [held.mark for held in recording.held.values() if held.live]
        self._graphs: dict = {}
        self._programs: dict = {}

    def program(self, kind: str, safe: bool = False) -> Any:
        made: Any = self._programs.get((kind, safe))
        if made is None:
            graphs = self._graphs.get((kind, safe))
            if graphs is None:
                graphs = self._graphs[kind, safe] = _GRAPHS[kind](self.recording, self.wrt, safe)
                graphs[0].table = {}                     # nothing more is appended
            made = self._programs[kind, safe] = _ASSEMBLE[kind](self.make, *graphs)
        return made

    def answer(self, kind: str, call: Call, f: Callable):
        """Raises what operations raise: a failed factorisation, floating-point trouble where NumPy is to raise."""
        if kind != "value" and not self._programs.keys() & _SCALAR:
            one_number(self.recording, f)
        return _ANSWER[kind](call, self)


class Compiled(Derived):
    """One trusted recording, the test that it still stands, and the programs generated from it on demand."""

    make = Program

    def __init__(self, derived: Derived, fresh: Callable[[], bool]):
        vars(self).update(vars(derived))
        self.derived, self.fresh = derived, fresh
        self._programs = {}
        self.guards: list[Static] = []
        self.path: tuple = ()

    def program(self, kind: str, safe: bool = False) -> Any:
        made = super().program(kind, safe)
        if not self.guards:
            self.guards = (made.prepare if kind == "linear" else made).guards       # (the same for each kind)
            self.path = tuple([expected.key for expected in self.guards])
        return made

    def others(self, waiting: list[Compiled], miss: GuardMiss) -> list[Compiled]:
        """Of the recordings that may still answer, those that go as this one up to the guard that missed, and there as
        the run does: a walk down the tree of branches. The longest first: it tells most."""
        rest, k = [c for c in waiting if c is not self], miss.number
        if k is None:
            return rest
        fit = [c for c in rest if len(c.path) > k and c.path[:k] == self.path[:k]
               and np.array_equal(c.guards[k].value, miss.value)]
        return sorted(fit, key=lambda c: -len(c.path))


def _graph_of_value(recording: Recording, wrt: range, safe: bool) -> tuple:
    return (primal(recording, safe),)


def _graph_of_gradient(recording: Recording, wrt: range, safe: bool) -> tuple:
    return (gradient(recording, wrt, safe),)


def _assembled(make: Callable, g: Graph):
    return make(g, g.inputs, g.outputs)


def _linearised(make: Callable, g: Graph, residuals: list, given: list, tangents: list) -> Linearised:
    return Linearised(make(g, g.inputs, (*g.outputs, *residuals)),
                      make(g, (*given, *residuals), tangents, keep_guards=False), len(g.outputs))


def linear_parts(recording: Recording, wrt: range, safe: bool) -> tuple[Graph, list, list, list]:
    """(graph of value and gradient, residuals, tangent inputs, linear outputs): the gradient, split at the point."""
    g = gradient(recording, wrt, safe)
    given, tangents = tangent(g, wrt, g.outputs[1:])
    tangents = [t if t is not None else g.emit(BROADCAST, (0.0,), {"shape": g.inputs[k].shape})
                for t, k in zip(tangents, wrt, strict=True)]
    tangents = collapse(g, given, tangents)
    return g, split(g, given, tangents), given, tangents


def _value(call: Call, derived: Derived):
    out = derived.program("value")(*call.leaves)
    if derived.nested and _has_nan(out):
        out = derived.program("value", True)(*call.leaves)
    return pytree.unflatten(derived.recording.structure, out)


def _gradient(call: Call, derived: Derived):
    value, *grads = derived.program("gradient")(*call.leaves)
    if (value == value or derived.nested) and _has_nan((value, *grads)):    # 0 · ∞ = 0: again, with that product
        value, *grads = derived.program("gradient", True)(*call.leaves)
    return value, call.restore(grads)


def _linear(call: Call, derived: Derived):
    for safe in (False, True):
        prepare, apply, count = derived.program("linear", safe)
        value, *rest = prepare(*call.leaves)
        if safe or value != value and not derived.nested or _finite((value, *rest)):     # (∞ kept for hv would meet 0)
            break
    grads, residuals = rest[:count - 1], rest[count - 1:]
    if call.structures[call.argnum] != pytree.LEAF:
        return value, call.restore(grads), lambda v: call.restore(apply.anywhere(*call.directions(v), *residuals))
    like = call.leaves[call.wrt[0]]
    shape, dtype = like.shape, like.dtype

    def hv(v):
        if not (type(v) is np.ndarray and v.shape == shape and (v.dtype is dtype or v.dtype == dtype)):
            return apply.anywhere(*call.directions(v), *residuals)[0]
        return apply(v, *residuals)[0]
    return value, call.restore(grads), hv


# --- from the values of one recording ---------------------------------------------------------------------------------


def _owned(v):
    """A result that aliases nothing: 0-d float64 as float, arrays as copies, other objects as they are."""
    if not isinstance(v, (np.ndarray, np.generic)):
        return v
    return float(v) if v.ndim == 0 and v.dtype == _F64 else np.array(v)[()] if v.ndim == 0 else np.array(v)


def _gradient_of_run(call: Call, recording: Recording):
    output, value = recording.outputs[0], recording.result[0]
    wrt = [recording.inputs[k] for k in call.wrt]
    for safe in (False, True):
        scratch = Graph()
        scratch.safe = safe
        cts: list = [None] * len(wrt)
        if type(output) is Node:
            cts = reverse(recording.nodes, wrt, [(output, 1.0)], recording.value_of, scratch)
        grads = [_filled(ct, x) for ct, x in zip(cts, wrt, strict=True)]
        if value != value or not _has_nan(grads):
            break
    return float(value), call.restore(grads)


def _filled(ct, x: Node):
    out = np.empty(x.shape, x.dtype)
    out[...] = 0.0 if ct is None else ct
    return out if x.shape else out[()]


def _interpreted(call: Call, g: Graph, residuals: list, given: list, tangents: list):
    """(value, gradients, hv) by the interpreter, on the tracers of an enclosing trace."""
    known = dict(zip(g.inputs, call.leaves, strict=True))
    done = evaluate(g, known, (*g.outputs, *residuals))
    value, *grads = done[:len(g.outputs)]
    fixed = dict(zip(residuals, done[len(g.outputs):], strict=True))

    def hv(v):
        moved = dict(zip(given, call.directions(v), strict=True))
        parts = evaluate(g, fixed | moved, tangents, False)
        return call.restore([t if type(t) is Tracer else np.array(t)[()] for t in parts])
    return value, grads, hv


def nested(kind: str, call: Call, recording: Recording):
    """Inside another trace: derive from a recording at the concrete point, and evaluate on the outer tracers."""
    if kind == "gradient":
        g = gradient(recording, call.wrt, safe=True)
        value, *grads = evaluate(g, dict(zip(g.inputs, call.leaves, strict=True)), g.outputs)
        return value, call.restore(grads)
    value, grads, hv = _interpreted(call, *linear_parts(recording, call.wrt, True))
    return value, call.restore(grads), hv


_SCALAR = {("gradient", False), ("linear", False)}       # programs that exist only for functions of one number
# What f may handle itself (try, np.errstate), so that it has an answer where the graph of its run has none.
TROUBLE = (ArithmeticError, np.linalg.LinAlgError, RuntimeWarning)
_GRAPHS: dict[str, Callable] = {"value": _graph_of_value, "gradient": _graph_of_gradient, "linear": linear_parts}
_ASSEMBLE: dict[str, Callable] = {"value": _assembled, "gradient": _assembled, "linear": _linearised}
_ANSWER = {"value": _value, "gradient": _gradient, "linear": _linear}


def of_run(kind: str, call: Call, recording: Recording, f: Callable):
    """The value or gradient from the values of a recording, by NumPy's operations one after the other."""
    if kind == "gradient":
        one_number(recording, f)
        return _gradient_of_run(call, recording)
    return pytree.unflatten(recording.structure, [_owned(v) for v in recording.result])
