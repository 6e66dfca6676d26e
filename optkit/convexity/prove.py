"""Prove f convex, concave or affine on a domain, with certified constants: by construction, then by boxes.

The Hessian's enclosure (autodiff.curvature) shows convexity by the signs of its pieces, or by bounds on eigenvalues;
branch and bound sharpens both, block of variables by block. What is proved holds for f in real arithmetic with the
constants as the floats they are; rounding inside f is not part of it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from autodiff import TraceError
from autodiff.curvature.prepare import Prepared, graph_hash, prepare
from autodiff.curvature.second import Block, SecondOrder
from autodiff.graph import GUARD
from autodiff.interpreters.interval import NoRule
from autodiff.intervals import multiply, point

from .bounds import Eigenvalues
from .branch import branch
from .domains import Region
from .faithful import doubt
from .proof import Cover, Leaf, Proof, Step, located, matmul
from .steps import shortened
from .structure import blocks
from .tree import tree_of, worst_step
from .verdict import Bound, Verdict

MAXTIME = 10.0
GAP = 0.05                    # between the certified and the witnessed constant, at which the search for it ends
ROOM = 4e-12                  # relative, an unknown: by how much claims stay behind what was computed
LARGE = 300                   # unknowns of a block above which boxes are not cut
BOXES, HOPELESS = 100_000, 1_000   # that are looked at, the latter where f seems to be undefined or to jump somewhere
MOST = 4e6                    # entries of all Jacobians over one box, along the variables of one block
SEPARABLE = 2e8               # along all variables, up to which blocks are looked for
MANY = 12                     # unknowns beyond which constants of a function that is known to be convex are
SHARPENING = 1.0              # sharpened for this many seconds at most
BY_CONSTRUCTION = "by construction, every operation adds curvature >= 0"
NOTHING = (math.inf, -math.inf)
REASONS = {                   # why the search ended, as told: what is known, what would decide
    "a sample is negative": ("the Hessian has a negative eigenvalue at a point", "falsify, which looks for a segment "
                             "on which f is not convex; or a smaller domain"),
    "the least eigenvalue is 0 inside, which boxes do not see": (
        "the least eigenvalue is about 0 inside the domain, and no box around that point shows its sign",
        "a way to write it that shows the sign, such as a sum of squares or powers"),
    "nothing is known on boxes however small": (
        "somewhere no bound on the curvature is known on boxes however small", "a domain without that place, or "
        "another way to write it"),
    "further cuts gain too little": ("boxes do not show it in this many dimensions", "fewer unknowns or a smaller "
                                     "domain")}
SIGNS = {"convex": 1.0, "strongly convex": 1.0, "concave": -1.0, "strongly concave": -1.0, "affine": 1.0}


def prove(f: Callable[[Any], Any], domain: Region, property: str = "convex", *, maxtime: float = MAXTIME,
          constants: bool = True) -> Proof:
    """A Proof that f has the property on the domain, or one whose verdict is UNDECIDED and says why.

    property : "convex", "strongly convex", "concave", "strongly concave" or "affine". constants : whether mu and L are
    sharpened once the property is shown. maxtime : seconds, overrun by one round of boxes.
    Raises TypeError or ValueError on wrong arguments, and whatever f raises at the centre of the domain.
    """
    if property not in SIGNS:
        raise ValueError(f"prove: property must be one of {', '.join(SIGNS)}, got {property!r}")
    if not isinstance(domain, Region):
        raise TypeError(f"prove: domain must be a region such as Box(-2, 2, shape=10), got {domain!r:.60}")
    with np.errstate(all="ignore"):
        return Prover(f, domain, property, time.perf_counter(), maxtime, constants).proof()


class Prover:
    """One attempt. sign : −1 proves −f convex where f is to be concave."""

    def __init__(self, f: Callable[[Any], Any], domain: Region, property: str, began: float, maxtime: float,
                 constants: bool):
        self.domain, self.property, self.began, self.constants = domain, property, began, constants
        self.until, self.sign = began + maxtime, SIGNS[property]
        self.f = lambda x: self.sign * f(domain.unravel(x))
        self.lower, self.upper = covering_box(domain)
        self.weight, self.added, self.cut_short = 0.0, "", False
        self.goal, self.ended = "constants", ""  # of the search, and why it ended
        self.mu_at: np.ndarray | None = None     # where the least and the greatest eigenvalue were met
        self.L_at: np.ndarray | None = None

    def proof(self) -> Proof:
        try:
            prepared = prepare(self.f, np.array(self.domain.center), self.domain.facts)
        except TraceError as error:
            return self._undecided("", f"f cannot be recorded: {str(error).splitlines()[0]}",
                                   "write f in NumPy operations that can be traced")
        self.hash = graph_hash(prepared.recording)
        try:
            proof = self._attempt(prepared)
        except NoRule as error:
            return self._blocked(prepared, Block(error.node, str(error)))
        why = doubt(self.f, prepared, self.domain) if proof.proved else ""
        return self._undecided(self.hash, why, "an f that depends on its argument alone") if why else proof

    def _attempt(self, prepared: Prepared) -> Proof:
        self.second = SecondOrder(prepared, self.domain.facts)
        if self.second.blocked is not None:
            return self._blocked(prepared, self.second.blocked)
        whole = self.second.at(self.lower[:, None], self.upper[:, None], curvature=False)
        found, why = whole.blocks
        tree = tree_of(whole)
        if not found[0] and not self.second.curved:
            return self._done("affine", Bound(0.0, 0.0, True, True), Bound(0.0, 0.0, True, True), "no operation that "
                              "depends on x is curved", tree, (Cover(self.every, Leaf(0.0, 0.0)),), 1)
        if whole.convex[0] and not (self.constants and self._affordable()):
            return self._done("convex", Bound(0.0, np.inf, True), Bound(), BY_CONSTRUCTION, tree,
                              (Cover(self.every, Leaf(0.0, np.inf)),), 1)
        if not self._affordable():
            return self._undecided(self.hash, "not every operation adds curvature >= 0, and the Jacobians are too "
                                   "large for bounds on eigenvalues", "fewer unknowns", tree, worst_step(tree))
        covers, boxes, mu, L = self._bounded(settled=bool(whole.convex[0]), hopeless=bool(found[0]))
        if whole.convex[0] or mu.lower >= 0:
            how = BY_CONSTRUCTION if whole.convex[0] else \
                f"by bounds on the Hessian's eigenvalues on {boxes} box" + "es" * (boxes > 1)
            return self._done("convex", mu, L, how + self.added, tree, covers, boxes)
        if found[0] and why:
            return self._blocked(prepared, why[0], tree, boxes)
        reason, decides = REASONS.get(self.ended, ("no bound on the boxes shows it", "a smaller domain, or more time"))
        return self._undecided(self.hash, reason, decides, tree, worst_step(tree), boxes)

    # --- bounds -------------------------------------------------------------------------------------------------------

    @property
    def every(self) -> tuple[int, ...]:
        return tuple(range(self.second.n))

    @cached_property
    def parts(self) -> list[tuple[int, ...]]:
        """Blocks of variables, as far as the enclosures see them."""
        parts = blocks(self.second)
        labels = np.zeros(self.second.n, int)
        for k, variables in enumerate(parts):
            labels[list(variables)] = k
        return [self.every] if len(parts) > 1 and self.second.couples(self.lower, self.upper, labels) else parts

    def _affordable(self) -> bool:
        """Whether the Jacobians along one block fit; finding the blocks takes values alone."""
        work = self.second.work
        return work <= MOST or work <= SEPARABLE and work * max(map(len, self.parts)) / self.second.n <= MOST

    def _bounded(self, settled: bool, hopeless: bool) -> tuple[tuple[Cover, ...], int, Bound, Bound]:
        """Covers with their claims, how many boxes, and the constants they certify.

        settled : f is known to be convex. hopeless : somewhere f is undefined or jumps, as far as can be told.
        """
        if self.domain.equations is not None and not settled:
            return self._on_the_hull()
        self.goal = "constants" if settled else "proof" if self.constants else "convex"
        most, parts = HOPELESS if hopeless else BOXES, self.parts
        look = Eigenvalues(self.second, None, self.until)
        if len(parts) == 1:
            cover, boxes, mu, L = self._branched(look, parts[0], self.until - time.perf_counter(), most, NOTHING)
            return (cover,), boxes, mu, L
        return self._by_blocks(look, parts, most)

    def _by_blocks(self, look: Eigenvalues, parts: list[tuple[int, ...]],
                   most: int) -> tuple[tuple[Cover, ...], int, Bound, Bound]:
        """All blocks on the whole box first; only those are cut that decide mu or L."""
        points = self._points(3)
        roots = look.of_blocks(self.lower, self.upper, points, parts)
        least, greatest = np.nanmin([*roots.least, np.inf]), np.nanmax([*roots.most, -np.inf])
        if np.isnan(roots.most).any():
            greatest = np.inf                   # a kink at a point, or not defined there
        a, b = least - GAP * abs(least), greatest + GAP * abs(greatest)
        enough = (roots.low >= min(max(a, 0.0), least)) & (roots.high <= b)
        mu = Bound(float(np.min(roots.low[enough], initial=np.inf)), np.inf, True, True)
        L = Bound(-np.inf, float(np.max(roots.high[enough], initial=-np.inf)), True, True)
        covers, boxes = [Cover(parts[k], Leaf(float(roots.low[k]), float(roots.high[k])))
                         for k in np.flatnonzero(enough)], len(parts)
        if np.isfinite(least):
            k, j = np.nanargmin(roots.least), np.nanargmax(roots.most)
            self.mu_at, self.L_at = points[:, roots.low_at[k]], points[:, roots.high_at[j]]
            mu = Bound(mu.lower, float(max(least, mu.lower)), True, False)
            L = Bound(float(np.nanmax(roots.most)), L.upper, False, True)
        left = [k for k in np.argsort(roots.low, kind="stable") if not enough[k]]
        for number, k in enumerate(left):
            seconds = max(0.0, self.until - time.perf_counter()) / (len(left) - number)
            met = self.mu_at, self.L_at
            cover, part, one, two = self._branched(look, parts[k], seconds, most, (mu.upper, max(L.lower, greatest)))
            self.mu_at = self.mu_at if one.upper < mu.upper else met[0]
            self.L_at = self.L_at if two.lower > L.lower else met[1]
            covers.append(cover)
            boxes, mu, L = boxes + part, _least(mu, one), _most(L, two)
            if self.goal != "constants" and one.lower < 0:
                break                           # nothing is proved any more
        return tuple(covers), boxes, *roomy(mu, L, max(map(len, parts)))

    def _points(self, k: int) -> np.ndarray:
        """(n, k) the centre and points of the domain around it, to sample at."""
        rng = np.random.default_rng(0)
        return np.stack([self.domain.center, *self.domain.sample(k - 1, rng)], axis=1)

    def _branched(self, look: Eigenvalues, variables: tuple[int, ...], seconds: float, most: int,
                  known: tuple[float, float]) -> tuple[Cover, int, Bound, Bound]:
        chosen = np.array(variables)
        seconds = min(seconds, SHARPENING) if len(variables) > MANY and self.goal == "constants" else seconds
        found = branch(lambda lower, upper: look.on_boxes(lower, upper, chosen), lambda x: look.at_points(x, chosen),
                       self.domain.misses, self.lower, self.upper, variables, goal=self.goal, gap=GAP,
                       maxtime=seconds, maxboxes=most if len(variables) <= LARGE else 1, known=known,
                       nearest=self.domain.project)
        self.cut_short |= found.reason == "no more time"
        self.ended = found.reason
        self.mu_at, self.L_at = found.mu_at, found.L_at
        return Cover(variables, found.tree), found.boxes, *roomy(found.mu, found.L, len(variables))

    def _on_the_hull(self) -> tuple[tuple[Cover, ...], int, Bound, Bound]:
        """Where A x = b, f + t/2 ‖Ax − b‖² is f: bounds on the eigenvalues of ∇²f + t AᵀA, at a few t (Finsler)."""
        A = self.domain.equations[0] if self.domain.equations else np.zeros((0, self.second.n))
        gram = matmul(point(A.T), point(A))
        whole = self.second.at(self.lower[:, None], self.upper[:, None]).matrices(False)[0]
        size = np.nan_to_num(np.max(np.abs([whole.lo, whole.hi])), posinf=1.0) / max(1e-300, np.max(gram.hi))
        best, self.goal = None, "proof" if self.constants else "convex"
        for t in (0.0, *(2.0 ** round(math.log2(max(size, 1e-300))) * np.array([1.0, 16.0, 256.0]))):
            look = Eigenvalues(self.second, multiply(point(t), gram) if t else None, self.until)
            found = self._branched(look, self.every, max(0.1, self.until - time.perf_counter()) / 4, HOPELESS, NOTHING)
            if best is None or found[2].lower > best[0][2].lower:
                best, at = (found, float(t)), self.mu_at
            if found[2].lower >= 0:
                break
        assert best is not None
        (cover, boxes, mu, L), self.weight = best
        self.mu_at = at
        self.added = f", with {self.weight:g}/2 ‖Ax − b‖² added, which is 0 on the domain" if self.weight else ""
        return (cover,), boxes, mu, L if self.weight == 0 else Bound()

    # --- verdicts -----------------------------------------------------------------------------------------------------

    def _done(self, shown: str, mu: Bound, L: Bound, how: str, tree: Step | None, covers: tuple, boxes: int) -> Proof:
        return self._proof(_verdict(shown, self.property, mu), mu, L, how, tree, covers, boxes)

    def _undecided(self, graph: str, why: str, decides: str, tree: Step | None = None, hindrance: Step | None = None,
                   boxes: int = 0) -> Proof:
        self.hash = graph
        return self._proof(Verdict.UNDECIDED, Bound(), Bound(), "", tree, (), boxes, why, decides, hindrance)

    def _blocked(self, prepared: Prepared, block: Block, tree: Step | None = None, boxes: int = 0) -> Proof:
        line = shortened(located(prepared.graph.sites.get(block.node))) if block.node is not None else ""
        decides = "np.where, np.maximum or np.minimum in its place; or a domain on which it goes one way" \
            if block.node is not None and block.node.prim is GUARD else \
            "a domain on which it does not happen, or another way to write it"
        return self._undecided(self.hash, block.reason + (f" ({line})" if line else ""), decides, tree, None, boxes)

    def _proof(self, verdict: Verdict, mu: Bound, L: Bound, how: str, tree: Step | None, covers: tuple, boxes: int,
               undecided: str = "", decides: str = "", hindrance: Step | None = None) -> Proof:
        proof = Proof(self.property, verdict, mu, L, how, tree, covers, self.lower, self.upper, self.hash,
                      self.domain.set_label, undecided, decides, hindrance, boxes, time.perf_counter() - self.began,
                      self.weight, self.cut_short and not verdict.proved, "f", self.mu_at, self.L_at)
        return proof if self.sign > 0 else proof.negated(verdict, self.property)


def covering_box(domain: Region) -> tuple[np.ndarray, np.ndarray]:
    """The box of all of the domain's points; an end that is not a member gives way to the next float64."""
    (lower, upper), (above, below) = domain.outer, domain.open_ends
    return (np.where(above & np.isfinite(lower), np.nextafter(lower, np.inf), lower),
            np.where(below & np.isfinite(upper), np.nextafter(upper, -np.inf), upper))


