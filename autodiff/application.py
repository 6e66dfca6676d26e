"""One call of a function with a derivative by hand: its arguments taken apart, its rules applied and checked."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import creators, pytree, stand_ins
from .errors import GuardMiss, TraceError, defined_at
from .interpreters.forward import bind_item, zeros
from .interpreters.reverse import unbroadcast
from .primitive import Primitive, Tracer, is_traced, shape_of
from .primitives.shape import broadcast_to
from .recording import NUMERIC, is_data

if TYPE_CHECKING:
    from .custom import Custom


class Fixed:
    """A static argument: plain values are compared, other objects are themselves."""

    __slots__ = ("value", "key")

    def __init__(self, value: Any):
        self.value, self.key = value, (type(value), value) if isinstance(value, _PLAIN) else id(value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fixed) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


_PLAIN = (int, str, bytes, types.NoneType, np.generic, range)


class Application:
    """One way of calling a custom function: structure and static values of its arguments, shapes of its outputs.

    Two are equal where they stand for the same operation. `out` is found when the function is first evaluated.
    """

    __slots__ = ("function", "structure", "static", "variable", "out")

    def __init__(self, function: Custom, structure, static: tuple, variable: tuple[bool, ...]):
        self.function, self.structure, self.static, self.variable = function, structure, static, variable
        self.out: tuple | None = None             # (structure, shapes, dtypes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Application) and self.function is other.function and (
            self.structure, self.static) == (other.structure, other.static)

    def __hash__(self) -> int:
        return hash((id(self.function), self.structure, self.static))

    def __repr__(self) -> str:
        return self.function.__name__

    # --- values ------------------------------------------------------------------------------------------------------

    def arguments(self, inputs: Sequence) -> tuple:
        """The arguments of f with these inputs."""
        given = iter(inputs)
        return pytree.unflatten(self.structure, [
            next(given) if v else s.value for v, s in zip(self.variable, self.static)])

    def evaluate(self, inputs: Sequence):
        """f on copies (it may write into them), its outputs copied (it may keep them)."""
        with stand_ins.unpatched():
            out = self.function.__wrapped__(*self.arguments([np.array(i)[()] for i in inputs]))
        leaves, structure = pytree.flatten(out)
        arrays = tuple([self._output(leaf) for leaf in leaves])
        found = (structure, tuple([a.shape for a in arrays]), tuple([a.dtype for a in arrays]))
        if self.out is None:
            self.out = found
        elif self.out != found:                   # another recording, for outputs of this shape
            raise GuardMiss
        return arrays if len(arrays) != 1 else arrays[0]

    def _output(self, leaf):
        if type(leaf) is Tracer:
            raise TraceError(f"{self.function} uses a traced value that is not among its arguments",
                             "pass it as an argument, with a rule of its own")
        array = np.array(leaf)
        if array.dtype.kind not in NUMERIC:
            raise TypeError(f"{self.function} must return numbers or arrays of them, got {type(leaf).__name__} "
                            f"{leaf!r:.60}{defined_at(self.function.__wrapped__)}")
        return array[()]

    def type_of(self, inputs: Sequence):
        """(shape, dtype) of the output; tuples of them where there are several. Unknown yet: f is asked, at ones."""
        if self.out is None:
            try:
                with np.errstate(all="ignore"):
                    self.evaluate([np.ones(shape_of(i), getattr(i, "dtype", float)) for i in inputs])
            except Exception as trouble:
                raise TraceError(f"{self.function} is called by a rule, and its shape is needed: at ones it fails with "
                                 f"{type(trouble).__name__}: {trouble}",
                                 "let it return something of the right shape there") from trouble
        assert self.out is not None
        _, shapes, dtypes = self.out
        return (shapes, dtypes) if len(shapes) != 1 else (shapes[0], dtypes[0])

    def restore(self, out):
        """What f returns, from the operation's value."""
        call = out.node.params.get("call", self) if type(out) is Tracer else self        # (an equal one may be there)
        structure, shapes, _ = call.out
        if len(shapes) == 1:
            return pytree.unflatten(structure, [out])
        return pytree.unflatten(structure, [bind_item(out, k) for k in range(len(shapes))])

    def outputs(self, parts) -> Any:
        """Values, tangents or cotangents of the outputs in the structure of f's return value."""
        assert self.out is not None
        structure, shapes, _ = self.out
        return pytree.unflatten(structure, [parts] if len(shapes) == 1 else [
            zeros(shape) if part is None else part for part, shape in zip(parts, shapes)])

    def run(self, rule: Callable, *args):
        """A rule, on traced values or plain ones; NumPy's creators take traced values there too."""
        if not is_traced(pytree.flatten(args)[0]):
            return rule(*args)
        with creators.patched(rule, _RULE):
            return rule(*args)

    # --- rules -------------------------------------------------------------------------------------------------------

    def tangent(self, out, inputs: Sequence, tangents: Sequence):
        """The tangent of the output (a tuple of them where there are several); None is zero."""
        assert self.out is not None
        function, args, out = self.function, self.arguments(inputs), self.outputs(out)
        moved = [zeros(shape_of(i)) if t is None else t for i, t in zip(inputs, tangents)]
        kind, *rules = function.rules
        directions = pytree.unflatten(self.structure, self._scattered(moved))
        if kind == "whole":
            pair = self.run(rules[0], args, directions)
            if not isinstance(pair, tuple) or len(pair) != 2:
                raise function.error(rules[0], f"returned {show(pair)}", "return (out, tangent of out)")
            parts = [self._tangent_of(rules[0], pair[1])]
        else:
            self._count(rules)
            moving = self._arguments_with([t is not None for t in tangents])
            parts = [self._tangent_of(rules[k], self.run(rules[k], directions[k], out, *args))
                     for k in moving if rules[k] is not None]
        total = [_sum(column) for column in zip(*parts, strict=True)] or [None] * len(self.out[1])
        return tuple(total) if len(total) != 1 else total[0]

    def _tangent_of(self, rule: Callable, made) -> list:
        assert self.out is not None
        leaves, structure = pytree.flatten(made)
        expected, shapes, dtypes = self.out
        if structure != expected:
            raise self.function.error(rule, f"returned {show(made)} for a tangent",
                                      f"return a tangent of the structure of its output, {_text(expected)}")
        return [self._leaf(rule, leaf, shape, shape, "tangent") if dtype.kind in "fc" else None
                for leaf, shape, dtype in zip(leaves, shapes, dtypes, strict=True)]

    def cotangents(self, ct, out, inputs: Sequence, wanted: Sequence[int]) -> list:
        """The cotangents of the inputs; None is zero. ct : of the output, a list where there are several."""
        function, args = self.function, self.arguments(inputs)
        ct, kind, *rules = self.outputs(ct), *function.rules
        if kind == "whole":
            forward, backward = rules
            pair = self.run(forward, *args)
            if not isinstance(pair, tuple) or len(pair) != 2:
                raise function.error(forward, f"returned {show(pair)}", "return (out, what the backward rule needs)")
            made = self.run(backward, pair[1], ct)
            if not isinstance(made, (tuple, list)) or len(made) != len(args):
                raise function.error(backward, f"returned {show(made)}",
                                     f"return a tuple of {len(args)} cotangent(s), one for each argument")
            chosen = [(backward, part) for part in made]
        else:
            self._count(rules)
            moving, out = self._arguments_with([k in wanted for k in range(len(inputs))]), self.outputs(out)
            chosen = [(rule, 0.0 if rule is None or k not in moving else self.run(rule, ct, out, *args))
                      for k, rule in enumerate(rules)]
        found = []
        for number, (arg, (rule, part)) in enumerate(zip(args, chosen, strict=True)):
            found += self._cotangent_of(rule, part, number, arg)
        return [c for c, v in zip(found, self.variable, strict=True) if v]

    def _cotangent_of(self, rule, part, number: int, arg) -> list:
        """Of one argument, by leaf."""
        assert self.out is not None
        (leaves, structure), likes, expected = pytree.flatten(part), pytree.flatten(arg)[0], self.structure[1][number]
        if structure != expected:
            if not (structure == pytree.LEAF and (_is_zero(part) or not _has_data(arg))):
                raise self.function.error(rule, f"returned {show(part)} for argument {number}",
                                          f"return a cotangent of the structure of the argument, {_text(expected)}")
            leaves = [0.0] * len(likes)
        return [self._leaf(rule, leaf, shape_of(like), set(self.out[1]), f"cotangent of argument {number}")
                if is_data(like) else None for leaf, like in zip(leaves, likes, strict=True)]

    def _leaf(self, rule, value, shape: tuple[int, ...], allowed, what: str):
        """A tangent or cotangent, checked; None for a zero. A cotangent of an output's shape is summed to its own."""
        if _is_zero(value):
            return None
        if value is None or isinstance(value, str) or not hasattr(value, "dtype") and not np.isscalar(value):
            raise self.function.error(rule, f"returned {show(value)} as {what}",
                                      f"return an array of shape {shape} (0.0 for zero)")
        found = shape_of(value)
        if found == shape:
            return value
        if isinstance(allowed, tuple) and stretches(found, shape):
            return broadcast_to(value, shape)
        if isinstance(allowed, set) and found in allowed and stretches(shape, found):
            return unbroadcast(value, found, shape)
        raise self.function.error(rule, f"returned an array of shape {found} as {what}", f"return one of shape {shape}")

    def _count(self, rules: Sequence) -> None:
        if len(rules) != len(self.structure[1]):
            raise TraceError(f"{self.function} has {len(rules)} rule(s) and is called with {len(self.structure[1])} "
                             "argument(s)", "give one rule for each argument, None for a derivative of zero")

    def _scattered(self, parts: Sequence) -> list:
        given = iter(parts)
        return [next(given) if v else None for v in self.variable]

    def _arguments_with(self, marks: Sequence[bool]) -> list[int]:
        """The arguments that have an input with a mark."""
        trees = pytree.unflatten(self.structure, [bool(mark) for mark in self._scattered(marks)])
        return [k for k, tree in enumerate(trees) if any(pytree.flatten(tree)[0])]


