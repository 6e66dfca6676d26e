"""The NIST benchmark runs, counts digits and false successes, and writes its table."""

import csv

import pytest

from benchmarks import nist

pytestmark = pytest.mark.nan_ok


def test_table_summary_and_csv(tmp_path, capsys):
    assert nist.main(["--models", "DanWood,ENSO", "--csv", str(tmp_path / "nist.csv")]) == 0
    shown = capsys.readouterr().out
    assert all(solver in shown for solver in nist.SOLVERS) and "DanWood" in shown and "4/4" in shown
    with (tmp_path / "nist.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4 * len(nist.SOLVERS) and tuple(rows[0]) == nist.Row._fields
    assert all(float(row["digits"]) >= 6 for row in rows if row["solver"] == "optkit lm")


def test_false_success_is_marked():
    row = nist.Row("optkit lm", "DanWood", "lower", 1, 3.9, True, 5, 5, 0.1)
    assert nist.is_false(row) and not nist.is_false(row._replace(digits=4.0))
    assert not nist.is_false(row._replace(success=False)) and "3.9!" in nist.table([row] * len(nist.SOLVERS))


def test_unknown_model_is_an_error(tmp_path, capsys):
    assert nist.main(["--models", "Misra2", "--csv", str(tmp_path / "nist.csv")]) == 2
    assert "Misra1a" in capsys.readouterr().err and not (tmp_path / "nist.csv").exists()
