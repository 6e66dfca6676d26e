"""Realistic mistakes: each message has the call, the user's line and a remedy, and the remedy works.

A mistake is written beside its remedied form, whose gradient is compared with central differences.
"""

import array
import collections
import copy
import ctypes
import datetime
import decimal
import functools
import io
import json
import math
import pickle
import re
import statistics
import struct
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.integrate
import scipy.interpolate
import scipy.ndimage
import scipy.optimize
import scipy.signal
import scipy.spatial
import scipy.special
import scipy.stats

import autodiff as ad
from autodiff.remedies import canonical, remedy_for

X = np.array([0.6, 1.4, 2.3])
OUT, WHOLE, LABELS = np.zeros(3), np.zeros(3, dtype=int), np.array([1.0, -1.0, 1.0])
RECORDS = np.zeros(3, dtype=[("a", float)])
KEPT: list = []
GRID, HEIGHTS = np.arange(4.0), np.array([0.0, 1.0, 4.0, 9.0])
NODES, WEIGHTS = np.polynomial.legendre.leggauss(20)


def agrees(f, x=X):
    np.testing.assert_allclose(ad.grad(f)(x), ad.finite_difference.gradient(f, x, scheme="central"), rtol=1e-6,
                               atol=1e-8)


@functools.lru_cache
def cached(v):
    return v * v


def normal_logpdf(x, loc, scale):
    z = (x - loc) / scale
    return -0.5 * z ** 2 - np.log(scale) - 0.5 * np.log(2 * np.pi)


def runge_kutta(rate, y, end, steps=20):
    h = end / steps
    for _ in range(steps):
        k1 = rate(y)
        k2 = rate(y + h / 2 * k1)
        k3 = rate(y + h / 2 * k2)
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + rate(y + h * k3))
    return y


# What is written, and: what the message says, what the remedy says, the remedied function.

CASES = {}


def mistake(call, remedy, instead, gradient=None):
    """Register the decorated function as a mistake; gradient(x) of the remedied form where it stops a derivative."""
    def register(f):
        CASES[f.__name__] = (f, call, remedy, instead, gradient)
        return f
    return register


@mistake("math.exp turns", "use np.exp", lambda x: np.exp(x[0]))
def exponential(x):
    return math.exp(x[0])


@mistake("math.atan2 turns", r"use np.arctan2", lambda x: np.arctan2(x[0], x[1]))
def angle(x):
    return math.atan2(x[0], x[1])


@mistake("math.lgamma turns", "use scipy.special.gammaln", lambda x: scipy.special.gammaln(x[0]))
def log_gamma(x):
    return math.lgamma(x[0])


@mistake("math.hypot turns", r"use np.linalg.norm\(x\)", lambda x: np.linalg.norm(x))
def length(x):
    return math.hypot(*x)


@mistake("math.pow turns", "use np.power", lambda x: np.power(x[0], 2.5))
def power(x):
    return math.pow(x[0], 2.5)


@mistake("math.fsum turns", "use np.sum", lambda x: np.sum(x) ** 2)
def exact_sum(x):
    return math.fsum(x) ** 2


@mistake("float turns", r"drop float\(...\)", lambda x: x[0] ** 2)
def to_float(x):
    return float(x[0]) ** 2


@mistake(r"np.float64\(x\)", r"x.astype\(dtype\)", lambda x: x[0] ** 2)
def to_float64(x):
    return np.float64(x[0]) ** 2


@mistake(r"np.float32\(x\)", r"x.astype\(dtype\)", lambda x: x[0].astype(np.float32).astype(float) * 2,
         lambda x: [2, 0, 0])
def to_float32(x):
    return np.float32(x[0]) * 2


@mistake("used as an integer", "np.floor", lambda x: np.floor(x[2]) * x[1])
def to_int(x):
    return int(x[2]) * x[1]


@mistake(r"np.int64\(x\)", r"np.floor\(x\).astype\(int\)", lambda x: np.floor(x[2]).astype(int) * x[1])
def to_int64(x):
    return np.int64(x[2]) * x[1]


