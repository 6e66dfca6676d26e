"""Derivatives of plain NumPy: one recorded graph, many interpreters."""

from . import finite_difference, primitives, pytree, simplify  # noqa: F401 - importing the tables registers them
from .check import check_grads
from .checkpoint import checkpoint
from .errors import TraceError
from .function import Function
from .graph import Graph
from .primitive import Primitive, Tracer
from .primitives.elementwise import stop_gradient
from .recording import trace
from .transforms import compile, grad, hessian, hvp, jacobian, jvp, linearize, value_and_grad, vjp
from .trust import Trust

__all__ = [
    "Function", "Graph", "Primitive", "TraceError", "Tracer", "Trust", "check_grads", "checkpoint", "compile",
    "finite_difference", "grad", "hessian", "hvp", "jacobian", "jvp", "linearize", "pytree", "stop_gradient", "trace",
    "value_and_grad", "vjp"]
