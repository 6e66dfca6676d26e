"""Plain data to one .npz of arrays and JSON, and back, without pickle: what results and checkpoints are written in."""

import contextlib
import dataclasses
import functools
import json
import os
import secrets
import sys
import time
import types
import typing
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from optkit.history import History, Record

VERSION = 1
STALE = 600.0  # seconds without a write after which a draft counts as left behind by a process that was killed


def write(path: str | os.PathLike, kind: str, value: Any, home: str) -> Path:
    """Write `value` atomically: a reader, or a run killed meanwhile, finds the old file whole or the new one.

    Where several write at once, the last one's file stays.

    value : None, bools, numbers, strings, arrays of numbers, History, enum members, dataclasses and named tuples of
    module `home` or of optkit, and lists, tuples and dicts of these. What is one object stays one.
    Raises TypeError where something else is in it, before the file is touched.
    """
    encoder = _Encoder(home)
    document = {"kind": kind, "version": VERSION, "value": encoder(value)}
    arrays: dict[str, Any] = {f"a{i}": a for i, a in enumerate(encoder.arrays)}
    path = Path(path)
    _clear_drafts(path)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    try:
        with open(draft, "xb") as file:
            np.savez(file, _document=np.array(json.dumps(document)), **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    finally:
        with contextlib.suppress(OSError):
            draft.unlink()
    return path


def _clear_drafts(path: Path) -> None:
    """Remove what writers of `path` that were killed have left beside it."""
    with contextlib.suppress(OSError):
        for name in os.listdir(path.parent):
            if name.startswith(f".{path.name}.") and name.endswith(".part"):
                with contextlib.suppress(OSError):
                    draft = path.with_name(name)
                    if time.time() - draft.stat().st_mtime > STALE:
                        draft.unlink()


def read(path: str | os.PathLike, kind: str, home: str, origin: str) -> Any:
    """The value `write` wrote, its arrays with the same layout and access. No code of the file's choosing runs.

    Classes are looked up among the dataclasses, named tuples and enums that module `home` and optkit define, and are
    filled without calling them. Raises ValueError, naming path and `origin`, where the file is something else or
    damaged, whatever is wrong with it.
    """
    with open(path, "rb") as opened:
        try:
            with np.load(opened, allow_pickle=False) as file:
                document = json.loads(str(file["_document"]))
                arrays = [file[f"a{i}"] for i in range(len(file.files) - 1)]
            if (document["kind"], document["version"]) != (kind, VERSION):
                raise ValueError(f"it holds an {document['kind']} of version {document['version']}")
            return _Decoder(home, arrays)(document["value"])
        except Exception as error:
            raise ValueError(f"need a file written by {origin}, got {os.fspath(path)!r} ({type(error).__name__}: "
                             f"{error!s:.300})") from error


def find_class(name: str, home: str) -> type:
    """The class written as "module:qualified.name". Raises ValueError unless it is plain data of `home` or of optkit.

    Nothing is imported, and attributes are looked up in namespaces only, so that no code runs.
    """
    module, _, path = name.partition(":")
    found: Any = sys.modules.get(module) if module == home or module.partition(".")[0] == "optkit" else None
    for part in path.split("."):
        if found is None or not (isinstance(found, type) or found is sys.modules.get(module)):
            break
        found = vars(found).get(part)
    if not isinstance(found, type) or _name(found) != name or _kind(found) is None:
        raise ValueError(f"class {name!r} is no dataclass, named tuple or enum at the top of module {home} or of one "
                         "in optkit")
    return found


def _name(cls: type) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"


def _kind(cls: type) -> str | None:
    """How a class of plain data is written, None where it is none."""
    if dataclasses.is_dataclass(cls):
        return "dataclass"
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return "named tuple"
    return "enum" if issubclass(cls, Enum) else None


class _Encoder:
    """Value -> JSON: a bare scalar, or [kind, ...]. Arrays are put aside and referred to by number."""

    def __init__(self, home: str):
        self.home = home
        self.arrays: list[np.ndarray] = []
        self.seen: dict[int, int] = {}  # id -> order of appearance, for what has an identity worth keeping
        self.kept: list[Any] = []  # so that no id is used twice

    def __call__(self, value: Any) -> Any:
        if value is None or type(value) in (str, bool, int, float):
            return value
        kind = _kind(type(value))
        if kind == "enum":
            find_class(_name(type(value)), self.home)
            return ["enum", _name(type(value)), value.name]
        if type(value) is tuple:
            return ["tuple", *map(self, value)]
        if id(value) in self.seen:
            return ["same", self.seen[id(value)]]
        self.seen[id(value)] = len(self.seen)
        self.kept.append(value)
        if kind:
            return self._record(value, kind)
        if isinstance(value, History):
            return ["history", self._aside(np.array(list(value), float).reshape(len(value), len(Record._fields)))]
        if isinstance(value, dict):
            return ["dict", *([self(k), self(v)] for k, v in value.items())]
        return ["list", *map(self, value)] if isinstance(value, list) else self._array(value)

    def _record(self, value: Any, kind: str) -> list:
        try:
            find_class(_name(type(value)), self.home)
        except ValueError as error:
            raise TypeError(f"cannot write {type(value).__name__}: {error}") from None
        names = value._fields if kind == "named tuple" else [field.name for field in dataclasses.fields(value)]
        return [kind, _name(type(value)), {name: self(getattr(value, name)) for name in names}]

    def _array(self, value: Any) -> list:
        array = np.asarray(value)
        if array.dtype.kind not in "fiubc" or not isinstance(value, np.ndarray | np.generic | int | float | complex):
            raise TypeError(f"cannot write {type(value).__name__} {value!r:.60}: need numbers, strings, arrays, and "
                            "dataclasses, lists, tuples and dicts of them")
        if np.isscalar(value):
            return ["scalar", self._aside(array)]
        return ["array", self._aside(array), bool(array.flags.writeable)]

    def _aside(self, array: np.ndarray) -> int:
        self.arrays.append(array)
        return len(self.arrays) - 1


class _Decoder:
    def __init__(self, home: str, arrays: list[np.ndarray]):
        self.home, self.arrays = home, arrays
        self.seen: list[Any] = []

    def __call__(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        kind, *body = value
        match kind:
            case "enum":
                return find_class(body[0], self.home).__members__[body[1]]  # type: ignore[attr-defined]
            case "tuple":
                return tuple(map(self, body))
            case "same":
                return self.seen[body[0]]
        place = len(self.seen)
        self.seen.append(None)
        self.seen[place] = made = self._make[kind](self, *body)
        return made

    def _dataclass(self, name: str, fields: dict[str, Any]) -> Any:
        cls = find_class(name, self.home)
        if [field.name for field in dataclasses.fields(cls)] != list(fields):
            raise ValueError(f"{name} has other fields than the file, which another version wrote")
        made: Any = object.__new__(cls)
        for field, value in fields.items():
            object.__setattr__(made, field, _checked(cls, field, self(value)))
        return made

    def _named_tuple(self, name: str, fields: dict[str, Any]) -> Any:
        cls = find_class(name, self.home)
        if list(cls._fields) != list(fields):  # type: ignore[attr-defined]
            raise ValueError(f"{name} has other fields than the file, which another version wrote")
        return tuple.__new__(cls, [_checked(cls, field, self(value)) for field, value in fields.items()])

    def _history(self, index: int) -> History:
        rows = self.arrays[index].astype(float, casting="safe").reshape(-1, len(Record._fields)).tolist()
        return History(tuple(_as_int_where(i, v) for i, v in enumerate(row)) for row in rows)

    def _array(self, index: int, writeable: bool) -> np.ndarray:
        self.arrays[index].setflags(write=writeable)
        return self.arrays[index]

    _make: dict[str, Callable] = {
        "dataclass": _dataclass,
        "named tuple": _named_tuple,
        "history": _history,
        "dict": lambda self, *pairs: {self(key): self(value) for key, value in pairs},
        "list": lambda self, *values: [self(value) for value in values],
        "scalar": lambda self, index: self.arrays[index][()],
        "array": _array,
    }


def _checked(cls: type, field: str, value: Any) -> Any:
    """The value of a field, of the type it is annotated with in classes of optkit. Raises TypeError otherwise."""
    hint = _hints(cls).get(field, Any)
    if not _fits(value, hint):
        raise TypeError(f"{cls.__qualname__}.{field} has to be {hint}, got {type(value).__name__}")
    return value


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls) if cls.__module__.partition(".")[0] == "optkit" else {}


# What else an annotation takes. A Point has None for its gradient where only the value is known.
_ALSO: dict[type, tuple[type, ...]] = {float: (float, int, np.floating, np.integer), int: (int, np.integer),
                                       np.ndarray: (np.ndarray, type(None))}


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value is of an annotated type, as far as that is a class or a choice of classes; NumPy's numbers count
    as Python's."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return any(_fits(value, one) for one in typing.get_args(hint))
    cls = typing.get_origin(hint) or (type(None) if hint is None else hint)
    if cls in (Any, object) or not isinstance(cls, type) or getattr(cls, "_is_protocol", False):
        return True
    if isinstance(value, bool) or cls is bool:
        return cls is bool and isinstance(value, bool | np.bool_)
    return isinstance(value, _ALSO.get(cls, cls))


def _as_int_where(column: int, value: float) -> float | int:
    return value if Record.__annotations__[Record._fields[column]] is float else int(value)
