"""Traced arrays behave as NumPy's: iteration, lists, flat, orders in memory, methods that write, ufunc methods."""

import collections
import copy

import numpy as np
import pytest
import scipy.sparse

import autodiff as ad

X = np.array([0.5, 1.5, -2.1, 0.3, 0.9, -0.4])
W = np.arange(1.0, 7.0)
COO = scipy.sparse.coo_array(2 * np.eye(6) + np.eye(6, k=1))


def written(write, made=lambda x: x * 2.0):
    """The sum, with weights, of a buffer after a write."""
    def f(x):
        y = made(x)
        write(y, x)
        return np.sum(np.ravel(y) ** 2 * W[:np.size(y)])
    return f


def _rows(x):
    return (x * 2.0).reshape(2, 3)


def _unpacked(x):
    first, *rest, last = x
    return first * last + sum(rest)


PYTHON = {
    "sorted": lambda x: sum(k * v for k, v in enumerate(sorted(x))),
    "sorted by": lambda x: sum(k * v for k, v in enumerate(sorted(x, key=lambda t: -t ** 2, reverse=True))),
    "min max": lambda x: min(x) * max(x) + max(x[0], x[1], 2.0), "sum": lambda x: sum(x) ** 2 + sum(x * W, start=x[0]),
    "in": lambda x: x[0] * (2.0 if 17.0 in x else 3.0), "not in": lambda x: x[0] if 0.25 not in x else x[1],
    "chain": lambda x: x[0] ** 2 if 0 < x[0] < 1 else x[1], "unpacking": _unpacked,
    "copy": lambda x: np.sum(copy.copy(x) * copy.deepcopy(x)), "reversed": lambda x: sum(
        k * v for k, v in enumerate(reversed(x))), "zip": lambda x: sum(a * b for a, b in zip(x, x[1:], strict=False)),
    "map": lambda x: sum(map(lambda t: t ** 2, x)), "deque": lambda x: sum(collections.deque([x[0], x[1] ** 2], 1)),
    "tolist": lambda x: sum(v ** 2 for v in x.tolist()),
    "ndindex": lambda x: sum(x[i] * i[0] for i in np.ndindex(x.shape)),
    "len": lambda x: len(x) * x[0] + len(x.reshape(2, 3)) * x[1], "divmod": lambda x: divmod(x[0] + 5.3, 2.0)[1] * (
        divmod(7.7, x[1])[1]), "round": lambda x: round(x[0], 1) * 0 + x[0],
        "pow": lambda x: pow(x[1], 2) + x[0] ** 2.5,
    "functions as keys": lambda x: {np.sum: 2.0}.get(np.sum, 0.0) * np.sum(x),
    "numpy scalars": lambda x: np.float64(2) * x[0]}
LISTS = {
    "reductions": lambda x: np.sum([x[0], x[1] ** 2]) + np.max([x[0], x[1]]) * np.prod([x[0], x[1]]) + np.var([x[0],
        x[1], 2.0]),
    "comprehension": lambda x: np.mean([v ** 2 for v in x]) * np.median([x[0], x[1], 0.0]),
    "dot": lambda x: np.dot([x[0], 2.0], [x[1], x[2]]) + np.linalg.norm([x[0], x[1]]),
    "determinant": lambda x: np.linalg.det(
        [[x[0], 1.0], [x[1], x[2]]]), "nested": lambda x: np.sum(np.array([[[x[0], 1.0], [2, 3]],
            [[x[1], x[2]], [0, x[3]]]]) ** 2),
    "rows of all kinds": lambda x: np.sum(np.array([x[:3], [1, 2, 3], (x[0], 0, x[1])]) ** 2 * W[:3]),
    "join": lambda x: np.sum(np.concatenate([[x[0]], x[1:3], [1.0, x[4]]]) ** 2) + np.sum(np.hstack([x[0], x[1]]) ** 2),
    "stack": lambda x: np.sum(np.vstack([[x[0], x[1]], [1.0, 2.0]]) @ np.stack(([x[2]], [x[3]]))),
    "where": lambda x: np.sum(
        np.where([True, False], [x[0], x[1]], [x[2], 3.0])),
        "cumsum": lambda x: np.sum(np.cumsum([x[0], x[1], 1.0]) ** 2),
    "outer": lambda x: np.sum(np.outer([x[0], 1.0], [x[1], x[2]]) ** 2), "index": lambda x: np.sum(x[[0, 2, 0]] ** 2),
    "generator": lambda x: np.sum(np.fromiter((v * v for v in x), float)), "r_": lambda x: np.sum(
        np.r_[x[0], x[1:3], 0.0, [x[4], 2.0]] ** 2),
        "written": written(lambda y, x: y.__setitem__([0, 1], [x[2], 3.0])),
    "written rows": written(lambda y, x: y.__setitem__(slice(None), [[x[0], 1.0], [x[1], x[2]]]),
        lambda x: np.zeros((2, 2)))}
