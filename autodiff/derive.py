"""From a graph to the graphs of its derivatives: primal, adjoint, tangent, and the split of a tangent graph."""

from collections.abc import Sequence

from .graph import INPUT, Graph, Node, dependents
from .interpreters import forward, reverse
from .primitive import Tracer
from .primitives.contraction import MATMUL
from .primitives.elementwise import ADD, DIVIDE, MULTIPLY, NEGATIVE, SCALE, SUBTRACT, WHERE, astype
from .primitives.indexing import GETITEM, SCATTER
from .primitives.shape import broadcast_to


def primal(recording: Graph, safe: bool = False) -> Graph:
    """The recorded function, simplified, with composites written out."""
    g = Graph()
    g.safe = safe
    inputs = [g.input(i.shape, i.dtype) for i in recording.inputs]
    image = g.inline(recording, inputs)
    g.outputs = tuple([image[o] if type(o) is Node else o for o in recording.outputs])
    return g


def adjoint(g: Graph, wrt: Sequence[Node], cotangents: Sequence, inner: Sequence[Node] = ()) -> list:
    """Append the cotangents of `wrt`, and of `inner` nodes on the way, given those of g.outputs (handles or numbers);
    returns full-shape nodes."""
    seeds = [(o, ct) for o, ct in zip(g.outputs, cotangents, strict=True) if type(o) is Node]
    cts = reverse(g.live(g.outputs), wrt, seeds, g.handle, g, inner)
    return [_like(g, 0.0 if ct is None else ct, x) for ct, x in zip(cts, [*wrt, *inner], strict=True)]


def _like(g: Graph, ct, x: Node):
    """A cotangent in the shape and precision of its input."""
    ct = broadcast_to(ct, x.shape)
    return g.bare(ct if isinstance(ct, float) else astype(ct, x.dtype))


def gradient(recording: Graph, wrt: Sequence[int], safe: bool = False) -> Graph:
    """(value, gradients) of a scalar-valued recording with respect to inputs number `wrt`."""
    g = primal(recording, safe)
    g.outputs = (*g.outputs, *adjoint(g, [g.inputs[k] for k in wrt], [1.0]))
    return g


def tangent(g: Graph, wrt: Sequence[int], outputs: Sequence) -> tuple[list[Node], list]:
    """Append tangents: (the new tangent inputs, the tangents of `outputs`), None where a tangent is zero."""
    given = [g.append(INPUT, (), {"tangent": k}, g.inputs[k].shape, g.inputs[k].dtype) for k in wrt]
    tangents = {g.inputs[k]: g.handle(t) for k, t in zip(wrt, given, strict=True)}
    forward(g, g.live(outputs), tangents)
    return given, [g.bare(tangents.get(o)) if type(o) is Node else None for o in outputs]


MAX_TERMS = 4      # roots a node may be a sum of before it becomes one itself
LONG = 1000        # linear operations beyond which every sum of two roots becomes one: K∘r are as many as operations


def collapse(g: Graph, inputs: Sequence[Node], outputs: Sequence) -> list:
    """Rewrite linear outputs so that a call pays as little as possible.

    An elementwise linear node is a sum Σ K∘r of known arrays K times roots r (results of products, slices, the input):
    chains of scalings become one product by a K computed once per point. Slices scattered back to their own place
    are diagonal too: scatter(K∘v[i], i) = scatter(K, i)∘v. This recovers the hand-written two matvecs of a GLM, and the
    diagonals of a banded Hessian.
    """
    outputs = list(outputs)
    linear = dependents(g.nodes, inputs)
    terms: dict[Node, dict[Node, object]] = {x: {x: 1.0} for x in inputs}

    def handle(x):
        return g.handle(written(x)) if type(x) is Node and x in linear else g.handle(x)

    def written(node: Node) -> Node:
        """The node Σ K∘r, as an operation again."""
        return _written(g, terms[node], node.shape, linear)

    moving = [n for n in g.live(outputs, keep_guards=False) if n in linear]
    most = MAX_TERMS if len(moving) <= LONG else 1
    for node in moving:
        if node not in terms:
            terms[node] = _terms(g, node, linear, terms, handle, most)
    return [written(o) if type(o) is Node and o in linear else o for o in outputs]


