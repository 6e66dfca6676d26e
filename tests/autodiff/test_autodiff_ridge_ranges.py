"""Ranges of functions of one variable: enclosures hold, are tight, and have exact signs where they touch 0."""

import numpy as np
import pytest
import scipy.special as sp

import autodiff as ad
from autodiff.curvature.ridge import RIDGE, clustered, curvature, defined, enclosed
from autodiff.derive import primal
from autodiff.interpreters.interval import enclose
from autodiff.intervals import Interval, point

INF = np.inf


def node_of(f):
    """The one RIDGE of a function of one variable."""
    g = clustered(primal(ad.trace(f, 0.37)))
    node, = [n for n in g.live(g.outputs) if n.prim is RIDGE]
    return node


def bounds(f, lo, hi, order=2):
    node = node_of(f)
    found = enclosed(Interval(np.array([[float(lo)]]), np.array([[float(hi)]])), body=node.params["body"], order=order)
    return float(found.lo[0, 0]), float(found.hi[0, 0])


# --- enclosures hold --------------------------------------------------------------------------------------------------

ONE = (np.exp, np.sin, np.cos, np.tanh, np.cosh, np.arctan, np.arcsinh, np.expm1, np.exp2, np.square, sp.expit, sp.erf,
       sp.ndtr, sp.erfc, sp.log_expit, lambda v: np.log(1 + v * v), lambda v: np.log1p(v * v), lambda v: v**3,
       lambda v: np.logaddexp(0, v), lambda v: np.log(1 + np.exp(v)), lambda v: 1 / (1 + np.exp(-v)),
       lambda v: np.arccosh(1.5 + v * v), lambda v: np.arcsin(v / (1 + v * v)), lambda v: np.arccos(0.9 * np.tanh(v)),
       lambda v: np.arctanh(0.8 * np.sin(v)), lambda v: (1 + v * v) ** 0.3, lambda v: np.cbrt(1 + v * v),
       lambda v: np.log2(2 + v * v), lambda v: 2.0**v, lambda v: sp.pseudo_huber(1.3, v), lambda v: np.hypot(v, 1.2),
       lambda v: sp.entr(v * v + 0.5), lambda v: sp.xlogy(v * v + 1, v * v + 2), lambda v: sp.rel_entr(v * v + 1, 1.3),
       lambda v: sp.gammaln(v * v + 0.4), lambda v: sp.psi(v * v + 0.4), lambda v: sp.logit(0.1 + 0.8 * sp.expit(v)),
       lambda v: np.tan(0.5 * np.tanh(v)), lambda v: np.log10(v * v + 1), lambda v: (v * v + 0.3) ** (0.5 * v),
       lambda v: sp.erfi(np.tanh(v)), lambda v: np.reciprocal(1.2 + np.cos(v)), lambda v: np.sinh(v) * v)
KINKS = (np.abs, lambda v: np.maximum(v, 0.25), lambda v: np.minimum(v, 0.5), lambda v: np.where(v > 0, v, -0.5 * v),
         lambda v: np.clip(v, -1, 1), lambda v: sp.huber(1.0, v), lambda v: (v > 0) * v)


def random_function(rng, depth):
    c, d = rng.normal(size=2).round(1)
    if depth == 0:
        return lambda u: (d or 1.0) * u + c
    inner, other = random_function(rng, depth - 1), random_function(rng, int(rng.integers(depth)))
    table = KINKS if rng.random() < 0.15 else ONE
    f = table[rng.integers(len(table))]
    return [lambda u: f(inner(u)), lambda u: f(inner(u)), lambda u: inner(u) + other(u),
            lambda u: inner(u) * other(u)][rng.integers(4)]


