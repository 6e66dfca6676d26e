"""How results are written for people: tables, durations, shortened arrays."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def table(rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns under a ruled heading; columns of numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    right = [all(cell[:1].isdigit() or cell[:1] == "-" for cell in column[1:]) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.rjust(width) if r else cell.ljust(width)
                       for cell, width, r in zip(row, widths, right, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "─" * max(map(len, lines)), *lines[1:]])


def duration(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds >= 1 else f"{1e3 * seconds:.3g} ms"


def shortened(x: Any, length: int = 120) -> str:
    """An array or tree on one line."""
    with np.printoptions(precision=6, threshold=8, edgeitems=3):
        text = " ".join(str(x).split())
    return text if len(text) <= length else f"{text[:length]}…"
