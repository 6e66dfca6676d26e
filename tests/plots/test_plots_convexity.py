"""The picture of a convexity report: what it draws is what the report and plain calls of f say."""

import io
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.collections import LineCollection, QuadMesh

from optkit.convexity import Ball, Box, PositiveOrthant, Simplex, check
from optkit.convexity.proof import Cover, Leaf, Split
from optkit.plots import convexity


def valley(x):
    return x[0] ** 4 - 2 * x[0] ** 2 + x[1] ** 2


def lines(ax):
    return {line.get_label(): line.get_data() for line in ax.lines}


def image(ax):
    """(x, y, values) of the map drawn on an Axes; values[i, j] at (x[j], y[i])."""
    (mesh,) = [c for c in ax.collections if isinstance(c, QuadMesh)]
    corners = mesh.get_coordinates()
    middles = (corners[:-1, :-1] + corners[1:, 1:]) / 2
    return middles[0, :, 0], middles[:, 0, 1], mesh.get_array()


def drawn(report):
    """The axes, without colour bars; the figure is closed."""
    figure = report.plot()
    axes = [ax for ax in figure.axes if ax.get_label() != "<colorbar>"]
    pyplot.close(figure)
    return axes


@pytest.fixture(autouse=True)
def closed():
    pyplot.close("all")
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def refuted():
    return check(valley, Box(-2, 2, shape=2), budget=4000)


@pytest.fixture(scope="module")
def held():
    return check(lambda x: np.sum(np.cosh(x)) + 0.2 * x[0] * x[1], Box(-1, 1, shape=2), budget=4000)


@pytest.fixture(scope="module")
def many():
    return check(lambda x: np.sum(np.cosh(x)), Box(-1, 1, shape=40), budget=4000)


def test_the_slice_has_f_its_chord_and_the_gap(refuted, tmp_path):
    figure = convexity(refuted, path=tmp_path / "a.png")
    shown = lines(figure.axes[0])
    x, y = refuted.witness.points
    t, values = shown["f along the line"]
    inside = np.isfinite(values)
    np.testing.assert_allclose(values[inside], [valley(x + s * (y - x)) for s in t[inside]], rtol=1e-12, atol=1e-12)
    assert inside[(t >= 0) & (t <= 1)].all()
    np.testing.assert_allclose(shown["chord"][1], [valley(x), valley(y)])
    (gap,) = [data for label, data in shown.items() if label.startswith("gap")]
    chord = np.dot(refuted.witness.weights, [valley(x), valley(y)])
    assert gap[1][0] - chord == pytest.approx(refuted.witness.gap)
    assert "NOT CONVEX" in figure.get_suptitle().upper()
    assert (tmp_path / "a.png").stat().st_size > 0 and pyplot.get_fignums() == []


def test_a_gap_too_small_to_see_is_drawn_less_the_chord():
    def f(x):
        return 100 * x + 0.01 * np.cos(20 * x)
    report = check(f, Box(0, 1), budget=4000)
    x, y = report.witness.points
    assert abs(f(x) - f(y)) > 20 * report.witness.gap
    shown = lines(drawn(report)[0])
    t, values = shown["f − chord"]
    assert list(shown["chord"][1]) == [0, 0] and np.isnan(values[(t < 0) | (t > 1)]).all()
    (gap,) = [data for label, data in shown.items() if label.startswith("gap")]
    assert gap[1][0] == pytest.approx(report.witness.gap, rel=1e-6)
    near = np.nanargmin(np.abs(t - 0.5))
    assert values[near] == pytest.approx(report.witness.gap, rel=0.05)


