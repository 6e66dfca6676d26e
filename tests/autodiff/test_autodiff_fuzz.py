"""Differential fuzzing: random plain-NumPy programs, every derivative, eager and compiled, against differences.

A program is a list of (function, operand numbers) over a growing list of values, so the very same code runs on arrays
(the independent truth) and on tracers. Value, gradient, jvp and Hessian-vector product of every program are compared
with differences of plain values; one in ten is looked at from all sides. AUTODIFF_FUZZ sets the number of programs,
AUTODIFF_FUZZ_SEED the first seed.
"""

import os

import numpy as np
import pytest
import scipy.sparse
import scipy.special as sp

import autodiff as ad

PROGRAMS = int(os.environ.get("AUTODIFF_FUZZ", 2000))
FIRST = int(os.environ.get("AUTODIFF_FUZZ_SEED", 0))
BATCH = 50
THOROUGH = 10                        # one program in so many is checked from all sides
SHAPES = ((), (1,), (3,), (4,), (2, 3), (3, 2), (1, 3), (3, 1), (3, 3), (2, 1, 3), (2, 2, 2), (1, 1))
LARGEST, MOST = 15.0, 48             # values and sizes a program may reach

UNARY = (np.tanh, np.sin, np.cos, np.arctan, np.square, np.negative, sp.expit, np.arcsinh, np.absolute, sp.erf,
         lambda y: np.exp(0.3 * y), lambda y: np.log(1.0 + y * y), lambda y: np.sqrt(1 + y ** 2),
         lambda y: y ** 3 / 9.0, lambda y: 1 / (2.5 + np.sin(y)), lambda y: np.logaddexp(y, 0.0),
         lambda y: (1.5 + np.cos(y)) ** -0.7, lambda y: np.clip(y, -1.3, 1.7),
         lambda y: np.where(y > 0.1, np.log1p(np.where(y > 0.1, y, 0.1)), 2 * y), lambda y: +y, lambda y: abs(y) - y,
         lambda y: np.cbrt(3 + np.tanh(y)), lambda y: y.copy() * y, np.log1p, lambda y: np.reciprocal(np.cosh(y)),
         lambda y: y.astype(float) - np.expm1(-np.square(y)))
SCALARS = (2, -1, 0.7, -1.0, np.float64(1.3), np.array(0.4), 1.0, 0)
WITH_SCALAR = (lambda y, c: c * y, lambda y, c: y + c, lambda y, c: c - y, lambda y, c: y / (c + 3.0),
               lambda y, c: c / (2.0 + np.cos(y)), lambda y, c: np.maximum(y, c - 0.17), lambda y, c: y * c - c,
               lambda y, c: np.power(2.0 + np.sin(y), c), lambda y, c: np.minimum(c + 0.31, y))
BINARY = (np.add, np.subtract, np.multiply, np.maximum, np.minimum, np.logaddexp, lambda a, b: a / (2.0 + np.sin(b)),
          lambda a, b: np.where(a > b, a * b, b), lambda a, b: np.arctan2(a, 3.0 + np.tanh(b)),
          lambda a, b: np.hypot(a, 1.0 + b * b), lambda a, b: (1.2 + np.sin(a) ** 2) ** np.tanh(b),
          lambda a, b: 2 * a + 3 * b, lambda a, b: a * b + a * b * b, lambda a, b: (a - b) * (a + b),
          lambda a, b: a * 0.5 - 0.5 * b)
REDUCE = (np.sum, np.mean, np.max, np.min, np.var, lambda y, **how: np.prod(1 + y / 9, **how),
          lambda y, axis, keepdims: y.sum(axis, keepdims=keepdims), lambda y, **how: sp.logsumexp(y, **how),
          lambda y, **how: np.std(y + np.arange(y.size, dtype=float).reshape(y.shape) ** 2, **how),
          lambda y, **how: np.sqrt(1 + np.sum(y * y, **how)), lambda y, **how: (y ** 2).mean(**how) + y.max(**how))


# --- program steps: each returns (function, operand numbers) or None where it does not apply --------------------------


def _unary(rng, env):
    return _choose(rng, UNARY), (_any(rng, env),)


