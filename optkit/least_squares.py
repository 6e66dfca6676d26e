"""The front door for fits."""

import warnings
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import scipy.sparse
from scipy.optimize import Bounds

from optkit.fit import Fit
from optkit.inputs import as_box, flatten_start, wants_an_axis
from optkit.loop import Outcome, Solver
from optkit.losses import Loss
from optkit.minimize import finished, open_run
from optkit.nesting import depends_on_trace, plainly
from optkit.observers import Callback, Observer, Path, Progress
from optkit.options import IgnoredOption, merge_options, split_options
from optkit.prox import Box
from optkit.residual import LeastSquares
from optkit.residual_sources import flat
from optkit.solvers import FIT_ALIASES, FITS, LevenbergMarquardt
from optkit.stopping import Reason

GTOL = 1e-8  # scipy.optimize.least_squares
RENAMED = {"max_nfev": "maxfev"}
# SciPy's options about how it forms and solves the linear problems: without meaning here.
MEANINGLESS = {"diff_step", "tr_solver", "tr_options", "jac_sparsity", "workers"}


def least_squares(residual: Callable, x0: Any, args: Any = (), method: str | Solver | None = None, *, jac: Any = None,
                  bounds: Any = None, loss: Any = "linear", f_scale: float = 1.0, sparse: bool | None = None,
                  tol: float | None = None, callback: Callable | None = None, kwargs: dict[str, Any] | None = None,
                  options: dict[str, Any] | None = None, **options_by_name: Any) -> Fit:
    """Minimise ½ f_scale² Σ ρ((r_i/f_scale)²), r = residual(x, *args): exact Jacobians without writing them.

    residual : plain NumPy, returns an array of any shape or nested ones; x has the structure of x0.
    x0 : array of any shape, number, or nested dict/list/tuple of arrays.
    method : "lm" (the default), "gauss-newton", or a solver object; SciPy's "trf" and "dogbox" mean "lm".
    jac : None for autodiff, a callable (m, n), dense or sparse, or "2-point" or "3-point".
    bounds : (lower, upper), numbers or in the structure of x0, or a list of pairs, or scipy.optimize.Bounds.
    loss : "linear", "huber", "soft_l1", "cauchy", "arctan", or a callable, as in SciPy; f_scale : the size of r from
        which on they count as outliers.
    sparse : whether J is sparse; None decides by its pattern from 100 unknowns on.
    options, by name or in a dict : gtol (1e-8; `tol` sets it) of the measure in LeastSquares.measure, and the others of
        `minimize`; x_scale, factor and eta of "lm"; max_nfev is maxfev.

    Returns a Fit. Wrong arguments raise ValueError or TypeError; what residual raises passes through with the Fit so
    far as its attribute `result`.
    """
    named = _options(merge_options(options, options_by_name, tol))
    if kwargs:
        residual, plain = _with_keywords(residual, kwargs), residual
        jac = _with_keywords(jac, kwargs) if callable(jac) else jac
        residual.__name__ = getattr(plain, "__name__", "residual")
    if depends_on_trace(args):
        raise ValueError("args: derivatives of a fit by args are not supported; minimize(lambda x, *args: 0.5 * "
                         "np.sum(residual(x, *args)**2), x0, args) has them")
    if plainly(wants_an_axis, residual, x0, args if isinstance(args, tuple) else (args,)):
        x0 = np.array([x0], dtype=float)
    loss = Loss(loss, f_scale)
    objective = LeastSquares(residual, x0, args, jac=jac, term=_box(bounds, x0), loss=loss, sparse=sparse,
                             compile=named.get("compile", True))
    solver, rules, door = split_options(named, _solver(method))
    name = next((known for known, cls in FITS.items() if type(solver) is cls), type(solver).__name__)
    observers: list[Observer] = [] if callback is None else [Callback(callback, objective)]
    path = Path(objective) if door["return_all"] else None
    with Progress(name) if door["progress"] else nullcontext() as bar:
        watching: list[Observer] = [*observers, *[watcher for watcher in (path, bar) if watcher]]
        run = open_run(objective, solver, rules, watching, door)
        fit = finished(run, lambda outcome: _fit(objective, outcome, name))
    if path:
        fit.allvecs = path.points
    if door["disp"]:
        print(fit)
    return fit


