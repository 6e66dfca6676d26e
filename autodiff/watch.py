"""Has anything that a function refers to changed since it was recorded?

Looked into: code, closure cells, globals, defaults and attributes that the function and the user's functions it reaches
read; items of lists, dicts, tuples and sets; contents of dense and sparse arrays. Everything is compared by identity,
containers item by item, arrays by content: whole where they are small in themselves (EXACT entries) or beside the
function's own work, else at about 64 places (a rewritten array is seen, one changed entry of a large one may not be:
what changes between calls belongs in args).

Not looked into: globals of installed packages, the inside of other libraries' objects, files, names built at run time.
"""

from __future__ import annotations

import builtins
import dis
import functools
import site
import sys
import sysconfig
import types
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse

from .contents import BYTES, fingerprint, sample
from .errors import ENGINE
from .primitive import Tracer

EXACT = 1024       # entries compared whole at every call: 0.3 µs
SHARE = 8          # arrays up to 1/SHARE of the function's work are compared whole too
LIMIT = 500        # things to watch; what refers to more stays eager

_PLAIN = (float, int, complex, str, bytes, types.NoneType, slice, range, np.generic, np.ufunc, np.dtype,
          types.BuiltinFunctionType)
_INSTALLED = (*[sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib")],
              *site.getsitepackages(), site.getusersitepackages())


SWAPPED: dict[int, Any] = {}     # what creators.py swaps in namespaces while a function is recorded: not a change


class Watch:
    """What f and the objects refer to, as it is now. Making one costs about 50 µs and a pass over captured arrays."""

    def __init__(self, f: Callable, objects: list):
        self.namespace: dict[str, Any] = {}
        self.tests: dict[str, str] = {}                   # expression, true while nothing changed -> what it is about
        self.arrays: dict[int, tuple[str, np.ndarray, bytes]] = {}
        self._names: dict[int, str] = {}
        self._words: set[str] = set()                     # attributes that the functions read
        self._seen: set = set()
        self._root = weakref.ref(f) if isinstance(f, types.FunctionType) else None     # f may own what watches it
        known = -1
        while known < len(self._words):                   # objects met before the functions that read them: again
            known = len(self._words)
            for table in (self.namespace, self.tests, self._names, self._seen):
                table.clear()
            for value in (f, *objects):
                self._visit(value, getattr(value, "__name__", type(value).__name__))

    @property
    def too_much(self) -> bool:
        return len(self.tests) + len(self.arrays) > LIMIT

    def changed(self) -> str:
        """What has changed, contents of arrays compared whole; empty if nothing."""
        for test, label in self.tests.items():
            try:
                same = eval(test, self.namespace)
            except _REBOUND:
                same = False
            if not same:
                return label
        return next((label for label, array, mark in self.arrays.values() if fingerprint(array) != mark), "")

    def check(self, work: int) -> Callable[[], bool]:
        """A test cheap enough for every call of a function that handles `work` array entries a call."""
        space, tests, budget = dict(self.namespace), list(self.tests), max(EXACT, work // SHARE)
        space["fingerprint"], space["errors"] = fingerprint, _REBOUND
        for number, (_, array, mark) in enumerate(sorted(self.arrays.values(), key=lambda entry: entry[1].size)):
            whole, budget = array.size <= budget, budget - array.size
            part = array if whole else sample(array)
            space[f"a{number}"], space[f"m{number}"] = part, mark if whole else part.tobytes()
            small = not whole or array.nbytes <= BYTES
            tests.append(f"a{number}.tobytes() == m{number}" if small else f"fingerprint(a{number}) == m{number}")
        source = f"def fresh():\n    try:\n        return {' and '.join(tests) or 'True'}\n"
        exec(source + "    except errors:\n        return False\n", space)
        return space.pop("fresh")                         # (left in its own globals it would keep itself alive)

    def add_array(self, array: np.ndarray, label: str) -> None:
        """Compare the contents of one more array."""
        if array.size and id(array) not in self.arrays:
            self.arrays[id(array)] = (label, array, fingerprint(array))

    # --- the walk ------------------------------------------------------------------------------------------------

    def _name(self, value: Any) -> str:
        name = self._names.get(id(value))
        if name is None:
            name = self._names[id(value)] = f"v{len(self._names)}"
            self.namespace[name] = value
        return name

    def _function_name(self, f: types.FunctionType) -> str:
        """A function in a test; the watched one by a weak reference."""
        return f"{self._name(self._root)}()" if self._root is not None and self._root() is f else self._name(f)

    def _test(self, expression: str, label: str) -> None:
        self.tests.setdefault(expression, label)

    def _item(self, holder: Any, key: str, value: Any, label: str) -> None:
        """holder[key] is value, and so is what is in it."""
        if not isinstance(value, types.ModuleType) and id(value) not in SWAPPED:
            self._test(f"{self._name(holder)}[{key!r}] is {self._name(value)}", label)
        self._visit(value, label)

    def _visit(self, value: Any, label: str) -> None:
        if isinstance(value, _PLAIN) or (id(value) in self._seen) or self.too_much:
            return
        self._seen.add(id(value))
        for kinds, look in _LOOK:
            if isinstance(value, kinds):
                look(self, value, label)
                return
        self._object(value, label)

    def _function(self, f: types.FunctionType, label: str) -> None:
        if hasattr(f, "__wrapped__"):
            self._visit(f.__wrapped__, label)
        code, engine = f.__code__, root(f.__module__) in ENGINE
        names, attributes = reads(code)
        self._words |= attributes
        if not engine:
            self._test(f"{self._function_name(f)}.__code__ is {self._name(code)}", label)
        if not (engine or is_installed(f.__module__)):
            for name in sorted(names & f.__globals__.keys()):
                self._item(f.__globals__, name, f.__globals__[name], name)
        for name, cell in zip(code.co_freevars, f.__closure__ or (), strict=True):
            try:
                value = cell.cell_contents
            except ValueError:                            # not assigned yet
                continue
            self._test(f"{self._name(cell)}.cell_contents is {self._name(value)}", name)
            self._visit(value, name)
        for attribute in ("__defaults__", "__kwdefaults__"):
            value = getattr(f, attribute)
            if value is not None:
                self._test(f"{self._function_name(f)}.{attribute} is {self._name(value)}", f"a default of {label}")
                self._visit(value, f"a default of {label}")

    def _method(self, f: types.MethodType, label: str) -> None:
        self._visit(f.__func__, label)
        self._visit(f.__self__, "self")

    def _partial(self, f: functools.partial, label: str) -> None:
        for part in (f.func, f.args, f.keywords):
            self._visit(part, label)

    def _module(self, module: types.ModuleType, label: str) -> None:
        if not (is_installed(module.__name__) or root(module.__name__) in ENGINE):
            for name in sorted(self._words & vars(module).keys()):
                self._item(vars(module), name, vars(module)[name], f"{label}.{name}")

    def _array(self, array: np.ndarray, label: str) -> None:
        if array.dtype.hasobject:
            self._items(array.ravel().tolist(), label)
        self.add_array(array, label)

    def _sparse(self, matrix: Any, label: str) -> None:
        for name, part in vars(matrix).items():
            self._item(vars(matrix), name, part, label)

    def _items(self, items: Any, label: str) -> None:
        if not isinstance(items, tuple | frozenset):
            self._test(f"{self._name(items)} == {self._name(items.copy())}", label)
        for key, value in items.items() if isinstance(items, dict) else enumerate(items):
            if not isinstance(value, _PLAIN):
                self._visit(value, f"{label}[{key!r}]")

    def _object(self, value: Any, label: str) -> None:
        """The attributes of an instance that are read, its own and its class's, and the methods behind operators."""
        kind = type(value)
        if hasattr(value, "__wrapped__"):                  # a transform or cache of a user's function
            self._visit(value.__wrapped__, label)
        if root(kind.__module__) in ENGINE:
            if isinstance(getattr(value, "rules", None), tuple):     # a function with its derivative by hand
                self._item(vars(value), "rules", value.rules, f"a rule of {label}")
            return
        if hasattr(kind, "__array__") and is_installed(kind.__module__):               # a data frame, a tensor
            self._foreign(value, label)
        fields = getattr(value, "__dict__", {})
        for name in sorted(self._words & fields.keys()):
            self._item(fields, name, fields[name], f"{label}.{name}")
        for owner in kind.__mro__:
            self._class(owner, label, value)

    def _buffer(self, tracer: Tracer, label: str) -> None:
        if tracer.node.prim.name == "constant":
            self._foreign(tracer, label)

    def _foreign(self, value: Any, label: str) -> None:
        """An array of another kind (or a buffer kept from a recording), read anew at each call."""
        content = np.asarray(value)
        if not content.dtype.hasobject:
            self.namespace["content"] = _content
            self._test(f"content({self._name(value)}) == {self._name(fingerprint(content))}", label)

    def _class(self, kind: type, label: str, instance: Any = None) -> None:
        if is_installed(kind.__module__):
            return
        fields, own = vars(kind), getattr(instance, "__dict__", None)     # (vars: a new proxy each time)
        for name, value in fields.items():
            if name in self._words or name in _OPERATORS:
                if own is not None and name not in own and name not in _OPERATORS:
                    self._test(f"{name!r} not in {self._name(own)}", f"{label}.{name}")
                if isinstance(value, types.MemberDescriptorType) and instance is not None:        # a slot
                    held = getattr(instance, name, None)
                    self._test(f"{self._name(instance)}.{name} is {self._name(held)}", f"{label}.{name}")
                    self._visit(held, f"{label}.{name}")
                else:
                    self._item(fields, name, value, f"{label}.{name}")

    def _descriptor(self, value: Any, label: str) -> None:
        inner = next(getattr(value, name) for name in ("fget", "__func__", "func") if hasattr(value, name))
        self._visit(inner, label)


_LOOK: tuple[tuple[Any, Callable], ...] = (
    (types.FunctionType, Watch._function), (types.MethodType, Watch._method), (functools.partial, Watch._partial),
    (types.ModuleType, Watch._module), (type, Watch._class), (np.ndarray, Watch._array), (Tracer, Watch._buffer),
    (scipy.sparse.spmatrix | scipy.sparse.sparray, Watch._sparse),
    ((list, dict, tuple, set, frozenset, deque), Watch._items),
    ((property, classmethod, staticmethod, functools.cached_property), Watch._descriptor))
_REBOUND = (KeyError, ValueError, AttributeError, TypeError)
_OPERATORS = frozenset(
    f"__{name}__" for name in "call getitem getattr getattribute len iter contains add radd sub rsub mul rmul matmul "
    "rmatmul truediv rtruediv pow rpow neg abs float array".split())


def _content(value: Any) -> bytes:
    return fingerprint(np.asarray(value))


@functools.lru_cache(maxsize=256)
def reads(code: types.CodeType) -> tuple[frozenset[str], frozenset[str]]:
    """(globals, attributes) that code and the code inside it read. A string may be an attribute's name (getattr)."""
    names, attributes = set(), set()
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            names.add(step.argval)
        elif step.opname.startswith("LOAD_") and step.opcode in dis.hasname:
            attributes.add(step.argval)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            inner = reads(constant)
            names |= inner[0]
            attributes |= inner[1]
        elif isinstance(constant, str) and constant.isidentifier():
            attributes.add(constant)
    return frozenset(names), frozenset(attributes)


def root(module: str | None) -> str:
    return (module or "").partition(".")[0]


def is_installed(module: str | None) -> bool:
    """Whether a module belongs to the standard library or to an installed package."""
    return _is_installed(root(module))


@functools.cache
def _is_installed(name: str) -> bool:
    if name in sys.stdlib_module_names or name == builtins.__name__:
        return True
    path = getattr(sys.modules.get(name), "__file__", None)
    return path is not None and path.startswith(_INSTALLED)
