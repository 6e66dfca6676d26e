"""Small problems inside a step: Newton equations, trust regions, the sign of the curvature."""

from optkit.subproblems.cg import CG, truncated_cg
from optkit.subproblems.lanczos import Curvature, lowest_curvature
from optkit.subproblems.steihaug import Region, steihaug

__all__ = ["CG", "Curvature", "Region", "lowest_curvature", "steihaug", "truncated_cg"]
