"""Convex functions of affine arguments, each in several spellings that are equal in real arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Univariate(NamedTuple):
    """A convex φ on reach, at least `floor` there, greatest at an end; spellings : u -> φ(u)."""

    reach: tuple[float, float]
    floor: float
    spellings: tuple[Callable[[Any], Any], ...]


UNIVARIATE: dict[str, Univariate] = {
    "square": Univariate((-4, 4), 0.0, (
        lambda u: u * u,
        lambda u: u**2,
        lambda u: np.square(u),
        lambda u: (u + 1) * (u - 1) + 1,
        lambda u: ((u + 0.5) ** 2 - (u - 0.5) ** 2) * u / 2)),
    "exp": Univariate((-3, 3), 0.0, (
        lambda u: np.exp(u),
        lambda u: 1 / np.exp(-u),
        lambda u: np.exp(u / 2) * np.exp(u / 2),
        lambda u: np.exp(2 * u) * np.exp(-u),
        lambda u: np.cosh(u) + np.sinh(u))),
    "absolute": Univariate((-4, 4), 0.0, (
        lambda u: np.abs(u),
        lambda u: np.maximum(u, -u),
        lambda u: np.where(u > 0, u, -u),
        lambda u: 2 * np.maximum(u, 0) - u)),
    "softplus": Univariate((-6, 6), 0.0, (
        lambda u: np.logaddexp(0, u),
        lambda u: np.log(1 + np.exp(u)),
        lambda u: u + np.log(1 + np.exp(-u)),
        lambda u: np.maximum(u, 0) + np.log1p(np.exp(-np.abs(u))),
        lambda u: -np.log(1 / (1 + np.exp(u))))),
    "fourth power": Univariate((-2, 2), 0.0, (
        lambda u: u**4,
        lambda u: (u * u) * (u * u),
        lambda u: (u * u) ** 2,
        lambda u: u * u * u * u)),
    "power 1.5": Univariate((0.125, 4), 0.0, (
        lambda u: u**1.5,
        lambda u: u * np.sqrt(u),
        lambda u: np.exp(1.5 * np.log(u)),
        lambda u: np.sqrt(u * u * u))),
    "power 2.5": Univariate((0.125, 4), 0.0, (
        lambda u: u**2.5,
        lambda u: u * u * np.sqrt(u),
        lambda u: u**3 / u**0.5)),
    "−log": Univariate((0.125, 8), -2.125, (
        lambda u: -np.log(u),
        lambda u: np.log(1 / u),
        lambda u: -np.log(u * u) / 2,
        lambda u: -2 * np.log(np.sqrt(u)))),
    "u log u": Univariate((0.125, 4), -0.5, (
        lambda u: u * np.log(u),
        lambda u: -u * np.log(1 / u),
        lambda u: np.log(u) / (1 / u),
        lambda u: (u + 1) * np.log(u) - np.log(u))),
    "inverse": Univariate((0.25, 4), 0.0, (
        lambda u: 1 / u,
        lambda u: u**-1,
        lambda u: np.exp(-np.log(u)),
        lambda u: u / (u * u))),
    "√(1 + u²)": Univariate((-4, 4), 0.0, (
        lambda u: np.sqrt(1 + u * u),
        lambda u: (1 + u**2) ** 0.5,
        lambda u: (1 + u * u) / np.sqrt(1 + u * u))),
    "Huber": Univariate((-4, 4), 0.0, (
        lambda u: np.where(np.abs(u) <= 1, u * u / 2, np.abs(u) - 0.5),
        lambda u: u * u / 2 - np.maximum(np.abs(u) - 1, 0) ** 2 / 2)),
    "cosh": Univariate((-3, 3), 0.0, (
        lambda u: np.cosh(u),
        lambda u: (np.exp(u) + np.exp(-u)) / 2,
        lambda u: 1 + 2 * np.sinh(u / 2) ** 2)),
    "u eᵘ": Univariate((-2, 1), -0.5, (
        lambda u: u * np.exp(u),
        lambda u: u / np.exp(-u),
        lambda u: (u + 3) * np.exp(u) - 3 * np.exp(u))),
    "log(1 + u²)": Univariate((-1, 1), 0.0, (
        lambda u: np.log(1 + u * u),
        lambda u: np.log1p(u**2),
        lambda u: 2 * np.log(np.sqrt(1 + u * u)))),
    "−log(1 − e⁻ᵘ)": Univariate((0.125, 4), 0.0, (
        lambda u: -np.log(1 - np.exp(-u)),
        lambda u: u - np.log(np.exp(u) - 1))),
    "positive part squared": Univariate((-2, 4), 0.0, (
        lambda u: np.maximum(u, 0) ** 2,
        lambda u: np.where(u > 0, u * u, 0 * u),
        lambda u: u * np.maximum(u, 0))),
    "u arctan u": Univariate((-4, 4), 0.0, (
        lambda u: u * np.arctan(u) - np.log(1 + u * u) / 2,)),
    "tail of a Gaussian": Univariate((1, 3), 0.0, (
        lambda u: np.exp(-u * u / 2),
        lambda u: 1 / np.exp(u * u / 2))),
}


class Bivariate(NamedTuple):
    """A jointly convex φ on two reaches, between floor and top; spellings : (u, v) -> φ(u, v)."""

    reach: tuple[tuple[float, float], tuple[float, float]]
    floor: float
    top: float
    spellings: tuple[Callable[[Any, Any], Any], ...]


BIVARIATE: dict[str, Bivariate] = {
    "quadratic over linear": Bivariate(((-2, 2), (0.25, 4)), 0.0, 16.0, (
        lambda u, v: u * u / v,
        lambda u, v: v * (u / v) ** 2,
        lambda u, v: u**2 * np.exp(-np.log(v)))),
    "maximum": Bivariate(((-4, 4), (-4, 4)), -4.0, 4.0, (
        lambda u, v: np.maximum(u, v),
        lambda u, v: (u + v + np.abs(u - v)) / 2,
        lambda u, v: u + np.maximum(v - u, 0),
        lambda u, v: np.where(u > v, u, v))),
    "log-sum-exp": Bivariate(((-4, 4), (-4, 4)), -4.0, 5.0, (
        lambda u, v: np.logaddexp(u, v),
        lambda u, v: np.log(np.exp(u) + np.exp(v)),
        lambda u, v: u + np.log(1 + np.exp(v - u)),
        lambda u, v: (u + v) / 2 + np.log(2 * np.cosh((u - v) / 2)))),
    "norm": Bivariate(((-4, 4), (-4, 4)), 0.0, 6.0, (
        lambda u, v: np.sqrt(u * u + v * v),
        lambda u, v: np.sqrt(((u + v) ** 2 + (u - v) ** 2) / 2))),
    "relative entropy": Bivariate(((0.125, 2), (0.125, 2)), 0.0, 5.0, (
        lambda u, v: u * np.log(u / v) - u + v,
        lambda u, v: u * np.log(u) - u * np.log(v) - u + v,
        lambda u, v: -u * np.log(v / u) + (v - u))),
    "−√(uv)": Bivariate(((0.125, 4), (0.125, 4)), -4.0, 0.0, (
        lambda u, v: -np.sqrt(u * v),
        lambda u, v: -np.sqrt(u) * np.sqrt(v),
        lambda u, v: -np.exp((np.log(u) + np.log(v)) / 2),
        lambda u, v: -u * np.sqrt(v / u))),
    "1/(uv)": Bivariate(((0.5, 4), (0.5, 4)), 0.0, 4.0, (
        lambda u, v: 1 / (u * v),
        lambda u, v: 1 / u / v,
        lambda u, v: 4 / ((u + v) ** 2 - (u - v) ** 2),
        lambda u, v: np.exp(-np.log(u) - np.log(v)))),
    "perspective of exp": Bivariate(((-1, 1), (0.5, 2)), 0.0, 15.0, (
        lambda u, v: v * np.exp(u / v),
        lambda u, v: v / np.exp(-u / v))),
    "u² + uv + v²": Bivariate(((-4, 4), (-4, 4)), 0.0, 48.0, (
        lambda u, v: u * u + u * v + v * v,
        lambda u, v: u * u + v * v + ((u + v) ** 2 - (u - v) ** 2) / 4,
        lambda u, v: (u + v) ** 2 - u * v)),
    "u⁴ + 6u²v² + v⁴": Bivariate(((-1, 1), (-1, 1)), 0.0, 8.0, (
        lambda u, v: u**4 + 6 * u**2 * v**2 + v**4,
        lambda u, v: (u * u + v * v) ** 2 + (2 * u * v) ** 2,
        lambda u, v: (u * u - v * v) ** 2 + 8 * (u * v) ** 2)),
    "u²v² + 4u² + 4v²": Bivariate(((-1, 1), (-1, 1)), 0.0, 9.0, (
        lambda u, v: u * u * v * v + 4 * u * u + 4 * v * v,
        lambda u, v: (u * u + 4) * (v * v + 4) - 16)),
    "cosh u cosh v": Bivariate(((-1, 1), (-1, 1)), 0.0, 3.0, (
        lambda u, v: np.cosh(u) * np.cosh(v),
        lambda u, v: (np.cosh(u + v) + np.cosh(u - v)) / 2)),
}
