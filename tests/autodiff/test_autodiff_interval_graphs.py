"""Graphs in interval arithmetic: derivatives of the problems, batch axes, places, choices, what is undefined."""

from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse

import autodiff as ad
import problems
from autodiff.derive import adjoint, primal, tangent
from autodiff.graph import Node, Static
from autodiff.interpreters.interval import RULES as ALL_RULES
from autodiff.interpreters.interval import NoRule, enclose, register
from autodiff.intervals import Interval, lift
from autodiff.primitive import PRIMITIVES, Primitive
from autodiff.recording import trace


def second_order(f, x0, safe=False):
    """(graph, x, gradient, tangent input, Hessian columns)."""
    g = primal(trace(f, x0), safe)
    x, = g.inputs
    gradient, = adjoint(g, [x], [1.0])
    (direction,), (columns,) = tangent(g, [0], [gradient])
    return g, x, gradient, direction, columns


def enclosed(f, lower, upper, safe=False):
    """[value, gradient, Hessian with directions behind] over boxes along the last axis."""
    g, x, gradient, direction, columns = second_order(f, lower[..., 0], safe)
    n = x.size
    eye = np.eye(n).reshape(*x.shape, n, 1)
    known = {x: Interval(lower[..., None, :], upper[..., None, :]), direction: Interval(eye, eye)}
    found = enclose(g, known, [g.outputs[0], gradient, columns])
    columns = lift(np.zeros(x.shape)) if columns is None else found.of(columns)
    return [found.of(g.outputs[0]), found.of(gradient), columns], found


def at_box(part: Interval, b: int, shape) -> tuple:
    """The ends in one box, directions last, broadcast to `shape`."""
    return tuple(np.broadcast_to(end[..., b if end.shape[-1] > 1 else 0], shape) for end in part)


def truths(f, p):
    with np.errstate(all="ignore"):
        value, gradient = ad.value_and_grad(f)(p)
        hessian = np.asarray(ad.hessian(f)(p)).reshape(*p.shape, p.size)
        return np.asarray(value)[None], np.asarray(gradient)[..., None], hessian


NAMES = [name for name, case in problems.collection().items() if np.size(case.x0) <= 12]


@pytest.mark.parametrize("name", NAMES)
def test_value_gradient_and_hessian_of_problems(name):
    """Tight at points, and containing what the engine computes at points of a small box."""
    case = problems.collection()[name]
    rng = np.random.default_rng(0)
    x0 = np.asarray(case.x0, float)
    points = np.stack([x0, x0 + 1e-2 * rng.standard_normal(x0.shape)], -1)
    exact, _ = enclosed(case.f, points, points, safe=True)
    boxes, _ = enclosed(case.f, points - 1e-3, points + 1e-3)
    for b in range(2):
        for trial in range(3):
            p = points[..., b] + (1e-3 * rng.uniform(-1, 1, x0.shape) if trial else 0.0)
            for k, truth in enumerate(truths(case.f, p)):
                size = 1e-9 * (1 + np.abs(truth).max())
                if not np.isfinite(size):
                    continue
                for part in [boxes[k]] + ([exact[k]] if not trial else []):
                    lo, hi = at_box(part, b, truth.shape)
                    assert np.all(lo <= truth + size) and np.all(truth - size <= hi)
                if not trial:
                    lo, hi = at_box(exact[k], b, truth.shape)
                    assert np.all(hi - lo <= 100 * size)


@pytest.mark.parametrize("name", ["logistic-regression", "least-squares", "ridge", "log-sum-exp", "softmax-regression"])
def test_problems_with_data(name):
    problem = problems.get(name)
    rng = np.random.default_rng(1)
    x0 = np.asarray(problem.x0, float) + 0.1
    points = np.stack([x0, x0 + 0.01], -1)
    parts, found = enclosed(problem.f, points, points)
    assert not found.undefined and not found.undecided
    wide, _ = enclosed(problem.f, points - 0.01, points + 0.01)
    for b in range(2):
        for k, truth in enumerate(truths(problem.f, points[..., b])[:2]):
            lo, hi = at_box(parts[k], b, truth.shape)
            size = 1e-9 * (1 + np.abs(truth).max())
            assert np.all(np.abs(lo - truth) <= size) and np.all(np.abs(hi - truth) <= size)
        inner = points[..., b] + 0.01 * rng.uniform(-1, 1, x0.shape)
        for k, truth in enumerate(truths(problem.f, inner)[:2]):
            lo, hi = at_box(wide[k], b, truth.shape)
            assert np.all(lo <= truth + 1e-9) and np.all(truth - 1e-9 <= hi)


