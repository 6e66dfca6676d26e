"""Look for a counterexample to convexity, and nothing else: cheap passes over the criteria, then thorough ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .arguments import check_limits
from .domains import Region
from .oracle import Oracle, Vector
from .search import Search
from .witness import Witness

BUDGET = 20_000           # calls of f, a gradient or Hessian product weighing two
MAXTIME = 10.0            # seconds, roughly
PASSES = (0.05, 0.3, 1.0)  # of the budget
SHAPES = {"convex": 1.0, "concave": -1.0}


def falsify(f: Callable[[Any], Any], domain: Region, property: str = "convex", *, budget: int = BUDGET, seed: int = 0,
            maxtime: float = MAXTIME, starts: Sequence[Vector] = ()) -> Witness | None:
    """A verified witness that f is not convex (concave) on the domain, or None, which is not a proof.

    f : plain NumPy, x -> real number; code that cannot be traced is differenced. budget : calls of f, a gradient or
    Hessian product weighing two. maxtime : seconds, overrun by a few calls. starts : flat points that are looked at
    first, such as the centres of boxes that a proof could not settle. The witness is exact: three plain calls of f
    confirm it. None too where f gives two values at one point: then no values refute. Raises what f raises at the
    centre of the domain, and TypeError or ValueError on wrong arguments.
    """
    if property not in SHAPES:
        raise ValueError(f"falsify: property must be one of {', '.join(SHAPES)}, got {property!r}")
    if not isinstance(domain, Region):
        raise TypeError(f"falsify: domain must be a region, such as Box(-2, 2, shape=10), got {domain!r:.60}")
    check_limits("falsify", maxtime, seed)
    from .checking import affordable
    began = time.perf_counter()
    with np.errstate(all="ignore"):
        oracle = Oracle(f, domain)
        if oracle.unsteady:
            return None
        oracle.sign = SHAPES[property]
        calls = affordable(oracle, domain, budget, maxtime)
        for part in PASSES:
            search = Search(oracle, domain, np.random.default_rng(seed), int(part * calls),
                            maxtime - (time.perf_counter() - began))
            search.starts = starts
            if search.seconds <= 0 or search_all(search):
                break
    return search.witness


def search_all(search: Search) -> bool:
    """Run the criteria that look for a witness, the strongest first, until one is verified."""
    from .criteria import definition, first_order, lines, second_order
    for criterion in (second_order, lines, definition, first_order):
        if search.refuted:
            break
        criterion(search)
    return search.refuted