def _scalar(rng, env):
    f, c = _choose(rng, WITH_SCALAR), _choose(rng, SCALARS)
    return (lambda y: f(y, c)), (_any(rng, env),)


def _binary(rng, env):
    f, i = _choose(rng, BINARY), _any(rng, env)
    fits = [j for j, v in enumerate(env) if _broadcasts(np.shape(v), np.shape(env[i]))]
    return f, (i, _choose(rng, fits)) if rng.random() < 0.5 else (_choose(rng, fits), i)


def _constant(rng, env):
    f, i = _choose(rng, BINARY), _any(rng, env)
    shape = tuple(1 if rng.random() < 0.3 else s for s in np.shape(env[i]))
    shape = _choose(rng, (shape, shape[1:], (2, *np.shape(env[i]))))
    c = rng.standard_normal(shape)
    return (lambda y: f(y, c)) if rng.random() < 0.5 else (lambda y: f(c, y)), (i,)


def _reduce(rng, env):
    i = _any(rng, env)
    f, keepdims, n = _choose(rng, REDUCE), bool(rng.random() < 0.5), np.ndim(env[i])
    axis = None
    if n and rng.random() < 0.75:
        axis = int(rng.integers(-n, n))
        if n > 1 and rng.random() < 0.3:
            axis = tuple(int(a) for a in rng.permutation(n)[:rng.integers(1, n + 1)])
    if np.any(np.asarray(f(env[i], axis=axis, keepdims=keepdims)) == 0):       # the deviation of one number: a kink
        return None
    return (lambda y: f(y, axis=axis, keepdims=keepdims)), (i,)


def _scan(rng, env):
    i = _any(rng, env, 1)
    axis = int(rng.integers(-np.ndim(env[i]), np.ndim(env[i])))
    f = _choose(rng, (np.cumsum, lambda y, axis: np.cumprod(1 + 0.2 * np.tanh(y), axis=axis),
                      lambda y, axis: np.flip(y, axis), lambda y, axis: np.roll(y, 1, axis) * y,
                      lambda y, axis: np.diff(y, axis=axis, prepend=0.5), lambda y, axis: np.repeat(y, 2, axis=axis)))
    return (lambda y: f(y, axis)), (i,)


def _matmul(rng, env):
    i, s = _any(rng, env, 1), _any(rng, env)
    shape = np.shape(env[i])
    n, rank, k = shape[-1], int(rng.integers(1, 4)), int(rng.integers(1, 4))
    lead = _choose(rng, (shape[0], 1, 2)) if len(shape) < 3 else _choose(rng, (shape[-3], 1))
    if rng.random() < 0.5:                                     # value on the left
        c = rng.standard_normal({1: (n,), 2: (n, k), 3: (lead, n, k)}[rank]) / n
        return (lambda a, b: a @ (c * (1 + np.tanh(np.mean(b))))), (i, s)
    m = shape[-2] if len(shape) > 1 else n
    c = rng.standard_normal({1: (m,), 2: (k, m), 3: (lead, k, m)}[rank]) / m
    return (lambda a, b: np.matmul(np.cos(np.sum(b)) * c, a)), (i, s)


def _contract(rng, env):
    i = _any(rng, env, 1)
    c = rng.standard_normal(np.shape(env[i])) / 2
    return _choose(rng, (lambda y: np.einsum("...i,...i->...", y, c), lambda y: np.einsum("...i,...i->...i", y, y * c),
                         lambda y: np.outer(y, c[..., 0]), lambda y: np.tensordot(y, c, axes=y.ndim),
                         lambda y: np.vdot(y, y), lambda y: np.dot(y, np.swapaxes(c, 0, -1)),
                         lambda y: np.inner(y, y * 0.5 + c), lambda y: np.einsum("...ij->...ji", y[..., None]) * 2,
                         lambda y: np.dot(y.ravel(), c.ravel()))), (i,)


