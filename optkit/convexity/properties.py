"""What can be asked of a function, and what is examined for it."""

from __future__ import annotations

from typing import NamedTuple

STRONG = ("strict", "strong definition", "strong first order", "strong second order")


class Shape(NamedTuple):
    """One examination: of sign·f, by the criteria for convexity, or by one of its own.

    noun : in sentences. unit : what its independent trials are.
    """

    sign: float
    criterion: str   # "" for those for convexity
    noun: str
    unit: str = "segments"


class Property(NamedTuple):
    """shapes : a refutation of one refutes the property. criteria : rows beside the usual ones that refute it too."""

    shapes: tuple[str, ...]
    criteria: tuple[str, ...] = ()


SHAPES: dict[str, Shape] = {
    "convex": Shape(1.0, "", "convexity"),
    "concave": Shape(-1.0, "", "concavity"),
    "quasiconvex": Shape(1.0, "quasiconvex", "quasiconvexity"),
    "quasiconcave": Shape(-1.0, "quasiconvex", "quasiconcavity"),
    "pseudoconvex": Shape(1.0, "pseudoconvex", "quasiconvexity, which pseudoconvexity implies"),
    "log-convex": Shape(1.0, "log-convex", "convexity of log f"),
    "log-concave": Shape(1.0, "log-concave", "concavity of log f"),
    "exponentially convex": Shape(1.0, "exponentially convex", "exponential convexity", "matrices [f(x_i + x_j)]"),
    "operator convex": Shape(1.0, "operator convex", "operator convexity", "pairs of matrices"),
    "L-natural": Shape(1.0, "L-natural", "L-natural convexity", "pairs of integer points"),
}

PROPERTIES: dict[str, Property] = {
    "convex": Property(("convex",)),
    "strictly convex": Property(("convex",), ("strict",)),
    "strongly convex": Property(("convex",), STRONG),
    "concave": Property(("concave",)),
    "strictly concave": Property(("concave",), ("strict",)),
    "strongly concave": Property(("concave",), STRONG),
    "affine": Property(("convex", "concave")),
    **{name: Property((name,)) for name in SHAPES if name not in ("convex", "concave")},
}
