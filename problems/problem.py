"""What a test problem states about itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any, Final, Literal, NamedTuple

import numpy as np


class _Unknown(Enum):
    UNKNOWN = "UNKNOWN"

    def __repr__(self) -> str:
        return "UNKNOWN"

    __str__ = __repr__


UNKNOWN: Final = _Unknown.UNKNOWN
"""In a column of a problem: nobody has stated this, on purpose."""

Convexity = Literal["strongly convex", "strictly convex", "convex", "nonconvex"]
HessianOperator = Callable[[Any], Any]


class Lazy(NamedTuple):
    """A column computed when it is first read."""

    compute: Callable[[], Any]


@dataclass(frozen=True, eq=False, repr=False)
class Problem:
    """A function to minimise, and everything known about it.

    f : x -> float, plain NumPy. x has the structure of x0: an array, or a dict of arrays.
    x_star, f_star : one global minimiser and the minimum.
    domain : where f is defined and where convexity, mu and L hold.
    mu, L : mu I <= Hessian(x) <= L I on the domain, -inf or inf where no finite constant exists; tight unless the
        problem's docstring says "bound".
    value_and_grad : x -> (f, gradient), and hv_at : x -> (v -> Hessian(x) v): written by hand in NumPy as fast as we
        know how, sharing subexpressions; hv_at does the work that depends on x alone once.
    data : the arrays f closes over, read-only.
    x_star, f_star, mu and L may cost a solve or a decomposition: they are computed when first read.
    """

    name: str
    f: Callable[[Any], float]
    x0: Any
    formula: str
    source: str
    x_star: Any
    f_star: Any
    domain: str
    convexity: Convexity
    mu: Any
    L: Any
    value_and_grad: Callable[[Any], tuple[float, Any]]
    hv_at: Callable[[Any], HessianOperator]
    data: Mapping[str, Any]

    def __post_init__(self) -> None:
        lazy = {c.name: vars(self).pop(c.name) for c in fields(self) if isinstance(vars(self)[c.name], Lazy)}
        object.__setattr__(self, "_lazy", lazy)

    def __getattr__(self, column: str) -> Any:
        lazy = vars(self).get("_lazy", {})
        if column not in lazy:
            raise AttributeError(f"{type(self).__name__} has no attribute {column!r}")
        object.__setattr__(self, column, lazy[column].compute())
        return vars(self)[column]

    def grad(self, x: Any) -> Any:
        """Gradient of f at x, written by hand."""
        return self.value_and_grad(x)[1]

    def hvp(self, x: Any, v: Any) -> Any:
        """Hessian of f at x times v, written by hand."""
        return self.hv_at(x)(v)

    @property
    def n(self) -> int:
        """Number of unknowns."""
        leaves = self.x0.values() if isinstance(self.x0, dict) else [self.x0]
        return sum(np.size(leaf) for leaf in leaves)

    def __repr__(self) -> str:
        return f"<Problem {self.name}, n={self.n}, {self.convexity}: {self.formula}>"


def read_only(array: np.ndarray) -> np.ndarray:
    """The same array, closed for writing: data of a problem are shared between calls."""
    array.flags.writeable = False
    return array


def require(condition: bool, message: str) -> None:
    """ValueError with the message where the condition does not hold."""
    if not condition:
        raise ValueError(message)