def _index(rng, env):
    i = _any(rng, env, int(rng.random() < 0.9))
    shape = np.shape(env[i])
    if not shape:
        index = _choose(rng, (None, Ellipsis, (), (None, Ellipsis, None)))
        return (lambda y: y[index]), (i,)
    last = int(rng.integers(shape[-1]))
    mask = rng.random(shape) < 0.6
    mask.flat[0] = True
    picks = rng.integers(-shape[0], shape[0], size=_choose(rng, (3, (2, 2))))
    lasts = rng.integers(shape[-1], size=3)
    index = _choose(rng, (
        0, -1, (Ellipsis, last), slice(None, None, -1), slice(0, None, 2), (None, Ellipsis),
        (Ellipsis, slice(1, None), None), picks, (picks, Ellipsis, None), mask,
        mask[..., :1].reshape(shape[:-1] + (1,)).any(axis=tuple(range(1, len(shape)))), (Ellipsis, lasts),
        (slice(None), *[slice(None)] * (len(shape) - 2), lasts) if len(shape) > 1 else lasts, [0, -1, 0],
        (Ellipsis, slice(-1, None)), ...))
    return (lambda y: y[index]), (i,)


def _layout(rng, env):
    i = _any(rng, env, 1)
    n, perm = np.ndim(env[i]), tuple(int(p) for p in rng.permutation(np.ndim(env[i])))
    shape = np.shape(env[i])
    return _choose(rng, (lambda y: y.reshape(-1), lambda y: np.transpose(y, perm), lambda y: y.T,
                         lambda y: np.reshape(y, (1, -1)), lambda y: np.swapaxes(y, 0, n - 1),
                         lambda y: np.expand_dims(y, (0, n + 1)), np.squeeze, np.ravel,
                         lambda y: np.broadcast_to(y, (2, *shape)), lambda y: np.moveaxis(y, 0, -1),
                         lambda y: np.atleast_2d(y), lambda y: y.transpose(perm).reshape(shape),
                         lambda y: np.reshape(y.T, shape, order="F"), lambda y: y.flatten()[::-1],
                         lambda y: np.tile(y, 2))), (i,)


def _join(rng, env):
    i = _any(rng, env, 1)
    shape = np.shape(env[i])
    fits = [k for k, v in enumerate(env) if np.shape(v) == shape]
    j, axis = _choose(rng, fits), int(rng.integers(-len(shape), len(shape)))
    c = rng.standard_normal(shape)
    return _choose(rng, (lambda a, b: np.concatenate([a, b], axis), lambda a, b: np.stack([a, c, b], axis),
                         lambda a, b: np.hstack([a, b]), lambda a, b: np.vstack((a, b * 2)),
                         lambda a, b: np.concatenate([a[1:], b[:1]]) + a,
                         lambda a, b: np.concatenate([a, c], axis=None), lambda a, b: np.array([a, b]) * 0.5,
                         lambda a, b: np.concatenate([b[-1:], a[1:]]) * a)), (i, j)


def _scalars(rng, env):
    i, j = _any(rng, env), _any(rng, env)
    return _choose(rng, (lambda a, b: np.array([np.sum(a), 1.0, np.mean(b)]),
                         lambda a, b: np.array([[a.sum(), 0], [2, b.max()]]),
                         lambda a, b: np.stack([np.max(a), np.sum(b)]),
                         lambda a, b: np.full((2, 2), np.mean(a)) * np.min(b),
                         lambda a, b: a.sum() ** 2 * np.exp(-np.mean(b) ** 2) if a.ndim else a * np.mean(b))), (i, j)


def _write(rng, env):
    i = _any(rng, env, 1)
    c = rng.standard_normal(np.shape(env[i]))

    def shifted(y):
        out = np.zeros(y.shape)
        out[1:] = y[:-1] * y[1:]
        out[0] += y[-1]
        return out

    def overwritten(y):
        out = y * c
        out[0] = 0.3
        out[..., -1] *= 2.0
        return out - y

    def loop(y):
        state = np.zeros_like(y)
        for k in range(3):
            state += np.tanh(y * (k + 0.5) - state)
        return state

    def viewed(y):
        out = np.empty(y.shape)
        out[...] = y
        flat = out.reshape(-1)
        flat[::2] += 0.5 * flat[::2] ** 2
        return out * c
    return _choose(rng, (shifted, overwritten, loop, viewed)), (i,)


