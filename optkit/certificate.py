"""What the second derivatives at a point say about it."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, NamedTuple

import numpy as np

from optkit.checks import require
from optkit.convexity import Bound, check
from optkit.convexity.domains import Region
from optkit.escape import ZERO, free_variables, reduced
from optkit.inputs import as_box, flatten_start
from optkit.objective import Objective
from optkit.point import Point, Vector
from optkit.prox import Box, as_term
from optkit.subproblems import Ends, lanczos

DENSE = 300  # free variables up to which all eigenvalues are computed
STEPS = 200  # Lanczos products at most, above that
SETTLED = 1e-8  # residual, relative to the largest Ritz value, at which both ends count as found
EPS = float(np.finfo(float).eps)


class Kind(Enum):
    """What kind of point it is, as far as first and second derivatives say."""

    MINIMUM = "a strict local minimum: the gradient vanishes and the Hessian is positive definite"
    SADDLE = "a saddle point: the gradient vanishes and f falls along a direction of negative curvature"
    MAXIMUM = "a strict local maximum: the gradient vanishes and the Hessian is negative definite"
    FLAT = "flat: the gradient vanishes and the lowest eigenvalue is zero within its error, so higher orders decide"
    NOT_STATIONARY = "not stationary: the gradient test does not hold"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True, eq=False)
class Certificate:
    """The gradient and the ends of the Hessian's spectrum at x, and what kind of point that makes it.

    lowest, largest : eigenvalues of the Hessian of f in the `free` of `n` variables, those no bound holds; NaN where
        there are none. Each is known to its error; above 300 free variables an eigenvalue lies that near, and Lanczos
        has seen none beyond it. condition : largest/lowest, inf where lowest is not positive.
    direction : (n,) the unit eigenvector of `lowest`. how : where the eigenvalues come from.
    at_bounds : indices of the variables at a bound, multipliers : theirs, positive where the bound holds the variable,
        negative where f would fall inwards.
    mu : a constant of strong convexity, None if unknown; gap : then f(x) − f* <= gap. convexity : on whose word.
    """

    kind: Kind
    reason: str
    gnorm: float
    gtol: float
    lowest: float
    lowest_error: float
    largest: float
    largest_error: float
    condition: float
    direction: Vector
    how: str
    n: int
    free: int
    at_bounds: Vector
    multipliers: Vector
    mu: float | None
    gap: float | None
    convexity: str

    def __str__(self) -> str:
        tol = self.gtol
        signs = [int(np.sum(sign)) for sign in (self.multipliers > tol, np.abs(self.multipliers) <= tol,
                                                self.multipliers < -tol)]
        rows = [
            ("verdict", self.kind.value + (f": {self.reason}" if self.reason else "")),
            ("‖∇f(x)‖∞", f"{self.gnorm:.3g}   gtol {self.gtol:.3g}"),
            ("eigenvalues", f"{self.lowest:.6g} ± {self.lowest_error:.1g} to {self.largest:.6g} ± "
                            f"{self.largest_error:.1g}, {self.how}" if self.free else ""),
            ("condition", f"{self.condition:.3g}" if self.free else ""),
            ("bounds", f"{len(self.at_bounds)} of {self.n} variables at one, multipliers positive {signs[0]}, zero "
                       f"{signs[1]}, negative {signs[2]}" if len(self.at_bounds) else ""),
            ("f(x) − f*", f"<= {self.gap:.3g}" if self.gap is not None else ""),
            ("convexity", self.convexity),
        ]
        rows = [(name, text) for name, text in rows if text]
        width = max(len(name) for name, _ in rows)
        return "\n".join(["optkit certificate"] + [f"  {name:<{width}}  {text}" for name, text in rows])


class Spectrum(NamedTuple):
    """The ends of the spectrum in some of the variables, with errors, the lowest's eigenvector in all of them."""

    lowest: float
    lowest_error: float
    largest: float
    largest_error: float
    direction: Vector
    how: str


