"""scipy.special: derivatives at extreme arguments against correctly rounded values, identities, shapes, errors."""

import numpy as np
import pytest
import scipy.special as sp
from scipy.special import polygamma

import autodiff as ad

from .special_values import VALUES

FUNCTIONS = {
    "riemann": lambda s: sp.zeta(s), "kv": lambda x: sp.kv(2.5, x), "ive": lambda x: sp.ive(2.5, x),
    "jv": lambda x: sp.jv(2.5, x), "struve": lambda x: sp.struve(1.0, x), "expn": lambda x: sp.expn(2, x),
    "spherical_jn": lambda x: sp.spherical_jn(3, x), "si": lambda x: sp.sici(x)[0],
    "airye_ai": lambda x: sp.airye(x)[0], "airye_bip": lambda x: sp.airye(x)[3], "sn": lambda u, m: sp.ellipj(u, m)[0]}
LOOSE = {"struve": 1e-9, "ker": 1e-8, "voigt_profile": 1e-8, "kolmogorov": 1e-10, "stdtr": 1e-9, "binom": 1e-10,
         "gammainc": 1e-10, "betainc": 1e-10, "airye_bip": 1e-9, "airye_ai": 1e-9, "jv": 1e-9}    # SciPy's own rounding


@pytest.mark.nan_ok                                            # products below the normal range are rounded to zero
@pytest.mark.parametrize("name, args, number, first, second", VALUES, ids=lambda v: str(v))
def test_extreme_arguments(name, args, number, first, second):
    f, rtol = FUNCTIONS.get(name) or getattr(sp, name), LOOSE.get(name, 1e-11)

    def along(t):
        return f(*args[:number], t, *args[number + 1:])
    x = args[number]
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(ad.grad(along)(x), first, rtol=rtol, atol=1e-300)
        np.testing.assert_allclose(ad.jvp(along, (x,), (1.0,))[1], first, rtol=rtol, atol=1e-300)
        scale = abs(second) + 1e-3 * abs(first / (x or 1.0))   # (where the second derivative is near a zero of its own)
        assert abs(ad.grad(ad.grad(along))(x) - second) <= 10 * rtol * scale + 1e-300
        assert abs(ad.hvp(along, x, 1.0) - second) <= 10 * rtol * scale + 1e-300


# --- removable singularities: points where a formula is 0/0, to third order -------------------------------------------

