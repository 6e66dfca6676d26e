"""The front door."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

from optkit.inputs import as_box, flatten_start
from optkit.loop import Outcome, Solver, run
from optkit.objective import Objective
from optkit.observers import Callback, Observer, Path, Progress
from optkit.options import copes, find_method, method_name, split_options
from optkit.prox import Term
from optkit.result import Result
from optkit.solvers import METHODS
from optkit.stopping import Reason

NEWTON_UP_TO = 2000  # unknowns: there Newton's robustness is worth more than L-BFGS's cheaper iterations


def minimize(fun: Callable, x0: Any, args: Any = (), method: str | Solver | None = None, *, jac: Any = None,
             hess: Any = None, hessp: Callable | None = None, bounds: Any = None, constraints: Any = (),
             prox: Term | None = None, tol: float | None = None, callback: Callable | None = None,
             options: dict[str, Any] | None = None, **options_by_name: Any) -> Result:
    """Minimise fun(x, *args) from x0. SciPy's signature and conventions, exact derivatives without writing them.

    fun : plain NumPy, returns a number; x has the structure of x0.
    x0 : array of any shape, number, or nested dict/list/tuple of arrays.
    method : a name (`optkit.methods()`), a solver object, or None to choose by the problem; `result.choice` says why.
    bounds : as in SciPy; no point outside them is evaluated. prox : a penalty or set of optkit.prox added to fun.
    jac, hess, hessp : as in SciPy; left out, autodiff provides them. tol : sets gtol.
    callback : callback(xk) or callback(intermediate_result=...) after each iteration; StopIteration ends the run.
    options, by name or in a dict : gtol, xtol, ftol, maxiter, maxfev, maxtime in seconds (see StoppingRules), progress,
        disp, return_all, compile, and the method's own.

    Returns a Result. Numerical trouble is a reason in it; wrong arguments raise ValueError or TypeError.
    """
    _refuse_constraints(constraints)
    named = _merge(options, options_by_name, tol)
    objective = Objective(fun, x0, args, jac=jac, hess=hess, hessp=hessp, compile=named.get("compile", True),
                          term=_term(bounds, prox, x0))
    solver, choice = _solver(method, objective)
    solver, rules, door = split_options(named, solver)
    _check_copes(solver, objective.term)
    observers: list[Observer] = [] if callback is None else [Callback(callback, objective)]
    path = Path(objective)
    if door["return_all"]:
        observers.append(path)
    with Progress(method_name(solver)) if door["progress"] else nullcontext() as bar:
        outcome = run(objective, solver, rules, observers + [bar] if bar else observers)
    result = _result(objective, outcome, method_name(solver), choice)
    if door["return_all"]:
        result.allvecs = path.points
    if door["disp"]:
        print(result)
    return result


def _solver(method: str | Solver | None, objective: Objective) -> tuple[Solver | type, str]:
    """The solver, and how it was chosen where that is not plain from `method`."""
    if isinstance(method, str):
        cls = find_method(method)
        return cls, "" if METHODS.get(method.lower()) is cls else f"asked for as {method!r}"
    if method is not None:
        if not hasattr(method, "init") or not hasattr(method, "step"):
            raise TypeError(f"method: need a name or a solver object such as optkit.solvers.LBFGS(), got {method!r}")
        return method, ""
    n = objective.n
    if objective.term is not None:
        return _for_term(objective)
    if not objective.has_exact_hvp:
        return METHODS["l-bfgs"], "chosen: no exact Hessian-vector products at hand"
    if n > NEWTON_UP_TO:
        return METHODS["l-bfgs"], f"chosen: n = {n} > {NEWTON_UP_TO}"
    return METHODS["newton-cg"], f"chosen: exact Hessian-vector products and n = {n} <= {NEWTON_UP_TO}"


def _for_term(objective: Objective) -> tuple[Solver | type, str]:
    """The first method of the registry that copes with the bounds or penalty."""
    kind = type(objective.term).__name__
    for cls in METHODS.values():
        if copes(cls, objective.term):
            return cls, f"chosen: copes with {kind}"
    raise ValueError(f"no method copes with {kind} terms")


def _check_copes(solver: Solver, term: Term | None) -> None:
    if copes(solver, term):
        return
    able = [name for name, cls in METHODS.items() if copes(cls, term)]
    raise ValueError(f"method {method_name(solver)!r} does not handle {type(term).__name__.lower()} terms; use one of "
                     f"{', '.join(able)}, or method=None")


def _merge(options: dict[str, Any] | None, by_name: dict[str, Any], tol: float | None) -> dict[str, Any]:
    """One dict of options; `tol` is gtol where that is not given (SciPy's rule)."""
    if options is not None and not isinstance(options, dict):
        raise TypeError(f"options: need a dict, got {type(options).__name__} {options!r:.60}")
    both = sorted(set(options or {}) & set(by_name))
    if both:
        raise TypeError(f"options given twice, in `options` and by name: {', '.join(both)}; give each once")
    merged = {**(options or {}), **by_name}
    if tol is not None:
        merged.setdefault("gtol", tol)
    return merged


def _term(bounds: Any, prox: Term | None, x0: Any) -> Term | None:
    """What is added to f: bounds as a Box, or the given term."""
    if bounds is None:
        return prox
    if prox is not None:
        raise ValueError("bounds and prox are both given; use prox alone (optkit.prox has Box and other sets)")
    return as_box(bounds, flatten_start(x0)[0].size)


def _refuse_constraints(constraints: Any) -> None:
    given = constraints if isinstance(constraints, Sequence) else [constraints]
    if constraints is not None and len(given) > 0 and constraints != {}:
        raise ValueError(f"constraints: not supported by these methods yet, got {len(given)}; use "
                         "scipy.optimize.minimize(fun, x0, method='SLSQP', constraints=constraints, "
                         "jac=autodiff.grad(fun))")


def _result(objective: Objective, outcome: Outcome, method: str, choice: str) -> Result:
    point, reason = outcome.point, outcome.reason
    gnorm, success = objective.measure(point), reason is Reason.CONVERGED
    test = f"‖∇f(x)‖∞ = {gnorm:.3g}" + (" <= " if success else ", the test wants <= ") + f"{outcome.threshold:.3g}"
    parts = (test, outcome.detail) if success else (reason.text, outcome.detail, test)
    return Result(
        x=objective.restore(point.x.copy()), fun=point.f, jac=objective.restore(point.g.copy()),
        nit=len(outcome.history) - 1, nfev=objective.nfev, njev=objective.njev, nhev=objective.nhev,
        status=reason.status, success=success, message="; ".join(filter(None, parts)), reason=reason,
        history=outcome.history, method=method, choice=choice, derivatives=objective.derivatives,
        seconds=outcome.seconds,
        gnorm=gnorm, gtol=outcome.threshold)