def _sparse(rng, env):
    i = _any(rng, env, 1)
    shape = np.shape(env[i])
    if len(shape) > 2:
        return None
    dense = rng.standard_normal((3, shape[0])) * (rng.random((3, shape[0])) < 0.7)
    a = _choose(rng, (scipy.sparse.csr_array, scipy.sparse.csc_array, scipy.sparse.csr_matrix))(dense)
    b = scipy.sparse.csr_array(rng.standard_normal((shape[-1], 3)))
    return _choose(rng, (lambda y: a @ y, lambda y: y.T @ a.T, lambda y: y @ b, lambda y: a.T @ (a @ y),
                         lambda y: b.T @ y.T)), (i,)


def _linalg(rng, env):
    i = _any(rng, env, 1)
    n = np.shape(env[i])[-1]
    k = rng.standard_normal((n, n)) / 2 + 3 * np.eye(n)

    def square(y):
        return k + np.tanh(y.reshape(-1, n)[:1]) * np.arctan(y.reshape(-1, n)[-1:]).T
    return _choose(rng, (lambda y: np.linalg.solve(square(y), np.sin(y.reshape(-1, n)).T),
                         lambda y: np.linalg.inv(square(y)), lambda y: np.log(np.abs(np.linalg.det(square(y))) + 1),
                         lambda y: np.linalg.slogdet(square(y))[1],
                         lambda y: np.linalg.cholesky(square(y) @ square(y).T + np.eye(n)),
                         lambda y: np.linalg.norm(y + 3, axis=-1), lambda y: np.linalg.solve(k, y.reshape(-1, n)[0]),
                         lambda y: np.linalg.norm(y - 2), lambda y: np.trace(square(y)) + np.diag(square(y)))), (i,)


def _branch(rng, env):
    """if, while, for and masks on values, far enough from where the branches change."""
    i = _any(rng, env)
    f, g = _choose(rng, UNARY), _choose(rng, UNARY)
    level = float(np.mean(np.tanh(env[i])))
    low, high = level - 0.25, level + 0.25
    if np.any(np.abs(env[i]) < 0.25):
        return None

    def chosen(y):
        return f(y) if np.mean(np.tanh(y)) > low else y * 1e3

    def chain(y):
        if (t := np.mean(np.tanh(y))) > high:
            return y - 1e3
        return g(y) * 0.5 if low < t < high else f(y)

    def masked(y):
        out = np.array(y * 1.0)
        out[y > 0] = f(y[y > 0])
        return out

    def entries(y):
        return sum(v if v > 0 else np.sin(v) for v in y.ravel()) * y
    return _choose(rng, (chosen, chain, masked, entries) if np.ndim(env[i]) else (chosen, chain)), (i,)


def _array_divisor(rng, env):
    """Products, quotients and choices by captured arrays, one after the other: the diagonals of a Hessian."""
    i = _any(rng, env)
    a, b = rng.uniform(0.5, 2.0, size=(2, *np.shape(env[i])))
    c = rng.random(np.shape(env[i])) < 0.7
    return _choose(rng, (lambda y: np.sin(y / a) / b, lambda y: np.where(c, np.square(y) * a, 0.0) / b,
                         lambda y: np.where(c, 0.0, np.exp(-y * y / a)) + y / b, lambda y: np.tanh(y * a / b))), (i,)


def _loop(rng, env):
    """Loops over numbers and over small vectors, as integrators are written."""
    i, n = _any(rng, env), int(rng.integers(2, 9))
    a, b = rng.uniform(0.1, 0.6, size=2)

    def logistic(y):
        t = np.tanh(np.sum(y)) * 0.2 + 0.5
        for _ in range(n):
            t = 2.7 * t * (1.0 - t)
        return t * y

    def euler(y):
        q, p = np.mean(np.tanh(y)), a
        for k in range(n):
            p = p - 0.1 * np.sin(q) * (b + k)
            q = q + 0.1 * p / (1.0 + q * q)
        return y + q - p

    def vectors(y):
        state = y * a
        for k in range(n):
            state = state + 0.2 * (np.sin(y * b) - state * y.size / (k + 2.0))
        return state

    def filled(y):
        flat, out = y.ravel(), np.zeros(n)
        for k in range(n):
            out[k] = np.sin(flat[k % flat.size]) + (a * out[k - 1] * flat[-1] if k else 0.0)
        return out

    def trajectory(y):
        out = np.empty((n, y.ravel().size))
        out[0] = y.ravel() * b
        for k in range(1, n):
            out[k] = np.tanh(out[k - 1] + a * out[0][::-1])
        return out[-1].reshape(y.shape)
    return _choose(rng, (logistic, euler, vectors, filled, trajectory)), (i,)


