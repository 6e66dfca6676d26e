"""The command line: a demonstration; minimise, compare and check convexity of named problems or one's own functions."""

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import optkit
import problems
from optkit import convexity
from optkit.inputs import flatten_start
from optkit.text import table

from . import check_convexity
from .targets import Target, UserError, assignment, call, is_number, named_problem, pair, target_of, words

_WHAT = "a problem (see `optkit problems`), or a function of your own: module:function or path.py:function"
_VALUES_MAY_START_WITH_A_MINUS = ("--x0", "--box", "--bounds")
_PAIRS = ("--box", "--bounds")
_DEMO = "logistic-regression"
_DEMO_GTOL = 1e-8       # small enough to see the last phase of each method
_DEMO_BOX = 3.0         # weights of standardised columns: the solution lies well inside


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line. 0: done; 1: not solved; 2: wrong arguments, or the user's function failed."""
    arguments = _parser().parse_args(_join_values(sys.argv[1:] if argv is None else argv))
    try:
        for name in ("out", "plot", "html"):
            _check_directory(vars(arguments).get(name))
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
    check = command("convexity", check_convexity.run, "prove that a function is convex, or refute it; mu and L")
    check_convexity.add_arguments(check)
    for sub in (minimize, compare, check):
        sub.add_argument("what", help=_WHAT)
        sub.add_argument("--x0", metavar="X", help="start: 1,2,3 or zeros:10 or ones:10 (for convexity, the size)")
        sub.add_argument("--size", type=assignment, action="append", default=[], metavar="N=V",
                         help="size or other option of a named problem; may be repeated")
        sub.add_argument("--plot", metavar="FILE", help="also draw a picture")
    for sub in (minimize, compare):
        sub.add_argument("--option", type=assignment, action="append", default=[], metavar="NAME=VALUE",
                         help="gtol, maxiter, maxtime, ... or the method's own; may be repeated")
        sub.add_argument("--bounds", type=pair, metavar="LOW,HIGH", help="of every unknown: 0,1 or 0,inf")
        sub.add_argument("--quiet", action="store_true", help="no progress display")
    command("problems", _problems, "list the named problems")
    return parser


# Commands.

def _demo(arguments: argparse.Namespace) -> int:
    problem = problems.get(_DEMO)
    m, n = problem.data["A"].shape
    print(f"{problem.name}: {m} patients, {n} measurements each\n  minimise {problem.formula}\n  {problem.source}\n")
    target = named_problem(_DEMO, {}, None)
    results = _run_all(target, None, {"gtol": _DEMO_GTOL}, progress=True)
    print(results)
    print("(seconds include recording the function and generating code for its derivatives)")
    print(f"\nIs it convex where |w_j| ≤ {_DEMO_BOX:g}?\n")
    print(convexity.check(problem.f, convexity.Box(-_DEMO_BOX, _DEMO_BOX, shape=problem.x0.shape)))
    print(f"  known: mu = {problem.mu:.6g}, L = {problem.L:.6g}")
    _plot(results, target, arguments.out, f"{problem.name}, {m} × {n}")
    return 0 if all(result.success for result in results.values()) else 1


def _minimize(arguments: argparse.Namespace) -> int:
    target = target_of(arguments)
    result = call(target, lambda: optkit.minimize(target.f, target.x0, method=arguments.method,
                                                  progress=not arguments.quiet, **_options(arguments, target)))
    print(result)
    if arguments.plot:
        _plot({result.method: result}, target, arguments.plot, target.label)
    return 0 if result.success else 1


def _compare(arguments: argparse.Namespace) -> int:
    target = target_of(arguments)
    results = _run_all(target, arguments.methods, _options(arguments, target), progress=not arguments.quiet)
    print(results)
    if arguments.plot:
        _plot(results, target, arguments.plot, target.label)
    return 0 if all(result.success for result in results.values()) else 1


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


def _methods(text: str) -> Any:
    return "all" if text == "all" else words(text)


def _check_directory(picture: str | None) -> None:
    """Known before the work is done, not after."""
    if picture and not Path(picture).parent.is_dir():
        raise UserError(f"no directory {str(Path(picture).parent)!r} to write {picture!r} to; make it first")


def _join_values(argv: Iterable[str]) -> list[str]:
    """argparse takes the -1,2 of `--x0 -1,2` for an option: hand it over as --x0=-1,2, and `--box -1 2` likewise."""
    joined: list[str] = []
    for word in argv:
        name, _, value = joined[-1].partition("=") if joined else ("", "", "")
        if name in _VALUES_MAY_START_WITH_A_MINUS and not value:
            joined[-1] += f"={word}"
        elif name in _PAIRS and is_number(value) and is_number(word):
            joined[-1] += f",{word}"
        else:
            joined.append(word)
    return joined


# Running and showing.

def _run_all(target: Target, methods: Any, options: dict[str, Any], *, progress: bool) -> optkit.Comparison:
    return call(target, lambda: optkit.compare(target.f, target.x0, methods, f_star=target.f_star, progress=progress,
                                                **options))


def _plot(results: dict[str, Any], target: Target, path: str, title: str) -> None:
    from optkit import plots
    plots.convergence(results, f_star=target.f_star, path=path, title=title)
    print(f"\n{path}")


def _fail(message: str) -> int:
    print(f"optkit: error: {message}", file=sys.stderr)
    return 2
