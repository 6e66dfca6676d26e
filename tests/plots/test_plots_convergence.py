"""The convergence grid: what is drawn is what the history holds, and what a logarithm can't show is still there."""

from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure

from optkit.plots import convergence
from optkit.plots.style import pen
from optkit.rates import Rate

matplotlib.use("Agg")


def run(f, gnorm=None, method="newton-cg", success=True, seconds=1e-3):
    f = np.asarray(f, dtype=float)
    k = np.arange(f.size)
    gnorm = np.ones(f.size) if gnorm is None else np.asarray(gnorm, dtype=float)
    history = SimpleNamespace(nit=k, f=f, gnorm=gnorm, time=seconds * k, nfev=k + 1, njev=k + 1, nhev=3 * k)
    return SimpleNamespace(history=history, method=method, success=success)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    pyplot.close("all")


def drawn(ax, label):
    """(x, y) of the line with this label."""
    return next(line.get_data() for line in ax.lines if line.get_label() == label)


def test_the_grid_shows_the_history(tmp_path):
    figure = convergence(run([3.0, 2.0, 1.5], [4.0, 2.0, 1.0]), f_star=1.0, path=tmp_path / "a.png")
    axes = figure.axes
    assert len(axes) == 6
    for column, cost in enumerate(([0, 1, 2], [2, 7, 12], [0.0, 1e-3, 2e-3])):
        gap, gnorm = drawn(axes[column], "newton-cg"), drawn(axes[3 + column], "newton-cg")
        np.testing.assert_allclose(gap, (cost, [2.0, 1.0, 0.5]))
        np.testing.assert_allclose(gnorm, (cost, [4.0, 2.0, 1.0]))
    assert (axes[0].get_ylabel(), axes[3].get_ylabel()) == ("f − f*", "max |∇f|")
    assert [ax.get_xlabel() for ax in axes[3:]] == ["iterations", "evaluations of f, ∇f and Hv", "time"]
    assert all(ax.get_yscale() == "log" for ax in axes)