@mistake("complex turns", r"a \+ 1j \* b", lambda x: np.abs(x[0] + 1j * x[1]))
def to_complex(x):
    return abs(complex(x[0], x[1]))


@mistake("a Python float", r'f"{x:.3g}"', lambda x: len(f"{x[0]:.3f}") * x[0])
def percent(x):
    return len("%.3f" % x[0]) * x[0]                # noqa: UP031


@mistake("read from the text of a traced value", "work on the traced value", lambda x: x[0] * 2)
def through_text(x):
    return float(f"{x[0]:.17g}") * 2


@mistake("used as an integer", r"stop_gradient\(x\)", lambda x: [1.0, 2.0, 3.0][int(ad.stop_gradient(x[2]))] * x[0])
def list_index(x):
    return [1.0, 2.0, 3.0][int(x[2])] * x[0]


@mistake("used as an integer", "np.floor", lambda x: LABELS[np.floor(x[2]).astype(int)] * x[0])
def slice_end(x):
    return np.sum(LABELS[:x[2]]) * x[0]


@mistake("used as an integer", "counts from shapes", lambda x: sum(range(len(x))) * x[0])
def range_of(x):
    return sum(range(x[2])) * x[0]


@mistake("np.arange with a traced end", r"start \+ step \* np.arange\(n\)", lambda x: np.sum(x[0] * np.arange(3) ** 2))
def arange(x):
    return np.sum(np.arange(0, x[2], x[0]))


@mistake("used as an integer", "from shapes", lambda x: np.sum(np.zeros(x.size) + x[0]))
def size_of_zeros(x):
    return np.sum(np.zeros(x[2]) + x[0])


@mistake("hashed", "key by something that does not depend on x", lambda x: {0: 2.0}[0] * x[0])
def dict_key(x):
    return {x[0]: 2.0}[x[0]] * x[0]


@mistake("hashed", "without its cache", lambda x: cached.__wrapped__(x[0]))
def cache(x):
    return cached(x[0])


@mistake("hashed", "key", lambda x: collections.Counter(["a", "a"])["a"] * x[0])
def counter(x):
    return collections.Counter(x)[0] * x[0]


@mistake("written into an array that is not traced", r"out = np.zeros\(n\)", lambda x: _filled(x, np.zeros(3)))
def outer_array(x):
    return _filled(x, OUT)


def _filled(x, out):
    out[0] = x[0] ** 2
    return np.sum(out)


@mistake("written into an array that is not traced", "of floats", lambda x: _filled(x, np.zeros(3)))
def outer_integers(x):
    return _filled(x, WHOLE)


@mistake("written into an array that is not traced", r"np.array\(a\)", lambda x: _masked(x, np.array(LABELS)))
def outer_mask(x):
    return _masked(x, LABELS)


def _masked(x, out):
    out[x > 1] = x[x > 1]
    return np.sum(out ** 2)


@mistake("written into an array that is not traced", "make the array inside", lambda x: np.sum(x ** 2))
def outer_records(x):
    RECORDS["a"] = x
    return np.sum(RECORDS["a"] ** 2)


@mistake("np.exp", "inside the function", lambda x: np.sum(np.exp(x)))
def out_of_a_ufunc(x):
    return np.sum(np.exp(x, out=OUT))


@mistake("OUT.fill turns", "NumPy's function", lambda x: np.sum(np.full(3, x[0]) ** 2))
def fill(x):
    OUT.fill(x[0])
    return np.sum(OUT ** 2)


@mistake("writes into its own argument", r"x = x.copy\(\)", lambda x: _doubled(x.copy()))
def own_argument(x):
    return _doubled(x)


def _doubled(x):
    x *= 2
    return np.sum(x ** 2)


@mistake("array.array turns", r"np.array\(\[a, b\]\)", lambda x: np.sum(np.array([x[0], x[1]]) ** 2))
def typed_array(x):
    return sum(v * v for v in array.array("d", [x[0], x[1]]))


@mistake("struct.pack turns", "keep traced values in lists", lambda x: [x[0]][0] * 2)
def packed(x):
    return struct.unpack("d", struct.pack("d", x[0]))[0] * 2


