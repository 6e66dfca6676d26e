"""What to write instead of functions that no protocol reaches, by the name of the call. trace.py says it."""

import re
from types import FrameType, ModuleType
from typing import Any

import numpy as np
import scipy.special

_MATH = {"acos": "np.arccos", "asin": "np.arcsin", "atan": "np.arctan", "atan2": "np.arctan2", "acosh": "np.arccosh",
         "asinh": "np.arcsinh", "atanh": "np.arctanh", "pow": "np.power", "fsum": "np.sum", "ceil": "np.ceil",
         "lgamma": "scipy.special.gammaln", "dist": "np.linalg.norm(p - q)", "hypot": "np.linalg.norm(x)",
         "factorial": "scipy.special.gamma(x + 1)", "phase": "np.angle", "polar": "np.abs and np.angle",
         "sumprod": "np.dot"}
_SHOWN = ('print it as it is: f"{x:.3g}", str(x) and print(x) work; a text that is read again has no derivative')

# (pattern of the name, remedy). The name is that of the function itself, "module.name" or "Class.method", where it can
# be found from the source text of the call, then the text.
_REMEDIES: tuple[tuple[str, str], ...] = (
    (r"builtins\.float\b", "drop float(...): x is a number already; float(autodiff.stop_gradient(x)) where its "
                           "derivative is not wanted"),
    (r"builtins\.complex\b", "write a + 1j * b"),
    (r"numpy\.format_float|format\b", _SHOWN),
    (r"array\.array|ctypes\.|struct\.pack|_struct\.", "keep traced values in lists and NumPy arrays: np.array([a, b])"),
    (r"norm_gen\.logpdf|\bnorm\.logpdf", "write it: -0.5 * z**2 - np.log(scale) - 0.5 * np.log(2 * np.pi), "
                                         "z = (x - loc) / scale"),
    (r"norm_gen\.pdf|\bnorm\.pdf", "write it: np.exp(-0.5 * z**2) / (scale * np.sqrt(2 * np.pi)), "
                                   "z = (x - loc) / scale"),
    (r"norm_gen\.cdf|\bnorm\.cdf", "use scipy.special.ndtr((x - loc) / scale)"),
    (r"norm_gen\.logcdf|\bnorm\.logcdf", "use scipy.special.log_ndtr((x - loc) / scale)"),
    (r"norm_gen\.ppf|\bnorm\.ppf", "use loc + scale * scipy.special.ndtri(q)"),
    (r"\w+_gen\.log[pc]\w+|\bstats\.\w+\.\w*(pdf|pmf|cdf|sf|ppf)", "write the density with NumPy and scipy.special "
     "(gammaln, xlogy, betaln, ndtr, log_ndtr, gammainc, betainc): SciPy's distributions make plain arrays"),
    (r"scipy\.stats|\bstats\.", "write it with np.mean, np.std, np.sum and scipy.special"),
    (r"CubicSpline|interp1d|Interpolator|BSpline|UnivariateSpline|PPoly|scipy\.interpolate",
     "np.interp(x, points, values) has a rule; for a smooth interpolant give the derivative by hand: "
     "autodiff.custom_jvp with spline and spline.derivative()"),
    (r"\bquad\b|_quadpack_py\.", "use fixed nodes: t, w = np.polynomial.legendre.leggauss(20); the integral over "
                                 "[a, b] is (b - a) / 2 * (w @ g((a + b) / 2 + (b - a) / 2 * t))"),
    (r"scipy\.integrate\.(\w+\.)?\w*simpson", "use np.trapezoid(y, x)"),
    (r"odeint|solve_ivp|scipy\.integrate\._ivp|_odepack_py\.", "write the steps in NumPy: a loop of Runge–Kutta steps "
                                                               "is recorded and differentiated"),
    (r"brentq|newton|root_scalar|fsolve|_zeros_py\.|_root\.", "differentiate the solution: "
     "autodiff.implicit_root(g, solve)"),
    (r"approx_fprime|finite_difference", "use autodiff.grad(f)(x) in place of differences"),
    (r"scipy\.optimize\.(\w+\.)?(minimize|least_squares|curve_fit|leastsq|lsq_linear|nnls|linprog|milp|fmin|basinhopping|"
     r"differential_evolution|dual_annealing|shgo|brute|direct|fixed_point|bisect|ridder|toms748|anderson|broyden)",
     "solve outside, and differentiate the solution by autodiff.implicit_root"),
    (r"scipy\.signal\.|signaltools", "use np.convolve and np.correlate"),
    (r"scipy\.ndimage|scipy\.signal", "write the filter with np.convolve, slices or a constant matrix A @ x"),
    (r"scipy\.spatial|cdist|pdist|KDTree", "write the distances: np.sqrt(np.sum((x[:, None] - y) ** 2, axis=-1))"),
    (r"random.*\.(normal|uniform|exponential|gamma|beta|poisson|standard_\w+|multivariate_normal)$|"
     r"(Generator|RandomState)\.(normal|uniform|exponential|gamma|beta|poisson|multivariate_normal)",
     "draw without x and shift or scale: loc + scale * rng.normal(size=n)"),
    (r"random.*\.(choice|permutation|shuffle|permuted)$|(Generator|RandomState)\.(choice|permut\w+|shuffle)",
     "draw the indices: x[rng.permutation(len(x))], x[rng.integers(len(x))]"),
    (r"Polynomial\b|Chebyshev\b|Legendre\b", "use np.polyval(c, x) with arrays of coefficients"),
    (r"numpy\.(ma|matrix|rec)\b|\bnp\.(ma|matrix|rec)\b", "use plain arrays, and np.where(mask, x, y) for what is "
                                                          "masked"),
    (r"numpy\.testing|\btesting\.assert", "test values outside, or assert np.all(condition on x)"),
    (r"statistics\.", "use np.mean, np.median, np.var and scipy.special"),
    (r"numpy\.require|\brequire$", "use np.asarray(x, dtype)"),
    (r"json\.|pickle\.|csv|sqlite|memoryview|bytes|datetime|decimal|fractions|Decimal|Fraction",
     "keep traced values out of it: work on autodiff.stop_gradient(x), or store what f returns"),
)
_PATTERNS = tuple((re.compile(pattern), remedy) for pattern, remedy in _REMEDIES)


