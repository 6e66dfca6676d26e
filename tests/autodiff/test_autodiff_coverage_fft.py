"""Every function of numpy.fft, and of scipy.fft: differentiable, or not numeric; checked by behaviour."""

import numpy as np
import scipy.fft

from .coverage import Tables, behaviour, complete

X = np.array([[0.3, -1.2, 2.0, 0.7], [1.1, 0.4, -0.6, 0.9], [0.2, 1.5, -0.8, -1.4]])


def _parts(namespace, name: str):
    """Complex results as two real ones; SciPy's functions are looked up when called, as user code does."""
    def g(x):
        y = getattr(namespace, name)(x)
        return (np.real(y), np.imag(y)) if np.iscomplexobj(y) else y
    return g


def _all(namespace, names: str) -> dict:
    return {name: (_parts(namespace, name), X) for name in names.split()}


_MANY = "fft ifft rfft irfft hfft ihfft fft2 ifft2 rfft2 irfft2 fftn ifftn rfftn irfftn fftshift ifftshift"
NUMPY = Tables(_all(np.fft, _MANY), {}, {}, {"frequencies, from a length": "fftfreq rfftfreq", "pytest": "test"})
SCIPY = Tables(_all(scipy.fft, _MANY + " hfft2 ihfft2 hfftn ihfftn dct idct dst idst dctn idctn dstn idstn"), {},
               {"fht": (lambda x: scipy.fft.fht(x[0], 0.1, 0.5), X, ""),
                "ifht": (lambda x: scipy.fft.ifht(x[0], 0.1, 0.5), X, "")},
               {"from lengths": "fftfreq rfftfreq next_fast_len prev_fast_len fhtoffset", "settings":
                "set_backend skip_backend set_global_backend register_backend get_workers set_workers test"})

test_numpy_complete, test_scipy_complete = complete(np.fft, NUMPY), complete(scipy.fft, SCIPY)
test_numpy_differentiable, _, _ = behaviour(NUMPY)
test_scipy_differentiable, _, test_scipy_refused = behaviour(SCIPY)