def _terms(g: Graph, node: Node, linear: set, terms: dict, handle, most: int) -> dict:
    moving = [i for i in node.inputs if type(i) is Node and i in linear]
    if node.prim in (MULTIPLY, SCALE) and len(moving) == 1:
        k = g.handle(next((i for i in node.inputs if i is not moving[0]), moving[0]))
        return {r: _times(g, k, c) for r, c in terms[moving[0]].items()}
    if len(moving) == 1 and not g.safe and (
            node.prim is DIVIDE or node.prim is WHERE and any(_is_zero(i) for i in node.inputs[1:])):
        return {r: g.handle(g.emit(node.prim, tuple([g.bare(c) if i is moving[0] else i for i in node.inputs])))
                for r, c in terms[moving[0]].items()}
    if node.prim is NEGATIVE:
        return {r: -c for r, c in terms[moving[0]].items()}
    if node.prim in (ADD, SUBTRACT) and len(moving) == 2 and all(i.shape == node.shape for i in moving):
        out = dict(terms[moving[0]])
        for r, c in terms[moving[1]].items():
            c = -c if node.prim is SUBTRACT else c
            out[r] = out[r] + c if r in out else c
        return out if len(out) <= most else _root(_written(g, out, node.shape, linear), linear, terms)
    if node.prim is SCATTER and (not node.params["based"] or any(node.inputs[0] is i for i in moving)):
        return _scattered(g, node, terms, linear)
    inputs = tuple([g.bare(handle(i)) if type(i) is Node and i in linear else i for i in node.inputs])
    return _root(g.emit(node.prim, inputs, node.params), linear, terms)


def _is_zero(value) -> bool:
    return isinstance(value, float) and value == 0.0


def _root(node: Node, linear: set, terms: dict) -> dict:
    """A linear node as a term of its own."""
    terms.setdefault(node, {node: 1.0})
    linear.add(node)
    return {node: 1.0}


def _written(g: Graph, parts: dict, shape: tuple[int, ...], linear: set) -> Node:
    """Σ K∘r as an operation again."""
    total = None
    for root, k in parts.items():
        part = _product(g, root, k, linear)
        total = part if total is None else total + part
    return g.bare(broadcast_to(total, shape))


def _product(g: Graph, root: Node, k, linear: set):
    """K∘r as one operation: K's own factors stay in K, which is computed once."""
    if type(k) is Tracer:
        return g.handle(g.share(SCALE if g.safe else MULTIPLY, (root, g.bare(k))))
    if type(k) is float and k not in (1.0, -1.0) and root.prim is MATMUL:
        for number, inner in enumerate(root.inputs):             # a literal times (K∘r) @ A goes into K
            if type(inner) is Node and inner.prim is MULTIPLY and inner in linear:
                r, known = inner.inputs if inner.inputs[0] in linear else inner.inputs[::-1]
                if type(known) is Node and known not in linear and known.shape == inner.shape:
                    scaled = g.share(MULTIPLY, (r, g.emit(MULTIPLY, (k, known))))
                    linear.add(scaled)
                    inputs = (scaled, root.inputs[1]) if number == 0 else (root.inputs[0], scaled)
                    return g.handle(g.share(MATMUL, inputs))
    return g.scale(g.handle(root), k)


def _times(g: Graph, k, c):
    if type(c) is float and c == 1.0:
        return k
    return g.scale(c, k) if type(c) is Tracer else k * c


def _scattered(g: Graph, node: Node, terms: dict, linear: set) -> dict:
    """Diagonal parts join the terms; the rest is scattered onto what remains."""
    based, indices = node.params["based"], node.params["indices"]
    out: dict = dict(terms[node.inputs[0]]) if based else {}
    diagonal: dict = {}
    rest = []
    for index, part in zip(indices, node.inputs[1:] if based else node.inputs, strict=True):
        if type(part) is not Node or part not in linear:
            rest.append((index, g.handle(part)))
            continue
        leftover = None
        for root, k in terms[part].items():
            if root.prim is GETITEM and root.params["index"] == index and root.inputs[0] in terms \
                    and root.inputs[0].shape == node.shape:
                diagonal.setdefault(root.inputs[0], []).append((index, broadcast_to(k, part.shape)))
            else:
                piece = _product(g, root, k, linear)
                leftover = piece if leftover is None else leftover + piece
        if leftover is not None:
            rest.append((index, broadcast_to(leftover, part.shape)))
    for root, pieces in diagonal.items():
        k = scatter(g, [p for _, p in pieces], [i for i, _ in pieces], node.shape, None)
        out[root] = out[root] + k if root in out else k
    if not rest:
        return out
    base = None
    for root, k in out.items():
        part = _product(g, root, k, linear)
        base = part if base is None else base + part
    base = None if base is None else broadcast_to(base, node.shape)
    whole = g.bare(scatter(g, [p for _, p in rest], [i for i, _ in rest], node.shape, base))
    return _root(whole, linear, terms)


def scatter(g: Graph, parts: list, indices: list, shape: tuple[int, ...], base):
    inputs = tuple([g.bare(p) for p in ([] if base is None else [base]) + parts])
    return g.handle(g.emit(SCATTER, inputs, {"indices": tuple(indices), "shape": shape, "based": base is not None}))


def split(g: Graph, inputs: Sequence[Node], outputs: Sequence) -> list[Node]:
    """Residuals: what the linear part needs that does not depend on its inputs (computed once per point)."""
    linear = dependents(g.nodes, inputs)
    residuals: dict[Node, None] = {}
    for node in g.live(outputs, keep_guards=False):
        if node in linear:
            residuals.update((i, None) for i in node.inputs if type(i) is Node and i not in linear)
    residuals.update((o, None) for o in outputs if type(o) is Node and o not in linear)
    return list(residuals)
