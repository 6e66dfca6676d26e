"""Ranges of sums, products of arrays, and extremes along axes. The last two axes of an operand are its batch axes."""

from collections.abc import Callable

import numpy as np
import scipy.sparse

from ..graph import Static
from ..intervals import UNIT, Interval, add, down, granule, middle, multiply, numbers, point, subtract, total, up
from ..primitive import Primitive
from ..primitives.shape import axes
from .interval_elementwise import truth
from .interval_monotone import CURVES, row
from .interval_shape import RULES as MOVES
from .interval_shape import both

Rule = Callable[..., Interval]


def _sum(x: Interval, axis, keepdims) -> Interval:
    return total(numbers(x), axis, keepdims)


def _extreme(ufunc: np.ufunc) -> Rule:
    def rule(x: Interval, axis, keepdims) -> Interval:
        return Interval(*(ufunc.reduce(end, axis=axis, keepdims=keepdims) for end in x))
    return rule


def _any_all(ufunc: np.ufunc) -> Rule:
    def rule(x: Interval, axis, keepdims) -> Interval:
        gone = axes(axis, len(x.shape) - 2)
        return Interval(*(ufunc.reduce(end, axis=gone, keepdims=keepdims) for end in truth(x)))
    return rule


def _folded(combine: Rule) -> Rule:
    def rule(x: Interval, axis, keepdims) -> Interval:
        ends = [np.moveaxis(end, axis, range(len(axis))).reshape((-1, *_rest(x.shape, axis))) for end in numbers(x)]
        out = point(np.ones(ends[0].shape[1:]))
        for k in range(len(ends[0])):
            out = combine(out, Interval(ends[0][k], ends[1][k]))
        return Interval(*(np.expand_dims(end, axis) for end in out)) if keepdims else out
    return rule


def _rest(shape, axis) -> tuple[int, ...]:
    return tuple(s for i, s in enumerate(shape) if i not in axis)


def _running(combine: Rule) -> Rule:
    def rule(x: Interval, axis) -> Interval:
        lo, hi = (np.moveaxis(end, axis, 0) for end in numbers(x))
        parts = [Interval(lo[0], hi[0])] if len(lo) else []
        for k in range(1, len(lo)):
            parts.append(combine(parts[-1], Interval(lo[k], hi[k])))
        if not parts:
            return x
        return Interval(*(np.moveaxis(np.stack(ends), 0, axis) for ends in zip(*parts, strict=True)))
    return rule


def _logsumexp(x: Interval, axis, keepdims, **params) -> Interval:
    """c + log Σ exp(x − c), which is at least the largest entry."""
    x = numbers(x)
    least, most = (np.max(end, axis=axis, keepdims=True) for end in x)
    shift = point(np.where(np.isfinite(most), most, 0.0))
    out = add(CURVES["log"](total(CURVES["exp"](subtract(x, shift)), axis, True)), shift)
    out = Interval(np.maximum(out.lo, least), out.hi)
    return out if keepdims else Interval(*(np.squeeze(end, axis=axis) for end in out))


# --- products of arrays -----------------------------------------------------------------------------------------------

EXACT_UP_TO = 1 << 16   # multiplications: there sums and products are rounded one by one, and dyadic numbers stay exact


