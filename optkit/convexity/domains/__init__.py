"""Where a function is examined: convex sets that can be sampled, cut by a line and projected onto."""

from .ball import Ball
from .box import Box, PositiveOrthant
from .encoding import KINDS, from_json
from .intersection import Intersection
from .matrices import PositiveDefinite, SymmetricMatrices
from .membership import Domain
from .polyhedron import AffineSubspace, Polyhedron
from .product import Product
from .reduced import Reduced
from .region import Matrix, Region, Vector
from .simplex import Simplex
from .spreading import low_discrepancy

__all__ = ["KINDS", "AffineSubspace", "Ball", "Box", "Domain", "Intersection", "Matrix", "Polyhedron",
           "PositiveDefinite", "PositiveOrthant", "Product", "Reduced", "Region", "Simplex", "SymmetricMatrices",
           "Vector", "from_json", "low_discrepancy"]