POINTS = {
    "j1 at 0": (sp.j1, 0.0, (0.5, 0.0, -0.375)), "i1 at 0": (sp.i1, 0.0, (0.5, 0.0, 0.375)),
    "jv at 0": (lambda x: sp.jv(2, x), 0.0, (0.0, 0.25, 0.0)),
    "iv at 0": (lambda x: sp.iv(2, x), 0.0, (0.0, 0.25, 0.0)),
    "spherical_jn at 0": (lambda x: sp.spherical_jn(0, x), 0.0, (0.0, -1 / 3, 0.0)),
    "si at 0": (lambda x: sp.sici(x)[0], 0.0, (1.0, 0.0, -1 / 3)),
    "shi at 0": (lambda x: sp.shichi(x)[0], 0.0, (1.0, 0.0, 1 / 3)),
    "struve at 0": (lambda x: sp.struve(0, x), 0.0, (2 / np.pi, 0.0, -4 / np.pi / 3)),
    "modstruve at 0": (lambda x: sp.modstruve(0, x), 0.0, (2 / np.pi, 0.0, 4 / np.pi / 3)),
    "beip at 0": (sp.beip, 0.0, (0.5, 0.0, 0.0)), "berp at 0": (sp.berp, 0.0, (0.0, 0.0, -0.375)),
    "exprel at 0": (sp.exprel, 0.0, (1 / 2, 1 / 3, 1 / 4)), "spence at 1": (sp.spence, 1.0, (-1.0, 1 / 2, -2 / 3)),
    "dawsn at 0": (sp.dawsn, 0.0, (1.0, 0.0, -4.0)),
    "ellipk at 0": (sp.ellipk, 0.0, (np.pi / 8, 9 * np.pi / 64, 75 * np.pi / 256)),
    "boxcox at λ = 0": (lambda p: sp.boxcox(np.e, p), 0.0, (1 / 2, 1 / 3, 1 / 4)),
    "inv_boxcox at λ = 0": (lambda p: sp.inv_boxcox(1.0, p) / np.e, 0.0, (-1 / 2, 11 / 12, -21 / 8)),
    "rgamma at 0": (sp.rgamma, 0.0, (1.0, 2 * np.euler_gamma, 3 * np.euler_gamma**2 - np.pi**2 / 2)),
    "rgamma at -2": (sp.rgamma, -2.0, (2.0, None, None)),
    "poch at its zero": (lambda z: sp.poch(z, 3), -1.0, (-1.0, 0.0, 6.0)),
    "poch left of its zeros": (lambda z: sp.poch(z, 3), -5.5, (3 * 30.25 - 33 + 2, -27.0, 6.0)),
    "binom at its zero": (lambda n: sp.binom(n, 3), 1.0, (-1 / 6, 0.0, 1.0)),
    "eval_legendre at 1": (lambda x: sp.eval_legendre(3, x), 1.0, (6.0, 15.0, 15.0)),
    "eval_chebyt at -1": (lambda x: sp.eval_chebyt(3, x), -1.0, (9.0, -24.0, 24.0)),
    "lpmv at 1": (lambda x: sp.lpmv(0, 3, x), 1.0, (6.0, 15.0, 15.0)),
    "eval_chebyu, n = 0": (lambda x: sp.eval_chebyu(0, x), 0.3, (0.0, 0.0, 0.0)),
    "gammainc(1, x) at 0": (lambda x: sp.gammainc(1, x), 0.0, (1.0, -1.0, None)),
    "betainc(2, 1, x) at 0": (lambda x: sp.betainc(2, 1, x), 0.0, (0.0, 2.0, None)),
    "stdtr at 0": (lambda v: sp.stdtr(v, 0.0), 3.0, (0.0, None, None)),
    "ndtr at -0": (sp.ndtr, -0.0, (1 / np.sqrt(2 * np.pi), 0.0, -1 / np.sqrt(2 * np.pi))),
    "diric at 2π": (lambda x: sp.diric(x, 3), 2 * np.pi, (0.0, -2 / 3, 0.0)),
    "lambertw at 0": (lambda z: sp.lambertw(z).real, 0.0, (1.0, -2.0, 9.0)),
    "log_ndtr at 0": (sp.log_ndtr, 0.0, (np.sqrt(2 / np.pi), -2 / np.pi, (2 * (2 / np.pi) - 1) * np.sqrt(2 / np.pi))),
}


@pytest.mark.nan_ok
@pytest.mark.parametrize("name", POINTS)
def test_removable_singularities(name):
    f, x, expected = POINTS[name]
    with np.errstate(all="ignore"):
        for truth in expected:
            f = ad.grad(f)
            if truth is not None:
                np.testing.assert_allclose(f(x), truth, rtol=1e-9, atol=1e-12)


# --- functions that are not ufuncs ------------------------------------------------------------------------------------

