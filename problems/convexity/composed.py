"""Functions composed at random whose truth is known by construction.

Convex ones follow the rules: convex functions of affine ones, nonnegative sums, maxima, log-sum-exps,
nondecreasing convex
functions of convex ones. Then they are written in other ways. Whatever enters an identity that must hold exactly is
dyadic with few digits,
so that the identity holds for the float constants in real arithmetic. A nonconvex one adds a bump,
kink or wave high enough to lift the middle of one segment above its chord by a stated margin.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from problems.convexity.case import Case, Vector, box
from problems.convexity.disguises import affine, disguised, weighted
from problems.convexity.spellings import BIVARIATE, UNIVARIATE

Generator = np.random.Generator
SINGLE, PAIR = tuple(UNIVARIATE.items()), tuple(BIVARIATE.items())


class Piece(NamedTuple):
    """A convex function with bounds of its values on the box, and what it is made of."""

    f: Callable[[Vector], Any]
    low: float
    high: float
    label: str


class Span(NamedTuple):
    """x ↦ aᵀx + b with its exact range on the box."""

    f: Callable[[Vector], Any]
    low: float
    high: float


def composed(seed: int) -> Case:
    """A convex or nonconvex function of 1 to 6 variables, the same for the same seed. Under 1 ms.

    Of a nonconvex one the witness is stated, of a convex one a lower bound of mu.
    """
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 7))
    lower = rng.integers(-8, 5, n) / 4
    domain = box(lower, lower + 2.0 ** rng.integers(-1, 2, n))
    f, mu, label = _convex(rng, domain)
    if rng.random() < 0.5:
        f = disguised(f, rng, n)
        truth = "strongly convex" if mu > 0 else "convex"
        return Case(f"composed {seed}", f, domain, truth, mu, None, f"by the rules: {label}", ("composed",),
        mu_exact=False)
    f, witness, spoiler = _spoilt(f, rng, domain)
    return Case(f"composed {seed}", disguised(f, rng, n), domain, "not convex", None, None, f"{spoiler} on {label}",
                ("composed", spoiler), witness=witness)


def _convex(rng: Generator, domain: tuple) -> tuple[Callable, float, str]:
    pieces = [_piece(rng, domain) for _ in range(rng.integers(1, 4))]
    whole = pieces[0]
    for piece in pieces[1:]:
        whole = _joined(whole, piece, rng)
    mu = float(rng.choice([0.0, 0.0, 2.0**-10, 0.25, 1.0]))
    f = weighted(whole.f, mu, rng, rng.integers(-4, 5, domain[1].size) / 4) if mu else whole.f
    return f, mu, f"{whole.label}{f' + {mu / 2:g}‖x − c‖²' if mu else ''}"


def _piece(rng: Generator, domain: tuple) -> Piece:
    kind = rng.random()
    piece = _univariate(rng, domain) if kind < 0.5 else _bivariate(rng, domain) if kind < 0.85 else _gram(rng, domain)
    return _outer(piece, rng) if rng.random() < 0.35 else piece


def _span(rng: Generator, domain: tuple, reach: tuple[float, float]) -> Span:
    """A random affine function whose exact range on the box is inside reach: all its numbers are dyadic."""
    _, lower, upper = domain
    a = rng.integers(-6, 7, lower.size) / 4.0
    if not a.any():
        a[0] = 1.0
    wide = float(np.abs(a) @ (upper - lower))
    room = reach[1] - reach[0]
    shrink = 2.0 ** min(0, int(np.floor(np.log2(room / wide))))
    a, wide = a * shrink, wide * shrink
    low = float(np.minimum(a * lower, a * upper).sum())
    slack = np.floor((room - wide) * 16 * rng.choice([0.0, 1.0, rng.random()])) / 16
    start = reach[0] + float(slack)
    return Span(affine(a, start - low, rng), start, start + wide)


def _univariate(rng: Generator, domain: tuple) -> Piece:
    name, row = SINGLE[rng.integers(len(SINGLE))]
    u = _span(rng, domain, row.reach)
    phi = row.spellings[rng.integers(len(row.spellings))]
    top = max(float(phi(np.float64(u.low))), float(phi(np.float64(u.high))))
    return Piece(lambda x: phi(u.f(x)), row.floor, top + 0.125, name)


def _bivariate(rng: Generator, domain: tuple) -> Piece:
    name, row = PAIR[rng.integers(len(PAIR))]
    u, v = (_span(rng, domain, reach) for reach in row.reach)
    phi = row.spellings[rng.integers(len(row.spellings))]
    return Piece(lambda x: phi(u.f(x), v.f(x)), row.floor, row.top, name)


def _gram(rng: Generator, domain: tuple) -> Piece:
    """‖Mx + b‖² for integers over four, as xᵀMᵀMx + 2bᵀMx + bᵀb, whose entries are exact, or as written."""
    _, lower, upper = domain
    n, k = lower.size, int(rng.integers(1, 4))
    M, b = rng.integers(-4, 5, (k, n)) / 4.0, rng.integers(-4, 5, k) / 4.0
    Q, q, c = M.T @ M, 2 * (M.T @ b), float(b @ b)
    top = float(np.sum((np.abs(M) @ np.maximum(np.abs(lower), np.abs(upper)) + np.abs(b)) ** 2))
    pairs = [(i, j, float(Q[i, j]) * (1 if i == j else 2)) for i in range(n) for j in range(i, n) if Q[i, j]]
    spelling: Callable[[Vector], Any] = (
        lambda x: np.sum((M @ x + b) ** 2),
        lambda x: x @ Q @ x + q @ x + c,
        lambda x: sum(w * x[i] * x[j] for i, j, w in pairs) + np.sum(q * x) + c,
        lambda x: x @ (M.T @ (M @ x)) + 2 * (b @ (M @ x)) + c)[rng.integers(4)]
    return Piece(spelling, 0.0, top + 0.125, "‖Mx + b‖²")


def _outer(g: Piece, rng: Generator) -> Piece:
    """A nondecreasing convex function of g, by what is known of g's values."""
    low, high, f = np.floor(g.low * 8) / 8, np.ceil(g.high * 8) / 8, g.f
    s = 2.0 ** min(0, int(np.floor(np.log2(3 / (high - low)))))
    name, outer, bottom, top = (
        ("exp", lambda x: np.exp(s * (f(x) - low)), 1.0, 20.125),
        ("softplus", lambda x: np.log(1 + np.exp(s * (f(x) - low))), 0.5, 4.0),
        ("square", lambda x: (s * (f(x) - low)) ** 2, 0.0, 9.0),
        ("power 1.5", lambda x: (1 + s * (f(x) - low)) ** 1.5, 1.0, 8.0),
        ("−log of a gap", lambda x: -np.log(1 + s * (high - f(x))), -1.5, 0.0),
        ("reciprocal of a gap", lambda x: 1 / (1 + s * (high - f(x))), 0.25, 1.0),
        ("positive part", lambda x: np.maximum(s * (f(x) - low) - 0.5, 0), 0.0, 3.0),
    )[rng.integers(7)]
    return Piece(outer, bottom, top, f"{name}({g.label})")


