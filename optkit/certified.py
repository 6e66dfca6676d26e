"""minimize(..., certify=region): f is proved convex before the run, and the proof used in it and after it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from optkit.checks import is_real, require
from optkit.convexity.domains import Box, Region
from optkit.convexity.gaps import gradient_at, has_constant_hessian, holds_box, is_whole, most_below, name_of
from optkit.convexity.proof import Proof
from optkit.convexity.prove import MAXTIME, prove
from optkit.convexity.verifier import verify
from optkit.inputs import flatten_start, structure
from optkit.objective import Objective
from optkit.point import Vector, norm
from optkit.prox import Box as Bounds
from optkit.rates import rate
from optkit.residual_sources import stack
from optkit.solvers import FISTA, GradientDescent, Momentum, ProximalGradient

if TYPE_CHECKING:
    from optkit.result import Result

ROUNDING = 64 * float(np.finfo(float).eps)  # relative, of a proximal step
OPEN = "f(x) − f* has no bound: f is not proved strongly convex, and the region is unbounded"
FIXED = "rule='fixed' takes every step untested"
START_LONG = ("barzilai-borwein", "armijo", "adaptive")  # rules of gradient descent that begin with alpha and test it


@dataclass(frozen=True)
class Certified:
    """A proof, where it holds, and of what. everywhere : whether no iterate can leave the region."""

    proof: Proof
    region: Region
    everywhere: bool

    @property
    def convex(self) -> bool:
        return self.proof.verdict.proved

    @property
    def mu(self) -> float:
        """Certified, 0 where f is only convex."""
        return max(self.proof.mu.lower, 0.0) if self.convex else 0.0

    @property
    def L(self) -> float:
        """Certified, inf where none is."""
        return self.proof.L.upper if self.convex else math.inf

    @property
    def name(self) -> str:
        return name_of(self.region)


def upwards(value: float) -> str:
    """Three digits, rounded upwards."""
    if not 0 < value < math.inf:
        return f"{value:.3g}"
    text = f"{value:.2e}"
    if float(text) < value:
        text = f"{value + 10.0 ** (math.floor(math.log10(value)) - 2):.2e}"
    return f"{float(text):.3g}"


def certified(objective: Objective, certify: Any, maxtime: Any) -> Certified:
    """f as it stands without its added term, proved convex on the region, or not, in `maxtime` or 10 seconds.

    Raises TypeError or ValueError where `certify` is no region for the unknowns.
    """
    region = _region(objective, certify)
    box = objective.box
    everywhere = is_whole(region) or isinstance(objective.term, Bounds) and holds_box(region, box.lower, box.upper)
    seconds = min(MAXTIME, maxtime) if is_real(maxtime) else MAXTIME
    return Certified(prove(on_region(objective, region, "certify"), region, maxtime=seconds), region, everywhere)


def _region(objective: Objective, certify: Any) -> Region:
    if isinstance(certify, Region):
        return certify
    if certify is not True:
        raise TypeError("certify: need a region of optkit.convexity, such as Box(-2, 2, shape=10), or True for the "
                        f"box of bounds=, got {certify!r:.60}")
    if not isinstance(objective.term, Bounds):
        raise ValueError("certify: True stands for the box of bounds=, and there are none; give a region, such as "
                         f"optkit.convexity.Box(-2, 2, shape={objective.n}), -inf and inf for the whole space")
    box = objective.box
    require("certify", bool((box.lower < box.upper).any()), "bounds that leave a variable free for certify=True",
            bounds="all fixed")
    return Box(box.lower, box.upper)


def on_region(objective: Objective, region: Any, argument: str) -> Callable[[Any], Any]:
    """f as a function of the region's argument. Raises TypeError or ValueError where that is not what x is."""
    if not isinstance(region, Region):
        raise TypeError(f"{argument}: need a region of optkit.convexity, such as Box, got {region!r:.60}")
    require(argument, region.n == objective.n, f"a domain of {objective.n} unknowns, as x has", domain=region.n)
    given = region.unravel(region.center)
    if structure(given) == objective.structure:
        return lambda x: _value(objective, x)
    if isinstance(given, np.ndarray) and given.shape == (objective.n,):
        return flat(objective)
    raise ValueError(f"{argument}: the region is one of {structure(given)}, x is {objective.structure}; make the "
                     f"region of that structure, or flat, of shape ({objective.n},)")


