"""Every method against its SciPy twin, both with exact derivatives, over the collection of problems.

    python benchmarks/solvers.py [--methods l-bfgs,newton-cg] [--problems mgh,wood] [--quick] [--list]

Prints a table, and writes every run to a CSV; a run of everything on everything takes a few minutes.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from fnmatch import fnmatch
from pathlib import Path

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np  # noqa: E402

import optkit  # noqa: E402
from benchmarks.duel import Budget, Run, Twin, best_value, published, run_ours, run_twin  # noqa: E402
from problems import Case, nist  # noqa: E402
from problems.collection import FAMILIES, collection  # noqa: E402

RESULTS = Path(__file__).resolve().parent / "results"
BEST = RESULTS / "best_values.csv"
FULL = Budget(evaluations=20_000, seconds=20.0)
QUICK = Budget(evaluations=5_000, seconds=2.0)
QUICK_N = 12

BFGS = Twin("BFGS")
CG = Twin("CG")
LBFGSB = Twin("L-BFGS-B")
NEWTON_CG = Twin("Newton-CG", "Hv", ())  # it has no test of the gradient
TRUST_EXACT = Twin("trust-exact", "H")
TRUST_KRYLOV = Twin("trust-krylov", "Hv")
TRUST_NCG = Twin("trust-ncg", "Hv")
DOGLEG = Twin("dogleg", "H")
# Our method -> the SciPy method that does the same or the nearest; others are run without one.
TWINS: dict[str, Twin] = {
    "default": BFGS,  # SciPy's own default
    "bfgs": BFGS,
    "cg": CG,
    "nonlinear-cg": CG,
    "l-bfgs": LBFGSB,
    "l-bfgs-b": LBFGSB,
    "owl-qn": LBFGSB,
    "newton-cg": NEWTON_CG,
    "tn": NEWTON_CG,
    "trust-ncg": TRUST_NCG,
    "trust-krylov": TRUST_KRYLOV,
    "trust-exact": TRUST_EXACT,
    "newton": TRUST_EXACT,
    "arc": TRUST_EXACT,
    "projected-newton": TRUST_EXACT,
    "dogleg": DOGLEG,
    "trust-subspace": DOGLEG,
    "sr1": BFGS,
    "trust-sr1": BFGS,
    "sr1-trust": BFGS,
}


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        methods, cases = _methods(options.methods), _cases(options.problems, options.quick)
    except ValueError as error:
        print(f"solvers: {error}", file=sys.stderr)
        return 2
    if options.list:
        print(f"methods: {', '.join(methods)}\nproblems: {', '.join(case.name for case in cases)}")
        return 0
    began = time.perf_counter()
    budget = QUICK if options.quick else FULL
    duels: dict[str, list[Run]] = {}
    for case in cases:
        duels[case.name] = _duel(case, methods, budget, options.twins)
        if options.verbose:
            _print_case(duels[case.name])
    best = _best(duels)
    print(table(duels, methods, best))
    print_false(duels)
    write(duels, best, options.csv)
    if options.remember:
        remember(best)
    if options.plot:
        plot(duels, best, options.plot)
    print(f"{len(cases)} problems, {time.perf_counter() - began:.0f} s; every run: {options.csv}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="solvers", description=__doc__.splitlines()[0])
    parser.add_argument("--methods", default="", metavar="A,B", help="of optkit.methods(), or default; all if left out")
    parser.add_argument("--problems", default="", metavar="A,B",
                        help=f"names, patterns or families ({', '.join(FAMILIES)}, nist); all but nist if left out")
    parser.add_argument("--quick", action="store_true", help=f"n <= {QUICK_N} and a smaller budget")
    parser.add_argument("--no-twins", dest="twins", action="store_false", help="leave SciPy out")
    parser.add_argument("--verbose", action="store_true", help="a line for each run")
    parser.add_argument("--list", action="store_true", help="say what would run")
    parser.add_argument("--csv", type=Path, default=RESULTS / "solvers.csv", metavar="PATH")
    parser.add_argument("--plot", type=Path, metavar="PNG", help="performance profile over evaluations of f")
    parser.add_argument("--remember", action="store_true", help=f"keep the lowest values found, in {BEST.name}")
    return parser


def _methods(wanted: str) -> list[str]:
    known = ["default", *(name for name, cls in optkit.methods().items() if not getattr(cls, "finite_sum", False))]
    if not wanted:
        return known
    chosen = [name.strip().lower() for name in wanted.split(",")]
    for name in chosen:
        if name != "default":
            optkit.options.find_method(name)
    return chosen


def _cases(wanted: str, quick: bool) -> list[Case]:
    cases: dict[str, Case] = {}
    for word in wanted.split(",") if wanted else FAMILIES:
        some = _named(word.strip().lower())
        if not some:
            raise ValueError(f"no problem or family is called {word!r}")
        cases |= some
    return [case for case in cases.values() if not quick or case.n <= QUICK_N]


def _named(word: str) -> dict[str, Case]:
    """A family, the NIST regressions from both starts (only where asked for), or what the pattern matches."""
    if word in FAMILIES:
        return collection(word)
    if word == "nist":
        cases = [model.case(start) for model in nist.models().values() for start in (1, 2)]
        return {case.name: case for case in cases}
    return {name: case for name, case in collection().items() if fnmatch(name, word)}


def _duel(case: Case, methods: list[str], budget: Budget, twins: bool) -> list[Run]:
    """Our methods, then each twin once."""
    runs = [run_ours(case, method, budget) for method in methods]
    opponents = {TWINS[method].name: TWINS[method] for method in methods if method in TWINS} if twins else {}
    return runs + [run_twin(case, twin, budget) for twin in opponents.values()]


def _best(duels: dict[str, list[Run]]) -> dict[str, float]:
    """The lowest value known of each problem: found now, or remembered from a run of everything."""
    remembered = _remembered()
    return {name: best_value(runs, remembered.get(name, np.inf)) for name, runs in duels.items()}


def _remembered() -> dict[str, float]:
    if not BEST.exists():
        return {}
    with BEST.open(encoding="utf-8") as file:
        return {row["problem"]: float(row["f_best"]) for row in csv.DictReader(file)}


def remember(best: dict[str, float]) -> None:
    """Merge the lowest values into the file that later runs compare with."""
    known = {name: min(_remembered().get(name, np.inf), best.get(name, np.inf)) for name in collection()}
    with BEST.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["problem", "f_best"])
        writer.writerows([name, f"{value:.10g}"] for name, value in known.items() if np.isfinite(value))


def _of(duels: dict[str, list[Run]], library: str, method: str) -> dict[str, Run]:
    return {name: run for name, runs in duels.items() for run in runs if (run.library, run.method) == (library, method)}


def table(duels: dict[str, list[Run]], methods: list[str], best: dict[str, float]) -> str:
    """A line for each solver, and for each of ours the medians of its evaluation ratios to the twin."""
    lines = [f"{'':28}{'A: low':>11} {'B: flat':>12} {'A and B':>8} {'success':>8} {'false':>6} {'saddle':>7}"
             f" {'median f':>9} {'s':>7}   {'f':>5} {'g':>5} {'Hv':>5} {'all':>5}  ours/twin, medians over problems"
             " (how many) where both are low and flat"]
    seen = []
    for method in methods:
        ours = _of(duels, "optkit", method)
        twin = TWINS[method].name if method in TWINS else ""
        theirs = _of(duels, "scipy", twin) if twin else {}
        lines.append(_line(f"optkit {method}", ours, best) + "   " + _ratios(ours, theirs, best))
        if theirs and twin not in seen:
            lines.append(_line(f"  scipy {twin}", theirs, best))
            seen.append(twin)
    return "\n".join(line.rstrip() for line in lines)


def _line(label: str, runs: dict[str, Run], best: dict[str, float]) -> str:
    n = len(runs)
    low = sum(run.low(best[name]) for name, run in runs.items())
    flat, success = sum(run.flat for run in runs.values()), sum(run.success for run in runs.values())
    both = sum(run.flat and run.low(best[name]) for name, run in runs.items())
    false = sum(run.false_success for run in runs.values())
    saddle = sum(run.success and run.saddle for run in runs.values())
    median = np.median([run.nfev for run in runs.values()])
    seconds = sum(run.seconds for run in runs.values())
    return (f"{label:28}{low:5} {low / n:5.1%} {flat:6} {flat / n:5.1%} {both:8} {success:8} {false:6} {saddle:7}"
            f" {median:9.0f} {seconds:7.1f}")


def _ratios(ours: dict[str, Run], theirs: dict[str, Run], best: dict[str, float]) -> str:
    pairs = [(run, theirs[name]) for name, run in ours.items() if name in theirs
             and all(r.flat and r.low(best[name]) for r in (run, theirs[name]))]
    if not pairs:
        return ""
    columns = [[getattr(a, kind) / getattr(b, kind) for a, b in pairs if getattr(b, kind)]
               for kind in ("nfev", "njev", "nhev", "work")]
    return " ".join(f"{np.median(column):5.2f}" if column else "    -" for column in columns) + f"  ({len(pairs)})"


def _print_case(runs: list[Run]) -> None:
    for run in runs:
        print(f"{run.case.name:22}{run.case.n:4} {run.library:7}{run.method:18} f={run.f:<14.8g} |g|={run.gnorm:<9.2g}"
              f" low={run.lowest:<9.2g} {run.nfev:6} f {run.njev:6} g {run.nhev:6} Hv {run.seconds:6.2f} s"
              f"{' FALSE' if run.false_success else ''}  {run.success!s:5} {run.message[:50]}", flush=True)


def print_false(duels: dict[str, list[Run]]) -> None:
    """Names every false success of ours."""
    for run in (run for runs in duels.values() for run in runs if run.library == "optkit" and run.false_success):
        print(f"FALSE SUCCESS: {run.method} on {run.case.name}: |g| = {run.gnorm:.2g}, lowest eigenvalue "
              f"{run.lowest:.2g}, along which f falls by {run.fall:.2g}")


def write(duels: dict[str, list[Run]], best: dict[str, float], path: Path) -> None:
    """One line a run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = ["problem", "n", "library", "method", "success", "message", "f0", "f", "f_best", "f_star", "gnorm",
               "lowest_eigenvalue", "largest_eigenvalue", "fall", "low", "flat", "false_success", "nfev", "njev",
               "nhev", "seconds"]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for name, runs in duels.items():
            for r in runs:
                writer.writerow([name, r.case.n, r.library, r.method, r.success, r.message, f"{r.f0:.10g}",
                                 f"{r.f:.10g}", f"{best[name]:.10g}", published(r.case), f"{r.gnorm:.3g}",
                                 f"{r.lowest:.3g}", f"{r.largest:.3g}", f"{r.fall:.3g}", r.low(best[name]), r.flat,
                                 r.false_success, r.nfev, r.njev, r.nhev, f"{r.seconds:.3g}"])


def plot(duels: dict[str, list[Run]], best: dict[str, float], path: Path) -> None:
    """Performance profile over evaluations of f; a run counts as solved where it is low and flat.

    Of many methods only the default and those that SciPy has too are drawn.
    """
    from optkit import plots

    labels = list(dict.fromkeys((run.library, run.method) for runs in duels.values() for run in runs))
    if len(labels) > 12:
        theirs = {method.lower() for library, method in labels if library == "scipy"}
        labels = [(library, method) for library, method in labels if method.lower() in {*theirs, "default"}]
    costs = {f"{library} {method}": [run.nfev if run.flat and run.low(best[name]) else np.nan
                                     for name, run in _of(duels, library, method).items()]
             for library, method in labels}
    plots.performance_profile(costs, path=path, cost="evaluations of f")


if __name__ == "__main__":
    raise SystemExit(main())
