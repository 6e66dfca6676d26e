"""The front door: examine a function, and say what follows."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .criteria import CRITERIA
from .domains import Region
from .oracle import Oracle
from .report import ConvexityReport, Examination
from .search import Search
from .verdict import Bound, Verdict

BUDGET = 20_000  # calls of f, a gradient or Hessian product weighing two: under a second where f takes 10 µs
SMALLEST_BUDGET = 200
MAXTIME = 10.0   # seconds, roughly: an f slower than 0.5 ms gets fewer calls

# property -> the shapes whose refutation refutes it
PROPERTIES: dict[str, tuple[str, ...]] = {
    "convex": ("convex",),
    "concave": ("concave",),
    "affine": ("convex", "concave"),
    "quasiconvex": (),
}


def check(f: Callable[[Any], Any], domain: Region, properties: Sequence[str] = ("convex",), budget: int = BUDGET,
          seed: int = 0, maxtime: float = MAXTIME) -> ConvexityReport:
    """Try to refute that f has the properties on the domain; estimate mu, L and kappa on the way.

    f : plain NumPy, x -> real number. domain : Box, Ball, PositiveOrthant or Domain. properties : of "convex",
    "concave", "affine", "quasiconvex". budget : calls of f spent on each of f and −f, a gradient or Hessian product
    weighing two.
    maxtime : seconds, shared out like the budget, which the time of one call cuts beforehand; overrun by a few calls.
    NOT_ verdicts come with a verified witness; NO_COUNTEREXAMPLE is not a proof.
    Raises TypeError or ValueError on wrong arguments, and whatever f raises at the centre of the domain.
    """
    properties = (properties,) if isinstance(properties, str) else tuple(properties)
    _check_arguments(domain, properties, budget, maxtime)
    began = time.perf_counter()
    shapes = tuple({shape: None for p in properties for shape in PROPERTIES[p]}) or ("convex",)
    with np.errstate(all="ignore"):
        oracle = Oracle(f, domain)
        calls = _affordable(oracle, domain, budget, maxtime / len(shapes))
        examined = {shape: _examine(oracle, domain, shape, calls, maxtime / len(shapes), seed) for shape in shapes}
    trouble = oracle.trouble.describe(domain.unravel)
    verdicts = {p: _verdict(p, [examined[s] for s in PROPERTIES[p]], oracle) for p in properties}
    asked = [examined[s] for s in PROPERTIES[properties[0]]]
    witness = next((w for e in asked if (w := e.witness or e.suspicion)), None)
    mu, L = _constants(examined)
    return ConvexityReport(
        verdict=verdicts[properties[0]], verdicts=verdicts, reason=_reason(verdicts[properties[0]], asked, trouble),
        witness=witness, mu=mu, L=L, kappa=_kappa(mu, L), examinations=tuple(examined.values()), trouble=trouble,
        derivatives="from the engine" if oracle.exact else f"by differences ({oracle.reason})", domain=domain,
        counts=oracle.counts, hurried=calls < budget or any(e.hurried for e in examined.values()),
        seconds=time.perf_counter() - began, seed=seed)


def _check_arguments(domain: Any, properties: tuple, budget: Any, maxtime: Any) -> None:
    if not isinstance(domain, Region):
        raise TypeError(f"check: domain must be a Box, Ball, PositiveOrthant or Domain, got {domain!r:.60}; "
                        "for example Box(-2, 2, shape=10)")
    unknown = [p for p in properties if p not in PROPERTIES]
    if unknown or not properties:
        raise ValueError(f"check: properties must be some of {', '.join(PROPERTIES)}, got {unknown or properties}")
    if not (isinstance(budget, (int, np.integer)) and budget >= SMALLEST_BUDGET):
        raise ValueError(f"check: need a whole budget >= {SMALLEST_BUDGET}, got budget={budget!r}")
    if not maxtime > 0:
        raise ValueError(f"check: need maxtime > 0 seconds, got maxtime={maxtime!r}")


def _affordable(oracle: Oracle, domain: Region, budget: int, maxtime: float) -> int:
    """The budget, cut to what fits in maxtime by the time of a call at the centre."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        oracle.value(domain.center)
        times.append(time.perf_counter() - began)
    return int(np.clip(maxtime / max(min(times), 1e-9), SMALLEST_BUDGET, budget))


def _examine(oracle: Oracle, domain: Region, shape: str, budget: int, seconds: float, seed: int) -> Examination:
    oracle.sign = 1.0 if shape == "convex" else -1.0
    search = Search(oracle, domain, np.random.default_rng(seed), budget, seconds)
    rows = tuple(criterion(search)._replace(name=name) for name, criterion in CRITERIA.items())
    eigenvalues = tuple((a, b) if oracle.sign > 0 else (-b, -a) for a, b in search.eigenvalues)
    return Examination(
        shape=shape, rows=rows, witness=search.witness, suspicion=None if search.witness else search.suspicion,
        curious=search.curious, segments=search.segments, violations=search.segment_violations, eigenvalues=eigenvalues,
        hurried=search.hurried)


def _verdict(name: str, examinations: list[Examination], oracle: Oracle) -> Verdict:
    if any(e.witness for e in examinations):
        return Verdict[f"NOT_{name.upper()}"]
    if any(e.suspicion or e.curious for e in examinations):
        return Verdict[f"SUSPECTED_NOT_{name.upper()}"]
    if not examinations or oracle.trouble.inside or not any(e.segments for e in examinations):
        return Verdict.UNDECIDED
    return Verdict.NO_COUNTEREXAMPLE


def _reason(verdict: Verdict, examinations: list[Examination], trouble: str) -> str:
    if verdict.refuted:
        return "a witness, which plain calls of f confirm"
    if verdict.name.startswith("SUSPECTED"):
        return next((e.curious for e in examinations if e.curious), "a gap that could not be told from rounding")
    if verdict is Verdict.UNDECIDED:
        return trouble + "; choose a domain on which f is finite" if trouble else "no criterion for this property yet"
    return "nothing violated, nothing proved"


def _constants(examined: dict[str, Examination]) -> tuple[Bound, Bound]:
    """Sampled bounds for f: mu from above, L from below."""
    rows = [(r.mu, r.L) if shape == "convex" else (-r.L, -r.mu) for shape, e in examined.items() for r in e.rows]
    mu, L = min(r[0] for r in rows), max(r[1] for r in rows)
    return Bound(upper=mu), Bound(lower=L)


def _kappa(mu: Bound, L: Bound) -> Bound:
    """kappa >= (lower bound on L)/(upper bound on mu) if mu can be positive; else there is no finite kappa."""
    return Bound(lower=max(1.0, L.lower / mu.upper) if 0 < mu.upper < np.inf and L.lower > -np.inf else np.inf)
