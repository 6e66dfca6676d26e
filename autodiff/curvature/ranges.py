"""Ranges of the derivatives of a function of one variable over many intervals at once.

Piece by piece: of a closed form by its profile, exactly; else by jets over parts of the interval (sweep.py), with
mean-value forms, and by the ends where the next derivative has one sign.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..graph import Graph, Node
from ..interpreters import interval
from ..intervals import INF, Interval, point
from ..primitive import PRIMITIVES
from .body import stable
from .closed import Form, NotClosed, derivative
from .jets import derivative_range, jets
from .pieces import JUMP, LEFT, RIGHT, STEPS, Kink, Smooth, pieces
from .profile import Profile
from .sweep import Critical, Oracle, limited, swept

FEW_INTERVALS, REMEMBERED = 16, 1000
UNSOLVED = NotClosed, ArithmeticError, ValueError, RecursionError      # what the exact forms may end in


class Ranges:
    """Of a program (inputs u, constants) with one value of its constants, or None: those come with each interval."""

    def __init__(self, graph: Graph, constants: tuple | None):
        self.constants: tuple | None = ()
        try:
            if constants is None:
                raise NotClosed
            self.pieces, self.kinks = pieces(graph, constants)
        except UNSOLVED:
            self.pieces, self.kinks, self.constants = [Smooth(LEFT, RIGHT, graph, None)], [], constants
        self.arguments: dict[Graph, Ranges] = {}
        self.known: dict[tuple, Interval] = {}
        self.stable: dict[int, Graph] = {}
        self.profiles: dict[tuple[int, int], Profile | None] = {}
        self.critical: dict[int, Critical | tuple[float, float]] = {}
        self.conditions = [_conditions(piece.graph, piece.asked) for piece in self.pieces]
        self.steps = [_steps(piece.graph) for piece in self.pieces]

    def range(self, x: Interval, order: int, given: tuple = ()) -> Interval:
        """`_range`, remembered for few intervals: equal entries, and boxes that differ in other unknowns, are many."""
        if given or x.lo.size > FEW_INTERVALS:
            return self._range(x, order, given)
        key = order, x.lo.tobytes(), x.hi.tobytes()
        if key not in self.known:
            if len(self.known) > REMEMBERED:
                self.known.clear()
            self.known[key] = self._range(x, order, given)
        return self.known[key]

    def _range(self, x: Interval, order: int, given: tuple) -> Interval:
        """An enclosure of φ⁽ᵏ⁾ over intervals x (N,): one-sided slopes, kinks as ±∞; NaN where nothing is defined.

        given : the constants of each interval (N,), where they differ.
        """
        lo, hi = np.full(x.shape, np.nan), np.full(x.shape, np.nan)
        for number, piece in enumerate(self.pieces):
            met = (x.lo <= piece.hi.hi) & (x.hi >= piece.lo.lo)
            if not met.any():
                continue
            part = Interval(np.maximum(x.lo, piece.lo.lo)[met], np.minimum(x.hi, piece.hi.hi)[met])
            found = self._smooth(number, part, order, tuple(c[met] for c in given))
            lo[met], hi[met] = np.fmin(lo[met], found.lo), np.fmax(hi[met], found.hi)
        for kink in self.kinks:
            met = (x.lo <= kink.at.hi) & (x.hi >= kink.at.lo)
            below, above = _added(kink, order)
            lo, hi = np.where(met & below, -INF, lo), np.where(met & above, INF, hi)
        return Interval(lo, hi)

    def _smooth(self, number: int, x: Interval, order: int, given: tuple) -> Interval:
        profile = self._profile(number, order)
        if profile is not None:
            try:
                return profile.range(x)
            except (OverflowError, ZeroDivisionError):
                self.profiles[number, order] = None
        oracle = self._oracle(number, given)
        if not given and order == 2 and x.lo.size and np.isfinite(x.lo).all() and np.isfinite(x.hi).all():
            critical = self._critical(number, oracle, x)
            if critical is not None and critical.known:
                return critical.range(x)
        return swept(oracle, x, order)

    def _critical(self, number: int, oracle: Oracle, x: Interval) -> Critical | None:
        """Where the third derivative vanishes, isolated once the second is asked for again, or on many intervals."""
        held = self.critical.get(number)
        lo, hi = float(x.lo.min()), float(x.hi.max())
        if held is None and x.lo.size <= FEW_INTERVALS:
            self.critical[number] = (lo, hi)
            return None
        if isinstance(held, Critical):
            if held.holds(x):
                return held
            held = held.lo, held.hi
        held = held or (lo, hi)
        made = self.critical[number] = Critical(oracle, 2, min(lo, held[0]), max(hi, held[1]))
        return made

    def _oracle(self, number: int, given: tuple) -> Oracle:
        graph = self.stable.get(number)
        if graph is None:
            graph = self.stable[number] = stable(self.pieces[number].graph)

        def oracle(part: Interval, orders: tuple[int, ...], rows: np.ndarray) -> list[Interval]:
            known = {k: other.range(part) for k in orders if (other := self._profile(number, k)) is not None}
            missing = [k for k in orders if k not in known]
            if missing:
                constants = tuple(point(c[rows][:, None]) for c in given) or tuple(
                    point(np.asarray(c)) for c in self.constants or ())
                jet = jets(graph, constants, part)
                known.update((k, derivative_range(jet, k, part.shape)) for k in missing)
            return [limited(known[k]) for k in orders]
        return oracle

    def _profile(self, number: int, order: int) -> Profile | None:
        if (number, order) not in self.profiles:
            form = self.pieces[number].form
            self.profiles[number, order] = None if form is None else _profile(form, order)
        return self.profiles[number, order]

    def sign(self, x: Interval) -> np.ndarray:
        """The strict sign on all of each interval where a closed form tells, else 0."""
        profile = self._profile(0, 0) if len(self.pieces) == 1 else None
        return np.zeros(x.shape, int) if profile is None else profile.sign(x)

    def defined(self, x: Interval, given: tuple = ()) -> np.ndarray:
        """Whether the program is defined on all of each interval."""
        out = np.ones(x.shape, bool)
        for piece, conditions in zip(self.pieces, self.conditions, strict=True):
            met = (x.lo <= piece.hi.hi) & (x.hi >= piece.lo.lo)
            if not met.any() or not conditions:
                continue
            part = Interval(np.maximum(x.lo, piece.lo.lo)[met], np.minimum(x.hi, piece.hi.hi)[met])
            for argument, test in conditions:
                out[met] &= test(self._argument(argument), part, tuple(c[met] for c in given))
        return out

    def _argument(self, graph: Graph) -> Ranges:
        if graph not in self.arguments:
            self.arguments[graph] = Ranges(graph, self.constants)
        return self.arguments[graph]

    def jumps(self, x: Interval, given: tuple = ()) -> np.ndarray:
        """Whether the program may jump somewhere on each interval: at a cut, or where a step is not one number."""
        out = np.zeros(x.shape, bool)
        for kink in self.kinks:
            if kink.sign == JUMP:
                out |= (x.lo <= kink.at.hi) & (x.hi >= kink.at.lo)
        for piece, steps in zip(self.pieces, self.steps, strict=True):
            met = (x.lo <= piece.hi.hi) & (x.hi >= piece.lo.lo)
            if not steps or not met.any():
                continue
            part = Interval(np.maximum(x.lo, piece.lo.lo)[met], np.minimum(x.hi, piece.hi.hi)[met])
            for step in steps:
                value = self._argument(step).range(part, 0, tuple(c[met] for c in given))
                out[met] |= ~(value.lo == value.hi)
        return out


def _added(kink: Kink, order: int) -> tuple[bool, bool]:
    """Whether a kink adds −∞, +∞ to the order-th derivative."""
    if order == 0:
        return False, False
    if kink.sign == JUMP or order > 2:
        return True, True
    return (False, False) if order == 1 else (kink.sign != 1, kink.sign != -1)


def _profile(form: Form, order: int) -> Profile | None:
    try:
        for _ in range(order):
            form = derivative(form)
        return Profile(form)
    except UNSOLVED:
        return None


# --- where a program is defined ---------------------------------------------------------------------------------------

HALF_LINE: dict[str, tuple[float, float, bool, bool]] = {     # name -> (from, to, from itself, to itself)
    "log": (0.0, INF, False, True), "log2": (0.0, INF, False, True), "log10": (0.0, INF, False, True),
    "log1p": (-1.0, INF, False, True), "special_log1p": (-1.0, INF, False, True), "sqrt": (0.0, INF, True, True),
    "arcsin": (-1.0, 1.0, True, True), "arccos": (-1.0, 1.0, True, True), "arctanh": (-1.0, 1.0, False, False),
    "arccosh": (1.0, INF, True, True), "logit": (0.0, 1.0, False, False), "entr": (0.0, INF, True, True)}


def _sub(graph: Graph, node: Node) -> Graph:
    out = Graph(graph)
    out.outputs = (node,)
    return out


def _within(low: float, high: float, with_low: bool, with_high: bool):
    def test(argument: Ranges, x: Interval, given: tuple) -> np.ndarray:
        found = argument.range(x, 0, given)
        good = (found.lo >= low if with_low else found.lo > low) & (found.hi <= high if with_high else found.hi < high)
        if low == 0 and high == INF and not with_low:
            good = good | (argument.sign(x) > 0)
        return good
    return test


def _nowhere(argument: Ranges, x: Interval, given: tuple) -> np.ndarray:
    return np.zeros(x.shape, bool)


def _not_zero(argument: Ranges, x: Interval, given: tuple) -> np.ndarray:
    found = argument.range(x, 0, given)
    return (found.lo > 0) | (found.hi < 0) | (argument.sign(x) != 0)


def _steps(graph: Graph) -> list[Graph]:
    """The steps that are left in a program; of a choice what it is decided by."""
    live = graph.live(graph.outputs, keep_guards=False)
    found = [n.inputs[0] if n.prim.name == "where" else n for n in live if n.prim.name in STEPS]
    return [_sub(graph, n) for n in dict.fromkeys(found) if type(n) is Node]


def _whole_line(argument: Ranges, x: Interval, given: tuple) -> np.ndarray:
    """Whether the tangent of the argument has no pole."""
    found = argument.range(x, 0, given)
    return np.asarray(interval.DOMAINS[PRIMITIVES["tan"]](found))


def _conditions(graph: Graph, asked: tuple[Node, ...] = ()) -> list[tuple[Graph, Callable]]:
    """What must hold where the program, and what its switches were decided by, is defined."""
    out: list[tuple[Graph, Callable]] = []
    for node in graph.live((*graph.outputs, *asked), keep_guards=False):
        name = node.prim.name
        if name in HALF_LINE and type(node.inputs[0]) is Node:
            out.append((_sub(graph, node.inputs[0]), _within(*HALF_LINE[name])))
        elif name in ("divide", "reciprocal") and type(node.inputs[-1]) is Node:
            out.append((_sub(graph, node.inputs[-1]), _not_zero))
        elif name in ("power", "float_power") and type(node.inputs[0]) is Node:
            p = node.inputs[1]
            if type(p) is Node or p % 1:
                positive = type(p) is Node or p < 0
                out.append((_sub(graph, node.inputs[0]), _within(0.0, INF, not positive, True)))
            elif p < 0:
                out.append((_sub(graph, node.inputs[0]), _not_zero))
        elif name == "pseudo_huber":
            d, r = node.inputs
            scale = _sub(graph, d) if type(d) is Node else _sub(graph, r) if type(r) is Node and d <= 0 else None
            if scale is not None:
                out.append((scale, _within(0.0, INF, False, True) if type(d) is Node else _nowhere))
        elif name == "tan":
            out.append((_sub(graph, node.inputs[0]), _whole_line))
        elif name == "xlog1py" and type(node.inputs[1]) is Node:
            out.append((_sub(graph, node.inputs[1]), _within(-1.0, INF, False, True)))
        elif name in ("xlogy", "rel_entr", "kl_div", "gammaln", "loggamma", "psi", "digamma"):
            for k, i in enumerate(node.inputs):
                if type(i) is Node and (k or len(node.inputs) == 1 or name != "xlogy"):
                    closed_end = k == 0 and len(node.inputs) == 2
                    out.append((_sub(graph, i), _within(0.0, INF, closed_end, True)))
    return out
