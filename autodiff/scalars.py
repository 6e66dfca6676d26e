"""0-d values in generated code: expressions in Python floats and `math`, without a call of NumPy."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np

from .graph import Node

F64 = np.dtype(np.float64)
_INFIX = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "less": "<", "less_equal": "<=", "greater": ">",
          "greater_equal": ">=", "equal": "==", "not_equal": "!=", "bitwise_and": "&", "bitwise_or": "|"}
_LOGIC = frozenset(_INFIX) - {"add", "subtract", "multiply", "divide"} | {"stop_gradient"}
_MATH: dict[str, Callable] = {
    "sqrt": math.sqrt, "exp": math.exp, "log": math.log, "log1p": math.log1p, "expm1": math.expm1, "sin": math.sin,
    "cos": math.cos, "tan": math.tan, "tanh": math.tanh, "sinh": math.sinh, "cosh": math.cosh, "arctan": math.atan,
    "arcsin": math.asin, "arccos": math.acos, "power": math.pow, "absolute": abs, "log2": math.log2,
    "arctan2": math.atan2, "arcsinh": math.asinh, "norm_root": math.sqrt}
_TEMPLATES = {"square": "({0} * {0})", "negative": "(-{0})", "positive": "{0}", "where": "({1} if {0} else {2})",
              "maximum": "({0} if {0} >= {1} or {0} != {0} else {1})",
              "minimum": "({0} if {0} <= {1} or {0} != {0} else {1})",
              "reciprocal": "(1.0 / {0})", "reciprocal_or_zero": "(1.0 / {0} if {0} != 0.0 else 0.0)"}
_TEMPLATES |= {name: f"({{0}} {sign} {{1}})" for name, sign in _INFIX.items()}
_REPEATING = ("square", "maximum", "minimum", "reciprocal_or_zero")     # would compute an operand's expression twice
LONGEST = 100                                     # characters of an expression that is written into another


def are_floats(nodes) -> bool:
    """Whether 0-d float64 may be Python floats: beside float32 they would lose their precision (NEP 50)."""
    return all(n.dtype == F64 or n.dtype.kind in "biu" or n.dtype.kind == "c" and n.shape != ()
               for n in nodes if not isinstance(n.dtype, tuple))


def template(node: Node) -> str | None:
    """The expression for a node, with {0}, {1}, … for its operands; a call of `math` has no brackets. Else None."""
    name = node.prim.name
    if node.shape != () or not all(map(_plain, (node, *node.inputs))):
        return None
    if node.dtype == np.bool_ and name not in _LOGIC:            # True + True is True in NumPy, 2 in Python
        return None
    return _TEMPLATES.get(name) or ("{f}(" + ", ".join(f"{{{k}}}" for k in range(len(node.inputs))) + ")"
                                    if name in _MATH else None)


def _plain(value) -> bool:
    if type(value) is Node:
        return value.shape == () and (value.dtype == F64 or value.dtype == np.bool_)
    return isinstance(value, (float, int))


def math_function(node: Node) -> Callable | None:
    """What {f} stands for."""
    return _MATH.get(node.prim.name)


def function(node: Node) -> Callable:
    """The expression of a node that has one, as a function of its operands."""
    return _function(node.prim.name, len(node.inputs), template(node))


@functools.cache
def _function(name: str, arity: int, form: str) -> Callable:
    operands = [f"x{k}" for k in range(arity)]
    return eval(f"lambda {', '.join(operands)}: {form.format(*operands, f='f')}", {"f": _MATH.get(name)})


def takes_expressions(node: Node) -> bool:
    """Whether operands may be expressions: it has a template, and names each of them once."""
    return node.prim.name not in _REPEATING and template(node) is not None
