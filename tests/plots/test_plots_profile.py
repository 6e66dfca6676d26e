"""Performance profiles against a table worked by hand (Dolan & Moré 2002)."""

import numpy as np
import pytest

from optkit.plots import performance_profile
from optkit.plots.profile import profile

TABLE = {"a": [1.0, 4.0, np.nan, np.inf], "b": [2.0, 1.0, 3.0, np.nan]}    # the fourth problem: nobody


def test_factors_and_shares_by_hand():
    curves = profile(TABLE)
    np.testing.assert_array_equal(curves["a"][0], [1.0, 4.0])
    np.testing.assert_array_equal(curves["a"][1], [0.25, 0.5])
    np.testing.assert_array_equal(curves["b"][0], [1.0, 1.0, 2.0])
    np.testing.assert_array_equal(curves["b"][1], [0.25, 0.5, 0.75])


def test_the_picture_has_the_steps(tmp_path):
    axes = performance_profile(TABLE, path=tmp_path / "p.png", cost="seconds").axes[0]
    b = axes.lines[1]
    np.testing.assert_array_equal(b.get_xdata()[:4], [1.0, 1.0, 1.0, 2.0])
    np.testing.assert_array_equal(b.get_ydata(), [0.0, 0.25, 0.5, 0.75, 0.75])
    assert b.get_label() == "b (75% solved)" and "seconds" in axes.get_xlabel()
    assert (tmp_path / "p.png").stat().st_size > 0


def test_a_method_that_solves_nothing_is_a_line_at_zero(tmp_path):
    axes = performance_profile({"a": [1.0], "never": [np.nan]}, path=tmp_path / "p.png").axes[0]
    assert set(axes.lines[1].get_ydata()) == {0.0}


@pytest.mark.parametrize("table, message", [
    ({}, "at least one method"), ({"a": []}, "one cost for each problem"), ({"a": [1.0, -2.0]}, "costs > 0.*got -2.0")])
def test_wrong_tables_are_named(table, message):
    with pytest.raises(ValueError, match=message):
        performance_profile(table)
