"""The front door: examine a function, and say what follows."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from .alone import BUDGET, MAXTIME, Alone, skipped, with_witness
from .arguments import Restriction, check_limits, restrictions
from .criteria import CRITERIA, FURTHER
from .domains import Region
from .implications import proof_of, verdict_of
from .oracle import Oracle, ravel
from .proof import Proof
from .properties import PROPERTIES, SHAPES, Property
from .report import ConvexityReport, Examination
from .search import Row, Search
from .verdict import Bound, Verdict
from .witness import Witness

SMALLEST_BUDGET = 200
SLOW = 0.01              # seconds for a call that need not be timed again
RESTRICTIONS = 4         # values at which arguments that are neither varied nor fixed are held
FIRST_SHARE, SECOND_SHARE = 0.1, 0.4     # of maxtime, for proofs before and after the search
FIRST_MOST, SECOND_MOST = 1.0, 20.0      # seconds for them all the same
FURTHER_SHARE = 0.15     # of what the usual criteria cost together, for each further one


class Finding(NamedTuple):
    """What one examination, or one row, says about a property. curious : why it is suspected all the same."""

    witness: Any
    suspicion: Any
    curious: str
    tried: bool
    note: str


def check(f: Callable[..., Any], domain: Any, properties: Sequence[str] = ("convex",), *, args: tuple = (),
          vary: Any = None, fix: Any = None, criteria: Sequence[str] = (), budget: int = BUDGET, seed: int = 0,
          maxtime: float = MAXTIME, prove: bool = True) -> ConvexityReport:
    """Prove or refute that f has the properties on the domain; bound mu, L and kappa on the way.

    f : plain NumPy, x -> real number. domain : a region, such as Box(-2, 2, shape=10), or for several arguments a tuple
    or dict of regions. properties : of `PROPERTIES`, such as "convex", "strictly convex", "affine", "quasiconvex",
    "log-concave". args : further positional arguments of f. vary, fix : names (or positions) of the arguments examined
    jointly, and {name: value} of those held; the rest is held at a few values drawn from its regions, and the report is
    on the worst of them.
    criteria : further rows by name, of `FURTHER`, or "all" that are about convexity; they look at −f where the first
    property is about concavity.
    budget : calls of f spent on each of f and −f, a gradient or Hessian product weighing two. maxtime : seconds, shared
    out like the budget, which the time of one call cuts beforehand; overrun by a few calls.
    prove : whether a proof is looked for, first with little time, again where nothing refuted f and time was short.
    PROVED_ verdicts come with a Proof in `proofs`, NOT_ verdicts with a verified witness; NO_COUNTEREXAMPLE is neither.
    Raises TypeError or ValueError on wrong arguments, and whatever f raises at the centre of the domain.
    """
    properties = (properties,) if isinstance(properties, str) else tuple(properties)
    check_arguments(domain, budget, maxtime, seed)
    asked = [PROPERTIES[p] for p in _known("properties", properties, PROPERTIES)]
    further = _further(asked, criteria)
    called = (lambda *x, **named: f(*x, *args, **named)) if args else f
    found = restrictions(called, domain, vary, fix, RESTRICTIONS, np.random.default_rng(seed))
    reports = []
    for part in found:
        reports.append(_report(part, properties, further, budget // len(found), seed, maxtime / len(found), prove))
        if reports[-1].verdict.refuted:
            break
    worst = min(reports, key=lambda report: _standing(report.verdict))
    return _of_draws(worst, len(found)) if len(found) > 1 else worst


def _of_draws(report: ConvexityReport, draws: int) -> ConvexityReport:
    """What is proved with other arguments held at drawn values is not proved for all of their values."""
    weaker = {p: Verdict.NO_COUNTEREXAMPLE if v.proved else v for p, v in report.verdicts.items()}
    if weaker == report.verdicts:
        return report
    first = next(iter(weaker))
    reason = f"shown with the other arguments held at {draws} drawn values, not for all of them; {report.reason}"
    return replace(report, verdicts=weaker, verdict=weaker[first], reason=reason)


def _standing(verdict: Verdict) -> int:
    """Refuted, suspected, undecided, then the rest."""
    return [verdict.refuted, verdict.name.startswith("SUSPECTED"), verdict is Verdict.UNDECIDED, True].index(True)


def _report(restriction: Restriction, properties: tuple[str, ...], further: dict[str, tuple[str, ...]], budget: int,
            seed: int, maxtime: float, prove: bool) -> ConvexityReport:
    """The report on one function of one argument."""
    f, domain, fixed = restriction
    asked = [PROPERTIES[p] for p in properties]
    began = time.perf_counter()
    with np.errstate(all="ignore"):
        oracle = Oracle(f, domain)
        prove = prove and not oracle.unsteady
        short, long = min(FIRST_MOST, FIRST_SHARE * maxtime), min(SECOND_MOST, SECOND_SHARE * maxtime)
        attempts = {p: proof_of(f, domain, p, short / len(properties)) for p in properties * prove}
        settled = prove and all(shown for _, shown in attempts.values())
        starts = [proof.mu_at for proof, _ in attempts.values() if proof is not None and within(domain, proof.mu_at)]
        calls = affordable(oracle, domain, budget, maxtime / len(further))
        calls, full = (max(min(SMALLEST_BUDGET, calls), calls // 10), budget // 10) if settled else (calls, budget)
        examined = {shape: _examine(oracle, domain, shape, rows, calls, maxtime / len(further), seed, starts)
                    for shape, rows in further.items()}
        if oracle.unsteady:                     # perhaps seen only now
            attempts, examined = {}, {shape: _examine(oracle, domain, shape, rows, calls, 0.0, seed, ())
                                      for shape, rows in further.items()}
        for p, (proof, shown) in attempts.items():
            if not shown and proof is not None and proof.cut_short and not any(
                    found.witness for found in _findings(PROPERTIES[p], examined)):
                attempts[p] = proof_of(f, domain, p, long / len(properties))
    trouble = oracle.trouble.describe(domain.unravel)
    verdicts = {p: _verdict(p, _findings(PROPERTIES[p], examined), oracle, *attempts.get(p, (None, False)))
                for p in properties}
    proofs = {p: proof for p, (proof, _) in attempts.items() if proof is not None}
    first, proved = _findings(asked[0], examined), verdicts[properties[0]].proved
    mu, L = constants(examined, [_searched(proof, domain) for proof in proofs.values() if proof.of == "f"])
    held = f"; with {', '.join(f'{k} = {v!s:.40}' for k, v in fixed.items())} held" if fixed else ""
    why = oracle.unsteady or _reason(verdicts[properties[0]], first, trouble, proofs.get(properties[0]))
    return ConvexityReport(
        verdict=verdicts[properties[0]], verdicts=verdicts,
        reason=why + held,
        witness=next((w for e in first if (w := e.witness or (None if proved else e.suspicion))), None),
        mu=mu, L=L, kappa=_kappa(mu, L), examinations=tuple(examined.values()), trouble=trouble,
        derivatives="from the engine" if oracle.exact else f"by differences ({oracle.reason})", domain=domain,
        counts=oracle.counts, hurried=calls < full or any(e.hurried for e in examined.values()),
        seconds=time.perf_counter() - began, seed=seed, proofs=proofs, f=f,
        unsteady=oracle.unsteady)


def check_arguments(domain: Any, budget: Any, maxtime: Any, seed: Any) -> None:
    parts = domain.values() if isinstance(domain, dict) else domain if isinstance(domain, (tuple, list)) else [domain]
    if not parts or not all(isinstance(part, (Region, dict, tuple, list)) for part in parts):
        raise TypeError(f"check: domain must be a Box, Ball, PositiveOrthant or Domain, got {domain!r:.60}; "
                        "for example Box(-2, 2, shape=10)")
    if not (isinstance(budget, (int, np.integer)) and budget >= SMALLEST_BUDGET):
        raise ValueError(f"check: need a whole budget >= {SMALLEST_BUDGET}, got budget={budget!r}")
    check_limits("check", maxtime, seed)


def _known(what: str, names: tuple, table: Any) -> tuple:
    unknown = [name for name in names if name not in table]
    if unknown or not names:
        raise ValueError(f"check: {what} must be some of {', '.join(table)}, got {unknown or names}")
    return names


def _further(asked: list[Property], criteria: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """{shape to examine: rows beyond the usual ones}, in the order asked."""
    names = (criteria,) if isinstance(criteria, str) else tuple(criteria)
    about_convexity = tuple(name for name in FURTHER if name not in SHAPES and name not in ("affine", "L-natural"))
    names = about_convexity if names == ("all",) else names and _known("criteria", names, {**CRITERIA, **FURTHER})
    out: dict[str, tuple[str, ...]] = {}
    for prop in asked:
        for shape in prop.shapes:
            extra = prop.criteria if not SHAPES[shape].criterion else ()
            out[shape] = tuple(dict.fromkeys((*out.get(shape, ()), *extra)))
    first = next(iter(out))
    out[first] = tuple(dict.fromkeys((*out[first], *(n for n in names if n not in CRITERIA))))
    return out


def affordable(oracle: Oracle, domain: Region, budget: int, maxtime: float) -> int:
    """The budget, cut to what fits in maxtime by the time of a call at the centre."""
    times = [np.inf]
    for _ in range(3):
        began = time.perf_counter()
        oracle.value(domain.center)
        times.append(time.perf_counter() - began)
        if times[-1] > SLOW:
            break
    return int(np.clip(maxtime / max(min(times), 1e-9), 1, budget))


def _examine(oracle: Oracle, domain: Region, shape: str, further: tuple[str, ...], budget: int, seconds: float,
             seed: int, starts: Sequence[Any]) -> Examination:
    oracle.sign, own = SHAPES[shape].sign, SHAPES[shape].criterion
    if oracle.unsteady:
        rows = tuple(skipped(name, "f does not repeat") for name in (*([own] if own else CRITERIA), *further))
        return Examination(shape, rows, None, None, "", 0, 0, (), False)
    share = 1.0 / (1.0 + (1.0 if own else FURTHER_SHARE) * len(further))
    kind = Alone if own else Search
    search = kind(oracle, domain, np.random.default_rng(seed), int(share * budget), share * seconds)
    search.starts = starts
    usual = {own: FURTHER[own]} if own else CRITERIA
    rows = tuple(with_witness(criterion(search)._replace(name=name), search)
                 for name, criterion in {**usual, **{name: FURTHER[name] for name in further}}.items())
    found = _of_row(rows[0]) if own else Finding(search.witness, search.suspicion, search.curious, True, "")
    eigenvalues = tuple((a, b) if oracle.sign > 0 else (-b, -a) for a, b in search.eigenvalues)
    return Examination(
        shape=shape, rows=rows, witness=found.witness, suspicion=None if found.witness else found.suspicion,
        curious=found.curious, points=tuple(search.looked),
        segments=search.segments, violations=search.segment_violations, eigenvalues=eigenvalues,
        hurried=search.hurried)


def _of_row(row: Row) -> Finding:
    """What a row with a witness of its own says. "not shown" is about strong convexity."""
    refuted, doubtful = row.outcome == "violated", row.outcome in ("suspected", "unconfirmed", "not shown")
    curious = (row.note or f"{row.quantity} {row.worst:.3g}, which could not be verified") if doubtful else ""
    return Finding(row.witness if refuted else None, None if refuted else row.witness, curious,
                   row.outcome != "skipped", row.note)


def _findings(prop: Property, examined: dict[str, Examination]) -> list[Finding]:
    """What was found about a property: by the examinations as a whole, and by the further rows it counts on."""
    out = []
    for e in (examined[shape] for shape in prop.shapes):
        out.append(Finding(e.witness, e.suspicion, e.curious, e.segments > 0, e.rows[0].note))
        out += [_of_row(row) for row in e.rows if row.name in prop.criteria]
    return out


def _verdict(name: str, findings: list[Finding], oracle: Oracle, proof: Proof | None, shown: bool) -> Verdict:
    if any(f.witness for f in findings):
        return Verdict.UNDECIDED if shown else Verdict.of("NOT", name)
    if shown and proof is not None:
        return verdict_of(proof, name)
    if any(f.suspicion or f.curious for f in findings):
        return Verdict.of("SUSPECTED_NOT", name)
    if oracle.trouble.inside or not any(f.tried for f in findings):
        return Verdict.UNDECIDED
    return Verdict.NO_COUNTEREXAMPLE


def _reason(verdict: Verdict, findings: list[Finding], trouble: str, proof: Proof | None) -> str:
    if verdict is Verdict.UNDECIDED and proof is not None and any(f.witness for f in findings):
        return "a proof and a verified witness contradict each other: one of them is wrong, please report this function"
    if verdict.proved and proof is not None:
        return proof.how
    if verdict.refuted:
        return "a witness, which plain calls of f confirm"
    if verdict.name.startswith("SUSPECTED"):
        return next((f.curious for f in findings if f.curious), "a gap that could not be told from rounding")
    if verdict is Verdict.UNDECIDED:
        note = next((f.note for f in findings if f.note), "no trial could be made")
        return trouble + "; choose a domain on which f is finite" if trouble else note
    return "nothing violated, nothing proved"


def constants(examined: dict[str, Examination], proofs: Sequence[Proof]) -> tuple[Bound, Bound]:
    """Bounds for f: by proofs, and sampled ones, mu from above and L from below."""
    pairs = [(r.mu, r.L) if SHAPES[shape].sign > 0 else (-r.L, -r.mu)
             for shape, e in examined.items() for r in e.rows if r.outcome != "unconfirmed"]
    pairs += [_of_witness(e.witness) for e in examined.values() if isinstance(e.witness, Witness)]
    pairs += [(np.inf, -np.inf)]
    mu, L = Bound(upper=min(p[0] for p in pairs)), Bound(lower=max(p[1] for p in pairs))
    for proof in proofs:
        mu, L = _sharper(mu, proof.mu), _sharper(L, proof.L)
    return mu, L


def _of_witness(witness: Witness) -> tuple[float, float]:
    """(mu <=, L >=) by its gap: f(z) <= (f(x) + f(y))/2 − mu/8 ‖x − y‖² where mu is allowed; for a concave shape L."""
    x, y = (ravel(p)[0] for p in witness.points)
    bend = 8 * (witness.gap - witness.bound) / float((x - y) @ (x - y))
    if not (witness.verified and np.isfinite(bend)):
        return np.inf, -np.inf
    return (np.inf, bend) if witness.shape == "concave" else (-bend, -np.inf)


def _searched(proof: Proof, domain: Region) -> Proof:
    """Without the samples that it met beyond the window, or where numbers overflow or lose their digits."""
    out = proof
    if proof.mu_at is not None and not proof.mu.certified_upper and not within(domain, proof.mu_at):
        out = replace(out, mu=replace(proof.mu, upper=np.inf), mu_at=None)
    if proof.L_at is not None and not proof.L.certified_lower and not within(domain, proof.L_at):
        out = replace(out, L=replace(proof.L, lower=-np.inf), L_at=None)
    return out


def within(domain: Region, x: Any) -> bool:
    """Whether a flat point lies in the box that is searched, none of its coordinates subnormal."""
    return x is not None and bool(np.all((x >= domain.lower) & (x <= domain.upper)
                                         & ((x == 0) | (np.abs(x) >= np.finfo(float).tiny))))


def _sharper(a: Bound, b: Bound) -> Bound:
    """The better of both on either side; what is certified stands above what is sampled on the wrong side of it."""
    lower, sure_below = (b.lower, b.certified_lower) if b.lower > a.lower else (a.lower, a.certified_lower)
    upper, sure_above = (b.upper, b.certified_upper) if b.upper < a.upper else (a.upper, a.certified_upper)
    if lower > upper:                       # rounding of a sample
        lower, upper = (lower, lower) if sure_below else (upper, upper)
    return Bound(lower, upper, sure_below, sure_above)


def _kappa(mu: Bound, L: Bound) -> Bound:
    """L/mu, within (lower L)/(upper mu) and (upper L)/(lower mu), where mu can be positive; else there is none."""
    possible = 0 < mu.upper < np.inf and L.lower > -np.inf
    lower = max(1.0, L.lower / mu.upper) if possible else np.inf
    upper = L.upper / mu.lower if mu.lower > 0 else np.inf
    return Bound(lower, max(lower, upper), False, mu.certified_lower and L.certified_upper and np.isfinite(upper))
