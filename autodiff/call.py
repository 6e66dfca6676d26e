"""The arguments of one call, taken apart: which leaves are inputs of the graph, under which key the call is kept."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import pytree
from .primitive import Tracer, is_traced
from .recording import as_input, concrete, is_data

_VALUES = (int, str, bytes, type(None), np.generic, range, type(Ellipsis))


class Call:
    """One call: `leaves` are the inputs, `wrt` the numbers of those that are differentiated, `objects` what is neither
    an input nor a plain value, `key` the signature (structure, shapes, dtypes, static values)."""

    __slots__ = ("args", "argnum", "leaves", "structures", "key", "wrt", "objects", "_inputs")

    def __init__(self, args: tuple, argnum: int):
        if not isinstance(argnum, (int, np.integer)):
            raise TypeError(f"autodiff: argnum must be one integer, got {argnum!r}; to differentiate several "
                            "arguments, pass them as one tuple or dict")
        if not -len(args) <= argnum < len(args):
            raise TypeError(f"autodiff: argnum={argnum} but the call has {len(args)} argument(s)")
        self.args, self.argnum = args, argnum % len(args)
        self.leaves: list = []
        self.objects: list = []
        self.structures: list = []
        self._inputs: list[bool] = []              # of every leaf, whether it is an input
        parts: list = []
        for number, arg in enumerate(args):
            found, structure = pytree.flatten(arg)
            self.structures.append(structure)
            start = len(self.leaves)
            for leaf in found:
                parts.append(self._leaf(leaf, number == self.argnum))
            if number == self.argnum:
                self.wrt = range(start, len(self.leaves))
        self.key = (tuple(self.structures), tuple(parts))

    def _leaf(self, leaf: Any, differentiated: bool):
        """Keep a leaf; its part of the key."""
        is_input = differentiated or is_data(leaf)
        self._inputs.append(is_input)
        if is_input:
            if type(leaf) is not Tracer:
                leaf = as_input(leaf) if differentiated else concrete(leaf)
            self.leaves.append(leaf)
            return leaf.shape, leaf.dtype
        if isinstance(leaf, _VALUES):
            return type(leaf), leaf
        self.objects.append(leaf)
        return _Identity(leaf)

    @property
    def traced(self) -> bool:
        """Whether the call happens inside another trace."""
        return is_traced(self.leaves)

    @property
    def single(self) -> bool:
        """Whether the call is f(array)."""
        return len(self.args) == 1 and self.structures[0] == pytree.LEAF

    def plain(self) -> list:
        """The arguments as f gets them when nobody traces it: copies, numbers as NumPy scalars."""
        inputs, wanted, out = iter(self.leaves), iter(self._inputs), []
        for arg, structure in zip(self.args, self.structures, strict=True):
            leaves = [np.array(next(inputs))[()] if next(wanted) else leaf for leaf in pytree.flatten(arg)[0]]
            out.append(pytree.unflatten(structure, leaves))
        return out

    def restore(self, grads: list):
        """Gradients in the structure of the differentiated argument."""
        return pytree.unflatten(self.structures[self.argnum], grads)

    def directions(self, v) -> list:
        """The leaves of a tangent of the differentiated argument, checked against it."""
        structure = self.structures[self.argnum]
        given, found = ([v], structure) if structure == pytree.LEAF else pytree.flatten(v)
        if found != structure:
            raise ValueError("direction: need the structure of the argument (the same keys and lengths), got "
                             f"{type(v).__name__} {v!r:.60}")
        return [direction(part, self.leaves[k]) for part, k in zip(given, self.wrt, strict=True)]


class _Identity:
    """Key of a static object: the object itself, kept alive."""

    __slots__ = ("value",)

    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return isinstance(other, _Identity) and self.value is other.value

    def __hash__(self):
        return id(self.value)


def direction(v, like):
    """A tangent in the shape and dtype of its input, an array or a tracer."""
    if type(v) is np.ndarray and v.dtype == like.dtype and v.shape == like.shape:
        return v
    if type(v) is not Tracer:
        given = v
        v = np.asarray(v)
        if v.dtype.kind not in ("fiubc" if like.dtype.kind == "c" else "fiub"):
            raise TypeError(f"direction: need real numbers, got {type(given).__name__} {given!r:.60}")
        v = v.astype(like.dtype)
    if v.shape != like.shape:
        raise ValueError(f"direction: need the shape of the argument, {like.shape}, got {v.shape}")
    return v
