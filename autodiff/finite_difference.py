"""Derivatives by differences, for comparison and for code that cannot be traced.

Steps balance truncation and rounding: eps^(1/2) for one-sided, eps^(1/3) for central first differences, eps^(1/4) for
second differences of values, each times max(typical, |x_i|); eps is that of x's precision. typical : the size of x
below which it counts as zero, a number or an array like x. Divisors are the steps as taken, (x + h) − x. x is one array
(for nested arguments: pytree.ravel). Dennis & Schnabel 1996 §5.4; Nocedal & Wright §8.1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_POWER = {"forward": 1 / 2, "backward": 1 / 2, "central": 1 / 3}


def _array(x) -> np.ndarray:
    """float32 stays, all else becomes float64."""
    x = np.asarray(x)
    return x if x.dtype == np.float32 else x.astype(np.float64)


def _steps(x: np.ndarray, step, typical, power: float) -> np.ndarray:
    """One step an entry of x, flat."""
    if step is not None:
        if not np.all(np.asarray(step) > 0):
            raise ValueError(f"finite_difference: step must be positive, got {step!r}")
        return np.broadcast_to(np.asarray(step, dtype=x.dtype), x.shape).reshape(-1)
    if not np.all(np.asarray(typical) > 0):
        raise ValueError(f"finite_difference: typical must be positive, got {typical!r}")
    eps = float(np.finfo(x.dtype).eps)
    return (eps**power * np.maximum(typical, np.abs(x))).astype(x.dtype).reshape(-1)


def _power(scheme: str) -> float:
    if scheme not in _POWER:
        raise ValueError(f"finite_difference: scheme must be one of {', '.join(_POWER)}, got {scheme!r}")
    return _POWER[scheme]


def _ends(x: np.ndarray, move: np.ndarray, scheme: str) -> tuple[np.ndarray, np.ndarray]:
    """The two points of a difference quotient."""
    return x + move if scheme != "backward" else x, x - move if scheme != "forward" else x


def directional(f: Callable, x, v, scheme: str = "central", step: float | None = None, typical: float = 1.0):
    """df(x)[v]: shape of f(x), two evaluations. step : of the entry that moves most; f may be array valued."""
    x, v = _array(x), np.asarray(v)
    v, size = v.astype(x.dtype), float(np.max(np.abs(v), initial=0.0))
    h = float(np.max(_steps(x, step, typical, _power(scheme)), initial=0.0))
    if size == 0.0:
        return np.zeros_like(np.asarray(f(x)), dtype=x.dtype)[()]
    up, down = _ends(x, (h / size) * v, scheme)
    return (np.asarray(f(up)) - np.asarray(f(down))) / (h / size * (2 if scheme == "central" else 1))


def jacobian(f: Callable, x, scheme: str = "central", step: float | None = None, typical: float = 1.0) -> np.ndarray:
    """Shape f(x).shape + x.shape, column by column: n + 1 evaluations (2n for central). step : a number, or like x."""
    x = _array(x)
    h = _steps(x, step, typical, _power(scheme))
    fx = np.asarray(f(x)) if scheme != "central" or x.size == 0 else None
    columns = [_column(f, x, k, h[k], scheme, fx) for k in range(x.size)]
    shape = columns[0].shape if fx is None else fx.shape
    return np.reshape(np.stack(columns, axis=-1) if columns else np.zeros((*shape, 0)), shape + x.shape)


def _column(f: Callable, x: np.ndarray, k: int, h, scheme: str, fx) -> np.ndarray:
    move = np.zeros(x.size, x.dtype)
    move[k] = h
    up, down = _ends(x, move.reshape(x.shape), scheme)
    high = fx if scheme == "backward" else np.asarray(f(up[()]))
    low = fx if scheme == "forward" else np.asarray(f(down[()]))
    return (high - low) / (up.flat[k] - down.flat[k])


def element(f: Callable, x, row, column, scheme: str = "central", step: float | None = None,
            typical: float = 1.0) -> float:
    """One entry of the Jacobian, ∂f(x)[row]/∂x[column] (indices, or tuples of them): two evaluations."""
    x = _array(x)
    k = int(np.ravel_multi_index(column if isinstance(column, tuple) else (column,), x.shape))
    h = _steps(x, step, typical, _power(scheme))
    return float(_column(lambda z: np.asarray(f(z))[row], x, k, h[k], scheme,
                         np.asarray(f(x))[row] if scheme != "central" else None))


def gradient(f: Callable, x, scheme: str = "central", step: float | None = None, typical: float = 1.0) -> np.ndarray:
    """Gradient of a scalar function, shape of x. Error O(h) one-sided, O(h²) central, plus rounding ε|f|/h."""
    out = jacobian(f, x, scheme, step, typical)
    if out.shape != np.shape(x):
        shape = out.shape[:out.ndim - np.ndim(x)]
        raise ValueError(f"finite_difference.gradient: f must return one number, got shape {shape}; "
                         "use finite_difference.jacobian")
    return out


def hvp(f: Callable, x, v, scheme: str = "central", step: float | None = None, grad: Callable | None = None,
        typical: float = 1.0) -> np.ndarray:
    """Hessian times v, shape of x: a difference of two gradients `grad`, or 4n values of f where it is not given."""
    if grad is not None:
        return directional(grad, x, v, scheme, step, typical)
    x, v = _array(x), np.asarray(v)
    _power(scheme)
    h, size = _steps(x, step, typical, 1 / 4), float(np.max(np.abs(v), initial=0.0))
    if size == 0.0:
        return np.zeros_like(x)
    scale = float(np.max(h, initial=0.0)) / size
    along = (scale * v).astype(x.dtype)
    out = [_mixed(f, x, _move(x, k, h[k]), along, scheme, None) / (h[k] * scale) for k in range(x.size)]
    return np.reshape(np.array(out, dtype=x.dtype), x.shape)


def hessian(f: Callable, x, scheme: str = "central", step: float | None = None, grad: Callable | None = None,
            typical: float = 1.0) -> np.ndarray:
    """Shape x.shape + x.shape, symmetrised ½(H + Hᵀ): n differences of `grad`, or about 2n² (central) values of f."""
    x = _array(x)
    if grad is not None:
        raw = jacobian(grad, x, scheme, step, typical).reshape(x.size, x.size)
        return ((raw + raw.T) / 2).reshape(x.shape + x.shape)
    _power(scheme)
    known: dict = {}
    h = _steps(x, step, typical, 1 / 4)
    moves = [_move(x, k, h[k]) for k in range(x.size)]
    if scheme != "central":
        sign = -1 if scheme == "backward" else 1
        known = {None: f(x), **{k: f(x + sign * move) for k, move in enumerate(moves)}}
    out = np.empty((x.size, x.size), x.dtype)
    for i in range(x.size):
        for j in range(i + 1):
            values = (known[i], known[j], known[None]) if known else None
            out[i, j] = out[j, i] = _mixed(f, x, moves[i], moves[j], scheme, values) / (h[i] * h[j])
    return out.reshape(x.shape + x.shape)


def _move(x: np.ndarray, k: int, h) -> np.ndarray:
    move = np.zeros(x.size, x.dtype)
    move[k] = h
    return move.reshape(x.shape)


def _mixed(f: Callable, x: np.ndarray, a: np.ndarray, b: np.ndarray, scheme: str, values: tuple | None) -> float:
    """aᵀHb by values: ¼[f(x+a+b) − f(x+a−b) − f(x−a+b) + f(x−a−b)], or f(x+a+b) − f(x+a) − f(x+b) + f(x)."""
    if scheme == "central":
        return float(f(x + a + b) - f(x + (a - b)) - f(x - (a - b)) + f(x - (a + b))) / 4
    if scheme == "backward":
        a, b = -a, -b
    at_a, at_b, at_x = values if values is not None else (f(x + a), f(x + b), f(x))
    return float(f(x + a + b) - at_a - at_b + at_x)
