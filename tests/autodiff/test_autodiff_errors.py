"""What cannot be differentiated is an error with the call, the user's line and the remedy; NumPy is left as it was."""

import copy
import functools
import math
import pickle
import re
import statistics

import numpy as np
import pytest
import scipy.integrate
import scipy.interpolate
import scipy.linalg
import scipy.sparse
import scipy.special

import autodiff as ad

X = np.array([0.5, 1.5, 2.5])
A = 2.0 * np.eye(3) + 0.1
OUTSIDE, WHOLE = np.zeros(3), np.zeros(3, dtype=int)
SPLINE = scipy.interpolate.CubicSpline([0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 0.0, 1.0])
CREATORS = ("array", "asarray", "asanyarray", "ascontiguousarray", "copy", "zeros", "empty", "ones", "full", "eye",
            "identity", "zeros_like", "empty_like", "ones_like", "full_like", "r_", "c_")
ORIGINALS = {name: getattr(np, name) for name in CREATORS} | {
    name: getattr(scipy.special, name) for name in ("logsumexp", "softmax", "log_softmax")}


def untouched():
    return all(getattr(np if hasattr(np, name) else scipy.special, name) is value for name, value in ORIGINALS.items())


@functools.cache
def cached(v):
    return v


def stores(x):
    OUTSIDE[0] = x[0]
    return OUTSIDE @ OUTSIDE


def stores_all(x):
    OUTSIDE[:] = x
    return OUTSIDE @ OUTSIDE


def stores_in_arange(x):
    y = np.arange(3.0)
    y[0] = x[0]
    return y @ y


def stores_in_integers(x):
    y = np.zeros(3, dtype=int)
    y[0] = x[0]
    return y @ x


def adds_in_place(x):
    x += 1.0
    return x @ x


def writes_a_view(x):
    x[1:][0] = 1.0
    return x @ x


def swallows(x):
    try:
        return math.exp(x[0])
    except TypeError:
        return 1.0


def several_lines(x):
    return np.sum(
        x
        * 2.0) + math.log(
            x[1])


REFUSED = {
    "math": (lambda x: math.exp(x[0]), "math.exp turns a traced value into a Python float", "np.exp"),
    "float": (lambda x: float(x[0]), "float turns a traced value into a Python float", r"drop float\(...\)"),
    "item": (lambda x: math.sin(x[0].item()), "math.sin turns", "use np.sin"),
    "fsum": (lambda x: math.fsum(x), "math.fsum turns", "use np.sum"),
    "int": (lambda x: int(x[0]) * x[1], "float64 is used as an integer", "np.floor.*stop_gradient"),
    "range": (lambda x: sum(range(x[0])), "used as an integer", "np.floor"),
    "index": (lambda x: x[x[0]], "float64 is used as an index", "index with integers"),
    "store": (stores, "written into an array that is not traced", r"np.zeros\(n\)"),
    "store all": (stores_all, "written into an array that is not traced", r"np.array\(a\)"),
    "store in arange": (stores_in_arange, "written into an array that is not traced", r"np.array\(a\)"),
    "store in integers": (stores_in_integers, "written into an array that is not traced", "of floats"),
    "argument": (adds_in_place, "writes into its own argument", r"x = x.copy\(\)"),
    "view of the argument": (writes_a_view, "writes into its own argument", r"x = x.copy\(\)"),
    "out": (lambda x: np.sum(np.add(x, 1, out=OUTSIDE)), "np.add: a traced value is written into a plain array",
            "np.zeros"),
    "bincount": (lambda x: np.sum(np.bincount(x)), "np.bincount of a traced float has no derivative rule",
                 r"np\.floor"),
    "ufunc": (lambda x: np.sum(np.bitwise_count(x)), "np.bitwise_count counts the bits", r"np\.floor"),
    "add.at": (lambda x: np.add.at(x, [0], 1.0), "writes into its own argument", r"x = x.copy\(\)"),
    "complex order": (lambda x: np.sum(np.maximum(x * 1j, 0)), "np.maximum of complex numbers", "real parts"),
    "objects": (lambda x: np.sum(x * np.array([1, 2, None])), "array of object", "real or complex numbers"),
    "None in a list": (lambda x: np.array([x[0], None]), "meets NoneType None", "real or complex numbers"),
    "bandwidth": (lambda x: scipy.linalg.bandwidth(np.outer(x, x))[0], "scipy.linalg.bandwidth turns", "jac="),
    "spline": (lambda x: np.sum(SPLINE(x)), "SPLINE turns a traced value into a plain array", "custom_jvp"),
    "quad": (lambda x: scipy.integrate.quad(lambda t: x[0] * t, 0, 1)[0], "turns a traced value into a Python float",
             "leggauss"),
    "extension": (lambda x: np.random.default_rng(0).normal(x[0]), "turns a traced value into a plain array",
                  "loc . scale"),
    "vectorize": (lambda x: np.sum(np.vectorize(np.sum, signature="(n)->()")(x)), "np.vectorize makes a plain array",
                  "NumPy operations"),
    "cache": (lambda x: cached(x[0]), "a traced value is hashed", "without its cache"),
    "set": (lambda x: len({x[0], x[1]}) * x[0], "a traced value is hashed", "key"),
    "resize": (lambda x: x.resize(2), r"\.resize is not supported", r"np.resize\(x, shape\)"),
    "bytes": (lambda x: x.view(int), r"\.view\(dtype\) reads the bytes", r"x.astype\(dtype\)"),
    "swallowed": (swallows, "math.exp turns", "np.exp"),
    "several lines": (several_lines, "math.log turns", "use np.log"),
}


