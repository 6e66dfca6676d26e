"""Points as text: Python that gives the same numbers when pasted, and JSON."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

SHOWN = 6            # entries of an array beyond which `brief` leaves some out
ENTRIES = 64         # of an array, beyond which its middle is left out


def jsonable(value: Any) -> Any:
    """Nested arrays as lists; numbers that are not finite as None; witnesses by their own account."""
    if hasattr(value, "to_json"):
        return value.to_json()
    if isinstance(value, dict):
        return {k: jsonable(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(v) for v in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return jsonable(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def pasteable(x: Any, indent: int = 18, entries: int = ENTRIES) -> str:
    """x as Python, all digits kept; arrays of more than so many entries are shortened. indent : of further lines."""
    if isinstance(x, dict):
        return "{" + ", ".join(f"{k!r}: {pasteable(v, indent, entries)}" for k, v in x.items()) + "}"
    if isinstance(x, (list, tuple)):
        inner = ", ".join(pasteable(v, indent, entries) for v in x)
        return f"[{inner}]" if isinstance(x, list) else f"({inner}{',' * (len(x) == 1)})"
    array = np.asarray(x)
    if array.ndim == 0:
        return repr(array.item())
    text = np.array2string(array, separator=", ", floatmode="unique", threshold=entries, edgeitems=3, max_line_width=90)
    return "np.array(" + text.replace("\n", "\n" + " " * (indent + 9)) + ")"


def brief(x: Any) -> str:
    """x for people, on one line: four digits, and the corners of a large array."""
    if isinstance(x, dict):
        return "{" + ", ".join(f"{k!r}: {brief(v)}" for k, v in x.items()) + "}"
    if isinstance(x, (list, tuple)):
        return ("[{}]" if isinstance(x, list) else "({})").format(", ".join(map(brief, x)))
    array = np.asarray(x)
    if array.ndim == 0:
        return f"{array.item():.4g}"
    text = np.array2string(array, precision=4, threshold=SHOWN, edgeitems=2 if array.ndim == 1 else 1)
    return " ".join(text.split()).replace("[ ", "[").replace(" ]", "]")
