"""The collection: many small unconstrained problems, for comparing local solvers with each other.

It stands beside the registry that `problems.get` reads. A registered Problem states everything about itself
(hand-written derivatives, convexity, constants) and has sizes; a Case of the collection is a published function with
its start and its known minimum, and autodiff differentiates it. The few functions that are in both are tested to agree.

for case in problems.collection("mgh").values(): ...
"""

from __future__ import annotations

from problems.andrei import ANDREI
from problems.case import Case
from problems.classical import CLASSICAL
from problems.cutest_fits import CUTEST_FITS
from problems.cutest_small import CUTEST_SMALL
from problems.cutest_sums import CUTEST_SUMS
from problems.more_garbow_hillstrom import MGH

FAMILIES: dict[str, tuple[Case, ...]] = {
    "mgh": MGH,
    "cutest": CUTEST_SMALL + CUTEST_SUMS + CUTEST_FITS,
    "classical": CLASSICAL,
    "andrei": ANDREI,
}


def collection(family: str | None = None) -> dict[str, Case]:
    """name -> Case: all of them, or one family ("mgh", …). Raises ValueError for a family that does not exist."""
    if family is not None and family not in FAMILIES:
        raise ValueError(f"no family is called {family!r}; known: {', '.join(FAMILIES)}")
    cases = [case for name, rows in FAMILIES.items() if family in (None, name) for case in rows]
    table = {case.name: case for case in cases}
    if len(table) != len(cases):
        raise ValueError("two cases of the collection have one name")
    return table
