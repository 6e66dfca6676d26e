"""check_grads: derivatives against finite differences and against each other, in all modes and orders."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from . import pytree

STEPS = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7)      # the best of a sweep: neither truncation nor rounding decides the verdict
EPS = float(np.finfo(np.float64).eps)
ROUNDING = 64 * EPS                          # of a derivative beside the values of the function
FLAT = 1e-12                                 # below, the values nearby tell a tiny function from terms that cancel
ENTRIES = 200                                # of a wrong cotangent that are looked at one by one, to name the worst


def check_grads(f: Callable, args: Sequence, order: int = 2, modes: Sequence[str] = ("forward", "reverse"), *,
                rtol: float = 1e-5, seed: int = 0, directions: int = 2) -> None:
    """Check the derivatives of f at args, orders 1 … `order`, along random directions.

    args : numbers, arrays, or nested structures of them, real or complex; strings, None and booleans stay as they are.
    Forward mode is compared with central differences of f (fourth order, best of five steps), reverse mode with forward
    by the dot-product test Re⟨ct, Jv⟩ = Re⟨Jᵀct, v⟩ (with differences, where modes has no "forward"). Order 2 does the
    same for (x, v) ↦ J(x)v and (x, ct) ↦ J(x)ᵀct: forward over forward, reverse over forward, and so on.
    rtol : beside the largest entry of the derivative; what is lost in rounding values of f is allowed for.
    Raises AssertionError naming order and mode, the argument at fault and the worst entry.
    """
    unknown = set(modes) - {"forward", "reverse"}
    if unknown or not modes:
        raise ValueError(f"check_grads: modes are 'forward' and 'reverse', got {tuple(modes)!r}")
    leaves, structure = pytree.flatten(tuple(args))
    varied = [k for k, leaf in enumerate(leaves) if _is_varied(leaf)]
    labels = list(_labels(structure, "args"))

    def g(*values):
        full = list(leaves)
        for k, value in zip(varied, values, strict=True):
            full[k] = value
        return _inexact(f(*pytree.unflatten(structure, full)))

    point = [_at_least_double(leaves[k]) for k in varied]
    checker = _Checker(tuple(modes), rtol, np.random.default_rng(seed), directions)
    checker.check(_Level(g, "", 1, 0.0, [labels[k] for k in varied]), point, order)


def _is_varied(leaf: Any) -> bool:
    return not isinstance(leaf, (bool, np.bool_)) and np.asarray(leaf).dtype.kind in "fciu"


def _at_least_double(leaf: Any):
    return np.array(leaf, dtype=np.result_type(np.asarray(leaf).dtype, np.float64))[()]


def _inexact(tree: Any) -> list:
    """The outputs that have derivatives."""
    return [leaf for leaf in pytree.flatten(tree)[0] if isinstance(leaf, (float, complex)) or
            getattr(leaf, "dtype", np.dtype(np.bool_)).kind in "fc"]


def _labels(structure: Any, label: str) -> Iterator[str]:
    if structure == pytree.LEAF:
        yield label
        return
    kind, parts = structure
    for key, part in parts if kind is dict else enumerate(parts):
        yield from _labels(part, f"{label}[{key!r}]")


class _Level(NamedTuple):
    """A derivative under test: g takes and returns lists of arrays; `over` says how it was made of f."""

    g: Callable
    over: str
    order: int
    size: float                               # of the values met at lower orders: their rounding is in g
    labels: list[str]                         # of the arguments


class _Checker(NamedTuple):
    modes: tuple[str, ...]
    rtol: float
    rng: np.random.Generator
    directions: int

    def check(self, level: _Level, x: list, order: int) -> None:
        from .transforms import jvp, linearize, vjp
        g, n, v = level.g, len(x), []
        y, f_jvp = linearize(g, *x)
        pullback = vjp(g, *x)[1] if "reverse" in self.modes else None
        level = level._replace(size=max(level.size, _size(y)))
        for _ in range(self.directions):
            v = [d * _typical(a) for a, d in zip(x, self._random(x), strict=True)]
            if _size(y) + _size(f_jvp(*v)) < FLAT:
                level = level._replace(size=max(level.size, _nearby(g, x, v)))
            ct = self._random(y)
            back = None if pullback is None else _tuple(pullback(ct), x)
            for direction in _alone(v) if level.order == 1 else [v]:
                claimed = f_jvp(*direction)
                if "forward" in self.modes:
                    self._forward(level, x, direction, claimed)
                if back is not None:
                    self._reverse(level, x, direction, ct, back, claimed)
        if order == 1:
            return
        if "forward" in self.modes:
            labels = [*level.labels, *[f"the tangent of {label}" for label in level.labels]]
            self.check(_Level(lambda *z: jvp(g, z[:n], z[n:])[1], f" over forward{level.over}", level.order + 1,
                              level.size, labels), x + v, order - 1)
        if "reverse" in self.modes:
            ct = self._random(g(*x))
            labels = [*level.labels, *["the cotangent"] * len(ct)]
            self.check(_Level(lambda *z: _tuple(vjp(g, *z[:n])[1](list(z[n:])), x), f" over reverse{level.over}",
                              level.order + 1, level.size, labels), x + ct, order - 1)

    def _random(self, like: list) -> list:
        out = []
        for a in like:
            v = self.rng.standard_normal(np.shape(a))
            out.append((v + 1j * self.rng.standard_normal(np.shape(a)) if np.iscomplexobj(a) else np.asarray(v))[()])
        return out

    def _forward(self, level: _Level, x: list, v: list, claimed: list) -> None:
        truth, noise = _difference(level, x, v, claimed)
        for number, (c, t) in enumerate(zip(claimed, truth, strict=True)):
            error = np.abs(np.asarray(c) - t)
            if not np.all(error <= self.rtol * _size([c, t]) + noise):
                worst = np.unravel_index(np.argmax(np.where(np.isnan(error), np.inf, error)), np.shape(error))
                entry = "".join(f"[{i}]" for i in ((number,) if len(claimed) > 1 else ()) + worst)
                raise self._failed(level, "forward", self._input(level, x, v), f"the tangent of output{entry} is "
                                   f"{np.asarray(c)[worst]:.10g}, finite differences give {np.asarray(t)[worst]:.10g}")

    def _reverse(self, level: _Level, x: list, v: list, ct: list, back: list, forward: list) -> None:
        noise = 0.0
        if "forward" not in self.modes:
            forward, noise = _difference(level, x, v, forward)
        gap = abs(_pair(ct, forward) - _pair(back, v))
        scale = _pair(map(np.abs, ct), map(np.abs, forward)) + _pair(map(np.abs, back), map(np.abs, v))
        weight = sum(float(np.sum(np.abs(c))) for c in ct)
        if not gap <= self.rtol * scale + weight * (noise + ROUNDING * level.size):
            where, what = self._entry(level, x, ct, back)
            raise self._failed(level, "reverse", where,
                               f"⟨ct, Jv⟩ = {_pair(ct, forward):.10g} but ⟨Jᵀct, v⟩ = {_pair(back, v):.10g}{what}")

    def _failed(self, level: _Level, mode: str, where: str, what: str) -> AssertionError:
        return AssertionError(f"check_grads: order {level.order}, {mode} mode{level.over}, with respect to {where}: "
                              f"{what}")

    # --- where is it wrong? ------------------------------------------------------------------------------------------

    def _input(self, level: _Level, x: list, v: list) -> str:
        """The argument whose tangent is furthest from the truth."""
        from .transforms import jvp
        gaps = []
        for alone in _alone(v):
            claimed = jvp(level.g, tuple(x), tuple(alone))[1]
            truth = _difference(level, x, alone, claimed)[0]
            gaps.append(_size([c - t for c, t in zip(claimed, truth, strict=True)]))
        moved = [label for label, d in zip(level.labels, v, strict=True) if np.any(d)]
        return moved[int(np.argmax(np.nan_to_num(gaps, nan=np.inf)))]

    def _entry(self, level: _Level, x: list, ct: list, back: list) -> tuple[str, str]:
        """The argument and the entry whose cotangent is furthest from the truth."""
        where, what = "its arguments", ""
        worst: Any = -1.0
        for k, index in [(k, index) for k, a in enumerate(x) for index in np.ndindex(np.shape(a))][:ENTRIES]:
            e, unit = [np.zeros_like(a) for a in x], np.zeros_like(np.asarray(x[k]))
            unit[index] = _typical(x[k])
            e[k] = unit[()]
            claimed = np.real(np.asarray(back[k])[index])
            truth = _pair(ct, _difference(level, x, e, None)[0]) / _typical(x[k])
            gap = abs(claimed - truth)
            if np.isnan(gap) or gap > worst:
                worst, where = np.inf if np.isnan(gap) else gap, level.labels[k]
                entry = "".join(f"[{i}]" for i in index)
                what = f"; the cotangent of {where}{entry} is {claimed:.10g}, finite differences give {truth:.10g}"
        return where, what


def _alone(v: list) -> Iterator[list]:
    """The direction of each argument by itself: a small derivative is not hidden by another argument's."""
    for k in range(len(v)):
        if np.any(v[k]):
            yield [d if k == j else np.zeros_like(d) for j, d in enumerate(v)]


