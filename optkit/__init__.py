"""Minimise functions written in plain NumPy, with exact derivatives, and see how it went."""

from optkit import convexity, linesearch, solvers, subproblems
from optkit.history import History, Record
from optkit.minimize import minimize
from optkit.objective import Objective
from optkit.options import IgnoredOption, UnknownOption, methods
from optkit.point import Point
from optkit.result import Result, load
from optkit.stopping import Reason, StoppingRules

__version__ = "0.1.0"

__all__ = [
    "History", "IgnoredOption", "Objective", "Point", "Reason", "Record", "Result", "StoppingRules", "UnknownOption",
    "convexity", "linesearch", "load", "methods", "minimize", "solvers", "subproblems",
]
