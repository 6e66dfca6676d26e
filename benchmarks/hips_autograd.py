"""HIPS/autograd's own test files, run against this engine.

    python benchmarks/hips_autograd.py CHECKOUT [--width N] [test_file.py ...]

CHECKOUT is a source checkout (or unpacked sdist) of https://github.com/HIPS/autograd; its tests/ run as they stand.
They import `autograd`, `autograd.numpy`, …: those names are put into sys.modules here, as modules of this file's
functions over `autodiff`. Nothing of autograd itself is imported. Prints a table, file by file, of what passed, and of
what did not with its error; tests of autograd's internals are counted apart, with the reason.
"""

from __future__ import annotations

import argparse
import builtins
import inspect
import itertools
import os
import sys
import types
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import autodiff as ad
import autodiff.numpy
import autodiff.scipy
from autodiff import pytree

INTERNALS = {      # file or test -> what of autograd's own machinery it is about
    "test_vspaces.py": "autograd's VSpace classes",
    "test_fft.py::test_rfftn_odd_not_implemented": "a refusal of autograd's: here it has a derivative",
    "test_misc.py::test_const_graph": "how often const_graph runs the function",
    "test_misc.py::test_const_graph_args": "how often const_graph runs the function",
    "test_numpy.py::test_make_diagonal": "make_diagonal, a function NumPy does not have",
    "test_numpy.py::test_diagonal": "make_diagonal, a function NumPy does not have",
    "test_wrappers.py::test_deprecated_defgrad_wrapper": "deprecated ways to define primitives",
    "test_wrappers.py::test_deprecated_defvjp_wrapper": "deprecated ways to define primitives",
    "test_wrappers.py::test_deprecated_defvjp_is_zero_wrapper": "deprecated ways to define primitives",
    "test_scipy.py::test_convolve_generalization": "autograd's convolve(axes=, dot_axes=), which SciPy does not have",
    "test_scipy.py::test_convolve_ignore": "autograd's convolve(axes=, dot_axes=), which SciPy does not have",
    "test_scipy.py::test_convolve_ignore_dot": "autograd's convolve(axes=, dot_axes=), which SciPy does not have",
}


# --- autograd's interface over this engine ----------------------------------------------------------------------------


def unary_to_nary(operator: Callable) -> Callable:
    """Operators on functions of one argument as operators on functions of several, by argument number(s)."""
    def over(fun, argnum=0, *more, **options):
        def derived(*args, **kwargs):
            def at(x):
                full = list(args)
                for number, value in zip(numbers, (x,) if single else x, strict=True):
                    full[number] = value
                return fun(*full, **kwargs)
            single = isinstance(argnum, int)
            numbers = (argnum,) if single else tuple(argnum)
            x = args[argnum] if single else tuple(args[number] for number in numbers)
            return operator(at, x, *more, **options)
        name = getattr(fun, "__name__", "[unknown name]")
        derived.__name__ = f"{operator.__name__}_of_{name}_wrt_argnum_{argnum}"
        derived.__doc__ = f"    {operator.__name__} of function {name} with respect to argument {argnum}"
        return derived
    over.__name__, over.__doc__ = operator.__name__, operator.__doc__
    return over


def make_vjp(fun, x):
    y, pullback = ad.vjp(fun, x)
    return pullback, y


def make_jvp(fun, x):
    return lambda v: ad.jvp(fun, (x,), (v,))


def _ones(tree):
    leaves, structure = pytree.flatten(tree)
    return pytree.unflatten(structure, [np.ones_like(leaf) if type(leaf) is not ad.Tracer else np.ones(leaf.shape)
                                        for leaf in leaves])


def _one_number(y, name: str) -> None:
    if np.size(y) != 1 or np.result_type(y).kind in "biu":
        raise TypeError(f"{name} only applies to functions of one number")


def value_and_grad(fun, x):
    y, pullback = ad.vjp(fun, x)
    _one_number(y, "value_and_grad")
    if np.iscomplexobj(y):
        raise TypeError("grad only applies to real functions")
    return y, pullback(_ones(y))


