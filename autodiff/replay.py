"""A graph run operation by operation, with the arithmetic of the code that is generated from it (kernels.py).

What answers while no code is trusted, and where Python's floats raise and NumPy would not: the same bits at a tenth of
the price of making code. See compile.py for the code.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from . import scalars
from .checkpoint import expanded
from .forms import is_view
from .graph import Graph, Node
from .interpreters import evaluate
from .kernels import kernel, plain
from .primitive import Tracer, is_traced
from .primitives import shape
from .scalars import F64
from .schedule import scheduled

_RAISED = (ZeroDivisionError, OverflowError, ValueError)      # by Python's floats


class Replay:
    """replay(*inputs) -> tuple of outputs, as `Program` gives them. checked : whether guards check."""

    def __init__(self, graph: Graph, inputs: Sequence[Node], outputs: Sequence, keep_guards: bool = True,
                 checked: bool = False):
        self.graph, self.inputs, self.outputs = graph, tuple(inputs), tuple(outputs)
        flat, given, results = expanded(graph, self.inputs, self.outputs, keep_guards)
        known = set(given)
        nodes = scheduled([n for n in flat.live(results, keep_guards, known) if n not in known], results)
        self._floats = scalars.are_floats((*given, *nodes))
        self._start: list = [None] * len(given)               # a register for each input, constant and node
        self._place = {n: k for k, n in enumerate(given)}
        self._constants: dict[int, int] = {}
        self._steps: list[tuple] = []
        for node in nodes:
            operands = tuple([self._register(i) for i in node.inputs])
            self._start.append(None)
            self._place[node] = len(self._start) - 1
            self._steps.append((len(self._start) - 1, kernel(node, self._floats, checked), operands, node))
        self._results = self._owned(known, results)
        self._dead = self._last_read()
        self._place = {}

    def _register(self, value) -> int:
        """The place of an operand; a constant of float64 is a Python float among Python floats."""
        if type(value) is Node:
            return self._place[value]
        place = self._constants.get(id(value))
        if place is None:
            self._start.append(self._constant(value))
            place = self._constants[id(value)] = len(self._start) - 1
        return place

    def _constant(self, value):
        if isinstance(value, Tracer):
            raise TypeError("a program cannot hold a value of an enclosing trace")
        return float(value) if self._floats and isinstance(value, np.float64) and math.isfinite(value) else value

    def _owned(self, known: set, results: Sequence) -> list[tuple]:
        """(node or None, place, whether it is copied) of each output: no two share storage, none that of an input."""
        out: list[tuple] = []
        seen: set[Node] = set()
        for value in results:
            if type(value) is not Node:
                out.append((None, self._register(value), np.ndim(value) > 0))
                continue
            root, stretched = value, False
            while is_view(root):
                stretched |= root.prim is shape.BROADCAST
                root = root.inputs[0]
            out.append((value, self._place[value], root in known or root in seen or stretched))
            seen.add(root)
        return out

    def _last_read(self) -> list[tuple]:
        """The registers that are read for the last time by each step: their values are forgotten."""
        kept = {place for _, place, _ in self._results} | set(self._constants.values())
        dead = []
        for place, _, operands, _ in reversed(self._steps):
            dead.append(tuple({k for k in (place, *operands) if k not in kept}))
            kept.update(dead[-1])
        return dead[::-1]

    def __call__(self, *values) -> tuple:
        registers = [*values, *self._start[len(values):]]
        for (place, run, operands, node), dead in zip(self._steps, self._dead):
            try:
                registers[place] = run(*[registers[k] for k in operands])
            except _RAISED:
                if not self._floats or scalars.template(node) is None:
                    raise
                registers[place] = plain(node, [registers[k] for k in operands])
            for k in dead:
                registers[k] = None
        return tuple([_result(node, registers[place], copied) for node, place, copied in self._results])

    def anywhere(self, *values) -> tuple:
        """The same where some values may belong to an enclosing trace."""
        return trace_through(self, values) if is_traced(values) else self(*values)


def trace_through(program, values: Sequence) -> tuple:
    """The outputs of a Replay or Program on values some of which belong to an enclosing trace."""
    known = dict(zip(program.inputs, values, strict=True))
    done = evaluate(program.graph, known, program.outputs, program.keep_guards)
    return tuple(v if type(v) is Tracer else float(v) if np.ndim(v) == 0 and np.asarray(v).dtype == F64
                 else np.array(v) for v in done)


def _result(node: Node | None, value, copied: bool):
    if node is None or node.shape != ():
        return np.array(value) if copied else value
    return float(value) if node.dtype == F64 else value