def _checkpointed(rng, env):
    """A step, or several, behind a checkpoint; nested ones; with a captured value."""
    step = _choose(rng, (_unary, _binary, _reduce, _write, _layout, _loop, _contract, _index))(rng, env)
    if step is None:
        return None
    f, operands = step
    g = _choose(rng, UNARY)
    return _choose(rng, (ad.checkpoint(f), ad.checkpoint(lambda *ys: g(f(*ys))), lambda *ys: g(ad.checkpoint(f)(*ys)),
                         ad.checkpoint(lambda *ys: ad.checkpoint(f)(*ys) * 0.5 + np.mean(ad.checkpoint(g)(ys[0]))),
                         lambda *ys: ad.checkpoint(lambda: f(*ys))(),
                         lambda *ys: sum(ad.checkpoint(lambda y: {"a": (g(y), y)})(f(*ys))["a"]))), operands


STEPS = (_unary, _unary, _scalar, _scalar, _binary, _binary, _constant, _reduce, _reduce, _scan, _matmul, _contract,
         _index, _index, _layout, _join, _scalars, _write, _sparse, _linalg, _array_divisor, _branch, _loop,
         _checkpointed)


def _choose(rng, options):
    return options[int(rng.integers(len(options)))]


def _any(rng, env, ndim=0):
    """An operand, one of the latest with preference; of at least this many axes if there is one."""
    fits = [k for k, v in enumerate(env) if np.ndim(v) >= ndim] or [0]
    return fits[-1 - int(rng.integers(min(len(fits), 4)))] if rng.random() < 0.7 else _choose(rng, fits)


def _broadcasts(a, b) -> bool:
    try:
        np.broadcast_shapes(a, b)
    except ValueError:
        return False
    return True


def _tame(v) -> bool:
    v = np.asarray(v)
    return v.dtype.kind == "f" and 0 < v.size <= MOST and v.ndim <= 4 and bool(np.all(np.abs(v) <= LARGEST))


