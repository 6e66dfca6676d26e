"""What a run gives back: SciPy's OptimizeResult, with the history, the reason and a way to disk."""

import contextlib
import copy
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scipy.optimize import OptimizeResult

from optkit.encoding import read, write
from optkit.text import duration, shortened

if TYPE_CHECKING:  # a certificate needs an objective, which knows results
    from optkit.certificate import Certificate
    from optkit.convexity.domains import Region
    from optkit.objective import Objective

KIND = "optkit result"


class Result(OptimizeResult):
    """The best point found, why the run ended and what it cost.

    x, jac : best point and the gradient there, in the structure of x0. fun : f(x). success : the gradient test holds at
    x. reason : Reason; status, message : the same as a number and in words. nit, nfev, njev, nhev : iterations, values,
    gradients and Hessian-vector products. history : one Record an iteration. method, choice : the method and how it was
    chosen. derivatives : where they came from. seconds : of the whole run. gnorm, gtol : `measured` and its
    threshold: ‖jac‖∞, or with bounds or a term what takes its place, ‖x − prox(x − jac)‖∞.
    """

    def __str__(self) -> str:
        rows = [
            ("method", f"{self.method}" + (f" ({self.choice})" if self.choice else "")),
            ("derivatives", self.get("derivatives", "")),
            ("stopped", f"{self.reason.name}: {self.message}"),
            ("f(x)", f"{self.fun:.12g}   from {self.history[0].f:.6g}" if len(self.history) else f"{self.fun:.12g}"),
            (self.get("measured", "‖∇f(x)‖∞"), f"{self.gnorm:.3g}   gtol {self.gtol:.3g}"),
            ("cost", f"{self.nit} iterations, {self.nfev} f, {self.njev} g, {self.nhev} Hv, {duration(self.seconds)}"),
            ("x", shortened(self.x)),
        ]
        rows = [(name, text) for name, text in rows if text]
        width = max(len(name) for name, _ in rows)
        head = "success" if self.success else "NOT solved"
        return "\n".join([f"optkit: {head}"] + [f"  {name:<{width}}  {text}" for name, text in rows])

    __repr__ = __str__

    def plot(self, path: str | os.PathLike | None = None):
        """Convergence curves, as a matplotlib Figure; written to `path` if given."""
        from optkit.plots import convergence

        return convergence([self], path=path)

    def save(self, path: str | os.PathLike) -> Path:
        """Write everything to one .npz file (arrays and JSON, no pickle), atomically; `optkit.load` reads it back."""
        return write(path, KIND, dict(self), __name__)

    def certificate(self, domain: "Region | None" = None, *, mu: Any = None, fun: Callable | None = None,
                    args: Any = (), bounds: Any = None, prox: Any = None) -> "Certificate":
        """What the second derivatives say about x: extreme eigenvalues, and what kind of point it is. print() it.

        mu : a number (or a certified Bound of optkit.convexity) for which f is μ-strongly convex; domain : where
        optkit.convexity.check is to look for one. Then the certificate bounds f(x) − f*.
        fun, args, bounds, prox : those of `minimize`, needed where the result comes from a file or a pickle that holds
        no certificate yet. Cost: n products, or some hundred above 300 unknowns; nothing when asked again.
        """
        from optkit.certificate import bounded, certify, objective_again

        if "multipliers" in self:
            raise ValueError("certificate: not for runs with constraints; their message says what the curvature along "
                             "the active constraints is, `optimality` and `multipliers` the rest")
        objective = self.__dict__.get("_objective")
        if fun is not None:
            gnorm = max(self.gnorm, self.gtol)
            objective = objective_again(self.x, self.fun, gnorm, fun, args, bounds, prox)
            self.remember(objective)
        if "certified" not in self:
            if objective is None:
                raise ValueError("certificate: the function is not saved with a result; give it again, as in "
                                 "certificate(fun=f, args=args), with bounds if there were any")
            self.certified = certify(objective, self.x, self.gtol)
        if mu is not None or domain is not None:
            if objective is None:
                raise ValueError("certificate: mu and domain need the function again, as in certificate(mu=mu, fun=f)")
            self.certified = bounded(self.certified, objective, self.x, mu, domain)
        return self.certified

    def remember(self, objective: "Objective") -> None:
        """Keep how to compute products, for `certificate`; it is neither saved nor pickled."""
        self.__dict__["_objective"] = objective

    def copy(self) -> "Result":
        """A shallow copy."""
        return copy.copy(self)

    def __copy__(self) -> "Result":
        return self._like(dict(self))

    def __deepcopy__(self, memo: dict) -> "Result":
        return self._like(copy.deepcopy(dict(self), memo))

    def _like(self, items: dict) -> "Result":
        new = type(self)(items)
        new.__dict__.update(self.__dict__)
        return new

    def __reduce__(self):
        return type(self), (dict(self),)


def attach(error: Exception, result: Result) -> None:
    """Give an exception the result so far, in a note and as its attribute `result` where it can have one."""
    with contextlib.suppress(AttributeError, TypeError):
        error.result = result  # type: ignore[attr-defined]
    where = "; error.result has it" if getattr(error, "result", None) is result else ""
    with contextlib.suppress(AttributeError, TypeError):
        error.add_note(f"optkit: the best point so far has f(x) = {result.fun:.12g}, after {result.nit} iterations and "
                       f"{result.nfev} evaluations{where}")


def load(path: str | os.PathLike) -> Result:
    """A Result written by `Result.save`. Raises ValueError where the file is something else."""
    import optkit.certificate  # noqa: F401 - one may be in the file, and its class is looked up, not imported
    from optkit.fit import Fit

    items = read(path, KIND, __name__, "Result.save")
    return Fit.loaded(items) if "active_mask" in items else Result(items)
