"""Stated conventions at nondifferentiable points, derivatives of derivatives, and nested structures."""

import itertools
import math

import numpy as np
import pytest
import scipy.special as sp

import autodiff as ad

quiet = np.errstate(all="ignore")       # infinite derivatives are met and multiplied by zero: the subject


def every_way(f, x, v=None) -> dict:
    """The gradient of a scalar f at x by every route, each as an array like x (jvp and hv: along v)."""
    x = np.asarray(x, dtype=float)
    v = np.ones_like(x) if v is None else v
    fast, linear = ad.compile(f), ad.compile(f)
    for k in (0.25, 0.5):
        fast.value_and_grad(x + k)
        linear.linearize_grad(x + k)
    eager = ad.compile(f, eager=True)
    out = {"eager": eager.grad(x), "compiled": fast.grad(x), "linearize": linear.linearize_grad(x)[1],
           "vjp": ad.vjp(f, x)[1](1.0), "jacobian forward": ad.jacobian(f, mode="forward")(x),
           "jacobian reverse": ad.jacobian(f, mode="reverse")(x)}
    along = {"jvp": ad.jvp(f, (x,), (v,))[1], "linearized": ad.linearize(f, x)[1](v)}
    second = {"eager hv": eager.linearize_grad(x)[2](v), "compiled hv": linear.linearize_grad(x)[2](v),
              "grad of grad": ad.grad(lambda z: np.sum(ad.grad(f)(z) * v))(x),
              "jvp of grad": ad.jvp(ad.grad(f), (x,), (v,))[1], "hessian": np.tensordot(ad.hessian(f)(x), v, x.ndim)}
    return {"gradient": out, "along": along, "second": second}


def assert_everywhere(f, x, gradient, second=None, v=None) -> None:
    """Every route gives this gradient at x, and (where stated) this Hessian-vector product."""
    x = np.asarray(x, dtype=float)
    v = np.ones_like(x) if v is None else v
    found = every_way(f, x, v)
    for route, value in found["gradient"].items():
        np.testing.assert_allclose(value, gradient, rtol=1e-12, atol=1e-300, err_msg=route)
    for route, value in found["along"].items():
        np.testing.assert_allclose(value, np.sum(gradient * v), rtol=1e-12, atol=1e-300, err_msg=route)
    if second is not None:
        for route, value in found["second"].items():
            np.testing.assert_allclose(value, second, rtol=1e-10, atol=1e-300, err_msg=route)


# --- conventions ------------------------------------------------------------------------------------------------------


def test_absolute_value_at_zero():
    for f in (lambda x: np.sum(np.abs(x)), lambda x: np.sum(abs(x)), lambda x: np.sum(np.fabs(x)),
              lambda x: np.linalg.norm(x, 1)):
        assert_everywhere(f, [0.0, -2.0, 3.0], [0.0, -1.0, 1.0], [0.0, 0.0, 0.0])


def test_ties_are_split_evenly():
    assert_everywhere(np.max, [1.0, 3.0, 3.0, 3.0], [0.0, 1 / 3, 1 / 3, 1 / 3], np.zeros(4))
    assert_everywhere(np.min, [[1.0, 3.0], [1.0, 4.0]], [[0.5, 0.0], [0.5, 0.0]])
    assert_everywhere(lambda x: np.sum(np.max(x, axis=0)), [[1.0, 3.0], [1.0, 4.0]], [[0.5, 0.0], [0.5, 1.0]])
    assert_everywhere(lambda x: np.sum(np.maximum(x, 0.0)), [0.0, -1.0, 2.0], [0.5, 0.0, 1.0], np.zeros(3))
    assert_everywhere(lambda x: np.sum(np.minimum(x, x[::-1])), [1.0, 1.0], [1.0, 1.0])
    assert_everywhere(lambda x: np.sum(np.fmax(x, 1.0)), [1.0, 2.0], [0.5, 1.0])
    assert_everywhere(lambda x: np.sum(np.clip(x, 0.0, 1.0)), [0.0, 0.4, 1.0, 3.0], [0.5, 1.0, 0.5, 0.0])
    assert_everywhere(lambda x: np.linalg.norm(x, np.inf), [2.0, -2.0, 1.0], [0.5, -0.5, 0.0])
    for f in (lambda a, b: np.sum(np.maximum(a, b)), lambda a, b: np.sum(np.minimum(a, b)),
              lambda a, b: np.sum(np.fmin(a, b))):
        a, b = np.array([1.0, 2.0]), np.array([1.0, 2.0])
        assert np.all(ad.vjp(f, a, b)[1](1.0) == np.full((2, 2), 0.5))


