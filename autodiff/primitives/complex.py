"""Complex numbers: real and imaginary parts, the conjugate, and what NumPy builds from them.

The pairing is ⟨c, t⟩ = Re Σ c·t, so that the derivative of a holomorphic function is its own transpose and the gradient
of a real function of z = x + iy is ∂f/∂x − i ∂f/∂y. The cotangent of a real node is the real part of what reaches it.
"""

import numpy as np

from ..errors import TraceError
from ..primitive import UFUNCS, Primitive, implements, shape_of
from .elementwise import same_type
from .shape import view

POINT = ((np.array([[1.0 + 2.0j, -0.3 + 0.4j]]),),)


def is_complex(x) -> bool:
    return type(x) is complex or getattr(getattr(x, "dtype", None), "kind", "") == "c"


def _part_type(x):
    return shape_of(x), np.dtype(np.float32 if x.dtype == np.complex64 else np.float64)


REAL = Primitive("real", np.real, _part_type, transpose=(lambda ct, x: ct,), view=True, samples=POINT)
IMAG = Primitive("imag", np.imag, _part_type, transpose=(lambda ct, x: -1j * ct,), view=True, samples=POINT)
CONJ = Primitive("conjugate", np.conjugate, lambda x: (shape_of(x), same_type(x)),
                 transpose=(lambda ct, x: np.conjugate(ct),), samples=POINT)


@implements(np.real)
def real(x):
    return view(x, REAL(x), lambda new: new + 1j * IMAG(x), REAL) if is_complex(x) else x


@implements(np.imag)
def imag(x):
    return view(x, IMAG(x), lambda new: REAL(x) + 1j * new, IMAG) if is_complex(x) else np.zeros(shape_of(x))[()]


def conjugate(x):
    return CONJ(x) if is_complex(x) else x


def _absolute(z):
    return np.hypot(real(z), imag(z))


def _sign(z):
    """z/|z|, and 0 at 0."""
    size = np.absolute(z)
    return z / np.where(size == 0, 1.0, size)


@implements(np.angle)
def _np_angle(z, deg=False):
    angle = np.arctan2(imag(z), real(z))
    return angle * (180 / np.pi) if deg else angle


@implements(np.real_if_close)
def _np_real_if_close(a, tol=100):
    """The real part where all imaginary parts are rounding: a branch on values, guarded."""
    if not is_complex(a):
        return a
    limit = tol * float(np.finfo(a.dtype).eps) if tol > 1 else tol
    return real(a) if np.all(np.absolute(imag(a)) < limit) else a


for _function, _answer in {np.iscomplexobj: is_complex, np.isrealobj: lambda x: not is_complex(x),
                           np.isreal: lambda x: imag(x) == 0, np.iscomplex: lambda x: imag(x) != 0}.items():
    implements(_function)(_answer)


def _unordered(name):
    def refuse(*inputs):
        raise TraceError(f"np.{name} of complex numbers has no derivative rule",
                         "compare real parts or absolute values")
    return refuse


UFUNCS[np.conjugate] = CONJ
UFUNCS[np.absolute].complex, UFUNCS[np.sign].complex = _absolute, _sign
for _ufunc in (np.maximum, np.minimum, np.fmax, np.fmin):
    UFUNCS[_ufunc].complex = _unordered(_ufunc.__name__)
