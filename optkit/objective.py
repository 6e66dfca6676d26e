"""One problem as the solvers see it: flat float64 vectors in and out, counted, checked, the best point remembered."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from optkit import differences
from optkit.derivatives import check_steps_stay_inside, gradient_source, product_source, user_hessian
from optkit.finite_sum import FiniteSum
from optkit.history import History
from optkit.inputs import as_matrix, flatten_start, structure
from optkit.nesting import being_recorded
from optkit.point import Point, Vector, freeze, is_finite, norm, norm_inf
from optkit.prox import Box, Term, projection, residual
from optkit.sources import Engine, Matrix, Pair, Product, Separate, Source, User
from optkit.stopping import Reason, Stop

ROUNDING = float(10 * np.finfo(float).eps)  # relative; f values closer than this are not told apart


class UndefinedStart(ValueError):
    """f or its gradient is not finite at x0."""


class Objective:
    """f, its gradient and Hessian-vector products at flat points.

    fun : f(x, *args) -> float, x in the structure of x0; it may be an `ad.compile(f)`.
    jac : None or False (exact derivatives by autodiff), True (fun returns (f, g)), a callable g(x, *args), "2-point" or
        "3-point" for differences of f.
    hessp(x, p, *args), hess(x, *args) : make the products; otherwise autodiff does or, where only jac is given,
        differences of gradients, one gradient a product.
    compile : False traces f at each call instead of running generated code.
    term : what is added to f, bounds included. Values hold it; gradients, products and `Point.g` are those of f alone.
        Outside a set nothing is ever evaluated: points are projected first, so `Point.x` may not be what was asked.
    source : makes where values and derivatives come from, in place of fun and jac.

    nfev, njev, nhev count the values, gradients and products that were asked for (a value asked for again at the same
    point is remembered). Linearising the gradient at a point costs about one gradient and is not counted; a differenced
    product counts one njev too. `maxfev` and `deadline` (time.perf_counter seconds) may be set; passing them raises
    Stop. User callables get copies of x, so nothing they do to it reaches the run.
    """

    scale_free = False  # whether `measure` stays the same when f is multiplied by a number
    loss: Any = None  # of least squares

    def __init__(self, fun, x0, args=(), *, jac=None, hess=None, hessp=None, compile=True,
                 term: Term | None = None, source: Callable[[User], Source] | None = None):
        self.x0, self.restore = flatten_start(x0)
        self.term, self._project = term, projection(term)
        x0, self.x0 = self.x0, freeze(self._feasible(self.x0))
        self.moved = "" if x0 is self.x0 else "; x0 lies outside: the run started from the nearest point inside"
        self.n = self.x0.size
        self.nfev = self.njev = self.nhev = 0
        self.maxfev, self.deadline = math.inf, math.inf
        self.target = 0.0  # what ‖g‖∞ has to reach, which the loop sets: subproblems need not be solved further
        self.saw_minus_infinity = False
        self.history = History()  # of the run, which the loop sets: nonmonotone line searches look back in it
        self._best: Point | None = None  # while only the value is known there, its g is None
        self._sure: Point | None = None  # the lowest with a gradient: the best may turn out to have none
        self._valued: tuple = (None, None)  # where the last value was asked for, and the feasible point it was taken at
        self._last: Point | None = None
        args = args if isinstance(args, tuple) else (args,)
        if not callable(fun):
            raise TypeError(f"fun: need a callable f(x, *args), got {fun!r}")
        self.finite_sum = fun if isinstance(fun, FiniteSum) else None
        if self.finite_sum is not None:
            stated = {"jac": jac, "hess": hess, "hessp": hessp}
            given = [name for name, own in stated.items() if own is True or callable(own)]
            fun, args = self.finite_sum.with_data(args, given)
        self._rows_done = 0
        self._user = User(fun, args, self.restore, self.x0)
        self._source = source(self._user) if source else gradient_source(self, self._user, jac, compile)
        self._hess = user_hessian(self._user, hess)
        self._product = product_source(self._user, self._source, hess, hessp)

    @property
    def box(self) -> Box:
        """The bounds as a Box; infinite ones where there are none."""
        return self.term if isinstance(self.term, Box) else Box(np.full(self.n, -np.inf), np.full(self.n, np.inf))

    @property
    def has_exact_hvp(self) -> bool:
        """Whether products are exact, not differences of gradients."""
        return self._product is not None

    @property
    def gradient_error(self) -> float:
        """The relative error of a gradient: rounding, or that of differences of f."""
        return getattr(self._source, "error", differences.EPS)

    @property
    def compiled(self) -> bool:
        """Whether values come from generated code, or would if f could be trusted."""
        return isinstance(self._source, Engine) and self._source.compile

    @property
    def derivatives(self) -> str:
        """Where derivatives come from, in words."""
        return self._source.origin

    def start(self) -> Point:
        """The point x0. Raises where f or its gradient are of a wrong type or shape there, or not finite."""
        self.nfev, self.njev = self.nfev + 1, self.njev + 1
        try:
            f, g = self._source.value_and_grad(self.x0)
        except Stop:  # a limit, met while differences were taken
            self.salvage()
            if self._best is None:
                raise UndefinedStart(_not_finite(self._source.remembered[1])) from None  # type: ignore[attr-defined]
            raise
        except (TypeError, ValueError) as error:
            if being_recorded():
                error.add_note("optkit: what a derivative is taken by goes in by args: minimize(f, x0, args=(p,))")
            elif isinstance(self._source, Engine):
                self._user.value(self.x0)  # says it better where f itself does not return a number
                error.add_note("optkit: where autodiff can't follow f, give jac=..., or jac='3-point' for differences.")
            raise
        if not math.isfinite(f):
            raise UndefinedStart(_not_finite(f))
        if not is_finite(g):
            bad = int(np.flatnonzero(~np.isfinite(g))[0])
            raise UndefinedStart(f"the gradient at x0 must be finite, got g[{bad}] = {g[bad]}; "
                                 "start where f is differentiable")
        self._last = self._best = self._sure = Point(self.x0, f + self._extra(self.x0), freeze(g))
        self._valued = self.x0, self.x0
        return self._best

    def value(self, x: Vector) -> float:
        """f(x), +inf where it is not finite."""
        self.count()
        inside = self._feasible(x)
        f = self._finite(self._evaluated(self._source.value, x, inside, math.inf)) + self._extra(inside)
        if self._best is None or f < self._best.f:
            g = self._source.remembered[1][1] if isinstance(self._source, Pair) else None
            self._best = Point(inside, f, g)  # type: ignore[arg-type]
        return f

    def point(self, x: Vector) -> Point:
        """f and gradient at x, which becomes read-only; f = +inf where either is not finite."""
        asked, known = x, self._valued[1]
        x = known if x is self._valued[0] else self._feasible(x)
        if x is known:
            self.check_limits()
        else:
            self.count()
        self.njev += 1
        self._last = None
        pair = self._evaluated(self._source.value_and_grad, asked, x, None)
        f, g = pair or (math.inf, np.full(self.n, math.nan))
        f = self._finite(f) + self._extra(x)
        if not is_finite(g):
            f = math.inf
        self._last = point = Point(x, f, freeze(g))
        if f < math.inf and (self._sure is None or f < self._sure.f):
            self._sure = point
        if self._best is None or f < self._best.f:
            self._best = point
        elif x is self._best.x:
            self._best = point if f < math.inf else self._sure
        return point

    def _evaluated(self, evaluate: Callable, asked: Vector, x: Vector, otherwise: Any) -> Any:
        """evaluate(x), x noted as what the source remembers now; `otherwise` where a factorisation fails there.

        It does outside the domain of log det.
        """
        self._valued = None, None
        try:
            found = evaluate(freeze(x))
        except np.linalg.LinAlgError:
            return otherwise
        self._valued = asked, x
        return found

    def _feasible(self, x: Vector) -> Vector:
        """x itself, or its projection where it lies outside the set."""
        if self._project is None:
            return x
        inside = self._project(x)
        return x if (inside == x).all() else inside

    def _extra(self, x: Vector) -> float:
        return 0.0 if self.term is None or self.term.is_set else self.term.value(x)

    def measure(self, point: Point) -> float:
        """How far from stationary, in the ∞-norm: the gradient, or the proximal gradient step of length one.

        ‖x − prox_h(x − g)‖∞ is 0 exactly where 0 ∈ g + ∂h(x); for bounds it is the projected gradient.
        """
        if self.term is None:
            return norm_inf(point.g)
        return norm_inf(residual(self.term, point.x, point.g))

    def slope(self, point: Point) -> float:
        """The 2-norm of what `measure` is the ∞-norm of."""
        return norm(point.g if self.term is None else residual(self.term, point.x, point.g))

    def rows(self) -> int:
        """How many rows of data f is a mean over. TypeError where f is no FiniteSum, ValueError where it is no mean."""
        if self.finite_sum is None or not isinstance(self._source, Engine):
            raise TypeError("fun: this method goes by a few rows of data at a time and needs an optkit.FiniteSum (f, "
                            "*data), without jac; method=None minimises any other f")
        away = 0.1 * (1 + np.abs(self.x0)) * np.random.default_rng(0).standard_normal(self.n)
        self.finite_sum.check([self.restore(x) for x in (self.x0, self._feasible(self.x0 + away))])
        return self.finite_sum.rows

    def batch_gradient(self, x: Vector, rows: np.ndarray) -> Vector:
        """The gradient at x of the mean over these rows of a FiniteSum, with its regularizer: itself for all rows.

        Gradients of as many rows as there are count one njev together, from the first of them on; nothing else counts.
        """
        if time.perf_counter() > self.deadline:
            raise Stop(Reason.MAXTIME)
        total: FiniteSum = self.finite_sum  # type: ignore[assignment]
        begun = math.ceil(self._rows_done / total.rows)
        self._rows_done += len(rows)
        self.njev += math.ceil(self._rows_done / total.rows) - begun
        return self._source.batch_gradient(x, total.batch(rows))  # type: ignore[attr-defined]

    def hvp(self, x: Vector) -> Product:
        """v -> H(x) v, linearised once, now; it stays valid."""
        product = (self._product or self._differenced)(x)

        def counted(v: Vector) -> Vector:
            if time.perf_counter() > self.deadline:
                raise Stop(Reason.MAXTIME)
            self.nhev += 1
            return product(v)

        return counted

    def hessian(self, x: Vector, sparse: bool = False) -> Matrix:
        """H(x), dense, or as a csr_array where `sparse` and the source knows its pattern; NaN where it is not finite.

        Counted as the products it takes: n, or one a colour; a user's `hess` as one.
        """
        if time.perf_counter() > self.deadline:
            raise Stop(Reason.MAXTIME)
        if self._hess is not None:
            self.nhev += 1
            return as_matrix(self._hess(x), self.n, sparse)
        if sparse and self.has_sparse_hessian:
            H, passes = self._source.sparse_hessian(x)  # type: ignore[attr-defined]
            self.nhev += passes
            return H
        product, H = self.hvp(x), np.empty((self.n, self.n))
        for column, e in zip(H.T, np.eye(self.n), strict=True):
            column[:] = product(e)
        return 0.5 * (H + H.T)

    @property
    def has_user_hessian(self) -> bool:
        """Whether hessian(x) is the user's own matrix, dense or sparse as it comes."""
        return self._hess is not None

    @property
    def has_sparse_hessian(self) -> bool:
        """Whether hessian(x, sparse=True) takes one product a colour, not n."""
        return hasattr(self._source, "sparse_hessian") and self._product is not None and self._hess is None

    @property
    def lowest(self) -> float:
        """The lowest value so far, +inf before the start."""
        return math.inf if self._best is None else self._best.f

    @property
    def best(self) -> Point:
        """The lowest point evaluated. Costs one gradient where only its value was asked for."""
        best = self._best
        if best is None:
            return self.start()
        if best.g is None:
            self._best = best = best._replace(g=freeze(self._gradient(best.x)))
            if not is_finite(best.g) and self._sure is not None:
                self._best = best = self._sure
        return best

    def salvage(self) -> None:
        """Take in a value that an exception in the gradient at the same point kept from being noted."""
        if isinstance(self._source, Separate):
            x, f = self._source.remembered
            if x is not None and x is not self._valued[1] and self._finite(f) + self._extra(x) < self.lowest:
                self._best = Point(x, f + self._extra(x), None)  # type: ignore[arg-type]

    @property
    def best_without_gradient(self) -> Point:
        """The lowest point evaluated, its g NaN where only its value was asked for. Costs nothing."""
        best = self._best
        if best is None:
            raise ValueError("no point has been evaluated yet")
        return best if best.g is not None else best._replace(g=freeze(np.full(self.n, math.nan)))

    def prefer(self, point: Point) -> bool:
        """Make `point` the best if no lower one is known beyond rounding; says whether it is."""
        if self._best is None or point.f <= self._best.f + ROUNDING * abs(point.f):
            self._best = point
        return self._best is point

    @property
    def structure(self) -> str:
        """The structure of x0 in words: dicts, lists and tuples, and the shapes of the arrays in them."""
        return structure(self._user.like)

    def memory(self) -> "Memory":
        """What later evaluations, counts and the best point depend on."""
        return Memory(self.nfev, self.njev, self.nhev, self.saw_minus_infinity, self._best, self._sure, self._last,
                      self._valued, self._rows_done, getattr(self._source, "remembered", None))

    def recall(self, memory: "Memory") -> None:
        """Go on from there."""
        self.nfev, self.njev, self.nhev, self.saw_minus_infinity = memory.nfev, memory.njev, memory.nhev, memory.fell
        self._best, self._sure, self._last, self._valued = memory.best, memory.sure, memory.last, memory.valued
        self._rows_done = memory.rows_done
        if memory.source is not None:
            self._source.remembered = memory.source  # type: ignore[attr-defined]

    def plain(self, x: Any) -> Any:
        """f by calling f itself, x in the structure of x0. Not counted; nothing is added to it."""
        return self._user.plain(x)

    def fresh_gradient(self, x: Vector) -> Vector | None:
        """∇f(x) by autodiff or the user's function; None where it would be by differences. Not counted."""
        return None if "differences" in self.derivatives else self._source.gradient(freeze(x))

    def plain_value(self, x: Vector) -> float:
        """f(x) by calling f itself. Not counted."""
        value = self._source.value if isinstance(self._source, Pair) else self._user.value
        return value(x) + self._extra(x)

    def count(self) -> None:
        """One more value is about to be computed. Raises Stop where a limit forbids it."""
        self.check_limits()
        self.nfev += 1

    def check_limits(self) -> None:
        """Raises Stop where no more values may be computed."""
        if self.nfev >= self.maxfev:
            raise Stop(Reason.MAXFEV)
        if time.perf_counter() > self.deadline:
            raise Stop(Reason.MAXTIME)

    def _finite(self, f: float) -> float:
        if math.isfinite(f):
            return f
        if f == -math.inf:
            self.saw_minus_infinity = True
        return math.inf

    def _differenced(self, x: Vector) -> Product:
        """Products by differences of the gradient, inside the bounds."""
        check_steps_stay_inside(self.term)
        g, box = self._gradient(x), self.box
        return lambda v: differences.product(lambda z: self._gradient(freeze(z)), x, g, v, box, self.gradient_error)

    def _gradient(self, x: Vector) -> Vector:
        """The gradient alone; where it comes with the value, that counts, and is noted, as any other."""
        if self._last is not None and x is self._last.x:
            return self._last.g
        if isinstance(self._source, Pair):
            return self.point(x).g
        self.njev += 1
        return self._source.gradient(x)


@dataclass(frozen=True, slots=True)
class Memory:
    """What an Objective remembers between evaluations, as plain data.

    fell : whether a value was −∞. rows_done : of a finite sum. source : what the source of derivatives remembers.
    """

    nfev: int
    njev: int
    nhev: int
    fell: bool
    best: Point | None
    sure: Point | None
    last: Point | None
    valued: tuple
    rows_done: int
    source: Any


def _not_finite(f: float) -> str:
    return f"f(x0) must be finite, got {f}; start where f is defined"