FLAT = {
    "read": lambda x: sum(k * v for k, v in enumerate(x.reshape(2, 3).T.flat)),
    "index": lambda x: x.reshape(2, 3).T.flat[2] ** 2
    + np.sum(x.flat[1:3] ** 2) * len(x.flat), "functions": lambda x: np.sum(x.flat) * np.exp(x.flat)[1],
    "write": written(lambda y, x: y.flat.__setitem__(3, x[0] ** 2), _rows),
    "write turned": written(lambda y, x: y.T.flat.__setitem__(slice(1, 4), x[:2] ** 2), _rows),
    "write one turned": written(lambda y, x: y.T.flat.__setitem__(1, x[0] ** 2), _rows),
    "write all": written(lambda y, x: setattr(y.T, "flat", x ** 2), _rows), "negative": written(
        lambda y, x: y.flat.__setitem__(-1, x[0]), _rows)}
MEMORY = {
    "reshape F": lambda x: np.sum(x.reshape(2, 3, order="F") ** 2 * W.reshape(2, 3)),
    "ravel F": lambda x: np.sum(x.reshape(2, 3).ravel("F") * W) + np.sum(x.reshape(2, 3).T.ravel() * W ** 2),
    "flatten F": lambda x: np.sum(x.reshape(2, 3).flatten("F") * W), "reshape of a transpose": lambda x: np.sum(
        np.reshape(x.reshape(2, 3).T, 6, order="F") * W), "write to reshape F": written(
        lambda y, x: y.reshape(3, 2, order="F")[0].__setitem__(1, x[0] ** 2)),
    "write to ravel F": written(lambda y, x: y.ravel("F").__setitem__(1, x[0] ** 2), _rows),
    "write to ravel F of T": written(lambda y, x: y.T.ravel("F").__setitem__(1, x[0] ** 2), _rows),
    "write to T": written(lambda y, x: y.T[2].__setitem__(1, x[0] ** 2), _rows), "write to view": written(
        lambda y, x: y.view().__setitem__(1, x[0] ** 2)),
        "strides": lambda x: np.sum(x[::-2] * W[:3]) + np.sum(x[::2][::-1] ** 2)}
ORDERS = {"K": lambda x: np.sum(x.T.ravel("K") * W), "A": lambda x: np.sum(x.T.ravel("A") * W),
    "asfortranarray": lambda x: np.sum(
    np.asfortranarray(x).ravel("K") * W), "reshape A": lambda x: np.sum(x.reshape(3, 2, order="A") * W.reshape(3, 2))}