def check(f, rng, width):
    """The derivatives by the engine at 201 points of each of 2 intervals lie inside."""
    try:
        node = node_of(f)
    except ValueError:
        return 0                                    # affine, or a sum of squares
    body = node.params["body"]
    middle = rng.normal(size=2) * 1.5
    a, b = middle - width, middle + width
    at = a[:, None] + (b - a)[:, None] * np.linspace(0, 1, 201)
    for order, more in ((0, 0.0), (1, 0.0), (2, 0.0), (2, 1e-3)):      # asked again, isolated zeros answer
        found = enclosed(Interval(a[:, None, None] - more, b[:, None, None]), body=body, order=order)
        values = np.broadcast_to(body.run((at,), order), at.shape)
        values = np.where(np.isfinite(values), values, np.nan)
        slack = 1e-9 * (1 + np.nanmax(np.abs(values), initial=0.0))
        inside = (values >= found.lo[:, 0] - slack) & (values <= found.hi[:, 0] + slack) | np.isnan(values)
        assert inside.all(), (body, order, a, b)
    return 1


@pytest.mark.parametrize("number", range(len(ONE) + len(KINKS)))
def test_every_row_encloses(number):
    rng, f = np.random.default_rng(number), (ONE + KINKS)[number]
    assert check(lambda u: 0.5 * f(1.5 * u + 0.25) + u**4, rng, 0.4)
    if number % 3 == 0:
        assert check(lambda u: np.tanh(f(u)), rng, 0.1)


@pytest.mark.parametrize("seed", range(24))
def test_random_functions_are_enclosed(seed):
    rng = np.random.default_rng(seed)
    check(random_function(rng, int(rng.integers(1, 4))), rng, float(rng.choice([0.01, 0.5, 1.5])))


# --- named functions are tight, with exact signs ----------------------------------------------------------------------

E2 = float(np.exp(-2.0))
NAMED = [                                           # (function, interval, least and greatest second derivative)
    (lambda u: np.log(1 + np.exp(u)), (-INF, INF), (0.0, 0.25)),
    (lambda u: -np.log(1 / (1 + np.exp(-u))), (-INF, INF), (0.0, 0.25)),
    (lambda u: np.logaddexp(0, -u), (-3, 1), (float(np.exp(3) / (1 + np.exp(3)) ** 2), 0.25)),
    (lambda u: u * np.log(u), (0.5, 4), (0.25, 2.0)),
    (lambda u: u * np.exp(u), (-2, 1), (0.0, float(3 * np.exp(1)))),
    (lambda u: u * np.exp(u), (-2, INF), (0.0, INF)),
    (lambda u: np.sqrt(1 + u * u) - 1, (-INF, INF), (0.0, 1.0)),
    (lambda u: np.sqrt(1 + 4 * u**2) - 1, (-1, 1), (4 * 5**-1.5, 4.0)),
    (lambda u: np.log(np.exp(u) + np.exp(-u)), (-INF, INF), (0.0, 1.0)),
    (lambda u: np.log(np.cosh(u)), (-1, 1), (float(1 / np.cosh(1) ** 2), 1.0)),
    (lambda u: u**4, (-1, 2), (0.0, 48.0)),
    (lambda u: u**4 - 6 * u**2, (-2, 2), (-12.0, 36.0)),
    (lambda u: u**4 - 4 * u**3 + 6 * u**2, (-INF, INF), (0.0, INF)),
    (lambda u: 1 / u, (0.5, 2), (0.25, 16.0)),
    (lambda u: u**1.5, (0, 4), (0.375, INF)),
    (lambda u: np.exp(-u) * u, (-1, 2), (-3 * float(np.exp(1)), 0.0)),
    (lambda u: u / np.sqrt(1 + u * u), (-INF, INF), (-0.8586501033599209, 0.8586501033599209)),
    (lambda u: np.exp(-u * u), (-INF, INF), (-2.0, 4 * float(np.exp(-1.5)))),
    (lambda u: u * np.tanh(u), (-2, 2), (-0.1490403949, 2.0)),
    (lambda u: np.log(1 + np.exp(u * u)), (-1, 1), (1.0, float(2 * sp.expit(1) + 4 * sp.expit(1) * sp.expit(-1)))),
    (lambda u: np.arctan(u) * u, (-2, 2), (0.08, 2.0)),
    (lambda u: np.log1p(u * u), (-2, 2), (-0.25, 2.0)),
    (lambda u: u * u * np.sin(u), (0.5, 0.7), tuple(float(2 * np.sin(u) + 4 * u * np.cos(u) - u * u * np.sin(u))
                                                    for u in (0.5, 0.7))),
    (lambda u: 2.0**u, (-2, 1), (0.1201132534795497, 0.9609060278364)),
    (lambda u: np.cosh(u) - u * u / 2, (-1, 1), (0.0, float(np.cosh(1) - 1))),
]


