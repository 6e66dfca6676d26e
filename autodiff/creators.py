"""The scoped patch: while a function is recorded, the NumPy creators (which no protocol reaches) make traced buffers.

Only the recording thread sees it, only from the user's code, and it is undone whatever f raises. Names that the user's
code bound early (`from scipy.special import logsumexp`) are swapped in the globals of the function for the same span.
"""

from __future__ import annotations

import functools
import sys
import threading
import types
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import scipy.special

from .callsite import makes_call
from .errors import TraceError, is_library
from .primitive import FUNCTIONS, Tracer
from .watch import ENGINE, SWAPPED, is_installed, reads, root

_ORIGINAL = {name: getattr(np, name) for name in (
    "array", "asarray", "asanyarray", "ascontiguousarray", "copy", "zeros", "empty", "ones", "full", "eye", "identity",
    "zeros_like", "empty_like", "ones_like", "full_like")}
_KEEPING = ("asarray", "asanyarray", "ascontiguousarray")                    # arrays pass through as they are
_VALUE_AT = {"full": 1, "zeros": None, "empty": None, "ones": None, "eye": None, "identity": None}   # else argument 0
_SPECIAL = {name: getattr(scipy.special, name) for name in ("logsumexp", "softmax", "log_softmax")}
_TABLE = 64                          # entries of a list or dict that is searched for functions
_active = threading.local()          # .graphs: the stack of recordings of this thread
_lock = threading.RLock()
_depth = 0                           # recordings under way in all threads
_swapped: list[tuple[dict, dict, dict]] = []         # (namespace, what it had, what it has got)


def _stack() -> list:
    if not hasattr(_active, "graphs"):
        _active.graphs = []
    return _active.graphs


def recordings() -> list:
    """The recordings under way in this thread, the innermost last."""
    return _stack()


def _holds_tracer(value) -> bool:
    if type(value) is Tracer:
        return True
    return isinstance(value, (list, tuple)) and any(map(_holds_tracer, value))


def _creator(name: str, original: Callable) -> Callable:
    position, maker = _VALUE_AT.get(name, 0), _ORIGINAL[name.replace("empty", "zeros")]   # chance content never agrees

    @functools.wraps(original)
    def create(*args, **kwargs):
        stack = _stack()
        if not stack or is_library(frame := sys._getframe(1)) or not makes_call(frame, name, create):
            return original(*args, **kwargs)
        if position is not None and any(map(_holds_tracer, (*args[position:position + 1], kwargs.get("fill_value")))):
            return FUNCTIONS[original](*args, **kwargs)
        made = maker(*args, **kwargs)
        return made if name in _KEEPING or made.dtype.kind != "f" else stack[-1].constant(made)
    return create


def _function(original: Callable) -> Callable:
    @functools.wraps(original)
    def call(*args, **kwargs):
        if _stack() and any(map(_holds_tracer, (*args, *kwargs.values()))):
            return FUNCTIONS[original](*args, **kwargs)
        return original(*args, **kwargs)
    return call


class _Joiner:
    """np.r_ and np.c_ for traced parts: joined along the first axis, or as columns."""

    def __init__(self, original, columns: bool):
        self._original, self._columns = original, columns

    def __getitem__(self, key):
        parts, array = key if isinstance(key, tuple) else (key,), _ORIGINAL["array"]
        if not _stack() or not any(map(_holds_tracer, parts)):
            return self._original[key]
        if any(isinstance(part, str) for part in parts):
            raise TraceError("np.r_ or np.c_ with a string and a traced value", "use np.concatenate or np.stack")
        parts = [FUNCTIONS[array](part, ndmin=1) if _holds_tracer(part) else
                 self._original[part] if isinstance(part, slice) else array(part, ndmin=1) for part in parts]
        if self._columns:
            parts = [part.reshape(-1, 1) if part.ndim == 1 else part for part in parts]
        return np.concatenate(parts, -1 if self._columns else 0)

    def __getattr__(self, name):
        return getattr(self._original, name)


_REPLACEMENT = {original: _creator(name, original) for name, original in _ORIGINAL.items()}
_REPLACEMENT |= {original: _function(original) for original in _SPECIAL.values()}
_REPLACEMENT |= {np.r_: _Joiner(np.r_, False), np.c_: _Joiner(np.c_, True)}
_PATCHES = [(vars(np), _ORIGINAL | {"r_": np.r_, "c_": np.c_}), (vars(scipy.special), _SPECIAL)]
_PATCHES = [(namespace, old, {name: _REPLACEMENT[value] for name, value in old.items()}) for namespace, old in _PATCHES]
_TYPES = {type(original) for original in _REPLACEMENT}
SWAPPED.update((id(callee), callee) for pair in _REPLACEMENT.items() for callee in pair)


def _install(f: Callable) -> None:
    if not _swapped:
        for namespace, old, new in _PATCHES:
            _swapped.append((namespace, old, new))
            namespace.update(new)
    for namespace, names in _namespaces(f, set()):
        for name in names:
            value = namespace.get(name)
            if type(value) in _TYPES and value in _REPLACEMENT:
                _swapped.append((namespace, {name: value}, {name: _REPLACEMENT[value]}))
                namespace[name] = _REPLACEMENT[value]


def _restore() -> None:
    """Undo the swaps, except of what f itself has bound anew."""
    while _swapped:
        namespace, old, new = _swapped[-1]
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
    stack, entered = _stack(), False
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
