"""The function under examination: values, gradients and Hessian-vector products, each counted.

The only file of the package that imports autodiff. Code that cannot be traced is differenced instead.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import autodiff as ad
from autodiff.pytree import ravel

from .paste import brief
from .third import Form, QuadraticForm

if TYPE_CHECKING:
    from .domains import Region

__all__ = ["Counts", "Matrix", "Oracle", "Vector", "ravel"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Curvature = Callable[[Vector], Vector]

VALUE_STEP = np.finfo(float).eps ** (1 / 3)    # central first difference of values, Nocedal & Wright §8.1
CORNER = 8                                     # steps that a point is drawn in, where there is no room for one
SECOND_STEP = np.finfo(float).eps ** (1 / 4)   # second difference of values


REPEATS = 8            # points besides the centre at which f is called twice
PATIENCE = 0.1         # seconds for them: a slow f is called twice at fewer
STEADY = 1e-10         # relative: sums over several threads may differ in their last digits


class Counts(NamedTuple):
    """Calls of f, gradients, and Hessian-vector products."""

    nfev: int
    njev: int
    nhev: int


class Trouble:
    """Where f was not finite: how often inside and on the boundary of the region, and the first place of each kind."""

    def __init__(self) -> None:
        self.inside, self.edge = 0, 0
        self.first: dict[str, tuple[Vector, float]] = {}

    def note(self, region: Region, x: Vector, f: float) -> None:
        if np.isfinite(f) or not region.contains(x):
            return
        edge = region.on_boundary(x)
        self.edge, self.inside = self.edge + edge, self.inside + (not edge)
        self.first.setdefault("edge" if edge else "inside", (x.copy(), f))

    def describe(self, unravel: Callable[[Vector], Any]) -> str:
        if not self.first:
            return ""
        where = "inside" if self.inside else "edge"
        x, f = self.first[where]
        count, place = (self.inside, "inside the domain") if self.inside else (self.edge, "on its boundary")
        return f"f was not finite at {count} of the points tried {place}, first f({brief(unravel(x))}) = {f}"


class Oracle:
    """`f` on the flat vectors of a region, times `sign` (-1 examines concavity with the tests for convexity).

    exact : derivatives come from the engine. reason : why they do not. unsteady : that f gave two values at one point,
    so that nothing follows from any of them; else "".
    An ArithmeticError or ValueError raised by f away from the centre counts as the value NaN.
    Raises TypeError if f(centre) is not a real number; whatever f raises at the centre is raised.
    """

    def __init__(self, f: Callable[[Any], Any], region: Region):
        self.f, self.region, self.unravel = f, region, region.unravel
        self.sign, self.n, self.reason = 1.0, region.n, ""
        self.nfev = self.njev = self.nhev = 0
        self.trouble = Trouble()
        self.low, self.high = np.inf, -np.inf
        _check_value(f(self.unravel(region.center.copy())))
        self.unsteady = ""
        self._try_again()
        self.backend = self._trace(region.center)
        self.form = QuadraticForm(self.flat)

    @property
    def exact(self) -> bool:
        return isinstance(self.backend, Traced)

    def flat(self, x: Vector) -> Any:
        """f as given (whatever the sign), of a flat vector that may be traced: not counted."""
        return self.f(self.unravel(x))

    @property
    def range(self) -> float:
        """Largest minus smallest finite value met by plain calls."""
        return self.high - self.low

    @property
    def counts(self) -> Counts:
        return Counts(self.nfev, self.njev, self.nhev)

    @property
    def spent(self) -> int:
        """Cost so far in calls of f, a gradient or a Hessian-vector product weighing two."""
        return self.nfev + 2 * (self.njev + self.nhev)

    def value(self, x: Vector) -> float:
        """f(x) by a plain call."""
        return self.sign * self._call(x)

    def _call(self, x: Vector) -> float:
        f = self._unnoted(x)
        self.trouble.note(self.region, x, f)
        if np.isfinite(f):
            self.low, self.high = min(self.low, f), max(self.high, f)
        return f

    def extended(self, x: NDArray[np.longdouble]) -> np.longdouble | None:
        """f in extended precision by a plain call; None if f cannot be evaluated in it, or leaves it."""
        self.nfev += 1
        try:
            y = self.f(self.unravel(x.copy()))
        except Exception:  # whatever f meets in an unusual dtype only means: not available
            return None
        return np.longdouble(self.sign) * y if getattr(y, "dtype", None) == np.longdouble else None

    def value_and_grad(self, x: Vector) -> tuple[float, Vector]:
        self.njev += self.exact
        f, g = self._derive("value_and_grad", x)
        self.trouble.note(self.region, x, f)
        return self.sign * f, self.sign * g

    def linearize(self, x: Vector) -> tuple[float, Vector, Curvature]:
        """(f, gradient, v -> Hessian @ v) at x."""
        self.njev += self.exact
        f, g, hv = self._derive("linearize", x)

        def curvature(v: Vector) -> Vector:
            self.nhev += self.exact
            return self.sign * hv(v)

        return self.sign * f, self.sign * g, curvature

    def hessian(self, x: Vector) -> Matrix:
        """Dense and symmetrised. Cost: n products, or about n² values when f is differenced."""
        hv = self.linearize(x)[2]
        H = np.array([hv(e) for e in np.eye(self.n)])
        return (H + H.T) / 2

    def slope(self, x: Vector, d: Vector) -> float:
        """Derivative of f along d at x; NaN where f is not finite, whatever its formula's derivative is there."""
        if isinstance(self.backend, Differenced):
            return self.sign * self.backend.directional(x, d)
        f, g = self.value_and_grad(x)
        return float(g @ d) if np.isfinite(f) else np.nan

    def bend(self, x: Vector, v: Vector) -> Form:
        """vᵀ∇²f(x)v with its derivatives in v and x, exactly; NaN where the engine does not have them."""
        self.njev += 2
        return self.form(x, v).times(self.sign)

    def _try_again(self) -> None:
        """Two calls each at the centre and at a few points: what is random or counts its calls gives itself away."""
        until = time.perf_counter() + PATIENCE
        with np.errstate(all="ignore"):
            for x in [self.region.center, *self.region.sample(REPEATS, np.random.default_rng(0))]:
                if not self.repeats(x, self._unnoted(x)) or time.perf_counter() > until:
                    break

    def repeats(self, x: Vector, f: float) -> bool:
        """Whether a further plain call at x gives f, whatever the sign, up to the last digits; `unsteady` if not."""
        again = self._unnoted(x)
        if abs(f - again) > STEADY * max(abs(f), abs(again)):
            self.unsteady = f"f does not repeat: two calls at {brief(self.unravel(x))} give {f:.6g} and {again:.6g}"
        return not self.unsteady

    def _unnoted(self, x: Vector) -> float:
        self.nfev += 1
        try:
            return float(self.f(self.unravel(x.copy())))
        except (ArithmeticError, ValueError):
            return np.nan

    def _trace(self, center: Vector) -> Traced | Differenced:
        """The engine if it can trace f at the centre and agrees with a plain call there, else differencing."""
        traced = Traced(self.flat)
        try:
            value = traced.linearize(center)[0]
        except ad.TraceError as error:
            return self._give_up_tracing(error)
        plain = self._call(center)
        if not (np.isclose(value, plain, rtol=1e-6) or (np.isnan(value) and np.isnan(plain))):
            return self._give_up_tracing(f"the traced value at the centre is {value}, a plain call gives {plain}")
        return traced

    def _give_up_tracing(self, why: object) -> Differenced:
        self.reason = f"f cannot be traced: {str(why).splitlines()[0]}"
        return Differenced(self._call, self.region)

    def _derive(self, what: str, x: Vector) -> tuple:
        try:
            return getattr(self.backend, what)(x)
        except ad.TraceError as error:
            self.backend = self._give_up_tracing(error)
            return getattr(self.backend, what)(x)
        except (ArithmeticError, ValueError):
            nothing = np.full(self.n, np.nan)
            return (np.nan, nothing, lambda v: nothing)[: 2 if what == "value_and_grad" else 3]


