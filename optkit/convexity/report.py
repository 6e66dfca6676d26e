"""What was found, for people (print), programs (attributes, to_json) and eyes (plot)."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from .bending import Bending, bending
from .domains import Region
from .natural import natural_domain
from .oracle import Counts, Vector
from .paste import jsonable
from .proof import Proof
from .properties import SHAPES
from .search import Row
from .verdict import Bound, Verdict
from .wording import attained, lines

CONFIDENCE_DELTA = 0.05


@dataclass(frozen=True, eq=False)
class Examination:
    """The criteria applied to f (shape "convex") or to −f (shape "concave").

    segments, violations : independent segments drawn under the region's law, and how many showed a gap above rounding.
    eigenvalues : (smallest, largest) of the Hessian of f at each of `points` (flat), where it was looked at.
    """

    shape: str
    rows: tuple[Row, ...]
    witness: Any
    suspicion: Any
    curious: str
    segments: int
    violations: int
    eigenvalues: tuple[tuple[float, float], ...] = field(repr=False)
    hurried: bool
    points: tuple[Vector, ...] = field(default=(), repr=False)

    @property
    def statistics(self) -> str:
        """What the independent segments entitle one to say, and nothing more."""
        units, noun = SHAPES[self.shape].unit, SHAPES[self.shape].noun
        if self.segments == 0:
            return f"no {units.replace('segments', 'segment')} could be drawn on which f is finite"
        if self.violations:
            return f"{self.violations} of {self.segments} independent random {units} show a gap above rounding"
        fraction = math.log(1 / CONFIDENCE_DELTA) / self.segments
        return (f"after {self.segments} independent random {units} without a violation, at most {fraction:.2%} of "
                f"{units} violate {noun}, at {1 - CONFIDENCE_DELTA:.0%} confidence and under that law; "
                f"trials pushed to the worst carry no probability, and none of this implies that f is {self.shape}")


@dataclass(frozen=True, eq=False)
class ConvexityReport:
    """verdict : on the first property asked; `verdicts` : on each. reason : what the verdict rests on.

    witness : points that refute, or (not `verified`) are suspected to; or None.
    mu, L : mu I ⪯ ∇²f ⪯ L I on the domain; kappa = L/mu. Sampling bounds mu from above, L and kappa from below, and
    certifies nothing; proofs do. proofs : {property: what was proved, or why nothing was}. examinations : of f, of −f,
    or both, with their rows. trouble : where f is not finite (or ""). f : what was examined, of one argument.
    derivatives : how they were had. unsteady : that f gave two values at one point, so that nothing follows; or "".
    hurried : whether maxtime cut the search short.
    """

    verdict: Verdict
    verdicts: dict[str, Verdict]
    reason: str
    witness: Any
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
    proofs: dict[str, Proof] = field(default_factory=dict)
    f: Callable[[Any], Any] | None = field(default=None, repr=False)
    unsteady: str = ""

    @property
    def rows(self) -> tuple[Row, ...]:
        """One row a criterion, of the first examination."""
        return self.examinations[0].rows

    @property
    def statistics(self) -> str:
        return self.examinations[0].statistics

    @cached_property
    def bending(self) -> Bending | None:
        """Where the Hessian was looked at, and where it refutes; None where it was not."""
        return bending(self)

    @property
    def on_edge(self) -> bool:
        """Whether values were met that are not finite, all of them on the boundary of the domain."""
        return "on its boundary" in self.trouble

    @cached_property
    def natural(self) -> str:
        """What `natural_domain` says, where values were met that are not finite; else ""."""
        return natural_domain(self.f, self.domain)[1] if self.trouble and self.f is not None else ""

    def to_json(self) -> str:
        """Everything above as JSON text, the proofs as `Proof.to_json` has them; numbers not finite become null.

        The domain is its label, and what `Region.to_json` gives where it is not known by functions alone.
        """
        return json.dumps({
            "verdict": self.verdict.value, "verdicts": {k: v.value for k, v in self.verdicts.items()},
            "reason": self.reason, "domain": self.domain.label, "region": _region(self.domain),
            "witness": self.witness and self.witness.to_json(),
            **{name: {k: jsonable(v) for k, v in vars(getattr(self, name)).items()} for name in ("mu", "L", "kappa")},
            "attained": {name: jsonable(attained(self, name)) for name in ("mu", "L")},
            "proofs": {name: json.loads(proof.to_json()) for name, proof in self.proofs.items()},
            "criteria": {e.shape: [{k: jsonable(v) for k, v in row._asdict().items()} for row in e.rows]
                         for e in self.examinations},
            "eigenvalues": {e.shape: [{"x": jsonable(x), "lowest": jsonable(low), "highest": jsonable(high)}
                                      for x, (low, high) in zip(e.points, e.eigenvalues, strict=False)]
                            for e in self.examinations},
            "statistics": {e.shape: e.statistics for e in self.examinations},
            "trouble": self.trouble, "unsteady": self.unsteady, "natural": self.natural,
            "derivatives": self.derivatives, **self.counts._asdict(),
            "hurried": self.hurried, "seconds": self.seconds, "seed": self.seed}, indent=2)

    def html(self, path: Any = None) -> str:
        """One page that needs nothing else, written to `path` if given: text, tables, proof, witness and picture."""
        from .page import page
        text = page(self)
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text

    def plot(self, path: Any = None) -> Any:
        """A matplotlib figure, saved to `path` if given: the slice through the witness, and a map of the curvature."""
        from optkit.plots.convexity import convexity
        return convexity(self, path=path)

    def __str__(self) -> str:
        return "\n".join(lines(self))


def _region(domain: Region) -> Any:
    try:
        return domain.to_json()
    except TypeError:           # known by functions, which JSON cannot hold
        return None