@pytest.mark.parametrize("f, what, remedy", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_traced_names_call_line_and_remedy(f, what, remedy):
    for differentiate in (ad.grad(f), ad.compile(f), ad.compile(f, eager=True).linearize_grad):
        with pytest.raises(ad.TraceError, match=what) as caught:
            differentiate(X)
        message = str(caught.value)
        where, instead = message.split("\n  Instead: ")
        assert f'File "{__file__}", line ' in where
        assert re.search(remedy, instead)
    assert untouched()
    np.testing.assert_array_equal(X, [0.5, 1.5, 2.5])


def test_the_line_is_the_one_that_does_it():
    with pytest.raises(ad.TraceError, match=r"OUTSIDE\[0\] = x\[0\]") as caught:
        ad.grad(lambda x: stores(x))(X)
    first = stores.__code__.co_firstlineno
    assert f"line {first + 1}, in stores" in str(caught.value)


def test_the_standard_library_is_not_the_users_code():
    def f(x):
        return functools.reduce(lambda a, b: a + math.exp(b), x)

    def g(x):
        return statistics.NormalDist().cdf(x[0])
    for h, name in ((f, "<lambda>"), (g, "g")):
        with pytest.raises(ad.TraceError, match=f"in {name}"):
            ad.grad(h)(X)


BAD_VALUES = {
    "None": (lambda x: None, "got None", "return statement"),
    "vector": (lambda x: x ** 2, r"array of shape \(3,\)", "np.sum"),
    "one entry": (lambda x: x[:1], r"array of shape \(1,\)", r"x\[0\]"),
    "complex": (lambda x: 1j, "complex 1j", "np.real"),
    "string": (lambda x: "a", "str 'a'", "real number"),
    "tuple": (lambda x: (x @ x, x[0]), "tuple of 2", "objective alone"),
    "dict": (lambda x: {"a": x @ x}, "dict of 1", "objective alone"),
    "object": (lambda x: X.__class__, "type", "real number")}


@pytest.mark.parametrize("f, got, remedy", BAD_VALUES.values(), ids=BAD_VALUES)
def test_a_gradient_needs_one_number(f, got, remedy):
    for answer in (ad.compile(f).value_and_grad, ad.compile(f).linearize_grad, ad.compile(f, eager=True).grad):
        with pytest.raises(TypeError, match=f"(?s)must return one real number.*{got}.*Instead.*{remedy}") as caught:
            answer(X)
        assert __file__ in str(caught.value)


def test_values_of_any_kind_are_returned_as_they_are():
    for value in (None, "a", 1j, ("a", 2.0), {"k": X}):
        fun = ad.compile(lambda x, value=value: value)
        for k in range(4):
            found = fun(X + k)
            assert type(found) is type(value) and (isinstance(value, dict) or found == value)


def test_after_compiling_the_same_error():
    fun = ad.compile(lambda x: x ** 2)
    for k in range(4):
        np.testing.assert_allclose(fun(X + k), (X + k) ** 2)
    assert fun.report.mode == "compiled"
    for _ in range(2):
        with pytest.raises(TypeError, match=r"one real number.*array of shape \(3,\)"):
            fun.value_and_grad(X)


@pytest.mark.parametrize("x0", [
    "abc", None, [1, "a"], np.array([1, None], dtype=object), object(), np.array(["1"]),
    scipy.sparse.csr_array(np.eye(3)), np.array(["2020-01-01"], dtype="M8[D]")], ids=lambda x0: type(x0).__name__)
def test_a_point_that_is_not_numbers(x0):
    with pytest.raises(TypeError, match="(?s)must be real or complex numbers, got .*; convert it"):
        ad.grad(lambda x: 1.0)(x0)
    assert untouched()


@pytest.mark.parametrize("v, error, message", [
    (np.ones(2), ValueError, r"need the shape of the argument, \(3,\), got \(2,\)"),
    (np.ones((3, 1)), ValueError, r"\(3,\), got \(3, 1\)"), (2.0, ValueError, r"got \(\)"),
    ("a", TypeError, "real numbers, got str 'a'"), (None, TypeError, "real numbers, got NoneType"),
    (np.full(3, 1j), TypeError, "real numbers, got ndarray")], ids=repr)
def test_directions_of_a_wrong_shape_or_type(v, error, message):
    for apply in (lambda v: ad.hvp(lambda x: x @ x, X, v), lambda v: ad.jvp(lambda x: x @ x, (X,), (v,)),
                  lambda v: ad.vjp(lambda x: x ** 2, X)[1](v), lambda v: ad.linearize(lambda x: x ** 2, X)[1](v),
                  ad.compile(lambda x: x @ x, eager=True).linearize_grad(X)[2]):
        with pytest.raises(error, match=message):
            apply(v)
    hv = ad.compile(lambda p: p["a"] @ p["b"][0]).linearize_grad({"a": X, "b": [X]})[2]
    for wrong in ({"a": X}, [X, X], {"a": X, "b": X}, X):
        with pytest.raises(ValueError, match="need the structure of the argument"):
            hv(wrong)
    with pytest.raises(ValueError, match=r"got \(2,\)"):
        hv({"a": X, "b": [np.ones(2)]})


def test_wrong_calls():
    with pytest.raises(TypeError, match="need a function, got int 3"):
        ad.compile(3)
    with pytest.raises(TypeError, match=r"argnum=1 but the call has 1 argument"):
        ad.grad(lambda x: x @ x, 1)(X)
    with pytest.raises(TypeError, match="argnum=0 but the call has 0"):
        ad.grad(lambda x: x @ x)()
    with pytest.raises(TypeError, match="takes 1 positional argument but 2"):
        ad.grad(lambda x: x @ x)(X, X)
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        ad.grad(lambda x: x.nope)(X)
    assert untouched()


def test_hasattr_on_traced_arrays():
    def f(x):
        assert hasattr(x, "flat") and not hasattr(x, "resize") and not hasattr(x, "tocsr") and hasattr(x, "ndim")
        return x @ x
    np.testing.assert_allclose(ad.grad(f)(X), 2 * X)


def test_asarray_in_the_users_code_returns_the_traced_array():
    def f(x):
        y = np.asarray(x)
        z = np.asanyarray(y, dtype=float)
        return np.ascontiguousarray(z) @ np.array(y) + np.asarray([x[0], 1.0]) @ np.asarray((x[1], x[2]))
    np.testing.assert_allclose(ad.grad(f)(X), ad.finite_difference.gradient(f, X, scheme="central"), rtol=1e-8)


def test_constants_go_through_functions_without_rules():
    """Only what depends on the argument is traced: the rest is NumPy as ever."""
    def f(x):
        C = np.cov(np.array([[1.0, 2.0, 4.0], [0.0, 1.0, 5.0]]))
        w = np.abs(np.fft.fft(np.ones(3))) + np.real(np.ones(3) * 1j)
        b = np.zeros((3, 3))
        before = x @ (b @ x)
        np.fill_diagonal(b, 2.0)
        np.copyto(b[0], 1.0)
        counts = np.bincount(np.argsort(x), minlength=3)
        one = scipy.linalg.expm(np.zeros((3, 3)))[0, 0]
        return before + C[0, 1] * (x @ x) + w @ x + x @ (b @ x) + counts @ x + one * x[0]
    np.testing.assert_allclose(ad.grad(f)(X), ad.finite_difference.gradient(f, X, scheme="central"), rtol=1e-7)
    assert ad.compile(f)(X) == pytest.approx(f(X))


def test_compiled_extensions_get_plain_arrays():
    """np.random calls np.empty from C, with the user's frame on top: it must get an array."""
    def f(x):
        rng = np.random.default_rng(0)
        out = np.empty(3)
        noise, more = rng.standard_normal(3), np.random.RandomState(0).rand(3)
        out[:] = x
        out[0] = x[0] * noise[0]
        return out @ out + np.sum(noise * x) + more @ x
    expected = ad.finite_difference.gradient(f, X, scheme="central")
    np.testing.assert_allclose(ad.grad(f)(X), expected, rtol=1e-7)


def test_creators_called_by_others_make_plain_arrays():
    def f(x):
        zeros = functools.partial(np.zeros, 3)
        assert type(zeros()) is np.ndarray and all(type(made) is np.ndarray for made in map(np.zeros, [1, 2]))
        return x @ x
    np.testing.assert_allclose(ad.grad(f)(X), 2 * X)


def test_creators_by_any_name():
    def f(x):
        import numpy as other_name
        from numpy import ones as made_here
        z = np.zeros
        a, b, c, d = z(3), made_here((3,)), other_name.zeros(*(3,)), [np.empty(1) for _ in range(2)]
        a[0], b[1], c[2], d[1][0], d[0][0] = x[0], x[1], x[2], x[0], x[1]
        e = np.full(
            3,
            2.0)
        e[0] = x[0] ** 2
        return a @ b + b @ c + c @ e + d[0] @ d[1] + np.eye(3)[0] @ x
    np.testing.assert_allclose(ad.grad(f)(X), ad.finite_difference.gradient(f, X, scheme="central"), rtol=1e-7)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, ad.TraceError("a", "b")], ids=repr)
