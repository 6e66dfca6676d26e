"""Timing side by side: contenders take turns inside every round, so that drift of the machine cancels in the ratios."""

from __future__ import annotations

import gc
import os
import platform
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np

Thunk = Callable[[], object]


@dataclass(frozen=True)
class Effort:
    """rounds : turns each contender takes. sample : seconds one turn should last; at least one call."""

    rounds: int
    sample: float


FULL = Effort(rounds=31, sample=0.01)
QUICK = Effort(rounds=7, sample=0.003)


@dataclass(frozen=True)
class Timing:
    """seconds : per call, one entry a round, rounds aligned between contenders."""

    seconds: np.ndarray

    @property
    def median(self) -> float:
        return float(np.median(self.seconds))

    def ratio(self, reference: Timing) -> tuple[float, float, float]:
        """(median, lower quartile, upper quartile) of the per-round ratios to the reference."""
        quartiles = np.quantile(self.seconds / reference.seconds, [0.5, 0.25, 0.75])
        return float(quartiles[0]), float(quartiles[1]), float(quartiles[2])


def interleave(contenders: Mapping[str, Thunk], effort: Effort) -> dict[str, Timing]:
    """Time the contenders in turn, each round starting with another one. Garbage collection waits between rounds."""
    calls = {name: _calls_per_sample(thunk, effort.sample) for name, thunk in contenders.items()}
    names = list(contenders)
    seconds = {name: np.empty(effort.rounds) for name in names}
    for turn in range(effort.rounds):
        start = turn % len(names)
        with _no_collection():
            for name in names[start:] + names[:start]:
                seconds[name][turn] = _time(contenders[name], calls[name])
        gc.collect(0)
    return {name: Timing(values) for name, values in seconds.items()}


def _calls_per_sample(thunk: Thunk, sample: float) -> int:
    thunk()
    once = min(_time(thunk, 1) for _ in range(3))
    return max(1, round(sample / max(once, 1e-7)))


def _time(thunk: Thunk, calls: int) -> float:
    turns = range(calls)
    start = perf_counter()
    for _ in turns:
        thunk()
    return (perf_counter() - start) / calls


@contextmanager
def _no_collection():
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def machine() -> dict[str, str]:
    """What the figures depend on; no names of people or hosts."""
    import scipy

    return {
        "cpu": _cpu_model(),
        "cpus": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "blas_threads": _blas_threads(),
    }


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def _blas_threads() -> str:
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return os.environ.get("OPENBLAS_NUM_THREADS", "default")
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    return "/".join(sorted({f"{pool['internal_api']} {pool['num_threads']}" for pool in pools})) or "default"
