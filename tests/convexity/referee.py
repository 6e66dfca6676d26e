"""A second opinion: f at 60 digits, with its float constants taken as they are.

Plain NumPy code runs on arrays of `Real`; a central difference with a step of 1e-20 is then a derivative to 20 digits,
and the gap on a segment is what it is in real arithmetic. Code that needs float64 (linalg, scipy.special, buffers) is
measured in float64, and the answer says so.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NamedTuple

import mpmath
import numpy as np

MP = mpmath.mp.clone()
MP.dps = 60
STEP = MP.mpf(2) ** -66
COARSE = 2.0**-12  # of the width: the step in float64


class Real:
    """A number of 60 digits that NumPy's functions accept inside arrays."""

    __slots__ = ("v",)

    def __init__(self, v: Any):
        self.v = v.v if isinstance(v, Real) else MP.mpf(v) if isinstance(v, MP.mpf) else MP.mpf(float(v))

    def __float__(self) -> float:
        raise TypeError("a Real does not become a float64 unseen")

    def __abs__(self):
        return Real(abs(self.v))

    def __neg__(self):
        return Real(-self.v)

    def __pos__(self):
        return self

    def __bool__(self):
        return bool(self.v)

    def __hash__(self):
        return hash(self.v)

    def floor(self):
        return Real(MP.floor(self.v))

    def conjugate(self):
        return self


def _binary(act: Callable[[Any, Any], Any], swap: bool, wrap: bool) -> Callable:
    def method(self, other):
        if isinstance(other, np.ndarray) and other.ndim:
            return NotImplemented
        a, b = self.v, Real(other.item() if isinstance(other, np.ndarray) else other).v
        found = act(b, a) if swap else act(a, b)
        return Real(found) if wrap else found
    return method


for _name in ("add", "sub", "mul", "truediv", "pow"):
    setattr(Real, f"__{_name}__", _binary(getattr(operator, _name), False, True))
    setattr(Real, f"__r{_name}__", _binary(getattr(operator, _name), True, True))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Real, f"__{_name}__", _binary(getattr(operator, _name), False, False))
for _name, _function in {"exp": MP.exp, "expm1": MP.expm1, "log": MP.log, "log1p": MP.log1p, "sqrt": MP.sqrt,
                         "sin": MP.sin, "cos": MP.cos, "tan": MP.tan, "arctan": MP.atan, "sinh": MP.sinh,
                         "cosh": MP.cosh, "tanh": MP.tanh, "cbrt": MP.cbrt}.items():
    setattr(Real, _name, lambda self, _function=_function: Real(_function(self.v)))


def value(f: Callable, x: np.ndarray) -> Any:
    """f(x) at 60 digits; x an array of floats or of numbers of MP. TypeError where the code needs float64."""
    x = np.asarray(x)
    point = np.empty(x.shape, dtype=object)
    for i in np.ndindex(x.shape):
        point[i] = Real(x[i])
    found = np.asarray(f(point if x.ndim else point[()]))
    found = found.item() if found.ndim == 0 else found
    if not isinstance(found, Real):
        raise TypeError("f left the high precision")
    if not MP.isfinite(found.v) or isinstance(found.v, MP.mpc):
        raise ValueError(f"f is not a real number at {x}")
    return found.v


def supports(f: Callable, x: np.ndarray) -> bool:
    """Whether f runs at 60 digits."""
    try:
        value(f, x)
    except (TypeError, ValueError, AttributeError, np.exceptions.DTypePromotionError):
        return False
    return True


class Hessian(NamedTuple):
    """The matrix, and how far its entries may be off."""

    matrix: np.ndarray
    error: float

    @property
    def eigenvalues(self) -> np.ndarray:
        return np.linalg.eigvalsh(self.matrix)


