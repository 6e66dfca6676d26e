"""sparse_jacobian and sparse_hessian: structural pattern, colouring, one derivative pass a colour, SciPy's CSR out.

Each call records f anew (about the price of f) and compares the recording with those that have a plan: the path taken
and all constants. So a branch or a changed array leads to another pattern, never to a wrong one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse

from . import pytree
from .answers import TROUBLE, Compiled, Derived, one_number
from .call import Call
from .checkpoint import without_calls
from .coloring import Sweep, canonical, color_symmetric, read, read_symmetric, sweeps_of
from .compile import Program
from .derive import adjoint, collapse, gradient, primal, split, tangent
from .errors import GuardMiss, TraceError
from .graph import INPUT, Graph, Node
from .interpreters.sparsity import sparsity
from .primitive import is_traced, shape_of
from .recording import Recording, record
from .trust import SAME, compare

MAX_PLANS = 8          # per signature (structure, shapes, dtypes); the oldest is forgotten
MAX_SIGNATURES = 16
DENSE = 10**6          # entries of a matrix that `verify` compares one by one; larger ones by products
DIRECTIONS = 3         # random products of a larger one
_MODES = ("auto", "forward", "reverse", "mixed")


class Passes(NamedTuple):
    """How one call got its entries: the mode, and the number of derivative passes."""

    mode: str
    number: int


def sparse_jacobian(f: Callable, argnum: int = 0, mode: str = "auto", verify: bool = False) -> SparseDerivative:
    """sparse_jacobian(f)(*args): scipy.sparse.csr_array (outputs, inputs), entries in C order, leaf after leaf.

    mode : "forward" colours columns and costs one jvp a colour, "reverse" rows and vjps, "mixed" takes full rows in
    reverse and the rest forward, "auto" is what takes fewest passes.
    verify : compare with the dense Jacobian (products with random vectors if that is large), raise where they differ.
    The returned function shows, of its last call, `.pattern`, `.coloring`, `.colors`, `.mode` and `.passes`.
    """
    if mode not in _MODES:
        raise ValueError(f"sparse_jacobian: mode must be one of {', '.join(_MODES)}, got {mode!r}")
    return SparseDerivative("sparse_jacobian", f, argnum, verify,
                            lambda f, call, recording: _jacobian_plan(call, recording, mode))


def sparse_hessian(f: Callable, argnum: int = 0, verify: bool = False) -> SparseDerivative:
    """sparse_hessian(f)(*args): scipy.sparse.csr_array (n, n) for a scalar function, by star colouring.

    One Hessian-vector product a colour: 3 for a tridiagonal, 2 for an arrow. verify, attributes: see sparse_jacobian.
    """
    return SparseDerivative("sparse_hessian", f, argnum, verify, _hessian_plan)


class Plan(NamedTuple):
    """One recording's pattern and colouring. products(call, recording, mode, seeds) has a row a seed; entry k of the
    matrix is number read[k] of the products of all sweeps."""

    recording: Recording
    marks: list
    pattern: scipy.sparse.csr_array
    sweeps: list[Sweep]
    read: np.ndarray
    products: Callable

    @property
    def mode(self) -> str:
        return self.sweeps[0].mode if len(self.sweeps) == 1 else "mixed"

    @property
    def colors(self) -> int:
        return sum(sweep.colors for sweep in self.sweeps)

    def stands_for(self, recording: Recording) -> bool:
        return compare(self.recording, recording) == SAME and self.marks == _marks(recording)

    def matrix(self, call: Call, recording: Recording) -> scipy.sparse.csr_array:
        parts = [self.products(call, recording, s.mode, s.seeds).reshape(-1) for s in self.sweeps]
        data = (parts[0] if len(parts) == 1 else np.concatenate(parts))[self.read]
        pattern = self.pattern
        return scipy.sparse.csr_array((data, pattern.indices.copy(), pattern.indptr.copy()), pattern.shape)


def _marks(recording: Recording) -> list:
    """The contents of the constant arrays, also of those held by reference."""
    return [held.mark for held in recording.held.values()]


class SparseDerivative:
    """What sparse_jacobian and sparse_hessian return: call it with f's arguments. Reports are of the last call."""

    def __init__(self, name: str, f: Callable, argnum: int, verify: bool, make: Callable):
        self.f, self.argnum, self.verify = f, argnum, verify
        self._name, self._make = name, make
        self._plans: dict[tuple, list[Plan]] = {}
        self._last: Plan | None = None
        self.__wrapped__ = f
        self.__name__ = f"{name}({getattr(f, '__name__', type(f).__name__)})"

    def __call__(self, *args) -> scipy.sparse.csr_array:
        call = Call(args, self.argnum)
        recording = record(self.f, call.args, lambda number: number == call.argnum, {}, False)
        if call.traced or recording.holds_outer or is_traced(recording.outputs):
            raise TraceError(f"autodiff.{self._name} inside another transform: SciPy's matrices cannot be traced",
                             "use autodiff.jacobian, autodiff.hessian or autodiff.hvp there")
        _real(self._name, [call.leaves[k] for k in call.wrt], "arguments")
        _real(self._name, recording.result, "outputs")
        plan = self._last = self._plan(call, recording)
        found = plan.matrix(call, recording)
        if self.verify:
            _verify(self._name, found, plan, call, recording)
        recording.values, recording.held = [], {}
        return found

    def _plan(self, call: Call, recording: Recording) -> Plan:
        plans = self._plans.setdefault(call.key, [])
        while len(self._plans) > MAX_SIGNATURES:
            del self._plans[next(iter(self._plans))]
        for plan in plans:
            if plan.stands_for(recording):
                return plan
        plans.append(self._make(self.f, call, recording))
        del plans[:-MAX_PLANS]
        return plans[-1]

    def _report(self) -> Plan:
        if self._last is None:
            raise AttributeError(f"{self._name}: not called yet; the pattern depends on the arguments' shapes")
        return self._last

    @property
    def pattern(self) -> scipy.sparse.csr_array:
        """Boolean: the entries that may be nonzero."""
        return self._report().pattern.copy()

    @property
    def coloring(self) -> Any:
        """The colour of each column (of each row in mode "reverse"; both in mode "mixed"); −1 where it has none."""
        found = tuple([sweep.coloring.copy() for sweep in self._report().sweeps])
        return found[0] if len(found) == 1 else found

    @property
    def colors(self) -> int:
        return self._report().colors

    @property
    def mode(self) -> str:
        return self._report().mode

    @property
    def passes(self) -> Passes:
        return Passes(self.mode, self.colors)


