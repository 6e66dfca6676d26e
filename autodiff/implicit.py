"""Implicit differentiation: solutions of g(x, p) = 0 as functions of p, by one linear solve with ∂g/∂x.

From g(x(p), p) = 0: ∂g/∂x dx = −∂g/∂p dp (Christianson 1994, Optimization Methods and Software 3, 311; Blondel et al.
2022, Efficient and Modular Implicit Differentiation). How x was found does not matter and is not differentiated; the
rules are written with x(p) itself, so they differentiate to any order.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg
import scipy.sparse.linalg

from . import pytree, stand_ins
from .derive import adjoint, primal, tangent
from .errors import GuardMiss, TraceError
from .graph import INPUT, Graph, Node
from .interpreters import evaluate
from .primitive import Primitive, Tracer, bind, is_traced
from .recording import record
from .transforms import grad

EPS = float(np.finfo(np.float64).eps)
SINGULAR = 100 * EPS  # times n: reciprocal condition number up to which a matrix may be a singular one with rounding


def implicit_root(g: Callable, solve: Callable, linear: str = "lu", tol: float = 1e-6) -> Callable:
    """p ↦ x = solve(*p) with g(x, *p) = 0, as a function that has derivatives.

    g(x, *p) has the structure of x; x and the parameters may be nested. solve may be any code: a loop, a library.
    linear : how systems with ∂g/∂x are solved: "lu", "cholesky" (∂g/∂x symmetric positive definite) form it, column by
    column; "cg" (the same condition) and "gmres" take products with it, by forward and reverse mode.
    tol : x is a solution if one Newton step moves it by at most tol·(1 + |x|∞); a derivative at another x is an error.
    Raises TraceError where x is no solution, LinAlgError where ∂g/∂x is singular.
    """
    return ImplicitFunction("implicit_root", g, solve, linear, tol)


def implicit_minimum(f: Callable, solve: Callable, linear: str = "cholesky", tol: float = 1e-6) -> Callable:
    """p ↦ x = solve(*p), a minimiser of f(x, *p) over x, as a function that has derivatives.

    For hyperparameters: implicit_minimum(f, lambda p: optkit.minimize(lambda x: f(x, p), x0, gtol=1e-9).x):
    minimize's own gtol is too loose for tol. The Hessian at x must be positive definite.
    linear, tol : as for implicit_root ("cg" for many variables: Hessian-vector products).
    """
    return ImplicitFunction("implicit_minimum", grad(f), solve, linear, tol)


def fixed_point(T: Callable, x0: Any, linear: str = "lu", tol: float = 1e-12, maxiter: int = 10_000) -> Callable:
    """p ↦ x with x = T(x, *p), found by iterating T from x0, as a function that has derivatives.

    T(x, *p) has the structure of x0. The iteration ends when |T(x) − x|∞ ≤ tol·(1 + |x|∞). The derivative solves
    (I − ∂T/∂x) dx = ∂T/∂p dp; it does not depend on the iteration. Raises RuntimeError without convergence.
    """
    start, unravel = pytree.ravel(x0)

    def solve(*p):
        x = start
        for _ in range(maxiter):
            new = pytree.ravel(T(unravel(x), *p))[0]
            if new.shape != x.shape:
                raise ValueError(f"fixed_point: T must return the structure of x0, {x.size} number(s), got {new.size}")
            change, x = _size(new - x), new
            if change <= tol * (1.0 + _size(x)):
                return unravel(x)
        raise RuntimeError(f"fixed_point: no convergence in {maxiter} iterations (the last moved x by {change:.1e}): "
                           "T must be a contraction near x; else use implicit_root(lambda x, *p: x - T(x, *p), solve)")

    def g(x, *p):
        return unravel(_flat(x) - _flat(T(x, *p)))
    return ImplicitFunction("fixed_point", g, solve, linear, max(tol, 1e-6))


class ImplicitFunction:
    """x(p) by any solver; with traced parameters one operation of the graph, whose derivative is a linear solve."""

    def __init__(self, name: str, g: Callable, solve: Callable, linear: str, tol: float):
        if linear not in _SOLVERS:
            raise ValueError(f"{name}: linear must be one of {', '.join(_SOLVERS)}, got {linear!r}")
        if not tol > 0:
            raise ValueError(f"{name}: tol must be positive, got {tol!r}")
        self.__name__, self.rules, self.linear, self.tol = name, (g, solve), linear, tol     # (rules: watched)

    def __repr__(self) -> str:
        return f"<{self.__name__}>"

    def __call__(self, *p):
        leaves, structure = pytree.flatten(p)
        if not is_traced(leaves):
            return self.rules[1](*p)
        system = System(self, p)
        flat = bind(ROOT, (_flat(p),), {"system": system})
        own = flat.node.params.get("system", system) if type(flat) is Tracer else system
        return own.restore(flat)


def _flat(tree) -> Any:
    """All leaves as one vector, in NumPy that can be traced."""
    leaves: list = [leaf if type(leaf) is Tracer else np.asarray(leaf, dtype=np.float64)
                    for leaf in pytree.flatten(tree)[0]]
    return np.concatenate([np.reshape(leaf, (-1,)) for leaf in leaves]) if leaves else np.zeros(0)


def _size(x) -> float:
    return float(np.max(np.abs(x), initial=0.0))


class System:
    """g(x, p) = 0 for flat x and p of given structures, with the graphs of g and its derivatives."""

    def __init__(self, function: ImplicitFunction, p: tuple):
        self.function = function
        leaves, self.structure = pytree.flatten(p)
        self.shapes = tuple([np.shape(leaf) for leaf in leaves])
        self.x: tuple | None = None               # (structure, shapes) of x, once solved
        self.graph: Graph | None = None           # of g(x, p)
        self._factor: tuple | None = None         # the last point, and how systems are solved there

    def __eq__(self, other: object) -> bool:
        return isinstance(other, System) and self.function is other.function and (
            self.structure, self.shapes) == (other.structure, other.shapes)

    def __hash__(self) -> int:
        return hash((id(self.function), self.structure, self.shapes))

    def __repr__(self) -> str:
        return self.function.__name__

    # --- the solution ------------------------------------------------------------------------------------------------

    def _unflat(self, structure, shapes, flat):
        parts, start = [], 0
        for shape in shapes:
            stop = start + int(np.prod(shape, dtype=int))
            parts.append(np.reshape(flat[start:stop], shape) if shape else flat[start])
            start = stop
        return pytree.unflatten(structure, parts)

    def restore(self, flat):
        assert self.x is not None
        return self._unflat(*self.x, flat)

    def solve(self, p: np.ndarray) -> np.ndarray:
        """The solution at p; what the graph of g was recorded for (branches, shapes) must still hold."""
        with stand_ins.unpatched():
            x = self.function.rules[1](*self._unflat(self.structure, self.shapes, np.array(p)))
        leaves, structure = pytree.flatten(x)
        if any(type(leaf) is Tracer for leaf in leaves):
            raise TraceError(f"{self}: solve uses a traced value that is not among the parameters",
                             "pass it as a parameter of the function, of g and of solve")
        found, flat = (structure, tuple([np.shape(leaf) for leaf in leaves])), _flat(x)
        if self.x is None:
            self.x = found
            self._record(flat, p)
        elif self.x != found:
            raise GuardMiss
        else:
            assert self.graph is not None
            evaluate(self.graph, dict(zip(self.graph.inputs, (flat, p), strict=True)), ())       # its guards
        return flat

    def _record(self, x: np.ndarray, p: np.ndarray) -> None:
        def g(x, p):
            return _flat(self.function.rules[0](self.restore(x), *self._unflat(self.structure, self.shapes, p)))

        recording = record(g, (x, np.asarray(p)), lambda number: True, {}, False)
        if recording.holds_outer:
            raise TraceError(f"{self}: g uses a traced value that is not among the parameters",
                             "pass it as a parameter of the function, of g and of solve")
        if np.shape(recording.result[0]) != x.shape:
            raise ValueError(f"{self}: g must return as many numbers as x has, {x.size}, got "
                             f"{np.size(recording.result[0])}")
        self.graph = primal(recording)

    # --- derivatives of g, as graphs ---------------------------------------------------------------------------------

    @functools.cached_property
    def _by_p(self) -> tuple:
        return self._moved((1,))

    @functools.cached_property
    def _by_x(self) -> tuple:
        return self._moved((0,))

    def _moved(self, wrt: tuple[int, ...]) -> tuple[Graph, list[Node], Any]:
        """(graph, its inputs x, p, t, the derivative of g along t)."""
        graph = Graph(self.graph)
        given, tangents = tangent(graph, wrt, graph.outputs)
        return graph, [*graph.inputs, *given], tangents[0]

    @functools.cached_property
    def _turned(self) -> tuple:
        """(graph, its inputs x, p, c, (∂g/∂x)ᵀ c)."""
        assert self.graph is not None
        graph = Graph(self.graph)
        x = graph.inputs[0]
        seed = graph.append(INPUT, (), {"cotangent": 0}, x.shape, x.dtype)
        return graph, [*graph.inputs, seed], adjoint(graph, [x], [graph.handle(seed)])[0]

    @functools.cached_property
    def _twice(self) -> tuple:
        """By adjoint: (graph, its inputs x, p, v, dx, dp, the derivative of A(x, p)v or A(x, p)ᵀv along dx, dp)."""
        made = []
        for source, inputs, out in (self._by_x, self._turned):
            graph = Graph(source)
            graph.outputs = (out,)
            given, tangents = tangent(graph, (0, 1), graph.outputs)
            made.append((graph, [*inputs, *given], tangents[0]))
        return tuple(made)

    def derivative(self, part: tuple, *values):
        """One of the graphs, on arrays or in traced operations."""
        graph, inputs, out = part
        if out is None:
            return np.zeros(graph.inputs[0].shape)
        return evaluate(graph, dict(zip(inputs, values, strict=True)), (out,), False)[0]

    # --- linear systems ----------------------------------------------------------------------------------------------

    def linear_solve(self, b, x: np.ndarray, p: np.ndarray, adjoint: bool) -> np.ndarray:
        """A⁻¹b or A⁻ᵀb with A = ∂g/∂x(x, p), which is prepared (and x checked) once a point."""
        known = self._factor
        if known is None or not (np.array_equal(known[0], x) and np.array_equal(known[1], p)):
            x, p = np.array(x), np.array(p)
            known = (x, p, _SOLVERS[self.function.linear](self, x, p))
            self._check(*known)
            self._factor = known
        return known[2](self, np.asarray(b), adjoint)

    def _check(self, x: np.ndarray, p: np.ndarray, made: Callable) -> None:
        assert self.graph is not None
        residual, = evaluate(self.graph, dict(zip(self.graph.inputs, (x, p), strict=True)), self.graph.outputs, False)
        if not np.any(residual):
            return
        step, allowed = _size(made(self, np.asarray(residual), False)), self.function.tol * (1.0 + _size(x))
        if not step <= allowed:
            raise TraceError(f"{self}: solve returned an x that is no solution: |g(x, p)| = {_size(residual):.1e}, and "
                             f"a Newton step moves x by {step:.1e}, more than tol·(1 + |x|) = {allowed:.1e}",
                             "solve more tightly (then the derivative is right too), or raise tol")

    def product(self, x, p, adjoint: bool) -> Callable:
        part = self._turned if adjoint else self._by_x
        return lambda v: np.asarray(self.derivative(part, x, p, np.asarray(v).reshape(x.shape)))

    def matrix(self, x: np.ndarray, p: np.ndarray) -> np.ndarray:
        """∂g/∂x, column by column."""
        column = self.product(x, p, False)
        return np.stack([column(e) for e in np.eye(x.size)], axis=1) if x.size else np.zeros((0, 0))

    def singular(self, what: str) -> np.linalg.LinAlgError:
        return np.linalg.LinAlgError(f"{self}: {what}, so x has no derivative with respect to the parameters")


def _by_lu(system: System, x: np.ndarray, p: np.ndarray) -> Callable:
    matrix = system.matrix(x, p)
    lu, pivots, _ = scipy.linalg.lapack.dgetrf(matrix)
    condition = scipy.linalg.lapack.dgecon(lu, _norm(matrix))[0] if x.size else 1.0
    if not condition > SINGULAR * x.size:
        raise system.singular(f"∂g/∂x is singular at the solution (reciprocal condition number {condition:.1e})")
    return lambda _, b, adjoint: scipy.linalg.lu_solve((lu, pivots), b, trans=int(adjoint))


def _by_cholesky(system: System, x: np.ndarray, p: np.ndarray) -> Callable:
    matrix = system.matrix(x, p)
    if not np.allclose(matrix, matrix.T, rtol=1e-8, atol=1e-8 * _size(matrix)):
        raise system.singular('∂g/∂x is not symmetric: use linear="lu"')
    lower, failed = scipy.linalg.lapack.dpotrf(matrix, lower=1)
    condition = 0.0 if failed else scipy.linalg.lapack.dpocon(lower, _norm(matrix), uplo="L")[0] if x.size else 1.0
    if not condition > SINGULAR * x.size:
        raise system.singular("the Hessian is singular or not positive definite at the solution (no strict minimum; "
                              f"reciprocal condition number {condition:.1e})")
    return lambda _, b, adjoint: scipy.linalg.cho_solve((lower, True), b)


def _norm(matrix: np.ndarray) -> float:
    """The 1-norm."""
    return float(np.max(np.sum(np.abs(matrix), axis=0), initial=0.0))


def _iterative(method: Callable) -> Callable:
    def prepare(_, x: np.ndarray, p: np.ndarray) -> Callable:
        def solve(system: System, b, adjoint: bool):
            operator = scipy.sparse.linalg.LinearOperator((x.size, x.size), dtype=np.float64,
                                                          matvec=system.product(x, p, adjoint))
            with np.errstate(all="ignore"):       # a breakdown shows in what is left
                solution, _ = method(operator, b, rtol=1e-12, atol=0.0)
                left = _size(operator.matvec(solution) - b)
            if not left <= 1e-8 * _size(b):
                raise system.singular(f"{method.__name__} does not solve the system with ∂g/∂x (residual {left:.1e} of "
                                      f"{_size(b):.1e}): it is singular, or ill conditioned for linear="
                                      f'"{method.__name__}"')
            return solution
        return solve
    return prepare


_SOLVERS = {"lu": _by_lu, "cholesky": _by_cholesky, "cg": _iterative(scipy.sparse.linalg.cg),
            "gmres": _iterative(scipy.sparse.linalg.gmres)}


def _root_value(p, system: System):
    return system.solve(np.asarray(p))


def _root_shape(p, system: System):
    if system.x is None:
        raise TraceError(f"{system} is called by a derivative rule, where parameters have no values",
                         "call it in the function itself")
    return (sum(int(np.prod(shape, dtype=int)) for shape in system.x[1]),), np.dtype(np.float64)


def _root_tangent(out, inputs, tangents, system: System):
    """dx = −A⁻¹ ∂g/∂p dp."""
    moved = system.derivative(system._by_p, out, inputs[0], tangents[0])
    return -SOLVE(moved, out, inputs[0], system=system, adjoint=False)


def _solve_tangent(out, inputs, tangents, system: System, adjoint: bool):
    """d(A⁻¹b) = A⁻¹(db − dA A⁻¹b)."""
    (_, x, p), (db, dx, dp) = inputs, tangents
    if dx is not None or dp is not None:
        dx, dp = (np.zeros(of.shape) if d is None else d for d, of in ((dx, x), (dp, p)))
        moved = system.derivative(system._twice[adjoint], x, p, out, dx, dp)
        db = -moved if db is None else db - moved
    return SOLVE(db, x, p, system=system, adjoint=adjoint)


ROOT = Primitive("implicit_root", _root_value, _root_shape, jvp=_root_tangent)
SOLVE: Primitive = Primitive("implicit_solve", lambda b, x, p, system, adjoint: system.linear_solve(b, x, p, adjoint),
                  lambda b, x, p, system, adjoint: (b.shape, np.dtype(np.float64)), jvp=_solve_tangent,
                  transpose=(lambda ct, b, x, p, system, adjoint: SOLVE(ct, x, p, system=system, adjoint=not adjoint),
                             None, None))
