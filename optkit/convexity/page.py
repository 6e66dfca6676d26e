"""A convexity report as one HTML page that needs nothing else: no network, no scripts; pictures inside."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Iterator
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from .criteria.turned import Logarithm
from .paste import pasteable
from .properties import SHAPES
from .verdict import Bound
from .witness import Witness
from .wording import (
    attained,
    decides,
    examined,
    heading,
    in_the_way,
    method,
    named_domain,
    outcome,
    place,
    stopped,
    title,
    trouble,
)

if TYPE_CHECKING:
    from .report import ConvexityReport, Examination
    from .steps import Step

WHOLE = 1_000_000     # entries of an array that are written out in the snippet
NUMBER = ' class="number"'
OPEN = 3              # levels of the tree that are unfolded at first
PROVED, REFUTED, OTHER = "#0072B2", "#D55E00", "#666666"      # Okabe & Ito 2008: told apart with any colour vision

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin-top: 2rem }
.verdict { color: #fff; border-radius: .3rem; padding: .15rem .6rem; white-space: nowrap }
table { border-collapse: collapse; margin: .6rem 0 } th, td { text-align: left; padding: .15rem .9rem .15rem 0 }
th { border-bottom: 2px solid #999; font-weight: 600 } td { border-bottom: 1px solid #ddd; vertical-align: top }
td.number { text-align: right; font-variant-numeric: tabular-nums }
pre { background: #f4f4f4; padding: .8rem; overflow-x: auto; user-select: all }
code, .place { font-family: ui-monospace, monospace; font-size: .9em } .place, .note { color: #666 }
details { margin-left: 1.1rem } .leaf { margin-left: 2.2rem } img { max-width: 100% } summary { cursor: pointer }
"""


def page(report: ConvexityReport) -> str:
    """The whole document."""
    body = "\n".join(filter(None, [
        _head(report), _shown(report), _witness(report), _picture(report), _constants(report),
        *(_criteria(e, report) for e in report.examinations), _foot(report)]))
    name = escape(heading(report)[:120])
    return (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{name}</title>'
            f"<style>{STYLE}</style></head>\n<body>\n{body}\n</body></html>\n")


def _head(report: ConvexityReport) -> str:
    out = [f"<h1>{_badge(report.verdict)} on {escape(named_domain(report))}</h1>", f"<p>{escape(report.reason)}.</p>"]
    if len(report.verdicts) > 1:
        rows = [(escape(name), _badge(v)) for name, v in report.verdicts.items()]
        out.append(_table(("property", "verdict"), rows))
    return "\n".join(out)


def _badge(verdict: Any) -> str:
    colour = PROVED if verdict.proved else REFUTED if verdict.refuted else OTHER
    return f'<span class="verdict" style="background:{colour}">{escape(title(verdict))}</span>'


# --- proofs -----------------------------------------------------------------------------------------------------------


def _shown(report: ConvexityReport) -> str:
    """For each property how it was proved, or why not and what would decide it; and the tree of operations."""
    out = []
    for name, verdict in report.verdicts.items():
        proof = report.proofs.get(name)
        if verdict.proved and proof is not None:
            said = f"<p>{escape(method(proof))}. <code>verify(report.proofs[{escape(repr(name))}], f, domain)</code> " \
                   "checks it again.</p>"
        elif verdict.refuted:
            said = ""
        else:
            said = f"<p>No proof: {escape(stopped(report, name))}.<br>What would decide it: " \
                   f"{escape(decides(report, name))}.</p>"
        if proof is not None and proof.hindrance is not None and not proof.proved:
            said += f"<p>The operation in the way: {escape(in_the_way(proof))}</p>"
        if proof is not None and proof.operations is not None:
            of = proof.shown_of
            said += (f'<p class="note">The operations of {of}; [a, b] bounds the curvature that each adds.</p>\n'
                     + _tree(proof.operations))
        out.append(f"<h2>Is it {escape(name)}?</h2>\n{said}" if said else "")
    return "\n".join(filter(None, out))


def _tree(tree: Step) -> str:
    """Nested <details>; a part that stands below several operations is written out once."""
    out: list[str] = []
    depths: list[int] = []
    for depth, step, number, again in tree.told():
        while depths and depths[-1] >= depth:
            out.append("</details>")
            depths.pop()
        mark = f"({number}) " if number else ""
        where, _, source = step.line.partition("  ")
        text = f"{mark}as above" if again else f"{mark}{step}"
        line = f'{escape(text)} <span class="place" title="{escape(source)}">{escape(where)}</span>'
        if step.parts and not again:
            out.append(f"<details{' open' * (depth < OPEN)}><summary>{line}</summary>")
            depths.append(depth)
        else:
            out.append(f'<div class="leaf">{line}</div>')
    return "\n".join([*out, *["</details>"] * len(depths)])


# --- witness ----------------------------------------------------------------------------------------------------------


def _witness(report: ConvexityReport) -> str:
    w = report.witness
    if w is None:
        return ""
    standing = f"rounding at most {w.bound:.2g} by {w.how}" if w.verified else f"not verified by {w.how}"
    return (f"<h2>Witness</h2>\n<p>A gap of {w.gap:.6g} ({escape(standing)}). The lines below compute it again "
            f"by plain calls.</p>\n<pre>{escape(snippet(w))}</pre>")