def bilinear(product: Callable, length: int, x: Interval, y: Interval) -> Interval:
    """A sum of `length` products an entry, by middles and radii; exact operands have no radius. Rump 1999, BIT 39.

    Exact where all numbers are whole multiples of one, and their products and sums below 2^53 of it.
    """
    (mx, rx), (my, ry) = middle(x), middle(y)
    ax, ay = np.abs(mx), np.abs(my)
    centre, points = product(mx, my), x.lo is x.hi and y.lo is y.hi
    size = product(ax, ay)
    radius = 0.0 * size if points else product(ax, ry) + product(rx, ay + ry)
    most = size + radius
    if most.max(initial=0.0) < granule(mx, rx) * granule(my, ry) * 2.0**53:
        return Interval(centre, centre) if points else Interval(centre - radius, centre + radius)
    # Higham 2002 §3.1 for the centre; the radius is itself a sum of products, rounded.
    error = (length + 2) * UNIT * size
    spread = up(up(radius * (1 + (2 * length + 8) * UNIT)) + up(error * (1 + 8 * UNIT))) + np.finfo(float).tiny * length
    spread = np.where(most == 0, 0.0, spread)
    wide = ~(np.isfinite(centre) & np.isfinite(spread))
    lo, hi = np.where(wide, -np.inf, down(centre - spread)), np.where(wide, np.inf, up(centre + spread))
    if (x.lo >= 0).all() and (y.lo >= 0).all():
        lo = np.maximum(lo, 0.0)
    return Interval(lo, hi)


def _matmul(x: Interval, y: Interval) -> Interval:
    """x @ y as the einsum it is: the batch axes of the node's own operands broadcast."""
    a, b = len(x.shape) - 2, len(y.shape) - 2
    left = Interval(*(end[None] if a == 1 else end for end in numbers(x)))
    right = Interval(*(end[:, None] if b == 1 else end for end in numbers(y)))
    out = _contracted(left, right)
    gone = ((-4,) if a == 1 else ()) + ((-3,) if b == 1 else ())
    return Interval(*(np.squeeze(end, gone) for end in out)) if gone else out


def _contracted(x: Interval, y: Interval) -> Interval:
    """(..., m, k, D, B) by (..., k, n, D, B)."""
    m, length, n = x.shape[-4], x.shape[-3], y.shape[-3]
    batch = np.broadcast_shapes(x.shape[-2:], y.shape[-2:])
    if m * length * n * batch[0] * batch[1] <= EXACT_UP_TO:
        a = Interval(*(end[..., :, :, None, :, :] for end in x))
        b = Interval(*(end[..., None, :, :, :, :] for end in y))
        return total(multiply(a, b), (-4,), False)
    out = bilinear(np.matmul, length, *(Interval(*(np.moveaxis(end, (-2, -1), (0, 1)) for end in part))
                                        for part in _deep(x, y)))
    return Interval(*(np.moveaxis(end, (0, 1), (-2, -1)) for end in out))


def _deep(x: Interval, y: Interval) -> list[Interval]:
    """With equally many axes, so that batch axes moved to the front meet each other."""
    ndim = max(len(x.shape), len(y.shape))
    return [Interval(*(end.reshape((1,) * (ndim - end.ndim) + end.shape) for end in part)) for part in (x, y)]


def _einsum(*parts: Interval, spec: str) -> Interval:
    """The first two operands by middles and radii, then the rest one after the other."""
    inputs, output = spec.split("->")
    names = inputs.split(",")
    sizes: dict[str, int] = {}
    for name, part in zip(names, parts, strict=True):
        for c, s in zip(name, part.shape[:-2], strict=True):
            sizes[c] = max(sizes.get(c, 1), s)
    if len(parts) == 1:
        return _einsum_of_one(numbers(parts[0]), names[0], output, sizes)
    first, second, later = names[0], names[1], "".join(names[2:])
    kept = "".join(sorted(c for c in set(first + second) if c in output + later))
    target = output if not later else kept
    out = bilinear(lambda a, b: np.einsum(f"{first}YZ,{second}YZ->{target}YZ", a, b),
                   _length({c: sizes[c] for c in first + second}, target), numbers(parts[0]), numbers(parts[1]))
    return out if not later else _einsum(out, *parts[2:], spec=",".join([kept, *names[2:]]) + f"->{output}")


def _einsum_of_one(x: Interval, names: str, output: str, sizes: dict[str, int]) -> Interval:
    if len(set(names)) < len(names):            # a diagonal: picked without arithmetic, then the rest
        distinct = "".join(dict.fromkeys(names))
        picked = Interval(*(np.einsum(f"{names}YZ->{distinct}YZ", end) for end in x))
        return _einsum_of_one(picked, distinct, output, sizes)
    gone = tuple(i for i, c in enumerate(names) if c not in output)
    kept = [c for c in names if c in output]
    out = total(x, gone, False) if gone else x
    n = len(kept)
    return Interval(*(np.transpose(end, [*(kept.index(c) for c in output), n, n + 1]) for end in out))