def test_an_exception_in_f_leaves_numpy_as_it_was(error):
    def inner(x):
        raise error

    def f(x):
        np.zeros(3)
        return ad.grad(inner)(x)[0]
    for run in (ad.grad(inner), ad.grad(f), ad.compile(f), ad.hessian(f), lambda x: ad.jvp(f, (x,), (x,)),
                lambda x: ad.trace(f, x)):
        with pytest.raises(error if isinstance(error, type) else type(error)):
            run(X)
        assert untouched() and type(np.zeros(3)) is np.ndarray
    assert ad.grad(lambda x: x @ x)(X)[0] == 1.0


def test_names_bound_early_are_restored():
    namespace = {"np": np}
    exec("from numpy import zeros, array\nfrom scipy.special import logsumexp\n"
         "def f(x):\n    y = zeros(3)\n    y[0] = x[0]\n    return logsumexp(y) + array([x[1]])[0]", namespace)
    before = dict(namespace)
    np.testing.assert_allclose(ad.grad(namespace["f"])(X), [np.exp(0.5) / (np.exp(0.5) + 2), 1.0, 0.0])
    assert namespace == before


def test_errors_can_be_pickled_and_copied():
    with pytest.raises(ad.TraceError) as caught:
        ad.grad(stores)(X)
    for again in (pickle.loads(pickle.dumps(caught.value)), copy.copy(caught.value)):
        assert type(again) is type(caught.value) and str(again) == str(caught.value)
        assert (again.what, again.remedy) == (caught.value.what, caught.value.remedy)


