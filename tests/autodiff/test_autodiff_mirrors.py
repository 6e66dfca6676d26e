"""autodiff.numpy and autodiff.scipy: NumPy and SciPy on plain arrays, right on traced values wherever names are."""

import importlib

import numpy
import pytest
import scipy.linalg
import scipy.special
import scipy.stats

import autodiff as ad
import autodiff.numpy as np
import autodiff.scipy as asp
import autodiff.scipy.stats as stats
from autodiff.numpy import array, asarray, c_, concatenate, full_like, r_, zeros
from autodiff.numpy.linalg import norm
from autodiff.scipy.linalg import expm
from autodiff.scipy.special import expit, logsumexp

X = numpy.array([0.3, -1.2, 0.8])


def agrees(f, x=X):
    found = ad.grad(f)(x)
    numpy.testing.assert_allclose(found, ad.finite_difference.gradient(f, x), rtol=1e-6, atol=1e-8)
    ad.check_grads(f, (x,), order=2)


def test_names_bound_early():
    def fill(x):
        out = zeros(3)
        out[0], out[1] = x[0] * x[1], np.sin(x[2])
        return np.sum(out**2) + np.sum(full_like(x, x[0]) * asarray([x[1], x[2], x[0]]))
    agrees(fill)
    agrees(lambda x: np.sum(array([x[0], x[1] * x[2]]) ** 2) + norm(x) + logsumexp(x) + np.sum(expit(x)))
    agrees(lambda x: np.sum(r_[x, 1.0, x[0]] ** 2) + np.sum(c_[x, x**2] ** 3) + np.sum(concatenate([x, x]) ** 2))
    agrees(lambda x: np.sum(expm(np.outer(x, x))))


def test_compiled():
    f = ad.compile(lambda x: np.sum(array([x[0], zeros(2)[0] + x[1]]) ** 2))
    for scale in (1.0, 1.1, 1.2, 1.3):
        numpy.testing.assert_allclose(f.grad(scale * X), 2 * scale * X * [1, 1, 0])
    assert f.report.mode == "compiled"


def test_where_the_patch_does_not_reach():
    """Code that passes for an installed library: NumPy's own creators are refused there, the mirror's answer."""
    source = "def f(x):\n out = np.zeros(2)\n out[0] = x[0] * x[1]\n return np.sum(np.array([out[0], x[2]]) ** 2)\n"
    space = {"np": np, "__name__": "scipy.pretended"}
    exec(source, space)
    numpy.testing.assert_allclose(ad.grad(space["f"])(X), [2 * X[0] * X[1] ** 2, 2 * X[0] ** 2 * X[1], 2 * X[2]])
    space["np"] = numpy
    with pytest.raises((ad.TraceError, ValueError)):
        ad.grad(space["f"])(X)


@pytest.mark.parametrize("mirror, original", (
    ("autodiff.numpy", numpy), ("autodiff.numpy.linalg", numpy.linalg), ("autodiff.numpy.fft", numpy.fft),
    ("autodiff.numpy.random", numpy.random), ("autodiff.scipy.special", scipy.special),
    ("autodiff.scipy.linalg", scipy.linalg)))
def test_every_name_is_there(mirror, original):
    module = importlib.import_module(mirror)
    missing = [name for name in original.__all__ if not hasattr(module, name)]
    assert not missing and set(original.__all__) <= set(dir(module))


def test_objects_are_numpys():
    for name in ("sin", "add", "float64", "ndarray", "pi", "newaxis", "errstate", "dtype"):
        assert getattr(np, name) is getattr(numpy, name)
    assert np.add.reduce is not None and isinstance(X, np.ndarray) and np.float64(1) == 1.0
    assert asp.special.gamma is scipy.special.gamma and asp.sparse.linalg.spsolve is not None
    with pytest.raises(AttributeError):
        np.no_such_name  # noqa: B018
    with pytest.raises(ImportError):
        exec("from autodiff.numpy import no_such_name")


def test_plain_arrays_see_numpy():
    assert type(zeros(3)) is numpy.ndarray and type(array([1.0, 2.0])) is numpy.ndarray
    numpy.testing.assert_array_equal(array([[1, 2], [3, 4]], dtype=float, ndmin=3), [[[1.0, 2.0], [3.0, 4.0]]])
    numpy.testing.assert_array_equal(r_[1:4, 0], [1, 2, 3, 0])
    assert logsumexp([1.0, 2.0]) == scipy.special.logsumexp([1.0, 2.0])
    assert array.__doc__ == numpy.array.__doc__ and array.__name__ == "array"