@quiet
@pytest.mark.parametrize("f", (np.linalg.norm, lambda x: np.sqrt(np.sum(x ** 2)), lambda x: np.sqrt(x @ x),
                               lambda x: np.linalg.norm(x, 2), lambda x: np.linalg.norm(2.0 * x - x),
                               lambda x: np.sqrt(np.sum(np.square(x))),
                               lambda x: np.hypot(x[0], x[1]) + np.hypot(x[2], 0.0),
                               lambda x: np.sqrt(np.einsum("i,i->", x, x)),
                               lambda x: np.sum(np.sqrt(np.einsum("ij,ij->i", x[:, None], x[:, None]))),
                               lambda x: np.sqrt(x @ np.diag([1.0, 2, 3]) @ x), lambda x: np.max(np.sqrt(x * x)),
                               lambda x: np.sqrt(np.vdot(x, x))))
def test_norms_at_zero(f):
    assert_everywhere(f, np.zeros(3), np.zeros(3))


@quiet
def test_a_group_of_zeros_leaves_the_others_alone():
    x = np.array([[3.0, 4.0], [0.0, 0.0]])
    truth = np.array([[0.6, 0.8], [0.0, 0.0]])
    assert_everywhere(lambda x: np.sum(np.linalg.norm(x, axis=1)), x, truth)
    assert_everywhere(lambda x: np.sum(np.sqrt(np.sum(x * x, axis=1))), x, truth)
    assert_everywhere(lambda x: np.std(x[1]) + np.sum(x), x, np.ones((2, 2)))


@quiet
def test_where_shields_the_branch_not_taken():
    x, v = np.array([0.0, 4.0, -1.0]), np.array([1.0, 2.0, 3.0])
    root = np.array([0.0, 0.25, 0.0]), np.array([0.0, -1 / 16, 0.0])
    for f in (lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0.0)), lambda x: np.where(x > 0, np.sqrt(x), 0 * x).sum(),
              lambda x: np.sum(np.where(x <= 0, 0.0, x ** 0.5))):
        assert_everywhere(f, x, *root, v=v)
        value = f(x)
        fun = ad.compile(f)
        assert [fun(x + k) for k in (0.0, 1.0, 0.0)][2] == fun.value_and_grad(x)[0] == value == 2.0
    assert_everywhere(lambda x: np.sum(np.where(x != 0, np.sin(x) / x, 1.0)), [0.0, 1.0], [0.0, np.cos(1) - np.sin(1)],
                      v=np.array([1.0, 0.0]), second=[0.0, 0.0])
    assert_everywhere(lambda x: np.sum(np.where(x > 0, np.log(x), -x)), [0.0, 2.0], [-1.0, 0.5], [0.0, -0.25])
    assert_everywhere(lambda x: np.sum(np.where(x > 1e-3, x * np.log(x), 0.0)), [0.0, 1.0], [0.0, 1.0], [0.0, 1.0])


@quiet
def test_the_convention_holds_inside_other_derivatives():
    def inner(x):
        return np.sum(np.where(x > 0, np.sqrt(x), 0.0))

    def outer(x):                                   # a penalty on a gradient: NaN would be in the value already
        return np.sum(ad.grad(inner)(x) ** 2) + np.sum(x ** 2)
    truth = np.array([0.0, -0.25 / 16 + 8.0])
    fun = ad.compile(outer)
    for x in ([0.0, 4.0], [1.0, 2.0], [0.5, 3.0], [0.0, 4.0]):
        value, grad = fun.value_and_grad(np.array(x))
        assert fun(np.array(x)) == pytest.approx(value)
    assert fun.report.mode == "compiled"
    assert value == pytest.approx(1 / 16 + 16)
    np.testing.assert_allclose(grad, truth, rtol=1e-12)
    np.testing.assert_allclose(ad.vjp(outer, np.array(x))[1](1.0), truth, rtol=1e-12)


