"""The path over the contours of a function of two variables."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.quiver import Quiver

from optkit.plots import contours, path

XS = np.array([[-1.2, 1.0], [0.0, 0.3], [1.0, 1.0]])


def bowl(x):
    return x[0] ** 2 + 10 * x[1] ** 2


def test_the_iterates_are_drawn_inside_the_limits(tmp_path):
    axes = path(bowl, {"mine": XS}, path=tmp_path / "p.png").axes[0]
    line = axes.lines[0]
    np.testing.assert_array_equal(np.stack(line.get_data(), axis=1), XS)
    assert line.get_label() == "mine (2 steps)"
    assert axes.get_xlim()[0] < -1.2 and axes.get_xlim()[1] > 1.0 and axes.get_ylim()[0] < 0.3
    assert (tmp_path / "p.png").stat().st_size > 0


def test_a_result_that_kept_its_iterates(tmp_path):
    result = SimpleNamespace(history=(), allvecs=list(XS), method="l-bfgs")
    axes = path(bowl, result, path=tmp_path / "p.png", limits=((-2, 2), (-1, 1))).axes[0]
    assert axes.lines[0].get_label() == "l-bfgs (2 steps)"
    assert axes.get_xlim() == (-2, 2) and axes.get_ylim() == (-1, 1)


@pytest.mark.nan_ok
def test_functions_with_holes_and_constant_functions_are_drawn(tmp_path):
    path(lambda x: np.log(x[0]) + x[1] ** 2, XS + 2, path=tmp_path / "p.png", limits=((-1, 2), (-1, 2)))
    path(lambda x: 1.0, XS[:1], path=tmp_path / "q.png")
    assert (tmp_path / "p.png").exists() and (tmp_path / "q.png").exists()


@pytest.mark.parametrize("run, message", [
    (np.zeros((4, 3)), r"iterates: need iterates of shape \(k, 2\), got shape \(4, 3\)"),
    (np.zeros((0, 2)), "got shape"), ([], "at least one result"),
    (SimpleNamespace(history=(), method="momentum"), "momentum: the result did not keep its iterates")])
def test_wrong_runs_are_named(run, message):
    with pytest.raises(ValueError, match=message):
        path(bowl, run)


@pytest.mark.parametrize("f, limits", [
    (bowl, ((-2, 2), (-1, 1))), (lambda x: np.sin(x[0]) * np.cos(x[1]) + 0.1 * x[0], ((-3, 3), (-3, 3))),
    (lambda x: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2, ((-1.5, 1.5), (-0.5, 1.5)))])
def test_gradients_are_orthogonal_to_the_contours(f, limits, tmp_path):
    """Along the line f stays, to second order in the step; along the arrow it grows."""
    axes = contours(f, limits, path=tmp_path / "c.png").axes[0]
    arrows = next(c for c in axes.collections if isinstance(c, Quiver))
    at, towards = np.stack([arrows.X, arrows.Y], axis=1), np.stack([arrows.U, arrows.V], axis=1)
    assert len(at) >= 20 and axes.get_aspect() == 1.0
    for x, g in zip(at, towards, strict=True):
        if np.hypot(*g) < 0.2 * np.hypot(*towards.T).max():
            continue
        step = 1e-5 * g / np.hypot(*g)
        along, across = f(x + step) - f(x - step), f(x + step[::-1] * (1, -1)) - f(x - step[::-1] * (1, -1))
        assert along > 0 and abs(across) <= 1e-4 * along


def test_a_constant_function_has_no_gradients_to_draw(tmp_path):
    assert contours(lambda x: 1.0, ((0, 1), (0, 1)), path=tmp_path / "c.png").axes[0].collections
