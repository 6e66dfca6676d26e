"""Functions of scipy.special that are not ufuncs, answered while a function is recorded; what is refused, and why."""

import math

import numpy as np
import scipy.special as sp

from ..errors import TraceError
from ..primitive import Primitive, Tracer, implements
from ..trace import REFUSED
from .elementwise import POSITIVE as ABOVE
from .elementwise import broadcast, float_type
from .special import no_rule, several
from .special_error import FADDEEVA_IMAG, FADDEEVA_REAL


@implements(sp.diric)
def diric(x, n):
    """sin(nx/2)/(n sin(x/2)) as a sum of cosines, (2/n) Σ cos((k − (n−1)/2) x): regular at multiples of 2π."""
    if type(n) is Tracer or np.ndim(n) or n != int(n) or n <= 0:
        raise TraceError("scipy.special.diric of a traced or an array n", "keep n a positive integer")
    n = int(n)
    total = 1.0 / n if n % 2 else 0.0
    for k in range(n // 2):
        total = total + 2.0 / n * np.cos(((n - 1) / 2 - k) * x)
    return total + 0.0 * x if n == 1 else total


# --- Fresnel integrals of SciPy's second kind: K_± = ½ erfcx(e^{∓iπ/4} x) ---------------------------------------------


def _modified_fresnel(ufunc, sign: float):
    """F' = −e^{±ix²}; K' = −e^{∓iπ/4} E_1(e^{∓iπ/4} x), through w' at (1 + i)x/√2 or its conjugate."""
    turn = complex(math.cos(math.pi / 4), -sign * math.sin(math.pi / 4))

    def rates(out, x):
        s = x * (1 / math.sqrt(2.0))
        derivative = FADDEEVA_REAL(1, s, s) + 1j * sign * FADDEEVA_IMAG(1, s, s)
        return -np.exp(1j * sign * np.square(x)), turn * (0.5j * sign) * derivative
    several(ufunc, (rates,), ABOVE)


_modified_fresnel(sp.modfresnelp, 1.0)
_modified_fresnel(sp.modfresnelm, -1.0)

# --- Legendre functions and spherical harmonics -----------------------------------------------------------------------

_sph_legendre_p = sp.sph_legendre_p


def _polar_rate(y, n, m, theta):
    """½(√((n−m)(n+m+1)) P^{m+1} − √((n+m)(n−m+1)) P^{m−1}): the ladder operators, regular at the poles.

    SciPy takes |sin θ|: the sign turns outside of [0, π].
    """
    up, down = np.sqrt(np.maximum((n - m) * (n + m + 1.0), 0.0)), np.sqrt(np.maximum((n + m) * (n - m + 1.0), 0.0))
    rate = 0.5 * (up * POLAR(n, m + 1, theta) - down * POLAR(n, m - 1, theta))
    return np.where(np.less(np.sin(theta), 0.0), -rate, rate)


POLAR = Primitive("sph_legendre_p", lambda n, m, theta: _sph_legendre_p(n, m, theta)[0],
                  lambda n, m, theta: (broadcast(n, m, theta), float_type(theta)),
                  samples=((3, 1, np.array([-0.8, 0.4, 1.7])),),
                  partials=(no_rule("sph_legendre_p", "n"), no_rule("sph_legendre_p", "m"), _polar_rate))


def _plain(function: str, diff_n) -> None:
    if diff_n:
        raise TraceError(f"scipy.special.{function} with diff_n= of a traced argument",
                         "call it without, and take the derivative with autodiff")


@implements(sp.legendre_p)
def legendre_p(n, z, *, diff_n=0):
    """The first axis of SciPy's result counts derivatives."""
    _plain("legendre_p", diff_n)
    return sp.eval_legendre(n, z)[None]


@implements(sp.sph_legendre_p)
def sph_legendre_p(n, m, theta, *, diff_n=0):
    _plain("sph_legendre_p", diff_n)
    return POLAR(n, m, theta)[None]


@implements(sp.sph_harm_y)
def sph_harm_y(n, m, theta, phi, *, diff_n=0):
    """P(n, m, θ) e^{imφ}."""
    _plain("sph_harm_y", diff_n)
    return POLAR(n, m, theta) * np.exp(1j * (np.asarray(m) * phi))


# --- refused ----------------------------------------------------------------------------------------------------------


def _refuse(why: str, remedy: str, names: str) -> None:
    for name in names.split():
        function, reason = getattr(sp, name), f"scipy.special.{name} {why}"
        if isinstance(function, np.ufunc):
            REFUSED[function] = (reason, remedy)
        else:
            implements(function)(lambda *args, _reason=reason, **kwargs: _raise(_reason, remedy))


def _raise(why: str, remedy: str):
    raise TraceError(why, remedy)


_refuse("has no derivative rule: the noncentral t density is not a function of scipy.special",
        "give the derivative by hand with autodiff.custom_jvp: it is scipy.stats.nct.pdf(t, df, nc)", "nctdtr nctdtrit")
_refuse("has no derivative rule: no formula for the derivative by this parameter",
        "keep its arguments constant, or solve for the parameter with autodiff.implicit_root",
        "ncfdtridfd ncfdtridfn ncfdtrinc nctdtridf nctdtrinc")
_refuse("has no derivative rule: a characteristic value has no formula for its derivative by q or c",
        "keep q or c constant", "mathieu_a mathieu_b obl_cv pro_cv")
_refuse("has no derivative rule: SciPy's values near the focal surface are not accurate enough",
        "give the derivative by hand with autodiff.custom_jvp", "pro_rad2 pro_rad2_cv obl_rad2 obl_rad2_cv")
_refuse("counts, for integers", "use scipy.special.gamma for a function of reals", "factorial2 factorialk stirling2")
_refuse("has no derivative rule", "use scipy.special.lpmv(m, n, x) for −1 ≤ x ≤ 1, or sph_legendre_p",
        "assoc_legendre_p")
_refuse("gives a whole sequence, and has no derivative rule", "call the function for each order: eval_legendre, lpmv, "
        "sph_legendre_p, sph_harm_y", "legendre_p_all assoc_legendre_p_all sph_legendre_p_all sph_harm_y_all")
_refuse("gives a whole sequence, and has no derivative rule", "call the function for each order: pbdv, pbvv, "
        "spherical_jn, spherical_yn, jv", "pbdv_seq pbvv_seq pbdn_seq riccati_jn riccati_yn lmbda")
_refuse("has no derivative rule", "write the harmonic as a polynomial (a Lamé function), or keep s constant",
        "ellip_harm ellip_harm_2 ellip_normal lqn lqmn")
