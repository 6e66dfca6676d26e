"""The measurements: derivatives against hand-written NumPy, the price of recording, whole runs against SciPy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import numpy as np
from scipy import optimize

import autodiff as ad
import optkit
import problems
from benchmarks import peers
from benchmarks.timing import Effort, Timing, interleave
from benchmarks.workloads import Workload, check_by_differences, check_equal, direction, near


@dataclass(frozen=True)
class Row:
    """One contender at one task. seconds : median per call. ratio, low, high : over the reference, with quartiles."""

    workload: str
    quantity: str
    contender: str
    seconds: float
    ratio: float
    low: float
    high: float
    note: str = ""


def _rows(workload: str, quantity: str, timings: dict[str, Timing], reference: str, notes: dict[str, str]) -> list[Row]:
    return [
        Row(workload, quantity, name, timing.median, *timing.ratio(timings[reference]), notes.get(name, ""))
        for name, timing in timings.items()
    ]


def derivatives(workload: Workload, effort: Effort, with_peers: bool) -> Iterator[Row]:
    """f, value and gradient, linearisation and Hessian product at one point: ours, by hand, and peers."""
    problem = workload.build()
    x, v = near(problem.x0, workload.spread, seed=1), direction(problem.x0, seed=2)
    check_by_differences(problem, x)
    ours = _trusted(problem, workload)
    hv_hand, (value, gradient, hv_ours) = problem.hv_at(x), ours.linearize_grad(x)
    check_equal(f"{workload.label}: value", value, problem.f(x))
    check_equal(f"{workload.label}: gradient", gradient, problem.grad(x))
    check_equal(f"{workload.label}: value_and_grad", ours.value_and_grad(x)[1], problem.grad(x))
    check_equal(f"{workload.label}: Hessian product", hv_ours(v), hv_hand(v))
    notes = {"ours": ours.report.mode}
    gradients = {"hand": lambda: problem.value_and_grad(x), "ours": lambda: ours.value_and_grad(x)}
    products = {"hand": lambda: hv_hand(v), "ours": lambda: hv_ours(v)}
    if with_peers and peers.supports(problem):
        for name, peer in peers.installed().items():
            theirs, hv = peer(problem, x, v)
            check_equal(f"{workload.label}: gradient by {name}", theirs()[1], gradient)
            check_equal(f"{workload.label}: Hessian product by {name}", hv(), hv_hand(v))
            gradients[name], products[name] = theirs, hv
    timed = interleave({"f": lambda: problem.f(x), "ours: f": lambda: ours(x), **gradients}, effort)
    values = {"plain": timed.pop("f"), "ours": timed.pop("ours: f")}
    yield from _rows(workload.label, "f", values, "plain", notes)
    if "operations" in problem.data:
        yield from _scalar_replay(workload.label, problem, ours, x, effort)
    yield from _rows(workload.label, "value+gradient", timed, "hand", notes)
    cost = {"plain f": values["plain"], "ours": timed["ours"], "hand": timed["hand"]}
    yield from _rows(workload.label, "(value+gradient)/f", cost, "plain f", notes)
    both = {"hand": lambda: (problem.value_and_grad(x), problem.hv_at(x)), "ours": lambda: ours.linearize_grad(x)}
    yield from _rows(workload.label, "linearise", interleave(both, effort), "hand", notes)
    yield from _rows(workload.label, "HVP", interleave(products, effort), "hand", notes)


def _scalar_replay(label: str, problem: problems.Problem, ours: ad.Function, x: Any, effort: Effort) -> Iterator[Row]:
    """Replays of a loop over numbers against the same in Python floats; the note has the difference an operation."""
    pairs = {
        "replay of f": {"hand, floats": lambda: problem.data["value"](x), "ours": lambda: ours(x)},
        "replay of value+gradient": {
            "hand, floats": lambda: problem.value_and_grad(x),
            "ours": lambda: ours.value_and_grad(x),
        },
    }
    for quantity, contenders in pairs.items():
        timed = interleave(contenders, effort)
        beyond = (timed["ours"].median - timed["hand, floats"].median) / problem.data["operations"]
        note = f"{beyond * 1e9:+.1f} ns an operation beyond Python's floats"
        yield from _rows(label, quantity, timed, "hand, floats", {"ours": note})


def _trusted(problem: problems.Problem, workload: Workload) -> ad.Function:
    """f compiled, after the recordings at different points that trust asks for."""
    function = ad.compile(problem.f)
    for seed in range(3, 6):
        function.value_and_grad(near(problem.x0, workload.spread, seed))
    return function


def _anew(f: FunctionType) -> FunctionType:
    """The same function as a new object, of which nothing is known yet."""
    return FunctionType(f.__code__, f.__globals__, f.__name__, f.__defaults__, f.__closure__)


def recording(effort: Effort) -> Iterator[Row]:
    """Logistic regression: from a new function to generated code, and the price of a primitive when run eagerly."""
    label = "logistic 569x30"
    problem = problems.get("logistic-regression")
    points = [near(problem.x0, 0.1, seed) for seed in (1, 2)]
    graph = ad.trace(problem.f, points[0])
    primitives = len(graph) - len(graph.inputs)

    def until_compiled():
        function = ad.compile(_anew(problem.f))
        for x in points:
            answer = function.value_and_grad(x)
        assert function.report.mode == "compiled", function.report
        return answer

    def until_linearised():
        function = ad.compile(_anew(problem.f))
        for x in points:
            answer = function.linearize_grad(x)
        return answer[2](points[0])

    eager = ad.compile(problem.f, eager=True)
    tasks: dict[str, Callable[[], Any]] = {
        "one trace": lambda: ad.trace(problem.f, points[0]),
        "to the first compiled value+gradient": until_compiled,
        "to the first compiled HVP": until_linearised,
        "eager value+gradient": lambda: eager.value_and_grad(points[0]),
        "hand value+gradient": lambda: problem.value_and_grad(points[0]),
    }
    timings = interleave(tasks, effort)
    for name, timing in timings.items():
        note = f"{primitives} primitives, {timing.median / primitives * 1e6:.1f} us each" if "eager" in name else ""
        yield Row(label, "recording", name, timing.median, *timing.ratio(timings["hand value+gradient"]), note)


SCIPY = {"newton-cg": "Newton-CG", "l-bfgs": "L-BFGS-B"}


def minimisations(effort: Effort, gtol: float) -> Iterator[Row]:
    """Breast cancer to one gradient norm: `minimize` on a new f and on one seen before, and SciPy by hand."""
    for method in SCIPY:
        problem = problems.get("logistic-regression")

        def warm(problem=problem, method=method):
            return optkit.minimize(problem.f, problem.x0, method=method, gtol=gtol)

        def cold(method=method):
            fresh = problems.get("logistic-regression")
            return optkit.minimize(fresh.f, fresh.x0, method=method, gtol=gtol)

        def scipy(problem=problem, method=method):
            return scipy_by_hand(problem, SCIPY[method], gtol)

        tasks = {f"scipy {SCIPY[method]} by hand": scipy, "ours cold": cold, "ours warm": warm}
        notes = {name: _account(problem, task()) for name, task in tasks.items()}
        timings = interleave(tasks, effort)
        yield from _rows("logistic 569x30", f"minimize {method}", timings, f"scipy {SCIPY[method]} by hand", notes)


def scipy_by_hand(problem: problems.Problem, method: str, gtol: float) -> optimize.OptimizeResult:
    """SciPy with the hand-written derivatives, sharing work as its users do, stopped once max |gradient| <= gtol.

    Newton-CG has no such stopping rule of its own: a callback stops it there, at no further evaluation.
    """
    last: dict[str, Any] = {"x": None, "at": None}

    def fun(x):
        value, gradient = problem.value_and_grad(x)
        last.update(x=x.copy(), gradient=gradient)
        return value, gradient

    def hessp(x, p):
        if last["at"] is None or not np.array_equal(last["at"], x):
            last.update(at=x.copy(), hv=problem.hv_at(x))
        return last["hv"](p)

    def enough(x):
        if np.array_equal(x, last["x"]) and np.abs(last["gradient"]).max() <= gtol:
            raise StopIteration

    if method == "Newton-CG":
        return optimize.minimize(
            fun, problem.x0, jac=True, hessp=hessp, method=method, callback=enough, options={"xtol": 1e-14}
        )
    options = {"gtol": gtol, "ftol": 0.0, "maxcor": 10, "maxiter": 10000, "maxfun": 20000}
    return optimize.minimize(fun, problem.x0, jac=True, method=method, options=options)


def _account(problem: problems.Problem, result: Any) -> str:
    gradient = np.abs(problem.grad(np.asarray(result.x))).max()
    return f"{result.nit} iterations, {result.nfev} f, {result.get('nhev', 0)} Hv, |g| = {gradient:.1e}"