def _length(sizes: dict[str, int], output: str) -> int:
    return int(np.prod([s for c, s in sizes.items() if c not in output], dtype=float))


def _sparse(a, x: Interval, transposed: bool) -> Interval:
    """The matrix as it is; columns of x, directions and boxes are columns alike."""
    matrix, x = scipy.sparse.csr_array(a.T if transposed else a, dtype=float), numbers(x)
    length, shape = int(np.diff(matrix.indptr).max(initial=0)), (matrix.shape[0], *x.shape[1:])
    columns = both(lambda end: end.reshape(len(end), -1), x)

    def product(entries, b):
        return scipy.sparse.csr_array((entries, matrix.indices, matrix.indptr), shape=matrix.shape) @ b
    return both(lambda end: end.reshape(shape), bilinear(product, length, point(matrix.data), columns))


def _convolve(a: Interval, v: Interval) -> Interval:
    """Products of all pairs, summed along the antidiagonals."""
    n, m = a.shape[0], v.shape[0]
    pairs = multiply(Interval(*(end[:, None] for end in a)), Interval(*(end[None] for end in v)))
    place = np.add.outer(np.arange(n), np.arange(m))
    return MOVES[row("scatter")](pairs, indices=(Static((place,)),), shape=(n + m - 1,), based=False)


def _entries_product(data: Interval, x: Interval, pattern, transposed) -> Interval:
    rows, columns = (pattern.columns, pattern.rows) if transposed else (pattern.rows, pattern.columns)
    deep = len(x.shape) - 3
    factor = Interval(*(end.reshape(-1, *(1,) * deep, *end.shape[-2:]) for end in data))
    terms = multiply(factor, Interval(*(end[columns] for end in x)))
    size = pattern.shape[1 if transposed else 0]
    return MOVES[row("scatter")](terms, indices=(Static((rows,)),), shape=(size, *x.shape[1:-2]), based=False)


def _sampled_product(u: Interval, v: Interval, pattern) -> Interval:
    """The entries that u vᵀ has at the pattern."""
    terms = multiply(Interval(*(end[pattern.rows] for end in u)), Interval(*(end[pattern.columns] for end in v)))
    return terms if len(u.shape) == 3 else total(terms, (1,), False)


def _transform(x: Interval, kind, type, axis) -> Interval:
    """A cosine or sine transform by its matrix, whose entries are at most 2 and computed to a few units."""
    n = x.shape[axis]
    matrix = row("dct").evaluate(np.eye(n), kind=kind, type=type, axis=0)
    margin = 64 * UNIT * np.abs(matrix).max(initial=0.0)
    matrix = Interval(*((end)[..., None, None] for end in (matrix - margin, matrix + margin)))
    first = Interval(*(np.moveaxis(end, axis, 0) for end in numbers(x)))
    flat = Interval(*(end.reshape(n, -1, *end.shape[-2:]) for end in first))
    out = _contracted(matrix, flat)
    return Interval(*(np.moveaxis(end.reshape(first.shape), 0, axis) for end in out))


RULES: dict[Primitive, Rule] = {row(name): rule for name, rule in {
    "sum": _sum, "max": _extreme(np.maximum), "min": _extreme(np.minimum), "any": _any_all(np.logical_or),
    "all": _any_all(np.logical_and), "prod": _folded(multiply), "cumsum": _running(add), "cumprod": _running(multiply),
    "logsumexp": _logsumexp, "matmul": _matmul, "einsum": _einsum, "sparse_matmul": _sparse,
    "convolve": _convolve, "entries_product": _entries_product, "sampled_product": _sampled_product, "dct": _transform,
}.items()}