def _real(name: str, values: list, what: str) -> None:
    for value in values:
        if np.asarray(value).dtype.kind not in "fiub":
            kind = value.dtype if isinstance(value, (np.ndarray, np.generic)) else type(value).__name__
            raise TypeError(f"{name}: the {what} must be real numbers, got {kind}; "
                            "take real and imaginary parts of complex ones, and return arrays or numbers")


# --- Hessian ----------------------------------------------------------------------------------------------------------


def _hessian_plan(f: Callable, call: Call, recording: Recording) -> Plan:
    """The pattern is that of the gradient's graph, symmetrised."""
    one_number(recording, f)
    g = without_calls(gradient(recording, call.wrt))
    pattern = _stacked(sparsity(g, [g.inputs[k] for k in call.wrt], g.outputs[1:]), call)
    pattern = canonical(pattern + pattern.T)
    coloring = color_symmetric(pattern)
    derived = Derived(recording, call.wrt)
    compiled = Compiled(derived, lambda: True)

    def products(call: Call, recording: Recording, mode: str, seeds: list) -> np.ndarray:
        try:
            hv = compiled.answer("linear", call, f)[2]
        except (GuardMiss, *TROUBLE):
            hv = derived.answer("linear", call, f)[2]
        out = np.empty((len(seeds), pattern.shape[0]), call.leaves[call.wrt[0]].dtype if call.wrt else float)
        for row, seed in zip(out, seeds, strict=True):
            _write(row, pytree.flatten(hv(call.restore(_leaves(seed, [call.leaves[k] for k in call.wrt]))))[0])
        return out
    sweep = Sweep("symmetric", coloring)
    return Plan(recording, _marks(recording), pattern, [sweep], read_symmetric(pattern, coloring), products)


# --- Jacobian ---------------------------------------------------------------------------------------------------------