def test_the_map_of_two_unknowns_is_the_least_eigenvalue_with_its_zero_contour(refuted):
    ax = drawn(refuted)[1]
    x, y, values = image(ax)
    np.testing.assert_allclose(values, np.minimum(12 * x**2 - 4, 2)[None].repeat(len(y), 0), atol=1e-9)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x[0]", "x[1]") and ax.get_xlim() == ax.get_ylim() == (-2, 2)
    (zero,) = [c for c in ax.collections if not isinstance(c, QuadMesh | LineCollection)]
    contour = np.concatenate([path.vertices for path in zero.get_paths()])
    np.testing.assert_allclose(np.abs(contour[:, 0]), 3**-0.5, atol=0.05)
    shown = lines(ax)
    wrong = np.array(shown["bends the wrong way"])
    assert wrong.shape[1] == refuted.bending.wrong.sum() and (np.abs(wrong[0]) < 3**-0.5).all()
    np.testing.assert_array_equal(np.transpose(shown["witness"]), refuted.witness.points)


def test_the_boxes_of_the_proof_fill_the_map(held):
    (ax,) = drawn(held)
    (boxes,) = [c for c in ax.collections if isinstance(c, LineCollection)]
    assert boxes.get_label() == f"{len(boxes.get_segments())} certified box" + "es" * (len(boxes.get_segments()) > 1)
    areas = [np.prod(np.ptp(s, axis=0)) for s in boxes.get_segments()]
    assert sum(areas) == pytest.approx(4) and min(areas) > 0
    assert image(ax)[2].min() > 0.7


def test_boxes_are_those_of_all_blocks_of_unknowns():
    report = check(lambda x: x[0] ** 2 + np.cosh(x[1]), Box([-1, -2], [1, 2]), budget=1000)
    covers = (Cover((0,), Split(0, 0.5, Leaf(1.0, 2.0), Leaf(1.0, 2.0))),
              Cover((1,), Split(0, 0.0, Leaf(-1.0, 2.0), Split(0, 1.0, Leaf(1.0, 2.0), Leaf(0.0, 2.0)))))
    (ax,) = drawn(replace(report, proofs={"convex": replace(report.proofs["convex"], covers=covers)}))
    boxes = {c.get_label(): c.get_segments() for c in ax.collections if isinstance(c, LineCollection)}
    assert {label: len(segments) for label, segments in boxes.items()} == {"4 certified boxes": 4, "2 open boxes": 2}
    assert sum(np.prod(np.ptp(s, axis=0)) for segments in boxes.values() for s in segments) == pytest.approx(8)


def test_one_unknown_has_its_second_derivative_and_the_certified_bounds():
    report = check(lambda x: np.sin(x) + 0.6 * x * x, Box(-3, 3), budget=2000)
    (ax,) = drawn(report)
    shown = lines(ax)
    x, values = shown["f″"]
    np.testing.assert_allclose(values, 1.2 - np.sin(x), atol=1e-9)
    levels = [line.get_ydata()[0] for line in ax.lines if line.get_linestyle() == "--"]
    assert levels == [report.mu.lower, report.L.upper]
    (ends,) = [data[0] for label, data in shown.items() if "certified box" in label]
    assert ends[0] == -3 and ends[-1] == 3
    refuted = check(lambda x: np.sin(x) + 0.4 * x * x, Box(-3, 3), budget=2000)
    ax = drawn(refuted)[1]
    (shade,) = ax.collections
    reach = shade.get_paths()[0].vertices
    assert reach[:, 0].min() == pytest.approx(np.arcsin(0.8), abs=0.03)
    assert reach[:, 1].min() == pytest.approx(-0.2, abs=0.01)


def test_concavity_is_about_the_largest_eigenvalue_with_colours_turned():
    report = check(lambda x: -x @ x + x[0] ** 3, Ball(np.zeros(2), 1.0), "concave", budget=2000)
    ax = drawn(report)[1]
    x, y, values = image(ax)
    inside = x[None] ** 2 + y[:, None] ** 2 <= 1
    assert (np.ma.getmaskarray(values) == ~inside).mean() > 0.99
    np.testing.assert_allclose(values[inside], np.maximum(6 * x - 2, -2)[None].repeat(len(y), 0)[inside], atol=1e-9)
    assert ax.get_title() == "largest eigenvalue of the Hessian"
    (mesh,) = [c for c in ax.collections if isinstance(c, QuadMesh)]
    red, _, blue, _ = mesh.to_rgba(np.array([4.0]))[0]
    assert red > blue


