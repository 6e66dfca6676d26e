"""Elementwise rows: NumPy ufuncs with their partial derivatives d out/d input_i from (out, *inputs).

The second column of a differentiable row holds one formula an input; None is a derivative zero almost everywhere.
Conventions at nondifferentiable points stand on the row.
"""

import math

import numpy as np

from ..primitive import NO_PARAMS, UFUNCS, Primitive, bind, shape_of

F64, BOOL = np.dtype(np.float64), np.dtype(np.bool_)


def broadcast(*inputs) -> tuple[int, ...]:
    found: tuple[int, ...] = ()
    for i in inputs:
        shape = shape_of(i)
        if shape and shape != found:
            if found:
                return np.broadcast_shapes(*map(shape_of, inputs))
            found = shape
    return found


def float_type(*inputs) -> np.dtype:
    """dtype of a floating ufunc's result: float64 unless all arrays are of lower precision, or one is complex."""
    dtype = same_type(*inputs)
    return dtype if dtype.kind in "fc" else F64


def same_type(*inputs) -> np.dtype:
    for i in inputs:
        if type(i) is not float and getattr(i, "dtype", None) is not F64:
            break
    else:
        return F64
    kinds = [i if isinstance(i, (float, int, complex)) and not isinstance(i, np.generic) else i.dtype for i in inputs]
    return F64 if F64 in kinds and all(k == F64 or type(k) in (float, int) for k in kinds) else np.result_type(*kinds)


_TYPES = {"float": float_type, "same": same_type, "bool": lambda *inputs: BOOL}
REAL = ((0.3,), (np.array([-1.3, 0.4, 2.1]),))
POSITIVE = ((0.7,), (np.array([[0.2, 1.7, 3.1]]),))
UNIT = ((np.array([-0.9, -0.2, 0.6]),),)
PAIRS = ((1.3, np.array([0.4, -2.2])), (np.array([[0.5], [1.5]]), np.array([-0.3, 0.8, 1.9])))
APART = ((np.array([[5.3], [-1.7]]), np.array([-2.1, 0.8])),)       # quotients away from integers
POSITIVE_PAIRS = ((np.array([0.4, 2.2]), np.array([1.3, 0.7])), (np.array([[0.5], [1.5]]), np.array([0.3, 0.8, 1.9])))


def elementwise(ufunc, partials, samples, kind="float", name=None) -> Primitive:
    dtype = _TYPES[kind]
    name = name or ufunc.__name__
    prim = Primitive(name, ufunc, lambda *inputs: (broadcast(*inputs), dtype(*inputs)),
                     partials=partials, samples=samples, ufunc=ufunc)
    UFUNCS[ufunc] = prim
    return prim


def _where_zero(condition, value):
    """value where the condition holds, else 0."""
    return np.where(condition, value, 0.0)


def _power_base(y, x, p):
    if isinstance(p, (int, float)):
        return 0.0 if p == 0 else p * x ** (p - 1)
    origin = np.logical_and(np.equal(p, 0), np.equal(x, 0))      # 0 there; a mask at every p = 0 would lose d/dp
    return p * x ** np.where(origin, 1.0, p - 1)


def _tie(x, y):
    """Share of the larger argument: 1, 0, and 1/2 at a tie."""
    return 0.5 * (np.greater_equal(x, y) + np.multiply(1.0, np.greater(x, y)))


def _pick_finite(x, y):
    """fmax/fmin ignore NaN: the share of x where y is NaN is 1."""
    return np.where(np.isnan(y), 1.0, np.where(np.isnan(x), 0.0, _tie(x, y)))


ADD = elementwise(np.add, (lambda z, x, y: 1.0, lambda z, x, y: 1.0), PAIRS, "same")
SUBTRACT = elementwise(np.subtract, (lambda z, x, y: 1.0, lambda z, x, y: -1.0), PAIRS, "same")
MULTIPLY = elementwise(np.multiply, (lambda z, x, y: y, lambda z, x, y: x), PAIRS, "same")
DIVIDE = elementwise(np.divide, (lambda z, x, y: 1.0 / y, lambda z, x, y: -z / y), PAIRS)
NEGATIVE = elementwise(np.negative, (lambda y, x: -1.0,), REAL, "same")
POSITIVE_OP = elementwise(np.positive, (lambda y, x: 1.0,), REAL, "same")
POWER = elementwise(np.power, (_power_base, lambda y, x, p: y * np.log(np.where(y == 0, 1.0, x))),  # d0^p/dp = 0
                    ((np.array([0.4, 2.2]), np.array([1.3, 0.7])), (np.array([1.3, -0.7]), 3),
                     (np.array([0.4, 2.0]), 0.5)))
