"""What the second derivatives at a point say about it."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, NamedTuple

import numpy as np

from optkit.certified import OPEN, Certified, gap, upwards
from optkit.checks import is_real, require
from optkit.convexity import Bound
from optkit.escape import ZERO, free_variables, reduced
from optkit.inputs import as_box, as_gradient, flatten_start
from optkit.objective import Objective
from optkit.point import Point, Vector, norm_inf
from optkit.precision import attainable
from optkit.prox import Box, as_term
from optkit.subproblems import CLEAR, Ends, lanczos

DENSE = 300  # free variables up to which all eigenvalues are computed
MANY, UP_TO = 600, 2000  # Lanczos products at most, above that, up to which number of variables
STEPS = 200  # and beyond, where they cost more memory
SETTLED = 1e-8  # residual, relative to the largest Ritz value, at which both ends count as found
NOISE = 100.0  # times the rounding error of a gradient, from which on two of them are different ones
EPS = float(np.finfo(float).eps)


class Kind(Enum):
    """What kind of point it is, as far as first and second derivatives say; GLOBAL with a proof that f is convex."""

    MINIMUM = "a strict local minimum: the gradient vanishes and the Hessian is positive definite"
    SADDLE = "a saddle point: the gradient vanishes and f falls along a direction of negative curvature"
    MAXIMUM = "a strict local maximum: the gradient vanishes and the Hessian is negative definite"
    FLAT = "flat: the gradient vanishes and the lowest eigenvalue is zero within its error, so higher orders decide"
    NOT_STATIONARY = "not stationary: the gradient test does not hold"
    UNDECIDED = "undecided"
    GLOBAL = "a global minimum"


@dataclass(frozen=True, slots=True, eq=False)
class Certificate:
    """The gradient and the ends of the Hessian's spectrum at x, and what kind of point that makes it.

    lowest, largest : eigenvalues of the Hessian of f in the `free` of `n` variables, those no bound holds; NaN where
        there are none. Each is known to its error; above 300 free variables an eigenvalue lies that near, and Lanczos
        has seen none beyond it. condition : largest/lowest, inf where lowest is not positive, NaN where that is open.
    direction : (n,) the unit eigenvector of `lowest`. how : where the eigenvalues come from.
    at_bounds : indices of the variables at one of two bounds, multipliers : theirs, positive where the bound holds the
        variable, negative where f would fall inwards. fixed : indices of those whose bounds are equal.
    mu : a constant of strong convexity, None if unknown. gap : f(x) − f* <= gap, distance : ‖x − x*‖ <= distance, None
        where there is no bound. convexity : on whose word, and how sure the bounds are.
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
    fixed: Vector
    mu: float | None
    gap: float | None
    convexity: str
    distance: float | None = None

    def __str__(self) -> str:
        tol = self.gtol
        signs = [int(np.sum(sign)) for sign in (self.multipliers > tol, np.abs(self.multipliers) <= tol,
                                                self.multipliers < -tol)]
        rows = [
            ("verdict", self.kind.value + (f": {self.reason}" if self.reason else "")),
            ("‖∇f(x)‖∞", f"{self.gnorm:.3g}   gtol {self.gtol:.3g}"),
            ("eigenvalues", f"{self.lowest:.6g} ± {self.lowest_error:.1g} to {self.largest:.6g} ± "
                            f"{self.largest_error:.1g}, {self.how}" if self.free else ""),
            ("condition", f"{self.condition:.3g}".replace("nan", "unknown") if self.free else ""),
            ("bounds", f"{len(self.at_bounds)} of {self.n} variables at one, multipliers positive {signs[0]}, zero "
                       f"{signs[1]}, negative {signs[2]}" if len(self.at_bounds) else ""),
            ("fixed", f"{len(self.fixed)} of {self.n} variables, their bounds are equal" if len(self.fixed) else ""),
            ("f(x) − f*", f"<= {upwards(self.gap)}" if self.gap is not None else ""),
            ("‖x − x*‖", f"<= {upwards(self.distance)}" if self.distance is not None else ""),
            ("convexity", self.convexity),
        ]
        rows = [(name, text) for name, text in rows if text]
        width = max(len(name) for name, _ in rows)
        return "\n".join(["optkit certificate"] + [f"  {name:<{width}}  {text}" for name, text in rows])


