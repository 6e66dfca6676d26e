"""The picture of a computational graph: nothing overlaps, nothing is cut, arrows go round the boxes."""

import itertools

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from scipy.special import expit

from optkit.plots import graph
from optkit.plots.layers import crossings, layered, longest_paths, order

RNG = np.random.default_rng(0)
A, LABELS = RNG.standard_normal((40, 3)), np.sign(RNG.standard_normal(40))


def logistic(w, b, x, t, lam):
    z = w * x + b
    y = expit(z)
    L = 0.5 * (y - t) ** 2
    R = 0.5 * w ** 2
    return L + lam * R


def slides(x1, x2):
    v1 = x1 / x2
    v2 = np.sin(v1)
    v3 = np.exp(x2)
    v4 = v1 - v3
    v5 = v2 + v4
    y = v5 * v4
    return y


def glm(p):
    m = LABELS * (A @ p["w"] + p["b"])
    return np.mean(np.logaddexp(0, -m)) + 0.1 * np.sum(p["w"] ** 2)


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def loop(x):
    s = x[0]
    for k in range(40):
        s = s * x[k % 5] + np.sin(s)
    return s


CASES = {"logistic": (logistic, (0.5, 0.1, 2.0, 1.0, 0.3)), "slides": (slides, (1.5, 0.5)),
         "glm": (glm, ({"w": np.ones(3), "b": 0.5},)), "rosenbrock": (rosenbrock, (np.array([-1.2, 1.0, 0.5]),)),
         "loop": (loop, (np.linspace(0.1, 0.5, 5),)), "one": (np.sin, (1.0,))}


def parts(figure):
    """(boxes as rectangles in data units, texts, arrows)."""
    axes = figure.axes[-1]
    boxes = [p for p in axes.patches if isinstance(p, FancyBboxPatch) and p.get_height() > 10]
    return axes, boxes, axes.texts, [p for p in axes.patches if isinstance(p, FancyArrowPatch)]


def rectangle(box):
    return box.get_x(), box.get_y(), box.get_x() + box.get_width(), box.get_y() + box.get_height()


def assert_clean(figure):
    figure.draw_without_rendering()
    axes, boxes, texts, arrows = parts(figure)
    to_data = axes.transData.inverted()
    rectangles = [rectangle(box) for box in boxes]
    for (a0, b0, a1, b1), (c0, d0, c1, d1) in itertools.combinations(rectangles, 2):
        assert a1 <= c0 or c1 <= a0 or b1 <= d0 or d1 <= b0
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    extents = [text.get_window_extent().transformed(to_data) for text in texts]
    for one, other in itertools.combinations(extents, 2):
        assert not (min(one.x1, other.x1) - max(one.x0, other.x0) > 0.5
                    and min(one.y1, other.y1) - max(one.y0, other.y0) > 1.5)
    for extent in extents:
        assert left <= extent.x0 and extent.x1 <= right and low <= extent.y0 and extent.y1 <= high
        middle = (extent.x0 + extent.x1) / 2, (extent.y0 + extent.y1) / 2
        for x0, y0, x1, y1 in rectangles:
            if x0 < middle[0] < x1 and y0 < middle[1] < y1:
                assert x0 + 2 < extent.x0 and extent.x1 < x1 - 2 and y0 < extent.y0 and extent.y1 < y1
    for arrow in arrows:
        for x, y in arrow._path_original.to_polygons(closed_only=False)[0][1:-1]:
            assert left <= x <= right and low <= y <= high
            assert not any(x0 + 0.5 < x < x1 - 0.5 and y0 + 0.5 < y < y1 - 0.5 for x0, y0, x1, y1 in rectangles)


@pytest.mark.parametrize("adjoints", (False, True))
@pytest.mark.parametrize("name", CASES)
def test_nothing_overlaps_and_nothing_is_cut(name, adjoints, tmp_path):
    f, args = CASES[name]
    figure = graph(f, *args, adjoints=adjoints, path=tmp_path / "g.png")
    assert (tmp_path / "g.png").stat().st_size > 1000
    for dpi in (50, 200):
        figure.set_dpi(dpi)
        assert_clean(figure)


@pytest.mark.parametrize("size", ((3, 3), (9, 4)))
def test_on_axes_that_are_given_it_shrinks_to_fit(size):
    figure = Figure(figsize=size)
    axes = figure.subplots(1, 2)[1]
    assert graph(logistic, *CASES["logistic"][1], adjoints=True, ax=axes) is figure
    assert_clean(figure)
    assert len(figure.axes) == 2 and figure.axes[0].has_data() is False