def _verdict(shown: str, asked: str, mu: Bound) -> Verdict:
    shape = "CONCAVE" if "concave" in asked else "CONVEX"
    if shown == "affine" and asked == "affine":
        return Verdict.PROVED_AFFINE
    if asked == "affine":
        return Verdict.UNDECIDED
    if mu.lower > 0:
        return Verdict[f"PROVED_STRONGLY_{shape}"]
    return Verdict.UNDECIDED if asked.startswith("strongly") else Verdict[f"PROVED_{shape}"]


def roomy(mu: Bound, L: Bound, n: int) -> tuple[Bound, Bound]:
    """The bounds with room for another method's rounding to show them again; a sign that is known stays known."""
    room = ROOM * n * max(abs(mu.lower), abs(L.upper), 0.0)
    if not math.isfinite(room):
        room = ROOM * n * (abs(mu.lower) if math.isfinite(mu.lower) else 0.0)
    lower = mu.lower - room if abs(mu.lower) > 2 * room else mu.lower
    upper = L.upper + room if abs(L.upper) > 2 * room else L.upper
    return replace(mu, lower=lower), replace(L, upper=upper)


def _least(a: Bound, b: Bound) -> Bound:
    return Bound(min(a.lower, b.lower), min(a.upper, b.upper), a.certified_lower and b.certified_lower,
                 a.certified_upper and b.certified_upper)


def _most(a: Bound, b: Bound) -> Bound:
    return Bound(max(a.lower, b.lower), max(a.upper, b.upper), a.certified_lower and b.certified_lower,
                 a.certified_upper and b.certified_upper)
