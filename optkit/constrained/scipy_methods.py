"""SciPy's methods for general constraints, called with our derivatives; what they say of success is not used."""

import math
import warnings
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
import scipy.sparse
from scipy.optimize import BFGS, Bounds, NonlinearConstraint, minimize
from scipy.sparse.linalg import LinearOperator

from optkit.checks import require
from optkit.point import Vector
from optkit.prox import Box


class Problem(Protocol):
    """What they see: f +inf where it is not finite, c finite; `iterated` is told each iterate, may raise to end it."""

    box: Box
    lower: Vector
    upper: Vector
    keep: Vector
    has_exact_hvp: bool

    def f(self, x: Vector) -> float: ...
    def grad(self, x: Vector) -> Vector: ...
    def hessian(self, x: Vector) -> LinearOperator: ...
    def c(self, x: Vector) -> Vector: ...
    def jacobian(self, x: Vector) -> Any: ...
    def c_hessian(self, x: Vector, v: Vector) -> LinearOperator: ...
    def iterated(self, x: Vector, inner: int) -> None: ...


@dataclass(frozen=True, slots=True)
class TrustConstr:
    """SciPy's trust region for constraints: interior point, and SQP where all are equalities; uses second derivatives.

    Exact Hessian-vector products of f and of the constraints. Byrd, Hribar & Nocedal 1999; Lalee, Nocedal & Plantenga
    1998 (SIAM J. Optim. 8 and 9).
    """

    ctol: float = 1e-6  # what a constraint may be violated by, times min(1, its scale); KNITRO's feastol
    delta0: float = 1.0  # SciPy's initial_tr_radius
    barrier: float = 0.1  # SciPy's initial_barrier_parameter

    exact_second_order: ClassVar[bool] = True

    def __post_init__(self):
        require("TrustConstr", 0 < self.ctol < math.inf, "0 < ctol < inf", ctol=self.ctol)
        require("TrustConstr", 0 < self.delta0 < math.inf, "0 < delta0 < inf", delta0=self.delta0)
        require("TrustConstr", 0 < self.barrier < math.inf, "0 < barrier < inf", barrier=self.barrier)

    def solve(self, problem: Problem, x: Vector, maxiter: int) -> None:
        box = problem.box
        constraints = []
        if problem.lower.size:
            constraints.append(NonlinearConstraint(problem.c, problem.lower, problem.upper, jac=problem.jacobian,
                                                   hess=problem.c_hessian, keep_feasible=problem.keep))
        bounded = np.isfinite(box.lower).any() or np.isfinite(box.upper).any()
        if bounded:
            x = _moved_inside(problem, x)
        equalities = (problem.lower == problem.upper).sum() + (box.lower == box.upper).sum()
        dependent = equalities > x.size  # SciPy's other factorisations refuse these
        options = {"gtol": 0.0, "xtol": 1e-14, "barrier_tol": 1e-14, "maxiter": maxiter,
                   "factorization_method": "SVDFactorization" if dependent else None,
                   "sparse_jacobian": scipy.sparse.issparse(problem.jacobian(x)) and not dependent,
                   "initial_tr_radius": self.delta0, "initial_barrier_parameter": self.barrier}
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"scipy\.")
            warnings.filterwarnings("ignore", message="(Singular Jacobian|delta_grad == 0)")
            minimize(problem.f, x, jac=problem.grad, method="trust-constr",
                     hess=problem.hessian if problem.has_exact_hvp else BFGS(), constraints=constraints,
                     bounds=Bounds(box.lower, box.upper, keep_feasible=True) if bounded else None,
                     callback=lambda xk, state: problem.iterated(xk, int(state.cg_niter)), options=options)


@dataclass(frozen=True, slots=True)
class SLSQP:
    """SciPy's sequential least-squares quadratic programming: dense, first derivatives, for up to hundreds of unknowns.

    Kraft 1988 (DFVLR-FB 88-28).
    """

    ctol: float = 1e-6  # what a constraint may be violated by, times min(1, its scale); KNITRO's feastol

    exact_second_order: ClassVar[bool] = False

    def __post_init__(self):
        require("SLSQP", 0 < self.ctol < math.inf, "0 < ctol < inf", ctol=self.ctol)

    def solve(self, problem: Problem, x: Vector, maxiter: int) -> None:
        lower, upper, box = problem.lower, problem.upper, problem.box
        equal = lower == upper
        low, high, started = ~equal & np.isfinite(lower), ~equal & np.isfinite(upper), False

        def accepted(x: Vector) -> Vector:
            """The gradient, which is asked for at each iterate and only there; the callback is for trials as well."""
            nonlocal started
            if started:
                problem.iterated(x, 0)
            started = True
            return problem.grad(x)

        def inequalities(x: Vector) -> Vector:
            c = problem.c(x)
            return np.concatenate([(c - lower)[low], (upper - c)[high]])

        def inequality_jacobian(x: Vector) -> np.ndarray:
            J = _dense(problem.jacobian(x))
            return np.vstack([J[low], -J[high]])

        constraints = [{"type": "eq", "fun": lambda x: (problem.c(x) - lower)[equal],
                        "jac": lambda x: _dense(problem.jacobian(x))[equal]},
                       {"type": "ineq", "fun": inequalities, "jac": inequality_jacobian}]
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"scipy\.")
            warnings.filterwarnings("ignore", message="Values in x were outside bounds")
            minimize(problem.f, x, jac=accepted, method="SLSQP", bounds=Bounds(box.lower, box.upper),
                     constraints=[c for c, any_ in zip(constraints, (equal.any(), (low | high).any())) if any_],
                     options={"ftol": 1e-16, "maxiter": maxiter})


METHODS: dict[str, type] = {"trust-constr": TrustConstr, "slsqp": SLSQP}


def _moved_inside(problem: Problem, x: Vector) -> Vector:
    """x moved off its bounds, by so much less that no constraint to be kept is violated."""
    inside = _interior(x, problem.box)
    for share in 0.1 ** np.arange(8):
        c = problem.c(x + share * (inside - x)) if problem.keep.any() else problem.lower
        if ((problem.lower <= c) & (c <= problem.upper))[problem.keep].all():
            return x + share * (inside - x)
    return x


def _interior(x: Vector, box: Box) -> Vector:
    """x moved off its bounds, which the barrier needs (Wächter & Biegler 2006 §3.6, κ1 = κ2 = 0.01)."""
    width = box.upper - box.lower
    low = box.lower + np.minimum(0.01 * np.maximum(1.0, np.abs(box.lower)), 0.01 * width)
    high = box.upper - np.minimum(0.01 * np.maximum(1.0, np.abs(box.upper)), 0.01 * width)
    x = np.where(np.isfinite(low), np.maximum(x, low), x)
    return np.where(np.isfinite(high), np.minimum(x, high), x)


def _dense(J: Any) -> np.ndarray:
    return J.toarray() if scipy.sparse.issparse(J) else J