@quiet
def test_entropy_rows_at_zero():
    inf = np.inf
    np.testing.assert_array_equal(ad.grad(lambda x: np.sum(sp.entr(x)))(np.array([0.0, 1.0])), [inf, -1.0])
    np.testing.assert_array_equal(ad.hessian(lambda z: sp.xlogy(z[0], z[1]))(np.array([0.0, 2.0])),
                                  [[0.0, 0.5], [0.5, 0.0]])
    np.testing.assert_array_equal(ad.hessian(lambda z: sp.xlog1py(z[0], z[1]))(np.array([0.0, 1.0])),
                                  [[0.0, 0.5], [0.5, 0.0]])
    for f, at in ((lambda z: sp.xlogy(z[0], z[1]), [0.0, 0.0]), (lambda z: sp.xlog1py(z[0], z[1]), [0.0, -1.0])):
        assert_everywhere(f, at, [0.0, 0.0])
    assert_everywhere(lambda z: sp.xlogy(z[0], z[1]), [0.0, 2.0], [np.log(2.0), 0.0], [0.5, 0.5])
    assert_everywhere(lambda x: np.sum(sp.xlogy(x, x)), [0.5, 2.0], 1 + np.log([0.5, 2.0]), [2.0, 0.5])
    assert_everywhere(lambda p: np.sum(sp.rel_entr(p, np.array([0.5, 0.5]))), [0.25, 0.75], np.log([0.5, 1.5]) + 1,
                      [4.0, 4 / 3])
    assert_everywhere(lambda q: np.sum(sp.rel_entr(np.array([0.0, 1.0]), q)), [0.5, 0.5], [0.0, -2.0], [0.0, 4.0])


@quiet
def test_powers_of_zero():
    for p, first, second in ((1, 1.0, 0.0), (2, 0.0, 2.0), (3, 0.0, 0.0), (4, 0.0, 0.0), (0, 0.0, 0.0), (2.5, 0.0, 0.0),
                             (1.0, 1.0, 0.0), (5, 0.0, 0.0)):
        assert_everywhere(lambda x, p=p: np.sum(x ** p), [0.0], [first], [second])
        assert_everywhere(lambda x, p=p: np.sum(np.power(x, np.array([p], dtype=float))), [0.0], [first], [second])
        assert_everywhere(lambda x, p=p: x[0] ** p, [0.0], [first], [second])
    assert ad.grad(lambda x: x ** 0.5)(0.0) == np.inf
    np.testing.assert_array_equal(ad.grad(lambda p: np.sum(np.array([0.0, 2.0]) ** p))(np.array([1.5, 1.0])),
                                  [0.0, 2 * np.log(2)])
    np.testing.assert_allclose(ad.grad(lambda x: np.sum((-x) ** 3 + (-x) ** -2))(np.array([2.0])), [-12.0 - 0.25])


@quiet
def test_second_derivatives_that_are_infinite_times_zero():
    for f in (lambda x: np.sum(np.abs(x) ** 1.5), lambda x: np.sum(np.where(x > 0, x, 0.0) ** 1.5)):
        assert_everywhere(f, [0.0, 4.0], [0.0, 3.0], [0.0, 0.375])
    x, v = np.array([0.0, 4.0]), np.array([0.0, 1.0])
    fun = ad.compile(lambda x: np.sum(x ** 1.5))
    for at in (x, x + 1, x):
        hv = fun.linearize_grad(at)[2]
    np.testing.assert_array_equal(hv(v), [0.0, 0.375])
    np.testing.assert_array_equal(hv(np.ones(2)), [np.inf, 0.375])


