"""Taylor mode: the coefficients of every node along x(t) = Σ x_k tᵏ, to any order in one run of recurrences.

Linear rows act on each coefficient, products by Cauchy's formula, quotients and solves by its inverse. Any other row
goes by its own derivative: y' = D, the row's tangent along x' written in traced operations, hence y_k = D_{k−1}/k,
where D's operations are series one order behind. So each primitive's one derivative rule gives all orders, in O(K²)
products. Griewank & Walther 2008, Evaluating Derivatives, ch. 13. As t is real, complex nodes need nothing more.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from ..graph import INPUT, Graph, Node
from ..primitive import Primitive, Tracer, bind, shape_of
from ..primitives.contraction import MATMUL
from ..primitives.determinants import DET
from ..primitives.elementwise import DIVIDE, FLOAT_POWER, MULTIPLY, POWER, SCALE, SQUARE
from ..primitives.linalg import INV, ITEM, SOLVE, trace_product
from ..primitives.shape import broadcast_to
from .evaluate import apply
from .forward import forward


def taylor(graph: Graph, point: dict, directions: dict, outputs: Sequence, order: int, keep_guards: bool) -> list:
    """Coefficients 0 … order of each output, None where zero, along point + t·directions (dicts by input node)."""
    run = _Run(graph, point, directions)
    run.enter(graph.live(outputs, keep_guards), 0)
    for number in range(1, order + 1):
        run.round(number)
    return [[run.coefficient(o, k) for k in range(order + 1)] for o in outputs]


class _Run:
    """The series of all nodes, grown by one coefficient a round. A node that enters in round `lag` (as a part of some
    D) stays that much behind: in round r it gets coefficient r − lag. `steps` has the moving nodes in an order in which
    each finds what it needs: what D reads of its own row is from the round before."""

    def __init__(self, graph: Graph, point: dict, directions: dict):
        self.graph, self.directions = graph, directions
        self.known: dict[Node, object] = {n: _plain(v) for n, v in point.items()}      # coefficient 0
        self.series: dict[Node, list] = {}           # moving nodes: coefficients so far
        self.steps: list[tuple[Node, int, Callable]] = []
        self.rates: dict[Node, Node] = {}            # x -> x', as an input of the graph
        self.source: dict[Node, Node] = {}           # x' -> x
        self.rate_of: dict[Node, object] = {}        # row -> D
        self.own_rate: dict[Node, Callable] = {}     # row -> what writes D, where it is not the row's derivative

    def coefficient(self, x, k: int):
        """Coefficient k of a node or constant; None is zero."""
        if type(x) is not Node:
            return x if k == 0 else None
        if x in self.series:
            return self.series[x][k]
        return self.known[x] if k == 0 else None

    def moving(self, node: Node) -> list[int]:
        return [i for i, x in enumerate(node.inputs) if type(x) is Node and x in self.series]

    def enter(self, nodes: Iterable[Node], lag: int) -> None:
        """Evaluate new nodes at order 0 and give the moving ones their rule."""
        for node in nodes:
            if node in self.source:
                value, rule = self._rate_coefficient(node, 0), _Run._rate_coefficient
            elif node.prim is INPUT:
                value, rule = self.known[node], _Run._given if node in self.directions else None
            else:
                value = _plain(apply(node, self.known))
                rule = self._rule(node) if self.moving(node) else None
            self.known[node] = value if value is not None else _zeros(node)
            if rule is not None:
                self.series[node] = [value]
                self.steps.append((node, lag, rule))

    def round(self, number: int) -> None:
        """One more coefficient of every moving node; rows that go by their rate write it in the round they need it."""
        steps, self.steps = self.steps, []
        for node, lag, rule in steps:
            if rule is _by_rate and lag == number - 1:
                self._write_rate(node, number)
            value = rule(self, node, number - lag)
            if value is not None and type(value) is not tuple and shape_of(value) != node.shape:
                value = broadcast_to(value, node.shape)
            self.series[node].append(_plain(value))
            self.steps.append((node, lag, rule))

    def _given(self, node: Node, k: int):
        return self.directions[node] if k == 1 else None

    def _rate_coefficient(self, node: Node, k: int):
        value = self.coefficient(self.source[node], k + 1)
        return None if value is None else value * (k + 1) if k else value

    def _write_rate(self, node: Node, lag: int) -> None:
        """Append D, the node's tangent along the rates of its inputs; its parts enter now."""
        g, fresh, tangents = self.graph, [], {}
        for x in dict.fromkeys(node.inputs[i] for i in self.moving(node)):
            if x not in self.rates:
                self.rates[x] = rate = g.append(INPUT, (), {"rate": len(g.nodes)}, x.shape, x.dtype)
                self.source[rate] = x
                fresh.append(rate)
            tangents[x] = g.handle(self.rates[x])
        if node in self.own_rate:
            made = self.own_rate[node](g.handle(node), *[tangents[x] for x in node.inputs])
        else:
            made = forward(g, [node], tangents).get(node)
        self.rate_of[node] = tuple(map(g.bare, made)) if type(made) is tuple else g.bare(made)
        parts = self.rate_of[node] if type(made) is tuple else (self.rate_of[node],)
        new = g.live(parts, keep_guards=False, given=self.known)
        self.enter([*fresh, *[n for n in new if n not in self.known and n not in fresh]], lag)

    def _rule(self, node: Node) -> Callable:
        prim, moving = node.prim, self.moving(node)
        special = RULES.get(prim)
        if special is not None:
            rule = special(self, node)
            if rule is not None:
                return rule
        if prim.partials is not None:
            return self._elementwise(node)
        if prim.transpose is not None and (prim.jvp is None or all(prim.transpose[i] for i in moving)):
            return _multilinear if prim.multilinear and len(moving) > 1 else _linear
        return _by_rate

    def _elementwise(self, node: Node) -> Callable:
        """A row whose partials are numbers is linear; one that has none is constant."""
        g = self.graph
        inputs, out = [g.handle(x) for x in node.inputs], g.handle(node)
        rules = {i: node.prim.partials[i] for i in self.moving(node) if node.prim.partials[i] is not None}
        partials = {i: rule(out, *inputs) for i, rule in rules.items()}
        if all(type(p) is float for p in partials.values()):
            return lambda run, node, k: _sum(p * c for i, p in partials.items()
                                             if (c := run.coefficient(node.inputs[i], k)) is not None)
        return _by_rate


