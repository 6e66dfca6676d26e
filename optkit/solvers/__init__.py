"""The methods. Adding one is a file and a line here."""

from optkit.solvers.adam import AdaGrad, Adam, RMSProp
from optkit.solvers.arc import ARC
from optkit.solvers.bfgs import BFGS
from optkit.solvers.coordinate_descent import CoordinateDescent
from optkit.solvers.dogleg import Dogleg
from optkit.solvers.fista import FISTA
from optkit.solvers.gauss_newton import GaussNewton
from optkit.solvers.gradient_descent import GradientDescent
from optkit.solvers.lbfgs import LBFGS
from optkit.solvers.lbfgsb import LBFGSB
from optkit.solvers.levenberg_marquardt import LevenbergMarquardt
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
    # first order
    "gradient-descent": GradientDescent,
    "momentum": Momentum,
    "cg": NonlinearCG,
    "coordinate-descent": CoordinateDescent,
    "adam": Adam,
    "adagrad": AdaGrad,
    "rmsprop": RMSProp,
    # quasi-Newton
    "bfgs": BFGS,
    "l-bfgs": LBFGS,
    "sr1": SR1,
    # Newton
    "newton": Newton,
    "newton-cg": NewtonCG,
    "arc": ARC,
    # trust region
    "trust-exact": TrustExact,
    "trust-krylov": TrustKrylov,
    "trust-ncg": TrustNCG,
    "trust-subspace": TrustSubspace,
    "dogleg": Dogleg,
    # bounds and other sets
    "projected-newton": ProjectedNewton,
    "l-bfgs-b": LBFGSB,
    "projected-gradient": ProjectedGradient,
    # proximal
    "proximal-gradient": ProximalGradient,
    "fista": FISTA,
    "owl-qn": OWLQN,
    # finite sums
    "sgd": SGD,
    "svrg": SVRG,
}

# SciPy's names, and common ones, for the method that does that work here.
ALIASES: dict[str, str] = {
    "lbfgs": "l-bfgs",
    "lbfgsb": "l-bfgs-b",
    "owlqn": "owl-qn",
    "spg": "projected-gradient",
    "nonlinear-cg": "cg",
    "tnc": "projected-newton",
    "gd": "gradient-descent",
    "steepest-descent": "gradient-descent",
    "nesterov": "momentum",
}

# The methods of least_squares, and SciPy's names for them.
FITS: dict[str, type] = {"lm": LevenbergMarquardt, "gauss-newton": GaussNewton}
FIT_ALIASES: dict[str, str] = {"levenberg-marquardt": "lm", "trf": "lm", "dogbox": "lm", "gn": "gauss-newton"}

__all__ = [
    "ALIASES", "AdaGrad", "Adam", "BFGS", "CoordinateDescent", "Dogleg", "FISTA", "FITS", "FIT_ALIASES",
    "GaussNewton", "GradientDescent", "LBFGS", "LBFGSB", "LevenbergMarquardt", "METHODS", "Momentum", "Newton",
    "NewtonCG", "NonlinearCG", "OWLQN", "ProjectedGradient", "ProjectedNewton", "ProximalGradient", "RMSProp", "SGD",
    "SR1", "SVRG", "TrustExact", "TrustKrylov", "TrustNCG", "TrustSubspace",
]
