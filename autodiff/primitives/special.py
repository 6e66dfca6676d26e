"""Rows of scipy.special: how they are made, and those with elementary derivatives.

A row holds one formula an argument (None: zero almost everywhere); `no_rule` refuses an argument by name. Formulas are
chosen so that they neither cancel nor overflow where the function itself is fine.
"""

import functools

import numpy as np
import scipy.special as sp

from ..errors import TraceError
from ..primitive import FUNCTIONS, UFUNCS, Primitive, Tracer
from .elementwise import CBRT, EXP2, EXPM1, LOG1P, POSITIVE_PAIRS, REAL, broadcast, float_type
from .elementwise import POSITIVE as ABOVE
from .shape import broadcast_to

LOG2, LOG10, DEGREE = float(np.log(2.0)), float(np.log(10.0)), float(np.pi / 180)
INSIDE = ((np.array([0.2, 0.7]),),)
_SCALARS = (int, float, complex)


@functools.cache
def _types(ufunc, kinds: tuple) -> tuple:
    return ufunc.resolve_dtypes((*kinds, *(None,) * ufunc.nout))[ufunc.nin:]


def result_types(ufunc, inputs) -> tuple:
    """The dtypes of a ufunc's results, by its own table of loops."""
    return _types(ufunc, tuple([type(i) if type(i) in _SCALARS else i.dtype for i in inputs]))


def special(ufunc, partials: tuple, samples: tuple, name: str = "") -> Primitive:
    """The row of a ufunc with one output; integer arguments stay integers in generated code."""
    whole = any("l" in loop for loop in ufunc.types)
    prim = Primitive(name or ufunc.__name__, ufunc, lambda *inputs: (broadcast(*inputs), *result_types(ufunc, inputs)),
                     partials=partials, samples=samples, ufunc=None if whole else ufunc)
    UFUNCS[ufunc] = prim
    return prim


def several(ufunc, partials: tuple, samples: tuple) -> Primitive:
    """The row of a ufunc with several outputs: partials[i](out, *inputs) has d out_k/d input_i for every k."""
    from .linalg import ITEM

    def shape(*inputs):
        return (broadcast(*inputs),) * ufunc.nout, result_types(ufunc, inputs)

    def jvp(out, inputs, tangents):
        moved = [[p if p is None else t * p for p in partial(out, *inputs)]
                 for t, partial in zip(tangents, partials, strict=True) if t is not None and partial is not None]
        sums = [[part for part in parts if part is not None] for parts in zip(*moved, strict=True)] or [[]] * ufunc.nout
        return tuple([broadcast_to(sum(parts[1:], parts[0]), broadcast(*inputs)) if parts else None for parts in sums])

    prim = Primitive(ufunc.__name__, ufunc, shape, jvp=jvp, samples=samples)

    def answer(_, *inputs, **kwargs):
        if kwargs:
            raise TraceError(f"scipy.special.{ufunc.__name__} with {', '.join(kwargs)}= has no derivative rule",
                             "call it without, and assign the results")
        both = prim(*inputs)
        return tuple([ITEM(both, number=k) for k in range(ufunc.nout)])
    FUNCTIONS[ufunc, "__call__"] = answer
    return prim


def own(name: str, compute, partials: tuple, samples: tuple, orders: int = 0, block: int = 1 << 62) -> Primitive:
    """A function that SciPy has not, of `orders` leading integers and real arguments.

    compute(*orders, *vectors) : float64 vectors of one length (at most `block`) to such a vector; floating trouble is
    silent there.
    """
    def evaluate(*inputs):
        exact, real = inputs[:orders], inputs[orders:]
        arrays = np.broadcast_arrays(*[np.asarray(i, dtype=float) for i in real])
        flat, out = [a.ravel() for a in arrays], np.empty(arrays[0].size)
        with np.errstate(all="ignore"):
            for k in range(0, out.size, block):
                out[k:k + block] = compute(*exact, *[a[k:k + block] for a in flat])
        return out.reshape(arrays[0].shape).astype(float_type(*real))[()]

    return Primitive(name, evaluate, lambda *inputs: (broadcast(*inputs[orders:]), float_type(*inputs[orders:])),
                     partials=partials, samples=samples)


def no_rule(function: str, argument: str, remedy: str = ""):
    """A partial that refuses: the derivative with respect to this argument has no formula here."""
    def partial(*values):
        raise TraceError(f"scipy.special.{function} has no derivative rule for its argument {argument}",
                         remedy or f"keep {argument} constant, or give the derivative through jac=")
    return partial


