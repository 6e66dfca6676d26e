"""What a report can say, and bounds that know whether they are certified."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

NAMED = ("convex", "strictly convex", "strongly convex", "concave", "strictly concave", "strongly concave", "affine",
         "quasiconvex", "quasiconcave", "pseudoconvex", "log-convex", "log-concave", "exponentially convex",
         "operator convex", "L-natural")  # the properties that can be asked for
STANDINGS = ("PROVED", "NOT", "SUSPECTED_NOT")


def in_capitals(name: str) -> str:
    """The property as it stands in a verdict: "log-convex" is LOG_CONVEX."""
    return name.upper().replace("-", "_").replace(" ", "_")


class Verdict(Enum):
    """The strongest statement reached. Only PROVED_ and NOT_ are facts; NO_COUNTEREXAMPLE is not a proof.

    PROVED_, NOT_ and SUSPECTED_NOT_ for each property in `NAMED`, as in NOT_LOG_CONVEX; those written out come first.
    """

    _ignore_ = ["_capitals"]

    PROVED_STRONGLY_CONVEX = "PROVED_STRONGLY_CONVEX"
    PROVED_CONVEX = "PROVED_CONVEX"
    NOT_CONVEX = "NOT_CONVEX"
    SUSPECTED_NOT_CONVEX = "SUSPECTED_NOT_CONVEX"
    PROVED_STRONGLY_CONCAVE = "PROVED_STRONGLY_CONCAVE"
    PROVED_CONCAVE = "PROVED_CONCAVE"
    PROVED_AFFINE = "PROVED_AFFINE"
    NO_COUNTEREXAMPLE = "NO_COUNTEREXAMPLE"
    UNDECIDED = "UNDECIDED"

    for _capitals in [f"{standing}_{in_capitals(name)}" for name in NAMED for standing in STANDINGS]:
        if _capitals not in vars():
            vars()[_capitals] = _capitals

    @classmethod
    def of(cls, standing: str, name: str) -> Verdict:
        """The verdict with one of STANDINGS on the property of that name."""
        return cls[f"{standing}_{in_capitals(name)}"]

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