@pytest.mark.parametrize("number", range(len(NAMED)))
def test_named_functions_within_a_percent(number):
    f, (a, b), (least, greatest) = NAMED[number]
    lo, hi = bounds(f, a, b)
    hi, greatest = min(hi, 1e300), min(greatest, 1e300)
    size = 0.01 * (abs(greatest - least) if greatest < 1e300 else 1.0)
    assert lo <= least + 1e-9 * (1 + abs(least)) and hi >= greatest - 1e-9 * (1 + abs(greatest))
    assert lo >= least - size and hi <= greatest + size
    if least == 0:
        assert lo == 0.0                            # not below, by whatever little


@pytest.mark.parametrize("f, a, b", [
    (lambda u: u * np.exp(u), -2 - 1e-9, 1.0), (lambda u: u**4 - 1e-11 * u**2, -1.0, 1.0),
    (lambda u: u**4 - 1e-11 * u**2, -1e-9, 1e-9), (lambda u: u**4 - 1e-11 * u**2, -INF, INF),
    (lambda u: u**4 - 1e-11 * u**2, 0.0, 1e-12), (lambda u: u**4 - 4.000001 * u**3 + 6 * u**2, 0.9, 1.1),
    (lambda u: u**3, -1e-12, 1.0), (lambda u: np.log(1 + u * u), 0.0, 1 + 1e-9)])
def test_slightly_nonconvex_functions_are_seen(f, a, b):
    assert bounds(f, a, b)[0] < 0


def test_exact_zeros_of_polynomials():
    shifted = lambda u: (u - 0.75) ** 4 * 12 + 3 * u                # noqa: E731
    assert bounds(shifted, -3, 5)[0] == 0.0
    third = lambda u: 54 * u**4 - 72 * u**3 + 36 * u**2             # noqa: E731   φ'' = 72 (3u − 1)²
    assert bounds(third, 0, 1)[0] == 0.0
    assert bounds(third, 0.5, 1)[0] > 17
    for k in range(12):                             # beside the root, where rounding decides the computed sign
        assert bounds(third, 1 / 3 + k * 2.0**-53, 1)[0] >= 0


# --- where functions are defined --------------------------------------------------------------------------------------


@pytest.mark.parametrize("f, a, b, whole", [
    (lambda u: u * np.log(u), 0.0, 1.0, False), (lambda u: u * np.log(u), 1e-300, 1.0, True),
    (lambda u: sp.entr(u), 0.0, 1.0, True), (lambda u: sp.entr(u), -1e-9, 1.0, False),
    (lambda u: 1 / u, -1.0, 1.0, False), (lambda u: 1 / u, -2.0, -1.0, True),
    (lambda u: np.sqrt(u**2 - 2 * u + 1.5), -INF, INF, True), (lambda u: np.sqrt(u**2 - 2 * u + 0.9), -1.0, 3.0, False),
    (lambda u: 1 / np.exp(u), -INF, INF, True), (lambda u: np.log(1 + np.exp(u)), -INF, INF, True),
    (lambda u: np.where(u > 1, np.log(np.maximum(u, 1)), u - 1), -INF, INF, True),
    (lambda u: u**-1.5, 0.0, 1.0, False), (lambda u: u**1.5, 0.0, 1.0, True), (lambda u: u**1.5, -1.0, 1.0, False)])
def test_where_it_is_defined(f, a, b, whole):
    node = node_of(f)
    u = Interval(np.array([[a]]), np.array([[b]]))
    assert bool(defined(u, body=node.params["body"], order=0).all()) is whole


def test_undefined_boxes_are_reported():
    g = clustered(primal(ad.trace(lambda x: np.sum(x * np.log(x)), np.ones(2))))
    box = Interval(np.array([[[0.5, -1.0]], [[0.5, 0.5]]]), np.array([[[1.0, 1.0]], [[1.0, 1.0]]]))
    found = enclose(g, {g.inputs[0]: box}, g.outputs)
    where, = found.undefined.values()
    assert where.tolist() == [False, True]


