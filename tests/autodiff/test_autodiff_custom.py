"""Derivatives by hand: both kinds, all modes and orders, code that cannot be traced, trust, threads, messages."""

import ctypes
import ctypes.util
import gc
import math
import threading
import weakref

import numpy as np
import pytest
import scipy.special

import autodiff as ad

X = np.array([0.3, -1.2, 0.8])
ROW, COLUMN = np.array([1.0, 2.0, 3.0]), np.array([[0.5], [1.5]])


def by_hand(f):
    """Code that cannot be traced: floats in a loop."""
    def looped(*args):
        flat = [np.broadcast_arrays(*args)[k].ravel().tolist() for k in range(len(args))]
        out = np.array([f(*values) for values in zip(*flat, strict=True)])
        return out.reshape(np.broadcast_shapes(*map(np.shape, args)))
    return looped


# The course's rows (autodidact's defvjp), with broadcasting left to the engine.
add = ad.custom_vjp(by_hand(lambda x, y: x + y))
add.defvjps(lambda ct, out, x, y: ct, lambda ct, out, x, y: ct)
multiply = ad.custom_vjp(by_hand(lambda x, y: x * y))
multiply.defvjps(lambda ct, out, x, y: y * ct, lambda ct, out, x, y: x * ct)
subtract = ad.custom_vjp(by_hand(lambda x, y: x - y))
subtract.defvjps(lambda ct, out, x, y: ct, lambda ct, out, x, y: -ct)
divide = ad.custom_vjp(by_hand(lambda x, y: x / y))
divide.defvjps(lambda ct, out, x, y: ct / y, lambda ct, out, x, y: -ct * x / y**2)

add_jvp = ad.custom_jvp(by_hand(lambda x, y: x + y))
add_jvp.defjvps(lambda t, out, x, y: t, lambda t, out, x, y: t)
divide_jvp = ad.custom_jvp(by_hand(lambda x, y: x / y))
divide_jvp.defjvp(lambda primals, tangents: (divide_jvp(*primals), (
    tangents[0] - divide_jvp(*primals) * tangents[1]) / primals[1]))

ROWS = [(add, np.add), (multiply, np.multiply), (subtract, np.subtract), (divide, np.divide), (add_jvp, np.add),
        (divide_jvp, np.divide)]


@pytest.mark.parametrize("ours, numpy", ROWS)
@pytest.mark.parametrize("x, y", ((X, ROW), (COLUMN, ROW), (2.0, ROW), (COLUMN, 3.0), (np.zeros((0, 3)), ROW)))
def test_course_rows_with_broadcasting(ours, numpy, x, y):
    np.testing.assert_array_equal(ours(x, y), numpy(x, y))
    ad.check_grads(ours, (x, y), order=2)
    for argnum in (0, 1):
        got = ad.grad(lambda x, y: np.sum(np.sin(ours(x, y)) * ours(y, x + 3.0)), argnum)(x, y)
        expected = ad.grad(lambda x, y: np.sum(np.sin(numpy(x, y)) * numpy(y, x + 3.0)), argnum)(x, y)
        assert got.shape == np.shape((x, y)[argnum])
        np.testing.assert_allclose(got, expected, rtol=1e-12)


