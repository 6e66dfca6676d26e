"""Where a call stands: inside a function that is being recorded, or inside another minimisation."""

import threading
from collections.abc import Callable
from typing import Any

from autodiff import Tracer, pytree, stand_ins


def depends_on_trace(args: Any) -> bool:
    """Whether some number in args is one that a derivative is being taken by."""
    return any(type(leaf) is Tracer for leaf in pytree.flatten(args)[0])


def being_recorded() -> bool:
    """Whether this thread is inside a function that is being recorded."""
    return bool(stand_ins.recordings())


def plainly(call: Callable, *args: Any) -> Any:
    """call(*args) outside of any recording under way, with plain arrays in place of traced ones."""
    with stand_ins.unpatched():
        return call(*(values(args) if depends_on_trace(args) else args))


_running = threading.local()


class Running:
    """What runs inside is nested: a minimisation there is part of the objective of another."""

    def __enter__(self) -> None:
        self.before, _running.now = is_nested(), True

    def __exit__(self, *error) -> None:
        _running.now = self.before


def is_nested() -> bool:
    """Whether this thread is inside a minimisation: its inner ones must not differ with how they are evaluated."""
    return getattr(_running, "now", False)


def values(tree: Any) -> Any:
    """The same tree with plain arrays in place of traced ones."""
    leaves, structure = pytree.flatten(tree)
    return pytree.unflatten(structure, [_value(leaf) for leaf in leaves])


def _value(leaf: Any) -> Any:
    while type(leaf) is Tracer:
        leaf = leaf.value
    return leaf
