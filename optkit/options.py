"""Names to things: which method was asked for, and where each option belongs."""

import dataclasses
import difflib
import math
import warnings
from typing import Any

import numpy as np

from optkit.linesearch import SEARCHES
from optkit.loop import Solver
from optkit.prox import Term
from optkit.solvers import ALIASES, METHODS
from optkit.stopping import StoppingRules

# SciPy's option names for what has another name here.
RENAMED = {
    "maxfun": "maxfev",
    "maxcor": "memory",
    "xrtol": "xtol",
    "initial_trust_radius": "delta0",
    "max_trust_radius": "delta_max",
    "initial_tr_radius": "delta0",
    "initial_barrier_parameter": "barrier",
}
# SciPy's options about finite differences, printing and processes: without meaning here.
MEANINGLESS = {"eps", "finite_diff_rel_step", "iprint", "workers", "inexact", "verbose", "sparse_jacobian",
               "factorization_method"}
RULES = {field.name for field in dataclasses.fields(StoppingRules)}
# What the front door itself takes, with its defaults.
DOOR: dict[str, Any] = {"disp": False, "progress": False, "return_all": False, "compile": True, "norm": np.inf,
                        "checkpoint": None, "every": 10, "resume": None}


class UnknownOption(TypeError):
    """An option the chosen method does not have."""


class IgnoredOption(UserWarning):
    """An option of SciPy that has no meaning here."""


class Methods(dict):
    """Name -> solver class; printed as a table of what each is and takes."""

    def __str__(self) -> str:
        blocks = []
        for name, cls in self.items():
            also = [alias for alias, target in ALIASES.items() if target == name]
            blocks.append(f"{name:<18}{_summary(cls)}\n{'':18}options: {', '.join(_describe(cls))}\n"
                          f"{'':18}also called: {', '.join(also) or 'nothing else'}")
        blocks.append(f"{'every method':<18}{', '.join(sorted(RULES))}, {', '.join(sorted(set(DOOR) - {'norm'}))}")
        return "\n".join(blocks)

    __repr__ = __str__


def methods() -> Methods:
    """The registry of methods: name -> class of its parameters. print(methods()) shows what each does and takes."""
    return Methods(METHODS)


def _summary(cls: type) -> str:
    return (cls.__doc__ or "").partition("\n")[0]


def _describe(cls: type) -> list[str]:
    out = []
    for field in dataclasses.fields(cls):
        default: Any = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        if dataclasses.is_dataclass(default):
            out += [f"{field.name}={type(default).__name__}", *_describe(type(default))]
        else:
            out.append(f"{field.name}={default!r}")
    return out


def find_method(name: str) -> type:
    """The solver class of a name or alias, in any case. Raises ValueError naming the near ones."""
    key = name.lower().replace("_", "-").replace(" ", "-")
    key = ALIASES.get(key, key)
    if key in METHODS:
        return METHODS[key]
    near = difflib.get_close_matches(key, [*METHODS, *ALIASES], n=3)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "these all use gradients."
    raise ValueError(f"method: unknown {name!r}; {hint} Known: {', '.join(METHODS)}")


def method_name(solver: Solver) -> str:
    """The registered name of a solver object, or its class's name."""
    return next((name for name, cls in METHODS.items() if type(solver) is cls), type(solver).__name__)


def copes(method: Solver | type, term: Term | None) -> bool:
    """Whether a method takes what is added to f: of the classes in its `terms`, or any set where it `takes_sets`."""
    if term is None or isinstance(term, getattr(method, "terms", ())):
        return True
    return getattr(method, "takes_sets", False) and term.is_set


def merge_options(options: dict[str, Any] | None, by_name: dict[str, Any], tol: float | None) -> dict[str, Any]:
    """One dict of options; `tol` is gtol where that is not given (SciPy's rule)."""
    if options is not None and not isinstance(options, dict):
        raise TypeError(f"options: need a dict, got {type(options).__name__} {options!r:.60}")
    both = sorted(set(options or {}) & set(by_name))
    if both:
        raise TypeError(f"options given twice, in `options` and by name: {', '.join(both)}; give each once")
    merged = {**(options or {}), **by_name}
    if tol is not None:
        merged.setdefault("gtol", tol)
    return merged


def split_options(options: dict[str, Any], solver: Solver | type) -> tuple[Solver, StoppingRules, dict[str, Any]]:
    """A configured solver, the stopping rules and the front door's own options.

    An option goes to the rules, to the solver, or to its line search, by name. Raises UnknownOption naming the near
    ones.
    """
    rules: dict[str, Any] = {}
    door = dict(DOOR)
    own: dict[str, Any] = {}
    for given, value in options.items():
        name = RENAMED.get(given, given)
        if name in MEANINGLESS:
            warnings.warn(f"option {given!r} has no meaning here and is ignored: derivatives are exact, progress=True "
                          "or disp=True shows the run", IgnoredOption, stacklevel=4)
            continue
        target = rules if name in RULES else door if name in DOOR else own
        if name in target and target is not door:
            raise TypeError(f"option {given!r} means {name!r}, which is given too; give one of them")
        target[name] = value
    if door["norm"] not in (np.inf, math.inf):
        raise ValueError(f"norm: the gradient test uses the ∞-norm, got norm={door['norm']!r}, so scale gtol")
    return configure(solver, own), StoppingRules(**rules), door


def configure(solver: Any, own: dict[str, Any]) -> Solver:
    """The solver with these parameters; those of its line search may stand beside them, and `search` be a name."""
    cls = solver if isinstance(solver, type) else type(solver)
    if not own and not isinstance(solver, type):
        return solver
    names = [field.name for field in dataclasses.fields(cls)] if dataclasses.is_dataclass(cls) else []
    if isinstance(own.get("search"), str):
        own = {**own, "search": _find_search(own["search"])}
    mine = {name: value for name, value in own.items() if name in names}
    rest = {name: value for name, value in own.items() if name not in names}
    base = (lambda **kw: dataclasses.replace(solver, **kw)) if not isinstance(solver, type) else cls
    search = mine.get("search", _search_of(solver))
    search_names = [field.name for field in dataclasses.fields(search)] if dataclasses.is_dataclass(search) else []
    for name in rest:
        if name not in search_names:
            raise UnknownOption(_unknown(name, cls, [*names, *search_names]))
    if rest:
        mine["search"] = dataclasses.replace(search, **rest)
    return base(**mine)


def _search_of(solver: Solver | type) -> Any:
    if not isinstance(solver, type):
        return getattr(solver, "search", None)
    for field in dataclasses.fields(solver):
        if field.name == "search" and field.default_factory is not dataclasses.MISSING:
            return field.default_factory()
    return None


def _find_search(name: str) -> Any:
    if name in SEARCHES:
        return SEARCHES[name]()
    raise ValueError(f"search: unknown {name!r}, need one of {', '.join(SEARCHES)}, or a line-search object")


def _unknown(name: str, cls: type, own: list[str]) -> str:
    known = sorted({*own, *RULES, *DOOR} - {"norm"})
    near = difflib.get_close_matches(name, [*known, *RENAMED], n=3)
    hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
    return f"unknown option {name!r} for {cls.__name__}; {hint}It takes: {', '.join(known)}"