class Spectrum(NamedTuple):
    """The ends of the spectrum in some of the variables, with errors, the lowest's eigenvector in all of them.

    found : whether the lowest is that of the whole spectrum, beyond what is in its error.
    """

    lowest: float
    lowest_error: float
    largest: float
    largest_error: float
    direction: Vector
    how: str
    found: bool

    @property
    def size(self) -> float:
        return max(abs(self.lowest), abs(self.largest))

    def is_zero(self, exact: bool) -> bool:
        """Whether the lowest eigenvalue is nothing beside the largest, its error included."""
        return abs(self.lowest) + self.lowest_error <= 2 * ZERO[exact] * self.size

    def condition(self, exact: bool) -> float:
        """largest/lowest; inf where the lowest is zero or negative, NaN where its sign is open."""
        if self.lowest > self.lowest_error and self.found:
            return self.largest / self.lowest
        return math.inf if self.lowest < -self.lowest_error or self.is_zero(exact) else math.nan


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
    seen, fixed = spectra[0], box.lower == box.upper
    below, above = point.x == box.lower, point.x == box.upper
    at_bounds = np.flatnonzero((below | above) & ~fixed)
    return Certificate(
        kind, reason, gnorm, gtol, seen.lowest, seen.lowest_error, seen.largest, seen.largest_error,
        seen.condition(objective.has_exact_hvp), seen.direction, seen.how, objective.n, int(masks[0].sum()), at_bounds,
        np.where(below, point.g, -point.g)[at_bounds], np.flatnonzero(fixed), None, None, "")


def _spectrum(objective: Objective, point: Point, free: Vector) -> Spectrum:
    size, exact, direction = int(free.sum()), objective.has_exact_hvp, np.zeros(objective.n)
    if size == 0:
        return Spectrum(math.nan, 0.0, math.nan, 0.0, direction, "no variable is free", True)
    product = reduced(objective.hvp(point.x), free)
    word = "" if exact else ", by differences of gradients"
    if size <= DENSE:
        H = np.array([product(e) for e in np.eye(size)])
        values, vectors = np.linalg.eigh(0.5 * (H + H.T)) if np.isfinite(H).all() else (np.full(size, math.nan), H)
        direction[free] = vectors[:, 0]
        error = (10 * size * EPS if exact else ZERO[False]) * max(abs(values[0]), abs(values[-1]))
        return Spectrum(float(values[0]), error, float(values[-1]), error, direction,
                        f"all of them computed{word}", True)
    ends = lanczos(product, size, MANY if size <= UP_TO else STEPS, 0, _settled)
    lowest, direction[free] = ends.lowest, ends.lowest.v
    found = lowest.residual <= SETTLED * ends.size or lowest.value - lowest.residual > CLEAR * ends.size
    rounding = (10 * ends.products * EPS if exact else ZERO[False]) * ends.size
    return Spectrum(lowest.value, lowest.residual + rounding, ends.largest.value, ends.largest.residual + rounding,
                    direction, f"by {ends.products} Lanczos steps{word}", found)


def _settled(ends: Ends) -> bool:
    return max(ends.lowest.residual, ends.largest.residual) <= SETTLED * ends.size


def _kind(objective: Objective, nearness: float, all_free: bool, spectra: list[Spectrum]) -> tuple[Kind, str]:
    """What kind of point, and more words. nearness : ‖g‖∞/gtol. spectra : in the free variables and, if looked at, in
    those at no bound."""
    seen, exact = spectra[0], objective.has_exact_hvp
    lowest, error = seen.lowest, seen.lowest_error
    if not nearness <= 1 + EPS:
        return Kind.NOT_STATIONARY, ""
    if seen.how.startswith("no variable"):
        return Kind.MINIMUM, "every variable is at a bound that holds it"
    if not math.isfinite(lowest):
        return Kind.UNDECIDED, "the Hessian is not finite"
    if lowest > error and seen.found:
        return Kind.MINIMUM, "" if all_free else "in the variables no bound holds"
    if objective.term is not None and not isinstance(objective.term, Box):
        return Kind.UNDECIDED, f"f alone is not strictly convex at x, and {type(objective.term).__name__} is added"
    if lowest >= -max(error, nearness * ZERO[exact] * seen.largest):
        if not seen.is_zero(exact) or lowest > error:
            return Kind.UNDECIDED, "Lanczos did not resolve the lowest eigenvalue"
        return Kind.FLAT, "" if lowest >= -error else "an eigenvalue is negative, by less than this gtol lets one trust"
    if any(not s.lowest < -s.lowest_error for s in spectra):
        return Kind.UNDECIDED, "curvature is negative only where a bound allows to go one way"
    return (Kind.MAXIMUM if all_free and seen.largest < -seen.largest_error else Kind.SADDLE), ""


