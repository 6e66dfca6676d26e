"""Where residuals and their Jacobians come from: the user's callables, differences, or autodiff."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse

import autodiff as ad
from optkit import differences
from optkit.inputs import Restore
from optkit.losses import Loss
from optkit.point import Vector, freeze
from optkit.prox import Box
from optkit.sources import Engine, Matrix, User

UNROLLED = 24  # unknowns up to which all columns of the Jacobian are one generated program
SPARSE_FROM = 100  # unknowns from which a sparse Jacobian is looked for
SPARSE_SHARE = 0.1  # of the entries, at most, for sparse factorisations to pay


@dataclass(slots=True)
class Remembered:
    """What later measures depend on: see LeastSquares. newtons : of the last two points looked at, with their x."""

    slack: float
    newtons: tuple


class Residuals:
    """r and its Jacobian at flat points, and the cost and gradient made of them. The last r and J are remembered.

    fun : x -> residuals (array of any shape, or nested), stacked to r : (m,). jacobian(x) : (m, n), an array or csr.
    """

    origin = "by jac"

    def __init__(self, user: User, loss: Loss):
        self.user, self.loss = user, loss
        self.remembered = Remembered(1.0, ())
        self._x: Vector | None = None
        self._r = np.empty(0)
        self._at: Vector | None = None
        self._J: Matrix = np.empty((0, 0))

    def plain(self, x: Vector) -> Vector:
        """r by calling the user's function itself."""
        user = self.user
        fun = user.fun.f if isinstance(user.fun, ad.Function) else user.fun
        return as_vector(fun(user.restore(x.copy()), *user.args))

    def evaluate(self, x: Vector) -> Vector:
        return self.plain(x)

    def jacobian(self, x: Vector) -> Matrix:
        raise NotImplementedError

    def residual(self, x: Vector) -> Vector:
        """r(x), read-only; the last one is remembered."""
        if x is not self._x:
            self._r = freeze(self.evaluate(x))
            self._x = x
        return self._r

    def derivative(self, x: Vector) -> Matrix:
        """J(x); the last one is remembered."""
        if x is not self._at:
            J = self.jacobian(x)
            self._J = J if scipy.sparse.issparse(J) else freeze(J)
            self._at = x
        return self._J

    def value(self, x: Vector) -> float:
        return float(self.loss.cost(self.residual(x)))

    def value_and_grad(self, x: Vector) -> tuple[float, Vector]:
        return self.value(x), self.gradient(x)

    def gradient(self, x: Vector) -> Vector:
        r = self.residual(x)
        return self.derivative(x).T @ (self.loss.weigh(r)[0] * r)


class Given(Residuals):
    """The user's Jacobian: jac(x, *args) -> (m, n), an array (of shape r.shape + x.shape) or a sparse matrix."""

    def __init__(self, user: User, loss: Loss, jac: Callable, sparse: bool | None):
        super().__init__(user, loss)
        self.jac, self.sparse = jac, sparse

    def jacobian(self, x: Vector) -> Matrix:
        J = self.jac(self.user.restore(x.copy()), *self.user.args)
        m, n = self.residual(x).size, x.size
        if not scipy.sparse.issparse(J):
            J = np.array(J, dtype=float)
            J = J.reshape(m, n) if J.size == m * n else J
        if J.shape != (m, n):
            raise ValueError(f"jac must return a matrix of shape {(m, n)}, got shape {J.shape}")
        sparse = scipy.sparse.issparse(J) if self.sparse is None else self.sparse
        if sparse:
            return scipy.sparse.csr_array(J, dtype=float)
        return J.toarray() if scipy.sparse.issparse(J) else J


