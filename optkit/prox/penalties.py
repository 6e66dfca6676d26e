"""Penalties: norms that favour sparse, grouped or low-rank solutions."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.linalg

from optkit.checks import require
from optkit.point import Vector, freeze, norm
from optkit.prox.term import Shape, length, nonnegative, shrink, spread


@dataclass(frozen=True)
class Zero:
    """h = 0."""

    is_set = False

    def value(self, x: Vector) -> float:
        return 0.0

    def prox(self, v: Vector, t: float) -> Vector:
        return v.copy()


@dataclass(frozen=True, eq=False)
class L1:
    """Σ weight_i |x_i|; weight is a number or an array of x's size, 0 where an entry is free (the lasso)."""

    weight: Any = 1.0

    is_set = False

    def __post_init__(self):
        object.__setattr__(self, "weight", nonnegative("L1", "weight", self.weight))

    def value(self, x: Vector) -> float:
        return float(np.sum(self.weight * np.abs(x)))

    def prox(self, v: Vector, t: float) -> Vector:
        return shrink(v, t * self.weight)

    def residual(self, x: Vector, g: Vector) -> Vector:
        return g + np.clip(x - g, -self.weight, self.weight)

    def on(self, shape: Shape) -> "L1":
        return L1(spread("L1", "weight", self.weight, shape))


@dataclass(frozen=True, eq=False)
class ElasticNet:
    """Σ l1_i |x_i| + ½ l2_i x_i²; numbers or arrays of x's size. Zou & Hastie 2005."""

    l1: Any = 1.0
    l2: Any = 1.0

    is_set = False

    def __post_init__(self):
        for name in ("l1", "l2"):
            object.__setattr__(self, name, nonnegative("ElasticNet", name, getattr(self, name)))

    def value(self, x: Vector) -> float:
        return float(np.sum(self.l1 * np.abs(x) + 0.5 * self.l2 * x * x))

    def prox(self, v: Vector, t: float) -> Vector:
        return shrink(v, t * self.l1) / (1 + t * self.l2)

    def on(self, shape: Shape) -> "ElasticNet":
        return ElasticNet(spread("ElasticNet", "l1", self.l1, shape), spread("ElasticNet", "l2", self.l2, shape))


@dataclass(frozen=True)
class L2:
    """weight·‖x‖₂, not squared: all of x becomes 0 together."""

    weight: float = 1.0

    is_set = False

    def __post_init__(self):
        weight = nonnegative("L2", "weight", self.weight)
        require("L2", type(weight) is float, "one number as weight", weight=self.weight)
        object.__setattr__(self, "weight", weight)

    def value(self, x: Vector) -> float:
        return self.weight * norm(x)

    def prox(self, v: Vector, t: float) -> Vector:
        size, by = length(v), t * self.weight
        return v * ((size - by) / size) if not size <= by else np.zeros_like(v)


@dataclass(frozen=True, eq=False)
class GroupL2:
    """Σ_k weight_k ‖x_{G_k}‖₂ over disjoint groups: each becomes 0 as a whole. Yuan & Lin 2006.

    weight : a number, or an array with one entry for each group. The groups by one of
    groups : index arrays into the flat unknowns, or one integer label an unknown (groups in order of their labels,
        negative labels in no group); entries in no group are free.
    axis : the axis of the array of unknowns, or of its entry of the tree, along which the norms are taken, as in
        np.linalg.norm(x, axis=axis): axis=1 makes a group of each row.
    """

    weight: Any = 1.0
    groups: Any = None
    axis: int | None = None
    _order: Any = field(init=False, repr=False, default=None)  # the indices, group after group, and where each starts
    _starts: Any = field(init=False, repr=False, default=None)

    is_set = False

    def __post_init__(self):
        require("GroupL2", (self.groups is None) != (self.axis is None), "either groups or axis", groups=self.groups,
                axis=self.axis)
        object.__setattr__(self, "weight", nonnegative("GroupL2", "weight", self.weight))
        if self.groups is not None:
            self._arrange(_index_arrays(self.groups))

    def _arrange(self, groups: list[Vector]) -> None:
        order, sizes = np.concatenate(groups), [g.size for g in groups]
        require("GroupL2", order.min() >= 0, "indices >= 0", groups=int(order.min()))
        require("GroupL2", np.unique(order).size == order.size, "groups without a common index", groups=self.groups)
        require("GroupL2", np.ndim(self.weight) == 0 or np.shape(self.weight) == (len(groups),),
                f"one weight, or one for each of the {len(groups)} groups", weight=self.weight)
        object.__setattr__(self, "_order", freeze(order))
        object.__setattr__(self, "_starts", freeze(np.cumsum([0, *sizes[:-1]])))

    def on(self, shape: Shape) -> "GroupL2":
        n = int(np.prod(shape))
        if self.axis is not None:
            require("GroupL2", -len(shape) <= self.axis < len(shape), f"an axis of unknowns of shape {shape}",
                    axis=self.axis)
            rows = np.moveaxis(np.arange(n).reshape(shape), self.axis, -1)
            return GroupL2(self.weight, list(rows.reshape(-1, shape[self.axis])))
        require("GroupL2", self._order.max() < n, f"indices below the {n} unknowns", groups=int(self._order.max()))
        labelled = np.ndim(self.groups[0]) == 0
        require("GroupL2", not labelled or len(self.groups) == n, f"a label for each of the {n} unknowns",
                groups=len(self.groups))
        return self

    def _norms(self, x: Vector) -> Vector:
        """‖x_{G_k}‖₂, each relative to its largest entry, so that nothing overflows."""
        if self._order is None:
            raise ValueError("GroupL2: axis needs the shape of the unknowns; call on(shape) first")
        parts, starts = np.abs(x[self._order]), self._starts
        largest = np.maximum.reduceat(parts, starts)
        sizes = np.diff(np.append(starts, parts.size))
        unit = np.where((largest > 0) & (largest < np.inf), largest, 1.0)
        return unit * np.sqrt(np.add.reduceat((parts / np.repeat(unit, sizes)) ** 2, starts))

    def value(self, x: Vector) -> float:
        return float(np.sum(self.weight * self._norms(x)))

    def prox(self, v: Vector, t: float) -> Vector:
        norms, by = self._norms(v), t * np.asarray(self.weight)
        kept = ~(norms <= by)
        factor = np.where(kept, (norms - by) / np.where(kept, norms, 1.0), 0.0)
        x = v.copy()
        x[self._order] *= np.repeat(factor, np.diff(np.append(self._starts, self._order.size)))
        return x


