"""Which proofs show which property, and of what function."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from .domains import Region
from .proof import Proof
from .prove import prove
from .verdict import Verdict


class Way(NamedTuple):
    """A proof that shows a property: of f, or of log f, and what the proof must have shown of it.

    shows : of a proof, whether it is enough. constants : whether mu and L are those of f.
    """

    property: str
    of: str
    shows: Callable[[Proof], bool]


def _proved(proof: Proof) -> bool:
    return proof.proved


def _strongly(proof: Proof) -> bool:
    return proof.verdict in (Verdict.PROVED_STRONGLY_CONVEX, Verdict.PROVED_STRONGLY_CONCAVE)


def _smooth(proof: Proof) -> bool:
    """L < ∞ on a convex set: the gradient exists, so that convexity implies pseudoconvexity."""
    return proof.proved and math.isfinite(proof.L.upper) and math.isfinite(proof.mu.lower)


WAYS: dict[str, tuple[Way, ...]] = {
    "convex": (Way("convex", "f", _proved),),
    "strictly convex": (Way("convex", "f", _strongly),),
    "strongly convex": (Way("convex", "f", _strongly),),
    "concave": (Way("concave", "f", _proved),),
    "strictly concave": (Way("concave", "f", _strongly),),
    "strongly concave": (Way("concave", "f", _strongly),),
    "affine": (Way("affine", "f", _proved),),
    "quasiconvex": (Way("convex", "f", _proved),),
    "quasiconcave": (Way("concave", "f", _proved), Way("concave", "log f", _proved)),
    "pseudoconvex": (Way("convex", "f", _smooth),),
    "log-convex": (Way("convex", "log f", _proved),),
    "log-concave": (Way("concave", "log f", _proved),),
}


def proof_of(f: Callable[[Any], Any], domain: Region, property: str, maxtime: float) -> tuple[Proof | None, bool]:
    """(the last proof tried, whether it shows the property); no proof where nothing here shows such a property."""
    proof = None
    for way in WAYS.get(property, ()):
        function = f if way.of == "f" else lambda x: np.log(f(x))
        proof = replace(prove(function, domain, way.property, maxtime=maxtime), of=way.of)
        if way.shows(proof):
            return proof, True
    return proof, False


def verdict_of(proof: Proof, property: str) -> Verdict:
    """What a proof that shows the property is called: convexity that is strong says so."""
    return proof.verdict if property in ("convex", "concave") else Verdict.of("PROVED", property)
