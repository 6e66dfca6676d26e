"""The picture of a convexity report: what it draws is what the report and plain calls of f say."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib import pyplot

from optkit.convexity import Box, check
from optkit.plots import convexity


def saddle(x):
    return x[0] ** 4 - 2 * x[0] ** 2 + x[1] ** 2


def lines(ax):
    return {line.get_label(): line.get_data() for line in ax.lines}


@pytest.fixture(scope="module")
def refuted():
    return check(saddle, Box(-2, 2, shape=2))


@pytest.fixture(scope="module")
def held():
    return check(lambda x: np.sum(np.cosh(x)), Box(-1, 1, shape=2))


def test_the_slice_has_f_its_chord_and_the_gap(refuted, tmp_path):
    figure = convexity(refuted, path=tmp_path / "a.png")
    drawn = lines(figure.axes[0])
    x, y = refuted.witness.points
    t, values = drawn["f along the line"]
    inside = np.isfinite(values)
    np.testing.assert_allclose(values[inside], [saddle(x + s * (y - x)) for s in t[inside]], rtol=1e-12, atol=1e-12)
    assert inside[(t >= 0) & (t <= 1)].all()
    np.testing.assert_allclose(drawn["chord"][1], [saddle(x), saddle(y)])
    (gap,) = [data for label, data in drawn.items() if label.startswith("gap")]
    chord = np.dot(refuted.witness.weights, [saddle(x), saddle(y)])
    assert gap[1][0] - chord == pytest.approx(refuted.witness.gap)
    assert "NOT CONVEX" in figure.get_suptitle().upper()
    assert (tmp_path / "a.png").stat().st_size > 0 and pyplot.get_fignums() == []


def test_the_spectrum_is_sorted(held, tmp_path):
    (ax,) = convexity(held, path=tmp_path / "a.png").axes
    drawn = lines(ax)
    for label, low, high in (("smallest", 1.0, np.cosh(1.0)), ("largest", 1.0, np.cosh(1.0))):
        values = drawn[label][1]
        assert (np.diff(values) >= 0).all() and low - 1e-9 <= values[0] and values[-1] <= high + 1e-9


def test_it_draws_on_the_axes_it_is_given(refuted, held):
    mine = pyplot.figure()
    left, right = mine.subplots(1, 2)
    assert convexity(refuted, ax=left) is mine and convexity(held, ax=right) is mine
    assert "chord" in lines(left) and "smallest" in lines(right)
    pyplot.close(mine)


def test_nothing_to_draw_is_an_error():
    report = SimpleNamespace(witness=None, examinations=(SimpleNamespace(eigenvalues=()),))
    with pytest.raises(ValueError, match="neither a witness nor eigenvalues"):
        convexity(report)
