"""Switches of a function of one variable: where |v|, max, where(…) and comparisons change, and what jumps there.

The line is cut at the roots of the switches' arguments, isolated exactly (polynomials.py); between cuts the program has
no switch. At a cut the value must be shown continuous exactly, and the sign of the slope's jump is decided.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..graph import Graph, Node, exact_graph
from ..intervals import INF, Interval
from ..primitives.elementwise import CAST, F64, MULTIPLY, NEGATIVE, SUBTRACT
from ..simplify import is_literal
from . import polynomials as P
from .body import Body, emitted, stable
from .closed import PLAIN, Form, NotClosed, constant, derivative, in_exponentials, polynomial, subtract
from .closed_rows import CLOSED
from .jets import jets
from .limits import between, certain, in_u, meets, sign_of, value
from .polynomials import Root, X, span

LEFT, RIGHT = Root(-INF, -INF, None), Root(INF, INF, None)
EXTREMES = {"maximum": (0, 1), "fmax": (0, 1), "minimum": (1, 0), "fmin": (1, 0)}     # which argument is taken: v >= w
ORDERS = {"less": ({-1}, 2), "less_equal": ({-1, 0}, 2), "greater": ({1}, 2), "greater_equal": ({0, 1}, 2),
          "equal": ({0}, 2), "not_equal": ({-1, 1}, 2)}
TRUTHS: dict[str, Callable[..., bool]] = {
    "logical_and": lambda a, b: a and b, "logical_or": lambda a, b: a or b, "logical_not": lambda a: not a,
    "logical_xor": lambda a, b: bool(a) != bool(b)}
SWITCHES = {*EXTREMES, *ORDERS, *TRUTHS, "absolute", "fabs", "sign", "heaviside", "huber", "isnan", "isinf",
            "isfinite"}
STEPS = {*ORDERS, *TRUTHS, "sign", "heaviside", "where", "isnan", "isinf", "isfinite", "floor", "ceil", "trunc", "rint"}
MOST = 32           # cuts


class Smooth(NamedTuple):
    """The program between two cuts, its closed form, None where it has none, and what its switches were decided by."""

    lo: Root
    hi: Root
    graph: Graph
    form: Form | None
    asked: tuple[Node, ...] = ()


class Kink(NamedTuple):
    """A cut at which something jumps: the value (JUMP, by `size` if known), or the slope, upwards (1), downwards (−1),
    or not known (0)."""

    at: Root
    sign: int | str
    size: float = float("nan")


JUMP = "jump"


class _Cut(Exception):
    """A switch changes at these roots inside the interval looked at."""


def pieces(graph: Graph, constants: tuple) -> tuple[list[Smooth], list[Kink]]:
    """The program cut at its switches. Raises NotClosed where a switch's roots are not found exactly."""
    todo, done = [(LEFT, RIGHT)], []
    while todo:
        lo, hi = todo.pop()
        try:
            done.append(_resolved(graph, constants, lo, hi))
        except _Cut as cut:
            ends = [lo, *cut.args[0], hi]
            todo += list(zip(ends, ends[1:], strict=False))[::-1]
            if len(todo) + len(done) > MOST:
                raise NotClosed from None
    done.sort(key=lambda piece: piece.lo.lo)
    kinks = [kink for left, right in zip(done, done[1:], strict=False)
             if (kink := _kink(left, right, _resolved(graph, constants, left.hi, left.hi))) is not None]
    return done, kinks


def _resolved(graph: Graph, constants: tuple, lo: Root, hi: Root) -> Smooth:
    """The program on (lo, hi), or at a cut lo = hi, without its switches."""
    g = exact_graph()
    image: dict = {i: g.input(i.shape, i.dtype) for i in graph.inputs}
    image.update(zip(graph.inputs[1:], [c.item() if hasattr(c, "item") else c for c in constants], strict=True))
    g.inputs = g.inputs[:1]
    forms: dict[Node, Form | None] = {g.inputs[0]: {PLAIN: X}}

    def form(item) -> Form:
        if type(item) is not Node:
            return constant(item)
        if item not in forms:
            forms[item] = _form(item, form)
        found = forms[item]
        if found is None:
            raise NotClosed
        return found

    asked: dict[Any, dict[Node, None]] = {}
    for node in graph.live(graph.outputs, keep_guards=False):
        if node not in image:
            inputs = tuple([image[i] if type(i) is Node else i for i in node.inputs])
            made = image[node] = _step(g, node, inputs, form, lo, hi)
            kept = node.inputs
            if node.prim.name == "where":
                kept = kept[0], kept[1 if _truth(inputs[0], form, lo, hi) else 2]
            asked[node] = _asked(node.prim.name, inputs, kept, asked)
            if type(made) is Node and made not in forms:
                forms[made] = _form(made, form)
    result, = graph.outputs
    output = image[result] if type(result) is Node else result
    g.outputs = (output,)
    try:
        return Smooth(lo, hi, g, form(output), tuple(asked.get(result, ())))
    except NotClosed:
        return Smooth(lo, hi, g, None, tuple(asked.get(result, ())))