def certify(objective: Objective, x: Any, gtol: float) -> Certificate:
    """The certificate at x, in the structure of x0. gtol : up to where ‖g‖∞ and multipliers count as zero.

    Cost: a gradient, and as many products as there are free variables, or some hundred above 300 of them.
    """
    objective.maxfev = objective.deadline = math.inf  # the run's limits are not for this
    with np.errstate(all="ignore"):
        point = objective.point(flatten_start(x)[0].copy())
        gnorm, box = objective.measure(point), objective.box
        masks = free_variables(objective, point, gtol)
        spectra = [_spectrum(objective, point, masks[0])]
        if len(masks) > 1 and spectra[0].lowest < -spectra[0].lowest_error:
            spectra.append(_spectrum(objective, point, masks[1]))
        nearness = gnorm / gtol if gtol else float(gnorm > 0)  # of a stationary point; at 0 the spectrum is its own
        kind, reason = _kind(objective, nearness, bool(masks[0].all()), spectra)
    seen = spectra[0]
    definite = seen.lowest > seen.lowest_error
    below, above = point.x == box.lower, point.x == box.upper
    at_bounds = np.flatnonzero(below | above)
    return Certificate(
        kind, reason, gnorm, gtol, seen.lowest, seen.lowest_error, seen.largest, seen.largest_error,
        seen.largest / seen.lowest if definite else math.inf, seen.direction, seen.how, objective.n,
        int(masks[0].sum()), at_bounds, np.where(below, point.g, -point.g)[at_bounds], None, None, "")


def _spectrum(objective: Objective, point: Point, free: Vector) -> Spectrum:
    size, exact, direction = int(free.sum()), objective.has_exact_hvp, np.zeros(objective.n)
    if size == 0:
        return Spectrum(math.nan, 0.0, math.nan, 0.0, direction, "no variable is free")
    product = reduced(objective.hvp(point.x), free)
    word = "" if exact else ", by differences of gradients"
    if size <= DENSE:
        H = np.array([product(e) for e in np.eye(size)])
        values, vectors = np.linalg.eigh(0.5 * (H + H.T)) if np.isfinite(H).all() else (np.full(size, math.nan), H)
        direction[free] = vectors[:, 0]
        error = (10 * size * EPS if exact else ZERO[False]) * max(abs(values[0]), abs(values[-1]))
        return Spectrum(float(values[0]), error, float(values[-1]), error, direction, f"all of them computed{word}")
    ends = lanczos(product, size, STEPS, 0, _settled)
    direction[free] = ends.lowest.v
    rounding = (10 * ends.products * EPS if exact else ZERO[False]) * ends.size
    return Spectrum(ends.lowest.value, ends.lowest.residual + rounding, ends.largest.value,
                    ends.largest.residual + rounding, direction, f"by {ends.products} Lanczos steps{word}")


def _settled(ends: Ends) -> bool:
    return max(ends.lowest.residual, ends.largest.residual) <= SETTLED * ends.size


def _kind(objective: Objective, nearness: float, all_free: bool, spectra: list[Spectrum]) -> tuple[Kind, str]:
    """What kind of point, and more words. nearness : ‖g‖∞/gtol. spectra : in the free variables and, if looked at, in
    those at no bound."""
    lowest, error, largest, largest_error, _, how = spectra[0]
    if not nearness <= 1 + EPS:
        return Kind.NOT_STATIONARY, ""
    if how.startswith("no variable"):
        return Kind.MINIMUM, "every variable is at a bound that holds it"
    if not math.isfinite(lowest):
        return Kind.UNDECIDED, "the Hessian is not finite"
    if lowest > error:
        return Kind.MINIMUM, "" if all_free else "in the variables no bound holds"
    if objective.term is not None and not isinstance(objective.term, Box):
        return Kind.UNDECIDED, f"f alone is not strictly convex at x, and {type(objective.term).__name__} is added"
    if lowest >= -max(error, nearness * ZERO[objective.has_exact_hvp] * largest):
        return Kind.FLAT, "" if lowest >= -error else "an eigenvalue is negative, by less than this gtol lets one trust"
    if any(not s.lowest < -s.lowest_error for s in spectra):
        return Kind.UNDECIDED, "curvature is negative only where a bound allows to go one way"
    return (Kind.MAXIMUM if all_free and largest < -largest_error else Kind.SADDLE), ""