def grad(fun, x):
    """
    Returns a function which gives the gradient with respect to one argument."""
    return value_and_grad(fun, x)[1]


def elementwise_grad(fun, x):
    y, pullback = ad.vjp(fun, x)
    return pullback(_ones(y))


def deriv(fun, x):
    return ad.jvp(fun, (x,), (_ones(x),))[1]


def jacobian(fun, x):
    return ad.jacobian(fun)(x)


def holomorphic_grad(fun, x):
    return ad.grad(fun, holomorphic=True)(x)


def hessian(fun, x):
    return ad.jacobian(ad.jacobian(fun))(x)


def make_hvp(fun, x):
    y, pullback = ad.vjp(lambda z: grad(fun, z), x)
    return pullback, y


def grad_and_aux(fun, x):
    (_, aux), pullback = ad.vjp(lambda z: tuple(fun(z)), x)
    return pullback((1.0, np.zeros(np.shape(aux)))), aux


def make_ggnvp(f, g=lambda x: 0.5 * np.sum(x**2, axis=-1), f_argnum=0):
    def product(fun, x):
        y, f_jvp = ad.linearize(fun, x)
        back = ad.vjp(fun, x)[1]
        return lambda v: back(ad.jvp(lambda z: grad(g, z), (y,), (f_jvp(v),))[1])
    return unary_to_nary(product)(f, f_argnum)


def hessian_tensor_product(fun, argnum=0):
    slope = unary_to_nary(grad)(fun, argnum)

    def along(*args, **kwargs):
        *args, v = args
        return np.tensordot(slope(*args, **kwargs), v, np.ndim(v))
    return unary_to_nary(grad)(along, argnum)


def tensor_jacobian_product(fun, argnum=0):
    def along(*args, **kwargs):
        *args, v = args
        return np.tensordot(v, fun(*args, **kwargs), axes=np.ndim(v))
    return unary_to_nary(jacobian)(along, argnum)


def grad_named(fun, argname):
    return unary_to_nary(grad)(fun, list(inspect.signature(fun).parameters).index(argname))


def multigrad_dict(fun):
    signature = inspect.signature(fun)

    def derived(*args, **kwargs):
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return grad(lambda named: fun(**named), dict(bound.arguments))
    return derived


# --- primitives by hand -----------------------------------------------------------------------------------------------


class primitive(ad.custom_vjp):  # noqa: N801
    """autograd's @primitive: a function that takes reverse rules, and raises NotImplementedError without."""

    def __call__(self, *args, **kwargs):
        if not self.rules and any(type(arg) is ad.Tracer for arg in args):
            raise NotImplementedError(f"VJP of {self.__name__} not defined")
        return super().__call__(*args, **kwargs)


def defvjp(f, *rules, argnums=None):
    made = [None if rule is None else
            lambda ct, out, *args, _rule=rule: _rule(out, *args)(ct) for rule in rules]
    _define(f, f.defvjps, made, argnums)


def defjvp(f, *rules, argnums=None):
    """Nothing to do: forward mode is the transpose of the reverse rules."""


def _define(f, define, rules, argnums) -> None:
    if argnums is None:
        argnums = range(len(rules))
    full = [None] * (max(argnums) + 1)
    for number, rule in zip(argnums, rules, strict=True):
        full[number] = rule
    define(*full)


def checkpoint(fun):
    return ad.checkpoint(fun) if hasattr(ad, "checkpoint") else fun


# --- autograd.test_util -----------------------------------------------------------------------------------------------


def check_grads(f, argnum=0, modes=("fwd", "rev"), order=2):
    names = {"fwd": "forward", "rev": "reverse"}

    def check(*args, **kwargs):
        numbers = (argnum,) if isinstance(argnum, int) else tuple(argnum)

        def at(*values):
            full = list(args)
            for number, value in zip(numbers, values, strict=True):
                full[number] = value
            return f(*full, **kwargs)
        try:
            ad.check_grads(at, [args[number] for number in numbers], order, [names[mode] for mode in modes], rtol=1e-4)
        except AssertionError as trouble:        # in autograd's words, which its tests look for
            name = ("vjp_" if "order 2" in str(trouble) else "") + getattr(f, "__name__", "")
            raise AssertionError(f"Derivative (VJP) check of {name} failed: {trouble}") from trouble
    return check


