"""scipy.stats: densities and distribution functions that answer for traced values; everything else is SciPy's.

`norm, t, chi2, gamma, beta, expon, poisson` have pdf (pmf), cdf, sf and their logarithms, with loc and scale, frozen
too; `multivariate_normal` and `dirichlet` have pdf, logpdf, the first entropy. On plain arrays SciPy computes them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy.special as sp
import scipy.stats

from .. import pytree
from ..mirror import mirror
from ..primitive import is_traced


class Standard(NamedTuple):
    """A distribution at loc 0 and scale 1: functions of (z, *shape parameters), defined where z is inside."""

    original: Any
    shapes: int
    logpdf: Callable
    cdf: Callable
    sf: Callable
    lower: float = -np.inf
    upper: float = np.inf
    logcdf: Callable | None = None
    logsf: Callable | None = None
    within: float = 0.5                        # a point of the support, where formulas are evaluated for points outside


class Distribution:
    """SciPy's distribution, whose methods answer for traced values."""

    def __init__(self, standard: Standard):
        self._standard = standard

    def __call__(self, *args, **kwargs):
        return Frozen(self, args, kwargs)

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        original = getattr(self._standard.original, name)
        answer = _METHODS.get(name)
        if answer is None:
            return original

        def method(x, *args, **kwargs):
            if not is_traced(pytree.flatten((x, args, kwargs))[0]):
                return original(x, *args, **kwargs)
            return answer(self._standard, x, *self._parameters(args, kwargs))
        return method

    def _parameters(self, args: tuple, kwargs: dict) -> tuple:
        """(shape parameters, loc, scale)."""
        count = self._standard.shapes
        names = [name.strip() for name in (self._standard.original.shapes or "").split(",") if name.strip()]
        given = dict(zip([*names, "loc", "scale"], args)) | kwargs
        unknown = given.keys() - {*names, "loc", "scale"}
        if unknown or any(name not in given for name in names) or len(args) > count + 2:
            raise TypeError(f"{self._standard.original.name}: takes {', '.join([*names, 'loc', 'scale'])}")
        return [given[name] for name in names], given.get("loc", 0.0), given.get("scale", 1.0)


class Frozen:
    """A distribution with its parameters."""

    def __init__(self, distribution: Distribution, args: tuple, kwargs: dict):
        self._distribution, self._args, self._kwargs = distribution, args, kwargs

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        if name not in _METHODS:
            return getattr(self._distribution._standard.original(*self._args, **self._kwargs), name)
        method = getattr(self._distribution, name)
        return lambda x: method(x, *self._args, **self._kwargs)


def _inside(s: Standard, x, loc, scale):
    """(z moved into the support, whether z is below it, whether above it)."""
    z = (x - loc) / scale
    below, above = z < s.lower, z > s.upper
    return np.where(below | above, s.within, z), below, above


def _logpdf(s: Standard, x, shapes, loc, scale):
    z, below, above = _inside(s, x, loc, scale)
    return np.where(below | above, -np.inf, s.logpdf(z, *shapes) - np.log(scale))


def _tail(function: Callable, at_lower: float, at_upper: float) -> Callable:
    def answer(s: Standard, x, shapes, loc, scale):
        z, below, above = _inside(s, x, loc, scale)
        return np.where(below, at_lower, np.where(above, at_upper, function(s)(z, *shapes)))
    return answer


def _log_of(name: str) -> Callable:
    def function(s: Standard) -> Callable:
        own, plain = getattr(s, f"log{name}"), getattr(s, name)
        return own if own is not None else lambda *z: np.log(plain(*z))
    return function


_METHODS = {"logpdf": _logpdf, "pdf": lambda s, x, *p: np.exp(_logpdf(s, x, *p)),
            "cdf": _tail(lambda s: s.cdf, 0.0, 1.0), "sf": _tail(lambda s: s.sf, 1.0, 0.0),
            "logcdf": _tail(_log_of("cdf"), -np.inf, 0.0), "logsf": _tail(_log_of("sf"), 0.0, -np.inf)}
_METHODS |= {"logpmf": _METHODS["logpdf"], "pmf": _METHODS["pdf"]}
_HALF_LOG_2PI = 0.5 * float(np.log(2 * np.pi))


def _t_logpdf(z, df):
    half = 0.5 * (df + 1.0)
    return sp.gammaln(half) - sp.gammaln(0.5 * df) - 0.5 * np.log(np.pi * df) - half * np.log1p(z * z / df)


norm = Distribution(Standard(
    scipy.stats.norm, 0, lambda z: -0.5 * z * z - _HALF_LOG_2PI, sp.ndtr, lambda z: sp.ndtr(-z),
    logcdf=sp.log_ndtr, logsf=lambda z: sp.log_ndtr(-z)))
