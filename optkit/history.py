"""What a run did, one record an iteration."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np


class Record(NamedTuple):
    """One iterate.

    gnorm : ‖g‖∞. step : ‖x_k − x_{k−1}‖₂, 0 at the start. time : seconds since the start. nfev, njev, nhev : values,
    gradients and products so far. inner : CG iterations of the step, 0 where there are none.
    """

    nit: int
    f: float
    gnorm: float
    step: float
    time: float
    nfev: int
    njev: int
    nhev: int
    inner: int


class History(Sequence):
    """Records by index; a column as an array by name: `history[-1].f`, `history.gnorm`, `history.time`."""

    def __init__(self, rows: Iterable[tuple] = ()):
        self._rows = list(rows)
        self.add = self._rows.append

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index):
        rows = self._rows[index]
        return History(rows) if isinstance(index, slice) else Record(*rows)

    def __getattr__(self, name: str) -> np.ndarray:
        if name not in Record._fields:
            raise AttributeError(f"History has no {name!r}; columns: {', '.join(Record._fields)}")
        column = Record._fields.index(name)
        return np.array([row[column] for row in self._rows])

    def __reduce__(self):
        return History, (self._rows,)

    def __eq__(self, other) -> bool:
        return isinstance(other, History) and self._rows == other._rows

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        last = f", last: {self[-1]}" if self._rows else ""
        return f"<History of {len(self)} records{last}>"
