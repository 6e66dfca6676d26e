"""The criteria: adding one is one file and one line here."""

from collections.abc import Callable

from ..search import Row, Search
from .definition import definition
from .discrete import l_natural
from .epigraph import epigraph
from .exponential import exponentially_convex
from .first_order import first_order
from .jensen import jensen, jensen_integral
from .lines import lines
from .matrices import operator_convex
from .minima import local_is_global
from .moduli import strong_definition, strong_first_order, strong_second_order
from .pseudoconvex import pseudoconvex
from .quasiconvex import quasiconvex
from .second_order import second_order
from .strict import strict
from .strong import strong
from .sublevel import sublevel
from .turned import affine, concave, log_concave, log_convex

Criterion = Callable[[Search], Row]

CRITERIA: dict[str, Criterion] = {  # rows of every report on convexity, in the order they run
    "definition": definition,
    "first order": first_order,
    "second order": second_order,
    "lines": lines,
    "strong convexity": strong,
}

FURTHER: dict[str, Criterion] = {   # rows that a property, or the caller, asks for
    "strict": strict,
    "epigraph": epigraph,
    "sublevel": sublevel,
    "jensen": jensen,
    "jensen integral": jensen_integral,
    "local is global": local_is_global,
    "strong definition": strong_definition,
    "strong first order": strong_first_order,
    "strong second order": strong_second_order,
    "concave": concave,
    "affine": affine,
    "quasiconvex": quasiconvex,
    "pseudoconvex": pseudoconvex,
    "log-convex": log_convex,
    "log-concave": log_concave,
    "exponentially convex": exponentially_convex,
    "operator convex": operator_convex,
    "L-natural": l_natural,
}