def test_an_exact_zero_of_a_hessian_stays_one():
    """f = (x₀ + x₁)⁴ + (x₀ − x₁)²/4 has dyadic second derivatives at dyadic points: no rounding at all."""
    def f(x):
        return (x[0] + x[1]) ** 4 + 0.25 * (x[0] - x[1]) ** 2
    points = np.array([[0.5, 1.0], [-0.5, 0.25]])
    parts, _ = enclosed(f, points, points)
    for part in parts:
        assert np.array_equal(part.lo, part.hi)
    assert np.array_equal(parts[2].lo[..., 0], [[0.5, -0.5], [-0.5, 0.5]])


def test_a_product_of_a_node_with_itself_is_a_square():
    value = over(lambda x: x * x, -1.0, 2.0)
    assert (value.lo.item(), value.hi.item()) == (0, 4)


# --- rows in graphs ---------------------------------------------------------------------------------------------------


def over(f, lower, upper, x0=None):
    """f's enclosure over one box, or boxes along the last axis where x0 is given."""
    lower, upper = np.asarray(lower, float), np.asarray(upper, float)
    if x0 is None:
        x0, lower, upper = 0.5 * lower + 0.5 * upper, lower[..., None], upper[..., None]
    g = trace(f, np.asarray(x0, float)[()] if np.ndim(x0) == 0 else np.asarray(x0, float))
    found = enclose(g, {g.inputs[0]: Interval(lower[..., None, :], upper[..., None, :])}, g.outputs)
    return found.of(g.outputs[0])


MATRIX = np.arange(12.0).reshape(3, 4) - 5
SPARSE = scipy.sparse.csr_array(MATRIX * (MATRIX % 3 == 0))
SHAPES = {
    "ellipsis": lambda x: x[..., 1] * 2, "newaxis": lambda x: (x[None, :, 0] + x[:, None, 1])[..., ::-1],
    "fancy": lambda x: x[np.array([0, 2, 0]), np.array([1, 1, 3])], "mask": lambda x: x[MATRIX > 0],
    "reshape": lambda x: x.reshape(2, 6) @ np.arange(6.0), "transpose": lambda x: x.T @ x,
    "outer": lambda x: x[0][:, None] * x[1], "stack": lambda x: np.stack([x[0], 1.5 * x[1]], axis=1),
    "concatenate": lambda x: np.concatenate([x, MATRIX], axis=1), "sum": lambda x: x.sum(axis=0),
    "mean": lambda x: x.mean(axis=-1, keepdims=True), "prod": lambda x: x.prod(axis=1),
    "cumsum": lambda x: np.cumsum(x, axis=1), "cumprod": lambda x: np.cumprod(x, axis=0),
    "max": lambda x: x.max(axis=1), "min": lambda x: np.min(x), "sort": lambda x: np.sort(x, axis=0),
    "einsum": lambda x: np.einsum("ij,kj->ik", x, x), "diagonal": lambda x: np.einsum("ii->i", x[:, :3]),
    "trace": lambda x: np.trace(x[:, :3]), "matvec": lambda x: x @ np.ones(4), "vecmat": lambda x: np.arange(3.0) @ x,
    "batched": lambda x: np.stack([x, 2 * x]) @ MATRIX.T, "sparse": lambda x: SPARSE @ x.T,
    "where": lambda x: np.where(MATRIX > 0, x, -x), "any": lambda x: 1.0 * np.any(x > 0, axis=1),
    "all": lambda x: 1.0 * np.all(x > 9), "argmax": lambda x: 1.0 * np.argmax(x, axis=1),
    "norm": lambda x: np.linalg.norm(x), "diff": lambda x: np.diff(x, axis=1), "setitem": lambda x: _written(x),
    "convolve": lambda x: np.convolve(x[0], x[1]), "clip": lambda x: np.clip(x, -0.5, 0.5),
    "median": lambda x: np.median(x, axis=1), "logsumexp": lambda x: _logsumexp(x),
    "take": lambda x: x[np.argmax(x[:, 0])], "var": lambda x: np.var(x), "roll": lambda x: np.roll(x, 1, axis=1),
    "pad": lambda x: np.pad(x, 1),
}


