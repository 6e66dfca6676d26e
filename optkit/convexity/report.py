"""What was found, for people (print), programs (attributes, to_json) and eyes (plot)."""

from __future__ import annotations

import json
import math
import textwrap
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .domains import Region
from .oracle import Counts
from .search import Row
from .verdict import Bound, Verdict
from .witness import Witness

CONFIDENCE_DELTA = 0.05
WIDTH = 110  # characters in a printed line
NOUN = {"convex": "convexity", "concave": "concavity"}


@dataclass(frozen=True, eq=False)
class Examination:
    """The criteria applied to f (shape "convex") or to −f (shape "concave").

    segments, violations : independent segments drawn under the region's law, and how many showed a gap above rounding.
    eigenvalues : (smallest, largest) of the Hessian of f at each point where it was looked at.
    """

    shape: str
    rows: tuple[Row, ...]
    witness: Witness | None
    suspicion: Witness | None
    curious: str
    segments: int
    violations: int
    eigenvalues: tuple[tuple[float, float], ...] = field(repr=False)
    hurried: bool

    @property
    def statistics(self) -> str:
        """What the independent segments entitle one to say, and nothing more."""
        if self.segments == 0:
            return "no segment could be drawn on which f is finite"
        if self.violations:
            return f"{self.violations} of {self.segments} independent random segments show a gap above rounding"
        fraction = math.log(1 / CONFIDENCE_DELTA) / self.segments
        return (f"after {self.segments} independent random segments without a violation, at most {fraction:.2%} of "
                f"segments violate {NOUN[self.shape]}, at {1 - CONFIDENCE_DELTA:.0%} confidence and under that law; "
                f"trials pushed to the worst carry no probability, and none of this implies that f is {self.shape}")


@dataclass(frozen=True, eq=False)
class ConvexityReport:
    """verdict : on the first property asked; `verdicts` : on each. reason : what the verdict rests on.

    witness : points that refute, or (not `verified`) are suspected to; or None.
    mu, L : mu I ⪯ ∇²f ⪯ L I on the domain; kappa = L/mu. Sampling bounds mu from above, L and kappa from below, and
    certifies nothing. examinations : of f, of −f, or both, with their rows. trouble : where f is not finite (or "").
    derivatives : how they were had. hurried : whether maxtime cut the search short.
    """

    verdict: Verdict
    verdicts: dict[str, Verdict]
    reason: str
    witness: Witness | None
    mu: Bound
    L: Bound
    kappa: Bound
    examinations: tuple[Examination, ...]
    trouble: str
    derivatives: str
    domain: Region
    counts: Counts
    hurried: bool
    seconds: float
    seed: int

    @property
    def rows(self) -> tuple[Row, ...]:
        """One row a criterion, of the first examination."""
        return self.examinations[0].rows

    @property
    def statistics(self) -> str:
        return self.examinations[0].statistics

    def to_json(self) -> str:
        """Everything above as JSON text; numbers that are not finite become null."""
        return json.dumps({
            "verdict": self.verdict.value, "verdicts": {k: v.value for k, v in self.verdicts.items()},
            "reason": self.reason, "domain": self.domain.label, "witness": self.witness and self.witness.to_json(),
            **{name: {k: jsonable(v) for k, v in vars(getattr(self, name)).items()} for name in ("mu", "L", "kappa")},
            "criteria": {e.shape: [{k: jsonable(v) for k, v in row._asdict().items()} for row in e.rows]
                         for e in self.examinations},
            "statistics": {e.shape: e.statistics for e in self.examinations}, "trouble": self.trouble,
            "derivatives": self.derivatives, **self.counts._asdict(),
            "hurried": self.hurried, "seconds": self.seconds, "seed": self.seed}, indent=2)

    def plot(self, path: str | None = None) -> Any:
        """A matplotlib figure, saved to `path` if given: the slice through the witness, and the eigenvalues met."""
        from optkit.plots.convexity import convexity
        return convexity(self, path=path)

    def __str__(self) -> str:
        return "\n".join(_lines(self))


def jsonable(value: Any) -> Any:
    """Nested arrays as lists; numbers that are not finite as None."""
    if isinstance(value, dict):
        return {k: jsonable(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(v) for v in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return jsonable(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _lines(report: ConvexityReport) -> list[str]:
    c = report.counts
    lines = [f"{_title(report.verdict)} on {report.domain.label}: {report.reason}"]
    if len(report.verdicts) > 1:
        lines.append("  verdicts    " + ", ".join(f"{name}: {_title(v)}" for name, v in report.verdicts.items()))
    if report.witness is not None:
        lines += _witness_lines(report.witness)
    for e in report.examinations:
        lines += ["", *_examination_lines(e)]
    kappa = "infinite, since mu <= 0" if report.mu.upper <= 0 else str(report.kappa)
    lines += ["", f"  mu {report.mu}   L {report.L}   kappa {kappa}",
              "  (mu I <= Hessian <= L I on the domain, kappa = L/mu; factor 1/2: f - mu/2 |x|^2 is convex)"]
    if report.trouble:
        lines.append(f"  natural domain: {report.trouble}")
    lines.append(f"  {c.nfev} values, {c.njev} gradients, {c.nhev} Hessian products in {report.seconds:.2g} s; "
                 f"derivatives {report.derivatives}; seed {report.seed}")
    if report.hurried:
        lines.append("  maxtime cut the search short: f is slow; raise maxtime to look harder")
    return lines


def _examination_lines(e: Examination) -> list[str]:
    head = "criterion" if e.shape == "convex" else "criterion on -f"
    lines = [f"  {head:<18}{'outcome':<13}{'trials':>8}{'pushed':>8}   worst"]
    for r in e.rows:
        worst = f"{r.quantity} {r.worst:.4g}" if np.isfinite(r.worst) else ""
        lines.append(f"  {r.name:<18}{r.outcome:<13}{r.trials:>8}{r.pushed:>8}   {worst}")
        lines += textwrap.wrap(r.note, WIDTH, initial_indent=" " * 20, subsequent_indent=" " * 20)
    return lines + textwrap.wrap(f"statistics: {e.statistics}.", WIDTH, initial_indent="  ", subsequent_indent="    ")


def _title(verdict: Verdict) -> str:
    return verdict.value.replace("_", " ")


def _witness_lines(w: Witness) -> list[str]:
    chord = " + ".join(f"{c:g} f({name})" for c, name in zip(w.weights, "xyuvw", strict=False))
    sign = "f(z) - chord" if w.shape == "convex" else "chord - f(z)"
    rounding = f"rounding at most {w.bound:.2g} by {w.how}" if w.verified else f"NOT verified by {w.how}"
    shown = [f"              {name} = {_short(p)}" for name, p in zip("xyuvw", w.points, strict=False)]
    return [f"  witness     {sign} = {w.gap:.6g} ({rounding})", f"              chord = {chord}", *shown,
            f"              z = {_short(w.middle)}   report.witness.recheck() recomputes it"]


def _short(x: Any) -> str:
    if isinstance(x, (dict, list, tuple)):
        return repr(jsonable(x))[:100]
    return np.array2string(np.asarray(x), precision=8, threshold=8, edgeitems=3).replace("\n", "\n" + " " * 18)
