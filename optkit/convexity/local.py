"""Curvature at one point: the extreme eigenvalues of the Hessian, and how far from true eigenvalues they can be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import autodiff as ad
from autodiff.pytree import ravel

from .lanczos import EPS, Ends, extremes
from .oracle import Vector

DENSE = 200            # coordinates up to which the Hessian is formed
BASIS = 4_000_000      # numbers kept by Lanczos: 32 MB
STEPS = (20, 200)      # of one Lanczos run, fewest and most
RUNS = 5               # more, for each end
SLOW = 0.3             # a restart that leaves more of the residual is the last: the spectrum has no gap there
CONVERGED = 1e-8       # residual, relative to the largest eigenvalue met


@dataclass(frozen=True, eq=False)
class Local:
    """∇²f(x) v ≈ lowest·v and ∇²f(x) w ≈ highest·w for unit vectors in the structure of x.

    The true smallest eigenvalue is at most `lowest`, and some eigenvalue lies within lowest_residual of it (Krylov and
    Bogoliubov); so for `highest`. dense : all of the spectrum was computed: these are the extreme ones, within the
    residuals. value, gradient : of f at x. products : Hessian-vector products used.
    """

    lowest: float
    highest: float
    lowest_residual: float
    highest_residual: float
    v: Any
    w: Any
    dense: bool
    value: float
    gradient: Any
    products: int

    @property
    def bends_down(self) -> bool:
        """Whether the Hessian certainly has a negative eigenvalue, but for rounding inside its products."""
        return self.lowest + self.lowest_residual < 0

    def __str__(self) -> str:
        how = "all of the spectrum" if self.dense else f"Lanczos, {self.products} products"
        return (f"eigenvalues of the Hessian from {self.lowest:.10g} (+- {self.lowest_residual:.2g}) to "
                f"{self.highest:.10g} (+- {self.highest_residual:.2g}); {how}")


def local(f: Callable[[Any], Any], x: Any, *, seed: int = 0) -> Local:
    """The smallest and the largest eigenvalue of ∇²f(x), with residual bounds.

    x : numbers, arrays or nested structures of them, n of them in all. Cost: n Hessian-vector products up to n = 200,
    then some dozens to hundreds by restarted Lanczos (n = 10⁵ takes seconds where a product takes 1 ms). Raises
    TraceError where f cannot be differentiated, and ValueError where f or its Hessian is not finite.
    """
    flat, unravel = ravel(x)
    flat = np.asarray(flat, dtype=np.float64)
    with np.errstate(all="ignore"):
        value, gradient, hv = ad.compile(lambda u: f(unravel(u))).linearize_grad(flat)
        return _local(flat, unravel, value, gradient, hv, seed)


def _local(flat: Vector, unravel: Callable, value: float, gradient: Vector, hv: Callable, seed: int) -> Local:
    counted = _Counted(hv)
    if not (np.isfinite(value) and np.isfinite(gradient).all()):
        raise ValueError(f"local: f or its gradient is not finite at this point: f = {value}")
    dense = flat.size <= DENSE
    ends = _dense(counted, flat.size) if dense else _lanczos(counted, np.random.default_rng(seed), flat.size)
    if not np.isfinite(ends.low + ends.high):
        raise ValueError("local: the Hessian is not finite at this point")
    size = max(abs(ends.low), abs(ends.high))
    rounding = flat.size * EPS * size
    return Local(
        lowest=ends.low, highest=ends.high, lowest_residual=_residual(counted, ends.low, ends.v_low) + rounding,
        highest_residual=_residual(counted, ends.high, ends.v_high) + rounding, v=unravel(ends.v_low),
        w=unravel(ends.v_high), dense=dense, value=float(value), gradient=unravel(gradient), products=counted.count)


class _Counted:
    """Products, counted."""

    def __init__(self, product: Callable[[Vector], Vector]):
        self.product, self.count = product, 0

    def __call__(self, v: Vector) -> Vector:
        self.count += 1
        return self.product(v)


def _dense(product: Callable[[Vector], Vector], n: int) -> Ends:
    H = np.array([product(e) for e in np.eye(n)])
    if not np.isfinite(H).all():
        return Ends(np.nan, H[0], np.nan, H[0])
    values, vectors = np.linalg.eigh((H + H.T) / 2)
    return Ends(float(values[0]), vectors[:, 0], float(values[-1]), vectors[:, -1])


def _lanczos(product: Callable[[Vector], Vector], rng: np.random.Generator, n: int) -> Ends:
    """Lanczos, then restarted at each end from its best vector while that helps."""
    steps = int(np.clip(BASIS // n, *STEPS))
    ends = extremes(product, rng.standard_normal(n), steps)
    for end in (lambda e: (e.low, e.v_low), lambda e: (e.high, e.v_high)):
        before = np.inf
        for _ in range(RUNS):
            value, vector = end(ends)
            residual = _residual(product, value, vector)
            if not CONVERGED * max(abs(ends.low), abs(ends.high)) < residual <= SLOW * before:
                break
            before, noise = residual, rng.standard_normal(n)
            ends = _better(ends, extremes(product, vector + 1e-6 * noise / np.sqrt(n), steps))
    return ends


def _residual(product: Callable[[Vector], Vector], value: float, v: Vector) -> float:
    return float(np.linalg.norm(product(v) - value * v))


def _better(a: Ends, b: Ends) -> Ends:
    low, high = (a if a.low <= b.low else b), (a if a.high >= b.high else b)
    return Ends(low.low, low.v_low, high.high, high.v_high)
