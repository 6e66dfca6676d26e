"""The scoped patch: while a function is recorded, the NumPy creators (which no protocol reaches) make traced buffers.

Only the recording thread sees it, only from the user's code, and it is undone whatever f raises. Names that the user's
code bound early (`from scipy.special import logsumexp`) are swapped in the globals of the function for the same span.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import scipy.special

from .errors import is_library
from .primitive import FUNCTIONS, Tracer

_ORIGINAL = {name: getattr(np, name) for name in (
    "array", "asarray", "asanyarray", "ascontiguousarray", "zeros", "empty", "ones", "full",
    "zeros_like", "empty_like", "ones_like", "full_like")}
_SPECIAL = {name: getattr(scipy.special, name) for name in ("logsumexp", "softmax", "log_softmax")}
_active = threading.local()          # .graphs: the stack of recordings of this thread
_lock = threading.RLock()
_depth = 0                           # recordings under way in all threads
_swapped: list[tuple[dict, str, object, object]] = []


def _stack() -> list:
    if not hasattr(_active, "graphs"):
        _active.graphs = []
    return _active.graphs


def _holds_tracer(value) -> bool:
    if type(value) is Tracer:
        return True
    return isinstance(value, (list, tuple)) and any(map(_holds_tracer, value))


def _creator(name: str, original: Callable) -> Callable:
    keeps = name in ("asarray", "asanyarray", "ascontiguousarray")

    @functools.wraps(original)
    def create(*args, **kwargs):
        stack = _stack()
        if not stack or is_library(sys._getframe(1)):
            return original(*args, **kwargs)
        if args and _holds_tracer(args[0]) or _holds_tracer(kwargs.get("fill_value")) or (
                name == "full" and len(args) > 1 and _holds_tracer(args[1])):
            return FUNCTIONS[original](*args, **kwargs)
        made = original(*args, **kwargs)
        return made if keeps or made.dtype.kind != "f" else stack[-1].constant(made)
    return create


def _function(original: Callable) -> Callable:
    @functools.wraps(original)
    def call(*args, **kwargs):
        if _stack() and any(map(_holds_tracer, (*args, *kwargs.values()))):
            return FUNCTIONS[original](*args, **kwargs)
        return original(*args, **kwargs)
    return call


_REPLACEMENT = {original: _creator(name, original) for name, original in _ORIGINAL.items()}
_REPLACEMENT |= {original: _function(original) for original in _SPECIAL.values()}


def _swap(namespace: dict, name: str, new: object) -> None:
    _swapped.append((namespace, name, namespace[name], new))
    namespace[name] = new


def _install(f: Callable) -> None:
    if not _swapped:
        for name, original in _ORIGINAL.items():
            _swap(vars(np), name, _REPLACEMENT[original])
        for name, original in _SPECIAL.items():
            _swap(vars(scipy.special), name, _REPLACEMENT[original])
    for namespace, names in namespaces(f):
        for name in names:
            value = namespace.get(name)
            if callable(value) and type(value).__name__ in _BOUND_EARLY and value in _REPLACEMENT:
                _swap(namespace, name, _REPLACEMENT[value])


_BOUND_EARLY = {type(original).__name__ for original in _REPLACEMENT}


def namespaces(f: Callable, seen: set | None = None) -> Iterator[tuple[dict, tuple[str, ...]]]:
    """(globals, names used) of a function and of the user's functions it names or closes over."""
    seen = set() if seen is None else seen
    f = getattr(f, "__func__", f)
    code = getattr(f, "__code__", None)
    if code is None:
        for part in (getattr(f, "func", None), *getattr(f, "args", ()), getattr(type(f), "__call__", None)):
            if hasattr(part, "__code__"):
                yield from namespaces(part, seen)
        return
    if code in seen:
        return
    seen.add(code)
    names = code.co_names
    yield f.__globals__, names
    inner = [f.__globals__.get(name) for name in names]
    for cell in f.__closure__ or ():
        try:
            inner.append(cell.cell_contents)
        except ValueError:
            continue
    for value in inner:
        target = getattr(value, "__func__", value)
        if hasattr(target, "__code__") and not is_library_function(target):
            yield from namespaces(target, seen)
    for constant in code.co_consts:
        if hasattr(constant, "co_names"):
            yield f.__globals__, constant.co_names


def is_library_function(f) -> bool:
    return (f.__module__ or "").partition(".")[0] in ("autodiff", "numpy", "scipy")


@contextmanager
def patched(f: Callable, graph) -> Iterator[None]:
    """Make `graph` the current recording of this thread and install the creators for as long."""
    global _depth
    stack = _stack()
    with _lock:
        _depth += 1
        _install(f)
    stack.append(graph)
    try:
        yield
    finally:
        stack.pop()
        with _lock:
            _depth -= 1
            if _depth == 0:
                while _swapped:
                    namespace, name, old, new = _swapped.pop()
                    if namespace.get(name) is new:
                        namespace[name] = old
