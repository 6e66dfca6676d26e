"""Small problems inside a step: Newton equations, trust regions, the sign of the curvature."""

from optkit.subproblems.cg import CG, forcing, truncated_cg
from optkit.subproblems.dogleg import DoglegPath, SubspacePlane
from optkit.subproblems.gltr import GLTR
from optkit.subproblems.lanczos import CLEAR, Curvature, Ends, lanczos, lowest_curvature
from optkit.subproblems.more_sorensen import MoreSorensen
from optkit.subproblems.region import Region, Subproblem
from optkit.subproblems.steihaug import Steihaug

__all__ = ["CLEAR", "CG", "GLTR", "Curvature", "DoglegPath", "Ends", "MoreSorensen", "Region", "Steihaug", "Subproblem",
           "SubspacePlane", "forcing", "lanczos", "lowest_curvature", "truncated_cg"]
