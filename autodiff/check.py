"""check_grads: derivatives against finite differences and against each other, at first and second order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from . import pytree

STEPS = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7)      # the best of a sweep: neither truncation nor rounding decides the verdict


def check_grads(f: Callable, args: Sequence, order: int = 2, modes: Sequence[str] = ("forward", "reverse"), *,
                rtol: float = 1e-5, seed: int = 0, directions: int = 2) -> None:
    """Compare the derivatives of f at args, orders 1 … `order`, with central differences along random directions.

    args : arrays or nested structures of them. Forward mode is compared with differences of f, reverse with forward by
    the dot-product test ⟨ct, J v⟩ = ⟨Jᵀ ct, v⟩. Raises AssertionError naming order, mode and the worst entry.
    """
    flat, unravel = pytree.ravel(tuple(args))

    def g(x):
        return _flat(f(*unravel(x)))

    _check(g, flat, order, tuple(modes), rtol, np.random.default_rng(seed), directions, 1)


def _flat(tree):
    """Outputs as one vector, in plain NumPy (so that it can be traced)."""
    leaves = [leaf for leaf in pytree.flatten(tree)[0]]
    return np.concatenate([np.reshape(leaf, (-1,)) for leaf in leaves])


def _check(g: Callable, x: np.ndarray, order: int, modes: tuple, rtol: float, rng, directions: int, level: int) -> None:
    from .transforms import jvp, vjp
    for _ in range(directions):
        v = rng.standard_normal(x.shape)
        y, forward = jvp(g, (x,), (v,))
        if "forward" in modes:
            _compare(forward, _difference(g, x, v, forward), rtol, f"order {level}, forward mode")
        if "reverse" in modes:
            ct = rng.standard_normal(np.shape(y))
            back = vjp(g, x)[1](ct)
            expected = _difference(g, x, v, forward) if "forward" not in modes else forward
            scale = np.abs(ct) @ np.abs(expected) + np.abs(back) @ np.abs(v)
            gap = abs(ct @ expected - back @ v)
            if not gap <= rtol * (scale + 1e-8):
                raise AssertionError(f"check_grads: order {level}, reverse mode: ⟨ct, Jv⟩ = {ct @ expected!r} but "
                                     f"⟨Jᵀct, v⟩ = {back @ v!r}")
    if order > 1:
        v = rng.standard_normal(x.shape)
        if "forward" in modes:
            _check(lambda z: jvp(g, (z,), (v,))[1], x, order - 1, modes, rtol, rng, directions, level + 1)
        if "reverse" in modes:
            ct = rng.standard_normal(np.shape(g(x)))
            _check(lambda z: vjp(g, z)[1](ct), x, order - 1, modes, rtol, rng, directions, level + 1)


def _difference(g: Callable, x: np.ndarray, v: np.ndarray, claimed: np.ndarray) -> np.ndarray:
    """The central difference (fourth order) over the sweep of steps that comes nearest to the claim."""
    best, nearest = None, np.inf
    scale = max(1.0, float(np.max(np.abs(x), initial=0.0)))
    for h in STEPS:
        h *= scale
        near = (g(x + h * v) - g(x - h * v)) / (2 * h)
        far = (g(x + 2 * h * v) - g(x - 2 * h * v)) / (4 * h)
        estimate = (4 * near - far) / 3
        gap = float(np.max(np.abs(estimate - claimed), initial=0.0))
        if best is None or gap < nearest:
            best, nearest = estimate, gap
        if nearest <= 1e-8 * float(np.max(np.abs(claimed), initial=0.0)):
            break
    assert best is not None
    return best


def _compare(claimed: np.ndarray, truth: np.ndarray, rtol: float, what: str) -> None:
    scale = float(np.max(np.abs(truth), initial=0.0)) + float(np.max(np.abs(claimed), initial=0.0))
    error = np.abs(claimed - truth)
    if not np.all(error <= rtol * scale + 1e-8 * rtol):
        k = int(np.argmax(np.where(np.isnan(error), np.inf, error)))
        raise AssertionError(f"check_grads: {what}: entry {k} is {claimed[k]!r}, finite differences give {truth[k]!r}")
