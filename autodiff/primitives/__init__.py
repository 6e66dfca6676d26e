"""The tables: one row an operation. Importing this package registers all of them."""

from . import contraction, elementwise, indexing, linalg, methods, reductions, shape

__all__ = ["contraction", "elementwise", "indexing", "linalg", "methods", "reductions", "shape"]
