"""Logistic regression to ‖g‖∞ <= 1e-6: newton-cg on plain NumPy, SciPy with hand-written derivatives, scikit-learn.

    python benchmarks/logistic.py [--quick] [--only NAME] [--rounds N] [--csv PATH]

All minimise mean log(1 + exp(−y·Aw)) + ½λ‖w‖² from w = 0. Contenders take turns inside every round; the table has the
medians, and of each the ratio to the fastest of the others. Each answer is checked before it counts.
"""

from __future__ import annotations

import argparse
import csv
import gc
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np  # noqa: E402
from scipy import optimize  # noqa: E402

import autodiff as ad  # noqa: E402
import optkit  # noqa: E402
from benchmarks.timing import machine  # noqa: E402
from problems.datasets import breast_cancer, standardise  # noqa: E402
from problems.linear_model import linear_model  # noqa: E402
from problems.logistic import _logistic, _logistic_curvature, logistic_regression  # noqa: E402

RESULTS = Path(__file__).resolve().parent / "results" / "logistic.csv"
GTOL = 1e-6
LAM = 1e-4
COLD, WARM = "optkit newton-cg, cold", "optkit newton-cg, warm"


@dataclass(frozen=True)
class Task:
    """A (m, n) dense or CSR, y of ±1, λ, and value, gradient and products by hand."""

    label: str
    A: Any
    y: np.ndarray
    lam: float

    @property
    def by_hand(self) -> tuple[Callable, Callable]:
        return linear_model(self.A, _logistic(self.y), _logistic_curvature, self.lam)

    def loss(self) -> Callable:
        """A fresh function: nothing compiled for another one serves it."""
        A, y, lam = self.A, self.y, self.lam
        return lambda w: np.mean(np.logaddexp(0, -y * (A @ w))) + 0.5 * lam * (w @ w)


def table() -> Task:
    X, y = breast_cancer()
    A = np.hstack([standardise(X), np.ones((y.size, 1))])
    return Task("569x31", A, y, LAM)


def drawn(label: str, m: int, n: int, density: float | None = None) -> Task:
    data = logistic_regression(m=m, n=n, density=density).data
    return Task(label, data["A"], data["y"], LAM)


TASKS: dict[str, tuple[int, Callable[[], Task]]] = {  # with the rounds that are enough
    "569x31": (61, table),
    "20000x500": (11, lambda: drawn("20000x500", 20_000, 500)),
    "20000x5000 sparse": (15, lambda: drawn("20000x5000 sparse", 20_000, 5_000, 0.005)),
}
SLOWEST = 20.0  # times the fastest first run: a contender that takes longer is timed by that run alone
class _Memory:
    """The pair and the product of the last point asked for: SciPy asks for f, g and Hv one by one."""

    def __init__(self, task: Task):
        self.pair, self.hv_at = task.by_hand
        self.x: np.ndarray | None = None
        self.linearised: np.ndarray | None = None

    def value_and_grad(self, x):
        if self.x is None or not np.array_equal(x, self.x):
            self.x, self.last = x.copy(), self.pair(x)
        return self.last

    def value(self, x):
        return self.value_and_grad(x)[0]

    def grad(self, x):
        return self.value_and_grad(x)[1]

    def product(self, x, v):
        if self.linearised is None or not np.array_equal(x, self.linearised):
            self.linearised, self.hv = x.copy(), self.hv_at(x)
        return self.hv(v)

    def enough(self, x):
        if np.abs(self.grad(x)).max() <= GTOL:
            raise StopIteration


def _scipy(method: str, products: bool, **options) -> Callable[[Task], Callable[[], np.ndarray]]:
    """SciPy by its own tests, and by ours in a callback where its own would go on or could end sooner."""
    def prepared(task: Task):
        def run():
            memory = _Memory(task)
            second = {"hessp": memory.product} if products else {}
            return optimize.minimize(memory.value, np.zeros(task.A.shape[1]), method=method, jac=memory.grad, **second,
                                     callback=memory.enough, options=options).x
        return run
    return prepared


def _sklearn(solver: str) -> Callable[[Task], Callable[[], np.ndarray] | None]:
    def prepared(task: Task):
        try:
            from sklearn.linear_model import LogisticRegression
        except ImportError:
            return None
        m = task.y.size

        def run():
            model = LogisticRegression(C=1 / (task.lam * m), fit_intercept=False, solver=solver, tol=GTOL,
                                       max_iter=10_000)
            return model.fit(task.A, task.y).coef_[0]
        return run
    return prepared


def _ours(task: Task, warm: bool) -> Callable[[], np.ndarray]:
    compiled = ad.compile(task.loss())
    return lambda: optkit.minimize(compiled if warm else task.loss(), np.zeros(task.A.shape[1]), method="newton-cg",
                                   gtol=GTOL).x


