"""Functions of several arguments: all of them varied together, or some with the others held fixed."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from .domains import Product, Region
from .domains.product import as_region

CANDIDATES = 64     # points among which values of what is held are chosen


def check_limits(name: str, maxtime: Any, seed: Any) -> None:
    """Raises ValueError unless maxtime is a number of seconds above 0 and seed a whole number from 0 on."""
    number = isinstance(maxtime, (int, float, np.integer, np.floating)) and not isinstance(maxtime, bool)
    if not (number and maxtime > 0):
        raise ValueError(f"{name}: need maxtime > 0 seconds, got maxtime={maxtime!r}; give a number, such as 10.0")
    if not (isinstance(seed, (int, np.integer)) and seed >= 0):
        raise ValueError(f"{name}: need a whole seed >= 0, got seed={seed!r}; give one, such as 0")


class Restriction(NamedTuple):
    """f with some arguments fixed: g(region.unravel(x)) is f's value, x a flat vector of the region."""

    g: Callable[[Any], Any]
    region: Region
    fixed: dict[Any, Any]


def restricted(f: Callable[..., Any], domain: Any, vary: Any, fix: Mapping[Any, Any] | None) -> tuple[Callable, Region]:
    """(g, region): f as a function of the arguments in `vary`, with those in `fix` held; g takes the region's argument.

    domain : a region, if f has one argument; a tuple (or Product) of regions, one for each positional argument; a dict
    (or Product of one) of regions by name. f that takes one argument only is given the tuple or dict itself.
    vary : names (or positions) of what varies; None for all that is not fixed. fix : {name or position: value}.
    With everything varied convexity is joint; with fixed values it is that in the rest: separate convexity.
    Raises ValueError where a name is unknown, in both, or in neither; TypeError where domain is no region.
    """
    region = domain if isinstance(domain, Region) else as_region(domain)
    if not isinstance(region, Product):
        if vary is not None or fix:
            raise ValueError("check: vary and fix are for functions of several arguments; give domain as a tuple or "
                             "dict of regions, one for each")
        return f, region
    fixed = _fixed_values(region, fix)
    varied = _names(region, vary, fixed)
    left = [name for name in region.parts if name not in varied and name not in fixed]
    if left:
        raise ValueError(f"check: {', '.join(map(str, left))} is neither varied nor fixed; give fix={{name: value}}, "
                         "or use restrictions, which draws values")
    call, region = _calling(f, region), _named(f, region)
    if not fixed:
        return call, region
    if len(varied) == 1:
        only = varied[0]
        return (lambda part: call(_assembled(region, {**fixed, only: part}))), region.parts[only]
    inner = Product({name: region.parts[name] for name in varied})
    inner.names = {name: region.names[name] for name in varied}
    return (lambda parts: call(_assembled(region, {**fixed, **parts}))), inner


def restrictions(f: Callable[..., Any], domain: Any, vary: Any, fix: Mapping[Any, Any] | None, k: int,
                 rng: np.random.Generator) -> list[Restriction]:
    """`restricted` for each of k values of what is neither varied nor fixed, drawn from its regions.

    One restriction if nothing is left to draw. f is separately convex in the varied arguments if all restrictions to
    values of the others are convex: k of them can refute that, not prove it.
    """
    region = domain if isinstance(domain, Region) else as_region(domain)
    if not isinstance(region, Product) or vary is None:
        return [Restriction(*restricted(f, region, vary, fix), dict(fix or {}))]
    known = _fixed_values(region, fix)
    left = [name for name in region.parts if name not in _names(region, vary, known) and name not in known]
    if not left:
        return [Restriction(*restricted(f, region, vary, fix), known)]
    draws = {name: _apart(region.parts[name], k, rng) for name in left}
    found = []
    for i in range(min(len(d) for d in draws.values())):
        values = {**known, **{name: region.parts[name].unravel(draws[name][i]) for name in left}}
        found.append(Restriction(*restricted(f, region, vary, values), values))
    return found


def _apart(region: Region, k: int, rng: np.random.Generator) -> np.ndarray:
    """Up to k points: the centre, and ever the point of a good spread that is farthest from those before."""
    points = region.spread(CANDIDATES, rng)
    scaled = points / region.scale
    chosen, far = [0], np.linalg.norm(scaled - scaled[0], axis=1)
    while len(chosen) < k and far.max() > 0:
        chosen.append(int(np.argmax(far)))
        far = np.minimum(far, np.linalg.norm(scaled - scaled[chosen[-1]], axis=1))
    return points[chosen]


def _fixed_values(region: Product, fix: Mapping[Any, Any] | None) -> dict[Any, Any]:
    for name, value in (fix or {}).items():
        _known(region, name, "fix")
        part = region.parts[name]
        try:
            inside = part.contains(part.flatten(value))
        except (TypeError, ValueError, IndexError) as error:
            raise ValueError(f"check: fix[{name!r}] must be of the kind of {part.label}, got {value!r:.60}") from error
        if not inside:
            raise ValueError(f"check: fix[{name!r}] must lie in {part.label}, got {value!r:.60}")
    return dict(fix or {})


def _names(region: Product, vary: Any, fixed: Mapping[Any, Any]) -> list[Any]:
    if vary is None:
        return [name for name in region.parts if name not in fixed]
    given = [vary] if isinstance(vary, (str, int)) or not isinstance(vary, Iterable) else list(vary)
    for name in given:
        _known(region, name, "vary")
        if name in fixed:
            raise ValueError(f"check: {name!r} is in vary and in fix; an argument either varies or is fixed")
    if not given:
        raise ValueError("check: vary must name at least one argument, got none")
    return given


def _known(region: Product, name: Any, where: str) -> None:
    if name not in region.parts:
        raise ValueError(f"check: {where} must name arguments of the domain, {', '.join(map(repr, region.parts))}, got "
                         f"{name!r}")


def _assembled(region: Product, values: Mapping[Any, Any]) -> Any:
    """f's argument from the values of the parts."""
    if region.kind is dict:
        return {name: values[name] for name in region.parts}
    return region.kind([values[name] for name in region.parts])


def _calling(f: Callable[..., Any], region: Product) -> Callable[[Any], Any]:
    """f called with the parts as so many arguments where its signature takes them, else with the tuple or dict."""
    if region.kind is dict:
        names = [str(name) for name in region.parts]
        return (lambda parts: f(**parts)) if _binds(f, (), dict.fromkeys(names)) else f
    if region.kind is tuple and _binds(f, (None,) * len(region.parts), {}):
        return lambda parts: f(*parts)
    return f


def _named(f: Callable[..., Any], region: Product) -> Product:
    """The region, its parts named as in f's signature: a copy."""
    if region.kind is dict and _binds(f, (), dict.fromkeys(map(str, region.parts))):
        return region
    try:
        names = list(inspect.signature(f).parameters)
    except (TypeError, ValueError):
        return region
    out = copy.copy(region)
    if region.kind is tuple and len(names) >= len(region.parts) and _binds(f, (None,) * len(region.parts), {}):
        out.names = dict(zip(region.parts, names, strict=False))
    elif names:
        out.names = {name: f"{names[0]}[{name!r}]" for name in region.parts}
    return out


def _binds(f: Callable[..., Any], positional: tuple, named: dict[str, None]) -> bool:
    try:
        inspect.signature(f).bind(*positional, **named)
    except TypeError:
        return False
    except ValueError:      # no signature is known: built in
        return len(positional) + len(named) > 1
    return True
