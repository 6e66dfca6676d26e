"""f(Σ wᵢxᵢ) ≤ Σ wᵢf(xᵢ) for finitely many points, and f(E X) ≤ E f(X) for laws with a density, by quadrature."""

from __future__ import annotations

import itertools

import numpy as np

from ..oracle import Matrix, Vector
from ..search import Row, Search

LARGEST = 8        # points of one combination
PUSHED = 3
NODES = 16         # of a Gauss–Legendre rule on a segment; 4 a coordinate in a box of up to 3 dimensions
SHAPES = ((0, 0), (1, 0), (0, 1), (2, 2), (6, 1))   # exponents of the densities t^a (1−t)^b


class _Worst:
    """The laws met: their gaps f(mean) − Σ wᵢf(xᵢ), and whether one was above rounding."""

    def __init__(self, search: Search):
        self.search, self.gap, self.violated, self.trials = search, -np.inf, False, 0

    def add(self, X: Matrix, w: Vector) -> float:
        """The gap of one law relative to its size; where it is above rounding, look for a segment that shows why."""
        value = self.search.oracle.value
        f, mean = np.array([value(x) for x in X]), self.search.region.project(w @ X)
        fz = value(mean)
        gap, size = float(fz - w @ f), float(abs(fz) + w @ np.abs(f))
        if not np.isfinite(gap):
            return -np.inf
        self.trials, self.gap = self.trials + 1, max(self.gap, gap)
        if gap > self.search.doubt(2 * size):
            self.violated = True
            _merge(self.search, X, w, f)
        return gap / (size + np.finfo(float).tiny)


def _merge(search: Search, X: Matrix, w: Vector, f: Vector) -> None:
    """Join the points two by two into their means: at one join at least, f lies above the chord. Look there."""
    points = list(zip(w, X, f, strict=True))
    joins: list[tuple] = []
    while len(points) > 1:
        (a, x, fx), (b, y, fy) = points.pop(), points.pop()
        z = search.region.project((a * x + b * y) / (a + b))
        fz = search.oracle.value(z)
        joins.append((fz - (a * fx + b * fy) / (a + b), len(joins), x, y))
        points.append((a + b, z, fz))
    for gap, _, x, y in sorted(joins, reverse=True)[:3]:
        if gap > 0 and search.scan(x, y - x):
            return


def jensen(search: Search) -> Row:
    """Dirichlet weights on 3 to 8 uniform points; then points pushed to the largest gap."""
    share = search.start(0.15)
    worst, laws = _Worst(search), []
    for _ in range(int(np.clip(share // 16, 10, 400))):
        k = int(search.rng.integers(3, LARGEST + 1))
        X, w = search.region.sample(k, search.rng), search.rng.dirichlet(np.ones(k))
        laws.append((worst.add(X, w), X, w))
        if search.refuted or not search.afford():
            break
    count, pushed = worst.trials, 0
    for _, X, w in sorted(laws, key=lambda law: -law[0])[:PUSHED]:
        if search.refuted or not (search.oracle.exact and search.afford()):
            break
        start = np.concatenate([search.scaled(x) for x in X])
        z = search.descend(lambda z, w=w: mean_rise(search, z, w), start, start.size)  # type: ignore[misc]
        worst.add(np.array([search.place(u) for u in np.split(z, w.size)]), w)
        pushed += 1
    return Row("jensen", search.outcome(worst.violated), "largest f(mean) - mean of f", worst.gap, count, pushed)


def mean_rise(search: Search, z: Vector, w: Vector) -> tuple[float, Vector]:
    """Σ wᵢf(xᵢ) − f(Σ wᵢxᵢ) and its gradient in scaled coordinates z = (x₁, …, x_k)."""
    X = np.array([search.place(u) for u in np.split(z, w.size)])
    pairs = [search.oracle.value_and_grad(x) for x in X]
    fm, gm = search.oracle.value_and_grad(search.region.project(w @ X))
    rise = float(sum(a * f for a, (f, _) in zip(w, pairs, strict=True)) - fm)
    return rise, np.concatenate([a * search.scale * (g - gm) for a, (_, g) in zip(w, pairs, strict=True)])


def jensen_integral(search: Search) -> Row:
    """Gauss–Legendre: densities t^a(1−t)^b on random segments, uniform laws on random boxes of up to 3 dimensions."""
    share = search.start(0.15)
    worst = _Worst(search)
    for k in range(int(np.clip(share // 20, 10, 300))):
        boxed = k % 4 == 3 and search.oracle.n <= 3 and search.Z is None
        worst.add(*(_box_law(search) if boxed else _segment_law(search, SHAPES[k % len(SHAPES)])))
        if search.refuted or not search.afford():
            break
    return Row("jensen integral", search.outcome(worst.violated), "largest f(E X) - E f(X)", worst.gap, worst.trials, 0)


def _segment_law(search: Search, exponents: tuple[int, int]) -> tuple[Matrix, Vector]:
    """Nodes and weights of a density t^a (1−t)^b on a segment between two uniform points."""
    t, w = np.polynomial.legendre.leggauss(NODES)
    t = (1 + t) / 2
    w = w * t ** exponents[0] * (1 - t) ** exponents[1]
    x, y = search.region.sample(2, search.rng)
    return x + t[:, None] * (y - x), w / w.sum()


def _box_law(search: Search) -> tuple[Matrix, Vector]:
    """Nodes and weights of the uniform law on a box between two uniform points, those inside the region."""
    t, w = np.polynomial.legendre.leggauss(4)
    x, y = search.region.sample(2, search.rng)
    T = np.array(list(itertools.product((1 + t) / 2, repeat=x.size)))
    W = np.array([np.prod(c) for c in itertools.product(w, repeat=x.size)])
    X = x + T * (y - x)
    inside = np.array([search.region.contains(p) for p in X])
    return (X[inside], W[inside] / W[inside].sum()) if inside.any() else _segment_law(search, (0, 0))
