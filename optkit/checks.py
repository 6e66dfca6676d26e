"""How parameters are refused: by name, with what was got."""

import dataclasses
import math
from numbers import Integral, Real
from typing import Any, get_args, get_type_hints

import numpy as np


def require(owner: str, holds: bool, condition: str, **got) -> None:
    """Raise ValueError `owner: need condition, got name=value` unless it holds."""
    if not holds:
        raise ValueError(f"{owner}: need {condition}, got {', '.join(f'{k}={v!r}' for k, v in got.items())}")


def is_real(value: Any) -> bool:
    """Whether it is a real number, which True and False are not here."""
    return isinstance(value, Real) and not isinstance(value, bool | np.bool_)


def is_whole(value: Any) -> bool:
    """Whether it is a whole number, 1e5 among them."""
    return is_real(value) and (isinstance(value, Integral) or math.isfinite(value) and value == int(value))


def is_flag(value: Any) -> bool:
    """Whether it says yes or no; SciPy's levels of printing do."""
    return isinstance(value, bool | np.bool_ | Integral)


KINDS = {int: (is_whole, "a whole number"), float: (is_real, "a number"), bool: (is_flag, "True or False")}


def typed(cls: type, values: dict[str, Any]) -> dict[str, Any]:
    """These values of fields of a dataclass, whole floats as int. ValueError where one is not of its field's type."""
    hints = get_type_hints(cls) if values and dataclasses.is_dataclass(cls) else {}
    out = dict(values)
    for name, value in values.items():
        hint = hints.get(name)
        kinds = [kind for kind in (hint, *get_args(hint)) if kind in KINDS]
        if not kinds or value is None and type(None) in get_args(hint):
            continue
        holds, words = KINDS[kinds[0]]
        optional = " or None" if type(None) in get_args(hint) else ""
        require(cls.__name__, holds(value), words + optional, **{name: value})
        if kinds[0] is int:
            out[name] = int(value)
    return out
