"""Cosine and sine transforms of scipy.fft, and the convolutions of scipy.signal that go through Fourier transforms."""

import math

import numpy as np
import scipy.fft

from ..primitive import Primitive, implements, implements_in, shape_of
from .complex import conjugate, is_complex
from .elementwise import float_type
from .fft import ANSWERS, REAL_GRID, _length, _norm, _plan, resized
from .shape import as_array, one_axis

_VALUES = {"cos": scipy.fft.dct, "sin": scipy.fft.dst}
_TRANSPOSED = {1: 1, 2: 3, 3: 2, 4: 4}


def _ends(x, axis: int, first: float, last: float):
    """Ones along an axis but for the ends."""
    w = np.ones(shape_of(x)[axis], float_type(x))
    w[0], w[-1] = w[0] * first, w[-1] * last
    return w.reshape((-1,) + (1,) * (len(shape_of(x)) - 1 - axis))


# (kind, type) -> weights (first, last) with which the transpose is right · transform of the other type · left.
# The matrices of types 2 and 3 are each other's transposes, those of types 1 and 4 symmetric, but for these.
_WEIGHTS = {("cos", 1): ((0.5, 0.5), (2.0, 2.0)), ("cos", 2): ((1.0, 1.0), (2.0, 1.0)),
            ("cos", 3): ((0.5, 1.0), (1.0, 1.0)), ("sin", 2): ((1.0, 1.0), (1.0, 2.0)),
            ("sin", 3): ((1.0, 0.5), (1.0, 1.0))}


def _transpose(ct, x, kind, type, axis):
    after, before = _WEIGHTS.get((kind, type), (None, None))
    if before not in (None, (1.0, 1.0)):
        ct = ct * _ends(ct, axis, *before)
    out = TRIG(ct, kind=kind, type=_TRANSPOSED[type], axis=axis)
    return out if after in (None, (1.0, 1.0)) else out * _ends(out, axis, *after)


TRIG = Primitive("dct", lambda x, kind, type, axis: _VALUES[kind](x, type, axis=axis),
                 lambda x, kind, type, axis: (shape_of(x), float_type(x)), transpose=(_transpose,),
                 samples=tuple([((REAL_GRID,), {"kind": kind, "type": type, "axis": type % 2})
                                for kind in _VALUES for type in (1, 2, 3, 4)]))

# What norm="ortho" does to the ends: (before, after) the unnormalised transform, by multiples of √2.
_ROOT = math.sqrt(2.0)
_ORTHO = {("cos", 1): ((_ROOT, _ROOT), (1 / _ROOT, 1 / _ROOT)), ("cos", 2): (None, (1 / _ROOT, 1.0)),
          ("cos", 3): ((_ROOT, 1.0), None), ("sin", 2): (None, (1.0, 1 / _ROOT)), ("sin", 3): ((1.0, _ROOT), None)}


def _along(x, kind: str, type: int, axis: int, norm: str, orthogonal: bool, inverse: bool):
    n = shape_of(x)[axis]
    doubled = 2 * (n - 1 if (kind, type) == ("cos", 1) else n + 1 if (kind, type) == ("sin", 1) else n)
    scale = {"backward": 1.0 / doubled if inverse else 1.0, "ortho": 1.0 / math.sqrt(doubled),
             "forward": 1.0 if inverse else 1.0 / doubled}[norm]
    type = _TRANSPOSED[type] if inverse else type
    before, after = _ORTHO.get((kind, type), (None, None)) if orthogonal else (None, None)
    x = x if before is None else x * _ends(x, axis, *before)
    x = TRIG(x, kind=kind, type=type, axis=axis)
    x = x if after is None else x * _ends(x, axis, *after)
    return x if scale == 1.0 else x * scale


def _one(kind: str, inverse: bool):
    def answer(x, type=2, n=None, axis=-1, norm=None, overwrite_x=False, workers=None, orthogonalize=None):
        x = as_array(x)
        axis = one_axis(axis, x.ndim)
        x = x if n is None else resized(x, _length(n), axis)
        orthogonal = norm == "ortho" if orthogonalize is None else orthogonalize
        return _along(x, kind, type, axis, _norm(norm), orthogonal, inverse)
    return answer


