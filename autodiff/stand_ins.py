"""What NumPy's and SciPy's names stand for while a function is recorded; creators.py puts it in place.

Creators that make traced buffers, and functions and classes that answer for traced values where no protocol reaches.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import numpy as np
import scipy.sparse

from .callsite import makes_call
from .errors import TraceError, is_library
from .primitive import CARRIERS, FUNCTIONS, Tracer

ORIGINAL = {name: getattr(np, name) for name in (
    "array", "asarray", "asanyarray", "ascontiguousarray", "copy", "zeros", "empty", "ones", "full", "eye", "identity",
    "zeros_like", "empty_like", "ones_like", "full_like")}
_KEEPING = ("asarray", "asanyarray", "ascontiguousarray")                    # arrays pass through as they are
# SciPy's modules and functions in which array code is NumPy's: they are recorded as the user's code is. Elsewhere SciPy
# hands arrays to compiled code, or (scipy.sparse) goes by whether they are plain.
_ALL_NUMPY = frozenset({"scipy.integrate._quadrature", *[f"scipy.optimize._optimize.{name}" for name in (
    "rosen", "rosen_der", "rosen_hess_prod")]})
_VALUE_AT = {"full": 1, "zeros": None, "empty": None, "ones": None, "eye": None, "identity": None}   # else argument 0
_active = threading.local()          # .graphs: the stack of recordings of this thread


def recordings() -> list:
    """The recordings under way in this thread, the innermost last."""
    if not hasattr(_active, "graphs"):
        _active.graphs = []
    return _active.graphs


@contextmanager
def unpatched() -> Iterator[None]:
    """Code that is not recorded: the creators are NumPy's in this thread."""
    held, _active.graphs = recordings(), []
    try:
        yield
    finally:
        _active.graphs = held


def _holds_tracer(value) -> bool:
    if type(value) is Tracer:
        return True
    return isinstance(value, (list, tuple)) and any(map(_holds_tracer, value))


def _holds_traced(value) -> bool:
    """The same, or an object made of tracers (a sparse matrix with traced entries)."""
    if type(value) in CARRIERS:
        return True
    return isinstance(value, (list, tuple)) and any(map(_holds_traced, value))


def _is_all_numpy(frame: FrameType | None) -> bool:
    """Whether a frame runs such a function of SciPy's, or what that calls to make arrays."""
    while frame is not None and frame.f_globals.get("__name__", "").startswith("scipy._lib."):
        frame = frame.f_back
    if frame is None:
        return False
    module = frame.f_globals.get("__name__")
    return module in _ALL_NUMPY or f"{module}.{frame.f_code.co_name}" in _ALL_NUMPY


def _creator(name: str, original: Callable) -> Callable:
    position, maker = _VALUE_AT.get(name, 0), ORIGINAL[name.replace("empty", "zeros")]   # chance content never agrees
    stop = None if position is None else position + (2 if name == "full_like" else 1)

    @functools.wraps(original)
    def anywhere(*args, **kwargs):
        if position is not None and any(map(_holds_tracer, (*args[position:stop], kwargs.get("fill_value")))):
            return FUNCTIONS[original](*args, **kwargs)
        stack = recordings()
        if not stack:
            return original(*args, **kwargs)
        made = maker(*args, **kwargs)
        if name in _KEEPING or made.dtype.kind not in "fc":
            return made
        buffer = stack[-1].constant(made)
        if type(buffer) is Tracer:               # (in a rule run on plain values there are none)
            buffer.boxed = True
        return buffer

    @functools.wraps(original)
    def create(*args, **kwargs):
        if not recordings():
            return original(*args, **kwargs)
        frame = sys._getframe(1)
        traced = _is_all_numpy(frame) if is_library(frame) else makes_call(frame, name, create)
        return (anywhere if traced else original)(*args, **kwargs)
    create.anywhere = anywhere
    return create


