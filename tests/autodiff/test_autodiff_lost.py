"""Every way in which a dependence could get lost in silence: the derivative is right, or there is an error."""

import collections
import copy
import csv
import ctypes
import functools
import io
import json
import logging
import math
import numbers
import operator
import pickle
import random
import sqlite3
import statistics
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.optimize

import autodiff as ad

X = np.array([0.6, 1.4, 2.3])
OUT = np.zeros(3)
KEPT: list = []


def agrees(f, x):
    np.testing.assert_allclose(ad.grad(f)(x), ad.finite_difference.gradient(f, x, scheme="central"), rtol=1e-6,
                               atol=1e-8)


@functools.lru_cache
def cached(v):
    return v * v


class Table:
    """Like a data frame: holds an array, says so by __array__."""

    def __init__(self, values):
        self.values = np.asarray(values)

    def __array__(self, dtype=None, copy=None):
        return self.values


class Holder:
    value = None


HOLDER = Holder()


def kept_in_a_list(x):
    KEPT.append(x[0])
    return KEPT[-1] ** 2


def objects(x):
    out = np.empty(3, dtype=object)
    for i, v in enumerate(x):
        out[i] = v
    return np.sum(out * out)


def reads_in_a_thread(x):
    found = []
    worker = threading.Thread(target=lambda: found.append(np.sum(x ** 2)))
    worker.start()
    worker.join()
    return found[0]


def pool(x):
    with ThreadPoolExecutor(2) as workers:
        return sum(workers.map(lambda v: v * v, list(x)))


@functools.singledispatch
def dispatched(x):
    return 0.0


@dispatched.register
def _(x: np.ndarray):
    return np.sum(x ** 2)


def matched(x):
    match x:
        case np.ndarray():
            return np.sum(x ** 2)
    return 0.0


def printed(x):
    stream = io.StringIO()
    print(x, x[0], f"{x[0]:.3f}", "%s" % x, str(x), repr(x), file=stream)       # noqa: UP031
    logging.getLogger("optkit.tests").debug("%s", x)
    return np.sum(x ** 2)


def point(x):
    pair = collections.namedtuple("pair", "a b")(x[0], x[1])
    return pair.a * pair.b


def bisected(x):
    low, high = 0.0, 4.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if middle ** 3 < x[0] else (low, middle)
    return (low + high) / 2


RIGHT = {
    "item": lambda x: x[0].item() ** 2, "tolist": lambda x: sum(v * v for v in x.tolist()),
    "copy": lambda x: np.sum(copy.copy(x) ** 2), "deepcopy": lambda x: np.sum(copy.deepcopy(x) ** 2),
    "generator": lambda x: sum(v * v for v in (w for w in x)), "map": lambda x: sum(map(lambda v: v * v, x)),
    "sorted": lambda x: sorted(x)[0] ** 2, "max": lambda x: max(x) ** 2, "min by key": lambda x: min(
        x, key=lambda v: (v - 1.3) ** 2) ** 2, "list.sort": lambda x: _sorted_list(x),
    "reduce": lambda x: functools.reduce(operator.mul, x), "math.prod": lambda x: math.prod(x),
    "abs": lambda x: abs(x[0] - 2) * x[1], "pow": lambda x: pow(x[0], 2), "sum": lambda x: sum(x) ** 2,
    "asarray of a list": lambda x: np.sum(np.asarray(list(x), dtype=float) ** 2), "objects": objects,
    "array of a tuple": lambda x: np.sum(np.array((x[0], 1.0, x[2])) ** 2), "attribute": lambda x: _attribute(x),
    "list": kept_in_a_list, "dict": lambda x: dict(a=x[0])["a"] ** 2, "namedtuple": point, "thread": reads_in_a_thread,
    "pool": pool, "deque": lambda x: sum(collections.deque(x, 2)) ** 2, "print": printed,
    "isinstance array": lambda x: np.sum(x ** 2) if isinstance(x, np.ndarray) else 0.0,
    "isinstance float": lambda x: x[0] ** 2 if isinstance(x[0], float) else 0.0,
    "isinstance number": lambda x: x[0] ** 2 if isinstance(x[0], numbers.Number) else 0.0,
    "not a list": lambda x: 0.0 if isinstance(x, (list, tuple)) else np.sum(x ** 2),
    "is None": lambda x: 0.0 if x is None else np.sum(x ** 2), "singledispatch": dispatched, "match": matched,
    "hasattr": lambda x: np.sum(x ** 2) if hasattr(x, "shape") and hasattr(x, "__len__") else 0.0,
    "mask": lambda x: np.sum(x[x > 1] ** 2), "where": lambda x: np.sum(np.where(x > 1, x ** 2, x)),
    "ones": lambda x: np.sum(np.ones(3) * x[0] * x), "eye": lambda x: np.sum((np.eye(3) * x) ** 2),
    "dtype": lambda x: np.finfo(x.dtype).max ** 0 * x[0] ** 2, "table": lambda x: np.sum(np.multiply(Table(X), x ** 2)),
    "times a table": lambda x: np.sum(x ** 2 * Table(X)), "divmod": lambda x: divmod(x[2], x[0])[1] * x[1],
    "rounding": lambda x: round(x[2]) * x[0], "math.floor": lambda x: math.floor(x[2]) * x[0],
}


