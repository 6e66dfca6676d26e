"""The engine's errors: each says which call, where in the user's code, what is wrong and what to write instead."""

import linecache
import sys
from types import FrameType

_LIBRARIES = ("autodiff", "numpy", "scipy")


def is_library(frame: FrameType) -> bool:
    """Whether a frame runs inside the engine, NumPy or SciPy (and not in the user's code)."""
    module = frame.f_globals.get("__name__", "")
    return module.partition(".")[0] in _LIBRARIES


def user_frame() -> FrameType | None:
    """The innermost frame that belongs to the user."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and is_library(frame):
        frame = frame.f_back
    return frame


class TraceError(TypeError):
    """Something in a traced function cannot be differentiated or recorded; the message names the line and the remedy."""

    def __init__(self, what: str, remedy: str):
        frame = user_frame()
        where = ""
        if frame is not None:
            code, line = frame.f_code, frame.f_lineno
            source = linecache.getline(code.co_filename, line).strip()
            where = f'\n  File "{code.co_filename}", line {line}, in {code.co_name}'
            where += f"\n    {source}" if source else ""
        super().__init__(f"{what}{where}\n  Instead: {remedy}")
        self.what, self.remedy = what, remedy

    def __reduce__(self):
        return _restore, (str(self),)


def _restore(message: str) -> TraceError:
    error = TraceError.__new__(TraceError)
    TypeError.__init__(error, message)
    return error


class GuardMiss(Exception):  # noqa: N818 - control flow between generated code and its dispatcher, never seen by users
    """A replay reached a branch that the recording did not take."""
