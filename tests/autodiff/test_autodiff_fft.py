"""Fourier transforms: adjoints, real functions through complex spectra, lengths, axes and norms; convolutions."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.fft
import scipy.signal

import autodiff as ad

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4, 5))
Z = X + 1j * RNG.normal(size=X.shape)
REAL_IN = ("rfft", "ihfft", "rfftn", "rfft2", "ihfftn", "ihfft2")


def apart(y):
    return np.stack([np.real(y), np.imag(y)]) if np.iscomplexobj(y) else y


def check(f, x, order=2):
    """NumPy's value, and derivatives with respect to the real and imaginary parts of x."""
    value, truth = ad.trace(f, x).result[0], f(x)
    assert value.shape == truth.shape and value.dtype == truth.dtype
    np.testing.assert_allclose(value, truth, rtol=1e-12, atol=1e-13)
    if np.iscomplexobj(x):
        ad.check_grads(lambda a, b: np.sin(apart(f(a + 1j * b))), (x.real, x.imag), order=order, directions=1)
    else:
        ad.check_grads(lambda a: np.sin(apart(f(a))), (x,), order=order, directions=1)


@pytest.mark.parametrize("norm", [None, "ortho", "forward"])
@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"])
def test_one_axis(name, norm):
    transform, x = getattr(np.fft, name), X if name in REAL_IN else Z
    for n, axis in ((None, -1), (3, 0), (3, 1), (6, 1), (7, -1), (1, 2)):       # cut, padded, even, odd
        check(lambda v, n=n, axis=axis: transform(v, n, axis, norm), x, order=1)
    check(lambda v: transform(v, 4, 0, norm), x[:, 0, 0])
    if name not in REAL_IN:
        check(lambda v: transform(v, norm=norm), X)


@pytest.mark.parametrize("name", ["fftn", "ifftn", "fft2", "ifft2", "rfftn", "irfftn", "rfft2", "irfft2"])
def test_several_axes(name):
    transform, x = getattr(np.fft, name), X if name in REAL_IN else Z
    for how in ({}, {"axes": (0, 2), "norm": "ortho"}, {"s": (3, 6), "axes": (1, 2)}, {"s": (2, 7), "axes": (2, 0)},
                {"s": (-1, 4), "axes": (0, 1), "norm": "forward"}, {"axes": (1,)}):
        check(lambda v, how=how: transform(v, **how), x, order=1)
    if name in ("fftn", "ifftn"):
        check(lambda v: transform(v, axes=(1, 1)), x, order=1)


@pytest.mark.parametrize("module", [np.fft, scipy.fft])
@pytest.mark.parametrize("name", ["fftshift", "ifftshift"])
def test_shifts(module, name):
    for axes in (None, 1, (0, 2), (-1,)):
        check(lambda v, axes=axes: getattr(module, name)(v, axes), X)


@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"])
def test_scipy_twins(name):
    x = X if name in REAL_IN else Z
    check(lambda v: getattr(scipy.fft, name)(v, 6, 1, "ortho", False, 1), x)
    for twin in (f"{name}n", f"{name}2"):
        for how in ({}, {"s": (3, 6), "axes": (1, 2), "workers": 1, "norm": "forward"}):
            check(lambda v, how=how, twin=twin: getattr(scipy.fft, twin)(v, **how), x, order=1)


@pytest.mark.parametrize("name", ["dct", "idct", "dst", "idst"])
@pytest.mark.parametrize("type", [1, 2, 3, 4])
def test_cosine_and_sine_transforms(name, type):
    for norm in (None, "ortho", "forward"):
        for orthogonalize in (None, True, False):
            how = {"n": 3, "axis": 1, "norm": norm, "orthogonalize": orthogonalize}
            check(lambda v, how=how: getattr(scipy.fft, name)(v, type, **how), X, order=1)
    check(lambda v: getattr(scipy.fft, name)(v, type, 6), X[0])
    check(lambda v: getattr(scipy.fft, name + "n")(v, type, s=(3, 6), axes=(0, 2), norm="ortho"), X, order=1)


def test_energy_of_a_spectrum():
    """Parseval: Σ|fft(x)|² = n Σ x², whose gradient is 2nx and whose Hessian 2n I."""
    for n in (4, 5):
        x = RNG.normal(size=n)
        for energy in (lambda v: np.sum(np.abs(np.fft.fft(v))**2),
                       lambda v: np.sum((np.fft.fft(v) * np.conj(np.fft.fft(v))).real),
                       lambda v: np.sum(np.square(np.fft.fft(v).real) + np.square(np.fft.fft(v).imag))):
            np.testing.assert_allclose(ad.grad(energy)(x), 2 * n * x, rtol=1e-12)
            np.testing.assert_allclose(ad.hessian(energy)(x), 2 * n * np.eye(n), rtol=1e-11, atol=1e-11)
            fast = ad.compile(energy)
            for _ in range(3):
                np.testing.assert_allclose(fast.grad(x), 2 * n * x, rtol=1e-12)