class Differenced(Residuals):
    """Differences of r that never leave the box. `count` is told of each evaluation."""

    def __init__(self, user: User, loss: Loss, scheme: str, box: Box | None, count: Callable[[], None]):
        super().__init__(user, loss)
        self.origin = f"{scheme} differences of the residual"
        self.scheme, self.box, self.count = scheme, box, count

    def jacobian(self, x: Vector) -> Matrix:
        box = self.box or Box(np.full(x.size, -np.inf), np.full(x.size, np.inf))
        return np.stack(differences.partials(self._counted, self.residual(x), x, box, self.scheme), axis=-1)

    def _counted(self, x: Vector) -> Vector:
        self.count()
        return self.plain(x)


class Exact(Residuals):
    """Derivatives by autodiff: r by generated code, and its Jacobian dense or, where the pattern is sparse, by colours.

    The cost itself has a source too, for products with its exact Hessian.
    """

    def __init__(self, user: User, loss: Loss, sparse: bool | None, compile: bool):
        super().__init__(user, loss)
        self.compile, self.sparse = compile, sparse
        fun, restore, args = user.fun, user.restore, user.args
        fun = fun.f if isinstance(fun, ad.Function) else fun

        def stacked(x, *args):
            return stack(fun(restore(x), *args))

        def cost(x, *args):
            return loss.cost(stacked(x, *args))

        self.fun = ad.compile(stacked, eager=not compile)
        self._jacobian: Any = None  # x, *args -> J, once it is chosen
        self.cost = Engine(User(cost, args, Restore(lambda x: x, True), user.like), compile)
        if not callable(loss.row):
            self.linearize = self.cost.linearize  # v -> H v with the Hessian of the cost

    @property
    def origin(self) -> str:  # type: ignore[override]
        mode, reason, _ = self.fun.report
        words = "exact; the residual is run as it stands at each call: " + reason if mode == "eager" else "exact"
        return words + (", sparse by colouring" if hasattr(self._jacobian, "coloring") else "")

    def evaluate(self, x: Vector) -> Vector:
        return as_vector(self.fun(x, *self.user.args))

    def jacobian(self, x: Vector) -> Matrix:
        if self._jacobian is None:
            self._jacobian = self._chosen(x)
        J = self._jacobian(x, *self.user.args)
        return J if scipy.sparse.issparse(J) else np.asarray(J)

    def _chosen(self, x: Vector) -> Callable:
        """Dense or sparse, as asked or by the structural pattern at x."""
        n, fun = x.size, self.fun.f
        if self.sparse or self.sparse is None and n >= SPARSE_FROM:
            found = ad.sparse_jacobian(fun)
            J = found(x, *self.user.args)
            if self.sparse or J.nnz <= SPARSE_SHARE * J.shape[0] * n:
                return found
        if n > UNROLLED:
            return ad.jacobian(fun)

        def columns(x, *args):
            _, push = ad.linearize(lambda x: fun(x, *args), x)
            return np.stack([push(e) for e in np.eye(n)], axis=-1)

        return ad.compile(columns, eager=not self.compile)


def stack(value: Any) -> Any:
    """Residuals of any structure as one vector, also while they are traced."""
    leaves = [np.ravel(leaf) for leaf in ad.pytree.flatten(value)[0]]
    return leaves[0] if len(leaves) == 1 else np.concatenate(leaves)


def as_vector(value: Any) -> Vector:
    """Residuals of any structure as a fresh float64 vector. Raises TypeError where they are not real numbers."""
    leaves = [np.asarray(leaf) for leaf in ad.pytree.flatten(value)[0]]
    if not leaves or any(leaf.dtype.kind not in "fiub" for leaf in leaves):
        raise TypeError(f"the residual must return real numbers (an array, or nested ones), got {value!r:.60}; for "
                        "complex residuals return real and imaginary parts")
    flat = np.concatenate([leaf.ravel() for leaf in leaves]).astype(float)
    if flat.size == 0:
        raise ValueError("the residual must return at least one number, got none")
    return flat


def flat(tree: Any) -> Vector:
    """Numbers in any structure, which may be infinite, as one vector."""
    return ad.pytree.ravel(tree)[0]