def _tuple(cotangents, x: Sequence) -> list:
    return [cotangents] if len(x) == 1 else list(cotangents)


def _size(values) -> float:
    return float(np.max([np.max(np.abs(v), initial=0.0) for v in values], initial=0.0))


def _nearby(g: Callable, x: list, v: list) -> float:
    """Size of the values a tenth of x away."""
    with np.errstate(all="ignore"):
        values = g(*[a + 0.1 * d for a, d in zip(x, v, strict=True)])
    return _size([np.where(np.isfinite(value), value, 0.0) for value in values])


def _pair(a, b) -> float:
    """Re Σ a·b, without conjugation."""
    return float(sum(np.real(np.sum(np.asarray(p) * q)) for p, q in zip(a, b, strict=True)))


def _difference(level: _Level, x: list, v: list, claimed: list | None) -> tuple[list, float]:
    """The central difference (fourth order) over the sweep of steps that comes nearest to the claim (without one: to
    the difference before it), and how far rounding may have moved it."""
    best: list = []
    nearest, noise, last = np.inf, np.inf, claimed
    with np.errstate(all="ignore"):
        for h in STEPS:
            near, far = _quotient(level.g, x, v, h), _quotient(level.g, x, v, 2 * h)
            estimate = [(4 * a - b) / 3 for a, b in zip(near, far, strict=True)]
            gap = np.inf if last is None else _size([e - t for e, t in zip(estimate, last, strict=True)])
            if not best or gap < nearest or np.isnan(nearest):
                best, nearest, noise = estimate, gap, 4 * EPS * level.size / h
            last = estimate if claimed is None else claimed
            if nearest <= 1e-8 * _size(last):
                break
    return best, noise


def _typical(a) -> float:
    """What a step is a fraction of: the size of an argument, 1 where that is near 1 or zero."""
    size = float(np.max(np.abs(a), initial=0.0))
    return size if size > 1.0 or 0.0 < size < 1e-2 else 1.0


def _quotient(g: Callable, x: list, v: list, h: float) -> list:
    up = g(*[a + h * d for a, d in zip(x, v, strict=True)])
    down = g(*[a - h * d for a, d in zip(x, v, strict=True)])
    return [(np.asarray(p) - q) / (2 * h) for p, q in zip(up, down, strict=True)]
