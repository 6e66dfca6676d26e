"""Rows of scipy.special: exponential integrals, dilogarithm, hypergeometric functions, orthogonal polynomials.

DLMF chapters 6, 13, 15 and 18. Derivatives with respect to the argument; parameters and degrees are constants.
"""

import numpy as np
import scipy.special as sp

from .elementwise import POSITIVE as ABOVE
from .elementwise import REAL, UNIT
from .special import LOG_MOMENT, anywhere, no_rule, several, special
from .special_airy import SPHERICAL_IN, SPHERICAL_JN


def _expn_rate(y, n, x):
    """−E_{n−1}; E_0 = e^{−x}/x."""
    last = np.equal(n, 0)
    rest = -sp.expn(np.where(last, 1, n) - 1, x)
    return np.where(last, -np.exp(-x) * (1.0 + 1.0 / x) / x, rest) if anywhere(last) else rest


def _spence_rate(y, x):
    """log x/(1 − x), around 1 as −∫ dt/(1 + (x−1)t)."""
    near = np.greater(x, 0.5)
    a, b = np.where(near, x, 1.0), np.where(near, 0.5, x)
    return np.where(near, -LOG_MOMENT(0, a - 1.0), np.log(b) / (1.0 - b))


special(sp.expi, (lambda y, x: np.exp(x) / x,), REAL)
special(sp.exp1, (lambda y, x: -np.exp(-x) / x,), ABOVE)
special(sp.expn, (no_rule("expn", "n"), _expn_rate), ((2, np.array([0.2, 1.7])), (1, np.array([0.2, 1.7]))))
several(sp.sici, (lambda out, x: (SPHERICAL_JN(0, x), np.cos(x) / x),), ABOVE)
several(sp.shichi, (lambda out, x: (SPHERICAL_IN(0, x), np.cosh(x) / x),), ABOVE)
special(sp.spence, (_spence_rate,), ABOVE)

# --- hypergeometric functions -----------------------------------------------------------------------------------------


def _constants(ufunc, names: str, partial, samples):
    return special(ufunc, (*[no_rule(ufunc.__name__, name) for name in names.split()], partial), samples)


_Z = np.array([-1.3, 0.4, 0.6])
_constants(sp.hyp0f1, "v", lambda y, b, z: sp.hyp0f1(b + 1.0, z) / b, ((2, _Z),))
_constants(sp.hyp1f1, "a b", lambda y, a, b, z: a / b * sp.hyp1f1(a + 1.0, b + 1.0, z), ((2, 3, _Z),))
_constants(sp.hyp2f1, "a b c", lambda y, a, b, c, z: a * b / c * sp.hyp2f1(a + 1.0, b + 1.0, c + 1.0, z),
           ((1, 2, 4, _Z),))
_constants(sp.hyperu, "a b", lambda y, a, b, z: -a * sp.hyperu(a + 1.0, b + 1.0, z), ((2, 3, np.array([0.4, 1.7])),))
_constants(sp.wright_bessel, "a b", lambda y, a, b, x: sp.wright_bessel(a, a + b, x), ((1, 2, np.array([0.4, 1.7])),))
_constants(sp.log_wright_bessel, "a b", lambda y, a, b, x: np.exp(sp.log_wright_bessel(a, a + b, x) - y),
           ((1, 2, np.array([0.4, 1.7])),))

# --- orthogonal polynomials: the derivative is one of lower degree. DLMF 18.9 -----------------------------------------


def _lower(polynomial, factor):
    """factor · p_{n−1}(*parameters, x), and 0 for n = 0."""
    def rate(n, *rest):
        none = np.equal(n, 0)
        value = factor(n, *rest) * polynomial(np.where(none, 1, n) - 1, *rest)
        return np.where(none, 0.0, value) if anywhere(none) else value
    return rate


def _gegenbauer(alpha: float, scale):
    """p_n(x) = C-type in scale(x): 2α·C^{(α+1)}_{n−1}, with α + 1 given."""
    return _lower(lambda n, x: sp.eval_gegenbauer(n, alpha, scale(x)), lambda n, x: 1.0)


