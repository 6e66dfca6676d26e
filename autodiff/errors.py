"""The engine's errors: each says which call, where in the user's code, what is wrong and what to write instead."""

import linecache
import os
import sys
import threading
from collections.abc import Callable
from types import FrameType

_LIBRARIES = ("autodiff", "numpy", "scipy")
_STANDARD = os.path.dirname(os.__file__) + os.sep
noted = threading.local()            # .errors: TraceErrors of this thread's runs, to find those that f swallowed


def is_library(frame: FrameType) -> bool:
    """Whether a frame runs inside the engine, NumPy or SciPy (and not in the user's code)."""
    return frame.f_globals.get("__name__", "").partition(".")[0] in _LIBRARIES


def user_frame() -> FrameType | None:
    """The innermost frame that belongs to the user (the standard library does not)."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and (is_library(frame) or _is_standard(frame.f_code.co_filename)):
        frame = frame.f_back
    return frame


def _is_standard(filename: str) -> bool:
    return filename.startswith((_STANDARD, "<frozen ")) and "site-packages" not in filename


def place(filename: str, line: int, name: str) -> str:
    """A line of code as tracebacks show it."""
    source = linecache.getline(filename, line).strip()
    return f'\n  File "{filename}", line {line}, in {name}' + (f"\n    {source}" if source else "")


def defined_at(f: Callable) -> str:
    """Where a function is written, as `place`; empty for what has no Python code."""
    code = getattr(f, "__code__", None) or getattr(getattr(f, "func", None), "__code__", None)
    return place(code.co_filename, code.co_firstlineno, code.co_name) if code is not None else ""


class TraceError(TypeError):
    """Something in a traced function cannot be differentiated or recorded; the message names the line and the remedy."""

    def __init__(self, what: str, remedy: str):
        frame = user_frame()
        where = place(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name) if frame is not None else ""
        super().__init__(f"{what}{where}\n  Instead: {remedy}")
        self.what, self.remedy = what, remedy
        if hasattr(noted, "errors"):
            noted.errors.append(self)

    def __reduce__(self):
        return _restore, (type(self), str(self), self.what, self.remedy)


class TraceAttributeError(TraceError, AttributeError):
    """An attribute of arrays that traced arrays do not have; hasattr sees it as absent."""


def _restore(kind: type, message: str, what: str, remedy: str) -> TraceError:
    error = kind.__new__(kind)
    TypeError.__init__(error, message)
    error.what, error.remedy = what, remedy
    return error


class GuardMiss(Exception):  # noqa: N818 - control flow between generated code and its dispatcher, never seen by users
    """A replay reached a branch that the recording did not take."""
