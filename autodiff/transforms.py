"""grad, vjp, jvp, linearize, jacobian, hessian, hvp: what people call, each a few lines over the interpreters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import pytree
from .call import direction
from .compile import Program
from .derive import adjoint, collapse, primal, split, tangent
from .function import Function
from .graph import INPUT, Graph, Node
from .interpreters import evaluate
from .primitive import Tracer, is_traced
from .recording import Recording, as_input, record


def compile(f: Callable, argnum: int = 0, eager: bool = False) -> Function:
    """f as a `Function`: callable, with value_and_grad, grad and linearize_grad by generated code.

    eager : record at every call instead of trusting a recording. Costs one recording at each of the first two calls of
    a signature, then about the price of hand-written NumPy.
    """
    return Function(f, argnum, eager, same_bits=not eager)


def _transform(answer: str):
    def make(f: Callable, argnum: int) -> Callable:
        function = Function(f, argnum, same_bits=False)

        def derived(*args, **kwargs):
            target = Function(f, argnum, kwargs=kwargs, same_bits=False) if kwargs else function
            return getattr(target, answer)(*args)

        derived.__wrapped__ = f                                         # type: ignore[attr-defined]
        derived.__name__ = f"{answer}({function.__name__})"
        return derived
    return make


def grad(f: Callable, argnum: int = 0, holomorphic: bool = False) -> Callable:
    """The gradient of a scalar function: grad(f)(*args) has the structure of args[argnum].

    For complex z = x + iy and real f it is ∂f/∂x − i ∂f/∂y. holomorphic : f(z) is complex, and f'(z) is asked for.
    """
    return _transform("grad")(f, argnum) if not holomorphic else _holomorphic(f, argnum)


def _holomorphic(f: Callable, argnum: int) -> Callable:
    def derived(*args):
        y, pullback = vjp(_fix(f, args, argnum), args[argnum])
        if np.shape(_one_array(y)):
            raise TypeError(f"grad: a holomorphic function must return one number, got shape {np.shape(y)}; "
                            "use jacobian(f, holomorphic=True)")
        return pullback(np.ones_like(y))
    derived.__wrapped__ = f                                                 # type: ignore[attr-defined]
    return derived


def value_and_grad(f: Callable, argnum: int = 0) -> Callable:
    """value_and_grad(f)(*args) -> (float, gradient): both from one pass."""
    return _transform("value_and_grad")(f, argnum)


class _Traced:
    """f recorded at primals, as a graph with flat inputs and outputs."""

    def __init__(self, f: Callable, primals: Sequence, wrt: Sequence[int] | None = None):
        numbers = set(range(len(primals)) if wrt is None else wrt)
        self.recording: Recording = record(f, primals, lambda number: number in numbers, {})
        parts = [pytree.flatten(p) for p in primals]
        self.structures = [structure for _, structure in parts]
        self.leaves = [leaf if type(leaf) is Tracer else as_input(leaf) for leaves, _ in parts for leaf in leaves]
        self.nested = is_traced((*self.leaves, *self.recording.outputs)) or self.recording.holds_outer

    def values(self) -> list:
        if not self.nested:
            return self.recording.result
        g = primal(self.recording, True)
        return evaluate(g, self.point(g), g.outputs)

    def point(self, g: Graph) -> dict:
        """The primals as values of a graph's inputs."""
        return dict(zip(g.inputs, self.leaves, strict=True))

    def output(self, leaves: Sequence) -> Any:
        return pytree.unflatten(self.recording.structure, [v if type(v) is Tracer else np.array(v)[()] for v in leaves])

    def tangents(self, directions: Sequence) -> list:
        """Flat directions, checked against the primals' shapes."""
        given = [leaf for d in directions for leaf in pytree.flatten(d)[0]]
        if len(given) != len(self.leaves):
            raise ValueError(f"tangents: need one array for each of the {len(self.leaves)} inputs, got {len(given)}")
        return [direction(v, x) for v, x in zip(given, self.leaves, strict=True)]


