"""How much of convexity is settled: functions of known truth, proved or refuted, with their constants and times.

    python benchmarks/convexity.py [--quick] [--only NAME] [--composed N] [--maxtime S] [--csv PATH]

Each function is first given to `prove`; what that leaves open goes to `falsify`. Every verdict and every certified
constant is compared with the truth of problems.convexity, or with what problems.get states: a wrong one ends the run
with status 1. The table has shares and median times, the CSV a line for each function.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np  # noqa: E402

import problems  # noqa: E402
from autodiff.pytree import ravel  # noqa: E402
from benchmarks.timing import machine  # noqa: E402
from optkit import convexity  # noqa: E402
from optkit.convexity.falsify import falsify  # noqa: E402
from optkit.convexity.prove import prove  # noqa: E402
from problems import convexity as corpus  # noqa: E402
from problems.convexity import Case  # noqa: E402
from problems.convexity.case import UNBOUNDED, box  # noqa: E402

RESULTS = Path(__file__).resolve().parent / "results" / "convexity.csv"
WITHIN = 0.05   # of the true mu
MANY = 300      # unknowns
REGIONS = {"box": convexity.Box, "ball": convexity.Ball, "simplex": convexity.Simplex,
           "positive definite": convexity.PositiveDefinite}


@dataclass(frozen=True)
class Row:
    """One function. mu, L : certified lower and upper bound; *_true : where stated, mu_true a
    lower bound unless mu_exact. wrong : empty, or what is false."""

    group: str
    name: str
    n: int
    truth: str
    verdict: str
    prove_seconds: float
    falsify_seconds: float
    mu: float
    mu_true: float
    mu_exact: bool
    L: float
    L_true: float
    wrong: str
    reason: str

    @property
    def proved(self) -> bool:
        return self.verdict.startswith("PROVED")

    @property
    def refuted(self) -> bool:
        return self.verdict.startswith("NOT")

    @property
    def sharp(self) -> bool:
        return self.mu >= (1 - WITHIN) * self.mu_true


def settle(group: str, case: Case, region: Any, maxtime: float) -> Row:
    """Prove, then falsify what is left open; of many unknowns, what is not convex is only falsified."""
    proving = falsifying = np.nan
    mu, L, verdict, reason, wrong = UNBOUNDED, UNBOUNDED, "UNDECIDED", "", []
    if case.convex or case.n <= MANY:
        began = perf_counter()
        proof = prove(case.f, region, maxtime=maxtime)
        proving, verdict, reason = perf_counter() - began, proof.verdict.name, proof.undecided
        mu, L = _certified(proof.mu), _certified(proof.L)
        wrong += case.contradictions(verdict, mu, L)
    if not verdict.startswith("PROVED"):
        began = perf_counter()
        witness = falsify(case.f, region, maxtime=maxtime)
        falsifying = perf_counter() - began
        if witness is not None:
            verdict = "NOT_CONVEX"
            wrong += case.contradictions(verdict)
            wrong += [] if witness.recheck() > 0 else ["the witness does not hold"]
    stated = [np.nan if v is None else v for v in (case.mu, case.L)]
    return Row(group, case.name, case.n, case.truth, verdict, proving, falsifying, mu[0], stated[0], case.mu_exact,
               L[1], stated[1], "; ".join(wrong), reason)


def _certified(bound: Any) -> tuple[float, float]:
    return (bound.lower if bound.certified_lower else -np.inf, bound.upper if bound.certified_upper else np.inf)


Task = tuple[Case, Any]


def _cases(cases: Iterable[Case]) -> list[Task]:
    return [(case, REGIONS[case.domain[0]](*case.domain[1:])) for case in cases]


TRUTHS = {"nonconvex": "not convex"}   # what problems call it


def _problem(name: str, reach: float, *, exact: str = "", **options: Any) -> Task:
    """A registered problem on the box x0 ± reach; nested arguments keep their structure.

    exact : of "mu", "L" and "mu L", which constants of the whole space are attained in the box; else mu is a bound.
    """
    problem = problems.get(name, **options)
    flat, unravel = ravel(problem.x0)
    lower, upper = flat - reach, flat + reach
    mu, L = (float(v) if np.isfinite(v) else None for v in (problem.mu, problem.L))
    case = Case(problem.name, problem.f, box(lower, upper), TRUTHS.get(problem.convexity, problem.convexity), mu,
                L if "L" in exact else None, problem.formula, mu_exact="mu" in exact)
    return case, convexity.Box(unravel(lower), unravel(upper))


def _logistic() -> list[Task]:
    """The breast cancer table; L is attained at 0, mu = λ only far out."""
    return [_problem("logistic-regression", 1.0, exact="L")]


def _convex_problems() -> list[Task]:
    return [_problem("least-squares", 1.0, exact="mu L"), _problem("ridge", 1.0, exact="mu L"),
            _problem("quadratic", 1.0, exact="mu L"), _problem("poisson-regression", 1.0),
            _problem("softmax-regression", 1.0), _problem("huber-regression", 1.0), _problem("log-sum-exp", 1.0),
            _problem("log-det", 0.01)]


def _nonconvex_problems() -> list[Task]:
    return [_problem("rosenbrock", 2.0), _problem("rosenbrock", 2.0, n=10), _problem("matrix-factorisation", 1.0),
            _problem("tanh-network", 0.5), _problem("tanh-network", 0.5, m=100, inputs=8, hidden=16, outputs=2)]


def _large() -> list[Task]:
    """A thousand unknowns: one direction of negative curvature, a wave, and two chains."""
    n = 1000
    d = np.where(np.arange(n) % 3 == 0, -1.0, 1.0)
    rows = (("one direction of 1000", lambda x: x @ x - (1 + 2.0**-7) / n * (d @ x) ** 2),
            ("wave in 1000-D", lambda x: x @ x + 3 / n * np.cos(d @ x)),
            ("chained Rosenbrock in 1000-D",
             lambda x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)),
            ("robust chain in 1000-D", lambda x: np.sum(np.log(1 + (x[1:] - x[:-1]) ** 2)) + 0.1 * x @ x))
    return _cases(Case(name, f, box(-2, 2, n), "not convex", None, None, "by design") for name, f in rows)


def groups(composed: int) -> dict[str, Callable[[], list[Task]]]:
    return {
        "naive": lambda: _cases(corpus.naive()),
        "hard": lambda: _cases(corpus.hard()),
        "corpus": lambda: _cases(c for c in corpus.cases() if c not in corpus.naive() + corpus.hard()),
        "composed": lambda: _cases(map(corpus.composed, range(composed))),
        "logistic 569x30": _logistic,
        "problems, convex": _convex_problems,
        "problems, nonconvex": _nonconvex_problems,
        "n = 1000": _large,
    }


def summary(group: str, rows: list[Row]) -> str:
    """Shares of what was to be shown, and medians of what showing it took."""
    convex = [r for r in rows if r.truth in corpus.CONVEX]
    other = [r for r in rows if r.truth not in corpus.CONVEX]
    strong = [r for r in convex if r.truth == "strongly convex" and r.mu_exact and np.isfinite(r.mu_true)]
    parts = [f"{group:20}", f"{len(rows):6}", _share([r.proved for r in convex]), _share([r.sharp for r in strong]),
             _share([r.refuted for r in other]), _median([r.prove_seconds for r in convex if r.proved]),
             _median([r.falsify_seconds for r in other if r.refuted]),
             f"{sum(bool(r.wrong) for r in rows):6}"]
    return " ".join(parts)


SINGLY = ("logistic", "problems", "n =")   # groups whose rows are printed
HEAD = (f"{'':20} {'':>6} {'proved':>14} {'mu within 5%':>14} {'refuted':>14} {'proof s':>9} {'refut. s':>9} "
        f"{'wrong':>6}")


def _share(shown: list[bool]) -> str:
    return f"{sum(shown):5}/{len(shown):<4}{sum(shown) / len(shown):4.0%}" if shown else " " * 14


def _median(seconds: list[float]) -> str:
    return f"{np.median(seconds):9.3f}" if seconds else " " * 9


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    table = groups(min(options.composed, 20) if options.quick else options.composed)
    chosen = {name: make for name, make in table.items() if options.only in name}
    if not chosen:
        print(f"--only {options.only!r} matches nothing; there are: {', '.join(table)}", file=sys.stderr)
        return 2
    rows: list[Row] = []
    print(HEAD)
    with np.errstate(all="ignore"):
        for name, make in chosen.items():
            found = list(map(partial(_timed, name, options.maxtime), make()))
            print(summary(name, found), flush=True)
            rows += found
    for row in rows:
        open_ = len(chosen) == 1 and not (row.proved or row.refuted)
        if row.wrong or open_ or row.group.startswith(SINGLY):
            print(describe(row))
    write(rows, machine(), options.csv)
    print(f"written: {options.csv}")
    return int(any(row.wrong for row in rows))


def _timed(group: str, maxtime: float, task: Task) -> Row:
    return settle(group, *task, maxtime)


def describe(row: Row) -> str:
    seconds = row.prove_seconds if row.proved else row.falsify_seconds
    text = f"{row.name:34.34} n={row.n:<5} {row.verdict:24} {seconds:7.3f} s"
    if row.proved:
        text += (f"  mu ≥ {row.mu:.6g} (stated {row.mu_true:.6g}), L ≤ {row.L:.6g} (stated {row.L_true:.6g}, "
                 f"ratio {row.L / row.L_true:.3f})")
    open_ = "" if row.proved or row.refuted else "  " + row.reason[:90]
    return text + (f"  WRONG: {row.wrong}" if row.wrong else open_)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="convexity", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="20 composed functions: a look, not a measurement")
    parser.add_argument("--only", default="", metavar="NAME", help="groups whose name contains NAME")
    parser.add_argument("--composed", type=int, default=1000, metavar="N", help="composed functions (1000)")
    parser.add_argument("--maxtime", type=float, default=2.0, metavar="S", help="seconds for each attempt (2)")
    parser.add_argument("--csv", type=Path, default=RESULTS, metavar="PATH")
    return parser


def write(rows: list[Row], known: dict[str, str], path: Path) -> None:
    """One line per function, with the machine's columns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*(field.name for field in fields(Row)), *known])
        for row in rows:
            figures = [f"{v:.6g}" if isinstance(v, float) else v for v in asdict(row).values()]
            writer.writerow([*figures, *known.values()])


if __name__ == "__main__":
    raise SystemExit(main())