def combo_check(f, *options, **named):
    def check(*columns, **rows):
        for args in itertools.product(*columns):
            for values in itertools.product(*rows.values()):
                check_grads(f, *options, **named)(*args, **dict(zip(rows, values, strict=True)))
    return check


def scalar_close(a, b):
    return abs(a - b) < 1e-6 or abs(a - b) / abs(a + b) < 1e-6


def check_equivalent(x, y):
    (x, one), (y, other) = pytree.flatten(x), pytree.flatten(y)
    assert one == other, f"structures differ: {one} and {other}"
    for a, b in zip(x, y, strict=True):
        assert np.shape(a) == np.shape(b) and np.iscomplexobj(a) == np.iscomplexobj(b)
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def quick_grad_check(fun, arg0, extra_args=(), kwargs=None, **_):
    ad.check_grads(lambda x: fun(x, *extra_args, **(kwargs or {})), (arg0,), 1)


def is_instance(x, kinds):
    return builtins.isinstance(x.value[()] if type(x) is ad.Tracer else x, kinds)


def flatten(tree):
    leaves, structure = pytree.flatten(_sorted(tree))
    shapes = [np.shape(leaf) for leaf in leaves]
    stops = np.cumsum([0, *[int(np.prod(shape)) for shape in shapes]]).tolist()

    def unflatten(flat):
        return pytree.unflatten(structure, [np.reshape(flat[a:b], shape) if shape else flat[a]
                                            for a, b, shape in zip(stops, stops[1:], shapes)])
    return np.concatenate([np.ravel(leaf) for leaf in leaves]) if leaves else np.zeros(0), unflatten


def _sorted(tree):
    if type(tree) is dict:
        return {key: _sorted(tree[key]) for key in sorted(tree)}
    return type(tree)(map(_sorted, tree)) if type(tree) in (list, tuple) else tree


def alias() -> None:
    """Put modules named autograd… into sys.modules."""
    nary = {operator.__name__: unary_to_nary(operator) for operator in (
        make_vjp, make_jvp, value_and_grad, grad, elementwise_grad, deriv, jacobian, holomorphic_grad, hessian,
        make_hvp, grad_and_aux)}
    extend = {"primitive": primitive, "defvjp": defvjp, "defjvp": defjvp, "notrace_primitive": lambda fun: fun}
    names = {"isinstance": is_instance, "tuple": tuple, "list": list, "dict": dict, "type": type}
    products = {f.__name__: f for f in (make_ggnvp, hessian_tensor_product, tensor_jacobian_product, grad_named,
                                        multigrad_dict, checkpoint)}
    products |= {"hessian_vector_product": hessian_tensor_product, "vector_jacobian_product": tensor_jacobian_product}
    tables = {
        "": nary | products | names | {"primitive": primitive},
        "core": extend | {"make_vjp": make_vjp, "make_jvp": make_jvp, "vspace": None, "primitive_vjps": {}},
        "extend": extend, "builtins": names, "wrap_util": {"unary_to_nary": unary_to_nary},
        "tracer": extend | {"isbox": lambda x: type(x) is ad.Tracer, "getval": ad.stop_gradient},
        "misc": {"flatten": flatten, "const_graph": lambda fun, *args: lambda *more: fun(*args, *more)},
        "misc.flatten": {"flatten": flatten}, "util": {"quick_grad_check": quick_grad_check},
        "test_util": {f.__name__: f for f in (check_grads, combo_check, scalar_close, check_equivalent)}}
    for name, table in tables.items():
        module = types.ModuleType(f"autograd.{name}".rstrip("."))
        module.__dict__.update(table)
        _install(module.__name__, module)
    for name in ("numpy", "numpy.linalg", "numpy.fft", "numpy.random", "scipy", "scipy.special", "scipy.linalg",
                 "scipy.stats", "scipy.signal", "scipy.integrate"):
        __import__(f"autodiff.{name}")
        _install(f"autograd.{name}", sys.modules[f"autodiff.{name}"])
    sys.modules["autograd.misc"].flatten = flatten
    for name, function in (("_dot", np.dot), ("T", lambda x: np.swapaxes(x, -1, -2))):
        setattr(sys.modules["autograd.numpy.linalg"], name, function)      # a test takes them from there
    sys.modules["autograd.scipy.stats.multivariate_normal"] = sys.modules["autograd.scipy.stats"].multivariate_normal
    misc = types.ModuleType("autograd.scipy.misc")
    misc.logsumexp = sys.modules["autodiff.scipy.special"].logsumexp
    _install("autograd.scipy.misc", misc)