def flat(objective: Objective) -> Callable[[Any], Any]:
    """f as a function of flat unknowns, for recording it."""
    return lambda z: _value(objective, objective.restore(z))


def _value(objective: Objective, x: Any) -> Any:
    """f itself: the cost of residuals, and the first of (f, gradient) where jac=True."""
    value = objective.plain(x)
    if objective.loss is not None:
        return objective.loss.cost(stack(value))
    return value[0] if isinstance(value, tuple) and len(value) == 2 else value


# --- before the run ---------------------------------------------------------------------------------------------------


def handed(named: dict[str, Any], solver: Any, found: Certified, objective: Objective) -> tuple[dict[str, Any], str]:
    """The options with what the proof adds to them for this solver (a class or an object), and which, in words.

    What the user has set stays. Where iterates may leave the region only a first step is added, which is then tested.
    A run that is saved or resumed gets nothing: it has to be the same again, which seconds given to a proof do not say.
    """
    cls = solver if isinstance(solver, type) else type(solver)
    hand = next((hand for kind, hand in HANDED.items() if issubclass(cls, kind)), None)
    if hand is None or named.get("checkpoint") is not None or named.get("resume") is not None:
        return named, ""
    own = {field.name: field.default if solver is cls else getattr(solver, field.name) for field in fields(cls)} | named
    if cls is not Momentum and own.get("rule") == "fixed" and own.get("alpha") is None:
        _require_step(found)
    if not 0 < found.L < math.inf:
        return named, ""
    added, words = hand(own, found, objective)
    return {**named, **added}, f"{words} by the proof on {found.name}" if added else ""


def _require_step(found: Certified) -> None:
    if not 0 < found.L < math.inf:
        raise ValueError(f"certify: {FIXED}, and no L was proved on {found.name} ({found.proof.undecided or 'L = 0'}); "
                         "give alpha, or another rule")
    if not found.everywhere:
        raise ValueError(f"certify: {FIXED}, and iterates may leave {found.name}; give alpha, a region that is the "
                         "whole space, Box(-inf, inf, ...), or another rule")


def _to_gradient_descent(own: dict[str, Any], found: Certified, objective: Objective) -> tuple[dict[str, Any], str]:
    if own["alpha"] is not None:
        return {}, ""
    mu, L = found.mu, found.L
    if own["rule"] != "fixed":
        return _first(L) if own["rule"] in START_LONG else ({}, "")
    return ({"alpha": 2 / (mu + L)}, f"alpha = 2/(mu + L) = {2 / (mu + L):.4g}") if mu > 0 else \
        ({"alpha": 1 / L}, f"alpha = 1/L = {1 / L:.4g}")


def _to_momentum(own: dict[str, Any], found: Certified, objective: Objective) -> tuple[dict[str, Any], str]:
    """μ and L; the heavy ball where f is quadratic: elsewhere Polyak's steps may circle, and 1/L alone was 5 times
    slower than steps that may grow."""
    mu, L = found.mu, found.L
    if any(own[name] is not None for name in ("mu", "L", "alpha")):
        return {}, ""
    nesterov = own["scheme"] == "nesterov"
    if not found.everywhere or own["search"] is not None:
        return _first(L)
    if mu > 0 and (nesterov or has_constant_hessian(flat(objective), objective.x0)):
        return {"mu": mu, "L": L}, f"mu = {mu:.4g} and L = {L:.4g}"
    return ({"L": L}, f"L = {L:.4g}") if nesterov else _first(L)


def _to_proximal(own: dict[str, Any], found: Certified, objective: Objective) -> tuple[dict[str, Any], str]:
    if own["alpha"] is not None:
        return {}, ""
    if own.get("rule") == "fixed":
        return {"alpha": 1 / found.L}, f"alpha = 1/L = {1 / found.L:.4g}"
    return _first(found.L)


