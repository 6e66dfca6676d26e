"""The comparison of solvers runs, counts what it says it counts, and is not taken in by a solver's own word."""

import csv
import importlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import optimize

from problems import UNKNOWN, Case, collection

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))
duel = importlib.import_module("benchmarks.duel")
solvers = importlib.import_module("benchmarks.solvers")
BUDGET = duel.Budget(evaluations=2000, seconds=60.0)


def _case(f, x0, **columns):
    return Case("case", f, x0, "here", **columns)


def _judged(case, x, success=True):
    return duel._judge(case, "nobody", "says so", np.array(x, dtype=float), success, "done", (1, 1, 0), 0.0)


def test_command_line_writes_a_line_for_each_run(tmp_path):
    command = [sys.executable, str(ROOT / "benchmarks" / "solvers.py"), "--methods", "l-bfgs,newton-cg", "--problems",
               "beale,zakh*,booth", "--csv", tmp_path / "runs.csv", "--plot",
               tmp_path / "profile.png"]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    with (tmp_path / "runs.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {(row["library"], row["method"]) for row in rows} == {
        ("optkit", "l-bfgs"), ("optkit", "newton-cg"), ("scipy", "L-BFGS-B"), ("scipy", "Newton-CG")}
    assert {row["problem"] for row in rows} == {"beale", "zakharov", "booth"} and len(rows) == 12
    assert all(row["low"] == "True" for row in rows if row["library"] == "optkit")
    assert (tmp_path / "profile.png").stat().st_size > 5000
    assert "A and B" in done.stdout and "3 problems" in done.stdout


@pytest.mark.parametrize(("option", "value", "told"), [
    ("--methods", "l-bgfs", "l-bfgs"), ("--problems", "no such thing", "no problem or family")])
def test_unknown_names_are_errors(option, value, told, capsys):
    assert solvers.main([option, value]) == 2
    assert told in capsys.readouterr().err


def test_quick_keeps_the_small_ones_and_nist_is_there_when_asked_for():
    assert all(case.n <= solvers.QUICK_N for case in solvers._cases("", True))
    assert len(solvers._cases("", False)) == len(collection())
    assert len(solvers._cases("nist", False)) == 54


def test_evaluations_of_the_twin_are_counted():
    calls = []
    case = _case(lambda x: calls.append(1) or np.sum((x - 1) ** 2) + x[0] ** 4, np.full(3, 2.0))
    run = duel.run_twin(case, solvers.TRUST_EXACT, BUDGET)
    told = optimize.minimize(lambda x: np.sum((x - 1) ** 2) + x[0] ** 4, case.x0, method="trust-exact",
                             jac=lambda x: 2 * (x - 1) + [4 * x[0] ** 3, 0, 0],
                             hess=lambda x: 2 * np.eye(3) + np.diag([12 * x[0] ** 2, 0, 0]), options={"gtol": 1e-5})
    assert (run.nfev, run.njev, run.nhev) == (told.nfev, told.njev, 3 * told.nhev)
    assert run.success and run.flat and not run.saddle


def test_budget_ends_a_run_with_the_lowest_point():
    case = collection()["rosenbrock"]
    run = duel.run_twin(case, solvers.BFGS, duel.Budget(evaluations=5, seconds=60.0))
    assert (run.success, run.message, run.nfev) == (False, "budget spent", 5)
    assert run.f < run.f0
    ours = duel.run_ours(case, "l-bfgs", duel.Budget(evaluations=5, seconds=60.0))
    assert not ours.success and ours.nfev <= 5


def test_an_exception_is_a_failure_of_the_run():
    case = collection()["rosenbrock"]
    run = duel.run_twin(case, duel.Twin("dogleg", "H"), BUDGET)  # needs a positive definite Hessian
    assert not run.success or run.flat
    broken = duel.run_ours(_case(lambda x: np.log(x[0]), np.zeros(1)), "l-bfgs", BUDGET)
    assert not broken.success and broken.message.startswith("raised UndefinedStart")


def test_false_success_at_a_slope():
    run = _judged(_case(lambda x: np.sum(x**2), np.ones(2)), [1e-4, 0.0])
    assert run.false_success and not run.flat and run.gnorm == pytest.approx(2e-4)
    assert not _judged(_case(lambda x: np.sum(x**2), np.ones(2)), [1e-4, 0.0], success=False).false_success


def test_false_success_at_a_saddle():
    saddle = _case(lambda x: x[0] ** 2 - x[1] ** 2 + x[1] ** 4, [1.0, 0.0])
    run = _judged(saddle, [0.0, 0.0])
    assert run.flat and run.saddle and run.false_success
    assert run.fall == pytest.approx(0.25, rel=0.2)
    assert not _judged(saddle, [0.0, np.sqrt(0.5)]).false_success


def test_a_flat_minimum_is_not_a_saddle():
    """Near the minimum of SISSER the Hessian is indefinite, and there is nowhere lower to go."""
    case = collection()["sisser"]
    run = _judged(case, [8e-3, 7e-4])
    assert run.lowest < 0 and run.flat and not run.saddle and not run.false_success


def test_curvature_within_rounding_is_not_negative():
    run = _judged(_case(lambda x: x[0] ** 2 - 1e-8 * x[1] ** 2, [1e-3, 0.0]), [0.0, 0.0])
    assert run.lowest < 0 and run.fall > 0.1 * run.f0 and not run.saddle


@pytest.mark.nan_ok
def test_nowhere_is_not_a_solution():
    run = _judged(_case(lambda x: np.sum(x**2), np.ones(2)), [np.nan, 0.0])
    assert not run.flat and not run.low(0.0) and run.false_success


def test_criterion_a():
    run = _judged(_case(lambda x: np.sum(x**2), [1.0]), [1e-3])
    assert run.low(0.0) and not run.low(-0.1)
    assert duel.best_value([run], remembered=-0.5) == -0.5 and duel.best_value([run]) == run.f


def test_ratios_are_over_problems_that_both_solve():
    case = _case(lambda x: np.sum(x**2), [1.0])
    good, bad = _judged(case, [0.0]), _judged(case, [0.5])
    line = solvers._ratios({"a": good, "b": good}, {"a": good, "b": bad}, {"a": 0.0, "b": 0.0})
    assert line.split() == ["1.00", "1.00", "-", "1.00", "(1)"]
    assert solvers._ratios({"b": good}, {"b": bad}, {"b": 0.0}) == ""


def test_twins_are_methods_of_scipy():
    known = {name.lower() for name in optimize._minimize.MINIMIZE_METHODS}
    assert all(twin.name.lower() in known for twin in solvers.TWINS.values())


def test_remembered_values_are_not_above_published_ones():
    best = solvers._remembered()
    for name, case in collection().items():
        assert name in best
        if case.f_star is not UNKNOWN:
            highest = max(case.f_star, *case.minima) if case.minima else case.f_star
            assert best[name] <= highest + 1e-4 * abs(highest) + 1e-6 * (case.f(case.x0) - highest)
