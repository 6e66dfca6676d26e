"""SciPy's functions that are written in NumPy: recorded as the user's own code, or refused with the user's line."""

import numpy as np
import pytest
import scipy.integrate
import scipy.optimize
from scipy.integrate import romb, simpson, trapezoid
from scipy.optimize import rosen, rosen_der, rosen_hess, rosen_hess_prod

import autodiff as ad

X = np.array([1.3, 0.7, 0.8, 1.9, 1.2])
EVEN, ODD = np.array([0.0, 0.3, 1.0, 1.2, 2.0, 2.5]), np.array([0.0, 0.3, 1.0, 1.2, 2.0])
P = np.arange(1.0, 6.0)

INTEGRALS = {
    "trapezoid": (lambda y: trapezoid(y ** 2), X),
    "trapezoid_points": (lambda y: trapezoid(y ** 2, x=ODD), X),
    "trapezoid_of_points": (lambda x: trapezoid(ODD ** 2, x=x), X),
    "trapezoid_dx": (lambda d: trapezoid(X, dx=d[0] * d[1]), np.array([0.3, 2.0])),
    "trapezoid_axis": (lambda y: trapezoid(np.outer(y, y), axis=0) @ P, X),
    "simpson_odd": (lambda y: simpson(y ** 2), X),
    "simpson_even": (lambda y: simpson(y ** 2), EVEN),
    "simpson_points": (lambda y: simpson(y ** 2, x=ODD), X),
    "simpson_points_even": (lambda y: simpson(np.append(y, 1.0) ** 2, x=EVEN), X),
    "simpson_of_points": (lambda x: simpson(ODD ** 2, x=x), np.sort(X)),
    "romb": (lambda y: romb(y ** 2), X),
}


@pytest.mark.parametrize("derivatives", [ad.grad, lambda f: ad.compile(f).grad], ids=["grad", "compile"])
def test_rosen_has_the_derivatives_that_scipy_gives(derivatives):
    np.testing.assert_allclose(derivatives(rosen)(X), rosen_der(X), rtol=1e-13)
    np.testing.assert_allclose(derivatives(lambda x: rosen([x[0], 2 * x[1]]))(X[:2]),
                               rosen_der(X[:2] * [1, 2]) * [1, 2], rtol=1e-13)
    np.testing.assert_allclose(derivatives(lambda x: rosen_der(x) @ P)(X), rosen_hess(X) @ P, rtol=1e-13)
    third = ad.jacobian(ad.hessian(rosen))(X)
    np.testing.assert_allclose(derivatives(lambda x: rosen_hess_prod(x, P) @ P)(X), (third @ P).T @ P, rtol=1e-13)
    np.testing.assert_allclose(ad.hessian(rosen)(X), rosen_hess(X), rtol=1e-13, atol=1e-12)


def test_it_is_called_from_a_package_or_by_another_name_all_the_same():
    optimize = scipy.optimize
    np.testing.assert_allclose(ad.grad(lambda x: optimize.rosen(x))(X), rosen_der(X), rtol=1e-13)
    np.testing.assert_allclose(ad.grad(lambda x, f=rosen: f(x))(X), rosen_der(X), rtol=1e-13)


@pytest.mark.parametrize("name", INTEGRALS)
def test_integrals_of_samples_have_derivatives(name):
    f, x = INTEGRALS[name]
    e = 1e-6 * np.eye(len(x))
    differences = np.array([(f(x + step) - f(x - step)) / 2e-6 for step in e])
    np.testing.assert_allclose(ad.grad(f)(x), differences, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(ad.compile(f).value_and_grad(x)[1], differences, rtol=1e-7, atol=1e-8)


def test_what_scipy_gives_to_compiled_code_stays_an_error():
    for f in (lambda x: scipy.integrate.simpson(EVEN, x=x), lambda x: np.sum(rosen_hess(x))):
        with pytest.raises(ad.TraceError, match="lose its derivative"):
            ad.grad(f)(EVEN + 1.0)


def test_only_solvers_are_said_to_need_an_implicit_root():
    for f, remedy in ((lambda x: scipy.optimize.fsolve(lambda t: t - x[0], 0.0)[0], "implicit_root"),
                      (lambda x: scipy.optimize.minimize(rosen, x).fun, "implicit_root"),
                      (lambda x: np.sum(rosen_hess(x)), "give the gradient by hand")):
        with pytest.raises(ad.TraceError, match=remedy):
            ad.grad(f)(X[:2])