@quiet
def test_where_numpy_has_infinities_so_have_we():
    for f in (lambda x: 1 / x[0] + x[1], lambda x: np.log(x[0]) * x[1], lambda x: np.sum(1 / x) + x[1],
              lambda x: x[0] ** -1.5, lambda x: x[1] / x[0]):
        fun, linear = ad.compile(f), ad.compile(f)
        for x in (np.array([1.0, 2.0]), np.array([2.0, 3.0]), np.array([0.0, 1.0]), np.array([-1.0, 1.0])):
            slow = ad.compile(f, eager=True)
            np.testing.assert_array_equal(fun(x), f(x))
            np.testing.assert_allclose(fun.grad(x), slow.grad(x), equal_nan=True)
            np.testing.assert_allclose(linear.linearize_grad(x)[2](np.ones(2)), slow.linearize_grad(x)[2](np.ones(2)),
                                       equal_nan=True)
        assert fun.report.mode == linear.report.mode == "compiled"
    fun = ad.compile(lambda x: np.exp(x[0]) * x[1])
    for k in (1.0, 2.0, 800.0):
        assert fun(np.array([k, 2.0])) == np.exp(k) * 2.0


def test_logical_values_behave_as_in_numpy():
    """True + True is True in NumPy, 2 in Python."""
    for f in (lambda x: ((x[0] > -9) + (x[1] > -9)) * x[0], lambda x: ((x[0] > -9) * (x[1] > -9) + (x[0] > -9)) * x[0],
              lambda x: np.maximum(x[0] > -9, x[1] > -9) * x[0],
              lambda x: np.sum(((x > -9) | (x > 3)) + (x > -9)) * x[0], lambda x: sum(x > -9) * x[0],
              lambda x: (True ^ (x[0] > 100)) * x[0], lambda x: np.sum(((x > -9) & True) * x[0]),
              lambda x: np.sum(np.where((x > -9) & True, 1.0, 2.0) * x[0])):
        fun = ad.compile(f)
        for k in range(3):
            value, grad = fun.value_and_grad(np.array([1.5, 2.0]) + k)
            assert value == f(np.array([1.5, 2.0]) + k) and grad[0] == value / (1.5 + k)
        assert fun.report.mode == "compiled"


def test_stop_gradient():
    f = lambda x: np.sum(ad.stop_gradient(x) * x ** 2)  # noqa: E731
    assert_everywhere(f, [1.5, -2.0], 2 * np.array([1.5, -2.0]) ** 2)
    assert ad.stop_gradient(3.0) == 3.0


# --- regressions: what fuzzing and reading found ----------------------------------------------------------------------


@pytest.mark.parametrize("f", (
    lambda x: np.sum((np.concatenate([x[1:], x[:1]]) + x) ** 2 * np.arange(5.0)),
    # a cotangent scattered onto itself
    lambda x: np.sum((np.concatenate([x[2:], x[:2]]) + np.exp(x)) ** 3), lambda x: np.sum(x) ** 2 + x[0] ** 3,
    # onto a single number
    lambda x: np.exp(np.sum(x)) + np.sum(x[1:3] ** 3),
    lambda x: np.mean(x) * x[0] * x[4] + np.sum(x[[0, 0, 2]] ** 2) * np.max(x),
    lambda x: np.sum(np.einsum("ij->ji", np.exp(x[:4].reshape(2, 2))) * np.cos(x[:4].reshape(2, 2) + 1.0).T),
    lambda x: np.array([x[0], x[1]])[True].sum() * x[1],
    lambda x: np.sum(np.sum(x)[None] * np.sum(x)[..., None]) + x[0], lambda x: np.dot(x[..., 0], x[..., 1]) * x[0],
    lambda x: np.prod(x[:0]) * x[0], lambda x: np.max(np.sum(x)) * np.sum(np.var(np.tile(x, (2, 1)), axis=1) ** 2),
    lambda x: np.sum(np.sum(np.tile(x, (2, 5, 1)) ** 2, axis=0) * np.arange(5.0)),     # a cotangent of fewer axes
    lambda x: np.sum(np.sum(np.multiply.outer(x, np.ones((5, 5))) ** 2, axis=1) * np.arange(5.0)) + x[0]))