FLOAT_POWER = elementwise(np.float_power, POWER.partials, POWER.samples)
SQUARE = elementwise(np.square, (lambda y, x: 2.0 * x,), REAL, "same")
SQRT = elementwise(np.sqrt, (lambda y, x: 0.5 / y,), POSITIVE)
CBRT = elementwise(np.cbrt, (lambda y, x: 1.0 / (3.0 * np.square(y)),), REAL)
RECIPROCAL = elementwise(np.reciprocal, (lambda y, x: -np.square(y),), REAL)
ABSOLUTE = elementwise(np.absolute, (lambda y, x: np.sign(x),), REAL, "same")                     # d|x|/dx(0) = 0
FABS = elementwise(np.fabs, (lambda y, x: np.sign(x),), REAL)
EXP = elementwise(np.exp, (lambda y, x: y,), REAL)
EXP2 = elementwise(np.exp2, (lambda y, x: float(np.log(2.0)) * y,), REAL)
EXPM1 = elementwise(np.expm1, (lambda y, x: np.exp(x),), REAL)
LOG = elementwise(np.log, (lambda y, x: 1.0 / x,), POSITIVE)
LOG2 = elementwise(np.log2, (lambda y, x: 1.0 / (float(np.log(2.0)) * x),), POSITIVE)
LOG10 = elementwise(np.log10, (lambda y, x: 1.0 / (float(np.log(10.0)) * x),), POSITIVE)
LOG1P = elementwise(np.log1p, (lambda y, x: 1.0 / (1.0 + x),), POSITIVE)
LOGADDEXP = elementwise(np.logaddexp, (lambda z, x, y: np.exp(x - z), lambda z, x, y: np.exp(y - z)), PAIRS)
LOGADDEXP2 = elementwise(np.logaddexp2, (lambda z, x, y: np.exp2(x - z), lambda z, x, y: np.exp2(y - z)), PAIRS)
SIN = elementwise(np.sin, (lambda y, x: np.cos(x),), REAL)
COS = elementwise(np.cos, (lambda y, x: -np.sin(x),), REAL)
TAN = elementwise(np.tan, (lambda y, x: 1.0 + np.square(y),), REAL)
ARCSIN = elementwise(np.arcsin, (lambda y, x: 1.0 / np.sqrt((1.0 - x) * (1.0 + x)),), UNIT)
ARCCOS = elementwise(np.arccos, (lambda y, x: -1.0 / np.sqrt((1.0 - x) * (1.0 + x)),), UNIT)
ARCTAN = elementwise(np.arctan, (lambda y, x: 1.0 / (1.0 + np.square(x)),), REAL)
ARCTAN2 = elementwise(np.arctan2, (lambda z, y, x: x / (np.square(x) + np.square(y)),
                                   lambda z, y, x: -y / (np.square(x) + np.square(y))), PAIRS)
HYPOT = elementwise(np.hypot, (lambda z, x, y: _where_zero(z != 0, x / np.where(z == 0, 1.0, z)),   # 0 at the origin
                               lambda z, x, y: _where_zero(z != 0, y / np.where(z == 0, 1.0, z))), PAIRS)