def bounded(certificate: Certificate, objective: Objective, x: Any, mu: Any, domain: Region | None) -> Certificate:
    """The certificate with a bound on f(x) − f*, from μ as given or as proved on a domain.

    f(y) >= f(x) + g·(y − x) + μ/2 ‖y − x‖², so that f(x) − f* <= −min over y of the right side less f(x), which is
    ‖g‖²/(2μ) without bounds (Polyak & Łojasiewicz 1963) and one proximal step with them.
    """
    given = None if mu is None else (_given(certificate, mu), "mu is given")
    mu, convexity = given or _proved(certificate, objective, x, domain)
    if mu is None:
        return replace(certificate, mu=None, gap=None, convexity=convexity)
    point, term = objective.point(flatten_start(x)[0].copy()), objective.term
    y, added = point.x - point.g / mu, 0.0
    if term is not None:
        y = term.prox(y, 1 / mu)
        added = 0.0 if term.is_set else term.value(y) - term.value(point.x)
    d = y - point.x
    return replace(certificate, mu=mu, gap=max(0.0, -(float(point.g.dot(d)) + 0.5 * mu * float(d.dot(d)) + added)),
                   convexity=f"{mu:.6g}-strongly convex: {convexity}")


def _given(certificate: Certificate, mu: Any) -> float:
    """A constant of strong convexity as a float. Raises ValueError where it is no proof, or the Hessian refutes it."""
    if isinstance(mu, Bound):
        require("certificate", mu.certified_lower, "a certified lower bound for mu", mu=mu)
        mu = mu.lower
    require("certificate", 0 < mu < math.inf, "0 < mu < inf", mu=mu)
    most = certificate.lowest + certificate.lowest_error
    if mu > most and certificate.free:
        raise ValueError(f"certificate: mu={mu!r} is refuted: the Hessian at x has an eigenvalue <= {most:.6g}")
    return float(mu)


def _proved(certificate: Certificate, objective: Objective, x: Any, domain: Any) -> tuple[float | None, str]:
    report = check(objective.plain, domain)
    if not domain.contains(flatten_start(x)[0]):
        raise ValueError(f"certificate: x lies outside the domain {domain.label}")
    if not (report.mu.certified_lower and report.mu.lower > 0):
        return None, f"not proved strongly convex on {domain.label}: {report.verdict.name}"
    return _given(certificate, report.mu), f"proved on {domain.label}, and f* is the lowest value there"


def objective_again(x: Any, f: float, gnorm: float, fun: Callable, args: Any, bounds: Any, prox: Any) -> Objective:
    """The objective of a result that came without it. Raises ValueError where it is not the one it came from."""
    n = flatten_start(x)[0].size
    objective = Objective(fun, x, args, term=as_term(prox, x) if bounds is None else as_box(bounds, n))
    point = objective.start()
    if not abs(point.f - f) <= 1e-8 * max(abs(f), abs(point.f), 1e-4):
        raise ValueError(f"certificate: fun gives {point.f!r} at x, where the result has {f!r}; "
                         "give the same fun and args")
    if not objective.measure(point) <= 10 * gnorm:
        raise ValueError(f"certificate: the gradient test gives {objective.measure(point):.3g} at x, where the result "
                         f"has at most {gnorm:.3g}; give the same fun, args, bounds and prox")
    return objective
