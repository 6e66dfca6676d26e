"""Second-order structure over boxes: ∇²f = Σ_i J_iᵀ (a_i·∇²φ_i) J_i, one piece for each operation that is not linear.

For a straight-line program v_i = φ_i(inputs), with a_i = ∂f/∂v_i and J_i the Jacobian of the inputs. The adjoints come
from the engine's reverse mode and the Jacobians from its forward mode, both as graphs; all three factors are enclosed
over a box by the one interval interpreter. A piece with a·∇²φ ⪰ 0 on the whole box is positive semidefinite whatever
its Jacobian: disciplined convexity is the case that every piece is. The identity holds at kinks too, φ'' then being
the jump of the slope: along a line, f' jumps by Σ a_i·(jump of φ_i')·(slope of the input), each with one-sided
slopes, which lie in the enclosures of closed boxes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ..derive import adjoint, tangent
from ..graph import Graph, Node, dependents
from ..interpreters.interval import Enclosures, enclose
from ..intervals import Interval, add, point
from ..primitives.elementwise import POSITIVE_OP
from .congruence import at_rows, congruence, labelled, merged, reached
from .prepare import Prepared
from .rows import BREAKS, CURVED, Array, Entries, Piece, is_jump, is_linear, named, one_number

TIGHT = 1e-9              # relative width of a matrix that is as good as known
DIRECTIONS = 64           # that are looked at together, where it is only asked which variables an operation reads


class Block(NamedTuple):
    """Why nothing follows on some boxes: an operation, and in words."""

    node: Node | None
    reason: str


class SecondOrder:
    """The Hessian of a prepared function over boxes.

    curved : the operations that are not linear in x. blocked : why no box can be looked at, or None. facts : what is
    known of x beyond boxes ("symmetric", "positive definite").
    """

    def __init__(self, prepared: Prepared, facts: frozenset[str] = frozenset()):
        self.prepared, self.facts = prepared, facts
        g, self.x, self.f = prepared.graph, prepared.x, prepared.f
        self.n = self.x.size
        self.blocked: Block | None = None
        self.live = g.live((self.f,)) if type(self.f) is Node else []
        self.varying = dependents(self.live, (self.x,))
        self.curved: list[Node] = []
        self.jumps: list[Node] = []
        self._classify()
        self.graph = Graph(g)
        self.graph.outputs = (self.f,)
        self.adjoints: list = []
        self.tangents: dict[Node, object] = {}
        if self.blocked is None and self.varying:
            one = self.graph.share(POSITIVE_OP, (1.0,))         # as a literal it would be folded, with rounding
            gradient, *inner = adjoint(self.graph, [self.x], [self.graph.handle(one)], self.curved)
            self.adjoints = [*inner, gradient]

    @cached_property
    def work(self) -> float:
        """Entries of the Jacobians of all operations over one box, and of the products with their weights."""
        sizes = [1 if isinstance(node.dtype, tuple) else node.size for node in self.varying]
        rows = sum(node.inputs[k].size for node in self.curved for k in self.variable(node))
        return float(self.n * (sum(sizes) + rows))

    def variable(self, node: Node) -> tuple[int, ...]:
        """The numbers of the inputs that depend on x."""
        return tuple(k for k, i in enumerate(node.inputs) if type(i) is Node and i in self.varying)

    def _classify(self) -> None:
        for node in self.live:
            variable = self.variable(node)
            if node is self.x or node not in self.varying or node in self.prepared.graph.guards or _empty(node):
                continue
            if is_jump(node):
                self.jumps.append(node)
            elif not is_linear(node, variable):
                if node.prim not in CURVED and self.blocked is None:
                    self.blocked = Block(node, f"there is no curvature row for {node.prim.name}")
                self.curved.append(node)

    @cached_property
    def seed(self) -> tuple[Node, list]:
        """(the tangent of x, the tangents of what the curved operations read)."""
        wanted = list(dict.fromkeys(node.inputs[k] for node in self.curved for k in self.variable(node)))
        if not wanted:
            return self.x, []
        given, made = tangent(self.graph, [0], wanted)
        self.tangents = dict(zip(wanted, made, strict=True))
        return given[0], made

    def at(self, lower: Array, upper: Array, curvature: bool = True, chosen: Array | None = None) -> Local:
        """Enclosures on boxes; lower, upper : (n, boxes). curvature=False leaves out the Jacobians: signs alone.

        chosen : the variables along which there are to be Jacobians and matrices, all if None.
        """
        box = Interval(*(np.ascontiguousarray(end).reshape(*self.x.shape, 1, -1) for end in (lower, upper)))
        wanted = [self.f, *self.adjoints, *(self._still if curvature else [])]
        local = Local(self, enclose(self.graph, {self.x: box}, wanted), box.lo.shape[-1], np.zeros(0, int))
        return local.towards(np.arange(self.n) if chosen is None else np.asarray(chosen)) if curvature else local

    @cached_property
    def _still(self) -> list[Node]:
        """What the tangents are made of that is the same in all directions."""
        seed, made = self.seed
        live = self.graph.live([m for m in made if type(m) is Node])
        moving = dependents(live, (seed,))
        return list({i: None for node in live if node in moving for i in node.inputs
                     if type(i) is Node and i not in moving})

    def couples(self, lower: Array, upper: Array, labels: Array) -> bool:
        """Whether the Hessian may be other than 0 for two variables of different labels, on the box lower, upper (n,).

        Read from which variables reach the rows of each weight: kinks couple what they read. labels : (n,) >= 0.
        """
        marks: list[Array] = []                     # the label that reaches each row, −1 none, −2 several
        local = self.at(lower[:, None], upper[:, None], chosen=np.zeros(0, int))
        for k in range(0, self.n, DIRECTIONS):
            columns = np.arange(k, min(k + DIRECTIONS, self.n))
            found = [labelled(J, labels[columns]) for J in local.towards(columns).jacobians]
            marks = [merged(a, b) for a, b in zip(marks, found, strict=True)] if marks else found
        for (_, piece), mark in zip(local.pieces, marks, strict=True):
            if piece.entries is None:
                if len(set(mark[mark != -1])) > 1 or (mark == -2).any():
                    return True
                continue
            one, two = mark[piece.entries.p], mark[piece.entries.q]
            if ((one != -1) & (two != -1) & ((one != two) | (one == -2))).any():
                return True
        return False


class Local:
    """What is known of f on each of some boxes."""

    def __init__(self, second: SecondOrder, enclosures: Enclosures, boxes: int, columns: Array):
        self.second, self.enclosures, self.boxes, self.columns = second, enclosures, boxes, columns
        self.still = enclosures                     # of what is the same in all directions

    def towards(self, columns: Array) -> Local:
        """The same boxes with Jacobians along these variables."""
        second, still = self.second, self.still
        if second.curved and len(columns):
            seed, made = second.seed
            directions = np.zeros((second.n, len(columns)))
            directions[columns, np.arange(len(columns))] = 1.0
            start = {seed: point(directions.reshape(*second.x.shape, len(columns), 1))}
            moved = enclose(second.graph, {**still.values, **start}, [m for m in made if type(m) is Node])
            found = Local(second, still._replace(values=moved.values), self.boxes, columns)
        else:
            found = Local(second, still, self.boxes, columns)
        found.still = still
        found.blocks, found.pieces = self.blocks, self.pieces
        return found

    def along(self, chosen: Array) -> Local:
        """The same boxes with some of the columns alone, and the rows of the weights that these reach."""
        part = Local(self.second, self.enclosures, self.boxes, self.columns[chosen])
        part.blocks, part.pieces, part.jacobians = self.blocks, [], []
        for (node, piece), J in zip(self.pieces, self.jacobians, strict=True):
            some = Interval(*(end[:, chosen] for end in J))
            rows = np.flatnonzero(reached(some))
            part.pieces.append((node, at_rows(piece, rows)))
            part.jacobians.append(Interval(*(end[rows] for end in some)))
        return part

    @cached_property
    def blocks(self) -> tuple[Array, list[Block]]:
        """(boxes on which nothing follows, why): undefined, discontinuous, or on more than one path."""
        found, why = np.zeros(self.boxes, bool), []
        primal = set(self.second.live)
        told = [(node, where, "is not defined on all of the box") for node, where in self.enclosures.undefined.items()
                if node in primal]
        told += [(guard, where, "decides which way f goes, and is not settled on the box")
                 for guard, where in self.enclosures.undecided.items()]
        jumps = [(node, ~one_number(node, self.enclosures.values[node])) for node in self.second.jumps]
        jumps += [(node, BREAKS[node.prim](node, self.enclosures)) for node in self.second.curved
                  if node.prim in BREAKS]
        told += [(node, np.broadcast_to(where, self.boxes), "may jump inside the box") for node, where in jumps]
        lo, hi = self.value
        nowhere = np.isnan(lo) | np.isnan(hi) | (lo == np.inf) | (hi == -np.inf)
        if nowhere.any():
            found, why = found | nowhere, [Block(None, "f has no finite value")]
        for node, where, text in told:
            if np.any(where):
                found = found | where
                why.append(Block(node, f"{named(node)} {text}"))
        return found, why

    @cached_property
    def value(self) -> Interval:
        value = self.enclosures.of(self.second.f)
        return Interval(*(np.broadcast_to(end, (1, self.boxes))[0] for end in value))

    @cached_property
    def gradient(self) -> Interval:
        """(n, boxes)"""
        g = self.enclosures.of(self.second.adjoints[-1])
        return Interval(*(np.broadcast_to(np.nan_to_num(end, nan=-np.inf if k == 0 else np.inf, posinf=np.inf,
                                                        neginf=-np.inf), (*self.second.x.shape, 1, self.boxes)
                                          ).reshape(self.second.n, self.boxes) for k, end in enumerate(g)))

    @cached_property
    def pieces(self) -> list[tuple[Node, Piece]]:
        of, second = self.enclosures.of, self.second
        out = []
        for node, a in zip(second.curved, second.adjoints, strict=False):
            with np.errstate(all="ignore"):
                piece = CURVED[node.prim](_whole(of(a)), of(node), *map(of, node.inputs), node=node,
                                          variable=second.variable(node))
            low = np.where(np.isnan(piece.low), -np.inf, piece.low)
            high = np.where(np.isnan(piece.high), np.inf, piece.high)
            out.append((node, Piece(low, high, piece.entries)))
        return out

    @cached_property
    def convex(self) -> Array:
        """Boxes on which every piece is positive semidefinite: f is convex there by construction."""
        return self._signed(lambda piece: piece.low >= 0)

    @cached_property
    def concave(self) -> Array:
        return self._signed(lambda piece: piece.high <= 0)

    def _signed(self, test: Callable[[Piece], Array]) -> Array:
        out = ~self.blocks[0]
        for _, piece in self.pieces:
            out = out & np.all(test(piece), axis=0)
        return out

    @cached_property
    def jacobians(self) -> list[Interval]:
        return [self.jacobian(node) for node, _ in self.pieces]

    def jacobian(self, node: Node) -> Interval:
        """(m, columns, 1 or boxes) of the inputs that depend on x, as `Piece` counts them."""
        second, parts, n = self.second, [], len(self.columns)
        elementwise = node.prim.partials is not None or "elementwise" in node.params
        for k in second.variable(node):
            i = node.inputs[k]
            t = second.tangents[i]
            J = _whole(self.enclosures.of(t)) if t is not None else point(np.zeros((1, 1)))
            shape = node.shape if elementwise else i.shape
            parts.append([np.broadcast_to(end, (*shape, n, end.shape[-1])).reshape(-1, n, end.shape[-1]) for end in J])
        return Interval(*(np.concatenate([np.broadcast_to(p[end], (*p[end].shape[:2], max(q[end].shape[-1]
                          for q in parts))) for p in parts]) for end in (0, 1)))

    def matrices(self, upper: bool) -> list[Interval]:
        """Interval matrices (columns, columns, boxes) with members that bound the Hessian from below (or above).

        One with W by its entries where they are known, one with the diagonals that hold W; in both, pieces that are
        known by their sign alone count as 0.
        """
        with np.errstate(all="ignore"):
            return self._matrices(upper)

    def _matrices(self, upper: bool) -> list[Interval]:
        exact, held = (point(np.zeros((len(self.columns),) * 2 + (self.boxes,))) for _ in range(2))
        for (_, piece), J, whole in zip(self.pieces, self.jacobians, self._wholes, strict=True):
            diagonal = piece.high if upper else piece.low
            helps = (diagonal <= 0 if upper else diagonal >= 0).all(axis=0)
            m = np.arange(len(diagonal))
            bound = congruence(J, Entries(m, m, Interval(diagonal, diagonal)))
            size = np.max(np.maximum(np.abs(bound.lo), np.abs(bound.hi)), axis=(0, 1), initial=0.0)
            held = add(held, _dropped(bound, helps & ~(_width(bound) <= TIGHT * size)))
            part = bound if whole is None else whole
            exact = add(exact, _dropped(part, helps & ~np.isfinite(_width(part))))
        return [exact, held] if any(whole is not None for whole in self._wholes) else [held]

    @cached_property
    def _wholes(self) -> list[Interval | None]:
        """What each piece adds to the Hessian, where W is known by entries."""
        return [None if piece.entries is None else congruence(J, piece.entries)
                for (_, piece), J in zip(self.pieces, self.jacobians, strict=True)]


def _dropped(part: Interval, where: Array) -> Interval:
    return Interval(*(np.where(where, 0.0, end) for end in part)) if where.any() else part


def _empty(node: Node) -> bool:
    """Whether it has no entries: a slice of nothing adds no curvature."""
    return not isinstance(node.dtype, tuple) and node.size == 0


def _width(x: Interval) -> Array:
    """The largest width of (n, n, boxes), a box; inf or NaN where an end is infinite."""
    with np.errstate(invalid="ignore"):
        return np.max(x.hi - x.lo, axis=(0, 1), initial=0.0)


def _whole(x: Interval) -> Interval:
    """NaN ends, where nothing is known, as the whole line."""
    return Interval(np.where(np.isnan(x.lo), -np.inf, x.lo), np.where(np.isnan(x.hi), np.inf, x.hi))
