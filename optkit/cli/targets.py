"""What the user named on the command line: a problem, or a function of their own, and a start; values as typed."""

import argparse
import ast
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import problems


class UserError(Exception):
    """Something on the command line is wrong; the message names it and the remedy."""


class Target(NamedTuple):
    """What to work on: a function, a start, and the minimum where it is known."""

    label: str
    f: Callable[..., Any]
    x0: Any
    f_star: float | None
    file: str           # of the function: an error inside it is told as one line that names the place


def target_of(arguments: argparse.Namespace) -> Target:
    sizes = dict(arguments.size)
    if ":" not in arguments.what:
        return named_problem(arguments.what, sizes, arguments.x0)
    if sizes:
        raise UserError("--size: is for named problems; give a function of your own its size by --x0")
    f, file = _load(arguments.what)
    if arguments.x0 is None:
        instead = "; or its size: --shape 10" if hasattr(arguments, "shape") else ""
        raise UserError(f"--x0: a function of your own needs a start: --x0 1,2,3 or --x0 zeros:10{instead}")
    return Target(arguments.what, f, _start(arguments.x0), None, file)


def named_problem(name: str, sizes: dict[str, Any], x0: str | None) -> Target:
    try:
        problem = problems.get(name, **sizes)
    except ValueError as error:
        if name in problems.names():
            raise
        raise UserError(f"{error}; a function of your own is named module:function or path.py:function") from None
    f_star = None if problem.f_star is problems.UNKNOWN else float(problem.f_star)
    return Target(name, problem.f, problem.x0 if x0 is None else _start(x0), f_star, problem.f.__code__.co_filename)


def _load(what: str) -> tuple[Callable, str]:
    """The function named module:function or path.py:function, and the file of its module. Imports only that."""
    place, _, name = what.rpartition(":")
    module = _load_file(Path(place)) if place.endswith(".py") else _load_module(place)
    f: Any = getattr(module, name, None)
    if not callable(f):
        public = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise UserError(f"{place} has no function {name!r}; it has {', '.join(public) or 'none'}")
    return f, getattr(module, "__file__", None) or ""


def _load_file(path: Path) -> Any:
    if not path.is_file():
        raise UserError(f"no file {str(path)!r}; give the path of a Python file, like examples/rosenbrock.py:f")
    spec = importlib.util.spec_from_file_location(path.stem, path.resolve())
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UserError(f"importing {path} failed: {_where(error, str(path.resolve()))}") from error
    finally:
        sys.path.pop(0)
    return module


def _load_module(name: str) -> Any:
    sys.path.insert(0, "")
    try:
        return importlib.import_module(name)
    except Exception as error:
        raise UserError(f"importing {name!r} failed: {type(error).__name__}: {error}") from error
    finally:
        sys.path.pop(0)


def _start(text: str) -> np.ndarray:
    kind, _, count = text.partition(":")
    if kind in ("zeros", "ones") and count.isdecimal() and int(count) > 0:
        return np.full(int(count), float(kind == "ones"))
    try:
        return np.array(_numbers(text))
    except ValueError:
        raise UserError(f"--x0: need numbers like 1,2,3, or zeros:10 or ones:10, got {text!r}") from None


def filled(x0: Any, value: float) -> Any:
    """A bound for every unknown: the structure of x0 filled with one value."""
    if isinstance(x0, dict):
        return {key: filled(part, value) for key, part in x0.items()}
    return np.full(np.shape(x0), value)


def call(target: Target, work: Callable[[], Any]) -> Any:
    """work(), an exception from inside the user's function told as one line."""
    try:
        return work()
    except Exception as error:
        if not any(frame.filename == target.file for frame in traceback.extract_tb(error.__traceback__)):
            raise
        raise UserError(f"{target.label} failed: {_where(error, target.file)}") from error


def _where(error: Exception, file: str) -> str:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f"{type(error).__name__}: {error}" + (f" ({Path(file).name}, line {lines[-1]})" if lines else "")


# Values as they are typed.

def words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(word) for word in text.split(","))


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def pair(text: str) -> tuple[float, ...]:
    numbers = _numbers(text)
    if len(numbers) != 2:
        raise argparse.ArgumentTypeError(f"need two numbers, lower and upper, got {len(numbers)}; for example -2,2")
    return numbers


def shape(text: str) -> tuple[int, ...]:
    if text == "scalar":
        return ()
    try:
        sizes = tuple(int(word) for word in text.split(","))
    except ValueError:
        sizes = (0,)
    if min(sizes) < 1:
        raise argparse.ArgumentTypeError(f"need sizes such as 10 or 3,4, or scalar, got {text!r}")
    return sizes


def assignment(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"need NAME=VALUE, got {text!r}")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value
