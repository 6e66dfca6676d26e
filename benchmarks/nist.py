"""Least squares on NIST's 27 nonlinear regressions, from both starts, beside SciPy with the same exact Jacobians.

    python benchmarks/nist.py [--csv FILE] [--models Misra1a,Thurber]

Everybody runs with default tolerances. Digits are those of the worst parameter (NIST's log relative error, at most 11).
Solved: at least 6 of them. False: success is claimed with fewer than 4.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np  # noqa: E402
from scipy import optimize  # noqa: E402

import autodiff as ad  # noqa: E402
import optkit  # noqa: E402
from problems import nist  # noqa: E402

RESULTS = Path(__file__).resolve().parent / "results" / "nist.csv"
SOLVED, FALSE = 6, 4  # digits
MAXFEV = 20_000


class Row(NamedTuple):
    """One run: digits of the worst parameter, evaluations of the residual and the Jacobian, seconds in all."""

    solver: str
    model: str
    level: str
    start: int
    digits: float
    success: bool
    nfev: int
    njev: int
    seconds: float


def ours(method: str) -> Callable:
    return lambda model, x0: optkit.least_squares(model.residual, x0, method=method, maxfev=MAXFEV)


def scipys(method: str, x_scale) -> Callable:
    def run(model, x0):
        jac = ad.jacobian(model.residual)
        return optimize.least_squares(model.residual, x0, jac=jac, method=method, x_scale=x_scale, max_nfev=MAXFEV)
    return run


# With x_scale="jac", MINPACK's own scaling; with SciPy's default, all 1, fewer are solved.
SOLVERS: dict[str, Callable] = {
    "optkit lm": ours("lm"),
    "optkit gauss-newton": ours("gauss-newton"),
    "scipy lm": scipys("lm", "jac"),
    "scipy lm, unscaled": scipys("lm", 1.0),
    "scipy trf": scipys("trf", "jac"),
    "scipy trf, unscaled": scipys("trf", 1.0),
}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--csv", default=RESULTS, metavar="FILE", help="every run (default: %(default)s)")
    parser.add_argument("--models", default=",".join(nist.models()), metavar="A,B", help="default: all")
    options = parser.parse_args(arguments)
    models = nist.models()
    names = options.models.split(",")
    if unknown := [name for name in names if name not in models]:
        print(f"nist: unknown {', '.join(unknown)}; known: {', '.join(models)}", file=sys.stderr)
        return 2
    rows = [run(solver, models[name], start) for name in names for start in (1, 2) for solver in SOLVERS]
    print(table(rows))
    print(summary(rows))
    with open(options.csv, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(Row._fields)
        writer.writerows([*row[:4], f"{row.digits:.1f}", *row[5:8], f"{row.seconds:.4f}"] for row in rows)
    return 0


def run(solver: str, model: nist.Regression, start: int) -> Row:
    began = time.perf_counter()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            found = SOLVERS[solver](model, model.starts[start - 1].copy())
            end = model.digits(found.x), bool(found.success), int(found.nfev), int(found.njev)
        except (ValueError, np.linalg.LinAlgError):  # SciPy's trf where a Jacobian is not finite
            end = 0.0, False, 0, 0
    return Row(solver, model.name, model.level, start, *end, time.perf_counter() - began)


def table(rows: list[Row]) -> str:
    """A line a fit, a column a solver: digits, ! where success is false, and evaluations of the residual."""
    lines = [f"{'':16}" + "".join(f"{solver:>22}" for solver in SOLVERS)]
    for k in range(0, len(rows), len(SOLVERS)):
        cells = rows[k : k + len(SOLVERS)]
        shown = [f"{row.digits:.1f}{'!' if is_false(row) else ' '} ({row.nfev})" for row in cells]
        lines.append(f"{cells[0].model:<12}{cells[0].start:<4}" + "".join(f"{cell:>22}" for cell in shown))
    return "\n".join(lines)


def summary(rows: list[Row]) -> str:
    lines = [f"\n{'':22}{'solved':>10}{'success':>10}{'false':>8}{'median f':>10}{'seconds':>10}"]
    for solver in SOLVERS:
        mine = [row for row in rows if row.solver == solver]
        solved = [row for row in mine if row.digits >= SOLVED]
        median = np.median([row.nfev for row in solved]) if solved else np.nan
        lines.append(f"{solver:<22}{f'{len(solved)}/{len(mine)}':>10}{sum(row.success for row in mine):>10}"
                     f"{sum(map(is_false, mine)):>8}{median:>10.1f}{sum(row.seconds for row in mine):>10.1f}")
    return "\n".join(lines)


def is_false(row: Row) -> bool:
    return row.success and row.digits < FALSE


if __name__ == "__main__":
    sys.exit(main())
