"""`minimize` inside a function that is being differentiated: x as a function of args."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

import autodiff as ad
from autodiff import pytree, stand_ins
from optkit.inputs import flatten_start
from optkit.prox import Box, Term
from optkit.result import Result

GTOL = 1e-9  # unless given: the derivative is that of the exact minimiser, so x has to be one
DENSE_UP_TO = 1000  # unknowns: up to there the Hessian is factorised, from there products with it do


def depends_on_trace(args: Any) -> bool:
    """Whether some number in args is one that a derivative is being taken by."""
    return any(type(leaf) is ad.Tracer for leaf in pytree.flatten(args)[0])


def being_recorded() -> bool:
    """Whether this thread is inside a function that is being recorded."""
    return bool(stand_ins.recordings())


def plainly(call: Callable, *args: Any) -> Any:
    """call(*args) outside of any recording under way, with plain arrays in place of traced ones."""
    with stand_ins.unpatched():
        return call(*(values(args) if depends_on_trace(args) else args))


_running = threading.local()


class TracedResult(Result):
    """A Result inside a derivative: `x` and `fun` have derivatives. What else depends on args is left out, and says so
    where it is asked for."""

    def __getattr__(self, name: str) -> Any:
        if name in _PLAIN:
            raise AttributeError(f"{name}: inside a derivative only x and fun of a Result depend on args; for the rest "
                                 "call minimize outside, with plain args")
        return super().__getattr__(name)

    def __str__(self) -> str:
        return f"optkit: {'success' if self.success else 'NOT solved'}, {self.message}; x and fun have derivatives"

    __repr__ = __str__


_PLAIN = ("jac", "history", "gnorm", "certified")  # numbers without derivatives, which would count as constants


class Running:
    """What runs inside is nested: a minimisation there is part of the objective of another."""

    def __enter__(self) -> None:
        self.before, _running.now = is_nested(), True

    def __exit__(self, *error) -> None:
        _running.now = self.before


def is_nested() -> bool:
    """Whether this thread is inside a minimisation: its inner ones must not differ with how they are evaluated."""
    return getattr(_running, "now", False)


def values(tree: Any) -> Any:
    """The same tree with plain arrays in place of traced ones."""
    leaves, structure = pytree.flatten(tree)
    return pytree.unflatten(structure, [_value(leaf) for leaf in leaves])


def _value(leaf: Any) -> Any:
    while type(leaf) is ad.Tracer:
        leaf = leaf.value
    return leaf


def minimize_traced(run: Callable[[tuple], Result], fun: Callable, x0: Any, args: tuple,
                    make_term: Callable[[], Term | None]) -> Result:
    """The Result of run(args), its `x` and `fun` as functions of args that have derivatives of every order.

    x solves ∇f(x, args) = 0, or x = prox(x − ∇f(x, args)) with bounds or another term, so dx = −J⁻¹ (∂/∂args) dargs
    with J the Jacobian of that equation in x: one linear solve however long the run was.
    Raises TraceError, when the derivative is taken, where x is no solution; LinAlgError where J is singular.
    Christianson 1994; for the proximal equation Bertrand et al. 2022, JMLR 23.
    """
    with stand_ins.unpatched():
        (start, restore), term = flatten_start(x0), make_term()
    leaves, structure = pytree.flatten(args)
    moving = [i for i, leaf in enumerate(leaves) if type(leaf) is ad.Tracer]
    found: list[Result] = []

    def arguments(parameters: tuple) -> tuple:
        filled = list(leaves)
        for i, parameter in zip(moving, parameters, strict=True):
            filled[i] = parameter
        return pytree.unflatten(structure, filled)

    def solve(*parameters):
        found.append(run(arguments(parameters)))
        return flatten_start(found[-1].x)[0]

    gradient = ad.grad(lambda x, *parameters: fun(restore(x), *arguments(parameters)))

    def stationary(x, *parameters):
        g = gradient(x, *parameters)
        return g if term is None else x - _prox(term, x - g)

    small = start.size <= DENSE_UP_TO
    linear = ("cholesky" if small else "cg") if term is None else ("lu" if small else "gmres")
    x = restore(ad.implicit_root(stationary, solve, linear)(*[leaves[i] for i in moving]))
    kept = {name: value for name, value in found[-1].items() if name not in _PLAIN}
    return TracedResult({**kept, "x": x, "fun": fun(x, *args)})


def _prox(term: Term, v: Any) -> Any:
    return np.minimum(np.maximum(v, term.lower), term.upper) if isinstance(term, Box) else term.prox(v, 1.0)
