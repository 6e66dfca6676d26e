"""Which call is a frame making? Tells `np.empty(3)` in the user's code from the same call inside a compiled extension.

Extensions (np.random, scikit-learn's) leave no Python frame: to what they call, the caller seems to be the user's code.
They take what np.empty returns for an array without a check, and crash on anything else.
"""

import dis
import functools
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any, NamedTuple

import numpy as np

_SCOPES = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FAST", "LOAD_DEREF", "LOAD_CLASSDEREF")


class Site(NamedTuple):
    """A call of `name(…)`, or of `name.attribute(…)`."""

    name: str
    attribute: str | None


def makes_call(frame: FrameType, creator: str, function: Callable) -> bool:
    """Whether the frame is at a call written np.<creator>(…), or name(…) where the name is bound to `function`."""
    site = _sites(frame.f_code).get(frame.f_lasti)
    if site is None or site.attribute not in (None, creator):
        return False
    value = _value_of(site.name, frame)
    return value is np if site.attribute else value is function


def _value_of(name: str, frame: FrameType) -> Any:
    return frame.f_globals[name] if name in frame.f_globals else frame.f_locals.get(name)


@functools.lru_cache(maxsize=512)
def _sites(code: CodeType) -> dict[int, Site]:
    """The calls of a code object by the offset of their instruction (and of the inline caches behind it).

    A call `f(…)` and the instructions that load `f` start at the same place of the source; of those that end before the
    call does, the longest is `f`. Without columns (python -X no_debug_ranges) no call is known.
    """
    loads: dict[tuple, dict[tuple, str]] = {}      # start -> end -> name or attribute
    calls: dict[range, tuple[tuple, tuple]] = {}
    steps = list(dis.get_instructions(code))
    for step, after in zip(steps, [*[s.offset for s in steps[1:]], len(code.co_code)], strict=True):
        at = step.positions
        if at is None or at.col_offset is None:
            continue
        start, end = (at.lineno, at.col_offset), (at.end_lineno, at.end_col_offset)
        if step.opname.startswith("CALL"):
            calls[range(step.offset, after, 2)] = start, end
        elif step.opname.startswith(_SCOPES) and isinstance(step.argval, str):
            loads.setdefault(start, {})[end] = step.argval
        elif step.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            loads.setdefault(start, {})[end] = "." + step.argval
    found = {}
    for offsets, (start, end) in calls.items():
        names = [name for at, name in sorted(loads.get(start, {}).items()) if at < end]
        if 1 <= len(names) <= 2 and not names[0].startswith("."):
            site = Site(names[0], names[1][1:] if len(names) == 2 else None)
            found.update(dict.fromkeys(offsets, site))
    return found
