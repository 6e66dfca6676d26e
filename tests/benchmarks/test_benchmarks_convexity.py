"""The convexity table runs, counts what it says it counts, and ends with an error where a verdict is wrong."""

import csv
import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))
benchmark = importlib.import_module("benchmarks.convexity")
pytestmark = pytest.mark.nan_ok

BOX = benchmark.box(-1, 1, 2)
BOWL = benchmark.Case("bowl", lambda x: np.sum(x * x), BOX, "strongly convex", 2.0, 2.0, "2I")
SADDLE = benchmark.Case("saddle", lambda x: x[0] * x[1], BOX, "not convex", -1.0, 1.0, "eigenvalues ±1")
LIE = benchmark.Case("lie", lambda x: np.sum(x * x), BOX, "not convex", -1.0, 1.0, "false on purpose")


@pytest.fixture
def only(monkeypatch):
    def chosen(*cases):
        monkeypatch.setattr(benchmark, "groups", lambda composed: {"few": lambda: benchmark._cases(cases)})
    return chosen


def test_a_run_writes_a_line_for_each_function(only, tmp_path, capsys):
    only(BOWL, SADDLE)
    assert benchmark.main(["--csv", str(tmp_path / "convexity.csv")]) == 0
    with (tmp_path / "convexity.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["verdict"] for row in rows] == ["PROVED_STRONGLY_CONVEX", "NOT_CONVEX"]
    assert float(rows[0]["mu"]) == pytest.approx(2) and rows[0]["falsify_seconds"] == "nan"
    assert float(rows[1]["falsify_seconds"]) > 0 and not any(row["wrong"] for row in rows)
    line = capsys.readouterr().out.splitlines()[1].split()
    assert line[:2] == ["few", "2"] and line.count("100%") == 3 and line[-1] == "0"


def test_a_wrong_verdict_is_an_error(only, tmp_path, capsys):
    only(BOWL, LIE)
    assert benchmark.main(["--csv", str(tmp_path / "convexity.csv")]) == 1
    out = capsys.readouterr().out
    assert "lie" in out and "WRONG: PROVED_STRONGLY_CONVEX of a function that is not convex" in out


def test_an_unknown_group_is_an_error(capsys):
    assert benchmark.main(["--only", "nothing like it"]) == 2
    assert "naive" in capsys.readouterr().err


def test_the_groups_are_what_the_targets_speak_of():
    table = benchmark.groups(3)
    assert len(table["composed"]()) == 3 and len(table["naive"]()) >= 40 and len(table["hard"]()) >= 50
    (case, region), = table["logistic 569x30"]()
    assert case.n == 30 and case.L > case.mu > 0 and region.contains(np.zeros(30))
    names = {case.name for case, _ in table["problems, convex"]()}
    assert names >= {"least-squares", "ridge", "poisson-regression", "softmax-regression", "huber-regression",
                     "log-sum-exp", "log-det"}
    assert all(case.n == 1000 for case, _ in table["n = 1000"]())
