"""Several arguments, or nested ones: a region for each."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import block_diag

from .region import Flags, Matrix, Region, Vector
from .spreading import shuffled


class Product(Region):
    """One region for each part of the argument; flat vectors are those of the parts, one after the other.

    Product(a, b, ...) : f receives a tuple (or so many arguments: see `convexity.arguments`).
    Product({"x": a, "y": b}) : a dict (or keywords). Parts may be products, or nested dicts, lists, tuples of regions.
    parts : by name. names : of the arguments they are, as f's code has them. facts : what holds for all parts.
    """

    kind: Any                   # dict, list or tuple

    def __init__(self, *parts: Any):
        given = parts[0] if len(parts) == 1 and isinstance(parts[0], (dict, list, tuple)) else parts
        if not given:
            raise ValueError("Product: need at least one region, got none")
        self.kind = next(kind for kind in (dict, list, tuple) if isinstance(given, kind))
        items = list(given.items()) if isinstance(given, dict) else list(enumerate(given))
        self.parts: dict[Any, Region] = {name: as_region(part) for name, part in items}
        regions = list(self.parts.values())
        stops = np.cumsum([r.n for r in regions]).tolist()
        self.names = {name: name if isinstance(name, str) else f"argument[{name!r}]" for name in self.parts}
        self.slices = {name: slice(stop - r.n, stop) for (name, r), stop in zip(self.parts.items(), stops, strict=True)}
        join = np.concatenate
        self._place(join([r.center for r in regions]), join([r.lower for r in regions]),
                    join([r.upper for r in regions]), _joined([r.outer for r in regions]),
                    _joined([r.open_ends for r in regions]))
        self.scale = join([r.scale for r in regions])
        self._combine(regions)
        self.facts = frozenset.intersection(*[r.facts for r in regions])
        together: Any = dict(self.parts) if self.kind is dict else regions
        self.spec = {"parts": self.kind(together)}
        self.label = self._labelled({name: r.label for name, r in self.parts.items()})

    def _combine(self, regions: list[Region]) -> None:
        """Equations and affine hulls of the parts, side by side."""
        if all(r.equations is None for r in regions):
            return
        empty = [(np.zeros((0, r.n)), np.zeros(0)) if r.equations is None else r.equations for r in regions]
        hulls = [(r.center, np.eye(r.n)) if r.subspace is None else r.subspace for r in regions]
        self.equations = block_diag(*[A for A, _ in empty]), np.concatenate([b for _, b in empty])
        self.subspace = np.concatenate([x for x, _ in hulls]), block_diag(*[Z for _, Z in hulls])

    @property
    def set_label(self) -> str:
        return self._labelled({name: r.set_label for name, r in self.parts.items()})

    def _labelled(self, labels: dict[Any, str]) -> str:
        inner = {name: f"({label})" if self.kind is not dict or isinstance(self.parts[name], Product) else label
                 for name, label in labels.items()}
        return " x ".join(f"{name}: {label}" if self.kind is dict else label for name, label in inner.items())

    @property
    def bounded(self) -> bool:
        return all(r.bounded for r in self.parts.values())

    def unravel(self, vector: Any) -> Any:
        values = [r.unravel(vector[self.slices[name]]) for name, r in self.parts.items()]
        return dict(zip(self.parts, values, strict=True)) if self.kind is dict else self.kind(values)

    def flatten(self, argument: Any) -> Vector:
        return np.concatenate([r.flatten(argument[name]) for name, r in self.parts.items()])

    def sample(self, k: int, rng: np.random.Generator) -> Matrix:
        return np.hstack([r.sample(k, rng) for r in self.parts.values()])

    def spread(self, k: int, rng: np.random.Generator) -> Matrix:
        """Spread points of the parts, matched at random."""
        blocks = [r.spread(k, rng) for r in self.parts.values()]
        rest = np.hstack([b[rng.integers(0, len(b), k)] for b in blocks])
        return shuffled([self.center], rest[: max(0, k - 1)], rng)

    def chord(self, x: Vector, d: Vector) -> tuple[float, float]:
        ends = [r.chord(x[s], d[s]) for r, s in self._split() if d[s].any()]
        return (max(t for t, _ in ends), min(t for _, t in ends)) if ends else (0.0, 0.0)

    def contains(self, x: Vector) -> bool:
        return all(r.contains(x[s]) for r, s in self._split())

    def misses(self, lower: Matrix, upper: Matrix) -> Flags:
        return np.any([r.misses(lower[s], upper[s]) for r, s in self._split()], axis=0)

    def project(self, x: Vector) -> Vector:
        return np.concatenate([r.project(x[s]) for r, s in self._split()])

    def on_boundary(self, x: Vector) -> bool:
        return any(r.on_boundary(x[s]) for r, s in self._split())

    def extent(self, D: Matrix) -> tuple[Vector, Vector]:
        ends = [r.extent(D[s]) for r, s in self._split()]
        return np.sum([low for low, _ in ends], axis=0), np.sum([high for _, high in ends], axis=0)

    def direction(self, rng: np.random.Generator) -> Vector:
        return np.concatenate([r.direction(rng) for r in self.parts.values()])

    def _split(self) -> list[tuple[Region, slice]]:
        return [(r, self.slices[name]) for name, r in self.parts.items()]


def as_region(part: Any) -> Region:
    """A region, or the product of a nested structure of regions."""
    if isinstance(part, Region):
        return part
    if isinstance(part, (dict, list, tuple)) and part:
        return Product(part)
    raise TypeError(f"Product: each part must be a region, such as Box(-1, 1, shape=3), got {part!r:.60}")


def _joined(pairs: list[tuple[Any, Any]]) -> tuple[Any, Any]:
    return np.concatenate([a for a, _ in pairs]), np.concatenate([b for _, b in pairs])