def _first(L: float) -> tuple[dict[str, Any], str]:
    return {"alpha": 1 / L}, f"first step 1/L = {1 / L:.4g}"


HANDED: dict[type, Callable] = {GradientDescent: _to_gradient_descent, Momentum: _to_momentum,
                                ProximalGradient: _to_proximal, FISTA: _to_proximal}


# --- after it ---------------------------------------------------------------------------------------------------------


def conclude(result: Result, objective: Objective, solver: Any, found: Certified) -> None:
    """The proof, the bound on f(x) − f* and the rate become part of the result, and of its message."""
    result.proof = found.proof
    result.know(found)
    x = flatten_start(result.x)[0]
    if not found.convex:
        result.message += f"; not proved convex on {found.name}: {found.proof.undecided}"
        return
    if not found.region.contains(x):
        result.message += f"; nothing is certified: x lies outside {found.name}, where f was proved convex"
        return
    result.gap = gap(objective, x, found)[0]
    what = f"global minimum on {found.name}, proved" if result.success else f"f is proved convex on {found.name}"
    result.message += f"; {what}: f(x) − f* <= {upwards(result.gap)}" if result.gap < math.inf else f"; {what}; {OPEN}"
    line = rate(solver, found.mu, found.L, norm(objective.x0 - x)) if found.everywhere else None
    if line is not None:
        result.rate = line


def again(objective: Objective, region: Any, proof: Proof | None) -> Certified:
    """The proof on a region, made anew unless a proof at hand passes the verifier there."""
    f = on_region(objective, region, "certificate: domain")
    held = proof is not None and proof.verdict.proved and bool(verify(proof, f, region))
    return Certified(proof if held and proof is not None else prove(f, region), region, False)


def gap(objective: Objective, x: Vector, found: Certified) -> tuple[float, str]:
    """A bound on f(x) − f*, added terms included, f* the least value on the region (within the bounds); and how sure.

    The gradient is enclosed by intervals, all that follows rounded upwards. With a term h besides bounds, one proximal
    step p = prox_{th}(x − tg) gives h(y) >= h(p) + s·(y − p) for s = (x − p)/t − g, and with it the same bound from
    g + s.
    """
    term, g = objective.term, gradient_at(flat(objective), x)
    how = "in real arithmetic: the gradient at x is enclosed by intervals, every sum rounded upwards"
    if found.region.equations is not None:
        how += "; x counts as a point of the region, whose equations it satisfies up to rounding"
    if g is None:
        return math.inf, "the gradient at x could not be enclosed"
    if term is None or isinstance(term, Bounds):
        return most_below(found.region, g, x, found.mu, objective.box.lower, objective.box.upper), how
    steps = {1.0, *([1 / found.mu] if found.mu else []), *([1 / found.L] if 0 < found.L < math.inf else [])}
    return min(_with_term(objective, x, g, found, t) for t in sorted(steps)), \
        f"up to the rounding of a proximal step of {type(term).__name__}"


def _with_term(objective: Objective, x: Vector, g: Any, found: Certified, t: float) -> float:
    """The bound from the proximal step of length t; room for its rounding is added."""
    term: Any = objective.term
    middle = 0.5 * (g.lo + g.hi)
    p = term.prox(x - t * middle, t)
    s = (x - p) / t - middle
    size = ROUNDING * (np.abs(s) + np.abs(middle) + (np.abs(x) + np.abs(p)) / t)
    slope = type(g)(g.lo + s - size, g.hi + s + size)
    h = (0.0, 0.0) if term.is_set else (term.value(x), term.value(p))
    room = ROUNDING * (abs(h[0]) + abs(h[1]) + float(np.abs(s) @ (np.abs(x) + np.abs(p))))
    below = max(0.0, h[0] - h[1] - float(s @ (x - p)) + room)
    everywhere = np.full(x.size, np.inf)
    return most_below(found.region, slope, x, found.mu, -everywhere, everywhere) + below