def _polynomial(ufunc, rate, samples, names: str = "n"):
    _constants(ufunc, names, lambda y, *inputs: rate(*inputs), samples)


_DEGREES, _SHIFTED = ((3, UNIT[0][0]), (0, UNIT[0][0])), ((3, np.array([0.1, 0.6])),)
_legendre, _chebyshev = _gegenbauer(1.5, lambda x: x), _gegenbauer(2.0, lambda x: x)
_polynomial(sp.eval_legendre, _legendre, _DEGREES[:1])
_polynomial(sp.eval_sh_legendre, lambda n, x: 2.0 * _legendre(n, 2.0 * x - 1.0), _SHIFTED)
_polynomial(sp.eval_chebyu, lambda n, x: 2.0 * _chebyshev(n, x), _DEGREES[:1])
_polynomial(sp.eval_chebys, lambda n, x: _chebyshev(n, 0.5 * x), _DEGREES[:1])
_polynomial(sp.eval_sh_chebyu, lambda n, x: 4.0 * _chebyshev(n, 2.0 * x - 1.0), _SHIFTED)
_polynomial(sp.eval_chebyt, _lower(sp.eval_chebyu, lambda n, x: n), _DEGREES[:1])
_polynomial(sp.eval_chebyc, _lower(sp.eval_chebys, lambda n, x: n), _DEGREES[:1])
_polynomial(sp.eval_sh_chebyt, _lower(sp.eval_sh_chebyu, lambda n, x: 2.0 * n), _SHIFTED)
_polynomial(sp.eval_hermite, _lower(sp.eval_hermite, lambda n, x: 2.0 * n), _DEGREES[:1])
_polynomial(sp.eval_hermitenorm, _lower(sp.eval_hermitenorm, lambda n, x: n), _DEGREES[:1])
_polynomial(sp.eval_laguerre, _lower(lambda n, x: sp.eval_genlaguerre(n, 1.0, x), lambda n, x: -1.0), _DEGREES[:1])
_polynomial(sp.eval_genlaguerre, _lower(lambda n, a, x: sp.eval_genlaguerre(n, a + 1.0, x), lambda n, a, x: -1.0),
            ((3, 1, UNIT[0][0]),), "n alpha")
_polynomial(sp.eval_gegenbauer, _lower(lambda n, a, x: sp.eval_gegenbauer(n, a + 1.0, x), lambda n, a, x: 2.0 * a),
            ((3, 2, UNIT[0][0]),), "n alpha")
_polynomial(sp.eval_jacobi, _lower(lambda n, a, b, x: sp.eval_jacobi(n, a + 1.0, b + 1.0, x),
                                   lambda n, a, b, x: 0.5 * (n + a + b + 1.0)),
            ((3, 1, 2, UNIT[0][0]),), "n alpha beta")
_polynomial(sp.eval_sh_jacobi, _lower(lambda n, p, q, x: sp.eval_sh_jacobi(n, p + 2.0, q + 1.0, x),
                                      lambda n, p, q, x: n), ((3, 3, 2, np.array([0.1, 0.6])),), "n p q")


def _lpmv_rate(y, m, v, x):
    """P^m_v' = ½((v+m)(v−m+1) P^{m−1}_v − P^{m+1}_v)/√(1−x²); for m = 0 a Gegenbauer function, finite at ±1."""
    plain = np.equal(m, 0)
    zonal = sp.eval_gegenbauer(v - 1.0, 1.5, x) if anywhere(plain) else 0.0
    if not anywhere(np.logical_not(plain)):
        return zonal
    raised = 0.5 * ((v + m) * (v - m + 1.0) * sp.lpmv(m - 1.0, v, x) - sp.lpmv(m + 1.0, v, x))
    raised = raised / np.sqrt((1.0 - x) * (1.0 + x))
    return np.where(plain, zonal, raised) if anywhere(plain) else raised


special(sp.lpmv, (no_rule("lpmv", "m"), no_rule("lpmv", "v"), _lpmv_rate), ((1, 3, UNIT[0][0]), (0, 3, UNIT[0][0])))
