"""Other ways to write the same function of real numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Vector = np.ndarray
Generator = np.random.Generator
Function = Callable[[Any], Any]


def affine(a: Vector, b: float, rng: Generator) -> Function:
    """x ↦ aᵀx + b for dyadic a and b, in one of six spellings."""
    order = [int(i) for i in rng.permutation(a.size)]
    weights = [float(w) for w in a]
    half = np.floor(4 * a) / 8
    rest = a - half

    def loop(x):
        total = b
        for i in order:
            total = total + weights[i] * x[i]
        return total

    return (loop,
            lambda x: a @ x + b,
            lambda x: np.sum(a * x) + b,
            lambda x: (half @ x + b) + rest @ x,
            lambda x: (a @ (2 * x) + 2 * b) / 2,
            lambda x: sum(weights[i] * x[i] for i in order) + b)[rng.integers(6)]


def weighted(f: Function, mu: float, rng: Generator, c: Vector) -> Function:
    """f + ½ mu ‖x − c‖² for dyadic mu and c, as it stands or multiplied out."""
    centre, constant = mu * c, mu / 2 * float(c @ c)

    def loop(x):
        total = f(x)
        for i in range(c.size):
            total = total + mu / 2 * (x[i] - c[i]) * (x[i] - c[i])
        return total

    return (loop,
            lambda x: f(x) + mu / 2 * np.sum((x - c) ** 2),
            lambda x: f(x) + mu / 2 * (x @ x) - centre @ x + constant,
            lambda x: mu / 2 * ((x - c) @ (x - c)) + f(x))[rng.integers(4)]


def disguised(f: Function, rng: Generator, n: int) -> Function:
    """f in real arithmetic, written with up to three detours."""
    for _ in range(rng.integers(0, 4)):
        f = DISGUISES[rng.integers(len(DISGUISES))](f, rng, n)
    return f


def _there_and_back(f: Function, rng: Generator, n: int) -> Function:
    i = int(rng.integers(n))
    away = (lambda x: np.sin(3 * x[i]), lambda x: x[i] ** 3, lambda x: np.exp(-x[i]),
    lambda x: np.sqrt(1 + x[i] * x[i]))[
        rng.integers(4)]
    return (lambda x: (f(x) + away(x)) - away(x)) if rng.random() < 0.5 else (lambda x: -away(x) + (away(x) + f(x)))


def _product_in_two_forms(f: Function, rng: Generator, n: int) -> Function:
    i, j = int(rng.integers(n)), int(rng.integers(n))
    return lambda x: f(x) + x[i] * x[j] - ((x[i] + x[j]) ** 2 - (x[i] - x[j]) ** 2) / 4


def _over_itself(f: Function, rng: Generator, n: int) -> Function:
    i = int(rng.integers(n))
    return (lambda x: f(x) * (2 + x[i] * x[i]) / (2 + x[i] * x[i])) if rng.random() < 0.5 else (
        lambda x: f(x) / np.exp(x[i]) * np.exp(x[i]))


def _log_of_exp(f: Function, rng: Generator, n: int) -> Function:
    return lambda x: 64 * np.log(np.exp(f(x) / 64))


def _branches(f: Function, rng: Generator, n: int) -> Function:
    i, at = int(rng.integers(n)), float(rng.integers(-8, 9)) / 8

    def g(x):
        y = f(x)
        return np.where(x[i] > at, y, 0.5 * y + 0.5 * y)

    return g


def _halves(f: Function, rng: Generator, n: int) -> Function:
    return lambda x: 0.25 * f(x) + 0.75 * f(x)


def _permuted(f: Function, rng: Generator, n: int) -> Function:
    order = rng.permutation(n)
    back = np.argsort(order)

    def g(x):
        y = x[order]
        return f(y[back])

    return g


def _rescaled(f: Function, rng: Generator, n: int) -> Function:
    s = 2.0 ** rng.integers(-3, 4, n)
    return lambda x: f((x * s) / s)


def _sheared(f: Function, rng: Generator, n: int) -> Function:
    """x = S⁻¹Sx with a unit triangular integer S, applied in two steps."""
    S, back = np.eye(n), np.eye(n)
    i, j, k = int(rng.integers(n)), int(rng.integers(n)), int(rng.integers(1, 4))
    if i != j:
        S[i, j], back[i, j] = k, -k
    return lambda x: f(back @ (S @ x))


def _offset(f: Function, rng: Generator, n: int) -> Function:
    c = float(2.0 ** rng.integers(0, 12))
    return lambda x: f(x) + c


def _collected(f: Function, rng: Generator, n: int) -> Function:
    i = int(rng.integers(n))

    def g(x):
        out = np.zeros(3)
        out[0] = f(x)
        out[1] = x[i] ** 2
        out[2] = -x[i] * x[i]
        return np.sum(out)

    return g


DISGUISES = (_there_and_back, _product_in_two_forms, _over_itself, _log_of_exp, _branches, _halves, _permuted,
_rescaled,
             _sheared, _offset, _collected)
