"""Where the derivatives of one objective come from, by what the user gave: jac, hess, hessp, or nothing."""

import weakref
from collections.abc import Callable
from typing import Any

import autodiff as ad
from optkit import differences
from optkit.inputs import as_operator
from optkit.point import Vector
from optkit.prox import Box, Term, projection
from optkit.sources import SCHEMES, Engine, Pair, Product, Separate, Source, User


def gradient_source(objective: Any, user: User, jac: Any, compile: bool) -> Source:
    """Values and gradients. Differences count their values in `objective`, and stay inside its bounds."""
    if jac is None or jac is False:
        return Engine(user, compile)
    if jac is True:
        return Pair(user)
    if callable(jac):
        return Separate(user, lambda x: user.call(jac, x, "jac"))
    if isinstance(jac, str) and jac in SCHEMES:
        gradient = _difference_gradient(objective, user, jac)
        return Separate(user, gradient, f"{jac} differences of f", differences.error(jac))
    raise ValueError(f"jac: need a callable, True, None, '2-point' or '3-point', got jac={jac!r}; "
                     "jac=None gives exact derivatives")


def product_source(user: User, source: Source, hess: Any, hessp: Any) -> Callable[[Vector], Product] | None:
    """x -> (v -> Hv); None where products are to be differences of gradients."""
    if hessp is not None:
        if not callable(hessp):
            raise TypeError(f"hessp: need a callable hessp(x, p, *args), got {hessp!r}")
        return lambda x: lambda v: user.call(hessp, x, "hessp", user.restore(v.copy()))
    matrix = user_hessian(user, hess)
    if matrix is not None:
        return lambda x: as_operator(matrix(x), x.size)
    if hess is not None and not (isinstance(hess, str) and hess in SCHEMES):
        raise ValueError(f"hess: need a callable hess(x, *args), '2-point', '3-point' or None, got hess={hess!r}")
    return getattr(source, "linearize", None) if hess is None else None


def user_hessian(user: User, hess: Any) -> Callable[[Vector], Any] | None:
    """The user's own Hessian at flat points, if there is one."""
    return (lambda x: hess(user.restore(x.copy()), *user.args)) if callable(hess) else None


def check_steps_stay_inside(term: Term | None) -> None:
    """Raises ValueError where differences would leave a set that is no box."""
    if projection(term) is not None and not isinstance(term, Box):
        raise ValueError(f"differences would leave the set {type(term).__name__}; give jac=... (for products also "
                         "hess=... or hessp=...), or leave jac out for exact derivatives")


def _difference_gradient(objective: Any, user: User, scheme: str) -> Product:
    owner: Any = weakref.proxy(objective)  # the source belongs to the objective: no cycle
    term = objective.term

    def counted(z: Vector) -> float:
        owner.count()
        return user.value(z)

    check_steps_stay_inside(term)
    if not isinstance(term, Box):
        return lambda x: ad.finite_difference.gradient(counted, x, scheme=SCHEMES[scheme])
    return lambda x: differences.gradient(counted, x, term, scheme)
