"""What a report can say, and bounds that know whether they are certified."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np


class Verdict(Enum):
    """The strongest statement reached. Only PROVED_ and NOT_ are facts; NO_COUNTEREXAMPLE is not a proof."""

    PROVED_STRONGLY_CONVEX = "PROVED_STRONGLY_CONVEX"
    PROVED_CONVEX = "PROVED_CONVEX"
    NOT_CONVEX = "NOT_CONVEX"
    SUSPECTED_NOT_CONVEX = "SUSPECTED_NOT_CONVEX"
    PROVED_STRONGLY_CONCAVE = "PROVED_STRONGLY_CONCAVE"
    PROVED_CONCAVE = "PROVED_CONCAVE"
    NOT_CONCAVE = "NOT_CONCAVE"
    SUSPECTED_NOT_CONCAVE = "SUSPECTED_NOT_CONCAVE"
    PROVED_AFFINE = "PROVED_AFFINE"
    NOT_AFFINE = "NOT_AFFINE"
    SUSPECTED_NOT_AFFINE = "SUSPECTED_NOT_AFFINE"
    PROVED_QUASICONVEX = "PROVED_QUASICONVEX"
    NOT_QUASICONVEX = "NOT_QUASICONVEX"
    SUSPECTED_NOT_QUASICONVEX = "SUSPECTED_NOT_QUASICONVEX"
    NO_COUNTEREXAMPLE = "NO_COUNTEREXAMPLE"
    UNDECIDED = "UNDECIDED"

    @property
    def proved(self) -> bool:
        return self.name.startswith("PROVED")

    @property
    def refuted(self) -> bool:
        return self.name.startswith("NOT_")


@dataclass(frozen=True)
class Bound:
    """lower <= constant <= upper, each side with whether it is certified; sampling alone certifies neither."""

    lower: float = -np.inf
    upper: float = np.inf
    certified_lower: bool = False
    certified_upper: bool = False

    def __str__(self) -> str:
        parts = [f"{sign} {value:.6g} ({'certified' if sure else 'sampled'})"
                 for sign, value, sure in ((">=", self.lower, self.certified_lower),
                                           ("<=", self.upper, self.certified_upper))
                 if np.isfinite(value)]
        return " and ".join(parts) or "unknown"
