"""The same functions in autograd, JAX and PyTorch, where those are installed.

A peer turns (problem, x, v) into two thunks: value and gradient at x, and the Hessian at x times v, where everything
that depends on x alone has been paid before. Answers are NumPy arrays, as a NumPy user needs them.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks.workloads import tree_map
from problems import Problem

Thunk = Callable[[], Any]


def installed() -> dict[str, Callable[[Problem, Any, Any], tuple[Thunk, Thunk]]]:
    """Peers that can be imported, by name."""
    return {name: peer for name, peer in PEERS.items() if find_spec(name)}


def supports(problem: Problem) -> bool:
    """Peers have no product with a SciPy sparse matrix."""
    return isinstance(problem.data.get("A", np.empty(0)), np.ndarray)


def _objective(problem: Problem, xp: Any, convert: Callable) -> Callable:
    """f in the peer's namespace, its data converted once."""
    data = {k: convert(v) if isinstance(v, np.ndarray) else v for k, v in problem.data.items()}
    return _OBJECTIVES[problem.name](xp, data)


def _rosenbrock(xp, data):
    return lambda x: xp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def _logistic(xp, data):
    A, y, lam, zero = data["A"], data["y"], data["lam"], 0.0 * data["y"][0]
    return lambda w: xp.mean(xp.logaddexp(zero, -y * (A @ w))) + 0.5 * lam * (w @ w)


def _softmax(xp, data):
    A, labels, lam = data["A"], data["labels"], data["lam"]
    rows = labels * 0 + xp.arange(len(labels))

    def f(W):
        Z = A @ W
        top = xp.max(Z, 1, keepdims=True) if xp.__name__ != "torch" else xp.amax(Z, 1, keepdim=True)
        total = xp.log(xp.sum(xp.exp(Z - top), 1)) + top[:, 0]
        return xp.mean(total - Z[rows, labels]) + 0.5 * lam * xp.sum(W * W)

    return f


def _tanh_network(xp, data):
    X, Y = data["X"], data["Y"]

    def f(p):
        R = xp.tanh(X @ p["W1"] + p["b1"]) @ p["W2"] + p["b2"] - Y
        return 0.5 * xp.sum(R * R) / len(Y)

    return f


_OBJECTIVES = {
    "rosenbrock": _rosenbrock,
    "logistic-regression": _logistic,
    "softmax-regression": _softmax,
    "tanh-network": _tanh_network,
}


def _autograd(problem: Problem, x: Any, v: Any) -> tuple[Thunk, Thunk]:
    import autograd
    import autograd.numpy as xp
    from autograd.differential_operators import make_vjp

    f = _objective(problem, xp, np.array)
    value_and_grad = autograd.value_and_grad(f)
    hv = make_vjp(autograd.grad(f))(x)[0]
    return lambda: value_and_grad(x), lambda: hv(v)


def _jax(problem: Problem, x: Any, v: Any) -> tuple[Thunk, Thunk]:
    import jax
    import jax.numpy as xp

    jax.config.update("jax_enable_x64", True)
    f = _objective(problem, xp, xp.asarray)
    value_and_grad = jax.jit(jax.value_and_grad(f))
    hv = jax.jit(jax.linearize(jax.grad(f), tree_map(xp.asarray, x))[1])

    def answer():
        value, gradient = value_and_grad(x)
        return float(value), tree_map(np.asarray, gradient)

    return answer, lambda: tree_map(np.asarray, hv(v))


def _torch(problem: Problem, x: Any, v: Any) -> tuple[Thunk, Thunk]:
    import torch

    f = _objective(problem, torch, torch.tensor)

    def variables():
        return tree_map(lambda leaf: torch.from_numpy(leaf).requires_grad_(), x)

    def unpack(tree):
        return list(tree.values()) if isinstance(tree, dict) else [tree]

    def pack(parts):
        return dict(zip(x, parts, strict=True)) if isinstance(x, dict) else parts[0]

    def answer():
        p = variables()
        value = f(p)
        return value.item(), pack([g.numpy() for g in torch.autograd.grad(value, unpack(p))])

    p = variables()
    gradient = torch.autograd.grad(f(p), unpack(p), create_graph=True)

    def hv():
        direction = [torch.from_numpy(leaf) for leaf in unpack(v)]
        return pack([h.numpy() for h in torch.autograd.grad(gradient, unpack(p), direction, retain_graph=True)])

    return answer, hv


PEERS = {"autograd": _autograd, "jax": _jax, "torch": _torch}
