"""The operations that keep functions of one variable in closed form (closed.py)."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from .closed import (
    Form,
    NotClosed,
    add,
    constant,
    divide,
    exponential,
    logarithm,
    multiply,
    number,
    raised,
    scaled,
    subtract,
)

HALF = Fraction(1, 2)


def _power(x: Form, p: Form) -> Form:
    n = number(p)
    if n is None:
        raise NotClosed
    return raised(x, n)


def _cosh(x: Form, sign: int) -> Form:
    return scaled(HALF, add(exponential(x), scaled(Fraction(sign), exponential(scaled(Fraction(-1), x)))))


def _softplus(x: Form) -> Form:
    return logarithm(add(constant(1), exponential(x)))


def _expit(x: Form) -> Form:
    return divide(exponential(x), add(constant(1), exponential(x)))


def _minus(x: Form) -> Form:
    return scaled(Fraction(-1), x)


def _xlogy(x: Form, y: Form) -> Form:
    return {} if number(x) == 0 else multiply(x, logarithm(y))


def _entropy(x: Form) -> Form:
    return _minus(_xlogy(x, x))


def _relative_entropy(x: Form, y: Form) -> Form:
    return subtract(_xlogy(x, x), _xlogy(x, y))


def _pseudo_huber(d: Form, r: Form) -> Form:
    """δ² (√(1 + (r/δ)²) − 1)."""
    u = divide(r, d)
    return multiply(multiply(d, d), subtract(raised(add(constant(1), multiply(u, u)), HALF), constant(1)))


CLOSED: dict[str, Callable[..., Form]] = {
    "add": add, "subtract": subtract, "multiply": multiply, "scale": multiply, "divide": divide,
    "negative": _minus, "positive": lambda x: x, "square": lambda x: multiply(x, x), "power": _power,
    "float_power": _power, "sqrt": lambda x: raised(x, HALF), "reciprocal": lambda x: raised(x, Fraction(-1)),
    "exp": exponential, "expm1": lambda x: subtract(exponential(x), constant(1)), "log": logarithm,
    "log1p": lambda x: logarithm(add(constant(1), x)), "cosh": lambda x: _cosh(x, 1), "sinh": lambda x: _cosh(x, -1),
    "tanh": lambda x: divide(_cosh(x, -1), _cosh(x, 1)), "expit": _expit,
    "log_expit": lambda x: _minus(_softplus(_minus(x))), "logit": lambda x: subtract(
        logarithm(x), logarithm(subtract(constant(1), x))),
    "logaddexp": lambda x, y: logarithm(add(exponential(x), exponential(y))), "entr": _entropy, "xlogy": _xlogy,
    "rel_entr": _relative_entropy, "kl_div": lambda x, y: subtract(add(_relative_entropy(x, y), y), x),
    "hypot": lambda x, y: raised(add(multiply(x, x), multiply(y, y)), HALF), "pseudo_huber": _pseudo_huber,
    "xlog1py": lambda x, y: _xlogy(x, add(constant(1), y)), "special_expm1": lambda x: subtract(
        exponential(x), constant(1)), "special_log1p": lambda x: logarithm(add(constant(1), x)),
    "astype": lambda x: x, "copy": lambda x: x,
}
