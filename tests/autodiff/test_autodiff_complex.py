"""Complex numbers: on the way from real to real, as arguments of real functions, and holomorphic functions."""

import numpy as np
import pytest

import autodiff as ad

X = np.array([0.3, -1.2, 0.7])
Z = np.array([0.3 + 0.5j, -1.2 + 0.1j, 0.7 - 0.4j])


def _polar(x):
    z = x * np.exp(1j * x)
    return np.sum(np.abs(z - 0.3) ** 2 + np.real(z) * np.imag(z) + np.angle(2 + z))


def _filled(x):
    z = np.zeros(3, dtype=complex)
    z[:2] = x[:2] + 1j * x[1:]
    z[2] = 1j * x[0]
    z *= z.conj() + x
    return np.sum((z * z.conj()).real) + np.sum(z.imag ** 3)


def _written_parts(x):
    z = x + 0j
    z.real[1:] = x[:2] ** 2
    z.imag = 2 * x
    return np.sum(np.abs(z) ** 3)


REAL_TO_REAL = {"polar": _polar, "filled": _filled, "written parts": _written_parts,
                "powers": lambda x: np.real(np.sum((x + 1j) ** 3 / (x - 2j))),
                "matmul": lambda x: np.abs(np.vdot(x + 1j * x ** 2, np.outer(x, x) @ (x - 1j))),
                "roots": lambda x: np.sum(np.sqrt(x + 0j).imag + np.log(x + 0j).real),
                "sign": lambda x: np.sum(np.sign(x + 0.3j).imag),
                "where": lambda x: np.sum(np.where(x > 0, x * 1j, x)).imag,
                "sum": lambda x: np.abs(np.sum(x * 1j + 1) + np.mean(x - 2j) + np.prod(x + 1j)),
                "conj": lambda x: np.sum(np.conj(x) * np.conjugate(x * 1j) * (1j * x)).real,
                "scalar": lambda x: abs(complex(0.5, 2.0) * x[0] + x[1]) * x[2],
                "cast": lambda x: np.sum((x.astype(complex) * (1 + 2j)).imag)}


@pytest.mark.parametrize("name", REAL_TO_REAL)
def test_complex_on_the_way(name):
    f = REAL_TO_REAL[name]
    ad.check_grads(f, (X,), order=2)
    compiled = ad.compile(f)
    for k in range(4):
        x = X + 0.01 * k
        value, grad = compiled.value_and_grad(x)
        assert abs(value - f(x)) <= 1e-12 * (1 + abs(value))
        np.testing.assert_allclose(grad, ad.finite_difference.gradient(f, x), rtol=1e-6, atol=1e-8)
        assert grad.dtype == np.float64
    assert compiled.report.mode == "compiled"
    v = np.array([0.3, 1.0, -0.5])
    expected = ad.finite_difference.hvp(f, X, v, grad=ad.grad(f))
    np.testing.assert_allclose(compiled.linearize_grad(X)[2](v), expected, rtol=1e-5, atol=1e-7)


def test_gradient_of_a_real_function_of_complex_numbers():
    """∂f/∂x − i ∂f/∂y: 2 z̄ for |z|²."""
    np.testing.assert_allclose(ad.grad(lambda z: np.sum(np.abs(z) ** 2))(Z), 2 * Z.conj(), rtol=1e-14)
    np.testing.assert_allclose(ad.grad(lambda z: np.sum(np.real(z ** 2)))(Z), 2 * Z, rtol=1e-14)

    def f(x, y):
        z = x + 1j * y
        return np.sum(np.abs(np.sin(z) * z.conj()))
    gx, gy = ad.grad(f, 0)(Z.real, Z.imag), ad.grad(f, 1)(Z.real, Z.imag)
    np.testing.assert_allclose(ad.grad(lambda z: f(z.real, z.imag))(Z), gx - 1j * gy, rtol=1e-12)
    np.testing.assert_allclose(ad.grad(lambda z: np.sum(np.abs(np.sin(z) * z.conj())))(Z), gx - 1j * gy, rtol=1e-12)


def test_the_square_of_an_absolute_value_at_zero():
    """|z|² is smooth where |z| is not: a spectrum with zeros in it."""
    f, x, v = lambda x: np.sum(np.abs(np.fft.rfft(x)) ** 2), np.ones(4), np.array([1.0, -2.0, 0.5, 3.0])    # noqa: E731
    expected = ad.hessian(lambda x: np.sum(np.fft.rfft(x).real ** 2 + np.fft.rfft(x).imag ** 2))(x) @ v
    np.testing.assert_allclose(ad.hvp(f, x, v), expected, rtol=1e-13)
    ad.check_grads(f, (x,), order=2)


HOLOMORPHIC = {"exp": (np.exp, np.exp), "sin": (np.sin, np.cos), "power": (lambda z: z ** 3, lambda z: 3 * z ** 2),
               "log": (np.log, lambda z: 1 / z), "sqrt": (np.sqrt, lambda z: 0.5 / np.sqrt(z)),
               "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
               "quotient": (lambda z: z / (z + 2j), lambda z: 2j / (z + 2j) ** 2)}


@pytest.mark.parametrize("name", HOLOMORPHIC)
def test_holomorphic(name):
    f, derivative = HOLOMORPHIC[name]
    for z in Z:
        assert ad.grad(f, holomorphic=True)(z) == pytest.approx(derivative(z), rel=1e-13)
    np.testing.assert_allclose(ad.jacobian(f, holomorphic=True)(Z), np.diag(derivative(Z)), rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(ad.jvp(f, (Z,), (Z,))[1], derivative(Z) * Z, rtol=1e-13)
    np.testing.assert_allclose(ad.vjp(f, Z)[1](Z), derivative(Z) * Z, rtol=1e-13)


def test_second_order_holomorphic():
    g = ad.grad(lambda z: ad.grad(lambda u: np.exp(u) * u, holomorphic=True)(z), holomorphic=True)
    assert g(0.3 + 0.2j) == pytest.approx((2 + 0.3 + 0.2j) * np.exp(0.3 + 0.2j), rel=1e-13)


def test_errors():
    with pytest.raises(TypeError, match="(?s)must return one real number.*np.real, np.abs.*holomorphic=True"):
        ad.grad(lambda z: np.sum(z ** 2))(Z)
    with pytest.raises(TypeError, match="(?s)complex.*holomorphic=True"):
        ad.jacobian(np.exp)(Z)
    with pytest.raises(ad.TraceError, match="(?s)np.maximum of complex.*real parts"):
        ad.grad(lambda x: np.abs(np.maximum(x * 1j, 0).sum()))(X)
    with pytest.raises(ad.TraceError, match="(?s)complex.*float64.*complex dtype"):
        ad.grad(lambda x: np.sum(_into_floats(x)))(X)


def _into_floats(x):
    out = np.zeros(3)
    out[:] = 1j * x
    return out


def test_complex64_stays():
    z = Z.astype(np.complex64)
    assert ad.grad(lambda u: np.sum(np.abs(u) ** 2))(z).dtype == np.complex64
    assert ad.grad(lambda x: np.sum(np.abs(x * np.complex64(1j)) ** 2))(X.astype(np.float32)).dtype == np.float32