def remedy_for(call: str, frame: FrameType | None) -> str | None:
    """What to write instead of the call that this text makes in this frame, if it is known."""
    if not call:
        return None
    names = (canonical(call, frame), call)
    for name in names:
        module, _, function = name.rpartition(".")
        if module in ("math", "cmath"):
            return f"use {_numpy_name(function)}"
    for name in names:
        for pattern, remedy in _PATTERNS:
            if pattern.search(name):
                return remedy
    return None


def _numpy_name(function: str) -> str:
    known = _MATH.get(function)
    if known is not None:
        return known
    if hasattr(np, function):
        return f"np.{function}"
    return f"scipy.special.{function}" if hasattr(scipy.special, function) else "the NumPy function"


def canonical(call: str, frame: FrameType | None) -> str:
    """The function that the text names: "module.name", or "Class.method" of an object; the text where not found."""
    head, *rest = call.split(".")
    try:
        value = _variable(head, frame)
        for name in rest:
            value = getattr(value, name)
    except (KeyError, AttributeError):
        return call
    owner = getattr(value, "__self__", None)
    if owner is not None and not isinstance(owner, ModuleType):
        return f"{type(owner).__name__}.{getattr(value, '__name__', '')}"
    if not hasattr(value, "__name__"):                                # an object that is called
        value = type(value)
    return f"{getattr(value, '__module__', None) or ''}.{value.__name__}"


def _variable(name: str, frame: FrameType | None) -> Any:
    scopes: tuple[dict, ...] = () if frame is None else (frame.f_locals, frame.f_globals, frame.f_builtins)
    for scope in scopes:
        if name in scope:
            return scope[name]
    raise KeyError(name)