def snippet(w: Any) -> str:
    """Python that computes the gap again, f being the function that was examined."""
    lines = [*_imported(w.f.f if isinstance(w.f, Logarithm) else w.f)]
    if hasattr(w, "coefficients"):
        names = [f"p{k}" for k in range(1, len(w.points) + 1)]
        points = zip(names, w.points.items(), strict=True)
        lines += [f"{name} = {_written(name, p)}    # {said}" for name, (said, p) in points]
        sums = [" + ".join(f"{c!r} * f({name})" for c, name in zip(row, names, strict=True)) for row in w.coefficients]
        return "\n".join([*lines, f"print({sums[0] if len(sums) == 1 else 'min(' + ', '.join(sums) + ')'})"
                          f"    # {w.gap!r}: {w.claim}"])
    if not isinstance(w, Witness):
        return "\n".join([*w.lines(), "print(report.witness.recheck())"])
    names = [*"xyuvw"[:len(w.points)], "z"]
    lines += [f"{name} = {_written(name, p)}" for name, p in zip(names, [*w.points, w.middle], strict=True)]
    f = {name: f"np.log(f({name}))" if isinstance(w.f, Logarithm) else f"f({name})" for name in names}
    chord = " + ".join(f"{c!r} * {f[name]}" for c, name in zip(w.weights, names, strict=False))
    gap = f"{f['z']} - ({chord})" if w.shape == "convex" else f"({chord}) - {f['z']}"
    return "\n".join([*lines, f"print({gap})    # {w.gap!r} > 0: {examined(w)} is not {w.shape}"])


def _written(name: str, point: Any) -> str:
    return pasteable(point, len(name) + 3, WHOLE)


def _imported(f: Any) -> Iterator[str]:
    yield "import numpy as np"
    name, module = getattr(f, "__qualname__", ""), getattr(f, "__module__", None)
    if module and name.isidentifier() and module not in ("__main__", "builtins"):
        yield f"from {module} import {name} as f"
    else:
        yield "# f is the function that was examined"


# --- the rest ---------------------------------------------------------------------------------------------------------


def _picture(report: ConvexityReport) -> str:
    stream = io.BytesIO()
    try:
        report.plot(stream)
    except ValueError:          # nothing to draw
        return ""
    data = base64.b64encode(stream.getvalue()).decode("ascii")
    return f'<h2>Picture</h2>\n<img alt="slice through the witness, and curvature" src="data:image/png;base64,{data}">'


def _constants(report: ConvexityReport) -> str:
    rows = []
    for name in ("mu", "L", "kappa"):
        at = attained(report, name) if name != "kappa" else None
        rows.append((name, *_sides(getattr(report, name)), "" if at is None else escape(place(report.domain, at))))
    found = report.bending
    bends = "" if found is None or not found.wrong.any() else (
        f"<p>f bends the wrong way at {found.wrong.sum()} of {len(found.X)} points looked at.</p>")
    return (f"<h2>Constants</h2>\n{bends}" + _table(("", "at least", "at most", "met at"), rows)
            + '<p class="note">mu I ⪯ Hessian ⪯ L I on the domain, kappa = L/mu; so f − mu/2 |x|² is convex.</p>')


def _sides(bound: Bound) -> Iterator[str]:
    for value, sure in ((bound.lower, bound.certified_lower), (bound.upper, bound.certified_upper)):
        standing = "certified" if sure else "sampled"
        yield f'{value:.6g} <span class="note">({standing})</span>' if np.isfinite(value) else "–"


def _criteria(e: Examination, report: ConvexityReport) -> str:
    rows = [(escape(r.name), escape(outcome(r, e, report)), f"{r.trials}", f"{r.pushed}",
             f"{escape(r.quantity)} {r.worst:.4g}" if np.isfinite(r.worst) else "", escape(r.note)) for r in e.rows]
    about = "" if SHAPES[e.shape].sign > 0 else " on −f"
    return (f"<h2>Criteria{about}</h2>\n" + _table(("criterion", "outcome", "trials", "pushed", "worst", ""), rows)
            + f'<p class="note">{escape(e.statistics)}.</p>')


def _foot(report: ConvexityReport) -> str:
    c = report.counts
    told = " ".join(line.strip() for line in trouble(report))
    return "\n".join([f"<p>{escape(told)}</p>" if told else "",
                      f'<p class="note">{c.nfev} values, {c.njev} gradients, {c.nhev} Hessian products in '
                      f"{report.seconds:.2g} s; derivatives {escape(report.derivatives)}; seed {report.seed}.</p>"])


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Cells are HTML already."""
    body = "".join("<tr>" + "".join(f'<td{NUMBER * cell.isdigit()}>{cell}</td>' for cell in row) + "</tr>"
                   for row in rows)
    return f"<table><thead><tr>{''.join(f'<th>{name}</th>' for name in head)}</tr></thead><tbody>{body}</tbody></table>"
