"""Differences inside bounds: steps turn inwards, or shrink, where a bound is nearer than they are long."""

from collections.abc import Callable
from typing import Any

import numpy as np

from optkit.point import Vector, norm
from optkit.prox import Box

EPS = float(np.finfo(float).eps)
POWER = {"2-point": 1 / 2, "3-point": 1 / 3}  # of EPS: truncation and rounding balance; Dennis & Schnabel 1996 §5.4


def error(scheme: str) -> float:
    """The relative error of such a gradient: that of f over the step."""
    return EPS ** (1 - POWER[scheme])


def gradient(f: Callable[[Vector], float], x: Vector, box: Box, scheme: str) -> Vector:
    """∇f(x) by 2-point or 3-point differences, never outside the box; 0 where the bounds fix a variable.

    Cost: one evaluation more than `partials`.
    """
    return np.array(partials(f, f(x), x, box, scheme))


def partials(f: Callable[[Vector], Any], fx: Any, x: Vector, box: Box, scheme: str) -> list:
    """∂f/∂x_k for each k, numbers or arrays as fx = f(x) is.

    Cost: n evaluations, up to 2n for 3-point, whose formula at a bound is the one-sided
    (−3 f(x) + 4 f(x + h) − f(x + 2h))/2h.
    """
    g = [0.0 * fx for _ in range(x.size)]
    for k in range(x.size):
        above, below = box.upper[k] - x[k], x[k] - box.lower[k]
        h = EPS ** POWER[scheme] * max(1.0, abs(x[k]))
        sign, room = (1.0, above) if above >= min(h, below) else (-1.0, below)
        if room == 0:
            continue

        def at(step: float, k: int = k) -> tuple[Any, float]:
            """f at x + step e_k, and the step as taken."""
            z = x.copy()
            z[k] = min(max(x[k] + step, box.lower[k]), box.upper[k])
            return f(z), z[k] - x[k]

        if scheme == "2-point":
            fz, taken = at(sign * min(h, room))
            g[k] = (fz - fx) / taken
        elif above >= h and below >= h:
            (f_up, up), (f_down, down) = at(h), at(-h)
            g[k] = (f_up - f_down) / (up - down)
        else:
            (f_near, near), (f_far, far) = at(0.5 * sign * min(2 * h, room)), at(sign * min(2 * h, room))
            g[k] = ((f_near - fx) * far / near - (f_far - fx) * near / far) / (far - near)
    return g


def product(gradient: Callable[[Vector], Vector], x: Vector, g: Vector, v: Vector, box: Box,
            error: float = EPS) -> Vector:
    """H(x) v by one-sided differences of gradients inside the box, as if v were 0 where the bounds fix a variable.

    Entries of v that would lead out go backwards, in a difference of their own. error : of gradients, relative. That of
    the product is about its root. Cost: one gradient, or two. Nocedal & Wright §8.1 for the step.
    """
    size = norm(v)
    if size == 0:
        return np.zeros_like(x)
    h = 2 * error**0.5 * (1 + norm(x)) / size
    ahead, behind = (np.where(v > 0, box.upper - x, x - box.lower), np.where(v > 0, x - box.lower, box.upper - x))
    forward = (ahead >= h * np.abs(v)) | (ahead >= behind)
    moves = (v != 0) & (np.maximum(ahead, behind) > 0)
    out = np.zeros_like(x)
    for part, sign, room in ((forward & moves, 1.0, ahead), (~forward & moves, -1.0, behind)):
        if part.any():
            d = np.where(part, sign * v, 0.0)
            step = min(h, float(np.min(room[part] / np.abs(v[part]))))
            z = np.minimum(np.maximum(x + step * d, box.lower), box.upper)
            out += sign * (gradient(z) - g) / step
    return out
