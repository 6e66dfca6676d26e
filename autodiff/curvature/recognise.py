"""From a recording to a graph over atoms: log-sum-exp, norms, entropies and the like, however they were written.

The rewritten graph has the recorded function's value in exact real arithmetic, with its constants as the floats they
are, wherever both are defined; it is defined nowhere else than the recorded formula (log(xy) becomes log x + log y).
"""

from __future__ import annotations

from typing import Any

from ..graph import Graph, Node, exact_graph
from ..primitive import NO_PARAMS
from . import (  # noqa: F401 - they enter their patterns
    enclosed_inverse,
    recognise_exponential,
    recognise_exponents,
    recognise_matrices,
    recognise_norms,
    recognise_products,
)
from .facts import KNOWN
from .recognise_tools import Build


def recognised(recording: Graph, facts: frozenset[str] = frozenset()) -> Graph:
    """The recorded function over atoms; composites that are none are written out.

    facts : what is known of the first input on the whole domain ("symmetric", "positive semidefinite", "positive
    definite"): conditions of the atoms of matrices. Of matrices made from it, `facts.stated` says so in the recording.
    """
    b = Build()
    image: dict[Node, Any] = {}
    for number, node in enumerate(recording.inputs):
        image[node] = b.input(node, facts if number == 0 else frozenset())
    for node in recording.live(recording.outputs):
        if node in image:
            continue
        b.graph.site = recording.sites.get(node)
        inputs = tuple([image[i] if type(i) is Node else i for i in node.inputs])
        if node.prim is KNOWN:
            image[node], = inputs
            b.known[inputs[0]] = b.known.get(inputs[0], frozenset()) | frozenset(node.params["facts"])
            continue
        image[node] = b.op(node.prim, *inputs, **node.params)
    b.graph.outputs = tuple([image[o] if type(o) is Node else o for o in recording.outputs])
    return written_out(b.graph)


def written_out(g: Graph) -> Graph:
    """Composites by their definitions, where any are left."""
    if all(node.prim.expand is None for node in g.live(g.outputs)):
        return g
    out = exact_graph()
    image: dict[Node, Any] = {i: out.input(i.shape, i.dtype) for i in g.inputs}
    for node in g.live(g.outputs):
        if node in image:
            continue
        out.site = g.sites.get(node)
        inputs = tuple([image[i] if type(i) is Node else i for i in node.inputs])
        if node.prim.expand is not None:
            image[node] = out.bare(node.prim.expand(*map(out.handle, inputs), **node.params))
        else:
            image[node] = out.share(node.prim, inputs, node.params or NO_PARAMS)
    out.outputs = tuple([image[o] if type(o) is Node else o for o in g.outputs])
    return out

