"""Minimise functions written in plain NumPy, with exact derivatives, and see how it went."""

from optkit import convexity, linesearch, prox, solvers, subproblems
from optkit.compare import Comparison, compare
from optkit.finite_sum import FiniteSum
from optkit.fit import Fit
from optkit.history import History, Record
from optkit.least_squares import least_squares
from optkit.minimize import minimize
from optkit.multistart import Minimum, Multistart, multistart
from optkit.objective import Objective, UndefinedStart
from optkit.options import IgnoredOption, UnknownOption, methods
from optkit.point import Point
from optkit.result import Result, load
from optkit.stopping import Reason, StoppingRules

__version__ = "0.1.0"

__all__ = [
    "Comparison", "FiniteSum", "Fit", "History", "IgnoredOption", "Minimum", "Multistart", "Objective", "Point",
    "Reason", "Record", "Result", "StoppingRules", "UndefinedStart", "UnknownOption", "compare", "convexity",
    "least_squares", "linesearch", "load", "methods", "minimize", "multistart", "prox", "solvers", "subproblems",
]
