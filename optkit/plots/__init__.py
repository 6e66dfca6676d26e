"""Pictures of how solvers converged. Each returns a Figure, draws on `ax` if given, saves to `path` if given."""

from .contours import path
from .convergence import convergence
from .convexity import convexity
from .profile import performance_profile

__all__ = ["convergence", "convexity", "path", "performance_profile"]
