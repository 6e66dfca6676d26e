"""The picture of a convexity report: what it draws is what the report and plain calls of f say."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib import pyplot

from optkit.plots import convexity


def f(x):
    return x[0] ** 4 - 2 * x[0] ** 2 + x[1]


def report(points, weights, eigenvalues=((-4.0, 0.0), (0.0, 44.0)), shape="convex", verdict="NOT_CONVEX", f=f):
    witness = None
    if points:
        points = tuple(np.array(p) for p in points)
        middle = sum(w * p for w, p in zip(weights, points, strict=True))
        gap = f(middle) - sum(w * f(p) for w, p in zip(weights, points, strict=True))
        witness = SimpleNamespace(f=f, points=points, weights=weights, middle=middle, gap=gap, shape=shape)
    return SimpleNamespace(witness=witness, examinations=(SimpleNamespace(eigenvalues=eigenvalues),),
                           verdict=SimpleNamespace(value=verdict), domain=SimpleNamespace(label="the box [-2, 2]^2"))


def lines(ax):
    return {line.get_label(): line.get_data() for line in ax.lines}


def test_the_slice_has_f_and_its_chord_and_the_gap(tmp_path):
    figure = convexity(report([[-1.0, 0.0], [1.0, 2.0]], (0.5, 0.5)), path=tmp_path / "a.png")
    drawn = lines(figure.axes[0])
    t, values = drawn["f along the segment"]
    np.testing.assert_allclose(values, [f(np.array([-1 + 2 * s, 2 * s])) for s in t])
    np.testing.assert_allclose(drawn["chord"], ([0, 1], [-1, 1]))
    np.testing.assert_allclose(drawn["gap 1"], ([0.5, 0.5], [0, 1]))
    assert figure.get_suptitle() == "not convex on the box [-2, 2]^2"
    assert (tmp_path / "a.png").stat().st_size > 0 and pyplot.get_fignums() == []


def test_three_points_are_seen_along_the_line_through_their_average(tmp_path):
    points, weights = [[-1.0, 0.0], [1.0, 1.0], [1.0, 3.0]], (0.25, 0.5, 0.25)
    drawn = lines(convexity(report(points, weights), path=tmp_path / "a.png").axes[0])
    (gap,) = [data for label, data in drawn.items() if label.startswith("gap")]
    values = [f(np.array(p)) for p in points]
    np.testing.assert_allclose(gap[0], [0.75, 0.75])
    np.testing.assert_allclose(gap[1], [np.dot(weights, values), f(np.array([0.5, 1.25]))])


def test_the_spectrum_is_sorted_by_its_smallest_eigenvalue(tmp_path):
    eigenvalues = [(3.0, 4.0), (-5.0, 1.0), (0.0, 2.0)]
    (ax,) = convexity(report([], (), eigenvalues, verdict="UNDECIDED"), path=tmp_path / "a.png").axes
    np.testing.assert_array_equal(lines(ax)["smallest"][1], [-5, 0, 3])
    np.testing.assert_array_equal(lines(ax)["largest eigenvalue of ∇²f"][1], [1, 2, 4])


def test_a_report_with_nothing_to_draw_is_a_titled_page(tmp_path):
    figure = convexity(report([], (), (), verdict="UNDECIDED"), path=tmp_path / "a.png")
    assert figure.axes == [] and (tmp_path / "a.png").stat().st_size > 0


def test_it_draws_on_the_axes_it_is_given():
    mine = pyplot.figure()
    axes = mine.subplots(1, 2)
    assert convexity(report([[-1.0, 0.0], [1.0, 2.0]], (0.5, 0.5)), ax=axes) is mine and all(ax.lines for ax in axes)
    with pytest.raises(ValueError, match="this report has 2 pictures, got 1 axes"):
        convexity(report([[-1.0, 0.0], [1.0, 2.0]], (0.5, 0.5)), ax=axes[0])
    pyplot.close(mine)
