"""Is f convex here, and how strongly? Refutation with verified witnesses, and estimates of mu, L and kappa."""

from .checking import PROPERTIES, check
from .criteria import CRITERIA
from .domains import Ball, Box, Domain, PositiveOrthant
from .report import ConvexityReport
from .verdict import Bound, Verdict
from .witness import Witness

__all__ = ["CRITERIA", "PROPERTIES", "Ball", "Bound", "Box", "ConvexityReport", "Domain", "PositiveOrthant", "Verdict",
           "Witness", "check"]
