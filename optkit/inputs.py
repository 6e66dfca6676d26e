"""What users hand in, checked at the door: the start, and what their functions return."""

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse
from scipy.sparse.linalg import LinearOperator

from autodiff import pytree
from optkit.point import Vector, freeze
from optkit.prox import Box


class Restore:
    """Puts a flat vector back into the structure of x0; `is_identity` where x0 is itself a 1-D array."""

    def __init__(self, unravel: Callable[[Vector], Any], is_identity: bool):
        self.unravel, self.is_identity = unravel, is_identity

    def __call__(self, x):
        return x if self.is_identity else self.unravel(x)


def flatten_start(x0: Any) -> tuple[Vector, Restore]:
    """x0 as a read-only float64 vector, and the way back.

    x0 : a number, an array of any shape, nested lists of numbers (an array, as in SciPy), or nested dict/list/tuple of
    arrays. Raises TypeError where it is not real numbers, ValueError where it is empty, ragged or not finite.
    """
    tree = _lists_to_array(x0)
    try:
        flat, unravel = pytree.ravel(tree)
    except TypeError as error:
        raise TypeError(f"x0: need real numbers (an array, or dict/list/tuple of arrays), got {_brief(x0)}; "
                        f"{error}") from None
    if flat.size == 0:
        raise ValueError(f"x0: need at least one number, got {_brief(x0)}, which is empty")
    if not np.isfinite(flat).all():
        bad = int(np.flatnonzero(~np.isfinite(flat))[0])
        raise ValueError(f"x0: every entry must be finite, got {flat[bad]} at position {bad}; start where f is defined")
    return freeze(flat), Restore(unravel, isinstance(tree, np.ndarray) and tree.ndim == 1)


def wants_an_axis(fun: Callable, x0: Any, args: tuple) -> bool:
    """Whether x0 is a number that fun takes only as an array of one, which SciPy makes of it.

    Costs a call of fun, where x0 is a number, and another where that fails.
    """
    if isinstance(x0, dict | list | tuple) or np.ndim(x0) != 0 or not callable(fun):
        return False
    flat, restore = flatten_start(x0)
    try:
        fun(restore(flat.copy()), *args)
    except (IndexError, TypeError, ValueError):
        with contextlib.suppress(Exception):
            fun(flat.copy(), *args)
            return True
    return False


def structure(tree: Any) -> str:
    """What nested dicts, lists and tuples a tree is, and the shapes of its arrays, in words."""
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{key!r}: {structure(value)}" for key, value in tree.items()) + "}"
    if isinstance(tree, list | tuple):
        return f"{type(tree).__name__}({', '.join(map(structure, tree))})"
    return f"array of shape {np.shape(tree)}"


def as_box(bounds: Any, n: int) -> Box | None:
    """SciPy's bounds (pairs with None for no bound, or an object with lb and ub) of n unknowns; None if none binds."""
    if hasattr(bounds, "lb") and hasattr(bounds, "ub"):
        lower, upper = bounds.lb, bounds.ub
    else:
        pairs = list(bounds) if np.iterable(bounds) else []
        if len(pairs) != n or any(np.ndim(pair) != 1 or len(pair) != 2 for pair in pairs):
            raise ValueError(f"bounds: need one (lower, upper) pair for each of the {n} unknowns, got {bounds!r:.80}")
        lower = [-np.inf if low is None else low for low, _ in pairs]
        upper = [np.inf if high is None else high for _, high in pairs]
    try:
        sides = [np.asarray(side, dtype=float).ravel() for side in (lower, upper)]
    except (TypeError, ValueError):
        raise ValueError(f"bounds: need numbers, or None for no bound, got {bounds!r:.80}") from None
    box = Box(*(np.broadcast_to(side, (n,)) for side in sides))
    return box if np.isfinite(box.lower).any() or np.isfinite(box.upper).any() else None