@pytest.mark.parametrize("mode", ("forward", "reverse"))
@pytest.mark.parametrize("ours, numpy", ROWS)
def test_jacobian_and_hessian(ours, numpy, mode):
    def f(g):
        return lambda x: g(g(x, ROW), x * x + 2.0)
    ad.check_grads(f(ours), (X,), order=3, directions=1)
    np.testing.assert_allclose(ad.jacobian(f(ours), mode=mode)(X), ad.jacobian(f(numpy))(X), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(ad.hessian(lambda x: np.sum(f(ours)(x) ** 2))(X),
                               ad.hessian(lambda x: np.sum(f(numpy)(x) ** 2))(X), rtol=1e-11, atol=1e-14)


@ad.custom_vjp
def swirl(p, n, label="s"):
    """Nested argument, static arguments, two outputs of different shapes."""
    assert isinstance(n, int) and label == "s"
    a = np.array([math.sin(float(v)) for v in p["a"]]) ** n
    return {"a": a, "c": float(np.sum(np.cos(p["a"]))) * p["b"][0]}


def swirl_forward(p, n, label):
    return swirl(p, n, label), p


def swirl_backward(p, ct):
    s, c = np.sin(p["a"]), np.cos(p["a"])
    return {"a": 3 * s**2 * c * ct["a"] - s * p["b"][0] * ct["c"], "b": [np.sum(c) * ct["c"]]}, None, None


swirl.defvjp(swirl_forward, swirl_backward)


@ad.custom_jvp
def swirl_jvp(p, n):
    return swirl(p, n)


@swirl_jvp.defjvp
def swirl_tangent(primals, tangents):
    (p, n), (dp, dn) = primals, tangents
    assert dn is None
    s, c = np.sin(p["a"]), np.cos(p["a"])
    return swirl_jvp(p, n), {"a": n * s ** (n - 1) * c * dp["a"],
                             "c": np.sum(c) * dp["b"][0] - np.sum(s * dp["a"]) * p["b"][0]}


@pytest.mark.parametrize("f", (swirl, swirl_jvp))
def test_nested_arguments_static_arguments_several_outputs(f):
    p = {"a": X, "b": [np.array(2.0)]}
    ad.check_grads(lambda p: f(p, 3), (p,), order=3)
    ad.check_grads(lambda p: f(p, n=3)["c"], (p,), order=2)
    value = ad.jvp(lambda p: f(p, 3), (p,), (p,))[0]
    np.testing.assert_array_equal(value["a"], f(p, 3)["a"])
    compiled = ad.compile(lambda p: np.sum(f(p, 3)["a"]) * f(p, 3)["c"])
    for scale in (1.0, 1.1, 1.2, 1.3):
        q = {"a": scale * X, "b": [np.array(2.0)]}
        expected = ad.value_and_grad(lambda p: np.sum(np.sin(p["a"]) ** 3) * np.sum(np.cos(p["a"])) * p["b"][0])(q)
        value, grad = compiled.value_and_grad(q)
        np.testing.assert_allclose(value, expected[0])
        np.testing.assert_allclose(grad["a"], expected[1]["a"], rtol=1e-11)
    assert compiled.report.mode == "compiled"


def test_a_c_library():
    library = ctypes.CDLL(ctypes.util.find_library("m"))
    library.j0.restype, library.j0.argtypes = ctypes.c_double, [ctypes.c_double]
    library.j1.restype, library.j1.argtypes = ctypes.c_double, [ctypes.c_double]

    @ad.custom_jvp
    def j0(x):
        return np.array([library.j0(float(v)) for v in x])

    j0.defjvps(lambda t, out, x: -scipy.special.j1(x) * t)
    x = np.array([0.4, 2.0, 7.0])
    np.testing.assert_allclose(ad.grad(lambda x: np.sum(j0(x)))(x), -scipy.special.j1(x), rtol=1e-12)
    ad.check_grads(j0, (x,), order=2)


def test_a_rule_of_custom_functions():
    """Each other's derivatives: shapes inside rules are found by a call at ones."""
    sine, cosine = (ad.custom_vjp(by_hand(f)) for f in (math.sin, math.cos))
    sine.defvjps(lambda ct, out, x: ct * cosine(x))
    cosine.defvjps(lambda ct, out, x: -ct * sine(x))
    ad.check_grads(sine, (X,), order=4)
    np.testing.assert_allclose(ad.hessian(lambda x: np.sum(sine(x)))(X), np.diag(-np.sin(X)), rtol=1e-12)


def test_a_linear_map_and_its_adjoint():
    """Neither can be traced: each is the derivative of the other."""
    matrix = np.arange(6.0).reshape(2, 3)
    ahead = ad.custom_vjp(lambda x: np.array([sum(a * float(v) for a, v in zip(row, x)) for row in matrix]))
    back = ad.custom_vjp(lambda y: np.array([sum(a * float(v) for a, v in zip(row, y)) for row in matrix.T]))
    ahead.defvjps(lambda ct, out, x: back(ct))
    back.defvjps(lambda ct, out, y: ahead(ct))
    for mode in ("forward", "reverse"):
        np.testing.assert_allclose(ad.jacobian(ahead, mode=mode)(np.ones(3)), matrix)
    ad.check_grads(lambda x: np.sin(ahead(x * x)), (X,), order=3)


def test_arrays_made_inside_a_rule():
    @ad.custom_vjp
    def f(x):
        return math.exp(x[0]) * x[1]

    f.defvjps(lambda ct, out, x: ct * np.array([out, np.exp(x[0])]))
    ad.check_grads(f, (np.array([0.3, 0.4]),), order=3)


def test_zero_rules():
    f = ad.custom_vjp(lambda x, y: x * np.round(y))
    f.defvjps(lambda ct, out, x, y: ct * np.round(y), None)
    assert ad.grad(f, 1)(2.0, 3.0) == 0.0 and ad.jvp(f, (2.0, 3.0), (1.0, 1.0))[1] == 3.0
    g = ad.custom_vjp(lambda x, y: x * np.round(y))
    g.defvjp(lambda x, y: (g(x, y), y), lambda y, ct: (ct * np.round(y), 0.0))
    assert ad.grad(g, 1)(2.0, 3.0) == 0.0 and ad.jvp(g, (2.0, 3.0), (1.0, 1.0))[1] == 3.0


def test_methods():
    class Model:
        def __init__(self, weight):
            self.weight = weight

        @ad.custom_vjp
        def scaled(self, x):
            return self.weight * x

        scaled.defvjps(None, lambda ct, out, self, x: self.weight * ct)

    model = Model(3.0)
    f = ad.compile(lambda x: np.sum(model.scaled(x) ** 2))
    for scale in (1.0, 1.1, 1.2, 1.3):
        np.testing.assert_allclose(f.grad(scale * X), 18 * scale * X)
    model.weight = 2.0
    np.testing.assert_allclose(f.grad(X), 8 * X)


def test_float32():
    x = X.astype(np.float32)
    assert ad.grad(lambda x: np.sum(multiply(x, x).astype(np.float32)))(x).dtype == np.float32
    assert ad.vjp(lambda x: square32(x), x)[0].dtype == np.float32


square32 = ad.custom_vjp(lambda x: x * x)
square32.defvjps(lambda ct, out, x: 2 * ct * x)


def test_the_body_may_write_into_its_argument_and_reuse_its_result():
    """As libraries with workspaces do."""
    store = bytearray(24)

    @ad.custom_vjp
    def f(x):
        out = np.frombuffer(store)
        out[...] = x
        x *= 0.0
        return out

    f.defvjps(lambda ct, out, x: ct)
    g, whole = ad.compile(lambda x: np.sum(f(np.sin(x)) * np.sin(x))), ad.compile(lambda x: f(np.sin(x)))
    for scale in (1.0, 1.1, 1.2, 1.3):
        x = scale * X
        np.testing.assert_allclose(g.grad(x), 2 * np.sin(x) * np.cos(x))
        y = whole(x)
        np.frombuffer(store)[...] = np.nan
        np.testing.assert_allclose(y, np.sin(scale * X))
        np.testing.assert_array_equal(x, scale * X)
    assert g.report.mode == whole.report.mode == "compiled"


def test_static_arguments_tell_calls_apart():
    power = ad.custom_jvp(lambda x, n: np.array([v**n for v in x.tolist()]))
    power.defjvps(lambda t, out, x, n: n * x ** (n - 1) * t, None)
    f = ad.compile(lambda x: np.sum(power(x, 2) * power(x, 3) * power(x, 2)))
    for scale in (1.0, 1.1, 1.2, 1.3):
        np.testing.assert_allclose(f.grad(scale * X), 7 * (scale * X) ** 6)
    assert f.report.mode == "compiled"


def test_creators_in_the_body_are_numpys():
    @ad.custom_vjp
    def f(x):
        out = np.zeros(3)
        assert type(out) is np.ndarray and type(np.array([1.0])) is np.ndarray
        out[:] = x
        return out

    f.defvjps(lambda ct, out, x: ct)
    np.testing.assert_allclose(ad.grad(lambda x: np.sum(f(x) ** 2))(X), 2 * X)


# --- trust ------------------------------------------------------------------------------------------------------------


def test_randomness_in_the_body_is_not_frozen():
    rng = np.random.default_rng(0)
    noisy = ad.custom_vjp(lambda x: x * rng.uniform(1.0, 2.0))
    noisy.defvjps(lambda ct, out, x: ct * out / x)
    f = ad.compile(lambda x: np.sum(noisy(x)))
    assert len({f(scale * X) / scale for scale in (1.0, 1.1, 1.2, 1.3, 1.4)}) == 5
    assert f.report.mode == "eager"


@pytest.mark.parametrize("where", ("body", "rule", "new rule"))
def test_changes_are_seen(where):
    weight, other = [2.0], [2.0]
    scaled = ad.custom_vjp(lambda x: weight[0] * x)
    scaled.defvjps(lambda ct, out, x: other[0] * ct)
    f = ad.compile(lambda x: np.sum(scaled(x)))
    for scale in (1.0, 1.1, 1.2, 1.3):
        np.testing.assert_allclose(f.grad(scale * X), 2.0)
    assert f.report.mode == "compiled"
    if where == "body":
        weight[0] = 5.0
        assert np.isclose(f(X), 5.0 * X.sum())
    elif where == "rule":
        other[0] = 3.0
        np.testing.assert_allclose(f.grad(X), 3.0)
    else:
        scaled.defvjps(lambda ct, out, x: 7.0 * ct)
        np.testing.assert_allclose(f.grad(X), 7.0)


def test_a_shape_that_depends_on_values():
    """The recorded shape does not fit the next point: another recording."""
    positive = ad.custom_vjp(lambda x: x[x > 0])
    positive.defvjps(lambda ct, out, x: np.where(x > 0, 1.0, 0.0) * np.sum(ct) / max(out.size, 1))
    f = ad.compile(lambda x: np.sum(positive(x)) / positive(x).size)
    for scale in (1.0, 1.1, -1.0, -1.1, 1.2, -1.2):
        assert np.isclose(f.value_and_grad(scale * X)[0], np.mean((scale * X)[scale * X > 0]))


def test_a_traced_value_that_is_no_argument_is_an_error():
    def f(x):
        hidden = ad.custom_vjp(lambda y: y * x)
        hidden.defvjps(lambda ct, out, y: ct)
        return np.sum(hidden(2.0 * x))
    with pytest.raises(ad.TraceError, match="not among its arguments"):
        ad.grad(f)(X)


def test_threads():
    f, wrong = ad.compile(lambda x: np.sum(divide(x, multiply(x, x) + 1.0))), []

    def work(seed):
        for x in np.random.default_rng(seed).standard_normal((20, 3)):
            if not np.allclose(f.grad(x), (1 - x**2) / (1 + x**2) ** 2):
                wrong.append(x)
    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_no_reference_cycles():
    gc.collect()
    gc.disable()
    try:
        for kind in ("custom", "elementwise"):
            if kind == "custom":
                square = ad.custom_vjp(lambda x: x * x)
                square.defvjps(lambda ct, out, x: 2 * ct * x)
            else:
                square = ad.elementwise(lambda x: x * x, lambda y, x: 2 * x)
            f = ad.compile(lambda x, square=square: np.sum(square(x)))
            for scale in (1.0, 1.1, 1.2):
                f.grad(scale * X)
            gone = weakref.ref(square)
            del square, f
            assert gone() is None
    finally:
        gc.enable()


# --- messages ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backward, match", (
    (lambda r, ct: None, r"broken.*returned NoneType None(.|\n)*tuple of 2 cotangent"),
    (lambda r, ct: (ct,), r"broken.*a tuple of 1(.|\n)*tuple of 2 cotangent"),
    (lambda r, ct: (None, ct), r"broken.*NoneType None as cotangent of argument 0(.|\n)*shape \(3,\)"),
    (lambda r, ct: (ct, np.ones(2) * np.sum(ct)), r"broken.*shape \(2,\) as cotangent of argument 1(.|\n)*\(3,\)"),
    (lambda r, ct: (ct, [ct, ct]), r"broken.*a list of 2 for argument 1(.|\n)*one array"),
    (lambda r, ct: (ct, "zero"), r"broken.*'zero' as cotangent of argument 1")))
