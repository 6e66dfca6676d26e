"""One problem as the solvers see it: flat float64 vectors in and out, counted, checked, the best point remembered."""

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import autodiff as ad
from optkit.inputs import as_gradient, as_operator, as_scalar, flatten_start
from optkit.point import Point, Vector, freeze, is_finite, norm
from optkit.stopping import Reason, Stop

ROUNDING = float(10 * np.finfo(float).eps)  # relative; f values closer than this are not told apart

Product = Callable[[Vector], Vector]


class Objective:
    """f, its gradient and Hessian-vector products at flat points.

    fun : f(x, *args) -> float, x in the structure of x0; it may be an `ad.compile(f)`.
    jac : None or False (exact derivatives by autodiff), True (fun returns (f, g)), a callable g(x, *args), "2-point" or
        "3-point" for differences of f.
    hessp(x, p, *args), hess(x, *args) : make the products; otherwise autodiff does or, where only jac is given,
        differences of gradients, one gradient a product.
    compile : False traces f at each call instead of running generated code.

    nfev, njev, nhev count the values, gradients and products that were asked for (a value asked for again at the same
    point is remembered). Linearising the gradient at a point costs about one gradient and is not counted; a differenced
    product counts one njev too. `maxfev` and `deadline` (time.perf_counter seconds) may be set; passing them raises
    Stop. User callables get copies of x, so nothing they do to it reaches the run.
    """

    def __init__(self, fun, x0, args=(), *, jac=None, hess=None, hessp=None, compile=True):
        self.x0, self.restore = flatten_start(x0)
        self.n = self.x0.size
        self.nfev = self.njev = self.nhev = 0
        self.maxfev, self.deadline = math.inf, math.inf
        self.saw_minus_infinity = False
        self._best: Point | None = None  # while only the value is known there, its g is None
        self._valued: Vector | None = None  # where the last value was asked for
        self._last: Point | None = None
        args = args if isinstance(args, tuple) else (args,)
        if not callable(fun):
            raise TypeError(f"fun: need a callable f(x, *args), got {fun!r}")
        self._user = user = _User(fun, args, self.restore, self.x0)
        if jac is None or jac is False:
            self._source = _Engine(user, compile)
        elif jac is True:
            self._source = _Pair(user)
        elif callable(jac):
            self._source = _Separate(user, lambda x: user.call(jac, x, "jac"))
        elif isinstance(jac, str) and jac in _SCHEMES:
            self._source = _Separate(user, self._difference_gradient(user, _SCHEMES[jac]), f"{jac} differences of f")
        else:
            raise ValueError(f"jac: need a callable, True, None, '2-point' or '3-point', got jac={jac!r}; "
                             "jac=None gives exact derivatives")
        self._product = self._product_source(user, hess, hessp)

    def _product_source(self, user: "_User", hess, hessp) -> Callable[[Vector], Product]:
        if hessp is not None:
            if not callable(hessp):
                raise TypeError(f"hessp: need a callable hessp(x, p, *args), got {hessp!r}")
            return lambda x: lambda v: user.call(hessp, x, "hessp", user.restore(v.copy()))
        if callable(hess):
            return lambda x: as_operator(hess(user.restore(x.copy()), *user.args), self.n)
        if hess is not None and not (isinstance(hess, str) and hess in _SCHEMES):
            raise ValueError(f"hess: need a callable hess(x, *args), '2-point', '3-point' or None, got hess={hess!r}; "
                             "quasi-Newton updates of SciPy are not used, method='l-bfgs' has its own")
        exact = hess is None and isinstance(self._source, _Engine)
        return self._source.linearize if exact else self._differenced

    def _difference_gradient(self, user: "_User", scheme: str) -> Product:
        def counted(z: Vector) -> float:
            self.nfev += 1
            return user.value(z)

        return lambda x: ad.finite_difference.gradient(counted, x, scheme=scheme)

    @property
    def has_exact_hvp(self) -> bool:
        """Whether products are exact, not differences of gradients."""
        return self._product != self._differenced

    @property
    def compiled(self) -> bool:
        """Whether values come from generated code, or would if f could be trusted."""
        return isinstance(self._source, _Engine) and self._source.compile

    @property
    def derivatives(self) -> str:
        """Where derivatives come from, in words."""
        return self._source.origin

    def start(self) -> Point:
        """The point x0. Raises where f or its gradient are of a wrong type or shape there, or not finite."""
        try:
            f, g = self._source.value_and_grad(self.x0)
        except (TypeError, ValueError) as error:
            if isinstance(self._source, _Engine):
                self._user.value(self.x0)  # says it better where f itself does not return a number
                error.add_note("optkit: where autodiff can't follow f, give jac=..., or jac='3-point' for differences.")
            raise
        self.nfev, self.njev = self.nfev + 1, self.njev + 1
        if not math.isfinite(f):
            raise ValueError(f"f(x0) must be finite, got {f}; start where f is defined")
        if not is_finite(g):
            bad = int(np.flatnonzero(~np.isfinite(g))[0])
            raise ValueError(f"the gradient at x0 must be finite, got g[{bad}] = {g[bad]}; "
                             "start where f is differentiable")
        self._last = self._best = Point(self.x0, f, freeze(g))
        return self._best

    def value(self, x: Vector) -> float:
        """f(x), +inf where it is not finite."""
        self._check_limits()
        self.nfev += 1
        f = self._finite(_unless_singular(self._source.value, freeze(x), math.inf))
        self._valued = x
        if self._best is None or f < self._best.f:
            self._best = Point(x, f, None)  # type: ignore[arg-type]
        return f

    def point(self, x: Vector) -> Point:
        """f and gradient at x, which becomes read-only; f = +inf where either is not finite."""
        self._check_limits()
        if x is not self._valued:
            self.nfev += 1
        self.njev += 1
        f, g = _unless_singular(self._source.value_and_grad, freeze(x), (math.inf, np.full(self.n, math.nan)))
        f = self._finite(f)
        if not is_finite(g):
            f = math.inf
        self._last = point = Point(x, f, freeze(g))
        if self._best is None or f < self._best.f or x is self._best.x:
            self._best = point
        return point

    def hvp(self, x: Vector) -> Product:
        """v -> H(x) v, linearised once, now; it stays valid."""
        product = self._product(x)

        def counted(v: Vector) -> Vector:
            if time.perf_counter() > self.deadline:
                raise Stop(Reason.MAXTIME)
            self.nhev += 1
            return product(v)

        return counted

    @property
    def best(self) -> Point:
        """The lowest point evaluated. Costs one gradient where only its value was asked for."""
        best = self._best
        if best is None:
            return self.start()
        if best.g is None:
            self._best = best = best._replace(g=freeze(self._gradient(best.x)))
        return best

    def prefer(self, point: Point) -> bool:
        """Make `point` the best if no lower one is known beyond rounding; says whether it is."""
        if self._best is None or point.f <= self._best.f + ROUNDING * abs(point.f):
            self._best = point
        return self._best is point

    def plain_value(self, x: Vector) -> float:
        """f(x) by calling f itself. Not counted."""
        return self._user.value(x)

    def _check_limits(self):
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
        """Products by forward differences of the gradient (Nocedal & Wright §8.1)."""
        g = self._gradient(x)

        def product(v: Vector) -> Vector:
            size = norm(v)
            if size == 0:
                return np.zeros(self.n)
            h = 2 * math.sqrt(np.finfo(float).eps) * (1 + norm(x)) / size
            return (self._gradient(freeze(x + h * v)) - g) / h

        return product

    def _gradient(self, x: Vector) -> Vector:
        if self._last is not None and x is self._last.x:
            return self._last.g
        self.njev += 1
        self.nfev += isinstance(self._source, _Pair) and not self._source.knows(x)
        return self._source.gradient(x)


