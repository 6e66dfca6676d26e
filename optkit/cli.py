"""The command line: a demonstration; minimise, compare and check convexity of named problems or one's own functions."""

import argparse
import ast
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import optkit
import problems
from optkit import convexity
from optkit.inputs import flatten_start
from optkit.text import table

_WHAT = "a problem (see `optkit problems`), or a function of your own: module:function or path.py:function"
_VALUES_MAY_START_WITH_A_MINUS = ("--x0", "--box", "--bounds")
_DEMO = "logistic-regression"
_DEMO_GTOL = 1e-8       # small enough to see the last phase of each method
_DEMO_BOX = 3.0         # weights of standardised columns: the solution lies well inside


class UserError(Exception):
    """Something on the command line is wrong; the message names it and the remedy."""


class Target(NamedTuple):
    """What to work on: a function, a start, and the minimum where it is known."""

    label: str
    f: Callable[..., Any]
    x0: Any
    f_star: float | None
    file: str           # of the function: an error inside it is told as one line that names the place


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line. 0: done; 1: not solved; 2: wrong arguments, or the user's function failed."""
    arguments = _parser().parse_args(_join_values(sys.argv[1:] if argv is None else argv))
    try:
        _check_directory(vars(arguments).get("out") or vars(arguments).get("plot"))
        return arguments.run(arguments)
    except (UserError, ValueError, TypeError, OSError) as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        return _fail("interrupted")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="optkit", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    def command(name: str, run: Callable, summary: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=summary, description=summary)
        sub.set_defaults(run=run)
        return sub

    demo = command("demo", _demo, "real data, many methods: a table, a convexity report and a picture")
    demo.add_argument("--out", default="convergence.png", metavar="FILE", help="the picture (default: %(default)s)")
    minimize = command("minimize", _minimize, "minimise a function and print the result")
    minimize.add_argument("--method", help=f"one of {', '.join(optkit.methods())}; default: chosen by the problem")
    compare = command("compare", _compare, "minimise by several methods and print a table")
    compare.add_argument("--methods", type=_methods, metavar="A,B", help="names, or all; default: one of each family")
    check = command("convexity", _convexity, "try to refute that a function is convex; estimate mu and L")
    check.add_argument("--box", type=_pair, default=(-1.0, 1.0), metavar="LOW,HIGH", help="bounds; default: -1,1")
    check.add_argument("--properties", type=_words, default=("convex",), metavar="A,B",
                       help=f"of {', '.join(convexity.PROPERTIES)}; default: convex")
    check.add_argument("--budget", type=int, help="calls of f to spend")
    check.add_argument("--seed", type=int, default=0)
    for sub in (minimize, compare, check):
        sub.add_argument("what", help=_WHAT)
        sub.add_argument("--x0", metavar="X", help="start: 1,2,3 or zeros:10 or ones:10 (for convexity, the size)")
        sub.add_argument("--size", type=_assignment, action="append", default=[], metavar="N=V",
                         help="size or other option of a named problem; may be repeated")
        sub.add_argument("--plot", metavar="FILE", help="also draw a picture")
    for sub in (minimize, compare):
        sub.add_argument("--option", type=_assignment, action="append", default=[], metavar="NAME=VALUE",
                         help="gtol, maxiter, maxtime, ... or the method's own; may be repeated")
        sub.add_argument("--bounds", type=_pair, metavar="LOW,HIGH", help="of every unknown: 0,1 or 0,inf")
        sub.add_argument("--quiet", action="store_true", help="no progress display")
    command("problems", _problems, "list the named problems")
    return parser


# Commands.

def _demo(arguments: argparse.Namespace) -> int:
    problem = problems.get(_DEMO)
    m, n = problem.data["A"].shape
    print(f"{problem.name}: {m} patients, {n} measurements each\n  minimise {problem.formula}\n  {problem.source}\n")
    target = _named_problem(_DEMO, {}, None)
    results = _run_all(target, None, {"gtol": _DEMO_GTOL}, progress=True)
    print(results)
    print("(seconds include recording the function and generating code for its derivatives)")
    print(f"\nIs it convex where |w_j| ≤ {_DEMO_BOX:g}?\n")
    print(convexity.check(problem.f, convexity.Box(-_DEMO_BOX, _DEMO_BOX, shape=problem.x0.shape)))
    print(f"  known: mu = {problem.mu:.6g}, L = {problem.L:.6g}")
    _plot(results, target, arguments.out, f"{problem.name}, {m} × {n}")
    return 0 if all(result.success for result in results.values()) else 1


def _minimize(arguments: argparse.Namespace) -> int:
    target = _target(arguments)
    result = _call(target, lambda: optkit.minimize(target.f, target.x0, method=arguments.method,
                                                   progress=not arguments.quiet, **_options(arguments, target)))
    print(result)
    if arguments.plot:
        _plot({result.method: result}, target, arguments.plot, target.label)
    return 0 if result.success else 1


def _compare(arguments: argparse.Namespace) -> int:
    target = _target(arguments)
    results = _run_all(target, arguments.methods, _options(arguments, target), progress=not arguments.quiet)
    print(results)
    if arguments.plot:
        _plot(results, target, arguments.plot, target.label)
    return 0 if all(result.success for result in results.values()) else 1


def _convexity(arguments: argparse.Namespace) -> int:
    target = _target(arguments)
    box = convexity.Box(*(_filled(target.x0, bound) for bound in arguments.box))
    budget = {} if arguments.budget is None else {"budget": arguments.budget}
    report = _call(target, lambda: convexity.check(target.f, box, properties=arguments.properties, seed=arguments.seed,
                                                   **budget))
    print(report)
    if arguments.plot:
        report.plot(arguments.plot)
        print(f"\n{arguments.plot}")
    return 0