def _install(name: str, module) -> None:
    sys.modules[name] = module
    if not hasattr(module, "__path__"):
        module.__path__ = []
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, module)


# --- the run ----------------------------------------------------------------------------------------------------------


class Tally:
    """A pytest plugin: outcomes by file, and the last line of each error."""

    def __init__(self):
        self.counts, self.trouble = defaultdict(Counter), defaultdict(list)

    def pytest_collectreport(self, report):
        if report.failed:
            last = str(report.longrepr).strip().splitlines()[-1]
            self.note(os.path.basename(str(report.nodeid)), "(import)", "failed", last)

    def pytest_runtest_logreport(self, report):
        if report.when == "call" or report.outcome != "passed" and report.when == "setup":
            file, _, test = report.nodeid.rpartition("/")[2].partition("::")
            text = str(report.longrepr[2]) if report.skipped and isinstance(report.longrepr, tuple) else (
                getattr(getattr(report.longrepr, "reprcrash", None), "message", "") if report.failed else "")
            self.note(file, test, report.outcome, text)

    def note(self, file: str, test: str, outcome: str, text: str) -> None:
        why = INTERNALS.get(f"{file}::{test}") or INTERNALS.get(file)
        outcome = "internal" if why and outcome != "passed" else outcome
        self.counts[file][outcome] += 1
        if outcome != "passed":
            self.trouble[file].append((test, outcome, why or " ".join(text.split())))

    def table(self, width: int) -> str:
        kinds = ("passed", "failed", "skipped", "internal")
        rows = [(file, *(str(counts[kind]) for kind in kinds)) for file, counts in sorted(self.counts.items())]
        rows.append(("total", *(str(sum(counts[kind] for counts in self.counts.values())) for kind in kinds)))
        lines = [f"{name:26}" + "".join(f"{cell:>9}" for cell in cells) for name, *cells in (("file", *kinds), *rows)]
        for file, trouble in sorted(self.trouble.items()):
            lines += ["", file, *[f"  {test} [{outcome}]: {text[:width]}" for test, outcome, text in trouble]]
        return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description="run HIPS/autograd's tests against autodiff")
    parser.add_argument("checkout", type=Path)
    parser.add_argument("files", nargs="*")
    parser.add_argument("--width", type=int, default=200, help="characters shown of an error")
    options = parser.parse_args()
    tests = options.checkout.resolve() / "tests"
    if not (tests / "test_numpy.py").exists():
        parser.error(f"{tests} has no test_numpy.py: give a checkout of HIPS/autograd")
    alias()
    tally = Tally()
    files = [str(tests / name) for name in options.files] or [str(path) for path in sorted(tests.glob("test_*.py"))]
    pytest.main([*files, "-q", "--no-header", "--no-summary", "--continue-on-collection-errors", "-c", os.devnull,
                 "-p", "no:cacheprovider", "-p", "no:xdist", "--rootdir", str(tests), "-W", "ignore", "-o", "addopts="],
                plugins=[tally])
    print(tally.table(options.width))
    return int(any(counts["failed"] for counts in tally.counts.values()))


if __name__ == "__main__":
    sys.exit(main())