t = Distribution(Standard(scipy.stats.t, 1, _t_logpdf, lambda z, df: sp.stdtr(df, z), lambda z, df: sp.stdtr(df, -z)))
chi2 = Distribution(Standard(
    scipy.stats.chi2, 1, lambda z, df: sp.xlogy(0.5 * df - 1.0, z) - 0.5 * z - sp.gammaln(0.5 * df)
    - 0.5 * df * float(np.log(2.0)), lambda z, df: sp.gammainc(0.5 * df, 0.5 * z),
    lambda z, df: sp.gammaincc(0.5 * df, 0.5 * z), lower=0.0))
gamma = Distribution(Standard(
    scipy.stats.gamma, 1, lambda z, a: sp.xlogy(a - 1.0, z) - z - sp.gammaln(a), lambda z, a: sp.gammainc(a, z),
    lambda z, a: sp.gammaincc(a, z), lower=0.0))
beta = Distribution(Standard(
    scipy.stats.beta, 2, lambda z, a, b: sp.xlogy(a - 1.0, z) + sp.xlog1py(b - 1.0, -z) - sp.betaln(a, b),
    lambda z, a, b: sp.betainc(a, b, z), lambda z, a, b: sp.betaincc(a, b, z), lower=0.0, upper=1.0))
expon = Distribution(Standard(
    scipy.stats.expon, 0, lambda z: -z, lambda z: -np.expm1(-z), lambda z: np.exp(-z), lower=0.0, logsf=lambda z: -z))
poisson = Distribution(Standard(
    scipy.stats.poisson, 1, lambda k, mu: np.where(
        k == np.floor(k), sp.xlogy(k, mu) - sp.gammaln(k + 1.0) - mu, -np.inf),
    lambda k, mu: sp.gammaincc(np.floor(k) + 1.0, mu), lambda k, mu: sp.gammainc(np.floor(k) + 1.0, mu), lower=0.0))


class _Joint:
    """A distribution of vectors: SciPy's, but for the methods given here."""

    def __init__(self, original: Any, methods: dict[str, Callable]):
        self._original, self._methods = original, methods

    def __call__(self, *args, **kwargs):
        return self._original(*args, **kwargs)

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        original, answer = getattr(self._original, name), self._methods.get(name)
        if answer is None:
            return original
        return lambda *args, **kwargs: (answer if is_traced(pytree.flatten((args, kwargs))[0]) else original)(
            *args, **kwargs)


def _normal_logpdf(x, mean=None, cov=1.0, allow_singular=False):
    """−½ (x − μ)ᵀ C⁺ (x − μ) − ½ log det(2πC), by the eigenvalues of C that are not zero."""
    mean = 0.0 if mean is None else mean
    cov = np.atleast_2d(cov)
    if not allow_singular:
        moved = np.linalg.solve(np.linalg.cholesky(cov), np.swapaxes(np.atleast_2d(x - mean), -1, -2))
        quadratic, rank = np.sum(moved * moved, axis=-2), cov.shape[-1]
        logdet = np.linalg.slogdet(cov)[1]
    else:
        values, vectors = np.linalg.eigh(cov)
        kept = values > 1e6 * np.finfo(float).eps * np.max(np.abs(values))
        moved = np.atleast_2d(x - mean) @ vectors
        quadratic = np.sum(np.where(kept, moved * moved / np.where(kept, values, 1.0), 0.0), axis=-1)
        rank, logdet = np.sum(kept), np.sum(np.log(np.where(kept, values, 1.0)))
    out = -0.5 * quadratic - 0.5 * logdet - rank * _HALF_LOG_2PI
    return out if np.ndim(x) > 1 else out[0]


def _normal_entropy(mean=None, cov=1.0):
    cov = np.atleast_2d(cov)
    return 0.5 * np.linalg.slogdet(cov)[1] + cov.shape[-1] * (_HALF_LOG_2PI + 0.5)


def _dirichlet_logpdf(x, alpha):
    """Σ (αᵢ − 1) log xᵢ − log B(α); x on the simplex (its last entry may be left out, as in SciPy)."""
    if x.shape[0] == alpha.shape[0] - 1:
        x = np.concatenate([x, 1.0 - np.sum(x, axis=0, keepdims=True)])
    weights = np.reshape(alpha - 1.0, (-1,) + (1,) * (x.ndim - 1))
    return np.sum(sp.xlogy(weights, x), axis=0) - np.sum(sp.gammaln(alpha)) + sp.gammaln(np.sum(alpha))


multivariate_normal = _Joint(scipy.stats.multivariate_normal, {
    "logpdf": _normal_logpdf, "pdf": lambda *args, **kwargs: np.exp(_normal_logpdf(*args, **kwargs)),
    "entropy": _normal_entropy})
dirichlet = _Joint(scipy.stats.dirichlet, {
    "logpdf": _dirichlet_logpdf, "pdf": lambda *args: np.exp(_dirichlet_logpdf(*args))})

__getattr__, __dir__ = mirror("scipy.stats", globals())