@mistake("ctypes.c_double turns", "keep traced values", lambda x: [x[0]][0] * 2)
def c_double(x):
    return ctypes.c_double(x[0]).value * 2


@mistake("scipy.stats.norm.pdf", r"np.exp\(-0.5 \* z\*\*2\) / \(scale \* np.sqrt\(2 \* np.pi\)\)",
         lambda x: np.sum(np.exp(-0.5 * ((x - 1) / 2) ** 2) / (2 * np.sqrt(2 * np.pi))))
def density(x):
    return np.sum(scipy.stats.norm.pdf(x, 1, 2))


@mistake("scipy.stats.norm.logpdf", r"-0.5 \* z\*\*2 - np.log\(scale\) - 0.5 \* np.log\(2 \* np.pi\)",
         lambda x: np.sum(normal_logpdf(GRID, x[0], x[1])))
def log_density(x):
    return np.sum(scipy.stats.norm.logpdf(GRID, loc=x[0], scale=x[1]))


@mistake("scipy.stats.norm.cdf", r"scipy.special.ndtr\(\(x - loc\) / scale\)",
         lambda x: np.sum(scipy.special.ndtr((x - 1) / 2)))
def distribution(x):
    return np.sum(scipy.stats.norm.cdf(x, 1, 2))


@mistake("scipy.stats.poisson.logpmf", "gammaln, xlogy",
         lambda x: np.sum(scipy.special.xlogy(np.arange(3), x) - x - scipy.special.gammaln(np.arange(3) + 1)))
def counts(x):
    return np.sum(scipy.stats.poisson.logpmf(np.arange(3), x))


@mistake("scipy.stats.zscore", "np.mean, np.std", lambda x: ((x - np.mean(x)) / np.std(x))[0])
def z_score(x):
    return scipy.stats.zscore(x)[0]


@mistake("interp1d", r"np.interp\(x, points, values\)", lambda x: np.sum(np.interp(x, GRID, HEIGHTS)))
def interpolation(x):
    return np.sum(scipy.interpolate.interp1d(GRID, HEIGHTS)(x))


SPLINE = scipy.interpolate.CubicSpline(GRID, HEIGHTS)


def _derivative(order):
    return lambda t: SPLINE(t, order)


smooth, slope, curvature = (ad.custom_jvp(_derivative(k)) for k in range(3))
smooth.defjvps(lambda tangent, out, t: tangent * slope(t))
slope.defjvps(lambda tangent, out, t: tangent * curvature(t))


@mistake("SPLINE turns", r"autodiff.custom_jvp with spline and spline.derivative\(\)", lambda x: np.sum(smooth(x)))
def spline(x):
    return np.sum(SPLINE(x))


cube_root = ad.implicit_root(lambda t, a: t ** 3 - a, lambda a: scipy.optimize.brentq(lambda t: t ** 3 - a, 0, 5))


@mistake("scipy.optimize.brentq", r"autodiff.implicit_root\(g, solve\)", lambda x: cube_root(x[0]) * x[1])
def root(x):
    return scipy.optimize.brentq(lambda t: t ** 3 - x[0], 0, 5) * x[1]


@mistake("scipy.integrate.quad", r"\(b - a\) / 2 \* \(w @ g\(\(a \+ b\) / 2 \+ \(b - a\) / 2 \* t\)\)",
         lambda x: x[1] / 2 * (WEIGHTS @ np.sin(x[0] * (x[1] / 2 + x[1] / 2 * NODES))))
def quadrature(x):
    return scipy.integrate.quad(lambda t: np.sin(x[0] * t), 0, x[1])[0]


@mistake("scipy.integrate.solve_ivp", "Runge–Kutta", lambda x: runge_kutta(lambda y: -x[0] * y, x[1], 1.0))
def ode(x):
    return scipy.integrate.solve_ivp(lambda t, y: -x[0] * y, (0, 1), [x[1]]).y[0, -1]