X = np.array([0.3, 1.7])
PYTHON = {
    "polygamma": lambda x: sp.polygamma(2, x), "polygamma, bound early": lambda x: polygamma(np.array([0, 1]), x),
    "multigammaln": lambda x: sp.multigammaln(x + 1, 3), "factorial": lambda x: sp.factorial(x),
    "comb": lambda x: sp.comb(x + 3, 2),
    "comb with repetition": lambda x: sp.comb(x + 3, 2, repetition=True), "perm": lambda x: sp.perm(x + 3, 2),
    "softplus": sp.softplus, "sinc": sp.sinc, "diric": lambda x: sp.diric(x, 4),
    "lambertw": lambda x: sp.lambertw(x).real,
    "lambertw, k = -1": lambda x: sp.lambertw(-x / 5, -1).real, "jvp": lambda x: sp.jvp(1.5, x, 2),
    "kvp": lambda x: sp.kvp(2, x), "spherical_jn": lambda x: sp.spherical_jn(2, x),
    "its derivative": lambda x: sp.spherical_jn(2, x, derivative=True),
    "spherical_yn": lambda x: sp.spherical_yn(1, x), "spherical_in": lambda x: sp.spherical_in(np.array([0, 3]), x),
    "spherical_kn": lambda x: sp.spherical_kn(0, x), "assoc_laguerre": lambda x: sp.assoc_laguerre(x, 3, 1.5),
    "legendre_p": lambda x: sp.legendre_p(3, x / 2), "sph_legendre_p": lambda x: sp.sph_legendre_p(3, -2, x),
    "sph_harm_y": lambda x: sp.sph_harm_y(3, 2, x, 0.4).real,
    "its azimuth": lambda x: sp.sph_harm_y(3, -1, 0.4, x).imag,
    "legendre": lambda x: sp.legendre(4)(x), "h1vp": lambda x: sp.h1vp(1, x).imag}


@pytest.mark.parametrize("name", PYTHON)
def test_functions_of_python(name):
    f = PYTHON[name]
    value, truth = ad.trace(f, X).result[0], f(X)
    assert value.shape == np.shape(truth) and value.dtype == truth.dtype
    np.testing.assert_allclose(value, truth, rtol=1e-12, atol=1e-14)
    ad.check_grads(f, (X,), order=2, rtol=1e-5)


def test_lambertw_solves_its_equation():
    z = np.array([0.1, 2.0, 50.0])

    def back(v):
        w = sp.lambertw(v).real
        return np.sum(w * np.exp(w))
    np.testing.assert_allclose(ad.grad(back)(z), 1.0, rtol=1e-13)


# --- several results, shapes, precision -------------------------------------------------------------------------------


def test_several_results_at_once():
    def wronskian(x):
        ai, aip, bi, bip = sp.airy(x)
        return ai * bip - aip * bi                                   # 1/π everywhere
    x = np.array([-2.0, 0.0, 0.7])
    np.testing.assert_allclose(ad.jvp(wronskian, (x,), (np.ones(3),))[1], 0.0, atol=1e-15)

    def circle(u):
        sn, cn, dn, _ = sp.ellipj(u, np.array([[0.3], [0.6]]))
        return sn**2 + cn**2, dn**2 + np.array([[0.3], [0.6]]) * sn**2
    for part in ad.jvp(circle, (x,), (np.ones(3),))[1]:
        assert part.shape == (2, 3)
        np.testing.assert_allclose(part, 0.0, atol=1e-15)
    s, c = ad.trace(lambda t: sp.fresnel(t), x).result
    np.testing.assert_array_equal((s, c), sp.fresnel(x))
    with pytest.raises(ad.TraceError, match="out= has no derivative rule.*\n.*\n.*\n  Instead: call it without"):
        ad.trace(lambda t: sp.sici(t, out=(np.zeros(3), np.zeros(3))), x)


@pytest.mark.parametrize("f, k", [(sp.gammainc, 2), (sp.betainc, 3), (sp.beta, 2), (sp.ellipkinc, 2),
                                  (sp.voigt_profile, 3), (sp.boxcox, 2), (sp.elliprj, 4), (sp.stdtr, 2)])
def test_shapes_and_precision(f, k, rng):
    column, row = rng.uniform(0.2, 0.8, (3, 1)), rng.uniform(0.2, 0.8, 2)
    grads = ad.vjp(f, *([column] * (k - 1)), row)[1](np.ones((3, 2)))
    assert [g.shape for g in grads] == [(3, 1)] * (k - 1) + [(2,)]
    for i in range(3):
        for part, whole in zip(ad.vjp(f, *([column[i, 0]] * (k - 1)), row)[1](np.ones(2)), grads, strict=True):
            if whole.shape == (3, 1):
                np.testing.assert_allclose(part, whole[i, 0], rtol=1e-12)
    empty = ad.vjp(f, *[np.zeros((0, 2))] * k)[1](np.ones((0, 2)))
    assert all(g.shape == (0, 2) for g in empty)
    single = ad.vjp(f, *([column.astype(np.float32)] * (k - 1)), row.astype(np.float32))
    assert single[0].dtype == np.float32 and all(g.dtype == np.float32 for g in single[1](np.ones((3, 2), np.float32)))
    for g, h in zip(single[1](np.ones((3, 2), np.float32)), grads, strict=True):
        np.testing.assert_allclose(g, h, rtol=2e-4)
    wide = np.ones((4, 3, 1)) * column
    strided = ad.vjp(f, *([wide[::2]] * (k - 1)), row)[1](np.ones((2, 3, 2)))
    np.testing.assert_allclose(strided[0][1], grads[0], rtol=1e-13)


