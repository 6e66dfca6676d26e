"""Does one recording stand for the next run? Two recordings and a plain call are compared before code is generated."""

from __future__ import annotations

import threading
import types
import weakref
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import scipy.sparse

from .answers import Compiled, Derived
from .call import Call
from .checkpoint import CALL, every_node
from .contents import parts
from .graph import GUARD, Graph, Node
from .recording import NUMERIC, Recording
from .watch import Watch

_NUMBERS = (np.ndarray, np.generic, float, int, complex)
FEW_PATHS = 8              # recordings (branches taken) of a signature that are kept whatever their length
MAX_PATHS = 64             # that are kept where they have
MAX_OPERATIONS = 100_000   # operations in all; then the oldest are forgotten
KNOWN_OPERATIONS = 30_000  # in all of those whose derivatives are kept while no code is
WORTH = 20_000         # operations: code of so many more costs as much as another recorded call
PATIENCE = 200             # recordings after which a signature that finds its path less than half the time stays eager
ROUNDING = 1e4             # units in the last place of the largest number of a run that two evaluations may differ by


class Trust(NamedTuple):
    """How a function is being run: mode "recording", "compiled" or "eager", why, and from how many recordings."""

    mode: str
    reason: str
    recordings: int


class Memory:
    """What is known of a function f, by argnum and signature. It refers to f only weakly: f may own it."""

    def __init__(self, f: Callable | None) -> None:
        self.owner = weakref.ref(f) if isinstance(f, types.FunctionType) else lambda: None
        self.entries: dict[int, dict[tuple, Entry]] = {}
        self.lock = threading.RLock()

    def __reduce__(self):
        return Memory, (None,)               # a function sent to another process starts afresh there


def memory_of(f: Callable) -> Memory:
    """The memory that a plain function carries, so that differentiating it anew finds it warm; others start afresh."""
    if not isinstance(f, types.FunctionType):
        return Memory(f)
    known = f.__dict__.get(_ATTRIBUTE)
    if known is None or known.owner() is not f:           # functools.wraps copies it to other functions
        known = f.__dict__[_ATTRIBUTE] = Memory(f)
    return known


_ATTRIBUTE = "__autodiff__"
_KEEPS_STATE = {"call", "system"}       # parameters of rules of the user's, and of implicit functions


class Pending(NamedTuple):
    """A recording that waits for a second one of its path at another point."""

    recording: Recording
    inputs: list
    watch: Watch


class Entry:
    """What is known of one signature (structure, shapes, dtypes and static values of the arguments)."""

    def __init__(self) -> None:
        self.compiled: list[Compiled] = []         # the latest to answer first; lists are replaced, never changed
        self.pending: dict[tuple, Pending] = {}    # by path
        self.known: dict[tuple, Derived] = {}      # by path: what is derived from a recording, for runs alike
        self.differing = 0                         # recordings of a known path that were not the same
        self.eager = ""                            # why, once it is final
        self.recordings = self.hits = self.doubts = 0

    def report(self) -> Trust:
        if self.eager:
            return Trust("eager", self.eager, self.recordings)
        if self.compiled:
            return Trust("compiled", f"{len(self.compiled)} path(s) recorded twice and agreeing", self.recordings)
        return Trust("recording", "waiting for a second recording at another point", self.recordings)

    def stay_eager(self, why: str) -> None:
        self.eager, self.pending, self.compiled = why, {}, []

    def prefer(self, compiled: Compiled) -> None:
        """The next call is likely to take the branches of the last."""
        if compiled in self.compiled:
            self.compiled = [compiled, *[c for c in self.compiled if c is not compiled]]

    def trust(self, compiled: Compiled) -> None:
        self.pending.pop(path(compiled.recording))
        self.known.pop(path(compiled.recording), None)
        self.compiled = [compiled, *self.compiled]

    @property
    def varies(self) -> bool:
        """Whether runs differ in more than their input."""
        return self.differing > 2

    def derived(self, recording: Recording, wrt: range) -> Derived:
        """What is derived from a recording; where an earlier one was the same in all, from that one."""
        if self.varies or any(node.params.keys() & _KEEPS_STATE for node in every_node(recording.nodes)):
            return Derived(recording, wrt)
        taken = path(recording)
        mark = [held.mark for held in recording.held.values() if held.live]
        known = [c.derived for c in self.compiled if path(c.recording) == taken]
        known += [self.known[taken]] if taken in self.known else []
        for derived in known:
            if derived.marks == mark and compare(derived.recording, recording) == SAME:
                return derived
        self.differing += bool(known)
        self.known.pop(taken, None)
        made = self.known[taken] = Derived(recording, wrt)
        while len(self.known) > 1 and (len(self.known) > FEW_PATHS or sum(
                len(d.recording.nodes) for d in self.known.values()) > KNOWN_OPERATIONS):
            del self.known[next(iter(self.known))]
        return made

    def agreeing(self, recording: Recording, call: Call, watch: Watch, derived: Derived) -> Pending | None:
        """The earlier recording that this one confirms; otherwise this one waits, or the entry becomes eager."""
        why = doubt(watch)
        if why:
            self.doubts += 1                 # once is allowed: something computed at the first call and kept
            if self.doubts > 1:
                self.stay_eager(why)
        if why or self.eager or recording.failed:
            return None
        taken = path(recording)
        if any(path(c.recording) == taken and compare(c.recording, recording) == SAME for c in self.compiled):
            return None                      # a guard at the edge of rounding
        earlier = self.pending.get(taken)
        if earlier is None or earlier.watch.changed():
            self._wait(taken, Pending(recording, [np.array(leaf) for leaf in call.leaves], watch))
            return None
        difference = SAME if derived.recording is earlier.recording else compare(earlier.recording, recording)
        if difference:
            self.stay_eager(difference)
            return None
        early = self.recordings < 2 + len(recording.nodes) // WORTH
        return None if early or all(map(_equal, call.leaves, earlier.inputs)) else earlier

    def _wait(self, taken: tuple, pending: Pending) -> None:
        """Keep a recording of a new path; of too many, the oldest goes, and where few calls meet a known path, all."""
        if self.recordings > PATIENCE and self.hits < self.recordings:
            self.stay_eager(f"its branches take new paths at most calls: {self.recordings} recordings")
            return
        self.pending[taken] = pending
        kept = [c.recording for c in self.compiled] + [p.recording for p in self.pending.values()]
        while len(kept) > FEW_PATHS and (len(kept) > MAX_PATHS or sum(len(r.nodes) for r in kept) > MAX_OPERATIONS):
            if len(self.pending) > 1:
                kept.remove(self.pending.pop(next(iter(self.pending))).recording)
            else:
                kept.remove(self.compiled[-1].recording)
                self.compiled = self.compiled[:-1]