def _many(kind: str, inverse: bool):
    def answer(x, type=2, s=None, axes=None, norm=None, overwrite_x=False, workers=None, orthogonalize=None):
        x = as_array(x)
        axes = (axes,) if isinstance(axes, int) else axes
        axes, lengths = _plan(x, (s,) if isinstance(s, int) else s, axes)
        orthogonal = norm == "ortho" if orthogonalize is None else orthogonalize
        for axis, n in zip(axes, lengths, strict=True):
            x = _along(resized(x, n, axis), kind, type, axis, _norm(norm), orthogonal, inverse)
        return x
    return answer


for _kind, _letter in {"cos": "c", "sin": "s"}.items():
    for _inverse, _prefix in {False: "d", True: "id"}.items():
        implements(getattr(scipy.fft, f"{_prefix}{_letter}t"))(_one(_kind, _inverse))
        implements(getattr(scipy.fft, f"{_prefix}{_letter}tn"))(_many(_kind, _inverse))

# --- convolutions -----------------------------------------------------------------------------------------------------


def _product(a, b, axes: tuple[int, ...]):
    """The full convolution along axes, through spectra of a fast length."""
    full = [shape_of(a)[k] + shape_of(b)[k] - 1 for k in axes]
    fast = [scipy.fft.next_fast_len(n, not (is_complex(a) or is_complex(b))) for n in full]
    forth, back = ("fftn", "ifftn") if is_complex(a) or is_complex(b) else ("rfftn", "irfftn")
    spectrum = ANSWERS[forth](a, fast, axes) * ANSWERS[forth](b, fast, axes)
    out = ANSWERS[back](spectrum, fast, axes)
    for k, n in zip(axes, full, strict=True):
        out = resized(out, n, k)
    return out


def _middle(out, shape: tuple[int, ...], axes):
    """The centre of the full convolution, as large as `shape` along axes."""
    index = [slice(None)] * len(shape_of(out))
    for k in axes:
        start = (shape_of(out)[k] - shape[k]) // 2
        index[k] = slice(start, start + shape[k])
    return out[tuple(index)]


def _convolve(in1, in2, mode="full", axes=None):
    a, b = as_array(in1), as_array(in2)
    if a.ndim != b.ndim:
        raise ValueError("in1 and in2 should have the same dimensionality")
    axes = tuple([one_axis(k, a.ndim) for k in (range(a.ndim) if axes is None else np.atleast_1d(axes))])
    if not axes:
        return a * b
    first, second = (tuple([s if k in axes else max(s, t) for k, (s, t) in enumerate(zip(*pair, strict=True))])
                     for pair in ((a.shape, b.shape), (b.shape, a.shape)))
    if mode == "valid" and any(first[k] < second[k] for k in axes):
        if any(first[k] > second[k] for k in axes):
            raise ValueError("For 'valid' mode, one must be at least as large as the other in every dimension")
        first, second = second, first
    out = _product(a, b, axes)
    if mode == "full":
        return out
    if mode not in ("same", "valid"):
        raise ValueError("acceptable mode flags are 'valid', 'same', or 'full'")
    sizes = first if mode == "same" else [s - t + 1 for s, t in zip(first, second, strict=True)]
    return _middle(out, tuple(sizes), axes)


def _turned(x):
    return conjugate(x[(slice(None, None, -1),) * len(shape_of(x))])


@implements_in("scipy.signal", "correlate")
def correlate(in1, in2, mode="full", method="auto"):
    """The convolution with the reversed conjugate; in mode 'valid' with the larger array in second place, reversed."""
    a, b = as_array(in1), as_array(in2)
    if mode == "valid" and any(s < t for s, t in zip(a.shape, b.shape, strict=True)):
        return _turned(_convolve(b, _turned(a), mode))
    return _convolve(a, _turned(b), mode)


implements_in("scipy.signal", "fftconvolve", "oaconvolve")(_convolve)
implements_in("scipy.signal", "convolve")(lambda in1, in2, mode="full", method="auto": _convolve(in1, in2, mode))