@dataclass(frozen=True)
class NuclearNorm:
    """weight · (sum of the singular values) of the unknowns as a matrix: favours low rank. Fazel 2002.

    shape : of the matrix; None for the shape of x0, or of its entry of the tree. Each prox and value is one singular
    value decomposition (prox: Cai, Candès & Shen 2010).
    """

    weight: float = 1.0
    shape: tuple[int, int] | None = None

    is_set = False

    def __post_init__(self):
        weight = nonnegative("NuclearNorm", "weight", self.weight)
        require("NuclearNorm", type(weight) is float, "one number as weight", weight=self.weight)
        require("NuclearNorm", self.shape is None or (len(self.shape) == 2 and min(self.shape) > 0),
                "shape (rows, columns)", shape=self.shape)
        object.__setattr__(self, "weight", weight)

    def on(self, shape: Shape) -> "NuclearNorm":
        if self.shape is None:
            require("NuclearNorm", len(shape) == 2, "a matrix of unknowns, or shape=(rows, columns)", unknowns=shape)
            return NuclearNorm(self.weight, (shape[0], shape[1]))
        require("NuclearNorm", math.prod(self.shape) == math.prod(shape), f"a shape for {math.prod(shape)} unknowns",
                shape=self.shape)
        return self

    def _matrix(self, x: Vector) -> np.ndarray:
        if self.shape is None:
            raise ValueError("NuclearNorm: needs the shape of the matrix; give shape=(rows, columns)")
        return x.reshape(self.shape)

    def value(self, x: Vector) -> float:
        X = self._matrix(x)
        if not np.isfinite(X).all():
            return math.inf
        return self.weight * float(_svd(X, compute_uv=False).sum())

    def prox(self, v: Vector, t: float) -> Vector:
        V = self._matrix(v)
        if not np.isfinite(V).all():
            return np.full_like(v, np.nan)
        U, s, W = _svd(V, compute_uv=True)
        s = np.maximum(s - t * self.weight, 0.0)
        rank = int((s > 0).sum())
        return ((U[:, :rank] * s[:rank]) @ W[:rank]).reshape(v.shape)


def _svd(X: np.ndarray, *, compute_uv: bool) -> Any:
    """Divide and conquer, which now and then fails to converge; then the slower and surer QR iteration."""
    try:
        return np.linalg.svd(X, full_matrices=False, compute_uv=compute_uv)  # type: ignore[call-overload]
    except np.linalg.LinAlgError:
        return scipy.linalg.svd(X, full_matrices=False, compute_uv=compute_uv, lapack_driver="gesvd")


def _index_arrays(groups: Any) -> list[Vector]:
    """Labels or index arrays as non-empty index arrays."""
    if len(groups) and all(np.ndim(g) == 0 for g in groups):
        labels = _whole(groups)
        arrays = [np.flatnonzero(labels == label) for label in np.unique(labels[labels >= 0])]
    else:
        arrays = [_whole(g).ravel() for g in groups]
    require("GroupL2", len(arrays) > 0 and all(g.size for g in arrays), "at least one group, none of them empty",
            groups=groups)
    return arrays


def _whole(indices: Any) -> Vector:
    a = np.asarray(indices)
    require("GroupL2", a.size == 0 or a.dtype.kind in "iu", "whole numbers as indices or labels", groups=indices)
    return a.astype(np.intp)
