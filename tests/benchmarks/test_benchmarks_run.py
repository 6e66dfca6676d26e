"""The benchmark runs, checks what it times, and writes its table; the figures themselves are never tested."""

import csv
import importlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]


def _run(*arguments):
    command = [sys.executable, str(ROOT / "benchmarks" / "speed.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def _load(name):
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    return importlib.import_module(f"benchmarks.{name}")


def test_quick_run_writes_table_and_plot(tmp_path):
    done = _run("--quick", "--only", "rosenbrock n=2", "--csv", tmp_path / "speed.csv")
    assert done.returncode == 0, done.stdout + done.stderr
    with (tmp_path / "speed.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = {(row["quantity"], row["contender"]) for row in rows}
    assert {("f", "plain"), ("value+gradient", "hand"), ("value+gradient", "ours"), ("HVP", "ours")} <= found
    assert all(float(row["seconds"]) > 0 and row["numpy"] == np.__version__ for row in rows)
    assert (tmp_path / "speed.png").stat().st_size > 5000


def test_unknown_workload_is_an_error(tmp_path):
    done = _run("--only", "nothing like it", "--csv", tmp_path / "speed.csv")
    assert done.returncode == 2 and "rosenbrock n=100" in done.stderr


def test_interleaving_gives_aligned_rounds_and_ratios():
    timing = _load("timing")
    slow, fast = (lambda: sum(range(20000))), (lambda: sum(range(2000)))
    timings = timing.interleave({"slow": slow, "fast": fast}, timing.Effort(rounds=5, sample=1e-3))
    assert all(t.seconds.shape == (5,) and np.all(t.seconds > 0) for t in timings.values())
    assert timing.Timing(np.array([2.0, 9.0, 4.0])).ratio(timing.Timing(np.array([1.0, 3.0, 2.0])))[0] == 2.0


def test_wrong_derivatives_are_caught_before_timing():
    workloads = _load("workloads")
    problem = workloads.WORKLOADS[0].build()
    x = workloads.near(problem.x0, 0.1, seed=1)
    workloads.check_by_differences(problem, x)
    true_gradient, true_hv = problem.value_and_grad, problem.hv_at
    object.__setattr__(problem, "value_and_grad", lambda x: (true_gradient(x)[0], 1.001 * true_gradient(x)[1]))
    with pytest.raises(AssertionError, match="gradient along d"):
        workloads.check_by_differences(problem, x)
    object.__setattr__(problem, "value_and_grad", true_gradient)
    object.__setattr__(problem, "hv_at", lambda x: lambda v: 1.001 * true_hv(x)(v))
    with pytest.raises(AssertionError, match="Hessian times d"):
        workloads.check_by_differences(problem, x)
    with pytest.raises(AssertionError, match="relative difference"):
        workloads.check_equal("a gradient", {"W": np.ones(2)}, {"W": np.array([1.0, 1.0 + 1e-8])})


@pytest.mark.parametrize("name", ["rosenbrock", "logistic-regression", "softmax-regression", "tanh-network"])
def test_peers_compute_the_same_function(name):
    pytest.importorskip("autograd")
    peers, workloads = _load("peers"), _load("workloads")
    workload = next(w for w in workloads.WORKLOADS if w.problem == name)
    problem = workload.build()
    x, v = workloads.near(problem.x0, workload.spread, seed=1), workloads.direction(problem.x0, seed=2)
    for peer in peers.installed().values():
        gradient, product = peer(problem, x, v)
        workloads.check_equal("gradient", gradient()[1], problem.grad(x))
        workloads.check_equal("product", product(), problem.hvp(x, v))
