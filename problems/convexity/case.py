"""One function whose convexity is known, and how it is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from problems.problem import read_only

Vector = np.ndarray
Domain = tuple[Any, ...]

CONVEX = ("affine", "convex", "strictly convex", "strongly convex")
UNBOUNDED = (-np.inf, np.inf)
SLACK = 1e-15 * 8  # stated constants are floats near the true ones
TRUTHS = (*CONVEX, "concave", "not convex")


@dataclass(frozen=True, eq=False, repr=False)
class Case:
    """A function with its truth in real arithmetic, float constants taken as they are; derived, never measured.

    domain : plain data: ("box", lower, upper) with arrays of the shape of x and infinite ends allowed;
        ("ball", centre, radius); ("simplex", n); ("positive definite", n).
    truth : the strongest of TRUTHS ("concave": and not affine; "not convex": and not concave).
    mu, L : the largest and the smallest with mu ‖·‖²/2 ⪯ f ⪯ L ‖·‖²/2 in curvature on the domain, infinite at kinks;
        None: not stated. mu_exact False: only a lower bound of mu is stated.
    mu_at, L_at : points where the Hessian has those eigenvalues; without mu, a point where one is negative.
    witness : (x, y) whose middle lies above the chord. holds, fails : further properties, by name.
    derivation : why, in a line. tags : what is hard about it.
    """

    name: str
    f: Callable[[Any], Any]
    domain: Domain
    truth: str
    mu: float | None
    L: float | None
    derivation: str
    tags: tuple[str, ...] = ()
    mu_at: Any = None
    L_at: Any = None
    witness: tuple[Any, Any] | None = None
    holds: tuple[str, ...] = ()
    fails: tuple[str, ...] = ()
    mu_exact: bool = True

    def __post_init__(self) -> None:
        if self.truth not in TRUTHS:
            raise ValueError(f"{self.name}: truth must be one of {', '.join(TRUTHS)}, got {self.truth!r}")
        for column in ("mu_at", "L_at"):
            if getattr(self, column) is not None:
                object.__setattr__(self, column, self._point(getattr(self, column)))
        if self.witness is not None:
            object.__setattr__(self, "witness", tuple(self._point(x) for x in self.witness))

    def _point(self, x: Any) -> Vector:
        kind, first, *_ = self.domain
        shape = np.shape(first) if kind in ("box", "ball") else (first,) if kind == "simplex" else (first, first)
        return read_only(np.broadcast_to(np.asarray(x, dtype=float), shape).copy())

    @property
    def convex(self) -> bool:
        return self.truth in CONVEX

    @property
    def n(self) -> int:
        """Number of unknowns."""
        kind, first, *_ = self.domain
        return first if kind == "simplex" else first**2 if kind == "positive definite" else int(np.size(first))

    def contradictions(self, verdict: str, mu: tuple[float, float] = UNBOUNDED,
                       L: tuple[float, float] = UNBOUNDED) -> list[str]:
        """What a verdict (PROVED_CONVEX, NOT_CONVEX, …) and certified intervals for mu and L get wrong, if anything."""
        found = [f"{verdict} of a function that is {self.truth}"] if self._wrong(verdict) else []
        for name, (low, high), stated in (("mu", mu, self.mu), ("L", L, self.L)):
            if stated is None:
                continue
            slack = SLACK * abs(stated) if np.isfinite(stated) else 0.0
            if low > stated + slack and (self.mu_exact or name == "L"):
                found.append(f"{name} ≥ {low!r} claimed, and it is {stated!r}")
            if high < stated - slack:
                found.append(f"{name} ≤ {high!r} claimed, and it is {stated!r}")
        return found

    def known(self, name: str) -> bool | None:
        """Whether f has a property ("strictly convex", "concave", "log-convex", …); None where that is not stated."""
        if name in self.holds or name in self.fails:
            return name in self.holds
        loose = self.convex and not self.mu_exact   # of a composed function only what the rules give is known
        if name in ("quasiconvex", "pseudoconvex"):
            return self.convex or None
        if name in ("convex", "strictly convex", "strongly convex"):
            enough = CONVEX if name == "convex" else CONVEX[CONVEX.index(name):]
            return self.truth in enough or (None if loose else False)
        if name in ("concave", "affine"):
            return None if loose else self.truth == "affine" or self.truth == name
        return None

    def _wrong(self, verdict: str) -> bool:
        standing, _, what = verdict.partition("_")
        name = {"LOG_CONVEX": "log-convex", "LOG_CONCAVE": "log-concave"}.get(what, what.lower().replace("_", " "))
        return {"PROVED": self.known(name) is False, "NOT": self.known(name) is True}.get(standing, False)

    def __repr__(self) -> str:
        return f"<Case {self.name}, n={self.n}, {self.truth}: {self.derivation}>"


def box(lower: Any, upper: Any, n: int | tuple[int, ...] | None = None) -> Domain:
    """("box", lower, upper) with bounds of the shape n, or of their own."""
    shape = np.broadcast_shapes(np.shape(lower), np.shape(upper)) if n is None else n
    low, high = (read_only(np.broadcast_to(np.asarray(b, dtype=float), shape).copy()) for b in (lower, upper))
    return "box", low, high


def ball(centre: Any, radius: float) -> Domain:
    """("ball", centre, radius)."""
    return "ball", read_only(np.array(centre, dtype=float)), float(radius)
