"""Derivatives by hand: `custom_jvp`, `custom_vjp` for any function, `elementwise` for a row of partial derivatives.

The function itself is called on plain arrays, so it may be code that cannot be traced; its rules are NumPy, so they are
differentiated again. Both kinds give both modes: a rule is linear, in the tangents or in the cotangents, and is run
backwards for the other mode (Radul, Paszke, Frostig, Johnson & Maclaurin 2023, You Only Linearize Once).
"""

from __future__ import annotations

import functools
import inspect
import itertools
import re
import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import pytree, stand_ins
from .application import CUSTOM_JVP, CUSTOM_VJP, Application, Fixed, show, stretches
from .errors import TraceError, defined_at
from .primitive import Primitive, Tracer, bind, is_traced, shape_of
from .primitives.elementwise import broadcast, float_type
from .recording import is_data


class Custom:
    """A function that brings its own derivative; called with traced values it is one operation of the graph."""

    row: Primitive                                # its kind
    needs: str

    def __init__(self, f: Callable):
        if not callable(f):
            raise TypeError(f"{type(self).__name__}: need a function, got {type(f).__name__} {f!r:.60}")
        functools.update_wrapper(self, f)
        self.__wrapped__ = f
        self.__name__: str = getattr(f, "__name__", type(f).__name__)
        self.rules: tuple = ()
        self._parameters = _positional(f)

    def __get__(self, owner, kind=None):
        return self if owner is None else types.MethodType(self, owner)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.__name__}>"

    def __call__(self, *args, **kwargs):
        args = self._by_position(args, kwargs)
        leaves, structure = pytree.flatten(args)
        if not is_traced(leaves):
            return self.__wrapped__(*args)
        if not self.rules:
            raise TraceError(f"{self} has no rule yet", f"give it one after its definition: {self.needs}")
        variable = [is_data(leaf) for leaf in leaves]
        static = tuple([None if v else Fixed(leaf) for v, leaf in zip(variable, leaves)])
        application = Application(self, structure, static, tuple(variable))
        out = bind(self.row, tuple(itertools.compress(leaves, variable)), {"call": application})
        return application.restore(out)

    def _by_position(self, args: tuple, kwargs: dict[str, Any]) -> tuple:
        """Rules take arguments by position: names and defaults are resolved here."""
        if not kwargs and (self._parameters is None or len(args) >= self._parameters):
            return args
        bound = inspect.signature(self.__wrapped__).bind(*args, **kwargs)
        bound.apply_defaults()
        if bound.kwargs:
            raise TypeError(f"{self}: keyword-only arguments ({', '.join(bound.kwargs)}) have no place in a rule; "
                            "make them positional")
        return bound.args

    def _per_argument(self, rules: Sequence) -> None:
        for number, rule in enumerate(rules):
            if rule is not None and not callable(rule):
                raise TypeError(f"{self}: rule {number} must be a function, or None for a derivative of zero, got "
                                f"{type(rule).__name__} {rule!r:.60}")
        if self._parameters is not None and len(rules) != self._parameters:
            raise TypeError(f"{self}: need one rule for each of its {self._parameters} arguments (None for a "
                            f"derivative of zero), got {len(rules)}")
        self.rules = ("each", *rules)

    def error(self, rule: Callable, what: str, remedy: str) -> TraceError:
        return TraceError(f"{self}: its rule {what}{defined_at(rule)}", remedy)


def _positional(f: Callable) -> int | None:
    """How many arguments a function takes; None where that is open."""
    if isinstance(f, np.ufunc):
        return f.nin
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):               # a builtin without a signature
        return None
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return None
    return sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)


