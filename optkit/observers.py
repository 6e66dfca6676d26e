"""What watches a run: the user's callback, the path of iterates, the progress bar."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from scipy.optimize import OptimizeResult

from optkit.history import History
from optkit.loop import Observer
from optkit.objective import Objective
from optkit.point import Point

__all__ = ["Callback", "Observer", "Path", "Progress", "counter"]


class Callback:
    """The user's callback, by SciPy's convention.

    callback(intermediate_result=...) if that is its only parameter, else callback(xk). intermediate_result holds x,
    fun, jac and what the history's last record holds.
    """

    def __init__(self, callback: Callable, objective: Objective):
        if not callable(callback):
            raise TypeError(f"callback: need a callable, got {callback!r}")
        self.callback, self.objective = callback, objective
        try:
            self.takes_result = set(inspect.signature(callback).parameters) == {"intermediate_result"}
        except (TypeError, ValueError):  # some builtins have no signature
            self.takes_result = False

    def __call__(self, point: Point, history: History) -> None:
        restore = self.objective.restore
        if not self.takes_result:
            self.callback(restore(point.x.copy()))
            return
        record = history[-1]._asdict()
        del record["f"]
        x, jac = restore(point.x.copy()), restore(point.g.copy())
        self.callback(intermediate_result=OptimizeResult(x=x, fun=point.f, jac=jac, **record))


@contextmanager
def counter(name: str, total: int) -> Iterator[Callable[[], Any]]:
    """A tqdm bar of so many runs; the function given counts one."""
    from tqdm import tqdm

    with tqdm(total=total, desc=name, unit=" runs") as bar:
        yield bar.update


class Path:
    """Every iterate, SciPy's `allvecs`."""

    def __init__(self, objective: Objective):
        self.objective = objective
        self.points: list[Any] = [objective.restore(objective.x0.copy())]

    def __call__(self, point: Point, history: History) -> None:
        self.points.append(self.objective.restore(point.x.copy()))


class Progress:
    """A tqdm bar with f and ‖g‖∞."""

    def __init__(self, name: str):
        from tqdm import tqdm

        self.bar = tqdm(desc=name, unit=" iterations")

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *exc) -> None:
        self.bar.close()

    def __call__(self, point: Point, history: History) -> None:
        last = history[-1]
        self.bar.set_postfix_str(f"f = {last.f:.6g}, ‖∇f‖∞ = {last.gnorm:.2g}", refresh=False)
        self.bar.update()