CONTENDERS: dict[str, Callable[[Task], Callable[[], np.ndarray] | None]] = {
    COLD: lambda task: _ours(task, warm=False),
    WARM: lambda task: _ours(task, warm=True),
    "scipy Newton-CG": _scipy("Newton-CG", True, xtol=1e-12),
    "scipy trust-ncg": _scipy("trust-ncg", True, gtol=GTOL),
    "scipy trust-krylov": _scipy("trust-krylov", True, gtol=GTOL),
    "scipy L-BFGS-B": _scipy("L-BFGS-B", False, gtol=GTOL, ftol=0.0, maxiter=10_000, maxfun=20_000),
    "sklearn newton-cg": _sklearn("newton-cg"),
    "sklearn lbfgs": _sklearn("lbfgs"),
    "sklearn newton-cholesky": _sklearn("newton-cholesky"),
}


@dataclass(frozen=True)
class Row:
    """seconds : one entry a round. ratio : median over rounds of seconds / the fastest rival's seconds."""

    task: str
    contender: str
    seconds: np.ndarray
    gnorm: float
    ratio: float


def measure(task: Task, rounds: int) -> list[Row]:
    """Every contender in turn in each round, each round starting with another one."""
    runs = {name: run for name, prepared in CONTENDERS.items() if (run := prepared(task)) is not None}
    first = {name: _checked(task, name, run) for name, run in runs.items()}
    floor = min(seconds for seconds, _ in first.values())
    names = [name for name in runs if first[name][0] <= SLOWEST * floor or name in (COLD, WARM)]
    seconds = {name: np.full(rounds, np.nan) for name in names}
    for turn in range(rounds):
        start = turn % len(names)
        for name in names[start:] + names[:start]:
            seconds[name][turn] = _time(runs[name])
        gc.collect(0)
    seconds = {name: seconds.get(name, np.array([first[name][0]])) for name in runs}
    rival = min((name for name in names if name not in (COLD, WARM)), key=lambda name: np.median(seconds[name]))
    return [Row(task.label, name, seconds[name], first[name][1], float(np.median(seconds[name] / seconds[rival])))
            for name in runs]


def _checked(task: Task, name: str, run: Callable[[], np.ndarray]) -> tuple[float, float]:
    """Seconds of a first run and its ‖g‖∞ by hand. Raises where that is above GTOL."""
    began = perf_counter()
    w = run()
    seconds = perf_counter() - began
    gnorm = float(np.abs(task.by_hand[0](w)[1]).max())
    if not gnorm <= GTOL * (1 + 1e-6):
        raise AssertionError(f"{name} on {task.label}: gradient {gnorm:.3g} > {GTOL:g}")
    return seconds, gnorm


def _time(run: Callable[[], np.ndarray]) -> float:
    began = perf_counter()
    run()
    return perf_counter() - began


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    chosen = {label: task for label, task in TASKS.items() if options.only in label}
    if not chosen:
        print(f"--only {options.only!r} matches nothing; there are: {', '.join(TASKS)}", file=sys.stderr)
        return 2
    rows: list[Row] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn's about its own tests
        for rounds, make in chosen.values():
            rows += measure(make(), options.rounds or (3 if options.quick else rounds))
            print_table([row for row in rows if row.task == rows[-1].task])
    write(rows, machine(), options.csv)
    print(f"written: {options.csv}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="logistic", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="three rounds: a look, not a measurement")
    parser.add_argument("--only", default="", metavar="NAME", help="tasks whose label contains NAME")
    parser.add_argument("--rounds", type=int, metavar="N", help="turns of each contender")
    parser.add_argument("--csv", type=Path, default=RESULTS, metavar="PATH")
    return parser


def print_table(rows: list[Row]) -> None:
    print(f"\n{rows[0].task:28} {'median ms':>10} {'best ms':>10} {'ratio':>7} {'max |g|':>9}   "
          "ratio: to the fastest rival")
    for row in sorted(rows, key=lambda row: np.median(row.seconds)):
        median, best = 1e3 * np.median(row.seconds), 1e3 * row.seconds.min()
        print(f"{row.contender:28} {median:10.2f} {best:10.2f} {row.ratio:7.2f} {row.gnorm:9.1e}", flush=True)


def write(rows: list[Row], known: dict[str, str], path: Path) -> None:
    """One line per contender and task, with the machine's columns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["task", "contender", "seconds", "best", "rounds", "ratio", "gnorm", *known])
        for row in rows:
            figures = [f"{figure:.4g}" for figure in (np.median(row.seconds), row.seconds.min())]
            writer.writerow([row.task, row.contender, *figures, row.seconds.size, f"{row.ratio:.4g}",
                             f"{row.gnorm:.3g}", *known.values()])


if __name__ == "__main__":
    raise SystemExit(main())
