"""minimize(..., constraints=...): SciPy's trust-constr and SLSQP with exact derivatives, and our own verdict."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from optkit.constrained.constraints import Constraints, is_given
from optkit.constrained.run import Run
from optkit.constrained.scipy_methods import METHODS, SLSQP, TrustConstr
from optkit.constrained.trial import Outcome
from optkit.objective import Objective
from optkit.options import find_method
from optkit.prox import Box
from optkit.result import Result
from optkit.stopping import Reason, StoppingRules

__all__ = ["METHODS", "SLSQP", "Constraints", "Run", "TrustConstr", "applies", "choose", "is_given", "result", "start"]

SLSQP_UP_TO = 100  # unknowns: its cost is cubic in them


def applies(constraints: Any, method: Any) -> bool:
    """Whether the run is one for these methods: there are constraints, or one of them is asked for."""
    return is_given(constraints) or _named(method) is not None


def choose(method: Any, objective: Objective, given: Any) -> tuple[Any, str]:
    """The method's class or object, and how it was chosen. Raises ValueError where it does not handle constraints."""
    if objective.term is not None and not isinstance(objective.term, Box):
        raise ValueError(f"constraints: cannot be combined with prox={objective.term!r:.60}; use bounds, or write it "
                         "as a constraint")
    if method is None:
        if _keeps_feasible(given):
            return TrustConstr, "chosen: constraints with keep_feasible=True"
        if objective.n <= SLSQP_UP_TO:
            return SLSQP, f"chosen: constraints and n = {objective.n} <= {SLSQP_UP_TO}"
        return TrustConstr, f"chosen: constraints and n = {objective.n} > {SLSQP_UP_TO}"
    found = _named(method)
    if isinstance(method, str):
        find_method(method)
    if found is None:
        raise ValueError(f"method {method!r:.60} does not handle constraints; use one of {', '.join(METHODS)}, or "
                         "method=None")
    return found, ""


def _named(method: Any) -> Any:
    if isinstance(method, str):
        return METHODS.get(method.lower().replace("_", "-"))
    return method if isinstance(method, tuple(METHODS.values())) else None


def name_of(solver: Any) -> str:
    """The registered name of a solver object."""
    return next(name for name, cls in METHODS.items() if type(solver) is cls)


def start(objective: Objective, given: Any, solver: Any, rules: StoppingRules, observers: Sequence[Callable],
          door: dict[str, Any]) -> Run:
    """A run, not yet begun. Raises TypeError or ValueError where a constraint is not one."""
    if door.get("checkpoint") is not None or door.get("resume") is not None:
        raise ValueError(f"checkpoint, resume: not with the methods for constraints, {', '.join(METHODS)}")
    return Run(objective, _constraints(given, objective, solver), solver, rules, observers)


def _constraints(given: Any, objective: Objective, solver: Any) -> Constraints:
    """Raises ValueError where one is to be kept feasible that is not at x0, or by a method that cannot."""
    found = Constraints(given if is_given(given) else [], objective)
    if found.keep.any() and not isinstance(solver, TrustConstr):
        raise ValueError(f"constraints: keep_feasible=True needs method 'trust-constr', {name_of(solver)!r} does not "
                         "keep its iterates feasible")
    if (found.violation(found.value(objective.x0))[found.keep] > 0).any():
        raise ValueError("constraints: keep_feasible=True needs an x0 that satisfies them")
    return found


def _keeps_feasible(given: Any) -> bool:
    forms = given if isinstance(given, Sequence) else [given]
    return any(np.any(getattr(form, "keep_feasible", False)) for form in forms)


def result(run: Run, outcome: Outcome, choice: str) -> Result:
    """The Result: as of any method, and constraint_violation, multipliers, bound_multipliers and optimality.

    multipliers : one array for each constraint given, λ of L = f + Σ λ·c (SciPy's `v`): > 0 at an upper, < 0 at a lower
        bound of c. bound_multipliers : the same for the bounds on x, in the structure of x0.
    optimality : the larger of ‖∇f + Jᵀλ + λ_x‖∞ and max |λ_i|·(distance from that bound); also `gnorm`.
    constraint_violation : largest amount by which a constraint is violated. constr_nfev, constr_njev, constr_nhev :
        evaluations, Jacobians and Hessian products of all constraints.
    """
    objective, constraints = run.objective, run.constraints
    trial, kkt, reason = outcome.trial, outcome.kkt, outcome.reason
    violation, restore = float(constraints.violation(trial.c).max(initial=0.0)), objective.restore
    g = trial.point.g if trial.point else np.full(objective.n, np.nan)
    return Result(
        x=restore(trial.x.copy()), fun=trial.f, jac=restore(g.copy()), nit=max(0, len(outcome.history) - 1),
        nfev=objective.nfev, njev=objective.njev, nhev=objective.nhev, status=reason.status,
        success=reason is Reason.CONVERGED, message=_message(outcome, violation), reason=reason,
        history=outcome.history, method=name_of(run.solver), choice=choice, derivatives=objective.derivatives,
        seconds=outcome.seconds, gnorm=kkt.worst, gtol=outcome.threshold, measured="KKT residual",
        optimality=kkt.worst, constraint_violation=violation, multipliers=constraints.split(kkt.multipliers),
        bound_multipliers=restore(kkt.bound_multipliers.copy()), constr_nfev=constraints.nfev,
        constr_njev=constraints.njev, constr_nhev=constraints.nhev)


def _message(outcome: Outcome, violation: float) -> str:
    kkt, success = outcome.kkt, outcome.reason is Reason.CONVERGED
    test = (f"‖∇f + Jᵀλ‖∞ = {kkt.stationarity:.3g} and complementarity {kkt.complementarity:.3g}"
            f"{'' if success else ', the test wants both'} <= {outcome.threshold:.3g}, violation {violation:.3g}")
    parts = (test, outcome.detail) if success else (outcome.reason.text, outcome.detail, test)
    return "; ".join(filter(None, parts))