# --- entries, boxes, constants ----------------------------------------------------------------------------------------


def test_entries_and_boxes_are_independent():
    rng = np.random.default_rng(1)
    body = node_of(lambda u: np.log(1 + np.exp(u)) + np.abs(u - 1)).params["body"]
    lo = rng.normal(size=(5, 1, 7))
    hi = lo + rng.random(size=lo.shape)
    both = enclosed(Interval(lo, hi), body=body, order=2)
    for i in range(5):
        for k in range(7):
            one = enclosed(Interval(lo[i:i + 1, :, k:k + 1], hi[i:i + 1, :, k:k + 1]), body=body, order=2)
            assert (one.lo.item(), one.hi.item()) == (both.lo[i, 0, k], both.hi[i, 0, k])


@pytest.mark.parametrize("count", [3, 90])
def test_constants_that_differ_by_entry(count):
    """Few values of the constants are handled one by one, many together."""
    rng = np.random.default_rng(2)
    c, x = 1 + np.arange(count) / 4.0, rng.normal(size=count)
    g = clustered(primal(ad.trace(lambda x: np.sum(np.log(c + np.exp(x))), x)))
    node, = [n for n in g.live(g.outputs) if n.prim is RIDGE]
    u = Interval((x - 0.2)[:, None, None], (x + 0.2)[:, None, None])
    constants = [point(k[..., None, None]) for k in node.inputs[1:]]
    found = enclosed(u, *constants, body=node.params["body"], order=2)
    at = x[:, None] + np.linspace(-0.2, 0.2, 41)
    true = c[:, None] * np.exp(at) / (c[:, None] + np.exp(at)) ** 2
    assert (found.lo[:, 0] <= true.min(axis=1, keepdims=True) + 1e-12).all()
    assert (found.hi[:, 0] >= true.max(axis=1, keepdims=True) - 1e-12).all()
    assert (found.hi - found.lo < 0.1).all()


def test_the_curvature_row_has_the_sign_of_the_adjoint():
    node = node_of(lambda u: u * u + np.abs(u))
    u = Interval(np.array([[-1.0, 0.5]]), np.array([[1.0, 1.0]]))
    up = curvature(point(np.array([[2.0]])), u, u, node=node, variable=(0,))
    assert up.low.tolist() == [[4.0, 4.0]] and up.high.tolist() == [[INF, 4.0]]
    down = curvature(point(np.array([[-2.0]])), u, u, node=node, variable=(0,))
    assert down.low.tolist() == [[-INF, -4.0]] and down.high.tolist() == [[-4.0, -4.0]]
    open_ = curvature(Interval(np.array([[-1.0]]), np.array([[1.0]])), u, u, node=node, variable=(0,))
    assert open_.low[0, 0] == -INF and open_.high[0, 0] == INF
    none = curvature(point(np.array([[0.0]])), u, u, node=node, variable=(0,))
    assert none.low[0, 0] == none.high[0, 0] == 0.0


@pytest.mark.parametrize("f, at, extreme", [(np.cos, 0.0, -1.0), (lambda u: np.cos(u) + 0 * u**5, 0.0, -1.0),
                                            (lambda u: u * np.tanh(u), 0.0, 2.0), (np.sin, 0.5 * np.pi, -1.0)])
def test_extremes_inside_are_seen_when_asked_again(f, at, extreme):
    """The second question is answered from the isolated zeros of φ''', one of which is the end of a part."""
    body = node_of(f).params["body"]
    for k in range(3):
        u = Interval(at - np.array([[1.55, 0.3, 1e-9]]) - k / 64, at + np.array([[1.9, 1e-9, 0.4]]))
        found = enclosed(u, body=body, order=2)
        assert ((found.lo <= extreme) & (found.hi >= extreme)).all()
        assert (np.minimum(np.abs(found.lo - extreme), np.abs(found.hi - extreme)) < 0.01).all()