@mistake("scipy.integrate.simpson", r"np.trapezoid\(y, x\)", lambda x: np.trapezoid(GRID[:4], np.append(x, 3.0)))
def simpson(x):
    return scipy.integrate.simpson(GRID[:4], x=np.append(x, 3.0))


@mistake("scipy.optimize.rosen_hess", "jac=", lambda x: np.sum(ad.hessian(scipy.optimize.rosen)(x)))
def hessian_of_scipy(x):
    return np.sum(scipy.optimize.rosen_hess(x))


@mistake("approx_fprime", r"autodiff.grad\(f\)\(x\)", lambda x: ad.grad(lambda z: np.sum(z ** 3))(x)[0])
def differences(x):
    return scipy.optimize.approx_fprime(x, lambda z: np.sum(z ** 3))[0]


@mistake("scipy.spatial.distance.cdist", r"x\[:, None\] - y",
         lambda x: np.sum(np.sqrt(np.sum((x[:, None, None] - GRID[:, None]) ** 2, axis=-1))))
def distances(x):
    return np.sum(scipy.spatial.distance.cdist(x[:, None], GRID[:, None]))


@mistake("scipy.ndimage", "slices", lambda x: np.sum((x[1:] - x[:-1]) ** 2))
def image_filter(x):
    return np.sum(scipy.ndimage.convolve1d(x, [1.0, -1.0]) ** 2)


@mistake("np.nditer", r"for row in x", lambda x: sum(v ** 2 for v in x))
def nditer(x):
    return sum(v ** 2 for v in np.nditer(x))


@mistake("np.polynomial.Polynomial", r"np.polyval\(c, x\)", lambda x: np.polyval([2.0, 1.0], x[0]) ** 2)
def polynomial_class(x):
    return np.polynomial.Polynomial([1.0, 2.0])(x[0]) ** 2 + np.polynomial.Polynomial(x)(1.0)


@mistake("np.ma.array", r"np.where\(mask, x, y\)", lambda x: np.sum(np.where(LABELS > 0, x, 0.0) ** 2))
def masked(x):
    return np.sum(np.ma.array(x, mask=LABELS > 0) ** 2)


@mistake(r"np.random.default_rng\(…\).normal", r"loc \+ scale \* rng.normal",
         lambda x: x[0] + x[1] * np.random.default_rng(0).normal())
def random_scale(x):
    return np.random.default_rng(0).normal(x[0], x[1])


@mistake(r"np.random.default_rng\(…\).permutation", r"x\[rng.permutation\(len\(x\)\)\]",
         lambda x: x[np.random.default_rng(0).permutation(len(x))] @ GRID[:3])
def permuted(x):
    return np.random.default_rng(0).permutation(x) @ GRID[:3]


@mistake("used as an integer", r"int\(autodiff.stop_gradient\(x\)\)",
         lambda x: np.random.default_rng(int(ad.stop_gradient(x[2]))).normal() * x[0],
         lambda x: [np.random.default_rng(2).normal(), 0, 0])
def seeded(x):
    return np.random.default_rng(int(x[2])).normal() * x[0]


@mistake("statistics.NormalDist turns", "np.mean", lambda x: np.exp(normal_logpdf(0.1, x[0], x[1])))
def stdlib_normal(x):
    return statistics.NormalDist(x[0], x[1]).pdf(0.1)


@mistake("not JSON serializable", r"float\(autodiff.stop_gradient\(x\)\)",
         lambda x: len(json.dumps([float(v) for v in ad.stop_gradient(x)])) * x[0], lambda x: [15, 0, 0])
def to_json(x):
    return len(json.dumps(list(x))) * x[0]


@mistake("memoryview", r"float\(autodiff.stop_gradient", lambda x: float(ad.stop_gradient(x)[0]) * x[1],
         lambda x: [0, x[0], 0])
def memory(x):
    return memoryview(x)[0] * x[1]


@mistake("Decimal", r"float\(autodiff", lambda x: float(decimal.Decimal(float(ad.stop_gradient(x[0])))) * x[1],
         lambda x: [0, x[0], 0])