class _Rule:
    """Stands in for a recording while a rule runs: new arrays are plain there."""

    def constant(self, value):
        return value


_RULE = _Rule()


def stretches(small: tuple[int, ...], full: tuple[int, ...]) -> bool:
    """Whether NumPy broadcasts one shape to the other."""
    return len(small) <= len(full) and all(a in (1, b) for a, b in zip(small[::-1], full[::-1]))


def _is_zero(value) -> bool:
    return isinstance(value, (int, float)) and value == 0


def _has_data(tree) -> bool:
    return any(is_data(leaf) for leaf in pytree.flatten(tree)[0])


def _sum(parts: Sequence):
    present = [part for part in parts if part is not None]
    return functools.reduce(lambda a, b: a + b, present) if present else None


def show(value) -> str:
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of {len(value)}"
    if hasattr(value, "dtype"):
        return f"an array of shape {shape_of(value)}"
    return f"{type(value).__name__} {value!r:.40}"


def _text(structure) -> str:
    if structure == pytree.LEAF:
        return "one array"
    kind, parts = structure
    return f"a {kind.__name__} of {len(parts)}"


CUSTOM_JVP = Primitive("custom_jvp", lambda *inputs, call: call.evaluate(inputs),
                       lambda *inputs, call: call.type_of(inputs),
                       jvp=lambda out, inputs, tangents, call: call.tangent(out, inputs, tangents))
CUSTOM_VJP = Primitive("custom_vjp", CUSTOM_JVP.evaluate, CUSTOM_JVP.shape,
                       vjp=lambda ct, out, inputs, wanted, call: call.cotangents(ct, out, inputs, wanted))
