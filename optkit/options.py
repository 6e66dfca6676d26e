"""Names to things: which method was asked for, and where each option belongs."""

import dataclasses
import difflib
import math
import warnings
from typing import Any

import numpy as np
from scipy.optimize import HessianUpdateStrategy

from optkit.checks import is_flag, require, typed
from optkit.linesearch import SEARCHES
from optkit.loop import Solver
from optkit.prox import Term
from optkit.solvers import ALIASES, FIT_ALIASES, FITS, METHODS
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
_NO_STEP = "exact derivatives take no steps, and jac='2-point' or '3-point' chooses its own"
_SHOWN = "progress=True or disp=True shows the run"
_SET_HERE = "optkit sets it by what SciPy's method needs to come to the end"
# SciPy's options without meaning here, and why.
MEANINGLESS = {
    "eps": _NO_STEP,
    "finite_diff_rel_step": _NO_STEP,
    "iprint": _SHOWN,
    "verbose": _SHOWN,
    "mesg_num": _SHOWN,
    "workers": "f is called in this process, at one point after the other",
    "inexact": "the method itself decides how exactly it solves its subproblem",
    "sparse_jacobian": "Jacobians of constraints are sparse where they come sparse",
    "factorization_method": "it is chosen by whether the constraints can depend on each other",
    "barrier_tol": _SET_HERE,
    "initial_barrier_tolerance": _SET_HERE,
    "initial_constr_penalty": _SET_HERE,
}
RULES = {field.name for field in dataclasses.fields(StoppingRules)}
# What the front door itself takes, with its defaults.
DOOR: dict[str, Any] = {"disp": False, "progress": False, "return_all": False, "compile": True, "norm": np.inf,
                        "checkpoint": None, "every": 10, "resume": None}
FLAGS = ("disp", "progress", "return_all", "compile")


class UnknownOption(TypeError):
    """An option the chosen method does not have."""


class IgnoredOption(UserWarning):
    """Something of SciPy's that has no meaning here: an option, or a quasi-Newton update as hess."""


class Methods(dict):
    """Name -> solver class of minimize; printed, with the methods for constraints and fits, as what each is and takes.
    """

    def __str__(self) -> str:
        from optkit.constrained import METHODS as FOR_CONSTRAINTS

        sections: list[tuple[str, dict, dict]] = [
            ("minimize", self, ALIASES), ("minimize with constraints", FOR_CONSTRAINTS, {}),
            ("least_squares", FITS, FIT_ALIASES)]
        width = max(len(name) for _, found, _ in sections for name in found) + 2
        lines = []
        for title, found, aliases in sections:
            lines += [title, "─" * len(title), *[_block(name, cls, aliases, width) for name, cls in found.items()], ""]
        return "\n".join([*lines, f"every method takes {', '.join(sorted({*RULES, *DOOR} - {'norm'}))}",
                          "the parameters of `search` may stand beside it, as in method='bfgs', c2=0.5"])

    __repr__ = __str__


def methods() -> Methods:
    """The registry of methods: name -> class of its parameters. print(methods()) shows what each does and takes."""
    return Methods(METHODS)


def _block(name: str, cls: type, aliases: dict[str, str], width: int) -> str:
    lines = [(cls.__doc__ or "").partition("\n")[0], f"options: {', '.join(_parameters(cls)) or 'none of its own'}"]
    also = [alias for alias, target in aliases.items() if target == name]
    lines += [f"also called: {', '.join(also)}"] if also else []
    return name.ljust(width) + ("\n" + " " * width).join(lines)


def _parameters(cls: type) -> list[str]:
    """The fields of a dataclass with their defaults."""
    out = []
    for field in dataclasses.fields(cls):
        default: Any = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        nested = dataclasses.is_dataclass(default)
        text = f"{type(default).__name__}({', '.join(_parameters(type(default)))})" if nested else repr(default)
        out.append(f"{field.name}={text}")
    return out


def find_method(name: str) -> type:
    """The solver class of a name or alias, in any case. Raises ValueError naming the near ones."""
    from optkit.constrained import METHODS as FOR_CONSTRAINTS

    key = name.lower().replace("_", "-").replace(" ", "-")
    key = ALIASES.get(key, key)
    known = {**METHODS, **FOR_CONSTRAINTS}
    if key in known:
        return known[key]
    near = difflib.get_close_matches(key, [*known, *ALIASES], n=3)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "these all use gradients."
    raise ValueError(f"method: unknown {name!r}; {hint} Known: {', '.join(METHODS)}, and for constraints "
                     f"{', '.join(FOR_CONSTRAINTS)}")


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


def without_update(hess: Any) -> Any:
    """hess; None, with a warning, where it is a quasi-Newton update of SciPy's, as where no Hessian is given."""
    if not isinstance(hess, HessianUpdateStrategy):
        return hess
    warnings.warn(f"hess={type(hess).__name__}() has no meaning here and is ignored, as if no hess was given; methods "
                  "'bfgs' and 'sr1' have updates of their own", IgnoredOption, stacklevel=3)
    return None


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
            warnings.warn(f"option {given!r} has no meaning here and is ignored: {MEANINGLESS[name]}", IgnoredOption,
                          stacklevel=3)
            continue
        target = rules if name in RULES else door if name in DOOR else own
        if name in target and target is not door:
            raise TypeError(f"option {given!r} means {name!r}, which is given too; give one of them")
        target[name] = value
    for name in FLAGS:
        require("minimize", is_flag(door[name]), "True or False", **{name: door[name]})
    if door["norm"] not in (np.inf, math.inf):
        raise ValueError(f"norm: the gradient test uses the ∞-norm, got norm={door['norm']!r}, so scale gtol")
    if door["checkpoint"] is None and door["every"] != DOOR["every"]:
        raise ValueError(f"every={door['every']!r}: says how often a checkpoint is written; give checkpoint=path, too")
    return configure(solver, own), StoppingRules(**rules), door


def configure(solver: Any, own: dict[str, Any]) -> Solver:
    """The solver with these parameters; those of its line search may stand beside them, and `search` be a name."""
    cls = solver if isinstance(solver, type) else type(solver)
    if not own and not isinstance(solver, type):
        typed(cls, {field.name: getattr(solver, field.name) for field in _fields(cls)})
        return solver
    names = [field.name for field in _fields(cls)]
    if isinstance(own.get("search"), str):
        own = {**own, "search": _find_search(own["search"])}
    mine = {name: value for name, value in own.items() if name in names}
    rest = {name: value for name, value in own.items() if name not in names}
    base = (lambda **kw: dataclasses.replace(solver, **kw)) if not isinstance(solver, type) else cls
    search = mine.get("search", _search_of(solver))
    search_names = [field.name for field in _fields(search)]
    for name in rest:
        if name not in search_names:
            raise UnknownOption(_unknown(name, cls, [*names, *search_names]))
    if rest:
        mine["search"] = dataclasses.replace(search, **typed(type(search), rest))
    return base(**typed(cls, mine))


def _fields(owner: Any) -> tuple:
    return dataclasses.fields(owner) if dataclasses.is_dataclass(owner) else ()


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
