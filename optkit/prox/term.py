"""What every added term answers, and what the terms share."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from optkit.checks import require
from optkit.point import Vector, freeze, norm, norm_inf

Shape = tuple[int, ...]
EPS = float(np.finfo(float).eps)
TRUSTED = 16 * EPS  # relative: what a projection may be off by, and what counts as inside a set


class Term(Protocol):
    """A convex function h of the flat unknowns, +inf outside its domain.

    value(x) : h(x), a float. prox(v, t) : a fresh array, the minimiser of h(x) + ‖x − v‖²/(2t), shape of v, for t > 0.
    is_set : h is 0 on a set and +inf outside, so that prox is the projection onto it.

    Three more are optional. residual(x, g) : what must vanish at a solution, x − prox(x − g, 1) without the rounding of
    x − g, and relative to the size of sets smaller than 1, inside which no step is long. on(shape) : the term for the
    entries of an array of that shape, laid out flat; raises ValueError where it does not fit. project(x) : where h has
    a domain without being a set, the projection onto it.
    """

    @property
    def is_set(self) -> bool: ...

    def value(self, x: Vector) -> float: ...

    def prox(self, v: Vector, t: float) -> Vector: ...


def length(v: Any) -> Any:
    """‖v‖₂, also of a vector that is being recorded for a derivative."""
    return norm(v) if type(v) is np.ndarray else np.sqrt(np.sum(v * v))


def largest(v: Any) -> Any:
    """max |v_i|, likewise."""
    return norm_inf(v) if type(v) is np.ndarray else np.max(np.abs(v))


def projection(term: Term | None) -> Callable[[Vector], Vector] | None:
    """The projection onto where the term is finite; None where that is everywhere."""
    if term is None:
        return None
    if term.is_set:
        return lambda x: term.prox(x, 1.0)
    return getattr(term, "project", None)


def residual(term: Term, x: Vector, g: Vector) -> Vector:
    """Its own residual, or x − prox(x − g, 1)."""
    own = getattr(term, "residual", None)
    return x - term.prox(x - g, 1.0) if own is None else own(x, g)


def fitted(term: Term, shape: Shape) -> Term:
    """The term for the entries of an array of that shape. Raises TypeError where it is no term."""
    for name in ("value", "prox", "is_set"):
        if not hasattr(term, name) or isinstance(term, type):
            raise TypeError(f"prox: need a term of optkit.prox or an object with value(x), prox(v, t) and is_set, got "
                            f"{term!r:.60}")
    on = getattr(term, "on", None)
    return term if on is None else on(shape)


def numbers(owner: str, name: str, value: Any) -> Any:
    """`value` as a float, or a read-only float64 array. Raises ValueError where an entry is not a finite number."""
    try:
        a = np.array(value, dtype=float)
    except (TypeError, ValueError):
        a = np.empty(0)
    require(owner, a.size > 0 and bool(np.isfinite(a).all()), f"finite {name}", **{name: value})
    return float(a) if a.ndim == 0 else freeze(a)


def nonnegative(owner: str, name: str, value: Any) -> Any:
    """As `numbers`, all of them >= 0."""
    a = numbers(owner, name, value)
    require(owner, bool(np.all(np.asarray(a) >= 0)), f"{name} >= 0", **{name: value})
    return a


def positive(owner: str, name: str, value: Any) -> float:
    """One finite number > 0."""
    a = numbers(owner, name, value)
    require(owner, type(a) is float and a > 0, f"one number {name} > 0", **{name: value})
    return a


def spread(owner: str, name: str, value: Any, shape: Shape) -> Any:
    """A number as it is; an array as one flat entry for each of an array of `shape`."""
    if np.ndim(value) == 0:
        return value
    size = int(np.prod(shape))
    if np.ndim(value) == 1 and np.size(value) == size:
        return freeze(np.array(value))
    try:
        return freeze(np.broadcast_to(value, shape).ravel())
    except ValueError:
        raise ValueError(f"{owner}: {name} of shape {np.shape(value)} does not fit unknowns of shape {shape}; give one "
                         "number, or an array of their shape") from None


def proximal(term: Term | None) -> Callable[[Vector, float], Vector]:
    """Its prox; where nothing is added, v itself."""
    return (lambda v, t: v) if term is None else term.prox


def shrink(v: Vector, by: Any) -> Vector:
    """sign(v)·max(|v| − by, 0), rounded once."""
    return v - np.clip(v, -by, by)