def test_cases_that_were_wrong(f):
    x, v = np.array([0.3, -0.7, 1.2, 0.9, -0.4]), np.array([1.0, -2.0, 0.5, 0.3, 1.5])
    fast, linear = ad.compile(f), ad.compile(f)
    for k in range(3):
        p = x + k / 16
        np.testing.assert_allclose(fast.grad(p), ad.finite_difference.gradient(f, p), rtol=1e-7, atol=1e-8)
        truth = ad.finite_difference.hvp(f, p, v, grad=ad.compile(f, eager=True).grad)
        np.testing.assert_allclose(linear.linearize_grad(p)[2](v), truth, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(ad.grad(lambda z: ad.grad(f)(z) @ v)(p), truth, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(fast(p), f(p))
    assert fast.report.mode == linear.report.mode == "compiled"


def test_slices_of_arguments_of_different_length_share_no_diagonal():
    def f(p):
        return np.sum(p["a"][:2] * p["b"][:2]) + p["a"][0] * p["b"][1] ** 2 + p["b"][0] ** 2 * p["c"][0]
    fun = ad.compile(f)
    for k in range(3):
        p = {"a": np.arange(5.0) + k, "b": np.arange(4.0) + 1, "c": np.array([2.0])}
        hv = fun.linearize_grad(p)[2]({"a": np.ones(5), "b": np.ones(4), "c": np.ones(1)})
        b0, b1 = p["b"][:2]
        np.testing.assert_allclose(hv["a"], [1 + 2 * b1, 1, 0, 0, 0])
        np.testing.assert_allclose(hv["b"], [1 + 2 * p["c"][0] + 2 * b0, 1 + 2 * b1 + 2 * p["a"][0], 0, 0])
        np.testing.assert_allclose(hv["c"], [2 * b0])


def test_functions_that_cancel_are_not_taken_for_impure():
    """norm(x)² and x@x differ in the last digit, traced or not."""
    fun = ad.compile(lambda x: 1e3 * (np.linalg.norm(x) ** 2 - x @ x) + 0 * x[0])
    x = np.linspace(0.1, 1.7, 7)
    for k in range(3):
        np.testing.assert_allclose(fun.grad(x + k), np.zeros(7), atol=1e-9)


# --- derivatives of derivatives ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("f, derivatives", (
    (lambda x: x ** 5, lambda x: (5 * x ** 4, 20 * x ** 3, 60 * x ** 2, 120 * x)),
    (np.sin, lambda x: (np.cos(x), -np.sin(x), -np.cos(x), np.sin(x))),
    (lambda x: np.exp(2 * x), lambda x: tuple(2.0 ** k * np.exp(2 * x) for k in range(1, 5))),
    (lambda x: 1 / x, lambda x: (-x ** -2, 2 * x ** -3, -6 * x ** -4, 24 * x ** -5)),
    (np.log, lambda x: (1 / x, -x ** -2, 2 * x ** -3, -6 * x ** -4)),
    (lambda x: x * np.exp(x), lambda x: tuple((x + k) * np.exp(x) for k in range(1, 5))),
    (lambda x: np.sqrt(x), lambda x: (0.5 * x ** -0.5, -0.25 * x ** -1.5, 0.375 * x ** -2.5, -0.9375 * x ** -3.5)),
    (np.tanh, lambda x: (lambda t: (1 - t**2, -2 * t * (1 - t**2), (1 - t**2) * (6 * t**2 - 2),
                                    (1 - t**2) * (16 * t - 24 * t**3)))(math.tanh(x))),
    (lambda x: np.sum(np.array([x, x * x]) @ np.array([[1.0, x], [x ** 2, 0.5]])),      # x + x⁴ + 3x²/2
     lambda x: (1 + 4 * x ** 3 + 3 * x, 12 * x ** 2 + 3, 24 * x, 24.0))))
