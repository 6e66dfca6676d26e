"""Is a set convex? A proof by construction, or a search for two members with a point between them that is none."""

from __future__ import annotations

import json
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .arguments import check_limits
from .domains import Region
from .paste import jsonable, pasteable
from .set_oracles import PointSet, as_set, image, intersection, lmi, members, minkowski, preimage, scaled
from .set_search import SetSearch
from .verdict import Verdict

__all__ = ["PointSet", "SetReport", "SetWitness", "check_set", "image", "intersection", "lmi", "members", "minkowski",
           "preimage", "scaled"]

BUDGET = 50_000         # membership calls
SMALLEST_BUDGET = 500
MAXTIME = 10.0          # seconds
CLAIMS = ("convex",)


@dataclass(frozen=True, eq=False)
class SetWitness:
    """Two members and their mean, which is none. how : what makes sure that this is not rounding."""

    contains: Callable[[Any], bool]
    points: tuple[Any, Any]
    middle: Any
    how: str

    def recheck(self) -> bool:
        """By three calls of membership."""
        x, y = self.points
        return bool(self.contains(x) and self.contains(y) and not self.contains(self.middle))

    def to_json(self) -> dict[str, Any]:
        return {"points": [jsonable(p) for p in self.points], "weights": [0.5, 0.5], "middle": jsonable(self.middle),
                "how": self.how}


@dataclass(frozen=True, eq=False)
class SetReport:
    """verdict : PROVED_CONVEX (by construction: `proof` is its tree), NOT_CONVEX (with `witness`), NO_COUNTEREXAMPLE,
    which is no proof, or UNDECIDED. tests : (name, points tried) in the order they ran. pairs : independent random
    pairs without violation. calls : of membership.
    """

    verdict: Verdict
    reason: str
    label: str
    witness: SetWitness | None
    proof: tuple[str, ...]
    tests: tuple[tuple[str, int], ...]
    pairs: int
    calls: int
    seconds: float
    seed: int

    @property
    def statistics(self) -> str:
        if not self.pairs or self.verdict is not Verdict.NO_COUNTEREXAMPLE:
            return ""
        return (f"of {self.pairs} random pairs of members none had its random point between them outside, so at most "
                f"{-np.log(0.05) / self.pairs:.2g} of all do, at 95% confidence and under the law of the samples; the "
                "other tests carry no probability, and none of this implies that the set is convex")

    def to_json(self) -> str:
        """Everything above as JSON text."""
        return json.dumps({
            "verdict": self.verdict.value, "reason": self.reason, "set": self.label,
            "witness": self.witness and self.witness.to_json(), "proof": list(self.proof), "tests": dict(self.tests),
            "statistics": self.statistics, "calls": self.calls, "seconds": self.seconds, "seed": self.seed}, indent=2)

    def __str__(self) -> str:
        lines = [f"{self.verdict.value.replace('_', ' ')}: {self.label}: {self.reason}"]
        lines += [f"  {line}" for line in self.proof]
        if self.witness is not None:
            names = zip("xy", self.witness.points, strict=True)
            lines += [f"  {name} = {pasteable(p)}  is a member" for name, p in names]
            lines += [f"  (x + y)/2 = {pasteable(self.witness.middle)}  is not; {self.witness.how}",
                      "  report.witness.recheck() asks again"]
        lines += [f"  {name:<28}{count:>8} points" for name, count in self.tests]
        if self.statistics:
            lines += textwrap.wrap(f"  statistics: {self.statistics}.", 110, subsequent_indent="    ")
        return "\n".join([*lines, f"  {self.calls} membership calls in {self.seconds:.2g} s; seed {self.seed}"])


def check_set(set: Any, *, box: Region | None = None, sampler: Callable | None = None, budget: int = BUDGET,
              seed: int = 0, claim: str = "convex", maxtime: float = MAXTIME) -> SetReport:
    """Prove by construction that a set is convex, or try to refute it.

    set : a region; what members, lmi, intersection, preimage, image, minkowski or scaled make; or a function
    x -> bool with the box to search, or a sampler of members. budget : membership calls. maxtime : seconds.
    NOT_CONVEX comes with a witness that three membership calls confirm. Raises TypeError or ValueError on wrong
    arguments, and whatever the membership function raises.
    """
    _check_arguments(budget, claim, maxtime, seed)
    began = time.perf_counter()
    plain = callable(set) and not isinstance(set, (PointSet, Region))
    examined = members(set, box, sampler) if plain else as_set(set)
    if examined.proof:
        return SetReport(Verdict.PROVED_CONVEX, "by construction", examined.label, None, examined.proof, (), 0, 0,
                         time.perf_counter() - began, seed)
    if examined.contains is None:
        return SetReport(Verdict.UNDECIDED, "membership of a sum, or of an image that is not one to one, does not "
                         "follow from that of its parts, and a part is not known to be convex; check the parts",
                         examined.label, None, (), (), 0, 0, time.perf_counter() - began, seed)
    search = SetSearch(examined, np.random.default_rng(seed), budget, maxtime)
    search.run()
    verdict, reason = _verdict(search)
    return SetReport(verdict, reason, examined.label, _witness(examined, search), (), tuple(search.tests.items()),
                     search.pairs, search.calls, time.perf_counter() - began, seed)


def _verdict(search: SetSearch) -> tuple[Verdict, str]:
    if search.found is not None:
        return Verdict.NOT_CONVEX, "two members whose mean is none"
    if len(search.members) < 2:
        return Verdict.UNDECIDED, (f"{len(search.members)} members were found in the window; give a smaller box, or a "
                                   "sampler of members")
    if search.doubtful is not None:
        return Verdict.SUSPECTED_NOT_CONVEX, "a point between members is none, but may be by rounding only"
    return Verdict.NO_COUNTEREXAMPLE, "nothing violated, nothing proved"


def _witness(examined: PointSet, search: SetSearch) -> SetWitness | None:
    if search.found is None:
        return None
    inside, x, y, z = examined.contains, *search.found[:3]
    assert inside is not None
    return SetWitness(lambda point: inside(examined.flatten(point)), (examined.unravel(x), examined.unravel(y)),
                      examined.unravel(z), search.found.how)


def _check_arguments(budget: Any, claim: str, maxtime: Any, seed: Any) -> None:
    if claim not in CLAIMS:
        raise ValueError(f"check_set: claim must be one of {', '.join(CLAIMS)}, got {claim!r}")
    if not (isinstance(budget, (int, np.integer)) and budget >= SMALLEST_BUDGET):
        raise ValueError(f"check_set: need a whole budget >= {SMALLEST_BUDGET}, got budget={budget!r}")
    check_limits("check_set", maxtime, seed)
