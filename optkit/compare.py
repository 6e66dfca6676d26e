"""Several methods on one problem, side by side."""

import os
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

from optkit.checkpoint import refuse_files
from optkit.constrained import METHODS as CONSTRAINED
from optkit.constrained import is_given
from optkit.finite_sum import FiniteSum
from optkit.minimize import added_term, minimize
from optkit.options import copes, find_method, method_name
from optkit.prox import Term
from optkit.result import Result
from optkit.solvers import METHODS
from optkit.text import table

# One of each family, the strongest first; what compares by default.
SPREAD = ("newton-cg", "trust-exact", "l-bfgs", "bfgs", "cg", "momentum", "gradient-descent", "l-bfgs-b",
          "projected-newton", "projected-gradient", "fista", "proximal-gradient", "owl-qn")
_FOR_TERMS = SPREAD[7:]  # these take bounds or penalties; without either, the others say more


class Comparison(dict):
    """Label -> Result, one a method; printed as a table. `best` is the lowest that is solved, else the lowest.

    f_star : the known minimum; without it the lowest value found stands in for it.
    """

    def __init__(self, results: dict[str, Result], f_star: float | None = None):
        super().__init__(results)
        self.f_star = f_star

    @property
    def best(self) -> Result:
        return min(self.values(), key=lambda result: (not result.success, result.fun))

    def __str__(self) -> str:
        reference = min(result.fun for result in self.values()) if self.f_star is None else self.f_star
        gap = "f − best" if self.f_star is None else "f − f*"
        rows = [("method", "iterations", "f", "g", "Hv", "seconds", gap, "stationarity", "stopped")]
        rows += [(label, str(r.nit), str(r.nfev), str(r.njev), str(r.nhev), f"{r.seconds:.4f}",
                  f"{r.fun - reference:.1e}", f"{r.gnorm:.1e}", r.reason.name.lower().replace("_", " "))
                 for label, r in self.items()]
        return table(rows)

    __repr__ = __str__

    def plot(self, path: str | os.PathLike | None = None, **options: Any):
        """Convergence curves of all, a matplotlib Figure; written to `path` if given. Options: `plots.convergence`."""
        from optkit.plots import convergence

        return convergence(dict(self), f_star=self.f_star, path=path, **options)


def compare(fun: Callable, x0: Any, methods: Sequence[Any] | dict[str, Any] | str | None = None, *,
            f_star: float | None = None, **options: Any) -> Comparison:
    """Minimise fun from x0 by several methods: a table (print it), the results by name, and `.plot()`.

    methods : names or solver objects, or a dict label -> one of these; None for a spread of the field that copes with
        the problem, "all" for every one that does.
    f_star : the minimum, where it is known. options : those of `minimize` (args, bounds, prox, gtol, maxtime, ...).

    Each method starts anew, without what another's run has recorded of fun, so that seconds can be compared. Cost: the
    sum of the runs. Raises what `minimize` raises.
    """
    refuse_files("compare", options)
    if methods is None and is_given(options.get("constraints", ())):
        methods = tuple(CONSTRAINED)
    elif methods is None or isinstance(methods, str):
        methods = _suitable(methods, added_term(options.get("bounds"), options.get("prox"), x0))
        if not isinstance(fun, FiniteSum):
            methods = [name for name in methods if not getattr(METHODS[name], "finite_sum", False)]
    if not isinstance(methods, dict):
        methods = _labelled(methods)
    if not methods:
        raise ValueError("methods: need at least one, got none")
    for method in methods.values():
        if isinstance(method, str):
            find_method(method)
    return Comparison({label: minimize(anew(fun), x0, method=method, **options) for label, method in methods.items()},
                      f_star)


def _suitable(which: str | None, term: Term | None) -> list[str]:
    if which not in (None, "all"):
        raise TypeError(f'methods: need a list of names or solver objects, or "all", got {which!r}; one alone: '
                        f"methods=[{which!r}]")
    names = METHODS if which else [name for name in SPREAD if term is not None or name not in _FOR_TERMS]
    return [name for name in names if name in METHODS and copes(METHODS[name], term)]


def _labelled(methods: Sequence[Any]) -> dict[str, Any]:
    """The methods by name; a name that comes again gets a number."""
    labelled: dict[str, Any] = {}
    for method in methods:
        name = label = method if isinstance(method, str) else method_name(method)
        count = 1
        while label in labelled:
            count += 1
            label = f"{name} ({count})"
        labelled[label] = method
    return labelled


def anew(f: Callable) -> Callable:
    """The same function as a new object: what one method's run recorded of it must not make the next one's faster."""
    if isinstance(f, FiniteSum):
        return FiniteSum(anew(f.f), *f.data, regularizer=f.regularizer and anew(f.regularizer))
    if not isinstance(f, FunctionType):
        return f
    copy = FunctionType(f.__code__, f.__globals__, f.__name__, f.__defaults__, f.__closure__)
    copy.__kwdefaults__ = f.__kwdefaults__
    return copy
