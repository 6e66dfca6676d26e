"""The logistic comparison runs, checks every answer by hand, and times only what it says it times."""

import csv
import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))
logistic = importlib.import_module("benchmarks.logistic")


@pytest.fixture
def small(monkeypatch):
    task = logistic.drawn("60x4", 60, 4)
    monkeypatch.setattr(logistic, "TASKS", {"60x4": (2, lambda: task)})
    return task


@pytest.mark.nan_ok
def test_a_run_writes_a_line_for_each_contender(small, tmp_path, capsys):
    assert logistic.main(["--csv", str(tmp_path / "logistic.csv")]) == 0
    with (tmp_path / "logistic.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = {row["contender"] for row in rows}
    assert {logistic.COLD, logistic.WARM, "scipy Newton-CG", "scipy L-BFGS-B"} <= found
    assert all(float(row["seconds"]) > 0 and float(row["gnorm"]) <= logistic.GTOL for row in rows)
    assert min(float(row["ratio"]) for row in rows if row["contender"] not in (logistic.COLD, logistic.WARM)) <= 1.0
    assert "60x4" in capsys.readouterr().out


def test_an_unknown_task_is_an_error(capsys):
    assert logistic.main(["--only", "nothing like it"]) == 2
    assert "20000x500" in capsys.readouterr().err


@pytest.mark.nan_ok
def test_an_answer_that_is_not_flat_is_refused_before_timing(small, monkeypatch):
    monkeypatch.setitem(logistic.CONTENDERS, "lazy", lambda task: lambda: np.zeros(4))
    with pytest.raises(AssertionError, match="lazy on 60x4: gradient"):
        logistic.measure(small, 1)


@pytest.mark.parametrize("make", [logistic.table, lambda: logistic.drawn("sparse", 80, 30, 0.2)])
def test_the_derivatives_by_hand_are_those_of_the_loss(make, rng):
    task = make()
    w, v = 0.1 * rng.standard_normal(task.A.shape[1]), rng.standard_normal(task.A.shape[1])
    loss, (value_and_grad, hv_at), h = task.loss(), task.by_hand, 1e-5
    f, g = value_and_grad(w)
    assert f == pytest.approx(loss(w), rel=1e-12)
    assert g @ v == pytest.approx((loss(w + h * v) - loss(w - h * v)) / (2 * h), rel=1e-6)
    difference = (value_and_grad(w + h * v)[1] - value_and_grad(w - h * v)[1]) / (2 * h)
    np.testing.assert_allclose(hv_at(w)(v), difference, rtol=1e-5, atol=1e-8)


def test_rivals_do_not_evaluate_twice_at_a_point(small):
    memory = logistic._Memory(small)
    asked, pair = [], memory.pair
    memory.pair = lambda x: asked.append(1) or pair(x)
    x = np.ones(4)
    memory.value(x), memory.grad(x.copy()), memory.value(x)
    assert len(asked) == 1
