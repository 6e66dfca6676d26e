"""Check a proof again, without what found it: no search, no structure, no eigenvalue solver.

Trusted are the recording of f, the interval interpreter with its curvature rows, and the few lines below: f is recorded
anew and compared with the proof's hash; the boxes cover the domain because they are cuts of it; on each, the Hessian's
enclosure less the claimed bound must be positive semidefinite, by the signs of its pieces, by rational elimination, or
by diagonal dominance in some basis, computed in intervals; many unknowns by a Cholesky factorisation with room for its
rounding. A box of few unknowns where that does not do is halved, a few times.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import islice, product
from typing import Any, NamedTuple

import numpy as np

from autodiff.curvature.prepare import graph_hash, prepare
from autodiff.curvature.second import Local, SecondOrder
from autodiff.intervals import Interval, add, divide, multiply, point, subtract, total, up

from .domains import Region
from .proof import Cover, Leaf, Proof, matmul
from .prove import covering_box
from .verdict import Verdict

BATCH = 64
DEPTH = 8            # halvings of a box before a claim counts as not shown
PENDING = 32         # boxes left of a batch after halvings, with which it does too
SMALL = 16           # unknowns up to which bases are tried and boxes are halved
VERTICES = 8         # unknowns up to which all extreme matrices are looked at
ROUNDS = 6           # of the power method, for a norm
RATIONAL = 12        # size up to which matrices without width are decided by exact elimination


class Verified(NamedTuple):
    """ok : whether every claim was shown again. boxes : looked at. reason : the first that was not."""

    ok: bool
    boxes: int
    reason: str

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        return f"verified on {self.boxes} box{'es' * (self.boxes != 1)}" if self.ok else f"NOT verified: {self.reason}"


def verify(proof: Proof, f: Callable[[Any], Any], domain: Region) -> Verified:
    """Whether the proof holds for f on the domain. Costs about what one look at each box costs.

    Raises ValueError where the proof is of an undecided question.
    """
    if not proof.proved:
        raise ValueError(f"verify: the proof says {proof.verdict.name}; there is nothing to verify")
    with np.errstate(all="ignore"):
        return _verified(proof, f, domain)


def _verified(proof: Proof, f: Callable[[Any], Any], domain: Region) -> Verified:
    sign = -1.0 if "CONCAVE" in proof.verdict.name else 1.0
    prepared = prepare(lambda x: sign * f(domain.unravel(x)), np.array(domain.center), domain.facts)
    if graph_hash(prepared.recording) != proof.graph:
        return Verified(False, 0, "f is recorded otherwise than when it was proved: other code, data or arguments")
    lower, upper = covering_box(domain)
    if not ((proof.lower <= lower) & (upper <= proof.upper)).all():
        return Verified(False, 0, f"the domain reaches beyond what the proof covers, {domain.label}")
    second = SecondOrder(prepared, domain.facts)
    if second.blocked is not None:
        return Verified(False, 0, second.blocked.reason)
    bounds = (-proof.L.upper, -proof.mu.lower) if sign < 0 else (proof.mu.lower, proof.L.upper)
    covered = sorted(i for cover in proof.covers for i in cover.variables)
    if covered != list(range(prepared.n)):
        return Verified(False, 0, "the covers do not name every variable once")
    if proof.weight and domain.equations is None:
        return Verified(False, 0, "the proof is for a domain with equations, and this one has none")
    lift = _lift(proof.weight, domain, prepared.n)
    if len(proof.covers) > 1 and second.couples(proof.lower, proof.upper, _labels(proof)):
        return Verified(False, 0, "the covers are apart in variables that f couples")
    covers, done = _at_once(second, domain, proof, bounds, lift)
    for cover in covers:
        boxes, reason = _cover(second, domain, proof, cover, bounds, lift)
        done += boxes
        if reason:
            return Verified(False, done, reason)
    strong = proof.verdict in (Verdict.PROVED_STRONGLY_CONVEX, Verdict.PROVED_STRONGLY_CONCAVE)
    if proof.verdict is Verdict.PROVED_AFFINE and bounds != (0.0, 0.0):
        return Verified(False, done, "an affine function has mu = L = 0")
    if bounds[0] < 0 or strong and not bounds[0] > 0:
        return Verified(False, done, f"mu >= {bounds[0]:.3g} does not imply {proof.verdict.name}")
    return Verified(True, done, "")


def _lift(t: float, domain: Region, n: int) -> Interval:
    """t AᵀA, the Hessian of t/2 ‖Ax − b‖², which is 0 on a domain where A x = b."""
    if not t or domain.equations is None:
        return point(np.zeros((n, n)))
    A = domain.equations[0]
    return multiply(point(t), matmul(point(A.T), point(A)))


def _labels(proof: Proof) -> np.ndarray:
    """The number of each variable's cover."""
    labels = np.zeros(len(proof.lower), int)
    for k, cover in enumerate(proof.covers):
        labels[list(cover.variables)] = k
    return labels