def test_orders_one_to_four(f, derivatives):
    for x in (0.7, 1.3):
        g, h = f, f
        for truth in derivatives(x):
            g = ad.grad(g)
            h = (lambda inner: lambda z: ad.jvp(inner, (z,), (1.0,))[1])(h)
            np.testing.assert_allclose(g(x), truth, rtol=1e-10)
            np.testing.assert_allclose(h(x), truth, rtol=1e-10)
        compiled = ad.compile(ad.grad(ad.grad(f)))
        for k in range(3):
            np.testing.assert_allclose(compiled.value_and_grad(x + k)[1], derivatives(x + k)[2], rtol=1e-9)


@pytest.mark.parametrize("modes", list(itertools.product(("reverse", "forward"), repeat=3)))
def test_third_order_in_every_order_of_modes(modes):
    """d³/dt³ of Σ sin(t a)² along every nesting of forward and reverse."""
    a, t = np.array([0.5, 1.0, -0.7]), 0.8

    def derivative(f, mode):
        return ad.grad(f) if mode == "reverse" else lambda z: ad.jvp(f, (z,), (1.0,))[1]
    f = lambda t: np.sum(np.sin(t * a) ** 2)  # noqa: E731
    for mode in modes:
        f = derivative(f, mode)
    np.testing.assert_allclose(f(t), np.sum(-4 * a ** 3 * np.sin(2 * a * t)), rtol=1e-10)


def test_no_perturbation_confusion():
    d = ad.grad
    assert d(lambda x: x * d(lambda y: x + y)(1.0))(1.0) == 1.0                        # Siskind & Pearlmutter 2005
    assert d(lambda x: x * d(lambda y: x * y)(2.0))(3.0) == 6.0
    assert d(lambda x: d(lambda y: x * y ** 2)(x))(3.0) == 12.0
    assert d(lambda x: d(lambda x: x ** 3)(x * 2) * x)(1.0) == pytest.approx(36.0)
    forward = lambda f, z: ad.jvp(f, (z,), (1.0,))[1]  # noqa: E731
    assert forward(lambda x: x * forward(lambda y: x + y, 1.0), 1.0) == 1.0
    assert d(lambda x: x * forward(lambda y: x + y, 1.0))(1.0) == 1.0
    assert forward(lambda x: x * d(lambda y: x + y)(1.0), 1.0) == 1.0
    assert d(lambda x: x * ad.vjp(lambda y: x + y, 1.0)[1](1.0))(1.0) == 1.0
    assert d(lambda x: ad.hessian(lambda y: np.sum(x * y ** 3))(np.ones(1))[0, 0])(2.0) == 6.0
    assert d(lambda x: np.sum(ad.jacobian(lambda y: x * y ** 2)(np.array([1.0, 2.0]))))(3.0) == 6.0
    compiled = ad.compile(lambda x: np.sum(x * d(lambda y: np.sum(x * y ** 2))(x[::-1])))
    for k in range(3):
        x = np.array([1.0, 2.0 + k])
        np.testing.assert_allclose(compiled.grad(x),
                                   ad.finite_difference.gradient(lambda x: np.sum(2 * x ** 2 * x[::-1]), x), rtol=1e-8)
    assert compiled.report.mode == "compiled"


def smooth(x):
    return np.sum(np.sin(x) * x[::-1] ** 2) + np.exp(0.3 * x @ x) + np.prod(x)