METHODS = {
    "sort": written(lambda y, x: y.sort()), "sort part": written(lambda y, x: y[::2].sort()),
    "sort axis": written(lambda y, x: y.sort(axis=0), _rows), "partition": written(lambda y, x: y.partition(2)),
    "put": written(lambda y, x: y.put([1, 1, 4], x[:3] ** 2)), "fill": written(lambda y, x: y[:2].fill(x[0])),
    "argpartition": lambda x: x[x.argpartition(2)[:2]].sum(),
    "searchsorted": lambda x: x @ np.sort(x).searchsorted(X + 0.1),
    "compress": lambda x: np.sum(x.compress(X > 0) ** 2),
    "choose": lambda x: np.sum(np.array([0, 1]).choose([2.0, 3.0])) * x[0],
    "nonzero": lambda x: np.sum(x[(x > 0).nonzero()] ** 2), "dot out": written(
        lambda y, x: x.reshape(2, 3).dot(x[:3], out=y), lambda x: np.zeros(2)), "astype": lambda x: x.astype(float) @ W,
    "sum out": written(lambda y, x: np.sum(x.reshape(2, 3) ** 2, axis=0, out=y), lambda x: np.empty(3)),
    "ufunc out": written(lambda y, x: np.multiply(x, W, out=y)), "ufunc out and where": written(
        lambda y, x: np.exp(x, out=y, where=x > 0)), "clip out": written(lambda y, x: np.clip(y, 0, 2.0, out=y)),
    "einsum out": written(lambda y, x: np.einsum("ij,j->i", x.reshape(2, 3), x[:3], out=y), lambda x: np.zeros(2)),
    "concatenate out": written(lambda y, x: np.concatenate([x[3:], x[:3]], out=y)), "divmod out": written(
        lambda y, x: np.divmod(x, 0.71, out=(np.zeros(6), y))), "mean out": written(
        lambda y, x: np.mean(x.reshape(2, 3), axis=0, out=y), lambda x: np.zeros(3)),
    "sparse dot": lambda x: np.sum(COO.dot(x) ** 2),
    "sparse *": lambda x: np.sum((scipy.sparse.csr_matrix(COO) * x) ** 2),
    "sparse @": lambda x: np.sum((COO.tocsr() @ x) ** 2) + np.sum((x @ COO.tocsc()) ** 2), "csc dot": lambda x: np.sum(
        COO.tocsc().dot(x) ** 3)}
SHAPES = {
    "windows": lambda x: np.sum(np.lib.stride_tricks.sliding_window_view(x.reshape(2, 3), (2, 2)) ** 2 * W[:2, None]),
    "windows of one axis": lambda x: np.sum(np.lib.stride_tricks.sliding_window_view(x, 3, axis=-1) ** 2 @ W[:3]),
    "0-d": lambda x: x[0][()] * x[1][...] + x[0][None][0] * np.asarray(x[1]).reshape(1)[0], "0-d buffer": written(
        lambda y, x: y.__setitem__((), x[0] ** 2), lambda x: np.zeros(())), "empty": lambda x: np.sum(x[:0]) + np.prod(
        x[6:]) + np.concatenate([x[:0], x]).sum() + np.max(x[:0], initial=x[0]), "broadcast": lambda x: np.sum(
        np.broadcast_to(x[:3], (2, 3)) * x.reshape(2, 3)), "integers": lambda x: np.sum(x[0] * np.arange(3)) + np.sum(
        np.array([1, 2]) * x[:2]), "booleans": lambda x: np.sum((x > 0) * x) + np.sum(x > 0) * x[0] + x[True].sum(),
    "where any": lambda x: x[0] * np.any(x > 9, where=[True] * 5 + [False]) + x[1] * np.all(x > 0, where=X > 0)}


def each(method, names, make):
    return {f"{name}.{method}": make(getattr(getattr(np, name), method)) for name in names.split()}


UFUNC_METHODS = {
    **each("reduce", "add multiply maximum minimum fmax hypot logaddexp logaddexp2",
           lambda f: lambda x: f(x.reshape(2, 3), axis=1, initial=1.3) @ W[:2]),
    **each("reduce", "subtract divide float_power remainder", lambda f: lambda x: f(np.abs(x) + 1)),
    **each("accumulate", "add multiply maximum fmin logaddexp subtract divide arctan2",
           lambda f: lambda x: f(x.reshape(2, 3), axis=1) @ W[:3] @ W[:2]),
    **each("reduceat", "add multiply minimum subtract", lambda f: lambda x: f(x, [0, 2, 1, 4]) ** 2 @ W[:4]),
    **each("at", "add subtract multiply maximum divide",
           lambda f: written(lambda y, x: f(y, [0, 0, 2, 5], x[:4] ** 2))),
    "negative.at": written(lambda y, x: np.negative.at(y, [0, 1, 1])), "where": lambda x: np.maximum.reduce(
        x, where=X < 1, initial=0.1) * np.hypot.reduce(x, where=X > 0), "keepdims": lambda x: np.sum(np.fmax.reduce(
            x.reshape(2, 3), axis=(0, 1), keepdims=True)),
            "outer": lambda x: np.sum(np.hypot.outer(x, x[:2]) * np.outer(W, W[:2]))}