def _at_once(second: SecondOrder, domain: Region, proof: Proof, bounds: tuple,
             lift: Interval) -> tuple[list[Cover], int]:
    """(covers that are left to be looked at, boxes): those without a cut share one look at the whole box."""
    left, whole = [], [cover for cover in proof.covers if isinstance(cover.tree, Leaf)]
    if len(whole) < 2:
        return list(proof.covers), 0
    lower, upper = proof.lower[:, None], proof.upper[:, None]
    local = second.at(lower, upper, chosen=np.zeros(0, int))
    for k in range(0, len(whole), BATCH):
        some = whole[k : k + BATCH]
        directed = local.towards(np.array([i for cover in some for i in cover.variables]))
        ends = np.cumsum([len(cover.variables) for cover in some])
        for cover, end in zip(some, ends.tolist(), strict=True):
            part = directed.along(np.arange(end - len(cover.variables), end))
            leaf = cover.tree
            if not isinstance(leaf, Leaf) or leaf.outside or not (leaf.low >= bounds[0] and leaf.high <= bounds[1]) \
                    or _weak(part, 0, bounds, lift, _matrices(part, bounds)):
                left.append(cover)
    return left + [cover for cover in proof.covers if not isinstance(cover.tree, Leaf)], 1


def _cover(second: SecondOrder, domain: Region, proof: Proof, cover: Cover, bounds: tuple,
           lift: Interval) -> tuple[int, str]:
    """(boxes looked at, why a leaf is not shown or "")."""
    leaves, chosen, done = cover.leaves(proof.lower, proof.upper), np.array(cover.variables), 0
    while batch := list(islice(leaves, BATCH)):
        if any(not leaf.outside and not (leaf.low >= bounds[0] and leaf.high <= bounds[1]) for *_, leaf in batch):
            return done, "a box claims less than the proof does"
        lower, upper = (np.stack([leaf[k] for leaf in batch], axis=1) for k in (0, 1))
        outside = np.array([leaf.outside for *_, leaf in batch])
        for _ in range(1 + DEPTH * (len(chosen) <= SMALL)):
            done += lower.shape[1]
            shown, reason = _shown_on(second, domain, lower, upper, outside, chosen, bounds, lift)
            if shown.all():
                break
            if (~shown).sum() > PENDING:
                return done, f"on the box {lower[:, ~shown][:, 0]} to {upper[:, ~shown][:, 0]}: {reason}"
            lower, upper, outside = _cut(lower[:, ~shown], upper[:, ~shown], outside[~shown], chosen)
        else:
            return done, f"on the box {lower[:, 0]} to {upper[:, 0]}: {reason}"
    return done, ""


def _cut(lower: np.ndarray, upper: np.ndarray, outside: np.ndarray, chosen: np.ndarray) -> tuple:
    """Both halves of each box, cut across its longest edge among the chosen ones."""
    with np.errstate(all="ignore"):
        axis = chosen[np.argmax((upper - lower)[chosen], axis=0)]
        b = np.arange(lower.shape[1])
        middle = 0.5 * lower[axis, b] + 0.5 * upper[axis, b]
    middle = np.clip(np.where(np.isnan(middle), 0.0, middle), *np.nan_to_num([lower[axis, b], upper[axis, b]]))
    first, second = upper.copy(), lower.copy()
    first[axis, b] = second[axis, b] = middle
    return np.hstack([lower, second]), np.hstack([first, upper]), np.tile(outside, 2)


