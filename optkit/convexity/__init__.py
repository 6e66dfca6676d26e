"""Is f convex here, and how strongly? Refutation with verified witnesses, and estimates of mu, L and kappa."""

from .alone import (
    affine,
    concave,
    definition,
    epigraph,
    exponentially_convex,
    first_order,
    jensen,
    jensen_integral,
    l_natural,
    lines,
    local_is_global,
    log_concave,
    log_convex,
    operator_convex,
    pseudoconvex,
    quasiconvex,
    second_order,
    strict,
    strong_definition,
    strong_first_order,
    strong_second_order,
    sublevel,
)
from .checking import check
from .criteria import CRITERIA, FURTHER
from .domains import (
    AffineSubspace,
    Ball,
    Box,
    Domain,
    Intersection,
    Polyhedron,
    PositiveDefinite,
    PositiveOrthant,
    Product,
    Region,
    Simplex,
    SymmetricMatrices,
)
from .falsify import falsify
from .lipschitz import Lipschitz, lipschitz
from .local import Local, local
from .natural import natural_domain
from .proof import Proof
from .properties import PROPERTIES
from .prove import prove
from .report import ConvexityReport
from .sets import SetReport, check_set
from .verdict import Bound, Verdict
from .verifier import Verified, verify
from .witness import Witness

__all__ = ["CRITERIA", "FURTHER", "PROPERTIES", "AffineSubspace", "Ball", "Bound", "Box", "ConvexityReport", "Domain",
           "Intersection", "Lipschitz", "Local", "Polyhedron", "PositiveDefinite", "PositiveOrthant", "Product",
           "Proof", "Region", "Simplex", "SetReport", "SymmetricMatrices", "Verdict", "Verified", "Witness", "affine",
           "check", "check_set", "concave", "definition", "epigraph", "exponentially_convex", "falsify", "first_order",
           "jensen", "jensen_integral", "l_natural", "lines", "lipschitz", "local", "local_is_global", "log_concave",
           "log_convex", "natural_domain", "operator_convex", "prove", "pseudoconvex", "quasiconvex", "second_order",
           "strict", "strong_definition", "strong_first_order", "strong_second_order", "sublevel", "verify"]