def to_decimal(x):
    return float(decimal.Decimal(x[0])) * x[1]


@mistake("timedelta", r"float\(autodiff",
         lambda x: datetime.timedelta(seconds=float(ad.stop_gradient(x[0]))).total_seconds() * x[1],
         lambda x: [0, x[0], 0])
def to_time(x):
    return datetime.timedelta(seconds=x[0]).total_seconds() * x[1]


@mistake("pickled", "return what is to be stored", lambda x: np.sum(copy.deepcopy(x) ** 2))
def pickles(x):
    return np.sum(pickle.loads(pickle.dumps(x)) ** 2)


@mistake("np.save", "stop_gradient", lambda x: _saved(ad.stop_gradient(x)) * x[0])
def saves(x):
    return _saved(x) * x[0]


def _saved(x):
    stream = io.BytesIO()
    np.save(stream, x)
    return len(stream.getvalue()) / 100


@mistake("testing.assert_allclose", r"assert np.all", lambda x: _asserted(x))
def asserted(x):
    np.testing.assert_allclose(x, X, atol=1.0)
    return np.sum(x ** 2)


def _asserted(x):
    assert np.all(np.abs(x - X) < 1.0)
    return np.sum(x ** 2)


@mistake("object", "real or complex numbers", lambda x: np.sum(x * np.array([1.0, 2.0, 3.0])))
def object_array(x):
    return np.sum(x * np.array([1.0, 2.0, None], dtype=object))


def lines_of(f):
    return {line for _, _, line in f.__code__.co_lines()}


def caught(f, x=X):
    with pytest.raises(ad.TraceError) as error:
        ad.grad(f)(x)
    return str(error.value)


@pytest.mark.parametrize("name", CASES)
def test_the_message_has_call_line_and_a_remedy_that_works(name):
    f, call, remedy, instead, gradient = CASES[name]
    message = caught(f)
    found = re.fullmatch(r'(.*)\n  File "(.*)", line (\d+), in \w+\n    (.*)\n  Instead: (.*)', message)
    assert found, message
    what, file, line, source, advice = found.groups()
    assert re.search(call, what) and re.search(remedy, advice), message
    assert file == __file__ and any(int(line) in lines_of(g) for g in (f, _filled, _masked, _doubled, _saved))
    assert Path(file).read_text().splitlines()[int(line) - 1].strip() == source
    if gradient is None:
        agrees(instead)
    else:
        np.testing.assert_allclose(ad.grad(instead)(X), gradient(X), rtol=1e-12)
    for again in (ad.compile(f), ad.compile(f, eager=True).linearize_grad, lambda x: ad.jvp(f, (x,), (x,)),
                  lambda x: ad.vjp(f, x), ad.hessian(f), lambda x: ad.trace(f, x)):
        with pytest.raises(ad.TraceError):
            again(X)


def test_there_are_many_and_each_has_its_own_remedy():
    assert len(CASES) >= 55
    assert len({remedy for _, _, remedy, _, _ in CASES.values()}) >= 40


# --- what an objective may not return, and how it may not be called ---------------------------------------------------

RETURNS = {"None": (lambda x: None, "got None", "end it with a return"), "tuple": (
    lambda x: (x @ x, 1.0), "tuple of 2 values", "the objective alone"), "list": (
    lambda x: [x @ x], "list of 1 values", "the objective alone"), "array": (
    lambda x: x ** 2, r"array of shape \(3,\)", "np.sum"), "kept axes": (
    lambda x: np.sum(x ** 2, keepdims=True), r"array of shape \(1,\)", r"x\[0\]"), "complex": (
    lambda x: x[0] * 1j, "complex128", "np.abs"), "text": (
    lambda x: f"{x[0]:.3f}", "'0.600'", "a real number"), "dict": (
    lambda x: {"loss": x @ x}, "dict of 1", "the objective alone"), "generator": (
    lambda x: (v * v for v in x), "generator", "a real number")}


