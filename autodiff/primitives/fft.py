"""Fourier transforms: numpy.fft, scipy.fft, and the convolutions of scipy.signal.

Three linear rows carry them all: the complex transform over axes (its matrix is symmetric), and the half spectra from
and to real arrays, linear over the reals and each other's adjoints up to weights. Lengths are cut or padded before.
"""

import operator

import numpy as np
import scipy.fft

from ..primitive import Primitive, implements, shape_of
from .complex import conjugate, is_complex
from .shape import as_array, concatenate, one_axis, store

_C64, _C128 = np.dtype(np.complex64), np.dtype(np.complex128)
NORMS = {None: "backward", "backward": "backward", "ortho": "ortho", "forward": "forward"}
SWAPPED = {"backward": "forward", "ortho": "ortho", "forward": "backward"}
REAL_GRID = np.array([[0.3, -1.2, 2.0, 0.7], [1.1, 0.4, -0.6, 0.9], [0.2, 1.5, -0.8, -1.4]])
GRID = REAL_GRID + 1j * REAL_GRID[::-1]


def _complex_type(x):
    return _C64 if x.dtype in (np.float16, np.float32, _C64) else _C128


def _real_type(x):
    return np.dtype(np.float32) if _complex_type(x) == _C64 else np.dtype(np.float64)