def _jacobian_plan(call: Call, recording: Recording, mode: str) -> Plan:
    g = without_calls(primal(recording))
    pattern = canonical(_stacked(sparsity(g, [g.inputs[k] for k in call.wrt], g.outputs), call))
    sweeps = sweeps_of(pattern, mode)
    programs: dict[tuple[str, bool], tuple[Program, Program, list]] = {}

    def products(call: Call, recording: Recording, mode: str, seeds: list) -> np.ndarray:
        out = np.empty((len(seeds), pattern.shape[mode == "reverse"]), _dtype(recording, call))
        for safe in (False, True):
            if (mode, safe) not in programs:
                programs[mode, safe] = _programs(recording, call.wrt, mode, safe)
            prepare, apply, given = programs[mode, safe]
            known = prepare(*call.leaves)
            for row, seed in zip(out, seeds, strict=True):
                _write(row, apply(*_leaves(seed, given), *known))
            if not np.isnan(out).any():
                break
        return out
    return Plan(recording, _marks(recording), pattern, sweeps, read(pattern, sweeps), products)


def _dtype(recording: Recording, call: Call) -> np.dtype:
    kinds = [np.asarray(v).dtype for v in (*recording.result, *[call.leaves[k] for k in call.wrt])]
    found = np.result_type(*kinds)
    return found if found.kind == "f" else np.dtype(float)


def _programs(recording: Recording, wrt: range, mode: str, safe: bool) -> tuple[Program, Program, list]:
    """(what the point fixes, the linear part, its inputs). The recording is of this point: its guards hold."""
    g = primal(recording, safe)
    given, outputs = _tangents(g, wrt) if mode == "forward" else _cotangents(g, wrt, recording)
    outputs = collapse(g, given, outputs)
    residuals = split(g, given, outputs)
    prepare = Program(g, g.inputs, residuals, keep_guards=False)
    return prepare, Program(g, (*given, *residuals), outputs, keep_guards=False), given


def _tangents(g: Graph, wrt: range) -> tuple[list[Node], list]:
    given, tangents = tangent(g, wrt, g.outputs)
    return given, [np.zeros(shape_of(o)) if t is None else t for t, o in zip(tangents, g.outputs, strict=True)]


def _cotangents(g: Graph, wrt: range, recording: Recording) -> tuple[list[Node], list]:
    seeds = [g.append(INPUT, (), {"cotangent": k}, np.shape(v), np.dtype(float))
             for k, v in enumerate(recording.result)]
    return seeds, adjoint(g, [g.inputs[k] for k in wrt], [g.handle(s) for s in seeds])


# --- flat vectors and leaves ------------------------------------------------------------------------------------------


def _stacked(patterns: list, call: Call) -> Any:
    columns = sum(call.leaves[k].size for k in call.wrt)
    return scipy.sparse.vstack(patterns, format="csr") if patterns else scipy.sparse.csr_array((0, columns), dtype=bool)


def _leaves(flat: np.ndarray, like: list) -> list:
    """A flat vector as arrays like these."""
    out, start = [], 0
    for leaf in like:
        size = leaf.size
        out.append(flat[start:start + size].reshape(leaf.shape).astype(leaf.dtype)[()])
        start += size
    return out


def _write(row: np.ndarray, leaves) -> None:
    start = 0
    for leaf in leaves:
        size = np.size(leaf)
        row[start:start + size] = np.reshape(leaf, -1)
        start += size


# --- verification -----------------------------------------------------------------------------------------------------


def _verify(name: str, found: scipy.sparse.csr_array, plan: Plan, call: Call, recording: Recording) -> None:
    """Against uncompressed products: with each unit vector, or with random vectors. They see every column (row)."""
    m, n = found.shape
    mode = plan.sweeps[0].mode
    flip = mode == "reverse"
    size = m if flip else n
    if m * n <= DENSE:
        seeds, what = list(np.eye(size)), "dense derivative"
    else:
        seeds, what = list(np.random.default_rng(0).standard_normal((DIRECTIONS, size))), "product with a random vector"
    truth = plan.products(call, recording, mode, seeds)
    claimed = np.stack(seeds) @ (found if flip else found.T) if seeds else truth
    scale = float(np.max(np.abs(truth), initial=0.0))
    error = np.abs(claimed - truth)
    if not np.all(error <= np.sqrt(np.finfo(truth.dtype).eps) * scale):
        k, i = np.unravel_index(int(np.argmax(np.where(np.isnan(error), np.inf, error))), error.shape)
        entry = (k, i) if flip else (i, k)
        where = f"entry ({entry[0]}, {entry[1]})" if m * n <= DENSE else f"entry {i} of the product"
        raise AssertionError(f"{name}: {where} is {claimed[k, i]!r}, but the {what} has {truth[k, i]!r}")