def said(figure):
    return [text.get_text() for text in figure.axes[-1].texts]


def test_what_the_boxes_say(tmp_path):
    found = said(graph(logistic, *CASES["logistic"][1], adjoints=True, path=tmp_path / "g.png"))
    for text in ("z = add(v1, b)", "1.1", "∂/∂z = -0.046794", "y = expit(z)", "R = multiply(0.5, v4)", "∂/∂R = 0.3",
                 "argument", "operation", "result", "adjoint"):
        assert text in found
    assert "constant" not in found
    found = said(graph(glm, *CASES["glm"][1], path=tmp_path / "g.png"))
    assert "A" in found and "constant" in found and not any("∂" in text or text == "adjoint" for text in found)
    assert any(text.startswith("(40, 3)   -") for text in found)


def test_kinds_are_told_apart_by_colour(tmp_path):
    boxes = parts(graph(glm, *CASES["glm"][1], path=tmp_path / "g.png"))[1]
    assert len({box.get_facecolor() for box in boxes}) == 4


def test_arrows_lead_from_operands_to_results(tmp_path):
    _, boxes, _, arrows = parts(graph(slides, 1.5, 0.5, path=tmp_path / "g.png"))
    assert len(boxes) == 8 and len(arrows) == 10


def test_a_large_graph_is_shortened_and_says_so(tmp_path):
    f, args = CASES["loop"]
    figure = graph(f, *args, path=tmp_path / "g.png", limit=20)
    found = said(figure)
    assert len(parts(figure)[1]) == 20 and "… 143 more boxes …" in found
    assert "s = add(v159, v160)" in found and "x" in found
    assert_clean(figure)
    with pytest.raises(ValueError, match="at least 3 boxes, got limit=1"):
        graph(f, *args, limit=1)


def test_adjoints_need_one_number():
    with pytest.raises(ValueError, match="adjoints are those of one real number"):
        graph(lambda x: x ** 2, np.ones(2), adjoints=True)


# --- layout -----------------------------------------------------------------------------------------------------------


def random_graph(rng, count):
    return [(int(rng.integers(0, k)), k) for k in range(1, count) for _ in range(rng.integers(1, 3))]


@pytest.mark.parametrize("seed", range(8))
def test_layouts_of_random_graphs(seed):
    rng = np.random.default_rng(seed)
    edges = sorted(set(random_graph(rng, 25)))
    widths = rng.uniform(20, 90, 25)
    layer, x, lanes = layered(widths, edges, gap=10, lane=6)
    assert all(layer[a] < layer[b] and len(lane) == layer[b] - layer[a] - 1
               for (a, b), lane in zip(edges, lanes, strict=True))
    spans = [(layer[k], x[k], widths[k] / 2) for k in range(25)]
    spans += [(layer[a] + 1 + k, at, 3.0) for (a, _), lane in zip(edges, lanes, strict=True)
              for k, at in enumerate(lane)]
    for (p, a, half), (q, b, other) in itertools.combinations(spans, 2):
        assert p != q or abs(a - b) >= half + other + 10 - 1e-9


def test_layers_are_longest_paths_to_the_end():
    assert longest_paths(4, [(0, 1), (1, 3), (0, 3), (2, 3)]) == [0, 1, 1, 2]
    assert longest_paths(1, []) == [0]


def test_crossings_are_counted_and_removed():
    links = [(0, 5), (1, 4), (2, 3)]                               # three pairs cross as numbered
    below = [[5], [4], [3], [], [], []]
    assert crossings([[0, 1, 2], [3, 4, 5]], below) == 3
    assert crossings(order([0, 0, 0, 1, 1, 1], links), below) == 0
    rng = np.random.default_rng(1)
    tree = [((k - 1) // 2, k) for k in range(1, 31)]
    shuffled = dict(enumerate(rng.permutation(31).tolist()))
    level = [0] * 31
    for k in range(31):
        level[shuffled[k]] = int(np.log2(k + 1))
    moved = [(shuffled[a], shuffled[b]) for a, b in tree]
    below = [[b for a, b in moved if a == k] for k in range(31)]
    assert crossings(order(level, moved), below) == 0              # a tree has a drawing without any


def test_a_chain_is_straight():
    _, x, _ = layered([10.0, 50.0, 20.0, 30.0], [(0, 1), (1, 2), (2, 3)], gap=5, lane=5)
    np.testing.assert_allclose(x, x[0])
