"""The methods. Adding one is a file and a line here."""

from optkit.solvers.adam import AdaGrad, Adam, RMSProp
from optkit.solvers.arc import ARC
from optkit.solvers.bfgs import BFGS
from optkit.solvers.coordinate_descent import CoordinateDescent
from optkit.solvers.dogleg import Dogleg
from optkit.solvers.fista import FISTA
from optkit.solvers.gradient_descent import GradientDescent
from optkit.solvers.lbfgs import LBFGS
from optkit.solvers.lbfgsb import LBFGSB
from optkit.solvers.momentum import Momentum
from optkit.solvers.newton import Newton
from optkit.solvers.newton_cg import NewtonCG
from optkit.solvers.nonlinear_cg import NonlinearCG
from optkit.solvers.owlqn import OWLQN
from optkit.solvers.projected_gradient import ProjectedGradient
from optkit.solvers.projected_newton import ProjectedNewton
from optkit.solvers.proximal_gradient import ProximalGradient
from optkit.solvers.sgd import SGD
from optkit.solvers.sr1 import SR1
from optkit.solvers.svrg import SVRG
from optkit.solvers.trust_exact import TrustExact
from optkit.solvers.trust_krylov import TrustKrylov
from optkit.solvers.trust_ncg import TrustNCG
from optkit.solvers.trust_subspace import TrustSubspace

METHODS: dict[str, type] = {
    "gradient-descent": GradientDescent,
    "momentum": Momentum,
    "adam": Adam,
    "adagrad": AdaGrad,
    "rmsprop": RMSProp,
    "sgd": SGD,
    "svrg": SVRG,
    "cg": NonlinearCG,
    "l-bfgs": LBFGS,
    "l-bfgs-b": LBFGSB,
    "projected-newton": ProjectedNewton,
    "owl-qn": OWLQN,
    "projected-gradient": ProjectedGradient,
    "bfgs": BFGS,
    "sr1": SR1,
    "newton": Newton,
    "newton-cg": NewtonCG,
    "arc": ARC,
    "trust-ncg": TrustNCG,
    "trust-krylov": TrustKrylov,
    "trust-exact": TrustExact,
    "trust-subspace": TrustSubspace,
    "dogleg": Dogleg,
    "proximal-gradient": ProximalGradient,
    "fista": FISTA,
    "coordinate-descent": CoordinateDescent,
}

# SciPy's names, and common ones, for the method that does that work here.
ALIASES: dict[str, str] = {
    "lbfgs": "l-bfgs",
    "lbfgsb": "l-bfgs-b",
    "owlqn": "owl-qn",
    "spg": "projected-gradient",
    "nonlinear-cg": "cg",
    "tnc": "newton-cg",
    "gd": "gradient-descent",
    "steepest-descent": "gradient-descent",
    "nesterov": "momentum",
}

__all__ = [
    "ALIASES", "METHODS", "AdaGrad", "Adam", "BFGS", "CoordinateDescent", "Dogleg", "FISTA", "GradientDescent", "LBFGS",
    "LBFGSB", "Momentum", "Newton", "NewtonCG", "NonlinearCG", "OWLQN", "ProjectedGradient", "ProjectedNewton",
    "ProximalGradient", "RMSProp", "SGD", "SR1", "SVRG", "TrustExact",
    "TrustKrylov", "TrustNCG", "TrustSubspace",
]
