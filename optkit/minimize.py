"""The front door."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np

from optkit import constrained
from optkit.certified import certified, conclude, handed
from optkit.checkpoint import Checkpoint, resume
from optkit.choice import check_copes, choose
from optkit.implicit import GTOL as IMPLICIT_GTOL
from optkit.implicit import minimize_traced
from optkit.inputs import as_box, flatten_start, wants_an_axis
from optkit.loop import Run, Solver
from optkit.nesting import Running, being_recorded, depends_on_trace, is_nested, plainly, values
from optkit.objective import Objective
from optkit.observers import Callback, Observer, Path, Progress
from optkit.options import merge_options, method_name, split_options, without_update
from optkit.prox import Term, as_term
from optkit.result import Result, attach
from optkit.stopping import Reason, StoppingRules

MEASURED = ("‖∇f(x)‖∞", "‖x − prox(x − ∇f(x))‖∞")  # what the gradient test tests, without and with an added term


def minimize(fun: Callable, x0: Any, args: Any = (), method: str | Solver | None = None, *, jac: Any = None,
             hess: Any = None, hessp: Callable | None = None, bounds: Any = None, constraints: Any = (),
             prox: Any = None, certify: Any = None, tol: float | None = None, callback: Callable | None = None,
             options: dict[str, Any] | None = None, **options_by_name: Any) -> Result:
    """Minimise fun(x, *args) from x0. SciPy's signature and conventions, exact derivatives without writing them.

    fun : plain NumPy, returns a number; x has the structure of x0. Where a derivative is being taken by something in
        args, result.x and result.fun have it, and nothing else (implicit differentiation); gtol is then, and inside the
        objective of another minimisation, 1e-9 unless given.
    x0 : array of any shape, number, or nested dict/list/tuple of arrays.
    method : a name (`optkit.methods()`), a solver object, or None to choose by the problem; `result.choice` says why.
    bounds : as in SciPy; no point outside them is evaluated. prox : a penalty or set of optkit.prox added to fun,
        or a dict or list of them with the keys of x0, None for an entry that is free.
    certify : a region of optkit.convexity, or True for the box of bounds. Before the run f is proved convex there, in
        10 seconds at most; the method gets certified constants it can use (`result.choice` says which), and the result
        has the proof and `gap`, with f(x) − f* <= gap for the least value f* on the region.
    jac, hess, hessp : as in SciPy; left out, autodiff provides them. tol : sets gtol.
    callback : callback(xk), callback(intermediate_result=...) or callback(xk, state) after each iteration;
        StopIteration ends the run, and from the last two also returning True.
    options, by name or in a dict : gtol, xtol, ftol, maxiter, maxfev, maxtime in seconds (see StoppingRules), progress,
        disp, return_all, compile, and the method's own. checkpoint="run.npz" saves the run every=10 iterations, or
        seconds as in every="30s"; the same call with resume="run.npz" goes on with it to the same bits. Limits may be
        others then, and count from the first start on.

    Returns a Result. Numerical trouble is a reason in it; wrong arguments raise ValueError or TypeError. What fun or
    callback raise passes through, with the Result so far as its attribute `result`.
    """
    named, hess = merge_options(options, options_by_name, tol), without_update(hess)
    args = args if isinstance(args, tuple) else (args,)
    if plainly(wants_an_axis, fun, x0, args):
        x0 = np.array([x0], dtype=float)
    limited = constrained.applies(constraints, method)
    if is_nested() or being_recorded():
        named = {"gtol": IMPLICIT_GTOL, **named}
    if depends_on_trace(args):
        _check_traced(limited, certify, callback, named)
        start = values(x0)
        return minimize_traced(
            lambda args: minimize(fun, start, args, method, jac=jac, hess=hess, hessp=hessp, bounds=bounds, prox=prox,
                                  callback=callback, options=named),
            fun, start, args, lambda: added_term(bounds, prox, start))
    objective = Objective(fun, x0, args, jac=jac, hess=hess, hessp=hessp, compile=named.get("compile", True),
                          term=added_term(bounds, prox, x0))
    solver, choice = constrained.choose(method, objective, constraints) if limited else choose(method, objective)
    found = None
    if certify is not None and certify is not False:
        _check_certify(limited)
        found = certified(objective, certify, named.get("maxtime"))
        named, handed_on = handed(named, solver, found, objective)
        choice = "; ".join(filter(None, (choice, handed_on)))
    solver, rules, door = split_options(named, solver)
    if not limited:
        check_copes(solver, objective.term)
    called = None if callback is None else Callback(callback, objective)
    observers: list[Observer] = [called] if called else []
    path = Path(objective) if door["return_all"] else None
    if path:
        observers.append(path)
    with Progress(method_name(solver)) if door["progress"] else nullcontext() as bar:
        watching = observers + [bar] if bar else observers
        run = constrained.start(objective, constraints, solver, rules, watching, door) if limited else \
            open_run(objective, solver, rules, watching, door)
        if called and isinstance(run, constrained.Run):
            called.more = run.told
        result = finished(run, lambda outcome: _result(run, outcome, method_name(solver), choice))
    result.message += objective.moved
    if found is not None:
        conclude(result, objective, solver, found)
    if path:
        result.allvecs = path.points
    if door["disp"]:
        print(result)
    return result


def _check_certify(limited: bool) -> None:
    if limited:
        raise ValueError("certify: not with constraints or their methods: f convex does not make the set they leave "
                         "convex; give a convex set as bounds= or prox=, or ask optkit.convexity.check about f")


def _check_traced(limited: bool, certify: Any, callback: Callable | None, named: dict[str, Any]) -> None:
    """Raises ValueError for what has no derivative by args."""
    if certify:
        raise ValueError("certify: not where args are differentiated; call minimize outside with plain args")
    if limited:
        raise ValueError("constraints: derivatives of a constrained minimum by args are not supported")
    if callback is not None or named.get("return_all"):
        raise ValueError("callback, return_all: not where args are differentiated: iterates have no derivatives, "
                         "only x and fun of the Result do; call minimize outside with plain args to watch a run")


def finished(run: Any, result: Callable[[Any], Any]) -> Any:
    """result(outcome) of the run; what it raises passes through with that of the outcome so far."""
    try:
        with Running():
            outcome = run.finish()
    except Exception as error:
        if (broken := run.broken(error)) is not None:
            attach(error, result(broken))
        raise
    return result(outcome)


def open_run(objective: Objective, solver: Solver, rules: StoppingRules, observers: list[Observer],
             door: dict[str, Any]) -> Run:
    """The run, from the start or from where a saved one goes on."""
    path = door["checkpoint"]
    checkpoint = None if path is None else Checkpoint(path, door["every"], objective, solver, rules)
    if door["resume"] is None:
        return Run(objective, solver, rules, observers, checkpoint, None)
    if door["return_all"]:
        raise ValueError("return_all: a checkpoint holds no iterates, so it cannot be given with resume")
    return Run(objective, solver, rules, observers, checkpoint, resume(door["resume"], objective, solver, rules))


def added_term(bounds: Any, prox: Any, x0: Any) -> Term | None:
    """What is added to f: bounds as a Box, or the given term."""
    if bounds is None:
        return as_term(prox, x0)
    if prox is not None:
        raise ValueError("bounds and prox are both given; use prox alone (optkit.prox has Box and other sets)")
    return as_box(bounds, flatten_start(x0)[0].size)


def _result(run: Any, outcome: Any, method: str, choice: str) -> Result:
    if isinstance(run, constrained.Run):
        return constrained.result(run, outcome, choice)
    objective: Objective = run.objective
    point, reason = outcome.point, outcome.reason
    gnorm, success = objective.measure(point), reason is Reason.CONVERGED
    measured = MEASURED[objective.term is not None]
    test = f"{measured} = {gnorm:.3g}" + (" <= " if success else ", the test wants <= ") + f"{outcome.threshold:.3g}"
    parts = (test, outcome.detail) if success else (reason.text, outcome.detail, test)
    result = Result(
        x=objective.restore(point.x.copy()), fun=point.f, jac=objective.restore(point.g.copy()),
        nit=max(0, len(outcome.history) - 1), nfev=objective.nfev, njev=objective.njev, nhev=objective.nhev,
        status=reason.status, success=success, message="; ".join(filter(None, parts)), reason=reason,
        history=outcome.history, method=method, choice=choice, derivatives=objective.derivatives,
        seconds=outcome.seconds, gnorm=gnorm, gtol=outcome.threshold, measured=measured)
    result.remember(objective)
    return result
