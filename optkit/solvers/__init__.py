"""The methods. Adding one is a file and a line here."""

from optkit.solvers.gradient_descent import GradientDescent
from optkit.solvers.lbfgs import LBFGS
from optkit.solvers.momentum import Momentum
from optkit.solvers.newton_cg import NewtonCG
from optkit.solvers.trust_ncg import TrustNCG

METHODS: dict[str, type] = {
    "gradient-descent": GradientDescent,
    "momentum": Momentum,
    "l-bfgs": LBFGS,
    "newton-cg": NewtonCG,
    "trust-ncg": TrustNCG,
}

# SciPy's names, and common ones, for the method that does that work here.
ALIASES: dict[str, str] = {
    "l-bfgs-b": "l-bfgs",
    "lbfgs": "l-bfgs",
    "bfgs": "l-bfgs",
    "cg": "l-bfgs",
    "newton": "newton-cg",
    "tnc": "newton-cg",
    "trust-krylov": "trust-ncg",
    "trust-exact": "trust-ncg",
    "trust-constr": "trust-ncg",
    "dogleg": "trust-ncg",
    "gd": "gradient-descent",
    "steepest-descent": "gradient-descent",
    "nesterov": "momentum",
}

__all__ = ["ALIASES", "METHODS", "GradientDescent", "LBFGS", "Momentum", "NewtonCG", "TrustNCG"]