def _by_rate(run: _Run, node: Node, k: int):
    """y_k = D_{k−1}/k."""
    rate = run.rate_of[node]
    parts = [None if part is None else run.coefficient(part, k - 1)
             for part in (rate if type(rate) is tuple else (rate,))]
    parts = [part if part is None or k == 1 else part / k for part in parts]
    return tuple(parts) if type(rate) is tuple else parts[0]


def _linear(run: _Run, node: Node, k: int):
    """The row itself, on coefficients; zeros for linear inputs that stand still."""
    rules = node.prim.transpose
    given = [run.coefficient(x, k) if rules[i] is not None else None for i, x in enumerate(node.inputs)]
    if all(c is None for c in given):
        return None
    full = [run.coefficient(x, 0) if rules[i] is None else _zeros(x) if c is None else c
            for i, (x, c) in enumerate(zip(node.inputs, given, strict=True))]
    return bind(node.prim, tuple(full), node.params)


def _multilinear(run: _Run, node: Node, k: int):
    """Σ over k₁ + … + k_m = k of the row on coefficients k₁ … k_m."""
    total = None
    for chosen in _choices(run, node.inputs, k):
        part = bind(node.prim, chosen, node.params)
        total = part if total is None else total + part
    return total


def _choices(run: _Run, inputs: tuple, k: int):
    if not inputs:
        if k == 0:
            yield ()
        return
    first, rest = inputs[0], inputs[1:]
    for j in range(k + 1 if type(first) is Node and first in run.series else 1):
        c = run.coefficient(first, j)
        if c is not None:
            for others in _choices(run, rest, k - j):
                yield (c, *others)


def _product(run: _Run, node: Node, k: int):
    """Cauchy: Σ x_j y_{k−j}."""
    x, y = node.inputs
    return _sum(bind(node.prim, (a, b)) for j in range(k + 1)
                if (a := run.coefficient(x, j)) is not None and (b := run.coefficient(y, k - j)) is not None)