SINH = elementwise(np.sinh, (lambda y, x: np.cosh(x),), REAL)
COSH = elementwise(np.cosh, (lambda y, x: np.sinh(x),), REAL)
TANH = elementwise(np.tanh, (lambda y, x: 1.0 - np.square(y),), REAL)
ARCSINH = elementwise(np.arcsinh, (lambda y, x: 1.0 / np.sqrt(np.square(x) + 1.0),), REAL)
ARCCOSH = elementwise(np.arccosh, (lambda y, x: 1.0 / np.sqrt((x - 1.0) * (x + 1.0)),), ((np.array([1.2, 3.1]),),))
ARCTANH = elementwise(np.arctanh, (lambda y, x: 1.0 / ((1.0 - x) * (1.0 + x)),), UNIT)
DEG2RAD = elementwise(np.deg2rad, (lambda y, x: float(np.pi / 180),), REAL)
RADIANS = elementwise(np.radians, (lambda y, x: float(np.pi / 180),), REAL)
RAD2DEG = elementwise(np.rad2deg, (lambda y, x: float(180 / np.pi),), REAL)
DEGREES = elementwise(np.degrees, (lambda y, x: float(180 / np.pi),), REAL)
MAXIMUM = elementwise(np.maximum, (lambda z, x, y: _tie(x, y), lambda z, x, y: _tie(y, x)), PAIRS, "same")  # ties: ½
MINIMUM = elementwise(np.minimum, (lambda z, x, y: _tie(y, x), lambda z, x, y: _tie(x, y)), PAIRS, "same")
FMAX = elementwise(np.fmax, (lambda z, x, y: _pick_finite(x, y), lambda z, x, y: _pick_finite(y, x)), PAIRS, "same")
FMIN = elementwise(np.fmin, (lambda z, x, y: _pick_finite(-x, -y), lambda z, x, y: _pick_finite(-y, -x)), PAIRS, "same")
COPYSIGN = elementwise(np.copysign, (lambda z, x, y: np.copysign(1.0, x) * np.copysign(1.0, y), None), PAIRS)
MOD = elementwise(np.mod, (lambda z, x, y: 1.0, lambda z, x, y: -np.floor(x / y)), APART, "same")
FMOD = elementwise(np.fmod, (lambda z, x, y: 1.0, lambda z, x, y: -np.trunc(x / y)), APART, "same")

# Zero almost everywhere, by type or by the piecewise-constant convention.
for _ufunc in (np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal, np.isnan, np.isinf,
               np.isfinite, np.signbit, np.logical_and, np.logical_or, np.logical_xor, np.logical_not):
    elementwise(_ufunc, (None,) * _ufunc.nin, PAIRS if _ufunc.nin == 2 else REAL, "bool")
for _ufunc in (np.floor, np.ceil, np.trunc, np.rint, np.sign, np.floor_divide):
    elementwise(_ufunc, (None,) * _ufunc.nin, APART if _ufunc.nin == 2 else REAL, "same")
for _ufunc in (np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert):
    elementwise(_ufunc, (None,) * _ufunc.nin, (), "same")
HEAVISIDE = elementwise(np.heaviside, (None, lambda z, x, h: np.multiply(1.0, x == 0)), ())
SPACING = elementwise(np.spacing, (None,), ())


def _scale_safe(a, b):
    """a*b where zero times anything is zero: the product of a (co)tangent and a derivative in safe mode."""
    if isinstance(a, float) and a != 0.0 and math.isfinite(a):
        return np.multiply(a, b)
    with np.errstate(invalid="ignore", over="ignore"):
        product = np.multiply(a, b)
        return np.where(np.equal(a, 0) | np.equal(b, 0), 0.0, product) if np.isnan(product).any() else product


SCALE = Primitive("scale", _scale_safe, lambda *inputs: (broadcast(*inputs), same_type(*inputs)), samples=PAIRS,
                  partials=MULTIPLY.partials)
CAST = Primitive("astype", lambda x, dtype: np.asarray(x if np.dtype(dtype).kind in "bc" else x.real).astype(dtype),
                 lambda x, dtype: (shape_of(x), np.dtype(dtype)),
                 transpose=(lambda ct, x, dtype: astype(ct, x.dtype) if np.dtype(dtype).kind in "fc" else None,),
                 samples=(((np.array([1.0, 2.0]),), {"dtype": "float64"}),))
STOP_GRADIENT = Primitive("stop_gradient", lambda x: x, lambda x: (shape_of(x), x.dtype), partials=(None,), alias=True)


def astype(x, dtype):
    x = x if hasattr(x, "dtype") else np.asarray(x)
    if x.dtype == dtype:
        return x
    return bind(CAST, (x,), {"dtype": np.dtype(dtype).str})


def stop_gradient(x):
    """x as a constant: the same value, derivative zero. Works on tracers and plain arrays."""
    return bind(STOP_GRADIENT, (x,), NO_PARAMS)


def _select(c, x, y):
    return np.where(c, x, y)


WHERE = Primitive("where", _select, lambda c, x, y: (broadcast(c, x, y), same_type(x, y)),
                  transpose=(None, lambda ct, c, x, y: np.where(c, ct, 0.0), lambda ct, c, x, y: np.where(c, 0.0, ct)),
                  samples=((np.array([True, False]), np.array([1.5, 2.5]), 3.5),
                           (np.array([[True], [False]]), np.array([0.1, 0.2]), np.array([[1.0], [2.0]]))))