CASES = {f"{group}: {name}": f for group, table in (
    ("python", PYTHON), ("list", LISTS), ("flat", FLAT), ("memory", MEMORY), ("method", METHODS), ("shape", SHAPES),
    ("ufunc", UFUNC_METHODS)) for name, f in table.items()}


@pytest.mark.parametrize("f", CASES.values(), ids=CASES)
def test_as_numpy_has_it(f):
    fun, eager = ad.compile(f), ad.compile(f, eager=True)
    for k in range(3):
        x = X * (1 + 0.01 * k)
        value, grad = fun.value_and_grad(x)
        np.testing.assert_allclose(value, f(x), rtol=1e-12)
        np.testing.assert_allclose(grad, ad.finite_difference.gradient(f, x, scheme="central"), rtol=2e-6, atol=1e-6)
    assert fun.report.mode == "compiled", fun.report
    second = ad.finite_difference.directional(eager.grad, x, W, scheme="central")
    np.testing.assert_allclose(fun.linearize_grad(x)[2](W), second, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("f", ORDERS.values(), ids=ORDERS)
def test_what_depends_on_the_layout_in_memory_is_recorded_at_every_call(f):
    fun = ad.compile(f)
    for k in range(3):
        for x in (X.reshape(2, 3) + k, np.asfortranarray(X.reshape(2, 3) + k)):
            value, grad = fun.value_and_grad(x)
            assert value == pytest.approx(f(x))
            plain = np.array([f(np.copyto(p := np.zeros_like(x), e) or p) for e in np.eye(6).reshape(6, 2, 3)])
            np.testing.assert_allclose(grad.ravel(), plain)


def test_layouts_of_arguments_do_not_matter_otherwise():
    fun = ad.compile(lambda x: np.sum(x.ravel() * W) + np.sum(x.ravel("F") ** 2 * W) + np.sum(np.sort(x,
        axis=None) * W))
    wide = np.zeros((4, 6))
    for k in range(3):
        x = X.reshape(2, 3) + k
        wide[::2, ::2] = x
        for p in (x, np.asfortranarray(x), wide[::2, ::2], x[:, ::-1].copy()[:, ::-1]):
            np.testing.assert_allclose(fun.grad(p), ad.finite_difference.gradient(fun.f, x, scheme="central"),
                rtol=1e-6)


def test_functions_compared_by_identity():
    def f(x, reducer=np.sum):
        return np.sum(reducer(x) if reducer is np.sum else 5 * reducer(x)) + (2.0 if np.mean is reducer else 3.0) * x[0]
    np.testing.assert_allclose(ad.grad(f)(X), 1 + 3.0 * (np.arange(6) == 0))


@pytest.mark.parametrize("f, remedy", [
    (lambda x: x.resize(2), "np.resize"), (lambda x: x.view(np.int64), "astype"),
    (lambda x: x.tobytes(), "stop_gradient"),
    (lambda x: np.exp([x[0], x[1]]), "derivative rule"), (lambda x: np.add([x[0]], 1.0), "derivative rule"),
    (lambda x: sum(v for v in np.nditer(x)), "ndindex"), (lambda x: np.arange(x[0], 3.0), "linspace"),
    (lambda x: setattr(x * 2, "shape", (2, 3)), "reshape"), (lambda x: np.zeros(int(x[0])), "stop_gradient"),
    (lambda x: np.power.reduce(x), "functools"), (lambda x: np.repeat(x, x), "integers"),
    (lambda x: np.pad(x, 1, "empty"), "constant")], ids=lambda f: str(f)[:12])
def test_what_cannot_be_is_an_error(f, remedy):
    with pytest.raises(ad.TraceError, match=f"(?s)Instead: .*{remedy}"):
        ad.grad(lambda x: np.sum(f(x)))(X)
