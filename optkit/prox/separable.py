"""Terms for parts of the unknowns, and the terms a user hands in, made to fit the structure of x0."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from optkit.point import Vector
from optkit.prox.term import Shape, Term, fitted, projection, residual


@dataclass(frozen=True)
class Separable:
    """Σ_k h_k(x[start_k:stop_k]): each term has its own stretch of the flat unknowns, the others are free.

    parts : ((start, stop, term), ...), disjoint. Where x0 is a dict or list, say prox={"W": L1(0.1), "b": None}.
    """

    parts: tuple[tuple[int, int, Term], ...]

    def __post_init__(self):
        end = 0
        for start, stop, _ in sorted(self.parts, key=lambda part: part[0]):
            if not end <= start < stop:
                raise ValueError(f"Separable: need disjoint parts with start < stop, got {start} to {stop} after {end}")
            end = stop

    @property
    def is_set(self) -> bool:
        return all(term.is_set for _, _, term in self.parts)

    def on(self, shape: Shape) -> "Separable":
        n = int(np.prod(shape))
        for start, stop, _ in self.parts:
            if stop > n:
                raise ValueError(f"Separable: the part {start} to {stop} does not fit {n} unknowns")
        return Separable(tuple((start, stop, fitted(term, (stop - start,))) for start, stop, term in self.parts))

    def value(self, x: Vector) -> float:
        return math.fsum(term.value(x[start:stop]) for start, stop, term in self.parts)

    def prox(self, v: Vector, t: float) -> Vector:
        x = v.copy()
        for start, stop, term in self.parts:
            x[start:stop] = term.prox(v[start:stop], t)
        return x

    def residual(self, x: Vector, g: Vector) -> Vector:
        r = g.copy()
        for start, stop, term in self.parts:
            r[start:stop] = residual(term, x[start:stop], g[start:stop])
        return r

    def project(self, x: Vector) -> Vector:
        """Onto the domain: each part onto its own."""
        inside = x.copy()
        for start, stop, term in self.parts:
            onto = projection(term)
            if onto is not None:
                inside[start:stop] = onto(x[start:stop])
        return inside


def as_term(given: Any, x0: Any) -> Term | None:
    """The term for x0, checked: a term for all of it, or a dict or list like x0 with a term or None for each entry.

    An entry left out is free, and a term may stand for a whole branch. Raises ValueError where sizes do not fit or a
    key is not in x0, TypeError where something is no term.
    """
    if given is None:
        return None
    if not isinstance(given, Mapping | list | tuple):
        return fitted(given, _shape(x0))
    parts: list[tuple[int, int, Term]] = []
    _collect(given, x0, 0, "x0", parts)
    return Separable(tuple(parts)) if parts else None


def _collect(given: Any, x0: Any, start: int, where: str, parts: list) -> None:
    """Appends the (start, stop, term) of `given`, for the branch x0 that starts at `start` of the flat unknowns."""
    if given is None:
        return
    if not isinstance(given, Mapping | list | tuple):
        parts.append((start, start + _size(x0), fitted(given, _shape(x0))))
        return
    given, x0 = _entries(given), _entries(x0)
    if not isinstance(x0, Mapping) and not given:
        raise ValueError(f"prox: {where} is no dict, list or tuple; give one term for all of it, or None")
    if not isinstance(x0, Mapping) or not set(given) <= set(x0):
        unknown = sorted(map(repr, set(given) - set(x0 if isinstance(x0, Mapping) else ())))
        raise ValueError(f"prox: {where} has no entry {', '.join(unknown)}; give a term or None for each entry of x0")
    for key, branch in x0.items():
        _collect(given.get(key), branch, start, f"{where}[{key!r}]", parts)
        start += _size(branch)


def _entries(tree: Any) -> Any:
    return dict(enumerate(tree)) if isinstance(tree, list | tuple) else tree


def _size(x0: Any) -> int:
    if isinstance(x0, Mapping):
        return sum(map(_size, x0.values()))
    return sum(map(_size, x0)) if isinstance(x0, list | tuple) else int(np.size(x0))


def _shape(x0: Any) -> Shape:
    """The shape of an array or of nested lists of bare numbers; of a tree that of its flat vector."""
    return np.shape(x0) if _is_array(x0) else (_size(x0),)


def _is_array(x0: Any) -> bool:
    if isinstance(x0, list | tuple):
        return all(_is_array(part) and not isinstance(part, np.ndarray) for part in x0)
    return not isinstance(x0, Mapping)