def test_wrong_backward_rules(backward, match):
    @ad.custom_vjp
    def broken(x, y):
        return x * y
    broken.defvjp(lambda x, y: (broken(x, y), None), backward)
    for run in (lambda: ad.grad(lambda x: np.sum(broken(x, ROW * x)))(X), lambda: ad.jvp(broken, (X, ROW), (X, X))):
        with pytest.raises(ad.TraceError, match=match):
            run()


@pytest.mark.parametrize("rule, match", (
    (lambda p, t: t[0], r"broken.*an array of shape(.|\n)*\(out, tangent"),
    (lambda p, t: (p[0], None), r"broken.*NoneType None as tangent(.|\n)*shape \(3,\)"),
    (lambda p, t: (p[0], np.ones((2, 1)) * t[0]), r"broken.*shape \(2, 3\) as tangent(.|\n)*shape \(3,\)"),
    (lambda p, t: (p[0], (t[0], t[0])), r"broken.*a tuple of 2 for a tangent(.|\n)*one array")))
def test_wrong_tangent_rules(rule, match):
    broken = ad.custom_jvp(lambda x: 2 * x)
    broken.__name__ = "broken"
    broken.defjvp(rule)
    for run in (lambda: ad.grad(lambda x: np.sum(broken(x)))(X), lambda: ad.jvp(broken, (X,), (X,))):
        with pytest.raises(ad.TraceError, match=match):
            run()


