"""Finite differences: schemes, shapes, steps; the error against the step has the slopes that theory gives."""

import numpy as np
import pytest

import autodiff as ad
from autodiff import finite_difference as fd

X = np.array([[0.7, -1.3, 2.0], [0.2, 0.9, -0.4]])
SCHEMES = ("forward", "backward", "central")
TOL = {"forward": 1e-6, "backward": 1e-6, "central": 1e-8}


def scalar(x):
    return np.sum(np.sin(x) * x[::-1] ** 2) + np.prod(x[0])


def vector(x):
    return np.stack([np.exp(0.3 * x[0]), x[0] * x[1]])


@pytest.mark.parametrize("scheme", SCHEMES)
def test_first_derivatives(scheme):
    tol = {"rtol": 0, "atol": 10 * TOL[scheme]}
    np.testing.assert_allclose(fd.gradient(scalar, X, scheme), ad.grad(scalar)(X), **tol)
    jacobian = ad.jacobian(vector)(X)
    np.testing.assert_allclose(fd.jacobian(vector, X, scheme), jacobian, **tol)
    np.testing.assert_allclose(fd.element(vector, X, (1, 2), (0, 2), scheme), jacobian[1, 2, 0, 2], **tol)
    v = np.cos(np.arange(6.0)).reshape(2, 3)
    np.testing.assert_allclose(fd.directional(vector, X, v, scheme), np.tensordot(jacobian, v, 2), **tol)


