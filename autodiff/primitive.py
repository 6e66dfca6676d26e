"""A primitive is one row of truth: how an operation is evaluated, shaped, differentiated and tested."""

import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .errors import asks_for_user

COMPLEX = (np.dtype(np.complex128), np.dtype(np.complex64))
NO_PARAMS: dict[str, Any] = {}
PRIMITIVES: dict[str, "Primitive"] = {}     # name -> row
UFUNCS: dict[Any, "Primitive"] = {}         # ufunc -> its elementwise row
FUNCTIONS: dict[Any, Callable] = {}         # NumPy function (NEP 18) -> the function that answers for it
LATER: dict[str, dict[str, Callable]] = {}  # the same by module and name, for modules that take long to import


class Primitive:
    """One operation. One of `partials`, `transpose`, `jvp`, `vjp`, `expand` states its derivative.

    evaluate(*inputs, **params)            value on plain arrays
    shape(*inputs, **params)               (shape, dtype); inputs are anything with .shape/.dtype, or Python scalars
    partials[i](out, *inputs)              elementwise: d out / d input_i; None where it is zero
    transpose[i](ct, *inputs, **params)    linear in input i (the others fixed): the adjoint map; None where zero
    jvp(out, inputs, tangents, **params)   anything else: the tangent of out, in traced operations; tangents may be None
                                           (beside a transpose: for the inputs in which the operation is not linear)
    vjp(ct, out, inputs, wanted, **params) the cotangents of the inputs (of those wanted), linear in ct; None is zero
    expand(*inputs, **params)              a composite: its definition in traced operations
    multilinear                            linear in each input alone (a product), not in all of them together (a sum)
    view, alias                            the value shares its first input's memory; is its first input
    complex(*inputs)                       what a row that is not holomorphic stands for where an input is complex
    registered                             in the table, under a name of its own; a user's rows are not
    samples                                argument tuples (or (args, params) pairs) at which the tests check the row
    """

    __slots__ = ("name", "evaluate", "shape", "partials", "transpose", "jvp", "expand", "samples", "ufunc", "view",
                 "multilinear", "alias", "complex", "vjp", "backward")

    def __init__(self, name: str, evaluate: Callable, shape: Callable, *, partials=None, transpose=None, jvp=None,
                 vjp=None, expand=None, samples: tuple = (), ufunc=None, view: bool = False, multilinear: bool = False,
                 alias: bool = False, registered: bool = True):
        if registered and name in PRIMITIVES:
            raise ValueError(f"primitive: {name!r} is already registered; choose another name")
        if sum(rule is not None for rule in (partials, transpose or jvp, vjp, expand)) != 1:
            raise ValueError(f"primitive {name!r}: state its derivative once: one of partials, transpose, jvp, vjp, "
                             "expand")
        self.name, self.evaluate, self.shape = name, evaluate, shape
        self.partials, self.transpose, self.jvp, self.vjp, self.expand = partials, transpose, jvp, vjp, expand
        self.samples, self.ufunc, self.view, self.multilinear = samples, ufunc, view or alias, multilinear
        self.alias = alias
        self.complex: Callable | None = None
        self.backward: Callable | None = None     # (checkpoint.py) cotangents by running the operation again
        if registered:
            PRIMITIVES[name] = self

    def __call__(self, *args, **params):
        return bind(self, args, params)

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self):
        return PRIMITIVES.__getitem__, (self.name,)


def implements(*functions) -> Callable[[Callable], Callable]:
    """Register the decorated function as the answer to these NumPy functions when an argument is traced."""
    def register(answer: Callable) -> Callable:
        for function in functions:
            FUNCTIONS[function] = answer
        return answer
    return register


def implements_in(module: str, *names: str) -> Callable[[Callable], Callable]:
    """The same for functions of a module that is imported by those who use it."""
    def register(answer: Callable) -> Callable:
        LATER.setdefault(module, {}).update(dict.fromkeys(names, answer))
        return answer
    return register


def bind(prim: Primitive, args: tuple, params: dict = NO_PARAMS):
    """Apply a primitive: record it on the innermost graph among its arguments, or evaluate it on plain values."""
    graph = None
    for a in args:
        if type(a) is Tracer and (graph is None or a.graph.serial > graph.serial):
            graph = a.graph
    if graph is None:
        return prim.evaluate(*args, **params)
    if prim.complex is not None and any(map(_is_complex, args)):
        return prim.complex(*args, **params)
    return graph.record(prim, args, params)


def _is_complex(a) -> bool:
    return (a.node.dtype if type(a) is Tracer else getattr(a, "dtype", None)) in COMPLEX or type(a) is complex


class Tracer:
    """Stands for a value while a function is recorded (methods and operators are installed by trace.py)."""

    __slots__ = ("graph", "node", "value", "base", "writeback", "views", "boxed", "__weakref__")

    def __init__(self, graph, node, value):
        self.graph, self.node, self.value = graph, node, value
        self.base = self.writeback = self.views = None
        self.boxed = False                   # stands for a 0-d array, which += writes into, and not for a number

    @property                                              # type: ignore[misc]
    def __class__(self):
        """What isinstance sees in the user's code: the array, or the NumPy scalar, that the tracer stands for."""
        if not asks_for_user(sys._getframe(1)):
            return Tracer
        return np.ndarray if self.node.shape else self.node.dtype.type


CARRIERS: set[type] = {Tracer}              # types of which an argument makes a SciPy function answer from FUNCTIONS


def shape_of(a) -> tuple[int, ...]:
    """Shape of a tracer, node, array or Python scalar."""
    if type(a) is Tracer:
        return a.node.shape
    return () if isinstance(a, (float, int, complex)) else a.shape


def is_traced(values: Iterable) -> bool:
    return any(type(v) is Tracer for v in values)
