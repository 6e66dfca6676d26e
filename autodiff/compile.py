"""Code generation: a graph as straight-line NumPy code with preallocated buffers shared by liveness.

A Program is reentrant: each call takes a workspace from a pool (a list, whose pop and append are atomic). Nothing
returned aliases a buffer. 0-d float64 values are Python floats; where those raise and NumPy would not (1/0, exp(1000)),
the call is repeated by the interpreter.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from .errors import GuardMiss
from .forms import FORMS, IN_PLACE, is_entry
from .graph import GUARD, Graph, Node
from .interpreters import evaluate
from .primitive import Primitive, Tracer, is_traced
from .primitives import indexing, shape

_INFIX = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "less": "<", "less_equal": "<=", "greater": ">",
          "greater_equal": ">=", "equal": "==", "not_equal": "!=", "bitwise_and": "&", "bitwise_or": "|"}
_LOGIC = frozenset(_INFIX) - {"add", "subtract", "multiply", "divide"} | {"stop_gradient"}
_MATH = {"sqrt": math.sqrt, "exp": math.exp, "log": math.log, "log1p": math.log1p, "expm1": math.expm1, "sin": math.sin,
         "cos": math.cos, "tan": math.tan, "tanh": math.tanh, "sinh": math.sinh, "cosh": math.cosh, "arctan": math.atan,
         "arcsin": math.asin, "arccos": math.acos, "power": math.pow, "absolute": abs, "log2": math.log2,
         "arctan2": math.atan2, "arcsinh": math.asinh, "norm_root": math.sqrt}
_EXPRESSIONS = {"square": "{0} * {0}", "negative": "-{0}", "positive": "{0}", "where": "({1} if {0} else {2})",
          "maximum": "({0} if {0} >= {1} or {0} != {0} else {1})",
          "minimum": "({0} if {0} <= {1} or {0} != {0} else {1})",
          "reciprocal": "1.0 / {0}", "reciprocal_or_zero": "(1.0 / {0} if {0} != 0.0 else 0.0)"}
_F64 = np.dtype(np.float64)
_KEYWORD_OUT = (np.maximum, np.minimum)      # a third positional argument is deprecated there


class Program:
    """A compiled graph: program(*inputs) -> tuple of outputs (floats for 0-d, fresh arrays else)."""

    def __init__(self, graph: Graph, inputs: Sequence[Node], outputs: Sequence, keep_guards: bool = True):
        self.graph, self.inputs, self.outputs = graph, tuple(inputs), tuple(outputs)
        self.keep_guards = keep_guards
        writer = Writer(graph, self.inputs, self.outputs, keep_guards)
        self.source = writer.source()
        exec(compile(self.source, "<optkit generated>", "exec"), writer.namespace)
        self._build = writer.namespace.pop("build")          # (left there, it would refer to itself)
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
            return self.interpret(*values)
        finally:
            pool.append(run)

    def anywhere(self, *values) -> tuple:
        """The same where some values may belong to an enclosing trace."""
        return self.interpret(*values) if is_traced(values) else self(*values)

    def interpret(self, *values) -> tuple:
        """The same by NumPy, operation by operation: NumPy's own answer where Python's floats raise."""
        known = dict(zip(self.inputs, values, strict=True))
        done = evaluate(self.graph, known, self.outputs, self.keep_guards)
        return tuple(v if type(v) is Tracer else float(v) if np.ndim(v) == 0 and np.asarray(v).dtype == _F64
                     else np.array(v) for v in done)


def _buffer(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """An array that starts at a cache line: wide vector loads and stores then never straddle two."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    raw = np.empty(size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start:start + size].view(dtype).reshape(shape)