def _written(x):
    y = np.zeros(4)
    y[1:3] = x[0, :2]
    y[0] += x[1, 1]
    return y


def _logsumexp(x):
    from scipy.special import logsumexp
    return logsumexp(x, axis=1)


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("radius", [0.0, 0.05, 1.0])
def test_rows_with_shapes_contain_values_in_several_boxes(name, radius):
    f, rng = SHAPES[name], np.random.default_rng(3)
    centres = rng.standard_normal((3, 4, 5))
    try:
        out = over(f, centres - radius, centres + radius, centres[..., 0])
    except NoRule:
        pytest.fail("no rule")
    for b in range(5):
        for _ in range(6):
            truth = np.asarray(f(centres[..., b] + radius * rng.uniform(-1, 1, (3, 4))))
            assert out.shape[:-2] == truth.shape and out.shape[-2] == 1
            lo, hi = (end[..., 0, b if end.shape[-1] > 1 else 0] for end in out)
            assert np.all(lo <= truth + 1e-12) and np.all(truth - 1e-12 <= hi)
            assert radius or np.all(hi - lo <= 1e-12)


@pytest.mark.parametrize("name", ["reshape", "sum", "matvec", "max", "min", "sort", "cumsum", "where", "diff", "stack"])
def test_rows_in_which_each_entry_occurs_once_have_their_exact_range(name):
    f, rng = SHAPES[name], np.random.default_rng(4)
    centre = rng.integers(-8, 8, (3, 4)) / 4
    out = over(f, centre - 0.25, centre + 0.25)
    corners = [np.asarray(f(centre + 0.25 * signs)) for signs in rng.choice([-1, 1], (2000, 3, 4))]
    least, most = np.min(corners, axis=0), np.max(corners, axis=0)
    assert np.all(out.lo[..., 0, 0] <= least) and np.all(most <= out.hi[..., 0, 0])
    if name in ("max", "min", "sort", "where", "stack"):
        assert np.array_equal(out.lo[..., 0, 0], least) and np.array_equal(out.hi[..., 0, 0], most)
    else:
        assert np.all(out.hi - out.lo <= 0.5 * 12 * 6)


def test_small_products_of_integers_are_exact():
    rng = np.random.default_rng(5)
    a = rng.integers(-9, 9, (4, 4)).astype(float)
    out = over(lambda x: (x @ a) @ x - np.einsum("ij,jk->ik", x, x), a, a)
    assert np.array_equal(out.lo, out.hi) and np.array_equal(out.lo[..., 0, 0], a @ a @ a - a @ a)
    big = rng.integers(-9, 9, (150, 150)).astype(float)
    for f in (lambda x: big @ x, lambda x: scipy.sparse.csr_array(big) @ x):
        out = over(f, big, big)
        assert np.array_equal(out.lo, out.hi) and np.array_equal(out.lo[..., 0, 0], big @ big)


def test_large_products_are_enclosed_and_nonnegative_ones_stay_so():
    rng = np.random.default_rng(6)
    a, x = rng.random((200, 300)), rng.random((300, 100))
    out = over(lambda y: a @ y, np.zeros_like(x), x)
    exact = a.astype(np.longdouble) @ x.astype(np.longdouble)
    assert np.all(out.lo >= 0) and np.all(out.hi[..., 0, 0] >= exact - 1e-16 * exact)
    assert np.all(out.hi[..., 0, 0] <= exact * (1 + 1e-12))
    signed = x - 0.5
    out, exact = over(lambda y: a @ y, signed, signed), a.astype(np.longdouble) @ signed.astype(np.longdouble)
    assert np.all(out.lo[..., 0, 0] <= exact) and np.all(exact <= out.hi[..., 0, 0]) and np.max(out.hi - out.lo) < 1e-11


def test_sums_at_repeated_places_keep_their_rounding():
    place = Static((np.array([0, 1, 0, 0, 1]),))
    weights = np.array([0.1, 0.2, 0.3, 0.7, 1e-17])
    value = ALL_RULES[PRIMITIVES["scatter"]](lift(weights), indices=(place,), shape=(2,), based=False)
    exact = [Fraction(0.1) + Fraction(0.3) + Fraction(0.7), Fraction(0.2) + Fraction(1e-17)]
    for lo, hi, truth in zip(value.lo[:, 0, 0], value.hi[:, 0, 0], exact, strict=True):
        assert Fraction(lo) <= truth <= Fraction(hi) and hi - lo < 1e-15