@pytest.mark.parametrize("f, got, remedy", RETURNS.values(), ids=RETURNS)
def test_what_is_returned_must_be_one_number(f, got, remedy):
    with pytest.raises(TypeError, match=f"(?s)must return one real number.*{got}.*Instead: .*{remedy}") as error:
        ad.grad(f)(X)
    assert f'File "{__file__}", line {f.__code__.co_firstlineno}' in str(error.value)


@pytest.mark.parametrize("call, error, message", [
    (lambda: ad.grad(lambda x: x @ x, 1)(X), TypeError, "argnum=1 but the call has 1 argument"),
    (lambda: ad.hvp(lambda x: x @ x, X, np.ones(2)), ValueError, r"shape of the argument, \(3,\), got \(2,\)"),
    (lambda: ad.hvp(lambda x: x @ x, X, "v"), TypeError, "numbers, got str 'v'"),
    (lambda: ad.jvp(lambda x: x @ x, (X,), ()), ValueError, "as many tangents as primals, got 0 and 1"),
    (lambda: ad.jvp(lambda x: x @ x, (X,), (None,)), TypeError, "numbers, got NoneType"),
    (lambda: ad.vjp(lambda x: x * x, X)[1](np.ones(2)), ValueError, r"\(3,\), got \(2,\)"),
    (lambda: ad.jacobian(lambda x: x, mode="sideways")(X), ValueError, "'auto', 'forward'"),
    (lambda: ad.grad(3), TypeError, "need a function, got int 3"),
    (lambda: ad.grad(lambda x: x)("a"), TypeError, "must be .*numbers, got str 'a'"),
    (lambda: ad.grad(lambda x: x)(None), TypeError, "must be .*numbers, got NoneType"),
    (lambda: ad.grad(lambda x: x)(np.array(["a"])), TypeError, "must be .*numbers"),
    (lambda: ad.grad(lambda x: x)(X, X), TypeError, "takes 1 positional argument but 2"),
])
def test_wrong_calls_say_what_they_need(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_errors_of_the_user_stay_what_they_are():
    def f(x):
        if x[0] > 0:
            raise ValueError(f"out of the domain: {x}")
        return x @ x

    def g(x):
        assert x[0] < 0, f"negative? {x}"
        return x @ x
    with pytest.raises(ValueError, match="out of the domain: Tracer"):
        ad.grad(f)(X)
    with pytest.raises(AssertionError, match="negative"):
        ad.grad(g)(X)
    with pytest.raises(KeyError):
        ad.grad(lambda x: {}["a"] * x[0])(X)


# --- the names of functions -------------------------------------------------------------------------------------------


def test_functions_are_found_by_what_the_text_names():
    rng = np.random.default_rng(0)
    spline = scipy.interpolate.CubicSpline(GRID, HEIGHTS)
    frame = SimpleNamespace(f_locals={"e": math.exp, "rng": rng, "spline": spline, "m": math, "t": scipy.stats.norm},
                            f_globals={}, f_builtins={"float": float})
    for text, name in (("e", "math.exp"), ("m.sqrt", "math.sqrt"), ("rng.normal", "Generator.normal"),
                       ("float", "builtins.float"), ("t.pdf", "norm_gen.pdf"), ("nothing.here", "nothing.here")):
        assert canonical(text, frame) == name
    assert canonical("spline", frame).endswith(".CubicSpline")
    assert remedy_for("e", frame) == "use np.exp" and remedy_for("", frame) is None
    assert remedy_for("unknown", frame) is None and "custom_jvp" in remedy_for("spline", frame)


@pytest.mark.parametrize("name", [name for name in vars(math) if callable(getattr(math, name))])
def test_every_function_of_math_has_a_counterpart_that_exists(name):
    remedy = remedy_for(f"math.{name}", None)
    first = re.match(r"use ([\w.]+)", remedy)[1]
    if first in ("the",):
        assert name in ("comb", "perm", "factorial", "isqrt", "nextafter", "ulp", "cbrt", "frexp", "ldexp")
        return
    where = {"np": np, "scipy": scipy}
    head, *rest = first.split(".")
    value = where[head]
    for part in rest:
        value = getattr(value, part)
    assert callable(value)
