"""A function that differentiates itself: recorded, trusted, compiled; eager wherever trust is not earned.

The first call at a signature records and answers from the recording. The second, at another point, records again; if
both recordings agree (structure and constants) and a plain call agrees with the traced value, code is generated. From
then on each call checks that what the function refers to is unchanged (watch.py), and its branches (guards).
"""

from __future__ import annotations

from collections.abc import Callable
from math import isnan
from typing import Any

import numpy as np

from . import pytree
from .answers import TROUBLE, Compiled, Derived, nested, of_run, one_number
from .call import Call
from .compile import Program
from .errors import GuardMiss, TraceError, defined_at
from .graph import Node, dependents
from .primitive import is_traced
from .recording import Recording, record
from .trust import Entry, Memory, Trust, close, memory_of, show
from .watch import Watch

MAX_SIGNATURES = 64      # of one function; the oldest is forgotten
_ARRAY, _F64 = np.ndarray, np.dtype(np.float64)
_GIVES_UP = (GuardMiss, *TROUBLE)       # what makes generated code give up: a branch not recorded, or trouble


class Function:
    """f with derivatives; see `autodiff.compile`. Calls are thread-safe; results never alias anything kept.

    same_bits : a recording answers with the arithmetic of generated code, so that what it gives does not depend on the
    calls before; False answers from the values of the run, in half the time.
    """

    def __init__(self, f: Callable, argnum: int = 0, eager: bool = False, kwargs: dict[str, Any] | None = None,
                 same_bits: bool = True):
        if not callable(f):
            raise TypeError(f"autodiff: need a function, got {type(f).__name__} {f!r:.60}")
        self.f, self.argnum, self.kwargs = f, argnum, kwargs or {}
        self._always_eager, self._same_bits = eager, same_bits
        self._memory = Memory(f) if eager or kwargs else memory_of(f)
        self._entries = self._memory.entries.setdefault(argnum, {})
        self._hot: tuple[tuple, Callable, Program] | None = None      # (shape, fresh, program) of the last f(array)
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
        if hot is not None and len(args) == 1:
            x, (shape, fresh, program) = args[0], hot
            if type(x) is _ARRAY and x.shape == shape and x.dtype is _F64 and fresh():
                try:
                    value, grad = program(x)
                except _GIVES_UP:
                    return self._run("gradient", args)
                flat = grad if grad.ndim == 1 else grad.reshape(-1)
                if not isnan(value + flat.dot(flat)):      # NaN is for the slow path to look into
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
        """How the last call's signature is run, and why."""
        entry = self._last
        if self._always_eager:
            return Trust("eager", "eager=True", entry.recordings if entry else 0)
        return entry.report() if entry else Trust("recording", "not called yet", 0)

    # --- dispatch ------------------------------------------------------------------------------------------------

    def _run(self, kind: str, args: tuple):
        call = Call(args, self.argnum)
        if call.traced:
            return self._nested(kind, call)
        entry = self._last = self._entries.get(call.key) or self._new_entry(call.key)
        waiting = entry.compiled
        while waiting:
            compiled = waiting[0]
            if not compiled.fresh():
                entry = self._last = self._new_entry(call.key)
                break
            try:
                answer = compiled.answer(kind, call, self.f)
            except GuardMiss as miss:
                waiting = compiled.others(waiting, miss)
                continue
            except _GIVES_UP:
                waiting = waiting[1:]
                continue
            entry.hits += 1
            if entry.compiled[0] is not compiled:
                with self._memory.lock:
                    entry.prefer(compiled)
            if kind == "gradient" and call.single and type(answer[1]) is np.ndarray and answer[1].ndim:
                self._hot = (answer[1].shape, compiled.fresh, compiled.program(kind))
            return answer
        return self._record(kind, call, entry)

    def _new_entry(self, key: tuple) -> Entry:
        with self._memory.lock:
            self._hot = None
            self._entries.pop(key, None)
            while len(self._entries) >= MAX_SIGNATURES:
                del self._entries[next(iter(self._entries))]
            entry = self._entries[key] = Entry()
            return entry

    def _record(self, kind: str, call: Call, entry: Entry):
        """Answer from a recording of this run, and earn trust with it."""
        watch = None if self._always_eager or entry.eager else Watch(self.f, call.objects)
        varies = entry.varies or not self._same_bits
        recording = self._trace(call, varies and kind == "gradient")
        entry.recordings += 1
        if recording.holds_outer or is_traced(recording.outputs):      # f closes over values of an enclosing trace
            return self._nested(kind, call)
        answer = None
        with self._memory.lock:
            derived = entry.derived(recording, call.wrt) if self._same_bits else Derived(recording, call.wrt)
            if watch is not None:
                answer = self._consider(kind, call, entry, recording, watch, derived)
        if answer is None:
            answer = self._eager(kind, call, recording, derived, varies)
            if entry.recordings == 1 and kind != "value" and not self._depends(call, recording):
                self._agrees_with_plain(call, entry, recording)      # a zero gradient, unless f looks at types
        recording.values = []
        return answer

    def _eager(self, kind: str, call: Call, recording: Recording, derived: Derived, varies: bool):
        """The answer from this run's graph; by the values of the run where f handles trouble (try, np.errstate), and
        where runs differ, so that each would need a graph of its own."""
        if varies and kind != "linear":
            return of_run(kind, call, recording, self.f)
        try:
            answer = derived.answer(kind, call, self.f)
        except TROUBLE:
            if kind == "linear":
                raise
        else:
            found = pytree.flatten(answer if kind == "value" else answer[0])[0]
            if kind == "linear" or close(found, recording.result, recording):
                return answer if kind == "value" else (answer[0], _with_shapes(answer[1]), *answer[2:])
        return of_run(kind, call, recording if kind == "value" else self._trace(call, True), self.f)

    @staticmethod
    def _depends(call: Call, recording: Recording) -> bool:
        moved = dependents(recording.nodes, [recording.inputs[k] for k in call.wrt])
        return any(type(o) is Node and o in moved for o in recording.outputs)

    def _trace(self, call: Call, keep: bool) -> Recording:
        return record(self.f, call.args, lambda number: number == call.argnum, self.kwargs, keep)

    def _consider(self, kind: str, call: Call, entry: Entry, recording: Recording, watch: Watch, derived: Derived):
        """The answer by generated code, if the recording agrees with an earlier one, a plain call and its own code."""
        earlier = entry.agreeing(recording, call, watch, derived)
        if earlier is None or not self._agrees_with_plain(call, entry, recording):
            return None
        for array in recording.shared_arrays(earlier.recording):
            watch.add_array(array, "an array it refers to")
        compiled = Compiled(derived, watch.check(recording.work()))
        recording.forget()
        try:
            answer = compiled.answer(kind, call, self.f)
        except _GIVES_UP:
            return None                      # a guard at the edge of rounding, or trouble that f handles
        replayed = pytree.flatten(answer if kind == "value" else answer[0])[0]
        if not close(replayed, recording.result, recording):
            entry.stay_eager(f"generated code gives {show(replayed)} where the function gives {show(recording.result)}")
            return None
        recording.held = derived.recording.held = {}
        entry.trust(compiled)
        return answer

    def _agrees_with_plain(self, call: Call, entry: Entry, recording: Recording) -> bool:
        plain = self._plain(call)
        if close(plain, recording.result, recording):
            return True
        if close(plain, self._plain(call), recording):
            raise TraceError(
                f"{self.__name__} returns {show(recording.result)} on traced values and {show(plain)} on plain arrays"
                f"{defined_at(self.f)}", "drop type checks (isinstance, type) on the argument, and what looks past "
                "arrays at their memory (as_strided, buffers)")
        entry.stay_eager("two plain calls at one point differ: the function is random or keeps state")
        return False

    def _plain(self, call: Call) -> list:
        return pytree.flatten(self.f(*call.plain(), **self.kwargs))[0]

    def _nested(self, kind: str, call: Call):
        """Inside another trace."""
        if kind == "value":
            return self.f(*call.args, **self.kwargs)
        recording = self._trace(call, False)
        one_number(recording, self.f)
        return nested(kind, call, recording)


def _with_shapes(grads):
    """Numbers as NumPy's."""
    leaves, structure = pytree.flatten(grads)
    return pytree.unflatten(structure, [np.float64(g) if type(g) is float else g for g in leaves])
