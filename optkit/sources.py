"""Where values and derivatives come from: the user's callables, or autodiff."""

import math
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import scipy.sparse

import autodiff as ad
from optkit.inputs import as_gradient, as_scalar
from optkit.point import Vector

Product = Callable[[Vector], Vector]
Matrix = np.ndarray | scipy.sparse.csr_array

EPS = float(np.finfo(float).eps)
SCHEMES = {"2-point": "forward", "3-point": "central"}


class Source(Protocol):
    """f at flat points. `origin` says in words where its derivatives come from.

    A source with exact second derivatives also has linearize(x) -> (v -> Hv) and sparse_hessian(x) -> (H, products it
    took); the others have neither.
    """

    @property
    def origin(self) -> str: ...

    def value(self, x: Vector) -> float: ...

    def value_and_grad(self, x: Vector) -> tuple[float, Vector]: ...

    def gradient(self, x: Vector) -> Vector: ...


class User:
    """The user's own function, called with copies of x in the structure of x0."""

    def __init__(self, fun, args, restore, x0):
        self.fun, self.args, self.restore, self.like = fun, args, restore, restore(x0)

    def value(self, x: Vector) -> float:
        return as_scalar(self.plain(self.restore(x.copy())))

    def plain(self, x: Any) -> Any:
        """What f returns at x, in the structure of x0."""
        fun = self.fun.f if isinstance(self.fun, ad.Function) else self.fun
        return fun(x, *self.args)

    def call(self, fun, x: Vector, name: str, *more) -> Vector:
        return as_gradient(fun(self.restore(x.copy()), *more, *self.args), self.like, x.size, name)


class Engine:
    """Derivatives by autodiff."""

    def __init__(self, user: User, compile: bool):
        fun, restore, self.args, self.compile = user.fun, user.restore, user.args, compile
        if isinstance(fun, ad.Function) and restore.is_identity and compile:
            self.fun = fun
        else:
            flat = fun if restore.is_identity else lambda x, *args: fun(restore(x), *args)
            self.fun = ad.compile(flat, eager=not compile)
        self._sparse = ad.sparse_hessian(self.fun.f)
        self._linear: tuple = (None, None)  # where the gradient was linearised last, and the products there
        self._expects_products = False

    @property
    def origin(self) -> str:
        mode, reason, _ = self.fun.report
        return f"exact; f is run as it stands at each call: {reason}" if mode == "eager" else "exact, by generated code"

    def value(self, x: Vector) -> float:
        return as_scalar(self.fun(x, *self.args))

    def value_and_grad(self, x: Vector) -> tuple[float, Vector]:
        f, g = self._linearized(x)[:2] if self._expects_products else self._of_number("value_and_grad", x)
        return as_scalar(f), g

    def gradient(self, x: Vector) -> Vector:
        return self.value_and_grad(x)[1]

    def batch_gradient(self, x: Vector, args: tuple) -> Vector:
        """The gradient with other args: arrays of one shape share one recording."""
        return self.fun.value_and_grad(x, *args)[1]

    def linearize(self, x: Vector) -> Product:
        if x is not self._linear[0]:
            self._linearized(x)
        self._expects_products = True
        return self._linear[1]

    def _linearized(self, x: Vector) -> tuple:
        """(f, g, v -> Hv). Once products were asked for, trials are evaluated this way: it costs about as much as f and
        g on large data, twice as much on small, and the accepted trial is then linearised."""
        found = self._of_number("linearize_grad", x)
        self._linear = x, found[2]
        return found

    def _of_number(self, what: str, x: Vector) -> Any:
        """fun.what(x); where f returns an array of one number, SciPy takes that, and so do we from then on."""
        try:
            return getattr(self.fun, what)(x, *self.args)
        except TypeError:
            f = self.fun.f
            value = f(x.copy(), *self.args)
            if not isinstance(value, np.ndarray) or value.ndim == 0 or value.size != 1:
                raise
        self.fun = ad.compile(lambda x, *args: np.reshape(f(x, *args), ()), eager=not self.compile)
        self._sparse = ad.sparse_hessian(self.fun.f)
        return getattr(self.fun, what)(x, *self.args)

    def sparse_hessian(self, x: Vector) -> tuple[scipy.sparse.csr_array, int]:
        """H by colouring, and the number of products it took."""
        H = self._sparse(x, *self.args)
        return H, self._sparse.passes.number


class Separate:
    """f and a gradient function of its own, with its relative error; the value at the last point is remembered."""

    def __init__(self, user: User, gradient: Product, origin: str = "by jac", error: float = EPS):
        self.user, self.gradient, self.origin, self.error = user, gradient, origin, error
        self._x: Vector | None = None
        self._f = math.nan

    @property
    def remembered(self) -> tuple:
        """Where the last value was taken, and the value."""
        return self._x, self._f

    @remembered.setter
    def remembered(self, known: tuple) -> None:
        self._x, self._f = known

    def value(self, x: Vector) -> float:
        self._x, self._f = x, self.user.value(x)
        return self._f

    def value_and_grad(self, x: Vector) -> tuple[float, Vector]:
        f = self._f if x is self._x else self.value(x)
        return f, self.gradient(x)


class Pair:
    """fun returns (f, gradient); the pair at the last point is remembered."""

    origin = "by fun"

    def __init__(self, user: User):
        self.user = user
        self._x: Vector | None = None
        self._pair: tuple[float, Vector] = (math.nan, np.empty(0))

    @property
    def remembered(self) -> tuple:
        """Where the last pair was taken, and the pair."""
        return self._x, self._pair

    @remembered.setter
    def remembered(self, known: tuple) -> None:
        self._x, self._pair = known

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