def anywhere(condition) -> bool:
    """Whether a condition on parameters may hold: known where they are constants."""
    return type(condition) is Tracer or bool(np.any(condition))


class _Which:
    """Stands in for an argument to learn which ufunc a SciPy function calls."""

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return ufunc


def ufunc_of(function, *arguments):
    """The ufunc behind a Python function of scipy.special, called with these arguments and a stand-in for the last."""
    return function(*arguments, _Which())


def origin(x, y):
    """Whether x and y are both 0."""
    return np.logical_and(np.equal(x, 0), np.equal(y, 0))


# --- logistic ---------------------------------------------------------------------------------------------------------

EXPIT = special(sp.expit, (lambda y, x: y * sp.expit(-x),), REAL)
LOG_EXPIT = special(sp.log_expit, (lambda y, x: sp.expit(-x),), REAL)
LOGIT = special(sp.logit, (lambda y, x: 1.0 / (x * (1.0 - x)),), INSIDE)

# --- twins of NumPy's -------------------------------------------------------------------------------------------------

special(sp.cbrt, CBRT.partials, REAL, "special_cbrt")
special(sp.exp2, EXP2.partials, REAL, "special_exp2")
special(sp.expm1, EXPM1.partials, REAL, "special_expm1")
special(sp.log1p, LOG1P.partials, ABOVE, "special_log1p")
special(sp.round, (None,), REAL, "special_round")
special(sp.exp10, (lambda y, x: LOG10 * y,), REAL)
special(sp.cosm1, (lambda y, x: -np.sin(x),), REAL)
special(sp.powm1, (lambda z, x, y: y * np.power(x, y - 1.0),
                   lambda z, x, y: np.power(x, y) * np.log(np.where(z == -1, 1.0, x))), POSITIVE_PAIRS)   # d0^y/dy = 0
special(sp.sindg, (lambda y, x: DEGREE * sp.cosdg(x),), REAL)
special(sp.cosdg, (lambda y, x: -DEGREE * sp.sindg(x),), REAL)
special(sp.tandg, (lambda y, x: DEGREE * (1.0 + np.square(y)),), REAL)
special(sp.cotdg, (lambda y, x: -DEGREE * (1.0 + np.square(y)),), ABOVE)
special(sp.radian, (lambda z, d, m, s: DEGREE, lambda z, d, m, s: DEGREE / 60, lambda z, d, m, s: DEGREE / 3600),
        ((12.0, np.array([3.0, 4.5]), 6.25),))

# --- entropies --------------------------------------------------------------------------------------------------------


def _log_ratio(x, y):
    """log(x/y), by log1p where the quotient is near 1 and as a difference where it leaves the range."""
    gap, ratio = (x - y) / y, x / y
    far = (ratio < 1e-300) | (ratio > 1e300)
    return np.where(np.abs(gap) < 0.5, np.log1p(gap), np.where(far, np.log(x) - np.log(y), np.log(ratio)))


LOG_RATIO = own("log_ratio", _log_ratio, (lambda z, x, y: 1.0 / x, lambda z, x, y: -1.0 / y), POSITIVE_PAIRS)
XLOGY = special(sp.xlogy, (lambda z, x, y: np.log(np.where(origin(x, y), 1.0, y)),                        # 0 at (0, 0)
                           lambda z, x, y: x / np.where(origin(x, y), 1.0, y)), POSITIVE_PAIRS)
XLOG1PY = special(sp.xlog1py, (lambda z, x, y: np.log1p(np.where(origin(x, 1.0 + y), 0.0, y)),            # 0 at (0, -1)
                               lambda z, x, y: x / np.where(origin(x, 1.0 + y), 1.0, 1.0 + y)), POSITIVE_PAIRS)
ENTR = special(sp.entr, (lambda y, x: -1.0 - np.log(x),), ABOVE)
REL_ENTR = special(sp.rel_entr, (lambda z, x, y: 1.0 + LOG_RATIO(x, y), lambda z, x, y: -x / y), POSITIVE_PAIRS)
KL_DIV = special(sp.kl_div, (lambda z, x, y: LOG_RATIO(x, y), lambda z, x, y: (y - x) / y), POSITIVE_PAIRS)

# --- robust losses ----------------------------------------------------------------------------------------------------


def _pseudo_huber_scale(z, d, r):
    """δ u⁴/(s(1 + s)²), u = r/δ, s = √(1 + u²)."""
    s = np.hypot(1.0, r / d)
    return z / d * (r / (d * s)) * (r / (d * (1.0 + s)))


