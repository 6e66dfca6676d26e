"""The scoped patch: while a function is recorded, the NumPy creators (which no protocol reaches) make traced buffers.

Only the recording thread sees it, only from the user's code, and it is undone whatever f raises. Names that the user's
code bound early (`from scipy.special import logsumexp`) are swapped in the globals of the function for the same span.
"""

from __future__ import annotations

import dis
import functools
import itertools
import operator
import sys
import threading
import types
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .errors import ENGINE
from .primitive import FUNCTIONS, LATER
from .stand_ins import METHODS, ORIGINAL, REPLACEMENT, of_numpy, of_scipy, recordings
from .watch import SWAPPED, is_installed, reads, root

PATCHED_MODULES = ("scipy.special", "scipy.linalg", "scipy.sparse", "scipy.sparse.linalg", "scipy.fft", "scipy.signal",
                   "scipy.integrate", "scipy.stats")      # whose functions no protocol reaches
_TABLE = 64                          # entries of a list or dict that is searched for functions
_lock = threading.RLock()
_depth = 0                           # recordings under way in all threads
_swapped: list[tuple[Any, dict, dict]] = []         # (namespace, what it had, what it has got)


class _Attributes:
    """A class's attributes as a namespace."""

    def __init__(self, owner: type):
        self.owner = owner

    def get(self, name: str):
        return vars(self.owner).get(name)

    def update(self, values: dict) -> None:
        for name, value in values.items():
            setattr(self.owner, name, value)


_patches: list[tuple[Any, dict, dict]] = []          # (namespace, what it has, what it gets during a recording)
_REFLECTION = frozenset({"getattr", "vars", "__dict__", "attrgetter", "methodcaller"})     # names may be strings
_on_demand: dict[str, tuple[dict, dict]] = {}        # (namespace, what it has): swapped where f reads the name
_types: set[type] = set()
_known = -1                          # number of answers when the patches were made


def _make_patches() -> None:
    """The patches for all functions that have an answer by now."""
    global _known
    _adopt()
    if _known == len(FUNCTIONS):
        return
    _known = len(FUNCTIONS)
    _plans.clear()
    _patches[:] = [(vars(np), ORIGINAL | {"r_": np.r_, "c_": np.c_}, {})]
    for module in (np, np.linalg, np.fft):
        answered = {name: value for name, value in vars(module).items() if _has_answer(value) and name not in ORIGINAL}
        REPLACEMENT.update({value: of_numpy(value) for value in answered.values() if value not in REPLACEMENT})
        _on_demand[module.__name__] = (vars(module), answered)
    for module in filter(None, map(sys.modules.get, PATCHED_MODULES)):
        answered = {name: value for name, value in vars(module).items() if _is_answered(value)}
        REPLACEMENT.update({value: of_scipy(value) for value in answered.values() if value not in REPLACEMENT})
        _on_demand[module.__name__] = (vars(module), answered)
    for _, old, new in _patches:
        new.update({name: REPLACEMENT[value] for name, value in old.items()})
    _types.update(map(type, REPLACEMENT))
    SWAPPED.update((id(callee), callee) for pair in REPLACEMENT.items() for callee in pair)


def _adopt() -> None:
    """The answers for functions of modules that have been imported meanwhile."""
    for module in [name for name in LATER if name in sys.modules]:
        found = {getattr(sys.modules[module], name, None): answer for name, answer in LATER[module].items()}
        if None not in found:                    # (else the import is under way)
            FUNCTIONS.update(found)
            del LATER[module]


def _has_answer(value) -> bool:
    """Whether a function or class (no ufunc: those have a protocol) has an answer."""
    try:
        return value in FUNCTIONS and not isinstance(value, np.ufunc)
    except TypeError:                            # not hashable
        return False


def _is_answered(value) -> bool:
    return _has_answer(value) and value.__module__.startswith("scipy")


def everywhere(value: Any) -> Any:
    """What a NumPy or SciPy name stands for in the mirrors: it answers for traced values wherever it is bound."""
    _adopt()
    value = next((old for old, new in REPLACEMENT.items() if new is value), value)     # looked up during a recording
    if _is_answered(value) and value not in REPLACEMENT:
        REPLACEMENT[value] = of_scipy(value)
    try:
        new = REPLACEMENT.get(value, value)
    except TypeError:                            # not hashable
        return value
    return getattr(new, "anywhere", new)


MAX_PLANS = 512
_plans: dict[tuple, tuple[list, tuple]] = {}
_wide: weakref.WeakSet = weakref.WeakSet()           # code of functions that reach more than can be found from them


def _code_of(f: Any) -> types.CodeType | None:
    """The code of a function, a method, a partial or an object that is called."""
    if isinstance(f, functools.partial):
        return _code_of(f.func)
    for g in (f, getattr(f, "__func__", None), vars(type(f)).get("__call__")):
        if isinstance(g, types.FunctionType):
            return g.__code__
    return None


def widen(f: Callable) -> bool:
    """Swap every name from now on while f is recorded; False where that is so, or cannot be."""
    code = _code_of(f)
    if code is None or code in _wide:
        return False
    _wide.add(code)
    return True