def _shown_on(second: SecondOrder, domain: Region, lower: np.ndarray, upper: np.ndarray, outside: np.ndarray,
              chosen: np.ndarray, bounds: tuple, lift: Interval) -> tuple[np.ndarray, str]:
    """On which boxes the bounds are shown (or the domain has no point), and why not on the first other one."""
    signs_do = bounds == (0.0, np.inf) and len(chosen) == second.n and not np.any(lift.hi)
    local = second.at(lower, upper, curvature=not signs_do, chosen=chosen)
    local = local if signs_do else local.along(np.arange(len(chosen)))
    matrices = _matrices(local, bounds)
    (blocked, why), shown, reason = local.blocks, domain.misses(lower, upper), ""
    for b in np.flatnonzero(~shown).tolist():
        if outside[b] or blocked[b]:
            reason = reason or ("the domain has points there" if outside[b] else why[0].reason)
            continue
        weak = _weak(local, b, bounds, lift, matrices)
        shown[b] = not weak
        reason = reason or (f"a bound of {weak[0]:.6g} on the eigenvalues could not be shown again" if weak else "")
    return shown, reason


def _matrices(local: Local, bounds: tuple) -> list[list[Interval]]:
    """For each side those that bound the Hessian, none where a side claims nothing, or 0 by the signs everywhere."""
    signs = local.convex.all(), local.concave.all()
    return [[] if abs(claim) == np.inf or claim == 0 and sign else local.matrices(side)
            for side, claim, sign in zip((False, True), bounds, signs, strict=True)]


def _weak(local: Local, b: int, bounds: tuple, lift: Interval, matrices: list[list[Interval]]) -> list[float]:
    """The bounds that are not shown on box b, along the local's variables; none where f is not known to be smooth."""
    if local.blocks[0][b]:
        return list(bounds)
    lifted = bool(np.any(lift.hi))
    signs = local.convex[b], local.concave[b] and not lifted
    return [claim for side, claim in enumerate(bounds) if not (
        claim == (np.inf if side else -np.inf) or claim == 0 and signs[side]
        or any(_shown(M, b, local.columns, claim, bool(side), lift) for M in matrices[side]))]


def _shown(M: Interval, b: int, chosen: np.ndarray, claim: float, upper: bool, lift: Interval) -> bool:
    lo, hi = add(Interval(*(end[..., b] for end in M)), Interval(*(end[np.ix_(chosen, chosen)] for end in lift)))
    return at_least(-hi, -lo, -claim) if upper else at_least(lo, hi, claim)


