"""Each criterion by itself: criterion(f, domain) gives its one row, with all of the budget."""

from __future__ import annotations

from functools import wraps
from typing import Any, Protocol

import numpy as np

from . import criteria
from .arguments import restricted
from .domains import Region
from .oracle import Oracle
from .search import Row, Search

BUDGET = 20_000  # calls of f, a gradient or Hessian product weighing two: under a second where f takes 10 µs
MAXTIME = 10.0   # seconds, roughly: an f slower than 0.5 ms gets fewer calls

NAMES = {criterion: name for name, criterion in {**criteria.CRITERIA, **criteria.FURTHER}.items()}

ARGUMENTS = """

    f : plain NumPy, x -> real number. domain : a region, such as Box(-1, 1, shape=3). budget : calls of f, a gradient
    or Hessian product weighing two. maxtime : seconds, overrun by a few calls. Raises TypeError or ValueError on wrong
    arguments, and whatever f raises at the centre of the domain.
    """


class Alone(Search):
    """A search for one criterion: its share is everything."""

    def start(self, share: float) -> int:
        return super().start(1.0)


class Standalone(Protocol):
    """criterion(f, domain): the row of one criterion."""

    def __call__(self, f: Any, domain: Region, *, budget: int = BUDGET, seed: int = 0,
                 maxtime: float = MAXTIME) -> Row: ...


def with_witness(row: Row, search: Search) -> Row:
    """The row with the segment that refutes convexity, or may, where it found one and has no witness of its own."""
    found = {"violated": search.witness, "suspected": search.suspicion}.get(row.outcome)
    return row if row.witness is not None or found is None else row._replace(witness=found)


def skipped(name: str, why: str) -> Row:
    """The row of a criterion that was not applied."""
    return Row(name, "skipped", "", np.nan, 0, 0, note=why)


def _standalone(criterion: criteria.Criterion) -> Standalone:
    @wraps(criterion, updated=())
    def alone(f: Any, domain: Region, *, budget: int = BUDGET, seed: int = 0, maxtime: float = MAXTIME) -> Row:
        from .checking import affordable, check_arguments
        check_arguments(domain, budget, maxtime, seed)
        f, domain = restricted(f, domain, None, None)
        with np.errstate(all="ignore"):
            oracle = Oracle(f, domain)
            calls = affordable(oracle, domain, budget, maxtime)
            search = Alone(oracle, domain, np.random.default_rng(seed), calls, maxtime)
            if search.oracle.unsteady:
                return skipped(NAMES[criterion], search.oracle.unsteady)
            row = with_witness(criterion(search), search)
            return skipped(NAMES[criterion], search.oracle.unsteady) if search.oracle.unsteady else row
    del alone.__wrapped__                       # its arguments are these, not the criterion's
    alone.__doc__ = (criterion.__doc__ or "").rstrip() + ARGUMENTS
    return alone


definition = _standalone(criteria.definition)
strict = _standalone(criteria.strict)
first_order = _standalone(criteria.first_order)
second_order = _standalone(criteria.second_order)
lines = _standalone(criteria.lines)
epigraph = _standalone(criteria.epigraph)
sublevel = _standalone(criteria.sublevel)
jensen = _standalone(criteria.jensen)
jensen_integral = _standalone(criteria.jensen_integral)
local_is_global = _standalone(criteria.local_is_global)
strong_definition = _standalone(criteria.strong_definition)
strong_first_order = _standalone(criteria.strong_first_order)
strong_second_order = _standalone(criteria.strong_second_order)
concave = _standalone(criteria.concave)
affine = _standalone(criteria.affine)
quasiconvex = _standalone(criteria.quasiconvex)
pseudoconvex = _standalone(criteria.pseudoconvex)
log_convex = _standalone(criteria.log_convex)
log_concave = _standalone(criteria.log_concave)
exponentially_convex = _standalone(criteria.exponentially_convex)
operator_convex = _standalone(criteria.operator_convex)
l_natural = _standalone(criteria.l_natural)
