"""Derivatives by differences, for comparison and for code that cannot be traced.

Steps balance truncation and rounding: eps^(1/2) for one-sided, eps^(1/3) for central first differences, eps^(1/4) for
second differences of values, each times max(1, |x_i|). Nocedal & Wright §8.1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

EPS = float(np.finfo(np.float64).eps)
_STEP = {"forward": EPS ** (1 / 2), "backward": EPS ** (1 / 2), "central": EPS ** (1 / 3)}


def _checked(scheme: str, step) -> None:
    if scheme not in _STEP:
        raise ValueError(f"finite_difference: scheme must be one of {', '.join(_STEP)}, got {scheme!r}")
    if step is not None and not step > 0:
        raise ValueError(f"finite_difference: step must be positive, got {step!r}")


def _slope(f: Callable, x: np.ndarray, d: np.ndarray, scheme: str, h: float, fx):
    """Derivative of f along d by one difference quotient with step h."""
    if scheme == "forward":
        return (np.asarray(f(x + h * d)) - fx) / h
    if scheme == "backward":
        return (fx - np.asarray(f(x - h * d))) / h
    return (np.asarray(f(x + h * d)) - np.asarray(f(x - h * d))) / (2 * h)


def directional(f: Callable, x, v, scheme: str = "central", step: float | None = None):
    """df(x)[v]: shape of f(x). One or two evaluations; f may be vector valued."""
    _checked(scheme, step)
    x, v = np.asarray(x, dtype=np.float64), np.asarray(v, dtype=np.float64)
    size = float(np.max(np.abs(v), initial=0.0))
    if size == 0.0:
        return np.zeros(np.shape(f(x)))[()]
    h = step if step is not None else _STEP[scheme] * max(1.0, float(np.max(np.abs(x), initial=0.0))) / size
    return _slope(f, x, v, scheme, h, None if scheme == "central" else np.asarray(f(x)))


def jacobian(f: Callable, x, scheme: str = "central", step: float | None = None) -> np.ndarray:
    """Shape f(x).shape + x.shape, column by column: n evaluations and one (2n for central)."""
    _checked(scheme, step)
    x = np.asarray(x, dtype=np.float64)
    fx = np.asarray(f(x), dtype=np.float64)
    out = np.empty((*fx.shape, x.size))
    for k in range(x.size):
        e = np.zeros(x.size)
        e[k] = 1.0
        h = step if step is not None else _STEP[scheme] * max(1.0, abs(float(x.flat[k])))
        out[..., k] = _slope(f, x, e.reshape(x.shape), scheme, h, fx)
    return out.reshape(fx.shape + x.shape)


def gradient(f: Callable, x, scheme: str = "central", step: float | None = None) -> np.ndarray:
    """Gradient of a scalar function, shape of x. Error O(h) one-sided, O(h²) central, plus rounding ε|f|/h."""
    out = jacobian(f, x, scheme, step)
    if out.shape != np.shape(x):
        shape = np.shape(f(np.asarray(x)))
        raise ValueError(f"finite_difference.gradient: f must return one number, got shape {shape}; "
                         "use finite_difference.jacobian")
    return out


def hvp(f: Callable, x, v, scheme: str = "central", step: float | None = None,
        grad: Callable | None = None) -> np.ndarray:
    """Hessian times v by differencing the gradient `grad` (differences of f where it is not given), shape of x."""
    if grad is not None:
        return directional(grad, x, v, scheme, step)
    x = np.asarray(x, dtype=np.float64)
    return (hessian(f, x, scheme, step).reshape(x.size, x.size) @ np.ravel(v)).reshape(x.shape)


def hessian(f: Callable, x, scheme: str = "central", step: float | None = None,
            grad: Callable | None = None) -> np.ndarray:
    """Shape x.shape + x.shape, symmetrised ½(H + Hᵀ): differences of `grad`, or second differences of f."""
    x = np.asarray(x, dtype=np.float64)
    if grad is not None:
        raw = jacobian(grad, x, scheme, step).reshape(x.size, x.size)
    else:
        _checked(scheme, step)
        raw = _second(f, x, scheme, step)
    return ((raw + raw.T) / 2).reshape(x.shape + x.shape)


def _second(f: Callable, x: np.ndarray, scheme: str, step: float | None) -> np.ndarray:
    """Second differences of values: mixed central, or one-sided [f(x+a+b) − f(x+a) − f(x+b) + f(x)] / (h_a h_b)."""
    n = x.size
    sign = -1.0 if scheme == "backward" else 1.0
    h = np.full(n, step) if step is not None else EPS ** (1 / 4) * np.maximum(1.0, np.abs(x.ravel()))
    moves = np.diag(h)

    def at(shift: np.ndarray) -> float:
        return float(f(x + shift.reshape(x.shape)))

    out = np.empty((n, n))
    single = [at(sign * m) for m in moves] if scheme != "central" else []
    f0 = at(np.zeros(n))
    for i in range(n):
        for j in range(i + 1):
            a, b = moves[i], moves[j]
            if scheme == "central":
                value = (at(a + b) - at(a - b) - at(b - a) + at(-a - b)) / 4
            else:
                value = at(sign * (a + b)) - single[i] - single[j] + f0
            out[i, j] = out[j, i] = value / (h[i] * h[j])
    return out