def _joined(g: Piece, h: Piece, rng: Generator) -> Piece:
    a, b = (float(w) for w in 2.0 ** rng.integers(-2, 2, 2))
    f, e = g.f, h.f
    kind = rng.random()
    if kind < 0.7:
        return Piece(lambda x: a * f(x) + b * e(x), a * g.low + b * h.low, a * g.high + b * h.high,
                     f"{a:g}·{g.label} + {b:g}·{h.label}")
    low, high = max(g.low, h.low), max(g.high, h.high)
    if kind < 0.85:
        shift = float(np.round(4 * (g.high - h.high)) / 4)
        return Piece(lambda x: np.maximum(f(x), e(x) + shift), max(g.low, h.low + shift), max(g.high, h.high + shift),
                     f"max({g.label}, {h.label})")
    s = 2.0 ** min(0, int(np.floor(np.log2(8 / max(high - min(g.low, h.low), 1.0)))))
    return Piece(lambda x: np.log(np.exp(s * (f(x) - high)) + np.exp(s * (e(x) - high))) / s, low - high, 0.75 / s,
                 f"log-sum-exp({g.label}, {h.label})")


def _gaussian(d: Vector, c: Vector, t: float) -> Callable:
    k = 1 / float(t * t * (d @ d))
    return lambda x: np.exp(-k * np.sum((x - c) ** 2))


def _compact(d: Vector, c: Vector, t: float) -> Callable:
    k = 0.5 / float(t * t * (d @ d))
    return lambda x: np.maximum(1 - k * np.sum((x - c) ** 2), 0) ** 3


def _ridge(d: Vector, c: Vector, t: float) -> Callable:
    k = 1 / float(t * (d @ d)) ** 2
    return lambda x: np.exp(-k * (d @ (x - c)) ** 2)


def _direction(d: Vector, c: Vector, t: float) -> Callable:
    k = 1 / float(t * (d @ d)) ** 2
    far = 1 / (16 * float(t * t * (d @ d)))
    return lambda x: -k * (d @ (x - c)) ** 2 * np.exp(-far * np.sum((x - c) ** 2))


def _kink(d: Vector, c: Vector, t: float) -> Callable:
    b, k = float(d @ c), 1 / float(t * (d @ d))
    return lambda x: -k * np.abs(d @ x - b)


def _wave(d: Vector, c: Vector, t: float) -> Callable:
    b, k = float(d @ c), 2 / float(t * (d @ d))
    return lambda x: np.cos(k * (d @ x - b))


SPOILERS: dict[str, Callable[[Vector, Vector, float], Callable]] = {
    "Gaussian bump": _gaussian, "compact bump": _compact, "Gaussian ridge": _ridge, "one direction": _direction,
    "kink": _kink, "wave": _wave,
}


def _spoilt(f: Callable, rng: Generator, domain: tuple) -> tuple[Callable, tuple[Vector, Vector], str]:
    """f + Aψ with A such that f((x + y)/2) − (f(x) + f(y))/2 ≥ a margin ≥ 2⁻²⁶ of the values, whatever f is.

    x, y = c ∓ td, all dyadic, so that c is their exact middle. The gap is measured in floats, 2⁻⁵⁰ of the values off.
    """
    _, lower, upper = domain
    c = lower + (upper - lower) * rng.integers(1, 64, lower.size) / 64
    d = rng.integers(-2, 3, lower.size) / 1.0
    if not d.any():
        d[-1] = 1.0
    room = float(np.min(np.where(d, np.minimum(c - lower, upper - c) / np.maximum(np.abs(d), 1), np.inf)))
    t = 2.0 ** (int(np.floor(np.log2(room))) - int(rng.integers(0, 6)))
    name = tuple(SPOILERS)[rng.integers(len(SPOILERS))]
    psi = SPOILERS[name](d, c, t)
    x, y = c - t * d, c + t * d
    ends, middle = (float(f(x)), float(f(y))), float(f(c))
    lift = float(psi(c)) - (float(psi(x)) + float(psi(y))) / 2
    chord = max((ends[0] + ends[1]) / 2 - middle, 0.0)
    margin = 2.0**-26 * (1 + max(abs(v) for v in (*ends, middle)))
    A = (chord * float(rng.choice([1.0625, 1.5, 3.0])) + 2 * margin) / lift
    return (lambda x: f(x) + A * psi(x)), (x, y), name