def of_scipy(original: Callable) -> Callable:
    """A SciPy function, answered by FUNCTIONS where an argument is traced (or always: its result meets tracers)."""
    always = getattr(FUNCTIONS.get(original), "always", False)

    def call(*args, **kwargs):
        if recordings() and (always or any(map(_holds_traced, (*args, *kwargs.values())))):
            return FUNCTIONS[original](*args, **kwargs)
        return original(*args, **kwargs)
    return _Class(original, call) if isinstance(original, type) else functools.wraps(original)(call)


def of_numpy(original: Callable) -> Callable:
    return of_scipy(original) if isinstance(original, type) else _OfNumPy(original)


class _OfNumPy:
    """A NumPy function that has an answer, for traced values inside lists: there NEP 18 does not see them.

    It equals the function and hashes like it, so that tables with functions as keys work; see also `_compared`.
    """

    def __init__(self, original: Callable):
        functools.update_wrapper(self, original)

    def __call__(self, *args, **kwargs):
        original = self.__wrapped__
        if not recordings():
            return original(*args, **kwargs)
        if original is _FROMITER:
            args = (list(args[0]), *args[1:])
        if any(map(_holds_tracer, args)) or kwargs and any(map(_holds_tracer, kwargs.values())):
            if original not in SEQUENCES:
                args = tuple([_joined(a) for a in args])
                kwargs = {key: _joined(a) for key, a in kwargs.items()}
            return FUNCTIONS[original](*args, **kwargs)
        return original(*args, **kwargs)

    def __eq__(self, other):
        return other is self or other is self.__wrapped__

    def __hash__(self):
        return hash(self.__wrapped__)


_FROMITER = np.fromiter


def _joined(a):
    if type(a) is Tracer or not isinstance(a, (list, tuple)) or not _holds_tracer(a):
        return a
    return FUNCTIONS[ORIGINAL["array"]](a)


SEQUENCES = frozenset({               # functions of a sequence of arrays
    np.concatenate, np.stack, np.vstack, np.hstack, np.dstack, np.column_stack, np.block, np.select, np.choose,
    np.lexsort, np.piecewise, np.histogramdd, np.linalg.multi_dot, np.einsum, np.einsum_path, np.broadcast_arrays,
    np.apply_over_axes})


class _Class:
    """A SciPy class whose calls are answered by FUNCTIONS; isinstance, attributes and subclassing see the class."""

    def __init__(self, original: type, call: Callable):
        self._original, self._call = original, call

    def __call__(self, *args, **kwargs):
        return self._call(*args, **kwargs)

    def __instancecheck__(self, instance):
        return isinstance(instance, self._original)

    def __subclasscheck__(self, other):
        return issubclass(other, self._original)

    def __mro_entries__(self, bases):
        return (self._original,)

    def __getattr__(self, name):
        return getattr(self._original, name)


class _Joiner:
    """np.r_ and np.c_ for traced parts: joined along the first axis, or as columns."""

    def __init__(self, original, columns: bool):
        self._original, self._columns = original, columns

    def __getitem__(self, key):
        parts, array = key if isinstance(key, tuple) else (key,), ORIGINAL["array"]
        if not recordings() or not any(map(_holds_tracer, parts)):
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


REPLACEMENT: dict[Any, Any] = {original: _creator(name, original) for name, original in ORIGINAL.items()}
REPLACEMENT |= {np.r_: _Joiner(np.r_, False), np.c_: _Joiner(np.c_, True)}
_COO = next(kind for kind in scipy.sparse.coo_array.__mro__ if "dot" in vars(kind))
METHODS = {          # methods that no protocol reaches, by the name in f's code that asks for them
    "vectorize": [(np.vectorize, "__call__")], "dot": [(_COO, "dot")],
    "multiply": [(kind, "multiply") for kind in scipy.sparse.dia_array.__mro__ if "multiply" in vars(kind)]}
REPLACEMENT |= {method: of_scipy(method) for places in METHODS.values()
                 for method in (vars(owner)[name] for owner, name in places)}