def test_several_unknowns_are_cut_by_a_plane_through_the_witness():
    def f(x):                               # its Hessian is diagonal: 1 + 3x₀, 1, 1, 1, 1
        return (np.sum(x**2) + x[0] ** 3) / 2

    report = check(f, Box(-1, 1, shape=5), budget=4000)
    ax = drawn(report)[1]
    assert ax.get_xlabel() == "along the witness" and "eigenvector" in ax.get_ylabel()
    ends = np.transpose(lines(ax)["witness"])
    x, y = report.witness.points
    np.testing.assert_allclose(np.sort(ends[:, 0]), np.array([-0.5, 0.5]) * np.linalg.norm(y - x), atol=1e-12)
    np.testing.assert_allclose(ends[:, 1], 0, atol=1e-12)
    s, t, values = image(ax)
    d = (y - x) / np.linalg.norm(y - x)
    assert abs(d[0]) == 1                   # so that the other axis keeps x₀
    low = np.minimum(1 + 3 * (report.witness.middle[0] + s * d[0]), 1)
    np.testing.assert_allclose(values, low[None].repeat(len(t), 0), atol=1e-9)
    x0 = report.witness.middle[0] + d[0] * np.array(ax.get_xlim())
    np.testing.assert_allclose(np.sort(x0), [-1, 1])


def test_in_a_subspace_only_its_directions_count():
    report = check(lambda x: np.sum(x**2) - 3 * x[0] * x[1] * x[2], Simplex(3), budget=2000)
    ax = drawn(report)[-1]
    assert ax.get_xlabel() == "direction 1 in the domain"
    values = image(ax)[2]
    assert values.min() == pytest.approx(report.bending.low.min(), abs=0.1) and np.ma.getmaskarray(values).any()


def test_infinite_ends_are_cut_to_the_window():
    report = check(lambda x: np.sum(np.exp(-x)) + 0.1 * x @ x, PositiveOrthant(2), budget=1000)
    (ax,) = drawn(report)
    window = report.domain.lower[0], report.domain.upper[0]
    assert ax.get_xlim() == window
    for boxes in [c for c in ax.collections if isinstance(c, LineCollection)]:
        ends = np.concatenate(boxes.get_segments())
        assert ends.min() >= window[0] and ends.max() <= window[1]


def test_many_unknowns_have_their_spectrum_sorted(many, tmp_path):
    (ax,) = convexity(many, path=tmp_path / "a.png").axes
    shown = lines(ax)
    for label, low, high in (("smallest", 1.0, np.cosh(1.0)), ("largest", 1.0, np.cosh(1.0))):
        values = shown[label][1]
        assert (np.diff(values) >= 0).all() and low - 1e-9 <= values[0] and values[-1] <= high + 1e-9


def test_it_draws_on_the_axes_it_is_given(refuted, many):
    mine = pyplot.figure()
    left, right = mine.subplots(1, 2)
    assert convexity(refuted, ax=left) is mine and convexity(many, ax=right) is mine
    assert "chord" in lines(left) and "smallest" in lines(right)


def test_a_stream_gets_a_picture_and_no_figure_stays_open(held):
    stream = io.BytesIO()
    convexity(held, path=stream)
    assert stream.getvalue().startswith(b"\x89PNG") and pyplot.get_fignums() == []


def test_nothing_to_draw_is_an_error():
    report = SimpleNamespace(witness=None, examinations=(SimpleNamespace(eigenvalues=()),))
    with pytest.raises(ValueError, match="neither a witness nor eigenvalues"):
        convexity(report)
