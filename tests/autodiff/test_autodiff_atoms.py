"""Atoms over boxes: enclosures of values and slopes hold samples, bounds of the weights the engine's Hessians."""

from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest

import autodiff as ad
from autodiff.curvature import atoms_exponential as ex
from autodiff.curvature import atoms_matrices as mx
from autodiff.curvature import atoms_norms as nm
from autodiff.curvature import atoms_order as od
from autodiff.curvature import atoms_powers as pw
from autodiff.curvature import atoms_products as pr
from autodiff.curvature import atoms_quadratic as qu
from autodiff.curvature import enclosed_inverse
from autodiff.curvature.rows import CURVED, REASONS
from autodiff.graph import Graph, Node
from autodiff.interpreters.interval import enclose
from autodiff.intervals import Interval, lift
from autodiff.primitive import PRIMITIVES, bind

F64 = np.dtype(float)
P = np.array([[2.0, 0.5, 0.0], [0.0, 1.0, -1.0], [0.5, 0.25, 3.0]])
DEGENERATE = np.array([[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
HALVES, MIXED = (Fraction(1, 3),) * 3, (Fraction(3, 2), Fraction(-1, 4), Fraction(-1, 4))


class Row(NamedTuple):
    """prim at inputs of these shapes; constants stand as they are. kind: any, positive, definite, symmetric."""

    name: str
    prim: object
    inputs: tuple
    kind: str = "any"
    params: dict = {}
    elementwise: bool = False
    sign: int = 0                 # 1: the weight is known to be semidefinite, −1: negative so
    tight: bool = True            # slopes reach the ends of their enclosure at corners


ROWS = [
    Row("log_sum_exp", ex.LOG_SUM_EXP, ((3,),), sign=1),
    Row("log_sum_exp of rows", ex.LOG_SUM_EXP, ((2, 4),), sign=1),
    Row("log_sum_exp of one", ex.LOG_SUM_EXP, ((1,),), sign=1),
    Row("relative_entropy", ex.RELATIVE_ENTROPY, ((3,), (3,)), "positive", {"domain": "open"}, True, 1),
    Row("relative_entropy, broadcast", ex.RELATIVE_ENTROPY, ((2, 1), (3,)), "positive", {"domain": "closed"}, True, 1),
    Row("relative_entropy, negative", ex.RELATIVE_ENTROPY, ((3,), (3,)), "negative", {"domain": "ratio"}, True, -1),
    Row("exp_perspective", ex.EXP_PERSPECTIVE, ((3,), (3,)), "positive", {}, True, 1),
    Row("length", nm.LENGTH, ((3,), 1.0, 0.0), sign=1),
    Row("length of rows", nm.LENGTH, ((2, 3), 1.0, 0.0), sign=1),
    Row("smooth length", nm.LENGTH, ((3,), 1.0, 0.5), sign=1),
    Row("weighted length", nm.LENGTH, ((3,), np.array([0.5, 2.0, 1.0]), 0.25), sign=1),
    Row("smooth lengths of rows", nm.LENGTH, ((2, 3), 1.0, np.array([0.5, 0.0])), sign=1),
    Row("3-norm", nm.P_NORM, ((3,),), "any", {"p": 3.0, "positive": False}, sign=1),
    Row("1.5-norm of rows", nm.P_NORM, ((2, 3),), "any", {"p": 1.5, "positive": False}, sign=1),
    Row("harmonic", nm.P_NORM, ((3,),), "positive", {"p": -1.0, "positive": True}, sign=-1),
    Row("1.5-norm, u ≥ 0", nm.P_NORM, ((3,),), "positive", {"p": 1.5, "positive": True}, sign=1),
    Row("power mean −½", nm.P_NORM, ((3,),), "positive", {"p": -0.5, "positive": True}, sign=-1),
    Row("power mean ½", nm.P_NORM, ((2, 3),), "positive", {"p": 0.5, "positive": True}, sign=-1),
    Row("maximum of rows", od.LARGEST, ((2, 3),), "any", {"k": 1}, sign=1),
    Row("two largest", od.LARGEST, ((4,),), "any", {"k": 2}, sign=1),
    Row("all largest", od.LARGEST, ((3,),), "any", {"k": 3}, sign=1),
    Row("maximum", PRIMITIVES["maximum"], ((3,), (3,)), "any", {}, True, 1, False),
    Row("minimum", PRIMITIVES["minimum"], ((2, 1), (3,)), "any", {}, True, -1, False),
    Row("multiply", PRIMITIVES["multiply"], ((2, 1), (3,)), "any", {}, True),
    Row("divide", PRIMITIVES["divide"], ((3,), (3,)), "positive", {}, True),
    Row("1/y", PRIMITIVES["divide"], (np.array([1.0, -2.0, 3.0]), (3,)), "positive", {}, True),
    Row("power", PRIMITIVES["power"], ((3,), (3,)), "positive", {}, True, 0, False),
    Row("xlogy", PRIMITIVES["xlogy"], ((3,), (3,)), "positive", {}, True, 0, False),
    Row("square_over", pr.SQUARE_OVER, ((3,), (3,)), "positive", {}, True, 1),
    Row("square_over, y < 0", pr.SQUARE_OVER, ((2, 1), (3,)), "negative", {}, True, -1),
    Row("matmul", PRIMITIVES["matmul"], ((2, 3), (3, 2))),
    Row("dot", PRIMITIVES["matmul"], ((3,), (3,))),
    Row("matmul of stacks", PRIMITIVES["matmul"], ((2, 1, 3), (3, 2))),
    Row("vector times stack", PRIMITIVES["matmul"], ((2,), (3, 2, 2))),
    Row("einsum", PRIMITIVES["einsum"], ((2, 3), (3, 2)), "any", {"spec": "ij,jk->ki"}),
    Row("einsum of three", PRIMITIVES["einsum"], ((2,), (2, 3), (3,)), "any", {"spec": "i,ij,j->"}),
    Row("einsum, one known", PRIMITIVES["einsum"], ((3,), P, (3,)), "any", {"spec": "i,ij,j->i"}),
    Row("quadratic", qu.QUADRATIC, ((3,), P), sign=1, tight=False),
    Row("degenerate quadratic", qu.QUADRATIC, ((3,), DEGENERATE), sign=1, tight=False),
    Row("root of a quadratic", qu.ROOT_QUADRATIC, ((3,), P, 0.0), sign=1, tight=False),
    Row("smooth root of a quadratic", qu.ROOT_QUADRATIC, ((3,), P, 2.0), sign=1, tight=False),
    Row("root of a degenerate quadratic", qu.ROOT_QUADRATIC, ((3,), DEGENERATE, 0.5), sign=1, tight=False),
    Row("geometric mean", pw.POWER_PRODUCT, ((2, 3),), "positive", {"powers": HALVES, "domain": "product"}, sign=-1),
    Row("convex powers", pw.POWER_PRODUCT, ((3,),), "positive", {"powers": MIXED, "domain": "open"}, sign=1),
    Row("other powers", pw.POWER_PRODUCT, ((2,),), "positive", {"powers": (Fraction(2), Fraction(-3, 2)),
                                                                "domain": "open"}),
    Row("log det", mx.LOG_DET, ((3, 3),), "definite", sign=-1, tight=False),
    Row("trace of inverse", mx.TRACE_INVERSE, ((3, 3),), "definite", sign=1, tight=False),
    Row("matrix fraction, u alone", mx.FRACTION, ((3,), P @ P.T), sign=1, tight=False),
    Row("largest eigenvalue", mx.LARGEST_EIGENVALUES, ((3, 3),), "symmetric", {"k": 1}, sign=1, tight=False),
    Row("two largest eigenvalues", mx.LARGEST_EIGENVALUES, ((3, 3),), "symmetric", {"k": 2}, sign=1, tight=False),
    Row("spectral norm", mx.LARGEST_SINGULAR, ((2, 3),), "any", {"k": 1}, sign=1, tight=False),
    Row("nuclear norm", mx.LARGEST_SINGULAR, ((2, 3),), "any", {"k": 2}, sign=1, tight=False),
]
RADII = (0.0, 1e-7, 0.02, 0.3, 1.5)


class Boxes(NamedTuple):
    """A graph of one row, boxes of its inputs, and points in them."""

    row: Row
    graph: Graph
    node: object
    known: dict
    points: list              # of lists of arrays, one for each box


def _middle(rng, shape, kind):
    x = rng.standard_normal(shape)
    if kind in ("positive", "negative"):
        return np.exp(x) * (1 if kind == "positive" else -1)
    if kind == "definite":
        return x @ x.T + 2 * np.eye(shape[0])
    return x + x.T if kind == "symmetric" else x


def _ends(rng, shape, kind, radius):
    x, r = _middle(rng, shape, kind), radius * rng.uniform(0.2, 1.0, shape)
    if kind in ("positive", "negative"):
        lo, hi = x * np.exp(-r), x * np.exp(r)
        return np.minimum(lo, hi), np.maximum(lo, hi)
    if kind in ("definite", "symmetric"):
        r = 0.3 * (r + r.T)
    return x - r, x + r


def _inside(rng, lo, hi, kind):
    corner = np.where(rng.random(lo.shape) < 0.5, lo, hi)
    x = corner if rng.random() < 0.4 else lo + rng.random(lo.shape) * (hi - lo)
    if kind in ("definite", "symmetric"):
        return np.tril(x) + np.tril(x, -1).T
    return np.clip(x, lo, hi)


def boxes_of(row, seed):
    rng = np.random.default_rng(seed)
    g = Graph()
    given = [g.input(i, F64) if type(i) is tuple else i for i in row.inputs]
    node = g.share(row.prim, tuple(given), row.params)
    g.outputs = (node,)
    variable = [i for i in given if not isinstance(i, (float, np.ndarray))]
    ends = [[_ends(rng, v.shape, row.kind, r) for r in RADII] for v in variable]
    known = {v: Interval(*(np.stack([e[end] for e in part], -1)[..., None, :] for end in (0, 1)))
             for v, part in zip(variable, ends, strict=True)}
    points = [[[_inside(rng, *part[b], row.kind) for part in ends] for _ in range(12)] for b in range(len(RADII))]
    return Boxes(row, g, node, known, points)


def at(row, xs):
    """The row at values of its inputs that vary."""
    xs = iter(xs)
    return bind(row.prim, tuple(next(xs) if type(i) is tuple else i for i in row.inputs), row.params)


def pick(x, box):
    """Entries of an interval (*shape, 1, boxes) in one box."""
    return tuple(np.broadcast_to(end, (*end.shape[:-2], 1, len(RADII)))[..., 0, box] for end in x)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_values_and_slopes_are_enclosed(row):
    made = boxes_of(row, 1)
    weights = np.random.default_rng(2).standard_normal(made.node.shape)
    scalar = _weighted(row, weights)
    grads = [ad.grad(scalar, k) for k in range(len(made.known))]
    g, slopes = _gradient_graph(made, weights)
    found = enclose(g, made.known, [made.node, *slopes])
    assert not found.undefined
    for b, points in enumerate(made.points):
        for xs in points:
            _holds(pick(found.of(made.node), b), at(row, xs))
            if row.prim is not mx.LARGEST_EIGENVALUES or b > 0:
                for k, slope in enumerate(slopes):
                    _holds(pick(_whole(found.of(slope), np.shape(xs[k])), b), grads[k](*xs))


def _whole(x, shape):
    return Interval(*(np.broadcast_to(end, (*shape, *end.shape[-2:])) for end in x))


def _weighted(row, weights):
    return lambda *xs: np.sum(weights * at(row, xs))


def _gradient_graph(made, weights):
    from autodiff.derive import adjoint
    g = Graph(made.graph)
    g.outputs = (made.node,)
    return g, adjoint(g, list(made.known), [g.handle(weights) if np.ndim(weights) else float(weights)])


def _holds(ends, value):
    lo, hi = ends
    slack = 1e-9 * (1 + np.abs(value))
    assert np.all(lo - slack <= value) and np.all(value <= hi + slack)


def _dense(row, xs, weights):
    """The Hessian of Σ weights·row in all entries of what varies; of elementwise rows those of the output's shape."""
    if row.elementwise:
        shape = weights.shape
        xs = [np.broadcast_to(x, shape) for x in xs]
    cuts = np.cumsum([x.size for x in xs])[:-1]
    shapes = [x.shape for x in xs]

    def f(flat):
        parts = [np.reshape(flat[a:b], s) for a, b, s in zip([0, *cuts], [*cuts, len(flat)], shapes, strict=True)]
        return np.sum(weights * at(row, parts))
    return ad.hessian(f)(np.concatenate([np.ravel(x) for x in xs]))


def _piece(made, a):
    xs = [made.known[i] if type(i) is Node else lift(i) for i in made.node.inputs]
    variable = tuple(k for k, i in enumerate(made.node.inputs) if type(i) is Node)
    with np.errstate(all="ignore"):
        y = enclose(made.graph, made.known, [made.node]).of(made.node)
        return CURVED[made.row.prim](a, y, *xs, node=made.node, variable=variable)


def _symmetric_part(row, size):
    if row.kind not in ("definite", "symmetric"):
        return np.eye(size)
    n = row.inputs[0][0]
    turn = np.eye(size)[np.arange(size).reshape(n, n).T.ravel()]
    return 0.5 * (np.eye(size) + turn)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_weights_are_bounded(row):
    """diag(low) ⪯ W ⪯ diag(high) and W within its entries, for adjoints a of both signs."""
    made, rng = boxes_of(row, 3), np.random.default_rng(4)
    shape = made.node.shape
    a_lo = rng.standard_normal((*shape, 1, 1)) - 0.5
    a = Interval(a_lo, a_lo + rng.random((*shape, 1, 1)))
    piece = _piece(made, a)
    for b, points in enumerate(made.points):
        low, high = (end[:, b % end.shape[1]] for end in piece[:2])
        for xs in points[:6]:
            weights = (a.lo + rng.random(a.lo.shape) * (a.hi - a.lo)).reshape(shape)
            W = _dense(row, xs, weights)
            assert len(low) == len(W)
            _between(low, W, high, _symmetric_part(row, len(W)))
            if piece.entries is not None:
                _within_entries(piece.entries, W, b)


def _between(low, W, high, T):
    size = 1e-7 * (1 + np.abs(W).max())
    for sign, end in ((1, low), (-1, high)):
        kept = np.isfinite(end)
        gap = sign * (T @ (W - np.diag(np.where(kept, end, 0.0))) @ T)
        part = gap if T.shape[0] != np.trace(T) else gap[np.ix_(kept, kept)]
        if kept.all() or T.shape[0] == np.trace(T):
            assert np.linalg.eigvalsh(part).min(initial=0.0) >= -size


def _within_entries(entries, W, b):
    lo, hi = np.zeros_like(W), np.zeros_like(W)
    for p, q, w_lo, w_hi in zip(entries.p, entries.q, *(end[:, b % end.shape[1]] for end in entries.w), strict=True):
        for i, j in {(p, q), (q, p)}:
            lo[i, j], hi[i, j] = lo[i, j] + w_lo, hi[i, j] + w_hi
    slack = 1e-7 * (1 + np.abs(W).max())
    with np.errstate(invalid="ignore"):
        assert np.all((lo - slack <= W) | np.isnan(lo)) and np.all((W <= hi + slack) | np.isnan(hi))


@pytest.mark.parametrize("row", [row for row in ROWS if row.sign], ids=lambda row: row.name)
def test_sign_is_known_by_construction(row):
    """With a ≥ 0 the bound on the side of the sign is 0, and no more than finite on the other for small boxes."""
    made = boxes_of(row, 5)
    piece = _piece(made, lift(np.ones(made.node.shape)))
    assert np.all(piece.low >= 0) if row.sign > 0 else np.all(piece.high <= 0)
    flipped = _piece(made, lift(-np.ones(made.node.shape)))
    assert np.all(flipped.high <= 0) if row.sign > 0 else np.all(flipped.low >= 0)
    assert REASONS[row.prim]


@pytest.mark.parametrize("row", [row for row in ROWS if row.tight and row.prim.jvp], ids=lambda row: row.name)
def test_slopes_are_tight(row):
    """The enclosure of a slope is no wider than what corners and random points show, and rounding."""
    made = boxes_of(row, 6)
    g, slopes = _gradient_graph(made, np.ones(made.node.shape))
    found = enclose(g, made.known, slopes)
    grads = [ad.grad(_weighted(row, np.ones(made.node.shape)), k) for k in range(len(made.known))]
    rng = np.random.default_rng(7)
    ends = [made.known[v] for v in made.known]
    b = 2
    seen = [[], []][:len(slopes)]
    for _ in range(400):
        xs = [np.where(rng.random(e.lo.shape[:-2]) < 0.5, *pick(e, b)) for e in ends]
        for k, grad in enumerate(grads):
            seen[k].append(grad(*xs))
    for k, slope in enumerate(slopes):
        lo, hi = pick(_whole(found.of(slope), made.known[list(made.known)[k]].shape[:-2]), b)
        width = 1e-9 + 1e-6 * np.abs(hi)
        assert np.all(np.min(seen[k], axis=0) - lo <= width) and np.all(hi - np.max(seen[k], axis=0) <= width)


def _one(prim, lo, hi, params=None, rest=()):
    g = Graph()
    u = g.input(np.shape(lo), F64)
    node = g.share(prim, (u, *rest), params or {})
    known = {u: Interval(*(np.asarray(end, float)[..., None, None] for end in (lo, hi)))}
    return Boxes(Row("one", prim, ()), g, node, known, [])


def test_kinks_count_on_the_boundary():
    """At the origin of a norm and at a tie the curvature is unbounded and the slopes are all that are possible."""
    for lo, hi in (([0.0, 0.0], [1.0, 1.0]), ([-1.0, -1.0], [0.0, 0.0]), ([0.0, -1.0], [0.0, 1.0])):
        made = _one(nm.LENGTH, lo, hi, rest=(1.0, 0.0))
        assert np.all(_piece(made, lift(1.0)).high == np.inf)
        g, slopes = _gradient_graph(made, 1.0)
        slopes = enclose(g, made.known, slopes).of(slopes[0])
        assert np.all(slopes.lo <= -1) and np.all(slopes.hi >= 1)
    made = _one(od.LARGEST, [0.0, 1.0, -5.0], [1.0, 2.0, -4.0], {"k": 1})
    assert _piece(made, lift(1.0)).high[:, 0].tolist() == [np.inf, np.inf, 0.0]
    made = _one(od.LARGEST, [0.0, 1.1], [1.0, 2.0], {"k": 1})
    assert np.all(_piece(made, lift(1.0)).high == 0)


def test_undefined_is_reported():
    for prim, lo, hi, params in ((pw.POWER_PRODUCT, [-1.0, 1.0], [1.0, 2.0],
                                  {"powers": HALVES[:2], "domain": "product"}),
                                 (pw.POWER_PRODUCT, [-2.0, 1.0], [-1.0, 2.0], {"powers": HALVES[:2], "domain": "open"}),
                                 (nm.P_NORM, [-1.0, 1.0], [1.0, 2.0], {"p": -1.0, "positive": True}),
                                 (nm.P_NORM, [-1.0, 1.0], [1.0, 2.0], {"p": 0.5, "positive": True})):
        made = _one(prim, lo, hi, params)
        assert made.node in enclose(made.graph, made.known, [made.node]).undefined
        piece = _piece(made, lift(1.0))
        assert np.all(piece.low == -np.inf) and np.all(piece.high == np.inf)
    made = boxes_of(Row("x²/y", pr.SQUARE_OVER, ((1,), (1,)), elementwise=True), 0)
    made.known[made.node.inputs[1]] = lift(np.array([0.0]))._replace(hi=np.ones((1, 1, 1)))
    assert made.node in enclose(made.graph, made.known, [made.node]).undefined
    for x, y in ((-1.0, 1.0), (1.0, -1.0)):
        g = Graph()
        given = [g.input((), F64), g.input((), F64)]
        node = g.share(ex.RELATIVE_ENTROPY, tuple(given), {"domain": "ratio"})
        assert node in enclose(g, dict(zip(given, map(lift, (x, y)), strict=True)), [node]).undefined


def test_power_mean_up_to_the_boundary():
    for p, reach in ((0.5, np.inf), (1.5, 1.0)):
        made = _one(nm.P_NORM, [0.0, 0.0], [1.0, 1.0], {"p": p, "positive": True})
        g, slopes = _gradient_graph(made, 1.0)
        found = enclose(g, made.known, [made.node, *slopes])
        assert made.node not in found.undefined
        assert np.all(found.of(slopes[0]).lo <= 1) and np.all(found.of(slopes[0]).hi >= reach)
        assert np.all(found.of(slopes[0]).lo >= -1e-300)
        piece = _piece(made, lift(1.0))
        assert np.all(piece.high == 0) if p < 1 else np.all(piece.low == 0)


def test_whole_powers_of_products_are_defined_on_both_sides():
    params = {"powers": (Fraction(-1),) * 2, "domain": "product"}
    made = _one(pw.POWER_PRODUCT, [-2.0, 1.0], [-1.0, 2.0], params)
    found = enclose(made.graph, made.known, [made.node])
    assert not found.undefined and found.of(made.node).lo <= -1 and found.of(made.node).hi >= -0.25
    made = _one(pw.POWER_PRODUCT, [-2.0, 0.0], [-1.0, 2.0], params)
    assert made.node in enclose(made.graph, made.known, [made.node]).undefined


@pytest.mark.parametrize("domain", ["product", "closed", "open"])
def test_geometric_mean_up_to_the_boundary(domain):
    """√(xy) is concave on [0, 1]² too; exp of a mean of logarithms is not defined there."""
    made = _one(pw.POWER_PRODUCT, [0.0, 0.0], [1.0, 1.0], {"powers": (Fraction(1, 2),) * 2, "domain": domain})
    found = enclose(made.graph, made.known, [made.node])
    assert (made.node in found.undefined) == (domain == "open")
    piece = _piece(made, lift(1.0))
    assert np.all(piece.low == -np.inf) and np.all(piece.high == (np.inf if domain == "open" else 0))
    if domain != "open":
        g, slopes = _gradient_graph(made, 1.0)
        slopes = enclose(g, made.known, slopes).of(slopes[0])
        assert np.all(slopes.lo == 0) and np.all(slopes.hi == np.inf)


def test_product_of_two_negative_numbers_is_defined():
    made = _one(pw.POWER_PRODUCT, [-2.0, -3.0], [-1.0, -2.0], {"powers": (Fraction(1, 2),) * 2, "domain": "product"})
    found = enclose(made.graph, made.known, [made.node])
    assert not found.undefined
    lo, hi = found.of(made.node)
    assert lo <= np.sqrt(2.0) and hi >= np.sqrt(6.0) and hi < 3
    assert np.all(_piece(made, lift(1.0)).low == -np.inf)


def test_signs_of_quadratic_forms_are_exact():
    n, rng = 6, np.random.default_rng(0)
    B = rng.integers(-4, 5, (4, n)).astype(float)
    gram = B.T @ B
    assert qu.bounds_of(gram)[0] == 0 and qu.bounds_of(-gram)[1] == 0
    assert qu.is_semidefinite(gram) and not qu.is_semidefinite(gram - 2.0**-40 * np.eye(n))
    assert qu.bounds_of(gram - 2.0**-40 * np.eye(n))[0] < 0
    assert not qu.is_semidefinite(np.array([[0.0, 1.0], [1.0, 0.0]]))
    for _ in range(20):
        S = rng.standard_normal((5, 5))
        low, high = qu.bounds_of(S)
        w = np.linalg.eigvalsh(S + S.T)
        assert w[0] - 1e-12 <= low <= w[0] <= w[-1] <= high <= w[-1] + 1e-12 * 10


def test_shape_of_powers():
    def shape(*powers):
        return pw.shape_of_curve(tuple(map(Fraction, powers)))
    assert shape("1/3", "2/3") == shape("1/4", "1/4") == -1
    assert shape("-1", "-1/2") == shape("2", "-1") == shape("3/2", "-1/4", "-1/4") == 1
    assert shape("1/2", "2/3") == shape("1", "-1/2") == shape("2", "2") == 0


@pytest.mark.parametrize("radius", [0.0, 1e-6, 0.05, 3.0])
def test_inverse_is_enclosed(radius):
    rng = np.random.default_rng(1)
    for _ in range(10):
        X = rng.standard_normal((4, 4)) + 6 * np.eye(4)
        r = radius * rng.random((4, 4))
        out = enclosed_inverse.inverse(Interval(*(end[..., None, None] for end in (X - r, X + r))))
        for _ in range(10):
            Y = np.linalg.inv(X + r * rng.choice([-1.0, 1.0, 0.3], (4, 4)))
            assert np.all(out.lo[..., 0, 0] <= Y + 1e-12) and np.all(Y - 1e-12 <= out.hi[..., 0, 0])
        if radius <= 1e-6:
            assert np.max(out.hi - out.lo) < 1e-4


def test_every_atom_has_its_rows():
    assert all(row.prim in CURVED and row.prim in REASONS for row in ROWS)
    node = boxes_of(ROWS[0], 0).node
    assert all(isinstance(r if isinstance(r, str) else "", str) for r in REASONS.values())
    assert isinstance(REASONS[node.prim], (str, Callable))


def test_kinks_of_two():
    """Unless one is strictly the greater on all of the box, touching included."""
    for prim, end in ((PRIMITIVES["maximum"], "high"), (PRIMITIVES["minimum"], "low")):
        for u, v, kink in (((0.0, 1.0), (-1.0, 0.5), True), ((0.5, 1.0), (0.0, 0.5), True),
                           ((1.0, 2.0), (0.0, 0.5), False),
                           ((0.0, 0.5), (1.0, 2.0), False), ((0.0, 0.5), (0.5, 2.0), True)):
            g = Graph()
            given = [g.input((), F64), g.input((), F64)]
            known = {i: Interval(*(np.full((1, 1), e) for e in ends)) for i, ends in zip(given, (u, v), strict=True)}
            piece = _piece(Boxes(Row("two", prim, ()), g, g.share(prim, tuple(given)), known, []), lift(1.0))
            assert np.all(np.isinf(getattr(piece, end))) == kink
            assert np.all(piece.low <= 0) and np.all(piece.high >= 0)
            assert kink or not piece.low.any() and not piece.high.any()


def test_root_of_a_quadratic_has_its_kink_on_the_boundary_too():
    made = _one(qu.ROOT_QUADRATIC, [0.0, 0.0, 0.0], [1.0, 1.0, 1.0], rest=(P, 0.0))
    g, slopes = _gradient_graph(made, 1.0)
    slopes, most = enclose(g, made.known, slopes).of(slopes[0]), np.sqrt(np.diag(P))[:, None, None]
    assert np.all(slopes.lo <= -most) and np.all(slopes.hi >= most)
    assert np.all(_piece(made, lift(1.0)).high == np.inf)