# --- what is undefined, undecided or unknown --------------------------------------------------------------------------


def test_undefined_nodes_and_boxes_are_reported():
    g = trace(lambda x: np.log(x[0]) + np.sqrt(x[1]), np.ones(2))
    lower, upper = np.array([[0.5, -1.0, -2.0], [0.5, 0.0, -1.0]]), np.array([[1.0, 2.0, -1.0], [1.0, 1.0, 1.0]])
    found = enclose(g, {g.inputs[0]: Interval(lower[:, None], upper[:, None])}, g.outputs)
    report = {node.prim.name: mask.tolist() for node, mask in found.undefined.items()}
    assert report["log"] == [False, True, True] and report["sqrt"] == [False, False, True]
    log = next(found.values[n] for n in found.values if type(n) is Node and n.prim.name == "log")
    assert np.isnan(log.lo[0, 2]) and log.lo[0, 1] == -np.inf and abs(log.hi[0, 1] - np.log(2)) < 1e-14


def test_guards_that_a_box_does_not_decide_are_reported():
    g = trace(lambda x: x[0] ** 2 if x[1] > 0 else x[0], np.array([1.0, 1.0]))
    lower, upper = np.array([[0.0] * 3, [0.5, -0.5, 0.0]]), np.array([[1.0] * 3, [1.0, 1.0, 1.0]])
    found = enclose(g, {g.inputs[0]: Interval(lower[:, None], upper[:, None])}, g.outputs)
    (mask,) = found.undecided.values()
    assert mask.tolist() == [False, True, True]


def test_a_choice_is_the_hull_where_it_is_open():
    value = over(lambda x: np.where(x > 0, x + 5, -2 * x), [-1.0, 1.0, -3.0], [1.0, 2.0, -2.0])
    assert np.array_equal(value.lo.ravel(), [-2, 6, 4]) and np.array_equal(value.hi.ravel(), [6, 7, 6])


def test_checkpointed_parts_report_what_happens_inside():
    part = ad.checkpoint(lambda x: np.log(x) if x > 0.25 else x)
    g = trace(lambda x: 2 * part(x), 1.0)
    (x,), boxes = g.inputs, Interval(np.array([[0.5, -1.0]]), np.array([[1.0, 1.0]]))
    found = enclose(g, {x: boxes}, g.outputs)
    assert abs(found.of(g.outputs[0]).lo[0, 0] - 2 * np.log(0.5)) < 1e-14
    assert [m.tolist() for m in found.undefined.values()] == [[False, True]]
    assert [m.tolist() for m in found.undecided.values()] == [[False, True]]


def test_a_row_without_a_rule_is_named_and_can_be_registered():
    double = Primitive("double_for_a_test", lambda x: 2 * x, lambda x: (np.shape(x), np.dtype(float)),
                       partials=(lambda y, x: 2.0,), registered=False)
    g = trace(lambda x: double(x), 1.0)
    known = {g.inputs[0]: Interval(np.array([[1.0, -1.0]]), np.array([[2.0, 0.0]]))}
    with pytest.raises(NoRule, match="double_for_a_test") as caught:
        enclose(g, known, g.outputs)
    assert caught.value.node.prim is double
    register(double, lambda x: Interval(2 * x.lo, 2 * x.hi), lambda x: x.lo >= 0)
    try:
        found = enclose(g, known, g.outputs)
        assert found.of(g.outputs[0]).hi.tolist() == [[4.0, 0.0]]
        assert [m.tolist() for m in found.undefined.values()] == [[False, True]]
    finally:
        del ALL_RULES[double]


def test_directions_broadcast_with_boxes():
    """A tangent input of n directions and one box meets primal nodes of one direction and many boxes."""
    rng = np.random.default_rng(7)
    a = rng.standard_normal((6, 3))

    def f(x):
        return np.sum(np.exp(a @ x)) + np.max(x) + np.linalg.norm(x) * x[0]
    points = rng.standard_normal((3, 7))
    (_, _, columns), _ = enclosed(f, points, points)
    assert columns.shape == (3, 3, 7)
    for b in range(7):
        hessian = ad.hessian(f)(points[:, b])
        assert all(np.allclose(end[..., b], hessian, rtol=1e-10) for end in columns)