def test_hessians_agree_and_are_symmetric(rng):
    x, v = rng.standard_normal(4), rng.standard_normal(4)
    h = ad.hessian(smooth)(x)
    np.testing.assert_allclose(h, h.T, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(h, ad.finite_difference.hessian(smooth, x, grad=ad.grad(smooth)), rtol=1e-7, atol=1e-8)
    for other in (ad.jacobian(ad.grad(smooth))(x), ad.jacobian(ad.jacobian(smooth))(x),
                  ad.jacobian(ad.jacobian(smooth, mode="forward"), mode="reverse")(x),
                  ad.jacobian(ad.grad(smooth), mode="forward")(x), np.stack([ad.hvp(smooth, x, e) for e in np.eye(4)])):
        np.testing.assert_allclose(other, h, rtol=1e-11, atol=1e-12)
    for product in (ad.hvp(smooth, x, v), ad.jvp(ad.grad(smooth), (x,), (v,))[1], ad.vjp(ad.grad(smooth), x)[1](v),
                    ad.grad(lambda z: ad.grad(smooth)(z) @ v)(x), ad.grad(lambda z: ad.jvp(smooth, (z,), (v,))[1])(x),
                    ad.jvp(lambda z: ad.vjp(smooth, z)[1](1.0), (x,), (v,))[1], ad.linearize(ad.grad(smooth), x)[1](v)):
        np.testing.assert_allclose(product, h @ v, rtol=1e-11, atol=1e-12)


def test_derivatives_of_hessian_vector_products(rng):
    x, v = rng.standard_normal(3), rng.standard_normal(3)
    third = ad.grad(lambda z: v @ ad.hvp(smooth, z, v))(x)
    np.testing.assert_allclose(third, ad.finite_difference.gradient(lambda z: v @ ad.hvp(smooth, z, v), x), rtol=1e-7,
                               atol=1e-7)
    np.testing.assert_allclose(ad.grad(lambda w: 0.5 * w @ ad.hvp(smooth, x, w))(v), ad.hvp(smooth, x, v), rtol=1e-12)
    np.testing.assert_allclose(ad.jacobian(ad.hessian(smooth))(x) @ v @ v, third, rtol=1e-10)


def test_jacobian_of_a_jacobian_is_the_tensor_of_second_derivatives(rng):
    x, a = rng.standard_normal(3), rng.standard_normal((2, 3))

    def f(x):
        return np.tanh(a @ x)
    t = np.tanh(a @ x)
    np.testing.assert_allclose(ad.jacobian(f)(x), (1 - t ** 2)[:, None] * a, rtol=1e-12)
    truth = np.einsum("m,mi,mj->mij", -2 * t * (1 - t ** 2), a, a)
    for first, second in itertools.product(("forward", "reverse"), repeat=2):
        np.testing.assert_allclose(ad.jacobian(ad.jacobian(f, mode=first), mode=second)(x), truth, rtol=1e-11)


def test_jacobian_picks_the_cheaper_mode_and_says_so():
    tall, wide = ad.jacobian(lambda x: np.outer(x, x)), ad.jacobian(lambda x: np.array([x.sum(), x @ x]))
    assert tall(np.ones(3)).shape == (3, 3, 3) and tall.passes == ("forward", 3)
    assert wide(np.ones(5)).shape == (2, 5) and wide.passes == ("reverse", 2)
    assert ad.jacobian(lambda x: x ** 2)(2.0) == 4.0
    assert ad.jacobian(lambda x: np.array([x, x ** 2]))(3.0).tolist() == [1.0, 6.0]
    assert ad.jacobian(lambda x: np.sum(x ** 2))(np.array([1.0, 2.0])).tolist() == [2.0, 4.0]


# --- structures and arguments -----------------------------------------------------------------------------------------


def test_nested_structures():
    def f(p, scale):
        (w, b), extra = p["layer"], p["rest"]
        return scale * np.sum(np.tanh(w @ extra[0] + b)) * extra[1] + np.sum(p["layer"][0] ** 2)
    p = {"layer": (np.array([[0.1, 0.2], [0.3, -0.4]]), np.array([0.5, -0.5])), "rest": [np.array([1.0, 2.0]), 0.7]}
    flat, unravel = ad.pytree.ravel(p)
    truth = ad.finite_difference.gradient(lambda z: f(unravel(z), 2.0), flat)
    fun = ad.compile(f)
    for k in range(3):
        _, grad, hv = fun.linearize_grad(p, 2.0)
        assert type(grad["layer"]) is tuple and type(grad["rest"]) is list and np.shape(grad["rest"][1]) == ()
        np.testing.assert_allclose(ad.pytree.ravel(grad)[0], truth, rtol=1e-7)
        np.testing.assert_allclose(ad.pytree.ravel(fun.grad(p, 2.0))[0], truth, rtol=1e-7)
        direction = unravel(np.cos(np.arange(flat.size)))
        step = 1e-6 * ad.pytree.ravel(direction)[0]
        change = [ad.pytree.ravel(ad.grad(f)(unravel(flat + s), 2.0))[0] for s in (step, -step)]
        np.testing.assert_allclose(ad.pytree.ravel(hv(direction))[0], (change[0] - change[1]) / 2e-6, rtol=1e-6,
                                   atol=1e-7)
        fun.grad(unravel(flat + 0.1 * (k + 1)), 2.0)
    np.testing.assert_allclose(ad.pytree.ravel(ad.vjp(lambda q: f(q, 2.0), p)[1](1.0))[0], truth, rtol=1e-7)


@pytest.mark.parametrize("argnum", (0, 1, -1, -2))
def test_argnum(argnum):
    def f(x, y):
        return np.sum(x ** 2 * y[0]) + y @ y * np.sum(x)
    args = [np.array([1.0, 2.0]), np.array([3.0, -1.0, 0.5])]

    def of_one(z):
        full = list(args)
        full[argnum] = z
        return f(*full)
    truth = ad.finite_difference.gradient(of_one, args[argnum])
    curvature = ad.finite_difference.hessian(of_one, args[argnum])
    np.testing.assert_allclose(ad.grad(f, argnum)(*args), truth, rtol=1e-8)
    np.testing.assert_allclose(ad.value_and_grad(f, argnum)(*args)[1], truth, rtol=1e-8)
    np.testing.assert_allclose(ad.jacobian(f, argnum)(*args), truth, rtol=1e-8)
    np.testing.assert_allclose(ad.hessian(f, argnum)(*args), curvature, rtol=1e-5, atol=1e-5)
    fun = ad.compile(f, argnum)
    for k in range(3):
        moved = [a + k for a in args]
        np.testing.assert_allclose(fun.grad(*moved), ad.grad(f, argnum)(*moved), rtol=1e-13)
    assert fun.report.mode == "compiled"


def test_several_arguments_in_jvp_and_vjp():
    x, y = np.array([1.0, 2.0]), 3.0
    f = lambda x, y: {"a": x * y, "b": (np.sum(x) ** 2 + y, [y * 2.0, 1.5])}  # noqa: E731
    out, moved = ad.jvp(f, (x, y), (np.array([1.0, 0.0]), 2.0))
    np.testing.assert_allclose(moved["a"], [5.0, 4.0])
    assert moved["b"][0] == 8.0 and moved["b"][1] == [4.0, 0.0] and out["b"][1][1] == 1.5
    back = ad.vjp(f, x, y)[1]({"a": np.array([1.0, -1.0]), "b": (0.5, [1.0, 9.0])})
    np.testing.assert_allclose(back[0], [6.0, 0.0])
    assert back[1] == pytest.approx(1 - 2 + 0.5 + 2)


def test_control_flow_follows_the_values():
    def newton_root(a):
        x, steps = a, 0
        while abs(x * x - a) > 1e-13:
            x, steps = 0.5 * (x + a / x), steps + 1
        return x

    def f(x):
        total = 0.0
        for v in x:
            total = total + (newton_root(v) if v > 0 else -v ** 3 / 3)
        return total
    fun = ad.compile(f)
    for x in ([1.2, 4.0, -2.0], [1.5, 3.0, -1.0], [2.0, -4.0, 9.0], [1.2, 4.0, -2.0], [-1.0, -2.0, -3.0],
              [1.1, 4.0, -2.0]) * 3:
        x = np.array(x)
        value, grad = fun.value_and_grad(x)
        assert value == pytest.approx(f(x))
        np.testing.assert_allclose(grad, np.where(x > 0, 0.5 / np.sqrt(np.abs(x)), -x ** 2), rtol=1e-9)


def test_deviation_of_equal_numbers():
    """std is a norm: where all numbers are equal its derivatives are 0, and std² keeps its own."""
    x, v = np.full(4, 1.5), np.array([1.0, -2.0, 0.5, 3.0])
    np.testing.assert_array_equal(ad.grad(np.std)(x), np.zeros(4))
    np.testing.assert_array_equal(ad.hvp(np.std, x, v), np.zeros(4))
    np.testing.assert_allclose(ad.hvp(lambda x: np.std(x) ** 2, x, v), (v - v.mean()) / 2, rtol=1e-14)