class Program:
    """A random program: `vector(p)` returns an array, `scalar(p)` one number; p is an array or a list of two arrays."""

    def __init__(self, seed: int):
        rng = self.rng = np.random.default_rng(seed)
        self.points = [[rng.standard_normal(_choose(rng, SHAPES)) for _ in range(int(rng.integers(1, 3)))]]
        self.points += [[x + 0.05 * rng.standard_normal(x.shape) for x in self.points[0]] for _ in range(2)]
        self.steps: list = []
        envs = [[*p] for p in self.points]
        for _ in range(80):
            if len(self.steps) == 4 + seed % 9:
                break
            self._extend(envs)
        self.weights = [rng.standard_normal(np.shape(v)) for v in envs[0]]
        self.ending = int(rng.integers(4))

    def _extend(self, envs: list) -> None:
        if np.ndim(envs[0][0]) == 0 and len(envs[0]) < 3:          # a scalar alone: some arrays to work with
            self.steps.append((lambda s: s * np.arange(0.5, 3.0), (0,)))
            for env in envs:
                env.append(env[0] * np.arange(0.5, 3.0))
        try:
            step = _choose(self.rng, STEPS)(self.rng, envs[0])
            made = [step[0](*[env[k] for k in step[1]]) for env in envs]
        except (ValueError, IndexError, TypeError, FloatingPointError, np.linalg.LinAlgError):
            return                                                  # the step does not fit these shapes or values
        if all(map(_tame, made)):
            self.steps.append(step)
            for env, v in zip(envs, made, strict=True):
                env.append(v)

    def point(self, number: int):
        p = self.points[number]
        return p if len(p) > 1 else p[0]

    def run(self, p) -> list:
        env = list(p) if isinstance(p, list) else [p]
        for f, operands in self.steps:
            env.append(f(*[env[k] for k in operands]))
        return env

    def vector(self, p):
        return self.run(p)[-1]

    def scalar(self, p):
        env = self.run(p)
        total = np.sum(env[-1] * self.weights[-1])
        if self.ending == 1:
            return total + np.sum(env[-1] ** 2)
        if self.ending == 2:
            return total * 0.5 + np.mean(np.tanh(env[len(env) // 2])) + np.sum(env[0] * self.weights[0])
        if self.ending == 3:
            last = env[-1] - env[-1][..., :1] if env[-1].ndim else env[-1]
            return np.log(1.0 + np.sum(last ** 2))
        return total


# --- the independent truth --------------------------------------------------------------------------------------------


def _moved(p, t, d):
    return [x + t * v for x, v in zip(p, d, strict=True)] if isinstance(p, list) else p + t * d


def _flat(tree) -> np.ndarray:
    return np.concatenate([np.ravel(part) for part in tree]) if isinstance(tree, list) else np.ravel(tree)


def assert_slope(f, p, d, claimed, what):
    """claimed is the derivative of f at p along d: some step of a sweep of central differences confirms it."""
    claimed, worst = np.asarray(claimed, dtype=float), np.inf
    for h in (1e-4, 1e-5, 1e-3, 1e-6, 1e-7):
        near = (np.asarray(f(_moved(p, h, d))) - np.asarray(f(_moved(p, -h, d)))) / (2 * h)
        far = (np.asarray(f(_moved(p, 2 * h, d))) - np.asarray(f(_moved(p, -2 * h, d)))) / (4 * h)
        truth = (4 * near - far) / 3
        assert truth.shape == claimed.shape, f"{what}: shape {claimed.shape}, expected {truth.shape}"
        gap = float(np.max(np.abs(truth - claimed), initial=0.0)) / (1e-3 + float(np.max(np.abs(truth), initial=0.0)))
        worst = min(worst, gap if gap == gap else np.inf)
        if worst < 2e-6:
            return
    raise AssertionError(f"{what}: differences give {truth}, claimed {claimed} (relative gap {worst:.1e})")


def assert_curvature(f, p, d, e, claimed, what):
    """claimed is dᵀHe at p: from second differences of f along d + e and d − e, at some step of a sweep."""
    worst, at = np.inf, float(f(p))
    scale = 1.0 / (1e-3 + max(np.abs(_flat(d)).max(), np.abs(_flat(e)).max()))
    for h in scale * np.array([1e-2, 3e-3, 1e-3, 3e-4, 1e-4]):
        truth = 0.0
        for sign in (1.0, -1.0):
            w = _moved(d, sign, e)
            with np.errstate(all="ignore"):                         # (the border of a domain)
                ring = [float(f(_moved(p, k * h, w))) for k in (-2, -1, 1, 2)]
            truth += sign * (16 * (ring[1] + ring[2]) - ring[0] - ring[3] - 30 * at) / (48 * h * h)
        rounding = 50 * np.finfo(float).eps * abs(at) / h ** 2
        gap = max(abs(truth - claimed) - rounding, 0.0) / (1e-2 + abs(truth))
        worst = min(worst, gap if gap == gap else np.inf)
        if worst < 2e-5:
            return
    raise AssertionError(f"{what}: differences give {truth}, claimed {claimed} (relative gap {worst:.1e})")


def _direction(program):
    d = [program.rng.standard_normal(x.shape) for x in program.points[0]]
    return d if len(d) > 1 else d[0]


def _inner(a, b) -> float:
    return float(_flat(a) @ _flat(b))


def _awkward(p):
    """The same values in other memory: Fortran order, and every second entry of a larger array."""
    def strided(x):
        wide = np.full((*x.shape, 2), np.nan)
        wide[..., 0] = x
        return wide[..., 0]
    return [strided(x) for x in p] if isinstance(p, list) else np.asfortranarray(p) if p.ndim > 1 else strided(p)


def _check_scalar(program):
    f, d = program.scalar, _direction(program)
    fast, linear, slow = ad.compile(f), ad.compile(f), ad.compile(f, eager=True)
    kept = []
    for number in range(3):
        p = program.point(number)
        given = _awkward(p) if number == 2 else p
        value, grad = fast.value_and_grad(given)
        np.testing.assert_allclose(value, f(p), rtol=1e-11, atol=1e-12, err_msg="value")
        assert_slope(f, p, d, _inner(grad, d), f"gradient, call {number}")
        eager_value, eager_grad = slow.value_and_grad(p)
        np.testing.assert_allclose(_flat(grad), _flat(eager_grad), rtol=1e-9, atol=1e-10, err_msg="eager and compiled")
        np.testing.assert_allclose(fast(given), f(p), rtol=1e-11, atol=1e-12, err_msg="value program")
        value, grad, hv = linear.linearize_grad(given)
        np.testing.assert_allclose(_flat(grad), _flat(eager_grad), rtol=1e-9, atol=1e-10, err_msg="linearised gradient")
        product = hv(d)
        kept += [(part, np.array(part)) for part in _parts([eager_grad, grad, product]) if np.ndim(part)]
        if number != 1:
            assert_slope(lambda q: _flat(slow.grad(q)), p, d, _flat(product), f"Hessian-vector product, call {number}")
        eager_product = slow.linearize_grad(p)[2](d)
        np.testing.assert_allclose(_flat(eager_product), _flat(product), rtol=1e-8, atol=1e-9, err_msg="eager hv")
    assert fast.report.mode == linear.report.mode == "compiled", fast.report
    over = ad.grad(lambda q: sum(np.sum(a * b) for a, b in zip(_parts([ad.grad(f)(q)]), _parts([d]), strict=True)))(p)
    np.testing.assert_allclose(_flat(over), _flat(product), rtol=1e-8, atol=1e-9, err_msg="reverse over reverse")
    for part, copy in kept:
        np.testing.assert_array_equal(part, copy, err_msg="a result changed after later calls")
        assert part.flags.writeable, "a result is read-only"
        assert not any(np.may_share_memory(part, x) for x in _parts([given])), "a result aliases an input"


def _parts(trees: list) -> list:
    return [part for tree in trees for part in (tree if isinstance(tree, list) else [tree])]


def _check_vector(program):
    f, p, d = program.vector, program.point(0), _direction(program)
    y, moved = ad.jvp(f, (p,), (d,))
    np.testing.assert_allclose(y, f(p), rtol=1e-12, atol=1e-12)
    assert_slope(f, p, d, moved, "jvp")
    ct = program.rng.standard_normal(np.shape(y))
    back = ad.vjp(f, p)[1](ct)
    scale = 1 + np.abs(_flat(back)) @ np.abs(_flat(d))
    assert abs(_inner(back, d) - float(np.sum(ct * moved))) <= 1e-9 * scale, "vjp"
    twice = ad.jvp(lambda q: ad.vjp(f, q)[1](ct), (p,), (d,))[1]
    assert_slope(lambda q: _flat(ad.vjp(f, q)[1](ct)), p, d, _flat(twice), "jvp of vjp")


def _check(program):
    """Value, gradient, jvp and Hessian-vector product, from the first run and from generated code."""
    f, d, e = program.scalar, _direction(program), _direction(program)
    fun = ad.compile(f)
    for number in range(2):
        p = program.point(number)
        for shift in (0.0, 0.02, -0.03):          # away from a jump of f, that second differences reach across
            p = _moved(p, shift, e)
            value, grad, hv = fun.linearize_grad(p)
            np.testing.assert_allclose(value, f(p), rtol=1e-11, atol=1e-12, err_msg="value")
            assert_slope(f, p, d, _inner(grad, d), f"gradient, call {number}")
            try:
                assert_curvature(f, p, d, e, _inner(hv(d), e), f"Hessian-vector product, call {number}")
                break
            except AssertionError:
                if shift < 0:
                    raise
    assert fun.report.mode == "compiled", fun.report
    y, moved = ad.jvp(program.vector, (p,), (d,))
    np.testing.assert_allclose(y, program.vector(p), rtol=1e-12, atol=1e-12)
    assert_slope(program.vector, p, d, moved, "jvp")


@pytest.mark.parametrize("batch", range(0, PROGRAMS, BATCH))
def test_random_programs(batch):
    for seed in range(FIRST + batch, FIRST + min(batch + BATCH, PROGRAMS)):
        try:
            with np.errstate(under="ignore"):
                program = Program(seed)
                _check(program)
                if seed % THOROUGH == 0:
                    _check_scalar(program)
                    _check_vector(program)
        except Exception as error:
            error.add_note(f"program of seed {seed}: AUTODIFF_FUZZ=1 AUTODIFF_FUZZ_SEED={seed}")
            raise


def test_the_fuzzer_reaches_every_step_and_operation():
    rng = np.random.default_rng(0)
    env = [rng.choice([-1.0, 1.0], shape) * rng.uniform(0.3, 1.5, shape) for shape in ((3, 3), (3,), ())]
    for step in dict.fromkeys(STEPS):
        made = 0
        for _ in range(40):
            try:
                f, operands = step(rng, env)
                made += _tame(f(*[env[k] for k in operands]))
            except (ValueError, IndexError, TypeError, FloatingPointError, np.linalg.LinAlgError):
                continue
        assert made >= 10, step.__name__
    lengths = [len(Program(seed).steps) for seed in range(12)]
    assert min(lengths) >= 4 and max(lengths) >= 10


def test_the_truth_notices_small_errors():
    p = np.array([0.3, -0.8])
    for wrong in (1 + 1e-5, -1.0, 0.0):
        with pytest.raises(AssertionError, match="differences give"):
            assert_slope(lambda x: np.sum(np.sin(x)), p, np.ones(2), wrong * np.cos(p).sum(), "slope")
    d, e = np.array([0.3, 1.0]), np.array([-1.2, 0.4])

    def f(x):
        return np.sum(np.sin(x)) * x[0] * x[1]
    right = d @ np.array([ad.finite_difference.directional(lambda q, k=k: ad.grad(f)(q)[k], p, e) for k in range(2)])
    assert_curvature(f, p, d, e, right, "curvature")
    for wrong in (1 + 1e-3, -1.0, 0.0):
        with pytest.raises(AssertionError, match="differences give"):
            assert_curvature(f, p, d, e, wrong * right, "curvature")


PAIRS = (np.multiply, lambda a, b: a - b ** 2, lambda a, b: np.exp(a * b), np.arctan2,
         lambda a, b: (a + 2.0) / (3.0 + b * b))


def _stencil(rng, n):
    """A sum of functions of pairs of slices of one long vector, shifted against each other, forwards and backwards."""
    width, terms = n - int(rng.integers(4)), []
    for _ in range(int(rng.integers(2, 5))):
        starts = rng.integers(n - width + 1, size=2).tolist()
        left, right = (slice(s, s + width) if rng.random() < 0.8 else slice(~s, ~s - width, -1) for s in starts)
        terms.append((left, right, _choose(rng, PAIRS)))

    def f(x):
        total = np.sum(x) ** 2 / n + x[0] * x[-1]
        for left, right, g in terms:
            total = total + np.sum(np.sin(g(x[left], x[right]))) + 0.5 * np.sum(g(x[right], x[left]) ** 2)
        return total
    return f


@pytest.mark.parametrize("n", (7, 1200))
def test_stencils_of_long_vectors(n):
    """The in-place writing of slices, which depends on length."""
    for seed in range(8):
        rng = np.random.default_rng(seed)
        f = _stencil(rng, n)
        fast, linear, slow = ad.compile(f), ad.compile(f), ad.compile(f, eager=True)
        for _ in range(3):
            x, v = rng.uniform(0.2, 1.0, n), rng.standard_normal(n)
            grad = fast.grad(x)
            np.testing.assert_allclose(grad, slow.grad(x), rtol=1e-10, atol=1e-11)
            assert_slope(f, x, v, grad @ v, f"stencil {seed}")
            hv = linear.linearize_grad(x)[2]
            np.testing.assert_allclose(hv(v), slow.linearize_grad(x)[2](v), rtol=1e-9, atol=1e-10)
            np.testing.assert_allclose(hv(2 * v), 2 * hv(v), rtol=1e-12, atol=1e-12)
        assert_slope(slow.grad, x, v, hv(v), f"stencil {seed}, second order")
        assert fast.report.mode == linear.report.mode == "compiled"
