"""What a run gives back: SciPy's OptimizeResult, with the history, the reason and a way to disk."""

import contextlib
import copy
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import OptimizeResult

from optkit.encoding import read, write
from optkit.history import History
from optkit.stopping import Reason
from optkit.text import duration, shortened

if TYPE_CHECKING:  # a certificate needs an objective, which knows results
    from optkit.certificate import Certificate
    from optkit.certified import Certified
    from optkit.convexity.domains import Region
    from optkit.objective import Objective

KIND = "optkit result"
# What every result has, and of which types.
_NUMBER, _COUNT = (int, float, np.number), (int, np.integer)
_NEEDED: dict[str, Any] = {"x": object, "fun": (*_NUMBER, np.ndarray), "jac": object, "reason": Reason,
                           "history": History, "message": str, "method": str, "choice": str,
                           "success": (bool, np.bool_), "gnorm": _NUMBER, "gtol": _NUMBER, "seconds": _NUMBER,
                           "nit": _COUNT, "nfev": _COUNT, "njev": _COUNT, "nhev": _COUNT}
# SciPy's names, read-only, for what has another here.
SCIPY_NAMES = {"niter": "nit", "grad": "jac", "ngev": "njev", "constr_violation": "constraint_violation",
               "v": "multipliers", "execution_time": "seconds"}
_HESSIAN = "autodiff.hessian(f)(res.x) is the Hessian there, res.certificate() its extreme eigenvalues"
_CONSTRAINED = "only runs with constraints have multipliers and constraint_violation"
_INSTEAD = {"hess": _HESSIAN, "hess_inv": f"{_HESSIAN}, np.linalg.inv of the first its inverse",
            "multipliers": _CONSTRAINED, "constraint_violation": _CONSTRAINED,
            "allvecs": "give return_all=True to keep the iterates",
            **dict.fromkeys(("proof", "gap"), "give certify=region to minimize, or call res.certificate(region)")}


class Result(OptimizeResult):
    """The best point found, why the run ended and what it cost.

    x, jac : best point and the gradient there, in the structure of x0. fun : f(x). success : the gradient test holds at
    x. reason : Reason; status, message : the same as a number and in words. nit, nfev, njev, nhev : iterations, values,
    gradients and Hessian-vector products. history : one Record an iteration. method, choice : the method and how it was
    chosen. derivatives : where they came from. seconds : of the whole run. gnorm, gtol : `measured` and its
    threshold: ‖jac‖∞, or with bounds or a term what takes its place, ‖x − prox(x − jac)‖∞. SciPy's other names for
    these can be read too: niter, grad, constr_violation, v. With certify, also proof : that f is convex, gap : a bound
    on f(x) − f*, rate : how fast theory says the method is with the constants of the proof, where it says so.
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

    def __getattr__(self, name: str) -> Any:
        if name in self:
            return self[name]
        known = SCIPY_NAMES.get(name)
        if known in self:
            return self[known]
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(f"a {type(self).__name__} has no {name!r}; "
                             + _INSTEAD.get(known or name, f"it has {', '.join(self)}, and the methods plot, save and "
                                            "certificate")) from None

    def plot(self, path: str | os.PathLike | None = None):
        """Convergence curves, as a matplotlib Figure; written to `path` if given."""
        from optkit.plots import convergence

        return convergence([self], path=path)

    def save(self, path: str | os.PathLike) -> Path:
        """Write everything to one .npz file (arrays and JSON, no pickle), atomically; `optkit.load` reads it back.

        Named tuples of your own in x come back as tuples: files hold no classes but those of optkit.
        """
        items = _plain(dict(self))
        if "proof" in items:
            items["proof"] = self.proof.to_json()
        return write(path, KIND, items, __name__)

    def certificate(self, domain: "Region | None" = None, *, mu: Any = None, fun: Callable | None = None,
                    args: Any = (), bounds: Any = None, prox: Any = None) -> "Certificate":
        """What the second derivatives say about x: extreme eigenvalues, and what kind of point it is. print() it.

        domain : a region of optkit.convexity on which f is to be proved convex (in 10 seconds at most); then x is its
        global minimum there, f(x) − f* is bounded by certified numbers, and res.proof is the proof; else `convexity`
        says what was in the way. Left out, that of certify= counts. mu : a number (or a certified Bound) for which f is
        μ-strongly convex, as you say, in place of a proof.
        fun, args, bounds, prox : those of `minimize`, needed where the result comes from a file or a pickle that holds
        no certificate yet. Cost: n products, or some hundred above 300 unknowns; nothing when asked again.
        """
        from optkit.certificate import bounded, certify, globally, objective_again
        from optkit.certified import again

        if "multipliers" in self:
            raise ValueError("certificate: not for runs with constraints; their message says what the curvature along "
                             "the active constraints is, `optimality` and `multipliers` the rest")
        if mu is not None and domain is not None:
            raise ValueError(f"certificate: mu={mu!r} and domain are both given; with mu f counts as strongly convex "
                             "everywhere, with domain it is proved there")
        objective, before = self.__dict__.get("_objective"), set(self)
        if fun is not None:
            gnorm = max(self.gnorm, self.gtol)
            differenced = "differences" in self.get("derivatives", "")
            objective = objective_again(self.x, self.fun, None if differenced else self.jac, gnorm, fun, args, bounds,
                                        prox)
            self.remember(objective)
        if "certified" not in self:
            if objective is None:
                raise ValueError("certificate: the function is not saved with a result; give it again, as in "
                                 "certificate(fun=f, args=args), with bounds if there were any")
            self.certified = certify(objective, self.x, self.gtol)
        found: Any = self.__dict__.get("_proved")
        if mu is None and domain is None and found is None or "certified" in before and domain is mu is None:
            return self.certified
        if objective is None:
            raise ValueError("certificate: mu and domain need the function again, as in certificate(mu=mu, fun=f)")
        if mu is not None:
            self.certified = bounded(self.certified, objective, self.x, mu)
            return self.certified
        if domain is not None and (found is None or found.region is not domain):
            found = again(objective, domain, self.get("proof"))
        self.certified = globally(self.certified, objective, self.x, found)
        self.know(found)
        self.proof, self.gap = found.proof, math.inf if self.certified.gap is None else self.certified.gap
        return self.certified

    def know(self, found: "Certified") -> None:
        """Keep where the proof holds, for `certificate`; that is neither saved nor pickled, the proof itself is."""
        self.__dict__["_proved"] = found

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


def _plain(tree: Any) -> Any:
    """The same with tuples for named tuples that are not optkit's."""
    if isinstance(tree, dict):
        return {key: _plain(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_plain(value) for value in tree]
    if not isinstance(tree, tuple) or hasattr(tree, "_fields") and type(tree).__module__.startswith("optkit."):
        return tree
    return tuple(map(_plain, tree))


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
    from optkit.convexity.proof import Proof
    from optkit.fit import Fit

    items = read(path, KIND, __name__, "Result.save")
    held = items if isinstance(items, dict) else {}
    wrong = [name for name, kind in _NEEDED.items() if name not in held or not isinstance(held[name], kind)]
    if wrong:
        raise ValueError(f"need a file written by Result.save, got {os.fspath(path)!r}, which holds no result: "
                         f"{', '.join(wrong)} missing, or of another type")
    if "proof" in items:
        items["proof"] = Proof.from_json(items["proof"])
    return Fit.loaded(items) if "active_mask" in items else Result(items)