def hessian(f: Callable, x: np.ndarray, width: float = 1.0) -> Hessian:
    """∇²f(x) by second differences: exact to float64 where f runs at 60 digits, else to about 1e-5 of its scale."""
    x = np.asarray(x, dtype=float)
    exact = supports(f, x)
    step = STEP * MP.mpf(width) if exact else COARSE * width
    base = np.array([MP.mpf(v) for v in x.ravel()] if exact else x.ravel(), dtype=object if exact else float)
    H = np.empty((x.size, x.size))

    def at(i, s, j, t):
        p = base.copy()
        p[i] = p[i] + s * step
        p[j] = p[j] + t * step
        return value(f, p.reshape(x.shape)) if exact else float(f(p.reshape(x.shape)))

    middle = value(f, x) if exact else float(f(x))
    for i in range(x.size):
        H[i, i] = float((at(i, 1, i, 0) - 2 * middle + at(i, -1, i, 0)) / step**2)
        for j in range(i):
            mixed = at(i, 1, j, 1) - at(i, 1, j, -1) - at(i, -1, j, 1) + at(i, -1, j, -1)
            H[i, j] = H[j, i] = float(mixed / (4 * step**2))
    scale = float(np.abs(H).max())
    size = float(abs(middle))
    return Hessian(H, 1e-14 * scale + 1e-19 * (1 + size) if exact else 1e-4 * scale + 1e-15 * size / float(step) ** 2)


def gap(f: Callable, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """f((x + y)/2) − (f(x) + f(y))/2, and a bound on its error: positive beyond it refutes convexity."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if supports(f, x) and supports(f, y) and supports(f, (x + y) / 2):
        a, b = (np.array([MP.mpf(float(v)) for v in p.ravel()], dtype=object) for p in (x, y))
        middle = ((a + b) / 2).reshape(x.shape)
        values = [value(f, x), value(f, y), value(f, middle)]
        return float(values[2] - (values[0] + values[1]) / 2), float(max(map(abs, values)) * MP.mpf(10) ** -50)
    values = [float(f(p)) for p in (x, y, x + (y - x) / 2)]
    return values[2] - (values[0] + values[1]) / 2, 1e-12 * max(map(abs, values))


def refutes(f: Callable, x: np.ndarray, y: np.ndarray) -> bool:
    """Whether the segment from x to y is a counterexample in real arithmetic."""
    rise, error = gap(f, x, y)
    return rise > error


def cut(lower: np.ndarray, upper: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The ends of a box, infinite ones put 8 from the others."""
    low = np.where(np.isfinite(lower), lower, np.where(np.isfinite(upper), upper, 4.0) - 8)
    return low, np.where(np.isfinite(upper), upper, low + 8)


def points(domain: tuple, count: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Points of a domain in plain data: random inside, with corners of boxes; of unbounded boxes a part."""
    kind, first, *rest = domain
    if kind == "box":
        low, high = cut(first, rest[0])
        inner = [low + (high - low) * rng.uniform(0.001, 0.999, low.shape) for _ in range(count)]
        return inner + [np.where(rng.random(low.shape) < 0.5, low, high) for _ in range(count // 4)]
    if kind == "ball":
        drawn = rng.standard_normal((count, *first.shape))
        return [first + rest[0] * rng.random() ** 0.3 * d / np.linalg.norm(d) for d in drawn]
    if kind == "simplex":
        return list(rng.dirichlet(np.ones(first), count))
    if kind == "positive definite":
        roots = rng.standard_normal((count, first, first))
        return [r @ r.T + 0.01 * np.eye(first) for r in roots]
    raise ValueError(f"no domain is called {kind!r}")


def width(domain: tuple) -> float:
    """The smallest width of a box, else 1: the scale of a step in float64."""
    kind, first, *rest = domain
    return float(np.min(np.subtract(*cut(first, rest[0])[::-1]))) if kind == "box" else 1.0


class Look(NamedTuple):
    """What dense sampling saw: the eigenvalues' ends with their error, and the largest gap above its error."""

    lowest: float
    highest: float
    error: float
    gap: float


def look(f: Callable, domain: tuple, count: int, rng: np.random.Generator, curvature: bool = True) -> Look:
    """Sample a function: eigenvalues of the Hessian at `count` points, gaps on `count` segments."""
    drawn = points(domain, count, rng)
    found = [hessian(f, x, width(domain)) for x in drawn] if domain[0] in ("box", "ball") and curvature else []
    gaps = [gap(f, x, y) for x, y in zip(drawn, rng.permutation(np.array(drawn)), strict=True)]
    return Look(min((h.eigenvalues[0] for h in found), default=np.nan),
                max((h.eigenvalues[-1] for h in found), default=np.nan),
                max((h.error for h in found), default=0.0), max(rise - error for rise, error in gaps))