def test_a_jacobian_by_element_by_column_and_by_direction_is_one_jacobian():
    by_column = fd.jacobian(vector, X)
    by_element = np.array([[fd.element(vector, X, row, column) for column in np.ndindex(X.shape)]
                           for row in np.ndindex(2, 3)]).reshape(2, 3, 2, 3)
    by_direction = np.stack([fd.directional(vector, X, e.reshape(X.shape)) for e in np.eye(6)], -1).reshape(2, 3, 2, 3)
    np.testing.assert_allclose(by_element, by_column, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(by_direction, by_column, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_second_derivatives(scheme):
    hessian, tol = ad.hessian(scalar)(X), 1e-2 if scheme != "central" else 1e-6
    v = np.cos(np.arange(6.0)).reshape(2, 3)
    for grad, atol in ((None, tol), (ad.grad(scalar), 1e-6)):
        found = fd.hessian(scalar, X, scheme, grad=grad)
        np.testing.assert_allclose(found, hessian, atol=atol)
        np.testing.assert_array_equal(found, np.transpose(found, (2, 3, 0, 1)))
        np.testing.assert_allclose(fd.hvp(scalar, X, v, scheme, grad=grad), np.tensordot(hessian, v, 2), atol=4 * atol)


def test_what_it_costs():
    """n + 1 or 2n evaluations for a gradient, two for a direction, 4n for a Hessian-vector product by values."""
    calls = []

    def counted(x):
        calls.append(1)
        return scalar(x)
    for run, expected in ((lambda: fd.gradient(counted, X, "forward"), 7), (lambda: fd.gradient(counted, X), 12),
                          (lambda: fd.directional(counted, X, X), 2), (lambda: fd.hvp(counted, X, X), 24),
                          (lambda: fd.hessian(counted, X, "forward"), 1 + 6 + 21), (lambda: fd.hessian(counted, X), 84),
                          (lambda: fd.element(lambda x: np.stack([counted(x)]), X, 0, (1, 1)), 2)):
        calls.clear()
        run()
        assert len(calls) == expected


@pytest.mark.parametrize("scheme, order", (("forward", 1), ("backward", 1), ("central", 2)))
def test_error_against_step(scheme, order):
    """Slopes on a log-log scale: O(δ) and O(δ²) where truncation rules, −1 where rounding does."""
    def f(x):
        return np.exp(np.sin(x[0])) * x[1] ** 3

    x = np.array([0.7, 1.3])
    truth = ad.grad(f)(x)

    def slope(steps):
        errors = [np.linalg.norm(fd.gradient(f, x, scheme, step=step) - truth) for step in steps]
        return np.polyfit(np.log10(steps), np.log10(errors), 1)[0]

    assert abs(slope(10.0 ** np.arange(-3.5, -1.4, 0.25)) - order) < 0.1
    assert abs(slope(10.0 ** np.arange(-14.0, -10.4, 0.1)) + 1) < 0.35


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_default_step_is_near_the_best(scheme):
    x = np.array([0.7, 1.3, -2.0])

    def f(z):
        return np.sum(np.sin(z) * z)

    def error(step):
        return np.max(np.abs(fd.gradient(f, x, scheme, step=step) - ad.grad(f)(x)))
    assert error(None) <= 10 * min(map(error, 10.0 ** np.arange(-12, -1.0)))


def test_small_and_large_entries():
    """typical is the size below which an entry counts as zero; steps follow large entries by themselves."""
    x = np.array([1e-7, 3e5])

    def f(z):
        return np.sin(1e7 * z[0]) + (1e-5 * z[1]) ** 2
    truth = ad.grad(f)(x)
    np.testing.assert_allclose(fd.gradient(f, x, typical=np.array([1e-7, 1.0])), truth, rtol=1e-6)
    assert abs(fd.gradient(f, x)[0] - truth[0]) > 0.1 * truth[0]
    np.testing.assert_allclose(fd.gradient(f, x, step=np.array([1e-12, 1.0])), truth, rtol=1e-6)


def test_divisors_are_the_steps_taken():
    """f(x) = x at 1e5 + 1/3 with h = 1e-9: (x + h) − x is 1.0186e-9, and the quotient is 1 all the same."""
    assert fd.gradient(lambda x: x[0], np.array([1e5 + 1 / 3]), "forward", step=1e-9)[0] == 1.0


def test_float32():
    """Steps for the precision at hand; the result in it."""
    x = X.astype(np.float32)
    found = fd.gradient(lambda z: np.sum(np.sin(z) * z), x)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.cos(X) * X + np.sin(X), atol=1e-3)
    assert fd.hessian(lambda z: np.sum(z**3), x).dtype == np.float32


def test_awkward_shapes():
    assert fd.gradient(np.sin, 0.3).shape == () and np.isclose(fd.gradient(np.sin, 0.3), np.cos(0.3))
    assert np.isclose(fd.hessian(np.sin, 0.3), -np.sin(0.3), atol=1e-6)
    assert np.isclose(fd.hvp(np.sin, 0.3, 2.0), -2 * np.sin(0.3), atol=1e-5)
    assert fd.gradient(lambda x: 3.0, np.zeros(0)).shape == (0,)
    assert fd.jacobian(lambda x: np.ones(2), np.zeros((0, 3))).shape == (2, 0, 3)
    assert fd.hessian(lambda x: 3.0, np.zeros(0)).shape == (0, 0)
    np.testing.assert_allclose(fd.gradient(lambda x: np.sum(x**2), [1, 2]), [2, 4])           # integers
    np.testing.assert_allclose(fd.gradient(lambda x: np.sum(x**2), np.arange(6.0)[::2]), [0, 4, 8], atol=1e-9)
    assert fd.directional(vector, X, np.zeros_like(X)).shape == (2, 3)
    assert not fd.hvp(scalar, X, np.zeros_like(X)).any()


@pytest.mark.parametrize("run, match", (
    (lambda: fd.gradient(scalar, X, "centered"), "one of forward, backward, central"),
    (lambda: fd.hessian(scalar, X, "centered"), "one of forward, backward, central"),
    (lambda: fd.hvp(scalar, X, X, "centered"), "one of forward, backward, central"),
    (lambda: fd.gradient(scalar, X, step=0.0), "step must be positive"),
    (lambda: fd.gradient(scalar, X, step=np.nan), "step must be positive"),
    (lambda: fd.gradient(scalar, X, typical=-1.0), "typical must be positive"),
    (lambda: fd.gradient(vector, X), r"one number, got shape \(2, 3\)")))
def test_wrong_arguments(run, match):
    with pytest.raises(ValueError, match=match):
        run()