def _linear_map(traced: _Traced, derive: Callable, safe: bool) -> Callable:
    """The linear map from inputs to outputs, as derive(graph) names them; what the point fixes is computed now."""
    g = primal(traced.recording, safe)
    inputs, outputs = derive(g)
    outputs = collapse(g, inputs, outputs)
    residuals = split(g, inputs, outputs)
    known = evaluate(g, traced.point(g), residuals, False)
    if traced.nested:
        fixed = dict(zip(residuals, known, strict=True))
        return lambda *given: evaluate(g, fixed | dict(zip(inputs, given, strict=True)), outputs, False)
    program = Program(g, (*inputs, *residuals), outputs, keep_guards=False)

    def apply(*given):
        out = program.anywhere(*given, *known)
        if not safe and not is_traced(out) and any(np.isnan(v).any() for v in out):
            return _linear_map(traced, derive, True)(*given)     # again, with 0·∞ = 0
        return out
    return apply


def linearize(f: Callable, *primals) -> tuple[Any, Callable]:
    """(f(*primals), f_jvp): f_jvp(*tangents) is the derivative at primals; each call pays only the linear part."""
    traced = _Traced(f, primals)
    y = traced.output(traced.values())
    zeros = [np.zeros_like(v, dtype=_inexact(v)) for v in traced.recording.result]

    def derive(g: Graph) -> tuple[list[Node], list]:
        given, tangents = tangent(g, range(len(traced.leaves)), g.outputs)
        return given, [zero if t is None else t for t, zero in zip(tangents, zeros, strict=True)]

    apply = _linear_map(traced, derive, traced.nested)
    return y, lambda *directions: traced.output(apply(*traced.tangents(directions)))


def jvp(f: Callable, primals: Sequence, tangents: Sequence) -> tuple[Any, Any]:
    """(f(*primals), derivative along tangents), by forward mode.

    Records f anew at each call, as vjp, linearize and jacobian do: for many calls use linearize, or compile.
    """
    for name, given in (("primals", primals), ("tangents", tangents)):
        if not isinstance(given, (tuple, list)):
            raise TypeError(f"jvp: {name} must be a tuple with one entry an argument, got {type(given).__name__}")
    if len(primals) != len(tangents):
        raise ValueError(f"jvp: need as many tangents as primals, got {len(tangents)} and {len(primals)}")
    y, f_jvp = linearize(f, *primals)
    return y, f_jvp(*tangents)


def vjp(f: Callable, *primals) -> tuple[Any, Callable]:
    """(f(*primals), pullback): pullback(ct) gives the cotangents of the primals (a tuple where there are several)."""
    traced = _Traced(f, primals)
    y = traced.output(traced.values())
    like = [np.broadcast_to(np.zeros((), _inexact(v)), np.shape(v)) for v in traced.recording.result]

    def derive(g: Graph) -> tuple[list[Node], list]:
        seeds = [g.append(INPUT, (), {"cotangent": k}, v.shape, v.dtype) for k, v in enumerate(like)]
        return seeds, adjoint(g, g.inputs, [g.handle(s) for s in seeds])

    apply = _linear_map(traced, derive, traced.nested)

    def pullback(ct):
        given = pytree.flatten(ct)[0]
        if len(given) != len(like):
            raise ValueError(f"pullback: need one cotangent for each of the {len(like)} outputs, got {len(given)}")
        out = apply(*[direction(c, v) for c, v in zip(given, like, strict=True)])
        leaves = iter([v if type(v) is Tracer else np.array(v)[()] for v in out])
        trees = [pytree.unflatten(s, leaves) for s in traced.structures]
        return trees[0] if len(trees) == 1 else tuple(trees)
    return y, pullback


def _inexact(v) -> np.dtype:
    """dtype of a cotangent: complex for complex outputs, else float64."""
    return np.dtype(np.complex128 if np.iscomplexobj(v) else np.float64)


def hvp(f: Callable, x, v):
    """The Hessian of a scalar function at x, times v, without the Hessian: O(cost of f) time and memory."""
    return Function(f).linearize_grad(x)[2](v)


def hessian(f: Callable, argnum: int = 0) -> Callable:
    """hessian(f)(*args): (*x.shape, *x.shape) for an array argument x, by one Hessian-vector product a column."""
    function = Function(f, argnum)

    def dense(*args):
        x = _one_argument("hessian", args, argnum)
        shape = np.shape(x) if type(x) is not Tracer else x.shape
        apply = function.linearize_grad(*args)[2]
        columns = [apply(e) for e in _basis(shape)]
        return _assemble(columns, shape, shape)
    dense.__wrapped__ = f                                               # type: ignore[attr-defined]
    return dense