def test_star_import_and_a_first_look_inside_a_trace():
    space = {}
    exec("from autodiff.numpy import *", space)
    assert space["sin"] is numpy.sin and space["array"] is np.array

    def f(x):
        ones_like, eye = np.ones_like, np.eye           # looked up for the first time while numpy is patched
        return np.sum(ones_like(x) * x) + np.trace(eye(3) * x)
    agrees(f)
    assert type(np.ones_like(X)) is numpy.ndarray and type(np.eye(2)) is numpy.ndarray


# --- distributions ----------------------------------------------------------------------------------------------------


POINTS = numpy.array([-0.7, 0.2, 0.45, 1.6])
DISTRIBUTIONS = {"norm": (), "t": (3.2,), "chi2": (2.7,), "gamma": (1.8,), "beta": (1.4, 2.3), "expon": (),
                 "poisson": (1.3,)}
METHODS = ("pdf", "logpdf", "cdf", "logcdf", "sf", "logsf")


@pytest.mark.nan_ok
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_distributions(name):
    """Values as SciPy's, outside the support too; derivatives by x (by the rate, for counts), loc and scale."""
    ours, theirs, shapes = getattr(stats, name), getattr(scipy.stats, name), DISTRIBUTIONS[name]
    for method in METHODS:
        if name == "poisson":
            counts, method = numpy.array([-1.0, 0.0, 2.0, 2.5]), method.replace("pdf", "pmf")
            traced, expected = ad.vjp(lambda mu, m=method, k=counts: getattr(ours, m)(k, mu), 1.3)[0], getattr(
                theirs, method)(counts, 1.3)
            inside = numpy.array([1.0, 2.0])
            f, args = (lambda mu, m=method, k=inside: getattr(ours, m)(k, mu)), (1.3,)
        else:
            traced = ad.vjp(lambda x, m=method: getattr(ours, m)(x, *shapes, loc=0.1, scale=0.9), POINTS)[0]
            expected = getattr(theirs, method)(POINTS, *shapes, 0.1, 0.9)
            args = (POINTS[1:3], 0.1, 0.9)

            def f(x, loc, scale, m=method):
                return getattr(ours, m)(x, *shapes, loc, scale)
        numpy.testing.assert_allclose(traced, expected, rtol=1e-12)
        ad.check_grads(f, args, order=2, rtol=2e-5)


def test_frozen_distributions():
    agrees(lambda x: np.sum(stats.norm(x[0], scale=np.exp(x[1])).logpdf(POINTS)) + stats.gamma(2.0).logpdf(x[2]))
    assert stats.norm(0.0, 1.0).pdf(0.3) == scipy.stats.norm.pdf(0.3) and stats.norm.ppf(0.5) == 0.0
    assert stats.norm(2.0, 1.0).mean() == 2.0
    with pytest.raises(TypeError, match="takes df, loc, scale"):
        ad.grad(lambda x: stats.t.pdf(x))(0.3)


def test_joint_distributions():
    square = numpy.array([[1.0, 0.2], [0.3, 1.5]])
    points = numpy.array([[0.3, -0.2], [1.0, 0.4]])

    def cov(a):
        return a @ a.T
    for method in ("pdf", "logpdf"):
        ours, theirs = getattr(stats.multivariate_normal, method), getattr(scipy.stats.multivariate_normal, method)
        for x in (points, points[0]):
            value = ad.vjp(lambda a, x=x, f=ours: f(x, points[1], cov(a)), square)[0]
            numpy.testing.assert_allclose(value, theirs(x, points[1], cov(square)), rtol=1e-12)
            ad.check_grads(lambda x, m, a, f=ours: f(x, m, cov(a)), (x, points[1], square), order=2)
        alpha, x = numpy.array([1.2, 2.0, 0.8]), numpy.array([0.2, 0.5, 0.3])
        ours, theirs = getattr(stats.dirichlet, method), getattr(scipy.stats.dirichlet, method)
        numpy.testing.assert_allclose(ad.vjp(lambda a, f=ours, x=x: f(x, a), alpha)[0], theirs(x, alpha), rtol=1e-12)
        ad.check_grads(lambda a, f=ours, x=x: f(x, a), (alpha,), order=2)
    singular, flat = numpy.diag([2.0, 0.0]), points[:, :1] * [1, 0]
    value = ad.vjp(lambda m: stats.multivariate_normal.logpdf(flat, m, singular, True), numpy.zeros(2))[0]
    numpy.testing.assert_allclose(value, scipy.stats.multivariate_normal.logpdf(flat, numpy.zeros(2), singular, True))
    entropy = ad.vjp(lambda a: stats.multivariate_normal.entropy(points[0], cov(a)), square)[0]
    numpy.testing.assert_allclose(entropy, scipy.stats.multivariate_normal.entropy(points[0], cov(square)))
