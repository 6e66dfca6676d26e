"""Branch and bound for the extreme eigenvalues of a Hessian over a box, best first, many boxes at a time.

Certified is the worst bound of the boxes that remain, witnessed the worst value met at a point. Boxes are cut along
the edge whose cutting has gained most, measured on the box itself or its ancestors ("strong branching", Achterberg,
Koch & Martin 2005, Oper. Res. Lett. 33). The tree of cuts covers the box by construction.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import zip_longest
from typing import NamedTuple

import numpy as np

from .claims import Node, claimed
from .cuts import FINEST, cut_points, extents, shortened
from .oracle import Matrix, Vector
from .proof import Leaf, Split
from .verdict import Bound
from .witnesses import Witnesses

BATCH = 256
FAINT = 1e-9        # relative to the largest eigenvalue met: a constant this small is as good as 0 if its sign is known
NOISE = 1e-10       # relative to the eigenvalues at the point: what a negative sample has to exceed to end the search
UNBOUNDED = 1e50    # sampled: such constants are taken for infinite, and not looked for any further
SLOW = 0.95         # of the gaps left: where four times the boxes leave more than this, the search ends
MANY_EDGES = 12     # beyond which the boxes do not suffice to halve each edge
FIRST_LOOK = 8      # boxes after which that is asked for the first time
GROWTH = 4          # largest ratio of boxes of one round to those of the one before, whose time is known
HUGE = 1e150        # the gain of a bound that becomes finite
IDLE = 1e-6         # of the largest gain: an edge that gains less has little to do with the bound, for now
DEEP = {"low": 12, "high": 8}      # halvings, and two more an edge, after which a bound that is still infinite stays so
ENDLESS = 8         # boxes without an upper bound, or of lower bound 0, that are cut in a round: the deepest, they tell
TANGENT = 256       # boxes after which it is asked for the first time whether the least eigenvalue is 0 inside
TANGENT_EDGES = 6   # up to which it is asked
NEAR = (2.0**-16, 2.0**-24)     # of an edge: boxes about a point at which the least eigenvalue seems to be 0
GOALS = ("convex", "constants", "proof")
IDLE_CREDIT = 0.5   # of the mean gain, that such an edge is credited with: none is forgotten
INF = np.inf

Bounds = Callable[[Matrix, Matrix], tuple[Vector, Vector]]
Samples = Callable[[Matrix], tuple[Vector, Vector]]
Misses = Callable[[Matrix, Matrix], np.ndarray]


class Branched(NamedTuple):
    """What was found, on which boxes.

    mu, L : certified on one side, sampled on the other, attained about mu_at, L_at (whole points, None where nothing
    was sampled). tree : cuts and claims. boxes : evaluated. reason : why it ended. lower, upper : (n, k) the boxes that
    were left open, worst first, with their bounds low, high.
    """

    mu: Bound
    L: Bound
    mu_at: Vector | None
    L_at: Vector | None
    tree: Leaf | Split
    boxes: int
    rounds: int
    seconds: float
    reason: str
    lower: Matrix
    upper: Matrix
    low: Vector
    high: Vector


def branch(bounds: Bounds, samples: Samples | None, misses: Misses | None, lower: Vector, upper: Vector,
           variables: tuple[int, ...], *, goal: str, gap: float, maxtime: float, maxboxes: int,
           batch: int = BATCH, known: tuple[float, float] = (INF, -INF),
           nearest: Callable[[Vector], Vector] | None = None) -> Branched:
    """Bounds on the eigenvalues over the box lower, upper (n,), cut along `variables` only; its ends may be infinite.

    bounds(lower, upper), (n, B) each -> enclosures (B,), (B,) of all eigenvalues on each box; samples(x), (n, k) ->
    (λ_min, λ_max) at points; misses(lower, upper) -> (B,) boxes without a point of the domain.
    goal : "convex" ends when λ_min >= 0 is certified, or a sample is negative; "constants" when both ends are known to
    the relative `gap` and the sign of the lower one is certified; "proof" as these, unless a sample is negative. A side
    whose bound stays infinite however small the boxes is given up, and with the lower one the search.
    maxtime : seconds, overrun by one round at most. known : eigenvalues met elsewhere, that need not be improved on.
    nearest(x) -> a point of the domain, to sample at where x is none.
    """
    if goal not in GOALS:
        raise ValueError(f"branch: goal must be one of {', '.join(GOALS)}, got {goal!r}")
    witnesses = Witnesses(bounds, samples, misses, nearest, np.array(lower, float), np.array(upper, float),
                          list(variables))
    return _Search(bounds, misses, witnesses, goal, gap, known).grown(maxtime, maxboxes, batch)


class _Open(NamedTuple):
    """Boxes that may still be cut: node numbers, edges (d, k), inherited bounds, cuts so far, gains by unit of edge."""

    node: np.ndarray
    lower: Matrix
    upper: Matrix
    low: Vector
    high: Vector
    depth: np.ndarray
    rate: Matrix

    def take(self, which: np.ndarray) -> _Open:
        return _Open(*(part[..., which] for part in self))

    def joined(self, other: _Open) -> _Open:
        return _Open(*(np.concatenate([a, b], axis=-1) for a, b in zip(self, other, strict=True)))


class _Search:
    def __init__(self, bounds: Bounds, misses: Misses | None, witnesses: Witnesses, goal: str, gap: float,
                 known: tuple[float, float]):
        self.bounds, self.misses, self.witnesses, self.goal, self.gap = bounds, misses, witnesses, goal, gap
        self.whole = witnesses.edges
        self.nodes: list[Node] = []
        self.settled_low, self.settled_high = np.inf, -np.inf         # over the boxes that are not cut any more
        self.stuck, self.boxes, self.rounds = False, 0, 0
        self.gaps, self.next_look = [INF, INF], FIRST_LOOK
        self.known, self.next_tangent, self.tangent = known, TANGENT, False
        self.flat = False                       # 0 is as good as the lower bound becomes
        self.lost = witnesses.lost              # sides whose bound stays infinite

    def grown(self, maxtime: float, maxboxes: int, batch: int) -> Branched:
        began = time.perf_counter()
        unknown = np.full((len(self.whole[0]), 1), np.nan)
        lower, upper = (end[:, None] for end in self.whole)
        root = _Open(np.zeros(1, int), lower, upper, np.full(1, -INF), np.full(1, INF),
                     np.zeros(1, int), unknown)
        self.open = self._added(root, *self._evaluated(root.lower, root.upper))
        each, room, reason = time.perf_counter() - began, 2, self._finished()
        if not reason:
            self.witnesses.begin()
            reason = self._finished()
        while not reason:
            now, before = time.perf_counter(), self.boxes
            left = began + maxtime - now
            if before >= maxboxes or left <= 0:
                reason = "no more boxes" if before >= maxboxes else "no more time"
                break
            room = max(2, min(batch, GROWTH * room, int(min(left / each, batch)), maxboxes - before))
            self._round(room)
            each = (time.perf_counter() - now) / max(1, self.boxes - before)
            reason = self._finished() or self._in_vain() or self._finished()
        return self._answer(reason, time.perf_counter() - began)

    # --- what is wanted -----------------------------------------------------------------------------------------------

    def _thresholds(self) -> tuple[float, float]:
        """(a, b): boxes with low >= a and high <= b need no further cut."""
        if self.goal == "convex":
            return 0.0, INF
        seen = self.witnesses
        faint, low, high = FAINT * seen.size, min(seen.low, self.known[0]), max(seen.high, self.known[1])
        a = low - max(self.gap * abs(low), faint) if low < INF else INF
        b = high + max(self.gap * abs(high), faint) if -INF < high < INF else high
        a, b = -INF if low < -UNBOUNDED else a, INF if high > UNBOUNDED or self.lost["high"] else b
        return a if seen.negative(NOISE) else 0.0 if self.flat else max(a, 0.0), b

    def _finished(self) -> str:
        """Why nothing is left to do, empty where something is."""
        a, b = self._thresholds()
        done = (self.open.low >= a) & (self.open.high <= b)
        self._settle(self.open.take(done))
        self.open = self.open.take(~done)
        if self.goal != "constants" and self.witnesses.negative(NOISE):
            return "a sample is negative"
        if self.lost["low"] and len(self.open.node):
            return "nothing is known on boxes however small"
        if len(self.open.node):
            return ""
        return "boxes cannot be cut any finer" if self.stuck else "done"

    def _slow(self) -> bool:
        """Whether four times the boxes of the last look have left most of the gaps on both sides."""
        if self.boxes < self.next_look or len(self.whole[0]) <= MANY_EDGES:
            return False
        a, b = self._thresholds()
        gaps = [max(0.0, a - float(np.min(self.open.low))), max(0.0, float(np.max(self.open.high)) - b)]
        before, self.gaps, self.next_look = self.gaps, gaps, 4 * self.boxes
        return all(SLOW * old < new < INF or new == 0 for old, new in zip(before, gaps, strict=True))

    def _in_vain(self) -> str:
        """Why further cuts would not help, empty where they may."""
        for side, bound in (("low", -self.open.low), ("high", self.open.high)):
            deep = self.open.depth >= DEEP[side] + 2 * len(self.whole[0])
            self.lost[side] |= bool((deep & (bound == INF)).any())
        deep = self.open.depth >= DEEP["low"] + 2 * len(self.whole[0])
        self.flat |= bool((deep & (self.open.low == 0)).any())
        if self.lost["low"]:
            return "nothing is known on boxes however small"
        if self.goal != "constants" and self._touches():
            return "the least eigenvalue is 0 inside, which boxes do not see"
        return "further cuts gain too little" if self._slow() else ""

    def _touches(self) -> bool:
        """Whether the least eigenvalue seems to be 0 at a point that boxes, however small, do not show to be so.

        Looked at are the small boxes that have the point as a corner, of two sizes.
        """
        seen, d = self.witnesses, len(self.whole[0])
        faint = seen.low_at is not None and seen.low <= FAINT * seen.size
        if self.boxes < self.next_tangent or d > TANGENT_EDGES or not faint or seen.low_at is None:
            return False
        self.next_tangent = 4 * self.boxes
        low, high = (end[:, None] for end in seen.finite())
        at = shortened(seen.low_at[seen.variables], NEAR[0] * (high - low)[:, 0])[:, None]
        sides = (np.arange(2**d) >> np.arange(d)[:, None]) & 1
        shown = [self._evaluated(np.clip(at - (1 - sides) * size * (high - low), low, high),
                                 np.clip(at + sides * size * (high - low), low, high))[0] for size in NEAR]
        return bool((np.max(shown, axis=0) < 0).any())

    def _settle(self, boxes: _Open) -> None:
        self.settled_low = min(self.settled_low, float(np.min(boxes.low, initial=INF)))
        self.settled_high = max(self.settled_high, float(np.max(boxes.high, initial=-INF)))

    def _chosen(self, room: int) -> np.ndarray:
        """Numbers of open boxes to cut: the worst for λ_min and the worst for λ_max, in turn."""
        a, b = self._thresholds()
        depth, low, high = -self.open.depth, self.open.low, self.open.high
        lows = [i for i in np.lexsort((depth, low))[:room] if low[i] < a]
        lows = lows[:ENDLESS] if lows and low[lows[0]] == 0 else lows
        highs = [i for i in np.lexsort((depth, -high))[:room] if high[i] > b]
        highs = highs[:ENDLESS] if highs and high[highs[0]] == INF else highs
        turns = [i for pair in zip_longest(lows, highs) for i in pair if i is not None]
        return np.array(list(dict.fromkeys(turns))[:room], dtype=int)

    # --- one round ----------------------------------------------------------------------------------------------------

    def _round(self, room: int) -> None:
        """Cut the worst open boxes, up to `room` halves."""
        self.rounds += 1
        chosen = self._chosen(room // 2)
        rest = np.ones(len(self.open.node), bool)
        rest[chosen] = False
        parents, self.open = self.open.take(chosen), self.open.take(rest)
        cuts = self._cuts(parents)
        fine = np.asarray(np.isnan(cuts).all(axis=0))
        if fine.any():
            self.stuck = True
            self._settle(parents.take(fine))
            parents, cuts = parents.take(~fine), cuts[:, ~fine]
        if len(parents.node):
            parents = self._measured(parents, cuts, room)
            self._cut(parents, *self._best(parents, cuts))

    def _cuts(self, boxes: _Open) -> Matrix:
        """(d, k) where each edge would be cut, NaN where it is too short."""
        hints = self.witnesses.places()
        cuts = np.array([cut_points(lower, upper, hints[:, k])
                         for k, (lower, upper) in enumerate(zip(boxes.lower, boxes.upper, strict=True))])
        return np.where(extents(boxes.lower, boxes.upper, self.whole) > FINEST, cuts, np.nan)

    def _measured(self, parents: _Open, cuts: Matrix, room: int) -> _Open:
        """With the gain of cuts never tried in a box or its ancestors, as far as there is room."""
        axis, box = np.nonzero(np.isfinite(cuts) & np.isnan(parents.rate))
        if not len(axis) or 2 * len(axis) > room or len(cuts) == 1:
            return parents
        trial = parents.take(box)
        low, high, _ = self._evaluated(*_halves(trial, axis, cuts[axis, box]))
        rate = parents.rate.copy()
        rate[axis, box] = self._rates(trial, axis, low, high)
        return parents._replace(rate=rate)

    def _rates(self, parents: _Open, axis: np.ndarray, low: Vector, high: Vector) -> Vector:
        """How much better the halves are than the box, on the sides that are still wanted, by unit of the edge cut."""
        a, b = self._thresholds()
        gain = np.zeros(len(axis))
        for before, after, wanted in ((parents.low, low, parents.low < a), (-parents.high, -high, parents.high > b)):
            one, two = np.maximum(np.split(after, 2), before)
            known = np.isfinite(before)
            with np.errstate(all="ignore"):
                better = np.where(known, np.minimum(one, two) - before + 0.5 * np.abs(one - two), 0.0)
            gain += np.where(wanted & known, np.minimum(better, HUGE), 0.0)
            gain += np.where(wanted & ~known, HUGE * (np.isfinite(one) * 1.0 + np.isfinite(two)), 0.0)
        edge = extents(parents.lower, parents.upper, self.whole)[axis, np.arange(len(axis))]
        return gain / np.maximum(edge, FINEST)

    def _best(self, parents: _Open, cuts: Matrix) -> tuple[np.ndarray, Vector]:
        """(axis, place) of the cut that promises most; the longest edge where nothing is known.

        Credited with the mean gain beside their own, edges that gain are cut about as evenly as by bisection, which on
        eight smooth functions took fewer boxes than their own gain alone; edges that gained nothing wait.
        """
        edges = np.where(np.isfinite(cuts), extents(parents.lower, parents.upper, self.whole), -1.0)
        known = np.isfinite(parents.rate)
        top = np.max(np.where(known, parents.rate, 0.0), axis=0)
        rate = np.where(known, parents.rate, top)
        credit = np.where(rate > IDLE * top, 1.0, IDLE_CREDIT) * np.mean(rate, axis=0)
        score = np.where(top > 0, (rate + credit) * edges, edges)
        axis = np.argmax(np.where(edges >= 0, score, -INF), axis=0)
        return axis, cuts[axis, np.arange(len(axis))]

    def _cut(self, parents: _Open, axis: np.ndarray, at: Vector) -> None:
        lower, upper = _halves(parents, axis, at)
        low, high, outside = self._evaluated(lower, upper)
        rate, half = parents.rate.copy(), len(axis)
        rate[axis, np.arange(half)] = self._rates(parents, axis, low, high)
        for k, number in enumerate(parents.node):
            node, first = self.nodes[number], len(self.nodes) + k
            node.axis, node.at, node.halves = int(axis[k]), float(at[k]), (first, first + half)
        pair = np.tile(np.arange(half), 2)
        made = parents.take(pair)._replace(lower=lower, upper=upper, rate=rate[:, pair],
                                           depth=parents.depth[pair] + 1)
        made = self._added(made, low, high, outside)
        self.open = self.open.joined(made)
        a, b = self._thresholds()
        wanted = {"low": (self.open.low < a).any(), "high": (self.open.high > b).any()}
        self.witnesses.look(made.lower, made.upper, tuple(side for side in wanted if wanted[side]))

    def _evaluated(self, lower: Matrix, upper: Matrix) -> tuple[Vector, Vector, np.ndarray]:
        """(low, high, outside) of boxes (d, k)."""
        self.boxes += lower.shape[1]
        full = self.witnesses.full(lower, self.witnesses.lower), self.witnesses.full(upper, self.witnesses.upper)
        outside = np.zeros(lower.shape[1], bool) if self.misses is None else np.asarray(self.misses(*full), bool)
        low, high = np.full(len(outside), INF), np.full(len(outside), -INF)
        if not outside.all():
            low[~outside], high[~outside] = self.bounds(*(end[:, ~outside] for end in full))
        return np.where(np.isnan(low), -INF, low), np.where(np.isnan(high), INF, high), outside

    def _added(self, boxes: _Open, low: Vector, high: Vector, outside: np.ndarray) -> _Open:
        """The boxes as nodes, with inherited bounds where these are better; those that are not outside."""
        numbers = np.arange(len(self.nodes), len(self.nodes) + len(outside))
        low, high = np.maximum(low, boxes.low), np.minimum(high, boxes.high)
        self.nodes += [Node(*entry) for entry in zip(low.tolist(), high.tolist(), outside.tolist(), strict=True)]
        return boxes._replace(node=numbers, low=low, high=high).take(~outside)

    # --- the answer ---------------------------------------------------------------------------------------------------

    def _answer(self, reason: str, seconds: float) -> Branched:
        left = self.open.take(np.argsort(self.open.low, kind="stable"))
        self._settle(left)
        seen = self.witnesses
        low, high = self.settled_low, self.settled_high
        tree, high = claimed(self.nodes, low, INF if self.goal == "convex" else high)
        mu = Bound(low, max(seen.low, low), low > -INF, False)
        L = Bound(min(seen.high, high), high, False, high < INF)
        return Branched(mu, L, seen.low_at, seen.high_at, tree, self.boxes, self.rounds, seconds, reason,
                        seen.full(left.lower, seen.lower), seen.full(left.upper, seen.upper), left.low, left.high)


def _halves(boxes: _Open, axis: np.ndarray, at: Vector) -> tuple[Matrix, Matrix]:
    """(lower, upper), (d, 2k), of the left halves and then the right ones."""
    column = np.arange(len(axis))
    middle_upper, middle_lower = boxes.upper.copy(), boxes.lower.copy()
    middle_upper[axis, column] = middle_lower[axis, column] = at
    return np.concatenate([boxes.lower, middle_lower], axis=1), np.concatenate([middle_upper, boxes.upper], axis=1)
