"""Pictures of how solvers converged. Each returns a Figure, draws on `ax` if given, saves to `path` if given."""

from .contours import contours, path
from .convergence import convergence
from .convexity import convexity
from .graph import graph
from .profile import performance_profile
from .waterfall import waterfall

__all__ = ["contours", "convergence", "convexity", "graph", "path", "performance_profile", "waterfall"]