def at_least(lo: np.ndarray, hi: np.ndarray, claim: float) -> bool:
    """Whether every symmetric matrix between lo and hi has eigenvalues >= claim.

    The diagonal counts with its lower ends, so that these need to be finite; with NaN nothing is shown.
    """
    n = len(lo)
    lo, hi = np.maximum(lo, lo.T), np.minimum(hi, hi.T)
    hi = np.where(np.eye(n, dtype=bool), lo, hi)
    if not (np.isfinite(lo).all() and np.isfinite(hi).all()):
        return False
    if (lo == hi).all() and n <= RATIONAL:
        return _exactly(lo, claim)
    if _factorised(lo, hi, claim):
        return True
    if n > SMALL:
        return False
    middle, eye = 0.5 * lo + 0.5 * hi, np.eye(n)
    scale = np.ldexp(1.0, -(np.frexp(np.maximum(np.diag(middle) - claim, 1e-300))[1] // 2))
    scaled = np.linalg.eigh(scale[:, None] * (middle - claim * eye) * scale)[1]
    bases = ((np.linalg.eigh(middle)[1], np.ones(n)), (eye, np.ones(n)), (scaled, scale))     # guesses: any will do
    if any(_dominant(lo, hi, claim, Q, d) for Q, d in bases):
        return True
    return n <= VERTICES and all(_single(vertex, claim) for vertex in _vertices(lo, hi))


def _single(matrix: np.ndarray, claim: float) -> bool:
    return _factorised(matrix, matrix, claim) or _exactly(matrix, claim)


def _vertices(lo: np.ndarray, hi: np.ndarray) -> Iterator[np.ndarray]:
    """The matrices among which the least eigenvalue is smallest, one a choice of signs. Hertz 1992, IEEE TAC 37."""
    for signs in product((1, -1), repeat=len(lo) - 1):
        z = np.array((1, *signs))
        yield np.where(np.outer(z, z) > 0, lo, hi)


def _factorised(lo: np.ndarray, hi: np.ndarray, claim: float) -> bool:
    """The middle less (claim + ‖radius‖)·I has a Cholesky factor, with room for its rounding. Rump 2006, BIT 46."""
    n, unit, middle = len(lo), 2.0**-53, 0.5 * lo + 0.5 * hi
    width = _norm(up(np.maximum(hi - middle, middle - lo)))
    A = middle - (claim + width) * np.eye(n)
    slack = 4 * unit * (float(np.max(np.abs(middle))) + abs(claim) + width)          # of the subtraction
    room = 2 * (n + 1) * unit * float(np.sum(np.abs(np.diag(A)))) + 2 * slack + 1e-290
    try:
        np.linalg.cholesky(A - 2 * room * np.eye(n))
    except np.linalg.LinAlgError:
        return False
    return True


def _norm(R: np.ndarray) -> float:
    """Above ‖R‖ of symmetric R >= 0: max (R v)_i/v_i for any v > 0 (Collatz 1942), here of the power method."""
    v, bound = np.ones(len(R)), np.inf
    for _ in range(ROUNDS if R.any() else 1):
        w = total(multiply(point(R), point(v)), (1,), False).hi
        bound = min(bound, float(np.max(divide(point(w), point(v)).hi)))
        v = np.maximum(w / max(np.max(w), 1e-300), 1e-3)
    return bound


def _dominant(lo: np.ndarray, hi: np.ndarray, claim: float, Q: np.ndarray, scale: np.ndarray) -> bool:
    """QᵀDMDQ, with D = diag(scale), powers of 2, has N v >= 0 for some v > 0, for M of lo to hi less claim·I.

    N : the diagonal less the sizes beside it. As Q has full rank, M ⪰ 0 then.
    """
    n, eye = len(lo), np.eye(len(lo))
    M = multiply(subtract(Interval(lo, hi), point(claim * eye)), point(np.outer(scale, scale)))
    turned = matmul(matmul(point(Q.T), M), point(Q))
    size = np.where(eye, 0.0, np.maximum(np.abs(turned.lo), np.abs(turned.hi)))
    diagonal = np.diag(turned.lo)
    guess = np.abs(np.linalg.eigh(np.diag(diagonal) - np.maximum(size, size.T))[1][:, 0])
    gram = matmul(point(Q.T), point(Q))
    defect = np.maximum(np.abs(gram.lo - eye), np.abs(gram.hi - eye))
    full = np.max(np.sum(defect, axis=1)) < 0.5
    return bool(full and any(
        (multiply(point(diagonal), point(v)).lo >= total(multiply(point(size), point(v)), (1,), False).hi).all()
        for v in (np.ones(n), np.maximum(guess, 1e-6))))


def _exactly(matrix: np.ndarray, claim: float) -> bool:
    """matrix − claim·I ⪰ 0 by symmetric elimination in rational numbers."""
    A = [[Fraction(float(v)) for v in row] for row in matrix]
    for i in range(len(A)):
        A[i][i] -= Fraction(float(claim))
    for k in range(len(A)):
        if A[k][k] < 0 or A[k][k] == 0 and any(A[k][j] for j in range(k + 1, len(A))):
            return False
        if A[k][k] == 0:
            continue
        for i in range(k + 1, len(A)):
            ratio = A[i][k] / A[k][k]
            for j in range(k + 1, len(A)):
                A[i][j] -= ratio * A[k][j]
    return True
