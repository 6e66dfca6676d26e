"""Code generation: a graph as straight-line NumPy code with preallocated buffers shared by liveness.

A Program is reentrant: each call takes a workspace from a pool (a list, whose pop and append are atomic). Nothing
returned aliases a buffer. 0-d float64 values are Python floats; where those raise and NumPy would not (1/0, exp(1000)),
the call is repeated by the interpreter.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence

import numpy as np

from . import pieces, scalars
from .checkpoint import expanded
from .errors import GuardMiss
from .forms import FORMS, IN_PLACE, adds_up, by_rows, is_apart, is_entry, is_small_part, is_view
from .graph import GUARD, Graph, Node
from .primitive import Tracer, is_traced
from .primitives import indexing, shape
from .replay import Replay, trace_through
from .scalars import F64
from .schedule import scheduled
from .storage import Storage, buffer

_KEYWORD_OUT = (np.maximum, np.minimum)      # a third positional argument is deprecated there


class Program:
    """A compiled graph: program(*inputs) -> tuple of outputs (floats for 0-d, fresh arrays else)."""

    def __init__(self, graph: Graph, inputs: Sequence[Node], outputs: Sequence, keep_guards: bool = True):
        self.graph, self.inputs, self.outputs = graph, tuple(inputs), tuple(outputs)
        self.keep_guards = keep_guards
        writer = Writer(*expanded(graph, self.inputs, self.outputs, keep_guards), keep_guards)
        self.source, self.guards = writer.source(), writer.guards
        known = {"__builtins__", *writer.namespace}
        exec(compile(self.source, "<optkit generated>", "exec"), writer.namespace)
        made = [writer.namespace.pop(name) for name in list(writer.namespace) if name not in known]
        self._build = functools.partial(made[-1], made[:-1])       # (left in their globals, they would keep themselves)
        self._pool: list[Callable] = []

    def __call__(self, *values):
        pool = self._pool
        try:
            run = pool.pop()
        except IndexError:
            run = self._build()
        try:
            return run(*values)
        except (ZeroDivisionError, OverflowError, ValueError):
            return self.replay(*values)
        finally:
            pool.append(run)

    def anywhere(self, *values) -> tuple:
        """The same where some values may belong to an enclosing trace."""
        return trace_through(self, values) if is_traced(values) else self(*values)

    @functools.cached_property
    def replay(self) -> Replay:
        """The same, operation by operation: NumPy's own answer where Python's floats raise."""
        return Replay(self.graph, self.inputs, self.outputs, self.keep_guards, checked=True)


class Writer:
    """Writes the source of one program: storage and order here, what an operation looks like in forms.py."""

    def __init__(self, graph: Graph, inputs: Sequence[Node], outputs: Sequence, keep_guards: bool):
        self.outputs, self.arity = outputs, len(inputs)
        given = set(inputs)
        self.nodes = scheduled([n for n in graph.live(outputs, keep_guards, given) if n not in given], outputs)
        self.own = set(self.nodes)
        self.floats = scalars.are_floats((*inputs, *self.nodes))
        self.namespace: dict = {"empty": np.empty, "buffer": buffer, "zeros": np.zeros, "array": np.array,
                                "GuardMiss": GuardMiss, "array_equal": np.array_equal, "copyto": np.copyto,
                                "add_at": np.add.at, "add": np.add}
        self.constants: dict = {}
        self.names = {n: f"x{k}" for k, n in enumerate(inputs)}
        self.lines: list[str] = []
        self.boxed: dict[Node, str] = {}
        self.boxes: list[str] = []                        # 0-d arrays that no number is kept in any more
        self.call: dict[Node, tuple[int, str]] = {}       # where an elementwise call stands, and its text up to out
        self.buffers: list[str] = []
        self.storage = Storage(self.buffers, [n.size for n in self.nodes if not isinstance(n.dtype, tuple)])
        self.buffer_of: dict[Node, str] = {}
        self.root = {n: n for n in inputs}
        self.guards = [n.params["expected"] for n in graph.guards if n in self.own]
        self.checked = 0                                  # guards written so far
        self._liveness()
        self._readers()
        for x in inputs:
            self._list(x)
        for position, node in enumerate(self.nodes):
            self._write(position, node)

    def source(self) -> str:
        return pieces.source(self.buffers, self.lines, [f"x{k}" for k in range(self.arity)], self._results())

    # --- storage -------------------------------------------------------------------------------------------------

    def _liveness(self) -> None:
        """Which storage a node shows, when that storage is last read, and which of it the caller receives.

        A view shows its base's storage. So does a write (scatter onto a base, setitem) whose base is read for the last
        time by it, and by no other operand of it: it happens in place.
        """
        self._copied()
        seen = {n: n for n in self.root}
        read: dict[Node, int] = {}
        for position, node in enumerate(self.nodes):
            seen[node] = seen[node.inputs[0]] if self._is_view(node) else node
            read.update((seen[i], position) for i in node.inputs if type(i) is Node)
        given = {seen[o] for o in self.outputs if type(o) is Node}
        self.last: dict[Node, int] = {}
        for position, node in enumerate(self.nodes):
            base = node.inputs[0] if node.inputs else None
            writes = node.prim is indexing.SETITEM or node.prim is indexing.SCATTER and node.params["based"]
            takes = writes and node.shape != () and (
                type(base) is Node and base in self.own and seen[base] is base and read[base] == position
                and base not in given and (base.shape, base.dtype) == (node.shape, node.dtype) and by_rows(base)
                and not any(type(i) is Node and seen[i] is base for i in node.inputs[1:]))
            self.root[node] = self.root[base] if takes or self._is_view(node) else node
            self.last.update((self.root[i], position) for i in node.inputs if type(i) is Node)
        self.given_out = {self.root[o] for o in self.outputs if type(o) is Node}

    def _copied(self) -> None:
        """Small parts that are copied: so that the array they are read from can be written in place after that, and
        where what reads them depends on how they lie in memory (which a copy changes)."""
        last = {i: p for p, node in enumerate(self.nodes) for i in node.inputs if type(i) is Node}       # by itself
        written = {i: p for i, p in last.items() if self.nodes[p].prim in IN_PLACE and self.nodes[p].inputs[0] is i}
        self.copied = {n for n in self.nodes if is_small_part(n)
                       and last.get(n, 0) > written.get(n.inputs[0], len(self.nodes))}
        read = [i for node in self.nodes if adds_up(node) for i in node.inputs]
        self.copied.update(n for n in (*read, *self.outputs) if type(n) is Node and is_apart(n))

    def _is_view(self, node: Node) -> bool:
        return node not in self.copied and is_view(node)

    def _readers(self) -> None:
        """The one reader of a number that an operation in floats reads once, and the vectors read entry by entry."""
        self.reader: dict[Node, Node | None] = {}
        entries: dict[Node, int] = {}
        for node in self.nodes:
            for i in node.inputs:
                if type(i) is Node:
                    self.reader[i] = None if i in self.reader else node
            if node.prim is indexing.GETITEM and type(node.inputs[0]) is Node and is_entry(node):
                entries[node.inputs[0]] = entries.get(node.inputs[0], 0) + 1
        self.reader.update((o, None) for o in self.outputs if type(o) is Node)
        self.listed = {x for x, count in entries.items() if self.floats and x.ndim == 1
                       and x.dtype == F64 and count > 1 and x.size <= 4 * count}

    def _list(self, x: Node) -> None:
        """x[0], x[1], … of a short vector are read by one tolist()."""
        if x in self.listed:
            self.lines.append(f"L{self.names[x]} = {self.names[x]}.tolist()")

    def _release(self, roots, position: int) -> None:
        for root in roots:
            if self.last.get(root) == position and root in self.buffer_of:
                self.storage.release(self.buffer_of.pop(root))

    def out(self, node: Node, position: int, in_place: bool) -> str | None:
        """A buffer for the node's value, or None where the caller receives it and it must be fresh."""
        roots = dict.fromkeys(self.root[i] for i in node.inputs if type(i) is Node)
        if in_place:
            direct = [r for r in roots if all(i is r for i in node.inputs if type(i) is Node and self.root[i] is r)]
            self._release(direct, position)
        name = None
        if node not in self.given_out:
            name = self.buffer_of[node] = self.storage.take(node.shape, node.dtype)
        self._release(roots, position)
        return name

    def rows(self, node: Node, out: str | None) -> str | None:
        """The same, where NumPy would choose the order of the axes by the operands a new array stored row by row."""
        if out is not None or node.ndim < 2 or all(by_rows(i) for i in node.inputs if shape.shape_of(i)):
            return out
        return f"empty({node.shape}, {node.dtype.str!r})"

    # --- operands ------------------------------------------------------------------------------------------------

    def _constant(self, value) -> str:
        if type(value) is float and math.isfinite(value) or type(value) in (int, bool):
            return f"({value!r})" if value < 0 else repr(value)
        if isinstance(value, np.float64) and self.floats:
            value = float(value)
            if math.isfinite(value):
                return self._constant(value)
        if isinstance(value, Tracer):
            raise TypeError("a program cannot hold a value of an enclosing trace")
        name = self.constants.get(id(value))
        if name is None:
            name = self.constants[id(value)] = f"k{len(self.constants)}"
            self.namespace[name] = value
        return name

    def _ref(self, value) -> str:
        return self.names[value] if type(value) is Node else self._constant(value)

    def function(self, name: str, function) -> str:
        self.namespace.setdefault(f"f_{name}", function)
        return f"f_{name}"

    def _results(self) -> str:
        """What the caller receives: floats, and arrays of which no two share storage."""
        seen: set[Node] = set()
        return "(" + "".join(f"{self._result(o, seen)}, " for o in self.outputs) + ")"

    def _result(self, output, seen: set[Node]) -> str:
        if type(output) is not Node:
            return f"array({self._constant(output)})" if np.ndim(output) else self._constant(output)
        name, root = self.names[output], self.root[output]
        if output.shape == ():
            return f"float({name})" if output.dtype == F64 else name
        owned = root in self.own and root not in seen and not self._is_stretched(output)
        seen.add(root)
        return name if owned else f"array({name})"

    def _is_stretched(self, node: Node) -> bool:
        """Whether a node may show one entry in many places: a broadcast, or a view of one."""
        while self._is_view(node) and node.prim is not shape.BROADCAST:
            node = node.inputs[0]
        return node.prim is shape.BROADCAST

    # --- operations ----------------------------------------------------------------------------------------------

    def _write(self, position: int, node: Node) -> None:
        name = self.names[node] = f"t{node.index}"
        prim, args = node.prim, [self._ref(i) for i in node.inputs]
        form = scalars.template(node) if self.floats else None
        if prim is GUARD:
            self._guard(node, args[0])
        elif form is not None:
            self._expression(node, name, form, args)
        elif prim.alias:
            self.lines.append(f"{name} = {args[0]}")
            self.settle(node, position)
        elif prim in FORMS and not (node.shape == () and prim in IN_PLACE):
            FORMS[prim](self, node, position, name, args)
        elif prim.ufunc is not None and node.shape != ():
            out = self.out(node, position, in_place=True)
            operands = [self._operand(node, i, arg) for i, arg in zip(node.inputs, args, strict=True)]
            call = f"{self.function(prim.name, prim.ufunc)}({', '.join(operands)}, "
            call += "out=" * (prim.ufunc in _KEYWORD_OUT)
            self.call[node] = (len(self.lines), call)
            self.lines.append(f"{name} = {call}{self.rows(node, out)})")
        else:
            self.general(node, position, name, args)
        self._list(node)
        for i in node.inputs:
            if type(i) is Node and i in self.boxed and self.last[i] == position:
                self.boxes.append(self.boxed.pop(i))

    def _expression(self, node: Node, name: str, form: str, args: list[str]) -> None:
        """A number by Python's floats: written into the expression of its one reader, or on a line of its own."""
        f = scalars.math_function(node)
        text = form.format(*args, f=f and self.function(f"math_{node.prim.name}", f))
        reader = self.reader.get(node)
        if reader is not None and len(text) <= scalars.LONGEST and (
                reader.prim is GUARD or scalars.takes_expressions(reader)):
            self.names[node] = text
        else:
            self.lines.append(f"{name} = {text}")

    def _operand(self, node: Node, value, name: str) -> str:
        """A number beside arrays as a 0-d array: NumPy takes 0.35 µs to convert a Python float, at every call."""
        if not self.floats or node.dtype not in (F64, np.bool_) or shape.shape_of(value) != ():
            return name
        if isinstance(value, (bool, np.bool_)) or node.prim.name == "ldexp":         # (its exponent stays an integer)
            return name
        if type(value) is not Node:
            key = f"c{float(value).hex()}".replace("-", "m").replace(".", "_").replace("+", "p")
            self.namespace.setdefault(key, np.array(float(value)))
            return key
        if value.dtype != F64:
            return name
        if value not in self.boxed:
            if not self.boxes:
                self.boxes.append(f"s{len(self.buffers)}")
                self.buffers.append(f"s{len(self.buffers)} = empty(())")
            self.boxed[value] = self.boxes.pop()
            self.lines.append(f"{self.boxed[value]}[()] = {name}")
        return self.boxed[value]

    def settle(self, node: Node, position: int) -> None:
        self._release(dict.fromkeys(self.root[i] for i in node.inputs if type(i) is Node), position)

    def _guard(self, node: Node, arg: str) -> None:
        """A check; what misses says so by the number of the guard and the value met (paths.py)."""
        expected = node.params["expected"].value
        self.names[node] = arg
        number, self.checked = self.checked, self.checked + 1
        if np.ndim(expected) == 0 and np.asarray(expected).dtype == np.bool_:
            self.lines.append(f"if {'not ' if expected else ''}{arg}: raise GuardMiss({number}, {not expected})")
        elif np.ndim(expected) == 0:
            self.lines.append(f"if {arg} != {self._constant(expected.item())}: raise GuardMiss({number}, {arg})")
        else:
            test = f"not array_equal({arg}, {self._constant(expected)})"
            self.lines.append(f"if {test}: raise GuardMiss({number}, {arg})")

    def general(self, node: Node, position: int, name: str, args: list[str]) -> None:
        """Whatever has no form of its own: the row's evaluation."""
        call = f"{self.function(node.prim.name, node.prim.evaluate)}({', '.join(args)}"
        if node.params:
            key = f"p{node.index}"
            self.namespace[key] = node.params
            call += f", **{key}"
        call += ")"
        self.lines.append(f"{name} = {self.plain(node, call)}")
        self.settle(node, position)

    def plain(self, node: Node, call: str) -> str:
        if node.shape == () and self.floats and node.dtype == F64:
            return f"float({call})"
        return f"{call}[()]" if node.shape == () and node.prim.view else call   # a 0-d view would see its buffer reused