def _attribute(x):
    HOLDER.value = x[0]
    return HOLDER.value ** 2


def _sorted_list(x):
    values = list(x)
    values.sort()
    return values[0] * values[1]


@pytest.mark.parametrize("name", RIGHT)
def test_the_derivative_is_right(name):
    for x in (X, X + 0.01):
        agrees(RIGHT[name], x)
    fun = ad.compile(RIGHT[name])
    for shift in (0.0, 0.02, 0.03, 0.04):
        np.testing.assert_allclose(fun.grad(X + shift), ad.finite_difference.gradient(
            lambda z: float(RIGHT[name](z)), X + shift, scheme="central"), rtol=1e-6, atol=1e-8)


def test_float32_keeps_the_derivative():
    """Rounding is taken for the identity: its own derivative is zero almost everywhere."""
    for kind in (np.float32, np.float16):
        np.testing.assert_allclose(ad.grad(lambda x, kind=kind: np.sum(x.astype(kind) ** 2))(X), 2 * X, rtol=1e-2)


def to_csv(x):
    stream = io.StringIO()
    csv.writer(stream).writerow(list(x))
    return float(stream.getvalue().split(",")[0])


def fills_in_a_pool(x):
    def fill(v):
        out = np.ones(2)
        out[0] = v
        return np.sum(out)
    with ThreadPoolExecutor(2) as workers:
        return sum(workers.map(fill, list(x)))


def once(x):
    if HOLDER.value is None:
        HOLDER.value = x[0]
    return HOLDER.value ** 2