def _weights(x, axis: int, length: int, middle: float, dtype):
    """1 at frequency 0 and at the highest of an even length, `middle` between."""
    w = np.full(length // 2 + 1, middle, dtype)
    w[0] = 1.0
    if length % 2 == 0:
        w[-1] = 1.0
    return w.reshape((-1,) + (1,) * (len(shape_of(x)) - 1 - axis))


def _fft_value(x, axes, inverse, norm):
    return (np.fft.ifftn if inverse else np.fft.fftn)(x, axes=axes, norm=norm)


def _rfft_shape(x, axis, norm):
    return (*x.shape[:axis], x.shape[axis] // 2 + 1, *x.shape[axis + 1:]), _complex_type(x)


def _rfft_transpose(ct, x, axis, norm):
    """x ↦ Re Σ c_k e^{−2πijk/n}: what irfft does with half of the conjugate, whose interior it counts twice."""
    n = x.shape[axis]
    half = conjugate(ct) * _weights(ct, axis, n, 0.5, _real_type(x))
    return IRFFT(half, n=n, axis=axis, norm=SWAPPED[norm])


def _irfft_transpose(ct, x, n, axis, norm):
    spectrum = conjugate(RFFT(ct, axis=axis, norm=SWAPPED[norm]))
    return spectrum * _weights(ct, axis, n, 2.0, _real_type(x))


FFT = Primitive("fft", _fft_value, lambda x, axes, inverse, norm: (x.shape, _complex_type(x)),
                transpose=(lambda ct, x, **how: FFT(ct, **how),),
                samples=(((GRID,), {"axes": (1,), "inverse": False, "norm": "backward"}),
                         ((REAL_GRID,), {"axes": (0, 1), "inverse": True, "norm": "ortho"})))
RFFT = Primitive("rfft", lambda x, axis, norm: np.fft.rfft(x, axis=axis, norm=norm), _rfft_shape,
                 transpose=(_rfft_transpose,), samples=(((REAL_GRID,), {"axis": 0, "norm": "forward"}),
                                                        ((REAL_GRID,), {"axis": 1, "norm": "ortho"})))
IRFFT = Primitive("irfft", lambda x, n, axis, norm: np.fft.irfft(x, n, axis, norm),
                  lambda x, n, axis, norm: ((*x.shape[:axis], n, *x.shape[axis + 1:]), _real_type(x)),
                  transpose=(_irfft_transpose,), samples=(((GRID,), {"n": 5, "axis": 0, "norm": "backward"}),
                                                          ((GRID,), {"n": 6, "axis": 1, "norm": "ortho"})))


# --- arguments --------------------------------------------------------------------------------------------------------


def _norm(norm) -> str:
    if norm not in NORMS:
        raise ValueError(f"Invalid norm value {norm}; should be \"backward\", \"ortho\" or \"forward\".")
    return NORMS[norm]


def _length(n, name: str = "data points") -> int:
    n = operator.index(n)
    if n < 1:
        raise ValueError(f"Invalid number of {name} ({n}) specified.")
    return n


def resized(x, n: int, axis: int):
    """x cut or padded with zeros to n entries along an axis."""
    size = shape_of(x)[axis]
    if n < size:
        return x[(slice(None),) * axis + (slice(0, n),)]
    if n == size:
        return x
    shape = shape_of(x)
    return concatenate([x, np.zeros((*shape[:axis], n - size, *shape[axis + 1:]), x.dtype)], axis)


def _plan(x, s, axes) -> tuple[tuple[int, ...], list[int]]:
    """(axes, lengths) of a transform over several axes; a length −1 or None keeps the axis as it is."""
    shape = shape_of(x)
    if axes is None:
        axes = range(len(shape)) if s is None else range(len(shape) - len(s), len(shape))
    axes = tuple([one_axis(a, len(shape)) for a in axes])
    lengths = [None] * len(axes) if s is None else list(s)
    if len(lengths) != len(axes):
        raise ValueError("Shape and axes have different lengths.")
    return axes, [shape[a] if n is None or n == -1 else _length(n) for n, a in zip(lengths, axes, strict=True)]


# --- transforms of numpy.fft ------------------------------------------------------------------------------------------


def _complex(inverse: bool):
    def answer(a, n=None, axis=-1, norm=None, out=None):
        a = as_array(a)
        axis = one_axis(axis, a.ndim)
        a = a if n is None else resized(a, _length(n), axis)
        return store("fft", out, FFT(a, axes=(axis,), inverse=inverse, norm=_norm(norm)))
    return answer


def _complex_nd(inverse: bool, default):
    def answer(a, s=None, axes=default, norm=None, out=None):
        a = as_array(a)
        axes, lengths = _plan(a, s, axes)
        for axis, n in zip(axes, lengths, strict=True):
            a = resized(a, n, axis)
        steps = [axes] if len(set(axes)) == len(axes) else [(axis,) for axis in axes[::-1]]
        for step in steps if axes else ():
            a = FFT(a, axes=step, inverse=inverse, norm=_norm(norm))
        return store("fftn", out, a)
    return answer


_FFTN, _IFFTN = _complex_nd(False, None), _complex_nd(True, None)


def _rfft(a, n=None, axis=-1, norm=None, out=None):
    a = as_array(a)
    if is_complex(a):
        raise TypeError("rfft takes real arrays; use fft")
    axis = one_axis(axis, a.ndim)
    a = a if n is None else resized(a, _length(n), axis)
    return store("rfft", out, RFFT(a, axis=axis, norm=_norm(norm)))


def _irfft(a, n=None, axis=-1, norm=None, out=None):
    a = as_array(a)
    axis = one_axis(axis, a.ndim)
    n = 2 * (a.shape[axis] - 1) if n is None else n
    n = _length(n)
    return store("irfft", out, IRFFT(resized(a, n // 2 + 1, axis), n=n, axis=axis, norm=_norm(norm)))


def _rfftn_default(default):
    def answer(a, s=None, axes=default, norm=None, out=None):
        a = as_array(a)
        axes, lengths = _plan(a, s, axes)
        a = _rfft(a, lengths[-1], axes[-1], norm)
        return store("rfftn", out, _FFTN(a, lengths[:-1], axes[:-1], norm) if axes[:-1] else a)
    return answer


def _irfftn_default(default):
    def answer(a, s=None, axes=default, norm=None, out=None):
        a = as_array(a)
        kept = s is None or s[-1] in (None, -1)
        axes, lengths = _plan(a, s, axes)
        last = 2 * (a.shape[axes[-1]] - 1) if kept else lengths[-1]
        a = _IFFTN(a, lengths[:-1], axes[:-1], norm) if axes[:-1] else a
        return store("irfftn", out, _irfft(a, last, axes[-1], norm))
    return answer


def _hfft(a, n=None, axis=-1, norm=None, out=None):
    return store("hfft", out, _irfft(conjugate(as_array(a)), n, axis, SWAPPED[_norm(norm)]))


def _ihfft(a, n=None, axis=-1, norm=None, out=None):
    return store("ihfft", out, conjugate(_rfft(a, n, axis, SWAPPED[_norm(norm)])))


def _shifted(sign: int):
    def answer(x, axes=None):
        axes = range(x.ndim) if axes is None else (axes,) if isinstance(axes, (int, np.integer)) else axes
        axes = tuple([one_axis(a, x.ndim) for a in axes])
        half = [x.shape[a] // 2 if sign > 0 else -(x.shape[a] // 2) for a in axes]
        return np.roll(x, half, axes)
    return answer


_LAST = (-2, -1)
ANSWERS = {
    "fft": _complex(False), "ifft": _complex(True), "fftn": _FFTN, "ifftn": _IFFTN,
    "fft2": _complex_nd(False, _LAST), "ifft2": _complex_nd(True, _LAST), "rfft": _rfft, "irfft": _irfft,
    "rfftn": _rfftn_default(None), "irfftn": _irfftn_default(None), "rfft2": _rfftn_default(_LAST),
    "irfft2": _irfftn_default(_LAST), "hfft": _hfft, "ihfft": _ihfft, "fftshift": _shifted(1),
    "ifftshift": _shifted(-1)}


def _hermitian(answer, conjugated_first: bool):
    """hfftn and ihfftn of SciPy, through the transforms of half spectra."""
    def call(x, s=None, axes=None, norm=None):
        swapped = SWAPPED[_norm(norm)]
        if conjugated_first:
            return answer(conjugate(as_array(x)), s, axes, swapped)
        return conjugate(answer(x, s, axes, swapped))
    return call


def _scipy(answer):
    """SciPy's arguments: overwrite_x, workers and plan change nothing."""
    def call(x, *args, overwrite_x=False, workers=None, plan=None, **kwargs):
        return answer(x, *args[:3], **kwargs)        # (further ones by position are overwrite_x and workers)
    return call


_TWINS = ANSWERS | {"hfftn": _hermitian(ANSWERS["irfftn"], True),
                    "ihfftn": _hermitian(ANSWERS["rfftn"], False)}
_TWINS |= {"hfft2": lambda x, s=None, axes=_LAST, norm=None: _TWINS["hfftn"](x, s, axes, norm),
           "ihfft2": lambda x, s=None, axes=_LAST, norm=None: _TWINS["ihfftn"](x, s, axes, norm)}
for _name, _answer in ANSWERS.items():
    implements(getattr(np.fft, _name))(_answer)
for _name, _answer in _TWINS.items():
    implements(getattr(scipy.fft, _name))(_scipy(_answer))
