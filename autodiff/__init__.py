"""Derivatives of plain NumPy: one recorded graph, many interpreters."""

from . import finite_difference, primitives, pytree, simplify  # noqa: F401 - importing the tables registers them
from .bounds import bounds
from .check import check_grads
from .checkpoint import checkpoint
from .custom import custom_jvp, custom_vjp, elementwise
from .errors import TraceError
from .function import Function
from .graph import Graph
from .implicit import fixed_point, implicit_minimum, implicit_root
from .primitive import Primitive, Tracer
from .primitives.elementwise import stop_gradient
from .recording import trace
from .series import derivatives, taylor
from .sparse_derivatives import sparse_hessian, sparse_jacobian
from .transforms import compile, grad, hessian, hvp, jacobian, jvp, linearize, value_and_grad, vjp
from .trust import Trust

__all__ = [
    "Function", "Graph", "Primitive", "TraceError", "Tracer", "Trust", "bounds", "check_grads", "checkpoint", "compile",
    "custom_jvp", "custom_vjp", "derivatives", "elementwise", "finite_difference", "fixed_point", "grad", "hessian",
    "hvp", "implicit_minimum", "implicit_root", "jacobian", "jvp", "linearize", "pytree", "sparse_hessian",
    "sparse_jacobian", "stop_gradient", "taylor", "trace", "value_and_grad", "vjp"]