LOST = {
    "str": lambda x: float(str(x[0])), "repr": lambda x: eval(repr(x[0]), {"np": np}), "f-string": lambda x: float(
        f"{x[0]:.17g}"), "int of text": lambda x: int(f"{x[2]:.0f}") * x[0], "percent": lambda x: float(
        "%.17g" % x[0]),                          # noqa: UP031
   
    "np.float64 of text": lambda x: np.float64(f"{x[0]:.17g}"), "tobytes": lambda x: np.sum(np.frombuffer(x.tobytes())),
    "frombuffer": lambda x: np.sum(np.frombuffer(x)), "memoryview": lambda x: sum(memoryview(x)),
    "bytes": lambda x: sum(bytes(x)), "bytearray": lambda x: sum(bytearray(x)),
    "array interface": lambda x: np.sum(np.asarray(SimpleNamespace(
        __array_interface__=x.__array_interface__))), "array struct": lambda x: x.__array_struct__,
    "from_dlpack": lambda x: np.sum(np.from_dlpack(x)), "data": lambda x: x.data[0], "ctypes": lambda x: x.ctypes.data,
    "as_ctypes": lambda x: np.ctypeslib.as_ctypes(x)[0], "c array": lambda x: sum((ctypes.c_double * 3)(*x)),
    "pickle": lambda x: np.sum(pickle.loads(pickle.dumps(x))), "json": lambda x: json.loads(json.dumps(x.tolist()))[0],
    "csv": to_csv, "sqlite": lambda x: sqlite3.connect(":memory:").execute("select ?", (x[0],)).fetchone()[0],
    "file": lambda x: x.tofile("nowhere"), "lru_cache": lambda x: cached(x[0]), "hash": lambda x: hash(x[0]) * x[1],
    "set": lambda x: len({x[0], x[1]}) * x[0], "index": lambda x: operator.index(x[0]), "hex": lambda x: float.fromhex(
        x[0].hex()), "ratio": lambda x: x[0].as_integer_ratio()[0] * 1.0, "__array__": lambda x: np.sum(x.__array__()),
    "__float__": lambda x: x[0].__float__(), "float subclass": lambda x: type("F", (float,), {})(x[0]) ** 2,
    "fraction": lambda x: float(__import__("fractions").Fraction(x[0])), "mean": lambda x: statistics.fmean(x),
    "random seed": lambda x: random.Random(x[0]).random() * x[1], "astype str": lambda x: float(x.astype(str)[0]),
    "view": lambda x: np.sum(x.view(np.int64)), "setitem": lambda x: OUT.__setitem__(0, x[0]) or OUT[0],
    "flat": lambda x: operator.setitem(OUT.flat, 0, x[0]) or OUT[0], "put": lambda x: np.put(OUT, [0], x[0]) or OUT[0],
    "copyto": lambda x: np.copyto(OUT, x) or OUT[0], "add.at": lambda x: np.add.at(OUT, [0, 1, 1], x) or OUT[0],
    "fill_diagonal": lambda x: np.fill_diagonal(np.arange(9.0).reshape(3, 3), x) or 1.0,
    "place": lambda x: np.place(OUT, OUT == 0, x) or OUT[0],
    "putmask": lambda x: np.putmask(OUT, OUT == 0, x) or OUT[0],
    "out": lambda x: np.sum(np.add(x, 1, out=OUT)), "sum out": lambda x: np.sum(x, out=np.asarray(OUT[0])),
    "in place": lambda x: operator.iadd(OUT, x)[0], "type": lambda x: np.sum(x ** 2) if type(x) is np.ndarray else 1.0,
    "pool": fills_in_a_pool, "bound early": lambda x: SimpleNamespace(f=math.exp).f(x[0]),
    "callback": lambda x: scipy.optimize.minimize(lambda t: (t[0] - x[0]) ** 2, [0.0]).x[0],
}


@pytest.mark.parametrize("name", LOST)
def test_a_lost_dependence_is_an_error(name):
    OUT[:] = 0.0
    with pytest.raises(Exception) as error:
        ad.grad(LOST[name])(X)
    assert isinstance(error.value, (TypeError, ValueError, AttributeError))
    assert not np.any(OUT)


def test_a_traced_value_that_outlives_its_run():
    HOLDER.value = None
    assert ad.grad(once)(X)[0] == 2 * X[0]
    with pytest.raises(ad.TraceError, match="a run that is over"):
        ad.grad(once)(X + 1)
    HOLDER.value = None


def test_swallowed_errors_come_back():
    def f(x):
        try:
            return math.exp(x[0])
        except TypeError:
            return 1.0
    with pytest.raises(ad.TraceError, match="math.exp turns"):
        ad.grad(f)(X)


def test_a_zero_gradient_of_a_constant_is_an_answer():
    for f in (lambda x: 3.0, lambda x: np.sum(np.ones(3)), lambda x: ad.stop_gradient(x) @ X, lambda x: np.floor(x[0])):
        np.testing.assert_array_equal(ad.grad(f)(X), np.zeros(3))


@pytest.mark.parametrize("look", (np.lib.stride_tricks.as_strided, np.ma.getdata))
def test_a_look_at_the_memory_of_a_buffer_is_refused(look):
    def f(x):
        a = np.zeros(3)
        b = look(a)
        a[:] = x
        return np.sum(b ** 2) + np.sum(a)
    with pytest.raises(ad.TraceError, match="turns a traced value into a plain array"):
        ad.grad(f)(np.ones(3))