def _install(f: Callable) -> None:
    if not _swapped:
        _make_patches()
        for namespace, old, new in _patches:
            _swapped.append((namespace, old, new))
            namespace.update(new)
    seen: set = set()
    for namespace, names in _namespaces(f, seen):
        for name in names:
            value = namespace.get(name)
            if type(value) in _types and value in REPLACEMENT:
                _swapped.append((namespace, {name: value}, {name: REPLACEMENT[value]}))
                namespace[name] = REPLACEMENT[value]
    swaps, methods, kept = _plan([g.__code__ for g in seen if isinstance(g, types.FunctionType)], _code_of(f) in _wide)
    for namespace, old, new in swaps:
        if not all(map(operator.is_, map(namespace.get, old), old.values())):          # some are swapped already
            old = {name: value for name, value in old.items() if namespace.get(name) is value}
            new = {name: new[name] for name in old}
        _swapped.append((namespace, old, new))
        namespace.update(new)
    for owner, name in methods:
        method = vars(owner)[name]
        if method in REPLACEMENT:               # (not swapped by another recording)
            _swapped.append((_Attributes(owner), {name: method}, {name: REPLACEMENT[method]}))
            setattr(owner, name, REPLACEMENT[method])
    for namespace, old, _ in _patches if kept else ():
        namespace.update({name: old[name] for name in kept & old.keys()})


def _plan(codes: list[types.CodeType], wide: bool) -> tuple[list, list, frozenset[str]]:
    """Of code: (namespace, what it has, what it gets) where it reads such names; methods; names that are compared."""
    key = (wide, *map(id, codes))
    if key not in _plans:
        kept = frozenset().union(*map(_compared, codes))
        wanted = frozenset().union(*[reads(code)[1] for code in codes])
        if wide or any(not _REFLECTION.isdisjoint((*reads(code)[0], *reads(code)[1])) for code in codes):
            wanted = wanted.union(METHODS, *[answered for _, answered in _on_demand.values()])
        wanted -= kept
        found = [(space, {name: had[name] for name in wanted & had.keys()}) for space, had in _on_demand.values()]
        swaps = [(space, old, {name: REPLACEMENT[v] for name, v in old.items()}) for space, old in found if old]
        methods = list(itertools.chain(*[METHODS[asked] for asked in wanted & METHODS.keys()]))
        if len(_plans) >= MAX_PLANS:
            _plans.clear()
        _plans[key] = (codes, (swaps, methods, kept))                 # (the codes are kept: ids stay theirs)
    return _plans[key][1]


@functools.lru_cache(maxsize=512)
def _compared(code: types.CodeType) -> frozenset[str]:
    """Attributes that are compared by identity (reducer is np.sum): they stay what they are."""
    steps = list(dis.get_instructions(code))
    found = {s.argval for k, step in enumerate(steps) if step.opname == "IS_OP" for s in steps[max(k - 3, 0):k]
             if s.opname in ("LOAD_ATTR", "LOAD_METHOD")}
    return frozenset(found.union(*[_compared(c) for c in code.co_consts if isinstance(c, types.CodeType)]))


def _restore() -> None:
    """Undo the swaps, except of what f itself has bound anew."""
    while _swapped:
        namespace, old, new = _swapped[-1]
        if all(map(operator.is_, map(namespace.get, new), new.values())):
            namespace.update(old)
        else:
            namespace.update({name: value for name, value in old.items() if namespace.get(name) is new[name]})
        _swapped.pop()


def _namespaces(f: Any, seen: set) -> Iterator[tuple[dict, Iterable[str]]]:
    """(globals, names read) of a function and of the user's functions and methods it reaches."""
    owner, f = getattr(f, "__self__", None), getattr(f, "__func__", f)
    if isinstance(f, functools.partial):
        for part in (f.func, *f.args, *f.keywords.values()):
            yield from _namespaces(part, seen)
        return
    if not isinstance(f, types.FunctionType):
        yield from _of_object(f, ("__call__",), seen)
        return
    if f in seen:
        return
    seen.add(f)
    names, attributes = reads(f.__code__)
    if root(f.__module__) not in ENGINE:
        yield f.__globals__, names
        for name in names:
            yield from _reached(f.__globals__.get(name), attributes, seen)
    for cell in f.__closure__ or ():
        try:
            yield from _reached(cell.cell_contents, attributes, seen)
        except ValueError:                       # not assigned yet
            continue
    yield from _of_object(owner, attributes, seen)


def _reached(value: Any, attributes: Iterable[str], seen: set) -> Iterator[tuple[dict, Iterable[str]]]:
    if isinstance(value, (types.FunctionType, types.MethodType, functools.partial)):
        yield from _namespaces(value, seen)
    elif isinstance(value, types.ModuleType):
        if not is_installed(value.__name__):
            for name in attributes:
                yield from _namespaces(vars(value).get(name), seen)
    elif isinstance(value, (list, tuple, dict)):           # a table of functions; longer ones hold data
        if len(value) <= _TABLE and id(value) not in seen:
            seen.add(id(value))
            for item in list(value.values() if isinstance(value, dict) else value):
                yield from _reached(item, attributes, seen)
    else:
        yield from _of_object(value, (*attributes, "__call__"), seen)


def _of_object(value: Any, attributes: Iterable[str], seen: set) -> Iterator[tuple[dict, Iterable[str]]]:
    """Through the methods of an object of the user's."""
    if not is_installed(type(value).__module__):
        for name in attributes:
            method = getattr(type(value), name, None)
            if isinstance(method, types.FunctionType):
                yield from _namespaces(method, seen)


@contextmanager
def patched(f: Callable, graph) -> Iterator[None]:
    """Make `graph` the current recording of this thread and install the creators for as long."""
    global _depth
    stack, entered = recordings(), False
    try:
        with _lock:
            _depth, entered = _depth + 1, True
            _install(f)
        stack.append(graph)
        yield
    finally:
        if stack and stack[-1] is graph:
            stack.pop()
        with _lock:
            _depth -= entered
            if _depth == 0:
                _restore()