def test_rules_that_are_not_linear():
    for rule in (lambda ct, out, x: ct**2, lambda ct, out, x: x):
        f = ad.custom_vjp(lambda x: 2 * x)
        f.defvjps(rule)
        with pytest.raises(ad.TraceError, match="not linear"):
            ad.jvp(f, (X,), (X,))
    for rule in (lambda t, out, x: np.sin(t), lambda t, out, x: x):
        f = ad.custom_jvp(lambda x: 2 * x)
        f.defjvps(rule)
        with pytest.raises(ad.TraceError, match="not linear"):
            ad.grad(lambda x, f=f: np.sum(f(x)))(X)


def test_wrong_definitions():
    with pytest.raises(TypeError, match="need a function"):
        ad.custom_vjp(3.0)
    f = ad.custom_vjp(lambda x, y: x)
    with pytest.raises(ad.TraceError, match="no rule yet(.|\n)*defvjps"):
        ad.grad(f)(1.0, 2.0)
    assert f(1.0, 2.0) == 1.0
    with pytest.raises(TypeError, match="each of its 2 arguments"):
        f.defvjps(lambda ct, out, x, y: ct)
    with pytest.raises(TypeError, match="must be a function"):
        f.defvjps(lambda ct, out, x, y: ct, 0.0)
    g = ad.custom_vjp(lambda *args: sum(args))
    g.defvjps(lambda ct, out, *args: ct)
    with pytest.raises(ad.TraceError, match=r"1 rule\(s\) and is called with 2"):
        ad.grad(g)(1.0, 2.0)
    h = ad.custom_vjp(lambda x, *, k: k * x)
    h.defvjps(lambda ct, out, x: ct)
    with pytest.raises(TypeError, match="keyword-only"):
        ad.grad(lambda x: h(x, k=2))(1.0)
    words = ad.custom_vjp(lambda x: "no number")
    words.defvjps(lambda ct, out, x: ct)
    with pytest.raises(TypeError, match="must return numbers"):
        ad.grad(words)(1.0)