def bounded(certificate: Certificate, objective: Objective, x: Any, given: Any) -> Certificate:
    """The certificate with a bound on f(x) − f*, from a μ that is given.

    f(y) >= f(x) + g·(y − x) + μ/2 ‖y − x‖², so that f(x) − f* <= −min over y of the right side less f(x), which is
    ‖g‖²/(2μ) without bounds (Polyak & Łojasiewicz 1963) and one proximal step with them.
    """
    mu = _given(certificate, given)
    point, term = objective.point(flatten_start(x)[0].copy()), objective.term
    y, added = point.x - point.g / mu, 0.0
    if term is not None:
        y = term.prox(y, 1 / mu)
        added = 0.0 if term.is_set else term.value(y) - term.value(point.x)
    d = y - point.x
    return replace(certificate, mu=mu, gap=max(0.0, -(float(point.g.dot(d)) + 0.5 * mu * float(d.dot(d)) + added)),
                   convexity=f"{mu:.6g}-strongly convex: mu is given", distance=None)


def globally(certificate: Certificate, objective: Objective, x: Any, found: Certified) -> Certificate:
    """The certificate with what a proof of convexity on a region says of all of it: verdict and bounds.

    Raises ValueError where x lies outside the region, or the Hessian at x refutes what the proof says of it.
    """
    flat, mu, where = flatten_start(x)[0], found.mu, found.name
    if not found.region.contains(flat):
        raise ValueError(f"certificate: x lies outside the domain, {where}, and a proof there says nothing about it; "
                         "give a region around x, or minimise within it by bounds= or prox=")
    if not found.convex:
        return replace(certificate, mu=None, gap=None, distance=None,
                       convexity=f"not proved on {where}: {found.proof.undecided}")
    most = certificate.lowest + certificate.lowest_error
    if mu > most and certificate.free:
        raise ValueError(f"certificate: the proof has mu={mu!r}, but the Hessian at x an eigenvalue <= {most:.6g}: "
                         "fun is not what was proved")
    bound, sure = gap(objective, flat, found)
    strong, finite = mu > 0, bound < math.inf
    stationary = certificate.kind is not Kind.NOT_STATIONARY
    only = ", and the minimiser is unique" if strong else ""
    shape = f"{mu:.6g}-strongly convex" if strong else "convex"
    return replace(
        certificate, mu=mu if strong else None, gap=bound if finite else None,
        distance=math.sqrt(2 * bound / mu) * (1 + 4 * EPS) if strong and finite else None,
        kind=Kind.GLOBAL if stationary else certificate.kind,
        reason=f"on {where}, where f is proved convex{only}" if stationary else certificate.reason,
        convexity=f"{shape}: proved on {where}, {found.proof.how}; f* is the least value there; "
                  + (f"bounds hold {sure}" if finite else OPEN))


def _given(certificate: Certificate, mu: Any) -> float:
    """A constant of strong convexity as a float. Raises ValueError where it is no proof, or the Hessian refutes it."""
    if isinstance(mu, Bound):
        require("certificate", mu.certified_lower, "a certified lower bound for mu", mu=mu)
        mu = mu.lower
    require("certificate", is_real(mu) and 0 < mu < math.inf, "a number 0 < mu < inf", mu=mu)
    most = certificate.lowest + certificate.lowest_error
    if mu > most and certificate.free:
        raise ValueError(f"certificate: mu={mu!r} is refuted: the Hessian at x has an eigenvalue <= {most:.6g}")
    return float(mu)


def objective_again(x: Any, f: float, g: Any, gnorm: float, fun: Callable, args: Any, bounds: Any,
                    prox: Any) -> Objective:
    """The objective of a result that came without it, with its f(x), its gradient g (None where that is by
    differences), and at most `gnorm` in the gradient test.

    Raises ValueError where it is not the one it came from.
    """
    n = flatten_start(x)[0].size
    objective = Objective(fun, x, args, term=as_term(prox, x) if bounds is None else as_box(bounds, n))
    point = objective.start()
    if not abs(point.f - f) <= 1e-8 * max(abs(f), abs(point.f), 1e-4):
        raise ValueError(f"certificate: fun gives {point.f!r} at x, where the result has {f!r}; "
                         "give the same fun and args")
    if not objective.measure(point) <= 10 * gnorm:
        raise ValueError(f"certificate: the gradient test gives {objective.measure(point):.3g} at x, where the result "
                         f"has at most {gnorm:.3g}; give the same fun, args, bounds and prox")
    if g is None:
        return objective
    off = norm_inf(point.g - (g := as_gradient(g, objective.restore(objective.x0), n, "jac")))
    if off > 0.5 * max(norm_inf(point.g), norm_inf(g)) and not off <= NOISE * attainable(objective, point).g:
        raise ValueError(f"certificate: the gradient of fun at x differs by {off:.3g} from that of the result, "
                         f"{norm_inf(g):.3g} in the ∞-norm; give the same fun and args")
    return objective