def _lists_to_array(x0: Any) -> Any:
    """SciPy's convention: nested lists of bare numbers mean one array. With arrays or dicts inside it is a tree."""
    if isinstance(x0, dict | list | tuple) and not _bare_numbers(x0):
        return x0
    try:
        return np.asarray(x0)
    except ValueError:
        raise ValueError(f"x0: nested lists of numbers must be rectangular, got {x0!r:.60}; "
                         "for parts of different lengths give arrays: [np.array(...), np.array(...)]") from None


def _bare_numbers(x0: Any) -> bool:
    """Whether lists and tuples, and nothing else, are around single numbers."""
    if isinstance(x0, list | tuple):
        return not hasattr(x0, "_fields") and all(map(_bare_numbers, x0))
    return not isinstance(x0, dict) and np.ndim(x0) == 0


def as_scalar(value: Any) -> float:
    """f's value as a float. Raises TypeError or ValueError, with the remedy, where it is not one real number."""
    if type(value) is float or type(value) is np.float64:
        return float(value)
    if value is None:
        raise TypeError("f must return a number, got None; does it lack a return statement?")
    if isinstance(value, tuple) and len(value) == 2:
        raise TypeError("f must return a number, got a tuple of 2; if that is (f, gradient), give jac=True")
    a = np.asarray(value)
    if a.dtype.kind not in "fiub":
        raise TypeError(f"f must return a real number, got {_brief(value)}; for complex values return a real measure "
                        "such as np.abs(z)**2")
    if a.size != 1:
        raise ValueError(f"f must return one number, got {_brief(value)}; reduce it, e.g. with np.sum(...)")
    return float(a.item())


def as_gradient(value: Any, like: Any, n: int, name: str) -> Vector:
    """A user's gradient (or product) as a fresh float64 vector. Raises where it has not the structure of x0."""
    shape = getattr(like, "shape", None)
    if shape is None:
        return _ravel_like(value, like, name)
    if type(value) is np.ndarray and value.shape == shape == (n,) and value.dtype == np.float64:
        return value.copy()  # users may reuse their buffer
    a = np.array(value)
    if a.dtype.kind not in "fiub":
        raise TypeError(f"{name} must return an array of {n} real numbers, got {_brief(value)}")
    if a.shape != shape and a.shape != (n,):
        raise ValueError(f"{name} must return an array of shape {shape}, like x0, got shape {a.shape}")
    return a.astype(np.float64, copy=False).reshape(n)


def _ravel_like(value: Any, like: Any, name: str) -> Vector:
    leaves, structure = pytree.flatten(value)
    want_leaves, want = pytree.flatten(like)
    shapes, want_shapes = [np.shape(leaf) for leaf in leaves], [np.shape(leaf) for leaf in want_leaves]
    if structure != want or shapes != want_shapes:
        raise ValueError(f"{name} must return the structure of x0 (same keys, same order, shapes {want_shapes}), got "
                         f" shapes {shapes} in {_brief(value)}")
    return pytree.ravel(value)[0]


def as_operator(H: Any, n: int) -> Callable[[Vector], Vector]:
    """A user's Hessian (dense, sparse or LinearOperator) as v -> H v."""
    return _square(H, n).dot


def as_matrix(H: Any, n: int, sparse: bool) -> np.ndarray | scipy.sparse.csr_array:
    """A user's Hessian as a dense float64 array, or a csr_array if `sparse`."""
    H = _square(H, n)
    if isinstance(H, LinearOperator):
        H = np.column_stack([H.dot(e) for e in np.eye(n)])  # (H @ eye would hand columns of shape (n, 1) to it)
    if sparse:
        return scipy.sparse.csr_array(H, dtype=np.float64)
    return np.asarray(H.toarray() if scipy.sparse.issparse(H) else H, dtype=np.float64)


def _square(H: Any, n: int) -> Any:
    if not hasattr(H, "dot") or isinstance(H, np.ndarray):
        H = np.asarray(H, dtype=np.float64)
        if H.size == n * n:
            H = H.reshape(n, n)
    if H.shape != (n, n):
        raise ValueError(f"hess must return a matrix of shape {(n, n)}, got shape {H.shape}")
    return H


def _brief(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    return f"{type(value).__name__} {value!r:.60}"
