"""Interpreters of a graph: evaluate, forward (tangents), reverse (the linear part run backwards)."""

from .evaluate import evaluate
from .forward import forward
from .reverse import reverse

__all__ = ["evaluate", "forward", "reverse"]