# --- elementwise rows -------------------------------------------------------------------------------------------------


def swish(x):
    return x * scipy.special.expit(x)


swish_row = ad.elementwise(swish, lambda y, x: scipy.special.expit(x) * (1 + x - y))


@pytest.mark.parametrize("x", (X, 0.4, COLUMN, np.zeros((0, 2)), np.arange(6.0).reshape(2, 3).T[::2]))
def test_elementwise(x):
    np.testing.assert_array_equal(swish_row(x), swish(x))
    ad.check_grads(swish_row, (x,), order=3)
    f, g = (ad.compile(lambda x, h=h: np.sum(h(np.sin(h(x))))) for h in (swish_row, swish))
    for scale in (1.0, 1.1, 1.2):
        np.testing.assert_allclose(f.grad(scale * x), g.grad(scale * x), rtol=1e-12)
        np.testing.assert_allclose(f.linearize_grad(scale * x)[2](x), g.linearize_grad(scale * x)[2](x), rtol=1e-10)


def test_two_rows_of_one_name():
    other = ad.elementwise(swish, lambda y, x: 0.0 * x, name="swish")
    exp = ad.elementwise(lambda x: 2.0 * x, lambda y, x: 2.0, name="exp")
    f = ad.compile(lambda x: swish_row(x) * other(x) * exp(x) * np.exp(x))
    for x in (0.3, 0.4, 0.5):
        np.testing.assert_allclose(f(x), swish(x) ** 2 * 2 * x * np.exp(x), rtol=1e-14)
    assert f.report.mode == "compiled"
    assert ad.grad(swish_row)(0.3) != 0.0 and ad.grad(other)(0.3) == 0.0