def _asked(name: str, inputs: tuple, kept: tuple, asked: dict[Any, dict[Node, None]]) -> dict[Node, None]:
    """The arguments of switches that must be defined for what is made of a node: its own, and those of the inputs that
    are kept, not of the branch that is dropped."""
    own = inputs if name in SWITCHES else inputs[:1] if name == "where" else ()
    out = {i: None for i in own if type(i) is Node}
    for i in kept:
        out |= asked.get(i, {}) if type(i) is Node else {}
    return out


def _form(node: Node, form) -> Form | None:
    rule = CLOSED.get(node.prim.name) if node.prim is not CAST or node.dtype == F64 else None
    try:
        return None if rule is None else rule(*[form(i) for i in node.inputs])
    except (NotClosed, OverflowError, ZeroDivisionError):
        return None


def _step(g: Graph, node: Node, inputs: tuple, form, lo: Root, hi: Root):
    """A node without its switch: the branch that is taken."""
    name = node.prim.name
    if name in EXTREMES:
        sign = _decided(subtract(form(inputs[0]), form(inputs[1])), lo, hi)
        return inputs[EXTREMES[name][0] if sign >= 0 else EXTREMES[name][1]]
    if name in ("absolute", "fabs"):
        return inputs[0] if _decided(form(inputs[0]), lo, hi) >= 0 else g.emit(NEGATIVE, inputs)
    if name in ORDERS:
        return bool(_decided(subtract(form(inputs[0]), form(inputs[1])), lo, hi) in ORDERS[name][0])
    if name in ("sign", "heaviside"):
        sign = _decided(form(inputs[0]), lo, hi)
        return float(sign) if name == "sign" else inputs[1] if sign == 0 else float(sign > 0)
    if name in TRUTHS:
        return bool(TRUTHS[name](*[_truth(i, form, lo, hi) for i in inputs]))
    if name == "where":
        return inputs[1] if _truth(inputs[0], form, lo, hi) else inputs[2]
    if name == "huber":
        return _huber(g, inputs, form, lo, hi)
    if name in ("isnan", "isinf", "isfinite"):
        return bool(node.prim.evaluate(inputs[0])) if is_literal(inputs[0]) else name == "isfinite"
    if name == "astype" and is_literal(inputs[0]):
        return float(inputs[0]) if np.dtype(node.params["dtype"]).kind == "f" else bool(inputs[0])
    if any(isinstance(i, bool) for i in inputs):
        inputs = tuple([float(i) if isinstance(i, bool) else i for i in inputs])
    if all(is_literal(i) for i in inputs) and name not in ("add", "subtract", "multiply"):
        return g.share(node.prim, inputs, node.params)
    return emitted(g, node.prim, inputs, node.params)


def _truth(item, form, lo: Root, hi: Root) -> bool:
    return bool(item) if is_literal(item) else _decided(form(item), lo, hi) != 0


def _huber(g: Graph, inputs: tuple, form, lo: Root, hi: Root):
    """r²/2 up to |r| = δ, then δ(|r| − δ/2)."""
    d, r = inputs
    if not is_literal(d) or d < 0:
        raise NotClosed
    size = r if _decided(form(r), lo, hi) >= 0 else g.emit(NEGATIVE, (r,))
    if _decided(subtract(form(size), form(d)), lo, hi) <= 0:
        return g.emit(MULTIPLY, (0.5, g.emit(MULTIPLY, (r, r))))
    return g.emit(MULTIPLY, (d, g.emit(SUBTRACT, (size, 0.5 * d))))