def _basis(shape: tuple[int, ...]):
    size = int(np.prod(shape, dtype=int))
    for k in range(size):
        e = np.zeros(size)
        e[k] = 1.0
        yield e.reshape(shape)[()]


def _assemble(columns: list, out_shape: tuple[int, ...], in_shape: tuple[int, ...]):
    """Columns (derivatives along basis vectors) as an array of shape out_shape + in_shape."""
    if not columns:
        return np.zeros(out_shape + in_shape)
    if not in_shape:
        return columns[0]
    return np.reshape(np.stack(columns, axis=-1), out_shape + in_shape)


def jacobian(f: Callable, argnum: int = 0, mode: str = "auto", holomorphic: bool = False) -> Callable:
    """jacobian(f)(*args): array of shape f(x).shape + x.shape for array argument x = args[argnum] and array output.

    mode : "forward" costs one pass an input entry, "reverse" one an output entry, "auto" the cheaper. The returned
    function reports the last call's choice in `.passes` = (mode, number of passes). Of real outputs by complex inputs
    each row is the gradient ∂f/∂x − i ∂f/∂y; holomorphic : outputs and inputs are complex, and f'(z) is asked for.
    """
    if mode not in ("auto", "forward", "reverse"):
        raise ValueError(f"jacobian: mode must be 'auto', 'forward' or 'reverse', got {mode!r}")

    def dense(*args):
        x = _one_argument("jacobian", args, argnum)
        at = _fix(f, args, argnum)
        in_shape = x.shape if type(x) is Tracer else np.shape(x)
        y, f_jvp = linearize(at, x)
        out_shape = y.shape if type(y) is Tracer else np.shape(_one_array(y))
        n, m = (int(np.prod(s, dtype=int)) for s in (in_shape, out_shape))
        chosen = _mode(mode if mode != "auto" else "forward" if n <= m else "reverse", x, y, holomorphic)
        if chosen == "forward":
            out = _assemble([f_jvp(e) for e in _basis(in_shape)], out_shape, in_shape)
        else:
            pullback = vjp(at, x)[1]
            rows = [pullback(e) for e in _basis(out_shape)]
            out = rows[0] if not out_shape else np.reshape(np.stack(rows), out_shape + in_shape) if rows else np.zeros(
                out_shape + in_shape)
        dense.passes = (chosen, n if chosen == "forward" else m)
        return out
    dense.__wrapped__ = f                                               # type: ignore[attr-defined]
    return dense


def _mode(chosen: str, x, y, holomorphic: bool) -> str:
    """The mode that gives the Jacobian: forward where outputs alone are complex, reverse where inputs alone are."""
    from_complex, to_complex = np.iscomplexobj(x), np.iscomplexobj(y)
    if from_complex and to_complex and not holomorphic:
        raise TypeError("jacobian: complex outputs have a complex Jacobian by complex inputs only where the function "
                        "is holomorphic; say so with holomorphic=True, or take real and imaginary parts")
    if from_complex == to_complex:
        return chosen
    return "forward" if to_complex else "reverse"


def _fix(f: Callable, args: Sequence, argnum: int) -> Callable:
    if len(args) == 1:
        return f

    def at(x):
        full = list(args)
        full[argnum] = x
        return f(*full)
    return at


def _one_argument(name: str, args: Sequence, argnum: int):
    """The differentiated argument, which must be one array or number."""
    if not isinstance(argnum, int) or not -len(args) <= argnum < len(args):
        raise TypeError(f"{name}: argnum must be the number of one of the {len(args)} arguments, got {argnum!r}")
    x = args[argnum]
    if pytree.flatten(x)[1] != pytree.LEAF:
        raise TypeError(f"{name}: the argument must be one array, got {type(x).__name__}; write f as a function of one "
                        "vector: flat, unravel = autodiff.pytree.ravel(x), and f(unravel(flat))")
    return x


def _one_array(y):
    if isinstance(y, (dict, list, tuple)):
        raise TypeError(f"jacobian: the function must return one array, got {type(y).__name__}; "
                        "stack its outputs, or take jacobians of its parts")
    return y
