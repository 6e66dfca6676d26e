"""Nested dicts, lists and tuples of arrays: take apart, put together, lay out as one flat vector."""

from collections.abc import Callable
from typing import Any

import numpy as np

LEAF = "leaf"


def flatten(tree: Any) -> tuple[list, Any]:
    """Leaves in order, and the hashable structure that `unflatten` needs. Dicts keep their insertion order."""
    leaves: list = []
    return leaves, _walk(tree, leaves)


def _walk(tree: Any, leaves: list):
    kind = type(tree)
    if kind is dict:
        return (dict, tuple((k, _walk(v, leaves)) for k, v in tree.items()))
    if kind is list or kind is tuple or (isinstance(tree, tuple) and hasattr(tree, "_fields")):
        return (kind, tuple([_walk(v, leaves) for v in tree]))
    leaves.append(tree)
    return LEAF


def unflatten(structure: Any, leaves) -> Any:
    """The tree of this structure with these leaves."""
    return _build(structure, iter(leaves))


def _build(structure: Any, leaves) -> Any:
    if structure == LEAF:
        return next(leaves)
    kind, parts = structure
    if kind is dict:
        return {k: _build(v, leaves) for k, v in parts}
    values = [_build(v, leaves) for v in parts]
    return values if kind is list else kind(values) if kind is tuple else kind(*values)


def ravel(tree: Any) -> tuple[np.ndarray, Callable[[Any], Any]]:
    """Lay a tree out as one vector: (flat, unravel).

    flat : (n,) float64, a fresh copy. unravel(flat) gives views of `flat` in the tree's shapes (Python and 0-d leaves
    as scalars); it is written in plain NumPy, so it can be traced. Raises TypeError on a leaf that is not real numbers.
    """
    leaves, structure = flatten(tree)
    arrays = [_numeric(leaf) for leaf in leaves]
    shapes = [a.shape for a in arrays]
    stops = np.cumsum([a.size for a in arrays]).tolist()
    flat = np.concatenate([a.ravel() for a in arrays]) if arrays else np.zeros(0)
    if structure == LEAF and len(shapes[0]) == 1:
        return flat, lambda vector: vector

    def unravel(vector):
        parts = []
        start = 0
        for shape, stop in zip(shapes, stops, strict=True):
            parts.append(vector[start] if shape == () else vector[start:stop].reshape(shape))
            start = stop
        return unflatten(structure, parts)

    return flat, unravel


def _numeric(leaf: Any) -> np.ndarray:
    a = np.asarray(leaf)
    if a.dtype.kind not in "fiub":
        raise TypeError(f"pytree.ravel: every leaf must be real numbers, got {type(leaf).__name__} {leaf!r:.60}; "
                        "convert it, or keep it out of the argument (e.g. in args or a closure)")
    return a.astype(np.float64)