def _options(named: dict[str, Any]) -> dict[str, Any]:
    """SciPy's options by the names they have here; gtol by default that of SciPy's least_squares."""
    out: dict[str, Any] = {}
    for given, value in named.items():
        if given in MEANINGLESS:
            warnings.warn(f"option {given!r} has no meaning here and is ignored", IgnoredOption, stacklevel=3)
        elif given == "verbose":
            out["disp"] = bool(value)
        elif RENAMED.get(given, given) in out:
            raise TypeError(f"option {given!r} means {RENAMED.get(given, given)!r}, which is given too")
        else:
            out[RENAMED.get(given, given)] = value
    if out.get("gtol") is None:
        out["gtol"] = GTOL
    return out


def _with_keywords(f: Callable, kwargs: dict[str, Any]) -> Callable:
    return lambda x, *args: f(x, *args, **kwargs)


def _solver(method: str | Solver | None) -> Solver | type:
    if method is None:
        return LevenbergMarquardt
    if not isinstance(method, str):
        return method
    key = method.lower().replace("_", "-")
    if FIT_ALIASES.get(key, key) not in FITS:
        raise ValueError(f"method: need one of {', '.join(FITS)}, got {method!r}")
    return FITS[FIT_ALIASES.get(key, key)]


def _box(bounds: Any, x0: Any) -> Box | None:
    """Bounds in SciPy's form (lower, upper), each a number or in the structure of x0, or those of `minimize`.

    For two unknowns a list of two tuples is taken for pairs, anything else of two for (lower, upper).
    """
    if bounds is None:
        return None
    n = flatten_start(x0)[0].size
    if hasattr(bounds, "lb") or len(bounds) != 2 or isinstance(bounds, list) and all(
            isinstance(pair, tuple) for pair in bounds):
        return as_box(bounds, n)
    sides = [_side(side, n, none) for side, none in zip(bounds, (-np.inf, np.inf), strict=True)]
    if any(side.size != n for side in sides):
        raise ValueError(f"bounds: need (lower, upper) of {n} numbers each, got {sides[0].size} and {sides[1].size}")
    return as_box(Bounds(*sides), n)


def _side(side: Any, n: int, none: float) -> np.ndarray:
    """Lower or upper bounds as one vector; None, or a None in a list, is no bound."""
    if isinstance(side, list | tuple):
        side = [none if bound is None else bound for bound in side]
    if isinstance(side, dict) or np.ndim(side):
        return flat(side)
    return np.full(n, none if side is None else side, dtype=float)


def _fit(objective: LeastSquares, outcome: Outcome, method: str) -> Fit:
    with np.errstate(all="ignore"):
        return _made(objective, outcome, method)


def _made(objective: LeastSquares, outcome: Outcome, method: str) -> Fit:
    point, reason, box = outcome.point, outcome.reason, objective.box
    measure, success = objective.measure(point), reason is Reason.CONVERGED
    test = "the gradient is within rounding" if measure == 0 else (
        f"cosine of residual and tangent space {measure:.3g}" + (" <= " if success else ", the test wants <= ")
        + f"{outcome.threshold:.3g}")
    parts = (test, outcome.detail) if success else (reason.text, outcome.detail, test)
    _, weights, _ = objective.loss.weigh(objective.residual(point.x))
    J = objective.jacobian(point.x)
    fit = Fit(
        x=objective.restore(point.x.copy()), cost=point.f, fun=objective.residual(point.x).copy(),
        jac=scipy.sparse.diags_array(weights).tocsr() @ J if scipy.sparse.issparse(J) else weights[:, None] * J,
        grad=objective.restore(point.g.copy()),
        optimality=float(np.max(np.abs(point.x - box.prox(point.x - point.g, 1.0)))),
        active_mask=(point.x >= box.upper).astype(int) - (point.x <= box.lower),
        nit=max(0, len(outcome.history) - 1), nfev=objective.nfev, njev=objective.njev, nhev=objective.nhev,
        status=reason.status, success=success, message="; ".join(filter(None, parts)), reason=reason,
        history=outcome.history, method=method, choice="", derivatives=objective.derivatives, seconds=outcome.seconds,
        gnorm=measure, gtol=outcome.threshold, loss=objective.loss.name)
    fit.remember(objective)
    return fit