def _unless_singular(evaluate: Callable, x: Vector, otherwise: Any) -> Any:
    """evaluate(x); `otherwise` where a factorisation fails there, as it does outside the domain of log det."""
    try:
        return evaluate(x)
    except np.linalg.LinAlgError:
        return otherwise


class _User:
    """The user's own function, called with copies of x in the structure of x0."""

    def __init__(self, fun, args, restore, x0):
        self.fun, self.args, self.restore, self.like = fun, args, restore, restore(x0)

    def value(self, x: Vector) -> float:
        fun = self.fun.f if isinstance(self.fun, ad.Function) else self.fun
        return as_scalar(fun(self.restore(x.copy()), *self.args))

    def call(self, fun, x: Vector, name: str, *more) -> Vector:
        return as_gradient(fun(self.restore(x.copy()), *more, *self.args), self.like, x.size, name)


class _Engine:
    """Derivatives by autodiff."""

    def __init__(self, user: _User, compile: bool):
        fun, restore, self.args, self.compile = user.fun, user.restore, user.args, compile
        if isinstance(fun, ad.Function) and restore.is_identity and compile:
            self.fun = fun
        else:
            flat = fun if restore.is_identity else lambda x, *args: fun(restore(x), *args)
            self.fun = ad.compile(flat, eager=not compile)

    @property
    def origin(self) -> str:
        mode, reason, _ = self.fun.report
        return f"exact; f is run as it stands at each call: {reason}" if mode == "eager" else "exact, by generated code"

    def value(self, x: Vector) -> float:
        return as_scalar(self.fun(x, *self.args))

    def value_and_grad(self, x: Vector) -> tuple[float, Vector]:
        f, g = self.fun.value_and_grad(x, *self.args)
        return as_scalar(f), g

    def gradient(self, x: Vector) -> Vector:
        return self.value_and_grad(x)[1]

    def linearize(self, x: Vector) -> Product:
        return self.fun.linearize_grad(x, *self.args)[2]


class _Separate:
    """f and a gradient function of its own; the value at the last point is remembered."""

    def __init__(self, user: _User, gradient: Product, origin: str = "by jac"):
        self.user, self.gradient, self.origin = user, gradient, origin
        self._x: Vector | None = None
        self._f = math.nan

    def value(self, x: Vector) -> float:
        self._x, self._f = x, self.user.value(x)
        return self._f

    def value_and_grad(self, x: Vector) -> tuple[float, Vector]:
        f = self._f if x is self._x else self.value(x)
        return f, self.gradient(x)


class _Pair:
    """fun returns (f, gradient); the pair at the last point is remembered."""

    origin = "by fun"

    def __init__(self, user: _User):
        self.user = user
        self._x: Vector | None = None
        self._pair: tuple[float, Vector] = (math.nan, np.empty(0))

    def value(self, x: Vector) -> float:
        return self.value_and_grad(x)[0]

    def gradient(self, x: Vector) -> Vector:
        return self.value_and_grad(x)[1]

    def knows(self, x: Vector) -> bool:
        return x is self._x

    def value_and_grad(self, x: Vector) -> tuple[float, Vector]:
        if not self.knows(x):
            user = self.user
            pair = user.fun(user.restore(x.copy()), *user.args)
            if not isinstance(pair, tuple | list) or len(pair) != 2:
                raise TypeError(f"fun: with jac=True it must return (f, gradient), got {type(pair).__name__}; "
                                "return both, or give jac=None for exact derivatives")
            self._x, self._pair = x, (as_scalar(pair[0]), as_gradient(pair[1], user.like, x.size, "fun (jac=True)"))
        return self._pair


_SCHEMES = {"2-point": "forward", "3-point": "central"}
