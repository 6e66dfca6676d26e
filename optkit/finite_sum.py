"""Functions that are a mean over the rows of data, so that some of the rows estimate the whole."""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse

CHECKED_TO = 1e-8  # relative: how well the mean over all rows must agree with the weighted mean of its parts


class FiniteSum:
    """x -> f(x, *data) + regularizer(x), where f is a mean over the rows of data.

    f : f(x, *rows) -> the mean of a loss over the rows it is given, in plain NumPy: it is called with all rows, and
        with some of them, in any order.
    data : arrays or CSR matrices of as many rows (first axis), such as A and y. They are not copied.
    regularizer : r(x), what does not depend on rows and must not be averaged with them; None for none.

    An ordinary callable of x, so every method minimises it; `sgd` and `svrg` also take gradients over batches of rows,
    and then check first that f is a mean (ValueError where it is a sum, or mixes rows).

        loss = FiniteSum(lambda x, A, y: np.mean(np.log1p(np.exp(-y * (A @ x)))), A, y,
                         regularizer=lambda x: 0.5 * lam * x @ x)
        optkit.minimize(loss, x0, method="svrg")
    """

    def __init__(self, f: Callable, *data: Any, regularizer: Callable | None = None):
        for name, given in (("f", f), ("regularizer", regularizer)):
            if not callable(given) and not (given is None and name == "regularizer"):
                raise TypeError(f"FiniteSum: {name}: need a callable, got {given!r:.60}; "
                                "the order is FiniteSum(f, *data, regularizer=r)")
        if not data:
            raise ValueError("FiniteSum: need at least one array of rows after f, as in FiniteSum(f, A, y)")
        self.f, self.regularizer = f, regularizer
        self.data = tuple(_as_rows(a, k) for k, a in enumerate(data))
        counts = [a.shape[0] for a in self.data]
        if len(set(counts)) > 1 or not counts[0]:
            raise ValueError(f"FiniteSum: need data of equally many rows, at least one, got {counts}; what has no rows "
                             "belongs into f itself")
        self.rows = counts[0]
        self.total = f if regularizer is None else lambda x, *rows: f(x, *rows) + regularizer(x)

    def __call__(self, x: Any) -> Any:
        return self.total(x, *self.data)

    def __repr__(self) -> str:
        name = getattr(self.f, "__name__", type(self.f).__name__)
        return f"FiniteSum({name}, {self.rows} rows, {'no ' if self.regularizer is None else ''}regularizer)"

    def with_data(self, args: tuple, given: list[str]) -> tuple[Callable, tuple]:
        """As f(x, *args), with the data for args. given : names of derivatives the user states, which is refused."""
        if given:
            names = ", ".join(given)
            raise TypeError(f"{names}: a FiniteSum is minimised without {names}: autodiff gives its derivatives, of f "
                            "over any rows and of the regularizer; for your own give a plain function of x")
        if args:
            raise TypeError(f"args: a FiniteSum has its data, got {len(args)} args too; what is not rows can be in f, "
                            "as in lambda x, A, y: loss(x, A, y, lam)")
        return self.total, self.data

    def batch(self, rows: np.ndarray) -> tuple:
        """The data of these rows."""
        return tuple(a[rows] for a in self.data)

    def check(self, points: list) -> None:
        """Whether f over all rows is the weighted mean of f over two unequal parts of them, at these points.

        Raises ValueError where it is not. Cost: two passes over the data a point, not counted.
        """
        order = np.random.default_rng(0).permutation(self.rows)
        cut = max(1, self.rows // 3)
        parts = [part for part in (np.sort(order[:cut]), np.sort(order[cut:])) if part.size]
        for x in points:
            whole = float(self.f(x, *self.data))
            values = [float(self.f(x, *self.batch(part))) for part in parts]
            if np.isfinite([whole, *values]).all():
                self._compare(whole, values, [part.size for part in parts])

    def _compare(self, whole: float, values: list[float], sizes: list[int]) -> None:
        mean = sum(v * b for v, b in zip(values, sizes, strict=True)) / self.rows
        if abs(whole - mean) <= CHECKED_TO * max(abs(whole), *map(abs, values)):
            return
        total = abs(whole - sum(values)) <= CHECKED_TO * max(abs(whole), *map(abs, values))
        why = ("f sums over its rows: divide by their number, as np.mean does" if total else
               "what mixes rows (a maximum or deviation over them, a product) has no place in f")
        raise ValueError(f"FiniteSum: f must be the mean over the rows it is given, but f(all {self.rows} rows) = "
                         f"{whole!r} and the mean of f over {sizes[0]} and {sizes[-1]} of them is {mean!r}; {why}")


def _as_rows(a: Any, position: int) -> Any:
    if scipy.sparse.issparse(a):
        return a.tocsr()
    array = np.asarray(a)
    if array.ndim == 0 or array.dtype == object:
        raise ValueError(f"FiniteSum: data {position + 1}: need an array whose first axis are rows, got {a!r:.60}")
    return array
