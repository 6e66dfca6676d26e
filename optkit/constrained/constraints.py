"""The user's constraints, in SciPy's forms, as one function lower <= c(x) <= upper with exact derivatives."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse
from scipy.optimize import HessianUpdateStrategy, LinearConstraint, NonlinearConstraint

import autodiff as ad
from optkit import differences
from optkit.inputs import Restore
from optkit.objective import Objective
from optkit.point import Vector, freeze
from optkit.sources import Matrix, Product

DENSE_UP_TO = 10_000  # entries of a Jacobian; a larger one stays sparse where no more than a quarter is nonzero
FORMS = ("a dict {'type': 'eq' or 'ineq', 'fun': ...} (ineq: fun >= 0), scipy.optimize.LinearConstraint, "
         "NonlinearConstraint, or a list of these")


@dataclass(frozen=True, slots=True)
class Part:
    """One constraint of the user at flat x.

    hessian(x, v) -> product with the Hessian of v·c; None where it is 0 or, if `differenced`, takes differences of J.
    keep : whether no iterate may violate it (SciPy's keep_feasible).
    """

    value: Callable[[Vector], Vector]
    jacobian: Callable[[Vector], Matrix]
    hessian: Callable[[Vector, Vector], Product] | None
    lower: Any
    upper: Any
    keep: Any = False
    differenced: bool = False


class Constraints:
    """All constraints of the unknowns of an objective, stacked in the order given.

    They are called first at its x0, which fixes how many numbers each gives. nfev, njev, nhev count evaluations of all
    of them. keep : which no iterate may violate. Raises TypeError or ValueError, with the remedy, where a form or a
    size is wrong.
    """

    def __init__(self, given: Any, objective: Objective):
        forms = list(given) if isinstance(given, Sequence) else [given]
        start, self.box = objective.x0, objective.box.on((objective.n,))
        self.parts = [_part(form, objective.restore, start.size, f"constraints[{k}]") for k, form in enumerate(forms)]
        self.nfev, self.njev, self.nhev = 1, 0, 0
        values = [part.value(start) for part in self.parts]
        self._at_start = start, _joined(values)
        self.sizes = [c.size for c in values]
        lower, upper, keep = [], [], []
        for k, (part, size) in enumerate(zip(self.parts, self.sizes, strict=True)):
            lower.append(_side(part.lower, size, f"constraints[{k}]: lb"))
            upper.append(_side(part.upper, size, f"constraints[{k}]: ub"))
            keep.append(_side(part.keep, size, f"constraints[{k}]: keep_feasible"))
        self.lower, self.upper, self.keep = freeze(_joined(lower)), freeze(_joined(upper)), _joined(keep) > 0
        wrong = np.flatnonzero(~((self.lower <= self.upper) & (self.lower < np.inf) & (self.upper > -np.inf)))
        if wrong.size:
            k = int(wrong[0])
            raise ValueError(f"constraints: need lb <= ub, got {self.lower[k]} and {self.upper[k]} at number {k}")

    def value(self, x: Vector) -> Vector:
        if x is self._at_start[0]:
            return self._at_start[1]
        self.nfev += 1
        c = _joined([part.value(x) for part in self.parts])
        if c.size != self.lower.size:
            raise ValueError(f"constraints: gave {self.lower.size} numbers at the start and {c.size} later; the number "
                             "must not change")
        return c

    def jacobian(self, x: Vector) -> Matrix:
        """Dense where it is small or full, else a csr_array."""
        self.njev += 1
        blocks = [self._block(k, x) for k in range(len(self.parts))] or [np.zeros((0, x.size))]
        entries = self.lower.size * x.size
        stored = sum(J.nnz if scipy.sparse.issparse(J) else J.size for J in blocks)
        if entries > DENSE_UP_TO and 4 * stored <= entries:
            return scipy.sparse.vstack([scipy.sparse.csr_array(J) for J in blocks], format="csr")
        return np.vstack([J.toarray() if scipy.sparse.issparse(J) else J for J in blocks])

    def _block(self, k: int, x: Vector) -> Matrix:
        J, shape = self.parts[k].jacobian(x), (self.sizes[k], x.size)
        if J.ndim != 2 and J.size == shape[0] * shape[1]:
            J = J.reshape(shape)
        if J.shape != shape:
            raise ValueError(f"constraints[{k}]: jac must return a matrix of shape {shape}, a row for each number of "
                             f"fun and a column for each unknown, got shape {J.shape}")
        return J

    def hessian(self, x: Vector, v: Vector) -> Product:
        """p -> Σ v_i ∇²c_i(x) p, linearised once; differences of Jacobians are taken of all together."""
        weights = [(k, w) for k, w in enumerate(self.split(v)) if w.any()]
        exact = [hessian(x, w) for k, w in weights if (hessian := self.parts[k].hessian) is not None]
        rough = [(k, w) for k, w in weights if self.parts[k].differenced]

        def gradient(z: Vector) -> Vector:
            self.njev += 1
            return sum((self._block(k, z).T @ w for k, w in rough), np.zeros(z.size))

        g = gradient(x) if rough else np.zeros(x.size)

        def product(p: Vector) -> Vector:
            self.nhev += 1
            out = sum((one(p) for one in exact), np.zeros(x.size))
            return out + differences.product(gradient, x, g, p, self.box) if rough else out

        return product

    def violation(self, c: Vector) -> Vector:
        """How far each is outside its bounds; inf where it is not a number."""
        out = np.maximum(np.maximum(self.lower - c, c - self.upper), 0.0)
        return np.where(np.isnan(out), np.inf, out)

    def split(self, v: Vector) -> list[Vector]:
        """A vector of all constraints as one for each."""
        return np.split(v, np.cumsum(self.sizes)[:-1]) if self.sizes else []


def _joined(parts: list[Vector]) -> Vector:
    return np.concatenate(parts) if parts else np.zeros(0)


def is_given(constraints: Any) -> bool:
    """Whether there are any."""
    if constraints is None or isinstance(constraints, Mapping | Sequence):
        return bool(constraints)
    return True


def _part(form: Any, restore: Restore, n: int, where: str) -> Part:
    if isinstance(form, LinearConstraint):
        return _linear(form, n, where)
    if isinstance(form, NonlinearConstraint):
        return _nonlinear(form.fun, (), form.jac, form.hess, (form.lb, form.ub, form.keep_feasible), restore, where)
    if not isinstance(form, Mapping):
        raise TypeError(f"{where}: need {FORMS}, got {type(form).__name__} {form!r:.60}")
    unknown = set(form) - {"type", "fun", "jac", "hess", "args"}
    kind = str(form.get("type", "")).lower()
    if kind not in ("eq", "ineq") or unknown or not callable(form.get("fun")):
        raise ValueError(f"{where}: need 'type': 'eq' or 'ineq' and a callable 'fun', with 'jac', 'hess' and 'args' if "
                         f"wanted, got {dict(form)!r:.80}")
    args = form.get("args", ())
    return _nonlinear(form["fun"], args if isinstance(args, tuple) else (args,), form.get("jac"), form.get("hess"),
                      (0.0, 0.0 if kind == "eq" else np.inf, False), restore, where)


def _linear(form: LinearConstraint, n: int, where: str) -> Part:
    A = scipy.sparse.csr_array(form.A) if scipy.sparse.issparse(form.A) else np.atleast_2d(np.array(form.A, float))
    if A.shape[1] != n:
        raise ValueError(f"{where}: A needs {n} columns, one for each unknown, got shape {A.shape}")
    return Part(lambda x: A @ x, lambda x: A, None, form.lb, form.ub, form.keep_feasible)


def _nonlinear(fun, args: tuple, jac, hess, sides: tuple, restore: Restore, where: str) -> Part:
    """Derivatives by autodiff, except where the user gave a callable. sides : lower, upper, keep_feasible."""
    for name, given in (("jac", jac), ("hess", hess)):
        if not (given is None or callable(given) or isinstance(given, str | HessianUpdateStrategy)):
            raise TypeError(f"{where}: {name} must be callable, or None for exact derivatives, got {given!r:.60}")

    def flat(x):
        leaves = ad.pytree.flatten(fun(restore(x), *args))[0]
        return np.concatenate([np.ravel(leaf) for leaf in leaves])

    def value(x: Vector) -> Vector:
        c = np.asarray(flat(x.copy()))
        if c.dtype.kind not in "fiub":
            raise TypeError(f"{where}: fun must return real numbers, got {c.dtype}")
        return c.astype(float)

    def given_jacobian(x: Vector) -> Matrix:
        J = jac(restore(x.copy()), *args)
        return scipy.sparse.csr_array(J) if scipy.sparse.issparse(J) else np.array(J, dtype=float)

    lower, upper, keep = sides
    if callable(hess):
        product: Any = _given_hessian(hess, restore, args, where)
    else:
        product = None if callable(jac) else _weighted(flat)
    jacobian = given_jacobian if callable(jac) else _exact_jacobian(flat, where)
    return Part(value, jacobian, product, lower, upper, keep, product is None)


def _exact_jacobian(flat: Callable, where: str) -> Callable[[Vector], Matrix]:
    sparse = ad.sparse_jacobian(flat)

    def jacobian(x: Vector) -> Matrix:
        try:
            return sparse(x)
        except (TypeError, ValueError) as error:
            error.add_note(f"optkit: where autodiff can't follow {where}, give its jac (and hess).")
            raise

    return jacobian


def _weighted(flat: Callable) -> Callable[[Vector, Vector], Product]:
    """Products with the Hessian of v·c, v being an argument, so that one recording serves all v."""
    lagrangian = ad.compile(lambda x, v: np.dot(v, flat(x)))
    return lambda x, v: lagrangian.linearize_grad(x, v)[2]


def _given_hessian(hess: Callable, restore: Restore, args: tuple, where: str) -> Callable[[Vector, Vector], Product]:
    def at(x: Vector, v: Vector) -> Product:
        H = hess(restore(x.copy()), v, *args)
        H = H if hasattr(H, "dot") else np.asarray(H, dtype=float)
        if H.shape != (x.size, x.size):
            raise ValueError(f"{where}: hess must return a matrix of shape {(x.size, x.size)}, got shape {H.shape}")
        return H.dot

    return at


def _side(value: Any, m: int, name: str) -> Vector:
    side = np.asarray(value, dtype=float).ravel()
    if side.size not in (1, m):
        raise ValueError(f"{name}: need one number, or one for each of the {m} constraints, got {side.size}")
    return np.broadcast_to(side, (m,))
