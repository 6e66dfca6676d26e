"""What watches a run: the user's callback, the path of iterates, the progress bar."""

import contextlib
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

    callback(intermediate_result=...) if that is its only parameter, callback(xk, state) if it has two that must be
    given, else callback(xk). intermediate_result and state hold x, fun, jac, what the history's last record holds, and
    `more`; returning True ends the run where one of them is taken, as SciPy's trust-constr does.
    """

    more: Callable[[], dict[str, Any]] = dict

    def __init__(self, callback: Callable, objective: Objective):
        if not callable(callback):
            raise TypeError(f"callback: need a callable, got {callback!r}")
        self.callback, self.objective = callback, objective
        parameters: list[inspect.Parameter] = []
        with contextlib.suppress(TypeError, ValueError):  # some builtins have no signature
            parameters = list(inspect.signature(callback).parameters.values())
        self.takes_result = [p.name for p in parameters] == ["intermediate_result"]
        self.takes_state = sum(p.default is p.empty and p.kind in _BY_POSITION for p in parameters) == 2

    def __call__(self, point: Point, history: History) -> None:
        x = self.objective.restore(point.x.copy())
        if self.takes_result:
            ends = self.callback(intermediate_result=self._state(point, history))
        elif self.takes_state:
            ends = self.callback(x, self._state(point, history))
        else:
            ends = self.callback(x) and False
        if ends is True:
            raise StopIteration

    def _state(self, point: Point, history: History) -> OptimizeResult:
        record, restore = history[-1]._asdict(), self.objective.restore
        del record["f"]
        return OptimizeResult(x=restore(point.x.copy()), fun=point.f, jac=restore(point.g.copy()), **record,
                              **self.more())


_BY_POSITION = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


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