def _decided(form: Form, lo: Root, hi: Root) -> int:
    """The sign of a form on (lo, hi), or at the cut lo = hi. Raises _Cut with the roots inside."""
    if not form:
        return 0
    if len(form) > 1:
        form, = in_exponentials(form)
    if len(form) != 1:
        raise NotClosed
    (kernel, top), = form.items()
    if kernel.log is not None:
        raise NotClosed
    roots = P.distinct(r for b in (top, *(b for b, _ in kernel.powers)) for r in in_u(kernel.scale, P.roots(b)))
    if lo is hi:
        if any(P.same(r, lo) for r in roots):
            return 0
        if any(r.lo <= lo.hi and r.hi >= lo.lo for r in roots):
            raise NotClosed
        inside = P.Fraction(lo.lo) if lo.exact is None else lo.exact
    else:
        found = [r for r in roots if not P.same(r, lo) and not P.same(r, hi) and r.hi > lo.lo and r.lo < hi.hi]
        if any(r.lo <= lo.hi or r.hi >= hi.lo for r in found):
            raise NotClosed                          # as near to a cut as floats tell apart
        if any(a.hi >= b.lo for a, b in zip(found, found[1:], strict=False)):
            raise NotClosed
        if found:
            raise _Cut(found)
        middle = between(lo, hi)
        if middle is None:
            raise NotClosed
        inside = middle
    sign = sign_of(kernel, top, inside)
    if sign is None:
        raise NotClosed
    return sign


def _kink(left: Smooth, right: Smooth, at: Smooth) -> Kink | None:
    """What jumps between two pieces."""
    cut = left.hi
    if left.form is None or right.form is None or at.form is None:
        return _kink_of_programs(left, right, at)
    gap = subtract(right.form, left.form)
    if not vanishes(gap, cut) or not vanishes(subtract(at.form, left.form), cut):
        return Kink(cut, JUMP, max((_size(form, cut) for form in (gap, subtract(at.form, left.form))), key=abs))
    slope = derivative(gap)
    if not slope or vanishes(slope, cut):
        return None
    return Kink(cut, sign_at(slope, cut))


def _size(form: Form, cut: Root) -> float:
    """How much a form is at a cut, about."""
    p = polynomial(form)
    if p is not None and cut.exact is not None:
        return float(P.value(p, cut.exact))
    found = value(form, span(cut.lo, cut.hi))
    return float(0.5 * found.lo + 0.5 * found.hi)


def _kink_of_programs(left: Smooth, right: Smooth, at: Smooth) -> Kink | None:
    """The same by enclosures at the cut, where there is no closed form."""
    if Body(left.graph) == Body(right.graph) == Body(at.graph):
        return None
    x = Interval(np.array([left.hi.lo]), np.array([left.hi.hi]))
    a, b, c = (jets(stable(piece.graph), (), x) for piece in (left, right, at))
    values = [p[0] for p in (a, b, c)]
    if any(v is None or np.any(v.lo != v.hi) for v in values) or not values[0].lo == values[1].lo == values[2].lo:
        return Kink(left.hi, JUMP)
    low, high = (p[1] if p[1] is not None else Interval(np.zeros(1), np.zeros(1)) for p in (a, b))
    if high.lo >= low.hi:
        return Kink(left.hi, 1)
    return Kink(left.hi, -1 if high.hi <= low.lo else 0)


def vanishes(form: Form, at: Root) -> bool:
    """Whether a form is certainly 0 at a cut."""
    if not form:
        return True
    if len(form) == 1:
        (kernel, top), = form.items()
        if kernel.log is None and certain(top, kernel, at) and not any(
                meets(b, kernel, at) for b, _ in kernel.powers):
            return True
    if at.lo != at.hi:
        return False
    found = value(form, span(at.lo, at.hi))
    return bool(found.lo == 0 == found.hi)


def sign_at(form: Form, at: Root) -> int:
    """The sign of a form at a cut; 0 where it is not known."""
    if len(form) == 1:
        (kernel, top), = form.items()
        if kernel.log is None and not any(meets(b, kernel, at) for b in (top, *(b for b, _ in kernel.powers))):
            exact = at.exact if at.exact is not None else P.Fraction(at.lo)
            return sign_of(kernel, top, exact) or 0
    found = value(form, span(at.lo, at.hi))
    return 1 if found.lo > 0 else -1 if found.hi < 0 else 0
