"""The engine's errors: each says which call, where in the user's code, what is wrong and what to write instead."""

import ast
import dis
import linecache
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

ENGINE = ("autodiff", "numpy", "scipy", "optkit")     # code that is not the user's, installed or run from a checkout
_STANDARD = os.path.dirname(os.__file__) + os.sep
_noted = threading.local()           # .errors: the TraceErrors of this thread's recordings under way


def is_library(frame: FrameType) -> bool:
    """Whether a frame runs inside the engine, NumPy or SciPy (and not in the user's code)."""
    return frame.f_globals.get("__name__", "").partition(".")[0] in ENGINE


def user_frame() -> FrameType | None:
    """The innermost frame that belongs to the user (the standard library does not)."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and (is_library(frame) or _is_standard(frame.f_code.co_filename)):
        frame = frame.f_back
    return frame


def asks_for_user(frame: FrameType) -> bool:
    """Whether a frame is the user's, or what isinstance and singledispatch run for it."""
    while frame.f_globals.get("__name__") == "abc" and frame.f_back is not None:
        frame = frame.f_back
    if is_library(frame):
        return False
    return not _is_standard(frame.f_code.co_filename) or frame.f_globals.get("__name__") == "functools"


def _is_standard(filename: str) -> bool:
    return filename.startswith((_STANDARD, "<frozen ")) and "site-packages" not in filename


def _operation(frame: FrameType) -> str:
    """The bytecode operation that a frame is at (during a call it points behind it, at the inline cache)."""
    code, at = frame.f_code.co_code, frame.f_lasti
    while at > 0 and dis.opname[code[at]] == "CACHE":
        at -= 2
    return dis.opname[code[at]]


def is_storing(frame: FrameType | None) -> bool:
    """Whether a frame is at an assignment to an entry, a[i] = …"""
    return frame is not None and _operation(frame) == "STORE_SUBSCR"


def call_text(frame: FrameType | None) -> str:
    """What a frame is calling, as its source has it: "scipy.linalg.expm"; empty where it is not at a call."""
    if frame is None or not _operation(frame).startswith(("CALL", "PRECALL")):
        return ""
    line, end, start, stop = list(frame.f_code.co_positions())[frame.f_lasti // 2]
    if line is None or start is None:
        return ""
    lines = [linecache.getline(frame.f_code.co_filename, k).encode() for k in range(line, (end or line) + 1)]
    lines[-1] = lines[-1][:stop]
    source = (lines[0][start:] + b"".join(lines[1:])).decode()
    try:
        called = ast.parse(source, mode="eval").body
    except SyntaxError:
        return source.partition("(")[0].strip()
    return _shown(called.func) if isinstance(called, ast.Call) else source.partition("(")[0].strip()


def _shown(node: ast.expr) -> str:
    """A callee without its own arguments: rng(…).normal."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_shown(node.value)}.{node.attr}"
    if isinstance(node, ast.Call):
        return f"{_shown(node.func)}(…)"
    return f"{_shown(node.value)}[…]" if isinstance(node, ast.Subscript) else "…"


def place(filename: str, line: int, name: str) -> str:
    """A line of code as tracebacks show it."""
    source = linecache.getline(filename, line).strip()
    return f'\n  File "{filename}", line {line}, in {name}' + (f"\n    {source}" if source else "")


def defined_at(f: Callable) -> str:
    """Where a function is written, as `place`; empty for what has no Python code."""
    code = getattr(f, "__code__", None) or getattr(getattr(f, "func", None), "__code__", None)
    return place(code.co_filename, code.co_firstlineno, code.co_name) if code is not None else ""


class TraceError(TypeError):
    """Something in a traced function cannot be differentiated or recorded; the message has the line and the remedy."""

    def __init__(self, what: str, remedy: str, where: str | None = None):
        if where is None:
            frame = user_frame()
            where = place(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name) if frame is not None else ""
        super().__init__(f"{what}{where}\n  Instead: {remedy}")
        self.what, self.remedy = what, remedy
        if hasattr(_noted, "errors") and not isinstance(self, AttributeError):
            _noted.errors.append(self)

    def __reduce__(self):
        return _restore, (type(self), str(self), self.what, self.remedy)


class TraceAttributeError(TraceError, AttributeError):
    """An attribute of arrays that traced arrays do not have; hasattr sees it as absent."""


@contextmanager
def surfacing() -> Iterator[None]:
    """A TraceError that f catches, or that NumPy turns into another, is what the run ends with all the same."""
    outermost = not hasattr(_noted, "errors")
    if outermost:
        _noted.errors = []
    start = len(_noted.errors)
    try:
        try:
            yield
        except TraceError:
            raise
        except Exception as other:
            if len(_noted.errors) > start:
                raise _noted.errors[start] from other
            trouble = _about_tracers(other)
            if trouble is not None:
                raise trouble from other
            raise
        if len(_noted.errors) > start:
            raise _noted.errors[start]
    finally:
        if outermost:
            del _noted.errors


def _about_tracers(error: Exception) -> TraceError | None:
    """What another library says of traced values ("Object of type Tracer is not …"), with the line and a remedy."""
    chain: BaseException | None = error
    while chain is not None and not isinstance(chain, TraceError):       # raised in a thread that f started
        chain = chain.__cause__ or chain.__context__
    if chain is not None:
        return chain
    if isinstance(error, AssertionError) or not any(sign in str(error) for sign in _SIGNS):
        return None
    where, engine, step = "", False, error.__traceback__
    while step is not None:
        code, own = step.tb_frame.f_code, not is_library(step.tb_frame) and not _is_standard(
            step.tb_frame.f_code.co_filename)
        if own and dis.opname[code.co_code[step.tb_lasti]] == "RAISE_VARARGS":
            return None                      # the user's own, that shows a value
        if own:
            where = place(code.co_filename, step.tb_lineno, code.co_name)
        engine, step = step.tb_frame.f_globals.get("__name__", "").startswith("autodiff."), step.tb_next
    if engine and _SIGNS[1] not in str(error):
        return None                          # our own trouble
    kind = TraceAttributeError if isinstance(error, AttributeError) else TraceError
    return kind(f"{type(error).__name__}: {error}", "keep traced values to NumPy functions; where the derivative is "
                "not wanted, pass float(autodiff.stop_gradient(x))", where)


_SIGNS = ("Tracer", "a traced array has no attribute", "a traced value")


def _restore(kind: type[TraceError], message: str, what: str, remedy: str) -> TraceError:
    error = kind.__new__(kind)
    TypeError.__init__(error, message)
    error.what, error.remedy = what, remedy
    return error


class GuardMiss(Exception):  # noqa: N818 - control flow between generated code and its dispatcher, never seen by users
    """A replay reached a branch that the recording did not take: at which guard, if known, and the value there."""

    def __init__(self, number: int | None = None, value=None):
        super().__init__()
        self.number, self.value = number, value
