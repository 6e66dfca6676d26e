"""A convexity report as text: the verdict, what shows it or what stands in the way, constants, and what was tried."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from .bending import region_of
from .criteria import CRITERIA
from .criteria.turned import Logarithm
from .domains import Simplex
from .implications import WAYS
from .paste import brief, pasteable
from .properties import SHAPES
from .steps import shortened
from .verdict import Bound, Verdict
from .witness import Witness

if TYPE_CHECKING:
    from .proof import Proof
    from .report import ConvexityReport, Examination
    from .search import Row

WIDTH = 110          # characters in a printed line
LABEL = 14           # of them for the word that says what a line is about
TREE = 12            # lines of a proof's tree that are printed
HUGE = 1e12          # a condition number beyond it is hardly told from an infinite one
NEAR = 1e-3          # relative: an eigenvalue so near to a constant says where that is met
STRONGER = "a proof that gives mu > 0: f less a multiple of |x|^2 has to be shown convex"


def lines(report: ConvexityReport) -> list[str]:
    """The whole text."""
    first = next(iter(report.verdicts))
    out = textwrap.wrap(heading(report), WIDTH, subsequent_indent="    ", break_long_words=False)
    if len(report.verdicts) > 1:
        out += entry("verdicts", ", ".join(f"{name}: {title(v)}" for name, v in report.verdicts.items()))
    if report.unsteady:
        return [*out, *entry("to decide", "an f that depends on its argument alone: fix the seed of what is random in "
                             "it, or take a mean"), "", *tried(report)]
    if report.witness is not None:
        out += witness_lines(report.witness)
    out += shown(report, first) if report.verdict.proved else []
    out += curvature(report)
    if report.verdict.proved and report.domain.label != report.domain.set_label:
        out += entry("samples", f"on {report.domain.label}")
    for name, verdict in report.verdicts.items():
        if name != first or not verdict.proved:
            out += standing(report, name)
    out += [*constants(report), *trouble(report)]
    for e in report.examinations:
        out += ["", *criteria(e, report)]
    return [*out, "", *tried(report)]


def heading(report: ConvexityReport) -> str:
    remark = " (not a proof)" * (report.verdict is Verdict.NO_COUNTEREXAMPLE)
    return f"{title(report.verdict)}{remark} on {named_domain(report)}: {report.reason}"


def named_domain(report: ConvexityReport) -> str:
    """What is proved is so on all of the set, all else was searched for in its window."""
    return report.domain.set_label if report.verdict.proved else report.domain.label


def title(verdict: Verdict) -> str:
    return verdict.value.replace("_", " ")


def entry(label: str, text: str) -> list[str]:
    """A paragraph beside its label; nothing for an empty one."""
    head = f"  {label}".ljust(LABEL) if len(label) < LABEL - 2 else f"  {label}  "
    return textwrap.wrap(text, WIDTH, initial_indent=head, subsequent_indent=" " * LABEL, break_long_words=False,
                         break_on_hyphens=False) if text else []


# --- what shows it ----------------------------------------------------------------------------------------------------


def shown(report: ConvexityReport, name: str) -> list[str]:
    """How a property was proved, and the head of the tree of operations."""
    proof = report.proofs.get(name)
    if proof is None:
        return []
    how = method(proof).removeprefix(proof.how).strip(" ,") if report.reason.startswith(proof.how) else method(proof)
    out = entry("proof", f"{how}; verify(report.proofs[{name!r}], f, domain) checks it again")
    if proof.operations is None:
        return out
    tree = list(islice(proof.operations.lines(), TREE + 1))
    cut = len(tree) > TREE
    out += [" " * LABEL + _cut(line) for line in tree[:TREE - cut]]
    if cut:
        all_of_them = len(list(proof.operations.lines()))
        out.append(" " * LABEL + f"… print(report.proofs[{name!r}]) shows all {all_of_them} lines")
    to = "" if proof.shown_of == "f" else f" to {proof.shown_of}"
    return out + entry("", f"([a, b] bounds the curvature that an operation adds{to})")


def method(proof: Proof) -> str:
    boxes = counted(proof)
    what = "" if proof.of == "f" else f"{proof.of} is {_adjective(proof.property)}: "
    return f"{what}{proof.how}, " + ("" if boxes in proof.how else f"{boxes}, ") + f"{proof.seconds:.2g} s"


def counted(proof: Proof) -> str:
    return f"{proof.boxes} box" + "es" * (proof.boxes != 1)


def witness_lines(w: Any) -> list[str]:
    if not isinstance(w, Witness):
        return w.lines()
    return segment_lines(w, "report.witness")


def segment_lines(w: Witness, called: str) -> list[str]:
    """A segment on which f lies above its chord. called : the witness as the reader can name it."""
    names = "xyuvw"[:len(w.points)]
    f = examined(w)
    chord = " + ".join(f"{c:g} {f}({name})" for c, name in zip(w.weights, names, strict=True))
    gap = f"{f}(z) - ({chord})" if w.shape == "convex" else f"({chord}) - {f}(z)"
    rounding = f"rounding at most {w.bound:.2g} by {w.how}" if w.verified else f"NOT verified by {w.how}"
    points = [f"{name} = {pasteable(p)}" for name, p in zip([*names, "z"], [*w.points, w.middle], strict=True)]
    return [*entry("witness", f"{gap} = {w.gap:.6g} > 0; {rounding}"), *[" " * LABEL + p for p in points],
            " " * LABEL + f"{called}.recheck() computes it again by plain calls"]


def examined(w: Any) -> str:
    """What a witness is about: f itself, or log f."""
    return "log f" if isinstance(w.f, Logarithm) else "f"


def curvature(report: ConvexityReport) -> list[str]:
    """Eigenvalues met, and where those are that contradict the property."""
    found = report.bending
    if found is None:
        return []
    domain, (low, high) = report.domain, found.range
    word, extreme = ("down", "lowest") if found.sign > 0 else ("up", "highest")
    out = (f"eigenvalues of the Hessian from {low:.4g} to {high:.4g} at {found.met} points; the {extreme} at "
           f"{place(domain, found.worst)}")
    if found.wrong.any():
        out += f". f bends {word} at {found.wrong.sum()} of {len(found.X)} points"
        if found.wrong.sum() > domain.n:        # fewer do not tell where
            where = region_of(found, domain)
            out += f", all of them where {where}" if where else ", spread over the domain"
    return entry("curvature", out)


# --- what is not shown ------------------------------------------------------------------------------------------------


def standing(report: ConvexityReport, name: str) -> list[str]:
    """Of a property that was not proved: why the proof stopped, at which operation, and what would decide it."""
    verdict, proof = report.verdicts[name], report.proofs.get(name)
    several = len(report.verdicts) > 1
    about = f"{name}: " if several else ""
    if verdict.proved:
        return entry("proof", about + method(proof)) if proof is not None else []
    out = [] if verdict.refuted else entry("no proof", about + stopped(report, name))
    if proof is not None and proof.hindrance is not None and not proof.proved:
        if not verdict.refuted or name == next(iter(report.verdicts)):
            out += entry("culprit" if verdict.refuted else "in the way", about + in_the_way(proof))
    return out + ([] if verdict.refuted else entry("to decide", about + decides(report, name)))


def in_the_way(proof: Proof) -> str:
    """The operation of the least weight, what it adds, and its line."""
    step = proof.hindrance
    assert step is not None
    added = "" if step.weight == (-np.inf, np.inf) else " adds curvature in [{:.4g}, {:.4g}]".format(*step.weight)
    to = "" if proof.shown_of == "f" else f" to {proof.shown_of}"
    return f"{step.said}{added and ',' + added + to}   {shortened(step.line)}".rstrip()


def stopped(report: ConvexityReport, name: str) -> str:
    """Why there is no proof of a property."""
    proof = report.proofs.get(name)
    if proof is None:
        return "none was looked for (prove=False)" if name in WAYS else f"no way is known here to prove f {name}"
    if proof.proved:
        shown = f"{proof.of} was shown {_adjective(proof.verdict.value[7:].lower().replace('_', ' '))}"
        return f"{shown} with mu {_side(proof)}, which is not enough"
    effort = f" ({counted(proof)} in {proof.seconds:.2g} s)" if proof.boxes else ""
    return f"{'' if proof.of == 'f' else f'of {proof.of}: '}{proof.undecided}{effort}"


def decides(report: ConvexityReport, name: str) -> str:
    """What would settle it, beyond more searching."""
    proof = report.proofs.get(name)
    if interior(report):
        return interior(report)
    if report.verdicts[name] is Verdict.UNDECIDED and report.trouble:
        return "a domain on which f is finite" + (f": {report.natural}" if report.natural else "")
    if proof is None:
        return "prove=True" if name in WAYS else "a derivation by hand; a larger budget looks harder for a witness"
    if proof.proved:
        return STRONGER if name in ("strongly convex", "strictly convex") else "a derivation by hand"
    return proof.decides


def _side(proof: Proof) -> str:
    return f">= {proof.mu.lower:.4g}" if np.isfinite(proof.mu.lower) else "unknown"


def _adjective(name: str) -> str:
    return name or "convex"


# --- numbers ----------------------------------------------------------------------------------------------------------


def constants(report: ConvexityReport) -> list[str]:
    """mu, L and kappa with both sides, and where the sampled ones were met."""
    kappa = "infinite, since mu <= 0" if report.mu.upper <= 0 else \
        f"unbounded or very large: {report.kappa}" if HUGE < report.kappa.lower < np.inf else str(report.kappa)
    if not any(np.isfinite([report.mu.lower, report.mu.upper, report.L.lower, report.L.upper])):
        return []
    out = []
    for name, bound, at in (("mu", report.mu, attained(report, "mu")), ("L", report.L, attained(report, "L"))):
        out += entry(name, f"{bound}" + (f"; met at {place(report.domain, at)}" if at is not None else ""))
    return [*out, *entry("kappa", kappa),
            *entry("", "(mu I <= Hessian <= L I on the domain, kappa = L/mu; factor 1/2: f - mu/2 |x|^2 is convex)")]


def trouble(report: ConvexityReport) -> list[str]:
    """Where f is not finite, and where it is defined."""
    told = [report.trouble] if report.trouble not in report.reason else []
    if any(told) and report.verdict.proved and not report.natural:
        told.append("the proof is about real arithmetic, where nothing overflows")
    inner = interior(report)
    told += [f"look at {inner}"] if inner else \
        [report.natural] if report.natural and report.verdict is not Verdict.UNDECIDED else []
    return entry("natural domain", "; ".join(told)) if told and any(told) else []


def interior(report: ConvexityReport) -> str:
    """The domain without its boundary, where f is not finite only there and such a domain exists; else ""."""
    domain = report.domain
    closed = isinstance(domain, Simplex) and not domain.interior
    return f"Simplex({domain.n}, interior=True), without the boundary" if closed and report.on_edge else ""


def attained(report: ConvexityReport, name: str) -> np.ndarray | None:
    """The flat point at which the sampled side of mu or L was met, where it is known."""
    def side(bound: Bound) -> float:
        return bound.upper if name == "mu" else -bound.lower

    found, limit = report.bending, side(getattr(report, name))
    known = [(side(getattr(p, name)), at) for p in report.proofs.values() if p.of == "f"
             if (at := getattr(p, f"{name}_at")) is not None and np.all((at >= report.domain.lower)
                                                                        & (at <= report.domain.upper))]
    if found is not None:
        known.append((found.range[0], found.lowest) if name == "mu" else (-found.range[1], found.highest))
    near = [at for value, at in known if at is not None and value <= limit + NEAR * abs(limit) and np.isfinite(value)]
    return near[0] if near else None


def place(domain: Any, x: np.ndarray) -> str:
    """A flat point as the argument of f, for people."""
    return brief(domain.unravel(x))


def outcome(row: Row, e: Examination, report: ConvexityReport) -> str:
    """The row's word; what samples do not show may be proved, and what is proved they violate by rounding alone."""
    proved = report.mu.lower if report.mu.certified_lower else -np.inf
    if SHAPES[e.shape].sign < 0:
        proved = -report.L.upper if report.L.certified_upper else -np.inf
    if row.name == "strong convexity" and row.outcome == "not shown" and proved > 0:
        return "proved"
    return "rounding" if row.outcome == "unconfirmed" and row.name in CRITERIA and proved >= 0 else row.outcome