class custom_jvp(Custom):  # noqa: N801 - a decorator
    """Decorator: f with a tangent rule given by `defjvp` or `defjvps`; reverse mode is its transpose.

    Arguments may be nested; those that are no arrays or floats are static. Raises TraceError naming f and the rule
    where a rule returns the wrong thing.
    """

    row, needs = CUSTOM_JVP, "f.defjvp(lambda primals, tangents: (out, tangent))"

    def defjvp(self, rule: Callable) -> Callable:
        """rule(primals, tangents) -> (out, tangent of out): linear in tangents (tuples like the arguments; None for
        static ones). f(*primals) inside it costs nothing: it is known."""
        self.rules = ("whole", rule)
        return rule

    def defjvps(self, *rules: Callable | None) -> None:
        """rules[k](tangent, out, *args): the tangent of out when argument k alone moves; None where it is zero."""
        self._per_argument(rules)


class custom_vjp(Custom):  # noqa: N801
    """Decorator: f with a cotangent rule given by `defvjp` or `defvjps`; forward mode is its transpose.

    A cotangent of the output's shape is summed to the shape of a smaller argument that was broadcast.
    """

    row, needs = CUSTOM_VJP, "f.defvjps(lambda ct, out, *args: cotangent of argument 0, …)"

    def defvjp(self, forward: Callable, backward: Callable) -> None:
        """forward(*args) -> (out, residuals); backward(residuals, ct) -> a tuple of cotangents, one an argument."""
        self.rules = ("whole", forward, backward)

    def defvjps(self, *rules: Callable | None) -> None:
        """rules[k](ct, out, *args): the cotangent of argument k; None where the derivative is zero."""
        self._per_argument(rules)


_number = itertools.count()


class elementwise:  # noqa: N801
    """A function that works entry by entry, and its partial derivatives: partials[k](out, *inputs), None where zero.

        swish = ad.elementwise(lambda x: x * expit(x), lambda y, x: expit(x) * (1 + x - y))

    Inputs broadcast; 0·∞ = 0 in chains as for NumPy's own functions. Raises TypeError where f changes shapes.
    """

    def __init__(self, f: Callable, *partials: Callable | None, name: str | None = None):
        functools.update_wrapper(self, f)
        self.__wrapped__, self.rules = f, partials
        self.__name__: str = name if name is not None else getattr(f, "__name__", "elementwise")
        checked = tuple([p and functools.partial(_partial, p, self.__name__) for p in partials])
        unique = f"{re.sub(r'[^0-9a-zA-Z]', '_', self.__name__)}_{next(_number)}"
        self.row = Primitive(unique, functools.partial(_entrywise, f, self.__name__),
                             lambda *inputs: (broadcast(*inputs), float_type(*inputs)), partials=checked,
                             registered=False)

    def __call__(self, *inputs):
        if not is_traced(inputs):
            return self.__wrapped__(*inputs)
        if len(inputs) != len(self.rules):
            raise TypeError(f"{self.__name__}: takes {len(self.rules)} input(s), one for each partial, "
                            f"got {len(inputs)}")
        return bind(self.row, tuple([i if type(i) is Tracer else np.asarray(i)[()] for i in inputs]))

    def __repr__(self) -> str:
        return f"<elementwise {self.__name__}>"


def _entrywise(f: Callable, name: str, *inputs):
    shape, dtype = broadcast(*inputs), float_type(*inputs)
    with stand_ins.unpatched():
        out = np.asarray(f(*[np.asarray(i)[()] for i in inputs]))
    if out.shape != shape:
        raise TypeError(f"{name}: an elementwise function of inputs that broadcast to {shape} returned shape "
                        f"{out.shape}{defined_at(f)}")
    own = out.dtype != dtype or not any(isinstance(i, np.ndarray) and np.may_share_memory(i, out) for i in inputs)
    return out.astype(dtype, copy=not own)[()]


def _partial(partial: Callable, name: str, out, *inputs):
    made = partial(out, *inputs)
    if made is None or not hasattr(made, "dtype") and not np.isscalar(made):
        raise TraceError(f"{name}: a partial derivative returned {show(made)}{defined_at(partial)}",
                         "return numbers that broadcast to the output (None in place of the rule means zero)")
    if not stretches(shape_of(made), shape_of(out)):
        raise TraceError(f"{name}: a partial derivative returned {show(made)}{defined_at(partial)}",
                         f"return one that broadcasts to the output's shape {shape_of(out)}")
    return made
