"""One run of one solver on one case, ours or SciPy's, and what an independent look at its answer says."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import optimize

import autodiff as ad
import optkit
from problems import UNKNOWN, Case

GTOL = 1e-5
ACCURACY = 1e-5  # criterion A: the share of f0 − f_best that may be missing (Moré & Wild 2009, eq. 2.2)
NEGATIVE = 1e-6  # a Hessian eigenvalue below minus this times the largest is negative
BOTTOMLESS = -1e15  # of f, in a problem that is unbounded below far from the minimum that is looked for (HIMMELBH)
PROBE = np.logspace(-6, 1, 29)  # steps along its eigenvector, in units of max(1, ‖x‖∞)


@dataclass(frozen=True)
class Budget:
    """What one run may cost: evaluations of f, and seconds as a safety net."""

    evaluations: int
    seconds: float


@dataclass(frozen=True)
class Run:
    """An answer, its cost as counted by the caller, and the facts about it that do not rely on the solver's word.

    nhev : Hessian-vector products; a whole Hessian counts n. gnorm, lowest, largest : ‖∇f(x)‖∞ and the extreme Hessian
    eigenvalues at x, recomputed. fall : by how much f falls along the eigenvector of `lowest`, at most.
    """

    case: Case
    library: str
    method: str
    success: bool
    message: str
    f0: float
    f: float
    gnorm: float
    lowest: float
    largest: float
    fall: float
    nfev: int
    njev: int
    nhev: int
    seconds: float

    @property
    def flat(self) -> bool:
        """Criterion B."""
        return self.gnorm <= GTOL

    @property
    def saddle(self) -> bool:
        """Curvature is negative, and f falls along it by what criterion A would notice (not so where x is on its way to
        a minimum at which the Hessian is singular)."""
        negative = self.lowest < -NEGATIVE * max(self.largest, -self.lowest)
        return negative and self.fall > ACCURACY * abs(self.f0 - self.f)

    @property
    def false_success(self) -> bool:
        return self.success and (not self.flat or self.saddle)

    def low(self, f_best: float) -> bool:
        """Criterion A."""
        return self.f0 - self.f >= (1 - ACCURACY) * (self.f0 - f_best)

    @property
    def work(self) -> int:
        return self.nfev + self.njev + self.nhev


class Spent(Exception):
    """The budget is used up."""


class Exact:
    """f and its exact derivatives as SciPy wants them, counted; remembers the lowest point."""

    def __init__(self, case: Case, budget: Budget):
        self.compiled, self.budget = ad.compile(_unseen(case.f)), budget
        self.deadline = time.perf_counter() + budget.seconds
        self.nfev = self.njev = self.nhev = 0
        self.best = (math.inf, case.x0)

    def f(self, x):
        self._check()
        self.nfev += 1
        value = float(self.compiled(x))
        if value < self.best[0]:
            self.best = (value, x.copy())
        return value

    def gradient(self, x):
        self._check()
        self.njev += 1
        return self.compiled.value_and_grad(x)[1]

    def product(self, x, v):
        self._check()
        self.nhev += 1
        return self.compiled.linearize_grad(x)[2](v)

    def hessian(self, x):
        self._check()
        self.nhev += x.size
        return hessian(self.compiled, x)

    def _check(self):
        if self.nfev >= self.budget.evaluations or time.perf_counter() > self.deadline:
            raise Spent


def _unseen(f):
    """The same function, of which autodiff remembers nothing: so no run depends, in its last bits, on those before."""
    return lambda x: f(x)


def hessian(compiled, x):
    """The dense Hessian, symmetrised."""
    product = compiled.linearize_grad(x)[2]
    H = np.array([product(e) for e in np.eye(x.size)])
    return 0.5 * (H + H.T)


@dataclass(frozen=True)
class Twin:
    """A SciPy method at its own defaults, with gtol set where it has one. second : what of H it takes."""

    name: str
    second: str = ""
    options: tuple[tuple[str, float], ...] = (("gtol", GTOL),)


def run_ours(case: Case, method: str, budget: Budget) -> Run:
    """optkit.minimize at its defaults; `method` "default" lets it choose."""
    began = time.perf_counter()
    try:
        res = optkit.minimize(_unseen(case.f), case.x0, method=None if method == "default" else method, gtol=GTOL,
                              maxfev=budget.evaluations, maxtime=budget.seconds)
    except Exception as error:  # a crash is a result of the comparison, not the end of it
        message = f"raised {type(error).__name__}: {error}"
        return _judge(case, "optkit", method, case.x0, False, message, (0, 0, 0), began)
    counts = (res.nfev, res.njev, res.nhev)
    return _judge(case, "optkit", method, res.x, res.success, res.reason.name, counts, began)


def run_twin(case: Case, twin: Twin, budget: Budget) -> Run:
    """scipy.optimize.minimize with exact derivatives."""
    began = time.perf_counter()
    exact = Exact(case, budget)
    second: dict[str, Callable] = {"H": {"hess": exact.hessian}, "Hv": {"hessp": exact.product}}.get(twin.second, {})
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            res = optimize.minimize(exact.f, case.x0, method=twin.name, jac=exact.gradient, options=dict(twin.options),
                                    **second)
            x, success, message = res.x, bool(res.success), str(res.message)
        except Spent:
            x, success, message = exact.best[1], False, "budget spent"
        except Exception as error:
            x, success, message = exact.best[1], False, f"raised {type(error).__name__}: {error}"
    return _judge(case, "scipy", twin.name, x, success, message, (exact.nfev, exact.njev, exact.nhev), began)


def _judge(case, library, method, x, success, message, counts, began) -> Run:
    seconds = time.perf_counter() - began
    with np.errstate(all="ignore"):
        f0, f = float(case.f(case.x0)), float(case.f(x))
        compiled = ad.compile(_unseen(case.f))
        gnorm = float(np.max(np.abs(compiled.value_and_grad(x)[1])))
        lowest, largest, fall = _curvature(case.f, hessian(compiled, x), x, f)
    return Run(case, library, method, success, message.replace("\n", " "), f0, f, gnorm, lowest, largest, fall, *counts,
               seconds)


def _curvature(fun, H, x, f):
    """The extreme eigenvalues of H, and by how much f falls along the eigenvector of the lowest."""
    if not np.all(np.isfinite(H)):
        return np.nan, np.nan, 0.0
    eigenvalues, vectors = np.linalg.eigh(H)
    steps = PROBE * max(1.0, np.max(np.abs(x)))
    around = [float(fun(x + t * vectors[:, 0])) for t in (*steps, *-steps)] if eigenvalues[0] < 0 else []
    return float(eigenvalues[0]), float(eigenvalues[-1]), max([0.0, *(f - value for value in around)])


def best_value(runs: list[Run], remembered: float = math.inf) -> float:
    """The lowest value any run found, or one known before; not where a run fell without end."""
    return min([run.f for run in runs if run.f > BOTTOMLESS] + [remembered])


def published(case: Case) -> str:
    return "" if case.f_star is UNKNOWN else repr(float(case.f_star))
