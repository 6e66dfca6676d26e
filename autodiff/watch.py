"""Identity guards: has anything that a function names been rebound since it was recorded?"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .creators import is_library_function

_SKIPPED = (types.ModuleType, type, types.BuiltinFunctionType, np.ufunc)
_VALUES = (np.ndarray, np.generic, float, int, str, bytes, complex, type(None))


def watch(f: Callable) -> Callable[[], bool]:
    """A check, cheap enough for every call, that globals, closure cells, defaults and attributes f names are unchanged.

    Contents of captured arrays are not compared: graphs hold those by reference. Lists and dicts are compared by the
    identities of their items.
    """
    namespace: dict[str, Any] = {}
    tests = []
    for number, (expression, bindings, value) in enumerate(_dependencies(f, set(), [0])):
        namespace.update(bindings)
        if isinstance(value, (list, dict)):
            items = tuple(map(id, value.values() if isinstance(value, dict) else value))
            namespace[f"v{number}"], namespace[f"h{number}"] = items, list(value)
            namespace["ids"] = _ids
            tests.append(f"ids({expression}) == v{number}")
        else:
            namespace[f"v{number}"] = value
            tests.append(f"{expression} is v{number}")
    source = f"def fresh():\n    try:\n        return {' and '.join(tests) or 'True'}\n"
    exec(source + "    except (KeyError, ValueError, AttributeError):\n        return False\n", namespace)
    return namespace["fresh"]


def _ids(value) -> tuple:
    return tuple(map(id, value.values() if isinstance(value, dict) else value))


def _dependencies(f: Any, seen: set, counter: list[int]) -> Iterator[tuple[str, dict, Any]]:
    """(expression, names it uses, value now) for everything a function and the user's functions in it refer to."""
    if id(f) in seen:
        return
    seen.add(id(f))
    if isinstance(f, types.MethodType):
        yield from _attributes(f.__self__, f.__func__.__code__.co_names, seen, counter)
        f = f.__func__
    code = getattr(f, "__code__", None)
    if code is None:
        yield from _callable_object(f, seen, counter)
        return
    names = set(_names(code))
    counter[0] += 1
    tag = f"_{counter[0]}"
    for name in sorted(names):
        if name in f.__globals__ and not isinstance(f.__globals__[name], _SKIPPED):
            value = f.__globals__[name]
            yield f"g{tag}[{name!r}]", {f"g{tag}": f.__globals__}, value
            yield from _inside(value, names, seen, counter)
    for number, cell in enumerate(f.__closure__ or ()):
        try:
            value = cell.cell_contents
        except ValueError:
            continue
        yield f"c{tag}_{number}.cell_contents", {f"c{tag}_{number}": cell}, value
        yield from _inside(value, names, seen, counter)
    for attribute in ("__defaults__", "__kwdefaults__"):
        value = getattr(f, attribute, None)
        if value is not None:
            yield f"f{tag}.{attribute}", {f"f{tag}": f}, value


def _names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _inside(value: Any, names: set[str], seen: set, counter: list[int]) -> Iterator[tuple[str, dict, Any]]:
    if isinstance(value, (*_VALUES, *_SKIPPED)):
        return
    inner = getattr(value, "__wrapped__", None)
    if is_library_object(value) and callable(inner):           # a transform of a user's function, such as ad.grad(f)
        yield from _inside(inner, names, seen, counter)
    elif isinstance(value, (types.FunctionType, types.MethodType)):
        if not is_library_function(value):
            yield from _dependencies(value, seen, counter)
    else:
        yield from _attributes(value, names, seen, counter)


def _attributes(value: Any, names, seen: set, counter: list[int]) -> Iterator[tuple[str, dict, Any]]:
    fields = getattr(value, "__dict__", None)
    if fields is None or isinstance(value, type) or is_library_object(value):
        return
    counter[0] += 1
    tag = f"o_{counter[0]}"
    for name in sorted(set(names) & set(fields)):
        yield f"{tag}[{name!r}]", {tag: fields}, fields[name]
        if id(fields[name]) not in seen:
            seen.add(id(fields[name]))
            yield from _inside(fields[name], set(names), seen, counter)


def is_library_object(value: Any) -> bool:
    return (type(value).__module__ or "").partition(".")[0] in ("autodiff", "numpy", "scipy", "builtins")


def _callable_object(f: Any, seen: set, counter: list[int]) -> Iterator[tuple[str, dict, Any]]:
    """functools.partial and objects with __call__."""
    inner = getattr(f, "func", None)
    if inner is not None:
        yield from _dependencies(inner, seen, counter)
        return
    call = getattr(type(f), "__call__", None)
    if hasattr(call, "__code__"):
        yield from _attributes(f, set(_names(call.__code__)), seen, counter)
        yield from _dependencies(call, seen, counter)