def _square(run: _Run, node: Node, k: int):
    """Cauchy, each product once: 2 Σ_{j<k/2} x_j x_{k−j} + x_{k/2}²."""
    x, = node.inputs
    twice = _sum(a * b for j in range((k + 1) // 2)
                 if (a := run.coefficient(x, j)) is not None and (b := run.coefficient(x, k - j)) is not None)
    middle = run.coefficient(x, k // 2) if k % 2 == 0 else None
    return _sum(part for part in (None if twice is None else 2.0 * twice, None if middle is None else middle * middle)
                if part is not None)


def _quotient(run: _Run, node: Node, k: int):
    """z y = x: z_k = (x_k − Σ_{j≥1} z_{k−j} y_j)/y₀."""
    x, y = node.inputs
    rest = _remainder(run, node, x, y, k, lambda c, z: z * c)
    return None if rest is None else rest / run.coefficient(y, 0)


def _solve(run: _Run, node: Node, k: int):
    """A x = b: x_k = A₀⁻¹(b_k − Σ_{j≥1} A_j x_{k−j})."""
    a, b = node.inputs
    vector = len(shape_of(b)) == 1

    def product(c, x):
        return MATMUL(c, x) if not vector or len(shape_of(x)) == 1 else MATMUL(c, x[..., None])[..., 0]

    rest, a0 = _remainder(run, node, b, a, k, product), run.coefficient(a, 0)
    if rest is None:
        return None
    if vector and len(shape_of(rest)) > 1:
        return bind(SOLVE, (a0, rest[..., None]))[..., 0]
    return bind(SOLVE, (a0, rest))


def _remainder(run: _Run, node: Node, x, y, k: int, product: Callable):
    """x_k − Σ_{j≥1} y_j z_{k−j}, z the node's own series."""
    moved = _sum(product(c, z) for j in range(1, k + 1)
                 if (c := run.coefficient(y, j)) is not None and (z := run.coefficient(node, k - j)) is not None)
    start = run.coefficient(x, k)
    return start if moved is None else -moved if start is None else start - moved


def _power(run: _Run, node: Node, k: int):
    """x y' = p y x': y_k = Σ_{j=1..k} (p j − k + j) x_j y_{k−j} / (k x₀)."""
    x, p = node.inputs
    total = _sum((p * j - (k - j)) * c * y for j in range(1, k + 1)
                 if (c := run.coefficient(x, j)) is not None and (y := run.coefficient(node, k - j)) is not None)
    return None if total is None else total / (k * run.coefficient(x, 0))


def _power_rule(run: _Run, node: Node):
    """The recurrence divides by x₀; where that may be zero, the row's derivative serves."""
    x, p = node.inputs
    base = run.known.get(x) if type(x) is Node else None
    if type(p) is Node or isinstance(p, Tracer) or base is None or type(base) is Tracer or not np.all(base):
        return None
    return _power


def _det_rule(run: _Run, node: Node):
    """At regular matrices y' = y tr(A⁻¹A'): the row's derivative, right at singular ones too, grows with the order."""
    a = run.known[node.inputs[0]]
    if type(a) is Tracer or not np.all(np.linalg.cond(a) < REGULAR):
        return None
    x = run.graph.handle(node.inputs[0])
    run.own_rate[node] = lambda y, rate: y * trace_product(INV(x), rate)
    return _by_rate


def _item(run: _Run, node: Node, k: int):
    parts = run.coefficient(node.inputs[0], k)
    return None if parts is None else parts[node.params["number"]]


# primitive -> choose(run, node) -> the rule of one coefficient, or None: by its class
RULES: dict[Primitive, Callable] = {
    MULTIPLY: lambda run, node: _product, SCALE: lambda run, node: _product, SQUARE: lambda run, node: _square,
    DIVIDE: lambda run, node: _quotient, SOLVE: lambda run, node: _solve, POWER: _power_rule,
    FLOAT_POWER: _power_rule, DET: _det_rule, ITEM: lambda run, node: _item}
REGULAR = 1e8      # condition up to which a determinant's series goes by the inverse


def _sum(parts: Iterable):
    total = None
    for part in parts:
        total = part if total is None else total + part
    return total


def _zeros(x):
    """A zero in the shape and precision of a node or constant."""
    return np.zeros((), getattr(x, "dtype", None))[()] if not shape_of(x) else np.broadcast_to(
        np.zeros((), x.dtype), x.shape)


def _plain(value):
    """0-d arrays as NumPy scalars, whose arithmetic is faster."""
    return value[()] if type(value) is np.ndarray and value.ndim == 0 else value