class Writer:
    """Writes the source of one program: storage and order here, what an operation looks like in forms.py."""

    def __init__(self, graph: Graph, inputs: Sequence[Node], outputs: Sequence, keep_guards: bool):
        self.outputs, self.arity = outputs, len(inputs)
        given = set(inputs)
        self.nodes = [n for n in graph.live(outputs, keep_guards, given) if n not in given]
        self.own = set(self.nodes)
        self.floats = all(n.dtype in (_F64, np.bool_) for n in (*inputs, *self.nodes) if not isinstance(n.dtype, tuple)
                          and n.shape == ())
        self.namespace: dict = {"empty": np.empty, "buffer": _buffer, "zeros": np.zeros, "array": np.array,
                                "GuardMiss": GuardMiss, "array_equal": np.array_equal, "copyto": np.copyto,
                                "add_at": np.add.at, "add": np.add}
        self.constants: dict = {}
        self.names = {n: f"x{k}" for k, n in enumerate(inputs)}
        self.lines: list[str] = []
        self.boxed: dict[Node, str] = {}
        self.call: dict[Node, tuple[int, str]] = {}       # where an elementwise call stands, and its text up to out
        self.buffers: list[str] = []
        self.free: dict = {}
        self.buffer_of: dict[Node, str] = {}
        self.root = {n: n for n in inputs}
        self._liveness()
        self._scalar_reads(inputs)
        for position, node in enumerate(self.nodes):
            self._write(position, node)

    def source(self) -> str:
        results = "".join(f"{self._result(o, k)}, " for k, o in enumerate(self.outputs))
        body = "".join(f"        {line}\n" for line in self.lines)
        make = "".join(f"    {line}\n" for line in self.buffers)
        arguments = ", ".join(f"x{k}" for k in range(self.arity))
        return f"def build():\n{make}    def run({arguments}):\n{body}        return ({results})\n    return run\n"

    # --- storage -------------------------------------------------------------------------------------------------

    def _liveness(self) -> None:
        """Which storage a node shows, when that storage is last read, and which of it the caller receives.

        A view shows its base's storage. So does a write (scatter onto a base, setitem) whose base is read for the last
        time by it, and by no other operand of it: it happens in place.
        """
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
                and base not in given and (base.shape, base.dtype) == (node.shape, node.dtype)
                and not any(type(i) is Node and seen[i] is base for i in node.inputs[1:]))
            self.root[node] = self.root[base] if takes or self._is_view(node) else node
            self.last.update((self.root[i], position) for i in node.inputs if type(i) is Node)
        self.given_out = {self.root[o] for o in self.outputs if type(o) is Node}

    @staticmethod
    def _is_view(node: Node) -> bool:
        if not node.prim.view or type(node.inputs[0]) is not Node or node.shape == ():
            return False
        return node.prim is not indexing.GETITEM or indexing.is_basic(node.params["index"].value)

    def _scalar_reads(self, inputs: Sequence[Node]) -> None:
        """x[0], x[1], … of a short vector are read by one tolist()."""
        self.listed: set[Node] = set()
        for x in inputs:
            reads = [n for n in self.nodes if n.prim is indexing.GETITEM and n.inputs[0] is x and is_entry(n)]
            if self.floats and x.ndim == 1 and x.dtype == _F64 and len(reads) > 1 and x.size <= 4 * len(reads):
                self.listed.add(x)
                self.lines.append(f"L{self.names[x]} = {self.names[x]}.tolist()")

    def _release(self, roots, position: int) -> None:
        for root in roots:
            if self.last.get(root) == position and root in self.buffer_of:
                self.free.setdefault((root.shape, root.dtype), []).append(self.buffer_of.pop(root))

    def out(self, node: Node, position: int, in_place: bool) -> str | None:
        """A buffer for the node's value, or None where the caller receives it and it must be fresh."""
        roots = dict.fromkeys(self.root[i] for i in node.inputs if type(i) is Node)
        if in_place:
            direct = [r for r in roots if all(i is r for i in node.inputs if type(i) is Node and self.root[i] is r)]
            self._release(direct, position)
        name = None
        if node not in self.given_out:
            spare = self.free.get((node.shape, node.dtype))
            if spare:
                name = spare.pop()
            else:
                name = f"b{len(self.buffers)}"
                self.buffers.append(f"{name} = buffer({node.shape}, '{node.dtype.str}')")
            self.buffer_of[node] = name
        self._release(roots, position)
        return name

    # --- operands ------------------------------------------------------------------------------------------------

    def _constant(self, value) -> str:
        if type(value) is float and math.isfinite(value) or type(value) in (int, bool):
            return f"({value!r})" if value < 0 else repr(value)
        if isinstance(value, np.float64) and self.floats and math.isfinite(value):
            return self._constant(float(value))
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

    def _result(self, output, number: int) -> str:
        if type(output) is not Node:
            return f"array({self._constant(output)})" if np.ndim(output) else self._constant(output)
        name = self.names[output]
        if output.shape == ():
            return f"float({name})" if output.dtype == _F64 else name
        root = self.root[output]
        repeated = any(type(o) is Node and self.root[o] is root for o in self.outputs[:number])
        owned = root in self.own and not repeated and not self._is_stretched(output)
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
        if prim is GUARD:
            self._guard(node, args[0])
        elif node.shape == () and self.floats and self._scalar(node, prim, args):
            self.lines.append(f"{name} = {self._scalar(node, prim, args)}")
            self.settle(node, position)
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
            self.lines.append(f"{name} = {call}{out})")
        else:
            self.general(node, position, name, args)

    def _operand(self, node: Node, value, name: str) -> str:
        """A number beside arrays as a 0-d array: NumPy takes 0.35 µs to convert a Python float, at every call."""
        if not self.floats or node.dtype not in (_F64, np.bool_) or shape.shape_of(value) != ():
            return name
        if isinstance(value, (bool, np.bool_)):
            return name
        if type(value) is not Node:
            key = f"c{float(value).hex()}".replace("-", "m").replace(".", "_").replace("+", "p")
            self.namespace.setdefault(key, np.array(float(value)))
            return key
        if value.dtype != _F64:
            return name
        if value not in self.boxed:
            self.boxed[value] = f"s{value.index}"
            self.buffers.append(f"s{value.index} = empty(())")
            self.lines.append(f"s{value.index}[()] = {name}")
        return self.boxed[value]

    def settle(self, node: Node, position: int) -> None:
        self._release(dict.fromkeys(self.root[i] for i in node.inputs if type(i) is Node), position)

    def _guard(self, node: Node, arg: str) -> None:
        expected = node.params["expected"].value
        self.names[node] = arg
        if np.ndim(expected) == 0 and np.asarray(expected).dtype == np.bool_:
            self.lines.append(f"if {'not ' if expected else ''}{arg}: raise GuardMiss")
        elif np.ndim(expected) == 0:
            self.lines.append(f"if {arg} != {self._constant(expected.item())}: raise GuardMiss")
        else:
            self.lines.append(f"if not array_equal({arg}, {self._constant(expected)}): raise GuardMiss")

    def _scalar(self, node: Node, prim: Primitive, args: list[str]) -> str | None:
        """An expression in Python floats, or None where NumPy has to do it."""
        if any(i.shape != () for i in node.inputs if type(i) is Node):
            return None
        if node.dtype == np.bool_ and prim.name not in _LOGIC:       # True + True is True in NumPy, 2 in Python
            return None
        if prim.name in _INFIX:
            return f"{args[0]} {_INFIX[prim.name]} {args[1]}"
        if prim.name in _EXPRESSIONS:
            return _EXPRESSIONS[prim.name].format(*args)
        if prim.name in _MATH:
            return f"{self.function('math_' + prim.name, _MATH[prim.name])}({', '.join(args)})"
        return None

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
        if node.shape == () and self.floats:
            return f"float({call})" if node.dtype == _F64 else call
        return f"{call}[()]" if node.shape == () and node.prim.view else call   # a 0-d view would see its buffer reused
