"""`minimize` inside a function that is being differentiated: x as a function of args."""

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