def test_a_trace_error_is_a_type_error_with_a_cause():
    with pytest.raises(TypeError) as caught:
        ad.grad(stores)(X)
    assert isinstance(caught.value.__cause__, (ValueError, type(None)))


@pytest.mark.parametrize("argnum", [(0, 1), "b", 1.0, None])
def test_argnum_is_one_integer(argnum):
    with pytest.raises(TypeError, match=r"argnum must be one integer, got .*; to differentiate several arguments"):
        ad.grad(lambda a, b: a * b, argnum)(2.0, 3.0)


@pytest.mark.parametrize("call, message", [
    (lambda: ad.jacobian(lambda q: q["a"] ** 2)({"a": np.ones(2)}), r"jacobian: .*got dict; .*pytree\.ravel"),
    (lambda: ad.jacobian(lambda q: q[0] * q[1], mode="reverse")([X, X]), r"jacobian: .*got list; .*pytree\.ravel"),
    (lambda: ad.hessian(lambda q: np.sum(q["a"] ** 2))({"a": np.ones(2)}), r"hessian: .*got dict; .*pytree\.ravel"),
    (lambda: ad.hessian(lambda a, b: a * b, (0, 1))(1.0, 2.0), r"hessian: argnum .*got \(0, 1\)"),
    (lambda: ad.jvp(np.sin, X, (X,)), "jvp: primals must be a tuple"),
    (lambda: ad.jvp(np.sin, (X,), X), "jvp: tangents must be a tuple")])
def test_arguments_that_are_not_one_array(call, message):
    with pytest.raises(TypeError, match=message):
        call()