@pytest.mark.parametrize("n", [6, 7])
def test_filters_are_their_own_matrix(n):
    """A spectral filter is a linear map: its Jacobian in both modes is the matrix of its columns."""
    response = 1 / (1 + np.fft.rfftfreq(n)**2) * np.exp(-2j * np.pi * 0.3 * np.arange(n // 2 + 1) / n)

    def smooth(v):
        return np.fft.irfft(response * np.fft.rfft(v), n)
    matrix = np.stack([smooth(e) for e in np.eye(n)], axis=1)
    for mode in ("forward", "reverse"):
        np.testing.assert_allclose(ad.jacobian(smooth, mode=mode)(np.ones(n)), matrix, atol=1e-15)
    y = RNG.normal(size=n)
    np.testing.assert_allclose(ad.hessian(lambda v: np.sum((smooth(v) - y)**2))(y), 2 * matrix.T @ matrix, atol=1e-14)
    assert ad.grad(lambda v: np.sum(smooth(v)**2))(y.astype(np.float32)).dtype == np.float32


def test_convolution_by_spectra():
    a, b = RNG.normal(size=6), RNG.normal(size=3)

    def spectral(u, v):
        return np.fft.irfft(np.fft.rfft(u, 8) * np.fft.rfft(v, 8), 8)
    pulled = (ad.vjp(f, a, b)[1](np.arange(8.0)) for f in (spectral, np.convolve))
    for one, other in zip(*pulled, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_spectral_derivative_of_a_periodic_function():
    t = 2 * np.pi * np.arange(16) / 16

    def slope_energy(u):
        return np.sum(np.fft.ifft(1j * np.fft.fftfreq(16, 1 / 16) * np.fft.fft(u)).real**2)
    np.testing.assert_allclose(ad.grad(slope_energy)(np.sin(3 * t)), 2 * 9 * np.sin(3 * t), atol=1e-12)


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("name", ["convolve", "fftconvolve", "oaconvolve", "correlate"])
def test_convolutions_of_scipy(name, mode):
    def f(*args, **kwargs):
        return getattr(scipy.signal, name)(*args, **kwargs)
    image, kernel, short = RNG.normal(size=(5, 4)), RNG.normal(size=(3, 2)), RNG.normal(size=3)
    for a, b in ((image, kernel), (kernel, image), (image[0], short), (short, image[0]), (image[0] + 1j, short)):
        made = ad.trace(lambda u, v: f(u, v, mode), a, b).result[0]
        np.testing.assert_allclose(made, f(a, b, mode), rtol=1e-12, atol=1e-13)
        assert made.shape == f(a, b, mode).shape and made.dtype == f(a, b, mode).dtype
        if not np.iscomplexobj(a):
            ad.check_grads(lambda u, v: np.sin(f(u, v, mode)), (a, b), order=2, directions=1)
    if name == "fftconvolve":
        ad.check_grads(lambda u, v: f(u, v, mode, axes=1), (image, RNG.normal(size=(1, 3))), order=1)


def test_results_are_written_into_out():
    def f(x):
        out = np.zeros(4, complex) * x[0]
        np.fft.fft(x, out=out)
        return np.sum(np.abs(out)**2)
    x = np.array([0.3, -1.0, 2.0, 0.5])
    np.testing.assert_allclose(ad.grad(f)(x), 8 * x, rtol=1e-13)


def test_wrong_arguments_raise_as_numpy_does():
    x = np.ones(4)
    for call, text in ((lambda v: np.fft.fft(v, norm="best"), "Invalid norm value"),
                       (lambda v: np.fft.rfft(v, 0), "Invalid number"),
                       (lambda v: np.fft.fftn(v, s=(2, 2), axes=(0,)), "different lengths")):
        for run in (call, lambda v, call=call: ad.trace(call, v)):
            with pytest.raises(ValueError, match=text):
                run(x)
    with pytest.raises(TypeError):
        ad.trace(lambda v: np.fft.rfft(v * 1j), x)


def test_scipy_signal_is_not_imported_for_those_who_do_not_use_it():
    """It takes longer to import than everything else together; its functions are answered from when it is there."""
    code = """import sys, numpy as np, autodiff as ad
assert ad.grad(np.sum)(np.ones(3)).tolist() == [1, 1, 1]
assert "scipy.signal" not in sys.modules and "scipy.stats" not in sys.modules
import scipy.signal
assert ad.grad(lambda x: np.sum(scipy.signal.convolve(x, [1.0, 2.0])))(np.ones(3)).tolist() == [3, 3, 3]"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
