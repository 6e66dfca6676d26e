"""The command `optkit convexity`: prove that a function is convex, or refute it."""

import argparse
import sys

import numpy as np

from optkit import convexity

from .targets import Target, UserError, call, filled, pair, shape, target_of, words


def add_arguments(check: argparse.ArgumentParser) -> None:
    check.add_argument("--box", type=pair, default=(-1.0, 1.0), metavar="LOW HIGH",
                       help="bounds of every unknown: -2 2, or -2,2; default: -1 1")
    check.add_argument("--shape", type=shape, metavar="N", help="of the argument: 10, or 3,4, or scalar")
    check.add_argument("--property", "--properties", dest="properties", type=words, default=("convex",), metavar="A,B",
                       help=f"one or several of {', '.join(convexity.PROPERTIES)}; default: convex")
    check.add_argument("--json", action="store_true", help="print the report as JSON")
    check.add_argument("--html", metavar="FILE", help="also write the report as one page that needs nothing else")
    check.add_argument("--budget", type=int, help="calls of f to spend")
    check.add_argument("--seed", type=int, default=0)


def run(arguments: argparse.Namespace) -> int:
    target = target_of(arguments) if arguments.shape is None else _shaped(arguments)
    box = convexity.Box(*(filled(target.x0, bound) for bound in arguments.box))
    budget = {} if arguments.budget is None else {"budget": arguments.budget}
    report = call(target, lambda: convexity.check(target.f, box, properties=arguments.properties, seed=arguments.seed,
                                                  **budget))
    print(report.to_json() if arguments.json else report)
    for path, write in ((arguments.plot, report.plot), (arguments.html, report.html)):
        if path:
            write(path)
            print(f"\n{path}", file=sys.stderr if arguments.json else sys.stdout)
    return 0


def _shaped(arguments: argparse.Namespace) -> Target:
    """The target with --shape in place of a start."""
    if arguments.x0 is not None:
        raise UserError("--shape: say the size of the argument by --shape or by --x0, not by both")
    arguments.x0 = "0"
    return target_of(arguments)._replace(x0=np.zeros(arguments.shape) if arguments.shape else 0.0)
