"""Functions of a matrix: exponential, logarithm, powers, trigonometric and hyperbolic ones, to every order.

The derivative of f at A along E₁ … E_k is the upper right block of f at the block triangular matrix A_k, where A_0 = A
and A_j = [[A_{j−1}, I⊗E_j], [0, A_{j−1}]] (Higham 2008, §3.1–3.2; Mathias 1996). Its inner product with Cᵀ is symmetric
in C, E₁, …, E_k: that gives the adjoint.
"""

import warnings

import numpy as np
import scipy.linalg

from ..errors import TraceError
from ..primitive import Primitive, Tracer, implements
from .complex import is_complex
from .contraction import MATMUL
from .decompositions import POLAR
from .elementwise import astype, float_type
from .linalg import DEFINITE, RIGHT, SQUARE, STACKED, arrays, mH, mT, square_shape
from .shape import _Parts
from .structured import doubled

_NAMES = ("expm", "logm", "sqrtm", "sinm", "cosm", "tanm", "sinhm", "coshm", "tanhm", "fractional_matrix_power")
_ORIGINAL = {name: getattr(scipy.linalg, name) for name in _NAMES}


def _of_stack(f: str, power, a):
    """f of each matrix of a stack."""
    if a.ndim == 2:
        return _ORIGINAL[f](a) if power is None else _ORIGINAL[f](a, power)
    flat = [_of_stack(f, power, part) for part in a.reshape(-1, *a.shape[-2:])]
    return np.reshape(flat, a.shape) if flat else a


def _value(a, *directions, f, power):
    n, matrix = a.shape[-1], a
    if not a.size:
        return np.zeros(a.shape, float_type(a, *directions))
    for count, e in enumerate(directions):
        above = np.reshape([np.kron(np.eye(2 ** count), part) for part in e.reshape(-1, n, n)], matrix.shape)
        matrix = np.block([[matrix, above], [np.zeros_like(matrix), matrix]])
    dtype = float_type(a, *directions)
    with warnings.catch_warnings():
        if directions:                           # (SciPy's own estimate for logm is for A, not for its derivatives)
            warnings.simplefilter("ignore", RuntimeWarning)
        out = _of_stack(f, power, matrix.astype(dtype, copy=False))[..., :n, matrix.shape[-1] - n:]
    if out.dtype.kind == "c" != dtype.kind:
        raise TraceError(f"scipy.linalg.{f} of this real matrix is complex", "pass A.astype(complex)")
    return out.astype(dtype, copy=False)


def _shape(a, *directions, f, power):
    square_shape(a)
    return np.broadcast_shapes(a.shape, *(e.shape for e in directions)), float_type(a, *directions)


def _tangent(out, inputs, tangents, **params):
    """One more direction along A; linear in each of the others."""
    a, *directions = inputs
    total = None if tangents[0] is None else MATRIX_FUNCTION(a, tangents[0], *directions, **params)
    for k, t in enumerate(tangents[1:]):
        if t is not None:
            part = MATRIX_FUNCTION(a, *directions[:k], t, *directions[k + 1:], **params)
            total = part if total is None else total + part
    return total


def _part(number: int):
    if number == 0:
        return None

    def part(ct, a, *directions, **params):
        return mT(MATRIX_FUNCTION(a, mT(ct), *directions[:number - 1], *directions[number:], **params))
    return part


_EXPM = {"f": "expm", "power": None}
MATRIX_FUNCTION = Primitive("matrix_function", _value, _shape, jvp=_tangent, transpose=_Parts(_part), samples=(
    ((SQUARE,), _EXPM), ((SQUARE, DEFINITE), _EXPM), ((SQUARE, DEFINITE, RIGHT @ RIGHT.T), _EXPM), ((STACKED,), _EXPM),
    ((DEFINITE,), {"f": "sqrtm", "power": None}), ((SQUARE,), {"f": "logm", "power": None})))


def matrix_function(a, f: str, power=None):
    a = doubled(a) if f in ("logm", "fractional_matrix_power") else arrays(a)[0]
    if not is_complex(a) and f in ("logm", "sqrtm", "fractional_matrix_power"):
        known = a.value if isinstance(a, Tracer) else a
        if known is not None and np.iscomplexobj(_of_stack(f, power, known)):
            a = astype(a, np.result_type(a.dtype, np.complex64))
    return MATRIX_FUNCTION(a, f=f, power=power)


def _answer(f: str):
    def answer(A, *options, **more):
        if options or more:
            raise TraceError(f"scipy.linalg.{f}: options are not supported on traced values",
                             f"call scipy.linalg.{f}(A)")
        return matrix_function(A, f)
    return answer


for _name in _NAMES[:-1]:
    implements(_ORIGINAL[_name])(_answer(_name))


@implements(_ORIGINAL["fractional_matrix_power"])
def _fractional_matrix_power(A, t):
    if isinstance(t, Tracer):
        raise TraceError("scipy.linalg.fractional_matrix_power: no derivative rule for the power t",
                         "write scipy.linalg.expm(t * scipy.linalg.logm(A))")
    return matrix_function(A, "fractional_matrix_power", float(t))


@implements(scipy.linalg.expm_frechet)
def _expm_frechet(A, E, method=None, compute_expm=True, check_finite=True):
    A, E = doubled(A), doubled(E)
    change = MATRIX_FUNCTION(A, E, **_EXPM)
    return (matrix_function(A, "expm"), change) if compute_expm else change


@implements(scipy.linalg.polar)
def _polar(a, side="right"):
    """A = U P (or P U): U from the singular value decomposition, P = UᴴA."""
    a, = arrays(a)
    unitary = POLAR(a, whole=True)
    hermitian = MATMUL(mH(unitary), a) if side == "right" else MATMUL(a, mH(unitary))
    return unitary, 0.5 * (hermitian + mH(hermitian))
