"""Which method: the one that was asked for, or one that suits the problem."""

from typing import Any

from optkit.loop import Solver
from optkit.objective import Objective
from optkit.options import copes, find_method, method_name
from optkit.prox import L1, Box, Term
from optkit.solvers import METHODS

NEWTON_UP_TO = 2000  # unknowns: there Newton's robustness is worth more than L-BFGS's cheaper iterations


def choose(method: Any, objective: Objective) -> tuple[Solver | type, str]:
    """The solver or its class, and how it was chosen where that is not plain from `method`."""
    if method is None:
        name, why = _suited(objective)
        return METHODS[name], f"chosen: {why}"
    if isinstance(method, str):
        cls = find_method(method)
        return cls, "" if METHODS.get(method.lower()) is cls else f"asked for as {method!r}"
    if not hasattr(method, "init") or not hasattr(method, "step"):
        raise TypeError(f"method: need a name or a solver object such as optkit.solvers.LBFGS(), got {method!r}")
    return method, ""


def _suited(objective: Objective) -> tuple[str, str]:
    term, n = objective.term, objective.n
    newton, why = _newton_pays(objective)
    if term is None:
        return ("newton-cg" if newton else "l-bfgs"), why
    if isinstance(term, Box):
        return ("projected-newton" if newton else "l-bfgs-b"), f"bounds, {why}"
    if isinstance(term, L1):
        return "owl-qn", f"an ℓ1 penalty on {n} unknowns"
    kind = type(term).__name__
    return ("projected-gradient", f"{kind} is a set") if term.is_set else ("fista", f"{kind} has a proximal map")


def _newton_pays(objective: Objective) -> tuple[bool, str]:
    n = objective.n
    if not objective.has_exact_hvp:
        given = "hess" if objective.derivatives.startswith("exact") else "jac"
        return False, f"no exact Hessian-vector products at hand; leave {given}= out for exact ones"
    if n > NEWTON_UP_TO:
        return False, f"n = {n} > {NEWTON_UP_TO}"
    return True, f"exact Hessian-vector products and n = {n} <= {NEWTON_UP_TO}"


def check_copes(solver: Solver, term: Term | None) -> None:
    """Raises ValueError, naming those that do, where a method does not handle what is added to f."""
    if copes(solver, term):
        return
    able = [name for name, cls in METHODS.items() if copes(cls, term)]
    raise ValueError(f"method {method_name(solver)!r} does not handle {type(term).__name__.lower()} terms; use one of "
                     f"{', '.join(able)}, or method=None")