class Traced:
    """Derivatives from the engine, compiled."""

    def __init__(self, f: Callable[[Vector], Any]):
        self.function = ad.compile(f)

    def value_and_grad(self, x: Vector) -> tuple[float, Vector]:
        f, g = self.function.value_and_grad(x)
        return float(f), g

    def linearize(self, x: Vector) -> tuple[float, Vector, Curvature]:
        f, g, hv = self.function.linearize_grad(x)
        return float(f), g, hv


class Differenced:
    """Derivatives by differencing plain calls of f inside the region: for code that cannot be traced."""

    def __init__(self, value: Callable[[Vector], float], region: Region):
        self.value, self.region = value, region

    def directional(self, x: Vector, d: Vector) -> float:
        """Slope at x of the parabola through three points of the line, one-sided at the boundary.

        At a corner, where the line has no room, at a point drawn towards the centre.
        """
        t: float = VALUE_STEP / max(float(np.max(np.abs(d) / np.maximum(self.region.scale, np.abs(x)))), 1e-300)
        t0, t1 = self.region.chord(x, d)
        if max(-t0, t1) < 2 * t:
            x = self.region.center + (1 - CORNER * VALUE_STEP) * (x - self.region.center)
            t0, t1 = self.region.chord(x, d)
            t = float(min(t, max(-t0, t1) / 2)) or t
        a, b = (-t, t) if min(-t0, t1) >= t else (t, 2 * t) if t1 >= -t0 else (-t, -2 * t)
        fa, f0, fb = (self.value(x + s * d) for s in (a, 0.0, b))
        rise_a, rise_b = (fa - f0) / a, (fb - f0) / b
        return rise_a - a * (rise_b - rise_a) / (b - a)

    def value_and_grad(self, x: Vector) -> tuple[float, Vector]:
        """The gradient within the affine hull of the region, where that is not the whole space."""
        Z = self._basis
        return self.value(x), Z @ np.array([self.directional(x, d) for d in Z.T])

    @property
    def _basis(self) -> Matrix:
        return np.eye(self.region.n) if self.region.subspace is None else self.region.subspace[1]

    def hessian(self, x: Vector) -> Matrix:
        """Second differences along a basis Z of the hull, as Z(·)Zᵀ, at x drawn towards the centre by two steps.

        A step takes at most half of the room there is, so that two of them together stay inside.
        """
        x, Z = self.region.center + (1 - 2 * SECOND_STEP) * (x - self.region.center), self._basis
        room = np.array([min(-t0, t1) / 2 for t0, t1 in (self.region.chord(x, d) for d in Z.T)])
        size = np.max(np.abs(Z) / np.maximum(self.region.scale, np.abs(x))[:, None], axis=0)
        h = np.where(room > 0, np.minimum(SECOND_STEP / size, room), SECOND_STEP / size)
        steps, n = h[:, None] * Z.T, h.size
        f0 = self.value(x)
        up, down = (np.array([self.value(x + s * e) for e in steps]) for s in (1, -1))
        H = np.diag((up - 2 * f0 + down) / h**2)
        for i in range(n):
            for j in range(i):
                both = self.value(x + steps[i] + steps[j]) + self.value(x - steps[i] - steps[j])
                H[i, j] = H[j, i] = (both - up[i] - up[j] - down[i] - down[j] + 2 * f0) / (2 * h[i] * h[j])
        return Z @ H @ Z.T

    def linearize(self, x: Vector) -> tuple[float, Vector, Curvature]:
        f, g = self.value_and_grad(x)
        return f, g, self.hessian(x).dot


def _check_value(y: Any) -> None:
    kind = np.asarray(y)
    if kind.shape != () or kind.dtype.kind not in "fiub":
        what = f"an array of shape {kind.shape}" if kind.shape else f"{type(y).__name__} {y!r:.60}"
        raise TypeError(f"check: f must return one real number, got {what}; sum it, or return its one entry")