HUBER = special(sp.huber, (lambda z, d, r: np.where(np.absolute(r) <= d, 0.0, np.absolute(r) - d),
                           lambda z, d, r: np.where(np.absolute(r) <= d, r, d * np.sign(r))),
                ((1.0, np.array([0.4, -2.2])),))
RAMP = own("soft_ramp", lambda d, r: r / np.hypot(1.0, r / d),                             # r/s, whose slope is 1/s³
           (lambda y, d, r: (y / d)**3, lambda y, d, r: 1.0 / np.hypot(1.0, r / d)**3), ((1.4, np.array([0.4, -2.2])),))
PSEUDO_HUBER = special(sp.pseudo_huber, (_pseudo_huber_scale, lambda z, d, r: RAMP(d, r)), RAMP.samples)

# --- power transforms -------------------------------------------------------------------------------------------------


def _moment(n: int, u):
    """∫₀¹ tⁿ eᵘᵗ dt: eᵘ/(n+1) Σ (−u)ᵏ/((n+2)…(n+1+k)), by parts from (eᵘ − 1)/u where u is large."""
    out, near = sp.exprel(u), np.abs(u) < 16.0
    for k in range(1, n + 1):
        out = np.where(near, out, (np.exp(u) - k * out) / u)
    v = u[near]
    positive = v > 0
    term, total = np.ones_like(v), np.where(positive, 1.0 / (n + 1), 1.0)
    for k in range(1, 90):
        term = term * np.where(positive, v / k, -v / (n + 1 + k))
        total = total + np.where(positive, term / (n + 1 + k), term)
    out[near] = np.where(positive, total, total * np.exp(v) / (n + 1))
    return out


def _log_moment(n: int, v):
    """∫₀¹ tⁿ/(1 + vt)ⁿ⁺¹ dt: a series in v, by parts from log(1 + v)/v where v is not small."""
    near = np.abs(v) < 0.5
    apart = np.where(near, 1.0, v)
    out = np.log1p(apart) / apart
    for k in range(1, n + 1):
        out = (out - (1.0 + apart) ** -k / k) / apart
    small = v[near]
    term, total = np.ones_like(small), np.full_like(small, 1.0 / (n + 1))
    for k in range(1, 80 + 6 * n):
        term = term * -small * (n + k) / k
        total = total + term / (n + 1 + k)
    out[near] = total
    return out


EXP_MOMENT = own("exp_moment", _moment, (None, lambda z, n, u: EXP_MOMENT(n + 1, u)),
                 ((1, np.array([-2.3, 0.4, 20.0])),), 1)
LOG_MOMENT = own("log_moment", _log_moment, (None, lambda z, n, v: -(n + 1.0) * LOG_MOMENT(n + 1, v)),
                 ((0, np.array([-0.3, 0.2, 1.7])),), 1)
special(sp.exprel, (lambda y, x: EXP_MOMENT(1, x),), REAL)


def _boxcox_power(log, y):
    """∂y/∂λ of y = (x^λ − 1)/λ: (log x)² ∫ t e^{tλ log x} dt; 1/λ² at x = 0."""
    def partial(z, x, power):
        at = log(np.where(np.equal(x, y), 1.0 + y, x))
        return np.where(np.equal(x, y), 1.0 / np.square(power), np.square(at) * EXP_MOMENT(1, power * at))
    return partial


def _inverse_boxcox_power(shift: float):
    """∂x/∂λ of x = (1 + λy)^{1/λ}: log(1 + λy)/λ = y ∫ dt/(1 + tλy)."""
    return lambda x, y, power: -(x + shift) * np.square(y) * LOG_MOMENT(1, power * y)


special(sp.boxcox, (lambda z, x, power: np.power(x, power - 1.0), _boxcox_power(np.log, 0.0)), POSITIVE_PAIRS)
special(sp.boxcox1p, (lambda z, x, power: np.power(1.0 + x, power - 1.0), _boxcox_power(np.log1p, -1.0)),
        POSITIVE_PAIRS)
special(sp.inv_boxcox, (lambda x, y, power: x / (1.0 + power * y), _inverse_boxcox_power(0.0)), POSITIVE_PAIRS)
special(sp.inv_boxcox1p, (lambda x, y, power: (1.0 + x) / (1.0 + power * y), _inverse_boxcox_power(1.0)),
        POSITIVE_PAIRS)
special(sp.lambertw(_Which()), (lambda w, z, k, tol: np.exp(-w) / (1.0 + w), None, None), (), "lambertw")
special(sp.wrightomega, (lambda w, z: w / (1.0 + w),), REAL)