def path(recording: Recording) -> tuple:
    """The branches a recording took, by its guards in order."""
    if recording.path is None:
        recording.path = tuple([n.params["expected"].key for n in every_node(recording.nodes) if n.prim is GUARD])
    return recording.path


def doubt(watch: Watch) -> str:
    """Why a run cannot stand for others, judged by what it refers to; empty if it may."""
    if watch.too_much:
        return "it refers to too many things to watch"
    changed = watch.changed()
    return f"the function changes what it refers to: {changed}" if changed else ""


_EPS = float(np.finfo(float).eps)
SAME, BRANCH = "", "different branches"


def compare(a: Recording, b: Recording) -> str:
    """SAME where two recordings agree in structure and constants, BRANCH where they part at a guard, or the trouble."""
    return _compare(a, b) or (SAME if a.structure == b.structure else "two recordings differ in what they return")


def _compare(a: Graph, b: Graph) -> str:
    for x, y in zip(a.nodes, b.nodes, strict=False):
        if x.prim is GUARD and y.prim is GUARD and x.params != y.params:
            return BRANCH
        inside = x.prim is y.prim is CALL
        if inside and (difference := _compare(x.params["body"].graph, y.params["body"].graph)):
            return difference
        if (x.prim, x.shape, x.dtype, len(x.inputs)) != (y.prim, y.shape, y.dtype, len(y.inputs)) or (
                x.params != y.params and not inside):
            return f"two recordings differ: {x.prim} and {y.prim} at operation {x.index}"
        if not all(map(_same_operand, x.inputs, y.inputs)):
            return f"two recordings differ in a constant of {x.prim} (randomness, or state that changes)"
    if len(a.nodes) != len(b.nodes):
        return "two recordings differ in length"
    if not all(map(_same_operand, a.outputs, b.outputs)):
        return "two recordings differ in what they return"
    return SAME


def _same_operand(i, j) -> bool:
    if type(i) is Node or type(j) is Node:
        return type(i) is type(j) and i.index == j.index
    return i is j or type(i) is type(j) and _equal(i, j)


def _equal(i, j) -> bool:
    if isinstance(i, _NUMBERS):
        return np.shape(i) == np.shape(j) and bool(np.array_equal(i, j, equal_nan=True))
    if scipy.sparse.issparse(i):                            # A.T is a new object at every call
        return (i.shape, i.format) == (j.shape, j.format) and all(map(_equal, parts(i), parts(j)))
    return bool(i is j) or isinstance(i, (str, bytes)) and i == j


def close(a: list, b: list, recording: Recording) -> bool:
    """Whether two evaluations give the same results up to the rounding of the numbers that occur on the way."""
    return len(a) == len(b) and all(_near(x, y, recording) for x, y in zip(a, b, strict=True))


def _near(x, y, recording: Recording) -> bool:
    if not (isinstance(x, _NUMBERS) and isinstance(y, _NUMBERS)):
        return type(x) is type(y) and bool(x == y)
    x, y = np.asarray(x), np.asarray(y)
    if x.shape != y.shape or x.dtype.kind not in NUMERIC:
        return x.shape == y.shape and bool(np.all(x == y))
    if np.array_equal(x, y, equal_nan=True):
        return True
    with np.errstate(invalid="ignore", over="ignore"):
        if np.all(np.abs(x - y) <= ROUNDING * _EPS * np.abs(y)):
            return True
    nodes = list(every_node(recording.nodes))
    dtypes = {np.dtype(np.float64)} | {node.dtype for node in nodes if _is_float(node)}
    eps = max(np.finfo(dtype).eps for dtype in dtypes)
    inside = [node.params["body"].size for node in nodes if node.prim is CALL]
    values = (x, y, recording.largest, *inside, *recording.values)
    size = max((float(np.max(np.abs(v), initial=0.0)) for v in _finite(values)), default=0.0)
    return bool(np.allclose(x, y, rtol=ROUNDING * eps, atol=ROUNDING * eps * size, equal_nan=True))


def _is_float(node: Node) -> bool:
    return not isinstance(node.dtype, tuple) and node.dtype.kind in "fc"


def _finite(values) -> Iterator[np.ndarray]:
    for value in values:
        array = np.asarray(value) if not isinstance(value, tuple) else np.zeros(0)
        if array.dtype.kind in NUMERIC:
            yield np.abs(array[np.isfinite(array)]).astype(np.float64)


def show(values: list) -> str:
    return ", ".join(f"{float(v)!r}" if isinstance(v, np.floating) else f"{v!r:.40}" for v in values)
