"""What a run gives back: SciPy's OptimizeResult, with the history, the reason and a way to disk."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import OptimizeResult

from optkit.history import History, Record
from optkit.stopping import Reason


class Result(OptimizeResult):
    """The best point found, why the run ended and what it cost.

    x, jac : best point and the gradient there, in the structure of x0. fun : f(x). success : the gradient test holds at
    x. reason : Reason; status, message : the same as a number and in words. nit, nfev, njev, nhev : iterations, values,
    gradients and Hessian-vector products. history : one Record an iteration. method, choice : the method and how it was
    chosen. derivatives : where they came from. seconds : of the whole run. gnorm, gtol : ‖jac‖∞ and its threshold.
    """

    def __str__(self) -> str:
        rows = [
            ("method", f"{self.method}" + (f" ({self.choice})" if self.choice else "")),
            ("derivatives", self.get("derivatives", "")),
            ("stopped", f"{self.reason.name}: {self.message}"),
            ("f(x)", f"{self.fun:.12g}   from {self.history[0].f:.6g}" if len(self.history) else f"{self.fun:.12g}"),
            ("‖∇f(x)‖∞", f"{self.gnorm:.3g}   gtol {self.gtol:.3g}"),
            ("cost", f"{self.nit} iterations, {self.nfev} f, {self.njev} g, {self.nhev} Hv, {_seconds(self.seconds)}"),
            ("x", _shorten(self.x)),
        ]
        rows = [(name, text) for name, text in rows if text]
        width = max(len(name) for name, _ in rows)
        head = "success" if self.success else "NOT solved"
        return "\n".join([f"optkit: {head}"] + [f"  {name:<{width}}  {text}" for name, text in rows])

    __repr__ = __str__

    def plot(self, path: str | os.PathLike | None = None):
        """Convergence curves, as a matplotlib Figure; written to `path` if given."""
        from optkit.plots import convergence

        return convergence([self], path=path)

    def save(self, path: str | os.PathLike) -> Path:
        """Write everything to one .npz file (arrays and JSON, no pickle); `optkit.load` reads it back."""
        arrays: list[np.ndarray] = []
        fields = {key: _encode(value, arrays) for key, value in self.items()}
        path = Path(path)
        with open(path, "wb") as file:
            numbered: Any = {f"a{i}": a for i, a in enumerate(arrays)}
            np.savez(file, _fields=np.array(json.dumps(fields)), **numbered)
        return path


def load(path: str | os.PathLike) -> Result:
    """A Result written by `Result.save`. Raises ValueError where the file is something else."""
    with np.load(path, allow_pickle=False) as file:
        if "_fields" not in file:
            raise ValueError(f"load: need a file written by Result.save, got {os.fspath(path)!r}")
        fields = json.loads(str(file["_fields"]))
        arrays = [file[f"a{i}"] for i in range(len(file.files) - 1)]
    return Result({key: _decode(value, arrays) for key, value in fields.items()})


def _encode(value: Any, arrays: list) -> Any:
    """JSON for one value; arrays are put aside and referred to by number."""
    if value is None or isinstance(value, str | bool | int) or type(value) is float:
        return value
    if isinstance(value, Reason):
        return {"reason": value.name}
    if isinstance(value, History):
        arrays.append(np.array([row for row in value], dtype=float).reshape(len(value), len(Record._fields)))
        return {"history": len(arrays) - 1}
    if isinstance(value, dict):
        return {"dict": [[_encode(k, arrays), _encode(v, arrays)] for k, v in value.items()]}
    if isinstance(value, list | tuple):
        return {"tuple" if isinstance(value, tuple) else "list": [_encode(v, arrays) for v in value]}
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"save: cannot write {type(value).__name__} {value!r:.60}; delete it from the result first")
    arrays.append(array)
    return {"scalar" if np.isscalar(value) else "array": len(arrays) - 1}


def _decode(value: Any, arrays: list) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, body),) = value.items()
    match kind:
        case "reason":
            return Reason[body]
        case "history":
            return History(tuple(_as_int_where(i, v) for i, v in enumerate(row)) for row in arrays[body].tolist())
        case "dict":
            return {_decode(k, arrays): _decode(v, arrays) for k, v in body}
        case "list" | "tuple":
            values = [_decode(v, arrays) for v in body]
            return values if kind == "list" else tuple(values)
        case "scalar":
            return arrays[body][()]
        case _:
            return arrays[body]


def _as_int_where(column: int, value: float) -> float | int:
    return value if Record.__annotations__[Record._fields[column]] is float else int(value)


def _seconds(t: float) -> str:
    return f"{t:.3g} s" if t >= 1 else f"{1e3 * t:.3g} ms"


def _shorten(x: Any) -> str:
    with np.printoptions(precision=6, threshold=8, edgeitems=3):
        text = str(x)
    return text if len(text) <= 200 and "\n" not in text else f"{text[:120]}…".replace("\n", " ")
