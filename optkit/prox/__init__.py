"""What is added to a smooth f: bounds, sets and penalties h, each known by its value and its proximal map."""

from optkit.prox.penalties import L1, L2, ElasticNet, GroupL2, NuclearNorm, Zero
from optkit.prox.separable import Separable, as_term
from optkit.prox.sets import Affine, Box, Hyperplane, L1Ball, L2Ball, NonNegative, Set, Simplex
from optkit.prox.term import Term, projection, proximal, residual

__all__ = [
    "Affine", "Box", "ElasticNet", "GroupL2", "Hyperplane", "L1", "L1Ball", "L2", "L2Ball", "NonNegative",
    "NuclearNorm", "Separable", "Set", "Simplex", "Term", "Zero", "as_term", "projection", "proximal", "residual",
]