def test_elementwise_rows_of_the_course():
    product = ad.elementwise(np.multiply, lambda z, x, y: y, lambda z, x, y: x)
    quotient = ad.elementwise(np.divide, lambda z, x, y: 1.0 / y, lambda z, x, y: -z / y)
    for row in (product, quotient):
        ad.check_grads(row, (COLUMN, ROW), order=3)
        assert row(COLUMN.astype(np.float32), np.float32(2.0)).dtype == np.float32
        assert ad.vjp(lambda x, row=row: row(x, np.float32(2.0)), COLUMN.astype(np.float32))[0].dtype == np.float32


@pytest.mark.nan_ok
def test_zero_times_infinity_is_zero():
    root = ad.elementwise(np.sqrt, lambda y, x: 0.5 / y)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = ad.grad(lambda x: np.sum(np.where(x > 0, root(x), 0.0)))(np.array([0.0, 4.0]))
    np.testing.assert_array_equal(slope, [0.0, 0.25])


def test_elementwise_messages():
    with pytest.raises(TypeError, match="elementwise function of inputs that broadcast to"):
        ad.grad(ad.elementwise(np.sum, lambda y, x: 1.0))(X)
    with pytest.raises(ad.TraceError, match="a partial derivative returned NoneType"):
        ad.jvp(ad.elementwise(np.sin, lambda y, x: None), (X,), (X,))
    with pytest.raises(ad.TraceError, match=r"returned an array of shape \(2, 3\)"):
        ad.jvp(ad.elementwise(np.sin, lambda y, x: np.ones((2, 1)) * x), (X,), (X,))
    with pytest.raises(TypeError, match=r"takes 1 input\(s\)"):
        ad.jvp(lambda x: swish_row(x, x), (X,), (X,))


def test_changes_in_a_partial_are_seen():
    weight = [2.0]
    row = ad.elementwise(lambda x: weight[0] * x, lambda y, x: weight[0])
    f = ad.compile(lambda x: np.sum(row(x)))
    for scale in (1.0, 1.1, 1.2, 1.3):
        np.testing.assert_allclose(f.grad(scale * X), 2.0)
    weight[0] = 3.0
    np.testing.assert_allclose(f.grad(X), 3.0)