def criteria(e: Examination, report: ConvexityReport) -> Iterator[str]:
    """The table of criteria, and what the samples entitle one to say."""
    head = "criterion" if SHAPES[e.shape].sign > 0 else "criterion on -f"
    yield f"  {head:<22}{'outcome':<13}{'trials':>8}{'pushed':>8}   worst"
    for r in e.rows:
        worst = f"{r.quantity} {r.worst:.4g}" if np.isfinite(r.worst) else ""
        yield f"  {r.name:<22}{outcome(r, e, report):<13}{r.trials:>8}{r.pushed:>8}   {worst}".rstrip()
        yield from textwrap.wrap(r.note, WIDTH, initial_indent=" " * 20, subsequent_indent=" " * 20)
    yield from textwrap.wrap(f"statistics: {e.statistics}.", WIDTH, initial_indent="  ", subsequent_indent="    ")


def tried(report: ConvexityReport) -> list[str]:
    c = report.counts
    out = textwrap.wrap(f"{c.nfev} values, {c.njev} gradients, {c.nhev} Hessian products in {report.seconds:.2g} s; "
                        f"derivatives {report.derivatives}; seed {report.seed}", WIDTH, initial_indent="  ",
                        subsequent_indent="    ")
    return out + (["  maxtime cut the search short: f is slow; raise maxtime to look harder"] if report.hurried else [])


def _cut(line: str) -> str:
    room = WIDTH - LABEL + 10
    return line if len(line) <= room else line[:room - 1] + "…"