def test_generated_code_keeps_integers():
    def f(x):
        return np.sum(sp.eval_hermite(3, x) + sp.bdtr(2, 5, x) + sp.expn(2, x) + sp.kn(1, x))
    x = np.array([0.3, 0.6])
    fast = ad.compile(f)
    for _ in range(3):
        np.testing.assert_allclose(fast.grad(x), ad.grad(f)(x), rtol=1e-13)
    np.testing.assert_allclose(fast(x), f(x), rtol=1e-14)


@pytest.mark.nan_ok
def test_outside_the_domain_nothing_is_invented():
    with np.errstate(all="ignore"):
        for f, x in ((sp.gammainc, -1.0), (sp.elliprj, -1.0)):
            args = (2.0,) * (3 if f is sp.elliprj else 1)
            assert not np.isfinite(ad.grad(lambda t: f(t, *args))(x))            # noqa: B023 - called at once
    assert ad.grad(lambda k: sp.bdtr(np.floor(k), 5, 0.3))(2.5) == 0.0


def test_a_refused_argument_is_named():
    for f, name in ((lambda v: sp.kv(v, 0.3), "kv.*argument v"),
                    (lambda b: sp.hyp2f1(1.0, b, 3.0, 0.2), "hyp2f1.*argument b"),
                    (lambda n: sp.eval_jacobi(n, 1.0, 1.0, 0.2), "eval_jacobi.*argument n")):
        with pytest.raises(ad.TraceError, match=name):
            ad.grad(f)(1.5)
        assert np.isfinite(ad.trace(f, 1.5).result[0])                # recording it is no trouble


@pytest.mark.parametrize("f", [sp.gammainc, lambda a, x: sp.betainc(a, 2.0, x / (1 + x)), sp.pdtrik, sp.chdtr])
def test_likelihoods_with_shape_parameters(f):
    """Third order in the shape: the moments behind it are right at any order."""
    a, x = np.array([0.4, 2.5, 40.0]), np.array([0.3, 2.0, 45.0])
    if f is sp.pdtrik:
        a, x = np.array([0.3, 0.6]), np.array([4.0, 9.0])
    ad.check_grads(f, (a, x), order=3, rtol=1e-4, directions=1)


@pytest.mark.parametrize("f", [
    lambda x, n: sp.eval_legendre(n, x), lambda x, n: sp.expn(n, x), lambda x, n: sp.eval_hermite(n, x),
    lambda x, n: sp.struve(n, x), lambda x, n: sp.lpmv(n, 3, x), lambda x, n: sp.spherical_jn(n, x),
    lambda x, n: sp.jv(n, x), lambda x, n: sp.polygamma(n, x), lambda x, n: sp.bdtr(n, 5, x),
    lambda x, n: sp.smirnov(n + 1, x)])
def test_orders_and_counts_may_be_arguments(f):
    x, n = np.array([0.2, 0.4, 0.6]), np.array([0, 1, 3])
    ad.check_grads(lambda v: f(v, n), (x,), order=2, directions=1)
    expected = ad.grad(lambda v: np.sum(f(v, n)))(x)
    compiled = ad.compile(lambda v, k: np.sum(f(v, k)))
    for _ in range(3):
        np.testing.assert_allclose(compiled.grad(x, n), expected, rtol=1e-12)