def _problems(arguments: argparse.Namespace) -> int:
    rows = [(p.name, str(p.n), p.convexity, p.formula) for p in map(problems.get, problems.names())]
    print(table([("name", "n", "convexity", "formula"), *rows]))
    print("\nsizes and other options, for --size")
    for name in problems.names():
        print(f"  {name:<22}" + (" ".join(f"{k}={v}" for k, v in problems.sizes(name).items()) or "none"))
    return 0


def _options(arguments: argparse.Namespace, target: Target) -> dict[str, Any]:
    """Those of `minimize`: what --option gave, and bounds."""
    n = flatten_start(target.x0)[0].size
    return dict(arguments.option) | ({} if arguments.bounds is None else {"bounds": [arguments.bounds] * n})


# What the user named.

def _target(arguments: argparse.Namespace) -> Target:
    sizes = dict(arguments.size)
    if ":" not in arguments.what:
        return _named_problem(arguments.what, sizes, arguments.x0)
    if sizes:
        raise UserError("--size: is for named problems; give a function of your own its size by --x0")
    f, file = _load(arguments.what)
    if arguments.x0 is None:
        raise UserError("--x0: a function of your own needs a start: --x0 1,2,3 or --x0 zeros:10")
    return Target(arguments.what, f, _start(arguments.x0), None, file)


def _named_problem(name: str, sizes: dict[str, Any], x0: str | None) -> Target:
    try:
        problem = problems.get(name, **sizes)
    except ValueError as error:
        if name in problems.names():
            raise
        raise UserError(f"{error}; a function of your own is named module:function or path.py:function") from None
    f_star = None if problem.f_star is problems.UNKNOWN else float(problem.f_star)
    return Target(name, problem.f, problem.x0 if x0 is None else _start(x0), f_star, problem.f.__code__.co_filename)


def _load(what: str) -> tuple[Callable, str]:
    """The function named module:function or path.py:function, and the file of its module. Imports only that."""
    place, _, name = what.rpartition(":")
    module = _load_file(Path(place)) if place.endswith(".py") else _load_module(place)
    f: Any = getattr(module, name, None)
    if not callable(f):
        public = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise UserError(f"{place} has no function {name!r}; it has {', '.join(public) or 'none'}")
    return f, getattr(module, "__file__", None) or ""


def _load_file(path: Path) -> Any:
    if not path.is_file():
        raise UserError(f"no file {str(path)!r}; give the path of a Python file, like examples/rosenbrock.py:f")
    spec = importlib.util.spec_from_file_location(path.stem, path.resolve())
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UserError(f"importing {path} failed: {_where(error, str(path.resolve()))}") from error
    finally:
        sys.path.pop(0)
    return module


def _load_module(name: str) -> Any:
    sys.path.insert(0, "")
    try:
        return importlib.import_module(name)
    except Exception as error:
        raise UserError(f"importing {name!r} failed: {type(error).__name__}: {error}") from error
    finally:
        sys.path.pop(0)


def _start(text: str) -> np.ndarray:
    kind, _, count = text.partition(":")
    if kind in ("zeros", "ones") and count.isdecimal() and int(count) > 0:
        return np.full(int(count), float(kind == "ones"))
    try:
        return np.array(_numbers(text))
    except ValueError:
        raise UserError(f"--x0: need numbers like 1,2,3, or zeros:10 or ones:10, got {text!r}") from None


def _filled(x0: Any, value: float) -> Any:
    """A bound for every unknown: the structure of x0 filled with one value."""
    if isinstance(x0, dict):
        return {key: _filled(part, value) for key, part in x0.items()}
    return np.full(np.shape(x0), value)


def _methods(text: str) -> Any:
    return "all" if text == "all" else _words(text)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(word) for word in text.split(","))


def _pair(text: str) -> tuple[float, ...]:
    numbers = _numbers(text)
    if len(numbers) != 2:
        raise argparse.ArgumentTypeError(f"need two numbers, lower and upper, got {len(numbers)}; for example -2,2")
    return numbers


def _assignment(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"need NAME=VALUE, got {text!r}")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def _check_directory(picture: str | None) -> None:
    """Known before the work is done, not after."""
    if picture and not Path(picture).parent.is_dir():
        raise UserError(f"no directory {str(Path(picture).parent)!r} to write {picture!r} to; make it first")


def _join_values(argv: Iterable[str]) -> list[str]:
    """argparse takes the -1,2 of `--x0 -1,2` for an option: hand it over as --x0=-1,2."""
    joined: list[str] = []
    for word in argv:
        if joined and joined[-1] in _VALUES_MAY_START_WITH_A_MINUS:
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


# Running and showing.

def _run_all(target: Target, methods: Any, options: dict[str, Any], *, progress: bool) -> optkit.Comparison:
    return _call(target, lambda: optkit.compare(target.f, target.x0, methods, f_star=target.f_star, progress=progress,
                                                **options))


def _call(target: Target, work: Callable[[], Any]) -> Any:
    """work(), an exception from inside the user's function told as one line."""
    try:
        return work()
    except Exception as error:
        if not any(frame.filename == target.file for frame in traceback.extract_tb(error.__traceback__)):
            raise
        raise UserError(f"{target.label} failed: {_where(error, target.file)}") from error


def _where(error: Exception, file: str) -> str:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f"{type(error).__name__}: {error}" + (f" ({Path(file).name}, line {lines[-1]})" if lines else "")


def _plot(results: dict[str, Any], target: Target, path: str, title: str) -> None:
    from optkit import plots
    plots.convergence(results, f_star=target.f_star, path=path, title=title)
    print(f"\n{path}")


def _fail(message: str) -> int:
    print(f"optkit: error: {message}", file=sys.stderr)
    return 2