def test_the_file_is_a_picture_and_no_figure_is_kept_open(tmp_path):
    convergence([run([2.0, 1.0])], path=tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    convergence([run([2.0, 1.0])], path=tmp_path / "a.svg")
    assert "<svg" in (tmp_path / "a.svg").read_text()
    assert pyplot.get_fignums() == []


def test_without_a_path_the_figure_is_one_that_show_would_show():
    figure = convergence(run([2.0, 1.0]))
    assert isinstance(figure, Figure) and pyplot.get_fignums() == [figure.number]


@pytest.mark.parametrize("f_star, label, reference", [
    (None, "f − best f seen", 1.0), (0.5, "f − f*", 0.5), (1.0 + 1e-12, "f − f*", 1.0 + 1e-12),
    (1.5, "f − best f seen (below the f* given)", 1.0)])
def test_what_is_subtracted_is_said(tmp_path, f_star, label, reference):
    figure = convergence([run([3.0, 2.0]), run([3.0, 1.0], method="l-bfgs")], f_star=f_star, path=tmp_path / "a.png")
    assert figure.axes[0].get_ylabel() == label
    assert drawn(figure.axes[0], "newton-cg")[1][1] == pytest.approx(2.0 - reference)


@pytest.mark.nan_ok
def test_zeros_and_rounding_stand_on_a_floor_below_the_rest_and_nan_leaves_a_gap(tmp_path):
    result = run([9.0, np.nan, 2.0, 1 + 4e-16, 1.0], [1, 1, 1, 1e-8, 0])
    figure = convergence(result, f_star=1.0, path=tmp_path / "a.png")
    _, gap = drawn(figure.axes[0], "newton-cg")
    assert gap[0] == 8 and np.isnan(gap[1]) and gap[2] == 1
    assert gap[3] == gap[4] > figure.axes[0].get_ylim()[0] > 0 and gap[4] < 1
    assert [text.get_text() for text in figure.axes[0].texts] == ["0 to rounding"]
    _, gnorm = drawn(figure.axes[3], "newton-cg")
    assert 0 < gnorm[-1] < 1e-8 and [text.get_text() for text in figure.axes[3].texts] == ["0"]


def test_a_run_that_starts_at_its_minimum_is_drawn(tmp_path):
    convergence(run([0.0], [0.0]), f_star=0.0, path=tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 0


def test_the_whole_range_of_floats_is_drawn(tmp_path):
    convergence(run([1e300, 1e-300, 0.0], [1e300, 1e-306, 0.0]), f_star=0.0, path=tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 0


def test_a_mapping_names_the_lines_and_repeated_methods_are_told_apart(tmp_path):
    axes = convergence({"mine": run([2.0, 1.0]), "theirs": run([2.0, 1.5])}, path=tmp_path / "a.png").axes
    assert drawn(axes[0], "mine")[1][0] == 1.0 and drawn(axes[0], "theirs")[1][1] == 0.5
    legend = convergence([run([2.0, 1.0])] * 3, path=tmp_path / "a.png").legends[0]
    assert [text.get_text() for text in legend.get_texts()] == ["newton-cg", "newton-cg (2)", "newton-cg (3)"]


def test_colours_and_markers_differ_and_an_unsolved_run_ends_in_a_cross(tmp_path):
    runs = [run([2.0, 1.0 + i], method=str(i), success=i != 2) for i in range(7)]
    figure = convergence(runs, path=tmp_path / "a.png")
    named = [line for line in figure.axes[0].lines if line.get_label() in set("0123456")]
    assert len({line.get_color() for line in named}) == len({line.get_marker() for line in named}) == 7
    ends = [line.get_marker() for line in figure.axes[0].lines if line.get_linestyle() == "None"]
    assert ends == [line.get_marker() if line.get_label() != "2" else "x" for line in named]
    assert [text.get_text() for text in figure.legends[0].get_texts()][-1] == "not solved"


@pytest.mark.parametrize("count, columns", [(1, 1), (2, 1), (6, 3)])
def test_it_draws_on_the_axes_it_is_given(count, columns):
    mine = pyplot.figure()
    axes = mine.subplots(-(-count // columns), columns, squeeze=False)
    assert convergence(run([2.0, 1.0]), ax=axes.flat[0] if count == 1 else axes) is mine
    assert all(ax.lines for ax in axes.flat) and len(mine.axes) == count


def test_runs_of_very_different_length_get_a_logarithmic_axis(tmp_path):
    short, long = run(1.0 / np.arange(1, 6)), run(1.0 / np.arange(1, 500), method="gradient-descent")
    assert convergence([short, short], path=tmp_path / "a.png").axes[0].get_xscale() == "linear"
    assert convergence([short, long], path=tmp_path / "a.png").axes[0].get_xscale() == "symlog"


def test_times_are_in_readable_units(tmp_path):
    figure = convergence(run(1.0 / np.arange(1, 6), seconds=1e-3), path=tmp_path / "a.png")
    ticks = [label.get_text() for label in figure.axes[5].get_xticklabels()]
    assert ticks[:3] == ["0 s", "1 ms", "2 ms"]


def test_wrong_arguments_are_named(tmp_path):
    with pytest.raises(ValueError, match="need at least one result.*got 0 results"):
        convergence([], path=tmp_path / "a.png")
    with pytest.raises(ValueError, match="need one, two or six axes, got 3"):
        convergence(run([1.0]), ax=pyplot.figure().subplots(3))


def test_every_run_of_the_whole_field_is_told_apart_in_a_legend_that_fits(tmp_path):
    names = [f"trust-krylov-{k}" if k % 5 else f"projected-gradient-{k}" for k in range(25)]
    runs = {name: run([3.0, 2.0, 1.5]) for name in names} | {"cut": run([3.0], success=False)}
    figure = convergence(runs, path=tmp_path / "a.png")
    legend = figure.legends[0]
    assert len({(h.get_color(), h.get_linestyle(), tuple(h._unscaled_dash_pattern[1] or ())) for h in
                legend.legend_handles}) >= 26
    assert legend.handlelength >= 4 and not {"x", "X"} & {pen(k).marker for k in range(28)}
    box = legend.get_window_extent().transformed(figure.transFigure.inverted())
    assert 0 <= box.x0 and box.x1 <= 1


# --- rates ---


def with_rate(f, rate, method="momentum"):
    result = run(f, method=method)
    result.rate = rate
    return result


HALVING, INVERSE = Rate("(1/2)ᵏ", "by hand", 0.5), Rate("c/k", "by hand", 1.0, 1, 6.0)


def test_a_result_with_a_rate_is_drawn_beside_what_theory_says(tmp_path):
    f = 1.0 + 8.0 * 0.4 ** np.arange(6)
    figure = convergence([with_rate(f, HALVING), run(f + 1, method="cg")], f_star=1.0, path=tmp_path / "a.png")
    k, line = drawn(figure.axes[0], "momentum: (1/2)ᵏ, by hand")
    assert k[0] == 0 and k[-1] == 5
    np.testing.assert_allclose(line, 8 * 0.5**k)
    assert sum("by hand" in str(each.get_label()) for ax in figure.axes for each in ax.lines) == 1
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["momentum", "cg", "(1/2)ᵏ, by hand"]
    dashed = next(each for each in figure.axes[0].lines if "by hand" in str(each.get_label()))
    assert dashed.get_linestyle() == "--" and dashed.get_linewidth() < 1.0


def test_rates_can_be_left_out_or_given(tmp_path):
    f = 1.0 + 8.0 * 0.4 ** np.arange(6)
    runs, ax = {"a": with_rate(f, HALVING), "b": run(f)}, pyplot.figure().subplots()

    def labels(rates):
        ax.clear()
        convergence(runs, ax=ax, f_star=1.0, rates=rates)
        return [each.get_label() for each in ax.lines if "by hand" in str(each.get_label())]

    assert labels(None) == ["a: (1/2)ᵏ, by hand"] and labels(False) == []
    assert labels({"b": INVERSE}) == ["b: c/k, by hand"]
    assert labels([None, INVERSE]) == ["b: c/k, by hand"]
    k, line = drawn(convergence(runs["b"], f_star=1.0, path=tmp_path / "a.png", rates=INVERSE).axes[0],
                    "newton-cg: c/k, by hand")
    np.testing.assert_allclose(line[1:], np.minimum(8.0, 6 / np.maximum(k[1:], 1.0)))
    with pytest.raises(ValueError, match="need one for each of 2 results.*got 1"):
        labels([HALVING])
    with pytest.raises(ValueError, match="'c' is no result; they are a, b"):
        labels({"c": HALVING})


def test_a_rate_far_below_the_run_does_not_stretch_the_panel(tmp_path):
    f = 1.0 + 8.0 * 0.5 ** np.arange(6)
    fast = Rate("fast", "by hand", 1e-9)
    with_line = convergence(with_rate(f, fast), f_star=1.0, path=tmp_path / "a.png").axes[0]
    without = convergence(run(f), f_star=1.0, path=tmp_path / "a.png").axes[0]
    assert with_line.get_ylim() == without.get_ylim() and with_line.get_xlim() == without.get_xlim()
    assert np.isnan(drawn(with_line, "momentum: fast, by hand")[1]).any()
